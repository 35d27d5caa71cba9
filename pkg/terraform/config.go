package terraform

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// configuration is the member "configuration" of a plan, as far as it is read.
// https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation
type configuration struct {
	Providers map[string]struct {
		Expressions map[string]jsontext.Value `json:"expressions"`
	} `json:"provider_config"`
	Root configModule `json:"root_module"`
}

type configModule struct {
	Outputs map[string]struct {
		Expression jsontext.Value `json:"expression"`
	} `json:"outputs"`
	Resources []*configResource `json:"resources"`
	Calls     map[string]struct {
		Expressions map[string]jsontext.Value `json:"expressions"`
		Module      *configModule             `json:"module"`
		ForEach     jsontext.Value            `json:"for_each_expression"`
	} `json:"module_calls"`
}

type configResource struct {
	Mode        string                    `json:"mode"`
	Type        string                    `json:"type"`
	Name        string                    `json:"name"`
	Provider    string                    `json:"provider_config_key"`
	Expressions map[string]jsontext.Value `json:"expressions"`
	ForEach     jsontext.Value            `json:"for_each_expression"`
}

// expression is what is written for an attribute.
type expression struct {
	Constant   jsontext.Value `json:"constant_value"`
	References []string       `json:"references"`
}

// keys are the instance keys in an address: [0] and ["a"], and [*] where how many
// instances there will be is not known.
var keys = regexp.MustCompile(`\[(\d+|\*|"(?:[^"\\]|\\.)*")\]`)

// anyKey is the key of what stands for all instances of a resource.
const anyKey = "[*]"

// modules are the names of the modules in an address, outermost first.
func modules(address string) []string {
	var out []string
	for name := range strings.SplitSeq(keys.ReplaceAllString(address, ""), ".") {
		if name != "module" && name != "" {
			out = append(out, name)
		}
	}
	return out
}

// module finds the configuration of a module, or nil.
func (c *configuration) module(address string) *configModule {
	m := &c.Root
	for _, name := range modules(address) {
		call, ok := m.Calls[name]
		if !ok || call.Module == nil {
			return nil
		}
		m = call.Module
	}
	return m
}

// find finds the configuration of a resource, or nil.
func (c *configuration) find(module, typ, name string) *configResource {
	m := c.module(module)
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.Resources, func(r *configResource) bool {
		return r.Type == typ && r.Name == name && r.Mode != "data"
	})
	if i < 0 {
		return nil
	}
	return m.Resources[i]
}

// region is the Region that a resource's provider is set to, where it is written
// out.
func (c *configuration) region(r *configResource) string {
	if r == nil {
		return ""
	}
	var e expression
	var region string
	if v, ok := c.Providers[r.Provider].Expressions["region"]; ok && json.Unmarshal(v, &e) == nil && e.Constant != nil {
		_ = json.Unmarshal(e.Constant, &region) // anything but a text tells nothing
	}
	return region
}

// trace is what a configuration has of a place.
type trace uint8

const (
	// hidden: a dynamic block may have written it, of which the configuration in a
	// plan has nothing.
	// https://developer.hashicorp.com/terraform/internals/json-format#block-expressions-representation
	hidden  trace = iota
	nowhere       // the blocks around it are written, and it is in none of them
	here
)

// expression finds what is written for the attribute at a place.
func (r *configResource) expression(at place) (expression, trace) {
	if r == nil || len(at) == 0 {
		return expression{}, hidden
	}
	name, _ := at[0].(string)
	v, ok := r.Expressions[name]
	if !ok && len(at) == 1 {
		return expression{}, nowhere
	}
	return below(v, at[1:])
}

// below finds what is written for the attribute at a place below a value.
func below(v jsontext.Value, at place) (expression, trace) {
	if len(v) == 0 {
		return expression{}, hidden
	}
	if len(at) == 0 {
		if e, ok := unmarshal(v); ok {
			return e, here
		}
		return expression{}, hidden
	}
	switch step := at[0].(type) {
	case item:
		var list []jsontext.Value
		if json.Unmarshal(v, &list) == nil {
			return blocks(list, step, at[1:])
		}
		// Not blocks but an expression: it says something of all that is below.
		if e, ok := unmarshal(v); ok {
			return e, here
		}
	case string:
		if e, ok := unmarshal(v); ok && (e.Constant != nil || e.References != nil) {
			return e, here
		}
		var members map[string]jsontext.Value
		if json.Unmarshal(v, &members) != nil {
			return expression{}, hidden
		}
		next, ok := members[step]
		if !ok && len(at) == 1 {
			return expression{}, nowhere
		}
		return below(next, at[1:])
	}
	return expression{}, hidden
}

// blocks finds what is written in one of some blocks. Where the plan has as many as
// are written, none is of a dynamic block. The plan has those of a set in another
// order, so that nobody has written only what is in none of them.
func blocks(list []jsontext.Value, at item, rest place) (expression, trace) {
	if len(list) != at.of {
		return expression{}, hidden
	}
	e, w := below(list[at.index], rest)
	for _, other := range list {
		if _, is := below(other, rest); w == nowhere && is != nowhere {
			return expression{}, hidden
		}
	}
	return e, w
}

func unmarshal(v jsontext.Value) (e expression, ok bool) {
	if len(v) == 0 || bytes.TrimSpace(v)[0] != '{' {
		return expression{}, false
	}
	return e, json.Unmarshal(v, &e) == nil
}

// target is what a reference leads to.
type target struct {
	module    string // address of the module instance it is in
	mode      string // "data" for data sources
	typ, name string
	key       string // [0] or ["a"], where it is written
	attribute string
}

// subnet says whether the value is a subnet's id.
func (t target) subnet() bool {
	// Of aws_subnet.private[*].id there is no attribute in the plan.
	return (t.typ == "aws_subnet" || t.typ == "aws_default_subnet") && (t.attribute == "" || t.attribute == "id")
}

// names says whether the value can be what requests call the resource: its name, id
// or ARN. Of aws_sagemaker_model.m[each.key].name there is no attribute in the plan.
func (t target) names() bool {
	_, short, _ := strings.Cut(t.typ, "_sagemaker_")
	rest := strings.TrimPrefix(t.attribute, short+"_")
	if strings.HasSuffix(short, "_job_definition") {
		rest = strings.TrimPrefix(rest, "job_definition_")
	}
	return slices.Contains([]string{"", "name", "id", "arn"}, rest)
}

// reference takes apart a reference to a resource or a data source.
var reference = regexp.MustCompile(`^(data\.)?([a-z0-9_]+)\.([A-Za-z0-9_-]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?(?:\.([a-z0-9_]+))?`)

// outputOf takes apart a reference to the output of a module.
var outputOf = regexp.MustCompile(`^(module\.[A-Za-z0-9_-]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?\.([A-Za-z0-9_-]+)`)

// maxHops bounds how far variables and outputs are followed.
const maxHops = 10

// site is where references stand: in a module instance, in something that may have
// a for_each.
type site struct {
	module  string
	forEach jsontext.Value
	hops    int
}

// in is a site in a module, one hop from another.
func (s site) in(module string, forEach jsontext.Value) site {
	return site{module, forEach, s.hops + 1}
}

// resolve follows references, through the variables and outputs of modules, to
// resources, each once. It is all of them where every reference that may decide led
// to one.
func (r *reader) resolve(references []string, at site) (targets []target, all bool) {
	all = true
	for _, ref := range heads(references) {
		more, ok := r.follow(ref, at)
		for _, t := range more {
			if !slices.Contains(targets, t) {
				targets = append(targets, t)
			}
		}
		all = all && ok
		if len(targets) > maxTargets {
			return nil, false
		}
	}
	return targets, all
}

const maxTargets = 100

// heads are the references as they are written. Behind each, Terraform lists what it
// begins with, step by step: a.b.id and then a.b. Whatever else begins another is
// one that is written, too: a.b["x"].id and a.b[each.key].id are a.b["x"].id,
// a.b["x"], a.b, and a.b once more.
// https://github.com/hashicorp/terraform/blob/v1.9.0/internal/command/jsonconfig/expression.go
func heads(references []string) []string {
	var out []string
	for i, ref := range references {
		if i == 0 || lastStep.ReplaceAllString(references[i-1], "") != ref {
			out = append(out, ref)
		}
	}
	return out
}

// lastStep is the last step of a reference: a name, or a key.
var lastStep = regexp.MustCompile(`(\.[^.\[\]"]+|\[[^\[\]"]*\]|\["(?:[^"\\]|\\.)*"\])$`)

func (r *reader) follow(ref string, at site) (targets []target, ok bool) {
	if at.hops > maxHops {
		return nil, false
	}
	head, rest, _ := strings.Cut(ref, ".")
	switch head {
	case "each":
		return nil, rest == "key" || r.known(at)
	case "count", "path", "terraform", "self":
		return nil, true // known, or the key of an instance
	case "local":
		return nil, false // the plan does not say what it is
	case "var":
		if at.module == "" {
			return nil, true // a variable of the root is known
		}
		return r.variable(rest, at)
	case "module":
		return r.output(ref, at)
	}
	m := reference.FindStringSubmatch(ref)
	if m == nil {
		return nil, false
	}
	t := target{module: at.module, typ: m[2], name: m[3], key: m[4], attribute: m[5]}
	if m[1] != "" {
		t.mode = "data"
	}
	return []target{t}, true
}

// known says whether the values of the for_each are: they may be other resources'.
func (r *reader) known(at site) bool {
	e, ok := unmarshal(at.forEach)
	if !ok {
		return false
	}
	targets, all := r.resolve(e.References, at.in(at.module, nil))
	return all && len(targets) == 0
}

// variable follows a variable to what the calling module gives for it.
func (r *reader) variable(name string, at site) ([]target, bool) {
	outer, call, ok := caller(at.module)
	m := r.config.module(outer)
	if !ok || m == nil {
		return nil, false
	}
	name, _, _ = strings.Cut(keys.ReplaceAllString(name, ""), ".")
	v, ok := m.Calls[call].Expressions[name]
	if !ok {
		return nil, true // its default, which is known
	}
	e, ok := unmarshal(v)
	if !ok {
		return nil, false
	}
	return r.resolve(e.References, at.in(outer, m.Calls[call].ForEach))
}

// caller takes the address of a module instance apart: that of the module which calls
// it, and what it is called there.
func caller(module string) (outer, call string, ok bool) {
	module = strings.TrimSuffix(module, ownKey(module))
	const mark = "module."
	at := strings.LastIndex(module, mark)
	if at < 0 {
		return "", "", false
	}
	return strings.TrimSuffix(module[:at], "."), module[at+len(mark):], true
}

// output follows an output of a module to what it is made of.
func (r *reader) output(ref string, at site) ([]target, bool) {
	m := outputOf.FindStringSubmatch(ref)
	if m == nil {
		return nil, false
	}
	inner := m[1] + m[2]
	if at.module != "" {
		inner = at.module + "." + inner
	}
	called := r.config.module(inner)
	if called == nil {
		return nil, false
	}
	out, ok := called.Outputs[m[3]]
	if !ok {
		return nil, false
	}
	e, ok := unmarshal(out.Expression)
	if !ok {
		return nil, false
	}
	return r.resolve(e.References, at.in(inner, nil))
}

// instance is the address of what a target can be: the only instance there is, or
// that with the key that is written. Of a key that is computed a plan has the parts
// and not the whole: m[each.key], m[upper(each.key)] and m[var.next[each.key]] have
// the same references, or nearly. It is then what all instances have in common.
func (r *reader) instance(t target) (address string, ok bool) {
	if t.mode == "data" {
		return "", false
	}
	at := t.typ + "." + t.name
	if t.module != "" {
		at = t.module + "." + at
	}
	there := r.instances[at]
	switch {
	case t.key != "" && slices.Contains(there, at+t.key):
		return at + t.key, true
	case t.key != "":
		return at + anyKey, slices.Contains(there, at+anyKey)
	case len(there) == 1:
		return there[0], true
	case len(there) > 1:
		r.shared[at] = there
		return at, true
	}
	return "", false
}

// common is a resource that has what all instances of one have, and of the rest says
// that it is not known: one for each Region that they are in.
func common(address string, all []*Resource) []*Resource {
	why := fmt.Sprintf("which instance of %s is meant is not known, because its key is computed, and they differ", clip(address))
	var regions []string
	var requests []jsondoc.Value
	for _, r := range all {
		requests = append(requests, r.Request)
		if !slices.Contains(regions, r.Region) {
			regions = append(regions, r.Region)
		}
	}
	request := shared(requests, why)
	if len(regions) > 1 {
		request = jsondoc.Unresolved(why)
	}
	var out []*Resource
	for _, region := range regions {
		out = append(out, &Resource{Address: address, Type: all[0].Type, Row: all[0].Row, Base: all[0].Base, Region: region, Request: request})
	}
	return out
}

// shared is what values have in common.
func shared(values []jsondoc.Value, why string) jsondoc.Value {
	first := values[0]
	every := func(is func(v jsondoc.Value) bool) bool {
		return !slices.ContainsFunc(values, func(v jsondoc.Value) bool { return !is(v) })
	}
	switch {
	case every(func(v jsondoc.Value) bool { return jsondoc.Equal(v, first) }), every(jsondoc.Value.Empty):
		return first
	case every(func(v jsondoc.Value) bool { return v.What() != "" && v.What() == first.What() }):
		return jsondoc.Pending(first.Why(), first.What())
	case every(func(v jsondoc.Value) bool { return v.Kind() == jsondoc.Object }):
		var out []jsondoc.Member
		seen := map[string]bool{}
		for _, v := range values {
			for _, m := range v.Members() {
				if seen[m.Name] {
					continue
				}
				seen[m.Name] = true
				var all []jsondoc.Value
				for _, v := range values {
					all = append(all, exact(v, m.Name))
				}
				if one := shared(all, why); one.Kind() != jsondoc.Absent {
					out = append(out, jsondoc.Member{Name: m.Name, Value: one})
				}
			}
		}
		return jsondoc.OfObject(out...)
	case every(func(v jsondoc.Value) bool { return v.Kind() == jsondoc.Array && v.Len() == first.Len() }):
		var out []jsondoc.Value
		for i := range first.Members() {
			var all []jsondoc.Value
			for _, v := range values {
				all = append(all, v.Members()[i].Value)
			}
			out = append(out, shared(all, why))
		}
		return jsondoc.OfArray(out...)
	}
	if i := slices.IndexFunc(values, func(v jsondoc.Value) bool { return v.Kind() == jsondoc.Unknown }); i >= 0 {
		return jsondoc.Unresolved(values[i].Why())
	}
	return jsondoc.Unresolved(why)
}

// ownKey is the instance key at the end of an address.
func ownKey(address string) string {
	if all := keys.FindAllStringIndex(address, -1); len(all) > 0 && all[len(all)-1][1] == len(address) {
		return address[all[len(all)-1][0]:]
	}
	return ""
}
