package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// scan collects what s finds in r.
func scan(s *Scanner, r io.Reader) ([]found, Stats, error) {
	var all []found
	stats, err := s.Scan(context.Background(), r, func(r Record) error {
		all = append(all, found{r.Offset, string(r.Data)})
		return nil
	})
	return all, stats, err
}

// zip compresses the parts, each into a member of its own.
func zip(parts ...string) []byte {
	var b bytes.Buffer
	for _, part := range parts {
		w := gzip.NewWriter(&b)
		must(io.WriteString(w, part))
		check(w.Close())
	}
	return b.Bytes()
}

// narrow returns limits at which even a short log is leapt through and does not fit into the buffer.
func narrow(r *rand.Rand) limits {
	const record = 1500
	return limits{
		buffer: record + 3 + r.IntN(5*record), record: record, proof: record, slack: r.IntN(800),
		ratio: MaxRatio, unchecked: 1 << 20,
	}
}

func TestScanAgreesWithEncodingJSON(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 500
	}
	random := rand.New(rand.NewPCG(1, 2))
	var leapt, read, records int64
	in, gunzip := bufio.NewReader(nil), NewGunzip()
	for i := range n {
		l := narrow(random)
		g := &nasty{Rand: random, long: l.record - 400 + random.IntN(600), calm: []int{0, 0, 5, 40}[random.IntN(4)]}
		text := g.log(random.IntN(20 + 2*g.calm))
		want := oracle([]byte(text), l.record)
		if !want.valid || !want.log {
			t.Fatalf("log %d is not valid: %s", i, text)
		}
		for _, s := range []*Scanner{{limits: l}, {limits: l, Exact: true}} {
			s.in, s.Gunzip = in, gunzip
			var in io.Reader = strings.NewReader(text)
			switch random.IntN(6) {
			case 0:
				in = iotest.OneByteReader(in)
			case 1:
				in = iotest.DataErrReader(in)
			case 2:
				in = bytes.NewReader(zip(text))
			}
			got, stats, err := scan(s, in)
			// What is leapt over is not checked, so some faults may go unseen.
			for _, fault := range faults(err) {
				if fault.Err != ErrMember && (fault.Err != ErrTooLong || !slices.Contains(want.faults, fault.Offset)) {
					t.Fatalf("log %d, %+v: %v\n%s", i, *s, err, text)
				}
			}
			if errors.Is(err, ErrMember) != want.beside {
				t.Fatalf("log %d, %+v: %v, want a member beside Records %v\n%s", i, *s, err, want.beside, text)
			}
			if s.Exact && stats.Skipped != int64(len(want.faults)) {
				t.Fatalf("log %d: skipped %d, want %d\n%s", i, stats.Skipped, len(want.faults), text)
			}
			found, nobodys := sortOut(got)
			if d := cmp.Diff(want.records, found); d != "" {
				t.Fatalf("log %d, limits %+v, exact %v (-want +got)\n%s\n%s", i, l, s.Exact, d, text)
			}
			if d := cmp.Diff(want.nobodys, nobodys); d != "" && (s.Exact || stats.Leapt == 0) {
				t.Fatalf("log %d, limits %+v, exact %v: nobody's (-want +got)\n%s\n%s", i, l, s.Exact, d, text)
			}
			if stats.Records != int64(len(got)) || stats.Bytes != int64(len(text)) {
				t.Fatalf("log %d: %+v for %d records of %d bytes", i, stats, len(got), len(text))
			}
			leapt += stats.Leapt
			read += stats.Bytes
			records += stats.Records
		}
	}
	t.Logf("%d records, %d of %d bytes leapt over", records, leapt, read)
	if leapt == 0 || records == 0 {
		t.Error("nothing was leapt over, or nothing found")
	}
}

// example is a log in which records 1 and 3 are SageMaker's.
func example() (text string, want []found) {
	record := func(id, source, agent string) string {
		return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"Root"},"eventTime":"2026-01-02T03:04:05Z","eventSource":%q,`+
			`"eventName":"CreateModel","userAgent":%q,"eventID":%q}`, source, agent, id)
	}
	records := []string{
		record("0", "sts.amazonaws.com", "sagemaker.amazonaws.com"),
		record("1", "sagemaker.amazonaws.com", "aws-cli"),
		record("2", "s3.amazonaws.com", whole),
		record("3", "sagemaker.amazonaws.com", `a\b"c`),
		record("4", "ec2.amazonaws.com", ""),
	}
	text = `{"Records":[` + strings.Join(records, ",") + `]}`
	for _, i := range []int{1, 3} {
		want = append(want, found{int64(strings.Index(text, records[i])), records[i]})
	}
	return text, want
}

// before returns those of records that end at or before offset.
func before(records []found, offset int) []found {
	var whole []found
	for _, r := range records {
		if int(r.Offset)+len(r.Data) <= offset {
			whole = append(whole, r)
		}
	}
	return whole
}

func TestTruncatedText(t *testing.T) {
	text, records := example()
	tight := limits{buffer: 700, record: 600, proof: 300, slack: 200, ratio: MaxRatio, unchecked: 1 << 20}
	for _, l := range []limits{defaults, tight} {
		for cut := range text {
			got, _, err := scan(&Scanner{limits: l}, strings.NewReader(text[:cut]))
			if cut == 0 {
				if err != ErrNotALog {
					t.Errorf("empty: %v", err)
				}
				continue
			}
			if want := (&Error{Offset: int64(cut), Err: io.ErrUnexpectedEOF}); !cmp.Equal(err, error(want), cmp.Comparer(sameError)) {
				t.Errorf("cut at %d: %v, want %v", cut, err, want)
			}
			if d := cmp.Diff(before(records, cut), got); d != "" {
				t.Errorf("cut at %d (-want +got)\n%s", cut, d)
			}
		}
	}
}

func sameError(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func TestTruncatedGzip(t *testing.T) {
	text, records := example()
	packed := zip(text[:500], text[500:])
	for cut := range packed {
		// What the bytes that are there decompress to.
		var part []byte
		if gz := NewGunzip(); gz.Reset(bytes.NewReader(packed[:cut])) == nil {
			part, _ = io.ReadAll(gz)
		}
		got, stats, err := scan(new(Scanner), bytes.NewReader(packed[:cut]))
		if d := cmp.Diff(before(records, len(part)), got); d != "" {
			t.Errorf("cut at %d (-want +got)\n%s", cut, d)
		}
		if cut < 2 {
			if err != ErrNotALog {
				t.Errorf("cut at %d: %v", cut, err)
			}
			continue
		}
		fault := new(Error)
		if !errors.As(err, &fault) || !errors.Is(err, io.ErrUnexpectedEOF) || fault.Offset != int64(len(part)) {
			t.Errorf("cut at %d, %d bytes of text: %v", cut, len(part), err)
		}
		if stats.Bytes != int64(len(part)) {
			t.Errorf("cut at %d: %+v", cut, stats)
		}
	}
}

func TestWhatIsRead(t *testing.T) {
	text, records := example()
	corrupt := zip(text)
	corrupt[len(corrupt)-8] ^= 1
	short := zip(text)
	short[len(short)-1] ^= 1
	twice := append(slices.Clone(records), records...)
	for i := range records {
		twice[len(records)+i].Offset += int64(len(text)) + 1
	}
	offset := int64(len(text))
	tests := []struct {
		name string
		in   []byte
		want []found
		err  error
	}{
		{"plain", []byte(text), records, nil},
		{"gzip", zip(text), records, nil},
		{"members", zip(text[:300], text[300:301], "", text[301:]), records, nil},
		{"new line", []byte(text + "\n"), records, nil},
		{"two logs", []byte(text + "\n" + text), twice, nil},
		{"two logs in members", zip(text+"\n", text), twice, nil},
		{"bad checksum", corrupt, records, &Error{offset, errors.New("gzip: invalid checksum")}},
		{"bad length", short, records, &Error{offset, errors.New("gzip: invalid checksum")}},
		{"garbage after gzip", append(zip(text), "garbage after it"...), records, &Error{offset, errors.New("gzip: invalid header")}},
		{"garbage after JSON", []byte(text + "x"), records, &Error{offset, ErrSyntax}},
		{"bad gzip header", []byte("\x1f\x8b\x07 and so on, long enough"), nil, &Error{0, errors.New("gzip: invalid header")}},
		{"no records", []byte(`{"Records":[]}`), nil, nil},
		{"another document after", []byte(`{"Records":[] } {}`), nil, &Error{16, ErrOther}},
		{"a log after", []byte(`{"Records":[] }{"Records":[` + whole + `]}`), []found{{27, whole}}, nil},
		{"keys around", []byte(`{"a":[{"eventVersion":1}],"b":-1,"Records":[` + whole + `],"c":"]}"}`), []found{{44, whole}}, &Error{1, ErrMember}},
		{"escaped key", []byte(`{"Record\u0073":[` + whole + `]}`), []found{{17, whole}}, nil},
		{"a list and none", []byte(`{"Records":[` + whole + `],"Records":{}}`), []found{{12, whole}}, &Error{int64(14 + len(whole)), ErrMember}},
		{"other elements", []byte(`{"Records":[1,"a",[` + whole + `],null,{}]}`), []found{{12, "1"}, {14, `"a"`}, {18, "[" + whole + "]"}, {int64(21 + len(whole)), "null"}, {int64(26 + len(whole)), "{}"}}, nil},
		{"an envelope", []byte(`{"Records":[{"detail":` + whole + `}]}`), []found{{12, `{"detail":` + whole + `}`}}, nil},
		{"an envelope with text", []byte(`{"Records":[{"body":"{\"eventSource\":\"sagemaker.amazonaws.com\"}"}]}`), []found{{12, `{"body":"{\"eventSource\":\"sagemaker.amazonaws.com\"}"}`}}, nil},
		{"a source with a capital", []byte(`{"Records":[{"EventSource":"sagemaker.amazonaws.com"},{"EventSource":"s3.amazonaws.com"}]}`), []found{{12, `{"EventSource":"sagemaker.amazonaws.com"}`}}, nil},
		{"two sources", []byte(`{"Records":[{"eventSource":"s3","EventSource":"sagemaker.amazonaws.com"},{"eventSource":"s3","EventSource":"s3"}]}`), []found{{12, `{"eventSource":"s3","EventSource":"sagemaker.amazonaws.com"}`}}, nil},
		{"a source that is no text", []byte(`{"Records":[{"eventSource":null},{"eventSource":{"a":1}}]}`), []found{{12, `{"eventSource":null}`}, {33, `{"eventSource":{"a":1}}`}}, nil},
		{"nobody's, and no JSON", []byte(`{"Records":[{"a"},nul]}`), nil, &Error{12, ErrSyntax}},
		{"empty", nil, nil, ErrNotALog},
		{"white space", []byte("\n"), nil, ErrNotALog},
		{"array", []byte("[" + whole + "]"), nil, ErrNotALog},
		{"bare record", []byte(whole), nil, ErrNotALog},
		{"lines", []byte(whole + "\n" + whole), nil, ErrNotALog},
		{"no array", []byte(`{"Records":null}`), nil, ErrNotALog},
		{"other case", []byte(`{"records":[` + whole + `]}`), nil, ErrNotALog},
		{"YAML", []byte("Records:\n- a"), nil, ErrNotALog},
		{"not JSON", []byte("{Records: []}"), nil, ErrNotALog},
		{"no key", []byte(`{"Records":[],1:2}`), nil, &Error{14, ErrSyntax}},
		{"no colon", []byte(`{"Records":[],"a" 1}`), nil, &Error{18, ErrSyntax}},
		{"no comma", []byte(`{"Records":[{} {}]}`), []found{{12, "{}"}}, &Error{15, ErrSyntax}},
		{"no value", []byte(`{"Records":[{},]}`), []found{{12, "{}"}}, &Error{15, ErrSyntax}},
		{
			"no JSON inside", []byte(`{"Records":[{"eventSource":"sagemaker.amazonaws.com",},` + whole + `]}`),
			[]found{{55, whole}},
			&Error{12, ErrSyntax},
		},
		{"too deep", []byte(`{"Records":[{"eventSource":"sagemaker.amazonaws.com","a":` + strings.Repeat("[", 100) +
			strings.Repeat("]", 100) + "}," + whole + `]}`), []found{{259, whole}}, &Error{12, ErrTooDeep}},
		{
			"deep enough", []byte(`{"Records":[{"eventSource":"s3","a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + "}," + whole + `]}`),
			[]found{{236, whole}},
			nil,
		},
		{
			"too long", []byte(`{"Records":[{"a":"` + strings.Repeat("x", MaxRecord) + `"},` + whole + `]}`),
			[]found{{18 + MaxRecord + 3, whole}},
			&Error{12, ErrTooLong},
		},
		{"long key", []byte(`{"` + strings.Repeat("x", MaxRecord) + `":1,"Records":[]}`), nil, &Error{1, ErrMember}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, exact := range []bool{false, true} {
				got, stats, err := scan(&Scanner{Exact: exact}, bytes.NewReader(test.in))
				if d := cmp.Diff(test.want, got); d != "" {
					t.Errorf("exact %v (-want +got)\n%s", exact, d)
				}
				if !sameError(err, test.err) {
					t.Errorf("error %v, want %v", err, test.err)
				}
				if test.err != ErrNotALog && stats.CompressedBytes != int64(len(test.in)) {
					t.Errorf("%d compressed bytes, want %d", stats.CompressedBytes, len(test.in))
				}
			}
		})
	}
}

func TestErrorsAreJoined(t *testing.T) {
	deep := `{"Records":[{"eventSource":"sagemaker.amazonaws.com","a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "},"
	_, stats, err := scan(new(Scanner), strings.NewReader(deep))
	if !errors.Is(err, ErrTooDeep) || !errors.Is(err, io.ErrUnexpectedEOF) || stats.Skipped != 1 {
		t.Errorf("%v, %+v", err, stats)
	}
}

func TestScanStops(t *testing.T) {
	text, _ := example()
	stop := errors.New("enough")
	n := 0
	_, err := Scan(context.Background(), strings.NewReader(text), func(Record) error { n++; return stop })
	if err != stop || n != 1 {
		t.Errorf("after %d records: %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scan(ctx, strings.NewReader(text), nil); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
	broken := errors.New("broken pipe")
	for _, in := range []io.Reader{iotest.ErrReader(broken), io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))} {
		if _, _, err := scan(new(Scanner), in); !errors.Is(err, broken) || !errors.As(err, new(*Error)) {
			t.Errorf("broken reader: %v", err)
		}
	}
	if _, _, err := scan(new(Scanner), io.MultiReader(strings.NewReader(text), idle{})); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("idle reader: %v", err)
	}
}

// idle never reads anything.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestIsLog(t *testing.T) {
	text, _ := example()
	for text, want := range map[string]bool{
		text:                                    true,
		text[:12]:                               true,
		text[:11]:                               false,
		" {\n\"Records\" :\t[":                  true,
		`{"a":{"Records":[]},"b":1,"Records":[`: true,
		`{"a":{"Records":[]},"b":1}`:            false,
		`{"Records":{`:                          false,
		`{"Records":`:                           false,
		`{"Records`:                             false,
		`{"Records"`:                            false,
		`{"Records"[`:                           false,
		`{"a":1`:                                false,
		`{1:2}`:                                 false,
		`{"\x":1}`:                              false,
		`{`:                                     false,
		`[{"Records":[]}]`:                      false,
		"":                                      false,
	} {
		if got := IsLog([]byte(text)); got != want {
			t.Errorf("IsLog(%q) = %v", text, got)
		}
	}
}

// repeat reads head, then body n times, then tail.
func repeat(head, body string, n int, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), &repeater{body: body, n: n}, strings.NewReader(tail))
}

type repeater struct {
	body string
	n    int
	at   int
}

func (r *repeater) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if r.n == 0 {
			return n, io.EOF
		}
		c := copy(b[n:], r.body[r.at:])
		n += c
		if r.at += c; r.at == len(r.body) {
			r.at = 0
			r.n--
		}
	}
	return n, nil
}

// watch calls runtime.ReadMemStats now and then while it is read, and keeps the highest HeapInuse.
type watch struct {
	io.Reader
	read, next int
	highest    uint64
}

func (w *watch) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.read += n
	if w.read >= w.next {
		w.next = w.read + 10<<20
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.highest = max(w.highest, m.HeapInuse)
	}
	return n, err
}

func TestMemoryIsBounded(t *testing.T) {
	const most = 24 << 20
	block, _ := example()
	block = strings.Repeat(","+strings.TrimSuffix(strings.TrimPrefix(block, `{"Records":[`), `]}`), 400)
	body := `,{"eventVersion":"1","eventSource":"s3.amazonaws.com","a":"` + strings.Repeat("word ", 300) + `"}`
	bomb := func(head, body string) func() io.Reader {
		return func() io.Reader {
			packed := new(bytes.Buffer)
			w := gzip.NewWriter(packed)
			must(io.Copy(w, repeat(head, strings.Repeat(body, 1<<16), 32<<20/len(body)>>16, "")))
			check(w.Close())
			return packed
		}
	}
	plain := func(head, body string, total int, tail string) func() io.Reader {
		return func() io.Reader { return repeat(head, body, total/len(body), tail) }
	}
	tests := []struct {
		name  string
		exact bool
		in    func() io.Reader
		bytes int64 // at least
		err   error
	}{
		{"300 MB", false, plain(`{"Records":[{}`, body, 300e6, "]}"), 299e6, nil},
		{"150 MB exact", true, plain(`{"Records":[{}`, body, 150e6, "]}"), 149e6, nil},
		{"60 MB with many hits", false, plain(`{"Records":[{}`, block, 60e6, "]}"), 59e6, nil},
		{"one string", false, plain(`{"Records":[{"eventVersion":"`, strings.Repeat("x", 1<<16), 100e6, `"}]}`), 99e6, ErrTooLong},
		{"one number", false, plain(`{"Records":[`, strings.Repeat("1", 1<<16), 100e6, `]}`), 99e6, ErrTooLong},
		{"brackets", false, plain(`{"Records":[`, strings.Repeat("[", 1<<16), 100e6, ``), 99e6, io.ErrUnexpectedEOF},
		{"zeros", false, bomb("", "\x00"), 0, ErrNotALog},
		{"bomb of spaces", false, bomb(`{"Records":[`, " "), 1 << 20, ErrRatio},
		{"bomb of brackets", false, bomb(`{"Records":[`, "["), 1 << 20, ErrRatio},
		{"bomb of strings", false, bomb(`{"Records":["`, "x"), 1 << 20, ErrRatio},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := test.in()
			runtime.GC()
			w := &watch{Reader: in}
			stats, err := (&Scanner{Exact: test.exact}).Scan(context.Background(), w, func(Record) error { return nil })
			if !errors.Is(err, test.err) || stats.Bytes < test.bytes {
				t.Errorf("%v, %+v", err, stats)
			}
			if w.highest > most {
				t.Errorf("%d MiB of heap in use", w.highest>>20)
			}
			t.Logf("%d MB, %.2f leapt, %d MiB of heap", stats.Bytes/1e6, float64(stats.Leapt)/float64(stats.Bytes), w.highest>>20)
		})
	}
}

func TestLeap(t *testing.T) {
	const proof, slack = 1000, 200
	other := `{"eventVersion":"1.11","eventSource":"s3.amazonaws.com","a":{"b":["]}"]}}`
	poser := `{"eventVersion":"1.11","eventSource":"s3.amazonaws.com","a":[1` + strings.Repeat(`,{"eventVersion":""}`, 40) + `]}`
	others := strings.TrimSuffix(strings.Repeat(other+",", 30), ",")
	end := len(others) - len(other)
	tests := []struct {
		name        string
		text        string
		n, searched int
	}{
		{"nothing", "", 0, 0},
		{"not CloudTrail's", `{"a":1},` + others, 0, 0},
		{"too short", others[:proof+slack], 0, proof + slack},
		{"to the last element", others, end, len(others)},
		{"to the last element, cut off", others[:len(others)-20], end, len(others) - 20},
		{"to a cut start", others + `,{"eventV`, end, len(others) + 9},
		{"to a whole start", others + `,{"eventVersion":`, len(others) + 1, len(others) + 17},
		{"to the end of Records", others + `]}`, end, len(others) + 2},
		{"to SageMaker", others + `,` + whole + `,` + others, len(others) + 1, len(others) + 1 + strings.Index(whole, `"sage`)},
		{"to an escape", others + `,{"eventVersion":"\u0041"}`, len(others) + 1, len(others) + 18},
		{"past other escapes", others + `,{"eventVersion":"\u003d\n"}`, len(others) + 1, len(others) + 28},
		{
			"not into a record", others + `,` + strings.Replace(poser, `""}]`, `"","eventSource":"sagemaker.amazonaws.com"}]`, 1), 0,
			len(others) + 1 + strings.LastIndex(poser, `}]`) + len(`,"eventSource":`),
		},
		{"not into a record, long", others + `,{"eventVersion":"1.11","a":"` + strings.Repeat("x", 1500) + `","b":[1` +
			strings.Repeat(`,{"eventVersion":""}`, 40) + `,` + whole, 0, len(others) + 1537 + 40*20 + 1 + strings.Index(whole, `"sage`)},
		{"not over other elements", others + `,{"a":1},` + whole, end, len(others) + 9 + strings.Index(whole, `"sage`)},
	}
	for _, test := range tests {
		n, searched := leap([]byte(test.text), proof, slack)
		if n != test.n || searched != test.searched {
			t.Errorf("%s: %d, %d, want %d, %d", test.name, n, searched, test.n, test.searched)
		}
	}
}

// TestSuspect moves what is to be found over the borders of the pieces that are searched.
func TestSuspect(t *testing.T) {
	for _, text := range []string{`"eventSource" : "sagemaker.amazonaws.com"`, `\u0073`, `\u002E`} {
		at := max(strings.Index(text, `"sage`), 0)
		for i := range 100 {
			n := 1<<14 - 60 + i
			b := []byte(strings.Repeat("x", n) + text + strings.Repeat(`k\"`, 1<<14))
			if got := suspect(b); got != n+at {
				t.Errorf("%s at %d: %d", text, n, got)
			}
			if got := suspect(b[:n+len(text)-1]); got != n+len(text)-1 {
				t.Errorf("%s at %d, cut: %d", text, n, got)
			}
		}
	}
}

// TestSkipper compares the skipper with a slow one, for texts in two pieces: all pairs are tried.
func TestSkipper(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	const letters = `{}[]""\\aY_y` + "\x7f\xdb\xfb\xff:, "
	for range 1500 {
		text := []byte{"{[\""[random.IntN(3)]}
		for range random.IntN(300) {
			if random.IntN(3) > 0 {
				text = append(text, "word"...)
			} else {
				text = append(text, letters[random.IntN(len(letters))])
			}
		}
		want, end := slowSkip(text)
		for cut := range text {
			var s skipper
			n, done := s.skip(text[:cut])
			if !done {
				var m int
				m, done = s.skip(text[n:])
				n += m
			}
			if done != end || end && n != want.at || s.deepest != want.deepest {
				t.Fatalf("%q cut at %d: %d, %v, %+v, want %+v, %v", text, cut, n, done, s, want, end)
			}
		}
	}
}

// slowSkip returns where the value at the start of b ends, if it does, and how deep it is.
func slowSkip(b []byte) (s struct{ at, deepest int }, ends bool) {
	depth, inside := 0, false
	for s.at = 0; s.at < len(b); {
		c := b[s.at]
		s.at++
		switch {
		case inside && c == '\\':
			s.at++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{', c == '[':
			depth++
			s.deepest = max(s.deepest, depth)
		case c == '}', c == ']':
			depth--
		}
		if depth == 0 && !inside {
			return s, true
		}
	}
	return s, false
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	text, records := example()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		check(os.WriteFile(path, b, 0o600))
		return path
	}
	paths := []string{
		write("a.json.gz", zip(text)), write("b.json", []byte(text)), write("c.json", []byte(text[:len(text)-1])),
		filepath.Join(dir, "absent.json"), write("d.yaml", []byte("a: b")), write("e.json.gz", zip(text)),
	}
	for _, workers := range []int{0, 1, 3, 100} {
		mu := make(chan struct{}, 1)
		got := map[string][]found{}
		ends := map[string]error{}
		var total Stats
		files := Files{
			Workers: workers,
			Record: func(path string, r Record) error {
				mu <- struct{}{}
				defer func() { <-mu }()
				got[path] = append(got[path], found{r.Offset, string(r.Data)})
				return nil
			},
			Done: func(path string, s Stats, err error) error {
				mu <- struct{}{}
				defer func() { <-mu }()
				ends[path] = err
				total.Add(s)
				return nil
			},
		}
		if err := files.Scan(context.Background(), paths); err != nil {
			t.Fatal(err)
		}
		want := map[string][]found{paths[0]: records, paths[1]: records, paths[2]: records, paths[5]: records}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d workers (-want +got)\n%s", workers, d)
		}
		if len(ends) != len(paths) || ends[paths[0]] != nil || !errors.Is(ends[paths[2]], io.ErrUnexpectedEOF) ||
			!errors.Is(ends[paths[3]], os.ErrNotExist) || ends[paths[4]] != ErrNotALog {
			t.Errorf("%d workers: %v", workers, ends)
		}
		if total.Records != int64(4*len(records)) {
			t.Errorf("%d workers: %+v", workers, total)
		}
	}
}

func TestFilesStop(t *testing.T) {
	text, _ := example()
	path := filepath.Join(t.TempDir(), "log.json")
	check(os.WriteFile(path, []byte(text), 0o600))
	absent := path + ".absent"
	stop := errors.New("enough")
	ok := func(string, Record) error { return nil }
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name  string
		ctx   context.Context
		files Files
		path  string
		want  error
	}{
		{"nothing wrong", context.Background(), Files{Record: ok}, path, nil},
		{"record", context.Background(), Files{Record: func(string, Record) error { return stop }}, path, stop},
		{"done", context.Background(), Files{Record: ok, Done: func(string, Stats, error) error { return stop }}, path, stop},
		{"absent", context.Background(), Files{Record: ok}, absent, os.ErrNotExist},
		{"context", canceled, Files{Record: ok}, path, context.Canceled},
	}
	for _, test := range tests {
		if err := test.files.Scan(test.ctx, []string{test.path}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestCorpus scans logs that CloudTrail wrote. None has SageMaker in it, so another service is renamed to it.
func TestCorpus(t *testing.T) {
	root := os.Getenv("SAGEMOAT_CORPUS")
	if root == "" {
		root = "../../../shared/corpus"
	}
	paths, err := filepath.Glob(filepath.Join(root, "bulk", "*", "*.json.gz"))
	check(err)
	more, err := filepath.Glob(filepath.Join(root, "bulk", "*.json.gz"))
	check(err)
	paths = append(paths, more...)
	if len(paths) == 0 {
		t.Skipf("SKIPPED: corpus not found at %s; set SAGEMOAT_CORPUS", root)
	}
	var elements []string
	for _, path := range paths {
		gz, err := gzip.NewReader(must(os.Open(path)))
		check(err)
		text := must(io.ReadAll(gz))
		file := must(os.Open(path))
		got, stats, err := scan(new(Scanner), file)
		check(file.Close())
		if err != nil || len(got) > 0 || stats.Bytes != int64(len(text)) || !IsLog(text[:64]) {
			t.Errorf("%s: %v, %+v", path, err, stats)
		}
		var log struct{ Records []json.RawMessage }
		check(json.Unmarshal(text, &log))
		for _, r := range log.Records {
			elements = append(elements, string(r))
		}
	}
	text := strings.ReplaceAll(`{"Records":[`+strings.Join(elements, ",")+`]}`, `"rds.amazonaws.com"`, `"sagemaker.amazonaws.com"`)
	want := oracle([]byte(text), MaxRecord)
	random := rand.New(rand.NewPCG(3, 4))
	var leapt int64
	for range 20 {
		l := defaults
		l.buffer = 1<<20 + random.IntN(1<<20)
		l.record = 1 << 18
		l.proof = 1000 + random.IntN(20000)
		l.slack = random.IntN(10000)
		got, stats, err := scan(&Scanner{limits: l}, strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v, %+v", err, stats)
		}
		leapt += stats.Leapt
		if d := cmp.Diff(want.records, got); d != "" {
			t.Fatalf("limits %+v (-want +got)\n%s", l, d)
		}
	}
	if leapt == 0 {
		t.Error("nothing was leapt over")
	}
	t.Logf("%d files, %d records, %d renamed, %.2f leapt", len(paths), len(elements), len(want.records), float64(leapt)/20/float64(len(text)))
}

func FuzzScan(f *testing.F) {
	text, _ := example()
	f.Add([]byte(text), uint16(0), false)
	f.Add([]byte(text), uint16(100), true)
	f.Add(zip(text), uint16(7), false)
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		g := &nasty{Rand: random, long: 600}
		f.Add([]byte(g.log(1+random.IntN(12))), uint16(random.IntN(1000)), random.IntN(2) == 0)
	}
	f.Add([]byte(`{"Records":[`+strings.Repeat("[", 5000)), uint16(1), false)
	f.Fuzz(func(t *testing.T, in []byte, size uint16, exact bool) {
		l := limits{
			buffer: 600 + int(size)%4000, record: 500, proof: 500, slack: int(size) % 300,
			ratio: MaxRatio, unchecked: 1 << 20,
		}
		got, stats, err := scan(&Scanner{limits: l, Exact: exact}, bytes.NewReader(in))
		for _, r := range got {
			if !json.Valid([]byte(r.Data)) || others([]byte(r.Data)) {
				t.Errorf("another service's record: %q", r.Data)
			}
		}
		if stats.Records != int64(len(got)) || err == ErrNotALog && len(got) > 0 {
			t.Errorf("%d records, %+v, %v", len(got), stats, err)
		}
		if fault := (*Error)(nil); errors.As(err, &fault) && (fault.Offset < 0 || fault.Offset > stats.Bytes) {
			t.Errorf("%v after %d bytes", err, stats.Bytes)
		}
		if bytes.HasPrefix(in, []byte("\x1f\x8b")) {
			return
		}
		want := oracle(in, l.record)
		if !want.valid || !exact && want.longest > l.proof {
			return
		}
		if !want.log {
			if err != ErrNotALog {
				t.Errorf("not a log, but %v", err)
			}
			return
		}
		if errors.Is(err, ErrOther) {
			// What follows the log is not read.
			d := json.NewDecoder(bytes.NewReader(in))
			var first, second json.RawMessage
			if d.Decode(&first) != nil || d.Decode(&second) != nil {
				t.Errorf("%v, but there is one document", err)
			}
			return
		}
		records, nobodys := sortOut(got)
		if d := cmp.Diff(want.records, records); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		if d := cmp.Diff(want.nobodys, nobodys); d != "" && stats.Leapt == 0 {
			t.Errorf("nobody's (-want +got)\n%s", d)
		}
		if exact && stats.Skipped != int64(len(want.faults)) || len(want.faults) == 0 && (err != nil) != want.beside {
			t.Errorf("%v, %+v, want faults at %v", err, stats, want.faults)
		}
	})
}
