// Package kind is the table of the SageMaker AI resource kinds: one file a
// kind, one row a file. A row says which operations are the kind's, where its
// name and ARN are, how a record of it becomes a posture, what it refers to,
// whether its network can change later, and how a finding about it is closed.
// The table names operations; it holds no AWS client.
//
// # Adding a kind
//
// Write a file with a constant and a Row, add the row to [Table], and add
// testdata/<kind>/. Whatever is forgotten fails a test that says what.
package kind

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Kind names a kind as the resource type in its ARN does.
type Kind string

// EventSource is the event source of SageMaker AI in CloudTrail.
const EventSource = "sagemaker.amazonaws.com"

// Row is one line of the table.
type Row struct {
	Kind Kind
	// Words is the kind as a person says it: "training job".
	Words string
	// Key are the request members that name a resource of the kind, outermost
	// first. "A|B" is whichever is set.
	Key []string
	// Resource is the resource part of the ARN with the members of Key in
	// braces; empty where the ARN cannot be told from the name.
	Resource string
	// Calls are the operations that create or change what the row judges.
	Calls []Call
	// Deletes are the operations after which the name may mean another resource.
	Deletes []string
	// Describe returns the configuration of one resource.
	Describe Describe
	// Lists enumerate the kind, cheapest first.
	Lists []string
	// Stops halt what runs, in the order to try; empty where nothing can be halted.
	Stops []string
	// Ends says that it comes to an end by itself, as a job does.
	Ends bool
	// Fresh says that its network, or what it refers to, is known for certain only
	// from a Describe call: it can change later, or was taken over at a time that no
	// record tells exactly.
	Fresh bool
	// Natives are the events that SageMaker itself sends for the kind.
	Natives []Native
	// Changes says what of the network can change after creation; empty is nothing.
	Changes string
	// Refers are the kinds that decide where the row has no setting of its own.
	Refers []Reference
	// Owner is whose finding speaks for the resource, unless its own setting is at
	// fault: what it lives in. Parents are members of the Describe response with the
	// ARN of the job that started it, whose finding speaks for it too.
	Owner   Reference
	Parents []string
	// Snapshot says that what it refers to was taken over when the reference was
	// made: an endpoint runs the configuration, and the models, of its deployment,
	// whatever their names mean later. Otherwise a reference means what its name
	// means at the time.
	Snapshot bool
	// Closes says what really closes a finding of the kind.
	Closes string
	// Paste is the request fragment that closes it, with the allowed subnets
	// and security groups; nil where there is none to paste.
	Paste func(subnets, securityGroups []string, isolation bool) any
	// Doc is the API reference page that the row was written from.
	Doc string
	// CloudFormation and Terraform are the types by which templates and plans (of
	// the provider hashicorp/aws) create one; empty where there is no such type.
	CloudFormation, Terraform string

	// overlay merges a partial change into an older configuration where the
	// general way does not do.
	overlay func(base, update jsondoc.Value) jsondoc.Value
	// carry are members that calls add and the Describe response never returns.
	carry []string
	parts func(*reader) []Part
}

// Effect says what a call does to the configuration.
type Effect uint8

// The effects.
const (
	Creates  Effect = iota // a new resource with this configuration
	Replaces               // the members that the call names are replaced whole
	Changes                // what the call does not name, at any depth, stays as it was
	Runs                   // the configuration stays; code starts to run with it
)

// Call is an operation that creates or changes what a row judges.
type Call struct {
	Name   string
	Effect Effect
	// ARN is the response member that holds the resource's ARN; may be empty.
	ARN string
	// Result is the response member that holds the whole configuration after
	// the call; may be empty.
	Result string
	// Marks are members by which a request of this call is told from any other
	// when only the request is at hand, all of them required.
	Marks []string
	// Keys are the IAM condition keys that can deny the call by its network
	// settings, without the prefix "sagemaker:". From the Service Authorization
	// Reference: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
	Keys []string
}

// Describe is the operation that returns a resource's configuration.
type Describe struct {
	Name   string
	ARN    string   // response member with the ARN
	Status string   // response member with the status; empty: the kind has none
	Under  string   // response member that the configuration is nested under
	Marks  []string // further members by which a response is told from any other
	Lacks  []string // members of the request that the response never has
}

// Native is an event that SageMaker sends by itself (source aws.sagemaker).
// https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
type Native struct {
	DetailType string
	ARN        string // detail member with the resource's ARN; empty: the envelope's first resource
	Status     string // detail member with the status; empty: the same as in the Describe response
	// Whole says that a member which the event lacks was not set. Otherwise a
	// top-level member that it lacks is not known.
	Whole bool
	// Lacks are members that the event never carries, at any depth.
	Lacks []string
}

// Reference says that another kind decides.
type Reference struct {
	Kind   Kind
	Member string // the request member that names it
}

// Part is one configuration of a resource.
type Part struct {
	Name    string // empty where the resource has a single configuration
	Path    string // JSON path in the record
	Kind    Kind   // the kind whose settings these are
	Posture posture.Posture
}

// Of returns the row of a kind.
func Of(k Kind) (*Row, bool) {
	for _, row := range Table() {
		if row.Kind == k {
			return row, true
		}
	}
	return nil, false
}

// ByCall returns the row that claims an operation, and the call.
func ByCall(operation string) (*Row, *Call, bool) {
	e, ok := index().calls[operation]
	return e.row, e.call, ok
}

// ByDelete returns the row whose resources an operation deletes.
func ByDelete(operation string) (*Row, bool) {
	row, ok := index().deletes[operation]
	return row, ok
}

// ByStop returns the row whose resources an operation stops, without deleting
// them.
func ByStop(operation string) (*Row, bool) {
	row, ok := index().stops[operation]
	return row, ok
}

// ByDetailType returns the row that a native event is about.
func ByDetailType(detailType string) (*Row, *Native, bool) {
	for _, row := range Table() {
		for i := range row.Natives {
			if row.Natives[i].DetailType == detailType {
				return row, &row.Natives[i], true
			}
		}
	}
	return nil, nil, false
}

// ByDescribe finds the row whose Describe response the document is, by its
// content. ok is false where it is none.
func ByDescribe(doc jsondoc.Value) (row *Row, ok bool) {
	for _, row := range Table() {
		d := doc
		if row.Describe.Under != "" {
			d = doc.Get(row.Describe.Under)
		}
		arn, ok := ParseARN(d.Get(row.Describe.ARN).Str())
		if !ok || arn.Service != "sagemaker" || !row.owns(arn) {
			continue
		}
		if all(row.Describe.Marks, d) {
			return row, true
		}
	}
	return nil, false
}

func all(members []string, doc jsondoc.Value) bool {
	return !slices.ContainsFunc(members, func(m string) bool { return !has(m, doc) })
}

func has(member string, doc jsondoc.Value) bool { return doc.Get(member).Kind() != jsondoc.Absent }

// owns says whether the ARN is of the row's resource type. Some native events
// write other types: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
func (r *Row) owns(arn ARN) bool {
	execution := strings.Contains(arn.ID, "/execution/")
	if r.Kind == PipelineExecution {
		return arn.Type == string(Pipeline) && execution
	}
	return arn.Type == string(r.Kind) && (r.Kind != Pipeline || !execution)
}

// Operations lists every operation that some row claims, sorted.
func Operations() []string {
	var out []string
	for _, row := range Table() {
		for _, c := range row.Calls {
			out = append(out, c.Name)
		}
	}
	slices.Sort(out)
	return out
}

// KeyOf is the key under which references find a resource that a request, an
// event or a response names, and the part of it that people call its name. A
// member may hold an ARN in place of a name.
func (r *Row) KeyOf(docs ...jsondoc.Value) (key, name string) {
	parts := make([]string, 0, len(r.Key))
	for _, alternatives := range r.Key {
		found := ""
		for member := range strings.SplitSeq(alternatives, "|") {
			for _, doc := range docs {
				if found == "" {
					found = keyPart(doc.Get(member))
				}
			}
		}
		if found == "" {
			return "", ""
		}
		if arn, ok := ParseARN(found); ok {
			found = arn.ID
		}
		parts = append(parts, found)
	}
	return strings.Join(parts, "/"), parts[len(parts)-1]
}

// Sign is what stands for a resource of a template or a plan where its name would:
// the resource has one only when it is there. address is what it is called in the
// document: a logical ID, a Terraform address. No name can begin as it does. A value
// that is going to name the resource is [jsondoc.Pending] with it.
func Sign(address string) string { return "@" + address }

// spoken is a key as people read it.
func spoken(key string) string { return strings.TrimPrefix(key, Sign("")) }

func isSign(key string) bool { return strings.HasPrefix(key, "@") }

// keyPart is what a value gives to a key: a text, or the sign of what it is going
// to name.
func keyPart(v jsondoc.Value) string {
	if what := v.What(); isSign(what) {
		return what
	}
	return v.Str()
}

// Build is the ARN of the resource with the given key, or "" where it cannot
// be told.
func (r *Row) Build(partition, region, account, key string) string {
	if r.Resource == "" || partition == "" || region == "" || account == "" || key == "" {
		return ""
	}
	before, _, _ := strings.Cut(r.Resource, "{")
	return "arn:" + partition + ":sagemaker:" + region + ":" + account + ":" + before + key
}

// ARN is a parsed Amazon Resource Name of the form
// arn:partition:service:region:account:type/id.
type ARN struct{ Partition, Service, Region, Account, Type, ID string }

// ParseARN reads an ARN. ok is false where s is none.
func ParseARN(s string) (ARN, bool) {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" {
		return ARN{}, false
	}
	typ, id, _ := strings.Cut(f[5], "/")
	return ARN{f[1], f[2], f[3], f[4], typ, id}, true
}

// Partition is the partition that a Region belongs to.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
func Partition(region string) string {
	switch {
	case region == "":
		return ""
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "us-isof-"):
		return "aws-iso-f"
	case strings.HasPrefix(region, "eu-isoe-"):
		return "aws-iso-e"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	default:
		return "aws"
	}
}
