package guard

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// mutant is a template with one thing wrong.
type mutant struct {
	// resource is what was mutated, kind its type.
	resource, kind string
	// where leads to what was mutated from the resource on, what says how.
	where, what string
	template    func() map[string]any
}

func (m mutant) String() string {
	return fmt.Sprintf("%s (%s) %s: %s", m.resource, strings.TrimPrefix(m.kind, "AWS::"), m.where, m.what)
}

// drawn says whether a mutant is one of those that are tried where only one in so
// many is: the same ones, whatever else is in the template.
func (m mutant) drawn(of int) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(m.String())) // never fails
	return h.Sum32()%uint32(of) == 0
}

// mutants are all the ways in which a template's resources can be had wrong by one
// step: a resource less; a member or an element less; a switch turned, a number ten
// times as large or as small, a text that is another; an effect turned round; a
// policy with a wildcard, a condition on a tag, or a statement more.
func mutants(template map[string]any) (out []mutant) {
	resources := object(template["Resources"])
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		kind, _ := object(resources[id])["Type"].(string)
		add := func(where, what string, change func(resource map[string]any) any) {
			out = append(out, mutant{id, kind, where, what, func() map[string]any {
				all := maps.Clone(resources)
				if changed := change(clone(object(resources[id])).(map[string]any)); changed == nil {
					delete(all, id)
				} else {
					all[id] = changed
				}
				return with(template, "Resources", all)
			}})
		}
		add("", "not there", func(map[string]any) any { return nil })
		walk(object(resources[id]), nil, func(path []any, value any) {
			where := written(path, resources[id])
			set := func(what string, to any) {
				if reflect.DeepEqual(value, to) {
					return
				}
				add(where, what, func(r map[string]any) any { return put(r, path, to) })
			}
			if where == "Type" {
				return
			}
			if _, element := path[len(path)-1].(int); element {
				set("an element less", gone)
			} else {
				set("not there", gone)
			}
			switch v := value.(type) {
			case bool:
				set("turned", !v)
			case float64:
				set("ten times", 10*v+1)
				set("a tenth", float64(int(v/10)))
			case string:
				set("another", v+"x")
			case map[string]any:
				if v["Effect"] == nil || v["Action"] == nil {
					break
				}
				set("effect turned", with(v, "Effect", map[any]string{"Allow": "Deny", "Deny": "Allow"}[v["Effect"]]))
				set("any action", with(v, "Action", "*"))
				set("an action more", with(v, "Action", append(slices.Clone(list(v["Action"])), "iam:PassRole")))
				set("any action of the service", with(v, "Action", strings.SplitN(fmt.Sprint(list(v["Action"])[0]), ":", 2)[0]+":*"))
				set("on anything", with(v, "Resource", "*"))
				set("by a tag", with(v, "Condition", map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/team": "ml"}}))
				set("by a tag, too", with(v, "Condition", with(object(v["Condition"]), "StringLike", map[string]any{"aws:PrincipalTag/team": "ml"})))
			case []any:
				if path[len(path)-1] == "Statement" {
					set("a statement more", append(slices.Clone(v), map[string]any{"Sid": "More", "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": map[string]any{"AWS": "*"}}))
				}
			}
		})
	}
	return out
}

// gone says that something is to be taken away.
var gone = struct{ gone bool }{true}

// walk visits the values of a resource. A function of CloudFormation is one value,
// and so is an event pattern, which package events is about; of a long list of texts
// the first and the last are enough.
func walk(v any, path []any, visit func(path []any, value any)) {
	if path != nil {
		visit(path, v)
	}
	switch v := v.(type) {
	case map[string]any:
		if function(v) || path != nil && path[len(path)-1] == "EventPattern" {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walk(v[name], append(slices.Clip(path), name), visit)
		}
	case []any:
		for i := range v {
			if plain(v) && len(v) > 3 && i > 0 && i < len(v)-1 {
				continue
			}
			walk(v[i], append(slices.Clip(path), i), visit)
		}
	}
}

// plain says whether a list is one of texts.
func plain(l []any) bool {
	return !slices.ContainsFunc(l, func(v any) bool { _, text := v.(string); return !text })
}

// function says whether a value is a function of CloudFormation; those that choose
// are looked into.
func function(v map[string]any) bool {
	for name := range v {
		return len(v) == 1 && (name == "Ref" || strings.HasPrefix(name, "Fn::") && name != "Fn::If")
	}
	return false
}

// put changes what a path leads to.
func put(v any, path []any, to any) any {
	if len(path) == 0 {
		return to
	}
	switch at := path[0].(type) {
	case string:
		m := object(v)
		if changed := put(m[at], path[1:], to); changed == any(gone) {
			delete(m, at)
		} else {
			m[at] = changed
		}
	case int:
		l := v.([]any)
		changed := put(l[at], path[1:], to)
		if changed == any(gone) {
			return slices.Delete(l, at, at+1)
		}
		l[at] = changed
	}
	return v
}

// clone is a copy of a document all the way down.
func clone(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

func with(m map[string]any, name string, value any) map[string]any {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	out[name] = value
	return out
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

// list is a list, or the list of one thing.
func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// written is a path: Properties/Targets/0/Arn. A statement of a policy is written with
// its effect: Properties/PolicyDocument/Statement/0 Allow/Action.
func written(path []any, of any) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = fmt.Sprint(p)
		switch at := p.(type) {
		case string:
			of = object(of)[at]
		case int:
			of = list(of)[at]
		}
		if i > 0 && path[i-1] == "Statement" {
			parts[i] += fmt.Sprint(" ", object(of)["Effect"])
		}
	}
	return strings.Join(parts, "/")
}
