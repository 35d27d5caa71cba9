package stack

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Setting is something that whoever deploys may choose: a parameter of the
// template, and a context key of the CDK app that sets the parameter's default.
type Setting struct {
	// Key is the context key: cdk deploy --context mode=stop.
	Key string
	// Words say what it is for, in the template and in docs/deploy.md.
	Words string
	// Default is what it is where nobody says otherwise; Required says that there is
	// nothing that would do for everybody.
	Default  string
	Required bool
	// Values are all that it may be; nil is any.
	Values []string
	// Pattern is what it must look like, Hint what to say where it does not.
	Pattern, Hint string
	// Type is the type of the parameter; empty is String.
	Type string
}

// Parameter is the name of the template's parameter: Mode for mode.
func (s Setting) Parameter() string { return strings.ToUpper(s.Key[:1]) + s.Key[1:] }

// The patterns of what is typed in. A parameter that may be empty says so.
const (
	accountID = `[0-9]{12}`
	arnOf     = `arn:aws[a-z-]*:`
)

// Settings are all settings of the stack, in the order in which they are told.
func Settings() []Setting {
	return []Setting{
		{
			Key: "mode", Default: "notify", Values: []string{"observe", "notify", "stop"},
			Words: "The most that may be done about what fails: findings (observe), alerts and stops that a person asks for (notify), or stops by the rules, too (stop). The rules file chooses within it",
		},
		{
			Key: "rulesKey", Pattern: `([0-9A-Za-z!_.*'()/-]{1,512})?`, Hint: "the key of an object, or nothing",
			Words: "Key of the rules file in its bucket. Empty: the built-in rules are in force",
		},
		{
			Key: "rulesBucket", Pattern: `([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?`, Hint: "the name of a bucket, or nothing",
			Words: "Bucket of the rules file, as that of the organization. Empty: a bucket of the stack's own",
		},
		{
			Key: "rulesOwner", Pattern: `(` + accountID + `)?`, Hint: "an account id of 12 digits, or nothing",
			Words: "Account that must own that bucket. Empty: this account",
		},
		{
			Key: "rulesWriter", Pattern: `(` + arnOf + `iam::` + accountID + `:role/[0-9A-Za-z+=,.@_/*-]+)?`, Hint: "the ARN of a role, which may end in *, or nothing",
			Words: "Role that alone may write to the stack's own rules bucket. Empty: only the account's root user",
		},
		{
			Key: "securityHub", Default: "enabled", Values: []string{"enabled", "disabled"},
			Words: "Whether Security Hub CSPM is on in this account and Region: then the stack makes a custom action and insights there",
		},
		{
			Key: "alertEmail", Pattern: `([^@ ]+@[^@ ]+)?`, Hint: "an e-mail address, or nothing",
			Words: "Address that is told of what fails, where no route of the rules sends it elsewhere",
		},
		{
			Key: "operationsEmail", Pattern: `([^@ ]+@[^@ ]+)?`, Hint: "an e-mail address, or nothing",
			Words: "Address of those who run sagemoat: its alarms go there",
		},
		{
			Key: "routeTopics", Type: "CommaDelimitedList",
			Words: "ARNs of the SNS topics that routes of the rules file name",
		},
		{
			Key: "permissionsBoundary", Pattern: `(` + arnOf + `iam::([0-9]{12}|aws):policy/)?[0-9A-Za-z+=,.@_/-]*`, Hint: "the ARN of a managed policy, the name of one in this account, or nothing",
			Words: "Managed policy that bounds what the stack's roles can do: its ARN, or its name (with the path) where it is this account's",
		},
		{
			Key: "subnetIds", Type: "CommaDelimitedList",
			Words: "Subnets that the functions run in. Empty: no VPC. They need a way to the AWS services that docs/deploy.md lists",
		},
		{
			Key: "securityGroupIds", Type: "CommaDelimitedList",
			Words: "Security groups of the functions in those subnets",
		},
		{
			Key: "concurrency", Type: "Number", Default: "5",
			Words: "How many invocations of audit, publish and respond there may be at once, each. At least 2",
		},
		{
			Key: "reservedConcurrency", Default: "enabled", Values: []string{"enabled", "disabled"},
			Words: "Whether that is reserved. Disabled for an account whose quota is too small: Lambda keeps 100 of it unreserved, and what others run can then keep ours waiting",
		},
		{
			Key: "logRetentionDays", Type: "Number", Default: "90", Values: []string{"1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"},
			Words: "How many days the functions' logs are kept",
		},
	}
}

// parameters makes the parameters of a template, with the defaults that the
// context says.
func parameters(scope constructs.Construct, settings []Setting) (map[string]awscdk.CfnParameter, error) {
	out := map[string]awscdk.CfnParameter{}
	for _, s := range settings {
		value := s.Default
		if said := scope.Node().TryGetContext(jsii.String(s.Key)); said != nil {
			value = fmt.Sprint(said)
		}
		p := &awscdk.CfnParameterProps{Type: jsii.String("String"), Description: jsii.String(s.Words + ".")}
		if !s.Required || value != "" {
			p.Default = value
			if err := s.check(value); err != nil {
				return nil, err
			}
		}
		if s.Type != "" {
			p.Type = jsii.String(s.Type)
		}
		if s.Values != nil {
			p.AllowedValues = jsii.Strings(s.Values...)
		}
		if s.Pattern != "" {
			p.AllowedPattern = jsii.String("^" + s.Pattern + "$")
			p.ConstraintDescription = jsii.String("must be " + s.Hint)
		}
		if s.Type == "Number" && s.Values == nil {
			p.MinValue = jsii.Number(2)
		}
		out[s.Key] = awscdk.NewCfnParameter(scope, jsii.String(s.Parameter()), p)
	}
	return out, nil
}
