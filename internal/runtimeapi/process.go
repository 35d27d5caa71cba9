package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// now is the time of the machine, as processes are what is timed.
var now = time.Now //nolint:forbidigo // a process takes real time

// process is a running binary and the Runtime API that it alone talks to.
type process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	server *http.Server

	began   time.Time
	init    time.Duration // read after ready
	once    sync.Once
	ready   chan struct{}    // closed when the first event is asked for
	refused chan error       // it says that it cannot be initialised
	ended   chan struct{}    // closed when it has ended
	pending chan *invocation // taken by whoever asks for the next event

	mu      sync.Mutex
	current *invocation
}

// invocation is an event on its way.
type invocation struct {
	id, function, trace string
	payload             []byte
	deadline            time.Time
	done                chan outcome // holds one
}

type outcome struct {
	result []byte
	err    error
}

func newProcess(ctx context.Context, f *Function) (*process, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the call that starts it
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, err
	}
	p := &process{
		cancel: cancel,
		ready:  make(chan struct{}), refused: make(chan error, 1), ended: make(chan struct{}), pending: make(chan *invocation),
	}
	mux := http.NewServeMux()
	const root = "/2018-06-01/runtime"
	mux.HandleFunc("GET "+root+"/invocation/next", p.next)
	mux.HandleFunc("POST "+root+"/invocation/{id}/response", p.response)
	mux.HandleFunc("POST "+root+"/invocation/{id}/error", p.failure)
	mux.HandleFunc("POST "+root+"/init/error", p.initError)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	p.cmd = exec.CommandContext(ctx, f.binary) // #nosec G204 -- the caller's own binary
	p.cmd.WaitDelay = time.Second              // for children of its own that hold on to its output
	p.cmd.Dir = filepath.Dir(f.binary)
	p.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, f.env...)
	p.cmd.Stdout, p.cmd.Stderr = &f.output, &f.output
	p.began = now()
	go p.server.Serve(listener) //nolint:errcheck // it ends when the process does
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, errors.Join(err, p.server.Close())
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck,gosec // its state is in cmd
		close(p.ended)
	}()
	return p, nil
}

// stop kills the process and waits for its end.
func (p *process) stop() {
	p.cancel()
	<-p.ended
	p.server.Close() //nolint:errcheck,gosec // nobody is there to listen
}

// exitError says how the process ended, in Lambda's words.
func (p *process) exitError(id string) error {
	return &Error{Type: "Runtime.ExitError", Message: fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", id, p.cmd.ProcessState)}
}

// next waits for an event and hands it out.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.once.Do(func() {
		p.init = now().Sub(p.began)
		close(p.ready)
	})
	select {
	case <-r.Context().Done():
	case in := <-p.pending:
		p.mu.Lock()
		p.current = in
		p.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", in.function)
		h.Set("Lambda-Runtime-Trace-Id", in.trace)
		w.Write(in.payload) //nolint:errcheck,gosec // if it cannot be told, it has ended
	}
}

// response takes the result of the current invocation.
func (p *process) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err := &Error{Type: "Function.ResponseSizeTooLarge", Message: fmt.Sprintf("the response is larger than %d bytes", tooLarge.Limit)}
		if p.settle(w, r, outcome{err: err}) {
			answer(w, http.StatusRequestEntityTooLarge, err)
		}
		return
	}
	if err != nil {
		answer(w, http.StatusBadRequest, &Error{Type: "InvalidBody", Message: err.Error()})
		return
	}
	if p.settle(w, r, outcome{result: body}) {
		answer(w, http.StatusAccepted, nil)
	}
}

// failure takes the error of the current invocation.
func (p *process) failure(w http.ResponseWriter, r *http.Request) {
	if p.settle(w, r, outcome{err: readError(w, r)}) {
		answer(w, http.StatusAccepted, nil)
	}
}

// initError takes why the process cannot be initialised.
func (p *process) initError(w http.ResponseWriter, r *http.Request) {
	select {
	case p.refused <- readError(w, r):
	default: // said before
	}
	answer(w, http.StatusAccepted, nil)
}

// settle ends the current invocation, if that is what the request is about.
func (p *process) settle(w http.ResponseWriter, r *http.Request, o outcome) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := r.PathValue("id")
	if p.current == nil || p.current.id != id {
		answer(w, http.StatusBadRequest, &Error{Type: "InvalidRequestID", Message: "no invocation " + id + " is under way"})
		return false
	}
	p.current.done <- o
	p.current = nil
	return true
}

// readError is the error that a request reports: its body, or if that says
// nothing, its header.
func readError(w http.ResponseWriter, r *http.Request) error {
	e := &Error{}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err == nil {
		err = json.Unmarshal(body, e)
	}
	if err != nil {
		e = &Error{Message: "the runtime's report cannot be read: " + err.Error()}
	}
	if e.Type == "" {
		e.Type = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return e
}

func answer(w http.ResponseWriter, status int, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	var body any = map[string]string{"status": "OK"}
	if e != nil {
		body = e
	}
	json.NewEncoder(w).Encode(body) //nolint:errcheck,errchkjson,gosec // if it cannot be told, it has ended
}
