package stack

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

var update = flag.Bool("update", false, "write the golden templates")

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// templates are the stacks that are shipped as plain templates.
var names = []string{Name, OrganizationName, CodeBucketName}

// synthesized are the templates as the app makes them, by name. Starting the CDK
// takes seconds: once for all tests.
var synthesized = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "synth")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return synth(dir, "")
})

// synth makes the templates.
func synth(dir, dist string) (map[string][]byte, error) {
	app, err := App(dir, dist)
	if err != nil {
		return nil, err
	}
	app.Synth(nil)
	out := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name+".template.json"))
		if err != nil && dist == "" {
			return nil, err
		}
		out[name] = b
	}
	return out, nil
}

func golden(name string) string { return filepath.Join("..", "templates", name+".template.json") }

// TestGolden: the shipped templates are those that the app makes.
func TestGolden(t *testing.T) {
	made, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text := canonical(t, made[name])
		if *update {
			if err := os.WriteFile(golden(name), text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden(name))
		if err != nil {
			t.Fatalf("%v (run: make templates, then read the difference)", err)
		}
		if string(want) != string(text) {
			t.Errorf("%s is not what the app makes (run: make templates, then read the difference):\n%s", golden(name), difference(string(want), string(text)))
		}
	}
}

// canonical is a template, indented; json sorts the members.
func canonical(t *testing.T, text []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// difference are the first lines that differ.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "-" + a[i] + "\n+" + b[i]
		}
	}
	return "one is longer"
}

// TestReproducible: another synthesis gives the same bytes. Several, for Go's maps
// are read in an order of chance, which for a small one is often the same twice.
func TestReproducible(t *testing.T) {
	first, err := synthesized()
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		again, err := synth(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if string(first[name]) != string(again[name]) {
				t.Fatalf("two syntheses of %s differ:\n%s", name, difference(string(first[name]), string(again[name])))
			}
		}
	}
}
