// Package rails says whether something may be stopped. It is pure: what it is
// told are facts with three values, and only a yes lets a stop through. A fact
// that nobody found out, or forgot to fill in, forbids it.
//
// See docs/adr/0013-stopping.md.
package rails

import "github.com/sagemoat/sagemoat/pkg/posture"

// Rail is a condition of every stop.
type Rail uint8

// The rails, in the order in which they are looked at. The first that does not
// hold is the one that people are told: what will not change comes before what
// may be otherwise in a minute.
const (
	Stoppable  Rail = iota // the kind has a call that stops and does not delete
	Ours                   // the ARN, the account and the Region are our own
	Unexcepted             // no exception applies
	Whole                  // no fact about its network is missing
	Failed                 // the verdict is FAILED
	Running                // its status is one in which it runs
	Afresh                 // it was described within the last minute
	Same                   // it is still the resource that was judged, and no later one of the same name
	Alone                  // it is no child of what is stopped, or will be
	Severe                 // the severity is at least the one that the rules stop for
	Mode                   // the mode is stop
	Current                // the rules are the newest, and not the last that could be read
	Announced              // people were told before
	Grace                  // and the time that the rules give them is over
	Switch                 // the kill switch was read, and is off
	Breaker                // the circuit breaker was read, and is closed
	Budget                 // the number of stops that the rules allow is not used up
	Share                  // and neither is the share of what runs
	count
)

// Rails lists the rails in their order.
func Rails() []Rail {
	all := make([]Rail, count)
	for i := range all {
		all[i] = Rail(i)
	}
	return all
}

// reasons say, of each rail, why something is not stopped.
var reasons = [count][2]string{
	Stoppable:  {"AWS has no call that stops this kind without deleting it", "it is not known whether this kind can be stopped"},
	Ours:       {"it is not of this account and Region", "it is not known whether it is of this account and Region"},
	Unexcepted: {"an exception applies", "it is not known whether an exception applies"},
	Whole:      {"not all of its network settings are known", "not all of its network settings are known"},
	Failed:     {"it does not fail the rules now", "it is not known whether it fails the rules now"},
	Running:    {"it does not run", "it is not known whether it runs"},
	Afresh:     {"it was described too long ago", "it could not be described now"},
	Same:       {"a later resource has its name now", "it is not known whether it is still the same resource"},
	Alone:      {"what it belongs to is stopped, or fails itself", "what it belongs to is not known"},
	Severe:     {"the failure is less severe than what the rules stop for", "it is not known how severe the failure is"},
	Mode:       {"the rules do not ask for stops here", "it is not known whether the rules ask for stops here"},
	Current:    {"the newest rules file cannot be read", "the newest rules file cannot be read"},
	Announced:  {"nobody was told before", "it is not known whether anybody was told before"},
	Grace:      {"the time that the rules give is not over", "it is not known whether the time that the rules give is over"},
	Switch:     {"the kill switch is on", "the kill switch cannot be read"},
	Breaker:    {"the circuit breaker is open", "the circuit breaker cannot be read"},
	Budget:     {"the rules allow no more stops for now", "it is not known how many stops the rules allow"},
	Share:      {"the rules allow no more of what runs to be stopped for now", "it is not known how much of what runs may be stopped"},
}

// names are the rails as machines are told them.
var names = [count]string{
	"stoppable", "ours", "unexcepted", "whole", "failed", "running", "afresh", "same", "alone",
	"severe", "mode", "current", "announced", "grace", "switch", "breaker", "budget", "share",
}

// String is the rail's name for machines.
func (r Rail) String() string {
	if r >= count {
		return "none"
	}
	return names[r]
}

// Because is the reason why something is not stopped, for people.
func (r Rail) Because(f posture.Fact) string {
	if r >= count {
		return ""
	}
	if f == posture.No {
		return reasons[r][0]
	}
	return reasons[r][1]
}

// Facts are the answers to each rail; the zero value lets nothing through.
type Facts struct {
	// Person says that a person asked for this stop of this resource.
	Person bool
	Holds  [count]posture.Fact
}

// Decision says whether a stop may be made. Where it may not, Rail is the first
// that does not hold, and Why says so to a person.
type Decision struct {
	Stop bool
	Rail Rail
	Why  string
}

// waived are the rails that do not matter to a stop that a person asked for: the
// person decides in the place of the rules, and needs no time to be warned.
func waived(r Rail) bool {
	return r == Severe || r == Mode || r == Current || r == Grace || r == Share
}

// Decide says whether a stop may be made. It may if every rail certainly holds;
// one that does not apply does not hold.
func Decide(f Facts) Decision {
	for i, holds := range f.Holds {
		r := Rail(i)
		if f.Person && waived(r) {
			continue
		}
		if holds != posture.Yes {
			return Decision{Rail: r, Why: r.Because(holds)}
		}
	}
	return Decision{Stop: true, Rail: count}
}
