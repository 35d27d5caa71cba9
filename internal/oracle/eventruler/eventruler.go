// Package eventruler asks event-ruler, the library with which EventBridge itself
// matches, whether events match patterns. Tests use it as the judge.
// https://github.com/aws/event-ruler
//
// It needs mvn and java on the PATH (Debian: maven, default-jdk-headless). The
// first call fetches the library from Maven Central, by the versions in pom.xml,
// into .cache/ at the root of the repository; later ones need no network.
package eventruler

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // the program and what it needs
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
)

//go:embed pom.xml
var pom []byte

//go:embed Oracle.java
var program []byte

// Pair is a question: does the event match the pattern?
type Pair struct {
	Pattern string `json:"pattern"`
	Event   string `json:"event"`
}

// Answer says whether the event matches, or why the pattern is refused.
type Answer struct {
	Match   bool
	Refused string
}

// Ask answers questions, in their order. An error says that there is no answer:
// a tool is missing, or an event is none.
func Ask(ctx context.Context, pairs []Pair) ([]Answer, error) {
	dir, err := cached.Maven("eventruler", pom, map[string][]byte{"Oracle.java": program})
	if err != nil {
		return nil, err
	}
	var in, out bytes.Buffer
	for _, p := range pairs {
		line, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		in.Write(append(line, '\n'))
	}
	//nolint:gosec // our own program
	cmd := exec.CommandContext(ctx, "java", "-cp", filepath.Join(dir, "*"), filepath.Join(dir, "Oracle.java"))
	cmd.Stdin, cmd.Stdout = &in, &out
	if err := run(cmd); err != nil {
		return nil, err
	}
	answers := make([]Answer, 0, len(pairs))
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		line := lines.Text()
		reason, refused := strings.CutPrefix(line, "refused: ")
		if !refused && line != "true" && line != "false" {
			return nil, fmt.Errorf("event-ruler, question %d: %s", len(answers)+1, line)
		}
		a := Answer{Match: line == "true"}
		if refused {
			a.Refused = reason
		}
		answers = append(answers, a)
	}
	if len(answers) != len(pairs) {
		return nil, fmt.Errorf("event-ruler answered %d of %d questions", len(answers), len(pairs))
	}
	return answers, nil
}

// run runs a command; the error has what it wrote.
func run(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: install maven and default-jdk-headless", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}
