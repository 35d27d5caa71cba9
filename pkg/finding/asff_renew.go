package finding

import (
	"maps"
	"reflect"
	"time"
)

// stamp is a time as the findings have it.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html#timestamps
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// SetTimes says when there was first something to tell of the resource, and when
// this was told. A finding is never younger than its last update. Security Hub
// ignores an update that is not later than the one before.
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
func (a *ASFF) SetTimes(created, updated time.Time) {
	if created.IsZero() || created.After(updated) {
		created = updated
	}
	a.CreatedAt, a.UpdatedAt = stamp(created), stamp(updated)
}

// Put sets a product field, made plain and clipped; a blank value sets none.
func (a *ASFF) Put(key, value string) {
	if a.ProductFields == nil {
		a.ProductFields = map[string]string{}
	}
	put(a.ProductFields, key, value)
}

// Say adds a sentence to the description, which makes room for it where there is
// none.
func (a *ASFF) Say(sentence string) {
	sentence = Clip(Plain(sentence), most)
	a.Description = Plain(Clip(a.Description, 1024-len(sentence)-1) + " " + sentence)
}

// Alike says whether two findings tell a person the same: whatever their ids,
// times and record states, and whichever record was the last to tell it.
func Alike(a, b ASFF) bool { return reflect.DeepEqual(a.told(), b.told()) }

// told is what of a finding is news where it changes.
func (a ASFF) told() ASFF {
	a.ID, a.CreatedAt, a.UpdatedAt, a.RecordState = "", "", "", ""
	a.ProductFields = maps.Clone(a.ProductFields)
	for _, key := range []string{"sagemoat/source", "sagemoat/event", "sagemoat/event-ids", "sagemoat/actor"} {
		delete(a.ProductFields, key)
	}
	return a
}
