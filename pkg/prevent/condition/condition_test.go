package condition

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	list = Key{Type: String, Many: true}
	text = Key{Type: String}
	flag = Key{Type: Bool}
	arn  = Key{Type: ARN}
)

func operands(values ...string) []Operand {
	var out []Operand
	for _, v := range values {
		out = append(out, Operand{Text: v})
	}
	return out
}

// TestDocumented: what AWS's pages say of each operator, for a key that is absent,
// has one value, or has several.
func TestDocumented(t *testing.T) {
	for _, c := range []struct {
		operator string
		key      Key
		policy   []string
		request  []string // nil: the key is absent
		want     Truth
	}{
		// "If the key that you specify in a policy condition is not present in the
		// request context, the values do not match and the condition is false."
		{"StringEquals", text, []string{"a"}, nil, No},
		{"StringLike", text, []string{"*"}, nil, No},
		{"Bool", flag, []string{"false"}, nil, No},
		{"ArnLike", arn, []string{"arn:aws:iam::*:role/x"}, nil, No},
		{"NumericEquals", Key{Type: Numeric}, []string{"1"}, nil, No},
		// "If the policy condition requires that the key is not matched […] and the
		// right key is not present, the condition is true."
		{"StringNotEquals", text, []string{"a"}, nil, Yes},
		{"StringNotLike", text, []string{"a*"}, nil, Yes},
		{"ArnNotLike", arn, []string{"arn:aws:iam::*:role/x"}, nil, Yes},
		{"NotIpAddress", Key{Type: IP}, []string{"203.0.113.0/24"}, nil, Yes},
		{"NumericNotEquals", Key{Type: Numeric}, []string{"1"}, nil, Yes},
		// "If the key is not present, evaluate the condition element as true."
		{"StringEqualsIfExists", text, []string{"a"}, nil, Yes},
		{"BoolIfExists", flag, []string{"false"}, nil, Yes},
		{"BoolIfExists", list, []string{"false"}, nil, Yes},
		// "either true (the key doesn't exist, it is null) or false (the key exists and its
		// value is not null)".
		{"Null", list, []string{"true"}, nil, Yes},
		{"Null", list, []string{"false"}, nil, No},
		{"Null", list, []string{"true"}, []string{"a", "b"}, No},
		{"Null", list, []string{"false"}, []string{"a", "b"}, Yes},
		{"Null", list, []string{"true"}, []string{}, Yes},
		{"Null", flag, []string{"true", "false"}, nil, Yes},
		{"Null", flag, []string{"yes"}, nil, Unknown},
		// ForAllValues "also returns true if there are no context keys in the request".
		{"ForAllValues:StringEquals", list, []string{"a", "b"}, nil, Yes},
		{"ForAllValues:StringEquals", list, []string{"a", "b"}, []string{}, Yes},
		{"ForAllValues:StringEquals", list, []string{"a", "b"}, []string{"b", "a"}, Yes},
		{"ForAllValues:StringEquals", list, []string{"a", "b"}, []string{"a", "c"}, No},
		{"ForAllValues:StringNotEquals", list, []string{"a"}, nil, Yes},
		{"ForAllValues:StringNotEquals", list, []string{"a"}, []string{"b", "c"}, Yes},
		{"ForAllValues:StringNotEquals", list, []string{"a"}, []string{"a", "c"}, No},
		{"ForAllValues:Bool", list, []string{"false"}, nil, Yes},
		// ForAnyValue: "For no matching key or a null dataset, the condition returns false."
		{"ForAnyValue:StringEquals", list, []string{"a"}, nil, No},
		{"ForAnyValue:StringNotEquals", list, []string{"a"}, nil, No},
		{"ForAnyValue:StringNotEquals", list, []string{"a"}, []string{}, No},
		{"ForAnyValue:StringNotEqualsIfExists", list, []string{"a"}, nil, No},
		{"ForAnyValue:StringNotEquals", list, []string{"a"}, []string{"a"}, No},
		{"ForAnyValue:StringNotEquals", list, []string{"a", "b"}, []string{"b", "a"}, No},
		{"ForAnyValue:StringNotEquals", list, []string{"a", "b"}, []string{"b", "c"}, Yes},
		{"ForAnyValue:StringLike", list, []string{"subnet-0a*"}, []string{"subnet-0b", "subnet-0a1"}, Yes},
		// "Multivalued context keys require a condition set operator."
		{"StringEquals", list, []string{"a"}, []string{"a"}, Unknown},
		{"StringNotEquals", list, []string{"a"}, []string{"b"}, Unknown},
		{"Bool", list, []string{"false"}, []string{"subnet-0a1b2c3d"}, Unknown},
		{"BoolIfExists", list, []string{"false"}, []string{"subnet-0a1b2c3d"}, Unknown},
		// Values of one key are joined by OR, of a negated operator by NOR.
		{"StringEquals", text, []string{"a", "b"}, []string{"b"}, Yes},
		{"StringNotEquals", text, []string{"a", "b"}, []string{"b"}, No},
		{"StringNotEquals", text, []string{"a", "b"}, []string{"c"}, Yes},
		// "Exact matching, case sensitive"; wildcards are letters but for Like.
		{"StringEquals", text, []string{"VpcOnly"}, []string{"vpconly"}, No},
		{"StringEqualsIgnoreCase", text, []string{"VpcOnly"}, []string{"vpconly"}, Yes},
		{"StringNotEqualsIgnoreCase", text, []string{"VpcOnly"}, []string{"vpconly"}, No},
		{"StringEquals", text, []string{"a*"}, []string{"ab"}, No},
		{"StringLike", text, []string{"a*"}, []string{"ab"}, Yes},
		{"StringLike", text, []string{"a${*}"}, []string{"a*"}, Yes},
		{"StringLike", text, []string{"a${*}"}, []string{"ab"}, No},
		{"StringEquals", text, []string{"a${*}"}, []string{"a*"}, Unknown}, // said of patterns only
		{"Bool", flag, []string{"true"}, []string{"true"}, Yes},
		{"Bool", flag, []string{"true"}, []string{"false"}, No},
		{"Bool", flag, []string{"True"}, []string{"true"}, Unknown},
		// "Each of the six colon-delimited components of the ARN is checked separately".
		{"ArnLike", arn, []string{"arn:aws:someservice:*:111122223333:finance/*"}, []string{"arn:aws:someservice:us-east-2:444455556666:store/abc:111122223333:finance/document.txt"}, No},
		{"StringLike", arn, []string{"arn:aws:someservice:*:111122223333:finance/*"}, []string{"arn:aws:someservice:us-east-2:444455556666:store/abc:111122223333:finance/document.txt"}, Yes},
		{"ArnEquals", arn, []string{"arn:aws:iam::*:role/x"}, []string{"arn:aws:iam::111122223333:role/x"}, Yes},
		{"ArnNotEquals", arn, []string{"arn:aws:iam::*:role/x"}, []string{"arn:aws:iam::111122223333:role/x"}, No},
		{"ArnLike", arn, []string{"*"}, []string{"arn:aws:iam::111122223333:role/x"}, Unknown}, // no ARN
		// Types that do not fit.
		{"StringEquals", flag, []string{"true"}, []string{"true"}, Unknown},
		{"Bool", text, []string{"true"}, []string{"VpcOnly"}, Unknown},
		{"ArnLike", text, []string{"a"}, []string{"a"}, Unknown},
		{"StringEquals", Key{}, []string{"a"}, []string{"a"}, Unknown},
		{"NumericEquals", Key{Type: Numeric}, []string{"1"}, []string{"1"}, Unknown},
		// "Do not use condition set operators with single-valued context keys": they do the
		// same as with a list of one.
		{"ForAnyValue:StringEquals", text, []string{"a"}, []string{"a"}, Yes},
		{"ForAllValues:Bool", flag, []string{"true"}, []string{"false"}, No},
	} {
		o, ok := Parse(c.operator)
		if !ok {
			t.Errorf("%s is no operator", c.operator)
			continue
		}
		got, why := o.Eval(c.key, c.request, operands(c.policy...))
		if got != c.want {
			t.Errorf("%s %q of %q (%+v): %s, want %s", c.operator, c.policy, c.request, c.key, got, c.want)
		}
		if (got == Unknown) != (why != "") {
			t.Errorf("%s %q of %q: %s, because %q", c.operator, c.policy, c.request, got, why)
		}
	}
}

// TestOpen: a value that is not known decides only where the others do not.
func TestOpen(t *testing.T) {
	for _, c := range []struct {
		operator string
		policy   []Operand
		request  []string
		want     Truth
	}{
		{"StringEquals", []Operand{{Text: "a"}, {Open: true}}, []string{"a"}, Yes},
		{"StringEquals", []Operand{{Text: "a"}, {Open: true}}, []string{"b"}, Unknown},
		{"StringNotEquals", []Operand{{Text: "a"}, {Open: true}}, []string{"a"}, No},
		{"StringNotEquals", []Operand{{Text: "a"}, {Open: true}}, []string{"b"}, Unknown},
		{"StringEquals", []Operand{{Open: true}}, nil, No},
		{"Null", []Operand{{Open: true}}, nil, Unknown},
	} {
		o, _ := Parse(c.operator)
		if got, _ := o.Eval(text, c.request, c.policy); got != c.want {
			t.Errorf("%s %v of %q: %s, want %s", c.operator, c.policy, c.request, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, want := range map[string]bool{
		"StringEquals": true, "ForAnyValue:StringLike": true, "ForAllValues:ArnNotLikeIfExists": true, "Null": true, "Bool": true,
		"NumericLessThanEqualsIfExists": true, "DateGreaterThan": true, "BinaryEquals": true, "IpAddress": true,
		"stringequals": false, "StringEqual": false, "ForAny:StringEquals": false, "NullIfExists": false, "ForAnyValue:Null": false,
		"": false, "IfExists": false, "ForAnyValue:": false, "ForAnyValue:ForAnyValue:StringEquals": false, "BoolIfExistsIfExists": false,
	} {
		o, ok := Parse(name)
		if ok != want || o.Name != name {
			t.Errorf("%q: %+v, %v, want %v", name, o, ok, want)
		}
	}
	for name, want := range map[string]bool{"StringNotLike": true, "NotIpAddress": true, "Null": false, "Bool": false} {
		if o, _ := Parse(name); o.Negated() != want {
			t.Errorf("%s is negated: %v", name, o.Negated())
		}
	}
	for name, want := range map[string]bool{"StringLike": true, "ArnEquals": true, "Bool": true, "NumericEquals": false, "Null": false, "IpAddress": false} {
		if o, _ := Parse(name); o.Variables() != want {
			t.Errorf("%s takes variables: %v", name, o.Variables())
		}
	}
	if o, _ := Parse("Null"); !o.Fits(Bool) || !o.Fits("") {
		t.Error("Null does not fit every key")
	}
}

func TestTruth(t *testing.T) {
	all := []Truth{No, Unknown, Yes} // in this order AND is the least, OR the greatest
	for i, a := range all {
		for j, b := range all {
			if And(a, b) != all[min(i, j)] || Or(a, b) != all[max(i, j)] {
				t.Errorf("%s and %s: and %s, or %s", a, b, And(a, b), Or(a, b))
			}
		}
	}
	if Yes.String()+No.String()+Unknown.String() != "yesnounknown" {
		t.Error("answers are not named")
	}
}

// pattern draws texts of few letters, so that they meet often.
func pattern(wild bool) *rapid.Generator[string] {
	letters := []string{"a", "b", "é"}
	if wild {
		letters = append(letters, "*", "?", "${*}", "${?}")
	}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(letters), 0, 6).Draw(t, "letters"), "")
	})
}

// slowLike is Like by its definition.
func slowLike(p []token, v []rune) bool {
	switch {
	case len(p) == 0:
		return len(v) == 0
	case p[0].many:
		return slowLike(p[1:], v) || len(v) > 0 && slowLike(p, v[1:])
	default:
		return len(v) > 0 && (p[0].any || p[0].char == v[0]) && slowLike(p[1:], v[1:])
	}
}

func TestLike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, v := pattern(true).Draw(t, "pattern"), pattern(false).Draw(t, "value")
		if got, want := Like(p, v), slowLike(tokens(p), []rune(v)); got != want {
			t.Fatalf("%q like %q: %v, want %v", v, p, got, want)
		}
		if e := Example(p); !Like(p, e) {
			t.Fatalf("%q is no example of %q", e, p)
		}
		if Literal(p) && !Overlap(p, p) {
			t.Fatalf("%q does not meet itself", p)
		}
	})
	if Like("a\xffb", "a\xffb") != true || Like("*\xff", "x") {
		t.Error("bytes that are no characters are not compared")
	}
}

// TestOverlap: two patterns meet if and only if some text matches both. Texts
// longer than both patterns together match no better than shorter ones.
func TestOverlap(t *testing.T) {
	var all []string
	var grow func(s string, n int)
	grow = func(s string, n int) {
		all = append(all, s)
		if n > 0 {
			for _, c := range "ab*?" {
				grow(s+string(c), n-1)
			}
		}
	}
	grow("", 3)
	var texts []string
	for n := range 7 {
		for i := range 1 << n {
			text := make([]byte, n)
			for j := range text {
				text[j] = "ab"[i>>j&1]
			}
			texts = append(texts, string(text))
		}
	}
	for _, a := range all {
		for _, b := range all {
			want := false
			for _, v := range texts {
				if want = Like(a, v) && Like(b, v); want {
					break
				}
			}
			if got := Overlap(a, b); got != want {
				t.Fatalf("%q and %q meet: %v, want %v", a, b, got, want)
			}
		}
	}
}
