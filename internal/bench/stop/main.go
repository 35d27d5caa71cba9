// Command stop measures the time from a call that breaks the rules to the call
// that stops it, in the sandbox, in real time, with every call to AWS taking 50 ms.
// What CloudTrail and EventBridge take is not in it: nobody but AWS can tell.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagemoat/sagemoat/internal/flow"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const (
	jobs    = 300
	latency = 50 * time.Millisecond
	apart   = 100 * time.Millisecond
)

const file = `version: 1
response:
  mode: stop
  stop: {budget: {stops: 1000, within: 1h, share: 100}}
`

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded, err := rules.Load("rules.yaml", []byte(file), kind.Kinds())
	if err != nil {
		return err
	}
	f, end, err := flow.New(ctx, flow.Options{Clock: sandbox.System{}, Seed: 1, Rules: loaded})
	if err != nil {
		return err
	}
	defer end()
	if err := f.Store.PutControl(ctx, ledger.LiveCount, 0, ledger.Count{At: time.Now(), Live: map[string]int{"training-job": 100_000}}); err != nil {
		return err
	}
	f.World.Fail(sandbox.Fault{Delay: latency})
	var mu sync.Mutex
	called, took := map[string]time.Time{}, []time.Duration{}
	done := make(chan struct{})
	f.World.Watch(func(c sandbox.Call) {
		if c.Operation != "StopTrainingJob" || c.Done {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if at, ok := called[c.Resource]; ok {
			delete(called, c.Resource)
			if took = append(took, time.Since(at)); len(took) == jobs {
				close(done)
			}
		}
	})
	go f.Serve(ctx, 4)
	for i := range jobs {
		name := fmt.Sprintf("job-%d", i)
		mu.Lock()
		called[name] = time.Now()
		mu.Unlock()
		if _, err := f.World.SageMaker().Create("CreateTrainingJob", map[string]any{
			"TrainingJobName": name, "RoleArn": "arn:aws:iam::111122223333:role/r",
			"AlgorithmSpecification": map[string]any{"TrainingImage": "i", "TrainingInputMode": "File"},
			"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://b/o"},
			"ResourceConfig":         map[string]any{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
			"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 3600},
		}); err != nil {
			return err
		}
		time.Sleep(apart)
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		return fmt.Errorf("after a minute %d of %d jobs are stopped", len(took), jobs)
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(time.Millisecond) }
	fmt.Printf("From the call to the stop, %d jobs, one every %v, every call to AWS takes %v, the ledger in memory\n", jobs, apart, latency)
	fmt.Printf("%s\n  p50 %v   p90 %v   p99 %v   most %v   (goal: p99 under 2s)\n", strings.Repeat("-", 60), at(0.5), at(0.9), at(0.99), at(1))
	return nil
}
