package doctor

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// template is what is deployed.
type template struct {
	Resources map[string]struct {
		Type       string
		Properties map[string]any
	}
	Parameters map[string]struct{ Default string }
}

// deployed reads the template that make package ships.
func deployed(t *testing.T) *template {
	t.Helper()
	b, err := os.ReadFile("../../infra/templates/sagemoat.template.json")
	ok(t, err)
	var out template
	ok(t, json.Unmarshal(b, &out))
	return &out
}

// TestTemplateRules: the rules that have to have room are those of the template.
func TestTemplateRules(t *testing.T) {
	var got, want []string
	wild := func(name, pattern string) string {
		if hasWildcard([]byte(pattern)) {
			return name + " with a wildcard"
		}
		return name
	}
	for _, r := range deployed(t).Resources {
		if r.Type == "AWS::Events::Rule" {
			name, _ := r.Properties["Name"].(map[string]any)["Fn::Sub"].(string)
			want = append(want, wild(strings.Replace(name, "${AWS::StackName}", DefaultStack, 1), inJSON(r.Properties["EventPattern"])))
		}
	}
	for _, r := range newSession().deploys() {
		got = append(got, wild(r.Name, string(r.Pattern)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("room is asked for\n%s\nthe template has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
