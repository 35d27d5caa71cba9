package events

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// told is what an observation says, without the documents.
type told struct {
	Kind                       kind.Kind
	Key, Name, ARN             string
	Partition, Account, Region string
	Time                       string
	Source                     kind.Source
	Base, Principal, Refused   string
	Call                       string
	Deletes, Native            bool
}

func tell(o *kind.Observation) told {
	out := told{
		Kind: o.Row.Kind, Key: o.Key, Name: o.Name, ARN: o.ARN,
		Partition: o.Partition, Account: o.Account, Region: o.Region,
		Source: o.Source, Base: o.Base, Principal: o.Principal, Refused: o.Refused, Deletes: o.Deletes, Native: o.Native != nil,
	}
	if !o.Time.IsZero() {
		out.Time = o.Time.Format(time.RFC3339Nano)
	}
	if o.Call != nil {
		out.Call = o.Call.Name
	}
	return out
}

const record = `"eventSource":"sagemaker.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventTime":"2026-11-02T09:14:07Z","eventID":"e-1"`

// usual is what a record with the members above tells of a model named m.
func usual(change func(*told)) []told {
	out := told{
		Kind: kind.Model, Key: "m", Name: "m", ARN: "arn:aws:sagemaker:eu-west-1:111122223333:model/m",
		Partition: "aws", Account: "111122223333", Region: "eu-west-1", Time: "2026-11-02T09:14:07Z",
		Source: kind.Source{Type: kind.ShapeCloudTrail, Event: "CreateModel", ID: "e-1"},
		Base:   "requestParameters", Call: "CreateModel",
	}
	if change != nil {
		change(&out)
	}
	return []told{out}
}

func TestDecode(t *testing.T) {
	const create = `"eventName":"CreateModel","requestParameters":{"modelName":"m"}`
	for name, c := range map[string]struct {
		doc  string
		want []told
	}{
		"a record":       {`{` + record + `,` + create + `}`, usual(nil)},
		"a refused call": {`{` + record + `,"errorCode":"AccessDenied",` + create + `}`, usual(func(o *told) { o.Refused = "AccessDenied" })},
		"a refused call, by a code that is no text": {`{` + record + `,"errorCode":7,` + create + `}`, usual(func(o *told) { o.Refused = "unknown" })},
		"an empty error code":                       {`{` + record + `,"errorCode":"",` + create + `}`, usual(nil)},
		"a deletion": {`{` + record + `,"eventName":"DeleteModel","requestParameters":{"modelName":"m"}}`, usual(func(o *told) {
			o.Deletes, o.Source.Event, o.Call = true, "DeleteModel", "DeleteModel"
		})},
		"the ARN of the response decides": {`{` + record + `,"eventName":"CreateModel","requestParameters":{"modelName":"M"},"responseElements":{"modelArn":"arn:aws-cn:sagemaker:cn-north-1:444455556666:model/m"}}`, usual(func(o *told) {
			o.Key, o.Name, o.ARN, o.Partition, o.Account, o.Region = "M", "M", "arn:aws-cn:sagemaker:cn-north-1:444455556666:model/m", "aws-cn", "444455556666", "cn-north-1"
		})},
		"the name of the ARN where there is no request": {`{` + record + `,"eventName":"CreateModel","requestParameters":null,"responseElements":{"modelArn":"arn:aws:sagemaker:eu-west-1:111122223333:model/m"}}`, usual(nil)},
		"the ARN of the resources":                      {`{` + record + `,"eventName":"CreateModel","requestParameters":null,"resources":[{"ARN":"arn:aws:iam::111122223333:role/r"},{"ARN":"arn:aws:sagemaker:eu-west-1:111122223333:model/m"}]}`, usual(nil)},
		"no name at all":                                {`{` + record + `,"eventName":"CreateModel","requestParameters":null}`, usual(func(o *told) { o.Key, o.Name, o.ARN = "", "", "" })},
		"a service event": {`{` + record + `,"eventName":"CreateModel","requestParameters":null,"userIdentity":{"accountId":"111122223333","invokedBy":"sagemaker.amazonaws.com"},"serviceEventDetails":{"modelName":"m"}}`, usual(func(o *told) {
			o.Source.Actor = "sagemaker.amazonaws.com"
		})},
		"a role with its session's issuer": {`{` + record + `,` + create + `,"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/r/ana","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/path/r"}}}}`, usual(func(o *told) {
			o.Source.Actor, o.Principal = "arn:aws:sts::111122223333:assumed-role/r/ana", "arn:aws:iam::111122223333:role/path/r"
		})},
		"a role by its session alone": {`{` + record + `,` + create + `,"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/r/ana"}}`, usual(func(o *told) {
			o.Source.Actor, o.Principal = "arn:aws:sts::111122223333:assumed-role/r/ana", "arn:aws:iam::111122223333:role/r"
		})},
		"a user": {`{` + record + `,` + create + `,"userIdentity":{"arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333"}}`, usual(func(o *told) {
			o.Source.Actor, o.Principal = "arn:aws:iam::111122223333:user/ana", "arn:aws:iam::111122223333:user/ana"
		})},
		"the root user": {`{` + record + `,` + create + `,"userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}}`, usual(func(o *told) {
			o.Source.Actor, o.Principal = "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"
		})},
		"an identity that IAM does not know": {`{` + record + `,` + create + `,"userIdentity":{"arn":"arn:aws:identitystore::111122223333:user/x"}}`, usual(func(o *told) { o.Source.Actor = "arn:aws:identitystore::111122223333:user/x" })},
		"the caller's account where no other is told": {`{"eventSource":"sagemaker.amazonaws.com","userIdentity":{"accountId":"444455556666"},` + create + `}`, usual(func(o *told) {
			o.Account, o.Region, o.Partition, o.ARN, o.Time, o.Source.ID = "444455556666", "", "", "", "", ""
		})},
		"an event of EventBridge": {`{"detail-type":"AWS API Call via CloudTrail","source":"aws.sagemaker","account":"111122223333","region":"eu-west-1","time":"2026-11-02T09:14:07Z","id":"other","detail":{"eventSource":"sagemaker.amazonaws.com","eventID":"e-1",` + create + `}}`, usual(nil)},
		"a native event": {`{"detail-type":"SageMaker Model State Change","source":"aws.sagemaker","account":"111122223333","region":"eu-west-1","time":"2026-11-02T09:14:07Z","id":"n-1","detail":{"ModelName":"m","ModelArn":"arn:aws:sagemaker:eu-west-1:111122223333:model/m"}}`, usual(func(o *told) {
			o.Source, o.Base, o.Call, o.Native = kind.Source{Type: kind.ShapeNative, Event: "SageMaker Model State Change", ID: "n-1"}, "detail", "", true
		})},
		"a native event that is named by its resources": {`{"detail-type":"SageMaker Model State Change","source":"aws.sagemaker","account":"111122223333","region":"eu-west-1","time":"1793610847000","id":"n-1","resources":["arn:aws:sagemaker:eu-west-1:111122223333:model/m"],"detail":{}}`, usual(func(o *told) {
			o.Source, o.Base, o.Call, o.Native = kind.Source{Type: kind.ShapeNative, Event: "SageMaker Model State Change", ID: "n-1"}, "detail", "", true
		})},
		"a Describe response": {`{"ModelName":"m","ModelArn":"arn:aws:sagemaker:eu-west-1:111122223333:model/m","CreationTime":1793610847.0}`, usual(func(o *told) {
			o.Source, o.Base, o.Call = kind.Source{Type: kind.ShapeDescribe, Event: "DescribeModel"}, "", ""
		})},
		"a recorded Describe response": {`{"status_code":200,"data":{"ModelName":"m","ModelArn":"arn:aws:sagemaker:eu-west-1:111122223333:model/m","CreationTime":{"__class__":"datetime"}}}`, usual(func(o *told) {
			o.Source, o.Base, o.Call, o.Time = kind.Source{Type: kind.ShapeDescribe, Event: "DescribeModel"}, "", "", ""
		})},
		"a nested Describe response": {`{"Workforce":{"WorkforceName":"m","WorkforceArn":"arn:aws:sagemaker:eu-west-1:111122223333:workforce/m","LastUpdatedDate":"2026-11-02 09:14:07.000001+00:00"}}`, usual(func(o *told) {
			o.Kind, o.ARN, o.Time = kind.Workforce, "arn:aws:sagemaker:eu-west-1:111122223333:workforce/m", "2026-11-02T09:14:07.000001Z"
			o.Source, o.Base, o.Call = kind.Source{Type: kind.ShapeDescribe, Event: "DescribeWorkforce"}, "Workforce", ""
		})},
		"a request": {`{"ModelName":"m","ExecutionRoleArn":"r"}`, usual(func(o *told) {
			*o = told{Kind: kind.Model, Key: "m", Name: "m", Source: kind.Source{Type: kind.ShapeRequest, Event: "CreateModel"}, Call: "CreateModel"}
		})},
		"LookupEvents":                  {`{"Events":[{"EventName":"CreateModel","EventSource":"sagemaker.amazonaws.com","CloudTrailEvent":"{\"eventSource\":\"sagemaker.amazonaws.com\",\"eventID\":\"e-1\",\"eventName\":\"CreateModel\",\"eventTime\":\"2026-11-02T09:14:07Z\",\"awsRegion\":\"eu-west-1\",\"recipientAccountId\":\"111122223333\",\"requestParameters\":{\"modelName\":\"m\"}}"}]}`, usual(nil)},
		"a list and a log":              {`[{"Records":[{` + record + `,` + create + `}]}]`, usual(nil)},
		"another service's record":      {`{"eventSource":"ec2.amazonaws.com","eventName":"CreateModel"}`, nil},
		"another service's event":       {`{"detail-type":"x","source":"aws.ec2","account":"111122223333","detail":{}}`, nil},
		"a detail-type without network": {`{"detail-type":"SageMaker Image State Change","source":"aws.sagemaker","account":"111122223333","detail":{}}`, nil},
		"a call that is not claimed":    {`{` + record + `,"eventName":"AddTags","requestParameters":{}}`, nil},
		"an empty list":                 {`[]`, nil},
		"an empty log":                  {`{"Records":[]}`, nil},
		"an event in a log":             {`{"Records":[{"detail-type":"AWS API Call via CloudTrail","source":"aws.sagemaker","account":"111122223333","detail":{` + record + `,` + create + `}}]}`, usual(nil)},
		"no more events":                {`{"Events":[],"NextToken":"x","ResponseMetadata":{}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			observations, err := Decode([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			var got []told
			for _, o := range observations {
				got = append(got, tell(o))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	for name, c := range map[string]struct{ doc, message string }{
		"nothing":                     {``, "ends in the middle"},
		"no JSON":                     {`x`, "invalid character"},
		"two documents":               {`{} {}`, "something follows"},
		"text":                        {`"x"`, "found a string"},
		"null":                        {`null`, "found null"},
		"an object":                   {`{"a":1}`, "an object with the members a"},
		"members with long names":     {`{"` + strings.Repeat("é", 100) + `":1}`, "é…"},
		"a template":                  {`{"AWSTemplateFormatVersion":"2010-09-09"}`, "CloudFormation"},
		"a template by its resources": {`{"Resources":{"M":{"Type":"AWS::SageMaker::Model"}}}`, "CloudFormation"},
		"a plan":                      {`{"format_version":"1.2","terraform_version":"1.11.4"}`, "Terraform"},
		"a pattern":                   {`{"source":["aws.sagemaker"],"detail-type":["x"],"detail":{"eventName":["CreateModel"]}}`, "pattern or schema"},
		"an answer that is an error":  {`{"Error":{"Code":"ValidationException","Message":"x"}}`, "an AWS error response (ValidationException)"},
		"a name that is no text":      {`{"eventSource":"sagemaker.amazonaws.com","eventName":{}}`, "eventName: found an object"},
		"a source that is no text":    {`{"eventSource":7,"eventName":"CreateModel"}`, "eventSource: found a number"},
		"an event's source":           {`{"detail-type":"x","source":{},"account":"1","detail":{}}`, "source: found an object"},
		"an event's type":             {`{"detail-type":7,"source":"aws.sagemaker","account":"1","detail":{}}`, "detail-type: found a number"},
		"case variants":               {`{"eventSource":"sagemaker.amazonaws.com","EventSource":"x","eventName":"CreateModel"}`, "differ only by case"},
		"duplicates":                  {`{"eventName":"CreateModel","eventName":"x"}`, "duplicate"},
		"an element":                  {`[{"eventSource":"ec2.amazonaws.com","eventName":"x"},7]`, "[1]: found a number"},
		"a record that is no text":    {`{"CloudTrailEvent":{}}`, "CloudTrailEvent is an object"},
		"a record that is broken":     {`{"CloudTrailEvent":"{"}`, "CloudTrailEvent: "},
		"records that are no list":    {`{"Records":{"a":1}}`, "Records: found an object, not a list"},
		"events that are no list":     {`{"Events":null}`, "Events: found null, not a list"},
		"a member beside Events":      {`{"Events":[],"NextToken":"x","TrainingJobName":"t"}`, "a member TrainingJobName stands beside Events"},
		"a member beside Records":     {`{"records":[],"NextToken":"x"}`, "a member NextToken stands beside records"},
		"an element that is a number": {`{"Records":[7]}`, "[0]: found a number"},
		"a message in Records":        {`{"Records":[{"messageId":"1","body":"{}"}]}`, "[0]: an object with the members messageId, body"},
		"a definition by Decode":      {`{"Version":"2020-12-01","Steps":[]}`, "a pipeline definition"},
	} {
		t.Run(name, func(t *testing.T) {
			observations, err := Decode([]byte(c.doc))
			if err == nil || len(observations) != 0 {
				t.Fatalf("%d observations, %v", len(observations), err)
			}
			if !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %q, want an error with %q", err, c.message)
			}
			var syntax *jsondoc.Error
			if !errors.Is(err, ErrShape) && !errors.As(err, &syntax) && !errors.Is(err, errDefinition) {
				t.Errorf("%v is neither of the shape nor of the JSON", err)
			}
		})
	}
}

// One member more must not make a document something else, of which nothing is
// told.
func TestDecodeAmbiguous(t *testing.T) {
	for what, doc := range map[string]string{
		"a pipeline definition":       `"Version":"2020-12-01","Steps":[]`,
		"a request of CreateModel":    `"ModelName":"m","ExecutionRoleArn":"r"`,
		"a response of DescribeModel": `"ModelName":"m","ModelArn":"arn:aws:sagemaker:eu-west-1:111122223333:model/m"`,
		"a CloudTrail record":         record + `,"eventName":"CreateModel","requestParameters":{"modelName":"m"}`,
		"an EventBridge event":        `"detail-type":"d","source":"aws.sagemaker","account":"1","detail":{}`,
		"a digest of CloudTrail logs": `"digestStartTime":1,"logFiles":[]`,
		"a recorded response":         `"status_code":200,"data":[]`,
		"output of LookupEvents":      `"Events":[]`,
		"an event of LookupEvents":    `"CloudTrailEvent":"{\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"x\"}"`,
		"a CloudTrail log":            `"Records":[]`,
	} {
		for _, more := range []string{
			`"Records":[]`, `"Records":{}`, `"Records":"x"`, `"Events":[]`, `"digestStartTime":1,"logFiles":[]`, `"eventName":"x","eventSource":"y"`,
			`"detail-type":"d","source":"s","account":"a","detail":{}`, `"status_code":200,"data":[]`,
			`"CloudTrailEvent":"{\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"x\"}"`,
		} {
			name, _, _ := strings.Cut(more, ":")
			if strings.Contains(doc, name) || strings.Contains(doc, "CloudTrailEvent") && strings.Contains(more, "eventName") {
				continue
			}
			for _, text := range []string{`{` + doc + `,` + more + `}`, `{` + more + `,` + doc + `}`} {
				observations, err := DecodeFile([]byte(text), "file")
				if len(observations) != 0 || !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "neither") {
					t.Errorf("%s: %d observations, %v", text, len(observations), err)
				}
			}
		}
	}
}

// One element of a list that cannot be read does not take the others with it.
func TestDecodeList(t *testing.T) {
	observations, err := Decode([]byte(`[7,{"eventSource":"sagemaker.amazonaws.com","eventName":"CreateModel","requestParameters":{"modelName":"m"}},{}]`))
	if len(observations) != 1 || observations[0].Name != "m" {
		t.Errorf("%d observations", len(observations))
	}
	if err == nil || !strings.Contains(err.Error(), "[0]: ") || !strings.Contains(err.Error(), "[2]: ") {
		t.Errorf("%v", err)
	}
}

func TestDecodeFile(t *testing.T) {
	observations, err := DecodeFile([]byte(`{"Version":"2020-12-01","Steps":[]}`), "train")
	if err != nil || len(observations) != 1 {
		t.Fatalf("%d observations, %v", len(observations), err)
	}
	if o := observations[0]; o.Row.Kind != kind.Pipeline || o.Name != "train" || o.Definition == nil || o.Source.Type != kind.ShapePipeline {
		t.Errorf("%+v", tell(o))
	}
	if _, err := DecodeFile([]byte(`{"Version":"2020-12-01","Steps":[],"steps":[]}`), "train"); err == nil {
		t.Error("case variants in a definition are read")
	}
	if observations, err := DecodeFile([]byte(`{"ModelName":"m","ExecutionRoleArn":"r"}`), "train"); err != nil || len(observations) != 1 || observations[0].Name != "m" {
		t.Errorf("%d observations, %v", len(observations), err)
	}
}

func TestWhen(t *testing.T) {
	const want = "2026-11-02T09:14:07Z"
	for _, s := range []string{
		`"2026-11-02T09:14:07Z"`, `"2026-11-02T10:14:07+01:00"`, `"2026-11-02 10:14:07+01:00"`, `"2026-11-02T10:14:07+0100"`, `"2026-11-02T09:14:07.000Z"`,
		`1793610847`, `1793610847.0`, `1793610847000`, `1.793610847E9`, `"1793610847"`, `"1793610847000"`, `1793610847000.0`,
	} {
		v, err := jsondoc.Parse([]byte(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := when(v); !ok || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{`""`, `"yesterday"`, `0`, `-1`, `1e300`, `1e99999`, `true`, `null`, `{}`, `"NaN"`, `"Inf"`, `"-1793610847"`, `99999999`} {
		v, err := jsondoc.Parse([]byte(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := when(v); ok {
			t.Errorf("%s is %v", s, got)
		}
	}
}

// FuzzDecode: whatever is decoded, there is no panic, and every observation
// says what it is of and from.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "*", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if !strings.HasSuffix(file, ".want.json") {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		observations, err := DecodeFile(data, "file")
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		for _, o := range observations {
			if o.Row == nil || o.Source.Type == "" {
				t.Fatalf("%+v", o)
			}
			switch o.Source.Type {
			case kind.ShapeCloudTrail, kind.ShapeRequest:
				if o.Call == nil {
					t.Errorf("a %s without a call", o.Source.Type)
				}
			case kind.ShapeNative:
				if o.Native == nil {
					t.Error("an event that is not of the table")
				}
			case kind.ShapePipeline:
				if o.Definition == nil {
					t.Error("a pipeline without a definition")
				}
			case kind.ShapeDescribe:
			}
			if o.ARN != "" {
				if _, ok := kind.ParseARN(o.ARN); !ok {
					t.Errorf("%q is no ARN", o.ARN)
				}
			}
			o.Record()
			o.Whole()
		}
	})
}

// TestStops: a call that stops something tells nothing of a network, and how long
// it ran to whoever asks for that.
func TestStops(t *testing.T) {
	const stop = `{` + record + `,"eventName":"StopNotebookInstance","userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/ds/ana"},"requestParameters":{"notebookInstanceName":"n"}}`
	looked := `{"CloudTrailEvent":` + quoted(stop) + `}`
	for name, doc := range map[string]string{
		"a record": stop, "a log": `{"Records":[` + stop + `]}`, "looked up": looked,
		"by EventBridge": `{"detail-type":"AWS API Call via CloudTrail","source":"aws.sagemaker","account":"111122223333","region":"eu-west-1","detail":` + stop + `}`,
	} {
		for what, decode := range map[string]func([]byte) ([]*kind.Observation, error){
			"Decode": Decode, "DecodeFile": func(b []byte) ([]*kind.Observation, error) { return DecodeFile(b, "f") },
		} {
			if all, err := decode([]byte(doc)); err != nil || len(all) != 0 {
				t.Errorf("%s, %s: %d observations, %v", name, what, len(all), err)
			}
		}
		all, err := DecodeFileLife([]byte(doc), "f")
		if err != nil || len(all) != 1 {
			t.Errorf("%s: %d observations, %v", name, len(all), err)
			continue
		}
		o := all[0]
		want := told{
			Kind: kind.NotebookInstance, Key: "n", Name: "n", ARN: "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/n",
			Partition: "aws", Account: "111122223333", Region: "eu-west-1", Time: "2026-11-02T09:14:07Z", Base: "requestParameters", Call: "StopNotebookInstance",
			Source:    kind.Source{Type: kind.ShapeCloudTrail, Event: "StopNotebookInstance", ID: "e-1", Actor: "arn:aws:sts::111122223333:assumed-role/ds/ana"},
			Principal: "arn:aws:iam::111122223333:role/ds",
		}
		if diff := cmp.Diff(want, tell(o)); diff != "" || !o.Halts || o.Deletes {
			t.Errorf("%s: halts %v, deletes %v\n%s", name, o.Halts, o.Deletes, diff)
		}
	}
	// Ending an endpoint is deleting it.
	if all, err := DecodeLife([]byte(`{` + record + `,"eventName":"DeleteEndpoint","requestParameters":{"endpointName":"e"}}`)); err != nil || len(all) != 1 || all[0].Halts || !all[0].Deletes {
		t.Errorf("%+v, %v", all, err)
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be marshalled
	}
	return string(b)
}
