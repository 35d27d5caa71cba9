package permissions

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/template"
)

// of resolves a template of these resources.
func of(t *testing.T, resources map[string]string) *template.Resolved {
	t.Helper()
	all := map[string]json.RawMessage{}
	for id, text := range resources {
		all[id] = json.RawMessage(text)
	}
	text, err := json.Marshal(map[string]any{"Resources": all})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parsed.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func role(policies string) string {
	return `{"Type":"AWS::IAM::Role","Properties":{"Policies":[` + policies + `]}}`
}

func policy(statements string) string {
	return `{"PolicyName":"calls","PolicyDocument":{"Version":"2012-10-17","Statement":[` + statements + `]}}`
}

const look = `{"Sid":"Look","Effect":"Allow","Action":["a:B","a:A"],"Resource":"*","Condition":{"Null":{"a:Key":"false"}}}`

func TestRoles(t *testing.T) {
	r := of(t, map[string]string{
		"AuditRole": role(policy(look)),
		"SweepRole": role(""),
		"More":      `{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"more","Roles":[{"Ref":"AuditRole"},{"Ref":"SweepRole"}],"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":"a:C","Resource":["x","y"]},{"Sid":"More","Effect":"Allow","Action":"a:A","Resource":"z"}]}}}`,
	})
	got, err := Roles(r)
	if err != nil {
		t.Fatal(err)
	}
	more := []Statement{{Sid: "No", Deny: true, Actions: []string{"a:C"}, Resources: []string{"x", "y"}}, {Sid: "More", Actions: []string{"a:A"}, Resources: []string{"z"}}}
	own := []Statement{{Sid: "Look", Actions: []string{"a:B", "a:A"}, Resources: []string{"*"}, Condition: map[string]map[string][]string{"Null": {"a:Key": {"false"}}}}}
	if len(got) != 2 || got[0].ID != "AuditRole" || got[1].ID != "SweepRole" || !strings.HasSuffix(got[0].ARN, ":role/"+got[0].Name) {
		t.Fatalf("the roles are %+v", got)
	}
	for i, want := range [][][]Statement{{own, more}, {more}} {
		var statements [][]Statement
		for _, p := range got[i].Policies {
			statements = append(statements, p.Statements)
		}
		if diff := cmp.Diff(want, statements); diff != "" {
			t.Errorf("%s (-want +got):\n%s", got[i].ID, diff)
		}
		if len(got[i].Documents()) != len(want) {
			t.Errorf("%s has %d documents", got[i].ID, len(got[i].Documents()))
		}
	}
	if got, want := got[0].Grants(), []string{"a:A", "a:B"}; !slices.Equal(got, want) {
		t.Errorf("it grants %v, want %v: what is denied is not granted", got, want)
	}
	if got, want := got[0].Granted("a:A"), "calls, Look; More, More"; got != want {
		t.Errorf("a:A is granted by %q, want %q", got, want)
	}
}

// TestNotUnderstood: a policy of which not all is understood is an error.
func TestNotUnderstood(t *testing.T) {
	beside := func(typ, properties string) map[string]string {
		return map[string]string{"AuditRole": role(""), "More": `{"Type":"AWS::IAM::` + typ + `","Properties":{` + properties + `}}`}
	}
	for want, resources := range map[string]map[string]string{
		"NotAction is not known here":                    {"R": role(policy(`{"Effect":"Allow","NotAction":"a:B","Resource":"*"}`))},
		"NotResource is not known here":                  {"R": role(policy(`{"Effect":"Allow","Action":"a:B","NotResource":"*"}`))},
		"its effect is allow":                            {"R": role(policy(`{"Effect":"allow","Action":"a:B","Resource":"*"}`))},
		"S: Action: 1 is no text":                        {"R": role(policy(`{"Sid":"S","Effect":"Allow","Action":1,"Resource":"*"}`))},
		"Resource: nothing is named":                     {"R": role(policy(`{"Effect":"Allow","Action":"a:B","Resource":[]}`))},
		"Condition: Null has no keys":                    {"R": role(policy(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Null":"x"}}`))},
		"Condition: Null: k: true is no text":            {"R": role(policy(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Null":{"k":true}}}`))},
		"statement 0: no statement":                      {"R": role(policy(`1`))},
		"with a list of statements":                      {"R": role(`{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":{}}}`)},
		"no policy of version 2012-10-17":                {"R": role(`{"PolicyName":"p","PolicyDocument":{"Version":"2008-10-17","Statement":[]}}`)},
		"R: ManagedPolicyArns is not known here":         {"R": `{"Type":"AWS::IAM::Role","Properties":{"ManagedPolicyArns":["x"]}}`},
		"AWS::IAM::ManagedPolicy allows is not known":    beside("ManagedPolicy", `"PolicyDocument":{}`),
		"AWS::IAM::User allows is not known":             beside("User", ``),
		"More: Users is not known here":                  beside("Policy", `"Users":["u"]`),
		"More: there is no role someone":                 beside("Policy", `"PolicyDocument":{"Version":"2012-10-17","Statement":[]},"Roles":["someone"]`),
		"More: Roles: map[] is no text":                  beside("Policy", `"PolicyDocument":{"Version":"2012-10-17","Statement":[]},"Roles":[{}]`),
		"More: statement 0: Principal is not known here": beside("Policy", `"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*"}]}`),
	} {
		if got, err := Roles(of(t, resources)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want an error with %q", got, err, want)
		}
	}
}

// bed are a function, its role and its log group.
func bed(more map[string]string) map[string]string {
	out := map[string]string{
		"R": role(""),
		"L": `{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/aws/lambda/f"}}`,
		"F": `{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"f","Role":{"Fn::GetAtt":["R","Arn"]},"LoggingConfig":{"LogGroup":{"Ref":"L"}}}}`,
		"Q": `{"Type":"AWS::SQS::Queue"}`,
		"T": `{"Type":"AWS::DynamoDB::Table"}`,
	}
	maps.Copy(out, more)
	return out
}

func TestNeeds(t *testing.T) {
	letters := `"OnFailure":{"Destination":{"Fn::GetAtt":["Q","Arn"]}}`
	got, err := Needs(of(t, bed(map[string]string{
		"FromQueue":  `{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"FunctionName":"f","EventSourceArn":{"Fn::GetAtt":["Q","Arn"]}}}`,
		"FromStream": `{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"FunctionName":"f","EventSourceArn":{"Fn::GetAtt":["T","StreamArn"]},"DestinationConfig":{` + letters + `}}}`,
		"Async":      `{"Type":"AWS::Lambda::EventInvokeConfig","Properties":{"FunctionName":"f","DestinationConfig":{` + letters + `}}}`,
		"S":          role(""),
		"Each":       `{"Type":"AWS::Scheduler::Schedule","Properties":{"Target":{"Arn":{"Fn::GetAtt":["F","Arn"]},"RoleArn":{"Fn::GetAtt":["S","Arn"]},"DeadLetterConfig":{"Arn":{"Fn::GetAtt":["Q","Arn"]}}}}}`,
	})))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range got {
		if n.Why == "" || n.Service == "" || !strings.HasPrefix(n.Source, "https://docs.aws.amazon.com/") {
			t.Errorf("nobody says why: %+v", n)
		}
		lines = append(lines, n.Role+" "+n.Action+" "+n.Resource)
	}
	const queue, stream = "arn:aws:sqs:eu-west-1:111122223333:sagemoat-Q-0A1B2C3D4E5F", "arn:aws:dynamodb:eu-west-1:111122223333:table/sagemoat-T-0A1B2C3D4E5F/stream/2026-11-02T09:14:07.000"
	const log = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:log-stream:2026/11/02/[$LATEST]0123456789abcdef"
	if diff := cmp.Diff([]string{
		"R logs:CreateLogStream " + log, "R logs:PutLogEvents " + log,
		"R sqs:DeleteMessage " + queue, "R sqs:GetQueueAttributes " + queue, "R sqs:ReceiveMessage " + queue,
		"R dynamodb:DescribeStream " + stream, "R dynamodb:GetRecords " + stream, "R dynamodb:GetShardIterator " + stream, "R dynamodb:ListStreams *",
		"R sqs:SendMessage " + queue,
		"S lambda:InvokeFunction arn:aws:lambda:eu-west-1:111122223333:function:f", "S sqs:SendMessage " + queue,
	}, lines); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	got, err = Needs(of(t, bed(map[string]string{
		"F": `{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"f","Role":{"Fn::GetAtt":["R","Arn"]},"LoggingConfig":{"LogGroup":{"Ref":"L"}},"VpcConfig":{"SubnetIds":[]}}}`,
	})))
	if err != nil || len(got) != 8 || got[7].Action != "ec2:UnassignPrivateIpAddresses" {
		t.Errorf("in a VPC: %+v, %v", got, err)
	}
}

func TestNeedsNotUnderstood(t *testing.T) {
	for want, resources := range map[string]map[string]string{
		`F: there is no role "x"`:                             {"F": `{"Type":"AWS::Lambda::Function","Properties":{"Role":"x"}}`},
		`F: it logs to no log group of the template: "x"`:     {"F": `{"Type":"AWS::Lambda::Function","Properties":{"Role":{"Fn::GetAtt":["R","Arn"]},"LoggingConfig":{"LogGroup":"x"}}}`},
		`M: there is no function "x"`:                         {"M": `{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"FunctionName":"x"}}`},
		`A: there is no function "x"`:                         {"A": `{"Type":"AWS::Lambda::EventInvokeConfig","Properties":{"FunctionName":"x"}}`},
		`to read "arn:aws:kinesis:x" is not known`:            {"M": `{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"FunctionName":"f","EventSourceArn":"arn:aws:kinesis:x"}}`},
		`to tell "arn:aws:sns:x" is not known`:                {"A": `{"Type":"AWS::Lambda::EventInvokeConfig","Properties":{"FunctionName":"f","DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sns:x"}}}}`},
		`to call "arn:aws:states:x" with the role "y" is not`: {"S": `{"Type":"AWS::Scheduler::Schedule","Properties":{"Target":{"Arn":"arn:aws:states:x","RoleArn":"y"}}}`},
	} {
		if got, err := Needs(of(t, bed(resources))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want an error with %q", got, err, want)
		}
	}
}
