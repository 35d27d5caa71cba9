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
	"github.com/sagemoat/sagemoat/pkg/cloudformation"
	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/terraform"
)

// Inputs are files and folders to read; "-" is standard input.
type Inputs struct {
	Paths []string
	Stdin io.Reader
	// SkipOthers treats files that were named like those that a folder holds: one
	// that is nothing that is read is counted, and no error.
	SkipOthers bool
	// Past refuses what tells of what is to be created, and not of what happened:
	// templates, plans and pipeline definitions.
	Past bool
}

// stdinName is how standard input is named in messages.
const stdinName = "standard input"

// collector gathers what the files of a run tell. Files are read in parallel.
type collector struct {
	mu       sync.Mutex
	all      []*kind.Observation
	report   *Reading
	progress func(files int, bytes int64)
	named    map[string]bool // the files that must be something that is read
	past     bool
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
	for _, err := range split(err) {
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

// split returns the errors that were joined, each a problem of its own.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// read reads every input.
func (in Inputs) read(ctx context.Context, report *Reading, progress func(int, int64)) ([]*kind.Observation, error) {
	c := &collector{report: report, progress: progress, named: map[string]bool{stdinName: !in.SkipOthers}, past: in.Past}
	from := in.expand(c)
	if !in.SkipOthers {
		for _, path := range slices.Concat(from.named, from.streams) {
			c.named[path] = true
		}
	}
	if from.stdin {
		if err := c.stream(ctx, stdinName, in.Stdin); err != nil {
			return nil, err
		}
	}
	for _, path := range from.streams {
		if err := c.file(ctx, path); err != nil {
			return nil, err
		}
	}
	scan := archive.Files{
		Record: func(path string, r archive.Record) error {
			observations, err := events.DecodeLife(r.Data)
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
	if err := scan.Scan(ctx, from.files); err != nil {
		return nil, err
	}
	slices.SortFunc(report.Problems, func(a, b Problem) int {
		return strings.Compare(fmt.Sprintf("%s\x00%20d", a.File, a.Offset), fmt.Sprintf("%s\x00%20d", b.File, b.Offset))
	})
	slices.Sort(report.Notes)
	return c.all, nil
}

// found are the inputs that the paths lead to.
type found struct {
	files   []string
	named   []string // those of the files that were named
	streams []string // pipes and devices that were named: what is read of them is gone
	stdin   bool
}

// expand lists what is to be read, of folders the files with the names that
// hold it.
func (in Inputs) expand(c *collector) (out found) {
	for _, path := range in.Paths {
		if path == "-" {
			out.stdin = true
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			c.cannot(path, err)
		case info.IsDir():
			out.folder(c, path)
		case info.Mode().IsRegular():
			out.files, out.named = append(out.files, path), append(out.named, path)
		default:
			out.streams = append(out.streams, path)
		}
	}
	if len(in.Paths) > 0 && len(out.files)+len(out.streams) == 0 && !out.stdin && len(c.report.Problems) == 0 {
		c.cannot(strings.Join(in.Paths, ", "), errors.New("no file to read in there: files are read that end in .json, .jsonl, .ndjson, .gz, .yaml, .yml or .template, or have no ending"))
	}
	return out
}

// folder lists the files in a folder and those below it.
func (out *found) folder(c *collector, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		c.cannot(dir, err)
	}
	for _, e := range entries {
		path, mode := filepath.Join(dir, e.Name()), e.Type()
		link := mode&fs.ModeSymlink != 0
		if link {
			info, err := os.Stat(path)
			if err != nil {
				c.cannot(path, err)
				continue
			}
			mode = info.Mode()
		}
		switch {
		case mode.IsDir() && slices.Contains(passedOver, e.Name()):
			if c.report.Folders == nil {
				c.report.Folders = map[string]int{}
			}
			c.report.Folders[e.Name()]++
		case mode.IsDir() && link:
			// It may lead back to where it lies, or to what is read anyway.
			c.cannot(path, errors.New("a link to a folder is not followed: name the folder"))
		case mode.IsDir():
			out.folder(c, path)
		case !mode.IsRegular():
			// To open a pipe can take for ever.
			c.cannot(path, errors.New("not a file but a pipe, a device or a socket: name it to read it"))
		case isSource(path):
			c.report.Sources++
		case readable(path):
			out.files = append(out.files, path)
		default:
			c.report.Skipped++
		}
	}
}

// passedOver are the names of folders that hold what others wrote, or what tools
// keep for themselves. They are counted, and read where they are named.
var passedOver = []string{
	".bzr", ".cache", ".git", ".gradle", ".hg", ".m2", ".mypy_cache", ".nox", ".npm", ".pnpm-store", ".pytest_cache",
	".ruff_cache", ".svn", ".terraform", ".terragrunt-cache", ".tox", ".venv", ".yarn", "__pycache__", "node_modules",
}

// cannot notes that a path leads to nothing that can be read. It is called
// before anything is read.
func (c *collector) cannot(path string, err error) {
	var at *fs.PathError
	if errors.As(err, &at) {
		path, err = at.Path, at.Err
	}
	c.report.Problems = append(c.report.Problems, Problem{File: path, Offset: -1, Err: err})
}

// readable says whether a file in a folder is read: by its name, or where that
// has no ending, as Amazon Data Firehose writes them, by how it begins.
func readable(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".jsonl", ".ndjson", ".gz", ".yaml", ".yml", ".template":
		return true
	case "":
	default:
		return false
	}
	f, err := os.Open(path) // #nosec G304 -- the user named the folder
	if err != nil {
		return true // reading it tells why
	}
	defer f.Close() //nolint:errcheck // only read from
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head[:n], byteOrderMark), " \t\r\n")
	return bytes.HasPrefix(head, gzipped) || len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// How a file may begin: compressed, and as PowerShell writes text.
var gzipped, byteOrderMark = []byte("\x1f\x8b"), []byte("\xef\xbb\xbf")

// file reads a file that is no CloudTrail log, or a stream.
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
	text := &bounded{ctx: ctx, most: 2 * jsondoc.MaxBytes}
	in := bufio.NewReaderSize(&counted{r: r, n: &text.compressed}, 64<<10)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		c.done(name, 0, err)
		return nil
	}
	text.r = in
	if bytes.Equal(magic, gzipped) {
		z, err := gzip.NewReader(in)
		if err != nil {
			c.done(name, 0, err)
			return nil
		}
		text.r, text.zipped = z, true
	}
	plain := bufio.NewReaderSize(text, 64<<10)
	if mark, _ := plain.Peek(len(byteOrderMark)); bytes.Equal(mark, byteOrderMark) {
		_, _ = plain.Discard(len(mark))
	}
	head, _ := plain.Peek(4 << 10)
	if len(head) == 0 && !c.named[name] && !strings.HasSuffix(strings.ToLower(name), ".json") && !text.zipped {
		// No record was lost in what holds none by its name.
		c.other()
		c.done(name, 0, nil)
		return nil
	}
	rest := bytes.TrimLeft(head, " \t\r\n")
	if len(rest) > 0 && rest[0] != '{' && rest[0] != '[' {
		err := c.prose(name, plain)
		if ctx.Err() == nil {
			c.done(name, text.n, err)
		}
		return ctx.Err()
	}
	if len(rest) > 0 && (name == stdinName || yamlName.MatchString(name)) && !text.zipped && !archive.IsLog(head) && !terraform.Looks(rest) {
		again, is, err := c.flow(name, plain)
		if ctx.Err() != nil || is || err != nil {
			if ctx.Err() == nil {
				c.done(name, text.n, err)
			}
			return ctx.Err()
		}
		plain = bufio.NewReaderSize(again, 64<<10)
	}
	if terraform.Looks(rest) {
		text.most = terraform.MaxBytes
		err := c.plan(name, plain)
		if ctx.Err() == nil {
			c.done(name, text.n, err)
		}
		return ctx.Err()
	}
	if archive.IsLog(head) {
		stats, err := archive.Scan(ctx, plain, func(r archive.Record) error {
			observations, err := events.DecodeLife(r.Data)
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
	t := &tally{collector: c, name: name}
	d := &documents{
		dec: newDecoder(r), text: text, in: r,
		each: func(data []byte, offset int64) {
			observations, err := c.decode(name, data, offset)
			t.add(offset, observations, err)
		},
		skipped: t.tooLong,
	}
	n := 0
	for ; ; n++ {
		err := d.next()
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return t.end(nil)
		case errors.Is(err, io.EOF):
			return errors.New("the file is empty")
		case err != nil:
			return t.end(d.place(err))
		}
	}
}

// decode reads a document that stands in a file.
func (c *collector) decode(name string, data []byte, offset int64) ([]*kind.Observation, error) {
	base := filepath.Base(name)
	observations, err := events.DecodeFileLife(data, strings.TrimSuffix(base, filepath.Ext(base)))
	var refused *jsondoc.Error
	switch {
	case errors.Is(err, events.ErrPlan):
		return c.planned(name, offset, bytes.NewReader(data))
	case errors.Is(err, events.ErrTemplate), errors.As(err, &refused):
		// Names that differ only by case are no trick in a template, whose resources
		// and functions have names of the author's choice.
		root, again := document.JSON(data)
		if again == nil && (refused == nil && cloudformation.Looks(root) || cloudformation.Is(root)) {
			return c.template(name, offset, root)
		}
	}
	if c.past && slices.ContainsFunc(observations, func(o *kind.Observation) bool { return o.Source.Type == kind.ShapePipeline }) {
		return nil, errDeclared
	}
	return observations, err
}

type documents struct {
	dec     *jsontext.Decoder
	base    int64 // of the decoder's offsets in the text
	in      io.Reader
	text    *bounded
	each    func(data []byte, offset int64)
	skipped func(offset int64, m mark) // is told of a document that is too long
}

// errTooLong says that a document is longer than one that is read.
var errTooLong = fmt.Errorf("a document is longer than %d bytes", jsondoc.MaxBytes)

// errCutOff says that there is less of a file than there was.
var errCutOff = errors.New("the file ends in the middle of a document")

// newDecoder returns a decoder for many documents. Whoever decodes one of them
// is strict; here its faults must not take the documents after it along.
func newDecoder(r io.Reader) *jsontext.Decoder {
	return jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// offset is where reading stands in the text.
func (d *documents) offset() int64 { return d.base + d.dec.InputOffset() }

// skip passes over the rest of a document that is too long, which began at
// start, without keeping any of it. The decoder stands depth brackets deep in
// it. After it reading goes on as if the text had opened with outer.
func (d *documents) skip(start int64, depth int, outer string, m mark) error {
	at := d.offset()
	rest := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(d.dec.UnreadBuffer())), d.in), 64<<10)
	d.text.err, d.text.boundary = nil, d.text.n
	inside, begun := false, depth > 0
	for done := false; !done; at++ {
		c, err := rest.ReadByte()
		if err != nil {
			return err
		}
		if at%(64<<10) == 0 {
			d.text.boundary = d.text.n
		}
		switch {
		case inside && c == '\\':
			at++
			if _, err := rest.ReadByte(); err != nil {
				return err
			}
		case c == '"':
			inside = !inside
			begun, done = true, depth == 0 && !inside
		case inside:
		case c == '{', c == '[':
			begun = true
			depth++
		case c == '}', c == ']':
			depth--
			done = depth == 0
		case depth > 0, c == ' ', c == '\n', c == '\r', c == '\t', c == ',' && !begun:
		default:
			// Nothing that is no string nor bracket can be so long.
			return errTooLong
		}
	}
	d.skipped(start, m)
	d.text.boundary = d.text.n
	d.in = rest
	d.dec = newDecoder(io.MultiReader(strings.NewReader(outer), rest))
	d.base = at - int64(len(outer))
	return nil
}

// place gives an error the offset at which reading stopped.
func (d *documents) place(err error) error {
	offset := d.offset()
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		offset, err = d.base+syn.ByteOffset, syn.Err
	}
	if d.text.err != nil {
		err = d.text.err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errCutOff
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
		return noEOF(d.list("["))
	case '{':
		return noEOF(d.object())
	default:
		// The end, or no JSON at all, or a value that is no document.
		v, err := d.dec.ReadValue()
		if start, ok := d.start(); ok && errors.Is(err, errTooLong) {
			return noEOF(d.skip(start, 0, "", maybeMarked))
		}
		if err != nil {
			return err
		}
		d.each(v, d.offset()-int64(len(v)))
		return nil
	}
}

// start is where the value begins that is next, if its first byte was read.
func (d *documents) start() (offset int64, ok bool) {
	unread := d.dec.UnreadBuffer()
	value := bytes.TrimLeft(unread, ", \t\r\n")
	return d.offset() + int64(len(unread)-len(value)), len(value) > 0
}

// noEOF is err, with the end of the input told as one in the middle.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// list reads the rest of a list, which outer opens.
func (d *documents) list(outer string) error {
	for d.dec.PeekKind() != ']' {
		d.text.boundary = d.text.n
		v, err := d.dec.ReadValue()
		if start, ok := d.start(); ok && errors.Is(err, errTooLong) {
			if err := d.skip(start, 0, outer+"null", maybeMarked); err != nil {
				return err
			}
			// The brackets are read again, and a null in place of the document.
			for kind := d.dec.PeekKind(); kind != 0; kind = d.dec.PeekKind() {
				if _, err := d.dec.ReadToken(); err != nil {
					return err
				}
				if kind == 'n' {
					break
				}
			}
			continue
		}
		if err != nil {
			return err
		}
		d.each(v, d.offset()-int64(len(v)))
	}
	_, err := d.dec.ReadToken()
	return err
}

// object reads an object: the list that it holds, if it does, element by
// element, and what is left of it as a document.
func (d *documents) object() error {
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	offset := d.offset() - 1
	whole := bytes.NewBufferString("{")
	for d.dec.PeekKind() != '}' {
		err := d.member(whole)
		if err == nil && whole.Len() > jsondoc.MaxBytes {
			err = errTooLong
		}
		if errors.Is(err, errTooLong) && d.dec.StackDepth() == 1 {
			return d.skip(offset, 1, "", markOf(whole.Bytes()))
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	whole.WriteByte('}')
	d.each(whole.Bytes(), offset)
	return nil
}

// markOf says whether the beginning of an object has a mark of something that is
// read.
func markOf(object []byte) mark {
	d := newDecoder(bytes.NewReader(object))
	if _, err := d.ReadToken(); err != nil {
		return maybeMarked
	}
	for {
		name, err := d.ReadToken()
		if err != nil || name.Kind() != '"' {
			return unmarked
		}
		if events.Mark(name.String()) {
			return marked
		}
		if d.SkipValue() != nil {
			return unmarked // the object is cut off in it
		}
	}
}

// member reads a member of an object into the document that is left of it.
func (d *documents) member(whole *bytes.Buffer) error {
	v, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	key := v.Clone()
	if whole.Len() > 1 {
		whole.WriteByte(',')
	}
	whole.Write(key)
	whole.WriteByte(':')
	if name := string(key); (name == `"Events"` || name == `"Records"`) && d.dec.PeekKind() == '[' {
		if _, err := d.dec.ReadToken(); err != nil {
			return err
		}
		whole.WriteString("[]")
		return d.list("{" + name + ":[")
	}
	v, err = d.dec.ReadValue()
	whole.Write(v)
	return err
}

// bounded reads text and stops where a document is too long, or the text is
// compressed more than it can honestly be.
type bounded struct {
	ctx        context.Context //nolint:containedctx // lives as long as one read of one file
	r          io.Reader
	zipped     bool
	n          int64 // bytes read
	boundary   int64 // n where the document that is being read began, at the earliest
	most       int64 // bytes that may be read since then
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
	if b.n-b.boundary > b.most {
		// Nothing has been read, so nothing is lost to who goes on behind it.
		b.err = errTooLong
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.zipped && b.n > archive.MaxRecord && b.n > archive.MaxRatio*b.compressed {
		b.err = archive.ErrRatio
		return 0, b.err
	}
	return n, err
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
