package guide

import (
	"os"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

func TestLook(t *testing.T) {
	text, _ := os.ReadFile("../../demo/rules.yaml")
	f, err := rules.Load("rules.yaml", text, kind.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	g := New(f, Options{Name: "rules.yaml", Now: time.Now()})
	for _, p := range g.Places {
		t.Logf("%q %v %v\n%s", p.Account, p.Regions, p.Elsewhere, p.Defaults)
		for _, s := range p.Sets {
			t.Logf("%+v", s)
		}
		for _, k := range p.Kinds {
			t.Logf("== %s note %q also %v still %v left %v mode %s %s team %s denied %v open %v\n%s", k.Row.Kind, k.Note, k.Also, k.Still, k.Left, k.Mode, k.Stopped, k.Team, k.Denied, k.Open, k.Fragment)
			for _, r := range k.Recipes {
				for _, s := range r.Snippets {
					t.Logf("-- %s %s\n%s", s.Tool, r.Title, s.Text)
				}
			}
		}
	}
}
