package template

import (
	"fmt"
	"strings"
)

// naming is how resources of a type are named. In texts {name} is the resource's
// name; {partition}, {region}, {account} and {suffix} are the stack's.
type naming struct {
	// property is the one that gives the name; without it CloudFormation makes one.
	property string
	// lower says that names have small letters only.
	lower bool
	// ref is what Ref returns, attributes what Fn::GetAtt does.
	ref        string
	attributes map[string]string
}

// namings are from "Return values" on the page of each type:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
//
//nolint:gochecknoglobals // a constant
var namings = map[string]naming{
	"AWS::DynamoDB::Table": {
		property: "TableName", ref: "{name}",
		attributes: map[string]string{
			"Arn":       "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
			"StreamArn": "arn:{partition}:dynamodb:{region}:{account}:table/{name}/stream/2026-11-02T09:14:07.000",
		},
	},
	"AWS::Events::Rule": {
		property: "Name", ref: "{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:rule/{name}"},
	},
	"AWS::IAM::Role": {
		property: "RoleName", ref: "{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:role/{name}"},
	},
	"AWS::Lambda::Function": {
		property: "FunctionName", ref: "{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:lambda:{region}:{account}:function:{name}"},
	},
	"AWS::Logs::LogGroup": {
		property: "LogGroupName", ref: "{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*"},
	},
	"AWS::S3::Bucket": {
		property: "BucketName", ref: "{name}", lower: true,
		attributes: map[string]string{"Arn": "arn:{partition}:s3:::{name}"},
	},
	"AWS::SNS::Topic": {
		property: "TopicName", ref: "arn:{partition}:sns:{region}:{account}:{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:sns:{region}:{account}:{name}", "TopicName": "{name}"},
	},
	"AWS::SQS::Queue": {
		property: "QueueName", ref: "https://sqs.{region}.{suffix}/{account}/{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:sqs:{region}:{account}:{name}", "QueueName": "{name}"},
	},
	"AWS::Scheduler::ScheduleGroup": {
		property: "Name", ref: "{name}",
		attributes: map[string]string{"Arn": "arn:{partition}:scheduler:{region}:{account}:schedule-group/{name}"},
	},
}

// Suffix ends the names that CloudFormation would make: it puts something random
// there.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
const Suffix = "-0A1B2C3D4E5F"

// deployed is a resource that is, and how its type is named.
func (r *resolver) deployed(id string) (Resource, naming, error) {
	in, ok := r.template.Resources[id]
	if !ok {
		return in, naming{}, fmt.Errorf("there is no parameter and no resource %s", id)
	}
	is, err := r.holds(in.Condition)
	if err == nil && !is {
		err = fmt.Errorf("%s is not deployed: %s does not hold", id, in.Condition)
	}
	if err != nil {
		return in, naming{}, err
	}
	n, ok := namings[in.Type]
	if !ok {
		return in, n, fmt.Errorf("what %s is called, a %s, is not known", id, in.Type)
	}
	return in, n, nil
}

func (r *resolver) name(id string) (string, error) {
	in, n, err := r.deployed(id)
	if err != nil {
		return "", err
	}
	name := fmt.Sprint(r.values["AWS::StackName"], "-", id, Suffix)
	if given, ok := in.Properties[n.property]; ok {
		value, err := r.resolve(given)
		if err != nil {
			return "", fmt.Errorf("the name of %s: %w", id, err)
		}
		if name, ok = value.(string); !ok {
			return "", fmt.Errorf("the name of %s is no text: %v", id, value)
		}
	}
	if n.lower {
		name = strings.ToLower(name)
	}
	return name, nil
}

// identity is what Ref of a resource returns.
func (r *resolver) identity(id string) (string, error) {
	_, n, err := r.deployed(id)
	if err != nil {
		return "", err
	}
	return r.fill(id, n.ref)
}

// attribute is what Fn::GetAtt of a resource returns.
func (r *resolver) attribute(id, attribute string) (string, error) {
	in, n, err := r.deployed(id)
	if err != nil {
		return "", err
	}
	pattern, ok := n.attributes[attribute]
	if !ok {
		return "", fmt.Errorf("the attribute %s of %s, a %s, is not known", attribute, id, in.Type)
	}
	return r.fill(id, pattern)
}

func (r *resolver) fill(id, pattern string) (string, error) {
	name, err := r.name(id)
	if err != nil {
		return "", err
	}
	of := func(pseudo string) string { return fmt.Sprint(r.values["AWS::"+pseudo]) }
	return strings.NewReplacer("{name}", name, "{partition}", of("Partition"), "{region}", of("Region"), "{account}", of("AccountId"), "{suffix}", of("URLSuffix")).Replace(pattern), nil
}
