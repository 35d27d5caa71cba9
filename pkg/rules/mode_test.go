package rules

import "testing"

// TestAtMost: every mode within every limit, and limits that are none.
func TestAtMost(t *testing.T) {
	for i, mode := range knownModes() {
		for j, most := range knownModes() {
			if got, want := mode.AtMost(most), knownModes()[min(i, j)]; got != want {
				t.Errorf("%s, at most %s: got %s, want %s", mode, most, got, want)
			}
		}
		for _, none := range []Mode{"", "all"} {
			if got := mode.AtMost(none); got != Observe {
				t.Errorf("%s, at most %q: got %s, want the least", mode, none, got)
			}
		}
		if !mode.Known() {
			t.Errorf("%s is not known", mode)
		}
	}
	if Mode("").Known() || Mode("all").Known() {
		t.Error("no mode is known as one")
	}
}
