package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// search answers Search for the resources that are kinds of pkg/kind.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html
func search(s *SageMaker, o *operation, _ *call, in map[string]any) (map[string]any, error) {
	var t *traits
	for _, other := range s.kinds {
		if other.search == in["Resource"] {
			t = other
		}
	}
	if t == nil {
		return nil, refuse("ValidationException", "the sandbox does not search for %v", in["Resource"])
	}
	p, err := pageOf(in, "LastModifiedTime", true)
	if err != nil {
		return nil, err
	}
	shelf := s.shelves[t.kind]
	among, from := &shelf.all, int64(math.MinInt64)
	expression, _ := in["SearchExpression"].(map[string]any)
	matches, err := t.expression(expression)
	if err != nil {
		return nil, err
	}
	if status := only(expression, t.status, "Equals"); status != "" {
		among = shelf.of(status)
	}
	if after, ok := moment(cmp.Or(only(expression, "CreationTime", "GreaterThanOrEqualTo"), only(expression, "CreationTime", "GreaterThan"))); ok {
		from = after
	}
	found, next := p.take(among, from, func(r *resource) bool { return !s.unseen(r, s.lag.List) && matches(r) })
	record := o.sig.out.members["Results"].of.members[t.search]
	results := make([]any, len(found))
	for i, r := range found {
		if t.kind == kind.Model {
			results[i] = map[string]any{t.search: map[string]any{"Model": s.face(r, record.members["Model"], seconds)}}
			continue
		}
		results[i] = map[string]any{t.search: s.face(r, record, seconds)}
	}
	out := map[string]any{"Results": results}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// only is the value that every match of an expression has for a property, where
// one of its own filters says so.
func only(expression map[string]any, name, operator string) string {
	if expression["Operator"] == "Or" {
		return ""
	}
	for _, f := range follow(expression, "Filters[]") {
		if text(f, "Name") == name && cmp.Or(text(f, "Operator"), "Equals") == operator {
			return text(f, "Value")
		}
	}
	return ""
}

// expression compiles a search expression.
func (t *traits) expression(e map[string]any) (func(*resource) bool, error) {
	if len(follow(e, "NestedFilters[]")) > 0 {
		return nil, refuse("ValidationException", "the sandbox does not know NestedFilters")
	}
	var all []func(*resource) bool
	for _, f := range follow(e, "Filters[]") {
		filter, err := t.filter(f)
		if err != nil {
			return nil, err
		}
		all = append(all, filter)
	}
	for _, sub := range follow(e, "SubExpressions[]") {
		members, _ := sub.(map[string]any)
		below, err := t.expression(members)
		if err != nil {
			return nil, err
		}
		all = append(all, below)
	}
	either := e["Operator"] == "Or"
	return func(r *resource) bool {
		for _, f := range all {
			if f(r) == either {
				return either
			}
		}
		return !either || len(all) == 0
	}, nil
}

// property is what a filter can ask of a resource: text, or a time.
func (t *traits) property(r *resource, name string) (value string, there bool) {
	if at := times[name]; at != nil {
		ms := at(r)
		return strconv.FormatInt(ms, 10), ms != 0
	}
	switch name {
	case t.row.Describe.ARN:
		return r.arn, true
	case t.named:
		return r.name, true
	case t.status:
		return r.status, true
	case t.secondary:
		return r.secondary, r.secondary != ""
	}
	if key, ok := strings.CutPrefix(name, "Tags."); ok {
		for _, tag := range r.tags {
			if text(tag, "Key") == key {
				return text(tag, "Value"), true
			}
		}
		return "", false
	}
	for _, v := range follow(r.doc, name) {
		return fmt.Sprint(v), true
	}
	return "", false
}

// filter compiles one filter.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html
func (t *traits) filter(f any) (func(*resource) bool, error) {
	name, operator, want := text(f, "Name"), cmp.Or(text(f, "Operator"), "Equals"), text(f, "Value")
	isTime := times[name] != nil
	if isTime && !strings.HasSuffix(operator, "Exists") {
		at, ok := moment(want)
		if !ok {
			return nil, refuse("ValidationException", "The value %q of the filter %s is not a time.", want, name)
		}
		want = strconv.FormatInt(at, 10)
	}
	if !isTime && (strings.HasPrefix(operator, "Greater") || strings.HasPrefix(operator, "Less")) {
		return nil, refuse("ValidationException", "Operator %s is not supported for the text property %s.", operator, name)
	}
	return func(r *resource) bool {
		value, there := t.property(r, name)
		switch operator {
		case "Exists":
			return there
		case "NotExists":
			return !there
		case "NotEquals":
			return value != want
		case "Contains":
			return there && strings.Contains(value, want)
		case "In":
			return there && slices.Contains(strings.Split(want, ","), value)
		case "Equals":
			return there && value == want
		}
		// Times in milliseconds have the same number of digits for centuries.
		c := cmp.Compare(value, want)
		switch operator {
		case "GreaterThan":
			return there && c > 0
		case "GreaterThanOrEqualTo":
			return there && c >= 0
		case "LessThan":
			return there && c < 0
		default:
			return there && c <= 0
		}
	}, nil
}

// moment reads the time of a filter.
func moment(s string) (int64, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}
