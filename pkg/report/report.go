// Package report writes findings for people and for other tools: JSON lines, a
// table for the terminal, Markdown for a pull request, SARIF for code scanning,
// and the AWS Security Finding Format for Security Hub.
//
// What a record says is written by whoever made the call, so nothing of it
// reaches a terminal, a comment or a console as it stands: control characters
// are left out and what a format gives a meaning is escaped.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// Options say how to write. Each format uses what it has a use for.
type Options struct {
	// Width is how many columns the table may take; 0 is as many as it needs.
	Width int
	// Color colours the table. It is never the only carrier of a meaning.
	Color bool
	// All lists what passed and what no rule applies to, in the table and in Markdown.
	All bool
	// LeftOut says that there is more, which a filter leaves out.
	LeftOut bool
	// Now is the time of a finding in ASFF whose evidence has none.
	Now time.Time
	// Version is sagemoat's own, for SARIF.
	Version string
	// Root is the folder that file names in SARIF are relative to, where they
	// are below it.
	Root string
	// Line is the line of a file at which a path leads to something in the record at
	// an offset, or as far as it leads, for SARIF; 0 where it cannot be told. May be
	// nil.
	Line func(file string, offset int64, path string) int
}

// nothing is what there is to say of no findings.
const nothing = "nothing was found that creates or changes a network setting"

// none is what there is to say of no findings with these options.
func (o *Options) none() string {
	if o.LeftOut {
		return "nothing was found that is asked for: the rest is left out by a filter"
	}
	return nothing
}

// longestName is how many bytes of a name people get to read.
const longestName = 120

// shown is a finding as people read it, and how many times it was found.
type shown struct {
	*finding.Finding
	times int
}

// worstFirst sorts findings for people, by compliance, severity, class and
// resource, and takes together those that say the same of the same resource,
// as each start of an unchanged notebook instance does.
func worstFirst(findings []*finding.Finding) []shown {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b *finding.Finding) int {
		x, y := &a.Judgement, &b.Judgement
		return cmp.Or(
			cmp.Compare(complianceRank(x.Compliance), complianceRank(y.Compliance)),
			cmp.Compare(severityRank(x.Severity), severityRank(y.Severity)),
			cmp.Compare(classRank(x.Verdict.Class), classRank(y.Verdict.Class)),
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Resource(), b.Resource()),
		)
	})
	var out []shown
	for _, f := range sorted {
		if n := len(out); n > 0 && same(out[n-1].Finding, f) {
			out[n-1].times++
			continue
		}
		out = append(out, shown{f, 1})
	}
	return out
}

// same says whether two findings read the same. What has no ARN may be two
// resources of one name.
func same(a, b *finding.Finding) bool {
	return a.ARN != "" && a.ARN == b.ARN && a.Judgement.Compliance == b.Judgement.Compliance &&
		a.Judgement.Verdict == b.Judgement.Verdict && slices.Equal(a.Judgement.Results, b.Judgement.Results)
}

func compliances() []rules.Compliance {
	return []rules.Compliance{rules.Failed, rules.Warning, rules.Passed, rules.NotAvailable}
}

func complianceRank(c rules.Compliance) int    { return slices.Index(compliances(), c) }
func severityRank(s rules.Severity) int        { return slices.Index(append(rules.Severities(), ""), s) }
func classRank(c verdict.Class) int            { return slices.Index(verdict.Classes(), c) }
func troubles(c rules.Compliance) bool         { return c == rules.Failed || c == rules.Warning }
func listed(f *finding.Finding, all bool) bool { return all || troubles(f.Judgement.Compliance) }

// status is the severity of what failed, else the compliance.
func status(c rules.Compliance, s rules.Severity) string {
	switch {
	case c == rules.Failed && s != "":
		return string(s)
	case c == rules.NotAvailable:
		return "NO RULE"
	default:
		return string(c)
	}
}

// name is a resource's name as people get to read it.
func name(s string) string { return cmp.Or(finding.Clip(finding.Plain(s), longestName), "-") }

// meaning says in a few words what a class is.
func meaning(c verdict.Class) string {
	switch c {
	case verdict.A:
		return "isolated: no network at all"
	case verdict.BVPC:
		return "reaches a VPC, and no more than it routes"
	case verdict.BInternet:
		return "reaches the Internet on its own path"
	case verdict.C:
		return "a bridge: reaches a VPC and the Internet"
	case verdict.NotApplicable:
		return "no code of ours runs there"
	case verdict.Unknown:
	}
	return "could not be told"
}

// why is the worst result and which others there are.
func why(f *finding.Finding) string {
	worst, ok := f.Worst()
	if !ok {
		return excepted(f)
	}
	said := []string{string(worst.Rule) + ": " + worst.Message}
	for _, group := range []struct {
		result rules.Compliance
		words  string
	}{{rules.Failed, "also fails"}, {rules.Warning, "not known:"}, {rules.Excepted, "allowed by exception:"}} {
		var others []string
		for _, r := range f.Judgement.Results {
			if r.Result == group.result && r != worst {
				others = append(others, string(r.Rule))
			}
		}
		if len(others) > 0 {
			said = append(said, group.words+" "+strings.Join(others, ", "))
		}
	}
	return strings.Join(said, "; ")
}

// fix is what closes the finding, unless the reason says it already: what could
// not be told names the call that would tell.
func fix(f *finding.Finding) string {
	if worst, ok := f.Worst(); ok && worst.Result == rules.Warning && strings.Contains(worst.Message, "look it up with") {
		return ""
	}
	return finding.Plain(f.Remedy())
}

// assumed are the values that the judgement took from defaults, which whoever starts
// a pipeline can give otherwise.
func assumed(f *finding.Finding) string {
	all := slices.Clone(f.Judgement.Posture.Assumed)
	for _, p := range f.Judgement.Parts {
		all = append(all, p.Posture.Assumed...)
	}
	slices.Sort(all)
	return finding.Clip(finding.Plain(strings.Join(slices.Compact(all), ", ")), longestAssumed)
}

// longestAssumed is how many bytes of assumed values people get to read.
const longestAssumed = 400

// excepted says by which exception something passed.
func excepted(f *finding.Finding) string {
	x := f.Judgement.Exception
	if x == nil {
		return ""
	}
	var broken []string
	for _, r := range f.Judgement.Results {
		if r.Result == rules.Excepted {
			broken = append(broken, string(r.Rule))
		}
	}
	return fmt.Sprintf("%s, allowed by exception %s", strings.Join(broken, ", "), exception(x))
}

func exception(x *rules.Exception) string {
	return fmt.Sprintf("%s (%s, until %s): %s", x.ID, x.Owner, x.Expires.UTC().Format("2006-01-02 15:04 MST"), strings.TrimSpace(x.Reason))
}

// troubled are the parts that did not pass, where the finding has several.
func troubled(f *finding.Finding) []rules.Judged {
	if len(f.Judgement.Parts) < 2 {
		return nil
	}
	var out []rules.Judged
	for _, p := range f.Judgement.Parts {
		if troubles(p.Compliance) {
			out = append(out, p)
		}
	}
	return out
}

// partWhy is what a part adds to what was said of the whole.
func partWhy(f *finding.Finding, p *rules.Judged) string {
	worst, _ := f.Worst()
	said := []string{status(p.Compliance, p.Severity) + ", class " + p.Verdict.Class.String()}
	for _, r := range p.Results {
		switch {
		case !troubles(r.Result):
		case r.Rule == worst.Rule && r.Message == worst.Message:
			said = append(said, string(r.Rule))
		default:
			said = append(said, string(r.Rule)+": "+r.Message)
		}
	}
	return strings.Join(said, "; ")
}

// partName names a part, with its kind where that is not the whole's.
func partName(f *finding.Finding, p *rules.Judged) string {
	n := name(p.Name)
	if row, ok := kind.Of(p.Kind); ok && p.Kind != f.Row.Kind {
		n += " (" + row.Words + ")"
	}
	return n
}

// places says which of account, Region and file differ among findings: what is the
// same everywhere need not be said of each. Files count for what is not there yet.
type places struct {
	accounts, regions, files []string
}

// fileOf is the file that a finding is about, where it is of no account: a template,
// a plan, a request, a definition. Empty for what is in an account.
func fileOf(f *finding.Finding) string {
	if f.Account == "" {
		return f.Source.File
	}
	return ""
}

func (p *places) add(account, region, file string) {
	if !slices.Contains(p.files, file) {
		p.files = append(p.files, file)
	}
	if !slices.Contains(p.accounts, account) {
		p.accounts = append(p.accounts, account)
	}
	if !slices.Contains(p.regions, region) {
		p.regions = append(p.regions, region)
	}
}

// vary says whether a column for the place tells anything.
func (p *places) vary() bool { return len(p.accounts) > 1 || len(p.regions) > 1 || len(p.files) > 1 }

// of is the place of one finding, as far as it varies.
func (p *places) of(account, region, file string) string {
	var said []string
	if len(p.files) > 1 && file != "" {
		said = append(said, name(file))
	}
	if len(p.accounts) > 1 && account != "" {
		said = append(said, name(account))
	}
	if len(p.regions) > 1 && region != "" {
		said = append(said, name(region))
	}
	return cmp.Or(strings.Join(said, " "), "-")
}

// common is what all findings share of the place; may be empty.
func (p *places) common() string {
	var said []string
	if len(p.accounts) == 1 && p.accounts[0] != "" {
		said = append(said, "account "+name(p.accounts[0]))
	}
	if len(p.regions) == 1 && p.regions[0] != "" {
		said = append(said, name(p.regions[0]))
	}
	return strings.Join(said, ", ")
}

// summary counts findings.
type summary struct {
	total      int
	matrix     map[verdict.Class]map[rules.Compliance]int
	compliance map[rules.Compliance]int
	severity   map[rules.Severity]int // of what failed
	exceptions []string
	excepted   int
	assumed    int // of what passed
	places     places
}

func summarize(findings []*finding.Finding) *summary {
	s := &summary{
		total: len(findings), matrix: map[verdict.Class]map[rules.Compliance]int{},
		compliance: map[rules.Compliance]int{}, severity: map[rules.Severity]int{},
	}
	for _, f := range findings {
		j := &f.Judgement
		if s.matrix[j.Verdict.Class] == nil {
			s.matrix[j.Verdict.Class] = map[rules.Compliance]int{}
		}
		s.matrix[j.Verdict.Class][j.Compliance]++
		s.compliance[j.Compliance]++
		if j.Compliance == rules.Failed {
			s.severity[j.Severity]++
		}
		if j.Compliance == rules.Passed && j.Exception != nil {
			s.excepted++
			if id := name(j.Exception.ID); !slices.Contains(s.exceptions, id) {
				s.exceptions = append(s.exceptions, id)
			}
		}
		if j.Compliance == rules.Passed && assumed(f) != "" {
			s.assumed++
		}
		s.places.add(f.Account, f.Region, fileOf(f))
	}
	slices.Sort(s.exceptions)
	return s
}

// headline is the shortest answer.
func (s *summary) headline() string {
	failed := s.compliance[rules.Failed]
	if failed == 0 {
		return fmt.Sprintf("none of %s failed", count(s.total, "verdict"))
	}
	return fmt.Sprintf("%d of %s failed", failed, count(s.total, "verdict"))
}

// totals is one line of everything that was counted.
func (s *summary) totals() string {
	var said []string
	for _, part := range []struct {
		of           rules.Compliance
		words, aside string
	}{
		{rules.Failed, "failed", " (" + s.severities() + ")"},
		{rules.Warning, "could not be told", ""},
		{rules.Passed, "passed", s.byException() + s.byDefault()},
		{rules.NotAvailable, "under no rule", ""},
	} {
		if n := s.compliance[part.of]; n > 0 {
			said = append(said, fmt.Sprintf("%d %s%s", n, part.words, part.aside))
		}
	}
	line := count(s.total, "verdict")
	if place := s.places.common(); place != "" {
		line += " in " + place
	}
	return line + ": " + strings.Join(said, ", ")
}

func (s *summary) byException() string {
	if s.excepted == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d by exception: %s)", s.excepted, strings.Join(s.exceptions, ", "))
}

func (s *summary) byDefault() string {
	if s.assumed == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d by default values of parameters)", s.assumed)
}

func (s *summary) severities() string {
	var said []string
	for _, sev := range rules.Severities() {
		if n := s.severity[sev]; n > 0 {
			said = append(said, fmt.Sprintf("%d %s", n, strings.ToLower(string(sev))))
		}
	}
	return strings.Join(said, ", ")
}

// rows are the lines of the matrix of classes and compliances, without classes
// that nothing has.
func (s *summary) rows() [][]string {
	var out [][]string
	for _, c := range verdict.Classes() {
		if s.matrix[c] == nil {
			continue
		}
		row := []string{c.String(), meaning(c)}
		for _, k := range compliances() {
			cell := "-"
			if n := s.matrix[c][k]; n > 0 {
				cell = fmt.Sprint(n)
			}
			row = append(row, cell)
		}
		out = append(out, row)
	}
	return out
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// fragment is a piece of a request to paste, and what it is for.
type fragment struct {
	text string
	uses []use
}

// use is an account and a Region, and the kinds there that a fragment closes.
type use struct {
	account, region string
	kinds           []string
}

// title says for which kinds and where the fragment is.
func (g *fragment) title() string {
	var said []string
	for _, u := range g.uses {
		kinds := strings.Join(u.kinds, ", ")
		if place := strings.TrimSpace(finding.Plain(u.account) + " " + finding.Plain(u.region)); place != "" {
			kinds += " in " + place
		}
		said = append(said, kinds)
	}
	return strings.Join(said, "; ")
}

// add notes what the fragment is for.
func (g *fragment) add(f *finding.Finding) {
	i := slices.IndexFunc(g.uses, func(u use) bool { return u.account == f.Account && u.region == f.Region })
	if i < 0 {
		i = len(g.uses)
		g.uses = append(g.uses, use{account: f.Account, region: f.Region})
	}
	if words := f.AtFault().Words; !slices.Contains(g.uses[i].kinds, words) {
		g.uses[i].kinds = append(g.uses[i].kinds, words)
	}
}

// fragments are those that close the findings, each once, in the order of the
// findings.
func fragments(list []shown) []*fragment {
	var out []*fragment
	for _, f := range list {
		text := plainLines(f.Paste())
		if text == "" {
			continue
		}
		i := slices.IndexFunc(out, func(g *fragment) bool { return g.text == text })
		if i < 0 {
			i = len(out)
			out = append(out, &fragment{text: text})
		}
		out[i].add(f.Finding)
	}
	return out
}

// plainLines is [finding.Plain] of each line, with its indentation.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		lines[i] = line[:len(line)-len(text)] + finding.Plain(text)
	}
	return strings.Join(lines, "\n")
}
