package sweep

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"golang.org/x/time/rate"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// errStop says that the tick's time is over. The next one goes on.
var errStop = errors.New("the time of this tick is over")

const (
	// spare is how long before its deadline a tick begins nothing new: time for the
	// call that is under way, and for writing down how far it came.
	spare = 20 * time.Second
	// tries is how often a call is made.
	tries = 6
	// longest is the longest pause between two tries.
	longest = 30 * time.Second
	// slowly is how long half the rate is kept after a call was throttled.
	slowly = 5 * time.Minute
)

// pace keeps the rate of calls.
type pace struct {
	limiter *rate.Limiter
	full    rate.Limit
	slow    time.Time // until when half the rate is kept
}

func newPace(perSecond float64) *pace {
	full := rate.Limit(perSecond)
	return &pace{limiter: rate.NewLimiter(full, 1), full: full}
}

// next is how long to wait until the next call may be made.
func (p *pace) next(now time.Time) time.Duration {
	if !p.slow.IsZero() && !now.Before(p.slow) {
		p.slow = time.Time{}
		p.limiter.SetLimitAt(now, p.full)
	}
	d := p.limiter.ReserveN(now, 1).DelayFrom(now)
	if d > 0 {
		// The limiter counts in floating point. A call must not come too early for
		// what that leaves out.
		d = d.Truncate(time.Millisecond) + time.Millisecond
	}
	return d
}

// throttled has half the rate kept for a while.
func (p *pace) throttled(now time.Time) {
	p.slow = now.Add(slowly)
	p.limiter.SetLimitAt(now, p.full/2)
}

// late says whether there is no time left for something new after a pause.
func (t *tick) late(pause time.Duration) bool {
	return t.limited && t.now().Add(pause+spare).After(t.deadline)
}

// wait waits, unless there is no time for what comes after.
func (t *tick) wait(ctx context.Context, d time.Duration) error {
	if t.late(d) {
		return errStop
	}
	if d <= 0 {
		return ctx.Err()
	}
	return t.Sleep(ctx, d)
}

// ask makes a call of SageMaker at the rate that is allowed, and again where that
// may help.
func (t *tick) ask(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
	pause := time.Second
	for try := 1; ; try++ {
		if t.late(0) {
			return nil, errStop
		}
		if err := t.wait(ctx, t.pace.next(t.now())); err != nil {
			return nil, err
		}
		response, err := t.Call(ctx, operation, input)
		if err == nil || ctx.Err() != nil || try == tries || !passes(err) {
			return response, err
		}
		if throttles(err) {
			t.pace.throttled(t.now())
		}
		if err := t.wait(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(2*pause, longest)
	}
}

// throttles says whether a call was refused for its rate.
func throttles(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
}

// passes says whether a call may succeed when it is made again. The SDK would
// repeat what is denied where clocks differ, for a signature may be too old.
func passes(err error) bool {
	if awsjson.Denied(err) {
		return false
	}
	return throttles(err) || retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}
