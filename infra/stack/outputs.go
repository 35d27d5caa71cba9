package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// outputs are what people and sagemoat doctor find the stack's parts by.
func (s *Stack) outputs() {
	output := func(key, words string, value *string) awscdk.CfnOutput {
		return awscdk.NewCfnOutput(s.scope, jsii.String(key), &awscdk.CfnOutputProps{Value: value, Description: jsii.String(words)})
	}
	// The id of an output is its key, which a parameter of the name would take.
	renamed := func(key, words string, value *string) {
		output(key+"Output", words, value).OverrideLogicalId(jsii.String(key))
	}
	output("Version", "The build that is deployed", jsii.String(s.version()))
	renamed("Mode", "The most that may be done about what fails", s.setting("mode"))
	output("LedgerTableName", "Table of the ledger", s.table.Ref())
	output("EventQueueUrl", "Queue that audit reads", s.queue.Ref())
	output("EventDeadLetterQueueUrl", "Events that could not be delivered or handled", s.eventLetters.Ref())
	output("StreamDeadLetterQueueUrl", "What a function failed for until it gave up", s.streamLetters.Ref())
	output("FindingDeadLetterQueueUrl", "Findings that Security Hub refuses", s.findingLetters.Ref())
	output("AlertTopicArn", "Alerts about resources", s.alerts.Ref())
	output("OperationsTopicArn", "Alarms about sagemoat", s.operations.Ref())
	output("RulesBucketName", "Bucket of the rules file", s.rulesBucketName())
	renamed("RulesKey", "Key of the rules file; - where the built-in rules are in force", chooseText(s.hasRules, s.setting("rulesKey"), jsii.String("-")))
	renamed("RulesOwner", "Account that owns the bucket", s.rulesOwner())
	for _, name := range []string{"audit", "publish", "respond", "sweep"} {
		output(function{name: name}.title()+"FunctionName", "The function "+name, s.functions[name].Ref())
	}
	output("EventRuleNames", "The rules that feed the queue", jsii.String(strings.Join(s.eventRules, ",")))
	output("ScheduleGroupName", "The schedules", jsii.String(Name))
	action := output("CustomActionArn", "The custom action in Security Hub", arn("securityhub", "action/custom/SagemoatStop"))
	action.SetCondition(s.hub)
}
