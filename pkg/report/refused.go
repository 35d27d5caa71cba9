package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// noneRefused is what there is to say of no refused calls.
const noneRefused = "no call that would create or change a network setting was refused"

// jsonRefused is a refused call. It is a public interface, with a JSON Schema in
// docs/refused.schema.json: members are added, never changed or taken away.
type jsonRefused struct {
	Time      *string   `json:"time"`
	Operation string    `json:"operation"`
	Kind      kind.Kind `json:"kind"`
	Name      string    `json:"name"`
	ARN       *string   `json:"arn"`
	Account   *string   `json:"account"`
	Region    *string   `json:"region"`
	Actor     *string   `json:"actor"`
	ErrorCode string    `json:"errorCode"`
	Source    struct {
		Type   kind.Shape `json:"type"`
		ID     *string    `json:"id"`
		File   *string    `json:"file"`
		Offset *int64     `json:"offset"`
	} `json:"source"`
}

// RefusedJSON writes refused calls, one object a line, as
// docs/refused.schema.json describes it.
func RefusedJSON(w io.Writer, refused []*kind.Observation, _ Options) error {
	lines := make([]jsonRefused, len(refused))
	for i, o := range refused {
		line := &lines[i]
		line.Operation, line.Kind, line.Name, line.ErrorCode = o.Source.Event, o.Row.Kind, o.Name, o.Refused
		line.ARN, line.Account, line.Region, line.Actor = told(o.ARN), told(o.Account), told(o.Region), told(o.Source.Actor)
		line.Source.Type, line.Source.ID, line.Source.File = o.Source.Type, told(o.Source.ID), told(o.Source.File)
		if o.Source.File != "" {
			line.Source.Offset = &o.Source.Offset
		}
		if !o.Time.IsZero() {
			line.Time = told(o.Time.UTC().Format(time.RFC3339))
		}
	}
	return jsonLines(w, lines)
}

func told(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// RefusedTable writes refused calls for a terminal, in their order.
func RefusedTable(w io.Writer, refused []*kind.Observation, opts Options) error {
	if len(refused) == 0 {
		_, err := fmt.Fprintln(w, noneRefused)
		return err
	}
	t := &terminal{opts: opts}
	columns := []column{{title: "TIME"}, {title: "ERROR"}, {title: "OPERATION"}, {title: "NAME"}, {title: "ACTOR"}}
	at := refusedPlaces(refused)
	if at.vary() {
		columns = append(columns, column{title: "WHERE"})
	}
	var rows [][]string
	for _, o := range refused {
		rows = append(rows, refusedRow(o, &at))
	}
	t.fit(columns, rows)
	t.header(columns)
	t.grid(columns, rows)
	fmt.Fprintf(&t.out, "\n%s\n", refusedTotals(refused, &at))
	_, err := io.WriteString(w, t.out.String())
	return err
}

// RefusedMarkdown writes refused calls for a comment, in their order.
func RefusedMarkdown(w io.Writer, refused []*kind.Observation, _ Options) error {
	var b strings.Builder
	if len(refused) == 0 {
		b.WriteString("### sagemoat\n\n" + noneRefused + "\n")
	} else {
		at := refusedPlaces(refused)
		fmt.Fprintf(&b, "### sagemoat: %s\n\n", escape(refusedTotals(refused, &at)))
		columns, left := []string{"Time", "Error", "Operation", "Name", "Actor"}, 0
		if at.vary() {
			columns = append(columns, "Where")
		}
		markdownRow(&b, columns)
		b.WriteString(strings.Repeat("| --- ", len(columns)) + "|\n")
		for _, o := range refused {
			row := refusedRow(o, &at)
			for i := 1; i < len(row); i++ {
				row[i] = code(row[i])
			}
			if b.Len() > commentLimit {
				left++
				continue
			}
			markdownRow(&b, row)
		}
		if left > 0 {
			fmt.Fprintf(&b, "\n%s more: too many for one comment.\n", count(left, "call"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func refusedPlaces(refused []*kind.Observation) places {
	var at places
	for _, o := range refused {
		at.add(o.Account, o.Region, "")
	}
	return at
}

// refusedRow has the cells of a refused call.
func refusedRow(o *kind.Observation, at *places) []string {
	when := "-"
	if !o.Time.IsZero() {
		when = o.Time.UTC().Format(time.RFC3339)
	}
	row := []string{when, name(o.Refused), name(o.Source.Event), name(o.Name), actor(o.Source.Actor)}
	if at.vary() {
		row = append(row, at.of(o.Account, o.Region, ""))
	}
	return row
}

// actor is who called, without what says only that it is an ARN: the account
// of the caller is kept, for it may be another.
func actor(arn string) string {
	a, ok := kind.ParseARN(arn)
	if !ok {
		return name(arn)
	}
	resource := strings.TrimSuffix(a.Type+"/"+a.ID, "/")
	return name(cmp.Or(strings.Trim(finding.Plain(a.Account)+" "+finding.Plain(resource), " "), arn))
}

func refusedTotals(refused []*kind.Observation, at *places) string {
	line := count(len(refused), "call") + " refused"
	if place := at.common(); place != "" {
		line += " in " + place
	}
	return line
}
