package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/finding"
)

// commentLimit keeps a report within what GitHub takes as one comment, which is
// 65,536 characters.
// https://github.com/telia-oss/github-pr-resource/issues/259
const commentLimit = 60_000

// Markdown writes findings for a comment on a pull request or an issue: totals
// first, then the findings, worst first, then the settings to paste. What would
// make a comment too long is left out, and the report says so.
func Markdown(w io.Writer, findings []*finding.Finding, opts Options) error {
	var b strings.Builder
	if len(findings) == 0 {
		b.WriteString("### sagemoat\n\n" + opts.none() + "\n")
	} else {
		sum := summarize(findings)
		fmt.Fprintf(&b, "### sagemoat: %s\n\n%s.\n\n", sum.headline(), escape(sum.totals()))
		markdownMatrix(&b, sum)
		list := worstFirst(findings)
		markdownFindings(&b, list, &sum.places, opts.All)
		markdownFragments(&b, fragments(list))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownMatrix(b *strings.Builder, sum *summary) {
	b.WriteString("| Class | Meaning | Failed | Warning | Passed | No rule |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for _, row := range sum.rows() {
		row[0] = code(row[0])
		markdownRow(b, row)
	}
}

func markdownRow(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func markdownFindings(b *strings.Builder, list []shown, at *places, all bool) {
	headed, left := false, 0
	for _, f := range list {
		if !listed(f.Finding, all) {
			continue
		}
		row := markdownFinding(&f, at)
		if b.Len()+len(row) > commentLimit {
			left++
			continue
		}
		if !headed {
			b.WriteString("\n| Severity | Class | Resource | Why, and what closes it |\n| --- | --- | --- | --- |\n")
			headed = true
		}
		b.WriteString(row)
	}
	if left > 0 {
		fmt.Fprintf(b, "\n%s more: too many for one comment.\n", count(left, "finding"))
	}
}

// markdownFinding is the row of a finding.
func markdownFinding(f *shown, at *places) string {
	resource := f.Row.Words + "<br>" + code(name(f.Name))
	if f.times > 1 {
		resource += fmt.Sprintf(" ×%d", f.times)
	}
	if at.vary() {
		resource += "<br>" + escape(at.of(f.Account, f.Region, fileOf(f.Finding)))
	}
	var said []string
	if s := finding.Plain(why(f.Finding)); s != "" {
		said = append(said, escape(s))
	}
	for _, p := range troubled(f.Finding) {
		said = append(said, "Part "+code(partName(f.Finding, &p))+": "+escape(finding.Plain(partWhy(f.Finding, &p))))
	}
	if s := assumed(f.Finding); s != "" {
		said = append(said, "Given: "+escape(s))
	}
	if s := fix(f.Finding); s != "" {
		said = append(said, "**Fix:** "+escape(s))
	}
	var b strings.Builder
	markdownRow(&b, []string{
		status(f.Judgement.Compliance, f.Judgement.Severity), code(f.Judgement.Verdict.Class.String()), resource, strings.Join(said, "<br>"),
	})
	return b.String()
}

func markdownFragments(b *strings.Builder, list []*fragment) {
	headed := false
	for _, g := range list {
		// JSON has no backtick outside of strings, where it can be escaped.
		text := strings.ReplaceAll(g.text, "`", `\u0060`)
		piece := fmt.Sprintf("\n%s:\n\n```json\n%s\n```\n", escape(g.title()), text)
		if b.Len()+len(piece) > commentLimit {
			return
		}
		if !headed {
			b.WriteString("\n#### Settings to paste\n\nFrom the allow-list of the rules file.\n")
			headed = true
		}
		b.WriteString(piece)
	}
}

// code is a code span, in which nothing is a mention, a link or HTML. It cannot
// hold a backtick, and in a table no bar: both give way to what looks alike.
func code(s string) string { return "`" + strings.NewReplacer("`", "'", "|", "¦").Replace(s) + "`" }

// escape takes from a text what Markdown, HTML and GitHub would give a meaning:
// mentions and references to issues are broken by a character of no width,
// addresses by writing one of their characters as an entity.
// https://github.github.com/gfm/#backslash-escapes
// https://github.github.com/gfm/#autolinks-extension-
func escape(s string) string {
	const noWidth = "\u200b"
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "\\`", `\`, `\\`,
		"*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`, "!", `\!`,
		"@", "@"+noWidth, "#", `\#`+noWidth, "://", "&#58;//", "www.", "www&#46;",
	).Replace(s)
}

// Escape is a text in Markdown that means nothing but itself.
func Escape(s string) string { return escape(s) }

// Code is a code span, also within a table.
func Code(s string) string { return code(s) }
