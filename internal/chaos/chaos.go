// Package chaos says how much a test does: little, with a fixed seed, in every
// run of the tests, and much in "make chaos". A test that imports it takes the
// flag -chaos.
package chaos

import "flag"

var on = flag.Bool("chaos", false, "do the large number of rounds")

// N is small, or large where the tests run with -chaos. It may be called once
// flags are parsed: in a test, not in a variable's initializer.
func N(small, large int) int {
	if *on {
		return large
	}
	return small
}
