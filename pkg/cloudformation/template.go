// Package cloudformation reads CloudFormation templates, in JSON or YAML, and says
// for each resource of SageMaker AI in them which request CloudFormation will make:
// as far as the template tells. A value that only a deployment has is
// [jsondoc.Unknown], with the reason: it is not absent, and nobody may take a
// parameter's default for it, which any deployment can overrule.
//
// Conditions, of which a deployment has one outcome or another, make variants: the
// template is read once for each outcome that its parameters allow. See
// docs/adr/0019-templates-and-plans.md.
package cloudformation

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// Resource is a resource of SageMaker AI in a template.
type Resource struct {
	LogicalID string
	Type      string // for example AWS::SageMaker::Model
	Row       *kind.Row
	Base      string // path to its properties, for example Resources.M.Properties
	// Variants are what it may turn out to be, never none.
	Variants []Variant
}

// Variant is a resource under one outcome of the conditions that it depends on, or
// that what it refers to depends on.
type Variant struct {
	When []kind.Choice
	// World tells variants apart: those of one template with the same World are
	// there together.
	World string
	// Request is the request that creates the resource.
	Request jsondoc.Value
}

// sections are the members of a template, and one of SAM's.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
var sections = []string{
	"AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata", "Outputs", "Parameters",
	"Resources", "Rules", "Transform",
}

// Looks says whether a document is a template: an object with a version, or with
// Resources that have types.
func Looks(root *document.Node) bool {
	resources := root.Get("Resources")
	if root.Get("AWSTemplateFormatVersion") != nil || resources != nil && root.Get("Transform") != nil {
		return true
	}
	return resources != nil && slices.ContainsFunc(resources.Members, func(m document.Member) bool {
		return strings.Contains(m.Value.Get("Type").Str(), "::") || strings.HasPrefix(m.Name, "Fn::")
	})
}

// Is says whether a document is a template and cannot be anything else: it has no
// member that templates do not have.
func Is(root *document.Node) bool {
	return Looks(root) && !slices.ContainsFunc(root.Members, func(m document.Member) bool {
		return !slices.Contains(sections, m.Name) && !strings.HasPrefix(m.Name, "Fn::")
	})
}

// Read returns the resources of SageMaker AI in a template, in its order, and how
// many there are of each type of SageMaker's that is not known here. More says why
// there may be others once it is deployed; it is empty where there is no such reason.
func Read(root *document.Node) (resources []*Resource, unknown map[string]int, more string) {
	root = full(root)
	t := &template{root: root, unknown: map[string]int{}, rows: rowsByType()}
	t.macro = macroOf(root)
	list := root.Get("Resources")
	if list != nil && list.Kind == document.Map {
		if why := opaque(list); why != "" {
			t.macro = why
		}
		for _, m := range list.Members {
			t.resource(m)
		}
	}
	t.worlds()
	return t.resources, t.unknown, cmp.Or(t.macro, t.more)
}

// rowsByType are the rows whose resources templates create.
func rowsByType() map[string]*kind.Row {
	rows := map[string]*kind.Row{}
	for _, row := range kind.Table() {
		if row.CloudFormation != "" {
			rows[row.CloudFormation] = row
		}
	}
	return rows
}

// template is a template that is being read.
type template struct {
	root      *document.Node
	rows      map[string]*kind.Row
	macro     string // why nothing in it is what it will be; empty: there is no such reason
	more      string // why one of its resources may become SageMaker's; empty: there is no such reason
	resources []*Resource
	nodes     []*document.Node // of the resources
	unknown   map[string]int
	spent     int // how much was evaluated
}

// resource notes a member of Resources, if it is SageMaker's.
func (t *template) resource(m document.Member) {
	if strings.HasPrefix(m.Name, "Fn::ForEach") {
		t.loop(m, nil)
		return
	}
	typ := m.Value.Get("Type").Str()
	if row := t.rows[typ]; row != nil {
		t.add(m.Name, typ, row, m.Value)
		return
	}
	why := opaque(m.Value)
	t.more = cmp.Or(t.more, why)
	properties := jsondoc.Value{}
	if n := m.Value.Get("Properties"); t.macro != "" || why != "" {
		properties = jsondoc.Unresolved("a macro may rewrite them")
	} else if n != nil && typ == modelPackage {
		properties = (&world{template: t}).value(n)
	}
	t.unclaimed(typ, properties)
}

// unclaimed counts what [Silent] does not pass over, and a type of which it is not
// known whether it is SageMaker's, because it is computed.
func (t *template) unclaimed(typ string, properties jsondoc.Value) {
	written := computedFrom.ReplaceAllString(typ, "")
	computed := written != typ
	if strings.HasPrefix(typ, sageMaker) && !Silent(typ, properties) || computed && strings.HasPrefix(sageMaker, written) {
		t.unknown[cut(typ)]++
	}
}

// modelPackage is a type that no row has, and that runs code if it has validation
// profiles: SageMaker then validates it by transform jobs, which no VPC can be given.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-modelpackage.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageValidationSpecification.html
const modelPackage = sageMaker + "ModelPackage"

// Silent says whether a resource of a type of SageMaker's that no row has is to be
// passed over: it runs no code, whatever of its properties is not known.
func Silent(typ string, properties jsondoc.Value) bool {
	if typ == modelPackage {
		return properties.At("ValidationSpecification.ValidationProfiles").Empty()
	}
	return slices.Contains(others, typ)
}

// computedFrom is a text from the first variable of a loop on.
var computedFrom = regexp.MustCompile(`(?s)[$&]\{.*`)

// sageMaker begins the types of SageMaker's.
const sageMaker = "AWS::SageMaker::"

func (t *template) add(id, typ string, row *kind.Row, node *document.Node) {
	t.resources = append(t.resources, &Resource{LogicalID: id, Type: typ, Row: row, Base: "Resources." + id + ".Properties"})
	t.nodes = append(t.nodes, node)
}

// iteration is a loop: what its variable is called and the values that it takes, none
// where they are not written out.
type iteration struct {
	variable string
	values   []string
}

// loop notes the resources that a loop makes: how many there are and what each of
// them has only CloudFormation tells. It stands in others.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
func (t *template) loop(m document.Member, around []iteration) {
	parts, ok := items(m.Value, 3, 3)
	if !ok {
		return
	}
	one := iteration{variable: parts[0].Str()}
	if collection := parts[1]; collection.Kind == document.List {
		for _, v := range collection.Members {
			s, ok := v.Value.Scalar()
			if !ok {
				one.values = nil
				break
			}
			one.values = append(one.values, s)
		}
	}
	around = append(slices.Clone(around), one)
	t.more = cmp.Or(t.more, opaque(parts[2]))
	for _, body := range parts[2].Members {
		if strings.HasPrefix(body.Name, "Fn::ForEach") {
			t.loop(document.Member{Name: m.Name + "." + body.Name, Value: body.Value}, around)
			continue
		}
		t.more = cmp.Or(t.more, opaque(body.Value))
		for _, typ := range types(body.Value.Get("Type").Str(), around) {
			if row := t.rows[typ]; row != nil {
				t.add(m.Name+"."+body.Name, typ, row, nil)
			} else {
				t.unclaimed(typ, jsondoc.Unresolved("made by Fn::ForEach"))
			}
		}
	}
}

// The limits of what loops may make of a type.
const (
	maxTypes = 50  // different ones
	maxType  = 200 // bytes of one
)

// types are what a type comes to in loops, each once: itself where it has none of
// their variables, or where their values are not written out.
func types(typ string, loops []iteration) []string {
	out := []string{typ}
	for _, l := range loops {
		variable := "${" + l.variable + "}"
		if !strings.Contains(typ, variable) || len(l.values) == 0 {
			continue
		}
		var next []string
		for _, before := range out {
			for _, v := range l.values {
				if len(before) > maxType || len(v) > maxType || len(next) > maxTypes {
					return []string{typ}
				}
				if after := strings.ReplaceAll(before, variable, v); !slices.Contains(next, after) {
					next = append(next, after)
				}
			}
		}
		out = next
	}
	return out
}

// harmless are the macros of AWS's own that add resources and leave those of
// SageMaker as they are.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-reference.html
var harmless = []string{
	"AWS::CodeDeployBlueGreen", "AWS::LanguageExtensions", "AWS::SecretsManager-2020-07-23", "AWS::SecretsManager-2024-09-16",
	"AWS::Serverless-2016-10-31", "AWS::ServiceCatalog",
}

// macroOf says why a template is not what is deployed: a macro may rewrite all of it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html
func macroOf(root *document.Node) string {
	if why := opaque(root); why != "" {
		return why
	}
	transform := root.Get("Transform")
	if transform == nil {
		return ""
	}
	list := []*document.Node{transform}
	if transform.Kind == document.List {
		list = nil
		for _, m := range transform.Members {
			list = append(list, m.Value)
		}
	}
	for _, n := range list {
		name := n.Str()
		if n.Kind == document.Map {
			name = n.Get("Name").Str()
		}
		if !slices.Contains(harmless, name) {
			return fmt.Sprintf("the macro %s may rewrite it at deployment", cut(name))
		}
	}
	return ""
}

// opaque says why the members of an object are not those that are deployed.
func opaque(n *document.Node) string {
	for _, m := range n.Members {
		if m.Name == "Fn::Transform" {
			return fmt.Sprintf("the macro %s in Fn::Transform may rewrite it at deployment", cut(m.Value.Get("Name").Str()))
		}
	}
	return ""
}

// cut shortens a piece of the template for a message.
func cut(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// others are the types of SageMaker's that no row has: they run no code in a network,
// or on what another resource sets up. Of a model package that is so unless it has
// validation profiles. The list is that of the CloudFormation registry, as
// @aws-cdk/aws-service-spec 0.1.216 of 2026-09 has it.
var others = []string{
	"AWS::SageMaker::AIWorkloadConfig",
	"AWS::SageMaker::Action",
	"AWS::SageMaker::Algorithm", // its type has no validation profile, so that no code runs
	"AWS::SageMaker::AppImageConfig",
	"AWS::SageMaker::Artifact",
	"AWS::SageMaker::ClusterSchedulerConfig",
	"AWS::SageMaker::CodeRepository",
	"AWS::SageMaker::Context",
	"AWS::SageMaker::Device",
	"AWS::SageMaker::DeviceFleet",
	"AWS::SageMaker::Experiment",
	"AWS::SageMaker::ExperimentTrialComponent",
	"AWS::SageMaker::FeatureGroup",
	"AWS::SageMaker::Hub",
	"AWS::SageMaker::HumanTaskUi",
	"AWS::SageMaker::Image",
	"AWS::SageMaker::ImageVersion",
	"AWS::SageMaker::InferenceExperiment",
	"AWS::SageMaker::MlflowApp",
	"AWS::SageMaker::MlflowTrackingServer",
	"AWS::SageMaker::ModelCard",
	modelPackage,
	"AWS::SageMaker::ModelPackageGroup",
	"AWS::SageMaker::NotebookInstanceLifecycleConfig",
	"AWS::SageMaker::PartnerApp",
	"AWS::SageMaker::Project",
	"AWS::SageMaker::StudioLifecycleConfig",
	"AWS::SageMaker::TrialComponent",
}

// Others returns the types of SageMaker's that no row has, and that may be passed
// over: see [Silent].
func Others() []string { return slices.Clone(others) }

// Request is the request that is made of a resource's properties, and the row that
// judges it: nil where none has the type.
func Request(typ string, properties jsondoc.Value) (*kind.Row, jsondoc.Value) {
	row := rowsByType()[typ]
	if row == nil {
		return nil, properties
	}
	return row, request(row, properties)
}

// request is the request that CloudFormation makes of a resource's properties,
// which have the names of the API's members but for these.
func request(row *kind.Row, properties jsondoc.Value) jsondoc.Value {
	if row.Kind != kind.Pipeline || properties.Kind() != jsondoc.Object {
		return properties
	}
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-pipeline.html
	const definition = "PipelineDefinition"
	in := properties.Get(definition)
	if in.Kind() != jsondoc.Object {
		return properties
	}
	out := properties.With(definition, in.Get("PipelineDefinitionBody"))
	if at := in.Get("PipelineDefinitionS3Location"); at.Kind() == jsondoc.Object {
		at = at.With("ObjectKey", at.Get("Key"))
		out = out.With("PipelineDefinitionS3Location", at)
	}
	return out
}

// parameters are the declared parameters.
func (t *template) parameter(name string) *document.Node { return t.root.Get("Parameters").Get(name) }

// allowed are the values that a parameter can have, if the template lists them.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func allowed(parameter *document.Node) []string {
	list := parameter.Get("AllowedValues")
	if list == nil || list.Kind != document.List {
		return nil
	}
	values := map[string]bool{}
	for _, m := range list.Members {
		s, ok := m.Value.Scalar()
		if !ok {
			return nil
		}
		values[s] = true
	}
	return slices.Sorted(maps.Keys(values))
}
