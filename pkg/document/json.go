package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// JSON reads one value of JSON, of whatever length. The error is an *[Error].
func JSON(text []byte) (*Node, error) {
	r := newReader(text)
	n, err := r.value(0)
	if err == nil {
		if _, err = r.dec.ReadToken(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err == nil {
			err = errors.New("something follows the end of the document")
		}
	}
	return nil, r.refuse(err)
}

// FirstJSON reads the value at the beginning of a text, whatever follows it.
func FirstJSON(text []byte) (*Node, error) {
	r := newReader(text)
	n, err := r.value(0)
	if err != nil {
		return nil, r.refuse(err)
	}
	return n, nil
}

type jsonReader struct {
	dec  *jsontext.Decoder
	text []byte
	at   int // up to where lines are counted
	line int
}

func newReader(text []byte) *jsonReader {
	return &jsonReader{dec: jsontext.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
}

// here is the line on which the token ends that was read last.
func (r *jsonReader) here() int {
	end := min(int(r.dec.InputOffset()), len(r.text))
	if end > r.at {
		r.line += bytes.Count(r.text[r.at:end], []byte{'\n'})
		r.at = end
	}
	return r.line
}

func (r *jsonReader) refuse(err error) *Error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	e := &Error{Line: r.here(), Reason: err.Error()}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		end := min(int(syntax.ByteOffset), len(r.text))
		e.Line, e.Reason = 1+bytes.Count(r.text[:end], []byte{'\n'}), syntax.Err.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Reason = "the document ends in the middle"
	}
	return e
}

func (r *jsonReader) value(depth int) (*Node, error) {
	if depth > MaxDepth {
		return nil, &Error{Line: r.here(), Reason: fmt.Sprintf("nested more than %d deep", MaxDepth)}
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &Node{Line: r.here()}
	switch token.Kind() {
	case 'n':
	case 't', 'f':
		n.Kind, n.Text = Bool, token.String()
	case '0':
		n.Kind, n.Text = Number, token.String()
	case '"':
		n.Kind, n.Text = String, token.String()
	case '[':
		n.Kind = List
		for r.dec.PeekKind() != ']' {
			v, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Members = append(n.Members, Member{Line: v.Line, Value: v})
		}
		_, err = r.dec.ReadToken()
	case '{':
		n.Kind = Map
		for r.dec.PeekKind() != '}' {
			name, err := r.dec.ReadToken()
			if err != nil {
				return nil, err
			}
			m := Member{Name: name.String(), Line: r.here()}
			if m.Value, err = r.value(depth + 1); err != nil {
				return nil, err
			}
			n.Members = append(n.Members, m)
		}
		_, err = r.dec.ReadToken()
	}
	return n, err
}
