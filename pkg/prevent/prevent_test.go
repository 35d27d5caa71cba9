package prevent

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func load(t testing.TB, text string) *rules.File {
	t.Helper()
	f, err := rules.Load("rules.yaml", []byte("version: 1\n"+text), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// said are the statements of a rules file, each in one line: Sid, actions,
// resources where not all are meant, conditions.
func said(s *Set) (out []string) {
	for _, st := range s.Statements {
		actions := make([]string, 0, len(st.Action))
		for _, a := range st.Action {
			actions = append(actions, strings.TrimPrefix(a, "sagemaker:"))
		}
		line := st.Sid + ": " + strings.Join(actions, " ")
		if len(actions) > 4 {
			line = fmt.Sprintf("%s: %d actions", st.Sid, len(actions))
		}
		if !slices.Equal(st.Resource, Values{"*"}) {
			line += fmt.Sprintf(" on %v not %v", []string(st.Resource), []string(st.NotResource))
		}
		condition, _ := json.Marshal(st.Condition)
		out = append(out, line+" "+strings.NewReplacer(`"`, "", "sagemaker:", "").Replace(string(condition)))
	}
	return out
}

const (
	without  = "{Null:{VpcSubnets:true}}"
	jobs     = "14 actions "
	rest     = "NoOwnInternet: CreateEndpointConfig {Null:{ServerlessMemorySize:false}}"
	domains  = "NoOwnInternetNoBridge: UpdateDomain {StringEquals:{AppNetworkAccessType:PublicInternetOnly}}"
	domains2 = "NoOwnInternetNoBridge2: CreateDomain {StringNotEquals:{AppNetworkAccessType:VpcOnly}}"
	notebook = "NoOwnInternetNoBridge3: CreateNotebookInstance {StringNotEquals:{DirectInternetAccess:Disabled}}"
)

func TestStatements(t *testing.T) {
	off := "rules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off"
	tests := map[string]struct {
		rules   string
		account string
		want    []string
	}{
		"the defaults": {"", "", []string{
			"VpcRequiredNoOwnInternet: " + jobs + without, rest, domains, domains2, notebook,
			"WellFormed: Create* Update* {ForAnyValue:StringNotLike:{VpcSecurityGroupIds:sg-*}}",
			"WellFormed2: Create* Update* {ForAnyValue:StringNotLike:{VpcSubnets:subnet-*}}",
		}},
		"nothing": {off + "}", "", nil},
		"only vpc-required": {"rules: {no-own-internet: off, no-bridge: off, well-formed: off}", "", []string{
			"VpcRequired: CreateEndpointConfig {Null:{ServerlessMemorySize:false}}", "VpcRequired2: " + jobs + without,
		}},
		"only no-own-internet: isolation, and a shut way, will do": {"rules: {vpc-required: off, no-bridge: off, well-formed: off}", "", []string{
			"NoOwnInternet: 8 actions {BoolIfExists:{NetworkIsolation:false},Null:{VpcSubnets:true}}",
			"NoOwnInternet2: CreateEndpointConfig {Null:{ServerlessMemorySize:false}}",
			"NoOwnInternet3: CreateDomain {Null:{VpcSubnets:true},StringNotEquals:{AppNetworkAccessType:VpcOnly}}",
			"NoOwnInternet4: CreateNotebookInstance {Null:{VpcSubnets:true},StringNotEquals:{DirectInternetAccess:Disabled}}",
			"NoOwnInternet5: CreateAutoMLJob CreateAutoMLJobV2 CreateCluster CreateJob " + without,
		}},
		"only no-bridge": {"rules: {vpc-required: off, no-own-internet: off, well-formed: off}", "", []string{
			"NoBridge: UpdateDomain {Null:{VpcSubnets:false},StringEquals:{AppNetworkAccessType:PublicInternetOnly}}",
			"NoBridge2: CreateDomain {Null:{VpcSubnets:false},StringNotEquals:{AppNetworkAccessType:VpcOnly}}",
			"NoBridge3: CreateNotebookInstance {Null:{VpcSubnets:false},StringNotEquals:{DirectInternetAccess:Disabled}}",
		}},
		"switches: where a VPC need not be named, only beside one": {off + ", isolation-required: on, encrypted-between-containers: on, interactive-access: on}", "", []string{
			"IsolationRequired: CreateEndpointConfig CreateMonitoringSchedule UpdateMonitoringSchedule {BoolIfExists:{NetworkIsolation:false},Null:{VpcSubnets:false}}",
			"IsolationRequired2: 8 actions {BoolIfExists:{NetworkIsolation:false}}",
			"EncryptedBetweenContainers: CreateMonitoringSchedule UpdateMonitoringSchedule {BoolIfExists:{InterContainerTrafficEncryption:false},Null:{VpcSubnets:false}}",
			"EncryptedBetweenContainers2: 9 actions {BoolIfExists:{InterContainerTrafficEncryption:false}}",
			"InteractiveAccess: CreateTrainingJob UpdateTrainingJob {Bool:{EnableRemoteDebug:true}}",
			"InteractiveAccess2: CreateSpace UpdateSpace {StringEquals:{RemoteAccess:ENABLED}}",
		}},
		"a way in":               {off + ", interactive-access: [remote-access]}", "", []string{"InteractiveAccess: CreateSpace UpdateSpace {StringEquals:{RemoteAccess:ENABLED}}"}},
		"a way in without a key": {off + ", interactive-access: [ssm-access]}", "", nil},
		"allow-lists by account": {off + "}\nallow:\n- {accounts: ['111122223333'], subnets: [subnet-2, subnet-1]}\n- {accounts: ['444455556666'], subnets: [subnet-3]}", "", []string{
			"SubnetAllowed: Create* Update* {ForAnyValue:StringNotEquals:{VpcSubnets:subnet-3},StringEquals:{aws:PrincipalAccount:444455556666}}",
			"SubnetAllowed2: Create* Update* {ForAnyValue:StringNotEquals:{VpcSubnets:[subnet-1,subnet-2]},StringEquals:{aws:PrincipalAccount:111122223333}}",
			"SubnetAllowed3: Create* Update* {Null:{VpcSubnets:false},StringNotEquals:{aws:PrincipalAccount:[111122223333,444455556666]}}",
		}},
		"for one account": {off + "}\nallow:\n- {accounts: ['111122223333'], subnets: [subnet-2, subnet-1]}\n- {accounts: ['444455556666'], subnets: [subnet-3]}", "444455556666", []string{
			"SubnetAllowed: Create* Update* {ForAnyValue:StringNotEquals:{VpcSubnets:subnet-3}}",
		}},
		"a list for all, and more for a Region and a kind": {off + "}\nallow:\n- {accounts: ['*'], security-groups: [sg-1]}\n- {accounts: ['*'], regions: [eu-west-1], kinds: [model], security-groups: [sg-2]}", "", []string{
			"SecurityGroupAllowed: CreateModel {ForAnyValue:StringNotEquals:{VpcSecurityGroupIds:sg-1},StringNotEquals:{aws:RequestedRegion:eu-west-1}}",
			"SecurityGroupAllowed2: 20 actions {ForAnyValue:StringNotEquals:{VpcSecurityGroupIds:sg-1}}",
			"SecurityGroupAllowed3: CreateModel {ForAnyValue:StringNotEquals:{VpcSecurityGroupIds:[sg-1,sg-2]},StringEquals:{aws:RequestedRegion:eu-west-1}}",
		}},
		"an override narrows": {off + "}\nallow:\n- {accounts: ['*'], subnets: [subnet-1, subnet-2]}\noverrides:\n- {match: {kinds: [model], tags: {env: prod}}, allow: {subnets: [subnet-1]}}", "", []string{
			"SubnetAllowed: CreateModel {ForAnyValue:StringEquals:{aws:TagKeys:env},ForAnyValue:StringNotEquals:{VpcSubnets:subnet-1},StringEquals:{aws:RequestTag/env:prod}}",
			"SubnetAllowed2: Create* Update* {ForAnyValue:StringNotEquals:{VpcSubnets:[subnet-1,subnet-2]}}",
		}},
		"an override by kind, account and Region loosens": {
			"rules: {no-own-internet: off, no-bridge: off, well-formed: off}\noverrides:\n- {match: {kinds: [automl-job]}, rules: {vpc-required: off}}\n- {match: {kinds: [job, cluster], accounts: ['111122223333'], regions: [eu-west-1]}, rules: {vpc-required: off}}\n" +
				"- {match: {kinds: [endpoint-config, model, training-job, processing-job, notebook-instance, domain, hyper-parameter-tuning-job, data-quality-job-definition, model-bias-job-definition, model-quality-job-definition, model-explainability-job-definition]}, rules: {vpc-required: off}}", "", []string{
				"VpcRequired: CreateCluster CreateJob {Null:{VpcSubnets:true},StringNotEquals:{aws:PrincipalAccount:111122223333}}",
				"VpcRequired2: CreateCluster CreateJob {Null:{VpcSubnets:true},StringNotEquals:{aws:RequestedRegion:eu-west-1}}",
			},
		},
		"an override by role and one after it": {off + ", encrypted-between-containers: on}\noverrides:\n- {match: {roles: ['arn:aws:iam::111122223333:role/ml/ds']}, rules: {encrypted-between-containers: off}}\n- {match: {kinds: [automl-job], roles: ['arn:aws:iam::111122223333:role/ml/ds', 'arn:aws:iam::111122223333:role/x']}, rules: {encrypted-between-containers: on}}", "", []string{
			"EncryptedBetweenContainers: CreateAutoMLJob CreateAutoMLJobV2 {ArnLike:{aws:PrincipalArn:[arn:aws:iam::111122223333:role/ml/ds,arn:aws:iam::111122223333:role/x]},BoolIfExists:{InterContainerTrafficEncryption:false}}",
			"EncryptedBetweenContainers2: CreateMonitoringSchedule UpdateMonitoringSchedule {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/ml/ds},BoolIfExists:{InterContainerTrafficEncryption:false},Null:{VpcSubnets:false}}",
			"EncryptedBetweenContainers3: 9 actions {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/ml/ds},BoolIfExists:{InterContainerTrafficEncryption:false}}",
		}},
		"an override by name": {off + "}\noverrides:\n- {match: {kinds: [model, user-profile, cluster, job], names: ['prod-*', '?']}, rules: {vpc-required: on, isolation-required: on}}", "", []string{
			"VpcRequired: CreateJob CreateModel on [arn:*:sagemaker:*:*:job/*/? arn:*:sagemaker:*:*:job/*/prod-* arn:*:sagemaker:*:*:model/? arn:*:sagemaker:*:*:model/prod-*] not [] " + without,
			"IsolationRequired: CreateModel on [arn:*:sagemaker:*:*:model/? arn:*:sagemaker:*:*:model/prod-*] not [] {BoolIfExists:{NetworkIsolation:false}}",
		}},
		"a rule that is on for a tag, in place of another": {"rules: {no-own-internet: off, no-bridge: off, well-formed: off}\noverrides:\n- {match: {kinds: [automl-job], tags: {env: prod}}, rules: {no-own-internet: on}}\n- {match: {kinds: [endpoint-config, model, training-job, processing-job, notebook-instance, domain, job, cluster, hyper-parameter-tuning-job, data-quality-job-definition, model-bias-job-definition, model-quality-job-definition, model-explainability-job-definition]}, rules: {vpc-required: off}}", "", []string{
			"VpcRequired: CreateAutoMLJob CreateAutoMLJobV2 {ForAllValues:StringNotEquals:{aws:TagKeys:env},Null:{VpcSubnets:true}}",
			"VpcRequired2: CreateAutoMLJob CreateAutoMLJobV2 {Null:{VpcSubnets:true},StringNotEquals:{aws:RequestTag/env:prod}}",
			"NoOwnInternet: CreateAutoMLJob CreateAutoMLJobV2 {ForAnyValue:StringEquals:{aws:TagKeys:env},Null:{VpcSubnets:true},StringEquals:{aws:RequestTag/env:prod}}",
		}},
		"a rule that is on for a name, in place of another, and an exception to it": {"rules: {no-own-internet: off, no-bridge: off, well-formed: off}\noverrides:\n- {match: {kinds: [automl-job, cluster], accounts: ['111122223333'], names: [prod]}, rules: {no-own-internet: on}}\n- {match: {kinds: [endpoint-config, model, training-job, processing-job, notebook-instance, domain, job, hyper-parameter-tuning-job, data-quality-job-definition, model-bias-job-definition, model-quality-job-definition, model-explainability-job-definition]}, rules: {vpc-required: off}}\nexceptions:\n" +
			"- {id: A, owner: o, reason: r, expires: 2027-01-01, rules: [no-own-internet], match: {roles: ['arn:aws:iam::111122223333:role/a']}}\n", "", []string{
			// A cluster's name is not in its ARN: where it may have the name, the role may.
			"VpcRequired: CreateCluster {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/a},Null:{VpcSubnets:true},StringEquals:{aws:PrincipalAccount:111122223333}}",
			"VpcRequired2: CreateAutoMLJob CreateAutoMLJobV2 CreateCluster {Null:{VpcSubnets:true},StringNotEquals:{aws:PrincipalAccount:111122223333}}",
			"VpcRequired3: CreateAutoMLJob CreateAutoMLJobV2 on [] not [arn:*:sagemaker:*:*:automl-job/prod arn:*:sagemaker:*:*:reserved-capacity/* arn:*:sagemaker:*:*:training-plan/*] {Null:{VpcSubnets:true}}",
			"NoOwnInternet: CreateAutoMLJob CreateAutoMLJobV2 on [arn:*:sagemaker:*:*:automl-job/prod] not [] {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/a},Null:{VpcSubnets:true},StringEquals:{aws:PrincipalAccount:111122223333}}",
		}},
		"an exception by role and by resource": {off + ", isolation-required: on}\noverrides: [{match: {kinds: [processing-job, hyper-parameter-tuning-job, endpoint-config, monitoring-schedule, data-quality-job-definition, model-bias-job-definition, model-quality-job-definition, model-explainability-job-definition, model]}, rules: {isolation-required: off}}]\nexceptions:\n" +
			"- {id: A, owner: o, reason: r, expires: 2027-01-01, rules: [isolation-required], match: {roles: ['arn:aws:iam::111122223333:role/a']}}\n" +
			"- {id: B, owner: o, reason: r, expires: 2027-01-01, rules: [isolation-required], match: {resources: ['arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7', 'arn:aws:sagemaker:eu-west-1:111122223333:model/m']}}\n" +
			"- {id: C, owner: o, reason: r, expires: 2026-11-01, rules: [isolation-required], match: {roles: ['arn:aws:iam::111122223333:role/expired']}}", "", []string{
			"IsolationRequired: CreateTrainingJob on [] not [arn:*:sagemaker:*:*:reserved-capacity/* arn:*:sagemaker:*:*:training-plan/* arn:aws:sagemaker:eu-west-1:111122223333:training-job/fraud-7] {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/a},BoolIfExists:{NetworkIsolation:false}}",
		}},
		"an exception to no-own-internet is not denied by vpc-required": {"rules: {no-bridge: off, well-formed: off}\noverrides: [{match: {kinds: [endpoint-config, notebook-instance, domain, cluster, job, processing-job, hyper-parameter-tuning-job, training-job, data-quality-job-definition, model-bias-job-definition, model-quality-job-definition, model-explainability-job-definition]}, rules: {vpc-required: off, no-own-internet: off}}]\nexceptions:\n" +
			"- {id: A, owner: o, reason: r, expires: 2027-01-01, rules: [no-own-internet], match: {roles: ['arn:aws:iam::111122223333:role/a']}}", "", []string{
			"VpcRequired: CreateModel {Bool:{NetworkIsolation:true},Null:{VpcSubnets:true}}",
			"NoOwnInternet: CreateModel {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/a},BoolIfExists:{NetworkIsolation:false},Null:{VpcSubnets:true}}",
			"NoOwnInternet2: CreateAutoMLJob CreateAutoMLJobV2 {ArnNotLike:{aws:PrincipalArn:arn:aws:iam::111122223333:role/a},Null:{VpcSubnets:true}}",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Generate(load(t, tt.rules), Options{Account: tt.account, Now: now})
			if diff := cmp.Diff(tt.want, said(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestWhatCannotBeSaid: it is left out, and told.
func TestWhatCannotBeSaid(t *testing.T) {
	s := Generate(load(t, `rules: {vpc-required: off, no-own-internet: off, no-bridge: off, well-formed: off}
overrides:
- {match: {kinds: [cluster], names: ["prod-*"]}, rules: {vpc-required: on}}
- {match: {kinds: [model], tags: {env: prod, team: a}}, rules: {vpc-required: on}}
- {match: {kinds: [space], tags: {env: prod}}, rules: {interactive-access: on}}
- {match: {kinds: [job], tags: {env: "${x}"}}, rules: {vpc-required: on}}
- {match: {kinds: [automl-job], names: [prod]}, rules: {vpc-required: on}}
- {match: {kinds: [notebook-instance], names: ["Prod-*"]}, rules: {vpc-required: on}}
exceptions:
- {id: EX-1, owner: o, reason: r, expires: 2027-01-01, rules: [vpc-required], match: {resources: ["arn:aws:sagemaker:eu-west-1:111122223333:automl-job/prod"]}}
`), Options{Now: now})
	var got []string
	for _, l := range s.Limits {
		got = append(got, fmt.Sprintf("%s %s %s: %s", l.Operation, l.Rule, l.Where, l.Why))
	}
	want := []string{
		"CreateAutoMLJob vpc-required exceptions[0] (EX-1): a statement cannot say all that is left, and says less",
		"CreateAutoMLJobV2 vpc-required exceptions[0] (EX-1): a statement cannot say all that is left, and says less",
		"CreateJob vpc-required overrides[3]: IAM takes ${ in a tag for a variable",
		"CreateModel vpc-required overrides[1]: a statement can hold only one tag to the case of its key",
		"CreateNotebookInstance vpc-required overrides[5]: AWS may write the name in small letters in the ARN that IAM sees",
		"UpdateSpace interactive-access overrides[2]: the tags of a resource that exists are not in the request",
		"CreateCluster vpc-required overrides[0]: the ARN that IAM sees has an id in place of the name",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"InteractiveAccess: CreateSpace {ForAnyValue:StringEquals:{aws:TagKeys:env},StringEquals:{aws:RequestTag/env:prod,RemoteAccess:ENABLED}}"}, said(s)); diff != "" {
		t.Errorf("statements -want +got\n%s", diff)
	}
}

// large is a rules file with lists for some accounts.
func large(accounts, ids int) string {
	var b strings.Builder
	b.WriteString("allow:\n")
	for a := range accounts {
		fmt.Fprintf(&b, "- accounts: ['%012d']\n  subnets:\n", a)
		for i := range ids {
			fmt.Fprintf(&b, "  - subnet-%017d\n", a*1000+i)
		}
		fmt.Fprintf(&b, "  security-groups: [sg-%017d]\n", a)
	}
	return b.String()
}

func TestPolicies(t *testing.T) {
	sid := regexp.MustCompile(`^[A-Za-z0-9]+$`)
	for _, size := range [][2]int{{0, 0}, {1, 1}, {5, 16}, {12, 8}, {1, 160}} {
		text := ""
		if size[0] > 0 {
			text = large(size[0], size[1])
		}
		for _, form := range []Form{SCP, IAM} {
			s := Generate(load(t, text), Options{Now: now})
			documents, err := s.Policies(form)
			if err != nil {
				t.Fatal(err)
			}
			files, err := Files(documents, form, "json", "")
			if err != nil {
				t.Fatal(err)
			}
			n, seen := 0, map[string]bool{}
			for i, d := range documents {
				if got := len(files[i].Text); form == SCP && (got > 5120 || got != form.Size(d)) {
					t.Errorf("%v %s: policy %d has %d characters, and should have %d", size, form, i, got, form.Size(d))
				}
				compact, err := json.Marshal(d)
				if err != nil || form == IAM && len(strings.NewReplacer(" ", "", "\n", "").Replace(string(compact))) > 6144 {
					t.Errorf("%v %s: policy %d has %d characters, %v", size, form, i, len(compact), err)
				}
				var back, want any
				if err := errors.Join(json.Unmarshal([]byte(d.Text()), &back), json.Unmarshal(compact, &want)); err != nil || !cmp.Equal(back, want) {
					t.Errorf("%s: %v", d.Text(), err)
				}
				for _, st := range d.Statement {
					n++
					if !sid.MatchString(st.Sid) || seen[st.Sid] || st.Effect != "Deny" {
						t.Errorf("%v %s: statement %s %s", size, form, st.Sid, st.Effect)
					}
					seen[st.Sid] = true
					if len(st.Condition["Null"]) > 1 {
						t.Errorf("%s asks for several keys with one Null", st.Sid)
					}
				}
			}
			if n != len(s.Statements) {
				t.Errorf("%v %s: %d of %d statements", size, form, n, len(s.Statements))
			}
			if size[0] == 12 && len(documents) < 2 {
				t.Errorf("%v %s: %d policies", size, form, len(documents))
			}
		}
	}
	// Two policies are not one: the first that has room is filled.
	s := Generate(load(t, large(12, 8)), Options{Now: now})
	documents, _ := s.Policies(SCP)
	for i, d := range documents[:len(documents)-1] {
		if SCP.Size(d) < 4000 {
			t.Errorf("policy %d of %d has only %d characters", i, len(documents), SCP.Size(d))
		}
	}
}

func TestBoundary(t *testing.T) {
	documents, err := Generate(rules.Default(), Options{Now: now}).Policies(Boundary)
	if err != nil || len(documents) != 1 || documents[0].Statement[0].text() != `{"Sid":"AllowTheRest","Effect":"Allow","Action":"*","Resource":"*"}` {
		t.Errorf("%v, %v", documents, err)
	}
	s := Generate(load(t, large(12, 8)), Options{Now: now})
	var large *ErrTooLarge
	if d, err := s.Policies(Boundary); !errors.As(err, &large) || d != nil || large.Size <= large.Limit || large.Limit != 6144 || !strings.Contains(err.Error(), "--account") {
		t.Errorf("%v, %v, want that it is too large", d, err)
	}
}

// TestStatementTooLarge: a list cannot be split, for each half denies the other.
func TestStatementTooLarge(t *testing.T) {
	s := Generate(load(t, large(1, 250)), Options{Now: now})
	for _, form := range []Form{SCP, IAM} {
		var large *ErrTooLarge
		if d, err := s.Policies(form); !errors.As(err, &large) || d != nil || !strings.Contains(err.Error(), "statement SubnetAllowed") {
			t.Errorf("%s: %v, %v", form, d, err)
		}
	}
}

// TestStable: the same rules in another order are the same policies.
func TestStable(t *testing.T) {
	one := "allow:\n- {accounts: ['111122223333', '444455556666'], subnets: [subnet-1, subnet-2], kinds: [model, job]}\n- {accounts: ['*'], subnets: [subnet-3]}\n"
	two := "allow:\n- {accounts: ['*'], subnets: [subnet-3]}\n- {accounts: ['444455556666', '111122223333'], subnets: [subnet-2, subnet-1], kinds: [job, model]}\n"
	text := func(rules string) (out string) {
		documents, err := Generate(load(t, rules), Options{Now: now}).Policies(SCP)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			out += d.Text()
		}
		return out
	}
	for range 20 {
		if diff := cmp.Diff(text(one), text(two)); diff != "" {
			t.Fatalf("-one +other\n%s", diff)
		}
	}
}
