package lint

import (
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
)

// reach is how far a statement is about the calls of an operation: what it asks
// of the request beside the settings of the network.
type reach struct {
	// none says that it is not about the operation at all.
	none bool
	// limits are what narrows it to some callers or some ways of calling.
	limits []limit
	// places are the conditions that narrow it to some callers, accounts and Regions.
	places []*Condition
}

// limit is what must hold for a statement to apply, and is not about the network.
type limit struct {
	who   holder
	words string
}

// holder is who decides whether a limit holds.
type holder uint8

const (
	administrators holder = iota // who the caller is
	tags                         // a tag of the caller's
	circumstances                // from where and when the call comes
	callers                      // the caller, by what the request says
)

// actions says whether a statement's actions have one of SageMaker's: an action's
// name and its prefix are not case-sensitive.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func (s *Statement) actsOn(name string) bool {
	return s.names(strings.ToLower(prefix+name)) != s.NotAction
}

// names says whether the statement's patterns have an action, in small letters.
func (s *Statement) names(action string) bool {
	return slices.ContainsFunc(s.Actions, func(p Pattern) bool { return !p.Open && condition.Like(p.lower, action) })
}

// reach says how far the statement is about an operation.
func (s *Statement) reach(o *operation) reach {
	if !s.actsOn(o.name) {
		return reach{none: true}
	}
	r := s.onResources(o)
	if r.none {
		return r
	}
	for i := range s.Conditions {
		switch c := &s.Conditions[i]; {
		case c.set != nil:
		case c.ofPlace():
			r.places = append(r.places, c)
		case c.ofNoRequest():
			// The key is always absent.
			switch t, _ := c.eval(condition.Key{}, nil); t {
			case condition.Yes:
			case condition.No:
				return reach{none: true}
			case condition.Unknown:
				r.limits = append(r.limits, limitOf(c))
			}
		default:
			r.limits = append(r.limits, limitOf(c))
		}
	}
	return r
}

// onResources says how far the statement's resources have those of the operation.
// A call that needs two resources is denied on either.
func (s *Statement) onResources(o *operation) reach {
	best := reach{none: true}
	for _, resource := range o.resources {
		r := s.onResource(resource)
		if r.none {
			continue
		}
		if len(r.limits) == 0 {
			return r
		}
		best = r
	}
	return best
}

// ofNoRequest says whether the condition is on a key with SageMaker's prefix that
// SageMaker does not have: no request has it.
func (c *Condition) ofNoRequest() bool {
	known, _ := knownKey(c.Key)
	return c.Known && !known
}

// A resource that no policy names, in a partition, Region and account.
const (
	fresh      = "zz-9q-unnamed"
	newAccount = "no-account-9"
	newRegion  = "zz-nowhere-9"
)

// onResource compares the statement's resources with an operation's, for example
// training-job/*. "You can use wildcard characters within the individual segments of
// an ARN", and one at the end of a segment "can expand to match beyond the colon
// boundaries"; a name has no colon.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func (s *Statement) onResource(resource string) reach {
	named := strings.ReplaceAll(resource, "*", fresh)
	whole := "arn:aws:sagemaker:" + newRegion + ":" + newAccount + ":" + named
	covers, meets, place := false, false, false
	var some []string
	for _, p := range s.Resources {
		text := p.Text
		if p.Open {
			text = open(text)
		}
		switch {
		case !p.Open && condition.Like(text, whole):
			covers = true
		case p.Text == "":
			meets, place = true, true
			some = append(some, "what a template gives")
		case overlaps(text, resource):
			meets = true
			some = append(some, p.Text)
			// Somewhere, it has every name.
			if parts := strings.SplitN(text, ":", 6); len(parts) == 6 {
				here := strings.Join([]string{"arn", condition.Example(parts[1]), "sagemaker", condition.Example(parts[3]), condition.Example(parts[4]), named}, ":")
				place = place || !p.Open && condition.Like(text, here)
			}
		}
	}
	words := strings.Join(some, ", ")
	switch {
	case s.NotResource && covers, !s.NotResource && !covers && !meets:
		return reach{none: true}
	case !s.NotResource && covers, s.NotResource && !meets:
		return reach{}
	case s.NotResource:
		return reach{limits: []limit{{who: callers, words: "not for resources like " + words}}}
	case place:
		return reach{limits: []limit{{who: circumstances, words: "only for " + words}}}
	default:
		return reach{limits: []limit{{who: callers, words: "only for resources named like " + words}}}
	}
}

// overlaps says whether a pattern has some resource of SageMaker's.
func overlaps(pattern, resource string) bool {
	form := []string{"arn", "*", "sagemaker", "*", "*", resource}
	parts := strings.SplitN(pattern, ":", len(form))
	if len(parts) < len(form) {
		return condition.Overlap(pattern, strings.Join(form, ":"))
	}
	for i := range form {
		if !condition.Overlap(parts[i], form[i]) {
			return false
		}
	}
	return true
}

// open replaces the variables of a text by wildcards; a text that is not known is
// any.
func open(text string) string {
	if text == "" {
		return "*"
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('*')
		_, text, _ = strings.Cut(after, "}")
	}
}

// limitOf describes a condition that is not about the network.
func limitOf(c *Condition) limit {
	key := strings.ToLower(c.Key)
	var values []string
	for _, v := range c.Values {
		if v.Open && v.Text == "" {
			v.Text = "(not known)"
		}
		values = append(values, v.Text)
	}
	l := limit{words: limitWords(c, strings.Join(values, " or "))}
	switch {
	case strings.HasPrefix(key, "aws:principaltag/"):
		l.who = tags
	case strings.HasPrefix(key, "aws:principal"), key == "aws:userid", key == "aws:username":
		l.who = administrators
	case strings.HasPrefix(key, "aws:requesttag/"), key == "aws:tagkeys", strings.HasPrefix(key, "aws:resourcetag/"),
		key == "aws:useragent", key == "aws:referer", strings.HasPrefix(key, prefix):
		l.who = callers
	default:
		l.who = circumstances
	}
	return l
}

// limitWords says when a condition lets a statement apply.
func limitWords(c *Condition, values string) string {
	switch {
	case c.Operator.Base == condition.Null:
		if t, _ := c.eval(condition.Key{}, nil); t == condition.Yes {
			return "only without " + c.Key
		}
		return "only with " + c.Key
	case c.Operator.Negated():
		return "not where " + c.Key + " is " + values
	default:
		return "only where " + c.Key + " is " + values + " (" + c.Operator.Name + ")"
	}
}

// point is what a request shows of the settings, by their index: the key's values,
// nil where the request does not have the key.
type point [8][]string

// matches says whether the conditions on settings of the network are met.
func (s *Statement) matches(at point) condition.Truth {
	t := condition.Yes
	for _, set := range settings() {
		here, _ := s.matchesSetting(set, at[set.index])
		t = condition.And(t, here)
	}
	return t
}

// matchesSetting says whether the conditions on one setting are met; why is of an
// answer that is not known.
func (s *Statement) matchesSetting(set *setting, values []string) (t condition.Truth, why string) {
	t = condition.Yes
	for i := range s.Conditions {
		c := &s.Conditions[i]
		if c.set != set {
			continue
		}
		here, reason := condition.Unknown, c.Operator.Name+" is no operator that AWS documents"
		if c.Known {
			here, reason = c.eval(set.key, values)
		}
		if t = condition.And(t, here); t == condition.No {
			return condition.No, ""
		}
		if here == condition.Unknown && why == "" {
			why = reason
		}
	}
	return t, why
}

// matchesMore is matchesSetting for values with others beside them that are not known.
func (s *Statement) matchesMore(set *setting, values []string) (t condition.Truth, why string) {
	t = condition.Yes
	for i := range s.Conditions {
		c := &s.Conditions[i]
		if c.set != set {
			continue
		}
		here := condition.Unknown
		switch known, _ := c.eval(set.key, values); {
		case !c.Known:
		case c.Operator.Base == condition.Null:
			here, _ = c.eval(set.key, []string{odd})
		case len(values) > 0 && (c.Operator.Set == condition.ForAnyValue && known == condition.Yes || c.Operator.Set == condition.ForAllValues && known == condition.No):
			here = known // whatever the others are
		}
		if t = condition.And(t, here); t == condition.No {
			return condition.No, ""
		}
	}
	if t == condition.Unknown {
		why = "more ids are listed than are told apart"
	}
	return t, why
}

// work is how many steps it takes to compare one id with the conditions on a setting.
func (s *Statement) work(set *setting) int {
	n := 0
	for i := range s.Conditions {
		if c := &s.Conditions[i]; c.set == set {
			n += c.comparison().Work()
		}
	}
	return n
}

// mentions are the settings that the statement has conditions on.
func (s *Statement) mentions() []*setting {
	var out []*setting
	for i := range s.Conditions {
		if set := s.Conditions[i].set; set != nil && !slices.Contains(out, set) {
			out = append(out, set)
		}
	}
	return out
}
