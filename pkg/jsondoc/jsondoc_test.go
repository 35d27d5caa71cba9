package jsondoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var free = map[string]bool{"Environment": true}

func parse(t *testing.T, text string) Value {
	t.Helper()
	v, err := Parse([]byte(text), free)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return v
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1)
	many := func(last string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"name%d":1,`, i)
		}
		return "{" + b.String() + last + "}"
	}
	for name, c := range map[string]struct{ text, path, reason string }{
		"duplicate":              {`{"a":{"vpcConfig":1,"vpcConfig":null}}`, "a.vpcConfig", "duplicate"},
		"case variant":           {`{"vpcConfig":{},"VPCCONFIG":null}`, "", `"vpcConfig" and "VPCCONFIG" differ only by case`},
		"first letter":           {`{"a":[{"enableNetworkIsolation":true,"EnableNetworkIsolation":false}]}`, "a[0]", "differ only by case"},
		"case variant of many":   {many(`"NAME7":2`), "", `"name7" and "NAME7" differ only by case`},
		"duplicate in free form": {`{"environment":{"A":"1","A":"2"}}`, "environment.A", "duplicate"},
		"below free form":        {`{"environment":{"A":{"b":1,"B":2}}}`, "environment.A", "differ only by case"},
		"too deep":               {deep, "", "nested more than 100 deep"},
		"too long":               {`"` + strings.Repeat("x", MaxBytes) + `"`, "", "longer than 1048576 bytes"},
		"cut":                    {`{"a":[1,`, "", "the document ends in the middle"},
		"cut in a string":        {`{"a":"x`, "a", "the document ends in the middle"},
		"empty":                  {``, "", "the document ends in the middle"},
		"followed":               {`{} {}`, "", "something follows"},
		"trailing comma":         {`{"a":1,}`, "", "invalid"},
		"no JSON":                {`hello`, "", "invalid"},
		"bad UTF-8":              {"\"\xff\"", "", "UTF-8"},
		"bad escape":             {`"\x"`, "", "escape"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := Parse([]byte(c.text), free)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, %v, want an *Error", v.Kind(), err)
			}
			if !strings.Contains(e.Reason, c.reason) || c.path != "" && e.Path != c.path && !strings.HasPrefix(e.Path, c.path) {
				t.Errorf("got %q at %q, want %q at %q", e.Reason, e.Path, c.reason, c.path)
			}
			if e.Offset < 0 || e.Offset > int64(len(c.text)) {
				t.Errorf("offset %d is outside the document", e.Offset)
			}
			if !strings.Contains(err.Error(), e.Reason) || !strings.Contains(err.Error(), fmt.Sprint("byte ", e.Offset)) {
				t.Errorf("the message %q does not tell what and where", err)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	v := parse(t, ` {"Environment":{"a":"1","A":"2"},"n":-1.5e3,"t":true,"f":false,"z":null,"s":"x\u00e9\n","l":[1,"2",[]],"e":""} `)
	if got := v.At("environment.A").Str(); got != "2" {
		t.Errorf("a variable of a free form map is %q", got)
	}
	if lit, ok := v.Get("n").Literal(); !ok || lit != "-1.5e3" {
		t.Errorf("number is %q, %v", lit, ok)
	}
	if b, ok := v.Get("T").Bool(); !ok || !b {
		t.Error("T is not true")
	}
	if b, ok := v.Get("f").Bool(); !ok || b {
		t.Error("f is not false")
	}
	if s, ok := v.Get("s").Text(); !ok || s != "xé\n" {
		t.Errorf("s is %q", s)
	}
	if l := v.Get("l"); l.Kind() != Array || l.Len() != 3 || l.Members()[1].Value.Str() != "2" || l.Members()[2].Value.Kind() != Array {
		t.Errorf("l is %+v", l)
	}
	if _, err := Parse([]byte(strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth)), nil); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
}

// TestGet: absent, empty and not known are three things.
func TestGet(t *testing.T) {
	for name, c := range map[string]struct {
		text, path string
		kind       Kind
		why        string
	}{
		"there":                       {`{"vpcConfig":{}}`, "VpcConfig", Object, ""},
		"first letter, the other way": {`{"VpcConfig":{}}`, "vpcConfig", Object, ""},
		"absent":                      {`{}`, "VpcConfig", Absent, ""},
		"null":                        {`{"vpcConfig":null}`, "VpcConfig", Null, ""},
		"below null":                  {`{"vpcConfig":null}`, "VpcConfig.Subnets", Absent, ""},
		"below absent":                {`{}`, "A.B.C", Absent, ""},
		"below empty string":          {`{"a":""}`, "A.B", Absent, ""},
		"below empty list":            {`{"a":[]}`, "A.B", Absent, ""},
		"below a string":              {`{"a":"x"}`, "A.B", Unknown, "found a string where an object was expected"},
		"below a list":                {`{"a":[1]}`, "A.B", Unknown, "found a list where an object was expected"},
		"below a number":              {`{"a":0}`, "A.B", Unknown, "found a number where an object was expected"},
		"below false":                 {`{"a":false}`, "A.B", Unknown, "found true or false where an object was expected"},
		"hidden":                      {`{"a":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, "A", Unknown, "hid"},
		"below hidden":                {`{"a":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, "A.B.C", Unknown, "hid"},
		"omitted":                     {`{"a":{"omitted":true,"originalSize":100001}}`, "A.B", Unknown, "omitted"},
		"not omitted":                 {`{"a":{"omitted":false}}`, "A.B", Absent, ""},
		"omitted is a string":         {`{"a":{"omitted":"true"}}`, "A.B", Absent, ""},
		"spelled in capitals":         {`{"VPCCONFIG":{}}`, "VpcConfig", Unknown, `"VPCCONFIG" is not spelled as AWS spells it`},
		"spelled small":               {`{"vpcconfig":null}`, "VpcConfig", Unknown, "not spelled"},
		"longer":                      {`{"vpcConfigs":{}}`, "VpcConfig", Absent, ""},
		"another first letter":        {`{"xpcConfig":{}}`, "VpcConfig", Absent, ""},
		"no letter first":             {`{"@type":1}`, "`type", Absent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := parse(t, c.text).At(c.path)
			if v.Kind() != c.kind || !strings.Contains(v.Why(), c.why) || c.why == "" && v.Why() != "" {
				t.Errorf("%s of %s is %s (%q), want %s (%q)", c.path, c.text, v.Kind(), v.Why(), c.kind, c.why)
			}
		})
	}
	hidden := parse(t, `"HIDDEN_DUE_TO_SECURITY_REASONS"`)
	if got := hidden.Get("a"); got.Kind() != Unknown || !strings.Contains(got.Why(), "hid") {
		t.Errorf("a member of a hidden document is %s (%q)", got.Kind(), got.Why())
	}
}

func TestEmpty(t *testing.T) {
	for text, want := range map[string]bool{`{}`: true, `[]`: true, `""`: true, `null`: true, `0`: false, `false`: false, `[null]`: false, `{"a":null}`: false, `" "`: false} {
		if got := parse(t, text).Empty(); got != want {
			t.Errorf("%s is empty: %v", text, got)
		}
	}
	if !(Value{}).Empty() || Unresolved("why").Empty() {
		t.Error("absent must be empty, unknown must not")
	}
}

func TestOverlay(t *testing.T) {
	for name, c := range map[string]struct{ base, update, want string }{
		"adds":             {`{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		"replaces":         {`{"a":1}`, `{"a":2}`, `{"a":2}`},
		"by either case":   {`{"VpcId":"vpc-1"}`, `{"vpcId":"vpc-2"}`, `{"vpcId":"vpc-2"}`},
		"merges objects":   {`{"s":{"a":1,"b":2}}`, `{"s":{"b":3}}`, `{"s":{"a":1,"b":3}}`},
		"empty is unnamed": {`{"a":1,"l":[1],"s":{"x":1}}`, `{"a":null,"l":[],"s":{}}`, `{"a":1,"l":[1],"s":{"x":1}}`},
		"lists whole":      {`{"l":[1,2]}`, `{"l":[3]}`, `{"l":[3]}`},
		"over empty":       {`{"s":{}}`, `{"s":{"a":1}}`, `{"s":{"a":1}}`},
		"other type":       {`{"s":{"a":1}}`, `{"s":"x"}`, `{"s":"x"}`},
		"false counts":     {`{"a":true}`, `{"a":false}`, `{"a":false}`},
	} {
		if got := Overlay(parse(t, c.base), parse(t, c.update)); !Equal(got, parse(t, c.want)) {
			t.Errorf("%s: %s over %s is not %s", name, c.update, c.base, c.want)
		}
	}
	got := Overlay(parse(t, `{"kept":{"x":[1]},"both":{"old":1}}`), parse(t, `{"both":{"new":2},"added":3}`))
	for path, want := range map[string]bool{"kept": true, "kept.x": true, "both": false, "both.old": true, "both.new": false, "added": false} {
		if v := got.At(path); v.Inherited() != want {
			t.Errorf("%s is inherited: %v", path, v.Inherited())
		}
	}
	if v := Overlay(parse(t, `"HIDDEN_DUE_TO_SECURITY_REASONS"`), parse(t, `{"a":1}`)); v.Kind() != Unknown {
		t.Errorf("an update of what cannot be read is %s, want unknown", v.Kind())
	}
	if v := Overlay(parse(t, `{"a":1}`), Unresolved("why")); v.Kind() != Unknown {
		t.Errorf("an unknown update leaves %s, want unknown", v.Kind())
	}
}

func TestWith(t *testing.T) {
	v := parse(t, `{"a":1,"B":2}`).With("b", OfString("x")).With("c", OfBool(true))
	if !Equal(v, parse(t, `{"a":1,"b":"x","c":true}`)) {
		t.Errorf("With made %+v", v)
	}
}

func TestMade(t *testing.T) {
	v := OfObject(Member{"a", OfArray(OfString("x"), OfNumber("1"), OfBool(false))})
	if !Equal(v, parse(t, `{"a":["x",1,false]}`)) {
		t.Errorf("made %+v", v)
	}
	for _, other := range []string{`{"a":["x",1,true]}`, `{"a":["x",1]}`, `{"b":["x",1,false]}`, `{"a":["x",2,false]}`, `{"a":"x"}`} {
		if Equal(v, parse(t, other)) {
			t.Errorf("equal to %s", other)
		}
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := Absent; k <= Unknown; k++ {
		if s := k.String(); s == "?" || seen[s] {
			t.Errorf("kind %d is called %q", k, s)
		} else {
			seen[s] = true
		}
	}
	if Kind(200).String() != "?" {
		t.Error("a kind that is none has a name")
	}
}

// TestLinear: neither many members nor many levels take more than linear time.
func TestLinear(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for i := range 60_000 {
		fmt.Fprintf(&b, `"%012x":0,`, i)
	}
	b.WriteString(`"z":0}`)
	began := time.Now()
	if _, err := Parse([]byte(b.String()), nil); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("%d members took %v", 60_000, d)
	}
}

// FuzzParse: what is accepted is what encoding/json accepts, and has the same
// content; what is refused has a place.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null,true,{"b":{}}]}`, `{"a":1,"A":2}`, `{"environment":{"a":1,"A":2}}`, `[[[[]]]]`, `"\ud800"`, `{"a":1}{`, "{\"K\":1,\"\u212a\":2}", `-0`, `1e999`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, free)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason == "" || e.Offset < 0 || e.Offset > int64(len(data)) {
				t.Fatalf("error %#v has no reason or place", err)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if !sameAs(v, want) {
			t.Fatalf("read %+v, encoding/json reads %v", v, want)
		}
	})
}

func sameAs(v Value, want any) bool {
	switch w := want.(type) {
	case nil:
		return v.Kind() == Null
	case bool:
		b, ok := v.Bool()
		return ok && b == w
	case json.Number:
		lit, ok := v.Literal()
		return ok && lit == w.String()
	case string:
		s, ok := v.Text()
		return ok && s == w
	case []any:
		if v.Kind() != Array || v.Len() != len(w) {
			return false
		}
		for i, m := range v.Members() {
			if !sameAs(m.Value, w[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if v.Kind() != Object || v.Len() != len(w) {
			return false
		}
		for _, m := range v.Members() {
			if o, ok := w[m.Name]; !ok || !sameAs(m.Value, o) {
				return false
			}
		}
		return true
	}
	return false
}
