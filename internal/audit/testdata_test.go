package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// records is where the records are that were written for this project: a folder
// a kind, a file a behaviour. Beside X.json, X.jsonl or X.yaml stands X.want.json, which
// was written by hand from what the records mean, not from what came out.
var records = filepath.Join("..", "..", "testdata")

// now decides nothing here, for no exception is in force.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// expectation is what a file of records must give.
type expectation struct {
	Verdicts   []essence  `json:"verdicts"`
	Refused    []string   `json:"refused"`    // the calls that were refused
	Problems   []string   `json:"problems"`   // a piece of each problem's text
	Duplicates int        `json:"duplicates"` // records left out as repeated
	RulesOn    []rules.ID `json:"rulesOn"`    // on besides the default ones
}

// essence is what matters of a verdict. The last three are compared only where
// the expectation has them.
type essence struct {
	Kind       kind.Kind     `json:"kind"`
	Name       string        `json:"name"`
	Class      string        `json:"class"`
	DataPath   string        `json:"dataPath"`
	Compliance string        `json:"compliance"`
	Severity   string        `json:"severity"`
	Rules      []essenceRule `json:"rules"`
	Parts      []essencePart `json:"parts"`
	Time       string        `json:"time"`
	Source     string        `json:"source"` // type and event
	ARN        string        `json:"arn"`

	VPCReach       string   `json:"vpcReach"`
	Subnets        []string `json:"subnets"`
	SecurityGroups []string `json:"securityGroups"`
}

type essenceRule struct {
	ID     rules.ID `json:"id"`
	Result string   `json:"result"`
	Path   string   `json:"path"`
}

type essencePart struct {
	Name       string `json:"name"`
	Path       string `json:"path"`
	Class      string `json:"class"`
	Compliance string `json:"compliance"`
}

// essenceOf reads a verdict as it is printed.
func essenceOf(t testing.TB, f *finding.Finding) essence {
	t.Helper()
	line, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var printed struct {
		essence
		Source  struct{ Type, Event string } `json:"source"`
		Posture struct {
			VPCReach                string
			Subnets, SecurityGroups []string
		} `json:"posture"`
	}
	if err := json.Unmarshal(line, &printed); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	e := printed.essence
	e.Source = strings.TrimSpace(printed.Source.Type + " " + printed.Source.Event)
	e.VPCReach, e.Subnets, e.SecurityGroups = printed.Posture.VPCReach, printed.Posture.Subnets, printed.Posture.SecurityGroups
	return e
}

// run audits some paths by the default rules and the given ones.
func run(t testing.TB, on []rules.ID, paths ...string) *Report {
	t.Helper()
	file := rules.Default()
	for _, id := range on {
		file.Rules[id] = rules.Setting{On: true}
	}
	report, err := Run(context.Background(), Inputs{Paths: paths}, Options{Rules: file, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// inputs are the files of records below the folder of each kind, and problems
// tells of expectations without a file.
func inputs(t testing.TB) (files []string) {
	t.Helper()
	wants := map[string]bool{}
	err := filepath.WalkDir(records, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && d.Name() == "as-if":
			return fs.SkipDir // histories, for package asif
		case err != nil || d.IsDir():
			return err
		case strings.HasSuffix(path, ".want.json"):
			wants[path] = true
		case slices.Contains([]string{".json", ".jsonl", ".yaml"}, filepath.Ext(path)):
			files = append(files, path)
		default:
			t.Errorf("%s is neither a file of records nor an expectation", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, file := range files {
		w := wantOf(file)
		if !wants[w] {
			t.Errorf("%s has no expectation: write %s", file, w)
		}
		if other := seen[w]; other != "" {
			t.Errorf("%s and %s have the same expectation", other, file)
		}
		seen[w] = file
	}
	for w := range wants {
		if seen[w] == "" {
			t.Errorf("%s expects something of a file that is not there", w)
		}
	}
	return files
}

func wantOf(file string) string { return strings.TrimSuffix(file, filepath.Ext(file)) + ".want.json" }

func readWant(t testing.TB, file string) expectation {
	t.Helper()
	text, err := os.ReadFile(wantOf(file))
	if err != nil {
		t.Fatal(err)
	}
	var want expectation
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&want); err != nil {
		t.Fatalf("%s: %v", wantOf(file), err)
	}
	return want
}

func TestRecords(t *testing.T) {
	for _, file := range inputs(t) {
		name, err := filepath.Rel(records, file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			want := readWant(t, file)
			report := run(t, want.RulesOn, file)
			got := expectation{Duplicates: report.Duplicates, RulesOn: want.RulesOn}
			for _, f := range report.Findings {
				got.Verdicts = append(got.Verdicts, essenceOf(t, f))
			}
			for _, o := range report.Refused {
				got.Refused = append(got.Refused, o.Source.Event)
			}
			for i, p := range report.Problems {
				text := p.Error()
				if i < len(want.Problems) && strings.Contains(text, want.Problems[i]) {
					text = want.Problems[i]
				}
				got.Problems = append(got.Problems, text)
			}
			// What the expectation leaves out is not compared.
			for i := range min(len(got.Verdicts), len(want.Verdicts)) {
				g, w := &got.Verdicts[i], &want.Verdicts[i]
				if w.VPCReach == "" {
					g.VPCReach = ""
				}
				if w.Subnets == nil {
					g.Subnets = nil
				}
				if w.SecurityGroups == nil {
					g.SecurityGroups = nil
				}
			}
			if len(want.Verdicts) == 0 {
				want.Verdicts = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Every kind has a record that passes, one that fails and one that cannot be
// told, in the shapes that exist for it.
func TestRecordsAreEnough(t *testing.T) {
	type key struct {
		kind kind.Kind
		what string
	}
	seen := map[key]bool{}
	for _, file := range inputs(t) {
		k := kind.Kind(filepath.Base(filepath.Dir(file)))
		if _, ok := kind.Of(k); !ok {
			t.Errorf("%s is in a folder that is no kind's", file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`via CloudTrail"`)) {
			seen[key{k, "a call by EventBridge"}] = true
		}
		for _, v := range readWant(t, file).Verdicts {
			if v.Kind != k {
				continue
			}
			shape, _, _ := strings.Cut(v.Source, " ")
			seen[key{k, shape}] = true
			switch {
			case v.Compliance == "PASSED" || v.Class == "n/a" && v.Compliance == "NOT_AVAILABLE":
				seen[key{k, "compliant"}] = true
			case v.Compliance == "FAILED":
				seen[key{k, "failing"}] = true
			}
			if v.Class == "unknown" || v.Compliance == "WARNING" {
				seen[key{k, "unknown"}] = true
			}
		}
	}
	for _, row := range kind.Table() {
		needed := []string{"compliant", "failing", "unknown", "cloudtrail", "describe", "request", "a call by EventBridge"}
		if len(row.Natives) > 0 {
			needed = append(needed, "native")
		}
		if row.CloudFormation != "" {
			needed = append(needed, "cloudformation")
		}
		if row.Terraform != "" {
			needed = append(needed, "terraform")
		}
		for _, what := range needed {
			// No rule is about a work team: its workforce decides.
			if row.Kind == kind.Workteam && (what == "failing" || what == "unknown") {
				continue
			}
			if !seen[key{row.Kind, what}] {
				t.Errorf("testdata/%s has no record that is: %s", row.Kind, what)
			}
		}
	}
}

// Records hold only what was made up: two accounts, and nothing like a key.
func TestRecordsAreMadeUp(t *testing.T) {
	account := regexp.MustCompile(`(^|[^0-9a-f.-])([0-9]{12})([^0-9a-f.-]|$)`)
	secret := regexp.MustCompile(`(AKIA|ASIA)[A-Z0-9]{4}|-----BEGIN|"sessionToken"`)
	id := regexp.MustCompile(`"eventID": ?"([^"]*)"`)
	plausible := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	allowed := []string{"111122223333", "444455556666"}
	ids := map[string]string{}
	err := filepath.WalkDir(records, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range account.FindAllSubmatch(text, -1) {
			if !slices.Contains(allowed, string(m[2])) {
				t.Errorf("%s: account %s", path, m[2])
			}
		}
		if m := secret.Find(text); m != nil {
			t.Errorf("%s: looks like a secret: %s", path, m)
		}
		for _, m := range id.FindAllSubmatch(text, -1) {
			if !plausible.Match(m[1]) {
				t.Errorf("%s: eventID %s is no UUID", path, m[1])
			}
			if other := ids[string(m[1])]; other != "" && other != filepath.Dir(path) {
				t.Errorf("%s: eventID %s is in %s too", path, m[1], other)
			}
			ids[string(m[1])] = filepath.Dir(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// All records together: nothing of one file but what refers by name and account
// changes another, so that nothing is lost or made up on the way.
func TestAllRecordsAtOnce(t *testing.T) {
	report := run(t, nil, records)
	for _, p := range report.Problems {
		if strings.HasSuffix(p.File, ".want.json") || strings.Contains(p.File, "refused-") {
			continue
		}
		t.Error(p)
	}
	if !report.Failed("") || len(report.Findings) < 400 {
		t.Errorf("%d findings", len(report.Findings))
	}
	for i := 1; i < len(report.Findings); i++ {
		if report.Findings[i].Time.Before(report.Findings[i-1].Time) {
			t.Errorf("finding %d is before finding %d", i, i-1)
		}
	}
}
