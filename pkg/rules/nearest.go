package rules

// Nearest is the word that another was probably meant to be: the first of those
// that are at most two letters away and no further than any; empty where there is
// none.
func Nearest(word string, words []string) string {
	nearest, best := "", 3 // more changes than two make another word
	for _, w := range words {
		if d := editDistance(word, w); d < best {
			nearest, best = w, d
		}
	}
	return nearest
}
