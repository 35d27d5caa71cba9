package template

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// head has one of each sort of parameter and condition.
const head = `{"Parameters": {
 "Mode": {"Type": "String", "Default": "notify", "AllowedValues": ["notify", "stop"]},
 "Bucket": {"Type": "String", "Default": "", "AllowedPattern": "([a-z]+)?"},
 "Most": {"Type": "Number", "Default": 5, "MinValue": 2},
 "Subnets": {"Type": "CommaDelimitedList", "Default": ""},
 "Needed": {"Type": "String"}
}, "Conditions": {
 "Stops": {"Fn::Equals": [{"Ref": "Mode"}, "stop"]},
 "Own": {"Fn::Equals": [{"Ref": "Bucket"}, ""]},
 "InVpc": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Subnets"}]}, ""]}]},
 "All": {"Fn::And": [{"Condition": "Stops"}, {"Condition": "Own"}]},
 "Any": {"Fn::Or": [{"Condition": "Stops"}, {"Condition": "Own"}]}
}, "Resources": {
 "Queue": {"Type": "AWS::SQS::Queue"},
 "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": {"Fn::Sub": "${AWS::StackName}-ledger"}}},
 "Mine": {"Type": "AWS::S3::Bucket", "Condition": "Own"},
 "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/f", "RetentionInDays": {"Ref": "Most"}}},
 "Insight": {"Type": "AWS::SecurityHub::Insight"},
 "X": {"Type": "AWS::Y", "Properties": {"V": `

const given = "Needed=n"

// resolved is what a value becomes with parameters NAME=VALUE.
func resolved(value string, parameters ...string) (any, error) {
	t, err := Parse([]byte(head + value + `}}}}`))
	if err != nil {
		return nil, err
	}
	r, err := t.Resolve(settings(parameters))
	if err != nil {
		return nil, err
	}
	return r.Resources["X"].Properties["V"], nil
}

func settings(parameters []string) map[string]string {
	out := map[string]string{}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		out[name] = value
	}
	return out
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		value, want string
		parameters  []string
	}{
		{value: `"text"`, want: `"text"`},
		{value: `[1, 2.5, true, null]`, want: `[1, 2.5, true, null]`},
		{value: `{"Ref": "Needed"}`, want: `"n"`},
		{value: `{"Ref": "Mode"}`, want: `"notify"`},
		{value: `{"Ref": "Most"}`, want: `"5"`},
		{value: `{"Ref": "Subnets"}`, want: `["a", "b"]`, parameters: []string{"Subnets=a, b"}},
		{value: `[{"Ref": "AWS::AccountId"}, {"Ref": "AWS::Region"}, {"Ref": "AWS::Partition"}, {"Ref": "AWS::StackName"}]`, want: `["111122223333", "eu-west-1", "aws", "sagemoat"]`},
		{value: `{"Ref": "AWS::Region"}`, want: `"cn-north-1"`, parameters: []string{"AWS::Region=cn-north-1"}},
		{value: `{"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}`, want: `{"b": [1]}`},
		{value: `{"Ref": "Queue"}`, want: `"https://sqs.eu-west-1.amazonaws.com/111122223333/sagemoat-Queue-0A1B2C3D4E5F"`},
		{value: `{"Fn::GetAtt": ["Queue", "Arn"]}`, want: `"arn:aws:sqs:eu-west-1:111122223333:sagemoat-Queue-0A1B2C3D4E5F"`},
		{value: `{"Ref": "Table"}`, want: `"sagemoat-ledger"`},
		{value: `{"Fn::Select": [1, {"Fn::Split": [":", "a:b:c"]}]}`, want: `"b"`},
		{value: `{"Fn::Split": [":", ""]}`, want: `[""]`},
		{value: `{"Fn::Join": ["", [{"Fn::GetAtt": ["Table", "Arn"]}, "/index/x"]]}`, want: `"arn:aws:dynamodb:eu-west-1:111122223333:table/sagemoat-ledger/index/x"`},
		{value: `{"Fn::GetAtt": ["Group", "Arn"]}`, want: `"arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:*"`},
		{value: `{"Ref": "Mine"}`, want: `"sagemoat-mine-0a1b2c3d4e5f"`},
		{value: `{"Fn::If": ["Own", {"Ref": "Mine"}, {"Ref": "Bucket"}]}`, want: `"theirs"`, parameters: []string{"Bucket=theirs"}},
		{value: `{"Fn::If": ["InVpc", "vpc", "none"]}`, want: `"none"`},
		{value: `{"Fn::If": ["InVpc", "vpc", "none"]}`, want: `"vpc"`, parameters: []string{"Subnets=a"}},
		{value: `[{"Fn::If": ["All", 1, 0]}, {"Fn::If": ["Any", 1, 0]}]`, want: `[0, 1]`},
		{value: `[{"Fn::If": ["All", 1, 0]}, {"Fn::If": ["Any", 1, 0]}]`, want: `[1, 1]`, parameters: []string{"Mode=stop"}},
		{value: `[{"Fn::If": ["All", 1, 0]}, {"Fn::If": ["Any", 1, 0]}]`, want: `[0, 0]`, parameters: []string{"Bucket=theirs"}},
		{value: `{"Fn::Sub": "arn:${AWS::Partition}:x:${Table.Arn}/${Mode}/${!Aws}"}`, want: `"arn:aws:x:arn:aws:dynamodb:eu-west-1:111122223333:table/sagemoat-ledger/notify/${Aws}"`},
		{value: `{"Fn::Sub": ["${A}-${Mode}", {"A": {"Ref": "Needed"}}]}`, want: `"n-notify"`},
		// An element of a policy, though it looks like a function.
		{value: `{"Condition": {"Null": {"k": "false"}}}`, want: `{"Condition": {"Null": {"k": "false"}}}`},
	} {
		got, err := resolved(c.value, append(c.parameters, given)...)
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		var want any
		d := json.NewDecoder(strings.NewReader(c.want))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s with %v (-want +got):\n%s", c.value, c.parameters, diff)
		}
	}
}

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		value, want string
		parameters  []string
	}{
		{value: `1`, want: "parameter Needed: it has no default", parameters: []string{"Mode=stop"}},
		{value: `1`, want: "there is no parameter Moat", parameters: []string{given, "Moat=1"}},
		{value: `1`, want: `parameter Mode: "observe" is none of [notify stop]`, parameters: []string{given, "Mode=observe"}},
		{value: `1`, want: `parameter Bucket: "A1" does not look like`, parameters: []string{given, "Bucket=A1"}},
		{value: `1`, want: "parameter Most: 1 is less than 2", parameters: []string{given, "Most=1"}},
		{value: `1`, want: `parameter Most: "x" is no number`, parameters: []string{given, "Most=x"}},
		{value: `{"Fn::Select": ["x", ["a"]]}`, want: "Fn::Select: with [x [a]] it is not known"},
		{value: `{"Fn::Select": [1, ["a"]]}`, want: "Fn::Select: [a] has no element 1"},
		{value: `{"Fn::Select": [0, "a"]}`, want: "Fn::Select: a has no element 0"},
		{value: `{"Fn::Split": [":", ["a"]]}`, want: "Fn::Split: [a] is no text"},
		{value: `{"Fn::Cidr": ["10.0.0.0/16", 1]}`, want: "Fn::Cidr: with [10.0.0.0/16 1] it is not known"},
		{value: `{"Fn::Transform": {}}`, want: "it is not known"},
		{value: `{"a": 1, "Fn::Sub": "x"}`, want: "Fn::Sub stands beside something else"},
		{value: `{"Ref": "Nobody"}`, want: "resource X: V: Ref: there is no parameter and no resource Nobody"},
		{value: `{"Ref": ["Mode"]}`, want: "Ref: with [Mode] it is not known"},
		{value: `{"Ref": "Insight"}`, want: "what Insight is called, a AWS::SecurityHub::Insight, is not known"},
		{value: `{"Fn::GetAtt": ["Queue", "Colour"]}`, want: "the attribute Colour of Queue, a AWS::SQS::Queue, is not known"},
		{value: `{"Fn::GetAtt": "Queue.Arn"}`, want: "Fn::GetAtt: with Queue.Arn it is not known"},
		{value: `{"Fn::Sub": "${Queue.Colour}"}`, want: "the attribute Colour"},
		{value: `{"Fn::Sub": "${Subnets}"}`, want: "${Subnets} is no text"},
		{value: `{"Fn::Join": ["", "x"]}`, want: "Fn::Join: x is no list"},
		{value: `{"Fn::Join": ["", [["x"]]]}`, want: "Fn::Join: [x] is no text"},
		{value: `{"Fn::If": ["Nothing", 1, 2]}`, want: "there is no condition Nothing"},
		{value: `{"Fn::If": ["Own", 1]}`, want: "Fn::If: with [Own 1] it is not known"},
		{value: `{"Ref": "Mine"}`, want: "Mine is not deployed: Own does not hold", parameters: []string{"Bucket=theirs"}},
	} {
		if c.parameters == nil || !strings.HasPrefix(c.want, "parameter") && !strings.HasPrefix(c.want, "there is no parameter Moat") {
			c.parameters = append(c.parameters, given)
		}
		if got, err := resolved(c.value, c.parameters...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: %v, %v; want an error with %q", c.value, c.parameters, got, err, c.want)
		}
	}
	for text, want := range map[string]string{
		`{`: "no template", `[]`: "no template", `{"Resources":{"X":{"Type":"T"}}} 1`: "something after it", `{}`: "without resources",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
	for conditions, want := range map[string]string{
		`{"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}`: "needs itself",
		`{"A": "yes"}`:                             "yes is no condition",
		`{"A": {"Condition": 1}}`:                  "1 names no condition",
		`{"A": {"Fn::Contains": [1, 2]}}`:          "Fn::Contains with 2 arguments is not known",
		`{"A": {"Fn::And": [1, 2]}}`:               "1 is no condition",
		`{"A": {"Fn::Equals": [[], ""]}}`:          "which are no texts",
		`{"A": {"Fn::Equals": [1, {"Ref": "B"}]}}`: "no resource B",
	} {
		parsed, err := Parse([]byte(`{"Conditions": ` + conditions + `, "Resources": {"X": {"Type": "T"}}}`))
		if err == nil {
			_, err = parsed.Resolve(nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", conditions, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.json")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestOurs: our own templates resolve, whatever is chosen; what is deployed only
// under a condition comes and goes with it.
func TestOurs(t *testing.T) {
	files, err := filepath.Glob("../../infra/templates/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, file := range files {
		parsed, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		needed := map[string]string{}
		for name, p := range parsed.Parameters {
			if p.Default == nil {
				needed[name] = "example"
			}
		}
		for name, value := range map[string]string{"OrganizationId": "o-exampleorgid", "TemplateUrl": "https://b.s3.eu-west-1.amazonaws.com/t.json"} {
			if needed[name] != "" {
				needed[name] = value
			}
		}
		if _, err := parsed.Resolve(needed); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	stack, err := Load("../../infra/templates/sagemoat.template.json")
	if err != nil {
		t.Fatal(err)
	}
	for parameters, want := range map[string]bool{"Mode=observe": false, "Mode=notify": true, "Mode=stop": true} {
		r, err := stack.Resolve(settings([]string{"CodeBucketPrefix=code", parameters}))
		if err != nil {
			t.Fatal(err)
		}
		if _, got := r.Resources["RespondStopPolicy"]; got != want {
			t.Errorf("%s: RespondStopPolicy is there: %v, want %v", parameters, got, want)
		}
		if got := r.OfType("AWS::DynamoDB::Table"); !cmp.Equal(got, []string{"Ledger"}) {
			t.Errorf("the tables are %v", got)
		}
		name, err1 := r.Name("Ledger")
		arn, err2 := r.ARN("Ledger")
		ref, err3 := r.Ref("Ledger")
		if err1 != nil || err2 != nil || err3 != nil || ref != name || !strings.HasSuffix(arn, ":table/"+name) {
			t.Errorf("the ledger is %s, %s, %s, %v, %v, %v", name, ref, arn, err1, err2, err3)
		}
		if _, ok := r.Outputs["EventQueueUrl"]; !ok {
			t.Errorf("no output EventQueueUrl: %v", r.Outputs)
		}
	}
}
