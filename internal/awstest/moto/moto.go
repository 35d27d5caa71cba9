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
	"bytes"
	"crypto/sha256"
	_ "embed" // what it needs
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
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

// install puts moto in a folder that is named after what is in it and the version
// of Python, once, whichever test comes first, and returns the Python to run it.
func install() (string, error) {
	version, err := run("python3", "--version")
	if err != nil {
		return "", err
	}
	root, err := cache()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(version, requirements...))
	dir := filepath.Join(root, "moto-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(dir, "lock")) //nolint:gosec // in our own cache
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // unlocks
	//nolint:gosec // a descriptor is a small number
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	venv := filepath.Join(dir, "venv")
	python := filepath.Join(venv, "bin", "python3")
	list := filepath.Join(dir, "requirements.txt") // written last
	if _, err := os.Stat(list); err == nil {
		return python, nil
	}
	if _, err := run("python3", "-m", "venv", "--clear", venv); err != nil {
		return "", fmt.Errorf("%w: install python3-venv", err)
	}
	// Nothing but what the hashes name, and no setup script of anybody's.
	fresh := list + ".new"
	if err := os.WriteFile(fresh, requirements, 0o600); err != nil {
		return "", err
	}
	if _, err := run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", fresh); err != nil {
		return "", err
	}
	return python, os.Rename(fresh, list)
}

// run runs a command; the error has what it wrote.
func run(name string, args ...string) ([]byte, error) {
	out, err := exec.Command(name, args...).CombinedOutput() //nolint:gosec,noctx // arguments of our own
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w: install python3 and python3-venv", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return out, nil
}

// cache is the folder .cache beside the go.mod above the working directory.
func cache() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(dir, ".cache"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the working directory")
		}
	}
	return "", err
}
