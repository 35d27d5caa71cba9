package respond

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/decide"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// messageType says what a message is about.
type messageType string

// The types.
const (
	alertType     messageType = "alert"     // something fails the rules: new, or worse than before
	digestType    messageType = "digest"    // what was found at once, or what could not be judged in a day
	stopType      messageType = "stop"      // a stop is announced, done, or not made
	recoveredType messageType = "recovered" // it meets the rules again
	pageType      messageType = "page"      // the circuit breaker opened
)

// message is what is told at once. It is the JSON that machines get:
// docs/alert.schema.json describes it.
type message struct {
	Version   int         `json:"version"`
	Type      messageType `json:"type"`
	ID        string      `json:"id"`
	Time      time.Time   `json:"time"`
	Partition string      `json:"partition"`
	Account   string      `json:"account"`
	Region    string      `json:"region"`
	Team      *string     `json:"team"`
	Title     string      `json:"title"`
	Text      string      `json:"text"`
	Notes     []string    `json:"notes"`
	Resources []resource  `json:"resources"`
	// Omitted is how many more resources the message is about.
	Omitted int `json:"omitted"`

	topic string
	all   []resource // with those omitted
}

// resource is one of what a message is about.
type resource struct {
	Resource    string           `json:"resource"`
	Kind        kind.Kind        `json:"kind"`
	Name        string           `json:"name"`
	ARN         *string          `json:"arn"`
	Created     *time.Time       `json:"created"`
	Class       string           `json:"class"`
	DataPath    string           `json:"dataPath"`
	Compliance  rules.Compliance `json:"compliance"`
	Severity    *rules.Severity  `json:"severity"`
	Exception   *string          `json:"exception"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Remedy      string           `json:"remedy"`
	Paste       string           `json:"paste"`
	Doc         string           `json:"doc"`
	Owner       *string          `json:"owner"`
	Actor       *string          `json:"actor"`
	Event       *string          `json:"event"`
	EventID     *string          `json:"eventId"`
	Finding     *findingLink     `json:"finding"`
	Stop        *stopNote        `json:"stop"`
	// What the text says of it.
	Text string `json:"text"`

	words string
}

type findingLink struct {
	ID  string  `json:"id"`
	URL *string `json:"url"`
}

// stopNote is how far a stop came.
type stopNote struct {
	State     ledger.StopState `json:"state"`
	Operation string           `json:"operation"`
	At        *time.Time       `json:"at"`
	By        string           `json:"by"`
	Why       *string          `json:"why"`
}

// or is null for what is empty.
func or[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// safe is a text that somebody else may have chosen, fit to be shown: without
// what cannot be seen, not too long, and without what a mail program or a chat
// would make a link of.
func safe(s string, most int) string {
	return finding.Clip(strings.ReplaceAll(finding.Plain(s), "://", "[:]//"), most)
}

// The longest texts, in bytes.
const (
	mostName   = 256
	mostTitle  = 300
	mostText   = 2048
	mostPaste  = 4096
	mostListed = 100 // resources in one message
)

// resource is a tell as machines are told it. Of one among many the long texts
// are left out.
func (t *tell) resource(now time.Time, grace time.Duration, brief bool) resource {
	e, v := t.Entry, t.Entry.Verdict
	out := resource{
		Resource: safe(e.Resource, 2*mostName), Kind: e.Kind, Name: safe(e.Name, mostName), ARN: or(safe(e.ARN, 2*mostName)),
		Class: v.Class, DataPath: v.DataPath, Compliance: v.Compliance, Severity: or(v.Severity), Exception: or(safe(v.Exception, mostName)),
		Title: safe(cmp.Or(v.Notice.Title, e.Resource), mostTitle),
		Owner: or(safe(v.Notice.Owner, 2*mostName)), Actor: or(safe(e.Origin.Actor, 2*mostName)),
		Event: or(safe(e.Origin.Event, mostName)), EventID: or(safe(e.Origin.EventID, mostName)),
		Text: t.lead, words: t.Row.Words,
	}
	if !e.Created.IsZero() {
		created := e.Created.UTC()
		out.Created = &created
	}
	if id := identify(e); id.ID != "" {
		out.Finding = &findingLink{ID: id.ID, URL: or(consoleLink(e.Region, id.ID))}
	}
	if s := t.stop; s != nil {
		out.Stop = &stopNote{State: s.State, Operation: s.Operation, By: safe(s.By, 2*mostName), Why: or(safe(s.Why, mostText))}
		at := now
		if s.State == ledger.Announced {
			at = s.AnnouncedAt.Add(grace)
		}
		out.Stop.At = &at
	}
	if brief {
		return out
	}
	out.Description, out.Remedy = safe(v.Notice.Description, mostText), safe(v.Notice.Remedy, mostText)
	if len(v.Notice.Paste) <= mostPaste && json.Valid([]byte(v.Notice.Paste)) { // half a fragment is worth nothing
		out.Paste = printable(v.Notice.Paste)
	}
	out.Doc = finding.Clip(finding.Plain(v.Notice.Doc), mostName)
	return out
}

// printable is indented JSON without control characters but its line breaks.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = strings.Repeat(" ", indent) + safe(line, mostPaste)
	}
	return strings.Join(lines, "\n")
}

// compose writes a message about a group: of one type, for one team.
func (r *round) compose(group []*tell) *message {
	first, now := group[0], r.now()
	n := first.Entry.Verdict.Notice
	m := &message{
		Version: 1, Type: first.kind, Time: now,
		Partition: r.Scope.Partition, Account: r.Scope.Account, Region: r.Scope.Region,
		Team: or(n.Team), Notes: []string{}, topic: r.topic(first.Entry),
	}
	var prints []string
	for _, t := range group {
		grace := time.Duration(0)
		if t.stop != nil {
			grace = r.circumstances().Grace(t.stop)
		}
		m.all = append(m.all, t.resource(now, grace, len(group) > 1))
		prints = append(prints, t.fingerprint())
		for _, note := range t.notes {
			if !slices.Contains(m.Notes, note) {
				m.Notes = append(m.Notes, note)
			}
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(prints, "\n")))
	m.ID = hex.EncodeToString(sum[:16])
	slices.SortStableFunc(m.all, func(a, b resource) int {
		return cmp.Or(worse(a.Severity, b.Severity), cmp.Compare(a.Resource, b.Resource))
	})
	m.list(mostListed)
	m.Title, m.Text = m.all[0].Title, first.lead
	if len(group) > 1 {
		m.Title, m.Text = fmt.Sprintf("%d %s", len(group), plural(first.kind)), ""
		if first.kind == digestType {
			m.Text = first.lead
		}
	} else if first.kind == digestType {
		m.Title = "1 " + strings.Replace(plural(first.kind), "resources", "resource", 1)
	}
	if first.kind == digestType && first.Entry.Verdict.Compliance == rules.Warning {
		m.Title = strings.Replace(m.Title, "fail the network rules", "could not be judged", 1)
	}
	return m
}

// list keeps no more than so many resources in the message.
func (m *message) list(most int) {
	m.Resources = m.all[:min(most, len(m.all))]
	m.Omitted = len(m.all) - len(m.Resources)
}

func worse(a, b *rules.Severity) int {
	rank := func(s *rules.Severity) int {
		if s == nil {
			return len(rules.Severities())
		}
		return slices.Index(rules.Severities(), *s)
	}
	return cmp.Compare(rank(a), rank(b))
}

// plural is what several of a type are about.
func plural(t messageType) string {
	switch t {
	case alertType, digestType:
		return "resources that fail the network rules"
	case stopType:
		return "stops"
	case recoveredType:
		return "resources that meet the network rules again"
	case pageType:
	}
	return ""
}

// fingerprint is the same for the same message: what it is about, what was
// judged, what was told before. A message that is sent twice has it twice.
func (t *tell) fingerprint() string {
	v, before := t.Entry.Verdict, t.Response
	parts := []any{
		t.kind, t.Entry.Resource, t.Entry.Created.UTC(), v.Compliance, v.Severity, v.Class, v.Exception,
		before.Alert.At.UTC(), before.Stop.State, before.Stop.AnnouncedAt.UTC(), before.Stop.EndedAt.UTC(),
	}
	if t.stop != nil {
		parts = append(parts, t.stop.State, t.stop.By, t.stop.Why)
	}
	b, err := json.Marshal(parts)
	if err != nil {
		return fmt.Sprint(parts...)
	}
	return string(b)
}

// composePage writes the message that the breaker opened.
func (h *Handler) composePage(b *decide.Breaker) *message {
	sum := sha256.Sum256([]byte(b.OpenedAt.UTC().Format(time.RFC3339Nano) + b.Why))
	return &message{
		Version: 1, Type: pageType, ID: hex.EncodeToString(sum[:16]), Time: h.now(),
		Partition: h.Scope.Partition, Account: h.Scope.Account, Region: h.Scope.Region,
		Title: "The circuit breaker opened: nothing more is stopped",
		Text: "More was to be stopped than the rules allow: " + safe(b.Why, mostText) + ". " +
			"Stops that were announced are held back. See whether the rules say what they should, then reset the breaker: until somebody does, nothing is stopped.",
		Notes: []string{}, Resources: []resource{}, topic: h.Topic,
	}
}

// stamp is a time as people read it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// consoleLink opens a finding in the console; it is empty where the partition's
// console has no public address. The console takes the id encoded twice.
// https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/what-is.html
// https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Beijing.html
// https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/getting-started-sign-in.html
func consoleLink(region, id string) string {
	host, ok := map[string]string{
		"aws":        region + ".console.aws.amazon.com",
		"aws-cn":     region + ".console.amazonaws.cn",
		"aws-us-gov": region + ".console.amazonaws-us-gov.com",
		"aws-eusc":   region + ".console.amazonaws-eusc.eu",
	}[kind.Partition(region)]
	if !ok {
		return ""
	}
	return "https://" + host + "/securityhub/home?region=" + region +
		"#/findings?search=Id%3D%255Coperator%255C%253AEQUALS%255C%253A" + encode(encode(id))
}

func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
