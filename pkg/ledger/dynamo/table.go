package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes of an item.
const (
	pkAttr       = "pk"       // S: entry#training-job/fraud-7, response#…, control#…
	docAttr      = "doc"      // S: the value as JSON
	versionAttr  = "version"  // N: as in the value
	evidenceAttr = "evidence" // S, of entries: the time of the evidence, of fixed width
	rulesAttr    = "rules"    // S, of entries: the time of the rules, of fixed width
	ixAttr       = "ix"       // S, of what is listed: live#training-job, due
	atAttr       = "at"       // S, of what is listed: its place in the list
	// Expires is the attribute of the table's time to live: seconds since 1970.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
	Expires = "expires"
)

// Index is the name of the table's index. It is sparse: only what is live, and
// what is due, has its attributes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-general-sparse-indexes.html
const Index = "state"

// What a key begins with, by what it is of. A role can be limited to its own
// by the condition key dynamodb:LeadingKeys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
const (
	entryKey    = "entry#"
	responseKey = "response#"
	controlKey  = "control#"
)

// Table is the table of a ledger. Its time to live is set apart, on [Expires].
func Table(name string) *dynamodb.CreateTableInput {
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	element := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	return &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{text(pkAttr), text(ixAttr), text(atAttr)},
		KeySchema:            []types.KeySchemaElement{element(pkAttr, types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(Index),
			KeySchema:  []types.KeySchemaElement{element(ixAttr, types.KeyTypeHash), element(atAttr, types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}
}
