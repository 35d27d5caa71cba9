package asif

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// moment is when something was told of the life of a resource.
type moment struct {
	at   time.Time
	life kind.Life
	// status is as AWS writes it; empty where a call tells of it.
	status string
	// begins says that it began to run, and breaks that from here on nothing follows
	// about what was before: it was deleted, or made or started again.
	begins, breaks bool
	what           string // for people
}

// ends says whether a life is none in which code runs.
func ends(l kind.Life) bool {
	return l == kind.Halting || l == kind.Halted || l == kind.Over || l == kind.Removed
}

// before is the last moment up to a time, nil where there is none. Where it ended,
// by is the first that told so.
func (r *Resource) before(at time.Time) (last, by *moment) {
	for i := range r.life {
		m := &r.life[i]
		if m.at.After(at) {
			break
		}
		if !ends(m.life) {
			by = nil
		} else if by == nil {
			by = m
		}
		last = m
	}
	return last, by
}

// proven is until when it certainly ran, if it ran at a time: until somebody
// stopped it, or SageMaker told that it ended, or that it ran. Its deletion does
// not tell: what is deleted has ended before.
func (r *Resource) proven(at time.Time) time.Time {
	until := at
	for i := range r.life {
		m := &r.life[i]
		switch {
		case !m.at.After(at):
		case m.breaks || m.life == kind.LifeUnknown:
			return until
		case ends(m.life):
			return m.at
		default:
			until = m.at
		}
	}
	return until
}

// runs says whether it runs at a time and for a while after, and if it does not,
// by what that is known.
func (r *Resource) runs(at time.Time, margin time.Duration) (runs posture.Fact, why string) {
	if _, by := r.before(at); by != nil {
		return posture.No, by.what
	}
	if r.proven(at).Sub(at) >= margin {
		return posture.Yes, ""
	}
	return posture.Unknown, ""
}

// settled says whether SageMaker told that it is past its start. A notebook
// instance or a schedule that starts cannot be stopped yet: the call is refused,
// and made again later.
// https://github.com/aws/amazon-sagemaker-examples/issues/1094
func (r *Resource) settled(at time.Time) bool {
	m, _ := r.before(at)
	return r.Row.Ends || m != nil && (m.status == "InService" || m.status == "Scheduled")
}
