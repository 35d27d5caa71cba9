package lint

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// MaxBytes is the most that is read of one file. Only what
// iam:GetAccountAuthorizationDetails returns is longer than one document may be.
const MaxBytes = 64 << 20

// MaxDenials is how many statements with a condition on a setting of the network may
// deny something: each of them is tried on many requests.
const MaxDenials = 10_000

// Set is what is linted together.
type Set struct {
	Policies []*Policy
	// Principals are the roles and users of an account, where an input tells of
	// them: what policies are attached to is known then.
	Principals []*Principal
	// Foreign counts policies of resources, which were passed over.
	Foreign int

	groups   map[string]*Principal // by name
	attached []attachment
	denials  int
}

// Principal is a role or a user, and what decides what it may do.
type Principal struct {
	ARN      string
	Policies []*Policy // its own, its groups' and the managed ones attached
	Boundary *Policy   // nil: none
	// Missing are the ARNs of attached policies that no input has.
	Missing []string
}

// attachment is a managed policy that a principal has, until all inputs are read.
type attachment struct {
	to       *Principal
	arn      string
	group    string // a group's name, in place of an ARN
	boundary bool
}

// ErrNoPolicy says that a document holds no policy.
var ErrNoPolicy = errors.New("no policy: want a policy document, the output of iam get-policy-version, get-role-policy (user, group) or get-account-authorization-details, of organizations describe-policy, a CloudFormation template in JSON or a Terraform plan in JSON")

// Read adds the policies of one file to the set. It reads policy documents and the
// outputs of the AWS CLI and API that hold some, in which a document may be a
// string, URL-encoded (as IAM's API has it) or not; and templates and plans that
// create policies. file is its name; without one, what was read from an account has
// no lines. What could be read is added even if there is an error. An error that is
// [ErrNoPolicy] says that there was none.
func (s *Set) Read(file string, data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > MaxBytes {
		return fmt.Errorf("longer than %d bytes", MaxBytes)
	}
	if len(data) > jsondoc.MaxBytes {
		return s.stream(file, data)
	}
	doc, err := jsondoc.Parse(data, freeForm())
	if err != nil {
		return err
	}
	var lines map[string]int // of what was read from an account, none
	if file != "" {
		lines = index(data)
	}
	return s.document(reader{set: s, file: file, line: func(path string) int { return lines[path] }}, doc)
}

// reader adds the policies of one document.
type reader struct {
	set  *Set
	file string
	line func(path string) int
}

// document recognizes a document by its members.
func (s *Set) document(r reader, doc jsondoc.Value) error {
	if doc.Kind() != jsondoc.Object {
		return ErrNoPolicy
	}
	has := func(name string) bool { return exact(doc, name).Kind() != jsondoc.Absent }
	switch {
	case has("Statement"):
		_, err := r.policy(&Policy{Name: r.file}, "", doc)
		return err
	case has("PolicyVersion"):
		return r.only(&Policy{Name: r.file, Type: Managed}, "PolicyVersion.Document", doc)
	case has("PolicyName") && has("PolicyDocument"):
		return r.only(&Policy{Name: exact(doc, "PolicyName").Str(), Type: Inline}, "PolicyDocument", doc)
	case doc.At("Policy.PolicySummary").Kind() == jsondoc.Object:
		summary := doc.At("Policy.PolicySummary")
		if t := exact(summary, "Type").Str(); t != "SERVICE_CONTROL_POLICY" {
			return fmt.Errorf("Policy.PolicySummary.Type: %s has no statements that deny calls: want SERVICE_CONTROL_POLICY", t)
		}
		return r.only(&Policy{Name: exact(summary, "Name").Str(), ARN: exact(summary, "Arn").Str(), Type: SCP}, "Policy.Content", doc)
	case has("RoleDetailList") || has("UserDetailList") || has("GroupDetailList") || has("Policies"):
		var errs []error
		found := false
		for _, list := range doc.Members() {
			for i, m := range list.Value.Members() {
				known, err := r.detail(list.Name, fmt.Sprintf("%s[%d]", list.Name, i), m.Value)
				found = found || known
				errs = append(errs, err)
			}
		}
		if !found && exact(doc, "RoleDetailList").Kind() == jsondoc.Absent {
			return ErrNoPolicy
		}
		return errors.Join(errs...)
	case has("Resources"):
		return r.template(exact(doc, "Resources"))
	case has("planned_values"):
		return r.plan(doc)
	}
	return ErrNoPolicy
}

// stream reads the output of iam:GetAccountAuthorizationDetails, one role, user,
// group or policy at a time: each is within the limits of a document.
func (s *Set) stream(file string, data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return errors.Join(err, ErrNoPolicy)
	}
	var errs []error
	found := false
	line, counted := 0, 0
	if file != "" {
		line = 1
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		list := name.String()
		if d.PeekKind() != '[' {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		_, _ = d.ReadToken()
		for i := 0; d.PeekKind() != ']'; i++ {
			raw, err := d.ReadValue()
			if err != nil {
				return err
			}
			path := fmt.Sprintf("%s[%d]", list, i)
			doc, err := jsondoc.Parse(raw, freeForm())
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", path, err))
				continue
			}
			if start := int(d.InputOffset()) - len(raw); file != "" {
				line += bytes.Count(data[counted:start], []byte{'\n'})
				counted = start
			}
			at := line
			known, err := reader{set: s, file: file, line: func(string) int { return at }}.detail(list, path, doc)
			found = found || known
			errs = append(errs, err)
		}
		_, _ = d.ReadToken()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if !found {
		errs = append(errs, fmt.Errorf("longer than %d bytes, and not what iam get-account-authorization-details prints: %w", jsondoc.MaxBytes, ErrNoPolicy))
	}
	return errors.Join(errs...)
}

// freeForm are the members of templates and plans whose names their author chooses.
func freeForm() map[string]bool {
	return map[string]bool{"Tags": true, "tags_all": true, "Variables": true, "Environment": true}
}

// only reads the document at a path of the output of one call.
func (r reader) only(p *Policy, path string, doc jsondoc.Value) error {
	_, err := r.policy(p, path, doc.At(path))
	return err
}

// policy adds a policy whose document stands at a path, as an object or a string.
func (r reader) policy(p *Policy, path string, v jsondoc.Value) (*Policy, error) {
	place := func(below string) Where {
		if below != "" {
			below = join(path, below)
		} else {
			below = path
		}
		return Where{File: r.file, Line: r.line(below), Path: below}
	}
	if text, ok := v.Text(); ok {
		inner, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		v = inner
		// What stands in a string stands on the string's line.
		line := r.line(path)
		place = func(below string) Where {
			if below == "" {
				return Where{File: r.file, Line: line, Path: path}
			}
			return Where{File: r.file, Line: line, Path: join(path, below)}
		}
	}
	if v.Kind() != jsondoc.Object {
		return nil, fmt.Errorf("%s: want a policy document, this is %s", path, v.Kind())
	}
	err := parse(p, v, place)
	if errors.Is(err, errResourcePolicy) {
		r.set.Foreign++
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, s := range p.Statements {
		if s.Effect == Deny && len(s.mentions()) > 0 {
			r.set.denials++
		}
	}
	if r.set.denials > MaxDenials {
		return nil, fmt.Errorf("%s: more than %d statements that deny something of SageMaker's networks: lint fewer policies at once", cmp.Or(path, "the document"), MaxDenials)
	}
	r.set.Policies = append(r.set.Policies, p)
	return p, nil
}

// decode reads a policy document from a string: as it is, or URL-encoded by RFC
// 3986 as IAM's API has it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyVersion.html
func decode(text string) (jsondoc.Value, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return jsondoc.Value{}, fmt.Errorf("neither JSON nor URL-encoded: %w", err)
		}
		text = plain
	}
	return jsondoc.Parse([]byte(text), nil)
}

// detail reads one element of a list of iam:GetAccountAuthorizationDetails. known
// is false where the list is none of its.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func (r reader) detail(list, path string, v jsondoc.Value) (known bool, err error) {
	switch list {
	case "RoleDetailList":
		return true, r.principal(v, path, "RoleName", "RolePolicyList")
	case "UserDetailList":
		return true, r.principal(v, path, "UserName", "UserPolicyList")
	case "GroupDetailList":
		return true, r.principal(v, path, "GroupName", "GroupPolicyList")
	case "Policies":
		versions := exact(v, "PolicyVersionList")
		for i, m := range versions.Members() {
			if b, _ := exact(m.Value, "IsDefaultVersion").Bool(); !b {
				continue
			}
			p := &Policy{Name: exact(v, "PolicyName").Str(), ARN: exact(v, "Arn").Str(), Type: Managed}
			if strings.Contains(p.ARN, ":iam::aws:policy/") {
				p.Type = ManagedAWS
			}
			_, err := r.policy(p, fmt.Sprintf("%s.PolicyVersionList[%d].Document", path, i), exact(m.Value, "Document"))
			return true, err
		}
		return versions.Kind() == jsondoc.Array, nil
	}
	return false, nil
}

// principal reads a role, a user or a group.
func (r reader) principal(v jsondoc.Value, path, name, inline string) error {
	p := &Principal{ARN: exact(v, "Arn").Str()}
	if strings.Contains(p.ARN, ":role/aws-service-role/") {
		return nil // a service's own
	}
	var errs []error
	for i, m := range exact(v, inline).Members() {
		policy, err := r.policy(
			&Policy{Name: exact(v, name).Str() + "/" + exact(m.Value, "PolicyName").Str(), Type: Inline},
			fmt.Sprintf("%s.%s[%d].PolicyDocument", path, inline, i), exact(m.Value, "PolicyDocument"),
		)
		if err != nil {
			errs = append(errs, err)
		} else if policy != nil {
			p.Policies = append(p.Policies, policy)
		}
	}
	s := r.set
	for _, m := range exact(v, "AttachedManagedPolicies").Members() {
		s.attached = append(s.attached, attachment{to: p, arn: exact(m.Value, "PolicyArn").Str()})
	}
	if b := exact(v, "PermissionsBoundary"); b.Kind() == jsondoc.Object {
		s.attached = append(s.attached, attachment{to: p, arn: exact(b, "PermissionsBoundaryArn").Str(), boundary: true})
	}
	for _, m := range exact(v, "GroupList").Members() {
		s.attached = append(s.attached, attachment{to: p, group: m.Value.Str()})
	}
	if name == "GroupName" {
		if s.groups == nil {
			s.groups = map[string]*Principal{}
		}
		s.groups[exact(v, name).Str()] = p
	} else {
		s.Principals = append(s.Principals, p)
	}
	return errors.Join(errs...)
}

// attach gives principals the policies that they have by reference. Groups come
// first, for users have what their groups have.
func (s *Set) attach() {
	byARN := map[string]*Policy{}
	for _, p := range s.Policies {
		if p.ARN != "" {
			byARN[p.ARN] = p
		}
	}
	used := map[*Policy]bool{}
	for _, a := range s.attached {
		policy := byARN[a.arn]
		switch {
		case a.group != "":
		case policy == nil:
			a.to.Missing = append(a.to.Missing, a.arn)
		case a.boundary:
			a.to.Boundary = policy
		default:
			used[policy] = true
			a.to.Policies = append(a.to.Policies, policy)
		}
	}
	for _, a := range s.attached {
		if a.boundary && byARN[a.arn] != nil && !used[byARN[a.arn]] && byARN[a.arn].Type == Managed {
			byARN[a.arn].Type = Boundary
		}
		if a.group == "" {
			continue
		}
		if g := s.groups[a.group]; g != nil {
			a.to.Policies = append(a.to.Policies, g.Policies...)
			a.to.Missing = append(a.to.Missing, g.Missing...)
		} else {
			a.to.Missing = append(a.to.Missing, "group "+a.group)
		}
	}
	s.attached = nil
}
