package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// histories are the folders with records that were written for this: history.jsonl,
// the rules in force (current.yaml, or the built-in ones) and those as if, and what
// is expected of them, which was checked by hand.
func histories(t *testing.T) map[string]map[string]string {
	t.Helper()
	root := filepath.Join("..", "..", "testdata", "as-if")
	folders, err := os.ReadDir(root)
	if err != nil || len(folders) < 7 {
		t.Fatalf("%d folders, %v", len(folders), err)
	}
	out := map[string]map[string]string{}
	for _, f := range folders {
		out[f.Name()] = map[string]string{}
		files, err := os.ReadDir(filepath.Join(root, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(filepath.Join(root, f.Name(), file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			out[f.Name()][file.Name()] = string(b)
		}
	}
	return out
}

// asIfArgs compare the rules files of a folder.
func asIfArgs(files map[string]string, more ...string) []string {
	args := append([]string{"audit", "--as-if", "new.yaml"}, more...)
	if files["current.yaml"] != "" {
		args = append(args, "--rules", "current.yaml")
	}
	return append(args, "history.jsonl")
}

const endOfTable = "WHAT THE RECORDS DO NOT TELL"

func TestAsIf(t *testing.T) {
	for name, files := range histories(t) {
		t.Run(name, func(t *testing.T) {
			r := command(t, files, "", asIfArgs(files)...)
			got, _, ok := strings.Cut(r.stdout, endOfTable)
			if !ok || r.status != exitClean {
				t.Fatalf("status %d\n%s\n%s", r.status, r.stdout, r.stderr)
			}
			if diff := cmp.Diff(strings.Split(files["want.txt"], "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// asIfLines are the lines of a comparison as JSON.
func asIfLines(t *testing.T, out string) (lines []map[string]any) {
	t.Helper()
	for l := range strings.Lines(out) {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		lines = append(lines, v)
	}
	return lines
}

// TestAsIfSame: of the same rules twice there is no difference at all, whichever
// they are; and the other way round is the other way round.
func TestAsIfSame(t *testing.T) {
	all := histories(t)
	for name, files := range all {
		for _, rules := range []string{"new.yaml", "current.yaml"} {
			if files[rules] == "" {
				continue
			}
			r := command(t, files, "", "audit", "--output", "json", "--rules", rules, "--as-if", rules, "history.jsonl")
			r.want(t, 0, []string{`"type":"total"`, `!"type":"difference"`}, []string{"0 differences"})
			for _, l := range asIfLines(t, r.stdout) {
				if diff := cmp.Diff(l["current"], l["asIf"]); diff != "" {
					t.Errorf("%s, %s, %s: %s", name, rules, l["type"], diff)
				}
			}
		}
		if files["current.yaml"] == "" {
			continue
		}
		there := command(t, files, "", "audit", "--output", "json", "--rules", "current.yaml", "--as-if", "new.yaml", "history.jsonl")
		back := command(t, files, "", "audit", "--output", "json", "--rules", "new.yaml", "--as-if", "current.yaml", "history.jsonl")
		one, other := asIfLines(t, there.stdout), asIfLines(t, back.stdout)
		for i := range one {
			if typ := one[i]["type"]; typ == "total" || typ == "day" || typ == "rule" || typ == "team" {
				if diff := cmp.Diff(one[i]["current"], other[i]["asIf"]) + cmp.Diff(one[i]["asIf"], other[i]["current"]); diff != "" {
					t.Errorf("%s, %s, the other way round: %s", name, typ, diff)
				}
			}
		}
	}
}

func TestAsIfFlags(t *testing.T) {
	files := histories(t)["breaker"]
	files["wrong.yaml"], files["broken.json"] = "version: 2\n", `{"half`
	files["template.yaml"] = template
	for name, c := range map[string]struct {
		args           []string
		stdin          string
		status         int
		stdout, stderr []string
	}{
		"a table":                 {[]string{"--as-if", "new.yaml", "history.jsonl"}, "", 0, []string{"as if    new.yaml", "current  the built-in rules", "opens at 2026-11-02 09:35:00 UTC"}, []string{"1 file read, 14 resources, 7 differences"}},
		"Markdown":                {[]string{"--as-if", "new.yaml", "--output", "markdown", "history.jsonl"}, "", 0, []string{"### sagemoat: as if new.yaml", "| would be stopped | 0 | 5 | +5 |"}, []string{}},
		"standard input":          {[]string{"--as-if", "new.yaml", "-"}, files["history.jsonl"], 0, []string{"would be stopped"}, []string{}},
		"rules by standard input": {[]string{"--as-if", "-", "history.jsonl"}, files["new.yaml"], 0, []string{"would be stopped"}, []string{}},
		"since":                   {[]string{"--as-if", "new.yaml", "--since", "2026-11-02T09:33:00Z", "history.jsonl"}, "", 0, []string{"resources judged                   4"}, []string{}},
		"until":                   {[]string{"--as-if", "new.yaml", "--until", "2026-11-02T09:33:00Z", "history.jsonl"}, "", 0, []string{"would be stopped                   0      3"}, []string{}},
		"another account":         {[]string{"--as-if", "new.yaml", "--account", "444455556666", "history.jsonl"}, "", 0, []string{"nothing was found"}, []string{}},
		"another kind":            {[]string{"--as-if", "new.yaml", "--kind", "model", "history.jsonl"}, "", 0, []string{"nothing was found"}, []string{}},
		"its kind":                {[]string{"--as-if", "new.yaml", "--kind", "training-job", "history.jsonl"}, "", 0, []string{"would be stopped                   0      5"}, []string{}},
		"what cannot be read":     {[]string{"--as-if", "new.yaml", "history.jsonl", "broken.json"}, "", 2, []string{"would be stopped"}, []string{"broken.json", "1 error"}},
		"a template":              {[]string{"--as-if", "new.yaml", "history.jsonl", "template.yaml"}, "", 2, []string{"!Notebook"}, []string{"template.yaml: byte 0: tells what is to be created, not what happened"}},
		"rules that are wrong":    {[]string{"--as-if", "wrong.yaml", "history.jsonl"}, "", 2, nil, []string{"wrong.yaml:1:10"}},
		"current rules wrong":     {[]string{"--rules", "wrong.yaml", "--as-if", "new.yaml", "history.jsonl"}, "", 2, nil, []string{"wrong.yaml:1:10"}},
		"no such rules":           {[]string{"--as-if", "none.yaml", "history.jsonl"}, "", 2, nil, []string{"none.yaml", "no such file"}},
		"no such kind":            {[]string{"--as-if", "new.yaml", "--kind", "lambda", "history.jsonl"}, "", 2, nil, []string{"--kind lambda"}},
		"flags of verdicts": {
			[]string{"--as-if", "new.yaml", "--class", "c", "--severity", "high", "--prevented", "--all", "--output", "sarif", "history.jsonl"},
			"", 2, nil,
			[]string{"--class has no meaning with --as-if", "--severity has no", "--prevented has no", "--all has no", "--as-if has no sarif form"},
		},
		"standard input twice":          {[]string{"--as-if", "-", "-"}, "", 2, nil, []string{"not both"}},
		"rules twice by standard input": {[]string{"--as-if", "-", "--rules", "-", "history.jsonl"}, "", 2, nil, []string{"not both"}},
		"nowhere to write to":           {[]string{"--as-if", "new.yaml", "--out", "no/such/folder/report", "history.jsonl"}, "", 2, nil, []string{"--out: open no/such/folder/report"}},
		"help":                          {[]string{"--help"}, "", 0, []string{"--as-if FILE", "0 or 2: a comparison is no verdict"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			command(t, files, c.stdin, append([]string{"audit"}, c.args...)...).want(t, c.status, c.stdout, c.stderr)
		})
	}
	r := command(t, files, "", "audit", "--as-if", "new.yaml", "--out", "report", "history.jsonl")
	if b, err := os.ReadFile("report"); err != nil || r.status != 0 || r.stdout != "" || !strings.Contains(string(b), "would be stopped") {
		t.Errorf("status %d, %v\n%s", r.status, err, b)
	}
}

// TestAsIfDemo: the shipped records, under the rules of the demo.
func TestAsIfDemo(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", "demo", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	files := map[string]string{"cloudtrail.json": read("cloudtrail.json"), "rules.yaml": read("rules.yaml")}
	command(t, files, "", "audit", "--as-if", "rules.yaml", "cloudtrail.json").
		want(t, 0, []string{"churn-ml", "churn-4", "stopped if it still ran"}, []string{"47 resources"})
}
