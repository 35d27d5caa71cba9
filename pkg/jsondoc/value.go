package jsondoc

import (
	"fmt"
	"strings"
)

// Hidden is what CloudTrail writes in place of a value it must not record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Kind returns the value's type.
func (v Value) Kind() Kind { return v.kind }

// Why says why the value is Unknown; it is empty for every other kind.
func (v Value) Why() string {
	if v.kind != Unknown {
		return ""
	}
	return v.text
}

// Inherited says whether the value came from an earlier document by [Overlay].
func (v Value) Inherited() bool { return v.inherited }

// Empty says whether there is nothing in the value: it is absent, null, {},
// [] or "". AWS consoles and documents write all of these for "not set".
func (v Value) Empty() bool {
	switch v.kind {
	case Absent, Null:
		return true
	case String:
		return v.text == ""
	case Array, Object:
		return len(v.members) == 0
	default:
		return false
	}
}

// Omitted says whether CloudTrail left out the value because of its size: what
// it had is then unknown, and no member of it is absent.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func (v Value) Omitted() bool {
	m, ok := v.Find("omitted")
	return ok && m.Value.kind == Bool && m.Value.bool
}

// What says what an Unknown value is going to be, as far as that is known: the
// word that was given to [Pending]. It is empty for every other value.
func (v Value) What() string {
	if v.kind != Unknown || len(v.members) == 0 {
		return ""
	}
	return v.members[0].Name
}

// Len is the number of elements of a list or members of an object, else 0.
func (v Value) Len() int { return len(v.Members()) }

// Members returns the members of an object, or the elements of a list (whose
// names are empty), in document order. The caller must not change them.
func (v Value) Members() []Member {
	if v.kind == Unknown {
		return nil
	}
	return v.members
}

// Text returns the text of a string, and whether the value is one.
func (v Value) Text() (string, bool) { return v.text, v.kind == String }

// Str returns the text of a string, or "" for anything else.
func (v Value) Str() string {
	if v.kind != String {
		return ""
	}
	return v.text
}

// Bool returns the value of a true or false, and whether the value is one.
func (v Value) Bool() (value, ok bool) { return v.bool, v.kind == Bool }

// Literal returns a number's literal, and whether the value is a number.
func (v Value) Literal() (string, bool) { return v.text, v.kind == Number }

// Find returns the member with the given name as it is, else with its first
// letter in the other case.
func (v Value) Find(name string) (Member, bool) {
	if v.kind != Object {
		return Member{}, false
	}
	found := -1
	for i := range v.members {
		if v.members[i].Name == name {
			found = i
			break
		}
		if found < 0 && sameName(v.members[i].Name, name) {
			found = i
		}
	}
	if found < 0 {
		return Member{}, false
	}
	m := v.members[found]
	m.Value.inherited = m.Value.inherited || v.inherited
	return m, true
}

// Get returns the member with the given name, its first letter in either case.
// It never guesses: of an Absent or Null value every member is Absent; of a
// value that is Unknown, hidden or omitted by CloudTrail, or not an object at
// all, every member is Unknown; and so is a member that only a looser spelling
// would find.
func (v Value) Get(name string) Value {
	switch v.kind {
	case Absent, Null, Unknown:
		v.members = nil
		if v.kind == Null {
			v.kind = Absent
		}
		return v
	case Object:
	default:
		if v.Empty() {
			return Value{inherited: v.inherited}
		}
		if v.text == Hidden {
			return Unresolved("CloudTrail hid the value")
		}
		return Unresolved(fmt.Sprintf("found %s where an object was expected", v.kind))
	}
	if m, ok := v.Find(name); ok {
		if m.Value.text == Hidden && m.Value.kind == String {
			return Unresolved("CloudTrail hid the value")
		}
		return m.Value
	}
	for _, m := range v.members {
		if strings.EqualFold(m.Name, name) {
			return Unresolved(fmt.Sprintf("member %q is not spelled as AWS spells it (%q)", m.Name, name))
		}
		if m.Value.bool && m.Value.kind == Bool && sameName(m.Name, "omitted") {
			return Unresolved("CloudTrail omitted the value because of its size")
		}
	}
	return Value{inherited: v.inherited}
}

// At follows a path of member names separated by dots.
func (v Value) At(path string) Value {
	for path != "" && v.kind != Absent {
		name, rest, _ := strings.Cut(path, ".")
		v, path = v.Get(name), rest
	}
	return v
}

// Unresolved is a value that exists but is not known from the document; why
// says so in words a person can act on.
func Unresolved(why string) Value { return Value{kind: Unknown, text: why} }

// Pending is a value that is not known from the document, and of which it is
// certain what it is going to be: what is a word that the caller and whoever
// reads the value agree on. why is as in [Unresolved].
func Pending(why, what string) Value {
	return Value{kind: Unknown, text: why, members: []Member{{Name: what}}}
}

// OfString is a string value.
func OfString(s string) Value { return Value{kind: String, text: s} }

// OfBool is a true or a false.
func OfBool(b bool) Value { return Value{kind: Bool, bool: b} }

// OfNumber is a number with the given literal.
func OfNumber(literal string) Value { return Value{kind: Number, text: literal} }

// OfArray is a list of values.
func OfArray(elements ...Value) Value {
	v := Value{kind: Array}
	for _, e := range elements {
		v.members = append(v.members, Member{Value: e})
	}
	return v
}

// OfObject is an object with the given members, whose names must be distinct.
func OfObject(members ...Member) Value { return Value{kind: Object, members: members} }

// Overlay returns base with the members of update over it: an object is merged
// member by member, anything else that is not empty in update takes the place
// of what base has. What is taken from base is marked as [Value.Inherited].
func Overlay(base, update Value) Value {
	if update.Empty() {
		base.inherited = true
		return base
	}
	if base.Empty() || update.kind != Object || update.Omitted() {
		return update
	}
	if base.kind != Object {
		// What update does not name stays as base has it, and that cannot be read.
		return Unresolved("an earlier record's value could not be read")
	}
	out := make([]Member, 0, len(base.members)+len(update.members))
	for _, m := range base.members {
		if _, ok := update.Find(m.Name); !ok {
			m.Value.inherited = true
			out = append(out, m)
		}
	}
	for _, m := range update.members {
		if b, ok := base.Find(m.Name); ok {
			m.Value = Overlay(b.Value, m.Value)
		}
		out = append(out, m)
	}
	return Value{kind: Object, members: out}
}

// With returns the object with one member set to value, in place of the member
// with that name if there is one.
func (v Value) With(name string, value Value) Value {
	out := make([]Member, 0, len(v.members)+1)
	for _, m := range v.members {
		if !sameName(m.Name, name) {
			out = append(out, m)
		}
	}
	return Value{kind: Object, inherited: v.inherited, members: append(out, Member{Name: name, Value: value})}
}

// Equal says whether two values are the same but for the order of members and
// the case of first letters.
func Equal(a, b Value) bool {
	if a.kind != b.kind || a.bool != b.bool || a.text != b.text || len(a.members) != len(b.members) {
		return false
	}
	for i, m := range a.members {
		o := b.members[i]
		if a.kind == Object {
			var ok bool
			if o, ok = b.Find(m.Name); !ok {
				return false
			}
		}
		if !Equal(m.Value, o.Value) {
			return false
		}
	}
	return true
}

// String names the kind as it stands in messages.
func (k Kind) String() string {
	switch k {
	case Absent:
		return "nothing"
	case Null:
		return "null"
	case Bool:
		return "true or false"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "a list"
	case Object:
		return "an object"
	case Unknown:
		return "an unknown value"
	default:
		return "?"
	}
}
