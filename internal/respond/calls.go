package respond

import (
	"slices"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Looks are the operations by which respond looks afresh at what it may stop,
// sorted: its role needs these, beside those that stop. Nothing else is looked at
// but what decides about that, see [kind.Row.Refers]; an execution of a pipeline
// has the definition that it runs.
func Looks() []string {
	out := []string{"DescribePipelineDefinitionForExecution", "ListPipelineParametersForExecution", "ListTags"}
	for _, row := range kind.Table() {
		if _, stoppable := row.StopCall(); !stoppable {
			continue
		}
		out = append(out, row.Describe.Name)
		for _, refers := range row.Refers {
			if other, known := kind.Of(refers.Kind); known && row.Kind != kind.PipelineExecution {
				out = append(out, other.Describe.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
