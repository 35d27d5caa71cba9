package kind

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/pipeline"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Pipeline is a pipeline: a definition whose steps are judged one by one,
// before any of them runs.
const Pipeline Kind = "pipeline"

var pipelineRow = Row{
	Kind:     Pipeline,
	Words:    "pipeline",
	Key:      []string{"PipelineName"},
	Resource: "pipeline/{PipelineName}",
	Calls: []Call{
		{Name: "CreatePipeline", ARN: "PipelineArn", Marks: []string{"PipelineName", "RoleArn", "ClientRequestToken"}},
		{Name: "UpdatePipeline", Effect: Replaces, ARN: "PipelineArn", Marks: []string{"PipelineName", "PipelineDefinition"}},
	},
	Deletes:  []string{"DeletePipeline"},
	Describe: Describe{Name: "DescribePipeline", ARN: "PipelineArn", Status: "PipelineStatus", Marks: []string{"PipelineName"}},
	Lists:    []string{"ListPipelines"},
	Stops:    nil,
	Changes:  "the definition, by UpdatePipeline",
	Fresh:    true,
	Closes:   "give the steps the settings below, then UpdatePipeline with the new definition",
	Paste:    pasteNetwork("VpcConfig", "EnableNetworkIsolation"),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html",
	overlay:  overlayPipeline,
	parts:    func(r *reader) []Part { return r.pipeline(nil) },

	CloudFormation: "AWS::SageMaker::Pipeline",
	Terraform:      "aws_sagemaker_pipeline",
}

// The two members of which a request has one: the definition, or where it is.
const (
	definitionMember = "PipelineDefinition"
	locationMember   = "PipelineDefinitionS3Location"
)

// overlayPipeline: an update with a definition replaces the older one, in
// whichever of the two ways either was given.
func overlayPipeline(base, update jsondoc.Value) jsondoc.Value {
	if !update.Get(definitionMember).Empty() || !update.Get(locationMember).Empty() {
		base = base.With(definitionMember, jsondoc.Value{}).With(locationMember, jsondoc.Value{})
	}
	return replace(base, update)
}

// pipeline judges the definition, with the parameters of an execution where
// one is known.
func (r *reader) pipeline(given map[string]string) []Part {
	f, location := r.at(definitionMember), r.at(locationMember)
	text, ok := f.value.Text()
	if !ok || text == "" {
		reason := r.why(f)
		if location.value.Kind() == jsondoc.Object && location.set() {
			reason.Path = location.path
			reason.Why = "the definition is in S3 (" + r.below(location, "Bucket").value.Str() + "/" + r.below(location, "ObjectKey").value.Str() + "), not in this record"
		}
		return single(unknown(posture.Unassessed, reason))
	}
	doc, err := pipeline.Parse([]byte(text))
	if err != nil {
		return single(unknown(posture.Unassessed, posture.Reason{Path: f.path, Why: "the definition cannot be read: " + err.Error(), Look: r.Look}))
	}
	return r.steps(doc.Steps(given), f.path)
}

// Definition judges a pipeline definition that stands in a file by itself.
func Definition(doc *pipeline.Document, lookup Lookup) []Part {
	r := &reader{row: &pipelineRow, of: Of, lookup: lookup}
	return r.steps(doc.Steps(nil), "")
}

// steps judges each step by the row that its type names.
func (r *reader) steps(steps []pipeline.Step, base string) []Part {
	var parts []Part
	var byName func(name string) (*reader, bool)
	byName = func(name string) (*reader, bool) {
		named := func(s pipeline.Step) bool { return s.Name == name }
		i := slices.IndexFunc(steps, named)
		if r.alone || i < 0 || slices.ContainsFunc(steps[i+1:], named) {
			return nil, false // none, or more than one: which is meant is not known
		}
		row, ok := stepRows()[steps[i].Type]
		if !ok || row == nil {
			return nil, false
		}
		return r.inStep(row, steps[i], base, byName), true
	}
	for _, s := range steps {
		if len(parts) >= maxParts {
			return append(parts, Part{Name: "the rest", Posture: unknown(posture.Unassessed, posture.Reason{Path: join(base, s.Path), Why: "the pipeline has more parts than are judged"})})
		}
		for _, p := range r.judge(s, steps, base, byName) {
			p.Name = strings.TrimSuffix(s.Name+"/"+p.Name, "/")
			if p.Path == "" && !r.Ref {
				p.Path = join(base, s.Path)
			}
			p.Posture.Assumed = s.AssumedBelow("VpcConfig", "NetworkConfig", "SecurityConfig", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "RemoteDebugConfig", "ModelName", "ModelNameOverride", "InstancePools", "EndpointConfigName", "EndpointName", "ServerlessConfig", "ClusterConfig.Instances", "ApplicationConfig.NetworkConfiguration", "ClusterId", "ApplicationId")
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		// A pipeline without steps runs nothing.
		return single(blank(posture.NoCode))
	}
	return parts
}

// maxParts bounds the parts of a pipeline: steps that refer to each other can
// make their number grow with its square.
const maxParts = 10_000

// inStep reads the arguments of a step as a request of the row's kind.
func (r *reader) inStep(row *Row, s pipeline.Step, base string, byName func(string) (*reader, bool)) *reader {
	in := &reader{row: row, of: r.of, lookup: r.lookup, asOf: r.asOf, depth: r.depth + 1, step: byName, heard: r.heard}
	in.Doc, in.Look, in.Ref, in.Scope, in.Unsure = s.Arguments, r.Look, r.Ref, r.Scope, r.Unsure
	in.Base = join(join(base, s.Path), "Arguments")
	if s.Arguments.Kind() == jsondoc.Absent {
		in.Absence, in.Why = AbsentIsUnknown, "the step has no Arguments"
	}
	return in
}

func (r *reader) judge(s pipeline.Step, steps []pipeline.Step, base string, byName func(string) (*reader, bool)) []Part {
	row, ok := stepRows()[s.Type]
	switch {
	case ok && row != nil:
		parts := row.parts(r.inStep(row, s, base, byName))
		for i := range parts {
			if parts[i].Kind == "" {
				parts[i].Kind = row.Kind
			}
		}
		return parts
	case ok, strings.HasPrefix(s.Type, "Bedrock"):
		return single(blank(posture.NoCode))
	case s.Type == "ForEach" && slices.ContainsFunc(steps, func(o pipeline.Step) bool { return o.Path != s.Path && strings.HasPrefix(o.Path, s.Path) }):
		return single(blank(posture.NoCode))
	case s.Type == "RegisterModel":
		// A model package is validated as an algorithm is: by jobs that no VPC can
		// be given.
		return algorithmParts(r.inStep(r.row, s, base, byName))
	case s.Type == "EMR":
		return single(r.inStep(r.row, s, base, byName).emr())
	case s.Type == "EMRServerless":
		return single(r.inStep(r.row, s, base, byName).emrServerless())
	case s.Type == "":
		return single(unknown(posture.Unassessed, posture.Reason{Path: join(base, s.Path), Why: "not understood as a step: " + s.Arguments.Why()}))
	default:
		return single(unknown(posture.Unassessed, posture.Reason{Path: join(base, s.Path), Why: "step type " + s.Type + " is not known here"}))
	}
}

// stepRows says which row judges the arguments of each step type; nil is a type
// that starts no code in SageMaker AI.
// https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
func stepRows() map[string]*Row {
	return map[string]*Row{
		"Training":           &trainingJob,
		"Processing":         &processingJob,
		"ClarifyCheck":       &processingJob,
		"QualityCheck":       &processingJob,
		"Tuning":             &hyperParameterTuningJob,
		"AutoML":             &autoMLJob,
		"Model":              &model,
		"EndpointConfig":     &endpointConfig,
		"Endpoint":           &endpoint,
		"InferenceComponent": &inferenceComponent,
		"Transform":          &transformJob,
		"Job":                &job,
		"Condition":          nil,
		"Lambda":             nil,
		"Callback":           nil,
		"Fail":               nil,
		"Lineage":            nil,
		"Athena":             nil,
		"Cleanup":            nil,
		"HubContent":         nil,
	}
}

// emr reads an EMR step: a cluster that the step creates, or one that exists.
// https://docs.aws.amazon.com/emr/latest/APIReference/API_JobFlowInstancesConfig.html
func (r *reader) emr() posture.Posture {
	instances, id := r.at("ClusterConfig.Instances"), r.at("ClusterId")
	if !instances.set() || id.set() {
		return unknown(posture.Container, posture.Reason{Path: id.path, Why: "runs on an EMR cluster that exists already", Look: strings.TrimSpace("elasticmapreduce:DescribeCluster " + id.value.Str())})
	}
	p := r.elsewhere(instances, []string{"Ec2SubnetId", "Ec2SubnetIds"}, []string{
		"EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup", "ServiceAccessSecurityGroup",
		"AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups",
	})
	if p.VPC == posture.No {
		p.VPC = posture.Unknown
		p.Reasons = append(p.Reasons, posture.Reason{Path: p.Where.VPC, Why: "no subnet is named: EMR takes one of the account's default VPC, if there is one"})
	}
	return p
}

// emrServerless reads an EMR Serverless step: an application that the step
// creates, or one that exists.
// https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_NetworkConfiguration.html
func (r *reader) emrServerless() posture.Posture {
	config, id := r.at("ApplicationConfig"), r.at("ApplicationId")
	if !config.set() || id.set() {
		return unknown(posture.Container, posture.Reason{Path: id.path, Why: "runs in an EMR Serverless application that exists already", Look: strings.TrimSpace("emr-serverless:GetApplication " + id.value.Str())})
	}
	network := r.below(config, "NetworkConfiguration")
	p := r.elsewhere(network, []string{"SubnetIds"}, []string{"SecurityGroupIds"})
	if p.VPC == posture.No {
		p.VPC = posture.Unknown
		p.Reasons = append(p.Reasons, posture.Reason{Path: network.path, Why: "no VPC is configured: what an EMR Serverless application then reaches is not SageMaker's to tell"})
	}
	return p
}

// elsewhere reads the network of code that runs in another service.
func (r *reader) elsewhere(f field, subnets, groups []string) posture.Posture {
	p := blank(posture.Container)
	p.Isolation, p.Encrypted = posture.NotApplicable, posture.NotApplicable
	p.Where.VPC = f.path
	for _, name := range subnets {
		p.Subnets = r.addIDs(&p, p.Subnets, r.below(f, name))
	}
	for _, name := range groups {
		p.SecurityGroups = r.addGroups(&p, p.SecurityGroups, r.below(f, name))
	}
	p.VPC = hasSubnet(p.Subnets)
	return p
}
