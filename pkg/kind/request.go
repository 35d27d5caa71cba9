package kind

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// creationOnly holds, for each kind whose creation and change can be asked for
// by the same members, those that only the request of a creation can have. A
// notebook instance is not among them: what its creation leaves out has defaults
// that fail, so that nothing passes by taking a change for it.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html
func creationOnly(k Kind) []string {
	return map[Kind][]string{
		Cluster:     {"Tags", "VpcConfig"},
		Space:       {"OwnershipSettings", "SpaceSharingSettings", "Tags"},
		UserProfile: {"SingleSignOnUserIdentifier", "SingleSignOnUserValue", "Tags"},
		Workforce:   {"CognitoConfig", "Tags"},
		Workteam:    {"Tags", "WorkforceName"},
	}[k]
}

// ByRequest finds the call whose request the document is, by its content. Of a
// creation and a change of one kind that both could be it is the change, of
// which less is known: what a change leaves out is no default. ok is false
// where it is none, or where it could be several.
func ByRequest(doc jsondoc.Value) (row *Row, call *Call, ok bool) {
	best, several := 0, false
	for _, r := range Table() {
		for i := range r.Calls {
			c := &r.Calls[i]
			n := r.fits(c, doc)
			switch {
			case n > best:
				row, call, best, several = r, c, n, false
			case n == best && r != row:
				several = true
			}
		}
	}
	if best == 0 || several {
		return nil, nil, false
	}
	return row, call, true
}

// fits says by how many members a document is told to be a request of the
// call, 0 where it is none. A change without marks of its own is told by those
// of the creation.
func (r *Row) fits(c *Call, doc jsondoc.Value) int {
	marks, only := c.Marks, creationOnly(r.Kind)
	if len(only) > 0 && c.Effect <= Changes {
		creates := slices.ContainsFunc(only, func(m string) bool { return has(m, doc) }) || r.Kind == Cluster && has("InstanceGroups", doc) && !overrides(doc)
		if creates != (c.Effect == Creates) {
			return 0
		}
		if len(marks) == 0 {
			marks = r.Calls[0].Marks
		}
		if !creates && !r.beyondKey(doc) {
			return 0
		}
	}
	if !all(marks, doc) {
		return 0
	}
	return len(marks)
}

// overrides says whether an instance group in a cluster's request has a VPC of
// its own. That needs a VPC of the cluster's, so that a request which names no
// such VPC is none of a creation; and without overrides what a creation leaves
// out has a default that fails.
// https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html
func overrides(doc jsondoc.Value) bool {
	for _, list := range []string{"InstanceGroups", "RestrictedInstanceGroups"} {
		for _, m := range doc.Get(list).Members() {
			if !m.Value.Get("OverrideVpcConfig").Empty() {
				return true
			}
		}
	}
	return false
}

// beyondKey says whether a document has more than the name of a resource, so
// that it is no request to describe, start, stop or delete it.
func (r *Row) beyondKey(doc jsondoc.Value) bool {
	named := 0
	for _, alternatives := range r.Key {
		for m := range strings.SplitSeq(alternatives, "|") {
			if has(m, doc) {
				named++
			}
		}
	}
	return doc.Len() > named
}
