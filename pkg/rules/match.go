package rules

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Subject is a resource to judge, as far as a record tells of it.
type Subject struct {
	Kind kind.Kind
	Name string
	ARN  string // empty where it is not told
	// Account and Region are empty where they are not told, as in a request.
	Account, Region string
	// Principal is the ARN of the IAM role or user that made the call; empty where
	// it is not told.
	Principal string
	Tags      map[string]string
	// TagsKnown says that Tags is all of them.
	TagsKnown bool
	Parts     []kind.Part
}

// Observed is the resource of an observation, with its parts. Its tags are for
// whoever knows the whole of its configuration to fill in.
func Observed(o *kind.Observation, parts []kind.Part) *Subject {
	return &Subject{
		Kind: o.Row.Kind, Name: o.Name, ARN: o.ARN, Account: o.Account, Region: o.Region,
		Principal: o.Principal, Parts: parts,
	}
}

// fits says whether a subject's part is one that a match is about: yes, no, or
// unknown where the record does not tell.
func (m Match) fits(s *Subject, p *kind.Part) posture.Fact {
	all := posture.Yes
	for _, f := range []posture.Fact{
		kindFits(m.Kinds, s, p),
		among(m.Accounts, s.Account),
		among(m.Regions, s.Region),
		roleFits(m.Roles, s.Principal),
		among(m.Resources, s.ARN),
		nameFits(m.Names, s.Name),
		tagsFit(m.Tags, s),
	} {
		switch f {
		case posture.No:
			return posture.No
		case posture.Unknown:
			all = posture.Unknown
		case posture.Yes, posture.NotApplicable:
		}
	}
	return all
}

// kindFits compares kinds. The steps of a pipeline are of the kind that they
// start, too.
func kindFits(kinds []string, s *Subject, p *kind.Part) posture.Fact {
	if len(kinds) == 0 || slices.Contains(kinds, string(s.Kind)) {
		return posture.Yes
	}
	inPipeline := s.Kind == kind.Pipeline || s.Kind == kind.PipelineExecution
	return posture.Of(inPipeline && slices.Contains(kinds, string(p.Kind)))
}

// among says whether a value is one of the wanted ones; "*" is any.
func among(want []string, value string) posture.Fact {
	if len(want) == 0 || slices.Contains(want, "*") {
		return posture.Yes
	}
	if value == "" {
		return posture.Unknown
	}
	return posture.Of(slices.Contains(want, value))
}

// roleFits compares roles. A record may tell a role without its path (an assumed
// role's ARN has none), which leaves open whether one with a path is meant.
func roleFits(want []string, role string) posture.Fact {
	fit := among(want, role)
	if fit != posture.No {
		return fit
	}
	account, name, _ := strings.Cut(role, ":role/")
	for _, w := range want {
		if before, path, _ := strings.Cut(w, ":role/"); before == account && path[strings.LastIndexByte(path, '/')+1:] == name {
			return posture.Unknown
		}
	}
	return posture.No
}

func nameFits(patterns []string, name string) posture.Fact {
	if len(patterns) == 0 {
		return posture.Yes
	}
	if name == "" {
		return posture.Unknown
	}
	return posture.Of(slices.ContainsFunc(patterns, func(p string) bool { return glob(p, name) }))
}

func tagsFit(want map[string]string, s *Subject) posture.Fact {
	fit := posture.Yes
	for key, value := range want {
		have, ok := s.Tags[key]
		if ok && have == value {
			continue
		}
		if ok || s.TagsKnown {
			return posture.No
		}
		fit = posture.Unknown
	}
	return fit
}

// glob matches * (any characters) and ? (one character).
func glob(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, i
			p++
		} else if p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]) {
			p++
			i++
		} else if star >= 0 {
			mark++
			p, i = star+1, mark
		} else {
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// settings are the settings that a rule may have for a part: one, and others
// where whether an override applies cannot be told from the record. line is that
// of the override that has the one; 0 is what holds for everything.
func (f *File) settings(id ID, s *Subject, p *kind.Part) (one Setting, others []Setting, line int) {
	one = f.Rules[id]
	for _, o := range f.Overrides {
		want, ok := o.Rules[id]
		if !ok {
			continue
		}
		switch o.Match.fits(s, p) {
		case posture.Yes:
			one, others, line = want, nil, o.Line
		case posture.Unknown:
			others = append(others, want)
		case posture.No, posture.NotApplicable:
		}
	}
	return one, others, line
}

// SettingFrom is how a rule is set for a part of a resource, and the line of the
// override that set it; 0 is what holds for everything. unsure says that other
// overrides may match, which the record does not tell.
func (f *File) SettingFrom(id ID, s *Subject, p *kind.Part) (one Setting, line int, unsure bool) {
	one, others, line := f.settings(id, s, p)
	return one, line, len(others) > 0
}

// allowed says whether an id may be used: yes, no, or unknown where the record
// does not tell the account or whether an override applies. line is that of the
// override that takes it out of the allow-lists, 0 where none does.
func (f *File) allowed(id string, s *Subject, p *kind.Part, list func(*Allow) []string, narrow func(*Narrow) []string) (fit posture.Fact, line int) {
	fit = posture.No
	for i := range f.Allow {
		a := &f.Allow[i]
		if !slices.Contains(list(a), id) {
			continue
		}
		in := Match{Accounts: a.Accounts, Regions: a.Regions, Kinds: a.Kinds}.fits(s, p)
		if in == posture.Yes {
			fit = posture.Yes
			break
		}
		if in == posture.Unknown {
			fit = posture.Unknown
		}
	}
	for _, o := range f.Overrides {
		if o.Allow == nil || len(narrow(o.Allow)) == 0 || slices.Contains(narrow(o.Allow), id) || fit == posture.No {
			continue
		}
		switch o.Match.fits(s, p) {
		case posture.Yes:
			return posture.No, o.Line
		case posture.Unknown:
			fit = posture.Unknown
		case posture.No, posture.NotApplicable:
		}
	}
	return fit, 0
}

// NarrowedFrom is the line of the override that takes a subnet or a security group
// of a part out of the allow-lists; 0 where none does.
func (f *File) NarrowedFrom(s *Subject, p *kind.Part) int {
	for _, id := range p.Posture.Subnets.List {
		if _, line := f.allowed(id.Value, s, p, allowSubnets, narrowSubnets); line > 0 {
			return line
		}
	}
	for _, id := range p.Posture.SecurityGroups.List {
		if _, line := f.allowed(id.Value, s, p, allowGroups, narrowGroups); line > 0 {
			return line
		}
	}
	return 0
}

func allowSubnets(a *Allow) []string   { return a.Subnets }
func allowGroups(a *Allow) []string    { return a.SecurityGroups }
func narrowSubnets(n *Narrow) []string { return n.Subnets }
func narrowGroups(n *Narrow) []string  { return n.SecurityGroups }

func union(list, more []string) []string {
	for _, id := range more {
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}
