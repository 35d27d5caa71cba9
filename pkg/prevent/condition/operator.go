package condition

import "strings"

// Set is the set operator before a condition operator.
type Set string

// The set operators.
const (
	One          Set = "" // none: for keys with a single value
	ForAnyValue  Set = "ForAnyValue"
	ForAllValues Set = "ForAllValues"
)

// Base is a condition operator without set operator and IfExists.
type Base string

// The operators.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
const (
	StringEquals              Base = "StringEquals"
	StringNotEquals           Base = "StringNotEquals"
	StringEqualsIgnoreCase    Base = "StringEqualsIgnoreCase"
	StringNotEqualsIgnoreCase Base = "StringNotEqualsIgnoreCase"
	StringLike                Base = "StringLike"
	StringNotLike             Base = "StringNotLike"
	ArnEquals                 Base = "ArnEquals"
	ArnLike                   Base = "ArnLike"
	ArnNotEquals              Base = "ArnNotEquals"
	ArnNotLike                Base = "ArnNotLike"
	BoolEquals                Base = "Bool"
	Null                      Base = "Null"
)

// others are the operators whose comparison is not evaluated, by what they compare.
func others() map[Base]Type {
	out := map[Base]Type{"BinaryEquals": Binary, "IpAddress": IP, "NotIpAddress": IP}
	for _, how := range []Base{"Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"} {
		out["Numeric"+how] = Numeric
		out["Date"+how] = Date
	}
	return out
}

// Operator is a condition operator as a policy writes it.
type Operator struct {
	Set      Set
	Base     Base
	IfExists bool
	Name     string // as written
}

// Parse reads the name of a condition operator, for example
// ForAnyValue:StringNotEqualsIfExists. ok is false where it is none: AWS documents
// one spelling of each, and no IfExists for Null.
func Parse(name string) (o Operator, ok bool) {
	o = Operator{Name: name}
	rest := name
	if before, after, found := strings.Cut(name, ":"); found {
		o.Set, rest = Set(before), after
		if o.Set != ForAnyValue && o.Set != ForAllValues {
			return o, false
		}
	}
	if base, found := strings.CutSuffix(rest, "IfExists"); found {
		o.IfExists, rest = true, base
	}
	o.Base = Base(rest)
	if o.Base == Null {
		return o, !o.IfExists && o.Set == One
	}
	return o, o.category() != ""
}

// category is what the operator compares.
func (o Operator) category() Type {
	switch o.Base {
	case StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike:
		return String
	case ArnEquals, ArnLike, ArnNotEquals, ArnNotLike:
		return ARN
	case BoolEquals:
		return Bool
	case Null:
		return ""
	default:
		return others()[o.Base]
	}
}

// negated says whether the operator is met by what does not match.
func (o Operator) negated() bool { return strings.Contains(string(o.Base), "Not") }

// Negated says whether the operator is met by values that do not match the policy's.
func (o Operator) Negated() bool { return o.negated() }

// Variables says whether values of the operator may hold policy variables.
func (o Operator) Variables() bool {
	c := o.category()
	return c == String || c == ARN || c == Bool
}
