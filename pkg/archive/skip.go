package archive

import (
	"encoding/binary"
	"math/bits"
)

// A skipper passes over one JSON object, array or string that may arrive in pieces. It follows strings and counts
// brackets, and does not recurse, so no nesting can exhaust the stack. It does not check the syntax in between.
type skipper struct {
	depth   int
	deepest int  // depth there was so far
	inside  bool // of a string
}

// skip consumes the next piece of the value. It returns how many bytes it consumed and whether the value ends there.
// Until it does, everything is consumed but for a last backslash whose second half is missing: the next piece must
// start with what was not consumed.
func (s *skipper) skip(b []byte) (n int, done bool) {
	for n < len(b) {
		m, done := s.blocks(b[n:])
		n += m
		if done {
			return n, true
		}
		m, done = s.bytes(b[n:min(n+block, len(b))])
		n += m
		if done || m == 0 {
			return n, done
		}
	}
	return n, false
}

// bytes is skip, one byte after another.
func (s *skipper) bytes(b []byte) (n int, done bool) {
	for ; n < len(b); n++ {
		c := b[n]
		switch {
		case s.inside && c == '\\':
			if n+1 == len(b) {
				return n, false
			}
			n++
		case c == '"':
			s.inside = !s.inside
			if s.depth == 0 && !s.inside {
				return n + 1, true
			}
		case s.inside:
		case c == '{' || c == '[':
			s.depth++
			s.deepest = max(s.deepest, s.depth)
		case c == '}' || c == ']':
			if s.depth--; s.depth <= 0 {
				return n + 1, true
			}
		}
	}
	return n, false
}

const (
	block = 64
	low   = 0x0101010101010101 // the lowest bit of each of 8 bytes
	high  = low << 7           // and the highest
)

// blocks consumes whole blocks of an object or array as long as there is no backslash in them, without a branch that
// depends on their strings: a processor that guesses the length of each string wrong is slow. What is left over, n on,
// is for bytes.
func (s *skipper) blocks(b []byte) (n int, done bool) {
	if s.depth == 0 {
		return 0, false
	}
	var carry uint64 // all ones inside a string
	if s.inside {
		carry = ^carry
	}
	for ; len(b)-n >= block; n += block {
		w := (*[block]byte)(b[n:])
		w0 := binary.LittleEndian.Uint64(w[0:])
		w1 := binary.LittleEndian.Uint64(w[8:])
		w2 := binary.LittleEndian.Uint64(w[16:])
		w3 := binary.LittleEndian.Uint64(w[24:])
		w4 := binary.LittleEndian.Uint64(w[32:])
		w5 := binary.LittleEndian.Uint64(w[40:])
		w6 := binary.LittleEndian.Uint64(w[48:])
		w7 := binary.LittleEndian.Uint64(w[56:])
		if slash(w0)|slash(w1)|slash(w2)|slash(w3)|slash(w4)|slash(w5)|slash(w6)|slash(w7) != 0 {
			break
		}
		quotes := quote(w0) | quote(w1)<<8 | quote(w2)<<16 | quote(w3)<<24 | quote(w4)<<32 | quote(w5)<<40 | quote(w6)<<48 | quote(w7)<<56
		brackets := bracket(w0) | bracket(w1)<<8 | bracket(w2)<<16 | bracket(w3)<<24 | bracket(w4)<<32 | bracket(w5)<<40 | bracket(w6)<<48 | bracket(w7)<<56
		// Every quote begins or ends a string, so a byte is inside one if the number of quotes up to it is odd.
		inside := quotes ^ quotes<<1
		inside ^= inside << 2
		inside ^= inside << 4
		inside ^= inside << 8
		inside ^= inside << 16
		inside ^= inside<<32 ^ carry
		carry = -(inside >> 63) // all ones if the block ends inside a string
		for rest := brackets &^ inside; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros64(rest)
			switch w[i] {
			case '{', '[':
				s.depth++
				s.deepest = max(s.deepest, s.depth)
			case '}', ']':
				if s.depth--; s.depth <= 0 {
					s.inside = false
					return n + i + 1, true
				}
			}
		}
	}
	s.inside = carry != 0
	return n, false
}

// slash returns something other than 0 if one of the 8 bytes of w is a backslash.
// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
func slash(w uint64) uint64 {
	w ^= '\\' * low
	return (w - low) &^ w & high
}

// quote returns a bit for each of the 8 bytes of w that is a quote.
func quote(w uint64) uint64 {
	w ^= '"' * low
	return gather(^((w&^high + ^uint64(high)) | w) & high)
}

// bracket returns a bit for each of the 8 bytes of w that has the bits which all four brackets have. Outside strings
// no other byte of a JSON text has them.
func bracket(w uint64) uint64 {
	return gather(((w&^high | 0x26*low) + low) &^ w & high)
}

// gather returns the highest bits of the 8 bytes of w, which has no others, as one byte.
func gather(w uint64) uint64 { return w * 0x0002040810204081 >> 56 }

// value returns how long the JSON value at the start of b is, or -1 when b ends before it does. A number or a
// literal ends where the next delimiter stands.
func value(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	switch b[0] {
	case '"', '{', '[':
		var s skipper
		if n, done := s.skip(b); done {
			return n
		}
		return -1
	}
	if n, done := skipScalar(b); done {
		return n
	}
	return -1
}

// skipScalar consumes the next piece of a number or a literal, as skip does for other values. Its end is the
// delimiter that follows.
func skipScalar(b []byte) (n int, done bool) {
	for n, c := range b {
		if delimits(c) {
			return n, true
		}
	}
	return len(b), false
}

// delimits says whether c cannot be part of a number or a literal.
func delimits(c byte) bool {
	return c == ',' || c == ']' || c == '}' || c == ':' || space(c)
}

// space says whether c is JSON's white space.
func space(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t'
}

// trim returns b without the white space at its start.
func trim(b []byte) []byte {
	for len(b) > 0 && space(b[0]) {
		b = b[1:]
	}
	return b
}
