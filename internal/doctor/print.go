package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sagemoat/sagemoat/pkg/finding"
)

// Print says how a report is written.
type Print struct {
	// Width is how many columns there are; 0 does not wrap.
	Width int
	Color bool
}

// Text writes a report for people: under each heading a line for each check and,
// where something is to be done, why it matters and what to paste.
func (r *Report) Text(w io.Writer, p Print) error {
	var b strings.Builder
	group := ""
	for i := range r.Lines {
		l := &r.Lines[i]
		if l.Group != group {
			if group != "" {
				b.WriteByte('\n')
			}
			group = l.Group
			b.WriteString(p.paint(group, "1") + "\n")
		}
		b.WriteString(p.Line(l))
	}
	fmt.Fprintf(&b, "\n%s\n", r.Summary())
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary is the line at the end.
func (r *Report) Summary() string {
	warnings := "warnings"
	if r.Count(Warning) == 1 {
		warnings = "warning"
	}
	return fmt.Sprintf("%s %s: %d failed, %d unknown, %d %s, %d ok, %d not checked",
		r.Account, r.Region, r.Count(Failed), r.Count(Unknown), r.Count(Warning), warnings, r.Count(OK), r.Count(NotChecked))
}

// labels are the statuses as people read them, and their colours.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Functions-using-CSI-_-ordered-by-the-final-character_s_
var labels = map[Status]struct{ word, color string }{
	OK: {"ok", "32"}, Warning: {"warning", "33"}, Failed: {"FAILED", "1;31"}, Unknown: {"unknown", "35"}, NotChecked: {"-", "2"},
}

const (
	statusWidth = 9
	checkWidth  = 20
	indentation = 2 + statusWidth // of what stands below a line
	labelWidth  = 6
)

func (p Print) paint(s, color string) string {
	if !p.Color {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// Line is a check and what is to be done about it.
func (p Print) Line(l *Line) string {
	var b strings.Builder
	label := labels[l.Status]
	head := fmt.Sprintf("  %s%-*s", p.paint(fmt.Sprintf("%-*s", statusWidth, label.word), label.color), checkWidth, l.Check)
	found := l.Found
	if l.Seconds > 0 {
		found += fmt.Sprintf(" (%.1f s)", l.Seconds)
	}
	for i, part := range p.wrap(finding.Plain(found), indentation+checkWidth) {
		if i > 0 {
			head = strings.Repeat(" ", indentation+checkWidth)
		}
		fmt.Fprintf(&b, "%s%s\n", head, part)
	}
	if l.Status == OK || l.Status == NotChecked {
		return b.String()
	}
	p.labelled(&b, "why", l.Why)
	p.labelled(&b, "note", l.Note)
	for i, f := range l.Fix {
		name := "fix"
		if i > 0 {
			name = ""
		}
		// What is to be pasted is not wrapped.
		fmt.Fprintf(&b, "%*s%s%s\n", indentation, "", p.paint(fmt.Sprintf("%-*s", labelWidth, name), "32"), finding.Plain(f))
	}
	return b.String()
}

func (p Print) labelled(b *strings.Builder, label, s string) {
	if s == "" {
		return
	}
	for i, part := range p.wrap(finding.Plain(s), indentation+labelWidth) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(b, "%*s%s%s\n", indentation, "", p.paint(fmt.Sprintf("%-*s", labelWidth, label), "2"), part)
	}
}

func (p Print) wrap(s string, beside int) []string {
	if p.Width > 0 {
		s = text.WrapSoft(s, max(p.Width-beside, 24))
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// object is a line as docs/doctor.schema.json describes it.
type object struct {
	Account string   `json:"account"`
	Region  string   `json:"region"`
	Stack   string   `json:"stack"`
	Group   string   `json:"group"`
	Check   string   `json:"check"`
	Status  Status   `json:"status"`
	Found   string   `json:"found"`
	Why     string   `json:"why"`
	Note    *string  `json:"note"`
	Fix     []string `json:"fix"`
	Missing []string `json:"missing"`
	Seconds *float64 `json:"seconds"`
}

// JSON writes one object a line, as docs/doctor.schema.json describes it.
func (r *Report) JSON(w io.Writer) error {
	for i := range r.Lines {
		l := &r.Lines[i]
		o := object{
			Account: r.Account, Region: r.Region, Stack: r.Stack, Group: l.Group, Check: l.Check, Status: l.Status,
			Found: finding.Plain(l.Found), Why: l.Why, Fix: []string{}, Missing: append([]string{}, l.Missing...),
		}
		for _, f := range l.Fix {
			o.Fix = append(o.Fix, finding.Plain(f))
		}
		if l.Note != "" {
			o.Note = &l.Note
		}
		if l.Seconds > 0 {
			o.Seconds = &l.Seconds
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(o); err != nil {
			return err
		}
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}
