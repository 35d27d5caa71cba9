package stack

import (
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/respond"
)

const (
	hintSource = events.HintSource
	hintDetail = events.HintDetail
)

// pseudo is a pseudo parameter of CloudFormation in a text.
var pseudo = regexp.MustCompile(`\$\{AWS::[A-Za-z]+\}`)

// The most that EventBridge tries to deliver an event: for a day.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
const (
	retryFor = 24 * 3600
	retries  = 185
)

// rule is a rule of the default event bus. What it cannot deliver goes to the
// dead letter queue.
func (s *Stack) rule(r events.Rule, to *string, transform *awsevents.CfnRule_InputTransformerProperty) awsevents.CfnRule {
	target := &awsevents.CfnRule_TargetProperty{
		Id: jsii.String("target"), Arn: to,
		RetryPolicy:      &awsevents.CfnRule_RetryPolicyProperty{MaximumEventAgeInSeconds: jsii.Number(retryFor), MaximumRetryAttempts: jsii.Number(retries)},
		DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: s.eventLetters.AttrArn()},
	}
	if transform != nil {
		target.InputTransformer = transform
	}
	return awsevents.NewCfnRule(s.scope, jsii.String(id(r.Name)+"Rule"), &awsevents.CfnRuleProps{
		Name: named(r.Name), Description: jsii.String(r.Words), State: jsii.String("ENABLED"), EventPattern: pattern(r.Pattern),
		Targets: []any{target},
	})
}

// id is a name as CloudFormation's ids are written: CallsAndMore of calls-and-more.
func id(name string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}

// events makes the rules that bring audit its events, and those that watch over
// sagemoat itself.
func (s *Stack) events() {
	var feeding, all []*string
	for _, r := range events.Patterns() {
		feeding = append(feeding, s.rule(r, s.queue.AttrArn(), nil).AttrArn())
		s.eventRules = append(s.eventRules, *named(r.Name))
	}
	all = append(all, feeding...)
	all = append(all, s.customAction())
	var watching []*string
	for _, r := range events.Tampering(s.deployed()) {
		watching = append(watching, s.rule(r, s.operations.Ref(), tampering(r.Words)).AttrArn())
	}
	all = append(all, watching...)
	s.queuePolicies(feeding, all)
	s.operationsPolicy(watching)
}

// customAction has Security Hub's custom action wake respond.
func (s *Stack) customAction() (rule *string) {
	fn := s.functions["respond"]
	r := s.rule(events.CustomAction(respond.ActionID), fn.AttrArn(), nil)
	awslambda.NewCfnPermission(s.scope, jsii.String("CustomActionPermission"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: fn.Ref(), Principal: jsii.String("events.amazonaws.com"),
		SourceArn: r.AttrArn(), SourceAccount: awscdk.Aws_ACCOUNT_ID(),
	})
	return r.AttrArn()
}

// tampering is what those who run sagemoat are told, in words.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
func tampering(words string) *awsevents.CfnRule_InputTransformerProperty {
	return &awsevents.CfnRule_InputTransformerProperty{
		InputPathsMap: map[string]any{
			"account": "$.account", "region": "$.region", "at": "$.detail.eventTime",
			"what": "$.detail.eventName", "who": "$.detail.userIdentity.arn", "from": "$.detail.sourceIPAddress", "event": "$.detail.eventID",
		},
		InputTemplate: jsii.String(`"sagemoat, ` + words + `: <what> by <who> from <from> at <at> (account <account>, <region>, CloudTrail event <event>). If nobody planned this, see docs/operations.md, Tampering."`),
	}
}
