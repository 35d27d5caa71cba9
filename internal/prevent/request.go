package prevent

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Switch is a setting that a request may leave out.
type Switch uint8

// The positions.
const (
	Absent Switch = iota
	Off
	On
)

// Network is the network of one part of a request.
type Network struct {
	Subnets, Groups      []string
	Isolation, Encrypted Switch
	// Model is the name of a variant's model; the model decides then.
	Model string
	// Serverless is a variant that runs in the service's network; it needs a model.
	Serverless bool
}

// vpc adds a VPC's members to m: both, as the API wants.
func (n *Network) vpc(m map[string]any, member string) {
	if n.Subnets != nil {
		m[member] = map[string]any{"Subnets": n.Subnets, "SecurityGroupIds": n.Groups}
	}
}

func (s Switch) bool(m map[string]any, member string) {
	if s != Absent {
		m[member] = s == On
	}
}

func (s Switch) text(m map[string]any, member, off, on string) {
	switch s {
	case Off:
		m[member] = off
	case On:
		m[member] = on
	case Absent:
	}
}

func (n *Network) members(isolation, encrypted string) map[string]any {
	m := map[string]any{}
	n.vpc(m, "VpcConfig")
	if isolation != "" {
		n.Isolation.bool(m, isolation)
	}
	if encrypted != "" {
		n.Encrypted.bool(m, encrypted)
	}
	return m
}

// Ask is a request to make.
type Ask struct {
	Operation                    string
	Account, Region, Role, Actor string
	Name, Domain                 string
	Tags                         map[string]string
	// Parts are the definitions of a tuning job, the variants of an endpoint
	// configuration, the groups of a cluster that have a VPC of their own. Own is
	// the network of everything else.
	Own   Network
	Parts []Network
	// Direct is direct Internet access: of a notebook instance, or a domain's network
	// access type.
	Direct Switch
	// Enter is remote access to a space, or remote debugging.
	Enter Switch
	// Definition is the name of the data quality job definition of a schedule.
	Definition string
	// SpaceGroups are the security groups of a domain's shared spaces.
	SpaceGroups []string
	Time        time.Time
	ID          int
}

// Doc is the request.
func (a *Ask) Doc() map[string]any {
	doc := map[string]any{}
	row, call, _ := kind.ByCall(a.Operation)
	if last := row.Key[len(row.Key)-1]; a.Operation != "CreateDomain" {
		doc[last] = a.Name
	}
	if call.Effect == kind.Creates && len(a.Tags) > 0 {
		var tags []any
		for key, value := range a.Tags {
			tags = append(tags, map[string]any{"Key": key, "Value": value})
		}
		doc["Tags"] = tags
	}
	merge := func(more map[string]any) { maps.Copy(doc, more) }
	debug := func() {
		if a.Enter != Absent {
			doc["RemoteDebugConfig"] = map[string]any{"EnableRemoteDebug": a.Enter == On}
		}
	}
	const switches, between = "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"
	switch a.Operation {
	case "CreateTrainingJob":
		merge(a.Own.members(switches, between))
		debug()
	case "UpdateTrainingJob":
		debug()
	case "CreateProcessingJob", "CreateDataQualityJobDefinition", "CreateModelBiasJobDefinition", "CreateModelExplainabilityJobDefinition", "CreateModelQualityJobDefinition":
		doc["NetworkConfig"] = a.Own.members(switches, between)
	case "CreateHyperParameterTuningJob":
		definitions := make([]any, 0, len(a.Parts))
		for i, p := range a.Parts {
			d := p.members(switches, between)
			d["DefinitionName"] = fmt.Sprintf("d%d", i)
			definitions = append(definitions, d)
		}
		if len(definitions) == 1 {
			doc["TrainingJobDefinition"] = definitions[0]
		} else {
			doc["TrainingJobDefinitions"] = definitions
		}
	case "CreateAutoMLJob":
		doc["AutoMLJobConfig"] = map[string]any{"SecurityConfig": a.Own.members("", between)}
	case "CreateAutoMLJobV2":
		doc["SecurityConfig"] = a.Own.members("", between)
	case "CreateJob":
		text, _ := json.Marshal(a.Own.members("", "")) //nolint:errchkjson // strings
		doc["JobCategory"], doc["JobConfigDocument"] = "AgentRFT", string(text)
	case "CreateModel":
		merge(a.Own.members(switches, ""))
	case "CreateEndpointConfig":
		merge(a.Own.members(switches, ""))
		variants := make([]any, 0, len(a.Parts))
		for i, p := range a.Parts {
			v := map[string]any{"VariantName": fmt.Sprintf("v%d", i)}
			if p.Model != "" {
				v["ModelName"] = p.Model
			}
			if p.Serverless {
				v["ServerlessConfig"] = map[string]any{"MemorySizeInMB": 2048, "MaxConcurrency": 5}
			}
			variants = append(variants, v)
		}
		doc["ProductionVariants"] = variants
	case "CreateTransformJob":
		doc["ModelName"] = a.Own.Model
	case "CreateInferenceComponent":
		doc["EndpointName"], doc["Specification"] = "e", map[string]any{"ModelName": a.Own.Model}
	case "CreateMonitoringSchedule", "UpdateMonitoringSchedule":
		config := map[string]any{}
		if a.Definition != "" {
			config["MonitoringJobDefinitionName"], config["MonitoringType"] = a.Definition, "DataQuality"
		} else {
			config["MonitoringJobDefinition"] = map[string]any{
				"RoleArn": "r", "NetworkConfig": a.Own.members(switches, between),
			}
		}
		doc["MonitoringScheduleConfig"] = config
	case "CreateNotebookInstance":
		if len(a.Own.Subnets) > 0 {
			doc["SubnetId"] = a.Own.Subnets[0]
		}
		if len(a.Own.Groups) > 0 {
			doc["SecurityGroupIds"] = a.Own.Groups
		}
		a.Direct.text(doc, "DirectInternetAccess", "Disabled", "Enabled")
	case "CreateDomain", "UpdateDomain":
		if a.Own.Subnets != nil {
			doc["SubnetIds"] = a.Own.Subnets
		}
		if a.Own.Groups != nil {
			doc["DefaultUserSettings"] = map[string]any{"SecurityGroups": a.Own.Groups}
		}
		if a.SpaceGroups != nil {
			doc["DefaultSpaceSettings"] = map[string]any{"SecurityGroups": a.SpaceGroups}
		}
		a.Direct.text(doc, "AppNetworkAccessType", "VpcOnly", "PublicInternetOnly")
		if a.Operation == "CreateDomain" {
			doc["DomainName"], doc["AuthMode"] = a.Name, "IAM"
		}
	case "CreateUserProfile", "UpdateUserProfile":
		doc["DomainId"] = a.Domain
		if a.Own.Groups != nil {
			doc["UserSettings"] = map[string]any{"SecurityGroups": a.Own.Groups}
		}
	case "CreateSpace", "UpdateSpace":
		doc["DomainId"] = a.Domain
		settings := map[string]any{}
		a.Enter.text(settings, "RemoteAccess", "DISABLED", "ENABLED")
		doc["SpaceSettings"] = settings
	case "CreateCluster", "UpdateCluster":
		if a.Operation == "CreateCluster" {
			merge(a.Own.members("", ""))
		}
		groups := []any{map[string]any{"InstanceGroupName": "plain"}}
		for i, p := range a.Parts {
			g := map[string]any{"InstanceGroupName": fmt.Sprintf("g%d", i)}
			p.vpc(g, "OverrideVpcConfig")
			groups = append(groups, g)
		}
		doc["InstanceGroups"] = groups
	}
	return doc
}

// Observe is what CloudTrail tells of the call.
func (a *Ask) Observe() (*kind.Observation, error) {
	row, call, _ := kind.ByCall(a.Operation)
	identity := map[string]any{"arn": a.Actor, "accountId": a.Account}
	if a.Role != "" {
		identity["sessionContext"] = map[string]any{"sessionIssuer": map[string]any{"arn": a.Role}}
	}
	var response any
	if call.ARN != "" {
		key := a.Name
		if row.Kind == kind.UserProfile || row.Kind == kind.Space {
			key = a.Domain + "/" + a.Name
		}
		if row.Kind == kind.Job {
			key = "AgentRFT/" + a.Name
		}
		response = map[string]any{call.ARN: "arn:aws:sagemaker:" + a.Region + ":" + a.Account + ":" + string(row.Kind) + "/" + key}
	}
	text, err := json.Marshal(map[string]any{
		"eventSource": kind.EventSource, "eventName": a.Operation, "eventID": fmt.Sprint(a.ID), "eventTime": a.Time.UTC().Format(time.RFC3339),
		"awsRegion": a.Region, "recipientAccountId": a.Account, "userIdentity": identity,
		"requestParameters": a.Doc(), "responseElements": response,
	})
	if err != nil {
		return nil, err
	}
	seen, err := events.Decode(text)
	if err != nil || len(seen) != 1 {
		return nil, fmt.Errorf("%s: %d observations: %w", text, len(seen), err)
	}
	return seen[0], nil
}
