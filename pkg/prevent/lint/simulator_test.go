package lint

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/iamsim"
)

// draw draws statements that people write, right and wrong ones.
type draw struct{ *rand.Rand }

func one[T any](d draw, list ...T) T { return list[d.IntN(len(list))] }

// statement denies something, for whoever calls.
func (d draw) statement() map[string]any {
	s := map[string]any{"Effect": "Deny"}
	ops := operations()
	switch d.IntN(6) {
	case 0:
		s["Action"] = one(d, "sagemaker:Create*", "SageMaker:*", "*", "sagemaker:*Job", "sagemaker:Update*", "sagemaker:Create?odel*")
	case 1:
		s["NotAction"] = []string{"s3:*", one(d, "sagemaker:Describe*", "sagemaker:CreateModel", "sagemaker:Update*")}
	default:
		var names []string
		for range 1 + d.IntN(4) {
			names = append(names, prefix+ops[d.IntN(len(ops))].name)
		}
		s["Action"] = names
	}
	switch d.IntN(6) {
	case 0:
		s["Resource"] = []string{"arn:aws:sagemaker:*:*:" + one(d, "training-job/*", "model/*", "endpoint-config/*", "*", "domain/*")}
	case 1:
		s["NotResource"] = "arn:aws:" + one(d, "s3:::bucket/*", "sagemaker:*:*:model/*")
	default:
		s["Resource"] = "*"
	}
	conditions := map[string]map[string]any{}
	for range d.IntN(4) {
		set := settings()[d.IntN(len(settings()))]
		operator, value := "Null", any(one(d, "true", "false"))
		switch {
		case d.IntN(3) == 0:
		case set.key.Many:
			ids := []string{"subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"}
			if set.name == vpcSecurityGroups {
				ids = []string{"sg-0a1b2c3d4e5f60718"}
			}
			operator = one(d, "ForAnyValue:", "ForAllValues:", "") + one(d, "StringEquals", "StringNotEquals", "StringLike", "StringNotEqualsIfExists", "Bool", "BoolIfExists")
			if value = ids[:1+d.IntN(len(ids))]; strings.Contains(operator, "Bool") {
				value = "false"
			}
		case set.key.Type == "Bool":
			operator, value = one(d, "Bool", "BoolIfExists", "ForAllValues:Bool"), one(d, "true", "false")
		default:
			operator, value = one(d, "StringEquals", "StringNotEquals", "StringNotEqualsIfExists", "StringEqualsIgnoreCase", "StringLike", "ForAnyValue:StringNotEquals"), one(d, set.good, set.bad, strings.ToLower(set.good))
		}
		if conditions[operator] == nil {
			conditions[operator] = map[string]any{}
		}
		conditions[operator][one(d, prefix, "SageMaker:")+set.name] = value
	}
	// A key must not be there twice in two spellings.
	for _, keys := range conditions {
		for k := range keys {
			if strings.HasPrefix(k, "S") && keys["s"+"agemaker:"+strings.TrimPrefix(k, "SageMaker:")] != nil {
				delete(keys, k)
			}
		}
	}
	if len(conditions) > 0 {
		s["Condition"] = conditions
	}
	return s
}

// resourceOf is the ARN of a resource of the form that a call must be allowed on.
func resourceOf(form string) string {
	name := "fraud-7"
	switch kind, _, _ := strings.Cut(form, "/"); kind {
	case "job":
		name = "AgentRFT/fraud-7"
	case "user-profile", "space":
		name = "d-0a1b2c3d/ana"
	case "app":
		name = "d-0a1b2c3d/ana/JupyterLab/default"
	}
	return "arn:aws:sagemaker:eu-west-1:111122223333:" + strings.ReplaceAll(form, "*", name)
}

// TestSimulator: iam-simulate is asked, of which one process answers all.
func TestSimulator(t *testing.T) {
	sim := simulator.Start(t)
	t.Run("statements", func(t *testing.T) { statementsAgainst(t, sim) })
	t.Run("coverage", func(t *testing.T) { coverageAgainst(t, sim) })
}

// statementsAgainst: what the statements do to a request here, they do in the
// simulator: policies drawn at random, every operation, requests of every kind.
func statementsAgainst(t *testing.T, sim *iamsim.Simulator) {
	t.Helper()
	d := draw{rand.New(rand.NewPCG(3, 4))}
	var cases []iamsim.Case
	var want []judged
	var said []string
	for range chaos.N(6, 400) {
		var statements []map[string]any
		for range 1 + d.IntN(3) {
			statements = append(statements, d.statement())
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		var set Set
		if err := set.Read("p.json", text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, o := range operations() {
			if slices.Contains(unknownToSAR, o.name) {
				continue
			}
			v := (&memory{}).view(o, set.Policies[0].Statements)
			requests := v.requests()
			for range min(len(requests), 2) {
				r := requests[d.IntN(len(requests))]
				world := make([]int, len(r.settings))
				for range d.IntN(3) {
					step(world, r)
				}
				context := map[string]any{}
				for i, s := range r.settings {
					switch values := r.choices[i].worlds[world[i]]; {
					case values == nil:
					case s.key.Many:
						context[prefix+s.name] = values
					default:
						context[prefix+s.name] = values[0]
					}
				}
				n := len(cases)
				for _, resource := range o.resources {
					cases = append(cases, iamsim.Case{
						Principal: "arn:aws:iam::111122223333:role/ds", Action: prefix + o.name, ResourceAccount: "111122223333",
						Resource: resourceOf(resource), Context: context, Identity: []json.RawMessage{iamsim.FullAccess, text},
					})
					want = append(want, v.judgeWorld(r, world))
					said = append(said, fmt.Sprintf("%s %s %v by %s (case %d)", o.name, r.words(nil), world, text, n))
				}
			}
		}
	}
	results, err := sim.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	known := map[stopping]int{}
	for i := 0; i < len(cases); {
		// What needs several resources is denied on any of them.
		is := passes
		n := 0
		for ; i+n < len(cases) && cases[i+n].Action == cases[i].Action && said[i+n] == said[i]; n++ {
			r := results[i+n]
			if r.Error != "" || len(r.Ignored) > 0 {
				t.Fatalf("%s: %+v", said[i], r)
			}
			if r.Decision == iamsim.ExplicitlyDenied {
				is = denied
			}
		}
		known[want[i].stopping]++
		if s := want[i].stopping; s != undecided && s != is {
			t.Errorf("%s: %d, the simulator says %d", said[i], s, is)
		}
		i += n
	}
	if known[limited] > 0 || known[denied] < len(cases)/20 || known[passes] < len(cases)/5 {
		t.Errorf("of %d cases: %v", len(cases), known)
	}
	t.Logf("%d cases: %v", len(cases), known)
}

// coverageAgainst: with all that lint offers to paste, what breaks a rule is denied by
// the simulator, whatever else the request says, and what breaks none passes.
func coverageAgainst(t *testing.T, sim *iamsim.Simulator) {
	t.Helper()
	file := everything(t)
	r := lint(t, file, `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`)
	var statements []string
	for _, f := range r.Findings {
		var many []json.RawMessage
		if err := json.Unmarshal([]byte(f.Fix), &many); err != nil {
			many = []json.RawMessage{json.RawMessage(f.Fix)}
		}
		for _, one := range many {
			statements = append(statements, string(one))
		}
	}
	policy := json.RawMessage(policyOf(statements...))
	var set Set
	if err := set.Read("p.json", policy); err != nil {
		t.Fatal(err)
	}
	if r := Run(&set, Options{Rules: file}); r.Fails() {
		t.Fatal(told(r))
	}
	var cases []iamsim.Case
	var want []string
	d := draw{rand.New(rand.NewPCG(5, 6))}
	add := func(o *operation, context map[string]any, decision string) {
		cases = append(cases, iamsim.Case{
			Principal: "arn:aws:iam::111122223333:role/ds", Action: prefix + o.name, ResourceAccount: "111122223333", Context: context,
			Resource: resourceOf(o.resources[0]),
			Identity: []json.RawMessage{iamsim.FullAccess, policy},
		})
		want = append(want, decision)
	}
	for _, o := range operations() {
		if slices.Contains(unknownToSAR, o.name) {
			continue
		}
		v := (&memory{}).view(o, set.Policies[0].Statements)
		requests := v.requests()
		for range min(len(requests), chaos.N(4, 200)) {
			r := requests[d.IntN(len(requests))]
			bad := slices.ContainsFunc(r.choices, func(c choice) bool { return slices.Contains(c.worlds[0], odd) })
			for _, q := range Questions() {
				if a, ok := o.asks[q]; ok && a.cannot == "" && len(keysOf(q)) > 0 {
					bad = bad || slices.ContainsFunc(r.settings, func(s *setting) bool { return slices.Contains(s.asks, q) }) && o.isAbout(q, a, r)
				}
			}
			world := make([]int, len(r.settings))
			for {
				context := map[string]any{}
				for i, s := range r.settings {
					if values := r.choices[i].worlds[world[i]]; s.key.Many && values != nil {
						context[prefix+s.name] = values
					} else if values != nil {
						context[prefix+s.name] = values[0]
					}
				}
				if bad {
					add(o, context, iamsim.ExplicitlyDenied)
				} else {
					add(o, context, iamsim.Allowed)
				}
				if !step(world, r) {
					break
				}
			}
		}
	}
	results, err := sim.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for i, r := range results {
		n[want[i]]++
		if r.Error != "" || r.Decision != want[i] {
			t.Errorf("%s with %v: %+v, want %s", cases[i].Action, cases[i].Context, r, want[i])
		}
	}
	if n[iamsim.Allowed] < 20 || n[iamsim.ExplicitlyDenied] < 100 {
		t.Errorf("%v", n)
	}
	t.Logf("%v", n)
}
