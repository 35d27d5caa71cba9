package prevent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Status says how far a rule is held by IAM for an operation.
type Status string

// The statuses.
const (
	Denied   Status = "denied"   // every call that fails the rule is denied
	Partly   Status = "partly"   // some calls that fail it are denied; the slips are not
	Detected Status = "detected" // none is denied; audit finds it
)

// Entry is what the policies do about one rule for one operation.
type Entry struct {
	Operation string    `json:"operation"`
	Kind      kind.Kind `json:"kind"`
	Rule      rules.ID  `json:"rule"`
	Status    Status    `json:"status"`
	// Slips are what is not denied though it fails, where some is.
	Slips []Slip `json:"slips"`
	// Reason is why nothing is denied; empty where something is.
	Reason string `json:"reason"`
	// Control is what holds the rule instead; empty where all is denied.
	Control string `json:"control"`
}

// Slip is a way by which a call that fails is not denied.
type Slip struct {
	ID   string `json:"id"`
	What string `json:"what"`
}

// The ids of slips.
const (
	SlipModel        = "model"         // a variant has a model, which decides
	SlipOwn          = "own"           // a configuration's own settings name no VPC
	SlipDefinition   = "definition"    // a schedule names a definition, which decides
	SlipInline       = "inline"        // a schedule's own definition names no VPC
	SlipSeveral      = "several"       // several definitions in one request differ
	SlipOverride     = "override"      // a group of a cluster has a VPC of its own
	SlipUnchanged    = "unchanged"     // an update leaves it as it was
	SlipSpaceGroups  = "space-groups"  // security groups of a domain that the key may not show
	SlipDomainGroups = "domain-groups" // security groups of the domain of a profile
	SlipTwoVPCs      = "two-vpcs"      // subnets of two VPCs
	SlipUnsayable    = "unsayable"     // an override or exception that no statement can say
)

// Gap returns what the policies of a rules file do for each operation that the
// table claims and each rule that is on for its kind, in the table's order.
// Assessable is not among them: what is not known cannot be denied.
func Gap(f *rules.File, o Options) []Entry {
	s := Generate(f, o)
	var out []Entry
	for _, row := range kind.Table() {
		for i := range row.Calls {
			op := operation{row, &row.Calls[i]}
			p := op.probe()
			for _, id := range rules.IDs() {
				if id != rules.Assessable && applies(id, p) && wanted(f, id, op) {
					out = append(out, s.entry(op, id, p))
				}
			}
		}
	}
	return out
}

// wanted says whether a rule is on for some call of an operation.
func wanted(f *rules.File, id rules.ID, op operation) bool {
	return f.Rules[id].On || slices.ContainsFunc(f.Overrides, func(o rules.Override) bool {
		return o.Rules[id].On && op.meant(o.Match.Kinds)
	})
}

// facts are the settings that the configuration of an operation can have.
type facts struct {
	families                      []posture.Family
	isolation, encrypted, workers bool
	ways                          []posture.Way
}

// probe reads a request of the operation that says next to nothing.
func (o operation) probe() facts {
	members := map[string]string{
		"CreateTransformJob":            `"ModelName":"m"`,
		"CreateEndpoint":                `"EndpointConfigName":"c"`,
		"UpdateEndpoint":                `"EndpointConfigName":"c"`,
		"CreateInferenceComponent":      `"EndpointName":"e"`,
		"UpdateInferenceComponent":      `"EndpointName":"e"`,
		"CreateEndpointConfig":          `"ProductionVariants":[{"VariantName":"v"}]`,
		"CreateHyperParameterTuningJob": `"TrainingJobDefinition":{"RoleArn":"r"}`,
		"CreateMonitoringSchedule":      `"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"RoleArn":"r"}}`,
		"UpdateMonitoringSchedule":      `"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"RoleArn":"r"}}`,
		"CreateLabelingJob":             `"LabelingJobAlgorithmsConfig":{"LabelingJobAlgorithmSpecificationArn":"a"}`,
		"CreateAlgorithm":               `"ValidationSpecification":{"ValidationProfiles":[{"ProfileName":"p"}]}`,
		"CreateJob":                     `"JobConfigDocument":"{}"`,
	}
	doc := func(text string) jsondoc.Value {
		v, err := jsondoc.Parse([]byte(`{"Probe":"p",`+text+`}`), kind.FreeForm())
		if err != nil {
			panic(err) // of our own
		}
		return v
	}
	more := members[o.call.Name]
	if more == "" {
		more = `"More":"m"`
	}
	made := map[kind.Kind]string{kind.EndpointConfig: members["CreateEndpointConfig"], kind.Endpoint: members["CreateEndpoint"]}
	lookup := func(a kind.Ask) (kind.Record, string) {
		if text, ok := made[a.Kind]; ok {
			return kind.Record{Doc: doc(text)}, ""
		}
		return kind.Record{Doc: doc(`"More":"m"`)}, ""
	}
	observed := kind.Observation{Row: o.row, Call: o.call, Doc: doc(more), Source: kind.Source{Type: kind.ShapeCloudTrail}}
	var f facts
	for _, p := range o.row.Parts(observed.Record(), lookup) {
		q := p.Posture
		f.families = append(f.families, q.Family)
		f.isolation = f.isolation || q.Isolation != posture.NotApplicable
		f.encrypted = f.encrypted || q.Encrypted != posture.NotApplicable
		f.workers = f.workers || q.Workers != posture.NotApplicable
		for _, a := range q.Access {
			f.ways = append(f.ways, a.Way)
		}
		if q.Family == posture.Unassessed {
			// The steps of a pipeline: jobs and models.
			f.families = []posture.Family{posture.Container}
			f.ways = []posture.Way{posture.RemoteDebug}
		}
	}
	return f
}

// applies says whether a configuration with such settings can fail a rule.
func applies(id rules.ID, f facts) bool {
	code := !slices.Contains(f.families, posture.NoCode)
	switch id {
	case rules.VPCRequired, rules.NoOwnInternet, rules.WellFormed, rules.SubnetAllowed, rules.SecurityGroupAllowed, rules.CentralEgress, rules.EndpointsReachable:
		return code
	case rules.NoBridge:
		return code && !slices.Contains(f.families, posture.Container)
	case rules.IsolationRequired:
		return f.isolation
	case rules.EncryptedBetweenContainers:
		return f.encrypted
	case rules.InteractiveAccess:
		return len(f.ways) > 0
	case rules.WorkerIngress:
		return f.workers
	case rules.Assessable:
	}
	return false
}

func (s *Set) entry(op operation, id rules.ID, f facts) Entry {
	e := Entry{Operation: op.name(), Kind: op.row.Kind, Rule: id, Status: Detected, Slips: []Slip{}}
	if !s.by[target{op.name(), id}] {
		e.Reason, e.Control = op.reason(id, f), op.control(id)
		return e
	}
	e.Slips = append(e.Slips, op.slips(id)...)
	for _, l := range s.Limits {
		if l.Operation == op.name() && l.Rule == id {
			e.Slips = append(e.Slips, Slip{SlipUnsayable, l.Where + ": " + l.Why})
		}
	}
	if len(e.Slips) == 0 {
		e.Status = Denied
		return e
	}
	e.Status, e.Control = Partly, op.control(id)
	return e
}

// slips are what the statements of a rule cannot see of an operation's requests.
func (o operation) slips(id rules.ID) (out []Slip) {
	add := func(id, what string) { out = append(out, Slip{id, what}) }
	asks := func(ids ...rules.ID) bool { return slices.Contains(ids, id) }
	place := asks(rules.VPCRequired, rules.NoOwnInternet)
	lists := asks(rules.WellFormed, rules.SubnetAllowed, rules.SecurityGroupAllowed)
	if o.call.Effect == kind.Changes {
		add(SlipUnchanged, "what the update does not name stays as it was")
	}
	switch o.name() {
	case "CreateEndpointConfig":
		add(SlipModel, "a variant with a model has the model's network, which is not in the request")
		if place || asks(rules.IsolationRequired) {
			add(SlipOwn, "a configuration with settings of its own but no VpcConfig looks like one whose variants have models")
		}
	case "CreateMonitoringSchedule", "UpdateMonitoringSchedule":
		add(SlipDefinition, "a schedule with MonitoringJobDefinitionName has the definition's network, which is not in the request")
		if !lists {
			add(SlipInline, "a definition of the schedule's own without VpcConfig looks like a schedule with MonitoringJobDefinitionName")
		}
	case "CreateHyperParameterTuningJob":
		if !lists {
			add(SlipSeveral, "of several TrainingJobDefinitions the keys show all subnets together and one value of a switch: one without hides beside another")
		}
	case "CreateCluster", "UpdateCluster":
		if lists {
			add(SlipOverride, "OverrideVpcConfig of an instance group: AWS does not say whether the keys show it")
		}
	case "CreateDomain", "UpdateDomain":
		if asks(rules.WellFormed, rules.SecurityGroupAllowed) {
			add(SlipSpaceGroups, "DefaultSpaceSettings.SecurityGroups and DomainSettings.SecurityGroupIds: AWS does not say whether the key shows them")
		}
	case "CreateUserProfile", "UpdateUserProfile":
		add(SlipDomainGroups, "the security groups of the domain, which are the profile's too")
	}
	if id == rules.WellFormed && o.has("VpcSubnets") {
		add(SlipTwoVPCs, "subnets of two VPCs: IAM sees ids, not what they are in")
	}
	return out
}

// reason is why no statement of a rule is about an operation.
func (o operation) reason(id rules.ID, f facts) string {
	switch {
	case id == rules.CentralEgress || id == rules.EndpointsReachable:
		return "is about routes and endpoints of the VPC, which no request shows; not assessed by this version"
	case o.call.Effect == kind.Runs:
		return "starts what was configured before"
	case o.row.Kind == kind.Pipeline || o.row.Kind == kind.PipelineExecution:
		return "the definition is a document that IAM does not see"
	case id == rules.InteractiveAccess:
		words := make([]string, 0, len(f.ways))
		for _, w := range f.ways {
			words = append(words, string(w))
		}
		return "no condition key of the operation shows " + strings.Join(words, ", ")
	case o.name() == "AttachClusterNodeNetworkInterface":
		return "no condition key shows the interface"
	case !o.has("VpcSubnets") && o.call.Effect == kind.Changes && o.row.Kind != kind.UserProfile && o.row.Kind != kind.Workforce:
		return "does not set it: it was decided before"
	case len(o.row.Refers) > 0 && !o.has("VpcSubnets"):
		return fmt.Sprintf("has no such setting: the %s decides", words(o.row.Refers[0].Kind))
	case o.name() == "CreateEndpointConfig":
		return "a configuration whose variants have models must not name a VPC, so that to name none may be right"
	case o.row.Kind == kind.MonitoringSchedule:
		return "a schedule with MonitoringJobDefinitionName names no VPC, so that to name none may be right"
	case o.call.Effect != kind.Creates && o.has("VpcSubnets"):
		return "an update names what changes, so that to name none may be right"
	case id == rules.NoBridge:
		return "a cluster becomes a bridge by AttachClusterNodeNetworkInterface only"
	}
	return "AWS has no condition key for it"
}

func words(k kind.Kind) string {
	row, _ := kind.Of(k)
	return row.Words
}

// control is what holds a rule where a policy does not.
func (o operation) control(id rules.ID) string {
	switch {
	case id == rules.CentralEgress || id == rules.EndpointsReachable:
		return "the owner of the VPC keeps its routes and endpoints"
	case o.row.Kind == kind.Pipeline || o.row.Kind == kind.PipelineExecution:
		return "SageMaker asks IAM for each step again, as the pipeline's role: the policy denies it there; " + o.found()
	case id == rules.InteractiveAccess:
		return o.found()
	case o.row.Kind == kind.EndpointConfig || o.row.Kind == kind.TransformJob:
		return "CreateModel is denied, so that no new model fails; sagemaker:ModelArn can name the models that may be used; " + o.found()
	case o.row.Kind == kind.Endpoint || o.row.Kind == kind.InferenceComponent:
		return "what it refers to is denied when it is created; " + o.found()
	case o.row.Kind == kind.MonitoringSchedule:
		return "the job definition is denied when it is created; " + o.found()
	case o.name() == "AttachClusterNodeNetworkInterface":
		return "deny the operation where nobody needs it; " + o.found()
	case o.call.Effect == kind.Runs || o.call.Effect == kind.Changes:
		return "it was denied when it was created, if that was after the policy; " + o.found()
	case len(o.row.Refers) > 0 && o.row.Refers[0].Kind == kind.Domain:
		return "the domain is denied when it is created or changed; " + o.found()
	}
	return o.found()
}

// found is what sagemoat does about what was not denied.
func (o operation) found() string {
	for _, stop := range o.row.Stops {
		if strings.HasPrefix(stop, "Stop") {
			return "audit finds it, and mode stop ends it"
		}
	}
	return "audit finds it; nothing ends it by itself, and the finding says what closes it"
}
