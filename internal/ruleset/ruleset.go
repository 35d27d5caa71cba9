// Package ruleset keeps the rules file at hand while a function runs: read from
// S3 at most once a minute, and only if it changed. Where it cannot be read the
// last good one stays in force, and says that it is not current: then nothing is
// stopped by it.
package ruleset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// keep is how long a file is used before S3 is asked again.
const keep = time.Minute

// MaxBytes is the longest rules file.
const MaxBytes = 256 << 10

// Options say where the rules file is.
type Options struct {
	S3 *s3.Client
	// Bucket and Key are the object, Owner the account that must own the bucket.
	// An empty bucket is the built-in rules.
	Bucket, Key, Owner string
	// Store keeps the last good file for a function that starts while S3 cannot
	// be reached.
	Store ledger.Store
	// Save says that this function is the one that writes it there.
	Save    bool
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// Source hands out the rules in force. It is safe for concurrent use.
type Source struct {
	Options
	mu     sync.Mutex
	set    evaluate.Ruleset
	asked  time.Time // when S3 last answered, or did not
	loaded bool
}

// New returns a source.
func New(o Options) *Source { return &Source{Options: o} }

// Saved is the last good file as the ledger keeps it, under [Control].
type Saved struct {
	Version ledger.RulesVersion
	Text    string
}

// Control is the name of the last good file in the ledger.
const Control = "rules"

// Rules returns the rules in force. The error says that there are none: the file
// cannot be read, and no good one is known. Nothing can be judged then.
func (s *Source) Rules(ctx context.Context) (evaluate.Ruleset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Bucket == "" {
		return evaluate.Ruleset{File: rules.Default(), Current: true}, nil
	}
	now := s.Now()
	if s.loaded && now.Sub(s.asked) < keep && !now.Before(s.asked) {
		return s.set, nil
	}
	fresh, err := s.fetch(ctx)
	switch {
	case err == nil:
		s.set, s.loaded, s.asked = fresh, true, now
		return s.set, nil
	case s.loaded:
		s.asked = now
	default:
		last, lastErr := s.last(ctx)
		if lastErr != nil {
			return evaluate.Ruleset{}, fmt.Errorf("the rules file s3://%s/%s: %w", s.Bucket, s.Key, errors.Join(err, lastErr))
		}
		s.set, s.loaded, s.asked = last, true, now
	}
	s.set.Current = false
	s.Metrics.Count(telemetry.RulesStale, 1)
	s.Log.LogAttrs(ctx, slog.LevelError, "rules", slog.String("outcome", "the last good rules stay in force, and nothing is stopped by them"), slog.String("rules", s.set.Version.ID), telemetry.Error(err))
	return s.set, nil
}

// fetch asks S3 for the file, or whether it changed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *Source) fetch(ctx context.Context) (evaluate.Ruleset, error) {
	in := &s3.GetObjectInput{Bucket: &s.Bucket, Key: &s.Key}
	if s.Owner != "" {
		in.ExpectedBucketOwner = &s.Owner
	}
	if s.loaded && s.set.Version.ID != "" {
		in.IfNoneMatch = aws.String(`"` + s.set.Version.ID + `"`)
	}
	out, err := s.S3.GetObject(ctx, in)
	if same, modified := http304(err); same {
		set := s.set
		set.Current = true
		if !modified.IsZero() {
			set.Version.At = modified // the same text may have been written again
		}
		return set, nil
	}
	if err != nil {
		return evaluate.Ruleset{}, err
	}
	defer out.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.LimitReader(out.Body, MaxBytes+1))
	if err != nil {
		return evaluate.Ruleset{}, err
	}
	if len(text) > MaxBytes {
		return evaluate.Ruleset{}, fmt.Errorf("longer than %d bytes", MaxBytes)
	}
	version := ledger.RulesVersion{At: aws.ToTime(out.LastModified).UTC(), ID: strings.Trim(aws.ToString(out.ETag), `"`)}
	file, err := load(text)
	if err != nil {
		return evaluate.Ruleset{}, err
	}
	s.save(ctx, Saved{version, string(text)})
	return evaluate.Ruleset{File: file, Version: version, Current: true}, nil
}

func load(text []byte) (*rules.File, error) {
	return rules.Load("rules.yaml", text, kind.Kinds())
}

// http304 says whether S3 answered that the object did not change, and when it was
// written.
func http304(err error) (same bool, modified time.Time) {
	var r *awshttp.ResponseError
	if !errors.As(err, &r) || r.HTTPStatusCode() != http.StatusNotModified {
		return false, time.Time{}
	}
	if r.Response != nil {
		modified, _ = http.ParseTime(r.Response.Header.Get("Last-Modified"))
	}
	return true, modified.UTC()
}

// last is the last good file that the ledger keeps.
func (s *Source) last(ctx context.Context) (evaluate.Ruleset, error) {
	var kept Saved
	version, err := s.Store.Control(ctx, Control, &kept)
	if err != nil {
		return evaluate.Ruleset{}, err
	}
	if version == 0 {
		return evaluate.Ruleset{}, errors.New("and no good one was ever read")
	}
	file, err := load([]byte(kept.Text))
	if err != nil {
		return evaluate.Ruleset{}, err
	}
	return evaluate.Ruleset{File: file, Version: kept.Version}, nil
}

// save keeps the file for the time when S3 cannot be reached. That it could not
// be kept is no reason not to judge by it.
func (s *Source) save(ctx context.Context, good Saved) {
	if !s.Save {
		return
	}
	var kept Saved
	version, err := s.Store.Control(ctx, Control, &kept)
	if err == nil && !kept.Version.Same(good.Version) {
		err = s.Store.PutControl(ctx, Control, version, good)
	}
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "rules", slog.String("outcome", "not kept for later"), telemetry.Error(err))
	}
}
