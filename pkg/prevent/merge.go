package prevent

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// merge makes one statement of all drafts that ask for the same, in the order of
// the rules.
func merge(drafts []draft) []Statement {
	type group struct {
		rules []rules.ID
		ops   map[string]operation
		draft draft
	}
	groups := map[string]*group{}
	for _, d := range drafts {
		rest := d.scope.key() + "\x00" + must(json.Marshal(d.condition))
		g := groups[rest]
		if g == nil {
			g = &group{ops: map[string]operation{}, draft: d}
			groups[rest] = g
		}
		g.rules = union(g.rules, d.rules)
		g.ops[d.op.name()] = d.op
	}
	out := make([]Statement, 0, len(groups))
	for _, g := range groups {
		s := Statement{Effect: "Deny", Rules: g.rules, Condition: all(g.draft.condition, g.draft.scope.condition())}
		ops := slices.Sorted(maps.Keys(g.ops))
		s.Action = actions(ops, g.draft.condition)
		for _, name := range ops {
			s.resources(g.ops[name], g.draft.scope)
		}
		if s.NotResource == nil && s.Resource == nil {
			s.Resource = []string{"*"}
		}
		s.Resource, s.NotResource = orNil(s.Resource), orNil(s.NotResource)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Statement) int {
		return cmp.Or(
			compareRules(a.Rules, b.Rules),
			cmp.Compare(must(json.Marshal(a.Condition)), must(json.Marshal(b.Condition))),
			slices.Compare(a.Action, b.Action), slices.Compare(a.Resource, b.Resource), slices.Compare(a.NotResource, b.NotResource),
		)
	})
	sids(out)
	return out
}

func must(b []byte, err error) string {
	if err != nil {
		panic(err) // strings and lists of them
	}
	return string(b)
}

func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return sorted(list)
}

// resources adds what a statement says of resources for one of its operations.
func (s *Statement) resources(op operation, sc scope) {
	for _, name := range sc.names {
		s.Resource = append(s.Resource, op.arns(name))
	}
	for _, name := range sc.notNames {
		s.NotResource = append(s.NotResource, op.arns(name))
	}
	s.NotResource = append(s.NotResource, sc.notARNs...)
	if s.NotResource != nil {
		// Calls that use reserved capacity have it as resources beside their own.
		// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
		s.NotResource = append(s.NotResource, "arn:*:sagemaker:*:*:reserved-capacity/*", "arn:*:sagemaker:*:*:training-plan/*")
	}
}

// condition is what a statement asks for to be in a scope.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (s scope) condition() Condition {
	out := Condition{}
	add := func(operator, key string, values ...string) {
		if out[operator] == nil {
			out[operator] = map[string]Values{}
		}
		out[operator][key] = append(out[operator][key], values...)
	}
	either := func(some set, in, not, key string) {
		switch {
		case some.everything():
		case some.in:
			add(in, key, some.values...)
		default:
			add(not, key, some.values...)
		}
	}
	either(s.accounts, "StringEquals", "StringNotEquals", "aws:PrincipalAccount")
	either(s.regions, "StringEquals", "StringNotEquals", "aws:RequestedRegion")
	// The ARN of the role, with its path, also where its session calls.
	either(s.roles, "ArnLike", "ArnNotLike", "aws:PrincipalArn")
	for _, t := range s.tags {
		// IAM compares the key of a tag without its case, and the values of
		// aws:TagKeys with it.
		switch t.is {
		case tagged:
			add("StringEquals", "aws:RequestTag/"+t.key, t.value)
			add("ForAnyValue:StringEquals", "aws:TagKeys", t.key)
		case otherwise:
			add("StringNotEquals", "aws:RequestTag/"+t.key, t.value) // true where there is none
		case keyless:
			add("ForAllValues:StringNotEquals", "aws:TagKeys", t.key) // true where there are none
		}
	}
	return out
}

// actions are the operations as IAM names them. Where every operation that has a
// key is meant, and the condition is false without the key, the two patterns that
// all of them fit say the same in less room.
func actions(ops []string, c Condition) []string {
	if key := needs(c); key != "" && len(ops) > 2 && slices.Equal(ops, keyed(key)) {
		return []string{"sagemaker:Create*", "sagemaker:Update*"}
	}
	out := make([]string, 0, len(ops))
	for _, op := range ops {
		out = append(out, "sagemaker:"+op)
	}
	return out
}

// needs is the one key that a condition asks for, where it is false without it.
func needs(c Condition) string {
	if len(c) != 1 {
		return ""
	}
	for operator, keys := range c {
		for key, values := range keys {
			if len(keys) == 1 && (strings.HasPrefix(operator, "ForAnyValue:") || operator == "Null" && values[0] == "false") {
				return strings.TrimPrefix(key, "sagemaker:")
			}
		}
	}
	return ""
}

// keyed are the operations that have a key.
func keyed(key string) (out []string) {
	for _, op := range operations() {
		if op.has(key) {
			out = append(out, op.name())
		}
	}
	return sorted(out)
}
