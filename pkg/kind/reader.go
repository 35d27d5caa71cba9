package kind

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/pipeline"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// Absence says what it means that a member is not in a record.
type Absence uint8

// The meanings.
const (
	// AbsentIsDefault: the whole configuration was recorded, so what is absent
	// was not set and has the API's default.
	AbsentIsDefault Absence = iota
	// AbsentAtTopIsUnknown: the record holds some members whole; one that it
	// lacks is not known.
	AbsentAtTopIsUnknown
	// AbsentIsUnknown: the record names only what changed, at any depth.
	AbsentIsUnknown
)

// Record is what is known of one resource's configuration.
type Record struct {
	Doc  jsondoc.Value
	Base string // JSON path of Doc in the record that is judged
	// Shape is the form in which it was told, which decides how members are spelled
	// and how loosely values are written.
	Shape   Shape
	Absence Absence
	Why     string   // why what is absent is unknown
	Lacks   []string // members that this shape never carries
	Call    string   // the operation, where one is known
	Look    string   // the AWS call that would tell what is missing
	Ref     bool     // the record is another one than the one that is judged
	Scope   Scope    // where the resource is, and what it refers to unless an ARN says otherwise
	// Time is when what it refers to is taken over; see [Row.Snapshot].
	Time time.Time
	// Unsure says that the record does not tell when that was.
	Unsure bool
}

// Scope is where a resource is. Names mean nothing beyond it.
type Scope struct {
	Partition, Account, Region string
	// Document is the template or plan that a resource stands in before it is
	// there; empty for all others.
	Document string
}

// Ask is what a reference asks for: the configuration of a resource as it was
// at a time. A zero time asks for the latest.
type Ask struct {
	Kind  Kind
	Key   string
	Scope Scope
	At    time.Time
	// Unsure says that the time is not certain, so that the answer is known only
	// where the name never meant anything else.
	Unsure bool
}

// Lookup finds the configuration that a reference asks for. why says what is
// missing where it finds none.
type Lookup func(Ask) (rec Record, why string)

// Parts reads the configurations of a resource. It is total: what cannot be
// read is unknown, with its reason.
func (r *Row) Parts(rec Record, lookup Lookup) []Part {
	parts := r.parts(&reader{Record: rec, row: r, of: Of, lookup: lookup, asOf: rec.Time})
	for i := range parts {
		if parts[i].Kind == "" {
			parts[i].Kind = r.Kind
		}
	}
	return parts
}

// reader reads the members of one configuration.
type reader struct {
	Record
	row    *Row
	of     func(Kind) (*Row, bool) // the table, which the table's own rows cannot name
	lookup Lookup
	asOf   time.Time                         // the time as of which references resolve
	depth  int                               // references followed so far
	step   func(name string) (*reader, bool) // a step of the pipeline that the configuration stands in
	alone  bool                              // a pipeline: its steps cannot refer to each other
	heard  func(path string)                 // tests: told of every member that is read
}

// field is a member as it was found, or was not.
type field struct {
	value jsondoc.Value
	path  string // "" where it is not in the record that is judged
	depth int    // members above it
	// known says that an absent value has the API's default.
	known bool
}

// set says whether there is a value.
func (f field) set() bool { return !f.value.Empty() }

// unset says whether it is certain that there is no value.
func (f field) unset() bool { return f.value.Empty() && f.known }

// root is the whole document.
func (r *reader) root() field { return field{value: r.Doc, path: r.Base, known: true} }

// at finds the member at a path of API names, for example NetworkConfig.VpcConfig.
func (r *reader) at(path string) field { return r.below(r.root(), path) }

// below finds the member at a path under a field.
func (r *reader) below(f field, path string) field {
	for name := range strings.SplitSeq(path, ".") {
		spelled := name
		if m, ok := f.value.Find(name); ok {
			spelled = m.Name
		} else if r.Shape == ShapeCloudTrail {
			spelled = lowerFirst(name)
		}
		if r.Shape == ShapePlan {
			spelled = Snake(spelled)
		}
		parent := f
		f = field{value: parent.value.Get(name), path: join(parent.path, spelled), depth: parent.depth + 1}
		f.known = r.tells(parent, f, name)
		if r.heard != nil {
			r.heard(f.path)
		}
	}
	if f.value.Inherited() || r.Ref {
		f.path = ""
	}
	return f
}

// tells says whether an empty member means that the API's default is in force.
func (r *reader) tells(parent, f field, name string) bool {
	switch {
	case f.set():
		return true
	case !parent.known:
		return false
	case r.Absence == AbsentIsUnknown:
		return false
	case f.value.Kind() != jsondoc.Absent && f.value.Kind() != jsondoc.Null:
		return true // {}, [] or "": written, and empty
	case slices.Contains(r.Lacks, name):
		return false
	default:
		return r.Absence == AbsentIsDefault || parent.depth > 0
	}
}

// each returns the elements of the list at a field.
func (r *reader) each(f field) []field {
	if f.value.Kind() != jsondoc.Array {
		return nil
	}
	out := make([]field, 0, f.value.Len())
	for i, m := range f.value.Members() {
		path := ""
		if f.path != "" && !m.Value.Inherited() {
			path = f.path + "[" + strconv.Itoa(i) + "]"
		}
		if r.heard != nil {
			r.heard(f.path + "[]")
		}
		out = append(out, field{value: m.Value, path: path, depth: f.depth + 1, known: true})
	}
	return out
}

// lowerFirst is a member's name as CloudTrail writes it.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// Snake is a member's name as Terraform writes it: EnableSSMAccess is
// enable_ssm_access.
func Snake(name string) string {
	upper := func(i int) bool { return i < len(name) && name[i] >= 'A' && name[i] <= 'Z' }
	var b strings.Builder
	for i := range len(name) {
		// A capital begins a word, unless it stands among others.
		if i > 0 && upper(i) && (!upper(i-1) || i+1 < len(name) && !upper(i+1)) {
			b.WriteByte('_')
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}

func join(base, name string) string {
	if base == "" {
		return name
	}
	return base + "." + name
}

// why explains why a field's value is not known.
func (r *reader) why(f field) posture.Reason {
	reason := posture.Reason{Path: f.path, Look: r.Look}
	switch {
	case f.value.Why() != "":
		reason.Why = f.value.Why()
	case f.value.Empty():
		reason.Why = r.Why
		if reason.Why == "" {
			reason.Why = "not in this record"
		}
	default:
		reason.Why = fmt.Sprintf("found %s, which is not understood here", f.value.Kind())
	}
	return reason
}

// fact reads a true or false; absent is the API's default.
func (r *reader) fact(p *posture.Posture, f field, absent posture.Fact) posture.Fact {
	if f.unset() {
		return absent
	}
	if b, ok := f.value.Bool(); ok {
		return posture.Of(b)
	}
	// A parameter of a template has no truth values, so that CloudFormation takes
	// their names. https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md (E3012)
	if s := f.value.Str(); r.Shape == ShapeTemplate && (s == "true" || s == "false") {
		return posture.Of(s == "true")
	}
	p.Reasons = append(p.Reasons, r.why(f))
	return posture.Unknown
}

// choice reads an enumeration; absent is the API's default.
func (r *reader) choice(p *posture.Posture, f field, absent posture.Fact, values map[string]posture.Fact) posture.Fact {
	if f.unset() {
		return absent
	}
	if v, ok := values[f.value.Str()]; ok && f.value.Kind() == jsondoc.String {
		return v
	}
	reason := r.why(f)
	if s, ok := f.value.Text(); ok && s != "" {
		reason.Why = fmt.Sprintf("found %q, which is not a value known for it", s)
	}
	p.Reasons = append(p.Reasons, reason)
	return posture.Unknown
}

// ids reads a list of ids. A single string is a list of one.
func (r *reader) ids(p *posture.Posture, f field) posture.IDs {
	var out posture.IDs
	if f.unset() {
		return out
	}
	elements := []field{f}
	if f.value.Kind() == jsondoc.Array {
		elements = r.each(f)
	}
	for _, e := range elements {
		if s, ok := e.value.Text(); ok {
			out.List = append(out.List, posture.ID{Value: s, Path: e.path})
			continue
		}
		if e.value.Kind() == jsondoc.Null {
			out.List = append(out.List, posture.ID{Path: e.path})
			continue
		}
		out.Unknown = true
		certain, reason := e.value.What() == SubnetID, r.why(e)
		out.Certain, reason.Ids = out.Certain || certain, certain
		p.Reasons = append(p.Reasons, reason)
	}
	return out
}

// groups reads a list of the ids of security groups, which decide no class.
func (r *reader) groups(p *posture.Posture, f field) posture.IDs {
	before := len(p.Reasons)
	out := r.ids(p, f)
	for i := range p.Reasons[before:] {
		p.Reasons[before+i].Ids = true
	}
	return out
}

// SubnetID is what a value of a template or a plan is going to be
// ([jsondoc.Value.What]) where it is certain that it is the id of a subnet, or a
// list of at least one.
const SubnetID = "subnet"

// hasSubnet says whether a list of subnets names a VPC: an id that can be a
// subnet's. An id of another type in the list leaves it unknown.
func hasSubnet(subnets posture.IDs) posture.Fact {
	if subnets.Certain {
		return posture.Yes
	}
	seen := subnets.Unknown
	for _, id := range subnets.List {
		switch {
		case id.Value == "":
		case strings.HasPrefix(id.Value, "sg-"), strings.HasPrefix(id.Value, "vpc-"):
			seen = true
		default:
			return posture.Yes
		}
	}
	if seen {
		return posture.Unknown
	}
	return posture.No
}

// vpc reads a VpcConfig: Subnets and SecurityGroupIds below the field.
func (r *reader) vpc(p *posture.Posture, f field) {
	p.Where.VPC = f.path
	p.VPC = posture.No
	if f.unset() {
		return
	}
	if f.value.Kind() != jsondoc.Object {
		p.VPC = posture.Unknown
		p.Subnets.Unknown, p.SecurityGroups.Unknown = true, true
		p.Reasons = append(p.Reasons, r.why(f))
		return
	}
	p.Subnets = r.ids(p, r.below(f, "Subnets"))
	p.SecurityGroups = r.groups(p, r.below(f, "SecurityGroupIds"))
	p.VPC = hasSubnet(p.Subnets)
}

// access reads a switch that lets people in.
func (r *reader) access(p *posture.Posture, way posture.Way, f field, values map[string]posture.Fact) {
	var state posture.Fact
	if values == nil {
		state = r.fact(p, f, posture.No)
	} else {
		state = r.choice(p, f, posture.No, values)
	}
	p.Access = append(p.Access, posture.Access{Way: way, State: state, Path: f.path})
}

// onOff are the values of SageMaker's ENABLED and DISABLED enumerations.
func onOff() map[string]posture.Fact {
	return map[string]posture.Fact{"ENABLED": posture.Yes, "DISABLED": posture.No}
}

// where are the settings of a container's network, as paths of API names.
type where struct {
	VPC       string
	Isolation string // empty: the kind has no such switch
	Encrypted string // empty: the kind has no such switch
}

// container reads the network of code that runs in containers.
func (r *reader) container(w where) posture.Posture {
	return r.containerBelow(r.root(), w)
}

func (r *reader) containerBelow(f field, w where) posture.Posture {
	p := blank(posture.Container)
	p.Isolation, p.Encrypted = posture.NotApplicable, posture.NotApplicable
	r.vpc(&p, r.below(f, w.VPC))
	if w.Isolation != "" {
		g := r.below(f, w.Isolation)
		p.Where.Isolation = g.path
		p.Isolation = r.fact(&p, g, posture.No)
	}
	if w.Encrypted != "" {
		g := r.below(f, w.Encrypted)
		p.Where.Encrypted = g.path
		p.Encrypted = r.fact(&p, g, posture.No)
	}
	return p
}

// blank is a posture of a family in which nothing is known, and what the family
// does not have is n/a.
func blank(family posture.Family) posture.Posture {
	p := posture.Posture{
		Family:         family,
		Isolation:      posture.NotApplicable,
		DirectInternet: posture.NotApplicable,
		Attached:       posture.NotApplicable,
		Encrypted:      posture.NotApplicable,
		Workers:        posture.NotApplicable,
	}
	switch family {
	case posture.Container:
		p.Isolation, p.Encrypted = posture.Unknown, posture.Unknown
	case posture.Notebook, posture.Studio:
		p.DirectInternet = posture.Unknown
	case posture.Cluster:
		p.Attached = posture.Unknown
	case posture.NoCode:
		p.VPC = posture.NotApplicable
	case posture.Unassessed:
		p.Isolation, p.DirectInternet, p.Attached = posture.Unknown, posture.Unknown, posture.Unknown
		p.Encrypted = posture.Unknown
	}
	return p
}

// unknown is a posture of a family of which nothing is known, and why.
func unknown(family posture.Family, reasons ...posture.Reason) posture.Posture {
	p := blank(family)
	p.Subnets.Unknown, p.SecurityGroups.Unknown = true, true
	p.Reasons = reasons
	return p
}

// serverless is the posture of what runs in the service's own network, with no
// way to choose: no VPC, no isolation.
func serverless(path string) posture.Posture {
	p := blank(posture.Container)
	p.Isolation, p.Encrypted = posture.NotApplicable, posture.NotApplicable
	p.VPC = posture.No
	p.Where.VPC = path
	return p
}

// single is the list of the one configuration that a resource has.
func single(p posture.Posture) []Part { return []Part{{Posture: p}} }

// maxReferences bounds how far references are followed: an inference component,
// its endpoint, the endpoint's configuration, the configuration's model.
const maxReferences = 8

// refer finds the configuration of another resource that a field names.
func (r *reader) refer(k Kind, f field, more ...field) (*reader, posture.Reason) {
	row, ok := r.of(k)
	if !ok {
		return nil, r.why(f)
	}
	if step, member, ok := pipeline.StepRef(f.value); ok && r.step != nil {
		if len(row.Key) > 0 && row.Key[len(row.Key)-1] == member {
			if s, ok := r.step(step); ok && s.row == row {
				return s, posture.Reason{}
			}
		}
	}
	ask := Ask{Kind: k, Key: keyPart(f.value), Scope: r.Scope, At: r.asOf, Unsure: r.Unsure}
	if ask.Key == "" {
		return nil, r.why(f)
	}
	reason := posture.Reason{Path: f.path}
	if arn, ok := ParseARN(ask.Key); ok {
		if arn.Service != "sagemaker" || !row.owns(arn) {
			reason.Why = "names something that is no " + row.Words
			return nil, reason
		}
		ask.Key, ask.Scope = arn.ID, Scope{Partition: arn.Partition, Account: arn.Account, Region: arn.Region}
	}
	sign := isSign(ask.Key)
	if !sign {
		for i := range more {
			ask.Key = keyPart(more[len(more)-1-i].value) + "/" + ask.Key
		}
	}
	key := ask.Key
	if r.Scope.Document == "" {
		reason.Look = row.Describe.Name + " " + key
	}
	if r.depth >= maxReferences {
		reason.Why = "references go too deep"
		return nil, reason
	}
	if r.lookup == nil {
		reason.Why = fmt.Sprintf("the %s %q is not in the input", row.Words, spoken(key))
		return nil, reason
	}
	rec, why := r.lookup(ask)
	if why != "" {
		if reason.Why = why; sign && f.value.Why() != "" {
			reason.Why = f.value.Why() // it names something of another kind
		}
		return nil, reason
	}
	rec.Ref = true
	rec.Look = reason.Look
	next := &reader{Record: rec, row: row, of: r.of, lookup: r.lookup, asOf: r.asOf, depth: r.depth + 1}
	if row.Snapshot {
		next.asOf = rec.Time
	} else {
		next.Unsure = r.Unsure
	}
	return next, posture.Reason{}
}

// borrow are the parts of another resource, which decide for the one that is
// judged. Its settings are not in the record; path is what leads to them.
func borrow(parts []Part, path string) []Part {
	out := slices.Clone(parts)
	for i := range out {
		if out[i].Path == "" {
			out[i].Path = path
		}
		p := &out[i].Posture
		p.Where = posture.Where{Isolation: path, VPC: path, DirectInternet: path, Encrypted: path, Workers: path}
		p.Subnets.List, p.SecurityGroups.List = unplaced(p.Subnets.List), unplaced(p.SecurityGroups.List)
		p.VPCID.Path = ""
		p.Access = slices.Clone(p.Access)
		for j := range p.Access {
			p.Access[j].Path = path
		}
		p.Reasons = slices.Clone(p.Reasons)
		for j := range p.Reasons {
			if p.Reasons[j].Path == "" {
				p.Reasons[j].Path = path
			}
		}
	}
	return out
}

func unplaced(ids []posture.ID) []posture.ID {
	out := slices.Clone(ids)
	for i := range out {
		out[i].Path = ""
	}
	return out
}
