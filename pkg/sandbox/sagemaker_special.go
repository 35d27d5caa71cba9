package sandbox

import (
	"maps"
	"slices"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// pending is the member that says what is being deployed to an endpoint.
const pending = "PendingDeploymentSummary"

// notebookCheck: without a way to the internet of its own, a notebook instance
// needs a subnet.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html#sagemaker-CreateNotebookInstance-request-DirectInternetAccess
func notebookCheck(_ *SageMaker, doc map[string]any) error {
	if doc["DirectInternetAccess"] == "Disabled" && text(doc, "SubnetId") == "" {
		return refuse("ValidationException", "SubnetId is required when DirectInternetAccess is Disabled.")
	}
	return nil
}

func notebookMade(s *SageMaker, r *resource) error {
	r.doc["Url"] = r.name + ".notebook." + s.w.region + ".sagemaker.aws"
	if text(r.doc, "SubnetId") != "" {
		r.doc["NetworkInterfaceId"] = "eni-" + s.id()
	}
	return nil
}

// endpointConfigCheck: a variant with a model takes the model's network, and a
// serverless one has none to choose.
// https://github.com/hashicorp/terraform-provider-aws/pull/48738
// https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
func endpointConfigCheck(_ *SageMaker, doc map[string]any) error {
	isolated := doc["EnableNetworkIsolation"] == true
	for _, variant := range follow(doc, "ProductionVariants[]") {
		if text(variant, "ModelName") != "" && (isolated || doc["VpcConfig"] != nil) {
			return refuse("ValidationException", "EnableNetworkIsolation and VpcConfig are supported only for endpoints with inference components.")
		}
	}
	return nil
}

// endpointMade has the variants that the configuration had when it was deployed.
func endpointMade(s *SageMaker, r *resource) error {
	r.doc["ProductionVariants"] = s.variants(text(r.doc, "EndpointConfigName"))
	return nil
}

// variants are the variants of an endpoint configuration as an endpoint shows
// them.
func (s *SageMaker) variants(config string) []any {
	var out []any
	if c := s.shelves[kind.EndpointConfig].items[config]; c != nil {
		for _, variant := range follow(c.doc, "ProductionVariants[]") {
			count := follow(variant, "InitialInstanceCount")
			shown := map[string]any{"VariantName": text(variant, "VariantName"), "CurrentWeight": 1.0, "DesiredWeight": 1.0}
			if len(count) > 0 {
				shown["CurrentInstanceCount"], shown["DesiredInstanceCount"] = count[0], count[0]
			}
			out = append(out, shown)
		}
	}
	return out
}

// endpointChange deploys another configuration. The endpoint has the old one
// until the new one is in service.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
func endpointChange(s *SageMaker, r *resource, in map[string]any) (func(), error) {
	config := text(in, "EndpointConfigName")
	variants := s.variants(config)
	r.doc = maps.Clone(r.doc)
	r.doc[pending] = map[string]any{"EndpointConfigName": config, "ProductionVariants": variants, "StartTime": seconds(s.w.Now().UnixMilli())}
	return func() {
		r.doc = without(r.doc, pending)
		r.doc["EndpointConfigName"], r.doc["ProductionVariants"] = config, variants
		if deployment := in["DeploymentConfig"]; deployment != nil {
			r.doc["LastDeploymentConfig"] = deployment
		}
	}, nil
}

// componentFace has what an inference component shows in place of what was asked
// for.
func componentFace(s *SageMaker, r *resource, sh *shape, out map[string]any) {
	if sh.members["EndpointArn"] != nil {
		out["EndpointArn"] = s.kinds[kind.Endpoint].arn(s, text(r.doc, "EndpointName"))
	}
	if copies := follow(r.doc, "RuntimeConfig.CopyCount"); len(copies) > 0 && sh.members["RuntimeConfig"] != nil {
		out["RuntimeConfig"] = map[string]any{"DesiredCopyCount": copies[0], "CurrentCopyCount": copies[0]}
	}
}

// domainChange: the way to the network changes only while no app runs.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateDomain.html
func domainChange(s *SageMaker, r *resource, in map[string]any) (func(), error) {
	if access := text(in, "AppNetworkAccessType"); access != "" && access != text(r.doc, "AppNetworkAccessType") {
		for app := range s.shelves[kind.App].all.from(0, 0) {
			if text(app.doc, "DomainId") == r.key && slices.Contains([]string{"InService", "Pending", "Deleting"}, app.status) {
				return nil, refuse("ResourceInUse", "Unable to update AppNetworkAccessType of domain [%s] while the app [%s] is %s.", r.key, app.key, app.status)
			}
		}
	}
	if settings, ok := in["DomainSettingsForUpdate"]; ok {
		in = without(in, "DomainSettingsForUpdate")
		in["DomainSettings"] = settings
	}
	r.doc = merged(r.doc, in, true)
	return nil, nil
}

// clusterChange adds, changes and deletes instance groups.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateCluster.html
func clusterChange(_ *SageMaker, r *resource, in map[string]any) (func(), error) {
	doc := merged(r.doc, in, false)
	gone := follow(in, "InstanceGroupsToDelete[]")
	delete(doc, "InstanceGroupsToDelete")
	for _, member := range []string{"InstanceGroups", "RestrictedInstanceGroups"} {
		changed := follow(in, member+"[]")
		var groups []any
		for _, old := range follow(r.doc, member+"[]") {
			name := text(old, "InstanceGroupName")
			for i, group := range changed {
				if text(group, "InstanceGroupName") == name {
					old, changed = group, slices.Delete(slices.Clone(changed), i, i+1)
					break
				}
			}
			if !slices.Contains(gone, any(name)) {
				groups = append(groups, old)
			}
		}
		if groups = append(groups, changed...); len(groups) > 0 {
			doc[member] = groups
		} else {
			delete(doc, member)
		}
	}
	r.doc = doc
	return nil, nil
}

// clusterFace has the counts that instance groups show in place of what was
// asked for.
func clusterFace(_ *SageMaker, r *resource, sh *shape, out map[string]any) {
	for _, member := range []string{"InstanceGroups", "RestrictedInstanceGroups"} {
		shown, _ := out[member].([]any)
		for i, group := range follow(r.doc, member+"[]")[:len(shown)] {
			below, _ := shown[i].(map[string]any)
			count := follow(group, "InstanceCount")
			below["CurrentCount"], below["TargetCount"], below["Status"] = count[0], count[0], "InService"
		}
	}
	if sh.members["InstanceGroups"] != nil && out["InstanceGroups"] == nil {
		out["InstanceGroups"] = []any{}
	}
}

// attachInterface attaches a network interface to a node, which no response of
// the cluster shows.
func attachInterface(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	r, err := s.find(o.t, in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ClusterArn": r.arn, "NodeId": in["NodeId"], "NetworkInterfaceId": in["NetworkInterfaceId"], "AttachmentId": "eni-attach-" + s.id()}, nil
}

// addNodes adds nodes to instance groups.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BatchAddClusterNodes.html
func addNodes(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	if _, err := s.find(o.t, in); err != nil {
		return nil, err
	}
	successful := []any{}
	for _, node := range follow(in, "NodesToAdd[]") {
		more := follow(node, "IncrementTargetCountBy")
		n, _ := number(more[0])
		for range int(n) {
			successful = append(successful, map[string]any{
				"InstanceGroupName": text(node, "InstanceGroupName"), "NodeLogicalId": s.id(), "Status": "Pending",
			})
		}
	}
	return map[string]any{"Successful": successful, "Failed": []any{}}, nil
}
