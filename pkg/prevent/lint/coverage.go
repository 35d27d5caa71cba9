package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
)

// State is how far something is stopped.
type State string

// The states. Cannot is of what no policy can stop.
const (
	Stopped   State = "stopped"
	Partly    State = "partly"
	NotKnown  State = "unknown"
	NotAtAll  State = "not"
	CannotBe  State = "cannot"
	Elsewhere State = "elsewhere" // another resource's settings decide
)

// Cell is the answer to one question for one operation.
type Cell struct {
	State State
	// Passes says what is not stopped, of what is stopped partly.
	Passes []string
	// Only says for whom or where alone it is stopped.
	Only []string
	// Why says why it cannot be stopped, or is not known.
	Why string

	omitted bool // what is not known is what a request without the member shows
	by      []*Statement
}

// choice is one thing that a request may say of a setting, as policies see it.
type choice struct {
	words string
	// worlds are the values that the key may then have: AWS does not say for every
	// member whether its key is there when the member is left out.
	worlds [][]string
	// breaks says that it is what the question about the setting is about.
	breaks bool
	absent bool // the member is left out
	fine   bool // a compliant request may say it
}

// An id that no policy lists.
const (
	otherSubnet = "subnet-0fedcba9876543210"
	otherGroup  = "sg-0fedcba9876543210"
)

// lists are the ids that policies name for subnets and security groups.
type lists map[string][]string

// listed gathers the ids, or examples of them, that statements compare a list with.
func listed(statements []*Statement) lists {
	out := lists{}
	for _, s := range statements {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			set, ok := settingOf(c.Key)
			if !ok || !set.key.Many || c.Operator.Base == condition.Null || c.Operator.Base == condition.BoolEquals {
				continue
			}
			for _, v := range c.Values {
				if id := condition.Example(v.Text); !v.Open && id != "" && !slices.Contains(out[set.name], id) {
					out[set.name] = append(out[set.name], id)
				}
			}
		}
	}
	return out
}

// fine is an id that is listed; where none is, any.
func (l lists) fine(name string) string {
	if len(l[name]) > 0 {
		return l[name][0]
	}
	if name == vpcSubnets {
		return "subnet-0a1b2c3d4e5f60718"
	}
	return "sg-0a1b2c3d4e5f60718"
}

// choices are what a request for an operation may say of a setting.
func (o *operation) choices(s setting, l lists) []choice {
	if s.key.Many {
		other := otherSubnet
		if s.name == vpcSecurityGroups {
			other = otherGroup
		}
		id := l.fine(s.name)
		return []choice{
			{words: "no " + s.member, worlds: [][]string{nil}, absent: true},
			{words: "listed " + s.member, worlds: [][]string{{id}}, fine: true},
			{words: s.member + " that are not listed", worlds: [][]string{{other}}, breaks: true},
			{words: s.member + " of which only one is listed", worlds: [][]string{{id, other}}, breaks: true},
		}
	}
	omitted := choice{words: s.member + " left out", worlds: [][]string{nil, {s.bad}}, absent: true}
	q := s.asks[0]
	if a := o.asks[q]; a.absent {
		omitted.breaks = true
	} else if q == Interactive {
		// Left out is off.
		omitted.worlds, omitted.fine = [][]string{nil, {s.good}}, true
	} else {
		// Left out of an update, or where another resource decides: it is not set.
		omitted.worlds = [][]string{nil}
	}
	return []choice{
		omitted,
		{words: s.member + " " + s.bad, worlds: [][]string{{s.bad}}, breaks: true},
		{words: s.member + " " + s.good, worlds: [][]string{{s.good}}, fine: true},
	}
}

// request is one abstract request: a choice for each setting that matters.
type request struct {
	settings []setting
	choices  []choice
}

// words says what the request says of settings other than one.
func (r request) words(but string) string {
	var out []string
	for i, s := range r.settings {
		if s.name != but {
			out = append(out, r.choices[i].words)
		}
	}
	return strings.Join(out, ", ")
}

// points are what policies may see of the request.
func (r request) points() []point {
	out := []point{{}}
	for i, s := range r.settings {
		var next []point
		for _, p := range out {
			for _, values := range r.choices[i].worlds {
				more := point{s.name: values}
				for name, v := range p {
					more[name] = v
				}
				next = append(next, more)
			}
		}
		out = next
	}
	return out
}

// requests are all that a caller may send, as far as the named settings matter.
func (o *operation) requests(names []string, l lists) []request {
	var relevant []setting
	for _, s := range settings() {
		if o.carries(s.name) && slices.Contains(names, s.name) {
			relevant = append(relevant, s)
		}
	}
	out := []request{{}}
	for _, s := range relevant {
		var next []request
		for _, r := range out {
			for _, c := range o.choices(s, l) {
				more := request{append(slices.Clone(r.settings), s), append(slices.Clone(r.choices), c)}
				if !o.coupled || !more.torn() {
					next = append(next, more)
				}
			}
		}
		out = next
	}
	return out
}

// torn says whether the request has subnets without security groups, or these
// without those.
func (r request) torn() bool {
	var absent []bool
	for i, s := range r.settings {
		if s.key.Many {
			absent = append(absent, r.choices[i].absent)
		}
	}
	return len(absent) == 2 && absent[0] != absent[1]
}

// stopping is how far a request is denied.
type stopping uint8

// From the worst to the best.
const (
	passes stopping = iota
	undecided
	limited // for some callers or in some circumstances only
	denied
)

// judged is how far a request is denied, and what there is to say of it.
type judged struct {
	stopping stopping
	why      string
	omitted  bool // it is undecided for what a left out member shows
	by       []*Statement
}

// judge says how far the statements deny a request, whatever world it is.
func judge(r request, statements []*Statement, reaches []reach) judged {
	var all []judged
	for _, p := range r.points() {
		all = append(all, judgePoint(p, statements, reaches))
	}
	out := all[0]
	for _, j := range all[1:] {
		out.by = append(out.by, j.by...)
		if j.stopping == out.stopping {
			continue
		}
		// It depends on what AWS does not say.
		if j.stopping == passes || out.stopping == passes {
			out.stopping, out.omitted = undecided, true
			out.why = "AWS does not say what the condition key holds when the member is left out"
			continue
		}
		if j.stopping < out.stopping {
			out.stopping, out.why = j.stopping, j.why
		}
	}
	return out
}

func judgePoint(p point, statements []*Statement, reaches []reach) judged {
	var out judged
	for i, s := range statements {
		t, why := s.matches(p)
		if t == condition.No || avoidable(reaches[i].limits) {
			continue
		}
		j := judged{stopping: undecided, why: why}
		if t == condition.Yes {
			j = judged{stopping: denied, by: []*Statement{s}}
			if len(reaches[i].limits) > 0 {
				j.stopping = limited
			}
		}
		out.by = append(out.by, j.by...)
		if j.stopping > out.stopping {
			out.stopping, out.why = j.stopping, j.why
		}
	}
	return out
}

// avoidable says whether the caller decides, by what the request says, whether a
// statement applies.
func avoidable(limits []limit) bool {
	return slices.ContainsFunc(limits, func(l limit) bool { return l.who == callers })
}

// cover answers a question for an operation: how far the statements, all of which
// deny, keep it from happening.
func (o *operation) cover(q Question, statements []*Statement) Cell {
	a, ok := o.asks[q]
	if !ok {
		return Cell{State: Elsewhere, Why: o.elsewhere}
	}
	var about []*Statement
	var reaches []reach
	var names []string
	for _, s := range statements {
		if r := s.reach(o); !r.none {
			about, reaches = append(about, s), append(reaches, r)
			names = append(names, s.mentions()...)
		}
	}
	var cell Cell
	worst, best := denied, passes
	l := listed(about)
	for _, s := range settings() {
		if !o.carries(s.name) || !slices.Contains(s.asks, q) {
			continue
		}
		for _, variant := range o.variants(q, s, l) {
			low, high, example := o.variant(s, variant, append(names, s.name), l, about, reaches)
			cell.by = append(cell.by, example.by...)
			worst, best = min(worst, low), max(best, high)
			if low == passes {
				words := variant.words
				if others := example.request.words(s.name); high != passes && others != "" {
					words += ", with " + others
				}
				cell.Passes = append(cell.Passes, words)
			}
			if low == undecided && cell.Why == "" {
				cell.Why, cell.omitted = variant.words+": "+example.why, example.omitted
			}
		}
	}
	if a.cannot != "" {
		// Whoever denies the whole operation denies this, too.
		for _, r := range o.requests(names, l) {
			j := judge(r, about, reaches)
			worst, cell.by = min(worst, j.stopping), append(cell.by, j.by...)
		}
		if worst == denied {
			return Cell{State: Stopped, by: cell.by}
		}
		return Cell{State: CannotBe, Why: a.cannot}
	}
	switch {
	case worst == denied && a.slips == "":
		cell.State = Stopped
	case worst >= limited:
		cell.State = Partly
		cell.Only = o.only(cell.by)
		if worst == denied {
			cell.Only = nil
		}
	case worst == passes && best < limited:
		cell.State = NotAtAll
	case worst == passes:
		cell.State = Partly
	default:
		cell.State = NotKnown
	}
	if cell.State == Partly && a.slips != "" {
		cell.Passes = append(cell.Passes, a.slips)
	}
	if cell.State != NotKnown {
		cell.Why = ""
	}
	return cell
}

// variants are the choices for a setting that the question is about.
func (o *operation) variants(q Question, s setting, l lists) []choice {
	var out []choice
	for _, c := range o.choices(s, l) {
		if c.breaks && q != NoVPC || c.absent && q == NoVPC {
			out = append(out, c)
		}
	}
	return out
}

// instance is a request and what was judged of it.
type instance struct {
	judged
	request request
}

// alone says whether the request complies in every setting but one: what denies it
// denies it for this one. Without subnets there are no security groups.
func (o *operation) alone(r request, but setting) bool {
	for i, s := range r.settings {
		c := r.choices[i]
		if s.name != but.name && !c.fine && !(o.coupled && s.key.Many && but.key.Many && c.absent) {
			return false
		}
	}
	return true
}

// variant is how far requests with one choice are stopped: at the worst, with what
// else they may say, and at the best, where they comply otherwise. The example is
// the worst of them, with the statements that deny the best.
func (o *operation) variant(s setting, v choice, names []string, l lists, about []*Statement, reaches []reach) (low, high stopping, example instance) {
	low, high = denied, passes
	first := true
	var by []*Statement
	for _, r := range o.requests(names, l) {
		i := slices.IndexFunc(r.settings, func(x setting) bool { return x.name == s.name })
		if r.choices[i].words != v.words {
			continue
		}
		j := judge(r, about, reaches)
		if first || j.stopping < low {
			low, example = j.stopping, instance{j, r}
			first = false
		}
		if o.alone(r, s) {
			by = append(by, j.by...)
			high = max(high, j.stopping)
		}
	}
	example.by = by
	return low, high, example
}

// only says what limits the statements, each once.
func (o *operation) only(by []*Statement) []string {
	var out []string
	for _, s := range by {
		for _, l := range s.reach(o).limits {
			if !slices.Contains(out, l.words) {
				out = append(out, l.words)
			}
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
