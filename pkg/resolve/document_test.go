package resolve

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// declared is a model of a template, with or without a VPC.
func declaredModel(id, world string, vpc bool) *kind.Observation {
	row, _ := kind.Of(kind.Model)
	doc := jsondoc.OfObject(jsondoc.Member{Name: "ModelName", Value: jsondoc.OfString("m")})
	if vpc {
		doc = doc.With("VpcConfig", jsondoc.OfObject(jsondoc.Member{Name: "Subnets", Value: jsondoc.OfArray(jsondoc.OfString("subnet-1"))}))
	}
	return &kind.Observation{
		Row: row, Call: &row.Calls[0], Doc: doc, Base: id, Key: kind.Sign(id), Document: "t#" + world,
		Source: kind.Source{Type: kind.ShapeTemplate},
	}
}

// TestVariants: only the conditions that make a difference are told, and only where
// any does.
func TestVariants(t *testing.T) {
	a, b := func(holds bool) kind.Choice { return kind.Choice{Condition: "A", Holds: holds} }, func(holds bool) kind.Choice { return kind.Choice{Condition: "B", Holds: holds} }
	for name, c := range map[string]struct {
		vpc  func(a, b bool) bool
		want []string
	}{
		"none matters":  {func(bool, bool) bool { return true }, []string{" yes"}},
		"the one does":  {func(a, _ bool) bool { return a }, []string{"if A yes", "if not A no"}},
		"the other":     {func(_, b bool) bool { return b }, []string{"if B yes", "if not B no"}},
		"both together": {func(a, b bool) bool { return a && b }, []string{"if A and B yes", "if A and not B no", "if not A and B no", "if not A and not B no"}},
	} {
		ix := New()
		whole := declaredModel("M", "", false)
		for i, x := range []bool{true, false} {
			for j, y := range []bool{true, false} {
				o := declaredModel("M", fmt.Sprint(i, j), c.vpc(x, y))
				whole.Variants = append(whole.Variants, kind.Variant{When: []kind.Choice{a(x), b(y)}, Observation: o})
			}
		}
		ix.Add(whole)
		var got []string
		for _, p := range ix.Parts(whole) {
			got = append(got, p.Name+" "+p.Posture.VPC.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestDocuments: references resolve within a document, by a sign or by a name that is
// one resource's.
func TestDocuments(t *testing.T) {
	row, _ := kind.Of(kind.TransformJob)
	job := func(model jsondoc.Value, document string) *kind.Observation {
		return &kind.Observation{
			Row: row, Call: &row.Calls[0], Doc: jsondoc.OfObject(jsondoc.Member{Name: "ModelName", Value: model}), Key: kind.Sign("J"), Document: document,
			Source: kind.Source{Type: kind.ShapeTemplate},
		}
	}
	named := jsondoc.OfString("m")
	for name, c := range map[string]struct {
		models []*kind.Observation
		job    *kind.Observation
		want   string
	}{
		"by its sign":            {[]*kind.Observation{declaredModel("M", "1", true)}, job(jsondoc.Pending("later", kind.Sign("M")), "t#1"), "yes"},
		"by its name":            {[]*kind.Observation{declaredModel("M", "1", true)}, job(named, "t#1"), "yes"},
		"by the sign of another": {[]*kind.Observation{declaredModel("M", "1", true)}, job(jsondoc.Pending("later", kind.Sign("N")), "t#1"), "unknown: later"},
		"in another document":    {[]*kind.Observation{declaredModel("M", "1", true)}, job(named, "t#2"), `unknown: the model "m" is not in the input`},
		"in no document":         {[]*kind.Observation{declaredModel("M", "1", true)}, job(named, ""), `unknown: the model "m" is not in the input`},
		"two of one name":        {[]*kind.Observation{declaredModel("M", "1", true), declaredModel("N", "1", true)}, job(named, "t#1"), `unknown: several resources beside it are called "m"`},
		"one of two by its sign": {[]*kind.Observation{declaredModel("M", "1", true), declaredModel("N", "1", false)}, job(jsondoc.Pending("later", kind.Sign("N")), "t#1"), "no"},
	} {
		ix := New()
		for _, m := range c.models {
			ix.Add(m)
		}
		ix.Add(c.job)
		p := ix.Parts(c.job)[0].Posture
		got := p.VPC.String()
		if len(p.Reasons) > 0 {
			got += ": " + p.Reasons[0].Why
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
