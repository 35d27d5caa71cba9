package lint

import "slices"

// memory has what is found out once and is the same for many operations, and counts
// the work that it took.
type memory struct {
	located  []located
	steps    int // that were made to find places
	lists    map[several][]listing
	compared int // ids with statements
}

// located are the places that some conditions tell apart; ok is false where they are
// too many.
type located struct {
	by     []*Condition
	places []place
	ok     bool
}

// several is what lists of statements have in common that may be the same.
type several struct {
	first *Statement
	n     int
}

// listing is what there is to say of the ids that statements list.
type listing struct {
	by    []*Statement
	lists lists
	shown map[*setting]shown
}

// shown are the choices for a setting, and what the statements say of them.
type shown struct {
	choices []choice
	known   [][][]answer
}

// mostCompared is how many steps are made to compare ids. One that was not compared
// is not known to be denied.
const mostCompared = 1 << 21

// compare says whether so many steps more may be made.
func (m *memory) compare(steps int) bool {
	m.compared += steps
	return m.compared <= mostCompared
}

// listing finds what is known of statements.
func (m *memory) listing(statements []*Statement) *listing {
	var key several
	if len(statements) > 0 {
		key = several{statements[0], len(statements)}
	}
	i := slices.IndexFunc(m.lists[key], func(l listing) bool { return slices.Equal(l.by, statements) })
	if i < 0 {
		if m.lists == nil {
			m.lists = map[several][]listing{}
		}
		i = len(m.lists[key])
		m.lists[key] = append(m.lists[key], listing{statements, listed(statements), map[*setting]shown{}})
	}
	return &m.lists[key][i]
}

// listed are the ids that statements list.
func (m *memory) listed(statements []*Statement) lists { return m.listing(statements).lists }

// ofIDs are what a request may say of a setting that is a list, and what the
// statements say of that.
func (m *memory) ofIDs(s *setting, statements []*Statement) ([]choice, [][][]answer) {
	l := m.listing(statements)
	out, ok := l.shown[s]
	if !ok {
		ids, more := m.told(s, statements)
		out.choices = ofIDs(s, ids, more)
		out.known = say(s, out.choices, statements)
		l.shown[s] = out
	}
	return out.choices, out.known
}
