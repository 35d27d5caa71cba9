package kind

import (
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/pipeline"
)

// Shape is the form in which something was told of a resource.
type Shape string

// The shapes.
const (
	ShapeCloudTrail Shape = "cloudtrail"     // a CloudTrail record, bare or delivered by EventBridge
	ShapeNative     Shape = "native"         // an event that SageMaker sent
	ShapeDescribe   Shape = "describe"       // the response of a Describe call
	ShapeRequest    Shape = "request"        // the request of a Create or Update call
	ShapePipeline   Shape = "pipeline"       // a pipeline definition
	ShapeTemplate   Shape = "cloudformation" // a resource of a CloudFormation template
	ShapePlan       Shape = "terraform"      // a resource of a Terraform plan
)

// Source says where an observation is from.
type Source struct {
	Type  Shape
	Event string // operation, detail-type, or type of a resource; empty where there is none
	ID    string // eventID of a record, id of an event
	Actor string // ARN of who called; empty where it is not told
	File  string
	// Offset is the byte at which the record begins in the (decompressed) file.
	Offset int64
}

// Observation is what one record tells of one resource.
type Observation struct {
	Row    *Row
	Call   *Call   // nil unless the record is of an API call
	Native *Native // nil unless the record is an event of SageMaker's own
	Source Source
	Time   time.Time // zero where the record has none

	Partition, Account, Region string
	// Key is the key under which references find the resource.
	Key, Name, ARN string

	Doc        jsondoc.Value // request, detail or response
	Base       string        // JSON path of Doc in the record
	Response   jsondoc.Value // of an API call
	Definition *pipeline.Document

	// Document is [Scope].Document, and Address what the resource is called there.
	Document, Address string
	// Context says that nothing happens to the resource: others may refer to it.
	Context bool
	// Variants are what a resource of a template may turn out to be, one for each
	// outcome of the conditions that it depends on; empty where there is but one.
	Variants []Variant

	// Principal is the ARN of the IAM role or user that called, as in the key
	// aws:PrincipalArn; empty where it is not told.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
	Principal string
	// Deletes says that the call ended the resource, Halts that it stopped what ran
	// in it.
	Deletes, Halts bool
	// Refused is the error code of a call that failed; empty where it succeeded.
	Refused string
}

// Variant is what a resource turns out to be if conditions hold or do not.
type Variant struct {
	When        []Choice
	Observation *Observation
}

// Choice is the outcome of a condition of a template.
type Choice struct {
	Condition string
	Holds     bool
}

// Record is the observation by itself, as a configuration to read: what it does
// not name is the default, or unknown, by its shape.
func (o *Observation) Record() Record {
	rec := Record{
		Doc: o.Doc, Base: o.Base, Shape: o.Source.Type,
		Scope: Scope{o.Partition, o.Account, o.Region, o.Document}, Time: o.Time,
	}
	if o.Row.Describe.Name != "" && o.Key != "" && o.Document == "" {
		rec.Look = o.Row.Describe.Name + " " + o.Key
	}
	switch o.Source.Type {
	case ShapeNative:
		rec.Lacks = o.Native.Lacks
		if !o.Native.Whole {
			rec.Absence, rec.Why = AbsentAtTopIsUnknown, "not in this event"
		}
		rec.Unsure = o.Row.Snapshot
	case ShapeDescribe:
		rec.Unsure = o.Row.Snapshot
		rec.Lacks = append([]string{"Tags"}, o.Row.Describe.Lacks...)
	case ShapeCloudTrail:
		rec.Call = o.Call.Name
		o.called(&rec)
	case ShapeRequest:
		rec.Call = o.Call.Name
		if o.Call.Effect != Creates {
			o.called(&rec)
		}
	case ShapeTemplate, ShapePlan:
		rec.Call = o.Call.Name
	case ShapePipeline:
	}
	return rec
}

// called fills in what a call leaves open.
func (o *Observation) called(rec *Record) {
	if result := o.Response.At(o.Call.Result); o.Call.Result != "" && result.Kind() == jsondoc.Object {
		rec.Doc, rec.Base = result, "responseElements."+lowerFirst(o.Call.Result)
		return
	}
	switch o.Call.Effect {
	case Creates:
		if o.Doc.Empty() {
			rec.Absence, rec.Why = AbsentIsUnknown, "requestParameters is empty in this record"
		}
	case Replaces:
		rec.Absence, rec.Why = AbsentAtTopIsUnknown, "not named in this call, and the configuration before it is not in the input"
	case Changes, Runs:
		rec.Absence, rec.Why = AbsentIsUnknown, "not named in this call, and the configuration before it is not in the input"
	}
}

// Pipeline is the name of the pipeline that a pipeline or an execution is of; empty
// for all else.
func (o *Observation) Pipeline() string {
	if o.Row.Kind != Pipeline && o.Row.Kind != PipelineExecution {
		return ""
	}
	name, _, _ := strings.Cut(o.Key, "/")
	return name
}

// Told says whether the record tells what the call changed. CloudTrail leaves out
// requests that are too large, and hides what it must.
func (o *Observation) Told() bool {
	return o.Doc.Kind() == jsondoc.Object && !o.Doc.Empty() && !o.Doc.Omitted()
}

// Whole says whether the observation tells the whole configuration, or at
// least begins a new one, rather than a change to an earlier one.
func (o *Observation) Whole() bool {
	switch o.Source.Type {
	case ShapeNative:
		return o.Native.Whole
	case ShapeCloudTrail, ShapeRequest:
		return o.Call.Effect == Creates || o.Call.Result != "" && o.Response.At(o.Call.Result).Kind() == jsondoc.Object
	case ShapeDescribe, ShapePipeline, ShapeTemplate, ShapePlan:
	}
	return true
}

// Tags reads the tags of a configuration: a list of keys and values in
// requests, an object in events. known is false where they are not all told:
// after the creation tags come and go by calls that are not read, and those of a
// stack are put on its resources too:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
func (r *Row) Tags(rec Record) (tags map[string]string, known bool) {
	in := &reader{Record: rec, row: r}
	f := in.at("Tags")
	tags = map[string]string{}
	known = f.known && rec.Shape != ShapeTemplate && (rec.Call == "" || slices.ContainsFunc(r.Calls, func(c Call) bool { return c.Name == rec.Call && c.Effect == Creates }))
	for _, m := range f.value.Members() {
		key, value := m.Value.Get("Key"), m.Value.Get("Value")
		if f.value.Kind() == jsondoc.Object {
			key, value = jsondoc.OfString(m.Name), m.Value
		}
		text, ok := value.Text()
		if key.Str() == "" || !ok || text == jsondoc.Hidden {
			known = false
			continue
		}
		tags[key.Str()] = text
	}
	return tags, known && (f.value.Empty() || len(f.value.Members()) > 0)
}
