// Package finding is what the world is told of a verdict: one object of JSON,
// which is a public interface, a finding in the AWS Security Finding Format, and
// the remedy in words and to paste.
package finding

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Finding is the judgement of one resource as one record told of it.
type Finding struct {
	Row *kind.Row
	// Name is its name or, of a resource of a template or a plan, what it is called
	// there.
	Name string
	ARN  string // empty where it is not told, as in a request
	// Partition, Account and Region are empty where they are not told.
	Partition, Account, Region string
	Time                       time.Time // of the evidence; zero where there is none
	// Created is when the resource was created; zero where that is not known. It
	// tells a resource from a later one of the same name.
	Created   time.Time
	Source    kind.Source
	Judgement rules.Judgement
	// Subnets and SecurityGroups are what the rules file certainly allows what is at
	// fault to use, of one VPC.
	Subnets, SecurityGroups []string
}

// New puts together a finding from an observation, what was judged of it, and the
// judgement.
func New(o *kind.Observation, s *rules.Subject, j rules.Judgement, file *rules.File) *Finding {
	f := &Finding{
		Row: o.Row, Name: cmp.Or(o.Address, o.Name), ARN: o.ARN,
		Partition: o.Partition, Account: o.Account, Region: o.Region,
		Time: o.Time, Source: o.Source, Judgement: j,
	}
	own := *s
	own.Parts = slices.DeleteFunc(slices.Clone(s.Parts), func(p kind.Part) bool { return p.Kind != f.AtFault().Kind })
	if networks := file.Networks(&own); len(networks) > 0 {
		f.Subnets, f.SecurityGroups = networks[0].Subnets, networks[0].SecurityGroups
	}
	return f
}

// Resource names the resource for sorting and for people: its ARN, or its kind
// and name.
func (f *Finding) Resource() string {
	if f.ARN != "" {
		return f.ARN
	}
	return string(f.Row.Kind) + "/" + f.Name
}

// Worst is the result that the finding's title speaks of: the worst failed one,
// else the first that could not be told. ok is false where there is neither.
func (f *Finding) Worst() (worst rules.Result, ok bool) {
	for _, want := range []rules.Compliance{rules.Failed, rules.Warning} {
		for _, r := range f.Judgement.Results {
			if r.Result != want {
				continue
			}
			if !ok || r.Severity != worst.Severity && r.Severity.AtLeast(worst.Severity) {
				worst, ok = r, true
			}
		}
		if ok {
			return worst, true
		}
	}
	return worst, false
}
