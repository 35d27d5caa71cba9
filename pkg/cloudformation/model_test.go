package cloudformation

import (
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// TestTheSDKsRequests: a row reads the same of a template as of the request that has
// every member of the SDK's model, and of those that lack some.
func TestTheSDKsRequests(t *testing.T) {
	for _, row := range kind.Table() {
		if row.CloudFormation == "" {
			continue
		}
		call := row.Calls[0].Name
		const definition = `{"Version":"2020-12-01","Steps":[{"Name":"S","Type":"Training","Arguments":{"VpcConfig":{"Subnets":["subnet-1"]}}}]}`
		whole := sdkmodel.Full(sdkmodel.Operations()[call].Input, func(path string, _ *smithy.Schema) (jsondoc.Value, bool) {
			return jsondoc.OfString(definition), path == "PipelineDefinition"
		})
		for _, without := range [][]string{
			nil,
			{"VpcConfig"},
			{"Subnets"},
			{"EnableNetworkIsolation"},
			{"ServerlessConfig"},
			{"ServerlessConfig", "ModelName"},
			{"SubnetId"},
			{"DirectInternetAccess"},
			{"AppNetworkAccessType", "SubnetIds", "VpcId"},
			{"MonitoringJobDefinitionName"},
			{"PipelineDefinition"},
			{"OverrideVpcConfig"},
			{"WorkforceVpcConfig", "SourceIpConfig"},
		} {
			request := sdkmodel.Without(whole, without...)
			properties := request
			if body, ok := request.Find("PipelineDefinition"); ok {
				properties = properties.With("PipelineDefinition", jsondoc.OfObject(jsondoc.Member{Name: "PipelineDefinitionBody", Value: body.Value}))
			} else if at, ok := request.Find("PipelineDefinitionS3Location"); ok {
				location := at.Value.With("Key", at.Value.Get("ObjectKey"))
				properties = sdkmodel.Without(request, "PipelineDefinitionS3Location").
					With("PipelineDefinition", jsondoc.OfObject(jsondoc.Member{Name: "PipelineDefinitionS3Location", Value: location}))
			}
			var text strings.Builder
			text.WriteString(`{"Resources":{"X":{"Type":"` + row.CloudFormation + `","Properties":`)
			if why := write(&text, properties); why != "" {
				t.Fatal(why)
			}
			text.WriteString(`}}}`)
			root, err := document.JSON([]byte(text.String()))
			if err != nil {
				t.Fatal(err)
			}
			resources, _, _ := Read(root)
			want := row.Gist(kind.Record{Doc: request, Call: call})
			if got := row.Gist(kind.Record{Doc: resources[0].Variants[0].Request, Call: call, Shape: kind.ShapeTemplate}); got != want {
				t.Errorf("%s without %s is read as\n%s\nand of a template as\n%s", call, strings.Join(without, ", "), want, got)
			}
		}
	}
}
