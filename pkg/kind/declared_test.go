package kind

import (
	"testing"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

func objectOf(members ...jsondoc.Member) jsondoc.Value { return jsondoc.OfObject(members...) }

func having(name string, v jsondoc.Value) jsondoc.Member { return jsondoc.Member{Name: name, Value: v} }

// TestWhatIsGoingToBe: an id that is not known yet is a subnet where that is certain,
// and nothing else.
func TestWhatIsGoingToBe(t *testing.T) {
	subnet, other := jsondoc.Pending("later", SubnetID), jsondoc.Pending("later", Sign("Subnet"))
	model, _ := Of(Model)
	for name, c := range map[string]struct {
		subnets jsondoc.Value
		vpc     posture.Fact
	}{
		"a list of subnets":    {subnet, posture.Yes},
		"a subnet in a list":   {jsondoc.OfArray(jsondoc.Unresolved("later"), subnet), posture.Yes},
		"a group and a subnet": {jsondoc.OfArray(jsondoc.OfString("sg-1"), subnet), posture.Yes},
		"anything":             {jsondoc.Unresolved("later"), posture.Unknown},
		"something else":       {jsondoc.OfArray(other), posture.Unknown},
		"nothing":              {jsondoc.OfArray(), posture.No},
	} {
		doc := objectOf(having("VpcConfig", objectOf(having("Subnets", c.subnets), having("SecurityGroupIds", subnet))))
		p := model.Parts(Record{Doc: doc, Call: "CreateModel", Shape: ShapeTemplate}, nil)[0].Posture
		if p.VPC != c.vpc {
			t.Errorf("%s: VPC %s, want %s", name, p.VPC, c.vpc)
		}
		for _, r := range p.Reasons {
			if r.Path == "VpcConfig.SecurityGroupIds" && !r.Ids {
				t.Errorf("%s: a security group decides a class", name)
			}
		}
	}
}

// TestTexts: only in a template true may be a text.
func TestTexts(t *testing.T) {
	model, _ := Of(Model)
	for _, c := range []struct {
		shape Shape
		text  string
		want  posture.Fact
	}{
		{ShapeTemplate, "true", posture.Yes},
		{ShapeTemplate, "false", posture.No},
		{ShapeTemplate, "True", posture.Unknown},
		{ShapeTemplate, "yes", posture.Unknown},
		{ShapeTemplate, "", posture.No},
		{ShapePlan, "true", posture.Unknown},
		{ShapeCloudTrail, "true", posture.Unknown},
		{ShapeRequest, "true", posture.Unknown},
	} {
		p := model.Parts(Record{Doc: objectOf(having("EnableNetworkIsolation", jsondoc.OfString(c.text))), Call: "CreateModel", Shape: c.shape}, nil)[0].Posture
		if p.Isolation != c.want {
			t.Errorf("%q in %s: %s, want %s", c.text, c.shape, p.Isolation, c.want)
		}
	}
}

// TestSigns: what is going to name a resource is part of a key.
func TestSigns(t *testing.T) {
	app, _ := Of(App)
	doc := objectOf(
		having("DomainId", jsondoc.Pending("later", Sign("D"))), having("UserProfileName", jsondoc.OfString("ana")),
		having("AppType", jsondoc.OfString("t")), having("AppName", jsondoc.OfString("n")))
	if key, name := app.KeyOf(doc); key != "@D/ana/t/n" || name != "n" {
		t.Errorf("key %s, name %s", key, name)
	}
	if key, _ := app.KeyOf(doc.With("DomainId", jsondoc.Pending("later", SubnetID))); key != "" {
		t.Errorf("a subnet names a domain: %s", key)
	}
}

// TestPathsOfPlans: paths are spelled as Terraform spells them.
func TestPathsOfPlans(t *testing.T) {
	config, _ := Of(EndpointConfig)
	doc := objectOf(having("ProductionVariants", jsondoc.OfArray(objectOf(having("EnableSSMAccess", jsondoc.OfBool(true))))))
	p := config.Parts(Record{Doc: doc, Base: "after", Call: "CreateEndpointConfig", Shape: ShapePlan}, nil)[0]
	if p.Path != "after.production_variants[0]" || p.Posture.Access[0].Path != "after.production_variants[0].enable_ssm_access" || p.Posture.Where.VPC != "after.vpc_config" {
		t.Errorf("%+v", p)
	}
}
