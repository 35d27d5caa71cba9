package moto

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

// TestServer: it answers the SDK, as the account that the tests have, and is
// emptied for whoever comes next.
func TestServer(t *testing.T) {
	client := sqs.NewFromConfig(Config(t))
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("server")})
	if err != nil {
		t.Fatal(err)
	}
	if want := Endpoint(t) + "/" + Account + "/server"; aws.ToString(out.QueueUrl) != want {
		t.Errorf("the queue is %s, want %s", aws.ToString(out.QueueUrl), want)
	}
	for want := 1; want >= 0; want-- {
		list, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.QueueUrls) != want {
			t.Errorf("there are %d queues, want %d", len(list.QueueUrls), want)
		}
		Config(t)
	}
}

// fake has a python3 of our own found, in a folder that has the go.mod of a
// repository. It counts its installations, and fails where a file says so.
func fake(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script := `#!/bin/sh
set -e
case "$1 $2" in
"--version ") echo Python 3.0 ;;
"-m venv")
	test ! -e ` + dir + `/no-venv || { echo ensurepip is not available; exit 1; }
	mkdir -p "$4/bin" && cp "$0" "$4/bin/python3" ;;
"-m pip")
	test ! -e ` + dir + `/no-pip || { echo the hashes differ; exit 1; }
	echo x >>` + dir + `/installed ;;
*) echo no such module >&2; exit 1 ;;
esac
`
	write(t, filepath.Join(dir, "python3"), script)
	write(t, filepath.Join(dir, "go.mod"), "")
	t.Chdir(dir)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// fails fails the test unless an error says what it should.
func fails(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error with %q", err, want)
	}
}

// TestInstall: it is installed once; what went wrong is said, by the name of the
// package that is missing, and tried again.
func TestInstall(t *testing.T) {
	dir := fake(t)
	install := func() (bin string, err error) { return cached.Python("moto", requirements) }
	t.Run("no python3", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := install()
		fails(t, err, "install python3 and python3-venv")
	})
	write(t, filepath.Join(dir, ".cache"), "")
	_, err := install()
	fails(t, err, "not a directory")
	if err := os.Remove(filepath.Join(dir, ".cache")); err != nil {
		t.Fatal(err)
	}
	// As Debian's python3 is, without python3-venv.
	for file, want := range map[string]string{"no-venv": "ensurepip is not available: install python3 and python3-venv", "no-pip": "the hashes differ"} {
		write(t, filepath.Join(dir, file), "")
		_, err := install()
		fails(t, err, want)
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		bin, err := install()
		if err != nil {
			t.Fatal(err)
		}
		python := filepath.Join(bin, "python3")
		if _, err := os.Stat(python); err != nil || !strings.HasPrefix(python, filepath.Join(dir, ".cache", "moto-")) {
			t.Errorf("Python is %s, %v", python, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "installed")); string(text) != "x\n" {
		t.Errorf("it was installed %q times, %v", text, err)
	}
	_, err = start()
	fails(t, err, "moto does not start: exit status 1; it said: no such module")
	t.Chdir("/")
	_, err = install()
	fails(t, err, "no go.mod above")
}
