// Package condition evaluates the conditions of an IAM policy statement, as far
// as AWS's documentation says how. What it leaves open is [Unknown], with the
// reason, and never taken for an answer: whether a multivalued key matches an
// operator without ForAllValues or ForAnyValue, what a value of another type than
// the operator's compares as, what a policy variable becomes.
//
// It is pure: it knows conditions and keys, and neither services nor policies.
package condition

// Truth is whether a condition is met. The zero value is Unknown.
type Truth uint8

// The answers.
const (
	Unknown Truth = iota // the documentation does not say, or a value is not known
	No
	Yes
)

// String names the answer.
func (t Truth) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	case Unknown:
	}
	return "unknown"
}

// And is Yes where both are, and No where one is.
func And(a, b Truth) Truth {
	switch {
	case a == No || b == No:
		return No
	case a == Yes && b == Yes:
		return Yes
	default:
		return Unknown
	}
}

// Or is Yes where one is, and No where both are.
func Or(a, b Truth) Truth { return not(And(not(a), not(b))) }

func not(t Truth) Truth {
	switch t {
	case Yes:
		return No
	case No:
		return Yes
	case Unknown:
	}
	return Unknown
}

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// Type is what a condition key's values are, in the words of the Service
// Authorization Reference, without its prefix ArrayOf.
type Type string

// The types. The zero value is not known.
const (
	String  Type = "String"
	Bool    Type = "Bool"
	ARN     Type = "ARN"
	Numeric Type = "Numeric"
	Date    Type = "Date"
	IP      Type = "IPAddress"
	Binary  Type = "Binary"
)

// Key is a condition key as the Service Authorization Reference describes it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type Key struct {
	Type Type
	// Many says that the key is multivalued: the reference's type begins with ArrayOf.
	Many bool
}

// Operand is one value that a policy gives to compare with.
type Operand struct {
	Text string
	// Open says that the text is not known: it has a policy variable, or comes
	// from a template.
	Open bool
}

// Eval says whether the condition that compares a key with the policy's values
// is met by a request in which the key has the given values; nil is a request
// without the key. Where the answer is Unknown, why says so in words for a person.
//
// Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (o Operator) Eval(key Key, request []string, policy []Operand) (t Truth, why string) {
	return o.With(policy).Eval(key, request)
}

// Eval is like [Operator.Eval].
func (c *Comparison) Eval(key Key, request []string) (t Truth, why string) {
	o := c.operator
	if o.Base == Null {
		return null(request, c.policy)
	}
	if request == nil {
		return o.absent(), ""
	}
	if key.Many && o.Set == One {
		// "Multivalued context keys require a condition set operator."
		return Unknown, "the key has several values, and AWS does not document what " + o.Name + " does with them without ForAnyValue or ForAllValues"
	}
	if !o.fits(key.Type) {
		return Unknown, "AWS does not document how " + o.Name + " compares a key of type " + string(key.Type)
	}
	switch o.Set {
	case ForAnyValue:
		t = No
		for _, v := range request {
			t = Or(t, c.one(v))
		}
	case ForAllValues, One:
		// A key that is not multivalued has one value, if any.
		t = Yes
		for _, v := range request {
			t = And(t, c.one(v))
		}
	}
	switch {
	case t != Unknown:
	case c.open:
		why = "the policy's value is not known before the request"
	case o.Base == BoolEquals:
		why = "the value is neither true nor false"
	case o.category() == ARN:
		why = "what it is compared with is no ARN"
	case o.category() == String:
		why = "AWS documents escapes in patterns only"
	default:
		why = "values of type " + string(key.Type) + " are not compared here"
	}
	return t, why
}

// absent is the answer for a request that does not have the key.
//
//   - "If the key that you specify in a policy condition is not present in the
//     request context, the values do not match and the condition is false. If the
//     policy condition requires that the key is not matched, such as StringNotLike
//     or ArnNotLike, and the right key is not present, the condition is true."
//   - ...IfExists: "If the key is not present, evaluate the condition element as true."
//   - ForAllValues "also returns true if there are no context keys in the request".
//   - ForAnyValue is false without a value that matches, IfExists or not: the
//     documentation of IfExists reads otherwise, and who measured it found false.
//     https://repost.aws/questions/QU9HFmDzP0QGuU-fd7rS6B7w/foranyvalue-stringequalsifexists-behaving-unexpectedly
func (o Operator) absent() Truth {
	switch {
	case o.Set == ForAnyValue:
		return No
	case o.Set == ForAllValues, o.IfExists, o.negated():
		return Yes
	default:
		return No
	}
}

// null answers for the operator Null: "use either true (the key doesn't exist, it
// is null) or false (the key exists and its value is not null)". A key without a
// value is null.
func null(request []string, policy []Operand) (Truth, string) {
	t := No
	for _, p := range policy {
		switch {
		case p.Open || p.Text != "true" && p.Text != "false":
			t = Or(t, Unknown)
		default:
			t = Or(t, truth((p.Text == "true") == (len(request) == 0)))
		}
	}
	if t == Unknown {
		return t, "the value is neither true nor false"
	}
	return t, ""
}

// fits says whether the documentation defines the operator for keys of a type.
// A string operator on an ARN is: "There are certain cases when a string operator
// would match when an ARN operator would not match."
func (o Operator) fits(t Type) bool {
	switch c := o.category(); t {
	case String, Bool, Numeric, Date, IP, Binary:
		return c == t
	case ARN:
		return c == ARN || c == String
	default:
		return false
	}
}

// Fits says whether the operator is made for keys of the type; Null is for all.
func (o Operator) Fits(t Type) bool { return o.Base == Null || o.fits(t) }
