// Command demo shows sagemoat at work: people create resources in a sandbox of
// AWS, and a timeline shows what follows, from the event to the finding, the
// alert and the stop.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func main() {
	if err := run(context.Background(), os.Stdout, "demo/rules.yaml"); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out *os.File, rulesFile string) error {
	data, err := os.ReadFile(rulesFile) // #nosec G304 -- our own file
	if err != nil {
		return err
	}
	file, err := rules.Load(rulesFile, data, kind.Kinds())
	if err != nil {
		return err
	}
	if os.Getenv("NO_COLOR") != "" || !term.IsTerminal(int(out.Fd())) { // #nosec G115 -- a file descriptor
		text.DisableColors()
	}
	return show(ctx, out, file)
}

// show plays the scenes.
func show(ctx context.Context, out io.Writer, file *rules.File) error {
	clock := sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC))
	tl := &timeline{out: out, clock: clock, stopped: map[string]bool{}}
	store := newStore(clock.Now, tl)
	f, stop, err := flow.New(ctx, flow.Options{Clock: clock, Seed: 7, EventDelay: delay, Rules: file, Store: store})
	if err != nil {
		return err
	}
	defer stop()
	f.Every(ctx, time.Minute, f.Responder.Tick)
	f.World.Watch(tl.call)
	f.World.Subscribe(sandbox.Subscription{
		Topic: "arn:aws:sns:eu-west-1:111122223333:" + flow.Topic, Protocol: "email", Endpoint: "churn-ml@example.com",
		FilterPolicy: map[string][]string{"team": {"churn-ml"}},
	})
	_, _ = fmt.Fprintf(out, "AWS in memory, account 111122223333, eu-west-1. Its clock is a simulated one: events take %v,\nand a job that is stopped takes as long as AWS gives it.\n", delay)
	for _, s := range scenes() {
		tl.scene(s.title)
		f.World.SageMaker().SetCaller("arn:aws:sts::111122223333:assumed-role/" + s.caller)
		for _, c := range s.calls {
			tl.begin(s.caller, c)
			if _, err := f.World.SageMaker().Create(c.operation, c.input); err != nil {
				return fmt.Errorf("%s: %w", c.operation, err)
			}
			if err := f.Advance(ctx, c.then); err != nil {
				return err
			}
		}
	}
	tl.mail(f.World.Published())
	return tl.err
}

// delay is how long an event takes from CloudTrail to the queue, in the sandbox.
// AWS promises no time; 90 seconds at the 99th percentile were measured once.
// https://github.com/cloud-custodian/cloud-custodian/pull/965
const delay = 4 * time.Second

// stampWidth is the width of the column of times.
const stampWidth = 9

// mail prints what the team that owns the first job was sent.
func (tl *timeline) mail(sent []sandbox.Notification) {
	for _, n := range sent {
		for _, d := range n.Deliveries {
			if d.Protocol != "email" {
				continue
			}
			tl.scene("What churn-ml@example.com reads")
			tl.printf("  %s\n\n", text.Bold.Sprint(n.Subject))
			for line := range strings.Lines(d.Body) {
				tl.printf("  %s", line)
			}
			tl.printf("\n")
			return
		}
	}
}
