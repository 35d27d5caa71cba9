package respond

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/sagemoat/sagemoat/internal/publish"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// The states of the investigation into a finding that matter here.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_WorkflowUpdate.html
const (
	fresh      = "NEW"
	notified   = "NOTIFIED"
	suppressed = "SUPPRESSED"
)

// identifier names a finding in Security Hub.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFindingIdentifier.html
type identifier struct {
	ID         string `json:"Id"`
	ProductARN string `json:"ProductArn"`
}

// identify returns the name of the finding about an entry; its ID is empty where
// there is none.
func identify(e *ledger.Entry) identifier {
	var id identifier
	if json.Unmarshal(e.Verdict.Finding, &id) != nil {
		return identifier{}
	}
	id.ID = publish.ID(e) // as it is in Security Hub
	return id
}

func (m *matter) findingID() string { return identify(m.Entry).ID }

// perFilter is how many values one filter may have.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFindingFilters.html
const perFilter = 20

// equals is a filter by a whole string.
type equals struct{ Value, Comparison string }

// states asks Security Hub how far people came with findings; those that it does
// not have are left out.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html
func (h *Handler) states(ctx context.Context, ids []identifier) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, hubTime)
	defer cancel()
	states := map[string]string{}
	for len(ids) > 0 {
		n := min(len(ids), perFilter)
		var filters []equals
		products := map[string]string{}
		for _, id := range ids[:n] {
			filters = append(filters, equals{id.ID, "EQUALS"})
			products[id.ID] = id.ProductARN
		}
		ids = ids[n:]
		out, err := h.AWS.Call(ctx, awsjson.SecurityHub(), "GetFindings", map[string]any{
			"Filters": map[string][]equals{"Id": filters}, "MaxResults": 100,
		})
		if err != nil {
			return states, err
		}
		var answer struct {
			Findings []struct {
				identifier
				Workflow struct {
					Status string `json:"Status"`
				} `json:"Workflow"`
			} `json:"Findings"`
		}
		if err := json.Unmarshal(out.Body, &answer); err != nil {
			return states, err
		}
		for _, f := range answer.Findings {
			if products[f.ID] == f.ProductARN && f.ID != "" {
				states[f.ID] = f.Workflow.Status
			}
		}
	}
	return states, nil
}

// workflows asks how far people came with what is to be told. answered is false
// where Security Hub should have said, and did not. One that is off suppresses
// nothing.
func (r *round) workflows(ctx context.Context, tells []*tell) (states map[string]string, answered bool) {
	var ids []identifier
	for _, t := range tells {
		if id := identify(t.Entry); t.kind == alertType && id.ID != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, true
	}
	var err error
	if failed := contain(func() error { states, err = r.states(ctx, ids); return nil }); failed != nil {
		err = failed
	}
	if err != nil {
		r.Log.LogAttrs(ctx, slog.LevelWarn, "respond", slog.String("outcome", "Security Hub did not answer"), telemetry.Error(err))
	}
	return states, err == nil || off(err)
}

// off says whether Security Hub is not enabled.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html
func off(err error) bool { return awsjson.Code(err) == "InvalidAccessException" }

// announced says whether people were told, on their own or in a digest, of what
// failed.
func announced(r *ledger.Response) bool {
	return r.Alert.Compliance == rules.Failed && (r.Alert.How == ledger.Sent || r.Alert.How == ledger.Digested)
}

// sayNotified tells Security Hub that people were told, of findings that nobody
// has touched. missing are those that it does not have yet. All this is a
// courtesy: nothing depends on it.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
func (r *round) sayNotified(ctx context.Context, matters []*matter) (missing map[string]bool) {
	missing = map[string]bool{}
	var ids []identifier
	for _, m := range matters {
		if id := identify(m.Entry); id.ID != "" {
			ids = append(ids, id)
			missing[id.ID] = true
		}
	}
	if len(ids) == 0 {
		return missing
	}
	err := contain(func() error {
		states, err := r.states(ctx, ids)
		if err != nil {
			return err
		}
		var untouched []identifier
		for _, id := range ids {
			if states[id.ID] == fresh {
				untouched = append(untouched, id)
			}
		}
		if len(untouched) > 0 {
			call, cancel := context.WithTimeout(ctx, hubTime)
			defer cancel()
			if _, err := r.AWS.Call(call, awsjson.SecurityHub(), "BatchUpdateFindings", map[string]any{
				"FindingIdentifiers": untouched, "Workflow": map[string]string{"Status": notified},
			}); err != nil {
				return err
			}
		}
		for id := range states {
			delete(missing, id)
		}
		return nil
	})
	if err != nil {
		r.Log.LogAttrs(ctx, slog.LevelWarn, "respond", slog.String("outcome", "not said in Security Hub that people were told"), telemetry.Error(err))
	}
	return missing
}
