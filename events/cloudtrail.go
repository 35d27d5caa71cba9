package events

import (
	"fmt"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// The detail-types under which EventBridge delivers CloudTrail records. Child
// jobs of automatic model tuning arrive as service events.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const (
	detailCall    = "AWS API Call via CloudTrail"
	detailService = "AWS Service Event via CloudTrail"
)

// envelope is what EventBridge says around a record.
type envelope struct {
	account, region string
	time            time.Time
}

// eventBridge reads an event as EventBridge delivers it. Only AWS can send
// events with a source that begins with "aws.".
func eventBridge(v jsondoc.Value) (*kind.Observation, error) {
	if v.Get("source").Str() != "aws.sagemaker" {
		return nil, required(v, "source")
	}
	e := envelope{account: v.Get("account").Str(), region: v.Get("region").Str()}
	e.time, _ = when(v.Get("time"))
	detailType := v.Get("detail-type").Str()
	if detailType == detailCall || detailType == detailService {
		return cloudTrail(v.Get("detail"), e)
	}
	row, native, ok := kind.ByDetailType(detailType)
	if !ok {
		return nil, required(v, "detail-type")
	}
	m, _ := v.Find("detail")
	o := &kind.Observation{
		Row: row, Native: native, Time: e.time,
		Account: e.account, Region: e.region,
		Doc: m.Value, Base: "detail",
		Source: kind.Source{Type: kind.ShapeNative, Event: detailType, ID: v.Get("id").Str()},
	}
	arn := m.Value.Get(native.ARN).Str()
	if arn == "" {
		for _, r := range v.Get("resources").Members() {
			arn = r.Value.Str()
			break
		}
	}
	locate(o, arn, m.Value)
	return o, nil
}

// required is an error unless the member of an envelope is a string, so that a
// record cannot hide by a spelling that only another reader understands.
func required(v jsondoc.Value, member string) error {
	f := v.Get(member)
	if _, ok := f.Text(); ok {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", member, first(f.Why(), "found "+f.Kind().String()), ErrShape)
}

// cloudTrail reads a CloudTrail record, of any version: members that it does
// not know are ignored, and none but the source and the name is required.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func cloudTrail(v jsondoc.Value, e envelope) (*kind.Observation, error) {
	if v.Get("eventSource").Str() != kind.EventSource {
		return nil, required(v, "eventSource")
	}
	name := v.Get("eventName").Str()
	row, call, ok := kind.ByCall(name)
	deletes, halts := false, false
	if !ok {
		if row, deletes = kind.ByDelete(name); !deletes {
			row, halts = kind.ByStop(name)
		}
		if !deletes && !halts {
			return nil, required(v, "eventName")
		}
		call = &kind.Call{Name: name}
	}
	identity := v.Get("userIdentity")
	o := &kind.Observation{
		Row: row, Call: call, Deletes: deletes, Halts: halts,
		Region:    first(v.Get("awsRegion").Str(), e.region),
		Account:   first(v.Get("recipientAccountId").Str(), e.account, identity.Get("accountId").Str()),
		Doc:       v.Get("requestParameters"),
		Base:      "requestParameters",
		Response:  v.Get("responseElements"),
		Principal: principal(identity),
		Refused:   refusal(v),
		Source: kind.Source{
			Type: kind.ShapeCloudTrail, Event: name, ID: v.Get("eventID").Str(),
			Actor: first(identity.Get("arn").Str(), identity.Get("invokedBy").Str()),
		},
	}
	var told bool
	if o.Time, told = when(v.Get("eventTime")); !told {
		o.Time = e.time
	}
	arn := ""
	if call.ARN != "" {
		arn = o.Response.At(call.ARN).Str()
	}
	if arn == "" {
		for _, r := range v.Get("resources").Members() {
			if a, ok := kind.ParseARN(r.Value.Get("ARN").Str()); ok && a.Service == "sagemaker" && a.Type == string(row.Kind) {
				arn = r.Value.Get("ARN").Str()
				break
			}
		}
	}
	locate(o, arn, o.Doc, o.Response, v.Get("serviceEventDetails"))
	return o, nil
}

// refusal is the error code of a call that failed.
func refusal(v jsondoc.Value) string {
	code := v.Get("errorCode")
	if code.Empty() {
		return ""
	}
	return first(code.Str(), "unknown")
}

// principal is the ARN of the role, user or root user that calls, or "": a service
// has none.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func principal(identity jsondoc.Value) string {
	if issuer := identity.At("sessionContext.sessionIssuer.arn").Str(); issuer != "" {
		return issuer
	}
	arn, ok := kind.ParseARN(identity.Get("arn").Str())
	switch {
	case ok && arn.Type == "assumed-role":
		// arn:aws:sts::111122223333:assumed-role/NAME/SESSION: the role's path is lost.
		name, _, _ := strings.Cut(arn.ID, "/")
		return "arn:" + arn.Partition + ":iam::" + arn.Account + ":role/" + name
	case ok && (arn.Service == "iam" || arn.Service == "sts"):
		return identity.Get("arn").Str()
	}
	return ""
}

// locate fills in where a resource is and what it is called, from its ARN and
// from the documents that name it. The ARN decides: it names the resource's
// account, where a record may have been made in another's trail.
func locate(o *kind.Observation, arn string, docs ...jsondoc.Value) {
	o.Key, o.Name = o.Row.KeyOf(docs...)
	if a, ok := kind.ParseARN(arn); ok {
		o.ARN = arn
		o.Partition, o.Region, o.Account = a.Partition, first(a.Region, o.Region), first(a.Account, o.Account)
		if o.Key == "" {
			o.Key, o.Name = a.ID, a.ID[strings.LastIndexByte(a.ID, '/')+1:]
		}
		return
	}
	o.Partition = kind.Partition(o.Region)
	o.ARN = o.Row.Build(o.Partition, o.Region, o.Account, o.Key)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
