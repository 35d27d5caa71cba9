package dynamo_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sagemoat/sagemoat/pkg/ledger"
)

// TestByHand: what docs/operations.md tells an operator to write is what the
// functions read, also over what they wrote themselves.
func TestByHand(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operations.md")
	must(t, err)
	commands := regexp.MustCompile(`(?s)put-item --table-name \$T --item \\\n  '(.*?)'`).FindAllStringSubmatch(string(page), -1)
	if len(commands) != 2 {
		t.Fatalf("%d commands in the page, want one for the kill switch and one for the breaker", len(commands))
	}
	now := time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)
	b := open(t, at(now))
	must(t, b.PutControl(t.Context(), ledger.BreakerOf, 0, ledger.Breaker{Open: true, Stops: []time.Time{now}}))
	for _, c := range commands {
		var item map[string]map[string]string
		must(t, json.Unmarshal([]byte(c[1]), &item))
		in := &dynamodb.PutItemInput{TableName: &b.table, Item: map[string]types.AttributeValue{}}
		for name, v := range item {
			if n, ok := v["N"]; ok {
				in.Item[name] = &types.AttributeValueMemberN{Value: n}
			} else {
				in.Item[name] = &types.AttributeValueMemberS{Value: v["S"]}
			}
		}
		_, err := b.client.PutItem(t.Context(), in)
		must(t, err)
	}
	var kill ledger.Switch
	_, err = b.Control(t.Context(), ledger.KillSwitch, &kill)
	must(t, err)
	if !kill.On {
		t.Error("the kill switch is not on")
	}
	var breaker ledger.Breaker
	version, err := b.Control(t.Context(), ledger.BreakerOf, &breaker)
	must(t, err)
	if breaker.Open || len(breaker.Stops) > 0 {
		t.Errorf("the breaker is not reset: %+v", breaker)
	}
	must(t, b.PutControl(t.Context(), ledger.BreakerOf, version, ledger.Breaker{Stops: []time.Time{now}}))
	if !strings.Contains(string(page), "LedgerTableName") {
		t.Error("the page does not say which table")
	}
}
