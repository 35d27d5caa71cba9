// Package terraform reads the JSON form of a Terraform plan (terraform show -json)
// and says for each resource of SageMaker AI that is created or changed which
// request the provider will make, as far as the plan tells. What is known only after
// the apply is [jsondoc.Unknown], with the reason; what is going to name another
// resource of the plan is found by the references of the configuration.
//
// The plan is read as it streams by: of all its resources only SageMaker's are kept.
// https://developer.hashicorp.com/terraform/internals/json-format
package terraform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sagemoat/sagemoat/pkg/cloudformation"
	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Limits of one plan. A resource is held to those of package jsondoc.
const (
	MaxBytes         = 128 << 20 // of the whole
	maxConfiguration = 64 << 20  // bytes of the member "configuration"
	maxResources     = 10_000    // of SageMaker, or of which it takes a look to say so
	maxTemplates     = 1000
)

// Resource is a resource of SageMaker AI in a plan.
type Resource struct {
	Address string // module.ml.aws_sagemaker_model.fraud["a"]
	Type    string
	Row     *kind.Row
	Base    string // path to what it is going to be: resource_changes[3].change.after
	Region  string // empty where the plan does not tell
	// Planned says that it is created or changed; otherwise others may refer to it.
	Planned bool
	// Request is the request that creates the resource as it is going to be.
	Request jsondoc.Value
}

// Template is a template of CloudFormation's in a plan.
type Template struct {
	Address string // of its stack
	Base    string // path to it: resource_changes[3].change.after.template_body
	Root    *document.Node
}

// Plan is what a plan tells of SageMaker AI.
type Plan struct {
	Resources []*Resource
	// Templates are those of stacks that are created or changed, whatever they declare.
	Templates []*Template
	// Unknown counts the planned resources of types of SageMaker's that are not
	// known here, and those of which it is not known whether they hold any.
	Unknown map[string]int
	// Incomplete says that the plan leaves out changes that applying it leaves to be
	// made: it is of some resources only (-target), or defers some. Deferred counts
	// those of SageMaker among the latter, which are judged as far as they are known.
	Incomplete bool
	Deferred   int
}

// Looks says whether a text begins as a plan does: an object whose first member is
// one that plans have and nothing else that is read has. A state begins like a plan,
// and then has values.
func Looks(head []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(head))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for i := range 3 {
		name, err := d.ReadToken()
		switch {
		case err != nil || name.Kind() != '"':
			return i > 0
		case i == 0 && !slices.Contains(first, name.String()), name.String() == "values":
			return false
		}
		if d.SkipValue() != nil {
			return true // the head ends in it
		}
	}
	return true
}

// first are the members that may stand first in a plan, as Terraform and OpenTofu
// write it.
var first = []string{"applyable", "format_version", "planned_values", "resource_changes", "terraform_version"}

// change is one element of resource_changes.
type change struct {
	Address string `json:"address"`
	Module  string `json:"module_address"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Deposed string `json:"deposed"`
	Change  struct {
		Actions []string `json:"actions"`
	} `json:"change"`

	row      *kind.Row     // nil where only a look into it tells what it is
	path     string        // to the change in the plan
	doc      jsondoc.Value // the change itself
	deferred bool
}

// creates says whether the resource is made anew.
func (c *change) creates() bool { return slices.Contains(c.Change.Actions, "create") }

// Read reads a plan. The error is of the plan as a whole; faults are those of single
// resources, which are left out.
func Read(in io.Reader) (plan *Plan, faults []error, err error) {
	r := &reader{
		dec:  jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(false)),
		plan: &Plan{Unknown: map[string]int{}}, rows: rowsByType(), instances: map[string][]string{}, shared: map[string][]string{},
	}
	if err := r.read(); err != nil {
		return nil, nil, explain(err)
	}
	byAddress := map[string]*Resource{}
	for _, c := range r.changes {
		one := r.resource(c)
		if one == nil {
			continue
		}
		if c.deferred {
			r.plan.Deferred++
		}
		r.plan.Resources, byAddress[c.Address] = append(r.plan.Resources, one), one
	}
	for _, address := range slices.Sorted(maps.Keys(r.shared)) {
		var all []*Resource
		for _, a := range r.shared[address] {
			if byAddress[a] == nil {
				all = nil // it cannot be read
				break
			}
			all = append(all, byAddress[a])
		}
		if len(all) > 0 {
			r.plan.Resources = append(r.plan.Resources, common(address, all)...)
		}
	}
	return r.plan, r.faults, nil
}

func explain(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the plan ends in the middle")
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	return err
}

// rowsByType are the rows by the types of their resources: those of the provider
// hashicorp/aws, and of hashicorp/awscc, which are made from CloudFormation's.
func rowsByType() map[string]*kind.Row {
	rows := map[string]*kind.Row{}
	for _, row := range kind.Table() {
		if row.Terraform != "" {
			rows[row.Terraform] = row
		}
		if name, ok := strings.CutPrefix(row.CloudFormation, "AWS::SageMaker::"); ok {
			rows[cloudControl+kind.Snake(name)] = row
		}
	}
	return rows
}

// The prefixes of the types of the two providers.
const (
	classic      = "aws_sagemaker_"
	cloudControl = "awscc_sagemaker_"
)

type reader struct {
	dec       *jsontext.Decoder
	plan      *Plan
	rows      map[string]*kind.Row
	changes   []*change
	instances map[string][]string // addresses of all resources that will be there, by those without their own key
	shared    map[string][]string // those of which it is not known which one is meant
	faults    []error
	config    configuration
	has       struct{ version, changes bool }
}

// read reads the members of the plan.
func (r *reader) read() error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "format_version":
			err = r.version()
		case "resource_changes":
			r.has.changes = true
			err = r.list(name.String(), r.element)
		case "deferred_changes":
			err = r.list(name.String(), r.deferred)
		case "complete":
			var v jsontext.Value
			v, err = r.dec.ReadValue()
			r.plan.Incomplete = string(v) == "false"
		case "configuration":
			err = r.configuration()
		case "errored":
			var v jsontext.Value
			if v, err = r.dec.ReadValue(); string(v) == "true" {
				r.faults = append(r.faults, errors.New("the plan is of a run that failed, and may lack resources: plan again"))
			}
		default:
			err = r.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := r.dec.ReadToken(); err == nil {
		return errors.New("something follows the end of the plan")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case !r.has.version:
		return errors.New("a Terraform plan without a format_version")
	case !r.has.changes:
		// A plan that changes nothing has an empty list.
		return errors.New("a Terraform plan without resource_changes: was it made by terraform show -json PLANFILE?")
	}
	return nil
}

// version refuses plans of a format that is not known. A new minor version only
// adds members.
func (r *reader) version() error {
	v, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return errors.New("format_version is not a text")
	}
	if major, _, _ := strings.Cut(string(text), "."); major != "0" && major != "1" {
		return fmt.Errorf("a Terraform plan in format %q: this version reads 0 and 1", clip(string(text)))
	}
	r.has.version = true
	return nil
}

func (r *reader) configuration() error {
	v, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	if len(v) > maxConfiguration {
		return fmt.Errorf("the plan's configuration is longer than %d bytes", maxConfiguration)
	}
	if err := json.Unmarshal(v, &r.config); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

// list reads a list of changes. A resource that cannot be read does not take the
// others with it.
func (r *reader) list(name string, each func(path string, v jsontext.Value) error) error {
	if t, err := r.dec.ReadToken(); err != nil {
		return err
	} else if t.Kind() != '[' {
		return fmt.Errorf("%s is not a list", name)
	}
	for i := 0; r.dec.PeekKind() != ']'; i++ {
		v, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		path := name + "[" + strconv.Itoa(i) + "]"
		if err := each(path, v); err != nil {
			r.faults = append(r.faults, fmt.Errorf("%s: %w", path, err))
		}
		if len(r.changes) > maxResources {
			return fmt.Errorf("more than %d resources of SageMaker", maxResources)
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// deferred notes a change that a later plan will make, since it depends on what this
// one does not know. Its change is as in resource_changes, with less that is known.
// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
// https://github.com/hashicorp/terraform/blob/v1.9.0/internal/command/jsonplan/plan.go
func (r *reader) deferred(path string, v jsontext.Value) error {
	var d struct {
		Change jsontext.Value `json:"resource_change"`
	}
	if err := json.Unmarshal(v, &d); err != nil {
		return err
	}
	n := len(r.changes)
	err := r.element(path+".resource_change", d.Change)
	for _, c := range r.changes[n:] {
		c.deferred = true
	}
	return err
}

// element notes a resource, if it is SageMaker's and will be there. All addresses
// are kept: one that is not there is referred to by nobody.
func (r *reader) element(path string, v jsontext.Value) error {
	c := &change{path: path}
	if err := json.Unmarshal(v, c); err != nil {
		return err
	}
	if c.Mode == "data" || c.Deposed != "" || !c.stays() {
		return nil
	}
	bare := strings.TrimSuffix(c.Address, ownKey(c.Address))
	r.instances[bare] = append(r.instances[bare], c.Address)
	free := freeForm
	if c.row = r.rows[c.Type]; c.row == nil {
		if !r.open(c) {
			return nil
		}
		free = freeFormOfStacks
	}
	var err error
	c.doc, err = jsondoc.Parse(v, free)
	if err != nil {
		return fmt.Errorf("%s: %w", clip(c.Address), err)
	}
	r.changes = append(r.changes, c)
	return nil
}

// stays says whether there is a resource after the apply. Of one that is deleted, or
// forgotten, nothing is judged.
// https://developer.hashicorp.com/terraform/internals/json-format#change-representation
func (c *change) stays() bool {
	return c.planned() || slices.Contains(c.Change.Actions, "no-op")
}

func (c *change) planned() bool { return c.creates() || slices.Contains(c.Change.Actions, "update") }

// open says whether it takes a look into a resource that no row has to say what it
// is. It counts a planned resource of a type that this version has never heard of.
func (r *reader) open(c *change) bool {
	if !c.planned() {
		return false
	}
	if c.Type == modelPackage || c.Type == generic || slices.Contains(stacks, c.Type) {
		return true
	}
	sageMaker := strings.HasPrefix(c.Type, classic) || strings.HasPrefix(c.Type, cloudControl)
	if sageMaker && !slices.Contains(others, c.Type) {
		r.plan.Unknown[c.Type]++
	}
	return false
}

func (r *reader) converter(c *change) *converter {
	return &converter{reader: r, change: c, resource: r.config.find(c.Module, c.Type, c.Name)}
}

// resource turns a change into a resource, or nil where it is none of SageMaker's
// that is judged.
func (r *reader) resource(c *change) *Resource {
	if c.row == nil {
		return r.look(c)
	}
	out := &Resource{Address: c.Address, Type: c.Type, Row: c.row, Base: c.path + ".change.after", Planned: c.planned()}
	at := c.doc.Get("change")
	conv := r.converter(c)
	out.Request = conv.request(at.Get("after"), at.Get("after_unknown"), at.Get("after_sensitive"))
	if k := out.Request.Kind(); k != jsondoc.Object && k != jsondoc.Unknown {
		out.Request = jsondoc.Unresolved("the plan does not say what it is going to be")
	}
	out.Region = r.region(c)
	return out
}

func (r *reader) region(c *change) string {
	if region := c.doc.At("change.after.region").Str(); region != "" {
		return region
	}
	return r.config.region(r.config.find(c.Module, c.Type, c.Name))
}

// others are the types of SageMaker's that no row has: they run no code in a
// network, or on what another resource sets up. Of a model package that is so unless
// it has validation profiles.
var others = func() []string {
	var out []string
	for _, name := range []string{
		"app_image_config", "code_repository", "device", "device_fleet", "feature_group", "flow_definition", "hub", "hub_content_reference",
		"human_task_ui", "image", "image_version", "mlflow_app", "mlflow_tracking_server", "model_card", "model_card_export_job",
		"model_package_group", "model_package_group_policy", "notebook_instance_lifecycle_configuration", "project",
		"servicecatalog_portfolio_status", "studio_lifecycle_config",
	} {
		out = append(out, classic+name)
	}
	for _, typ := range cloudformation.Others() {
		out = append(out, cloudControl+kind.Snake(strings.TrimPrefix(typ, "AWS::SageMaker::")))
	}
	return out
}()

func clip(s string) string {
	const most = 100
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
