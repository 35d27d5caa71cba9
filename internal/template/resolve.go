package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// resolver knows the values of parameters, and what follows.
type resolver struct {
	template   *Template
	values     map[string]any // of parameters: a text, or a list of them
	conditions map[string]bool
	asked      []string // conditions that are being evaluated
}

// value is what a parameter is given, or its default.
func (p Parameter) value(given string, ok bool) (any, error) {
	switch {
	case ok:
	case p.Default == nil:
		return nil, errors.New("it has no default, and none is given")
	default:
		given = fmt.Sprint(p.Default)
	}
	if p.AllowedValues != nil && !slices.ContainsFunc(p.AllowedValues, func(v any) bool { return fmt.Sprint(v) == given }) {
		return nil, fmt.Errorf("%q is none of %v", given, p.AllowedValues)
	}
	if p.AllowedPattern != "" {
		pattern, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
		if err != nil {
			return nil, err
		}
		if !pattern.MatchString(given) {
			return nil, fmt.Errorf("%q does not look like %s", given, p.AllowedPattern)
		}
	}
	switch p.Type {
	case "String":
		return given, nil
	case "Number":
		n, err := json.Number(given).Float64()
		if err != nil {
			return nil, fmt.Errorf("%q is no number", given)
		}
		if p.MinValue != nil {
			if least, err := p.MinValue.Float64(); err != nil || n < least {
				return nil, fmt.Errorf("%s is less than %s", given, p.MinValue)
			}
		}
		return given, nil
	case "CommaDelimitedList":
		var list []any
		for part := range strings.SplitSeq(given, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return list, nil
	}
	return nil, fmt.Errorf("the type %q is not known", p.Type)
}

// holds says whether a condition holds; without one, it does.
func (r *resolver) holds(name string) (bool, error) {
	if name == "" {
		return true, nil
	}
	return r.condition(name)
}

// condition evaluates a condition of the template.
func (r *resolver) condition(name string) (bool, error) {
	if is, known := r.conditions[name]; known {
		return is, nil
	}
	expression, ok := r.template.Conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	if slices.Contains(r.asked, name) {
		return false, fmt.Errorf("the condition %s needs itself", name)
	}
	r.asked = append(r.asked, name)
	defer func() { r.asked = r.asked[:len(r.asked)-1] }()
	is, err := r.logic(expression)
	if err == nil {
		r.conditions[name] = is
	}
	return is, err
}

// logic evaluates the expression of a condition.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
func (r *resolver) logic(v any) (bool, error) {
	function, argument, ok := call(v)
	if !ok {
		return false, fmt.Errorf("%v is no condition", v)
	}
	if function == "Condition" {
		name, ok := argument.(string)
		if !ok {
			return false, fmt.Errorf("%v names no condition", argument)
		}
		return r.condition(name)
	}
	list, _ := argument.([]any)
	switch {
	case function == "Fn::Equals" && len(list) == 2:
		a, errA := r.resolve(list[0])
		b, errB := r.resolve(list[1])
		if err := errors.Join(errA, errB); err != nil {
			return false, err
		}
		left, right := text(a), text(b)
		if left == nil || right == nil {
			return false, fmt.Errorf("Fn::Equals of %v and %v, which are no texts", a, b)
		}
		return *left == *right, nil
	case function == "Fn::Not" && len(list) == 1:
		is, err := r.logic(list[0])
		return !is, err
	case (function == "Fn::And" || function == "Fn::Or") && len(list) >= 2:
		result := function == "Fn::And"
		for _, one := range list {
			is, err := r.logic(one)
			if err != nil {
				return false, err
			}
			if is != (function == "Fn::And") {
				result = is
			}
		}
		return result, nil
	}
	return false, fmt.Errorf("the condition function %s with %d arguments is not known", function, len(list))
}

// call is a map of one member that names a function.
func call(v any) (function string, argument any, ok bool) {
	m, is := v.(map[string]any)
	if !is || len(m) != 1 {
		return "", nil, false
	}
	for function, argument = range m {
	}
	return function, argument, function == "Ref" || function == "Condition" || strings.HasPrefix(function, "Fn::")
}

// text is a value as a text, nil where it is none.
func text(v any) *string {
	switch v := v.(type) {
	case string:
		return &v
	case json.Number:
		s := v.String()
		return &s
	case bool:
		s := fmt.Sprint(v)
		return &s
	}
	return nil
}

// none is what Ref of AWS::NoValue is: whatever has it is left out.
type none struct{}

// resolve resolves a value, all the way down.
func (r *resolver) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for i, element := range v {
			value, err := r.resolve(element)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			if value != (none{}) {
				out = append(out, value)
			}
		}
		return out, nil
	case map[string]any:
		// In a policy "Condition" is an element, and no function.
		if function, argument, ok := call(v); ok && function != "Condition" {
			value, err := r.function(function, argument)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", function, err)
			}
			return value, nil
		}
		out := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if strings.HasPrefix(name, "Fn::") {
				return nil, fmt.Errorf("%s stands beside something else", name)
			}
			value, err := r.resolve(v[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if value != (none{}) {
				out[name] = value
			}
		}
		return out, nil
	}
	return v, nil
}

// function resolves an intrinsic function.
func (r *resolver) function(function string, argument any) (any, error) {
	list, _ := argument.([]any)
	switch function {
	case "Ref":
		if name, ok := argument.(string); ok {
			return r.ref(name)
		}
	case "Fn::GetAtt":
		if len(list) == 2 {
			id, ok1 := list[0].(string)
			attribute, ok2 := list[1].(string)
			if ok1 && ok2 {
				return r.attribute(id, attribute)
			}
		}
	case "Fn::If":
		if name, ok := first(list).(string); ok && len(list) == 3 {
			is, err := r.condition(name)
			if err != nil {
				return nil, err
			}
			if is {
				return r.resolve(list[1])
			}
			return r.resolve(list[2])
		}
	case "Fn::Join":
		if between, ok := first(list).(string); ok && len(list) == 2 {
			return r.join(between, list[1])
		}
	case "Fn::Split":
		if between, ok := first(list).(string); ok && len(list) == 2 {
			return r.split(between, list[1])
		}
	case "Fn::Select":
		if n, ok := first(list).(json.Number); ok && len(list) == 2 {
			return r.pick(n, list[1])
		}
	case "Fn::Sub":
		if template, ok := argument.(string); ok {
			return r.sub(template, nil)
		}
		if template, ok := first(list).(string); ok && len(list) == 2 {
			if own, ok := list[1].(map[string]any); ok {
				return r.sub(template, own)
			}
		}
	}
	return nil, fmt.Errorf("with %v it is not known", argument)
}

// split is a text in parts.
func (r *resolver) split(between string, v any) (any, error) {
	whole, err := r.resolve(v)
	if err != nil {
		return nil, err
	}
	s := text(whole)
	if s == nil {
		return nil, fmt.Errorf("%v is no text", whole)
	}
	var out []any
	for part := range strings.SplitSeq(*s, between) {
		out = append(out, part)
	}
	return out, nil
}

// pick is one element of a list.
func (r *resolver) pick(n json.Number, v any) (any, error) {
	resolved, err := r.resolve(v)
	if err != nil {
		return nil, err
	}
	list, ok := resolved.([]any)
	if i, err := n.Int64(); ok && err == nil && i >= 0 && i < int64(len(list)) {
		return list[i], nil
	}
	return nil, fmt.Errorf("%v has no element %s", resolved, n)
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func (r *resolver) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return none{}, nil
	}
	if value, ok := r.values[name]; ok {
		return value, nil
	}
	return r.identity(name)
}

func (r *resolver) join(between string, of any) (any, error) {
	value, err := r.resolve(of)
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is no list", value)
	}
	var parts []string
	for _, element := range list {
		part := text(element)
		if part == nil {
			return nil, fmt.Errorf("%v is no text", element)
		}
		parts = append(parts, *part)
	}
	return strings.Join(parts, between), nil
}

// variable is a variable in a text of Fn::Sub; ${!Literal} stands for ${Literal}.
var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *resolver) sub(template string, own map[string]any) (any, error) {
	var failed error
	out := variable.ReplaceAllStringFunc(template, func(whole string) string {
		name := whole[2 : len(whole)-1]
		if literal, is := strings.CutPrefix(name, "!"); is {
			return "${" + literal + "}"
		}
		var value any
		var err error
		if given, ok := own[name]; ok {
			value, err = r.resolve(given)
		} else if id, attribute, dotted := strings.Cut(name, "."); dotted {
			value, err = r.attribute(id, attribute)
		} else {
			value, err = r.ref(name)
		}
		part := text(value)
		if err == nil && part == nil {
			err = fmt.Errorf("${%s} is no text", name)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			return ""
		}
		return *part
	})
	return out, failed
}
