package terraform

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// freeForm are the attributes that are maps with names of the author's choice.
var freeForm = func() map[string]bool {
	out := map[string]bool{"tags_all": true}
	for name := range kind.FreeForm() {
		out[kind.Snake(name)] = true
	}
	return out
}()

// converter turns the values of one resource into a request.
type converter struct {
	*reader
	change   *change
	resource *configResource // nil where the configuration does not have it
}

// place is where a value stands in the resource: names, and elements of lists.
type place []any

// item is a step into a list, and how many elements that has.
type item struct{ index, of int }

func (p place) with(step any) place { return append(slices.Clone(p), step) }

// request is the request that makes a resource what it is going to be.
func (c *converter) request(after, unknown, sensitive jsondoc.Value) jsondoc.Value {
	v := c.value(after, unknown, sensitive, nil, "")
	if v.Kind() != jsondoc.Object {
		return v
	}
	if name := v.Get("Name"); name.Kind() != jsondoc.Absent {
		// The provider calls every resource's name just that.
		v = v.With(c.change.row.Key[len(c.change.row.Key)-1], name)
	}
	if all, ok := v.Find("TagsAll"); ok {
		v = v.With("Tags", all.Value) // with those of the provider
	}
	if definition := v.Get("PipelineDefinition"); definition.Kind() == jsondoc.Object {
		// The provider hashicorp/awscc has the members of CloudFormation.
		v = v.With("PipelineDefinition", definition.Get("PipelineDefinitionBody"))
	}
	return v
}

// value converts a value, with the name of the member that it is the value of.
func (c *converter) value(after, unknown, sensitive jsondoc.Value, at place, name string) jsondoc.Value {
	if is, ok := unknown.Bool(); ok && is {
		return c.unknown(at, name)
	}
	if is, ok := sensitive.Bool(); ok && is {
		return concealed(after)
	}
	switch after.Kind() {
	case jsondoc.Object:
		return c.object(after, unknown, sensitive, at, name)
	case jsondoc.Array:
		return c.list(after, unknown, sensitive, at, name)
	default:
		return after
	}
}

// concealed is what may be told of a value that is marked as sensitive: a switch,
// and whether it is a subnet's id, but never the value.
func concealed(v jsondoc.Value) jsondoc.Value {
	const why = "marked as sensitive, so that it is not read"
	if _, ok := v.Bool(); ok || v.Empty() {
		return v
	}
	s, _ := v.Text()
	switch {
	case slices.Contains(words, s):
		return v
	case strings.HasPrefix(s, "subnet-"):
		return jsondoc.Pending(why, kind.SubnetID)
	}
	subnet := func(m jsondoc.Member) bool { return strings.HasPrefix(m.Value.Str(), "subnet-") }
	if v.Kind() == jsondoc.Array && slices.ContainsFunc(v.Members(), subnet) {
		return jsondoc.Pending(why, kind.SubnetID)
	}
	return jsondoc.Unresolved(why)
}

// words are the values of settings, which are no secrets.
var words = []string{"Enabled", "Disabled", "ENABLED", "DISABLED", "VpcOnly", "PublicInternetOnly", "Private", "Shared"}

// object converts an object, member by member: those that are known and those that
// are not stand in two.
func (c *converter) object(after, unknown, sensitive jsondoc.Value, at place, name string) jsondoc.Value {
	free := freeForm[name]
	var out []jsondoc.Member
	add := func(member string, v, unknown jsondoc.Value) {
		to := member
		if !free {
			to = camel(member)
		}
		if v = c.value(v, unknown, exact(sensitive, member), at.with(member), member); v.Kind() != jsondoc.Absent {
			out = append(out, jsondoc.Member{Name: to, Value: v})
		}
	}
	for _, m := range after.Members() {
		add(m.Name, m.Value, exact(unknown, m.Name))
	}
	for _, m := range unknown.Members() {
		if exact(after, m.Name).Kind() == jsondoc.Absent {
			add(m.Name, jsondoc.Value{}, m.Value)
		}
	}
	return jsondoc.OfObject(out...)
}

// exact is a member with exactly that name.
func exact(v jsondoc.Value, name string) jsondoc.Value {
	if m, ok := v.Find(name); ok && m.Name == name {
		return m.Value
	}
	return jsondoc.Value{}
}

// list converts a list. The blocks of Terraform are lists, also where the API has
// one object.
func (c *converter) list(after, unknown, sensitive jsondoc.Value, at place, name string) jsondoc.Value {
	nth := func(v jsondoc.Value, i int) jsondoc.Value {
		if v.Kind() != jsondoc.Array || i >= v.Len() {
			return jsondoc.Value{}
		}
		return v.Members()[i].Value
	}
	blocks := false
	var out []jsondoc.Value
	n := max(after.Len(), unknown.Len())
	for i := range n {
		v := nth(after, i)
		blocks = blocks || v.Kind() == jsondoc.Object
		// An element that is null is there.
		if v = c.value(v, nth(unknown, i), nth(sensitive, i), at.with(item{i, n}), name); v.Kind() != jsondoc.Absent {
			out = append(out, v)
		}
	}
	switch {
	case !blocks || slices.Contains(lists, name):
		return jsondoc.OfArray(out...)
	case len(out) == 1:
		return out[0]
	default:
		return jsondoc.Unresolved("found " + strconv.Itoa(len(out)) + " blocks where one was expected")
	}
}

// lists are the blocks that are lists in the API too, as far as a row reads them.
var lists = []string{
	"production_variants", "shadow_production_variants", "training_job_definitions", "validation_profiles",
	"instance_groups", "instance_pools", "restricted_instance_groups", "tags", "containers", "container",
}

// camel is a member's name as the API writes it.
func camel(name string) string {
	if name == "enable_ssm_access" {
		return "EnableSSMAccess"
	}
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// unknown is a value that is known only after the apply.
func (c *converter) unknown(at place, name string) jsondoc.Value {
	const why = "known only after the apply"
	found, is := c.resource.expression(at)
	if is == nowhere && c.change.creates() && (leaf(name) || len(at) == 1 && strings.HasPrefix(c.change.Type, cloudControl)) {
		// Nobody set it: what is not known is what the API will answer for it.
		return jsondoc.Value{}
	}
	said := why
	if len(found.References) > 0 {
		said += ": " + clip(strings.Join(found.References, ", "))
	}
	here := site{module: c.change.Module}
	if c.resource != nil {
		here.forEach = c.resource.ForEach
	}
	targets, all := c.resolve(found.References, here)
	if all && len(targets) > 0 && !slices.ContainsFunc(targets, func(t target) bool { return !t.subnet() }) {
		return jsondoc.Pending(said, kind.SubnetID)
	}
	if all && len(targets) == 1 && c.claims(targets[0].typ) && targets[0].names() {
		if address, ok := c.instance(targets[0]); ok {
			return jsondoc.Pending(said, kind.Sign(address))
		}
	}
	return jsondoc.Unresolved(said)
}

func (r *reader) claims(typ string) bool { return r.rows[typ] != nil }

// leaf says whether an attribute is none that can be written as a block, so that
// there is an expression for it wherever it was set, unless in a dynamic block.
func leaf(name string) bool {
	return strings.HasPrefix(name, "enable_") || slices.Contains([]string{
		"app_network_access_type", "direct_internet_access", "security_group_ids", "security_groups", "subnet_id",
	}, name)
}
