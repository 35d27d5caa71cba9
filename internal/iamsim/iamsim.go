// Package iamsim asks iam-simulate, an evaluator of IAM policies that others
// wrote, whether calls are allowed. It runs in a process of its own; none of it
// is linked or copied here (its licence is the AGPL).
// https://github.com/cloud-copilot/iam-simulate
//
// What it knows of actions, resources and condition keys is AWS's Service
// Authorization Reference of the date in package.json's iam-data.
package iamsim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the driver
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

//go:embed driver.mjs
var driver string

// Decisions. An explicit deny is a statement's; an implicit one is the lack of an
// Allow. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
const (
	Allowed          = "Allowed"
	ExplicitlyDenied = "ExplicitlyDenied"
	ImplicitlyDenied = "ImplicitlyDenied"
)

// FullAccess allows everything: the identity policy, and the SCP that AWS attaches
// to every target, beside which denials are tried.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
//
//nolint:gochecknoglobals // a constant
var FullAccess = json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)

// Case is a request, and the policies that meet it.
type Case struct {
	Principal string // ARN of a user, role, assumed role…
	Action    string // "sagemaker:CreateModel"
	Resource  string // one ARN; "*" for actions without resources
	// ResourceAccount is the account that owns the resource.
	ResourceAccount string
	// Context are the condition keys of the request, each a string or a []string.
	// The simulator adds none of its own, not even aws:PrincipalArn. A list without
	// values is as no key: IAM's Null asks for a key whose value is not null.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
	Context map[string]any

	Identity       []json.RawMessage // of the principal
	SCPs           []json.RawMessage // of one target; none is no organization
	Boundary       []json.RawMessage // the permissions boundary; none is no boundary
	ResourcePolicy json.RawMessage   // may be nil
}

// Result is the answer.
type Result struct {
	Decision string `json:"decision"` // empty where Error is not
	// Error says why there is no decision: a policy that IAM would refuse, an action
	// that is not known.
	Error string `json:"error"`
	// Matched are the statements that decided: "scp[0] Sid" is of the first SCP, by
	// its place where it has no Sid.
	Matched []string `json:"matched"`
	// Ignored are keys of the context that the action does not have, and that no
	// statement saw, therefore. IAM would not have populated them.
	Ignored []string `json:"ignored"`
}

// Simulator is a running simulator. Its methods may be called at any time; it
// answers one call after the other.
type Simulator struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	said  *tail
	known map[[sha256.Size]byte]bool // policies that it has been told
}

// Start starts a simulator that [Install] put into a folder. It ends with Close, or
// with ctx.
func Start(ctx context.Context, dir string) (*Simulator, error) {
	//nolint:gosec // our own program
	cmd := exec.CommandContext(ctx, "node", "--input-type=module", "--eval", driver)
	cmd.Dir = dir
	s := &Simulator{cmd: cmd, said: &tail{}, known: map[[sha256.Size]byte]bool{}}
	cmd.Stderr = s.said
	in, noIn := cmd.StdinPipe()
	out, noOut := cmd.StdoutPipe()
	if err := errors.Join(noIn, noOut); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, missing(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	return s, nil
}

// Close ends the simulator.
func (s *Simulator) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.in.Close(), s.cmd.Wait())
}

// Run answers cases, in their order. An error says that there are no answers, and
// that the simulator is of no more use.
//
// It reads policies less strictly than IAM: Sids that are not unique or not
// alphanumeric pass, and an operator that IAM does not have matches nothing.
func (s *Simulator) Run(ctx context.Context, cases []Case) ([]Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var questions bytes.Buffer
	for i := range cases {
		if err := s.ask(&questions, &cases[i]); err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })
	defer stop()
	written := make(chan error, 1)
	go func() {
		_, err := s.in.Write(questions.Bytes())
		written <- err
	}()
	results := make([]Result, 0, len(cases))
	for len(results) < len(cases) {
		line, err := s.out.ReadBytes('\n')
		var r Result
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		if err != nil {
			_ = s.cmd.Process.Kill() // the writer ends, too
			return nil, fmt.Errorf("iam-simulate answered %d of %d cases: %w; it said: %s", len(results), len(cases), errors.Join(ctx.Err(), err, <-written), s.said)
		}
		results = append(results, r)
	}
	return results, <-written
}

// ask writes a case, after the policies in it that the simulator does not know.
func (s *Simulator) ask(w io.Writer, c *Case) error {
	names := func(policies []json.RawMessage) ([]string, error) {
		list := make([]string, 0, len(policies))
		for _, p := range policies {
			sum := sha256.Sum256(p)
			name := hex.EncodeToString(sum[:])
			if !s.known[sum] {
				if err := line(w, "policy", name, p); err != nil {
					return nil, fmt.Errorf("policy: %w", err)
				}
				s.known[sum] = true
			}
			list = append(list, name)
		}
		return list, nil
	}
	identity, err1 := names(c.Identity)
	scps, err2 := names(c.SCPs)
	boundary, err3 := names(c.Boundary)
	var resource []string
	var err4 error
	if c.ResourcePolicy != nil {
		resource, err4 = names([]json.RawMessage{c.ResourcePolicy})
	}
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	keys := map[string]any{}
	for key, value := range c.Context {
		if list, ok := value.([]string); !ok || len(list) > 0 {
			keys[key] = value
		}
	}
	question := map[string]any{
		"Principal": c.Principal, "Action": c.Action, "Resource": c.Resource, "ResourceAccount": c.ResourceAccount,
		"Context": keys, "Identity": identity, "SCPs": scps, "Boundary": boundary, "ResourcePolicy": "",
	}
	if len(resource) > 0 {
		question["ResourcePolicy"] = resource[0]
	}
	return line(w, "ask", question)
}

func line(w io.Writer, values ...any) error {
	text, err := json.Marshal(values) // compacts what it embeds: one line
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailSize is in bytes.
const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - tailSize; n > 0 {
		t.text = append([]byte(nil), t.text[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
