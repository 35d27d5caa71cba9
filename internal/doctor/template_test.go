package doctor

import (
	"encoding/json"
	"maps"
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
	Outputs    map[string]struct{ Value any }
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
			name, _ := r.Properties["Name"].(string)
			want = append(want, wild(name, inJSON(r.Properties["EventPattern"])))
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

// TestTemplateEnvironment: the environment that functions have to have is the
// template's. Both are compared as the template writes values.
func TestTemplateEnvironment(t *testing.T) {
	all := deployed(t)
	x := newSession(func(x *session) {
		x.account = inJSON(map[string]string{"Ref": "AWS::AccountId"})
		for key, out := range all.Outputs {
			x.stack.outputs[key] = inJSON(out.Value)
		}
	})
	properties := func(f function) map[string]any {
		return all.Resources[strings.ToUpper(f.name[:1])+f.name[1:]].Properties
	}
	var roles []any
	for _, f := range functions() {
		roles = append(roles, properties(f)["Role"])
	}
	for _, f := range functions() {
		in, _ := properties(f)["Environment"].(map[string]any)
		environment, _ := in["Variables"].(map[string]any)
		want := x.wanted(f, nil)
		if names := slices.Sorted(maps.Keys(want)); !slices.Equal(names, slices.Sorted(maps.Keys(environment))) {
			t.Errorf("%s: want the variables %v, the template has %s", f.name, names, inJSON(environment))
		}
		for name, value := range want {
			switch name {
			case "SAGEMOAT_RULES_BUCKET": // or empty, where there is no file
				value = `{"Fn::If":["HasRulesFile",` + value + `,""]}`
			case "SAGEMOAT_RULES_KEY": // the output is never empty
				value = inJSON(map[string]string{"Ref": "RulesKey"})
			case ownRoles:
				value = inJSON(map[string]any{"Fn::Join": []any{",", roles}})
			}
			if got := inJSON(environment[name]); got != value {
				t.Errorf("%s: want %s = %s, the template has %s", f.name, name, value, got)
			}
		}
	}
}
