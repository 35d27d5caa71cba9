// Package doctor looks at an account and Region and says what of sagemoat works
// there, what does not, and what to paste to put it right. It only reads;
// [Doctor.Live] is the exception, and says so before it begins.
//
// Each subject is a file: a few calls that fill in facts, and pure functions that
// judge them. What a call did not tell is unknown, and never ok.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Status is what a check came to. The zero value is [Unknown].
type Status uint8

// The statuses.
const (
	// Unknown could not be told: a call was denied or failed. It is not ok.
	Unknown Status = iota
	OK
	// Warning works, and somebody should look at it.
	Warning
	// Failed does not work.
	Failed
	// NotChecked was not looked at, and Found says why.
	NotChecked
)

var statuses = [...]string{Unknown: "unknown", OK: "ok", Warning: "warning", Failed: "failed", NotChecked: "not-checked"}

// Statuses lists the statuses as they are written.
func Statuses() []string { return statuses[:] }

// String is the status as JSON has it.
func (s Status) String() string {
	if int(s) >= len(statuses) {
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
	return statuses[s]
}

// MarshalJSON writes the status as text.
func (s Status) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Line is what one check found.
type Line struct {
	// Check is the check's id, as docs/doctor.md lists it.
	Check string
	// Group is the heading under which it stands.
	Group  string
	Status Status
	// Found is what there is, in one line; Why is why it matters.
	Found, Why string
	// Note explains what the commands in Fix cannot.
	Note string
	// Fix is what to paste into a shell, a line each.
	Fix []string
	// Missing are the IAM actions whose denial left this unknown.
	Missing []string
	// Seconds is how long a stage of the self-test took.
	Seconds float64
}

// Report is what a run found.
type Report struct {
	Account, Region, Stack string
	Lines                  []Line
}

// Count is how many lines have a status.
func (r *Report) Count(s Status) (n int) {
	for i := range r.Lines {
		if r.Lines[i].Status == s {
			n++
		}
	}
	return n
}

// Sound says whether nothing failed and nothing is unknown: what could not be told
// is not ok, or a missing permission would look like health.
func (r *Report) Sound() bool { return r.Count(Failed)+r.Count(Unknown) == 0 }

// Check is a row of the table of checks.
type Check struct {
	ID, Group, Why string
	// Deployed says that it is about what the stack deploys. The others are what
	// must be so before, too.
	Deployed bool
}

// subject is one subject: its checks, and what makes their lines. Where there is
// no stack, look has none.
type subject struct {
	group  string
	checks []Check
	look   func(context.Context, *session) []Line
}

// subjects is the table, in the order in which it is printed.
func subjects() []subject {
	return []subject{
		identitySubject(), stackSubject(), trailSubject(), busSubject(), queueSubject(), functionsSubject(),
		rulesSubject(), ledgerSubject(), heartbeatSubject(), hubSubject(), topicsSubject(), quotaSubject(), restSubject(),
	}
}

// Checks lists every check.
func Checks() (all []Check) {
	for _, s := range subjects() {
		for _, c := range s.checks {
			c.Group = s.group
			all = append(all, c)
		}
	}
	return all
}

// atOnce is how many subjects are looked at at a time.
const atOnce = 6

// Check looks at everything. done is told each subject that is finished with, from
// several goroutines; it may be nil. The error is that of the context.
func (d *Doctor) Check(ctx context.Context, done func(group string)) (*Report, error) {
	table := subjects()
	x := *d.session
	x.shared = new(shared)
	lines := make([][]Line, len(table))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, s := range table {
		g.Go(func() error {
			lines[i] = s.lines(&x, s.look(gctx, &x))
			if done != nil {
				done(s.group)
			}
			return gctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	r := &Report{Account: d.account, Region: d.region, Stack: d.stackName}
	for _, l := range lines {
		r.Lines = append(r.Lines, l...)
	}
	return r, nil
}

// lines puts the lines in the order of the checks, and adds what is missing: what
// needs a stack where there is none, and unknown for a check of which nothing was
// said.
func (s subject) lines(x *session, found []Line) (out []Line) {
	for _, c := range s.checks {
		n := len(out)
		for _, l := range found {
			if l.Check == c.ID {
				out = append(out, l)
			}
		}
		switch {
		case len(out) > n:
		case c.Deployed && x.stack == nil:
			out = append(out, Line{Check: c.ID, Status: NotChecked, Found: x.without})
		default:
			out = append(out, Line{Check: c.ID, Status: Unknown, Found: "nothing was said of it"})
		}
		for i := n; i < len(out); i++ {
			out[i].Group = s.group
			if out[i].Why == "" {
				out[i].Why = c.Why
			}
			for j, fix := range out[i].Fix {
				out[i].Fix[j] = x.deployed(fix)
			}
		}
	}
	return out
}
