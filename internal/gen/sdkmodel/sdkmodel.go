// Package sdkmodel tells what operations the AWS SDK's client of SageMaker AI
// has, and makes requests and responses that have every member. Tests hold the
// table of kinds to it, and the table's documentation is made with it. Nothing
// that is shipped imports it.
package sdkmodel

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// Operation is one operation of the client.
type Operation struct {
	Name          string
	Input, Output *smithy.Schema
	// Required are the members of the input without which the SDK refuses the
	// call, and the token that it fills in by itself, sorted.
	Required []string
}

// Operations returns every operation of the client, by name. It finds them by
// reflection over the client's methods, and their models by what inputs and
// outputs call themselves when they are serialized.
var Operations = sync.OnceValue(func() map[string]Operation {
	client := reflect.ValueOf(sagemaker.New(sagemaker.Options{
		Region:      "eu-central-1",
		Credentials: aws.AnonymousCredentials{},
		Retryer:     aws.NopRetryer{},
		HTTPClient:  noNetwork{},
	}))
	out := map[string]Operation{}
	for i := range client.NumMethod() {
		name, call := client.Type().Method(i).Name, client.Method(i)
		// func(context.Context, *OpInput, ...func(*Options)) (*OpOutput, error)
		if t := call.Type(); t.NumIn() != 3 || t.NumOut() != 2 || t.In(1).Kind() != reflect.Pointer {
			continue
		}
		input, output := reflect.New(call.Type().In(1).Elem()), reflect.New(call.Type().Out(0).Elem())
		in, inOK := input.Interface().(smithy.Serializable)
		res, outOK := output.Interface().(smithy.Serializable)
		if inOK && outOK {
			out[name] = Operation{Name: name, Input: schemaOf(in), Output: schemaOf(res), Required: required(call, input)}
		}
	}
	return out
})

// noNetwork refuses every request, so that a call goes as far as the SDK's own
// checks and no further.
type noNetwork struct{}

func (noNetwork) Do(*http.Request) (*http.Response, error) { return nil, errors.New("no network") }

// required calls an operation with an empty input, for the SDK to say what it
// misses.
func required(call, input reflect.Value) []string {
	var missing []string
	results := call.Call([]reflect.Value{reflect.ValueOf(context.Background()), input})
	err, _ := results[1].Interface().(error)
	if invalid := (smithy.InvalidParamsError{}); errors.As(err, &invalid) {
		for _, e := range invalid.Errs() {
			if p := smithy.InvalidParamError(nil); errors.As(e, &p) {
				_, name, _ := strings.Cut(p.Field(), ".")
				missing = append(missing, name)
			}
		}
	}
	const token = "ClientRequestToken"
	if input.Elem().FieldByName(token).IsValid() {
		missing = append(missing, token)
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// schemaOf is the model of an input or output; of one that has no members the
// SDK has no model.
func schemaOf(v smithy.Serializable) *smithy.Schema {
	c := &catcher{}
	v.Serialize(c)
	if c.schema == nil {
		return smithy.NewSchema(smithy.ShapeID{Namespace: "smithy.api", Name: "Unit"}, smithy.ShapeTypeStructure, 0)
	}
	return c.schema
}

// catcher keeps the first structure that is written to it. An empty input
// writes nothing else.
type catcher struct {
	smithy.ShapeSerializer // nil: whatever else is written is a programming error
	schema                 *smithy.Schema
}

func (c *catcher) WriteStruct(s *smithy.Schema) {
	if c.schema == nil {
		c.schema = s
	}
}

func (*catcher) CloseStruct() {}

// Leaf is a member that holds no other members.
type Leaf struct {
	// Path has "[]" after what is a list, "{}" after what is a map.
	Path   string
	Schema *smithy.Schema
}

// Leaves lists the leaves of a structure, at any depth, through lists, maps and
// every variant of unions. What holds itself is gone through once.
func Leaves(s *smithy.Schema) []Leaf { return leaves("", s, nil) }

func leaves(path string, s *smithy.Schema, above []smithy.ShapeID) []Leaf {
	if slices.Contains(above, s.TargetID()) {
		return nil
	}
	above = append(slices.Clip(above), s.TargetID())
	switch s.Type() {
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		var out []Leaf
		for _, name := range slices.Sorted(maps.Keys(s.Members())) {
			out = append(out, leaves(strings.TrimPrefix(path+"."+name, "."), s.Member(name), above)...)
		}
		return out
	case smithy.ShapeTypeList:
		return leaves(path+"[]", s.ListMember(), above)
	case smithy.ShapeTypeMap:
		return leaves(path+"{}", s.MapValue(), above)
	default:
		return []Leaf{{path, s}}
	}
}

// Has says whether a structure has the member at a path of names. A list on
// the way stands for its elements; "[]" after its name may be left out.
func Has(s *smithy.Schema, path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		for s != nil && s.Type() == smithy.ShapeTypeList {
			s = s.ListMember()
		}
		if s == nil || s.Type() != smithy.ShapeTypeStructure && s.Type() != smithy.ShapeTypeUnion {
			return false
		}
		if s = s.Member(strings.TrimSuffix(name, "[]")); s == nil {
			return false
		}
	}
	return true
}

// Values may give the value of a member; ok is false where it has none to give.
type Values func(path string, s *smithy.Schema) (value jsondoc.Value, ok bool)

// Full is a document of a structure with every member set: lists and maps to
// one element, unions to every variant at once, which no real document has.
func Full(s *smithy.Schema, values Values) jsondoc.Value { return full("", s, values, nil) }

func full(path string, s *smithy.Schema, values Values, above []smithy.ShapeID) jsondoc.Value {
	if values != nil {
		if v, ok := values(path, s); ok {
			return v
		}
	}
	if slices.Contains(above, s.TargetID()) {
		return jsondoc.Value{}
	}
	above = append(slices.Clip(above), s.TargetID())
	switch s.Type() {
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		var members []jsondoc.Member
		for _, name := range slices.Sorted(maps.Keys(s.Members())) {
			v := full(strings.TrimPrefix(path+"."+name, "."), s.Member(name), values, above)
			if v.Kind() != jsondoc.Absent {
				members = append(members, jsondoc.Member{Name: name, Value: v})
			}
		}
		return jsondoc.OfObject(members...)
	case smithy.ShapeTypeList:
		if v := full(path+"[]", s.ListMember(), values, above); v.Kind() != jsondoc.Absent {
			return jsondoc.OfArray(v)
		}
		return jsondoc.OfArray()
	case smithy.ShapeTypeMap:
		return jsondoc.OfObject(jsondoc.Member{Name: "key", Value: full(path+"{}", s.MapValue(), values, above)})
	case smithy.ShapeTypeBoolean:
		return jsondoc.OfBool(true)
	case smithy.ShapeTypeString, smithy.ShapeTypeBlob:
		return jsondoc.OfString("x")
	case smithy.ShapeTypeEnum:
		for _, name := range slices.Sorted(maps.Keys(s.Members())) {
			return jsondoc.OfString(name)
		}
		return jsondoc.OfString("x")
	default:
		return jsondoc.OfNumber("1")
	}
}

// Only is the document with no other members than the given ones.
func Only(doc jsondoc.Value, members ...string) jsondoc.Value {
	var out []jsondoc.Member
	for _, m := range doc.Members() {
		if slices.Contains(members, m.Name) {
			out = append(out, m)
		}
	}
	return jsondoc.OfObject(out...)
}

// Without is the document without the members that have one of the names, at
// any depth.
func Without(doc jsondoc.Value, names ...string) jsondoc.Value {
	switch doc.Kind() {
	case jsondoc.Object:
		var out []jsondoc.Member
		for _, m := range doc.Members() {
			if !slices.Contains(names, m.Name) {
				out = append(out, jsondoc.Member{Name: m.Name, Value: Without(m.Value, names...)})
			}
		}
		return jsondoc.OfObject(out...)
	case jsondoc.Array:
		var out []jsondoc.Value
		for _, m := range doc.Members() {
			out = append(out, Without(m.Value, names...))
		}
		return jsondoc.OfArray(out...)
	default:
		return doc
	}
}
