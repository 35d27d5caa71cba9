// Package permissions says what the roles of a template may do, and what AWS's
// services do with them by themselves. The test that each role may do exactly what
// is done with it, and the page docs/permissions.md, are made from it.
package permissions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/internal/template"
)

// Role is a role of a template.
type Role struct {
	ID        string // in the template: AuditRole
	Name, ARN string // in AWS
	Policies  []Policy
}

// Policy is a policy of a role.
type Policy struct {
	// Name says where it is: "calls" of the role's own policies, RespondStopPolicy of
	// those that stand beside it.
	Name string
	// Condition is the condition of the template that it is there under.
	Condition  string
	Document   json.RawMessage
	Statements []Statement
}

// Statement is a statement of an identity's policy.
type Statement struct {
	Sid                string
	Deny               bool
	Actions, Resources []string
	// Condition is by operator and key.
	Condition map[string]map[string][]string
}

// Roles are the roles of a template, by id. What is not understood of a policy is
// an error: whoever judges a part of it judges nothing.
func Roles(r *template.Resolved) ([]Role, error) {
	var out []Role
	for _, id := range r.OfType("AWS::IAM::Role") {
		role, err := roleOf(r, id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		out = append(out, role)
	}
	for _, typ := range []string{"AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::User", "AWS::IAM::Group"} {
		if ids := r.OfType(typ); ids != nil {
			return nil, fmt.Errorf("%s: what a %s allows is not known here", ids[0], typ)
		}
	}
	for _, id := range r.OfType("AWS::IAM::Policy") {
		in := r.Resources[id]
		for name := range in.Properties {
			if !slices.Contains([]string{"PolicyName", "PolicyDocument", "Roles"}, name) {
				return nil, fmt.Errorf("%s: %s is not known here", id, name)
			}
		}
		p, err := policyOf(id, in.Condition, in.Properties["PolicyDocument"])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		names, err := texts(in.Properties["Roles"])
		if err != nil {
			return nil, fmt.Errorf("%s: Roles: %w", id, err)
		}
		for _, name := range names {
			i := slices.IndexFunc(out, func(role Role) bool { return role.Name == name })
			if i < 0 {
				return nil, fmt.Errorf("%s: there is no role %s", id, name)
			}
			out[i].Policies = append(out[i].Policies, p)
		}
	}
	return out, nil
}

func roleOf(r *template.Resolved, id string) (Role, error) {
	in := r.Resources[id]
	role := Role{ID: id}
	var err error
	if role.Name, err = r.Name(id); err != nil {
		return role, err
	}
	if role.ARN, err = r.ARN(id); err != nil {
		return role, err
	}
	for name := range in.Properties {
		if !slices.Contains([]string{"AssumeRolePolicyDocument", "Description", "PermissionsBoundary", "Policies", "RoleName"}, name) {
			return role, fmt.Errorf("%s is not known here", name)
		}
	}
	list, _ := in.Properties["Policies"].([]any)
	for i, v := range list {
		m, _ := v.(map[string]any)
		name, _ := m["PolicyName"].(string)
		p, err := policyOf(name, in.Condition, m["PolicyDocument"])
		if err != nil {
			return role, fmt.Errorf("policy %d, %s: %w", i, name, err)
		}
		role.Policies = append(role.Policies, p)
	}
	return role, nil
}

// policyOf reads a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func policyOf(name, condition string, document any) (Policy, error) {
	p := Policy{Name: name, Condition: condition}
	var err error
	if p.Document, err = json.Marshal(document); err != nil {
		return p, err
	}
	m, _ := document.(map[string]any)
	list, ok := m["Statement"].([]any)
	if !ok || m["Version"] != "2012-10-17" {
		return p, fmt.Errorf("no policy of version 2012-10-17 with a list of statements: %.100s", p.Document)
	}
	for i, v := range list {
		s, err := statementOf(v)
		if err != nil {
			return p, fmt.Errorf("statement %d: %w", i, err)
		}
		p.Statements = append(p.Statements, s)
	}
	return p, nil
}

func statementOf(v any) (s Statement, err error) {
	m, ok := v.(map[string]any)
	if !ok {
		return s, fmt.Errorf("no statement: %v", v)
	}
	for name := range m {
		if !slices.Contains([]string{"Sid", "Effect", "Action", "Resource", "Condition"}, name) {
			return s, fmt.Errorf("%s is not known here", name)
		}
	}
	s.Sid, _ = m["Sid"].(string)
	switch m["Effect"] {
	case "Allow":
	case "Deny":
		s.Deny = true
	default:
		return s, fmt.Errorf("its effect is %v", m["Effect"])
	}
	if s.Actions, err = texts(m["Action"]); err != nil {
		return s, fmt.Errorf("%s: Action: %w", s.Sid, err)
	}
	if s.Resources, err = texts(m["Resource"]); err != nil {
		return s, fmt.Errorf("%s: Resource: %w", s.Sid, err)
	}
	operators, _ := m["Condition"].(map[string]any)
	for operator, v := range operators {
		keys, ok := v.(map[string]any)
		if !ok {
			return s, fmt.Errorf("%s: Condition: %s has no keys", s.Sid, operator)
		}
		for key, v := range keys {
			values, err := texts(v)
			if err != nil {
				return s, fmt.Errorf("%s: Condition: %s: %s: %w", s.Sid, operator, key, err)
			}
			if s.Condition == nil {
				s.Condition = map[string]map[string][]string{}
			}
			if s.Condition[operator] == nil {
				s.Condition[operator] = map[string][]string{}
			}
			s.Condition[operator][key] = values
		}
	}
	return s, nil
}

// texts is a text, or a list of texts.
func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, element := range list {
		s, ok := element.(string)
		if !ok {
			return nil, fmt.Errorf("%v is no text", element)
		}
		out = append(out, s)
	}
	if out == nil {
		return nil, fmt.Errorf("nothing is named")
	}
	return out, nil
}

// Grants are the actions that some policy of a role allows, sorted.
func (r *Role) Grants() []string {
	var out []string
	for _, p := range r.Policies {
		for _, s := range p.Statements {
			if !s.Deny {
				out = append(out, s.Actions...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Documents are the policies of a role.
func (r *Role) Documents() []json.RawMessage {
	var out []json.RawMessage
	for _, p := range r.Policies {
		out = append(out, p.Document)
	}
	return out
}

// Granted says which statements of a role name an action, as "calls, Look".
func (r *Role) Granted(action string) string {
	var where []string
	for _, p := range r.Policies {
		for _, s := range p.Statements {
			if !s.Deny && slices.Contains(s.Actions, action) {
				where = append(where, p.Name+", "+s.Sid)
			}
		}
	}
	return strings.Join(where, "; ")
}
