package kind

import (
	"slices"

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
	Describe: Describe{Name: "DescribeCluster", ARN: "ClusterArn", Status: "ClusterStatus", Marks: []string{"ClusterStatus"}},
	Lists:    []string{"ListClusters"},
	Stops:    nil,
	Natives:  []Native{{DetailType: "SageMaker HyperPod Cluster State Change", ARN: "ClusterArn"}},
	Changes:  "instance groups, by UpdateCluster; interfaces, by AttachClusterNodeNetworkInterface",
	Fresh:    true,
	Closes:   "the VPC of a cluster and of an existing instance group cannot be changed: create a new cluster (or a new group with OverrideVpcConfig) with the settings below, delete the old one",
	Paste:    pasteNetwork("VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCluster.html",
	overlay:  overlayCluster,
	carry:    []string{"NetworkInterfaceId"},
	parts:    clusterParts,

	CloudFormation: "AWS::SageMaker::Cluster",
}

func clusterParts(r *reader) []Part {
	shared := r.at("VpcConfig")
	// The member is the attaching call's; resolving keeps it with the cluster.
	nic := r.at("NetworkInterfaceId")
	network := func(vpc field, attachable bool) posture.Posture {
		p := r.clusterNetwork(vpc)
		p.Attached = posture.No
		if attachable && nic.set() {
			return attached(p, nic)
		}
		return p
	}
	var parts []Part
	for _, list := range []string{"InstanceGroups", "RestrictedInstanceGroups"} {
		f := r.at(list)
		if f.set() && f.value.Kind() != jsondoc.Array {
			parts = append(parts, Part{Name: list, Path: f.path, Posture: unknown(posture.Cluster, r.why(f))})
			continue
		}
		for _, g := range r.each(f) {
			vpc := shared
			if override := r.below(g, "OverrideVpcConfig"); !override.unset() {
				vpc = override
			}
			name := r.below(g, "InstanceGroupName").value.Str()
			if name == "" {
				name = list
			}
			// Interfaces cannot be attached to restricted groups.
			parts = append(parts, Part{Name: name, Path: g.path, Posture: network(vpc, list == "InstanceGroups")})
		}
	}
	if len(parts) > 0 && r.Absence == AbsentIsUnknown {
		// An update names only some of the groups.
		parts = append(parts, Part{Name: "other groups", Path: shared.path, Posture: unknown(posture.Cluster, r.why(shared))})
	}
	if len(parts) == 0 {
		return single(network(shared, true))
	}
	return parts
}

// attached is the posture of nodes to one of which an interface of ours was
// attached: in which subnet it is, and with which security groups, is EC2's to
// tell.
func attached(p posture.Posture, f field) posture.Posture {
	p.Attached = posture.Yes
	p.Subnets.Unknown, p.SecurityGroups.Unknown = true, true
	p.Reasons = append(slices.Clone(p.Reasons), posture.Reason{
		Path: f.path, Why: "an interface was attached whose subnet and security groups are not in the record",
		Look: "ec2:DescribeNetworkInterfaces " + f.value.Str(),
	})
	return p
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
