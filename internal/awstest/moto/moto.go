// Package moto runs moto, which plays AWS in Python: the second opinion on what
// the sandbox says of AWS, where moto has the operation and is right.
// docs/test-doubles.md lists where it is not. https://docs.getmoto.org/
//
// It needs python3 with venv on the PATH (Debian: python3, python3-venv). The
// first call installs moto from PyPI, by the versions and hashes in
// requirements.txt, into .cache/ at the root of the repository; later ones need
// no network. requirements.txt is written from requirements.in by
//
//	pip-compile --generate-hashes --strip-extras --no-header
package moto

import (
	"bufio"
	_ "embed" // what it needs
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

//go:embed requirements.txt
var requirements []byte

//go:embed serve.py
var program string

// Account and Region are where everything in moto is.
const (
	Account = "111122223333"
	Region  = "eu-west-1"
)

// patience is what a small machine that does other things needs to start it,
// several times over.
const patience = time.Minute

// server is the one of this test binary.
var server = sync.OnceValues(start)

// running is a server. It runs as long as its standard input is open, which is as
// long as this is referred to.
type running struct {
	url   string
	stdin io.Closer
}

// Endpoint is the URL of the one server of this test binary, which ends with it.
// It holds everything in memory.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	s, err := server()
	if err != nil {
		tb.Fatal(err)
	}
	return s.url
}

// Config empties it, and returns what clients are made from: those of S3 have to
// set UsePathStyle. Tests that use it cannot run in parallel.
// https://docs.getmoto.org/en/latest/docs/server_mode.html#reset-api
func Config(tb testing.TB) aws.Config {
	tb.Helper()
	out, err := http.Post(Endpoint(tb)+"/moto-api/reset", "", http.NoBody) //nolint:noctx // a test's
	if err == nil {
		err = out.Body.Close()
	}
	if err != nil || out.StatusCode != http.StatusOK {
		tb.Fatalf("moto was not emptied: %+v, %v", out, err)
	}
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(Endpoint(tb)),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// listening is what the server writes when it has a port.
var listening = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// start starts the server on a port that the system gives it, and waits until it
// says which.
func start() (*running, error) {
	python, err := install()
	if err != nil {
		return nil, err
	}
	//nolint:gosec,noctx // our own program, which ends with this one
	cmd := exec.Command(python, "-c", program)
	cmd.Env = append(cmd.Environ(), "MOTO_ACCOUNT_ID="+Account, "PYTHONUNBUFFERED=1")
	stdin, noIn := cmd.StdinPipe()
	out, noOut := cmd.StderrPipe()
	if err := errors.Join(noIn, noOut, cmd.Start()); err != nil {
		return nil, err
	}
	began := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // ends what is read
	var said []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			if !began.Stop() {
				break
			}
			go io.Copy(io.Discard, out) //nolint:errcheck // a line for each request
			return &running{m[1], stdin}, nil
		}
		said = append(said, lines.Text())
	}
	return nil, fmt.Errorf("moto does not start: %w; it said: %s", cmd.Wait(), strings.Join(said, "\n"))
}

// install returns a Python that has moto.
func install() (python string, err error) {
	python, _, err = cached.Python("moto", requirements, nil)
	return python, err
}
