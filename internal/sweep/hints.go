package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// entries is how many events one call of PutEvents takes.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const entries = 10

// entry is an event as PutEvents takes it.
type entry struct {
	Source, DetailType, Detail string
}

// PutHints returns a function that sends hints to the default event bus. What
// EventBridge does not take is sent again; the error says what it refused to the
// end.
func PutHints(client *awsjson.Client, sleep func(context.Context, time.Duration) error) func(context.Context, []events.Hint) error {
	return func(ctx context.Context, hints []events.Hint) error {
		for len(hints) > 0 {
			n := min(entries, len(hints))
			batch := make([]entry, n)
			for i, h := range hints[:n] {
				detail, err := h.Detail()
				if err != nil {
					return err
				}
				batch[i] = entry{events.HintSource, events.HintDetail, detail}
			}
			if err := put(ctx, client, sleep, batch); err != nil {
				return err
			}
			hints = hints[n:]
		}
		return nil
	}
}

// put sends a batch, and again those of it that were not taken: the call succeeds
// although single events fail.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
func put(ctx context.Context, client *awsjson.Client, sleep func(context.Context, time.Duration) error, batch []entry) error {
	pause := time.Second
	for try := 1; ; try++ {
		response, err := client.Call(ctx, awsjson.Events(), "PutEvents", map[string]any{"Entries": batch})
		if err != nil {
			return err
		}
		var result struct {
			FailedEntryCount int `json:"FailedEntryCount"`
			Entries          []struct {
				ErrorCode string `json:"ErrorCode"`
			} `json:"Entries"`
		}
		if err := json.Unmarshal(response.Body, &result); err != nil {
			return fmt.Errorf("the answer of PutEvents cannot be read: %w", err)
		}
		if result.FailedEntryCount == 0 {
			return nil
		}
		if len(result.Entries) != len(batch) {
			return fmt.Errorf("PutEvents answered for %d of %d events", len(result.Entries), len(batch))
		}
		var left []entry
		code := ""
		for i, e := range result.Entries {
			if e.ErrorCode != "" {
				left, code = append(left, batch[i]), e.ErrorCode
			}
		}
		if try == tries {
			return fmt.Errorf("PutEvents refused %d events %d times: %s", len(left), tries, code)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		batch, pause = left, min(2*pause, longest)
	}
}
