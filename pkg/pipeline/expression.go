package pipeline

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// expression takes an expression apart. Only an object with no other member is
// one, as in the public schema's GetFunction; a map may hold a "Get" of its own
// beside others.
func expression(v jsondoc.Value) (name string, operand jsondoc.Value, ok bool) {
	if v.Kind() != jsondoc.Object || v.Len() != 1 {
		return "", jsondoc.Value{}, false
	}
	m := v.Members()[0]
	get := m.Name == "Get" && m.Value.Kind() == jsondoc.String
	return m.Name, m.Value, get || strings.HasPrefix(m.Name, "Std:")
}

// expression resolves an expression.
func (w *walker) expression(name string, operand jsondoc.Value) jsondoc.Value {
	switch name {
	case "Get":
		if p, ok := strings.CutPrefix(operand.Str(), "Parameters."); ok {
			return w.parameter(p)
		}
		return runTime(operand.Str())
	case "Std:Join":
		return w.join(operand)
	default:
		return runTime(name)
	}
}

const knownAtRunTime = "only known at run time: "

// stepRef is a reference to a member of what a step returned, as [runTime]
// writes it. Step names are of this form, the names of the API's members of
// letters and digits:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PipelineExecutionStep.html
var stepRef = regexp.MustCompile(`^` + knownAtRunTime + `Steps\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9]{1,64})$`)

// runTime is the value of an expression that only an execution has.
func runTime(expr string) jsondoc.Value { return jsondoc.Unresolved(knownAtRunTime + cut(expr)) }

// StepRef recognises the value of {"Get": "Steps.step.member"}, such as the
// ModelName of a Transform step, which names the model that a step before it
// creates. It is not ok for a value that was joined from such a value, nor for
// a member of a member.
func StepRef(v jsondoc.Value) (step, member string, ok bool) {
	m := stepRef.FindStringSubmatch(v.Why())
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

const joinOf = "Std:Join: "

// join resolves the operand of Std:Join: its Values, with On between them.
func (w *walker) join(operand jsondoc.Value) jsondoc.Value {
	on := w.operand(operand.Get("On"))
	separator, ok := on.Text()
	if !ok && on.Kind() != jsondoc.Absent {
		return notJoined("On", on)
	}
	values := operand.Get("Values")
	if values.Kind() != jsondoc.Array {
		return notJoined("Values", values)
	}
	var b strings.Builder
	// What was written before a join failed was work as well.
	defer func() { w.joined += b.Len() }()
	for i, m := range values.Members() {
		v := w.operand(m.Value)
		s, ok := scalar(v)
		if !ok {
			return notJoined(fmt.Sprintf("Values[%d]", i), v)
		}
		if i > 0 {
			b.WriteString(separator)
		}
		if b.Len()+len(s) > MaxString || w.joined+b.Len()+len(s) > maxJoined {
			return jsondoc.Unresolved(joinOf + "the joined string would be too long")
		}
		b.WriteString(s)
	}
	return jsondoc.OfString(b.String())
}

// operand resolves a value within a function, which cannot hold steps.
func (w *walker) operand(v jsondoc.Value) jsondoc.Value {
	if name, operand, ok := expression(v); ok {
		return w.expression(name, operand)
	}
	return v
}

// notJoined is the value of a join of which a part is not a scalar. The reason
// of the innermost join is kept as it is, so that it does not grow outwards.
func notJoined(part string, v jsondoc.Value) jsondoc.Value {
	switch {
	case strings.HasPrefix(v.Why(), joinOf):
		return v
	case v.Kind() == jsondoc.Unknown:
		return jsondoc.Unresolved(joinOf + v.Why())
	default:
		return jsondoc.Unresolved(fmt.Sprintf("%s%s is %s", joinOf, part, v.Kind()))
	}
}

// scalar is the text of a string, a number (its literal), true or false.
func scalar(v jsondoc.Value) (string, bool) {
	if b, ok := v.Bool(); ok {
		return fmt.Sprint(b), true
	}
	if s, ok := v.Literal(); ok {
		return s, true
	}
	return v.Text()
}

// parameter is what a definition declares of one parameter.
type parameter struct {
	value jsondoc.Value
	twice bool
}

// declared reads the Parameters of a definition. What has no name there cannot
// be referred to.
func declared(list jsondoc.Value) map[string]parameter {
	out := map[string]parameter{}
	if list.Kind() != jsondoc.Array {
		return out
	}
	for _, m := range list.Members() {
		if name, ok := m.Value.Get("Name").Text(); ok {
			_, twice := out[name]
			out[name] = parameter{value: m.Value, twice: twice}
		}
	}
	return out
}

// resolution is a parameter's value and, if it is the default, the line that
// says so.
type resolution struct {
	value   jsondoc.Value
	assumed string
}

// parameter resolves a parameter, once for all its uses.
func (w *walker) parameter(name string) jsondoc.Value {
	r, ok := w.resolved[name]
	if !ok {
		r = w.resolve(name)
		w.resolved[name] = r
	}
	if r.assumed != "" {
		w.used = append(w.used, assumption{text: r.assumed, at: w.at})
	}
	return r.value
}

func (w *walker) resolve(name string) resolution {
	unresolved := func(why string) resolution {
		return resolution{value: jsondoc.Unresolved("parameter " + cut(name) + " " + why)}
	}
	p, ok := w.parameters[name]
	switch {
	case !ok:
		return unresolved("is not declared in the definition")
	case p.twice:
		return unresolved("is declared more than once")
	}
	typ := p.value.Get("Type")
	if typ.Kind() == jsondoc.Absent {
		typ = jsondoc.OfString("String") // the public schema requires a type of all others
	}
	declares := "is declared as " + cut(cmp.Or(typ.Str(), typ.Kind().String()))
	if given, ok := w.given[name]; ok {
		if given == jsondoc.Hidden {
			return unresolved("was given when the pipeline started, but CloudTrail hid the value")
		}
		v := fromWire(typ.Str(), given)
		if !isOf(typ.Str(), v) {
			return unresolved(declares + ", and the value given when the pipeline started is not one")
		}
		return resolution{value: v}
	}
	v := p.value.Get("DefaultValue")
	switch {
	case v.Kind() == jsondoc.Absent, v.Kind() == jsondoc.Null:
		return unresolved("has no default value; it is given when the pipeline starts")
	case v.Kind() == jsondoc.Unknown:
		return unresolved("has a default value that cannot be read: " + v.Why())
	case !isOf(typ.Str(), v):
		return unresolved(declares + ", and its default value is not one: it is " + v.Kind().String())
	}
	s, _ := scalar(v)
	return resolution{value: v, assumed: fmt.Sprintf("Parameters.%s = %s (default value)", cut(name), cut(s))}
}

// fromWire reads a parameter's value as StartPipelineExecution takes it, always
// as a string. Python writes a Boolean with a capital. What is not of the type
// comes back as something else, or as nothing.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Parameter.html
func fromWire(typ, s string) jsondoc.Value {
	if typ == "String" {
		return jsondoc.OfString(s)
	}
	switch s {
	case "true", "True":
		return jsondoc.OfBool(true)
	case "false", "False":
		return jsondoc.OfBool(false)
	}
	v, err := jsondoc.Parse([]byte(s), nil)
	if literal, _ := v.Literal(); err != nil || literal != s {
		return jsondoc.Value{} // not a number, or one with space around it
	}
	return v
}

// isOf says whether a value is of a parameter's declared type.
// https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html
func isOf(typ string, v jsondoc.Value) bool {
	switch literal, number := v.Literal(); typ {
	case "String":
		return v.Kind() == jsondoc.String
	case "Boolean":
		return v.Kind() == jsondoc.Bool
	case "Integer":
		return number && !strings.ContainsAny(literal, ".eE")
	case "Float":
		return number
	default:
		return false
	}
}

// cut shortens a piece of the definition for a message.
func cut(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	n := maxQuoted
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
