// Package stack is what is deployed: one stack an account and Region, and what an
// organization has once.
//
// The constructs are those of CloudFormation itself (Cfn…): the template is what
// people review, and each line of it should be one that stands here. See
// docs/adr/0016-infra.md.
package stack

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/sagemoat/sagemoat/events"
)

// The names of the stacks, and of the files of their templates.
const (
	Name             = "sagemoat"
	OrganizationName = "sagemoat-organization"
	CodeBucketName   = "sagemoat-code"
)

// Unreleased stands in the templates for the build, until make package writes it.
const Unreleased = "unreleased"

// App is the CDK app. out is where the assembly goes, empty for the CDK's choice.
// dist is the folder of the functions' zips, as make package leaves it: their code
// becomes assets of the CDK. Without one the zips are where parameters say, and the
// templates need neither CDK nor Node: those are the ones that make package ships.
func App(out, dist string) (awscdk.App, error) {
	props := &awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)}
	if out != "" {
		props.Outdir = jsii.String(out)
	}
	app := awscdk.NewApp(props)
	if _, err := New(app, dist); err != nil {
		return nil, err
	}
	if dist != "" {
		return app, nil
	}
	if err := newOrganization(app); err != nil {
		return nil, err
	}
	return app, newCodeBucket(app)
}

// Stack is sagemoat in one account and Region.
type Stack struct {
	scope awscdk.Stack

	settings map[string]awscdk.CfnParameter
	dist     string // folder of zips; empty: where parameters say

	// Conditions.
	ownBucket, hasRules, hasWriter, hasOwner awscdk.CfnCondition
	hub, stops, inVPC, moreTopics, reserves  awscdk.CfnCondition
	bounded, byARN                           awscdk.CfnCondition

	queue, eventLetters, streamLetters, findingLetters awssqs.CfnQueue
	table                                              awsdynamodb.CfnTable
	bucket                                             awss3.CfnBucket
	alerts, operations                                 awssns.CfnTopic
	roles                                              map[string]awsiam.CfnRole
	functions                                          map[string]awslambda.CfnFunction
	eventRules                                         []string
}

// New adds the stack to an app. The error says which context key is wrong.
func New(scope constructs.Construct, dist string) (*Stack, error) {
	s := &Stack{dist: dist, roles: map[string]awsiam.CfnRole{}, functions: map[string]awslambda.CfnFunction{}}
	s.scope = awscdk.NewStack(scope, jsii.String(Name), &awscdk.StackProps{
		StackName:   jsii.String(Name),
		Description: jsii.String("sagemoat: audits the network of everything in Amazon SageMaker AI"),
		Synthesizer: synthesizer(dist != ""),
	})
	var err error
	if s.settings, err = parameters(s.scope, Settings()); err != nil {
		return nil, err
	}
	s.conditions()
	s.queues()
	s.ledger()
	s.rulesBucket()
	s.topics()
	s.code()
	s.audit()
	s.publish()
	s.respond()
	s.sweep()
	s.schedules()
	s.events()
	s.securityHub()
	s.alarms()
	s.dashboard()
	s.outputs()
	return s, nil
}

// synthesizer is the CDK's own for a stack with assets; for a plain template one
// that asks for no bootstrap.
func synthesizer(assets bool) awscdk.IStackSynthesizer {
	return awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{GenerateBootstrapVersionRule: jsii.Bool(assets)})
}

func (s *Stack) setting(key string) *string { return s.settings[key].ValueAsString() }

// conditions are what is so by the settings.
func (s *Stack) conditions() {
	equal := func(key, value string) awscdk.ICfnConditionExpression {
		return awscdk.Fn_ConditionEquals(s.setting(key), jsii.String(value))
	}
	empty := func(key string) awscdk.ICfnConditionExpression { // a list
		return awscdk.Fn_ConditionEquals(awscdk.Fn_Join(jsii.String(""), s.settings[key].ValueAsList()), jsii.String(""))
	}
	not := awscdk.Fn_ConditionNot
	condition := func(name string, is awscdk.ICfnConditionExpression) awscdk.CfnCondition {
		return awscdk.NewCfnCondition(s.scope, jsii.String(name), &awscdk.CfnConditionProps{Expression: is})
	}
	s.ownBucket = condition("OwnRulesBucket", equal("rulesBucket", ""))
	s.hasRules = condition("HasRulesFile", not(equal("rulesKey", "")))
	s.hasWriter = condition("HasRulesWriter", not(equal("rulesWriter", "")))
	s.hasOwner = condition("HasRulesOwner", not(equal("rulesOwner", "")))
	s.hub = condition("HasSecurityHub", equal("securityHub", "enabled"))
	s.stops = condition("MayStop", not(equal("mode", "observe")))
	s.inVPC = condition("InVpc", not(empty("subnetIds")))
	s.bounded = condition("HasPermissionsBoundary", not(equal("permissionsBoundary", "")))
	s.byARN = condition("PermissionsBoundaryIsArn", awscdk.Fn_ConditionEquals(
		awscdk.Fn_Select(jsii.Number(0), awscdk.Fn_Split(jsii.String(":"), s.setting("permissionsBoundary"), nil)), jsii.String("arn")))
	s.reserves = condition("ReservesConcurrency", equal("reservedConcurrency", "enabled"))
	s.moreTopics = condition("HasRouteTopics", not(empty("routeTopics")))
}

// choose is one value where a condition holds, else the other.
func choose(c awscdk.CfnCondition, then, otherwise any) awscdk.IResolvable {
	return awscdk.Token_AsAny(awscdk.Fn_ConditionIf(c.LogicalId(), then, otherwise))
}

// chooseText is [choose] of texts.
func chooseText(c awscdk.CfnCondition, then, otherwise *string) *string {
	return awscdk.Token_AsString(awscdk.Fn_ConditionIf(c.LogicalId(), then, otherwise), nil)
}

// named is a name of something in the stack. It does not begin with the stack's,
// which in an organization is StackSet-sagemoat-UUID: with that a rule's name would
// be longer than the 64 characters that it may have. There is one stack an account
// and Region; a second one fails for these names.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func named(what string) *string { return jsii.String(Name + "-" + what) }

// arn is an ARN in the stack's account and Region.
func arn(service, resource string) *string {
	return awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:"+service+":${AWS::Region}:${AWS::AccountId}:"+resource), nil)
}

// deployed says what there is, as the calls that change it name it.
func (s *Stack) deployed() events.Deployed {
	return events.Deployed{
		Prefix: *named(""),
		Queues: []string{*s.queue.Ref(), *s.eventLetters.Ref(), *s.streamLetters.Ref(), *s.findingLetters.Ref()},
		Topics: []string{*s.alerts.Ref(), *s.operations.Ref()},
		Table:  *s.table.Ref(), Schedules: Name, Bucket: *s.rulesBucketName(),
	}
}

// pattern is an event pattern as the template has it. What stands in braces is a
// pseudo parameter of CloudFormation.
func pattern(text json.RawMessage) any {
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err) // written by package events
	}
	return substituted(out)
}

func substituted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = substituted(member)
		}
	case []any:
		for i, element := range v {
			v[i] = substituted(element)
		}
	case string:
		if pseudo.MatchString(v) {
			return awscdk.Fn_Sub(&v, nil)
		}
	}
	return v
}
