package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// topics makes the topic of alerts about resources, which respond writes to, and
// the one of alarms about sagemoat, which CloudWatch and EventBridge write to.
func (s *Stack) topics() {
	topic := func(id, name, email string) awssns.CfnTopic {
		t := awssns.NewCfnTopic(s.scope, jsii.String(id), &awssns.CfnTopicProps{TopicName: named(name)})
		given := awscdk.NewCfnCondition(s.scope, jsii.String("Has"+id+"Email"), &awscdk.CfnConditionProps{
			Expression: awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(s.setting(email), jsii.String(""))),
		})
		mail := awssns.NewCfnSubscription(s.scope, jsii.String(id+"Email"), &awssns.CfnSubscriptionProps{
			TopicArn: t.Ref(), Protocol: jsii.String("email"), Endpoint: s.setting(email),
		})
		mail.CfnOptions().SetCondition(given)
		return t
	}
	s.alerts = topic("AlertTopic", "alerts", "alertEmail")
	s.operations = topic("OperationsTopic", "operations", "operationsEmail")
	awssns.NewCfnTopicPolicy(s.scope, jsii.String("AlertTopicPolicy"), &awssns.CfnTopicPolicyProps{
		Topics:         &[]*string{s.alerts.Ref()},
		PolicyDocument: document(onlyTLS("sns:Publish", s.alerts.Ref())),
	})
}

// operationsPolicy says who may write to the topic of alarms: our alarms and the
// rules that watch over sagemoat itself.
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
func (s *Stack) operationsPolicy(rules []*string) {
	allow := func(sid, from, operator string, sources any) statement {
		return statement{
			sid: sid, principal: service(from), actions: []string{"sns:Publish"}, resources: []*string{s.operations.Ref()},
			condition: map[string]any{
				operator:       map[string]any{"aws:SourceArn": sources},
				"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()},
			},
		}
	}
	awssns.NewCfnTopicPolicy(s.scope, jsii.String("OperationsTopicPolicy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{s.operations.Ref()},
		PolicyDocument: document(
			allow("Alarms", "cloudwatch", "ArnLike", arn("cloudwatch", "alarm:"+*named("*"))),
			allow("Rules", "events", "ArnEquals", one(rules)),
			onlyTLS("sns:Publish", s.operations.Ref()),
		),
	})
}
