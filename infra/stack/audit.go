package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// looks are the calls by which audit looks at what the table knows.
func looks() []string {
	operations := []string{"DescribePipelineDefinitionForExecution", "ListPipelineParametersForExecution", "ListTags"}
	for _, row := range kind.Table() {
		operations = append(operations, row.Describe.Name)
	}
	return operations
}

// look lets a role make these calls of SageMaker's, in this account and Region.
func look(operations []string) []statement {
	return []statement{{sid: "Look", actions: ofSageMaker(operations), resources: []*string{arn("sagemaker", "*")}}}
}

// ofSageMaker are operations of SageMaker's as actions of IAM.
func ofSageMaker(operations []string) []string {
	var actions []string
	for _, o := range operations {
		actions = append(actions, "sagemaker:"+o)
	}
	return sorted(actions)
}

// ledgerOf lets a role read items of the ledger, and write those whose keys begin
// so. Nobody else writes them.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func (s *Stack) ledgerOf(queries bool, writes ...string) []statement {
	out := []statement{{sid: "ReadLedger", actions: []string{"dynamodb:GetItem"}, resources: []*string{s.table.AttrArn()}}}
	if queries {
		index := awscdk.Fn_Join(jsii.String(""), &[]*string{s.table.AttrArn(), jsii.String("/index/state")})
		out = append(out, statement{sid: "ListLedger", actions: []string{"dynamodb:Query"}, resources: []*string{index}})
	}
	if writes != nil {
		out = append(out, statement{
			sid: "WriteLedger", actions: []string{"dynamodb:PutItem"}, resources: []*string{s.table.AttrArn()},
			// The key is there in every PutItem; that it is not absent is said all the same,
			// for ForAllValues holds of nothing.
			condition: map[string]any{
				"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": one(writes)},
				"Null":                    map[string]any{"dynamodb:LeadingKeys": "false"},
			},
		})
	}
	return out
}

// readRules lets a role read the rules file, from the account that owns it.
func (s *Stack) readRules() []statement {
	object := awscdk.Fn_Join(jsii.String(""), &[]*string{
		awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:s3:::"), nil), s.rulesBucketName(), jsii.String("/"), s.setting("rulesKey"),
	})
	return []statement{{
		sid: "ReadRules", actions: []string{"s3:GetObject"}, resources: []*string{object},
		condition: map[string]any{"StringEquals": map[string]any{"s3:ResourceAccount": s.rulesOwner()}},
	}}
}

// stream lets Lambda read the ledger's stream for a function, and tell what was
// given up. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
func (s *Stack) stream() []statement {
	return []statement{
		{sid: "Stream", actions: []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, resources: []*string{s.table.AttrStreamArn()}},
		{sid: "FindStreams", actions: []string{"dynamodb:ListStreams"}, resources: []*string{jsii.String("*")}},
		s.giveUp(),
	}
}

// giveUp lets Lambda tell of what a function failed for.
func (s *Stack) giveUp() statement {
	return statement{sid: "GiveUp", actions: []string{"sqs:SendMessage"}, resources: []*string{s.streamLetters.AttrArn()}}
}

// audit makes the function that judges, and alone writes verdicts.
func (s *Stack) audit() {
	calls := look(looks())
	calls = append(calls, s.ledgerOf(false, "entry#*", "control#rules")...)
	calls = append(calls, s.readRules()...)
	calls = append(calls, statement{
		sid: "Queue", actions: []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, resources: []*string{s.queue.AttrArn()},
	})
	fn := s.function(function{
		name: "audit", words: "Judges what events tell of, and writes the verdicts into the ledger", rules: true,
		timeout: auditTimeout, memory: 256, concurrency: s.settings["concurrency"].ValueAsNumber(),
		environment: map[string]*string{"SAGEMOAT_QUEUE_URL": s.queue.Ref()},
		calls:       calls,
	})
	awslambda.NewCfnEventSourceMapping(s.scope, jsii.String("AuditQueue"), &awslambda.CfnEventSourceMappingProps{
		FunctionName: fn.Ref(), EventSourceArn: s.queue.AttrArn(), BatchSize: jsii.Number(10),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
		// More at once than may run would be throttled, and each throttled batch counts
		// as received. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
		ScalingConfig: &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: s.settings["concurrency"].ValueAsNumber()},
	})
}

// ownRoles has audit know what we do ourselves. The roles are made by then.
func (s *Stack) ownRoles() {
	var arns []*string
	for _, name := range []string{"Audit", "Publish", "Respond", "Sweep"} {
		arns = append(arns, s.roles[name].AttrArn())
	}
	s.functions["audit"].AddPropertyOverride(jsii.String("Environment.Variables.SAGEMOAT_OWN_ROLES"), awscdk.Fn_Join(jsii.String(","), &arns))
}

// resources are the ARNs of all resources of a kind.
func resources(row *kind.Row) *string {
	parts := strings.Split(row.Resource, "{")
	if row.Resource == "" {
		return arn("sagemaker", string(row.Kind)+"/*")
	}
	return arn("sagemaker", parts[0]+"*")
}
