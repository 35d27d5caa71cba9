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
	"crypto/sha256"
	_ "embed" // the program and what it needs
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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
	dir, err := install(ctx)
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

// install puts the program and its libraries in a folder that is named after
// their versions, once, whichever test comes first.
func install(ctx context.Context) (string, error) {
	root, err := cache()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(pom, program...))
	dir := filepath.Join(root, "eventruler-"+hex.EncodeToString(sum[:6]))
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
	source := filepath.Join(dir, "Oracle.java") // written last
	if _, err := os.Stat(source); err == nil {
		return dir, nil
	}
	project := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(project, pom, 0o600); err != nil {
		return "", err
	}
	//nolint:gosec // arguments of our own
	mvn := exec.CommandContext(ctx, "mvn", "--quiet", "--batch-mode", "--strict-checksums", "--file", project,
		"-Dmaven.repo.local="+filepath.Join(root, "m2"),
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+dir)
	if err := run(mvn); err != nil {
		return "", err
	}
	return dir, os.WriteFile(source, program, 0o600)
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
