// Package ledger is the state between the functions: the last verdict on each
// resource, what was done about it, and the switches and checkpoints of the
// whole. One ledger is of one account and Region.
//
// Who writes what is kept apart, so that each function's role can be limited to
// its own: entries are written by audit, responses by respond, controls by whom
// they name. What a write changed goes out on a stream, to publish and respond.
package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// State is where a resource is in its life.
type State string

// The states. The empty state is not known.
const (
	Live  State = "live"  // it runs, or may run
	Ended State = "ended" // a job that came to its end: completed, failed or stopped
	Gone  State = "gone"  // deleted, or never found
)

// Entry is what is known of one resource.
type Entry struct {
	// Resource is the kind and the key: training-job/fraud-7.
	Resource                   string
	Kind                       kind.Kind
	Key, Name, ARN             string
	Partition, Account, Region string
	// Created tells the resource from an older one of the same name; zero where it
	// is not known.
	Created time.Time
	Origin  Origin
	Life    Life
	Verdict Verdict
	// Carry are members that no Describe response returns, as calls told them.
	Carry Carry
	// FirstSeen is the time of the oldest evidence.
	FirstSeen time.Time
	// Written is when the entry was last written: later than every time before.
	Written time.Time
	// Version counts the writes; 0 is an entry that was never written.
	Version int64
}

// Origin is who created the resource. At is zero where that is not known.
type Origin struct {
	At                               time.Time
	Event, EventID, Actor, Principal string
}

// Life is where the resource is in its life, as of At.
type Life struct {
	At     time.Time
	State  State
	Status string // as AWS writes it; may be empty
	// Open says that another state was told of the same time.
	Open bool
}

// Carry is a JSON object of members that no Describe response returns.
type Carry struct {
	At  time.Time
	Doc json.RawMessage `json:",omitempty"`
}

// RulesVersion says which rules file judged. Later files win.
type RulesVersion struct {
	At time.Time // when the file was last changed
	ID string    // its ETag; empty for the built-in rules
}

// Same says whether two versions are of the same file.
func (v RulesVersion) Same(o RulesVersion) bool { return v.ID == o.ID && v.At.Equal(o.At) }

// Verdict is the last judgement. At is when what was judged was in force.
type Verdict struct {
	At    time.Time
	Rules RulesVersion
	// Event and EventID are what caused the judgement.
	Event, EventID string
	// Described says that a Describe response was judged, and not a record alone.
	Described bool
	// Open says that something else was told of the same time.
	Open bool
	// Unseen says that nobody could look, and that nothing else was known of what
	// cannot change: whatever comes later, of whatever time, knows better.
	Unseen bool
	// Whole says that no fact was missing.
	Whole           bool
	Class, DataPath string
	Compliance      rules.Compliance
	Severity        rules.Severity
	// Exception is the id of the exception that let it pass; may be empty.
	Exception string
	// Finding is the finding in the AWS Security Finding Format, whose times,
	// record state and id are those of its first making; publish renews them.
	Finding json.RawMessage `json:",omitempty"`
	Notice  Notice
}

// Judged is what a verdict holds of a judgement.
func Judged(j *rules.Judgement) Verdict {
	v := Verdict{
		Whole: j.Whole(), Class: j.Verdict.Class.String(), DataPath: j.Verdict.DataPath.String(),
		Compliance: j.Compliance, Severity: j.Severity,
	}
	if j.Exception != nil {
		v.Exception = j.Exception.ID
	}
	return v
}

// Notice is what a person is told of a verdict.
type Notice struct {
	Title       string // one line
	Description string // what is the matter, in sentences
	Remedy      string // what closes it
	Paste       string // the request fragment that closes it; may be empty
	Doc         string // API reference page
	// Team and Topic are whom the rules route it to; empty is the default.
	Team, Topic string
	// Owner is the resource whose setting it is, where that is another one: the
	// domain of an app, the tuning job of a training job. kind/key, as Resource.
	Owner string
}

// Told says whether two entries tell the world the same.
func (e *Entry) Told(o *Entry) bool {
	if e == nil || o == nil {
		return e == o
	}
	a, b := e.Verdict, o.Verdict
	return SameCreation(e.Created, o.Created) && e.Life.State == o.Life.State &&
		a.Class == b.Class && a.Compliance == b.Compliance && a.Severity == b.Severity && a.Exception == b.Exception &&
		string(a.Finding) == string(b.Finding) && a.Notice == b.Notice
}

// Response is what was done about a resource.
type Response struct {
	Resource string
	// Created is the incarnation that it was done about; see [Entry].
	Created time.Time
	Alert   Alert
	Stop    Stop
	// Due is when respond has to look again; zero is never.
	Due time.Time
	// Over says that the resource is gone or ended, and nothing is left to do: the
	// response is kept for [Retention] only.
	Over    bool
	Written time.Time
	Version int64
}

// How says what became of an alert.
type How string

// The ways.
const (
	Sent       How = "sent"       // on its own
	Digested   How = "digested"   // in a digest
	Observed   How = "observed"   // not sent: the mode is observe
	Suppressed How = "suppressed" // not sent: a person suppressed the finding
	Inherited  How = "inherited"  // not sent: its owner's alert says it
)

// Alert is the last alert, and what it told.
type Alert struct {
	At         time.Time
	How        How
	Class      string
	Compliance rules.Compliance
	Severity   rules.Severity
}

// StopState is how far a stop came.
type StopState string

// The states of a stop; empty is none.
const (
	Announced StopState = "announced" // said, and not yet done
	Requested StopState = "requested" // AWS took the call
	Confirmed StopState = "confirmed" // the resource ended
	Withheld  StopState = "withheld"  // a rail forbade it; Why says which
)

// Stop is the stop of a resource.
type Stop struct {
	State     StopState
	Operation string // StopTrainingJob
	// Grace is the time that was promised between the announcement and the stop.
	Grace                             time.Duration
	By                                string // "rules", or the ARN of who asked for it
	Why                               string
	AnnouncedAt, RequestedAt, EndedAt time.Time
}

// Change is one write as the stream tells it: the entry or the response of a
// resource, before and after. New is nil where the item was taken away.
type Change struct {
	Sequence string
	// At is when the stream got it.
	At time.Time
	// Expired says that the item was taken away because its time was over, and not
	// by anybody.
	Expired                  bool
	OldEntry, NewEntry       *Entry
	OldResponse, NewResponse *Response
}

// ErrConflict says that somebody else wrote meanwhile: read again, and try again.
var ErrConflict = errors.New("the item was written by somebody else meanwhile")

// ErrOlder says that an entry would bring older evidence than what stands, or
// older rules on the same. What [Merge] gives never does.
var ErrOlder = errors.New("the entry would bring older evidence, or older rules, than what stands")

// Store keeps the ledger. Entry, Response and Control see every write that came
// before them. Live and Due may be a moment late, for a database answers them from
// an index: what they return may be an older version, whose write is refused.
type Store interface {
	// Entry returns the entry of a resource, nil where there is none.
	Entry(ctx context.Context, resource string) (*Entry, error)
	// PutEntry writes an entry over the version that it was read at, and sets
	// Version and Written. The error is [ErrConflict] where that is no longer it,
	// and [ErrOlder] where the evidence is older than what stands.
	PutEntry(ctx context.Context, e *Entry) error
	// Live returns entries of a kind that are live, by resource, after one.
	// next is empty at the end.
	Live(ctx context.Context, k kind.Kind, after string) (page []*Entry, next string, err error)

	// Response returns what was done about a resource, nil where nothing was.
	Response(ctx context.Context, resource string) (*Response, error)
	// PutResponse writes a response as PutEntry does an entry.
	PutResponse(ctx context.Context, r *Response) error
	// Due returns responses that are due at now, the longest due first, some at a time.
	Due(ctx context.Context, now time.Time) ([]*Response, error)

	// Control reads a control into the value; the version is 0 where there is none.
	Control(ctx context.Context, name string, into any) (version int64, err error)
	// PutControl writes a control over a version, as PutEntry does an entry.
	PutControl(ctx context.Context, name string, version int64, value any) error
}

// Encode is a value as stores keep it: JSON that leaves the JSON inside it, the
// finding's, as it was.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Retention is how long entries of what is gone or ended are kept, and the
// responses to them: longer than any event can be late, for SQS keeps messages
// for 14 days at most.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const Retention = 90 * 24 * time.Hour
