package prevent

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Request is a call as IAM meets it.
type Request struct {
	Row  *kind.Row
	Call *kind.Call
	Doc  jsondoc.Value // the request's members
	// Principal is aws:PrincipalArn: of a role with its path, or of a user. Empty
	// where it is not told.
	Principal                  string
	Partition, Account, Region string
	// ARN is the resource's; empty where only the request is known.
	ARN string
}

// Action is the operation as IAM names it.
func (r *Request) Action() string { return "sagemaker:" + r.Call.Name }

// noID stands for what an ARN has and the request does not tell, as the id that
// SageMaker gives to a domain or a cluster when it is created.
const noID = "0"

// Resource is the ARN of the resource that the call needs a permission for.
func (r *Request) Resource() string {
	if arn, ok := kind.ParseARN(r.ARN); ok && arn.Type == string(r.Row.Kind) {
		return r.ARN
	}
	key, _ := r.Row.KeyOf(r.Doc)
	if r.Row.Kind == kind.PipelineExecution {
		return r.execution()
	}
	if key == "" {
		key = noID + strings.Repeat("/"+noID, len(r.Row.Key)-1)
	}
	if arn := r.Row.Build(r.Partition, r.Region, r.Account, key); arn != "" {
		return arn
	}
	return r.arnOf(string(r.Row.Kind), key)
}

// execution is the pipeline that an execution is of, which one is started of, or the
// execution.
func (r *Request) execution() string {
	arn := r.ARN
	if arn == "" {
		arn = r.arnOf(string(kind.Pipeline), noID+"/execution/"+noID)
	}
	if r.Call.Name == "StartPipelineExecution" {
		arn, _, _ = strings.Cut(arn, "/execution/")
	}
	return arn
}

func (r *Request) arnOf(typ, id string) string {
	return "arn:" + r.Partition + ":sagemaker:" + r.Region + ":" + r.Account + ":" + typ + "/" + id
}

// Context are the condition keys of a request: each a string or a []string.
type Context map[string]any

// ErrNotTold says that the record does not have the request.
var ErrNotTold = errors.New("the request is not in the record")

// setting is where a request has what a condition key shows. The Service
// Authorization Reference has the keys and their types, not the members; those are
// found by their names.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html#amazonsagemaker-policy-keys
type setting struct {
	key string
	// at are the paths of the members; [] is each element of a list.
	at []string
	// maybe are paths of members that the key may show too: AWS does not say.
	maybe []string
	// standard is the API's default, which the key may show where the member is left
	// out: AWS does not say. Empty where there is none, as in an update.
	standard string
	// list says that the key has several values.
	list bool
	// arn is the kind whose ARN the key shows, where the members have a name.
	arn kind.Kind
	// document is the member that has the rest as a JSON document in a string.
	document string
}

// subnets and groups are the settings of the two lists of a VPC.
func subnets(at ...string) setting { return setting{key: "VpcSubnets", at: at, list: true} }
func groups(at ...string) setting  { return setting{key: "VpcSecurityGroupIds", at: at, list: true} }

// vpc is a VpcConfig at each of the paths.
func vpc(at ...string) []setting {
	s, g := subnets(), groups()
	for _, path := range at {
		s.at, g.at = append(s.at, path+".Subnets"), append(g.at, path+".SecurityGroupIds")
	}
	return []setting{s, g}
}

func isolation(at ...string) setting {
	return setting{key: "NetworkIsolation", at: at, standard: "false"}
}

func encryption(at ...string) setting {
	return setting{key: "InterContainerTrafficEncryption", at: at, standard: "false"}
}

// network is a NetworkConfig at a path.
func network(at string) []setting {
	return append(vpc(at+".VpcConfig"), isolation(at+".EnableNetworkIsolation"), encryption(at+".EnableInterContainerTrafficEncryption"))
}

func modelARN(at ...string) setting { return setting{key: "ModelArn", at: at, arn: kind.Model} }

// shown are the settings of the network, and of ways in, that the keys of each
// operation show. The other keys that it has are not in a [Context].
func shown(operation string) []setting {
	const schedule = "MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig"
	debug := setting{key: "EnableRemoteDebug", at: []string{"RemoteDebugConfig.EnableRemoteDebug"}}
	remote := setting{key: "RemoteAccess", at: []string{"SpaceSettings.RemoteAccess"}}
	mode := setting{key: "AppNetworkAccessType", at: []string{"AppNetworkAccessType"}}
	groupsOf := func(settings string) setting {
		g := groups("DefaultUserSettings.SecurityGroups")
		g.maybe = []string{"DefaultSpaceSettings.SecurityGroups", settings + ".SecurityGroupIds"}
		return g
	}
	switch operation {
	case "CreateTrainingJob":
		debug.standard = "false"
		return append(vpc("VpcConfig"), isolation("EnableNetworkIsolation"), encryption("EnableInterContainerTrafficEncryption"), debug)
	case "UpdateTrainingJob":
		return []setting{debug}
	case "CreateProcessingJob", "CreateDataQualityJobDefinition", "CreateModelBiasJobDefinition", "CreateModelExplainabilityJobDefinition", "CreateModelQualityJobDefinition":
		return network("NetworkConfig")
	case "CreateMonitoringSchedule", "UpdateMonitoringSchedule":
		return network(schedule)
	case "CreateHyperParameterTuningJob":
		one, each := "TrainingJobDefinition", "TrainingJobDefinitions[]"
		return append(vpc(one+".VpcConfig", each+".VpcConfig"),
			isolation(one+".EnableNetworkIsolation", each+".EnableNetworkIsolation"),
			encryption(one+".EnableInterContainerTrafficEncryption", each+".EnableInterContainerTrafficEncryption"))
	case "CreateAutoMLJob":
		return append(vpc("AutoMLJobConfig.SecurityConfig.VpcConfig"), encryption("AutoMLJobConfig.SecurityConfig.EnableInterContainerTrafficEncryption"))
	case "CreateAutoMLJobV2":
		return append(vpc("SecurityConfig.VpcConfig"), encryption("SecurityConfig.EnableInterContainerTrafficEncryption"))
	case "CreateJob":
		out := vpc("VpcConfig")
		for i := range out {
			out[i].document = "JobConfigDocument"
		}
		return out
	case "CreateModel":
		return append(vpc("VpcConfig"), isolation("EnableNetworkIsolation"))
	case "CreateEndpointConfig":
		return append(vpc("VpcConfig"), isolation("EnableNetworkIsolation"),
			modelARN("ProductionVariants[].ModelName", "ShadowProductionVariants[].ModelName"),
			setting{key: "ServerlessMemorySize", at: []string{"ProductionVariants[].ServerlessConfig.MemorySizeInMB", "ShadowProductionVariants[].ServerlessConfig.MemorySizeInMB"}})
	case "CreateTransformJob":
		return []setting{modelARN("ModelName")}
	case "CreateInferenceComponent":
		return []setting{modelARN("Specification.ModelName")}
	case "CreateNotebookInstance":
		return []setting{subnets("SubnetId"), groups("SecurityGroupIds"), {key: "DirectInternetAccess", at: []string{"DirectInternetAccess"}, standard: "Enabled"}}
	case "CreateDomain":
		mode.standard = "PublicInternetOnly"
		return []setting{subnets("SubnetIds"), groupsOf("DomainSettings"), mode}
	case "UpdateDomain":
		return []setting{subnets("SubnetIds"), groupsOf("DomainSettingsForUpdate"), mode}
	case "CreateUserProfile", "UpdateUserProfile":
		return []setting{groups("UserSettings.SecurityGroups")}
	case "CreateSpace":
		remote.standard = "DISABLED"
		return []setting{remote}
	case "UpdateSpace":
		return []setting{remote}
	case "CreateCluster":
		out := vpc("VpcConfig")
		for i, member := range []string{"Subnets", "SecurityGroupIds"} {
			out[i].maybe = []string{"InstanceGroups[].OverrideVpcConfig." + member, "RestrictedInstanceGroups[].OverrideVpcConfig." + member}
		}
		return out
	case "UpdateCluster":
		// The request has no other VPC for the keys to show.
		return vpc("InstanceGroups[].OverrideVpcConfig", "RestrictedInstanceGroups[].OverrideVpcConfig")
	}
	return nil
}

// Contexts returns what the context of a request may be. It is one where AWS's
// documentation tells, and several where it does not: whether a key is there when
// its member is left out, which value it has when several parts of a request
// differ, and whether it shows members that are further down. A policy is right
// where it is right for each.
func (r *Request) Contexts() ([]Context, error) {
	if r.Doc.Kind() != jsondoc.Object || r.Doc.Omitted() {
		return nil, ErrNotTold
	}
	out := []Context{r.common()}
	for _, s := range shown(r.Call.Name) {
		alternatives, err := r.alternatives(s)
		if err != nil {
			return nil, err
		}
		var more []Context
		for _, c := range out {
			for _, v := range alternatives {
				d := maps.Clone(c)
				if v != nil {
					d["sagemaker:"+s.key] = v
				}
				more = append(more, d)
			}
		}
		out = more
	}
	return out, nil
}

// common are the keys that are not of one operation.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (r *Request) common() Context {
	c := Context{}
	set := func(key, value string) {
		if value != "" {
			c[key] = value
		}
	}
	set("aws:PrincipalArn", r.Principal)
	if arn, ok := kind.ParseARN(r.Principal); ok {
		set("aws:PrincipalAccount", arn.Account)
	} else {
		set("aws:PrincipalAccount", r.Account)
	}
	set("aws:ResourceAccount", r.Account)
	set("aws:RequestedRegion", r.Region)
	if r.Call.Effect != kind.Creates {
		return c
	}
	var keys []string
	for _, m := range r.Doc.Get("Tags").Members() {
		if key, value := m.Value.Get("Key").Str(), m.Value.Get("Value"); key != "" {
			if text, ok := value.Text(); ok {
				set("aws:RequestTag/"+key, text)
			}
			keys = append(keys, key)
		}
	}
	if len(keys) > 0 {
		c["aws:TagKeys"] = keys
	}
	return c
}

// alternatives are the values that a key may have; nil is that it is not there.
func (r *Request) alternatives(s setting) ([]any, error) {
	doc := r.Doc
	if s.document != "" {
		text, ok := doc.Get(s.document).Text()
		if !ok {
			return nil, fmt.Errorf("%s: %w", s.document, ErrNotTold)
		}
		var err error
		if doc, err = jsondoc.Parse([]byte(text), kind.FreeForm()); err != nil {
			return nil, fmt.Errorf("%s: %w", s.document, err)
		}
	}
	values, absent, err := read(doc, s.at)
	if err != nil {
		return nil, err
	}
	if s.arn != "" {
		for i := range values {
			values[i] = r.arn(s.arn, values[i])
		}
	}
	if s.list {
		out := []any{nilOr(values)}
		more, _, err := read(doc, s.maybe)
		if err == nil && len(more) > 0 {
			out = append(out, nilOr(append(slices.Clone(values), more...)))
		}
		return out, err
	}
	values = sorted(values)
	if len(values) > 0 && absent && s.standard != "" && !slices.Contains(values, s.standard) {
		values = append(values, s.standard) // of a part that leaves it out
	}
	if len(values) == 0 {
		if s.standard == "" {
			return []any{nil}, nil
		}
		return []any{nil, s.standard}, nil
	}
	out := make([]any, 0, len(values))
	for _, v := range values {
		out = append(out, v)
	}
	return out, nil
}

func nilOr(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// arn is the ARN of what a member names, by a name or an ARN.
func (r *Request) arn(k kind.Kind, name string) string {
	if _, ok := kind.ParseARN(name); ok {
		return name
	}
	row, _ := kind.Of(k)
	return row.Build(r.Partition, r.Region, r.Account, name)
}

// read are the texts at paths, and whether some part of the request lacks a member
// that it could have.
func read(doc jsondoc.Value, paths []string) (values []string, absent bool, err error) {
	for _, path := range paths {
		above := []jsondoc.Value{doc}
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			member, each := strings.CutSuffix(name, "[]")
			var next []jsondoc.Value
			for _, v := range above {
				at := v.Get(member)
				switch {
				case at.Why() != "":
					return nil, false, fmt.Errorf("%s: %s: %w", path, at.Why(), ErrNotTold)
				case each:
					for _, m := range at.Members() {
						next = append(next, m.Value)
					}
				case !at.Empty():
					next = append(next, at)
				}
			}
			above = next
		}
		for _, v := range above {
			at := v.Get(names[len(names)-1])
			if at.Why() != "" {
				return nil, false, fmt.Errorf("%s: %s: %w", path, at.Why(), ErrNotTold)
			}
			some := texts(at)
			absent = absent || len(some) == 0
			values = append(values, some...)
		}
	}
	return values, absent, nil
}

// texts are the texts of a value, or of the elements of a list.
func texts(v jsondoc.Value) []string {
	if v.Kind() == jsondoc.Array {
		var out []string
		for _, m := range v.Members() {
			out = append(out, texts(m.Value)...)
		}
		return out
	}
	if b, ok := v.Bool(); ok {
		return []string{fmt.Sprint(b)}
	}
	if n, ok := v.Literal(); ok {
		return []string{n}
	}
	if s, ok := v.Text(); ok && s != "" {
		return []string{s}
	}
	return nil
}

// Known says whether a [Context] has a condition key where the request has what it
// shows. A policy that asks for others is evaluated as if no request had them.
func Known(key string) bool {
	key = strings.ToLower(key)
	if strings.HasPrefix(key, "aws:requesttag/") {
		return true
	}
	known := []string{"aws:principalarn", "aws:principalaccount", "aws:resourceaccount", "aws:requestedregion", "aws:tagkeys"}
	for _, op := range operations() {
		for _, s := range shown(op.name()) {
			known = append(known, "sagemaker:"+strings.ToLower(s.key))
		}
	}
	return slices.Contains(known, key)
}

// Keys are the condition keys that a policy asks for, and in its resources and
// values no others.
func Keys(policy json.RawMessage) ([]string, error) {
	var doc struct {
		Statement json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal(policy, &doc); err != nil {
		return nil, err
	}
	type statement struct {
		Condition map[string]map[string]json.RawMessage `json:"Condition"`
	}
	var many []statement
	if err := json.Unmarshal(doc.Statement, &many); err != nil {
		var one statement
		if err := json.Unmarshal(doc.Statement, &one); err != nil {
			return nil, err
		}
		many = []statement{one}
	}
	var out []string
	for _, s := range many {
		for _, keys := range s.Condition {
			for key := range keys {
				out = append(out, key)
			}
		}
	}
	return sorted(out), nil
}
