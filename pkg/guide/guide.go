// Package guide writes the page for those who use SageMaker AI: from the rules
// file, which subnets and security groups to use in each account, for each team
// and kind, and why; snippets to paste, for every tool that has a way to say it;
// and what happens to what is made without. The kinds, the fragments and what
// closes a finding are those of the table in package kind, and what fails is what
// package rules says of the very requests that are shown: nothing is judged here.
package guide

import (
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Options say what the guide is about.
type Options struct {
	// Name is the rules file's, for people.
	Name string
	// Account limits the guide to one account; empty is all that the file names.
	Account string
	// Kinds limits it to some kinds; empty is all.
	Kinds []kind.Kind
	// Now decides which exceptions have expired.
	Now time.Time
}

// Guide is what there is to say.
type Guide struct {
	Name     string
	Places   []Place
	Teams    []Team
	Without  []Without
	Untold   []Untold // operations without a network setting
	Rules    []RuleWords
	Refusals Refusals
	// Exceptions are those in force.
	Exceptions []rules.Exception
	// Chosen says that the guide is about some kinds only.
	Chosen bool
}

// Place is an account, in the Regions where the same holds in it.
type Place struct {
	// Account is empty for every account that the file does not name.
	Account string
	// Regions are empty for every one that the file does not name, or for all
	// where it names none.
	Regions []string
	// Elsewhere says that the file does name Regions, and these are the others.
	Elsewhere bool
	// Sets are the networks, each with the kinds that have it.
	Sets []Set
	// Defaults are the file config.yaml of the SageMaker SDK for Python; empty
	// where the SDK has none of the kinds.
	Defaults string
	Kinds    []Kind
	// Variants are what differs for those with a role, a tag or a name.
	Variants []Variant
}

// Set is a network and the kinds that may use it.
type Set struct {
	Network rules.Network
	// Others are what may be used instead, but not together with it.
	Others []rules.Network
	Kinds  []string // in words; empty where it is every kind of the place
	// Note says what is missing; empty where nothing is.
	Note string
}

// Kind is what to do to make a resource of a kind.
type Kind struct {
	Row      *kind.Row
	Network  rules.Network
	Fragment string // the settings to paste, as JSON
	// Note says why the settings have placeholders; empty where they have none.
	Note string
	// Also are the settings besides the network that the rules ask for.
	Also []string
	// Still is what the rules say of it all the same; empty where it passes.
	Still []rules.Result
	// Left is what they say of it with the network left out.
	Left []rules.Result
	// Half is what they say of it with the subnets, but without the switch for
	// direct Internet access; empty where there is no such switch.
	Half    []rules.Result
	Mode    rules.Mode
	Stopped string // the operation that stops it; empty where it is not stopped
	Grace   time.Duration
	Team    string
	Recipes []Recipe
	// Denied are the operations that an IAM policy can deny by their network, and
	// Open those that it cannot.
	Denied, Open []string
}

// Recipe is one way to make a resource.
type Recipe struct {
	Title    string
	Snippets []Snippet
}

// Variant is what differs from a place for those whom a condition is about.
type Variant struct {
	Condition string // in words
	Kinds     []Kind
}

// Team is who is told.
type Team struct {
	Team, Topic string
	Condition   string
}

// Without is a kind that has no network to set, and what to do instead.
type Without struct {
	Words, Instead, Doc string
}

// Untold is an operation that no kind has, and why.
type Untold struct{ Operation, Why string }

// RuleWords is a rule in words.
type RuleWords struct {
	ID       rules.ID
	On       bool   // for everything; an override may differ
	Why      string // what it is for
	Severity string
}

// New reads a rules file. The kinds of the options are known ones.
func New(f *rules.File, o Options) *Guide { return build(f, o, false) }

// build makes a guide; bare leaves the networks out of its snippets.
func build(f *rules.File, o Options, bare bool) *Guide {
	b := &builder{file: f, options: o, bare: bare}
	g := &Guide{Name: o.Name, Refusals: refusals(), Chosen: len(o.Kinds) > 0}
	for _, account := range b.accounts() {
		g.Places = append(g.Places, b.places(account)...)
	}
	for _, r := range f.Response.Routes {
		if !b.about(r.Match) {
			continue
		}
		g.Teams = append(g.Teams, Team{Team: r.Team, Topic: r.Topic, Condition: conditionOf(r.Match, r.Pipelines)})
	}
	g.Without = b.without()
	g.Untold = untold()
	for _, id := range rules.IDs() {
		g.Rules = append(g.Rules, ruleWords(f, id))
	}
	for _, x := range f.Exceptions {
		if o.Now.Before(x.Expires) && b.about(x.Match) {
			g.Exceptions = append(g.Exceptions, x)
		}
	}
	return g
}

// about says whether something may be about the account of the options.
func (b *builder) about(m rules.Match) bool {
	return b.options.Account == "" || len(m.Accounts) == 0 || slices.Contains(m.Accounts, b.options.Account)
}

// builder makes a guide.
type builder struct {
	file    *rules.File
	options Options
	bare    bool
}

// matches are all that the file's parts match by.
func (b *builder) matches() []rules.Match {
	var out []rules.Match
	for _, a := range b.file.Allow {
		out = append(out, rules.Match{Accounts: a.Accounts, Regions: a.Regions})
	}
	for _, o := range b.file.Overrides {
		out = append(out, o.Match)
	}
	for _, m := range b.file.Response.Modes {
		out = append(out, m.Match)
	}
	for _, r := range b.file.Response.Routes {
		out = append(out, r.Match)
	}
	return out
}

// accounts are those that the file names, and "" for the others.
func (b *builder) accounts() []string {
	if b.options.Account != "" {
		return []string{b.options.Account}
	}
	var out []string
	for _, m := range b.matches() {
		for _, a := range m.Accounts {
			if a != "*" && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	slices.Sort(out)
	return append(out, "")
}

// regions are those that the file names for an account, and "" for the others.
func (b *builder) regions(account string) []string {
	var out []string
	for _, m := range b.matches() {
		if len(m.Accounts) > 0 && !slices.Contains(m.Accounts, account) && !slices.Contains(m.Accounts, "*") {
			continue
		}
		for _, r := range m.Regions {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	slices.Sort(out)
	return append(out, "")
}

// places are those of an account, Regions where the same holds together.
func (b *builder) places(account string) []Place {
	var out []Place
	regions := b.regions(account)
	var looks []string
	for _, region := range regions {
		p := b.place(account, region)
		p.Elsewhere = region == "" && len(regions) > 1
		if region != "" {
			p.Regions = []string{region}
		}
		if b.nothing(&p) {
			p.Kinds, p.Variants, p.Defaults = nil, nil, ""
		}
		look := p.look(region)
		if i := slices.Index(looks, look); i >= 0 && region != "" {
			out[i].Regions = append(out[i].Regions, region)
			continue
		}
		out, looks = append(out, p), append(looks, look)
	}
	return out
}

// nothing says whether the file has networks, but none for a place.
func (b *builder) nothing(p *Place) bool {
	return len(b.file.Allow) > 0 && !slices.ContainsFunc(p.Kinds, func(k Kind) bool {
		return len(k.Network.Subnets)+len(k.Network.SecurityGroups) > 0
	})
}

// look is what a place says, but for its Region.
func (p *Place) look(region string) string {
	var b strings.Builder
	for _, k := range p.Kinds {
		b.WriteString(k.look(region))
	}
	for _, v := range p.Variants {
		b.WriteString(v.Condition)
		for _, k := range v.Kinds {
			b.WriteString(k.look(region))
		}
	}
	return b.String()
}

func (k *Kind) look(region string) string {
	var b strings.Builder
	b.WriteString(string(k.Row.Kind) + k.Fragment + k.Note + strings.Join(k.Also, ",") + string(k.Mode) + k.Stopped + k.Team)
	for _, r := range slices.Concat(k.Still, k.Left) {
		b.WriteString(string(r.Rule) + string(r.Result) + string(r.Severity))
	}
	for _, r := range k.Recipes {
		for _, s := range r.Snippets {
			b.WriteString(strings.ReplaceAll(s.Text, region, ""))
		}
	}
	return b.String()
}
