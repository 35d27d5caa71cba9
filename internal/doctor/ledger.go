package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/ledger/dynamo"
)

func ledgerSubject() subject {
	return subject{"Ledger", []Check{
		{ID: "table", Why: "it is the state of everything: what is lost there is judged, told and imported anew", Deployed: true},
		{ID: "table-recovery", Why: "whoever deletes or overwrites it blinds sagemoat", Deployed: true},
		{ID: "kill-switch", Why: "while it is on, nothing is stopped", Deployed: true},
		{ID: "breaker", Why: "while it is open, nothing is stopped; it never closes by itself", Deployed: true},
		{ID: "first-sweep", Why: "until it is done, what is found is told in one digest, and not at once", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		if x.stack == nil {
			return nil
		}
		return []Line{
			judgeTable(x, x.table(ctx), timeToLive(ctx, x)), judgeRecovery(x, x.table(ctx), backups(ctx, x)),
			judgeSwitch(x, control[ledger.Switch](ctx, x, ledger.KillSwitch)),
			judgeBreaker(x, control[ledger.Breaker](ctx, x, ledger.BreakerOf)),
			judgeBaseline(x, control[ledger.FirstSweep](ctx, x, ledger.Baseline)),
		}
	}}
}

// control reads a control of the ledger; the zero value where it was never
// written.
func control[T any](ctx context.Context, x *session, name string) answer[T] {
	var v T
	_, err := x.ledger().Control(ctx, name, &v)
	return answered("dynamodb:GetItem", v, err)
}

func describeTable(ctx context.Context, x *session) answer[*dynamodb.DescribeTableOutput] {
	out, err := x.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(x.stack.out(OutTable))})
	return answered("dynamodb:DescribeTable", out, err)
}

func timeToLive(ctx context.Context, x *session) answer[*dynamodb.DescribeTimeToLiveOutput] {
	out, err := x.db.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(x.stack.out(OutTable))})
	return answered("dynamodb:DescribeTimeToLive", out, err)
}

func backups(ctx context.Context, x *session) answer[*dynamodb.DescribeContinuousBackupsOutput] {
	out, err := x.db.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(x.stack.out(OutTable))})
	return answered("dynamodb:DescribeContinuousBackups", out, err)
}

// judgeTable compares the table with [dynamo.Table].
func judgeTable(x *session, a answer[*dynamodb.DescribeTableOutput], ttl answer[*dynamodb.DescribeTimeToLiveOutput]) Line {
	name := x.stack.out(OutTable)
	if a.missing() {
		return line("table", Failed, name+" is not there", "make deploy").
			with("with a backup: aws dynamodb restore-table-to-point-in-time, under this name, before deploying")
	}
	if !a.got || a.value.Table == nil {
		return a.unknown("table")
	}
	t, want := a.value.Table, dynamo.Table(name)
	var wrong, fix []string
	if t.TableStatus != types.TableStatusActive && t.TableStatus != types.TableStatusUpdating {
		wrong = append(wrong, "is "+string(t.TableStatus))
		fix = append(fix, x.aws("dynamodb", "describe-table", "--table-name", name))
	}
	if s := t.StreamSpecification; s == nil || !aws.ToBool(s.StreamEnabled) || s.StreamViewType != want.StreamSpecification.StreamViewType {
		wrong = append(wrong, "has no stream of old and new images: publish and respond hear nothing")
		fix = append(fix, x.aws("dynamodb", "update-table", "--table-name", name, "--stream-specification", "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"),
			"make deploy # the mappings have to read the new stream")
	}
	index := want.GlobalSecondaryIndexes[0]
	if !hasIndex(t.GlobalSecondaryIndexes, &index) {
		wrong = append(wrong, "has no index "+aws.ToString(index.IndexName)+" that can be asked")
		fix = append(fix, "make deploy")
	}
	if !sameKeys(t.KeySchema, want.KeySchema) {
		wrong = append(wrong, "has another key")
		fix = append(fix, "make deploy")
	}
	if len(wrong) > 0 {
		return line("table", Failed, name+" "+strings.Join(wrong, "; "), fix...)
	}
	if !ttl.got || ttl.value.TimeToLiveDescription == nil {
		return ttl.unknown("table")
	}
	d := ttl.value.TimeToLiveDescription
	on := d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling
	if !on || aws.ToString(d.AttributeName) != dynamo.Expires {
		return line("table", Warning, name+" grows for ever: its time to live is not on the attribute "+dynamo.Expires,
			x.aws("dynamodb", "update-time-to-live", "--table-name", name, "--time-to-live-specification", "Enabled=true,AttributeName="+dynamo.Expires))
	}
	return line("table", OK, name+" is active, with its key, index, stream and time to live")
}

func hasIndex(have []types.GlobalSecondaryIndexDescription, want *types.GlobalSecondaryIndex) bool {
	for _, i := range have {
		if aws.ToString(i.IndexName) == aws.ToString(want.IndexName) && sameKeys(i.KeySchema, want.KeySchema) &&
			(i.IndexStatus == types.IndexStatusActive || i.IndexStatus == types.IndexStatusUpdating) {
			return true
		}
	}
	return false
}

func sameKeys(a, b []types.KeySchemaElement) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if aws.ToString(a[i].AttributeName) != aws.ToString(b[i].AttributeName) || a[i].KeyType != b[i].KeyType {
			return false
		}
	}
	return true
}

// judgeRecovery: nobody can delete the table by mistake, and every second of the
// last weeks can be restored.
func judgeRecovery(x *session, a answer[*dynamodb.DescribeTableOutput], b answer[*dynamodb.DescribeContinuousBackupsOutput]) Line {
	name := x.stack.out(OutTable)
	switch {
	case a.missing():
		return line("table-recovery", Failed, name+" is not there", "make deploy")
	case !a.got || a.value.Table == nil:
		return a.unknown("table-recovery")
	case !aws.ToBool(a.value.Table.DeletionProtectionEnabled):
		return line("table-recovery", Failed, name+" can be deleted by one call", x.aws("dynamodb", "update-table", "--table-name", name, "--deletion-protection-enabled"))
	case !b.got:
		return b.unknown("table-recovery")
	}
	on := false
	if d := b.value.ContinuousBackupsDescription; d != nil && d.PointInTimeRecoveryDescription != nil {
		on = d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled
	}
	if !on {
		return line("table-recovery", Failed, name+" has no point-in-time recovery",
			x.aws("dynamodb", "update-continuous-backups", "--table-name", name, "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true"))
	}
	return line("table-recovery", OK, "deletion protection and point-in-time recovery are on")
}

// putControl is the command that writes a control, as docs/functions.md has it.
func (x *session) putControl(name, doc string) string {
	return x.aws("dynamodb", "put-item", "--table-name", x.stack.out(OutTable), "--item", inJSON(map[string]any{
		"pk": map[string]string{"S": "control#" + name}, "version": map[string]string{"N": "1"}, "doc": map[string]string{"S": doc},
	}))
}

func judgeSwitch(x *session, a answer[ledger.Switch]) Line {
	if !a.got {
		return a.unknown("kill-switch")
	}
	s := a.value
	if !s.On {
		return line("kill-switch", OK, "off")
	}
	found := "on: nothing is stopped"
	if s.By != "" || s.Why != "" {
		found += fmt.Sprintf(" (%s: %s)", s.By, s.Why)
	}
	return line("kill-switch", Warning, found, x.putControl(ledger.KillSwitch, `{"On":false}`))
}

func judgeBreaker(x *session, a answer[ledger.Breaker]) Line {
	if !a.got {
		return a.unknown("breaker")
	}
	if !a.value.Open {
		return line("breaker", OK, "closed")
	}
	return line("breaker", Failed, fmt.Sprintf("open since %s: nothing is stopped. %s", a.value.OpenedAt.UTC().Format(time.RFC3339), a.value.Why), x.putControl(ledger.BreakerOf, "{}")).
		with("find out first why so much was to be stopped")
}

// baselineWithin is how long the first sweep may take.
const baselineWithin = 26 * time.Hour

func judgeBaseline(x *session, a answer[ledger.FirstSweep]) Line {
	if !a.got {
		return a.unknown("first-sweep")
	}
	f, now := a.value, x.Now()
	switch {
	case !f.Done.IsZero():
		return line("first-sweep", OK, "done on "+f.Done.UTC().Format(time.RFC3339))
	case f.Started.IsZero() && now.Sub(x.stack.created) < time.Hour:
		return line("first-sweep", Warning, "has not begun: it does within 15 minutes of the deployment")
	case f.Started.IsZero():
		return line("first-sweep", Failed, "has not begun", x.sweepLogs())
	case now.Sub(f.Started) > baselineWithin:
		return line("first-sweep", Failed, "began "+ago(now.Sub(f.Started))+" ago and is not done", x.sweepLogs())
	}
	return line("first-sweep", Warning, "began "+ago(now.Sub(f.Started))+" ago and is not done: what is found until then comes in one digest")
}

func (x *session) sweepLogs() string {
	return x.aws("logs", "tail", "/aws/lambda/"+x.stack.out(OutSweep), "--since", "1h")
}
