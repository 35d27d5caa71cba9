package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecurityhub"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// securityHub makes what people use in Security Hub: the custom action that asks
// for a stop, and insights. CloudFormation has no type for the action, so that the
// function setup makes it.
func (s *Stack) securityHub() {
	fn := s.function(function{
		name: "setup", words: "Makes the custom action in Security Hub while the stack is deployed",
		timeout: 60, memory: 128, concurrency: jsii.Number(1),
		calls: []statement{{
			sid:     "Action",
			actions: []string{"securityhub:CreateActionTarget", "securityhub:DeleteActionTarget", "securityhub:UpdateActionTarget"}, resources: hubs(),
		}},
	})
	action := awscdk.NewCfnCustomResource(s.scope, jsii.String("CustomAction"), &awscdk.CfnCustomResourceProps{ServiceToken: fn.AttrArn()})
	// A list: the template has these in the order in which they are added.
	for _, property := range []struct {
		name  string
		value any
	}{
		{"Id", respond.ActionID},
		{"Name", "Stop this job"},
		{"Description", "Ask sagemoat to stop the SageMaker AI resource of the finding"},
		{"ServiceTimeout", 300},
		{"Version", s.version()}, // a new build sees to it again
	} {
		action.AddPropertyOverride(jsii.String(property.name), property.value)
	}
	action.CfnOptions().SetCondition(s.hub)
	s.insights()
}

// insights are what to look at first. What is grouped by is the account, for an
// administrator of Security Hub sees those of all.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-custom-insights.html
func (s *Stack) insights() {
	text := func(value string) any {
		return &awssecurityhub.CfnInsight_StringFilterProperty{Comparison: jsii.String("EQUALS"), Value: jsii.String(value)}
	}
	field := func(key, value string) any {
		return &awssecurityhub.CfnInsight_MapFilterProperty{Comparison: jsii.String("EQUALS"), Key: jsii.String(key), Value: jsii.String(value)}
	}
	insight := func(name, words, group string, f awssecurityhub.CfnInsight_AwsSecurityFindingFiltersProperty) {
		f.ProductName = []any{text("sagemoat")}
		i := awssecurityhub.NewCfnInsight(s.scope, jsii.String(name+"Insight"), &awssecurityhub.CfnInsightProps{
			Name: jsii.String("sagemoat: " + words), GroupByAttribute: jsii.String(group), Filters: &f,
		})
		i.CfnOptions().SetCondition(s.hub)
	}
	open := func(fields ...any) awssecurityhub.CfnInsight_AwsSecurityFindingFiltersProperty {
		f := awssecurityhub.CfnInsight_AwsSecurityFindingFiltersProperty{
			RecordState:    []any{text("ACTIVE")},
			WorkflowStatus: []any{text("NEW"), text("NOTIFIED")},
		}
		if fields != nil {
			f.ProductFields = fields
		} else {
			f.ComplianceStatus = []any{text("FAILED")}
		}
		return f
	}
	insight("OpenByAccount", "open, by account", "AwsAccountId", open())
	insight("OpenByRule", "open, by rule", "GeneratorId", open())
	insight("OpenBridges", "open bridges between a VPC and the Internet (class c), by account", "AwsAccountId", open(field("sagemoat/class", "c")))
	insight("OpenInternet", "open with an Internet path of their own (class b-internet), by account", "AwsAccountId", open(field("sagemoat/class", "b-internet")))
	insight("Unknown", "not known (class unknown), by account", "AwsAccountId", open(field("sagemoat/class", "unknown")))
	insight("Stops", "stopped, by account", "AwsAccountId", awssecurityhub.CfnInsight_AwsSecurityFindingFiltersProperty{
		ProductFields: []any{field("sagemoat/stop", string(ledger.Requested)), field("sagemoat/stop", string(ledger.Confirmed))},
	})
}
