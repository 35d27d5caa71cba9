package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

// timeline prints what happens, with the time since the last thing that a person
// did.
type timeline struct {
	out   io.Writer
	clock *sandbox.Virtual
	since time.Time
	// stopped are the resources that were asked to stop.
	stopped map[string]bool
	err     error
}

func (tl *timeline) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(tl.out, format, args...); err != nil && tl.err == nil {
		tl.err = err
	}
}

func (tl *timeline) scene(title string) { tl.printf("\n%s\n", text.Bold.Sprint(title)) }

// begin tells what a person does, and starts the time anew.
func (tl *timeline) begin(caller string, c userCall) {
	tl.since = tl.clock.Now()
	_, who, _ := strings.Cut(caller, "/")
	tl.line("", who, c.operation+"  "+c.words)
}

// line prints one line of the timeline.
func (tl *timeline) line(color, what, words string) {
	stamp := tl.clock.Now().Sub(tl.since).Round(time.Second)
	at := fmt.Sprintf("%*s", stampWidth, "+"+stamp.String())
	label := fmt.Sprintf("%-8s", what)
	switch color {
	case "red":
		label = text.FgRed.Sprint(label)
	case "green":
		label = text.FgGreen.Sprint(label)
	case "yellow":
		label = text.FgYellow.Sprint(label)
	}
	tl.printf("%s  %s  %s\n", text.Faint.Sprint(at), label, words)
}

// call prints what the functions ask AWS to do.
func (tl *timeline) call(c sandbox.Call) {
	if !c.Done || c.Outcome != "" || !strings.Contains(c.Caller, ":assumed-role/sagemoat-") {
		return
	}
	switch {
	case c.Operation == "BatchImportFindings":
		findings, _ := c.Input["Findings"].([]any)
		for _, one := range findings {
			f, _ := one.(map[string]any)
			compliance, _ := f["Compliance"].(map[string]any)
			tl.line("", "finding", fmt.Sprintf("Security Hub: %v: %v, %v", f["Title"], compliance["Status"], f["RecordState"]))
		}
	case c.Service == "sns" && c.Operation == "Publish":
		tl.line("yellow", "alert", fmt.Sprint(c.Input["Subject"]))
	case strings.Contains(c.Caller, "sagemoat-respond") && strings.HasPrefix(c.Operation, "Describe"):
		why := ", once more before the stop"
		if tl.stopped[c.Resource] {
			why = ", to see whether it stopped"
		}
		tl.line("", "look", c.Operation+" "+c.Resource+why)
	case c.Service == "sagemaker" && strings.HasPrefix(c.Operation, "Stop"):
		tl.stopped[c.Resource] = true
		tl.line("red", "stop", c.Operation+" "+c.Resource)
	}
}

// store is a ledger in memory that shows what is written.
type store struct {
	*ledger.Memory
	tl *timeline
}

func newStore(now func() time.Time, tl *timeline) store { return store{ledger.NewMemory(now), tl} }

// PutEntry shows verdicts and ends.
func (s store) PutEntry(ctx context.Context, e *ledger.Entry) error {
	old, err := s.Entry(ctx, e.Resource)
	if err != nil {
		return err
	}
	if err := s.Memory.PutEntry(ctx, e); err != nil {
		return err
	}
	v := &e.Verdict
	if old == nil || old.Verdict.Compliance != v.Compliance || old.Verdict.Class != v.Class {
		color := "green"
		switch v.Compliance {
		case rules.Failed:
			color = "red"
		case rules.Warning:
			color = "yellow"
		case rules.Passed, rules.NotAvailable, rules.Excepted:
		}
		how := "by the record alone"
		if v.Described {
			how = "by a fresh Describe"
		}
		s.tl.line(color, "verdict", strings.TrimRight(fmt.Sprintf("%s is class %s: %s %s", e.Resource, v.Class, v.Compliance, v.Severity), " ")+", "+how)
	}
	if old != nil && old.Life.State == ledger.Live && e.Life.State != ledger.Live {
		s.tl.line("", "life", fmt.Sprintf("%s: %s", e.Resource, strings.ToLower(strings.TrimSpace(string(e.Life.State)+" "+e.Life.Status))))
	}
	return nil
}

// PutResponse shows how far a stop came.
func (s store) PutResponse(ctx context.Context, r *ledger.Response) error {
	old, err := s.Response(ctx, r.Resource)
	if err != nil {
		return err
	}
	if err := s.Memory.PutResponse(ctx, r); err != nil {
		return err
	}
	if old == nil || old.Stop.State != r.Stop.State {
		switch r.Stop.State {
		case ledger.Announced:
			s.tl.line("yellow", "announce", r.Resource+" will be stopped")
		case ledger.Confirmed:
			s.tl.line("green", "confirm", r.Resource+" ended")
		case ledger.Withheld:
			s.tl.line("", "withheld", r.Resource+": "+r.Stop.Why)
		case ledger.Requested:
		}
	}
	return nil
}
