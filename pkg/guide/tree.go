package guide

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// object is a JSON object that keeps the order in which it was written: a request
// is read by people, who want its name first and its network together.
type object []member

type member struct {
	name  string
	value any // object, []any, document, verbatim, string, bool, int, or nil
}

// document is an object that stands in a string, as JSON.
type document struct{ object }

// verbatim is an object whose members' names are the same in every language.
type verbatim struct{ object }

// get returns a member.
func (o object) get(name string) (any, bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return nil, false
}

// with returns the object with a member set: in its place, or behind the others.
func (o object) with(name string, value any) object {
	out := slices.Clone(o)
	for i := range out {
		if out[i].name == name {
			out[i].value = value
			return out
		}
	}
	return append(out, member{name, value})
}

// over lays an object over another, member by member.
func (o object) over(more object) object {
	for _, m := range more {
		value := m.value
		if below, ok := value.(object); ok {
			if had, ok := o.get(m.name); ok {
				if base, ok := had.(object); ok {
					value = base.over(below)
				}
			}
		}
		o = o.with(m.name, value)
	}
	return o
}

// at returns a copy of the object in which what is at a path was changed by f.
// Paths are those of package posture: A.B[0].C; "." is the object itself.
func (o object) at(path string, f func(any) any) (object, error) {
	if path == "." {
		changed, ok := f(o).(object)
		if !ok {
			return nil, fmt.Errorf("what is at %s is no object", path)
		}
		return changed, nil
	}
	changed, err := change(o, strings.Split(strings.ReplaceAll(path, "[", ".["), "."), f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return changed.(object), nil //nolint:errcheck // what an object is changed to is one
}

func change(v any, path []string, f func(any) any) (any, error) {
	if len(path) == 0 {
		return f(v), nil
	}
	name, rest := path[0], path[1:]
	switch v := v.(type) {
	case document:
		below, err := change(v.object, path, f)
		if err != nil {
			return nil, err
		}
		return document{below.(object)}, nil //nolint:errcheck // what an object is changed to is one
	case []any:
		i, err := strconv.Atoi(strings.Trim(name, "[]"))
		if err != nil || i < 0 || i >= len(v) {
			return nil, fmt.Errorf("no element %s", name)
		}
		below, err := change(v[i], rest, f)
		if err != nil {
			return nil, err
		}
		out := slices.Clone(v)
		out[i] = below
		return out, nil
	case object:
		had, ok := v.get(name)
		if !ok && len(rest) > 0 {
			had = object{}
		}
		below, err := change(had, rest, f)
		if err != nil {
			return nil, err
		}
		return v.with(name, below), nil
	default:
		return nil, fmt.Errorf("no member %s", name)
	}
}

// fill returns the tree with every text changed by f.
func fill(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case document:
		return document{fill(v.object, f).(object)} //nolint:errcheck // what an object is filled to is one
	case object:
		out := make(object, len(v))
		for i, m := range v {
			out[i] = member{m.name, fill(m.value, f)}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = fill(e, f)
		}
		return out
	default:
		return v
	}
}

// jsonOf writes a tree as JSON on one line, members in their order.
func jsonOf(v any) string {
	var b strings.Builder
	writeJSON(&b, v)
	return b.String()
}

func writeJSON(b *strings.Builder, v any) {
	switch v := v.(type) {
	case object:
		b.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(text(m.name))
			b.WriteString(": ")
			writeJSON(b, m.value)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			writeJSON(b, e)
		}
		b.WriteByte(']')
	case document:
		writeJSON(b, jsonOf(v.object))
	case verbatim:
		writeJSON(b, v.object)
	case string:
		b.WriteString(text(v))
	default:
		fmt.Fprint(b, v)
	}
}

// treeOf turns what JSON or YAML was decoded to into a tree. A member whose name
// ends in |json is a [document].
func treeOf(v any) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		out := make(object, 0, len(v))
		for _, item := range v {
			name := fmt.Sprint(item.Key)
			value := treeOf(item.Value)
			if before, ok := strings.CutSuffix(name, "|json"); ok {
				name = before
				if o, ok := value.(object); ok {
					value = document{o}
				}
			}
			out = append(out, member{name, value})
		}
		return out
	case map[string]any:
		out := object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, member{name, treeOf(v[name])})
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = treeOf(e)
		}
		return out
	case uint64:
		return int(v) //nolint:gosec // small numbers of our own
	default:
		return v
	}
}
