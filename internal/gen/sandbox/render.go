package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// beside are the operations that no row of the table names and that whoever
// looks at its resources uses.
var beside = []string{
	"AddTags", "DeleteTags", "ListTags", "Search",
	"DescribeAutoMLJob", "DescribePipelineDefinitionForExecution",
	"ListPipelineExecutionSteps", "ListPipelineParametersForExecution", "ListTrainingJobsForHyperParameterTuningJob",
}

// searched are the resources that Search finds in the sandbox.
var searched = []string{"Endpoint", "HyperParameterTuningJob", "Job", "Model", "Pipeline", "PipelineExecution", "TrainingJob"}

// operations are the operations that the sandbox answers.
func operations() []string {
	out := slices.Clone(beside)
	for _, row := range kind.Table() {
		for _, c := range row.Calls {
			out = append(out, c.Name)
		}
		out = append(out, row.Describe.Name)
		out = slices.Concat(out, row.Lists, row.Stops, row.Deletes)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shape is a shape as the sandbox reads it. See pkg/sandbox.
type shape struct {
	Type     string            `json:"type"`
	Members  map[string]string `json:"members,omitempty"`
	Required []string          `json:"required,omitempty"`
	Values   []string          `json:"values,omitempty"`
	Of       string            `json:"of,omitempty"`
}

// simple are the shapes that are known by their type alone.
var simple = map[smithy.ShapeType]string{
	smithy.ShapeTypeBlob: "blob", smithy.ShapeTypeBoolean: "boolean", smithy.ShapeTypeString: "string",
	smithy.ShapeTypeTimestamp: "timestamp", smithy.ShapeTypeIntEnum: "integer", smithy.ShapeTypeInteger: "integer", smithy.ShapeTypeLong: "long",
	smithy.ShapeTypeFloat: "float", smithy.ShapeTypeDouble: "double",
}

type gatherer struct {
	source source
	shapes map[string]shape
}

// render writes the model, a line an operation and a line a shape.
func render() ([]byte, error) {
	src, err := readSource()
	if err != nil {
		return nil, err
	}
	g := &gatherer{source: src, shapes: map[string]shape{}}
	model := sdkmodel.Operations()
	var b bytes.Buffer
	b.WriteString("{\n\"operations\": {\n")
	for i, name := range operations() {
		op, ok := model[name]
		if !ok {
			return nil, fmt.Errorf("the SDK has no operation %s", name)
		}
		in, err := g.add(name+"Input", op.Input)
		if err != nil {
			return nil, err
		}
		out, err := g.add(name+"Output", op.Output)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%q: [%q, %q]", name, in, out)
	}
	b.WriteString("\n},\n\"shapes\": {\n")
	for i, name := range slices.Sorted(maps.Keys(g.shapes)) {
		line, err := json.Marshal(g.shapes[name])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%q: %s", name, line)
	}
	b.WriteString("\n}\n}\n")
	return b.Bytes(), nil
}

// add notes a shape and all below it, and returns the name that it has in the
// model. goName is the name of its type in the SDK's Go source.
func (g *gatherer) add(goName string, s *smithy.Schema) (string, error) {
	if name, ok := simple[s.Type()]; ok {
		return name, nil
	}
	if _, ok := g.shapes[goName]; ok {
		return goName, nil
	}
	out := shape{}
	g.shapes[goName] = out // stops where a shape holds itself
	var err error
	switch s.Type() {
	case smithy.ShapeTypeEnum:
		out.Type = "enum"
		if out.Values = g.source.enums[goName]; len(out.Values) == 0 {
			return "", fmt.Errorf("the values of %s are not in the SDK's source", goName)
		}
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		out.Type, out.Members = "structure", map[string]string{}
		required, ok := g.source.required[goName]
		if s.Type() == smithy.ShapeTypeUnion {
			out.Type = "union"
		} else if !ok && len(s.Members()) > 0 {
			return "", fmt.Errorf("%s is not in the SDK's source", goName)
		}
		out.Required = required
		for name, member := range s.Members() {
			if goName == "SearchRecord" && !slices.Contains(searched, name) {
				continue
			}
			if out.Members[name], err = g.add(upper(member.TargetID().Name), member); err != nil {
				return "", fmt.Errorf("%s.%w", name, err)
			}
		}
	case smithy.ShapeTypeList:
		out.Type = "list"
		m := s.ListMember()
		out.Of, err = g.add(upper(m.TargetID().Name), m)
	case smithy.ShapeTypeMap:
		out.Type = "map"
		m := s.MapValue()
		out.Of, err = g.add(upper(m.TargetID().Name), m)
	default:
		err = fmt.Errorf("%s has a type that the sandbox does not know (%d)", goName, s.Type())
	}
	g.shapes[goName] = out
	return goName, err
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// source is what only the SDK's Go source tells.
type source struct {
	required map[string][]string // by type
	enums    map[string][]string // by type
}

// readSource reads the types of the SDK's client: which members their comments
// call required, and the values of enumerations.
func readSource() (source, error) {
	src := source{map[string][]string{}, map[string][]string{}}
	const client = "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	out, err := exec.CommandContext(context.Background(), "go", "list", "-f", "{{.Dir}}", client, client+"/types").Output()
	if err != nil {
		return src, fmt.Errorf("go list %s: %w", client, err)
	}
	for line := range strings.Lines(string(out)) {
		dir := strings.TrimSpace(line)
		for _, pattern := range []string{"api_op_*.go", "types.go", "enums.go"} {
			names, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return src, err
			}
			for _, name := range names {
				if strings.HasSuffix(name, "_test.go") {
					continue
				}
				f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
				if err != nil {
					return src, err
				}
				src.read(f)
			}
		}
	}
	return src, nil
}

func (s source) read(f *ast.File) {
	for _, decl := range f.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if t, ok := spec.Type.(*ast.StructType); ok {
					s.required[spec.Name.Name] = requiredIn(t)
				}
			case *ast.ValueSpec:
				typ, named := spec.Type.(*ast.Ident)
				if !named || g.Tok != token.CONST || len(spec.Values) != 1 {
					continue
				}
				if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if v, err := strconv.Unquote(lit.Value); err == nil {
						s.enums[typ.Name] = append(s.enums[typ.Name], v)
					}
				}
			}
		}
	}
}

func requiredIn(t *ast.StructType) []string {
	var out []string
	for _, field := range t.Fields.List {
		if len(field.Names) == 1 && strings.Contains(field.Doc.Text(), "This member is required.") {
			out = append(out, field.Names[0].Name)
		}
	}
	slices.Sort(out)
	return out
}
