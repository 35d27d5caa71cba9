package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const preventRules = `version: 1
allow:
  - {accounts: ["111122223333"], subnets: [subnet-0a1b2c3d4e5f60718], security-groups: [sg-0a1b2c3d4e5f60718]}
  - {accounts: ["444455556666"], subnets: [subnet-0a1b2c3d4e5f60719], security-groups: [sg-0a1b2c3d4e5f60719]}
overrides:
  - {match: {kinds: [cluster], names: [prod]}, rules: {encrypted-between-containers: on, interactive-access: on}}
  - {match: {kinds: [model], tags: {env: prod, team: a}}, rules: {isolation-required: on}}
exceptions:
  - {id: EX-1, owner: o, reason: r, expires: 2027-03-31, rules: [no-own-internet, vpc-required], match: {roles: ["arn:aws:iam::111122223333:role/release"]}}
  - {id: EX-2, owner: o, reason: r, expires: 2026-01-31, rules: [no-own-internet], match: {roles: ["arn:aws:iam::111122223333:role/old"]}}
`

func TestPreventWrites(t *testing.T) {
	files := map[string]string{"rules.yaml": preventRules, "bad.yaml": "version: 2"}
	var large strings.Builder
	large.WriteString("version: 1\nallow:\n- accounts: ['111122223333']\n  subnets:\n")
	for i := range 300 {
		large.WriteString("  - subnet-" + strings.Repeat("0", 14) + string(rune('a'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + "\n")
	}
	files["large.yaml"] = large.String()
	for name, c := range map[string]struct {
		args           []string
		status         int
		stdout, stderr []string
	}{
		"the defaults":        {[]string{"prevent", "scp"}, 0, []string{`{"Version":"2012-10-17","Statement":[`, `"Sid":"VpcRequiredNoOwnInternet"`, "!SubnetAllowed"}, []string{"1 policy of 1", "(AWS takes 5120); with FullAWSAccess 2 of the 5"}},
		"rules":               {[]string{"prevent", "scp", "--rules", "rules.yaml"}, 0, []string{"subnet-0a1b2c3d4e5f60719", "role/release", "!role/old"}, []string{"exception EX-2 expired", "exception EX-1 is left out of what is denied: write the policies again when it expires, on 2027-04-01", "not expressed: CreateModel, isolation-required, overrides[1]: a statement can hold only one tag"}},
		"one account":         {[]string{"prevent", "iam", "--rules", "rules.yaml", "--account", "111122223333"}, 0, []string{"subnet-0a1b2c3d4e5f60718", "!subnet-0a1b2c3d4e5f60719", "!aws:PrincipalAccount"}, []string{"1 policy", "!FullAWSAccess"}},
		"a boundary":          {[]string{"prevent", "boundary", "--rules", "rules.yaml"}, 0, []string{"AllowTheRest"}, []string{"1 policy"}},
		"CloudFormation":      {[]string{"prevent", "scp", "--form", "cloudformation"}, 0, []string{"AWS::Organizations::Policy"}, []string{"1 policy"}},
		"Terraform":           {[]string{"prevent", "iam", "--form", "terraform"}, 0, []string{"aws_iam_policy"}, []string{"1 policy"}},
		"CDK":                 {[]string{"prevent", "boundary", "--form", "cdk"}, 0, []string{"export class SagemoatBoundary extends Construct"}, []string{"1 policy"}},
		"no such form":        {[]string{"prevent", "scp", "--form", "yaml"}, 2, nil, []string{"--form yaml: want one of json, cloudformation, terraform, cdk"}},
		"no such account":     {[]string{"prevent", "scp", "--account", "1"}, 2, nil, []string{"--account 1: want an account id, 12 digits"}},
		"a bad rules file":    {[]string{"prevent", "scp", "--rules", "bad.yaml"}, 2, nil, []string{"bad.yaml:1:10"}},
		"an argument":         {[]string{"prevent", "scp", "rules.yaml"}, 2, nil, []string{"unknown command"}},
		"too large":           {[]string{"prevent", "scp", "--rules", "large.yaml"}, 2, nil, []string{"statement SubnetAllowed", "more than the 5120", "--account"}},
		"too large at once":   {[]string{"prevent", "boundary", "--rules", "large.yaml"}, 2, nil, []string{"the boundary, which has to be one policy"}},
		"gap":                 {[]string{"prevent", "gap"}, 0, []string{"OPERATION", "CreateTrainingJob", "[1]", "denied"}, nil},
		"gap in Markdown":     {[]string{"prevent", "gap", "--rules", "rules.yaml", "--output", "markdown"}, 0, []string{"| `CreateModel` |", "- **[1]**"}, []string{"EX-2 expired"}},
		"gap in another form": {[]string{"prevent", "gap", "--output", "html"}, 2, nil, []string{"--output html: want one of table, json, markdown"}},
		"gap, no such rules":  {[]string{"prevent", "gap", "--rules", "none.yaml"}, 2, nil, []string{"none.yaml"}},
	} {
		t.Run(name, func(t *testing.T) { command(t, files, "", c.args...).want(t, c.status, c.stdout, c.stderr) })
	}
}

func TestPreventOff(t *testing.T) {
	off := map[string]string{"off.yaml": "version: 1\nrules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off}\n"}
	command(t, off, "", "prevent", "scp", "--rules", "off.yaml").want(t, 0, nil, []string{"the rules ask for nothing that a policy can deny"})
}

func TestPreventFiles(t *testing.T) {
	command(t, map[string]string{"rules.yaml": preventRules}, "", "prevent", "scp", "--rules", "rules.yaml", "--out", "out/policies").want(t, 0, nil, []string{"1 policy"})
	text, err := os.ReadFile("out/policies/sagemoat-scp.json")
	if err != nil || !json.Valid(text) {
		t.Errorf("%s, %v", text, err)
	}
	// What an older rules file left is taken away, and nothing else.
	others := map[string]string{
		"rules.yaml": preventRules, "p/sagemoat-scp-1.json": "{}", "p/sagemoat-scp-12.json": "{}", "p/sagemoat-scp-111122223333.json": "{}", "p/sagemoat-iam.json": "{}",
		"p/sagemoat-scp.ts": "", "p/sagemoat-scp-a.json": "{}", "p/sagemoat-scp-3.json/x": "",
	}
	command(t, others, "", "prevent", "scp", "--rules", "rules.yaml", "--out", "p").want(t, 0, nil, []string{"removed p/sagemoat-scp-1.json: the rules file does not ask for it any more", "removed p/sagemoat-scp-12.json"})
	names, err := filepath.Glob("p/*")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"p/sagemoat-iam.json", "p/sagemoat-scp-111122223333.json", "p/sagemoat-scp-3.json", "p/sagemoat-scp-a.json", "p/sagemoat-scp.json", "p/sagemoat-scp.ts"}
	if !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
	off := map[string]string{"off.yaml": "version: 1\nrules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off}\n", "q/sagemoat-scp.tf.json": "{}"}
	command(t, off, "", "prevent", "scp", "--rules", "off.yaml", "--form", "terraform", "--out", "q").want(t, 0, nil, []string{"removed q/sagemoat-scp.tf.json"})
	r := command(t, map[string]string{"file": ""}, "", "prevent", "scp", "--out", "file")
	r.want(t, 2, nil, []string{"--out: mkdir file"})
}

func TestGapLines(t *testing.T) {
	r := command(t, nil, "", "prevent", "gap", "--output", "json")
	for line := range strings.Lines(r.stdout) {
		var e struct{ Operation, Status string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Operation == "" || e.Status == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// called is the record with a caller.
func called(record string) string {
	return strings.Replace(record, `"eventID"`, `"userIdentity":{"arn":"arn:aws:iam::111122223333:user/ana"},"eventID"`, 1)
}

func TestPreventTest(t *testing.T) {
	cache, err := filepath.Abs("../../.cache/user")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", cache)
	first := command(t, nil, "", "prevent", "test") // installs it, where nobody has
	first.want(t, 0, []string{"OPERATION", "CreateTrainingJob", "0 wrong"}, []string{""})
	nothing := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sagemaker:CreateModel","Resource":"*","Condition":{"Null":{"sagemaker:VpcSubnets":"true","aws:PrincipalTag/dp":"true"}}}]}`
	files := map[string]string{
		"ours.json": nothing, "no.json": `{"Version":"2012-10-17"}`, "broken.json": `{"Statement":`, "twice.json": `{"Statement":[],"Statement":[]}`, "condition.json": `{"Statement":[{"Condition":1}]}`,
		"log.json": `{"Records":[` + called(good) + "," + called(bad) + "," + called(refused) + `]}`, "half.json": called(good) + `{"eventVersion":`,
	}
	for name, c := range map[string]struct {
		args           []string
		stdin          string
		status         int
		stdout, stderr []string
	}{
		"standard input":         {[]string{"--archive", "log.json", "-"}, nothing, 1, []string{"1 let through"}, []string{"- asks for aws:PrincipalTag/dp, which no request here shows"}},
		"an archive":             {[]string{"--archive", "log.json"}, "", 0, []string{"2 calls: 1 violations denied, 0 let through, 0 other calls denied"}, []string{"1 file read, 2 calls"}},
		"an archive and ours":    {[]string{"--as", "iam", "--archive", "log.json", "ours.json"}, "", 1, []string{"Violations that the policies would have let through", "training-job/bad"}, []string{"1 file read"}},
		"an archive that is cut": {[]string{"--archive", "half.json,none.json"}, "", 2, []string{"1 calls"}, []string{"error: half.json: byte", "none.json: no such file"}},
		"no such form":           {[]string{"--as", "rcp"}, "", 2, nil, []string{"--as rcp: want one of scp, iam, boundary"}},
		"no policy":              {[]string{"no.json"}, "", 2, nil, []string{"no.json: found no Statement"}},
		"half a policy":          {[]string{"broken.json"}, "", 2, nil, []string{"broken.json"}},
		"two in one":             {[]string{"twice.json"}, "", 2, nil, []string{"twice.json", "Statement"}},
		"no condition":           {[]string{"condition.json"}, "", 2, nil, []string{"condition.json"}},
		"no such policy":         {[]string{"none.json"}, "", 2, nil, []string{"none.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			command(t, files, c.stdin, append([]string{"prevent", "test"}, c.args...)...).want(t, c.status, c.stdout, c.stderr)
		})
	}
	t.Run("without Node", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		command(t, files, "", "prevent", "test").want(t, 2, nil, []string{"install it (Debian: nodejs and npm)"})
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		command(t, files, "", "prevent", "test").want(t, 2, nil, []string{"installing iam-simulate with npm, once", "install it (Debian: nodejs and npm)"})
	})
}
