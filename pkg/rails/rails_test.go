package rails

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

// notYes are the answers that let nothing through.
var notYes = []posture.Fact{posture.Unknown, posture.No, posture.NotApplicable, posture.Fact(200)}

// must are the rails of a stop, written down once more: all of them where the
// rules ask for it, and these where a person does.
var must = map[bool][]Rail{
	false: {Stoppable, Ours, Unexcepted, Whole, Failed, Running, Afresh, Same, Alone, Severe, Mode, Current, Announced, Grace, Switch, Breaker, Budget, Share},
	true:  {Stoppable, Ours, Unexcepted, Whole, Failed, Running, Afresh, Same, Alone, Announced, Switch, Breaker, Budget},
}

// TestDecide goes through every combination of rails that hold and do not: twice
// with other ways not to hold, for stops by the rules and by a person.
func TestDecide(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	rows, stops := 0, map[bool]int{}
	for _, person := range []bool{false, true} {
		for round := range 2 {
			for mask := range 1 << count {
				f := Facts{Person: person}
				for i := range f.Holds {
					f.Holds[i] = posture.Yes
					if mask&(1<<i) == 0 {
						f.Holds[i] = notYes[(r.IntN(2)+2*round)%len(notYes)]
					}
				}
				rows++
				want := firstBroken(f)
				got := Decide(f)
				if got.Stop != (want == count) || got.Rail != want {
					t.Fatalf("%+v: got %+v, want rail %v", f, got, want)
				}
				if got.Stop {
					stops[person]++
				} else if got.Why != want.Because(f.Holds[want]) || got.Why == "" {
					t.Fatalf("%+v: the reason is %q", f, got.Why)
				}
			}
		}
	}
	t.Logf("%d rows, %d stops by the rules, %d by a person", rows, stops[false], stops[true])
	if rows < 4096 || stops[false] != 2 || stops[true] != 2<<(len(must[false])-len(must[true])) {
		t.Errorf("%d rows, stops %v", rows, stops)
	}
}

func firstBroken(f Facts) Rail {
	for _, r := range must[f.Person] {
		if f.Holds[r] != posture.Yes {
			return r
		}
	}
	return count
}

// TestDecideAlone: each rail alone forbids a stop, by each answer but yes.
func TestDecideAlone(t *testing.T) {
	for _, person := range []bool{false, true} {
		for _, r := range Rails() {
			for _, answer := range notYes {
				f := Facts{Person: person}
				for i := range f.Holds {
					f.Holds[i] = posture.Yes
				}
				f.Holds[r] = answer
				want := Decision{Rail: r, Why: r.Because(answer)}
				if person && !slices.Contains(must[true], r) {
					want = Decision{Stop: true, Rail: count}
				}
				if got := Decide(f); got != want {
					t.Errorf("person %v, %v is %v: got %+v, want %+v", person, r, answer, got, want)
				}
			}
		}
	}
}

func TestDecideZero(t *testing.T) {
	for _, person := range []bool{false, true} {
		if got := Decide(Facts{Person: person}); got.Stop || got.Rail != Stoppable {
			t.Errorf("of no facts: %+v", got)
		}
	}
}

// TestWords: every rail has a name and reasons of its own, and nothing else has.
func TestWords(t *testing.T) {
	if len(Rails()) != int(count) || bits.Len8(uint8(count)) > 7 {
		t.Fatalf("%d rails", len(Rails()))
	}
	seen := map[string]bool{}
	for i, r := range Rails() {
		if int(r) != i || r.String() == "" || seen[r.String()] {
			t.Errorf("rail %d is %v", i, r)
		}
		seen[r.String()] = true
		for _, f := range notYes {
			why := r.Because(f)
			if why == "" || strings.HasSuffix(why, ".") || seen[why] && r.Because(posture.No) != why && r.Because(posture.Unknown) != why {
				t.Errorf("%v is %v: %q", r, f, why)
			}
		}
		if r.Because(posture.No) != reasons[r][0] || r.Because(posture.NotApplicable) != reasons[r][1] {
			t.Errorf("%v: %q, %q", r, r.Because(posture.No), r.Because(posture.NotApplicable))
		}
		seen[r.Because(posture.No)] = true
	}
	if count.String() != "none" || count.Because(posture.No) != "" || Rail(200).String() != "none" || Rail(200).Because(posture.No) != "" {
		t.Error("what is no rail has words")
	}
}
