package lint

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/prevent/condition"
)

// place is who calls and where, by condition key in small letters.
type place map[string]string

// The keys of a place, in small letters. They are in the context of every request
// that is signed, as each of SageMaker's is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
const (
	principalARN     = "aws:principalarn"
	principalAccount = "aws:principalaccount"
	requestedRegion  = "aws:requestedregion"
)

// placeKey is what the condition compares of a place; ok is false where it is about
// something else, or it cannot be told for a place.
func (c *Condition) placeKey() (key condition.Key, ok bool) {
	switch strings.ToLower(c.Key) {
	case principalAccount, requestedRegion:
		key.Type = condition.String
	case principalARN:
		key.Type = condition.ARN
		if slices.ContainsFunc(c.Values, func(v condition.Operand) bool { return v.Open }) {
			return key, false // it is about some of them
		}
	default:
		return key, false
	}
	return key, c.Known && c.Operator.Set == condition.One && c.Operator.Fits(key.Type)
}

// ofPlace says whether the condition is on who calls or where, and can be told for
// a place.
func (c *Condition) ofPlace() bool {
	_, ok := c.placeKey()
	return ok
}

// somewhere says whether the statement is for some accounts or Regions only.
func (s *Statement) somewhere() bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return c.ofPlace() && !strings.EqualFold(c.Key, principalARN)
	})
}

// at says whether the statement applies in a place.
func (r reach) at(p place) answer {
	out := answer{truth: condition.Yes}
	for _, c := range r.places {
		key, _ := c.placeKey()
		t, why := c.eval(key, []string{p[strings.ToLower(c.Key)]})
		out = out.and(answer{t, why})
	}
	return out
}

// The most that is tried. Of more it is only said that it limits a statement.
const (
	mostPlaces   = 64
	mostPatterns = 64
	mostStates   = 1 << 12
	mostPieces   = 1 << 12
	mostSteps    = 1 << 22 // points of patterns from which one more character is read
	mostStepsAll = 1 << 24 // of all lists of patterns
)

// placesOf are places for all that statements tell apart: one for each way in which
// their patterns can fit together. ok is false where they are too many.
func (m *memory) placesOf(reaches []reach) (places []place, ok bool) {
	var by []*Condition
	for _, r := range reaches {
		by = append(by, r.places...)
	}
	i := slices.IndexFunc(m.located, func(known located) bool { return slices.Equal(known.by, by) })
	if i < 0 {
		places, ok = m.apart(by)
		m.located, i = append(m.located, located{by, places, ok}), len(m.located)
	}
	return m.located[i].places, m.located[i].ok
}

// apart are places for all that conditions tell apart.
func (m *memory) apart(by []*Condition) (places []place, ok bool) {
	var callers, regions [][]piece
	for _, c := range by {
		for _, v := range c.Values {
			switch {
			case v.Open || c.Operator.Base == condition.Null:
			case strings.EqualFold(c.Key, requestedRegion):
				regions = append(regions, c.pattern(v.Text))
			default:
				callers = append(callers, c.pattern(v.Text))
			}
			if len(callers) > mostPatterns || len(regions) > mostPatterns {
				return nil, false
			}
		}
	}
	who, ok := m.witnesses(callerForms(), callers)
	if !ok {
		return nil, false
	}
	where, ok := m.witnesses([][]piece{regionForm()}, regions)
	if !ok || len(who)*len(where) > mostPlaces {
		return nil, false
	}
	for _, arn := range who {
		parsed, _ := kind.ParseARN(arn)
		for _, region := range where {
			places = append(places, place{principalARN: arn, principalAccount: parsed.Account, requestedRegion: region})
		}
	}
	return places, true
}

// piece is one piece of a pattern: a character, one of a class, or any number of
// these.
type piece struct {
	char  rune
	class func(rune) bool // nil: the character
	many  bool
	fold  bool // in small letters or not
}

func (p piece) fits(r rune) bool {
	switch {
	case p.class != nil:
		return p.class(r)
	case p.fold:
		return strings.EqualFold(string(p.char), string(r))
	default:
		return p.char == r
	}
}

func literal(s string) []piece {
	var out []piece
	for _, r := range s {
		out = append(out, piece{char: r})
	}
	return out
}

func any1(rune) bool      { return true }
func inPart(r rune) bool  { return r != ':' }
func digit(r rune) bool   { return '0' <= r && r <= '9' }
func letter(r rune) bool  { return 'a' <= r && r <= 'z' }
func letters(r rune) bool { return letter(r) || r == '-' }
func printed(r rune) bool { return '!' <= r && r <= '~' }

// callerForms are the forms of aws:PrincipalArn: of a role, also where a session of
// it calls; of a user, a federated user and the root user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
func callerForms() [][]piece {
	var out [][]piece
	for _, resource := range []string{"iam:role/", "iam:user/", "sts:federated-user/", "iam:root"} {
		service, name, _ := strings.Cut(resource, ":")
		form := append(literal("arn:aws"), piece{class: letters, many: true})
		form = append(form, literal(":"+service+"::")...)
		for range 12 {
			form = append(form, piece{class: digit})
		}
		if form = append(form, literal(":"+name)...); name != "root" {
			form = append(form, piece{class: printed}, piece{class: printed, many: true})
		}
		out = append(out, form)
	}
	return out
}

// regionForm is the form of a Region's name.
func regionForm() []piece {
	return slices.Concat(
		[]piece{{class: letter}, {class: letter}, {class: letters, many: true}}, literal("-"),
		[]piece{{class: letter}, {class: letter, many: true}}, literal("-"), []piece{{class: digit}, {class: digit, many: true}},
	)
}

// pattern is a value of the condition as a pattern of callers or Regions. The account
// is a part of the caller's ARN.
func (c *Condition) pattern(text string) []piece {
	base := string(c.Operator.Base)
	fold := strings.HasSuffix(base, "IgnoreCase")
	wild := !strings.HasPrefix(base, "String") || strings.HasSuffix(base, "Like")
	part := func(text string, class func(rune) bool) []piece {
		var out []piece
		for len(text) > 0 {
			r, size := utf8.DecodeRuneInString(text)
			switch {
			case wild && len(text) >= 4 && text[:2] == "${" && text[3] == '}' && strings.IndexByte("*?$", text[2]) >= 0:
				out = append(out, piece{char: rune(text[2])})
				text = text[4:]
				continue
			case wild && r == '*':
				if len(out) == 0 || !out[len(out)-1].many { // several are as one
					out = append(out, piece{class: class, many: true})
				}
			case wild && r == '?':
				out = append(out, piece{class: class})
			default:
				out = append(out, piece{char: r, fold: fold})
			}
			text = text[size:]
		}
		return out
	}
	switch {
	case strings.EqualFold(c.Key, principalAccount):
		some := piece{class: inPart, many: true}
		colon := piece{char: ':'}
		return slices.Concat([]piece{some, colon, some, colon, some, colon, some, colon}, part(text, inPart), []piece{colon, {class: any1, many: true}})
	case strings.HasPrefix(base, "Arn"):
		parts := strings.SplitN(text, ":", 6)
		var out []piece
		for i, p := range parts {
			class := inPart
			if i == 5 {
				class = any1
			}
			if i > 0 {
				out = append(out, piece{char: ':'})
			}
			out = append(out, part(p, class)...)
		}
		return out
	default:
		return part(text, any1)
	}
}

// witnesses are texts of one of some forms, one for each set of patterns that a text
// can match and no others with it. ok is false where looking for them takes too long.
func (m *memory) witnesses(forms, patterns [][]piece) (out []string, ok bool) {
	if slices.ContainsFunc(patterns, func(p []piece) bool { return len(p) > mostPieces }) {
		return nil, false
	}
	all := slices.Concat(forms, patterns)
	alphabet := lettersOf(all)
	type state struct {
		at   []uint32 // where each pattern is
		text string
	}
	var first []uint32
	for i := range all {
		first = advance(first, all, i, 0)
	}
	queue, seen, found, steps := []state{{at: first}}, map[string]bool{}, map[string]bool{}, 0
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		form := false
		var matched []rune
		for _, x := range s.at {
			i, at := int(x>>16), int(x&0xffff)
			if at == len(all[i]) && i < len(forms) {
				form = true
			} else if at == len(all[i]) {
				matched = append(matched, rune(i))
			}
		}
		if form && !found[string(matched)] {
			found[string(matched)] = true
			if out = append(out, s.text); len(out) > mostPlaces {
				return nil, false
			}
		}
		more := len(s.at) * len(alphabet)
		if steps, m.steps = steps+more, m.steps+more; steps > mostSteps || m.steps > mostStepsAll {
			return nil, false
		}
		for _, r := range alphabet {
			next := readOne(all, s.at, r)
			if len(next) == 0 || int(next[0]>>16) >= len(forms) {
				continue // it is of no form
			}
			key := make([]byte, 0, 4*len(next))
			for _, x := range next {
				key = binary.LittleEndian.AppendUint32(key, x)
			}
			if seen[string(key)] {
				continue
			}
			if seen[string(key)] = true; len(seen) > mostStates {
				return nil, false
			}
			queue = append(queue, state{next, s.text + string(r)})
		}
	}
	return out, true
}

// readOne is where the patterns are after one more character.
func readOne(all [][]piece, at []uint32, r rune) []uint32 {
	next := make([]uint32, 0, len(at))
	for _, x := range at {
		i, p := int(x>>16), int(x&0xffff)
		if p == len(all[i]) || !all[i][p].fits(r) {
			continue
		}
		if !all[i][p].many {
			p++
		}
		next = advance(next, all, i, p)
	}
	slices.Sort(next)
	return slices.Compact(next)
}

// advance adds a point of a pattern, and those that it is at as well: any number of
// characters may be none.
func advance(at []uint32, all [][]piece, i, p int) []uint32 {
	for {
		at = append(at, uint32(i)<<16|uint32(p)) //nolint:gosec // few patterns, and short ones
		if p == len(all[i]) || !all[i][p].many {
			return at
		}
		p++
	}
}

// lettersOf are the characters that patterns tell apart: those that they name, and of
// each class one that none of them does.
func lettersOf(all [][]piece) []rune {
	var out []rune
	for _, pieces := range all {
		for _, p := range pieces {
			if p.class == nil {
				out = append(out, p.char)
				for r := unicode.SimpleFold(p.char); p.fold && r != p.char; r = unicode.SimpleFold(r) {
					out = append(out, r)
				}
			}
		}
	}
	for _, some := range []string{"zyxwvutsrqponmlkjihgfedcba", "9876543210", "_+=,.@~!#%&ZYXWVUTSRQPONMLKJIHGFEDCBA"} {
		if i := strings.IndexFunc(some, func(r rune) bool { return !slices.Contains(out, r) }); i >= 0 {
			out = append(out, rune(some[i]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
