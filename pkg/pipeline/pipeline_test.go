package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// mustParse reads a definition that a test wrote.
func mustParse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return d
}

// show writes a value the way the tables below spell it.
func show(v jsondoc.Value) string {
	switch v.Kind() {
	case jsondoc.Absent:
		return "absent"
	case jsondoc.Null:
		return "null"
	case jsondoc.Unknown:
		return "?" + v.Why()
	case jsondoc.String:
		return fmt.Sprintf("%q", v.Str())
	case jsondoc.Array, jsondoc.Object:
		parts := make([]string, 0, v.Len())
		for _, m := range v.Members() {
			s := show(m.Value)
			if v.Kind() == jsondoc.Object {
				s = m.Name + ":" + s
			}
			parts = append(parts, s)
		}
		if v.Kind() == jsondoc.Array {
			return "[" + strings.Join(parts, " ") + "]"
		}
		return "{" + strings.Join(parts, " ") + "}"
	default:
		s, _ := scalar(v)
		return s
	}
}

const parameters = `[
	{"Name": "S", "Type": "String", "DefaultValue": "text"},
	{"Name": "Empty", "Type": "String", "DefaultValue": ""},
	{"Name": "B", "Type": "Boolean", "DefaultValue": true},
	{"Name": "I", "Type": "Integer", "DefaultValue": 7},
	{"Name": "F", "Type": "Float", "DefaultValue": 6.0},
	{"Name": "Untyped", "DefaultValue": "u"},
	{"Name": "NoDefault", "Type": "String"},
	{"Name": "NullDefault", "Type": "String", "DefaultValue": null},
	{"Name": "Odd", "Type": "Blob", "DefaultValue": "x"},
	{"Name": "NoType", "Type": null, "DefaultValue": "x"},
	{"Name": "BoolAsText", "Type": "Boolean", "DefaultValue": "true"},
	{"Name": "TextAsBool", "Type": "String", "DefaultValue": false},
	{"Name": "Fraction", "Type": "Integer", "DefaultValue": 1.5},
	{"Name": "Listed", "Type": "String", "DefaultValue": ["subnet-1"]},
	{"Name": "Nested", "Type": "String", "DefaultValue": {"Get": "Parameters.S"}},
	{"Name": "Secret", "Type": "String", "DefaultValue": "HIDDEN_DUE_TO_SECURITY_REASONS"},
	{"Name": "Twice", "Type": "Boolean", "DefaultValue": true},
	{"Name": "Twice", "Type": "Boolean", "DefaultValue": false},
	{"Name": {"Get": "Parameters.S"}, "Type": "String", "DefaultValue": "x"},
	"not a parameter"
]`

func TestExpressions(t *testing.T) {
	given := map[string]string{}
	for _, tt := range []struct {
		name    string
		value   string // in the definition
		given   map[string]string
		want    string
		assumed string // separated by commas
	}{
		{name: "string", value: `{"Get": "Parameters.S"}`, want: `"text"`, assumed: "Parameters.S = text (default value)"},
		{name: "empty string", value: `{"Get": "Parameters.Empty"}`, want: `""`, assumed: "Parameters.Empty =  (default value)"},
		{name: "boolean", value: `{"Get": "Parameters.B"}`, want: "true", assumed: "Parameters.B = true (default value)"},
		{name: "integer", value: `{"Get": "Parameters.I"}`, want: "7", assumed: "Parameters.I = 7 (default value)"},
		{name: "float keeps its literal", value: `{"Get": "Parameters.F"}`, want: "6.0", assumed: "Parameters.F = 6.0 (default value)"},
		{name: "a type is not required of strings", value: `{"Get": "Parameters.Untyped"}`, want: `"u"`, assumed: "Parameters.Untyped = u (default value)"},
		{name: "an execution without parameters", value: `{"Get": "Parameters.S"}`, given: given, want: `"text"`, assumed: "Parameters.S = text (default value)"},

		{name: "given string", value: `{"Get": "Parameters.S"}`, given: map[string]string{"S": "other"}, want: `"other"`},
		{name: "given string that looks like a boolean", value: `{"Get": "Parameters.S"}`, given: map[string]string{"S": "true"}, want: `"true"`},
		{name: "given string that looks like an expression", value: `{"Get": "Parameters.S"}`, given: map[string]string{"S": `{"Get":"Parameters.B"}`}, want: `"{\"Get\":\"Parameters.B\"}"`},
		{name: "given true", value: `{"Get": "Parameters.B"}`, given: map[string]string{"B": "true"}, want: "true"},
		{name: "given True", value: `{"Get": "Parameters.B"}`, given: map[string]string{"B": "True"}, want: "true"},
		{name: "given false", value: `{"Get": "Parameters.B"}`, given: map[string]string{"B": "false"}, want: "false"},
		{name: "given False", value: `{"Get": "Parameters.B"}`, given: map[string]string{"B": "False"}, want: "false"},
		{name: "given FALSE", value: `{"Get": "Parameters.B"}`, given: map[string]string{"B": "FALSE"}, want: "?parameter B is declared as Boolean, and the value given when the pipeline started is not one"},
		{name: "given 1 for a boolean", value: `{"Get": "Parameters.B"}`, given: map[string]string{"B": "1"}, want: "?parameter B is declared as Boolean, and the value given when the pipeline started is not one"},
		{name: "given integer", value: `{"Get": "Parameters.I"}`, given: map[string]string{"I": "-12"}, want: "-12"},
		{name: "given true for an integer", value: `{"Get": "Parameters.I"}`, given: map[string]string{"I": "true"}, want: "?parameter I is declared as Integer, and the value given when the pipeline started is not one"},
		{name: "given fraction for an integer", value: `{"Get": "Parameters.I"}`, given: map[string]string{"I": "1.5"}, want: "?parameter I is declared as Integer, and the value given when the pipeline started is not one"},
		{name: "given integer with space", value: `{"Get": "Parameters.I"}`, given: map[string]string{"I": " 1"}, want: "?parameter I is declared as Integer, and the value given when the pipeline started is not one"},
		{name: "given nothing for an integer", value: `{"Get": "Parameters.I"}`, given: map[string]string{"I": ""}, want: "?parameter I is declared as Integer, and the value given when the pipeline started is not one"},
		{name: "given float", value: `{"Get": "Parameters.F"}`, given: map[string]string{"F": "1e-3"}, want: "1e-3"},
		{name: "given integer for a float", value: `{"Get": "Parameters.F"}`, given: map[string]string{"F": "1"}, want: "1"},
		{name: "given NaN", value: `{"Get": "Parameters.F"}`, given: map[string]string{"F": "NaN"}, want: "?parameter F is declared as Float, and the value given when the pipeline started is not one"},
		{name: "given where there is no default", value: `{"Get": "Parameters.NoDefault"}`, given: map[string]string{"NoDefault": "x"}, want: `"x"`},
		{name: "given over a default of the wrong type", value: `{"Get": "Parameters.BoolAsText"}`, given: map[string]string{"BoolAsText": "true"}, want: "true"},
		{name: "given but hidden", value: `{"Get": "Parameters.S"}`, given: map[string]string{"S": jsondoc.Hidden}, want: "?parameter S was given when the pipeline started, but CloudTrail hid the value"},
		{name: "given but not declared", value: `{"Get": "Parameters.X"}`, given: map[string]string{"X": "x"}, want: "?parameter X is not declared in the definition"},
		{name: "given but of no known type", value: `{"Get": "Parameters.Odd"}`, given: map[string]string{"Odd": "x"}, want: "?parameter Odd is declared as Blob, and the value given when the pipeline started is not one"},

		{name: "no default", value: `{"Get": "Parameters.NoDefault"}`, want: "?parameter NoDefault has no default value; it is given when the pipeline starts"},
		{name: "null default", value: `{"Get": "Parameters.NullDefault"}`, want: "?parameter NullDefault has no default value; it is given when the pipeline starts"},
		{name: "not declared", value: `{"Get": "Parameters.s"}`, want: "?parameter s is not declared in the definition"},
		{name: "declared twice", value: `{"Get": "Parameters.Twice"}`, want: "?parameter Twice is declared more than once"},
		{name: "declared twice and given", value: `{"Get": "Parameters.Twice"}`, given: map[string]string{"Twice": "true"}, want: "?parameter Twice is declared more than once"},
		{name: "no known type", value: `{"Get": "Parameters.Odd"}`, want: "?parameter Odd is declared as Blob, and its default value is not one: it is a string"},
		{name: "null type", value: `{"Get": "Parameters.NoType"}`, want: "?parameter NoType is declared as null, and its default value is not one: it is a string"},
		{name: "boolean default in quotes", value: `{"Get": "Parameters.BoolAsText"}`, want: "?parameter BoolAsText is declared as Boolean, and its default value is not one: it is a string"},
		{name: "boolean default of a string", value: `{"Get": "Parameters.TextAsBool"}`, want: "?parameter TextAsBool is declared as String, and its default value is not one: it is true or false"},
		{name: "fraction as default of an integer", value: `{"Get": "Parameters.Fraction"}`, want: "?parameter Fraction is declared as Integer, and its default value is not one: it is a number"},
		{name: "list as default", value: `{"Get": "Parameters.Listed"}`, want: "?parameter Listed is declared as String, and its default value is not one: it is a list"},
		{name: "expression as default", value: `{"Get": "Parameters.Nested"}`, want: "?parameter Nested is declared as String, and its default value is not one: it is an object"},
		{name: "hidden default", value: `{"Get": "Parameters.Secret"}`, want: "?parameter Secret has a default value that cannot be read: CloudTrail hid the value"},

		{name: "what a step returned", value: `{"Get": "Steps.CreateModel.ModelName"}`, want: "?only known at run time: Steps.CreateModel.ModelName"},
		{name: "execution variable", value: `{"Get": "Execution.PipelineName"}`, want: "?only known at run time: Execution.PipelineName"},
		{name: "another reference", value: `{"Get": "Loop.Item"}`, want: "?only known at run time: Loop.Item"},
		{name: "no reference", value: `{"Get": "Parameters"}`, want: "?only known at run time: Parameters"},
		{name: "JsonGet", value: `{"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.PropertyFiles.R"}, "Path": "x"}}`, want: "?only known at run time: Std:JsonGet"},
		{name: "a function of the future", value: `{"Std:Split": ["a"]}`, want: "?only known at run time: Std:Split"},
		{name: "a long reference", value: `{"Get": "x` + strings.Repeat("é", 150) + `"}`, want: "?only known at run time: x" + strings.Repeat("é", 99) + "..."},

		{name: "Get among others is data", value: `{"Get": "Parameters.S", "PATH": {"Get": "Parameters.S"}}`, want: `{Get:"Parameters.S" PATH:"text"}`, assumed: "Parameters.S = text (default value)"},
		{name: "Get of no string is data", value: `{"Get": 5}`, want: "{Get:5}"},
		{name: "get is data", value: `{"get": "Parameters.S"}`, want: `{get:"Parameters.S"}`},
		{name: "function among others is data", value: `{"Std:Join": {}, "X": 1}`, want: "{Std:Join:{} X:1}"},
		{name: "scalars", value: `[null, true, 1.50, "s", {}, []]`, want: `[null true 1.50 "s" {} []]`},

		{
			name: "elements of a list", value: `["a", {"Get": "Parameters.S"}, [{"Get": "Parameters.B"}]]`, want: `["a" "text" [true]]`,
			assumed: "Parameters.B = true (default value),Parameters.S = text (default value)",
		},
		{name: "in place of an object", value: `{"VpcConfig": {"Get": "Parameters.S"}}`, want: `{VpcConfig:"text"}`, assumed: "Parameters.S = text (default value)"},
		{name: "used twice", value: `[{"Get": "Parameters.S"}, {"Get": "Parameters.S"}]`, want: `["text" "text"]`, assumed: "Parameters.S = text (default value)"},

		{name: "join", value: `{"Std:Join": {"On": "-", "Values": ["a", 1, 6.0, true, {"Get": "Parameters.S"}]}}`, want: `"a-1-6.0-true-text"`, assumed: "Parameters.S = text (default value)"},
		{name: "join on nothing", value: `{"Std:Join": {"Values": ["a", "b"]}}`, want: `"ab"`},
		{name: "join of nothing", value: `{"Std:Join": {"On": "-", "Values": []}}`, want: `""`},
		{name: "join on a parameter", value: `{"Std:Join": {"On": {"Get": "Parameters.S"}, "Values": ["a", "b"]}}`, want: `"atextb"`, assumed: "Parameters.S = text (default value)"},
		{name: "join of joins", value: `{"Std:Join": {"On": "/", "Values": [{"Std:Join": {"On": "-", "Values": ["a", "b"]}}, "c"]}}`, want: `"a-b/c"`},
		{name: "join of an unknown", value: `{"Std:Join": {"On": "/", "Values": ["a", {"Get": "Steps.M.ModelName"}]}}`, want: "?Std:Join: only known at run time: Steps.M.ModelName"},
		{name: "join of a join of an unknown", value: `{"Std:Join": {"Values": [{"Std:Join": {"Values": [{"Get": "Execution.X"}]}}]}}`, want: "?Std:Join: only known at run time: Execution.X"},
		{name: "join of a parameter without default", value: `{"Std:Join": {"Values": [{"Get": "Parameters.NoDefault"}]}}`, want: "?Std:Join: parameter NoDefault has no default value; it is given when the pipeline starts"},
		{name: "join of a list", value: `{"Std:Join": {"Values": ["a", ["b"]]}}`, want: "?Std:Join: Values[1] is a list"},
		{name: "join of an object", value: `{"Std:Join": {"Values": [{"Get": "x", "y": 1}]}}`, want: "?Std:Join: Values[0] is an object"},
		{name: "join of null", value: `{"Std:Join": {"Values": [null]}}`, want: "?Std:Join: Values[0] is null"},
		{name: "join on null", value: `{"Std:Join": {"On": null, "Values": ["a"]}}`, want: "?Std:Join: On is null"},
		{name: "join on a number", value: `{"Std:Join": {"On": 1, "Values": ["a"]}}`, want: "?Std:Join: On is a number"},
		{name: "join on an unknown", value: `{"Std:Join": {"On": {"Get": "Execution.X"}, "Values": ["a"]}}`, want: "?Std:Join: only known at run time: Execution.X"},
		{name: "join without values", value: `{"Std:Join": {"On": "-"}}`, want: "?Std:Join: Values is nothing"},
		{name: "join of a text", value: `{"Std:Join": "Values"}`, want: "?Std:Join: found a string where an object was expected"},
		{name: "join in the wrong case", value: `{"Std:Join": {"VALUES": []}}`, want: `?Std:Join: member "VALUES" is not spelled as AWS spells it ("Values")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustParse(t, `{"Version": "2020-12-01", "Parameters": `+parameters+`,
				"Steps": [{"Name": "n", "Type": "Training", "Arguments": {"V": `+tt.value+`}}]}`)
			got := d.Steps(tt.given)
			if len(got) != 1 {
				t.Fatalf("%d steps", len(got))
			}
			v, _ := got[0].Arguments.Find("V")
			if s := show(v.Value); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
			if s := strings.Join(got[0].AssumedBelow("V"), ","); s != tt.assumed {
				t.Errorf("assumed %q, want %q", s, tt.assumed)
			}
		})
	}
}

func TestParametersAreNoList(t *testing.T) {
	d := mustParse(t, `{"Parameters": {"S": "x"}, "Steps": [{"Name": "n", "Type": "T", "Arguments": {"V": {"Get": "Parameters.S"}}}]}`)
	if got := show(d.Steps(nil)[0].Arguments); got != "{V:?parameter S is not declared in the definition}" {
		t.Error(got)
	}
}

func TestSteps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps string // the value of Steps
		want  []string
	}{
		{"none", `[]`, nil},
		{
			"one", `[{"Name": "a", "Type": "Training", "Arguments": {"RoleArn": "r"}}]`,
			[]string{`Steps[0] a Training {RoleArn:"r"}`},
		},
		{
			"without arguments", `[{"Name": "a", "Type": "Lambda", "FunctionArn": "f"}, {"Name": "b", "Type": "Fail", "Arguments": null}]`,
			[]string{`Steps[0] a Lambda absent`, `Steps[1] b Fail null`},
		},
		{
			"lower-case first letters", `[{"name": "a", "type": "Training", "arguments": {"x": {"type": "T", "name": "b", "arguments": {}}}}]`,
			[]string{`Steps[0] a Training {x:{type:"T" name:"b" arguments:{}}}`, `Steps[0].arguments.x b T {}`},
		},
		{"empty arguments", `[{"Name": "a", "Type": "Fail", "Arguments": {}}]`, []string{`Steps[0] a Fail {}`}},
		{
			"default used outside of the arguments", `[{"Name": "a", "Type": "T", "Arguments": {}, "Other": {"V": {"Get": "Parameters.P"}}}]`,
			[]string{`Steps[0] a T {}`},
		},
		{
			"condition", `[{"Name": "c", "Type": "Condition", "Arguments": {
			"Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Parameters.P"}, "RightValue": 1}],
			"IfSteps": [{"Name": "i", "Type": "Training", "Arguments": {"V": {"Get": "Parameters.P"}}}],
			"ElseSteps": [{"Name": "d", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": [
				{"Name": "e", "Type": "Fail", "Arguments": {}}]}}]}},
			{"Name": "z", "Type": "Fail"}]`,
			[]string{
				`Steps[0] c Condition {Conditions:[{Type:"Equals" LeftValue:"p" RightValue:1}]` +
					` IfSteps:[{Name:"i" Type:"Training" Arguments:{V:"p"}}]` +
					` ElseSteps:[{Name:"d" Type:"Condition" Arguments:{Conditions:[] IfSteps:[] ElseSteps:[{Name:"e" Type:"Fail" Arguments:{}}]}}]}` +
					` [Parameters.P = p (default value)]`,
				`Steps[0].Arguments.IfSteps[0] i Training {V:"p"} [Parameters.P = p (default value)] conditional`,
				`Steps[0].Arguments.ElseSteps[0] d Condition {Conditions:[] IfSteps:[] ElseSteps:[{Name:"e" Type:"Fail" Arguments:{}}]} conditional`,
				`Steps[0].Arguments.ElseSteps[0].Arguments.ElseSteps[0] e Fail {} conditional`,
				`Steps[1] z Fail absent`,
			},
		},
		{
			"other bodies", `[{"Name": "f", "Type": "ForEach", "Arguments": {"Body": {"Type": "Training", "Name": "x", "Arguments": {}}},
			"Elsewhere": [[{"Steps": [{"Name": "y", "Type": "T", "Arguments": {}}, {"Name": "w", "Type": "Lambda"}, {"Name": "v"}]}]]}]`,
			[]string{
				`Steps[0] f ForEach {Body:{Type:"Training" Name:"x" Arguments:{}}}`,
				`Steps[0].Arguments.Body x Training {}`,
				`Steps[0].Elsewhere[0][0].Steps[0] y T {}`,
				`Steps[0].Elsewhere[0][0].Steps[1] w Lambda absent`,
				`Steps[0].Elsewhere[0][0].Steps[2] v  ?the step has no Type`,
			},
		},
		{
			"what may be a step in a loop", `[{"Name": "f", "Type": "ForEach",
			"Body": {"Name": "t", "Type": "Training", "Args": {"V": {"Get": "Parameters.P"}}},
			"Arguments": {"L": [{"name": "u", "type": "Training"}], "Items": [{"Name": "x"}, {"Type": "y"}, {"Name": 1, "Type": "z"}],
			"Nested": {"Name": "n", "Type": "Tuning", "Arguments": {"R": {"Name": "eta", "Type": "Continuous"}}},
			"V": {"Get": "Parameters.P"}}}]`,
			[]string{
				`Steps[0] f ForEach {L:[{name:"u" type:"Training"}] Items:[{Name:"x"} {Type:"y"} {Name:1 Type:"z"}]` +
					` Nested:{Name:"n" Type:"Tuning" Arguments:{R:{Name:"eta" Type:"Continuous"}}} V:"p"} [Parameters.P = p (default value)]`,
				`Steps[0].Body t  ?the step has no Arguments`,
				`Steps[0].Arguments.L[0] u  ?the step has no Arguments`,
				`Steps[0].Arguments.Nested n Tuning {R:{Name:"eta" Type:"Continuous"}}`,
			},
		},
		{
			"arguments that may be a step in a loop", `[{"Name": "f", "Type": "ForEach", "Arguments": {"Name": "t", "Type": "T", "ARGUMENTS": {}}}]`,
			[]string{
				`Steps[0] f ForEach {Name:"t" Type:"T" ARGUMENTS:{}}`,
				`Steps[0].Arguments t  ?member "ARGUMENTS" is not spelled as AWS spells it ("Arguments")`,
			},
		},
		{
			"what is no step elsewhere", `[{"Name": "a", "Type": "T", "Arguments": {
			"Destination": {"Name": "x", "Type": "Context"}, "L": [{"Arguments": ["x"]}], "S": "{\"Type\":\"T\",\"Arguments\":{}}"}}]`,
			[]string{`Steps[0] a T {Destination:{Name:"x" Type:"Context"} L:[{Arguments:["x"]}] S:"{\"Type\":\"T\",\"Arguments\":{}}"}`},
		},
		{
			"names that need quotes", `[{"Name": "a", "Type": "T", "Arguments": {"a.b": {"": [{"x\"]": {"Name": "n", "Type": "T", "Arguments": {}}}]}}}]`,
			[]string{
				`Steps[0] a T {a.b:{:[{x"]:{Name:"n" Type:"T" Arguments:{}}}]}}`,
				`Steps[0].Arguments["a.b"][""][0]["x\"]"] n T {}`,
			},
		},
		{"a member without a name is not the arguments", `[{"Name": "a", "Type": "T", "": {"x": 1}}]`, []string{`Steps[0] a T absent`}},

		{
			"not objects", `[null, 5, "x", [{"Name": "a", "Type": "T", "Arguments": {}}], {"Get": "Parameters.P"}, {"Std:Join": []}, {}]`,
			[]string{
				`Steps[0]   ?the step has no Name`,
				`Steps[1]   ?found a number where an object was expected`,
				`Steps[2]   ?found a string where an object was expected`,
				`Steps[3]   ?found a list where an object was expected`,
				`Steps[3][0] a T {}`,
				`Steps[4]   ?the step has no Name`,
				`Steps[5]   ?the step has no Name`,
				`Steps[6]   ?the step has no Name`,
			},
		},
		{
			"names and types that are none", `[
			{"Type": "T", "Arguments": {}},
			{"Name": 5, "Type": "T", "Arguments": {}},
			{"Name": "c", "Arguments": {}},
			{"Name": "d", "Type": {"Get": "Parameters.P"}, "Arguments": {"IfSteps": [{"Name": "x", "Type": "Fail"}]}},
			{"Name": "e", "Type": "", "Arguments": {}},
			{"Name": "f", "TYPE": "T", "Arguments": {}}]`,
			[]string{
				`Steps[0]   ?the step has no Name`,
				`Steps[1]   ?the step's Name is a number where a string was expected`,
				`Steps[2] c  ?the step has no Type`,
				`Steps[3] d  ?the step's Type is an object where a string was expected`,
				`Steps[3].Arguments.IfSteps[0] x Fail absent conditional`,
				`Steps[4] e  ?the step has no Type`,
				`Steps[5] f  ?member "TYPE" is not spelled as AWS spells it ("Type")`,
			},
		},
		{
			"arguments that are none", `[
			{"Name": "a", "Type": "T", "Arguments": "x"},
			{"Name": "b", "Type": "T", "Arguments": [1]},
			{"Name": "c", "Type": "T", "Arguments": {"Get": "Parameters.P"}},
			{"Name": "d", "Type": "T", "Arguments": {"Get": "Execution.X"}},
			{"Name": "e", "Type": "T", "ARGUMENTS": {}},
			{"Name": "f", "Type": "T", "Arguments": ""}]`,
			[]string{
				`Steps[0] a  ?the step's Arguments are a string where an object was expected`,
				`Steps[1] b  ?the step's Arguments are a list where an object was expected`,
				`Steps[2] c  ?the step's Arguments are a string where an object was expected`,
				`Steps[3] d  ?only known at run time: Execution.X`,
				`Steps[4] e  ?member "ARGUMENTS" is not spelled as AWS spells it ("Arguments")`,
				`Steps[5] f  ?the step's Arguments are a string where an object was expected`,
			},
		},
		{
			"branches that are none", `[{"Name": "c", "Type": "Condition", "Arguments": {"IfSteps": {"Get": "Execution.X"}, "ElseSteps": {}}},
			{"Name": "d", "Type": "Condition", "Arguments": {"IfSteps": {"Name": "x", "Type": "T", "Arguments": {}}, "ElseSteps": "x"}}]`,
			[]string{
				`Steps[0] c Condition {IfSteps:?only known at run time: Execution.X ElseSteps:{}}`,
				`Steps[0].Arguments.IfSteps   ?the step has no Name conditional`,
				`Steps[1] d Condition {IfSteps:{Name:"x" Type:"T" Arguments:{}} ElseSteps:"x"}`,
				`Steps[1].Arguments.IfSteps x T {} conditional`,
				`Steps[1].Arguments.ElseSteps   ?found a string where an object was expected conditional`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustParse(t, `{"Version": "2020-12-01", "Parameters": [{"Name": "P", "Type": "String", "DefaultValue": "p"}], "Steps": `+tt.steps+`}`)
			var got []string
			for _, s := range d.Steps(nil) {
				line := fmt.Sprintf("%s %s %s %s", s.Path, s.Name, s.Type, show(s.Arguments))
				if assumed := s.AssumedBelow("V", "LeftValue"); assumed != nil {
					line += fmt.Sprintf(" %v", assumed)
				}
				if s.Conditional {
					line += " conditional"
				}
				got = append(got, line)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestAssumedBelow(t *testing.T) {
	const get = `{"Get": "Parameters.P"}`
	for _, tt := range []struct {
		name, typ, arguments string
		members              []string
		want                 bool
	}{
		{"the member itself", "Training", `{"VpcConfig": ` + get + `}`, []string{"VpcConfig"}, true},
		{"in a list in the member", "Training", `{"VpcConfig": {"Subnets": ["s", ` + get + `]}}`, []string{"X", "VpcConfig"}, true},
		{"the member at depth", "Tuning", `{"TrainingJobDefinitions": [{"EnableNetworkIsolation": ` + get + `}]}`, []string{"EnableNetworkIsolation"}, true},
		{"in a join", "Transform", `{"ModelName": {"Std:Join": {"Values": ["m", ` + get + `]}}}`, []string{"ModelName"}, true},
		{"as CloudTrail spells it", "Training", `{"vpcConfig": {"subnets": [` + get + `]}}`, []string{"VpcConfig.Subnets"}, true},
		{"asked for as CloudTrail spells it", "Training", `{"VpcConfig": {"Subnets": [` + get + `]}}`, []string{"vpcConfig.subnets"}, true},
		{"with the member around it", "EMR", `{"ClusterConfig": {"Instances": {"Ec2SubnetId": ` + get + `}}}`, []string{"ClusterConfig.Instances"}, true},
		{"with another member around it", "EMR", `{"ClusterConfig": {"Other": {"Instances": ` + get + `}}}`, []string{"ClusterConfig.Instances"}, false},
		{"only the member around it", "EMR", `{"ClusterConfig": {"Configurations": [` + get + `]}}`, []string{"ClusterConfig.Instances"}, false},
		{"without the member around it", "EMR", `{"Instances": ` + get + `}`, []string{"A.B.ClusterConfig.Instances"}, false},
		{"another member", "Training", `{"AlgorithmSpecification": {"ContainerArguments": [` + get + `]}}`, []string{"VpcConfig"}, false},
		{"another case", "Training", `{"VPCConfig": ` + get + `}`, []string{"VpcConfig"}, false},
		{"a member without a name", "Training", `{"": ` + get + `}`, []string{"VpcConfig"}, false},
		{"a key of the author's", "Training", `{"Environment": {"VpcConfig": ` + get + `}}`, []string{"VpcConfig"}, false},
		{"a key of the author's at depth", "Training", `{"hyperParameters": {"a": [{"ModelName": ` + get + `}]}}`, []string{"ModelName"}, false},
		{"a payload", "Lambda", `{"ModelName": ` + get + `}`, []string{"ModelName"}, false},
		{"a message", "Callback", `{"ModelName": ` + get + `}`, []string{"ModelName"}, false},
		{"a step within", "Condition", `{"IfSteps": [{"Name": "x", "Type": "Lambda", "Arguments": {"ModelName": ` + get + `}}]}`, []string{"ModelName", "IfSteps"}, false},
		{"no member", "Training", `{"VpcConfig": ` + get + `}`, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustParse(t, `{"Parameters": [{"Name": "P", "Type": "String", "DefaultValue": "p"}],
				"Steps": [{"Name": "a", "Type": "`+tt.typ+`", "Arguments": `+tt.arguments+`}]}`)
			var want []string
			if tt.want {
				want = []string{"Parameters.P = p (default value)"}
			}
			if got := d.Steps(nil)[0].AssumedBelow(tt.members...); !reflect.DeepEqual(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// whys lists the reasons in a value.
func whys(v jsondoc.Value) []string {
	out := []string{v.Why()}
	for _, m := range v.Members() {
		out = append(out, whys(m.Value)...)
	}
	return out
}

// TestNoStepTellsASecret holds that the value of a parameter stands nowhere but
// in the arguments that use it.
func TestNoStepTellsASecret(t *testing.T) {
	const secret = "hunter2"
	uses := func(get string) string {
		join := func(values string) string { return `{"Std:Join": {"On": "-", "Values": [` + values + `]}}` }
		return `{"Environment": {"A": ` + get + `, "VpcConfig": ` + get + `}, "HyperParameters": {"ModelName": ` + get + `},
			"ContainerArguments": [` + get + `, ` + join(`"a", `+get) + `], "Command": ` + join(get+`, {"Get": "Steps.A.B"}`) + `,
			"On": {"Std:Join": {"On": ` + get + `, "Values": ["a", null]}}, "Long": ` + join(get+`, "`+strings.Repeat("x", MaxString)+`"`) + `,
			"VpcConfig": {"Subnets": ["subnet-1"]}}`
	}
	for _, declared := range []string{
		`"Type": "String", "DefaultValue": "` + secret + `"`,
		`"Type": "Integer", "DefaultValue": "` + secret + `"`,
		`"Type": "Boolean", "DefaultValue": "` + secret + `"`,
		`"Type": "String", "DefaultValue": ["` + secret + `"]`,
		`"Type": "String", "DefaultValue": {"Get": "` + secret + `"}`,
		`"Type": "String", "DefaultValue": {"` + secret + `": 1}`,
		`"Type": "Blob", "DefaultValue": "` + secret + `"`,
		`"Type": "String", "DEFAULTVALUE": "` + secret + `"`,
		`"Type": "Float"`,
	} {
		get := `{"Get": "Parameters.P"}`
		args := uses(get)
		d := mustParse(t, `{"Parameters": [{"Name": "P", `+declared+`}], "Steps": [
			{"Name": "t", "Type": "Training", "Arguments": `+args+`},
			{"Name": "l", "Type": "Lambda", "Arguments": {"ModelName": `+get+`}},
			{"Name": "c", "Type": "Condition", "Arguments": {"IfSteps": `+get+`, "ElseSteps": [{"Name": `+get+`, "Type": `+get+`, "Arguments": `+get+`}]}},
			{"Name": "f", "Type": "ForEach", "Body": {"Name": "b", "Type": "T", "Args": `+args+`}, "Arguments": `+args+`},
			{"Name": "a", "Type": "T", "Arguments": `+get+`}, `+get+`]}`)
		for _, given := range []map[string]string{nil, {"P": secret}, {"P": jsondoc.Hidden}} {
			for _, s := range d.Steps(given) {
				told := append(whys(s.Arguments), s.Name, s.Type, s.Path)
				told = append(told, s.AssumedBelow("VpcConfig", "ModelName")...)
				for _, text := range told {
					if strings.Contains(text, secret) || strings.Contains(text, jsondoc.Hidden) {
						t.Errorf("%s, given %q: %s tells %q", declared, given, s.Path, text)
					}
				}
			}
		}
	}
}

func TestDocumentIsUsedMoreThanOnce(t *testing.T) {
	d := mustParse(t, `{"Version": "2020-12-01", "Parameters": [{"Name": "P", "Type": "Boolean", "DefaultValue": false}],
		"steps": [{"Name": "a", "Type": "T", "Arguments": {"V": {"Get": "Parameters.P"}}}]}`)
	if d.Version != "2020-12-01" {
		t.Errorf("version %q", d.Version)
	}
	for _, given := range []string{"true", "false", "true"} {
		s := d.Steps(map[string]string{"P": given})[0]
		if got := show(s.Arguments); got != "{V:"+given+"}" || s.Path != "steps[0]" {
			t.Errorf("%s at %s", got, s.Path)
		}
	}
	if got := d.Steps(nil)[0]; show(got.Arguments) != "{V:false}" || len(got.AssumedBelow("V")) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	const prefix = "pipeline definition: "
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", ``, "the document ends in the middle"},
		{"no JSON", `Steps: []`, ""},
		{"two documents", `{"Steps": []} {}`, "something follows the end of the document"},
		{"no object", `[{"Steps": []}]`, "found a list where an object was expected"},
		{"no steps", `{"Version": "2020-12-01"}`, "Steps is nothing where a list was expected"},
		{"null steps", `{"Steps": null}`, "Steps is null where a list was expected"},
		{"an expression as steps", `{"Steps": {"Get": "Parameters.S"}}`, "Steps is an object where a list was expected"},
		{"steps in the wrong case", `{"STEPS": []}`, `member "STEPS" is not spelled as AWS spells it ("Steps")`},
		{"a member twice", `{"Steps": [{"Name": "a", "Name": "a"}]}`, ""},
		{
			"members that differ by case", `{"Steps": [{"Arguments": {"VpcConfig": {}, "VPCCONFIG": null}}]}`,
			`Steps[0].Arguments: members "VpcConfig" and "VPCCONFIG" differ only by case`,
		},
		{"members that differ by first letter", `{"Steps": [], "steps": []}`, ""},
		{"too long", strings.Repeat(" ", jsondoc.MaxBytes) + `{"Steps": []}`, ""},
		{"too deep", `{"Steps": ` + strings.Repeat("[", jsondoc.MaxDepth) + strings.Repeat("]", jsondoc.MaxDepth) + `}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(tt.text))
			if err == nil || d != nil {
				t.Fatalf("got %v, %v", d, err)
			}
			if !strings.HasPrefix(err.Error(), prefix+tt.want) {
				t.Errorf("got  %v\nwant %v", err, prefix+tt.want)
			}
		})
	}
	var e *jsondoc.Error
	if _, err := Parse([]byte(`{"a":1,"A":2}`)); !errors.As(err, &e) || e.Offset == 0 {
		t.Errorf("%v tells no offset", err)
	}
}

func TestFreeFormMapsKeepTheirKeys(t *testing.T) {
	for name := range freeForm {
		mustParse(t, `{"Steps": [{"Name": "a", "Type": "T", "Arguments": {"`+name+`": {"k": "1", "K": "2"}}}]}`)
	}
}

func TestLooks(t *testing.T) {
	for _, tt := range []struct {
		text string
		want bool
	}{
		{`{"Version": "2020-12-01", "Steps": []}`, true},
		{`{"Version": "2020-12-01", "Steps": [{"Name": "x"}]}`, true},
		{`{"Steps": [{"Name": "x", "Type": "Training", "Arguments": {}}]}`, true},
		{`{"Steps": [{"Name": "x", "Type": "Training", "Arguments": {}}, {"Name": "y"}]}`, false},
		{`{"Steps": []}`, false},
		{`{"Version": "2012-10-17", "Statement": []}`, false},
		{`{"Version": "2012-10-17", "Steps": [1]}`, false},
		{`{"Version": "2020-12-01", "Steps": {}}`, false},
		{`{"Version": "2020-12-01"}`, false},
		{`[]`, false},
		{`[{"Steps": []}]`, false},
		{`"Steps"`, false},
		{`null`, false},
	} {
		v, err := jsondoc.Parse([]byte(tt.text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := Looks(v); got != tt.want {
			t.Errorf("Looks(%s) = %v", tt.text, got)
		}
	}
	if Looks(jsondoc.Unresolved("x")) || Looks(jsondoc.Value{}) {
		t.Error("what is not known does not look like anything")
	}
}

func TestStepRef(t *testing.T) {
	for _, tt := range []struct {
		value        string
		step, member string
		ok           bool
	}{
		{`{"Get": "Steps.AbaloneCreateModel-CreateModel.ModelName"}`, "AbaloneCreateModel-CreateModel", "ModelName", true},
		{`{"Get": "Steps.a_1.EndpointConfigName"}`, "a_1", "EndpointConfigName", true},
		{`{"Get": "Steps.A.ModelArtifacts.S3ModelArtifacts"}`, "", "", false},
		{`{"Get": "Steps.A.Outputs['x']"}`, "", "", false},
		{`{"Get": "Steps.A B.ModelName"}`, "", "", false},
		{`{"Get": "Steps.A.ModelName\n"}`, "", "", false},
		{`{"Get": "Steps.A"}`, "", "", false},
		{`{"Get": "Steps..ModelName"}`, "", "", false},
		{`{"Get": "Steps.` + strings.Repeat("a", 65) + `.ModelName"}`, "", "", false},
		{`{"Get": "Steps.` + strings.Repeat("a", 300) + `.ModelName"}`, "", "", false},
		{`{"Get": "Execution.A.ModelName"}`, "", "", false},
		{`{"Get": "Parameters.S"}`, "", "", false},
		{`{"Std:Join": {"Values": ["x-", {"Get": "Steps.A.ModelName"}]}}`, "", "", false},
		{`"only known at run time: Steps.A.ModelName"`, "", "", false},
		{`null`, "", "", false},
	} {
		d := mustParse(t, `{"Steps": [{"Name": "t", "Type": "Transform", "Arguments": {"ModelName": `+tt.value+`}}]}`)
		step, member, ok := StepRef(d.Steps(nil)[0].Arguments.Get("ModelName"))
		if step != tt.step || member != tt.member || ok != tt.ok {
			t.Errorf("%s: got %q, %q, %v", tt.value, step, member, ok)
		}
	}
}

func TestNumberOfSteps(t *testing.T) {
	one := `{"Name":"a","Type":"T"}`
	text := func(n int) string {
		return `{"Steps":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	}
	got := mustParse(t, text(MaxSteps)).Steps(nil)
	if len(got) != MaxSteps || got[MaxSteps-1].Type != "T" {
		t.Errorf("%d steps, the last %+v", len(got), got[len(got)-1])
	}
	for _, n := range []int{MaxSteps + 1, MaxSteps + 100} {
		got = mustParse(t, text(n)).Steps(nil)
		last := got[len(got)-1]
		if len(got) != MaxSteps+1 || last.Path != "Steps" || last.Type != "" || last.Arguments.Kind() != jsondoc.Unknown {
			t.Errorf("%d steps, the last %+v", len(got), last)
		}
	}
}

func TestLengthOfPath(t *testing.T) {
	step := `{"Name":"b","Type":"T","Arguments":{}}`
	for _, tt := range []struct {
		length int
		unread bool
	}{{MaxPath - len("Steps[0].Arguments."), false}, {MaxPath, true}, {500_000, true}} {
		name := strings.Repeat("x", tt.length)
		got := mustParse(t, `{"Steps":[{"Name":"a","Type":"T","Arguments":{"`+name+`":`+step+`,"y":[`+
			strings.TrimSuffix(strings.Repeat(step+",", 100), ",")+`]}}]}`).Steps(nil)
		last := got[len(got)-1]
		if unread := last.Path == "Steps"; unread != tt.unread || len(got) != 102 {
			t.Errorf("length %d: %d steps, the last %+v", tt.length, len(got), last)
		}
	}
}

func TestJoinsDoNotAmplify(t *testing.T) {
	long := strings.Repeat("x", MaxString/2)
	define := func(values string) *Document {
		return mustParse(t, `{"Parameters":[{"Name":"L","Type":"String","DefaultValue":"`+long+`"}],
			"Steps":[{"Name":"a","Type":"T","Arguments":{"V":[`+values+`]}}]}`)
	}
	get := `{"Get":"Parameters.L"}`
	v := define(`{"Std:Join":{"Values":[` + get + `,` + get + `]}},{"Std:Join":{"On":"-","Values":[` + get + `,` + get + `]}}`).
		Steps(nil)[0].Arguments.Get("V").Members()
	if got := v[0].Value.Str(); got != long+long {
		t.Errorf("a string of %d bytes", len(got))
	}
	if got := v[1].Value.Why(); got != "Std:Join: the joined string would be too long" {
		t.Error(got)
	}

	// Many joins of much.
	many := strings.TrimSuffix(strings.Repeat(`{"Std:Join":{"On":`+get+`,"Values":["",""]}},`, 10_000), ",")
	s := define(many).Steps(nil)[0]
	total, unknown := 0, 0
	for _, m := range s.Arguments.Get("V").Members() {
		total += len(m.Value.Str())
		if m.Value.Kind() == jsondoc.Unknown {
			unknown++
		}
	}
	if total > maxJoined || unknown == 0 {
		t.Errorf("%d bytes, %d unknown", total, unknown)
	}
	if assumed := s.AssumedBelow("V"); len(assumed) != 1 || len(assumed[0]) > 2*maxQuoted {
		t.Errorf("%d assumptions", len(assumed))
	}
}
