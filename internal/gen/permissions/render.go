package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/internal/permissions"
	"github.com/sagemoat/sagemoat/internal/template"
)

const head = `<!-- Written by go run ./internal/gen/permissions from the template. Do not edit. -->

# Permissions

What each role of [the template](../infra/templates/sagemoat.template.json) may do. A
test has the functions as they are deployed make every call that they can make: each
role may do exactly that, and what AWS's services do with it by themselves. A policy
simulator that others wrote allows each of these calls, and denies what is not to be:
see [permissions_test.go](../tests/permissions_test.go) and
[permissions_probes_test.go](../tests/permissions_probes_test.go).

ACCOUNT, REGION and what else is in capitals stand for what they say. Names that
CloudFormation makes up end in something more. No condition is on a tag: who makes a
resource chooses its tags.
`

// words say when a condition of the template holds.
var words = map[string]string{
	"HasRouteTopics": "`RouteTopics` are given",
	"InVpc":          "`SubnetIds` are given",
	"MayStop":        "`Mode` is not `observe`",
}

// render is the page about a template.
func render(file string) (string, error) {
	parsed, err := template.Load(file)
	if err != nil {
		return "", err
	}
	stack, err := parsed.Resolve(map[string]string{
		"AWS::AccountId": "ACCOUNT", "AWS::Region": "REGION",
		"CodeBucketPrefix": "example-code", "Mode": "stop", "RouteTopics": "ROUTE_TOPICS", "RulesKey": "RULES_KEY", "SubnetIds": "SUBNET", "SecurityGroupIds": "GROUP",
	})
	if err != nil {
		return "", err
	}
	roles, err := permissions.Roles(stack)
	if err != nil {
		return "", err
	}
	needs, err := permissions.Needs(stack)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(head)
	for i := range roles {
		if err := section(&b, &roles[i]); err != nil {
			return "", fmt.Errorf("%s: %w", roles[i].ID, err)
		}
	}
	b.WriteString("\n## What AWS's services do with the roles\n\n| role | service | does what | calls | on |\n|---|---|---|---|---|\n")
	for len(needs) > 0 {
		// Those for one reason stand together.
		first, n := needs[0], 1
		actions := []string{first.Action}
		for n < len(needs) && needs[n].Role == first.Role && needs[n].Why == first.Why && needs[n].Resource == first.Resource {
			actions = append(actions, needs[n].Action)
			n++
		}
		needs = needs[n:]
		fmt.Fprintf(&b, "| %s | %s | [%s](%s) | %s | %s |\n", first.Role, first.Service, first.Why, first.Source, codes(actions), codes([]string{first.Resource}))
	}
	return b.String(), nil
}

// section is what a role may do.
func section(b *strings.Builder, role *permissions.Role) error {
	fmt.Fprintf(b, "\n## %s\n\n| statement | may call | on | if | only where |\n|---|---|---|---|---|\n", role.ID)
	for _, p := range role.Policies {
		only := ""
		if p.Condition != "" {
			var ok bool
			if only, ok = words[p.Condition]; !ok {
				return fmt.Errorf("there are no words for the condition %s: add them to words", p.Condition)
			}
		}
		for _, s := range p.Statements {
			name := s.Sid
			if s.Deny {
				name += " (**denied**)"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, codes(s.Actions), codes(s.Resources), conditions(s.Condition), only)
		}
	}
	return nil
}

// conditions are those of a statement, each in a line.
func conditions(of map[string]map[string][]string) string {
	var lines []string
	for _, operator := range slices.Sorted(maps.Keys(of)) {
		for _, key := range slices.Sorted(maps.Keys(of[operator])) {
			lines = append(lines, fmt.Sprintf("`%s` %s %s", key, operator, codes(of[operator][key])))
		}
	}
	return strings.Join(lines, "<br>")
}

// codes are texts as code, without what CloudFormation would make up.
func codes(texts []string) string {
	plain := strings.NewReplacer(template.Suffix, "", strings.ToLower(template.Suffix), "", "2026-11-02T09:14:07.000", "*", "2026/11/02/[$LATEST]0123456789abcdef", "*")
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = "`" + plain.Replace(text) + "`"
	}
	return strings.Join(out, ", ")
}
