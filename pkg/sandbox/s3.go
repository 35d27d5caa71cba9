package sandbox

import (
	"crypto/md5" //nolint:gosec // the ETag of S3
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// object is what a key holds.
type object struct {
	body     []byte
	etag     string
	modified time.Time
}

// bucket holds objects by key.
type bucket struct {
	owner   string // account
	objects map[string]object
}

// buckets is S3, by path (http://endpoint/bucket/key).
type buckets struct {
	world *World

	mu  sync.Mutex
	all map[string]*bucket
}

func newBuckets(w *World) *buckets { return &buckets{world: w, all: map[string]*bucket{}} }

// AddBucket makes a bucket of an account, which may be another one.
func (w *World) AddBucket(name, owner string) {
	w.buckets.mu.Lock()
	defer w.buckets.mu.Unlock()
	w.buckets.all[name] = &bucket{owner, map[string]object{}}
}

// PutObject writes an object into a bucket that is there.
func (w *World) PutObject(name, key string, body []byte) {
	w.buckets.mu.Lock()
	defer w.buckets.mu.Unlock()
	b := w.buckets.all[name]
	if b == nil {
		panic(fmt.Sprintf("the sandbox has no bucket %q: call AddBucket first", name))
	}
	w.buckets.put(b, key, body)
}

// put keeps an object. Its ETag is the MD5 of its bytes, as in buckets with
// encryption by S3's own keys.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
func (s *buckets) put(b *bucket, key string, body []byte) object {
	sum := md5.Sum(body) //nolint:gosec // as S3 does
	o := object{body, `"` + hex.EncodeToString(sum[:]) + `"`, s.world.Now()}
	b.objects[key] = o
	return o
}

var s3Operations = map[string]string{
	http.MethodGet:  "GetObject",
	http.MethodHead: "HeadObject",
	http.MethodPut:  "PutObject",
}

func (s *buckets) serve(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.all[c.text("Bucket")]
	if b == nil {
		return nil, &Error{Code: "NoSuchBucket", Message: "The specified bucket does not exist", Status: http.StatusNotFound}
	}
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
	if owner := c.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != b.owner {
		return nil, &Error{Code: "AccessDenied", Message: "Access Denied", Status: http.StatusForbidden}
	}
	if c.Operation == "PutObject" {
		if strings.Contains(c.header.Get("Content-Encoding"), "aws-chunked") {
			return nil, &Error{Code: "NotImplemented", Message: "chunked uploads are not served here", Status: http.StatusNotImplemented}
		}
		o := s.put(b, c.text("Key"), c.body)
		return &reply{status: http.StatusOK, header: map[string]string{"ETag": o.etag}}, nil
	}
	o, ok := b.objects[c.text("Key")]
	if !ok {
		// With s3:ListBucket, as here; without, S3 answers AccessDenied.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
		return nil, &Error{Code: "NoSuchKey", Message: "The specified key does not exist.", Status: http.StatusNotFound}
	}
	return o.reply(c)
}

func (o object) reply(c *call) (any, error) {
	out := &reply{status: http.StatusOK, body: o.body, header: map[string]string{
		"ETag": o.etag, "Last-Modified": o.modified.Format(http.TimeFormat), "Content-Type": "application/octet-stream",
		"Accept-Ranges": "bytes", "Content-Length": strconv.Itoa(len(o.body)),
	}}
	if tag := c.header.Get("If-None-Match"); tag == o.etag || tag == strings.Trim(o.etag, `"`) {
		return &reply{status: http.StatusNotModified, header: map[string]string{"ETag": o.etag, "Last-Modified": out.header["Last-Modified"]}}, nil
	}
	if asked := c.header.Get("Range"); asked != "" {
		last, err := strconv.Atoi(strings.TrimPrefix(asked, "bytes=0-"))
		if err != nil || last < 0 || len(o.body) == 0 {
			return nil, &Error{Code: "InvalidRange", Message: "The requested range is not satisfiable", Status: http.StatusRequestedRangeNotSatisfiable}
		}
		out.body = o.body[:min(last+1, len(o.body))]
		out.status = http.StatusPartialContent
		out.header["Content-Length"] = strconv.Itoa(len(out.body))
		out.header["Content-Range"] = fmt.Sprintf("bytes 0-%d/%d", len(out.body)-1, len(o.body))
	} else if c.header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		// The SDK asks for it, and checks it.
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
		sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(o.body))
		out.header["X-Amz-Checksum-Crc32"] = base64.StdEncoding.EncodeToString(sum)
		out.header["X-Amz-Checksum-Type"] = "FULL_OBJECT"
	}
	return out, nil
}
