package cfnlint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func template(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "t.template.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLint: it finds what is wrong, says where, and finds nothing in what is right.
func TestLint(t *testing.T) {
	right := template(t, `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}`)
	wrong := template(t, `{"Resources":{
"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicNam":"a"}}}}`)
	broken := template(t, `{`)
	found, err := Lint(t.Context(), right, wrong, broken)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]Match{}
	for _, m := range found {
		by[m.File] = append(by[m.File], m)
	}
	if m := by[wrong]; len(m) != 1 || m[0].Rule != "E3002" || m[0].Line != 2 || m[0].Path != "Resources/Topic/Properties/TopicNam" || !strings.Contains(m[0].String(), "TopicNam") {
		t.Errorf("in what is wrong it finds %v", m)
	}
	if m := by[broken]; len(m) != 1 || m[0].Rule != "E0000" {
		t.Errorf("in what is no JSON it finds %v", m)
	}
	if m := by[right]; m != nil {
		t.Errorf("in what is right it finds %v", m)
	}
}

// TestNoAnswer: a file that is not there has no answer, not none of the faults.
func TestNoAnswer(t *testing.T) {
	if found, err := Lint(t.Context(), "no-such-file"); err == nil && len(found) == 0 {
		t.Error("a file that is not there has no fault")
	}
}
