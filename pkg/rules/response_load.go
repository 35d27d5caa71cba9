package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// The forms of what only a response holds. A FIFO topic, whose name ends in
// .fifo, is refused: it reaches no e-mail address.
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html
var (
	teamForm     = form{regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`), "the name of a team", "use up to 64 letters, digits and . _ -, for example fraud-ml"}
	topicForm    = form{regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[0-9A-Za-z_-]{1,256}$`), "the ARN of a standard SNS topic", "write arn:aws:sns:eu-west-1:111122223333:name"}
	durationForm = form{regexp.MustCompile(`^([0-9]+[hms])+$`), "a duration", "write a number and a unit, for example 90s, 10m or 1h30m"}
)

// stopSeverities lists the severities that a failure can have, worst first.
func stopSeverities() []string {
	var out []string
	for _, s := range []Severity{Critical, High, Medium, Low} {
		out = append(out, strings.ToLower(string(s)))
	}
	return out
}

func (l *loader) response(n *node, r *Response) {
	l.fields(n, readers{
		"mode":   func(v *node) { r.Mode = l.mode(v) },
		"modes":  func(v *node) { r.Modes = eachItem(l, v, l.modeOverride) },
		"stop":   func(v *node) { l.rails(v, &r.Stop) },
		"routes": func(v *node) { r.Routes = eachItem(l, v, l.route) },
		"digest": func(v *node) {
			r.Digest = l.word("how often a digest is sent", []string{"daily", "never"})(v) == "daily"
		},
	})
}

func (l *loader) mode(n *node) Mode { return Mode(l.word("a mode", stringsOf(knownModes()))(n)) }

func (l *loader) modeOverride(n *node) ModeOverride {
	o := ModeOverride{Line: n.line}
	ok := l.fields(n, readers{
		"match": func(v *node) {
			for _, key := range []string{"tags", "names"} {
				l.refuse(v, key, "match by kinds, accounts, regions or roles",
					"a mode cannot depend on tags or names, for whoever creates a resource chooses them and could keep a stop away")
			}
			l.fields(v, l.common(&o.Match))
		},
		"mode": func(v *node) { o.Mode = l.mode(v) },
	})
	if !ok {
		return o
	}
	l.need(n, "match", "mode")
	for i, k := range o.Match.Kinds {
		if o.Mode == Stop && slices.Contains(l.kinds, k) && !Stoppable(kind.Kind(k)) {
			l.fail(n.get("match").get("kinds").items[i], "remove it, or write mode: notify",
				"%s cannot be stopped: AWS has no call for it but deletion, and nothing is ever deleted", shown(k))
		}
	}
	return o
}

func (l *loader) rails(n *node, r *Rails) {
	l.fields(n, readers{
		"severity": func(v *node) {
			r.Severity = Severity(strings.ToUpper(l.word("a severity of what fails", stopSeverities())(v)))
		},
		"grace": func(v *node) { r.Grace = l.duration(v, 0, "write 24h or less") },
		"budget": func(v *node) {
			l.fields(v, readers{
				"stops":  func(v *node) { r.Budget.Stops = l.number(v, 1000) },
				"within": func(v *node) { r.Budget.Within = l.duration(v, time.Minute, "write from 1m to 24h") },
				"share":  func(v *node) { r.Budget.Share = l.number(v, 100) },
			})
		},
	})
}

func (l *loader) route(n *node) Route {
	var r Route
	match := l.common(&r.Match)
	match["names"] = func(v *node) { r.Match.Names = l.texts(v, l.formed(nameForm)) }
	match["tags"] = func(v *node) { r.Match.Tags = l.tags(v) }
	match["pipelines"] = func(v *node) { r.Pipelines = l.texts(v, l.formed(nameForm)) }
	ok := l.fields(n, readers{
		"match": func(v *node) { l.fields(v, match) },
		"team":  func(v *node) { r.Team = l.formed(teamForm)(v) },
		"topic": func(v *node) { r.Topic = l.formed(topicForm)(v) },
	})
	if ok {
		l.need(n, "match", "team")
	}
	return r
}

// number reads a whole number from 1 to most.
func (l *loader) number(n *node, most int) int {
	remedy := "write a whole number from 1 to " + strconv.Itoa(most)
	i, err := strconv.Atoi(n.text)
	switch {
	case n.shape == refused:
	case n.shape != numberShape:
		l.fail(n, remedy, "found %s where a number belongs", n.found())
	case err != nil || strconv.Itoa(i) != n.text || i < 1 || i > most: // 010 is eight to some readers of YAML
		l.fail(n, remedy, "%s is not accepted", n.found())
	}
	return i
}

// duration reads a duration from least to a day.
func (l *loader) duration(n *node, least time.Duration, remedy string) time.Duration {
	if n.shape == numberShape {
		l.fail(n, durationForm.remedy, "%s has no unit", n.found())
		return 0
	}
	s := l.text(n)
	if s == "" {
		return 0
	}
	if !durationForm.pattern.MatchString(s) {
		l.fail(n, durationForm.remedy, "%s is not %s", n.found(), durationForm.what)
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < least || d > 24*time.Hour {
		l.fail(n, remedy, "%s is not accepted here", n.found())
	}
	return d
}
