package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/sagemoat/sagemoat/pkg/sandbox"
)

const product = "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"

// sample is a finding that AWS would take.
func sample(id string, at time.Time) types.AwsSecurityFinding {
	return types.AwsSecurityFinding{
		SchemaVersion: aws.String("2018-10-08"), Id: &id, ProductArn: aws.String(product), ProductName: aws.String("sagemoat"),
		CompanyName: aws.String("sagemoat"), GeneratorId: aws.String("sagemoat/no-own-internet"), AwsAccountId: aws.String("111122223333"),
		CreatedAt: aws.String(start.Format(time.RFC3339)), UpdatedAt: aws.String(at.Format(time.RFC3339)),
		Title: aws.String("Training job reaches the Internet"), Description: aws.String("Class b-internet."),
		FindingProviderFields: &types.FindingProviderFields{
			Severity: &types.FindingProviderSeverity{Label: types.SeverityLabelHigh, Original: aws.String("HIGH")},
			Types:    []string{"Software and Configuration Checks/AWS Security Best Practices/Network Reachability"},
		},
		ProductFields: map[string]string{"sagemoat/class": "b-internet"},
		Resources: []types.Resource{{
			Type: aws.String("Other"), Id: aws.String("arn:aws:sagemaker:eu-west-1:111122223333:training-job/" + id),
			Partition: types.PartitionAws, Region: aws.String("eu-west-1"),
		}},
		Compliance:  &types.Compliance{Status: types.ComplianceStatusFailed},
		RecordState: types.RecordStateActive,
	}
}

func (b *bed) importFindings(t testing.TB, findings ...types.AwsSecurityFinding) *securityhub.BatchImportFindingsOutput {
	t.Helper()
	out, err := b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: findings})
	ok(t, err)
	return out
}

func equals(value string) []types.StringFilter {
	return []types.StringFilter{{Comparison: types.StringFilterComparisonEquals, Value: &value}}
}

func (b *bed) find(t testing.TB, filters types.AwsSecurityFindingFilters) []types.AwsSecurityFinding {
	t.Helper()
	b.clock.Advance(time.Second) // three calls a second
	out, err := b.hub.GetFindings(t.Context(), &securityhub.GetFindingsInput{Filters: &filters})
	ok(t, err)
	return out.Findings
}

// TestImport: a new finding is NEW, an update takes the place of an older one, and
// what is not newer is counted and ignored.
func TestImport(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	first := sample("a", start)
	first.Workflow = &types.Workflow{Status: types.WorkflowStatusSuppressed} // not the provider's to say
	first.Note = &types.Note{Text: aws.String("x"), UpdatedAt: aws.String(start.Format(time.RFC3339)), UpdatedBy: aws.String("x")}
	if out := b.importFindings(t, first); *out.SuccessCount != 1 || *out.FailedCount != 0 {
		t.Fatalf("imported %d, failed %v", *out.SuccessCount, out.FailedFindings)
	}
	got := b.find(t, types.AwsSecurityFindingFilters{Id: equals("a")})
	if len(got) != 1 || got[0].Workflow.Status != types.WorkflowStatusNew || got[0].Note != nil ||
		got[0].Severity.Label != types.SeverityLabelHigh || *got[0].Severity.Normalized != 70 || len(got[0].Types) != 1 ||
		got[0].ProductFields["aws/securityhub/ProductName"] != "sagemoat" || *got[0].Region != "eu-west-1" {
		t.Fatalf("found %+v", got)
	}
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{start, "Training job reaches the Internet"},
		{start.Add(-time.Hour), "Training job reaches the Internet"},
		{start.Add(time.Second), "Later"},
	} {
		later := sample("a", test.at)
		later.Title = aws.String("Later")
		if out := b.importFindings(t, later); *out.SuccessCount != 1 {
			t.Errorf("an update of %v failed: %v", test.at, out.FailedFindings)
		}
		if f := b.Findings(); len(f) != 1 || f[0].Title != test.want {
			t.Errorf("after an update of %v: %+v", test.at, f)
		}
	}
	if f := b.Findings(); f[0].Imports != 2 {
		t.Errorf("%d imports had an effect", f[0].Imports)
	}
}

// TestWorkflow: what people decided survives imports, except where AWS documents
// that it does not.
func TestWorkflow(t *testing.T) {
	type change struct {
		compliance types.ComplianceStatus
		record     types.RecordState
	}
	failed := change{types.ComplianceStatusFailed, types.RecordStateActive}
	passed := change{types.ComplianceStatusPassed, types.RecordStateActive}
	archived := change{types.ComplianceStatusFailed, types.RecordStateArchived}
	for _, test := range []struct {
		set           types.WorkflowStatus
		before, after change
		want          string
	}{
		{types.WorkflowStatusNotified, failed, failed, "NOTIFIED"},
		{types.WorkflowStatusResolved, failed, failed, "RESOLVED"},
		{types.WorkflowStatusResolved, failed, passed, "RESOLVED"},
		{types.WorkflowStatusResolved, passed, failed, "NEW"},
		{types.WorkflowStatusNotified, passed, failed, "NEW"},
		{types.WorkflowStatusSuppressed, passed, failed, "SUPPRESSED"},
		{types.WorkflowStatusNotified, archived, failed, "NEW"},
		{types.WorkflowStatusNotified, failed, archived, "NOTIFIED"},
		{types.WorkflowStatusSuppressed, archived, failed, "SUPPRESSED"},
	} {
		b := newBed(t, sandbox.Options{})
		put := func(c change, at time.Time) {
			f := sample("a", at)
			f.Compliance.Status, f.RecordState = c.compliance, c.record
			b.importFindings(t, f)
		}
		put(test.before, start)
		out, err := b.hub.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
			FindingIdentifiers: []types.AwsSecurityFindingIdentifier{{Id: aws.String("a"), ProductArn: aws.String(product)}},
			Workflow:           &types.WorkflowUpdate{Status: test.set},
			Note:               &types.NoteUpdate{Text: aws.String("told"), UpdatedBy: aws.String("sagemoat")},
		})
		ok(t, err)
		if len(out.ProcessedFindings) != 1 || len(out.UnprocessedFindings) != 0 {
			t.Fatalf("updated %v, not %v", out.ProcessedFindings, out.UnprocessedFindings)
		}
		put(test.after, start.Add(time.Hour))
		if f := b.Findings()[0]; f.Workflow != test.want || f.Note != "told" {
			t.Errorf("%s, %v, then %v: %s, note %q", test.set, test.before, test.after, f.Workflow, f.Note)
		}
		if f := b.find(t, types.AwsSecurityFindingFilters{})[0]; string(f.Workflow.Status) != test.want || *f.Note.Text != "told" {
			t.Errorf("GetFindings has %v, note %v", f.Workflow, f.Note)
		}
	}
}

// TestImportRefuses: some faults are the finding's, some the call's.
func TestImportRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*types.AwsSecurityFinding)
		call   string // code of the call
		member string // or what the finding's message names
	}{
		{"a long title", func(f *types.AwsSecurityFinding) { f.Title = aws.String(strings.Repeat("x", 257)) }, "", "Title"},
		{"no provider's severity", func(f *types.AwsSecurityFinding) { f.FindingProviderFields.Severity = nil }, "", "FindingProviderFields"},
		{"a time that is none", func(f *types.AwsSecurityFinding) { f.UpdatedAt = aws.String("yesterday") }, "", "UpdatedAt"},
		{"33 resources", func(f *types.AwsSecurityFinding) {
			for range 32 {
				f.Resources = append(f.Resources, f.Resources[0])
			}
		}, "", "Resources"},
		{"more than 240 KB", func(f *types.AwsSecurityFinding) {
			f.Remediation = &types.Remediation{Recommendation: &types.Recommendation{Text: aws.String(strings.Repeat("x", 240_000))}}
		}, "", "240 KB"},
		{"another account", func(f *types.AwsSecurityFinding) { f.AwsAccountId = aws.String("444455556666") }, "AccessDeniedException", ""},
		{"another product", func(f *types.AwsSecurityFinding) {
			f.ProductArn = aws.String("arn:aws:securityhub:eu-west-1::product/prowler/prowler")
		}, "AccessDeniedException", ""},
		{"another Region", func(f *types.AwsSecurityFinding) {
			f.ProductArn = aws.String(strings.Replace(product, "eu-west-1", "us-east-1", 1))
		}, "AccessDeniedException", ""},
		{"another partition", func(f *types.AwsSecurityFinding) {
			f.ProductArn = aws.String(strings.Replace(product, "arn:aws:", "arn:aws-cn:", 1))
		}, "AccessDeniedException", ""},
		{"no Region", func(f *types.AwsSecurityFinding) {
			f.ProductArn = aws.String(strings.Replace(product, "eu-west-1", "", 1))
		}, "InvalidInputException", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBed(t, sandbox.Options{})
			bad := sample("bad", start)
			test.change(&bad)
			out, err := b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{
				Findings: []types.AwsSecurityFinding{sample("good", start), bad},
			})
			wantCode(t, test.name, err, test.call)
			if err != nil {
				if len(b.Findings()) != 0 {
					t.Error("a refused call had an effect")
				}
				return
			}
			if *out.SuccessCount != 1 || *out.FailedCount != 1 || *out.FailedFindings[0].Id != "bad" ||
				*out.FailedFindings[0].ErrorCode != "InvalidInput" || !strings.Contains(*out.FailedFindings[0].ErrorMessage, test.member) {
				t.Errorf("imported %d, failed %v", *out.SuccessCount, out.FailedFindings)
			}
			if f := b.Findings(); len(f) != 1 || f[0].ID != "good" {
				t.Errorf("kept %v", f)
			}
		})
	}
}

func TestBatchLimits(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	var many []types.AwsSecurityFinding
	for i := range 101 {
		many = append(many, sample(fmt.Sprint(i), start))
	}
	_, err := b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: many})
	wantCode(t, "101 findings", err, "InvalidInputException")
	if out := b.importFindings(t, many[:100]...); *out.SuccessCount != 100 {
		t.Errorf("of 100, %d were imported", *out.SuccessCount)
	}
	for i := range many {
		many[i].UserDefinedFields = map[string]string{"x": strings.Repeat("x", 61_000)}
	}
	_, err = b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: many[:100]})
	wantCode(t, "more than 6 MB", err, "InvalidInputException")
	_, err = b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: many[:0]})
	wantCode(t, "no findings", err, "InvalidInputException")
}

// TestHubRate: 30 calls at once, then ten a second, by the world's clock.
func TestHubRate(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	burst := func() (n int) {
		for {
			_, err := b.hub.BatchImportFindings(t.Context(), &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{sample("a", start)}})
			if err != nil {
				wantCode(t, "too many calls", err, "TooManyRequestsException")
				return n
			}
			n++
		}
	}
	if n := burst(); n != 30 {
		t.Errorf("%d calls at once", n)
	}
	b.clock.Advance(time.Second)
	if n := burst(); n != 10 {
		t.Errorf("%d calls a second later", n)
	}
	b.clock.Advance(time.Hour)
	if n := burst(); n != 30 {
		t.Errorf("%d calls an hour later", n)
	}
}

// TestHubOff: both ways of refusing are reported.
func TestHubOff(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	ctx := t.Context()
	_, err := b.hub.EnableSecurityHub(ctx, &securityhub.EnableSecurityHubInput{})
	wantCode(t, "enabled twice", err, "ResourceConflictException")
	b.SetHub(sandbox.HubOffByFinding)
	out := b.importFindings(t, sample("a", start))
	if *out.FailedCount != 1 || *out.FailedFindings[0].ErrorCode != "InvalidAccess" {
		t.Errorf("failed: %v", out.FailedFindings)
	}
	b.SetHub(sandbox.HubOff)
	_, err = b.hub.BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{sample("a", start)}})
	wantCode(t, "import", err, "InvalidAccessException")
	_, err = b.hub.DescribeHub(ctx, &securityhub.DescribeHubInput{})
	wantCode(t, "describe", err, "InvalidAccessException")
	_, err = b.hub.EnableSecurityHub(ctx, &securityhub.EnableSecurityHubInput{})
	ok(t, err)
	hub, err := b.hub.DescribeHub(ctx, &securityhub.DescribeHubInput{})
	ok(t, err)
	if *hub.HubArn != "arn:aws:securityhub:eu-west-1:111122223333:hub/default" || len(b.Findings()) != 0 {
		t.Errorf("hub %s with %v", *hub.HubArn, b.Findings())
	}
}

func TestGetFindings(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	for i := range 5 {
		f := sample(fmt.Sprintf("job-%d", i), start)
		if i == 3 {
			f.RecordState = types.RecordStateArchived
		}
		if i == 4 {
			f.Compliance.Status = types.ComplianceStatusPassed
		}
		b.importFindings(t, f)
	}
	prefix := func(s string) []types.StringFilter {
		return []types.StringFilter{{Comparison: types.StringFilterComparisonPrefix, Value: &s}}
	}
	for _, test := range []struct {
		name    string
		filters types.AwsSecurityFindingFilters
		want    string
	}{
		{"all", types.AwsSecurityFindingFilters{}, "01234"},
		{"one of two ids", types.AwsSecurityFindingFilters{Id: append(append(equals("job-4"), equals("job-1")...), equals("other")...)}, "14"},
		{"ids by prefix, and active", types.AwsSecurityFindingFilters{Id: prefix("job-"), RecordState: equals("ACTIVE")}, "0124"},
		{"failed, of the product", types.AwsSecurityFindingFilters{ComplianceStatus: equals("FAILED"), ProductArn: equals(product)}, "0123"},
		{"suppressed", types.AwsSecurityFindingFilters{WorkflowStatus: equals("SUPPRESSED")}, ""},
	} {
		var ids []string
		for _, f := range b.find(t, test.filters) {
			ids = append(ids, strings.TrimPrefix(*f.Id, "job-"))
		}
		got := strings.Join(ids, "")
		if got != test.want {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
	}
	pages, got := securityhub.NewGetFindingsPaginator(b.hub, &securityhub.GetFindingsInput{MaxResults: aws.Int32(2)}), []int{}
	for pages.HasMorePages() {
		b.clock.Advance(time.Second)
		page, err := pages.NextPage(t.Context())
		ok(t, err)
		got = append(got, len(page.Findings))
	}
	if fmt.Sprint(got) != "[2 2 1]" {
		t.Errorf("pages of %v", got)
	}
	var tooMany []types.StringFilter
	for range 21 {
		tooMany = append(tooMany, equals("x")...)
	}
	for name, in := range map[string]*securityhub.GetFindingsInput{
		"another attribute":  {Filters: &types.AwsSecurityFindingFilters{Title: equals("x")}},
		"another comparison": {Filters: &types.AwsSecurityFindingFilters{Id: []types.StringFilter{{Comparison: types.StringFilterComparisonNotEquals, Value: aws.String("x")}}}},
		"21 values":          {Filters: &types.AwsSecurityFindingFilters{Id: tooMany}},
		"pages of 101":       {MaxResults: aws.Int32(101)},
		"a token of nobody":  {NextToken: aws.String("x")},
	} {
		b.clock.Advance(time.Second)
		_, err := b.hub.GetFindings(t.Context(), in)
		wantCode(t, name, err, "InvalidInputException")
	}
}

func TestUpdateRefuses(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.importFindings(t, sample("a", start))
	id := func(s string) types.AwsSecurityFindingIdentifier {
		return types.AwsSecurityFindingIdentifier{Id: &s, ProductArn: aws.String(product)}
	}
	out, err := b.hub.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{id("a"), id("b"), id("a")}, Workflow: &types.WorkflowUpdate{Status: "NOTIFIED"},
	})
	ok(t, err)
	if len(out.ProcessedFindings) != 1 || len(out.UnprocessedFindings) != 2 ||
		*out.UnprocessedFindings[0].ErrorCode != "FindingNotFound" || *out.UnprocessedFindings[1].ErrorCode != "DuplicatedFindingIdentifier" {
		t.Errorf("updated %v, not %v", out.ProcessedFindings, out.UnprocessedFindings)
	}
	for name, in := range map[string]*securityhub.BatchUpdateFindingsInput{
		"nothing":         {FindingIdentifiers: []types.AwsSecurityFindingIdentifier{}},
		"another status":  {FindingIdentifiers: []types.AwsSecurityFindingIdentifier{id("a")}, Workflow: &types.WorkflowUpdate{Status: "DONE"}},
		"a note too long": {FindingIdentifiers: []types.AwsSecurityFindingIdentifier{id("a")}, Note: &types.NoteUpdate{Text: aws.String(strings.Repeat("x", 513)), UpdatedBy: aws.String("x")}},
	} {
		_, err := b.hub.BatchUpdateFindings(t.Context(), in)
		wantCode(t, name, err, "InvalidInputException")
	}
}

// TestHubEvents: one event for each finding, whoever changed it; none for what was
// ignored; and one for each finding that a person picked an action for.
func TestHubEvents(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	type event struct {
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Resources  []string `json:"resources"`
		Detail     struct {
			ActionName string `json:"actionName"`
			Findings   []types.AwsSecurityFinding
		} `json:"detail"`
	}
	var got []string
	b.AddRule(sandbox.Rule{Invoke: func(raw []byte) error {
		var e event
		ok(t, json.Unmarshal(raw, &e))
		if e.Source != "aws.securityhub" || len(e.Detail.Findings) != 1 || len(e.Resources) != 1 {
			t.Errorf("event %s", raw)
			return nil
		}
		f := e.Detail.Findings[0]
		got = append(got, fmt.Sprintf("%s %s %s %s %s", e.DetailType, e.Detail.ActionName, e.Resources[0], *f.Id, f.Workflow.Status))
		return nil
	}})
	b.importFindings(t, sample("a", start), sample("b", start))
	b.importFindings(t, sample("a", start))
	_, err := b.hub.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{{Id: aws.String("b"), ProductArn: aws.String(product)}}, Workflow: &types.WorkflowUpdate{Status: "NOTIFIED"},
	})
	ok(t, err)
	b.CustomAction("stop", "Stop this job", "Stops the job of the finding", "b", "unknown")
	b.clock.Advance(0)
	want := []string{
		"Security Hub Findings - Imported  " + product + "/a a NEW",
		"Security Hub Findings - Imported  " + product + "/b b NEW",
		"Security Hub Findings - Imported  " + product + "/b b NOTIFIED",
		"Security Hub Findings - Custom Action Stop this job arn:aws:securityhub:eu-west-1:111122223333:action/custom/stop b NOTIFIED",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events:\n%s", strings.Join(got, "\n"))
	}
}

// TestRefuseFindings: some of a batch fail on demand, the others do not.
func TestRefuseFindings(t *testing.T) {
	b := newBed(t, sandbox.Options{})
	b.RefuseFindings(func(id string) string {
		if id == "b" {
			return "InternalError"
		}
		return ""
	})
	out := b.importFindings(t, sample("a", start), sample("b", start), sample("c", start))
	if *out.SuccessCount != 2 || *out.FailedCount != 1 || *out.FailedFindings[0].Id != "b" || *out.FailedFindings[0].ErrorCode != "InternalError" {
		t.Errorf("imported %d, failed %v", *out.SuccessCount, out.FailedFindings)
	}
	b.RefuseFindings(nil)
	if out = b.importFindings(t, sample("b", start)); *out.SuccessCount != 1 || len(b.Findings()) != 3 {
		t.Errorf("failed %v, kept %v", out.FailedFindings, b.Findings())
	}
}
