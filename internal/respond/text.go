package respond

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sagemoat/sagemoat/pkg/finding"
)

// shown is how many resources a text for people lists.
const shown = 25

// short is one paragraph, for text messages and whatever is subscribed by a
// protocol of its own.
func short(m *message) string {
	said := m.heading() + " in " + m.Account + " " + m.Region + "."
	if m.Text != "" {
		said += " " + m.Text
	}
	return said
}

// email is the body of an e-mail.
func email(m *message) string {
	var b strings.Builder
	if len(m.all) == 1 {
		emailOne(&b, m, &m.all[0])
	} else {
		emailMany(&b, m)
	}
	for _, note := range m.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", note)
	}
	fmt.Fprintf(&b, "\n-- \nsagemoat in account %s, %s. Message %s.\n", m.Account, m.Region, m.ID)
	return b.String()
}

func emailOne(b *strings.Builder, m *message, r *resource) {
	fmt.Fprintf(b, "%s.\n%s\n\n", r.Title, m.Text)
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(b, "%-10s%s\n", label, value)
		}
	}
	row("What", r.words+" "+r.Name)
	row("", "")
	if r.ARN != nil {
		row("ARN", *r.ARN)
	}
	row("Where", "account "+m.Account+", "+m.Region)
	row("Who", who(r))
	if r.Severity != nil && m.Type != recoveredType {
		row("Severity", string(*r.Severity))
	}
	row("Verdict", fmt.Sprintf("%s: class %s, data path %s", r.Compliance, r.Class, r.DataPath))
	if m.Team != nil {
		row("Team", *m.Team)
	}
	if m.Type == recoveredType {
		link(b, r)
		return
	}
	section(b, "Why", sentence(r.Description))
	section(b, "How to fix it", sentence(r.Remedy))
	if r.Paste != "" {
		section(b, "Settings to paste", r.Paste)
	}
	section(b, "How the finding closes", closes)
	link(b, r)
	if r.Doc != "" {
		fmt.Fprintf(b, "API reference: %s\n", r.Doc)
	}
}

// closes says how a finding closes, whatever it is about.
const closes = "By itself: the resource is judged again when it changes and on a schedule. The finding becomes PASSED when the rules are met, and is archived when the resource is deleted or the job has ended. " +
	"An exception is an entry in the rules file, with an owner, a reason and an end."

func section(b *strings.Builder, heading, text string) {
	if text != "" {
		fmt.Fprintf(b, "\n%s\n%s\n", heading, text)
	}
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func link(b *strings.Builder, r *resource) {
	if r.Finding == nil {
		return
	}
	b.WriteByte('\n')
	if r.Finding.URL != nil {
		fmt.Fprintf(b, "Finding in Security Hub: %s\n", *r.Finding.URL)
		return
	}
	fmt.Fprintf(b, "Finding in Security Hub: %s\n", r.Finding.ID)
}

func who(r *resource) string {
	said := "not known"
	if r.Actor != nil {
		said = *r.Actor
	}
	if r.Event != nil {
		said += " (" + *r.Event
		if r.Created != nil {
			said += ", " + stamp(*r.Created)
		}
		said += ")"
	}
	return said
}

func emailMany(b *strings.Builder, m *message) {
	fmt.Fprintf(b, "%s.\n", m.Title)
	if m.Text != "" {
		fmt.Fprintf(b, "%s\n", m.Text)
	}
	if m.Team != nil {
		fmt.Fprintf(b, "\nTeam      %s\n", *m.Team)
	}
	for i := range m.Resources[:min(shown, len(m.Resources))] {
		r := &m.Resources[i]
		fmt.Fprintf(b, "\n- %s%s\n  %s\n", severity(r), r.Title, r.Resource)
		if r.Actor != nil {
			fmt.Fprintf(b, "  by %s\n", *r.Actor)
		}
		if m.Type != digestType && r.Text != "" {
			fmt.Fprintf(b, "  %s\n", r.Text)
		}
	}
	if more := len(m.all) - shown; more > 0 {
		fmt.Fprintf(b, "\nand %d more, in Security Hub.\n", more)
	}
}

func severity(r *resource) string {
	if r.Severity == nil {
		return ""
	}
	return string(*r.Severity) + " "
}

// notification is what Amazon Q Developer in chat applications shows.
// https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
type notification struct {
	Version  string              `json:"version"`
	Source   string              `json:"source"`
	ID       string              `json:"id"`
	Content  notificationContent `json:"content"`
	Metadata notificationMeta    `json:"metadata"`
}

type notificationContent struct {
	TextType    string   `json:"textType"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	NextSteps   []string `json:"nextSteps,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
}

type notificationMeta struct {
	ThreadID         string            `json:"threadId"`
	Summary          string            `json:"summary"`
	EventType        string            `json:"eventType"`
	RelatedResources []string          `json:"relatedResources,omitempty"`
	Context          map[string]string `json:"additionalContext"`
}

// What a chat shows of long texts. The page of the schema tells no limits; these
// keep well below those of the chats, of which Slack's are the narrowest.
// https://docs.slack.dev/reference/block-kit/blocks/section-block/
const (
	mostChatTitle = 150
	mostChatText  = 2500
	chatShown     = 10
)

// chat is a message for a chat. All of it that somebody else may have chosen is
// escaped; the rest is written here.
func chat(m *message) notification {
	n := notification{
		Version: "1.0", Source: "custom", ID: m.ID,
		Content: notificationContent{
			TextType: "client-markdown", Title: finding.Clip(escape(m.heading()), mostChatTitle),
			Keywords: []string{"sagemoat", string(m.Type)},
		},
		Metadata: notificationMeta{
			ThreadID: m.ID, Summary: finding.Clip(escape(m.heading()), mostChatTitle), EventType: "sagemoat-" + string(m.Type),
			Context: map[string]string{"account": m.Account, "region": m.Region, "type": string(m.Type)},
		},
	}
	lines := []string{escape(m.Text)}
	if len(m.all) == 1 {
		lines = append(lines, chatOne(&n, m, &m.all[0])...)
	} else {
		for i := range m.Resources[:min(chatShown, len(m.Resources))] {
			r := &m.Resources[i]
			lines = append(lines, "• *"+escape(severity(r))+"*"+escape(r.Title))
		}
		if more := len(m.all) - chatShown; more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more, in Security Hub.", more))
		}
	}
	for _, note := range m.Notes {
		lines = append(lines, "_"+escape(note)+"_")
	}
	n.Content.Description = finding.Clip(strings.TrimSpace(strings.Join(lines, "\n")), mostChatText)
	return n
}

func chatOne(n *notification, m *message, r *resource) []string {
	n.Metadata.RelatedResources = []string{escape(r.Resource)}
	if r.ARN != nil {
		n.Metadata.RelatedResources = []string{escape(*r.ARN)}
	}
	if r.Finding != nil {
		n.Metadata.ThreadID = finding.Clip(escape(r.Finding.ID), mostName)
	}
	lines := []string{
		"*What:* " + escape(r.words+" "+r.Name),
		"*Where:* " + m.Account + " " + m.Region,
		"*Who:* " + escape(who(r)),
		"*Verdict:* " + escape(fmt.Sprintf("%s %sclass %s", r.Compliance, severity(r), r.Class)),
	}
	if r.Finding != nil && r.Finding.URL != nil {
		lines = append(lines, "<"+*r.Finding.URL+"|Finding in Security Hub>")
	}
	if m.Type != recoveredType && r.Description != "" {
		lines = append(lines, "*Why:* "+finding.Clip(escape(r.Description), mostChatText/2))
	}
	if m.Type != recoveredType && r.Remedy != "" {
		n.Content.NextSteps = []string{finding.Clip(escape(sentence(r.Remedy)), mostChatText/5)}
	}
	return lines
}

// escape makes a text mean nothing but itself in a chat: no mention, no link, no
// format. Slack reads &, < and > as entities; the characters of formats and links
// have no escape that all chats know, so look-alikes take their place.
// https://docs.slack.dev/messaging/formatting-message-text/
func escape(s string) string {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;",
		"*", "∗", "`", "ˋ", "~", "∼", "](", "] (", "://", "[:]//", "@", "＠",
	).Replace(s)
}
