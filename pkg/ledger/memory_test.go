package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/ledgertest"
)

func TestMemory(t *testing.T) {
	ledgertest.Run(t, func(_ *testing.T, now func() time.Time) ledger.Store { return ledger.NewMemory(now) })
}

// TestDrain: the writes in their order, each once, and as they were.
func TestDrain(t *testing.T) {
	ctx := t.Context()
	m := ledger.NewMemory(func() time.Time { return ledgertest.Start })
	e, r := ledgertest.Entry("fraud-7", ledgertest.Start), ledgertest.Response("fraud-7", ledgertest.Start)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(m.PutEntry(ctx, e))
	first := *e
	must(m.PutResponse(ctx, r))
	must(m.PutControl(ctx, ledger.Digest, 0, ledger.Mark{At: ledgertest.Start}))
	e.Life.State = ledger.Ended
	must(m.PutEntry(ctx, e))
	second := *e
	e.Life.State = ledger.Gone // after it was written
	want := []ledger.Change{
		{Sequence: "1", At: ledgertest.Start, NewEntry: &first},
		{Sequence: "2", At: ledgertest.Start, NewResponse: r},
		{Sequence: "3", At: ledgertest.Start, OldEntry: &first, NewEntry: &second},
	}
	if diff := cmp.Diff(want, m.Drain()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if again := m.Drain(); len(again) != 0 {
		t.Errorf("again %+v", again)
	}
}

func TestAfter(t *testing.T) {
	at := ledgertest.Start
	for _, tt := range []struct{ now, before, want time.Time }{
		{at, time.Time{}, at},
		{at.Add(1500 * time.Microsecond), at, at.Add(time.Millisecond)},
		{at.Add(500 * time.Microsecond), at, at.Add(time.Millisecond)},
		{at, at, at.Add(time.Millisecond)},
		{at.Add(-time.Hour), at, at.Add(time.Millisecond)},
		{at.In(time.FixedZone("", 3600)).Add(time.Second), at, at.Add(time.Second)},
	} {
		if got := ledger.After(tt.now, tt.before); got != tt.want {
			t.Errorf("after %v, at %v: %v, want %v", tt.before, tt.now, got, tt.want)
		}
	}
}
