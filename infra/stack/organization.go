package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecurityhub"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

const organizationID = `o-[a-z0-9]{10,32}`

// OrganizationSettings are the settings of the organization's stack.
func OrganizationSettings() []Setting {
	out := []Setting{
		{
			Key: "organizationId", Pattern: organizationID, Hint: "an organization's id: o-…", Required: true,
			Words: "The organization whose accounts may read the rules file",
		},
		{
			Key: "organizationalUnitIds", Type: "CommaDelimitedList", Required: true,
			Words: "Roots or organizational units whose accounts get sagemoat, with those below them",
		},
		{
			Key: "regions", Type: "CommaDelimitedList", Required: true,
			Words: "Regions in which they get it: each in which SageMaker AI is used",
		},
		{
			Key: "templateUrl", Pattern: `https://[0-9A-Za-z._/%-]+`, Hint: "an https URL in S3", Required: true,
			Words: "Where the stack's template is: beside the zips in the code bucket of this Region",
		},
		{
			Key: "codeBucketPrefix", Pattern: `[a-z0-9][a-z0-9.-]{1,40}`, Hint: "the beginning of a bucket's name", Required: true,
			Words: "The zips are in the bucket PREFIX-REGION of each Region",
		},
		{
			Key: "alertEmail", Pattern: settingNamed("alertEmail").Pattern, Hint: settingNamed("alertEmail").Hint,
			Words: "Address that is told of what goes to the organization's topic of alerts",
		},
		{
			Key: "rulesWriter", Pattern: settingNamed("rulesWriter").Pattern, Hint: settingNamed("rulesWriter").Hint,
			Words: "Role that alone may write to the rules bucket. Empty: only the account's root user",
		},
		{
			Key: "rulesKey", Pattern: settingNamed("rulesKey").Pattern, Hint: settingNamed("rulesKey").Hint,
			Words: "Key of the rules file in the rules bucket. Empty, as long as there is no file: the built-in rules",
		},
		{
			Key: "centralView", Default: "disabled", Values: []string{"enabled", "disabled"},
			Words: "Whether to have the findings of all Regions in this one. Only where this account administers Security Hub, and has no aggregator yet",
		},
	}
	for _, key := range passed {
		out = append(out, settingNamed(key))
	}
	return out
}

// passed are the settings that all accounts share. The rest is each account's own:
// its networks, the bucket that it has no need of; or it is the organization's: the
// rules file, where alerts go.
var passed = []string{
	"mode", "securityHub", "operationsEmail", "routeTopics", "permissionsBoundary", "concurrency", "reservedConcurrency", "logRetentionDays",
}

func settingNamed(key string) Setting {
	for _, s := range Settings() {
		if s.Key == key {
			return s
		}
	}
	panic("no setting " + key)
}

// newOrganization adds what an organization has once, in the account that
// administers StackSets and Security Hub for it: the rules file that all read, the
// stack in every account and Region, and the findings of all Regions in one.
func newOrganization(scope awscdk.App) error {
	s := awscdk.NewStack(scope, jsii.String(OrganizationName), &awscdk.StackProps{
		StackName:   jsii.String(OrganizationName),
		Description: jsii.String("sagemoat in an organization: its rules file, and the stack in every account"),
		Synthesizer: synthesizer(false),
	})
	settings, err := parameters(s, OrganizationSettings())
	if err != nil {
		return err
	}
	text := func(key string) *string { return settings[key].ValueAsString() }
	condition := func(id string, is awscdk.ICfnConditionExpression) awscdk.CfnCondition {
		return awscdk.NewCfnCondition(s, jsii.String(id), &awscdk.CfnConditionProps{Expression: is})
	}
	hasWriter := condition("HasRulesWriter", awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(text("rulesWriter"), jsii.String(""))))
	central := condition("HasCentralView", awscdk.Fn_ConditionEquals(text("centralView"), jsii.String("enabled")))

	bucket := privateBucket(s, "RulesFileBucket", oldRules)
	objects := awscdk.Fn_Join(jsii.String(""), &[]*string{bucket.AttrArn(), jsii.String("/*")})
	awss3.NewCfnBucketPolicy(s, jsii.String("RulesFileBucketPolicy"), &awss3.CfnBucketPolicyProps{
		Bucket: bucket.Ref(),
		PolicyDocument: document(
			ofOrganization(text("organizationId"), "s3:GetObject", objects),
			onlyTLS("s3:*", bucket.AttrArn(), objects),
			onlyWriter(chooseText(hasWriter, text("rulesWriter"), awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"), nil)), bucket.AttrArn(), objects),
		),
	})

	alerts := organizationTopic(s, text("organizationId"), text("alertEmail"))

	var given []any
	parameter := func(key string, value *string) {
		given = append(given, &awscdk.CfnStackSet_ParameterProperty{ParameterKey: jsii.String(key), ParameterValue: value})
	}
	parameter("CodeBucketPrefix", text("codeBucketPrefix"))
	parameter("RulesBucket", bucket.Ref())
	parameter("RulesKey", text("rulesKey"))
	parameter("RulesOwner", awscdk.Aws_ACCOUNT_ID())
	for _, key := range passed {
		one := settingNamed(key)
		switch {
		case key == "routeTopics":
			more := condition("HasRouteTopics", awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(joined(settings[key]), jsii.String(""))))
			parameter(one.Parameter(), chooseText(more,
				awscdk.Fn_Join(jsii.String(","), &[]*string{alerts.Ref(), joined(settings[key])}), alerts.Ref()))
		case one.Type == "Number":
			parameter(one.Parameter(), awscdk.Fn_Ref(jsii.String(one.Parameter())))
		default:
			parameter(one.Parameter(), text(key))
		}
	}
	awscdk.NewCfnStackSet(s, jsii.String("Accounts"), &awscdk.CfnStackSetProps{
		StackSetName: jsii.String(Name), Description: jsii.String("sagemoat in one account and Region"),
		PermissionModel: jsii.String("SERVICE_MANAGED"), CallAs: jsii.String("DELEGATED_ADMIN"),
		TemplateUrl: text("templateUrl"), Capabilities: jsii.Strings("CAPABILITY_IAM"),
		// The ledger and the bucket stay in an account that leaves, as when the stack is deleted.
		AutoDeployment:   &awscdk.CfnStackSet_AutoDeploymentProperty{Enabled: jsii.Bool(true), RetainStacksOnAccountRemoval: jsii.Bool(false)},
		ManagedExecution: map[string]any{"Active": true},
		OperationPreferences: &awscdk.CfnStackSet_OperationPreferencesProperty{
			FailureTolerancePercentage: jsii.Number(10), MaxConcurrentPercentage: jsii.Number(25), RegionConcurrencyType: jsii.String("PARALLEL"),
		},
		Parameters: given,
		StackInstancesGroup: []any{&awscdk.CfnStackSet_StackInstancesProperty{
			DeploymentTargets: &awscdk.CfnStackSet_DeploymentTargetsProperty{OrganizationalUnitIds: settings["organizationalUnitIds"].ValueAsList()},
			Regions:           settings["regions"].ValueAsList(),
		}},
	})
	aggregator := awssecurityhub.NewCfnFindingAggregator(s, jsii.String("FindingAggregator"), &awssecurityhub.CfnFindingAggregatorProps{
		RegionLinkingMode: jsii.String("ALL_REGIONS"), // and those to come
	})
	aggregator.CfnOptions().SetCondition(central)
	awscdk.NewCfnOutput(s, jsii.String("RulesBucketName"), &awscdk.CfnOutputProps{Value: bucket.Ref(), Description: jsii.String("Bucket of the rules file of all accounts")})
	awscdk.NewCfnOutput(s, jsii.String("AlertTopicArn"), &awscdk.CfnOutputProps{Value: alerts.Ref(), Description: jsii.String("Topic for alerts from all accounts: name it in a route of the rules file")})
	return nil
}

// joined is a list with commas between its elements.
func joined(list awscdk.CfnParameter) *string {
	return awscdk.Fn_Join(jsii.String(","), list.ValueAsList())
}

// organizationTopic makes a topic that respond may write to from every account and
// Region of an organization. Its role is called after its stack, and that by the
// StackSet, or by who deployed it where no StackSet reaches.
func organizationTopic(s awscdk.Stack, organization, email *string) awssns.CfnTopic {
	t := awssns.NewCfnTopic(s, jsii.String("AlertTopic"), &awssns.CfnTopicProps{TopicName: jsii.String(OrganizationName + "-alerts")})
	sender := ofOrganization(organization, "sns:Publish", t.Ref())
	sender.condition["ArnLike"] = map[string]any{"aws:PrincipalArn": []any{
		awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:iam::*:role/StackSet-"+Name+"-*"), nil),
		awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:iam::*:role/"+Name+"-*"), nil),
	}}
	awssns.NewCfnTopicPolicy(s, jsii.String("AlertTopicPolicy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{t.Ref()},
		PolicyDocument: document(
			sender,
			onlyTLS("sns:Publish", t.Ref()),
		),
	})
	given := awscdk.NewCfnCondition(s, jsii.String("HasAlertEmail"), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(email, jsii.String(""))),
	})
	mail := awssns.NewCfnSubscription(s, jsii.String("AlertTopicEmail"), &awssns.CfnSubscriptionProps{
		TopicArn: t.Ref(), Protocol: jsii.String("email"), Endpoint: email,
	})
	mail.CfnOptions().SetCondition(given)
	return t
}

// ofOrganization lets the principals of an organization do something.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
func ofOrganization(organization *string, action string, resource *string) statement {
	return statement{
		sid: "Organization", principal: anyone(), actions: []string{action}, resources: []*string{resource},
		condition: map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgID": organization}},
	}
}

// newCodeBucket adds the bucket of the zips and templates of one Region, which the
// organization may read: StackSets make functions in each account from them.
func newCodeBucket(scope awscdk.App) error {
	s := awscdk.NewStack(scope, jsii.String(CodeBucketName), &awscdk.StackProps{
		StackName:   jsii.String(CodeBucketName),
		Description: jsii.String("sagemoat's code in one Region, for the accounts of an organization"),
		Synthesizer: synthesizer(false),
	})
	var mine []Setting
	for _, one := range OrganizationSettings() {
		if one.Key == "organizationId" || one.Key == "codeBucketPrefix" {
			mine = append(mine, one)
		}
	}
	settings, err := parameters(s, mine)
	if err != nil {
		return err
	}
	bucket := privateBucket(s, "CodeBucket", oldRules)
	bucket.SetBucketName(awscdk.Fn_Sub(jsii.String("${CodeBucketPrefix}-${AWS::Region}"), nil))
	objects := awscdk.Fn_Join(jsii.String(""), &[]*string{bucket.AttrArn(), jsii.String("/*")})
	awss3.NewCfnBucketPolicy(s, jsii.String("CodeBucketPolicy"), &awss3.CfnBucketPolicyProps{
		Bucket:         bucket.Ref(),
		PolicyDocument: document(ofOrganization(settings["organizationId"].ValueAsString(), "s3:GetObject", objects), onlyTLS("s3:*", bucket.AttrArn(), objects)),
	})
	awscdk.NewCfnOutput(s, jsii.String("CodeBucketName"), &awscdk.CfnOutputProps{Value: bucket.Ref(), Description: jsii.String("Bucket of the zips")})
	return nil
}
