// Command publish counts what it takes to tell Security Hub of many resources at
// once: in the sandbox, over HTTP, in virtual time, with Security Hub's limit of 10
// calls a second and 30 at once.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// inCall is how many findings a call takes.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
const inCall = 100

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	n := flag.Int("findings", 10_000, "resources that fail, all at once")
	batch := flag.Int("batch", 1000, "changes of the ledger in a batch of the stream")
	flag.Parse()
	clock := sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC))
	world := sandbox.New(sandbox.Options{Clock: clock, Seed: 1})
	endpoint, stop, err := world.Start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	calls, refused := 0, 0
	world.Watch(func(c sandbox.Call) {
		if c.Done && c.Operation == "BatchImportFindings" {
			calls++
			if c.Outcome != "" {
				refused++
			}
		}
	})
	store := ledger.NewMemory(clock.Now)
	for i := range *n {
		e, err := entry(world, clock.Now(), i)
		if err == nil {
			err = store.PutEntry(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	key, secret := world.Credentials("sagemoat-publish", "publish")
	p := publish.New(publish.Options{
		Store: store, Account: world.Account(), Region: world.Region(),
		Hub: awsjson.New(aws.Config{
			Region: world.Region(), BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token"),
			Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}),
		DeadLetter: func(_ context.Context, l publish.Letter) error { return errors.New(l.Reason) },
		Now:        clock.Now, Sleep: clock.Sleep,
		Log: telemetry.New(io.Discard, slog.LevelInfo), Metrics: telemetry.NewMetrics(io.Discard, "publish", clock.Now),
	})
	began, virtual := time.Now(), clock.Now()
	for changes := range slices.Chunk(store.Drain(), *batch) {
		if failed, err := p.Handle(ctx, changes); err != nil || len(failed) > 0 {
			return fmt.Errorf("%d of %d changes failed: %w", len(failed), len(changes), err)
		}
	}
	took := clock.Now().Sub(virtual)
	lost := *n - len(world.Findings())
	fmt.Printf("%d findings in batches of %d, Security Hub takes 10 calls a second and 30 at once\n", *n, *batch)
	fmt.Printf("  %d calls (at least %d), %d throttled or refused, %d lost, %v (%.0f findings a second); of this machine's time %v\n",
		calls, (*n+inCall-1)/inCall, refused, lost, took.Round(10*time.Millisecond), float64(*n)/took.Seconds(), time.Since(began).Round(10*time.Millisecond))
	return nil
}

// entry is what the ledger holds of a training job that fails.
func entry(w *sandbox.World, now time.Time, i int) (*ledger.Entry, error) {
	row, ok := kind.Of(kind.TrainingJob)
	if !ok {
		return nil, errors.New("no training jobs")
	}
	name := fmt.Sprintf("job-%d", i)
	partition := kind.Partition(w.Region())
	e := &ledger.Entry{
		Resource: string(row.Kind) + "/" + name, Kind: row.Kind, Key: name, Name: name, ARN: row.Build(partition, w.Region(), w.Account(), name),
		Partition: partition, Account: w.Account(), Region: w.Region(), Created: now, FirstSeen: now,
		Life:    ledger.Life{At: now, State: ledger.Live},
		Verdict: ledger.Verdict{At: now, Class: string(verdict.C), Compliance: rules.Failed, Severity: rules.High},
	}
	f := finding.Finding{
		Row: row, Name: name, ARN: e.ARN, Partition: partition, Account: e.Account, Region: e.Region, Time: now, Created: now,
		Judgement: rules.Judgement{
			Verdict: verdict.Verdict{Class: verdict.C}, Compliance: rules.Failed, Severity: rules.High,
			Results: []rules.Result{{Rule: rules.NoOwnInternet, Result: rules.Failed, Severity: rules.High, Message: "leaves on its own path"}},
		},
		Source: kind.Source{Type: kind.ShapeCloudTrail, Event: "CreateTrainingJob", ID: "event"},
	}
	a, err := f.ASFF(now)
	if err == nil {
		e.Verdict.Finding, err = json.Marshal(a)
	}
	return e, err
}
