package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/pkg/archive"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

const account, region = "111122223333", "eu-west-1"

// call is a small CloudTrail record; n tells records apart.
func call(event string, n int, second int, request string) string {
	return fmt.Sprintf(`{"eventSource":"sagemaker.amazonaws.com","eventName":%q,"eventID":"%08d","eventTime":"2026-11-02T09:00:%02dZ","awsRegion":%q,"recipientAccountId":%q,"requestParameters":%s,"responseElements":null}`,
		event, n, second, region, account, request)
}

// model is the creation of a model without a VPC.
func model(n int) string {
	return call("CreateModel", n, n, fmt.Sprintf(`{"modelName":"m%d"}`, n))
}

func logOf(items ...string) string { return `{"Records":[` + strings.Join(items, ",") + `]}` }

func zip(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stdin audits standard input.
func stdin(t testing.TB, r io.Reader) *Report {
	t.Helper()
	report, err := Run(context.Background(), Inputs{Paths: []string{"-"}, Stdin: r}, Options{Rules: rules.Default(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func names(r *Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		out = append(out, f.Name)
	}
	return out
}

// lines are the verdicts as printed, without where they were read, sorted.
func lines(t interface{ Fatal(...any) }, r *Report) []string {
	var out []string
	for _, f := range r.Findings {
		g := *f
		g.Source.File, g.Source.Offset = "", 0
		b, err := json.Marshal(&g)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}

// A log that is cut off anywhere gives the records before the cut and one
// problem that says where.
func TestTruncatedLog(t *testing.T) {
	text := logOf(model(1), model(2), model(3)) + "\n"
	ends := []int{}
	for i := 1; i <= 3; i++ {
		ends = append(ends, strings.Index(text, model(i))+len(model(i)))
	}
	whole := func(n int) (want []string) {
		want = []string{}
		for i, end := range ends {
			if end <= n {
				want = append(want, fmt.Sprintf("m%d", i+1))
			}
		}
		return want
	}
	check := func(n int, r *Report) {
		t.Helper()
		if diff := cmp.Diff(whole(n), names(r)); diff != "" {
			t.Errorf("%d bytes: -want +got\n%s", n, diff)
		}
		if complete := n >= len(text)-1; complete != (len(r.Problems) == 0) || len(r.Problems) > 1 {
			t.Errorf("%d bytes: problems %v", n, r.Problems)
		}
		for _, p := range r.Problems {
			if n > 0 && (p.Offset < 0 || p.Offset > int64(n)) || p.Err == nil {
				t.Errorf("%d bytes: the problem is at %d: %v", n, p.Offset, p)
			}
		}
	}
	path := file(t, "log.json", nil)
	for n := range len(text) + 1 {
		check(n, stdin(t, strings.NewReader(text[:n])))
		if err := os.WriteFile(path, []byte(text[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		check(n, run(t, nil, path))
	}
}

// Of a compressed log that is cut off, what can be decompressed is read.
func TestTruncatedGzip(t *testing.T) {
	zipped := zip(t, logOf(model(1), model(2), model(3)))
	path := file(t, "log.json.gz", nil)
	for n := range len(zipped) + 1 {
		if err := os.WriteFile(path, zipped[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Report{stdin(t, bytes.NewReader(zipped[:n])), run(t, nil, path)} {
			got := names(r)
			if want := []string{"m1", "m2", "m3"}; len(got) > 3 || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("%d bytes: %v", n, got)
			}
			if complete := n == len(zipped); complete != (len(r.Problems) == 0) || complete && len(got) != 3 || len(r.Problems) > 1 {
				t.Errorf("%d bytes: %v, problems %v", n, got, r.Problems)
			}
		}
	}
}

func TestTruncatedJSONLines(t *testing.T) {
	text := model(1) + "\n" + model(2) + "\n"
	for n := 1; n <= len(text); n++ {
		r := stdin(t, strings.NewReader(text[:n]))
		want, complete := []string{}, false
		for i, end := range []int{len(model(1)), len(text) - 1} {
			if end <= n {
				want = append(want, fmt.Sprintf("m%d", i+1))
			}
			complete = complete || n == end || n == end+1
		}
		if !slices.Equal(names(r), want) || complete != (len(r.Problems) == 0) {
			t.Errorf("%d bytes: %v, problems %v, want %v", n, names(r), r.Problems, want)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	deep := strings.Repeat(`{"a":`, jsondoc.MaxDepth+1) + "1" + strings.Repeat("}", jsondoc.MaxDepth+1)
	long := `{"modelName":"` + strings.Repeat("x", jsondoc.MaxBytes) + `"}`
	for name, c := range map[string]struct {
		content []byte
		problem string
	}{
		"empty.json":         {nil, "the file is empty"},
		"blank.json":         {[]byte(" \n\t\r\n"), "the file is empty"},
		"empty.json.gz":      {zip(t, ""), "the file is empty"},
		"garbage.bin":        {[]byte{0, 1, 2, 0xff, 0xfe}, "not JSON"},
		"garbage.json.gz":    {[]byte("\x1f\x8b\x08garbage"), "cut off"},
		"one-byte.json":      {[]byte("{"), "ends in the middle"},
		"list.json":          {[]byte("["), "ends in the middle"},
		"half.json":          {[]byte(`{"Events":[`), "ends in the middle"},
		"object.json":        {[]byte(`{"a":1}`), "an object with the members a"},
		"empty-object.json":  {[]byte(`{}`), "not a CloudTrail record or log"},
		"number.json":        {[]byte(`42`), "not JSON"},
		"list-of-lists.json": {[]byte(`[[["a"]]]`), "found a string"},
		"yaml.yaml":          {[]byte("a: 1\n"), "it has no Resources, but a"},
		"long-name.json":     {[]byte(`{"` + strings.Repeat("n", 200) + `":1}`), "nnnn…"},
		"many-names.json":    {[]byte(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}`), "a, b, c, d, e, …"},
		"deep.json":          {[]byte(deep), "nested more than 100 deep"},
		"long.json":          {[]byte(long), "longer than 1048576 bytes"},
		"deep-log.json":      {[]byte(logOf(call("CreateModel", 1, 1, deep))), "deeper than 100"},
		"long-log.json":      {[]byte(logOf(call("CreateModel", 1, 1, long))), "longer than 1048576"},
		"long-list.json":     {[]byte(`[` + long + `]`), "longer than 1048576 bytes"},
		"far-too-long.json":  {[]byte(`{"a":"` + strings.Repeat("x", 4<<20) + `"}`), "longer than 1048576 bytes"},
		"many-members.json":  {[]byte(`{` + strings.Repeat(`"a":"`+strings.Repeat("x", 1000)+`",`, 2000) + `"z":1}`), "longer than 1048576 bytes"},
		"surrogate.json":     {[]byte(`{"eventSource":"\ud800"}`), "surrogate"},
		"not-utf8.json":      {[]byte("{\"eventSource\":\"\xff\"}"), "UTF-8"},
		"event-string.json":  {[]byte(`{"Events":[{"EventName":"CreateModel","EventSource":"sagemaker.amazonaws.com","CloudTrailEvent":7}]}`), "CloudTrailEvent is a number, not a string"},
		"event-broken.json":  {[]byte(`{"Events":[{"CloudTrailEvent":"{"}]}`), "CloudTrailEvent: "},
		"name-number.json":   {[]byte(`{"eventSource":"sagemaker.amazonaws.com","eventName":7}`), "eventName: found a number"},
		"source-hidden.json": {[]byte(`{"eventSource":"HIDDEN_DUE_TO_SECURITY_REASONS","eventName":"CreateModel"}`), "eventSource"},
		"steps-broken.json":  {[]byte(`{"Version":"2020-12-01","Steps":[{"Name":"a","name":"b","Type":"Training"}]}`), "differ only by case"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t, name, c.content)
			for _, r := range []*Report{run(t, nil, path), stdin(t, bytes.NewReader(c.content))} {
				if len(r.Findings) != 0 || len(r.Problems) != 1 {
					t.Fatalf("findings %v, problems %v", names(r), r.Problems)
				}
				if !strings.Contains(r.Problems[0].Error(), c.problem) {
					t.Errorf("got %q, want a problem with %q", r.Problems[0].Error(), c.problem)
				}
				if r.Failed("") || r.Files != 1 {
					t.Errorf("failed %v, %d files", r.Failed(""), r.Files)
				}
			}
		})
	}
}

// The rest is judged although something cannot be read.
func TestTheRestIsJudged(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.json":         "{",
		"b.json":         logOf(model(1), call("CreateModel", 9, 9, `{"modelName":"`+strings.Repeat("x", jsondoc.MaxBytes)+`"}`), model(2)),
		"c.jsonl":        model(3) + "\n{}\n{\"a\":1,\"a\":2}\n\"\xff\"\n" + model(4) + "\n",
		"d.ndjson":       `[` + model(5) + `,7,` + model(6) + `]`,
		".hidden/e.json": model(7),
		".git/g.json":    model(9),
		"f.txt":          model(8),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, nil, dir, filepath.Join(dir, "missing"))
	if diff := cmp.Diff([]string{"m1", "m2", "m3", "m4", "m5", "m6", "m7"}, names(r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var got []string
	for _, p := range r.Problems {
		got = append(got, fmt.Sprintf("%s %d", filepath.Base(p.File), p.Offset))
	}
	want := []string{
		"a.json 1",
		fmt.Sprintf("b.json %d", len(`{"Records":[`+model(1)+",")),
		fmt.Sprintf("c.jsonl %d", len(model(3)+"\n")),
		fmt.Sprintf("c.jsonl %d", len(model(3)+"\n{}\n")),
		fmt.Sprintf("c.jsonl %d", len(model(3)+"\n{}\n{\"a\":1,\"a\":2}\n")),
		fmt.Sprintf("d.ndjson %d", len("["+model(5)+",")),
		"missing -1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if r.Files != 5 || r.Folders[".git"] != 1 {
		t.Errorf("%d files, folders passed over %v", r.Files, r.Folders)
	}
}

func TestPaths(t *testing.T) {
	t.Run("missing", func(t *testing.T) {
		r := run(t, nil, filepath.Join(t.TempDir(), "missing.json"))
		if len(r.Problems) != 1 || !errors.Is(r.Problems[0], os.ErrNotExist) || r.Problems[0].Offset != -1 {
			t.Errorf("%v", r.Problems)
		}
	})
	t.Run("a folder without files to read", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := run(t, nil, dir); r.Files != 0 || r.Skipped != 1 || len(r.Findings) != 0 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Error(), "no file to read") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a file of any name that is named", func(t *testing.T) {
		if r := run(t, nil, file(t, "notes.txt", []byte(model(1)))); len(r.Findings) != 1 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("not readable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root can read every file")
		}
		path := file(t, "secret.json", []byte(model(1)))
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		if r := run(t, nil, path); len(r.Problems) != 1 || !errors.Is(r.Problems[0], os.ErrPermission) {
			t.Errorf("%v", r.Problems)
		}
	})
	t.Run("reading fails", func(t *testing.T) {
		for _, r := range []io.Reader{iotest.ErrReader(io.ErrClosedPipe), io.MultiReader(strings.NewReader(model(1)+"\n"), iotest.ErrReader(io.ErrClosedPipe))} {
			report := stdin(t, r)
			if len(report.Problems) != 1 || !errors.Is(report.Problems[0], io.ErrClosedPipe) || report.Problems[0].File != "standard input" {
				t.Errorf("%v", report.Problems)
			}
		}
	})
	t.Run("slow input", func(t *testing.T) {
		if r := stdin(t, iotest.OneByteReader(strings.NewReader(logOf(model(1), model(2))))); len(r.Findings) != 2 || len(r.Problems) != 0 {
			t.Errorf("%v %v", names(r), r.Problems)
		}
	})
}

// What a folder holds is read by its name, or counted, or a problem.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"firehose-1.gz":   zip(t, model(1)),
		"firehose-2":      []byte(model(2)),
		"firehose-3":      zip(t, model(3)),
		"sub/FIREHOSE-4":  []byte("\xef\xbb\xbf\n" + model(4)),
		"Makefile":        []byte("all: " + model(5)),
		"empty":           nil,
		"x.log":           []byte(model(6)),
		".git/config":     []byte(model(7)),
		"far/linked.log":  []byte(model(8)),
		"far/linked.json": []byte(model(9)),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"a-file.json": "far/linked.log", "again": ".", "broken.json": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := net.Listen("unix", filepath.Join(dir, "s.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	r := run(t, nil, dir)
	if diff := cmp.Diff([]string{"m1", "m2", "m3", "m4", "m8", "m9"}, names(r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var got []string
	for _, p := range r.Problems {
		got = append(got, strings.TrimPrefix(p.Error(), dir))
	}
	want := []string{
		"/again: a link to a folder is not followed: name the folder",
		"/broken.json: no such file or directory",
		"/s.json: not a file but a pipe, a device or a socket: name it to read it",
	}
	if diff := cmp.Diff(want, got); diff != "" || r.Skipped != 4 {
		t.Errorf("%d skipped, -want +got\n%s", r.Skipped, diff)
	}
	if r := run(t, nil, filepath.Join(dir, "again")); len(r.Findings) != 6 {
		t.Errorf("a link to a folder that is named: %v, %v", names(r), r.Problems)
	}
	if r := run(t, nil, filepath.Join(dir, "s.json")); len(r.Problems) != 1 || len(r.Findings) != 0 {
		t.Errorf("a socket that is named: %v", r.Problems)
	}
}

// A pipe that is named is read once, whatever is in it.
func TestNamedPipe(t *testing.T) {
	for name, text := range map[string]string{"a log": logOf(model(1)), "a record": model(1)} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/dev/fd/%d", r.Fd())
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if report := run(t, nil, path); !slices.Equal(names(report), []string{"m1"}) || len(report.Problems) != 0 {
			t.Errorf("%s: %v, problems %v", name, names(report), report.Problems)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is too long does not take along what stands behind it.
func TestBehindWhatIsTooLong(t *testing.T) {
	for _, size := range []int{jsondoc.MaxBytes, 2 * jsondoc.MaxBytes, 5 << 20} {
		text := `"` + strings.Repeat(`x\"{[`, size/4) + `"`
		members := strings.TrimSuffix(strings.Repeat(`"k":"`+strings.Repeat("x", 1000)+`",`, size/1000), ",")
		for name, long := range map[string]string{
			"one string":   `{"a":` + text + `}`,
			"many members": `{` + members + `}`,
			"deep":         `{"a":[{"b":` + text + `}],"c":1}`,
			"many lines":   "{\n\"a\":\n[" + text + ",\n{}]}",
			"text":         text,
			"a key":        `{` + text + `:1}`,
			"a list":       `[[` + text + `]]`,
		} {
			for layout, around := range map[string][2]string{
				"lines":        {model(1) + "\n", "\n" + model(2) + "\n"},
				"a list":       {"[" + model(1) + ",", "," + model(2) + "]" + model(3)},
				"spaced":       {"[ " + model(1) + " ,\n ", "\n, " + model(2) + "\n] " + model(3)},
				"LookupEvents": {`{"Events":[` + model(1) + ",", "," + model(2) + `],"NextToken":"x"}` + "\n" + model(3)},
				"the first":    {`{"NextToken":"x","Events":[`, "," + model(1) + "," + model(2) + `]}`},
				"the last":     {`{"Events":[` + model(1) + "," + model(2) + ",", `]}`},
			} {
				if name == "a list" && layout == "lines" {
					continue // its element is the document
				}
				r := stdin(t, strings.NewReader(around[0]+long+around[1]))
				want := []string{"m1", "m2", "m3"}[:strings.Count(around[0]+around[1], "CreateModel")]
				if !slices.Equal(names(r), want) {
					t.Errorf("%s in %s, %d bytes: %v, problems %.300v", name, layout, size, names(r), r.Problems)
				}
				if len(r.Problems) != 1 || r.Problems[0].Offset != int64(len(around[0])) || !strings.Contains(r.Problems[0].Error(), "longer than 1048576 bytes") {
					t.Errorf("%s in %s, %d bytes: problems %.300v, want one at %d", name, layout, size, r.Problems, len(around[0]))
				}
			}
		}
	}
}

// Something hidden behind a member too many, or in a list that is another's,
// is a problem in whatever file.
func TestNothingIsHidden(t *testing.T) {
	const definition, request = `"Version":"2020-12-01","Steps":[]`, `"ModelName":"m","ExecutionRoleArn":"r"`
	var texts []string
	for _, doc := range []string{definition, request} {
		for _, more := range []string{`"Records":[]`, `"Records":{}`, `"Records":"x"`, `"Events":[]`, `"Events":[],"Records":[]`, `"digestStartTime":1,"logFiles":[]`} {
			texts = append(texts, `{`+doc+`,`+more+`}`, `{`+more+`,`+doc+`}`, `{`+more+`,`+doc+`,"pad":"`+strings.Repeat("x", 5000)+`"}`, `{"pad":"`+strings.Repeat("x", 5000)+`",`+doc+`,`+more+`}`)
		}
	}
	for _, element := range []string{`{"messageId":"1","body":"{\"eventSource\":\"sagemaker.amazonaws.com\"}"}`, `"x"`, `7`, `null`, `{}`, `{"TrainingJobName":"t"}`} {
		texts = append(texts, logOf(element), `{"Events":[`+element+`]}`)
	}
	for _, text := range texts {
		for _, r := range []*Report{run(t, nil, file(t, "in.json", []byte(text))), stdin(t, strings.NewReader(text))} {
			if len(r.Findings) != 0 || len(r.Problems) == 0 {
				t.Errorf("%.200s: %v, problems %v", text, names(r), r.Problems)
			}
		}
	}
	if r := stdin(t, strings.NewReader(`{"Records":[`+model(1)+`],"a":1}`)); len(r.Findings) != 1 || len(r.Problems) != 1 {
		t.Errorf("a log with another member: %v, problems %v", names(r), r.Problems)
	}
}

// Every shape is read from standard input as from a file, compressed or not.
func TestStandardInput(t *testing.T) {
	for _, path := range inputs(t) {
		want := run(t, nil, path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, content := range map[string][]byte{"plain": text, "compressed": zip(t, string(text))} {
			got := stdin(t, bytes.NewReader(content))
			for _, f := range append(slices.Clone(got.Findings), want.Findings...) {
				if f.Source.Type == kind.ShapePipeline {
					f.Name = "" // the file's
				}
			}
			if diff := cmp.Diff(lines(t, want), lines(t, got)); diff != "" || len(want.Problems) != len(got.Problems) {
				t.Errorf("%s, %s: problems %v, -file +stdin\n%s", path, what, got.Problems, diff)
			}
		}
	}
}

// The layouts in which records come.
func TestLayouts(t *testing.T) {
	bridge := func(r string) string {
		return `{"version":"0","id":"x","detail-type":"AWS API Call via CloudTrail","source":"aws.sagemaker","account":"` + account + `","time":"2026-11-02T09:00:01Z","region":"` + region + `","detail":` + r + `}`
	}
	quoted, err := json.Marshal(model(1))
	if err != nil {
		t.Fatal(err)
	}
	lookup := `{"EventId":"1","EventName":"CreateModel","ReadOnly":"false","EventTime":1793610001.0,"EventSource":"sagemaker.amazonaws.com","Username":"ana","Resources":[],"CloudTrailEvent":` + string(quoted) + `}`
	for name, text := range map[string]string{
		"a record":                    model(1),
		"a log":                       logOf(model(1)),
		"two logs":                    logOf(model(1)) + logOf(),
		"an event in a log":           logOf(bridge(model(1))),
		"an event of LookupEvents in": logOf(lookup),
		"a source with a capital":     logOf(strings.Replace(model(1), "eventSource", "EventSource", 1)),
		"a list":                      "[" + model(1) + "]",
		"JSON lines":                  "\n\n" + model(1) + "\r\n",
		"documents without lines":     bridge(model(2)) + model(1),
		"an event":                    bridge(model(1)),
		"a list of events":            "[" + bridge(model(1)) + "]",
		"a log in small letters":      `{"records":[` + model(1) + `]}`,
		"LookupEvents":                "{\n    \"Events\": [\n        " + lookup + "\n    ],\n    \"NextToken\": \"x\"\n}\n",
		"LookupEvents, a token first": `{"NextToken":"x","Events":[` + lookup + `]}`,
		"an event of LookupEvents":    lookup,
		"a list of LookupEvents":      `[{"Events":[` + lookup + `]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			r := stdin(t, strings.NewReader(text))
			if got := names(r); !slices.Contains(got, "m1") || len(r.Problems) != 0 {
				t.Fatalf("%v, problems %v", got, r.Problems)
			}
			for _, f := range r.Findings {
				if f.Judgement.Verdict.Class != verdict.BInternet {
					t.Errorf("%s is %v", f.Name, f.Judgement.Verdict.Class)
				}
			}
		})
	}
}

func TestSameRecordManyTimes(t *testing.T) {
	texts := []string{}
	for range 10 {
		texts = append(texts, model(1))
	}
	texts = append(texts, model(2), call("DeleteModel", 3, 3, `{"modelName":"m2"}`), call("DeleteModel", 3, 3, `{"modelName":"m2"}`))
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(1, seed))
		random.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		r := stdin(t, strings.NewReader(logOf(texts...)))
		if !slices.Equal(names(r), []string{"m1", "m2"}) || r.Duplicates != 10 {
			t.Errorf("seed %d: %v, %d duplicates", seed, names(r), r.Duplicates)
		}
	}
}

// Records that share an eventID and are not the same are all judged.
func TestSameIDOtherRecord(t *testing.T) {
	for name, other := range map[string]string{
		"another request": call("CreateModel", 1, 1, `{"modelName":"m1","enableNetworkIsolation":true}`),
		"another name":    call("CreateModel", 1, 1, `{"modelName":"other"}`),
		"another time":    call("CreateModel", 1, 2, `{"modelName":"m1"}`),
		"another account": strings.ReplaceAll(model(1), account, "444455556666"),
		"another region":  strings.ReplaceAll(model(1), region, "us-east-1"),
	} {
		if r := stdin(t, strings.NewReader(logOf(model(1), other))); len(r.Findings) != 2 || r.Duplicates != 0 {
			t.Errorf("%s: %v, %d duplicates", name, names(r), r.Duplicates)
		}
	}
	update := func(response string) string {
		return strings.Replace(call("UpdateWorkforce", 1, 1, `{"workforceName":"w"}`), `"responseElements":null`, `"responseElements":`+response, 1)
	}
	if r := stdin(t, strings.NewReader(logOf(update(`{"workforce":{"workforceName":"w"}}`), update(`null`)))); len(r.Findings) != 2 || r.Duplicates != 0 {
		t.Errorf("another response: %v, %d duplicates", names(r), r.Duplicates)
	}
	refused := strings.Replace(model(1), `"eventID"`, `"errorCode":"AccessDenied","eventID"`, 1)
	if r := stdin(t, strings.NewReader(logOf(model(1), refused))); len(r.Findings) != 1 || len(r.Refused) != 1 {
		t.Errorf("refused: %v, %d refused", names(r), len(r.Refused))
	}
}

// documents are all records of testdata that are documents by themselves.
func allDocuments(t *testing.T) (docs []string) {
	t.Helper()
	for _, path := range inputs(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(path) == ".yaml" || bytes.Contains(text, []byte(`"format_version"`)) {
			continue // stands in a file by itself
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		for {
			var doc json.RawMessage
			if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			// A definition is named by its file, and so not the same in another.
			if bytes.Contains(doc, []byte(`"2020-12-01"`)) && doc[0] == '{' && bytes.Contains(doc[:60], []byte(`"Version"`)) {
				continue
			}
			// A log is not mixed with other documents in one file.
			list := struct{ Records []json.RawMessage }{[]json.RawMessage{doc}}
			if bytes.Contains(doc, []byte(`"Records"`)) {
				if err := json.Unmarshal(doc, &list); err != nil {
					t.Fatal(err)
				}
			}
			for _, doc := range list.Records {
				var small bytes.Buffer
				if err := json.Compact(&small, doc); err != nil {
					t.Fatal(err)
				}
				docs = append(docs, small.String())
			}
		}
	}
	return docs
}

// The verdicts do not depend on the order of the records, nor on the files
// that they are in.
func TestOrderDoesNotMatter(t *testing.T) {
	all := allDocuments(t)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "documents")
		start := rapid.IntRange(0, len(all)-n).Draw(t, "first")
		docs := all[start : start+n]
		judge := func(docs []string, files int) *Report {
			var in Inputs
			for i := range files {
				in.Paths = append(in.Paths, filepath.Join(dir, fmt.Sprintf("%d.jsonl", i)))
				text := strings.Join(docs[i*len(docs)/files:(i+1)*len(docs)/files], "\n")
				if text == "" {
					text = "[]"
				}
				if err := os.WriteFile(in.Paths[i], []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Run(context.Background(), in, Options{Rules: rules.Default(), Now: now})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		one := judge(docs, 1)
		other := judge(rapid.Permutation(docs).Draw(t, "order"), rapid.IntRange(1, 3).Draw(t, "files"))
		if diff := cmp.Diff(lines(t, one), lines(t, other)); diff != "" {
			t.Fatalf("-in order +otherwise\n%s", diff)
		}
		if len(one.Problems) != len(other.Problems) || one.Duplicates != other.Duplicates || len(one.Refused) != len(other.Refused) {
			t.Fatalf("problems %v and %v, duplicates %d and %d, refused %d and %d", one.Problems, other.Problems, one.Duplicates, other.Duplicates, len(one.Refused), len(other.Refused))
		}
	})
}

func TestGzipBomb(t *testing.T) {
	for name, text := range map[string]string{
		"spaces":     strings.Repeat(" ", 8<<20),
		"in a list":  `[` + strings.Repeat(" ", 8<<20) + `1]`,
		"a log":      `{"Records":[` + strings.Repeat(" ", 8<<20) + `]}`,
		"one string": `{"a":"` + strings.Repeat("x", 8<<20) + `"}`,
		"documents":  strings.Repeat("[]\n", 4<<20),
	} {
		t.Run(name, func(t *testing.T) {
			zipped := zip(t, text)
			for _, r := range []*Report{run(t, nil, file(t, "bomb.json.gz", zipped)), stdin(t, bytes.NewReader(zipped))} {
				switch {
				case len(r.Problems) == 1 && (errors.Is(r.Problems[0], archive.ErrRatio) || strings.Contains(r.Problems[0].Error(), "longer than")):
				case len(zipped)*archive.MaxRatio > len(text) && len(r.Problems) == 0:
					// Compressed no more than a log may be.
				default:
					t.Errorf("%v (%d bytes from %d)", r.Problems, len(text), len(zipped))
				}
			}
		})
	}
}

func TestFilter(t *testing.T) {
	const vpc = `"vpcConfig":{"subnets":["subnet-0a1b2c3d4e5f60718"],"securityGroupIds":["sg-0f9e8d7c6b5a40312"]}`
	text := logOf(
		call("CreateModel", 1, 1, `{"modelName":"open"}`),
		call("CreateModel", 2, 2, `{"modelName":"vpc",`+vpc+`}`),
		call("CreateModel", 3, 3, `{"modelName":"shut","enableNetworkIsolation":true}`),
		call("CreateTrainingJob", 4, 4, `{"trainingJobName":"job",`+vpc+`}`),
		call("CreateNotebookInstance", 5, 5, `{"notebookInstanceName":"bridge","subnetId":"subnet-0a1b2c3d4e5f60718"}`),
		call("CreateTransformJob", 6, 6, `{"transformJobName":"batch","modelName":"vpc"}`),
		call("CreateEndpoint", 7, 7, `{"endpointName":"unknown","endpointConfigName":"elsewhere"}`),
		call("CreateWorkteam", 8, 8, `{"workteamName":"people"}`),
		strings.ReplaceAll(call("CreateModel", 9, 9, `{"modelName":"theirs"}`), account, "444455556666"),
		strings.Replace(call("CreateModel", 10, 10, `{"modelName":"refused"}`), `"eventID"`, `"errorCode":"AccessDenied","eventID"`, 1),
		strings.Replace(call("CreateModel", 11, 11, `{"modelName":"timeless"}`), `"eventTime"`, `"e"`, 1),
	)
	at := func(second int) time.Time { return time.Date(2026, 11, 2, 9, 0, second, 0, time.UTC) }
	for name, c := range map[string]struct {
		filter  Filter
		want    []string
		refused int
	}{
		"none":          {Filter{}, []string{"timeless", "open", "vpc", "shut", "job", "bridge", "batch", "unknown", "people", "theirs"}, 1},
		"class":         {Filter{Classes: []verdict.Class{verdict.C, verdict.A}}, []string{"shut", "bridge"}, 1},
		"class n/a":     {Filter{Classes: []verdict.Class{verdict.NotApplicable}}, []string{"people"}, 1},
		"severity":      {Filter{Severity: rules.High}, []string{"timeless", "open", "bridge", "theirs"}, 1},
		"severity, all": {Filter{Severity: rules.Informational}, []string{"timeless", "open", "shut", "bridge", "unknown", "theirs"}, 1},
		"kind":          {Filter{Kinds: []kind.Kind{kind.TrainingJob, kind.Endpoint}}, []string{"job", "unknown"}, 0},
		"account":       {Filter{Accounts: []string{"444455556666"}}, []string{"theirs"}, 0},
		"since":         {Filter{Since: at(8)}, []string{"timeless", "people", "theirs"}, 1},
		"until":         {Filter{Until: at(3)}, []string{"timeless", "open", "vpc"}, 0},
		"a reference that is filtered out still counts": {Filter{Kinds: []kind.Kind{kind.TransformJob}, Since: at(6)}, []string{"batch"}, 0},
		"all together": {Filter{Classes: []verdict.Class{verdict.BInternet}, Severity: rules.Critical}, []string{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(context.Background(), Inputs{Paths: []string{"-"}, Stdin: strings.NewReader(text)}, Options{Rules: rules.Default(), Now: now, Keep: c.filter})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, names(r)); diff != "" || len(r.Refused) != c.refused {
				t.Errorf("%d refused, -want +got\n%s", len(r.Refused), diff)
			}
			for _, f := range r.Findings {
				if f.Name == "batch" && f.Judgement.Verdict.Class != verdict.BVPC {
					t.Errorf("batch is %v", f.Judgement.Verdict.Class)
				}
			}
		})
	}
}

func TestProgressAndCancel(t *testing.T) {
	paths := inputs(t)
	files, size := 0, int64(0)
	opts := Options{Rules: rules.Default(), Now: now, Progress: func(f int, n int64) {
		if f != files+1 || n < size {
			t.Errorf("%d files after %d, %d bytes after %d", f, files, n, size)
		}
		files, size = f, n
	}}
	r, err := Run(context.Background(), Inputs{Paths: paths}, opts)
	if err != nil || r.Files != len(paths) || files != r.Files || size != r.Bytes {
		t.Errorf("%v: %d files of %d, told %d, %d bytes, told %d", err, r.Files, len(paths), files, r.Bytes, size)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, in := range []Inputs{{Paths: paths}, {Paths: []string{"-"}, Stdin: strings.NewReader(model(1))}, {Paths: []string{"-"}, Stdin: strings.NewReader(logOf(model(1)))}} {
		if _, err := Run(ctx, in, Options{Rules: rules.Default(), Now: now}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

// FuzzRun: whatever is read, there is no panic, every verdict can be printed
// as the public interface says, and what is unknown never passes.
func FuzzRun(f *testing.F) {
	for _, path := range inputs(f) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add([]byte(logOf(model(1), model(1))))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := stdin(t, bytes.NewReader(data))
		for _, g := range r.Findings {
			essenceOf(t, g)
			j := g.Judgement
			if j.Verdict.Class == verdict.Unknown && j.Compliance != rules.Warning && j.Compliance != rules.Failed {
				t.Errorf("%s %s is unknown and %s", g.Row.Kind, g.Name, j.Compliance)
			}
			for _, p := range j.Parts {
				if p.Verdict.Class == verdict.Unknown && j.Compliance == rules.Passed {
					t.Errorf("%s %s passed with the unknown part %s", g.Row.Kind, g.Name, p.Name)
				}
			}
		}
		for _, p := range r.Problems {
			if p.Error() == "" || p.File != stdinName {
				t.Errorf("%#v", p)
			}
		}
	})
}
