package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sagemoat/sagemoat/pkg/finding"
)

// indent is where the lines below a row begin: under its second column.
const indent = 10

// Table writes findings for a terminal, worst first: a line for each, below it
// why and what closes it, then the settings to paste, then the totals.
func Table(w io.Writer, findings []*finding.Finding, opts Options) error {
	if len(findings) == 0 {
		_, err := fmt.Fprintln(w, opts.none())
		return err
	}
	t := &terminal{opts: opts}
	sum := summarize(findings)
	list := worstFirst(findings)
	t.findings(list, &sum.places)
	t.fragments(fragments(list))
	t.summary(sum)
	_, err := io.WriteString(w, t.out.String())
	return err
}

// terminal is what goes to a terminal.
type terminal struct {
	out  strings.Builder
	opts Options
}

// column is one column of a grid.
type column struct {
	title string
	width int // 0 is as wide as its content
	right bool
}

func (t *terminal) findings(list []shown, at *places) {
	var rows [][]string
	for _, f := range list {
		if !listed(f.Finding, t.opts.All) {
			continue
		}
		called := name(f.Name)
		if f.times > 1 {
			called += fmt.Sprintf(" (×%d)", f.times)
		}
		rows = append(rows, []string{status(f.Judgement.Compliance, f.Judgement.Severity), f.Judgement.Verdict.Class.String(), f.Row.Words, called})
		if at.vary() {
			rows[len(rows)-1] = append(rows[len(rows)-1], at.of(f.Account, f.Region, fileOf(f.Finding)))
		}
	}
	if len(rows) == 0 {
		return
	}
	columns := []column{{title: "SEVERITY"}, {title: "CLASS"}, {title: "KIND"}, {title: "NAME"}}
	if at.vary() {
		columns = append(columns, column{title: "WHERE"})
	}
	t.fit(columns, rows)
	t.header(columns)
	n := 0
	for _, f := range list {
		if !listed(f.Finding, t.opts.All) {
			continue
		}
		rows[n][0] = t.paint(rows[n][0], rows[n][0])
		t.grid(columns, rows[n:n+1])
		t.below(f.Finding)
		n++
	}
	t.out.WriteByte('\n')
}

// below writes what stands below the row of a finding.
func (t *terminal) below(f *finding.Finding) {
	t.labelled("why", why(f))
	for _, p := range troubled(f) {
		t.labelled("part", partName(f, &p)+": "+partWhy(f, &p))
	}
	t.labelled("given", assumed(f))
	t.labelled("fix", fix(f))
}

// labelled writes a text after a label, wrapped and indented.
func (t *terminal) labelled(label, s string) {
	const gap = 6 // wider than any label
	for i, line := range t.wrap(finding.Plain(s), indent+gap) {
		head := strings.Repeat(" ", gap)
		if i == 0 {
			head = t.paint(fmt.Sprintf("%-*s", gap, label), label)
		}
		fmt.Fprintf(&t.out, "%*s%s%s\n", indent, "", head, line)
	}
}

// wrap breaks a text into lines that fit beside an indentation; none for no text.
func (t *terminal) wrap(s string, indentation int) []string {
	if s == "" {
		return nil
	}
	if t.opts.Width > 0 {
		s = text.WrapSoft(s, max(t.opts.Width-indentation, 20))
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// fragments writes what there is to paste, each piece once.
func (t *terminal) fragments(list []*fragment) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(&t.out, "%s\n\n", t.paint("SETTINGS TO PASTE, from the allow-list of the rules file", "header"))
	for _, g := range list {
		fmt.Fprintf(&t.out, "%s\n%s\n\n", strings.Join(t.wrap(g.title(), 0), "\n"), g.text)
	}
}

// summary writes the matrix and the totals.
func (t *terminal) summary(sum *summary) {
	columns := []column{{title: "CLASS"}, {title: "MEANING"}, {title: "FAILED", right: true}, {title: "WARNING", right: true}, {title: "PASSED", right: true}, {title: "NO RULE", right: true}}
	rows := sum.rows()
	t.fit(columns, rows)
	t.header(columns)
	t.grid(columns, rows)
	fmt.Fprintf(&t.out, "\n%s\n", strings.Join(t.wrap(sum.totals(), 0), "\n"))
}

// fit gives columns the width of their content, and wraps kind, place and name
// where there is not enough room.
func (t *terminal) fit(columns []column, rows [][]string) {
	total := 0
	for i := range columns {
		c := &columns[i]
		c.width = text.StringWidth(c.title)
		for _, row := range rows {
			c.width = max(c.width, text.StringWidth(row[i]))
		}
		total += c.width + len(gutter)
	}
	if t.opts.Width <= 0 {
		return
	}
	for _, narrow := range []struct {
		title string
		least int
	}{{"NAME", 32}, {"KIND", 20}, {"WHERE", 14}, {"MEANING", 20}, {"NAME", 16}, {"ACTOR", 24}, {"OPERATION", 20}, {"ERROR", 16}} {
		for i := range columns {
			c := &columns[i]
			if over := total - len(gutter) - t.opts.Width; over > 0 && c.title == narrow.title && c.width > narrow.least {
				less := min(over, c.width-narrow.least)
				c.width -= less
				total -= less
			}
		}
	}
}

// gutter stands between two columns.
const gutter = "  "

func (t *terminal) header(columns []column) {
	var titles []string
	for _, c := range columns {
		titles = append(titles, t.paint(c.title, "header"))
	}
	t.grid(columns, [][]string{titles})
}

// grid writes rows in columns of fixed width.
func (t *terminal) grid(columns []column, rows [][]string) {
	g := table.NewWriter()
	g.SuppressTrailingSpaces()
	g.SetStyle(table.Style{Box: table.BoxStyle{PaddingRight: gutter}, Options: table.OptionsNoBordersAndSeparators})
	var configs []table.ColumnConfig
	for i, c := range columns {
		config := table.ColumnConfig{Number: i + 1, WidthMin: c.width, WidthMax: c.width, WidthMaxEnforcer: text.WrapSoft}
		if c.right {
			config.Align = text.AlignRight
		}
		configs = append(configs, config)
	}
	g.SetColumnConfigs(configs)
	for _, row := range rows {
		var cells table.Row
		for _, cell := range row {
			cells = append(cells, cell)
		}
		g.AppendRow(cells)
	}
	fmt.Fprintln(&t.out, g.Render())
}

// paint colours s by what it means, if colours are wanted.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Functions-using-CSI-_-ordered-by-the-final-character_s_
func (t *terminal) paint(s, meaning string) string {
	code := map[string]string{
		"CRITICAL": "1;31", "HIGH": "31", "MEDIUM": "33", "LOW": "36", "INFORMATIONAL": "36", "WARNING": "35",
		"PASSED": "32", "NO RULE": "2", "header": "1", "why": "2", "part": "2", "given": "2", "fix": "32",
	}[meaning]
	if !t.opts.Color || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
