package cloudformation

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// The limits of what one template can make of itself: a mapping may be looked up
// often, and a long text joined with itself.
const (
	maxSpent = 2_000_000 // values and bytes of text
	maxText  = 1 << 20   // bytes of one text
	maxCalls = 100       // functions within functions
)

// world is one outcome of everything that a deployment decides, as far as it
// matters.
type world struct {
	*template
	values map[string]string // of parameters that are certain
	holds  map[string]bool   // of conditions that are known
	calls  int
}

// pending says that a value is only known at deployment.
func pending(what string) jsondoc.Value {
	return jsondoc.Unresolved("known only at deployment: " + cut(what))
}

// full is a tree in which functions have their full names: !Ref X is {Ref: X}.
func full(n *document.Node) *document.Node {
	out := *n
	out.Tag, out.Members = "", make([]document.Member, len(n.Members))
	for i, m := range n.Members {
		m.Value = full(m.Value)
		out.Members[i] = m
	}
	if n.Tag == "" {
		return &out
	}
	name := "Fn::" + n.Tag
	if n.Tag == "Ref" || n.Tag == "Condition" {
		name = n.Tag
	}
	return &document.Node{Kind: document.Map, Line: n.Line, Members: []document.Member{{Name: name, Line: n.Line, Value: &out}}}
}

// function takes an intrinsic function apart: its full name and its argument.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func function(n *document.Node) (name string, argument *document.Node, ok bool) {
	if n.Kind != document.Map || len(n.Members) != 1 {
		return "", nil, false
	}
	m := n.Members[0]
	return m.Name, m.Value, m.Name == "Ref" || strings.HasPrefix(m.Name, "Fn::")
}

// value evaluates a value. It is absent where it is AWS::NoValue.
func (w *world) value(n *document.Node) jsondoc.Value {
	if w.spent++; w.spent > maxSpent {
		return jsondoc.Unresolved("the template takes too much work to evaluate")
	}
	if name, argument, ok := function(n); ok {
		if w.calls++; w.calls > maxCalls {
			w.calls--
			return jsondoc.Unresolved("functions are nested too deep")
		}
		defer func() { w.calls-- }()
		return w.call(name, argument)
	}
	switch n.Kind {
	case document.Bool:
		return jsondoc.OfBool(n.Text == "true")
	case document.Number:
		return jsondoc.OfNumber(n.Text)
	case document.String:
		return w.text(n.Text)
	case document.List:
		var out []jsondoc.Value
		for _, m := range n.Members {
			if v := w.value(m.Value); v.Kind() != jsondoc.Absent {
				out = append(out, v)
			}
		}
		return jsondoc.OfArray(out...)
	case document.Map:
		return w.object(n)
	case document.Null:
	}
	return jsondoc.Value{}
}

func (w *world) object(n *document.Node) jsondoc.Value {
	var out []jsondoc.Member
	for _, m := range n.Members {
		if strings.HasPrefix(m.Name, "Fn::") {
			// What it puts beside the others, or in their place, is not known.
			return jsondoc.Unresolved(fmt.Sprintf("%s stands among its members, and may change them at deployment", cut(m.Name)))
		}
		if v := w.value(m.Value); v.Kind() != jsondoc.Absent {
			out = append(out, jsondoc.Member{Name: m.Name, Value: v})
		}
	}
	return jsondoc.OfObject(out...)
}

// distinct is a value in which no object has two members whose names differ by case
// alone: which of them counts is not known. Names of the author's choice may.
func distinct(v jsondoc.Value, free bool) jsondoc.Value {
	var out []jsondoc.Member
	seen := map[string]string{}
	for _, m := range v.Members() {
		folded := strings.ToLower(strings.ToUpper(m.Name))
		if other, twice := seen[folded]; twice && v.Kind() == jsondoc.Object && !free {
			return jsondoc.Unresolved(fmt.Sprintf("the members %q and %q differ by case alone", cut(other), cut(m.Name)))
		}
		seen[folded] = m.Name
		out = append(out, jsondoc.Member{Name: m.Name, Value: distinct(m.Value, kind.FreeForm()[m.Name])})
	}
	switch v.Kind() {
	case jsondoc.Object:
		return jsondoc.OfObject(out...)
	case jsondoc.Array:
		elements := make([]jsondoc.Value, len(out))
		for i, m := range out {
			elements[i] = m.Value
		}
		return jsondoc.OfArray(elements...)
	default:
		return v
	}
}

// text is a text, unless it refers to what is kept elsewhere.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func (w *world) text(s string) jsondoc.Value {
	w.spent += len(s) / 64
	if strings.Contains(s, "{{resolve:") {
		return pending("a dynamic reference ({{resolve:…}})")
	}
	return jsondoc.OfString(s)
}

func (w *world) call(name string, argument *document.Node) jsondoc.Value {
	switch name {
	case "Ref":
		return w.ref(argument.Str())
	case "Fn::GetAtt":
		return w.attribute(argument)
	case "Fn::If":
		return w.choose(argument)
	case "Fn::Sub":
		return w.substitute(argument)
	case "Fn::Join":
		return w.join(argument)
	case "Fn::Select":
		return w.pick(argument)
	case "Fn::Split":
		return w.split(argument)
	case "Fn::FindInMap":
		return w.lookUp(argument)
	case "Fn::ToJsonString":
		return w.toJSON(argument)
	case "Fn::ImportValue":
		return pending("a value that another stack exports (Fn::ImportValue)")
	case "Fn::Base64", "Fn::Cidr", "Fn::GetAZs", "Fn::GetStackOutput", "Fn::Length", "Fn::Transform":
		return pending(name)
	default:
		return jsondoc.Unresolved(fmt.Sprintf("the function %s is not known here", cut(name)))
	}
}

// items are the arguments of a function that takes several.
func items(n *document.Node, least, most int) ([]*document.Node, bool) {
	if n.Kind != document.List || len(n.Members) < least || len(n.Members) > most {
		return nil, false
	}
	out := make([]*document.Node, len(n.Members))
	for i, m := range n.Members {
		out[i] = m.Value
	}
	return out, true
}

func malformed(name string) jsondoc.Value {
	return jsondoc.Unresolved(name + " is not written as CloudFormation wants it")
}

// ref is the value of a reference to a parameter or a resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ref.html
func (w *world) ref(name string) jsondoc.Value {
	if name == "AWS::NoValue" {
		return jsondoc.Value{}
	}
	parameter := w.parameter(name)
	if v, ok := w.values[name]; ok {
		return typed(parameter, v)
	}
	if strings.HasPrefix(name, "AWS::") {
		return pending(name)
	}
	if parameter == nil {
		return w.made(name, "Ref "+name, func(typ string) bool { return typ != "" })
	}
	values := allowed(parameter)
	if len(values) == 1 {
		return typed(parameter, values[0])
	}
	why := "known only at deployment: parameter " + cut(name)
	if isSubnet(parameter, values) {
		return jsondoc.Pending(why, kind.SubnetID)
	}
	return jsondoc.Unresolved(why)
}

// subnetTypes are the types of parameters whose values CloudFormation holds against
// the subnets that there are.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
var subnetTypes = regexp.MustCompile(`^(AWS::SSM::Parameter::Value<)?(AWS::EC2::Subnet::Id|List<AWS::EC2::Subnet::Id>)>?$`)

// isSubnet says whether a parameter can only be a subnet, or a list of subnets.
func isSubnet(parameter *document.Node, values []string) bool {
	if subnetTypes.MatchString(parameter.Get("Type").Str()) {
		return true
	}
	for _, v := range values {
		if !strings.HasPrefix(v, "subnet-") {
			return false
		}
	}
	return len(values) > 0
}

// typed is the value of a parameter, which may be a list.
func typed(parameter *document.Node, value string) jsondoc.Value {
	typ := parameter.Get("Type").Str()
	switch {
	case strings.HasPrefix(typ, "AWS::SSM::Parameter::"):
		return pending("the parameter of Systems Manager " + value)
	case typ == "CommaDelimitedList", strings.HasPrefix(typ, "List<"):
		var out []jsondoc.Value
		for s := range strings.SplitSeq(value, ",") {
			out = append(out, jsondoc.OfString(strings.TrimSpace(s)))
		}
		return jsondoc.OfArray(out...)
	case typ == "Number":
		return jsondoc.OfNumber(value)
	default:
		return jsondoc.OfString(value)
	}
}

// made is what only a resource of the template tells once it is made. names says
// whether it is a name of a resource of a type.
func (w *world) made(id, said string, names func(typ string) bool) jsondoc.Value {
	resource := w.root.Get("Resources").Get(id)
	if resource == nil {
		return jsondoc.Unresolved(fmt.Sprintf("%s names nothing in the template", cut(said)))
	}
	typ := resource.Get("Type").Str()
	why := "known only at deployment: " + cut(said)
	switch {
	case !names(typ):
	case typ == "AWS::EC2::Subnet":
		return jsondoc.Pending(why, kind.SubnetID)
	case w.rows[typ] != nil:
		return jsondoc.Pending(why, kind.Sign(id))
	}
	return jsondoc.Unresolved(why)
}

// attribute is the value of an attribute of a resource.
func (w *world) attribute(n *document.Node) jsondoc.Value {
	id, name, ok := strings.Cut(n.Str(), ".")
	if parts, list := items(n, 2, 2); list {
		id, name, ok = parts[0].Str(), parts[1].Str(), parts[1].Kind == document.String
	}
	if !ok {
		return pending("Fn::GetAtt")
	}
	return w.made(id, "GetAtt "+id+"."+name, func(typ string) bool {
		if typ == "AWS::EC2::Subnet" {
			return name == "SubnetId"
		}
		// ModelName, ModelArn, DomainId; not SecurityGroupIdForDomainBoundary.
		_, short, _ := strings.Cut(strings.TrimPrefix(typ, "AWS::"), "::")
		switch strings.TrimPrefix(name, short) {
		case "Name", "Arn", "Id":
			return true
		}
		return strings.HasSuffix(short, "JobDefinition") && name == "JobDefinitionArn"
	})
}

// choose is the branch of Fn::If that is in force, or what both have in common.
func (w *world) choose(n *document.Node) jsondoc.Value {
	parts, ok := items(n, 3, 3)
	if !ok {
		return malformed("Fn::If")
	}
	condition := parts[0].Str()
	if holds, known := w.holds[condition]; known {
		if holds {
			return w.value(parts[1])
		}
		return w.value(parts[2])
	}
	a, b := w.value(parts[1]), w.value(parts[2])
	if jsondoc.Equal(a, b) {
		return a
	}
	return pending("condition " + condition)
}

// placeholders are those of Fn::Sub; ${!Literal} stands for ${Literal}.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
var placeholders = regexp.MustCompile(`\$\{[^}]*\}`)

func (w *world) substitute(n *document.Node) jsondoc.Value {
	text, own := n, (*document.Node)(nil)
	if parts, ok := items(n, 2, 2); ok {
		text, own = parts[0], parts[1]
	}
	if text.Kind != document.String {
		return malformed("Fn::Sub")
	}
	named := func(placeholder string) jsondoc.Value {
		name := strings.TrimSpace(placeholder[2 : len(placeholder)-1])
		if v := own.Get(name); v != nil {
			return w.value(v)
		}
		if strings.Contains(name, ".") {
			return w.attribute(&document.Node{Kind: document.String, Text: name})
		}
		return w.ref(name)
	}
	if placeholders.FindString(text.Text) == text.Text && !strings.HasPrefix(text.Text, "${!") && text.Text != "" {
		return named(text.Text) // nothing else: the value itself
	}
	var unknown *jsondoc.Value
	size := len(text.Text)
	out := placeholders.ReplaceAllStringFunc(text.Text, func(p string) string {
		if unknown != nil {
			return ""
		}
		if strings.HasPrefix(p, "${!") {
			return "${" + p[3:]
		}
		v := named(p)
		s, ok := scalar(v)
		if size += len(s); size > maxText {
			v, ok = jsondoc.Unresolved("the text would be too long"), false
		}
		if !ok {
			unknown = &v
		}
		return s
	})
	w.spent += size / 64
	if unknown != nil {
		return within("Fn::Sub", *unknown)
	}
	return w.text(out)
}

// within is a value that a function makes of one that it cannot be made of.
func within(name string, v jsondoc.Value) jsondoc.Value {
	if v.Why() != "" {
		return jsondoc.Unresolved(v.Why())
	}
	return jsondoc.Unresolved(fmt.Sprintf("%s found %s where a text was expected", name, v.Kind()))
}

// scalar is the text of a string, a number, true or false.
func scalar(v jsondoc.Value) (string, bool) {
	if b, ok := v.Bool(); ok {
		return strconv.FormatBool(b), true
	}
	if s, ok := v.Literal(); ok {
		return s, true
	}
	return v.Text()
}

func (w *world) join(n *document.Node) jsondoc.Value {
	parts, ok := items(n, 2, 2)
	if !ok {
		return malformed("Fn::Join")
	}
	list := w.value(parts[1])
	if list.Kind() != jsondoc.Array {
		return within("Fn::Join", list)
	}
	var b strings.Builder
	for i, m := range list.Members() {
		s, ok := scalar(m.Value)
		if !ok {
			return within("Fn::Join", m.Value)
		}
		if i > 0 {
			b.WriteString(parts[0].Str())
		}
		if b.Len()+len(s) > maxText {
			return jsondoc.Unresolved("the text would be too long")
		}
		b.WriteString(s)
	}
	w.spent += b.Len() / 64
	return w.text(b.String())
}

func (w *world) pick(n *document.Node) jsondoc.Value {
	parts, ok := items(n, 2, 2)
	if !ok {
		return malformed("Fn::Select")
	}
	list := w.value(parts[1])
	if list.What() == kind.SubnetID {
		return list // one of several subnets is one
	}
	index, _ := scalar(w.value(parts[0]))
	i, err := strconv.Atoi(index)
	if list.Kind() != jsondoc.Array || err != nil || i < 0 || i >= list.Len() {
		if list.Why() != "" {
			return jsondoc.Unresolved(list.Why())
		}
		return pending("Fn::Select")
	}
	return list.Members()[i].Value
}

func (w *world) split(n *document.Node) jsondoc.Value {
	parts, ok := items(n, 2, 2)
	if !ok || parts[0].Str() == "" {
		return malformed("Fn::Split")
	}
	v := w.value(parts[1])
	s, ok := v.Text()
	if !ok {
		return within("Fn::Split", v)
	}
	w.spent += len(s)
	var out []jsondoc.Value
	for piece := range strings.SplitSeq(s, parts[0].Str()) {
		out = append(out, jsondoc.OfString(piece))
	}
	return jsondoc.OfArray(out...)
}

// lookUp is a value of a mapping. Where a key is not known it is what all values
// that it could be have in common.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap.html
func (w *world) lookUp(n *document.Node) jsondoc.Value {
	parts, ok := items(n, 3, 4)
	if !ok {
		return malformed("Fn::FindInMap")
	}
	level := []*document.Node{w.root.Get("Mappings")}
	for _, key := range parts[:3] {
		name, known := scalar(w.value(key))
		var next []*document.Node
		for _, n := range level {
			if known {
				if v := n.Get(name); v != nil {
					next = append(next, v)
				}
				continue
			}
			if n != nil {
				for _, m := range n.Members {
					next = append(next, m.Value)
				}
			}
		}
		w.spent += len(next)
		level = next
	}
	if len(parts) == 4 {
		if def := parts[3].Get("DefaultValue"); def != nil {
			level = append(level, def)
		}
	}
	if len(level) == 0 {
		return jsondoc.Unresolved("Fn::FindInMap finds nothing")
	}
	first := w.value(level[0])
	for _, n := range level[1:] {
		if !jsondoc.Equal(first, w.value(n)) {
			return pending("Fn::FindInMap")
		}
	}
	return first
}

// toJSON writes a value as JSON text.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ToJsonString.html
func (w *world) toJSON(n *document.Node) jsondoc.Value {
	v := w.value(n)
	var b strings.Builder
	if why := write(&b, v); why != "" {
		return jsondoc.Unresolved(why)
	}
	w.spent += b.Len() / 64
	return w.text(b.String())
}

// write appends a value as JSON, or says why it cannot.
func write(b *strings.Builder, v jsondoc.Value) (why string) {
	if b.Len() > maxText {
		return "the text would be too long"
	}
	quote := func(s string) {
		text, _ := jsontext.AppendQuote(nil, s) // the error is of bytes that are no UTF-8, which it replaces
		b.Write(text)
	}
	switch v.Kind() {
	case jsondoc.Unknown:
		return v.Why()
	case jsondoc.String:
		quote(v.Str())
	case jsondoc.Bool, jsondoc.Number:
		s, _ := scalar(v)
		b.WriteString(s)
	case jsondoc.Absent, jsondoc.Null:
		b.WriteString("null")
	case jsondoc.Array, jsondoc.Object:
		open, end := byte('['), byte(']')
		if v.Kind() == jsondoc.Object {
			open, end = '{', '}'
		}
		b.WriteByte(open)
		for i, m := range v.Members() {
			if i > 0 {
				b.WriteByte(',')
			}
			if v.Kind() == jsondoc.Object {
				quote(m.Name)
				b.WriteByte(':')
			}
			if why := write(b, m.Value); why != "" {
				return why
			}
		}
		b.WriteByte(end)
	}
	return ""
}
