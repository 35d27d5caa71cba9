package lint

import (
	"slices"
	"strings"
	"sync"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Question is one thing that a policy can keep from happening.
type Question string

// The questions, in the order in which they are told.
const (
	NoVPC          Question = "no-vpc"          // it runs without a VPC
	Subnets        Question = "subnets"         // in a subnet that is not in the list
	SecurityGroups Question = "security-groups" // with a security group that is not in the list
	Isolation      Question = "isolation"       // without network isolation
	DirectInternet Question = "direct-internet" // with the service's direct Internet access
	DomainMode     Question = "domain-mode"     // a domain that is not VpcOnly
	Encryption     Question = "encryption"      // traffic between containers in the clear
	Interactive    Question = "interactive"     // with remote access, remote debugging, SSM or Docker
)

// Questions lists them all.
func Questions() []Question {
	return []Question{NoVPC, Subnets, SecurityGroups, Isolation, DirectInternet, DomainMode, Encryption, Interactive}
}

// about is what there is to say of a question.
type about struct {
	words    string     // what the caller does, after "a call"
	rules    []rules.ID // the rules that ask for it
	severity rules.Severity
}

// questions say of each what it is about. The severities are those of the rules.
var questions = sync.OnceValue(func() map[Question]about {
	return map[Question]about{
		NoVPC:          {"without a VPC", []rules.ID{rules.VPCRequired, rules.NoOwnInternet}, rules.High},
		Subnets:        {"in a subnet that is not listed", []rules.ID{rules.SubnetAllowed}, rules.High},
		SecurityGroups: {"with a security group that is not listed", []rules.ID{rules.SecurityGroupAllowed}, rules.Medium},
		Isolation:      {"without network isolation", []rules.ID{rules.IsolationRequired}, rules.Medium},
		DirectInternet: {"with direct Internet access", []rules.ID{rules.NoBridge}, rules.High},
		DomainMode:     {"with a network access type other than VpcOnly", []rules.ID{rules.NoBridge}, rules.High},
		Encryption:     {"without encryption between containers", []rules.ID{rules.EncryptedBetweenContainers}, rules.Low},
		Interactive:    {"with interactive access", []rules.ID{rules.InteractiveAccess}, rules.Medium},
	}
})

// Asked says what a question is about, to follow "a call", and which rules ask it.
func Asked(q Question) (words string, ids []rules.ID) {
	a := questions()[q]
	return a.words, a.rules
}

// The condition keys that show a setting of the network, without their prefix.
const (
	prefix = "sagemaker:"

	vpcSubnets               = "VpcSubnets"
	vpcSecurityGroups        = "VpcSecurityGroupIds"
	networkIsolation         = "NetworkIsolation"
	interContainerEncryption = "InterContainerTrafficEncryption"
	directInternetAccess     = "DirectInternetAccess"
	appNetworkAccessType     = "AppNetworkAccessType"
	remoteAccess             = "RemoteAccess"
	enableRemoteDebug        = "EnableRemoteDebug"
)

// setting is a condition key that shows one setting of a request.
type setting struct {
	index int    // in settings
	name  string // of the key
	key   condition.Key
	// good and bad are the values that comply and that do not, of a key that has
	// few values.
	good, bad string
	// member is the request's member as people know it.
	member string
	asks   []Question
}

// settings are the condition keys that show a setting of the network. Their types
// are those of the Service Authorization Reference.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html#amazonsagemaker-policy-keys
var settings = sync.OnceValue(func() []*setting {
	list := condition.Key{Type: condition.String, Many: true}
	text, flag := condition.Key{Type: condition.String}, condition.Key{Type: condition.Bool}
	out := []*setting{
		{0, vpcSubnets, list, "", "", "subnets", []Question{NoVPC, Subnets}},
		{0, vpcSecurityGroups, list, "", "", "security groups", []Question{SecurityGroups}},
		{0, networkIsolation, flag, "true", "false", "EnableNetworkIsolation", []Question{Isolation}},
		{0, directInternetAccess, text, "Disabled", "Enabled", "DirectInternetAccess", []Question{DirectInternet}},
		{0, appNetworkAccessType, text, "VpcOnly", "PublicInternetOnly", "AppNetworkAccessType", []Question{DomainMode}},
		{0, interContainerEncryption, flag, "true", "false", "EnableInterContainerTrafficEncryption", []Question{Encryption}},
		{0, remoteAccess, text, "DISABLED", "ENABLED", "RemoteAccess", []Question{Interactive}},
		{0, enableRemoteDebug, flag, "false", "true", "EnableRemoteDebug", []Question{Interactive}},
	}
	for i, s := range out {
		s.index = i
	}
	return out
})

// settingOf finds a setting by its key as a policy writes it: keys are not
// case-sensitive.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
func settingOf(key string) (*setting, bool) {
	name, ok := cutPrefix(key)
	if !ok {
		return nil, false
	}
	all := settings()
	i := slices.IndexFunc(all, func(s *setting) bool { return strings.EqualFold(s.name, name) })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// cutPrefix takes SageMaker's prefix from an action or a key, in whichever case.
func cutPrefix(s string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// ask is how far a policy can answer a question for one operation.
type ask struct {
	// cannot says why no policy can deny what the question is about; empty: one can.
	cannot string
	// slips says what passes whatever the policy; empty: nothing does.
	slips string
	// absent says that leaving the member out is what the question is about, too.
	absent bool
	// own says that it is asked of requests with a VPC only: without one, whether the
	// settings are the request's own does not show, or the rules allow it.
	own bool
	// open says that it is asked only of requests with a way of their own to the
	// Internet: without a VPC, the rules allow the others.
	open bool
}

// operation is one call of SageMaker's API that creates or changes what a network
// decides.
type operation struct {
	name string
	kind kind.Kind
	keys []string // condition keys that show a setting, without prefix
	// resources are what the call must be allowed on, below the account in an ARN.
	resources []string
	asks      map[Question]ask
	// coupled says that subnets and security groups come together or not at all.
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
	coupled bool
	// partial are compliant requests that leave settings out.
	partial []shape
	// elsewhere says what decides where the operation has no setting of its own.
	elsewhere string
}

// shape is a kind of compliant request.
type shape struct {
	words string
	out   []string // keys of what such a request leaves out
	bad   []string // keys of what has the value that most rules forbid
	// defaults says that a key may be there all the same, with the default.
	defaults bool
}

func (o *operation) carries(key string) bool { return slices.Contains(o.keys, key) }

// operationNamed finds one of the operations.
func operationNamed(name string) *operation {
	all := operations()
	return all[slices.IndexFunc(all, func(o *operation) bool { return o.name == name })]
}

// operations are those of the table of kinds that create or change something, in
// its order.
var operations = sync.OnceValue(func() []*operation {
	var out []*operation
	for _, row := range kind.Table() {
		for i := range row.Calls {
			if row.Calls[i].Effect != kind.Runs {
				out = append(out, newOperation(row, &row.Calls[i]))
			}
		}
	}
	return out
})

func newOperation(row *kind.Row, call *kind.Call) *operation {
	o := &operation{name: call.Name, kind: row.Kind, asks: map[Question]ask{}, resources: resources(row, call.Name)}
	for _, s := range settings() {
		if !slices.Contains(call.Keys, s.name) {
			continue
		}
		o.keys = append(o.keys, s.name)
		for _, q := range s.asks {
			o.asks[q] = ask{absent: q != Subnets && q != SecurityGroups && q != Interactive}
		}
	}
	o.coupled = o.carries(vpcSubnets) && row.Kind != kind.NotebookInstance && row.Kind != kind.Domain
	for q, why := range keyless(row.Kind, call.Name) {
		o.asks[q] = ask{cannot: why}
	}
	o.exceptions(row, call)
	if len(o.asks) == 0 {
		var decides []string
		for _, ref := range row.Refers {
			if other, ok := kind.Of(ref.Kind); ok && !slices.Contains(decides, other.Words) {
				decides = append(decides, other.Words)
			}
		}
		o.elsewhere = strings.Join(decides, ", ")
	}
	return o
}

// exceptions are what holds for some operations only.
func (o *operation) exceptions(row *kind.Row, call *kind.Call) {
	set := func(q Question, f func(*ask)) {
		if a, ok := o.asks[q]; ok && a.cannot == "" {
			f(&a)
			o.asks[q] = a
		}
	}
	if call.Effect == kind.Changes {
		// What a partial update does not name stays as it was.
		delete(o.asks, NoVPC)
		set(DomainMode, func(a *ask) { a.absent = false })
		o.partial = append(o.partial, shape{words: "that change something else", out: o.keys})
	}
	if by := special()[row.Kind]; by != nil {
		by(o, call, set)
	}
}

// special is what holds for the operations of one kind. set changes what can be said
// of a question, where it is asked.
func special() map[kind.Kind]func(o *operation, call *kind.Call, set func(Question, func(*ask))) {
	return map[kind.Kind]func(*operation, *kind.Call, func(Question, func(*ask))){
		kind.EndpointConfig: func(o *operation, _ *kind.Call, set func(Question, func(*ask))) {
			const models = "a configuration of models must not have a VPC or isolation of its own, and looks the same: deny CreateModel without them"
			o.asks[NoVPC] = ask{cannot: models}
			set(Isolation, func(a *ask) { a.own, a.slips = true, "without a VPC: "+models })
			o.partial = append(o.partial, shape{words: "whose variants have models", out: o.keys, defaults: true})
		},
		kind.MonitoringSchedule: func(o *operation, _ *kind.Call, set func(Question, func(*ask))) {
			const named = "a schedule by the name of a job definition has no settings of its own, and looks the same: deny the creation of job definitions without them"
			o.asks[NoVPC] = ask{cannot: named}
			for _, q := range []Question{Isolation, Encryption} {
				set(q, func(a *ask) { a.own, a.slips = true, "without a VPC: "+named })
			}
			o.partial = append(o.partial, shape{words: "by the name of a job definition", out: o.keys, defaults: true})
		},
		kind.HyperParameterTuningJob: func(_ *operation, _ *kind.Call, set func(Question, func(*ask))) {
			const several = "one of several TrainingJobDefinitions: AWS does not say that the key tells of each"
			for _, q := range []Question{NoVPC, Isolation, Encryption} {
				set(q, func(a *ask) { a.slips = several })
			}
		},
		kind.Cluster: func(_ *operation, _ *kind.Call, set func(Question, func(*ask))) {
			const override = "an instance group's OverrideVpcConfig: AWS does not say that the key has its ids"
			for _, q := range []Question{Subnets, SecurityGroups} {
				set(q, func(a *ask) { a.slips = override })
			}
		},
		kind.Domain: func(_ *operation, _ *kind.Call, set func(Question, func(*ask))) {
			set(SecurityGroups, func(a *ask) {
				a.slips = "groups of DefaultSpaceSettings and DomainSettings: AWS does not say that the key has them"
			})
		},
		kind.UserProfile: func(o *operation, call *kind.Call, _ func(Question, func(*ask))) {
			if call.Effect == kind.Creates {
				o.partial = append(o.partial, shape{words: "that add nothing to the domain's security groups", out: o.keys})
			}
		},
	}
}

// keyless are the settings of operations that no condition key shows, and why.
func keyless(k kind.Kind, call string) map[Question]string {
	const (
		none  = "no condition key shows it"
		later = "a definition is only stored; the call of each step is authorized when it runs, as the pipeline's role: attach the policy there"
	)
	if call == "AttachClusterNodeNetworkInterface" {
		return map[Question]string{Subnets: none, SecurityGroups: none}
	}
	network := map[Question]string{NoVPC: none, Subnets: none, SecurityGroups: none}
	return map[kind.Kind]map[Question]string{
		kind.CompilationJob: network, kind.OptimizationJob: network, kind.InferenceRecommendationsJob: network,
		kind.AIBenchmarkJob: network, kind.LabelingJob: network, kind.TrainingSession: network, kind.Workforce: network,
		kind.Pipeline:       {NoVPC: later, Subnets: later, SecurityGroups: later, Isolation: later, Encryption: later},
		kind.Algorithm:      {NoVPC: "its validation runs without a VPC, whatever the request"},
		kind.EndpointConfig: {Interactive: "no condition key shows EnableSSMAccess"},
		kind.Domain:         {Interactive: "no condition key shows EnableDockerAccess"},
	}[k]
}

// resources are what a call must be allowed on.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html#amazonsagemaker-actions-as-permissions
func resources(row *kind.Row, call string) []string {
	own := string(row.Kind) + "/*"
	switch call {
	case "CreateEndpoint", "UpdateEndpoint":
		return []string{own, string(kind.EndpointConfig) + "/*"}
	case "CreateInferenceComponent":
		return []string{own, string(kind.Endpoint) + "/*"}
	case "StartPipelineExecution":
		return []string{string(kind.Pipeline) + "/*"}
	default:
		return []string{own}
	}
}
