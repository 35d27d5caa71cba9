// Package pattern matches events as Amazon EventBridge rules do, so that a test
// or the sandbox can say which rule an event wakes.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
//
// It knows exact strings, true, false and null, and the operators exists, prefix,
// suffix, wildcard and anything-but. It refuses what EventBridge refuses, and all
// else that our rules do not need: numbers and numeric, $or, cidr, exact IP
// addresses (which EventBridge compares as addresses), equals-ignore-case, a
// quotation mark in the string of an operator, a backslash in a wildcard, and a
// field that stands there twice (of which EventBridge takes the last).
// docs/adr/0009-event-patterns.md says why.
package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize is the default quota for a pattern, in characters.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const MaxSize = 2048

// The bounds of one match, far above what any event of AWS needs.
const (
	maxEvent = 1 << 20 // bytes
	maxSteps = 1 << 20 // arrays beside arrays could take any number
)

// Pattern is a compiled event pattern. It may be used concurrently.
type Pattern struct{ conditions []condition }

// condition is what one field must meet: one of its tests.
type condition struct {
	path   string
	absent bool // no value at all meets it too
	tests  []test
}

// test says whether a value is as wanted.
type test func(scalar) bool

// scalar is a value of an event: the content of a string, or a literal.
type scalar struct {
	quoted bool
	text   string
}

// Compile reads an event pattern. The error says which field is wrong.
func Compile(data []byte) (*Pattern, error) {
	if n := utf8.RuneCount(data); n > MaxSize {
		return nil, fmt.Errorf("the pattern has %d characters: EventBridge takes %d", n, MaxSize)
	}
	raw := jsontext.Value(data)
	if !raw.IsValid() {
		return nil, errors.New("the pattern is not JSON, or has a field twice")
	}
	if raw.Kind() != '{' {
		return nil, errors.New("the pattern is no object")
	}
	p := &Pattern{}
	if err := p.object(data, ""); err != nil {
		return nil, err
	}
	slices.SortFunc(p.conditions, func(a, b condition) int { return strings.Compare(a.path, b.path) })
	for i := 1; i < len(p.conditions); i++ {
		if path := p.conditions[i].path; path == p.conditions[i-1].path {
			return nil, fmt.Errorf("%q is matched twice", path)
		}
	}
	return p, nil
}

func (p *Pattern) object(raw []byte, path string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || len(members) == 0 {
		return fmt.Errorf("%q is an empty object", path)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		at, value := strings.TrimPrefix(path+"."+name, "."), members[name]
		var err error
		switch kind := jsontext.Value(value).Kind(); {
		case name == "" || name == "$or":
			err = fmt.Errorf("%q: a field named %q is not supported", path, name)
		case kind == '{':
			err = p.object(value, at)
		case kind == '[':
			err = p.leaf(value, at)
		default:
			err = fmt.Errorf("%q must be an object or an array", at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Pattern) leaf(raw []byte, path string) error {
	list, err := array(raw)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	c := condition{path: path}
	for _, element := range list {
		if op, arg, err := operator(element); err == nil && op == "exists" && string(arg) == "false" {
			c.absent = true
			continue
		}
		t, err := value(element)
		if err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		c.tests = append(c.tests, t)
	}
	p.conditions = append(p.conditions, c)
	return nil
}

// array reads an array that is not empty.
func array(raw []byte) (list []json.RawMessage, err error) {
	if err = json.Unmarshal(raw, &list); err == nil && len(list) == 0 {
		err = errors.New("found an empty array: EventBridge takes none")
	}
	return list, err
}

// operator reads an object with one member.
func operator(raw []byte) (name string, arg json.RawMessage, err error) {
	var members map[string]json.RawMessage
	if err = json.Unmarshal(raw, &members); err == nil && len(members) != 1 {
		err = fmt.Errorf("found an object with %d members where an operator stands, which has one", len(members))
	}
	for name, arg = range members {
		break
	}
	return name, arg, err
}

// address is the JSON string of what EventBridge may compare as an IP address.
// https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/Constants.java
var address = regexp.MustCompile(`^"(\d+(\.\d+){3}|[0-9a-fA-F:]*:[0-9a-fA-F:]*)"$`)

// value reads an element of a leaf.
func value(raw json.RawMessage) (test, error) {
	switch jsontext.Value(raw).Kind() {
	case 't', 'f', 'n':
		return func(v scalar) bool { return !v.quoted && v.text == string(raw) }, nil
	case '"':
		if address.Match(raw) {
			return nil, fmt.Errorf("%s may be an IP address, which is not supported", raw)
		}
		return stringTest("", raw)
	case '{':
		op, arg, err := operator(raw)
		switch {
		case err != nil:
			return nil, err
		case op == "exists" && string(arg) == "true":
			return func(scalar) bool { return true }, nil
		case op == "anything-but":
			return anythingBut(arg)
		}
		return stringTest(op, arg)
	default:
		return nil, fmt.Errorf("%s is not supported", raw)
	}
}

// stringTest tests strings by an operator that takes a string; "" is equality.
func stringTest(op string, arg json.RawMessage) (test, error) {
	var s string
	if jsontext.Value(arg).Kind() != '"' || json.Unmarshal(arg, &s) != nil {
		return nil, fmt.Errorf("%q of %s is not supported: want an operator and a string", op, arg)
	}
	if op != "" && strings.Contains(s, `"`) {
		return nil, fmt.Errorf("%s %q: a quotation mark is not supported", op, s)
	}
	var holds func(string) bool
	switch op {
	case "":
		holds = func(v string) bool { return v == s }
	case "prefix":
		holds = func(v string) bool { return strings.HasPrefix(v, s) }
	case "suffix":
		holds = func(v string) bool { return strings.HasSuffix(v, s) }
	case "wildcard":
		if strings.Contains(s, "**") || strings.Contains(s, `\`) {
			return nil, fmt.Errorf("wildcard %q: two asterisks in a row, or a backslash, are not supported", s)
		}
		pieces := strings.Split(s, "*")
		holds = func(v string) bool { return wild(pieces, v) }
	default:
		return nil, fmt.Errorf("the operator %q is not supported", op)
	}
	return func(v scalar) bool { return v.quoted && holds(v.text) }, nil
}

// wild says whether a string is the pieces, in their order, with anything between.
func wild(pieces []string, s string) bool {
	last := len(pieces) - 1
	if last == 0 {
		return s == pieces[0]
	}
	s, found := strings.CutPrefix(s, pieces[0])
	for _, piece := range pieces[1:last] {
		if found {
			_, s, found = strings.Cut(s, piece)
		}
	}
	return found && strings.HasSuffix(s, pieces[last])
}

// anythingBut reads the strings that a value must not be, or the operator of
// strings that must not hold. Of several values of a field, one that is not is
// enough.
func anythingBut(arg json.RawMessage) (test, error) {
	op := ""
	if jsontext.Value(arg).Kind() == '{' {
		var err error
		if op, arg, err = operator(arg); err != nil {
			return nil, err
		}
	}
	list := []json.RawMessage{arg}
	if jsontext.Value(arg).Kind() == '[' {
		var err error
		if list, err = array(arg); err != nil {
			return nil, err
		}
	}
	var not []test
	for _, element := range list {
		t, err := stringTest(op, element)
		if err == nil && string(element) == `""` && (op == "prefix" || op == "suffix") {
			err = fmt.Errorf("anything-but takes no empty %s", op)
		}
		if err != nil {
			return nil, err
		}
		not = append(not, t)
	}
	return func(v scalar) bool {
		return !slices.ContainsFunc(not, func(t test) bool { return t(v) })
	}, nil
}
