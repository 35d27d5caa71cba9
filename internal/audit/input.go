package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/archive"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Inputs are files and folders to read; "-" is standard input.
type Inputs struct {
	Paths []string
	Stdin io.Reader
}

// stdinName is how standard input is named in messages.
const stdinName = "standard input"

// collector gathers what the files of a run tell. Files are read in parallel.
type collector struct {
	mu       sync.Mutex
	all      []*kind.Observation
	report   *Report
	progress func(files int, bytes int64)
}

func (c *collector) add(file string, offset int64, observations []*kind.Observation, err error) {
	for _, o := range observations {
		o.Source.File, o.Source.Offset = file, offset
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, observations...)
	if err != nil {
		c.report.Problems = append(c.report.Problems, Problem{File: file, Offset: offset, Err: err})
	}
}

func (c *collector) done(file string, size int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Files++
	c.report.Bytes += size
	if err != nil {
		p := Problem{File: file, Offset: -1, Err: err}
		if at := (*archive.Error)(nil); errors.As(err, &at) {
			p.Offset, p.Err = at.Offset, at.Err
		}
		if errors.Is(p.Err, io.ErrUnexpectedEOF) {
			p.Err = fmt.Errorf("the file is cut off: %w", p.Err)
		}
		c.report.Problems = append(c.report.Problems, p)
	}
	if c.progress != nil {
		c.progress(c.report.Files, c.report.Bytes)
	}
}

// read reads every input.
func (in Inputs) read(ctx context.Context, report *Report, progress func(int, int64)) ([]*kind.Observation, error) {
	c := &collector{report: report, progress: progress}
	files, stdin := in.expand(c)
	if stdin {
		if err := c.stream(ctx, stdinName, in.Stdin); err != nil {
			return nil, err
		}
	}
	scan := archive.Files{
		Record: func(path string, r archive.Record) error {
			observations, err := events.Decode(r.Data)
			c.add(path, r.Offset, observations, err)
			return nil
		},
		Done: func(path string, stats archive.Stats, err error) error {
			if err != nil && stats.Records == 0 {
				// No log, or none that can be told from something else so far.
				return c.file(ctx, path)
			}
			c.done(path, stats.Bytes, err)
			return nil
		},
	}
	if err := scan.Scan(ctx, files); err != nil {
		return nil, err
	}
	slices.SortFunc(report.Problems, func(a, b Problem) int {
		return strings.Compare(fmt.Sprintf("%s\x00%20d", a.File, a.Offset), fmt.Sprintf("%s\x00%20d", b.File, b.Offset))
	})
	return c.all, nil
}

// expand lists the files, those of folders by the names that hold what is read.
func (in Inputs) expand(c *collector) (files []string, stdin bool) {
	for _, path := range in.Paths {
		if path == "-" {
			stdin = true
			continue
		}
		err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && p != path && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case !d.IsDir() && (p == path || readable(d.Name())):
				files = append(files, p)
			}
			return nil
		})
		if err != nil {
			var at *fs.PathError
			if errors.As(err, &at) {
				path, err = at.Path, at.Err
			}
			c.report.Problems = append(c.report.Problems, Problem{File: path, Offset: -1, Err: err})
		}
	}
	return files, stdin
}

// readable says whether a file in a folder is read.
func readable(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	switch filepath.Ext(name) {
	case ".json", ".jsonl", ".ndjson":
		return true
	default:
		return false
	}
}

// file reads a file that is no CloudTrail log.
func (c *collector) file(ctx context.Context, path string) error {
	f, err := os.Open(path) // #nosec G304 -- the user named the file
	if err != nil {
		c.done(path, 0, err)
		return nil
	}
	defer f.Close() //nolint:errcheck // only read from
	return c.stream(ctx, path, f)
}

// stream reads whatever stands in r; its error is the context's.
func (c *collector) stream(ctx context.Context, name string, r io.Reader) error {
	text := &bounded{ctx: ctx}
	in := bufio.NewReaderSize(&counted{r: r, n: &text.compressed}, 64<<10)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		c.done(name, 0, err)
		return nil
	}
	text.r = in
	if string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			c.done(name, 0, err)
			return nil
		}
		text.r, text.zipped = z, true
	}
	plain := bufio.NewReaderSize(text, 64<<10)
	if mark, _ := plain.Peek(3); string(mark) == "\xef\xbb\xbf" {
		// A byte order mark, as PowerShell writes it.
		_, _ = plain.Discard(len(mark))
	}
	head, _ := plain.Peek(4 << 10)
	if rest := bytes.TrimLeft(head, " \t\r\n"); len(rest) > 0 && rest[0] != '{' && rest[0] != '[' {
		c.done(name, text.n, fmt.Errorf("found %q at the start: not JSON, and this version reads nothing else (no YAML, no Terraform source)", rest[0]))
		return nil
	}
	if archive.IsLog(head) {
		stats, err := archive.Scan(ctx, plain, func(r archive.Record) error {
			observations, err := events.Decode(r.Data)
			c.add(name, r.Offset, observations, err)
			return nil
		})
		if ctx.Err() == nil {
			c.done(name, stats.Bytes, err)
		}
		return ctx.Err()
	}
	err = c.documents(name, plain, text)
	if ctx.Err() == nil {
		c.done(name, text.n, err)
	}
	return ctx.Err()
}

// documents reads JSON documents one after another, each for itself: one alone,
// one a line, the elements of a list, or those of Events or Records in an object.
func (c *collector) documents(name string, r io.Reader, text *bounded) error {
	// Whoever decodes a document is strict; here its faults must not take the
	// documents after it along.
	dec := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	d := &documents{dec: dec, text: text, each: func(data []byte, offset int64) {
		base := filepath.Base(name)
		observations, err := events.DecodeFile(data, strings.TrimSuffix(base, filepath.Ext(base)))
		c.add(name, offset, observations, err)
	}}
	n := 0
	for ; ; n++ {
		err := d.next()
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("the file is empty")
		case err != nil:
			return d.place(err)
		}
	}
}

type documents struct {
	dec  *jsontext.Decoder
	text *bounded
	each func(data []byte, offset int64)
}

// place gives an error the offset at which reading stopped.
func (d *documents) place(err error) error {
	offset := d.dec.InputOffset()
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		offset, err = syn.ByteOffset, syn.Err
	}
	if d.text.err != nil {
		err = d.text.err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("the file ends in the middle of a document")
	}
	return &archive.Error{Offset: offset, Err: err}
}

// next reads one document, or a list of them. io.EOF says that there is none.
func (d *documents) next() error {
	d.text.boundary = d.text.n
	switch d.dec.PeekKind() {
	case '[':
		if _, err := d.dec.ReadToken(); err != nil {
			return err
		}
		return noEOF(d.list())
	case '{':
		return noEOF(d.object())
	default:
		// The end, or no JSON at all, or a value that is no document.
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		d.each(v, d.dec.InputOffset()-int64(len(v)))
		return nil
	}
}

// noEOF is err, with the end of the input told as one in the middle.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// list reads the rest of a list.
func (d *documents) list() error {
	for d.dec.PeekKind() != ']' {
		d.text.boundary = d.text.n
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		d.each(v, d.dec.InputOffset()-int64(len(v)))
	}
	_, err := d.dec.ReadToken()
	return err
}

// object reads an object: as a list where it holds one, else as a document.
func (d *documents) object() error {
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	offset := d.dec.InputOffset() - 1
	whole := bytes.NewBufferString("{")
	listed := false
	for d.dec.PeekKind() != '}' {
		key, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		key = key.Clone()
		if name := string(key); (name == `"Events"` || name == `"Records"`) && d.dec.PeekKind() == '[' {
			listed = true
			if _, err := d.dec.ReadToken(); err != nil {
				return err
			}
			if err := d.list(); err != nil {
				return err
			}
			continue
		}
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		if whole.Len() > 1 {
			whole.WriteByte(',')
		}
		whole.Write(key)
		whole.WriteByte(':')
		whole.Write(v)
		if whole.Len() > jsondoc.MaxBytes {
			return fmt.Errorf("a document is longer than %d bytes", jsondoc.MaxBytes)
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	if !listed {
		whole.WriteByte('}')
		d.each(whole.Bytes(), offset)
	}
	return nil
}

// bounded reads text and stops where a document is too long, or the text is
// compressed more than it can honestly be.
type bounded struct {
	ctx        context.Context //nolint:containedctx // lives as long as one read of one file
	r          io.Reader
	zipped     bool
	n          int64 // bytes read
	boundary   int64 // n where the document that is being read began, at the earliest
	compressed int64
	err        error // why nothing more is read
}

// Read returns no bytes with an error of its own, and the same error ever
// after: a decoder may pass over an error that comes with bytes.
func (b *bounded) Read(p []byte) (int, error) {
	if b.err == nil {
		b.err = b.ctx.Err()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.zipped && b.n > archive.MaxRecord && b.n > archive.MaxRatio*b.compressed:
		b.err = archive.ErrRatio
	case b.n-b.boundary > 2*jsondoc.MaxBytes:
		b.err = fmt.Errorf("a document is longer than %d bytes", jsondoc.MaxBytes)
	default:
		return n, err
	}
	return 0, b.err
}

// counted counts what is read through it.
type counted struct {
	r io.Reader
	n *int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}
