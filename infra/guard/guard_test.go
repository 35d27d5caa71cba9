// Package guard holds the rules that our templates keep, as cfn-guard reads them:
// those of all/ every template, those of stack/, organization/ and code/ one.
//
//	cfn-guard validate -r all -r stack -d ../templates/sagemoat.template.json
package guard

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sagemoat/sagemoat/internal/awstest/cfnguard"
	"github.com/sagemoat/sagemoat/internal/chaos"
)

// kept says which rules a template keeps.
type kept struct{ template, own string }

var templates = []kept{{"sagemoat", "stack"}, {"sagemoat-organization", "organization"}, {"sagemoat-code", "code"}}

func (k kept) file() string { return filepath.Join("infra", "templates", k.template+".template.json") }

// rules are the files of the rules.
func (k kept) rules(t *testing.T) (files []string) {
	t.Helper()
	for _, dir := range []string{"all", k.own} {
		more, err := filepath.Glob(filepath.Join("infra", "guard", dir, "*.guard"))
		if err != nil || more == nil {
			t.Fatalf("no rules in %s: %v", dir, err)
		}
		files = append(files, more...)
	}
	return files
}

func (k kept) read(t *testing.T) (template map[string]any) {
	t.Helper()
	b, err := os.ReadFile(k.file())
	if err == nil {
		err = json.Unmarshal(b, &template)
	}
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// TestRules: each template keeps its rules.
func TestRules(t *testing.T) {
	t.Chdir(filepath.Join("..", "..")) // where tools are kept
	for _, k := range templates {
		file, err := filepath.Abs(k.file())
		if err != nil {
			t.Fatal(err)
		}
		got, err := cfnguard.Validate(t.Context(), k.rules(t), file)
		all, answered := got[file]
		if err != nil || !answered {
			t.Fatalf("no answer about %s: %v", file, err)
		}
		for _, broken := range all {
			t.Errorf("%s breaks %s: %s", k.file(), broken.Rules, broken.Message)
		}
	}
}

// TestMutants: what is taken away or weakened in a template, a rule misses. Without
// -chaos it is every resource, and a part of the rest.
func TestMutants(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	var all []mutant
	var survived []mutant
	for _, k := range templates {
		var some []mutant
		for _, m := range mutants(k.read(t)) {
			if m.where == "" || m.drawn(chaos.N(30, 1)) {
				some = append(some, m)
			}
		}
		all = append(all, some...)
		survived = append(survived, judge(t, k, some)...)
	}
	used := make([]int, len(accepted))
	for _, m := range survived {
		by := slices.IndexFunc(accepted, func(a survivor) bool { return a.is(m) })
		if by < 0 {
			t.Errorf("no rule misses anything: %s", m)
			continue
		}
		used[by]++
	}
	t.Logf("%d mutants, of which %d survive, for the reasons given", len(all), len(survived))
	for i, a := range accepted {
		if used[i] == 0 && chaos.N(0, 1) == 1 {
			t.Errorf("nothing survives as %s %s %s (%s): take it away", a.kind, a.where, a.what, a.reason)
		}
	}
}

// judge returns the mutants that break no rule which the template keeps. A mutant is
// held to the rules that name its resource or the type of it, in a template of what
// these rules name: the others say nothing of it, and would take most of the time.
func judge(t *testing.T, k kept, some []mutant) (survived []mutant) {
	t.Helper()
	texts := map[string]string{} // by file of rules
	for _, file := range k.rules(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	groups := map[string][]mutant{} // by files of rules
	for _, m := range some {
		var files []string
		for _, file := range slices.Sorted(maps.Keys(texts)) {
			if names(texts[file], m.resource, m.kind) {
				files = append(files, file)
			}
		}
		if files == nil {
			survived = append(survived, m)
			continue
		}
		group := strings.Join(files, " ")
		groups[group] = append(groups[group], m)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	room := make(chan struct{}, 2)
	for group, of := range groups {
		rules := strings.Fields(group)
		var together strings.Builder
		for _, file := range rules {
			together.WriteString(texts[file])
		}
		text := together.String()
		for part := range slices.Chunk(of, 200) {
			wait.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				alive, err := breakNothing(t, rules, text, append([]mutant{{what: "control", template: func() map[string]any { return k.read(t) }}}, part...))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				} else if len(alive) == 0 || alive[0].what != "control" {
					t.Errorf("%s breaks %s without what they do not name", k.template, group)
				} else {
					survived = append(survived, alive[1:]...)
				}
			})
		}
	}
	wait.Wait()
	return survived
}

// names says whether rules name a resource, or its type.
func names(rules, resource, kind string) bool {
	return strings.Contains(rules, "'"+kind+"'") ||
		regexp.MustCompile(`Resources\.`+resource+`\b|keys == /[^/]*\b`+resource+`\b`).MatchString(rules)
}

// breakNothing returns the mutants that break no rule.
func breakNothing(t *testing.T, rules []string, text string, some []mutant) (alive []mutant, err error) {
	dir := t.TempDir()
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%d.json", i)) }
	var named []string
	for id, r := range object(some[0].template()["Resources"]) {
		if names(text, id, fmt.Sprint(object(r)["Type"])) {
			named = append(named, id)
		}
	}
	for i, m := range some {
		template, less := m.template(), map[string]any{}
		for id, r := range object(template["Resources"]) {
			if slices.Contains(named, id) {
				less[id] = r
			}
		}
		b, err := json.Marshal(with(template, "Resources", less))
		if err == nil {
			err = os.WriteFile(file(i), b, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	got, err := cfnguard.Validate(t.Context(), rules, dir)
	if err != nil {
		return nil, err
	}
	for i, m := range some {
		broken, answered := got[file(i)]
		if !answered {
			return nil, fmt.Errorf("cfn-guard says nothing of %s", m)
		}
		if broken == nil {
			alive = append(alive, m)
		}
	}
	return alive, nil
}

// survivor says of which mutants no rule needs to miss anything.
type survivor struct {
	// kind is a type without AWS::, where and what are regular expressions for all of
	// what a mutant says.
	kind, where, what string
	// reason is for who reads.
	reason string
}

func (s survivor) is(m mutant) bool {
	whole := func(pattern, text string) bool { return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(text) }
	return whole(s.kind, strings.TrimPrefix(m.kind, "AWS::")) && whole(s.where, m.where) && whole(s.what, m.what)
}

// Rules of cfn-guard hold what must not be weakened. That everything works is for other
// tests: TestPermissions has each role granted exactly what is called, TestMotoStack
// deploys the template, and cfn-lint knows what CloudFormation asks for.
var accepted = []survivor{
	{`Events::Rule`, `.*InputTransformer(/.*)?`, `.*`, "what a message about tampering says; that there is one is held"},
	{`.*`, `.*/Sid|Properties/Description|Properties/AlarmDescription|Properties/Targets/0/Id|Properties/Policies/\d/(Fn::If/1/)?PolicyName|Properties/(Policy|Topic|Dashboard)Name`, `not there|another`, "a name or a text for who reads"},
	{`CloudWatch::Alarm|Events::Rule|Lambda::Function|Logs::LogGroup`, `Properties/(Alarm|Function|LogGroup)?Name`, `another`, "a name that still begins with ours, by which the rules that watch know it"},
	{`SecurityHub::Insight|CloudFormation::CustomResource`, `Properties/Name`, `not there|another`, "a name for who reads; cfn-lint asks for it"},
	{`SNS::Topic`, `Properties`, `not there`, "its name, without which it gets another"},
	{`Scheduler::Schedule`, `Properties/Name`, `not there|another`, "a name; the group is held"},
	{`Scheduler::Schedule`, `.*/MaximumEventAgeInSeconds`, `a tenth`, "it is a dead letter sooner"},
	{`Lambda::EventSourceMapping`, `.*/(BatchSize|MaximumBatchingWindowInSeconds)`, `a tenth`, "the same in more invocations"},
	{`CloudFormation::CustomResource`, `Properties/ServiceTimeout`, `a tenth`, "CloudFormation gives up sooner"},
	{`CloudFormation::StackSet`, `Properties/OperationPreferences/.*`, `a tenth|not there|another`, "how quickly it is deployed; cfn-lint knows the words"},
	{`SQS::Queue`, `Properties/VisibilityTimeout`, `ten times`, "it is tried again later; that it is not too early is held"},
	{`S3::Bucket`, `.*/NoncurrentDays`, `ten times`, "it is kept for longer"},
	{`S3::BucketPolicy`, `.*Statement/\d+ Deny`, `an action more`, "it denies more"},
	{`(SQS::Queue|SNS::Topic)Policy`, `.*Statement/\d+ Allow`, `by a tag, too`, "one condition more"},
	{`Lambda::Function`, `Properties/Code(/.*)?`, `not there|another`, "cfn-lint asks for it, and the stack in moto runs it"},
	{`Lambda::Function`, `Properties/MemorySize`, `a tenth`, "cfn-lint knows the least"},
	{`Lambda::Function`, `.*SAGEMOAT_RULES_BUCKET/.*`, `.*`, "the function would not read any rules, which the stack in moto shows"},
	{`CloudWatch::Alarm`, `.*(Threshold|Period|EvaluationPeriods)`, `a tenth`, "the alarm comes sooner"},
	{`IAM::(Role|Policy)`, `.*Statement/\d+ Allow`, `an element less|effect turned`, "a grant less, which TestPermissions misses"},
	{`IAM::(Role|Policy)`, `.*Statement/\d+ Allow/(Action|Resource)(/\d+)?`, `an element less|another`, "a grant less or of nothing, which TestPermissions misses"},
	{`IAM::(Role|Policy)`, `.*Statement/\d+ Allow/Condition/ForAllValues:.*/\d+`, `an element less|another`, "a grant of less, which TestPermissions misses"},
}
