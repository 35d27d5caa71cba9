package stack

import (
	"maps"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"
)

// function is a function as it is deployed.
type function struct {
	name  string // as its folder under functions/
	words string
	// environment is what it needs beside what all have.
	environment map[string]*string
	// rules says that it reads the rules file.
	rules bool
	// timeout is in seconds, memory in MiB.
	timeout, memory float64
	// concurrency is how many invocations there may be at once, and are reserved.
	concurrency *float64
	// calls are what its role may do beside writing logs.
	calls []statement
}

// title begins the ids of what belongs to the function: "Audit".
func (f function) title() string { return string(f.name[0]-'a'+'A') + f.name[1:] }

// version is the build that is deployed: the folder of its zips under sagemoat/ in
// the code bucket. It stands in the template itself and is no parameter, for whoever
// updates a stack keeps the parameters that it has. Where there are no zips yet, make
// package writes it.
func (s *Stack) version() string {
	if s.dist != "" {
		return filepath.Base(s.dist) // as make package names the folder
	}
	return Unreleased
}

// code has the template say where the zips are, unless they are assets.
func (s *Stack) code() {
	if s.dist != "" {
		return
	}
	awscdk.NewCfnParameter(s.scope, jsii.String("CodeBucketPrefix"), &awscdk.CfnParameterProps{
		Type:           jsii.String("String"),
		AllowedPattern: jsii.String("^[a-z0-9][a-z0-9.-]{1,40}$"), ConstraintDescription: jsii.String("must be the beginning of a bucket's name"),
		Description: jsii.String("The functions' zips are in the bucket PREFIX-REGION: Lambda takes them from a bucket of its own Region."),
	})
}

// codeOf is where a function's zip is.
func (s *Stack) codeOf(name string) *awslambda.CfnFunction_CodeProperty {
	if s.dist != "" {
		asset := awss3assets.NewAsset(s.scope, jsii.String(name+".zip"), &awss3assets.AssetProps{Path: jsii.String(filepath.Join(s.dist, name+".zip"))})
		return &awslambda.CfnFunction_CodeProperty{S3Bucket: asset.S3BucketName(), S3Key: asset.S3ObjectKey()}
	}
	return &awslambda.CfnFunction_CodeProperty{
		S3Bucket: awscdk.Fn_Sub(jsii.String("${CodeBucketPrefix}-${AWS::Region}"), nil),
		S3Key:    jsii.String("sagemoat/" + s.version() + "/" + name + ".zip"),
	}
}

// role is a role of Lambda's, with the calls that its function makes.
func (s *Stack) role(name string, calls []statement, logs *string) awsiam.CfnRole {
	calls = append(calls, statement{
		sid: "Logs", actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, resources: []*string{logs},
	})
	r := awsiam.NewCfnRole(s.scope, jsii.String(name+"Role"), &awsiam.CfnRoleProps{
		AssumeRolePolicyDocument: trust("lambda", nil),
		Description:              jsii.String("sagemoat: what the function " + name + " may do"),
		PermissionsBoundary:      s.boundary(),
		Policies: []any{
			&awsiam.CfnRole_PolicyProperty{PolicyName: jsii.String("calls"), PolicyDocument: document(calls...)},
			choose(s.inVPC, map[string]any{"PolicyName": "vpc", "PolicyDocument": document(interfaces()...)}, awscdk.Aws_NO_VALUE()),
		},
	})
	s.roles[name] = r
	return r
}

// boundary is the ARN of what bounds the roles. In an organization each account has
// a policy of the name.
func (s *Stack) boundary() *string {
	own := awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/${PermissionsBoundary}"), nil)
	return chooseText(s.bounded, chooseText(s.byARN, s.setting("permissionsBoundary"), own), awscdk.Aws_NO_VALUE())
}

// interfaces lets Lambda make a function's network interfaces, and the function
// itself not. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
func interfaces() []statement {
	actions := []string{
		"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
	}
	everything := []*string{jsii.String("*")}
	return []statement{
		{sid: "Lambda", actions: actions, resources: everything},
		{
			sid: "NotTheFunctionItself", deny: true, actions: actions, resources: everything,
			condition: map[string]any{"Null": map[string]any{"lambda:SourceFunctionArn": "false"}},
		},
	}
}

// function makes a function, its role and its log group.
func (s *Stack) function(f function) awslambda.CfnFunction {
	id := f.title()
	logs := awslogs.NewCfnLogGroup(s.scope, jsii.String(id+"Logs"), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String("/aws/lambda/" + *named(f.name)),
		RetentionInDays: s.settings["logRetentionDays"].ValueAsNumber(),
	})
	environment := map[string]any{"SAGEMOAT_ACCOUNT": awscdk.Aws_ACCOUNT_ID(), "SAGEMOAT_TABLE": s.table.Ref()}
	for name, value := range f.environment {
		environment[name] = value
	}
	if f.rules {
		maps.Copy(environment, map[string]any{
			"SAGEMOAT_RULES_BUCKET": chooseText(s.hasRules, s.rulesBucketName(), jsii.String("")),
			"SAGEMOAT_RULES_KEY":    s.setting("rulesKey"),
			"SAGEMOAT_RULES_OWNER":  s.rulesOwner(),
		})
	}
	role := s.role(id, f.calls, logs.AttrArn())
	fn := awslambda.NewCfnFunction(s.scope, jsii.String(id), &awslambda.CfnFunctionProps{
		FunctionName:                 named(f.name),
		Description:                  jsii.String(f.words),
		Code:                         s.codeOf(f.name),
		Runtime:                      jsii.String("provided.al2023"),
		Architectures:                jsii.Strings("arm64"),
		Handler:                      jsii.String("bootstrap"),
		Role:                         role.AttrArn(),
		Timeout:                      jsii.Number(f.timeout),
		MemorySize:                   jsii.Number(f.memory),
		ReservedConcurrentExecutions: awscdk.Token_AsNumber(choose(s.reserves, f.concurrency, awscdk.Aws_NO_VALUE())),
		Environment:                  &awslambda.CfnFunction_EnvironmentProperty{Variables: environment},
		LoggingConfig:                &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: logs.Ref()},
		VpcConfig: choose(s.inVPC, map[string]any{
			"SubnetIds": s.settings["subnetIds"].ValueAsList(), "SecurityGroupIds": s.settings["securityGroupIds"].ValueAsList(),
		}, awscdk.Aws_NO_VALUE()),
	})
	s.functions[f.name] = fn
	return fn
}

// asynchronous says what becomes of events that a function failed for.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (s *Stack) asynchronous(name string, retries, oldest float64) {
	fn := s.functions[name]
	awslambda.NewCfnEventInvokeConfig(s.scope, jsii.String(function{name: name}.title()+"Asynchronous"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: fn.Ref(), Qualifier: jsii.String("$LATEST"),
		MaximumRetryAttempts: jsii.Number(retries), MaximumEventAgeInSeconds: jsii.Number(oldest),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: s.streamLetters.AttrArn()},
		},
	})
}

// dayOfStream is a little less than the day that a stream keeps its records, in
// seconds: what is not handled by then is told of in a queue.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
const dayOfStream = 23 * 3600

// readStream has a function read the ledger's stream. The state of the functions
// themselves (control#…) wakes nobody.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
func (s *Stack) readStream(name string) {
	awslambda.NewCfnEventSourceMapping(s.scope, jsii.String(function{name: name}.title()+"Stream"), &awslambda.CfnEventSourceMappingProps{
		FunctionName: s.functions[name].Ref(), EventSourceArn: s.table.AttrStreamArn(),
		StartingPosition: jsii.String("TRIM_HORIZON"), BatchSize: jsii.Number(100), MaximumBatchingWindowInSeconds: jsii.Number(1),
		FunctionResponseTypes:      jsii.Strings("ReportBatchItemFailures"),
		BisectBatchOnFunctionError: jsii.Bool(true),
		MaximumRetryAttempts:       jsii.Number(-1), // for as long as the record is there
		MaximumRecordAgeInSeconds:  jsii.Number(dayOfStream),
		FilterCriteria: &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{Filters: []any{
			&awslambda.CfnEventSourceMapping_FilterProperty{Pattern: jsii.String(`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"entry#"},{"prefix":"response#"}]}}}}`)},
		}},
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: s.streamLetters.AttrArn()},
		},
	})
}
