package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/doctor"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// alone takes away whatever AWS configuration the machine has.
func alone(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	t.Setenv("AWS_CONFIG_FILE", dir+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", dir+"/credentials")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func TestDoctorUsage(t *testing.T) {
	alone(t, nil)
	const role = "arn:aws:iam::111122223333:role/r"
	for name, c := range map[string]struct {
		args   []string
		stderr string
	}{
		"an argument":     {[]string{"sagemoat"}, `unknown command "sagemoat"`},
		"format":          {[]string{"--output", "xml"}, "--output xml: want text or json"},
		"role":            {[]string{"--role", role}, "--role is for --live"},
		"yes":             {[]string{"--yes"}, "--yes is for --live"},
		"timeout":         {[]string{"--timeout", "1m"}, "--timeout is for --live"},
		"live, preflight": {[]string{"--live", "--preflight", "--role", role}, "--live needs what --preflight says is not there"},
		"no Region":       {nil, "no Region: name one by --region"},
		"no such Region":  {[]string{"--region", "Ireland"}, `"Ireland" is no Region`},
		"no profile":      {[]string{"--profile", "none"}, "the AWS configuration"},
		"no credentials":  {[]string{"--region", "eu-west-1"}, "no credentials that AWS takes"},
	} {
		r := command(t, nil, "", append([]string{"doctor"}, c.args...)...)
		if r.status != exitError || !strings.Contains(r.stderr, c.stderr) || r.stdout != "" {
			t.Errorf("%s: status %d, stdout %q, stderr %q, want %q", name, r.status, r.stdout, r.stderr, c.stderr)
		}
	}
	command(t, nil, "", "doctor", "--help").want(t, 0, []string{"Exit status", "--preflight", "--live"}, nil)
}

// TestDoctor: the command against moto, where nothing is deployed, and then a stack
// whose functions do not run.
func TestDoctor(t *testing.T) {
	cfg := moto.Config(t)
	alone(t, map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": moto.Region, "AWS_ENDPOINT_URL": *cfg.BaseEndpoint, "AWS_MAX_ATTEMPTS": "1"})

	r := command(t, nil, "", "doctor")
	r.want(t, exitFailed, []string{"FAILED   stack", "none named sagemoat in eu-west-1", "FAILED   trail", "fix   aws cloudtrail create-trail", "there is no stack", "!\x1b["}, nil)
	r = command(t, nil, "", "doctor", "--preflight", "--output", "json")
	r.want(t, exitFailed, []string{`"check":"hub","status":"failed"`, `"check":"stack","status":"ok"`}, []string{"111122223333 eu-west-1: 2 failed"})
	for line := range strings.Lines(r.stdout) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil || v["account"] != moto.Account {
			t.Errorf("%v: %s", err, line)
		}
	}
	live := []string{"doctor", "--live", "--role", "arn:aws:iam::111122223333:role/r", "--timeout", "1s"}
	command(t, nil, "", live...).want(t, exitError, nil, []string{"there is no stack sagemoat in eu-west-1: deploy first"})

	template := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"},"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"ledger","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}}},
		"Outputs":{"` + doctor.OutTable + `":{"Value":"ledger"},"` + doctor.OutAudit + `":{"Value":"sagemoat-audit"}}}`
	if _, err := cloudformation.NewFromConfig(cfg).CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String(doctor.DefaultStack), TemplateBody: &template}); err != nil {
		t.Fatal(err)
	}
	pipelines := func() string {
		out, err := awsjson.New(cfg).Call(t.Context(), awsjson.SageMaker(), "ListPipelines", struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Body)
	}
	for stdin, want := range map[string]string{"": "nobody answered: nothing was done", "yes\n": "that is not 111122223333: nothing was done", "444455556666\n": "nothing was done"} {
		command(t, nil, stdin, live...).want(t, exitError, nil, []string{"It creates   the SageMaker pipeline sagemoat-selftest-", "less than 0.01 USD", "Type the account's id", want})
	}
	if p := pipelines(); strings.Contains(p, "selftest") {
		t.Errorf("nobody confirmed, and there is %s", p)
	}
	// Nothing judges it: the stage ends, and the pipeline is deleted.
	for _, args := range [][]string{live, append(live, "--yes")} {
		stdin := "111122223333\n"
		if len(args) > len(live) {
			stdin = ""
		}
		command(t, nil, stdin, args...).want(t, exitFailed, []string{"ok       live-create", "FAILED   live-ledger", "after 1s: audit has not heard of it", "-        live-finding", "ok       live-cleanup", "1 failed"}, []string{"It costs"})
	}
	command(t, nil, "", append(live, "--yes", "--output", "json")...).want(t, exitFailed, []string{`"check":"live-cleanup","status":"ok"`, `"seconds":`}, []string{"It costs", "1 failed"})
	if p := pipelines(); strings.Contains(p, "selftest") {
		t.Errorf("after the self-test there is %s", p)
	}

	// Whoever is asked may leave.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	stderr := &until{text: "Type the account's id", then: cancel}
	reader, _ := io.Pipe() // nobody types
	status := run(ctx, process{
		args: live, stdin: reader, stdout: &stdout, stderr: stderr,
		terminal: func(io.Writer) (int, bool) { return 100, true }, getenv: func(string) string { return "" }, now: time.Now(),
	})
	if status != exitError || stdout.Len() != 0 || !strings.Contains(stderr.String(), "canceled") {
		t.Errorf("status %d, stdout %q\n%s", status, stdout.String(), stderr.String())
	}
}

// until does something when a text was written.
type until struct {
	bytes.Buffer
	text string
	then func()
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if strings.Contains(u.String(), u.text) {
		u.then()
	}
	return n, err
}
