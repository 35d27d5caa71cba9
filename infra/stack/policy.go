package stack

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// statement is a statement of a policy.
type statement struct {
	sid       string
	deny      bool
	principal any // of a resource's policy: what "Principal" is
	actions   []string
	resources []*string
	condition map[string]any
}

// document is a policy with these statements.
func document(statements ...statement) map[string]any {
	var all []any
	for _, s := range statements {
		out := map[string]any{"Sid": s.sid, "Effect": "Allow", "Action": one(s.actions), "Resource": one(s.resources)}
		if s.deny {
			out["Effect"] = "Deny"
		}
		if s.principal != nil {
			out["Principal"] = s.principal
		}
		if s.condition != nil {
			out["Condition"] = s.condition
		}
		all = append(all, out)
	}
	return map[string]any{"Version": "2012-10-17", "Statement": all}
}

// one is a list, or its only element.
func one[T any](list []T) any {
	if len(list) == 1 {
		return list[0]
	}
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

// service is an AWS service as a principal.
func service(name string) map[string]any { return map[string]any{"Service": name + ".amazonaws.com"} }

// anyone is every principal.
func anyone() map[string]any { return map[string]any{"AWS": "*"} }

// onlyTLS denies everybody what does not come by TLS.
func onlyTLS(action string, resources ...*string) statement {
	return statement{
		sid: "OnlyTls", deny: true, principal: anyone(), actions: []string{action}, resources: resources,
		condition: map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	}
}

// trust is who may take a role: a service, for what is in this account.
func trust(name string, more map[string]any) map[string]any {
	equals := map[string]any{}
	if more != nil {
		equals["aws:SourceAccount"] = awscdk.Aws_ACCOUNT_ID()
		maps.Copy(equals, more)
	}
	out := map[string]any{"Effect": "Allow", "Principal": service(name), "Action": "sts:AssumeRole"}
	if len(equals) > 0 {
		out["Condition"] = map[string]any{"StringEquals": equals}
	}
	return map[string]any{"Version": "2012-10-17", "Statement": []any{out}}
}

// sorted are texts in order, each once.
func sorted(texts []string) []string { return slices.Compact(slices.Sorted(slices.Values(texts))) }
