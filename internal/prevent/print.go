package prevent

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// grid renders rows without lines between them.
func grid(header table.Row, rows []table.Row) string {
	t := table.NewWriter()
	t.SetStyle(table.Style{Box: table.BoxStyle{PaddingRight: "  "}, Format: table.FormatOptions{Header: text.FormatUpper}})
	t.AppendHeader(header)
	t.AppendRows(rows)
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// PrintCases writes what was tried: a row for each operation, then what is wrong.
func PrintCases(w io.Writer, cases []*Case) error {
	type sum struct{ deny, allow, slip, wrong int }
	var order []string
	sums := map[string]*sum{}
	total := sum{}
	for _, c := range cases {
		s := sums[c.Operation]
		if s == nil {
			s = &sum{}
			sums[c.Operation] = s
			order = append(order, c.Operation)
		}
		for _, x := range []*sum{s, &total} {
			switch {
			case c.Wrong():
				x.wrong++
			case c.Want == MustDeny:
				x.deny++
			case c.Want == MustAllow:
				x.allow++
			default:
				x.slip++
			}
		}
	}
	var rows []table.Row
	for _, name := range order {
		s := sums[name]
		rows = append(rows, table.Row{name, s.deny, s.allow, s.slip, s.wrong})
	}
	var b strings.Builder
	b.WriteString(grid(table.Row{"operation", "denied", "allowed", "either", "wrong"}, rows))
	for _, c := range cases {
		if !c.Wrong() {
			continue
		}
		request, _ := json.Marshal(c.Request) //nolint:errchkjson // strings
		fmt.Fprintf(&b, "\n%s, %s", c.Operation, c.What)
		if c.Who != "" {
			fmt.Fprintf(&b, ", for %s", c.Who)
		}
		fmt.Fprintf(&b, ": should be %s, is %s", past(c.Want), c.Outcome.Answer)
		if len(c.Outcome.By) > 0 {
			fmt.Fprintf(&b, " (by %s)", strings.Join(c.Outcome.By, ", "))
		}
		if c.Outcome.Why != "" {
			fmt.Fprintf(&b, ": %s", c.Outcome.Why)
		}
		fmt.Fprintf(&b, "\n    %s\n", finding.Plain(string(request)))
		for _, r := range c.Judgement.Results {
			if r.Result == rules.Failed {
				fmt.Fprintf(&b, "    %s: %s\n", r.Rule, finding.Plain(r.Message))
			}
		}
	}
	fmt.Fprintf(&b, "\n%d requests: %d denied and %d allowed as they must be, %d that no policy can tell or the rules cannot judge, %d wrong\n", len(cases), total.deny, total.allow, total.slip, total.wrong)
	_, err := io.WriteString(w, b.String())
	return err
}

// past is the word for what should have been done.
func past(w Want) string {
	switch w {
	case MustDeny:
		return "denied"
	case MustAllow:
		return "allowed"
	case Either:
	}
	return "evaluated"
}

// PrintPast writes what would have become of the calls of the past.
func PrintPast(w io.Writer, calls []Call) error {
	groups := Groups(calls)
	n := map[Effect]int{}
	for i := range calls {
		n[calls[i].effect()]++
	}
	var b strings.Builder
	for _, part := range []struct {
		effect Effect
		title  string
		why    string
	}{
		{Stops, "Violations that the policies would have denied", "by"},
		{Breaks, "Calls without a violation that the policies would have denied", "by"},
		{Misses, "Violations that the policies would have let through", "rules"},
		{Unclear, "Calls of which it cannot be told", "why"},
	} {
		if n[part.effect] == 0 {
			continue
		}
		var rows []table.Row
		for _, g := range groups {
			if g.Effect == part.effect {
				rows = append(rows, table.Row{g.Calls, finding.Plain(g.Actor), g.Operation, finding.Plain(g.Why), finding.Plain(g.Example)})
			}
		}
		fmt.Fprintf(&b, "%s\n\n%s\n", part.title, grid(table.Row{"calls", "who", "operation", part.why, "last resource"}, rows))
	}
	fmt.Fprintf(&b, "%d calls: %d violations denied, %d let through, %d other calls denied, %d that cannot be told\n", len(calls), n[Stops], n[Misses], n[Breaks], n[Unclear])
	_, err := io.WriteString(w, b.String())
	return err
}

// Trouble says whether policies would have denied what did not fail, or let through
// what did.
func Trouble(calls []Call) bool {
	return slices.ContainsFunc(calls, func(c Call) bool { return c.effect() != Stops && c.effect() != NoEffect })
}
