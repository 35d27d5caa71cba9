package posture

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestText(t *testing.T) {
	b, err := json.Marshal([]Fact{Unknown, No, Yes, NotApplicable, Of(true), Of(false)})
	if want := `["unknown","no","yes","n/a","yes","no"]`; err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
	var got []string
	for _, f := range []Family{Unassessed, NoCode, Container, Notebook, Studio, Cluster} {
		got = append(got, f.String())
	}
	if want := []string{"unassessed", "no-code", "container", "notebook", "studio", "cluster"}; !slices.Equal(got, want) {
		t.Errorf("families are %v, want %v", got, want)
	}
}

// TestZero: what nobody filled is not known.
func TestZero(t *testing.T) {
	var p Posture
	if p.Family != Unassessed || p.Isolation != Unknown || p.VPC != Unknown || p.DirectInternet != Unknown || p.Attached != Unknown || p.Encrypted != Unknown || p.Workers != Unknown {
		t.Errorf("the zero posture knows something: %+v", p)
	}
}

func TestIDs(t *testing.T) {
	var none IDs
	if none.Values() == nil || len(none.Values()) != 0 || none.Path() != "" {
		t.Errorf("an empty list has values %v and path %q", none.Values(), none.Path())
	}
	for _, c := range []struct {
		ids  IDs
		path string
	}{
		{IDs{List: []ID{{"subnet-1", "requestParameters.vpcConfig.subnets[0]"}, {"subnet-2", "requestParameters.vpcConfig.subnets[1]"}}}, "requestParameters.vpcConfig.subnets"},
		{IDs{List: []ID{{"subnet-1", "requestParameters.trainingJobDefinitions[3].vpcConfig.subnets[0]"}}}, "requestParameters.trainingJobDefinitions[3].vpcConfig.subnets"},
		{IDs{List: []ID{{"subnet-1", "SubnetId"}}}, "SubnetId"},
		{IDs{List: []ID{{"subnet-1", ""}}}, ""},
	} {
		if got := c.ids.Path(); got != c.path {
			t.Errorf("path of %v is %q, want %q", c.ids.List, got, c.path)
		}
		if got := c.ids.Values(); got[0] != "subnet-1" || len(got) != len(c.ids.List) {
			t.Errorf("values of %v are %v", c.ids.List, got)
		}
	}
}
