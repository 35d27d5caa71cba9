// Package policies finds the policies that are to be linted: in files and folders,
// and in an AWS account.
package policies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
)

// Read is what was read, and what could not be.
type Read struct {
	Set lint.Set
	// Count is how many files were read.
	Count int
	// Others counts files in folders that hold no policy.
	Others int
	// Problems are errors in what was to be read.
	Problems []error
	// Missing says what of an account could not be read, and what follows.
	Missing []string
}

// Files reads the policies of files and folders; "-" is standard input. Of a folder
// the files whose names end in .json are read, and those that hold no policy are
// passed over. tell, which may be nil, is told of each file. The error is ctx's.
func (r *Read) Files(ctx context.Context, paths []string, stdin io.Reader, tell func(files int, bytes int64)) error {
	var bytes int64
	one := func(path string, named bool) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.file(path, stdin)
		bytes += n
		r.Count++
		if tell != nil {
			tell(r.Count, bytes)
		}
		switch {
		case err == nil:
		case errors.Is(err, lint.ErrNoPolicy) && !named:
			r.Others++
		default:
			r.problem(path, err)
		}
		return nil
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case path == "-":
			err = one(path, true)
		case err != nil:
			r.problem(path, err)
			err = nil
		case info.IsDir():
			err = r.folder(path, one)
		default:
			err = one(path, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folder reads what is in a folder and those below it, links excepted: they may
// lead back.
func (r *Read) folder(dir string, one func(path string, named bool) error) error {
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			r.problem(path, err)
			return nil
		case d.IsDir() && path != dir && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular() || !strings.EqualFold(filepath.Ext(path), ".json"):
			return nil
		}
		found = true
		return one(path, false)
	})
	if err == nil && !found {
		r.problem(dir, errors.New("no file to read in there: files are read that end in .json"))
	}
	return err
}

// file reads one file, and says how long it is.
func (r *Read) file(path string, stdin io.Reader) (int64, error) {
	in, name := stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path) // #nosec G304 -- the user named it, or its folder
		if err != nil {
			return 0, err
		}
		defer f.Close() //nolint:errcheck // only read from
		in, name = f, path
	}
	data, err := io.ReadAll(io.LimitReader(in, lint.MaxBytes+1))
	if err != nil {
		return int64(len(data)), err
	}
	return int64(len(data)), placed(data, r.Set.Read(name, data))
}

// problem notes an error in a file, each of those that were joined.
func (r *Read) problem(path string, err error) {
	if path == "-" {
		path = "standard input"
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			r.problem(path, one)
		}
		return
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		path, err = at.Path, at.Err
	}
	r.Problems = append(r.Problems, fmt.Errorf("%s: %w", path, err))
}

// placed says on which line the JSON of a file is wrong.
func placed(data []byte, err error) error {
	var at *jsondoc.Error
	if errors.As(err, &at) && errors.Is(err, error(at)) && at.Offset >= 0 && at.Offset <= int64(len(data)) {
		return fmt.Errorf("line %d: %w", 1+strings.Count(string(data[:at.Offset]), "\n"), err)
	}
	return err
}
