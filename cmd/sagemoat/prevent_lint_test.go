package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// policyFiles are some of the policies that pkg/prevent/lint is tested with, and
// one that nothing is found in.
func policyFiles(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"README.md": "no policy", "package.json": `{"name":"x"}`, "broken.json": "{\n"}
	for _, name := range []string{"article.json", "data-perimeter.json", "authorization-details.json"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "pkg", "prevent", "lint", "testdata", "policies", name))
		if err != nil {
			t.Fatal(err)
		}
		out[name], out["scps/"+name] = string(b), string(b)
	}
	out["scps/package.json"] = out["package.json"]
	statement := func(sid, actions, condition string) string {
		return `{"Sid":"` + sid + `","Effect":"Deny","Action":[` + actions + `],"Resource":"*","Condition":{` + condition + `}}`
	}
	var create []string
	for name := range strings.FieldsSeq(`AutoMLJob AutoMLJobV2 Cluster DataQualityJobDefinition Domain HyperParameterTuningJob Job Model
		ModelBiasJobDefinition ModelExplainabilityJobDefinition ModelQualityJobDefinition NotebookInstance ProcessingJob TrainingJob`) {
		create = append(create, `"sagemaker:Create`+name+`"`)
	}
	out["clean.json"] = `{"Version":"2012-10-17","Statement":[` + strings.Join([]string{
		statement("Vpc", strings.Join(create, ","), `"Null":{"sagemaker:VpcSubnets":"true"}`),
		statement("Notebook", `"sagemaker:CreateNotebookInstance"`, `"StringNotEquals":{"sagemaker:DirectInternetAccess":"Disabled"}`),
		statement("Domain", `"sagemaker:CreateDomain"`, `"StringNotEquals":{"sagemaker:AppNetworkAccessType":"VpcOnly"}`),
		statement("DomainUpdate", `"sagemaker:UpdateDomain"`, `"StringNotEquals":{"sagemaker:AppNetworkAccessType":"VpcOnly"},"Null":{"sagemaker:AppNetworkAccessType":"false"}`),
	}, ",") + `]}`
	return out
}

func TestPreventLint(t *testing.T) {
	files := policyFiles(t)
	files["rules.yaml"] = "version: 1\nrules: {isolation-required: on}\n"
	files["wrong.yaml"] = "version: 2\n"
	files["empty/package.json"] = files["package.json"]
	for name, c := range map[string]struct {
		args           []string
		stdin          string
		status         int
		stdout, stderr []string
	}{
		"nothing found":       {[]string{"clean.json"}, "", 0, []string{"nothing found", "CreateTrainingJob", "yes"}, []string{"1 file read"}},
		"with notes":          {[]string{"--all", "clean.json"}, "", 0, []string{"INFORMATIONAL", "not-covered", "isolation"}, []string{"1 file read"}},
		"by rules":            {[]string{"--rules", "rules.yaml", "clean.json"}, "", 1, []string{"MEDIUM", "without network isolation, and the rules forbid it"}, []string{"1 file read"}},
		"something found":     {[]string{"article.json"}, "", 1, []string{"bool-on-list", "article.json:11 ModelsNeedAVpc", "4 high, 1 medium"}, []string{}},
		"from a pipe":         {[]string{"-"}, files["article.json"], 1, []string{"standard input:11"}, []string{"1 file read"}},
		"a folder":            {[]string{"scps"}, "", 1, []string{"7 policies", "WHO CAN DO", "!package.json"}, []string{"4 files read, 1 of them without a policy"}},
		"not all is read":     {[]string{"clean.json", "broken.json"}, "", 2, []string{"nothing found"}, []string{"error: broken.json: line 2", "1 error"}},
		"no policy":           {[]string{"package.json"}, "", 2, nil, []string{"package.json: no policy: want a policy document"}},
		"a folder without":    {[]string{"empty"}, "", 2, nil, []string{"no policy in empty"}},
		"no file":             {[]string{"none.json"}, "", 2, nil, []string{"none.json: no such file"}},
		"nothing named":       {nil, "", 2, nil, []string{"nothing to lint", "--account"}},
		"unknown format":      {[]string{"--output", "asff", "clean.json"}, "", 2, nil, []string{"--output asff: want one of table, json, sarif, markdown"}},
		"wrong rules":         {[]string{"--rules", "wrong.yaml", "clean.json"}, "", 2, nil, []string{"wrong.yaml:1:10"}},
		"twice the same pipe": {[]string{"--rules", "-", "-"}, "", 2, nil, []string{"not both"}},
		"help":                {[]string{"--help"}, "", 0, []string{"Exit status", "iam:GetAccountAuthorizationDetails"}, nil},
		"json":                {[]string{"--output", "json", "article.json"}, "", 1, []string{`{"findings":[{"id":`, `"line":11`}, []string{"1 file read"}},
		"markdown":            {[]string{"--output", "markdown", "article.json"}, "", 1, []string{"### sagemoat: 1 policy"}, []string{"1 file read"}},
		"sarif":               {[]string{"--output", "sarif", "article.json"}, "", 1, []string{`"ruleId": "bool-on-list"`, `"startLine": 11`}, []string{"1 file read"}},
		"nowhere to write":    {[]string{"--out", "no/such/folder/x", "clean.json"}, "", 2, nil, []string{"--out: open no/such/folder/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			command(t, files, c.stdin, append([]string{"prevent", "lint"}, c.args...)...).want(t, c.status, c.stdout, c.stderr)
		})
	}
	r := command(t, files, "", "prevent", "lint", "--output", "json", "--out", "report", "article.json")
	b, err := os.ReadFile("report")
	if err != nil || r.stdout != "" || !strings.Contains(string(b), `"findings"`) {
		t.Errorf("--out wrote %q, and %q to standard output, %v", b, r.stdout, err)
	}
}

// TestPreventLintAccount: who cannot be read is told, and what to do; an answer of
// nobody is no account without policies.
func TestPreventLintAccount(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	command(t, nil, "", "prevent", "lint", "--account").want(t, 2, nil, []string{"--account: who calls is not known, so no account can be read"})
}
