package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// lintReport lints policies that were written for this project, and one whose names
// would act on whoever reads them.
func lintReport(t *testing.T, files ...string) *lint.Report {
	t.Helper()
	var s lint.Set
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join("..", "prevent", "lint", "testdata", "policies", f))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Read("/repo/policies/"+f, b); err != nil {
			t.Fatal(err)
		}
	}
	return lint.Run(&s, lint.Options{Rules: rules.Default()})
}

// evilPolicy has a Sid, a key and a value that are none of ours.
const evilPolicy = `{"PolicyName":"p\u001b[2J|<script>@all","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Sid":"S\u202e` + "`" + `](http://x","Effect":"Deny",
"Action":"sagemaker:CreateModel\u0007s","Resource":"*","Condition":{"Null":{"sagemaker:VpcSubnet\u001b[31m":"true"},"StringEquals":{"aws:PrincipalTag/<b>|x":"\u001b]8;;y"}}},
{"Effect":"Deny","Action":"sagemaker:CreateModel","Resource":"*","Condition":{"Null":{"sagemaker:VpcSubnets":"true"},"StringEquals":{"aws:PrincipalTag/<b>|x":"\u001b]8;;y\u001b\\"}}}]}}`

func evilReport(t *testing.T) *lint.Report {
	t.Helper()
	var s lint.Set
	if err := s.Read("/repo/e\x1b[31mvil.json", []byte(evilPolicy)); err != nil {
		t.Fatal(err)
	}
	return lint.Run(&s, lint.Options{Rules: rules.Default()})
}

func TestLintGolden(t *testing.T) {
	o := options()
	for name, write := range map[string]func(*bytes.Buffer) error{
		"lint-table": func(b *bytes.Buffer) error { return LintTable(b, lintReport(t, "article.json"), o) },
		"lint-table-color": func(b *bytes.Buffer) error {
			c := o
			c.Color, c.All = true, true
			return LintTable(b, lintReport(t, "vpc-only.json"), c)
		},
		"lint-principals": func(b *bytes.Buffer) error { return LintTable(b, lintReport(t, "authorization-details.json"), o) },
		"lint.md":         func(b *bytes.Buffer) error { return LintMarkdown(b, lintReport(t, "data-perimeter.json"), o) },
		"lint.json":       func(b *bytes.Buffer) error { return LintJSON(b, lintReport(t, "article.json"), o) },
		"lint.sarif":      func(b *bytes.Buffer) error { return LintSARIF(b, lintReport(t, "article.json"), o) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.Bytes())
		})
	}
}

func TestLintJSONKeepsTheSchema(t *testing.T) {
	s := schema(t, "lint.schema.json", true)
	for _, r := range []*lint.Report{
		lintReport(t, "article.json"), lintReport(t, "authorization-details.json"), lintReport(t, "mistakes.json", "limited.json", "allow.json"), evilReport(t),
		lint.Run(&lint.Set{}, lint.Options{Rules: rules.Default()}),
	} {
		var b bytes.Buffer
		if err := LintJSON(&b, r, Options{}); err != nil {
			t.Fatal(err)
		}
		all := lines(t, b.Bytes())
		if len(all) != 1 {
			t.Fatalf("%d lines", len(all))
		}
		if err := s.Validate(all[0]); err != nil {
			t.Error(err)
		}
	}
}

// TestLintSchemaListsAll compares the lists of the schema with the code's.
func TestLintSchemaListsAll(t *testing.T) {
	b, err := os.ReadFile("../../docs/lint.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Defs struct {
			ID       struct{ Enum []lint.ID }
			Question struct{ Enum []lint.Question }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lintIDs(), doc.Defs.ID.Enum); diff != "" {
		t.Errorf("ids (-code +schema):\n%s", diff)
	}
	if diff := cmp.Diff(lint.Questions(), doc.Defs.Question.Enum); diff != "" {
		t.Errorf("questions (-code +schema):\n%s", diff)
	}
	for _, q := range lint.Questions() {
		if lintHeads()[q] == "" {
			t.Errorf("%s has no column", q)
		}
	}
}

// TestLintIsSafe: nothing of a policy acts on a terminal, a comment or a console.
func TestLintIsSafe(t *testing.T) {
	r := evilReport(t)
	var table, md, js, sarifOut bytes.Buffer
	for _, err := range []error{LintTable(&table, r, Options{All: true}), LintMarkdown(&md, r, Options{All: true}), LintJSON(&js, r, Options{}), LintSARIF(&sarifOut, r, options())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, out := range map[string]string{"table": table.String(), "markdown": md.String(), "json": js.String(), "sarif": sarifOut.String()} {
		if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' || invisible(r) && r != '\u200b' }); i >= 0 {
			t.Errorf("%s has a control character: %q", name, out[max(0, i-20):i+20])
		}
	}
	for _, bad := range []string{"<script>", "<b>", "@all", "](http://x"} {
		if strings.Contains(md.String(), bad) {
			t.Errorf("the comment has %q", bad)
		}
	}
	if strings.Contains(sarifOut.String(), "](http://x") {
		t.Error("SARIF has a link of the policy's")
	}
}

// TestLintSARIF: each result is of a rule, in its file and line.
func TestLintSARIF(t *testing.T) {
	var b bytes.Buffer
	if err := LintSARIF(&b, lintReport(t, "mistakes.json"), options()); err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	marks := map[string]bool{}
	for _, r := range run.Results {
		if id := run.Tool.Driver.Rules[r.RuleIndex].ID; *id != *r.RuleID {
			t.Errorf("the rule of %s is %s", *r.RuleID, *id)
		}
		place := r.Locations[0].PhysicalLocation
		if *place.ArtifactLocation.URI != "policies/mistakes.json" || place.Region.StartLine == nil || *place.Region.StartLine < 1 {
			t.Errorf("%s is at %+v", *r.RuleID, place)
		}
		mark := r.PartialFingerprints["sagemoat/v1"]
		if marks[mark] {
			t.Errorf("two results are told apart by nothing: %s %s", *r.RuleID, *r.Message.Text)
		}
		marks[mark] = true
	}
	if len(run.Results) < 20 {
		t.Errorf("%d results", len(run.Results))
	}
}

// TestLintWidth: what is not JSON to paste or an address fits the terminal.
func TestLintWidth(t *testing.T) {
	var b bytes.Buffer
	o := options()
	o.Width = 118
	if err := LintTable(&b, lintReport(t, "data-perimeter.json"), o); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimRight(line, "\n"); text.StringWidth(line) > o.Width && !strings.Contains(line, "https://") {
			t.Errorf("%d columns: %s", text.StringWidth(line), line)
		}
	}
}

// TestLintComment: a comment is never longer than GitHub takes.
func TestLintComment(t *testing.T) {
	var b bytes.Buffer
	var files []string
	for range 40 {
		files = append(files, "mistakes.json", "limited.json")
	}
	if err := LintMarkdown(&b, lintReport(t, files...), options()); err != nil {
		t.Fatal(err)
	}
	if b.Len() > commentLimit+5_000 || !strings.Contains(b.String(), "more: too many for one comment") {
		t.Errorf("%d bytes", b.Len())
	}
}
