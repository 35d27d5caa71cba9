package guide

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// large skips a test whose tools are too large for every run.
func large(t *testing.T, what string) {
	t.Helper()
	if chaos.N(0, 1) == 0 {
		t.Skip("NOT TESTED: " + what + "; run with -chaos")
	}
}

// npm has the tools of testdata/npm.
func npm(t *testing.T) string {
	t.Helper()
	project, err := os.ReadFile("testdata/npm/package.json")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile("testdata/npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := cached.NPM("guide", project, lock)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "node_modules")
}

// TestCDK compiles every snippet for the CDK, synthesizes it, and judges what
// CloudFormation would make of the template.
func TestCDK(t *testing.T) {
	large(t, "the CDK's library has 200 MB")
	modules := npm(t)
	f := load(t, strict)
	o := Options{Name: "rules.yaml", Account: "111122223333", Now: now}
	good, _ := extract(t, page(t, f, o, false))
	poor, _ := extract(t, page(t, f, o, true))
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	program.WriteString("import { App, DefaultStackSynthesizer, Stack, aws_sagemaker as sagemaker } from \"aws-cdk-lib\";\nconst whole = new App({ outdir: \"out\", analyticsReporting: false });\n")
	want := map[string]rules.Compliance{}
	var order []string
	add := func(round string, list []pasted, compliance rules.Compliance) {
		for _, s := range list {
			if s.tool != CDK {
				continue
			}
			name := fmt.Sprintf("S%d%s", len(order), round)
			order = append(order, name)
			want[name] = compliance
			_, body, _ := strings.Cut(s.text, "// in a stack\n")
			fmt.Fprintf(&program, "class %s extends Stack {\n  constructor() {\n    super(whole, %q, { synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });\n%s  }\n}\nnew %s();\n", name, name, body, name)
		}
	}
	add("good", good, rules.Passed)
	add("poor", poor, rules.Failed)
	program.WriteString("whole.synth();\n")
	if err := os.WriteFile(filepath.Join(dir, "app.ts"), []byte(program.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"node", filepath.Join(modules, "typescript", "bin", "tsc"), "--strict", "--skipLibCheck", "--target", "es2022", "--module", "commonjs", "--ignoreDeprecations", "5.0", "app.ts"},
		{"node", "app.js"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	c := newCloud(t)
	for _, name := range order {
		text, err := os.ReadFile(filepath.Join(dir, "out", name+".template.json"))
		if err != nil {
			t.Fatal(err)
		}
		// Fn::GetAtt of the domain is what !GetAtt is.
		text = regexp.MustCompile(`\{\s*"Fn::GetAtt": \[\s*"Domain",\s*"DomainId"\s*\]\s*\}`).ReplaceAll(text, []byte(`"`+domainPlaceholder+`"`))
		it := item{Label: "0-" + name + "-cdk", Text: string(text)}
		c.template(it)
		c.check(it, f, want[name])
	}
	if len(order) < 40 {
		t.Errorf("%d snippets", len(order))
	}
}

// Where the arguments of Terraform's provider are told: Pulumi's provider is
// generated from it, with names in another case.
// https://github.com/pulumi/pulumi-aws
const (
	pulumi          = "@pulumi/aws@7.48.0"
	pulumiIntegrity = "sha512-roKXYZ2EyjvapKYacvRQNUeW2UBI8MKwzO2338XwdXtCf75TabY4DVy56zY2HbnEU0H1fbBXct8oAx9ynQeMrA=="
)

var (
	argument  = regexp.MustCompile(`(?m)^\s+(\w+)(\?)?: (.*)$`)
	nested    = regexp.MustCompile(`inputs\.sagemaker\.(\w+)`)
	namespace = regexp.MustCompile(`(?ms)^export declare namespace sagemaker \{\n(.*?)^\}`)
)

// TestTerraformNames: the provider has every argument and block of the snippets,
// and needs no other.
func TestTerraformNames(t *testing.T) {
	large(t, "the provider's arguments are had from a package of npm")
	dir, err := cached.NPMFiles(pulumi, pulumiIntegrity, "package/sagemaker/*.d.ts", "package/types/input.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := os.ReadFile(filepath.Join(dir, "package", "types", "input.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	ours := namespace.FindSubmatch(inputs)
	if ours == nil {
		t.Fatal("the package has no namespace sagemaker")
	}
	body := func(text []byte, name string) string {
		m := regexp.MustCompile(`(?ms)^( *)(?:export )?interface ` + name + ` \{\n(.*?)^ *\}\n`).FindSubmatch(text)
		if m == nil {
			return ""
		}
		return regexp.MustCompile(`(?s)/\*\*.*?\*/`).ReplaceAllString(string(m[2]), "")
	}
	var check func(at, members string, b *hclsyntax.Body)
	check = func(at, members string, b *hclsyntax.Body) {
		types, needed := map[string]string{}, map[string]bool{}
		for _, m := range argument.FindAllStringSubmatch(members, -1) {
			types[m[1]], needed[m[1]] = m[3], m[2] == ""
		}
		known := func(name string) (string, bool) {
			words := strings.Split(name, "_")
			for i := range words[1:] {
				words[i+1] = sentence(words[i+1])
			}
			for _, n := range []string{strings.Join(words, ""), strings.Join(words, "") + "s"} {
				if typ, ok := types[n]; ok {
					delete(needed, n)
					return typ, true
				}
			}
			t.Errorf("%s has no argument %s", at, name)
			return "", false
		}
		for name := range b.Attributes {
			if typ, ok := known(name); ok && nested.MatchString(typ) {
				t.Errorf("%s.%s is a block", at, name)
			}
		}
		for _, block := range b.Blocks {
			typ, ok := known(block.Type)
			if !ok {
				continue
			}
			if m := nested.FindStringSubmatch(typ); m != nil {
				check(at+"."+block.Type, body(ours[1], m[1]), block.Body)
			} else {
				t.Errorf("%s.%s is no block", at, block.Type)
			}
		}
		for name, missing := range needed {
			if missing {
				t.Errorf("%s lacks %s", at, name)
			}
		}
	}
	snippets, _ := extract(t, page(t, load(t, strict), Options{Name: "rules.yaml", Account: "111122223333", Now: now}, false))
	var seen []string
	for _, s := range snippets {
		if s.tool != Terraform {
			continue
		}
		file, problems := hclsyntax.ParseConfig([]byte(s.text), s.label, hcl.InitialPos)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		for _, b := range file.Body.(*hclsyntax.Body).Blocks {
			if slices.Contains(seen, b.Labels[0]) {
				continue
			}
			seen = append(seen, b.Labels[0])
			name := camel(strings.TrimPrefix(snakeToPascal(b.Labels[0]), "AwsSagemaker"))
			text, err := os.ReadFile(filepath.Join(dir, "package", "sagemaker", name+".d.ts"))
			if err != nil {
				t.Errorf("the provider has no %s: %v", b.Labels[0], err)
				continue
			}
			check(b.Labels[0], body(text, sentence(name)+"Args"), b.Body)
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d resources", len(seen))
	}
}

func snakeToPascal(s string) string {
	var b strings.Builder
	for w := range strings.SplitSeq(s, "_") {
		b.WriteString(sentence(w))
	}
	return b.String()
}

// TestAxe: axe-core finds nothing to object to in the page, in Chromium, in light
// and in dark, and the page asks for nothing but itself.
// https://github.com/dequelabs/axe-core
func TestAxe(t *testing.T) {
	large(t, "Chromium is large")
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: install chromium", err)
	}
	axe, err := os.ReadFile(filepath.Join(npm(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := HTML(&b, New(load(t, mixed), Options{Name: "rules.yaml", Now: now})); err != nil {
		t.Fatal(err)
	}
	for _, theme := range []string{"light", "dark"} {
		// The page allows no scripts, so that the judge comes with a copy that does.
		copied := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(b.String(), "")
		copied = strings.Replace(copied, "@media (prefers-color-scheme: dark)", map[string]string{"light": "@media not all", "dark": "@media all"}[theme], 1)
		copied = strings.Replace(copied, "</body>", "<script>"+string(axe)+"</script><script>document.querySelectorAll('details').forEach(d => d.open = true);"+
			"axe.run().then(r => { document.title = 'judged'; document.body.innerHTML = '<pre id=out></pre>'; document.getElementById('out').textContent = "+
			"JSON.stringify({passes: r.passes.length, violations: r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html, v.nodes[0].failureSummary])}) })</script></body>", 1)
		file := filepath.Join(t.TempDir(), "guide.html")
		if err := os.WriteFile(file, []byte(copied), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=120000", "--dump-dom", "file://"+file).Output()
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`(?s)<pre id="out">(.*)</pre>`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("axe-core said nothing: %.2000s", out)
		}
		var said struct {
			Passes     int
			Violations []any
		}
		if err := json.Unmarshal([]byte(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(string(m[1]))), &said); err != nil {
			t.Fatal(err)
		}
		if said.Passes < 15 || len(said.Violations) > 0 {
			t.Errorf("%s: %d rules passed, and %v", theme, said.Passes, said.Violations)
		}
	}
}
