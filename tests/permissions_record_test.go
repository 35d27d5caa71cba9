package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// request is a call as IAM sees it.
type request struct {
	role     string // id in the template
	action   string // service:Operation
	resource string // one ARN, or "*"
	// context are the condition keys that our policies look at, each a string or a
	// []string.
	context map[string]any
}

func (r request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %v", r.role, r.action, r.resource, r.context))
}

// recorder keeps the calls that the roles of a template make, each once.
type recorder struct {
	t     testing.TB
	roles map[string]string // ids by the names of roles

	mu   sync.Mutex
	all  map[string]request
	arns map[string]string // of what was described, by kind and key
}

func newRecorder(t testing.TB, roles map[string]string) *recorder {
	t.Helper()
	return &recorder{t: t, roles: roles, all: map[string]request{}, arns: map[string]string{}}
}

// requests are the calls that were made, in order of their words.
func (r *recorder) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]request, 0, len(r.all))
	for _, key := range slices.Sorted(maps.Keys(r.all)) {
		out = append(out, r.all[key])
	}
	return out
}

// actions are what each role called.
func (r *recorder) actions() map[string][]string {
	out := map[string][]string{}
	for _, q := range r.requests() {
		if !slices.Contains(out[q.role], q.action) {
			out[q.role] = append(out[q.role], q.action)
		}
	}
	return out
}

func (r *recorder) add(q request) {
	if _, known := r.all[q.String()]; !known {
		r.all[q.String()] = q
	}
}

func arnOf(service, resource string) string {
	return "arn:aws:" + service + ":eu-west-1:" + account + ":" + resource
}

// see is for [sandbox.World.Watch].
func (r *recorder) see(c sandbox.Call) {
	_, session, _ := strings.Cut(c.Caller, ":assumed-role/")
	name, _, _ := strings.Cut(session, "/")
	role, ours := r.roles[name]
	if !ours || !c.Done {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q := request{role: role, action: c.Service + ":" + c.Operation, context: map[string]any{}}
	text := func(member string) string {
		s, _ := c.Input[member].(string)
		return s
	}
	switch c.Service {
	case "sagemaker":
		q.resource = r.sagemaker(&c, text)
	case "sqs":
		q.resource = arnOf("sqs", c.Resource)
	case "sns":
		q.resource = text("TopicArn")
	case "s3":
		q.resource = "arn:aws:s3:::" + c.Resource
		q.context["s3:ResourceAccount"] = account
	case "events":
		r.bus(&c, q)
		return
	case "securityhub":
		r.hub(&c, q)
		return
	default:
		r.t.Errorf("what IAM would see of %s:%s is not known here", c.Service, c.Operation)
	}
	r.add(q)
}

// bus: sources and types of all events of a call are the values of one key each.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
func (r *recorder) bus(c *sandbox.Call, q request) {
	values := map[string]map[string]bool{"Source": {}, "DetailType": {}}
	entries, _ := c.Input["Entries"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		for member, of := range values {
			of[fmt.Sprint(entry[member])] = true
		}
		if bus, named := entry["EventBusName"]; named {
			r.t.Errorf("an event for the bus %v, and not for the default one", bus)
		}
	}
	q.resource = arnOf("events", "event-bus/default")
	q.context["events:source"] = slices.Sorted(maps.Keys(values["Source"]))
	q.context["events:detail-type"] = slices.Sorted(maps.Keys(values["DetailType"]))
	r.add(q)
}

// hub: importing is allowed by product and account, the rest by hub.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecurityhub.html
func (r *recorder) hub(c *sandbox.Call, q request) {
	q.resource = arnOf("securityhub", "hub/default")
	switch c.Operation {
	case "BatchImportFindings":
		findings, _ := c.Input["Findings"].([]any)
		for _, f := range findings {
			finding, _ := f.(map[string]any)
			q.resource = fmt.Sprint(finding["ProductArn"])
			q.context = map[string]any{"securityhub:TargetAccount": finding["AwsAccountId"]}
			r.add(q)
		}
		return
	case "BatchUpdateFindings":
		// The key is there for each member that is updated, with its value.
		// https://docs.aws.amazon.com/securityhub/latest/userguide/batchupdatefindings-configure-access.html
		for member, v := range c.Input {
			switch v := v.(type) {
			case map[string]any:
				for below, value := range v {
					q.context["securityhub:ASFFSyntaxPath/"+member+"."+below] = fmt.Sprint(value)
				}
			case string:
				q.context["securityhub:ASFFSyntaxPath/"+member] = v
			}
		}
	}
	r.add(q)
}

// sagemaker is the resource of a call. What is described has the ARN that is in the
// response; of what is stopped it is known since it was described.
func (r *recorder) sagemaker(c *sandbox.Call, text func(string) string) string {
	switch {
	case c.Operation == "ListTags":
		return text("ResourceArn")
	case strings.HasSuffix(c.Operation, "ForExecution"):
		return text("PipelineExecutionArn")
	case strings.HasPrefix(c.Operation, "List"), c.Operation == "Search":
		return "*"
	}
	for _, row := range kind.Table() {
		if c.Operation != row.Describe.Name && !slices.Contains(row.Stops, c.Operation) {
			continue
		}
		key, _ := row.KeyOf(document(r.t, c.Input))
		name := string(row.Kind) + "/" + key
		out, _ := c.Output.(map[string]any)
		if row.Describe.Under != "" {
			out, _ = out[row.Describe.Under].(map[string]any)
		}
		if arn, ok := out[row.Describe.ARN].(string); ok && c.Operation == row.Describe.Name {
			r.arns[name] = arn
			return arn
		}
		if arn, ok := r.arns[name]; ok {
			return arn
		}
		if arn := row.Build("aws", "eu-west-1", account, key); arn != "" {
			return arn
		}
		return arnOf("sagemaker", name) // of what is not there
	}
	r.t.Errorf("what IAM would see of sagemaker:%s is not known here", c.Operation)
	return ""
}

func document(t testing.TB, v any) jsondoc.Value {
	text, err := json.Marshal(v)
	if err == nil {
		var doc jsondoc.Value
		if doc, err = jsondoc.Parse(text, nil); err == nil {
			return doc
		}
	}
	t.Errorf("%v: %v", v, err)
	return jsondoc.Value{}
}

// dynamodb takes in a request to DynamoDB. callers are roles by access key.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func (r *recorder) dynamodb(in *http.Request, body []byte, role string) {
	var asked struct {
		TableName, IndexName string
		Key, Item            map[string]struct{ S string }
		Values               map[string]struct{ S string } `json:"ExpressionAttributeValues"`
	}
	_, operation, _ := strings.Cut(in.Header.Get("X-Amz-Target"), ".")
	if err := json.Unmarshal(body, &asked); err != nil || operation == "" {
		r.t.Errorf("a request to DynamoDB that cannot be read: %q, %v", operation, err)
		return
	}
	q := request{role: role, action: "dynamodb:" + operation, resource: arnOf("dynamodb", "table/"+asked.TableName)}
	leading := ""
	switch operation {
	case "GetItem":
		leading = asked.Key["pk"].S
	case "PutItem":
		leading = asked.Item["pk"].S
	case "Query":
		leading = asked.Values[":ix"].S
		q.resource += "/index/" + asked.IndexName
	}
	if leading == "" {
		r.t.Errorf("dynamodb:%s has no key that is known here", operation)
	}
	q.context = map[string]any{"dynamodb:LeadingKeys": []string{leading}}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(q)
}
