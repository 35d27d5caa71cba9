package report

import (
	"io"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/asif"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// The lines of a comparison. They are a public interface, with a JSON Schema in
// docs/asif.schema.json: members are added, never changed or taken away.
type (
	jsonPeriod struct {
		Type        string   `json:"type"`
		Current     string   `json:"current"`
		AsIf        string   `json:"asIf"`
		From        *string  `json:"from"`
		To          *string  `json:"to"`
		Assumptions []string `json:"assumptions"`
	}
	jsonCounts struct {
		Resources      int                    `json:"resources"`
		Failed         int                    `json:"failed"`
		Severity       map[rules.Severity]int `json:"severity"`
		Warning        int                    `json:"warning"`
		Passed         int                    `json:"passed"`
		NotAvailable   int                    `json:"notAvailable"`
		Excepted       int                    `json:"excepted"`
		Alerts         int                    `json:"alerts"`
		Digested       int                    `json:"digested"`
		Inherited      int                    `json:"inherited"`
		Observed       int                    `json:"observed"`
		Recovered      int                    `json:"recovered"`
		Announced      int                    `json:"announced"`
		Stopped        int                    `json:"stopped"`
		Held           int                    `json:"held"`
		Ended          int                    `json:"ended"`
		Withheld       int                    `json:"withheld"`
		NotTold        int                    `json:"notTold"`
		AssumedStopped int                    `json:"assumedStopped"`
		AssumedHeld    int                    `json:"assumedHeld"`
	}
	jsonCount struct {
		Type    string     `json:"type"`
		Name    *string    `json:"name"`
		Current jsonCounts `json:"current"`
		AsIf    jsonCounts `json:"asIf"`
	}
	jsonRuleCounts struct {
		Failed   int `json:"failed"`
		Excepted int `json:"excepted"`
		NotTold  int `json:"notTold"`
	}
	jsonRule struct {
		Type    string         `json:"type"`
		Rule    rules.ID       `json:"rule"`
		Current jsonRuleCounts `json:"current"`
		AsIf    jsonRuleCounts `json:"asIf"`
	}
	jsonException struct {
		Type    string `json:"type"`
		Side    string `json:"side"`
		ID      string `json:"id"`
		Expires string `json:"expires"`
		Used    int    `json:"used"`
		Expired int    `json:"expired"`
	}
	jsonBreaker struct {
		Type      string  `json:"type"`
		Side      string  `json:"side"`
		Account   *string `json:"account"`
		Region    *string `json:"region"`
		OpenedAt  *string `json:"openedAt"`
		MayOpenAt *string `json:"mayOpenAt"`
		AssumedAt *string `json:"assumedAt"`
		Why       string  `json:"why"`
	}
	// jsonOf names a resource.
	jsonOf struct {
		Kind    kind.Kind `json:"kind"`
		Name    string    `json:"name"`
		ARN     *string   `json:"arn"`
		Account *string   `json:"account"`
		Region  *string   `json:"region"`
		Created *string   `json:"created"`
		Actor   *string   `json:"actor"`
		Event   *string   `json:"event"`
		EventID *string   `json:"eventId"`
	}
	jsonFailure struct {
		ID        rules.ID         `json:"id"`
		Result    rules.Compliance `json:"result"`
		Severity  rules.Severity   `json:"severity"`
		Message   string           `json:"message"`
		Path      *string          `json:"path"`
		Exception *string          `json:"exception"`
	}
	jsonAlert struct {
		Time      string     `json:"time"`
		How       ledger.How `json:"how"`
		Recovered bool       `json:"recovered"`
	}
	jsonOutcome struct {
		Compliance rules.Compliance `json:"compliance"`
		Severity   *rules.Severity  `json:"severity"`
		Class      string           `json:"class"`
		Rules      []jsonFailure    `json:"rules"`
		Excepted   []string         `json:"excepted"`
		Expired    []string         `json:"expired"`
		Team       *string          `json:"team"`
		Mode       *rules.Mode      `json:"mode"`
		Alerts     []jsonAlert      `json:"alerts"`
		Stops      []jsonStop       `json:"stops"`
	}
	jsonStop struct {
		State       asif.State      `json:"state"`
		At          *string         `json:"at"`
		AnnouncedAt *string         `json:"announcedAt"`
		Announced   bool            `json:"announced"`
		Operation   *string         `json:"operation"`
		Rule        *rules.ID       `json:"rule"`
		Severity    *rules.Severity `json:"severity"`
		Why         *string         `json:"why"`
		Assumed     *asif.State     `json:"assumed"`
	}
	jsonDifference struct {
		Type string `json:"type"`
		jsonOf
		Current jsonOutcome `json:"current"`
		AsIf    jsonOutcome `json:"asIf"`
		Why     []string    `json:"why"`
	}
	jsonStopLine struct {
		Type string `json:"type"`
		Side string `json:"side"`
		jsonOf
		jsonStop
	}
)

// AsIfJSON writes a comparison, one object a line, as docs/asif.schema.json
// describes it: the period, totals, counts by day, team and rule, exceptions,
// breakers, the resources whose outcome differs, and every stop.
func AsIfJSON(w io.Writer, r *asif.Report, _ Options) error {
	lines := []any{jsonPeriod{
		Type: "period", Current: r.Sides[asif.Current].Name, AsIf: r.Sides[asif.New].Name,
		From: jsonTime(r.From), To: jsonTime(r.To), Assumptions: assumptions(),
	}}
	counted := func(typ string, list ...asif.Line) {
		for _, l := range list {
			lines = append(lines, jsonCount{typ, told(l.Name), jsonCountsOf(&l.Counts[asif.Current]), jsonCountsOf(&l.Counts[asif.New])})
		}
	}
	counted("total", r.Total())
	counted("day", r.Days()...)
	counted("team", r.Teams()...)
	for _, l := range r.Rules() {
		of := func(side int) jsonRuleCounts {
			return jsonRuleCounts{l.Failed[side], l.Excepted[side], l.NotTold[side]}
		}
		lines = append(lines, jsonRule{"rule", l.Rule, of(asif.Current), of(asif.New)})
	}
	for _, l := range r.Exceptions() {
		lines = append(lines, jsonException{"exception", sideNames[l.Side], l.ID, l.Expires.UTC().Format(time.RFC3339), l.Used, l.Expired})
	}
	for side := range r.Breakers {
		for _, b := range r.Breakers[side] {
			lines = append(lines, jsonBreaker{
				"breaker", sideNames[side], told(b.Account), told(b.Region),
				jsonTime(b.OpenedAt), jsonTime(b.MayOpenAt), jsonTime(b.AssumedAt), b.Why,
			})
		}
	}
	for _, one := range r.Differing() {
		lines = append(lines, jsonDifference{
			Type: "difference", jsonOf: jsonResource(one),
			Current: jsonOutcomeOf(&one.Outcomes[asif.Current]), AsIf: jsonOutcomeOf(&one.Outcomes[asif.New]), Why: one.Why,
		})
	}
	for side := range r.Sides {
		for _, s := range r.Stops(side) {
			lines = append(lines, jsonStopLine{"stop", sideNames[side], jsonResource(s.Resource), jsonStopOf(&s.Stop)})
		}
	}
	return jsonLines(w, lines)
}

func jsonTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return told(t.UTC().Format(time.RFC3339))
}

func jsonCountsOf(c *asif.Counts) jsonCounts {
	severity := map[rules.Severity]int{}
	for _, s := range rules.Severities() {
		if s != rules.Informational {
			severity[s] = c.Severity[s]
		}
	}
	return jsonCounts{
		Resources: c.Resources, Failed: c.Failed, Severity: severity, Warning: c.Warned, Passed: c.Passed, NotAvailable: c.NoRule, Excepted: c.Excepted,
		Alerts: c.Alerts, Digested: c.Digested, Inherited: c.Inherited, Observed: c.Observed, Recovered: c.Recovered,
		Announced: c.Announced, Stopped: c.Stopped, Held: c.Held, Ended: c.Ended, Withheld: c.Withheld, NotTold: c.NotTold,
		AssumedStopped: c.AssumedStopped, AssumedHeld: c.AssumedHeld,
	}
}

func jsonResource(r *asif.Resource) jsonOf {
	return jsonOf{
		Kind: r.Row.Kind, Name: r.Name, ARN: told(r.ARN), Account: told(r.Account), Region: told(r.Region), Created: jsonTime(r.Created),
		Actor: told(r.Origin.Actor), Event: told(r.Origin.Event), EventID: told(r.Origin.EventID),
	}
}

func jsonOutcomeOf(o *asif.Outcome) jsonOutcome {
	out := jsonOutcome{
		Compliance: o.Compliance, Severity: orNull(o.Severity), Class: o.Class, Team: told(o.Team), Mode: orNull(o.Mode),
		Rules: []jsonFailure{}, Excepted: append([]string{}, o.Excepted...), Expired: append([]string{}, o.Expired...), Alerts: []jsonAlert{}, Stops: []jsonStop{},
	}
	for _, r := range o.Results {
		out.Rules = append(out.Rules, jsonFailure{r.Rule, r.Result, r.Severity, r.Message, told(r.Path), told(r.Exception)})
	}
	for _, a := range o.Alerts {
		out.Alerts = append(out.Alerts, jsonAlert{a.At.UTC().Format(time.RFC3339), a.How, a.Recovered})
	}
	for i := range o.Stops {
		out.Stops = append(out.Stops, jsonStopOf(&o.Stops[i]))
	}
	return out
}

func jsonStopOf(s *asif.Stop) jsonStop {
	return jsonStop{
		State: s.State, At: jsonTime(s.At), AnnouncedAt: jsonTime(s.AnnouncedAt), Announced: s.Announced,
		Operation: told(s.Operation), Rule: orNull(s.Rule), Severity: orNull(s.Severity), Why: told(strings.TrimSpace(s.Why)), Assumed: orNull(s.Assumed),
	}
}

// orNull is null for what is empty.
func orNull[T ~string](v T) *T {
	if v == "" {
		return nil
	}
	return &v
}
