// Command archive measures how fast pkg/archive finds SageMaker's records, beside the decompressor alone and beside
// what else one would use for it.
//
// It writes a made-up archive (always the same for one seed), checks that every scan finds what is in it, and then
// runs all contestants in rotation, each as a process of its own on one core, so that whatever else the machine does
// hits all of them alike. It prints medians, and ratios taken round by round with the lowest and the highest: of the
// time that passed, and of processor time, which other work on the machine disturbs less and by which the goals for
// one core are judged. A goal that is missed is printed, and is not an error; a wrong result is.
//
//	go run ./internal/bench/archive [--rounds 5] [--files 100] [--slow 4] [--duckdb]
//
// Tools that are not installed are left out, and the table says so.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sagemoat/sagemoat/pkg/archive"
)

// duckdb is the package of https://www.npmjs.com/package/@duckdb/node-api that is compared.
const duckdb = "@duckdb/node-api@1.5.6-r.1"

func main() {
	rounds := flag.Int("rounds", 5, "how many `times` everything is measured, after one warm-up")
	files := flag.Int("files", 100, "how many `files` the archive has, of about 3 MB of text each")
	slow := flag.Int("slow", 4, "zgrep, jq and Python get one of so many files")
	duck := flag.Bool("duckdb", false, "compare with DuckDB too; npm installs it into .cache")
	child := flag.String("child", "", "for the benchmark itself: be the contestant of that `name`")
	workers := flag.Int("workers", 1, "for the benchmark itself: how many workers the contestant has")
	flag.Parse()
	var err error
	if *child != "" {
		err = contest(*child, *workers, flag.Args())
	} else {
		err = run(os.Stdout, *rounds, *files, *slow, *duck)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench archive:", err)
		os.Exit(1)
	}
}

// run generates the archive, measures and prints.
func run(out io.Writer, rounds, files, slow int, duck bool) error {
	dir, err := os.MkdirTemp("", "bench-archive")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a, err := generate(filepath.Join(dir, "archive"), 1, files)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s. %d files, %.0f MB -> %.0f MB, %d records, %d of SageMaker, %d that only name it. %d rounds.\n",
		machine(), files, float64(a.packed)/1e6, float64(a.bytes)/1e6, a.records, len(a.truth), a.traps, rounds)
	leapt, err := verify(a)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Checked: every true record found and nothing else, leaping (%.0f %% of the text) and exact.\n", 100*leapt)
	all, err := contestants(dir, a, slow, duck)
	if err != nil {
		return err
	}
	for round := range rounds + 1 {
		for _, c := range all {
			if err := c.run(round > 0); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return report(out, all, slow)
}

// machine describes where this runs.
func machine() string {
	return fmt.Sprintf("%s, %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// verify compares what the scans find with what was written.
func verify(a *made) (leapt float64, err error) {
	for _, exact := range []bool{false, true} {
		found := map[string]int{}
		files := archive.Files{Workers: 1, Exact: exact, Record: func(_ string, r archive.Record) error {
			var record struct{ EventID string }
			if err := json.Unmarshal(r.Data, &record); err != nil {
				return err
			}
			found[record.EventID]++
			return nil
		}, Done: func(_ string, stats archive.Stats, err error) error {
			leapt += float64(stats.Leapt) / float64(a.bytes)
			return err
		}}
		if err := files.Scan(context.Background(), a.paths); err != nil {
			return 0, err
		}
		for _, id := range a.truth {
			if found[id] != 1 {
				return 0, fmt.Errorf("exact %v: record %s was found %d times", exact, id, found[id])
			}
		}
		if len(found) != len(a.truth) {
			return 0, fmt.Errorf("exact %v: found %d records, there are %d", exact, len(found), len(a.truth))
		}
	}
	return leapt, nil
}

// contest is one contestant: it reads the files and prints how many records it found and, in KiB, the most memory it
// had.
func contest(name string, workers int, paths []string) error {
	runtime.GOMAXPROCS(workers)
	var found atomic.Int64
	if name == "inflate" {
		var group errgroup.Group
		for worker := range workers {
			group.Go(func() error {
				gz := archive.NewGunzip()
				buf := make([]byte, 1<<20)
				for i := worker; i < len(paths); i += workers {
					if err := inflate(gz, paths[i], buf); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	} else {
		files := archive.Files{Workers: workers, Exact: name == "exact", Record: func(string, archive.Record) error {
			found.Add(1)
			return nil
		}}
		if err := files.Scan(context.Background(), paths); err != nil {
			return err
		}
	}
	fmt.Println(found.Load(), peak())
	return nil
}

// inflate decompresses one file and drops the text.
func inflate(gz archive.Gunzip, path string, buf []byte) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := newReader(file)
	if err := gz.Reset(in); err != nil {
		return err
	}
	for {
		if _, err := gz.Read(buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// peak returns the most memory that this process has had, in KiB, or 0 where that is not known.
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func peak() int {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, " kB")
	n, _ := strconv.Atoi(strings.TrimSpace(line))
	return n
}

// A contestant is a command that is measured.
type contestant struct {
	name   string
	args   []string // of the command; none if it cannot run here
	absent string   // why not
	bytes  int64    // of text that it reads
	want   int      // how many records it must find, -1 if it does not look for them
	found  func(output string) (int, error)
	memory int       // KiB, 0 if not known
	times  []float64 // seconds for each byte
	cpu    []float64 // the same in processor time, of all processes that the command started
}

// run runs the command once, and keeps its time if measured.
func (c *contestant) run(measured bool) error {
	if len(c.args) == 0 {
		return nil
	}
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Stderr = os.Stderr
	begin := time.Now()
	output, err := cmd.Output()
	elapsed := time.Since(begin)
	if err != nil {
		return err
	}
	if c.want >= 0 {
		n, err := c.found(string(output))
		if err != nil {
			return err
		}
		if n != c.want {
			return fmt.Errorf("found %d records, there are %d", n, c.want)
		}
	}
	if fields := strings.Fields(string(output)); len(fields) == 2 {
		n, _ := strconv.Atoi(fields[1])
		c.memory = max(c.memory, n)
	}
	if measured {
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		c.times = append(c.times, elapsed.Seconds()/float64(c.bytes))
		c.cpu = append(c.cpu, cpu.Seconds()/float64(c.bytes))
	}
	return nil
}

// The contestants for which there are goals.
const (
	inflates = "decompressor alone"
	parallel = "scan, 2 workers"
	jq       = "zcat | jq"
	queries  = "DuckDB, 1 thread"
)

// contestants returns all of them, the scan itself first.
func contestants(dir string, a *made, slow int, duck bool) ([]*contestant, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	number := func(output string) (int, error) {
		first, _, _ := strings.Cut(strings.TrimSpace(output), " ")
		return strconv.Atoi(first)
	}
	lines := func(output string) (int, error) { return strings.Count(output, "\n"), nil }
	our := func(label, name string, workers, want int) *contestant {
		args := append([]string{self, "-child", name, "-workers", strconv.Itoa(workers)}, a.paths...)
		if workers == 1 {
			args = oneCore(args)
		}
		return &contestant{name: label, args: args, bytes: a.bytes, want: want, found: number}
	}
	all := []*contestant{
		our("scan", "scan", 1, len(a.truth)),
		our(inflates, "inflate", 1, -1),
		our("decompressor alone, 2 workers", "inflate", 2, -1),
		our("scan, exact", "exact", 1, len(a.truth)),
		our(parallel, "scan", 2, len(a.truth)),
	}

	var some []string
	var someBytes int64
	var someTrue int
	for i := 0; i < len(a.paths); i += slow {
		some = append(some, a.paths[i])
		someBytes += a.sizes[i]
		someTrue += a.trueIn[i]
	}
	// grep ends at the first hit if its output is /dev/null, so it gets a pipe.
	scripts := []struct{ name, tool, script string }{
		{"zgrep -c", "zgrep", `zgrep -c '"eventSource":"sagemaker.amazonaws.com"' "$@" | cat`},
		{jq, "jq", `zcat "$@" | jq -c '.Records[] | select(.eventSource == "sagemaker.amazonaws.com")'`},
		{"python3", "python3", `exec python3 -c '` + python + `' "$@"`},
	}
	for _, s := range scripts {
		c := &contestant{name: s.name, bytes: someBytes, want: someTrue, found: lines}
		if s.tool == "zgrep" {
			c.want = -1 // it counts files: each is one line
		}
		if _, err := exec.LookPath(s.tool); err != nil {
			c.absent = s.tool + " is not installed"
		} else {
			c.args = oneCore(append([]string{"sh", "-c", s.script, "sh"}, some...))
		}
		all = append(all, c)
	}
	c := &contestant{name: queries, bytes: a.bytes, want: len(a.truth), found: number}
	if !duck {
		c.absent = "only with --duckdb"
	} else if module, err := installDuckDB(); err != nil {
		c.absent = err.Error()
	} else {
		c.args = oneCore([]string{"node", "-e", query, module, filepath.Join(dir, "archive", "*.json.gz")})
	}
	return append(all, c), nil
}

const python = `
import gzip, json, sys
for path in sys.argv[1:]:
    with gzip.open(path) as f:
        for r in json.load(f)["Records"]:
            if r["eventSource"] == "sagemaker.amazonaws.com":
                print(r["eventID"])
`

// query is the DuckDB contestant: the fields that an audit needs, typed.
const query = `
const [module, files] = process.argv.slice(1);
const {DuckDBInstance} = require(module);
(async () => {
  const db = await (await DuckDBInstance.create(":memory:", {threads: "1"})).connect();
  const rows = await db.runAndReadAll(` + "`" + `
    SELECT r.eventTime, r.eventName, r.requestParameters, r.responseElements
    FROM (SELECT unnest(Records) AS r FROM read_json('${files}', columns = {Records: 'STRUCT(eventTime VARCHAR,
      eventSource VARCHAR, eventName VARCHAR, requestParameters JSON, responseElements JSON)[]'}))
    WHERE r.eventSource = 'sagemaker.amazonaws.com'` + "`" + `);
  console.log(rows.getRows().length);
})();`

// installDuckDB installs it below .cache of the repository and returns the path to require.
func installDuckDB() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), ".cache", "bench-archive")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	npm := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--no-save", duckdb)
	if output, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install: %w: %s", err, output)
	}
	return filepath.Join(dir, "node_modules", "@duckdb", "node-api"), nil
}

// oneCore makes a command run on one core, where taskset can do that.
func oneCore(args []string) []string {
	if _, err := exec.LookPath("taskset"); err != nil {
		return args
	}
	return append([]string{"taskset", "-c", "0"}, args...)
}

// report prints the table and the goals. The first of all is the scan.
func report(out io.Writer, all []*contestant, slow int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nname\tMB/s\ttime / scan [min max]\tCPU time / scan [min max]\tpeak RSS, MiB")
	scan := all[0]
	for _, c := range all {
		if c.absent != "" {
			fmt.Fprintf(w, "%s\t-\t%s\t\t\n", c.name, c.absent)
			continue
		}
		memory := ""
		if c.memory > 0 {
			memory = strconv.Itoa(c.memory >> 10)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%v\t%v\t%s\n", c.name, 1e-6/median(c.times),
			ratios(c.times, scan.times), ratios(c.cpu, scan.cpu), memory)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "zgrep, jq and Python read one of %d files; their ratios are for each byte. Two workers of the decompressor\n"+
		"alone show how much the machine has to give: on a busy one, two are hardly faster than one.\n\n", slow)
	// A ratio of speeds is the inverse of one of times.
	for _, c := range all {
		var what string
		var goal float64
		r := ratios(c.cpu, scan.cpu)
		switch c.name {
		case inflates:
			what, goal = "speed / that of the decompressor, CPU", 0.8
		case queries:
			what, goal = "speed / that of DuckDB, CPU", 5
		case jq:
			what, goal = "speed / that of jq, CPU", 12
		case parallel:
			what, goal = "speed of 2 workers / 1 worker, time", 1.8
			r = ratios(scan.times, c.times)
		default:
			continue
		}
		verdict := "met"
		switch {
		case c.absent != "":
			fmt.Fprintf(out, "%s: not measured, goal %.1f\n", what, goal)
			continue
		case r.median < goal:
			verdict = "MISSED"
		}
		fmt.Fprintf(out, "%s: %v, goal %.1f: %s\n", what, r, goal, verdict)
	}
	return nil
}

// A spread is a ratio that was taken several times.
type spread struct{ median, lowest, highest float64 }

// ratios divides a by b round by round.
func ratios(a, b []float64) spread {
	var each []float64
	for i := range a {
		each = append(each, a[i]/b[i])
	}
	if len(each) == 0 {
		return spread{}
	}
	return spread{median(each), slices.Min(each), slices.Max(each)}
}

func (s spread) String() string {
	return fmt.Sprintf("%.2f [%.2f %.2f]", s.median, s.lowest, s.highest)
}

// median returns the middle one, or the mean of the two in the middle.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
