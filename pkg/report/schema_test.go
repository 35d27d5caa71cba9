package report

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// schema compiles docs/name. A strict one refuses members that it does not
// describe, which the published one must not.
func schema(t *testing.T, name string, strict bool) *jsonschema.Schema {
	t.Helper()
	doc := schemaDocument(t, name)
	if strict {
		closeObjects(doc)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemaDocument(t *testing.T, name string) map[string]any {
	t.Helper()
	b, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, _ := doc.(map[string]any)
	return out
}

// closeObjects refuses further members wherever a type lists its own.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		_, typed := v["type"]
		if _, ok := v["properties"]; ok && typed {
			v["additionalProperties"] = false
		}
		for _, below := range v {
			closeObjects(below)
		}
	case []any:
		for _, below := range v {
			closeObjects(below)
		}
	}
}

// lines parses one object a line.
func lines(t *testing.T, out []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range bytes.Lines(out) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		object, _ := v.(map[string]any)
		all = append(all, object)
	}
	return all
}

func TestJSONKeepsTheSchema(t *testing.T) {
	s := schema(t, "verdict.schema.json", true)
	var b bytes.Buffer
	if err := JSON(&b, samples(t), Options{}); err != nil {
		t.Fatal(err)
	}
	all := lines(t, b.Bytes())
	if len(all) != len(samples(t)) {
		t.Fatalf("%d lines, want %d", len(all), len(samples(t)))
	}
	for i, line := range all {
		if err := s.Validate(line); err != nil {
			t.Errorf("line %d: %v", i, err)
		}
	}
	if !strings.Contains(b.String(), "<script>alert(1)</script>") {
		t.Error("HTML is escaped")
	}
	if line := all[len(all)-3]; line["name"] != nasty[1] {
		t.Errorf("the name %q became %q", nasty[1], line["name"])
	}
}

func TestRefusedJSONKeepsTheSchema(t *testing.T) {
	s := schema(t, "refused.schema.json", true)
	var b bytes.Buffer
	if err := RefusedJSON(&b, refusals(t), Options{}); err != nil {
		t.Fatal(err)
	}
	for i, line := range lines(t, b.Bytes()) {
		if err := s.Validate(line); err != nil {
			t.Errorf("line %d: %v", i, err)
		}
	}
}

// TestSchemasRefuse breaks a good line in one place at a time.
func TestSchemasRefuse(t *testing.T) {
	var b, r bytes.Buffer
	if err := JSON(&b, samples(t), Options{}); err != nil {
		t.Fatal(err)
	}
	if err := RefusedJSON(&r, refusals(t), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		schema string
		line   []byte
		change map[string]any
	}{
		{"verdict.schema.json", b.Bytes(), map[string]any{
			"kind": "traning-job", "name": nil, "class": "d", "dataPath": "", "time": "yesterday", "compliance": "EXCEPTED",
			"severity": nil, "parts": nil, "remedy": nil, "posture": map[string]any{}, "source": nil, "exception": map[string]any{"id": "x"},
			"rules": []any{map[string]any{"id": "no-own-internet", "result": "EXCEPTED", "severity": "HIGH", "message": "m", "path": nil}},
		}},
		{"refused.schema.json", r.Bytes(), map[string]any{"kind": "x", "errorCode": "", "operation": "", "source": map[string]any{}, "time": "2026"}},
	} {
		s := schema(t, test.schema, false)
		good := lines(t, test.line)[0]
		if err := s.Validate(good); err != nil {
			t.Fatal(err)
		}
		for member, value := range test.change {
			broken := lines(t, test.line)[0]
			broken[member] = value
			if s.Validate(broken) == nil {
				t.Errorf("%s accepts %s %v", test.schema, member, value)
			}
		}
		required, _ := schemaDocument(t, test.schema)["required"].([]any)
		for _, member := range required {
			broken := lines(t, test.line)[0]
			name, _ := member.(string)
			delete(broken, name)
			if s.Validate(broken) == nil {
				t.Errorf("%s accepts a line without %s", test.schema, name)
			}
		}
		good["later"] = true
		if err := s.Validate(good); err != nil {
			t.Errorf("%s refuses a member of a later version: %v", test.schema, err)
		}
	}
}

// TestSchemaListsAll compares the lists of the schema with the code's.
func TestSchemaListsAll(t *testing.T) {
	b, err := os.ReadFile("../../docs/verdict.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Defs struct {
			Kind  struct{ Enum []string }
			Class struct{ Enum []string }
			Rules struct {
				Items struct {
					Properties struct{ ID struct{ Enum []rules.ID } }
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var classes []string
	for _, c := range verdict.Classes() {
		classes = append(classes, c.String())
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(kind.Kinds())), slices.Sorted(slices.Values(doc.Defs.Kind.Enum))); diff != "" {
		t.Errorf("kinds (-code +schema):\n%s", diff)
	}
	if diff := cmp.Diff(classes, doc.Defs.Class.Enum); diff != "" {
		t.Errorf("classes (-code +schema):\n%s", diff)
	}
	if diff := cmp.Diff(rules.IDs(), doc.Defs.Rules.Items.Properties.ID.Enum); diff != "" {
		t.Errorf("rules (-code +schema):\n%s", diff)
	}
}
