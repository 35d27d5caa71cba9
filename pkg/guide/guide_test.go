package guide

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestRecipes: every kind that has something to paste has a recipe, whose last call
// makes it, and nothing else has one.
func TestRecipes(t *testing.T) {
	all := maps.Clone(recipes())
	for _, row := range kind.Table() {
		list := all[row.Kind]
		if (row.Paste != nil) != (len(list) > 0) {
			t.Errorf("%s has %d recipes in data/requests.yaml", row.Kind, len(list))
		}
		for _, r := range list {
			if made, _ := r.calls[len(r.calls)-1].row(); made != row {
				t.Errorf("a recipe of the %s makes a %s", row.Words, made.Words)
			}
			if !slices.ContainsFunc(r.calls, func(c call) bool { return c.at != "" }) {
				t.Errorf("a recipe of the %s has no place for the network", row.Words)
			}
		}
		delete(all, row.Kind)
	}
	for k := range all {
		t.Errorf("data/requests.yaml has %s, which is no kind", k)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string][3]string{
		"CreateAutoMLJobV2":           {"create_auto_ml_job_v2", "create-auto-ml-job-v2", "createAutoMlJobV2"},
		"AIBenchmarkJobName":          {"ai_benchmark_job_name", "ai-benchmark-job-name", "aiBenchmarkJobName"},
		"VolumeSizeInGB":              {"volume_size_in_gb", "volume-size-in-gb", "volumeSizeInGb"},
		"S3OutputPath":                {"s3_output_path", "s3-output-path", "s3OutputPath"},
		"HyperParameterTuningJobName": {"hyper_parameter_tuning_job_name", "hyper-parameter-tuning-job-name", "hyperParameterTuningJobName"},
	} {
		if got := [3]string{snake(name), kebab(name), camel(name)}; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// find is a kind of the first place.
func find(t *testing.T, kinds []Kind, k kind.Kind) *Kind {
	t.Helper()
	for i := range kinds {
		if kinds[i].Row.Kind == k {
			return &kinds[i]
		}
	}
	t.Fatalf("no %s", k)
	return nil
}

const mixed = `version: 1
allow:
  - accounts: ["111122223333"]
    regions: [eu-west-1]
    vpc: vpc-0a1b2c3d4e5f60718
    subnets: [subnet-0a1b2c3d4e5f60718, subnet-0b2c3d4e5f6071829]
    security-groups: [sg-0a1b2c3d4e5f60718]
  - accounts: ["111122223333"]
    regions: [eu-west-1]
    vpc: vpc-0c3d4e5f607182930
    subnets: [subnet-0c3d4e5f607182930]
    security-groups: [sg-0c3d4e5f607182930]
  - accounts: ["444455556666"]
    kinds: [model, notebook-instance]
    subnets: [subnet-0d4e5f60718293041]
overrides:
  - match: {kinds: [processing-job]}
    allow: {subnets: [subnet-0b2c3d4e5f6071829]}
  - match: {kinds: [training-job], tags: {env: prod}}
    rules: {isolation-required: on, encrypted-between-containers: on}
    allow: {subnets: [subnet-0b2c3d4e5f6071829]}
  - match: {roles: ["arn:aws:iam::111122223333:role/release"], kinds: [model]}
    rules: {isolation-required: on}
response:
  mode: notify
  modes:
    - match: {accounts: ["111122223333"], kinds: [training-job]}
      mode: stop
    - match: {kinds: [notebook-instance]}
      mode: observe
  stop: {grace: 10m}
  routes:
    - match: {kinds: [processing-job]}
      team: data-ml
`

// TestGuide: what the guide says is what the rules mean.
func TestGuide(t *testing.T) {
	g := New(load(t, mixed), Options{Name: "rules.yaml", Now: now})
	var headings []string
	for _, p := range g.Places {
		headings = append(headings, heading(p))
	}
	want := []string{
		"Account 111122223333, eu-west-1", "Account 111122223333, any other Region", "Account 444455556666", "Any other account",
	}
	if diff := cmp.Diff(want, headings); diff != "" {
		t.Fatal(diff)
	}
	for _, i := range []int{1, 3} {
		if len(g.Places[i].Kinds) > 0 {
			t.Errorf("%s has %d kinds, though nothing is allowed there", headings[i], len(g.Places[i].Kinds))
		}
	}
	p := g.Places[0]
	training := find(t, p.Kinds, kind.TrainingJob)
	if training.Mode != rules.Stop || training.Stopped != "StopTrainingJob" || training.Grace != 10*time.Minute || len(training.Still) > 0 || training.Note != "" {
		t.Errorf("training: %+v", training)
	}
	if len(training.Left) != 1 || training.Left[0].Rule != rules.NoOwnInternet || training.Left[0].Severity != rules.High {
		t.Errorf("without a network: %+v", training.Left)
	}
	processing := find(t, p.Kinds, kind.ProcessingJob)
	if got := processing.Network.Subnets; !slices.Equal(got, []string{"subnet-0b2c3d4e5f6071829"}) || processing.Team != "data-ml" || processing.Stopped != "" {
		t.Errorf("an override takes a subnet away, a route tells a team: %v, %q, %q", got, processing.Team, processing.Stopped)
	}
	notebook := find(t, p.Kinds, kind.NotebookInstance)
	if len(notebook.Half) != 1 || notebook.Half[0].Rule != rules.NoBridge || notebook.Half[0].Severity != rules.Critical || notebook.Mode != rules.Observe {
		t.Errorf("a notebook in a subnet with direct Internet access: %+v, %s", notebook.Half, notebook.Mode)
	}
	if others := p.Sets[0].Others; len(others) != 1 || others[0].VPC != "vpc-0c3d4e5f607182930" {
		t.Errorf("the second VPC: %+v", others)
	}
	if len(p.Variants) != 2 {
		t.Fatalf("variants: %+v", p.Variants)
	}
	prod, release := p.Variants[0], p.Variants[1]
	if prod.Condition != "tag env=prod, kind training job" || len(prod.Kinds) != 1 ||
		!slices.Equal(prod.Kinds[0].Also, []string{alsoIsolation, alsoEncryption}) || !slices.Equal(prod.Kinds[0].Network.Subnets, []string{"subnet-0b2c3d4e5f6071829"}) {
		t.Errorf("prod: %+v", prod)
	}
	if !strings.Contains(prod.Kinds[0].Recipes[0].Snippets[2].Text, `Tags=[{"Key": "env", "Value": "prod"}]`) {
		t.Errorf("the snippet does not set the tag:\n%s", prod.Kinds[0].Recipes[0].Snippets[2].Text)
	}
	if !strings.HasPrefix(release.Condition, "role arn:aws:iam::111122223333:role/release") || len(release.Kinds) != 1 || !slices.Equal(release.Kinds[0].Also, []string{alsoIsolation}) {
		t.Errorf("release: %+v", release)
	}
	// Only subnets are listed there, and for two kinds.
	other := g.Places[2]
	model, job := find(t, other.Kinds, kind.Model), find(t, other.Kinds, kind.TrainingJob)
	if !strings.Contains(model.Note, "any fails security-group-allowed") || !strings.Contains(model.Fragment, `"YOUR-SECURITY-GROUP-ID"`) || len(model.Still) > 0 {
		t.Errorf("without security groups: %q %s %+v", model.Note, model.Fragment, model.Still)
	}
	if !strings.Contains(job.Note, "any fails subnet-allowed") || !strings.Contains(job.Fragment, `"YOUR-SUBNET-ID-1"`) {
		t.Errorf("a kind that is not listed: %q %s", job.Note, job.Fragment)
	}
	// An endpoint needs what its model may use, too.
	if got := find(t, other.Kinds, kind.Endpoint); len(got.Network.Subnets) > 0 {
		t.Errorf("an endpoint may use the subnets of models: %+v", got.Network)
	}
}

// TestPlaceholders: where nothing is listed the page is whole all the same, and
// what stands in for ids is no id to AWS nor to the rules.
func TestPlaceholders(t *testing.T) {
	f := load(t, "version: 1\n")
	g := New(f, Options{Name: "rules.yaml", Now: now})
	if len(g.Places) != 1 || heading(g.Places[0]) != "Any other account" {
		t.Fatalf("%+v", g.Places)
	}
	k := find(t, g.Places[0].Kinds, kind.TrainingJob)
	if !strings.Contains(k.Note, "names no subnet and no security group") || len(k.Still) > 0 {
		t.Errorf("%q %+v", k.Note, k.Still)
	}
	b := &builder{file: f, options: Options{Now: now}}
	calls := b.calls("", "", k.Row, recipes()[kind.TrainingJob][0], who{}, settings{network: placeholders(rules.Network{})})
	got := unique(b.judge(calls, "", "", who{}))
	if len(got) != 1 || got[0].Rule != rules.WellFormed || got[0].Result != rules.Failed {
		t.Errorf("placeholders that nobody replaced: %+v", got)
	}
}

// TestServerless: what the guide says of serverless variants is what the rules say.
func TestServerless(t *testing.T) {
	b := &builder{file: rules.Default(), options: Options{Now: now}}
	row, _ := kind.Of(kind.EndpointConfig)
	calls := b.calls("111122223333", "eu-west-1", row, recipes()[kind.EndpointConfig][0], who{}, settings{network: standIns(rules.Network{})})
	calls[1].request, _ = calls[1].request.at("ProductionVariants[0]", func(v any) any {
		return v.(object).with("ServerlessConfig", object{{"MemorySizeInMB", 2048}, {"MaxConcurrency", 1}})
	})
	if got := unique(b.judge(calls, "111122223333", "eu-west-1", who{})); len(got) != 1 || got[0].Rule != rules.NoOwnInternet {
		t.Errorf("%+v", got)
	}
}

// hostile is what somebody could write into a rules file.
const hostile = `version: 1
allow:
  - accounts: ["111122223333"]
    subnets: [subnet-0a1b2c3d4e5f60718]
    security-groups: [sg-0a1b2c3d4e5f60718]
overrides:
  - match: {kinds: [training-job], tags: {"</script><b>x": "'; touch /tmp/pwned; ${jndi} %{x} $(id) \" \\ ` + "`id` ``` \u202e" + ` | [a](http://evil) @all"}}
    rules: {isolation-required: on}
exceptions:
  - id: "<img src=x onerror=alert(1)>"
    owner: "@security [click](javascript:alert(1)) | x"
    reason: "</td><script>alert(1)</script> ` + "```" + ` <!-- "
    expires: 2027-03-31
    rules: [no-own-internet]
    match: {accounts: ["111122223333"]}
response:
  routes:
    - match: {tags: {team: "<svg/onload=alert(1)>"}}
      team: a-team
`

// TestHostile: nothing of a rules file means anything but itself.
func TestHostile(t *testing.T) {
	f := load(t, hostile)
	o := Options{Name: "<i>rules</i> | `x`.yaml", Now: now}
	md := page(t, f, o, false)
	snippets, _ := extract(t, md)
	fence := regexp.MustCompile("(?ms)^(`{3,})[a-z]*\n.*?^(`{3,})\n")
	prose := fence.ReplaceAllString(md, "")
	prose = regexp.MustCompile("`[^`\n]*`|\\\\[^\\w\\s]").ReplaceAllString(prose, "") // code spans, and what is escaped
	for _, bad := range []string{"<script", "<img", "<svg", "<b>", "<i>", "](http:", "](javascript", "@security", "@all", "\u202e"} {
		if strings.Contains(prose, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if strings.Contains(md, "\u202e") {
		t.Error("a character that turns the direction of text is in a snippet")
	}
	ran := 0
	for _, s := range snippets {
		if s.tool != CLI && s.tool != Boto3 || !strings.Contains(s.text, "touch") {
			continue
		}
		ran++
		dir := t.TempDir()
		text := strings.ReplaceAll(s.text, "/tmp/pwned", filepath.Join(dir, "pwned"))
		program := []string{"bash", "-eu", "-c", "aws() { for a in \"$@\"; do printf '%s\\n' \"$a\"; done; }\nsource /dev/stdin"}
		if s.tool == Boto3 {
			program = []string{"python3", "-c", "import sys, types, json\nclass C:\n  def __getattr__(self, n): return lambda **k: print(k['Tags'][0]['Value'])\nsys.modules['boto3'] = types.SimpleNamespace(client=lambda *a, **k: C())\nexec(sys.stdin.read())"}
		}
		cmd := exec.Command(program[0], program[1:]...)
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "$(id)") {
			t.Errorf("%s: %v\n%s\n%s", s.label, err, out, text)
		}
		if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
			t.Errorf("%s ran what a tag says", s.label)
		}
	}
	if ran != 2 {
		t.Errorf("%d snippets had the tag, want 2", ran)
	}

	var b strings.Builder
	if err := HTML(&b, New(f, o)); err != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{
		"html": {"lang"}, "meta": {"charset", "name", "content", "http-equiv"}, "a": {"href"}, "nav": {"aria-label"}, "section": {"aria-labelledby", "class"},
		"article": {"aria-labelledby", "class"}, "h2": {"id"}, "h4": {"id"}, "div": {"class", "tabindex", "role", "aria-label"}, "th": {"scope"}, "pre": {"tabindex"}, "p": {"class"}, "span": {"class"}, "footer": {"class"},
	}
	plain := strings.Fields("head title style body header h1 h3 code ul li main table thead tr tbody td details summary strong em")
	for z := html.NewTokenizer(strings.NewReader(b.String())); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			break
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := z.Token()
		attributes, ok := allowed[token.Data]
		if !ok && !slices.Contains(plain, token.Data) {
			t.Errorf("the page has the element %s", token)
		}
		for _, a := range token.Attr {
			if !slices.Contains(attributes, a.Key) {
				t.Errorf("the page has the attribute %s", token)
			}
			if a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://docs.aws.amazon.com/") {
				t.Errorf("the page links to %s", a.Val)
			}
		}
	}
}

// TestAnchors: links within the page lead somewhere, and no name is there twice.
func TestAnchors(t *testing.T) {
	var b strings.Builder
	if err := HTML(&b, New(load(t, mixed), Options{Name: "rules.yaml", Now: now})); err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(b.String(), -1) {
		if ids[m[1]]++; ids[m[1]] > 1 {
			t.Errorf("%s is there twice", m[1])
		}
	}
	links := regexp.MustCompile(`(?:href="#|aria-labelledby=")([^"]*)"`).FindAllStringSubmatch(b.String(), -1)
	for _, m := range links {
		if ids[m[1]] == 0 {
			t.Errorf("nothing has the name %s", m[1])
		}
	}
	if len(links) < 50 {
		t.Errorf("%d links", len(links))
	}
}

const example = "../../docs/guide.example"

// TestExample: the example in docs/ is what the command writes.
func TestExample(t *testing.T) {
	text, err := os.ReadFile(example + ".rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := load(t, string(text))
	o := Options{Name: "guide.example.rules.yaml", Now: now, Kinds: []kind.Kind{
		kind.TrainingJob, kind.ProcessingJob, kind.Model, kind.EndpointConfig, kind.NotebookInstance, kind.Domain, kind.LabelingJob, kind.Algorithm,
	}}
	want := page(t, f, o, false)
	got, err := os.ReadFile(example + ".md")
	if diff := cmp.Diff(string(got), want); err != nil || diff != "" {
		t.Errorf("docs/guide.example.md is not current, %v; write it with: make docs\n(-page +guide):\n%s", err, diff)
	}
}
