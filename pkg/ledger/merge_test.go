package ledger

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func second(n float64) time.Time { return noon.Add(time.Duration(n * float64(time.Second))) }

// evidence is evidence about one name.
func evidence(change func(*Entry)) Entry {
	e := Entry{
		Resource: "model/m", Kind: kind.Model, Key: "m", Name: "m", ARN: "arn:aws:sagemaker:eu-west-1:111122223333:model/m",
		Partition: "aws", Account: "111122223333", Region: "eu-west-1",
	}
	change(&e)
	return e
}

// text is an entry as a store keeps it, but for what the store itself sets.
func text(t interface{ Fatal(...any) }, e *Entry) string {
	own := *e
	own.Version, own.Written = 0, time.Time{}
	b, err := Encode(&own)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// merge merges evidence in an order. open says whether any of it was unsettled.
func merge(evidence []Entry, order []int) (e *Entry, open bool) {
	for _, i := range order {
		next, unsettled := Merge(e, evidence[i])
		e, open = &next, open || unsettled
	}
	return e, open
}

// times are few, so that many are equal or within what one creation may differ.
func times() *rapid.Generator[time.Time] {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 4), func(n int) time.Time { return second(float64(n * 3)) }),
		rapid.Map(rapid.IntRange(0, 40), func(n int) time.Time { return second(float64(n)) }),
		rapid.Map(rapid.IntRange(0, 400_000), func(n int) time.Time { return second(float64(n) / 10_000) }),
	)
}

func maybe(at *rapid.Generator[time.Time]) *rapid.Generator[time.Time] {
	return rapid.OneOf(rapid.Just(time.Time{}), at)
}

func life() *rapid.Generator[Life] {
	return rapid.Custom(func(t *rapid.T) Life {
		return Life{
			At:     times().Draw(t, "life"),
			State:  rapid.SampledFrom([]State{Live, Ended, Gone, ""}).Draw(t, "state"),
			Status: rapid.SampledFrom([]string{"", "InProgress", "Stopping"}).Draw(t, "status"),
		}
	})
}

func verdict() *rapid.Generator[Verdict] {
	return rapid.Custom(func(t *rapid.T) Verdict {
		return Verdict{
			At:         times().Draw(t, "verdict"),
			Rules:      RulesVersion{At: second(rapid.SampledFrom([]float64{-20, -10}).Draw(t, "rules")), ID: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "id")},
			EventID:    rapid.StringMatching("[ab]").Draw(t, "event"),
			Class:      rapid.SampledFrom([]string{"a", "b-vpc", "b-internet", "c", "unknown"}).Draw(t, "class"),
			Compliance: rapid.SampledFrom([]rules.Compliance{rules.Passed, rules.Failed, rules.Warning, rules.NotAvailable}).Draw(t, "compliance"),
			Severity:   rapid.SampledFrom([]rules.Severity{"", rules.High, rules.Low}).Draw(t, "severity"),
			Unseen:     rapid.IntRange(0, 3).Draw(t, "unseen") == 0,
			Finding:    rapid.SampledFrom([][]byte{nil, []byte(`"<f>"`)}).Draw(t, "finding"),
		}
	})
}

// anything is evidence of any shape, which nothing need have sent.
func anything() *rapid.Generator[Entry] {
	return rapid.Custom(func(t *rapid.T) Entry {
		return evidence(func(e *Entry) {
			e.Created = maybe(times()).Draw(t, "created")
			if at := maybe(times()).Draw(t, "origin"); !at.IsZero() {
				e.Origin = Origin{At: at, Event: "CreateModel", EventID: rapid.StringMatching("[ab]").Draw(t, "id"), Actor: rapid.StringMatching("[ab]").Draw(t, "actor")}
			}
			if rapid.Bool().Draw(t, "has a life") {
				e.Life = life().Draw(t, "life")
			}
			if rapid.Bool().Draw(t, "has a verdict") {
				e.Verdict = verdict().Draw(t, "verdict")
			}
			if at := maybe(times()).Draw(t, "carry"); !at.IsZero() {
				e.Carry = Carry{at, []byte(rapid.SampledFrom([]string{`{"a":1}`, `{"a":2}`}).Draw(t, "doc"))}
			}
		})
	})
}

// history is what calls, Describe responses and SageMaker's own events tell of
// one name that is created, changed, deleted and created again, and what the end
// of it is. Whole seconds make equal times.
func history() *rapid.Generator[[]Entry] {
	return rapid.Custom(func(t *rapid.T) (all []Entry) {
		stamp := func(at time.Time) time.Time { return at }
		if rapid.Bool().Draw(t, "seconds") {
			stamp = func(at time.Time) time.Time { return at.Truncate(time.Second) }
		}
		now := noon
		pass := func(least time.Duration) time.Time {
			now = now.Add(least + time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms"))*time.Millisecond)
			return now
		}
		for range rapid.IntRange(1, 3).Draw(t, "lives") {
			created := pass(0)
			arn := evidence(func(*Entry) {}).ARN + created.Format("/150405.000")
			if rapid.Bool().Draw(t, "told of the creation") {
				all = append(all, evidence(func(e *Entry) {
					at := created.Add(300 * time.Millisecond).Truncate(time.Second)
					e.Created, e.ARN = at, arn
					e.Origin = Origin{At: at, Event: "CreateModel", EventID: created.String()}
					e.Life = Life{At: at, State: Live}
					e.Verdict = verdict().Draw(t, "verdict")
					e.Verdict.At = at
				}))
			}
			for range rapid.IntRange(0, 3).Draw(t, "looks") {
				at := stamp(pass(0))
				all = append(all, evidence(func(e *Entry) {
					switch rapid.IntRange(0, 3).Draw(t, "evidence") {
					case 0: // SageMaker's own event
						e.Life = Life{At: at, State: Live, Status: "InProgress"}
					case 1: // a look that was denied
						e.Life = Life{At: at, State: Live}
						e.Verdict = Verdict{At: at, Rules: RulesVersion{At: noon}, Class: "unknown", Compliance: rules.Warning}
					case 2: // a look
						e.Created, e.ARN = created, arn
						e.Life = Life{At: at, State: rapid.SampledFrom([]State{Live, Ended}).Draw(t, "state")}
						e.Verdict = verdict().Draw(t, "verdict")
						e.Verdict.At = at
					case 3: // a call that adds what no look shows
						e.Carry = Carry{at, []byte(`{"at":"` + at.String() + `"}`)}
					}
				}))
			}
			if rapid.Bool().Draw(t, "told of the deletion") {
				at := stamp(pass(0))
				all = append(all, evidence(func(e *Entry) { e.Life = Life{At: at, State: Gone} }))
			}
			pass(time.Duration(rapid.SampledFrom([]int{0, 4, 60}).Draw(t, "pause")) * time.Second)
		}
		return all
	})
}

// anyOrder: the same evidence in any order, however often, gives the same entry.
func anyOrder(t *rapid.T, all []Entry) {
	if len(all) == 0 {
		return
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	first, open := merge(all, order)
	want := text(t, first)
	again := slices.Concat(order, rapid.SliceOf(rapid.SampledFrom(order)).Draw(t, "duplicates"))
	orders := [][]int{rapid.Permutation(again).Draw(t, "order"), rapid.Permutation(order).Draw(t, "permutation")}
	slices.Reverse(order)
	if orders = append(orders, order); len(all) <= 4 {
		orders = append(orders, permutations(order)...)
	}
	for _, o := range orders {
		got, unsettled := merge(all, o)
		if text(t, got) != want {
			t.Fatalf("in the order %v:\n%s\nand not:\n%s", o, text(t, got), want)
		}
		open = open || unsettled
	}
	// What is merged with itself stays as it is, also where it is open.
	same, unsettled := Merge(first, *first)
	if text(t, &same) != want || unsettled != first.Unsettled() {
		t.Fatalf("merged with itself (%t):\n%s\nand not:\n%s", unsettled, text(t, &same), want)
	}
}

func permutations(of []int) (all [][]int) {
	if len(of) == 0 {
		return [][]int{nil}
	}
	for i := range of {
		for _, rest := range permutations(slices.Delete(slices.Clone(of), i, i+1)) {
			all = append(all, append(rest, of[i]))
		}
	}
	return all
}

func TestMergeAnyOrder(t *testing.T) {
	t.Run("histories", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { anyOrder(t, history().Draw(t, "history")) })
	})
	t.Run("anything", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { anyOrder(t, rapid.SliceOfN(anything(), 1, 8).Draw(t, "evidence")) })
	})
}

// TestMergeNeverRegresses: no merge makes anything older, but that a creation
// ends what was before it.
func TestMergeNeverRegresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e *Entry
		for i, in := range rapid.SliceOfN(rapid.OneOf(anything()), 1, 10).Draw(t, "evidence") {
			next, _ := Merge(e, in)
			if e != nil {
				was, by := e.Evidence()
				is, ruled := next.Evidence()
				for what, times := range map[string][2]time.Time{
					"creation": {e.Created, next.Created}, "life": {e.Life.At, next.Life.At}, "verdict": {e.Verdict.At, next.Verdict.At},
					"carry": {e.Carry.At, next.Carry.At}, "evidence": {was, is},
				} {
					if times[1].Before(times[0]) && (what == "evidence" || !times[0].Before(next.Created.Add(-sameCreation))) {
						t.Fatalf("%d: the %s went from %v back to %v", i, what, times[0], times[1])
					}
				}
				if is.Equal(was) && ruled.Before(by) {
					t.Fatalf("%d: older rules on the same evidence: %+v after %+v", i, next.Verdict, e.Verdict)
				}
			}
			for what, at := range map[string]time.Time{"origin": next.Origin.At, "life": next.Life.At, "verdict": next.Verdict.At, "carry": next.Carry.At} {
				if !at.IsZero() && at.Before(next.start()) {
					t.Fatalf("%d: the %s of %v is kept, and it was created at %v", i, what, at, next.Created)
				}
			}
			e = &next
		}
	})
}

// TestMergeUnsettled: whatever the order, two verdicts on the same evidence that
// differ are told, and the worse stands.
func TestMergeUnsettled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Map(verdict(), func(v Verdict) Entry {
			return evidence(func(e *Entry) { v.At, v.Rules.At, v.Unseen = noon, noon, false; e.Verdict = v })
		}), 2, 5).Draw(t, "verdicts")
		order := make([]int, len(all))
		for i := range order {
			order[i] = i
		}
		e, open := merge(all, rapid.Permutation(order).Draw(t, "order"))
		differ := false
		for _, in := range all {
			differ = differ || !in.Verdict.says(all[0].Verdict)
			if in.Verdict.worse(e.Verdict) > 0 {
				t.Fatalf("%+v stands, and %+v is worse", e.Verdict, in.Verdict)
			}
		}
		if open != differ {
			t.Fatalf("unsettled is %t, and they differ is %t", open, differ)
		}
	})
}

func TestMerge(t *testing.T) {
	created := func(at float64) func(*Entry) {
		return func(e *Entry) {
			e.Created = second(at)
			e.Origin = Origin{At: second(at), EventID: "create"}
			e.Life = Life{At: second(at), State: Live}
			e.Verdict = Verdict{At: second(at), Class: "b-internet", Compliance: rules.Failed, Severity: rules.High}
		}
	}
	described := func(born, at float64, c rules.Compliance) func(*Entry) {
		return func(e *Entry) {
			e.Created = second(born)
			e.Life = Life{At: second(at), State: Live, Status: "InService"}
			e.Verdict = Verdict{At: second(at), Described: true, Class: "b-vpc", Compliance: c}
		}
	}
	gone := func(at float64) func(*Entry) { return func(e *Entry) { e.Life = Life{At: second(at), State: Gone} } }
	seen := func(at float64) func(*Entry) {
		return func(e *Entry) { e.Life = Life{At: second(at), State: Live, Status: "seen"} }
	}
	unseen := func(at float64) func(*Entry) {
		return func(e *Entry) {
			e.Verdict = Verdict{At: second(at), Unseen: true, Class: "unknown", Compliance: rules.Warning}
		}
	}
	carried := func(at float64) func(*Entry) { return func(e *Entry) { e.Carry = Carry{second(at), []byte(`{}`)} } }
	tests := []struct {
		name     string
		evidence []func(*Entry)
		check    func(*Entry) bool
		open     bool // some order leaves something open
	}{
		{
			"the latest look counts, and the creation is kept",
			[]func(*Entry){created(0), described(0.5, 60, rules.Passed), carried(30)},
			func(e *Entry) bool {
				return e.Verdict.Compliance == rules.Passed && e.Origin.EventID == "create" && e.Life.Status == "InService" &&
					e.Carry.Doc != nil && e.Created.Equal(second(0.5)) && e.FirstSeen.Equal(e.Created)
			}, false,
		},
		{
			"created again: nothing of the older one is left",
			[]func(*Entry){created(0), carried(10), described(0, 60, rules.Passed), gone(90), seen(100), func(e *Entry) { e.Created = second(100) }},
			func(e *Entry) bool {
				return e.Verdict.Compliance == "" && e.Origin == Origin{} && e.Carry.Doc == nil && e.Life.Status == "seen" && e.FirstSeen.Equal(second(100))
			}, true,
		},
		{
			"created again within seconds: the later call is the origin, and the later look counts",
			[]func(*Entry){created(0), gone(1), created(2), described(2.3, 3, rules.Passed)},
			func(e *Entry) bool {
				return e.Origin.At.Equal(second(2)) && e.Life.State == Live && e.Verdict.Compliance == rules.Passed
			}, false,
		},
		{
			"deleted: it stays gone, and its verdict is kept",
			[]func(*Entry){created(0), described(0, 60, rules.Warning), gone(90), seen(80)},
			func(e *Entry) bool { return e.Life.State == Gone && e.Verdict.Compliance == rules.Warning }, false,
		},
		{
			"there again, and nobody told of a creation: a look decides",
			[]func(*Entry){created(0), gone(90), seen(100)},
			func(e *Entry) bool { return e.Life.State == Live }, true,
		},
		{
			"there again, and created after it was gone",
			[]func(*Entry){gone(90), created(100)},
			func(e *Entry) bool { return e.Life.State == Live }, false,
		},
		{
			"ended and running in one second: it runs until a look decides",
			[]func(*Entry){seen(5), func(e *Entry) { e.Life = Life{At: second(5), State: Ended, Status: "zzz"} }},
			func(e *Entry) bool { return e.Life.State == Live }, true,
		},
		{
			"gone and ended in one second",
			[]func(*Entry){gone(5), func(e *Entry) { e.Life = Life{At: second(5), State: Ended} }},
			func(e *Entry) bool { return e.Life.State == Ended }, true,
		},
		{
			"one state and two statuses in one second",
			[]func(*Entry){seen(5), func(e *Entry) { e.Life = Life{At: second(5), State: Live, Status: "more"} }},
			func(e *Entry) bool { return e.Life.Status == "seen" }, false,
		},
		{
			"newer rules on the same evidence count, though they pass it",
			[]func(*Entry){created(0), func(e *Entry) {
				created(0)(e)
				e.Verdict.Rules.At, e.Verdict.Compliance = second(-5), rules.Passed
			}},
			func(e *Entry) bool { return e.Verdict.Compliance == rules.Passed }, false,
		},
		{
			"newer evidence counts, though older rules judged it",
			[]func(*Entry){described(0, 60, rules.Passed), func(e *Entry) {
				created(0)(e)
				e.Verdict.Rules.At = second(-5)
			}},
			func(e *Entry) bool { return e.Verdict.Compliance == rules.Passed }, false,
		},
		{
			"one call, told with two actors and two roles",
			[]func(*Entry){
				func(e *Entry) { e.Origin = Origin{At: noon, EventID: "x", Actor: "a"} },
				func(e *Entry) { e.Origin = Origin{At: noon, EventID: "x", Actor: "b"} },
				func(e *Entry) { e.Origin = Origin{At: noon, EventID: "x", Actor: "b", Principal: "r"} },
				func(e *Entry) { e.Origin = Origin{At: noon, EventID: "x", Event: "CreateModel"} },
				func(e *Entry) { e.Origin = Origin{At: noon, EventID: "x", Event: "CreateModel", Actor: "a"} },
			},
			func(e *Entry) bool { return e.Origin.Event == "CreateModel" && e.Origin.Actor == "a" }, false,
		},
		{
			"nobody could look, and a record tells of an earlier time: it knows better",
			[]func(*Entry){created(0), unseen(60)},
			func(e *Entry) bool { return e.Verdict.Compliance == rules.Failed && !e.Verdict.Unseen },
			false,
		},
		{
			"created again, and nobody could look: what was seen of the older one does not count",
			[]func(*Entry){created(0), func(e *Entry) { unseen(60)(e); e.Created = second(50) }},
			func(e *Entry) bool { return e.Verdict.Compliance == rules.Warning && e.Verdict.Unseen },
			false,
		},
		{
			"three classes in one second, equally bad",
			[]func(*Entry){
				func(e *Entry) { e.Verdict = Verdict{At: noon, Class: "a", Compliance: rules.Passed} },
				func(e *Entry) { e.Verdict = Verdict{At: noon, Class: "b-vpc", Compliance: rules.Passed} },
				func(e *Entry) { e.Verdict = Verdict{At: noon, Class: "c", Compliance: rules.Passed} },
			},
			func(e *Entry) bool { return e.Verdict.Class == "c" && e.Verdict.Open },
			true,
		},
		{
			"seen to live, and nobody could look: that is the verdict until somebody can",
			[]func(*Entry){seen(5), unseen(5)},
			func(e *Entry) bool { return e.Verdict.Unseen && !e.Verdict.Open },
			false,
		},
		{
			"the ARN of the later creation",
			[]func(*Entry){func(e *Entry) { e.Created, e.ARN = second(0), "z" }, func(e *Entry) { e.Created, e.ARN = second(60), "a" }, func(e *Entry) { e.ARN = "" }},
			func(e *Entry) bool { return e.ARN == "a" }, false,
		},
		{
			"first seen when the first evidence is of, where no creation is known",
			[]func(*Entry){seen(5), gone(9), func(*Entry) {}},
			func(e *Entry) bool { return e.FirstSeen.Equal(second(5)) && e.Created.IsZero() }, false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var all []Entry
			var order []int
			for i, change := range tt.evidence {
				all, order = append(all, evidence(change)), append(order, i)
			}
			any := false
			for _, o := range permutations(order) {
				e, open := merge(all, o)
				if !tt.check(e) {
					t.Errorf("in the order %v: %s", o, text(t, e))
				}
				any = any || open
			}
			if any != tt.open {
				t.Errorf("unsettled in some order is %t, want %t", any, tt.open)
			}
		})
	}
}

// TestMergeKeepsTheVersion: what a store counts is not evidence.
func TestMergeKeepsTheVersion(t *testing.T) {
	old := evidence(func(e *Entry) { e.Version, e.Written = 4, noon })
	next, _ := Merge(&old, evidence(func(e *Entry) { e.Version, e.Written, e.Created = 9, noon.Add(time.Hour), second(60) }))
	if next.Version != 4 || !next.Written.Equal(noon) {
		t.Errorf("version %d of %v", next.Version, next.Written)
	}
}

func TestWorse(t *testing.T) {
	alert := func(c rules.Compliance, s rules.Severity, class string) Alert {
		return Alert{At: noon, How: Sent, Compliance: c, Severity: s, Class: class}
	}
	// From the best to the worst.
	order := []Alert{
		alert(rules.NotAvailable, "", "n/a"),
		alert(rules.Passed, "", "n/a"), alert(rules.Passed, "", "a"), alert(rules.Passed, "", "b-vpc"),
		alert(rules.Warning, rules.Informational, "unknown"),
		alert(rules.Failed, rules.Informational, "a"), alert(rules.Failed, rules.Low, "a"), alert(rules.Failed, rules.Medium, "a"),
		alert(rules.Failed, rules.High, "b-vpc"), alert(rules.Failed, rules.High, "unknown"), alert(rules.Failed, rules.High, "b-internet"),
		alert(rules.Failed, rules.High, "c"), alert(rules.Failed, rules.Critical, "b-internet"), alert(rules.Failed, rules.Critical, "c"),
	}
	for i, told := range order {
		for j, a := range order {
			v := Verdict{Compliance: a.Compliance, Severity: a.Severity, Class: a.Class}
			if got := v.Worse(told); got != (j > i) {
				t.Errorf("%+v after %+v is worse: %t", v, told, got)
			}
		}
	}
	if !(Verdict{Compliance: rules.Passed}).Worse(Alert{}) {
		t.Error("nothing was alerted, and a verdict is not new")
	}
	excepted := Verdict{Compliance: rules.Excepted, Class: "a"}
	if excepted.Worse(alert(rules.Passed, "", "a")) || excepted.worse(Verdict{Compliance: rules.Passed}) != 0 {
		t.Error("an exception is worse than a pass")
	}
}

func TestTold(t *testing.T) {
	base := func() *Entry {
		e := evidence(func(e *Entry) {
			e.Created = noon
			e.Life = Life{At: noon, State: Live, Status: "InProgress"}
			e.Verdict = Verdict{At: noon, Class: "a", Compliance: rules.Failed, Severity: rules.High, Finding: []byte(`{}`), Notice: Notice{Title: "t"}}
		})
		return &e
	}
	for what, change := range map[string]func(*Entry){
		"another creation":  func(e *Entry) { e.Created = noon.Add(time.Minute) },
		"no known creation": func(e *Entry) { e.Created = time.Time{} },
		"state":             func(e *Entry) { e.Life.State = Ended },
		"class":             func(e *Entry) { e.Verdict.Class = "c" },
		"compliance":        func(e *Entry) { e.Verdict.Compliance = rules.Passed },
		"severity":          func(e *Entry) { e.Verdict.Severity = rules.Low },
		"exception":         func(e *Entry) { e.Verdict.Exception = "x" },
		"finding":           func(e *Entry) { e.Verdict.Finding = []byte(`[]`) },
		"notice":            func(e *Entry) { e.Verdict.Notice.Team = "fraud" },
	} {
		e := base()
		change(e)
		if e.Told(base()) || base().Told(e) {
			t.Errorf("%s is not told", what)
		}
	}
	for what, change := range map[string]func(*Entry){
		"nothing":                      func(*Entry) {},
		"the creation, told otherwise": func(e *Entry) { e.Created = noon.Add(600 * time.Millisecond) },
		"a status":                     func(e *Entry) { e.Life.Status, e.Life.At = "Stopping", noon.Add(time.Second) },
		"newer evidence":               func(e *Entry) { e.Verdict.At, e.Verdict.EventID = noon.Add(time.Second), "2" },
		"a version":                    func(e *Entry) { e.Version, e.Written = 7, noon },
	} {
		e := base()
		change(e)
		if !e.Told(base()) || !base().Told(e) {
			t.Errorf("%s is told", what)
		}
	}
	var none *Entry
	if !none.Told(nil) || none.Told(base()) || base().Told(nil) {
		t.Error("an entry that is not there tells the same as one that is")
	}
}

func TestRulesVersionSame(t *testing.T) {
	v := RulesVersion{At: noon, ID: "x"}
	if !v.Same(RulesVersion{At: noon.In(time.FixedZone("", 3600)), ID: "x"}) || v.Same(RulesVersion{At: noon, ID: "y"}) || v.Same(RulesVersion{ID: "x"}) {
		t.Error("which rules are the same")
	}
}

func TestSameCreation(t *testing.T) {
	for d, want := range map[time.Duration]bool{0: true, sameCreation: true, -sameCreation: true, sameCreation + 1: false, -sameCreation - 1: false} {
		if SameCreation(noon, noon.Add(d)) != want {
			t.Errorf("%v apart", d)
		}
	}
	if SameCreation(noon, time.Time{}) || SameCreation(time.Time{}, noon) || !SameCreation(time.Time{}, time.Time{}) {
		t.Error("a creation that is not known")
	}
}

// TestEvidence: whatever is told of a resource that nobody could look at brings
// newer evidence, also by older rules.
func TestEvidence(t *testing.T) {
	unseen := evidence(func(e *Entry) {
		e.Created, e.Verdict = second(5), Verdict{At: second(60), Rules: RulesVersion{At: second(-1)}, Unseen: true}
	})
	blind, _ := Merge(nil, unseen)
	seen, _ := Merge(&blind, evidence(func(e *Entry) {
		e.Created, e.Verdict = second(5), Verdict{At: second(0), Rules: RulesVersion{At: second(-2)}}
	}))
	was, by := blind.Evidence()
	is, ruled := seen.Evidence()
	if seen.Verdict.Unseen || is.Before(was) || is.Equal(was) && ruled.Before(by) {
		t.Errorf("evidence of %v by the rules of %v, after %v by those of %v: %+v", is, ruled, was, by, seen.Verdict)
	}
}

// TestCovers: the finding of an owner speaks for what it owns where it says as
// much, and is there to be read.
func TestCovers(t *testing.T) {
	verdict := func(c rules.Compliance, s rules.Severity) Verdict {
		return Verdict{Class: "c", Compliance: c, Severity: s}
	}
	owned := Entry{Life: Life{State: Live}, Verdict: verdict(rules.Failed, rules.High)}
	warned := Entry{Life: Life{State: Live}, Verdict: verdict(rules.Warning, rules.Informational)}
	whole := verdict(rules.Passed, "")
	whole.Whole = true
	excepted := verdict(rules.Passed, "")
	excepted.Exception = "x"
	for name, c := range map[string]struct {
		owner *Entry
		owned Entry
		want  bool
	}{
		"not known":                     {nil, owned, false},
		"as bad":                        {&Entry{Written: noon, Verdict: verdict(rules.Failed, rules.High)}, owned, true},
		"worse":                         {&Entry{Written: noon, Verdict: verdict(rules.Failed, rules.Critical)}, owned, true},
		"better":                        {&Entry{Written: noon, Verdict: verdict(rules.Failed, rules.Medium)}, owned, false},
		"passes":                        {&Entry{Written: noon, Verdict: whole}, owned, false},
		"excepted":                      {&Entry{Written: noon, Verdict: excepted}, owned, true},
		"gone":                          {&Entry{Written: noon, Life: Life{State: Gone}, Verdict: verdict(rules.Failed, rules.High)}, owned, false},
		"ended before what it owns":     {&Entry{Written: noon, Life: Life{State: Ended}, Verdict: verdict(rules.Failed, rules.High)}, owned, false},
		"knows what is not known of it": {&Entry{Written: noon, Verdict: whole}, warned, true},
		"knows no more":                 {&Entry{Written: noon, Verdict: verdict(rules.Passed, "")}, warned, false},
	} {
		if got := c.owner.Covers(&c.owned); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	ended := owned
	ended.Life.State = Ended
	if owner := (&Entry{Written: noon, Life: Life{State: Ended}, Verdict: verdict(rules.Failed, rules.High)}); !owner.Covers(&ended) {
		t.Error("both ended")
	}
}

// TestJudged: what a verdict holds of a judgement.
func TestJudged(t *testing.T) {
	j := rules.Judgement{Compliance: rules.Passed, Parts: []rules.Judged{{}}, Exception: &rules.Exception{ID: "EX-1"}}
	want := Verdict{Whole: true, Class: "unknown", DataPath: "unknown", Compliance: rules.Passed, Exception: "EX-1"}
	if got := Judged(&j); got.Notice != want.Notice || got.Whole != want.Whole || got.Class != want.Class || got.DataPath != want.DataPath || got.Compliance != want.Compliance || got.Exception != want.Exception {
		t.Errorf("%+v", got)
	}
	j.Exception = nil
	if got := Judged(&j); got.Exception != "" {
		t.Errorf("%+v", got)
	}
}
