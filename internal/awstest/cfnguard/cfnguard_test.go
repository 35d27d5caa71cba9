package cfnguard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestValidate: each template is held to each file of rules.
func TestValidate(t *testing.T) {
	rules, templates := t.TempDir(), t.TempDir()
	files := []string{
		write(t, rules, "named.guard", `rule named { Resources.* { Properties.TopicName exists } }`),
		write(t, rules, "short.guard", `rule short { Resources.* { Properties.TopicName == /^.{1,3}$/ } }`+"\n"+`rule topics { Resources.*.Type == 'AWS::SNS::Topic' }`),
	}
	topic := func(name, properties string) string {
		return write(t, templates, name, `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":`+properties+`}}}`)
	}
	right, nameless, long := topic("a.json", `{"TopicName":"abc"}`), topic("b.json", `{}`), topic("c.json", `{"TopicName":"abcd"}`)
	got, err := Validate(t.Context(), files, templates)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{right: "", nameless: "named.guard named short.guard short ", long: "short.guard short "} {
		broken, answered := got[file]
		var is strings.Builder
		for _, b := range broken {
			rule, _, _ := strings.Cut(b.Message, ":")
			is.WriteString(b.Rules + " " + rule + " ")
		}
		if !answered || is.String() != want {
			t.Errorf("%s breaks %q (answered: %v), want %q", filepath.Base(file), is.String(), answered, want)
		}
	}
	if got, err := Validate(t.Context(), files, right); err != nil || len(got) != 1 {
		t.Errorf("a template that breaks nothing: %v, %v", got, err)
	}
	// Rules that cannot be parsed are never rules that are kept.
	for name, text := range map[string]string{"rules without an end": `rule open { Resources exists`, "a variable that is none": `rule none { %nobody exists }`} {
		if got, err := Validate(t.Context(), []string{files[0], write(t, t.TempDir(), "broken.guard", text)}, right); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got, err := Validate(t.Context(), files, filepath.Join(templates, "none.json")); err == nil {
		t.Errorf("a template that is not there: %v", got)
	}
	if got, err := Validate(t.Context(), files, write(t, t.TempDir(), "broken.json", `{`)); err == nil {
		t.Errorf("a template that is no JSON: %v", got)
	}
	if _, err := read([]byte(`<testsuites><testsuite name="t"><testcase name="a.guard"/></testsuite></testsuites>`), 2); err == nil || !strings.Contains(err.Error(), "1 of 2") {
		t.Errorf("a file of rules that is left out: %v", err)
	}
}
