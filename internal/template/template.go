// Package template reads CloudFormation templates, and resolves what they say for
// one account and Region: what is deployed, under which names, by which
// parameters. Tests and pages about the template are made from that.
//
// It knows as much of CloudFormation as our own templates use, and is strict: a
// function, a type or an attribute that it does not know is an error.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Template is a template as it is written.
type Template struct {
	Parameters map[string]Parameter
	Conditions map[string]any
	Resources  map[string]Resource
	Outputs    map[string]Output
}

// Parameter is a parameter of a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type Parameter struct {
	Type, Description, AllowedPattern string
	// Default is nil where a value has to be given.
	Default       any
	AllowedValues []any
	MinValue      *json.Number
}

// Resource is a resource of a template. In what [Template.Resolve] returns there is
// nothing left to resolve in its properties: they are what JSON has, with numbers
// as [json.Number].
type Resource struct {
	Type, Condition string
	DependsOn       any
	Properties      map[string]any
}

// Output is an output of a template.
type Output struct {
	Condition string
	Value     any
}

// Load reads a template in JSON from a file. The error names the file.
func Load(path string) (*Template, error) {
	text, err := os.ReadFile(path) // #nosec G304 -- the template that we are asked to read
	if err != nil {
		return nil, err
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse reads a template in JSON.
func Parse(text []byte) (*Template, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	t := &Template{}
	if err := d.Decode(t); err != nil { //nolint:musttag // the members are named as in a template
		return nil, fmt.Errorf("no template: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("no template: there is something after it")
	}
	if len(t.Resources) == 0 {
		return nil, errors.New("a template without resources")
	}
	return t, nil
}

// Resolved is a template as it would be deployed: resources and outputs whose
// conditions hold.
type Resolved struct {
	Resources map[string]Resource
	Outputs   map[string]any

	resolver
}

// The pseudo parameters, where [Template.Resolve] is not told otherwise.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
const (
	Account   = "111122223333"
	Region    = "eu-west-1"
	StackName = "sagemoat"
)

// Resolve resolves a template for parameters, which may be pseudo parameters too:
// {"Mode": "stop", "AWS::Region": "eu-central-1"}. A list is its elements with
// commas between.
func (t *Template) Resolve(parameters map[string]string) (*Resolved, error) {
	r := &Resolved{Resources: map[string]Resource{}, Outputs: map[string]any{}}
	r.resolver = resolver{template: t, values: map[string]any{
		"AWS::AccountId": Account, "AWS::Region": Region, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": StackName,
	}, conditions: map[string]bool{}}
	for name, value := range parameters {
		if _, pseudo := r.values[name]; pseudo {
			r.values[name] = value
		} else if _, known := t.Parameters[name]; !known {
			return nil, fmt.Errorf("there is no parameter %s", name)
		}
	}
	for name, p := range t.Parameters {
		given, ok := parameters[name]
		value, err := p.value(given, ok)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		r.values[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(t.Conditions)) {
		if _, err := r.condition(name); err != nil {
			return nil, fmt.Errorf("condition %s: %w", name, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		in := t.Resources[id]
		deployed, err := r.holds(in.Condition)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		if !deployed {
			continue
		}
		value, err := r.resolve(in.Properties)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		out := Resource{Type: in.Type, Condition: in.Condition, DependsOn: in.DependsOn}
		out.Properties, _ = value.(map[string]any) // a map stays one
		r.Resources[id] = out
	}
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		deployed, err := r.holds(t.Outputs[name].Condition)
		if err == nil && deployed {
			r.Outputs[name], err = r.resolve(t.Outputs[name].Value)
		}
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
	}
	return r, nil
}

// OfType are the ids of the deployed resources of a type, sorted.
func (r *Resolved) OfType(typ string) []string {
	var out []string
	for id := range r.Resources {
		if r.Resources[id].Type == typ {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// ARN is the ARN of a deployed resource.
func (r *Resolved) ARN(id string) (string, error) { return r.attribute(id, "Arn") }

// Name is the name that a deployed resource has in AWS.
func (r *Resolved) Name(id string) (string, error) { return r.name(id) }

// Ref is what the function Ref returns for a deployed resource.
func (r *Resolved) Ref(id string) (string, error) { return r.identity(id) }
