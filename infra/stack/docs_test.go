package stack

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

func page(t *testing.T, name string) (path, text string) {
	t.Helper()
	path = filepath.Join("..", "..", "docs", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(b)
}

// TestSettingsPage: docs/deploy.md has each setting.
func TestSettingsPage(t *testing.T) {
	path, text := page(t, "deploy.md")
	const begin, end = "<!-- settings: written by make templates -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("docs/deploy.md has no place for the settings")
	}
	var b strings.Builder
	b.WriteString("\n| context key | parameter | what | default |\n|---|---|---|---|\n")
	for _, s := range Settings() {
		value := s.Default
		switch {
		case value != "":
			value = "`" + value + "`"
		default:
			value = "none"
		}
		words := s.Words
		if s.Values != nil && len(s.Values) < 5 {
			words += " (`" + strings.Join(s.Values, "`, `") + "`)"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Key, s.Parameter(), words, value)
	}
	b.WriteString("\n")
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Error("docs/deploy.md does not have the settings as they are (run: make templates)")
	}
}

// TestOperationsPage: docs/operations.md has a section for each alarm, and none for
// what is no alarm.
func TestOperationsPage(t *testing.T) {
	_, text := page(t, "operations.md")
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^### (\S+)$`).FindAllStringSubmatch(text, -1) {
		sections = append(sections, m[1])
	}
	s, err := New(awscdk.NewApp(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	alarms := s.allAlarms()
	var names []string
	for _, a := range alarms {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	slices.Sort(sections)
	if !slices.Equal(names, sections) {
		t.Errorf("the alarms are\n%q, the sections\n%q", names, sections)
	}
	if _, cost := page(t, "cost.md"); !strings.Contains(cost, fmt.Sprintf("| CloudWatch: alarms | %d |", len(alarms))) {
		t.Errorf("docs/cost.md does not count %d alarms", len(alarms))
	}
}

// TestProtection: the policy of docs/operations.md is one that IAM takes, and is about
// what the stack makes, in an account of an organization, too.
func TestProtection(t *testing.T) {
	_, text := page(t, "operations.md")
	_, rest, _ := strings.Cut(text, "```json\n{\"Sid\": \"ProtectSagemoat\"")
	block, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/operations.md has no such policy")
	}
	var policy struct {
		Action, Resource []string
	}
	if err := json.Unmarshal([]byte(`{"Sid": "ProtectSagemoat"`+block), &policy); err != nil {
		t.Fatal(err)
	}
	services := map[string]bool{}
	for _, r := range policy.Resource {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
		part := strings.SplitN(r, ":", 6)
		if len(part) != 6 || strings.ContainsAny(part[2], "*?") {
			t.Errorf("%s: IAM takes no wildcard for a service", r)
			continue
		}
		services[part[2]] = true
	}
	for _, a := range policy.Action {
		if service, _, _ := strings.Cut(a, ":"); !services[service] {
			t.Errorf("%s is denied of no resource", a)
		}
	}
	const alone, member = "sagemoat", "StackSet-sagemoat-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
	for _, arn := range []string{
		"arn:aws:events:eu-west-1:111122223333:rule/sagemoat-calls", "arn:aws:lambda:eu-west-1:111122223333:function:sagemoat-audit",
		"arn:aws:iam::111122223333:role/" + alone + "-AuditRole-1ABC", "arn:aws:iam::111122223333:role/StackSet-sagemoat-0a1b2c3d-4-AuditRole-1ABC",
		"arn:aws:sqs:eu-west-1:111122223333:" + alone + "-EventQueue-1ABC", "arn:aws:sqs:eu-west-1:111122223333:" + member + "-EventQueue-1ABC",
		"arn:aws:dynamodb:eu-west-1:111122223333:table/" + alone + "-Ledger-1ABC", "arn:aws:dynamodb:eu-west-1:111122223333:table/" + member + "-Ledger-1ABC",
		"arn:aws:sns:eu-west-1:111122223333:sagemoat-operations", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:sagemoat-poison",
		"arn:aws:scheduler:eu-west-1:111122223333:schedule/sagemoat/sweep", "arn:aws:scheduler:eu-west-1:111122223333:schedule-group/sagemoat",
	} {
		if !slices.ContainsFunc(policy.Resource, func(r string) bool {
			return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(r), `\*`, ".*") + "$").MatchString(arn)
		}) {
			t.Errorf("%s is not protected", arn)
		}
	}
}

// TestDeploy: each setting that is said is a parameter, too, whatever else is said.
func TestDeploy(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "cdk")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ said, want []string }{
		{nil, nil},
		{[]string{"--context", "mode=stop", "--profile", "ml"}, []string{"--parameters", "sagemoat:Mode=stop"}},
		{[]string{"-c", "alertEmail=a b@example.com", "--context=concurrency=7"}, []string{"--parameters", "sagemoat:AlertEmail=a b@example.com", "--parameters", "sagemoat:Concurrency=7"}},
		{[]string{"--context", "@aws-cdk/core:x=true", "--context"}, nil},
	} {
		out, err := exec.Command(filepath.Join("..", "deploy.sh"), append([]string{tool}, c.said...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Join(slices.Concat([]string{"deploy", "--no-notices"}, c.said, c.want), "\n") + "\n"
		if string(out) != want {
			t.Errorf("%q: the CDK is called with\n%swant\n%s", c.said, out, want)
		}
	}
}

// TestCostPage: what docs/cost.md multiplies and adds is right.
func TestCostPage(t *testing.T) {
	_, text := page(t, "cost.md")
	row := regexp.MustCompile(`^\|\s*(.+?)\s*\|\s*([0-9.,]*)\s*\|\s*([0-9.,]*)\s*\|\s*(?:\*\*)?([0-9.,]+)(?:\*\*)?\s*\|$`)
	number := func(text string) float64 {
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sum, rows, tables := 0.0, 0, 0
	for line := range strings.Lines(text) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case m == nil:
		case strings.Contains(m[1], "sum"):
			if got := number(m[4]); math.Abs(got-sum) > 0.005 {
				t.Errorf("the sum is %.2f, the page says %.2f", sum, got)
			}
			sum, tables = 0, tables+1
		default:
			if got, want := number(m[4]), math.Round(number(m[2])*number(m[3])*100)/100; math.Abs(got-want) > 0.005 {
				t.Errorf("%s: %.2f, the page says %.2f", m[1], want, got)
			}
			sum += number(m[4])
			rows++
		}
	}
	if rows < 15 || tables != 2 {
		t.Errorf("%d rows and %d tables were read", rows, tables)
	}
}
