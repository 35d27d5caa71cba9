package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/internal/telemetry"
)

// logged is the one line that f logs, without its timestamp.
func logged(t interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}, f func(*slog.Logger),
) map[string]any {
	t.Helper()
	var out bytes.Buffer
	f(telemetry.New(&out, slog.LevelInfo))
	if n := bytes.Count(out.Bytes(), []byte{'\n'}); n != 1 {
		t.Fatalf("%d lines, want one: %s", n, out.String())
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	at, _ := got["timestamp"].(string)
	if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
		t.Errorf("the timestamp: %v", err)
	}
	delete(got, "timestamp")
	return got
}

type class string

// secretive has a value that must not be asked for by %v.
type secretive struct{ Password string }

func (secretive) String() string { return "hunter2" }

type later struct{ v slog.Value }

func (l later) LogValue() slog.Value { return l.v }

func TestAllowList(t *testing.T) {
	attrs := func(a ...slog.Attr) []slog.Attr { return a }
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		in   []slog.Attr
		want map[string]any
	}{
		"listed": {
			in: attrs(slog.String("resource", "training-job/fraud-7"), slog.Int("attempts", 3), slog.Uint64("count", 7), slog.Float64("duration_ms", 1.5),
				slog.Bool("outcome", true), slog.Any("class", class("c")), slog.Any("rules", []string{"no-bridge", "a\nb"})),
			want: map[string]any{
				"resource": "training-job/fraud-7", "attempts": 3.0, "count": 7.0, "duration_ms": 1.5,
				"outcome": true, "class": "c", "rules": []any{"no-bridge", "ab"},
			},
		},
		"not listed": {
			in:   attrs(slog.String("environment", "hunter2"), slog.Any("tags", map[string]string{"p": "hunter2"}), slog.String("kind", "model")),
			want: map[string]any{"kind": "model", "dropped": []any{"environment", "tags"}},
		},
		"names differ by case": {
			in:   attrs(slog.String("Kind", "hunter2"), slog.String("dropped", "hunter2")),
			want: map[string]any{"dropped": []any{"Kind", "dropped"}},
		},
		"values that could hold anything": {
			in: attrs(slog.Any("request", secretive{"hunter2"}), slog.Any("event", []byte("hunter2")), slog.Any("state", &secretive{"hunter2"}),
				slog.Any("arn", nil), slog.Any("resource", []any{"hunter2"})),
			want: map[string]any{"dropped": []any{"request", "event", "state", "arn", "resource"}},
		},
		"groups": {
			in:   attrs(slog.Group("request", slog.String("kind", "hunter2")), slog.Group("", slog.String("kind", "model"), slog.String("token", "hunter2"))),
			want: map[string]any{"kind": "model", "dropped": []any{"request", "token"}},
		},
		"values found out late": {
			in:   attrs(slog.Any("kind", later{slog.StringValue("model")}), slog.Any("state", later{slog.AnyValue(secretive{"hunter2"})})),
			want: map[string]any{"kind": "model", "dropped": []any{"state"}},
		},
		"twice": {
			in:   attrs(slog.String("kind", "model"), slog.String("token", "1"), slog.String("kind", "app"), slog.String("token", "2"), slog.Attr{}),
			want: map[string]any{"kind": "app", "dropped": []any{"token"}},
		},
		"error": {
			in:   attrs(telemetry.Error(errors.New("the ledger: no such\ntable"))),
			want: map[string]any{"error": "the ledger: no suchtable"},
		},
		"no error": {
			in:   attrs(telemetry.Error(nil), slog.String("kind", "model")),
			want: map[string]any{"kind": "model", "dropped": []any{"error"}},
		},
		"an error as text, which may be anybody's": {
			in:   attrs(slog.String("error", "hunter2")),
			want: map[string]any{"dropped": []any{"error"}},
		},
		"a logger with attributes": {
			log: func(l *slog.Logger) {
				child := l.With(slog.String("function", "audit"), slog.String("token", "hunter2"))
				child.With(slog.String("kind", "app")) // another's
				child.WithGroup("").WithGroup("g").With(slog.String("kind", "hunter2")).Info("m", slog.String("arn", "hunter2"))
			},
			want: map[string]any{"function": "audit", "dropped": []any{"token", "g.kind", "g.arn"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.log == nil {
				c.log = func(l *slog.Logger) { l.LogAttrs(t.Context(), slog.LevelInfo, "m", c.in...) }
			}
			c.want["level"], c.want["message"] = "INFO", "m"
			if diff := cmp.Diff(c.want, logged(t, c.log)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	l := telemetry.New(&out, slog.LevelWarn)
	l.Info("not written")
	if out.Len() > 0 || l.Enabled(t.Context(), slog.LevelInfo) {
		t.Errorf("an INFO was written at level WARN: %s", out.String())
	}
}

// TestBounds: whatever the strings, a line is one line, small, of what can be
// seen.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Map(rapid.IntRange(200, 400), func(n int) string { return strings.Repeat("é\u202e", n) }),
		).Draw(t, "s")
		many := slices.Repeat([]string{s}, 100)
		dropped := []slog.Attr{slog.String("kind", s), slog.Any("rules", many)}
		for i := range 100 {
			dropped = append(dropped, slog.String(fmt.Sprint(i, s), s))
		}
		got := logged(t, func(l *slog.Logger) { l.LogAttrs(context.Background(), slog.LevelInfo, s, dropped...) })
		rules, _ := got["rules"].([]any)
		told, _ := got["dropped"].([]any)
		if len(rules) != 32 || len(told) != 16 {
			t.Errorf("%d of a list and %d dropped keys, want 32 and 16", len(rules), len(told))
		}
		for _, v := range append(append([]any{got["kind"], got["message"]}, rules...), told...) {
			text, ok := v.(string)
			if !ok || len(text) > 256 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00\x1b\u202e\u2028") {
				t.Errorf("%q of %q", v, s)
			}
		}
	})
	short := strings.Repeat("a", 253)
	got := logged(t, func(l *slog.Logger) {
		l.Info("m", slog.String("kind", short), slog.String("resource", short+"b"))
	})
	if got["kind"] != short || got["resource"] != short+"…" {
		t.Errorf("%q and %q: want the first whole and the second cut", got["kind"], got["resource"])
	}
}

// TestErrorsOfAWS: errors that a real client returns, from a server that quotes
// the request.
func TestErrorsOfAWS(t *testing.T) {
	const secret = "hunter2"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow/" {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>InvalidParameter</Code><Message>not valid: %s</Message></Error></ErrorResponse>`, secret)
	}))
	t.Cleanup(server.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	publish := func(ctx context.Context, endpoint string) error {
		client := sns.New(sns.Options{
			BaseEndpoint: aws.String(endpoint), Region: "eu-west-1", RetryMaxAttempts: 1,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
			}),
		})
		_, err := client.Publish(ctx, &sns.PublishInput{TopicArn: aws.String("arn:" + secret), Message: aws.String(secret)})
		if err == nil {
			t.Fatal("published")
		}
		return err
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	refused := publish(t.Context(), server.URL)
	if !strings.Contains(refused.Error(), secret) {
		t.Fatalf("%v does not hold what this test is about", refused)
	}
	get := func(url string) error {
		response, err := (&http.Client{Timeout: 50 * time.Millisecond}).Get(url)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	dial, timeout := get(gone.URL+"/?X-Amz-Signature="+secret), get(server.URL+"/slow/")
	_, listen := net.Listen("tcp", "256.256.256.256:0")
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{refused, "SNS.Publish: InvalidParameter"},
		{fmt.Errorf("alerting on %s: %w", secret, refused), "SNS.Publish: InvalidParameter"},
		{errors.Join(errors.New(secret), refused), "SNS.Publish: InvalidParameter"},
		{&smithy.GenericAPIError{Code: "Throttled <b>" + strings.Repeat("x", 300), Message: secret}, "Throttledb" + strings.Repeat("x", 243) + "…"},
		{publish(canceled, server.URL), "SNS.Publish: canceled"},
		{publish(short, server.URL+"/slow"), "SNS.Publish: deadline exceeded"},
		{publish(t.Context(), gone.URL), "SNS.Publish: syscall.Errno"},
		{dial, "syscall.Errno"},
		{timeout, "deadline exceeded"},
		{&net.DNSError{Name: secret, IsTimeout: true}, "timeout"},
		{listen, "*net.DNSError"},
		{fmt.Errorf("rules file: %w", context.DeadlineExceeded), "rules file: context deadline exceeded"},
		{errors.New("the rules file names no default"), "the rules file names no default"},
	} {
		if got := telemetry.ErrorText(c.err); got != c.want {
			t.Errorf("%v:\ngot  %q\nwant %q", c.err, got, c.want)
		}
	}
}
