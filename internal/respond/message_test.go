package respond

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../../docs/alert.schema.json")
	ok(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	ok(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	ok(t, c.AddResource("alert.schema.json", doc))
	s, err := c.Compile("alert.schema.json")
	ok(t, err)
	return s
}

// check holds every message that was published against the schema and the limits
// of SNS, mail and chat.
func (b *bed) check() {
	b.Helper()
	s := schema(b)
	for _, n := range b.world.Published() {
		checkMessage(b, s, n)
	}
}

func checkMessage(t testing.TB, s *jsonschema.Schema, n sandbox.Notification) {
	t.Helper()
	var bodies map[string]string
	ok(t, json.Unmarshal([]byte(n.Message), &bodies))
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bodies["sqs"]))
	ok(t, err)
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, bodies["sqs"])
	}
	if len(n.Subject) >= 100 || strings.ContainsFunc(n.Subject, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("subject %q", n.Subject)
	}
	for _, name := range []string{"default", "email", "https", "sqs"} {
		if bodies[name] == "" {
			t.Errorf("nothing for %s", name)
		}
		if strings.ContainsFunc(bodies[name], func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("control characters for %s: %q", name, bodies[name])
		}
	}
	var c notification
	ok(t, json.Unmarshal([]byte(bodies["https"]), &c))
	if c.Version != "1.0" || c.Source != "custom" || c.Content.Description == "" || len(c.Content.Description) > mostChatText || len(c.Content.Title) > mostChatTitle {
		t.Errorf("chat %+v", c)
	}
	for _, a := range []string{"id", "type", "account", "region"} {
		if n.Attributes[a] == "" {
			t.Errorf("no attribute %s in %v", a, n.Attributes)
		}
	}
	if len(n.Attributes) > 10 {
		t.Errorf("%d attributes, more than SQS takes of a raw message", len(n.Attributes))
	}
}

// TestEmail is the mail that a person gets, whole.
func TestEmail(t *testing.T) {
	b := newBed(t, `
version: 1
allow:
  - accounts: ["111122223333"]
    subnets: [subnet-0aaa1111bbbb2222c]
    security-groups: [sg-0aaa1111bbbb2222c]
response:
  mode: stop
  stop: {severity: high, grace: 30m}
  routes:
    - match: {names: ["fraud-*"]}
      team: fraud-ml
`)
	resource := b.training("fraud-7", nil)
	b.clock.Advance(time.Second)
	e := b.look(resource)
	e.Origin = ledger.Origin{At: start, Event: "CreateTrainingJob", EventID: "9c5f", Actor: "arn:aws:sts::111122223333:assumed-role/ds/ana"}
	ok(t, b.store.PutEntry(t.Context(), e))
	b.deliver()
	n := b.world.Published()[0]
	if n.Subject != "[HIGH] Training job fraud-7 reaches the Internet on its own path (111122223333 eu-west-1)" {
		t.Errorf("subject %q", n.Subject)
	}
	got := n.Deliveries[0].Body
	id := n.Attributes["id"]
	want := `Training job fraud-7 reaches the Internet on its own path.
It will be stopped at 2026-11-02 09:44:08 UTC (StopTrainingJob).

What      training job fraud-7
ARN       arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7
Where     account 111122223333, eu-west-1
Who       arn:aws:sts::111122223333:assumed-role/ds/ana (CreateTrainingJob, 2026-11-02 09:14:07 UTC)
Severity  HIGH
Verdict   FAILED: class b-internet, data path service
Team      fraud-ml

Why
No-own-internet (high): reaches the Internet on its own path: no VPC is configured and network isolation is off.

How to fix it
The network of a running job cannot be changed: stop it and start a new one with a VPC configuration.

Settings to paste
{
  "VpcConfig": {
    "SecurityGroupIds": ["sg-0aaa1111bbbb2222c"],
    "Subnets": ["subnet-0aaa1111bbbb2222c"]
  }
}

How the finding closes
` + closes + `

Finding in Security Hub: https://eu-west-1.console.aws.amazon.com/securityhub/home?region=eu-west-1#/findings?search=Id%3D%255Coperator%255C%253AEQUALS%255C%253Aarn%253Aaws%253Asagemaker%253Aeu-west-1%253A111122223333%253Atraining-job%252Ffraud-7%252Fsagemoat%252Fnetwork%252F20261102T091407Z
API reference: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html

-- 
sagemoat in account 111122223333, eu-west-1. Message ` + id + `.
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for name, want := range map[string]string{
		"type": "alert", "severity": "HIGH", "account": account, "region": "eu-west-1", "team": "fraud-ml", "kind": "training-job",
		"class": "b-internet", "compliance": "FAILED",
	} {
		if n.Attributes[name] != want {
			t.Errorf("attribute %s is %q, want %q", name, n.Attributes[name], want)
		}
	}
	if got := n.Deliveries[3].Body; got != "[HIGH] Training job fraud-7 reaches the Internet on its own path in 111122223333 eu-west-1. It will be stopped at 2026-11-02 09:44:08 UTC (StopTrainingJob)." {
		t.Errorf("short: %q", got)
	}
	b.check()
}

// TestUntrusted: what somebody else chose cannot make a link, a mention or a
// format, nor break a line, nor grow without bound.
func TestUntrusted(t *testing.T) {
	b := newBed(t, notifyRules)
	evil := "<!channel> *bold* `code` [click](http://evil.example) <http://evil.example|here> @here \x1b[31m\u202e\r\nSubject: x" + strings.Repeat("é", 9000)
	e := ledger.Entry{
		Resource: "training-job/evil", Kind: kind.TrainingJob, Key: "evil", Name: evil, ARN: "arn:" + evil, Partition: "aws", Account: account, Region: "eu-west-1",
		Created: start, Origin: ledger.Origin{At: start, Event: evil, EventID: evil, Actor: evil},
		Life: ledger.Life{At: start, State: ledger.Live, Status: "InProgress"},
		Verdict: ledger.Verdict{
			At: start, Compliance: rules.Failed, Severity: rules.High, Class: "c", DataPath: "own", Exception: evil,
			Notice: ledger.Notice{Title: evil, Description: evil, Remedy: evil, Paste: "{\n  \"a\": \"" + evil[:200] + "\"\n}", Doc: "https://docs.aws.amazon.com/x", Owner: evil},
		},
	}
	ok(t, b.store.PutEntry(t.Context(), &e))
	changes := b.store.Drain()
	if failed, err := b.Changes(t.Context(), changes); err != nil || len(failed) > 0 {
		t.Fatal(failed, err, b.logs.String())
	}
	b.check()
	n := b.world.Published()[0]
	var bodies map[string]string
	ok(t, json.Unmarshal([]byte(n.Message), &bodies))
	var c notification
	ok(t, json.Unmarshal([]byte(bodies["https"]), &c))
	talk := c.Content.Title + "\n" + c.Content.Description + "\n" + strings.Join(c.Content.NextSteps, "\n") + c.Metadata.ThreadID + c.Metadata.Summary
	for _, bad := range []string{"<!", "<http", "*bold", "`", "](", "http://", "@here", "\u202e", "\x1b"} {
		if strings.Contains(talk, bad) {
			t.Errorf("the chat gets %q in %q", bad, talk)
		}
	}
	for _, bad := range []string{"http://evil", "\u202e", "\r", "\x1b", "\nSubject"} {
		if strings.Contains(bodies["email"], bad) || strings.Contains(n.Subject, bad) {
			t.Errorf("the mail has %q", bad)
		}
	}
	if size := len(n.Message); size > 64<<10 {
		t.Errorf("%d bytes", size)
	}
}

// TestLimits: any number of resources, with any names, makes a message that SNS
// takes, and what is left out is counted.
func TestLimits(t *testing.T) {
	b := newBed(t, notifyRules)
	r, err := b.round(t.Context())
	ok(t, err)
	random := rand.New(rand.NewPCG(7, 7))
	s := schema(t)
	for _, n := range []int{1, 2, 21, 100, 101, 700} {
		var group []*tell
		for i := range n {
			name := strings.Repeat(string(rune(random.IntN(0x2fff)+1)), random.IntN(600))
			e := &ledger.Entry{
				Resource: fmt.Sprintf("training-job/%d-%s", i, name), Kind: kind.TrainingJob, Key: name, Name: name, ARN: "arn:" + name, Account: account, Region: "eu-west-1", Created: start,
				Origin: ledger.Origin{Actor: name, Event: name, EventID: name},
				Verdict: ledger.Verdict{Compliance: rules.Failed, Severity: rules.Severities()[i%5], Class: []string{"a", "c"}[i%2], DataPath: "own", Notice: ledger.Notice{
					Title: name, Description: strings.Repeat(name, 9), Remedy: strings.Repeat(name, 9), Paste: strings.Repeat("\"", 4000), Owner: name,
				}},
			}
			row, _ := kind.Of(kind.TrainingJob)
			group = append(group, &tell{matter: &matter{Matter: decide.Matter{Row: row, Entry: e, Response: &ledger.Response{}}}, kind: alertType, lead: "It is not stopped."})
		}
		m := r.compose(group)
		ok(t, r.publish(t.Context(), m))
		published := b.world.Published()
		last := published[len(published)-1]
		checkMessage(t, s, last)
		var bodies map[string]string
		ok(t, json.Unmarshal([]byte(last.Message), &bodies))
		var got message
		ok(t, json.Unmarshal([]byte(bodies["sqs"]), &got))
		if len(got.Resources)+got.Omitted != n || len(got.Resources) == 0 {
			t.Errorf("of %d it lists %d and leaves out %d", n, len(got.Resources), got.Omitted)
		}
		if n > 4 && (*got.Resources[0].Severity != rules.Critical || last.Attributes["severity"] != `["CRITICAL","HIGH","INFORMATIONAL","LOW","MEDIUM"]` || last.Attributes["class"] != `["a","c"]`) {
			t.Errorf("attributes %v", last.Attributes)
		}
	}
}

// TestConsoleLink: each partition has a console of its own, or none.
func TestConsoleLink(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":      "https://eu-west-1.console.aws.amazon.com/securityhub/home?region=eu-west-1#",
		"cn-north-1":     "https://cn-north-1.console.amazonaws.cn/securityhub/home?region=cn-north-1#",
		"us-gov-west-1":  "https://us-gov-west-1.console.amazonaws-us-gov.com/securityhub/home?region=us-gov-west-1#",
		"eusc-de-east-1": "https://eusc-de-east-1.console.amazonaws-eusc.eu/securityhub/home?region=eusc-de-east-1#",
		"us-iso-east-1":  "",
	} {
		if got := consoleLink(region, "a b/c"); !strings.HasPrefix(got, want) || (got == "") != (want == "") || want != "" && !strings.HasSuffix(got, "%253Aa%2520b%252Fc") {
			t.Errorf("%s: %s", region, got)
		}
	}
}

// TestRedaction: secrets of a job are in no message and in no log.
func TestRedaction(t *testing.T) {
	b := newBed(t, stopRules)
	var secrets []string
	random := rand.New(rand.NewPCG(17, 17))
	for i := range 100 {
		secret := fmt.Sprintf("s3cr3t%016x", random.Uint64())
		secrets = append(secrets, secret)
		b.training(fmt.Sprintf("job-%d", i), map[string]any{
			"Environment":     map[string]any{"TOKEN": secret},
			"HyperParameters": map[string]any{"password": secret},
			"Tags":            []any{map[string]any{"Key": "k", "Value": secret}},
			"InputDataConfig": []any{map[string]any{"ChannelName": "c", "DataSource": map[string]any{"S3DataSource": map[string]any{"S3DataType": "S3Prefix", "S3Uri": "s3://b/k?X-Amz-Signature=" + secret}}}},
		})
		b.clock.Advance(time.Second)
		b.look(fmt.Sprintf("training-job/job-%d", i))
	}
	b.deliver()
	b.tick(11)
	said := fmt.Sprint(b.logs.String(), b.metrics.String(), b.world.Published())
	if len(b.world.Published()) < 3 {
		t.Fatal("nothing was said")
	}
	for _, s := range secrets {
		if strings.Contains(said, s) {
			t.Errorf("%s came out", s)
		}
	}
}
