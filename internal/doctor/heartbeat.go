package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

func heartbeatSubject() subject {
	return subject{"Heartbeat", []Check{
		{ID: "sweep-mark", Why: "what events miss is found by the sweep alone", Deployed: true},
		{ID: "heartbeat", Why: "a function that is not woken any more fails silently", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		if x.stack == nil {
			return nil
		}
		out := []Line{judgeMark(x, control[ledger.Mark](ctx, x, ledger.Heartbeat+"sweep"))}
		return append(out, judgeBeats(x, x.metrics(ctx).recent)...)
	}}
}

// beats is how long each function may be silent. A schedule wakes respond every
// minute, the sweep every 15, publish once a day; audit has no schedule.
var beats = []struct {
	function string
	within   time.Duration
}{{"respond", 15 * time.Minute}, {"sweep", 45 * time.Minute}, {"publish", 25 * time.Hour}}

// judgeMark says when the sweep last came to the end of a tick.
func judgeMark(x *session, a answer[ledger.Mark]) Line {
	if !a.got {
		return a.unknown("sweep-mark")
	}
	within, now := beats[1].within, x.Now()
	at := a.value.At
	switch {
	case at.IsZero() && now.Sub(x.stack.created) < within:
		return line("sweep-mark", Warning, "no sweep came to its end yet; the stack is "+ago(now.Sub(x.stack.created))+" old")
	case at.IsZero():
		return line("sweep-mark", Failed, "no sweep ever came to its end", x.sweepLogs())
	case now.Sub(at) > within:
		return line("sweep-mark", Failed, fmt.Sprintf("the last sweep came to its end %s ago: want %s at most", ago(now.Sub(at)), ago(within)), x.sweepLogs())
	}
	return line("sweep-mark", OK, "the last sweep came to its end "+ago(now.Sub(at))+" ago")
}

// judgeBeats says when a scheduled run of each function last ended without an error:
// what the stream wakes is not counted, for it shows nothing of the schedule.
func judgeBeats(x *session, m answer[map[series][]point]) (out []Line) {
	if !m.got {
		return []Line{m.unknown("heartbeat")}
	}
	for _, b := range beats {
		last, now := newest(m.value[own(telemetry.Heartbeat, b.function)]), x.Now()
		name := x.stack.out(map[string]string{"respond": OutRespond, "sweep": OutSweep, "publish": OutPublish}[b.function])
		logs := x.aws("logs", "tail", "/aws/lambda/"+name, "--since", "1h")
		switch {
		case !last.IsZero() && now.Sub(last.Add(fine)) <= b.within:
			continue
		case now.Sub(x.stack.created) < b.within:
			out = append(out, line("heartbeat", Warning, fmt.Sprintf("no scheduled run of %s ended yet; the stack is %s old", b.function, ago(now.Sub(x.stack.created)))))
		case last.IsZero():
			out = append(out, line("heartbeat", Failed, fmt.Sprintf("no scheduled run of %s ended without an error within %s", b.function, ago(b.within)), logs))
		default:
			out = append(out, line("heartbeat", Failed, fmt.Sprintf("a scheduled run of %s last ended without an error %s ago: want %s at most", b.function, ago(now.Sub(last)), ago(b.within)), logs))
		}
	}
	if len(out) == 0 {
		out = append(out, line("heartbeat", OK, "scheduled runs of respond, sweep and publish ended without an error in time"))
	}
	return out
}
