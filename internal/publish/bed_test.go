package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var start = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

const account = "111122223333"

// bed is a publisher between a ledger in memory and the sandbox's Security Hub,
// in virtual time.
type bed struct {
	t       *testing.T
	world   *sandbox.World
	clock   *sandbox.Virtual
	store   *ledger.Memory
	p       *Publisher
	logs    bytes.Buffer
	metrics bytes.Buffer
	letters []Letter
	noMail  error // what writing a letter fails with

	// refuse, if not nil, gives the code with which Security Hub refuses a
	// finding that it is asked to import; empty takes it.
	refuse func(id string) string
	// garble, if not nil, is the body of every answer.
	garble []byte
	sent   [][]string // ids of each call that came through
	bodies [][]byte
}

func newBed(t *testing.T, region string) *bed {
	t.Helper()
	b := &bed{t: t, clock: sandbox.NewVirtual(start)}
	b.world = sandbox.New(sandbox.Options{Account: account, Region: region, Clock: b.clock, Seed: 1})
	b.store = ledger.NewMemory(b.clock.Now)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	key, secret := b.world.Credentials("publish", "function")
	hub := awsjson.New(aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token"),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	})
	b.p = New(Options{
		Store: b.store, Hub: hub, Account: account, Region: region,
		DeadLetter: func(_ context.Context, l Letter) error {
			if b.noMail == nil {
				b.letters = append(b.letters, l)
			}
			return b.noMail
		},
		Now: b.clock.Now, Sleep: b.clock.Sleep,
		Log: telemetry.New(&b.logs, slog.LevelInfo), Metrics: telemetry.NewMetrics(&b.metrics, "publish", b.clock.Now),
	})
	return b
}

// ServeHTTP is the way to the sandbox. The sandbox takes every finding that keeps
// the limits; which of them are refused for another reason is said here.
func (b *bed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	var call struct{ Findings []json.RawMessage }
	if err := json.Unmarshal(body, &call); err != nil {
		b.t.Error(err)
	}
	b.bodies = append(b.bodies, body)
	var taken []json.RawMessage
	var ids []string
	failed := []map[string]string{}
	for _, raw := range call.Findings {
		var f struct{ ID string }
		if err := json.Unmarshal(raw, &f); err != nil {
			b.t.Error(err)
		}
		ids = append(ids, f.ID)
		code := ""
		if b.refuse != nil {
			code = b.refuse(f.ID)
		}
		if code == "" {
			taken = append(taken, raw)
		} else {
			failed = append(failed, map[string]string{"Id": f.ID, "ErrorCode": code, "ErrorMessage": "it says " + code})
		}
	}
	b.sent = append(b.sent, ids)
	switch {
	case b.garble != nil:
		w.Write(b.garble)
		return
	case len(failed) == 0:
		r.Body = io.NopCloser(bytes.NewReader(body))
		b.world.ServeHTTP(w, r)
		return
	case len(taken) > 0:
		body, err := json.Marshal(map[string]any{"Findings": taken})
		if err != nil {
			b.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		if b.world.ServeHTTP(rec, r); rec.Code != http.StatusOK {
			w.Header().Set("X-Amzn-Errortype", rec.Header().Get("X-Amzn-Errortype"))
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes())
			return
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"FailedCount": len(failed), "SuccessCount": len(taken), "FailedFindings": failed})
}

// with changes an entry before it is put.
type with func(*ledger.Entry)

// entry is evidence about a resource that fails.
func (b *bed) entry(k kind.Kind, name string, changes ...with) ledger.Entry {
	b.t.Helper()
	row, ok := kind.Of(k)
	if !ok {
		b.t.Fatalf("no kind %s", k)
	}
	region := b.world.Region()
	now := b.clock.Now()
	e := ledger.Entry{
		Resource: string(k) + "/" + name, Kind: k, Key: name, Name: name,
		ARN:       row.Build(kind.Partition(region), region, account, name),
		Partition: kind.Partition(region), Account: account, Region: region, Created: start, FirstSeen: start,
		Life:    ledger.Life{At: now, State: ledger.Live},
		Verdict: ledger.Verdict{At: now, Class: "c", Compliance: rules.Failed, Severity: rules.High},
	}
	for _, change := range changes {
		change(&e)
	}
	e.Verdict.Finding = b.finding(&e)
	return e
}

// finding is the finding of an entry's verdict as evaluation makes it.
func (b *bed) finding(e *ledger.Entry) json.RawMessage {
	b.t.Helper()
	row, _ := kind.Of(e.Kind)
	j := rules.Judgement{Verdict: verdict.Verdict{Class: verdict.C}, Compliance: e.Verdict.Compliance, Severity: e.Verdict.Severity}
	if e.Verdict.Compliance == rules.Failed || e.Verdict.Compliance == rules.Warning {
		j.Results = []rules.Result{{Rule: rules.NoOwnInternet, Result: e.Verdict.Compliance, Severity: e.Verdict.Severity, Message: "leaves on its own path"}}
	}
	f := finding.Finding{
		Row: row, Name: e.Name, ARN: e.ARN, Partition: e.Partition, Account: e.Account, Region: e.Region,
		Time: e.Verdict.At, Created: e.Created, Judgement: j,
		Source: kind.Source{Type: kind.ShapeCloudTrail, Event: "Create", ID: "event-" + e.Verdict.At.Format("150405")},
	}
	a, err := f.ASFF(b.clock.Now())
	if errors.Is(err, finding.ErrNothingToReport) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := json.Marshal(a)
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

func is(c rules.Compliance) with { return func(e *ledger.Entry) { e.Verdict.Compliance = c } }

func in(s ledger.State) with { return func(e *ledger.Entry) { e.Life.State = s } }

func born(t time.Time) with { return func(e *ledger.Entry) { e.Created, e.FirstSeen = t, t } }

// put writes an entry over what there is, a second later than the last.
func (b *bed) put(e ledger.Entry) *ledger.Entry {
	b.t.Helper()
	b.clock.Advance(time.Second)
	old, err := b.store.Entry(b.t.Context(), e.Resource)
	if err != nil {
		b.t.Fatal(err)
	}
	if old != nil {
		e.Version, e.Written = old.Version, old.Written
	}
	if err := b.store.PutEntry(b.t.Context(), &e); err != nil {
		b.t.Fatal(err)
	}
	return &e
}

// respond writes a response over what there is.
func (b *bed) respond(r ledger.Response) {
	b.t.Helper()
	b.clock.Advance(time.Second)
	old, err := b.store.Response(b.t.Context(), r.Resource)
	if err != nil {
		b.t.Fatal(err)
	}
	if old != nil {
		r.Version, r.Written = old.Version, old.Written
	}
	if err := b.store.PutResponse(b.t.Context(), &r); err != nil {
		b.t.Fatal(err)
	}
}

// publish handles what the stream has, all of which must be taken.
func (b *bed) publish() {
	b.t.Helper()
	if failed, err := b.p.Handle(b.t.Context(), b.store.Drain()); err != nil || len(failed) > 0 {
		b.t.Fatalf("failed %v: %v", failed, err)
	}
}

// holds compares what Security Hub keeps, a line a finding: the end of the id,
// status, state and how often it was imported.
func (b *bed) holds(want ...string) {
	b.t.Helper()
	var got []string
	for _, f := range b.world.Findings() {
		_, id, _ := strings.Cut(f.ID, account+":")
		got = append(got, fmt.Sprintf("%s %s %s %d", id, f.Compliance.Status, f.RecordState, f.Imports))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("Security Hub holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// counts are the metrics since they were last asked for.
func (b *bed) counts() map[telemetry.Metric]int {
	b.t.Helper()
	b.metrics.Reset()
	if err := b.p.o.Metrics.Flush(); err != nil {
		b.t.Fatal(err)
	}
	var line map[string]any
	if err := json.Unmarshal(b.metrics.Bytes(), &line); err != nil {
		b.t.Fatal(err)
	}
	out := map[telemetry.Metric]int{}
	for _, m := range []telemetry.Metric{telemetry.Received, telemetry.Imported, telemetry.ImportFailed, telemetry.HubOff, telemetry.Poison, telemetry.Retried} {
		if n, ok := line[m.String()].(float64); ok {
			out[m] = int(n)
		}
	}
	return out
}

func (b *bed) is(what telemetry.Metric, counts map[telemetry.Metric]int, want int) {
	b.t.Helper()
	if counts[what] != want {
		b.t.Errorf("%s is %d, want %d", what, counts[what], want)
	}
}

// hubOf is a client whose calls answer may answer; the others go to the sandbox.
func hubOf(b *bed, answer func(*http.Request, []byte) *http.Response) *awsjson.Client {
	server := httptest.NewServer(b)
	b.t.Cleanup(server.Close)
	key, secret := b.world.Credentials("publish", "function")
	return awsjson.New(aws.Config{
		Region: b.world.Region(), BaseEndpoint: aws.String(server.URL), HTTPClient: client(answer),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token"),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	})
}

type client func(*http.Request, []byte) *http.Response

func (c client) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if response := c(r, body); response != nil {
		return response, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultClient.Do(r)
}

// answerOf is an error as Security Hub answers with.
func answerOf(r *http.Request, status int, code, message string) *http.Response {
	rec := httptest.NewRecorder()
	rec.Header().Set("X-Amzn-Errortype", code)
	rec.WriteHeader(status)
	fmt.Fprintf(rec, `{"Code":%q,"Message":%q}`, code, message)
	response := rec.Result()
	response.Request = r
	return response
}

// deniedHub is a client whose role may not import.
func deniedHub(b *bed) *awsjson.Client {
	return hubOf(b, func(r *http.Request, _ []byte) *http.Response {
		return answerOf(r, http.StatusForbidden, "AccessDeniedException", "User is not authorized to perform: securityhub:BatchImportFindings")
	})
}
