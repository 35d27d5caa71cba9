package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// shipped is the stack's template as it is shipped, for assertions of the CDK.
func shipped(t *testing.T) assertions.Template {
	t.Helper()
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	return assertions.Template_FromString(jsii.String(string(made[Name])), nil)
}

// parsed is a document of JSON.
func parsed(t *testing.T, text []byte) (out map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// panics is what a function panics with, or "".
func panics(f func()) (message string) {
	defer func() {
		if what := recover(); what != nil {
			message = fmt.Sprint(what)
		}
	}()
	f()
	return ""
}

// holds fails the test where an assertion of the CDK does not hold, which panics.
func holds(t *testing.T, assertion func()) {
	t.Helper()
	if message := panics(assertion); message != "" {
		t.Errorf("%.3000s", message)
	}
}

func TestHolds(t *testing.T) {
	template := shipped(t)
	message := panics(func() { template.ResourceCountIs(jsii.String("AWS::SQS::Queue"), jsii.Number(1)) })
	if !strings.Contains(message, "AWS::SQS::Queue") {
		t.Errorf("an assertion that does not hold says %q", message)
	}
}

// resolved is a value of a template with its functions resolved: what stands for
// something of the stack is <Logical>, and conditions hold.
func resolved(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			if name, ok := v["Ref"].(string); ok {
				return "<" + name + ">"
			}
			if text, ok := v["Fn::Sub"]; ok {
				return text
			}
			if of, ok := v["Fn::If"].([]any); ok {
				return resolved(of[1])
			}
			if of, ok := v["Fn::GetAtt"].([]any); ok {
				return fmt.Sprintf("<%v.%v>", of...)
			}
			if of, ok := v["Fn::Join"].([]any); ok && reflect.TypeOf(of[1]).Kind() == reflect.Slice {
				var parts []string
				for _, part := range of[1].([]any) {
					parts = append(parts, fmt.Sprint(resolved(part)))
				}
				return strings.Join(parts, of[0].(string))
			}
		}
		out := map[string]any{}
		for name, member := range v {
			out[name] = resolved(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = resolved(v[i])
		}
		return out
	}
	return v
}

// properties are the properties of the stack's resources of a type, resolved.
func properties(t *testing.T, kind string) map[string]map[string]any {
	t.Helper()
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for id, r := range parsed(t, made[Name])["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == kind {
			out[id], _ = resolved(r["Properties"]).(map[string]any)
		}
	}
	return out
}

// TestEventRules: the rules are those of package events, with their patterns, and no
// others.
func TestEventRules(t *testing.T) {
	want := events.Patterns()
	want = append(want, events.CustomAction(respond.ActionID))
	want = append(want, events.Tampering(events.Deployed{
		Prefix: "sagemoat-", Schedules: "sagemoat",
		Queues: []string{"<EventQueue>", "<EventDeadLetterQueue>", "<StreamDeadLetterQueue>", "<FindingDeadLetterQueue>"},
		Topics: []string{"<AlertTopic>", "<OperationsTopic>"},
		Table:  "<Ledger>", Bucket: "<RulesFileBucket>",
	})...)
	template := shipped(t)
	holds(t, func() {
		template.ResourceCountIs(jsii.String("AWS::Events::Rule"), jsii.Number(float64(len(want))))
	})
	byName := map[string]map[string]any{}
	for _, p := range properties(t, "AWS::Events::Rule") {
		byName[p["Name"].(string)] = p
	}
	for _, r := range want {
		is := byName["sagemoat-"+r.Name]
		if w := parsed(t, r.Pattern); !reflect.DeepEqual(is["EventPattern"], w) || is["Description"] != r.Words {
			t.Errorf("the rule %s has the pattern\n%v, package events says\n%v", r.Name, is["EventPattern"], w)
		}
	}
}

// TestEnvironment: each function has the environment that docs/functions.md tells of.
func TestEnvironment(t *testing.T) {
	_, text := page(t, "functions.md")
	all := map[string]string{"SAGEMOAT_ACCOUNT": "<AWS::AccountId>", "SAGEMOAT_TABLE": "<Ledger>"}
	rules := map[string]string{"SAGEMOAT_RULES_BUCKET": "<RulesFileBucket>", "SAGEMOAT_RULES_KEY": "<RulesKey>", "SAGEMOAT_RULES_OWNER": "<RulesOwner>"}
	together := func(of ...map[string]string) map[string]string {
		out := map[string]string{}
		for _, m := range of {
			maps.Copy(out, m)
		}
		return out
	}
	want := map[string]map[string]string{
		"Audit": together(all, rules, map[string]string{
			"SAGEMOAT_QUEUE_URL": "<EventQueue>", "SAGEMOAT_OWN_ROLES": "<AuditRole.Arn>,<PublishRole.Arn>,<RespondRole.Arn>,<SweepRole.Arn>",
		}),
		"Publish": together(all, map[string]string{"SAGEMOAT_DEAD_LETTER_URL": "<FindingDeadLetterQueue>"}),
		"Respond": together(all, rules, map[string]string{"SAGEMOAT_TOPIC_ARN": "<AlertTopic>", "SAGEMOAT_MODE": "<Mode>"}),
		"Sweep":   together(all, rules),
		"Setup":   all,
	}
	got := map[string]map[string]string{}
	for id, p := range properties(t, "AWS::Lambda::Function") {
		got[id] = map[string]string{}
		for name, value := range p["Environment"].(map[string]any)["Variables"].(map[string]any) {
			got[id][name] = value.(string)
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("docs/functions.md does not tell of %s", name)
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the functions have the environment\n%v, want\n%v", got, want)
	}
}

// TestLedger: the table is the one that package dynamo describes.
func TestLedger(t *testing.T) {
	b, err := json.Marshal(dynamo.Table(""))
	if err != nil {
		t.Fatal(err)
	}
	want := known(parsed(t, b)).(map[string]any)
	is := properties(t, "AWS::DynamoDB::Table")["Ledger"]
	for _, name := range []string{"AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"} {
		if want[name] == nil || !reflect.DeepEqual(is[name], want[name]) {
			t.Errorf("%s of the table is\n%v, package dynamo says\n%v", name, is[name], want[name])
		}
	}
	template := shipped(t)
	holds(t, func() {
		template.HasResourceProperties(jsii.String("AWS::DynamoDB::Table"), map[string]any{
			"StreamSpecification":     map[string]any{"StreamViewType": want["StreamSpecification"].(map[string]any)["StreamViewType"]},
			"TimeToLiveSpecification": map[string]any{"AttributeName": dynamo.Expires, "Enabled": true},
		})
	})
}

// known is a document without the members that are null: what the SDK does not set.
func known(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			if member != nil {
				out[name] = known(member)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = known(v[i])
		}
		return out
	}
	return v
}

// TestHub: what people use in Security Hub names what findings have.
func TestHub(t *testing.T) {
	template := shipped(t)
	holds(t, func() {
		template.HasResource(jsii.String("AWS::CloudFormation::CustomResource"), map[string]any{
			"Condition": "HasSecurityHub", "Properties": map[string]any{"Id": respond.ActionID},
		})
		template.HasOutput(jsii.String("CustomActionArn"), map[string]any{
			"Condition": "HasSecurityHub",
			"Value":     map[string]any{"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:action/custom/" + respond.ActionID},
		})
	})
	fields := map[string][]string{
		"sagemoat/class": {verdict.C.String(), verdict.BInternet.String(), verdict.Unknown.String()},
		"sagemoat/stop":  {string(ledger.Requested), string(ledger.Confirmed)},
	}
	for id, p := range properties(t, "AWS::SecurityHub::Insight") {
		filters := p["Filters"].(map[string]any)
		list, _ := filters["ProductFields"].([]any)
		for _, f := range list {
			f := f.(map[string]any)
			if !slices.Contains(fields[f["Key"].(string)], f["Value"].(string)) {
				t.Errorf("%s filters by %v = %v, which no finding has", id, f["Key"], f["Value"])
			}
		}
		if group := p["GroupByAttribute"]; group != "AwsAccountId" && group != "GeneratorId" {
			t.Errorf("%s is grouped by %v", id, group)
		}
		if product := filters["ProductName"].([]any); len(product) != 1 || product[0].(map[string]any)["Value"] != "sagemoat" {
			t.Errorf("%s is about findings of others, too: %v", id, product)
		}
	}
}

// TestDefaults: each setting is a parameter, with its default, and the mode is notify.
func TestDefaults(t *testing.T) {
	template := shipped(t)
	for _, s := range Settings() {
		holds(t, func() {
			template.HasParameter(jsii.String(s.Parameter()), map[string]any{"Default": s.Default, "Description": s.Words + "."})
		})
	}
	holds(t, func() {
		template.HasParameter(jsii.String("Mode"), map[string]any{"Default": "notify", "AllowedValues": []any{"observe", "notify", "stop"}})
	})
	if n := len(*template.FindParameters(jsii.String("*"), nil)); n != len(Settings())+1 {
		t.Errorf("there are %d parameters for %d settings and the code", n, len(Settings()))
	}
}

// others are values of the settings that are not their defaults, and values that are
// wrong; what lists hold is CloudFormation's to check.
var others = map[string]struct{ right, wrong string }{
	"mode":                {"stop", "Stop"},
	"rulesKey":            {"network/rules.yaml", "a b"},
	"rulesBucket":         {"example-rules", "Example"},
	"rulesOwner":          {"444455556666", "4444"},
	"rulesWriter":         {"arn:aws:iam::111122223333:role/rules-*", "rules"},
	"securityHub":         {"disabled", "off"},
	"alertEmail":          {"ml@example.com", "example.com"},
	"operationsEmail":     {"ops@example.com", "ops@"},
	"routeTopics":         {"arn:aws:sns:eu-west-1:111122223333:team-a,arn:aws:sns:eu-west-1:111122223333:team-b", ""},
	"permissionsBoundary": {"arn:aws:iam::111122223333:policy/bound", "arn:aws:iam::111122223333:role/bound"},
	"subnetIds":           {"subnet-0a1b2c3d4e5f60718", ""},
	"securityGroupIds":    {"sg-0a1b2c3d4e5f60718", ""},
	"concurrency":         {"20", "many"},
	"reservedConcurrency": {"disabled", "0"},
	"logRetentionDays":    {"365", "366"},
	// Of the organization.
	"organizationId":        {"o-exampleorgid", "exampleorgid"},
	"organizationalUnitIds": {"ou-abcd-12345678", ""},
	"regions":               {"eu-west-1,us-east-1", ""},
	"templateUrl":           {"https://example-code-eu-west-1.s3.eu-west-1.amazonaws.com/sagemoat/1/sagemoat.template.json", "http://example.com/t.json"},
	"codeBucketPrefix":      {"example-code", "Example"},
	"centralView":           {"enabled", "yes"},
}

// TestNames: names have room in a stack of any name. That of a StackSet's is
// StackSet-sagemoat-UUID, of 54 characters.
func TestNames(t *testing.T) {
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range made {
		if strings.Contains(string(text), "AWS::StackName") {
			t.Errorf("something in %s is called after the stack", name)
		}
	}
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html and
	// the API references of Lambda, EventBridge Scheduler, CloudWatch and SNS.
	for kind, limit := range map[string]struct {
		property string
		most     int
	}{
		"AWS::Events::Rule": {"Name", 64}, "AWS::Lambda::Function": {"FunctionName", 64}, "AWS::Scheduler::ScheduleGroup": {"Name", 64},
		"AWS::Scheduler::Schedule": {"Name", 64}, "AWS::CloudWatch::Alarm": {"AlarmName", 255}, "AWS::SNS::Topic": {"TopicName", 256},
	} {
		found := properties(t, kind)
		if len(found) == 0 {
			t.Errorf("there is no %s", kind)
		}
		for id, p := range found {
			if name, ok := p[limit.property].(string); !ok || name == "" || len(name) > limit.most {
				t.Errorf("%s is called %v: want at most %d characters", id, p[limit.property], limit.most)
			}
		}
	}
}

// TestPassedOn: each setting of the stack is the organization's to choose, or there is
// a reason why not.
func TestPassedOn(t *testing.T) {
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	accounts := parsed(t, made[OrganizationName])["Resources"].(map[string]any)["Accounts"].(map[string]any)["Properties"].(map[string]any)
	for _, p := range accounts["Parameters"].([]any) {
		given[p.(map[string]any)["ParameterKey"].(string)] = true
	}
	own := map[string]string{
		"RulesWriter": "of a bucket that accounts do not have", "AlertEmail": "alerts go to the organization's topic",
		"SubnetIds": "each account's own", "SecurityGroupIds": "each account's own",
	}
	for name := range parsed(t, made[Name])["Parameters"].(map[string]any) {
		if given[name] == (own[name] != "") {
			t.Errorf("%s is passed on: %t, and there is a reason not to: %q", name, given[name], own[name])
		}
		delete(given, name)
	}
	if len(given) > 0 {
		t.Errorf("the stack has no parameters %v", given)
	}
}

// TestContext: a context key sets the default of its parameter; a value that is wrong
// is an error that names the key.
func TestContext(t *testing.T) {
	for name, settings := range map[string][]Setting{Name: Settings(), OrganizationName: OrganizationSettings()} {
		scope := func(context map[string]any) awscdk.Stack {
			return awscdk.NewStack(awscdk.NewApp(&awscdk.AppProps{Context: &context}), jsii.String(name), nil)
		}
		context := map[string]any{}
		for _, s := range settings {
			context[s.Key] = others[s.Key].right
		}
		all := scope(context)
		if _, err := parameters(all, settings); err != nil {
			t.Fatal(err)
		}
		template := assertions.Template_FromStack(all, nil)
		for _, s := range settings {
			holds(t, func() {
				template.HasParameter(jsii.String(s.Parameter()), map[string]any{"Default": others[s.Key].right})
			})
			if wrong := others[s.Key].wrong; wrong != "" {
				_, err := parameters(scope(map[string]any{s.Key: wrong}), settings)
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("context %s is %q", s.Key, wrong)) {
					t.Errorf("%s=%s: %v", s.Key, wrong, err)
				}
			}
		}
	}
}

// TestAssets: with zips as assets the stack is the same but for where its code is.
func TestAssets(t *testing.T) {
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(t.TempDir(), "1.2.3")
	if err := os.MkdirAll(dist, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit", "publish", "respond", "sweep", "setup"} {
		if err := os.WriteFile(filepath.Join(dist, name+".zip"), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	assets, err := synth(t.TempDir(), dist)
	if err != nil {
		t.Fatal(err)
	}
	if assets[OrganizationName] != nil || assets[CodeBucketName] != nil {
		t.Error("the organization's stacks, which have no functions, are made of assets, too")
	}
	plain, other := parsed(t, made[Name]), parsed(t, assets[Name])
	for template, version := range map[*map[string]any]string{&plain: "unreleased", &other: "1.2.3"} {
		keys := map[string]bool{}
		for id, r := range (*template)["Resources"].(map[string]any) {
			if r := r.(map[string]any); r["Type"] == "AWS::Lambda::Function" {
				code := r["Properties"].(map[string]any)["Code"].(map[string]any)
				if code["S3Bucket"] == nil || code["S3Key"] == nil || len(code) != 2 {
					t.Errorf("the code of %s is %v", id, code)
				}
				keys[fmt.Sprint(resolved(code["S3Key"]))] = true
				delete(r["Properties"].(map[string]any), "Code")
			}
			if p, _ := r.(map[string]any)["Properties"].(map[string]any); id == "CustomAction" {
				if p["Version"] != version {
					t.Errorf("the custom action is of version %v, want %s", p["Version"], version)
				}
				delete(p, "Version")
			}
		}
		if len(keys) != 5 {
			t.Errorf("five functions have the code %v", keys)
		}
		of := (*template)["Parameters"].(map[string]any)
		delete(of, "CodeBucketPrefix")
		is := (*template)["Outputs"].(map[string]any)["Version"].(map[string]any)
		if is["Value"] != version {
			t.Errorf("the version is %v, want %s", is["Value"], version)
		}
		delete(is, "Value")
	}
	// The CDK checks that it was set up in the account.
	of := other["Parameters"].(map[string]any)
	if other["Rules"].(map[string]any)["CheckBootstrapVersion"] == nil || of["BootstrapVersion"] == nil {
		t.Error("nothing asks for the CDK's bootstrap, where assets are")
	}
	delete(other, "Rules")
	delete(of, "BootstrapVersion")
	if !reflect.DeepEqual(plain, other) {
		a, _ := json.MarshalIndent(plain, "", " ")
		b, _ := json.MarshalIndent(other, "", " ")
		t.Errorf("more than the code differs:\n%s", difference(string(a), string(b)))
	}
}
