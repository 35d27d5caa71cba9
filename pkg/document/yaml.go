package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// YAML reads the one document of a YAML text, of version 1.1, which is what
// CloudFormation reads: yes and on are true.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
//
// Aliases and merge keys stand for what they name. CloudFormation itself takes
// neither; the AWS CLI and SAM write them out before they deploy, so that there are
// templates that have them. The error is an *[Error].
func YAML(text []byte) (*Node, error) {
	if len(text) > MaxBytes {
		return nil, &Error{Line: 1, Reason: fmt.Sprintf("longer than %d bytes", MaxBytes)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if err := dec.Decode(&first); errors.Is(err, io.EOF) || err == nil && len(first.Content) == 0 {
		return nil, &Error{Line: 1, Reason: "the file is empty"}
	} else if err != nil {
		return nil, syntax(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, &Error{Line: second.Line, Reason: "the file has several YAML documents (---): a template is one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(err)
	}
	r := yamlReader{}
	return r.node(first.Content[0], 0)
}

// atLine is how the library says where something is.
var atLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

func syntax(err error) *Error {
	e := &Error{Line: 1, Reason: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := atLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Reason = err.Error()[len(m[0]):]
	}
	e.Reason = "not valid YAML: " + e.Reason
	return e
}

type yamlReader struct {
	nodes   int
	aliases []*yaml.Node // that are being followed
}

// The names of true and false in YAML 1.1, without y and n, which no parser that
// is in use takes for them. https://yaml.org/type/bool.html
var yes, no = regexp.MustCompile(`^(yes|Yes|YES|true|True|TRUE|on|On|ON)$`), regexp.MustCompile(`^(no|No|NO|false|False|FALSE|off|Off|OFF)$`)

func (r *yamlReader) node(in *yaml.Node, depth int) (*Node, error) {
	refuse := func(format string, args ...any) (*Node, error) {
		return nil, &Error{Line: in.Line, Reason: fmt.Sprintf(format, args...)}
	}
	if r.nodes++; r.nodes > MaxNodes {
		return refuse("more than %d values, most of them by aliases", MaxNodes)
	}
	if depth > MaxDepth {
		return refuse("nested more than %d deep", MaxDepth)
	}
	n := &Node{Line: in.Line}
	if in.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(in.Tag, "!!") {
		n.Tag = strings.TrimPrefix(in.Tag, "!")
	}
	switch in.Kind {
	case yaml.AliasNode:
		if slices.Contains(r.aliases, in.Alias) {
			return refuse("the alias *%s stands within what it names", in.Value)
		}
		r.aliases = append(r.aliases, in.Alias)
		out, err := r.node(in.Alias, depth)
		r.aliases = r.aliases[:len(r.aliases)-1]
		return out, err
	case yaml.ScalarNode:
		scalar(n, in)
	case yaml.SequenceNode:
		n.Kind = List
		for _, item := range in.Content {
			v, err := r.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.Members = append(n.Members, Member{Line: item.Line, Value: v})
		}
	case yaml.MappingNode:
		n.Kind = Map
		if err := r.members(n, in, depth); err != nil {
			return nil, err
		}
	case yaml.DocumentNode:
		return refuse("a document within a document")
	}
	return n, nil
}

// scalar fills in what is neither a list nor a map.
func scalar(n *Node, in *yaml.Node) {
	n.Kind, n.Text = String, in.Value
	plain := in.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if !plain || n.Tag != "" || in.Tag == "!!str" && in.Style&yaml.TaggedStyle != 0 {
		return
	}
	switch tag := in.ShortTag(); {
	case yes.MatchString(in.Value):
		n.Kind, n.Text = Bool, "true"
	case no.MatchString(in.Value):
		n.Kind, n.Text = Bool, "false"
	case tag == "!!null":
		n.Kind, n.Text = Null, ""
	case tag == "!!int", tag == "!!float":
		n.Kind = Number
	}
}

// members reads a mapping. What it merges comes last, as far as the mapping does
// not have it itself. https://yaml.org/type/merge.html
func (r *yamlReader) members(n *Node, in *yaml.Node, depth int) error {
	seen := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(in.Content); i += 2 {
		key, value := in.Content[i], in.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return &Error{Line: key.Line, Reason: "a key that is no text"}
		}
		if line, twice := seen[key.Value]; twice {
			return &Error{Line: key.Line, Reason: fmt.Sprintf("%q is there twice, on line %d too", clip(key.Value), line)}
		}
		seen[key.Value] = key.Line
		v, err := r.node(value, depth+1)
		if err != nil {
			return err
		}
		n.Members = append(n.Members, Member{Name: key.Value, Line: key.Line, Value: v})
	}
	for _, value := range merged {
		from, err := r.node(value, depth+1)
		if err != nil {
			return err
		}
		sources := []*Node{from}
		if from.Kind == List {
			sources = nil
			for _, m := range from.Members {
				sources = append(sources, m.Value)
			}
		}
		for _, s := range sources {
			if s.Kind != Map {
				return &Error{Line: value.Line, Reason: "a merge key (<<) of what is no mapping"}
			}
			for _, m := range s.Members {
				if _, has := seen[m.Name]; !has {
					seen[m.Name] = m.Line
					n.Members = append(n.Members, m)
				}
			}
		}
	}
	return nil
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
