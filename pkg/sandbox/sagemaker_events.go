package sandbox

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// native sends the events that SageMaker itself sends about a change.
// https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
func (s *SageMaker) native(r *resource, previous string) {
	for i := range r.t.row.Natives {
		n := &r.t.row.Natives[i]
		if strings.Contains(n.DetailType, "Deployment") && r.doc[pending] == nil {
			continue
		}
		resources := []string{r.arn}
		detail := s.detail(r, n)
		if r.t.kind == kind.PipelineExecution {
			resources = []string{text(r.doc, "PipelineArn"), r.arn}
			detail = s.executionDetail(r, previous)
		}
		s.effects = append(s.effects, func() { s.w.emit("aws.sagemaker", n.DetailType, resources, detail) })
	}
}

// detail is what an event says of a resource.
func (s *SageMaker) detail(r *resource, n *kind.Native) map[string]any {
	detail := s.face(r, r.t.described, millis)
	for name := range detail {
		if r.t.event != nil && !slices.Contains(r.t.event, name) {
			delete(detail, name)
		}
	}
	if len(n.Lacks) > 0 {
		detail, _ = lacking(detail, n.Lacks).(map[string]any)
	}
	if r.t.kind == kind.TrainingJob && detail["VpcConfig"] == nil {
		detail["VpcConfig"] = map[string]any{}
	}
	if r.t.kind == kind.Endpoint {
		detail["EndpointStatus"] = upperSnake(r.status)
	}
	if slices.Contains(untagged, r.t.kind) {
		return detail
	}
	tags := map[string]any{}
	for _, tag := range r.tags {
		tags[text(tag, "Key")] = text(tag, "Value")
	}
	detail["Tags"] = tags
	return detail
}

// untagged are the kinds whose events have no tags.
var untagged = []kind.Kind{kind.LabelingJob, kind.Cluster, kind.ProcessingJob, kind.Algorithm, kind.MonitoringSchedule}

// executionDetail is what the event of a pipeline execution says.
func (s *SageMaker) executionDetail(r *resource, previous string) map[string]any {
	detail := map[string]any{
		"pipelineArn": text(r.doc, "PipelineArn"), "pipelineExecutionArn": r.arn,
		"currentPipelineExecutionStatus": r.status,
		"executionStartTime":             stamp(r.created),
	}
	for member, name := range map[string]string{
		"PipelineExecutionDisplayName": "pipelineExecutionDisplayName", "PipelineExecutionDescription": "pipelineExecutionDescription",
	} {
		if v := text(r.doc, member); v != "" {
			detail[name] = v
		}
	}
	if previous != r.status {
		detail["previousPipelineExecutionStatus"] = previous
	}
	if r.ended != 0 {
		detail["executionEndTime"] = stamp(r.ended)
	}
	return detail
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05Z") }

// lacking is a document without some members, at any depth.
func lacking(v any, names []string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			if !slices.Contains(names, name) {
				out[name] = lacking(value, names)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = lacking(v[i], names)
		}
		return out
	}
	return v
}

// upperSnake writes InService as IN_SERVICE.
func upperSnake(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(c))
	}
	return b.String()
}

// serviceEvent records what SageMaker did by itself, as CloudTrail does: without
// the request.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html
// https://docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html
func (s *SageMaker) serviceEvent(name string, r *resource) {
	record := map[string]any{
		"eventVersion": "1.11", "userIdentity": map[string]any{"accountId": s.w.account, "invokedBy": kind.EventSource},
		"eventTime": stamp(r.created), "eventSource": kind.EventSource, "eventName": name, "awsRegion": s.w.region,
		"sourceIPAddress": kind.EventSource, "userAgent": kind.EventSource,
		"requestParameters": nil, "responseElements": nil, "eventID": s.w.uuid(), "requestID": s.w.uuid(), "readOnly": false,
		"eventType": "AwsServiceEvent", "managementEvent": true, "recipientAccountId": s.w.account, "eventCategory": "Management",
		"serviceEventDetails": map[string]any{lowerFirst(r.t.named): r.name},
	}
	s.effects = append(s.effects, func() { s.w.emit("aws.sagemaker", "AWS Service Event via CloudTrail", nil, record) })
}
