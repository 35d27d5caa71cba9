package main

import (
	"maps"
	"time"
)

// scene is what one person does.
type scene struct {
	title, caller string
	calls         []userCall
}

// userCall is one call that a person makes, and how long the demo then waits.
type userCall struct {
	operation, words string
	input            map[string]any
	then             time.Duration
}

const role = "arn:aws:iam::111122223333:role/SageMakerExecution"

func training(name string, more map[string]any) map[string]any {
	in := map[string]any{
		"TrainingJobName": name, "RoleArn": role,
		"AlgorithmSpecification": map[string]any{"TrainingImage": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:4", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://churn-models/out"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 14400},
		"Tags":                   []any{map[string]any{"Key": "team", "Value": "churn"}},
	}
	maps.Copy(in, more)
	return in
}

func network() map[string]any {
	return map[string]any{"VpcConfig": map[string]any{
		"Subnets":          []any{"subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"},
		"SecurityGroupIds": []any{"sg-0f9e8d7c6b5a40312"},
	}}
}

// scenes are what the demo plays.
func scenes() []scene {
	return []scene{
		{"A training job without a VPC: told, and stopped", "DataScience/ana", []userCall{
			{operation: "CreateTrainingJob", words: "churn-41, no VpcConfig", input: training("churn-41", nil), then: 5 * time.Minute},
		}},
		{"The same job with the settings from the alert: nothing happens", "DataScience/ana", []userCall{
			{operation: "CreateTrainingJob", words: "churn-42, VpcConfig from the alert", input: training("churn-42", network()), then: time.Minute},
		}},
		{"A notebook with a subnet and its default Internet access: a bridge", "DataScience/ben", []userCall{
			{operation: "CreateNotebookInstance", words: "ben-scratch, SubnetId and nothing else", then: 2 * time.Minute, input: map[string]any{
				"NotebookInstanceName": "ben-scratch", "InstanceType": "ml.t3.medium", "RoleArn": role, "SubnetId": "subnet-0a1b2c3d4e5f60718",
			}},
		}},
		{"A model without a VPC, and the endpoint that serves it", "MLPlatform/cleo", []userCall{
			{operation: "CreateModel", words: "churn", then: time.Second, input: map[string]any{
				"ModelName": "churn", "ExecutionRoleArn": role, "PrimaryContainer": map[string]any{"Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:4"},
			}},
			{operation: "CreateEndpointConfig", words: "churn", then: time.Second, input: map[string]any{
				"EndpointConfigName": "churn", "ProductionVariants": []any{map[string]any{"VariantName": "all", "ModelName": "churn", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}},
			}},
			{operation: "CreateEndpoint", words: "churn", then: time.Minute, input: map[string]any{"EndpointName": "churn", "EndpointConfigName": "churn"}},
		}},
	}
}
