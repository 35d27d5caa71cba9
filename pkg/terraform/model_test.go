package terraform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// attributes is a request as Terraform has it: names with underscores, structures as
// lists of one block.
func attributes(v jsondoc.Value) any {
	switch v.Kind() {
	case jsondoc.Object:
		out := map[string]any{}
		for _, m := range v.Members() {
			a := attributes(m.Value)
			if m.Value.Kind() == jsondoc.Object {
				a = []any{a}
			}
			out[kind.Snake(m.Name)] = a
		}
		return out
	case jsondoc.Array:
		out := []any{}
		for _, m := range v.Members() {
			out = append(out, attributes(m.Value))
		}
		return out
	case jsondoc.Bool:
		b, _ := v.Bool()
		return b
	case jsondoc.Number:
		s, _ := v.Literal()
		return json.Number(s)
	case jsondoc.String, jsondoc.Absent, jsondoc.Null, jsondoc.Unknown:
	}
	return v.Str()
}

// TestTheSDKsRequests: a row reads the same of a plan as of the request that has
// every member of the SDK's model, and of those that lack some.
func TestTheSDKsRequests(t *testing.T) {
	for _, row := range kind.Table() {
		if row.Terraform == "" {
			continue
		}
		call := row.Calls[0].Name
		whole := sdkmodel.Full(sdkmodel.Operations()[call].Input, func(path string, _ *smithy.Schema) (jsondoc.Value, bool) {
			if path == "PipelineDefinition" {
				return jsondoc.OfString(`{"Version":"2020-12-01","Steps":[{"Name":"S","Type":"Training","Arguments":{"VpcConfig":{"Subnets":["subnet-1"]}}}]}`), true
			}
			return jsondoc.Value{}, path == "Tags"
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
			{"TrainingJobDefinition"},
			{"WorkforceVpcConfig", "SourceIpConfig"},
			{"ValidationSpecification"},
			{"LabelingJobAlgorithmsConfig"},
		} {
			request := sdkmodel.Without(whole, without...)
			after, err := json.Marshal(attributes(request))
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, plan(noConfig, element(row.Terraform+".x", `"create"`, string(after), `{}`, `{}`))).Resources[0].Request
			want := row.Gist(kind.Record{Doc: request, Call: call})
			if g := row.Gist(kind.Record{Doc: got, Call: call, Shape: kind.ShapePlan}); g != want {
				t.Errorf("%s without %s is read as\n%s\nand of a plan as\n%s", call, strings.Join(without, ", "), want, g)
			}
		}
	}
}
