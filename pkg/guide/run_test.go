package guide

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/internal/awstest/mltools"
	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// pasted is a snippet as somebody would copy it from the page.
type pasted struct {
	label string // for messages and URLs
	kind  kind.Kind
	tool  Tool
	text  string
}

var (
	heading4 = regexp.MustCompile(`^#### (.+)$`)
	summary  = regexp.MustCompile(`^<details><summary>(.+)</summary>$`)
	fenced   = regexp.MustCompile("^(```+)[a-z]*$")
)

// extract reads the snippets of a page in Markdown, and the defaults of the SDK.
func extract(t *testing.T, page string) (snippets []pasted, defaults []string) {
	t.Helper()
	kinds := map[string]kind.Kind{}
	for _, row := range kind.Table() {
		kinds[sentence(row.Words)] = row.Kind
	}
	var at kind.Kind
	var tool Tool
	var text strings.Builder
	end := ""
	for line := range strings.Lines(page) {
		bare := strings.TrimRight(line, "\n")
		switch {
		case end != "" && bare == end:
			end = ""
			switch body := text.String(); {
			case tool != "":
				label := fmt.Sprintf("%d-%s-%s", len(snippets), at, strings.ReplaceAll(string(tool), " ", ""))
				snippets = append(snippets, pasted{label, at, tool, body})
			case strings.Contains(body, "SchemaVersion:"):
				defaults = append(defaults, body)
			}
			tool = ""
		case end != "":
			text.WriteString(line)
		case heading4.MatchString(bare):
			at = kinds[heading4.FindStringSubmatch(bare)[1]]
			if at == "" {
				t.Errorf("%q is no kind", bare)
			}
		case summary.MatchString(bare):
			tool = Tool(summary.FindStringSubmatch(bare)[1])
		case fenced.MatchString(bare):
			end = fenced.FindStringSubmatch(bare)[1]
			text.Reset()
		}
	}
	return snippets, defaults
}

// cloud is AWS: for each snippet the sandbox, new, whose CloudTrail is kept, and
// moto, for what both have, as a second opinion.
type cloud struct {
	t      *testing.T
	moto   string
	server *httptest.Server

	mu     sync.Mutex
	worlds map[string]*world // by label
	now    string            // the label of the snippet that runs
	agreed map[string]bool   // the calls that moto took
}

// world is the sandbox of one snippet.
type world struct {
	*sandbox.World
	clock  *sandbox.Virtual
	key    string
	domain string
	mu     sync.Mutex
	trail  bytes.Buffer
	wrong  []string
	lost   bool // moto lost its way
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, moto: moto.Endpoint(t), worlds: map[string]*world{}, agreed: map[string]bool{}}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c
}

// begin makes the world of a snippet.
func (c *cloud) begin(label string) *world {
	w := &world{clock: sandbox.NewVirtual(time.Now().Truncate(time.Second))}
	w.World = sandbox.New(sandbox.Options{Clock: w.clock, Seed: 1})
	w.key, _ = w.Credentials("DataScience", "ana")
	// Not what SageMaker itself does next, as a tuning job that starts training jobs.
	calls := func(event []byte) bool { return bytes.Contains(event, []byte(`"AWS API Call via CloudTrail"`)) }
	w.AddRule(sandbox.Rule{Match: calls, Invoke: func(event []byte) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.trail.Write(append(bytes.ReplaceAll(event, []byte("\n"), []byte(" ")), '\n'))
		return nil
	}})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.worlds[label], c.now = w, label
	return w
}

// ServeHTTP serves /begin/label, and the APIs of AWS.
func (c *cloud) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if label, ok := strings.CutPrefix(r.URL.Path, "/begin/"); ok {
		c.begin(label)
		return
	}
	c.mu.Lock()
	label := c.now
	w := c.worlds[label]
	c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || w == nil {
		http.Error(out, "no snippet has begun", http.StatusInternalServerError)
		return
	}
	operation, isSageMaker := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "SageMaker.")
	if !isSageMaker {
		c.other(out, r, body)
		return
	}
	answer := w.call(r.Header.Get("Authorization"), operation, body)
	if strings.HasPrefix(operation, "Create") && answer.Code == http.StatusOK {
		c.second(w, label, operation, r.Header, body)
	}
	maps.Copy(out.Header(), answer.Header())
	out.WriteHeader(answer.Code)
	_, _ = out.Write(answer.Body.Bytes())
}

var accessKey = regexp.MustCompile(`Credential=[^/]+/`)

// call calls the sandbox, as the person whose world it is.
func (w *world) call(authorization, operation string, body []byte) *httptest.ResponseRecorder {
	if w.domain != "" {
		body = bytes.ReplaceAll(body, []byte(domainPlaceholder), []byte(w.domain))
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SageMaker."+operation)
	if authorization == "" {
		authorization = "AWS4-HMAC-SHA256 Credential=x/20261102/eu-west-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
	}
	r.Header.Set("Authorization", accessKey.ReplaceAllString(authorization, "Credential="+w.key+"/"))
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	if out.Code != http.StatusOK {
		w.mu.Lock()
		w.wrong = append(w.wrong, operation+": "+strings.TrimSpace(out.Body.String()))
		w.mu.Unlock()
	}
	if operation == "CreateDomain" {
		var answer struct{ DomainArn string }
		if json.Unmarshal(out.Body.Bytes(), &answer) == nil {
			w.domain = answer.DomainArn[strings.LastIndexByte(answer.DomainArn, '/')+1:]
		}
	}
	return out
}

// second asks moto for the same. Names are made unique: moto has one world.
func (c *cloud) second(w *world, label, operation string, header http.Header, body []byte) {
	n, _, _ := strings.Cut(label, "-")
	round := label[strings.LastIndexByte(label, '-')+1:]
	body = bytes.ReplaceAll(body, []byte(`"my-`), []byte(`"s`+n+round[:1]+`-my-`))
	r, err := http.NewRequest(http.MethodPost, c.moto+"/", bytes.NewReader(body))
	if err != nil {
		return
	}
	r.Header = header.Clone()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.wrong = append(w.wrong, "moto: "+err.Error())
		return
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(answer.Body)
	switch {
	case answer.StatusCode == http.StatusOK:
		c.mu.Lock()
		c.agreed[operation] = true
		c.mu.Unlock()
	case answer.StatusCode >= http.StatusInternalServerError:
		w.lost = true // it does not have it, or not all of it; what needs it will fail
	case w.lost:
	default:
		w.mu.Lock()
		w.wrong = append(w.wrong, fmt.Sprintf("moto: %s: %d %s", operation, answer.StatusCode, said))
		w.mu.Unlock()
	}
}

// other has moto play S3 and STS, which the SDKs call besides. What else they would
// like to know, such as what IAM thinks of a role, this person may not ask.
func (c *cloud) other(out http.ResponseWriter, r *http.Request, body []byte) {
	if !strings.Contains(r.Header.Get("Authorization"), "/s3/") && !strings.Contains(r.Header.Get("Authorization"), "/sts/") {
		out.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(out, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>")
		return
	}
	to, err := url.Parse(c.moto)
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	to.Path, to.RawQuery = r.URL.Path, r.URL.RawQuery
	ask, err := http.NewRequest(r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	ask.Header = r.Header.Clone()
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	maps.Copy(out.Header(), answer.Header)
	out.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(out, answer.Body)
}

// findings is what sagemoat audit says of what a snippet did.
func (c *cloud) findings(label string, f *rules.File) (*audit.Report, *world) {
	c.mu.Lock()
	w := c.worlds[label]
	c.mu.Unlock()
	if w == nil {
		return nil, nil
	}
	w.clock.Advance(time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	report, err := audit.Run(context.Background(), audit.Inputs{Paths: []string{"-"}, Stdin: bytes.NewReader(w.trail.Bytes())}, audit.Options{Rules: f, Now: time.Now()})
	if err != nil {
		c.t.Fatal(err)
	}
	return report, w
}

// item is a snippet for testdata/drive.py.
type item struct {
	Label  string `json:"label"`
	Text   string `json:"text"`
	Config string `json:"config,omitempty"`
}

// drive has a process of Python run snippets, and returns what went wrong by label.
func (c *cloud) drive(tools mltools.Tools, way, path string, items []item) map[string]string {
	c.t.Helper()
	work := map[string]any{"tool": way, "begin": c.server.URL + "/begin/", "snippets": items}
	in, err := json.Marshal(work)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	home := c.t.TempDir()
	cmd := exec.Command(tools.Python, filepath.Join("testdata", "drive.py"))
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "PYTHONPATH=" + path, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=" + c.server.URL, "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
		"AWS_EC2_METADATA_DISABLED=true", "PYTHONWARNINGS=ignore", "NO_COLOR=1",
		"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1", // nothing else is called
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	var wrong []struct{ Label, Error string }
	if err := json.Unmarshal(stdout.Bytes(), &wrong); err != nil {
		c.t.Errorf("%s: %v, %v\n%s", way, runErr, err, stderr.String())
		return nil
	}
	out := map[string]string{}
	for _, x := range wrong {
		out[x.Label] = x.Error
	}
	return out
}

// strict are rules that ask for everything, so that the snippets show it.
const strict = `version: 1
rules:
  isolation-required: on
  encrypted-between-containers: on
  interactive-access: on
  worker-ingress: on
allow:
  - accounts: ["111122223333"]
    regions: [eu-west-1]
    vpc: vpc-0a1b2c3d4e5f60718
    subnets: [subnet-0a1b2c3d4e5f60718, subnet-0b2c3d4e5f6071829]
    security-groups: [sg-0a1b2c3d4e5f60718]
overrides:
  - match: {kinds: [training-job, model, pipeline], tags: {team: "fraud: a=b + c"}}
    allow: {subnets: [subnet-0b2c3d4e5f6071829]}
`

func load(t *testing.T, text string) *rules.File {
	t.Helper()
	f, err := rules.Load("rules.yaml", []byte(text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// page is the guide in Markdown; bare leaves the network out of the snippets.
func page(t *testing.T, f *rules.File, o Options, bare bool) string {
	t.Helper()
	var b strings.Builder
	if err := Markdown(&b, build(f, o, bare)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSnippets runs every snippet of a guide as somebody would who pastes it, and
// has sagemoat audit judge what came of it: it passes the rules that the guide was
// written from, and fails them with the network left out.
func TestSnippets(t *testing.T) {
	tools := mltools.Install(t)
	f := load(t, strict)
	o := Options{Name: "rules.yaml", Account: "111122223333", Now: time.Now()}
	good, defaults := extract(t, page(t, f, o, false))
	usual, _, _ := strings.Cut(strict, "overrides:")
	poor, _ := extract(t, page(t, load(t, usual), o, true))

	config := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(config, []byte(defaults[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	nothing := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(nothing, []byte("SchemaVersion: '1.0'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants := map[string]rules.Compliance{}
	jobs := map[Tool][]item{}
	add := func(round string, list []pasted, configFile string, want rules.Compliance) {
		for _, s := range list {
			label := s.label + "-" + round
			wants[label] = want
			jobs[s.tool] = append(jobs[s.tool], item{label, s.text, configFile})
		}
	}
	add("good", good, nothing, rules.Passed)
	add("poor", slices.DeleteFunc(slices.Clone(poor), func(s pasted) bool {
		// These are written as boto3's are.
		return chaos.N(0, 1) == 0 && (s.tool == CLI || s.tool == SDKv3 && s.kind != kind.TrainingJob)
	}), nothing, rules.Failed)
	add("config", slices.DeleteFunc(slices.Clone(poor), func(s pasted) bool {
		return s.tool != SDKv2 && (s.tool != SDKv3 || s.kind != kind.TrainingJob)
	}), config, rules.Passed)

	for tool, how := range map[Tool]struct{ way, path string }{
		SDKv2: {"sdk", tools.SDK2}, SDKv3: {"sdk", tools.SDK3}, Boto3: {"python", ""}, CLI: {"cli", ""}, CloudFormation: {"template", ""}, Terraform: {},
	} {
		t.Run(strings.ReplaceAll(string(tool), " ", ""), func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			wrong := map[string]string{}
			if how.way != "" {
				wrong = c.drive(tools, how.way, how.path, jobs[tool])
			}
			for _, it := range jobs[tool] {
				switch tool {
				case CloudFormation:
					c.template(it)
				case Terraform:
					c.hcl(it)
				default:
				}
				if e, ok := wrong[it.Label]; ok && wants[it.Label] == rules.Passed {
					t.Errorf("%s:\n%s\n%s", it.Label, e, it.Text)
				}
				c.check(it, f, wants[it.Label])
			}
			for _, call := range taken {
				if tool == Boto3 && !c.agreed[call] {
					t.Errorf("moto never took %s", call)
				}
			}
		})
	}
}

// taken are the calls that moto has, and took.
var taken = []string{
	"CreateTrainingJob", "CreateProcessingJob", "CreateHyperParameterTuningJob", "CreateTransformJob", "CreateModel", "CreateEndpointConfig", "CreateNotebookInstance",
	"CreateDomain", "CreatePipeline", "CreateCompilationJob", "CreateDataQualityJobDefinition",
}

// check holds what a snippet did against what it should have.
func (c *cloud) check(it item, f *rules.File, want rules.Compliance) {
	c.t.Helper()
	report, w := c.findings(it.Label, f)
	if w == nil {
		c.t.Errorf("%s did nothing", it.Label)
		return
	}
	if want == rules.Passed && len(w.wrong) > 0 {
		c.t.Errorf("%s: %s\n%s", it.Label, strings.Join(w.wrong, "; "), it.Text)
	}
	if len(report.Findings) == 0 || len(report.Problems) > 0 {
		c.t.Errorf("%s: nothing was judged, %v\n%s", it.Label, report.Problems, it.Text)
	}
	failed := false
	for _, finding := range report.Findings {
		failed = failed || finding.Judgement.Compliance == rules.Failed
		if want == rules.Passed && finding.Judgement.Compliance != rules.Passed {
			c.t.Errorf("%s: %s %s %+v\n%s", it.Label, finding.Resource(), finding.Judgement.Compliance, finding.Judgement.Results, it.Text)
		}
	}
	if want == rules.Failed && !failed {
		c.t.Errorf("%s passes without a network\n%s\n%s", it.Label, it.Text, w.trail.String())
	}
}
