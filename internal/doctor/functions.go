package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

func functionsSubject() subject {
	return subject{"Functions", []Check{
		{ID: "functions", Why: "they are what does everything", Deployed: true},
		{ID: "concurrency", Why: "a function that may not run at all looks deployed", Deployed: true},
		{ID: "triggers", Why: "what no mapping hands to a function stays in the queue or the stream", Deployed: true},
		{ID: "schedules", Why: "the sweep finds what no event told of, and respond does what is due", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		if x.stack == nil {
			return nil
		}
		var out []Line
		reserved := map[string]answer[reservation]{}
		mappings := map[string]answer[[]mapping]{}
		for _, f := range functions() {
			if name := x.stack.out(f.output); name != "" {
				in := map[string]string{"FunctionName": name}
				reserved[f.name] = ask[reservation](ctx, x.json, awsjson.Lambda(), "GetFunctionConcurrency", in)
				mappings[f.name] = listMappings(ctx, x, name)
			}
		}
		for _, f := range functions() {
			out = append(out, judgeFunction(x, f, x.configs(ctx)[f.name], rolesOf(x.configs(ctx)))...)
			out = append(out, judgeConcurrency(x, f, reserved[f.name])...)
		}
		out = append(out, judgeTriggers(x, mappings, x.table(ctx))...)
		out = append(out, judgeSchedules(x, listSchedules(ctx, x))...)
		return summed(x, out)
	}}
}

// configuration is how a function is set up.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
type configuration struct {
	State, StateReason, LastUpdateStatus, LastUpdateStatusReason, Role string
	Timeout                                                            int
	Environment                                                        struct {
		Variables variables
		// Error says why there is no word of an encrypted environment.
		Error *struct{ ErrorCode string }
	}
}

// variables are those of a function's environment that are ours: the others stay
// where they are.
type variables map[string]string

// UnmarshalJSON keeps ours.
func (v *variables) UnmarshalJSON(b []byte) error {
	var all map[string]string
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !strings.HasPrefix(name, "SAGEMOAT_") })
	*v = all
	return nil
}

// ownRoles is the variable that tells audit whose calls to ignore.
const ownRoles = "SAGEMOAT_OWN_ROLES"

// rolesOf are the roles that the functions have now; nil where not all are known.
func rolesOf(all map[string]answer[configuration]) (roles []string) {
	for _, f := range functions() {
		role := all[f.name].value.Role
		if role == "" {
			return nil
		}
		roles = append(roles, role)
	}
	return roles
}

// wanted is the environment that the stack gives a function.
func (x *session) wanted(f function, roles []string) variables {
	s := x.stack
	v := variables{"SAGEMOAT_ACCOUNT": x.account, "SAGEMOAT_TABLE": s.out(OutTable)}
	if f.name != "publish" { // which judges nothing
		v["SAGEMOAT_RULES_BUCKET"], v["SAGEMOAT_RULES_KEY"], _ = s.rulesFile()
		v["SAGEMOAT_RULES_OWNER"] = s.out(OutRulesOwner)
	}
	switch f.name {
	case "audit":
		v["SAGEMOAT_QUEUE_URL"], v[ownRoles] = s.out(OutQueue), strings.Join(roles, ",")
	case "publish":
		v["SAGEMOAT_DEAD_LETTER_URL"] = s.out(OutFindingDeadLetter)
	case "respond":
		v["SAGEMOAT_TOPIC_ARN"], v["SAGEMOAT_MODE"] = s.out(OutAlertTopic), s.out(OutMode)
	}
	return v
}

// differ are the names of the variables that are not as they should be. The order
// of roles does not matter; nor does, without a bucket, where in it a file would be.
func (v variables) differ(want variables) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		have, same := v[name], v[name] == want[name]
		switch {
		case name == ownRoles:
			same = slices.Equal(rolesIn(have), rolesIn(want[name]))
		case want["SAGEMOAT_RULES_BUCKET"] == "" && (name == "SAGEMOAT_RULES_KEY" || name == "SAGEMOAT_RULES_OWNER"):
			same = true
		}
		if !same {
			names = append(names, name)
		}
	}
	return names
}

// rolesIn are the roles in the variable, in order, each once: audit takes the list
// apart so, too.
func rolesIn(text string) []string {
	all := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(all)
	return slices.Compact(all)
}

// reservation is what a function reserves.
type reservation struct{ ReservedConcurrentExecutions *int }

// mapping hands records of a source to a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
type mapping struct {
	UUID, EventSourceArn, FunctionArn, State, LastProcessingResult string
	FunctionResponseTypes                                          []string
	FilterCriteria                                                 struct{ Filters []struct{ Pattern string } }
	// FilterCriteriaError says why there is no word of an encrypted filter.
	FilterCriteriaError *struct{ ErrorCode string }
}

// streamFilter lets changes of entries and responses through: the state of the
// functions themselves wakes nobody.
const streamFilter = `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"entry#"},{"prefix":"response#"}]}}}}`

// schedule is a schedule of EventBridge Scheduler.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ScheduleSummary.html
type schedule struct {
	Name, GroupName, State string
	Target                 struct{ Arn string }
}

// readConfigurations asks how each function is set up, by its short name.
func readConfigurations(ctx context.Context, x *session) map[string]answer[configuration] {
	out := map[string]answer[configuration]{}
	for _, f := range functions() {
		if name := x.stack.out(f.output); name != "" {
			out[f.name] = ask[configuration](ctx, x.json, awsjson.Lambda(), "GetFunctionConfiguration", map[string]string{"FunctionName": name})
		}
	}
	return out
}

func listMappings(ctx context.Context, x *session, function string) answer[[]mapping] {
	type page struct {
		EventSourceMappings []mapping
		NextMarker          string
	}
	var all []mapping
	for in := map[string]string{"FunctionName": function}; ; {
		a := ask[page](ctx, x.json, awsjson.Lambda(), "ListEventSourceMappings", in)
		all = append(all, a.value.EventSourceMappings...)
		if !a.got || a.value.NextMarker == "" {
			return then(a, func(page) []mapping { return all })
		}
		in["Marker"] = a.value.NextMarker
	}
}

func listSchedules(ctx context.Context, x *session) answer[[]schedule] {
	type page struct {
		Schedules []schedule
		NextToken string
	}
	var all []schedule
	for in := map[string]string{"ScheduleGroup": x.stack.out(OutScheduleGroup)}; ; {
		a := ask[page](ctx, x.json, awsjson.Scheduler(), "ListSchedules", in)
		all = append(all, a.value.Schedules...)
		if !a.got || a.value.NextToken == "" {
			return then(a, func(page) []schedule { return all })
		}
		in["NextToken"] = a.value.NextToken
	}
}

// judgeFunction says whether a function runs, and by what the stack says. Roles are
// those of all functions, nil where they are not known.
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func judgeFunction(x *session, f function, a answer[configuration], roles []string) []Line {
	name := x.stack.out(f.output)
	switch {
	case name == "":
		return []Line{line("functions", Failed, "the stack does not name "+f.name, "make deploy")}
	case a.missing():
		return []Line{line("functions", Failed, name+" is not there", "make deploy")}
	case !a.got:
		return []Line{a.unknown("functions")}
	}
	look := x.aws("lambda", "get-function-configuration", "--function-name", name)
	c := a.value
	switch {
	case c.State != "Active" && c.State != "Inactive": // idle for weeks: the next event wakes it
		return []Line{line("functions", Failed, fmt.Sprintf("%s is %s: %s", name, cmp.Or(c.State, "in no state"), cmp.Or(c.StateReason, "no reason is given")), look)}
	case c.LastUpdateStatus == "InProgress":
		return []Line{line("functions", Warning, name+" is being updated", look)}
	case c.LastUpdateStatus != "Successful":
		return []Line{line("functions", Failed, fmt.Sprintf("the last update of %s is %s: %s", name, cmp.Or(c.LastUpdateStatus, "of no status"), cmp.Or(c.LastUpdateStatusReason, "no reason is given")), look)}
	}
	if e := c.Environment.Error; e != nil {
		return []Line{line("functions", Unknown, "the environment of "+name+" is encrypted and cannot be read: "+e.ErrorCode,
			"# allow kms:Decrypt for the function's key to who runs this", look)}
	}
	env, want := c.Environment.Variables, x.wanted(f, roles)
	fix := x.aws("lambda", "update-function-configuration", "--function-name", name, "--environment", inJSON(map[string]any{"Variables": want}))
	unknown := f.name == "audit" && roles == nil
	if unknown {
		delete(want, ownRoles)
		fix = look // what sets a variable sets all of them
	}
	if other := env.differ(want); len(other) > 0 {
		found := name + " has another " + list(other) + " than the stack says"
		alien := slices.DeleteFunc(rolesIn(env[ownRoles]), func(role string) bool { return slices.Contains(roles, role) })
		if slices.Contains(other, ownRoles) && len(alien) > 0 {
			found += ": it ignores what " + list(alien) + " does"
		}
		return []Line{line("functions", Failed, found, fix).
			with("somebody changed it by hand: the rules file and the roles that audit ignores decide what passes, the mode what is stopped. The command sets back all variables; a change that is meant belongs in the template")}
	}
	if unknown {
		return []Line{line("functions", Unknown, "whether "+name+" ignores the functions' own roles only is not known: not all of them are", look)}
	}
	return nil
}

// rulesFile is where the stack's rules file is; empty for the built-in rules.
func (s *stack) rulesFile() (bucket, key, owner string) {
	if s.out(OutRulesKey) == NoRules || s.out(OutRulesKey) == "" {
		return "", "", ""
	}
	return s.out(OutRulesBucket), s.out(OutRulesKey), s.out(OutRulesOwner)
}

// withReservation deploys functions that reserve what they do by default.
const withReservation = `make deploy ARGS="--context reservedConcurrency=enabled"`

// judgeConcurrency: a function whose reserved concurrency is 0 is switched off.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
func judgeConcurrency(x *session, f function, a answer[reservation]) []Line {
	name := x.stack.out(f.output)
	switch {
	case name == "" || a.missing():
		return []Line{line("concurrency", Failed, f.name+" is not there", "make deploy")}
	case !a.got:
		return []Line{a.unknown("concurrency")}
	case a.value.ReservedConcurrentExecutions == nil:
		return []Line{line("concurrency", Warning, name+" reserves none: others can take all there is, and it can take theirs", withReservation).
			with("so it is deployed with reservedConcurrency=disabled, for accounts with a small quota; lambda-concurrency with --preflight tells whether there is room now")}
	case *a.value.ReservedConcurrentExecutions == 0:
		return []Line{line("concurrency", Failed, name+" may not run: its reserved concurrency is 0",
			x.aws("lambda", "put-function-concurrency", "--function-name", name, "--reserved-concurrent-executions", "1")).
			with("1 has it run again; the template says how many there should be")}
	case f.name == "sweep" && *a.value.ReservedConcurrentExecutions != 1:
		return []Line{line("concurrency", Warning, fmt.Sprintf("%s reserves %d, and is made for 1", name, *a.value.ReservedConcurrentExecutions),
			x.aws("lambda", "put-function-concurrency", "--function-name", name, "--reserved-concurrent-executions", "1"))}
	}
	return nil
}

// judgeTriggers says whether the queue and the stream are handed to their
// functions.
func judgeTriggers(x *session, all map[string]answer[[]mapping], table answer[*dynamodb.DescribeTableOutput]) (out []Line) {
	stream := ""
	if table.got && table.value.Table != nil {
		stream = aws.ToString(table.value.Table.LatestStreamArn)
	}
	for _, want := range []struct{ function, source, words, filter string }{
		{"audit", x.queueARN(x.stack.out(OutQueue)), "the event queue", ""},
		{"publish", stream, "the ledger's stream", streamFilter},
		{"respond", stream, "the ledger's stream", streamFilter},
	} {
		a, named := all[want.function]
		switch {
		case !named || a.missing():
			out = append(out, line("triggers", Failed, want.function+" is not there", "make deploy"))
			continue
		case !a.got:
			out = append(out, a.unknown("triggers"))
			continue
		case want.source == "" && !table.got && !table.missing():
			out = append(out, table.unknown("triggers"))
			continue
		}
		i := slices.IndexFunc(a.value, func(m mapping) bool { return want.source != "" && m.EventSourceArn == want.source })
		if i < 0 {
			l := line("triggers", Failed, want.words+" is not handed to "+want.function, "make deploy")
			if slices.ContainsFunc(a.value, func(m mapping) bool { return strings.Contains(m.EventSourceArn, "/stream/") }) {
				l = l.with("it reads another stream: a table whose stream is switched off and on again has a new one")
			}
			out = append(out, l)
			continue
		}
		m := a.value[i]
		update := func(words ...string) string {
			return x.aws(append([]string{"lambda", "update-event-source-mapping", "--uuid", m.UUID}, words...)...)
		}
		out = append(out, judgeFilter(&m, want.words+" to "+want.function, want.filter, update)...)
		switch {
		case m.State == "Creating" || m.State == "Enabling" || m.State == "Updating":
			out = append(out, line("triggers", Warning, fmt.Sprintf("%s to %s: %s", want.words, want.function, m.State)))
		case m.State != "Enabled":
			out = append(out, line("triggers", Failed, fmt.Sprintf("%s to %s: %s", want.words, want.function, cmp.Or(m.State, "in no state")), update("--enabled")))
		case !slices.Contains(m.FunctionResponseTypes, "ReportBatchItemFailures"):
			out = append(out, line("triggers", Failed, fmt.Sprintf("%s to %s does not take partial failures: what one record fails, all of its batch do again", want.words, want.function),
				update("--function-response-types", "ReportBatchItemFailures")))
		case strings.HasPrefix(m.LastProcessingResult, "PROBLEM"):
			out = append(out, line("triggers", Warning, fmt.Sprintf("%s to %s: %s", want.words, want.function, m.LastProcessingResult),
				x.aws("logs", "tail", "/aws/lambda/"+lastColon(m.FunctionArn), "--since", "1h", "--filter-pattern", "ERROR")))
		}
	}
	return out
}

// judgeFilter says whether a mapping lets through what it should: what no filter
// matches Lambda discards, and nobody hears of it. Want is the one pattern, "" for
// none.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
func judgeFilter(m *mapping, words, want string, update func(...string) string) []Line {
	criteria, right := map[string]any{}, "none"
	if want != "" {
		criteria["Filters"] = []any{map[string]string{"Pattern": want}}
		right = want
	}
	fix := update("--filter-criteria", inJSON(criteria))
	filters := m.FilterCriteria.Filters
	switch {
	case m.FilterCriteriaError != nil:
		return []Line{line("triggers", Unknown, words+": the filter is encrypted and cannot be read: "+m.FilterCriteriaError.ErrorCode,
			"# allow kms:Decrypt for the key of the event source mapping "+m.UUID+" to who runs this", fix).
			with("the stack encrypts no filter: somebody else did")}
	case len(filters) == 0 && want == "":
		return nil
	case len(filters) == 1 && want != "" && bytes.Equal(canonical(filters[0].Pattern), canonical(want)):
		return nil
	case len(filters) == 0:
		return []Line{line("triggers", Warning, words+" has no filter: the functions' own state wakes them as well", fix)}
	}
	var have []string
	for _, f := range filters {
		have = append(have, f.Pattern)
	}
	return []Line{line("triggers", Failed, words+" discards what its filter does not match: "+strings.Join(have, " or ")+"; want "+right, fix)}
}

func lastColon(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// judgeSchedules says whether the functions that a schedule wakes have one that is
// on.
func judgeSchedules(x *session, a answer[[]schedule]) (out []Line) {
	group := x.stack.out(OutScheduleGroup)
	if a.missing() {
		return []Line{line("schedules", Failed, "the group "+group+" is not there", "make deploy")}
	}
	if !a.got {
		return []Line{a.unknown("schedules")}
	}
	for _, f := range functions() {
		name := x.stack.out(f.output)
		if f.name == "audit" {
			continue
		}
		if name == "" {
			out = append(out, line("schedules", Failed, f.name+" is not there", "make deploy"))
			continue
		}
		var off []string
		on := false
		for _, s := range a.value {
			if lastColon(s.Target.Arn) != name {
				continue
			}
			if s.State == "ENABLED" {
				on = true
			} else {
				off = append(off, s.Name)
			}
		}
		switch {
		case len(off) > 0:
			// update-schedule replaces all of it, and this does not know all of it.
			out = append(out, line("schedules", Failed, fmt.Sprintf("%s, which wakes %s, is switched off", list(off), f.name),
				x.aws("scheduler", "get-schedule", "--group-name", group, "--name", off[0])).
				with("switch it on in the console (EventBridge, Schedules): update-schedule needs all its settings again"))
		case !on:
			out = append(out, line("schedules", Failed, "no schedule wakes "+f.name, "make deploy"))
		}
	}
	return out
}

// summed adds a line for each check of the functions of which nothing is told.
func summed(x *session, told []Line) []Line {
	for _, c := range []struct{ id, found string }{
		{"functions", "all four are active, with the environment that the stack gives them"},
		{"concurrency", "each reserves its own"},
		{"triggers", "the queue to audit, the stream to publish and respond, and no filter too many"},
		{"schedules", "publish, respond and sweep are woken by " + x.stack.out(OutScheduleGroup)},
	} {
		if !slices.ContainsFunc(told, func(l Line) bool { return l.Check == c.id }) {
			told = append(told, line(c.id, OK, c.found))
		}
	}
	return told
}
