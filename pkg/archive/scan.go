package archive

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
)

// Limits of a scan. They bound its memory and its time whatever the input is.
const (
	// MaxRecord is the length in bytes of the longest record that is read, four times what CloudTrail writes
	// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html, event size).
	MaxRecord = 1 << 20
	// MaxDepth is how many objects and arrays may lie one inside the other in a record that is handed out.
	MaxDepth = 100
	// MaxRatio is how many times its compressed size a log may take once it is decompressed. Logs take about 8
	// times, and gzip cannot do more than 1032 times.
	MaxRatio = 1000
)

// Reasons for which a log, or a record of it, cannot be read. But for ErrNotALog they come inside an [Error].
var (
	// ErrNotALog says that the input is not an object with an array called Records. Nothing was handed out.
	ErrNotALog = errors.New("not a CloudTrail log")
	// ErrSyntax says that the text is not valid JSON.
	ErrSyntax = errors.New("not valid JSON")
	// ErrOther says that a document follows the log which is none.
	ErrOther = errors.New("another document follows the log")
	// ErrMember says that a log has another member than Records, which no log of CloudTrail has. It was not read.
	ErrMember = errors.New("a member that no CloudTrail log has stands beside Records")
	// ErrTooLong says that a record is longer than MaxRecord.
	ErrTooLong = fmt.Errorf("record longer than %d bytes", MaxRecord)
	// ErrTooDeep says that a record is nested deeper than MaxDepth.
	ErrTooDeep = fmt.Errorf("record nested deeper than %d levels", MaxDepth)
	// ErrRatio says that the log is compressed more than MaxRatio to 1.
	ErrRatio = fmt.Errorf("compressed more than %d to 1", MaxRatio)
)

// An Error says where a log could not be read, and why. Every whole record before Offset was handed out, or
// every one at all if Err is ErrMember.
type Error struct {
	Offset int64 // in bytes, in the decompressed text; for a record that was skipped, where it starts
	Err    error // io.ErrUnexpectedEOF for a log that is cut off, the decompressor's own error, or one of the above
}

// Error returns the reason and the place.
func (e *Error) Error() string {
	return fmt.Sprintf("byte %d of the decompressed log: %v", e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// A Record is one element of Records whose eventSource is SageMaker's, or that is no record of CloudTrail.
type Record struct {
	Data   []byte // one valid JSON value, as the log has it; not to be changed, and gone when fn returns
	Offset int64  // of Data in the decompressed text, in bytes
}

// Stats says what a scan has read.
type Stats struct {
	CompressedBytes int64 // taken from the reader
	Bytes           int64 // of text after decompression; the same if the log was not compressed
	Leapt           int64 // of Bytes that were leapt over: see the package comment
	Records         int64 // handed out
	Skipped         int64 // records that could not be handed out: too long, too deep, or not valid JSON
}

// Add adds other to s, field by field.
func (s *Stats) Add(other Stats) {
	s.CompressedBytes += other.CompressedBytes
	s.Bytes += other.Bytes
	s.Leapt += other.Leapt
	s.Records += other.Records
	s.Skipped += other.Skipped
}

// A Gunzip decompresses gzip, all members of a stream one after another. Reset starts a new stream. At its end Read
// must have checked length and checksum before it returns io.EOF. The reader that Reset gets is an io.ByteReader.
type Gunzip interface {
	io.Reader
	Reset(io.Reader) error
}

// NewGunzip returns the decompressor that scans use by default.
func NewGunzip() Gunzip { return new(gzip.Reader) }

// A Scanner scans logs one after another and keeps its buffers, about 4 MiB, from one to the next. The zero value is
// ready. It must not be used by two goroutines at a time.
type Scanner struct {
	// Exact makes the scan parse every byte, which takes about half as long again. It is for logs that somebody
	// other than CloudTrail may have written: see the package comment for the difference.
	Exact bool
	// Gunzip decompresses; nil stands for NewGunzip().
	Gunzip Gunzip

	limits limits
	in     *bufio.Reader
	buf    []byte
}

// limits of the parser, which tests set low.
type limits struct {
	buffer    int   // largest size of the buffer; more than record+2
	record    int   // MaxRecord
	proof     int   // see leap
	slack     int   // see leap
	ratio     int64 // MaxRatio
	unchecked int64 // bytes that a log may decompress to before its ratio counts
}

var defaults = limits{
	buffer:    4 << 20,
	record:    MaxRecord,
	proof:     256 << 10,
	slack:     16 << 10,
	ratio:     MaxRatio,
	unchecked: 1 << 20,
}

// Scan reads one log from r, compressed by gzip (it starts with 1f 8b) or not, and calls fn for each record of
// SageMaker, and for each element that is no record of CloudTrail, in the order of the log. Several logs one after another are read like one. r need not be able to seek,
// and is read to its end.
//
// If r is not a log the error is ErrNotALog. If the log becomes unreadable somewhere, the error is an *Error which
// says where, and fn has had every whole record before. A record that breaks a limit is skipped and the scan goes on;
// Stats.Skipped counts them, and the first of them is an *Error too, joined after the other error if there is one.
// So is the first member of a log that is not Records. An error of fn or of ctx ends the scan and is found in the error by errors.Is.
func (s *Scanner) Scan(ctx context.Context, r io.Reader, fn func(Record) error) (Stats, error) {
	if s.limits == (limits{}) {
		s.limits = defaults
	}
	raw := &counter{r: r}
	if s.in == nil {
		s.in = bufio.NewReaderSize(nil, 64<<10)
	}
	s.in.Reset(raw)
	defer s.in.Reset(nil)

	p := &parser{ctx: ctx, fn: fn, limits: s.limits, exact: s.Exact, buf: s.buf, mark: -1, scouted: -1}
	magic, err := s.in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return Stats{}, &Error{Err: err}
	}
	p.src = s.in
	if string(magic) == "\x1f\x8b" {
		if s.Gunzip == nil {
			s.Gunzip = NewGunzip()
		}
		if err := s.Gunzip.Reset(s.in); err != nil {
			return Stats{CompressedBytes: raw.n}, &Error{Err: err}
		}
		p.src = s.Gunzip
		p.compressed = func() int64 { return raw.n - int64(s.in.Buffered()) }
	}

	err = p.log()
	s.buf = p.buf
	p.stats.CompressedBytes = raw.n
	p.stats.Bytes = p.base + int64(p.end)
	found := slices.DeleteFunc([]error{err, p.fault, p.beside}, func(err error) bool { return err == nil })
	if errors.Is(err, ErrNotALog) || len(found) < 2 {
		return p.stats, cmp.Or(err, p.fault, p.beside)
	}
	return p.stats, errors.Join(found...)
}

// Scan reads one log with a new [Scanner].
func Scan(ctx context.Context, r io.Reader, fn func(Record) error) (Stats, error) {
	return new(Scanner).Scan(ctx, r, fn)
}

// IsLog says whether text, the start of a decompressed file, is the start of a log: an object in which an array
// called Records begins, as far as text reaches. 64 bytes are enough for what CloudTrail writes.
func IsLog(text []byte) bool {
	for key, rest := range members(trim(text)) {
		if key == "Records" {
			return rest[0] == '['
		}
	}
	return false
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
