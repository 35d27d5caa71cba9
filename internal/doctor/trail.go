package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// EventBridge gets API calls only where a trail logs them.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
func trailSubject() subject {
	return subject{"CloudTrail", []Check{
		{ID: "trail", Why: "EventBridge gets API calls only from a trail that logs write management events in this Region"},
	}, func(ctx context.Context, x *session) []Line { return judgeTrails(x, lookAtTrails(ctx, x)) }}
}

// trail is a trail as DescribeTrails tells of it.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html
type trail struct {
	Name, TrailARN, HomeRegion              string
	IsMultiRegionTrail, IsOrganizationTrail bool

	status    answer[trailStatus]
	selectors answer[selectors]
}

// trailStatus is what GetTrailStatus tells.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
type trailStatus struct {
	IsLogging           bool
	LatestDeliveryError string
}

// selectors are those of a trail, in either form.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
type selectors struct {
	EventSelectors         []json.RawMessage
	AdvancedEventSelectors []json.RawMessage
}

type trailFacts struct {
	trails answer[[]trail]
	// arrived is when the rules for API calls last matched one; zero where none did
	// lately.
	arrived answer[time.Time]
}

func lookAtTrails(ctx context.Context, x *session) (f trailFacts) {
	type described struct {
		TrailList []trail `json:"trailList"`
	}
	f.trails = then(ask[described](ctx, x.json, awsjson.CloudTrail(), "DescribeTrails", map[string]any{"includeShadowTrails": true}),
		func(d described) (here []trail) {
			for _, t := range d.TrailList {
				if t.IsMultiRegionTrail || t.HomeRegion == x.region {
					here = append(here, t)
				}
			}
			return here
		})
	for i := range f.trails.value {
		t := &f.trails.value[i]
		t.status = ask[trailStatus](ctx, x.json, awsjson.CloudTrail(), "GetTrailStatus", map[string]string{"Name": t.TrailARN})
		// Only the trail's home Region knows them.
		// https://github.com/aws/aws-sdk-go-v2/issues/1957
		home := x.json
		if t.HomeRegion != x.region && t.HomeRegion != "" {
			cfg := x.cfg.Copy()
			cfg.Region = t.HomeRegion
			home = awsjson.New(cfg)
		}
		t.selectors = ask[selectors](ctx, home, awsjson.CloudTrail(), "GetEventSelectors", map[string]string{"TrailName": t.TrailARN})
	}
	if x.stack != nil {
		f.arrived = x.metrics(ctx).arrived(ctx, x)
	}
	return f
}

// arrivedLately is how old the last matched call may be to show that a trail logs
// calls now.
const arrivedLately = 24 * time.Hour

// judgeTrails says whether some trail has EventBridge hear of calls.
func judgeTrails(x *session, f trailFacts) []Line {
	if !f.trails.got {
		return []Line{f.trails.unknown("trail")}
	}
	var why, fix, missing, foreign []string
	open := false
	for i := range f.trails.value {
		t := &f.trails.value[i]
		v := judgeTrail(x, t)
		if v.hears == posture.Yes {
			found := fmt.Sprintf("%s logs write management events in %s", t.describe(x), x.region)
			if e := t.status.value.LatestDeliveryError; e != "" {
				return []Line{line("trail", Warning, found+", but cannot write to its bucket: "+e, x.awsIn(t.HomeRegion, "cloudtrail", "describe-trails", "--trail-name-list", t.TrailARN)).
					with("AWS does not say whether events reach EventBridge while the trail's own delivery fails")}
			}
			return []Line{line("trail", OK, found)}
		}
		why = append(why, t.describe(x)+" "+v.why)
		fix = append(fix, v.fix...)
		missing = append(missing, v.missing...)
		if v.hears == posture.Unknown {
			open = true
			if v.foreign {
				foreign = append(foreign, t.TrailARN)
			}
		}
	}
	switch {
	case len(f.trails.value) == 0:
		return []Line{line("trail", Failed, "no trail logs in "+x.region,
			x.aws("cloudtrail", "create-trail", "--name", "management-events", "--s3-bucket-name", "BUCKET", "--is-multi-region-trail"),
			x.aws("cloudtrail", "start-logging", "--name", "management-events")).
			with("BUCKET is one whose policy lets CloudTrail write: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html")}
	case open && f.arrived.got && !f.arrived.value.IsZero():
		age := x.Now().Sub(f.arrived.value)
		found := fmt.Sprintf("EventBridge last matched a recorded call %s ago", ago(age))
		if age < arrivedLately {
			return []Line{line("trail", OK, found+", so a trail logs them; "+strings.Join(why, "; "))}
		}
		return []Line{line("trail", Warning, found+": nobody called what is judged since, or no trail logs it any more; "+strings.Join(why, "; "), fix...).
			with("sagemoat doctor --live makes a call, and shows whether it comes")}
	case open:
		l := line("trail", Unknown, strings.Join(why, "; "), fix...)
		l.Missing = slices.Compact(slices.Sorted(slices.Values(missing)))
		if len(foreign) > 0 {
			l.Note = "the selectors of an organization's trail can be read in the account that owns it only; sagemoat doctor --live shows whether events come"
		}
		return []Line{l}
	default:
		return []Line{line("trail", Failed, strings.Join(why, "; "), fix...)}
	}
}

// describe names a trail for people.
func (t *trail) describe(x *session) string {
	var is []string
	if t.IsOrganizationTrail {
		is = append(is, "of the organization")
	}
	if t.IsMultiRegionTrail {
		is = append(is, "of all Regions")
	}
	name := "trail " + t.Name
	if a, ok := kind.ParseARN(t.TrailARN); ok && a.Account != x.account {
		name = t.TrailARN
	}
	if len(is) == 0 {
		return name
	}
	return name + " (" + strings.Join(is, ", ") + ")"
}

// trailVerdict says whether EventBridge hears of calls by a trail.
type trailVerdict struct {
	hears   posture.Fact
	why     string
	foreign bool // the selectors are another account's to read
	fix     []string
	missing []string
}

func judgeTrail(x *session, t *trail) trailVerdict {
	if t.status.got && !t.status.value.IsLogging {
		return trailVerdict{hears: posture.No, why: "is switched off", fix: []string{x.awsIn(t.HomeRegion, "cloudtrail", "start-logging", "--name", t.TrailARN)}}
	}
	if !t.selectors.got {
		// https://github.com/cloud-custodian/cloud-custodian/pull/6394
		a, _ := kind.ParseARN(t.TrailARN)
		l := t.selectors.unknown("")
		return trailVerdict{
			hears: posture.Unknown, why: "may leave write management events out: " + l.Found, missing: l.Missing, foreign: a.Account != x.account,
			fix: []string{x.awsIn(t.HomeRegion, "cloudtrail", "get-event-selectors", "--trail-name", t.TrailARN)},
		}
	}
	if ok, why, fix := t.selectors.value.writes(); !ok {
		words := append([]string{"cloudtrail", "put-event-selectors", "--trail-name", t.TrailARN}, fix...)
		return trailVerdict{hears: posture.No, why: why, fix: []string{x.awsIn(t.HomeRegion, words...)}}
	}
	if !t.status.got {
		l := t.status.unknown("")
		return trailVerdict{hears: posture.Unknown, why: "may be switched off: " + l.Found, missing: l.Missing, fix: l.Fix}
	}
	return trailVerdict{hears: posture.Yes}
}

// writes says whether the selectors let every write of SageMaker through; if not,
// why, and the arguments that add what is missing and keep what is there.
func (s *selectors) writes() (ok bool, why string, fix []string) {
	if len(s.AdvancedEventSelectors) > 0 {
		return s.advancedWrites()
	}
	reads, off := false, false
	for _, raw := range s.EventSelectors {
		var b struct {
			ReadWriteType                 string   `json:"ReadWriteType"`
			IncludeManagementEvents       *bool    `json:"IncludeManagementEvents"`
			ExcludeManagementEventSources []string `json:"ExcludeManagementEventSources"`
		}
		if err := json.Unmarshal(raw, &b); err != nil {
			continue
		}
		switch {
		case b.IncludeManagementEvents != nil && !*b.IncludeManagementEvents:
			off = true
		case b.ReadWriteType != "All" && b.ReadWriteType != "WriteOnly" && b.ReadWriteType != "":
			reads = true
		case slices.Contains(b.ExcludeManagementEventSources, kind.EventSource):
			off = true
		default:
			return true, "", nil
		}
	}
	why = "logs no management events"
	if reads && !off {
		why = "logs read-only events alone"
	}
	// Of the simple form a trail has five selectors at most, so the first is widened.
	first := map[string]any{}
	if len(s.EventSelectors) > 0 {
		_ = json.Unmarshal(s.EventSelectors[0], &first)
	}
	first["IncludeManagementEvents"] = true
	if first["ReadWriteType"] != "WriteOnly" {
		first["ReadWriteType"] = "All"
	}
	first["ExcludeManagementEventSources"] = []string{}
	all := []any{first}
	for _, raw := range s.EventSelectors[min(1, len(s.EventSelectors)):] {
		all = append(all, raw)
	}
	return false, why, []string{"--event-selectors", inJSON(all)}
}

// fieldSelector is a condition of an advanced selector.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
type fieldSelector struct {
	Field         string   `json:"Field"`
	Equals        []string `json:"Equals"`
	StartsWith    []string `json:"StartsWith"`
	EndsWith      []string `json:"EndsWith"`
	NotEquals     []string `json:"NotEquals"`
	NotStartsWith []string `json:"NotStartsWith"`
	NotEndsWith   []string `json:"NotEndsWith"`
}

// lets says whether a value meets the condition.
func (f *fieldSelector) lets(value string) bool {
	is := func(values []string, fits func(string, string) bool) bool {
		return slices.ContainsFunc(values, func(v string) bool { return fits(value, v) })
	}
	equal := func(a, b string) bool { return a == b }
	for _, c := range []struct {
		values []string
		fits   func(string, string) bool
		want   bool
	}{
		{f.Equals, equal, true},
		{f.StartsWith, strings.HasPrefix, true},
		{f.EndsWith, strings.HasSuffix, true},
		{f.NotEquals, equal, false},
		{f.NotStartsWith, strings.HasPrefix, false},
		{f.NotEndsWith, strings.HasSuffix, false},
	} {
		if len(c.values) > 0 && is(c.values, c.fits) != c.want {
			return false
		}
	}
	return true
}

// advancedWrites: what one selector lets through is logged. A selector by a field
// that is not known here may keep some calls out, and counts for nothing.
func (s *selectors) advancedWrites() (ok bool, why string, fix []string) {
	write := map[string]string{"eventCategory": "Management", "readOnly": "false", "eventSource": kind.EventSource}
	why = "logs no management events"
	for _, raw := range s.AdvancedEventSelectors {
		var a struct {
			FieldSelectors []fieldSelector `json:"FieldSelectors"`
		}
		if err := json.Unmarshal(raw, &a); err != nil || len(a.FieldSelectors) == 0 {
			continue
		}
		management, blocked := false, ""
		for i := range a.FieldSelectors {
			f := &a.FieldSelectors[i]
			value, known := write[f.Field]
			switch {
			case f.Field == "eventCategory" && f.lets(value):
				management = true
			case !known || !f.lets(value):
				blocked = f.Field
			}
		}
		if management && blocked == "" {
			return true, "", nil
		}
		if management {
			why = "leaves write management events out, by its selector on " + blocked
		}
	}
	all := make([]any, 0, len(s.AdvancedEventSelectors)+1)
	for _, raw := range s.AdvancedEventSelectors {
		all = append(all, raw)
	}
	all = append(all, map[string]any{"Name": "write management events", "FieldSelectors": []any{
		map[string]any{"Field": "eventCategory", "Equals": []string{"Management"}},
		map[string]any{"Field": "readOnly", "Equals": []string{"false"}},
	}})
	return false, why, []string{"--advanced-event-selectors", inJSON(all)}
}

// inJSON is a value as JSON, for a command line.
func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
