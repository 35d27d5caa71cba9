package doctor

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// TestPages: all pages of stacks are read, up to a bound. moto has one page.
func TestPages(t *testing.T) {
	const name = "StackSet-sagemoat-%08x-0000-1111-2222-0123456789ab"
	pages, asked := 0, []string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("NextToken"))
		n, next := len(asked), ""
		if n < pages {
			next = fmt.Sprintf("<NextToken>%d</NextToken>", n+1)
		}
		for i := 1; r.FormValue(fmt.Sprintf("StackStatusFilter.member.%d", i)) != ""; i++ {
			if r.FormValue(fmt.Sprintf("StackStatusFilter.member.%d", i)) == "DELETE_COMPLETE" {
				t.Error("asks for deleted stacks")
			}
		}
		_, _ = io.WriteString(w, `<ListStacksResponse><ListStacksResult><StackSummaries><member><StackName>`+fmt.Sprintf(name, 9-n)+
			`</StackName></member><member><StackName>else</StackName></member></StackSummaries>`+next+`</ListStacksResult></ListStacksResponse>`)
	}))
	defer s.Close()
	cfg := aws.Config{
		Region: region, BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	pages = 3
	want := []string{fmt.Sprintf(name, 6), fmt.Sprintf(name, 7), fmt.Sprintf(name, 8)}
	if a := stacksOfStackSets(t.Context(), cfg); !a.got || !slices.Equal(a.value, want) || !slices.Equal(asked, []string{"", "2", "3"}) {
		t.Errorf("%+v of the pages %q", a, asked)
	}
	pages, asked = mostPages+1, nil
	if a := stacksOfStackSets(t.Context(), cfg); a.got || len(asked) != mostPages || a.value != nil {
		t.Errorf("%d pages: %+v", len(asked), a)
	} else {
		is(t, "too many", a.unknown("stack"), Unknown, "cloudformation:ListStacks gave no answer: there are more than 100 pages of stacks")
	}
}
