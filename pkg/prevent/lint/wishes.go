package lint

import (
	"slices"
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

// wanted is a rule and an operation.
type wanted struct {
	rule      rules.ID
	operation string
}

// wishes are how far the rules are on for operations.
type wishes struct {
	file     *rules.File
	subjects []rules.Subject
	known    map[wanted]wish
}

// mostSubjects is how many callers, accounts and Regions are told apart. Of more, the
// first are.
const mostSubjects = 4096

// newWishes gathers the callers, accounts and Regions that a rules file tells apart,
// and one that it does not name. An exception is an override that switches its rules
// off. Whoever calls chooses the tags and the name, so that no policy can hold what
// matches by them: such overrides are passed over.
func newWishes(f *rules.File, now time.Time) *wishes {
	w := &wishes{file: &rules.File{Rules: f.Rules}, known: map[wanted]wish{}}
	for _, o := range f.Overrides {
		if len(o.Match.Tags) == 0 && len(o.Match.Names) == 0 {
			w.file.Overrides = append(w.file.Overrides, o)
		}
	}
	for _, x := range f.Exceptions {
		if now.Before(x.Expires) && len(x.Match.Resources) == 0 {
			o := rules.Override{Match: x.Match, Rules: rules.Settings{}}
			for _, id := range x.Rules {
				o.Rules[id] = rules.Setting{}
			}
			w.file.Overrides = append(w.file.Overrides, o)
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
	for _, o := range w.file.Overrides {
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

// of says how far a rule is on for an operation.
func (w *wishes) of(id rules.ID, o *operation) wish {
	key := wanted{id, o.name}
	if known, ok := w.known[key]; ok {
		return known
	}
	yes, no := false, false
	for _, s := range w.subjects {
		s.Kind = o.kind
		setting, _, _ := w.file.SettingFrom(id, &s, &kind.Part{Kind: o.kind})
		if setting.On && (id != rules.InteractiveAccess || o.enters(setting.Ways)) {
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
	vpc, own := l.wishes.of(rules.VPCRequired, o), l.wishes.of(rules.NoOwnInternet, o)
	switch q {
	case NoVPC:
		a.open = vpc == off && own != off && o.way() != nil
		return a, vpc != off || own != off
	case DirectInternet, DomainMode:
		if vpc == off && own == off {
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
