package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/internal/ruleset"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wire stands between clients and what plays AWS: it writes down each call, and
// answers those that are denied.
type wire struct {
	to func(service string) *url.URL
	// rewrite changes a request on its way; may be nil.
	rewrite func(service string, r *httputil.ProxyRequest)

	mu     sync.Mutex
	calls  map[string]bool // IAM actions
	denied map[string]bool
}

// rest are the operations of the REST services.
var rest = []struct{ service, method, path, operation string }{
	{"lambda", "GET", `^/2015-03-31/functions/[^/]+/configuration$`, "GetFunctionConfiguration"},
	{"lambda", "GET", `^/2019-09-30/functions/[^/]+/concurrency$`, "GetFunctionConcurrency"},
	{"lambda", "GET", `^/2015-03-31/event-source-mappings$`, "ListEventSourceMappings"},
	{"lambda", "GET", `^/2016-08-19/account-settings$`, "GetAccountSettings"},
	{"scheduler", "GET", `^/schedules$`, "ListSchedules"},
	{"securityhub", "GET", `^/accounts$`, "DescribeHub"},
	{"securityhub", "POST", `^/actionTargets/get$`, "DescribeActionTargets"},
	{"securityhub", "POST", `^/findings$`, "GetFindings"},
	{"s3", "GET", `^/[^/]+/.+`, "GetObject"},
}

var scope = regexp.MustCompile(`Credential=[^/]+/\d+/([^/]+)/([^/]+)/`)

// action is the IAM action of a request.
func action(r *http.Request, body []byte) string {
	m := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return "unsigned"
	}
	service := strings.Replace(m[2], "monitoring", "cloudwatch", 1)
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return service + ":" + target[strings.LastIndexByte(target, '.')+1:]
	}
	for _, o := range rest {
		if o.service == service && o.method == r.Method && regexp.MustCompile(o.path).MatchString(r.URL.Path) {
			return service + ":" + o.operation
		}
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return service + ":" + form.Get("Action")
	}
	return service + ":" + r.Method + " " + r.URL.Path
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a := action(r, body)
	w.mu.Lock()
	w.calls[a] = true
	denied := w.denied[a] || w.denied["*"]
	w.mu.Unlock()
	service, _, _ := strings.Cut(a, ":")
	if !denied {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		(&httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(w.to(service))
			if w.rewrite != nil {
				w.rewrite(service, p)
			}
		}}).ServeHTTP(out, r)
		return
	}
	switch service {
	case "s3":
		out.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(out, `<Error><Code>AccessDenied</Code><Message>secret-in-a-message</Message></Error>`)
	case "cloudformation", "sts":
		out.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(out, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>secret-in-a-message</Message></Error></ErrorResponse>`)
	case "sns":
		out.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(out, `<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>secret-in-a-message</Message></Error></ErrorResponse>`)
	default:
		out.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
		out.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(out, `{"__type":"AccessDeniedException","message":"secret-in-a-message"}`)
	}
}

func (w *wire) deny(actions ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denied = map[string]bool{}
	for _, a := range actions {
		w.denied[a] = true
	}
}

// reset forgets the calls.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = map[string]bool{}
}

// start serves it until the test ends.
func (w *wire) start(t testing.TB) string {
	w.calls, w.denied = map[string]bool{}, map[string]bool{}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return s.URL
}

// bed is a healthy installation in moto.
type bed struct {
	testing.TB
	wire  *wire
	cfg   aws.Config
	store *dynamo.Store
	json  *awsjson.Client
	now   time.Time
}

// resources are those of the stack, as CloudFormation makes them in moto.
func resources() map[string]any {
	type m = map[string]any
	get := func(name, attribute string) m { return m{"Fn::GetAtt": []string{name, attribute}} }
	ref := func(name string) m { return m{"Ref": name} }
	queue := func(name string) m {
		return m{"Type": "AWS::SQS::Queue", "Properties": m{"QueueName": name, "SqsManagedSseEnabled": true}}
	}
	r := m{
		"Letters": queue("sagemoat-dead-letters"), "StreamLetters": queue("sagemoat-stream-dead-letters"), "FindingLetters": queue("sagemoat-finding-dead-letters"),
		"Queue": m{"Type": "AWS::SQS::Queue", "Properties": m{
			"QueueName": "sagemoat-events", "SqsManagedSseEnabled": true, "VisibilityTimeout": 360, "MessageRetentionPeriod": 1209600,
			"RedrivePolicy": m{"deadLetterTargetArn": get("Letters", "Arn"), "maxReceiveCount": 20},
		}},
		"Alerts":     m{"Type": "AWS::SNS::Topic", "Properties": m{"TopicName": "sagemoat-alerts"}},
		"Operations": m{"Type": "AWS::SNS::Topic", "Properties": m{"TopicName": "sagemoat-operations"}},
		"Rules":      m{"Type": "AWS::S3::Bucket", "Properties": m{"BucketName": "sagemoat-rules"}},
		"Table": m{"Type": "AWS::DynamoDB::Table", "Properties": m{
			"TableName": "sagemoat", "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
			"AttributeDefinitions": []any{m{"AttributeName": "pk", "AttributeType": "S"}, m{"AttributeName": "ix", "AttributeType": "S"}, m{"AttributeName": "at", "AttributeType": "S"}},
			"KeySchema":            []any{m{"AttributeName": "pk", "KeyType": "HASH"}},
			"GlobalSecondaryIndexes": []any{m{
				"IndexName": dynamo.Index, "Projection": m{"ProjectionType": "ALL"},
				"KeySchema": []any{m{"AttributeName": "ix", "KeyType": "HASH"}, m{"AttributeName": "at", "KeyType": "RANGE"}},
			}},
			"StreamSpecification": m{"StreamViewType": "NEW_AND_OLD_IMAGES"},
		}},
	}
	for i, e := range events.Patterns() {
		var pattern any
		if err := json.Unmarshal(e.Pattern, &pattern); err != nil {
			panic(err)
		}
		r[fmt.Sprintf("Event%d", i)] = m{"Type": "AWS::Events::Rule", "Properties": m{
			"Name": "sagemoat-" + e.Name, "EventPattern": pattern, "State": "ENABLED",
			"Targets": []any{m{
				"Id": "queue", "Arn": get("Queue", "Arn"), "DeadLetterConfig": m{"Arn": get("Letters", "Arn")},
				"RetryPolicy": m{"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
			}},
		}}
	}
	for _, f := range functions() {
		reserved := 5
		if f.name == "sweep" {
			reserved = 1
		}
		r["Role"+f.name] = m{"Type": "AWS::IAM::Role", "Properties": m{"AssumeRolePolicyDocument": m{"Version": "2012-10-17", "Statement": []any{
			m{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": m{"Service": "lambda.amazonaws.com"}},
		}}}}
		environment := m{"SAGEMOAT_ACCOUNT": account, "SAGEMOAT_TABLE": "sagemoat", "UNRELATED": "stays"}
		if f.name != "publish" {
			environment["SAGEMOAT_RULES_BUCKET"], environment["SAGEMOAT_RULES_KEY"], environment["SAGEMOAT_RULES_OWNER"] = "sagemoat-rules", "rules.yaml", account
		}
		switch f.name {
		case "audit":
			environment["SAGEMOAT_QUEUE_URL"] = outputs()[OutQueue]
			environment["SAGEMOAT_OWN_ROLES"] = m{"Fn::Join": []any{",", []any{get("Roleaudit", "Arn"), get("Rolepublish", "Arn"), get("Rolerespond", "Arn"), get("Rolesweep", "Arn")}}}
		case "publish":
			environment["SAGEMOAT_DEAD_LETTER_URL"] = outputs()[OutFindingDeadLetter]
		case "respond":
			environment["SAGEMOAT_TOPIC_ARN"], environment["SAGEMOAT_MODE"] = outputs()[OutAlertTopic], "notify"
		}
		r["Function"+f.name] = m{"Type": "AWS::Lambda::Function", "Properties": m{
			"FunctionName": "sagemoat-" + f.name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": get("Role"+f.name, "Arn"), "Timeout": 60,
			"Code": m{"ZipFile": "exit"}, "ReservedConcurrentExecutions": reserved,
			"Environment": m{"Variables": environment},
		}}
	}
	for name, from := range map[string]m{"audit": get("Queue", "Arn"), "publish": get("Table", "StreamArn"), "respond": get("Table", "StreamArn")} {
		p := m{"FunctionName": ref("Function" + name), "EventSourceArn": from, "FunctionResponseTypes": []string{"ReportBatchItemFailures"}, "BatchSize": 10}
		if name != "audit" {
			p["StartingPosition"] = "TRIM_HORIZON"
			p["FilterCriteria"] = m{"Filters": []any{m{"Pattern": streamFilter}}}
		}
		r["Mapping"+name] = m{"Type": "AWS::Lambda::EventSourceMapping", "Properties": p}
	}
	return r
}

// outputs are those of the stack.
func outputs() map[string]string {
	url := moto.Region + ".amazonaws.com/" + account + "/"
	var rules []string
	for _, e := range events.Patterns() {
		rules = append(rules, "sagemoat-"+e.Name)
	}
	return map[string]string{
		OutVersion: "0123456789ab", OutMode: "notify", OutTable: "sagemoat", OutQueue: "https://sqs." + url + "sagemoat-events",
		OutQueueDeadLetter: "https://sqs." + url + "sagemoat-dead-letters", OutStreamDeadLetter: "https://sqs." + url + "sagemoat-stream-dead-letters",
		OutFindingDeadLetter: "https://sqs." + url + "sagemoat-finding-dead-letters",
		OutAlertTopic:        "arn:aws:sns:eu-west-1:111122223333:sagemoat-alerts", OutOperationsTopic: "arn:aws:sns:eu-west-1:111122223333:sagemoat-operations",
		OutRulesBucket: "sagemoat-rules", OutRulesKey: "rules.yaml", OutRulesOwner: account,
		OutAudit: "sagemoat-audit", OutPublish: "sagemoat-publish", OutRespond: "sagemoat-respond", OutSweep: "sagemoat-sweep",
		OutEventRules: strings.Join(rules, ","), OutScheduleGroup: "sagemoat",
	}
}

const rulesFile = "version: 1\nresponse: {mode: notify}\n"

// deploy makes a healthy installation.
func deploy(t testing.TB) *bed {
	t.Helper()
	b := &bed{TB: t, cfg: moto.Config(t), now: time.Now()}
	to, err := url.Parse(moto.Endpoint(t))
	ok(t, err)
	b.wire = &wire{to: func(string) *url.URL { return to }}
	b.cfg.BaseEndpoint = aws.String(b.wire.start(t))
	b.cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	b.json = awsjson.New(b.cfg)
	client := s3.NewFromConfig(b.cfg, func(o *s3.Options) { o.UsePathStyle = true })

	b.stack(outputs(), resources())
	db := dynamodb.NewFromConfig(b.cfg)
	_, err = db.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName: aws.String("sagemoat"), PointInTimeRecoverySpecification: &ddbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	})
	ok(t, err)
	_, err = db.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String("sagemoat"), TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: aws.String(dynamo.Expires), Enabled: aws.Bool(true)},
	})
	ok(t, err)
	b.queuePolicy(queuePolicy(b.arn("sqs", "sagemoat-events"), b.ruleARNs()))
	b.rest("POST", "scheduler", "/schedule-groups/sagemoat", `{}`)
	for _, name := range []string{"publish", "respond", "sweep"} {
		b.schedule("POST", name, "ENABLED")
	}
	b.rest("POST", "securityhub", "/accounts", `{}`)
	b.call(awsjson.CloudTrail(), "CreateTrail", map[string]any{"Name": "management", "S3BucketName": "sagemoat-rules", "IsMultiRegionTrail": true})
	b.call(awsjson.CloudTrail(), "StartLogging", map[string]any{"Name": "management"})
	b.selectors(map[string]any{"EventSelectors": []any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": true}}})
	topics := sns.NewFromConfig(b.cfg)
	for _, arn := range []string{outputs()[OutAlertTopic], outputs()[OutOperationsTopic]} {
		_, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &arn, Protocol: aws.String("sqs"), Endpoint: aws.String(b.arn("sqs", "somebody"))})
		ok(t, err)
	}
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sagemoat-rules"), Key: aws.String("rules.yaml"), Body: strings.NewReader(rulesFile)})
	ok(t, err)
	b.store = dynamo.New(db, "sagemoat", func() time.Time { return b.now })
	b.saveRules()
	b.control(ledger.Heartbeat+"sweep", ledger.Mark{At: b.now.Add(-4 * time.Minute)})
	b.control(ledger.Baseline, ledger.FirstSweep{Started: b.now.Add(-time.Hour), Done: b.now.Add(-time.Hour), Told: b.now.Add(-time.Hour)})
	for _, f := range []string{"publish", "respond", "sweep"} {
		b.metric(own(telemetry.Heartbeat, f), 1)
	}
	b.metric(own(telemetry.Imported, "publish"), 3)
	return b
}

// saveRules does what audit does when it has read the rules file.
func (b *bed) saveRules() {
	b.Helper()
	client := s3.NewFromConfig(b.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	head, err := client.HeadObject(b.Context(), &s3.HeadObjectInput{Bucket: aws.String("sagemoat-rules"), Key: aws.String("rules.yaml")})
	ok(b, err)
	b.control(ruleset.Control, ruleset.Saved{Version: ledger.RulesVersion{At: head.LastModified.UTC(), ID: strings.Trim(*head.ETag, `"`)}, Text: rulesFile})
}

func (b *bed) arn(service, name string) string {
	return "arn:aws:" + service + ":" + region + ":" + account + ":" + name
}

func (b *bed) ruleARNs() (arns []string) {
	for _, e := range events.Patterns() {
		arns = append(arns, b.arn("events", "rule/sagemoat-"+e.Name))
	}
	return arns
}

// stack makes the stack, or updates it.
func (b *bed) stack(outputs map[string]string, resources map[string]any) {
	b.Helper()
	out := map[string]any{}
	for key, value := range outputs {
		out[key] = map[string]any{"Value": value}
	}
	body := inJSON(map[string]any{"Resources": resources, "Outputs": out})
	client := cloudformation.NewFromConfig(b.cfg)
	_, err := client.CreateStack(b.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String(DefaultStack), TemplateBody: &body, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	ok(b, err)
}

// call calls an operation of a JSON service.
func (b *bed) call(s awsjson.Service, operation string, input any) []byte {
	b.Helper()
	out, err := b.json.Call(b.Context(), s, operation, input)
	ok(b, err)
	return out.Body
}

// rest calls a REST service of moto's.
func (b *bed) rest(method, service, path, body string) {
	b.Helper()
	b.send(method, service, path, "", body)
}

// send sends a request to moto, which takes any signature.
func (b *bed) send(method, service, path, target, body string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, moto.Endpoint(b)+path, strings.NewReader(body))
	ok(b, err)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261102/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	r.Header.Set("Content-Type", "application/json")
	if target != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", target)
	}
	out, err := http.DefaultClient.Do(r)
	ok(b, err)
	text, _ := io.ReadAll(out.Body)
	_ = out.Body.Close()
	if out.StatusCode/100 != 2 {
		b.Fatalf("%s %s%s: %s: %s", method, path, target, out.Status, text)
	}
}

func (b *bed) schedule(method, function, state string) {
	b.Helper()
	b.rest(method, "scheduler", "/schedules/sagemoat-"+function, inJSON(map[string]any{
		"GroupName": "sagemoat", "ScheduleExpression": "rate(1 minute)", "State": state, "FlexibleTimeWindow": map[string]string{"Mode": "OFF"},
		"Target": map[string]string{"Arn": b.arn("lambda", "function:sagemoat-"+function), "RoleArn": "arn:aws:iam::111122223333:role/scheduler"},
	}))
}

func (b *bed) selectors(in map[string]any) {
	b.Helper()
	in["TrailName"] = "management"
	b.call(awsjson.CloudTrail(), "PutEventSelectors", in)
}

func (b *bed) control(name string, value any) {
	b.Helper()
	var before any
	version, err := b.store.Control(b.Context(), name, &before)
	ok(b, err)
	ok(b, b.store.PutControl(b.Context(), name, version, value))
}

func (b *bed) metric(s series, value float64) {
	b.Helper()
	b.call(awsjson.CloudWatch(), "PutMetricData", map[string]any{"Namespace": s.namespace, "MetricData": []any{map[string]any{
		"MetricName": s.name, "Value": value, "Timestamp": b.now.Add(-2 * time.Minute).Unix(),
		"Dimensions": []any{map[string]string{"Name": s.dimension, "Value": s.value}},
	}}})
}

func (b *bed) queuePolicy(text string) {
	b.Helper()
	b.attributes(map[string]string{"Policy": text})
}

func (b *bed) attributes(values map[string]string) {
	b.Helper()
	b.target("sqs", "AmazonSQS.SetQueueAttributes", map[string]any{"QueueUrl": outputs()[OutQueue], "Attributes": values})
}

// target calls an operation of a JSON service that nothing else here calls.
func (b *bed) target(service, target string, input any) {
	b.Helper()
	b.send("POST", service, "/", target, inJSON(input))
}

// targets are what X-Amz-Target begins with.
var targets = map[string]string{
	"cloudtrail": "CloudTrail_20131101", "events": "AWSEvents", "sqs": "AmazonSQS", "dynamodb": "DynamoDB_20120810",
}

// paste runs a command that was told to be pasted, as the AWS CLI would.
func (b *bed) paste(command string) {
	b.Helper()
	words := split(b, command)
	if words[0] != "aws" || len(words) < 3 {
		b.Fatalf("not a command of the AWS CLI: %s", command)
	}
	service, operation := words[1], camel(words[2])
	flags := map[string]any{}
	for i := 3; i < len(words); i++ {
		name, is := strings.CutPrefix(words[i], "--")
		if !is {
			b.Fatalf("%q is no flag: %s", words[i], command)
		}
		if i+1 == len(words) || strings.HasPrefix(words[i+1], "--") {
			flags[camel(name)] = true
			continue
		}
		i++
		flags[camel(name)] = cliValue(words[i])
		if name == "event-pattern" {
			flags[camel(name)] = words[i] // JSON as text
		}
	}
	if flags["Region"] != region {
		b.Errorf("the command is for the Region %v: %s", flags["Region"], command)
	}
	delete(flags, "Region")
	switch {
	case service == "lambda" && operation == "PutFunctionConcurrency":
		n, _ := strconv.Atoi(flags["ReservedConcurrentExecutions"].(string))
		b.send("PUT", service, fmt.Sprintf("/2017-10-31/functions/%s/concurrency", flags["FunctionName"]), "", inJSON(map[string]int{"ReservedConcurrentExecutions": n}))
	case service == "lambda" && operation == "UpdateFunctionConfiguration":
		b.send("PUT", service, fmt.Sprintf("/2015-03-31/functions/%s/configuration", flags["FunctionName"]), "", inJSON(flags))
	case service == "lambda" && operation == "UpdateEventSourceMapping":
		b.send("PUT", service, fmt.Sprintf("/2015-03-31/event-source-mappings/%s", flags["Uuid"]), "", inJSON(flags))
	case service == "securityhub" && operation == "EnableSecurityHub":
		b.send("POST", service, "/accounts", "", `{}`)
	case targets[service] != "":
		b.target(service, targets[service]+"."+operation, flags)
	default:
		b.Fatalf("cannot paste %s", command)
	}
}

// cliValue reads a value as the AWS CLI does: JSON, its shorthand, or text.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html
func cliValue(s string) any {
	var v any
	if strings.ContainsAny(s[:1], "[{") && json.Unmarshal([]byte(s), &v) == nil {
		return v
	}
	if !regexp.MustCompile(`^\w+=\w+(,\w+=\w+)*$`).MatchString(s) {
		return s
	}
	out := map[string]any{}
	for pair := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(pair, "=")
		out[name] = value
		if value == "true" || value == "false" {
			out[name] = value == "true"
		}
	}
	return out
}

func camel(s string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(s, "-") {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// split splits a command as a shell does.
func split(t testing.TB, command string) (words []string) {
	t.Helper()
	out, err := exec.Command("sh", "-c", "set -f; set -- "+command+`; for w in "$@"; do printf '%s\0' "$w"; done`).CombinedOutput()
	if err != nil {
		t.Fatalf("a shell does not take it: %s: %v: %s", command, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// open opens the doctor.
func (b *bed) open(change ...func(*Options)) *Doctor {
	b.Helper()
	o := Options{Now: func() time.Time { return b.now }}
	for _, c := range change {
		c(&o)
	}
	d, err := open(b.Context(), o, b.cfg, account, "arn:aws:sts::111122223333:assumed-role/auditor/ana")
	ok(b, err)
	return d
}

// report is a whole run.
func (b *bed) report(change ...func(*Options)) *Report {
	b.Helper()
	r, err := b.open(change...).Check(b.Context(), nil)
	ok(b, err)
	return r
}

// lines are those of one check.
func (r *Report) lines(check string) (out []Line) {
	for _, l := range r.Lines {
		if l.Check == check {
			out = append(out, l)
		}
	}
	return out
}

// look looks at one subject alone.
func (b *bed) look(group string) []Line {
	b.Helper()
	d := b.open()
	all := subjects()
	i := slices.IndexFunc(all, func(s subject) bool { return s.group == group })
	return all[i].lines(d.session, all[i].look(context.WithoutCancel(b.Context()), d.session))
}
