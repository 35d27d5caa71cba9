// Command judge measures what it takes to decode and judge one CloudTrail
// record, against encoding/json decoding the same record into a struct with
// just the members that the judgement needs. Both are timed in turn, in one
// run, so that the ratio holds on any machine.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/internal/audit"
	"github.com/sagemoat/sagemoat/pkg/resolve"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// record are the members of a record of CreateTrainingJob that decide, as a
// hand-written decoder would have them.
type record struct {
	EventVersion string `json:"eventVersion"`
	EventSource  string `json:"eventSource"`
	EventName    string `json:"eventName"`
	EventID      string `json:"eventID"`
	EventTime    string `json:"eventTime"`
	AWSRegion    string `json:"awsRegion"`
	ErrorCode    string `json:"errorCode"`
	Recipient    string `json:"recipientAccountId"`
	UserIdentity struct {
		ARN     string `json:"arn"`
		Session struct {
			Issuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
	Request struct {
		Name      string `json:"trainingJobName"`
		Isolation *bool  `json:"enableNetworkIsolation"`
		Encrypted *bool  `json:"enableInterContainerTrafficEncryption"`
		VPC       *struct {
			Subnets []string `json:"subnets"`
			Groups  []string `json:"securityGroupIds"`
		} `json:"vpcConfig"`
		Debug *struct {
			Enabled *bool `json:"enableRemoteDebug"`
		} `json:"remoteDebugConfig"`
		Tags []struct {
			Key   string `json:"key"`
			Value string `json:"value"`
		} `json:"tags"`
	} `json:"requestParameters"`
	Response struct {
		ARN string `json:"trainingJobArn"`
	} `json:"responseElements"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run() error {
	file := flag.String("record", "internal/bench/judge/record.json", "a CloudTrail record of CreateTrainingJob")
	rounds := flag.Int("rounds", 7, "rounds of each, in turn")
	flag.Parse()
	data, err := os.ReadFile(*file) // #nosec G304 -- the user named the file
	if err != nil {
		return err
	}
	wanted := rules.Default()
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	ours := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			observations, err := events.Decode(data)
			if err != nil || len(observations) != 1 {
				b.Fatal("not judged: ", err)
			}
			f := audit.Judge(resolve.New(), observations[0], wanted, now)
			if f.Judgement.Compliance != rules.Failed {
				b.Fatal("judged as ", f.Judgement.Compliance)
			}
		}
	}
	theirs := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r record
			if err := json.Unmarshal(data, &r); err != nil || r.Request.Name == "" {
				b.Fatal("not decoded: ", err)
			}
		}
	}
	var ratios, a, e []float64
	var last [2]testing.BenchmarkResult
	for range *rounds {
		last = [2]testing.BenchmarkResult{testing.Benchmark(ours), testing.Benchmark(theirs)}
		a, e = append(a, float64(last[0].NsPerOp())), append(e, float64(last[1].NsPerOp()))
		ratios = append(ratios, a[len(a)-1]/e[len(e)-1])
	}
	for _, s := range [][]float64{ratios, a, e} {
		slices.Sort(s)
	}
	mid := *rounds / 2
	fmt.Printf("one record of %d bytes, %d rounds in turn, median [min max]\n\n", len(data), *rounds)
	fmt.Printf("decode and judge          %6.1f us [%.1f %.1f]  %d allocations, %d bytes\n", a[mid]/1e3, a[0]/1e3, a[len(a)-1]/1e3, last[0].AllocsPerOp(), last[0].AllocedBytesPerOp())
	fmt.Printf("encoding/json, a struct   %6.1f us [%.1f %.1f]  %d allocations, %d bytes\n", e[mid]/1e3, e[0]/1e3, e[len(e)-1]/1e3, last[1].AllocsPerOp(), last[1].AllocedBytesPerOp())
	fmt.Printf("ratio                     %6.2f    [%.2f %.2f]  goal: at most 0.50\n", ratios[mid], ratios[0], ratios[len(ratios)-1])
	return nil
}
