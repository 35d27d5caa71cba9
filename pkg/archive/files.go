package archive

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Files scans many files at a time.
type Files struct {
	// Workers is how many files are scanned at a time; 0 stands for GOMAXPROCS. Each takes about 6 MiB.
	Workers int
	// Exact is Scanner.Exact.
	Exact bool
	// Record gets each record of SageMaker and the path of its file. Its error ends everything.
	Record func(path string, r Record) error
	// Done, if not nil, gets what became of a file after its last record: err is nil, that of os.Open, or that of
	// Scan. Its error ends everything, so whoever wants to go on after an unreadable file returns nil.
	Done func(path string, stats Stats, err error) error
}

// Scan scans the files and returns the first error of Record, Done or ctx; without Done, also that of a file.
//
// The calls for one file come from one goroutine, in the order of the file, Done last. Those for different files come
// at the same time and in any order, so Record and Done must be safe for that. Files are begun in the order of paths.
func (f *Files) Scan(ctx context.Context, paths []string) error {
	workers := f.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	group, ctx := errgroup.WithContext(ctx)
	var begun atomic.Int64
	for range min(workers, len(paths)) {
		group.Go(func() error {
			scanner := &Scanner{Exact: f.Exact}
			for {
				i := int(begun.Add(1)) - 1
				if i >= len(paths) {
					return nil
				}
				if err := f.scan(ctx, scanner, paths[i]); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// scan scans one file. It returns an error if no other file should be scanned.
func (f *Files) scan(ctx context.Context, scanner *Scanner, path string) error {
	var fatal error
	stats, err := scanFile(ctx, scanner, path, func(r Record) error {
		fatal = f.Record(path, r)
		return fatal
	})
	switch {
	case fatal != nil:
		return fatal
	case ctx.Err() != nil:
		return ctx.Err()
	case f.Done != nil:
		return f.Done(path, stats, err)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	default:
		return nil
	}
}

// scanFile scans the file at path.
func scanFile(ctx context.Context, scanner *Scanner, path string, fn func(Record) error) (Stats, error) {
	file, err := os.Open(path) // #nosec G304 -- the caller chose the file
	if err != nil {
		return Stats{}, err
	}
	defer file.Close() //nolint:errcheck // only read from
	return scanner.Scan(ctx, file, fn)
}
