package archive

import (
	"bytes"
	"encoding/json"
	"iter"
)

// isOthers says whether an element of Records is the record of another service: an object whose own eventSource is a
// string, and not SageMaker's name. CloudTrail writes one in each record. Of several one that is SageMaker's is enough,
// and what has none is nobody's: it is for the decoder to refuse an element, not for a filter to lose it. An element in
// which nothing is suspect has no eventSource that is SageMaker's.
func isOthers(element []byte, suspicious bool) bool {
	if !suspicious && hasSource(element) {
		return true
	}
	others := false
	for key, rest := range members(element) {
		if (key != "eventSource" && key != "EventSource") || rest[0] != '"' {
			continue
		}
		if n := value(rest); n > 0 && unquote(rest[:n]) == "sagemaker.amazonaws.com" {
			return false
		}
		others = true
	}
	return others
}

// hasSource says whether an element is an object in which eventSource stands as CloudTrail writes it. It is much faster
// than going through the members, and may miss one.
func hasSource(element []byte) bool {
	// The S is rarer than the quote that the key begins with.
	const start = len(`"event`)
	i := bytes.Index(element, source[start:]) - start
	if i < 0 || element[0] != '{' || !bytes.HasPrefix(element[i:], source) {
		return false
	}
	var s skipper
	s.skip(element[:i])
	return s.depth == 1 && !s.inside
}

// members iterates over the members of the object at the start of b, as far as b reaches: the key, and b from the
// first byte of the value on.
func members(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for start := byte('{'); len(b) > 0 && b[0] == start; start = ',' {
			b = trim(b[1:])
			n := value(b)
			if n < 0 || b[0] != '"' {
				return
			}
			key := b[:n]
			b = trim(b[n:])
			if len(b) == 0 || b[0] != ':' {
				return
			}
			b = trim(b[1:])
			if len(b) == 0 || !yield(unquote(key), b) {
				return
			}
			if n = value(b); n < 0 {
				return
			}
			b = trim(b[n:])
		}
	}
}

// unquote returns the string that a JSON string stands for, "" if it is not valid.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return ""
	}
	return s
}
