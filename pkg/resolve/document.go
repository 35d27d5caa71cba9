package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// alias files a resource of a template or a plan under the name that it is going
// to have, where that is told, beside the sign of what it is called there.
func (ix *Index) alias(o *kind.Observation) {
	key, _ := o.Row.KeyOf(o.Doc)
	if key == "" || key == o.Key {
		return
	}
	n := name{scopeOf(o), o.Row.Kind, key}
	if other, taken := ix.aliases[n]; taken && other != o.Key {
		ix.twice[n] = true
	}
	ix.aliases[n] = o.Key
}

// ambiguous says whether several resources of one document have a name.
func (ix *Index) ambiguous(n name) bool {
	ix.history(n) // builds what is asked for
	return ix.twice[n]
}

// variant is what a resource turns out to be, and under which conditions.
type variant struct {
	when  []kind.Choice
	parts []kind.Part
	gist  string
}

// variants are the parts of a resource for each outcome of the conditions that make
// a difference to it, named after the outcome.
func (ix *Index) variants(all []kind.Variant) []kind.Part {
	var list []variant
	for _, v := range all {
		parts := ix.Parts(v.Observation)
		for i := range parts {
			if parts[i].Path == "" {
				parts[i].Path = v.Observation.Base
			}
		}
		list = append(list, variant{slices.Clone(v.When), parts, fmt.Sprintf("%+v", parts)})
	}
	for i := len(list[0].when) - 1; i >= 0; i-- {
		list = without(list, i)
	}
	if len(list) == 1 {
		return ix.Parts(all[0].Observation)
	}
	var out []kind.Part
	for _, v := range list {
		for _, p := range v.parts {
			p.Name = strings.TrimSuffix(outcome(v.when)+"/"+p.Name, "/")
			out = append(out, p)
		}
	}
	return out
}

// without leaves out the condition at i where it makes no difference.
func without(list []variant, i int) []variant {
	var out []variant
	for _, v := range list {
		v.when = slices.Delete(slices.Clone(v.when), i, i+1)
		at := slices.IndexFunc(out, func(o variant) bool { return slices.Equal(o.when, v.when) })
		switch {
		case at < 0:
			out = append(out, v)
		case out[at].gist != v.gist:
			return list
		}
	}
	return out
}

// outcome says under which conditions something is so.
func outcome(when []kind.Choice) string {
	var said []string
	for _, c := range when {
		if c.Holds {
			said = append(said, c.Condition)
		} else {
			said = append(said, "not "+c.Condition)
		}
	}
	return "if " + strings.Join(said, " and ")
}
