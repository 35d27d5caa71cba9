package guide

import (
	"cmp"
	"fmt"
	htmltemplate "html/template"
	"io"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/report"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// shared are the functions of both forms.
func shared() map[string]any {
	return map[string]any{
		"heading": heading, "kinds": func(s Set) string {
			if len(s.Kinds) == 0 {
				return "everything"
			}
			return strings.Join(s.Kinds, ", ")
		}, "sentence": sentence, "need": need,
		"lastDay": func(t time.Time) string { return t.Add(-time.Nanosecond).UTC().Format(time.DateOnly) },
		"about":   about,
	}
}

// Markdown writes the guide for a wiki or a repository.
func Markdown(w io.Writer, g *Guide) error {
	funcs := template.FuncMap(shared())
	funcs["escape"] = func(s string) string { return report.Escape(finding.Plain(s)) }
	funcs["code"] = func(s string) string { return report.Code(finding.Plain(s)) }
	funcs["codes"] = codes
	funcs["fence"] = fence
	funcs["consequences"] = func(k Kind) string { return "- " + strings.Join(consequences(k, report.Code), "\n- ") }
	source, err := data.ReadFile("data/guide.md.tmpl")
	if err != nil {
		return err
	}
	t, err := template.New("guide").Funcs(funcs).Parse(string(source))
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.Execute(&b, g); err != nil {
		return err
	}
	_, err = io.WriteString(w, tidy(b.String()))
	return err
}

// several are empty lines on end, which templates leave where something was not
// said.
var several = regexp.MustCompile(`\n{3,}`)

func tidy(s string) string {
	return strings.TrimSpace(several.ReplaceAllString(s, "\n\n")) + "\n"
}

// HTML writes the guide as one file that needs nothing else, no script either.
func HTML(w io.Writer, g *Guide) error {
	funcs := htmltemplate.FuncMap(shared())
	funcs["place"] = place
	funcs["args"] = func(id string, k Kind) any {
		return struct {
			ID   string
			Kind Kind
		}{id, k}
	}
	funcs["consequences"] = func(k Kind) []string { return consequences(k, func(s string) string { return s }) }
	source, err := data.ReadFile("data/guide.html.tmpl")
	if err != nil {
		return err
	}
	t, err := htmltemplate.New("guide").Funcs(funcs).Parse(string(source))
	if err != nil {
		return err
	}
	return t.Execute(w, g)
}

// heading names a place.
func heading(p Place) string {
	account := "Account " + p.Account
	if p.Account == "" {
		account = "Any other account"
	}
	switch {
	case p.Elsewhere:
		return account + ", any other Region"
	case len(p.Regions) > 0:
		return account + ", " + strings.Join(p.Regions, " and ")
	}
	return account
}

// place is the anchor of a place.
func place(p Place) string {
	var anchor strings.Builder
	anchor.WriteString("account-" + cmp.Or(p.Account, "other"))
	if p.Elsewhere {
		anchor.WriteString("-elsewhere")
	}
	for _, r := range p.Regions {
		anchor.WriteString("-" + r)
	}
	return anchor.String()
}

// sentence begins with a capital letter.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// about is what an exception is about, in words.
func about(m rules.Match) string {
	words := conditionOf(m, nil)
	if len(m.Resources) > 0 {
		words = strings.Trim(strings.Join(m.Resources, ", ")+", "+words, ", ")
	}
	return finding.Plain(words)
}

// codes are ids as code spans.
func codes(v any) string {
	var ids []string
	switch v := v.(type) {
	case string:
		if v != "" {
			ids = []string{v}
		}
	case []string:
		ids = v
	case []rules.ID:
		for _, id := range v {
			ids = append(ids, string(id))
		}
	}
	var out []string
	for _, id := range ids {
		out = append(out, report.Code(id))
	}
	return strings.Join(out, " ")
}

// fence is a block of code, in a fence that is longer than any within.
// https://spec.commonmark.org/0.31.2/#fenced-code-blocks
func fence(language, text string) string {
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	return mark + language + "\n" + strings.TrimRight(text, "\n") + "\n" + mark
}

// need says what to set.
func need(k Kind) string {
	words := "Give it these settings"
	if len(k.Row.Refers) > 0 && len(k.Recipes) > 0 {
		var kinds []string
		for _, r := range k.Row.Refers {
			for _, w := range kindWords([]string{string(r.Kind)}) {
				if !strings.Contains(strings.Join(kinds, ","), w) {
					kinds = append(kinds, w)
				}
			}
		}
		words = "Its network may be that of what it uses (" + strings.Join(kinds, ", ") + "): there these settings belong"
	}
	if len(k.Also) > 0 {
		words += ", with " + strings.Join(k.Also, " and ")
	}
	if k.Note != "" {
		words += " (" + k.Note + ")"
	}
	return words + "."
}

// consequences say what happens without the settings, who does what about it, and
// what a policy can do before.
func consequences(k Kind, code func(string) string) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if len(k.Still) > 0 {
		say("Even so: %s.", results(k.Still, code))
	}
	if len(k.Left) > 0 {
		say("Without them: %s.", results(k.Left, code))
	} else {
		say("Without them nothing fails by these rules, and its data moves where nobody here sees it.")
	}
	if len(k.Half) > 0 {
		say("With the subnets but without the switch for direct Internet access: %s.", results(k.Half, code))
	}
	told := "whoever listens to the default topic is told"
	if k.Team != "" {
		told = "the team " + code(finding.Plain(k.Team)) + " is told"
	}
	switch {
	case !failed(k):
	case k.Stopped != "":
		when := "as soon as that was announced"
		if k.Grace > 0 {
			when = strings.NewReplacer("m0s", "m", "h0m", "h").Replace(k.Grace.String()) + " after that was announced"
		}
		say("Then %s, and it is stopped (%s) %s.", told, code(k.Stopped), when)
	case k.Mode == rules.Observe:
		say("Then there is a finding in Security Hub; nobody is told, and nothing is stopped.")
	default:
		say("Then there is a finding in Security Hub, and %s; nothing is stopped.", told)
	}
	if len(k.Denied) > 0 {
		say("A policy can refuse %s.", list(k.Denied, code))
	}
	if len(k.Open) > 0 {
		say("No policy can tell the network of %s: what is wrong is found afterwards.", list(k.Open, code))
	}
	return out
}

func failed(k Kind) bool {
	for _, r := range append(append([]rules.Result{}, k.Left...), k.Half...) {
		if r.Result == rules.Failed {
			return true
		}
	}
	return false
}

func list(names []string, code func(string) string) string {
	var out []string
	for _, n := range names {
		out = append(out, code(n))
	}
	return strings.Join(out, ", ")
}

// results are what rules say, in words.
func results(all []rules.Result, code func(string) string) string {
	var out []string
	for _, r := range all {
		how := string(r.Severity)
		if r.Result == rules.Warning {
			how = "a warning"
		}
		out = append(out, fmt.Sprintf("%s, %s (%s)", how, finding.Plain(r.Message), code(string(r.Rule))))
	}
	return strings.Join(out, "; ")
}
