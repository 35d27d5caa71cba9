package asif

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// why says what made the difference between the two outcomes of a resource: the
// rules that say something else and what set them, exceptions, the mode, the rails.
// It is empty where there is no difference.
func (h *history) why(r *Resource) []string {
	a, b := &r.Outcomes[Current], &r.Outcomes[New]
	var said []string
	for _, id := range rules.IDs() {
		x, y := find(a.Results, id), find(b.Results, id)
		if x.Result == y.Result && x.Severity == y.Severity && x.Exception == y.Exception {
			continue
		}
		said = append(said, fmt.Sprintf("%s: %s (as if), %s (current)", id, h.says(New, r, id, y), h.says(Current, r, id, x)))
	}
	for _, id := range b.Expired {
		if !slices.Contains(a.Expired, id) {
			said = append(said, fmt.Sprintf("exception %s had expired (as if)", id))
		}
	}
	for _, id := range a.Expired {
		if !slices.Contains(b.Expired, id) {
			said = append(said, fmt.Sprintf("exception %s had expired (current)", id))
		}
	}
	alerted := len(a.Alerts)+len(b.Alerts) > 0
	if a.Team != b.Team && alerted {
		said = append(said, fmt.Sprintf("team: %s (as if), %s (current)", team(b.Team), team(a.Team)))
	}
	if same(a, b) && len(said) == 0 {
		return nil
	}
	acted := alerted || len(a.Stops)+len(b.Stops) > 0
	if a.Mode != b.Mode && a.Mode != "" && b.Mode != "" && acted {
		said = append(said, fmt.Sprintf("mode: %s (as if), %s (current)", h.mode(New, r), h.mode(Current, r)))
	}
	if !slices.EqualFunc(a.Stops, b.Stops, sameStop) {
		said = append(said, h.rails(a, b)...)
	}
	if len(said) == 0 {
		said = []string{"what it belongs to is judged otherwise"}
	}
	return said
}

// same says whether two outcomes are the same for whoever made the resource.
func same(a, b *Outcome) bool {
	return a.Compliance == b.Compliance && a.Severity == b.Severity && a.Class == b.Class &&
		slices.Equal(a.Alerts, b.Alerts) && slices.EqualFunc(a.Stops, b.Stops, sameStop) && slices.Equal(a.Excepted, b.Excepted)
}

func sameStop(a, b Stop) bool {
	return a.State == b.State && a.At.Equal(b.At) && a.AnnouncedAt.Equal(b.AnnouncedAt) && a.Announced == b.Announced && a.Why == b.Why && a.Assumed == b.Assumed
}

func find(results []rules.Result, id rules.ID) rules.Result {
	i := slices.IndexFunc(results, func(r rules.Result) bool { return r.Rule == id })
	if i < 0 {
		return rules.Result{}
	}
	return results[i]
}

func team(name string) string {
	if name == "" {
		return "the default topic"
	}
	return name
}

// says is what a rules file says of a rule for a resource, and what set it.
func (h *history) says(side int, r *Resource, id rules.ID, result rules.Result) string {
	o := r.Outcomes[side].record
	s := h.subject(o)
	file := h.o.Sides[side].File
	on, from := false, ""
	part := &kind.Part{}
	for i := range s.Parts {
		setting, line, unsure := file.SettingFrom(id, s, &s.Parts[i])
		if i == 0 || setting.On && !on {
			on, part = setting.On, &s.Parts[i]
			from = byOverride(line)
			if unsure {
				from += ", where another override may match"
			}
		}
	}
	switch result.Result {
	case rules.Failed:
		if line := file.NarrowedFrom(s, part); line > 0 && (id == rules.SubnetAllowed || id == rules.SecurityGroupAllowed) {
			from = byOverride(line)
		}
		return fmt.Sprintf("FAILED %s%s: %s", result.Severity, from, result.Message)
	case rules.Warning:
		return "cannot be told" + from
	case rules.Excepted:
		return "allowed by exception " + result.Exception
	case rules.Passed, rules.NotAvailable:
	}
	if !on {
		return "off" + from
	}
	return "no failure" + from
}

func byOverride(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" by the override on line %d", line)
}

// mode is the mode of a resource, and what set it.
func (h *history) mode(side int, r *Resource) string {
	s := rules.Observed(r.Outcomes[side].record, nil)
	if s.Principal == "" {
		s.Principal = r.Origin.Principal
	}
	mode, line := h.o.Sides[side].File.ModeFrom(s)
	if line == 0 {
		return string(mode)
	}
	return fmt.Sprintf("%s by line %d", mode, line)
}

// rails are the differences between what the two files allow of stops, as far as
// they can make a difference where both ask for one.
func (h *history) rails(a, b *Outcome) (said []string) {
	if a.Mode != rules.Stop || b.Mode != rules.Stop {
		return nil
	}
	x, y := h.o.Sides[Current].File.Response.Stop, h.o.Sides[New].File.Response.Stop
	if x.Severity != y.Severity {
		said = append(said, fmt.Sprintf("stops what is at least: %s (as if), %s (current)", strings.ToLower(string(y.Severity)), strings.ToLower(string(x.Severity))))
	}
	if x.Grace != y.Grace {
		said = append(said, fmt.Sprintf("grace: %s (as if), %s (current)", duration(y.Grace), duration(x.Grace)))
	}
	if x.Budget != y.Budget {
		said = append(said, fmt.Sprintf("budget: %s (as if), %s (current)", budget(y.Budget), budget(x.Budget)))
	}
	if len(said) == 0 {
		said = append(said, "other stops left other room in the budget")
	}
	return said
}

func budget(b rules.Budget) string {
	return fmt.Sprintf("%d in %s and %d %%", b.Stops, duration(b.Within), b.Share)
}

// duration is a duration without what is nothing: 10m, and not 10m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
