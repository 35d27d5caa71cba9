package prevent

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/pkg/prevent"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// mutation changes a statement, or takes it away where it returns false.
type mutation func(*prevent.Statement) bool

// renamed puts the keys of an operator under another.
func renamed(from, to, key string) mutation {
	return func(s *prevent.Statement) bool {
		keys := maps.Clone(s.Condition[from])
		if keys == nil {
			return true
		}
		moved := map[string]prevent.Values{}
		for k, v := range keys {
			if strings.HasPrefix(k, key) {
				moved[k] = v
				delete(keys, k)
			}
		}
		if len(moved) == 0 {
			return true
		}
		s.Condition = maps.Clone(s.Condition)
		s.Condition[from] = keys
		if len(keys) == 0 {
			delete(s.Condition, from)
		}
		if to == "" {
			return true
		}
		target := maps.Clone(s.Condition[to])
		if target == nil {
			target = map[string]prevent.Values{}
		}
		maps.Copy(target, moved)
		s.Condition[to] = target
		return true
	}
}

func without(id rules.ID) mutation {
	return func(s *prevent.Statement) bool { return !slices.Contains(s.Rules, id) }
}

// flipped turns what Null asks for round.
func flipped(value string) mutation {
	return func(s *prevent.Statement) bool {
		if s.Condition["Null"] == nil {
			return true
		}
		s.Condition = maps.Clone(s.Condition)
		s.Condition["Null"] = maps.Clone(s.Condition["Null"])
		for key, v := range s.Condition["Null"] {
			if v[0] == value {
				s.Condition["Null"][key] = prevent.Values{map[string]string{"true": "false", "false": "true"}[value]}
			}
		}
		return true
	}
}

func mutations() map[string]mutation {
	out := map[string]mutation{
		"Null true is Null false":                  flipped("true"),
		"Null false is Null true":                  flipped("false"),
		"ForAnyValue is ForAllValues":              renamed("ForAnyValue:StringNotEquals", "ForAllValues:StringNotEquals", ""),
		"StringNotEquals of an id is StringEquals": renamed("ForAnyValue:StringNotEquals", "ForAnyValue:StringEquals", ""),
		"StringNotLike is StringLike":              renamed("ForAnyValue:StringNotLike", "ForAnyValue:StringLike", ""),
		"BoolIfExists is Bool":                     renamed("BoolIfExists", "Bool", ""),
		"a switch is not asked for":                renamed("BoolIfExists", "", ""),
		"Bool is not asked for":                    renamed("Bool", "", ""),
		"Bool is BoolIfExists":                     renamed("Bool", "BoolIfExists", "sagemaker:EnableRemoteDebug"),
		"DirectInternetAccess the other way round": renamed("StringNotEquals", "StringEquals", "sagemaker:DirectInternetAccess"),
		"AppNetworkAccessType the other way round": renamed("StringNotEquals", "StringEquals", "sagemaker:AppNetworkAccessType"),
		"RemoteAccess the other way round":         renamed("StringEquals", "StringNotEquals", "sagemaker:RemoteAccess"),
		"roles the other way round":                renamed("ArnNotLike", "ArnLike", ""),
		"roles are not left out":                   renamed("ArnNotLike", "", ""),
		"all roles are meant":                      renamed("ArnLike", "", ""),
		"all accounts are meant":                   renamed("StringEquals", "", "aws:PrincipalAccount"),
		"accounts are not left out":                renamed("StringNotEquals", "", "aws:PrincipalAccount"),
		"all Regions are meant":                    renamed("StringEquals", "", "aws:RequestedRegion"),
		"all tags are meant":                       renamed("StringEquals", "", "aws:RequestTag"),
		"the case of a tag's key does not matter":  renamed("ForAnyValue:StringEquals", "", "aws:TagKeys"),
		"all resources are meant": func(s *prevent.Statement) bool {
			if s.Resource != nil {
				s.Resource = prevent.Values{"*"}
			}
			return true
		},
		"no resource is left out": func(s *prevent.Statement) bool {
			if s.NotResource != nil {
				s.Resource, s.NotResource = prevent.Values{"*"}, nil
			}
			return true
		},
		"an operation is forgotten": func(s *prevent.Statement) bool {
			if len(s.Action) > 2 {
				s.Action = s.Action[1:]
			}
			return true
		},
	}
	for _, id := range []rules.ID{rules.VPCRequired, rules.NoOwnInternet, rules.NoBridge, rules.WellFormed, rules.SubnetAllowed, rules.SecurityGroupAllowed, rules.IsolationRequired, rules.EncryptedBetweenContainers, rules.InteractiveAccess} {
		out["without "+string(id)] = without(id)
	}
	return out
}

// TestMutants: a generator that forgets a statement, or takes another operator, is
// found out by what [TestPoliciesDoWhatTheRulesSay] asks.
func TestMutants(t *testing.T) {
	sim := simulator.Start(t)
	var trials []*trial
	for n := range 60 {
		trials = append(trials, newTrial(t, draw{rand.New(rand.NewPCG(20, uint64(n))), 4}, 1))
	}
	for name, mutate := range mutations() {
		t.Run(name, func(t *testing.T) {
			changed := 0
			for _, tr := range trials {
				mutant := *tr
				var statements []prevent.Statement
				for _, s := range tr.set.Statements {
					if mutate(&s) {
						statements = append(statements, s)
					}
				}
				if before, _ := json.Marshal(tr.set.Statements); string(before) == string(mustJSON(t, statements)) {
					continue
				}
				changed++
				mutant.statements = statements
				mutant.quick(t, sim)
				if len(mutant.wrong()) > 0 {
					return
				}
			}
			t.Errorf("nothing is wrong in %d mutants", changed)
		})
	}
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
