// Command functions measures the functions as they are deployed, each against a
// Python handler with boto3 and against an aws-lambda-go handler that does
// nothing, under one Runtime API, in turn, in one run, so that the ratios hold on
// any machine.
//
// The first invocation is one that makes calls: of a server on this machine that
// answers at once, to which AWS_ENDPOINT_URL leads both SDKs. The Python handler
// has the clients that the function needs, decodes the event with json, and makes
// the calls that the function made; it judges nothing. Its packages come from
// PyPI, into .cache/. It runs under awslambdaric, as it would in Lambda.
//
// Warm is an invocation that makes no call, so that it is the function that is
// measured; beside it stands what decoding the event takes a handler that does
// nothing else. Memory is the most that a process took: in Python for the first
// invocation, of ours for the warm ones as well.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/sagemoat/sagemoat/internal/gen/package/bootstrap"
	"github.com/sagemoat/sagemoat/internal/runtimeapi"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "functions:", err)
		os.Exit(1)
	}
}

const here = "internal/bench/functions"

// limit is for one start, or one invocation.
const limit = time.Minute

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 15, "rounds of each, in turn, after one that is not counted")
	warm := flag.Int("warm", 500, "invocations in a round of a function that is warm")
	flag.Parse()
	names, err := bootstrap.Functions(".")
	if err != nil {
		return err
	}
	work, err := filepath.Abs(".cache/functions")
	if err != nil {
		return err
	}
	python, err := install(ctx, work)
	if err != nil {
		return err
	}
	nothing := filepath.Join(work, "nothing", bootstrap.Name)
	if err := bootstrap.Build(ctx, ".", here+"/nothing", "amd64", nothing); err != nil {
		return err
	}
	aws := newCloud()
	defer aws.Close()
	record, err := os.ReadFile("internal/bench/judge/record.json")
	if err != nil {
		return err
	}
	fmt.Printf("%d rounds in turn, %d warm invocations each, median [min max]\n", *rounds, *warm)
	for _, name := range names { // in the order of the alphabet, so audit comes first
		s, ok := subjects[name]
		if !ok {
			return fmt.Errorf("functions/%s is not measured: add it to %s/cases.go", name, here)
		}
		b := bench{name: name, subject: s, aws: aws, work: work, python: python, nothing: nothing, record: record, warm: *warm}
		if err := b.run(ctx, *rounds); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// install makes a folder with a Python handler that runs as a function does.
func install(ctx context.Context, work string) (string, error) {
	venv, folder := filepath.Join(work, "venv"), filepath.Join(work, "python")
	for _, args := range [][]string{
		{"python3", "-m", "venv", venv},
		{filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", here + "/python/requirements.txt"},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", args, err, out)
		}
	}
	handler, err := os.ReadFile(here + "/python/handler.py")
	if err != nil {
		return "", err
	}
	start, err := os.ReadFile(here + "/python/bootstrap.py")
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, bootstrap.Name)
	return file, errors.Join(
		os.MkdirAll(folder, 0o750),
		os.WriteFile(filepath.Join(folder, "handler.py"), handler, 0o600),
		os.WriteFile(file, append([]byte("#!"+filepath.Join(venv, "bin", "python3")+"\n"), start...), 0o700),
	)
}

// bench measures one function.
type bench struct {
	subject
	name, work, python, nothing string
	aws                         *cloud
	record                      []byte
	warm                        int
}

// sample is one start of a process.
type sample struct {
	init, first, memory float64
	warm, decoded       []float64 // by idle event
}

func (b *bench) run(ctx context.Context, rounds int) error {
	binary := filepath.Join(b.work, b.name, bootstrap.Name)
	if err := bootstrap.Build(ctx, ".", "functions/"+b.name, "amd64", binary); err != nil {
		return err
	}
	zipped, err := b.zip(ctx)
	if err != nil {
		return err
	}
	before := b.aws.stored()
	g := given{record: b.record}
	if len(before) > 0 {
		g.written = before[len(before)-1]
	}
	first, err := json.Marshal(b.first(g))
	if err != nil {
		return err
	}
	var idles []idle
	if b.idle != nil {
		idles = b.idle(g)
	}
	callsFile := filepath.Join(b.work, b.name, "calls.json")
	common := environment(b.aws.URL)
	pythonic := append([]string{"BENCH_CLIENTS=" + b.clients, "BENCH_CALLS=" + callsFile}, common...)
	var ours, theirs, none []sample
	var calls []call
	for n := range rounds + 1 {
		b.aws.reset(before)
		a, err := b.one(ctx, binary, common, first)
		if err != nil {
			return err
		}
		seen := b.aws.took()
		if n == 0 { // tells the calls, and fills the page cache
			calls = seen
			written, err := json.Marshal(slices.Concat([]call{}, calls)) // a list, though empty
			if err == nil {
				err = os.WriteFile(callsFile, written, 0o600)
			}
			if err != nil {
				return err
			}
			fmt.Printf("\n%s, first: an event of %d bytes, %s\n", b.name, len(first), tally(calls))
		}
		b.aws.reset(before)
		p, err := b.one(ctx, b.python, pythonic, first)
		if err != nil {
			return err
		}
		if theirs := b.aws.took(); tally(theirs) != tally(calls) || tally(seen) != tally(calls) {
			return fmt.Errorf("not the same calls: %s; then %s; in Python %s", tally(calls), tally(seen), tally(theirs))
		}
		z, err := b.one(ctx, b.nothing, nil, first)
		if err != nil {
			return err
		}
		for _, i := range idles {
			w, err := b.turns(ctx, binary, common, i)
			if err != nil {
				return err
			}
			a.warm, z.warm, z.decoded, a.memory = append(a.warm, w.ours), append(z.warm, w.nothing), append(z.decoded, w.decoded), max(a.memory, w.memory)
			if n == 0 {
				fmt.Printf("%s, warm: %s, %d bytes, %s\n", b.name, i.what, w.bytes, tally(b.aws.took()))
			}
		}
		if n > 0 {
			ours, theirs, none = append(ours, a), append(theirs, p), append(none, z)
		} else if b.paced {
			fmt.Printf("%s, after it: %.2f MiB at most, python %.2f; it took %.0f s, at the rate that it keeps to\n", b.name, a.memory, p.memory, a.first/1e3)
			first, calls = nil, nil
		}
	}
	initTime := func(s sample) float64 { return s.init }
	both := func(s sample) float64 { return s.init + s.first }
	memory := func(s sample) float64 { return s.memory }
	line("init, ms", "python", theirs, ours, initTime, 0, 0)
	line("memory at most, MiB", "python", theirs, ours, memory, 3, 0)
	if first != nil {
		line("init and first, ms", "python", theirs, ours, both, 15, 0)
	}
	for n, i := range idles {
		warm := func(s sample) float64 { return s.warm[n] }
		line("warm p50, us", "nothing", none, ours, warm, 0, 1.3)
		var decoded []sample
		for _, s := range none {
			decoded = append(decoded, sample{warm: append(make([]float64, n), s.decoded[n])})
		}
		line("  "+i.what, "decodes", decoded, ours, warm, 0, 0)
	}
	line("init, ms", "nothing", none, ours, initTime, 0, 0)
	fmt.Printf("%-20s %7.2f MB, goal: at most 5.00%s\n", "arm64 zip", float64(zipped)/1e6, missed(zipped > 5e6))
	return nil
}

// one starts a process and hands it the first event, if there is one.
func (b *bench) one(ctx context.Context, binary string, env []string, first []byte) (s sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f, err := runtimeapi.Start(ctx, binary, env)
	if err != nil {
		return s, err
	}
	defer f.Close()
	s.init = f.Init().Seconds() * 1e3
	if first != nil {
		took, err := invoke(ctx, f, first)
		if err != nil {
			return s, err
		}
		s.first = took.Seconds() * 1e3
	}
	m, err := f.Memory()
	s.memory = float64(m.Peak) / (1 << 20)
	return s, err
}

// turn is what warm invocations took, the medians in microseconds, and our memory
// after them.
type turn struct {
	ours, nothing, decoded, memory float64
	bytes                          int
}

// turns hands an idle event to our process, to one that does nothing and to one
// that only decodes it, in turn, in any order.
func (b *bench) turns(ctx context.Context, binary string, env []string, i idle) (t turn, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	event, err := json.Marshal(i.event)
	if err != nil {
		return t, err
	}
	t.bytes = len(event)
	var running []*runtimeapi.Function
	for _, p := range []struct {
		binary string
		env    []string
	}{{binary, env}, {b.nothing, nil}, {b.nothing, []string{"BENCH_DECODE=" + b.decode}}} {
		f, err := runtimeapi.Start(ctx, p.binary, p.env)
		if err != nil {
			return t, err
		}
		defer f.Close()
		running = append(running, f)
	}
	times := make([][]float64, len(running))
	random := rand.New(rand.NewPCG(1, 1)) // #nosec G404 -- nobody is to be kept from guessing it
	for range b.warm {
		for _, n := range random.Perm(len(running)) { // what ran before leaves the caches to the next
			took, err := invoke(ctx, running[n], event)
			if err != nil {
				return t, err
			}
			times[n] = append(times[n], took.Seconds()*1e6)
		}
	}
	m, err := running[0].Memory()
	t.ours, t.nothing, t.decoded, t.memory = median(times[0]), median(times[1]), median(times[2]), float64(m.Peak)/(1<<20)
	return t, err
}

// invoke hands an event to a function, which must handle it.
func invoke(ctx context.Context, f *runtimeapi.Function, event []byte) (time.Duration, error) {
	began := time.Now()
	result, err := f.Invoke(ctx, event)
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, f.Output())
	}
	var partial struct{ BatchItemFailures []any }
	if err := json.Unmarshal(result, &partial); err != nil || len(partial.BatchItemFailures) > 0 {
		return 0, fmt.Errorf("the event was not handled: %s\n%s", result, f.Output())
	}
	return took, nil
}

// zip is how long the function's zip is, as it is deployed.
func (b *bench) zip(ctx context.Context) (int, error) {
	file := filepath.Join(b.work, b.name, "arm64")
	if err := bootstrap.Build(ctx, ".", "functions/"+b.name, "arm64", file); err != nil {
		return 0, err
	}
	binary, err := os.ReadFile(file) // #nosec G304 -- built just now
	if err != nil {
		return 0, err
	}
	zipped, err := bootstrap.Zip(binary)
	return len(zipped), err
}

// line prints a measure of another and of ours, and their ratio, round by round.
// Against Python the ratio is how much less we take, and is to be at least a
// goal; against nothing, how much more, and at most.
func line(what, other string, theirs, ours []sample, of func(sample) float64, least, atMost float64) {
	var a, b, ratios []float64
	for i := range ours {
		o, t := of(ours[i]), of(theirs[i])
		a, b = append(a, o), append(b, t)
		if other == "python" {
			ratios = append(ratios, t/o)
		} else {
			ratios = append(ratios, o/t)
		}
	}
	goal := ""
	switch r := median(ratios); {
	case least > 0:
		goal = fmt.Sprintf("  goal: at least %.1f%s", least, missed(r < least))
	case atMost > 0:
		goal = fmt.Sprintf("  goal: at most %.1f%s", atMost, missed(r > atMost))
	}
	fmt.Printf("%-20s %s  %-7s %s  ratio %s%s\n", what, spread(a), other, spread(b), spread(ratios), goal)
}

func missed(is bool) string {
	if is {
		return ", MISSED"
	}
	return ""
}

func spread(s []float64) string {
	return fmt.Sprintf("%7.2f [%.2f %.2f]", median(s), slices.Min(s), slices.Max(s))
}

func median(s []float64) float64 {
	s = slices.SortedFunc(slices.Values(s), cmp.Compare[float64])
	return s[len(s)/2]
}
