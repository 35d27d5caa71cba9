package doctor

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/doctor.md")
	ok(t, err)
	return string(b)
}

// TestPage: the page has a row for each check and each stage, and no others.
func TestPage(t *testing.T) {
	var want []string
	for _, c := range append(Checks(), LiveChecks()...) {
		want = append(want, c.ID)
		if c.Why == "" || c.Group == "" {
			t.Errorf("%s: why %q, group %q", c.ID, c.Why, c.Group)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(page(t), -1) {
		if !slices.Contains([]string{"ok", "warning", "unknown", "-"}, m[1]) {
			got = append(got, m[1])
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the page has %v, want %v", got, want)
	}
	if n := len(slices.Compact(want)); n != len(got) {
		t.Error("two checks have one id")
	}
}

// policyOfPage are the actions that the page's policy allows.
func policyOfPage(t *testing.T) []string {
	t.Helper()
	m := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(page(t))
	if m == nil {
		t.Fatal("the page has no policy")
	}
	var p struct {
		Version   string
		Statement []struct {
			Effect, Resource string
			Action           []string
		}
	}
	ok(t, json.Unmarshal([]byte(m[1]), &p))
	if p.Version != "2012-10-17" || len(p.Statement) != 1 || p.Statement[0].Effect != "Allow" || p.Statement[0].Resource != "*" {
		t.Errorf("the policy: %+v", p)
	}
	return p.Statement[0].Action
}

// TestLiveActions: the page names what the self-test needs.
func TestLiveActionsOnPage(t *testing.T) {
	_, section, _ := strings.Cut(page(t), "## The self-test")
	for _, a := range LiveActions() {
		if !strings.Contains(section, "`"+a+"`") {
			t.Errorf("the page does not say that the self-test needs %s", a)
		}
	}
}

// report is one of each status, with texts that would act on a terminal.
func report() *Report {
	return &Report{Account: account, Region: region, Stack: DefaultStack, Lines: []Line{
		{Check: "caller", Group: "Identity", Status: OK, Found: "ana\x1b[31m", Why: "w"},
		{Check: "trail", Group: "CloudTrail", Status: Failed, Found: "trail t\u202e is off, which is told in a line that is longer than a narrow terminal has columns for", Why: "why it matters", Note: "a note", Fix: []string{"aws a --b 'c d'", "aws e"}},
		{Check: "rules", Group: "EventBridge", Status: Unknown, Found: "events:ListRules is denied", Why: "w", Missing: []string{"events:ListRules"}, Fix: []string{"# allow it"}},
		{Check: "targets", Group: "EventBridge", Status: Warning, Found: "so so", Why: "w"},
		{Check: "mailboxes", Group: "Not checked", Status: NotChecked, Found: "nobody looked", Why: "w"},
		{Check: "live-gone", Group: selfTest, Status: OK, Found: "gone", Why: "w", Seconds: 1.25},
	}}
}

const printed = `Identity
  ok       caller              ana[31m

CloudTrail
  FAILED   trail               trail t is off, which is told in a
                               line that is longer than a narrow
                               terminal has columns for
           why   why it matters
           note  a note
           fix   aws a --b 'c d'
                 aws e

EventBridge
  unknown  rules               events:ListRules is denied
           why   w
           fix   # allow it
  warning  targets             so so
           why   w

Not checked
  -        mailboxes           nobody looked

Self-test
  ok       live-gone           gone (1.2 s)

111122223333 eu-west-1: 1 failed, 1 unknown, 1 warning, 2 ok, 1 not checked
`

func TestText(t *testing.T) {
	var b strings.Builder
	ok(t, report().Text(&b, Print{Width: 66}))
	if b.String() != printed {
		t.Errorf("got\n%s\nwant\n%s", b.String(), printed)
	}
	b.Reset()
	ok(t, report().Text(&b, Print{Width: 66, Color: true}))
	plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(b.String(), "")
	if plain != printed || !strings.Contains(b.String(), "\x1b[1;31mFAILED   \x1b[0m") {
		t.Errorf("in colour:\n%q", b.String())
	}
}

// TestJSON: each line keeps the schema, whose statuses are ours.
func TestJSON(t *testing.T) {
	raw, err := os.ReadFile("../../docs/doctor.schema.json")
	ok(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	ok(t, err)
	doc, _ := v.(map[string]any)
	doc["additionalProperties"] = false // the published one must not
	c := jsonschema.NewCompiler()
	ok(t, c.AddResource("doctor.schema.json", doc))
	s, err := c.Compile("doctor.schema.json")
	ok(t, err)
	var b bytes.Buffer
	ok(t, report().JSON(&b))
	n := 0
	for l := range bytes.Lines(b.Bytes()) {
		line, err := jsonschema.UnmarshalJSON(bytes.NewReader(l))
		ok(t, err)
		if err := s.Validate(line); err != nil {
			t.Errorf("%s: %v", l, err)
		}
		n++
	}
	if n != len(report().Lines) || strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
	var schema struct {
		Properties struct{ Status struct{ Enum []string } }
	}
	ok(t, json.Unmarshal(raw, &schema))
	if !slices.Equal(schema.Properties.Status.Enum, Statuses()) {
		t.Errorf("the schema has %v, want %v", schema.Properties.Status.Enum, Statuses())
	}
	if Status(9).String() != "Status(9)" {
		t.Error("a status that is none")
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"plain-1", "with space", "it's", `"$HOME" \ ;&|` + "`x`", "", "--flag=a,b", "$(touch x)", "a\nb"} {
		if got := split(t, "echo "+quote(s)); len(got) != 2 || got[1] != s {
			t.Errorf("%q: a shell reads %q of %s", s, got, quote(s))
		}
	}
	x := newSession(func(x *session) { x.Profile = "my profile" })
	if got, want := x.aws("sqs", "list-queues"), "aws sqs list-queues --region eu-west-1 --profile 'my profile'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
