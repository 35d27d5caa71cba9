package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"

	"github.com/sagemoat/sagemoat/pkg/finding"
)

// JSON writes one object a line, as docs/verdict.schema.json describes it, in
// the order of the findings.
func JSON(w io.Writer, findings []*finding.Finding, _ Options) error {
	return jsonLines(w, findings)
}

// jsonLines writes one object a line. Names are kept as they are; what would
// act on a terminal is escaped as JSON can.
func jsonLines[T any](w io.Writer, values []T) error {
	for _, v := range values {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		if _, err := w.Write(escapeInvisible(line.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// escapeInvisible escapes the control characters and the invisible ones that
// JSON allows in a string; outside of strings it has none.
func escapeInvisible(line []byte) []byte {
	if !bytes.ContainsFunc(line, invisible) {
		return line
	}
	var out bytes.Buffer
	for _, r := range string(line) {
		switch {
		case !invisible(r):
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

func invisible(r rune) bool {
	return r >= 0x7f && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r))
}
