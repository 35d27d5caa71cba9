package sandbox

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// modelJSON has the shapes of the operations that are answered, from the AWS
// SDK's own model. internal/gen/sandbox writes it.
//
//go:embed model.json
var modelJSON []byte

// shape is a shape of the service's model.
type shape struct {
	typ      string // structure, union, list, map, enum, or a simple type
	members  map[string]*shape
	required []string
	values   []string // of an enumeration
	of       *shape   // elements of a list, values of a map
}

// signature is the input and output of an operation.
type signature struct{ in, out *shape }

// model is every operation that is answered.
var model = sync.OnceValue(func() map[string]signature {
	var doc struct {
		Operations map[string][2]string `json:"operations"`
		Shapes     map[string]struct {
			Type     string            `json:"type"`
			Members  map[string]string `json:"members"`
			Required []string          `json:"required"`
			Values   []string          `json:"values"`
			Of       string            `json:"of"`
		} `json:"shapes"`
	}
	if err := json.Unmarshal(modelJSON, &doc); err != nil {
		panic("model.json: " + err.Error()) // it is part of the program
	}
	shapes := make(map[string]*shape, len(doc.Shapes))
	at := func(name string) *shape {
		if shapes[name] == nil {
			shapes[name] = &shape{typ: name}
		}
		return shapes[name]
	}
	for name, d := range doc.Shapes {
		s := at(name)
		s.typ, s.required, s.values = d.Type, d.Required, d.Values
		if d.Of != "" {
			s.of = at(d.Of)
		}
		s.members = make(map[string]*shape, len(d.Members))
		for member, target := range d.Members {
			s.members[member] = at(target)
		}
	}
	out := make(map[string]signature, len(doc.Operations))
	for name, op := range doc.Operations {
		out[name] = signature{at(op[0]), at(op[1])}
	}
	return out
})

// place is where in a request a value stands.
type place struct {
	above *place
	name  string
}

// String writes a place as SageMaker does: productionVariants.1.member.modelName.
// https://github.com/aws/amazon-sagemaker-examples/issues/2236
func (p *place) String() string {
	if p.above == nil {
		return p.name
	}
	return p.above.String() + "." + p.name
}

// reading is one request being read.
type reading struct{ problems []string }

// err is what is wrong with a request as a whole. Several errors are told at
// once, https://github.com/aws-samples/sagemaker-ssh-helper/issues/70; their order
// is not documented.
func (r *reading) err() error {
	switch n := len(r.problems); n {
	case 0:
		return nil
	case 1:
		return refuse("ValidationException", "1 validation error detected: %s", r.problems[0])
	default:
		slices.Sort(r.problems)
		return refuse("ValidationException", "%d validation errors detected: %s", n, strings.Join(r.problems, "; "))
	}
}

func (r *reading) problem(value any, at *place, constraint string) {
	told := fmt.Sprintf("Value '%v'", value)
	if value == nil {
		told = "Value null"
	}
	r.problems = append(r.problems, told+" at '"+at.String()+"' failed to satisfy constraint: "+constraint)
}

// read checks a value against a shape, and returns a copy without what the
// shape does not have. Members that AWS does not know it ignores; null is not
// there. The error is a SerializationException, after which nothing is read.
func (r *reading) read(s *shape, v any, at *place) (any, error) {
	switch s.typ {
	case "structure", "union":
		members, ok := v.(map[string]any)
		if !ok {
			return nil, mistyped(s, v)
		}
		return r.readStructure(s, members, at)
	case "list":
		list := reflect.ValueOf(v)
		if list.Kind() != reflect.Slice {
			return nil, mistyped(s, v)
		}
		out := make([]any, list.Len())
		for i := range out {
			element, err := r.read(s.of, list.Index(i).Interface(), &place{at, strconv.Itoa(i+1) + ".member"})
			if err != nil {
				return nil, err
			}
			out[i] = element
		}
		return out, nil
	case "map":
		entries := reflect.ValueOf(v)
		if entries.Kind() != reflect.Map || entries.Type().Key().Kind() != reflect.String {
			return nil, mistyped(s, v)
		}
		out := make(map[string]any, entries.Len())
		for entry := entries.MapRange(); entry.Next(); {
			value, err := r.read(s.of, entry.Value().Interface(), &place{at, entry.Key().String() + ".member"})
			if err != nil {
				return nil, err
			}
			out[entry.Key().String()] = value
		}
		return out, nil
	case "enum":
		text, ok := v.(string)
		if !ok {
			return nil, mistyped(s, v)
		}
		if !slices.Contains(s.values, text) {
			r.problem(text, at, "Member must satisfy enum value set: ["+strings.Join(s.values, ", ")+"]")
		}
		return text, nil
	}
	if !simple(s.typ, v) {
		return nil, mistyped(s, v)
	}
	return v, nil
}

func (r *reading) readStructure(s *shape, members map[string]any, at *place) (map[string]any, error) {
	out := make(map[string]any, len(members)+4)
	for name, value := range members {
		member := s.members[name]
		if member == nil || value == nil {
			continue
		}
		read, err := r.read(member, value, &place{at, lowerFirst(name)})
		if err != nil {
			return nil, err
		}
		out[name] = read
	}
	for _, name := range s.required {
		if _, there := out[name]; !there {
			r.problem(nil, &place{at, lowerFirst(name)}, "Member must not be null")
		}
	}
	return out, nil
}

// simple says whether a value is of a simple type.
func simple(typ string, v any) bool {
	switch typ {
	case "string":
		_, ok := v.(string)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "blob":
		text, ok := v.(string)
		if !ok {
			return false
		}
		_, err := base64.StdEncoding.DecodeString(text)
		return err == nil
	default:
		_, ok := number(v)
		return ok
	}
}

// number reads a number of a request.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// mistyped is the error for a value that is not of its shape's type. The
// wording is AWS's of other services; SageMaker's is not confirmed.
func mistyped(s *shape, v any) error {
	switch s.typ {
	case "structure", "union", "map", "list":
		return refuse("SerializationException", "Unrecognized collection type: %s expected, found %s", s.typ, kindOf(v))
	}
	return refuse("SerializationException", "%s can not be converted to %s", kindOf(v), s.typ)
}

// kindOf names a JSON value as AWS's parser does.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "STRING_VALUE"
	case bool:
		return "BOOLEAN_VALUE"
	case map[string]any:
		return "START_OBJECT"
	case []any:
		return "START_ARRAY"
	default:
		return "NUMBER_VALUE"
	}
}

// part is what a shape has of a value: where a response's shape has less than
// the request's.
func part(s *shape, v any) any {
	switch v := v.(type) {
	case map[string]any:
		switch s.typ {
		case "structure", "union":
			out := make(map[string]any, len(v))
			for name, value := range v {
				if member := s.members[name]; member != nil {
					out[name] = part(member, value)
				}
			}
			return out
		case "map":
			return v
		}
	case []any:
		if s.typ == "list" {
			out := make([]any, len(v))
			for i := range v {
				out[i] = part(s.of, v[i])
			}
			return out
		}
	}
	return v
}

// follow is the value at a path of member names; "[]" after a name goes through
// the elements of a list.
func follow(v any, path string) []any {
	name, rest, deeper := strings.Cut(path, ".")
	name, list := strings.CutSuffix(name, "[]")
	members, _ := v.(map[string]any)
	found, ok := members[name]
	if !ok {
		return nil
	}
	next := []any{found}
	if list {
		next, _ = found.([]any)
	}
	if !deeper {
		return next
	}
	var out []any
	for _, v := range next {
		out = append(out, follow(v, rest)...)
	}
	return out
}

// text is the string at a path, or "".
func text(v any, path string) string {
	for _, found := range follow(v, path) {
		if s, ok := found.(string); ok {
			return s
		}
	}
	return ""
}
