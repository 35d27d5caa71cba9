package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Mode is what is done about a failed verdict besides recording it.
type Mode string

// The modes, the least invasive first.
const (
	Observe Mode = "observe" // findings only
	Notify  Mode = "notify"  // findings and alerts: the default
	Stop    Mode = "stop"    // findings, alerts, and a stop within its rails
)

// rank is the place of a mode among the modes.
func (m Mode) rank() int { return slices.Index(knownModes(), m) }

// AtMost is the mode, or the most that is allowed. A limit that is no mode allows
// the least.
func (m Mode) AtMost(most Mode) Mode {
	if m.rank() <= most.rank() {
		return m
	}
	return knownModes()[max(most.rank(), 0)]
}

// Known says whether it is a mode.
func (m Mode) Known() bool { return m.rank() >= 0 }

// knownModes lists the modes, the least invasive first.
func knownModes() []Mode { return []Mode{Observe, Notify, Stop} }

// Response says what is done about what fails, and who is told.
type Response struct {
	// Mode is for everything that no entry of Modes matches.
	Mode Mode
	// Modes are for some resources. Later entries win.
	Modes []ModeOverride
	// Stop are the rails of mode stop.
	Stop Rails
	// Routes say who is told. The first that matches counts.
	Routes []Route
	// Digest says that warnings are told, once a day.
	Digest bool
}

// ModeOverride is a mode for the resources that match. Its Match has no tags,
// names or resources: what a person can choose must not keep a stop away.
type ModeOverride struct {
	Match Match
	Mode  Mode
	Line  int // line in the rules file, for messages
}

// Rails are the limits within which something is stopped.
type Rails struct {
	// Severity is the least that a failure must have to be a reason to stop.
	Severity Severity
	// Grace is the time between the announcement of a stop and the stop.
	Grace  time.Duration
	Budget Budget
}

// Budget is how much may be stopped.
type Budget struct {
	// Stops is how many there may be in any time as long as Within.
	Stops  int
	Within time.Duration
	// Share is how many percent of what runs of a kind may be stopped in that
	// time; one always may.
	Share int
}

// Route says who is told about the resources that match. It may match by tags
// and names, for it neither loosens a rule nor keeps a stop away.
type Route struct {
	Match Match
	// Pipelines are patterns of the name of the pipeline that the resource is,
	// or runs in; empty does not matter.
	Pipelines []string
	Team      string
	// Topic is the ARN of an SNS topic; empty is the default one.
	Topic string
}

// defaultResponse is the response where the file says nothing.
func defaultResponse() Response {
	return Response{
		Mode:   Notify,
		Stop:   Rails{Severity: High, Budget: Budget{Stops: 5, Within: 10 * time.Minute, Share: 20}},
		Digest: true,
	}
}

// String says in a few words what is done, for people.
func (r *Response) String() string {
	says := []string{string(r.Mode)}
	for _, m := range knownModes() {
		if m != r.Mode && slices.ContainsFunc(r.Modes, func(o ModeOverride) bool { return o.Mode == m }) {
			says = append(says, string(m)+" for some")
		}
	}
	return strings.Join(says, ", ")
}

// Stoppable says whether what runs of a kind can be stopped. A deletion is no
// stop: what it takes away does not come back, and nothing is ever deleted.
func Stoppable(k kind.Kind) bool {
	row, ok := kind.Of(k)
	return ok && slices.ContainsFunc(row.Stops, func(operation string) bool { return strings.HasPrefix(operation, "Stop") })
}

// ModeFor is the mode for a resource. Where it cannot be told whether an entry
// matches, it is the least invasive of the modes that it may be; and it is
// [Stop] only for what can be stopped.
func (f *File) ModeFor(s *Subject) Mode {
	mode, _ := f.ModeFrom(s)
	return mode
}

// ModeFrom is [File.ModeFor], and the line of the entry of modes that decided; 0
// is the mode of everything, or that of what cannot be stopped.
func (f *File) ModeFrom(s *Subject) (least Mode, line int) {
	possible := []ModeOverride{{Mode: f.Response.Mode}}
	for _, o := range f.Response.Modes {
		switch o.Match.fits(s, &kind.Part{}) {
		case posture.Yes:
			possible = []ModeOverride{o}
		case posture.Unknown:
			possible = append(possible, o)
		case posture.No, posture.NotApplicable:
		}
	}
	by := slices.MinFunc(possible, func(a, b ModeOverride) int { return cmp.Compare(a.Mode.rank(), b.Mode.rank()) })
	if by.Mode == Stop && !Stoppable(s.Kind) {
		return Notify, 0
	}
	return by.Mode, by.Line
}

// MayExcept says whether an exception that is in force may be about a resource,
// though not certainly, so that [File.Judge] does not apply it. What fails all the
// same is not to be stopped for that.
func (f *File) MayExcept(s *Subject, now time.Time) bool {
	return slices.ContainsFunc(f.Exceptions, func(x Exception) bool {
		if s.Kind == kind.Pipeline || s.Kind == kind.PipelineExecution {
			x.Match.Kinds = nil // which kinds its steps are of is not told
		}
		return now.Before(x.Expires) && x.Match.fits(s, &kind.Part{}) == posture.Unknown
	})
}

// Route returns the team to tell about a resource, and the topic to tell it by:
// those of the first route that certainly matches. No team is nobody in
// particular, no topic the default one. The pipeline is the name of the one that
// the resource is, or runs in; empty where there is none, or it is not known.
func (f *File) Route(s *Subject, pipeline string) (team, topic string) {
	for _, r := range f.Response.Routes {
		if r.Match.fits(s, &kind.Part{}) == posture.Yes && nameFits(r.Pipelines, pipeline) == posture.Yes {
			return r.Team, r.Topic
		}
	}
	return "", ""
}

// UsesTags says whether an override or a route looks at tags, so that it is
// worth a call to fetch them.
func (f *File) UsesTags() bool {
	if slices.ContainsFunc(f.Overrides, func(o Override) bool { return len(o.Match.Tags) > 0 }) {
		return true
	}
	return slices.ContainsFunc(f.Response.Routes, func(r Route) bool { return len(r.Match.Tags) > 0 })
}
