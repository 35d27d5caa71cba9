package lint

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// TestReach: how far a Deny of training jobs without a VPC is about training jobs,
// by its actions, resources and other conditions; and what the coverage says then.
func TestReach(t *testing.T) {
	const whole = `"Action":"sagemaker:CreateTrainingJob","Resource":"*"`
	on := func(resource string) string { return `"Action":"sagemaker:CreateTrainingJob",` + resource }
	under := func(condition string) string {
		return whole + `,"Condition":{"Null":{"sagemaker:VpcSubnets":"true"},` + condition + `}`
	}
	for rest, want := range map[string]struct {
		state State
		only  string
	}{
		whole: {Stopped, ""},
		`"Action":["s3:*","SAGEMAKER:createTRAININGjob"],"Resource":"*"`:                                                                     {Stopped, ""},
		`"Action":"*","Resource":"*"`:                                                                                                        {Stopped, ""},
		`"Action":"sagemaker:CreateTrainingJobs","Resource":"*"`:                                                                             {NotAtAll, ""},
		`"Action":"sagemaker:?reateTraining*","Resource":"*"`:                                                                                {Stopped, ""},
		`"NotAction":"sagemaker:CreateModel","Resource":"*"`:                                                                                 {Stopped, ""},
		`"NotAction":"sagemaker:*","Resource":"*"`:                                                                                           {NotAtAll, ""},
		on(`"Resource":"arn:aws:sagemaker:*:*:training-job/*"`):                                                                              {Stopped, ""},
		on(`"Resource":"arn:aws:sagemaker:*"`):                                                                                               {Stopped, ""},
		on(`"Resource":"arn:*:sagemaker:*:*:*"`):                                                                                             {Stopped, ""},
		on(`"Resource":["arn:aws:s3:::x","arn:aws:sagemaker:*:*:training-job/*"]`):                                                           {Stopped, ""},
		on(`"Resource":"arn:aws:sagemaker:*:*:training-job"`):                                                                                {NotAtAll, ""},
		on(`"Resource":"arn:aws:s3:::*"`):                                                                                                    {NotAtAll, ""},
		on(`"Resource":"arn:aws:sagemaker:eu-*:111122223333:training-job/*"`):                                                                {Partly, "only for arn:aws:sagemaker:eu-*:111122223333:training-job/*"},
		on(`"Resource":"arn:aws:sagemaker:*:*:training-job/fraud-*"`):                                                                        {NotAtAll, ""},
		on(`"Resource":"arn:aws:sagemaker:*:*:training-job/${aws:username}-*"`):                                                              {NotAtAll, ""},
		on(`"Resource":{"Fn::Sub":"arn:x"}`):                                                                                                 {Partly, "only for what a template gives"},
		on(`"NotResource":"arn:aws:sagemaker:*:*:model/*"`):                                                                                  {Stopped, ""},
		on(`"NotResource":"arn:aws:sagemaker:*:*:*"`):                                                                                        {NotAtAll, ""},
		on(`"NotResource":"arn:aws:sagemaker:*:*:training-job/free-*"`):                                                                      {NotAtAll, ""},
		under(`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}`):                                                                   {Partly, "not where aws:PrincipalArn is arn:aws:iam::*:role/x"},
		under(`"ArnLike":{"AWS:principalarn":["a","b"]}`):                                                                                    {NotKnown, ""},
		under(`"ArnLike":{"AWS:principalarn":["arn:aws:iam::*:role/a","arn:aws:iam::*:role/b"]}`):                                            {Partly, "only where AWS:principalarn is arn:aws:iam::*:role/a or arn:aws:iam::*:role/b (ArnLike)"},
		under(`"ArnNotLike":{"aws:PrincipalArn":"*"}`):                                                                                       {NotKnown, ""},
		under(`"StringLike":{"aws:PrincipalArn":"*"}`):                                                                                       {Stopped, ""},
		under(`"StringNotLike":{"aws:PrincipalArn":"*"}`):                                                                                    {NotAtAll, ""},
		whole + `,"Condition":{"Null":{"sagemaker:VpcSubnet":"true"}}`:                                                                       {Stopped, ""}, // no request has it
		whole + `,"Condition":{"Null":{"sagemaker:VpcSubnet":"false"}}`:                                                                      {NotAtAll, ""},
		under(`"StringNotEquals":{"sagemaker:VpcSubnet":"x"}`):                                                                               {Stopped, ""},
		under(`"StringEquals":{"sagemaker:VpcSubnet":"x"}`):                                                                                  {NotAtAll, ""},
		under(`"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalTag/a}:role/a"}`):                                            {Partly, "not where aws:PrincipalArn is arn:aws:iam::${aws:PrincipalTag/a}:role/a"},
		under(`"Null":{"aws:SourceVpce":"true"}`):                                                                                            {NotAtAll, ""}, // Null twice is refused, see below
		under(`"Bool":{"aws:ViaAWSService":"false"}`):                                                                                        {Partly, "only where aws:ViaAWSService is false (Bool)"},
		under(`"StringNotEquals":{"aws:PrincipalTag/x":{"Ref":"T"}}`):                                                                        {Partly, "not where aws:PrincipalTag/x is (not known)"},
		under(`"NumericLessThan":{"aws:MultiFactorAuthAge":3600}`):                                                                           {Partly, "only where aws:MultiFactorAuthAge is 3600 (NumericLessThan)"},
		under(`"StringEquals":{"aws:UserAgent":"x"}`):                                                                                        {NotAtAll, ""},
		under(`"ForAllValues:StringEquals":{"aws:TagKeys":"x"}`):                                                                             {NotAtAll, ""},
		under(`"StringEquals":{"sagemaker:ResourceTag/x":"y"}`):                                                                              {NotAtAll, ""},
		whole + `,"Condition":{"Null":{"sagemaker:VpcSubnets":"true","aws:SourceVpce":"true"}}`:                                              {Partly, "only without aws:SourceVpce"},
		whole + `,"Condition":{"Null":{"sagemaker:VpcSubnets":"true","aws:SourceVpce":"false"}}`:                                             {Partly, "only with aws:SourceVpce"},
		whole + `,"Condition":{"Null":{"sagemaker:VpcSubnets":{"Ref":"X"}}}`:                                                                 {NotKnown, ""},
		whole + `,"Condition":{"StringEquals":{"sagemaker:NetworkIsolation":1},"Null":{"sagemaker:VpcSubnets":"true"}}`:                      {NotKnown, ""},
		whole + `,"Condition":{"Bool":{"sagemaker:NetworkIsolation":"${aws:PrincipalTag/x}"},"Null":{"sagemaker:VpcSubnets":["true"]}}`:      {NotKnown, ""},
		whole + `,"Condition":{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"},"Null":{"sagemaker:VpcSubnets":["true","maybe"]}}`:      {Partly, ""},
		whole + `,"Condition":{"BoolIfExists":{"sagemaker:NetworkIsolation":["false","true"]},"Null":{"sagemaker:VpcSubnets":["true"]}}`:     {Stopped, ""},
		whole + `,"Condition":{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":"subnet-0a1b2c3d"}}`:                                      {Stopped, ""},
		whole + `,"Condition":{"StringNotEquals":{"sagemaker:NetworkIsolation":"true"},"Null":{"sagemaker:VpcSecurityGroupIds":"true"}}`:     {NotKnown, ""},
		whole + `,"Condition":{"Null":{"sagemaker:DirectInternetAccess":"true"}}`:                                                            {Stopped, ""}, // it is never there
		whole + `,"Condition":{"StringEquals":{"sagemaker:AppNetworkAccessType":"VpcOnly"},"Null":{"sagemaker:VpcSecurityGroupIds":"true"}}`: {NotAtAll, ""},
	} {
		var s Set
		err := s.Read("p.json", []byte(policyOf(`{"Effect":"Deny",`+rest+`}`)))
		if strings.Count(rest, `"Null"`) == 2 {
			if err == nil {
				t.Errorf("%s is read: which Null counts?", rest)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", rest, err)
			continue
		}
		r := Run(&s, Options{Rules: rules.Default()})
		for _, row := range r.Coverage {
			if row.Operation != "CreateTrainingJob" {
				continue
			}
			c := row.Cells[NoVPC]
			if c.State != want.state || strings.Join(c.Only, "; ") != want.only || (c.State == NotKnown) != (c.Why != "") {
				t.Errorf("%s: %+v, want %s %s", rest, c, want.state, want.only)
			}
		}
		for _, f := range r.Findings {
			if f.Statement != "" && f.Statement != "Statement[0]" {
				t.Errorf("a statement without a Sid is called %s", f.Statement)
			}
		}
	}
}

// TestTwoResources: what needs two resources is denied on either.
func TestTwoResources(t *testing.T) {
	o := operationNamed("CreateEndpoint")
	for resource, none := range map[string]bool{"endpoint/*": false, "endpoint-config/*": false, "model/*": true} {
		var s Set
		if err := s.Read("p.json", []byte(policyOf(`{"Effect":"Deny","Action":"sagemaker:CreateEndpoint","Resource":"arn:aws:sagemaker:*:*:`+resource+`"}`))); err != nil {
			t.Fatal(err)
		}
		if got := s.Policies[0].Statements[0].reach(o); got.none != none || len(got.limits) > 0 {
			t.Errorf("%s: %+v", resource, got)
		}
	}
}

// TestPlaces: statements for some accounts and Regions are taken together: what is
// denied in each of them is stopped, what is denied in some, partly.
func TestPlaces(t *testing.T) {
	null := `"Null":{"sagemaker:VpcSubnets":"true"}`
	in := func(conditions ...string) string { return deny(jobs, "{"+strings.Join(conditions, ",")+"}") }
	only := `"StringEquals":{"aws:PrincipalAccount":"111122223333"}`
	var many []string
	for i := range 100 {
		many = append(many, `"`+strings.Repeat(string(rune('0'+i%10)), 11)+string(rune('0'+i/10))+`"`)
	}
	for name, c := range map[string]struct {
		statements []string
		state      State
		only       string
	}{
		"one account":           {[]string{in(null, only)}, Partly, "only where aws:PrincipalAccount is 111122223333 (StringEquals)"},
		"it and all others":     {[]string{in(null, only), in(null, `"StringNotEquals":{"AWS:PrincipalAccount":"111122223333"}`)}, Stopped, ""},
		"two of them":           {[]string{in(null, only), in(null, `"StringEquals":{"aws:PrincipalAccount":["444455556666"]}`)}, Partly, "only where aws:PrincipalAccount is 111122223333 (StringEquals); only where aws:PrincipalAccount is 444455556666 (StringEquals)"},
		"none":                  {[]string{in(null, only, `"StringNotLike":{"aws:PrincipalAccount":"1111*"}`)}, NotAtAll, ""},
		"its Region and others": {[]string{in(null, only), in(null, `"StringNotEquals":{"aws:PrincipalAccount":"111122223333"},"StringLike":{"aws:RequestedRegion":"eu-*"}`), in(null, `"StringNotLike":{"aws:RequestedRegion":"eu-*"}`)}, Stopped, ""},
		"with an exemption":     {[]string{in(null, only), in(null, `"StringNotEquals":{"aws:PrincipalAccount":"111122223333"},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}`)}, Partly, "not where aws:PrincipalAccount is 111122223333; not where aws:PrincipalArn is arn:aws:iam::*:role/x; only where aws:PrincipalAccount is 111122223333 (StringEquals)"},
		"one not known":         {[]string{in(null, `"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalTag/a}"}`)}, NotKnown, ""},
		"too many":              {[]string{in(null, `"StringEquals":{"aws:PrincipalAccount":[`+strings.Join(many, ",")+`]}`)}, Partly, "only where aws:PrincipalAccount is " + strings.ReplaceAll(strings.Join(many, " or "), `"`, "") + " (StringEquals)"},
		"all but too many":      {[]string{in(null, `"StringNotEquals":{"aws:PrincipalAccount":[`+strings.Join(many, ",")+`]}`)}, Partly, "not where aws:PrincipalAccount is " + strings.ReplaceAll(strings.Join(many, " or "), `"`, "")},
	} {
		r := lint(t, rules.Default(), c.statements...)
		for _, row := range r.Coverage {
			if got := row.Cells[NoVPC]; row.Operation == "CreateTrainingJob" && (got.State != c.state || strings.Join(got.Only, "; ") != c.only) {
				t.Errorf("%s: %+v, want %s %s", name, got, c.state, c.only)
			}
		}
	}
	// Where no subnet is allowed in other accounts, nothing is broken there.
	r := lint(t, rules.Default(), in(`"Null":{"sagemaker:VpcSubnets":"false"}`, `"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}`))
	if got := of(r, BreaksCompliant); len(got) > 0 {
		t.Errorf("%+v", got[0])
	}
}

// TestOwnSettings: an endpoint configuration's isolation is its own if it has a VPC.
// Without one, a key with the default may be that of models.
func TestOwnSettings(t *testing.T) {
	configs := `"Action":"sagemaker:CreateEndpointConfig","Resource":"*"`
	for condition, want := range map[string]struct {
		state  State
		breaks rules.Severity
	}{
		`{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"},"Null":{"sagemaker:VpcSubnets":"false"}}`: {Partly, ""},
		`{"BoolIfExists":{"sagemaker:NetworkIsolation":"false"}}`:                                         {Partly, rules.High},
		`{"Bool":{"sagemaker:NetworkIsolation":"false"}}`:                                                 {NotKnown, rules.Medium},
		`{"Null":{"sagemaker:NetworkIsolation":"true"}}`:                                                  {NotAtAll, rules.Medium},
	} {
		r := lint(t, rules.Default(), deny(configs, condition))
		if got := state(r, "CreateEndpointConfig", Isolation); got != want.state {
			t.Errorf("%s: %s, want %s", condition, got, want.state)
		}
		var got rules.Severity
		for _, f := range of(r, BreaksCompliant) {
			got = f.Severity
		}
		if got != want.breaks {
			t.Errorf("%s breaks %q, want %q", condition, got, want.breaks)
		}
	}
}

// TestOddIDs: a statement about ids that are none is about something.
func TestOddIDs(t *testing.T) {
	r := lint(t, rules.Default(), deny(`"Action":["sagemaker:Create*"],"Resource":"*"`, `{"ForAnyValue:StringNotLike":{"sagemaker:VpcSubnets":"subnet-*"}}`))
	if got := of(r, DeniesNothing); len(got) > 0 {
		t.Errorf("%+v", got[0])
	}
	if got := names(r, Subnets, Stopped, Partly); got != nil {
		t.Errorf("every subnet is listed, and %v are stopped", got)
	}
}

// TestListedApart: where a list lets pass what another statement does not deny, it
// passes: a Deny of one listed id is none of the other.
func TestListedApart(t *testing.T) {
	for _, effect := range []string{"StringNotEquals", "StringNotLike"} {
		r := lint(t, rules.Default(),
			deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`),
			deny(jobs, `{"ForAnyValue:`+effect+`":{"sagemaker:VpcSubnets":["subnet-0a1b2c3d4e5f60718","subnet-0b2c3d4e5f6071829"]}}`),
			deny(jobs, `{"ForAnyValue:StringEquals":{"sagemaker:VpcSubnets":["subnet-0a1b2c3d4e5f60718"]}}`))
		for q, want := range map[Question]State{NoVPC: Stopped, Subnets: Stopped, Isolation: NotAtAll, Encryption: NotAtAll} {
			if got := state(r, "CreateTrainingJob", q); got != want {
				t.Errorf("%s: %s, want %s", q, got, want)
			}
		}
	}
	// Each of two ids is denied alone, and both together are not.
	r := lint(t, rules.Default(),
		deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`),
		deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":["subnet-0a1b2c3d4e5f60718","subnet-0b2c3d4e5f6071829"]}}`),
		deny(jobs, `{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":["subnet-0a1b2c3d4e5f60718"]}}`),
		deny(jobs, `{"ForAllValues:StringEquals":{"sagemaker:VpcSubnets":["subnet-0b2c3d4e5f6071829"]}}`))
	if got := state(r, "CreateTrainingJob", Isolation); got == Stopped {
		t.Error("a job in both subnets is not isolated, and said to be stopped")
	}
}

// TestManyIDs: lists of very many ids and patterns, in one statement or in many, take
// seconds at most.
func TestManyIDs(t *testing.T) {
	list := func(operator string, n int, form string) string {
		var ids []string
		for i := range n {
			ids = append(ids, strconv.Quote(fmt.Sprintf(form, i)))
		}
		return `{"ForAnyValue:` + operator + `":{"sagemaker:VpcSubnets":[` + strings.Join(ids, ",") + `]}}`
	}
	const create = `"Action":"sagemaker:Create*","Resource":"*"`
	many := make([]string, 5000)
	for i := range many {
		many[i] = deny(create, fmt.Sprintf(`{"ForAnyValue:StringLike":{"sagemaker:VpcSubnets":"subnet-f%x*"}}`, i))
	}
	for name, c := range map[string]struct {
		statements []string
		want       State // of subnets that are not listed
	}{
		"ids":             {[]string{deny(create, list("StringNotEquals", 30000, "subnet-%017x"))}, Stopped},
		"patterns":        {[]string{deny(create, list("StringNotLike", 20000, "subnet-f*%[1]x*%[1]x"))}, Stopped},
		"denied patterns": {[]string{deny(create, list("StringLike", 20000, "subnet-f*%[1]x*%[1]x"))}, Partly},
		"statements":      {many, Partly},
	} {
		report := make(chan *Report)
		go func() { report <- lint(t, rules.Default(), c.statements...) }()
		select {
		case r := <-report:
			if got := state(r, "CreateTrainingJob", Subnets); got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		case <-time.After(40 * time.Second):
			t.Fatalf("%s: no end", name)
		}
	}
}

// TestNotCompared: of listed ids that nobody looked at, it is not known whether they
// are denied.
func TestNotCompared(t *testing.T) {
	const a, b = `"subnet-0a1b2c3d4e5f60718"`, `"subnet-0b2c3d4e5f6071829"`
	var s Set
	if err := s.Read("p.json", []byte(policyOf(
		deny(jobs, `{"Null":{"sagemaker:VpcSubnets":"true"}}`),
		deny(jobs, `{"ForAnyValue:StringNotEquals":{"sagemaker:VpcSubnets":[`+a+`,`+b+`]}}`),
		deny(jobs, `{"ForAnyValue:StringEquals":{"sagemaker:VpcSubnets":[`+a+`]}}`)))); err != nil {
		t.Fatal(err)
	}
	o := operationNamed("CreateTrainingJob")
	for compared, want := range map[int]map[Question]State{
		0:                {NoVPC: Stopped, Subnets: Stopped, Isolation: NotAtAll},
		mostCompared - 3: {NoVPC: Stopped, Subnets: Stopped, Isolation: NotKnown}, // the first id only
		mostCompared:     {NoVPC: Stopped, Subnets: Stopped, Isolation: NotKnown},
	} {
		v := (&memory{compared: compared}).view(o, s.Policies[0].Statements)
		for q, state := range want {
			if got := v.cover(q, o.asks[q]).State; got != state {
				t.Errorf("%s after %d: %s, want %s", q, compared, got, state)
			}
		}
	}
}
