package lint

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// index says on which line each value of a document stands, by its path. A
// member of an object stands where its name does. The document is valid JSON.
func index(data []byte) map[string]int {
	x := indexer{data: data, d: jsontext.NewDecoder(bytes.NewReader(data)), at: map[string]int{}, line: 1}
	x.value("")
	return x.at
}

type indexer struct {
	data []byte
	d    *jsontext.Decoder
	at   map[string]int
	seen int // bytes before which lines were counted
	line int
}

// next is the line of the next token.
func (x *indexer) next() int {
	start := int(x.d.InputOffset())
	for start < len(x.data) && bytes.IndexByte([]byte(" \t\r\n,:"), x.data[start]) >= 0 {
		start++
	}
	x.line += bytes.Count(x.data[x.seen:start], []byte{'\n'})
	x.seen = start
	return x.line
}

// value indexes what stands at a path, and what is below it.
func (x *indexer) value(path string) {
	if _, ok := x.at[path]; !ok {
		x.at[path] = x.next()
	}
	t, err := x.d.ReadToken()
	if err != nil {
		return
	}
	switch t.Kind() {
	case '{':
		for x.d.PeekKind() != '}' {
			line := x.next()
			name, err := x.d.ReadToken()
			if err != nil {
				return
			}
			below := join(path, name.String())
			x.at[below] = line
			x.value(below)
		}
		_, _ = x.d.ReadToken()
	case '[':
		for i := 0; x.d.PeekKind() != ']'; i++ {
			if x.d.PeekKind() == 0 {
				return
			}
			x.value(path + "[" + strconv.Itoa(i) + "]")
		}
		_, _ = x.d.ReadToken()
	default:
	}
}

// join is the path of a member.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
