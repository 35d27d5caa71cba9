package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sagemoat/sagemoat/internal/awstest/moto"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// clients are those of one double, which has the same queue, topic, bucket and
// object as the other.
type clients struct {
	sqs    *sqs.Client
	sns    *sns.Client
	s3     *s3.Client
	hub    *securityhub.Client
	sm     *sagemaker.Client
	events *awsjson.Client

	queue, topic string
	receipt      string // of the message that was received last
}

func newClients(config aws.Config, queue, topic string) *clients {
	return &clients{
		sqs: sqs.NewFromConfig(config), sns: sns.NewFromConfig(config), hub: securityhub.NewFromConfig(config), sm: sagemaker.NewFromConfig(config),
		s3:     s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
		events: awsjson.New(config), queue: queue, topic: topic,
	}
}

const bucket, object = "doubles", "rules.yaml"

// finding is one that Security Hub takes, changed as the test wants it.
func finding(id string, change func(*hubtypes.AwsSecurityFinding)) hubtypes.AwsSecurityFinding {
	f := hubtypes.AwsSecurityFinding{
		SchemaVersion: aws.String("2018-10-08"), Id: &id, GeneratorId: aws.String("sagemoat"), AwsAccountId: aws.String(account),
		ProductArn: aws.String("arn:aws:securityhub:" + region + ":" + account + ":product/" + account + "/default"),
		Types:      []string{"Software and Configuration Checks"}, Title: aws.String("t"), Description: aws.String("d"),
		CreatedAt: aws.String("2026-11-02T09:00:00.000Z"), UpdatedAt: aws.String("2026-11-02T09:00:00.000Z"),
		CompanyName: aws.String("sagemoat"), ProductName: aws.String("sagemoat"), RecordState: hubtypes.RecordStateActive,
		FindingProviderFields: &hubtypes.FindingProviderFields{
			Severity: &hubtypes.FindingProviderSeverity{Label: hubtypes.SeverityLabelHigh, Original: aws.String("HIGH")},
			Types:    []string{"Software and Configuration Checks"},
		},
		Compliance: &hubtypes.Compliance{Status: hubtypes.ComplianceStatusFailed},
		Resources:  []hubtypes.Resource{{Type: aws.String("Other"), Id: aws.String("r"), Partition: hubtypes.PartitionAws, Region: aws.String(region)}},
	}
	if change != nil {
		change(&f)
	}
	return f
}

func (c *clients) imports(ctx context.Context, f ...hubtypes.AwsSecurityFinding) (any, error) {
	return c.hub.BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: f})
}

func (c *clients) puts(ctx context.Context, entry map[string]any) (any, error) {
	out, err := c.events.Call(ctx, awsjson.Events(), "PutEvents", map[string]any{"Entries": []any{entry}})
	if err != nil {
		return nil, err
	}
	var answer any
	err = json.Unmarshal(out.Body, &answer)
	return answer, err
}

// call is one that both doubles serve.
type call struct {
	name string
	do   func(context.Context, *clients) (any, error)
}

// differs are the calls that moto answers otherwise than the sandbox, and how.
// docs/test-doubles.md says which is right, and by which source.
var differs = map[string]string{
	"SendMessage, empty":                      "MD5OfMessageAttributes MD5OfMessageBody MessageId",
	"ChangeMessageVisibility, not in flight":  "",
	"Publish, an empty attribute":             "400 InvalidParameter",
	"Publish, structured without a default":   "MessageId",
	"Publish, structured, no JSON":            "MessageId",
	"GetObject, of another owner":             `ContentLength=11 ETag ETagIs "11a456755eb9fa796a0a76252386b85a" LastModified`,
	"GetFindings, no token":                   "400 InvalidToken",
	"GetFindings, filtered":                   "count=2 more=false",
	"BatchImportFindings, a long id":          "FailedCount=0 SuccessCount=1",
	"BatchImportFindings, a long description": "FailedCount=0 SuccessCount=1",
	"BatchImportFindings, another schema":     "FailedCount=0 SuccessCount=1",
	"BatchImportFindings, too many":           "FailedCount=0 SuccessCount=101",
	"an older import":                         "title old=true",
	"PutEvents, of AWS":                       "Entries[].EventId FailedEntryCount=0",
	"DescribeDomain, not there":               "400 ValidationException",
	"DescribeProcessingJob, not there":        "400 ValidationException",
	"a training job that runs":                "Completed=true",
	"StopTrainingJob":                         "500 ",
}

// TestMotoAndSandbox: the same calls have answers of the same shape, or the same
// error, from both doubles, but for what the table says.
func TestMotoAndSandbox(t *testing.T) {
	w := sandbox.New(sandbox.Options{Seed: 1, Clock: sandbox.NewVirtual(time.Now())})
	endpoint, stop, err := w.Start(t.Context())
	ok(t, err)
	t.Cleanup(stop)
	w.AddBucket(bucket, account)
	ours := newClients(sandboxConfig(w, endpoint, "sagemoat"), w.AddQueue(sandbox.Queue{Name: "doubles"}), w.AddTopic("doubles"))

	theirs := newClients(moto.Config(t), "", "")
	queue, err := theirs.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("doubles")})
	ok(t, err)
	topic, err := theirs.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("doubles")})
	ok(t, err)
	_, err = theirs.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region}})
	ok(t, err)
	theirs.queue, theirs.topic = *queue.QueueUrl, *topic.TopicArn

	known := maps.Clone(differs)
	for _, c := range calls() {
		want := answer(t, c, ours)
		got := answer(t, c, theirs)
		other, differ := known[c.name]
		delete(known, c.name)
		switch {
		case !differ && got != want:
			t.Errorf("%s:\n sandbox %s\n moto    %s", c.name, want, got)
		case differ && got == want:
			t.Errorf("%s: moto and the sandbox agree on %s", c.name, got)
		case differ && got != other:
			t.Errorf("%s: moto answers %s, want %s", c.name, got, other)
		}
	}
	for name := range known {
		t.Errorf("no call is named %s", name)
	}
}

// answer says what a double answers: the members that are there, at any depth, or
// the error.
func answer(t *testing.T, c call, from *clients) string {
	t.Helper()
	out, err := c.do(t.Context(), from)
	if err != nil {
		var r *awshttp.ResponseError
		status := 0
		if errors.As(err, &r) {
			status = r.HTTPStatusCode()
		}
		return fmt.Sprintf("%d %s", status, awsjson.Code(err))
	}
	text, err := json.Marshal(out)
	ok(t, err)
	var v any
	ok(t, json.Unmarshal(text, &v))
	paths := map[string]bool{}
	shape(v, "", paths)
	return strings.Join(slices.Sorted(maps.Keys(paths)), " ")
}

// shape collects the paths to what is there. What says how much is told as it is.
func shape(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for name, member := range v {
			if name != "ResultMetadata" {
				shape(member, strings.TrimPrefix(path+"."+name, "."), into)
			}
		}
	case []any:
		for _, element := range v {
			shape(element, path+"[]", into)
		}
	case string:
		if v != "" {
			into[path] = true
		}
	default:
		into[fmt.Sprintf("%s=%v", path, v)] = true
	}
}

func all() []sqstypes.MessageSystemAttributeName {
	return []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll}
}

func calls() []call {
	list := append(queueCalls(), topicCalls()...)
	list = append(list, objectCalls()...)
	list = append(list, hubCalls()...)
	return append(list, otherCalls()...)
}

func queueCalls() []call {
	send := func(body string) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) {
			return c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &c.queue, MessageBody: &body, MessageAttributes: map[string]sqstypes.MessageAttributeValue{
				"a": {DataType: aws.String("String"), StringValue: aws.String("b")},
			}})
		}
	}
	receive := func(n int32) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) {
			out, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &c.queue, MaxNumberOfMessages: n, MessageSystemAttributeNames: all(), MessageAttributeNames: []string{"All"}})
			if err == nil && len(out.Messages) > 0 {
				c.receipt = *out.Messages[0].ReceiptHandle
			}
			return out, err
		}
	}
	change := func(seconds int32, receipt string) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) {
			if receipt == "" {
				return c.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &c.queue, ReceiptHandle: &c.receipt, VisibilityTimeout: seconds})
			}
			return c.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &c.queue, ReceiptHandle: &receipt, VisibilityTimeout: seconds})
		}
	}
	attributes := func(ctx context.Context, c *clients) (any, error) {
		return c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &c.queue, AttributeNames: []sqstypes.QueueAttributeName{
			"QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "VisibilityTimeout",
		}})
	}
	return []call{
		{name: "SendMessage", do: send("one")},
		{name: "SendMessage, empty", do: send("")},
		{name: "SendMessage to no queue", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(strings.TrimSuffix(c.queue, "doubles") + "none"), MessageBody: aws.String("x")})
		}},
		{name: "GetQueueAttributes", do: attributes},
		{name: "ReceiveMessage", do: receive(10)},
		{name: "ReceiveMessage, nothing there", do: receive(10)},
		{name: "ReceiveMessage, too many", do: receive(11)},
		{name: "GetQueueAttributes, one in flight", do: attributes},
		{name: "ChangeMessageVisibility", do: change(0, "")},
		{name: "ReceiveMessage, again", do: receive(1)},
		{name: "ChangeMessageVisibility, too long", do: change(50_000, "")},
		{name: "ChangeMessageVisibility, no handle", do: change(10, "nonsense")},
		{name: "ChangeMessageVisibility, back at once", do: change(0, "")},
		{name: "ChangeMessageVisibility, not in flight", do: change(10, "")},
		{name: "DeleteMessage", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &c.queue, ReceiptHandle: &c.receipt})
		}},
		{name: "DeleteMessage, again", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &c.queue, ReceiptHandle: &c.receipt})
		}},
		{name: "DeleteMessageBatch, empty", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &c.queue, Entries: []sqstypes.DeleteMessageBatchRequestEntry{}})
		}},
		{name: "DeleteMessageBatch, the same id twice", do: func(ctx context.Context, c *clients) (any, error) {
			e := sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String("a"), ReceiptHandle: &c.receipt}
			return c.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &c.queue, Entries: []sqstypes.DeleteMessageBatchRequestEntry{e, e}})
		}},
	}
}

func topicCalls() []call {
	publish := func(change func(*sns.PublishInput)) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) {
			in := &sns.PublishInput{TopicArn: &c.topic, Message: aws.String(`{"default":"d"}`), Subject: aws.String("s")}
			change(in)
			return c.sns.Publish(ctx, in)
		}
	}
	attribute := func(dataType, value string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) {
			in.MessageAttributes = map[string]snstypes.MessageAttributeValue{"severity": {DataType: &dataType, StringValue: &value}}
		}
	}
	return []call{
		{name: "Publish", do: publish(attribute("String", "HIGH"))},
		{name: "Publish, a list", do: publish(attribute("String.Array", `["HIGH","LOW"]`))},
		{name: "Publish, an empty attribute", do: publish(attribute("String", ""))},
		{name: "Publish, no such topic", do: publish(func(in *sns.PublishInput) {
			in.TopicArn = aws.String("arn:aws:sns:" + region + ":" + account + ":none")
		})},
		{name: "Publish, structured", do: publish(func(in *sns.PublishInput) { in.MessageStructure = aws.String("json") })},
		{name: "Publish, structured without a default", do: publish(func(in *sns.PublishInput) {
			in.MessageStructure, in.Message = aws.String("json"), aws.String(`{"sqs":"x"}`)
		})},
		{name: "Publish, structured, no JSON", do: publish(func(in *sns.PublishInput) {
			in.MessageStructure, in.Message = aws.String("json"), aws.String(`{`)
		})},
		{name: "Publish, long subject", do: publish(func(in *sns.PublishInput) { in.Subject = aws.String(strings.Repeat("s", 101)) })},
		{name: "Publish, long message", do: publish(func(in *sns.PublishInput) { in.Message = aws.String(strings.Repeat("m", 300<<10)) })},
	}
}

func objectCalls() []call {
	get := func(change func(*s3.GetObjectInput)) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) {
			in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(object)}
			change(in)
			out, err := c.s3.GetObject(ctx, in)
			if err != nil {
				return nil, err
			}
			return map[string]any{"ETag": out.ETag, "LastModified": out.LastModified, "ContentLength": out.ContentLength, "ETagIs " + *out.ETag: "so"}, out.Body.Close()
		}
	}
	return []call{
		{name: "PutObject", do: func(ctx context.Context, c *clients) (any, error) {
			out, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(object), Body: strings.NewReader("version: 1\n")})
			if err != nil {
				return nil, err
			}
			return map[string]any{"ETag": out.ETag}, nil
		}},
		{name: "GetObject", do: get(func(*s3.GetObjectInput) {})},
		{name: "GetObject, unchanged", do: get(func(in *s3.GetObjectInput) { in.IfNoneMatch = aws.String(`"11a456755eb9fa796a0a76252386b85a"`) })},
		{name: "GetObject, no such key", do: get(func(in *s3.GetObjectInput) { in.Key = aws.String("none") })},
		{name: "GetObject, no such bucket", do: get(func(in *s3.GetObjectInput) { in.Bucket = aws.String("nobodys") })},
		{name: "GetObject, of the owner", do: get(func(in *s3.GetObjectInput) { in.ExpectedBucketOwner = aws.String(account) })},
		{name: "GetObject, of another owner", do: get(func(in *s3.GetObjectInput) { in.ExpectedBucketOwner = aws.String("444455556666") })},
	}
}

func hubCalls() []call {
	get := func(change func(*securityhub.GetFindingsInput)) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) {
			in := &securityhub.GetFindingsInput{}
			change(in)
			out, err := c.hub.GetFindings(ctx, in)
			if err != nil {
				return nil, err
			}
			return map[string]any{"count": min(len(out.Findings), 2), "more": out.NextToken != nil}, nil
		}
	}
	imports := func(id string, change func(*hubtypes.AwsSecurityFinding)) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) { return c.imports(ctx, finding(id, change)) }
	}
	return []call{
		{name: "BatchImportFindings", do: imports("one", nil)},
		{name: "BatchImportFindings, another", do: imports("two", nil)},
		{name: "GetFindings, a page", do: get(func(in *securityhub.GetFindingsInput) { in.MaxResults = aws.Int32(1) })},
		{name: "GetFindings, too many", do: get(func(in *securityhub.GetFindingsInput) { in.MaxResults = aws.Int32(101) })},
		{name: "GetFindings, no token", do: get(func(in *securityhub.GetFindingsInput) { in.NextToken = aws.String("nonsense") })},
		{name: "GetFindings, filtered", do: get(func(in *securityhub.GetFindingsInput) {
			in.Filters = &hubtypes.AwsSecurityFindingFilters{Id: []hubtypes.StringFilter{{Value: aws.String("two"), Comparison: hubtypes.StringFilterComparisonEquals}}}
		})},
		{name: "BatchImportFindings, a long id", do: imports(strings.Repeat("i", 600), nil)},
		{name: "BatchImportFindings, a long description", do: imports("long", func(f *hubtypes.AwsSecurityFinding) { f.Description = aws.String(strings.Repeat("d", 5000)) })},
		{name: "BatchImportFindings, another schema", do: imports("schema", func(f *hubtypes.AwsSecurityFinding) { f.SchemaVersion = aws.String("nope") })},
		{name: "BatchImportFindings, no resource", do: imports("none", func(f *hubtypes.AwsSecurityFinding) { f.Resources = []hubtypes.Resource{} })},
		{name: "BatchImportFindings, too many", do: func(ctx context.Context, c *clients) (any, error) {
			list := make([]hubtypes.AwsSecurityFinding, 101)
			for i := range list {
				list[i] = finding("many", nil)
			}
			return c.imports(ctx, list...)
		}},
		{name: "an older import", do: func(ctx context.Context, c *clients) (any, error) {
			if _, err := c.imports(ctx, finding("two", func(f *hubtypes.AwsSecurityFinding) {
				f.UpdatedAt, f.Title = aws.String("2026-11-01T09:00:00.000Z"), aws.String("old")
			})); err != nil {
				return nil, err
			}
			for page := securityhub.NewGetFindingsPaginator(c.hub, &securityhub.GetFindingsInput{}); page.HasMorePages(); {
				out, err := page.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, f := range out.Findings {
					if *f.Id == "two" {
						return map[string]any{"title " + *f.Title: true}, nil
					}
				}
			}
			return nil, nil
		}},
	}
}

func otherCalls() []call {
	puts := func(entry map[string]any) func(context.Context, *clients) (any, error) {
		return func(ctx context.Context, c *clients) (any, error) { return c.puts(ctx, entry) }
	}
	return []call{
		{name: "PutEvents", do: puts(map[string]any{"Source": "sagemoat", "DetailType": "x", "Detail": "{}"})},
		{name: "PutEvents, no JSON", do: puts(map[string]any{"Source": "sagemoat", "DetailType": "x", "Detail": "{"})},
		{name: "PutEvents, of AWS", do: puts(map[string]any{"Source": "aws.sagemaker", "DetailType": "x", "Detail": "{}"})},
		{name: "PutEvents, no source", do: puts(map[string]any{"DetailType": "x", "Detail": "{}"})},
		{name: "DescribeTrainingJob, not there", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: aws.String("none")})
		}},
		{name: "DescribeModel, not there", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: aws.String("none")})
		}},
		{name: "DescribeEndpoint, not there", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String("none")})
		}},
		{name: "DescribeNotebookInstance, not there", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.DescribeNotebookInstance(ctx, &sagemaker.DescribeNotebookInstanceInput{NotebookInstanceName: aws.String("none")})
		}},
		{name: "DescribeDomain, not there", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: aws.String("d-000000000000")})
		}},
		{name: "DescribeProcessingJob, not there", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: aws.String("none")})
		}},
		{name: "a training job that runs", do: func(ctx context.Context, c *clients) (any, error) {
			job := trainingOf("doubles", nil, false)
			if _, err := job.make(ctx, c.sm); err != nil {
				return nil, err
			}
			out, err := c.sm.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &job.name})
			if err != nil {
				return nil, err
			}
			return map[string]any{string(out.TrainingJobStatus): true}, nil
		}},
		{name: "StopTrainingJob", do: func(ctx context.Context, c *clients) (any, error) {
			return c.sm.StopTrainingJob(ctx, &sagemaker.StopTrainingJobInput{TrainingJobName: aws.String("doubles")}, func(o *sagemaker.Options) { o.Retryer = aws.NopRetryer{} })
		}},
	}
}
