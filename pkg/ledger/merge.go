package ledger

import (
	"bytes"
	"cmp"
	"time"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// sameCreation is how far apart two reports of one creation may be: CloudTrail
// tells when the call was answered, to the second, and Describe when the resource
// was made.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
const sameCreation = 5 * time.Second

// SameCreation says whether two times may be of the same creation of a name. One
// that is not known, the zero time, is the same as none but another such.
func SameCreation(a, b time.Time) bool { return a.Sub(b).Abs() <= sameCreation }

// Merge is the entry after new evidence. Older evidence never displaces newer,
// whatever the order in which they come: the blocks of an entry (who created it,
// its life, the verdict, what no Describe returns) each have a time, and the
// latest wins; of verdicts on the same evidence, that by later rules. The latest
// creation that is told of counts, and nothing older than it: that was of another
// resource of the name. So it does not matter how often, or in which order,
// evidence is merged.
//
// unsettled says that the evidence leaves something open, which a fresh look has
// to decide: two things are told of the same time, and the worse stands meanwhile;
// or what was gone is there again, and nobody told that it was created again.
func Merge(old *Entry, in Entry) (next Entry, unsettled bool) {
	if in.Verdict.Unseen {
		in.Verdict.At = in.start() // it rests on nothing that has a time
	}
	in.FirstSeen = in.oldest()
	if old == nil {
		in.forget()
		return in, false
	}
	next = *old
	if in.ARN != "" && (old.ARN == "" || cmp.Or(in.Created.Compare(old.Created), cmp.Compare(in.ARN, old.ARN)) > 0) {
		next.ARN = in.ARN
	}
	if in.Created.After(old.Created) {
		next.Created = in.Created
	}
	in.Created = next.Created
	next.forget()
	in.forget()
	if in.Origin.compare(next.Origin) > 0 {
		next.Origin = in.Origin
	}
	if cmp.Or(in.Carry.At.Compare(next.Carry.At), bytes.Compare(in.Carry.Doc, next.Carry.Doc)) > 0 {
		next.Carry = in.Carry
	}
	earlier, later := next.Life, in.Life
	if later.compare(earlier) < 0 {
		earlier, later = later, earlier
	}
	if later.At.Equal(earlier.At) {
		later.Open = later.Open || earlier.Open || later.State != earlier.State
	}
	next.Life = later
	least, most := next.Verdict, in.Verdict
	if most.compare(least) < 0 {
		least, most = most, least
	}
	if most.rests(least) == 0 {
		most.Open = most.Open || least.Open || !most.says(least)
	}
	next.Verdict = most
	if next.FirstSeen.IsZero() || !in.FirstSeen.IsZero() && in.FirstSeen.Before(next.FirstSeen) {
		next.FirstSeen = in.FirstSeen
	}
	again := earlier.State == Gone && later.State != Gone && !next.Created.After(earlier.At)
	return next, next.Unsettled() || again
}

// Unsettled says that two things were told of the same time.
func (e *Entry) Unsettled() bool { return e.Life.Open || e.Verdict.Open }

// start is the time before which nothing is of this resource.
func (e *Entry) start() time.Time {
	if e.Created.IsZero() {
		return time.Time{}
	}
	return e.Created.Add(-sameCreation)
}

// forget drops what is of an older resource of the name.
func (e *Entry) forget() {
	start := e.start()
	if e.Origin.At.Before(start) {
		e.Origin = Origin{}
	}
	if e.Life.At.Before(start) {
		e.Life = Life{}
	}
	if e.Verdict.At.Before(start) {
		e.Verdict = Verdict{}
	}
	if e.Carry.At.Before(start) {
		e.Carry = Carry{}
	}
	if !e.Created.IsZero() {
		e.FirstSeen = e.Created
	}
}

// Evidence is the time of the evidence for the verdict, or from which on there
// could be any, and the time of the rules that judged it. [Merge] never makes it
// earlier, nor the rules for the same time.
func (e *Entry) Evidence() (at, ruled time.Time) {
	at, ruled = e.Verdict.At, e.Verdict.Rules.At
	if start := e.start(); at.Before(start) {
		at = start
	}
	if e.Verdict.Unseen {
		ruled = time.Time{} // any evidence is better
	}
	return at, ruled
}

// compare orders reports of a creation: the latest is the greatest.
func (o Origin) compare(p Origin) int {
	return cmp.Or(
		o.At.Compare(p.At), cmp.Compare(o.EventID, p.EventID),
		cmp.Compare(o.Event, p.Event), cmp.Compare(o.Actor, p.Actor), cmp.Compare(o.Principal, p.Principal),
	)
}

// compare orders lives: the latest is the greatest, and of those of the same time
// that in which something runs.
func (l Life) compare(o Life) int {
	return cmp.Or(l.At.Compare(o.At), cmp.Compare(worth(l), worth(o)), cmp.Compare(l.Status, o.Status))
}

// worth orders states of the same time: the one in which something runs stands
// until it is settled.
func worth(l Life) int {
	switch l.State {
	case Live:
		return 3
	case Ended:
		return 2
	case Gone:
		return 1
	}
	return 0
}

// says whether two verdicts say the same of the same configuration.
func (v Verdict) says(o Verdict) bool {
	return v.Class == o.Class && v.DataPath == o.DataPath && v.Compliance == o.Compliance && v.Severity == o.Severity
}

// compare orders verdicts: one on evidence is greater than one without; the latest
// is the greatest; of those on the same evidence that by the latest rules; of those
// by the same rules the worst.
func (v Verdict) compare(o Verdict) int {
	if c := cmp.Or(v.rests(o), v.worse(o)); c != 0 {
		return c
	}
	return bytes.Compare(v.line(), o.line())
}

// rests orders verdicts by what they rest on.
func (v Verdict) rests(o Verdict) int {
	return cmp.Or(cmp.Compare(v.standing(), o.standing()), v.At.Compare(o.At), v.Rules.At.Compare(o.Rules.At))
}

// standing is what a verdict rests on: nothing, a look that was refused, evidence.
func (v Verdict) standing() int {
	switch {
	case v.Unseen:
		return 1
	case v.At.IsZero():
		return 0
	}
	return 2
}

// worse orders verdicts by how bad they are: the worst is the greatest.
func (v Verdict) worse(o Verdict) int {
	return cmp.Or(
		cmp.Compare(compliance(v.Compliance), compliance(o.Compliance)),
		cmp.Compare(severity(v.Severity), severity(o.Severity)),
	)
}

func compliance(c rules.Compliance) int {
	switch c {
	case rules.Failed:
		return 3
	case rules.Warning:
		return 2
	case rules.Passed, rules.Excepted:
		return 1
	case rules.NotAvailable:
	}
	return 0
}

func severity(s rules.Severity) int {
	for i, other := range rules.Severities() {
		if s == other {
			return len(rules.Severities()) - i
		}
	}
	return 0
}

// line is the verdict as text, to have an order for what is equally bad. What is
// no JSON no store takes.
func (v Verdict) line() []byte {
	v.Open = false // in which order they came does not matter
	b, _ := Encode(v)
	return b
}

// oldest is the earliest time that an entry tells.
func (e *Entry) oldest() (first time.Time) {
	for _, t := range []time.Time{e.Created, e.Origin.At, e.Verdict.At, e.Life.At} {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Worse says whether a verdict is new or worse than what was alerted: no alert
// yet, or a worse compliance, severity or class.
func (v Verdict) Worse(a Alert) bool {
	if a.At.IsZero() {
		return true
	}
	if c := v.worse(Verdict{Compliance: a.Compliance, Severity: a.Severity}); c != 0 {
		return c > 0
	}
	return class(v.Class) > class(a.Class)
}

// Covers says whether the finding of an owner says what is wrong with what it owns.
// An owner that is not known, nil, says nothing.
func (e *Entry) Covers(owned *Entry) bool {
	if e == nil || e.Life.State == Gone || e.Life.State == Ended && owned.Life.State == Live {
		return false
	}
	v := &e.Verdict
	if owned.Verdict.Compliance == rules.Warning && v.Whole {
		return true // what is not known of the one is known of the other
	}
	return v.Exception != "" || !owned.Verdict.Worse(Alert{At: e.Written, Class: v.Class, Compliance: v.Compliance, Severity: v.Severity})
}

// class orders the classes, c worst, as the worst part is chosen.
func class(c string) int {
	switch c {
	case "c":
		return 5
	case "b-internet":
		return 4
	case "unknown":
		return 3
	case "b-vpc":
		return 2
	case "a":
		return 1
	}
	return 0
}
