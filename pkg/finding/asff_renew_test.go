package finding

import (
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

func renewed(t *testing.T, change func(*Finding)) ASFF {
	t.Helper()
	f := bridge(t)
	change(f)
	a, err := f.ASFF(now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSetTimes(t *testing.T) {
	a := renewed(t, func(*Finding) {})
	for _, test := range []struct {
		created, updated time.Time
		wantCreated      string
	}{
		{now.Add(-time.Hour), now, "2026-11-02T08:14:07.000Z"},
		{now.Add(time.Hour), now, "2026-11-02T09:14:07.000Z"},
		{time.Time{}, now, "2026-11-02T09:14:07.000Z"},
		{now, now.In(time.FixedZone("", 3600)), "2026-11-02T09:14:07.000Z"},
	} {
		a.SetTimes(test.created, test.updated)
		if a.CreatedAt != test.wantCreated || a.UpdatedAt != "2026-11-02T09:14:07.000Z" {
			t.Errorf("%s, %s: %s, %s", test.created, test.updated, a.CreatedAt, a.UpdatedAt)
		}
	}
}

func TestPutAndSay(t *testing.T) {
	var a ASFF
	a.Put("k", "a\x00 b")
	a.Put("blank", "\u202e ")
	if len(a.ProductFields) != 1 || a.ProductFields["k"] != "a b" {
		t.Errorf("%q", a.ProductFields)
	}
	a = renewed(t, func(*Finding) {})
	was := a.Description
	if a.Say("It was\nstopped."); a.Description != was+" It was stopped." {
		t.Errorf("%q", a.Description)
	}
	for _, sentence := range []string{"It was stopped.", strings.Repeat("é", 2000)} {
		a.Description = strings.Repeat("x", 1024)
		a.Say(sentence)
		if err := Validate(a); err != nil || !strings.HasSuffix(a.Description, Clip(sentence, most)) {
			t.Errorf("%d bytes: %v", len(a.Description), err)
		}
	}
}

func TestAlike(t *testing.T) {
	a := renewed(t, func(*Finding) {})
	for what, b := range map[string]ASFF{
		"record": renewed(t, func(f *Finding) {
			f.Time, f.Source.ID, f.Source.Event, f.Source.Actor = now.Add(time.Hour), "id-2", "UpdateNotebookInstance", "somebody"
		}),
		"created": renewed(t, func(f *Finding) { f.Created = now }),
	} {
		b.RecordState = "ARCHIVED"
		if !Alike(a, b) {
			t.Errorf("%s: not alike", what)
		}
	}
	for what, b := range map[string]ASFF{
		"status":   renewed(t, func(f *Finding) { f.Judgement.Compliance = rules.Passed }),
		"severity": renewed(t, func(f *Finding) { f.Judgement.Severity = rules.Low }),
		"results":  renewed(t, func(f *Finding) { f.Judgement.Results = f.Judgement.Results[:2] }),
		"subnets":  renewed(t, func(f *Finding) { f.Judgement.Posture.Subnets = idList("subnet-8") }),
	} {
		if Alike(a, b) {
			t.Errorf("%s: alike", what)
		}
	}
	if a.ProductFields["sagemoat/event"] != "CreateNotebookInstance" {
		t.Errorf("the comparison changed a finding: %v", a.ProductFields)
	}
}
