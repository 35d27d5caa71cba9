package resolve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// at is the time n seconds into the test's history.
func at(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }

// call is a successful call, second seconds into the history.
func call(t testing.TB, second int, name, request string) *kind.Observation {
	t.Helper()
	doc, err := jsondoc.Parse([]byte(request), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &kind.Observation{
		Time: at(second), Partition: "aws", Account: "111122223333", Region: "eu-west-1",
		Doc: doc, Base: "requestParameters", Source: kind.Source{Type: kind.ShapeCloudTrail, Event: name, ID: fmt.Sprintf("%s-%d-%s", name, second, request)},
	}
	row, c, ok := kind.ByCall(name)
	if !ok {
		if row, ok = kind.ByDelete(name); !ok {
			t.Fatalf("no row has %s", name)
		}
		c, o.Deletes = &kind.Call{Name: name}, true
	}
	o.Row, o.Call = row, c
	o.Key, o.Name = row.KeyOf(doc)
	return o
}

func index(all ...*kind.Observation) *Index {
	ix := New()
	for _, o := range all {
		ix.Add(o)
	}
	return ix
}

// classOf is the class of an observation's worst part, and why what is unknown is.
func classOf(ix *Index, o *kind.Observation) (verdict.Class, string) {
	var why []string
	class := verdict.NotApplicable
	for _, p := range ix.Parts(o) {
		if c := verdict.Of(p.Posture).Class; c.Rank() < class.Rank() {
			class = c
		}
		for _, r := range p.Posture.Reasons {
			why = append(why, r.Why+" "+r.Look)
		}
	}
	return class, strings.Join(why, "; ")
}

const (
	inVPC = `{"modelName":"m","executionRoleArn":"r","vpcConfig":{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}}`
	open  = `{"modelName":"m","executionRoleArn":"r"}`
	use   = `{"transformJobName":"t","modelName":"m"}`
)

// TestReference: a transform job has its model's network, as the model was when
// the job was created.
func TestReference(t *testing.T) {
	create := func(s int, doc string) *kind.Observation { return call(t, s, "CreateModel", doc) }
	del := func(s int) *kind.Observation { return call(t, s, "DeleteModel", `{"modelName":"m"}`) }
	for name, c := range map[string]struct {
		history []*kind.Observation
		class   verdict.Class
		why     string
	}{
		"before":                            {[]*kind.Observation{create(1, inVPC)}, verdict.BVPC, ""},
		"in the same second":                {[]*kind.Observation{create(100, inVPC)}, verdict.BVPC, ""},
		"not there":                         {nil, verdict.Unknown, `the model "m" is not in the input DescribeModel m`},
		"only later":                        {[]*kind.Observation{create(101, inVPC)}, verdict.Unknown, "only later"},
		"deleted before":                    {[]*kind.Observation{create(1, inVPC), del(50)}, verdict.Unknown, "was deleted before"},
		"deleted in the same second":        {[]*kind.Observation{create(1, inVPC), del(100)}, verdict.BVPC, ""},
		"deleted later":                     {[]*kind.Observation{create(1, inVPC), del(101)}, verdict.BVPC, ""},
		"name reused":                       {[]*kind.Observation{create(1, inVPC), del(50), create(60, open)}, verdict.BInternet, ""},
		"name reused, the other way":        {[]*kind.Observation{create(1, open), del(50), create(60, inVPC)}, verdict.BVPC, ""},
		"reused later":                      {[]*kind.Observation{create(1, inVPC), del(150), create(160, open)}, verdict.BVPC, ""},
		"deletion not recorded":             {[]*kind.Observation{create(1, inVPC), create(60, open)}, verdict.BInternet, ""},
		"deleted and reused in one second":  {[]*kind.Observation{create(1, inVPC), del(50), create(50, open)}, verdict.BInternet, ""},
		"created and deleted in one second": {[]*kind.Observation{create(50, inVPC), del(50)}, verdict.Unknown, "created and deleted in the same second"},
		"deleted, created, unknown before":  {[]*kind.Observation{del(50), create(50, inVPC)}, verdict.Unknown, "created and deleted in the same second"},
		"reused in the reference's second":  {[]*kind.Observation{create(1, inVPC), del(100), create(100, open)}, verdict.Unknown, "changed in the same second"},
		"the same again in that second":     {[]*kind.Observation{create(1, inVPC), del(100), create(100, inVPC)}, verdict.BVPC, ""},
		"created twice in one second":       {[]*kind.Observation{create(50, inVPC), create(50, open)}, verdict.Unknown, "was created twice in the same second"},
		"twice the same in one second":      {[]*kind.Observation{create(50, inVPC), create(50, inVPC)}, verdict.BVPC, ""},
		"refused creation":                  {[]*kind.Observation{func() *kind.Observation { o := create(1, inVPC); o.Refused = "AccessDenied"; return o }()}, verdict.Unknown, "not in the input"},
		"request not recorded":              {[]*kind.Observation{create(1, `null`)}, verdict.Unknown, "requestParameters is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range c.history {
				if o.Key == "" {
					o.Key, o.Name = "m", "m" // as its ARN tells
				}
			}
			job := call(t, 100, "CreateTransformJob", use)
			class, why := classOf(index(append(c.history, job)...), job)
			if class != c.class || !strings.Contains(why, c.why) || c.why == "" && why != "" {
				t.Errorf("got %s (%s), want %s (%s)", class, why, c.class, c.why)
			}
			var backwards []*kind.Observation
			for _, o := range append(c.history, job) {
				backwards = append([]*kind.Observation{o}, backwards...)
			}
			if again, _ := classOf(index(backwards...), job); again != class {
				t.Errorf("in the other order it is %s, not %s", again, class)
			}
		})
	}
}

// TestScopes: what differs in partition, account, Region, kind or name is
// another resource.
func TestScopes(t *testing.T) {
	for name, edit := range map[string]func(*kind.Observation){
		"account":    func(o *kind.Observation) { o.Account = "444455556666" },
		"no account": func(o *kind.Observation) { o.Account = "" },
		"Region":     func(o *kind.Observation) { o.Region = "us-east-1" },
		"partition":  func(o *kind.Observation) { o.Partition = "aws-cn" },
		"name":       func(o *kind.Observation) { o.Key = "M" },
		"kind":       func(o *kind.Observation) { o.Row, _ = kind.Of(kind.EndpointConfig) },
		"no name":    func(o *kind.Observation) { o.Key = "" },
	} {
		model, job := call(t, 1, "CreateModel", inVPC), call(t, 2, "CreateTransformJob", use)
		edit(model)
		if class, why := classOf(index(model, job), job); class != verdict.Unknown || !strings.Contains(why, "not in the input") {
			t.Errorf("another %s resolves: %s (%s)", name, class, why)
		}
	}
}

func TestUndated(t *testing.T) {
	undated := func(o *kind.Observation) *kind.Observation { o.Time = time.Time{}; return o }
	job := call(t, 100, "CreateTransformJob", use)
	if class, _ := classOf(index(undated(call(t, 0, "CreateModel", inVPC)), job), job); class != verdict.BVPC {
		t.Errorf("an undated model does not resolve: %s", class)
	}
	if class, _ := classOf(index(undated(call(t, 0, "CreateModel", inVPC)), call(t, 50, "CreateModel", open), job), job); class != verdict.BInternet {
		t.Errorf("an undated model comes before a dated one: %s", class)
	}
	if class, _ := classOf(index(call(t, 200, "CreateModel", inVPC), undated(job)), job); class != verdict.BVPC {
		t.Errorf("an undated job does not see a dated model: %s", class)
	}
	if class, why := classOf(index(call(t, 1, "CreateModel", inVPC), call(t, 2, "DeleteModel", `{"modelName":"m"}`), undated(job)), job); class != verdict.Unknown || !strings.Contains(why, "deleted") {
		t.Errorf("an undated job sees a deleted model: %s (%s)", class, why)
	}
}

// TestChanges: what an update does not name stays as it was, and is unknown
// where that is not in the input.
func TestChanges(t *testing.T) {
	const (
		created = `{"domainId":"d-1","domainName":"ds","authMode":"IAM","vpcId":"vpc-1","subnetIds":["subnet-1"],"appNetworkAccessType":"VpcOnly","defaultUserSettings":{"securityGroups":["sg-1"]}}`
		opened  = `{"domainId":"d-1","appNetworkAccessType":"PublicInternetOnly"}`
		closed  = `{"domainId":"d-1","appNetworkAccessType":"VpcOnly"}`
		other   = `{"domainId":"d-1","defaultUserSettings":{"securityGroups":["sg-2"]}}`
	)
	create := func() *kind.Observation { return call(t, 1, "CreateDomain", created) }
	update := func(s int, doc string) *kind.Observation { return call(t, s, "UpdateDomain", doc) }
	del := call(t, 5, "DeleteDomain", `{"domainId":"d-1"}`)
	last := func(all ...*kind.Observation) (verdict.Class, string) { return classOf(index(all...), all[len(all)-1]) }

	for name, c := range map[string]struct {
		all   []*kind.Observation
		class verdict.Class
		why   string
	}{
		"opened":                        {[]*kind.Observation{create(), update(9, opened)}, verdict.C, ""},
		"other setting":                 {[]*kind.Observation{create(), update(9, other)}, verdict.BVPC, ""},
		"opened, then other setting":    {[]*kind.Observation{create(), update(8, opened), update(9, other)}, verdict.C, ""},
		"opened and closed":             {[]*kind.Observation{create(), update(7, opened), update(8, closed), update(9, other)}, verdict.BVPC, ""},
		"no creation":                   {[]*kind.Observation{update(9, closed)}, verdict.Unknown, "the configuration before it is not in the input"},
		"no creation, other setting":    {[]*kind.Observation{update(9, other)}, verdict.Unknown, "DescribeDomain d-1"},
		"creation later":                {[]*kind.Observation{call(t, 10, "CreateDomain", created), update(9, closed)}, verdict.Unknown, "not in the input"},
		"another incarnation":           {[]*kind.Observation{create(), del, update(9, closed)}, verdict.Unknown, "was deleted before"},
		"omitted":                       {[]*kind.Observation{create(), update(9, `{"domainId":"d-1","omitted":true}`)}, verdict.Unknown, "omitted"},
		"a setting omitted":             {[]*kind.Observation{create(), update(9, `{"domainId":"d-1","appNetworkAccessType":"VpcOnly","defaultUserSettings":{"omitted":true}}`)}, verdict.BVPC, "omitted"},
		"after one that was omitted":    {[]*kind.Observation{create(), update(8, `{"domainId":"d-1","omitted":true}`), update(9, other)}, verdict.Unknown, "omitted"},
		"profile after an omitted one":  {[]*kind.Observation{create(), update(8, `{"domainId":"d-1","omitted":true}`), call(t, 9, "CreateUserProfile", `{"domainId":"d-1","userProfileName":"ana"}`)}, verdict.Unknown, "omitted"},
		"two in its own second":         {[]*kind.Observation{create(), update(9, opened), update(9, other)}, verdict.Unknown, "changed twice in the same second"},
		"two that agree":                {[]*kind.Observation{create(), update(9, closed), update(9, other)}, verdict.BVPC, ""},
		"created in the same second":    {[]*kind.Observation{create(), update(1, closed)}, verdict.BVPC, ""},
		"two updates without creation":  {[]*kind.Observation{update(8, `{"domainId":"d-1","subnetIds":["subnet-1"]}`), update(9, closed)}, verdict.BVPC, ""},
		"two updates, mode not told":    {[]*kind.Observation{update(8, `{"domainId":"d-1","subnetIds":["subnet-1"]}`), update(9, other)}, verdict.Unknown, "not in the input"},
		"app after an update":           {[]*kind.Observation{create(), update(8, opened), call(t, 9, "CreateApp", `{"domainId":"d-1","spaceName":"s","appType":"JupyterLab","appName":"a"}`)}, verdict.C, `the space "d-1/s" is not in the input`},
		"app before an update":          {[]*kind.Observation{create(), update(10, opened), call(t, 9, "CreateApp", `{"domainId":"d-1","spaceName":"s","appType":"JupyterLab","appName":"a"}`)}, verdict.BVPC, ""},
		"app in the update's second":    {[]*kind.Observation{create(), update(9, opened), call(t, 9, "CreateApp", `{"domainId":"d-1","spaceName":"s","appType":"JupyterLab","appName":"a"}`)}, verdict.Unknown, "changed in the same second"},
		"two updates in one second":     {[]*kind.Observation{create(), update(8, opened), update(8, closed), call(t, 9, "CreateUserProfile", `{"domainId":"d-1","userProfileName":"ana"}`)}, verdict.Unknown, "changed twice in the same second"},
		"two that do not touch":         {[]*kind.Observation{create(), update(8, opened), update(8, other), call(t, 9, "CreateUserProfile", `{"domainId":"d-1","userProfileName":"ana"}`)}, verdict.C, ""},
		"deleted and updated, no order": {[]*kind.Observation{create(), update(5, opened), del, call(t, 9, "CreateUserProfile", `{"domainId":"d-1","userProfileName":"ana"}`)}, verdict.Unknown, "deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			class, why := last(c.all...)
			if class != c.class || !strings.Contains(why, c.why) {
				t.Errorf("got %s (%s), want %s (%s)", class, why, c.class, c.why)
			}
		})
	}
}

// TestRuns: a start has the network that was configured before.
func TestRuns(t *testing.T) {
	create := call(t, 1, "CreateNotebookInstance", `{"notebookInstanceName":"n","subnetId":"subnet-1","directInternetAccess":"Disabled"}`)
	start := call(t, 9, "StartNotebookInstance", `{"notebookInstanceName":"n"}`)
	if class, why := classOf(index(create, start), start); class != verdict.BVPC {
		t.Errorf("got %s (%s), want b-vpc", class, why)
	}
	p := index(create, start).Parts(start)[0].Posture
	if p.Where.VPC != "" || p.Subnets.List[0].Path != "" {
		t.Errorf("settings of another record have the paths %q and %q in this one", p.Where.VPC, p.Subnets.List[0].Path)
	}
	if class, _ := classOf(index(start), start); class != verdict.Unknown {
		t.Errorf("without the creation it is %s", class)
	}
	// A start changes nothing for those who come after it.
	update := call(t, 10, "UpdateNotebookInstance", `{"notebookInstanceName":"n","instanceType":"ml.t3.large"}`)
	if class, why := classOf(index(create, start, update), update); class != verdict.BVPC {
		t.Errorf("an update after a start is %s (%s)", class, why)
	}
}

// TestEvents: an event of SageMaker's own lacks settings that the creation told.
func TestEvents(t *testing.T) {
	row, native, _ := kind.ByDetailType("SageMaker Model State Change")
	doc, err := jsondoc.Parse([]byte(`{"ModelName":"m","ModelArn":"arn:aws:sagemaker:eu-west-1:111122223333:model/m"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	event := &kind.Observation{
		Row: row, Native: native, Time: at(3), Partition: "aws", Account: "111122223333", Region: "eu-west-1", Key: "m", Name: "m",
		Doc: doc, Base: "detail", Source: kind.Source{Type: kind.ShapeNative},
	}
	if class, why := classOf(index(event), event); class != verdict.Unknown || !strings.Contains(why, "not in this event") {
		t.Errorf("alone it is %s (%s)", class, why)
	}
	create := call(t, 1, "CreateModel", inVPC)
	if class, why := classOf(index(create, event), event); class != verdict.BVPC {
		t.Errorf("with the creation it is %s (%s)", class, why)
	}
	// What an event says is no history for others.
	job := call(t, 9, "CreateTransformJob", use)
	if class, _ := classOf(index(event, job), job); class != verdict.Unknown {
		t.Errorf("a job by an event is %s", class)
	}
}

// TestChains: an inference component by its endpoint, by its configuration; an
// endpoint by its configuration, by its models.
func TestChains(t *testing.T) {
	config := call(t, 2, "CreateEndpointConfig", `{"endpointConfigName":"c","productionVariants":[{"variantName":"v","modelName":"m"}]}`)
	endpoint := call(t, 3, "CreateEndpoint", `{"endpointName":"e","endpointConfigName":"c"}`)
	if class, why := classOf(index(call(t, 1, "CreateModel", inVPC), config, endpoint), endpoint); class != verdict.BVPC {
		t.Errorf("endpoint is %s (%s)", class, why)
	}
	if class, why := classOf(index(config, endpoint), endpoint); class != verdict.Unknown || !strings.Contains(why, `the model "m" is not in the input`) {
		t.Errorf("endpoint without its model is %s (%s)", class, why)
	}
	// The model that an endpoint starts with is the one of its own time.
	reused := []*kind.Observation{call(t, 0, "CreateModel", inVPC), call(t, 4, "DeleteModel", `{"modelName":"m"}`), call(t, 5, "CreateModel", open), config}
	later := call(t, 6, "CreateEndpoint", `{"endpointName":"e2","endpointConfigName":"c"}`)
	if class, _ := classOf(index(append(reused, later)...), later); class != verdict.BInternet {
		t.Errorf("endpoint after its model's name was reused is %s", class)
	}
	update := call(t, 8, "UpdateEndpoint", `{"endpointName":"e","endpointConfigName":"c2"}`)
	own := call(t, 7, "CreateEndpointConfig", `{"endpointConfigName":"c2","executionRoleArn":"r","vpcConfig":{"subnets":["subnet-2"],"securityGroupIds":["sg-2"]},"productionVariants":[{"variantName":"v2"}]}`)
	component := call(t, 9, "CreateInferenceComponent", `{"inferenceComponentName":"i","endpointName":"e","variantName":"v2"}`)
	ix := index(config, endpoint, own, update, component)
	if class, why := classOf(ix, component); class != verdict.BVPC {
		t.Errorf("component of the updated endpoint is %s (%s)", class, why)
	}
	if got := ix.Parts(component)[0].Posture.Subnets.Values(); len(got) != 1 || got[0] != "subnet-2" {
		t.Errorf("the component's subnets are %v", got)
	}
}

// TestOrder: the order in which records are read never matters.
func TestOrder(t *testing.T) {
	names := []string{"CreateModel", "DeleteModel", "CreateTransformJob", "CreateDomain", "UpdateDomain", "DeleteDomain", "CreateUserProfile", "UpdateUserProfile"}
	docs := map[string][]string{
		"CreateModel":        {inVPC, open},
		"DeleteModel":        {`{"modelName":"m"}`},
		"CreateTransformJob": {use},
		"CreateDomain":       {`{"domainId":"d","subnetIds":["subnet-1"],"appNetworkAccessType":"VpcOnly"}`, `{"domainId":"d","subnetIds":["subnet-1"]}`},
		"UpdateDomain":       {`{"domainId":"d","appNetworkAccessType":"VpcOnly"}`, `{"domainId":"d","appNetworkAccessType":"PublicInternetOnly"}`, `{"domainId":"d","subnetIds":["subnet-2"]}`},
		"DeleteDomain":       {`{"domainId":"d"}`},
		"CreateUserProfile":  {`{"domainId":"d","userProfileName":"ana"}`},
		"UpdateUserProfile":  {`{"domainId":"d","userProfileName":"ana","userSettings":{"securityGroups":["sg-1"]}}`},
	}
	rapid.Check(t, func(r *rapid.T) {
		var all []*kind.Observation
		for i := range rapid.IntRange(1, 12).Draw(r, "records") {
			name := rapid.SampledFrom(names).Draw(r, "call")
			o := call(t, rapid.IntRange(0, 5).Draw(r, "second"), name, rapid.SampledFrom(docs[name]).Draw(r, "request"))
			o.Source.ID = fmt.Sprint(i)
			all = append(all, o)
		}
		ix := index(all...)
		shuffled := index(rapid.Permutation(all).Draw(r, "order")...)
		for _, o := range all {
			if o.Deletes {
				continue
			}
			a, why := classOf(ix, o)
			b, other := classOf(shuffled, o)
			if a != b || why != other {
				r.Fatalf("%s at %v is %s (%s) in one order and %s (%s) in another", o.Source.Event, o.Time, a, why, b, other)
			}
			if p := ix.Parts(o); len(p) == 0 || p[0].Posture.Family == posture.Unassessed {
				r.Fatalf("%s has the parts %+v", o.Source.Event, p)
			}
		}
	})
}

func TestPipelineFile(t *testing.T) {
	row, _ := kind.Of(kind.Pipeline)
	o := &kind.Observation{Row: row, Source: kind.Source{Type: kind.ShapePipeline}}
	ix := New()
	ix.Add(o)
	if len(ix.resources) != 0 {
		t.Error("a definition without a name is kept for references")
	}
}

// described is a Describe response, dated as LastModifiedTime tells.
func described(t testing.TB, when time.Time, k kind.Kind, response string) *kind.Observation {
	t.Helper()
	doc, err := jsondoc.Parse([]byte(response), nil)
	if err != nil {
		t.Fatal(err)
	}
	row, _ := kind.Of(k)
	o := &kind.Observation{
		Row: row, Time: when, Partition: "aws", Account: "111122223333", Region: "eu-west-1", Doc: doc,
		Source: kind.Source{Type: kind.ShapeDescribe, Event: row.Describe.Name},
	}
	o.Key, o.Name = row.KeyOf(doc)
	return o
}

// TestTakenOver: an endpoint runs what its names meant when it was deployed.
func TestTakenOver(t *testing.T) {
	const ownOpen = `{"endpointConfigName":"c","productionVariants":[{"variantName":"v"}]}`
	const ownVPC = `{"endpointConfigName":"c","vpcConfig":{"subnets":["subnet-1"],"securityGroupIds":["sg-1"]},"productionVariants":[{"variantName":"v"}]}`
	byModel := call(t, 5, "CreateEndpointConfig", `{"endpointConfigName":"c","productionVariants":[{"variantName":"v","modelName":"m"}]}`)
	endpoint := call(t, 10, "CreateEndpoint", `{"endpointName":"e","endpointConfigName":"c"}`)
	reuse := func(first, then string) []*kind.Observation {
		return []*kind.Observation{
			call(t, 0, "CreateEndpointConfig", first), endpoint,
			call(t, 20, "DeleteEndpointConfig", `{"endpointConfigName":"c"}`), call(t, 30, "CreateEndpointConfig", then),
		}
	}
	models := []*kind.Observation{call(t, 0, "CreateModel", open), byModel, call(t, 20, "DeleteModel", `{"modelName":"m"}`), call(t, 30, "CreateModel", inVPC)}
	component := call(t, 40, "CreateInferenceComponent", `{"inferenceComponentName":"i","endpointName":"e"}`)
	response := described(t, at(50), kind.Endpoint, `{"EndpointName":"e","EndpointConfigName":"c"}`)
	start := call(t, 10, "StartPipelineExecution", `{"pipelineName":"p"}`)
	start.Key = "p/execution/1"
	retry := call(t, 30, "RetryPipelineExecution", `{"pipelineExecutionArn":"arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/1"}`)
	pipe := func(s int, call_, vpc string) *kind.Observation {
		return call(t, s, call_, `{"pipelineName":"p","pipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[{\"Name\":\"T\",\"Type\":\"Training\",\"Arguments\":{`+vpc+`}}]}"}`)
	}
	const inStep = `\"VpcConfig\":{\"Subnets\":[\"subnet-1\"],\"SecurityGroupIds\":[\"sg-1\"]}`
	for name, c := range map[string]struct {
		history []*kind.Observation
		judged  *kind.Observation
		class   verdict.Class
	}{
		"component, configuration reused":         {reuse(ownOpen, ownVPC), component, verdict.BInternet},
		"component, reused the other way":         {reuse(ownVPC, ownOpen), component, verdict.BVPC},
		"described, model reused":                 {append(models, endpoint), response, verdict.BInternet},
		"described, never seen, model reused":     {models, response, verdict.Unknown},
		"described, never seen":                   {[]*kind.Observation{models[3], byModel}, response, verdict.BVPC},
		"component after a Describe":              {append(models, endpoint, response), call(t, 60, "CreateInferenceComponent", `{"inferenceComponentName":"i","endpointName":"e"}`), verdict.BInternet},
		"retry of an execution, pipeline updated": {[]*kind.Observation{pipe(0, "CreatePipeline", ""), start, pipe(20, "UpdatePipeline", inStep)}, retry, verdict.BInternet},
		"execution after an update":               {[]*kind.Observation{pipe(0, "CreatePipeline", ""), pipe(5, "UpdatePipeline", inStep)}, start, verdict.BVPC},
		"transform job described later":           {append(models, call(t, 10, "CreateTransformJob", use)), described(t, at(50), kind.TransformJob, `{"TransformJobName":"t","ModelName":"m"}`), verdict.BInternet},
	} {
		t.Run(name, func(t *testing.T) {
			if class, why := classOf(index(append(c.history, c.judged)...), c.judged); class != c.class {
				t.Errorf("got %s (%s), want %s", class, why, c.class)
			}
		})
	}
}

// TestARNs: a reference by ARN means that account's, that Region's, that kind's.
func TestARNs(t *testing.T) {
	model := call(t, 1, "CreateModel", inVPC)
	for arn, want := range map[string]verdict.Class{
		"arn:aws:sagemaker:eu-west-1:111122223333:model/m":           verdict.BVPC,
		"arn:aws:sagemaker:eu-west-1:444455556666:model/m":           verdict.Unknown,
		"arn:aws:sagemaker:us-east-1:111122223333:model/m":           verdict.Unknown,
		"arn:aws-cn:sagemaker:eu-west-1:111122223333:model/m":        verdict.Unknown,
		"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/m": verdict.Unknown,
		"arn:aws:s3:eu-west-1:111122223333:model/m":                  verdict.Unknown,
	} {
		job := call(t, 2, "CreateTransformJob", `{"transformJobName":"t","modelName":"`+arn+`"}`)
		if class, why := classOf(index(model, job), job); class != want {
			t.Errorf("%s is %s (%s), want %s", arn, class, why, want)
		}
	}
}

// TestFractions: a Describe response tells fractions of a second, CloudTrail does
// not, so that within a second their order is not known.
func TestFractions(t *testing.T) {
	model := call(t, 20, "CreateModel", open)
	other := described(t, at(20).Add(100*time.Millisecond), kind.Model, `{"ModelName":"m","VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}}`)
	job := call(t, 30, "CreateTransformJob", use)
	if class, why := classOf(index(model, other, job), job); class != verdict.Unknown || !strings.Contains(why, "same second") {
		t.Errorf("two that differ: %s (%s)", class, why)
	}
	same := described(t, at(20).Add(100*time.Millisecond), kind.Model, `{"ModelName":"m","EnableNetworkIsolation":false}`)
	if class, why := classOf(index(model, same, job), job); class != verdict.BInternet {
		t.Errorf("two that agree: %s (%s)", class, why)
	}
}

// TestUndatedBeside: what has no time may be of another incarnation.
func TestUndatedBeside(t *testing.T) {
	undated := described(t, time.Time{}, kind.Model, `{"ModelName":"m","VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}}`)
	job := call(t, 10, "CreateTransformJob", use)
	if class, _ := classOf(index(undated, job), job); class != verdict.BVPC {
		t.Errorf("alone it is %s", class)
	}
	if class, _ := classOf(index(undated, call(t, 15, "DeleteModel", `{"modelName":"m"}`), call(t, 20, "CreateModel", inVPC), job), job); class != verdict.Unknown {
		t.Errorf("beside a later incarnation it is %s", class)
	}
}

// TestClusters: an attached interface stays, whatever a Describe response says,
// and a cluster goes by its name or by its ARN.
func TestClusters(t *testing.T) {
	create := call(t, 0, "CreateCluster", `{"clusterName":"ml","instanceGroups":[{"instanceGroupName":"g"}]}`)
	create.ARN = "arn:aws:sagemaker:eu-west-1:111122223333:cluster/abc123"
	attach := call(t, 10, "AttachClusterNodeNetworkInterface", `{"clusterName":"arn:aws:sagemaker:eu-west-1:111122223333:cluster/abc123","nodeId":"i-1","networkInterfaceId":"eni-1"}`)
	response := described(t, at(20), kind.Cluster, `{"ClusterName":"ml","ClusterStatus":"InService","InstanceGroups":[{"InstanceGroupName":"g"}]}`)
	add := call(t, 30, "BatchAddClusterNodes", `{"clusterName":"ml","nodesToAdd":[{}]}`)
	ix := index(create, attach, response, add)
	for _, o := range []*kind.Observation{attach, response, add} {
		if class, why := classOf(ix, o); class != verdict.C {
			t.Errorf("%s is %s (%s), want c", o.Source.Event, class, why)
		}
	}
	if class, _ := classOf(ix, create); class != verdict.BInternet {
		t.Errorf("the creation is %s, want b-internet", class)
	}
	subnets := ix.Parts(attach)[0].Posture.Subnets
	if !subnets.Unknown {
		t.Error("the subnet of an attached interface is taken for known")
	}
}

// TestLongHistory: many changes of one resource take no quadratic time.
func TestLongHistory(t *testing.T) {
	var all []*kind.Observation
	all = append(all, call(t, 0, "CreateDomain", `{"domainId":"d","subnetIds":["subnet-1"],"appNetworkAccessType":"VpcOnly"}`))
	for i := range 5000 {
		all = append(all, call(t, i+1, "UpdateDomain", `{"domainId":"d","appNetworkAccessType":"VpcOnly"}`), call(t, i+1, "CreateUserProfile", fmt.Sprintf(`{"domainId":"d","userProfileName":"u%d"}`, i)))
	}
	ix := index(all...)
	began := time.Now()
	for _, o := range all {
		if class, why := classOf(ix, o); class != verdict.BVPC {
			t.Fatalf("%s at %v is %s (%s)", o.Source.Event, o.Time, class, why)
		}
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("%d records took %v", len(all), d)
	}
}

// TestParametersMatter: two definitions that are the same by the defaults of
// their parameters are not the same for an execution that brings its own.
func TestParametersMatter(t *testing.T) {
	pipe := func(s int, name, isolation string) *kind.Observation {
		return call(t, s, name, `{"pipelineName":"p","pipelineDefinition":"{\"Version\":\"2020-12-01\",\"Parameters\":[{\"Name\":\"I\",\"Type\":\"Boolean\",\"DefaultValue\":true}],\"Steps\":[{\"Name\":\"T\",\"Type\":\"Training\",\"Arguments\":{\"EnableNetworkIsolation\":`+isolation+`}}]}"}`)
	}
	create := pipe(0, "CreatePipeline", `{\"Get\":\"Parameters.I\"}`)
	update := pipe(10, "UpdatePipeline", `true`)
	start := call(t, 10, "StartPipelineExecution", `{"pipelineName":"p","pipelineParameters":[{"name":"I","value":"false"}]}`)
	start.Key = "p/execution/1"
	if class, why := classOf(index(create, update, start), start); class != verdict.Unknown {
		t.Errorf("got %s (%s), want unknown", class, why)
	}
}

// TestKey: a cluster may be named by its id, and everything else by its name; stops
// make no history.
func TestKey(t *testing.T) {
	create := call(t, 0, "CreateCluster", `{"clusterName":"hyper"}`)
	create.ARN = "arn:aws:sagemaker:eu-west-1:111122223333:cluster/4xkabcdefghi"
	byID := call(t, 1, "DeleteCluster", `{"clusterName":"arn:aws:sagemaker:eu-west-1:111122223333:cluster/4xkabcdefghi"}`)
	model := call(t, 2, "CreateModel", `{"modelName":"m"}`)
	stop := call(t, 3, "CreateNotebookInstance", `{"notebookInstanceName":"n"}`)
	stop.Halts = true
	ix := index(create, byID, model, stop)
	for o, want := range map[*kind.Observation]string{create: "hyper", byID: "hyper", model: "m", stop: "n"} {
		if got := ix.Key(o); got != want {
			t.Errorf("%s: %q, want %q", o.Source.Event, got, want)
		}
	}
	if len(ix.all) != 3 {
		t.Errorf("%d are kept", len(ix.all))
	}
	if got := New().Key(model); got != "m" {
		t.Errorf("in an empty index: %q", got)
	}
}
