// Package events reads what tells of SageMaker AI resources: CloudTrail records
// (bare, in a log, delivered by EventBridge, returned by LookupEvents), events
// that SageMaker sends, Describe responses, requests and pipeline definitions.
// The content decides which of these a document is.
//
// Decoding is total: what is not about a network of SageMaker AI is no error
// and tells nothing; a document that cannot be read, or that is none of these,
// is an error that says what was found.
package events

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/pipeline"
)

// ErrShape says that a document is none of the shapes that are read.
var ErrShape = errors.New("not a CloudTrail record or log, LookupEvents output, EventBridge event, Describe response, API request, pipeline definition, CloudFormation template or Terraform plan")

// errUnmarked says that a document has no mark of any of the shapes.
type errUnmarked struct{ words string }

func (e *errUnmarked) Error() string { return e.words + ": " + ErrShape.Error() }
func (e *errUnmarked) Unwrap() error { return ErrShape }

// ErrPlan says that a document is a Terraform plan, which stands in a file by itself
// and is read by package terraform.
var ErrPlan = fmt.Errorf("a Terraform plan, which is read from a file of its own: %w", ErrShape)

// Unmarked says whether an error of this package is of a document that has nothing
// of what is read here: a folder of a repository is full of them.
func Unmarked(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !Unmarked(err) })
	}
	var unmarked *errUnmarked
	return errors.As(err, &unmarked)
}

// ErrTemplate says that a document is a CloudFormation template, which stands in a
// file by itself and is read by package cloudformation.
var ErrTemplate = fmt.Errorf("a CloudFormation template, which is read from a file of its own: %w", ErrShape)

// Decode reads one document. It returns no observation where the document has
// a known shape and tells nothing of a network. The error is an
// [*jsondoc.Error], or wraps [ErrShape].
func Decode(data []byte) ([]*kind.Observation, error) {
	out, err := DecodeLife(data)
	return slices.DeleteFunc(out, halts), err
}

// halts says whether an observation is of a call that stops something, and so
// tells nothing of a network.
func halts(o *kind.Observation) bool { return o.Halts }

// DecodeLife is [Decode] with the calls that stop something: they tell how long it
// ran.
func DecodeLife(data []byte) ([]*kind.Observation, error) {
	v, err := jsondoc.Parse(data, kind.FreeForm())
	if err != nil {
		return nil, err
	}
	return decode(v)
}

func decode(v jsondoc.Value) ([]*kind.Observation, error) {
	switch {
	case v.Kind() == jsondoc.Array:
		return decodeAll(v)
	case v.Kind() != jsondoc.Object:
		return nil, &errUnmarked{"found " + v.Kind().String()}
	}
	if isRecord(v) {
		return one(cloudTrail(v, envelope{}))
	}
	if isEvent(v) {
		return one(eventBridge(v))
	}
	switch found := shapesOf(v); len(found) {
	case 0:
		if err := errorResponse(v); err != nil {
			return nil, err
		}
		return nil, looksLike(v)
	case 1:
		return found[0].read(v)
	default:
		// Whichever it was read as, the other would be hidden by it.
		return nil, fmt.Errorf("it could be %s and %s, and is read as neither: %w", found[0].words, found[1].words, ErrShape)
	}
}

// isRecord says whether an object is a CloudTrail record and nothing more, so
// that it cannot be anything else: that is what most documents are.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func isRecord(v jsondoc.Value) bool {
	source, name := false, false
	for _, m := range v.Members() {
		switch m.Name {
		case "eventSource":
			source = true
		case "eventName":
			name = true
		case "additionalEventData", "addendum", "apiVersion", "awsRegion", "edgeDeviceDetails", "errorCode", "errorMessage",
			"eventCategory", "eventContext", "eventID", "eventTime", "eventType", "eventVersion", "managementEvent", "readOnly",
			"recipientAccountId", "requestID", "requestParameters", "resources", "responseElements", "serviceEventDetails",
			"sessionCredentialFromConsole", "sharedEventID", "sourceIPAddress", "tlsDetails", "userAgent", "userIdentity",
			"vpcEndpointAccountId", "vpcEndpointId":
		default:
			return false
		}
	}
	return source && name
}

// isEvent says whether an object is an event of EventBridge and nothing more: that
// is what the functions get.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func isEvent(v jsondoc.Value) bool {
	marks := 0
	for _, m := range v.Members() {
		switch m.Name {
		case "detail-type", "source", "account", "detail":
			marks++
		case "version", "id", "time", "region", "resources", "replay-name":
		default:
			return false
		}
	}
	return marks == 4
}

// shape is one of the forms that a document can have.
type shape struct {
	words string
	read  func(jsondoc.Value) ([]*kind.Observation, error)
}

// shapesOf finds the shapes that an object has the marks of.
func shapesOf(v jsondoc.Value) (found []shape) {
	add := func(is bool, words string, read func(jsondoc.Value) ([]*kind.Observation, error)) {
		if is {
			found = append(found, shape{words, read})
		}
	}
	looked := has(v, "CloudTrailEvent")
	add(looked, "an event of LookupEvents", func(v jsondoc.Value) ([]*kind.Observation, error) {
		return lookedUp(v.Get("CloudTrailEvent"))
	})
	// LookupEvents repeats EventName and EventSource, and nothing else of a record.
	add(has(v, "eventName", "eventSource") && (!looked || hasAny(v, "requestParameters", "responseElements", "userIdentity", "eventVersion")),
		"a CloudTrail record", func(v jsondoc.Value) ([]*kind.Observation, error) {
			return one(cloudTrail(v, envelope{}))
		})
	add(has(v, "detail-type", "source", "account", "detail"), "an EventBridge event", func(v jsondoc.Value) ([]*kind.Observation, error) {
		return one(eventBridge(v))
	})
	add(has(v, "Records"), "a CloudTrail log", func(v jsondoc.Value) ([]*kind.Observation, error) {
		return listed(v, "Records")
	})
	add(has(v, "Events"), "output of LookupEvents", func(v jsondoc.Value) ([]*kind.Observation, error) {
		return listed(v, "Events", "NextToken", "ResponseMetadata")
	})
	// A digest lies beside the logs in the bucket of a trail.
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
	add(has(v, "digestStartTime", "logFiles"), "a digest of CloudTrail logs", func(jsondoc.Value) ([]*kind.Observation, error) {
		return nil, nil
	})
	// The recorders of botocore keep responses like this.
	add(has(v, "status_code", "data"), "a recorded response", func(v jsondoc.Value) ([]*kind.Observation, error) {
		return decode(v.Get("data"))
	})
	add(isTemplate(v), "a CloudFormation template", func(jsondoc.Value) ([]*kind.Observation, error) {
		return nil, ErrTemplate
	})
	add(has(v, "format_version", "resource_changes"), "a Terraform plan", func(jsondoc.Value) ([]*kind.Observation, error) {
		return nil, ErrPlan
	})
	add(pipeline.Looks(v), "a pipeline definition", func(jsondoc.Value) ([]*kind.Observation, error) {
		return nil, errDefinition
	})
	if row, ok := kind.ByDescribe(v); ok {
		// A response repeats the request.
		add(true, "a response of "+row.Describe.Name, func(v jsondoc.Value) ([]*kind.Observation, error) {
			return one(described(row, v), nil)
		})
	} else if row, call, ok := kind.ByRequest(v); ok {
		add(true, "a request of "+call.Name, func(v jsondoc.Value) ([]*kind.Observation, error) {
			return one(requested(row, call, v), nil)
		})
	}
	return found
}

// listed reads the list in an object that has it and the companions that AWS
// writes beside it. Anything else beside it would be hidden by it.
func listed(v jsondoc.Value, list string, companions ...string) ([]*kind.Observation, error) {
	elements := v.Get(list)
	if elements.Kind() != jsondoc.Array {
		return nil, fmt.Errorf("%s: %s: %w", list, first(elements.Why(), "found "+elements.Kind().String()+", not a list"), ErrShape)
	}
	out, err := decodeAll(elements)
	at, _ := v.Find(list)
	for _, m := range v.Members() {
		if m.Name != at.Name && !slices.Contains(companions, m.Name) {
			return out, errors.Join(err, fmt.Errorf("a member %s stands beside %s, where AWS writes none: %w", clip(m.Name), at.Name, ErrShape))
		}
	}
	return out, err
}

// errDefinition says that the document is a pipeline definition, which is read
// from its text.
var errDefinition = errors.New("a pipeline definition")

// DecodeFile reads a document that stands in a file by itself, so that it may
// be a pipeline definition; name is what that is called then.
func DecodeFile(data []byte, name string) ([]*kind.Observation, error) {
	out, err := DecodeFileLife(data, name)
	return slices.DeleteFunc(out, halts), err
}

// DecodeFileLife is to [DecodeFile] what [DecodeLife] is to [Decode].
func DecodeFileLife(data []byte, name string) ([]*kind.Observation, error) {
	out, err := DecodeLife(data)
	if !errors.Is(err, errDefinition) {
		return out, err
	}
	doc, err := pipeline.Parse(data)
	if err != nil {
		return nil, err
	}
	row, _ := kind.Of(kind.Pipeline)
	return one(&kind.Observation{
		Row: row, Name: name, Definition: doc,
		Source: kind.Source{Type: kind.ShapePipeline},
	}, nil)
}

func one(o *kind.Observation, err error) ([]*kind.Observation, error) {
	if o == nil {
		return nil, err
	}
	return []*kind.Observation{o}, err
}

// decodeAll reads the elements of a list, each by itself: one that cannot be
// read does not take the others with it.
func decodeAll(list jsondoc.Value) ([]*kind.Observation, error) {
	var out []*kind.Observation
	var errs []error
	for i, m := range list.Members() {
		more, err := decode(m.Value)
		out = append(out, more...)
		if err != nil {
			errs = append(errs, fmt.Errorf("[%d]: %w", i, err))
		}
	}
	return out, errors.Join(errs...)
}

// lookedUp reads the record that LookupEvents returns as a string.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html
func lookedUp(record jsondoc.Value) ([]*kind.Observation, error) {
	text, ok := record.Text()
	if !ok {
		return nil, fmt.Errorf("CloudTrailEvent is %s, not a string: %w", record.Kind(), ErrShape)
	}
	v, err := jsondoc.Parse([]byte(text), kind.FreeForm())
	if err != nil {
		return nil, fmt.Errorf("CloudTrailEvent: %w", err)
	}
	return one(cloudTrail(v, envelope{}))
}

func has(v jsondoc.Value, members ...string) bool {
	return !slices.ContainsFunc(members, func(m string) bool { return !hasAny(v, m) })
}

func hasAny(v jsondoc.Value, members ...string) bool {
	return slices.ContainsFunc(members, func(m string) bool { return v.Get(m).Kind() != jsondoc.Absent })
}

// errorResponse recognises the answer to a call that failed.
func errorResponse(v jsondoc.Value) error {
	if code := v.At("Error.Code").Str(); code != "" {
		return fmt.Errorf("an AWS error response (%s), which tells no configuration: %w", clip(code), ErrShape)
	}
	return nil
}

// Mark says whether a member of this name can be what tells a shape from others, so
// that a document which has it is not just anything.
func Mark(name string) bool {
	return marks()[name] || marks()[strings.ToUpper(name[:min(1, len(name))])+name[min(1, len(name)):]]
}

var marks = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, name := range []string{
		"eventName", "eventSource", "detail-type", "CloudTrailEvent", "Records", "Events", "logFiles", "status_code", "Steps",
		"AWSTemplateFormatVersion", "Resources", "format_version", "resource_changes",
	} {
		out[name] = true
	}
	for _, row := range kind.Table() {
		for _, c := range row.Calls {
			for _, name := range c.Marks {
				out[name] = true
			}
		}
		for _, name := range []string{row.Describe.ARN, row.Describe.Under} {
			out[name] = name != ""
		}
	}
	return out
})

// isTemplate says whether an object is a CloudFormation template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
func isTemplate(v jsondoc.Value) bool {
	if has(v, "AWSTemplateFormatVersion") {
		return true
	}
	resources := v.Get("Resources")
	if resources.Kind() != jsondoc.Object {
		return false
	}
	return has(v, "Transform") || slices.ContainsFunc(resources.Members(), func(m jsondoc.Member) bool {
		return strings.Contains(m.Value.Get("Type").Str(), "::") || strings.HasPrefix(m.Name, "Fn::")
	})
}

// looksLike is the error of a document that is none of the shapes.
func looksLike(v jsondoc.Value) error {
	switch {
	case has(v, "format_version", "terraform_version"), has(v, "lineage", "terraform_version"):
		return &errUnmarked{"a Terraform state, not a plan: terraform show -json PLANFILE writes one"}
	case has(v, "resource") && hasAny(v, "terraform", "provider", "variable"):
		return &errUnmarked{"a Terraform configuration, not a plan: terraform show -json PLANFILE writes one"}
	case has(v, "detail-type"):
		return &errUnmarked{"an EventBridge pattern or schema (an event would have an account), which tells of no resource"}
	}
	names := make([]string, 0, 5)
	for _, m := range v.Members() {
		if len(names) == 5 {
			names = append(names, "…")
			break
		}
		names = append(names, clip(m.Name))
	}
	return &errUnmarked{"an object with the members " + strings.Join(names, ", ")}
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// described reads a Describe response.
func described(row *kind.Row, v jsondoc.Value) *kind.Observation {
	base := ""
	if row.Describe.Under != "" {
		if m, ok := v.Find(row.Describe.Under); ok {
			v, base = m.Value, m.Name
		}
	}
	o := &kind.Observation{Row: row, Doc: v, Base: base, Source: kind.Source{Type: kind.ShapeDescribe, Event: row.Describe.Name}}
	locate(o, v.Get(row.Describe.ARN).Str(), v)
	for _, member := range []string{"LastModifiedTime", "LastUpdatedDate", "LastModifiedDate", "CreationTime", "CreateDate"} {
		if t, ok := when(v.Get(member)); ok {
			o.Time = t
			break
		}
	}
	return o
}

// requested reads a request that has not been made, or of which only the
// request is at hand.
func requested(row *kind.Row, call *kind.Call, v jsondoc.Value) *kind.Observation {
	o := &kind.Observation{Row: row, Call: call, Doc: v, Source: kind.Source{Type: kind.ShapeRequest, Event: call.Name}}
	o.Key, o.Name = row.KeyOf(v)
	return o
}

// when reads a point in time in any of the forms that AWS writes: RFC 3339, the
// AWS SDK for Python's, or seconds or milliseconds since 1970 as a number or a
// string.
func when(v jsondoc.Value) (time.Time, bool) {
	if lit, ok := v.Literal(); ok {
		return epoch(lit)
	}
	s := v.Str()
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return epoch(s)
}

func epoch(s string) (time.Time, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 1e8 && n <= 1e14) { // NaN too
		return time.Time{}, false
	}
	if n < 1e11 {
		n *= 1000
	}
	return time.UnixMilli(int64(n)).UTC(), true
}
