package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/internal/evaluate"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// ActionID is the id of the custom action in Security Hub by which a person asks
// for a stop: "Stop this job".
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateActionTarget.html
const ActionID = "SagemoatStop"

// oldest is how old the event of a custom action may be: what the person saw may
// be otherwise later.
const oldest = 15 * time.Minute

// mostFindings is how many findings a custom action can be of.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-integration-types.html
const mostFindings = 20

// Action does what a person asked for by a custom action in Security Hub. The
// finding in the event is a hint: the resource is looked up in the ledger, and
// described afresh, and every rail but those that the person stands for holds.
// The answer is told to whom an alert would be.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html
func (h *Handler) Action(ctx context.Context, event []byte) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	doc, err := jsondoc.Parse(event, nil)
	if err != nil {
		h.Metrics.Count(telemetry.Poison, 1)
		h.Log.LogAttrs(ctx, slog.LevelError, "respond", slog.String("outcome", "an event that cannot be read"))
		return nil // it never can
	}
	by := h.action()
	asked, err := time.Parse(time.RFC3339, doc.Get("time").Str())
	if err != nil || doc.Get("source").Str() != "aws.securityhub" || doc.Get("detail-type").Str() != "Security Hub Findings - Custom Action" ||
		doc.Get("account").Str() != h.Scope.Account || doc.Get("region").Str() != h.Scope.Region || !names(doc.Get("resources"), by) {
		h.Metrics.Count(telemetry.Ignored, 1)
		h.Log.LogAttrs(ctx, slog.LevelWarn, "respond", slog.String("outcome", "an event that is not for us"))
		return nil
	}
	r, err := h.round(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for i, f := range doc.Get("detail").Get("findings").Members() {
		if i == mostFindings {
			break
		}
		failures = append(failures, contain(func() error { return r.asked(ctx, f.Value, by, asked) }))
	}
	return errors.Join(failures...)
}

// action is the ARN of our custom action.
func (h *Handler) action() string {
	return "arn:" + h.Scope.Partition + ":securityhub:" + h.Scope.Region + ":" + h.Scope.Account + ":action/custom/" + ActionID
}

func names(list jsondoc.Value, arn string) bool {
	for _, m := range list.Members() {
		if m.Value.Str() == arn {
			return true
		}
	}
	return false
}

// asked stops what a finding is about, or says why not.
func (r *round) asked(ctx context.Context, f jsondoc.Value, by string, at time.Time) error {
	m, why, err := r.meant(ctx, f)
	if err != nil {
		return err
	}
	if m == nil {
		return r.answer(ctx, f, at, why)
	}
	s := m.Response.Stop
	switch s.State {
	case ledger.Requested:
		return nil // it is being stopped
	case ledger.Withheld, ledger.Confirmed:
		if s.By == by && !s.EndedAt.Before(at) {
			return nil // answered already: events come more than once
		}
	case ledger.Announced, "":
	}
	left := r.undone()
	if s.State != ledger.Announced || s.By != by {
		if r.now().Sub(at).Abs() > oldest { // EventBridge and Lambda deliver again for a day
			return r.answer(ctx, f, at, "it was asked for at "+stamp(at)+", too long ago to be done now")
		}
		r.tell(ctx, []*tell{r.promise(m, by)}, left)
	}
	if len(left.name) > 0 {
		return fmt.Errorf("%s is to be tried again", m.Entry.Resource)
	}
	r.stops(ctx, []*matter{m}, nil) // it is due: the tick tries again
	return nil
}

// promise announces the stop that a person asked for, or says why there is none.
func (r *round) promise(m *matter, by string) *tell {
	const lead = "Somebody asked to stop it, by the custom action in Security Hub. "
	operation, _ := m.Row.StopCall()
	now := r.now()
	next := ledger.Stop{State: ledger.Announced, Operation: operation, By: by, AnnouncedAt: now}
	said := lead + "It will be stopped now (" + operation + ")."
	if d := r.expect(m, by); !d.Stop && !unread(d) {
		next = ledger.Stop{State: ledger.Withheld, Operation: operation, By: by, Why: d.Why, EndedAt: now}
		said = lead + "It is not stopped: " + d.Why + "."
	}
	known := m.Response.Stop
	return &tell{matter: m, kind: stopType, lead: said, stop: &next, mark: func(response *ledger.Response) {
		if sameStop(response.Stop, known) {
			response.Stop = next
		}
		response.Due = r.due(m, response)
	}}
}

// meant finds the resource that a finding is about. It is nil where there is
// none that is ours, and why says so.
func (r *round) meant(ctx context.Context, f jsondoc.Value) (m *matter, why string, err error) {
	ours := f.Get("AwsAccountId").Str() == r.Scope.Account &&
		f.Get("ProductArn").Str() == "arn:"+r.Scope.Partition+":securityhub:"+r.Scope.Region+":"+r.Scope.Account+":product/"+r.Scope.Account+"/default" &&
		strings.HasPrefix(f.Get("GeneratorId").Str(), "sagemoat/")
	resources := f.Get("Resources").Members()
	if !ours || len(resources) == 0 {
		return nil, "it is no finding of sagemoat about this account and Region", nil
	}
	first := resources[0].Value
	arn := first.Get("Id").Str()
	parsed, _ := kind.ParseARN(arn)
	if parsed.Account != r.Scope.Account || parsed.Region != r.Scope.Region || parsed.Partition != r.Scope.Partition {
		return nil, "the resource is not of this account and Region", nil
	}
	k := f.Get("ProductFields").Get("sagemoat/kind").Str()
	// The key is in the ARN; of a kind whose ARNs have ids it is the name.
	for _, key := range []string{parsed.ID, first.Get("Details").Get("Other").Get("name").Str()} {
		resource := evaluate.Resource(kind.Kind(k), key)
		if _, _, ok := evaluate.Split(resource); !ok {
			continue
		}
		if m, err = r.matter(ctx, resource); err != nil {
			return nil, "", err
		}
		if m == nil || m.Entry.ARN != arn {
			continue
		}
		if older(f.Get("Id").Str(), m.Entry.Created) {
			return nil, "the finding is about an earlier resource of that name", nil
		}
		return m, "", nil
	}
	return nil, "no such resource is known", nil
}

// older says whether the id of a finding has a time of creation that is not that
// of the resource; see package finding.
func older(id string, created time.Time) bool {
	at, err := time.Parse("20060102T150405Z", id[strings.LastIndexByte(id, '/')+1:])
	return err == nil && !created.IsZero() && !ledger.SameCreation(at, created)
}

// answer tells why nothing is stopped, where there is no resource to tell of.
func (r *round) answer(ctx context.Context, f jsondoc.Value, at time.Time, why string) error {
	sum := sha256.Sum256([]byte(f.Get("Id").Str() + at.UTC().Format(time.RFC3339)))
	return r.publish(ctx, &message{
		Version: 1, Type: stopType, ID: hex.EncodeToString(sum[:16]), Time: r.now(),
		Partition: r.Scope.Partition, Account: r.Scope.Account, Region: r.Scope.Region,
		Title: "A custom action in Security Hub stopped nothing",
		Text:  "Somebody asked to stop what the finding " + safe(f.Get("Id").Str(), mostName) + " is about. Nothing is stopped: " + why + ".",
		Notes: []string{}, Resources: []resource{}, topic: r.Topic,
	})
}
