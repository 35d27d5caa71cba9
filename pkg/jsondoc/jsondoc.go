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
	"slices"
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
	p := parser{src: string(data), freeForm: freeForm}
	p.dec = jsontext.NewDecoder(bytes.NewBuffer(data))
	v, err := p.value(0, false)
	if err != nil {
		return Value{}, p.fail(err)
	}
	if _, err := p.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return Value{}, &Error{Offset: p.dec.InputOffset(), Reason: "something follows the end of the document"}
	}
	return v, nil
}

type parser struct {
	src      string
	dec      *jsontext.Decoder
	freeForm map[string]bool
	stack    []Member // members of the objects being read; each is copied off when whole
}

// errPlain is an error that [parser.fail] only has to place.
type errPlain string

func (e errPlain) Error() string { return string(e) }

func (p *parser) fail(err error) error {
	e := &Error{Offset: p.dec.InputOffset(), Path: dotted(string(p.dec.StackPointer())), Reason: err.Error()}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		e.Offset, e.Path = syn.ByteOffset, dotted(string(syn.JSONPointer))
		e.Reason = syn.Err.Error()
		if errors.Is(syn.Err, io.ErrUnexpectedEOF) {
			e.Reason = "the document ends in the middle"
		}
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Reason = "the document ends in the middle"
	}
	return e
}

// dotted writes the JSON pointer /a/b/0 as a.b[0].
func dotted(pointer string) string {
	if pointer == "" {
		return ""
	}
	var b strings.Builder
	for _, tok := range strings.Split(pointer[1:], "/") {
		tok = strings.NewReplacer("~1", "/", "~0", "~").Replace(tok)
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

// text is the text of a JSON string literal that ends where the decoder
// stands: a piece of the source where nothing is escaped.
func (p *parser) text(raw jsontext.Value) (string, error) {
	end := int(p.dec.InputOffset())
	start := end - len(raw)
	if bytes.IndexByte(raw, '\\') < 0 {
		return p.src[start+1 : end-1], nil
	}
	b, err := jsontext.AppendUnquote(nil, []byte(raw))
	return string(b), err
}

func (p *parser) value(depth int, freeForm bool) (Value, error) {
	switch p.dec.PeekKind() {
	case '{', '[':
		if depth++; depth > MaxDepth {
			return Value{}, errPlain(fmt.Sprintf("nested more than %d deep", MaxDepth))
		}
		return p.container(depth, freeForm)
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return Value{}, err
	}
	switch raw.Kind() {
	case 'n':
		return Value{kind: Null}, nil
	case 't', 'f':
		return Value{kind: Bool, bool: raw[0] == 't'}, nil
	case '0':
		end := int(p.dec.InputOffset())
		return Value{kind: Number, text: p.src[end-len(raw) : end]}, nil
	default:
		s, err := p.text(raw)
		return Value{kind: String, text: s}, err
	}
}

func (p *parser) container(depth int, freeForm bool) (Value, error) {
	open, err := p.dec.ReadToken()
	if err != nil {
		return Value{}, err
	}
	object := open.Kind() == '{'
	base := len(p.stack)
	for {
		next := p.dec.PeekKind()
		if next == '}' || next == ']' {
			if _, err := p.dec.ReadToken(); err != nil {
				return Value{}, err
			}
			break
		}
		var m Member
		below := false
		if object {
			raw, err := p.dec.ReadValue()
			if err != nil {
				return Value{}, err
			}
			if m.Name, err = p.text(raw); err != nil {
				return Value{}, err
			}
			below = p.freeForm[m.Name] || p.freeForm[swapFirst(m.Name)]
		}
		if m.Value, err = p.value(depth, below); err != nil {
			return Value{}, err
		}
		p.stack = append(p.stack, m)
	}
	if object && !freeForm {
		if a, b, ok := foldedTwin(p.stack[base:]); ok {
			return Value{}, errPlain(fmt.Sprintf("members %q and %q differ only by case", a, b))
		}
	}
	v := Value{kind: Array}
	if object {
		v.kind = Object
	}
	if len(p.stack) > base {
		v.members = slices.Clone(p.stack[base:])
		p.stack = p.stack[:base]
	}
	return v, nil
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
