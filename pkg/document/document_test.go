package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown writes a tree in a line.
func shown(n *Node) string {
	var b strings.Builder
	if n.Tag != "" {
		b.WriteString("!" + n.Tag + " ")
	}
	switch n.Kind {
	case Null:
		b.WriteString("null")
	case Bool, Number:
		b.WriteString(n.Text)
	case String:
		fmt.Fprintf(&b, "%q", n.Text)
	case List:
		b.WriteString("[")
		for i, m := range n.Members {
			if i > 0 {
				b.WriteString(" ")
			}
			b.WriteString(shown(m.Value))
		}
		b.WriteString("]")
	case Map:
		b.WriteString("{")
		for i, m := range n.Members {
			if i > 0 {
				b.WriteString(" ")
			}
			b.WriteString(m.Name + ":" + shown(m.Value))
		}
		b.WriteString("}")
	}
	return b.String()
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		read       func([]byte) (*Node, error)
		text, want string
	}{
		"json":               {JSON, ` {"a":[1,"x",true,null,{}],"b":{"c":-1.5e3}} `, `{a:[1 "x" true null {}] b:{c:-1.5e3}}`},
		"json, a scalar":     {JSON, `"x"`, `"x"`},
		"json, first":        {FirstJSON, `{"a":1} {"b":2}`, `{a:1}`},
		"yaml":               {YAML, "a:\n- 1\n- x\n- true\n-\n- {}\nb: {c: -1.5}\n", `{a:[1 "x" true null {}] b:{c:-1.5}}`},
		"yaml 1.1":           {YAML, "[yes, No, on, OFF, y, n, 'yes', \"no\"]", `[true false true false "y" "n" "yes" "no"]`},
		"short forms":        {YAML, "a: !Ref X\nb: !GetAtt [X, Y]\nc: !Sub\n- ${X}\n- {}\nd: !If [A, !Ref B, !Ref 'AWS::NoValue']", `{a:!Ref "X" b:!GetAtt ["X" "Y"] c:!Sub ["${X}" {}] d:!If ["A" !Ref "B" !Ref "AWS::NoValue"]}`},
		"tags of YAML":       {YAML, "[!!str 1, !!str true, !!int 7]", `["1" "true" 7]`},
		"dates are texts":    {YAML, "v: 2010-09-09", `{v:"2010-09-09"}`},
		"a key is a text":    {YAML, "1: a\ntrue: b", `{1:"a" true:"b"}`},
		"aliases":            {YAML, "a: &x {b: 1}\nc: *x\nd: [*x, *x]", `{a:{b:1} c:{b:1} d:[{b:1} {b:1}]}`},
		"merge":              {YAML, "a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x", `{a:{b:1 c:2} d:{c:3 b:1}}`},
		"merges":             {YAML, "a: &x {b: 1}\nc: &y {b: 2, d: 4}\ne:\n  <<: [*x, *y]", `{a:{b:1} c:{b:2 d:4} e:{b:1 d:4}}`},
		"blocks":             {YAML, "a: |\n  {\"x\":\n   1}\nb: >-\n  one\n  two\n", `{a:"{\"x\":\n 1}\n" b:"one two"}`},
		"a document's start": {YAML, "# comment\n---\na: 1\n...\n", `{a:1}`},
		"a mark first":       {YAML, "\ufeffa: 1", `{a:1}`},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := c.read([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(n); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'i'; c++ {
		fmt.Fprintf(&bomb, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 10), ", "))
	}
	for name, c := range map[string]struct {
		read         func([]byte) (*Node, error)
		text, reason string
		line         int
	}{
		"json, twice":            {JSON, "{\"a\":1,\n\"a\":2}", "duplicate", 2},
		"json, cut off":          {JSON, "{\"a\":\n[1,", "ends in the middle", 2},
		"json, nothing":          {JSON, "", "ends in the middle", 1},
		"json, a comment":        {JSON, "{\n// x\n\"a\":1}", "invalid", 2},
		"json, more":             {JSON, "{}\n{}", "something follows", 2},
		"json, deep":             {JSON, strings.Repeat("[", MaxDepth+2), "nested more than", 1},
		"yaml, twice":            {YAML, "a:\n  b: 1\n  c: 2\n  b: 3\n", `"b" is there twice, on line 2 too`, 4},
		"yaml, twice in a flow":  {YAML, "{a: 1, a: 2}", "twice", 1},
		"yaml, a tab":            {YAML, "a:\n\tb: 1\n", "not valid YAML", 2},
		"yaml, broken":           {YAML, "a: [1\nb: 2\n", "not valid YAML", 1},
		"yaml, several":          {YAML, "a: 1\n---\nb: 2\n", "several YAML documents", 2},
		"yaml, the second wrong": {YAML, "a: 1\n---\nb: [\n", "not valid YAML", 3},
		"yaml, nothing":          {YAML, "", "empty", 1},
		"yaml, comments":         {YAML, "# nothing\n", "empty", 1},
		"yaml, deep":             {YAML, strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2), "nested more than", 1},
		"yaml, far too deep":     {YAML, strings.Repeat("[", 100_000), "not valid YAML", 1},
		"yaml, a bomb":           {YAML, bomb.String(), "more than 200000 values", 1},
		"yaml, in itself":        {YAML, "a: &a\n  b: *a\n", "within what it names", 2},
		"yaml, no such alias":    {YAML, "a: *b\n", "unknown anchor", 1},
		"yaml, a list as a key":  {YAML, "? [a]\n: 1\n", "a key that is no text", 1},
		"yaml, merges a text":    {YAML, "a: 1\nb:\n  <<: x\n", "merge", 3},
		"yaml, control":          {YAML, "a: \x01", "not valid YAML", 1},
		"yaml, not UTF-8":        {YAML, "a: \xff\xfe", "not valid YAML", 1},
		"yaml, long":             {YAML, "a: " + strings.Repeat("x", MaxBytes), "longer than", 1},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := c.read([]byte(c.text))
			var at *Error
			if n != nil || !errors.As(err, &at) {
				t.Fatalf("read %v, error %v", n, err)
			}
			if !strings.Contains(err.Error(), c.reason) || at.Line != c.line {
				t.Errorf("got %q, want line %d: %s", err, c.line, c.reason)
			}
		})
	}
}

func TestLineOf(t *testing.T) {
	const yamlText = `Resources:
  M:
    Properties:
      VpcConfig: !If
        - A
        - Subnets: [a]
        - !Ref AWS::NoValue
      ProductionVariants:
        - VariantName: x
        - VariantName: y
          ModelName: z
`
	const jsonText = `
{"after": {
  "vpc_config": [
    {"subnets": [
       "a",
       "b"]}],
  "name": "x"}}`
	for path, want := range map[string]int{
		"":                                1,
		"Nothing":                         1,
		"Resources.M":                     2,
		"resources.M":                     1,
		"Resources.N":                     1,
		"Resources.M.Properties.SubnetId": 3,
		"Resources.M.Properties.VpcConfig.Subnets[0]":               4,
		"Resources.M.Properties.ProductionVariants[1]":              10,
		"Resources.M.Properties.ProductionVariants[1].ModelName":    11,
		"Resources.M.Properties.ProductionVariants[7].ModelName":    8,
		"Resources.M.Properties.ProductionVariants[1].VpcConfig.No": 10,
	} {
		n, err := YAML([]byte(yamlText))
		if err != nil {
			t.Fatal(err)
		}
		if got := n.LineOf(path); got != want {
			t.Errorf("%q is on line %d, want %d", path, got, want)
		}
	}
	for path, want := range map[string]int{
		"after.vpc_config":            3,
		"after.vpc_config.subnets":    4,
		"after.vpc_config.subnets[1]": 6,
		"after.name":                  7,
		"after.vpc_config[0].subnets": 4,
		"after.no":                    2,
	} {
		n, err := JSON([]byte(jsonText))
		if err != nil {
			t.Fatal(err)
		}
		if got := n.LineOf(path); got != want {
			t.Errorf("%q is on line %d, want %d", path, got, want)
		}
	}
}

func TestGet(t *testing.T) {
	n, err := JSON([]byte(`{"a":{"b":"x"},"n":1,"l":[],"z":null,"t":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if n.Get("a").Get("b").Str() != "x" || n.Get("A") != nil || n.Get("no").Get("way").Str() != "" || n.Get("l").Get("b") != nil {
		t.Error("Get")
	}
	got := map[string]bool{}
	for _, m := range n.Members {
		_, got[m.Name] = m.Value.Scalar()
	}
	if diff := cmp.Diff(map[string]bool{"a": false, "n": true, "l": false, "z": false, "t": true}, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzJSON: what is read is what encoding/json reads.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null,true,{"b":{}}]}`, `[[[[]]]]`, `"\ud800"`, `{"a":1}{`, `-0`, `1e999`, " \n1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := JSON(text)
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.Line < 1 || at.Reason == "" {
				t.Fatalf("%#v has no line or reason", err)
			}
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("read what encoding/json refuses: %v", err)
		}
		if got := plain(n); !cmp.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// plain is a tree as encoding/json reads it.
func plain(n *Node) any {
	switch n.Kind {
	case Bool:
		return n.Text == "true"
	case Number:
		return json.Number(n.Text)
	case String:
		return n.Text
	case List:
		out := []any{}
		for _, m := range n.Members {
			out = append(out, plain(m.Value))
		}
		return out
	case Map:
		out := map[string]any{}
		for _, m := range n.Members {
			out[m.Name] = plain(m.Value)
		}
		return out
	case Null:
	}
	return nil
}

// FuzzYAML: reading ends, with a tree within the limits or an error that has a
// place; and JSON that is short enough is YAML.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{"a: 1", "a: &a [*a]", "<<: {a: 1}", "- !Ref x\n- |\n  y", "{a: b: c}", "? a\n: b", "%YAML 1.1\n---\na", `{"a":[1,{}]}`, "a: !!binary x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := YAML(text)
		var at *Error
		if err != nil && (!errors.As(err, &at) || at.Line < 1 || at.Reason == "") {
			t.Fatalf("%#v has no line or reason", err)
		}
		if err == nil {
			n.LineOf("a.b[0].c")
		}
		if j, err := JSON(text); err == nil && n != nil && len(text) < 1000 && !strings.ContainsAny(string(text), "\\/\t\u0085\u2028\u2029\x7f") {
			if n.Kind != j.Kind && n.Kind != String {
				t.Fatalf("YAML reads %s, JSON %s", shown(n), shown(j))
			}
		}
	})
}
