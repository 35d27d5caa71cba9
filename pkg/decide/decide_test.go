package decide

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rails"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

var now = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

// training is a training job that fails, as its record told of it.
func training(name string) *Matter {
	row, _ := kind.Of(kind.TrainingJob)
	e := &ledger.Entry{
		Resource: "training-job/" + name, Kind: kind.TrainingJob, Key: name, Name: name,
		ARN:       "arn:aws:sagemaker:eu-west-1:111122223333:training-job/" + name,
		Partition: "aws", Account: "111122223333", Region: "eu-west-1", Created: now,
		Origin:  ledger.Origin{At: now, Principal: "arn:aws:iam::111122223333:role/ds"},
		Life:    ledger.Life{At: now, State: ledger.Live, Status: "InProgress"},
		Verdict: ledger.Verdict{At: now, Whole: true, Class: "b-internet", Compliance: rules.Failed, Severity: rules.High},
		Written: now,
	}
	return &Matter{Row: row, Entry: e, Response: &ledger.Response{Resource: e.Resource, Created: now}}
}

// owned is one that belongs to a tuning job that fails too.
func owned() *Matter {
	m := training("child")
	m.Entry.Verdict.Notice.Owner = "hyper-parameter-tuning-job/t"
	m.Owner = &ledger.Entry{
		Resource: "hyper-parameter-tuning-job/t", Written: now, Life: ledger.Life{State: ledger.Live},
		Verdict: ledger.Verdict{Compliance: rules.Failed, Severity: rules.High},
	}
	m.OwnerResponse = &ledger.Response{Alert: ledger.Alert{At: now, How: ledger.Sent, Compliance: rules.Failed}}
	return m
}

func here() *Circumstances {
	file := rules.Default()
	file.Response.Mode = rules.Stop
	return &Circumstances{Scope: kind.Scope{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}, File: file, Most: rules.Stop, Current: true, Now: now}
}

func TestRenew(t *testing.T) {
	m := training("j")
	m.Response = nil
	m.Renew()
	if diff := cmp.Diff(&ledger.Response{Resource: "training-job/j", Created: now}, m.Response); diff != "" {
		t.Error(diff)
	}
	done := ledger.Response{Resource: "training-job/j", Version: 3, Written: now, Over: true}
	for name, c := range map[string]struct {
		of, is time.Time
		keeps  bool
	}{
		"the same":                      {now.Add(-5 * time.Second), now, true},
		"an earlier one of the name":    {now.Add(-6 * time.Second), now, false},
		"one that nobody told of":       {time.Time{}, now, true},
		"of which nobody told anything": {now, time.Time{}, true},
	} {
		r := done
		r.Created, m.Response, m.Entry.Created = c.of, &r, c.is
		m.Renew()
		if m.Response.Over != c.keeps || m.Response.Version != 3 || !m.Response.Written.Equal(now) || c.of.IsZero() && !m.Response.Created.Equal(c.is) || !c.keeps && !m.Response.Created.Equal(now) {
			t.Errorf("%s: %+v", name, m.Response)
		}
	}
}

func TestLife(t *testing.T) {
	m := training("j")
	for state, over := range map[ledger.State]bool{ledger.Live: false, ledger.Ended: true, ledger.Gone: true, "": false} {
		if m.Entry.Life.State = state; m.IsOver() != over {
			t.Errorf("%s: over %v", state, m.IsOver())
		}
	}
	for status, runs := range map[string]bool{"InProgress": true, "Stopping": false, "": false} {
		if m.Entry.Life.Status = status; m.Runs() != runs {
			t.Errorf("%q: runs %v", status, m.Runs())
		}
	}
}

func TestMode(t *testing.T) {
	e := training("j").Entry
	f := rules.Default()
	f.Response.Mode = rules.Observe
	f.Response.Modes = []rules.ModeOverride{{Match: rules.Match{Roles: []string{e.Origin.Principal}, Accounts: []string{e.Account}, Regions: []string{e.Region}, Kinds: []string{"training-job"}}, Mode: rules.Stop}}
	if got := Mode(f, rules.Stop, e); got != rules.Stop {
		t.Errorf("%s", got)
	}
	if got := Mode(f, rules.Notify, e); got != rules.Notify {
		t.Errorf("%s, where no more than to notify is allowed", got)
	}
	if got := Mode(nil, rules.Observe, e); got != rules.Observe {
		t.Errorf("without rules, where nothing but to observe is allowed: %s", got)
	}
	if got := Mode(nil, rules.Stop, e); got != rules.Notify {
		t.Errorf("without rules: %s", got)
	}
	want := &rules.Subject{Kind: kind.TrainingJob, Name: "j", ARN: e.ARN, Account: "111122223333", Region: "eu-west-1", Principal: "arn:aws:iam::111122223333:role/ds"}
	if diff := cmp.Diff(want, About(e)); diff != "" {
		t.Error(diff)
	}
}

func TestAlert(t *testing.T) {
	before := Alerted(training("j").Entry, ledger.Sent, now)
	if want := (ledger.Alert{At: now, How: ledger.Sent, Class: "b-internet", Compliance: rules.Failed, Severity: rules.High}); before != want {
		t.Errorf("%+v", before)
	}
	observed := before
	observed.How = ledger.Observed
	lesser := before
	lesser.Severity = rules.Medium
	silent := owned()
	silent.OwnerResponse = nil
	for name, c := range map[string]struct {
		m     *Matter
		told  ledger.Alert
		mode  rules.Mode
		batch map[string]bool
		how   ledger.How
		worse bool
	}{
		"new":                           {training("j"), ledger.Alert{}, rules.Notify, nil, ledger.Sent, true},
		"as before":                     {training("j"), before, rules.Stop, nil, ledger.Sent, false},
		"worse":                         {training("j"), lesser, rules.Notify, nil, ledger.Sent, true},
		"observed":                      {training("j"), ledger.Alert{}, rules.Observe, nil, ledger.Observed, true},
		"observed, as before":           {training("j"), observed, rules.Observe, nil, ledger.Observed, false},
		"observed before, and told now": {training("j"), observed, rules.Notify, nil, ledger.Sent, true},
		"inherited":                     {owned(), ledger.Alert{}, rules.Notify, nil, ledger.Inherited, true},
		"inherited in the batch":        {silent, ledger.Alert{}, rules.Notify, map[string]bool{"hyper-parameter-tuning-job/t": true}, ledger.Inherited, true},
		"its owner was not told of":     {silent, ledger.Alert{}, rules.Notify, nil, ledger.Sent, true},
		"observed, and inherited":       {owned(), ledger.Alert{}, rules.Observe, nil, ledger.Observed, true},
	} {
		c.m.Response.Alert = c.told
		if how, worse := c.m.Alert(c.mode, c.batch); how != c.how || worse != c.worse {
			t.Errorf("%s: %s, worse %v", name, how, worse)
		}
	}
}

// TestOwner: whose alert tells of a matter, and whether that comes first.
func TestOwner(t *testing.T) {
	for name, c := range map[string]struct {
		edit            func(*Matter)
		told            map[string]bool
		inherits, first bool
	}{
		"told of":                   {func(*Matter) {}, nil, true, false},
		"none":                      {func(m *Matter) { m.Owner = nil }, nil, false, false},
		"passes":                    {func(m *Matter) { m.Owner.Verdict.Compliance = rules.Passed }, nil, false, false},
		"observed":                  {func(m *Matter) { m.OwnerResponse.Alert.How = ledger.Observed }, nil, false, false},
		"told of something else":    {func(m *Matter) { m.OwnerResponse.Alert.Compliance = rules.Warning }, nil, false, true},
		"not told of":               {func(m *Matter) { m.OwnerResponse.Alert = ledger.Alert{} }, nil, false, true},
		"nothing known":             {func(m *Matter) { m.OwnerResponse = nil }, nil, false, true},
		"in the batch":              {func(m *Matter) { m.OwnerResponse = nil }, map[string]bool{"hyper-parameter-tuning-job/t": true}, true, false},
		"another in the batch":      {func(m *Matter) { m.OwnerResponse = nil }, map[string]bool{"x": true}, false, true},
		"waited for long enough":    {func(m *Matter) { m.OwnerResponse = nil; m.Owner.Written = now.Add(-Pending) }, nil, false, false},
		"waited for almost as long": {func(m *Matter) { m.OwnerResponse = nil; m.Owner.Written = now.Add(-Pending + 1) }, nil, false, true},
	} {
		m := owned()
		c.edit(m)
		if got := m.Inherits(c.told); got != c.inherits {
			t.Errorf("%s: inherits %v", name, got)
		}
		if got := m.OwnerFirst(c.told, now); got != c.first {
			t.Errorf("%s: the owner first %v", name, got)
		}
	}
}

func TestRecovers(t *testing.T) {
	for name, c := range map[string]struct {
		how            ledger.How
		was, is        rules.Compliance
		stop           ledger.StopState
		changed, heard bool
	}{
		"nothing was told":         {"", "", rules.Passed, "", false, false},
		"told":                     {ledger.Sent, rules.Failed, rules.Passed, "", true, true},
		"in a digest":              {ledger.Digested, rules.Failed, rules.Passed, "", true, true},
		"observed":                 {ledger.Observed, rules.Failed, rules.Passed, "", true, false},
		"inherited":                {ledger.Inherited, rules.Failed, rules.Passed, "", true, false},
		"a warning":                {ledger.Digested, rules.Warning, rules.Passed, "", true, false},
		"as before":                {ledger.Sent, rules.Passed, rules.Passed, "", false, false},
		"a stop alone":             {"", "", rules.Passed, ledger.Announced, true, true},
		"a stop that is not to be": {"", "", rules.Passed, ledger.Withheld, false, false},
		"no rule applies":          {ledger.Sent, rules.Failed, rules.NotAvailable, "", true, true},
	} {
		m := training("j")
		m.Entry.Verdict.Compliance = c.is
		m.Response.Stop.State = c.stop
		if c.how != "" {
			m.Response.Alert = ledger.Alert{At: now, How: c.how, Compliance: c.was}
		}
		if changed, heard := m.Recovers(); changed != c.changed || heard != c.heard {
			t.Errorf("%s: changed %v, heard %v", name, changed, heard)
		}
	}
}

func TestDigest(t *testing.T) {
	for at, want := range map[string]string{
		"2026-11-02T06:59:59Z": "2026-11-01T07:00:00Z", "2026-11-02T07:00:00Z": "2026-11-02T07:00:00Z", "2026-11-02T23:00:00Z": "2026-11-02T07:00:00Z",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := DigestDue(when).Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	warned := func(edit func(*Matter)) *Matter {
		m := owned()
		m.Entry.Verdict.Compliance, m.Owner.Verdict.Compliance, m.OwnerResponse = rules.Warning, rules.Warning, nil
		edit(m)
		return m
	}
	for name, c := range map[string]struct {
		m           *Matter
		mode, owner rules.Mode
		want        ledger.How
	}{
		"alone":                 {warned(func(m *Matter) { m.Owner = nil }), rules.Notify, "", ledger.Digested},
		"with its owner":        {warned(func(*Matter) {}), rules.Notify, rules.Notify, ledger.Inherited},
		"its owner is observed": {warned(func(*Matter) {}), rules.Notify, rules.Observe, ledger.Digested},
		"its owner is gone":     {warned(func(m *Matter) { m.Owner.Life.State = ledger.Gone }), rules.Notify, rules.Notify, ledger.Digested},
		"its owner passes":      {warned(func(m *Matter) { m.Owner.Verdict.Compliance = rules.Passed }), rules.Notify, rules.Notify, ledger.Digested},
		"its owner was told of": {owned(), rules.Notify, rules.Observe, ledger.Inherited},
		"observed":              {warned(func(*Matter) {}), rules.Observe, rules.Notify, ledger.Observed},
	} {
		if got := c.m.Digest(c.mode, c.owner); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestFacts: of a matter for which everything holds that can be told without a
// look, and with one thing otherwise at a time.
func TestFacts(t *testing.T) {
	announced := ledger.Stop{State: ledger.Announced, By: ByRules, AnnouncedAt: now}
	looked := []rails.Rail{rails.Afresh, rails.Same, rails.Switch, rails.Breaker, rails.Budget, rails.Share}
	y, n, u := posture.Yes, posture.No, posture.Unknown
	except := func(c *Circumstances, roles ...string) {
		c.File.Exceptions = []rules.Exception{{ID: "x", Expires: now.Add(1), Rules: []rules.ID{rules.NoOwnInternet}, Match: rules.Match{Roles: roles}}}
	}
	for name, c := range map[string]struct {
		edit func(m *Matter, fresh *ledger.Entry, s *ledger.Stop, c *Circumstances)
		rail rails.Rail
		want posture.Fact
	}{
		"all holds":             {nil, rails.Stoppable, y},
		"a kind that is not":    {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { m.Row, _ = kind.Of(kind.Endpoint) }, rails.Stoppable, n},
		"a key of another form": {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { m.Entry.Key = "" }, rails.Stoppable, n},
		"another account":       {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Account = "444455556666" }, rails.Ours, n},
		"another Region":        {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Region = "eu-west-2" }, rails.Ours, n},
		"another partition":     {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Partition = "aws-cn" }, rails.Ours, n},
		"another ARN":           {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.ARN += "x" }, rails.Ours, n},
		"an ARN of another's": {func(m *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) {
			m.Entry.ARN += "x"
			f.ARN = m.Entry.ARN
		}, rails.Ours, n},
		"an exception":            {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { m.Entry.Verdict.Exception = "x" }, rails.Unexcepted, n},
		"an exception, by a look": {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Verdict.Exception = "x" }, rails.Unexcepted, n},
		"one that may apply": {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) {
			m.Entry.Origin.Principal = ""
			except(c, "r")
		}, rails.Unexcepted, u},
		"one of another": {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) { except(c, "r") }, rails.Unexcepted, y},
		"one that has expired": {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) {
			m.Entry.Origin.Principal = ""
			except(c, "r")
			c.Now = now.Add(1)
		}, rails.Unexcepted, y},
		"not whole":            {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { m.Entry.Verdict.Whole = false }, rails.Whole, n},
		"not whole, by a look": {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Verdict.Whole = false }, rails.Whole, n},
		"a warning": {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, _ *Circumstances) {
			m.Entry.Verdict.Compliance = rules.Warning
		}, rails.Failed, n},
		"passes, by a look": {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) {
			f.Verdict.Compliance = rules.Passed
		}, rails.Failed, n},
		"it has ended":          {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Life.Status = "Completed" }, rails.Running, n},
		"a status nobody knows": {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Life.Status = "Dreaming" }, rails.Running, u},
		"less severe":           {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Verdict.Severity = rules.Medium }, rails.Severe, n},
		"no severity":           {func(_ *Matter, f *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { f.Verdict.Severity = "" }, rails.Severe, n},
		"another mode": {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) {
			c.File.Response.Mode = rules.Notify
		}, rails.Mode, n},
		"no rules":                 {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) { c.File = nil }, rails.Mode, u},
		"no rules, no severity":    {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) { c.File = nil }, rails.Severe, u},
		"no rules, no grace":       {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) { c.File = nil }, rails.Grace, u},
		"old rules":                {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) { c.Current = false }, rails.Current, n},
		"not announced":            {func(_ *Matter, _ *ledger.Entry, s *ledger.Stop, _ *Circumstances) { s.State = ledger.Withheld }, rails.Announced, n},
		"announced at no time":     {func(_ *Matter, _ *ledger.Entry, s *ledger.Stop, _ *Circumstances) { s.AnnouncedAt = time.Time{} }, rails.Announced, n},
		"within the grace":         {func(_ *Matter, _ *ledger.Entry, _ *ledger.Stop, c *Circumstances) { c.File.Response.Stop.Grace = 1 }, rails.Grace, n},
		"within what was promised": {func(_ *Matter, _ *ledger.Entry, s *ledger.Stop, _ *Circumstances) { s.Grace = 1 }, rails.Grace, n},
		"after the grace":          {func(_ *Matter, _ *ledger.Entry, s *ledger.Stop, c *Circumstances) { s.Grace = 1; c.Now = now.Add(1) }, rails.Grace, y},
		"an owner not known":       {func(m *Matter, _ *ledger.Entry, _ *ledger.Stop, _ *Circumstances) { m.Entry.Verdict.Notice.Owner = "x" }, rails.Alone, u},
	} {
		m := training("j")
		fresh := *m.Entry
		s, at := announced, here()
		if c.edit != nil {
			c.edit(m, &fresh, &s, at)
		}
		f := at.Facts(m, &fresh, &s)
		for _, r := range rails.Rails() {
			want := y
			if slices.Contains(looked, r) {
				want = u
			}
			if r == c.rail {
				want = c.want
			}
			// Without rules, and of another kind, more than one thing is otherwise.
			if f.Holds[r] != want && (r == c.rail || c.edit == nil) {
				t.Errorf("%s: %v is %v, want %v", name, r, f.Holds[r], want)
			}
		}
		if f.Person {
			t.Errorf("%s: by a person", name)
		}
	}
	if f := here().Facts(training("j"), training("j").Entry, &ledger.Stop{By: "arn:aws:securityhub:…"}); !f.Person {
		t.Error("nobody asked")
	}
}

func TestAlone(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Matter)
		want posture.Fact
	}{
		"its owner fails":  {func(*Matter) {}, posture.No},
		"its owner passes": {func(m *Matter) { m.Owner.Verdict.Compliance = rules.Passed }, posture.Yes},
		"its owner is to be stopped": {func(m *Matter) {
			m.Owner.Verdict.Compliance, m.OwnerResponse.Stop.State = rules.Passed, ledger.Announced
		}, posture.No},
		"its owner is not stopped": {func(m *Matter) {
			m.Owner.Verdict.Compliance, m.OwnerResponse.Stop.State = rules.Passed, ledger.Withheld
		}, posture.Yes},
		"nothing was done of that": {func(m *Matter) { m.Owner.Verdict.Compliance, m.OwnerResponse = rules.Passed, nil }, posture.Yes},
		"its owner is not known":   {func(m *Matter) { m.Owner = nil }, posture.Unknown},
	} {
		m := owned()
		c.edit(m)
		if got := here().Facts(m, m.Entry, &ledger.Stop{By: ByRules}).Holds[rails.Alone]; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestGrace(t *testing.T) {
	c := here()
	c.File.Response.Stop.Grace = time.Minute
	for _, g := range []struct {
		s    ledger.Stop
		want time.Duration
	}{
		{ledger.Stop{By: ByRules}, time.Minute},
		{ledger.Stop{By: ByRules, Grace: time.Hour}, time.Hour},
		{ledger.Stop{By: "a person", Grace: time.Hour}, 0},
	} {
		if got := c.Grace(&g.s); got != g.want {
			t.Errorf("%+v: %v", g.s, got)
		}
	}
	want := ledger.Stop{State: ledger.Announced, Operation: "StopTrainingJob", By: ByRules, AnnouncedAt: now, Grace: time.Minute}
	if got := c.Announce("StopTrainingJob"); got != want {
		t.Errorf("%+v", got)
	}
	c.File = nil
	if got := c.Grace(&ledger.Stop{By: ByRules, Grace: time.Hour}); got != 0 {
		t.Errorf("without rules: %v", got)
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		state          ledger.StopState
		status         string
		underWay, done bool
	}{
		{"", "InProgress", false, false},
		{ledger.Withheld, "InProgress", false, false},
		{ledger.Announced, "InProgress", true, false},
		{ledger.Requested, "Stopping", true, false},
		{ledger.Confirmed, "Stopped", false, true},
		{ledger.Confirmed, "InProgress", false, false},
	} {
		m := training("j")
		m.Response.Stop.State, m.Entry.Life.Status = c.state, c.status
		if underWay, done := m.Progress(); underWay != c.underWay || done != c.done {
			t.Errorf("%+v: under way %v, done %v", c, underWay, done)
		}
	}
}

// TestExpected: a stop that is not announced yet is expected where nothing but time
// and the switches are missing.
func TestExpected(t *testing.T) {
	c := here()
	c.File.Response.Stop.Grace = time.Hour
	m := training("j")
	if d := rails.Decide(c.Expected(m, ByRules)); !d.Stop {
		t.Errorf("%+v", d)
	}
	m.Entry.Life.Status = "" // as the record of a creation tells it
	if d := rails.Decide(c.Expected(m, ByRules)); !d.Stop {
		t.Errorf("a creation: %+v", d)
	}
	m.Entry.Life.State = ledger.Gone
	if d := rails.Decide(c.Expected(m, ByRules)); d.Rail != rails.Running {
		t.Errorf("what is gone: %+v", d)
	}
	m = training("j")
	m.Entry.Verdict.Severity = rules.Medium
	if d := rails.Decide(c.Expected(m, ByRules)); d.Rail != rails.Severe {
		t.Errorf("%+v", d)
	}
	if d := rails.Decide(c.Expected(m, "a person")); !d.Stop {
		t.Errorf("a person: %+v", d)
	}
}

func TestBreaker(t *testing.T) {
	budget := rules.Budget{Stops: 2, Within: 10 * time.Minute, Share: 20}
	y, n := posture.Yes, posture.No
	a, b, c := training("a").Entry, training("b").Entry, training("c").Entry
	other := *c
	other.Kind, other.Resource = kind.ProcessingJob, "processing-job/c"
	var k Breaker
	is := func(what string, e *ledger.Entry, live int, at time.Time, number, share posture.Fact, stops int) {
		t.Helper()
		if gotNumber, gotShare, got := k.Weigh(budget, e, live, at); gotNumber != number || gotShare != share || got != stops {
			t.Errorf("%s: number %v, share %v, %d stops", what, gotNumber, gotShare, got)
		}
	}
	is("the first", a, 0, now, y, y, 0)
	k.Add(a, now)
	is("one of the kind, and nobody counted", b, 0, now, y, n, 1)
	is("one of the kind of ten", b, 10, now, y, y, 1)
	is("one of another kind", &other, 0, now, y, y, 1)
	is("the same again", a, 0, now, y, y, 0)
	k.Add(b, now.Add(time.Minute))
	is("the third", c, 100, now.Add(time.Minute), n, y, 2)
	k.Add(a, now.Add(2*time.Minute)) // tried again
	if len(k.Of) != 2 || len(k.Stops) != 2 || !k.Stops[1].Equal(now.Add(2*time.Minute)) || k.Of[1] != Booking(a) {
		t.Errorf("booked twice: %+v", k)
	}
	is("the second in the time", c, 100, now.Add(11*time.Minute), y, y, 1)
	k.Of = nil
	is("of nobody knows what", &other, 0, now.Add(11*time.Minute), y, n, 1)

	k.Told = now
	k.Trip(budget, 2, c, "too many", now)
	if !k.Open || !k.OpenedAt.Equal(now) || !k.Told.IsZero() || k.Why != "2 stops in 10m0s, and training-job/c was to be the next: too many" {
		t.Errorf("%+v", k)
	}
	if got := Booking(a); got != "training-job/a@2026-11-02T09:14:07Z" {
		t.Errorf("booked as %s", got)
	}
}

func TestTrips(t *testing.T) {
	all := func(edit func(*rails.Facts)) rails.Facts {
		var f rails.Facts
		for i := range f.Holds {
			f.Holds[i] = posture.Yes
		}
		edit(&f)
		return f
	}
	for name, c := range map[string]struct {
		f    rails.Facts
		want bool
	}{
		"nothing forbids it":  {all(func(*rails.Facts) {}), false},
		"the number":          {all(func(f *rails.Facts) { f.Holds[rails.Budget] = posture.No }), true},
		"the share":           {all(func(f *rails.Facts) { f.Holds[rails.Share] = posture.No }), true},
		"not known":           {all(func(f *rails.Facts) { f.Holds[rails.Budget] = posture.Unknown }), false},
		"a person":            {all(func(f *rails.Facts) { f.Holds[rails.Budget], f.Person = posture.No, true }), false},
		"it does not run":     {all(func(f *rails.Facts) { f.Holds[rails.Budget], f.Holds[rails.Running] = posture.No, posture.No }), false},
		"the breaker is open": {all(func(f *rails.Facts) { f.Holds[rails.Breaker] = posture.No }), false},
	} {
		if got := Trips(c.f, rails.Decide(c.f)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	var held []string
	for _, r := range rails.Rails() {
		if Held(r) {
			held = append(held, r.String())
		}
	}
	if got := strings.Join(held, " "); got != "breaker budget share" {
		t.Errorf("held by %s", got)
	}
}
