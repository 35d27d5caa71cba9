package ruleset_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/ruleset"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const (
	bucket = "rules-of-the-house"
	key    = "sagemoat/rules.yaml"
	lax    = "version: 1\nrules:\n  vpc-required: off\n"
	strict = "version: 1\nrules:\n  isolation-required: on\n"
)

// bed is an S3 with a rules file, and a ledger.
type bed struct {
	t     *testing.T
	clock *sandbox.Virtual
	world *sandbox.World
	store ledger.Store
	logs  *bytes.Buffer
	s3    *s3.Client
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, clock: sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)), logs: &bytes.Buffer{}}
	b.world = sandbox.New(sandbox.Options{Clock: b.clock, Seed: 1})
	endpoint, stop, err := b.world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	id, secret := b.world.Credentials("sagemoat-audit", "audit")
	b.s3 = s3.New(s3.Options{
		Region: b.world.Region(), BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, "session"),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond }),
	})
	b.store = ledger.NewMemory(b.world.Now)
	b.world.AddBucket(bucket, b.world.Account())
	b.put(lax)
	return b
}

func (b *bed) put(text string) { b.world.PutObject(bucket, key, []byte(text)) }

// start is a function that starts.
func (b *bed) start(change ...func(*ruleset.Options)) *ruleset.Source {
	o := ruleset.Options{
		S3: b.s3, Bucket: bucket, Key: key, Owner: b.world.Account(), Store: b.store, Save: true, Now: b.world.Now,
		Log: telemetry.New(b.logs, slog.LevelInfo), Metrics: telemetry.NewMetrics(b.logs, "audit", b.world.Now),
	}
	for _, f := range change {
		f(&o)
	}
	return ruleset.New(o)
}

// has fails the test unless these rules are in force.
func (b *bed) has(s *ruleset.Source, text string, current bool) evaluate.Ruleset {
	b.t.Helper()
	set, err := s.Rules(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	got := lax
	if set.File.Rules[rules.IsolationRequired].On {
		got = strict
	}
	if got != text || set.Current != current {
		b.t.Errorf("in force: %q, current %v; want %q, %v", got, set.Current, text, current)
	}
	return set
}

// none fails the test where any rules are in force.
func (b *bed) none(s *ruleset.Source, because string) {
	b.t.Helper()
	set, err := s.Rules(b.t.Context())
	if err == nil || set.File != nil || !strings.Contains(err.Error(), because) {
		b.t.Errorf("%+v, %v; want none because of %q", set, err, because)
	}
}

func (b *bed) reads() (n int) {
	for _, c := range b.world.Calls() {
		if c.Service == "s3" {
			n++
		}
	}
	return n
}

func (b *bed) down() { b.world.Fail(sandbox.Fault{Service: "s3", Kind: sandbox.Unavailable}) }

// TestFetch: the file is read, and asked for again once a minute.
func TestFetch(t *testing.T) {
	b := newBed(t)
	s := b.start()
	first := b.has(s, lax, true)
	if first.Version.ID == "" || !first.Version.At.Equal(b.world.Now()) {
		t.Errorf("version %+v", first.Version)
	}
	b.clock.Advance(59 * time.Second)
	b.put(strict)
	b.has(s, lax, true)
	if n := b.reads(); n != 1 {
		t.Errorf("read %d times within a minute", n)
	}
	b.clock.Advance(time.Second)
	second := b.has(s, strict, true)
	if !second.Version.At.After(first.Version.At) || second.Version.ID == first.Version.ID {
		t.Errorf("version %+v after %+v", second.Version, first.Version)
	}
	b.clock.Advance(time.Minute)
	if third := b.has(s, strict, true); third.File != second.File || third.Version != second.Version {
		t.Error("what did not change was read anew")
	}
	// A clock that is put back is no reason to go on for ever without asking.
	n := b.reads()
	set := b.start(func(o *ruleset.Options) {
		at := b.world.Now()
		o.Now = func() time.Time { at = at.Add(-time.Hour); return at }
	})
	b.has(set, strict, true)
	b.has(set, strict, true)
	if got := b.reads() - n; got != 2 {
		t.Errorf("asked %d times", got)
	}
}

// TestWrittenAgain: the same text written anew has a new time, the same to a
// function that ran before and to one that starts.
func TestWrittenAgain(t *testing.T) {
	b := newBed(t)
	s := b.start()
	b.has(s, lax, true)
	b.clock.Advance(time.Hour)
	b.put(lax)
	b.clock.Advance(time.Minute)
	if old, fresh := b.has(s, lax, true), b.has(b.start(), lax, true); !old.Version.Same(fresh.Version) {
		t.Errorf("one has %+v, the other %+v", old.Version, fresh.Version)
	}
}

// TestLastGood: what cannot be read leaves the last good rules in force, and they
// say that they may not be the newest.
func TestLastGood(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		log  string
	}{
		"garbage":        {"version: 1\nrules: [", "rules.yaml"},
		"unknown rule":   {"version: 1\nrules:\n  no-such-rule: on\n", "no-such-rule"},
		"empty":          {"", "rules.yaml"},
		"too long":       {strict + strings.Repeat("# long\n", ruleset.MaxBytes/7), "longer than"},
		"other protocol": {"<html>Sign in</html>", "rules.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.put(strict)
			s := b.start()
			b.has(s, strict, true)
			b.clock.Advance(time.Minute)
			b.put(c.text)
			b.has(s, strict, false)
			if !strings.Contains(b.logs.String(), c.log) {
				t.Errorf("the log does not say why:\n%s", b.logs)
			}
			n := b.reads()
			b.has(s, strict, false)
			if b.reads() != n {
				t.Error("it is asked for again at once")
			}
			// A function that starts now has them from the ledger.
			b.has(b.start(), strict, false)
			b.clock.Advance(time.Minute)
			b.put(lax)
			b.has(s, lax, true)
		})
	}
}

// TestDown: where S3 does not answer, the last good rules stay; they are current
// again as soon as it says that nothing changed.
func TestDown(t *testing.T) {
	b := newBed(t)
	b.put(strict)
	s := b.start()
	b.has(s, strict, true)
	b.down()
	b.clock.Advance(time.Minute)
	b.has(s, strict, false)
	b.world.Heal()
	b.clock.Advance(time.Minute)
	b.has(s, strict, true)
	// What was in the ledger only is asked for by its tag, too.
	b.down()
	cold := b.start()
	b.has(cold, strict, false)
	b.world.Heal()
	b.clock.Advance(time.Minute)
	b.has(cold, strict, true)
}

// TestNone: nothing is judged by rules that nobody gave. The built-in ones are for
// who names no bucket.
func TestNone(t *testing.T) {
	b := newBed(t)
	b.down()
	s := b.start()
	b.none(s, "no good one was ever read")
	b.world.Heal()
	b.has(s, lax, true) // at once
	missing := newBed(t)
	missing.none(missing.start(func(o *ruleset.Options) { o.Key = "no-such-file" }), "NoSuchKey")
	missing.none(missing.start(func(o *ruleset.Options) { o.Bucket = "no-such-bucket" }), "NoSuchBucket")
	garbage := newBed(t)
	garbage.put("nonsense")
	garbage.none(garbage.start(), "no good one was ever read")

	set, err := b.start(func(o *ruleset.Options) { o.Bucket = "" }).Rules(t.Context())
	if err != nil || !set.Current || set.Version.ID != "" || !set.File.Rules[rules.NoBridge].On {
		t.Errorf("built-in: %+v, %v", set, err)
	}
}

// TestOwner: a bucket of the name that somebody else has is not read.
func TestOwner(t *testing.T) {
	b := newBed(t)
	theirs := func(o *ruleset.Options) { o.Owner = "444455556666" }
	b.none(b.start(theirs), "AccessDenied")
	b.has(b.start(), lax, true)
	b.has(b.start(theirs), lax, false) // from the ledger
	b.has(b.start(func(o *ruleset.Options) { o.Owner = "" }), lax, true)
}

// TestKept: only the function that has to writes the last good file, and a ledger
// that does not answer does not keep it from its work.
func TestKept(t *testing.T) {
	b := newBed(t)
	b.has(b.start(func(o *ruleset.Options) { o.Save = false }), lax, true)
	var kept struct{ Text string }
	if n, err := b.store.Control(t.Context(), "rules", &kept); n != 0 || err != nil {
		t.Errorf("written by one that must not: %d, %v", n, err)
	}
	b.has(b.start(), lax, true)
	if _, err := b.store.Control(t.Context(), "rules", &kept); err != nil || kept.Text != lax {
		t.Errorf("kept %q, %v", kept.Text, err)
	}
	b.has(b.start(), lax, true)
	if n, _ := b.store.Control(t.Context(), "rules", &kept); n != 1 {
		t.Errorf("the same was written %d times", n)
	}
	// What is in the ledger may be of a later version of ours, or be damaged.
	if err := b.store.PutControl(t.Context(), "rules", 1, map[string]string{"Text": "nonsense"}); err != nil {
		t.Fatal(err)
	}
	b.down()
	b.none(b.start(), "rules.yaml")
	b.world.Heal()
	b.has(b.start(), lax, true)
	b.down()
	b.has(b.start(), lax, false)
	if err := b.store.PutControl(t.Context(), "rules", 3, 7); err != nil {
		t.Fatal(err)
	}
	b.none(b.start(), "cannot unmarshal")
	b.world.Heal()
	b.has(b.start(), lax, true)
	if !strings.Contains(b.logs.String(), "not kept for later") {
		t.Errorf("%s", b.logs)
	}
}
