// Package dynamo keeps a ledger in an Amazon DynamoDB table, and reads the
// table's stream.
//
// An item is the value as JSON, beside the few attributes that conditions, lists
// and people need; see [Table]. Each write names the version that it replaces, so
// nobody's write is lost. Reads of one item are strongly consistent. [Store.Live]
// and [Store.Due] read an index, which follows within moments: what they return
// may be an older version, whose write is refused.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
package dynamo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// Store is a ledger in a table. It implements [ledger.Store].
type Store struct {
	client *dynamodb.Client
	table  string
	now    func() time.Time
}

// New returns the ledger in a table.
func New(client *dynamodb.Client, table string, now func() time.Time) *Store {
	return &Store{client, table, now}
}

// atATime is how many items a list returns at once. DynamoDB returns 1 MB at
// most, so there may be fewer.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
const atATime = 100

// width is a time of fixed width, whose order as text is that of the times.
const width = "2006-01-02T15:04:05.000000000Z"

// Entry implements [ledger.Store].
func (s *Store) Entry(ctx context.Context, resource string) (*ledger.Entry, error) {
	v, err := s.get(ctx, entryKey+resource)
	return v.entry, err
}

// PutEntry implements [ledger.Store].
func (s *Store) PutEntry(ctx context.Context, e *ledger.Entry) error {
	next := *e
	next.Version++
	next.Written = ledger.After(s.now(), e.Written)
	at, ruled := next.Evidence()
	it := item{evidenceAttr: text(at.UTC().Format(width)), rulesAttr: text(ruled.UTC().Format(width))}
	switch next.Life.State {
	case ledger.Live:
		it.list("live#"+string(next.Kind), next.Resource)
	case ledger.Ended, ledger.Gone:
		it.expire(next.Written)
	}
	if err := s.put(ctx, entryKey+next.Resource, next.Version, &next, it); err != nil {
		return err
	}
	*e = next
	return nil
}

// Live implements [ledger.Store].
func (s *Store) Live(ctx context.Context, k kind.Kind, after string) (page []*ledger.Entry, next string, err error) {
	// A place cannot be empty, and every resource comes after a space.
	values, more, err := s.query(ctx, "live#"+string(k), "#at > :at", cmp.Or(after, " "))
	for _, v := range values {
		if v.entry != nil {
			page = append(page, v.entry)
			next = v.entry.Resource
		}
	}
	if !more {
		next = ""
	}
	return page, next, err
}

// Response implements [ledger.Store].
func (s *Store) Response(ctx context.Context, resource string) (*ledger.Response, error) {
	v, err := s.get(ctx, responseKey+resource)
	return v.response, err
}

// PutResponse implements [ledger.Store].
func (s *Store) PutResponse(ctx context.Context, r *ledger.Response) error {
	next := *r
	next.Version++
	next.Written = ledger.After(s.now(), r.Written)
	it := item{}
	if !next.Due.IsZero() {
		it.list("due", next.Due.UTC().Format(width)+"#"+next.Resource)
	}
	if next.Over {
		it.expire(next.Written)
	}
	if err := s.put(ctx, responseKey+next.Resource, next.Version, &next, it); err != nil {
		return err
	}
	*r = next
	return nil
}

// Due implements [ledger.Store].
func (s *Store) Due(ctx context.Context, now time.Time) (due []*ledger.Response, err error) {
	// $ is what follows # in order.
	values, _, err := s.query(ctx, "due", "#at < :at", now.UTC().Format(width)+"$")
	for _, v := range values {
		if v.response != nil {
			due = append(due, v.response)
		}
	}
	return due, err
}

// Control implements [ledger.Store].
func (s *Store) Control(ctx context.Context, name string, into any) (int64, error) {
	v, err := s.get(ctx, controlKey+name)
	if err != nil || v.version == 0 {
		return 0, err
	}
	if err := json.Unmarshal([]byte(v.control), into); err != nil {
		return 0, fmt.Errorf("%s%s in the ledger: %w", controlKey, name, err)
	}
	return v.version, nil
}

// PutControl implements [ledger.Store].
func (s *Store) PutControl(ctx context.Context, name string, version int64, value any) error {
	return s.put(ctx, controlKey+name, version+1, value, item{})
}

// get reads one item; the value is empty where there is none.
func (s *Store) get(ctx context.Context, k string) (value, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{pkAttr: text(k)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return value{}, fmt.Errorf("%s in the ledger: %w", k, err)
	}
	if len(out.Item) == 0 {
		return value{}, nil
	}
	return read(item(out.Item).text)
}

// put writes an item over the version before.
func (s *Store) put(ctx context.Context, k string, v int64, value any, it item) error {
	b, err := ledger.Encode(value)
	if err != nil {
		return fmt.Errorf("%s for the ledger: %w", k, err)
	}
	it[pkAttr], it[docAttr], it[versionAttr] = text(k), text(string(b)), number(v)
	if n := it.size(); n > largest {
		return fmt.Errorf("%s for the ledger is of %d bytes, and an item may be of %d: shorten what it holds, for an entry the finding or what was kept of calls", k, n, largest)
	}
	in := &dynamodb.PutItemInput{
		TableName: &s.table, Item: it,
		ConditionExpression:                 aws.String("attribute_not_exists(#pk)"),
		ExpressionAttributeNames:            map[string]string{"#pk": pkAttr},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if v > 1 {
		in.ConditionExpression = aws.String("#version = :before")
		in.ExpressionAttributeNames = map[string]string{"#version": versionAttr}
		in.ExpressionAttributeValues = item{":before": number(v - 1)}
		if it[evidenceAttr] != nil {
			// The version decides. This refuses whoever did not merge.
			in.ConditionExpression = aws.String("#version = :before AND (#evidence < :evidence OR #evidence = :evidence AND #rules <= :rules)")
			in.ExpressionAttributeNames["#evidence"], in.ExpressionAttributeNames["#rules"] = evidenceAttr, rulesAttr
			in.ExpressionAttributeValues[":evidence"], in.ExpressionAttributeValues[":rules"] = it[evidenceAttr], it[rulesAttr]
		}
	}
	_, err = s.client.PutItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		if before, _ := item(failed.Item).text(versionAttr); v > 1 && before == strconv.FormatInt(v-1, 10) {
			return fmt.Errorf("%s: %w", k, ledger.ErrOlder)
		}
		return fmt.Errorf("%s: %w", k, ledger.ErrConflict)
	case err != nil:
		return fmt.Errorf("%s for the ledger: %w", k, err)
	}
	return nil
}

// query reads from the index what comes first in a list.
func (s *Store) query(ctx context.Context, ix, condition, place string) (values []value, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(Index), Limit: aws.Int32(atATime),
		KeyConditionExpression:    aws.String("#ix = :ix AND " + condition),
		ExpressionAttributeNames:  map[string]string{"#ix": ixAttr, "#at": atAttr},
		ExpressionAttributeValues: item{":ix": text(ix), ":at": text(place)},
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, false, fmt.Errorf("the list %s of the ledger: %w", ix, err)
	}
	for _, i := range out.Items {
		v, err := read(item(i).text)
		if err != nil {
			return nil, false, err
		}
		values = append(values, v)
	}
	return values, len(out.LastEvaluatedKey) > 0, nil
}
