package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
)

// lintHeads are the heads of the coverage's columns.
func lintHeads() map[lint.Question]string {
	return map[lint.Question]string{
		lint.NoVPC: "VPC", lint.Subnets: "SUBNETS", lint.SecurityGroups: "GROUPS", lint.Isolation: "ISOLATED",
		lint.DirectInternet: "INTERNET", lint.DomainMode: "DOMAIN", lint.Encryption: "ENCRYPTED", lint.Interactive: "ACCESS",
	}
}

// lintState is a state in one short word.
func lintState(s lint.State) string {
	switch s {
	case lint.Stopped:
		return "yes"
	case lint.Partly:
		return "partly"
	case lint.NotAtAll:
		return "no"
	case lint.NotKnown:
		return "?"
	case lint.CannotBe:
		return "never"
	case lint.Elsewhere:
		return "-"
	}
	return "?"
}

// lintLegend says what the words mean.
const lintLegend = "yes: stopped; partly: see below; no: passes; never: no policy can stop it; ?: AWS does not document it; -: nothing to stop, or another resource decides"

// lintNotes say what the coverage's short words leave out, each once with the
// operations that it is about.
func lintNotes(r *lint.Report) []string {
	var order []string
	about := map[string][]string{}
	add := func(q lint.Question, state lint.State, says, operation string) {
		key := string(q) + ", " + lintState(state) + ": " + says
		if about[key] == nil {
			order = append(order, key)
		}
		about[key] = append(about[key], operation)
	}
	for _, q := range lint.Questions() {
		for _, state := range []lint.State{lint.Partly, lint.NotKnown, lint.CannotBe, lint.Elsewhere} {
			for _, row := range r.Coverage {
				c, ok := row.Cells[q]
				if !ok || c.State != state {
					continue
				}
				for _, s := range c.Passes {
					add(q, state, "not "+s, row.Operation)
				}
				for _, s := range c.Only {
					add(q, state, s, row.Operation)
				}
				if c.Why != "" {
					add(q, state, c.Why, row.Operation)
				}
			}
		}
	}
	out := make([]string, 0, len(order))
	for _, key := range order {
		out = append(out, finding.Plain(strings.Replace(key, ", -:", ":", 1)+" ("+strings.Join(about[key], ", ")+")"))
	}
	return out
}

// lintTotals is one line of what was read and found.
func lintTotals(r *lint.Report) string {
	severities := map[string]int{}
	told := 0
	for _, f := range r.Findings {
		if f.Counts() {
			severities[strings.ToLower(string(f.Severity))]++
		} else {
			told++
		}
	}
	var said []string
	for _, s := range []string{"critical", "high", "medium", "low"} {
		if n := severities[s]; n > 0 {
			said = append(said, fmt.Sprintf("%d %s", n, s))
		}
	}
	line := fmt.Sprintf("%s with %s, %d about SageMaker's network: ", count2(r.Policies, "policy", "policies"), count(r.Statements, "statement"), r.About)
	if len(said) == 0 {
		line += "nothing found"
	} else {
		line += strings.Join(said, ", ")
	}
	if told > 0 {
		line += fmt.Sprintf(" (and %s beside)", count(told, "note"))
	}
	return line
}

func count2(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// lintPlace is where a finding is, for people.
func lintPlace(f *lint.Finding) string {
	place := finding.Plain(f.Where.File)
	if f.Where.Line > 0 {
		place += fmt.Sprintf(":%d", f.Where.Line)
	}
	if policy := finding.Plain(f.Policy); policy != "" && policy != finding.Plain(f.Where.File) {
		place = strings.TrimSpace(place + " " + policy)
	}
	if f.Statement != "" {
		place = strings.TrimSpace(place + " " + finding.Plain(f.Statement))
	}
	return cmp.Or(place, "all policies")
}

// LintTable writes what was found in policies for a terminal, the worst first,
// then the coverage. Notes are listed only if all is to be, and each kind of
// finding is explained once.
func LintTable(w io.Writer, r *lint.Report, opts Options) error {
	t := &terminal{opts: opts}
	explained := map[lint.ID]bool{}
	for _, f := range r.Findings {
		if !opts.All && !f.Counts() {
			continue
		}
		fmt.Fprintf(&t.out, "%-*s%s  %s\n", indent+5, t.paint(string(f.Severity), string(f.Severity)), t.paint(string(f.ID), "header"), lintPlace(f))
		t.labelled("found", f.Found)
		if len(f.Operations) > 4 {
			t.labelled("of", strings.Join(f.Operations, ", "))
		}
		if d := lint.DocOf(f.ID); !explained[f.ID] {
			explained[f.ID] = true
			t.labelled("why", strings.ReplaceAll(d.Reason, "`", ""))
			fmt.Fprintf(&t.out, "%*s%s\n", indent+6, "", d.Source)
			t.labelled("fix", strings.ReplaceAll(d.Remedy, "`", ""))
		}
		for line := range strings.Lines(plainLines(f.Fix)) {
			fmt.Fprintf(&t.out, "%*s%s\n", indent+6, "", strings.TrimRight(line, "\n"))
		}
		t.out.WriteByte('\n')
	}
	t.coverage(r)
	t.through(r)
	fmt.Fprintf(&t.out, "\n%s\n", strings.Join(t.wrap(lintTotals(r), 0), "\n"))
	_, err := io.WriteString(w, t.out.String())
	return err
}

// coverage writes the table of what is stopped, and what it leaves out.
func (t *terminal) coverage(r *lint.Report) {
	fmt.Fprintf(&t.out, "%s\n\n", t.paint("WHAT IS STOPPED, for "+lintScope(r), "header"))
	columns := []column{{title: "OPERATION"}}
	for _, q := range lint.Questions() {
		columns = append(columns, column{title: lintHeads()[q]})
	}
	rows := lintRows(r)
	t.fit(columns, rows)
	t.header(columns)
	t.grid(columns, rows)
	t.out.WriteByte('\n')
	for _, note := range append([]string{lintLegend}, lintNotes(r)...) {
		fmt.Fprintf(&t.out, "%s\n", strings.Join(t.wrap(note, 0), "\n"))
	}
}

// lintScope says whom the coverage is about.
func lintScope(r *lint.Report) string {
	if r.Everyone {
		return "every principal, by the policies that apply to all"
	}
	return "a principal to whom all of these policies apply"
}

// lintRows are the rows of the coverage: without those that say nothing.
func lintRows(r *lint.Report) [][]string {
	var out [][]string
	for _, row := range r.Coverage {
		cells := []string{row.Operation}
		said := false
		for _, q := range lint.Questions() {
			c, ok := row.Cells[q]
			word := "-"
			if ok {
				word = lintState(c.State)
				said = said || c.State != lint.Elsewhere
			}
			cells = append(cells, word)
		}
		if said {
			out = append(out, cells)
		}
	}
	return out
}

// through writes who gets through.
func (t *terminal) through(r *lint.Report) {
	if len(r.Through) == 0 {
		return
	}
	fmt.Fprintf(&t.out, "\n%s\n", t.paint("WHO CAN DO WHAT THE RULES FORBID", "header"))
	for _, p := range r.Through {
		fmt.Fprintf(&t.out, "%s\n", finding.Plain(p.ARN))
		for _, line := range throughLines(p) {
			t.labelled("", line)
		}
	}
}

// throughLines say what one principal can do.
func throughLines(p lint.Through) []string {
	var out []string
	for _, q := range lint.Questions() {
		if names := p.Operations[q]; len(names) > 0 {
			out = append(out, string(q)+": "+strings.Join(names, ", "))
		}
	}
	if len(p.Missing) > 0 {
		out = append(out, "not known, for these policies were not read: "+strings.Join(p.Missing, ", "))
	}
	return out
}

// jsonLint is what lint found. It is a public interface, with a JSON Schema in
// docs/lint.schema.json: members are added, never changed or taken away.
type jsonLint struct {
	Findings   []jsonLintFinding `json:"findings"`
	Coverage   []jsonLintRow     `json:"coverage"`
	Everyone   bool              `json:"everyone"`
	Principals []jsonThrough     `json:"principals"`
	Policies   int               `json:"policies"`
	Statements int               `json:"statements"`
	About      int               `json:"statementsAboutNetworks"`
}

type jsonLintFinding struct {
	ID         lint.ID        `json:"id"`
	Severity   string         `json:"severity"`
	Policy     *string        `json:"policy"`
	Statement  *string        `json:"statement"`
	File       *string        `json:"file"`
	Line       *int           `json:"line"`
	Path       *string        `json:"path"`
	Found      string         `json:"found"`
	Reason     string         `json:"reason"`
	Source     string         `json:"source"`
	Remedy     string         `json:"remedy"`
	Fix        *string        `json:"fix"`
	Operations []string       `json:"operations"`
	Question   *lint.Question `json:"question"`
}

type jsonLintRow struct {
	Operation string                         `json:"operation"`
	Questions map[lint.Question]jsonLintCell `json:"questions"`
}

type jsonLintCell struct {
	State  lint.State `json:"state"`
	Passes []string   `json:"passes"`
	Only   []string   `json:"only"`
	Why    *string    `json:"why"`
}

type jsonThrough struct {
	ARN        string                     `json:"arn"`
	Operations map[lint.Question][]string `json:"operations"`
	Missing    []string                   `json:"missing"`
}

// LintJSON writes one object, as docs/lint.schema.json describes it.
func LintJSON(w io.Writer, r *lint.Report, _ Options) error {
	out := jsonLint{
		Findings: []jsonLintFinding{}, Coverage: []jsonLintRow{}, Everyone: r.Everyone, Principals: []jsonThrough{},
		Policies: r.Policies, Statements: r.Statements, About: r.About,
	}
	for _, f := range r.Findings {
		d := lint.DocOf(f.ID)
		line := jsonLintFinding{
			ID: f.ID, Severity: string(f.Severity), Policy: told(f.Policy), Statement: told(f.Statement), File: told(f.Where.File), Path: told(f.Where.Path),
			Found: f.Found, Reason: d.Reason, Source: d.Source, Remedy: d.Remedy, Fix: told(f.Fix), Operations: some(f.Operations),
		}
		if f.Where.Line > 0 {
			line.Line = &f.Where.Line
		}
		if f.Question != "" {
			line.Question = &f.Question
		}
		out.Findings = append(out.Findings, line)
	}
	for _, row := range r.Coverage {
		cells := map[lint.Question]jsonLintCell{}
		for q, c := range row.Cells {
			cells[q] = jsonLintCell{c.State, some(c.Passes), some(c.Only), told(c.Why)}
		}
		out.Coverage = append(out.Coverage, jsonLintRow{row.Operation, cells})
	}
	for _, p := range r.Through {
		out.Principals = append(out.Principals, jsonThrough{p.ARN, p.Operations, some(p.Missing)})
	}
	return jsonLines(w, []jsonLint{out})
}

// some is a list that is empty rather than null.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// LintMarkdown writes what was found for a comment, the worst first, then the
// coverage.
func LintMarkdown(w io.Writer, r *lint.Report, opts Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### sagemoat: %s\n", escape(lintTotals(r)))
	left := 0
	headed := false
	for _, f := range r.Findings {
		if !opts.All && !f.Counts() {
			continue
		}
		row := lintMarkdownFinding(f)
		if b.Len()+len(row) > commentLimit/2 {
			left++
			continue
		}
		if !headed {
			b.WriteString("\n| Severity | Finding | Where | What, why, and what closes it |\n| --- | --- | --- | --- |\n")
			headed = true
		}
		b.WriteString(row)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s more: too many for one comment.\n", count(left, "finding"))
	}
	fmt.Fprintf(&b, "\n#### What is stopped, for %s\n\n", lintScope(r))
	heads := []string{"Operation"}
	for _, q := range lint.Questions() {
		heads = append(heads, string(q))
	}
	markdownRow(&b, heads)
	b.WriteString(strings.Repeat("| --- ", len(heads)) + "|\n")
	for _, row := range lintRows(r) {
		row[0] = code(row[0])
		markdownRow(&b, row)
	}
	fmt.Fprintf(&b, "\n%s.\n\n", escape(lintLegend))
	for _, note := range lintNotes(r) {
		if b.Len()+len(note) < commentLimit {
			fmt.Fprintf(&b, "- %s\n", escape(note))
		}
	}
	if len(r.Through) > 0 && b.Len() < commentLimit {
		b.WriteString("\n#### Who can do what the rules forbid\n\n")
		for _, p := range r.Through {
			if line := fmt.Sprintf("- %s: %s\n", code(finding.Plain(p.ARN)), escape(strings.Join(throughLines(p), "; "))); b.Len()+len(line) < commentLimit {
				b.WriteString(line)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lintMarkdownFinding is the row of a finding.
func lintMarkdownFinding(f *lint.Finding) string {
	d := lint.DocOf(f.ID)
	said := []string{escape(finding.Plain(f.Found))}
	if len(f.Operations) > 4 {
		said = append(said, escape(strings.Join(f.Operations, ", ")))
	}
	said = append(said, escape(strings.ReplaceAll(d.Reason, "`", ""))+" [AWS]("+d.Source+")", "**Fix:** "+escape(strings.ReplaceAll(d.Remedy, "`", "")))
	if f.Fix != "" {
		said = append(said, code(finding.Plain(f.Fix)))
	}
	var b strings.Builder
	markdownRow(&b, []string{string(f.Severity), code(string(f.ID)), escape(lintPlace(f)), strings.Join(said, "<br>")})
	return b.String()
}

// lintIDs are the kinds of findings, in the order of SARIF's rules.
func lintIDs() []lint.ID {
	var out []lint.ID
	for _, d := range lint.Docs() {
		out = append(out, d.ID)
	}
	return slices.Clip(out)
}
