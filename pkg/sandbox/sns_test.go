package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func text(dataType, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &dataType, StringValue: &value}
}

// TestPublish: each subscriber gets the body for its protocol, if its filter lets
// the message pass.
func TestPublish(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	topic := b.AddTopic("alerts")
	b.AddTopic("other")
	for _, s := range []sandbox.Subscription{
		{Topic: topic, Protocol: "email", Endpoint: "all@example.com"},
		{Topic: topic, Protocol: "email", Endpoint: "fraud@example.com", FilterPolicy: map[string][]string{"team": {"fraud", "risk"}}},
		{Topic: topic, Protocol: "email", Endpoint: "churn@example.com", FilterPolicy: map[string][]string{"team": {"churn"}}},
		{Topic: topic, Protocol: "email", Endpoint: "low@example.com", FilterPolicy: map[string][]string{"team": {"fraud"}, "severity": {"LOW"}}},
		{Topic: topic, Protocol: "email", Endpoint: "owners@example.com", FilterPolicy: map[string][]string{"owner": {"ana"}}},
		{Topic: topic, Protocol: "email", Endpoint: "rules@example.com", FilterPolicy: map[string][]string{"rules": {"no-bridge"}}},
		{Topic: topic, Protocol: "https", Endpoint: "https://chat.example.com"},
		{Topic: topic, Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-west-1:111122223333:machines"},
		{Topic: b.AddTopic("other"), Protocol: "email", Endpoint: "other@example.com"},
	} {
		b.Subscribe(s)
	}
	out, err := b.sns.Publish(t.Context(), &sns.PublishInput{
		TopicArn: &topic, Subject: aws.String("fraud-7 reaches the Internet"), MessageStructure: aws.String("json"),
		Message: aws.String(`{"default":"d","email":"e","https":"h","chat":{"ignored":1}}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"team": text("String", "fraud"), "severity": text("String", "HIGH"), "rules": text("String.Array", `["vpc-required","no-bridge"]`),
		},
	})
	ok(t, err)
	got := b.Published()
	if len(got) != 1 || got[0].ID != *out.MessageId || got[0].Attributes["team"] != "fraud" || !got[0].Time.Equal(start) {
		t.Fatalf("published %v", got)
	}
	want := "[{email all@example.com e} {email fraud@example.com e} {email rules@example.com e} {https https://chat.example.com h} {sqs arn:aws:sqs:eu-west-1:111122223333:machines d}]"
	if s := fmt.Sprint(got[0].Deliveries); s != want {
		t.Errorf("delivered %s", s)
	}
	_, err = b.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: aws.String("plain")})
	ok(t, err)
	if got := b.Published()[1].Deliveries; len(got) != 3 || got[0].Body != "plain" || got[1].Body != "plain" {
		t.Errorf("delivered %v", got)
	}
}

func TestPublishRefuses(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	topic := b.AddTopic("alerts")
	attribute := func(name string, v types.MessageAttributeValue) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: v}
	}
	for _, test := range []struct {
		name, want string
		in         sns.PublishInput
	}{
		{"256 KB", "", sns.PublishInput{Message: aws.String(strings.Repeat("x", 262_144))}},
		{"a byte more", "InvalidParameter", sns.PublishInput{Message: aws.String(strings.Repeat("x", 262_145))}},
		{"256 KB and an attribute", "InvalidParameter", sns.PublishInput{Message: aws.String(strings.Repeat("x", 262_140)), MessageAttributes: attribute("a", text("String", "b"))}},
		{"no message", "InvalidParameter", sns.PublishInput{Message: aws.String("")}},
		{"another topic", "NotFound", sns.PublishInput{Message: aws.String("x"), TopicArn: aws.String(topic + "2")}},
		{"JSON without default", "InvalidParameter", sns.PublishInput{Message: aws.String(`{"email":"x"}`), MessageStructure: aws.String("json")}},
		{"no JSON", "InvalidParameter", sns.PublishInput{Message: aws.String(`x`), MessageStructure: aws.String("json")}},
		{"null", "InvalidParameter", sns.PublishInput{Message: aws.String(`null`), MessageStructure: aws.String("json")}},
		{"a default that is no string", "InvalidParameter", sns.PublishInput{Message: aws.String(`{"default":{}}`), MessageStructure: aws.String("json")}},
		{"an object for e-mail, which is ignored", "", sns.PublishInput{Message: aws.String(`{"default":"x","email":{}}`), MessageStructure: aws.String("json")}},
		{"another structure", "InvalidParameter", sns.PublishInput{Message: aws.String(`x`), MessageStructure: aws.String("xml")}},
		{"a subject of 99", "", sns.PublishInput{Message: aws.String("x"), Subject: aws.String(strings.Repeat("ü", 99))}},
		{"a subject of 100", "InvalidParameter", sns.PublishInput{Message: aws.String("x"), Subject: aws.String(strings.Repeat("x", 100))}},
		{"a subject of two lines", "InvalidParameter", sns.PublishInput{Message: aws.String("x"), Subject: aws.String("a\nb")}},
		{"an empty attribute", "ParameterValueInvalid", sns.PublishInput{Message: aws.String("x"), MessageAttributes: attribute("team", text("String", ""))}},
		{"an attribute of AWS", "ParameterValueInvalid", sns.PublishInput{Message: aws.String("x"), MessageAttributes: attribute("AWS.team", text("String", "x"))}},
		{"an attribute with a space", "ParameterValueInvalid", sns.PublishInput{Message: aws.String("x"), MessageAttributes: attribute("the team", text("String", "x"))}},
		{"a list that is none", "ParameterValueInvalid", sns.PublishInput{Message: aws.String("x"), MessageAttributes: attribute("team", text("String.Array", "x"))}},
		{"a number", "ParameterValueInvalid", sns.PublishInput{Message: aws.String("x"), MessageAttributes: attribute("team", text("Number", "1"))}},
	} {
		if test.in.TopicArn == nil {
			test.in.TopicArn = &topic
		}
		before := len(b.Published())
		_, err := b.sns.Publish(t.Context(), &test.in)
		wantCode(t, test.name, err, test.want)
		if after := len(b.Published()); (after > before) != (err == nil) {
			t.Errorf("%s: published %d", test.name, after-before)
		}
	}
	_, err := b.sns.ListTopics(t.Context(), &sns.ListTopicsInput{})
	wantCode(t, "an operation that is not served", err, "InvalidAction")
}
