package condition

import (
	"strings"
	"unicode/utf8"
)

// Like says whether a value matches a pattern in which * stands for any number
// of characters and ? for one. ${*}, ${?} and ${$} stand for the characters
// themselves.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func Like(pattern, value string) bool {
	if !strings.ContainsAny(pattern, "*?$") {
		return pattern == value
	}
	if plain(pattern) && plain(value) {
		return matchPlain(pattern, value)
	}
	return match(tokens(pattern), []rune(value))
}

// plain says whether each byte of a text is a character, and none may begin ${*}.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == '$' {
			return false
		}
	}
	return true
}

// matchPlain is match for plain texts.
func matchPlain(pattern, value string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// arnParts is how many parts an ARN has: arn:partition:service:region:account:resource.
const arnParts = 6

// token is one piece of a pattern: a character, any one, or any number of them.
type token struct {
	char      rune
	any, many bool
}

func tokens(pattern string) []token {
	out := make([]token, 0, len(pattern))
	for len(pattern) > 0 {
		if len(pattern) >= 4 && pattern[:2] == "${" && pattern[3] == '}' && strings.IndexByte("*?$", pattern[2]) >= 0 {
			out = append(out, token{char: rune(pattern[2])})
			pattern = pattern[4:]
			continue
		}
		r := []rune(pattern[:min(len(pattern), 4)])[0]
		n := len(string(r))
		if r == '\ufffd' && !strings.HasPrefix(pattern, "\ufffd") {
			n = 1 // a byte that is no character
		}
		switch r {
		case '*':
			out = append(out, token{many: true})
		case '?':
			out = append(out, token{any: true})
		default:
			out = append(out, token{char: r})
		}
		pattern = pattern[n:]
	}
	return out
}

// match is the usual way with one point to come back to, so that the time is
// bounded by the product of the lengths.
func match(pattern []token, v []rune) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(v) {
		switch {
		case p < len(pattern) && pattern[p].many:
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p].any || pattern[p].char == v[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p].many {
		p++
	}
	return p == len(pattern)
}

// Overlap says whether there is a text that matches both patterns.
func Overlap(a, b string) bool {
	x, y := tokens(a), tokens(b)
	// reach[j] says whether x[:i] and y[:j] can have read the same text.
	reach := make([]bool, len(y)+1)
	reach[0] = true
	for i := 0; i <= len(x); i++ {
		next := make([]bool, len(y)+1)
		for j := 0; j <= len(y); j++ {
			if !reach[j] {
				continue
			}
			if j < len(y) && y[j].many {
				reach[j+1] = true // it reads nothing more
			}
			if i == len(x) {
				continue
			}
			if x[i].many {
				next[j] = true
				if j < len(y) {
					reach[j+1] = true // it reads what y[j] reads
				}
				continue
			}
			if j < len(y) {
				switch {
				case y[j].many:
					next[j] = true
				case x[i].any || y[j].any || x[i].char == y[j].char:
					next[j+1] = true
				}
			}
		}
		if i == len(x) {
			return reach[len(y)]
		}
		reach = next
	}
	return false
}

// Example is a text that matches a pattern.
func Example(pattern string) string {
	var b strings.Builder
	for _, t := range tokens(pattern) {
		switch {
		case t.many:
		case t.any:
			b.WriteByte('0')
		default:
			b.WriteRune(t.char)
		}
	}
	return b.String()
}

// Literal says whether a pattern matches one text only.
func Literal(pattern string) bool {
	for _, t := range tokens(pattern) {
		if t.many || t.any {
			return false
		}
	}
	return true
}
