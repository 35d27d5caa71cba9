package prevent

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// set is some values, or all but some. The zero set is everything.
type set struct {
	in     bool
	values []string // sorted, none twice
}

func only(values ...string) set { return set{true, sorted(values)} }
func allBut(values ...string) set {
	return set{false, sorted(values)}
}

func sorted(values []string) []string {
	out := slices.Clone(values)
	slices.Sort(out)
	return slices.Compact(out)
}

func (s set) everything() bool { return !s.in && len(s.values) == 0 }
func (s set) nothing() bool    { return s.in && len(s.values) == 0 }
func (s set) has(v string) bool {
	return slices.Contains(s.values, v) == s.in
}

func (s set) not() set { return set{!s.in, s.values} }

// and is what is in both.
func (s set) and(o set) set {
	switch {
	case s.in:
		return set{true, slices.DeleteFunc(slices.Clone(s.values), func(v string) bool { return !o.has(v) })}
	case o.in:
		return o.and(s)
	default:
		return allBut(slices.Concat(s.values, o.values)...)
	}
}

// within says whether all that is in s is in o.
func (s set) within(o set) bool { return s.and(o.not()).nothing() }

// tag is something about the tags of a request.
type tag struct {
	key, value string
	is         tagging
}

type tagging uint8

const (
	tagged    tagging = iota // there is the tag
	otherwise                // the tag with the key, in any case, has another value, or is not there
	keyless                  // there is no tag with the key, as it is spelled
)

// scope is some calls of one operation: whose, where, and on what. Its parts are
// joined by AND, as the parts of a statement are. The zero scope is every call.
type scope struct {
	accounts, regions, roles set
	tags                     []tag
	// names are patterns of the resource's name, one of which fits; none is any name.
	names []string
	// notNames are patterns of the name, none of which fits.
	notNames []string
	// notARNs are resources that are not meant.
	notARNs []string
}

// key is the same for the same scope.
func (s scope) key() string {
	out := must(json.Marshal([]any{
		s.accounts.in, s.accounts.values, s.regions.in, s.regions.values, s.roles.in, s.roles.values,
		len(s.tags), s.names, s.notNames, s.notARNs,
	}))
	for _, t := range s.tags {
		out = fmt.Sprintf("%s\x00%s\x00%s\x00%d", out, t.key, t.value, t.is)
	}
	return out
}

// empty says that no call can be in the scope.
func (s scope) empty() bool {
	return s.accounts.nothing() || s.regions.nothing() || s.roles.nothing()
}

// within says that every call in s is in o, as far as can be seen.
func (s scope) within(o scope) bool {
	return s.accounts.within(o.accounts) && s.regions.within(o.regions) && s.roles.within(o.roles) &&
		!slices.ContainsFunc(o.tags, func(t tag) bool { return !slices.Contains(s.tags, t) }) &&
		(o.names == nil || slices.Equal(s.names, o.names)) &&
		!slices.ContainsFunc(o.notNames, func(n string) bool { return !slices.Contains(s.notNames, n) }) &&
		!slices.ContainsFunc(o.notARNs, func(n string) bool { return !slices.Contains(s.notARNs, n) })
}

// and is the calls that are in both; ok is false where a statement cannot say so,
// or where there are none.
func (s scope) and(o scope) (out scope, ok bool) {
	out = scope{
		accounts: s.accounts.and(o.accounts), regions: s.regions.and(o.regions), roles: s.roles.and(o.roles),
		names: s.names, notNames: sorted(slices.Concat(s.notNames, o.notNames)), notARNs: sorted(slices.Concat(s.notARNs, o.notARNs)),
	}
	for _, t := range slices.Concat(s.tags, o.tags) {
		if !slices.Contains(out.tags, t) {
			out.tags = append(out.tags, t)
		}
	}
	slices.SortFunc(out.tags, func(a, b tag) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.value, b.value), cmp.Compare(a.is, b.is))
	})
	if s.names != nil && o.names != nil && !slices.Equal(s.names, o.names) {
		return scope{}, false
	}
	if s.names == nil {
		out.names = o.names
	}
	return out, !out.empty() && out.sayable()
}

// sayable says whether a statement can have the scope: it has resources that are
// meant or some that are not, and one tag whose key is spelled as it should be.
func (s scope) sayable() bool {
	if s.names != nil && (len(s.notNames) > 0 || len(s.notARNs) > 0) {
		return false
	}
	n := 0
	for _, t := range s.tags {
		if t.is == tagged {
			n++
		}
	}
	return n <= 1
}

// operation is a call of the table, with what a statement about it can ask for.
type operation struct {
	row  *kind.Row
	call *kind.Call
}

func (o operation) name() string { return o.call.Name }

func (o operation) has(key string) bool { return slices.Contains(o.call.Keys, key) }

// tagged says whether the request can carry tags.
func (o operation) tagged() bool { return o.call.Effect == kind.Creates }

// named says whether the ARN that IAM sees ends with the name that the rules
// compare: a cluster's has an id, and so has that of a domain yet to be created. A
// notebook instance's may have the name in small letters.
func (o operation) named() bool {
	return o.row.Resource != "" && o.call.Name != "CreateDomain" && !o.lowers()
}

// unnamed says why a statement cannot go by the name.
func (o operation) unnamed() string {
	if o.lowers() {
		return "AWS may write the name in small letters in the ARN that IAM sees"
	}
	return "the ARN that IAM sees has an id in place of the name"
}

// lowers says whether AWS may write a name in small letters in the ARN.
// https://github.com/aws/amazon-sagemaker-examples/issues/1798
// https://github.com/aws-samples/amazon-sagemaker-studio-vpc-blog/issues/5
func (o operation) lowers() bool {
	return slices.Contains([]kind.Kind{kind.App, kind.Endpoint, kind.NotebookInstance}, o.row.Kind)
}

// arns are the patterns of the ARNs of resources with a name that fits a pattern.
func (o operation) arns(pattern string) string {
	resource := o.row.Resource
	last := strings.LastIndexByte(resource, '{')
	out := resource[:last] + pattern
	for {
		before, rest, ok := strings.Cut(out, "{")
		if !ok {
			return "arn:*:sagemaker:*:*:" + out
		}
		_, after, _ := strings.Cut(rest, "}")
		out = before + "*" + after
	}
}

// variable says that IAM would take part of a text for a variable.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func variable(texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "${") })
}

// scopeOf is the calls of an operation that a match is about. why is not empty
// where a statement cannot say it.
func (o operation) scopeOf(m rules.Match) (s scope, why string) {
	if len(m.Accounts) > 0 && !slices.Contains(m.Accounts, "*") {
		s.accounts = only(m.Accounts...)
	}
	if len(m.Regions) > 0 {
		s.regions = only(m.Regions...)
	}
	if len(m.Roles) > 0 {
		s.roles = only(m.Roles...)
	}
	switch {
	case variable(m.Roles...):
		return s, "IAM takes ${ in a role's ARN for a variable"
	case len(m.Tags) > 0 && !o.tagged():
		return s, "the tags of a resource that exists are not in the request"
	case len(m.Tags) > 1:
		return s, "a statement can hold only one tag to the case of its key"
	case len(m.Names) > 0 && !o.named():
		return s, o.unnamed()
	}
	for key, value := range m.Tags {
		if variable(key, value) {
			return s, "IAM takes ${ in a tag for a variable"
		}
		s.tags = []tag{{key, value, tagged}}
	}
	if len(m.Names) > 0 {
		s.names = sorted(m.Names)
	}
	return s, ""
}

// without takes the calls that a match is about out of scopes. exact is false where
// a statement cannot say which these are; then more is taken out.
func (o operation) without(scopes []scope, m rules.Match) (out []scope, exact bool) {
	cuts, exact := o.cuts(m)
	for _, s := range scopes {
		for _, cut := range cuts {
			if len(cut.notARNs) > 0 && s.names != nil {
				// Only resources with such a name are meant.
				cut.notARNs = slices.DeleteFunc(slices.Clone(cut.notARNs), func(arn string) bool { return !fits(s.names, arn) })
			}
			piece, ok := s.and(cut)
			switch {
			case ok:
				out = append(out, piece)
			case !piece.empty():
				exact = false
			}
		}
	}
	return reduced(out), exact
}

// cuts are the scopes that together have every call that a match is not about, or
// fewer where exact is false.
func (o operation) cuts(m rules.Match) (cuts []scope, exact bool) {
	exact = true
	if len(m.Accounts) > 0 && !slices.Contains(m.Accounts, "*") {
		cuts = append(cuts, scope{accounts: allBut(m.Accounts...)})
	}
	if len(m.Regions) > 0 {
		cuts = append(cuts, scope{regions: allBut(m.Regions...)})
	}
	add := func(sayable bool, cut scope) {
		if sayable {
			cuts = append(cuts, cut)
		}
		exact = exact && sayable
	}
	if len(m.Roles) > 0 {
		add(!variable(m.Roles...), scope{roles: allBut(m.Roles...)})
	}
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		sayable := o.tagged() && !variable(key, m.Tags[key])
		add(sayable, scope{tags: []tag{{key, m.Tags[key], otherwise}}})
		add(sayable, scope{tags: []tag{{key, "", keyless}}})
	}
	if len(m.Names) > 0 {
		add(o.named(), scope{notNames: sorted(m.Names)})
	}
	if len(m.Resources) > 0 {
		own := o.own(m.Resources)
		if len(own) == 0 {
			return []scope{{}}, true // it is about other kinds
		}
		add(!variable(own...), scope{notARNs: own})
	}
	return cuts, exact
}

// own are the ARNs of the operation's kind.
func (o operation) own(arns []string) (out []string) {
	for _, s := range arns {
		if arn, ok := kind.ParseARN(s); ok && arn.Type == string(o.row.Kind) {
			out = append(out, s)
			if small := strings.ToLower(s); o.lowers() && small != s {
				out = append(out, small)
			}
		}
	}
	return sorted(out)
}

// fits says whether the last part of an ARN fits one of the patterns, which have no
// other wildcards than * and ?.
func fits(patterns []string, arn string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, path.Base(arn))
		return ok || err != nil
	})
}

// reduced leaves out scopes that are in others.
func reduced(scopes []scope) []scope {
	var out []scope
	for i, s := range scopes {
		covered := false
		for j, o := range scopes {
			if i != j && s.within(o) && (!o.within(s) || j < i) {
				covered = true
				break
			}
		}
		if !covered && !s.empty() {
			out = append(out, s)
		}
	}
	return out
}
