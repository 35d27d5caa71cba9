package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with, or writes, testdata/name.golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), see go test -update:\n%s", path, diff)
	}
}

func options() Options {
	return Options{
		Width: 100, Now: evening, Version: "1.2.3", Root: "/repo",
		Line: func(_ string, offset int64, _ string) int { return int(offset / 1024) },
	}
}

// format is one way to write findings.
type format struct {
	name  string
	write func(io.Writer, []*finding.Finding, Options) error
	opts  func(*Options)
}

func formats() []format {
	asIs := func(*Options) {}
	return []format{
		{"verdicts.json", JSON, asIs},
		{"table-100", Table, asIs},
		{"table-60", Table, func(o *Options) { o.Width = 60 }},
		{"table-all-color", Table, func(o *Options) { o.Width, o.All, o.Color = 0, true, true }},
		{"findings.md", Markdown, asIs},
		{"findings-all.md", Markdown, func(o *Options) { o.All = true }},
		{"findings.sarif", SARIF, asIs},
		{"asff.json", func(w io.Writer, f []*finding.Finding, o Options) error { _, err := ASFF(w, f, o); return err }, asIs},
	}
}

func (f format) run(t *testing.T, findings []*finding.Finding) []byte {
	t.Helper()
	opts := options()
	f.opts(&opts)
	var b bytes.Buffer
	if err := f.write(&b, findings, opts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for _, f := range formats() {
		t.Run(f.name, func(t *testing.T) { golden(t, f.name, f.run(t, samples(t))) })
	}
}

func TestGoldenRefused(t *testing.T) {
	for name, write := range map[string]func(io.Writer, []*kind.Observation, Options) error{
		"refused.json": RefusedJSON, "refused-table": RefusedTable, "refused.md": RefusedMarkdown,
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b, refusals(t), options()); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.Bytes())
			if r := hidden(b.String()); r != 0 {
				t.Errorf("wrote the character %U", r)
			}
		})
	}
}

// TestAssumed: what passed by a default value says so, and by which.
func TestAssumed(t *testing.T) {
	f := sample(t, kind.Pipeline, "train", inVPC)
	f.Judgement.Compliance = rules.Passed
	f.Judgement.Parts = []rules.Judged{{}, {}, {}}
	for i, text := range []string{"Parameters.B = subnet-1 (default value)", "Parameters.A = " + strings.Repeat("x", 1000), "Parameters.B = subnet-1 (default value)"} {
		f.Judgement.Parts[i].Posture.Assumed = []string{text}
	}
	want := "Parameters.A = " + strings.Repeat("x", 400-len("Parameters.A = ")-len("…")) + "…"
	for name, write := range map[string]func(io.Writer, []*finding.Finding, Options) error{"table": Table, "markdown": Markdown} {
		for all, said := range map[bool]string{true: want, false: "1 passed (1 by default values of parameters)"} {
			var b bytes.Buffer
			if err := write(&b, []*finding.Finding{f}, Options{All: all}); err != nil || !strings.Contains(b.String(), said) {
				t.Errorf("%s, all %v: %v\n%s", name, all, err, b.String())
			}
		}
	}
}

// TestSamplesCoverEverything keeps the golden files worth comparing.
func TestSamplesCoverEverything(t *testing.T) {
	var classes []verdict.Class
	var ids []rules.ID
	for _, f := range samples(t) {
		classes = append(classes, f.Judgement.Verdict.Class)
		for _, r := range f.Judgement.Results {
			ids = append(ids, r.Rule)
		}
	}
	for _, c := range verdict.Classes() {
		if !slices.Contains(classes, c) {
			t.Errorf("no sample has the class %s", c)
		}
	}
	for _, id := range rules.IDs() {
		if !slices.Contains(ids, id) {
			t.Errorf("no sample has a result of %s", id)
		}
		if d := descriptions()[id]; d.short == "" || d.full == "" || d.help == "" {
			t.Errorf("%s has no description", id)
		}
	}
}

// hidden is the first character that a terminal would act on or not show; the
// joiner of emoji may stay.
func hidden(s string) rune {
	for _, r := range s {
		if r != '\n' && r != '\u200d' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) {
			return r
		}
	}
	return 0
}

func TestNothingHiddenIsWritten(t *testing.T) {
	for _, f := range formats() {
		out := string(f.run(t, samples(t)))
		switch f.name {
		case "table-all-color":
			out = text.StripEscape(out)
		case "findings.md", "findings-all.md":
			out = strings.NewReplacer("@\u200b", "@", "#\u200b", "#").Replace(out)
		}
		if r := hidden(out); r != 0 {
			t.Errorf("%s: wrote the character %U", f.name, r)
		}
	}
}

func TestTableFits(t *testing.T) {
	for _, width := range []int{60, 80, 100, 132} {
		var b bytes.Buffer
		if err := Table(&b, samples(t), Options{Width: width, All: true}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			if n := text.StringWidth(line); n > max(width, 90) && !strings.HasPrefix(line, " ") {
				t.Errorf("width %d: a line has %d columns: %s", width, n, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("width %d: a line ends with spaces: %q", width, line)
			}
		}
	}
}

func TestColorCarriesNoMeaning(t *testing.T) {
	var plain, color bytes.Buffer
	if err := errors.Join(Table(&plain, samples(t), Options{}), Table(&color, samples(t), Options{Color: true})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain.String(), text.StripEscape(color.String())); diff != "" {
		t.Errorf("colours change the text (-plain +coloured):\n%s", diff)
	}
	if !strings.Contains(color.String(), "\x1b[1;31mCRITICAL\x1b[0m") {
		t.Error("CRITICAL is not coloured")
	}
}

func TestEmpty(t *testing.T) {
	for _, f := range formats() {
		got := string(f.run(t, nil))
		switch f.name {
		case "verdicts.json":
			if got != "" {
				t.Errorf("%s: %q", f.name, got)
			}
		case "asff.json":
			if got != "[]\n" {
				t.Errorf("%s: %q", f.name, got)
			}
		case "findings.sarif":
			if !strings.Contains(got, `"results": []`) {
				t.Errorf("%s: has results", f.name)
			}
		default:
			if !strings.Contains(got, nothing) {
				t.Errorf("%s: %q", f.name, got)
			}
		}
	}
	for _, write := range []func(io.Writer, []*kind.Observation, Options) error{RefusedTable, RefusedMarkdown} {
		var b bytes.Buffer
		if err := write(&b, nil, Options{}); err != nil || !strings.Contains(b.String(), noneRefused) {
			t.Errorf("%q, %v", b.String(), err)
		}
	}
}

func TestOnlyPassed(t *testing.T) {
	list := []*finding.Finding{sample(t, kind.TrainingJob, "fraud-8", inVPC)}
	var table, markdown bytes.Buffer
	if err := errors.Join(Table(&table, list, Options{Width: 100}), Markdown(&markdown, list, Options{})); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(table.String(), "fraud-8") || !strings.Contains(table.String(), "1 verdict in account 111122223333, eu-west-1: 1 passed") {
		t.Errorf("table:\n%s", table.String())
	}
	if !strings.Contains(markdown.String(), "none of 1 verdict failed") {
		t.Errorf("markdown:\n%s", markdown.String())
	}
}

// closed fails every write, as a pipe does whose reader went away.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteErrors(t *testing.T) {
	for _, f := range formats() {
		if err := f.write(closed{}, samples(t), options()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

func TestMarkdownIsInert(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, samples(t), Options{}); err != nil {
		t.Fatal(err)
	}
	outside := false
	for i, piece := range strings.Split(strings.ReplaceAll(b.String(), "```", "\u0000"), "`") {
		outside = i%2 == 0
		for _, bad := range []string{"<script", "@everyone", "https://evil", "](http"} {
			if outside && strings.Contains(piece, bad) {
				t.Errorf("%q stands outside of a code span: %s", bad, piece)
			}
		}
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if cells := strings.Count(line, "|") - 1; strings.HasPrefix(line, "| HIGH") && cells != 4 {
			t.Errorf("a row has %d cells: %s", cells, line)
		}
	}
	if got, want := escape("see www.x.y, http://x, a_b*c @me #1 <b> & | [x]!"), "see www&#46;x.y, http&#58;//x, a\\_b\\*c @\u200bme \\#\u200b1 &lt;b&gt; &amp; &#124; \\[x\\]\\!"; got != want {
		t.Errorf("escape: %q, want %q", got, want)
	}
}

func TestMarkdownFitsOneComment(t *testing.T) {
	var many []*finding.Finding
	var calls []*kind.Observation
	for i := range 600 {
		f := sample(t, kind.TrainingJob, fmt.Sprintf("job-%d", i), internet, ownInternet)
		f.Subnets = []string{fmt.Sprintf("subnet-%d", i)}
		many = append(many, f)
		calls = append(calls, refusals(t)...)
	}
	var b, c bytes.Buffer
	if err := errors.Join(Markdown(&b, many, Options{}), RefusedMarkdown(&c, calls, Options{})); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{b.String(), c.String()} {
		if len(out) > 65_536 {
			t.Errorf("has %d bytes", len(out))
		}
		if !strings.Contains(out, "too many for one comment") {
			t.Error("does not say what was left out")
		}
	}
}

func TestSARIFIsValid(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, samples(t), options()); err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(b.Bytes(), sarif.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if got, want := len(run.Tool.Driver.Rules), len(rules.IDs()); got != want {
		t.Errorf("%d rules, want %d", got, want)
	}
	suppressed := 0
	for _, r := range run.Results {
		if got := *run.Tool.Driver.Rules[r.RuleIndex].ID; got != *r.RuleID {
			t.Errorf("rule %s has the index of %s", *r.RuleID, got)
		}
		suppressed += len(r.Suppressions)
		uri := *r.Locations[0].PhysicalLocation.ArtifactLocation.URI
		if uri != "logs/2026/11/02.json" && uri != "requests/a%20job.json" {
			t.Errorf("uri %s", uri)
		}
		if region := r.Locations[0].PhysicalLocation.Region; (region == nil) != (uri == "requests/a%20job.json") {
			t.Errorf("%s: region %v", uri, region)
		}
	}
	if suppressed != 1 {
		t.Errorf("%d results are suppressed, want 1", suppressed)
	}
}

func TestFingerprintIsStable(t *testing.T) {
	f := sample(t, kind.TrainingJob, "fraud-7", internet, ownInternet)
	r := sarifResults(f)[0]
	first := fingerprint(f, r, "a.json")
	f.Time, f.Source.ID, f.Source.Offset = f.Time.Add(1), "other", 1
	if got := fingerprint(f, r, "b.json"); got != first {
		t.Error("the fingerprint depends on the record")
	}
	f.ARN = ""
	if fingerprint(f, r, "a.json") == fingerprint(f, r, "b.json") {
		t.Error("resources without an ARN have the same fingerprint in two files")
	}
}

func TestFileURI(t *testing.T) {
	for _, test := range []struct{ root, file, want string }{
		{"/repo", "", ""},
		{"/repo", "/repo/a/b.json", "a/b.json"},
		{"/repo", "/other/b.json", "file:///other/b.json"},
		{"", "/other/b c.json", "file:///other/b%20c.json"},
		{"/repo", "./a/../b.json", "b.json"},
		{"/repo", "standard input", "standard%20input"},
		{"/repo", "a:b.json", "./a:b.json"},
	} {
		if got := fileURI(test.root, test.file); got != test.want {
			t.Errorf("fileURI(%q, %q) = %q, want %q", test.root, test.file, got, test.want)
		}
	}
}

func TestASFFStats(t *testing.T) {
	list := samples(t)
	slices.Reverse(list) // whatever the order, the newest wins
	var b bytes.Buffer
	stats, err := ASFF(&b, list, options())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Older != 1 || stats.NoRule != 1 || len(stats.Skipped) != 1 || stats.Written != len(list)-3 {
		t.Errorf("%+v", stats)
	}
	if s := stats.Skipped[0]; !errors.Is(s.Err, finding.ErrNowhereToReport) || s.Finding.Source.Type != kind.ShapeRequest {
		t.Errorf("skipped %v: %v", s.Finding.Source, s.Err)
	}
	want := "\"CreatedAt\": \"2026-11-02T21:14:07.000Z\",\n    \"UpdatedAt\": \"2026-11-02T22:14:07.000Z\""
	if !strings.Contains(b.String(), want) {
		t.Errorf("no finding has %s", want)
	}
}
