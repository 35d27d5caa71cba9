// Package document reads JSON or YAML text into a tree that knows on which line
// everything stands, strictly: what is there twice is refused, and so is what is
// longer, deeper or, by the aliases of YAML, larger than anybody writes.
//
// It is for what people write and keep in repositories. Records, of which there are
// millions, are read by package jsondoc.
package document

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Limits of one document. CloudFormation takes templates of 1 MB.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const (
	MaxBytes = 1 << 20
	MaxDepth = 100
	// MaxNodes is how many values there may be once aliases stand for what they
	// name.
	MaxNodes = 200_000
)

// Kind is the type of a [Node].
type Kind uint8

// The kinds. The zero value is Null.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// Node is one value.
type Node struct {
	Kind Kind
	// Tag is the local tag of YAML that stands before the value, without its
	// exclamation mark: Ref, for !Ref.
	Tag string
	// Text is a string's text, a number's literal, or "true" or "false".
	Text string
	Line int // from 1
	// Members are those of a map, or the elements (without a name) of a list.
	Members []Member
}

// Member is a member of a map or an element of a list.
type Member struct {
	Name  string
	Line  int // of the name
	Value *Node
}

// Error says where a text was refused, and why.
type Error struct {
	Line   int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Get returns the member of a map with a name, or nil.
func (n *Node) Get(name string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// Str returns the text of a string, or "" for anything else.
func (n *Node) Str() string {
	if n == nil || n.Kind != String {
		return ""
	}
	return n.Text
}

// Scalar returns the text of a string, a number, true or false.
func (n *Node) Scalar() (text string, ok bool) {
	if n == nil || n.Kind == Null || n.Kind == List || n.Kind == Map {
		return "", false
	}
	return n.Text, true
}

// steps are those of a path: a name, or an index in brackets.
var steps = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// LineOf is the line on which a path leads to something, or as far as it leads: a
// member that is not there would stand in the one that is. A list of one element is
// taken for the element, as Terraform writes blocks.
func (n *Node) LineOf(path string) int {
	line := n.Line
	for _, step := range steps.FindAllString(path, -1) {
		next, at := n.step(step)
		for next == nil && n.Kind == List && len(n.Members) == 1 {
			n = n.Members[0].Value
			next, at = n.step(step)
		}
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

// step takes one step of a path.
func (n *Node) step(step string) (*Node, int) {
	if i, err := strconv.Atoi(strings.Trim(step, "[]")); err == nil && step[0] == '[' {
		if n.Kind == List && i < len(n.Members) {
			return n.Members[i].Value, n.Members[i].Value.Line
		}
		return nil, 0
	}
	if n.Kind != Map {
		return nil, 0
	}
	for i := range n.Members {
		if m := &n.Members[i]; m.Name == step {
			return m.Value, m.Line
		}
	}
	return nil, 0
}
