package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

func TestThePageIsCurrent(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(page)))
	if err != nil {
		t.Fatalf("%v; write it with: go run ./internal/gen/kinds", err)
	}
	if diff := cmp.Diff(string(got), render()); diff != "" {
		t.Errorf("%s is not what the table says. Write it anew with: go run ./internal/gen/kinds\n(-page +table):\n%s", page, diff)
	}
}

// TestThePageIsWhole: nothing of the table is left out, and every link leads
// somewhere.
func TestThePageIsWhole(t *testing.T) {
	text := render()
	for _, row := range kind.Table() {
		section := sectionOf(text, row)
		if section == "" {
			t.Errorf("%s has no section", row.Kind)
		}
		if !strings.Contains(text, "(#"+anchor(row)+")") {
			t.Errorf("nothing links to %s", row.Kind)
		}
		want := []string{row.Doc, row.Describe.Name, row.Closes, row.Changes, row.CloudFormation, row.Terraform}
		for _, c := range row.Calls {
			want = append(append(want, c.Name), c.Keys...)
		}
		for _, n := range row.Natives {
			want = append(want, n.DetailType)
		}
		for _, ref := range row.Refers {
			want = append(want, ref.Member)
		}
		for _, w := range append(want, row.Stops...) {
			if !strings.Contains(section, w) {
				t.Errorf("the section of %s does not say %q", row.Kind, w)
			}
		}
	}
	// Where the facts stand is asked of the rows: a few that are known.
	for k, want := range map[kind.Kind][]string{
		kind.TrainingJob:             {"**Isolation**: `EnableNetworkIsolation`", "**VPC**: `VpcConfig`", "`RemoteDebugConfig.EnableRemoteDebug`"},
		kind.HyperParameterTuningJob: {"`TrainingJobDefinition.VpcConfig`, `TrainingJobDefinitions[].VpcConfig`"},
		kind.EndpointConfig:          {"`EnableNetworkIsolation`", "`ProductionVariants[].EnableSSMAccess`, `ShadowProductionVariants[].EnableSSMAccess`"},
		kind.Job:                     {"`JobConfigDocument.VpcConfig`"},
		kind.MonitoringSchedule:      {"`MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig.VpcConfig`"},
		kind.Cluster:                 {"`InstanceGroups[].OverrideVpcConfig`, `RestrictedInstanceGroups[].OverrideVpcConfig`, `VpcConfig`"},
		kind.Domain:                  {"`AppNetworkAccessType`", "`DefaultUserSettings.SecurityGroups[]`", "`DomainSettingsForUpdate.SecurityGroupIds[]`"},
		kind.Algorithm:               {"**No VPC can be chosen with**: `ValidationSpecification.ValidationProfiles`"},
		kind.Pipeline:                {"`PipelineDefinition.Steps[].Arguments.VpcConfig`"},
		kind.Workforce:               {"`SourceIpConfig.Cidrs`, `WorkforceVpcConfig`"},
	} {
		row, _ := kind.Of(k)
		for _, w := range want {
			if !strings.Contains(sectionOf(text, row), w) {
				t.Errorf("the section of %s does not say %q", k, w)
			}
		}
	}
}

func sectionOf(text string, row *kind.Row) string {
	_, rest, _ := strings.Cut(text, "\n## "+title(row.Words)+"\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}
