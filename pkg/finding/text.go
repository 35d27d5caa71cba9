package finding

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes text from a record fit to be shown: whoever creates a resource
// chooses its name, and a terminal, a chat or a console would act on control
// characters in it. Line breaks and tabs become spaces; other control characters
// and invisible ones, which can turn the direction of writing, are left out.
// https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
func Plain(s string) string {
	const joiner = '\u200d' // holds emoji together
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == joiner:
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "\ufffd")))
}

// Clip keeps the first most bytes of a text, ending on a whole character and
// with an ellipsis where something was cut. A limit in bytes keeps any limit in
// characters too, however the characters are counted.
func Clip(s string, most int) string {
	const ellipsis = "…"
	if len(s) <= most {
		return s
	}
	if most < len(ellipsis) {
		return ""
	}
	end := most - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimRight(s[:end], " ") + ellipsis
}
