package lint

// memory has what is found out once and is the same for many operations, and counts
// the work that it took.
type memory struct {
	located []located
	steps   int // that were made to find places
}

// located are the places that some conditions tell apart; ok is false where they are
// too many.
type located struct {
	by     []*Condition
	places []place
	ok     bool
}
