package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/finding"
)

// AsIfMarkdown writes a comparison for a comment on a pull request that changes the
// rules. What would make a comment too long is left out, and it says so.
func AsIfMarkdown(w io.Writer, r *asif.Report, _ Options) error {
	var b strings.Builder
	if len(r.Resources) == 0 {
		b.WriteString("### sagemoat\n\n" + nothing + "\n")
		_, err := io.WriteString(w, b.String())
		return err
	}
	at := asIfPlaces(r)
	fmt.Fprintf(&b, "### sagemoat: as if %s, compared with %s\n\n%s.\n\n",
		escape(finding.Plain(r.Sides[asif.New].Name)), escape(finding.Plain(r.Sides[asif.Current].Name)), escape(periodWords(r, &at)))
	b.WriteString("| | Current | As if | Difference |\n| --- | ---: | ---: | ---: |\n")
	for _, row := range figureRows(r.Total()) {
		row[0] = strings.ReplaceAll(row[0], "  ", "&emsp;")
		markdownRow(&b, row)
	}
	for _, g := range groupsOf(r) {
		b.WriteByte('\n')
		for i, c := range g.columns {
			g.columns[i] = sentence(c)
		}
		markdownRow(&b, g.columns)
		b.WriteString("| --- " + strings.Repeat("| ---: ", len(g.columns)-1) + "|\n")
		for _, row := range g.rows {
			for i := range row {
				row[i] = escape(row[i])
			}
			markdownRow(&b, row)
		}
	}
	markdownList(&b, "Circuit breaker", breakerWords(r))
	markdownDiffering(&b, r.Differing(), &at)
	markdownStops(&b, r, &at)
	markdownList(&b, "What the records do not tell", assumptions())
	_, err := io.WriteString(w, b.String())
	return err
}

// sentence writes the title of a column as in a sentence.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return s[:1] + strings.ToLower(s[1:])
}

func markdownList(b *strings.Builder, title string, paragraphs []string) {
	if len(paragraphs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n#### %s\n\n", title)
	for _, p := range paragraphs {
		fmt.Fprintf(b, "- %s\n", escape(p))
	}
}

// markdownRows writes rows as long as there is room, and says how many are left.
func markdownRows(b *strings.Builder, columns []string, rows [][]string, what string) {
	markdownRow(b, columns)
	b.WriteString(strings.Repeat("| --- ", len(columns)) + "|\n")
	for i, row := range rows {
		if b.Len() > commentLimit {
			fmt.Fprintf(b, "\n%s more: too many for one comment.\n", count(len(rows)-i, what))
			return
		}
		markdownRow(b, row)
	}
}

func markdownDiffering(b *strings.Builder, list []*asif.Resource, at *places) {
	if len(list) == 0 {
		b.WriteString("\nNo resource has another outcome.\n")
		return
	}
	fmt.Fprintf(b, "\n#### %s with another outcome\n\n", count(len(list), "resource"))
	var rows [][]string
	for _, r := range list {
		resource := r.Row.Words + "<br>" + code(name(r.Name))
		if at.vary() {
			resource += "<br>" + escape(at.of(r.Account, r.Region, ""))
		}
		var why []string
		for _, s := range r.Why {
			why = append(why, escape(finding.Plain(s)))
		}
		rows = append(rows, []string{
			stamp(r.Judged), resource, code(actor(r.Origin.Actor)),
			escape(outcomeWords(&r.Outcomes[asif.Current])), escape(outcomeWords(&r.Outcomes[asif.New])), strings.Join(why, "<br>"),
		})
	}
	markdownRows(b, []string{"Judged", "Resource", "Actor", "Current", "As if", "Why"}, rows, "resource")
}

func markdownStops(b *strings.Builder, r *asif.Report, at *places) {
	list, withheld := stopsOf(r)
	if len(list) == 0 && withheld == 0 {
		b.WriteString("\nNothing would be stopped.\n")
		return
	}
	b.WriteString("\n#### Stops\n\n")
	if len(list) > 0 {
		var columns []string
		for _, c := range stopColumns {
			columns = append(columns, sentence(c))
		}
		columns = append(columns, "Why")
		var rows [][]string
		for i := range list {
			s := &list[i]
			row := stopRow(s)
			for j := 3; j < len(row); j++ {
				row[j] = code(row[j])
			}
			if at.vary() {
				row[4] += "<br>" + escape(at.of(s.Resource.Account, s.Resource.Region, ""))
			}
			rows = append(rows, append(row, escape(finding.Plain(s.Why))))
		}
		markdownRows(b, columns, rows, "stop")
	}
	if withheld > 0 {
		fmt.Fprintf(b, "\n%s certainly not made, for another rail forbids it: `--output json` has them.\n", count(withheld, "more stop"))
	}
}
