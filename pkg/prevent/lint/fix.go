package lint

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
)

// paste is a statement to paste.
type paste struct {
	Sid       string                    `json:"Sid"`
	Effect    Effect                    `json:"Effect"`
	Action    []string                  `json:"Action"`
	Resource  string                    `json:"Resource"`
	Condition map[string]map[string]any `json:"Condition"`
}

// fragment writes JSON to paste, as the value of Condition is written.
func fragment(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // strings in maps
	}
	return string(b)
}

func quote(s string) string { return fragment(s) }

// nullFix is the condition that asks whether a key is there.
func nullFix(name string, e Effect) string {
	absent := "true"
	if e == Allow {
		absent = "false"
	}
	return fragment(map[string]any{"Null": map[string]any{prefix + name: absent}})
}

// exemptFix is the condition that exempts a role by its ARN.
func exemptFix() string {
	return fragment(map[string]any{"ArnNotLike": map[string]any{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/your-exempt-role"}})
}

// values are the values as a policy writes them.
func values(operands []condition.Operand) []string {
	var out []string
	for _, v := range operands {
		out = append(out, v.Text)
	}
	return out
}

// breaksFix is the statement's actions without those whose calls it breaks; none
// where a pattern names them.
func (l *statementLint) breaksFix(broken breakage) string {
	if l.broad() {
		return ""
	}
	var left []string
	for _, p := range l.s.Actions {
		name, _ := cutPrefix(p.Text)
		is := func(b string) bool { return strings.EqualFold(b, name) }
		if !slices.ContainsFunc(broken, func(b brokenCalls) bool { return slices.ContainsFunc(b.names, is) }) {
			left = append(left, p.Text)
		}
	}
	if len(left) == 0 {
		return ""
	}
	return `"Action": ` + fragment(left)
}

// denial is the statement that denies what a question is about, by a key, for
// operations of which it is asked in one way. ids are those of the list, where there
// is one, and way is the setting that says whether there is a way to the Internet.
func denial(q Question, key string, a ask, way *setting, names, ids []string) paste {
	absent := a.absent
	p := paste{Sid: sid(q, key, a, way), Effect: Deny, Resource: "*", Condition: map[string]map[string]any{}}
	for _, n := range names {
		p.Action = append(p.Action, prefix+n)
	}
	slices.Sort(p.Action)
	set, _ := settingOf(prefix + key)
	add := func(operator, key string, v any) {
		if p.Condition[operator] == nil {
			p.Condition[operator] = map[string]any{}
		}
		p.Condition[operator][prefix+key] = v
	}
	switch {
	case q == NoVPC:
		add("Null", key, "true")
	case set.key.Many:
		add("ForAnyValue:StringNotEquals", key, ids)
	case set.key.Type == condition.Bool && absent:
		add("BoolIfExists", key, set.bad)
	case set.key.Type == condition.Bool:
		add("Bool", key, set.bad)
	case q == Interactive:
		add("StringEquals", key, set.bad)
	default:
		// A negated operator matches what does not have the key.
		add("StringNotEquals", key, set.good)
		if !absent {
			add("Null", key, "false")
		}
	}
	switch {
	case a.own:
		add("Null", vpcSubnets, "false")
	case a.open && way.key.Type == condition.Bool:
		add("BoolIfExists", way.name, way.bad)
	case a.open:
		add("StringNotEquals", way.name, way.good)
	}
	return p
}

// sid names the statement of a question.
func sid(q Question, key string, a ask, way *setting) string {
	var b strings.Builder
	b.WriteString("Deny")
	for word := range strings.SplitSeq(string(q), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	switch {
	case q == Interactive:
		b.WriteString(key)
	case a.own:
		b.WriteString("InAVpc")
	case a.open:
		b.WriteString("And" + way.name)
	case !a.absent && q != Subnets && q != SecurityGroups:
		b.WriteString("WhereSet")
	}
	return b.String()
}

// asking is what is asked of one operation.
type asking struct {
	*operation

	ask ask
}

// denials are the statements that deny what a question is about for operations.
func denials(q Question, those []asking, ids lists) []paste {
	type form struct {
		absent, own, open bool
		way               *setting
	}
	of := func(x asking) form {
		f := form{absent: x.ask.absent, own: x.ask.own, open: x.ask.open}
		if f.open {
			f.way = x.way()
		}
		return f
	}
	var out []paste
	for _, set := range settings() {
		if !slices.Contains(set.asks, q) {
			continue
		}
		var forms []form
		names := map[form][]string{}
		for _, x := range those {
			if f := of(x); x.carries(set.name) {
				if names[f] == nil {
					forms = append(forms, f)
				}
				names[f] = append(names[f], x.name)
			}
		}
		for _, f := range forms {
			out = append(out, denial(q, set.name, ask{absent: f.absent, own: f.own, open: f.open}, f.way, names[f], ids[set.name]))
		}
	}
	return out
}

// denialFix is what is pasted to deny what a question is about: a statement, or a
// list of them.
func denialFix(q Question, those []asking, ids lists) string {
	list := denials(q, those, ids)
	if len(list) == 1 {
		return fragment(list[0])
	}
	if len(list) == 0 {
		return ""
	}
	return fragment(list)
}
