package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

func status(err error) int {
	var r *smithyhttp.ResponseError
	if errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

func TestObjects(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	ctx := t.Context()
	b.AddBucket("rules", "444455556666")
	put, err := b.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("rules"), Key: aws.String("a/rules.yaml"), Body: strings.NewReader("version: 1\n")})
	ok(t, err)
	b.clock.Advance(time.Minute)
	get := func(change func(*s3.GetObjectInput)) (string, *s3.GetObjectOutput, error) {
		in := &s3.GetObjectInput{Bucket: aws.String("rules"), Key: aws.String("a/rules.yaml"), ExpectedBucketOwner: aws.String("444455556666")}
		if change != nil {
			change(in)
		}
		out, err := b.s3.GetObject(ctx, in)
		if err != nil {
			return "", out, err
		}
		defer out.Body.Close()
		body, err := io.ReadAll(out.Body)
		return string(body), out, err
	}
	body, out, err := get(nil)
	ok(t, err)
	if body != "version: 1\n" || *out.ETag != *put.ETag || !out.LastModified.Equal(start) || out.ChecksumCRC32 == nil {
		t.Errorf("got %q, %+v", body, out)
	}
	if body, out, err = get(func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=0-6") }); err != nil || body != "version" || *out.ContentRange != "bytes 0-6/11" {
		t.Errorf("a range: %q, %v", body, err)
	}
	if body, _, err = get(func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=0-1000") }); err != nil || body != "version: 1\n" {
		t.Errorf("a range beyond the end: %q, %v", body, err)
	}
	head, err := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("rules"), Key: aws.String("a/rules.yaml")})
	ok(t, err)
	if *head.ETag != *put.ETag || *head.ContentLength != 11 {
		t.Errorf("head: %+v", head)
	}
	_, _, err = get(func(in *s3.GetObjectInput) { in.IfNoneMatch = put.ETag })
	if status(err) != http.StatusNotModified {
		t.Errorf("unchanged: %v", err)
	}
	b.PutObject("rules", "a/rules.yaml", []byte("version: 2\n"))
	if body, _, err = get(func(in *s3.GetObjectInput) { in.IfNoneMatch = put.ETag }); err != nil || body != "version: 2\n" {
		t.Errorf("changed: %q, %v", body, err)
	}
	for _, test := range []struct {
		name, want string
		status     int
		change     func(*s3.GetObjectInput)
	}{
		{"another owner", "AccessDenied", 403, func(in *s3.GetObjectInput) { in.ExpectedBucketOwner = aws.String("111122223333") }},
		{"no key", "NoSuchKey", 404, func(in *s3.GetObjectInput) { in.Key = aws.String("x") }},
		{"no bucket", "NoSuchBucket", 404, func(in *s3.GetObjectInput) { in.Bucket = aws.String("other") }},
		{"another range", "InvalidRange", 416, func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=5-6") }},
	} {
		_, _, err := get(test.change)
		wantCode(t, test.name, err, test.want)
		if status(err) != test.status {
			t.Errorf("%s: %d", test.name, status(err))
		}
	}
	_, err = b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("rules"), Key: aws.String("x")})
	if status(err) != http.StatusNotFound {
		t.Errorf("head of nothing: %v", err)
	}
	if code, _, _ := b.raw(t, "PUT", "/rules/x", "s3", "0\r\n", map[string]string{"Content-Encoding": "aws-chunked"}); code != http.StatusNotImplemented {
		t.Errorf("a chunked upload: %d", code)
	}
}
