package sandbox_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// TestTrail: the record of a call has CloudTrail's casing, which leaves the keys of
// maps alone, and says who called.
func TestTrail(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	var got []map[string]any
	b.AddRule(sandbox.Rule{Invoke: func(event []byte) error {
		var e map[string]any
		ok(t, json.Unmarshal(event, &e))
		if e["detail-type"] == "AWS API Call via CloudTrail" {
			got = append(got, e)
		}
		return nil
	}})
	client := sagemaker.NewFromConfig(b.config)
	in := &sagemaker.CreateModelInput{
		ModelName: aws.String("fraud"), ExecutionRoleArn: aws.String("arn:aws:iam::111122223333:role/SageMakerExecution"),
		PrimaryContainer: &types.ContainerDefinition{
			Image: aws.String("111122223333.dkr.ecr.eu-west-1.amazonaws.com/fraud:1"), Environment: map[string]string{"MODE": "fast", "Mode": "slow"},
		},
		VpcConfig: &types.VpcConfig{Subnets: []string{"subnet-0a1b2c3d4e5f60718"}, SecurityGroupIds: []string{"sg-0f9e8d7c6b5a40312"}},
		Tags:      []types.Tag{{Key: aws.String("Team"), Value: aws.String("Fraud")}},
	}
	_, err := client.CreateModel(t.Context(), in)
	ok(t, err)
	b.Fail(sandbox.Fault{Service: "sagemaker", Kind: sandbox.Denied})
	_, err = client.CreateModel(t.Context(), in)
	wantCode(t, "a denied call", err, "AccessDeniedException")
	_, err = client.ListModels(t.Context(), &sagemaker.ListModelsInput{})
	wantCode(t, "a denied read", err, "AccessDeniedException")
	b.clock.Advance(0)
	if len(got) != 2 {
		t.Fatalf("%d records", len(got))
	}
	detail, _ := got[0]["detail"].(map[string]any)
	request, _ := detail["requestParameters"].(map[string]any)
	for name, want := range map[string]any{
		"modelName":        "fraud",
		"executionRoleArn": "arn:aws:iam::111122223333:role/SageMakerExecution",
		"vpcConfig":        map[string]any{"subnets": []any{"subnet-0a1b2c3d4e5f60718"}, "securityGroupIds": []any{"sg-0f9e8d7c6b5a40312"}},
		"tags":             []any{map[string]any{"key": "Team", "value": "Fraud"}},
		"primaryContainer": map[string]any{
			"image":       "111122223333.dkr.ecr.eu-west-1.amazonaws.com/fraud:1",
			"environment": map[string]any{"MODE": "fast", "Mode": "slow"},
		},
	} {
		if diff := cmp.Diff(want, request[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, key := range []string{"eventID", "requestID", "userAgent"} {
		if s, _ := detail[key].(string); len(s) < 36 {
			t.Errorf("%s is %q", key, s)
		}
		delete(detail, key)
	}
	identity, _ := detail["userIdentity"].(map[string]any)
	if s, _ := identity["accessKeyId"].(string); len(s) != 20 {
		t.Errorf("access key %q", s)
	}
	delete(identity, "accessKeyId")
	delete(detail, "requestParameters")
	delete(got[0], "id")
	want := map[string]any{
		"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sagemaker", "account": "111122223333",
		"time": "2026-11-02T09:14:07Z", "region": "eu-west-1", "resources": []any{},
		"detail": map[string]any{
			"eventVersion": "1.11",
			"userIdentity": map[string]any{
				"type": "AssumedRole", "principalId": "AROASAGEMOATAUDIT:audit", "accountId": "111122223333",
				"arn": "arn:aws:sts::111122223333:assumed-role/SagemoatAudit/audit",
				"sessionContext": map[string]any{
					"sessionIssuer": map[string]any{
						"type": "Role", "principalId": "AROASAGEMOATAUDIT", "arn": "arn:aws:iam::111122223333:role/SagemoatAudit",
						"accountId": "111122223333", "userName": "SagemoatAudit",
					},
					"attributes": map[string]any{"creationDate": "2026-11-02T09:14:07Z", "mfaAuthenticated": "false"},
				},
			},
			"eventTime": "2026-11-02T09:14:07Z", "eventSource": "sagemaker.amazonaws.com", "eventName": "CreateModel",
			"awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.17",
			"responseElements": map[string]any{"modelArn": "arn:aws:sagemaker:eu-west-1:111122223333:model/fraud"},
			"readOnly":         false, "eventType": "AwsApiCall", "managementEvent": true,
			"recipientAccountId": "111122223333", "eventCategory": "Management",
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	refused, _ := got[1]["detail"].(map[string]any)
	if refused["errorCode"] != "AccessDenied" || refused["responseElements"] != nil || refused["requestParameters"] == nil {
		t.Errorf("the refused call: %v", refused)
	}
}

// TestResourceOfCall: the log says what a call is about.
func TestResourceOfCall(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	client := sagemaker.NewFromConfig(b.config)
	ctx := t.Context()
	_, _ = client.StopTrainingJob(ctx, &sagemaker.StopTrainingJobInput{TrainingJobName: aws.String("job")})
	_, _ = client.StopPipelineExecution(ctx, &sagemaker.StopPipelineExecutionInput{
		PipelineExecutionArn: aws.String("arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/e"), ClientRequestToken: aws.String("00000000000000000000000000000000"),
	})
	_, _ = client.DescribeAutoMLJobV2(ctx, &sagemaker.DescribeAutoMLJobV2Input{AutoMLJobName: aws.String("auto")})
	_, _ = client.DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: aws.String("d-1")})
	_, _ = client.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: aws.String("arn:aws:sagemaker:eu-west-1:111122223333:model/m")})
	_, _ = client.ListModels(ctx, &sagemaker.ListModelsInput{})
	var got []string
	for _, c := range b.Calls() {
		got = append(got, c.Operation+" "+c.Resource)
	}
	want := []string{
		"StopTrainingJob job", "StopPipelineExecution arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/e",
		"DescribeAutoMLJobV2 auto", "DescribeDomain d-1", "ListTags arn:aws:sagemaker:eu-west-1:111122223333:model/m", "ListModels ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
