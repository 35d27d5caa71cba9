package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// texts are what people put into names, and worse.
var texts = []string{
	"fraud-7", "プロジェクト-不正検知", "עברית", "👩🏽‍🔬🧪", "a\x00b\x1b[2J", "\u202egnp.exe", "<script>&amp;", strings.Repeat("é", 600),
	strings.Repeat("x", 10_000), "\xff\xfe", "\ufeff", "null", `"},{"`, strings.Repeat("<", 2_000), "\u2028\u2029", "🏳️‍🌈" + strings.Repeat("🏳️‍🌈", 300),
}

func anyText(random *rand.Rand) string {
	s := texts[random.IntN(len(texts))]
	if random.IntN(3) == 0 {
		s += texts[random.IntN(len(texts))]
	}
	return s
}

// anyEntry is an entry whose finding says whatever a record can make it say.
func anyEntry(random *rand.Rand, n int) (ledger.Entry, error) {
	rows := kind.Table()
	row := rows[random.IntN(len(rows))]
	ids := func(prefix string) (out posture.IDs) {
		for range random.IntN(17) {
			value := fmt.Sprintf("%s-%016x", prefix, random.Uint64())
			if random.IntN(8) == 0 {
				value = anyText(random)
			}
			out.List = append(out.List, posture.ID{Value: value})
		}
		return out
	}
	key := fmt.Sprintf("%d-%s", n, strings.ToValidUTF8(anyText(random), "?")) // a key of the ledger is text
	statuses := []rules.Compliance{rules.Failed, rules.Warning}
	e := ledger.Entry{
		Resource: string(row.Kind) + "/" + key, Kind: row.Kind, Key: key, Name: key, Account: account, Region: "ap-southeast-1", Partition: "aws",
		Created: start, FirstSeen: start, Life: ledger.Life{At: start, State: ledger.Live},
		Verdict: ledger.Verdict{At: start, Rules: ledger.RulesVersion{ID: anyText(random)}, Compliance: statuses[random.IntN(2)], Severity: rules.Severities()[random.IntN(5)]},
	}
	if random.IntN(4) > 0 {
		e.ARN = "arn:aws:sagemaker:ap-southeast-1:" + account + ":" + string(row.Kind) + "/" + key
	}
	j := rules.Judgement{
		Verdict: verdict.Verdict{Class: verdict.Classes()[random.IntN(len(verdict.Classes()))]}, Compliance: e.Verdict.Compliance, Severity: e.Verdict.Severity,
		Posture: posture.Posture{Subnets: ids("subnet"), SecurityGroups: ids("sg"), DirectInternet: posture.Yes},
	}
	for range random.IntN(6) {
		j.Results = append(j.Results, rules.Result{
			Rule: rules.IDs()[random.IntN(len(rules.IDs()))], Result: e.Verdict.Compliance, Severity: e.Verdict.Severity,
			Message: anyText(random), Path: anyText(random), Exception: anyText(random),
		})
	}
	for range random.IntN(20) {
		j.Parts = append(j.Parts, rules.Judged{Part: kind.Part{Name: anyText(random), Kind: row.Kind, Posture: posture.Posture{Subnets: ids("subnet")}}, Results: j.Results})
	}
	f := finding.Finding{
		Row: row, Name: e.Name, ARN: e.ARN, Account: e.Account, Region: e.Region, Time: start, Created: start, Judgement: j,
		Source:  kind.Source{Type: kind.ShapeCloudTrail, Event: anyText(random), ID: anyText(random), Actor: anyText(random)},
		Subnets: []string{anyText(random)}, SecurityGroups: []string{anyText(random)},
	}
	a, err := f.ASFF(start)
	if err != nil {
		return e, err
	}
	e.Verdict.Finding, err = json.Marshal(a)
	return e, err
}

// TestFigure13: whatever stands in the records, Security Hub takes the findings.
func TestFigure13(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 13))
	n := chaos.N(500, 100_000)
	largest, largestCall, imported := 0, 0, 0
	for done := 0; done < n; done += 500 {
		b := newBed(t, "ap-southeast-1")
		for i := range 500 {
			e, err := anyEntry(random, done+i)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.store.PutEntry(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
			if random.IntN(4) == 0 {
				r := told(e.Resource, e.Created)
				r.Stop = ledger.Stop{State: ledger.Withheld, Operation: anyText(random), By: anyText(random), Why: anyText(random)}
				if err := b.store.PutResponse(t.Context(), &r); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.publish()
		if len(b.letters) > 0 {
			t.Fatalf("%+v", b.letters[0])
		}
		for _, body := range b.bodies {
			largestCall = max(largestCall, len(body))
			var call struct{ Findings []json.RawMessage }
			if err := json.Unmarshal(body, &call); err != nil {
				t.Fatal(err)
			}
			if len(body) > maxBytes || len(call.Findings) > maxFindings {
				t.Fatalf("a call of %d bytes and %d findings", len(body), len(call.Findings))
			}
			for _, raw := range call.Findings {
				largest = max(largest, len(raw))
			}
		}
		imported += len(b.world.Findings())
	}
	if imported != n || largest > 240_000 {
		t.Errorf("%d of %d imported, the largest has %d bytes", imported, n, largest)
	}
	t.Logf("%d findings, the largest %d bytes, the largest call %d bytes", imported, largest, largestCall)
}

// secrets hands out values that must not be seen again.
type secrets struct{ all []string }

func (s *secrets) next(form string) string {
	value := fmt.Sprintf("hunter2x%04dx%04x", len(s.all), len(s.all)*7919%65536)
	s.all = append(s.all, value)
	return strings.ReplaceAll(form, "SECRET", value)
}

// seed puts secrets where people keep them into every configuration of a record.
func (s *secrets) seed(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			s.seed(item)
		}
	case map[string]any:
		for _, member := range []string{"requestParameters", "responseElements", "detail"} {
			doc, ok := v[member].(map[string]any)
			if !ok {
				continue
			}
			if _, nested := doc["requestParameters"]; nested {
				continue // an event around a record
			}
			url := "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=SECRET&X-Amz-Security-Token=SECRET"
			for name, value := range map[string]any{
				"environment":     map[string]any{"DB_PASSWORD": s.next("SECRET"), s.next("SECRET"): "x"},
				"hyperParameters": map[string]any{"api_key": s.next("SECRET"), "url": s.next(url)},
				"tags":            []any{map[string]any{"key": s.next("SECRET"), "value": s.next("token=SECRET")}},
				"authorizedUrl":   s.next(url), "s3Uri": s.next(url), "secretToken": s.next("SECRET"),
			} {
				if member == "detail" {
					name = strings.ToUpper(name[:1]) + name[1:]
				}
				doc[name] = value
			}
		}
		for _, inner := range v {
			s.seed(inner)
		}
	}
}

// TestFigure17 publishes the findings of all records of this project, with
// secrets in their environments, hyperparameters, tags and URLs.
func TestFigure17(t *testing.T) {
	s := &secrets{}
	dir := t.TempDir()
	err := filepath.WalkDir(filepath.Join("..", "..", "testdata"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".want.json") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var doc any
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(&doc); err != nil {
			return nil //nolint:nilerr // some are broken on purpose
		}
		s.seed(doc)
		if raw, err = json.Marshal(doc); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(filepath.ToSlash(path), "/", "_")), raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Run(t.Context(), audit.Inputs{Paths: []string{dir}}, audit.Options{Rules: rules.Default(), Now: start})
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t, "eu-west-1")
	published := map[string]bool{}
	for n, f := range report.Findings {
		a, err := f.ASFF(start)
		if err != nil || f.Judgement.Compliance == rules.Passed {
			continue
		}
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%d-%s", n, f.Name)
		e := ledger.Entry{
			Resource: string(f.Row.Kind) + "/" + key, Kind: f.Row.Kind, Key: key, Name: f.Name, Account: f.Account, Region: f.Region,
			FirstSeen: start, Life: ledger.Life{At: start, State: ledger.Live},
			Verdict: ledger.Verdict{At: f.Time, Compliance: f.Judgement.Compliance, Severity: f.Judgement.Severity, Finding: raw},
		}
		if n%5 == 0 { // never to be imported, and so a letter
			e.Verdict.Finding = bytes.Replace(raw, []byte(`"SchemaVersion":"2018-10-08"`), []byte(`"SchemaVersion":"?"`), 1)
		}
		published[string(f.Row.Kind)] = true
		if err := b.store.PutEntry(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
	}
	b.refuse = func(id string) string {
		if len(id)%5 == 0 {
			return "InternalFailure"
		}
		return ""
	}
	_, err = b.p.Handle(t.Context(), b.store.Drain())
	letters, mErr := json.Marshal(b.letters)
	if mErr != nil {
		t.Fatal(mErr)
	}
	b.counts()
	seen := slices.Concat(bytes.Join(b.bodies, nil), b.logs.Bytes(), b.metrics.Bytes(), letters, fmt.Append(nil, err))
	for _, secret := range s.all {
		if bytes.Contains(seen, []byte(secret)) {
			t.Errorf("%s is told", secret)
		}
	}
	if !bytes.Contains(seen, []byte("assumed-role/DataScience/ana")) {
		t.Error("the findings were not looked through")
	}
	if len(s.all) < 500 || len(published) < 20 || len(b.world.Findings()) < 100 || len(b.letters) < 30 || err == nil {
		t.Errorf("%d secrets, %d kinds, %d findings, %d letters, %v", len(s.all), len(published), len(b.world.Findings()), len(b.letters), err)
	}
	t.Logf("%d secrets in %d findings of %d kinds and %d dead letters: none told", len(s.all), len(b.world.Findings()), len(published), len(b.letters))
}
