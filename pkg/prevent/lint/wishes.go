package lint

import (
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// wish is how far a rule is on for calls of one operation.
type wish uint8

const (
	off       wish = iota
	sometimes      // for some callers, accounts or Regions
	on
)

// wanted is something that rules may ask of an operation.
type wanted struct{ what, operation string }

// wishes are how far the rules are on for operations.
type wishes struct {
	// file has the overrides that count, and excepted the exceptions, as overrides that
	// switch their rules on.
	file, excepted *rules.File
	subjects       []rules.Subject
	known          map[wanted]wish
}

// mostSubjects is how many callers, accounts and Regions are told apart. Of more, the
// first are.
const mostSubjects = 4096

// newWishes gathers the callers, accounts and Regions that a rules file tells apart,
// and one that it does not name. Whoever calls chooses the tags and the name, so that
// no policy can hold what matches by them: such overrides are passed over. At the zero
// time no exception is in force.
func newWishes(f *rules.File, now time.Time) *wishes {
	w := &wishes{file: &rules.File{Rules: f.Rules, Allow: f.Allow}, excepted: &rules.File{}, known: map[wanted]wish{}}
	for _, o := range f.Overrides {
		if len(o.Match.Tags) == 0 && len(o.Match.Names) == 0 {
			w.file.Overrides = append(w.file.Overrides, o)
		}
	}
	for _, x := range f.Exceptions {
		if !now.IsZero() && now.Before(x.Expires) && len(x.Match.Resources) == 0 {
			o := rules.Override{Match: x.Match, Rules: rules.Settings{}}
			for _, id := range x.Rules {
				o.Rules[id] = rules.Setting{On: true}
			}
			w.excepted.Overrides = append(w.excepted.Overrides, o)
		}
	}
	accounts, regions, roles := []string{newAccount}, []string{newRegion}, []string{"role/" + fresh}
	more := func(list, values []string) []string {
		for _, v := range values {
			if v != "*" && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		return list
	}
	for _, o := range slices.Concat(w.file.Overrides, w.excepted.Overrides) {
		accounts, regions, roles = more(accounts, o.Match.Accounts), more(regions, o.Match.Regions), more(roles, o.Match.Roles)
	}
	for _, role := range roles {
		arn, isARN := kind.ParseARN(role)
		for _, account := range accounts {
			if isARN {
				account = arn.Account
			}
			for _, region := range regions {
				if len(w.subjects) < mostSubjects {
					w.subjects = append(w.subjects, rules.Subject{Account: account, Region: region, Principal: role})
				}
			}
			if isARN {
				break
			}
		}
	}
	return w
}

// all says how far something holds for calls of an operation.
func (w *wishes) all(what string, o *operation, holds func(s *rules.Subject, p *kind.Part) bool) wish {
	key := wanted{what, o.name}
	if known, ok := w.known[key]; ok {
		return known
	}
	yes, no := false, false
	for _, s := range w.subjects {
		s.Kind = o.kind
		if holds(&s, &kind.Part{Kind: o.kind}) {
			yes = true
		} else {
			no = true
		}
	}
	out := off
	switch {
	case yes && no:
		out = sometimes
	case yes:
		out = on
	}
	w.known[key] = out
	return out
}

// fails says whether a rule is on, and whether an exception lets it be broken.
func (w *wishes) fails(id rules.ID, s *rules.Subject, p *kind.Part) (setting rules.Setting, excepted bool) {
	setting, _, _ = w.file.SettingFrom(id, s, p)
	x, _, _ := w.excepted.SettingFrom(id, s, p)
	return setting, x.On
}

// of says how far a rule is on for an operation.
func (w *wishes) of(id rules.ID, o *operation) wish {
	return w.all(string(id), o, func(s *rules.Subject, p *kind.Part) bool {
		setting, excepted := w.fails(id, s, p)
		return setting.On && !excepted && (id != rules.InteractiveAccess || o.enters(setting.Ways))
	})
}

// noVPC says how far the rules forbid calls without a VPC: open ones, which have a way
// of their own to the Internet, and those that are shut. Where no-own-internet is on,
// it and its exceptions decide about the open ones.
func (w *wishes) noVPC(o *operation) (open, shut wish) {
	open = w.all("open", o, func(s *rules.Subject, p *kind.Part) bool {
		vpc, vpcExcepted := w.fails(rules.VPCRequired, s, p)
		own, ownExcepted := w.fails(rules.NoOwnInternet, s, p)
		return own.On && !ownExcepted || !own.On && vpc.On && !vpcExcepted
	})
	return open, w.of(rules.VPCRequired, o)
}

// allows lists the ids that the rules let calls of an operation use, from any place
// that matters, of those that list and narrow name. The allow-lists are taken to be
// for all accounts and Regions.
func (w *wishes) allows(o *operation, matters func(place) bool, list func(*rules.Allow) []string, narrow func(*rules.Narrow) []string) []string {
	var all []string
	for i := range w.file.Allow {
		if a := &w.file.Allow[i]; len(a.Kinds) == 0 || slices.Contains(a.Kinds, string(o.kind)) {
			all = append(all, list(a)...)
		}
	}
	var out []string
	for _, s := range w.subjects {
		s.Kind = o.kind
		if !matters(placeOf(&s)) {
			continue
		}
		left := slices.Clone(all)
		for _, x := range w.file.Overrides {
			const fits rules.ID = "fits"
			one := rules.File{Overrides: []rules.Override{{Match: x.Match, Rules: rules.Settings{fits: {On: true}}}}}
			if x.Allow == nil || len(narrow(x.Allow)) == 0 {
				continue
			}
			if setting, _, _ := one.SettingFrom(fits, &s, &kind.Part{Kind: o.kind}); setting.On {
				left = slices.DeleteFunc(left, func(id string) bool { return !slices.Contains(narrow(x.Allow), id) })
			}
		}
		for _, id := range left {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
		if len(out) == len(all) {
			break
		}
	}
	return out
}

// placeOf is where a subject's calls come from.
func placeOf(s *rules.Subject) place {
	arn := s.Principal
	if !strings.HasPrefix(arn, "arn:") {
		arn = "arn:aws:iam::" + s.Account + ":" + arn
	}
	return place{principalARN: arn, principalAccount: s.Account, requestedRegion: s.Region}
}

// enters says whether the operation's requests show one of some ways in; none is all.
func (o *operation) enters(ways []posture.Way) bool {
	return len(ways) == 0 || o.carries(remoteAccess) && slices.Contains(ways, posture.RemoteAccess) ||
		o.carries(enableRemoteDebug) && slices.Contains(ways, posture.RemoteDebug)
}

// asked is what the rules ask of an operation, of what policies can answer; ok is
// false where they do not ask.
//
// Without a VPC a call fails vpc-required. It fails no-own-internet if it has a way of
// its own to the Internet: it is not isolated, or the direct way is not shut. With a
// VPC and such a way it fails no-bridge.
func (l *linter) asked(q Question, o *operation) (a ask, ok bool) {
	a, ok = o.asks[q]
	if !ok {
		return a, false
	}
	open, shut := l.wishes.noVPC(o)
	switch q {
	case NoVPC:
		a.open = shut == off && o.way() != nil
		return a, open != off
	case DirectInternet, DomainMode:
		if open != on {
			a.own, a.slips = true, unnamed(a)
		}
		return a, l.wishes.of(rules.NoBridge, o) != off
	case Subnets, SecurityGroups, Isolation, Encryption, Interactive:
	}
	return a, l.wishes.of(questions()[q].rules[0], o) != off
}

// unnamed is what no policy can stop of an update: it need not name the VPC.
func unnamed(a ask) string {
	if a.absent {
		return ""
	}
	return "of a domain whose VPC the update does not name"
}

// way is the setting beside the VPC that says whether a call without one has a way of
// its own to the Internet; nil where none does.
func (o *operation) way() *setting {
	for _, s := range settings() {
		if o.carries(s.name) && slices.Contains([]string{networkIsolation, directInternetAccess, appNetworkAccessType}, s.name) {
			return s
		}
	}
	return nil
}

// meansIt says whether the rules ask a question of some operation, or leave it to the
// policies: a rule that is not on by default, and that no part of the file switches on.
func (l *linter) meansIt(q Question) (byRules, byPolicies bool) {
	byRules = slices.ContainsFunc(operations(), func(o *operation) bool {
		_, ok := l.asked(q, o)
		return ok
	})
	return byRules, !byRules && !slices.ContainsFunc(questions()[q].rules, func(id rules.ID) bool { return rules.Default().Rules[id].On })
}
