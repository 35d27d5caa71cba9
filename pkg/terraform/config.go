package terraform

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
	} `json:"module_calls"`
}

type configResource struct {
	Mode        string                    `json:"mode"`
	Type        string                    `json:"type"`
	Name        string                    `json:"name"`
	Provider    string                    `json:"provider_config_key"`
	Expressions map[string]jsontext.Value `json:"expressions"`
}

// expression is what is written for an attribute.
type expression struct {
	Constant   jsontext.Value `json:"constant_value"`
	References []string       `json:"references"`
}

// keys are the instance keys in an address: [0] and ["a"].
var keys = regexp.MustCompile(`\[(\d+|"(?:[^"\\]|\\.)*")\]`)

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

// expression finds what is written for the attribute at a place. It is not ok where
// nothing is: nobody set the attribute, or a dynamic block does.
func (r *configResource) expression(at place) (e expression, ok bool) {
	if r == nil || len(at) == 0 {
		return expression{}, false
	}
	name, _ := at[0].(string)
	v, ok := r.Expressions[name]
	for _, step := range at[1:] {
		if !ok {
			return expression{}, false
		}
		var next jsontext.Value
		switch step := step.(type) {
		case int:
			var list []jsontext.Value
			if json.Unmarshal(v, &list) != nil {
				// Not blocks but an expression: it says something of all that is below.
				return unmarshal(v)
			}
			if ok = step < len(list); ok {
				next = list[step]
			}
		case string:
			if one, is := unmarshal(v); is && (one.Constant != nil || one.References != nil) {
				return one, true
			}
			var members map[string]jsontext.Value
			if json.Unmarshal(v, &members) != nil {
				return expression{}, false
			}
			next, ok = members[step]
		}
		v = next
	}
	if !ok {
		return expression{}, false
	}
	return unmarshal(v)
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

// reference takes apart a reference to a resource or a data source.
var reference = regexp.MustCompile(`^(data\.)?([a-z0-9_]+)\.([A-Za-z0-9_-]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?(?:\.([a-z0-9_]+))?`)

// outputOf takes apart a reference to the output of a module.
var outputOf = regexp.MustCompile(`^(module\.[A-Za-z0-9_-]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?\.([A-Za-z0-9_-]+)`)

// maxHops bounds how far variables and outputs are followed.
const maxHops = 10

// resolve follows references, through the variables and outputs of modules, to
// resources. It is all of them where every reference that may decide led to one.
func (r *reader) resolve(references []string, module string, hops int) (targets []target, all bool) {
	all = true
	for _, ref := range shortest(references) {
		more, ok := r.follow(ref, module, hops)
		targets = append(targets, more...)
		all = all && ok
		if len(targets) > maxTargets {
			return nil, false
		}
	}
	return targets, all
}

const maxTargets = 100

// shortest leaves out the references that others begin with: Terraform lists
// a.b.id and a.b for one.
func shortest(references []string) []string {
	var out []string
	for _, ref := range references {
		longer := func(o string) bool {
			rest, ok := strings.CutPrefix(o, ref)
			return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
		}
		if !slices.ContainsFunc(references, longer) {
			out = append(out, ref)
		}
	}
	return out
}

func (r *reader) follow(ref, module string, hops int) (targets []target, ok bool) {
	if hops > maxHops {
		return nil, false
	}
	head, rest, _ := strings.Cut(ref, ".")
	switch head {
	case "each", "count", "path", "terraform", "self":
		return nil, true // known, or the key of an instance
	case "local":
		return nil, false // the plan does not say what it is
	case "var":
		if module == "" {
			return nil, true // a variable of the root is known
		}
		return r.variable(rest, module, hops)
	case "module":
		return r.output(ref, module, hops)
	}
	m := reference.FindStringSubmatch(ref)
	if m == nil {
		return nil, false
	}
	t := target{module: module, typ: m[2], name: m[3], key: m[4], attribute: m[5]}
	if m[1] != "" {
		t.mode = "data"
	}
	return []target{t}, true
}

// variable follows a variable to what the calling module gives for it.
func (r *reader) variable(name, module string, hops int) ([]target, bool) {
	at := strings.LastIndex(module, "module.")
	outer := strings.TrimSuffix(module[:at], ".")
	caller := r.config.module(outer)
	if caller == nil {
		return nil, false
	}
	name, _, _ = strings.Cut(keys.ReplaceAllString(name, ""), ".")
	v, ok := caller.Calls[modules(module[at:])[0]].Expressions[name]
	if !ok {
		return nil, true // its default, which is known
	}
	e, ok := unmarshal(v)
	if !ok {
		return nil, false
	}
	return r.resolve(e.References, outer, hops+1)
}

// output follows an output of a module to what it is made of.
func (r *reader) output(ref, module string, hops int) ([]target, bool) {
	m := outputOf.FindStringSubmatch(ref)
	if m == nil {
		return nil, false
	}
	inner := m[1] + m[2]
	if module != "" {
		inner = module + "." + inner
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
	return r.resolve(e.References, inner, hops+1)
}

// instance is the address of the one resource that a target can be: the only one, or
// that with the key of the resource that refers to it.
func (c *converter) instance(t target, references []string) (address string, ok bool) {
	if t.mode == "data" {
		return "", false
	}
	at := t.typ + "." + t.name
	if t.module != "" {
		at = t.module + "." + at
	}
	there := c.addresses[keys.ReplaceAllString(at, "")]
	if at += t.key; t.key != "" || slices.Contains(there, at) {
		return at, slices.Contains(there, at)
	}
	byKey := slices.ContainsFunc(references, func(r string) bool { return strings.HasPrefix(r, "each.") || r == "count.index" })
	if own := ownKey(c.change.Address); byKey && own != "" && slices.Contains(there, at+own) {
		return at + own, true
	}
	if len(there) == 1 {
		return there[0], true
	}
	return "", false
}

// ownKey is the instance key at the end of an address.
func ownKey(address string) string {
	if all := keys.FindAllStringIndex(address, -1); len(all) > 0 && all[len(all)-1][1] == len(address) {
		return address[all[len(all)-1][0]:]
	}
	return ""
}
