package terraform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// shown writes a value in a line: what is unknown as ? with the reason and, behind =,
// what it is going to be.
func shown(v jsondoc.Value) string {
	switch v.Kind() {
	case jsondoc.Unknown:
		s := "?" + strings.TrimPrefix(v.Why(), "known only ")
		if v.What() != "" {
			s += "=" + v.What()
		}
		return s
	case jsondoc.Array, jsondoc.Object:
		var said []string
		for _, m := range v.Members() {
			s := shown(m.Value)
			if v.Kind() == jsondoc.Object {
				s = m.Name + ":" + s
			}
			said = append(said, s)
		}
		if v.Kind() == jsondoc.Object {
			return "{" + strings.Join(said, " ") + "}"
		}
		return "[" + strings.Join(said, " ") + "]"
	case jsondoc.String:
		return fmt.Sprintf("%q", v.Str())
	case jsondoc.Bool:
		b, _ := v.Bool()
		return fmt.Sprint(b)
	case jsondoc.Absent, jsondoc.Null, jsondoc.Number:
	}
	if s, ok := v.Literal(); ok {
		return s
	}
	return v.Kind().String()
}

// change is an element of resource_changes; what it lacks is as for a creation.
func element(address, actions, after, unknown, sensitive string) string {
	module := ""
	rest := address
	if i := strings.LastIndex(address, "module."); i >= 0 {
		end := i + len("module.") + strings.IndexByte(address[i+len("module."):], '.')
		module, rest = address[:end], address[end+1:]
	}
	bare := keys.ReplaceAllString(rest, "")
	typ, name, _ := strings.Cut(strings.TrimPrefix(bare, "data."), ".")
	mode := "managed"
	if strings.HasPrefix(bare, "data.") {
		mode = "data"
	}
	quoted, _ := json.Marshal(address)
	moduleQuoted, _ := json.Marshal(module)
	return fmt.Sprintf(`{"address":%s,"module_address":%s,"mode":%q,"type":%q,"name":%q,"change":{"actions":[%s],"before":null,"after":%s,"after_unknown":%s,"after_sensitive":%s}}`,
		quoted, moduleQuoted, mode, typ, name, actions, after, unknown, sensitive)
}

func plan(configuration string, changes ...string) string {
	return `{"format_version":"1.2","terraform_version":"1.11.4","variables":{"secret":{"value":"do not read"}},"planned_values":{"root_module":{}},"resource_changes":[` +
		strings.Join(changes, ",") + `],"prior_state":{"a":[1,{"b":2}]},"configuration":` + configuration + `}`
}

func read(t *testing.T, text string) *Plan {
	t.Helper()
	p, faults, err := Read(strings.NewReader(text))
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v, faults %v", err, faults)
	}
	return p
}

// requests lists the resources of a plan.
func requests(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for _, r := range read(t, text).Resources {
		out = append(out, r.Address+" "+shown(r.Request))
	}
	return out
}

const noConfig = `{"root_module":{}}`

// TestValues: values, blocks, what is unknown, what is sensitive.
func TestValues(t *testing.T) {
	for name, c := range map[string]struct{ address, after, unknown, sensitive, want string }{
		"names": {
			"aws_sagemaker_model.m", `{"name":"m","enable_network_isolation":true,"vpc_config":[],"tags":null}`, `{"arn":true,"tags_all":true}`, `{}`,
			`{Name:"m" EnableNetworkIsolation:true VpcConfig:[] Arn:?after the apply TagsAll:?after the apply ModelName:"m" Tags:?after the apply}`,
		},
		"a block is an object": {
			"aws_sagemaker_model.m", `{"vpc_config":[{"subnets":["subnet-1"],"security_group_ids":["sg-1"]}]}`, `{"vpc_config":[{"subnets":[false],"security_group_ids":[false]}]}`, `{}`,
			`{VpcConfig:{Subnets:["subnet-1"] SecurityGroupIds:["sg-1"]}}`,
		},
		"unknown below a block": {
			"aws_sagemaker_model.m", `{"vpc_config":[{}]}`, `{"vpc_config":[{"subnets":true,"security_group_ids":true}]}`, `{}`,
			`{VpcConfig:{Subnets:?after the apply SecurityGroupIds:?after the apply}}`,
		},
		"one of a list is unknown": {
			"aws_sagemaker_model.m", `{"vpc_config":[{"subnets":["subnet-1",null]}]}`, `{"vpc_config":[{"subnets":[false,true]}]}`, `{}`,
			`{VpcConfig:{Subnets:["subnet-1" ?after the apply]}}`,
		},
		"the block itself is unknown": {
			"aws_sagemaker_model.m", `{"vpc_config":[]}`, `{"vpc_config":true}`, `{}`, `{VpcConfig:?after the apply}`,
		},
		"two blocks for one": {
			"aws_sagemaker_model.m", `{"vpc_config":[{"a":1},{"a":2}]}`, `{}`, `{}`, `{VpcConfig:?found 2 blocks where one was expected}`,
		},
		"blocks that are a list": {
			"aws_sagemaker_endpoint_configuration.e", `{"name":"e","production_variants":[{"model_name":"m","enable_ssm_access":true,"serverless_config":[]},{"serverless_config":[{"max_concurrency":1}]}]}`, `{"production_variants":[{"volume_size_in_gb":true},{}]}`, `{}`,
			`{Name:"e" ProductionVariants:[{ModelName:"m" EnableSSMAccess:true ServerlessConfig:[] VolumeSizeInGb:?after the apply} {ServerlessConfig:{MaxConcurrency:1}}] EndpointConfigName:"e"}`,
		},
		"everything is unknown": {"aws_sagemaker_model.m", `null`, `true`, `{}`, `?after the apply`},
		"tags of the provider too": {
			"aws_sagemaker_model.m", `{"tags":{"a":"1"},"tags_all":{"a":"1","A":"2"}}`, `{}`, `{}`, `{TagsAll:{a:"1" A:"2"} Tags:{a:"1" A:"2"}}`,
		},
		"sensitive": {
			"aws_sagemaker_notebook_instance.n", `{"name":"secret","direct_internet_access":"Disabled","subnet_id":"subnet-1","root":true,"empty":"","list":["subnet-1","x"],"other":["x"],"null":null}`, `{}`,
			`{"name":true,"direct_internet_access":true,"subnet_id":true,"root":true,"empty":true,"list":true,"other":[true],"null":true}`,
			`{Name:?marked as sensitive, so that it is not read DirectInternetAccess:"Disabled" SubnetId:?marked as sensitive, so that it is not read=subnet Root:true Empty:"" List:?marked as sensitive, so that it is not read=subnet Other:[?marked as sensitive, so that it is not read] Null:null NotebookInstanceName:?marked as sensitive, so that it is not read}`,
		},
		"all of it is sensitive": {"aws_sagemaker_model.m", `{"name":"x"}`, `{}`, `true`, `?marked as sensitive, so that it is not read`},
		"cloud control": {
			"awscc_sagemaker_model.m", `{"model_name":"m","vpc_config":{"subnets":["subnet-1"]}}`, `{"enable_network_isolation":true}`, `{}`,
			`{ModelName:"m" VpcConfig:{Subnets:["subnet-1"]} EnableNetworkIsolation:?after the apply}`,
		},
		"a pipeline of cloud control": {
			"awscc_sagemaker_pipeline.p", `{"pipeline_definition":{"pipeline_definition_body":"{}"}}`, `{}`, `{}`, `{PipelineDefinition:"{}"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := requests(t, plan(noConfig, element(c.address, `"create"`, c.after, c.unknown, c.sensitive)))
			if diff := cmp.Diff([]string{c.address + " " + c.want}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestActions: what is created, changed or replaced is judged; what stays can be
// referred to; what goes is not there.
func TestActions(t *testing.T) {
	var changes []string
	for i, actions := range []string{`"create"`, `"update"`, `"delete","create"`, `"create","delete"`, `"no-op"`, `"delete"`, `"read"`, `"forget"`, `"create","forget"`} {
		changes = append(changes, element(fmt.Sprintf("aws_sagemaker_model.m%d", i), actions, `{}`, `{}`, `{}`))
	}
	changes = append(changes, element("data.aws_sagemaker_model.d", `"create"`, `{}`, `{}`, `{}`), `{"address":"aws_sagemaker_model.m0","mode":"managed","type":"aws_sagemaker_model","name":"m0","deposed":"ab","change":{"actions":["create"]}}`)
	got := map[string]bool{}
	for _, r := range read(t, plan(noConfig, changes...)).Resources {
		got[r.Address] = r.Planned
	}
	want := map[string]bool{}
	for _, i := range []int{0, 1, 2, 3, 8} {
		want[fmt.Sprintf("aws_sagemaker_model.m%d", i)] = true
	}
	want["aws_sagemaker_model.m4"] = false
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// config is a configuration of a root with resources, and of a module.
func config(root, calls string) string {
	return `{"provider_config":{"aws":{"name":"aws","expressions":{"region":{"constant_value":"eu-west-1"}}},"other":{"expressions":{"region":{"references":["var.region"]}}}},"root_module":{"resources":[` + root + `],"module_calls":{` + calls + `}}}`
}

func written(typ, name, expressions string) string {
	return fmt.Sprintf(`{"address":"%s.%s","mode":"managed","type":%q,"name":%q,"provider_config_key":"aws","expressions":{%s}}`, typ, name, typ, name, expressions)
}

func refs(list ...string) string {
	b, _ := json.Marshal(list)
	return `{"references":` + string(b) + `}`
}

// TestReferences: what is known only after the apply is found by what is written for
// it.
func TestReferences(t *testing.T) {
	vpc := func(subnets string) string { return `"vpc_config":[{"subnets":` + subnets + `}]` }
	const unknownVPC = `{"vpc_config":[{"subnets":true}]}`
	for name, c := range map[string]struct {
		subnets string
		want    string
	}{
		"a subnet":                 {refs("aws_subnet.a.id", "aws_subnet.a"), "aws_subnet.a.id, aws_subnet.a=subnet"},
		"several":                  {refs("aws_subnet.a.id", "aws_subnet.a", "aws_subnet.b[0].id", "aws_subnet.b[0]", "aws_subnet.b"), "aws_subnet.a.id, aws_subnet.a, aws_subnet.b[0].id, aws_subnet.b[0], aws_subnet.b=subnet"},
		"all of them":              {refs("aws_subnet.a"), "aws_subnet.a=subnet"},
		"a data source":            {refs("data.aws_subnet.a.id", "data.aws_subnet.a"), "data.aws_subnet.a.id, data.aws_subnet.a=subnet"},
		"by the key of a loop":     {refs("aws_subnet.a", "each.key"), "aws_subnet.a, each.key=subnet"},
		"a variable decides":       {refs("var.public", "aws_subnet.a.id", "aws_subnet.a"), "var.public, aws_subnet.a.id, aws_subnet.a=subnet"},
		"something else of it":     {refs("aws_subnet.a.arn", "aws_subnet.a"), "aws_subnet.a.arn, aws_subnet.a"},
		"another resource decides": {refs("aws_vpc.v.id", "aws_vpc.v", "aws_subnet.a.id", "aws_subnet.a"), "aws_vpc.v.id, aws_vpc.v, aws_subnet.a.id, aws_subnet.a"},
		"a list that may be empty": {refs("data.aws_subnets.a.ids", "data.aws_subnets.a"), "data.aws_subnets.a.ids, data.aws_subnets.a"},
		"a local decides too":      {refs("local.public", "aws_subnet.a.id", "aws_subnet.a"), "local.public, aws_subnet.a.id, aws_subnet.a"},
		"a local":                  {refs("local.subnets"), "local.subnets"},
		"an output":                {refs("module.net.subnets", "module.net"), "module.net.subnets, module.net=subnet"},
		"an output of an output":   {refs("module.net.deep", "module.net"), "module.net.deep, module.net=subnet"},
		"an output in a circle":    {refs("module.net.circle", "module.net"), "module.net.circle, module.net"},
		"no such output":           {refs("module.net.none", "module.net"), "module.net.none, module.net"},
		"no such module":           {refs("module.none.subnets", "module.none"), "module.none.subnets, module.none"},
		"nothing is written":       {`{}`, ""},
		"what nobody understands":  {refs("???"), "???"},
	} {
		t.Run(name, func(t *testing.T) {
			net := `"net":{"module":{"outputs":{"subnets":{"expression":` + refs("aws_subnet.p") + `},"deep":{"expression":` + refs("module.in.s", "module.in") + `},"circle":{"expression":` + refs("module.in.circle", "module.in") + `}},
				"module_calls":{"in":{"expressions":{"x":` + refs("module.in.circle") + `},"module":{"outputs":{"s":{"expression":` + refs("aws_subnet.q.id", "aws_subnet.q") + `},"circle":{"expression":` + refs("var.x") + `}}}}}}}`
			got := requests(t, plan(config(written("aws_sagemaker_model", "m", vpc(c.subnets)), net), element("aws_sagemaker_model.m", `"create"`, `{"vpc_config":[{}]}`, unknownVPC, `{}`)))
			want := "aws_sagemaker_model.m {VpcConfig:{Subnets:?after the apply"
			if c.want != "" {
				want += ": " + c.want
			}
			if diff := cmp.Diff([]string{want + "}}"}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestInstances: which instance of a resource is meant, if it can be told.
func TestInstances(t *testing.T) {
	variants := func(model string) string { return `"production_variants":[{"model_name":` + model + `}]` }
	unknown := `{"production_variants":[{"model_name":true}]}`
	after := `{"production_variants":[{}]}`
	const typ = "aws_sagemaker_endpoint_configuration"
	for name, c := range map[string]struct {
		model    string   // what is written
		models   []string // that are there
		config   string   // which configuration refers
		instance string   // what it is going to name
	}{
		"the only one":           {refs("aws_sagemaker_model.m.name", "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m"}, typ + ".e", "aws_sagemaker_model.m"},
		"by its key":             {refs("aws_sagemaker_model.m[1].name", "aws_sagemaker_model.m[1]", "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m[0]", "aws_sagemaker_model.m[1]"}, typ + ".e", "aws_sagemaker_model.m[1]"},
		"by another key":         {refs("aws_sagemaker_model.m[2].name", "aws_sagemaker_model.m[2]", "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m[0]", "aws_sagemaker_model.m[1]"}, typ + ".e", ""},
		"by a computed key":      {refs("aws_sagemaker_model.m", "each.key"), []string{`aws_sagemaker_model.m["a"]`, `aws_sagemaker_model.m["b"]`}, typ + `.e["b"]`, "aws_sagemaker_model.m"},
		"by a computed number":   {refs("aws_sagemaker_model.m", "count.index"), []string{"aws_sagemaker_model.m[0]", "aws_sagemaker_model.m[1]"}, typ + ".e[1]", "aws_sagemaker_model.m"},
		"by a key of each value": {refs("aws_sagemaker_model.m", "each.value.model", "each.value"), []string{`aws_sagemaker_model.m["a"]`, `aws_sagemaker_model.m["b"]`}, typ + `.e["b"]`, ""},
		"by a key, or another":   {refs(`aws_sagemaker_model.m["a"].name`, `aws_sagemaker_model.m["a"]`, "aws_sagemaker_model.m", "aws_sagemaker_model.m", "each.key"), []string{`aws_sagemaker_model.m["a"]`, `aws_sagemaker_model.m["b"]`}, typ + `.e["b"]`, ""},
		"one of several":         {refs("aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m[0]", "aws_sagemaker_model.m[1]"}, typ + ".e", "aws_sagemaker_model.m"},
		"the same twice":         {refs("aws_sagemaker_model.m.name", "aws_sagemaker_model.m", "aws_sagemaker_model.m.name", "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m"}, typ + ".e", "aws_sagemaker_model.m"},
		"not its name":           {refs(`aws_sagemaker_model.m.tags_all["x"]`, "aws_sagemaker_model.m.tags_all", "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m"}, typ + ".e", ""},
		"its ARN":                {refs("aws_sagemaker_model.m.arn", "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m"}, typ + ".e", "aws_sagemaker_model.m"},
		"of another module":      {refs(`module.ml["c"].model`, `module.ml["c"]`, "module.ml"), []string{`module.ml["a"].aws_sagemaker_model.m`}, typ + ".e", ""},
		"of an untold number":    {refs(`aws_sagemaker_model.m["a"].name`, `aws_sagemaker_model.m["a"]`, "aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m[*]"}, typ + ".e", "aws_sagemaker_model.m[*]"},
		"the only one of a list": {refs("aws_sagemaker_model.m"), []string{"aws_sagemaker_model.m[0]"}, typ + ".e", "aws_sagemaker_model.m[0]"},
		"not there":              {refs("aws_sagemaker_model.m.name", "aws_sagemaker_model.m"), nil, typ + ".e", ""},
		"in a module":            {refs("module.ml.model", "module.ml"), []string{"module.ml.aws_sagemaker_model.m"}, typ + ".e", "module.ml.aws_sagemaker_model.m"},
		"in one of the modules":  {refs(`module.ml["a"].model`, `module.ml["a"]`, "module.ml"), []string{`module.ml["a"].aws_sagemaker_model.m`, `module.ml["b"].aws_sagemaker_model.m`}, typ + ".e", `module.ml["a"].aws_sagemaker_model.m`},
		"given to a module":      {refs("var.model"), []string{"aws_sagemaker_model.m"}, "module.ep." + typ + ".e", "aws_sagemaker_model.m"},
		"something else":         {refs("aws_iam_role.r.arn", "aws_iam_role.r"), nil, typ + ".e", ""},
	} {
		t.Run(name, func(t *testing.T) {
			resource := written(typ, "e", variants(c.model))
			calls := `"ml":{"module":{"outputs":{"model":{"expression":` + refs("aws_sagemaker_model.m.name", "aws_sagemaker_model.m") + `}}}},
				"ep":{"expressions":{"model":` + refs("aws_sagemaker_model.m.name", "aws_sagemaker_model.m") + `},"module":{"resources":[` + resource + `]}}`
			changes := []string{element(c.config, `"create"`, after, unknown, `{}`)}
			for _, m := range c.models {
				changes = append(changes, element(m, `"create"`, `{}`, `{"name":true}`, `{}`))
			}
			resources := read(t, plan(config(resource, calls), changes...)).Resources
			v := resources[0].Request.Get("ProductionVariants").Members()[0].Value.Get("ModelName")
			want := ""
			if c.instance != "" {
				want = kind.Sign(c.instance)
			}
			if v.What() != want || v.Kind() != jsondoc.Unknown {
				t.Errorf("is going to name %q, want %q (%s)", v.What(), want, shown(v))
			}
		})
	}
}

// TestEachValue: what a for_each gives can be another resource's, unless all of it is
// known.
func TestEachValue(t *testing.T) {
	const typ = "aws_sagemaker_endpoint_configuration"
	for forEach, want := range map[string]string{
		`{}`:                               kind.Sign("aws_sagemaker_model.m"),
		refs("var.models"):                 kind.Sign("aws_sagemaker_model.m"),
		refs("local.models"):               "",
		refs("aws_sagemaker_model.x.name"): "",
		refs("each.value"):                 "",
		`7`:                                "",
	} {
		resource := strings.Replace(written(typ, "e", `"production_variants":[{"model_name":`+refs("aws_sagemaker_model.m", "each.value.model", "each.value")+`}]`), `"expressions"`, `"for_each_expression":`+forEach+`,"expressions"`, 1)
		p := read(t, plan(config(resource, ""),
			element(typ+`.e["a"]`, `"create"`, `{"production_variants":[{}]}`, `{"production_variants":[{"model_name":true}]}`, `{}`),
			element("aws_sagemaker_model.m[0]", `"create"`, `{}`, `{}`, `{}`), element("aws_sagemaker_model.m[1]", `"create"`, `{}`, `{}`, `{}`)))
		if got := p.Resources[0].Request.Get("ProductionVariants").Members()[0].Value.Get("ModelName"); got.What() != want || got.Kind() != jsondoc.Unknown {
			t.Errorf("%s: is going to name %q, want %q", forEach, got.What(), want)
		}
	}
}

// TestCommon: of a key that is computed, what all instances have is known.
func TestCommon(t *testing.T) {
	const why = "?which instance of aws_sagemaker_model.m is meant is not known, because its key is computed, and they differ"
	vpc := func(ids string) string { return `{"name":"x","vpc_config":[{"subnets":[` + ids + `]}]}` }
	for name, c := range map[string]struct {
		a, b               string // the instances
		unknownA, unknownB string
		want               string
	}{
		"the same":          {vpc(`"subnet-1"`), vpc(`"subnet-1"`), `{}`, `{}`, `{Name:"x" VpcConfig:{Subnets:["subnet-1"]} ModelName:"x"}`},
		"another subnet":    {vpc(`"subnet-1"`), vpc(`"subnet-2"`), `{}`, `{}`, `{Name:"x" VpcConfig:{Subnets:[` + why + `]} ModelName:"x"}`},
		"one more":          {vpc(`"subnet-1"`), vpc(`"subnet-1","subnet-2"`), `{}`, `{}`, `{Name:"x" VpcConfig:{Subnets:` + why + `} ModelName:"x"}`},
		"one without a VPC": {vpc(`"subnet-1"`), `{"name":"x","vpc_config":[]}`, `{}`, `{}`, `{Name:"x" VpcConfig:` + why + ` ModelName:"x"}`},
		"none with a VPC":   {`{"vpc_config":null}`, `{"vpc_config":[]}`, `{}`, `{}`, `{VpcConfig:null}`},
		"one has it":        {`{}`, `{"enable_network_isolation":true}`, `{}`, `{}`, `{EnableNetworkIsolation:` + why + `}`},
		"one is unknown":    {`{"enable_network_isolation":true}`, `{}`, `{}`, `{"enable_network_isolation":true}`, `{EnableNetworkIsolation:?after the apply}`},
		"both are subnets":  {`{"vpc_config":[{}]}`, `{"vpc_config":[{"subnets":["subnet-1"]}]}`, `{"vpc_config":[{"subnets":true}]}`, `{}`, `{VpcConfig:{Subnets:?after the apply: aws_subnet.a.id, aws_subnet.a}}`},
		"all is unknown":    {`null`, `{}`, `true`, `{}`, `?after the apply`},
	} {
		t.Run(name, func(t *testing.T) {
			text := plan(config(written("aws_sagemaker_endpoint_configuration", "e", `"production_variants":[{"model_name":`+refs("aws_sagemaker_model.m", "each.key")+`}]`)+","+
				written("aws_sagemaker_model", "m", `"vpc_config":[{"subnets":`+refs("aws_subnet.a.id", "aws_subnet.a")+`}],"enable_network_isolation":`+refs("var.x")), ""),
				element(`aws_sagemaker_endpoint_configuration.e["a"]`, `"create"`, `{"production_variants":[{}]}`, `{"production_variants":[{"model_name":true}]}`, `{}`),
				element(`aws_sagemaker_model.m["a"]`, `"create"`, c.a, c.unknownA, `{}`),
				element(`aws_sagemaker_model.m["b"]`, `"create"`, c.b, c.unknownB, `{}`))
			all := read(t, text).Resources
			last := all[len(all)-1]
			got := strings.ReplaceAll(shown(last.Request), ": var.x", "")
			if len(all) != 4 || last.Address != "aws_sagemaker_model.m" || last.Planned || got != c.want {
				t.Errorf("%d resources, the last is %s: got %s\nwant %s", len(all), last.Address, got, c.want)
			}
		})
	}
	// In two Regions it is two resources, of which nothing is known.
	p := read(t, plan(config(written("aws_sagemaker_endpoint_configuration", "e", `"production_variants":[{"model_name":`+refs("aws_sagemaker_model.m", "each.key")+`}]`), ""),
		element("aws_sagemaker_endpoint_configuration.e", `"create"`, `{"production_variants":[{}]}`, `{"production_variants":[{"model_name":true}]}`, `{}`),
		element("aws_sagemaker_model.m[0]", `"create"`, `{"region":"eu-west-1"}`, `{}`, `{}`), element("aws_sagemaker_model.m[1]", `"create"`, `{"region":"us-east-1"}`, `{}`, `{}`)))
	if n := len(p.Resources); n != 5 || p.Resources[3].Region != "eu-west-1" || p.Resources[4].Region != "us-east-1" || shown(p.Resources[4].Request) != why {
		t.Errorf("%d resources", n)
	}
}

// TestDynamic: what a dynamic block may have written is not known.
func TestDynamic(t *testing.T) {
	const typ = "aws_sagemaker_endpoint_configuration"
	one := `{"production_variants":[{"enable_ssm_access":true}]}`
	for name, c := range map[string]struct{ expressions, after, unknown, want string }{
		"written, without it":  {`"production_variants":[{"model_name":{}}]`, `{"production_variants":[{}]}`, one, `[{}]`},
		"not written":          {``, `{"production_variants":[{}]}`, one, `[{EnableSSMAccess:?after the apply}]`},
		"one of them is":       {`"production_variants":[{"model_name":{}}]`, `{"production_variants":[{},{}]}`, one, `[{EnableSSMAccess:?after the apply} {}]`},
		"another has it":       {`"production_variants":[{"model_name":{}},{"enable_ssm_access":` + refs("var.x") + `}]`, `{"production_variants":[{},{}]}`, one, `[{EnableSSMAccess:?after the apply} {}]`},
		"not of this block":    {`"production_variants":[{"enable_ssm_access":` + refs("var.x") + `}]`, `{"production_variants":[{},{}]}`, one, `[{EnableSSMAccess:?after the apply} {}]`},
		"of this block":        {`"production_variants":[{"enable_ssm_access":` + refs("var.x") + `}]`, `{"production_variants":[{}]}`, one, `[{EnableSSMAccess:?after the apply: var.x}]`},
		"not JSON of a block":  {`"production_variants":[7]`, `{"production_variants":[{}]}`, one, `[{EnableSSMAccess:?after the apply}]`},
		"in a block in it":     {`"production_variants":[{"model_name":{}}]`, `{"production_variants":[{"core_dump_config":[{}]}]}`, `{"production_variants":[{"core_dump_config":[{"enable_x":true}]}]}`, `[{CoreDumpConfig:{EnableX:?after the apply}}]`},
		"in one that is there": {`"production_variants":[{"core_dump_config":[{}]}]`, `{"production_variants":[{"core_dump_config":[{}]}]}`, `{"production_variants":[{"core_dump_config":[{"enable_x":true}]}]}`, `[{CoreDumpConfig:{}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got := requests(t, plan(config(written(typ, "e", c.expressions), ""), element(typ+".e", `"create"`, c.after, c.unknown, `{}`)))
			if diff := cmp.Diff([]string{typ + ".e {ProductionVariants:" + c.want + "}"}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestDeferred: a change that is left to a later plan is judged as far as it is
// known, and a plan that is not all says so.
func TestDeferred(t *testing.T) {
	deferred := func(changes ...string) string {
		text := plan(noConfig, element("aws_sagemaker_model.a", `"create"`, `{}`, `{}`, `{}`))
		return strings.Replace(text, `"prior_state"`, `"deferred_changes":[`+strings.Join(changes, ",")+`],"complete":false,"prior_state"`, 1)
	}
	reason := func(change string) string {
		return `{"reason":"resource_config_unknown","resource_change":` + change + `}`
	}
	p := read(t, deferred(
		reason(element("aws_sagemaker_model.b", `"create"`, `{"enable_network_isolation":false}`, `{"vpc_config":true}`, `{}`)),
		reason(element("aws_sagemaker_model.c[*]", `"create"`, `null`, `{}`, `{}`)),
		reason(element("aws_sagemaker_model.d", `"delete"`, `null`, `{}`, `{}`)),
		reason(element("aws_s3_bucket.e", `"create"`, `{}`, `{}`, `{}`))))
	var got []string
	for _, r := range p.Resources {
		got = append(got, r.Address+" "+r.Base+" "+shown(r.Request))
	}
	want := []string{
		"aws_sagemaker_model.a resource_changes[0].change.after {}",
		"aws_sagemaker_model.b deferred_changes[0].resource_change.change.after {EnableNetworkIsolation:false VpcConfig:?after the apply}",
		"aws_sagemaker_model.c[*] deferred_changes[1].resource_change.change.after ?the plan does not say what it is going to be",
	}
	if diff := cmp.Diff(want, got); diff != "" || !p.Incomplete || p.Deferred != 2 {
		t.Errorf("incomplete %v, %d deferred, -want +got\n%s", p.Incomplete, p.Deferred, diff)
	}
	if p := read(t, plan(noConfig)); p.Incomplete || p.Deferred != 0 {
		t.Errorf("a plan that does not say: %+v", p)
	}
	_, faults, err := Read(strings.NewReader(deferred(`{"reason":"x"}`, `7`)))
	if err != nil || len(faults) != 2 || !strings.Contains(faults[0].Error(), "deferred_changes[0]") {
		t.Errorf("faults %v, %v", faults, err)
	}
}

// TestNotSet: an attribute that the API answers and nobody wrote is not set; what a
// dynamic block could have written is not known.
func TestNotSet(t *testing.T) {
	unknown := `{"security_groups":true,"subnet_id":true,"url":true,"enable_x":true,"network_config":true}`
	for name, c := range map[string]struct{ config, actions, want string }{
		"created":                  {config(written("aws_sagemaker_notebook_instance", "n", `"subnet_id":`+refs("aws_subnet.a.id", "aws_subnet.a")), ""), `"create"`, `{SubnetId:?after the apply: aws_subnet.a.id, aws_subnet.a=subnet Url:?after the apply NetworkConfig:?after the apply}`},
		"changed":                  {config(written("aws_sagemaker_notebook_instance", "n", ""), ""), `"update"`, `{SecurityGroups:?after the apply SubnetId:?after the apply Url:?after the apply EnableX:?after the apply NetworkConfig:?after the apply}`},
		"not in the configuration": {noConfig, `"create"`, `{SecurityGroups:?after the apply SubnetId:?after the apply Url:?after the apply EnableX:?after the apply NetworkConfig:?after the apply}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := requests(t, plan(c.config, element("aws_sagemaker_notebook_instance.n", c.actions, `{}`, unknown, `{}`)))
			if diff := cmp.Diff([]string{"aws_sagemaker_notebook_instance.n " + c.want}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	// All attributes of this provider are computed, and none can be a dynamic block.
	got := requests(t, plan(config(written("awscc_sagemaker_model", "m", `"vpc_config":`+refs("local.vpc")), ""),
		element("awscc_sagemaker_model.m", `"create"`, `{}`, `{"vpc_config":true,"enable_network_isolation":true,"tags":true}`, `{}`)))
	if diff := cmp.Diff([]string{"awscc_sagemaker_model.m {VpcConfig:?after the apply: local.vpc}"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRegion(t *testing.T) {
	other := strings.Replace(written("aws_sagemaker_model", "b", ""), `"provider_config_key":"aws"`, `"provider_config_key":"other"`, 1)
	p := read(t, plan(config(written("aws_sagemaker_model", "a", "")+","+other, ""),
		element("aws_sagemaker_model.a", `"create"`, `{}`, `{}`, `{}`),
		element("aws_sagemaker_model.b", `"create"`, `{}`, `{}`, `{}`),
		element("aws_sagemaker_model.c", `"create"`, `{"region":"us-east-1"}`, `{}`, `{}`),
	))
	var got []string
	for _, r := range p.Resources {
		got = append(got, r.Region+" "+r.Base)
	}
	want := []string{"eu-west-1 resource_changes[0].change.after", " resource_changes[1].change.after", "us-east-1 resource_changes[2].change.after"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "ends in the middle",
		`{"format_version":"1.2"`:  "ends in the middle",
		`{"format_version":"1.2"}`: "without resource_changes",
		`{"resource_changes":[]}`:  "without a format_version",
		`{"format_version":"2.0"}`: `in format "2.0"`,
		`{"format_version":1}`:     "format_version is not a text",
		`{"resource_changes":{}}`:  "resource_changes is not a list",
		`{"deferred_changes":{}}`:  "deferred_changes is not a list",
		`{"format_version":"1.2","format_version":"1.2"}`:                                  "duplicate",
		`{"format_version":"1.2","resource_changes":[],"configuration":{"root_module":7}}`: "configuration",
		`{"format_version":"1.2","resource_changes":[]} {}`:                                "something follows",
		`{"format_version":"1.2",}`:                                                        "byte 23",
	} {
		_, _, err := Read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	// What is wrong with one resource does not take the others along.
	long := `{"a":"` + strings.Repeat("x", jsondoc.MaxBytes) + `"}`
	p, faults, err := Read(strings.NewReader(plan(noConfig,
		element("aws_sagemaker_model.a", `"create"`, long, `{}`, `{}`),
		`{"address":7}`,
		element("aws_sagemaker_model.c", `"create"`, `{"vpc_config":1,"VPC_config":2}`, `{}`, `{}`),
		element("aws_s3_bucket.b", `"create"`, long, `{}`, `{}`),
		element("aws_sagemaker_model.d", `"create"`, `{}`, `{}`, `{}`))))
	if err != nil || len(p.Resources) != 1 || len(faults) != 3 || !strings.Contains(fmt.Sprint(faults), "aws_sagemaker_model.a: longer than") {
		t.Errorf("%d resources, faults %v, %v", len(p.Resources), faults, err)
	}
	if _, faults, err := Read(strings.NewReader(`{"format_version":"1.2","resource_changes":[],"errored":true}`)); err != nil || len(faults) != 1 {
		t.Errorf("a plan that failed: %v, %v", faults, err)
	}
}

func TestUnknownTypes(t *testing.T) {
	p := read(t, plan(noConfig,
		element("aws_sagemaker_cluster.a", `"create"`, `{}`, `{}`, `{}`),
		element("aws_sagemaker_cluster.b", `"update"`, `{}`, `{}`, `{}`),
		element("aws_sagemaker_cluster.c", `"no-op"`, `{}`, `{}`, `{}`),
		element("awscc_sagemaker_new_thing.d", `"create"`, `{}`, `{}`, `{}`),
		element("aws_sagemaker_feature_group.e", `"create"`, `{}`, `{}`, `{}`),
		element("awscc_sagemaker_feature_group.e", `"create"`, `{}`, `{}`, `{}`),
		element("aws_s3_bucket.f", `"create"`, `{}`, `{}`, `{}`)))
	if diff := cmp.Diff(map[string]int{"aws_sagemaker_cluster": 2, "awscc_sagemaker_new_thing": 1}, p.Unknown); diff != "" || len(p.Resources) != 0 {
		t.Errorf("%d resources, %s", len(p.Resources), diff)
	}
}

// TestModelPackages: a package with validation profiles runs code, and is not passed
// over.
func TestModelPackages(t *testing.T) {
	const typ, created = "awscc_sagemaker_model_package", `"create"`
	for name, c := range map[string]struct {
		expressions, actions, after, unknown, sensitive string
		want                                            int
	}{
		"profiles":               {``, created, `{"validation_specification":{"validation_profiles":[{"profile_name":"p"}]}}`, `{}`, `{}`, 1},
		"updated":                {``, `"update"`, `{"validation_specification":{"validation_profiles":[{"profile_name":"p"}]}}`, `{}`, `{}`, 1},
		"unchanged":              {``, `"no-op"`, `{"validation_specification":{"validation_profiles":[{"profile_name":"p"}]}}`, `{}`, `{}`, 0},
		"none":                   {``, created, `{"validation_specification":{"validation_role":"r","validation_profiles":[]}}`, `{}`, `{}`, 0},
		"null":                   {``, created, `{"validation_specification":null}`, `{}`, `{}`, 0},
		"nothing":                {``, created, `{"name":"x"}`, `{}`, `{}`, 0},
		"nobody set it":          {`"a":{}`, created, `{}`, `{"validation_specification":true}`, `{}`, 0},
		"set and not known":      {`"validation_specification":` + refs("data.x.y.z"), created, `{}`, `{"validation_specification":true}`, `{}`, 1},
		"profiles not known":     {``, created, `{"validation_specification":{}}`, `{"validation_specification":{"validation_profiles":true}}`, `{}`, 1},
		"sensitive":              {``, created, `{"validation_specification":{"validation_profiles":[{"profile_name":"p"}]}}`, `{}`, `{"validation_specification":true}`, 1},
		"nothing of it is known": {``, created, `null`, `true`, `{}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, plan(config(written(typ, "p", c.expressions), ""), element(typ+".p", c.actions, c.after, c.unknown, c.sensitive)))
			if p.Unknown[typ] != c.want || len(p.Resources) != 0 || p.Deferred != 0 {
				t.Errorf("%v, %d resources", p.Unknown, len(p.Resources))
			}
		})
	}
}

// TestGeneric: what the API Cloud Control makes is what its type says, and is known as
// far as its state is.
func TestGeneric(t *testing.T) {
	const typ, created = "aws_cloudcontrolapi_resource", `"create"`
	for name, c := range map[string]struct {
		actions, after, unknown, sensitive string
		want                               string // its type and request
		counted                            map[string]int
	}{
		"a notebook":             {created, `{"type_name":"AWS::SageMaker::NotebookInstance","desired_state":"{\"SubnetId\":\"subnet-1\"}","schema":"{}"}`, `{"properties":true}`, `{"schema":true}`, `AWS::SageMaker::NotebookInstance {SubnetId:"subnet-1"}`, nil},
		"updated":                {`"update"`, `{"type_name":"AWS::SageMaker::Model","desired_state":"{}"}`, `{}`, `{}`, `AWS::SageMaker::Model {}`, nil},
		"unchanged":              {`"no-op"`, `{"type_name":"AWS::SageMaker::Model","desired_state":"{}"}`, `{}`, `{}`, ``, nil},
		"a pipeline":             {created, `{"type_name":"AWS::SageMaker::Pipeline","desired_state":"{\"PipelineDefinition\":{\"PipelineDefinitionBody\":\"{}\"}}"}`, `{}`, `{}`, `AWS::SageMaker::Pipeline {PipelineDefinition:"{}"}`, nil},
		"state not known":        {created, `{"type_name":"AWS::SageMaker::Model"}`, `{"desired_state":true}`, `{}`, `AWS::SageMaker::Model ?after the apply`, nil},
		"state sensitive":        {created, `{"type_name":"AWS::SageMaker::Model","desired_state":"{}"}`, `{}`, `{"desired_state":true}`, `AWS::SageMaker::Model ?marked as sensitive, so that it is not read`, nil},
		"state missing":          {created, `{"type_name":"AWS::SageMaker::Model"}`, `{}`, `{}`, `AWS::SageMaker::Model ?the plan does not say what it is going to be`, nil},
		"state is a list":        {created, `{"type_name":"AWS::SageMaker::Model","desired_state":"[]"}`, `{}`, `{}`, `AWS::SageMaker::Model ?the plan does not say what it is going to be`, nil},
		"state is broken":        {created, `{"type_name":"AWS::SageMaker::Model","desired_state":""}`, `{}`, `{}`, `AWS::SageMaker::Model ?the desired state cannot be read: `, nil},
		"type not known":         {created, `{"desired_state":"{}"}`, `{"type_name":true}`, `{}`, ``, map[string]int{typ: 1}},
		"nothing known":          {created, `null`, `true`, `{}`, ``, map[string]int{typ: 1}},
		"never heard of":         {created, `{"type_name":"AWS::SageMaker::New","desired_state":"{}"}`, `{}`, `{}`, ``, map[string]int{"AWS::SageMaker::New": 1}},
		"a package":              {created, `{"type_name":"AWS::SageMaker::ModelPackage","desired_state":"{}"}`, `{}`, `{}`, ``, nil},
		"a package not known":    {created, `{"type_name":"AWS::SageMaker::ModelPackage"}`, `{"desired_state":true}`, `{}`, ``, map[string]int{"AWS::SageMaker::ModelPackage": 1}},
		"a stack":                {created, `{"type_name":"AWS::CloudFormation::StackSet","desired_state":"{}"}`, `{}`, `{}`, ``, map[string]int{"AWS::CloudFormation::StackSet": 1}},
		"runs no code":           {created, `{"type_name":"AWS::SageMaker::FeatureGroup","desired_state":"{}"}`, `{}`, `{}`, ``, nil},
		"nothing of SageMaker's": {created, `{"type_name":"AWS::S3::Bucket","desired_state":"{}"}`, `{}`, `{}`, ``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, plan(noConfig, element(typ+".x", c.actions, c.after, c.unknown, c.sensitive)))
			var all []string
			for _, r := range p.Resources {
				all = append(all, r.Type+" "+shown(r.Request))
				if r.Base != "resource_changes[0].change.after.desired_state" || !r.Planned || r.Row == nil {
					t.Errorf("%+v", r)
				}
			}
			got := strings.Join(all, ", ")
			if !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("%s, want %s", got, c.want)
			}
			if diff := cmp.Diff(c.counted, p.Unknown, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
	p := read(t, strings.Replace(plan(noConfig), `"configuration"`, `"deferred_changes":[{"resource_change":`+
		element(typ+".a", created, `{"type_name":"AWS::SageMaker::Model","desired_state":"{}"}`, `{}`, `{}`)+`},{"resource_change":`+
		element(typ+".b", created, `{"type_name":"AWS::S3::Bucket","desired_state":"{}"}`, `{}`, `{}`)+`}],"configuration"`, 1))
	if p.Deferred != 1 || len(p.Resources) != 1 {
		t.Errorf("%d deferred, %d resources", p.Deferred, len(p.Resources))
	}
}

// TestStacks: the template of a stack is kept, and one that is not known is counted.
func TestStacks(t *testing.T) {
	const created = `"create"`
	body := func(text string) string {
		quoted, _ := json.Marshal(text)
		return `{"parameters":{"A":"1","a":"2"},"template_url":null,"template_body":` + string(quoted) + `}`
	}
	const template = `{"Resources":{"M":{"Type":"AWS::SageMaker::Model"}}}`
	for name, c := range map[string]struct {
		actions, after, unknown, sensitive string
		templates, counted                 int
	}{
		"JSON":             {created, body(template), `{"outputs":true}`, `{}`, 1, 0},
		"YAML":             {created, body("Resources: {M: {Type: AWS::SageMaker::Model}}\n"), `{}`, `{}`, 1, 0},
		"YAML in brackets": {created, body("{Resources: {M: {Type: AWS::SageMaker::Model}}}"), `{}`, `{}`, 1, 0},
		"updated":          {`"update"`, body(template), `{}`, `{}`, 1, 0},
		"unchanged":        {`"no-op"`, body(template), `{}`, `{}`, 0, 0},
		"not known":        {created, `{}`, `{"template_body":true}`, `{}`, 0, 1},
		"sensitive":        {created, body(template), `{}`, `{"template_body":true}`, 0, 1},
		"nothing":          {created, `{}`, `{}`, `{}`, 0, 1},
		"nothing known":    {created, `null`, `true`, `{}`, 0, 1},
		"no template":      {created, body("x: 1"), `{}`, `{}`, 0, 1},
		"broken":           {created, body("{"), `{}`, `{}`, 0, 1},
		"kept elsewhere":   {created, `{"template_url":"https://b/k"}`, `{"template_body":true}`, `{}`, 0, 1},
		// The body is that of before.
		"elsewhere, updated":       {`"update"`, strings.Replace(body(template), "null", `"https://b/k"`, 1), `{}`, `{}`, 0, 1},
		"elsewhere, and not known": {`"update"`, strings.Replace(body(template), "null", `""`, 1), `{"template_url":true}`, `{}`, 0, 1},
	} {
		for _, typ := range stacks {
			p := read(t, plan(noConfig, element(typ+".s", c.actions, c.after, c.unknown, c.sensitive)))
			if len(p.Templates) != c.templates || p.Unknown[typ] != c.counted || len(p.Resources) != 0 {
				t.Errorf("%s, %s: %d templates, %v", name, typ, len(p.Templates), p.Unknown)
			}
			for _, one := range p.Templates {
				if one.Address != typ+".s" || one.Base != "resource_changes[0].change.after.template_body" || one.Root.Get("Resources") == nil {
					t.Errorf("%s: %+v", name, one)
				}
			}
		}
	}
	many := make([]string, maxTemplates+2)
	for i := range many {
		many[i] = element(fmt.Sprintf("aws_cloudformation_stack.s[%d]", i), created, body(template), `{}`, `{}`)
	}
	if p := read(t, plan(noConfig, many...)); len(p.Templates) != maxTemplates || p.Unknown["aws_cloudformation_stack"] != 2 {
		t.Errorf("%d templates, %v", len(p.Templates), p.Unknown)
	}
}

func TestLooks(t *testing.T) {
	for head, want := range map[string]bool{
		`{"format_version":"1.2","terraform_version":"1.11.4","variables":{"values":1`: true,
		`{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{}}`:    true,
		`{"applyable":true,"complete":tr`:                                              true,
		`{"format_version":"1.0","terraform_version":"1.11.4","values":{}}`:            false,
		`{"format_version":"1.0"}`:                                                     true,
		`{"Records":[]}`:                                                               false,
		`{`:                                                                            false,
		`[]`:                                                                           false,
		``:                                                                             false,
		`{"configuration":{}}`:                                                         false,
	} {
		if Looks([]byte(head)) != want {
			t.Errorf("%s looks like a plan: %v", head, !want)
		}
	}
}

// TestNames: every member that a row reads has a name that comes back.
func TestNames(t *testing.T) {
	for _, name := range []string{"VpcConfig", "SecurityGroupIds", "EnableSSMAccess", "EnableInterContainerTrafficEncryption", "DomainId", "MonitoringScheduleConfig", "PipelineDefinitionS3Location"} {
		if got := camel(kind.Snake(name)); got != name && name != "PipelineDefinitionS3Location" {
			t.Errorf("%s is %s and then %s", name, kind.Snake(name), got)
		}
	}
	if camel("pipeline_definition_s3_location") != "PipelineDefinitionS3Location" {
		t.Error("a name with a digit")
	}
}

// FuzzRead: reading ends, and what is unknown says why.
func FuzzRead(f *testing.F) {
	f.Add([]byte(plan(config(written("aws_sagemaker_model", "m", `"vpc_config":[{"subnets":`+refs("aws_subnet.a.id")+`}]`), ""), element("aws_sagemaker_model.m", `"create"`, `{"vpc_config":[{}]}`, `{"vpc_config":[{"subnets":true}]}`, `{"a":true}`))))
	f.Add([]byte(strings.Replace(plan(config("", `"m":{"module":{"resources":[`+written("aws_sagemaker_model", "m", `"vpc_config":`+refs("var.x"))+`]}}`), element("module.m.aws_sagemaker_model.m", `"create"`, `{}`, `{"vpc_config":true}`, `{}`)), `"module_address":"module.m"`, `"module_address":"m"`, 1)))
	f.Add([]byte(plan(config("", `"m":{"expressions":{"x":`+refs("module.m.y")+`},"module":{"outputs":{"y":{"expression":`+refs("var.x")+`}}}}`), element(`module.m["a"].aws_sagemaker_model.m[0]`, `"no-op"`, `{"tags_all":{}}`, `{}`, `true`))))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, _, err := Read(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		for _, r := range p.Resources {
			check(t, r.Request)
		}
	})
}

func check(t *testing.T, v jsondoc.Value) {
	if v.Kind() == jsondoc.Unknown && v.Why() == "" {
		t.Fatal("unknown without a reason")
	}
	for _, m := range v.Members() {
		check(t, m.Value)
	}
}
