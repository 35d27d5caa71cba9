package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

// Limits of PutEvents.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const (
	maxEntries = 10
	maxEntry   = 1 << 20 // bytes, since January 2026
)

// eventBridge is the API of the bus.
type eventBridge struct{ *World }

func (b eventBridge) serve(c *call) (any, error) {
	if c.Operation != "PutEvents" {
		return nil, refuse("UnknownOperationException", "%s is not served here", c.Operation)
	}
	entries, _ := c.Input["Entries"].([]any)
	if len(entries) == 0 || len(entries) > maxEntries {
		return nil, refuse("ValidationException", "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", maxEntries)
	}
	results, failed := make([]map[string]string, len(entries)), 0
	for i, e := range entries {
		entry, _ := e.(map[string]any)
		id, code, message := b.putEntry(entry)
		if code == "" {
			results[i] = map[string]string{"EventId": id}
			continue
		}
		failed++
		results[i] = map[string]string{"ErrorCode": code, "ErrorMessage": message}
	}
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}

// putEntry puts one event on the bus, or says why not.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
func (b eventBridge) putEntry(entry map[string]any) (id, code, message string) {
	text := func(member string) string {
		s, _ := entry[member].(string)
		return s
	}
	source, detailType, detail := text("Source"), text("DetailType"), text("Detail")
	var parsed map[string]json.RawMessage
	switch {
	case source == "" || detailType == "" || detail == "":
		return "", "InvalidArgument", "Source, DetailType and Detail are required."
	case len(source)+len(detailType)+len(detail) > maxEntry:
		return "", "InvalidArgument", "The entry is larger than 1 MB."
	case strings.HasPrefix(source, "aws."):
		return "", "NotAuthorizedForSourceException", "Not authorized for the source."
	case json.Unmarshal([]byte(detail), &parsed) != nil || parsed == nil:
		return "", "MalformedDetail", "Detail is malformed."
	}
	event := envelope{Source: source, DetailType: detailType, Detail: json.RawMessage(detail), Resources: texts(entry, "Resources")}
	if seconds, ok := entry["Time"].(json.Number); ok {
		at, err := seconds.Float64()
		if err != nil {
			return "", "InvalidArgument", "Time is no time."
		}
		event.Time = time.Unix(int64(at), 0).UTC().Format("2006-01-02T15:04:05Z")
	}
	return b.put(event), "", ""
}
