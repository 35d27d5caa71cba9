package kind

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

func parse(t *testing.T, text string) jsondoc.Value {
	t.Helper()
	v, err := jsondoc.Parse([]byte(text), FreeForm())
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// known answers lookups with configurations, by kind and key.
type known map[string]string

func (k known) lookup(t *testing.T) Lookup {
	return func(ask Ask) (Record, string) {
		doc, ok := k[string(ask.Kind)+" "+ask.Key]
		if !ok {
			return Record{}, "not in the input"
		}
		return Record{Doc: parse(t, doc)}, ""
	}
}

// said writes a part as its name, class and data path.
func said(p Part) string {
	v := verdict.Of(p.Posture)
	return strings.TrimPrefix(fmt.Sprintf("%s: %s %s", p.Name, v.Class, v.DataPath), ": ")
}

func allSaid(parts []Part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, said(p))
	}
	return out
}

// observe is the record that an observation of a shape makes of a document.
func observe(t *testing.T, shape Shape, row *Row, event, doc string) Record {
	t.Helper()
	o := &Observation{Row: row, Source: Source{Type: shape, Event: event}, Key: "it", Doc: parse(t, doc)}
	switch shape {
	case ShapeCloudTrail, ShapeRequest:
		if event == "" {
			event = row.Calls[0].Name
		}
		claims, call, ok := ByCall(event)
		if !ok || claims != row {
			t.Fatalf("%s does not claim %s", row.Kind, event)
		}
		o.Call = call
	case ShapeNative:
		o.Native = &row.Natives[0]
	case ShapeDescribe, ShapePipeline:
	}
	return o.Record()
}

// nest writes a document with raw values at paths; "[]" makes a list of one.
func nest(at map[string]string) string {
	doc := map[string]any{}
	for path, raw := range at {
		if raw == "" {
			continue
		}
		into := doc
		names := strings.Split(path, ".")
		for i, name := range names {
			list := strings.HasSuffix(name, "[]")
			name = strings.TrimSuffix(name, "[]")
			switch {
			case i == len(names)-1:
				into[name] = json.RawMessage(raw)
			case list:
				if _, ok := into[name]; !ok {
					into[name] = []any{map[string]any{}}
				}
				into, _ = into[name].([]any)[0].(map[string]any)
			default:
				into = slot(into, name)
			}
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// containers is where each kind of the container family has its settings, with
// what else its request needs for them to count.
var containers = []struct {
	kind           Kind
	event          string // the operation; the kind's first where it is empty
	vpc, isolation string
	rest           map[string]string
	part           string
}{
	{kind: TrainingJob, vpc: "VpcConfig", isolation: "EnableNetworkIsolation"},
	{kind: ProcessingJob, vpc: "NetworkConfig.VpcConfig", isolation: "NetworkConfig.EnableNetworkIsolation"},
	{kind: HyperParameterTuningJob, vpc: "TrainingJobDefinition.VpcConfig", isolation: "TrainingJobDefinition.EnableNetworkIsolation", rest: map[string]string{"TrainingJobDefinition.DefinitionName": `"one"`}, part: "one"},
	{kind: HyperParameterTuningJob, vpc: "TrainingJobDefinitions[].VpcConfig", isolation: "TrainingJobDefinitions[].EnableNetworkIsolation", rest: map[string]string{"TrainingJobDefinitions[].DefinitionName": `"one"`}, part: "one"},
	{kind: AutoMLJob, vpc: "AutoMLJobConfig.SecurityConfig.VpcConfig"},
	{kind: AutoMLJob, event: "CreateAutoMLJobV2", vpc: "SecurityConfig.VpcConfig", rest: map[string]string{"AutoMLProblemTypeConfig": `{"TabularJobConfig":{"TargetAttributeName":"y"}}`}},
	{kind: LabelingJob, vpc: "LabelingJobAlgorithmsConfig.LabelingJobResourceConfig.VpcConfig", rest: map[string]string{"LabelingJobAlgorithmsConfig.LabelingJobAlgorithmSpecificationArn": `"arn"`}},
	{kind: CompilationJob, vpc: "VpcConfig"},
	{kind: OptimizationJob, vpc: "VpcConfig"},
	{kind: InferenceRecommendationsJob, vpc: "InputConfig.VpcConfig"},
	{kind: AIBenchmarkJob, vpc: "NetworkConfig.VpcConfig"},
	{kind: TrainingSession, vpc: "VpcConfig"},
	{kind: Model, vpc: "VpcConfig", isolation: "EnableNetworkIsolation"},
	{kind: EndpointConfig, vpc: "VpcConfig", isolation: "EnableNetworkIsolation", rest: map[string]string{"ProductionVariants": `[{"VariantName":"one"}]`}, part: "one"},
	{kind: DataQualityJobDefinition, vpc: "NetworkConfig.VpcConfig", isolation: "NetworkConfig.EnableNetworkIsolation"},
	{kind: ModelBiasJobDefinition, vpc: "NetworkConfig.VpcConfig", isolation: "NetworkConfig.EnableNetworkIsolation"},
	{kind: ModelExplainabilityJobDefinition, vpc: "NetworkConfig.VpcConfig", isolation: "NetworkConfig.EnableNetworkIsolation"},
	{kind: ModelQualityJobDefinition, vpc: "NetworkConfig.VpcConfig", isolation: "NetworkConfig.EnableNetworkIsolation"},
	{kind: MonitoringSchedule, vpc: "MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig.VpcConfig", isolation: "MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig.EnableNetworkIsolation", rest: map[string]string{"MonitoringScheduleConfig.MonitoringJobDefinition.RoleArn": `"arn"`}},
}

// The ways to write each answer. "" leaves the member out.
var (
	vpcs = map[string][]string{
		"none": {"", `null`, `{}`, `[]`, `""`, `{"Subnets":[],"SecurityGroupIds":[]}`, `{"Subnets":null}`, `{"Subnets":[""]}`, `{"Subnets":[null]}`, `{"SecurityGroupIds":["sg-1"]}`},
		"set":  {`{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}`, `{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}`, `{"Subnets":["subnet-1"]}`, `{"Subnets":"subnet-1"}`, `{"Subnets":["","subnet-1"]}`},
		"?":    {`"HIDDEN_DUE_TO_SECURITY_REASONS"`, `{"omitted":true}`, `"subnet-1"`, `["subnet-1"]`, `7`, `true`, `{"Subnets":{"a":"subnet-1"}}`, `{"Subnets":[7]}`, `{"SUBNETS":["subnet-1"]}`, `{"Subnets":["sg-1"]}`, `{"Subnets":["vpc-1"]}`, `{"Subnets":"HIDDEN_DUE_TO_SECURITY_REASONS"}`},
	}
	isolations = map[string][]string{
		"off": {"", `false`, `null`, `""`},
		"on":  {`true`},
		"?":   {`"true"`, `"HIDDEN_DUE_TO_SECURITY_REASONS"`, `1`, `[true]`, `{"a":true}`},
	}
	// matrix is the part of the matrix for containers, by isolation and VPC.
	matrix = map[string]string{
		"off none": "b-internet service",
		"off set":  "b-vpc vpc",
		"off ?":    "unknown unknown",
		"on none":  "a service",
		"on set":   "a vpc",
		"on ?":     "a unknown",
		"? none":   "unknown service",
		"? set":    "unknown vpc",
		"? ?":      "unknown unknown",
	}
)

func TestContainers(t *testing.T) {
	for _, c := range containers {
		row, _ := Of(c.kind)
		for isolated, isolations := range isolations {
			if c.isolation == "" && isolated != "off" {
				continue
			}
			for _, isolation := range isolations {
				for placed, vpcs := range vpcs {
					for _, vpc := range vpcs {
						at := map[string]string{c.vpc: vpc}
						if c.isolation != "" {
							at[c.isolation] = isolation
						}
						maps.Copy(at, c.rest)
						doc := nest(at)
						want := strings.TrimPrefix(c.part+": "+matrix[isolated+" "+placed], ": ")
						if got := allSaid(row.Parts(observe(t, ShapeRequest, row, c.event, doc), nil)); !cmp.Equal(got, []string{want}) {
							t.Errorf("%s %s:\ngot  %q\nwant %q", c.kind, doc, got, want)
						}
					}
				}
			}
		}
	}
}

// TestJobDocument is TestContainers for the kind whose settings are in a string.
func TestJobDocument(t *testing.T) {
	for placed, vpcs := range vpcs {
		for _, vpc := range vpcs {
			inner, err := json.Marshal(nest(map[string]string{"VpcConfig": vpc, "TrainingConfig": `{"a":1}`}))
			if err != nil {
				t.Fatal(err)
			}
			doc := `{"JobConfigDocument":` + string(inner) + `}`
			want := matrix["off "+placed]
			if got := allSaid(job.Parts(observe(t, ShapeRequest, &job, "", doc), nil)); !cmp.Equal(got, []string{want}) {
				t.Errorf("%s: got %q, want %q", doc, got, want)
			}
		}
	}
}

// TestFirstLetter reads every container kind's request as CloudTrail writes it.
func TestFirstLetter(t *testing.T) {
	for _, c := range containers {
		row, _ := Of(c.kind)
		at := map[string]string{}
		lower := func(path, raw string) {
			names := strings.Split(path, ".")
			for i := range names {
				names[i] = lowerFirst(names[i])
			}
			at[strings.Join(names, ".")] = raw
		}
		lower(c.vpc, `{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}`)
		if c.isolation != "" {
			lower(c.isolation, `true`)
		}
		for path, raw := range c.rest {
			lower(path, raw)
		}
		rec := observe(t, ShapeCloudTrail, row, c.event, nest(at))
		rec.Base = "requestParameters"
		parts := row.Parts(rec, nil)
		want := matrix["off set"]
		if c.isolation != "" {
			want = matrix["on set"]
		}
		want = strings.TrimPrefix(c.part+": "+want, ": ")
		if got := allSaid(parts); !cmp.Equal(got, []string{want}) {
			t.Errorf("%s %s: got %q, want %q", c.kind, nest(at), got, want)
			continue
		}
		// Every path is written as the record writes it.
		p := parts[0].Posture
		path := "requestParameters." + lowerFirst(strings.Join(lowered(c.vpc), "."))
		path = strings.ReplaceAll(path, "[]", "[0]")
		if p.Where.VPC != path || p.Subnets.Path() != path+".subnets" || p.SecurityGroups.List[0].Path != path+".securityGroupIds[0]" {
			t.Errorf("%s: the VPC is said to be at %q, its subnets at %q, its security group at %q; want %q", c.kind, p.Where.VPC, p.Subnets.Path(), p.SecurityGroups.List[0].Path, path)
		}
		if diff := cmp.Diff([]string{"subnet-1"}, p.Subnets.Values()); diff != "" {
			t.Errorf("%s: subnets (-want +got):\n%s", c.kind, diff)
		}
	}
}

func lowered(path string) []string {
	names := strings.Split(path, ".")
	for i := range names {
		names[i] = lowerFirst(names[i])
	}
	return names
}

// TestMembersThatAreNotSet says where a member that is left out would stand.
func TestMembersThatAreNotSet(t *testing.T) {
	rec := observe(t, ShapeCloudTrail, &trainingJob, "CreateTrainingJob", `{"trainingJobName":"t"}`)
	rec.Base = "requestParameters"
	p := trainingJob.Parts(rec, nil)[0].Posture
	if p.Where.VPC != "requestParameters.vpcConfig" || p.Where.Isolation != "requestParameters.enableNetworkIsolation" || p.Where.Encrypted != "requestParameters.enableInterContainerTrafficEncryption" {
		t.Errorf("the settings are said to be at %+v", p.Where)
	}
}
