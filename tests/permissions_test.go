package tests

import (
	"slices"
	"testing"

	"github.com/sagemoat/sagemoat/internal/permissions"
)

// TestPermissions: each role of the template can make exactly the calls that are
// made with it.
func TestPermissions(t *testing.T) {
	stack := stackOf(t, map[string]string{"Mode": "stop"})
	r := everyCall(t, stack)
	roles, err := permissions.Roles(stack)
	ok(t, err)
	needs, err := permissions.Needs(stack)
	ok(t, err)
	for _, q := range r.requests() {
		if q.role == "RespondRole" && q.action == "dynamodb:PutItem" { k := q.context["dynamodb:LeadingKeys"].([]string)[0]; if k[:5]=="entry" { t.Errorf("respond writes %s", k) } }
	}
	for _, role := range roles {
		made := r.actions()[role.ID]
		for _, n := range needs {
			if n.Role == role.ID {
				made = append(made, n.Action)
			}
		}
		for _, g := range role.Grants() {
			if !slices.Contains(made, g) {
				t.Errorf("%s may call %s (%s), and never does: take it away", role.ID, g, role.Granted(g))
			}
		}
		for _, m := range made {
			if !slices.Contains(role.Grants(), m) {
				t.Errorf("%s calls %s, and may not: grant it", role.ID, m)
			}
		}
	}
	for _, q := range r.requests() {
		t.Log(q)
	}
}
