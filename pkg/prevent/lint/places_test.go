package lint

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// TestWitnesses: of Regions and callers drawn at random, none matches a set of the
// patterns that no witness matches; and each witness has the form that it must have.
func TestWitnesses(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(7, 8))}
	regions := strings.Fields("us-east-1 us-east-2 us-west-1 us-west-2 us-gov-west-1 us-gov-east-1 eu-west-1 eu-central-1 eu-central-2 eu-south-2 ap-southeast-1 ap-southeast-7 ap-northeast-3 cn-north-1 cn-northwest-1 sa-east-1 me-central-1 mx-central-1 us-iso-east-1 us-isob-east-1 eu-isoe-west-1 eusc-de-east-1")
	callers := []string{
		"arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/ml/ab", "arn:aws:iam::444455556666:user/ana", "arn:aws:iam::444455556666:root",
		"arn:aws-cn:iam::111122223333:role/a", "arn:aws:sts::111122223333:federated-user/b", "arn:aws:iam::111122223334:role/aws-service-role/x.amazonaws.com/y",
	}
	names := map[string][]string{requestedRegion: regions, principalARN: callers}
	values := map[string][]string{
		requestedRegion: {"eu-*", "*-1", "us-*", "*-west-*", "eu-west-1", "?s-*", "*", "us-gov-*", "*o*", "EU-WEST-1", "${*}"},
		principalARN: {
			"arn:aws:iam::*:role/*", "arn:aws:iam::1111*:role/*", "arn:*:iam::*:role/a", "*", "*a", "arn:aws:iam::111122223333:role/*b", "arn:aws:iam::444455556666:*",
			"arn:aws:iam::*:role/ml/*", "*3333:*", "arn:aws:*", "arn:aws:iam::111122223333:role/a", "*:root", "arn:aws:iam::*:role/${?}",
		},
	}
	operators := map[string][]string{
		requestedRegion: {"StringEquals", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		principalARN:    {"ArnLike", "ArnNotEquals", "StringLike", "StringEquals"},
	}
	for range 300 {
		var conditions []*Condition
		key := one(d, requestedRegion, principalARN)
		for range 1 + d.IntN(4) {
			op, known := condition.Parse(one(d, operators[key]...))
			c := &Condition{Operator: op, Known: known, Key: key}
			for range 1 + d.IntN(3) {
				c.Values = append(c.Values, condition.Operand{Text: one(d, values[key]...)})
			}
			conditions = append(conditions, c)
		}
		var reaches []reach
		for _, c := range conditions {
			reaches = append(reaches, reach{places: []*Condition{c}})
		}
		places, ok := (&memory{}).placesOf(reaches)
		if !ok {
			t.Fatal("too many")
		}
		see := func(p place) string {
			var out []string
			for _, r := range reaches {
				out = append(out, r.at(p).truth.String())
			}
			return strings.Join(out, " ")
		}
		for _, name := range names[key] {
			like := see(place{key: name})
			if !slices.ContainsFunc(places, func(p place) bool { return see(p) == like }) {
				t.Errorf("%s is unlike every one of %v for %+v", name, places, conditions)
			}
		}
	}
	for _, p := range [][]piece{literal("arn:aws:iam::1:role/a"), literal("assumed-role"), literal("zz")} {
		if got, ok := (&memory{}).witnesses(callerForms(), [][]piece{p}); !ok || len(got) != 1 {
			t.Errorf("%v is the ARN of a caller: %v", p, got)
		}
	}
}

// TestManyWildcards: patterns of callers that can be read in very many ways take
// seconds at most, and the statement then counts as limited.
func TestManyWildcards(t *testing.T) {
	several := func(n int, text func(i int) string) string {
		var out []string
		for i := range n {
			out = append(out, strconv.Quote(text(i)))
		}
		return strings.Join(out, ",")
	}
	for name, callers := range map[string]string{
		"stars":     several(1, func(int) string { return strings.Repeat("*", 4000) }),
		"letters":   several(60, func(i int) string { return strings.Repeat("*"+string(rune('a'+i%26)), 2000) + strconv.Itoa(i) }),
		"questions": several(60, func(i int) string { return "*" + strings.Repeat("?", 3000+i) }),
	} {
		report := make(chan *Report)
		go func() {
			report <- lint(t, rules.Default(), deny(`"Action":"sagemaker:*","Resource":"*"`, `{"Null":{"sagemaker:VpcSubnets":"true"},"StringNotLike":{"aws:PrincipalArn":[`+callers+`]}}`))
		}()
		select {
		case r := <-report:
			if got := state(r, "CreateTrainingJob", NoVPC); got == Stopped {
				t.Errorf("%s: a VPC is %s for whoever calls", name, got)
			}
		case <-time.After(40 * time.Second):
			t.Fatalf("%s: no end", name)
		}
	}
}

// TestPrincipalPlace: of a principal that is known, it is known whether a statement
// about callers applies.
func TestPrincipalPlace(t *testing.T) {
	p := &Principal{ARN: "arn:aws:iam::111122223333:role/ml/ds"}
	for conditions, want := range map[string]bool{
		`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/release"}`: true,
		`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ml/*"}`:    false,
		`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`:          true,
		`"StringEquals":{"aws:PrincipalAccount":"444455556666"}`:          false,
		`"StringLike":{"aws:RequestedRegion":"*"}`:                        false, // where it calls is not known
		`"StringEquals":{"aws:PrincipalTag/a":"b"}`:                       false,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ml/ds"}`:      true,
		`"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/${x}"}`: false,
	} {
		var s Set
		if err := s.Read("p.json", []byte(policyOf(deny(jobs, "{"+conditions+"}")))); err != nil {
			t.Fatal(err)
		}
		if got := s.Policies[0].Statements[0].reach(operationNamed("CreateTrainingJob")).everywhere(p); got != want {
			t.Errorf("%s: %v", conditions, got)
		}
	}
}
