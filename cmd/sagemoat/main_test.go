package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

const record = `{"eventVersion":"1.11","eventTime":"2026-11-02T09:14:07Z","eventSource":"sagemaker.amazonaws.com","eventName":"CreateTrainingJob","awsRegion":"eu-west-1","requestParameters":{"trainingJobName":"NAME","roleArn":"r"VPC},"responseElements":{"trainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/NAME"},"eventID":"NAME","recipientAccountId":"111122223333"ERROR}`

func line(name, vpc, errorCode string) string {
	if vpc != "" {
		vpc = `,"vpcConfig":{"subnets":["` + vpc + `"],"securityGroupIds":["sg-0a1b2c3d"]}`
	}
	if errorCode != "" {
		errorCode = `,"errorCode":"` + errorCode + `"`
	}
	return strings.NewReplacer("NAME", name, "VPC", vpc, "ERROR", errorCode).Replace(record) + "\n"
}

var (
	good    = line("good", "subnet-0a1b2c3d", "")
	bad     = line("bad", "", "")
	refused = line("denied", "", "AccessDenied")
)

type result struct {
	status         int
	stdout, stderr string
}

// command runs the program in a folder with the given files.
func command(t *testing.T, files map[string]string, stdin string, args ...string) result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	status := run(context.Background(), process{
		args: args, stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		terminal: func(io.Writer) (int, bool) { return 0, false },
		getenv:   func(string) string { return "" },
		now:      time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	})
	return result{status, stdout.String(), stderr.String()}
}

// want checks the status and what the streams contain; a text that begins with
// "!" must not be there.
func (r result) want(t *testing.T, status int, stdout, stderr []string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d", r.status, status)
	}
	for _, s := range []struct {
		name, got string
		want      []string
	}{{"stdout", r.stdout, stdout}, {"stderr", r.stderr, stderr}} {
		for _, line := range s.want {
			w, not := strings.CutPrefix(line, "!")
			if strings.Contains(s.got, w) == not {
				t.Errorf("%s: %q is there: %v\n%s", s.name, w, !not, s.got)
			}
		}
		if s.want == nil && s.got != "" {
			t.Errorf("%s must be empty:\n%s", s.name, s.got)
		}
	}
}

func TestStatus(t *testing.T) {
	files := map[string]string{
		"good.json": good, "bad.json": bad, "refused.json": refused, "broken.json": bad + `{"eventVersion":`,
		"other.json": `{"hello":"world"}`, "dir/good.json": good, "dir/README": "not read", "dir/.git/bad.json": bad,
		"twice.jsonl": bad + bad,
		"macro.yaml":  "Transform: Mine\nResources:\n  B: {Type: AWS::S3::Bucket}\n",
		"u.yaml":      "Resources:\n  N:\n    Type: AWS::SageMaker::Novelty\n",
		"t.yaml":      "Resources:\n  N:\n    Type: AWS::SageMaker::NotebookInstance\n    Properties: {RoleArn: r, InstanceType: ml.t3.medium, SubnetId: subnet-0a1b2c3d4e5f60718, SecurityGroupIds: [sg-0a1b2c3d4e5f60718], DirectInternetAccess: Enabled}\n",
	}
	for name, c := range map[string]struct {
		args           []string
		stdin          string
		status         int
		stdout, stderr []string
	}{
		"nothing failed":        {[]string{"audit", "good.json"}, "", 0, []string{"1 passed"}, []string{"1 file read, 1 verdict"}},
		"something failed":      {[]string{"audit", "good.json", "bad.json"}, "", 1, []string{"bad", "HIGH", "b-internet"}, []string{"2 files read, 2 verdicts"}},
		"standard input":        {[]string{"audit", "-"}, bad, 1, []string{"bad"}, []string{"1 verdict"}},
		"a folder":              {[]string{"audit", "dir"}, "", 0, []string{"1 passed"}, []string{"1 file read, 1 file skipped by name, 1 folder .git not looked into, 1 verdict"}},
		"half a file":           {[]string{"audit", "broken.json"}, "", 2, []string{"bad", "HIGH"}, []string{"broken.json: byte", "ends in the middle", "1 verdict, 1 error"}},
		"another document":      {[]string{"audit", "other.json", "bad.json"}, "", 2, []string{"bad"}, []string{"other.json", "an object with the members hello"}},
		"no such file":          {[]string{"audit", "none.json", "good.json"}, "", 2, []string{"1 passed"}, []string{"none.json", "no such file"}},
		"refused by AWS":        {[]string{"audit", "refused.json"}, "", 0, []string{"nothing was found that creates or changes"}, []string{"1 call refused by AWS (1 by AccessDenied; --prevented lists them)"}},
		"list of refused":       {[]string{"audit", "--prevented", "refused.json", "bad.json"}, "", 0, []string{"denied", "AccessDenied", "!HIGH"}, []string{"1 call refused"}},
		"refused as JSON":       {[]string{"audit", "--prevented", "--output", "json", "refused.json"}, "", 0, []string{`"errorCode":"AccessDenied"`}, []string{}},
		"the same twice":        {[]string{"audit", "--output", "json", "twice.jsonl"}, "", 1, []string{`"name":"bad"`}, []string{"1 verdict", "1 record seen more than once"}},
		"nothing to audit":      {[]string{"audit"}, "", 2, nil, []string{"nothing to audit", "--help"}},
		"no command":            {nil, "", 0, []string{"Usage:", "audit", "rules"}, nil},
		"unknown command":       {[]string{"adit"}, "", 2, nil, []string{`unknown command "adit"`, "audit"}},
		"unknown flag":          {[]string{"audit", "--colour", "good.json"}, "", 2, nil, []string{"unknown flag: --colour"}},
		"unknown format":        {[]string{"audit", "--output", "xml", "good.json"}, "", 2, nil, []string{"--output xml: want one of table, json, asff, sarif, markdown"}},
		"no SARIF of refused":   {[]string{"audit", "--prevented", "--output", "sarif", "good.json"}, "", 2, nil, []string{"--prevented has no sarif form"}},
		"an account's name":     {[]string{"audit", "--account", "1111-2222-3333", "good.json"}, "", 2, nil, []string{"--account 1111-2222-3333: want 12 digits"}},
		"a time of no length":   {[]string{"audit", "--since", "2026-11-02", "--until", "2026-11-02", "good.json"}, "", 2, nil, []string{"--since 2026-11-02 is not before --until 2026-11-02"}},
		"of no known type":      {[]string{"audit", "u.yaml"}, "", 0, []string{}, []string{"not judged: 1 resource of type AWS::SageMaker::Novelty"}},
		"a macro":               {[]string{"audit", "macro.yaml"}, "", 0, []string{}, []string{"note: ", "Mine"}},
		"what a macro may add":  {[]string{"audit", "--fail-on", "unknown", "macro.yaml"}, "", 1, []string{}, []string{"note: "}},
		"nothing is told of it": {[]string{"audit", "--fail-on", "unknown", "u.yaml"}, "", 1, []string{}, []string{"not judged"}},
		"all that is mistaken":  {[]string{"audit", "--class", "d", "--kind", "lambda", "--severity", "bad", "--since", "then", "--until", "-3h", "good.json"}, "", 2, nil, []string{"--class d", "--kind lambda", "--severity bad", "--since then", "--until -3h"}},
		"by class":              {[]string{"audit", "--class", "b-vpc,a", "good.json", "bad.json"}, "", 1, []string{"1 passed", "!bad"}, []string{"2 verdicts, 1 of them left out by --class or --severity (1 failed)"}},
		"by severity":           {[]string{"audit", "--severity", "critical", "good.json", "bad.json"}, "", 1, []string{"nothing was found that is asked for"}, []string{"2 of them left out"}},
		"by severity, enough":   {[]string{"audit", "--severity", "critical", "--fail-on", "critical", "good.json", "bad.json"}, "", 0, []string{"nothing was found that is asked for"}, []string{"2 of them left out"}},
		"by another kind":       {[]string{"audit", "--kind", "domain", "bad.json"}, "", 0, []string{"nothing was found that creates or changes"}, []string{"0 verdicts"}},
		"of no account":         {[]string{"audit", "--account", "111122223333", "t.yaml"}, "", 1, []string{"FAILED", "CRITICAL"}, []string{"1 verdict"}},
		"by kind":               {[]string{"audit", "--kind", "model", "bad.json"}, "", 0, []string{"nothing was found"}, []string{}},
		"by account":            {[]string{"audit", "--account", "444455556666", "bad.json"}, "", 0, []string{"nothing was found"}, []string{}},
		"since":                 {[]string{"audit", "--since", "2026-11-03", "bad.json"}, "", 0, []string{"nothing was found"}, []string{}},
		"since, days":           {[]string{"audit", "--since", "21d", "bad.json"}, "", 1, []string{"bad"}, []string{}},
		"since, hours":          {[]string{"audit", "--since", "36h", "bad.json"}, "", 0, []string{"nothing was found"}, []string{}},
		"until":                 {[]string{"audit", "--until", "2026-11-02T09:14:07Z", "bad.json"}, "", 0, []string{"nothing was found"}, []string{}},
		"until, after":          {[]string{"audit", "--until", "2026-11-02T09:14:08Z", "bad.json"}, "", 1, []string{"bad"}, []string{}},
		"version":               {[]string{"--version"}, "", 0, []string{"sagemoat version"}, nil},
		"help":                  {[]string{"audit", "--help"}, "", 0, []string{"Exit status", "--rules FILE"}, nil},
		"completion":            {[]string{"completion", "bash"}, "", 0, []string{"bash completion"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			command(t, files, c.stdin, c.args...).want(t, c.status, c.stdout, c.stderr)
		})
	}
}

func TestFormats(t *testing.T) {
	files := map[string]string{"in.jsonl": good + bad}
	for format, want := range map[string]string{
		"table":    "SEVERITY",
		"json":     `"class":"b-internet"`,
		"asff":     `"SchemaVersion"`,
		"sarif":    `"ruleId": "no-own-internet"`,
		"markdown": "| ",
	} {
		t.Run(format, func(t *testing.T) {
			r := command(t, files, "", "audit", "--output", format, "in.jsonl")
			r.want(t, 1, []string{want}, []string{"2 verdicts"})
			w := command(t, files, "", "audit", "--output", format, "--out", "report", "in.jsonl")
			w.want(t, 1, nil, []string{"2 verdicts"})
			b, err := os.ReadFile("report")
			if err != nil || string(b) != r.stdout {
				t.Errorf("--out wrote something else: %v\n%s", err, b)
			}
		})
	}
	command(t, files, "", "audit", "--out", "no/such/folder/report", "in.jsonl").want(t, 2, nil, []string{"--out: open no/such/folder/report"})
	command(t, nil, `{"TrainingJobName":"n","RoleArn":"r","OutputDataConfig":{}}`, "audit", "--output", "asff", "-").
		want(t, 1, []string{"[]"}, []string{"no finding for Security Hub", "account"})
}

// TestJSONLines: one object a line, by time, then resource.
func TestJSONLines(t *testing.T) {
	r := command(t, map[string]string{"in.jsonl": bad + good}, "", "audit", "--output", "json", "in.jsonl")
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	var names []string
	for _, l := range lines {
		var v struct{ Name, Time string }
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		names = append(names, v.Name+" "+v.Time)
	}
	if got, want := strings.Join(names, ", "), "bad 2026-11-02T09:14:07Z, good 2026-11-02T09:14:07Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

const rulesFile = `version: 1
rules: {isolation-required: on}
allow:
  - accounts: ["111122223333"]
    subnets: [subnet-0a1b2c3d]
    security-groups: [sg-0a1b2c3d]
exceptions:
  - id: EX-1
    owner: ml@example.com
    reason: moves to the VPC in spring
    expires: 2026-12-31
    rules: [isolation-required]
    match: {resources: ["arn:aws:sagemaker:eu-west-1:111122223333:training-job/good"]}
  - id: EX-2
    owner: ml@example.com
    reason: was a trial
    expires: 2026-11-01
    rules: [no-own-internet]
    match: {accounts: ["111122223333"]}
`

func TestRules(t *testing.T) {
	files := map[string]string{"rules.yaml": rulesFile, "good.json": good, "bad.json": bad, "wrong.yaml": "version: 1\nrulez: {}\nrules: {no-brige: on}\n", "one.yaml": "version: 2\n"}
	command(t, files, "", "rules", "check", "rules.yaml").want(t, 0, []string{"rules.yaml: valid", "2 exceptions (1 expired)", "on   isolation-required", "off  central-egress", "EX-2 expired on 2026-11-02"}, nil)
	command(t, files, rulesFile, "rules", "check", "-").want(t, 0, []string{"valid"}, nil)
	command(t, files, "", "rules", "check", "wrong.yaml").want(t, 2, nil, []string{"2 mistakes", "wrong.yaml:2:1", "rulez", "wrong.yaml:3:9", "no-brige", "no-bridge"})
	command(t, files, "", "rules", "check", "one.yaml").want(t, 2, nil, []string{"one.yaml:1:10", "!mistakes"})
	command(t, files, "", "rules", "check", "none.yaml").want(t, 2, nil, []string{"none.yaml", "no such file"})
	command(t, files, "", "rules", "check").want(t, 2, nil, []string{"accepts 1 arg"})
	start := command(t, nil, "", "rules", "init")
	start.want(t, 0, []string{"version: 1"}, nil)
	command(t, map[string]string{"rules.yaml": start.stdout}, "", "rules", "check", "rules.yaml").want(t, 0, []string{"valid. 5 of 13 rules are on"}, nil)

	r := command(t, files, "", "audit", "--rules", "rules.yaml", "--output", "json", "good.json")
	r.want(t, 0, []string{`"exception":{"id":"EX-1"`, `"result":"EXCEPTED"`, `"compliance":"PASSED"`}, []string{"warning: rules.yaml:", "exception EX-2 expired"})
	command(t, files, "", "audit", "--rules", "rules.yaml", "bad.json").want(t, 1, []string{"no-own-internet", "subnet-0a1b2c3d"}, []string{"EX-2 expired"})
	command(t, files, "", "audit", "--rules", "wrong.yaml", "good.json").want(t, 2, nil, []string{"wrong.yaml:2:1"})
	command(t, files, "", "audit", "--rules", "-", "-").want(t, 2, nil, []string{"not both"})
}

// TestLine: SARIF names the line at which a record begins.
func TestLine(t *testing.T) {
	r := command(t, map[string]string{"in.jsonl": good + bad}, "", "audit", "--output", "sarif", "in.jsonl")
	if !strings.Contains(r.stdout, `"startLine": 2`) {
		t.Errorf("no result is on line 2:\n%s", r.stdout)
	}
	if new(lines).of("none", 3, "a") != 0 {
		t.Error("a file that is not there has lines")
	}
}

// TestTerminal: colours and progress are for terminals.
func TestTerminal(t *testing.T) {
	for name, c := range map[string]struct {
		terminal bool
		env      map[string]string
		color    bool
	}{
		"a pipe":              {false, nil, false},
		"a terminal":          {true, nil, true},
		"NO_COLOR":            {true, map[string]string{"NO_COLOR": "1"}, false},
		"NO_COLOR, but empty": {true, map[string]string{"NO_COLOR": ""}, true},
	} {
		var stdout, stderr bytes.Buffer
		run(context.Background(), process{
			args: []string{"audit", "-"}, stdin: strings.NewReader(bad), stdout: &stdout, stderr: &stderr,
			terminal: func(io.Writer) (int, bool) { return 100, c.terminal },
			getenv:   func(k string) string { return c.env[k] }, now: time.Now(),
		})
		if got := strings.Contains(stdout.String(), "\x1b["); got != c.color {
			t.Errorf("%s: coloured %v\n%s", name, got, stdout.String())
		}
		for l := range strings.Lines(stdout.String()) {
			if c.terminal && !c.color && len([]rune(strings.TrimRight(l, "\n"))) > 100 {
				t.Errorf("%s: a line is wider than the terminal: %q", name, l)
			}
		}
	}
	if _, ok := terminal(&bytes.Buffer{}); ok {
		t.Error("a buffer is a terminal")
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := terminal(f); ok {
		t.Error("a device that is none is a terminal")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	status := run(ctx, process{
		args: []string{"audit", "-"}, stdin: strings.NewReader(bad), stdout: &stdout, stderr: &stderr,
		terminal: func(io.Writer) (int, bool) { return 0, false }, getenv: func(string) string { return "" }, now: time.Now(),
	})
	if status != exitError || stdout.Len() != 0 || !strings.Contains(stderr.String(), "canceled") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout.String(), stderr.String())
	}
}

// TestDemo: the shipped records have every kind, and are judged without an error.
func TestDemo(t *testing.T) {
	var stdout, stderr bytes.Buffer
	status := run(context.Background(), process{
		args:  []string{"audit", "--output", "json", "--rules", "../../demo/rules.yaml", "../../demo/cloudtrail.json"},
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		terminal: func(io.Writer) (int, bool) { return 0, false }, getenv: func(string) string { return "" },
		now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	})
	if status != exitFailed {
		t.Errorf("status %d\n%s", status, stderr.String())
	}
	for _, k := range kind.Kinds() {
		if !strings.Contains(stdout.String(), `{"kind":"`+k+`"`) {
			t.Errorf("the demo has no %s", k)
		}
	}
}

// TestByteOrderMark: files that PowerShell wrote are read.
func TestByteOrderMark(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	files := map[string]string{"line.json": mark + bad, "log.json": mark + `{"Records":[` + bad + `]}`}
	for name := range files {
		command(t, files, "", "audit", name).want(t, 1, []string{"bad"}, []string{"1 verdict"})
	}
}
