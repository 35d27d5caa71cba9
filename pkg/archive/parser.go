package archive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// A parser follows the structure of one log down to the elements of Records.
type parser struct {
	ctx        context.Context
	src        io.Reader
	compressed func() int64 // how much of the input src has taken; nil if that is not compressed
	fn         func(Record) error
	limits     limits
	exact      bool

	buf      []byte // buf[pos:end] is what is not parsed yet
	pos, end int
	mark     int   // where what must stay in the buffer starts, -1 if nothing must
	base     int64 // offset of buf[0] in the text
	err      error // why there is no more to read

	isLog   bool  // an array called Records was found in this document
	scouted int64 // offset up to which leap has looked
	stats   Stats
	fault   error // the first record that was skipped
	beside  error // the first member of a log that is no list called Records
}

// offset returns where the parser stands in the text.
func (p *parser) offset() int64 { return p.base + int64(p.pos) }

// log parses the whole input.
func (p *parser) log() error {
	for first := true; ; first = false {
		c, err := p.peek()
		if errors.Is(err, io.EOF) && !first {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		start := p.offset()
		p.isLog = false
		if c == '{' {
			err = p.document()
		} else {
			err = p.syntax()
		}
		if first && !p.isLog && (err == nil || errors.Is(err, ErrSyntax)) {
			return ErrNotALog
		}
		if err == nil && !p.isLog {
			err = &Error{Offset: start, Err: ErrOther}
		}
		if err != nil {
			return err
		}
	}
}

// document parses the outermost object.
func (p *parser) document() error {
	return p.list('}', func(byte) error {
		start := p.offset()
		p.mark = p.pos
		if err := p.skip(); err != nil {
			return err
		}
		isRecords := p.mark >= 0 && unquote(p.buf[p.mark:p.pos]) == "Records"
		p.mark = -1
		if c, err := p.need(); err != nil {
			return err
		} else if c != ':' {
			return p.syntax()
		}
		p.pos++
		c, err := p.need()
		if err != nil {
			return err
		}
		if !isRecords || c != '[' {
			if p.beside == nil {
				p.beside = &Error{Offset: start, Err: ErrMember}
			}
			return p.skip()
		}
		p.isLog = true
		return p.list(']', p.element)
	})
}

// list parses an object or array whose first bracket is next and whose last one is end. It calls item, which gets the
// first byte of an item and must consume the whole.
func (p *parser) list(end byte, item func(c byte) error) error {
	p.pos++
	c, err := p.need()
	if err != nil {
		return err
	}
	if c == end {
		p.pos++
		return nil
	}
	for {
		// The keys of an object are strings.
		if end == '}' && c != '"' {
			return p.syntax()
		}
		if err := item(c); err != nil {
			return err
		}
		if c, err = p.need(); err != nil {
			return err
		}
		if c != ',' && c != end {
			return p.syntax()
		}
		p.pos++
		if c == end {
			return nil
		}
		if c, err = p.need(); err != nil {
			return err
		}
	}
}

// element parses one element of Records, or many of them by a leap, and hands it out unless it is another
// service's.
func (p *parser) element(byte) error {
	if !p.exact && p.offset() > p.scouted {
		n, seen := leap(p.buf[p.pos:p.end], p.limits.proof, p.limits.slack)
		p.scouted = p.offset() + int64(seen)
		p.pos += n
		p.stats.Leapt += int64(n)
	}
	start := p.offset()
	p.mark = p.pos
	err := p.skip()
	if err == nil {
		if p.mark < 0 {
			p.skipped(start, ErrTooLong)
		} else {
			err = p.record(Record{Data: p.buf[p.mark:p.pos:p.pos], Offset: start})
		}
	}
	p.mark = -1
	return err
}

// record hands r out unless it is another service's.
func (p *parser) record(r Record) error {
	suspicious := suspect(r.Data) < len(r.Data)
	if !suspicious && isOthers(r.Data, false) {
		return nil
	}
	if !json.Valid(r.Data) {
		p.skipped(r.Offset, ErrSyntax)
		return nil
	}
	if suspicious && isOthers(r.Data, true) {
		return nil
	}
	var s skipper
	if s.skip(r.Data); s.deepest > MaxDepth {
		p.skipped(r.Offset, ErrTooDeep)
		return nil
	}
	p.stats.Records++
	return p.fn(r)
}

// skipped notes that the record at offset was not handed out.
func (p *parser) skipped(offset int64, why error) {
	p.stats.Skipped++
	if p.fault == nil {
		p.fault = &Error{Offset: offset, Err: why}
	}
}

// skip consumes the value that is next. If mark is set and the value grows longer than a record may be, skip clears
// it: the value is not in the buffer as a whole.
func (p *parser) skip() error {
	var s skipper
	consume := s.skip
	switch c := p.buf[p.pos]; c {
	case '"', '{', '[':
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'f', 'n':
		consume = skipScalar
	default:
		return p.syntax()
	}
	for {
		n, done := consume(p.buf[p.pos:p.end])
		p.pos += n
		if p.mark >= 0 && p.pos-p.mark > p.limits.record {
			p.mark = -1
		}
		if done {
			return nil
		}
		if err := p.fill(); err != nil {
			return p.cut(err)
		}
	}
}

// peek returns the next byte that is not white space, without consuming it.
func (p *parser) peek() (byte, error) {
	for {
		for p.pos < p.end {
			if c := p.buf[p.pos]; !space(c) {
				return c, nil
			}
			p.pos++
		}
		if err := p.fill(); err != nil {
			return 0, err
		}
	}
}

// need is peek where the log may not end.
func (p *parser) need() (byte, error) {
	c, err := p.peek()
	if err != nil {
		return 0, p.cut(err)
	}
	return c, nil
}

// cut makes of the end of the input the error that it is inside a value.
func (p *parser) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return &Error{Offset: p.base + int64(p.end), Err: io.ErrUnexpectedEOF}
	}
	return err
}

// syntax returns the error that the next byte cannot stand there.
func (p *parser) syntax() error { return &Error{Offset: p.offset(), Err: ErrSyntax} }

// fill reads until the buffer is full or the input ends, and drops what is parsed and not marked. It returns an
// error if there was nothing to read: io.EOF at the regular end.
func (p *parser) fill() error {
	if p.err != nil {
		return p.err
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	keep := p.pos
	if p.mark >= 0 {
		keep = p.mark
		p.mark = 0
	}
	p.end = copy(p.buf, p.buf[keep:p.end])
	p.pos -= keep
	p.base += int64(keep)

	before := p.end
	for idle := 0; p.err == nil; {
		if p.end == len(p.buf) && !p.grow() {
			break
		}
		n, err := p.src.Read(p.buf[p.end:])
		p.end += n
		switch {
		case err == io.EOF:
			p.err = io.EOF
		case err != nil:
			p.err = &Error{Offset: p.base + int64(p.end), Err: err}
		case p.isBomb():
			p.err = &Error{Offset: p.base + int64(p.end), Err: ErrRatio}
		case n > 0:
			idle = 0
		default:
			if idle++; idle == 100 {
				p.err = &Error{Offset: p.base + int64(p.end), Err: io.ErrNoProgress}
			}
		}
	}
	if p.end == before {
		return p.err
	}
	return nil
}

// grow enlarges the buffer, unless it is as large as it may become.
func (p *parser) grow() bool {
	size := min(max(8*len(p.buf), 64<<10), p.limits.buffer)
	if size <= len(p.buf) {
		return false
	}
	buf := make([]byte, size)
	copy(buf, p.buf[:p.end])
	p.buf = buf
	return true
}

// isBomb says whether the log is compressed more than it may be.
func (p *parser) isBomb() bool {
	n := p.base + int64(p.end)
	return p.compressed != nil && n > p.limits.unchecked && n/p.limits.ratio > p.compressed()
}
