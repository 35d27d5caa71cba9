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
	// more says that there are listed ids beside the values, which nobody looked at.
	more bool
}

// odd are values that no id is.
const odd = "i-0a1b2c3d4e5f60718"

// about says whether it is what a question about the setting is about.
func (c choice) about(q Question) bool {
	if q == NoVPC {
		return c.absent
	}
	return c.breaks
}

// An id that no policy lists.
const (
	otherSubnet = "subnet-0fedcba9876543210"
	otherGroup  = "sg-0fedcba9876543210"
)

// other is such an id, of subnets or of security groups.
func other(name string) string {
	if name == vpcSecurityGroups {
		return otherGroup
	}
	return otherSubnet
}

// lists are the ids that policies name for subnets and security groups.
type lists map[string][]string

// listed gathers the ids, or examples of them, that statements compare a list with.
func listed(statements []*Statement) lists {
	out, seen := lists{}, map[string]bool{}
	for _, s := range statements {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			set := c.set
			if set == nil || !set.key.Many || c.Operator.Base == condition.Null || c.Operator.Base == condition.BoolEquals {
				continue
			}
			for _, v := range c.Values {
				if id := condition.Example(v.Text); !v.Open && id != "" && !seen[set.name+id] {
					seen[set.name+id] = true
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

// mostTold is how many listed ids are told apart.
const mostTold = 3

// told are listed ids that the statements tell apart, those that the fewest deny
// first; where none is listed, any. There are more where looking at all takes too long.
func (m *memory) told(s *setting, statements []*Statement) (ids []string, more bool) {
	type told struct {
		id   string
		says string // of each statement, whether its conditions on the setting are met
	}
	var about []*Statement
	work := 0
	for _, one := range statements {
		if n := one.work(s); n > 0 {
			about, work = append(about, one), work+n
		}
	}
	l := m.listed(statements)
	var all []told
	seen := map[string]bool{}
	for _, id := range l[s.name] {
		if !m.compare(work) {
			more = true
			break
		}
		var says strings.Builder
		for _, one := range about {
			t, _ := one.matchesSetting(s, []string{id})
			says.WriteByte("?ny"[t])
		}
		if !seen[says.String()] {
			seen[says.String()] = true
			all = append(all, told{id, says.String()})
		}
	}
	slices.SortStableFunc(all, func(a, b told) int {
		return cmp.Or(strings.Count(a.says, "y")-strings.Count(b.says, "y"), strings.Count(a.says, "?")-strings.Count(b.says, "?"))
	})
	for _, one := range all[:min(len(all), mostTold)] {
		ids = append(ids, one.id)
	}
	if len(ids) == 0 {
		ids = []string{l.fine(s.name)}
	}
	return ids, more
}

// ofIDs are what a request may say of a setting that is a list. ids are listed ones,
// and more says that there are others.
func ofIDs(s *setting, ids []string, more bool) []choice {
	other := other(s.name)
	listed, partly := "listed "+s.member, s.member+" of which only one is listed"
	out := []choice{
		{words: "no " + s.member, worlds: [][]string{nil}, absent: true},
		{words: s.member + " that are not listed", worlds: [][]string{{other}}, breaks: true},
		{words: s.member + " that are none", worlds: [][]string{{odd}}},
	}
	for _, id := range ids {
		out = append(out, choice{words: listed, worlds: [][]string{{id}}, fine: true}, choice{words: partly, worlds: [][]string{{id, other}}, breaks: true})
	}
	if len(ids) > 1 {
		out = append(out, choice{words: listed, worlds: [][]string{ids}, fine: true})
	}
	if more {
		out = append(out, choice{words: listed, worlds: [][]string{{}}, fine: true, more: true}, choice{words: partly, worlds: [][]string{{other}}, breaks: true, more: true})
	}
	return out
}

// choices are what a request for an operation may say of a setting that is no list.
func (o *operation) choices(s *setting) []choice {
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

// view is what there is to say of one operation by the statements about it.
type view struct {
	memory  *memory
	o       *operation
	about   []*Statement
	reaches []reach
	// there says which statements apply in each of the places where a call can come
	// from, as far as the statements tell places apart; nil until it is asked for.
	there [][]answer
	// mentioned are the settings with conditions that the operation's requests show.
	mentioned []*setting
	// rest is whether each statement's conditions on settings that the requests do not
	// show are met; known has, by statement, setting, choice and world, the others.
	rest  []answer
	known [][8][][]answer

	choices [8][]choice                // by setting
	tried   map[[2]*setting][]instance // requests and what was judged of them, by what else they say
}

// answer is whether conditions are met.
type answer struct {
	truth condition.Truth
	why   string
}

func (a answer) and(b answer) answer {
	out := answer{truth: condition.And(a.truth, b.truth)}
	if out.truth == condition.Unknown {
		if out.why = a.why; a.truth != condition.Unknown {
			out.why = b.why
		}
	}
	return out
}

// view gathers the statements about an operation, and what they say of each of its
// settings.
func (m *memory) view(o *operation, statements []*Statement) *view {
	v := &view{memory: m, o: o, tried: map[[2]*setting][]instance{}}
	for _, s := range statements {
		r := s.reach(o)
		if r.none {
			continue
		}
		v.about, v.reaches = append(v.about, s), append(v.reaches, r)
		for _, set := range s.mentions() {
			if o.carries(set.name) && !slices.Contains(v.mentioned, set) {
				v.mentioned = append(v.mentioned, set)
			}
		}
	}
	v.rest, v.known = make([]answer, len(v.about)), make([][8][][]answer, len(v.about))
	for i := range v.rest {
		v.rest[i].truth = condition.Yes
	}
	for _, set := range settings() {
		var known [][][]answer
		switch {
		case !o.carries(set.name):
			for i, s := range v.about {
				t, why := s.matchesSetting(set, nil)
				v.rest[i] = v.rest[i].and(answer{t, why})
			}
			continue
		case set.key.Many:
			v.choices[set.index], known = m.ofIDs(set, v.about)
		default:
			v.choices[set.index] = o.choices(set)
			known = say(set, v.choices[set.index], v.about)
		}
		for i := range v.about {
			v.known[i][set.index] = known[i]
		}
	}
	return v
}

// say is what statements say of the choices for a setting: by statement, choice and
// world, whether the conditions on it are met.
func say(set *setting, choices []choice, statements []*Statement) [][][]answer {
	out := make([][][]answer, len(statements))
	for i, s := range statements {
		for _, c := range choices {
			var worlds []answer
			for _, values := range c.worlds {
				t, why := s.matchesSetting(set, values)
				if c.more {
					t, why = s.matchesMore(set, values)
				}
				worlds = append(worlds, answer{t, why})
			}
			out[i] = append(out[i], worlds)
		}
	}
	return out
}

// locate finds the places that the statements tell apart, and which statements apply
// in each.
func (v *view) locate() {
	if v.there != nil {
		return
	}
	places, ok := v.memory.placesOf(v.reaches)
	if !ok {
		places = []place{{}}
		for i := range v.reaches {
			r := &v.reaches[i]
			for _, c := range r.places {
				r.limits = append(r.limits, limitOf(c))
			}
			r.places = nil
		}
	}
	for _, at := range places {
		var there []answer
		for _, r := range v.reaches {
			there = append(there, r.at(at))
		}
		v.there = append(v.there, there)
	}
}

// request is one abstract request: a choice for each setting that matters.
type request struct {
	settings []*setting
	choices  []choice
	picked   []int // the index of each choice
}

// words says what the request says of settings other than one.
func (r request) words(but *setting) string {
	var out []string
	for i, s := range r.settings {
		if s != but {
			out = append(out, r.choices[i].words)
		}
	}
	return strings.Join(out, ", ")
}

// requests are all that a caller may send, as far as the settings with conditions
// and some others matter.
func (v *view) requests(more ...*setting) []request {
	out := []request{{}}
	for _, s := range settings() {
		if !v.o.carries(s.name) || !slices.Contains(v.mentioned, s) && !slices.Contains(more, s) {
			continue
		}
		var next []request
		for _, r := range out {
			for i, c := range v.choices[s.index] {
				longer := request{append(slices.Clone(r.settings), s), append(slices.Clone(r.choices), c), append(slices.Clone(r.picked), i)}
				if !v.o.coupled || !longer.torn() {
					next = append(next, longer)
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
	// somewhere says that it is denied in some places, and in others not.
	somewhere bool
	by        []*Statement
}

// judge says how far the statements deny a request, whatever world it is.
func (v *view) judge(r request) judged {
	var out judged
	world := make([]int, len(r.settings))
	for first := true; ; first = false {
		j := v.judgeWorld(r, world)
		switch {
		case first:
			out = j
		case j.stopping == out.stopping:
			out.by = together(out.by, j.by)
		case j.stopping == passes || out.stopping == passes:
			// It depends on what AWS does not say.
			out = judged{stopping: undecided, omitted: true, by: together(out.by, j.by), why: "AWS does not say what the condition key holds when the member is left out"}
		case j.stopping < out.stopping:
			j.by, j.somewhere = together(out.by, j.by), j.somewhere || out.somewhere
			out = j
		default:
			out.by, out.somewhere = together(out.by, j.by), j.somewhere || out.somewhere
		}
		if !step(world, r) {
			return out
		}
	}
}

// matches says whether a statement's conditions are met by a request in a world.
func (v *view) matches(statement int, r request, world []int) answer {
	a := v.rest[statement]
	for i, s := range r.settings {
		if a.truth == condition.No {
			return a
		}
		a = a.and(v.known[statement][s.index][r.picked[i]][world[i]])
	}
	return a
}

// may says whether a statement's conditions may be met by a request in some world.
func (v *view) may(statement int, r request) bool {
	world := make([]int, len(r.settings))
	for {
		if v.matches(statement, r, world).truth != condition.No {
			return true
		}
		if !step(world, r) {
			return false
		}
	}
}

// step goes on to the next world of a request, if there is one.
func step(world []int, r request) bool {
	for i := range world {
		if world[i]++; world[i] < len(r.choices[i].worlds) {
			return true
		}
		world[i] = 0
	}
	return false
}

// judgeWorld says how far a request in one world is denied: everywhere, or in some
// places only.
func (v *view) judgeWorld(r request, world []int) judged {
	var out judged
	v.locate()
	var found []answer // of the first statements
	met := func(i int) answer {
		for len(found) <= i {
			found = append(found, v.matches(len(found), r, world))
		}
		return found[i]
	}
	for n, there := range v.there {
		j := v.judgePlace(met, there)
		switch {
		case n == 0:
			out = j
		case j.stopping == out.stopping:
			out.by = together(out.by, j.by)
		case min(j.stopping, out.stopping) >= limited:
			out.stopping, out.by = limited, together(out.by, j.by)
		case max(j.stopping, out.stopping) >= limited:
			out = judged{stopping: limited, somewhere: true, by: together(out.by, j.by)}
		default:
			if j.stopping < out.stopping {
				out.stopping, out.why = j.stopping, j.why
			}
			out.by = together(out.by, j.by)
		}
		out.somewhere = out.somewhere || j.somewhere
	}
	return out
}

// judgePlace says how far a request is denied in one place, with the conditions on
// settings met or not.
func (v *view) judgePlace(met func(int) answer, there []answer) judged {
	var out judged
	for i, s := range v.about {
		if out.stopping == denied && len(out.by) == mostNamed {
			break // no more is remembered
		}
		both := met(i).and(there[i])
		t := both.truth
		if t == condition.No || avoidable(v.reaches[i].limits) {
			continue
		}
		how, why := undecided, both.why
		switch {
		case t == condition.Yes:
			if len(out.by) < mostNamed {
				out.by = append(out.by, s)
			}
			if how = denied; len(v.reaches[i].limits) > 0 {
				how = limited
			}
		case why == "":
			why = "it depends on a value that is not known before the request"
		}
		if how > out.stopping {
			out.stopping, out.why = how, why
		}
	}
	return out
}

// mostNamed is how many statements are remembered of those that deny a request: to
// name one, and to tell what limits them.
const mostNamed = 32

// together are the statements of both lists, each once.
func together(a, b []*Statement) []*Statement {
	for _, s := range b {
		if len(a) < mostNamed && !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// avoidable says whether the caller decides, by what the request says, whether a
// statement applies.
func avoidable(limits []limit) bool {
	return slices.ContainsFunc(limits, func(l limit) bool { return l.who == callers })
}

// cover answers a question for the operation: how far the statements, all of which
// deny, keep it from happening.
func (v *view) cover(q Question, a ask) Cell {
	o := v.o
	var cell Cell
	var limiting []*Statement
	worst, best, somewhere := denied, passes, false
	for _, s := range settings() {
		if !o.carries(s.name) || !slices.Contains(s.asks, q) {
			continue
		}
		for i, c := range v.choices[s.index] {
			if !c.about(q) {
				continue
			}
			low, high, example := v.variant(s, i, a)
			somewhere = somewhere || example.somewhere
			cell.by, limiting = together(cell.by, example.by), together(limiting, example.worst)
			worst, best = min(worst, low), max(best, high)
			if low == passes {
				words := c.words
				if others := example.request.words(s); high != passes && others != "" {
					words += ", with " + others
				}
				if !slices.Contains(cell.Passes, words) {
					cell.Passes = append(cell.Passes, words)
				}
			}
			if low == undecided && cell.Why == "" {
				cell.Why, cell.omitted = c.words+": "+example.why, example.omitted && c.absent && !s.key.Many
			}
		}
	}
	if a.cannot != "" || a.slips != "" {
		// Whoever denies the whole operation denies this, too.
		all, by := denied, cell.by
		for _, j := range v.try() {
			all, by = min(all, j.stopping), together(by, j.by)
		}
		if all == denied {
			return Cell{State: Stopped, by: by}
		}
	}
	if a.cannot != "" {
		return Cell{State: CannotBe, Why: a.cannot}
	}
	aside := !slices.ContainsFunc(together(cell.by, limiting), func(s *Statement) bool { return s.answers(q) || a.open && slices.Contains(s.mentions(), o.way()) })
	switch {
	case worst == denied && a.slips == "":
		cell.State = Stopped
	case worst == denied:
		cell.State = Partly
	case worst == limited && !aside:
		cell.State, cell.Only = Partly, v.only(limiting, somewhere)
	case worst == limited, worst == passes && (best < limited || aside):
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

// answers says whether the statement is about a question: it has a condition on one
// of its settings, or on none and denies all. Else what it denies is denied for
// another reason.
func (s *Statement) answers(q Question) bool {
	return len(s.mentions()) == 0 || len(meant(q, []*Statement{s})) > 0
}

// instance is a request and what was judged of it.
type instance struct {
	judged
	request request
	worst   []*Statement // that deny the requests which are denied least
}

// try judges every request, with something said of some settings if of no others.
func (v *view) try(more ...*setting) []instance {
	key := [2]*setting{}
	n := 0
	for _, s := range more {
		if !slices.Contains(v.mentioned, s) {
			key[n] = s
			n++
		}
	}
	if out, ok := v.tried[key]; ok {
		return out
	}
	var out []instance
	for _, r := range v.requests(key[:n]...) {
		out = append(out, instance{judged: v.judge(r), request: r})
	}
	v.tried[key] = out
	return out
}

// variant is how far requests with one choice are stopped: at the worst, with what
// else they may say, and at the best, where they comply otherwise. The example is
// the worst of them, with the statements that deny the best. Requests that are not
// asked about are left out.
func (v *view) variant(s *setting, picked int, a ask) (low, high stopping, example instance) {
	low, high = denied, passes
	first, somewhere := true, false
	var by, worst []*Statement
	for _, one := range v.try(append([]*setting{s}, v.o.beside(a)...)...) {
		if one.request.picked[slices.Index(one.request.settings, s)] != picked || !v.o.meant(a, one.request) {
			continue
		}
		if first || one.stopping < low {
			low, example, first, worst = one.stopping, one, false, nil
		}
		if one.stopping == low {
			worst, somewhere = together(worst, one.by), somewhere || one.somewhere
		}
		if v.o.alone(one.request, s) {
			by = together(by, one.by)
			high = max(high, one.stopping)
		}
	}
	example.by, example.worst, example.somewhere = by, worst, somewhere
	return low, high, example
}

// beside are the settings that decide whether a request is asked about.
func (o *operation) beside(a ask) []*setting {
	switch {
	case a.own:
		return settings()[:1]
	case a.open:
		return []*setting{o.way()}
	default:
		return nil
	}
}

// meant says whether a request is asked about.
func (o *operation) meant(a ask, r request) bool {
	if a.open {
		i := slices.Index(r.settings, o.way())
		return i < 0 || !r.choices[i].fine
	}
	return !a.own || !r.without(settings()[0])
}

// without says whether the request leaves a setting out.
func (r request) without(s *setting) bool {
	i := slices.Index(r.settings, s)
	return i >= 0 && r.choices[i].absent
}

// alone says whether the request complies in every setting but one: what denies it
// denies it for this one. Without subnets there are no security groups, and what else
// opens a way to the Internet makes them missing the worse.
func (o *operation) alone(r request, but *setting) bool {
	for i, s := range r.settings {
		c := r.choices[i]
		if s == but || s == o.way() && r.without(settings()[0]) && but == settings()[0] || c.fine || o.coupled && s.key.Many && but.key.Many && c.absent {
			continue
		}
		return false
	}
	return true
}

// only says what limits the statements, each once; their places only where they
// leave some out.
func (v *view) only(by []*Statement, somewhere bool) []string {
	var out []string
	for _, s := range by {
		r := v.reaches[slices.Index(v.about, s)]
		all := r.limits
		if somewhere {
			for _, c := range r.places {
				all = append(slices.Clip(all), limitOf(c))
			}
		}
		for _, l := range all {
			if !slices.Contains(out, l.words) {
				out = append(out, l.words)
			}
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
