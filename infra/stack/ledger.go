package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
)

// ledger makes the table, as package dynamo says. It outlives the stack: a
// deployment that finds no table begins a new one.
func (s *Stack) ledger() {
	in := dynamo.Table("")
	var attributes []any
	for _, a := range in.AttributeDefinitions {
		attributes = append(attributes, &awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: a.AttributeName, AttributeType: jsii.String(string(a.AttributeType))})
	}
	index := in.GlobalSecondaryIndexes[0]
	var indexKeys []any
	for _, k := range index.KeySchema {
		indexKeys = append(indexKeys, &awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: k.AttributeName, KeyType: jsii.String(string(k.KeyType))})
	}
	s.table = awsdynamodb.NewCfnTable(s.scope, jsii.String("Ledger"), &awsdynamodb.CfnTableProps{
		BillingMode:          jsii.String(string(in.BillingMode)),
		AttributeDefinitions: attributes,
		KeySchema: []any{&awsdynamodb.CfnTable_KeySchemaProperty{
			AttributeName: in.KeySchema[0].AttributeName, KeyType: jsii.String(string(in.KeySchema[0].KeyType)),
		}},
		GlobalSecondaryIndexes: []any{&awsdynamodb.CfnTable_GlobalSecondaryIndexProperty{
			IndexName: index.IndexName, KeySchema: indexKeys,
			Projection: &awsdynamodb.CfnTable_ProjectionProperty{ProjectionType: jsii.String(string(index.Projection.ProjectionType))},
		}},
		StreamSpecification:              &awsdynamodb.CfnTable_StreamSpecificationProperty{StreamViewType: jsii.String(string(in.StreamSpecification.StreamViewType))},
		TimeToLiveSpecification:          &awsdynamodb.CfnTable_TimeToLiveSpecificationProperty{AttributeName: jsii.String(dynamo.Expires), Enabled: jsii.Bool(true)},
		PointInTimeRecoverySpecification: &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtectionEnabled:        jsii.Bool(true),
	})
	s.table.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
}
