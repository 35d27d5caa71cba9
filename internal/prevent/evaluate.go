// Package prevent tries policies: it asks iam-simulate whether they deny the calls
// that the rules fail, and allow the others.
package prevent

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent"
)

// Attached are policies, and how they are attached.
type Attached struct {
	Form     prevent.Form
	Policies []json.RawMessage
}

// Generated returns the policies that a rules file becomes.
func Generated(s *prevent.Set, form prevent.Form) (Attached, error) {
	a := Attached{Form: form}
	documents, err := s.Policies(form)
	for _, d := range documents {
		a.Policies = append(a.Policies, json.RawMessage(d.Text()))
	}
	return a, err
}

// Answer says what policies do to a call.
type Answer string

// The answers.
const (
	Allowed Answer = "allowed"
	Denied  Answer = "denied"
	// Depends is a call that is denied or not, as AWS fills the context: it does not
	// document that.
	Depends Answer = "depends"
	// NotEvaluated is a call that could not be evaluated; Why says why.
	NotEvaluated Answer = "not evaluated"
)

// Outcome is what policies do to one call.
type Outcome struct {
	Answer Answer
	// By are the Sids of the statements that deny, or the places of those without.
	By  []string
	Why string
}

// Progress is told how many of how many calls were evaluated. It may be nil.
type Progress func(done, of int)

// portion is how many calls are evaluated before progress is told.
const portion = 250

// Evaluate asks what policies do to calls, in their order. The observations are of
// API calls.
func Evaluate(ctx context.Context, sim *iamsim.Simulator, a Attached, calls []*kind.Observation, tell Progress) ([]Outcome, error) {
	out := make([]Outcome, 0, len(calls))
	for some := range slices.Chunk(calls, portion) {
		outcomes, err := evaluate(ctx, sim, a, some)
		if err != nil {
			return nil, err
		}
		if out = append(out, outcomes...); tell != nil {
			tell(len(out), len(calls))
		}
	}
	return out, nil
}

func evaluate(ctx context.Context, sim *iamsim.Simulator, a Attached, calls []*kind.Observation) ([]Outcome, error) {
	out := make([]Outcome, len(calls))
	var cases []iamsim.Case
	var of []int // the call of each case
	for i, o := range calls {
		r := RequestOf(o)
		if why := a.exempt(&r, o.Source.Actor); why != "" {
			out[i] = Outcome{Answer: Allowed, Why: why}
			continue
		}
		contexts, err := r.Contexts()
		if r.Principal == "" {
			err = errNobody
		}
		if err != nil {
			out[i] = Outcome{Answer: NotEvaluated, Why: err.Error()}
			continue
		}
		for _, c := range contexts {
			cases = append(cases, a.ask(&r, c))
			of = append(of, i)
		}
	}
	results, err := sim.Run(ctx, cases)
	if err != nil {
		return nil, err
	}
	for n, r := range results {
		out[of[n]].add(&r)
	}
	return out, nil
}

// RequestOf is the call that an observation tells of, as IAM met it.
func RequestOf(o *kind.Observation) prevent.Request {
	return prevent.Request{
		Row: o.Row, Call: o.Call, Doc: o.Doc, Principal: o.Principal,
		Partition: o.Partition, Account: o.Account, Region: o.Region, ARN: o.ARN,
	}
}

// errNobody says that a record has no caller.
var errNobody = errors.New("who called is not in the record")

// exempt says why policies of this form do not bind the caller.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
func (a *Attached) exempt(r *prevent.Request, actor string) string {
	_, known := kind.ParseARN(actor)
	switch {
	case r.Principal == "" && actor != "" && !known:
		return "an AWS service called, which no policy of this form binds"
	case a.Form == prevent.SCP && strings.Contains(r.Principal, ":role/aws-service-role/"):
		return "a service-linked role called, which no SCP binds"
	}
	return ""
}

// ask is the question about a request with one of its contexts.
func (a *Attached) ask(r *prevent.Request, c prevent.Context) iamsim.Case {
	q := iamsim.Case{
		Principal: r.Principal, Action: r.Action(), Resource: r.Resource(), ResourceAccount: r.Account, Context: c,
		Identity: []json.RawMessage{iamsim.FullAccess},
	}
	switch a.Form {
	case prevent.SCP:
		q.SCPs = append([]json.RawMessage{iamsim.FullAccess}, a.Policies...)
	case prevent.IAM:
		q.Identity = append(q.Identity, a.Policies...)
	case prevent.Boundary:
		q.Boundary = a.Policies
	}
	return q
}

// add takes in the answer for one of the contexts.
func (o *Outcome) add(r *iamsim.Result) {
	answer := Denied
	switch {
	case r.Error == "invalid.action":
		o.Answer, o.Why = NotEvaluated, "iam-simulate does not know the action: it is newer than its data"
		return
	case r.Error != "":
		o.Answer, o.Why = NotEvaluated, "iam-simulate: "+r.Error
		return
	case len(r.Ignored) > 0:
		// The key is not one of the action: our reading of the request is wrong.
		o.Answer, o.Why = NotEvaluated, "the action has no key "+strings.Join(r.Ignored, ", ")
		return
	case r.Decision == iamsim.Allowed:
		answer = Allowed
	default:
		for _, m := range r.Matched {
			_, sid, _ := strings.Cut(m, " ")
			if !slices.Contains(o.By, sid) {
				o.By = append(o.By, sid)
			}
		}
	}
	switch o.Answer {
	case NotEvaluated:
	case "", answer:
		o.Answer = answer
	case Allowed, Denied, Depends:
		o.Answer = Depends
	}
}
