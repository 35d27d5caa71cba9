package kind

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// network matches the names of members that place code in a network, let it
// out, let somebody in, or say where on a network something is. It is wide on
// purpose: what it finds and no row reads has to be explained in NotJudged.
var network = regexp.MustCompile(`(?i)vpc|subnet|security_?group|network|internet|isolat|inter_?container|` +
	`remote|ssm|docker|ip_?(v4|v6)?_?address|cidr|source_?ip|dns|host_?name|^host$|^port$|^address$|^endpoint$|` +
	`file_?system|fsx|efs|access_?mode|access_?type|enable\w*access|^access|access$|worker_?access|` +
	`egress|ingress|outbound|inbound|proxy|firewall|route|tunnel|ssh|private|public|gateway|peering|nat$|` +
	`override$|` + // what stands elsewhere, in place of what stands here
	`privatelink|interface|imds|metadata_?service|root_?access|trusted_?accounts|allow_?list|allowed|bind_?|listen`)

// opaque matches the names of strings that are documents of their own, in
// which a network setting can hide.
var opaque = regexp.MustCompile(`(Document|Definition|Content|Configuration|ConfigurationValues|Config|Script|Policy|` +
	`Template|Inline|Conditions|Json|JSON|Payload|Manifest|Body|Spec|Specification|Overrides|Values|Yaml)$`)

// found is a member that needs somebody to read it or to say why not.
type found struct {
	operation, path string
	// names are the members of path that were matched, by their index in it.
	names []int
}

// find lists the network members and opaque documents of an input.
func find(operation string, input *smithy.Schema) []found {
	var out []found
	for _, leaf := range sdkmodel.Leaves(input) {
		f := found{operation: operation, path: leaf.Path}
		segments := segmentsOf(leaf.Path)
		for i, name := range segments {
			last := i == len(segments)-1
			if network.MatchString(name) || last && isOpaque(name, leaf) {
				f.names = append(f.names, i)
			}
		}
		if len(f.names) > 0 {
			out = append(out, f)
		}
	}
	return out
}

func isOpaque(name string, leaf sdkmodel.Leaf) bool {
	if leaf.Schema.Type() != smithy.ShapeTypeString || strings.HasSuffix(leaf.Path, "]") || strings.HasSuffix(leaf.Path, "}") {
		return false
	}
	_, hasType := smithy.SchemaTrait[*traits.MediaType](leaf.Schema)
	return hasType || opaque.MatchString(name)
}

var brackets = regexp.MustCompile(`\[\d*\]|\{\}`)

// segmentsOf are the names of a path, without the marks of lists and maps.
func segmentsOf(path string) []string {
	return strings.Split(brackets.ReplaceAllString(path, ""), ".")
}

// explained says whether entries of the list cover every name for which a
// member was found. An entry covers the names that it writes out; used notes
// the entries that covered one.
func explained(f found, list []Adjacent, used map[string]bool) bool {
	segments := append([]string{f.operation}, segmentsOf(f.path)...)
	covered := map[int]bool{}
	for _, a := range list {
		want := strings.Split(a.Member, ".")
		for start := 0; start+len(want) <= len(segments); start++ {
			if !slices.Equal(segments[start:start+len(want)], want) {
				continue
			}
			for _, i := range f.names {
				if i++; i >= start && i < start+len(want) {
					covered[i] = true
					used[a.Member] = true
				}
			}
		}
	}
	return len(covered) == len(f.names)
}

// pureRead matches operations that configure nothing.
var pureRead = regexp.MustCompile(`^(Describe|List|Get|Search|Query|BatchDescribe)`)

var index0 = regexp.MustCompile(`\[\d+\]`)

// reads lists the paths of all members that the row reads of a call's request.
// It is proven by reading: the request with every member set, and then, as a
// row may look at one member only where another is not there, the request
// without each of the members that were read, and without each two of them.
func reads(row *Row, call *Call, input *smithy.Schema) map[string]bool {
	heard := map[string]bool{}
	read := func(doc jsondoc.Value) {
		row.parts(&reader{
			Record: Record{Doc: doc, Call: call.Name}, row: row, of: Of,
			heard: func(path string) { heard[index0.ReplaceAllString(path, "[]")] = true },
		})
	}
	whole := sdkmodel.Full(input, realDocuments)
	read(whole)
	last := func(path string) string { s := segmentsOf(path); return s[len(s)-1] }
	for range 2 {
		names := map[string]bool{}
		for path := range heard {
			names[last(path)] = true
		}
		for a := range names {
			for b := range names {
				read(sdkmodel.Without(whole, a, b))
			}
		}
	}
	return heard
}

// realDocuments gives the documents that stand in strings a content.
func realDocuments(path string, _ *smithy.Schema) (jsondoc.Value, bool) {
	switch path {
	case "JobConfigDocument":
		return jsondoc.OfString(`{"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}}`), true
	case "PipelineDefinition":
		return jsondoc.OfString(`{"Version":"2020-12-01","Steps":[{"Name":"T","Type":"Training","Arguments":{}}]}`), true
	default:
		return jsondoc.Value{}, false
	}
}

// unread lists the members of an operation that nobody reads or explains.
func unread(operation string, input *smithy.Schema, list []Adjacent, used map[string]bool) []string {
	members := find(operation, input)
	row, call, claimed := ByCall(operation)
	var heard map[string]bool
	if claimed && len(members) > 0 {
		heard = reads(row, call, input)
	}
	var out []string
	for _, m := range members {
		if heard[m.path] || explained(m, list, used) {
			continue
		}
		who := "no row claims the operation"
		if claimed {
			who = fmt.Sprintf("the row of kind %s does not read it", row.Kind)
		}
		out = append(out, fmt.Sprintf("%s: %s looks like a network setting or a document that may hold one, and %s. "+
			"Read it in the kind's row (for an operation nobody claims: write or extend a row), or add it to NotJudged in adjacent.go with the reason why it is not judged.",
			operation, m.path, who))
	}
	return out
}

// leftOver lists the entries that cover nothing.
func leftOver(list []Adjacent, used map[string]bool) []string {
	var out []string
	for _, a := range list {
		if !used[a.Member] {
			out = append(out, a.Member)
		}
	}
	return out
}

func TestEveryNetworkMemberOfTheSDKIsReadOrExplained(t *testing.T) {
	used := map[string]bool{}
	n := 0
	for _, name := range slices.Sorted(maps.Keys(sdkmodel.Operations())) {
		if pureRead.MatchString(name) {
			continue
		}
		input := sdkmodel.Operations()[name].Input
		n += len(find(name, input))
		for _, line := range unread(name, input, NotJudged(), used) {
			t.Error(line)
		}
	}
	if n < 300 {
		t.Errorf("the finder found %d members in the whole SDK: it does not see what it is there to see", n)
	}
	for _, member := range leftOver(NotJudged(), used) {
		t.Errorf("NotJudged has %s, but no request of the SDK has such a member any more, or a row reads it: take it out", member)
	}
	for _, a := range NotJudged() {
		if a.Why == "" {
			t.Errorf("NotJudged has %s without a reason", a.Member)
		}
	}
}

// schema fabricates a structure or union.
func schema(typ smithy.ShapeType, name string, members map[string]*smithy.Schema) *smithy.Schema {
	s := smithy.NewSchema(smithy.ShapeID{Namespace: "test", Name: name}, typ, len(members))
	for _, m := range slices.Sorted(maps.Keys(members)) {
		s.AddMember(m, members[m])
	}
	return s
}

type fields = map[string]*smithy.Schema

func structure(name string, members fields) *smithy.Schema {
	return schema(smithy.ShapeTypeStructure, name, members)
}

func union(name string, members fields) *smithy.Schema {
	return schema(smithy.ShapeTypeUnion, name, members)
}

func listOf(name string, element *smithy.Schema) *smithy.Schema {
	return schema(smithy.ShapeTypeList, name, fields{"member": element})
}

func text(name string) *smithy.Schema { return schema(smithy.ShapeTypeString, name, nil) }

// TestDriftIsSeen runs the same code as the test above over operations that the
// SDK does not have.
func TestDriftIsSeen(t *testing.T) {
	str := text("String")
	vpc := structure("VpcConfig", fields{"Subnets": listOf("Subnets", str), "SecurityGroupIds": listOf("Groups", str)})
	for _, tt := range []struct {
		name, operation string
		input           *smithy.Schema
		want            []string // operation: member
	}{
		{
			"all read", "CreateModel",
			structure("In", fields{"ModelName": str, "VpcConfig": vpc, "EnableNetworkIsolation": schema(smithy.ShapeTypeBoolean, "Bool", nil)}),
			nil,
		},
		{
			"a VpcConfig deep in a list of unions", "CreateModel",
			structure("In", fields{"ModelName": str, "Stages": listOf("Stages", union("Stage", fields{
				"Plain":  structure("Plain", fields{"Name": str}),
				"Placed": structure("Placed", fields{"VpcConfig": vpc}),
			}))}),
			[]string{"CreateModel: Stages[].Placed.VpcConfig.SecurityGroupIds[]", "CreateModel: Stages[].Placed.VpcConfig.Subnets[]"},
		},
		{
			"a member beside those that are read", "CreateModel",
			structure("In", fields{"VpcConfig": structure("VpcConfig2", fields{"Subnets": listOf("Subnets", str), "Mode": str})}),
			[]string{"CreateModel: VpcConfig.Mode"},
		},
		{
			"a document in a string", "CreateTrainingJob",
			structure("In", fields{"ExtraConfigDocument": str}),
			[]string{"CreateTrainingJob: ExtraConfigDocument"},
		},
		{
			"a document by its media type", "CreateTrainingJob",
			structure("In", fields{"Extras": smithy.NewSchema(smithy.ShapeID{Namespace: "test", Name: "Extras"}, smithy.ShapeTypeString, 0, &traits.MediaType{Type: "application/json"})}),
			[]string{"CreateTrainingJob: Extras"},
		},
		{
			"a new operation", "CreateQuantumJob",
			structure("In", fields{"Name": str, "NetworkConfig": structure("Net", fields{"EgressOnly": str})}),
			[]string{"CreateQuantumJob: NetworkConfig.EgressOnly"},
		},
		{
			"below a name that only sounds like a network", "CreateUserProfile",
			structure("In", fields{"UserSettings": structure("Settings", fields{"KernelGatewayAppSettings": structure("Gateway", fields{"Name": str, "ProxyUrl": str})})}),
			[]string{"CreateUserProfile: UserSettings.KernelGatewayAppSettings.ProxyUrl"},
		},
		{
			"a member that is explained on another operation only", "CreateHub",
			structure("In", fields{"Content": str}),
			[]string{"CreateHub: Content"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := unread(tt.operation, tt.input, NotJudged(), map[string]bool{})
			for i := range got {
				got[i], _, _ = strings.Cut(got[i], " looks like")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reported (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDriftOfTheListIsSeen(t *testing.T) {
	used := map[string]bool{}
	list := []Adjacent{{Member: "IpAddressType", Why: "w"}, {Member: "Gone.IpAddressType", Why: "w"}, {Member: "ModelName", Why: "w"}}
	unread("CreateModel", structure("In", fields{"IpAddressType": text("String"), "ModelName": text("String")}), list, used)
	if diff := cmp.Diff([]string{"Gone.IpAddressType", "ModelName"}, leftOver(list, used)); diff != "" {
		t.Errorf("left over (-want +got):\n%s", diff)
	}
}

func TestTheFinderGoesThroughWhatHoldsItself(t *testing.T) {
	node := smithy.NewSchema(smithy.ShapeID{Namespace: "test", Name: "Node"}, smithy.ShapeTypeStructure, 2)
	node.AddMember("Children", listOf("Nodes", node))
	node.AddMember("SubnetId", text("String"))
	var got []string
	for _, f := range find("CreateTree", structure("In", fields{"Root": node})) {
		got = append(got, f.path)
	}
	if diff := cmp.Diff([]string{"Root.SubnetId"}, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestDocumentsInStringsAreOpened(t *testing.T) {
	for operation, want := range map[string][]string{
		"CreateJob":      {"JobConfigDocument", "JobConfigDocument.VpcConfig.Subnets[]", "JobConfigDocument.VpcConfig.SecurityGroupIds[]"},
		"CreatePipeline": {"PipelineDefinition", "PipelineDefinition.Steps[].Arguments.VpcConfig", "PipelineDefinition.Steps[].Arguments.EnableNetworkIsolation"},
		"UpdatePipeline": {"PipelineDefinition", "PipelineDefinition.Steps[].Arguments.VpcConfig", "PipelineDefinition.Steps[].Arguments.EnableNetworkIsolation"},
	} {
		row, call, ok := ByCall(operation)
		if !ok {
			t.Fatalf("no row claims %s", operation)
		}
		heard := reads(row, call, sdkmodel.Operations()[operation].Input)
		for _, path := range want {
			if !heard[path] {
				t.Errorf("%s: %s was not read", operation, path)
			}
		}
	}
}
