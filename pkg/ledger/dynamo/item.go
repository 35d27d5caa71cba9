package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// largest is how many bytes an item may have, names and values.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
const largest = 400 << 10

// item is an item of the table.
type item map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// list puts the item into a list of the index.
func (it item) list(name, place string) { it[ixAttr], it[atAttr] = text(name), text(place) }

// expire has DynamoDB take the item away when its time is over.
func (it item) expire(written time.Time) { it[Expires] = number(written.Add(ledger.Retention).Unix()) }

// text is a text or a number of the item.
func (it item) text(name string) (string, bool) {
	switch v := it[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value, true
	case *types.AttributeValueMemberN:
		return v.Value, true
	}
	return "", false
}

// size is how large the item is for DynamoDB, or a little more: a number takes a
// byte for two digits, and one or two beside.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (it item) size() (n int) {
	for name := range it {
		v, _ := it.text(name)
		n += len(name) + len(v) + 2
	}
	return n
}

// value is what an item holds: one of its members, and its version.
type value struct {
	entry    *ledger.Entry
	response *ledger.Response
	control  string // JSON
	version  int64
}

// read is the value of an item, of which attribute returns the texts and numbers.
func read(attribute func(name string) (string, bool)) (value, error) {
	k, ok := attribute(pkAttr)
	if !ok {
		return value{}, errors.New("an item of the ledger has no " + pkAttr)
	}
	fail := func(err error) (value, error) { return value{}, fmt.Errorf("%.200q in the ledger: %w", k, err) }
	n, _ := attribute(versionAttr)
	v, err := strconv.ParseInt(n, 10, 64)
	if err != nil || v < 1 {
		return fail(fmt.Errorf("its %s is %.40q", versionAttr, n))
	}
	d, _ := attribute(docAttr)
	if d == "" || len(d) > largest {
		return fail(fmt.Errorf("its %s is of %d bytes", docAttr, len(d)))
	}
	out := value{version: v}
	of, resource, _ := strings.Cut(k, "#")
	said, written := resource, v
	switch of + "#" {
	case entryKey:
		out.entry, err = decode[ledger.Entry](d)
		said, written = out.entry.Resource, out.entry.Version
	case responseKey:
		out.response, err = decode[ledger.Response](d)
		said, written = out.response.Resource, out.response.Version
	case controlKey:
		out.control = d
	default:
		err = errors.New("it is neither an entry nor a response nor a control")
	}
	switch {
	case err != nil:
		return fail(err)
	case said != resource, written != v:
		return fail(fmt.Errorf("its %s is of %.200q, version %d", docAttr, said, written))
	}
	return out, nil
}

func decode[T any](doc string) (*T, error) {
	out := new(T)
	return out, json.Unmarshal([]byte(doc), out)
}
