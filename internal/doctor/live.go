package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// LiveTimeout is how long a stage of the self-test may take unless it is told
// otherwise. CloudTrail does not promise how soon it delivers events.
const LiveTimeout = 10 * time.Minute

// selfTest is the group of the stages; see [LiveChecks].
const selfTest = "Self-test"

// LiveChecks are the stages of the self-test, in their order.
func LiveChecks() []Check {
	return []Check{
		{ID: "live-create", Group: selfTest, Why: "the call that is to be noticed"},
		{ID: "live-ledger", Group: selfTest, Why: "trail, rule, queue, audit, SageMaker and ledger work together"},
		{ID: "live-finding", Group: selfTest, Why: "stream, publish and Security Hub work together"},
		{ID: "live-delete", Group: selfTest, Why: "nothing of it is left"},
		{ID: "live-gone", Group: selfTest, Why: "a deletion is noticed as well"},
		{ID: "live-archived", Group: selfTest, Why: "what is over does not stay open in Security Hub; respond told of it"},
		{ID: "live-cleanup", Group: selfTest, Why: "the pipeline must not stay"},
		{ID: "live-rest", Group: "Not proved", Why: "the self-test does not see it"},
	}
}

// Live is a self-test: a pipeline that fails the rules is created, never run, and
// deleted.
type Live struct {
	*session
	// Name is the pipeline's.
	Name, role string
	timeout    time.Duration
	poll       time.Duration
	// there says that the pipeline may be there: it was created, or the answer to
	// the call was lost.
	there bool
	// Tell is told what is waited for, and since when; may be nil.
	Tell func(stage string, since time.Duration)
	// Done is given each line when there is one.
	Done func(Line)
}

var roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):role/[A-Za-z0-9+=,.@_/-]+$`)

// NewLive prepares a self-test, and calls nothing. The role is that of the
// pipeline, which never uses it.
func (d *Doctor) NewLive(role string, timeout time.Duration) (*Live, error) {
	m := roleARN.FindStringSubmatch(role)
	switch {
	case m == nil:
		return nil, fmt.Errorf("--role %q: want the ARN of a role, such as arn:aws:iam::%s:role/SageMakerExecution", role, d.account)
	case m[2] != d.account:
		return nil, fmt.Errorf("--role %s is of the account %s, and you are in %s", role, m[2], d.account)
	case timeout <= 0:
		return nil, fmt.Errorf("--timeout %s: want a time such as 10m", timeout)
	case d.stack == nil && !d.described.got:
		return nil, fmt.Errorf("the stack %s: %s", d.stackName, d.described.unknown("").Found)
	case len(d.several) > 0:
		return nil, fmt.Errorf("there is no stack %s in %s, and of a StackSet %s: --stack says which is meant", d.stackName, d.region, list(d.several))
	case d.stack == nil:
		return nil, fmt.Errorf("there is no stack %s in %s: deploy first", d.stackName, d.region)
	case d.stack.out(OutTable) == "":
		return nil, fmt.Errorf("the stack %s has no output %s: see sagemoat doctor", d.stackName, OutTable)
	}
	return &Live{
		session: d.session, Name: "sagemoat-selftest-" + d.Now().UTC().Format("20060102-150405"),
		role: role, timeout: timeout, poll: 2 * time.Second, Done: func(Line) {},
	}, nil
}

// LiveActions are the IAM actions that the self-test needs of the caller.
func LiveActions() []string {
	return []string{
		"cloudformation:DescribeStacks", "dynamodb:GetItem", "iam:PassRole", "sagemaker:CreatePipeline", "sagemaker:DeletePipeline", "securityhub:GetFindings",
	}
}

// Plan says what the self-test does, what it costs, and what it needs.
func (l *Live) Plan() string {
	return fmt.Sprintf(`This is a self-test on the real account %s, Region %s, stack %s.

It creates   the SageMaker pipeline %s
             with the role %s.
             Its one step is a training job without a VPC, so that it fails the rules.
             It is never run, and the role is not used. Then it is deleted.
It leaves    an entry in the ledger for 90 days, an archived finding in Security Hub,
             and one alert to whoever the rules send it to: tell them.
It costs     nothing for the pipeline; a few calls of the functions, and about three
             updates of a finding: less than 0.01 USD.
It needs     %s,
             and iam:PassRole for that role.
It takes     seconds to minutes; %s at most for each stage. Ctrl-C cleans up.
`, l.account, l.region, l.stackName, l.Name, l.role, strings.Join(without(LiveActions(), "iam:PassRole"), ",\n             "), l.timeout)
}

func without(all []string, one string) (out []string) {
	for _, s := range all {
		if s != one {
			out = append(out, s)
		}
	}
	return out
}

// cleanupWithin is how long cleaning up may take, whatever ended the test.
const cleanupWithin = 30 * time.Second

// Run runs the self-test. Whatever happens after the call that creates the
// pipeline, also that the context ends, the pipeline is deleted, and the report
// says whether it was. The error is that of the context.
func (l *Live) Run(ctx context.Context) (*Report, error) {
	r := &Report{Account: l.account, Region: l.region, Stack: l.stackName}
	add := func(line Line) bool {
		for _, c := range LiveChecks() {
			if c.ID == line.Check {
				line.Group, line.Why = c.Group, c.Why
			}
		}
		r.Lines = append(r.Lines, line)
		l.Done(line)
		return line.Status == OK
	}
	stages := []struct {
		check string
		do    func(context.Context) Line
	}{
		{"live-create", l.create},
		{"live-ledger", l.judged},
		{"live-finding", l.imported},
		{"live-delete", l.deleted},
		{"live-gone", l.forgotten},
		{"live-archived", l.archived},
	}
	stopped := ""
	for _, s := range stages {
		if stopped != "" {
			add(line(s.check, NotChecked, "not reached: "+stopped+" did not succeed"))
			continue
		}
		since := l.Now()
		found := s.do(ctx)
		found.Seconds = l.Now().Sub(since).Seconds()
		if ctx.Err() != nil && found.Status != OK {
			found.Status, found.Found = Unknown, "interrupted"
		}
		if !add(found) {
			stopped = s.check
		}
	}
	if l.there {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupWithin)
		defer cancel()
		if l.Tell != nil {
			l.Tell("live-cleanup", 0)
		}
		add(l.deletion(cctx, "live-cleanup"))
	}
	for _, found := range []string{
		"whether the alert arrived with a person: look for it in the mailbox or chat, by the name " + l.Name,
		"whether a running job would be stopped: nothing was running",
		"events of the other kinds: they come the same way, by other patterns (sagemoat doctor compares those)",
	} {
		add(line("live-rest", NotChecked, found))
	}
	return r, ctx.Err()
}

// definition is that of the pipeline: one training job without a VPC. What it
// names does not exist.
// https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
func (l *Live) definition() string {
	type m = map[string]any
	return inJSON(m{
		"Version": "2020-12-01", "Metadata": m{}, "Parameters": []any{},
		"Steps": []any{m{"Name": "NeverRun", "Type": "Training", "Arguments": m{
			"AlgorithmSpecification": m{"TrainingImage": l.account + ".dkr.ecr." + l.region + ".amazonaws.com/sagemoat-selftest:none", "TrainingInputMode": "File"},
			"RoleArn":                l.role,
			"OutputDataConfig":       m{"S3OutputPath": "s3://sagemoat-selftest/none"},
			"ResourceConfig":         m{"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
			"StoppingCondition":      m{"MaxRuntimeInSeconds": 60},
		}}},
	})
}

// create creates the pipeline.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
func (l *Live) create(ctx context.Context) Line {
	a := ask[struct{ PipelineArn string }](ctx, l.json, awsjson.SageMaker(), "CreatePipeline", map[string]any{
		"PipelineName": l.Name, "PipelineDescription": "Self-test of sagemoat: never run, and deleted at once", "RoleArn": l.role,
		"PipelineDefinition": l.definition(), "ClientRequestToken": strings.Repeat(l.Name, 2),
	})
	var api smithy.APIError
	l.there = !errors.As(a.err, &api) || api.ErrorFault() == smithy.FaultServer
	if a.got {
		return line("live-create", OK, a.value.PipelineArn)
	}
	out := a.unknown("live-create")
	if len(out.Missing) == 0 {
		out.Status = Failed
	}
	return out.with("the caller needs sagemaker:CreatePipeline, and iam:PassRole for " + l.role)
}

// deleted deletes the pipeline in a later second than audit looked at it: records tell
// seconds, and of two things within one audit has to find out the order, which takes
// minutes.
func (l *Live) deleted(ctx context.Context) Line {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return l.deletion(ctx, "live-delete")
}

// deletion deletes the pipeline. One that is not there is deleted, too: the answer
// to its creation may have been lost.
func (l *Live) deletion(ctx context.Context, check string) Line {
	a := ask[struct{}](ctx, l.json, awsjson.SageMaker(), "DeletePipeline", map[string]any{"PipelineName": l.Name, "ClientRequestToken": strings.Repeat(l.Name, 2)})
	if a.got || awsjson.Missing(a.err) {
		l.there = false
		return line(check, OK, l.Name+" is deleted")
	}
	return line(check, Failed, l.Name+" IS STILL THERE, if it was created: "+telemetry.ErrorText(a.err), l.aws("sagemaker", "delete-pipeline", "--pipeline-name", l.Name))
}

// resource is the pipeline in the ledger.
func (l *Live) resource() string { return string(kind.Pipeline) + "/" + l.Name }

// await asks again and again until there is an answer, the stage's time is over,
// or the context ends. ask returns the line once it is known, and until then what
// there is.
func (l *Live) await(ctx context.Context, check string, ask func(context.Context) (done bool, found Line)) Line {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	since := l.Now()
	tick := time.NewTicker(l.poll)
	defer tick.Stop()
	last := line(check, Failed, "nothing was found")
	for {
		done, found := ask(ctx)
		if done {
			return found
		}
		if ctx.Err() == nil {
			last = found
		}
		if l.Tell != nil {
			l.Tell(check, l.Now().Sub(since))
		}
		select {
		case <-ctx.Done():
			last.Found = fmt.Sprintf("after %s: %s", l.timeout, last.Found)
			return last
		case <-tick.C:
		}
	}
}

// final says whether there is no use in asking again.
func (l *Line) final() bool { return len(l.Missing) > 0 || l.Status == Failed }

// entry reads the pipeline's entry.
func (l *Live) entry(ctx context.Context, check string) (*ledger.Entry, *Line) {
	e, err := l.ledger().Entry(ctx, l.resource())
	if err != nil {
		u := answered("dynamodb:GetItem", e, err).unknown(check)
		return nil, &u
	}
	return e, nil
}

// judged waits until audit has judged the pipeline.
func (l *Live) judged(ctx context.Context) Line {
	const check = "live-ledger"
	return l.await(ctx, check, func(ctx context.Context) (bool, Line) {
		e, trouble := l.entry(ctx, check)
		switch {
		case trouble != nil:
			return trouble.final(), *trouble
		case e == nil:
			return false, line(check, Failed, "audit has not heard of it", "sagemoat doctor").with("trail, event rules, queue, audit: sagemoat doctor looks at each")
		}
		v := &e.Verdict
		said := strings.TrimSpace(string(v.Compliance)+" "+string(v.Severity)) + ", class " + v.Class
		switch {
		case v.Compliance == rules.Failed && e.Origin.At.IsZero():
			// What it cannot tell is whether the event comes later.
			return false, line(check, Failed, said+", and by the sweep: no event told of it", "sagemoat doctor")
		case v.Compliance == rules.Failed:
			return true, line(check, OK, said+", by the event "+e.Origin.Event)
		case v.Compliance == rules.Passed:
			return true, line(check, Failed, said+": the rules in force let it pass, so there is no finding to wait for", "sagemoat doctor").
				with("a rule is off, or an exception matches: the self-test needs no-own-internet or vpc-required")
		}
		return false, line(check, Failed, strings.TrimSpace(said+": "+v.Notice.Title), l.aws("logs", "tail", "/aws/lambda/"+l.stack.out(OutAudit), "--since", "15m"))
	})
}

// selfFinding is what the self-test reads of a finding.
type selfFinding struct {
	ID          string `json:"Id"`
	RecordState string
	Compliance  struct{ Status string }
}

// finding reads the pipeline's finding; nil where there is none.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html
func (l *Live) finding(ctx context.Context, check string) (*selfFinding, *Line) {
	e, trouble := l.entry(ctx, check)
	if trouble != nil || e == nil {
		return nil, trouble
	}
	type page struct{ Findings []selfFinding }
	equals := func(v string) any { return []any{map[string]string{"Value": v, "Comparison": "EQUALS"}} }
	a := ask[page](ctx, l.json, awsjson.SecurityHub(), "GetFindings", map[string]any{
		"MaxResults": 10,
		"Filters":    map[string]any{"Id": equals(publish.ID(e)), "ProductArn": equals(l.arn("securityhub", "product/"+l.account+"/default"))},
	})
	if !a.got {
		u := a.unknown(check)
		if a.code() == "InvalidAccessException" {
			u = line(check, Failed, "Security Hub is not enabled", l.aws("securityhub", "enable-security-hub", "--no-enable-default-standards"))
		}
		return nil, &u
	}
	for i := range a.value.Findings {
		if a.value.Findings[i].ID == publish.ID(e) {
			return &a.value.Findings[i], nil
		}
	}
	return nil, nil
}

// imported waits until the finding is in Security Hub.
func (l *Live) imported(ctx context.Context) Line {
	const check = "live-finding"
	return l.await(ctx, check, func(ctx context.Context) (bool, Line) {
		f, trouble := l.finding(ctx, check)
		switch {
		case trouble != nil:
			return trouble.final(), *trouble
		case f == nil:
			return false, line(check, Failed, "it is not in Security Hub", l.aws("logs", "tail", "/aws/lambda/"+l.stack.out(OutPublish), "--since", "15m")).with(Riddle)
		case f.RecordState == "ACTIVE" && f.Compliance.Status == string(rules.Failed):
			return true, line(check, OK, "FAILED, ACTIVE: "+f.ID)
		}
		return false, line(check, Failed, fmt.Sprintf("it is %s, %s", f.Compliance.Status, f.RecordState), "sagemoat doctor")
	})
}

// forgotten waits until audit knows that the pipeline is gone.
func (l *Live) forgotten(ctx context.Context) Line {
	const check = "live-gone"
	return l.await(ctx, check, func(ctx context.Context) (bool, Line) {
		e, trouble := l.entry(ctx, check)
		switch {
		case trouble != nil:
			return trouble.final(), *trouble
		case e == nil:
			return false, line(check, Failed, "the ledger has no entry of it any more", "sagemoat doctor")
		case e.Life.State == ledger.Gone:
			return true, line(check, OK, "the ledger has it as gone")
		}
		return false, line(check, Failed, "the ledger has it as "+string(e.Life.State), "sagemoat doctor")
	})
}

// archived waits until the finding is archived, which is when somebody was alerted
// of it.
func (l *Live) archived(ctx context.Context) Line {
	const check = "live-archived"
	return l.await(ctx, check, func(ctx context.Context) (bool, Line) {
		f, trouble := l.finding(ctx, check)
		switch {
		case trouble != nil:
			return trouble.final(), *trouble
		case f == nil:
			return false, line(check, Failed, "Security Hub does not show the finding any more", "sagemoat doctor")
		case f.RecordState == "ARCHIVED":
			return true, line(check, OK, "ARCHIVED")
		}
		found := line(check, Failed, "the finding is still "+f.RecordState, l.aws("logs", "tail", "/aws/lambda/"+l.stack.out(OutRespond), "--since", "15m"))
		if r, err := l.ledger().Response(ctx, l.resource()); err == nil && (r == nil || r.Alert.At.IsZero()) {
			found = found.with("respond has not told of it, and until then a finding stays open. While the first sweep is under way, it tells in one digest at its end: sagemoat doctor says how far it is")
		}
		return false, found
	})
}
