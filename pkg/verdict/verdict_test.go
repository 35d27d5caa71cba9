package verdict

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

//go:embed doc.go
var doc string

// line is a line of the matrix in doc.go.
type line struct {
	text                                     string
	family, isolation, vpc, direct, attached string
	class                                    Class
	reach                                    Reach
	path                                     DataPath
	matched                                  int
}

func matrix(t *testing.T) []*line {
	t.Helper()
	var out []*line
	for text := range strings.Lines(doc) {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(text), "//"))
		if len(f) != 9 || f[5] != "=>" || f[0] == "family" {
			continue
		}
		l := &line{text: strings.Join(f, " "), family: f[0], isolation: f[1], vpc: f[2], direct: f[3], attached: f[4]}
		l.class = find(t, f[6], Classes())
		l.reach = find(t, f[7], []Reach{ReachUnknown, ReachNone, ReachEFSOnly, ReachFull, ReachNotApplicable})
		l.path = find(t, f[8], []DataPath{DataPathUnknown, DataPathVPC, DataPathService, DataPathOwn, DataPathVPCOwn, DataPathNotApplicable})
		out = append(out, l)
	}
	return out
}

func find[T fmt.Stringer](t *testing.T, s string, all []T) T {
	t.Helper()
	for _, v := range all {
		if v.String() == s {
			return v
		}
	}
	t.Fatalf("doc.go: %q is none of %v", s, all)
	panic("unreachable")
}

// fits says whether a column of the matrix names a fact.
func fits(column string, f posture.Fact) bool {
	name := map[posture.Fact]string{posture.Unknown: "?", posture.NotApplicable: "-"}[f]
	if name == "" {
		name = f.String()
	}
	return column == "*" || slices.Contains(strings.Split(column, ","), name)
}

var (
	facts    = []posture.Fact{posture.Unknown, posture.No, posture.Yes, posture.NotApplicable}
	families = []posture.Family{posture.Unassessed, posture.NoCode, posture.Container, posture.Notebook, posture.Studio, posture.Cluster}
)

// every calls f with every posture that a verdict can depend on.
func every(f func(posture.Posture)) {
	for _, family := range families {
		for _, isolation := range facts {
			for _, vpc := range facts {
				for _, direct := range facts {
					for _, attached := range facts {
						f(posture.Posture{Family: family, Isolation: isolation, VPC: vpc, DirectInternet: direct, Attached: attached})
					}
				}
			}
		}
	}
}

func show(p posture.Posture) string {
	return fmt.Sprintf("family=%s isolation=%s vpc=%s direct=%s attached=%s", p.Family, p.Isolation, p.VPC, p.DirectInternet, p.Attached)
}

// TestMatrix holds Of to every line of doc.go, for every posture.
func TestMatrix(t *testing.T) {
	lines := matrix(t)
	if len(lines) < 20 {
		t.Fatalf("only %d lines of the matrix were found in doc.go", len(lines))
	}
	n := 0
	every(func(p posture.Posture) {
		n++
		i := slices.IndexFunc(lines, func(l *line) bool {
			return (l.family == "*" || l.family == p.Family.String()) && fits(l.isolation, p.Isolation) &&
				fits(l.vpc, p.VPC) && fits(l.direct, p.DirectInternet) && fits(l.attached, p.Attached)
		})
		if i < 0 {
			t.Fatalf("%s: no line of doc.go fits", show(p))
		}
		l := lines[i]
		l.matched++
		if got, want := Of(p), (Verdict{l.class, l.reach, l.path}); got != want {
			t.Errorf("%s: got %v %v %v, doc.go says %s", show(p), got.Class, got.Reach, got.DataPath, l.text)
		}
	})
	if want := len(families) * 4 * 4 * 4 * 4; n != want {
		t.Errorf("judged %d postures, want %d", n, want)
	}
	for _, l := range lines {
		if l.matched == 0 {
			t.Errorf("doc.go: no posture reaches the line %s", l.text)
		}
	}
}

// TestNeverIsolatedWithoutIsolation: the classes that pass by default need a
// fact that says so.
func TestNeverIsolatedWithoutIsolation(t *testing.T) {
	every(func(p posture.Posture) {
		switch v := Of(p); v.Class {
		case A:
			if p.Isolation != posture.Yes {
				t.Errorf("%s: class a without isolation", show(p))
			}
		case BVPC:
			if p.VPC != posture.Yes {
				t.Errorf("%s: class b-vpc without a VPC", show(p))
			}
			if p.Family != posture.Container && p.Family != posture.Cluster && p.DirectInternet != posture.No {
				t.Errorf("%s: class b-vpc with direct Internet access not known to be off", show(p))
			}
		case NotApplicable:
			if p.Family != posture.NoCode {
				t.Errorf("%s: n/a although code runs there", show(p))
			}
		case Unknown, BInternet, C:
		}
	})
}

// TestZero: nothing known is unknown.
func TestZero(t *testing.T) {
	if got := Of(posture.Posture{}); got != (Verdict{}) || got.Class != Unknown {
		t.Errorf("Of(zero) = %v, want all unknown", got)
	}
	if Unknown != 0 || ReachUnknown != 0 || DataPathUnknown != 0 {
		t.Error("the zero value of a class, reach or data path is not unknown")
	}
}

// TestPossible: what is possible is what the answers to the unknown facts lead
// to, and nothing else.
func TestPossible(t *testing.T) {
	every(func(p posture.Posture) {
		got := Possible(p)
		if len(got) == 0 {
			t.Fatalf("%s: nothing is possible", show(p))
		}
		for i, v := range got {
			if slices.Contains(got[:i], v) {
				t.Errorf("%s: %v is listed twice", show(p), v)
			}
		}
		if p.Family == posture.Unassessed {
			for _, c := range []Class{A, BVPC, BInternet, C, NotApplicable} {
				if !slices.ContainsFunc(got, func(v Verdict) bool { return v.Class == c }) {
					t.Errorf("%s: %v is not possible", show(p), c)
				}
			}
			return
		}
		if v := Of(p); v.Class != Unknown {
			for _, w := range got {
				if w.Class != v.Class {
					t.Errorf("%s is %v, but %v is called possible", show(p), v.Class, w.Class)
				}
			}
		}
		certain := p.Isolation != posture.Unknown && p.VPC != posture.Unknown && p.DirectInternet != posture.Unknown && p.Attached != posture.Unknown
		if certain && (len(got) != 1 || got[0] != Of(p)) {
			t.Errorf("%s: Possible = %v with nothing unknown, want only %v", show(p), got, Of(p))
		}
	})
	for _, c := range []struct {
		p    posture.Posture
		want []Class
	}{
		{posture.Posture{Family: posture.Container, VPC: posture.No}, []Class{BInternet, A}},
		{posture.Posture{Family: posture.Container, VPC: posture.Yes}, []Class{BVPC, A}},
		{posture.Posture{Family: posture.Container, Isolation: posture.Yes}, []Class{A, A}},
		{posture.Posture{Family: posture.Container, Isolation: posture.No}, []Class{BInternet, BVPC}},
		{posture.Posture{Family: posture.Container}, []Class{BInternet, BVPC, A, A}},
		{posture.Posture{Family: posture.Notebook, DirectInternet: posture.Yes}, []Class{BInternet, C}},
		{posture.Posture{Family: posture.Notebook, VPC: posture.No}, []Class{BInternet}},
		{posture.Posture{Family: posture.Notebook, VPC: posture.Yes}, []Class{BVPC, C}},
		{posture.Posture{Family: posture.Notebook, VPC: posture.No, DirectInternet: posture.No}, []Class{Unknown}},
		{posture.Posture{Family: posture.Studio, VPC: posture.Yes}, []Class{BVPC, C}},
		{posture.Posture{Family: posture.Studio}, []Class{BInternet, BVPC, C}},
		{posture.Posture{Family: posture.Cluster, VPC: posture.No}, []Class{BInternet, C}},
		{posture.Posture{Family: posture.Cluster, Attached: posture.Yes}, []Class{C, BVPC}},
	} {
		var got []Class
		for _, v := range Possible(c.p) {
			got = append(got, v.Class)
		}
		sorted := func(c []Class) []Class { c = slices.Clone(c); slices.Sort(c); return c }
		if !slices.Equal(sorted(got), sorted(c.want)) {
			t.Errorf("%s: possible are %v, want %v", show(c.p), got, c.want)
		}
	}
}

func TestRank(t *testing.T) {
	want := []Class{C, BInternet, Unknown, BVPC, A, NotApplicable}
	if !slices.Equal(Classes(), want) {
		t.Fatalf("Classes() = %v, want %v", Classes(), want)
	}
	for i, c := range want {
		if got := c.Rank(); got != i {
			t.Errorf("%v.Rank() = %d, want %d", c, got, i)
		}
	}
}

// TestText: the words are the command line's interface.
func TestText(t *testing.T) {
	b, err := json.Marshal(struct {
		C []Class
		R []Reach
		D []DataPath
	}{
		Classes(),
		[]Reach{ReachUnknown, ReachNone, ReachEFSOnly, ReachFull, ReachNotApplicable},
		[]DataPath{DataPathUnknown, DataPathVPC, DataPathService, DataPathOwn, DataPathVPCOwn, DataPathNotApplicable},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"C":["c","b-internet","unknown","b-vpc","a","n/a"],"R":["unknown","none","efs-only","full","n/a"],"D":["unknown","vpc","service","own","vpc+own","n/a"]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}
