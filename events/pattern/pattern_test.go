package pattern

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/chaos"
	"github.com/sagemoat/sagemoat/internal/oracle/eventruler"
)

func TestMatch(t *testing.T) {
	var pairs []eventruler.Pair
	var want []bool
	for _, c := range []struct {
		pattern, event string
		want           bool
	}{
		{`{"a":["x"]}`, `{"a":"x","b":1}`, true},
		{`{"a":["x"]}`, `{"a":"X"}`, false},
		{`{"a":["x"]}`, `{"a":["y","x"]}`, true},
		{`{"a":["x"]}`, `{"a":[["y",["x"]]]}`, true},
		{`{"a":["x"]}`, `{"a":{"x":"x"}}`, false},
		{`{"a":["x"],"b":["y"]}`, `{"a":"x"}`, false},
		{`{"a":["true"]}`, `{"a":true}`, false},
		{`{"a":[true]}`, `{"a":true}`, true},
		{`{"a":[true]}`, `{"a":"true"}`, false},
		{`{"a":[false,null]}`, `{"a":null}`, true},
		{`{"a":[null]}`, `{}`, false},
		{`{"a":{"b":["x"]}}`, `{"a":{"b":"x"}}`, true},
		{`{"a":{"b":["x"]}}`, `{"a.b":"x"}`, true},
		{`{"a.b":["x"]}`, `{"a":{"b":"x"}}`, true},
		{`{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x"},{"b":"z","c":"y"}]}`, false},
		{`{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"z"},{"b":"x","c":"y"}]}`, true},
		{`{"a":{"b":["x"],"c":[{"exists":false}]}}`, `{"a":[{"b":"x","c":"y"},{"b":"x"}]}`, true},
		{`{"a":{"b":["x"],"c":[{"exists":false}]}}`, `{"a":[{"b":"x","c":"y"},{"b":"z"}]}`, false},
		{`{"a":["x"]}`, `{"a":"y","a":"x"}`, true},
		{`{"a":["x"]}`, `{"a":"x","a":"y"}`, true},
		{`{"a":[{"exists":true}]}`, `{"a":0}`, true},
		{`{"a":[{"exists":true}]}`, `{"a":[]}`, false},
		{`{"a":[{"exists":false}]}`, `{"a":{}}`, true},
		{`{"a":[{"exists":false}]}`, `{"a":null}`, false},
		{`{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, true},
		{`{"a":[{"exists":false},"x"]}`, `{"a":"y"}`, false},
		{`{"a":[{"exists":false}],"b":[{"exists":false}]}`, `{"c":1}`, true},
		{`{"a":[{"prefix":"x"}]}`, `{"a":"xy"}`, true},
		{`{"a":[{"prefix":"x"}]}`, `{"a":"yx"}`, false},
		{`{"a":[{"prefix":""}]}`, `{"a":1}`, false},
		{`{"a":[{"suffix":"x"}]}`, `{"a":"yx"}`, true},
		{`{"a":[{"wildcard":"x*y*z"}]}`, `{"a":"xayayz"}`, true},
		{`{"a":[{"wildcard":"x*yy*z"}]}`, `{"a":"xyz"}`, false},
		{`{"a":[{"wildcard":"xy*yz"}]}`, `{"a":"xyz"}`, false},
		{`{"a":[{"wildcard":"*"}]}`, `{"a":""}`, true},
		{`{"a":[{"wildcard":"*"}]}`, `{"a":1}`, false},
		{`{"a":[{"wildcard":"xy"}]}`, `{"a":"xy"}`, true},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":"x"}`, false},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, true},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":7}`, true},
		{`{"a":[{"anything-but":"x"}]}`, `{}`, false},
		{`{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`, false},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":"xy"}`, false},
		{`{"a":[{"anything-but":{"suffix":["x","y"]}}]}`, `{"a":"xy"}`, false},
		{`{"a":[{"anything-but":{"wildcard":"x*"}}]}`, `{"a":"y"}`, true},
	} {
		p, err := Compile([]byte(c.pattern))
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.Match([]byte(c.event)); got != c.want {
			t.Errorf("%s of %s: %v, want %v", c.pattern, c.event, got, c.want)
		}
		pairs, want = append(pairs, eventruler.Pair{Pattern: c.pattern, Event: c.event}), append(want, c.want)
	}
	agree(t, pairs, want)
}

// agree asks event-ruler whether it would say the same.
func agree(t *testing.T, pairs []eventruler.Pair, want []bool) {
	t.Helper()
	answers, err := eventruler.Ask(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i, a := range answers {
		if a.Match == want[i] && a.Refused == "" {
			continue
		}
		if differ++; differ <= 10 {
			t.Errorf("%s\nof %s\nwe say %v, event-ruler %v %s", pairs[i].Pattern, pairs[i].Event, want[i], a.Match, a.Refused)
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d differ", differ, len(pairs))
	}
}

// TestRefused: what event-ruler refuses we refuse. What we refuse alone is
// marked, and is what the package's documentation says.
func TestRefused(t *testing.T) {
	var pairs []eventruler.Pair
	var alone []bool
	for _, c := range []struct {
		pattern, why string
		alone        bool
	}{
		{``, "not JSON", false},
		{`{"a":["x"]`, "not JSON", false},
		{`["a"]`, "no object", false},
		{`{}`, "empty object", false},
		{`{"a":{}}`, `"a" is an empty object`, false},
		{`{"a":[]}`, "empty array", false},
		{`{"a":"x"}`, `"a" must be an object or an array`, false},
		{`{"a":null}`, "must be an object or an array", false},
		{`{"a":{"b":1}}`, `"a.b" must be`, false},
		{`{"a":[["x"]]}`, "not supported", false},
		{`{"a":[{}]}`, "0 members", false},
		{`{"a":[{"prefix":"x","suffix":"y"}]}`, "2 members", false},
		{`{"a":[{"prefix":1}]}`, "want an operator and a string", false},
		{`{"a":[{"prefix":{"suffix":"x"}}]}`, "not supported", false},
		{`{"a":[{"suffix":null}]}`, "not supported", false},
		{`{"a":[{"wildcard":"x**"}]}`, "two asterisks", false},
		{`{"a":[{"wildcard":"x\\y"}]}`, "backslash", false},
		{`{"a":[{"exists":"yes"}]}`, "not supported", false},
		{`{"a":[{"regex":"x"}]}`, `"regex" is not supported`, false},
		{`{"a":[{"anything-but":[]}]}`, "empty array", false},
		{`{"a":[{"anything-but":{}}]}`, "0 members", false},
		{`{"a":[{"anything-but":null}]}`, "not supported", false},
		{`{"a":[{"anything-but":["x",1]}]}`, "not supported", false},
		{`{"a":[{"anything-but":{"prefix":""}}]}`, "empty prefix", false},
		{`{"a":[{"anything-but":{"suffix":["x",""]}}]}`, "empty suffix", false},
		{`{"a":[{"anything-but":{"exists":true}}]}`, "not supported", false},
		{`{"a":["x"]} {}`, "not JSON", true},
		{`{"a":["x"],"a":["y"]}`, "twice", true},
		{`{"a.b":["x"],"a":{"b":["y"]}}`, `"a.b" is matched twice`, true},
		{`{"":["x"]}`, `named "" is not supported`, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `named "$or" is not supported`, true},
		{`{"a":[1]}`, "1 is not supported", true},
		{`{"a":["10.0.0.1"]}`, "IP address", true},
		{`{"a":["010.0.0.1"]}`, "IP address", true},
		{`{"a":["::1"]}`, "IP address", true},
		{`{"a":[{"cidr":"10.0.0.0/8"}]}`, `"cidr" is not supported`, true},
		{`{"a":[{"numeric":[">",1]}]}`, "not supported", true},
		{`{"a":[{"exactly":"x"}]}`, `"exactly" is not supported`, true},
		{`{"a":[{"anything-but":1}]}`, "not supported", true},
		{`{"a":[{"equals-ignore-case":"x"}]}`, `"equals-ignore-case" is not supported`, true},
		{`{"a":[{"prefix":{"equals-ignore-case":"x"}}]}`, "want an operator and a string", true},
		{`{"a":[{"anything-but":{"equals-ignore-case":"x"}}]}`, `"equals-ignore-case" is not supported`, true},
		{`{"a":[{"suffix":"\""}]}`, "quotation mark", true},
		{`{"a":[{"wildcard":"\\*"}]}`, "backslash", true},
		{`{"a":["` + strings.Repeat("x", MaxSize) + `"]}`, "EventBridge takes 2048", true},
	} {
		if _, err := Compile([]byte(c.pattern)); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.80s: error %v, want %q", c.pattern, err, c.why)
		}
		pairs, alone = append(pairs, eventruler.Pair{Pattern: c.pattern, Event: `{}`}), append(alone, c.alone)
	}
	answers, err := eventruler.Ask(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if (a.Refused == "") != alone[i] {
			t.Errorf("%.80s: event-ruler says %q; do we refuse it alone? %v", pairs[i].Pattern, a.Refused, alone[i])
		}
	}
}

func TestMatchBounds(t *testing.T) {
	p, err := Compile([]byte(`{"a":{"x":["1"]},"b":{"x":["1"]},"c":{"x":["1"]},"d":{"x":["2"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	list := "[" + strings.Repeat(`{"x":"1"},`, 150) + `{"x":"1"}]`
	for name, event := range map[string]string{
		"nothing":            ``,
		"no object":          `["x"]`,
		"half an event":      `{"a":{"x":"1"`,
		"half a name":        `{"a`,
		"half an array":      `{"a":[1`,
		"two events":         `{} {}`,
		"not UTF-8":          "{\"a\":\"\xff\"}",
		"too deep":           strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000),
		"too large":          `{"a":{"x":"1"},"b":{"x":"1"},"c":{"x":"1"},"d":{"x":"2"},"e":"` + strings.Repeat("x", maxEvent) + `"}`,
		"too many ways":      `{"a":` + list + `,"b":` + list + `,"c":` + list + `,"d":{"x":"3"}}`,
		"none of the values": `{"a":{"x":"1"},"b":{"x":"1"},"c":{"x":"1"},"d":{"x":"1"}}`,
	} {
		if p.Match([]byte(event)) {
			t.Errorf("%s: matches", name)
		}
	}
	if !p.Match([]byte(`{"a":` + list + `,"b":` + list + `,"c":` + list + `,"d":{"x":"2"}}`)) {
		t.Error("many ways to match, and it does not")
	}
}

// dice writes patterns and events of few names and values, so that they meet.
type dice struct{ *rand.Rand }

func pick[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

func (d dice) name() string { return pick(d, "a", "b", "c", "d", "a.b") }

func (d dice) text() string {
	return pick(d, "", "a", "ab", "aB", "AB", "abc", "b", "ba", "bab", "true", "null", "1", "N", "K", "\u212a", "é", `a"b`, `"a"`, `a\b`, "*", "a*b", "\U0001f600")
}

func (d dice) value(deep int) any {
	switch n := d.IntN(10); {
	case deep > 0 && n < 2:
		return d.event(deep - 1)
	case deep > 0 && n < 5:
		list := make([]any, d.IntN(4))
		for i := range list {
			list[i] = d.value(deep - 1)
		}
		return list
	case n < 6:
		return pick[any](d, true, false, nil, json.Number("1"), json.Number("-0"), json.Number("1.50"), json.Number("1e2"))
	default:
		return d.text()
	}
}

func (d dice) event(deep int) map[string]any {
	out := map[string]any{}
	for range d.IntN(5) {
		out[d.name()] = d.value(deep)
	}
	return out
}

func (d dice) object(deep int) map[string]any {
	out := map[string]any{}
	for range 1 + d.IntN(3) {
		if deep > 0 && d.IntN(3) == 0 {
			out[d.name()] = d.object(deep - 1)
			continue
		}
		list := make([]any, 1+d.IntN(3))
		for i := range list {
			list[i] = d.leaf()
		}
		out[d.name()] = list
	}
	return out
}

func (d dice) leaf() any {
	op := func(name string, arg any) any { return map[string]any{name: arg} }
	one := func(name string) any {
		if name == "wildcard" {
			return pick(d, "*", "a*", "*b", "a*b", "a*b*", "*a*b*", "b*b", "ab", "", "é*", "*é")
		}
		return pick(d, "a", "b", "ab", "aB", "c", "é", "\U0001f600")
	}
	switch d.IntN(12) {
	case 0, 1, 2:
		return d.text()
	case 3:
		return pick[any](d, true, false, nil)
	case 4, 5:
		return op("exists", d.IntN(3) == 0)
	case 6:
		return op("prefix", pick[any](d, "", one("prefix")))
	case 7:
		return op("suffix", pick[any](d, "", one("suffix")))
	case 8, 9:
		return op("wildcard", one("wildcard"))
	case 10:
		return op("anything-but", pick[any](d, d.text(), []any{d.text()}, []any{d.text(), d.text(), d.text()}))
	default:
		name := pick(d, "prefix", "suffix", "wildcard")
		return op("anything-but", op(name, pick[any](d, one(name), []any{one(name)}, []any{one(name), one(name)})))
	}
}

// TestAgainstEventRuler compares pairs that were made up.
func TestAgainstEventRuler(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(2026, 11))}
	write := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var pairs []eventruler.Pair
	var ours []bool
	matches, twice := 0, 0
	for n := chaos.N(5_000, 100_000); len(pairs) < n; {
		pair := eventruler.Pair{Pattern: write(d.object(2)), Event: write(d.event(3))}
		p, err := Compile([]byte(pair.Pattern))
		if err != nil && strings.Contains(err.Error(), "is matched twice") {
			twice++
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", pair.Pattern, err)
		}
		match := p.Match([]byte(pair.Event))
		pairs, ours = append(pairs, pair), append(ours, match)
		if match {
			matches++
		}
	}
	agree(t, pairs, ours)
	t.Logf("%d pairs, of which %d match; %d patterns with one field twice left out", len(pairs), matches, twice)
	if matches < len(pairs)/20 {
		t.Errorf("only %d of %d match: too few to tell", matches, len(pairs))
	}
}

func FuzzPattern(f *testing.F) {
	d := dice{rand.New(rand.NewPCG(1, 1))}
	for range 20 {
		p, _ := json.Marshal(d.object(2))
		e, _ := json.Marshal(d.event(3))
		f.Add(p, e)
	}
	f.Fuzz(func(_ *testing.T, pattern, event []byte) {
		if p, err := Compile(pattern); err == nil {
			p.Match(event)
		}
	})
}

func ExamplePattern() {
	p, err := Compile([]byte(`{"source":["aws.sagemaker"],"detail":{"errorCode":[{"exists":false}]}}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Match([]byte(`{"source":"aws.sagemaker","detail":{"eventName":"CreateModel"}}`)))
	fmt.Println(p.Match([]byte(`{"source":"aws.sagemaker","detail":{"errorCode":"AccessDenied"}}`)))
	// Output:
	// true
	// false
}
