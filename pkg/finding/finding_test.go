package finding

import (
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"fraud-7":                        "fraud-7",
		" a\tb\r\nc\u2028d\u00a0e ":      "a b  c d e",
		"\x1b[31mred\x1b[0m\u009b2J":     "[31mred[0m2J",
		"\u202egnp.exe\u2066\u200f":      "gnp.exe",
		"\xff\xfe":                       "\ufffd",
		"👩\u200d💻 é":                     "👩\u200d💻 é",
		"\x00\x7f\ufeff\U000e0041\u00ad": "",
	} {
		if got := Plain(in); got != want || Plain(got) != got {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, test := range []struct {
		in   string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "…"}, {"ab cdef", 6, "ab…"}, {"ééé", 5, "é…"}, {"abc", 2, ""}} {
		if got := Clip(test.in, test.most); got != test.want || len(got) > test.most {
			t.Errorf("Clip(%q, %d) = %q, want %q", test.in, test.most, got, test.want)
		}
	}
}

// one is a finding of a kind with one result.
func one(t *testing.T, k kind.Kind, id rules.ID, c rules.Compliance) *Finding {
	t.Helper()
	f := &Finding{Row: row(t, k), Name: "x", Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}}
	f.Judgement.Compliance = c
	f.Judgement.Results = []rules.Result{{Rule: id, Result: c, Severity: rules.High, Message: "which subnets are used is not known", Path: "p"}}
	return f
}

func TestTitles(t *testing.T) {
	for _, id := range rules.IDs() {
		failed, warned := one(t, kind.TrainingJob, id, rules.Failed).Title(), one(t, kind.TrainingJob, id, rules.Warning).Title()
		if !strings.HasPrefix(failed, "Training job x ") || id != rules.Assessable && strings.Contains(failed, "breaks the rule") {
			t.Errorf("%s: %s", id, failed)
		}
		want := "Training job x: which subnets are used is not known"
		if id == rules.Assessable {
			want = "Training job x could not be assessed"
		}
		if warned != want {
			t.Errorf("%s: %s", id, warned)
		}
	}
	f := one(t, kind.TrainingJob, rules.NoBridge, rules.Excepted)
	f.Judgement.Exception, f.Name = &rules.Exception{ID: "EX-1"}, ""
	if got := f.Title(); got != "Training job without a name is allowed by exception EX-1" {
		t.Error(got)
	}
	f.Judgement = rules.Judgement{Compliance: rules.NotAvailable}
	if got := f.Title(); got != "Training job without a name is under no network rule" {
		t.Error(got)
	}
}

// TestRemedies: every kind has a remedy for every rule, which does not refer to
// something that stands elsewhere.
func TestRemedies(t *testing.T) {
	for _, r := range kind.Table() {
		for _, id := range rules.IDs() {
			for _, c := range []rules.Compliance{rules.Failed, rules.Warning} {
				got := one(t, r.Kind, id, c).Remedy()
				if got == "" || strings.Contains(got, "below") {
					t.Errorf("%s, %s %s: %q", r.Kind, id, c, got)
				}
			}
		}
	}
	for _, test := range []struct {
		kind kind.Kind
		rule rules.ID
		want string
	}{
		{kind.TrainingJob, rules.NoOwnInternet, "the network of a running job cannot be changed: stop it and start a new one with a VPC configuration"},
		{kind.TrainingJob, rules.IsolationRequired, "the network of a running job cannot be changed: stop it and start a new one with EnableNetworkIsolation true"},
		{kind.Domain, rules.NoBridge, "delete the domain's running apps, UpdateDomain with AppNetworkAccessType VpcOnly, start the apps again"},
		{kind.Pipeline, rules.InteractiveAccess, "give the steps settings without that access, then UpdatePipeline with the new definition"},
		{kind.Endpoint, rules.InteractiveAccess, "create an endpoint configuration without EnableSSMAccess, then UpdateEndpoint with it"},
	} {
		if got := one(t, test.kind, test.rule, rules.Failed).Remedy(); got != test.want {
			t.Errorf("%s, %s: %s", test.kind, test.rule, got)
		}
	}
	f := one(t, kind.Model, rules.Assessable, rules.Warning)
	part := rules.Judged{Results: f.Judgement.Results}
	part.Posture = posture.Posture{Reasons: []posture.Reason{{Path: "other", Look: "DescribeJob y"}, {Path: "p", Look: "DescribeModel x"}}}
	f.Judgement.Parts = []rules.Judged{part}
	if got := f.Remedy(); got != "audit again together with the response of DescribeModel x" {
		t.Error(got)
	}
	if got := (&Finding{Row: f.Row}).Remedy(); got != "" {
		t.Error(got)
	}
}

func TestPaste(t *testing.T) {
	f := one(t, kind.Pipeline, rules.NoOwnInternet, rules.Failed)
	if f.AtFault() != f.Row {
		t.Error("without parts, the row is not the finding's own")
	}
	f.Judgement.Parts = []rules.Judged{{Part: kind.Part{Name: "Prepare", Kind: kind.ProcessingJob}, Results: f.Judgement.Results}}
	want := "{\n  \"NetworkConfig\": {\n    \"VpcConfig\": {\n      \"SecurityGroupIds\": [\"sg-1\"],\n      \"Subnets\": [\"subnet-1\"]\n    }\n  }\n}"
	if got := f.Paste(); got != want {
		t.Errorf("a step of a pipeline: %s", got)
	}
	for what, got := range map[string]string{
		"a warning":           one(t, kind.TrainingJob, rules.NoOwnInternet, rules.Warning).Paste(),
		"another rule":        one(t, kind.TrainingJob, rules.InteractiveAccess, rules.Failed).Paste(),
		"a kind without one":  one(t, kind.Algorithm, rules.NoOwnInternet, rules.Failed).Paste(),
		"no allow-list":       (&Finding{Row: f.Row, Judgement: f.Judgement}).Paste(),
		"nothing that failed": (&Finding{Row: f.Row}).Paste(),
	} {
		if got != "" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

func TestNew(t *testing.T) {
	o := &kind.Observation{Row: row(t, kind.Model), Name: "m", Account: "111122223333", Region: "eu-west-1", Time: now, Source: kind.Source{File: "a", Offset: 7}}
	file := rules.Default()
	file.Allow = []rules.Allow{{Accounts: []string{"*"}, Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}}}
	file.Overrides = []rules.Override{{Match: rules.Match{Names: []string{"prod-*"}}, Allow: &rules.Narrow{Subnets: []string{"subnet-2"}}}}
	s := &rules.Subject{Kind: kind.Model, Name: "m", Parts: []kind.Part{{Kind: kind.Model, Posture: posture.Posture{Family: posture.Container, Isolation: posture.No, VPC: posture.No}}}}
	f := New(o, s, file.Judge(s, now), file)
	if f.Resource() != "model/m" || len(f.Subnets) != 1 || f.Judgement.Verdict.Class != verdict.BInternet {
		t.Errorf("%+v", f)
	}
	s.Name = "prod-1" // for which an override leaves nothing of the allow-list
	if narrowed := New(o, s, file.Judge(s, now), file); len(narrowed.Subnets) > 0 {
		t.Errorf("offers %v, which its rules forbid", narrowed.Subnets)
	}
	if worst, ok := f.Worst(); !ok || worst.Rule != rules.NoOwnInternet || f.hasParts() {
		t.Errorf("%+v", worst)
	}
	b, err := f.MarshalJSON()
	if err != nil || !strings.Contains(string(b), `"file":"a","offset":7`) || !strings.Contains(string(b), `"time":"2026-11-02T09:14:07Z"`) {
		t.Errorf("%s, %v", b, err)
	}
}
