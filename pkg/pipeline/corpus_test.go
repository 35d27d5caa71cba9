package pipeline

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// TestCorpus reads definitions that others wrote. The index of the corpus says
// of each which steps it has and what they say of the network:
// "Cond[Condition]; Cond/If/Model[Model]: vpc=no iso=absent".
func TestCorpus(t *testing.T) {
	dir := cmp.Or(os.Getenv("SAGEMOAT_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	index, err := os.ReadFile(filepath.Join(dir, "INDEX.md"))
	if err != nil {
		t.Skipf("NOT TESTED against definitions that others wrote: set SAGEMOAT_CORPUS to the corpus (%v)", err)
	}
	read := 0
	for row := range strings.SplitSeq(string(index), "\n") {
		cells := strings.Split(row, " | ")
		file, found := strings.CutPrefix(cells[0], "| pipelines/")
		if !found || len(cells) < 4 {
			continue
		}
		read++
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "pipelines", file))
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsondoc.Parse(text, nil)
			if err != nil || !Looks(v) {
				t.Errorf("does not look like a pipeline definition: %v", err)
			}
			got := describe(t, mustParse(t, string(text)).Steps(nil))
			if want := strings.Split(cells[3], "; "); !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "pipelines", "*.json")); read == 0 || read != len(files) {
		t.Errorf("the index has %d definitions, the folder %d", read, len(files))
	}
}

// describe writes steps the way the index does.
func describe(t *testing.T, steps []Step) []string {
	var out []string
	names := map[string]string{}
	for _, s := range steps {
		name := s.Name
		for _, branch := range []string{"If", "Else"} {
			if i := strings.LastIndex(s.Path, ".Arguments."+branch+"Steps["); i >= 0 {
				name = names[s.Path[:i]] + "/" + branch + "/" + name
				if !s.Conditional {
					t.Errorf("%s is not conditional", s.Path)
				}
			}
		}
		names[s.Path] = name
		line := name + "[" + s.Type + "]"
		network := s.Arguments
		switch s.Type {
		case "Processing":
			network = network.Get("NetworkConfig")
		case "Training", "Model", "Transform":
		default:
			out = append(out, line)
			continue
		}
		line += ": vpc=no"
		if vpc := network.Get("VpcConfig"); !vpc.Empty() {
			list := func(name string) string {
				var ids []string
				for _, m := range vpc.Get(name).Members() {
					ids = append(ids, m.Value.Str())
				}
				b, err := json.Marshal(ids)
				if err != nil {
					t.Fatal(err)
				}
				return `"` + name + `": ` + strings.ReplaceAll(string(b), ",", ", ")
			}
			first, second := list("SecurityGroupIds"), list("Subnets")
			if vpc.Members()[0].Name == "Subnets" {
				first, second = second, first
			}
			line = strings.TrimSuffix(line, "no") + "yes {" + first + ", " + second + "}"
		}
		if network.Get("EnableNetworkIsolation").Kind() == jsondoc.Absent {
			line += " iso=absent"
		}
		out = append(out, line)
	}
	return out
}

// TestCorpusParameters resolves a parameter of a real definition, from its
// default and from an execution.
func TestCorpusParameters(t *testing.T) {
	dir := cmp.Or(os.Getenv("SAGEMOAT_CORPUS"), filepath.Join("..", "..", "..", "shared", "corpus"))
	text, err := os.ReadFile(filepath.Join(dir, "pipelines", "smex-sm-pipelines_preprocess_train_evaluate_batch_transform-e3eaf68e.json"))
	if err != nil {
		t.Skipf("NOT TESTED against definitions that others wrote: set SAGEMOAT_CORPUS to the corpus (%v)", err)
	}
	d := mustParse(t, string(text))
	for _, s := range d.Steps(nil) {
		switch s.Name {
		case "AbaloneTrain":
			if got := s.Arguments.At("ResourceConfig.InstanceType").Str(); got != "ml.m5.xlarge" {
				t.Error(got)
			}
			if want := []string{"Parameters.TrainingInstanceType = ml.m5.xlarge (default value)"}; !reflect.DeepEqual(s.AssumedBelow("ResourceConfig"), want) {
				t.Error(s.AssumedBelow("ResourceConfig"))
			}
		case "AbaloneTransform":
			step, member, ok := StepRef(s.Arguments.Get("ModelName"))
			if step != "AbaloneCreateModel-CreateModel" || member != "ModelName" || !ok {
				t.Error(step, member, ok)
			}
		case "AbaloneMSEFail":
			if got := s.Arguments.Get("ErrorMessage").Str(); got != "Execution failed due to MSE > 6.0" {
				t.Error(got)
			}
		}
	}
	for _, s := range d.Steps(map[string]string{"ProcessingInstanceCount": "3"}) {
		if s.Name == "AbaloneProcess" {
			if got, _ := s.Arguments.At("ProcessingResources.ClusterConfig.InstanceCount").Literal(); got != "3" {
				t.Error(got)
			}
		}
	}
}
