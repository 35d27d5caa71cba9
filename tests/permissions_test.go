package tests

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/awstest/cached"
	"github.com/sagemoat/sagemoat/internal/awstest/simulator"
	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/internal/permissions"
	"github.com/sagemoat/sagemoat/internal/respond"
	"github.com/sagemoat/sagemoat/internal/sweep"
	"github.com/sagemoat/sagemoat/internal/template"
)

// elsewhere are the roles whose calls are tested elsewhere, and where.
var elsewhere = map[string]string{
	"SetupRole": "the function setup runs while a stack is deployed, and has tests of its own",
}

// newer are operations that are newer than the Service Authorization Reference that
// the simulator knows. They are judged as if they were those of training jobs.
var newer = []string{"sagemaker:DescribeTrainingSession", "sagemaker:ListTrainingSessions", "sagemaker:StopTrainingSession"}

// untold are calls on resources that the reference does not list for them, though
// they have what is called for. They are judged as of another resource.
var untold = map[string]string{
	// A workforce has tags: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateWorkforce.html
	"sagemaker:ListTags " + arnOf("sagemaker", "workforce/"): arnOf("sagemaker", "workteam/"),
}

// TestPermissions: each role of the template can make exactly the calls that are
// made with it, by its function and by AWS's services.
func TestPermissions(t *testing.T) {
	stack := stackOf(t, map[string]string{"Mode": "stop"})
	made := everyCall(t, stack)
	roles, err := permissions.Roles(stack)
	ok(t, err)
	needs, err := permissions.Needs(stack)
	ok(t, err)
	t.Run("exact", func(t *testing.T) { exact(t, roles, made, needs) })
	t.Run("allowed", func(t *testing.T) {
		j := newJudge(t, stack)
		all := slices.Clone(made.requests())
		for _, n := range needs {
			all = append(all, request{role: n.Role, action: n.Action, resource: n.Resource})
		}
		for i, result := range j.run(all...) {
			if result.Decision != iamsim.Allowed {
				t.Errorf("%s: %+v", all[i], result)
			}
		}
	})
	// What the template is made from names these lists.
	of := func(role, service string) (operations []string) {
		for _, action := range made.actions()[role] {
			if operation, is := strings.CutPrefix(action, service+":"); is && !strings.HasPrefix(operation, "Stop") {
				operations = append(operations, operation)
			}
		}
		return operations
	}
	if diff := cmp.Diff(respond.Looks(), of("RespondRole", "sagemaker")); diff != "" {
		t.Errorf("respond.Looks (-says +calls):\n%s", diff)
	}
	if diff := cmp.Diff(sweep.Calls(), of("SweepRole", "sagemaker")); diff != "" {
		t.Errorf("sweep.Calls (-says +calls):\n%s", diff)
	}
}

// exact says what is allowed and not called, and what is called and not allowed.
func exact(t *testing.T, roles []permissions.Role, made *recorder, needs []permissions.Need) {
	called := made.actions()
	keys := map[string][]string{} // that a role wrote, in the ledger
	for _, q := range made.requests() {
		if q.action == "dynamodb:PutItem" {
			written, _ := q.context["dynamodb:LeadingKeys"].([]string)
			keys[q.role] = append(keys[q.role], written...)
		}
	}
	for _, n := range needs {
		called[n.Role] = append(called[n.Role], n.Action)
	}
	for _, role := range roles {
		if _, is := elsewhere[role.ID]; is {
			continue
		}
		if called[role.ID] == nil {
			t.Errorf("%s is a new role: have the test make its calls", role.ID)
		}
		granted := role.Grants()
		for _, action := range granted {
			if !slices.Contains(called[role.ID], action) {
				t.Errorf("%s may call %s and never does: take it out of %s", role.ID, action, role.Granted(action))
			}
		}
		for _, action := range slices.Compact(slices.Sorted(slices.Values(called[role.ID]))) {
			if !slices.Contains(granted, action) {
				t.Errorf("%s calls %s and may not: grant it", role.ID, action)
			}
		}
		for _, p := range role.Policies {
			for _, s := range p.Statements {
				for _, pattern := range s.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] {
					if !slices.ContainsFunc(keys[role.ID], func(key string) bool { return like(pattern, key) }) {
						t.Errorf("%s may write %s and never does: take it out of %s, %s", role.ID, pattern, p.Name, s.Sid)
					}
				}
			}
		}
	}
}

// like says whether a text is as a pattern of IAM says.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = strings.ReplaceAll(regexp.QuoteMeta(parts[i]), `\?`, ".")
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(text)
}

// judge asks the simulator by the policies of a stack.
type judge struct {
	*testing.T
	sim    *iamsim.Simulator
	roles  map[string]permissions.Role
	guards map[string]json.RawMessage
}

func newJudge(t *testing.T, stack *template.Resolved) *judge {
	t.Helper()
	j := &judge{T: t, sim: simulator.Start(t), roles: map[string]permissions.Role{}}
	roles, err := permissions.Roles(stack)
	ok(t, err)
	for _, role := range roles {
		j.roles[role.ID] = role
	}
	j.guards, err = permissions.Guards(stack)
	ok(t, err)
	return j
}

// run judges requests. The role of one is a role of the template, or who else makes
// it: a service, or the ARN of a role that its own policies allow everything.
func (j *judge) run(requests ...request) []iamsim.Result {
	j.Helper()
	cases := make([]iamsim.Case, 0, len(requests))
	for _, q := range requests {
		cases = append(cases, j.caseOf(q))
	}
	results, err := j.sim.Run(j.Context(), cases)
	ok(j, err)
	return results
}

func (j *judge) caseOf(q request) iamsim.Case {
	context := map[string]any{"aws:SecureTransport": "true"}
	c := iamsim.Case{Action: q.action, Resource: q.resource, ResourceAccount: account, Context: context}
	if parts := strings.SplitN(q.resource, ":", 6); len(parts) == 6 && parts[4] != "" {
		c.ResourceAccount = parts[4]
	}
	role, ours := j.roles[q.role]
	switch {
	case ours:
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
		c.Principal, c.Identity = "arn:aws:sts::"+account+":assumed-role/"+role.Name+"/session", role.Documents()
		context["aws:PrincipalArn"], context["aws:PrincipalAccount"] = role.ARN, account
	case strings.HasSuffix(q.role, ".amazonaws.com"):
		c.Principal = q.role
	case strings.HasPrefix(q.role, "arn:aws:iam::"):
		c.Principal, c.Identity = q.role, []json.RawMessage{iamsim.FullAccess}
		context["aws:PrincipalArn"], context["aws:PrincipalAccount"] = q.role, strings.Split(q.role, ":")[4]
	default:
		j.Errorf("who is %q?", q.role)
	}
	if guard, ok := j.guards[q.resource]; ok {
		c.ResourcePolicy = guard
	} else if bucket, _, object := strings.Cut(q.resource, "/"); object {
		c.ResourcePolicy = j.guards[bucket] // nil where it is no object of a bucket
	}
	maps.Copy(context, q.context)
	for key, value := range context {
		if value == nil {
			delete(context, key)
		}
	}
	if q.action == "sagemaker:DescribePipelineExecution" && !strings.Contains(q.resource, "/execution/") {
		c.Resource += "/execution/none" // asked for by a key that names no execution
	}
	for action, other := range untold {
		if rest, is := strings.CutPrefix(q.action+" "+q.resource, action); is {
			c.Resource = other + rest
		}
	}
	if slices.Contains(newer, q.action) || strings.Contains(q.resource, ":training-session/") {
		older := strings.NewReplacer("TrainingSession", "TrainingJob", "training-session", "training-job")
		c.Action, c.Resource = older.Replace(c.Action), older.Replace(c.Resource)
		for i, p := range c.Identity {
			c.Identity[i] = json.RawMessage(older.Replace(withoutTrainingJobs(p)))
		}
	}
	return c
}

// withoutTrainingJobs is a policy that says nothing of training jobs.
func withoutTrainingJobs(policy json.RawMessage) string {
	return strings.NewReplacer(
		"DescribeTrainingJob", "DescribeHub", "ListTrainingJobs", "ListHubs", "StopTrainingJob", "DescribeHub", "training-job/", "hub/",
	).Replace(string(policy))
}

// reference is what the Service Authorization Reference says of an action.
type reference struct {
	ResourceTypes []struct{ Name string }
}

// references reads what the simulator knows of a service's actions, by their names in
// small letters.
func references(t *testing.T, service string) map[string]reference {
	t.Helper()
	dir, err := cached.Install("iam-simulate", iamsim.Pinned(), func(dir string) error { return iamsim.Install(t.Context(), dir) })
	ok(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "@cloud-copilot", "iam-data", "data", "actions", service+".json"))
	ok(t, err)
	var out map[string]reference
	ok(t, json.Unmarshal(text, &out))
	return out
}

// anything are actions that know resources, and that are allowed on all of them
// nevertheless, with the reason.
var anything = map[string]string{
	"ec2:AssignPrivateIpAddresses":   "as Lambda documents it for functions in a VPC; denied to the function itself",
	"ec2:CreateNetworkInterface":     "the same",
	"ec2:DeleteNetworkInterface":     "the same",
	"ec2:UnassignPrivateIpAddresses": "the same",
}

// TestPolicies: what our policies name exists; what is allowed on everything knows
// no resources; and no tag decides anything, for who makes a resource chooses its
// tags.
func TestPolicies(t *testing.T) {
	services := map[string]map[string]reference{}
	look := func(action string) (reference, bool) {
		service, operation, _ := strings.Cut(action, ":")
		if services[service] == nil {
			services[service] = references(t, service)
		}
		r, known := services[service][strings.ToLower(operation)]
		return r, known
	}
	stack := stackOf(t, map[string]string{
		"Mode": "stop", "SubnetIds": subnet, "SecurityGroupIds": group, "RouteTopics": arnOf("sns", "churn"),
		"RulesWriter": "arn:aws:iam::" + account + ":role/RulesWriter", "PermissionsBoundary": "arn:aws:iam::" + account + ":policy/Boundary",
	})
	roles, err := permissions.Roles(stack)
	ok(t, err)
	n := 0
	for _, role := range roles {
		for _, p := range role.Policies {
			for _, s := range p.Statements {
				for _, action := range s.Actions {
					n++
					r, known := look(action)
					if known == slices.Contains(newer, action) {
						t.Errorf("%s, %s: %s is in the reference: %v; is it misspelt, or in the list of what is newer for no reason?", role.ID, s.Sid, action, known)
					}
					_, may := anything[action]
					if slices.Contains(s.Resources, "*") && !s.Deny && len(r.ResourceTypes) > 0 && !may {
						t.Errorf("%s, %s, %s: %s knows resources (%v): name them", role.ID, p.Name, s.Sid, action, r.ResourceTypes)
					}
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d actions are named", n)
	}
	for _, file := range []string{"sagemoat", "sagemoat-organization", "sagemoat-code"} {
		text, err := os.ReadFile("../infra/templates/" + file + ".template.json")
		ok(t, err)
		for _, key := range []string{"ResourceTag", "PrincipalTag", "RequestTag", "TagKeys"} {
			if strings.Contains(string(text), key) {
				t.Errorf("%s: a condition on %s", file, key)
			}
		}
	}
}
