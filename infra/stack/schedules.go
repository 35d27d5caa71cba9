package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"
)

// tick is the event of a schedule, by which the functions tell it.
const tick = `{"source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`

// schedules makes the schedules. They are EventBridge Scheduler's, and no rules of
// EventBridge: who switches our rules off does not switch the sweep off with them.
func (s *Stack) schedules() {
	group := awsscheduler.NewCfnScheduleGroup(s.scope, jsii.String("Schedules"), &awsscheduler.CfnScheduleGroupProps{
		Name: jsii.String(Name),
	})
	var invoked []*string
	for _, name := range []string{"publish", "respond", "sweep"} {
		invoked = append(invoked, s.functions[name].AttrArn())
	}
	role := awsiam.NewCfnRole(s.scope, jsii.String("ScheduleRole"), &awsiam.CfnRoleProps{
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
		AssumeRolePolicyDocument: trust("scheduler", map[string]any{"aws:SourceArn": group.AttrArn()}),
		Description:              jsii.String("sagemoat: what its schedules may do"),
		PermissionsBoundary:      s.boundary(),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{PolicyName: jsii.String("calls"), PolicyDocument: document(
			statement{sid: "Invoke", actions: []string{"lambda:InvokeFunction"}, resources: invoked},
			statement{sid: "GiveUp", actions: []string{"sqs:SendMessage"}, resources: []*string{s.eventLetters.AttrArn()}},
		)}},
	})
	schedule := func(name, function, words, expression string, oldest float64) {
		awsscheduler.NewCfnSchedule(s.scope, jsii.String(id(name)+"Schedule"), &awsscheduler.CfnScheduleProps{
			Name: jsii.String(name), GroupName: group.Ref(), Description: jsii.String(words), State: jsii.String("ENABLED"),
			ScheduleExpression: jsii.String(expression),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn: s.functions[function].AttrArn(), RoleArn: role.AttrArn(), Input: jsii.String(tick),
				// The next tick does what this one did not.
				RetryPolicy:      &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumEventAgeInSeconds: jsii.Number(oldest), MaximumRetryAttempts: jsii.Number(2)},
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: s.eventLetters.AttrArn()},
			},
		})
	}
	schedule("sweep", "sweep", "Looks for what no event told of", "rate(15 minutes)", 300)
	schedule("respond", "respond", "What is due: stops after their grace, confirmations, digests", "rate(1 minute)", 60)
	schedule("publish", "publish", "Imports again what the stream may have lost", "rate(1 day)", 3600)
}
