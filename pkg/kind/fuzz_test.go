package kind

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// written is a value as JSON.
func written(v jsondoc.Value) string {
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v jsondoc.Value) {
	quoted := func(s string) string {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	switch v.Kind() {
	case jsondoc.Bool:
		value, _ := v.Bool()
		b.WriteString(map[bool]string{true: "true", false: "false"}[value])
	case jsondoc.Number:
		literal, _ := v.Literal()
		b.WriteString(literal)
	case jsondoc.String:
		b.WriteString(quoted(v.Str()))
	case jsondoc.Array, jsondoc.Object:
		ends := map[jsondoc.Kind]string{jsondoc.Array: "[]", jsondoc.Object: "{}"}[v.Kind()]
		b.WriteByte(ends[0])
		for i, m := range v.Members() {
			if i > 0 {
				b.WriteByte(',')
			}
			if v.Kind() == jsondoc.Object {
				b.WriteString(quoted(m.Name) + ":")
			}
			write(b, m.Value)
		}
		b.WriteByte(ends[1])
	default:
		b.WriteString("null")
	}
}

// records are all records that a document can be of a row: each shape, each
// call, each event.
func records(row *Row, doc jsondoc.Value) []Record {
	var out []Record
	add := func(o Observation) {
		o.Row, o.Doc, o.Key = row, doc, "it"
		rec := o.Record()
		rec.Base = "record"
		out = append(out, rec)
	}
	for i := range row.Calls {
		add(Observation{Source: Source{Type: ShapeRequest}, Call: &row.Calls[i]})
		add(Observation{Source: Source{Type: ShapeCloudTrail}, Call: &row.Calls[i]})
		add(Observation{Source: Source{Type: ShapeCloudTrail}, Call: &row.Calls[i], Response: doc})
	}
	for i := range row.Natives {
		add(Observation{Source: Source{Type: ShapeNative}, Native: &row.Natives[i]})
	}
	add(Observation{Source: Source{Type: ShapeDescribe}})
	return append(out, Record{Doc: row.Overlay(doc, doc, Changes), Base: "record"}, Record{Doc: row.Overlay(doc, doc, Replaces), Base: "record"})
}

// evidence is what in a document could bear out a verdict.
type evidence struct {
	isolated bool // some EnableNetworkIsolation is true
	subnet   bool // some member for subnets holds an id that can be one
	attached bool // some NetworkInterfaceId is there
	// definition says that a string in the document is a pipeline's definition.
	// In one, values can come from parameters.
	definition bool
}

// look gathers evidence, also from documents in strings.
func look(v jsondoc.Value, below string, e *evidence) {
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			return below == n || below == lowerFirst(n)
		})
	}
	switch v.Kind() {
	case jsondoc.Bool:
		if on, _ := v.Bool(); on && is("EnableNetworkIsolation") {
			e.isolated = true
		}
	case jsondoc.String:
		s := v.Str()
		if is("Subnets", "SubnetIds", "SubnetId", "Ec2SubnetId", "Ec2SubnetIds") && s != "" && s != jsondoc.Hidden && !strings.HasPrefix(s, "sg-") && !strings.HasPrefix(s, "vpc-") {
			e.subnet = true
		}
		if is("NetworkInterfaceId") {
			e.attached = true
		}
		if strings.HasPrefix(strings.TrimSpace(s), "{") {
			if inner, err := jsondoc.Parse([]byte(s), nil); err == nil {
				if inner.Get("Steps").Kind() != jsondoc.Absent {
					e.definition = true
				}
				look(inner, "", e)
			}
		}
	case jsondoc.Array, jsondoc.Object:
		for _, m := range v.Members() {
			name := below
			if v.Kind() == jsondoc.Object {
				name = m.Name
			}
			look(m.Value, name, e)
		}
	case jsondoc.Absent, jsondoc.Null, jsondoc.Number, jsondoc.Unknown:
		if is("NetworkInterfaceId") && !v.Empty() {
			e.attached = true
		}
	}
}

// noCode are the kinds of which a configuration can run no code of ours.
var noCode = []Kind{LabelingJob, Algorithm, Workforce, Workteam, Pipeline, PipelineExecution}

// check holds what is said of a document, in every form, to what is in it.
func check(t *testing.T, doc jsondoc.Value) {
	t.Helper()
	var e evidence
	look(doc, "", &e)
	same := func(Ask) (Record, string) { return Record{Doc: doc}, "" }
	for _, row := range Table() {
		pipelines := e.definition && (row.Kind == Pipeline || row.Kind == PipelineExecution)
		for _, rec := range records(row, doc) {
			for _, lookup := range []Lookup{nil, same} {
				parts := row.Parts(rec, lookup)
				if len(parts) == 0 {
					t.Fatalf("%s: no part of %s", row.Kind, written(doc))
				}
				for _, p := range parts {
					fail := func(why string) {
						t.Helper()
						t.Errorf("%s: %q of %s: %s", row.Kind, said(p), written(doc), why)
					}
					f := p.Posture
					switch class := verdict.Of(f).Class; {
					case class == verdict.A && !e.isolated && !pipelines:
						fail("nothing says that the container is isolated")
					case (class == verdict.BVPC || class == verdict.C && f.Family != posture.Cluster) && !e.subnet && !pipelines:
						fail("nothing names a subnet")
					case class == verdict.C && f.Family == posture.Cluster && !e.attached:
						fail("no interface is attached")
					case class == verdict.NotApplicable && !slices.Contains(noCode, row.Kind):
						fail("code runs in every resource of the kind")
					case class == verdict.Unknown && len(f.Reasons) == 0 && (f.VPC != posture.No || f.DirectInternet != posture.No):
						fail("unknown for no reason")
					}
					if f.Workers == posture.Yes && f.VPC != posture.Yes && len(f.Subnets.List) == 0 && f.VPCID.Value == "" && !strings.Contains(written(doc), "idrs") {
						fail("nothing says from where workers may come in")
					}
					for _, path := range placesOf(p) {
						if path != "" && !strings.HasPrefix(path, "record") && !strings.HasPrefix(path, "responseElements") {
							fail("the path " + path + " is not in the record")
						}
					}
				}
			}
		}
	}
}

// placesOf are all paths that a part names.
func placesOf(p Part) []string {
	w := p.Posture.Where
	out := []string{p.Path, w.VPC, w.Isolation, w.DirectInternet, w.Encrypted, w.Workers, p.Posture.VPCID.Path}
	for _, id := range slices.Concat(p.Posture.Subnets.List, p.Posture.SecurityGroups.List) {
		out = append(out, id.Path)
	}
	for _, a := range p.Posture.Access {
		out = append(out, a.Path)
	}
	for _, r := range p.Posture.Reasons {
		out = append(out, r.Path)
	}
	return out
}

func FuzzParts(f *testing.F) {
	for _, row := range Table() {
		for _, c := range row.Calls {
			op := sdkmodel.Operations()[c.Name]
			whole := sdkmodel.Full(op.Input, realDocuments)
			f.Add([]byte(written(whole)))
			f.Add([]byte(written(sdkmodel.Without(whole, "ServerlessConfig", "TrainingJobDefinition", "NetworkConfig"))))
			f.Add([]byte(written(sdkmodel.Only(whole, op.Required...))))
		}
	}
	for _, doc := range other {
		f.Add([]byte(doc))
	}
	for _, doc := range []string{
		`null`, `7`, `"x"`, `[]`, `{}`, `[{}]`, `{"omitted":true}`, `"HIDDEN_DUE_TO_SECURITY_REASONS"`,
		`{"vpcConfig":{"subnets":["subnet-1"]},"enableNetworkIsolation":true}`,
		`{"VpcConfig":"HIDDEN_DUE_TO_SECURITY_REASONS","EnableNetworkIsolation":"HIDDEN_DUE_TO_SECURITY_REASONS"}`,
		`{"VpcConfig":{"omitted":true},"NetworkConfig":{"omitted":true}}`,
		`{"InstanceGroups":[{"OverrideVpcConfig":{"Subnets":[""]}}],"NetworkInterfaceId":"eni-1"}`,
		`{"SubnetId":"subnet-1","DirectInternetAccess":"Disabled"}`,
		`{"ProductionVariants":[{"ModelName":"m","ServerlessConfig":{}}],"ModelName":{"Get":"Steps.X.ModelName"}}`,
		`{"PipelineDefinition":"{\"Version\":\"2020-12-01\",\"Steps\":[{\"Name\":\"T\",\"Type\":\"Training\",\"Arguments\":{\"EnableNetworkIsolation\":true}},{\"Name\":\"E\",\"Type\":\"EMR\",\"Arguments\":{\"ClusterConfig\":{\"Instances\":{\"Ec2SubnetId\":\"subnet-1\"}}}}]}","PipelineName":"p"}`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := jsondoc.Parse(data, FreeForm())
		if err != nil {
			t.Skip()
		}
		check(t, doc)
	})
}

// TestNothingRecordedIsNeverAPass: of every kind, a request that the record does
// not have is unknown, whatever the call.
func TestNothingRecordedIsNeverAPass(t *testing.T) {
	for _, row := range Table() {
		for _, c := range row.Calls {
			for _, doc := range []string{`null`, `{}`, `{"omitted":true}`, `"HIDDEN_DUE_TO_SECURITY_REASONS"`, `7`, `["x"]`} {
				if doc == `{}` && c.Effect == Creates && c.Name != "CreateJob" {
					// It cannot be sent: each call that creates must name something.
					continue
				}
				o := &Observation{Row: row, Call: &c, Source: Source{Type: ShapeCloudTrail}, Doc: parse(t, doc)}
				for _, p := range row.Parts(o.Record(), nil) {
					v := verdict.Of(p.Posture)
					switch row.Kind {
					case Workforce:
						if p.Posture.Workers != posture.Unknown {
							t.Errorf("%s with %s: workers come from known places: %s, want unknown", c.Name, doc, p.Posture.Workers)
						}
					case Workteam:
						if v.Class != verdict.NotApplicable {
							t.Errorf("%s with %s is %s, want n/a", c.Name, doc, v.Class)
						}
					default:
						if v.Class != verdict.Unknown {
							t.Errorf("%s with %s is %s, want unknown", c.Name, doc, v.Class)
						}
					}
				}
			}
		}
	}
}
