// Package house holds the rules of this repository that no compiler knows.
package house

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sagemoat/sagemoat/"

// directions forbid imports, with the reason. Tests may import what they need.
var directions = []struct{ from, to, why string }{
	{"pkg/posture", "", "facts are values: standard library only"},
	{"pkg/verdict", "", "the judge sees facts, not AWS: posture only"},
	{"pkg/jsondoc", "pkg/", "it knows JSON and nothing else"},
	{"pkg/archive", "pkg/", "it knows logs and nothing else"},
	{"pkg/document", "pkg/", "it knows text and nothing else"},
	{"pkg/cloudformation", "pkg/rules", "a template says what will be, not whether it may"},
	{"pkg/terraform", "pkg/rules", "a plan says what will be, not whether it may"},
	{"pkg/kind", "pkg/verdict", "the table says what is, not what it means"},
	{"pkg/kind", "github.com/aws/", "the table names operations; it holds no AWS client"},
	{"pkg/resolve", "pkg/rules", "references resolve whatever the rules are"},
	{"pkg/rules", "pkg/finding", "rules do not know how they are told"},
	{"pkg/finding", "pkg/report", "a finding does not know who prints it"},
	{"pkg/", "events", "libraries do not know what wakes them"},
	{"pkg/", "internal/", "libraries do not know who runs them"},
	{"pkg/", "functions/", "libraries do not know who runs them"},
	{"pkg/", "infra", "libraries do not know how they are deployed"},
	{"pkg/rails", "github.com/aws/", "the decision to stop sees facts, not AWS"},
	{"pkg/ledger", "github.com/aws/", "the state knows no AWS; pkg/ledger/dynamo does"},
	{"pkg/sandbox", "github.com/aws/", "it answers the SDK, and is not made of it"},
	{"events", "internal/", "decoding does not know who runs it"},
	{"internal/evaluate", "internal/respond", "who judges does not act"},
	{"internal/respond", "internal/intake", "who acts does not judge events"},
	{"internal/sweep", "internal/intake", "the sweep sends hints, and judges nothing"},
	{"pkg/guide", "github.com/aws/", "the page is written from the rules file; nobody is asked"},
	{"internal/audit", "pkg/report", "what is found does not depend on how it is printed"},
}

// allowed are the exceptions to a direction that names all of pkg/ or nothing.
var allowed = map[string][]string{
	"pkg/verdict": {module + "pkg/posture"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestImports(t *testing.T) {
	all := packages(t)
	for _, rule := range directions {
		for _, p := range all {
			from := strings.TrimPrefix(p.ImportPath, module)
			below := strings.HasSuffix(rule.from, "/") && strings.HasPrefix(from, rule.from)
			if from != rule.from && !below {
				continue
			}
			for _, i := range p.Imports {
				if slices.Contains(allowed[from], i) {
					continue
				}
				bad := false
				switch {
				case rule.to == "":
					bad = strings.Contains(strings.SplitN(i, "/", 2)[0], ".")
				case strings.Contains(rule.to, "."):
					bad = strings.HasPrefix(i, rule.to)
				default:
					bad = i == module+rule.to || strings.HasPrefix(i, module+strings.TrimSuffix(rule.to, "/")+"/")
				}
				if bad {
					t.Errorf("%s imports %s: %s", from, i, rule.why)
				}
			}
		}
		if !slices.ContainsFunc(all, func(p pkg) bool {
			return strings.HasPrefix(strings.TrimPrefix(p.ImportPath, module), strings.TrimSuffix(rule.from, "/"))
		}) {
			t.Errorf("the rule about %s is about no package: renamed?", rule.from)
		}
	}
}

// deps are the packages that some packages of ours depend on, themselves among
// them.
func deps(t *testing.T, of ...string) (all []string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-deps"}, of...)...).Output()
	if err != nil {
		t.Fatalf("go list -deps %v: %v", of, err)
	}
	return strings.Fields(string(out))
}

func below(dep, folder string) bool { return dep == folder || strings.HasPrefix(dep, folder+"/") }

// online are the packages by which the command calls AWS, and the one file of it
// that may import each (docs/adr/0018-doctor.md, 0021-linting-policies.md).
var online = map[string]string{
	module + "internal/doctor":   "doctor.go",
	module + "internal/policies": "prevent_lint.go",
}

// TestDependencies: of the command, only what is told to call AWS carries clients of
// it, and none of the large ones. Everything else reads files: nothing that it is
// made of can call AWS.
func TestDependencies(t *testing.T) {
	const sdk = "github.com/aws/aws-sdk-go-v2"
	for _, dep := range deps(t, "./cmd/...") {
		for bad, why := range map[string]string{
			sdk + "/service/sagemaker":   "minutes of building; pkg/awsjson calls SageMaker",
			sdk + "/service/securityhub": "half a minute of building; pkg/awsjson calls Security Hub",
			sdk + "/service/ec2":         "minutes of building",
			"github.com/aws/aws-cdk-go":  "only infra/ knows the CDK",
		} {
			if below(dep, bad) {
				t.Errorf("cmd depends on %s: %s", dep, why)
			}
		}
	}
	var offline []string
	for _, p := range packages(t) {
		if p.ImportPath != module+"cmd/sagemoat" {
			continue
		}
		for _, i := range p.Imports {
			if below(i, sdk) || below(i, "net") {
				t.Errorf("cmd/sagemoat imports %s: only the packages of the list call AWS", i)
			}
			if strings.HasPrefix(i, module) && online[i] == "" {
				offline = append(offline, i)
			}
		}
	}
	if !slices.Contains(offline, module+"internal/audit") {
		t.Fatalf("the command, without what calls AWS, is made of %v", offline)
	}
	for _, dep := range deps(t, offline...) {
		if below(dep, sdk) || below(dep, "github.com/aws/smithy-go") {
			t.Errorf("what reads files depends on %s: it never calls AWS", dep)
		}
	}
	// The other files of the command cannot reach a client by the package they share.
	uses := map[string]bool{}
	for _, file := range goFiles(t, "cmd/sagemoat") {
		for _, i := range file.imports {
			if of := online[i]; of != "" {
				uses[i] = true
				if file.name != of {
					t.Errorf("cmd/sagemoat/%s imports %s: only %s does", file.name, i, of)
				}
			}
		}
	}
	if len(uses) != len(online) {
		t.Errorf("of the packages that call AWS only %v are imported: moved?", uses)
	}
}

type goFile struct {
	name    string
	imports []string
}

// goFiles are the files of a package, without its tests.
func goFiles(t *testing.T, dir string) (all []goFile) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		file := goFile{name: e.Name()}
		for _, i := range f.Imports {
			file.imports = append(file.imports, strings.Trim(i.Path.Value, `"`))
		}
		all = append(all, file)
	}
	return all
}

// files calls f with every file that is ours.
func files(t *testing.T, f func(path string, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == ".git" || path == ".cache" || path == "bin" || path == "dist") {
			return fs.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil {
			f(filepath.ToSlash(path), string(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFixtures: records hold made-up accounts only, and nothing that looks like
// a key.
func TestFixtures(t *testing.T) {
	account := regexp.MustCompile(`(?:^|[^-0-9A-Za-z])(\d{12})\b`) // not the end of a UUID
	key := regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{12,}\b`)
	made := []string{"111122223333", "444455556666"}
	n := 0
	files(t, func(path, text string) {
		if !strings.HasPrefix(path, "testdata/") && !strings.HasPrefix(path, "demo/") {
			return
		}
		n++
		for _, id := range account.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(made, id[1]) {
				t.Errorf("%s holds the account %s: use %s", path, id[1], made[0])
			}
		}
		if k := key.FindString(text); k != "" {
			t.Errorf("%s holds what looks like an access key: %s", path, k)
		}
	})
	if n == 0 {
		t.Error("no fixture was found")
	}
}

// TestNoLeftovers: nothing is left for later, and nothing names a machine.
func TestNoLeftovers(t *testing.T) {
	leftover := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	machine := regexp.MustCompile(`(/home|/root|/work|/Users)/[a-z]`)
	files(t, func(path, text string) {
		if path == "go.sum" || path == "LICENSE" || path == ".golangci.yml" || strings.HasPrefix(path, "testdata/") {
			return
		}
		if m := leftover.FindString(text); m != "" {
			t.Errorf("%s has a %s: do it, or open an issue", path, m)
		}
		if m := machine.FindString(text); m != "" {
			t.Errorf("%s names a path of one machine: %s", path, m)
		}
	})
}

// TestLinks: what our pages link to in the repository is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	files(t, func(path, text string) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
	})
}
