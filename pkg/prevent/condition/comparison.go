package condition

import (
	"slices"
	"strings"
	"unicode"
)

// Comparison is an operator with the values that a policy gives, made ready to be
// compared with many requests.
type Comparison struct {
	operator Operator
	policy   []Operand
	open     bool // one of the values is not known
	// untold says that it is not documented how one of the values compares.
	untold   bool
	texts    map[string]struct{} // values that match one text
	patterns [][][]token         // the others: an ARN has six parts
}

// With makes a comparison with a policy's values.
func (o Operator) With(policy []Operand) *Comparison {
	c := &Comparison{operator: o, policy: policy}
	for _, p := range policy {
		if p.Open {
			c.open = true
		} else {
			c.add(p.Text)
		}
	}
	return c
}

// Work is how many steps it takes to compare one value, as a measure.
func (c *Comparison) Work() int { return 1 + len(c.patterns) }

// add adds a value to those that a positive operator looks for.
func (c *Comparison) add(want string) {
	wild := strings.ContainsAny(want, "*?$")
	switch c.operator.Base {
	case Null:
		return // it compares no values
	case StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase:
		if strings.Contains(want, "${") {
			// ${*} and the like: documented for patterns.
			c.untold = true
			return
		}
	case StringLike, StringNotLike:
		if wild {
			c.patterns = append(c.patterns, [][]token{tokens(want)})
			return
		}
	case ArnEquals, ArnLike, ArnNotEquals, ArnNotLike:
		// "Each of the six colon-delimited components of the ARN is checked separately".
		parts := strings.SplitN(want, ":", arnParts)
		if len(parts) < arnParts {
			c.untold = true // it is no ARN
			return
		}
		if wild {
			var pattern [][]token
			for _, p := range parts {
				pattern = append(pattern, tokens(p))
			}
			c.patterns = append(c.patterns, pattern)
			return
		}
	case BoolEquals:
		if !isFlag(want) {
			c.untold = true
			return
		}
	default:
		// Numbers, dates, addresses and bytes are compared by no key that matters here.
		c.untold = true
		return
	}
	if c.texts == nil {
		c.texts = map[string]struct{}{}
	}
	c.texts[c.form(want)] = struct{}{}
}

// form is what texts have in common that the operator takes for equal.
func (c *Comparison) form(text string) string {
	if !strings.HasSuffix(string(c.operator.Base), "IgnoreCase") {
		return text
	}
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, text)
}

func isFlag(s string) bool { return s == "true" || s == "false" }

// one compares one value of the request with the policy's: any of them for an
// operator that matches, all of them for a negated one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
func (c *Comparison) one(value string) Truth {
	t := No
	switch {
	case c.matches(value):
		t = Yes
	case c.open, c.untold, len(c.policy) > 0 && c.odd(value):
		t = Unknown
	}
	if c.operator.negated() {
		return not(t)
	}
	return t
}

// odd says whether it is not documented how a value compares.
func (c *Comparison) odd(value string) bool {
	kind := c.operator.category()
	return kind == ARN && strings.Count(value, ":") < arnParts-1 || kind == Bool && !isFlag(value)
}

// matches says whether a value is one that a positive operator looks for.
func (c *Comparison) matches(value string) bool {
	if _, ok := c.texts[c.form(value)]; ok {
		return true
	}
	if len(c.patterns) == 0 {
		return false
	}
	parts := []string{value}
	if c.operator.category() == ARN {
		parts = strings.SplitN(value, ":", arnParts)
	}
	var read [][]rune
	for _, p := range parts {
		read = append(read, []rune(p))
	}
	return slices.ContainsFunc(c.patterns, func(pattern [][]token) bool {
		if len(pattern) != len(read) {
			return false
		}
		for i, p := range pattern {
			if !match(p, read[i]) {
				return false
			}
		}
		return true
	})
}
