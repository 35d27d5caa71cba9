package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// authorization reads a file of the Service Authorization Reference, as the package
// iam-data has it beside the simulator.
func authorization[T any](t *testing.T, file string) map[string]T {
	t.Helper()
	dir, err := cached.Install("iam-simulate", iamsim.Pinned(), func(dir string) error { return iamsim.Install(t.Context(), dir) })
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "node_modules", "@cloud-copilot", "iam-data", "data", file, "sagemaker.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]T{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

type sarAction struct {
	Name          string
	ConditionKeys []string
	ResourceTypes []struct {
		Name     string
		Required bool
	}
}

// unknownToSAR are operations that the SDK has, and the reference of iam-data's date
// has not yet.
var unknownToSAR = []string{"CreateTrainingSession", "DeleteTrainingSession", "DescribeTrainingSession", "ListTrainingSessions", "StopTrainingSession"}

// TestServiceAuthorizationReference: actions, their condition keys, the keys' types
// and the resources that a call must be allowed on are those of the reference.
func TestServiceAuthorizationReference(t *testing.T) {
	reference := authorization[sarAction](t, "actions")
	types := authorization[struct{ Key, ARN string }](t, "resourceTypes")
	names := slices.Clone(unknownToSAR)
	network := map[string][]string{}
	for _, a := range reference {
		names = append(names, a.Name)
		for _, s := range settings() {
			if slices.Contains(a.ConditionKeys, prefix+s.name) {
				network[a.Name] = append(network[a.Name], s.name)
			}
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, actions()); diff != "" {
		t.Errorf("actions.txt (-reference +file):\n%s", diff)
	}
	for _, o := range operations() {
		if diff := cmp.Diff(network[o.name], o.keys); diff != "" {
			t.Errorf("%s has other condition keys (-reference +table):\n%s", o.name, diff)
		}
		delete(network, o.name)
		if slices.Contains(unknownToSAR, o.name) {
			continue
		}
		var needs []string
		for _, r := range reference[strings.ToLower(o.name)].ResourceTypes {
			if r.Required {
				_, form, _ := strings.Cut(types[r.Name].ARN, "${Account}:")
				first, _, _ := strings.Cut(form, "/")
				needs = append(needs, first+"/*")
			}
		}
		have := slices.Sorted(slices.Values(o.resources))
		if slices.Sort(needs); !slices.Equal(needs, have) {
			t.Errorf("%s needs %v, and is taken to need %v", o.name, needs, have)
		}
	}
	if len(network) > 0 {
		t.Errorf("actions with keys of the network that no operation is: %v", network)
	}

	keys := authorization[struct{ Key, Type string }](t, "conditionKeys")
	var all []string
	for _, k := range keys {
		name, ours := strings.CutPrefix(k.Key, prefix)
		if !ours {
			continue
		}
		if before, _, found := strings.Cut(name, "${"); found {
			name = before
		}
		all = append(all, name)
		if s, ok := settingOf(k.Key); ok {
			if want := strings.TrimPrefix(k.Type, "ArrayOf"); string(s.key.Type) != want || s.key.Many != (want != k.Type) {
				t.Errorf("%s is %s, not %+v", k.Key, k.Type, s.key)
			}
		}
	}
	ours := otherKeys()
	for _, s := range settings() {
		ours = append(ours, s.name)
	}
	slices.Sort(all)
	slices.Sort(ours)
	if diff := cmp.Diff(slices.Compact(all), ours); diff != "" {
		t.Errorf("condition keys (-reference +table):\n%s", diff)
	}
}

// has says whether a member whose name is one of those is somewhere in a shape.
func has(shape *smithy.Schema, above []*smithy.Schema, names ...string) bool {
	if shape == nil || len(above) > 12 || slices.Contains(above, shape) {
		return false
	}
	for name, m := range shape.Members() {
		if slices.Contains(names, name) || has(m, append(above, shape), names...) {
			return true
		}
	}
	return false
}

// TestAsksAreMembers: a question is asked of an operation if its request has the
// member, and of no other.
func TestAsksAreMembers(t *testing.T) {
	members := map[Question][]string{
		Subnets:        {"Subnets", "SubnetId", "SubnetIds"},
		Isolation:      {"EnableNetworkIsolation"},
		DirectInternet: {"DirectInternetAccess"},
		DomainMode:     {"AppNetworkAccessType"},
		Encryption:     {"EnableInterContainerTrafficEncryption"},
		Interactive:    {"RemoteAccess", "EnableRemoteDebug", "EnableSSMAccess", "EnableDockerAccess"},
	}
	// A document in a string has what no member shows.
	documents := []string{"CreatePipeline", "UpdatePipeline", "CreateJob", "AttachClusterNodeNetworkInterface"}
	sdk := sdkmodel.Operations()
	for _, o := range operations() {
		if slices.Contains(documents, o.name) {
			continue
		}
		for q, names := range members {
			_, asked := o.asks[q]
			if got := has(sdk[o.name].Input, nil, names...); got != asked {
				t.Errorf("%s has %v: %v, and %s is asked: %v", o.name, names, got, q, asked)
			}
		}
	}
	for name, op := range sdk {
		if strings.HasPrefix(name, "Create") || strings.HasPrefix(name, "Update") {
			network := has(op.Input, nil, slices.Concat(members[Subnets], members[Isolation], members[DirectInternet], members[DomainMode])...)
			if network && !slices.ContainsFunc(operations(), func(o *operation) bool { return o.name == name }) {
				t.Errorf("%s has a network, and is no operation", name)
			}
		}
	}
}

// TestOperations: every operation of the table of kinds that creates or changes
// something is asked about, or another decides for it.
func TestOperations(t *testing.T) {
	for _, row := range kind.Table() {
		for _, c := range row.Calls {
			i := slices.IndexFunc(operations(), func(o *operation) bool { return o.name == c.Name })
			if (i < 0) != (c.Effect == kind.Runs) {
				t.Errorf("%s is an operation: %v", c.Name, i >= 0)
			}
			if i >= 0 && len(operations()[i].asks) == 0 && operations()[i].elsewhere == "" && c.Name != "UpdateNotebookInstance" {
				t.Errorf("nothing is asked of %s, and nothing decides for it", c.Name)
			}
		}
	}
	for _, q := range Questions() {
		a := questions()[q]
		if a.words == "" || len(a.rules) == 0 || len(keysOf(q)) == 0 || !slices.Contains(rules.Severities(), a.severity) {
			t.Errorf("%s: %+v", q, a)
		}
		for _, s := range keysOf(q) {
			if !slices.Contains(s.asks, q) {
				t.Errorf("%s is not asked by %s", q, s.name)
			}
		}
	}
	for i, s := range settings() {
		if s.index != i {
			t.Errorf("%s is the %dth", s.name, s.index)
		}
	}
}
