package dynamolocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Stream reads the stream of a table, and tells it as Lambda does.
type Stream struct {
	client *dynamodbstreams.Client
	arn    string
	next   map[string]*string // iterators by shard; nil at a shard's end
}

// Next returns the records since the last time, which may be none.
func (s *Stream) Next(ctx context.Context) (records []events.DynamoDBEventRecord, err error) {
	out, err := s.client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn})
	if err != nil {
		return nil, err
	}
	for _, shard := range out.StreamDescription.Shards {
		id := *shard.ShardId
		if _, known := s.next[id]; !known {
			first, err := s.client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
				StreamArn: &s.arn, ShardId: &id, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
			})
			if err != nil {
				return nil, err
			}
			s.next[id] = first.ShardIterator
		}
		for s.next[id] != nil {
			page, err := s.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: s.next[id]})
			if err != nil {
				return nil, err
			}
			s.next[id] = page.NextShardIterator
			for i := range page.Records {
				r, err := s.event(&page.Records[i])
				if err != nil {
					return nil, err
				}
				records = append(records, r)
			}
			if len(page.Records) == 0 {
				break
			}
		}
	}
	return records, nil
}

// event is a record as Lambda sends it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func (s *Stream) event(r *types.Record) (out events.DynamoDBEventRecord, err error) {
	images := []map[string]any{{}, {}, {}}
	for i, from := range []map[string]types.AttributeValue{r.Dynamodb.Keys, r.Dynamodb.NewImage, r.Dynamodb.OldImage} {
		for name, v := range from {
			if images[i][name], err = attribute(v); err != nil {
				return out, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	change := map[string]any{
		"Keys": images[0], "SequenceNumber": r.Dynamodb.SequenceNumber, "SizeBytes": r.Dynamodb.SizeBytes,
		"StreamViewType": r.Dynamodb.StreamViewType,
	}
	if t := r.Dynamodb.ApproximateCreationDateTime; t != nil {
		change["ApproximateCreationDateTime"] = t.Unix()
	}
	if r.Dynamodb.NewImage != nil {
		change["NewImage"] = images[1]
	}
	if r.Dynamodb.OldImage != nil {
		change["OldImage"] = images[2]
	}
	event := map[string]any{
		"eventID": r.EventID, "eventName": r.EventName, "eventVersion": r.EventVersion, "eventSource": r.EventSource,
		"awsRegion": r.AwsRegion, "eventSourceARN": s.arn, "dynamodb": change,
	}
	if who := r.UserIdentity; who != nil {
		event["userIdentity"] = map[string]any{"type": who.Type, "principalId": who.PrincipalId}
	}
	b, err := json.Marshal(event)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

// attribute is a value in DynamoDB's JSON.
func attribute(v types.AttributeValue) (any, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]string{"S": v.Value}, nil
	case *types.AttributeValueMemberN:
		return map[string]string{"N": v.Value}, nil
	}
	return nil, errors.New("a type of attribute that no table here has")
}
