package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
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
			out = append(out, judgeTopic(x, arn, t.of, subscriptions(ctx, x, arn)))
		}
		return out
	}}
}

// subscribed is how many hear of a topic, and how many have yet to confirm.
type subscribed struct{ confirmed, pending int }

// subscriptions counts those of a topic.
// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
func subscriptions(ctx context.Context, x *session, arn string) answer[subscribed] {
	const action = "sns:ListSubscriptionsByTopic"
	var n subscribed
	for pages := sns.NewListSubscriptionsByTopicPaginator(x.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return answered(action, n, err)
		}
		for _, s := range page.Subscriptions {
			if strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				n.confirmed++
			} else {
				n.pending++ // PendingConfirmation
			}
		}
	}
	return answered(action, n, nil)
}

// judgeTopic says whether anybody hears of what is told to a topic.
func judgeTopic(x *session, arn, of string, a answer[subscribed]) Line {
	switch n := a.value; {
	case a.missing():
		return line("topics", Failed, "the topic of "+of+" is not there", "make deploy")
	case !a.got:
		return a.unknown("topics")
	case n.confirmed == 0 && n.pending > 0:
		return line("topics", Failed, fmt.Sprintf("nobody hears of %s: %d subscriptions wait to be confirmed", of, n.pending), x.aws("sns", "list-subscriptions-by-topic", "--topic-arn", arn)).
			with("whoever was invited has to follow the link in the mail, within two days")
	case n.confirmed == 0:
		return line("topics", Failed, "nobody hears of "+of, x.aws("sns", "subscribe", "--topic-arn", arn, "--protocol", "email", "--notification-endpoint", "NAME@EXAMPLE.COM"))
	default:
		return line("topics", OK, fmt.Sprintf("%d subscribed to %s", n.confirmed, of))
	}
}
