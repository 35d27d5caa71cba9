// Package lint reads the SCPs and IAM policies that are there, and says what they
// do not stop and which compliant calls they break.
//
// Each statement is looked at by itself, for what AWS documents it to do and what
// its author will have meant; then the whole set is tried on every request that a
// caller can send, as far as policies can tell requests apart: each member left
// out, compliant, not compliant. What AWS does not document is unknown, and what is
// unknown is never counted as stopped.
package lint

import (
	"fmt"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Report is what there is to say of a set of policies.
type Report struct {
	Findings []*Finding // the worst first
	Coverage []Row      // by operation, in the order of the table of kinds
	// Through are the principals that can do what a rule forbids; nil where no input
	// tells of principals.
	Through []Through
	// Policies and Statements count what was read, and About the statements of them
	// that are about an operation of the coverage.
	Policies, Statements, About int
	// Everyone says that the coverage counts only what applies to every principal,
	// for it is known which policies do.
	Everyone bool
}

// Row is the coverage of one operation.
type Row struct {
	Operation string
	Cells     map[Question]Cell // without those that mean nothing for the operation
}

// Options say what the policies are held to.
type Options struct {
	// Rules are what the organisation wants. What it does not ask for is told, and
	// does not count.
	Rules *rules.File
	// Now decides which exceptions are in force; at the zero time none is.
	Now time.Time
}

// linter gathers what is found in a set.
type linter struct {
	set      *Set
	rules    *rules.File
	wishes   *wishes
	memory   *memory
	report   *Report
	everyone []*Statement // those that deny, and apply to every principal
	// cells are the coverage, and judged that of what the rules forbid.
	cells, judged map[string]map[Question]Cell
	// shut are the statements that deny ids for all calls, by setting and operation.
	shut map[wanted][]*Statement
}

// Run lints a set of policies.
func Run(set *Set, o Options) *Report {
	set.attach()
	l := &linter{
		set: set, rules: o.Rules, wishes: newWishes(o.Rules, o.Now), memory: &memory{}, report: &Report{Policies: len(set.Policies), Everyone: len(set.Principals) > 0},
		cells: map[string]map[Question]Cell{}, judged: map[string]map[Question]Cell{}, shut: map[wanted][]*Statement{},
	}
	for _, p := range set.Policies {
		for _, s := range p.Statements {
			l.report.Statements++
			if slices.ContainsFunc(operations(), func(o *operation) bool { return len(o.asks) > 0 && s.actsOn(o.name) }) {
				l.report.About++
			}
			if s.Effect == Deny && (!l.report.Everyone || p.Type == SCP || p.Type == Unattached) {
				l.everyone = append(l.everyone, s)
			}
			if p.Type != ManagedAWS {
				l.report.Findings = append(l.report.Findings, l.statement(s)...)
			}
		}
	}
	l.cover()
	l.contradicts()
	l.differs()
	l.absence()
	l.whole()
	l.through()
	severe(l.report.Findings)
	return l.report
}

// Fails says whether something was found that counts.
func (r *Report) Fails() bool { return slices.ContainsFunc(r.Findings, (*Finding).Counts) }

// cover answers every question for every operation.
func (l *linter) cover() {
	for _, o := range operations() {
		if len(o.asks) == 0 && o.elsewhere == "" {
			continue
		}
		row := Row{Operation: o.name, Cells: map[Question]Cell{}}
		if len(o.asks) == 0 {
			row.Cells[NoVPC] = Cell{State: Elsewhere, Why: "decided by its " + o.elsewhere}
		}
		v := l.memory.view(o, l.everyone)
		judged := map[Question]Cell{}
		for q, a := range o.asks {
			row.Cells[q] = v.cover(q, a)
			judged[q] = row.Cells[q]
			if asked, ok := l.asked(q, o); ok && asked != a {
				judged[q] = v.cover(q, asked)
			}
		}
		l.cells[o.name], l.judged[o.name] = row.Cells, judged
		l.report.Coverage = append(l.report.Coverage, row)
	}
}

// add adds a finding about the set.
func (l *linter) add(id ID, q Question, severity rules.Severity, by []*Statement, fix string, names []string, format string, args ...any) {
	f := &Finding{ID: id, Severity: severity, Question: q, Operations: names, Found: fmt.Sprintf(format, args...), Fix: fix}
	slices.Sort(f.Operations)
	switch {
	case len(by) > 0:
		f.Where, f.Policy, f.Statement = by[0].Where, by[0].Policy.Name, by[0].label()
	case len(l.set.Policies) == 1:
		f.Where, f.Policy = l.set.Policies[0].Where, l.set.Policies[0].Name
	}
	l.report.Findings = append(l.report.Findings, f)
}

// listedBy are the ids that rules list, for whatever operation.
func listedBy(f *rules.File) lists {
	out := lists{}
	for _, a := range f.Allow {
		out[vpcSubnets] = append(out[vpcSubnets], a.Subnets...)
		out[vpcSecurityGroups] = append(out[vpcSecurityGroups], a.SecurityGroups...)
	}
	return out
}

// ids are those that the rules list, else those that the policies do, else
// examples to replace.
func (l *linter) ids() lists {
	out := listedBy(l.rules)
	found := l.memory.listed(l.everyone)
	for _, name := range []string{vpcSubnets, vpcSecurityGroups} {
		if len(out[name]) == 0 {
			out[name] = found[name]
		}
		if len(out[name]) == 0 {
			out[name] = []string{found.fine(name)}
		}
		out[name] = slices.Sorted(slices.Values(out[name]))
		out[name] = slices.Compact(out[name])
	}
	return out
}
