package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// publish makes the function that tells Security Hub.
func (s *Stack) publish() {
	calls := []statement{{
		sid: "Import", actions: []string{"securityhub:BatchImportFindings"},
		resources: []*string{arn("securityhub", "product/${AWS::AccountId}/default")},
		// Findings about this account, and no other.
		// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecurityhub.html
		condition: map[string]any{"StringEquals": map[string]any{"securityhub:TargetAccount": awscdk.Aws_ACCOUNT_ID()}},
	}}
	calls = append(calls, s.ledgerOf(true)...)
	calls = append(calls, s.stream()...)
	calls = append(calls, statement{sid: "Refused", actions: []string{"sqs:SendMessage"}, resources: []*string{s.findingLetters.AttrArn()}})
	s.function(function{
		name: "publish", words: "Tells Security Hub what the ledger holds",
		timeout: 120, memory: 256, concurrency: s.settings["concurrency"].ValueAsNumber(),
		environment: map[string]*string{"SAGEMOAT_DEAD_LETTER_URL": s.findingLetters.Ref()},
		calls:       calls,
	})
	s.readStream("publish")
	s.asynchronous("publish", 2, 3600)
}

// hubs are the ARNs of the account's Security Hub.
func hubs() []*string { return []*string{arn("securityhub", "hub/default")} }
