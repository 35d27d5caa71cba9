// Package jsondoc reads untrusted JSON into a tree, strictly, and answers for
// a member in one of several ways that callers must not confuse: it is there,
// it is empty, it is not there, or its value cannot be known from the document.
//
// encoding/json matches member names in any case and lets the last duplicate
// win, so that {"enableNetworkIsolation":true,"EnableNetworkIsolation":false}
// and "VPCCONFIG":null change what a reader believes. Here duplicates are
// refused, members that differ only in the case of letters are refused, and a
// member is found by its name with the first letter in either case (the API
// writes VpcConfig, CloudTrail writes vpcConfig) and by nothing looser.
package jsondoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of one document. A CloudTrail record delivered by EventBridge is at
// most 1 MiB, and no AWS request nests anywhere near 100 deep.
const (
	MaxBytes = 1 << 20
	MaxDepth = 100
)

// Kind is the type of a [Value].
type Kind uint8

// The kinds. The zero Value is Absent.
const (
	Absent  Kind = iota // there is no such member
	Null                // null
	Bool                // true or false
	Number              // a number, kept as its literal
	String              // a string
	Array               // a list
	Object              // an object
	Unknown             // there is a value, but this document does not tell which; see [Value.Why]
)

// Value is one JSON value. It is immutable. The zero Value is Absent.
type Value struct {
	kind      Kind
	bool      bool
	inherited bool
	text      string // String: its text; Number: its literal; Unknown: why
	members   []Member
}

// Member is one member of an object, or one element (with no name) of a list.
type Member struct {
	Name  string
	Value Value
}

// Error says where in the document the JSON was refused and why.
type Error struct {
	Offset int64  // byte offset in the document
	Path   string // for example requestParameters.vpcConfig.subnets[0]
	Reason string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s (byte %d)", e.Reason, e.Offset)
	}
	return fmt.Sprintf("%s: %s (byte %d)", e.Path, e.Reason, e.Offset)
}

// Parse reads one document. Objects that are the value of a member named in
// freeForm (by its API name, for example Environment) may hold names of a
// caller's choice, so that only there names may differ by case alone. The
// error is an *[Error].
func Parse(data []byte, freeForm map[string]bool) (Value, error) {
	if len(data) > MaxBytes {
		return Value{}, &Error{Offset: MaxBytes, Reason: fmt.Sprintf("longer than %d bytes", MaxBytes)}
	}
	// The library judges the syntax and finds duplicates; what follows only cuts
	// up text that is known to be valid.
	if !jsontext.Value(data).IsValid() {
		return Value{}, explain(data)
	}
	p := parser{src: string(data), freeForm: freeForm, escapes: bytes.IndexByte(data, '\\') >= 0}
	// Enough for most records without a further allocation.
	var open [48]Member
	var path [16]step
	p.open, p.path = open[:0], path[:0]
	p.done = make([]Member, 0, bytes.Count(data, []byte{','})+bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}))
	v, refused := p.value(0, false)
	if refused != nil {
		return Value{}, refused
	}
	return v, nil
}

// explain says where and why a document is not valid.
func explain(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	_, err := d.ReadValue()
	if err == nil {
		_, err = d.ReadToken()
	}
	e := &Error{Offset: d.InputOffset(), Reason: "something follows the end of the document"}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		e.Offset, e.Path, e.Reason = syntax.ByteOffset, dotted(string(syntax.JSONPointer)), syntax.Err.Error()
	case err == nil:
		return e
	default:
		e.Reason = err.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Reason = "the document ends in the middle"
	}
	return e
}

// dotted writes the JSON pointer /a/b/0 as a.b[0].
func dotted(pointer string) string {
	var b strings.Builder
	for tok := range jsontext.Pointer(pointer).Tokens() {
		if _, err := strconv.Atoi(tok); err == nil {
			b.WriteString("[" + tok + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(tok)
	}
	return b.String()
}

// parser cuts a document that is known to be valid into values.
type parser struct {
	src      string
	pos      int
	freeForm map[string]bool
	escapes  bool     // whether there is any in the document
	open     []Member // of the objects and lists that are being read
	done     []Member // of those that were read; values hold pieces of it
	path     []step   // to pos, for errors
}

// step is one step of a path: a member, or an element of a list.
type step struct {
	name  string
	index int
	list  bool
}

// skip passes over whitespace and the given punctuation.
func (p *parser) skip(punctuation byte) {
	for ; p.pos < len(p.src); p.pos++ {
		switch c := p.src[p.pos]; c {
		case ' ', '\t', '\r', '\n', punctuation:
		default:
			return
		}
	}
}

func (p *parser) value(depth int, freeForm bool) (Value, *Error) {
	p.skip(' ')
	start := p.pos
	switch p.src[p.pos] {
	case '{', '[':
		if depth++; depth > MaxDepth {
			return Value{}, p.refuse(fmt.Sprintf("nested more than %d deep", MaxDepth))
		}
		return p.container(depth, freeForm)
	case '"':
		return Value{kind: String, text: p.text()}, nil
	case 'n':
		p.pos += len("null")
		return Value{kind: Null}, nil
	case 't':
		p.pos += len("true")
		return Value{kind: Bool, bool: true}, nil
	case 'f':
		p.pos += len("false")
		return Value{kind: Bool}, nil
	}
	for p.pos < len(p.src) && strings.IndexByte("+-.0123456789Ee", p.src[p.pos]) >= 0 {
		p.pos++
	}
	return Value{kind: Number, text: p.src[start:p.pos]}, nil
}

// text reads a string: a piece of the source where nothing is escaped.
func (p *parser) text() string {
	p.pos++
	start := p.pos
	end := start + strings.IndexByte(p.src[start:], '"')
	if !p.escapes || strings.IndexByte(p.src[start:end], '\\') < 0 {
		p.pos = end + 1
		return p.src[start:end]
	}
	for p.pos < len(p.src) && p.src[p.pos] != '"' {
		if p.src[p.pos] == '\\' {
			p.pos++
		}
		p.pos++
	}
	p.pos++
	// The text is valid, so that this cannot fail.
	b, _ := jsontext.AppendUnquote(nil, p.src[start-1:p.pos])
	return string(b)
}

func (p *parser) container(depth int, freeForm bool) (Value, *Error) {
	v := Value{kind: Array}
	if p.src[p.pos] == '{' {
		v.kind = Object
	}
	p.pos++
	base := len(p.open)
	p.path = append(p.path, step{list: v.kind == Array})
	for p.skip(','); p.src[p.pos] != '}' && p.src[p.pos] != ']'; p.skip(',') {
		var m Member
		below := false
		if v.kind == Object {
			m.Name = p.text()
			p.skip(':')
			below = p.src[p.pos] == '{' && (p.freeForm[m.Name] || p.freeForm[swapFirst(m.Name)])
			p.path[len(p.path)-1].name = m.Name
		}
		var refused *Error
		if m.Value, refused = p.value(depth, below); refused != nil {
			return Value{}, refused
		}
		p.open = append(p.open, m)
		p.path[len(p.path)-1].index++
	}
	p.path = p.path[:len(p.path)-1]
	p.pos++
	if members := p.open[base:]; len(members) > 0 {
		if v.kind == Object && !freeForm {
			if a, b, ok := foldedTwin(members); ok {
				return Value{}, p.refuse(fmt.Sprintf("members %q and %q differ only by case", a, b))
			}
		}
		start := len(p.done)
		p.done = append(p.done, members...)
		v.members = p.done[start:len(p.done):len(p.done)]
		p.open = p.open[:base]
	}
	return v, nil
}

// refuse places an error where the parser stands.
func (p *parser) refuse(reason string) *Error {
	path := ""
	for _, s := range p.path {
		switch {
		case s.list:
			path += "[" + strconv.Itoa(s.index) + "]"
		case path == "":
			path = s.name
		default:
			path += "." + s.name
		}
	}
	return &Error{Offset: int64(p.pos), Path: path, Reason: reason}
}

// foldedTwin finds two members whose names differ only by case. Few members
// are compared with each other, many by a map, so that the time stays linear.
func foldedTwin(members []Member) (a, b string, found bool) {
	const few = 24
	if len(members) <= few {
		for i := range members {
			for j := range i {
				if len(members[i].Name) == len(members[j].Name) && strings.EqualFold(members[i].Name, members[j].Name) {
					return members[j].Name, members[i].Name, true
				}
			}
		}
		return "", "", false
	}
	seen := make(map[string]string, len(members))
	for _, m := range members {
		folded := strings.ToLower(m.Name)
		if o, ok := seen[folded]; ok {
			return o, m.Name, true
		}
		seen[folded] = m.Name
	}
	return "", "", false
}

// swapFirst is name with its first letter, where it is an ASCII letter, in the
// other case.
func swapFirst(name string) string {
	if name == "" {
		return name
	}
	c := name[0]
	if l := c | 0x20; l < 'a' || l > 'z' {
		return name
	}
	return string(c^0x20) + name[1:]
}

// sameName says whether two names are the same but for the case of an ASCII
// first letter.
func sameName(a, b string) bool {
	if len(a) != len(b) || a == "" {
		return a == b
	}
	if a[0] != b[0] {
		if l := a[0] | 0x20; l < 'a' || l > 'z' || l != b[0]|0x20 {
			return false
		}
	}
	return a[1:] == b[1:]
}
