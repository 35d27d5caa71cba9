package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// rulesFile is what S3 gives.
var rulesFile = string(rules.Starter())

// subject is how a function is measured.
type subject struct {
	clients string // what a boto3 handler would need, of AWS
	decode  string // what the events are, for the handler that only decodes them
	// first is the event of the first invocation, which makes calls.
	first func(given) any
	// idle are events that are decoded, found to need nothing, and lead to no call.
	// Without any warm is not measured.
	idle func(given) []idle
	// paced says that the function keeps its calls to a rate, which decides how
	// long the first invocation takes: it is made once, and not timed.
	paced bool
}

// idle is an event of a warm invocation.
type idle struct {
	what  string
	event any
}

// given is what events are made of.
type given struct {
	record  []byte         // of CloudTrail, of CreateTrainingJob
	written map[string]any // the item that audit wrote last
}

// subjects are the functions by name. audit is first: the others work on what it
// writes.
var subjects = map[string]subject{
	"audit": {
		clients: "dynamodb s3 sagemaker sqs", decode: "sqs",
		first: func(g given) any { return queued(g.record) },
		idle: func(given) []idle {
			return []idle{{"an event of EC2", queued([]byte(`{"eventVersion":"1.11","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"eu-west-1","eventTime":"2026-11-02T09:14:07Z","eventID":"6d0b2d52-1c8e-4a0f-9c39-1c4e2f0b7a11","recipientAccountId":"111122223333"}`))}}
		},
	},
	"publish": {
		clients: "dynamodb securityhub sqs", decode: "dynamodb",
		first: func(g given) any { return streamed("INSERT", nil, g.written) },
		idle:  unchanged,
	},
	"respond": {
		clients: "dynamodb s3 sagemaker securityhub sns", decode: "dynamodb",
		first: func(g given) any { return streamed("INSERT", nil, g.written) },
		idle:  unchanged,
	},
	"sweep": {
		clients: "dynamodb s3 sagemaker events",
		first:   func(given) any { return object{"source": "aws.scheduler"} },
		paced:   true,
	},
}

// environment is what the functions are told, beside what Lambda tells them.
func environment(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test",
		"SAGEMOAT_ACCOUNT=111122223333",
		"SAGEMOAT_TABLE=ledger",
		"SAGEMOAT_RULES_BUCKET=rules", "SAGEMOAT_RULES_KEY=rules.yaml", "SAGEMOAT_RULES_OWNER=111122223333",
		"SAGEMOAT_QUEUE_URL=" + endpoint + "/111122223333/events",
		"SAGEMOAT_DEAD_LETTER_URL=" + endpoint + "/111122223333/dead",
		"SAGEMOAT_OWN_ROLES=arn:aws:iam::111122223333:role/sagemoat-audit",
		"SAGEMOAT_TOPIC_ARN=arn:aws:sns:eu-west-1:111122223333:alerts", "SAGEMOAT_MODE=stop",
	}
}

type object = map[string]any

// queued is a batch of one message, which holds a record as EventBridge sends it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func queued(detail []byte) any {
	body, err := json.Marshal(object{
		"version": "0", "id": "8c0a7c1e-6b5e-4b1e-9f0e-2f8a5c1d7e31", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sagemaker",
		"account": "111122223333", "time": "2026-11-02T09:14:07Z", "region": "eu-west-1", "resources": []string{}, "detail": json.RawMessage(detail),
	})
	if err != nil {
		panic(err) // the records are ours
	}
	return object{"Records": []object{{
		"messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "receipt", "body": string(body),
		"attributes":        object{"ApproximateReceiveCount": "1", "SentTimestamp": "1793610847250", "ApproximateFirstReceiveTimestamp": "1793610847300"},
		"messageAttributes": object{}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:events", "awsRegion": "eu-west-1",
	}}}
}

// streamed is a batch of one change of the ledger.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func streamed(name string, before, after map[string]any) any {
	change := object{
		"ApproximateCreationDateTime": 1793610848, "SequenceNumber": "4421584500000000017450439091", "SizeBytes": 1024,
		"StreamViewType": "NEW_AND_OLD_IMAGES", "NewImage": after,
	}
	if before != nil {
		change["OldImage"] = before
	}
	return object{"Records": []object{{
		"eventID": "c4ca4238a0b923820dcc509a6f75849b", "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
		"dynamodb": change, "eventSourceARN": "arn:aws:dynamodb:eu-west-1:111122223333:table/ledger/stream/2026-11-02T00:00:00.000",
	}}}
}

// unchanged are changes of the ledger that change nothing for anybody.
func unchanged(g given) []idle {
	control := object{
		"pk": object{"S": "control#heartbeat"}, "version": object{"N": "7"}, "doc": object{"S": `{"At":"2026-11-02T09:14:07Z"}`},
	}
	entry := passing(g.written)
	return []idle{{"a control", streamed("MODIFY", control, control)}, {"an entry", streamed("MODIFY", entry, entry)}}
}

// passing is an entry of the ledger that is judged again and passes as before:
// what most changes of the ledger are.
func passing(item map[string]any) map[string]any {
	doc, _ := item["doc"].(object)
	text, _ := doc["S"].(string)
	var e ledger.Entry
	err := json.Unmarshal([]byte(text), &e)
	e.Verdict.Compliance = rules.Passed
	b, encodeErr := ledger.Encode(e)
	if err = errors.Join(err, encodeErr); err != nil {
		panic(err) // audit wrote it
	}
	out := maps.Clone(item)
	out["doc"] = object{"S": string(b)}
	return out
}

// tally counts calls by operation, for people to read.
func tally(calls []call) string {
	if len(calls) == 0 {
		return "no calls"
	}
	counts := map[string]int{}
	for _, c := range calls {
		counts[c.Service+":"+c.Operation]++
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 1 {
			name += fmt.Sprint(" x", counts[name])
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
