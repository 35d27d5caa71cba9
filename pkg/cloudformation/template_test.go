package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

func parse(t testing.TB, text string) *document.Node {
	t.Helper()
	root, err := document.YAML([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// shown writes a value in a line: what is unknown as ? with the reason and, behind =,
// what it is going to be.
func shown(v jsondoc.Value) string {
	switch v.Kind() {
	case jsondoc.Unknown:
		s := "?" + strings.TrimPrefix(v.Why(), "known only at deployment: ")
		if v.What() != "" {
			s += "=" + v.What()
		}
		return s
	case jsondoc.Array, jsondoc.Object:
		var said []string
		for _, m := range v.Members() {
			s := shown(m.Value)
			if v.Kind() == jsondoc.Object {
				s = m.Name + ":" + s
			}
			said = append(said, s)
		}
		if v.Kind() == jsondoc.Object {
			return "{" + strings.Join(said, " ") + "}"
		}
		return "[" + strings.Join(said, " ") + "]"
	case jsondoc.String:
		return fmt.Sprintf("%q", v.Str())
	case jsondoc.Absent, jsondoc.Null, jsondoc.Bool, jsondoc.Number:
	}
	if s, ok := scalar(v); ok {
		return s
	}
	return v.Kind().String()
}

// read lists the variants of the resources in a template.
func read(t testing.TB, text string) []string {
	t.Helper()
	resources, _, _ := Read(parse(t, text))
	var out []string
	for _, r := range resources {
		for _, v := range r.Variants {
			said := []string{r.LogicalID}
			for _, c := range v.When {
				said = append(said, fmt.Sprintf("%s=%v", c.Condition, c.Holds))
			}
			out = append(out, strings.Join(append(said, shown(v.Request)), " "))
		}
	}
	return out
}

// declared is what the templates of the tests below have beside a resource.
const declared = `
Parameters:
  Text: {Type: String, Default: subnet-1, Description: a default is no value}
  One: {Type: String, AllowedValues: [Disabled]}
  Two: {Type: String, AllowedValues: [Enabled, Disabled]}
  Chosen: {Type: String, AllowedValues: [subnet-1, subnet-2]}
  List: {Type: CommaDelimitedList}
  OneList: {Type: CommaDelimitedList, AllowedValues: ['subnet-1, subnet-2']}
  Count: {Type: Number, AllowedValues: [3]}
  Subnet: {Type: 'AWS::EC2::Subnet::Id'}
  Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}
  Kept: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Subnet::Id>'}
  KeptList: {Type: 'AWS::SSM::Parameter::Value<List<AWS::EC2::Subnet::Id>>'}
  KeptText: {Type: 'AWS::SSM::Parameter::Value<String>', AllowedValues: [/a]}
  Group: {Type: 'AWS::EC2::SecurityGroup::Id'}
Mappings:
  M:
    a: {same: x, other: 1}
    b: {same: x, other: 2}
Resources:
  Net: {Type: 'AWS::EC2::Subnet'}
  Bucket: {Type: 'AWS::S3::Bucket'}
  Domain: {Type: 'AWS::SageMaker::Domain'}
  R:
    Type: AWS::SageMaker::Model
    Properties:
      V: `

// TestFunctions: a value is known, or says why it is not.
func TestFunctions(t *testing.T) {
	deep := strings.Repeat("!Base64 {'Fn::Sub': [x, {a: ", 10) + "1" + strings.Repeat("}]}", 10)
	for text, want := range map[string]string{
		// Literals.
		"x": `"x"`, "true": "true", "'true'": `"true"`, "7": "7", "[a, 1]": `["a" 1]`, "{a: {b: c}}": `{a:{b:"c"}}`,
		"~":                                  "",
		"'{{resolve:ssm:/a}}'":               "?a dynamic reference ({{resolve:…}})",
		"'a {{resolve:secretsmanager:b}} c'": "?a dynamic reference ({{resolve:…}})",
		// Parameters.
		"!Ref Text":     "?parameter Text",
		"{Ref: Text}":   "?parameter Text",
		"!Ref One":      `"Disabled"`,
		"!Ref Two":      "?parameter Two",
		"!Ref Chosen":   "?parameter Chosen=subnet",
		"!Ref List":     "?parameter List",
		"!Ref OneList":  `["subnet-1" "subnet-2"]`,
		"!Ref Count":    "3",
		"!Ref Subnet":   "?parameter Subnet=subnet",
		"!Ref Subnets":  "?parameter Subnets=subnet",
		"!Ref Kept":     "?parameter Kept=subnet",
		"!Ref KeptList": "?parameter KeptList=subnet",
		"!Ref KeptText": "?the parameter of Systems Manager /a",
		"!Ref Group":    "?parameter Group",
		// Pseudo parameters.
		"!Ref AWS::NoValue":                "",
		"!Ref AWS::Region":                 "?AWS::Region",
		"[a, !Ref 'AWS::NoValue']":         `["a"]`,
		"{a: !Ref 'AWS::NoValue', b: 1}":   "{b:1}",
		"{'Fn::Sub': '${AWS::AccountId}'}": "?AWS::AccountId",
		"!Sub '${AWS::NoValue}'":           "",
		"!Sub 'a${AWS::NoValue}'":          "?Fn::Sub found nothing where a text was expected",
		// Resources.
		"!Ref Net":                           "?Ref Net=subnet",
		"!GetAtt Net.SubnetId":               "?GetAtt Net.SubnetId=subnet",
		"!GetAtt [Net, SubnetId]":            "?GetAtt Net.SubnetId=subnet",
		"!GetAtt Net.VpcId":                  "?GetAtt Net.VpcId",
		"!Ref Bucket":                        "?Ref Bucket",
		"!Ref Domain":                        "?Ref Domain=@Domain",
		"!GetAtt Domain.DomainArn":           "?GetAtt Domain.DomainArn=@Domain",
		"!GetAtt Domain.Url":                 "?GetAtt Domain.Url",
		"!GetAtt Domain.HomeEfsFileSystemId": "?GetAtt Domain.HomeEfsFileSystemId",
		"!GetAtt Nowhere.Arn":                "?GetAtt Nowhere.Arn names nothing in the template",
		"!Ref Nowhere":                       "?Ref Nowhere names nothing in the template",
		"!GetAtt [Net, !Ref Text]":           "?Fn::GetAtt",
		// Texts.
		"!Sub abc":                                `"abc"`,
		"!Sub 'a-${One}-${!Two}'":                 `"a-Disabled-${Two}"`,
		"!Sub '${Text}'":                          "?parameter Text",
		"!Sub '${Net}'":                           "?Ref Net=subnet",
		"!Sub '${Net.SubnetId}'":                  "?GetAtt Net.SubnetId=subnet",
		"!Sub '${!One}'":                          `"${One}"`,
		"!Sub 'a-${Net}'":                         "?Ref Net", // no subnet's id any more
		"!Sub ['${A}-${B}', {A: x, B: !Ref One}]": `"x-Disabled"`,
		"!Sub ['${A}-b', {A: !Ref Text}]":         "?parameter Text",
		"!Sub ['${A}', {A: '{{resolve:ssm:x}}'}]": "?a dynamic reference ({{resolve:…}})",
		"!Sub ['{{${A}}}', {A: 'resolve:ssm:x'}]": "?a dynamic reference ({{resolve:…}})",
		"!Sub [a]":                                "?Fn::Sub is not written as CloudFormation wants it",
		"!Join ['-', [a, 1, true]]":               `"a-1-true"`,
		"!Join ['', [a, !Ref Text]]":              "?parameter Text",
		"!Join [',', !Ref OneList]":               `"subnet-1,subnet-2"`,
		"!Join [',', !Ref List]":                  "?parameter List",
		"!Join ['', [[a]]]":                       "?Fn::Join found a list where a text was expected",
		"!Join a":                                 "?Fn::Join is not written as CloudFormation wants it",
		// Lists.
		"!Select [0, [a, b]]":          `"a"`,
		"!Select ['1', [a, b]]":        `"b"`,
		"!Select [2, [a, b]]":          "?Fn::Select",
		"!Select [0, !Ref Subnets]":    "?parameter Subnets=subnet",
		"!Select [0, [!Ref Net]]":      "?Ref Net=subnet",
		"!Select [0, !Ref List]":       "?parameter List",
		"!Select [!Ref Text, [a]]":     "?Fn::Select",
		"!Select [0, !GetAZs '']":      "?Fn::GetAZs",
		"!Split [',', 'a,b']":          `["a" "b"]`,
		"!Split [',', !Ref Text]":      "?parameter Text",
		"!Split ['', a]":               "?Fn::Split is not written as CloudFormation wants it",
		"!Split [',', !Ref 'Nowhere']": "?Ref Nowhere names nothing in the template",
		// Mappings.
		"!FindInMap [M, a, other]":                           "1",
		"!FindInMap [M, !Ref Text, same]":                    `"x"`,
		"!FindInMap [M, !Ref Text, other]":                   "?Fn::FindInMap",
		"!FindInMap [M, c, other]":                           "?Fn::FindInMap finds nothing",
		"!FindInMap [M, c, other, {DefaultValue: 9}]":        "9",
		"!FindInMap [M, !Ref Text, same, {DefaultValue: y}]": "?Fn::FindInMap",
		"!FindInMap [M, a]":                                  "?Fn::FindInMap is not written as CloudFormation wants it",
		// What only a deployment, or nobody, knows.
		"!ImportValue x":                                  "?a value that another stack exports (Fn::ImportValue)",
		"{'Fn::ImportValue': !Sub '${Text}-x'}":           "?a value that another stack exports (Fn::ImportValue)",
		"!Base64 x":                                       "?Fn::Base64",
		"{'Fn::Transform': {Name: 'AWS::Include'}}":       "?Fn::Transform",
		"{a: 1, 'Fn::Transform': {Name: 'AWS::Include'}}": "?Fn::Transform stands among its members, and may change them at deployment",
		"{'Fn::ForEach::X': [I, [a], {b: c}], a: 1}":      "?Fn::ForEach::X stands among its members, and may change them at deployment",
		"{'Fn::ForEach::X': [I, [a], {b: c}]}":            "?the function Fn::ForEach::X is not known here",
		"!Ref2 x":                                         "?the function Fn::Ref2 is not known here",
		"{'Fn::Magic': x}":                                "?the function Fn::Magic is not known here",
		"!If [Nowhere, a, b]":                             "?condition Nowhere",
		"!If [Nowhere, a, a]":                             `"a"`,
		"!If [Nowhere, a]":                                "?Fn::If is not written as CloudFormation wants it",
		"!ToJsonString {a: [1, x, true, {b: !Ref One}]}":  `"{\"a\":[1,\"x\",true,{\"b\":\"Disabled\"}]}"`,
		"!ToJsonString {a: !Ref Text}":                    "?parameter Text",
		deep:                                              "?Fn::Base64",
	} {
		got := read(t, declared+text+"\n")
		if want != "" {
			want = "V:" + want
		}
		if diff := cmp.Diff("R {"+want+"}", got[len(got)-1]); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

// TestConditions: what a condition decides is judged for each of its outcomes that
// the parameters allow.
func TestConditions(t *testing.T) {
	const start = `
Parameters:
  Env: {Type: String, AllowedValues: [dev, test, prod]}
  Free: {Type: String, Default: x}
  Yes: {Type: String, AllowedValues: ['true', 'false']}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsDev: !Equals [dev, !Ref Env]
  IsFree: !Equals [!Ref Free, free]
  Never: !Equals [!Ref Env, nowhere]
  Always: !Not [!Condition Never]
  Const: !Equals [a, a]
  Both: !And [!Condition IsProd, {Condition: IsFree}]
  Any: !Or [!Condition IsProd, !Condition IsDev]
  Region: !Equals [!Ref 'AWS::Region', eu-west-1]
  Odd: !Equals [!Select [0, !Ref Free], a]
  NotOdd: !Not [!Equals [!Select [0, !Ref Free], a]]
  Loop: !Condition Loop
  Broken: !And [!Condition Nowhere, !Condition IsProd]
  Either: !Or [!Equals [!Ref Env, prod], !Equals [!Ref Free, free]]
Resources:
`
	for text, want := range map[string][]string{
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [IsProd, a, b]}}": {
			"R IsProd=false {V:\"b\"}", "R IsProd=true {V:\"a\"}",
		},
		// The allowed values leave out that both are true.
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [IsProd, a, !If [IsDev, b, c]]}}": {
			"R IsDev=false IsProd=false {V:\"c\"}", "R IsDev=false IsProd=true {V:\"a\"}", "R IsDev=true IsProd=false {V:\"b\"}",
		},
		// In an outcome that only one value has, the parameter is certain.
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [IsProd, !Ref Env, !Ref Env]}}": {
			"R IsProd=false {V:?parameter Env}", "R IsProd=true {V:\"prod\"}",
		},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [IsFree, !Ref Free, !Ref Free]}}": {
			"R IsFree=false {V:?parameter Free}", "R IsFree=true {V:\"free\"}",
		},
		"  R: {Type: 'AWS::SageMaker::Model', Condition: IsProd, Properties: {V: !Ref Env}}": {"R IsProd=true {V:\"prod\"}"},
		"  R: {Type: 'AWS::SageMaker::Model', Condition: Never}":                             nil,
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Always, a, b]}}":          {"R Always=true {V:\"a\"}"},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Const, a, b]}}":           {"R Const=true {V:\"a\"}"},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Both, a, !If [Any, b, c]]}}": {
			"R Any=false Both=false {V:\"c\"}", "R Any=true Both=false {V:\"b\"}", "R Any=true Both=true {V:\"a\"}",
		},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Region, !Ref 'AWS::Region', b]}}": {
			"R Region=false {V:\"b\"}", "R Region=true {V:\"eu-west-1\"}",
		},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: [!If [Odd, a, b], !If [NotOdd, c, d]]}}": {
			"R NotOdd=false Odd=true {V:[\"a\" \"d\"]}", "R NotOdd=true Odd=false {V:[\"b\" \"c\"]}",
		},
		// A condition that nobody understands leaves open what depends on it.
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Loop, a, b]}}":    {"R {V:?condition Loop}"},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Nowhere, a, b]}}": {"R {V:?condition Nowhere}"},
		"  R: {Type: 'AWS::SageMaker::Model', Condition: Nowhere}":                   {"R {}"},
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Broken, a, b]}}": {
			"R {V:?condition Broken}", "R {V:?condition Broken}",
		},
		// One outcome may have several values.
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [Either, !Ref Free, !Ref Free]}}": {
			"R Either=false {V:?parameter Free}", "R Either=true {V:?parameter Free}",
		},
		// Absent.
		"  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [IsProd, a, !Ref 'AWS::NoValue']}}": {
			"R IsProd=false {}", "R IsProd=true {V:\"a\"}",
		},
		// What is referred to shares the outcome; what is not does not.
		"  A: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [IsProd, a, b]}}\n  B: {Type: 'AWS::SageMaker::EndpointConfig', Properties: {M: !GetAtt A.ModelName}}\n  C: {Type: 'AWS::SageMaker::Model'}": {
			"A IsProd=false {V:\"b\"}", "A IsProd=true {V:\"a\"}",
			"B IsProd=false {M:?GetAtt A.ModelName=@A}", "B IsProd=true {M:?GetAtt A.ModelName=@A}",
			"C {}",
		},
	} {
		got := read(t, start+text+"\n")
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

// TestWorlds: resources that refer to each other share worlds, by reference or by
// name; others do not.
func TestWorlds(t *testing.T) {
	resources, _, _ := Read(parse(t, `
Resources:
  A: {Type: 'AWS::SageMaker::Model', Properties: {ModelName: fraud}}
  B: {Type: 'AWS::SageMaker::EndpointConfig', Properties: {ProductionVariants: [{ModelName: fraud}]}}
  C: {Type: 'AWS::SageMaker::Endpoint', Properties: {EndpointConfigName: !Sub '${B}'}}
  D: {Type: 'AWS::SageMaker::Model', Properties: {ModelName: other}}
  E: {Type: 'AWS::SageMaker::Domain'}
  F: {Type: 'AWS::SageMaker::UserProfile', Properties: {DomainId: !GetAtt [E, DomainId]}}
`))
	got := map[string][]string{}
	for _, r := range resources {
		w := r.Variants[0].World
		got[w] = append(got[w], r.LogicalID)
	}
	together := map[string]bool{}
	for _, ids := range got {
		together[strings.Join(ids, "")] = true
	}
	if diff := cmp.Diff(map[string]bool{"ABC": true, "D": true, "EF": true}, together); diff != "" {
		t.Error(diff)
	}
}

func TestMacros(t *testing.T) {
	const resource = "Resources: {R: {Type: 'AWS::SageMaker::Model', Properties: {V: a}}}\n"
	for text, want := range map[string][]string{
		"Transform: AWS::Serverless-2016-10-31\n" + resource:                              {`R {V:"a"}`},
		"Transform: [AWS::LanguageExtensions, 'AWS::Serverless-2016-10-31']\n" + resource: {`R {V:"a"}`},
		"Transform: Mine\n" + resource:                                                    {"R ?the macro Mine may rewrite it at deployment"},
		"Transform: [AWS::LanguageExtensions, Mine]\n" + resource:                         {"R ?the macro Mine may rewrite it at deployment"},
		"Transform: {Name: 'AWS::Include', Parameters: {Location: x}}\n" + resource:       {"R ?the macro AWS::Include may rewrite it at deployment"},
		"Fn::Transform: {Name: Mine}\n" + resource:                                        {"R ?the macro Mine in Fn::Transform may rewrite it at deployment"},
		"Resources: {'Fn::Transform': {Name: Mine}, R: {Type: 'AWS::SageMaker::Model'}}":  {"R ?the macro Mine in Fn::Transform may rewrite it at deployment"},
		"Resources: {R: {Type: 'AWS::SageMaker::Model', 'Fn::Transform': {Name: Mine}}}":  {"R ?the macro Mine in Fn::Transform may rewrite it at deployment"},
		"Resources: {R: {Type: 'AWS::SageMaker::Model', Properties: {'Fn::Transform': {Name: Mine}, V: a}}}": {
			"R ?Fn::Transform stands among its members, and may change them at deployment",
		},
		"Resources: {R: {Type: 'AWS::SageMaker::Model', Properties: {'Fn::Transform': {Name: Mine}}}}": {"R ?Fn::Transform"},
		"Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::Ms': [N, [a, b], {'M${N}': {Type: 'AWS::SageMaker::Model'}, 'B${N}': {Type: 'AWS::S3::Bucket'}, 'Fn::ForEach::In': [O, [c], {'D${O}': {Type: 'AWS::SageMaker::Domain'}}]}]}": {
			"Fn::ForEach::Ms.M${N} ?made by Fn::ForEach: what each has is known only at deployment",
			"Fn::ForEach::Ms.Fn::ForEach::In.D${O} ?made by Fn::ForEach: what each has is known only at deployment",
		},
		"Resources: {'Fn::ForEach::Ms': [N]}": nil,
	} {
		if diff := cmp.Diff(want, read(t, text)); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

// TestRequest: the request of a pipeline has other members than its properties.
func TestRequest(t *testing.T) {
	for text, want := range map[string]string{
		"{PipelineDefinition: {PipelineDefinitionBody: '{}'}}":                      `{PipelineDefinition:"{}"}`,
		"{PipelineDefinition: {PipelineDefinitionBody: !ImportValue x}}":            "{PipelineDefinition:?a value that another stack exports (Fn::ImportValue)}",
		"{PipelineDefinition: {PipelineDefinitionS3Location: {Bucket: b, Key: k}}}": `{PipelineDefinition:nothing PipelineDefinitionS3Location:{Bucket:"b" Key:"k" ObjectKey:"k"}}`,
		"{PipelineDefinition: '{}'}":                                                `{PipelineDefinition:"{}"}`,
		"{PipelineName: p}":                                                         `{PipelineName:"p"}`,
	} {
		got := read(t, "Resources: {P: {Type: 'AWS::SageMaker::Pipeline', Properties: "+text+"}}")
		if diff := cmp.Diff([]string{"P " + want}, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

func TestLooks(t *testing.T) {
	for text, want := range map[string][2]bool{ // looks like one, is nothing else
		"AWSTemplateFormatVersion: 2010-09-09":                      {true, true},
		"Resources: {R: {Type: 'AWS::S3::Bucket'}}":                 {true, true},
		"Resources: {R: {Type: 'Custom::X'}}\nTransform: [x]":       {true, true},
		"Resources: {'Fn::ForEach::X': []}":                         {true, true},
		"Resources: {R: {Type: 'AWS::S3::Bucket'}}\neventSource: x": {true, false},
		"Resources: {R: {Type: x}}":                                 {false, false},
		"Resources: [a]":                                            {false, false},
		"Transform: x":                                              {false, false},
		"resources: {R: {Type: 'AWS::S3::Bucket'}}":                 {false, false},
		"- Resources": {false, false},
		"x":           {false, false},
	} {
		root := parse(t, text)
		if got := [2]bool{Looks(root), Is(root)}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestMore: what a macro may add to a template is told, unless it is one that adds no
// resource of SageMaker's.
func TestMore(t *testing.T) {
	const bucket = "Resources: {B: {Type: 'AWS::S3::Bucket'}}\n"
	for text, want := range map[string]string{
		bucket: "",
		"Transform: AWS::Serverless-2016-10-31\n" + bucket:                                "",
		"Transform: [AWS::LanguageExtensions, AWS::SecretsManager-2024-09-16]\n" + bucket: "",
		"Transform: AWS::CodeDeployBlueGreen\n" + bucket:                                  "",
		"Transform: Mine\n" + bucket:                                                      "the macro Mine ",
		"Transform: [AWS::LanguageExtensions, Mine]\n" + bucket:                           "the macro Mine ",
		"Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}\n" + bucket:    "the macro AWS::Include ",
		"AWSTemplateFormatVersion: '2010-09-09'\nTransform: Mine\n":                       "the macro Mine ",
		"Fn::Transform: {Name: AWS::Include}\n" + bucket:                                  "the macro AWS::Include in Fn::Transform",
		"Resources: {Fn::Transform: {Name: AWS::Include}}":                                "the macro AWS::Include in Fn::Transform",
		"Resources: !Transform {Name: AWS::Include}":                                      "the macro AWS::Include in Fn::Transform",
		"Resources: {B: {Fn::Transform: {Name: Mine}}}":                                   "the macro Mine in Fn::Transform",
		"Resources: {B: {Type: 'AWS::S3::Bucket', Fn::Transform: {Name: Mine}}}":          "the macro Mine in Fn::Transform",
		"Resources: {'Fn::ForEach::X': [N, [a], {Fn::Transform: {Name: Mine}}]}":          "the macro Mine in Fn::Transform",
		"Resources: {'Fn::ForEach::X': [N, [a], {B: {Fn::Transform: {Name: Mine}}}]}":     "the macro Mine in Fn::Transform",
		// It changes the properties, and the type stays.
		"Resources: {B: {Type: 'AWS::S3::Bucket', Properties: {Fn::Transform: {Name: Mine}}}}": "",
		"Resources: {M: {Type: 'AWS::SageMaker::Model', Fn::Transform: {Name: Mine}}}":         "",
	} {
		if _, _, more := Read(parse(t, text)); !strings.HasPrefix(more, want) || (more == "") != (want == "") {
			t.Errorf("%s: %q, want %q", text, more, want)
		}
	}
}

// TestModelPackages: a package with validation profiles runs code, and is not passed
// over.
func TestModelPackages(t *testing.T) {
	for text, want := range map[string]int{
		"{Type: T, Properties: {ValidationSpecification: {ValidationProfiles: [{ProfileName: p}]}}}":               1,
		"{Type: T, Properties: {ValidationSpecification: {ValidationProfiles: !Ref X}}}":                           1,
		"{Type: T, Properties: {ValidationSpecification: !If [C, !Ref AWS::NoValue, {ValidationProfiles: [{}]}]}}": 1,
		"{Type: T, Properties: {Fn::Transform: {Name: AWS::Include}}}":                                             1,
		"{Type: T, Fn::Transform: {Name: M}}":                                                                      1,
		"{Type: T, Properties: {ValidationSpecification: {ValidationRole: r, ValidationProfiles: []}}}":            0,
		"{Type: T, Properties: {ValidationSpecification: !Ref AWS::NoValue}}":                                      0,
		"{Type: T, Properties: {ModelPackageName: p, ModelPackageDescription: !Ref X}}":                            0,
		"{Type: T}": 0,
		"{Type: T, Properties: {}}\n  'Fn::ForEach::X': [N, [a], {'P${N}': {Type: T, Properties: {}}}]": 1,
		"{Type: T, Properties: {}}\nTransform: M":                                                       1,
	} {
		resources, unknown, _ := Read(parse(t, "Resources:\n  P: "+strings.ReplaceAll(text, "Type: T", "Type: 'AWS::SageMaker::ModelPackage'")+"\n"))
		if unknown["AWS::SageMaker::ModelPackage"] != want || len(resources) != 0 {
			t.Errorf("%s: %v", text, unknown)
		}
	}
}

func TestUnknownTypes(t *testing.T) {
	resources, unknown, _ := Read(parse(t, `
Resources:
  A: {Type: 'AWS::SageMaker::TrainingJob'}
  B: {Type: 'AWS::SageMaker::TrainingJob'}
  C: {Type: 'AWS::SageMaker::FeatureGroup'}
  D: {Type: 'AWS::S3::Bucket'}
  E: {Type: 'AWS::CloudFormation::Stack'}
  F: {Type: !Ref X}
  G: 7
  'Fn::ForEach::X': [N, [a], {H: {Type: 'AWS::SageMaker::NewThing'}}]
`))
	if diff := cmp.Diff(map[string]int{"AWS::SageMaker::TrainingJob": 2, "AWS::SageMaker::NewThing": 1}, unknown); diff != "" || len(resources) != 0 {
		t.Errorf("%d resources, %s", len(resources), diff)
	}
	for _, text := range []string{"x", "Resources: x", "Resources: {}", "Resources:\n", "[]"} {
		if resources, unknown, _ := Read(parse(t, text)); len(resources)+len(unknown) != 0 {
			t.Errorf("%s has resources", text)
		}
	}
}

// TestTypesOfLoops: what a loop makes has the types that its variables come to, or
// types that are not known.
func TestTypesOfLoops(t *testing.T) {
	const body = "{'R${T}': {Type: 'AWS::SageMaker::${T}'}}"
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprintf("t%d", i))
	}
	many := strings.Join(list, ", ")
	for loop, want := range map[string][]string{ // types, then those that are unknown behind ?
		"[T, [NotebookInstance], " + body + "]":                                                           {"AWS::SageMaker::NotebookInstance"},
		"[T, [Model, Model, NotebookInstance, FeatureGroup, NewThing], " + body + "]":                     {"AWS::SageMaker::Model", "AWS::SageMaker::NotebookInstance", "?AWS::SageMaker::NewThing"},
		"[T, ['AWS::SageMaker::Model', 'AWS::S3::Bucket'], {R: {Type: '${T}'}}]":                          {"AWS::SageMaker::Model"},
		"[T, !Ref Types, {R: {Type: '${T}'}}]":                                                            {"?${T}"},
		"[T, [Model, !Ref Type], " + body + "]":                                                           {"?AWS::SageMaker::${T}"},
		"[T, [a], {R: {Type: 'AWS::${U}::Model'}}]":                                                       {"?AWS::${U}::Model"},
		"[T, [a], {R: {Type: '&{T}'}}]":                                                                   {"?&{T}"},
		"[T, [a], {R: {Type: 'AWS::S3::${U}'}}]":                                                          nil,
		"[T, [" + many + "], " + body + "]":                                                               {"?AWS::SageMaker::${T}"},
		"[T, [" + strings.Repeat("x", 1000) + "], " + body + "]":                                          {"?AWS::SageMaker::${T}"},
		"[S, [SageMaker, S3], {'Fn::ForEach::In': [T, [Model, Domain], {R: {Type: 'AWS::${S}::${T}'}}]}]": {"AWS::SageMaker::Model", "AWS::SageMaker::Domain"},
		"[S, !Ref Services, {'Fn::ForEach::In': [T, [Model, Domain], {R: {Type: 'AWS::${S}::${T}'}}]}]":   {"?AWS::${S}::Domain", "?AWS::${S}::Model"},
	} {
		resources, unknown, _ := Read(parse(t, "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::X': "+loop+"}"))
		var got []string
		for _, r := range resources {
			got = append(got, r.Type)
		}
		for _, typ := range slices.Sorted(maps.Keys(unknown)) {
			got = append(got, "?"+typ)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.100s: -want +got\n%s", loop, diff)
		}
	}
}

// TestCase: of names that differ by case alone none counts.
func TestCase(t *testing.T) {
	for properties, want := range map[string]string{
		"{VpcConfig: {Subnets: [a]}, vpcConfig: {}}":          `?the members "VpcConfig" and "vpcConfig" differ by case alone`,
		"{VpcConfig: {Subnets: [a], SUBNETS: [b]}}":           `{VpcConfig:?the members "Subnets" and "SUBNETS" differ by case alone}`,
		"{Containers: [{Mode: a, mode: b}]}":                  `{Containers:[?the members "Mode" and "mode" differ by case alone]}`,
		"{a: {\"\\u212aey\": 1, key: 2}}":                     `{a:?the members "\u212aey" and "key" differ by case alone}`,
		"{Environment: {A: x, a: y}, V: b}":                   `{Environment:{A:"x" a:"y"} V:"b"}`,
		"{Environment: {A: {b: x, B: y}}}":                    `{Environment:{A:?the members "b" and "B" differ by case alone}}`,
		"{VpcConfig: {a: 1}, vpcConfig: !Ref 'AWS::NoValue'}": `{VpcConfig:{a:1}}`,
	} {
		got := read(t, "Resources: {R: {Type: 'AWS::SageMaker::Model', Properties: "+properties+"}}")
		if len(got) == 1 {
			got[0] = strings.ReplaceAll(got[0], "\u212a", `\u212a`)
		}
		if diff := cmp.Diff([]string{"R " + want}, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", properties, diff)
		}
	}
}

// TestTypes: the types of the rows and the others are all there are, and none is in
// both.
func TestTypes(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range kind.Table() {
		if row.CloudFormation != "" {
			seen[row.CloudFormation] = true
		}
	}
	for _, typ := range Others() {
		if seen[typ] {
			t.Errorf("%s is there twice", typ)
		}
		seen[typ] = true
	}
	// @aws-cdk/aws-service-spec 0.1.216 has 47 types of SageMaker's.
	if len(seen) != 47 {
		t.Errorf("%d types", len(seen))
	}
}

// TestBounds: no template takes long, whatever it makes of itself.
func TestBounds(t *testing.T) {
	var mapping, uses, conditions, params, nested strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&mapping, "      k%d: {a: 1, b: 2}\n", i)
		fmt.Fprintf(&uses, "        - !FindInMap [M, x, !Ref P]\n")
	}
	for i := range 40 {
		fmt.Fprintf(&params, "  P%d: {Type: String}\n", i)
		fmt.Fprintf(&conditions, "  C%d: !Equals [!Ref P%d, a]\n", i, i)
		fmt.Fprintf(&nested, "  D%d: !And [!Condition D%d, !Condition D%d]\n", i, i+1, i+1)
	}
	long := strings.Repeat("x", 1000)
	joined := "!Join ['', [" + strings.Repeat(long+",", 200) + "a]]"
	for name, text := range map[string]string{
		"a mapping looked up often": "Parameters: {P: {Type: String}}\nMappings:\n  M:\n    x:\n" + mapping.String() + "Resources:\n  R:\n    Type: AWS::SageMaker::Model\n    Properties:\n      V:\n" + uses.String(),
		"many conditions":           "Parameters:\n" + params.String() + "Conditions:\n" + conditions.String() + "Resources:\n  R: {Type: 'AWS::SageMaker::Model', Properties: {V: [" + strings.Repeat("!If [C0, a, b],", 3) + "!If [C1, a, !If [C39, b, !If [C7, c, !If [C9, d, !If [C5, e, !If [C11, f, !If [C12, g, h]]]]]]]]}}\n",
		"conditions of conditions":  "Conditions:\n" + nested.String() + "  D40: !Equals [!Ref 'AWS::Region', x]\nResources:\n  R: {Type: 'AWS::SageMaker::Model', Properties: {V: !If [D0, a, b]}}\n",
		"long texts":                "Resources:\n  R: {Type: 'AWS::SageMaker::Model', Properties: {V: [" + strings.Repeat(joined+", ", 4) + "a]}}\n",
	} {
		began := time.Now()
		out := read(t, text)
		d := time.Since(began)
		t.Logf("%s: %v", name, d)
		if d > 10*time.Second || len(out) == 0 {
			t.Errorf("%s: %v, %d variants", name, d, len(out))
		}
	}
}

// FuzzRead: reading a template ends; every resource has a variant, and nothing in a
// request is absent by accident: what is there is a value or says why it is none.
func FuzzRead(f *testing.F) {
	f.Add([]byte(declared + "!If [A, !Sub '${One}', !Ref Net]\nConditions: {A: !Equals [!Ref Two, Enabled]}\n"))
	f.Add([]byte("Resources: {'Fn::ForEach::X': [N, [a], {H: {Type: 'AWS::SageMaker::Model'}}]}"))
	f.Add([]byte("Transform: x\nResources: {R: {Type: 'AWS::SageMaker::Pipeline', Properties: {PipelineDefinition: {}}}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := document.YAML(text)
		if err != nil {
			return
		}
		resources, _, _ := Read(root)
		for _, r := range resources {
			if len(r.Variants) == 0 || len(r.Variants) > maxWorlds {
				t.Fatalf("%s has %d variants", r.LogicalID, len(r.Variants))
			}
			for _, v := range r.Variants {
				check(t, v.Request)
			}
		}
	})
}

func check(t *testing.T, v jsondoc.Value) {
	if v.Kind() == jsondoc.Unknown && v.Why() == "" {
		t.Fatal("unknown without a reason")
	}
	for _, m := range v.Members() {
		check(t, m.Value)
	}
}
