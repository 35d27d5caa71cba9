package doctor

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func topicsSubject() subject {
	return subject{"Topics", []Check{
		{ID: "topics", Why: "what is told to a topic that nobody subscribed to is told to nobody", Deployed: true},
	}, func(ctx context.Context, x *session) (out []Line) {
		if x.stack == nil {
			return nil
		}
		for _, t := range []struct{ output, of string }{{OutAlertTopic, "alerts"}, {OutOperationsTopic, "alarms"}} {
			arn := x.stack.out(t.output)
			if arn == "" {
				continue
			}
			got, err := x.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
			a := answer[map[string]string]{err: err, action: "sns:GetTopicAttributes"}
			if err == nil {
				a.value, a.got = got.Attributes, true
			}
			out = append(out, judgeTopic(x, arn, t.of, a))
		}
		return out
	}}
}

// judgeTopic says whether anybody hears of what is told to a topic.
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
func judgeTopic(x *session, arn, of string, a answer[map[string]string]) Line {
	if a.missing() {
		return line("topics", Failed, "the topic of "+of+" is not there", "make deploy")
	}
	if !a.got {
		return a.unknown("topics")
	}
	n, err := strconv.Atoi(a.value["SubscriptionsConfirmed"])
	pending, _ := strconv.Atoi(a.value["SubscriptionsPending"])
	subscribe := x.aws("sns", "subscribe", "--topic-arn", arn, "--protocol", "email", "--notification-endpoint", "NAME@EXAMPLE.COM")
	switch {
	case err != nil:
		return line("topics", Unknown, "SNS does not say who is subscribed to the topic of "+of)
	case n == 0 && pending > 0:
		return line("topics", Failed, fmt.Sprintf("nobody hears of %s: %d subscriptions wait to be confirmed", of, pending), x.aws("sns", "list-subscriptions-by-topic", "--topic-arn", arn)).
			with("whoever was invited has to follow the link in the mail, within two days")
	case n == 0:
		return line("topics", Failed, "nobody hears of "+of, subscribe)
	}
	return line("topics", OK, fmt.Sprintf("%d subscribed to %s", n, of))
}
