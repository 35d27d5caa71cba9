package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/sagemoat/sagemoat/internal/gen/sdkmodel"
	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
)

// render writes the page.
func render() string {
	var b strings.Builder
	fmt.Fprintf(&b, head, len(kind.Table()))
	b.WriteString("| Kind | Starts or changes with | Decided by | Can change later |\n|---|---|---|---|\n")
	for _, row := range kind.Table() {
		decided := "its own settings"
		if len(row.Refers) > 0 {
			decided = strings.Join(kindsOf(row), ", ")
			if len(placesOf(row)) > 0 {
				decided = "its own settings; " + decided
			}
		} else if len(placesOf(row)) == 0 {
			panic(fmt.Sprintf("it is not known what decides of a %s", row.Words))
		}
		changes := row.Changes
		if changes == "" {
			changes = "nothing"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", row.Words, anchor(row), strings.Join(codes(callNames(row)), ", "), decided, changes)
	}
	for _, row := range kind.Table() {
		section(&b, row)
	}
	b.WriteString(unclaimedHead)
	unclaimed := kind.Unclaimed()
	for _, name := range slices.Sorted(maps.Keys(unclaimed)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, cell(unclaimed[name]))
	}
	b.WriteString(notJudgedHead)
	for _, a := range kind.NotJudged() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", a.Member, cell(a.Why))
	}
	return b.String()
}

const head = `<!-- Written by go run ./internal/gen/kinds from the table in pkg/kind. Do not edit. -->

# Kinds

What is audited: %d kinds of SageMaker AI resources. Of each, the operations
that start or change it, where its network settings stand in the request, and
how a finding about it is closed. Condition keys are IAM's; each begins with
` + "`sagemaker:`" + ` and can deny the call by its network settings before anything starts.

Members are written as the API writes them. CloudTrail writes their first
letter small, below ` + "`requestParameters`" + `. ` + "`[]`" + ` stands for each element of a list.
CloudFormation has the same members, but for a pipeline's definition; Terraform writes
them with underscores. A kind without a type there cannot be in a template or a plan.

`

const unclaimedHead = `
## Operations that are not audited

They start or change something, and touch a network or could be thought to.

| Operation | Why not |
|---|---|
`

const notJudgedHead = `
## Members that are not judged

They look like network settings, or could hold some. A test finds such members
in the AWS SDK's model and fails for one that is neither judged nor listed here.

| Member | Why not |
|---|---|
`

// section writes what there is to say of one kind.
func section(b *strings.Builder, row *kind.Row) {
	fmt.Fprintf(b, "\n## %s\n\n", title(row.Words))
	fmt.Fprintf(b, "`%s` · [API reference](%s)\n\n", row.Kind, row.Doc)

	b.WriteString("| Operation | Effect | Condition keys |\n|---|---|---|\n")
	for _, c := range row.Calls {
		keys := "none"
		if len(c.Keys) > 0 {
			keys = strings.Join(codes(c.Keys), ", ")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", c.Name, effect(c.Effect), keys)
	}
	b.WriteString("\n")

	item := func(what, says string) {
		if says != "" {
			fmt.Fprintf(b, "- **%s**: %s\n", what, says)
		}
	}
	for _, p := range placesOf(row) {
		item(p.what, strings.Join(codes(p.paths), ", "))
	}
	item("Decided by", strings.Join(references(row), "; "))
	if row.CloudFormation != "" {
		item("In CloudFormation", "`"+row.CloudFormation+"`")
	}
	if row.Terraform != "" {
		item("In Terraform", "`"+row.Terraform+"`")
	}
	var natives []string
	for _, n := range row.Natives {
		natives = append(natives, n.DetailType)
	}
	item("Events of SageMaker's own", strings.Join(natives, "; "))
	item("Described by", "`"+row.Describe.Name+"`; listed by "+strings.Join(codes(row.Lists), ", "))
	if row.Changes == "" {
		item("Can change later", "nothing")
	} else {
		item("Can change later", row.Changes)
	}
	if len(row.Stops) == 0 {
		item("Stopped by", "nothing")
	} else {
		item("Stopped by", strings.Join(codes(row.Stops), ", "))
	}
	item("A finding is closed so", row.Closes)
	if fragment := row.Fragment([]string{"subnet-1", "subnet-2"}, []string{"sg-1"}, true); fragment != "" {
		fmt.Fprintf(b, "\n```json\n%s\n```\n", fragment)
	}
}

func effect(e kind.Effect) string {
	switch e {
	case kind.Creates:
		return "creates"
	case kind.Replaces:
		return "replaces the members it names"
	case kind.Changes:
		return "changes what it names"
	case kind.Runs:
		return "runs what is configured"
	default:
		panic(fmt.Sprintf("effect %d has no words", e))
	}
}

// place is a fact and the members that tell it.
type place struct {
	what  string
	paths []string
}

// placesOf asks the row itself where its settings stand: it reads requests that
// have every member of the SDK's model, or lack some, and says where it looked.
func placesOf(row *kind.Row) []place {
	found := map[string]map[string]bool{}
	note := func(what, path string) {
		if path == "" {
			return
		}
		if found[what] == nil {
			found[what] = map[string]bool{}
		}
		found[what][index.ReplaceAllString(path, "[]")] = true
	}
	// A setting of something else is not in the request, but says which member
	// leads there; an ARN of what is missing is not such a setting.
	for _, c := range row.Calls {
		if c.Effect == kind.Runs {
			continue
		}
		input := sdkmodel.Operations()[c.Name].Input
		whole := sdkmodel.Full(input, documents)
		docs := []jsondoc.Value{whole}
		for _, m := range without {
			docs = append(docs, sdkmodel.Without(whole, m...))
		}
		for _, doc := range docs {
			for _, p := range row.Parts(kind.Record{Doc: doc, Call: c.Name}, nil) {
				f := p.Posture
				switch f.VPC {
				case posture.Yes:
					note("VPC", f.Where.VPC)
				case posture.No:
					// The request has every member, so that there is none to choose one.
					note(noVPC, f.Where.VPC)
				case posture.Unknown, posture.NotApplicable:
				}
				note("Isolation", f.Where.Isolation)
				note("Traffic between containers", f.Where.Encrypted)
				note("Direct Internet access", f.Where.DirectInternet)
				note("Where workers come in from", f.Where.Workers)
				if f.Family == posture.NoCode {
					note("Where workers come in from", f.Where.VPC)
				}
				for _, id := range f.SecurityGroups.List {
					if path := index.ReplaceAllString(id.Path, "[]"); !found["VPC"][strings.TrimSuffix(path, ".SecurityGroupIds[]")] {
						note("Security groups", path)
					}
				}
				for _, a := range f.Access {
					note("Way in, "+strings.ReplaceAll(string(a.Way), "-", " "), a.Path)
				}
			}
		}
	}
	if found["Where workers come in from"] != nil {
		delete(found, "VPC")
		delete(found, "Security groups")
	}
	for path := range found["VPC"] {
		// An update has no such member, and keeps what was created.
		delete(found[noVPC], path)
	}
	if len(found[noVPC]) == 0 {
		delete(found, noVPC)
	}
	var out []place
	for _, what := range slices.SortedFunc(maps.Keys(found), byOrder) {
		out = append(out, place{what, slices.Sorted(maps.Keys(found[what]))})
	}
	return out
}

// noVPC is said of members that rule a VPC out.
const noVPC = "No VPC can be chosen with"

// order is the order in which facts are told; ways in come last.
var order = []string{"Isolation", "VPC", noVPC, "Security groups", "Direct Internet access", "Where workers come in from", "Traffic between containers"}

func byOrder(a, b string) int {
	rank := func(s string) int {
		if i := slices.Index(order, s); i >= 0 {
			return i
		}
		return len(order)
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

var index = regexp.MustCompile(`\[\d+\]`)

// without are members without which a row looks elsewhere.
var without = [][]string{
	{"ServerlessConfig"},
	{"ServerlessConfig", "ModelName"},
	{"MonitoringJobDefinitionName"},
	{"OverrideVpcConfig"},
}

// documents gives the documents that stand in strings a content.
func documents(path string, _ *smithy.Schema) (jsondoc.Value, bool) {
	switch path {
	case "JobConfigDocument":
		return jsondoc.OfString(`{"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}}`), true
	case "PipelineDefinition":
		return jsondoc.OfString(`{"Version":"2020-12-01","Steps":[{"Name":"S","Type":"Training","Arguments":{"VpcConfig":{"Subnets":["subnet-1"],"SecurityGroupIds":["sg-1"]}}}]}`), true
	default:
		return jsondoc.Value{}, false
	}
}

// references says which kinds decide, each with the members that name it.
func references(row *kind.Row) []string {
	members := map[kind.Kind][]string{}
	for _, ref := range row.Refers {
		members[ref.Kind] = append(members[ref.Kind], ref.Member)
	}
	var out []string
	for _, ref := range row.Refers {
		if other, ok := kind.Of(ref.Kind); ok && members[ref.Kind] != nil {
			out = append(out, fmt.Sprintf("[%s](#%s), named in %s", other.Words, anchor(other), strings.Join(codes(members[ref.Kind]), ", ")))
			delete(members, ref.Kind)
		}
	}
	return out
}

// kindsOf are the kinds that a row refers to, each once.
func kindsOf(row *kind.Row) []string {
	var out []string
	for _, ref := range row.Refers {
		if other, ok := kind.Of(ref.Kind); ok && !slices.Contains(out, other.Words) {
			out = append(out, other.Words)
		}
	}
	return out
}

func callNames(row *kind.Row) []string {
	var out []string
	for _, c := range row.Calls {
		out = append(out, c.Name)
	}
	return out
}

func codes(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "`" + n + "`"
	}
	return out
}

// title begins a heading with a capital letter.
func title(words string) string { return strings.ToUpper(words[:1]) + words[1:] }

// anchor is the link that a heading gets.
func anchor(row *kind.Row) string {
	return strings.ReplaceAll(strings.ToLower(row.Words), " ", "-")
}

// cell escapes what ends a table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
