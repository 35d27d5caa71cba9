package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sagemoat/sagemoat/internal/awstest/dynamolocal"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
	"github.com/sagemoat/sagemoat/pkg/ledger/ledgertest"
)

var tables atomic.Int64

// bed is a ledger in a table of its own.
type bed struct {
	*dynamo.Store
	client *dynamodb.Client
	stream *dynamolocal.Stream
	table  string
}

func open(t *testing.T, now func() time.Time) bed {
	t.Helper()
	name := fmt.Sprintf("ledger-%d", tables.Add(1))
	client, stream := dynamolocal.Create(t, dynamo.Table(name))
	return bed{dynamo.New(client, name, now), client, stream, name}
}

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestContract(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T, now func() time.Time) ledger.Store { return open(t, now) })
}

func (b bed) item(t *testing.T, key string) map[string]types.AttributeValue {
	t.Helper()
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &b.table, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}},
	})
	must(t, err)
	return out.Item
}

// attributes are those of an item beside its document, as name=value.
func (b bed) attributes(t *testing.T, key string) (out []string) {
	t.Helper()
	for name, v := range b.item(t, key) {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			if name != "doc" {
				out = append(out, name+"="+v.Value)
			}
		case *types.AttributeValueMemberN:
			out = append(out, name+"#"+v.Value)
		default:
			t.Errorf("%s is a %T", name, v)
		}
	}
	slices.Sort(out)
	return out
}

// TestAttributes: what the items are listed by, and when they expire.
func TestAttributes(t *testing.T) {
	b := open(t, at(ledgertest.Start.Add(time.Second)))
	ctx := t.Context()
	check := func(key string, want ...string) {
		t.Helper()
		want = append(want, "pk="+key)
		slices.Sort(want)
		if diff := cmp.Diff(want, b.attributes(t, key)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	const evidence, rules = "evidence=2026-11-02T09:14:07.000000000Z", "rules=2026-11-02T08:14:07.000000000Z"
	expires := "expires#" + strconv.FormatInt(ledgertest.Start.Add(time.Second+90*24*time.Hour).Unix(), 10)

	e := ledgertest.Entry("fraud-7", ledgertest.Start)
	must(t, b.PutEntry(ctx, e))
	check("entry#training-job/fraud-7", "version#1", evidence, rules, "ix=live#training-job", "at=training-job/fraud-7")
	for _, state := range []ledger.State{ledger.Ended, ledger.Gone} {
		e.Life.State = state
		must(t, b.PutEntry(ctx, e))
		check("entry#training-job/fraud-7", "version#"+strconv.FormatInt(e.Version, 10), evidence, rules, expires)
	}
	e.Life.State = ""
	must(t, b.PutEntry(ctx, e))
	check("entry#training-job/fraud-7", "version#4", evidence, rules)

	r := ledgertest.Response("fraud-7", ledgertest.Start)
	must(t, b.PutResponse(ctx, r))
	check("response#training-job/fraud-7", "version#1", "ix=due", "at=2026-11-02T09:14:07.000000000Z#training-job/fraud-7")
	r.Due, r.Over = time.Time{}, true
	must(t, b.PutResponse(ctx, r))
	check("response#training-job/fraud-7", "version#2", expires)

	must(t, b.PutControl(ctx, ledger.KillSwitch, 0, ledger.Switch{On: true}))
	check("control#kill-switch", "version#1")
}

// TestStream: the table's stream tells what a ledger in memory tells of the same
// writes, and nothing of controls.
func TestStream(t *testing.T) {
	clock := at(ledgertest.Start)
	b, memory := open(t, clock), ledger.NewMemory(clock)
	ctx := t.Context()
	for _, s := range []ledger.Store{b, memory} {
		e, other := ledgertest.Entry("fraud-7", ledgertest.Start), ledgertest.Entry("other", ledgertest.Start)
		r := ledgertest.Response("fraud-7", ledgertest.Start)
		must(t, s.PutEntry(ctx, e))
		must(t, s.PutResponse(ctx, r))
		must(t, s.PutControl(ctx, ledger.KillSwitch, 0, ledger.Switch{On: true}))
		must(t, s.PutEntry(ctx, other))
		e.Life.State = ledger.Ended
		must(t, s.PutEntry(ctx, e))
		if err := s.PutEntry(ctx, ledgertest.Entry("fraud-7", ledgertest.Start)); !errors.Is(err, ledger.ErrConflict) {
			t.Fatal(err)
		}
		r.Over, r.Due = true, time.Time{}
		must(t, s.PutResponse(ctx, r))
	}
	records, err := b.stream.Next(ctx)
	must(t, err)
	if len(records) != 6 {
		t.Errorf("the stream has %d records of 6 writes", len(records))
	}
	got, bad := dynamo.Changes(records)
	if len(bad) != 0 {
		t.Fatal(bad)
	}
	want := memory.Drain()
	for i := range got {
		if got[i].Sequence == "" || got[i].At.IsZero() {
			t.Errorf("change %d: sequence %q at %v", i, got[i].Sequence, got[i].At)
		}
		got[i].Sequence, got[i].At = "", time.Time{}
	}
	for i := range want {
		want[i].Sequence, want[i].At = "", time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the stream (-memory +table):\n%s", diff)
	}

	for key := range map[string]bool{"entry#training-job/fraud-7": true, "control#kill-switch": true} {
		_, err := b.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &b.table, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}},
		})
		must(t, err)
	}
	records, err = b.stream.Next(ctx)
	must(t, err)
	got, bad = dynamo.Changes(records)
	if len(bad) != 0 || len(got) != 1 || got[0].NewEntry != nil || got[0].OldEntry.Life.State != ledger.Ended || got[0].Expired {
		t.Errorf("after it was deleted: %+v, %v", got, bad)
	}
	// As DynamoDB tells that it did it itself.
	for i := range records {
		records[i].UserIdentity = &events.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"}
	}
	if got, _ = dynamo.Changes(records); len(got) != 1 || !got[0].Expired {
		t.Errorf("after its time was over: %+v", got)
	}
}

// record is one of an entry's first write.
func record(t *testing.T) events.DynamoDBEventRecord {
	t.Helper()
	e := ledgertest.Entry("fraud-7", ledgertest.Start)
	e.Version = 1
	doc, err := ledger.Encode(e)
	must(t, err)
	return events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
		SequenceNumber: "7",
		NewImage: map[string]events.DynamoDBAttributeValue{
			"pk": events.NewStringAttribute("entry#" + e.Resource), "version": events.NewNumberAttribute("1"), "doc": events.NewStringAttribute(string(doc)),
		},
	}}
}

// TestUnreadable: a record that cannot be read is an error, which names it, and
// the others are read.
func TestUnreadable(t *testing.T) {
	image := func(name string, v events.DynamoDBAttributeValue) func(*events.DynamoDBEventRecord) {
		return func(r *events.DynamoDBEventRecord) { r.Change.NewImage[name] = v }
	}
	text, number := events.NewStringAttribute, events.NewNumberAttribute
	for want, change := range map[string]func(*events.DynamoDBEventRecord){
		`the event "COPY" is none of`:                     func(r *events.DynamoDBEventRecord) { r.EventName = "COPY" },
		"the new image: an item of the ledger has no pk":  func(r *events.DynamoDBEventRecord) { r.Change.NewImage = nil },
		"the old image: an item of the ledger has no pk":  func(r *events.DynamoDBEventRecord) { r.EventName = "MODIFY" },
		"the old image: an item of the ledger has no pk ": func(r *events.DynamoDBEventRecord) { r.EventName = "REMOVE" },
		"an item of the ledger has no pk":                 image("pk", events.NewListAttribute(nil)),
		"neither an entry nor a response nor a control":   image("pk", text("x#y")),
		`its version is ""`:                               image("version", events.NewNullAttribute()),
		`its version is "x"`:                              image("version", text("x")),
		`its version is "0"`:                              image("version", number("0")),
		`its version is "1.5"`:                            image("version", number("1.5")),
		`of "training-job/fraud-7", version 1`:            image("version", number("2")),
		"its doc is of 0 bytes":                           image("doc", events.NewBinaryAttribute([]byte("{}"))),
		"its doc is of 409601 bytes":                      image("doc", text(strings.Repeat(" ", 400<<10+1))),
		"unexpected end of JSON":                          image("doc", text("{")),
		`its doc is of "training-job/fraud-7"`:            image("pk", text("entry#training-job/fraud-8")),
		`its doc is of "training-job/fraud-7" `:           image("pk", text("response#training-job/fraud-8")),
		`cannot unmarshal array`:                          image("doc", text("[]")),
	} {
		broken := record(t)
		change(&broken)
		got, bad := dynamo.Changes([]events.DynamoDBEventRecord{record(t), broken, record(t)})
		if len(got) != 2 || len(bad) != 1 || bad[0].Sequence != "7" || errors.Unwrap(bad[0]) == nil || !strings.Contains(bad[0].Error(), strings.TrimSpace(want)) {
			t.Errorf("%s: got %d changes, and %v", want, len(got), bad)
		}
	}
}

// FuzzChanges: whatever the stream tells, nothing breaks.
func FuzzChanges(f *testing.F) {
	f.Add([]byte(`[{"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"control#x"},"version":{"N":"1"},"doc":{"S":"{}"}}}}]`))
	f.Add([]byte(`[{"eventName":"REMOVE","dynamodb":{"OldImage":{"pk":{"S":"entry#"},"version":{"N":"1"},"doc":{"S":"{\"Version\":1}"}}}}]`))
	f.Add([]byte(`[{"eventName":"MODIFY","dynamodb":{"OldImage":{"pk":{"NULL":true}},"NewImage":{"pk":{"SS":["a"]}}}}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var records []events.DynamoDBEventRecord
		if json.Unmarshal(b, &records) != nil {
			return
		}
		got, bad := dynamo.Changes(records)
		if len(got)+len(bad) > len(records) {
			t.Errorf("%d records became %d changes and %d errors", len(records), len(got), len(bad))
		}
		for _, c := range got {
			if c.OldEntry == nil && c.NewEntry == nil && c.OldResponse == nil && c.NewResponse == nil {
				t.Error("a change of nothing")
			}
		}
	})
}

// TestItems: items that nobody here wrote are errors, and not nothing.
func TestItems(t *testing.T) {
	b := open(t, at(ledgertest.Start))
	ctx := t.Context()
	put := func(key string, more map[string]types.AttributeValue) {
		t.Helper()
		it := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}}
		maps.Copy(it, more)
		_, err := b.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &b.table, Item: it})
		must(t, err)
	}
	put("control#kill-switch", map[string]types.AttributeValue{"version": &types.AttributeValueMemberN{Value: "1"}})
	if v, err := b.Control(ctx, ledger.KillSwitch, &ledger.Switch{}); err == nil {
		t.Errorf("a switch without a value is version %d", v)
	}
	listed := func(list string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"ix": &types.AttributeValueMemberS{Value: list}, "at": &types.AttributeValueMemberS{Value: "2"}}
	}
	put("entry#training-job/x", listed("live#training-job"))
	put("response#training-job/x", listed("due"))
	if e, err := b.Entry(ctx, "training-job/x"); err == nil {
		t.Errorf("an entry without a value is %+v", e)
	}
	if page, _, err := b.Live(ctx, kind.TrainingJob, ""); err == nil {
		t.Errorf("a list of an entry without a value is %+v", page)
	}
	if due, err := b.Due(ctx, ledgertest.Start.AddDate(100, 0, 0)); err == nil {
		t.Errorf("a list of a response without a value is %+v", due)
	}
}

// TestTooLarge: what DynamoDB would refuse is refused by name, and the largest
// that is not refused is taken.
func TestTooLarge(t *testing.T) {
	b := open(t, at(ledgertest.Start))
	e := ledgertest.Entry("fraud-7", ledgertest.Start)
	fill := func(n int) { e.Verdict.Finding = []byte(`"` + strings.Repeat("<", n) + `"`) }
	fill(400 << 10)
	err := b.PutEntry(t.Context(), e)
	if err == nil || !strings.Contains(err.Error(), "entry#training-job/fraud-7 for the ledger is of") || !strings.Contains(err.Error(), "shorten") || e.Version != 0 {
		t.Fatalf("got %v, version %d", err, e.Version)
	}
	var size, largest int
	if _, err := fmt.Sscanf(err.Error(), "entry#training-job/fraud-7 for the ledger is of %d bytes, and an item may be of %d:", &size, &largest); err != nil {
		t.Fatal(err)
	}
	fill(400<<10 - (size - largest))
	must(t, b.PutEntry(t.Context(), e))
	got, err := b.Entry(t.Context(), e.Resource)
	must(t, err)
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
}

// TestNoTable: errors of the database say what they are of.
func TestNoTable(t *testing.T) {
	client := dynamodb.NewFromConfig(dynamolocal.Config(t))
	s := dynamo.New(client, "none", at(ledgertest.Start))
	ctx := t.Context()
	_, get := s.Entry(ctx, "training-job/x")
	_, due := s.Due(ctx, ledgertest.Start)
	for what, err := range map[string]error{
		"entry#training-job/x in the ledger":     get,
		"the list due of the ledger":             due,
		"control#kill-switch for the ledger":     s.PutControl(ctx, ledger.KillSwitch, 0, 1),
		"response#training-job/x for the ledger": s.PutResponse(ctx, ledgertest.Response("x", ledgertest.Start)),
	} {
		var missing *types.ResourceNotFoundException
		if !errors.As(err, &missing) || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTable: the table as DynamoDB understood it, and its time to live.
func TestTable(t *testing.T) {
	b := open(t, at(ledgertest.Start))
	out, err := b.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &b.table})
	must(t, err)
	d := out.Table
	if d.StreamSpecification.StreamViewType != types.StreamViewTypeNewAndOldImages || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest ||
		len(d.GlobalSecondaryIndexes) != 1 || *d.GlobalSecondaryIndexes[0].IndexName != dynamo.Index {
		t.Errorf("got %+v", d)
	}
	_, err = b.client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &b.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(dynamo.Expires), Enabled: aws.Bool(true)},
	})
	must(t, err)
}
