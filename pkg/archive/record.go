package archive

import (
	"bytes"
	"encoding/json"
	"iter"
)

// isSageMaker says whether eventSource, a member of the object itself, is SageMaker's. Of several such members, which
// CloudTrail does not write, one is enough: it is for the decoder to refuse the record, not for a filter to lose it.
func isSageMaker(object []byte) bool {
	for key, rest := range members(object) {
		if key == "eventSource" && rest[0] == '"' && unquote(rest[:value(rest)]) == "sagemaker.amazonaws.com" {
			return true
		}
	}
	return false
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
