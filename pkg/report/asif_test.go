package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// comparison compares two rules files over records, one a line.
func comparison(t *testing.T, history, current, as string) *asif.Report {
	t.Helper()
	index := resolve.New()
	var all []*kind.Observation
	for line := range strings.Lines(history) {
		o, err := events.DecodeLife([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o...)
	}
	slices.SortStableFunc(all, func(a, b *kind.Observation) int { return a.Time.Compare(b.Time) })
	for _, o := range all {
		index.Add(o)
	}
	load := func(text string) *rules.File {
		if text == "" {
			return rules.Default()
		}
		f, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	o := asif.Options{Now: evening}
	o.Sides[asif.Current] = asif.Side{Name: "current.yaml", File: load(current)}
	o.Sides[asif.New] = asif.Side{Name: "new.yaml\x1b[31m", File: load(as)}
	return asif.Run(all, index, o)
}

// comparisons are those of the histories in testdata/as-if, and one of nasty names,
// of two accounts, and of what has no time.
func comparisons(t *testing.T) map[string]*asif.Report {
	t.Helper()
	out := map[string]*asif.Report{}
	root := filepath.Join("..", "..", "testdata", "as-if")
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	read := func(path ...string) string {
		b, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, f := range folders {
		out[f.Name()] = comparison(t, read(f.Name(), "history.jsonl"), read(f.Name(), "current.yaml"), read(f.Name(), "new.yaml"))
	}
	var b strings.Builder
	for i, name := range nasty {
		quoted := strings.NewReplacer(`"`, `\"`, "\x1b", `\u001b`, "\u009b", `\u009b`, "\n", `\n`, "\t", `\t`, "\x00", `\u0000`).Replace(name)
		fmt.Fprintf(&b, `{"eventSource":"sagemaker.amazonaws.com","eventName":"CreateTrainingJob","awsRegion":"eu-west-1","recipientAccountId":%q,"eventTime":"2026-11-02T09:0%d:00Z","eventID":"e%d","userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/%s/x"},"requestParameters":{"trainingJobName":"%s"}}`+"\n",
			[]string{"111122223333", "444455556666"}[i%2], i, i, quoted, quoted)
	}
	b.WriteString(`{"TrainingJobName":"untimed","RoleArn":"r","OutputDataConfig":{}}` + "\n")
	out["nasty"] = comparison(t, b.String(), "", "version: 1\nresponse: {mode: stop, routes: [{match: {names: ['*']}, team: ml}]}\n")
	return out
}

func TestAsIfJSONKeepsTheSchema(t *testing.T) {
	strict, open := schema(t, "asif.schema.json", true), schema(t, "asif.schema.json", false)
	seen := map[string]bool{}
	for name, r := range comparisons(t) {
		var b bytes.Buffer
		if err := AsIfJSON(&b, r, Options{}); err != nil {
			t.Fatal(err)
		}
		for i, line := range lines(t, b.Bytes()) {
			typ, _ := line["type"].(string)
			if err := strict.Validate(line); err != nil {
				t.Errorf("%s, line %d: %v", name, i, err)
			}
			if seen[typ] {
				continue
			}
			seen[typ] = true
			for member := range line {
				broken := lines(t, b.Bytes())[i]
				delete(broken, member)
				if open.Validate(broken) == nil {
					t.Errorf("a line of type %s without %s is accepted", typ, member)
				}
				broken[member] = []any{map[string]any{}}
				if open.Validate(broken) == nil {
					t.Errorf("a line of type %s with a wrong %s is accepted", typ, member)
				}
			}
			line["later"] = true
			if err := open.Validate(line); err != nil {
				t.Errorf("a member of a later version is refused: %v", err)
			}
		}
		if strings.ContainsFunc(strings.ReplaceAll(b.String(), "\n", ""), invisible) {
			t.Errorf("%s: something that cannot be seen is in the output", name)
		}
	}
	for _, typ := range []string{"period", "total", "day", "team", "rule", "exception", "breaker", "difference", "stop"} {
		if !seen[typ] {
			t.Errorf("no line of type %s was tried", typ)
		}
	}
}

// TestAsIfSafe: nothing of a name reaches a terminal or a comment as it stands.
func TestAsIfSafe(t *testing.T) {
	r := comparisons(t)["nasty"]
	for format, write := range map[string]func(io.Writer, *asif.Report, Options) error{"table": AsIfTable, "markdown": AsIfMarkdown} {
		for _, width := range []int{0, 60, 200} {
			var b bytes.Buffer
			if err := write(&b, r, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for _, c := range b.String() {
				if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)) {
					t.Errorf("%s: %q is in the output", format, c)
				}
			}
			if format == "markdown" && (strings.Contains(b.String(), "<script>") && !strings.Contains(b.String(), "`<script>") || strings.Contains(b.String(), "new.yaml\x1b")) {
				t.Errorf("HTML is in the comment:\n%s", b.String())
			}
			for _, want := range []string{"111122223333", "444455556666", "untimed"} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("%s: no %s:\n%s", format, want, b.String())
				}
			}
		}
	}
}

// TestAsIfMarkdown: a comment says what the table says, and is no longer than one may
// be.
func TestAsIfMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := AsIfMarkdown(&b, comparisons(t)["breaker"], Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| held by the circuit breaker | 0 | 2 | +2 |", "#### Circuit breaker\n\n- as if, 111122223333 eu-west-1: opens at 2026-11-02 09:35:00 UTC",
		"#### 7 resources with another outcome", "| 2026-11-02 09:35:00 | as if | held by the breaker | `StopTrainingJob` | `open-6` | `no-own-internet` |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	var history strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&history, `{"eventSource":"sagemaker.amazonaws.com","eventName":"CreateTrainingJob","awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventTime":%q,"eventID":"e%d","requestParameters":{"trainingJobName":"job-%d"}}`+"\n",
			evening.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i, i)
	}
	b.Reset()
	if err := AsIfMarkdown(&b, comparison(t, history.String(), "", "version: 1\nresponse: {mode: stop}\n"), Options{}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 65_536 || !strings.Contains(b.String(), "too many for one comment") {
		t.Errorf("%d bytes", b.Len())
	}
}

// TestAsIfNothing: there may be nothing to compare, and nothing that differs.
func TestAsIfNothing(t *testing.T) {
	empty := comparison(t, "", "", "version: 1\n")
	for format, c := range map[string]struct {
		write func(io.Writer, *asif.Report, Options) error
		want  string
	}{
		"table":    {AsIfTable, nothing + "\n"},
		"markdown": {AsIfMarkdown, "### sagemoat\n\n" + nothing + "\n"},
	} {
		var b bytes.Buffer
		if err := c.write(&b, empty, Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
	var b bytes.Buffer
	if err := AsIfMarkdown(&b, comparisons(t)["unstoppable"], Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"No resource has another outcome.", "Nothing would be stopped."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
