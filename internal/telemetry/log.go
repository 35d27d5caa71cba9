package telemetry

import (
	"context"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

const (
	longest     = 256 // bytes of a string
	most        = 32  // strings of a list
	mostDropped = 16  // keys told under "dropped"
)

// keys are the attributes that may be written.
var keys = []string{
	"account",
	"arn",
	"attempts",
	"class",
	"compliance",
	"count",
	"duration_ms",
	"error",
	"event",
	"function",
	"kind",
	"operation",
	"outcome",
	"region",
	"request",
	"resource",
	"rules",
	"severity",
	"state",
}

// New returns a logger that writes each entry to w as one line of JSON, with the
// keys of Lambda's own JSON logs: timestamp, level, message
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html).
//
// An attribute must have a key on the list of this package; numbers, booleans,
// times, strings, lists of strings and, as "error", errors are written. Strings
// lose what cannot be seen and are cut at 256 bytes. Everything else is dropped,
// also whatever is in a group; the keys of what was dropped are the value of
// "dropped".
func New(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(&handler{json: slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level, ReplaceAttr: lambdacontext.ReplaceAttr,
	})})
}

// Error is the attribute for an error. A string under its key is dropped: what
// the error is decides what may be written of it.
func Error(err error) slog.Attr { return slog.Any("error", err) }

// handler filters what it hands to the JSON handler.
type handler struct {
	json  slog.Handler
	group string // of the attributes to come, with a dot behind it
	kept  kept
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.json.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	k := h.kept.clone()
	r.Attrs(func(a slog.Attr) bool {
		k.add(h.group, a)
		return true
	})
	out := slog.NewRecord(r.Time, r.Level, clean(r.Message), 0)
	out.AddAttrs(k.attrs...)
	if len(k.dropped) > 0 {
		out.AddAttrs(slog.Any("dropped", k.dropped))
	}
	return h.json.Handle(ctx, out)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := &handler{json: h.json, group: h.group, kept: h.kept.clone()}
	for _, a := range attrs {
		n.kept.add(h.group, a)
	}
	return n
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{json: h.json, group: h.group + name + ".", kept: h.kept.clone()}
}

// kept is what is written of the attributes seen so far.
type kept struct {
	attrs   []slog.Attr
	dropped []string
}

func (k *kept) clone() kept {
	return kept{attrs: slices.Clone(k.attrs), dropped: slices.Clone(k.dropped)}
}

// add takes an attribute of a group, or drops it. The last one of a key counts,
// as a member may stand in JSON but once.
func (k *kept) add(group string, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Key == "" && v.Kind() == slog.KindGroup { // as slog has it: a group without a name is no group
		for _, member := range v.Group() {
			k.add(group, member)
		}
		return
	}
	key := group + a.Key
	if key == "" {
		return
	}
	v, ok := value(key, v)
	if !ok {
		if key = clean(key); len(k.dropped) < mostDropped && !slices.Contains(k.dropped, key) {
			k.dropped = append(k.dropped, key)
		}
		return
	}
	k.attrs = slices.DeleteFunc(k.attrs, func(old slog.Attr) bool { return old.Key == key })
	k.attrs = append(k.attrs, slog.Attr{Key: key, Value: v})
}

// value is what may be written of v under key.
func value(key string, v slog.Value) (slog.Value, bool) {
	if !slices.Contains(keys, key) {
		return v, false
	}
	if key == "error" {
		err, ok := v.Any().(error)
		if !ok {
			return v, false
		}
		return slog.StringValue(ErrorText(err)), true
	}
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return v, true
	case slog.KindString:
		return slog.StringValue(clean(v.String())), true
	case slog.KindAny:
		return list(reflect.ValueOf(v.Any()))
	case slog.KindGroup, slog.KindLogValuer:
	}
	return v, false
}

// list takes what is a string, or a list of strings, by any name.
func list(v reflect.Value) (slog.Value, bool) {
	if v.Kind() == reflect.String {
		return slog.StringValue(clean(v.String())), true
	}
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.String {
		return slog.Value{}, false
	}
	out := []string{}
	for i := range min(v.Len(), most) {
		out = append(out, clean(v.Index(i).String()))
	}
	return slog.AnyValue(out), true
}

// clean leaves out what cannot be seen, which might end the line or turn the
// text around, and cuts what is too long.
func clean(s string) string {
	const cut = "…"
	var b strings.Builder
	for _, r := range s { // a byte that is no UTF-8 comes as U+FFFD
		if !unicode.IsGraphic(r) {
			continue
		}
		if b.Len()+len(string(r)) > longest-len(cut) {
			return b.String() + cut
		}
		b.WriteRune(r)
	}
	return b.String()
}
