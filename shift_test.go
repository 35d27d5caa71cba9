package house

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sagemoat/sagemoat/internal/awstest/pytools"
	"github.com/sagemoat/sagemoat/internal/awstest/sources"
)

const (
	openTemplate = "Resources:\n  Open:\n    Type: AWS::SageMaker::Model\n    Properties: {ModelName: open}\n"
	goodTemplate = "Resources:\n  Good:\n    Type: AWS::SageMaker::Model\n    Properties:\n      VpcConfig: {Subnets: [subnet-0a1b2c3d4e5f60718], SecurityGroupIds: [sg-0a1b2c3d4e5f60718]}\n"
)

// in runs a command in a folder and returns its status and what it wrote.
func in(t *testing.T, dir string, env map[string]string, name string, args ...string) (status int, out string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, os.Environ()
	for _, key := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, key+"="+env[key])
	}
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// files writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// binary is the command, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sagemoat")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sagemoat")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/sagemoat")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as action.sh builds it, so that most is compiled once
	return path, cmd.Run()
})

func TestMain(m *testing.M) {
	if err := sources.Used("."); err != nil {
		panic(err)
	}
	status := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a temporary folder
	}
	os.Exit(status)
}

// TestActionHasTheForm: the action has the form that GitHub wants, by the schema that
// the schema store publishes, and the hook that of pre-commit.
func TestActionHasTheForm(t *testing.T) {
	check := pytools.Program(t, "check-jsonschema")
	if status, out := in(t, "", nil, check, "--builtin-schema", "vendor.github-actions", "action.yml"); status != 0 {
		t.Error(out)
	}
	if status, out := in(t, "", nil, check, "--builtin-schema", "vendor.github-actions", ".pre-commit-hooks.yaml"); status == 0 {
		t.Errorf("another file has that form, too: %s", out)
	}
	if status, out := in(t, "", nil, pytools.Program(t, "pre-commit"), "validate-manifest", ".pre-commit-hooks.yaml"); status != 0 {
		t.Error(out)
	}
}

// action is action.yml, as far as a runner reads it.
type action struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
	Outputs map[string]struct{ Value string }
}

// runAction runs the action's step as a runner does: inputs in place of their
// expressions, the script by bash, the files that it may write to.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
func runAction(t *testing.T, workspace string, inputs map[string]string, env map[string]string) (status int, log, summary string, outputs map[string]string) {
	t.Helper()
	text, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if len(a.Runs.Steps) != 1 || a.Runs.Steps[0].Shell != "bash" {
		t.Fatalf("steps %+v", a.Runs.Steps)
	}
	step := a.Runs.Steps[0]
	temp := t.TempDir()
	full := map[string]string{
		"GITHUB_ACTION_PATH": here(t), "RUNNER_TEMP": temp, "GITHUB_WORKSPACE": workspace,
		"GITHUB_OUTPUT": filepath.Join(temp, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(temp, "summary"),
	}
	for name, value := range step.Env {
		for input, def := range a.Inputs {
			if given, ok := inputs[input]; ok {
				def.Default = given
			}
			value = strings.ReplaceAll(value, "${{ inputs."+input+" }}", def.Default)
		}
		if strings.Contains(value, "${{") {
			t.Errorf("%s is %s", name, value)
		}
		full[name] = value
	}
	maps.Copy(full, env)
	if strings.Contains(step.Run, "${{") {
		t.Error("an input is part of the script")
	}
	script := filepath.Join(temp, "script.sh")
	if err := os.WriteFile(script, []byte(step.Run), 0o600); err != nil {
		t.Fatal(err)
	}
	status, log = in(t, workspace, full, "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script)
	outputs = map[string]string{}
	written, _ := os.ReadFile(full["GITHUB_OUTPUT"]) // none where it failed before
	for line := range strings.Lines(string(written)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		outputs[name] = value
	}
	said, _ := os.ReadFile(full["GITHUB_STEP_SUMMARY"])
	return status, log, string(said), outputs
}

func TestAction(t *testing.T) {
	sagemoat, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	workspace := folder(t, map[string]string{
		"infra/open.yaml": openTemplate, "good/good.yaml": goodTemplate, "package.json": `{"name":"x"}`, "README.md": "x",
		"two words/open.yaml": openTemplate, "$(touch hacked)/good.yaml": goodTemplate,
		"rules.yaml": "version: 1\nrules: {isolation-required: on}\n",
	})
	for name, c := range map[string]struct {
		inputs  map[string]string
		status  int
		log     string
		results []string // file:line of the results
	}{
		"the whole repository":  {nil, 1, "3 could", nil},
		"what passes":           {map[string]string{"paths": "good"}, 0, "1 passed", []string{}},
		"several paths":         {map[string]string{"paths": "good\n\ntwo words\n"}, 1, "2 verdicts", []string{"two%20words/open.yaml:4"}},
		"a name like a command": {map[string]string{"paths": "$(touch hacked)"}, 0, "1 passed", []string{}},
		"a name like a flag":    {map[string]string{"paths": "--help"}, 2, "--help: no such file", []string{}},
		"rules":                 {map[string]string{"paths": "good", "rules": "rules.yaml"}, 1, "isolation-required", []string{"good/good.yaml:4"}},
		"nothing that bad":      {map[string]string{"paths": "infra", "fail-on": "critical"}, 0, "no-own-internet", []string{"infra/open.yaml:4"}},
		"only what is worse":    {map[string]string{"paths": "infra", "severity": "critical"}, 1, "left out by --class or --severity (1 failed)", []string{}},
		"only what is as bad":   {map[string]string{"paths": "infra", "severity": "critical", "fail-on": "critical"}, 0, "nothing was found", []string{}},
		"another file":          {map[string]string{"paths": "infra", "sarif": "out.sarif"}, 1, "no-own-internet", []string{"infra/open.yaml:4"}},
		"no such rules":         {map[string]string{"rules": "none.yaml"}, 2, "none.yaml", nil},
		"no such value":         {map[string]string{"fail-on": "never"}, 2, "--fail-on never", nil},
		"not to be written":     {map[string]string{"paths": "good", "sarif": "no/such/folder.sarif"}, 2, "could not be written", nil},
	} {
		t.Run(name, func(t *testing.T) {
			inputs := map[string]string{"binary": sagemoat}
			maps.Copy(inputs, c.inputs)
			status, log, summary, outputs := runAction(t, workspace, inputs, nil)
			if name == "the whole repository" {
				c.log, c.results = "4 verdicts", []string{"infra/open.yaml:4", "two%20words/open.yaml:4"}
			}
			if status != c.status || !strings.Contains(log, c.log) {
				t.Errorf("status %d, want %d and %q:\n%s", status, c.status, c.log, log)
			}
			if _, err := os.Stat(filepath.Join(workspace, "hacked")); err == nil {
				t.Fatal("a path was run")
			}
			if c.results == nil {
				return
			}
			if outputs["status"] != map[int]string{0: "0", 1: "1", 2: "2"}[c.status] || !strings.HasPrefix(summary, "### sagemoat") {
				t.Errorf("outputs %v, summary %q", outputs, summary)
			}
			if got := results(t, filepath.Join(workspace, outputs["sarif"])); !slices.Equal(got, c.results) {
				t.Errorf("results %q, want %q", got, c.results)
			}
		})
	}
	t.Run("built by itself", func(t *testing.T) {
		if status, log, _, outputs := runAction(t, workspace, map[string]string{"paths": "infra"}, nil); status != 1 || outputs["status"] != "1" {
			t.Errorf("status %d, outputs %v:\n%s", status, outputs, log)
		}
	})
	t.Run("without Go", func(t *testing.T) {
		bin := folder(t, nil)
		bash, err := exec.LookPath("bash")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(bash, filepath.Join(bin, "bash")); err != nil {
			t.Fatal(err)
		}
		if status, log, _, _ := runAction(t, workspace, nil, map[string]string{"PATH": bin}); status != 2 || !strings.Contains(log, "use actions/setup-go") {
			t.Errorf("status %d:\n%s", status, log)
		}
	})
}

// results are the places of the results in a SARIF file.
func results(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine json.Number }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, r := range log.Runs[0].Results {
		p := r.Locations[0].PhysicalLocation
		out = append(out, p.ArtifactLocation.URI+":"+p.Region.StartLine.String())
	}
	slices.Sort(out)
	return out
}

// TestHook: pre-commit installs the hook from a repository, and it judges what is
// committed. The repository is a copy of what the command is made of, so that not
// all of this one is compiled; the whole is a matter of minutes, and no different.
func TestHook(t *testing.T) {
	preCommit := pytools.Program(t, "pre-commit")
	source := commandOnly(t)
	_, sha := in(t, source, nil, "git", "rev-parse", "HEAD")
	scratch := folder(t, map[string]string{
		".pre-commit-config.yaml": "repos:\n  - repo: " + source + "\n    rev: " + strings.TrimSpace(sha) + "\n    hooks:\n      - id: sagemoat\n",
		"good.yaml":               goodTemplate, "package.json": `{"name":"x"}`, "values.yaml": "a: 1\n", "main.tf": "x = 1\n",
	})
	git(t, scratch, "init", "--quiet")
	git(t, scratch, "add", ".")
	_, cache := in(t, "", nil, "go", "env", "GOMODCACHE")
	env := map[string]string{
		"PRE_COMMIT_HOME": t.TempDir(), "PRE_COMMIT_COLOR": "never",
		// Modules that are there are not fetched again, and what was compiled in another
		// folder is the same.
		"GOMODCACHE": strings.TrimSpace(cache), "GOFLAGS": "-trimpath -modcacherw", "CGO_ENABLED": "0",
	}
	if status, out := in(t, scratch, env, preCommit, "run", "--all-files"); status != 0 {
		t.Fatalf("what passes does not pass:\n%s", out)
	}
	if err := os.WriteFile(filepath.Join(scratch, "open.yaml"), []byte(openTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, scratch, "add", ".")
	status, out := in(t, scratch, env, preCommit, "run")
	if status == 0 || !strings.Contains(out, "Open") || !strings.Contains(out, "no-own-internet") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	args = append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"}, args...)
	if status, out := in(t, dir, nil, "git", args...); status != 0 {
		t.Fatalf("git: %s", out)
	}
}

// commandOnly is a repository with the hook and the packages that the command is made
// of.
func commandOnly(t *testing.T) string {
	t.Helper()
	status, out := in(t, "", nil, "go", "list", "-deps", "-f", "{{if not .Standard}}{{if .Module.Main}}{{.Dir}}{{range .EmbedFiles}}\n{{$.Dir}}/{{.}}{{end}}{{end}}{{end}}", "./cmd/sagemoat")
	if status != 0 {
		t.Fatal(out)
	}
	files := map[string]string{}
	copied := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(here(t), path)
		if err != nil {
			t.Fatal(err)
		}
		files[rel] = string(text)
	}
	for _, name := range []string{"go.mod", "go.sum", ".pre-commit-hooks.yaml"} {
		copied(filepath.Join(here(t), name))
	}
	for dir := range strings.Lines(out) {
		if info, err := os.Stat(strings.TrimSpace(dir)); err == nil && info.Mode().IsRegular() {
			copied(strings.TrimSpace(dir)) // embedded
			continue
		}
		entries, err := os.ReadDir(strings.TrimSpace(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasSuffix(e.Name(), "_test.go") {
				copied(filepath.Join(strings.TrimSpace(dir), e.Name()))
			}
		}
	}
	repository := folder(t, files)
	git(t, repository, "init", "--quiet")
	git(t, repository, "add", ".")
	git(t, repository, "commit", "--quiet", "-m", "the command")
	return repository
}
