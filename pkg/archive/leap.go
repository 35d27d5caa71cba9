package archive

import (
	"bytes"
)

var (
	// name is SageMaker's event source as a JSON string. Inside another string its quotes would be escaped.
	name = []byte(`"sagemaker.amazonaws.com"`)
	// key is the key of an event source, but for its first letter, which decoders read small or large.
	key = []byte(`ventSource"`)
	// source is how CloudTrail begins the member with the event source.
	source = []byte(`"eventSource":"`)
	// next is what CloudTrail writes between two records: the end of one element and the start of the other. In
	// valid JSON these bytes are never inside a string, because their first quote would end it and no string can be
	// followed by a letter.
	next = []byte(`,{"eventVersion":`)
)

// rare is the position in name of the letter that logs have least of: one byte in 500 is a k, one in ten a quote.
// The standard library finds a single byte many times faster than a string.
const rare = 7

// leap says how far a parser that stands at an element of Records, the start of b, may go on at once. It returns the
// start of another element, 0 if it finds none, such that no element before is SageMaker's, and how much of b it has
// searched for SageMaker.
//
// Where the element starts is proven from elements before it. Whatever follows each other like CloudTrail's records
// is in one array. If that is as long as proof, the size of the largest event that CloudTrail records, the array is no
// part of a record, and so it is Records. The proof is looked for in slack bytes more than that: they are for the
// element before it, of which only the end is there, and for the last one.
func leap(b []byte, proof, slack int) (n, searched int) {
	if !bytes.HasPrefix(b, next[1:]) {
		return 0, 0
	}
	searched = suspect(b)
	from := searched - proof - slack
	if from <= 0 {
		return 0, searched
	}
	first := bytes.Index(b[from:searched], next)
	if first < 0 {
		return 0, searched
	}
	first += from + 1
	last := first
	for {
		n := value(b[last:searched])
		if n < 0 || !bytes.HasPrefix(b[last+n:], next) {
			break
		}
		last += n + 1
	}
	if last-first < proof {
		return 0, searched
	}
	return last, searched
}

// suspect returns where in b an event source may be SageMaker's: its name after the key, or an escape that can be
// part of either. It returns len(b) if no event source is.
func suspect(b []byte) int {
	// Piece by piece, so that the second search finds in the processor's cache what the first has read.
	const piece = 16 << 10
	for from := 0; from < len(b); from += piece {
		to := min(from+piece, len(b))
		at := min(indexName(b, from, to), indexEscape(b, from, to))
		if at < len(b) {
			return at
		}
	}
	return len(b)
}

// indexName returns where in b the value of an eventSource is name, len(b) if nowhere. Only a name is found whose
// rare letter is in b[from:to].
func indexName(b []byte, from, to int) int {
	for i := from; ; i++ {
		n := bytes.IndexByte(b[i:to], name[rare])
		if n < 0 {
			return len(b)
		}
		i += n
		if at := i - rare; at >= 0 && bytes.HasPrefix(b[at:], name) && endsWithKey(b[:at]) {
			return at
		}
	}
}

// endsWithKey says whether b ends with key and a colon.
func endsWithKey(b []byte) bool {
	const white = " \n\r\t"
	b, ok := bytes.CutSuffix(bytes.TrimRight(b, white), []byte(":"))
	if !ok {
		return false
	}
	b, ok = bytes.CutSuffix(bytes.TrimRight(b, white), key)
	return ok && (bytes.HasSuffix(b, []byte(`"e`)) || bytes.HasSuffix(b, []byte(`"E`)))
}

// indexEscape returns where in b[from:to] an escape like \u0073 for a letter or a full stop starts, len(b) if nowhere.
// All of key and name is letters and full stops. CloudTrail does not escape these, so it is of no account that a
// backslash which is escaped itself and stands before a u is taken for one.
func indexEscape(b []byte, from, to int) int {
	for i := from; ; i++ {
		n := bytes.IndexByte(b[i:to], '\\')
		if n < 0 {
			return len(b)
		}
		i += n
		if len(b)-i < 6 {
			return len(b)
		}
		if string(b[i+1:i+4]) != "u00" {
			continue
		}
		c := hex(b[i+4])<<4 | hex(b[i+5])
		if c == '.' || 'a' <= c|0x20 && c|0x20 <= 'z' {
			return i
		}
	}
}

// hex returns the value of a hexadecimal digit, and something for any other byte.
func hex(c byte) byte {
	if c >= 'A' {
		return c&0x0f + 9
	}
	return c & 0x0f
}
