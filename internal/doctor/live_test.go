package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/internal/awstest/dynamolocal"
	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const liveRole = "arn:aws:iam::111122223333:role/SageMakerExecution"

// table is a ledger in DynamoDB Local, whose stream is read as Lambda does.
type table struct {
	*dynamo.Store
	t      testing.TB
	mu     sync.Mutex
	stream *dynamolocal.Stream
}

// Drain returns what was written since the last time.
func (s *table) Drain() []ledger.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	records, err := s.stream.Next(s.t.Context())
	if err != nil {
		return nil // the test is over
	}
	changes, bad := dynamo.Changes(records)
	if len(bad) > 0 {
		s.t.Errorf("the stream: %v", bad)
	}
	return changes
}

// liveBed is all of sagemoat at work: the handlers in real time around the sandbox,
// the ledger in DynamoDB Local, and a doctor who sees both as one account.
type liveBed struct {
	testing.TB
	flow  *flow.Flow
	store *table
	wire  *wire
	x     *session
}

var tables atomic.Int64

func newLiveBed(t testing.TB) *liveBed {
	t.Helper()
	name := fmt.Sprintf("live-%d", tables.Add(1))
	client, stream := dynamolocal.Create(t, dynamo.Table(name))
	b := &liveBed{TB: t, store: &table{Store: dynamo.New(client, name, time.Now), t: t, stream: stream}}
	before := time.Now().Add(-time.Hour)
	ok(t, b.store.PutControl(t.Context(), ledger.Baseline, 0, ledger.FirstSweep{Started: before, Done: before, Told: before}))

	var stop func()
	var err error
	b.flow, stop, err = flow.New(t.Context(), flow.Options{Clock: sandbox.System{}, Seed: 1, EventDelay: 50 * time.Millisecond, Store: b.store})
	ok(t, err)
	t.Cleanup(stop)
	endpoint, stopHTTP, err := b.flow.World.Start(t.Context())
	ok(t, err)
	t.Cleanup(stopHTTP)
	there, err := url.Parse(endpoint)
	ok(t, err)
	database, err := url.Parse(dynamolocal.Endpoint(t))
	ok(t, err)
	b.wire = &wire{to: func(service string) *url.URL {
		if service == "dynamodb" {
			return database
		}
		return there
	}, rewrite: func(service string, r *httputil.ProxyRequest) {
		if service == "dynamodb" { // which keeps the tables of access keys apart
			r.Out.Header.Set("Authorization", regexp.MustCompile(`Credential=[^/]+/`).ReplaceAllString(r.In.Header.Get("Authorization"), "Credential=test/"))
		}
	}}
	key, secret := b.flow.World.Credentials("auditor", "ana")
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String(b.wire.start(t)), Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	out := outputs()
	out[OutTable] = name
	// Neither the sandbox nor DynamoDB Local has CloudFormation: moto's stack is read
	// in the other tests.
	b.x = sessionOf(Options{Now: time.Now}, cfg, account, "arn:aws:sts::111122223333:assumed-role/auditor/ana")
	b.x.described = answered("cloudformation:DescribeStacks", &stack{status: "CREATE_COMPLETE", outputs: out}, nil)
	b.x.stack = b.x.described.value
	return b
}

// serve has the functions run until the test ends.
func (b *liveBed) serve() {
	ctx, cancel := context.WithCancel(b.Context())
	var done sync.WaitGroup
	done.Go(func() { b.flow.Serve(ctx, 1) })
	b.flow.Every(ctx, 30*time.Millisecond, func(context.Context) error { return nil }) // the stream has no one else to wake its readers
	b.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

// live is a self-test with short times.
func (b *liveBed) live(timeout time.Duration) (*Live, *[]Line) {
	b.Helper()
	l, err := (&Doctor{b.x}).NewLive(liveRole, timeout)
	ok(b, err)
	l.poll = 20 * time.Millisecond
	lines := &[]Line{}
	l.Done = func(line Line) { *lines = append(*lines, line) }
	return l, lines
}

// stages are the lines in short.
func stages(lines []Line) (out []string) {
	for _, l := range lines {
		if l.Check != "live-rest" {
			out = append(out, strings.TrimPrefix(l.Check, "live-")+" "+l.Status.String())
		}
	}
	return out
}

// left are the pipelines that are still there.
func (b *liveBed) left(name string) bool {
	_, err := b.flow.World.SageMaker().Create("DescribePipeline", map[string]any{"PipelineName": name})
	return err == nil
}

// called counts the calls of an operation.
func (b *liveBed) called(operation string) (n int) {
	for _, c := range b.flow.World.Calls() {
		if c.Operation == operation && strings.Contains(c.Caller, "auditor") {
			n++
		}
	}
	return n
}

// TestLive: the self-test against everything at work.
func TestLive(t *testing.T) {
	t.Parallel()
	b := newLiveBed(t)
	b.serve()
	l, lines := b.live(time.Minute)
	stagesTold := map[string]bool{}
	l.Tell = func(stage string, _ time.Duration) { stagesTold[stage] = true }
	r, err := l.Run(t.Context())
	ok(t, err)
	want := []string{"create ok", "ledger ok", "finding ok", "delete ok", "gone ok", "archived ok"}
	if got := stages(r.Lines); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q\n%s", got, want, told(r.Lines))
	}
	if !r.Sound() || len(r.lines("live-rest")) == 0 || len(*lines) != len(r.Lines) {
		t.Errorf("sound %v, %d lines told of %d", r.Sound(), len(*lines), len(r.Lines))
	}
	if f := r.lines("live-ledger")[0].Found; !strings.Contains(f, "FAILED HIGH, class b-internet, by the event CreatePipeline") {
		t.Errorf("the ledger: %s", f)
	}
	for _, l := range r.Lines[:6] {
		if l.Seconds <= 0 || l.Why == "" || l.Group != selfTest {
			t.Errorf("%+v", l)
		}
	}
	if b.left(l.Name) {
		t.Error("the pipeline is still there")
	}
	if !stagesTold["live-ledger"] || b.called("StartPipelineExecution") != 0 {
		t.Errorf("told of %v; started %d times", stagesTold, b.called("StartPipelineExecution"))
	}
	findings := b.flow.World.Findings()
	if len(findings) != 1 || findings[0].RecordState != "ARCHIVED" || !strings.Contains(findings[0].Title, l.Name) {
		t.Errorf("Security Hub has %+v", findings)
	}
	// What it called is what it says that it needs.
	var called []string
	for a := range maps.Keys(b.wire.calls) {
		called = append(called, a)
	}
	called = append(called, "cloudformation:DescribeStacks", "iam:PassRole") // of the stack; of CreatePipeline
	slices.Sort(called)
	if !slices.Equal(called, LiveActions()) {
		t.Errorf("called %v, and says that it needs %v", called, LiveActions())
	}
}

// TestLiveFails: whatever goes wrong, the line says where, and nothing is left.
func TestLiveFails(t *testing.T) {
	t.Parallel()
	const wait = 400 * time.Millisecond
	skipped := func(from int) []string {
		all := []string{"create", "ledger", "finding", "delete", "gone", "archived"}
		var out []string
		for i, s := range all {
			if i > from {
				out = append(out, s+" not-checked")
			}
		}
		return out
	}
	fail := func(operation string, f sandbox.FaultKind, times int) func(*liveBed, *Live) context.Context {
		return func(b *liveBed, _ *Live) context.Context {
			b.flow.World.Fail(sandbox.Fault{Operation: operation, Kind: f, Times: times})
			return b.Context()
		}
	}
	for name, c := range map[string]struct {
		idle    bool // nothing runs
		prepare func(*liveBed, *Live) context.Context
		want    []string
		found   string
		note    string
		left    bool
	}{
		"nobody hears": {idle: true, want: append([]string{"create ok", "ledger failed"}, append(skipped(1), "cleanup ok")...), found: "after 400ms: audit has not heard of it"},
		"the rules let it pass": {
			prepare: func(b *liveBed, _ *Live) context.Context {
				f, err := rules.Load("rules.yaml", []byte("version: 1\nrules: {no-own-internet: off, vpc-required: off}\n"), kind.Kinds())
				ok(b, err)
				b.flow.SetRules(f)
				return b.Context()
			},
			want: append([]string{"create ok", "ledger failed"}, append(skipped(1), "cleanup ok")...), found: "PASSED, class b-internet: the rules in force let it pass",
		},
		"the hub is off": {
			prepare: func(b *liveBed, _ *Live) context.Context { b.flow.World.SetHub(sandbox.HubOff); return b.Context() },
			want:    append([]string{"create ok", "ledger ok", "finding failed"}, append(skipped(2), "cleanup ok")...), found: "Security Hub is not enabled",
		},
		"may not create": {
			prepare: fail("CreatePipeline", sandbox.Denied, 1),
			want:    append([]string{"create unknown"}, skipped(0)...), found: "sagemaker:CreatePipeline is denied", note: "iam:PassRole",
		},
		"the answer is lost": {
			prepare: fail("CreatePipeline", sandbox.ResetAfter, 1),
			want:    append([]string{"create failed"}, append(skipped(0), "cleanup ok")...), found: "gave no answer",
		},
		"may not delete": {
			prepare: fail("DeletePipeline", sandbox.Denied, 2),
			want:    append([]string{"create ok", "ledger ok", "finding ok", "delete failed"}, append(skipped(3), "cleanup failed")...), found: "IS STILL THERE", left: true,
		},
		"may not delete at first": {
			prepare: fail("DeletePipeline", sandbox.Unavailable, 1),
			want:    append([]string{"create ok", "ledger ok", "finding ok", "delete failed"}, append(skipped(3), "cleanup ok")...), found: "IS STILL THERE",
		},
		"may not read findings": {
			prepare: func(b *liveBed, _ *Live) context.Context {
				b.wire.deny("securityhub:GetFindings")
				return b.Context()
			},
			want: append([]string{"create ok", "ledger ok", "finding unknown"}, append(skipped(2), "cleanup ok")...), found: "securityhub:GetFindings is denied",
		},
		"may not read the ledger": {
			prepare: func(b *liveBed, _ *Live) context.Context { b.wire.deny("dynamodb:GetItem"); return b.Context() },
			want:    append([]string{"create ok", "ledger unknown"}, append(skipped(1), "cleanup ok")...), found: "dynamodb:GetItem is denied",
		},
		"Ctrl-C": {
			idle: true,
			prepare: func(b *liveBed, l *Live) context.Context {
				ctx, cancel := context.WithCancel(b.Context())
				l.Tell = func(stage string, _ time.Duration) {
					if stage == "live-ledger" {
						cancel()
					}
				}
				return ctx
			},
			want: append([]string{"create ok", "ledger unknown"}, append(skipped(1), "cleanup ok")...), found: "interrupted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newLiveBed(t)
			if !c.idle {
				b.serve()
			}
			l, _ := b.live(wait)
			if !c.idle {
				l.timeout = 20 * time.Second
			}
			ctx := t.Context()
			if c.prepare != nil {
				ctx = c.prepare(b, l)
			}
			r, err := l.Run(ctx)
			if (err != nil) != (name == "Ctrl-C") {
				t.Errorf("error %v", err)
			}
			if got := stages(r.Lines); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q\n%s", got, c.want, told(r.Lines))
			}
			if s := told(r.Lines); !strings.Contains(s, c.found) || !strings.Contains(s, c.note) {
				t.Errorf("%q and %q are not told:\n%s", c.found, c.note, s)
			}
			if r.Sound() {
				t.Error("it is sound")
			}
			if b.left(l.Name) != c.left {
				t.Errorf("the pipeline is still there: %v", !c.left)
			}
			if name == "may not create" && b.called("DeletePipeline") != 0 {
				t.Error("what was never created was deleted")
			}
		})
	}
}

// TestNewLive: what is wrong is said before anything is called.
func TestNewLive(t *testing.T) {
	d := &Doctor{newSession()}
	for _, c := range []struct {
		role    string
		timeout time.Duration
		change  func(*session)
		want    string
	}{
		{"", time.Minute, nil, "want the ARN of a role"},
		{"SageMakerExecution", time.Minute, nil, "want the ARN of a role"},
		{"arn:aws:iam::444455556666:role/r", time.Minute, nil, "is of the account 444455556666, and you are in 111122223333"},
		{liveRole, 0, nil, "--timeout"},
		{liveRole, time.Minute, func(x *session) { x.stack, x.described = nil, yes[*stack](nil) }, "there is no stack sagemoat in eu-west-1"},
		{liveRole, time.Minute, func(x *session) { x.stack, x.described = nil, no[*stack]() }, "denied"},
		{liveRole, time.Minute, func(x *session) { x.stack.outputs = map[string]string{} }, OutTable},
		{liveRole, time.Minute, nil, ""},
	} {
		d.session = newSession()
		if c.change != nil {
			c.change(d.session)
		}
		l, err := d.NewLive(c.role, c.timeout)
		if c.want == "" {
			ok(t, err)
			for _, word := range append(LiveActions()[1:], account, region, l.Name, liveRole, "less than 0.01 USD", "alert") {
				if !strings.Contains(l.Plan(), word) {
					t.Errorf("the plan does not say %q:\n%s", word, l.Plan())
				}
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.role, err, c.want)
		}
	}
}
