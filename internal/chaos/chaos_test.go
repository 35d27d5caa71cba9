package chaos

import (
	"flag"
	"testing"
)

func TestN(t *testing.T) {
	before := flag.Lookup("chaos").Value.String()
	defer flag.Set("chaos", before)
	for value, want := range map[string]int{"false": 1, "true": 2} {
		if err := flag.Set("chaos", value); err != nil {
			t.Fatal(err)
		}
		if got := N(1, 2); got != want {
			t.Errorf("with -chaos=%s N is %d, want %d", value, got, want)
		}
	}
}
