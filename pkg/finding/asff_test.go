package finding

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var now = time.Date(2026, 11, 2, 9, 14, 7, 0, time.UTC)

func row(t interface{ Fatalf(string, ...any) }, k kind.Kind) *kind.Row {
	r, ok := kind.Of(k)
	if !ok {
		t.Fatalf("no kind %s", k)
	}
	return r
}

// bridge is a notebook instance that fails.
func bridge(t *testing.T) *Finding {
	t.Helper()
	failed := rules.Result{Rule: rules.NoBridge, Result: rules.Failed, Severity: rules.Critical, Message: "bridges a VPC and the Internet: direct Internet access is enabled", Path: "requestParameters.directInternetAccess"}
	return &Finding{
		Row: row(t, kind.NotebookInstance), Name: "nb", ARN: "arn:aws-cn:sagemaker:cn-north-1:111122223333:notebook-instance/nb",
		Partition: "aws-cn", Account: "111122223333", Region: "cn-north-1", Time: now,
		Source:  kind.Source{Type: kind.ShapeCloudTrail, Event: "CreateNotebookInstance", ID: "id-1", Actor: "arn:aws-cn:sts::111122223333:assumed-role/ds/ana"},
		Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"},
		Judgement: rules.Judgement{
			Verdict:    verdict.Verdict{Class: verdict.C, Reach: verdict.ReachFull, DataPath: verdict.DataPathVPCOwn},
			Compliance: rules.Failed, Severity: rules.Critical,
			Posture: posture.Posture{DirectInternet: posture.Yes, Subnets: idList("subnet-9", "x"), SecurityGroups: idList("sg-9", "sg-9")},
			Results: []rules.Result{
				{Rule: rules.EncryptedBetweenContainers, Result: rules.Failed, Severity: rules.Low, Message: "not encrypted"},
				{Rule: rules.InteractiveAccess, Result: rules.Excepted, Severity: rules.Medium, Message: "is on", Exception: "EX-1"},
				failed,
			},
		},
	}
}

func idList(values ...string) posture.IDs {
	var out posture.IDs
	for _, v := range values {
		out.List = append(out.List, posture.ID{Value: v})
	}
	return out
}

func TestASFF(t *testing.T) {
	got, err := bridge(t).ASFF(now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"Id":           {got.ID, "arn:aws-cn:sagemaker:cn-north-1:111122223333:notebook-instance/nb/sagemoat/network"},
		"ProductArn":   {got.ProductARN, "arn:aws-cn:securityhub:cn-north-1:111122223333:product/111122223333/default"},
		"GeneratorId":  {got.GeneratorID, "sagemoat/no-bridge"},
		"UpdatedAt":    {got.UpdatedAt, "2026-11-02T09:14:07.000Z"},
		"Title":        {got.Title, "Notebook instance nb bridges a VPC and the Internet"},
		"Severity":     {string(got.FindingProviderFields.Severity.Label), "CRITICAL"},
		"Requirements": {strings.Join(got.Compliance.RelatedRequirements, ","), "NIST.800-53.r5 AC-17,NIST.800-53.r5 AC-4,NIST.800-53.r5 SC-7,NIST.800-53.r5 SC-8"},
		"Description":  {got.Description, "Class c, data path vpc+own. no-bridge FAILED (CRITICAL): bridges a VPC and the Internet: direct Internet access is enabled, at requestParameters.directInternetAccess. encrypted-between-containers FAILED (LOW): not encrypted. interactive-access EXCEPTED: is on, allowed by exception EX-1."},
		"Text":         {got.Remediation.Recommendation.Text, `the network of a notebook instance cannot be updated: save the work, create a new instance with a SubnetId and DirectInternetAccess Disabled, delete the old one. Settings: {"DirectInternetAccess":"Disabled","SecurityGroupIds":["sg-1"],"SubnetId":"subnet-1"}`},
		"rules":        {got.ProductFields["sagemoat/rules"], "encrypted-between-containers=FAILED,interactive-access=EXCEPTED,no-bridge=FAILED"},
		"event-ids":    {got.ProductFields["sagemoat/event-ids"], "id-1"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	var resources []string
	for _, r := range got.Resources {
		resources = append(resources, r.Type+" "+r.ID+" "+r.Partition+" "+r.Region)
	}
	want := []string{
		"AwsSageMakerNotebookInstance arn:aws-cn:sagemaker:cn-north-1:111122223333:notebook-instance/nb aws-cn cn-north-1",
		"AwsEc2Subnet arn:aws-cn:ec2:cn-north-1:111122223333:subnet/subnet-9 aws-cn cn-north-1",
		"AwsEc2SecurityGroup arn:aws-cn:ec2:cn-north-1:111122223333:security-group/sg-9 aws-cn cn-north-1",
	}
	if !slices.Equal(resources, want) {
		t.Errorf("resources:\n%s\nwant\n%s", strings.Join(resources, "\n"), strings.Join(want, "\n"))
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{`"Workflow"`, `"Severity":{"Label":"CRITICAL","Original":"CRITICAL"},"Types"`, `"DirectInternetAccess":"Enabled","SubnetId":"subnet-9","SecurityGroups":["sg-9","sg-9"]`} {
		if strings.Contains(string(b), member) != (member != `"Workflow"`) {
			t.Errorf("%s in %s", member, b)
		}
	}
}

func TestASFFIdentity(t *testing.T) {
	id := func(change func(*Finding)) string {
		f := bridge(t)
		change(f)
		a, err := f.ASFF(now)
		if err != nil {
			t.Fatal(err)
		}
		return a.ID
	}
	plain := id(func(*Finding) {})
	if got := id(func(f *Finding) { f.Time = now.Add(1); f.Source.ID = "id-2"; f.Judgement.Compliance = rules.Passed }); got != plain {
		t.Errorf("the id depends on the record: %s", got)
	}
	if got := id(func(f *Finding) { f.Created = now }); got != plain+"/20261102T091407Z" {
		t.Errorf("created: %s", got)
	}
	if got := id(func(f *Finding) { f.Created = now; f.Row = row(t, kind.AutoMLJob) }); got != plain {
		t.Errorf("a name that is never used again needs no time: %s", got)
	}
	if got := id(func(f *Finding) { f.ARN = "" }); got != "111122223333/cn-north-1/notebook-instance/nb/sagemoat/network" {
		t.Errorf("without an ARN: %s", got)
	}
	long := strings.Repeat("x", 600)
	if a, b := id(func(f *Finding) { f.ARN = long + "a" }), id(func(f *Finding) { f.ARN = long + "b" }); a == b || len(a) > 512 {
		t.Errorf("long ones: %s, %s", a, b)
	}
	if a, b := id(func(f *Finding) { f.ARN = "a\x00" }), id(func(f *Finding) { f.ARN = "a\x01" }); a == b || Plain(a) != a {
		t.Errorf("hidden characters: %q, %q", a, b)
	}
}

func TestASFFRefuses(t *testing.T) {
	for what, test := range map[string]struct {
		change func(*Finding)
		want   error
	}{
		"no rule":    {func(f *Finding) { f.Judgement.Compliance = rules.NotAvailable }, ErrNothingToReport},
		"no account": {func(f *Finding) { f.Account = "" }, ErrNowhereToReport},
		"no Region":  {func(f *Finding) { f.Region = "" }, ErrNowhereToReport},
		"no name":    {func(f *Finding) { f.Name, f.ARN = "\x00", "" }, ErrNowhereToReport},
	} {
		f := bridge(t)
		test.change(f)
		if _, err := f.ASFF(now); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f := bridge(t)
	f.Partition = "nowhere"
	if _, err := f.ASFF(now); err == nil || !strings.Contains(err.Error(), "Partition") {
		t.Errorf("partition: %v", err)
	}
}

func TestASFFOfWhatPassed(t *testing.T) {
	f := bridge(t)
	f.Judgement.Results, f.Judgement.Compliance, f.Judgement.Severity = nil, rules.Passed, ""
	f.Time, f.Judgement.Posture.DirectInternet = time.Time{}, posture.No
	got, err := f.ASFF(now)
	if err != nil {
		t.Fatal(err)
	}
	if got.Title != "Notebook instance nb meets the network rules" || got.Remediation != nil || got.GeneratorID != "sagemoat/network" ||
		got.FindingProviderFields.Severity.Label != rules.Informational || got.Compliance.Status != rules.Passed || got.CreatedAt != "2026-11-02T09:14:07.000Z" ||
		got.Resources[0].Details.NotebookInstance.DirectInternetAccess != "Disabled" {
		t.Errorf("%+v", got)
	}
}

// TestASFFLimits: whatever a record says, the finding keeps the limits.
func TestASFFLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Long enough for every limit, and with bytes that are no characters.
		text := rapid.OneOf(
			rapid.String(), rapid.StringN(0, 40, 200), rapid.StringN(1000, 1500, -1),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 700), func(b []byte) string { return string(b) }),
			rapid.SampledFrom([]string{"", " ", "\u202e", strings.Repeat("é", 600), "a\x00\x1b[2J"}),
		)
		ids := rapid.Map(rapid.SliceOfN(rapid.OneOf(text, rapid.StringMatching(`(subnet|sg)-[0-9a-f]{4}`)), 0, 40), func(v []string) posture.IDs { return idList(v...) })
		result := rapid.Custom(func(t *rapid.T) rules.Result {
			return rules.Result{
				Rule: rapid.SampledFrom(rules.IDs()).Draw(t, "rule"), Result: rapid.SampledFrom([]rules.Compliance{rules.Failed, rules.Warning, rules.Excepted}).Draw(t, "result"),
				Severity: rapid.SampledFrom(rules.Severities()).Draw(t, "severity"), Message: text.Draw(t, "message"), Path: text.Draw(t, "path"), Exception: text.Draw(t, "exception"),
			}
		})
		f := &Finding{
			Row: rapid.SampledFrom(kind.Table()).Draw(t, "row"), Name: text.Draw(t, "name"), ARN: text.Draw(t, "arn"),
			Account: rapid.StringMatching(`[0-9]{12}`).Draw(t, "account"), Region: rapid.SampledFrom([]string{"eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"}).Draw(t, "region"),
			Source:  kind.Source{Type: kind.ShapeCloudTrail, Event: text.Draw(t, "event"), ID: text.Draw(t, "id"), Actor: text.Draw(t, "actor")},
			Subnets: rapid.SliceOfN(text, 0, 3).Draw(t, "subnets"), SecurityGroups: rapid.SliceOfN(text, 0, 3).Draw(t, "groups"),
		}
		f.Judgement = rules.Judgement{
			Verdict:    verdict.Verdict{Class: rapid.SampledFrom(verdict.Classes()).Draw(t, "class")},
			Compliance: rapid.SampledFrom([]rules.Compliance{rules.Passed, rules.Failed, rules.Warning}).Draw(t, "compliance"),
			Severity:   rapid.SampledFrom(append(rules.Severities(), "")).Draw(t, "worst"),
			Posture:    posture.Posture{Subnets: ids.Draw(t, "recorded"), SecurityGroups: ids.Draw(t, "recordedGroups"), Reasons: []posture.Reason{{Path: text.Draw(t, "where"), Look: text.Draw(t, "look")}}},
			Results:    rapid.SliceOfN(result, 0, 5).Draw(t, "results"),
		}
		if rapid.Bool().Draw(t, "parts") {
			f.Judgement.Parts = []rules.Judged{{Part: kind.Part{Name: text.Draw(t, "part"), Kind: kind.Model, Posture: f.Judgement.Posture}, Results: f.Judgement.Results}}
			f.Judgement.Exception = &rules.Exception{ID: text.Draw(t, "exceptionID")}
		}
		a, err := f.ASFF(now)
		if errors.Is(err, ErrNowhereToReport) && f.ARN == "" && Plain(f.Name) == "" {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := Validate(a); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back any
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(string(b), func(r rune) bool { return r != '\u200d' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) }) {
			t.Fatalf("a hidden character is left: %q", b)
		}
		if _, err := json.Marshal(f); err != nil {
			t.Fatal(err)
		}
	})
}

// TestValidate breaks a good finding in one place at a time.
func TestValidate(t *testing.T) {
	good, err := bridge(t).ASFF(now)
	if err != nil {
		t.Fatal(err)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for member, change := range map[string]func(*ASFF){
		"SchemaVersion": func(a *ASFF) { a.SchemaVersion = "2019" },
		"Id is empty":   func(a *ASFF) { a.ID = " " },
		"Id has 513":    func(a *ASFF) { a.ID = long(513) },
		"GeneratorId":   func(a *ASFF) { a.GeneratorID = long(513) },
		"ProductArn": func(a *ASFF) {
			a.ProductARN = "arn:aws:securityhub:cn-north-1:111122223333:product/111122223333/default"
		},
		"ProductName":                                func(a *ASFF) { a.ProductName = long(129) },
		"CompanyName":                                func(a *ASFF) { a.CompanyName = "" },
		"Title has 257":                              func(a *ASFF) { a.Title = long(257) },
		"Description has 1025":                       func(a *ASFF) { a.Description = long(1025) },
		"AwsAccountId":                               func(a *ASFF) { a.AWSAccountID = "11112222333" },
		"CreatedAt":                                  func(a *ASFF) { a.CreatedAt = "yesterday" },
		"UpdatedAt":                                  func(a *ASFF) { a.UpdatedAt = "" },
		"RecordState":                                func(a *ASFF) { a.RecordState = "DELETED" },
		"Severity.Label":                             func(a *ASFF) { a.FindingProviderFields.Severity.Label = "BAD" },
		"Severity.Original":                          func(a *ASFF) { a.FindingProviderFields.Severity.Original = long(65) },
		"FindingProviderFields.Types has 0":          func(a *ASFF) { a.FindingProviderFields.Types = nil },
		"FindingProviderFields.Types is":             func(a *ASFF) { a.FindingProviderFields.Types = []string{"Network"} },
		"Compliance.Status":                          func(a *ASFF) { a.Compliance.Status = rules.Excepted },
		"RelatedRequirements":                        func(a *ASFF) { a.Compliance.RelatedRequirements = make([]string, 33) },
		"Remediation.Recommendation.Text is empty":   func(a *ASFF) { a.Remediation = &ASFFRemediation{} },
		"Remediation.Recommendation.Text has 513":    func(a *ASFF) { a.Remediation = &ASFFRemediation{ASFFRecommendation{Text: long(513)}} },
		"ProductFields has 51":                       func(a *ASFF) { a.ProductFields = manyFields(51) },
		"ProductFields[\"k\"] has 2049":              func(a *ASFF) { a.ProductFields = map[string]string{"k": long(2049)} },
		"of ProductFields has 129":                   func(a *ASFF) { a.ProductFields = map[string]string{long(129): "v"} },
		"Resources has 0":                            func(a *ASFF) { a.Resources = nil },
		"Resources has 33":                           func(a *ASFF) { a.Resources = slices.Repeat(a.Resources[:1], 33) },
		"Resources[0].Type":                          func(a *ASFF) { a.Resources[0].Type = "" },
		"Resources[0].Id":                            func(a *ASFF) { a.Resources[0].ID = "" },
		"Resources[0].Partition":                     func(a *ASFF) { a.Resources[0].Partition = "AWS" },
		"Resources[0].Region is":                     func(a *ASFF) { a.Resources[0].Region = "Ireland" },
		"Resources[0].Details.Other[\"k\"] has 1024": func(a *ASFF) { a.Resources[0].Details = &ASFFDetails{Other: map[string]string{"k": long(1024)}} },
		"the finding has": func(a *ASFF) {
			a.Resources[0].Details = &ASFFDetails{NotebookInstance: &ASFFNotebookInstance{SecurityGroups: []string{long(250_000)}}}
		},
	} {
		a := good
		a.Resources = slices.Clone(good.Resources)
		change(&a)
		if err := Validate(a); err == nil || !strings.Contains(err.Error(), member) {
			t.Errorf("%s: %v", member, err)
		}
	}
	if err := Validate(good); err != nil {
		t.Error(err)
	}
}

// TestValidateKnownBad are findings that Security Hub refused of others, or that
// its documentation forbids, beside those of [TestValidate].
func TestValidateKnownBad(t *testing.T) {
	good, err := bridge(t).ASFF(now)
	if err != nil {
		t.Fatal(err)
	}
	const product = "arn:aws-cn:securityhub:cn-north-1:111122223333:product/111122223333/default"
	long := func(n int) string { return strings.Repeat("x", n) }
	type sample struct {
		why    string // where it was seen, or what it is
		member string
		change func(*ASFF)
	}
	samples := []sample{
		{"aquasecurity/kube-bench#903", "Recommendation.Text", func(a *ASFF) { a.Remediation = &ASFFRemediation{ASFFRecommendation{Text: long(1500)}} }},
		{"tenable/Security-Hub#13", "Recommendation.Text", func(a *ASFF) {
			a.Remediation = &ASFFRemediation{ASFFRecommendation{Text: strings.Repeat("é", 513)}}
		}},
		{"aws-samples/aws-securityhub-config-integration#3", "FindingProviderFields", func(a *ASFF) { a.FindingProviderFields = ASFFProviderFields{} }},
		{"aquasecurity/trivy#6010: no Region", "ProductArn", func(a *ASFF) { a.ProductARN = strings.Replace(product, "cn-north-1", "", 1) }},
		{"prowler-cloud/prowler#3040: another partition", "ProductArn", func(a *ASFF) { a.ProductARN = strings.Replace(product, "aws-cn", "aws", 1) }},
		{"cloud-custodian#6091: no account", "ProductArn", func(a *ASFF) { a.ProductARN = "arn:aws-cn:securityhub:cn-north-1::product/sagemoat/sagemoat" }},
		{"prowler-cloud/prowler#867: another account", "ProductArn", func(a *ASFF) { a.AWSAccountID = "444455556666" }},
		{"mitre/heimdall2#3357: a long field", "ProductFields", func(a *ASFF) { a.ProductFields = map[string]string{"k": long(32_768)} }},
		{"mitre/heimdall2#3357: a long field", "Description", func(a *ASFF) { a.Description = long(32_768) }},
		{"mitre/heimdall2#3357: a long field", "Title", func(a *ASFF) { a.Title = long(32_768) }},
		{"no product", "ProductArn", func(a *ASFF) { a.ProductARN = "" }},
		{"another version", "SchemaVersion", func(a *ASFF) { a.SchemaVersion = "2018-10-8" }},
		{"no version", "SchemaVersion", func(a *ASFF) { a.SchemaVersion = "" }},
		{"no generator", "GeneratorId", func(a *ASFF) { a.GeneratorID = "" }},
		{"no title", "Title", func(a *ASFF) { a.Title = "" }},
		{"a blank title", "Title", func(a *ASFF) { a.Title = "\t\u00a0\n" }},
		{"no description", "Description", func(a *ASFF) { a.Description = "" }},
		{"characters of several bytes", "Description", func(a *ASFF) { a.Description = strings.Repeat("界", 1025) }},
		{"dashes", "AwsAccountId", func(a *ASFF) { a.AWSAccountID = "1111-2222-3333" }},
		{"letters", "AwsAccountId", func(a *ASFF) { a.AWSAccountID = "11112222333x" }},
		{"no account", "AwsAccountId", func(a *ASFF) { a.AWSAccountID = "" }},
		{"a digit too many", "AwsAccountId", func(a *ASFF) { a.AWSAccountID = "1111222233334" }},
		{"a time without a zone", "CreatedAt", func(a *ASFF) { a.CreatedAt = "2026-11-02T09:14:07" }},
		{"a date", "CreatedAt", func(a *ASFF) { a.CreatedAt = "2026-11-02" }},
		{"seconds since 1970", "UpdatedAt", func(a *ASFF) { a.UpdatedAt = "1793610847" }},
		{"a time with a blank", "UpdatedAt", func(a *ASFF) { a.UpdatedAt = "2026-11-02 09:14:07Z" }},
		{"no such day", "UpdatedAt", func(a *ASFF) { a.UpdatedAt = "2026-11-32T09:14:07Z" }},
		{"no state", "RecordState", func(a *ASFF) { a.RecordState = "" }},
		{"a state in lower case", "RecordState", func(a *ASFF) { a.RecordState = "archived" }},
		{"a label in lower case", "Severity.Label", func(a *ASFF) { a.FindingProviderFields.Severity.Label = "high" }},
		{"a label of others", "Severity.Label", func(a *ASFF) { a.FindingProviderFields.Severity.Label = "MODERATE" }},
		{"no original", "Severity.Original", func(a *ASFF) { a.FindingProviderFields.Severity.Original = "" }},
		{"another namespace", "Types", func(a *ASFF) { a.FindingProviderFields.Types = []string{"Software & Configuration Checks"} }},
		{"four levels", "Types", func(a *ASFF) { a.FindingProviderFields.Types = []string{"Effects/a/b/c"} }},
		{"an empty level", "Types", func(a *ASFF) { a.FindingProviderFields.Types = []string{"Effects//b"} }},
		{"51 types", "Types", func(a *ASFF) { a.FindingProviderFields.Types = slices.Repeat([]string{"TTPs"}, 51) }},
		{"no status", "Compliance.Status", func(a *ASFF) { a.Compliance.Status = "" }},
		{"a status of others", "Compliance.Status", func(a *ASFF) { a.Compliance.Status = "FAIL" }},
		{"a blank requirement", "RelatedRequirements", func(a *ASFF) { a.Compliance.RelatedRequirements = []string{" "} }},
		{"a blank field", "ProductFields", func(a *ASFF) { a.ProductFields = map[string]string{"k": ""} }},
		{"a blank key", "ProductFields", func(a *ASFF) { a.ProductFields = map[string]string{"": "v"} }},
		{"a long id", "Resources[0].Id", func(a *ASFF) { a.Resources[0].ID = long(513) }},
		{"a long type", "Resources[0].Type", func(a *ASFF) { a.Resources[0].Type = long(257) }},
		{"no Region", "Resources[0].Region", func(a *ASFF) { a.Resources[0].Region = "" }},
		{"no Region of AWS", "Resources[0].Region", func(a *ASFF) { a.Resources[0].Region = "global" }},
		{"a zone", "Resources[0].Region", func(a *ASFF) { a.Resources[0].Region = "cn-north-1a" }},
		{"no partition", "Resources[0].Partition", func(a *ASFF) { a.Resources[0].Partition = "" }},
		{"no partition of AWS", "Resources[0].Partition", func(a *ASFF) { a.Resources[0].Partition = "azure" }},
		{"51 details", "Details.Other", func(a *ASFF) { a.Resources[0].Details = &ASFFDetails{Other: manyFields(51)} }},
		{"a long detail", "Details.Other", func(a *ASFF) { a.Resources[0].Details = &ASFFDetails{Other: map[string]string{long(128): "v"}} }},
		{"a blank detail", "Details.Other", func(a *ASFF) { a.Resources[0].Details = &ASFFDetails{Other: map[string]string{"k": " "}} }},
		{"240 KB in many small pieces", "the finding has", func(a *ASFF) {
			a.Resources[0].Details = &ASFFDetails{NotebookInstance: &ASFFNotebookInstance{SecurityGroups: slices.Repeat([]string{"sg-0123456789abcdef0"}, 12_000)}}
		}},
	}
	for _, s := range samples {
		a := good
		a.Resources = slices.Clone(good.Resources)
		s.change(&a)
		if err := Validate(a); err == nil || !strings.Contains(err.Error(), s.member) {
			t.Errorf("%s (%s): %v", s.member, s.why, err)
		}
	}
	// With those of TestValidate.
	if len(samples)+32 < 60 {
		t.Errorf("only %d samples", len(samples))
	}
}

// TestRegions: findings are made in every Region, however long its name.
// https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
func TestRegions(t *testing.T) {
	for _, region := range []string{
		"us-east-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1", "eu-central-1", "eu-central-2", "eu-west-3",
		"eu-north-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-7",
		"ap-northeast-3", "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1",
	} {
		f := bridge(t)
		f.Region, f.Partition = region, kind.Partition(region)
		if _, err := f.ASFF(now); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
}

func manyFields(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[fmt.Sprint(i)] = "v"
	}
	return out
}
