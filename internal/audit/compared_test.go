package audit

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"go.yaml.in/yaml/v3"
)

// scanned are the folders of the corpus that hold the fixtures of other scanners.
var scanned = []string{"iac-cfn", "iac-tf", "iac-tfplan"}

// none is the verdict of what is none of our resources.
const none = "-"

// comparison is what another scanner's fixture expects of one resource, and what
// comes out here. What they expect is in the name of the file, in the file, or in the
// index of the corpus.
type comparison struct {
	file     string
	of       string // the case in a file of several
	resource string
	check    string // theirs; empty: the fixture expects nothing of the network
	theirs   string // PASS, FAIL or SKIP
	ours     string // compliance, severity, class
}

var comparisons = []comparison{
	{"iac-cfn/cfnnag-notebook-kms-set.yaml", "", "SageMakerNotebookInstance", "cfn_nag, KMS key", "PASS", "FAILED HIGH b-internet"},
	{"iac-cfn/checkov-SagemakerDataQualityJobDefinitionTrafficEncryption-PASSED.yaml", "", "DataQualityJobDefinitionPass", "CKV_AWS_369", "PASS", "FAILED HIGH b-internet"},
	{"iac-cfn/checkov-SagemakerModelWithNetworkIsolation-FAILED.yaml", "", "SageMakerModelFail1", "CKV_AWS_370", "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/checkov-SagemakerModelWithNetworkIsolation-FAILED.yaml", "", "SageMakerModelFail2", "CKV_AWS_370", "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/checkov-SagemakerNotebookInstanceAllowsIMDSv2-FAILED.yaml", "", "BasicNotebookInstanceFail1", "CKV_AWS_371", "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/checkov-SagemakerNotebookInstanceAllowsIMDSv2-FAILED.yaml", "", "BasicNotebookInstanceFail2", "CKV_AWS_371", "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/guard-sagemaker_notebook_no_direct_internet_access_tests.yml", "Empty, SKIP", none, guardRule, "SKIP", none},
	{"iac-cfn/guard-sagemaker_notebook_no_direct_internet_access_tests.yml", "No resources, SKIP", none, guardRule, "SKIP", none},
	{"iac-cfn/guard-sagemaker_notebook_no_direct_internet_access_tests.yml", "DirectInternetAccess set to Disabled, PASS", "BasicNotebookInstance", guardRule, "PASS", "PASSED b-vpc"},
	{"iac-cfn/guard-sagemaker_notebook_no_direct_internet_access_tests.yml", "DirectInternetAccess set to Enabled, FAIL", "BasicNotebookInstance", guardRule, "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/guard-sagemaker_notebook_no_direct_internet_access_tests.yml", "DirectInternetAccess not specified, FAIL", "BasicNotebookInstance", guardRule, "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/guard-sagemaker_notebook_no_direct_internet_access_tests.yml", "DirectInternetAccess set to Enabled but rule suppressed, SKIP", "BasicNotebookInstance", guardRule, "SKIP", "FAILED HIGH b-internet"},
	{"iac-cfn/kics-internet-negative1.yaml", "", "Notebook", "KICS sagemaker_enabling_internet_access", "PASS", "FAILED MEDIUM unknown"},
	{"iac-cfn/kics-internet-positive2.json", "", "Notebook", "KICS sagemaker_enabling_internet_access", "FAIL", "FAILED HIGH b-internet"},
	{"iac-cfn/kics-notebook_vpc-negative2.json", "", "NotebookInstance", "KICS sagemaker_notebook_not_placed_in_vpc", "PASS", "FAILED MEDIUM b-vpc"},
	{"iac-cfn/kics-notebook_vpc-positive1.yaml", "", "NotebookInstance", "KICS sagemaker_notebook_not_placed_in_vpc", "FAIL", "FAILED MEDIUM unknown"},
	{"iac-cfn/rain-sagemaker-notebook.yaml", "", "Notebook", "", "", "FAILED HIGH b-internet"},
	{"iac-cfn/secure-ds-admin_detective.yaml", "", none, "", "", none},
	{"iac-cfn/secure-ds-notebook_v1.yaml", "", "NotebookInstance", "", "", "WARNING unknown"},
	{"iac-cfn/secure-mlops-cfn-sm-endpoint.yaml", "", "SageMakerEndpoint", "", "", "WARNING unknown"},
	{"iac-cfn/secure-mlops-cfn-sm-endpoint.yaml", "", "SageMakerEndpointConfig", "", "", "WARNING unknown"},
	{"iac-cfn/secure-mlops-cfn-sm-endpoint.yaml", "", "SageMakerModel", "", "", "WARNING unknown"},
	{"iac-cfn/smex-script-mode-cfn.yml", "", "NotebookInstance", "", "", "FAILED HIGH b-internet"},

	{"iac-tf/checkov-domain.tf", "", "aws_sagemaker_domain.fail", "CKV_AWS_187", "FAIL", "FAILED HIGH c"},
	{"iac-tf/checkov-domain.tf", "", "aws_sagemaker_domain.pass", "CKV_AWS_187", "PASS", "FAILED HIGH c"},
	{"iac-tf/checkov-model-isolation.tf", "", "aws_sagemaker_model.model_fail_1", "CKV_AWS_370", "FAIL", "FAILED HIGH b-internet"},
	{"iac-tf/checkov-model-isolation.tf", "", "aws_sagemaker_model.model_fail_2", "CKV_AWS_370", "FAIL", "FAILED HIGH b-internet"},
	{"iac-tf/checkov-model-isolation.tf", "", "aws_sagemaker_model.model_pass", "CKV_AWS_370", "PASS", "FAILED MEDIUM a"},
	{"iac-tf/kics-direct-internet-negative_module.tf", "", none, "KICS sagemaker_direct_internet_access_enabled", "PASS", none},
	{"iac-tf/kics-direct-internet-positive.tf", "", "aws_sagemaker_notebook_instance.bad_example", "KICS sagemaker_direct_internet_access_enabled", "FAIL", "FAILED HIGH b-internet"},

	{"iac-tfplan/tfplan-checkov-model-isolation.json", "", "aws_sagemaker_model.model_fail_1", "CKV_AWS_370", "FAIL", "FAILED HIGH b-internet"},
	{"iac-tfplan/tfplan-checkov-model-isolation.json", "", "aws_sagemaker_model.model_fail_2", "CKV_AWS_370", "FAIL", "FAILED HIGH b-internet"},
	{"iac-tfplan/tfplan-checkov-model-isolation.json", "", "aws_sagemaker_model.model_pass", "CKV_AWS_370", "PASS", "FAILED MEDIUM a"},
	{"iac-tfplan/tfplan-kics-notebook-positive.json", "", "aws_sagemaker_notebook_instance.bad_example", "KICS sagemaker_direct_internet_access_enabled", "FAIL", "FAILED HIGH b-internet"},
	// The index says of each which network it has, and these are their classes.
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_data_quality_job_definition.dq", "", "", "PASSED a"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_domain.vpconly", "", "", "PASSED b-vpc"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_endpoint_configuration.ec", "", "", "PASSED a"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_model.isolated_only", "", "", "FAILED MEDIUM a"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_model.open_multi_container", "", "", "FAILED HIGH b-internet"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_model.vpc_isolated", "", "", "PASSED a"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_model.vpc_only", "", "", "PASSED b-vpc"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_notebook_instance.vpc_inet", "", "", "FAILED CRITICAL c"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_notebook_instance.vpc_noinet", "", "", "PASSED b-vpc"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_pipeline.p", "", "", "PASSED a"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_user_profile.u", "", "", "WARNING unknown"},
	{"iac-tfplan/tfplan-matrix.json", "", "aws_sagemaker_workforce.w", "", "", "NOT_AVAILABLE n/a"},
}

const guardRule = "SAGEMAKER_NOTEBOOK_NO_DIRECT_INTERNET_ACCESS"

// differs says whether the two do not say the same.
func (c comparison) differs() bool {
	compliance, _, _ := strings.Cut(c.ours, " ")
	want := map[string]string{"PASS": "PASSED", "FAIL": "FAILED", "SKIP": none, "": compliance}
	return compliance != want[c.theirs]
}

// TestCompared: every fixture of other scanners is judged, and comes out as the table
// above says.
func TestCompared(t *testing.T) {
	dir := cmp.Or(os.Getenv("SAGEMOAT_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	if _, err := os.Stat(filepath.Join(dir, "INDEX.md")); err != nil {
		t.Skipf("NOT TESTED against the fixtures of other scanners: set SAGEMOAT_CORPUS to the corpus (%v)", err)
	}
	want := map[string]bool{}
	for _, c := range comparisons {
		want[strings.Join([]string{c.file, c.of, c.resource, c.ours}, " | ")] = true
	}
	got := map[string]bool{}
	add := func(file, of string, r *Report) {
		for _, p := range r.Problems {
			t.Errorf("%s: %v", file, p)
		}
		for _, f := range r.Findings {
			ours := string(f.Judgement.Compliance)
			if f.Judgement.Compliance == "FAILED" {
				ours += " " + string(f.Judgement.Severity)
			}
			got[strings.Join([]string{file, of, f.Name, ours + " " + f.Judgement.Verdict.Class.String()}, " | ")] = true
		}
		if len(r.Findings) == 0 {
			got[strings.Join([]string{file, of, none, none}, " | ")] = true
		}
	}
	for _, folder := range scanned {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			file, path := folder+"/"+e.Name(), filepath.Join(dir, folder, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), "guard-"):
				for name, text := range guardCases(t, path) {
					dir := write(t, map[string]string{"template.yaml": text})
					add(file, name, run(t, nil, dir)) // an empty input is no template
				}
			case folder == "iac-tf":
				add(file, "", run(t, nil, filepath.Join(write(t, map[string]string{"plan.json": planOf(t, path)}), "plan.json")))
			default:
				add(file, "", run(t, nil, path))
			}
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-table +corpus\n%s", diff)
	}
}

// guardCases are the inputs of the tests of a rule of cfn-guard, by name.
func guardCases(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name  string
		Input yaml.Node
	}
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range cases {
		input, err := yaml.Marshal(&c.Input)
		if err != nil {
			t.Fatal(err)
		}
		out[c.Name] = string(input)
	}
	return out
}

// planOf makes a plan of Terraform's source, as far as that is literal: attributes
// that are not are known only after the apply. The providers' defaults are those of
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs. That it is
// sound is seen by the fixtures of which there is a real plan too.
func planOf(t *testing.T, path string) string {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	changes, resources := []any{}, []any{}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		if b.Type != "resource" {
			continue
		}
		after, unknown, written := bodyOf(t, b.Body)
		switch b.Labels[0] {
		case "aws_sagemaker_domain":
			after = withDefaults(after, map[string]any{"app_network_access_type": "PublicInternetOnly"})
		case "aws_sagemaker_notebook_instance":
			after = withDefaults(after, map[string]any{"direct_internet_access": "Enabled"})
		}
		head := map[string]any{"address": b.Labels[0] + "." + b.Labels[1], "mode": "managed", "type": b.Labels[0], "name": b.Labels[1]}
		resource := maps.Clone(head)
		resource["expressions"] = written
		resources = append(resources, resource)
		head["change"] = map[string]any{"actions": []string{"create"}, "after": after, "after_unknown": unknown, "after_sensitive": map[string]any{}}
		changes = append(changes, head)
	}
	text, err := json.Marshal(map[string]any{
		"format_version": "1.2", "resource_changes": changes,
		"configuration": map[string]any{"root_module": map[string]any{"resources": resources}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// A plan begins with its version.
	return `{"format_version":"1.2",` + strings.TrimPrefix(strings.Replace(string(text), `"format_version":"1.2",`, "", 1), "{")
}

func withDefaults(values, defaults map[string]any) map[string]any {
	for name, v := range defaults {
		if _, ok := values[name]; !ok {
			values[name] = v
		}
	}
	return values
}

// bodyOf splits a body into what is known, what is not, and what is written.
func bodyOf(t *testing.T, body *hclsyntax.Body) (after, unknown, written map[string]any) {
	after, unknown, written = map[string]any{}, map[string]any{}, map[string]any{}
	for name, a := range body.Attributes {
		v, diags := a.Expr.Value(nil)
		if !diags.HasErrors() {
			text, err := ctyjson.Marshal(v, v.Type())
			if err != nil {
				t.Fatal(err)
			}
			after[name] = json.RawMessage(text)
			written[name] = map[string]any{"constant_value": json.RawMessage(text)}
			continue
		}
		unknown[name] = true
		var refs []string
		for _, traversal := range a.Expr.Variables() {
			var names []string
			for _, step := range traversal {
				switch step := step.(type) {
				case hcl.TraverseRoot:
					names = append(names, step.Name)
				case hcl.TraverseAttr:
					names = append(names, step.Name)
				}
			}
			refs = append(refs, strings.Join(names, "."))
		}
		written[name] = map[string]any{"references": refs}
	}
	for _, b := range body.Blocks {
		a, u, w := bodyOf(t, b.Body)
		for list, v := range map[*map[string]any]map[string]any{&after: a, &unknown: u, &written: w} {
			blocks, _ := (*list)[b.Type].([]any)
			(*list)[b.Type] = append(blocks, v)
		}
	}
	return after, unknown, written
}

// TestComparedPage: docs/compared.md has every comparison, and explains each
// difference and nothing else.
func TestComparedPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "compared.md"))
	if err != nil {
		t.Fatal(err)
	}
	section, explained := "", map[string]bool{}
	got := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if after, ok := strings.CutPrefix(line, "## "); ok {
			section = after
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| `iac-") || len(cells) < 3 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "`", ""))
		}
		row := strings.Join(cells[:min(5, len(cells))], " | ")
		got[section] = append(got[section], row)
		explained[row] = len(cells) == 6 && strings.Contains(cells[5], "https://") && len(cells[5]) > 60
	}
	want := map[string][]string{}
	for _, c := range comparisons {
		resource := c.resource
		if c.of != "" {
			resource = c.of
		}
		row := []string{c.file, resource}
		switch {
		case c.check == "":
			row = append(row, c.ours)
			want["Without an expectation of the network"] = append(want["Without an expectation of the network"], strings.Join(row, " | "))
			continue
		case c.differs():
			want["Differences"] = append(want["Differences"], strings.Join(append(row, c.check, c.theirs, c.ours), " | "))
			if r := strings.Join(append(row, c.check, c.theirs, c.ours), " | "); !explained[r] {
				t.Errorf("not explained, with the address of the fact: %s", r)
			}
		default:
			want["The same"] = append(want["The same"], strings.Join(append(row, c.check, c.theirs, c.ours), " | "))
		}
	}
	for _, m := range []map[string][]string{got, want} {
		for section := range m {
			slices.Sort(m[section])
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-comparison +page\n%s", diff)
	}
}
