package guide

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// words splits a name of the API's: AutoMLJobName is Auto, ML, Job and Name, as
// the AWS SDKs have it, whose rule this is.
// https://github.com/boto/botocore/blob/develop/botocore/__init__.py (xform_name)
func words(name string) []string {
	var out []string
	r := []rune(name)
	start := 0
	for i := 1; i < len(r); i++ {
		lowerBefore := unicode.IsLower(r[i-1]) || unicode.IsDigit(r[i-1])
		lowerAfter := i+1 < len(r) && unicode.IsLower(r[i+1])
		if unicode.IsUpper(r[i]) && (lowerBefore || lowerAfter && unicode.IsUpper(r[i-1])) {
			out = append(out, string(r[start:i]))
			start = i
		}
	}
	return append(out, string(r[start:]))
}

// snake is a name as Python and Terraform write it, kebab as the AWS CLI does.
func snake(name string) string { return strings.ToLower(joinWords(name, "_")) }
func kebab(name string) string { return strings.ToLower(joinWords(name, "-")) }

// joinWords joins the words of a name. The version of an operation belongs to the
// word before it: create_auto_ml_job_v2.
func joinWords(name, with string) string { return strings.Join(words(name), with) }

// camel is a name as the AWS CDK writes it: volumeSizeInGb.
func camel(name string) string {
	var b strings.Builder
	for i, w := range words(name) {
		w = strings.ToLower(w)
		if i > 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	return b.String()
}

// text is a string between double quotes, as JSON, YAML, Python, TypeScript and
// HCL alike read it. Characters that cannot be seen are written as escapes: a
// tag must not turn the direction of the text around it.
func text(s string) string {
	var b, q strings.Builder
	e := json.NewEncoder(&q)
	e.SetEscapeHTML(false) // html/template does, where it is HTML
	if err := e.Encode(s); err != nil {
		return `""` // a string is always written
	}
	for _, r := range strings.TrimSuffix(q.String(), "\n") {
		if unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r <= 0xffff {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// language is how a literal is written.
type language struct {
	key             func(string) string // of a member
	yes, no         string
	embed, embedded string // around a document in a string
	domain          string // what refers to the domain that was made; empty where nothing can
}

func python() *language {
	return &language{key: text, yes: "True", no: "False", embed: "json.dumps(", embedded: ")"}
}

func typescript() *language {
	return &language{key: camel, yes: "true", no: "false", embed: "JSON.stringify(", embedded: ")", domain: "domain.attrDomainId"}
}

// width is how long a literal on one line may be.
const width = 76

// write writes a value as a literal, on one line where it is short.
func (l *language) write(b *strings.Builder, v any, indent string) {
	if flat := l.flat(v); len(indent)+len(flat) <= width {
		b.WriteString(flat)
		return
	}
	switch v := v.(type) {
	case object:
		b.WriteString("{\n")
		for _, m := range v {
			b.WriteString(indent + "    " + l.key(m.name) + ": ")
			l.write(b, m.value, indent+"    ")
			b.WriteString(",\n")
		}
		b.WriteString(indent + "}")
	case []any:
		b.WriteString("[\n")
		for _, e := range v {
			b.WriteString(indent + "    ")
			l.write(b, e, indent+"    ")
			b.WriteString(",\n")
		}
		b.WriteString(indent + "]")
	case verbatim:
		l.asJSON().write(b, v.object, indent)
	case document:
		b.WriteString(l.embed)
		l.asJSON().write(b, v.object, indent)
		b.WriteString(l.embedded)
	default:
		b.WriteString(l.flat(v))
	}
}

// asJSON is the language for what is inside a document: its names are JSON's.
func (l *language) asJSON() *language {
	inner := *l
	inner.key = text
	return &inner
}

// flat is a literal on one line.
func (l *language) flat(v any) string {
	var parts []string
	switch v := v.(type) {
	case object:
		for _, m := range v {
			parts = append(parts, l.key(m.name)+": "+l.flat(m.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, e := range v {
			parts = append(parts, l.flat(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case verbatim:
		return l.asJSON().flat(v.object)
	case document:
		return l.embed + l.asJSON().flat(v.object) + l.embedded
	case string:
		if v == domainPlaceholder && l.domain != "" {
			return l.domain
		}
		return text(v)
	case bool:
		if v {
			return l.yes
		}
		return l.no
	default:
		return fmt.Sprint(v)
	}
}

// shell is a word between single quotes, where it needs them.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
func shell(s string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:=@%+,", r))
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// writeYAML writes an object as YAML in block style, its texts between double
// quotes: what is on, no or 2020-12-01 without them differs among readers.
func writeYAML(b *strings.Builder, o object, indent string) {
	for _, m := range o {
		b.WriteString(indent + m.name + ":")
		writeYAMLValue(b, m.value, indent)
	}
}

func writeYAMLValue(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case object:
		if len(v) == 0 {
			b.WriteString(" {}\n")
			return
		}
		b.WriteString("\n")
		writeYAML(b, v, indent+"  ")
	case []any:
		if !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(string); return !ok }) {
			b.WriteString(" " + python().flat(v) + "\n")
			return
		}
		b.WriteString("\n")
		for _, e := range v {
			if below, ok := e.(object); ok {
				var item strings.Builder
				writeYAML(&item, below, indent+"    ")
				b.WriteString(indent + "  - " + strings.TrimPrefix(item.String(), indent+"    "))
				continue
			}
			b.WriteString(indent + "  -")
			writeYAMLValue(b, e, indent+"  ")
		}
	case verbatim:
		writeYAMLValue(b, v.object, indent)
	case document:
		// A block keeps JSON readable.
		b.WriteString(" |\n")
		var block strings.Builder
		writeJSONBlock(&block, v.object, indent+"  ")
		b.WriteString(indent + "  " + block.String() + "\n")
	case string:
		if v == domainPlaceholder {
			b.WriteString(" !GetAtt Domain.DomainId\n")
			return
		}
		b.WriteString(" " + text(v) + "\n")
	default:
		fmt.Fprintf(b, " %v\n", v)
	}
}

// writeJSONBlock writes JSON over several lines where it is long.
func writeJSONBlock(b *strings.Builder, v any, indent string) {
	if flat := jsonOf(v); len(indent)+len(flat) <= width {
		b.WriteString(flat)
		return
	}
	switch v := v.(type) {
	case object:
		b.WriteString("{\n")
		for i, m := range v {
			b.WriteString(indent + "  " + text(m.name) + ": ")
			writeJSONBlock(b, m.value, indent+"  ")
			b.WriteString(comma(i, len(v)) + "\n")
		}
		b.WriteString(indent + "}")
	case []any:
		b.WriteString("[\n")
		for i, e := range v {
			b.WriteString(indent + "  ")
			writeJSONBlock(b, e, indent+"  ")
			b.WriteString(comma(i, len(v)) + "\n")
		}
		b.WriteString(indent + "]")
	default:
		b.WriteString(jsonOf(v))
	}
}

func comma(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}

// writeHCL writes the members of an object as arguments and blocks: Terraform has
// blocks for objects and for lists of them, and maps for what has free names.
func writeHCL(b *strings.Builder, o object, names map[string]string, free []string, indent string) {
	name := func(s string) (string, bool) {
		if n, ok := names[s]; ok {
			return n, n != ""
		}
		return snake(s), true
	}
	for _, m := range o {
		n, ok := name(m.name)
		if !ok {
			continue
		}
		if slices.Contains(free, m.name) {
			below, _ := m.value.(object)
			b.WriteString(indent + n + " = {\n")
			for _, e := range below {
				b.WriteString(indent + "  " + hclText(e.name) + " = " + hclExpr(e.value, indent+"  ") + "\n")
			}
			b.WriteString(indent + "}\n")
			continue
		}
		blocks, isObject := []any{m.value}, false
		if list, ok := m.value.([]any); ok && len(list) > 0 {
			_, isObject = list[0].(object)
			blocks = list
		} else {
			_, isObject = m.value.(object)
		}
		if !isObject {
			b.WriteString(indent + n + " = " + hclExpr(m.value, indent) + "\n")
			continue
		}
		for _, e := range blocks {
			below, _ := e.(object)
			b.WriteString(indent + n + " {\n")
			writeHCL(b, below, names, free, indent+"  ")
			b.WriteString(indent + "}\n")
		}
	}
}

// hclExpr is an expression of HCL, on one line where it is short.
func hclExpr(v any, indent string) string {
	if flat := hclFlat(v); len(indent)+len(flat) <= width {
		return flat
	}
	var b strings.Builder
	switch v := v.(type) {
	case document:
		return "jsonencode(" + hclExpr(v.object, indent) + ")"
	case object:
		b.WriteString("{\n")
		for _, m := range v {
			b.WriteString(indent + "  " + hclText(m.name) + " = " + hclExpr(m.value, indent+"  ") + "\n")
		}
		b.WriteString(indent + "}")
	case []any:
		b.WriteString("[\n")
		for _, e := range v {
			b.WriteString(indent + "  " + hclExpr(e, indent+"  ") + ",\n")
		}
		b.WriteString(indent + "]")
	default:
		return hclFlat(v)
	}
	return b.String()
}

func hclFlat(v any) string {
	switch v := v.(type) {
	case string:
		if v == domainPlaceholder {
			return "aws_sagemaker_domain.example.id"
		}
		return hclText(v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, hclFlat(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case document:
		return "jsonencode(" + hclFlat(v.object) + ")"
	case object:
		var parts []string
		for _, m := range v {
			parts = append(parts, hclText(m.name)+" = "+hclFlat(m.value))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	default:
		return fmt.Sprint(v)
	}
}

// hclText is a text of HCL, in which ${ and %{ begin templates.
// https://developer.hashicorp.com/terraform/language/expressions/strings
func hclText(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text(s))
}
