package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// The limits of what conditions may make of a template: beyond them what depends
// on a condition is unknown.
const (
	maxWorlds      = 64   // outcomes of the conditions that some resources share
	maxAssignments = 4096 // values of the parameters that lead to them
	maxConditions  = 50   // conditions within conditions
)

// worlds evaluates the resources, those that refer to each other together: in each
// world all conditions have one outcome.
func (t *template) worlds() {
	if t.macro != "" {
		for _, r := range t.resources {
			r.Variants = []Variant{{World: r.LogicalID, Request: jsondoc.Unresolved(t.macro)}}
		}
		return
	}
	for i, members := range t.components() {
		conditions := t.conditionsOf(members)
		outcomes := t.outcomes(conditions)
		for j, o := range outcomes {
			w := &world{template: t, values: o.values, holds: o.holds}
			for _, at := range members {
				w.resource(at, fmt.Sprintf("%d.%d", i, j), conditions)
			}
		}
		for _, at := range members {
			if r := t.resources[at]; len(r.Variants) == 0 {
				// No outcome makes it: its condition cannot hold.
				t.resources[at] = nil
			}
		}
	}
	t.resources = slices.DeleteFunc(t.resources, func(r *Resource) bool { return r == nil })
}

// resource adds the variant of a resource in the world, if it is made there.
func (w *world) resource(at int, name string, conditions []string) {
	r, node := w.resources[at], w.nodes[at]
	v := Variant{World: name}
	for _, c := range conditions {
		if holds, known := w.holds[c]; known {
			v.When = append(v.When, kind.Choice{Condition: c, Holds: holds})
		}
	}
	switch condition := node.Get("Condition").Str(); {
	case node == nil:
		v.Request = jsondoc.Unresolved("made by Fn::ForEach: what each has is known only at deployment")
	case condition != "" && w.denies(condition):
		return
	case opaque(node) != "":
		v.Request = jsondoc.Unresolved(opaque(node))
	default:
		properties := node.Get("Properties")
		if properties == nil {
			properties = &document.Node{Kind: document.Map}
		}
		v.Request = request(r.Row, distinct(w.value(properties), false))
	}
	r.Variants = append(r.Variants, v)
}

// denies says whether a condition certainly does not hold.
func (w *world) denies(condition string) bool {
	holds, known := w.holds[condition]
	return known && !holds
}

// components are the resources that refer to each other, directly or through
// others, by their places.
func (t *template) components() [][]int {
	parent := make([]int, len(t.resources))
	byID, byName := map[string]int{}, map[string][]int{}
	for i, r := range t.resources {
		parent[i] = i
		byID[r.LogicalID] = i
		if properties := t.nodes[i].Get("Properties"); properties != nil {
			for _, key := range r.Row.Key {
				for member := range strings.SplitSeq(key, "|") {
					if name := properties.Get(member).Str(); name != "" {
						byName[name] = append(byName[name], i)
					}
				}
			}
		}
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i := range t.resources {
		walk(t.nodes[i], func(n *document.Node) {
			for _, id := range mentioned(n) {
				if j, ok := byID[id]; ok {
					parent[root(i)] = root(j)
				}
			}
			for _, j := range byName[n.Str()] {
				parent[root(i)] = root(j)
			}
		})
	}
	groups := map[int][]int{}
	for i := range t.resources {
		groups[root(i)] = append(groups[root(i)], i)
	}
	var out [][]int
	for _, r := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[r])
	}
	return out
}

// walk calls f with a value and everything below it.
func walk(n *document.Node, f func(*document.Node)) {
	if n == nil {
		return
	}
	f(n)
	for _, m := range n.Members {
		walk(m.Value, f)
	}
}

// mentioned are the logical IDs that a function refers to.
func mentioned(n *document.Node) []string {
	name, argument, ok := function(n)
	if !ok {
		return nil
	}
	switch name {
	case "Ref":
		return []string{argument.Str()}
	case "Fn::GetAtt":
		id, _, _ := strings.Cut(argument.Str(), ".")
		if parts, list := items(argument, 2, 2); list {
			id = parts[0].Str()
		}
		return []string{id}
	case "Fn::Sub":
		text := argument.Str()
		if parts, list := items(argument, 2, 2); list {
			text = parts[0].Str()
		}
		var ids []string
		for _, p := range placeholders.FindAllString(text, -1) {
			id, _, _ := strings.Cut(strings.TrimSpace(p[2:len(p)-1]), ".")
			ids = append(ids, id)
		}
		return ids
	}
	return nil
}

// conditionsOf are the conditions that resources depend on, sorted.
func (t *template) conditionsOf(members []int) []string {
	found := map[string]bool{}
	for _, at := range members {
		if c := t.nodes[at].Get("Condition").Str(); c != "" {
			found[c] = true
		}
		walk(t.nodes[at].Get("Properties"), func(n *document.Node) {
			if name, argument, ok := function(n); ok && name == "Fn::If" {
				if parts, ok := items(argument, 3, 3); ok {
					found[parts[0].Str()] = true
				}
			}
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// outcome is what some conditions come to, and the parameters that are certain if
// they do.
type outcome struct {
	holds  map[string]bool
	values map[string]string
}

// outcomes lists what the conditions can come to. A condition that cannot be told,
// or all of them where there are too many outcomes, is in none.
func (t *template) outcomes(conditions []string) []outcome {
	vars := &variables{template: t, compared: map[string][]string{}}
	for _, c := range conditions {
		vars.condition(c, 0)
	}
	names, domains := slices.Sorted(maps.Keys(vars.compared)), vars.domains()
	total := 1
	for _, name := range names {
		if total *= len(domains[name]); total > maxAssignments {
			return []outcome{{}}
		}
	}
	found := map[string]int{}
	var out []outcome
	for n := range total {
		a := assignment{template: t, values: map[string]string{}}
		for rest, i := n, 0; i < len(names); i++ {
			domain := domains[names[i]]
			a.values[names[i]] = domain[rest%len(domain)]
			rest /= len(domain)
		}
		holds, key := map[string]bool{}, ""
		for _, c := range conditions {
			is, known := a.condition(c, 0)
			if known {
				holds[c] = is
			}
			key += fmt.Sprint(is, known, " ")
		}
		at, ok := found[key]
		if !ok {
			if at = len(out); at == maxWorlds {
				return []outcome{{}}
			}
			found[key] = at
			out = append(out, outcome{holds, maps.Clone(a.values)})
			continue
		}
		for name, value := range out[at].values {
			if a.values[name] != value {
				delete(out[at].values, name)
			}
		}
	}
	for _, o := range out {
		for _, c := range conditions {
			// What cannot be told in one of them is a condition that nobody understands.
			if _, known := o.holds[c]; !known {
				for _, o := range out {
					delete(o.holds, c)
				}
			}
		}
		maps.DeleteFunc(o.values, func(name, value string) bool { return value == other || strings.HasPrefix(name, expression) })
	}
	return out
}

// other is every value of a parameter that no condition compares it with. No
// parameter can have it, for it is not text.
const other = "\xff"

// expression begins the name of what decides a condition and is no parameter.
const expression = "\x00"

// variables finds what decides conditions, and what it is compared with.
type variables struct {
	*template
	compared map[string][]string
}

// domains are the values that make a difference: those that are compared with, as
// far as a parameter can have them, and one that stands for all others.
func (v *variables) domains() map[string][]string {
	out := map[string][]string{}
	for name, compared := range v.compared {
		if strings.HasPrefix(name, expression) {
			out[name] = []string{"true", "false"}
			continue
		}
		values := allowed(v.parameter(name))
		if len(values) == 0 {
			out[name] = append(slices.Clone(compared), other)
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(values), func(s string) bool { return slices.Contains(compared, s) })
		out[name] = slices.DeleteFunc(values, func(s string) bool { return slices.Contains(rest, s) })
		switch len(rest) {
		case 0:
		case 1:
			out[name] = append(out[name], rest[0])
		default:
			out[name] = append(out[name], other)
		}
	}
	return out
}

// condition finds what decides a condition of the template.
func (v *variables) condition(name string, depth int) {
	if n := v.root.Get("Conditions").Get(name); n != nil && depth < maxConditions {
		v.node(n, depth+1)
	}
}

func (v *variables) node(n *document.Node, depth int) {
	name, argument, ok := conditionOf(n)
	if v.spent++; !ok || depth > maxConditions || v.spent > maxSpent {
		return
	}
	switch name {
	case "Condition":
		v.condition(argument.Str(), depth)
	case "Fn::And", "Fn::Or", "Fn::Not":
		for _, m := range argument.Members {
			v.node(m.Value, depth+1)
		}
	case "Fn::Equals":
		parts, ok := items(argument, 2, 2)
		if !ok {
			return
		}
		parameter, literal, ok := v.comparison(parts)
		if !ok {
			if _, known := v.constant(parts); !known {
				v.compared[v.expressionOf(n)] = nil
			}
			return
		}
		if !slices.Contains(v.compared[parameter], literal) {
			v.compared[parameter] = append(v.compared[parameter], literal)
		}
	}
}

// conditionOf takes a condition apart. Beside functions there is one form of its
// own: {"Condition": "Name"}.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
func conditionOf(n *document.Node) (name string, argument *document.Node, ok bool) {
	if name, argument, ok = function(n); ok {
		return name, argument, true
	}
	if name == "Condition" {
		return name, argument, true
	}
	return "", nil, false
}

// comparison recognises the comparison of a parameter, or of a pseudo parameter,
// with a text.
func (t *template) comparison(parts []*document.Node) (parameter, literal string, ok bool) {
	for i, n := range parts {
		name, argument, isFunction := function(n)
		if !isFunction || name != "Ref" {
			continue
		}
		id := argument.Str()
		typ := t.parameter(id).Get("Type").Str()
		switch {
		case id == "AWS::NoValue", strings.HasPrefix(typ, "List<"), typ == "CommaDelimitedList", strings.HasPrefix(typ, "AWS::SSM::"):
			return "", "", false
		case t.parameter(id) == nil && !strings.HasPrefix(id, "AWS::"):
			return "", "", false
		}
		w := world{template: t}
		literal, ok = scalar(w.value(parts[1-i]))
		return id, literal, ok
	}
	return "", "", false
}

// constant is the outcome of a comparison of which both sides are known.
func (t *template) constant(parts []*document.Node) (equal, known bool) {
	w := world{template: t}
	a, okA := scalar(w.value(parts[0]))
	b, okB := scalar(w.value(parts[1]))
	return a == b, okA && okB
}

// expressionOf names a comparison that is no parameter's, the same wherever it
// stands.
func (t *template) expressionOf(n *document.Node) string {
	var b strings.Builder
	b.WriteString(expression)
	var add func(n *document.Node)
	add = func(n *document.Node) {
		t.spent++
		if name, argument, ok := function(n); ok {
			fmt.Fprintf(&b, "%s(", name)
			add(argument)
			b.WriteByte(')')
			return
		}
		fmt.Fprintf(&b, "%q[", n.Text)
		for _, m := range n.Members {
			fmt.Fprintf(&b, "%q:", m.Name)
			add(m.Value)
		}
		b.WriteByte(']')
	}
	add(n)
	return b.String()
}

// assignment is a value for everything that decides conditions.
type assignment struct {
	*template
	values map[string]string
}

// condition is the outcome of a condition of the template.
func (a *assignment) condition(name string, depth int) (holds, known bool) {
	n := a.root.Get("Conditions").Get(name)
	if n == nil || depth > maxConditions {
		return false, false
	}
	return a.node(n, depth+1)
}

func (a *assignment) node(n *document.Node, depth int) (holds, known bool) {
	name, argument, ok := conditionOf(n)
	if a.spent++; !ok || depth > maxConditions || a.spent > maxSpent {
		return false, false
	}
	switch name {
	case "Condition":
		return a.condition(argument.Str(), depth)
	case "Fn::Not":
		parts, ok := items(argument, 1, 1)
		if !ok {
			return false, false
		}
		holds, known = a.node(parts[0], depth+1)
		return !holds, known
	case "Fn::And", "Fn::Or":
		return a.several(name == "Fn::And", argument, depth)
	case "Fn::Equals":
		return a.equal(n, argument)
	}
	return false, false
}

// several is the outcome of Fn::And or Fn::Or: of one that decides, or of all.
func (a *assignment) several(and bool, argument *document.Node, depth int) (holds, known bool) {
	parts, ok := items(argument, 1, 10)
	if !ok {
		return false, false
	}
	known = true
	for _, p := range parts {
		is, sure := a.node(p, depth+1)
		if sure && is != and {
			return is, true
		}
		known = known && sure
	}
	return and, known
}

func (a *assignment) equal(n, argument *document.Node) (holds, known bool) {
	parts, ok := items(argument, 2, 2)
	if !ok {
		return false, false
	}
	if parameter, literal, ok := a.comparison(parts); ok {
		return a.values[parameter] == literal, true
	}
	if equal, known := a.constant(parts); known {
		return equal, true
	}
	return a.values[a.expressionOf(n)] == "true", true
}
