package lint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
)

// PolicyType is what a policy is attached to, as far as its file tells.
type PolicyType string

// The types. The zero value is a policy document that may be any of them.
const (
	Unattached PolicyType = ""
	SCP        PolicyType = "scp"      // a service control policy
	Managed    PolicyType = "managed"  // a managed policy of the account
	ManagedAWS PolicyType = "aws"      // one of AWS's own, which nobody else can change
	Inline     PolicyType = "inline"   // inline in a role, a user or a group
	Boundary   PolicyType = "boundary" // used as a permissions boundary, and as nothing else
)

// Where is a place in a file.
type Where struct {
	File string // empty: the policy was read from an account
	Line int    // from 1; 0 where it cannot be told
	Path string // JSON path, for example Statement[0].Condition.Null
}

// Policy is one policy document.
type Policy struct {
	Name       string
	ARN        string // may be empty
	Type       PolicyType
	Version    string
	Statements []*Statement
	Where      Where
}

// Effect is what a statement does.
type Effect string

// The effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Statement is one statement of a policy.
type Statement struct {
	Policy      *Policy
	Index       int
	Sid         string
	Effect      Effect
	Actions     []Pattern
	NotAction   bool // Actions are those that it is not about
	Resources   []Pattern
	NotResource bool // Resources are those that it is not about
	Conditions  []Condition
	Where       Where
}

// Pattern is an action or a resource as a policy writes it.
type Pattern struct {
	Text  string
	Open  bool // the text is not known: it has a variable, or comes from a template
	Where Where

	lower string // the text in small letters
}

// Condition is one key of the condition block of a statement.
type Condition struct {
	Operator condition.Operator
	// Known says that the operator is one that AWS documents.
	Known  bool
	Key    string // as written; keys are not case-sensitive
	Values []condition.Operand
	Where  Where

	set *setting // of the network that the key shows; nil: of none

	compared *condition.Comparison // the values, once they have been compared
}

// eval says whether the condition is met by a request in which the key has the given
// values.
func (c *Condition) eval(key condition.Key, request []string) (t condition.Truth, why string) {
	return c.comparison().Eval(key, request)
}

// comparison is the operator with the values.
func (c *Condition) comparison() *condition.Comparison {
	if c.compared == nil {
		c.compared = c.Operator.With(c.Values)
	}
	return c.compared
}

// label is how messages name a statement.
func (s *Statement) label() string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("Statement[%d]", s.Index)
}

// parser reads one policy document. An error names the path of what is wrong.
type parser struct {
	policy *Policy
	place  func(path string) Where
	errs   []error
}

// errResourcePolicy says that a document is about one resource: it names the
// principals, which no SCP and no IAM policy does.
var errResourcePolicy = errors.New("it names a Principal, as policies of resources do: no SCP and no IAM policy")

// parse reads a policy document; place says where a path of it stands.
func parse(p *Policy, doc jsondoc.Value, place func(path string) Where) error {
	r := parser{policy: p, place: place}
	p.Where = place("")
	p.Version = exact(doc, "Version").Str()
	statements := exact(doc, "Statement")
	if statements.Kind() == jsondoc.Object {
		r.statement(0, "Statement", statements)
		return errors.Join(r.errs...)
	}
	if statements.Kind() != jsondoc.Array {
		return fmt.Errorf("%s: no Statement: a policy document has one, a list or an object", cmp.Or(place("").Path, "the document"))
	}
	for i, m := range statements.Members() {
		r.statement(i, fmt.Sprintf("Statement[%d]", i), m.Value)
	}
	return errors.Join(r.errs...)
}

// exact is the member with exactly this name: IAM's element names have one spelling.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func exact(v jsondoc.Value, name string) jsondoc.Value {
	if v.Kind() != jsondoc.Object {
		return jsondoc.Value{}
	}
	for _, m := range v.Members() {
		if m.Name == name {
			return m.Value
		}
	}
	return jsondoc.Value{}
}

func (r *parser) fail(path, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", r.place(path).Path, fmt.Sprintf(format, args...)))
}

// elements are the names that a statement may have.
var elements = []string{"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"}

func (r *parser) statement(i int, path string, v jsondoc.Value) {
	if v.Kind() != jsondoc.Object {
		r.fail(path, "a statement is an object, this is %s", v.Kind())
		return
	}
	s := &Statement{Policy: r.policy, Index: i, Where: r.place(path)}
	for _, m := range v.Members() {
		if !slices.Contains(elements, m.Name) {
			r.fail(path+"."+m.Name, "a statement has no such element: want one of %s", strings.Join(elements, ", "))
			return
		}
	}
	for _, who := range []string{"Principal", "NotPrincipal"} {
		if exact(v, who).Kind() != jsondoc.Absent {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", r.place(path).Path, errResourcePolicy))
			return
		}
	}
	s.Sid = exact(v, "Sid").Str()
	switch e := exact(v, "Effect"); e.Str() {
	case "Allow", "Deny":
		s.Effect = Effect(e.Str())
	default:
		r.fail(path+".Effect", "want Allow or Deny")
		return
	}
	var ok bool
	if s.Actions, s.NotAction, ok = r.patterns(path, v, "Action", "NotAction"); !ok {
		return
	}
	if s.Resources, s.NotResource, ok = r.patterns(path, v, "Resource", "NotResource"); !ok {
		return
	}
	if s.Conditions, ok = r.conditions(path+".Condition", exact(v, "Condition")); ok {
		r.policy.Statements = append(r.policy.Statements, s)
	}
}

// patterns reads one of two elements that exclude each other.
func (r *parser) patterns(path string, v jsondoc.Value, plain, negated string) (out []Pattern, not, ok bool) {
	a, b := exact(v, plain), exact(v, negated)
	if (a.Kind() == jsondoc.Absent) == (b.Kind() == jsondoc.Absent) {
		r.fail(path, "want %s or %s, one of them", plain, negated)
		return nil, false, false
	}
	name := plain
	if a.Kind() == jsondoc.Absent {
		name, a, not = negated, b, true
	}
	at := path + "." + name
	list := []jsondoc.Member{{Value: a}}
	if a.Kind() == jsondoc.Array {
		list = a.Members()
	}
	for i, m := range list {
		here := at
		if a.Kind() == jsondoc.Array {
			here = fmt.Sprintf("%s[%d]", at, i)
		}
		text, isText := m.Value.Text()
		switch {
		case isText:
			out = append(out, Pattern{Text: text, Open: r.variables() && variable(text), Where: r.place(here), lower: strings.ToLower(text)})
		case m.Value.Kind() == jsondoc.Object: // an intrinsic function of a template
			out = append(out, Pattern{Open: true, Where: r.place(here)})
		default:
			r.fail(here, "want a string, this is %s", m.Value.Kind())
			return nil, false, false
		}
	}
	if len(out) == 0 {
		r.fail(at, "an empty list")
		return nil, false, false
	}
	return out, not, true
}

func (r *parser) conditions(path string, block jsondoc.Value) ([]Condition, bool) {
	var out []Condition
	switch block.Kind() {
	case jsondoc.Absent:
		return nil, true
	case jsondoc.Object:
	default:
		r.fail(path, "want an object, this is %s", block.Kind())
		return nil, false
	}
	for _, o := range block.Members() {
		op, known := condition.Parse(o.Name)
		if o.Value.Kind() != jsondoc.Object {
			r.fail(path+"."+o.Name, "want an object of condition keys, this is %s", o.Value.Kind())
			return nil, false
		}
		for _, k := range o.Value.Members() {
			at := path + "." + o.Name + "." + k.Name
			c := Condition{Operator: op, Known: known, Key: k.Name, Where: r.place(at)}
			c.set, _ = settingOf(k.Name)
			list := []jsondoc.Member{{Value: k.Value}}
			if k.Value.Kind() == jsondoc.Array {
				list = k.Value.Members()
			}
			for _, m := range list {
				operand, ok := r.operand(m.Value, op)
				if !ok {
					r.fail(at, "want strings, found %s", m.Value.Kind())
					return nil, false
				}
				c.Values = append(c.Values, operand)
			}
			out = append(out, c)
		}
	}
	return out, true
}

// operand reads a value to compare with. true, false and numbers may stand
// without quotation marks.
func (r *parser) operand(v jsondoc.Value, op condition.Operator) (condition.Operand, bool) {
	if text, ok := v.Text(); ok {
		open := variable(text) && r.variables() && op.Variables() || !r.variables() && strings.Contains(text, "${") && !variable(text)
		return condition.Operand{Text: text, Open: open}, true
	}
	if b, ok := v.Bool(); ok {
		return condition.Operand{Text: fmt.Sprint(b)}, true
	}
	if number, ok := v.Literal(); ok {
		return condition.Operand{Text: number}, true
	}
	// An intrinsic function of a template.
	return condition.Operand{Open: true}, v.Kind() == jsondoc.Object
}

// variables says whether ${...} is a variable: in documents of the current
// version only.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
func (r *parser) variables() bool { return r.policy.Version == currentVersion }

const currentVersion = "2012-10-17"

// variable says whether a text holds a policy variable. ${*}, ${?} and ${$} are
// characters.
func variable(s string) bool {
	for {
		_, after, found := strings.Cut(s, "${")
		if !found {
			return false
		}
		if len(after) < 2 || after[1] != '}' || strings.IndexByte("*?$", after[0]) < 0 {
			return true
		}
		s = after[2:]
	}
}
