package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/internal/sweep"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// respond makes the function that alerts people, and alone stops anything.
func (s *Stack) respond() {
	calls := look(respond.Looks())
	calls = append(calls, s.ledgerOf(true, "response#*", "control#baseline", "control#breaker", "control#digest")...)
	calls = append(calls, s.readRules()...)
	calls = append(calls, s.stream()...)
	calls = append(calls,
		statement{sid: "AskHub", actions: []string{"securityhub:GetFindings"}, resources: hubs()},
		statement{
			sid: "SayNotified", actions: []string{"securityhub:BatchUpdateFindings"}, resources: hubs(),
			// It can say that people were told; it cannot suppress or resolve a finding.
			// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html
			condition: map[string]any{
				"StringEquals": map[string]any{asffPath + "Workflow.Status": "NOTIFIED"},
				"Null":         untouched(),
			},
		},
		statement{sid: "Alert", actions: []string{"sns:Publish"}, resources: []*string{s.alerts.Ref()}},
	)
	s.function(function{
		name: "respond", words: "Alerts people, and stops what the rules say is to be stopped", rules: true,
		timeout: 300, memory: 256, concurrency: s.settings["concurrency"].ValueAsNumber(),
		environment: map[string]*string{"SAGEMOAT_TOPIC_ARN": s.alerts.Ref(), "SAGEMOAT_MODE": s.setting("mode")},
		calls:       calls,
	})
	s.readStream("respond")
	// What a person asked for is too late after a quarter of an hour (ADR 0013); it is
	// answered all the same.
	s.asynchronous("respond", 2, 3600)

	routes := awsiam.NewCfnPolicy(s.scope, jsii.String("RespondRoutesPolicy"), &awsiam.CfnPolicyProps{
		PolicyName: jsii.String("routes"), Roles: &[]*string{s.roles["Respond"].Ref()},
		PolicyDocument: map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Sid": "Routes", "Effect": "Allow", "Action": "sns:Publish", "Resource": s.settings["routeTopics"].ValueAsList(),
		}}},
	})
	routes.CfnOptions().SetCondition(s.moreTopics)

	var stops []statement
	for _, row := range kind.Table() {
		for _, operation := range row.Stops {
			if strings.HasPrefix(operation, "Stop") { // deleting is never stopping
				stops = append(stops, statement{sid: operation, actions: []string{"sagemaker:" + operation}, resources: []*string{resources(row)}})
			}
		}
	}
	policy := awsiam.NewCfnPolicy(s.scope, jsii.String("RespondStopPolicy"), &awsiam.CfnPolicyProps{
		PolicyName: jsii.String("stop"), Roles: &[]*string{s.roles["Respond"].Ref()}, PolicyDocument: document(stops...),
	})
	policy.CfnOptions().SetCondition(s.stops)
}

// asffPath begins the condition keys for the members that an update names.
const asffPath = "securityhub:ASFFSyntaxPath/"

// untouched says that an update names none of the other members that it could.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
func untouched() map[string]any {
	out := map[string]any{}
	for _, member := range []string{
		"Confidence", "Criticality", "Note.Text", "Note.UpdatedBy", "RelatedFindings", "Severity.Label", "Severity.Normalized", "Severity.Product",
		"Types", "UserDefinedFields", "VerificationState",
	} {
		out[asffPath+member] = "true"
	}
	return out
}

// sweep makes the function that looks for what no event told of.
func (s *Stack) sweep() {
	calls := []statement{
		{sid: "List", actions: ofSageMaker(sweep.Calls()), resources: []*string{jsii.String("*")}}, // none of them knows resources
		{
			sid: "Hint", actions: []string{"events:PutEvents"}, resources: []*string{arn("events", "event-bus/default")},
			// Of all events of a call; ForAllValues holds of none, too.
			// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
			condition: map[string]any{
				"ForAllValues:StringEquals": map[string]any{"events:source": hintSource, "events:detail-type": hintDetail},
				"Null":                      map[string]any{"events:source": "false", "events:detail-type": "false"},
			},
		},
	}
	calls = append(calls, s.ledgerOf(true, "control#baseline", "control#checkpoint/*", "control#heartbeat/sweep", "control#live-count")...)
	calls = append(calls, s.readRules()...)
	calls = append(calls, s.giveUp())
	s.function(function{
		name: "sweep", words: "Looks for what no event told of", rules: true,
		timeout: 840, memory: 512, concurrency: jsii.Number(1),
		calls: calls,
	})
	s.asynchronous("sweep", 0, 300)
	s.ownRoles()
}
