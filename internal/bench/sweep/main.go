// Command sweep counts what the sweep asks SageMaker for in an account with many
// finished jobs and few that run: in the sandbox, over HTTP, in virtual time.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/internal/sweep"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}

const (
	every = 15 * time.Minute
	role  = "arn:aws:iam::111122223333:role/SageMakerExecution"
)

func run(ctx context.Context) error {
	finished := flag.Int("finished", 500_000, "training jobs that are finished, created one a second until now")
	live := flag.Int("live", 50, "training jobs that run")
	sweeps := flag.Int("sweeps", 4, "sweeps, one every 15 minutes")
	flag.Parse()
	clock := sandbox.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	f, stop, err := flow.New(ctx, flow.Options{Clock: clock, Seed: 1})
	if err != nil {
		return err
	}
	defer stop()
	if err := jobs(f.World, *finished, *live); err != nil {
		return err
	}
	calls, training := map[string]int{}, 0
	f.World.Watch(func(c sandbox.Call) {
		if c.Done && c.Service == "sagemaker" && strings.Contains(c.Caller, "/sagemoat-sweep/") {
			calls[c.Operation]++
			if c.Operation == "ListTrainingJobs" || c.Operation == "Search" && c.Input["Resource"] == "TrainingJob" {
				training++
			}
		}
	})
	s, stopped, err := sweeper(ctx, f)
	if err != nil {
		return err
	}
	defer stopped()
	fmt.Printf("%d finished and %d running training jobs, at most 2 calls a second\n", *finished, *live)
	fmt.Println("sweep  calls  of these for training jobs  takes")
	for i := range *sweeps {
		clear(calls)
		training = 0
		start := f.World.Now()
		if err := s.Run(ctx); err != nil {
			return err
		}
		took := f.World.Now().Sub(start)
		all := 0
		for _, n := range calls {
			all += n
		}
		fmt.Printf("%5d  %5d  %26d  %s\n", i+1, all, training, took.Round(time.Second))
		end := f.World.Now().Add(every - took)
		if err := f.Advance(ctx, every-took); err != nil {
			return err
		}
		clock.Advance(end.Sub(f.World.Now()))
	}
	fmt.Printf("operations: %s\n", strings.Join(slices.Sorted(maps.Keys(calls)), ", "))
	return nil
}

// jobs makes the jobs, and waits until no event tells of them any more.
func jobs(w *sandbox.World, finished, live int) error {
	w.FailEvents(sandbox.EventFaults{Drop: 1})
	defer w.FailEvents(sandbox.EventFaults{})
	job := map[string]any{
		"TrainingJobName": "job", "RoleArn": role,
		"AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
		"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
		"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
		"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 86400},
	}
	if err := w.SageMaker().SeedFinished("CreateTrainingJob", job, finished); err != nil {
		return err
	}
	w.SageMaker().RunFor(kind.TrainingJob, "", -1)
	for i := range live {
		job["TrainingJobName"] = fmt.Sprintf("live-%d", i)
		if _, err := w.SageMaker().Create("CreateTrainingJob", job); err != nil {
			return err
		}
	}
	return nil
}

// sweeper is one with a connection of its own.
func sweeper(ctx context.Context, f *flow.Flow) (*sweep.Sweeper, func(), error) {
	w := f.World
	endpoint, stop, err := w.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	key, secret := w.Credentials("sagemoat-sweep", "sweep")
	client := awsjson.New(aws.Config{
		Region: w.Region(), BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "token"),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
	return sweep.New(sweep.Options{
		Store: f.Store, Rules: f.Rules, Now: w.Now, Sleep: f.Clock.Sleep,
		Scope: kind.Scope{Partition: kind.Partition(w.Region()), Account: w.Account(), Region: w.Region()},
		Call: func(ctx context.Context, operation string, input any) (*awsjson.Response, error) {
			return client.Call(ctx, awsjson.SageMaker(), operation, input)
		},
		Put: sweep.PutHints(client, f.Clock.Sleep),
		Log: telemetry.New(io.Discard, slog.LevelInfo), Metrics: telemetry.NewMetrics(io.Discard, "sweep", w.Now),
	}), stop, nil
}
