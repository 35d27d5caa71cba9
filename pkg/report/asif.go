package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// sideNames are the sides of a comparison, as machines are told them.
var sideNames = [...]string{asif.Current: "current", asif.New: "as-if"}

// figure is one line of the totals of a comparison. What is of another is a part of
// it.
type figure struct {
	label string
	of    bool
	// always has it shown where there is nothing to count.
	always bool
	count  func(c *asif.Counts) int
}

// figures are the lines of the totals.
func figures() []figure {
	list := []figure{
		{label: "resources judged", always: true, count: func(c *asif.Counts) int { return c.Resources }},
		{label: "failed", always: true, count: func(c *asif.Counts) int { return c.Failed }},
	}
	for _, s := range rules.Severities() {
		list = append(list, figure{label: strings.ToLower(string(s)), of: true, count: func(c *asif.Counts) int { return c.Severity[s] }})
	}
	return append(
		list,
		figure{label: "could not be judged", count: func(c *asif.Counts) int { return c.Warned }},
		figure{label: "passed", count: func(c *asif.Counts) int { return c.Passed }},
		figure{label: "under no rule", count: func(c *asif.Counts) int { return c.NoRule }},
		figure{label: "allowed something by an exception", count: func(c *asif.Counts) int { return c.Excepted }},
		figure{label: "alerts", always: true, count: func(c *asif.Counts) int { return c.Alerts }},
		figure{label: "told in a daily digest", count: func(c *asif.Counts) int { return c.Digested }},
		figure{label: "told by the alert about their owner", count: func(c *asif.Counts) int { return c.Inherited }},
		figure{label: "not told: the mode is observe", count: func(c *asif.Counts) int { return c.Observed }},
		figure{label: "told to meet the rules again", count: func(c *asif.Counts) int { return c.Recovered }},
		figure{label: "stops announced", always: true, count: func(c *asif.Counts) int { return c.Announced }},
		figure{label: "would be stopped", always: true, count: func(c *asif.Counts) int { return c.Stopped }},
		figure{label: "held by the circuit breaker", always: true, count: func(c *asif.Counts) int { return c.Held }},
		figure{label: "ended before the stop", count: func(c *asif.Counts) int { return c.Ended }},
		figure{label: "not stopped, for another rail forbids it", count: func(c *asif.Counts) int { return c.Withheld }},
		figure{label: "could not be told", always: true, count: func(c *asif.Counts) int { return c.NotTold }},
		figure{label: "stopped, if it still ran", of: true, count: func(c *asif.Counts) int { return c.AssumedStopped }},
		figure{label: "held by the breaker, if it still ran", of: true, count: func(c *asif.Counts) int { return c.AssumedHeld }},
	)
}

// figureRows are the totals: current, as if, difference.
func figureRows(l asif.Line) (rows [][]string) {
	for _, f := range figures() {
		a, b := f.count(&l.Counts[asif.Current]), f.count(&l.Counts[asif.New])
		if a == 0 && b == 0 && !f.always {
			continue
		}
		label := f.label
		if f.of {
			label = "  " + label
		}
		rows = append(rows, []string{label, fmt.Sprint(a), fmt.Sprint(b), difference(a, b)})
	}
	return rows
}

func difference(a, b int) string {
	if a == b {
		return "0"
	}
	return fmt.Sprintf("%+d", b-a)
}

// pair is a count under both rules files: once, where it is the same.
func pair(a, b int) string {
	if a == b {
		return fmt.Sprint(a)
	}
	return fmt.Sprintf("%d → %d", a, b)
}

// groups are the columns and rows of a comparison by day, rule or team.
type groups struct {
	title   string
	columns []string
	rows    [][]string
}

func groupsOf(r *asif.Report) []groups {
	columns := []string{"JUDGED", "FAILED", "ALERTS", "STOPPED", "HELD", "NOT TOLD"}
	lines := func(title string, list []asif.Line, none string) groups {
		g := groups{title: title, columns: append([]string{title}, columns...)}
		for _, l := range list {
			a, b := &l.Counts[asif.Current], &l.Counts[asif.New]
			row := []string{
				name(l.Name), pair(a.Resources, b.Resources), pair(a.Failed, b.Failed), pair(a.Alerts, b.Alerts),
				pair(a.Stopped, b.Stopped), pair(a.Held, b.Held), pair(a.NotTold, b.NotTold),
			}
			if !slices.ContainsFunc(row[1:], func(cell string) bool { return cell != "0" }) {
				continue // a digest alone
			}
			if l.Name == "" {
				row[0] = none
			}
			g.rows = append(g.rows, row)
		}
		return g
	}
	byRule := groups{title: "RULE", columns: []string{"RULE", "FAILED", "EXCEPTED", "NOT TOLD"}}
	for _, l := range r.Rules() {
		byRule.rows = append(byRule.rows, []string{
			string(l.Rule), pair(l.Failed[asif.Current], l.Failed[asif.New]), pair(l.Excepted[asif.Current], l.Excepted[asif.New]), pair(l.NotTold[asif.Current], l.NotTold[asif.New]),
		})
	}
	exceptions := groups{title: "EXCEPTION", columns: []string{"EXCEPTION", "RULES FILE", "UNTIL", "USED BY", "EXPIRED FOR"}}
	for _, l := range r.Exceptions() {
		exceptions.rows = append(exceptions.rows, []string{
			name(l.ID), sideWords(l.Side), stamp(l.Expires), fmt.Sprint(l.Used), fmt.Sprint(l.Expired),
		})
	}
	var out []groups
	for _, g := range []groups{lines("DAY", r.Days(), ""), byRule, lines("TEAM", r.Teams(), "(nobody in particular)"), exceptions} {
		if len(g.rows) > 0 {
			out = append(out, g)
		}
	}
	return out
}

func sideWords(side int) string {
	if side == asif.New {
		return "as if"
	}
	return "current"
}

// stamp is a time as people read it; "-" is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateTime)
}

// periodWords say of what time and place a comparison is.
func periodWords(r *asif.Report, at *places) string {
	words := "no time"
	if !r.From.IsZero() {
		words = stamp(r.From) + " to " + stamp(r.To) + " UTC"
	}
	if place := at.common(); place != "" {
		words += ", " + place
	}
	return words
}

// breakerWords say what becomes of the circuit breakers.
func breakerWords(r *asif.Report) (said []string) {
	for side := range r.Breakers {
		for _, b := range r.Breakers[side] {
			where := strings.TrimSpace(name(b.Account) + " " + name(b.Region))
			why := finding.Plain(b.Why)
			words := ""
			switch {
			case !b.OpenedAt.IsZero():
				words = "opens at " + stamp(b.OpenedAt) + " UTC and stays open until somebody resets it: " + why
			case !b.AssumedAt.IsZero():
				words = "opens at " + stamp(b.AssumedAt) + " UTC and stays open until somebody resets it, if what is not told to have ended still ran: " + why
			default:
				words = "may open at " + stamp(b.MayOpenAt) + " UTC: " + why
			}
			said = append(said, fmt.Sprintf("%s, %s: %s", sideWords(side), where, words))
		}
	}
	return said
}

// outcomeWords say in a few words what a rules file makes of a resource.
func outcomeWords(o *asif.Outcome) string {
	said := []string{status(o.Compliance, o.Severity)}
	for _, id := range o.Excepted {
		said = append(said, "exception "+name(id))
	}
	alerts := map[string]int{}
	var order []string
	for _, a := range o.Alerts {
		word := alertWord(a)
		if alerts[word]++; alerts[word] == 1 {
			order = append(order, word)
		}
	}
	for _, word := range order {
		if n := alerts[word]; n > 1 {
			word = fmt.Sprintf("%d × %s", n, word)
		}
		said = append(said, word)
	}
	for _, s := range o.Stops {
		said = append(said, stopWords(&s))
	}
	return strings.Join(said, ", ")
}

func alertWord(a asif.Alert) string {
	if a.Recovered {
		return "told to meet the rules again"
	}
	switch a.How {
	case ledger.Sent:
		return "alert"
	case ledger.Digested:
		return "in a digest"
	case ledger.Inherited:
		return "in its owner's alert"
	case ledger.Observed:
		return "observed"
	case ledger.Suppressed:
	}
	return string(a.How)
}

func stopWords(s *asif.Stop) string {
	switch s.State {
	case asif.Stopped:
		return "stopped"
	case asif.Held:
		return "held by the breaker"
	case asif.Ended:
		return "ended before the stop"
	case asif.Withheld:
		return "not stopped"
	case asif.NotTold:
	}
	switch s.Assumed {
	case asif.Stopped:
		return "stopped if it still ran"
	case asif.Held:
		return "held if it still ran"
	case asif.Ended, asif.Withheld, asif.NotTold, "":
	}
	return "not told whether stopped"
}

// stopsOf are the stops that a person should look at, under each rules file, and
// how many more there are that certainly are not made.
func stopsOf(r *asif.Report) (list []asif.StopOf, withheld int) {
	for side := range r.Sides {
		for _, s := range r.Stops(side) {
			if s.State == asif.Withheld {
				withheld++
				continue
			}
			list = append(list, s)
		}
	}
	return list, withheld
}

// stopRow has the cells of a stop.
func stopRow(s *asif.StopOf) []string {
	at := stamp(s.At)
	if s.Resource.Judged.IsZero() {
		at = "-"
	}
	return []string{at, sideWords(s.Side), stopWords(&s.Stop), s.Operation, name(s.Resource.Name), string(s.Rule), actor(s.Resource.Origin.Actor)}
}

var stopColumns = []string{"AT", "RULES FILE", "WHAT", "OPERATION", "NAME", "RULE", "ACTOR"}

// assumptions are what is taken for granted, and what records cannot tell.
func assumptions() []string {
	return []string{
		"Taken for granted: every event arrived, SageMaker shows what the record of a call says, our role may stop, the kill switch was off, and nobody reset the breaker or asked for a stop by hand.",
		"Whether somebody suppressed a finding in Security Hub is in no record: the alerts are as many as there can be.",
		"A stop has the time of the record and of the grace after it; it comes seconds to a minute or two later, and some twenty minutes later where the rules look at tags. What ended within that time is not told; the budget is counted by the times of the records, so that of several within minutes another one may be the one too many.",
		"CloudTrail has no record of a job that ends by itself. The events that SageMaker sends to EventBridge have one: with them among the input it is told whether a job still ran.",
		"How many resources of a kind are live, for the share of the budget, is as many as certainly are. Where that is too few, all but the first stop of a kind in the budget's time are not told.",
		"What was there before the period is not judged. Under new rules it is: what fails then is told, and may be stopped too.",
	}
}

// asIfPlaces are where the resources of a comparison are.
func asIfPlaces(r *asif.Report) places {
	var at places
	for _, one := range r.Resources {
		at.add(one.Account, one.Region, "")
	}
	return at
}
