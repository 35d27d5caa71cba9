package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Limits of Lambda (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const (
	longest    = 15 * time.Minute // of an invocation
	maxPayload = 6 << 20          // of a synchronous request, and of its response
)

// Account is the account that the functions run in.
const Account = "111122223333"

// Function is a function whose process runs, or will for the next event.
type Function struct {
	binary string
	env    []string
	arn    string
	output tail

	mu      sync.Mutex // held during an invocation: there is one at a time
	current *process   // nil while none runs
	count   int        // invocations
	starts  int
	init    time.Duration
}

// Error is how an invocation ended that did not give a result.
type Error struct {
	// Type is what the function gave as its errorType, or of Lambda:
	// Runtime.ExitError, Sandbox.Timedout, Function.ResponseSizeTooLarge.
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Start starts the binary and waits until it asks for its first event. env holds
// the function's variables, as NAME=value, which stand above those of Lambda;
// nothing of our own environment is handed on. ctx bounds the wait only: Close
// ends the process.
//
// A process that ends, or reports that it cannot be initialised, is an *Error.
func Start(ctx context.Context, binary string, env []string) (*Function, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("starting a function: %w", err)
	}
	name := filepath.Base(filepath.Dir(binary)) // dist/audit/bootstrap
	f := &Function{binary: binary}
	f.env = append([]string{
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_FUNCTION_NAME=" + name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + name,
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/02/[$LATEST]0",
		"AWS_REGION=eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-1",
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(binary),
		"LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ=:UTC",
		"_HANDLER=bootstrap",
	}, env...)
	f.arn = fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", f.variable("AWS_REGION"), Account, f.variable("AWS_LAMBDA_FUNCTION_NAME"))
	return f, f.start(ctx)
}

// variable is the value of a variable of the function.
func (f *Function) variable(name string) (value string) {
	for _, v := range f.env {
		if rest, ok := strings.CutPrefix(v, name+"="); ok {
			value = rest
		}
	}
	return value
}

// start starts a process and waits until it is ready.
func (f *Function) start(ctx context.Context) error {
	p, err := newProcess(ctx, f)
	if err != nil {
		return fmt.Errorf("starting %s: %w", f.binary, err)
	}
	f.starts++
	select {
	case <-p.ready:
		f.current, f.init = p, p.init
		return nil
	case <-p.ended:
		err = p.exitError("")
	case <-ctx.Done():
		err = fmt.Errorf("%s did not ask for its first event: %w", f.binary, ctx.Err())
	}
	p.stop()
	select {
	case err = <-p.refused: // its own words say more
	default:
	}
	return err
}

// Invoke hands an event to the function and returns its response. The deadline
// of ctx is the function's timeout, at most 15 minutes: then the process is
// killed, as it is if ctx is canceled.
//
// An invocation that failed is an *Error.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, &Error{Type: "RequestEntityTooLargeException", Message: fmt.Sprintf("%d bytes; Lambda takes %d", len(payload), maxPayload)}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	deadline, _ := ctx.Deadline()
	f.count++
	in := &invocation{
		id: fmt.Sprintf("00000000-0000-4000-8000-%012d", f.count), payload: payload, deadline: deadline, function: f.arn,
		trace: fmt.Sprintf("Root=1-00000000-%024d;Parent=%016d;Sampled=0", f.count, f.count),
		done:  make(chan outcome, 1),
	}
	began := now()
	if err := f.deliver(ctx, in); err != nil {
		return nil, f.over(ctx, in, began, err)
	}
	var err error
	select {
	case o := <-in.done:
		return o.result, o.err
	case <-f.current.ended:
		err = f.current.exitError(in.id)
	case <-ctx.Done():
	}
	select {
	case o := <-in.done: // and ended, or ran out of time, right after
		return o.result, o.err
	default:
	}
	return nil, f.over(ctx, in, began, err)
}

// deliver hands the invocation to a process that waits for one. A process that
// ended since is replaced.
func (f *Function) deliver(ctx context.Context, in *invocation) error {
	if f.current != nil {
		select {
		case f.current.pending <- in:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-f.current.ended:
			f.drop()
		}
	}
	if err := f.start(ctx); err != nil {
		return err
	}
	select {
	case f.current.pending <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-f.current.ended:
		return f.current.exitError(in.id)
	}
}

// over ends the process of an invocation that came to nothing, and says how.
func (f *Function) over(ctx context.Context, in *invocation, began time.Time, err error) error {
	f.drop()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Type: "Sandbox.Timedout", Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", in.id, now().Sub(began).Seconds())}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (f *Function) drop() {
	if f.current != nil {
		f.current.stop()
		f.current = nil
	}
}

// Init is the time from the start of the process to its first request for an
// event, of the last process that was started.
func (f *Function) Init() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.init
}

// Starts is how many processes were started so far.
func (f *Function) Starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

// Output is what the function wrote to its standard output and error so far, the
// last MiB of it. What it wrote before a response may come a moment after it; all
// of it is there after Close.
func (f *Function) Output() string { return f.output.String() }

// Close ends the process, if one runs, and waits for its end.
func (f *Function) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop()
}
