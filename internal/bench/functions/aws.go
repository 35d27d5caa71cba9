package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// call is a call of AWS, in the words of its model: what boto3 is told.
type call struct {
	Service   string         `json:"service"`
	Operation string         `json:"operation"`
	Input     map[string]any `json:"input"`
}

// cloud answers every call at once, as little as a client takes for an answer. It
// remembers the calls, and the items that were put, which it gives back.
type cloud struct {
	*httptest.Server

	mu    sync.Mutex
	calls []call
	items []map[string]any
}

func newCloud() *cloud {
	c := &cloud{}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	return c
}

// took are the calls since it was last asked.
func (c *cloud) took() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// stored are the items that were put so far.
func (c *cloud) stored() []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.items)
}

// reset forgets the calls, and all items but those.
func (c *cloud) reset(items []map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.items = nil, slices.Clone(items)
}

// targets are the services that name their operation in X-Amz-Target.
var targets = map[string]string{"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "SageMaker": "sagemaker", "AWSEvents": "events"}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	made := read(r, body)
	c.mu.Lock()
	c.calls = append(c.calls, made)
	answer := c.answer(made)
	c.mu.Unlock()
	switch answer := answer.(type) {
	case string:
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, answer)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		json.NewEncoder(w).Encode(answer)
	}
}

// read tells what a request asks for.
func read(r *http.Request, body []byte) call {
	made := call{Service: "unknown", Operation: r.Method + " " + r.URL.Path, Input: map[string]any{}}
	prefix, operation, hasTarget := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	rest := map[string]string{"/findings/import": "BatchImportFindings", "/findings/batchupdate": "BatchUpdateFindings", "/findings": "GetFindings"}[r.URL.Path]
	switch form, err := url.ParseQuery(string(body)); {
	case hasTarget && targets[prefix] != "":
		made.Service, made.Operation = targets[prefix], operation
		json.Unmarshal(body, &made.Input)
	case rest != "":
		made.Service, made.Operation = "securityhub", rest
		json.Unmarshal(body, &made.Input)
	case err == nil && form.Get("Action") != "":
		made.Service, made.Operation, made.Input = "sns", form.Get("Action"), members(form)
	case r.Method == http.MethodGet && strings.Count(r.URL.Path, "/") > 1:
		made.Service, made.Operation = "s3", "GetObject"
		bucket, key, _ := strings.Cut(r.URL.Path[1:], "/")
		made.Input = map[string]any{"Bucket": bucket, "Key": key}
		if owner := r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" {
			made.Input["ExpectedBucketOwner"] = owner
		}
	}
	return made
}

// members undoes the flat form of the query protocol, for what SNS is sent:
// text, and maps of structures (MessageAttributes.entry.1.Value.StringValue).
func members(form url.Values) map[string]any {
	out := map[string]any{}
	for name := range form {
		path := strings.Split(name, ".")
		switch {
		case name == "Action" || name == "Version":
		case len(path) == 1:
			out[name] = form.Get(name)
		case len(path) == 5 && path[1] == "entry" && path[3] == "Value":
			entries, _ := out[path[0]].(map[string]any)
			if entries == nil {
				entries = map[string]any{}
				out[path[0]] = entries
			}
			key := form.Get(strings.Join(path[:3], ".") + ".Name")
			value, _ := entries[key].(map[string]any)
			if value == nil {
				value = map[string]any{}
				entries[key] = value
			}
			value[path[4]] = form.Get(name)
		}
	}
	return out
}

// answer is JSON, or a text.
func (c *cloud) answer(made call) any {
	switch made.Service + "." + made.Operation {
	case "dynamodb.PutItem":
		if item, ok := made.Input["Item"].(map[string]any); ok {
			c.items = append(c.items, item)
		}
	case "dynamodb.GetItem":
		key, _ := made.Input["Key"].(map[string]any)
		for _, item := range slices.Backward(c.items) {
			same := len(key) > 0
			for name, v := range key {
				same = same && fmt.Sprint(item[name]) == fmt.Sprint(v)
			}
			if same {
				return map[string]any{"Item": item}
			}
		}
	case "dynamodb.Query":
		return map[string]any{"Items": []any{}, "Count": 0, "ScannedCount": 0}
	case "securityhub.BatchImportFindings":
		findings, _ := made.Input["Findings"].([]any)
		return map[string]any{"SuccessCount": len(findings), "FailedCount": 0, "FailedFindings": []any{}}
	case "securityhub.GetFindings":
		return map[string]any{"Findings": []any{}}
	case "events.PutEvents":
		entries, _ := made.Input["Entries"].([]any)
		return map[string]any{"FailedEntryCount": 0, "Entries": slices.Repeat([]any{map[string]any{"EventId": "1"}}, len(entries))}
	case "s3.GetObject":
		return rulesFile
	case "sns.Publish":
		return `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`
	}
	return map[string]any{}
}
