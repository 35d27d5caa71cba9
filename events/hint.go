package events

import (
	"encoding/json"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// The envelope of a hint: what the sweep sends to have a resource looked at. It
// carries no facts, so that nothing can be made up by sending one.
const (
	HintSource = "sagemoat.sweep"
	HintDetail = "Resource To Assess"
)

// Hint names a resource to look at.
type Hint struct {
	Kind kind.Kind `json:"kind"`
	Key  string    `json:"key"`
	// Missed says that no event told of it.
	Missed bool `json:"missed,omitempty"`
}

// ReadHint reads a hint out of an EventBridge event. ok is false where the event
// is something else, or names no resource of the table.
func ReadHint(event []byte) (hint Hint, ok bool) {
	v, err := jsondoc.Parse(event, nil)
	if err != nil || v.Get("source").Str() != HintSource || v.Get("detail-type").Str() != HintDetail {
		return Hint{}, false
	}
	detail := v.Get("detail")
	hint.Kind, hint.Key = kind.Kind(detail.Get("kind").Str()), detail.Get("key").Str()
	hint.Missed, _ = detail.Get("missed").Bool()
	_, known := kind.Of(hint.Kind)
	return hint, known && hint.Key != "" && len(hint.Key) <= 1024
}

// Detail is the detail of the hint's event.
func (h Hint) Detail() (string, error) {
	b, err := json.Marshal(h)
	return string(b), err
}
