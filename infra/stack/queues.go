package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// auditTimeout is how many seconds an invocation of audit may take.
const auditTimeout = 60

// receives is how often a message is received before it is given up: what is
// waited for is received again, too (docs/functions.md).
const receives = 20

// twoWeeks is the longest that SQS keeps a message, in seconds.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const twoWeeks = 14 * 24 * 3600

// queues makes the queue that audit reads, and those for what is given up. All are
// encrypted with SQS's own keys: EventBridge cannot use the one that AWS manages
// for an account, and one of the customer's needs grants that this template cannot
// make. https://github.com/aws/aws-cdk/issues/33169
func (s *Stack) queues() {
	letters := func(id string) awssqs.CfnQueue {
		return awssqs.NewCfnQueue(s.scope, jsii.String(id), &awssqs.CfnQueueProps{
			SqsManagedSseEnabled: jsii.Bool(true), MessageRetentionPeriod: jsii.Number(twoWeeks),
		})
	}
	s.eventLetters = letters("EventDeadLetterQueue")
	s.streamLetters = letters("StreamDeadLetterQueue")
	s.findingLetters = letters("FindingDeadLetterQueue")
	s.queue = awssqs.NewCfnQueue(s.scope, jsii.String("EventQueue"), &awssqs.CfnQueueProps{
		SqsManagedSseEnabled:   jsii.Bool(true),
		MessageRetentionPeriod: jsii.Number(twoWeeks),
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
		VisibilityTimeout: jsii.Number(6 * auditTimeout),
		RedrivePolicy:     map[string]any{"deadLetterTargetArn": s.eventLetters.AttrArn(), "maxReceiveCount": receives},
	})
	awssqs.NewCfnQueuePolicy(s.scope, jsii.String("StreamDeadLetterQueuePolicy"), &awssqs.CfnQueuePolicyProps{
		Queues:         &[]*string{s.streamLetters.Ref(), s.findingLetters.Ref()},
		PolicyDocument: document(onlyTLS("sqs:*", s.streamLetters.AttrArn(), s.findingLetters.AttrArn())),
	})
}

// fromRules lets EventBridge send for these rules to a queue.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
func fromRules(queue awssqs.CfnQueue, rules []*string) statement {
	return statement{
		sid: "EventBridge", principal: service("events"), actions: []string{"sqs:SendMessage"}, resources: []*string{queue.AttrArn()},
		condition: map[string]any{
			"ArnEquals":    map[string]any{"aws:SourceArn": one(rules)},
			"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()},
		},
	}
}

// queuePolicies say who may send: to audit's queue EventBridge for our rules, and
// nobody else, whatever their own policies allow. A message there is believed as
// far as a record of CloudTrail is.
func (s *Stack) queuePolicies(feeding, all []*string) {
	nobodyElse := statement{
		sid: "NobodyElse", deny: true, principal: anyone(), actions: []string{"sqs:SendMessage"}, resources: []*string{s.queue.AttrArn()},
		// A key that is absent is not equal either: so it is for whoever is no service.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
		condition: map[string]any{"ArnNotEquals": map[string]any{"aws:SourceArn": one(feeding)}},
	}
	awssqs.NewCfnQueuePolicy(s.scope, jsii.String("EventQueuePolicy"), &awssqs.CfnQueuePolicyProps{
		Queues:         &[]*string{s.queue.Ref()},
		PolicyDocument: document(fromRules(s.queue, feeding), nobodyElse, onlyTLS("sqs:*", s.queue.AttrArn())),
	})
	awssqs.NewCfnQueuePolicy(s.scope, jsii.String("EventDeadLetterQueuePolicy"), &awssqs.CfnQueuePolicyProps{
		Queues:         &[]*string{s.eventLetters.Ref()},
		PolicyDocument: document(fromRules(s.eventLetters, all), onlyTLS("sqs:*", s.eventLetters.AttrArn())),
	})
}
