package prevent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Call is a call of the past.
type Call struct {
	Operation string
	Actor     string
	Time      time.Time
	Finding   *finding.Finding
	Outcome   Outcome
}

// Past are the calls of an archive that AWS let through, by time.
func Past(ctx context.Context, sim *iamsim.Simulator, a Attached, records *audit.Records, f *rules.File, now time.Time, tell Progress) ([]Call, error) {
	var calls []*kind.Observation
	var out []Call
	for _, o := range records.All {
		if o.Source.Type != kind.ShapeCloudTrail || o.Refused != "" || o.Deletes || o.Halts {
			continue
		}
		calls = append(calls, o)
		out = append(out, Call{o.Call.Name, o.Source.Actor, o.Time, audit.Judge(records.Index, o, f, now), Outcome{}})
	}
	outcomes, err := Evaluate(ctx, sim, a, calls, tell)
	for i := range outcomes {
		out[i].Outcome = outcomes[i]
	}
	return out, err
}

// Effect is what policies would have done about some calls.
type Effect uint8

// The effects.
const (
	Stops    Effect = iota // denies what failed
	Breaks                 // denies what did not fail
	Misses                 // allows what failed
	Unclear                // it depends on what AWS does not document, or could not be evaluated
	NoEffect               // allows what did not fail
)

// effect is what the policies would have done about the call.
func (c *Call) effect() Effect {
	failed := c.Finding.Judgement.Compliance == rules.Failed
	switch c.Outcome.Answer {
	case Denied:
		if failed {
			return Stops
		}
		return Breaks
	case Allowed:
		if failed {
			return Misses
		}
		return NoEffect
	case Depends, NotEvaluated:
	}
	return Unclear
}

// Group are calls of one kind by one caller.
type Group struct {
	Effect    Effect
	Actor     string
	Operation string
	// Why are the statements that deny, or the rules that fail.
	Why   string
	Calls int
	// Example is the resource of the last call.
	Example string
	Last    time.Time
}

// Groups takes calls together by what would have become of them, most first.
func Groups(calls []Call) []Group {
	index := map[string]int{}
	var out []Group
	for i := range calls {
		c := &calls[i]
		g := Group{Effect: c.effect(), Actor: c.Actor, Operation: c.Operation, Calls: 1, Example: c.Finding.Resource(), Last: c.Time}
		switch g.Effect {
		case Stops, Breaks:
			g.Why = strings.Join(c.Outcome.By, ", ")
		case Misses:
			var failed []string
			for _, r := range c.Finding.Judgement.Results {
				if r.Result == rules.Failed {
					failed = append(failed, string(r.Rule))
				}
			}
			g.Why = strings.Join(failed, ", ")
			if c.Outcome.Why != "" {
				g.Why += ": " + c.Outcome.Why
			}
		case Unclear:
			g.Why = c.Outcome.Why
			if c.Outcome.Answer == Depends {
				g.Why = "denied or not, as AWS fills the context, by " + strings.Join(c.Outcome.By, ", ")
			}
		case NoEffect:
			continue
		}
		key := fmt.Sprint(g.Effect, "\x00", g.Actor, "\x00", g.Operation, "\x00", g.Why)
		if n, ok := index[key]; ok {
			out[n].Calls++
			out[n].Example, out[n].Last = g.Example, g.Last
			continue
		}
		index[key] = len(out)
		out = append(out, g)
	}
	slices.SortStableFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Effect, b.Effect), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}
