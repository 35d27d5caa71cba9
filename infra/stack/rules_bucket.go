package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// oldRules is how many days an earlier version of the rules file is kept.
const oldRules = 365

// rulesBucket makes the bucket of the rules file, unless there is a central one.
func (s *Stack) rulesBucket() {
	s.bucket = privateBucket(s.scope, "RulesFileBucket", oldRules)
	s.bucket.CfnOptions().SetCondition(s.ownBucket)
	writer := chooseText(s.hasWriter, s.setting("rulesWriter"), awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"), nil))
	objects := awscdk.Fn_Join(jsii.String(""), &[]*string{s.bucket.AttrArn(), jsii.String("/*")})
	policy := awss3.NewCfnBucketPolicy(s.scope, jsii.String("RulesFileBucketPolicy"), &awss3.CfnBucketPolicyProps{
		Bucket: s.bucket.Ref(),
		PolicyDocument: document(
			onlyTLS("s3:*", s.bucket.AttrArn(), objects),
			onlyWriter(writer, s.bucket.AttrArn(), objects),
		),
	})
	policy.CfnOptions().SetCondition(s.ownBucket)
}

// onlyWriter denies changes of the rules file, and of what protects it, to all but
// one role. The policy itself can be changed by who may do so, for CloudFormation
// must: an event rule tells of it.
func onlyWriter(writer, bucket, objects *string) statement {
	return statement{
		sid: "OnlyTheRulesWriter", deny: true, principal: anyone(),
		actions: []string{
			"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
			"s3:PutObject", "s3:PutObjectAcl", "s3:PutReplicationConfiguration", "s3:ReplicateDelete", "s3:ReplicateObject", "s3:RestoreObject",
			"s3:UpdateObjectEncryption",
		},
		resources: []*string{bucket, objects},
		condition: map[string]any{"ArnNotLike": map[string]any{"aws:PrincipalArn": writer}},
	}
}

// privateBucket is a bucket that keeps what was in it, and shows it to nobody who
// is not told of.
func privateBucket(scope awscdk.Stack, id string, days float64) awss3.CfnBucket {
	b := awss3.NewCfnBucket(scope, jsii.String(id), &awss3.CfnBucketProps{
		VersioningConfiguration: &awss3.CfnBucket_VersioningConfigurationProperty{Status: jsii.String("Enabled")},
		BucketEncryption: &awss3.CfnBucket_BucketEncryptionProperty{ServerSideEncryptionConfiguration: []any{
			&awss3.CfnBucket_ServerSideEncryptionRuleProperty{ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{SseAlgorithm: jsii.String("AES256")}},
		}},
		PublicAccessBlockConfiguration: &awss3.CfnBucket_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls: jsii.Bool(true), BlockPublicPolicy: jsii.Bool(true), IgnorePublicAcls: jsii.Bool(true), RestrictPublicBuckets: jsii.Bool(true),
		},
		OwnershipControls: &awss3.CfnBucket_OwnershipControlsProperty{Rules: []any{
			&awss3.CfnBucket_OwnershipControlsRuleProperty{ObjectOwnership: jsii.String("BucketOwnerEnforced")},
		}},
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{Rules: []any{&awss3.CfnBucket_RuleProperty{
			Status:                         jsii.String("Enabled"),
			NoncurrentVersionExpiration:    &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: jsii.Number(days)},
			AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: jsii.Number(1)},
		}}},
	})
	b.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return b
}

// rulesBucketName is the name of the bucket, whoever's it is.
func (s *Stack) rulesBucketName() *string {
	return chooseText(s.ownBucket, s.bucket.Ref(), s.setting("rulesBucket"))
}

// rulesOwner is the account that must own the bucket.
func (s *Stack) rulesOwner() *string {
	return chooseText(s.hasOwner, s.setting("rulesOwner"), awscdk.Aws_ACCOUNT_ID())
}
