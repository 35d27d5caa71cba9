package prevent

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// GapJSON writes entries, one object a line, as docs/gap.schema.json describes.
func GapJSON(w io.Writer, entries []Entry) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range entries {
		if err := e.Encode(&entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// summary is what people read of entries: a row for each operation, and notes that
// say what slips through or why, and what holds the rule instead.
type summary struct {
	rows  []summaryRow
	notes []note
}

type summaryRow struct {
	operation string
	// by are the rules of each status, those with one note together.
	by map[Status][]noted
}

// noted are rules and the number of their note; 0 is none.
type noted struct {
	rules []string
	note  int
}

type note struct{ why, control string }

func summarize(entries []Entry) summary {
	var s summary
	for _, e := range entries {
		if n := len(s.rows); n == 0 || s.rows[n-1].operation != e.Operation {
			s.rows = append(s.rows, summaryRow{e.Operation, map[Status][]noted{}})
		}
		row := &s.rows[len(s.rows)-1]
		number := 0
		if e.Status != Denied {
			number = s.note(e)
		}
		all := row.by[e.Status]
		if i := slices.IndexFunc(all, func(n noted) bool { return n.note == number }); i >= 0 {
			all[i].rules = append(all[i].rules, string(e.Rule))
			continue
		}
		row.by[e.Status] = append(all, noted{[]string{string(e.Rule)}, number})
	}
	return s
}

// note is the number of the note of an entry.
func (s *summary) note(e Entry) int {
	n := note{"nothing is denied: " + e.Reason, e.Control}
	if e.Status == Partly {
		slips := make([]string, 0, len(e.Slips))
		for _, slip := range e.Slips {
			slips = append(slips, slip.What)
		}
		n.why = "not denied: " + strings.Join(slips, "; ")
	}
	if i := slices.Index(s.notes, n); i >= 0 {
		return i + 1
	}
	s.notes = append(s.notes, n)
	return len(s.notes)
}

// cells are the cells of a row.
func (r *summaryRow) cells() []string {
	out := []string{r.operation}
	for _, status := range []Status{Denied, Partly, Detected} {
		var cell []string
		for _, n := range r.by[status] {
			text := strings.Join(n.rules, ", ")
			if n.note > 0 {
				text += fmt.Sprintf(" [%d]", n.note)
			}
			cell = append(cell, text)
		}
		out = append(out, strings.Join(cell, "; "))
	}
	return out
}

// count says how many entries have each status.
func count(entries []Entry) string {
	n := map[Status]int{}
	for _, e := range entries {
		n[e.Status]++
	}
	return fmt.Sprintf("%d rules of operations: %d denied, %d partly, %d only detected", len(entries), n[Denied], n[Partly], n[Detected])
}

// GapText writes entries for a terminal of some columns; 0 is as many as are
// comfortable.
func GapText(w io.Writer, entries []Entry, columns int) error {
	if columns == 0 {
		columns = 140
	}
	s := summarize(entries)
	t := table.NewWriter()
	t.SetStyle(table.Style{Box: table.BoxStyle{PaddingRight: "  "}, Format: table.FormatOptions{Header: text.FormatUpper}})
	t.AppendHeader(table.Row{"operation", "denied", "partly denied", "only detected"})
	longest := 0
	for _, r := range s.rows {
		c := r.cells()
		longest = max(longest, len(c[0]))
		t.AppendRow(table.Row{c[0], c[1], c[2], c[3]})
	}
	each := max((columns-longest-8)/3, 20)
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 2, WidthMax: each, WidthMaxEnforcer: text.WrapSoft},
		{Number: 3, WidthMax: each, WidthMaxEnforcer: text.WrapSoft},
		{Number: 4, WidthMax: each, WidthMaxEnforcer: text.WrapSoft},
	})
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	b.WriteByte('\n')
	for i, n := range s.notes {
		label := fmt.Sprintf("%4s  ", fmt.Sprintf("[%d]", i+1))
		for j, line := range strings.Split(text.WrapSoft(n.why, max(columns-6, 40))+"\n"+text.WrapSoft("instead: "+n.control, max(columns-6, 40)), "\n") {
			if j > 0 {
				label = "      "
			}
			b.WriteString(strings.TrimRight(label+line, " ") + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s\n", count(entries))
	_, err := io.WriteString(w, b.String())
	return err
}

// GapMarkdown writes entries as Markdown.
func GapMarkdown(w io.Writer, entries []Entry) error {
	s := summarize(entries)
	var b strings.Builder
	b.WriteString("| Operation | Denied | Partly denied | Only detected |\n|---|---|---|---|\n")
	for _, r := range s.rows {
		c := r.cells()
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c[0], c[1], c[2], c[3])
	}
	b.WriteByte('\n')
	for i, n := range s.notes {
		fmt.Fprintf(&b, "- **[%d]** %s. *Instead*: %s.\n", i+1, n.why, n.control)
	}
	fmt.Fprintf(&b, "\n%s.\n", count(entries))
	_, err := io.WriteString(w, b.String())
	return err
}
