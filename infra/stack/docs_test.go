package stack

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

func page(t *testing.T, name string) (path, text string) {
	t.Helper()
	path = filepath.Join("..", "..", "docs", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(b)
}

// TestSettingsPage: docs/deploy.md has each setting.
func TestSettingsPage(t *testing.T) {
	path, text := page(t, "deploy.md")
	const begin, end = "<!-- settings: written by make templates -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("docs/deploy.md has no place for the settings")
	}
	var b strings.Builder
	b.WriteString("\n| context key | parameter | what | default |\n|---|---|---|---|\n")
	for _, s := range Settings() {
		value := s.Default
		switch {
		case value != "":
			value = "`" + value + "`"
		default:
			value = "none"
		}
		words := s.Words
		if s.Values != nil && len(s.Values) < 5 {
			words += " (`" + strings.Join(s.Values, "`, `") + "`)"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Key, s.Parameter(), words, value)
	}
	b.WriteString("\n")
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Error("docs/deploy.md does not have the settings as they are (run: make templates)")
	}
}

// TestOperationsPage: docs/operations.md has a section for each alarm, and none for
// what is no alarm.
func TestOperationsPage(t *testing.T) {
	_, text := page(t, "operations.md")
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^### (\S+)$`).FindAllStringSubmatch(text, -1) {
		sections = append(sections, m[1])
	}
	s, err := New(awscdk.NewApp(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	alarms := s.allAlarms()
	var names []string
	for _, a := range alarms {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	slices.Sort(sections)
	if !slices.Equal(names, sections) {
		t.Errorf("the alarms are\n%q, the sections\n%q", names, sections)
	}
	if _, cost := page(t, "cost.md"); !strings.Contains(cost, fmt.Sprintf("| CloudWatch: alarms | %d |", len(alarms))) {
		t.Errorf("docs/cost.md does not count %d alarms", len(alarms))
	}
}

// TestCostPage: what docs/cost.md multiplies and adds is right.
func TestCostPage(t *testing.T) {
	_, text := page(t, "cost.md")
	row := regexp.MustCompile(`^\|\s*(.+?)\s*\|\s*([0-9.,]*)\s*\|\s*([0-9.,]*)\s*\|\s*(?:\*\*)?([0-9.,]+)(?:\*\*)?\s*\|$`)
	number := func(text string) float64 {
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sum, rows, tables := 0.0, 0, 0
	for line := range strings.Lines(text) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case m == nil:
		case strings.Contains(m[1], "sum"):
			if got := number(m[4]); math.Abs(got-sum) > 0.005 {
				t.Errorf("the sum is %.2f, the page says %.2f", sum, got)
			}
			sum, tables = 0, tables+1
		default:
			if got, want := number(m[4]), math.Round(number(m[2])*number(m[3])*100)/100; math.Abs(got-want) > 0.005 {
				t.Errorf("%s: %.2f, the page says %.2f", m[1], want, got)
			}
			sum += number(m[4])
			rows++
		}
	}
	if rows < 15 || tables != 2 {
		t.Errorf("%d rows and %d tables were read", rows, tables)
	}
}
