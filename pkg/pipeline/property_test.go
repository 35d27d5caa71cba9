package pipeline

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// FuzzParse holds what must be true of the steps of any text.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"Version":"2020-12-01","Parameters":` + parameters + `,"Steps":[{"Name":"c","Type":"Condition","Arguments":{"IfSteps":[` +
			`{"Name":"t","Type":"Training","Arguments":{"VpcConfig":{"Subnets":[{"Get":"Parameters.S"}]},"X":{"Get":"Steps.a.B"}}}],"ElseSteps":"x"}}]}`,
		`{"steps":[{"name":"a","type":"b","arguments":{"a.\"b":{"Type":"T","Name":"n","Arguments":{"Std:Join":{"Values":["x",1]}}}}}]}`,
		`{"Steps":[null,[[{"Type":1,"Arguments":{}}]],{"Get":"Parameters.B"},{"Std:JsonGet":[]}]}`,
		`{"Steps":[{"Name":"a","Type":"T","Arguments":{"L":[{"Std:Join":{"On":"-","Values":[{"Std:Join":{"Values":[{"Get":"Parameters.I"}]}}]}}]}}]}`,
		`{"Steps":[{"Name":"f","Type":"ForEach","Body":{"Name":"t","Type":"T","Args":{"L":[{"Get":"Parameters.S"}]}},"Arguments":{"Name":"u","type":"T"}}]}`,
		`{"Steps":[{"Name":"a","Type":"T","Arguments":{"Environment":{"a":"1","A":"2","Get":"x"}}}]}`,
	} {
		f.Add([]byte(text), "S", "true")
	}
	f.Fuzz(func(t *testing.T, text []byte, name, value string) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		root, err := jsondoc.Parse(text, freeForm)
		if err != nil {
			t.Fatalf("read as a definition, not as JSON: %v", err)
		}
		Looks(root)
		for _, given := range []map[string]string{nil, {name: value}} {
			check(t, root, d.Steps(given))
		}
	})
}

func check(t *testing.T, root jsondoc.Value, steps []Step) {
	if len(steps) > MaxSteps+1 {
		t.Fatalf("%d steps", len(steps))
	}
	if list := root.Get("Steps"); len(steps) < list.Len() && len(steps) < MaxSteps {
		t.Errorf("%d steps of at least %d", len(steps), list.Len())
	}
	paths := map[string]bool{}
	for _, s := range steps {
		v, err := follow(root, s.Path)
		if err != nil {
			t.Errorf("path %q: %v", s.Path, err)
		}
		if paths[s.Path] {
			t.Errorf("path %q twice", s.Path)
		}
		paths[s.Path] = true
		if s.Type == "" {
			if s.Arguments.Kind() != jsondoc.Unknown || s.assumed != nil {
				t.Errorf("path %q: no step, but %+v", s.Path, s)
			}
			continue
		}
		if v.Kind() != jsondoc.Object || v.Get("Type").Str() != s.Type || v.Get("Name").Str() != s.Name || s.Name == "" {
			t.Errorf("path %q: %s is not the step %+v", s.Path, show(v), s)
		}
		sameShape(t, s.Path, v.Get("Arguments"), s.Arguments)
		assumed := s.AssumedBelow("VpcConfig", "L", "X", "a", "")
		for i, line := range assumed {
			if !strings.HasPrefix(line, "Parameters.") || !strings.HasSuffix(line, " (default value)") || i > 0 && line <= assumed[i-1] {
				t.Errorf("path %q: %q", s.Path, assumed)
			}
		}
	}
}

// sameShape holds that only expressions change, and that each becomes a scalar
// within bounds or unknown.
func sameShape(t *testing.T, path string, before, after jsondoc.Value) {
	if _, _, ok := expression(before); ok {
		switch after.Kind() {
		case jsondoc.String, jsondoc.Number, jsondoc.Bool:
		case jsondoc.Unknown:
			if why := after.Why(); why == "" || len(why) > 4*maxQuoted {
				t.Errorf("%s: why: %q", path, why)
			}
		default:
			t.Errorf("%s: an expression became %s", path, show(after))
		}
		return
	}
	if before.Kind() != after.Kind() || before.Len() != after.Len() {
		t.Errorf("%s: %s became %s", path, show(before), show(after))
		return
	}
	if before.Len() == 0 && !jsondoc.Equal(before, after) {
		t.Errorf("%s: %s became %s", path, show(before), show(after))
	}
	for i, m := range before.Members() {
		if n := after.Members()[i]; m.Name == n.Name {
			sameShape(t, path, m.Value, n.Value)
		} else {
			t.Errorf("%s: member %q became %q", path, m.Name, n.Name)
		}
	}
}

// follow finds the value that a step's path leads to.
func follow(v jsondoc.Value, path string) (jsondoc.Value, error) {
	path = "." + path
	if strings.HasPrefix(path, ".[") {
		path = path[1:]
	}
	for path != "" {
		var name string
		index := -1
		switch {
		case path[0] == '.':
			end := strings.IndexAny(path[1:], ".[") + 1
			if end == 0 {
				end = len(path)
			}
			name, path = path[1:end], path[end:]
		case strings.HasPrefix(path, `["`):
			quoted, err := strconv.QuotedPrefix(path[1:])
			if err != nil {
				return v, err
			}
			if name, err = strconv.Unquote(quoted); err != nil {
				return v, err
			}
			path = strings.TrimPrefix(path[1+len(quoted):], "]")
		default:
			digits, rest, _ := strings.Cut(path[1:], "]")
			i, err := strconv.Atoi(digits)
			if err != nil {
				return v, err
			}
			index, path = i, rest
		}
		found := false
		for i, m := range v.Members() {
			if v.Kind() == jsondoc.Array && i == index || v.Kind() == jsondoc.Object && index < 0 && m.Name == name {
				v, found = m.Value, true
				break
			}
		}
		if !found {
			return v, fmt.Errorf("nothing before %q", path)
		}
	}
	return v, nil
}

// genScalar is a value or an expression that resolves to one, or does not.
var genScalar = rapid.OneOf(
	rapid.Just[any](nil),
	rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	rapid.Map(rapid.Int(), func(i int) any { return i }),
	rapid.Map(rapid.String(), func(s string) any { return s }),
	rapid.Map(rapid.SampledFrom([]string{"Parameters.S", "Parameters.B", "Parameters.None", "Steps.a.ModelName", "Execution.X"}),
		func(s string) any { return map[string]any{"Get": s} }),
	rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"Parameters.S", "Parameters.F", "Steps.a.ModelName"}), 0, 3), func(refs []string) any {
		values := []any{"x"}
		for _, r := range refs {
			values = append(values, map[string]any{"Get": r})
		}
		return map[string]any{"Std:Join": map[string]any{"On": "-", "Values": values}}
	}),
)

// generator draws a definition and keeps what it put there.
type generator struct {
	t    *rapid.T
	want map[string]Step // by path; Arguments are left out
}

func (g *generator) step(path string, conditional bool, depth int) map[string]any {
	s := Step{
		Name:        rapid.StringMatching(`[A-Za-z0-9_-]{1,8}`).Draw(g.t, "name"),
		Type:        rapid.SampledFrom([]string{"Training", "Processing", "Condition", "ForEach"}).Draw(g.t, "type"),
		Path:        path,
		Conditional: conditional,
	}
	g.want[path] = s
	args := map[string]any{}
	for i := range rapid.IntRange(0, 3).Draw(g.t, "arguments") {
		args["A"+strconv.Itoa(i)] = map[string]any{"Type": genScalar.Draw(g.t, "value"), "L": []any{genScalar.Draw(g.t, "value")}}
	}
	out := map[string]any{"Name": s.Name, "Type": s.Type, "Arguments": args}
	if depth < 4 {
		for _, body := range []string{"IfSteps", "ElseSteps", "Body"} {
			if n := rapid.IntRange(0, 2).Draw(g.t, body); n > 0 {
				args[body] = g.list(path+".Arguments."+body, conditional || body != "Body", n, depth+1)
			}
		}
		if rapid.Bool().Draw(g.t, "elsewhere") {
			out["Elsewhere"] = map[string]any{"Only": g.step(path+".Elsewhere.Only", conditional, depth+1)}
		}
	}
	return out
}

func (g *generator) list(path string, conditional bool, n, depth int) []any {
	out := []any{}
	for i := range n {
		out = append(out, g.step(fmt.Sprintf("%s[%d]", path, i), conditional, depth))
	}
	return out
}

// TestGeneratedDefinitions holds that exactly the steps of a definition come
// out of it, that resolving again changes nothing, and that defaults and the
// same values given give the same.
func TestGeneratedDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := generator{t: t, want: map[string]Step{}}
		definition := map[string]any{
			"Version": "2020-12-01",
			"Parameters": []any{
				map[string]any{"Name": "S", "Type": "String", "DefaultValue": "text"},
				map[string]any{"Name": "B", "Type": "Boolean", "DefaultValue": true},
				map[string]any{"Name": "F", "Type": "Float", "DefaultValue": 1.5},
				map[string]any{"Name": "None", "Type": "String"},
			},
			"Steps": g.list("Steps", false, rapid.IntRange(0, 3).Draw(t, "steps"), 0),
		}
		text, err := json.Marshal(definition)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		given := d.Steps(map[string]string{"S": "text", "B": "True", "F": "1.5"})
		got := map[string]Step{}
		for i, s := range d.Steps(nil) {
			again := (&walker{}).value(s.Arguments, false)
			if !jsondoc.Equal(again, s.Arguments) {
				t.Errorf("%s: %s resolved again is %s", s.Path, show(s.Arguments), show(again))
			}
			if !jsondoc.Equal(given[i].Arguments, s.Arguments) || given[i].assumed != nil {
				t.Errorf("%s: given %s with %d assumptions, by default %s", s.Path, show(given[i].Arguments), len(given[i].assumed), show(s.Arguments))
			}
			if _, twice := got[s.Path]; twice {
				t.Errorf("%s twice", s.Path)
			}
			got[s.Path] = Step{Name: s.Name, Type: s.Type, Path: s.Path, Conditional: s.Conditional}
		}
		if !reflect.DeepEqual(got, g.want) {
			t.Errorf("got  %v\nwant %v", got, g.want)
		}
	})
}
