// Package prevent writes, from the rules file, the policies that deny what the
// rules fail, and says what no policy can stop.
//
// It is pure: it knows the rules, the table of kinds and the condition keys that
// AWS documents, and asks nobody. Each statement denies, so that the policies stand
// beside those that allow.
//
// Two things hold for every statement. It never denies a call that the rules pass:
// a member's absence is denied only where every call that complies must carry it.
// And where AWS does not document whether a key is in the request's context when
// the member is left out, the statement is right for both answers.
package prevent

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Form is a form of policy.
type Form string

// The forms of policy.
const (
	// SCP is a service control policy. It binds the accounts of an organization, save
	// the management account, and no service-linked role.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
	SCP Form = "scp"
	// IAM is a managed policy to attach to roles.
	IAM Form = "iam"
	// Boundary is a managed policy to use as a permissions boundary: it allows
	// everything and denies. It is one policy.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
	Boundary Form = "boundary"
)

// Limits are the quotas of a form of policy.
type Limits struct {
	// Size is the largest policy. All characters of an SCP count, and all but white
	// space of a managed policy.
	Size int
	// Count is how many may be attached to one target. AWS's FullAWSAccess is one of
	// the SCPs.
	Count int
}

// Limits returns the quotas of the form.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (f Form) Limits() Limits {
	switch f {
	case SCP:
		return Limits{5120, 5}
	case IAM:
		return Limits{6144, 10}
	case Boundary:
	}
	return Limits{6144, 1}
}

// Options say what to write.
type Options struct {
	// Account limits the policies to one account, where they need not ask for it;
	// empty is every account.
	Account string
	// Now decides which exceptions have expired.
	Now time.Time
}

// Set is what a rules file becomes.
type Set struct {
	// Statements deny, in the order of the rules.
	Statements []Statement
	// Limits are what could not be expressed.
	Limits []Limit

	// by is which operations have a statement of which rule.
	by map[target]bool
}

type target struct {
	op   string
	rule rules.ID
}

// Statement is one statement of a policy.
type Statement struct {
	Sid         string    `json:"Sid"`
	Effect      string    `json:"Effect"`
	Action      Values    `json:"Action"`
	Resource    Values    `json:"Resource,omitempty"`
	NotResource Values    `json:"NotResource,omitempty"`
	Condition   Condition `json:"Condition,omitempty"`
	// Rules are the rules by which what it denies fails.
	Rules []rules.ID `json:"-"`
}

// Condition is operators, each with keys and the values of each key.
type Condition map[string]map[string]Values

// Values are the values of a key or an element; one is written without a list.
type Values []string

// MarshalJSON writes one value as a string, and several as a list.
func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// Document is a policy.
type Document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// newDocument is a policy in the present version of the language.
func newDocument(statements ...Statement) Document { return Document{"2012-10-17", statements} }

// Text is the policy as it is written: one statement a line, without white space
// otherwise, for every character of an SCP counts.
func (d Document) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{\"Version\":%q,\"Statement\":[", d.Version)
	for i, s := range d.Statement {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.WriteString(s.text())
	}
	b.WriteString("\n]}")
	return b.String()
}

// text is the statement as it is written.
func (s *Statement) text() string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // strings and lists of them
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// ErrTooLarge says that something does not fit a quota of AWS.
type ErrTooLarge struct {
	What        string
	Size, Limit int
}

// Error says what does not fit, and what to do.
func (e *ErrTooLarge) Error() string {
	return fmt.Sprintf("%s has %d characters, more than the %d that AWS takes: write a policy for one account (--account), or shorten the allow-lists", e.What, e.Size, e.Limit)
}

// Size is how much of the form's quota a policy takes, in characters. Of an SCP
// that is its file, of which the last character is a line break.
func (f Form) Size(d Document) int {
	n := len(d.Text()) + 1
	if f != SCP {
		n -= len(d.Statement) + 2 // line breaks; values have none
	}
	return n
}

// Policies returns the policies of a form, each within its quota, in a stable
// order. A set without statements has none. The error is [*ErrTooLarge].
func (s *Set) Policies(form Form) ([]Document, error) {
	if len(s.Statements) == 0 {
		return nil, nil
	}
	limit := form.Limits().Size
	if form == Boundary {
		everything := Statement{Sid: "AllowTheRest", Effect: "Allow", Action: Values{"*"}, Resource: Values{"*"}}
		d := newDocument(append([]Statement{everything}, s.Statements...)...)
		if n := form.Size(d); n > limit {
			return nil, &ErrTooLarge{"the boundary, which has to be one policy,", n, limit}
		}
		return []Document{d}, nil
	}
	var out []Document
	for _, st := range s.Statements {
		if n := form.Size(newDocument(st)); n > limit {
			return nil, &ErrTooLarge{"statement " + st.Sid, n, limit}
		}
		// The first that has room.
		i := slices.IndexFunc(out, func(d Document) bool {
			return form.Size(newDocument(append(slices.Clone(d.Statement), st)...)) <= limit
		})
		if i < 0 {
			out = append(out, newDocument(st))
			continue
		}
		out[i].Statement = append(out[i].Statement, st)
	}
	return out, nil
}

// Limit is something that a policy cannot express, so that less is denied than
// fails.
type Limit struct {
	Operation string
	Rule      rules.ID
	Where     string // in the rules file: overrides[2], exceptions[0] (EX-2026-001)
	Why       string
}

// sids gives each statement a Sid that says which rules it is of, in which each
// letter and digit is allowed and nothing else.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
func sids(statements []Statement) {
	seen := map[string]int{}
	for i := range statements {
		sid := ""
		for _, id := range statements[i].Rules {
			sid += camel(string(id))
		}
		seen[sid]++
		if n := seen[sid]; n > 1 {
			sid += fmt.Sprint(n)
		}
		statements[i].Sid = sid
	}
}

// camel joins words: no-own-internet becomes NoOwnInternet.
func camel(s string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(s, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// ruleRank is the place of a rule in [rules.IDs].
func ruleRank(id rules.ID) int { return slices.Index(rules.IDs(), id) }

func compareRules(a, b []rules.ID) int {
	return slices.CompareFunc(a, b, func(x, y rules.ID) int { return cmp.Compare(ruleRank(x), ruleRank(y)) })
}
