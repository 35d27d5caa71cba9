package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

const (
	jobs  = `"Action":"sagemaker:CreateTrainingJob","Resource":"*"`
	model = `"Action":"sagemaker:CreateModel","Resource":"*"`
)

func deny(rest, condition string) string {
	return `{"Sid":"S","Effect":"Deny",` + rest + `,"Condition":` + condition + `}`
}

func allow(rest, condition string) string {
	return `{"Sid":"S","Effect":"Allow",` + rest + `,"Condition":` + condition + `}`
}

// TestFindings: each kind of finding in the smallest policy that has it, and a
// policy that is nearly the same and has it not.
func TestFindings(t *testing.T) {
	ours := `["subnet-0a1b2c3d4e5f60718"]`
	withNull := func(s string) string {
		return s + "," + strings.ReplaceAll(deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"S"`, `"N"`)
	}
	for _, c := range []struct {
		id       ID
		severity rules.Severity
		has, not string
		fix      string // a piece of it; empty: none is offered
	}{
		{
			BoolOnList, rules.High, deny(jobs, `{"Bool":{"sagemaker:VpcSubnets":"false"}}`),
			deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"Null"`,
		},
		{BoolOnList, rules.Medium, deny(jobs, `{"BoolIfExists":{"SageMaker:vpcsubnets":"false"}}`), deny(jobs, `{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`), `"true"`},
		{BoolOnList, rules.Medium, deny(jobs, `{"ForAllValues:Bool":{"sagemaker:VpcSecurityGroupIds":"false"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSecurityGroupIds":"true"}}`), `VpcSecurityGroupIds`},
		{BoolOnList, rules.High, allow(jobs, `{"Bool":{"sagemaker:VpcSubnets":"true"}}`), allow(jobs, `{"Null":{"sagemaker:VpcSubnets":"false"}}`), `"false"`},
		{OperatorUnknown, rules.High, deny(jobs, `{"StringNotEqual":{"sagemaker:VpcSubnets":`+ours+`}}`), withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`)), ""},
		{OperatorType, rules.Medium, deny(model, `{"StringEquals":{"sagemaker:NetworkIsolation":"false"}}`), deny(model, `{"Bool":{"sagemaker:NetworkIsolation":"false"}}`), ""},
		{SetOperatorMissing, rules.High, deny(jobs, `{"StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`)), `"ForAnyValue:StringNotEquals"`},
		{
			SetOperatorNeedless, rules.Low, deny(`"Action":"sagemaker:CreateDomain","Resource":"*"`, `{"ForAnyValue:StringNotEquals":{"sagemaker:AppNetworkAccessType":"VpcOnly"}}`),
			deny(`"Action":"sagemaker:CreateDomain","Resource":"*"`, `{"StringNotEquals":{"sagemaker:AppNetworkAccessType":"VpcOnly"}}`), `"StringNotEquals"`,
		},
		{ForAllWithoutNull, rules.Medium, deny(jobs, `{"ForAllValues:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), deny(jobs, `{"ForAllValues:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`},"Null":{"sagemaker:VpcSubnets":"false"}}`), `"ForAnyValue:StringNotEquals"`},
		{ForAllWithoutNull, rules.High, allow(jobs, `{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), allow(jobs, `{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":`+ours+`},"Null":{"sagemaker:VpcSubnets":"false"}}`), `"false"`},
		{ForAnyAbsent, rules.High, deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`)), `"Null"`},
		{ForAnyAbsent, rules.High, deny(jobs, `{"ForAnyValue:StringNotEqualsIfExists":{"sagemaker:VpcSubnets":`+ours+`}}`), deny(jobs, `{"ForAnyValue:StringEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), `"Null"`},
		{
			NullOfSeveral, rules.Medium, deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:VpcSecurityGroupIds":"true"}}`),
			deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:VpcSecurityGroupIds":"false"}}`), `"Null"`,
		},
		{NullOfSeveral, rules.Low, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:VpcSecurityGroupIds":"true"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"Null"`},
		{NullOfSeveral, rules.Medium, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true","sagemaker:NetworkIsolation":"true"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true","aws:PrincipalArn":"true"}}`), `"Null"`},
		{
			ValueForm, rules.High, deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"StringNotEquals":{"sagemaker:DirectInternetAccess":"disabled"}}`),
			deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"StringNotEqualsIgnoreCase":{"sagemaker:DirectInternetAccess":"disabled"}}`), `"Disabled"`,
		},
		{ValueForm, rules.High, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"True"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":true}}`), `"true"`},
		{ValueForm, rules.High, withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":"sg-0a1b2c3d4e5f60718"}}`)), withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSecurityGroupIds":"sg-0a1b2c3d"}}`)), ""},
		{ValueForm, rules.High, withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":"subnet-0a1b*"}}`)), withNull(deny(jobs, `{"ForAnyValue:StringNotLike":{"sagemaker:VpcSubnets":"subnet-0a1b*"}}`)), ""},
		{VariableLiteral, rules.Medium, deny(jobs, `{"StringEquals":{"aws:PrincipalArn":"${aws:userid}"}}`), deny(jobs, `{"StringEquals":{"aws:PrincipalArn":"x"}}`), "2012"},
		{KeyUnknown, rules.High, deny(jobs, `{"Null":{"sagemaker:VpcSubnet":"true"}}`), deny(jobs, `{"Null":{"sagemaker:vpcSUBNETS":"true"}}`), `"sagemaker:VpcSubnets"`},
		{KeyUnknown, rules.High, deny(jobs, `{"Null":{"sagemaker:Colour":"true"}}`), deny(jobs, `{"Null":{"sagemaker:ResourceTag/colour":"true"}}`), ""},
		{KeyNotOfAction, rules.Medium, deny(`"Action":"sagemaker:CreateLabelingJob","Resource":"*"`, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), withNull(deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`)), ""},
		{ActionUnknown, rules.Medium, deny(`"Action":["sagemaker:CreateModels"],"Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), deny(`"Action":["SageMaker:createmodel","sagemaker:Create?odel","s3:GetModels"],"Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"sagemaker:CreateModel"`},
		{ActionWildcard, rules.Informational, deny(`"Action":"sagemaker:CreateM*","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), deny(model, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), ""},
		{
			ResourceMismatch, rules.High, deny(`"Action":"sagemaker:CreateModel","Resource":"arn:aws:sagemaker:*:*:training-job/*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`),
			deny(`"Action":"sagemaker:CreateModel","Resource":"arn:aws:sagemaker:*:*:model/*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"Resource": "*"`,
		},
		{
			ResourceMismatch, rules.High, deny(`"Action":"sagemaker:CreateModel","NotResource":"arn:aws:sagemaker:*:*:model/*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`),
			deny(`"Action":"sagemaker:CreateModel","NotResource":"arn:aws:s3:::x"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"Resource": "*"`,
		},
		{DeniesNothing, rules.High, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"ForAnyValue:StringLike":{"sagemaker:VpcSubnets":"subnet-0a*"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"false"},"ForAnyValue:StringLike":{"sagemaker:VpcSubnets":"subnet-0a*"}}`), ""},
		{BreaksCompliant, rules.High, deny(`"Action":["sagemaker:UpdateDomain","sagemaker:CreateDomain"],"Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), deny(`"Action":"sagemaker:CreateDomain","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"sagemaker:CreateDomain"`},
		{BreaksCompliant, rules.High, deny(`"Action":"sagemaker:UpdateCluster","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), deny(`"Action":"sagemaker:UpdateCluster","Resource":"*"`, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":`+ours+`}}`), ""},
		{BreaksCompliant, rules.High, deny(`"Action":"sagemaker:CreateEndpointConfig","Resource":"*"`, `{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`), deny(`"Action":"sagemaker:CreateEndpointConfig","Resource":"*"`, `{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"},"Null":{"sagemaker:VpcSubnets":"false"}}`), ""},
		{BreaksCompliant, rules.High, deny(`"Action":"sagemaker:CreateMonitoringSchedule","Resource":"*"`, `{"BoolIfExists":{"sagemaker:InterContainerTrafficEncryption":"false"}}`), deny(`"Action":"sagemaker:CreateProcessingJob","Resource":"*"`, `{"BoolIfExists":{"sagemaker:InterContainerTrafficEncryption":"false"}}`), ""},
		{BreaksCompliant, rules.High, deny(`"Action":"sagemaker:UpdateSpace","Resource":"*"`, `{"StringNotEquals":{"sagemaker:RemoteAccess":"DISABLED"}}`), deny(`"Action":"sagemaker:UpdateSpace","Resource":"*"`, `{"StringEquals":{"sagemaker:RemoteAccess":"ENABLED"}}`), ""},
		{BreaksCompliant, rules.High, deny(`"Action":"sagemaker:CreateUserProfile","Resource":"*"`, `{"Null":{"sagemaker:VpcSecurityGroupIds":"true"}}`), deny(`"Action":"sagemaker:CreateUserProfile","Resource":"*"`, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSecurityGroupIds":"sg-0a1b2c3d"}}`), ""},
		{TagExemption, rules.Medium, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"StringNotEquals":{"aws:PrincipalTag/x":"y"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}}`), "aws:PrincipalArn"},
		{CallerChosen, rules.High, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"StringEquals":{"aws:RequestTag/x":"y"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`), ""},
		{CallerChosen, rules.High, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"ForAnyValue:StringLike":{"sagemaker:InstanceTypes":"ml.p*"}}`), deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), ""},
		{CallerChosen, rules.High, deny(`"Action":"sagemaker:CreateTrainingJob","Resource":"arn:aws:sagemaker:*:*:training-job/prod-*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), deny(`"Action":"sagemaker:CreateTrainingJob","Resource":"arn:aws:sagemaker:*:111122223333:training-job/*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"*"`},
		{AllowAsGuard, rules.Informational, allow(jobs, `{"Null":{"sagemaker:VpcSubnets":"false"}}`), allow(jobs, `{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`), ""},
		{VPCOnlyNotEnforced, rules.High, deny(`"Action":"sagemaker:CreateDomain","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `{"Effect":"Deny","Action":"sagemaker:CreateDomain","Resource":"*"}`, "VpcOnly"},
		{DirectInternetOpen, rules.High, deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), deny(`"Action":"sagemaker:CreateNotebookInstance","Resource":"*"`, `{"StringNotEquals":{"sagemaker:DirectInternetAccess":"Disabled"}}`), "Disabled"},
		{LeftOutPasses, rules.Medium, deny(model, `{"Bool":{"sagemaker:NetworkIsolation":"false"}}`), deny(model, `{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`), "BoolIfExists"},
		{VariantPasses, rules.High, deny(model, `{"Null":{"sagemaker:VpcSubnets":"true"},"Bool":{"sagemaker:NetworkIsolation":"true"}}`), deny(model, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `"Null"`},
		{OperationsMissing, rules.High, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), `{"Effect":"Deny",` + jobs + `}`, "sagemaker:CreateModel"},
		{NotCovered, rules.High, deny(jobs, `{"Bool":{"sagemaker:NetworkIsolation":"false"}}`), "", `"Null"`},
		{NotCovered, rules.Informational, deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`), "", `NetworkIsolation`},
	} {
		version := "2012-10-17"
		if c.id == VariableLiteral {
			version = "2008-10-17"
		}
		run := func(statements string) *Report {
			var s Set
			if err := s.Read("p.json", []byte(`{"Version":"`+version+`","Statement":[`+statements+`]}`)); err != nil {
				t.Fatalf("%s: %v", statements, err)
			}
			return Run(&s, Options{Rules: rules.Default()})
		}
		found := of(run(c.has), c.id)
		i := slices.IndexFunc(found, func(f *Finding) bool {
			return f.Severity == c.severity && (c.id != NotCovered || strings.Contains(f.Fix, c.fix))
		})
		switch {
		case i < 0:
			t.Errorf("no %s %s in %s", c.severity, c.id, c.has)
			continue
		case c.fix == "" && found[i].Fix != "" || !strings.Contains(found[i].Fix, c.fix):
			t.Errorf("%s in %s: the fix is %q, want %q", c.id, c.has, found[i].Fix, c.fix)
		}
		if f := found[i]; f.Where.File != "p.json" || f.Where.Line < 1 || f.Found == "" {
			t.Errorf("%s is nowhere: %+v", c.id, f)
		}
		if c.not == "" {
			continue
		}
		for _, f := range of(run(c.not), c.id) {
			if f.Severity == c.severity && (f.Question == "" || f.Question == found[i].Question) {
				t.Errorf("%s in %s: %+v", c.id, c.not, f)
			}
		}
	}
}

// TestListDiffers: the policy's lists and the rules'.
func TestListDiffers(t *testing.T) {
	file := everything(t)
	list := func(ids string) string {
		return deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":[`+ids+`]}}`)
	}
	for ids, want := range map[string][]rules.Severity{
		`"subnet-0a1b2c3d4e5f60718","subnet-0b2c3d4e5f6071829"`:                            nil,
		`"subnet-0a1b2c3d4e5f60718"`:                                                       {rules.Medium},
		`"subnet-0a1b2c3d4e5f60718","subnet-0b2c3d4e5f6071829","subnet-0cccccccccccccccc"`: {rules.High},
		`"subnet-0cccccccccccccccc"`:                                                       {rules.High, rules.Medium},
	} {
		var got []rules.Severity
		for _, f := range of(lint(t, file, list(ids)), ListDiffers) {
			got = append(got, f.Severity)
			if !strings.Contains(f.Fix, "subnet-0a1b2c3d4e5f60718") || strings.Contains(f.Fix, "subnet-0ccc") {
				t.Errorf("the fix is %s", f.Fix)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", ids, got, want)
		}
	}
	// A list for one account need not have what others use.
	one := deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["subnet-0a1b2c3d4e5f60718"]},"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`)
	if got := of(lint(t, file, one), ListDiffers); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestListsOfOperations: a policy's list is compared with what the rules allow for the
// operations that the statement is about, and where they ask.
func TestListsOfOperations(t *testing.T) {
	const a, b = "subnet-0a1b2c3d4e5f60718", "subnet-0b2c3d4e5f6071829"
	const groups = "security-groups: [sg-0a1b2c3d4e5f60718]"
	const both = "allow: [{accounts: ['*'], subnets: [" + a + ", " + b + "], " + groups + "}]\n"
	list := func(actions string, ids ...string) string {
		return deny(`"Action":[`+actions+`],"Resource":"*"`, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["`+strings.Join(ids, `","`)+`"]}}`)
	}
	const model, job = `"sagemaker:CreateModel"`, `"sagemaker:CreateTrainingJob"`
	const kinds = "allow: [{accounts: ['*'], kinds: [training-job], subnets: [" + a + "], " + groups + "}, {accounts: ['*'], kinds: [model], subnets: [" + b + "], " + groups + "}]\n"
	const override = both + "overrides: [{match: {kinds: [model]}, allow: {subnets: [" + b + "]}}]\n"
	for _, c := range []struct {
		rules      string
		statements []string
		want       []rules.Severity
		model      State // of subnets, for CreateModel
	}{
		{"rules: {subnet-allowed: off, security-group-allowed: off}\n" + both, []string{list(model, "subnet-0cccccccccccccccc")}, nil, Stopped},
		{both + "overrides: [{match: {kinds: [model]}, rules: {subnet-allowed: off}}]\n", []string{list(model, "subnet-0cccccccccccccccc")}, nil, Stopped},
		{kinds, []string{list(model, b)}, nil, Stopped},
		{kinds, []string{list(model, a)}, []rules.Severity{rules.High, rules.Medium}, Partly},
		{kinds, []string{list(model, a, b)}, []rules.Severity{rules.High}, Partly},
		{kinds, []string{list(model, b), list(job, a)}, nil, Stopped},
		{kinds, []string{list(model+","+job, a, b)}, []rules.Severity{rules.High}, Partly},
		{kinds, []string{list(model+","+job, a, b), list(model, b), list(job, a)}, nil, Stopped}, // together they are right
		{override, []string{list(model, a, b)}, []rules.Severity{rules.High}, Partly},
		{override, []string{list(model, b)}, nil, Stopped},
		{override, []string{list(job, a, b), list(model, b)}, nil, Stopped},
		{override, []string{list(job, b)}, []rules.Severity{rules.Medium}, NotAtAll},
	} {
		r := lint(t, fileOf(t, c.rules), c.statements...)
		var got []rules.Severity
		for _, f := range of(r, ListDiffers) {
			got = append(got, f.Severity)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v with %s: %v, want %v", c.statements, c.rules, got, c.want)
		}
		if got := state(r, "CreateModel", Subnets); got != c.model {
			t.Errorf("%v with %s: subnets of a model: %s, want %s", c.statements, c.rules, got, c.model)
		}
	}
}

// TestEveryKindIsTried: no kind of finding is without a policy that has it.
func TestEveryKindIsTried(t *testing.T) {
	seen := map[ID]bool{ListDiffers: true} // above
	for _, file := range []string{"article.json", "article-one-statement.json", "data-perimeter.json", "mistakes.json", "wildcard.json", "limited.json", "allow.json", "old-version.json", "vpc-only.json"} {
		for _, f := range Run(read(t, file), Options{Rules: rules.Default()}).Findings {
			seen[f.ID] = true
		}
	}
	for _, d := range Docs() {
		if !seen[d.ID] {
			t.Errorf("no policy of testdata has %s", d.ID)
		}
		if d.Title == "" || d.Reason == "" || d.Remedy == "" || !strings.HasPrefix(d.Source, "https://docs.aws.amazon.com/") || !slices.Contains(rules.Severities(), d.Severity) {
			t.Errorf("%s is not told: %+v", d.ID, d)
		}
	}
}
