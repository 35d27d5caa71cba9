package respond

import (
	"context"
	"errors"
	"fmt"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// firstDigest tells once what the first sweep of the account found: to each team
// in one message.
func (r *round) firstDigest(ctx context.Context) error {
	var first ledger.FirstSweep
	version, err := r.Store.Control(ctx, ledger.Baseline, &first)
	if err != nil || first.Started.IsZero() || r.sweeping() || !first.Told.IsZero() {
		return err
	}
	lead := "The first look at the account found what is listed here. From now on you are told of each new failure as it happens."
	err = r.digest(ctx, rules.Failed, lead, func(m *matter, next *ledger.Response) {
		next.Due = r.due(m, next)
		if r.set.File == nil || r.mode(m.Entry) == rules.Stop {
			next.Due = r.now() // to announce its stop
		}
	})
	if err != nil {
		return err
	}
	first.Told = r.now()
	err = r.Store.PutControl(ctx, ledger.Baseline, version, first)
	if errors.Is(err, ledger.ErrConflict) {
		return nil // the next tick finds nothing more to tell, and writes it down
	}
	return err
}

// dailyDigest tells once a day what could not be judged.
func (r *round) dailyDigest(ctx context.Context) error {
	if r.set.File == nil || r.sweeping() {
		return nil
	}
	var last ledger.Mark
	version, err := r.Store.Control(ctx, ledger.Digest, &last)
	now := r.now()
	if err != nil || version > 0 && !last.At.Before(decide.DigestDue(now)) {
		return err
	}
	if version > 0 && r.set.File.Response.Digest {
		lead := "The network of what is listed here could not be judged: see each finding for what is missing."
		err := r.digest(ctx, rules.Warning, lead, func(m *matter, next *ledger.Response) { next.Due = r.due(m, next) })
		if err != nil {
			return err
		}
	}
	err = r.Store.PutControl(ctx, ledger.Digest, version, ledger.Mark{At: now})
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	return err
}

// digest tells of what is live, has a compliance, and was not told yet.
func (r *round) digest(ctx context.Context, c rules.Compliance, lead string, done func(*matter, *ledger.Response)) error {
	var tells []*tell
	for _, row := range kind.Table() {
		for after, more := "", true; more; more = after != "" {
			page, next, err := r.Store.Live(ctx, row.Kind, after)
			if err != nil {
				return err
			}
			after = next
			for _, e := range page {
				if e.Verdict.Compliance != c {
					continue
				}
				t, err := r.listed(ctx, row, e, done)
				if err != nil {
					return err
				}
				if t != nil {
					t.lead = lead
					tells = append(tells, t)
				}
			}
		}
	}
	left := r.undone()
	for _, group := range byTeam(tells) {
		r.send(ctx, group, left)
	}
	if len(left.name) > 0 {
		return fmt.Errorf("%d of a digest are to be told again", len(left.name))
	}
	return nil
}

// listed says what a digest tells of a resource; nil is nothing.
func (r *round) listed(ctx context.Context, row *kind.Row, e *ledger.Entry, done func(*matter, *ledger.Response)) (*tell, error) {
	m, err := r.matterOf(ctx, row, e)
	if err != nil || !e.Verdict.Worse(m.Response.Alert) {
		return nil, err
	}
	owner := rules.Mode("")
	if m.Owner != nil {
		owner = r.mode(m.Owner)
	}
	how := m.Digest(r.mode(m.Entry), owner)
	mark := func(next *ledger.Response) {
		next.Alert = decide.Alerted(m.Entry, how, r.now())
		done(m, next)
	}
	if how != ledger.Digested {
		return nil, r.mark(ctx, m, mark)
	}
	return &tell{matter: m, kind: digestType, mark: mark}, nil
}

// byTeam puts together what a team is told in one message.
func byTeam(tells []*tell) (groups [][]*tell) {
	type address struct{ topic, team string }
	index := map[address]int{}
	for _, t := range tells {
		a := address{t.Entry.Verdict.Notice.Topic, t.Entry.Verdict.Notice.Team}
		i, ok := index[a]
		if !ok {
			i = len(groups)
			index[a] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], t)
	}
	return groups
}
