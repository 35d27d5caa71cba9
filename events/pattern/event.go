package pattern

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Match says whether an event matches. What is no JSON object, has more than
// 1 MiB, or takes more than a million steps does not.
func (p *Pattern) Match(event []byte) bool {
	if len(event) > maxEvent {
		return false
	}
	f := flat{fields: map[string][]field{}}
	// Of a name that stands there twice EventBridge takes every value.
	d := jsontext.NewDecoder(bytes.NewReader(event), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != '{' || f.read(d, nil, nil) != nil || d.PeekKind() != 0 {
		return false
	}
	return (&search{f.fields, maxSteps}).meets(p.conditions, nil)
}

// field is a value, and the elements of arrays that it is in.
type field struct {
	scalar
	in []place
}

// place is an element of an array: the number of the array, and the index.
type place struct{ array, index int }

// flat is an event as its values by their path.
type flat struct {
	fields map[string][]field
	arrays int
}

func (f *flat) read(d *jsontext.Decoder, path []string, in []place) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '{':
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return err
			}
			if err := f.read(d, append(slices.Clip(path), name.String()), in); err != nil {
				return err
			}
		}
	case '[':
		array := f.arrays
		f.arrays++
		for i := 0; d.PeekKind() != ']'; i++ {
			within := in
			if k := d.PeekKind(); k == '{' || k == '[' {
				within = append(slices.Clip(in), place{array, i})
			}
			if err := f.read(d, path, within); err != nil {
				return err
			}
		}
	default:
		at := strings.Join(path, ".")
		f.fields[at] = append(f.fields[at], field{scalar{token.Kind() == '"', token.String()}, in})
		return nil
	}
	_, err = d.ReadToken()
	return err
}

// search looks for values that meet conditions together.
type search struct {
	fields map[string][]field
	steps  int
}

// meets says whether the event has, for each condition, a value that meets it,
// all of the same element of each array. A field is absent where the elements
// that the conditions before it have chosen do not have it, as in EventBridge.
func (s *search) meets(rest []condition, in []place) bool {
	if len(rest) == 0 {
		return true
	}
	c, there := rest[0], false
	for _, f := range s.fields[c.path] {
		if s.steps--; s.steps < 0 {
			return false
		}
		together, ok := join(in, f.in)
		there = there || ok
		if ok && slices.ContainsFunc(c.tests, func(t test) bool { return t(f.scalar) }) && s.meets(rest[1:], together) {
			return true
		}
	}
	return c.absent && !there && s.meets(rest[1:], in)
}

// join adds places to others; ok is false where they are two of one array.
func join(in, more []place) (out []place, ok bool) {
	out = slices.Clip(in)
	for _, p := range more {
		i := slices.IndexFunc(in, func(q place) bool { return q.array == p.array })
		if i >= 0 && in[i] != p {
			return nil, false
		}
		if i < 0 {
			out = append(out, p)
		}
	}
	return out, true
}
