package guide

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

//go:embed data
var data embed.FS

// recipe is how one resource of a kind is made: its calls, without a network.
type recipe struct {
	title string
	calls []call
}

// call is one of a recipe.
type call struct {
	name    string
	request object
	// at is where the network belongs; empty where the call has none.
	at       string
	untagged bool
	lacks    []any // the tools that cannot make it
	// template is what CloudFormation has in place of members; templated says that
	// it has a type for what the call makes.
	template  object
	templated bool
	terraform terraform
}

// terraform is the resource that makes what a call does; no type where there is
// none.
type terraform struct {
	resource string
	names    map[string]string
}

// recipes are those of data/requests.yaml. They are checked by the tests.
var recipes = sync.OnceValue(func() map[kind.Kind][]recipe {
	text, err := data.ReadFile("data/requests.yaml")
	if err != nil {
		panic(err)
	}
	var file yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.UseOrderedMap()); err != nil {
		panic(err)
	}
	out := map[kind.Kind][]recipe{}
	for _, item := range file {
		list, _ := treeOf(item.Value).([]any)
		for _, e := range list {
			o, _ := e.(object)
			out[kind.Kind(fmt.Sprint(item.Key))] = append(out[kind.Kind(fmt.Sprint(item.Key))], recipeOf(o))
		}
	}
	return out
})

func recipeOf(o object) recipe {
	var r recipe
	if title, ok := o.get("title"); ok {
		r.title = fmt.Sprint(title)
	}
	calls, _ := o.get("calls")
	list, _ := calls.([]any)
	for _, e := range list {
		o, _ := e.(object)
		r.calls = append(r.calls, callOf(o))
	}
	return r
}

func callOf(o object) call {
	var c call
	for _, m := range o {
		switch v := m.value.(type) {
		case string:
			if m.name == "call" {
				c.name = v
			} else {
				c.at = v
			}
		case bool:
			c.untagged = v
		case []any:
			c.lacks = v
		case object:
			switch m.name {
			case "request":
				c.request = v
			case "template":
				c.template, c.templated = v, true
			case "terraform":
				c.terraform = terraformOf(v)
			}
		}
	}
	return c
}

func terraformOf(o object) terraform {
	t := terraform{names: map[string]string{}}
	if resource, ok := o.get("type"); ok {
		t.resource = fmt.Sprint(resource)
	}
	names, _ := o.get("names")
	if list, ok := names.(object); ok {
		for _, m := range list {
			t.names[m.name] = fmt.Sprint(m.value)
		}
	}
	return t
}

// resource is what the call makes, in CloudFormation's and the SDK's words:
// TrainingJob of CreateTrainingJob.
func (c *call) resource() string { return strings.TrimPrefix(c.name, "Create") }

// row is the kind of what the call makes or starts.
func (c *call) row() (*kind.Row, *kind.Call) {
	row, op, ok := kind.ByCall(c.name)
	if !ok {
		panic("data/requests.yaml has the call " + c.name + ", which no kind has")
	}
	return row, op
}
