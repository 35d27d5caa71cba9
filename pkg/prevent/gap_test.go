package prevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

const everything = `rules: {isolation-required: on, encrypted-between-containers: on, interactive-access: on, worker-ingress: on, central-egress: on, endpoints-reachable: on}
allow: [{accounts: ["111122223333"], subnets: [subnet-1], security-groups: [sg-1]}]
overrides: [{match: {kinds: [model], tags: {a: x, b: y}}, rules: {isolation-required: on}}]
`

// TestGap: what each operation that has keys is said to deny, to deny in part, and
// to leave to the audit.
func TestGap(t *testing.T) {
	initials := map[rules.ID]string{
		rules.VPCRequired: "V", rules.NoOwnInternet: "O", rules.NoBridge: "B", rules.WellFormed: "F", rules.SubnetAllowed: "S", rules.SecurityGroupAllowed: "G",
		rules.IsolationRequired: "I", rules.CentralEgress: "c", rules.EndpointsReachable: "e", rules.EncryptedBetweenContainers: "E", rules.InteractiveAccess: "A", rules.WorkerIngress: "W",
	}
	got := map[string]string{}
	for _, e := range Gap(load(t, everything), Options{Now: now}) {
		row := got[e.Operation]
		if row == "" {
			row = "//"
		}
		part := strings.SplitN(row, "/", 3)
		part[slices.Index([]Status{Denied, Partly, Detected}, e.Status)] += initials[e.Rule]
		got[e.Operation] = strings.Join(part, "/")
	}
	definition := "VOSGIE/F/ce"
	want := map[string]string{
		"CreateTrainingJob": "VOSGIEA/F/ce", "CreateProcessingJob": definition,
		"CreateDataQualityJobDefinition": definition, "CreateModelBiasJobDefinition": definition, "CreateModelExplainabilityJobDefinition": definition, "CreateModelQualityJobDefinition": definition,
		"CreateHyperParameterTuningJob": "SG/VOFIE/ce", "CreateAutoMLJob": "VOSGE/F/ce", "CreateAutoMLJobV2": "VOSGE/F/ce", "CreateJob": "VOSG/F/ce",
		"CreateModel":          "VOSG/FI/ce", // the override with two tags
		"CreateEndpointConfig": "/VOFSGI/ceA", "CreateMonitoringSchedule": "/FSGIE/VOce", "UpdateMonitoringSchedule": "/FSGIE/VOce",
		"CreateNotebookInstance": "VOBSG/F/ce", "CreateDomain": "VOBS/FG/ceA", "UpdateDomain": "/OBFSG/VceA",
		"CreateUserProfile": "/FG/VOBSce", "UpdateUserProfile": "/FG/VOBSce", "CreateSpace": "A//VOBFSGce", "UpdateSpace": "/A/VOBFSGce",
		"CreateCluster": "VO/FSG/Bce", "UpdateCluster": "/FSG/VOBce", "UpdateTrainingJob": "/A/VOFSGIceE",
		"CreateLabelingJob": "//VOFSGce", "CreateCompilationJob": "//VOFSGce", "CreateTrainingSession": "//VOFSGce",
		"CreateTransformJob": "//VOFSGIce", "CreateEndpoint": "//VOFSGIceA", "CreateWorkforce": "//W", "CreatePipeline": "//VOFSGIceEA",
		"AttachClusterNodeNetworkInterface": "//VOBFSGce", "CreateApp": "//VOBFSGce",
	}
	for operation, w := range want {
		if got[operation] != w {
			t.Errorf("%s: %s, want %s", operation, got[operation], w)
		}
	}
	if _, ok := got["CreateWorkteam"]; ok {
		t.Error("CreateWorkteam is in the gap, and can fail nothing")
	}
	if want := len(kind.Operations()) - 2; len(got) != want {
		t.Errorf("%d operations, want %d: all but those of work teams", len(got), want)
	}
}

// TestGapWithoutRules: what is off is not there.
func TestGapWithoutRules(t *testing.T) {
	if got := Gap(load(t, "rules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off}"), Options{Now: now}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	got := Gap(load(t, "rules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off}\noverrides: [{match: {kinds: [model]}, rules: {vpc-required: on}}]"), Options{Now: now})
	if len(got) != 1 || got[0].Operation != "CreateModel" || got[0].Status != Denied {
		t.Errorf("%v", got)
	}
}

func TestGapSaysAll(t *testing.T) {
	for _, e := range Gap(load(t, everything), Options{Now: now}) {
		switch {
		case e.Status == Denied && (len(e.Slips) > 0 || e.Reason != "" || e.Control != ""),
			e.Status == Partly && (len(e.Slips) == 0 || e.Reason != "" || e.Control == ""),
			e.Status == Detected && (len(e.Slips) > 0 || e.Reason == "" || e.Control == ""):
			t.Errorf("%+v", e)
		}
		if e.Status == Detected && e.Reason == "AWS has no condition key for it" {
			// Then the table has none that could be meant.
			_, call, _ := kind.ByCall(e.Operation)
			if slices.Contains(call.Keys, "VpcSubnets") {
				t.Errorf("%s %s: %s, and it has %v", e.Operation, e.Rule, e.Reason, call.Keys)
			}
		}
	}
}

func TestGapJSON(t *testing.T) {
	doc, err := os.ReadFile("../../docs/gap.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	// Strict: the schema describes every member.
	object, _ := parsed.(map[string]any)
	object["additionalProperties"] = false
	c := jsonschema.NewCompiler()
	if err := c.AddResource("gap", parsed); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("gap")
	var b bytes.Buffer
	if err := GapJSON(&b, Gap(load(t, everything), Options{Now: now})); err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(b.Bytes()) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		n++
	}
	if n < 200 {
		t.Errorf("%d lines", n)
	}
	for _, bad := range []string{`{}`, `{"operation":"CreateModel","kind":"model","rule":"assessable","status":"denied","slips":[],"reason":"","control":""}`, `{"operation":"CreateModel","kind":"model","rule":"no-bridge","status":"maybe","slips":[],"reason":"","control":""}`} {
		v, _ := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if schema.Validate(v) == nil {
			t.Errorf("the schema accepts %s", bad)
		}
	}
	// The ids of the schema are those of the code.
	var listed struct {
		Properties struct {
			Slips struct {
				Items struct {
					Properties struct{ ID struct{ Enum []string } }
				}
			}
			Rule struct{ Enum []rules.ID }
		}
	}
	if err := json.Unmarshal(doc, &listed); err != nil {
		t.Fatal(err)
	}
	ids := []string{SlipModel, SlipOwn, SlipDefinition, SlipInline, SlipSeveral, SlipOverride, SlipUnchanged, SlipSpaceGroups, SlipDomainGroups, SlipTwoVPCs, SlipUnsayable}
	if diff := cmp.Diff(ids, listed.Properties.Slips.Items.Properties.ID.Enum); diff != "" {
		t.Errorf("slips -code +schema\n%s", diff)
	}
	all := slices.DeleteFunc(rules.IDs(), func(id rules.ID) bool { return id == rules.Assessable })
	if diff := cmp.Diff(all, listed.Properties.Rule.Enum); diff != "" {
		t.Errorf("rules -code +schema\n%s", diff)
	}
}

func TestGapForPeople(t *testing.T) {
	entries := Gap(rules.Default(), Options{Now: now})
	var text, markdown bytes.Buffer
	if err := GapText(&text, entries, 120); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if n := len(strings.TrimRight(line, "\n")); n > 120 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if err := GapMarkdown(&markdown, entries); err != nil {
		t.Fatal(err)
	}
	for form, got := range map[string]string{"text": text.String(), "markdown": markdown.String()} {
		for _, want := range []string{"CreateTrainingJob", "[1]", "no-own-internet", "a variant with a model", "28 denied"} {
			if !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
				t.Errorf("%s has no %q:\n%s", form, want, got)
			}
		}
		// Each number that is used has a note.
		for n := 1; strings.Contains(got, fmt.Sprintf(" [%d]", n)); n++ {
			if form == "markdown" && !strings.Contains(got, fmt.Sprintf("- **[%d]**", n)) {
				t.Errorf("markdown has no note %d", n)
			}
		}
	}
}
