// Package pipeline reads the definition of a SageMaker pipeline and lists its
// steps, at any nesting, with the pipeline's parameters put in their places.
//
// A definition is untrusted text. It comes inline with CreatePipeline or
// UpdatePipeline, from a file, or from DescribePipeline. Its public schema,
// https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/,
// knows fewer step types and functions than the service takes, so nothing is
// validated against it: what is not understood becomes a step without a type
// or a value that is [jsondoc.Unknown], and never disappears.
//
// A value may be written as an expression, an object with one member:
//
//	{"Get": "Parameters.Name"}        a parameter, resolved here
//	{"Std:Join": {"On", "Values"}}    a text in parts, resolved if all of them are
//	{"Get": "Steps.Name.Member"}      what a step returned, known only at run time
//	{"Get": "Execution.Variable"}     likewise
//	{"Std:JsonGet": {...}}            likewise
//
// https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html and
// https://github.com/aws/sagemaker-python-sdk/blob/e472c736fcac5906e765f0e59b9ef522d2ba5da3/src/sagemaker/workflow/functions.py
// describe them.
package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// Limits on what one definition can make of itself. The text is at most
// [jsondoc.MaxBytes] long and [jsondoc.MaxDepth] deep, but a parameter may be
// joined often, and a long member name stands in the path of all steps below.
const (
	MaxSteps  = 10_000   // steps that are listed
	MaxPath   = 2_048    // bytes of a step's path
	MaxString = 64 << 10 // bytes of a joined string
	maxJoined = 8 << 20  // bytes written by all joins together
	maxQuoted = 200      // bytes of a piece of the definition that stands in a message
)

// freeForm are the members, in definitions, that are maps with keys of the
// author's choice: those of the SageMaker API's types,
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Types.html,
// and the definition's own Metadata. None of them holds a network setting.
var freeForm = map[string]bool{
	"CollectionParameters":          true,
	"ContainerEnvironmentVariables": true,
	"CustomerMetadataProperties":    true,
	"Environment":                   true,
	"EnvironmentVariables":          true,
	"HookParameters":                true,
	"HyperParameters":               true,
	"Metadata":                      true,
	"OverrideEnvironment":           true,
	"ProfilingParameters":           true,
	"Properties":                    true,
	"RuleParameters":                true,
	"StaticHyperParameters":         true,
}

// Step is one step of a definition.
type Step struct {
	// Name is the step's name as written.
	Name string
	// Type is the step's type as written: Training, Processing, Condition, ...
	// It is empty for what stands in a step's place but cannot be read as a
	// step; Arguments then says why.
	Type string
	// Path leads to the step in the definition, with every member's name as
	// written there: Steps[2].Arguments.IfSteps[0]. A name that is not of
	// letters, digits, "_" and "-" is quoted: Steps[0].Arguments["a b"].
	Path string
	// Arguments are the step's arguments, absent if it has none. Parameters
	// are resolved; what is known only at run time is jsondoc.Unknown.
	Arguments jsondoc.Value
	// Conditional says that the step is in a branch (IfSteps or ElseSteps) of
	// another, so that an execution may not run it.
	Conditional bool

	assumed []assumption
}

// assumption is one use of a parameter's default value in a step's arguments.
type assumption struct {
	text string
	at   *place
}

// place is a member within a step. It has no path of its own, of which each use
// of a parameter would need one: a long name would stand in all of them.
type place struct {
	name  string // as the API spells it
	free  bool   // in a map of freeForm
	above *place
}

// below says whether a place is, or is within, a member given by its name and
// by those of the members around it, outermost first.
func (p *place) below(member []string) bool {
	for ; p != nil; p = p.above {
		at, i := p, len(member)
		for ; at != nil && i > 0 && at.name == member[i-1]; at = at.above {
			i--
		}
		if i == 0 {
			return true
		}
	}
	return false
}

// AssumedBelow names each default value that was used in one of the members of
// Arguments, at any depth, sorted: "Parameters.SubnetId = subnet-1 (default
// value)". A member may be given with those around it: ClusterConfig.Instances.
//
// A parameter may hold a password, so that callers ask for the members they
// read. A key that the author chose does not count as a member, and what a step
// within this one assumes is told by that step.
func (s Step) AssumedBelow(members ...string) []string {
	if s.Type == "Lambda" || s.Type == "Callback" {
		return nil // all their arguments are the author's
	}
	var paths [][]string
	for _, m := range members {
		path := strings.Split(m, ".")
		for i := range path {
			path[i] = apiName(path[i])
		}
		paths = append(paths, path)
	}
	var out []string
	for _, a := range s.assumed {
		if !a.at.free && slices.ContainsFunc(paths, a.at.below) {
			out = append(out, a.text)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// apiName is a member's name as the API spells it, with a capital.
func apiName(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// Document is a definition that was read.
type Document struct {
	// Version is the definition's schema version, 2020-12-01, as written.
	Version string

	steps      jsondoc.Member
	parameters map[string]parameter
}

// Parse reads a definition. It refuses what [jsondoc.Parse] refuses, with its
// *[jsondoc.Error] that says where: above all, members that are there twice or
// differ only by case, of which nobody knows which the service reads.
func Parse(text []byte) (*Document, error) {
	root, err := jsondoc.Parse(text, freeForm)
	if err != nil {
		return nil, fmt.Errorf("pipeline definition: %w", err)
	}
	if root.Kind() != jsondoc.Object {
		return nil, fmt.Errorf("pipeline definition: found %s where an object was expected", root.Kind())
	}
	switch list := root.Get("Steps"); list.Kind() {
	case jsondoc.Array:
	case jsondoc.Unknown:
		return nil, errors.New("pipeline definition: " + list.Why())
	default:
		return nil, fmt.Errorf("pipeline definition: Steps is %s where a list was expected", list.Kind())
	}
	d := &Document{Version: root.Get("Version").Str(), parameters: declared(root.Get("Parameters"))}
	d.steps, _ = root.Find("Steps")
	return d, nil
}

// Looks says whether a JSON document is a pipeline definition, as opposed to
// any other JSON: an object with a list of Steps and either a Version of the
// schema's form or nothing but steps in the list.
func Looks(v jsondoc.Value) bool {
	list := v.Get("Steps")
	if list.Kind() != jsondoc.Array {
		return false
	}
	if strings.HasPrefix(v.Get("Version").Str(), "2020-") {
		return true
	}
	notStep := func(m jsondoc.Member) bool { return !isStep(m.Value) }
	return list.Len() > 0 && !slices.ContainsFunc(list.Members(), notStep)
}

// Steps lists the steps, an enclosing step before those within it; what is
// written within an expression is not a step. given are
// the PipelineParameters of an execution,
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html;
// a parameter that is not among them has its default value, and with nil all
// have: what an execution that names none would run.
func (d *Document) Steps(given map[string]string) []Step {
	w := walker{
		parameters: d.parameters,
		given:      given,
		resolved:   map[string]resolution{},
		path:       []byte(d.steps.Name),
	}
	w.list(d.steps.Value, true, false)
	if w.unread {
		w.steps = append(w.steps, Step{Path: d.steps.Name, Arguments: jsondoc.Unresolved(fmt.Sprintf(
			"not every step was read: there are more than %d, or the path to one is longer than %d bytes", MaxSteps, MaxPath))})
	}
	return w.steps
}

// walker goes through a definition once. It resolves every value and notes the
// steps it comes by.
type walker struct {
	parameters map[string]parameter
	given      map[string]string
	resolved   map[string]resolution // parameters already met, by name

	steps  []Step
	unread bool         // a step was left out because of a limit
	used   []assumption // in the step's member where the walk stands
	path   []byte       // where the walk stands
	at     *place       // likewise, within the innermost step
	inLoop bool         // that step is a ForEach
	joined int          // bytes written by joins so far
}

// isStep says whether a value is a step wherever it stands. Bodies of steps
// other than Condition have no public schema (ForEach), so that a step is known
// by its two members, which no argument of the SageMaker API has together.
func isStep(v jsondoc.Value) bool {
	if _, ok := v.Find("Type"); !ok {
		return false
	}
	_, ok := v.Find("Arguments")
	return ok
}

// isNamed says whether a value has the name and the type of a step. Some
// arguments of the SageMaker API have both as well, so that it may be a step
// only where steps are to be expected, among the members of a ForEach.
func isNamed(v jsondoc.Value) bool {
	return v.Get("Name").Kind() == jsondoc.String && v.Get("Type").Kind() == jsondoc.String
}

// value resolves any value.
func (w *walker) value(v jsondoc.Value, conditional bool) jsondoc.Value {
	if name, operand, ok := expression(v); ok {
		return w.expression(name, operand)
	}
	switch {
	case v.Kind() == jsondoc.Array:
		return w.list(v, false, conditional)
	case isStep(v):
		return w.step(v, conditional, "")
	case w.inLoop && isNamed(v):
		return w.step(v, conditional, "the step has no Arguments")
	case v.Kind() == jsondoc.Object:
		out := make([]jsondoc.Member, v.Len())
		for i, m := range v.Members() {
			out[i] = w.member(m, conditional)
		}
		return jsondoc.OfObject(out...)
	default:
		return v
	}
}

// list resolves a list. If its elements are steps, or one of them clearly is,
// then those that do not look like one are noted as well.
func (w *walker) list(v jsondoc.Value, ofSteps, conditional bool) jsondoc.Value {
	ofSteps = ofSteps || slices.ContainsFunc(v.Members(), func(m jsondoc.Member) bool { return isStep(m.Value) })
	out := make([]jsondoc.Value, v.Len())
	for i, m := range v.Members() {
		n := len(w.path)
		w.path = append(strconv.AppendInt(append(w.path, '['), int64(i), 10), ']')
		if ofSteps {
			out[i] = w.step(m.Value, conditional, "")
		} else {
			out[i] = w.value(m.Value, conditional)
		}
		w.path = w.path[:n]
	}
	return jsondoc.OfArray(out...)
}

// member resolves a member of an object. IfSteps and ElseSteps are the branches
// of a Condition,
// https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition.
func (w *walker) member(m jsondoc.Member, conditional bool) jsondoc.Member {
	n, above := w.enter(m.Name), w.at
	name := apiName(m.Name)
	w.at = &place{name: name, free: freeForm[name] || above != nil && above.free, above: above}
	switch branch := m.Name == "IfSteps" || m.Name == "ElseSteps"; {
	case branch && m.Value.Kind() == jsondoc.Array:
		m.Value = w.list(m.Value, true, true)
	case branch && !m.Value.Empty():
		m.Value = w.step(m.Value, true, "")
	default:
		m.Value = w.value(m.Value, conditional)
	}
	w.path, w.at = w.path[:n], above
	return m
}

// step resolves what stands in the place of a step, and notes it. unclear, if
// not empty, says why it cannot be read as a step although its members could.
func (w *walker) step(v jsondoc.Value, conditional bool, unclear string) jsondoc.Value {
	at := len(w.steps)
	noted := at < MaxSteps && len(w.path) <= MaxPath
	if noted {
		// Its place comes before the steps within it.
		w.steps = append(w.steps, Step{Path: string(w.path), Conditional: conditional})
	} else {
		w.unread = true
	}

	inLoop, above, used := w.inLoop, w.at, w.used
	w.inLoop, w.at = v.Get("Type").Str() == "ForEach", nil
	s := Step{Arguments: v.Get("Arguments")}
	args, hasArgs := v.Find("Arguments")
	var out jsondoc.Value
	if _, _, ok := expression(v); ok || v.Kind() != jsondoc.Object {
		out = w.value(v, conditional)
	} else {
		members := make([]jsondoc.Member, v.Len())
		for i, m := range v.Members() {
			w.used = nil
			members[i] = w.member(m, conditional)
			if hasArgs && m.Name == args.Name {
				s.Arguments = members[i].Value
				s.assumed = w.used
			}
		}
		out = jsondoc.OfObject(members...)
	}
	w.inLoop, w.at, w.used = inLoop, above, used
	if noted {
		s.Path, s.Conditional = w.steps[at].Path, conditional
		w.steps[at] = s.named(v, unclear)
	}
	return out
}

// named gives a step the name and the type that v has. If one of them is
// missing, or the arguments are no object, then it cannot be read as a step, nor
// if it is unclear for another reason.
func (s Step) named(v jsondoc.Value, unclear string) Step {
	var whyName, whyType, whyArgs string
	s.Name, whyName = text(v, "Name")
	s.Type, whyType = text(v, "Type")
	switch s.Arguments.Kind() {
	case jsondoc.Absent, jsondoc.Null, jsondoc.Object:
	case jsondoc.Unknown:
		whyArgs = s.Arguments.Why()
	default:
		whyArgs = fmt.Sprintf("the step's Arguments are %s where an object was expected", s.Arguments.Kind())
	}
	if why := cmp.Or(whyName, whyType, whyArgs, unclear); why != "" {
		s.Type, s.Arguments, s.assumed = "", jsondoc.Unresolved(why), nil
	}
	return s
}

// text is a member of a step that must be a string with something in it, or
// why it is not.
func text(v jsondoc.Value, name string) (s, why string) {
	switch m := v.Get(name); {
	case m.Kind() == jsondoc.Unknown:
		return "", m.Why()
	case m.Empty():
		return "", "the step has no " + name
	case m.Kind() != jsondoc.String:
		return "", fmt.Sprintf("the step's %s is %s where a string was expected", name, m.Kind())
	default:
		return m.Str(), ""
	}
}

// enter goes to a member of the object where the walk stands. It returns the
// length of the path to go back to.
func (w *walker) enter(name string) int {
	n := len(w.path)
	if isPlain(name) {
		w.path = append(append(w.path, '.'), name...)
	} else {
		w.path = append(strconv.AppendQuote(append(w.path, '['), name), ']')
	}
	return n
}

// isPlain says whether a member's name can stand in a path as it is.
func isPlain(name string) bool {
	for _, c := range []byte(name) {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return name != ""
}
