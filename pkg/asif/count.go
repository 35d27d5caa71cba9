package asif

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Counts are how many resources had what outcome under one rules file. A resource
// counts once, by its worst verdict; its alerts and stops count each.
type Counts struct {
	Resources int
	Failed    int
	Warned    int // could not be judged
	Passed    int
	NoRule    int
	Excepted  int // of those that passed or failed something else
	Severity  map[rules.Severity]int

	Alerts    int // sent
	Digested  int
	Inherited int // said by the alert about their owner
	Observed  int // not sent, for the mode is observe
	Recovered int // sent again, once the rules were met

	Announced int // certainly
	Stopped   int
	Held      int
	Ended     int
	Withheld  int
	NotTold   int
	// Of those that are not told: what becomes of them if what is not told to have
	// ended still ran.
	AssumedStopped, AssumedHeld int
}

// Line is the counts of a group of resources under both rules files.
type Line struct {
	Name   string
	Counts [sides]Counts
}

// add counts a resource.
func (l *Line) add(r *Resource, keep func(side int, at time.Time) bool) {
	for side := range l.Counts {
		l.Counts[side].add(&r.Outcomes[side], func(at time.Time) bool { return keep(side, at) })
	}
}

func (c *Counts) add(o *Outcome, keep func(at time.Time) bool) {
	if keep(o.At) {
		c.judged(o)
	}
	for _, a := range o.Alerts {
		if !keep(a.At) {
			continue
		}
		switch {
		case a.Recovered:
			c.Recovered++
		case a.How == ledger.Sent:
			c.Alerts++
		case a.How == ledger.Digested:
			c.Digested++
		case a.How == ledger.Inherited:
			c.Inherited++
		case a.How == ledger.Observed:
			c.Observed++
		}
	}
	for i := range o.Stops {
		if s := &o.Stops[i]; keep(s.At) {
			c.stop(s)
		}
	}
}

func (c *Counts) judged(o *Outcome) {
	c.Resources++
	switch o.Compliance {
	case rules.Failed:
		c.Failed++
		if c.Severity == nil {
			c.Severity = map[rules.Severity]int{}
		}
		c.Severity[o.Severity]++
	case rules.Warning:
		c.Warned++
	case rules.Passed, rules.Excepted:
		c.Passed++
	case rules.NotAvailable:
		c.NoRule++
	}
	if len(o.Excepted) > 0 {
		c.Excepted++
	}
}

func (c *Counts) stop(s *Stop) {
	if s.Announced {
		c.Announced++
	}
	switch s.State {
	case Stopped:
		c.Stopped++
	case Held:
		c.Held++
	case Ended:
		c.Ended++
	case Withheld:
		c.Withheld++
	case NotTold:
		c.NotTold++
	}
	switch s.Assumed {
	case Stopped:
		c.AssumedStopped++
	case Held:
		c.AssumedHeld++
	case Ended, Withheld, NotTold, "":
	}
}

// all keeps everything.
func all(int, time.Time) bool { return true }

// Total counts everything.
func (r *Report) Total() Line {
	var l Line
	for _, one := range r.Resources {
		l.add(one, all)
	}
	return l
}

// Days count by the day, in UTC, on which something was so. What has no time is in
// none.
func (r *Report) Days() []Line {
	lines := map[string]*Line{}
	for _, one := range r.Resources {
		days := map[string]bool{}
		for side := range one.Outcomes {
			for _, at := range one.Outcomes[side].times() {
				if !at.IsZero() {
					days[day(at)] = true
				}
			}
		}
		for d := range days {
			if lines[d] == nil {
				lines[d] = &Line{Name: d}
			}
			lines[d].add(one, func(_ int, at time.Time) bool { return !at.IsZero() && day(at) == d })
		}
	}
	return sorted(lines)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// times are when something was so.
func (o *Outcome) times() []time.Time {
	out := []time.Time{o.At}
	for _, a := range o.Alerts {
		out = append(out, a.At)
	}
	for _, s := range o.Stops {
		out = append(out, s.At)
	}
	return out
}

// Teams count by the team that is told; the name is empty for nobody in particular.
func (r *Report) Teams() []Line {
	lines := map[string]*Line{}
	for _, one := range r.Resources {
		for side := range one.Outcomes {
			o := &one.Outcomes[side]
			if lines[o.Team] == nil {
				lines[o.Team] = &Line{Name: o.Team}
			}
			lines[o.Team].Counts[side].add(o, func(time.Time) bool { return true })
		}
	}
	return sorted(lines)
}

func sorted(lines map[string]*Line) []Line {
	var out []Line
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		out = append(out, *lines[name])
	}
	return out
}

// RuleLine is how many resources a rule says something of, under both rules files.
type RuleLine struct {
	Rule             rules.ID
	Failed, Excepted [sides]int
	NotTold          [sides]int
}

// Rules count by rule, without the rules that say nothing.
func (r *Report) Rules() []RuleLine {
	var out []RuleLine
	for _, id := range rules.IDs() {
		l := RuleLine{Rule: id}
		for _, one := range r.Resources {
			for side := range one.Outcomes {
				switch find(one.Outcomes[side].Results, id).Result {
				case rules.Failed:
					l.Failed[side]++
				case rules.Warning:
					l.NotTold[side]++
				case rules.Excepted:
					l.Excepted[side]++
				case rules.Passed, rules.NotAvailable:
				}
			}
		}
		if l != (RuleLine{Rule: id}) {
			out = append(out, l)
		}
	}
	return out
}

// ExceptionLine is what became of an exception under one rules file: of how many
// resources it let something pass, and how many it would have, had it not expired.
type ExceptionLine struct {
	Side          int
	ID            string
	Expires       time.Time
	Used, Expired int
}

// Exceptions count by exception, those that were of use to somebody and those that
// expired in the period.
func (r *Report) Exceptions() []ExceptionLine {
	var out []ExceptionLine
	for side := range r.Sides {
		for _, x := range r.Sides[side].File.Exceptions {
			l := ExceptionLine{Side: side, ID: x.ID, Expires: x.Expires}
			for _, one := range r.Resources {
				o := &one.Outcomes[side]
				if slices.Contains(o.Excepted, x.ID) {
					l.Used++
				}
				if slices.Contains(o.Expired, x.ID) {
					l.Expired++
				}
			}
			inPeriod := !r.From.IsZero() && x.Expires.After(r.From) && !x.Expires.After(r.To)
			if l.Used+l.Expired > 0 || inPeriod {
				out = append(out, l)
			}
		}
	}
	return out
}

// StopOf is a stop and what it is of.
type StopOf struct {
	Stop
	Side     int
	Resource *Resource
}

// Stops are all stops under a rules file, by the time at which they are made.
func (r *Report) Stops(side int) []StopOf {
	var out []StopOf
	for _, one := range r.Resources {
		for _, s := range one.Outcomes[side].Stops {
			out = append(out, StopOf{s, side, one})
		}
	}
	slices.SortStableFunc(out, func(a, b StopOf) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Resource.ARN, b.Resource.ARN)) })
	return out
}

// Differing are the resources whose outcome differs.
func (r *Report) Differing() []*Resource {
	return slices.DeleteFunc(slices.Clone(r.Resources), func(one *Resource) bool { return !one.Differs() })
}
