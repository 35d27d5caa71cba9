package main

import (
	"bufio"
	"bytes"
	"io"
	"os"

	"github.com/sagemoat/sagemoat/pkg/document"
)

// mostParsed is how many bytes of a record are read to find a line in it.
const mostParsed = 16 << 20

// lines finds the lines of what findings are about. It remembers the record that it
// was asked about last, for they come one after another.
type lines struct {
	file   string
	offset int64
	begins int // the line on which the record begins
	tree   *document.Node
}

// of is the line at which a path leads to something in the record at an offset of a
// file, or as far as it leads; 0 where lines have no meaning, as in a compressed file.
func (l *lines) of(file string, offset int64, path string) int {
	if l.file != file || l.offset != offset || l.begins == 0 {
		*l = lines{file: file, offset: offset}
		l.read()
	}
	if l.tree == nil {
		return l.begins
	}
	return l.begins - 1 + l.tree.LineOf(path)
}

func (l *lines) read() {
	f, err := os.Open(l.file) // #nosec G304 -- an input that was read before
	if err != nil {
		return
	}
	defer f.Close() //nolint:errcheck // only read from
	in := bufio.NewReader(f)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		return
	}
	line := 1
	before := io.LimitReader(in, l.offset)
	for buf := make([]byte, 64<<10); err == nil; {
		var n int
		n, err = before.Read(buf)
		line += bytes.Count(buf[:n], []byte{'\n'})
	}
	l.begins = line
	text, err := io.ReadAll(io.LimitReader(in, mostParsed))
	if err != nil {
		return
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if rest := bytes.TrimLeft(text, " \t\r\n"); len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') {
		l.tree, _ = document.FirstJSON(text)
	} else if l.offset == 0 {
		l.tree, _ = document.YAML(text)
	}
}
