package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check says what is wrong with a value of the context, before CloudFormation
// would: the app knows the key that was typed.
func (s Setting) check(value string) error {
	switch {
	case s.Values != nil && !slices.Contains(s.Values, value):
		return fmt.Errorf("context %s is %q: want one of %s", s.Key, value, strings.Join(s.Values, ", "))
	case s.Pattern != "" && !regexp.MustCompile("^(?:"+s.Pattern+")$").MatchString(value):
		return fmt.Errorf("context %s is %q: want %s", s.Key, value, s.Hint)
	case s.Type == "Number":
		if n, err := strconv.Atoi(value); err != nil || n < 1 {
			return fmt.Errorf("context %s is %q: want a number", s.Key, value)
		}
	}
	return nil
}
