package dynamo

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// RecordError says that a record of the stream could not be read.
type RecordError struct {
	Sequence string // of the record; Lambda takes it as its itemIdentifier
	Err      error
}

func (e *RecordError) Error() string {
	return "record " + e.Sequence + " of the stream: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// Changes decodes records of the table's stream, as Lambda gets them. Writes of
// controls are left out.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func Changes(records []events.DynamoDBEventRecord) (changes []ledger.Change, bad []*RecordError) {
	for i := range records {
		c, err := change(&records[i])
		switch {
		case err != nil:
			bad = append(bad, &RecordError{records[i].Change.SequenceNumber, err})
		case c != nil:
			changes = append(changes, *c)
		}
	}
	return changes, bad
}

// change is one record; nil where it is of a control.
func change(r *events.DynamoDBEventRecord) (*ledger.Change, error) {
	had := r.EventName != string(events.DynamoDBOperationTypeInsert)
	has := r.EventName != string(events.DynamoDBOperationTypeRemove)
	if had && has && r.EventName != string(events.DynamoDBOperationTypeModify) {
		return nil, fmt.Errorf("the event %.40q is none of INSERT, MODIFY and REMOVE", r.EventName)
	}
	var before, after value
	var err error
	if had {
		if before, err = image(r.Change.OldImage); err != nil {
			return nil, fmt.Errorf("the old image: %w", err)
		}
	}
	if has {
		if after, err = image(r.Change.NewImage); err != nil {
			return nil, fmt.Errorf("the new image: %w", err)
		}
	}
	if before.control != "" || after.control != "" {
		return nil, nil
	}
	return &ledger.Change{
		Sequence: r.Change.SequenceNumber,
		At:       r.Change.ApproximateCreationDateTime.UTC(),
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
		Expired:  !has && r.UserIdentity != nil && r.UserIdentity.PrincipalID == "dynamodb.amazonaws.com",
		OldEntry: before.entry, NewEntry: after.entry,
		OldResponse: before.response, NewResponse: after.response,
	}, nil
}

// image is the value of an item as the stream shows it.
func image(attributes map[string]events.DynamoDBAttributeValue) (value, error) {
	return read(func(name string) (string, bool) {
		a := attributes[name]
		if a.DataType() == events.DataTypeString {
			return a.String(), true
		}
		if a.DataType() == events.DataTypeNumber {
			return a.Number(), true
		}
		return "", false
	})
}
