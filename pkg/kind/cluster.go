package kind

import (
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Cluster is a HyperPod cluster. Each instance group has the cluster's VPC or
// an override of its own; without either (Slurm only) its nodes run in the
// service's VPC. An interface of ours can be attached to a node later, and no
// Describe call returns it.
// https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html
const Cluster Kind = "cluster"

var cluster = Row{
	Kind:  Cluster,
	Words: "HyperPod cluster",
	Key:   []string{"ClusterName"},
	// The ARN has the cluster's id, which no request has.
	Calls: []Call{
		{Name: "CreateCluster", ARN: "ClusterArn", Marks: []string{"ClusterName", "InstanceGroups"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds"}},
		{Name: "UpdateCluster", Effect: Changes, ARN: "ClusterArn", Keys: []string{"VpcSubnets", "VpcSecurityGroupIds"}},
		{Name: "AttachClusterNodeNetworkInterface", Effect: Changes, ARN: "ClusterArn", Marks: []string{"ClusterName", "NodeId", "NetworkInterfaceId"}},
		{Name: "BatchAddClusterNodes", Effect: Runs, Marks: []string{"ClusterName", "NodesToAdd"}},
	},
	Deletes:  []string{"DeleteCluster"},
	Describe: Describe{Name: "DescribeCluster", ARN: "ClusterArn", Marks: []string{"ClusterStatus"}},
	Lists:    []string{"ListClusters"},
	Stops:    nil,
	Natives:  []Native{{DetailType: "SageMaker HyperPod Cluster State Change", ARN: "ClusterArn"}},
	Changes:  "instance groups, by UpdateCluster; interfaces, by AttachClusterNodeNetworkInterface",
	Closes:   "the VPC of a cluster and of an existing instance group cannot be changed: create a new cluster (or a new group with OverrideVpcConfig) with the settings below, delete the old one",
	Paste:    pasteNetwork("VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCluster.html",
	overlay:  overlayCluster,
	parts:    clusterParts,
}

func clusterParts(r *reader) []Part {
	own := r.clusterNetwork(r.at("VpcConfig"))
	// The member is the attaching call's; resolving keeps it with the cluster.
	if f := r.at("NetworkInterfaceId"); f.set() {
		own.Attached = posture.Yes
	} else {
		own.Attached = posture.No
	}
	var parts []Part
	for _, list := range []string{"InstanceGroups", "RestrictedInstanceGroups"} {
		for _, g := range r.each(r.at(list)) {
			p := own
			if override := r.below(g, "OverrideVpcConfig"); !override.unset() {
				p = r.clusterNetwork(override)
				p.Attached = own.Attached
			}
			if list == "RestrictedInstanceGroups" {
				// Interfaces cannot be attached to restricted groups.
				p.Attached = posture.No
			}
			name := r.below(g, "InstanceGroupName").value.Str()
			if name == "" {
				name = list
			}
			parts = append(parts, Part{Name: name, Path: g.path, Posture: p})
		}
	}
	if len(parts) == 0 {
		return single(own)
	}
	return parts
}

func (r *reader) clusterNetwork(f field) posture.Posture {
	p := blank(posture.Cluster)
	p.VPC = posture.Unknown
	r.vpc(&p, f)
	return p
}

// overlayCluster merges an update into a cluster's configuration: instance
// groups by name, the ones to delete taken out, everything else by member.
func overlayCluster(base, update jsondoc.Value) jsondoc.Value {
	out := jsondoc.Overlay(base, update)
	gone := map[string]bool{}
	for _, m := range update.Get("InstanceGroupsToDelete").Members() {
		gone[m.Value.Str()] = true
	}
	for _, list := range []string{"InstanceGroups", "RestrictedInstanceGroups"} {
		older, newer := base.Get(list), update.Get(list)
		byName := map[string]jsondoc.Value{}
		for _, m := range older.Members() {
			byName[m.Value.Get("InstanceGroupName").Str()] = m.Value
		}
		// The groups that the update names come first: their places in the list
		// are those in its record.
		var merged []jsondoc.Value
		for _, m := range newer.Members() {
			name := m.Value.Get("InstanceGroupName").Str()
			merged = append(merged, jsondoc.Overlay(byName[name], m.Value))
			gone[name] = true
		}
		for _, m := range older.Members() {
			if !gone[m.Value.Get("InstanceGroupName").Str()] {
				merged = append(merged, jsondoc.Overlay(m.Value, jsondoc.Value{}))
			}
		}
		if len(merged) > 0 || older.Len() > 0 {
			if m, ok := update.Find(list); ok {
				list = m.Name
			}
			out = out.With(list, jsondoc.OfArray(merged...))
		}
	}
	return out
}
