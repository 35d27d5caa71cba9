package runtimeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sagemoat/sagemoat/internal/awstest/sources"
	"github.com/sagemoat/sagemoat/internal/gen/package/bootstrap"
	"github.com/sagemoat/sagemoat/internal/runtimeapi"
)

var handler string // the function under test, as it would be deployed

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "runtimeapi")
	if err != nil {
		panic(err)
	}
	if err := sources.Used("../.."); err != nil {
		panic(err)
	}
	handler = filepath.Join(dir, "handler", bootstrap.Name)
	if err := bootstrap.Build(context.Background(), "../..", "internal/runtimeapi/testdata/handler", runtime.GOARCH, handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

type event struct {
	Do  string
	Say string
	Big int
}

type answer struct {
	Said, Request, Function, Trace, Dir string
	Count                               int
	Deadline                            int64
	Env                                 []string
}

func start(t *testing.T, binary string, env ...string) *runtimeapi.Function {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f, err := runtimeapi.Start(ctx, binary, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func invoke(t *testing.T, f *runtimeapi.Function, timeout time.Duration, e event) (answer, error) {
	t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	b, err := f.Invoke(ctx, payload)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return a, nil
}

// wants is whether err is the one that Lambda's caller would see.
func wants(t *testing.T, err error, kind, message string) {
	t.Helper()
	e, ok := errors.AsType[*runtimeapi.Error](err)
	if !ok || e.Type != kind || !regexp.MustCompile(message).MatchString(e.Message) {
		t.Errorf("got %v, want %s: %s", err, kind, message)
	}
}

func TestSuccess(t *testing.T) {
	t.Setenv("SECRET_OF_OURS", "hunter2")
	f := start(t, handler, "TABLE=ledger", "AWS_REGION=eu-central-1")
	before := time.Now()
	for i := range 3 {
		got, err := invoke(t, f, time.Minute, event{Say: fmt.Sprint("<", i, ">")})
		if err != nil {
			t.Fatal(err)
		}
		env := strings.Join(got.Env, "\n")
		for what, ok := range map[string]bool{
			"the payload":      got.Said == fmt.Sprint("<", i, ">"),
			"one process":      got.Count == i+1,
			"the request's id": regexp.MustCompile(fmt.Sprintf(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}0{11}%d$`, i+1)).MatchString(got.Request),
			"the ARN":          got.Function == "arn:aws:lambda:eu-central-1:111122223333:function:handler",
			"the trace":        strings.HasPrefix(got.Trace, "Root=1-00000000-"),
			"the deadline":     got.Deadline >= before.Add(time.Minute).UnixMilli()-1 && got.Deadline < time.Now().Add(time.Minute).UnixMilli()+1,
			"its folder":       got.Dir == filepath.Dir(handler),
			"its environment":  strings.Contains(env, "TABLE=ledger") && strings.Contains(env, "AWS_LAMBDA_FUNCTION_NAME=handler"),
			"not ours":         !strings.Contains(env, "hunter2") && !strings.Contains(env, "HOME="),
			"one Region":       strings.Count(env, "\nAWS_REGION=") == 1 && strings.Contains(env, "\nAWS_REGION=eu-central-1"),
		} {
			if !ok {
				t.Errorf("%s: %+v", what, got)
			}
		}
	}
	if f.Starts() != 1 || f.Init() <= 0 || f.Init() > time.Since(before)+time.Minute {
		t.Errorf("%d starts, %s to start", f.Starts(), f.Init())
	}
	m, err := f.Memory()
	if err != nil || m.Resident < 1<<20 || m.Peak < m.Resident || m.Peak > 1<<30 {
		t.Errorf("memory %+v: %v", m, err)
	}
	f.Close()
	if _, err := f.Memory(); err == nil {
		t.Error("a function that was closed has memory")
	}
}

func TestError(t *testing.T) {
	f := start(t, handler)
	_, err := invoke(t, f, time.Minute, event{Do: "error", Say: "no such thing"})
	wants(t, err, "errorString", "^no such thing$")
	if got, err := invoke(t, f, time.Minute, event{}); err != nil || got.Count != 2 || f.Starts() != 1 {
		t.Errorf("after an error: %v, invocation %d of %d processes; want the second of one", err, got.Count, f.Starts())
	}
}

func TestPanic(t *testing.T) {
	f := start(t, handler)
	_, err := invoke(t, f, time.Minute, event{Do: "panic", Say: "at the disco"})
	wants(t, err, "string", "^at the disco$")
	if got, err := invoke(t, f, time.Minute, event{}); err != nil || got.Count != 1 || f.Starts() != 2 {
		t.Errorf("after a panic: %v, invocation %d of process %d; want the first of the second", err, got.Count, f.Starts())
	}
}

func TestTimeout(t *testing.T) {
	f := start(t, handler)
	_, err := invoke(t, f, 200*time.Millisecond, event{Do: "hang"})
	wants(t, err, "Sandbox.Timedout", `^RequestId: [-0-9a-f]{36} Error: Task timed out after 0\.\d\d seconds$`)
	if _, err := f.Memory(); err == nil {
		t.Error("it runs on after its time was over")
	}
	if got, err := invoke(t, f, time.Minute, event{}); err != nil || got.Count != 1 || f.Starts() != 2 {
		t.Errorf("after a timeout: %v, invocation %d of process %d; want the first of the second", err, got.Count, f.Starts())
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := f.Invoke(ctx, []byte(`{"Do":"hang"}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestExit(t *testing.T) {
	f := start(t, handler)
	for n := range 2 {
		_, err := invoke(t, f, time.Minute, event{Do: "exit"})
		wants(t, err, "Runtime.ExitError", `^RequestId: [-0-9a-f]{36} Error: Runtime exited with error: exit status 7$`)
		if f.Starts() != n+1 {
			t.Errorf("%d starts, want %d", f.Starts(), n+1)
		}
	}
}

func TestNoInit(t *testing.T) {
	_, err := runtimeapi.Start(t.Context(), handler, []string{"HANDLER_INIT=exit"})
	wants(t, err, "Runtime.ExitError", "exit status 3$")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err = runtimeapi.Start(ctx, handler, []string{"HANDLER_INIT=hang"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a function that hangs: %v", err)
	}
	if _, err = runtimeapi.Start(t.Context(), handler+".gone", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a function that is not there: %v", err)
	}
}

// TestNoRestart: what starts once and never again fails with its own error.
func TestNoRestart(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, bootstrap.Name)
	once := "#!/bin/sh\n[ -e started ] && exit 4\ntouch started\nexec " + handler + "\n"
	if err := os.WriteFile(script, []byte(once), 0o755); err != nil {
		t.Fatal(err)
	}
	f := start(t, script)
	_, err := invoke(t, f, time.Minute, event{Do: "exit"})
	wants(t, err, "Runtime.ExitError", "exit status 7$")
	_, err = invoke(t, f, time.Minute, event{})
	wants(t, err, "Runtime.ExitError", "exit status 4$")
}

func TestOutput(t *testing.T) {
	f := start(t, handler)
	if _, err := invoke(t, f, time.Minute, event{Do: "print", Say: "first"}); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1<<19)
	for range 3 {
		if _, err := invoke(t, f, time.Minute, event{Do: "print", Say: long}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := invoke(t, f, time.Minute, event{Do: "print", Say: "last"}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got := f.Output(); len(got) != 1<<20 || !strings.HasSuffix(got, "x\nlast\nlast\n") {
		t.Errorf("%d bytes of output, at the end %q", len(got), got[max(0, len(got)-40):])
	}
}

func TestSizes(t *testing.T) {
	f := start(t, handler)
	_, err := f.Invoke(t.Context(), bytes.Repeat([]byte(" "), 6<<20+1))
	wants(t, err, "RequestEntityTooLargeException", "6291457 bytes")
	_, err = invoke(t, f, time.Minute, event{Do: "big", Big: 6 << 20})
	wants(t, err, "Function.ResponseSizeTooLarge", "6291456 bytes")
	b, err := f.Invoke(t.Context(), []byte(`{"Do":"big","Big":6291454}`))
	if err != nil || len(b) != 6<<20 {
		t.Errorf("%d bytes, %v; want 6 MiB", len(b), err)
	}
}

// TestForeignRuntime: what a runtime that is not Go may do: report that it cannot
// be initialised, answer for another invocation, report without a body. The
// binary is a shell script; the test speaks in its place.
func TestForeignRuntime(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, bootstrap.Name)
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho $AWS_LAMBDA_RUNTIME_API >api.new && mv api.new api\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	call := func(method, path, kind, body string) (status int, id string) {
		var api []byte
		for range 1000 { // until the script has said where
			var err error
			if api, err = os.ReadFile(filepath.Join(dir, "api")); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+strings.TrimSpace(string(api))+"/2018-06-01/runtime/"+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		r.Header.Set("Lambda-Runtime-Function-Error-Type", kind)
		response, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		response.Body.Close()
		return response.StatusCode, response.Header.Get("Lambda-Runtime-Aws-Request-Id")
	}
	status := func(want int, method, path, kind, body string) {
		if got, _ := call(method, path, kind, body); got != want {
			t.Errorf("%s %s: %d, want %d", method, path, got, want)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	go func() {
		status(http.StatusAccepted, "POST", "init/error", "Runtime.NoSuchHandler", `{"errorMessage":"no handler"}`)
		status(http.StatusAccepted, "POST", "init/error", "", `{"errorMessage":"said again"}`)
		cancel()
	}()
	_, err := runtimeapi.Start(ctx, script, nil)
	wants(t, err, "Runtime.NoSuchHandler", "^no handler$")

	if err := os.Remove(filepath.Join(dir, "api")); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, id := call("GET", "invocation/next", "", "")
		status(http.StatusBadRequest, "POST", "invocation/another/response", "", "{}")
		status(http.StatusAccepted, "POST", "invocation/"+id+"/error", "Function.Odd", "not JSON")
		status(http.StatusBadRequest, "POST", "invocation/"+id+"/response", "", "{}")
		status(http.StatusNotFound, "GET", "invocation/"+id, "", "")
	}()
	f := start(t, script)
	_, err = f.Invoke(t.Context(), []byte("{}"))
	wants(t, err, "Function.Odd", "cannot be read")
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = f.Invoke(short, []byte("{}")) // it never asks for another
	wants(t, err, "Sandbox.Timedout", "timed out")
}
