package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

const (
	releaseRole = "arn:aws:iam::111122223333:role/release"
	fraudTopic  = "arn:aws:sns:eu-west-1:111122223333:fraud-ml"
)

func TestModeFor(t *testing.T) {
	entry := func(mode Mode, m Match) ModeOverride { return ModeOverride{Match: m, Mode: mode} }
	here, elsewhere := Match{Accounts: []string{"111122223333"}}, Match{Accounts: []string{"444455556666"}}
	release := Match{Roles: []string{releaseRole}}
	training := Match{Kinds: []string{"training-job"}}
	role := func(r string) func(*Subject) { return func(s *Subject) { s.Principal = r } }
	of := func(k kind.Kind) func(*Subject) { return func(s *Subject) { s.Kind = k } }
	for name, c := range map[string]struct {
		mode  Mode
		modes []ModeOverride
		edit  func(*Subject)
		want  Mode
	}{
		"observe":                       {Observe, nil, nil, Observe},
		"notify":                        {Notify, nil, nil, Notify},
		"stop":                          {Stop, nil, nil, Stop},
		"stop of what nothing stops":    {Stop, nil, of(kind.Model), Notify},
		"stop of what is deleted only":  {Stop, nil, of(kind.Endpoint), Notify},
		"stop of what is not known":     {Stop, nil, of("moon-base"), Notify},
		"observe what nothing stops":    {Observe, nil, of(kind.Model), Observe},
		"by account":                    {Notify, []ModeOverride{entry(Stop, here)}, nil, Stop},
		"by another account":            {Notify, []ModeOverride{entry(Stop, elsewhere)}, nil, Notify},
		"by Region":                     {Notify, []ModeOverride{entry(Stop, Match{Regions: []string{"eu-west-1"}})}, nil, Stop},
		"by another Region":             {Notify, []ModeOverride{entry(Stop, Match{Regions: []string{"us-east-1"}})}, nil, Notify},
		"by kind":                       {Notify, []ModeOverride{entry(Stop, training)}, nil, Stop},
		"by another kind":               {Notify, []ModeOverride{entry(Stop, training)}, of(kind.ProcessingJob), Notify},
		"by role":                       {Stop, []ModeOverride{entry(Observe, release)}, role(releaseRole), Observe},
		"by another role":               {Stop, []ModeOverride{entry(Observe, release)}, nil, Stop},
		"the later wins":                {Notify, []ModeOverride{entry(Observe, here), entry(Stop, training)}, nil, Stop},
		"the later wins, the other way": {Notify, []ModeOverride{entry(Stop, training), entry(Observe, here)}, nil, Observe},
		"a later one that does not match leaves it": {Notify, []ModeOverride{entry(Stop, training), entry(Observe, elsewhere)}, nil, Stop},

		// What is not known.
		"role not known, looser":        {Stop, []ModeOverride{entry(Observe, release)}, role(""), Observe},
		"role not known, stricter":      {Notify, []ModeOverride{entry(Stop, release)}, role(""), Notify},
		"role's path not known":         {Stop, []ModeOverride{entry(Notify, Match{Roles: []string{"arn:aws:iam::111122223333:role/team/ds"}})}, nil, Notify},
		"account not known":             {Stop, []ModeOverride{entry(Notify, elsewhere)}, func(s *Subject) { s.Account = "" }, Notify},
		"Region not known":              {Stop, []ModeOverride{entry(Notify, Match{Regions: []string{"us-east-1"}})}, func(s *Subject) { s.Region = "" }, Notify},
		"a certain one ends the doubt":  {Notify, []ModeOverride{entry(Observe, release), entry(Stop, training)}, role(""), Stop},
		"the doubt may come after":      {Notify, []ModeOverride{entry(Stop, training), entry(Observe, release)}, role(""), Observe},
		"two doubts, the least counts":  {Stop, []ModeOverride{entry(Observe, release), entry(Notify, Match{Roles: []string{releaseRole + "-2"}})}, role(""), Observe},
		"certainly another kind, so no": {Stop, []ModeOverride{entry(Observe, Match{Kinds: []string{"model"}, Roles: []string{releaseRole}})}, role(""), Stop},
	} {
		t.Run(name, func(t *testing.T) {
			f := Default()
			f.Response.Mode, f.Response.Modes = c.mode, c.modes
			s := subject(container(no, no))
			if c.edit != nil {
				c.edit(s)
			}
			if got := f.ModeFor(s); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestModeOfPipelines: what a step starts is a resource of its own, with a mode
// of its own; its kind does not decide about the execution.
func TestModeOfPipelines(t *testing.T) {
	f := Default()
	f.Response.Modes = []ModeOverride{{Match: Match{Kinds: []string{"training-job"}}, Mode: Stop}}
	s := subject(container(no, no))
	s.Kind = kind.PipelineExecution
	if got := f.ModeFor(s); got != Notify {
		t.Errorf("got %s", got)
	}
	f.Response.Modes[0].Match.Kinds = []string{"pipeline-execution"}
	if got := f.ModeFor(s); got != Stop {
		t.Errorf("by its own kind: got %s", got)
	}
}

// drawn is a value or, as often, nothing.
func drawn(t *rapid.T, label string, values ...string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 0, 1, rapid.ID[string]).Draw(t, label)
}

func drawResponse(t *rapid.T) *File {
	f := Default()
	f.Response.Mode = rapid.SampledFrom(knownModes()).Draw(t, "mode")
	for range rapid.IntRange(0, 4).Draw(t, "entries") {
		f.Response.Modes = append(f.Response.Modes, ModeOverride{
			Match: Match{
				Kinds:    drawn(t, "kinds", "training-job", "notebook-instance"),
				Accounts: drawn(t, "accounts", "111122223333", "444455556666"),
				Regions:  drawn(t, "regions", "eu-west-1", "us-east-1"),
				Roles:    drawn(t, "roles", releaseRole, "arn:aws:iam::111122223333:role/team/ds"),
			},
			Mode: rapid.SampledFrom(knownModes()).Draw(t, "mode of entry"),
		})
	}
	return f
}

func drawSubject(t *rapid.T) *Subject {
	s := subject(container(no, no))
	s.Kind = rapid.SampledFrom([]kind.Kind{kind.TrainingJob, kind.NotebookInstance, kind.Endpoint, kind.Model}).Draw(t, "kind")
	s.Account = rapid.SampledFrom([]string{"111122223333", "444455556666"}).Draw(t, "account")
	s.Region = rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(t, "region")
	s.Principal = rapid.SampledFrom([]string{releaseRole, "arn:aws:iam::111122223333:role/team/ds", "arn:aws:iam::111122223333:role/other"}).Draw(t, "role")
	return s
}

// TestForgettingNeverDoesMore: whatever is not told of a resource, no more is
// done about it than if it were, and what its creator chooses changes nothing.
func TestForgettingNeverDoesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, s := drawResponse(t), drawSubject(t)
		known := f.ModeFor(s)
		if !slices.Contains(knownModes(), known) || known == Stop && !Stoppable(s.Kind) {
			t.Fatalf("%s of a %s", known, s.Kind)
		}
		s.Name, s.Tags = rapid.String().Draw(t, "name"), map[string]string{rapid.String().Draw(t, "key"): rapid.String().Draw(t, "value")}
		s.TagsKnown = rapid.Bool().Draw(t, "tags known")
		if got := f.ModeFor(s); got != known {
			t.Fatalf("name and tags change %s to %s", known, got)
		}
		for _, forget := range []func(){
			func() { s.Account = "" },
			func() { s.Region = "" },
			func() { s.Principal = strings.ReplaceAll(s.Principal, "role/team/", "role/") },
			func() { s.Principal = "" },
		} {
			if rapid.Bool().Draw(t, "forget") {
				forget()
			}
		}
		if got := f.ModeFor(s); got.rank() > known.rank() {
			t.Fatalf("knowing less, %s instead of %s", got, known)
		}
	})
}

// TestLastCertainWins is another way to say what ModeFor does where all is known.
func TestLastCertainWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, s := drawResponse(t), drawSubject(t)
		fits := func(values []string, value string) bool { return len(values) == 0 || values[0] == value }
		want := f.Response.Mode
		for _, o := range slices.Backward(f.Response.Modes) {
			m := o.Match
			if fits(m.Kinds, string(s.Kind)) && fits(m.Accounts, s.Account) && fits(m.Regions, s.Region) && fits(m.Roles, s.Principal) {
				want = o.Mode
				break
			}
		}
		if want == Stop && (s.Kind == kind.Endpoint || s.Kind == kind.Model) {
			want = Notify
		}
		if got := f.ModeFor(s); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func TestRoute(t *testing.T) {
	tagged := Route{Match: Match{Tags: map[string]string{"team": "fraud"}}, Team: "by-tag", Topic: fraudTopic}
	named := Route{Match: Match{Names: []string{"fraud-*"}}, Team: "by-name"}
	piped := Route{Pipelines: []string{"daily", "fraud-?"}, Team: "by-pipeline", Topic: "other"}
	both := Route{Match: Match{Kinds: []string{"training-job"}}, Pipelines: []string{"daily"}, Team: "by-both"}
	owned := Route{Match: Match{Roles: []string{releaseRole}}, Team: "by-role"}
	tags := func(s *Subject) { s.Tags = map[string]string{"team": "fraud"} }
	for name, c := range map[string]struct {
		routes      []Route
		pipeline    string
		edit        func(*Subject)
		team, topic string
	}{
		"none":                             {nil, "", nil, "", ""},
		"by tag":                           {[]Route{tagged}, "", tags, "by-tag", fraudTopic},
		"by a tag that it has not":         {[]Route{tagged}, "", nil, "", ""},
		"by tags that are not known":       {[]Route{tagged, named}, "", func(s *Subject) { s.TagsKnown = false }, "by-name", ""},
		"by name":                          {[]Route{named}, "", nil, "by-name", ""},
		"by another name":                  {[]Route{named}, "", func(s *Subject) { s.Name = "churn" }, "", ""},
		"by pipeline":                      {[]Route{piped}, "daily", nil, "by-pipeline", "other"},
		"by pattern of pipeline":           {[]Route{piped}, "fraud-7", nil, "by-pipeline", "other"},
		"by another pipeline":              {[]Route{piped}, "fraud-77", nil, "", ""},
		"by no pipeline":                   {[]Route{piped}, "", nil, "", ""},
		"by a pattern of any, and none":    {[]Route{{Pipelines: []string{"*"}, Team: "x"}}, "", nil, "", ""},
		"both must fit":                    {[]Route{both}, "daily", nil, "by-both", ""},
		"both must fit: the pipeline":      {[]Route{both}, "weekly", nil, "", ""},
		"both must fit: the match":         {[]Route{both}, "daily", func(s *Subject) { s.Kind = kind.Model }, "", ""},
		"the first counts":                 {[]Route{tagged, named}, "", tags, "by-tag", fraudTopic},
		"the first counts, reversed":       {[]Route{named, tagged}, "", tags, "by-name", ""},
		"by a role that is not told":       {[]Route{owned, named}, "", func(s *Subject) { s.Principal = "" }, "by-name", ""},
		"by role":                          {[]Route{owned, named}, "", func(s *Subject) { s.Principal = releaseRole }, "by-role", ""},
		"by the kind of a step, it is not": {[]Route{both}, "daily", func(s *Subject) { s.Kind = kind.PipelineExecution }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := Default()
			f.Response.Routes = c.routes
			s := subject(container(no, no))
			if c.edit != nil {
				c.edit(s)
			}
			if team, topic := f.Route(s, c.pipeline); team != c.team || topic != c.topic {
				t.Errorf("got %q by %q, want %q by %q", team, topic, c.team, c.topic)
			}
		})
	}
}

// TestRoutesChangeNothingElse: who is told decides neither what a resource is
// judged nor what is done about it.
func TestRoutesChangeNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, s := drawResponse(t), drawSubject(t)
		mode, judged := f.ModeFor(s), line(f.Judge(s, today))
		f.Response.Routes = []Route{{Match: Match{Tags: map[string]string{"a": "b"}, Names: []string{"*"}}, Team: "x"}}
		s.Tags = map[string]string{"a": rapid.SampledFrom([]string{"b", "c"}).Draw(t, "tag")}
		if m, j := f.ModeFor(s), line(f.Judge(s, today)); m != mode || j != judged {
			t.Fatalf("%s, %s instead of %s, %s", m, j, mode, judged)
		}
	})
}

func TestUsesTags(t *testing.T) {
	tags := Match{Tags: map[string]string{"team": "fraud"}}
	named := Match{Names: []string{"fraud-*"}}
	for name, c := range map[string]struct {
		overrides []Override
		routes    []Route
		want      bool
	}{
		"nothing":           {nil, nil, false},
		"names":             {[]Override{{Match: named}}, []Route{{Match: named}}, false},
		"a second override": {[]Override{{Match: named}, {Match: tags}}, nil, true},
		"a second route":    {[]Override{{Match: named}}, []Route{{Match: named}, {Match: tags}}, true},
		"both":              {[]Override{{Match: tags}}, []Route{{Match: tags}}, true},
	} {
		f := Default()
		f.Overrides, f.Response.Routes = c.overrides, c.routes
		if got := f.UsesTags(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestStoppable: every kind, so that a new one is thought about.
func TestStoppable(t *testing.T) {
	var got []string
	for _, k := range kind.Kinds() {
		if Stoppable(kind.Kind(k)) {
			got = append(got, k)
		}
	}
	slices.Sort(got)
	want := []string{
		"ai-benchmark-job", "automl-job", "compilation-job", "hyper-parameter-tuning-job", "inference-recommendations-job",
		"job", "labeling-job", "monitoring-schedule", "notebook-instance", "optimization-job", "pipeline-execution",
		"processing-job", "training-job", "training-session", "transform-job",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if Stoppable("moon-base") {
		t.Error("a kind that is none can be stopped")
	}
}

func TestDefaultResponse(t *testing.T) {
	want := Rails{Severity: High, Grace: 0, Budget: Budget{Stops: 5, Within: 10 * time.Minute, Share: 20}}
	if r := Default().Response; r.Mode != Notify || r.Stop != want || !r.Digest || r.Modes != nil || r.Routes != nil {
		t.Errorf("%+v", r)
	}
}

func TestResponseString(t *testing.T) {
	for want, r := range map[string]Response{
		"notify":                {Mode: Notify},
		"stop":                  {Mode: Stop, Modes: []ModeOverride{{Mode: Stop}}},
		"notify, stop for some": {Mode: Notify, Modes: []ModeOverride{{Mode: Stop}, {Mode: Notify}, {Mode: Stop}}},
		"notify, observe for some, stop for some": {Mode: Notify, Modes: []ModeOverride{{Mode: Stop}, {Mode: Observe}}},
		"observe, notify for some, stop for some": {Mode: Observe, Modes: []ModeOverride{{Mode: Stop}, {Mode: Notify}}},
	} {
		if got := r.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestSchemaDefaults: the schema tells the defaults that are in force.
func TestSchemaDefaults(t *testing.T) {
	_, doc := readSchema(t)
	at := func(path string) string {
		var v any = doc
		for key := range strings.SplitSeq(path, ".") {
			v = v.(map[string]any)["properties"].(map[string]any)[key]
		}
		switch d := v.(map[string]any)["default"].(type) {
		case string:
			return d
		case json.Number:
			return d.String()
		}
		return "none"
	}
	text := "version: 1\nresponse:\n  mode: " + at("response.mode") + "\n  digest: " + at("response.digest") +
		"\n  stop:\n    severity: " + at("response.stop.severity") + "\n    grace: " + at("response.stop.grace") +
		"\n    budget:\n      stops: " + at("response.stop.budget.stops") + "\n      within: " + at("response.stop.budget.within") +
		"\n      share: " + at("response.stop.budget.share") + "\n"
	f, err := Load("rules.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want := Default().Response
	if r := f.Response; r.Mode != want.Mode || r.Stop != want.Stop || r.Digest != want.Digest {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestMayExcept(t *testing.T) {
	release, training := []string{releaseRole}, []string{"training-job"}
	role := func(r string) func(*Subject) { return func(s *Subject) { s.Principal = r } }
	later := today.Add(time.Hour)
	for name, c := range map[string]struct {
		match   Match
		expires time.Time
		edit    func(*Subject)
		want    bool
	}{
		"by role, not known":              {Match{Roles: release}, later, role(""), true},
		"by role, its path not known":     {Match{Roles: []string{"arn:aws:iam::111122223333:role/team/ds"}}, later, role("arn:aws:iam::111122223333:role/ds"), true},
		"by role, the same":               {Match{Roles: release}, later, role(releaseRole), false},
		"by role, another":                {Match{Roles: release}, later, role("arn:aws:iam::111122223333:role/other"), false},
		"it is over":                      {Match{Roles: release}, today, role(""), false},
		"of another kind":                 {Match{Roles: release, Kinds: []string{"model"}}, later, role(""), false},
		"of the kind":                     {Match{Roles: release, Kinds: training}, later, role(""), true},
		"of the kind of an execution":     {Match{Roles: release, Kinds: training}, later, func(s *Subject) { s.Kind, s.Principal = kind.PipelineExecution, "" }, true},
		"of the kind of a step":           {Match{Roles: release, Kinds: training}, later, func(s *Subject) { s.Kind, s.Principal = kind.Pipeline, "" }, true},
		"of another kind than a notebook": {Match{Roles: release, Kinds: training}, later, func(s *Subject) { s.Kind, s.Principal = kind.NotebookInstance, "" }, false},
		"by account":                      {Match{Accounts: []string{"111122223333"}}, later, nil, false},
		"by account, not known":           {Match{Accounts: []string{"111122223333"}}, later, func(s *Subject) { s.Account = "" }, true},
		"by ARN, not known":               {Match{Resources: []string{"arn:aws:sagemaker:eu-west-1:111122223333:training-job/x"}}, later, func(s *Subject) { s.ARN = "" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := Default()
			if f.MayExcept(subject(container(no, no)), today) {
				t.Error("no exception may except")
			}
			f.Exceptions = []Exception{
				{Rules: []ID{NoBridge}, Match: Match{Regions: []string{"us-east-1"}}, Expires: later},
				{Rules: []ID{NoOwnInternet}, Match: c.match, Expires: c.expires},
			}
			s := subject(container(no, no))
			s.Account = "111122223333"
			if c.edit != nil {
				c.edit(s)
			}
			if got := f.MayExcept(s, today); got != c.want {
				t.Errorf("%v", got)
			}
			if kinds := f.Exceptions[1].Match.Kinds; len(kinds) != len(c.match.Kinds) {
				t.Errorf("it changed the rules: %v", kinds)
			}
		})
	}
}
