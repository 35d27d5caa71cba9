package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

const (
	openTemplate = "Resources:\n  M:\n    Type: AWS::SageMaker::Model\n    Properties: {ModelName: m}\n"
	openPlan     = `{"format_version":"1.2","terraform_version":"1.11.4","resource_changes":[{"address":"aws_sagemaker_model.m","mode":"managed","type":"aws_sagemaker_model","name":"m","change":{"actions":["create"],"after":{"name":"m","vpc_config":[]},"after_unknown":{},"after_sensitive":{}}}]}`
)

// write puts files into a folder.
func write(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestARepository: of a repository that is walked only what is broken is a problem,
// and only if it could be something that is read.
func TestARepository(t *testing.T) {
	big := `{"version":"tree-0.1","tree":{"a":"` + strings.Repeat("AWS::SageMaker::Model ", jsondoc.MaxBytes/20) + `"}}`
	dir := write(t, map[string]string{
		"template.yaml":           openTemplate,
		"cdk.out/x.template.json": `{"Resources":{"N":{"Type":"AWS::SageMaker::Model"}}}`,
		"old.template":            `{"AWSTemplateFormatVersion":"2010-09-09","Resources":{"O":{"Type":"AWS::SageMaker::Model"}}}`,
		"plan.json":               openPlan,
		"bucket.yml":              "Resources:\n  B: {Type: AWS::S3::Bucket}\n", // a template without SageMaker: read, and silent
		"main.tf":                 `resource "aws_sagemaker_model" "m" {}`,
		"more.tf.json":            `{"resource":{}}`,
		"README.md":               "# Resources:\n",
		"package.json":            `{"name":"x","dependencies":{"sagemaker":"1"}}`,
		"tsconfig.json":           "{\n  // a comment\n  \"a\": 1,\n}",
		"list.json":               `[{"a":1},{"b":2},7]`,
		"lines.jsonl":             "{\"a\":1}\n{\"b\":2}\n",
		"policy.json":             `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sagemaker:CreateModel"}]}`,
		"pattern.json":            `{"source":["aws.sagemaker"],"detail-type":["AWS API Call via CloudTrail"]}`,
		"state.json":              `{"format_version":"1.0","terraform_version":"1.11.4","values":{}}`,
		"cdk.out/tree.json":       big,
		"rules.yaml":              "version: 1\nrules:\n  vpc-required: on\n",
		"deployment.yaml":         "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n",
		"model.yaml":              "apiVersion: sagemaker.services.k8s.aws/v1alpha1\nkind: Model\n",
		"chart/templates/x.yaml":  "{{- if .Values.x }}\nkind: A\n{{- end }}\n",
		"broken-but-other.yaml":   "a: [1\n",
		"half-a-template.yaml":    "Resources:\n  B: {Type: AWS::S3::Bucket\n",
		"empty.yaml":              "",
		".aws-sam/build/x.yaml":   openTemplate,
		".git/x.yaml":             openTemplate,
		"a/node_modules/x.yaml":   openTemplate,
		"b/node_modules/x.yaml":   openTemplate,
	})
	r := run(t, nil, dir)
	for _, p := range r.Problems {
		t.Errorf("a problem: %v", p)
	}
	if got := names(r); len(got) != 5 || r.Files != 21 || r.Others != 15 || r.Sources != 2 || r.Skipped != 1 {
		t.Errorf("%v, %d files, %d others, %d sources, %d skipped", got, r.Files, r.Others, r.Sources, r.Skipped)
	}
	if diff := cmp.Diff(map[string]int{".git": 1, "node_modules": 2}, r.Folders); diff != "" {
		t.Error(diff)
	}

	// The same files by name, as a hook names them, are errors unless it is asked for.
	var named []string
	for _, name := range []string{"template.yaml", "package.json", "rules.yaml", "main.tf", "list.json", "README.md"} {
		named = append(named, filepath.Join(dir, name))
	}
	if r = run(t, nil, named...); len(r.Findings) != 1 || len(r.Problems) != 7 || r.Others != 0 {
		t.Errorf("named: %v, %d others, problems %v", names(r), r.Others, r.Problems)
	}
	r, err := Run(t.Context(), Inputs{Paths: named, SkipOthers: true}, Options{Rules: rules.Default(), Now: now})
	if err != nil || len(r.Findings) != 1 || len(r.Problems) != 0 || r.Others != 5 {
		t.Errorf("skipping others: %v, %d others, problems %v, %v", names(r), r.Others, r.Problems, err)
	}
}

// TestBrokenInAFolder: what could be about SageMaker is a problem, wherever it was
// found.
func TestBrokenInAFolder(t *testing.T) {
	long := strings.Repeat("x", jsondoc.MaxBytes)
	for name, c := range map[string]struct{ text, problem string }{
		"template.yaml":         {openTemplate + "\tx: 1\n", "line 5: not valid YAML"},
		"twice.yaml":            {openTemplate + "  M: {Type: AWS::SageMaker::Model}\n", `line 5: "M" is there twice, on line 2 too`},
		"several.yaml":          {openTemplate + "---\n" + openTemplate, "several YAML documents"},
		"jinja.yaml":            {"Resources:\n{% for x in y %}\n  M: {Type: AWS::SageMaker::Model}\n", "line 2: not valid YAML"},
		"template.json":         {`{"Resources":{"M":{"Type":"AWS::SageMaker::Model"},,}}`, "invalid character"},
		"template-twice.json":   {`{"Resources":{"M":{"Type":"AWS::SageMaker::Model"},"M":{}}}`, "duplicate"},
		"plan.json":             {strings.Replace(openPlan, `"1.2"`, `"9.0"`, 1), `in format "9.0"`},
		"plan-cut-off.json":     {openPlan[:len(openPlan)-5], "the plan ends in the middle"},
		"plan-broken.json":      {strings.Replace(openPlan, `"after":{`, `"after":{"name":"n",`, 1), "duplicate"},
		"record.json":           {`{"eventSource":"sagemaker.amazonaws.com","eventName":7}`, "eventName: found a number"},
		"record-broken.json":    {`{"eventSource":"x.amazonaws.com" "eventName":1}`, "invalid character"},
		"cut-off.json":          {`{"a":[`, "ends in the middle"},
		"empty.json":            {``, "the file is empty"},
		"too-long.json":         {`{"ModelName":"m","x":"` + long + `"}`, "longer than"},
		"too-long-in-list.json": {`[{"sagemaker":"` + long + `"}]`, "longer than"},
		"two-shapes.json":       {`{"eventSource":"a.amazonaws.com","eventName":"B","Resources":{"M":{"Type":"AWS::SageMaker::Model"}}}`, "could be a CloudTrail record and a CloudFormation template"},
		"answer.json":           {`{"Error":{"Code":"AccessDenied"}}`, "an AWS error response"},
		"some.jsonl":            {openPlan[:0] + model(1) + "\n{\"a\":1}\n", "an object with the members a"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, nil, write(t, map[string]string{name: c.text}))
			if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Error(), c.problem) || r.Others != 0 {
				t.Errorf("%d others, problems %v, want %q", r.Others, r.Problems, c.problem)
			}
		})
	}
	// Of a file without an end that holds nothing, not every document is kept.
	r := run(t, nil, write(t, map[string]string{"x.jsonl": strings.Repeat("{\"a\":1}\n", 5000) + model(1)}))
	if len(r.Findings) != 1 || len(r.Problems) != mostKept+1 || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return strings.Contains(p.Error(), "4000 documents") }) {
		t.Errorf("%v, %d problems", names(r), len(r.Problems))
	}
}

// TestWaysToWriteYAML: a template is one however its YAML is written, whether the file
// was named or found.
func TestWaysToWriteYAML(t *testing.T) {
	const body = "{M: {Type: AWS::SageMaker::Model, Properties: {ModelName: m}}}"
	for name, text := range map[string]string{
		"indented":               "  Resources:\n    M: {Type: AWS::SageMaker::Model}\n",
		"flow style":             "{Resources: " + body + "}\n",
		"flow style and a start": "--- {Resources: " + body + "}\n",
		"flow style below one":   "---\n{Resources: " + body + "}\n",
		"a tag":                  "!!map\n  Resources: " + body + "\n",
		"a tag of the key":       "!!str Resources: " + body + "\n",
		"an anchor":              "&x Resources: " + body + "\n",
		"an explicit key":        "? Resources\n: " + body + "\n",
		"an escape":              "\"Resour\\x63es\": " + body + "\n",
		"all of it escaped":      "\"\\x52esources\": {M: {Type: \"\\u0041WS::\\U00000053ageMaker::Model\"}}\n",
		"a broken line":          "? \"Resour\\\n   ces\"\n: {M: {Type: \"AW\\\n  S::SageMaker::Model\"}}\n",
		"escaped in flow style":  "{\"Resources\": {\"M\": {\"Type\": \"AWS::Sage\\x4daker::Model\"}}}\n",
		"CR alone":               "Transform: AWS::Serverless-2016-10-31\rResources: " + body + "\r",
		"CR and LF":              "# x\r\nResources: " + body + "\r\n",
		"a directive":            "%YAML 1.1\n---\nResources: " + body + "\n",
		"UTF-16":                 utf16le("Resources: " + body + "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"a.yaml": text})
			named := filepath.Join(dir, "a.yaml")
			for how, in := range map[string]Inputs{"found": {Paths: []string{dir}}, "named": {Paths: []string{named}}, "skipping others": {Paths: []string{named}, SkipOthers: true}} {
				r, err := Run(t.Context(), in, Options{Rules: rules.Default(), Now: now})
				if err != nil || len(r.Findings) != 1 || len(r.Problems) != 0 || r.Others != 0 {
					t.Errorf("%s: %d findings, %d others, problems %v, %v", how, len(r.Findings), r.Others, r.Problems, err)
				}
			}
			if r := stdin(t, strings.NewReader(text)); len(r.Findings) != 1 || len(r.Problems) != 0 {
				t.Errorf("standard input: %d findings, problems %v", len(r.Findings), r.Problems)
			}
		})
	}
}

func utf16le(s string) string {
	out := []byte("\xff\xfe")
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return string(out)
}

// TestFoundYAML: what is found and cannot be read is a problem where it declares a
// resource of SageMaker's, and else nothing that is read.
func TestFoundYAML(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		problem string // empty: there is none
	}{
		"a.yaml":     {"  Resources:\n    M: {Type: AWS::SageMaker::Model\n", "not valid YAML"},
		"b.yaml":     {"---\n{Resources: {M: {Type: AWS::SageMaker::Model}}}\n---\n{}\n", "several YAML documents"},
		"c.yaml":     {"a: \"AWS::Sage\\x4daker::Model\"\nb: [\n", "not valid YAML"},
		"d.json":     {`{"Resources":{"M":{"Type":"AWS::Sage\x4daker::Model"},,}}`, "invalid"},
		"e.template": {" Resources: {M: {Type: AWS::SageMaker::Model\n", "not valid YAML"},
		"f.yaml":     {"a: AWS::SageMaker::Model\n", ""},
		"g.yaml":     {"# AWS::S3::Bucket\na: [\n", ""},
		"h.yaml":     {"a: \"\\\\x41WS::SageMaker::Model\"\nb: [\n", ""}, // an escaped backslash
		"i.yaml":     {"# sagemaker\n{{ if x }}\na: \"\\\n  b\"\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, nil, write(t, map[string]string{name: c.text}))
			switch {
			case c.problem == "" && (len(r.Problems) != 0 || r.Others != 1):
				t.Errorf("%d others, problems %v", r.Others, r.Problems)
			case c.problem != "" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Error(), c.problem)):
				t.Errorf("%d others, problems %v, want %q", r.Others, r.Problems, c.problem)
			}
		})
	}
	// A hook is given whatever is committed.
	dir := write(t, map[string]string{"README.md": "# AWS::SageMaker::Model\n[\n"})
	r, err := Run(t.Context(), Inputs{Paths: []string{filepath.Join(dir, "README.md")}, SkipOthers: true}, Options{Rules: rules.Default(), Now: now})
	if err != nil || len(r.Problems) != 0 || r.Others != 1 {
		t.Errorf("%d others, problems %v, %v", r.Others, r.Problems, err)
	}
}

// TestPassedOverAreDocumented: the folders that are not looked into are told in the
// documentation.
func TestPassedOverAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range passedOver {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/ci.md does not name %s", name)
		}
	}
}

// TestNotesOfAPlan: a plan that is not all of it says so, and is no problem.
func TestNotesOfAPlan(t *testing.T) {
	for member, want := range map[string]string{
		`"complete":true`:  "",
		`"complete":false`: "was not judged",
		`"deferred_changes":[{"resource_change":{"address":"aws_sagemaker_model.n","mode":"managed","type":"aws_sagemaker_model","name":"n","change":{"actions":["create"],"after":{},"after_unknown":{}}}}]`: "1 of SageMaker's were judged as far as they are known",
	} {
		r := run(t, nil, write(t, map[string]string{"plan.json": strings.Replace(openPlan, `"resource_changes"`, member+`,"resource_changes"`, 1)}))
		if r.Incomplete != (want != "") {
			t.Errorf("%s: incomplete %v", member, r.Incomplete)
		}
		if len(r.Problems) != 0 || len(r.Notes) > 1 || (len(r.Notes) == 1) != (want != "") || !strings.Contains(strings.Join(r.Notes, ""), want) {
			t.Errorf("%s: problems %v, notes %q", member, r.Problems, r.Notes)
		}
	}
}

// TestNotesOfATemplate: a template to which a macro may add resources says so, also
// where it has none of SageMaker's.
func TestNotesOfATemplate(t *testing.T) {
	for text, want := range map[string]string{
		"Resources: {B: {Type: 'AWS::S3::Bucket'}}\n":                                                 "",
		"Transform: AWS::Serverless-2016-10-31\nResources: {B: {Type: 'AWS::S3::Bucket'}}\n":          "",
		"Transform: Mine\nResources: {B: {Type: 'AWS::S3::Bucket'}}\n":                                "the macro Mine may rewrite it",
		"AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Fn::Transform: {Name: AWS::Include}\n": "the macro AWS::Include in Fn::Transform may rewrite it",
	} {
		r := run(t, nil, write(t, map[string]string{"t.yaml": text}))
		if len(r.Problems) != 0 || r.Incomplete != (want != "") || len(r.Notes) > 1 || !strings.Contains(strings.Join(r.Notes, ""), want) || (len(r.Notes) == 1) != (want != "") {
			t.Errorf("%s: problems %v, notes %q, incomplete %v", text, r.Problems, r.Notes, r.Incomplete)
		}
	}
}

// TestWhatAPlanHandsOn: what a plan has made by Cloud Control or by a stack is judged
// as if it stood in the plan, or in a template, by itself.
func TestWhatAPlanHandsOn(t *testing.T) {
	change := func(typ, name, after string) string {
		return fmt.Sprintf(`{"address":"%[1]s.%[2]s","mode":"managed","type":%[1]q,"name":%[2]q,"change":{"actions":["create"],"after":%[3]s,"after_unknown":{},"after_sensitive":{}}}`, typ, name, after)
	}
	const notebook = `"{\"Resources\":{\"N\":{\"Type\":\"AWS::SageMaker::NotebookInstance\",\"Properties\":{\"SubnetId\":\"subnet-1\"}}}}"`
	// The configuration finds its model in its own stack, not in the one beside it.
	body := func(properties string) string {
		return `"Resources: {M: {Type: 'AWS::SageMaker::Model', Properties: ` + properties + `}, E: {Type: 'AWS::SageMaker::EndpointConfig', Properties: {ProductionVariants: [{ModelName: !GetAtt M.ModelName}]}}}"`
	}
	text := `{"format_version":"1.2","resource_changes":[` + strings.Join([]string{
		change("aws_cloudcontrolapi_resource", "c", `{"type_name":"AWS::SageMaker::NotebookInstance","desired_state":"{\"SubnetId\":\"subnet-1\"}"}`),
		change("aws_cloudformation_stack", "s", `{"template_body":`+notebook+`}`),
		change("aws_cloudformation_stack", "open", `{"template_body":`+body("{}")+`}`),
		change("aws_cloudformation_stack", "shut", `{"template_body":`+body("{VpcConfig: {Subnets: [subnet-1], SecurityGroupIds: [sg-1]}}")+`}`),
		change("aws_cloudformation_stack_set", "macro", `{"template_body":"Transform: Mine\nResources: {B: {Type: AWS::S3::Bucket}}"}`),
		change("aws_cloudformation_stack", "url", `{"template_url":"https://b/k"}`),
	}, ",") + `]}`
	r := run(t, nil, write(t, map[string]string{"plan.json": text}))
	got := map[string]string{}
	for _, f := range r.Findings {
		got[f.Name] = string(f.Judgement.Compliance) + " " + f.Judgement.Verdict.Class.String()
		if f.Name == "aws_cloudformation_stack.s/N" && f.Judgement.Results[0].Path != "resource_changes[1].change.after.template_body.Resources.N.Properties.DirectInternetAccess" {
			t.Error(f.Judgement.Results[0].Path)
		}
	}
	want := map[string]string{
		"aws_cloudcontrolapi_resource.c": "FAILED c", "aws_cloudformation_stack.s/N": "FAILED c",
		"aws_cloudformation_stack.open/M": "FAILED b-internet", "aws_cloudformation_stack.open/E": "FAILED b-internet",
		"aws_cloudformation_stack.shut/M": "PASSED b-vpc", "aws_cloudformation_stack.shut/E": "PASSED b-vpc",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"aws_cloudformation_stack": 1}, r.Unjudged); diff != "" || len(r.Problems) != 0 {
		t.Errorf("problems %v, %s", r.Problems, diff)
	}
	if len(r.Notes) != 1 || !r.Incomplete || !strings.Contains(r.Notes[0], "plan.json: aws_cloudformation_stack_set.macro: the macro Mine") {
		t.Errorf("notes %q, incomplete %v", r.Notes, r.Incomplete)
	}
}

// TestPast: where what happened is wanted, what is about to be is refused.
func TestPast(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": openTemplate, "b.json": openPlan, "c.json": `{"Resources":{"N":{"Type":"AWS::SageMaker::Model"}}}`,
		"d.json": `{"Version":"2020-12-01","Steps":[]}`, "e.yaml": "{Resources: {M: {Type: AWS::SageMaker::Model}}}\n", "f.json": model(1),
	})
	records, err := Read(t.Context(), Inputs{Paths: []string{dir}, Past: true}, nil)
	if err != nil || len(records.All) != 1 || len(records.Problems) != 5 {
		t.Fatalf("%d observations, problems %v, %v", len(records.All), records.Problems, err)
	}
	for _, p := range records.Problems {
		if !strings.Contains(p.Error(), "not what happened: an archive of CloudTrail records is wanted") {
			t.Error(p)
		}
	}
}

// TestNotRead: a file that was named says what it is instead, and what to do.
func TestNotRead(t *testing.T) {
	for name, c := range map[string]struct{ text, problem string }{
		"main.tf":       {"x = 1\n", "source of Terraform, which is read as a plan: terraform plan -out"},
		"a.txt":         {"# a comment\nresource \"aws_sagemaker_model\" \"m\" {\n}\n", "source of Terraform"},
		"plan.tfplan":   {"PK\x03\x04rest", "in Terraform's own form"},
		"rules.yaml":    {"version: 1\nallow: []\n", "looks like a rules file: name it with --rules"},
		"k8s.yaml":      {"apiVersion: v1\nkind: Model\n", "a resource of Kubernetes"},
		"list.yaml":     {"- a\n", "no CloudFormation template in YAML"},
		"other.yaml":    {"b: 1\nc: 2\n", "it has no Resources, but b, c"},
		"resources.yml": {"Resources: [a]\n", "none of its Resources has a type"},
		"broken.yaml":   {"a: [1\n", "(line 1: not valid YAML"},
		"state.tfstate": {`{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"x","resources":[]}`, "a Terraform state, not a plan"},
		"conf.json":     {`{"resource":{},"provider":{}}`, "a Terraform configuration, not a plan"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, nil, filepath.Join(write(t, map[string]string{name: c.text}), name))
			if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Error(), c.problem) {
				t.Errorf("problems %v, want %q", r.Problems, c.problem)
			}
		})
	}
}

// TestNamesStayInTheirDocument: what a template or a plan calls something means
// nothing in another, nor in a trail.
func TestNamesStayInTheirDocument(t *testing.T) {
	endpointConfig := "Resources:\n  E:\n    Type: AWS::SageMaker::EndpointConfig\n    Properties: {ProductionVariants: [{ModelName: m}]}\n"
	dir := write(t, map[string]string{"a.yaml": openTemplate, "b.yaml": endpointConfig, "c.json": openPlan, "d.json": model(1)})
	r := run(t, nil, dir)
	for _, f := range r.Findings {
		if f.Name == "E" && f.Judgement.Compliance != "WARNING" {
			t.Errorf("resolved in another document: %+v", f.Judgement)
		}
	}
	if len(r.Findings) != 4 {
		t.Errorf("%v", names(r))
	}
	// Two of one name in a document: neither is meant for certain.
	r = run(t, nil, write(t, map[string]string{"a.yaml": endpointConfig + "  M: {Type: AWS::SageMaker::Model, Properties: {ModelName: m}}\n  N: {Type: AWS::SageMaker::Model, Properties: {ModelName: m, VpcConfig: {Subnets: [subnet-1]}}}\n"}))
	for _, f := range r.Findings {
		if f.Name == "E" && !strings.Contains(fmt.Sprint(f.Judgement.Results), `several resources beside it are called "m"`) {
			t.Errorf("%v", f.Judgement.Results)
		}
	}
}

// TestAreAsTheyWould: a resource is judged by a template or a plan as by the request
// that is made of it.
func TestTemplatesAreJudgedByTheRows(t *testing.T) {
	request := `{"ModelName":"m","ExecutionRoleArn":"r","VpcConfig":{"Subnets":["subnet-1",""],"SecurityGroupIds":["sg-1"]}}`
	want := run(t, nil, filepath.Join(write(t, map[string]string{"a.json": request}), "a.json")).Findings[0].Judgement
	template := "Resources: {M: {Type: 'AWS::SageMaker::Model', Properties: " + request + "}}"
	plan := strings.Replace(openPlan, `"vpc_config":[]`, `"vpc_config":[{"subnets":["subnet-1",""],"security_group_ids":["sg-1"]}]`, 1)
	for name, text := range map[string]string{"a.yaml": template, "b.json": plan} {
		got := run(t, nil, filepath.Join(write(t, map[string]string{name: text}), name)).Findings[0].Judgement
		if got.Verdict != want.Verdict || got.Compliance != want.Compliance || got.Severity != want.Severity || got.Results[0].Rule != want.Results[0].Rule {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestRulesKnowWhatIsNotKnown: an override by a name or a tag that only a deployment
// tells is neither in force nor not.
func TestNamesAndTagsOfADeployment(t *testing.T) {
	for text, want := range map[string]string{
		"ModelName: prod-1":                     "FAILED",
		"ModelName: dev-1":                      "PASSED",
		"ModelName: !Sub 'prod-${AWS::Region}'": "WARNING",
		"Tags: [{Key: a, Value: b}]":            "WARNING", // CloudFormation makes up a name
		// The stack may bring the tag.
		"{ModelName: dev, Tags: [{Key: a, Value: b}]}":      "PASSED",
		"{ModelName: tagged, Tags: [{Key: a, Value: b}]}":   "WARNING",
		"{ModelName: tagged, Tags: [{Key: env, Value: d}]}": "PASSED", // its own comes first
		"{ModelName: tagged, Tags: [{Key: env, Value: p}]}": "FAILED",
	} {
		template := "Resources:\n  M:\n    Type: AWS::SageMaker::Model\n    Properties:\n      VpcConfig: {Subnets: [subnet-1], SecurityGroupIds: [sg-1]}\n      "
		if strings.HasPrefix(text, "{") {
			template += "<<: "
		}
		template += text + "\n"
		r, err := Run(t.Context(), Inputs{Paths: []string{filepath.Join(write(t, map[string]string{"a.yaml": template}), "a.yaml")}}, Options{Rules: isolatedInProd(t), Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.Findings[0].Judgement.Compliance); got != want {
			t.Errorf("%s: %s, want %s: %+v", text, got, want, r.Findings[0].Judgement.Results)
		}
	}
}

// Types of SageMaker's that this version has never heard of are counted.
func TestUnjudged(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": "Resources: {A: {Type: AWS::SageMaker::TrainingJob}, B: {Type: AWS::SageMaker::FeatureGroup}}\n",
		"b.json": strings.ReplaceAll(openPlan, "aws_sagemaker_model", "aws_sagemaker_cluster"),
	})
	r := run(t, nil, dir)
	if diff := cmp.Diff(map[string]int{"AWS::SageMaker::TrainingJob": 1, "aws_sagemaker_cluster": 1}, r.Unjudged); diff != "" {
		t.Error(diff)
	}
}

// A plan is larger than a record, and a template may be compressed.
func TestLargePlan(t *testing.T) {
	many := strings.Repeat(`{"address":"aws_s3_bucket.b","mode":"managed","type":"aws_s3_bucket","name":"b","change":{"actions":["create"],"after":{"x":"`+strings.Repeat("y", 1000)+`"}}},`, 5000)
	text := strings.Replace(openPlan, `"resource_changes":[`, `"planned_values":{"a":"`+strings.Repeat("z", 3<<20)+`"},"resource_changes":[`+many, 1)
	dir := write(t, map[string]string{"plan.json": text})
	if r := run(t, nil, dir); len(r.Findings) != 1 || len(r.Problems) != 0 {
		t.Errorf("%v, problems %v", names(r), r.Problems)
	}
	if r := stdin(t, strings.NewReader(text)); len(r.Findings) != 1 || len(r.Problems) != 0 {
		t.Errorf("standard input: %v, problems %v", names(r), r.Problems)
	}
	for name, text := range map[string]string{"plan.json.gz": openPlan, "template.yaml.gz": openTemplate} {
		if r := run(t, nil, file(t, name, zip(t, text))); len(r.Findings) != 1 || len(r.Problems) != 0 {
			t.Errorf("%s: %v, problems %v", name, names(r), r.Problems)
		}
	}
}

// isolatedInProd are rules that want what is called prod-* isolated.
func isolatedInProd(t testing.TB) *rules.File {
	t.Helper()
	f, err := rules.Load("rules.yaml", []byte("version: 1\noverrides:\n  - match: {names: [\"prod-*\"]}\n    rules: {isolation-required: on}\n  - match: {names: [tagged], tags: {env: p}}\n    rules: {isolation-required: on}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
