package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// found is a Record that may be kept.
type found struct {
	Offset int64
	Data   string
}

// truth is what a scan must find in a text, worked out slowly by encoding/json.
type truth struct {
	valid   bool // every document of the text is valid JSON
	log     bool
	beside  bool // a member stands beside Records
	records []found
	nobodys []found // elements that are no record of CloudTrail
	ends    []int64 // of records
	faults  []int64 // offsets of the elements that break a limit and so may be skipped
	longest int     // element of Records, or other member of a document
}

func oracle(text []byte, maxRecord int) truth {
	var t truth
	documents := json.NewDecoder(bytes.NewReader(text))
	for first := true; ; first = false {
		var document json.RawMessage
		err := documents.Decode(&document)
		if err != nil {
			t.valid = err == io.EOF && !first
			return t
		}
		if document[0] != '{' {
			return t
		}
		t.document(document, documents.InputOffset()-int64(len(document)), maxRecord)
		if !t.log {
			t.valid = true
			return t
		}
	}
}

func (t *truth) document(document []byte, base int64, maxRecord int) {
	d := json.NewDecoder(bytes.NewReader(document))
	must(d.Token())
	for d.More() {
		key := must(d.Token())
		var v json.RawMessage
		check(d.Decode(&v))
		start := base + d.InputOffset() - int64(len(v))
		if key != "Records" || v[0] != '[' {
			t.beside = true
			t.longest = max(t.longest, len(v))
			continue
		}
		t.log = true
		elements := json.NewDecoder(bytes.NewReader(v))
		must(elements.Token())
		for elements.More() {
			var e json.RawMessage
			check(elements.Decode(&e))
			t.longest = max(t.longest, len(e))
			at := start + elements.InputOffset() - int64(len(e))
			switch {
			case len(e) > maxRecord:
				t.faults = append(t.faults, at)
			case others(e):
			case levels(e) > MaxDepth:
				t.faults = append(t.faults, at)
			case !sageMaker(e):
				t.nobodys = append(t.nobodys, found{at, string(e)})
			default:
				t.records = append(t.records, found{at, string(e)})
				t.ends = append(t.ends, at+int64(len(e)))
			}
		}
	}
}

// sources are the event sources of an element.
func sources(element []byte) (all []any) {
	if element[0] != '{' {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(element))
	d.UseNumber() // numbers may be larger than any type
	must(d.Token())
	for d.More() {
		key := must(d.Token())
		var v any
		check(d.Decode(&v))
		if key == "eventSource" || key == "EventSource" {
			all = append(all, v)
		}
	}
	return all
}

func sageMaker(element []byte) bool {
	return slices.Contains(sources(element), any("sagemaker.amazonaws.com"))
}

// others says whether an element is the record of another service.
func others(element []byte) bool {
	isString := func(v any) bool { _, ok := v.(string); return ok }
	return slices.ContainsFunc(sources(element), isString) && !sageMaker(element)
}

// sortOut splits what a scan found into the records of SageMaker and the elements that are nobody's records.
func sortOut(all []found) (records, nobodys []found) {
	for _, r := range all {
		if sageMaker([]byte(r.Data)) {
			records = append(records, r)
		} else {
			nobodys = append(nobodys, r)
		}
	}
	return records, nobodys
}

// faults are the errors of a scan that say where.
func faults(err error) (all []*Error) {
	switch e := err.(type) {
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			all = append(all, faults(err)...)
		}
	}
	return all
}

func levels(text []byte) int {
	d := json.NewDecoder(bytes.NewReader(text))
	level, deepest := 0, 0
	for {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// nasty writes logs that look like what they are not.
type nasty struct {
	*rand.Rand
	b      strings.Builder
	spaces bool
	long   int // length at which a record is too long
	calm   int // how many harmless records there are for one that is not
}

// log returns a log of about n records.
func (g *nasty) log(n int) string {
	g.b.Reset()
	g.spaces = g.IntN(4) == 0
	compact := !g.spaces && g.IntN(4) > 0
	g.put("{")
	if !compact && g.IntN(2) == 0 {
		g.member("before")
		g.put(",")
	}
	g.put(`"Records"`, ":", "[")
	for i := range n {
		if i > 0 {
			g.put(",")
		}
		if !compact && g.IntN(20) == 0 {
			g.value(2)
			continue
		}
		if g.IntN(g.calm+1) > 0 {
			g.put("{", `"eventVersion"`, ":", `"1.11"`, ",", `"eventSource"`, ":", `"s3.amazonaws.com"`, ",", `"a"`, ":")
			g.put(g.pick(`"sagemaker.amazonaws.com"`, `""`, `[{"eventVersion":[]}]`, `[1,{"eventVersion":1},{"eventVersion":1}]`, "7"), "}")
			continue
		}
		g.record(compact)
	}
	g.put("]")
	for !compact && g.IntN(2) == 0 {
		g.put(",")
		g.member("after")
	}
	g.put("}")
	return g.b.String()
}

func (g *nasty) put(tokens ...string) {
	for _, t := range tokens {
		g.b.WriteString(t)
		for g.spaces && g.IntN(3) == 0 {
			g.b.WriteByte(" \n\t\r"[g.IntN(4)])
		}
	}
}

func (g *nasty) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g *nasty) member(key string) {
	g.put(`"`+key+`"`, ":")
	g.value(2)
}

// record writes a record, or what tries to pass for one.
func (g *nasty) record(compact bool) {
	members := []func(){
		func() { g.put(`"eventTime"`, ":", `"2026-01-02T03:04:05Z"`) },
		func() { g.put(g.keyOfSource(), ":", g.source()) },
		func() { g.put(`"eventName"`, ":", `"CreateTrainingJob"`) },
	}
	for _, key := range []string{"userAgent", "requestParameters", "k", "responseElements"}[:g.IntN(5)] {
		members = append(members, func() { g.member(key) })
	}
	if g.IntN(30) == 0 {
		members = append(members, func() { g.put(`"long"`, ":", `"`+strings.Repeat("x", g.long)+`"`) })
	}
	if g.IntN(30) == 0 {
		members = append(members, members[1])
	}
	version := func() { g.put(`"eventVersion"`, ":", `"1.11"`) }
	switch {
	case compact || g.IntN(3) > 0:
		g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		members = append([]func(){version}, members...)
	default:
		members = append(members, version)
		g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	g.put("{")
	for i, m := range members {
		if i > 0 {
			g.put(",")
		}
		m()
	}
	g.put("}")
}

func (g *nasty) keyOfSource() string {
	if g.IntN(40) > 0 {
		return `"eventSource"`
	}
	return g.pick(`"event\u0053ource"`, `"EventSource"`, `"x\"eventSource"`, `"\u0065ventSource"`)
}

func (g *nasty) source() string {
	if g.IntN(6) > 0 {
		return g.pick(`"ec2.amazonaws.com"`, `"s3.amazonaws.com"`, `"kms.amazonaws.com"`)
	}
	return g.pick(`"sagemaker.amazonaws.com"`, `"sagemaker.amazonaws.com"`, `"sagemaker.amazonaws.com"`,
		`"sagemaker\u002eamazonaws.com"`, `"sagemaker\u002Eamazonaws.com"`, `"\u0073agema\u006Ber.amazonaws.com"`,
		`"sagemaker.amazonaws.com "`, `"sagemaker-runtime.amazonaws.com"`, `"\\sagemaker.amazonaws.com"`,
		`"\"sagemaker.amazonaws.com"`, `null`, `["sagemaker.amazonaws.com"]`, `{"a":"sagemaker.amazonaws.com"}`, `7`)
}

const whole = `{"eventVersion":"1.11","eventTime":"t","eventSource":"sagemaker.amazonaws.com","eventName":"CreateModel"}`

// value writes any value.
func (g *nasty) value(depth int) {
	switch n := g.IntN(14); {
	case n < 3:
		g.put(g.pick("null", "true", "false", "0", "-1.5e+7", "12"))
	case n < 5:
		g.put(g.pick(`""`, `"\\"`, `"\""`, `"\\\""`, `"\\\\"`, `"a\\"`, `"{[\"}]"`, `"}]}"`, `"é \ud83d\ude00 日本"`,
			`"\u003d\u0026"`, `"\\u0073"`, `"kkkkkkkk"`, `",{\"eventVersion\":"`, `"`+strings.Repeat("z", g.IntN(40))+`"`))
	case n < 6:
		g.put(`"sagemaker.amazonaws.com"`)
	case n < 7:
		b := must(json.Marshal(`{"Records":[` + whole + "," + whole + "]}"))
		if g.IntN(2) == 0 {
			b = must(json.Marshal(string(b)))
		}
		g.put(string(b))
	case n < 8:
		g.put("[", g.pick("1,", ""), whole, ",", whole, ",", whole, "]")
	case n < 9:
		g.put(whole)
	case depth == 0:
		g.put("[", "]")
	case n < 11:
		g.put("[")
		g.value(depth - 1)
		for g.IntN(2) == 0 {
			g.put(",")
			g.value(depth - 1)
		}
		g.put("]")
	default:
		g.put("{")
		g.member(g.pick("a", "eventSource", "Records", "k\\\\"))
		for g.IntN(2) == 0 {
			g.put(",")
			g.member(fmt.Sprint("b", g.IntN(100)))
		}
		g.put("}")
	}
}
