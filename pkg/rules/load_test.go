package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

var testKinds = []string{"domain", "endpoint", "notebook-instance", "processing-job", "training-job"}

const everythingYAML = `version: 1
rules:
  no-bridge: off
  central-egress: true
  interactive-access: [remote-access, ssm-access]
allow:
  - accounts: ["111122223333"]
    regions: [eu-west-1]
    kinds: [training-job]
    vpc: vpc-0a1b2c3d
    subnets: [subnet-0a1b2c3d4e5f60718]
    security-groups: [sg-0a1b2c3d4e5f60718]
  - {accounts: ["*"], subnets: [subnet-shared]}
overrides:
  - match: {kinds: [training-job], accounts: ["111122223333"], regions: [us-gov-west-1], roles: [arn:aws:iam::111122223333:role/a/x], tags: {env: prod, app/kind: ""}, names: ["prod-*"]}
    rules: {isolation-required: on, interactive-access: True}
    allow: {subnets: [subnet-shared], security-groups: [sg-0a1b2c3d4e5f60718]}
  - match: {accounts: ['012345678901']}
    rules: {vpc-required: false, interactive-access: off}
exceptions:
  - id: EX-2026-001
    owner: ml-platform@example.com
    reason: >
      The vendor's image
      fetches its licence.
    expires: 2027-03-31
    rules: [no-own-internet, vpc-required]
    match: {accounts: ["111122223333"], regions: [eu-west-1], kinds: [domain], roles: ["arn:aws-cn:iam::111122223333:role/x"], resources: [arn:aws:sagemaker:eu-west-1:111122223333:domain/d-x]}
  - id: EX-2026-002
    owner: somebody
    reason: old
    expires: "2020-01-01T12:00:00+02:00"
    rules: [no-bridge]
    match: {resources: ["arn:aws:sagemaker:eu-west-1:111122223333:domain/d-y"]}
response:
  mode: stop
  modes:
    - {match: {kinds: [domain, training-job], accounts: ["111122223333"], regions: [eu-west-1], roles: ["arn:aws:iam::111122223333:role/a/x"]}, mode: observe}
    - match: {kinds: [training-job]}
      mode: stop
  stop: {severity: medium, grace: 1h30m, budget: {stops: 1000, within: 1m, share: 100}}
  routes:
    - match:
        kinds: [domain]
        accounts: ["111122223333"]
        regions: [eu-west-1]
        roles: ["arn:aws:iam::111122223333:role/a/x"]
        tags: {team: fraud, app/kind: ""}
        names: ["fraud-*"]
        pipelines: [fraud-daily, "fraud-?"]
      team: Fraud.ML_1
      topic: arn:aws-us-gov:sns:us-gov-west-1:111122223333:Fraud_ML-1
    - {match: {names: ["*"]}, team: ml}
  digest: never
`

// switchedOn is all the rules, with those given on and the rest off.
func switchedOn(on ...ID) Settings {
	s := Settings{}
	for _, id := range IDs() {
		s[id] = Setting{On: slices.Contains(on, id)}
	}
	return s
}

func TestLoad(t *testing.T) {
	got, err := Load("rules.yaml", []byte(everythingYAML), testKinds)
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Rules: switchedOn(VPCRequired, NoOwnInternet, WellFormed, Assessable, SubnetAllowed, SecurityGroupAllowed, CentralEgress),
		Allow: []Allow{
			{
				Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"}, Kinds: []string{"training-job"}, VPC: "vpc-0a1b2c3d",
				Subnets: []string{"subnet-0a1b2c3d4e5f60718"}, SecurityGroups: []string{"sg-0a1b2c3d4e5f60718"},
			},
			{Accounts: []string{"*"}, Subnets: []string{"subnet-shared"}},
		},
		Overrides: []Override{
			{
				Match: Match{
					Kinds: []string{"training-job"}, Accounts: []string{"111122223333"}, Regions: []string{"us-gov-west-1"},
					Roles: []string{"arn:aws:iam::111122223333:role/a/x"},
					Tags:  map[string]string{"env": "prod", "app/kind": ""}, Names: []string{"prod-*"},
				},
				Rules: Settings{IsolationRequired: {On: true}, InteractiveAccess: {On: true}},
				Allow: &Narrow{Subnets: []string{"subnet-shared"}, SecurityGroups: []string{"sg-0a1b2c3d4e5f60718"}},
				Line:  15,
			},
			{Match: Match{Accounts: []string{"012345678901"}}, Rules: Settings{VPCRequired: {}, InteractiveAccess: {}}, Line: 18},
		},
		Exceptions: []Exception{
			{
				ID: "EX-2026-001", Owner: "ml-platform@example.com", Reason: "The vendor's image fetches its licence.",
				Expires: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), Rules: []ID{NoOwnInternet, VPCRequired}, Line: 21,
				Match: Match{
					Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"}, Kinds: []string{"domain"},
					Roles:     []string{"arn:aws-cn:iam::111122223333:role/x"},
					Resources: []string{"arn:aws:sagemaker:eu-west-1:111122223333:domain/d-x"},
				},
			},
			{
				ID: "EX-2026-002", Owner: "somebody", Reason: "old",
				Expires: time.Date(2020, 1, 1, 10, 0, 0, 0, time.UTC), Rules: []ID{NoBridge}, Line: 29,
				Match: Match{Resources: []string{"arn:aws:sagemaker:eu-west-1:111122223333:domain/d-y"}},
			},
		},
		Response: Response{
			Mode: Stop,
			Modes: []ModeOverride{
				{
					Match: Match{
						Kinds: []string{"domain", "training-job"}, Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"},
						Roles: []string{"arn:aws:iam::111122223333:role/a/x"},
					},
					Mode: Observe, Line: 38,
				},
				{Match: Match{Kinds: []string{"training-job"}}, Mode: Stop, Line: 39},
			},
			Stop: Rails{Severity: Medium, Grace: 90 * time.Minute, Budget: Budget{Stops: 1000, Within: time.Minute, Share: 100}},
			Routes: []Route{
				{
					Match: Match{
						Kinds: []string{"domain"}, Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"},
						Roles: []string{"arn:aws:iam::111122223333:role/a/x"},
						Tags:  map[string]string{"team": "fraud", "app/kind": ""}, Names: []string{"fraud-*"},
					},
					Pipelines: []string{"fraud-daily", "fraud-?"},
					Team:      "Fraud.ML_1", Topic: "arn:aws-us-gov:sns:us-gov-west-1:111122223333:Fraud_ML-1",
				},
				{Match: Match{Names: []string{"*"}}, Team: "ml"},
			},
		},
	}
	want.Rules[InteractiveAccess] = Setting{On: true, Ways: []posture.Way{posture.RemoteAccess, posture.SSMAccess}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLoadDefaults(t *testing.T) {
	five := byDefault()
	tests := []struct {
		name, yaml string
		want       Settings
	}{
		{"nothing", "version: 1", switchedOn(five...)},
		{"byte order mark and CRLF", "\ufeff---\r\nversion: 1\r\nallow: []\r\n...\r\n", switchedOn(five...)},
		{"subnets", "version: 1\nallow: [{accounts: ['*'], subnets: [subnet-1]}]", switchedOn(append(five, SubnetAllowed)...)},
		{"groups", "version: 1\nallow: [{accounts: ['*'], security-groups: [sg-1]}]", switchedOn(append(five, SecurityGroupAllowed)...)},
		{"off stays off", "version: 1\nrules: {subnet-allowed: off}\nallow: [{accounts: ['*'], subnets: [subnet-1]}]", switchedOn(five...)},
		{"rules before allow", "rules: {subnet-allowed: on}\nallow: [{accounts: ['*'], subnets: [subnet-1]}]\nversion: 1", switchedOn(append(five, SubnetAllowed)...)},
		{"a default switched off", "version: 1\nrules: {vpc-required: off}", switchedOn(five[1:]...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Load("rules.yaml", []byte(tt.yaml), nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, f.Rules); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(Default().Response, f.Response); d != "" {
				t.Error(d)
			}
		})
	}
	f, err := Load("rules.yaml", []byte("version: 1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, s := range Default().Rules {
		if f.Rules[id].On != s.On {
			t.Errorf("%s: Load and Default differ", id)
		}
	}
}

// What the schema says of a file that the loader refuses.
const (
	schemaRefuses = iota
	schemaAccepts // it looks at one value at a time
	schemaNever   // the file is not YAML, or YAML that a validator is not shown
)

// Pieces of files that are valid but for what a test is about.
const (
	overrideYAML  = "version: 1\noverrides:\n  - "
	modeYAML      = "version: 1\nresponse:\n  modes:\n    - "
	railsYAML     = "version: 1\nresponse:\n  stop: "
	routeYAML     = "version: 1\nresponse:\n  routes:\n    - "
	exceptionYAML = "version: 1\nexceptions:\n  - id: a\n    owner: b\n    reason: c\n    expires: 2027-03-31\n    rules: [no-bridge]\n    match: {accounts: ['111122223333']}\n"
)

// withChange replaces the one thing that a test is about.
func withChange(s, old, by string) string {
	if !strings.Contains(s, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(s, old, by, 1)
}

var refusals = []struct {
	name, yaml string
	want       []string // line:column key: part of the problem, for each error
	remedy     string   // part of the first error's remedy
	schema     int
}{
	// The file as a whole.
	{"empty", "", []string{"1:1 : the file is empty"}, "version: 1", schemaNever},
	{"comments only", "# nothing\n", []string{"1:1 : the file is empty"}, "version: 1", schemaNever},
	{"header only", "---\n", []string{"1:1 : the file is empty"}, "version: 1", schemaNever},
	{"no mapping", "- a\n", []string{"1:1 : found a list where a mapping belongs"}, "allow, exceptions, overrides", schemaRefuses},
	{"empty mapping", "{}", []string{"1:1 : the mapping is empty"}, "version", schemaRefuses},
	{"not YAML", "version: 1\nrules: [a\n", []string{"2:8 : sequence end token"}, "quotes", schemaNever},
	{"a bracket too many", "version: 1\nrules: {vpc-required: on}}\n", []string{"2:26 : "}, "quotes", schemaNever},
	{"a tab", "version: 1\nrules:\n\tvpc-required: on\n", []string{"3:1 : found character '\t'"}, "quotes", schemaNever},
	{"two documents", "version: 1\n---\nversion: 1\n", []string{"2:1 : several YAML documents"}, "one document", schemaNever},
	{"a second document without a header", "version: 1\n...\nversion: 1\n", []string{"1:1 : several YAML documents"}, "one document", schemaNever},
	{"too large", "version: 1\n" + strings.Repeat("# comment\n", 110_000), []string{"1:1 : the file has 1100011 bytes, more than 1048576"}, "remove", schemaNever},
	{"not UTF-8", "version: 1\n# \xe9t\xe9\n", []string{"2:3 : a byte that is not text"}, "UTF-8", schemaNever},
	{"UTF-16", "v\x00e\x00", []string{"1:2 : a byte that is not text"}, "UTF-8", schemaNever},
	{"control character", "version: 1 # \x1b[2J\n", []string{"1:14 : a byte that is not text"}, "control", schemaNever},
	{"long line", "version: 1\n# " + strings.Repeat("x", 2047), []string{"2:1 : the line has 2049 bytes, more than 2048"}, "break", schemaNever},
	{"blank lines", "version: 1\n" + strings.Repeat(" \n", 51) + "#", []string{"52:1 : more than 50 blank lines"}, "remove", schemaNever},
	{"many values", "version: 1\nallow:\n" + strings.Repeat("- a\n", 25_000), []string{"25000:3 : more than 50000 values"}, "remove", schemaNever},
	{"long key", "version: 1\n" + strings.Repeat("k", 257) + ": x\n", []string{"2:1 : the key has more than 256 bytes"}, "key", schemaNever},
	{"nested lists", "version: 1\nrules: " + strings.Repeat("[", 21) + strings.Repeat("]", 21), []string{"2:28 : more than 20 levels"}, "nested", schemaNever},
	{
		"nested blocks", "version: 1\n" + strings.Repeat("- ", 30) + "a\n",
		[]string{"2:1 : "},
		"quotes", schemaNever,
	},
	{
		"nested entries", strings.Repeat("- ", 30) + "a\n",
		[]string{"1:1 : found a list", "1:43 [0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: more than 20 levels"},
		"mapping", schemaNever,
	},

	// YAML that is not read.
	{
		"anchor and alias", "version: 1\nrules: &r {vpc-required: on}\nallow: *r\n",
		[]string{"2:8 rules: anchors are not read: with them a small file", "3:8 allow: aliases are not read"},
		"remove the anchor", schemaNever,
	},
	{
		"what an anchor names is checked", "version: &v 2\n",
		[]string{"1:10 version: anchors", "1:13 version: the number 2 is not a version"},
		"remove", schemaNever,
	},
	{"merge key", "version: 1\nrules:\n  <<: {vpc-required: on}\n", []string{"3:3 rules: merge keys"}, "write the keys out", schemaNever},
	{"tag", "version: !!int 1\n", []string{"1:10 version: tags"}, "remove the tag", schemaNever},
	{"pattern taken for an alias", overrideYAML + "match: {names: [*-prod]}\n    rules: {no-bridge: on}\n", []string{"3:21 overrides[0].match.names[0]: aliases"}, "needs quotes", schemaNever},
	{"alias as version", "version: *x\n", []string{"1:10 version: aliases"}, "write the value out", schemaNever},
	{"aliases everywhere", "version: 1\nrules: *x\nallow: *x\noverrides: [{match: {tags: *x}, rules: {no-bridge: *x}}]\nexceptions: [*x]\n", []string{
		"2:8 rules: aliases", "3:8 allow: aliases", "4:28 overrides[0].match.tags: aliases",
		"4:52 overrides[0].rules.no-bridge: aliases", "5:14 exceptions[0]: aliases",
	}, "write the value out", schemaNever},
	{"directive", "%YAML 1.2\n---\nversion: 1\n", []string{"2:1 : several YAML documents"}, "one document", schemaNever},
	{"complex key", "version: 1\n? rules\n: {vpc-required: on}\n", []string{"2:1 : this form of YAML"}, "key: value", schemaNever},
	{"number as key", "version: 1\n1: a\n", []string{"2:1 1: the number 1 is not a key"}, "quotes", schemaNever},
	{"duplicate key", "version: 1\nrules: {no-bridge: on}\nrules: {no-bridge: off}\n", []string{"3:1 rules: the key was given on line 2 already"}, "keep one", schemaNever},

	// The top.
	{"no version", "rules: {no-bridge: on}\n", []string{"1:1 version: the key is missing"}, "version: 1", schemaRefuses},
	{"later version", "version: 2\n", []string{"1:10 version: the number 2 is not a version"}, "version: 1", schemaRefuses},
	{"quoted version", "version: \"1\"\n", []string{`1:10 version: "1" is not a version`}, "version: 1", schemaRefuses},
	{"no value of version", "version:\n", []string{"1:10 version: nothing is not a version"}, "version: 1", schemaRefuses},
	{"unknown key", "version: 1\nexeptions: []\n", []string{`2:1 exeptions: "exeptions" is not a key of this mapping`}, `did you mean "exceptions"?`, schemaRefuses},
	{"very unknown key", "version: 1\nsubnets: []\n", []string{`2:1 subnets: "subnets" is not`}, "use one of allow, exceptions, overrides, response, rules, version", schemaRefuses},
	{"unquotable key", "version: 1\n\"a b\": []\n", []string{`2:1 ["a b"]: "a b" is not`}, "use one of", schemaRefuses},
	{"list expected", "version: 1\nallow: {}\n", []string{"2:8 allow: found a mapping where a list belongs"}, "[a, b]", schemaRefuses},
	{"mapping expected", "version: 1\nresponse: stop\n", []string{`2:11 response: found "stop" where a mapping belongs`}, "mode", schemaRefuses},
	{"value missing", "version: 1\nrules:\nallow: []\n", []string{"2:7 rules: found nothing where a mapping belongs"}, "write a mapping", schemaRefuses},
	{"unknown mode", "version: 1\nresponse: {mode: stopp}\n", []string{`2:18 response.mode: "stopp" is not a mode`}, `did you mean "stop"?`, schemaRefuses},
	{"mode of a wrong type", "version: 1\nresponse: {mode: true}\n", []string{"2:18 response.mode: found the truth value true where a text"}, `"true"`, schemaRefuses},
	{"how often of a wrong type", "version: 1\nresponse: {digest: false}\n", []string{"2:20 response.digest: found the truth value false where a text"}, `"false"`, schemaRefuses},
	{"empty response", "version: 1\nresponse: {}\n", []string{"2:11 response: the mapping is empty"}, "mode", schemaRefuses},

	// Rules.
	{"unknown rule", "version: 1\nrules:\n  isolation-requird: on\n", []string{`3:3 rules.isolation-requird: "isolation-requird" is not`}, `did you mean "isolation-required"?`, schemaRefuses},
	{"no rules", "version: 1\nrules: {}\n", []string{"2:8 rules: the mapping is empty"}, "remove it", schemaRefuses},
	{"yes", "version: 1\nrules: {no-bridge: yes}\n", []string{`2:20 rules.no-bridge: found "yes" where a switch`}, "write on or off", schemaRefuses},
	{"a quoted truth value", "version: 1\nrules: {no-bridge: 'true'}\n", []string{`2:20 rules.no-bridge: found "true" where a switch`}, "write on or off", schemaRefuses},
	{"a list for a rule without", "version: 1\nrules: {no-bridge: [on]}\n", []string{"2:20 rules.no-bridge: found a list where a switch"}, "write on or off", schemaRefuses},
	{"unknown way", "version: 1\nrules: {interactive-access: [ssm]}\n", []string{`2:30 rules.interactive-access[0]: "ssm" is not a way in`}, "ssm-access", schemaRefuses},
	{"no ways", "version: 1\nrules: {interactive-access: []}\n", []string{"2:29 rules.interactive-access: the list is empty"}, "name something", schemaRefuses},
	{"way without a list", "version: 1\nrules: {interactive-access: ssm-access}\n", []string{`2:29 rules.interactive-access: found "ssm-access" where a switch`}, "a list of remote-access", schemaRefuses},
	{"assessable off", "version: 1\nrules: {assessable: off}\n", []string{"2:21 rules.assessable: this rule cannot be switched off, for what is not known is never a pass"}, "remove", schemaRefuses},
	{"assessable false", "version: 1\nrules: {assessable: false}\n", []string{"2:21 rules.assessable: this rule cannot"}, "remove", schemaRefuses},
	{"subnet-allowed without a list", "version: 1\nrules: {subnet-allowed: on}\nallow: [{accounts: ['*'], security-groups: [sg-1]}]\n", []string{"2:25 rules.subnet-allowed: the rule is on, but no allow-list"}, "list some in allow", schemaAccepts},
	{"security-group-allowed without a list", "version: 1\nrules: {security-group-allowed: true}\n", []string{"2:33 rules.security-group-allowed: the rule is on"}, "list some in allow", schemaAccepts},

	// Allow-lists.
	{"no accounts", "version: 1\nallow:\n  - subnets: [subnet-1]\n", []string{"3:5 allow[0].accounts: the key is missing"}, `accounts: ["111122223333"]`, schemaRefuses},
	{"allows nothing", "version: 1\nallow:\n  - accounts: ['*']\n    vpc: vpc-1\n", []string{"3:5 allow[0]: the entry allows nothing"}, "subnets or security-groups", schemaRefuses},
	{"no entry", "version: 1\nallow:\n  - \n", []string{"3:5 allow[0]: found nothing where a mapping belongs"}, "accounts", schemaRefuses},
	{"unquoted account", "version: 1\nallow:\n  - {accounts: [111122223333, 012345678901], subnets: [subnet-1]}\n", []string{
		"3:17 allow[0].accounts[0]: 111122223333 without quotes is a number", "3:31 allow[0].accounts[1]: 012345678901 without quotes",
	}, `quote it: "111122223333"`, schemaRefuses},
	{"unquoted account that begins with 0", "version: 1\nallow:\n  - {accounts: [012345678901], subnets: [subnet-1]}\n", []string{"3:17 allow[0].accounts[0]: 012345678901 without quotes"}, `quote it: "012345678901"`, schemaAccepts},
	{"account as a fraction", "version: 1\nallow:\n  - {accounts: [1.5], subnets: [subnet-1]}\n", []string{"3:17 allow[0].accounts[0]: found the number 1.5"}, `"1.5"`, schemaRefuses},
	{"short account", "version: 1\nallow:\n  - {accounts: [\"11112222333\"], subnets: [subnet-1]}\n", []string{`3:17 allow[0].accounts[0]: "11112222333" is not an account id`}, "12 digits", schemaRefuses},
	{"every account and one", "version: 1\nallow:\n  - {accounts: [\"*\", \"111122223333\"], subnets: [subnet-1]}\n", []string{`3:17 allow[0].accounts[0]: "*" is not an account id`}, "12 digits", schemaRefuses},
	{"accounts without a list", "version: 1\nallow:\n  - {accounts: \"111122223333\", subnets: [subnet-1]}\n", []string{`3:16 allow[0].accounts: found "111122223333" where a list`}, "[a, b]", schemaRefuses},
	{"unknown kind", "version: 1\nallow:\n  - {accounts: ['*'], kinds: [traning-job], subnets: [subnet-1]}\n", []string{`3:31 allow[0].kinds[0]: "traning-job" is not a kind`}, `did you mean "training-job"?`, schemaAccepts},
	{"malformed kind", "version: 1\nallow:\n  - {accounts: ['*'], kinds: [TrainingJob], subnets: [subnet-1]}\n", []string{`3:31 allow[0].kinds[0]: "TrainingJob" is not a kind`}, "use one of domain, endpoint, notebook-instance, processing-job, training-job", schemaRefuses},
	{"region", "version: 1\nallow:\n  - {accounts: ['*'], regions: [Ireland], subnets: [subnet-1]}\n", []string{`3:33 allow[0].regions[0]: "Ireland" is not a Region`}, "eu-west-1", schemaRefuses},
	{"ids in the wrong place", "version: 1\nallow:\n  - accounts: ['*']\n    vpc: subnet-1\n    subnets: [sg-1]\n    security-groups:\n      - vpc-1\n      - sg-*\n", []string{
		`4:10 allow[0].vpc: "subnet-1" is not a VPC id`, `5:15 allow[0].subnets[0]: "sg-1" is not a subnet id`,
		`7:9 allow[0].security-groups[0]: "vpc-1" is not a security group id`, `8:9 allow[0].security-groups[1]: "sg-*" is not`,
	}, "vpc-0a1b2c3d", schemaRefuses},
	{"text expected", "version: 1\nallow:\n  - {accounts: ['*'], vpc: [vpc-1], subnets: [{a: b}]}\n", []string{
		"3:28 allow[0].vpc: found a list where a text", "3:47 allow[0].subnets[0]: found a mapping where a text",
	}, "one text", schemaRefuses},

	// Overrides.
	{"no match", overrideYAML + "rules: {no-bridge: off}\n", []string{"3:5 overrides[0].match: the key is missing"}, "match:", schemaRefuses},
	{"empty match", overrideYAML + "match: {}\n    rules: {no-bridge: off}\n", []string{"3:12 overrides[0].match: the mapping is empty"}, "one of accounts, kinds, names, regions, roles, tags", schemaRefuses},
	{"empty list", overrideYAML + "match: {kinds: []}\n    rules: {no-bridge: off}\n", []string{"3:20 overrides[0].match.kinds: the list is empty"}, "remove the key", schemaRefuses},
	{"changes nothing", overrideYAML + "match: {kinds: [domain]}\n", []string{"3:5 overrides[0]: the override changes nothing"}, "rules or allow", schemaRefuses},
	{"no override", "version: 1\noverrides: [on]\n", []string{`2:13 overrides[0]: found "on" where a mapping`}, "allow, match, rules", schemaRefuses},
	{"loosening by tags", overrideYAML + "match: {tags: {env: dev}, accounts: ['111122223333']}\n    rules: {vpc-required: off}\n", []string{"4:27 overrides[0].rules.vpc-required: an override that matches by tags or names can only switch rules on, for whoever creates"}, "match by kinds, accounts", schemaRefuses},
	{"loosening by names", overrideYAML + "match: {names: [\"dev-*\"]}\n    rules: {no-bridge: on, vpc-required: false}\n", []string{"4:42 overrides[0].rules.vpc-required: an override that matches"}, "write on", schemaRefuses},
	{"loosening by a list of ways", overrideYAML + "rules: {interactive-access: [ssm-access]}\n    match: {names: [dev]}\n", []string{"3:33 overrides[0].rules.interactive-access: an override that matches"}, "write on", schemaRefuses},
	{"assessable off in an override", overrideYAML + "match: {kinds: [domain]}\n    rules: {assessable: off}\n", []string{"4:25 overrides[0].rules.assessable: this rule cannot"}, "remove", schemaRefuses},
	{"subnet-allowed in an override without a list", overrideYAML + "match: {kinds: [domain]}\n    rules: {subnet-allowed: on}\n", []string{"4:29 overrides[0].rules.subnet-allowed: the rule is on, but"}, "allow", schemaAccepts},
	{"resources in an override", overrideYAML + "match: {resources: ['arn:aws:sagemaker:eu-west-1:111122223333:domain/d'], kinds: [domain]}\n    rules: {no-bridge: on}\n", []string{"3:13 overrides[0].match.resources: only an exception can name single resources"}, "exception", schemaRefuses},
	{"roles", overrideYAML + "match:\n      roles:\n        - arn:aws:iam::111122223333:role/*\n        - arn:aws:iam::111122223333:user/x\n        - arn:aws:sts::111122223333:assumed-role/x/y\n        - role/x\n    rules: {no-bridge: on}\n", []string{
		"5:11 overrides[0].match.roles[0]: \"arn:aws:iam::111122223333:role/*\" is not the ARN of a role", "6:11 overrides[0].match.roles[1]: ",
		"7:11 overrides[0].match.roles[2]: ", "8:11 overrides[0].match.roles[3]: ",
	}, "wildcards are not accepted", schemaRefuses},
	{"names", overrideYAML + "match: {names: ['prod-[ab]', 'a b', '']}\n    rules: {no-bridge: on}\n", []string{
		`3:21 overrides[0].match.names[0]: "prod-[ab]" is not a name pattern`, `3:34 overrides[0].match.names[1]: `, `3:41 overrides[0].match.names[2]: the text is blank`,
	}, "* and ?", schemaRefuses},
	{"tags", overrideYAML + "match: {tags: {env: 1, a.b: [c]}}\n    rules: {no-bridge: on}\n", []string{
		"3:25 overrides[0].match.tags.env: found the number 1", `3:33 overrides[0].match.tags["a.b"]: found a list`,
	}, `"1"`, schemaRefuses},
	{"no tags", overrideYAML + "match: {tags: {}}\n    rules: {no-bridge: on}\n", []string{"3:19 overrides[0].match.tags: found no tags"}, "{key: value}", schemaRefuses},
	{"tags as a list", overrideYAML + "match: {tags: [env]}\n    rules: {no-bridge: on}\n", []string{"3:19 overrides[0].match.tags: found no tags"}, "{key: value}", schemaRefuses},
	{"control character in a tag", overrideYAML + "match: {tags: {\"a\\x1b\": b}}\n    rules: {no-bridge: on}\n", []string{`3:20 overrides[0].match.tags["a\x1b"]: found control characters in "a\x1b"`}, "one line", schemaAccepts},
	{"narrowing what is not allowed", overrideYAML + "match: {kinds: [domain]}\n    allow: {subnets: [subnet-1, subnet-2], security-groups: [sg-1]}\nallow: [{accounts: ['*'], subnets: [subnet-1]}]\n", []string{
		`4:33 overrides[0].allow.subnets[1]: "subnet-2" is in no allow-list`, `4:62 overrides[0].allow.security-groups[0]: "sg-1" is in no allow-list`,
	}, "the file's allow", schemaAccepts},
	{"narrowing to nothing", overrideYAML + "match: {kinds: [domain]}\n    allow: {}\n", []string{"4:12 overrides[0].allow: the mapping is empty"}, "security-groups, subnets", schemaRefuses},

	// Exceptions.
	{"nothing given", "version: 1\nexceptions:\n  - id: a\n", []string{
		"3:5 exceptions[0].owner: the key is missing", "3:5 exceptions[0].reason: the key is missing", "3:5 exceptions[0].expires: the key is missing",
		"3:5 exceptions[0].rules: the key is missing", "3:5 exceptions[0].match: the key is missing",
	}, "add it, for example owner: ml-platform@example.com", schemaRefuses},
	{"no id", withChange(exceptionYAML, "id: a\n    ", ""), []string{"3:5 exceptions[0].id: the key is missing"}, "EX-2026-001", schemaRefuses},
	{"the id twice", exceptionYAML + withChange(withChange(exceptionYAML, "version: 1\nexceptions:\n", ""), "owner: b", "owner: d"), []string{`9:9 exceptions[1].id: the id "a" was given on line 3 already`}, "its own id", schemaAccepts},
	{"blank texts", withChange(withChange(exceptionYAML, "owner: b", "owner: ' '"), "reason: c", "reason: \"\""), []string{"4:12 exceptions[0].owner: the text is blank", "5:13 exceptions[0].reason: the text is blank"}, "write something", schemaRefuses},
	{"control characters", withChange(exceptionYAML, "id: a", `id: "a\nb"`), []string{`3:9 exceptions[0].id: found control characters in "a\nb"`}, "one line", schemaRefuses},
	{"no date", withChange(exceptionYAML, "2027-03-31", "next year"), []string{`6:14 exceptions[0].expires: "next year" is not a date`}, "2027-03-31", schemaRefuses},
	{"no such day", withChange(exceptionYAML, "2027-03-31", "2027-02-30"), []string{`6:14 exceptions[0].expires: "2027-02-30" is not a date`}, "2027-03-31", schemaAccepts},
	{"a year", withChange(exceptionYAML, "2027-03-31", "2027"), []string{`6:14 exceptions[0].expires: found the number 2027`}, `"2027"`, schemaRefuses},
	{"no rule", withChange(exceptionYAML, "[no-bridge]", "[]"), []string{"7:12 exceptions[0].rules: the list is empty"}, "name something", schemaRefuses},
	{"unknown rule in an exception", withChange(exceptionYAML, "[no-bridge]", "[no-brigde]"), []string{`7:13 exceptions[0].rules[0]: "no-brigde" is not a rule`}, `did you mean "no-bridge"?`, schemaRefuses},
	{"assessable in an exception", withChange(exceptionYAML, "[no-bridge]", "[no-bridge, assessable]"), []string{"7:24 exceptions[0].rules[1]: assessable has no exceptions, for what is not known"}, "remove", schemaRefuses},
	{"match by kinds only", withChange(exceptionYAML, "accounts: ['111122223333']", "kinds: [domain]"), []string{"8:12 exceptions[0].match: the exception would hold in every account"}, "add accounts, roles or resources", schemaRefuses},
	{"match by tags", withChange(exceptionYAML, "accounts:", "tags: {env: dev}, accounts:"), []string{"8:13 exceptions[0].match.tags: an exception cannot match by tags or names, for whoever creates"}, "match by accounts", schemaRefuses},
	{"match by names only", withChange(exceptionYAML, "accounts: ['111122223333']", "names: [dev]"), []string{"8:13 exceptions[0].match.names: an exception cannot match"}, "match by accounts, roles or resources", schemaRefuses},
	{"resources", withChange(exceptionYAML, "accounts: ['111122223333']", "resources: [arn:aws:sagemaker:eu-west-1:111122223333:domain/*, 'arn:aws:s3:::bucket', \"fraud: 7\"]"), []string{
		`8:25 exceptions[0].match.resources[0]: "arn:aws:sagemaker:eu-west-1:111122223333:domain/*" is not the ARN of a SageMaker resource`,
		"8:76 exceptions[0].match.resources[1]: ", "8:99 exceptions[0].match.resources[2]: ",
	}, "wildcards are not accepted", schemaNever},
	{"mappings in place of texts", withChange(exceptionYAML, "accounts: ['111122223333']", "resources: [a: b, a: [b], 'a': b, {a: b}]"), []string{
		"8:25 exceptions[0].match.resources[0]: found a mapping", "8:31 exceptions[0].match.resources[1]: found a mapping",
		"8:39 exceptions[0].match.resources[2]: found a mapping", "8:47 exceptions[0].match.resources[3]: found a mapping",
	}, "one text", schemaRefuses},

	// The response.
	{"unknown key of the response", "version: 1\nresponse: {modus: stop}\n", []string{`2:12 response.modus: "modus" is not a key`}, `did you mean "modes"?`, schemaRefuses},
	{"how often", "version: 1\nresponse: {digest: weekly}\n", []string{`2:20 response.digest: "weekly" is not how often a digest is sent`}, "use one of daily, never", schemaRefuses},
	{"modes as a mapping", "version: 1\nresponse: {modes: {}}\n", []string{"2:19 response.modes: found a mapping where a list"}, "[a, b]", schemaRefuses},
	{"a mode for nothing", modeYAML + "mode: stop\n", []string{"4:7 response.modes[0].match: the key is missing"}, "match: {accounts", schemaRefuses},
	{"no mode", modeYAML + "match: {kinds: [domain]}\n", []string{"4:7 response.modes[0].mode: the key is missing"}, "mode: observe", schemaRefuses},
	{"an entry that is a text", modeYAML + "stop\n", []string{`4:7 response.modes[0]: found "stop" where a mapping`}, "match, mode", schemaRefuses},
	{"a wrong mode", modeYAML + "{match: {kinds: [domain]}, mode: watch}\n", []string{`4:40 response.modes[0].mode: "watch" is not a mode`}, "observe, notify, stop", schemaRefuses},
	{"a mode by tags", modeYAML + "{match: {tags: {env: dev}, kinds: [domain]}, mode: observe}\n", []string{"4:16 response.modes[0].match.tags: a mode cannot depend on tags or names, for whoever creates"}, "match by kinds, accounts, regions or roles", schemaRefuses},
	{"a mode by names", modeYAML + "{match: {names: [a]}, mode: stop}\n", []string{"4:16 response.modes[0].match.names: a mode cannot depend"}, "match by kinds", schemaRefuses},
	{"a mode by resources", modeYAML + "{match: {resources: [a]}, mode: stop}\n", []string{`4:16 response.modes[0].match.resources: "resources" is not a key`}, "use one of accounts, kinds, regions, roles", schemaRefuses},
	{"a mode by an account without quotes", modeYAML + "{match: {accounts: [111122223333]}, mode: stop}\n", []string{"4:27 response.modes[0].match.accounts[0]: 111122223333 without quotes"}, "quote it", schemaRefuses},
	{"a mode for nobody's anything", modeYAML + "{match: {}, mode: stop}\n", []string{"4:15 response.modes[0].match: the mapping is empty"}, "accounts, kinds, regions, roles", schemaRefuses},
	{"stopping what cannot be stopped", modeYAML + "{match: {kinds: [domain]}, mode: stop}\n", []string{`4:24 response.modes[0].match.kinds[0]: "domain" cannot be stopped: AWS has no call for it but deletion`}, "mode: notify", schemaAccepts},
	{"stopping some that cannot be", modeYAML + "{mode: stop, match: {kinds: [training-job, endpoint, no-kind]}}\n", []string{
		`4:50 response.modes[0].match.kinds[1]: "endpoint" cannot be stopped`, `4:60 response.modes[0].match.kinds[2]: "no-kind" is not a kind`,
	}, "mode: notify", schemaAccepts},
	{"rails as a text", railsYAML + "now\n", []string{`3:9 response.stop: found "now" where a mapping`}, "budget, grace, severity", schemaRefuses},
	{"no rails", railsYAML + "{}\n", []string{"3:9 response.stop: the mapping is empty"}, "budget, grace, severity", schemaRefuses},
	{"a severity of nothing that fails", railsYAML + "{severity: informational}\n", []string{`3:20 response.stop.severity: "informational" is not a severity of what fails`}, "use one of critical, high, medium, low", schemaRefuses},
	{"a severity in capitals", railsYAML + "{severity: HIGH}\n", []string{`3:20 response.stop.severity: "HIGH" is not`}, "high", schemaRefuses},
	{"grace without a unit", railsYAML + "{grace: 10}\n", []string{"3:17 response.stop.grace: the number 10 has no unit"}, "90s, 10m or 1h30m", schemaRefuses},
	{"grace in words", railsYAML + "{grace: 10 minutes}\n", []string{`3:17 response.stop.grace: "10 minutes" is not a duration`}, "90s, 10m or 1h30m", schemaRefuses},
	{"grace in days", railsYAML + "{grace: 1d}\n", []string{`3:17 response.stop.grace: "1d" is not a duration`}, "90s, 10m or 1h30m", schemaRefuses},
	{"no grace", railsYAML + "{grace: }\n", []string{"3:16 response.stop.grace: found nothing"}, "write one text", schemaRefuses},
	{"grace before the announcement", railsYAML + "{grace: -1m}\n", []string{`3:17 response.stop.grace: "-1m" is not a duration`}, "90s, 10m or 1h30m", schemaRefuses},
	{"too much grace", railsYAML + "{grace: 24h1s}\n", []string{`3:17 response.stop.grace: "24h1s" is not accepted`}, "24h or less", schemaAccepts},
	{"grace beyond numbers", railsYAML + "{grace: 99999999999999999999h}\n", []string{`3:17 response.stop.grace: "99999999999999999999h" is not accepted`}, "24h or less", schemaAccepts},
	{"budget as a number", railsYAML + "{budget: 5}\n", []string{"3:18 response.stop.budget: found the number 5 where a mapping"}, "share, stops, within", schemaRefuses},
	{"no stops", railsYAML + "{budget: {stops: 0}}\n", []string{"3:26 response.stop.budget.stops: the number 0 is not accepted"}, "from 1 to 1000", schemaRefuses},
	{"too many stops", railsYAML + "{budget: {stops: 1001}}\n", []string{"3:26 response.stop.budget.stops: the number 1001 is not accepted"}, "from 1 to 1000", schemaRefuses},
	{"stops in octal", railsYAML + "{budget: {stops: 010}}\n", []string{"3:26 response.stop.budget.stops: the number 010 is not accepted"}, "from 1 to 1000", schemaAccepts},
	{"half a stop", railsYAML + "{budget: {stops: 0.5}}\n", []string{"3:26 response.stop.budget.stops: the number 0.5 is not accepted"}, "a whole number", schemaRefuses},
	{"stops in words", railsYAML + "{budget: {stops: five}}\n", []string{`3:26 response.stop.budget.stops: found "five" where a number`}, "a whole number", schemaRefuses},
	{"within no time", railsYAML + "{budget: {within: 59s}}\n", []string{`3:27 response.stop.budget.within: "59s" is not accepted`}, "from 1m to 24h", schemaAccepts},
	{"within too long", railsYAML + "{budget: {within: 25h}}\n", []string{`3:27 response.stop.budget.within: "25h" is not accepted`}, "from 1m to 24h", schemaAccepts},
	{"a share of nothing", railsYAML + "{budget: {share: 0}}\n", []string{"3:26 response.stop.budget.share: the number 0 is not accepted"}, "from 1 to 100", schemaRefuses},
	{"more than all", railsYAML + "{budget: {share: 101}}\n", []string{"3:26 response.stop.budget.share: the number 101 is not accepted"}, "from 1 to 100", schemaRefuses},
	{"a share with a sign", railsYAML + "{budget: {share: 20%}}\n", []string{`3:26 response.stop.budget.share: found "20%" where a number`}, "from 1 to 100", schemaRefuses},
	{"a number that was refused", railsYAML + "{budget: {share: *x}, grace: *x}\n", []string{"3:26 response.stop.budget.share: aliases", "3:38 response.stop.grace: aliases"}, "write the value out", schemaNever},
	{"a route to nobody", routeYAML + "match: {names: [a]}\n", []string{"4:7 response.routes[0].team: the key is missing"}, "team: fraud-ml", schemaRefuses},
	{"a route of everything", routeYAML + "team: a\n", []string{"4:7 response.routes[0].match: the key is missing"}, "match: {accounts", schemaRefuses},
	{"a route that is a text", routeYAML + "a\n", []string{`4:7 response.routes[0]: found "a" where a mapping`}, "match, team, topic", schemaRefuses},
	{"a route by resources", routeYAML + "{match: {resources: [a]}, team: a}\n", []string{`4:16 response.routes[0].match.resources: "resources" is not a key`}, "accounts, kinds, names, pipelines, regions, roles, tags", schemaRefuses},
	{"a route by a wrong pattern", routeYAML + "{match: {pipelines: ['a b'], names: ['[a]'], tags: [a]}, team: a}\n", []string{
		`4:28 response.routes[0].match.pipelines[0]: "a b" is not a name pattern`, `4:44 response.routes[0].match.names[0]: "[a]" is not`, "4:58 response.routes[0].match.tags: found no tags",
	}, "* and ?", schemaRefuses},
	{"a team with blanks", routeYAML + "{match: {names: [a]}, team: fraud ml}\n", []string{`4:35 response.routes[0].team: "fraud ml" is not the name of a team`}, "64 letters", schemaRefuses},
	{"a long team", routeYAML + "{match: {names: [a]}, team: " + strings.Repeat("a", 65) + "}\n", []string{"4:35 response.routes[0].team: "}, "64 letters", schemaRefuses},
	{"a topic's name", routeYAML + "{match: {names: [a]}, team: a, topic: fraud-ml}\n", []string{`4:45 response.routes[0].topic: "fraud-ml" is not the ARN of a standard SNS topic`}, "arn:aws:sns:eu-west-1:111122223333:name", schemaRefuses},
	{"a FIFO topic", routeYAML + "{match: {names: [a]}, team: a, topic: 'arn:aws:sns:eu-west-1:111122223333:a.fifo'}\n", []string{"4:45 response.routes[0].topic: "}, "arn:aws:sns", schemaRefuses},
	{"a queue", routeYAML + "{match: {names: [a]}, team: a, topic: 'arn:aws:sqs:eu-west-1:111122223333:a'}\n", []string{"4:45 response.routes[0].topic: "}, "arn:aws:sns", schemaRefuses},
	{"a topic's subscription", routeYAML + "{match: {names: [a]}, team: a, topic: 'arn:aws:sns:eu-west-1:111122223333:a:b'}\n", []string{"4:45 response.routes[0].topic: "}, "arn:aws:sns", schemaRefuses},
}

func TestLoadRefuses(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Load("rules.yaml", []byte(tt.yaml), testKinds)
			var all Errors
			if f != nil || !errors.As(err, &all) {
				t.Fatalf("Load = %v, %v; want Errors", f, err)
			}
			ok := len(all) == len(tt.want)
			for i, e := range all {
				if e.File != "rules.yaml" || e.Problem == "" || e.Remedy == "" {
					t.Errorf("incomplete: %+v", e)
				}
				got := fmt.Sprintf("%d:%d %s: %s", e.Line, e.Column, e.Key, e.Problem)
				if ok {
					at, problem, _ := strings.Cut(tt.want[i], ": ")
					ok = strings.HasPrefix(got, at+": ") && strings.Contains(e.Problem, problem)
				}
			}
			if !ok {
				t.Errorf("got:\n%v\nwant:\n%s", err, strings.Join(tt.want, "\n"))
			}
			if !strings.Contains(all[0].Remedy, tt.remedy) {
				t.Errorf("remedy = %q, want it to tell %q", all[0].Remedy, tt.remedy)
			}
		})
	}
}

// TestLimits: what is just within a bound is read.
func TestLimits(t *testing.T) {
	f, err := Load("rules.yaml", []byte(railsYAML+"{severity: low, grace: 24h, budget: {stops: 1, within: 60s, share: 1}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Rails{Severity: Low, Grace: 24 * time.Hour, Budget: Budget{Stops: 1, Within: time.Minute, Share: 1}}
	if f.Response.Stop != want {
		t.Errorf("got %+v, want %+v", f.Response.Stop, want)
	}
	f, err = Load("rules.yaml", []byte(railsYAML+"{grace: 0s, budget: {within: 23h59m60s}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want = defaultResponse().Stop
	want.Budget.Within = 24 * time.Hour
	if f.Response.Stop != want {
		t.Errorf("got %+v, want %+v", f.Response.Stop, want)
	}
	long := strings.Repeat("a", 64)
	f, err = Load("rules.yaml", []byte(routeYAML+"{match: {names: [a]}, team: "+long+", topic: arn:aws:sns:eu-west-1:111122223333:a}\n"), nil)
	if err != nil || f.Response.Routes[0].Team != long || f.Response.Routes[0].Topic != "arn:aws:sns:eu-west-1:111122223333:a" {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestErrors(t *testing.T) {
	_, err := Load("rules.yaml", []byte("version: 2\nrulez: {}\nrules: [a\t]\n"), nil)
	want := "rules.yaml:1:10: version: the number 2 is not a version that this program reads: write version: 1\n" +
		"rules.yaml:2:1: rulez: \"rulez\" is not a key of this mapping: did you mean \"rules\"?\n"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got:\n%v\nwant first:\n%s", err, want)
	}
	var first *Error
	if !errors.As(err, &first) || first.Line != 1 || first.Column != 10 || first.Key != "version" {
		t.Errorf("errors.As found %+v", first)
	}
	_, err = Load("rules.yaml", nil, nil)
	if got, want := err.Error(), `rules.yaml:1:1: the file is empty: write at least "version: 1"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = Load("rules.yaml", []byte("version: 1\n"+strings.Repeat("? a\n: b\n", 200)), nil)
	var all Errors
	if !errors.As(err, &all) || len(all) != maxErrors {
		t.Errorf("%d errors, want %d", len(all), maxErrors)
	}
	_, err = Load("rules.yaml", []byte("version: 1\nresponse: {mode: "+strings.Repeat("é", 100)+"}"), nil)
	if want := `"` + strings.Repeat("é", 80) + `…" is not a mode`; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	var lines strings.Builder
	for i := range 2 * maxErrors {
		fmt.Fprintf(&lines, "key%d: a\n", i)
	}
	_, err = Load("rules.yaml", []byte(lines.String()), nil)
	if !errors.As(err, &all) || len(all) != maxErrors {
		t.Errorf("%d errors, want %d", len(all), maxErrors)
	}
}

// readSchema compiles docs/rules.schema.json and returns it as a document too.
func readSchema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	const id = "https://github.com/sagemoat/sagemoat/docs/rules.schema.json"
	object := doc.(map[string]any)
	if object["$id"] != id {
		t.Errorf("$id = %v", object["$id"])
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s, object
}

// schemaInstance turns YAML into what a validator takes.
func schemaInstance(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSchemaAgrees(t *testing.T) {
	s, _ := readSchema(t)
	// The YAML library reads an ARN in [ ] within { } as a mapping; the loader mends that.
	quoted := strings.NewReplacer("[arn:aws:iam::111122223333:role/a/x]", "['arn:aws:iam::111122223333:role/a/x']",
		"[arn:aws:sagemaker:eu-west-1:111122223333:domain/d-x]", "['arn:aws:sagemaker:eu-west-1:111122223333:domain/d-x']").Replace(everythingYAML)
	good := map[string][]byte{
		"minimal": []byte("version: 1"), "everything": []byte(quoted), "empty lists": []byte("version: 1\nallow: []\noverrides: []\nexceptions: []\n"),
		"exception": []byte(exceptionYAML), "starter": Starter(), "starter, all on": uncommented(),
	}
	for name, data := range good {
		t.Run(name, func(t *testing.T) {
			if _, err := Load("rules.yaml", data, testKinds); err != nil {
				t.Error(err)
			}
			if err := s.Validate(schemaInstance(t, data)); err != nil {
				t.Error(err)
			}
		})
	}
	for _, tt := range refusals {
		if tt.schema == schemaNever {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			err := s.Validate(schemaInstance(t, []byte(tt.yaml)))
			if got := err == nil; got != (tt.schema == schemaAccepts) {
				t.Errorf("schema accepts = %v: %v", got, err)
			}
		})
	}
}

func TestSchemaNames(t *testing.T) {
	_, doc := readSchema(t)
	defs := doc["$defs"].(map[string]any)
	enum := func(v any) []string {
		var out []string
		for _, s := range v.(map[string]any)["enum"].([]any) {
			out = append(out, s.(string))
		}
		return out
	}
	if d := cmp.Diff(stringsOf(IDs()), enum(defs["rule"])); d != "" {
		t.Errorf("rules: %s", d)
	}
	if d := cmp.Diff(stringsOf(knownWays()), enum(defs["way"])); d != "" {
		t.Errorf("ways: %s", d)
	}
	if d := cmp.Diff(stringsOf(knownModes()), enum(defs["mode"])); d != "" {
		t.Errorf("modes: %s", d)
	}
	response := doc["properties"].(map[string]any)["response"].(map[string]any)["properties"].(map[string]any)
	stop := response["stop"].(map[string]any)["properties"].(map[string]any)
	if d := cmp.Diff(stopSeverities(), enum(stop["severity"])); d != "" {
		t.Errorf("severities: %s", d)
	}
	form := regexp.MustCompile(defs["kinds"].(map[string]any)["items"].(map[string]any)["pattern"].(string))
	for _, k := range kind.Kinds() {
		if !form.MatchString(k) {
			t.Errorf("the schema refuses the kind %s", k)
		}
	}
	properties := defs["rules"].(map[string]any)["properties"].(map[string]any)
	for _, id := range IDs() {
		if p, ok := properties[string(id)].(map[string]any); !ok || p["description"] == nil {
			t.Errorf("%s is not described", id)
		}
		if !strings.Contains(string(Starter()), "  "+string(id)+": ") {
			t.Errorf("the starter does not show %s", id)
		}
	}
	if len(properties) != len(IDs()) {
		t.Errorf("the schema has %d rules, want %d", len(properties), len(IDs()))
	}
}

// uncommented is the starter with every setting switched on, as its head says.
func uncommented() []byte {
	lines := strings.Split(string(Starter()), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "# ")
	}
	return []byte(strings.Join(lines, "\n"))
}

func TestStarter(t *testing.T) {
	f, err := Load("starter.yaml", Starter(), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&File{Rules: switchedOn(byDefault()...), Response: defaultResponse()}, f); d != "" {
		t.Errorf("the starter is not the default: %s", d)
	}
	f, err = Load("starter.yaml", uncommented(), kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	for id, s := range f.Rules {
		if !s.On {
			t.Errorf("%s is off", id)
		}
	}
	if len(f.Allow) != 2 || len(f.Overrides) != 2 || len(f.Exceptions) != 1 || len(f.Response.Modes) != 2 || len(f.Response.Routes) != 2 {
		t.Errorf("%d, %d, %d, %d and %d entries", len(f.Allow), len(f.Overrides), len(f.Exceptions), len(f.Response.Modes), len(f.Response.Routes))
	}
	rails := defaultResponse().Stop
	rails.Grace = 10 * time.Minute
	if f.Response.Stop != rails || !f.Response.Digest {
		t.Errorf("the rails shown are %+v, want the default ones", f.Response.Stop)
	}
	for i, line := range strings.Split(string(Starter()), "\n") {
		if len(line) > 80 {
			t.Errorf("line %d is longer than 80 characters", i+1)
		}
	}
}

// TestLoadIsBounded gives the loader files on which the YAML library would take
// minutes or more.
func TestLoadIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	const size = maxSize / 26 // so that keys and nothings stay below maxTokens
	for _, tt := range []struct{ name, head, unit string }{
		{"lists", "", "["},
		{"mappings", "", "{a:\n"},
		{"entries", "", "- "},
		{"blank lines at the end of a text", "a: |\n  b\n", "\n"},
		{"texts with blank lines", "", "a: |\n  b\n" + strings.Repeat("\n", maxBlank)},
		{"nothings", "", "-\n"},
		{"keys", "", "a: b\n"},
		{"merge signs", "", strings.Repeat("<", maxLine-1) + "\n"},
		{"tabs", "\"", strings.Repeat("\t", maxLine-1) + "\n"},
		{"anchors", "", "&a\n"},
		{"tags", "", "!a\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := tt.head + strings.Repeat(tt.unit, size/len(tt.unit))
			start := time.Now()
			if _, err := Load("rules.yaml", []byte(data), nil); err == nil {
				t.Error("accepted")
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(everythingYAML))
	f.Add(uncommented())
	for _, tt := range refusals {
		if len(tt.yaml) < 1000 {
			f.Add([]byte(tt.yaml))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		file, err := Load("rules.yaml", data, testKinds)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%d bytes took %s", len(data), took)
		}
		var all Errors
		switch {
		case err != nil && (file != nil || !errors.As(err, &all) || len(all) == 0):
			t.Errorf("Load = %v, %v", file, err)
		case err == nil && len(file.Rules) != len(IDs()):
			t.Errorf("%d rules", len(file.Rules))
		case err == nil && !file.Rules[Assessable].On:
			t.Error("assessable is off")
		}
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 || strings.ContainsRune(e.Key, '\x1b') {
				t.Errorf("%+v", e)
			}
		}
	})
}
