package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/finding"
)

// AsIfTable writes a comparison for a terminal: totals, by day, rule and team, then
// the resources whose outcome differs with the reason, then every stop.
func AsIfTable(w io.Writer, r *asif.Report, opts Options) error {
	if len(r.Resources) == 0 {
		_, err := fmt.Fprintln(w, nothing)
		return err
	}
	t := &terminal{opts: opts}
	at := asIfPlaces(r)
	fmt.Fprintf(&t.out, "as if    %s\ncurrent  %s\nperiod   %s\n\n", finding.Plain(r.Sides[asif.New].Name), finding.Plain(r.Sides[asif.Current].Name), periodWords(r, &at))
	t.section([]column{{title: ""}, {title: "CURRENT", right: true}, {title: "AS IF", right: true}, {title: "DIFFERENCE", right: true}}, figureRows(r.Total()))
	for _, g := range groupsOf(r) {
		columns := []column{{title: g.columns[0]}}
		for _, c := range g.columns[1:] {
			columns = append(columns, column{title: c, right: g.title != "EXCEPTION"})
		}
		t.section(columns, g.rows)
	}
	t.listed("CIRCUIT BREAKER", breakerWords(r))
	t.differing(r.Differing(), &at)
	t.stops(r, &at)
	t.listed("WHAT THE RECORDS DO NOT TELL", assumptions())
	_, err := io.WriteString(w, strings.TrimRight(t.out.String(), "\n")+"\n")
	return err
}

// section writes a grid and a line after it.
func (t *terminal) section(columns []column, rows [][]string) {
	t.fit(columns, rows)
	t.header(columns)
	t.grid(columns, rows)
	t.out.WriteByte('\n')
}

// listed writes paragraphs below a title; nothing where there are none.
func (t *terminal) listed(title string, paragraphs []string) {
	if len(paragraphs) == 0 {
		return
	}
	fmt.Fprintf(&t.out, "%s\n", t.paint(title, "header"))
	for _, p := range paragraphs {
		for i, line := range t.wrap(p, 2) {
			mark := "  "
			if i == 0 {
				mark = "- "
			}
			fmt.Fprintf(&t.out, "%s%s\n", mark, line)
		}
	}
	t.out.WriteByte('\n')
}

// differing writes the resources whose outcome differs.
func (t *terminal) differing(list []*asif.Resource, at *places) {
	if len(list) == 0 {
		fmt.Fprintf(&t.out, "%s\n\n", "No resource has another outcome.")
		return
	}
	columns := []column{{title: "JUDGED"}, {title: "KIND"}, {title: "NAME"}, {title: "ACTOR"}}
	if at.vary() {
		columns = append(columns, column{title: "WHERE"})
	}
	var rows [][]string
	for _, r := range list {
		row := []string{stamp(r.Judged), r.Row.Words, name(r.Name), actor(r.Origin.Actor)}
		if at.vary() {
			row = append(row, at.of(r.Account, r.Region, ""))
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(&t.out, "%s\n", t.paint(count(len(list), "resource")+" with another outcome", "header"))
	t.fit(columns, rows)
	t.header(columns)
	for i, r := range list {
		t.grid(columns, rows[i:i+1])
		t.note("current", outcomeWords(&r.Outcomes[asif.Current]))
		t.note("as if", outcomeWords(&r.Outcomes[asif.New]))
		for _, why := range r.Why {
			t.note("why", why)
		}
	}
	t.out.WriteByte('\n')
}

// note writes a text after a label below a row.
func (t *terminal) note(label, s string) {
	const before, gap = 2, 9
	for i, line := range t.wrap(finding.Plain(s), before+gap) {
		head := strings.Repeat(" ", gap)
		if i == 0 {
			head = t.paint(fmt.Sprintf("%-*s", gap, label), "why")
		}
		fmt.Fprintf(&t.out, "%*s%s%s\n", before, "", head, line)
	}
}

// stops writes every stop, to be checked one by one.
func (t *terminal) stops(r *asif.Report, at *places) {
	list, withheld := stopsOf(r)
	if len(list) == 0 && withheld == 0 {
		fmt.Fprintf(&t.out, "Nothing would be stopped.\n\n")
		return
	}
	fmt.Fprintf(&t.out, "%s\n", t.paint("STOPS", "header"))
	if len(list) > 0 {
		var columns []column
		for _, title := range stopColumns {
			columns = append(columns, column{title: title})
		}
		if at.vary() {
			columns = append(columns, column{title: "WHERE"})
		}
		var rows [][]string
		for i := range list {
			row := stopRow(&list[i])
			if at.vary() {
				row = append(row, at.of(list[i].Resource.Account, list[i].Resource.Region, ""))
			}
			rows = append(rows, row)
		}
		t.fit(columns, rows)
		t.header(columns)
		for i := range list {
			t.grid(columns, rows[i:i+1])
			t.note("why", list[i].Why)
		}
	}
	if withheld > 0 {
		fmt.Fprintf(&t.out, "%s\n", count(withheld, "more stop")+" certainly not made, for another rail forbids it: --output json has them")
	}
	t.out.WriteByte('\n')
}
