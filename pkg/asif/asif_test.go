package asif_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// past is a history that a test writes: lines of "TIME WHO EVENT REQUEST", or of
// "TIME native NAME STATUS" for a training job.
type past struct {
	t   *testing.T
	all []*kind.Observation
	n   int
}

const envelope = `"eventSource":"sagemaker.amazonaws.com","awsRegion":"eu-west-1","eventVersion":"1.11"`

func history(t *testing.T, text string) *past {
	t.Helper()
	p := &past{t: t}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(f) < 4 {
			continue
		}
		p.n++
		at := f[0]
		if len(at) == len("09:00:00") {
			at = "2026-11-02T" + at + "Z"
		}
		if f[1] == "native" {
			p.add(fmt.Sprintf(`{"version":"0","id":"n%d","detail-type":"SageMaker Training Job State Change","source":"aws.sagemaker","account":"111122223333","time":%q,"region":"eu-west-1",
 "resources":[],"detail":{"TrainingJobName":%q,"TrainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/%s","TrainingJobStatus":%q,"VpcConfig":{}}}`, p.n, at, f[2], f[2], f[3]))
			continue
		}
		account := "111122223333"
		who, other, ok := strings.Cut(f[1], "@")
		if ok {
			account = other
		}
		p.add(fmt.Sprintf(`{%s,"eventTime":%q,"eventID":"c%d","eventName":%q,"recipientAccountId":%q,"userIdentity":{"arn":"arn:aws:sts::%s:assumed-role/%s/x"},"requestParameters":%s}`,
			envelope, at, p.n, f[2], account, account, who, f[3]))
	}
	return p
}

func (p *past) add(record string) {
	p.t.Helper()
	o, err := events.DecodeLife([]byte(record))
	if err != nil {
		p.t.Fatalf("%v: %s", err, record)
	}
	p.all = append(p.all, o...)
}

// play compares the built-in rules with others over the past.
func (p *past) play(text string, edit ...func(*asif.Options)) *asif.Report {
	p.t.Helper()
	file, err := rules.Load("new.yaml", []byte("version: 1\n"+text), kind.Kinds())
	if err != nil {
		p.t.Fatal(err)
	}
	o := asif.Options{Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	o.Sides = [2]asif.Side{{Name: "built-in", File: rules.Default()}, {Name: "new.yaml", File: file}}
	for _, f := range edit {
		f(&o)
	}
	index := resolve.New()
	slices.SortStableFunc(p.all, func(a, b *kind.Observation) int { return a.Time.Compare(b.Time) })
	for _, one := range p.all {
		index.Add(one)
	}
	return asif.Run(p.all, index, o)
}

// outcomes are the outcomes under the new rules, a line each: name, compliance,
// severity, alerts, stops.
func outcomes(r *asif.Report) (lines []string) {
	for _, one := range r.Resources {
		o := one.Outcomes[asif.New]
		said := []string{cmp.Or(one.Name, one.Key), string(o.Compliance)}
		if o.Severity != "" {
			said = append(said, string(o.Severity))
		}
		for _, a := range o.Alerts {
			word := string(a.How)
			if a.Recovered {
				word = "recovered"
			}
			said = append(said, word+"@"+a.At.Format("15:04:05"))
		}
		for _, s := range o.Stops {
			word := string(s.State)
			if s.Assumed != "" {
				word += "/" + string(s.Assumed)
			}
			said = append(said, word+"@"+s.At.Format("15:04:05")+" ("+s.Why+")")
		}
		lines = append(lines, strings.Join(said, " "))
	}
	return lines
}

// want compares outcomes.
func want(t *testing.T, r *asif.Report, lines ...string) {
	t.Helper()
	if diff := gocmp.Diff(lines, outcomes(r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

const (
	stop     = "response: {mode: stop, stop: {budget: {share: 100}}}\n"
	inVPC    = `"vpcConfig":{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}`
	notebook = `"instanceType":"ml.t3.medium","roleArn":"r"`
)

// job is the creation of a training job.
func job(at, who, name string, more ...string) string {
	return at + " " + who + ` CreateTrainingJob {` + strings.Join(append([]string{`"trainingJobName":"` + name + `","roleArn":"r"`}, more...), ",") + "}\n"
}

// TestLife: what tells that a job ran, and what does not.
func TestLife(t *testing.T) {
	for name, c := range map[string]struct{ then, want string }{
		"it ended later":             {"10:00:00 native j Completed", "stopped@09:00:00 ()"},
		"it failed later":            {"10:00:00 native j Failed", "stopped@09:00:00 ()"},
		"it ran later":               {"09:30:00 native j InProgress", "stopped@09:00:00 ()"},
		"a person stopped it later":  {`10:00:00 ds StopTrainingJob {"trainingJobName":"j"}`, "stopped@09:00:00 ()"},
		"it ended soon":              {"09:01:59 native j Completed", "not-told/stopped@09:00:00 (whether it still ran is not told)"},
		"it ended just late enough":  {"09:02:00 native j Completed", "stopped@09:00:00 ()"},
		"it ran, and ended soon":     {"09:00:30 native j InProgress\n09:01:00 native j Completed", "not-told/stopped@09:00:00 (whether it still ran is not told)"},
		"nothing more":               {"", "not-told/stopped@09:00:00 (whether it still ran is not told)"},
		"it was deleted":             {`10:00:00 ds DeleteTrainingJob {"trainingJobName":"j"}`, "not-told/stopped@09:00:00 (whether it still ran is not told)"},
		"another of the name":        {job("10:00:00", "ds", "j", inVPC), "not-told/stopped@09:00:00 (whether it still ran is not told)"},
		"a status that nobody knows": {"10:00:00 native j Dreaming", "not-told/stopped@09:00:00 (whether it still ran is not told)"},
		"it had ended at once":       {"09:00:00 native j Completed", "withheld@09:00:00 (it does not run)"},
	} {
		r := history(t, job("09:00:00", "ds", "j")+c.then).play(stop)
		if got := outcomes(r)[0]; got != "j FAILED HIGH sent@09:00:00 "+c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestRestart: a notebook instance that is started again is stopped again. While it
// starts SageMaker refuses that, so that it is not told when it happens.
func TestRestart(t *testing.T) {
	const later = "when it is past its start, and SageMaker takes the call, is not told"
	r := history(t, `
09:00:00 ds CreateNotebookInstance {"notebookInstanceName":"n",`+notebook+`}
12:00:00 ds StopNotebookInstance {"notebookInstanceName":"n"}
15:00:00 ds StartNotebookInstance {"notebookInstanceName":"n"}
19:00:00 ds StopNotebookInstance {"notebookInstanceName":"n"}
20:00:00 ds DeleteNotebookInstance {"notebookInstanceName":"n"}
21:00:00 ds CreateNotebookInstance {"notebookInstanceName":"n",`+notebook+`}
`).play(stop)
	want(t, r,
		"n FAILED HIGH sent@09:00:00 not-told/stopped@09:00:00 ("+later+") not-told/stopped@15:00:00 ("+later+")",
		"n FAILED HIGH sent@21:00:00 not-told/stopped@21:00:00 (whether it still ran is not told)",
	)
	for i, created := range []string{"09:00:00", "21:00:00"} {
		if got := r.Resources[i].Created.Format(time.TimeOnly); got != created {
			t.Errorf("created at %s, want %s", got, created)
		}
	}
	// Past its start it can be stopped at once.
	p := history(t, `09:00:00 ds CreateNotebookInstance {"notebookInstanceName":"n",`+notebook+`}
12:00:00 ds StopNotebookInstance {"notebookInstanceName":"n"}`)
	p.add(`{"version":"0","id":"n","detail-type":"SageMaker Notebook Instance State Change","source":"aws.sagemaker","account":"111122223333","time":"2026-11-02T09:04:00Z","region":"eu-west-1","resources":[],
 "detail":{"NotebookInstanceName":"n","NotebookInstanceArn":"arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/n","NotebookInstanceStatus":"InService"}}`)
	want(t, p.play("response: {mode: stop, stop: {grace: 10m}}\n"), "n FAILED HIGH sent@09:00:00 stopped@09:10:00 ()")
}

// TestRails: what certainly forbids a stop, and what is not told.
func TestRails(t *testing.T) {
	const ends = "12:00:00 native j Completed\n"
	modes := func(s string) string { return "response: {mode: stop, " + s + "}\n" }
	for name, c := range map[string]struct{ past, rules, want string }{
		"all hold":                   {job("09:00:00", "ds", "j"), stop, "HIGH sent@09:00:00 stopped@09:00:00 ()"},
		"less severe":                {job("09:00:00", "ds", "j"), modes("stop: {severity: critical}"), "HIGH sent@09:00:00 withheld@09:00:00 (the failure is less severe than what the rules stop for)"},
		"another mode":               {job("09:00:00", "ds", "j"), modes("modes: [{match: {roles: ['arn:aws:iam::111122223333:role/ds']}, mode: notify}]"), "HIGH sent@09:00:00"},
		"observed":                   {job("09:00:00", "ds", "j"), "response: {mode: observe}\n", "HIGH observed@09:00:00"},
		"an exception may apply":     {job("09:00:00", "ds", "j"), stop + "exceptions: [{id: X, owner: o, reason: r, expires: 2027-01-01, rules: [no-own-internet], match: {roles: ['arn:aws:iam::111122223333:role/team/ds']}}]\n", "HIGH sent@09:00:00 withheld@09:00:00 (it is not known whether an exception applies)"},
		"a grace":                    {job("09:00:00", "ds", "j"), modes("stop: {grace: 1h}"), "HIGH sent@09:00:00 stopped@10:00:00 ()"},
		"a grace that outlasts it":   {job("09:00:00", "ds", "j"), modes("stop: {grace: 4h}"), "HIGH sent@09:00:00 ended@13:00:00 (it was Completed at 2026-11-02 12:00:00 UTC)"},
		"hidden, and fails":          {job("09:00:00", "ds", "j", `"enableNetworkIsolation":"HIDDEN_DUE_TO_SECURITY_REASONS"`), modes("stop: {severity: medium}"), "MEDIUM sent@09:00:00 not-told@09:00:00 (not all of its network settings are told)"},
		"hidden, and might be worse": {job("09:00:00", "ds", "j", `"enableNetworkIsolation":"HIDDEN_DUE_TO_SECURITY_REASONS"`), modes(""), "MEDIUM sent@09:00:00 not-told@09:00:00 (not all of its network settings are told)"},
	} {
		if got := outcomes(history(t, c.past+ends).play(c.rules))[0]; got != "j FAILED "+c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	// What no look can tell either is asked for by nobody.
	want(t, history(t, job("09:00:00", "ds", "j", inVPC)).play(stop+"rules: {central-egress: on}\n"), "j WARNING INFORMATIONAL digested@07:00:00")
	// What fails for certain is not stopped, for such a rule is never told.
	want(t, history(t, job("09:00:00", "ds", "j", inVPC)).play("rules: {central-egress: on, isolation-required: on}\nresponse: {mode: stop, stop: {severity: medium}}\n"),
		"j FAILED MEDIUM sent@09:00:00 withheld@09:00:00 (not all of its network settings are known)")
}

// TestExpiry: what an exception let pass is judged anew when it has expired, if it
// is there still.
func TestExpiry(t *testing.T) {
	const exception = "exceptions: [{id: X, owner: o, reason: r, expires: '2026-11-02T12:00:00Z', rules: [no-own-internet], match: {accounts: ['111122223333'], kinds: [training-job, notebook-instance]}}]\n"
	const noticed = "when it is noticed that an exception has expired is not told"
	r := history(t, job("09:00:00", "ds", "over")+"11:00:00 native over Completed\n"+
		job("09:01:00", "ds", "long")+"23:00:00 native long Completed\n"+
		job("09:02:00", "ds", "silent")+
		`09:03:00 ds CreateNotebookInstance {"notebookInstanceName":"n",`+notebook+`}
09:04:00 ds CreateNotebookInstance {"notebookInstanceName":"gone",`+notebook+`}
11:00:00 ds DeleteNotebookInstance {"notebookInstanceName":"gone"}
`+job("13:00:00", "ds", "later")+"14:00:00 native later Completed\n").play(stop + exception)
	want(t, r,
		"over PASSED",
		"long FAILED HIGH sent@12:00:00 not-told/stopped@12:00:00 ("+noticed+")",
		"silent PASSED not-told/stopped@12:00:00 (whether it still ran is not told)",
		"n FAILED HIGH sent@12:00:00 not-told/stopped@12:00:00 (whether it still ran is not told)",
		"gone PASSED",
		"later FAILED HIGH sent@13:00:00 not-told/stopped@13:00:00 (whether the circuit breaker was still closed is not told)",
	)
	var lines []string
	for _, x := range r.Exceptions() {
		lines = append(lines, fmt.Sprint(x.Side, x.ID, x.Used, x.Expired))
	}
	if got := strings.Join(lines, ", "); got != "1X5 3" {
		t.Errorf("exceptions: %s", got)
	}
	// One that may have applied no longer may.
	r = history(t, job("09:00:00", "ds", "j")+"23:00:00 native j Completed\n").play(stop + strings.ReplaceAll(exception, "accounts: ['111122223333'], kinds: [training-job, notebook-instance]", "roles: ['arn:aws:iam::111122223333:role/team/ds']"))
	want(t, r, "j FAILED HIGH sent@09:00:00 withheld@09:00:00 (it is not known whether an exception applies) not-told/stopped@12:00:00 ("+noticed+")")
}

const studio = `"domainName":"d","authMode":"IAM","vpcId":"vpc-1","subnetIds":["subnet-1"],"defaultUserSettings":{"executionRole":"r"}`

// domain is a call about the domain d-1, whose id is in the response.
func (p *past) domain(at, event, request string) {
	p.n++
	p.add(fmt.Sprintf(`{%s,"eventTime":"2026-11-02T%sZ","eventID":"d%d","eventName":%q,"recipientAccountId":"111122223333","requestParameters":{%s},"responseElements":{"domainArn":"arn:aws:sagemaker:eu-west-1:111122223333:domain/d-1"}}`, envelope, at, p.n, event, request))
}

// TestOwner: what lives in a domain is told of by the domain's alert; what recovers
// is told again, and warnings once a day.
func TestOwner(t *testing.T) {
	p := history(t, `
10:00:00 ds CreateUserProfile {"domainId":"d-1","userProfileName":"ana"}
11:00:00 ds CreateUserProfile {"domainId":"d-2","userProfileName":"ben"}
`)
	p.domain("09:00:00", "CreateDomain", studio)
	p.domain("14:00:00", "UpdateDomain", `"domainId":"d-1","appNetworkAccessType":"VpcOnly"`)
	p.domain("15:00:00", "UpdateDomain", `"domainId":"d-1","appNetworkAccessType":"PublicInternetOnly"`)
	r := p.play("")
	want(t, r,
		"d-1 FAILED HIGH sent@09:00:00 recovered@14:00:00 sent@15:00:00",
		"ana FAILED HIGH inherited@10:00:00",
		"ben WARNING INFORMATIONAL digested@07:00:00",
	)
	if n := len(r.Differing()); n != 0 {
		t.Errorf("%d differ", n)
	}
	if l := r.Total().Counts[asif.New]; l.Alerts != 2 || l.Recovered != 1 || l.Inherited != 1 || l.Digested != 1 {
		t.Errorf("%+v", l)
	}
	want(t, p.play("response: {digest: never}\n"),
		"d-1 FAILED HIGH sent@09:00:00 recovered@14:00:00 sent@15:00:00", "ana FAILED HIGH inherited@10:00:00", "ben WARNING INFORMATIONAL")

	// Before the period its owner is known, and nobody is told of it.
	since := func(o *asif.Options) { o.Since = time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC) }
	until := func(o *asif.Options) { o.Until = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC) }
	want(t, p.play("", since, until), "ana FAILED HIGH sent@10:00:00", "ben WARNING INFORMATIONAL digested@07:00:00")
}

// TestRecovers: a stop that is announced is not made where the rules are met by then.
func TestRecovers(t *testing.T) {
	p := history(t, `
09:00:00 ds CreateMonitoringSchedule {"monitoringScheduleName":"s","monitoringScheduleConfig":{"monitoringJobDefinition":{"networkConfig":{}}}}
09:10:00 ds UpdateMonitoringSchedule {"monitoringScheduleName":"s","monitoringScheduleConfig":{"monitoringJobDefinition":{"networkConfig":{`+inVPC+`}}}}
`)
	want(t, p.play("response: {mode: stop, stop: {grace: 1h}}\n"), "s FAILED HIGH sent@09:00:00 recovered@09:10:00 withheld@10:00:00 (it meets the rules now)")
}

// TestBreaker: the budget is counted in each world that the records allow.
func TestBreaker(t *testing.T) {
	const two = "response: {mode: stop, stop: {budget: {stops: 2, within: 10m, share: 100}}}\n"
	var others strings.Builder
	for i := range 5 {
		others.WriteString(job("07:00:00", "ds", fmt.Sprintf("f%d", i), inVPC) + fmt.Sprintf("20:00:00 native f%d Completed\n", i))
	}
	fleet := others.String()
	ends := func(names string) (lines string) {
		for name := range strings.FieldsSeq(names) {
			lines += "19:00:00 native " + name + " Completed\n"
		}
		return lines
	}
	at := func(minute int, name string) string { return job(fmt.Sprintf("09:%02d:00", minute), "ds", name) }
	const untold = "whether it still ran is not told"
	for name, c := range map[string]struct {
		past   string
		want   []string // of what is not of the fleet
		opened string   // surely, maybe, assumed
	}{
		"the third is held, and it stays open": {
			fleet + at(0, "a") + at(1, "b") + at(2, "c") + at(59, "d") + ends("a b c d"),
			[]string{"a stopped@09:00:00 ()", "b stopped@09:01:00 ()", "c held@09:02:00 (the rules allow no more stops for now)", "d held@09:59:00 (the circuit breaker is open)"},
			"09:02 09:02 09:02",
		},
		"the third comes when the first is over": {
			fleet + at(0, "a") + at(5, "b") + at(10, "c") + ends("a b c"),
			[]string{"a stopped@09:00:00 ()", "b stopped@09:05:00 ()", "c stopped@09:10:00 ()"},
			"- - -",
		},
		"one of them may not have run": {
			fleet + at(0, "a") + at(1, "b") + at(2, "c") + at(30, "d") + ends("a c d"),
			[]string{
				"a stopped@09:00:00 ()", "b not-told/stopped@09:01:00 (" + untold + ")", "c not-told/held@09:02:00 (how many stops were made before is not told)",
				"d not-told/held@09:30:00 (whether the circuit breaker was still closed is not told)",
			},
			"- 09:02 09:02",
		},
		"whether it ran or not, it is open after": {
			fleet + at(0, "a") + at(1, "b") + at(2, "c") + at(3, "d") + at(4, "e") + ends("a c d e"),
			[]string{
				"a stopped@09:00:00 ()", "b not-told/stopped@09:01:00 (" + untold + ")", "c not-told/held@09:02:00 (how many stops were made before is not told)",
				"d held@09:03:00 (the rules allow no more stops for now)", "e held@09:04:00 (the circuit breaker is open)",
			},
			"09:03 09:02 09:02",
		},
		"too many, if it ran": {
			fleet + at(0, "a") + at(1, "b") + at(2, "c") + ends("a b"),
			[]string{"a stopped@09:00:00 ()", "b stopped@09:01:00 ()", "c held@09:02:00 (the rules allow no more stops for now)"},
			"- 09:02 09:02",
		},
		"nobody tells how many are live": {
			at(0, "a") + at(1, "b") + at(30, "c") + ends("a b c"),
			[]string{
				"a stopped@09:00:00 ()", "b not-told/stopped@09:01:00 (how many of its kind were live is not told)",
				"c not-told/stopped@09:30:00 (whether the circuit breaker was still closed is not told)",
			},
			"- 09:01 -",
		},
		"in another account the budget is another": {
			fleet + at(0, "a") + at(1, "b") + job("09:02:00", "ds@444455556666", "c") + ends("a b"),
			[]string{"a stopped@09:00:00 ()", "b stopped@09:01:00 ()", "c not-told/stopped@09:02:00 (" + untold + ")"},
			"- - -",
		},
	} {
		r := history(t, c.past).play(two)
		var got []string
		for _, l := range outcomes(r) {
			if !strings.HasPrefix(l, "f") {
				resource, rest, _ := strings.Cut(l, " ")
				_, stops, _ := strings.Cut(rest, " sent@")
				_, stops, _ = strings.Cut(stops, " ")
				got = append(got, resource+" "+stops)
			}
		}
		if diff := gocmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		opened := "- - -"
		if len(r.Breakers[asif.New]) > 0 {
			b := r.Breakers[asif.New][0]
			clock := func(t time.Time) string {
				if t.IsZero() {
					return "-"
				}
				return t.Format("15:04")
			}
			opened = clock(b.OpenedAt) + " " + clock(b.MayOpenAt) + " " + clock(b.AssumedAt)
			if b.Why == "" || b.Account != "111122223333" || b.Region != "eu-west-1" {
				t.Errorf("%s: %+v", name, b)
			}
		}
		if opened != c.opened {
			t.Errorf("%s: the breaker opens at %s, want %s", name, opened, c.opened)
		}
	}
}

// TestKinds: what is not reported counts in the budget all the same.
func TestKinds(t *testing.T) {
	p := history(t, job("09:00:00", "ds", "a")+"19:00:00 native a Completed\n"+
		`09:01:00 ds CreateProcessingJob {"processingJobName":"p","roleArn":"r"}
10:00:00 ds StopProcessingJob {"processingJobName":"p"}
09:02:00 ds@444455556666 CreateTrainingJob {"trainingJobName":"x","roleArn":"r"}
`)
	const one = "response: {mode: stop, stop: {budget: {stops: 1, share: 100}}}\n"
	want(t, p.play(one, func(o *asif.Options) { o.Kinds = []kind.Kind{kind.ProcessingJob} }), "p FAILED HIGH sent@09:01:00 held@09:01:00 (the rules allow no more stops for now)")
	want(t, p.play(one, func(o *asif.Options) { o.Accounts = []string{"444455556666"} }), "x FAILED HIGH sent@09:02:00 not-told/stopped@09:02:00 (whether it still ran is not told)")
}

// TestChildren: a job of a tuning job that fails is left to it, and one of which the
// tuning job is not among the records is not told of.
func TestChildren(t *testing.T) {
	child := func(name, parent string) string {
		return fmt.Sprintf(`{"TrainingJobName":%q,"TrainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/%s","TrainingJobStatus":"InProgress","CreationTime":"2026-11-02T09:05:00Z","LastModifiedTime":"2026-11-02T09:05:00Z",
 "TuningJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/%s","EnableNetworkIsolation":false}`, name, name, parent)
	}
	p := history(t, `09:00:00 ds CreateHyperParameterTuningJob {"hyperParameterTuningJobName":"tune","hyperParameterTuningJobConfig":{},"trainingJobDefinition":{"roleArn":"r"}}
10:00:00 ds StopHyperParameterTuningJob {"hyperParameterTuningJobName":"tune"}
10:00:00 ds StopTrainingJob {"trainingJobName":"tune-1"}
10:00:00 ds StopTrainingJob {"trainingJobName":"other-1"}
`)
	p.add(child("tune-1", "tune"))
	p.add(child("other-1", "other"))
	want(t, p.play(stop),
		"tune FAILED HIGH sent@09:00:00 stopped@09:00:00 ()",
		"tune-1 FAILED HIGH inherited@09:05:00 withheld@09:05:00 (what it belongs to is stopped, or fails itself)",
		"other-1 FAILED HIGH sent@09:05:00 not-told@09:05:00 (what it belongs to is not known)",
	)
}

// TestUntimed: what has no time is judged, and nothing is said of when.
func TestUntimed(t *testing.T) {
	p := history(t, "")
	p.add(`{"TrainingJobName":"j","RoleArn":"r","OutputDataConfig":{}}`)
	p.add(`{"ModelName":"m","ExecutionRoleArn":"r","PrimaryContainer":{"Image":"i"}}`)
	r := p.play(stop + "  ")
	want(t, r, "j FAILED HIGH not-told@00:00:00 (the record does not tell when it was made)", "m FAILED HIGH")
	if !r.From.IsZero() || !r.To.IsZero() || len(r.Days()) != 0 || r.Total().Counts[asif.New].Failed != 2 {
		t.Errorf("%v to %v, %+v", r.From, r.To, r.Days())
	}
	// Refused calls are nobody's history.
	p = history(t, "")
	p.add(`{` + envelope + `,"eventTime":"2026-11-02T09:00:00Z","eventID":"x","eventName":"CreateTrainingJob","errorCode":"AccessDenied","recipientAccountId":"111122223333","requestParameters":{"trainingJobName":"j"}}`)
	p.add(`{` + envelope + `,"eventTime":"2026-11-02T09:00:00Z","eventID":"y","eventName":"StopTrainingJob","recipientAccountId":"111122223333","requestParameters":{}}`)
	want(t, p.play(stop))
}

// TestNativesAlone: events of SageMaker's own are judged where no record of the
// creation told more.
func TestNativesAlone(t *testing.T) {
	want(t, history(t, "09:00:00 native j InProgress\n10:00:00 native j Completed").play(stop),
		"j FAILED MEDIUM sent@09:00:00 not-told@09:00:00 (not all of its network settings are told)")
}

// TestWhy: what made the difference is told with the place in the rules file.
func TestWhy(t *testing.T) {
	allow := "allow: [{accounts: ['*'], subnets: [subnet-1, subnet-2], security-groups: [sg-1]}]\n"
	for name, c := range map[string]struct {
		past, rules string
		want        []string
	}{
		"nothing": {job("09:00:00", "ds", "j", inVPC), "", nil},
		"a rule": {
			job("09:00:00", "ds", "j", inVPC), "rules: {isolation-required: on}\n",
			[]string{"isolation-required: FAILED MEDIUM: network isolation is off (as if), off (current)"},
		},
		"a rule, off": {
			job("09:00:00", "ds", "j"), "rules: {no-own-internet: off, vpc-required: off}\n",
			[]string{"no-own-internet: off (as if), FAILED HIGH: reaches the Internet on its own path: no VPC is configured and network isolation is off (current)"},
		},
		"another rule says it": {
			job("09:00:00", "ds", "j"), "rules: {no-own-internet: off}\n",
			[]string{
				"vpc-required: FAILED MEDIUM: no VPC is configured: artifacts move over the service's own network (as if), no failure (current)",
				"no-own-internet: off (as if), FAILED HIGH: reaches the Internet on its own path: no VPC is configured and network isolation is off (current)",
			},
		},
		"an override": {
			job("09:00:00", "ds", "j", inVPC), "overrides:\n  - match: {names: ['j*']}\n    rules: {isolation-required: on}\n",
			[]string{"isolation-required: FAILED MEDIUM by the override on line 3: network isolation is off (as if), off (current)"},
		},
		"an override that may match": {
			job("09:00:00", "ds", "j", inVPC, `"tags":"HIDDEN_DUE_TO_SECURITY_REASONS"`), "overrides:\n  - match: {tags: {a: b}}\n    rules: {isolation-required: on}\n",
			[]string{"isolation-required: cannot be told, where another override may match (as if), off (current)"},
		},
		"an override that narrows": {
			job("09:00:00", "ds", "j", inVPC), allow + "overrides:\n  - match: {names: ['j*']}\n    allow: {subnets: [subnet-2]}\n",
			[]string{"subnet-allowed: FAILED HIGH by the override on line 4: subnet subnet-1 is not in the allow-list of account 111122223333 (as if), off (current)"},
		},
		"an exception": {
			job("09:00:00", "ds", "j"), "exceptions: [{id: X, owner: o, reason: r, expires: 2027-01-01, rules: [no-own-internet], match: {accounts: ['111122223333']}}]\n",
			[]string{"no-own-internet: allowed by exception X (as if), FAILED HIGH: reaches the Internet on its own path: no VPC is configured and network isolation is off (current)"},
		},
		"a team": {
			job("09:00:00", "ds", "j"), "response: {routes: [{match: {names: ['j*']}, team: ml}]}\n",
			[]string{"team: ml (as if), the default topic (current)"},
		},
		"a team that is told nothing": {job("09:00:00", "ds", "j", inVPC), "response: {routes: [{match: {names: ['j*']}, team: ml}]}\n", nil},
		"a mode": {
			job("09:00:00", "ds", "j"), "response:\n  modes:\n    - {match: {kinds: [training-job]}, mode: observe}\n",
			[]string{"mode: observe by line 4 (as if), notify (current)"},
		},
	} {
		if diff := gocmp.Diff(c.want, history(t, c.past).play(c.rules).Resources[0].Why); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestWhyRails: where both files ask for stops, what they allow of them differs.
func TestWhyRails(t *testing.T) {
	past := job("09:00:00", "ds", "a") + job("09:01:00", "ds", "b") + "19:00:00 native a Completed\n19:00:00 native b Completed\n"
	load := func(rails string) asif.Side {
		if rails != "" {
			rails = ", stop: {" + rails + "}"
		}
		f, err := rules.Load("x", []byte("version: 1\nresponse: {mode: stop"+rails+"}\n"), kind.Kinds())
		if err != nil {
			t.Fatal(err)
		}
		return asif.Side{File: f}
	}
	for name, c := range map[string]struct {
		current, as string
		of          int
		want        string
	}{
		"severity": {"severity: critical", "severity: high", 0, "stops what is at least: high (as if), critical (current)"},
		"grace":    {"", "grace: 1h30m", 0, "grace: 1h30m (as if), 0s (current)"},
		"budget":   {"", "budget: {stops: 1, within: 2h}", 1, "budget: 1 in 2h and 20 % (as if), 5 in 10m and 20 % (current)"},
	} {
		r := history(t, past).play("", func(o *asif.Options) { o.Sides = [2]asif.Side{load(c.current), load(c.as)} })
		if got := strings.Join(r.Resources[c.of].Why, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// Every stop, by its time.
	r := history(t, job("09:10:00", "ds", "c")+past).play("", func(o *asif.Options) { o.Sides = [2]asif.Side{load("grace: 1h"), load("severity: critical")} })
	var lines []string
	for side := range r.Sides {
		for _, s := range r.Stops(side) {
			lines = append(lines, fmt.Sprint(side, " ", s.Resource.Name, " ", s.State, " ", s.At.Format("15:04")))
		}
	}
	if diff := gocmp.Diff([]string{
		"0 a stopped 10:00", "0 b not-told 10:01", "0 c not-told 10:10", "1 a withheld 09:00", "1 b withheld 09:01", "1 c withheld 09:10",
	}, lines); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if c := r.Total().Counts; c[0].Announced != 3 || c[0].Stopped != 1 || c[0].NotTold != 2 || c[1].Withheld != 3 {
		t.Errorf("%+v", c)
	}
	// The same rails, and another job took what there was.
	other := load("budget: {stops: 1, share: 100}")
	other.File.Rules[rules.IsolationRequired] = rules.Setting{On: true}
	other.File.Response.Stop.Severity = rules.Medium
	same := load("budget: {stops: 1, share: 100}")
	same.File.Response.Stop.Severity = rules.Medium
	r = history(t, job("08:59:00", "ds", "first", inVPC)+"19:00:00 native first Completed\n"+past).play("", func(o *asif.Options) { o.Sides = [2]asif.Side{same, other} })
	if got := strings.Join(r.Resources[1].Why, "; "); !strings.Contains(got, "other stops left other room in the budget") {
		t.Errorf("%q", got)
	}
}

// TestCounts: by day, team and rule.
func TestCounts(t *testing.T) {
	r := history(t, job("09:00:00", "ds", "a")+job("2026-11-03T09:00:00Z", "ds", "b", inVPC)+job("2026-11-03T10:00:00Z", "ds", "c", `"enableNetworkIsolation":true`)+
		`2026-11-03T11:00:00Z ds CreateLabelingJob {"labelingJobName":"l"}`+"\n").play("rules: {isolation-required: on}\nresponse: {routes: [{match: {names: [b]}, team: ml}]}\n")
	var got []string
	for _, l := range append(append([]asif.Line{r.Total()}, r.Days()...), r.Teams()...) {
		for side, c := range l.Counts {
			got = append(got, fmt.Sprintf("%s/%d: %d judged, %d failed %v, %d passed, %d no rule, %d alerts", l.Name, side, c.Resources, c.Failed, c.Severity, c.Passed, c.NoRule, c.Alerts))
		}
	}
	for _, l := range r.Rules() {
		got = append(got, fmt.Sprintf("%s: %v failed", l.Rule, l.Failed))
	}
	if diff := gocmp.Diff([]string{
		"/0: 4 judged, 2 failed map[HIGH:1 MEDIUM:1], 1 passed, 1 no rule, 2 alerts",
		"/1: 4 judged, 3 failed map[HIGH:1 MEDIUM:2], 0 passed, 1 no rule, 3 alerts",
		"2026-11-02/0: 1 judged, 1 failed map[HIGH:1], 0 passed, 0 no rule, 1 alerts",
		"2026-11-02/1: 1 judged, 1 failed map[HIGH:1], 0 passed, 0 no rule, 1 alerts",
		"2026-11-03/0: 3 judged, 1 failed map[MEDIUM:1], 1 passed, 1 no rule, 1 alerts",
		"2026-11-03/1: 3 judged, 2 failed map[MEDIUM:2], 0 passed, 1 no rule, 2 alerts",
		"/0: 4 judged, 2 failed map[HIGH:1 MEDIUM:1], 1 passed, 1 no rule, 2 alerts",
		"/1: 3 judged, 2 failed map[HIGH:1 MEDIUM:1], 0 passed, 1 no rule, 2 alerts",
		"ml/0: 0 judged, 0 failed map[], 0 passed, 0 no rule, 0 alerts",
		"ml/1: 1 judged, 1 failed map[MEDIUM:1], 0 passed, 0 no rule, 1 alerts",
		"vpc-required: [1 1] failed",
		"no-own-internet: [1 1] failed",
		"isolation-required: [0 2] failed",
	}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
