package eventruler

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	got, err := Ask(t.Context(), []Pair{
		{Pattern: `{"a":["x"]}`, Event: `{"a":"x"}`},
		{Pattern: `{"a":["x"]}`, Event: `{"a":"y"}`},
		{Pattern: `{"a":"x"}`, Event: `{"a":"x"}`},
		{Pattern: `{"a":["é\n"]}`, Event: "{\"a\":\n\"é\\n\"}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || !got[0].Match || got[1].Match || got[2].Match || !got[3].Match {
		t.Errorf("event-ruler answers %+v", got)
	}
	if !strings.Contains(got[2].Refused, "must be an object or an array") || got[0].Refused+got[1].Refused != "" {
		t.Errorf("event-ruler refuses %+v", got)
	}
	if got, err := Ask(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("no question is answered by %v, %v", got, err)
	}
}

// TestNoAnswer: an answer that is missing is an error, not a no.
func TestNoAnswer(t *testing.T) {
	pair := []Pair{{Pattern: `{"a":["x"]}`, Event: `["x"]`}}
	if got, err := Ask(t.Context(), pair); err == nil || !strings.Contains(err.Error(), "question 1: failed") {
		t.Errorf("an event that is none: %v, %v", got, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if got, err := Ask(stopped, pair); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v, %v", got, err)
	}
}

// TestMissing says what to install where mvn or java is missing, and says what
// mvn said where it fails.
func TestMissing(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	if _, err := Ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("outside a module: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if _, err := Ask(t.Context(), nil); !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "install maven") {
		t.Errorf("without mvn: %v", err)
	}
	mvn := "#!/bin/sh\necho no network\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte(mvn), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "exit status 1: no network") {
		t.Errorf("mvn fails: %v", err)
	}
}
