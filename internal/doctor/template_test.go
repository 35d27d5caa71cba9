package doctor

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
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

// TestTemplateReserved: what has to be left is what the template reserves where
// nobody says otherwise. Whether it does may depend on a condition.
func TestTemplateReserved(t *testing.T) {
	all := deployed(t)
	var number func(v any) int
	number = func(v any) int {
		switch v := v.(type) {
		case float64:
			return int(v)
		case map[string]any:
			if choice, is := v["Fn::If"].([]any); is {
				return max(number(choice[1]), number(choice[2]))
			}
			name, _ := v["Ref"].(string)
			n, _ := strconv.Atoi(all.Parameters[name].Default)
			return n
		}
		return 0
	}
	sum := 0
	for _, r := range all.Resources {
		if r.Type == "AWS::Lambda::Function" {
			sum += number(r.Properties["ReservedConcurrentExecutions"])
		}
	}
	if sum != Reserved {
		t.Errorf("the template reserves %d, want %d", sum, Reserved)
	}
}

// TestTemplateQueue: the queue has to keep messages for as long as the template says.
func TestTemplateQueue(t *testing.T) {
	if kept := deployed(t).Resources["EventQueue"].Properties["MessageRetentionPeriod"]; kept != float64(retention) {
		t.Errorf("the template keeps messages for %v s, want %d", kept, retention)
	}
}

// TestTemplateFilters: the filters that mappings have to have are the template's.
func TestTemplateFilters(t *testing.T) {
	all := deployed(t)
	for id, want := range map[string]any{
		"AuditQueue":    nil,
		"PublishStream": map[string]any{"Filters": []any{map[string]any{"Pattern": streamFilter}}},
		"RespondStream": map[string]any{"Filters": []any{map[string]any{"Pattern": streamFilter}}},
	} {
		r := all.Resources[id]
		if got := r.Properties["FilterCriteria"]; r.Type != "AWS::Lambda::EventSourceMapping" || inJSON(got) != inJSON(want) {
			t.Errorf("%s, %s: the template has %s, want %s", id, r.Type, inJSON(got), inJSON(want))
		}
	}
}
