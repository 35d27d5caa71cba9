package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"

	"github.com/sagemoat/sagemoat/events"
	"github.com/sagemoat/sagemoat/pkg/archive"
	"github.com/sagemoat/sagemoat/pkg/cloudformation"
	"github.com/sagemoat/sagemoat/pkg/document"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/terraform"
)

// errDeclared refuses what is about to be where what happened is wanted.
var errDeclared = errors.New("tells what is to be created, not what happened: an archive of CloudTrail records is wanted")

// template returns what a CloudFormation template declares.
func (c *collector) template(file string, offset int64, root *document.Node) ([]*kind.Observation, error) {
	if c.past {
		return nil, errDeclared
	}
	return c.stack(file, offset, &terraform.Template{Root: root}), nil
}

// stack returns what a template declares, which stands in a plan or is a file.
func (c *collector) stack(file string, offset int64, t *terraform.Template) []*kind.Observation {
	resources, unknown, more := cloudformation.Read(t.Root)
	c.unjudged(unknown)
	said, prefix, base := file, "", ""
	if t.Address != "" {
		said, prefix, base = file+": "+t.Address, t.Address+"/", t.Base+"."
	}
	if more != "" {
		c.incomplete(said + ": " + more + ": resources that are not written in the template were not judged")
	}
	var out []*kind.Observation
	for _, r := range resources {
		var variants []kind.Variant
		for _, v := range r.Variants {
			o := &kind.Observation{
				Row: r.Row, Call: &r.Row.Calls[0], Doc: v.Request, Base: base + r.Base,
				Key: kind.Sign(r.LogicalID), Address: prefix + r.LogicalID,
				Document: fmt.Sprintf("%s\x00%d\x00%s%s", file, offset, prefix, v.World),
				Source:   kind.Source{Type: kind.ShapeTemplate, Event: r.Type, File: file, Offset: offset},
			}
			_, o.Name = r.Row.KeyOf(v.Request)
			o.Name = named(o.Name)
			variants = append(variants, kind.Variant{When: v.When, Observation: o})
		}
		whole := *variants[0].Observation
		if len(variants) > 1 {
			whole.Variants = variants
		}
		if slices.ContainsFunc(variants, func(v kind.Variant) bool { return v.Observation.Name != whole.Name }) {
			whole.Name = ""
		}
		out = append(out, &whole)
	}
	return out
}

// named is a name that is known; a sign that stands for one is none.
func named(name string) string {
	if strings.HasPrefix(name, kind.Sign("")) {
		return ""
	}
	return name
}

// planned returns what a Terraform plan creates and changes, and what that may refer
// to.
func (c *collector) planned(file string, offset int64, r io.Reader) ([]*kind.Observation, error) {
	plan, faults, err := terraform.Read(r)
	if err != nil {
		return nil, err
	}
	if c.past {
		return nil, errDeclared
	}
	c.unjudged(plan.Unknown)
	c.notComplete(file, plan)
	var out []*kind.Observation
	for _, r := range plan.Resources {
		o := &kind.Observation{
			Row: r.Row, Call: &r.Row.Calls[0], Doc: r.Request, Base: r.Base, Context: !r.Planned,
			Key: kind.Sign(r.Address), Address: r.Address,
			Document:  fmt.Sprintf("%s\x00%d", file, offset),
			Partition: kind.Partition(r.Region), Region: r.Region,
			Source: kind.Source{Type: kind.ShapePlan, Event: r.Type, File: file, Offset: offset},
		}
		_, o.Name = r.Row.KeyOf(r.Request)
		o.Name = named(o.Name)
		out = append(out, o)
	}
	for _, t := range plan.Templates {
		out = append(out, c.stack(file, offset, t)...)
	}
	return out, errors.Join(faults...)
}

// notComplete notes that a plan does not have all that is going to be.
// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
func (c *collector) notComplete(file string, plan *terraform.Plan) {
	if !plan.Incomplete && plan.Deferred == 0 {
		return
	}
	text := file + ": the plan is not complete: what it leaves out, by -target or because it is left to a later plan, was not judged"
	if plan.Deferred > 0 {
		text += fmt.Sprintf("; of what it leaves to a later plan, %d of SageMaker's were judged as far as they are known", plan.Deferred)
	}
	c.incomplete(text)
}

// incomplete notes why an input does not have all that is going to be.
func (c *collector) incomplete(note string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Incomplete = true
	c.report.Notes = append(c.report.Notes, note)
}

func (c *collector) unjudged(types map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, n := range types {
		if c.report.Unjudged == nil {
			c.report.Unjudged = map[string]int{}
		}
		c.report.Unjudged[t] += n
	}
}

// plan reads a Terraform plan that streams by.
func (c *collector) plan(name string, r io.Reader) error {
	observations, err := c.planned(name, 0, r)
	c.add(name, 0, observations, nil)
	if errors.Is(err, errTooLong) {
		return fmt.Errorf("the plan is longer than %d bytes", terraform.MaxBytes)
	}
	return err
}

// howToPlan says how to make of Terraform's source what is read.
const howToPlan = "source of Terraform, which is read as a plan: terraform plan -out=plan.tfplan && terraform show -json plan.tfplan > plan.json, and audit plan.json"

// isSource says whether a file is Terraform's source, by its name.
func isSource(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	return strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json") || strings.HasSuffix(name, ".tofu")
}

// How what is no JSON may look: a template, whose members mostly stand at the
// beginning of a line, or Terraform's source.
var (
	templateMark = regexp.MustCompile(`(?m)^["']?(AWSTemplateFormatVersion|Resources)["']?[ \t]*:`)
	sourceMark   = regexp.MustCompile(`(?m)^[ \t]*(data|locals|module|moved|output|provider|resource|terraform|variable)([ \t]+"[^"\n]*"){0,2}[ \t]*\{`)
)

// Without the first no resource of AWS is declared, and without the second none of
// SageMaker's, unless by a loop.
var ofAWS, ofSageMaker = []byte("AWS::"), []byte("AWS::SageMaker::")

// yamlName is how files are called that may be a template in YAML.
var yamlName = regexp.MustCompile(`(?i)\.(json|ya?ml|template)(\.gz)?$`)

// prose reads a text that is no JSON: a CloudFormation template in YAML.
func (c *collector) prose(name string, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, document.MaxBytes+1))
	if err != nil {
		return err
	}
	plain := unescaped(text)
	marked := templateMark.Match(plain)
	if !c.named[name] && !marked && !bytes.Contains(plain, ofAWS) {
		c.other()
		return nil
	}
	root, err := document.YAML(text)
	declares := bytes.Contains(plain, ofSageMaker) && (name == stdinName || yamlName.MatchString(name))
	switch {
	case err == nil && cloudformation.Looks(root):
		observations, err := c.template(name, 0, root)
		c.add(name, 0, observations, err)
		return nil
	case c.named[name] && (err == nil || !marked && !declares):
		return notRead(name, text, root, err)
	case err != nil && (c.named[name] || declares || marked && mention.Match(plain)):
		return err
	}
	c.other()
	return nil
}

// flow reads a text that begins as JSON does and may be a template in YAML all the
// same, and returns whether it was, and the text again.
func (c *collector) flow(name string, r io.Reader) (again io.Reader, is bool, err error) {
	text, err := io.ReadAll(io.LimitReader(r, document.MaxBytes+1))
	again = io.MultiReader(bytes.NewReader(text), r)
	if err != nil || jsontext.Value(text).IsValid() {
		return again, false, err
	}
	root, err := document.YAML(text)
	if err != nil || !cloudformation.Looks(root) {
		return again, false, nil //nolint:nilerr // whoever reads it as JSON says what is wrong
	}
	observations, err := c.template(name, 0, root)
	c.add(name, 0, observations, err)
	return nil, true, nil
}

// escapes are those of YAML's double quotes that can stand for letters, or for
// nothing. Any other is passed over as a whole: of \\x41 nothing is escaped but the
// backslash. https://yaml.org/spec/1.1/#id872840
var escapes = regexp.MustCompile(`\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|(?:\r\n|[\r\n\x{85}\x{2028}\x{2029}])[ \t]*|(?s:.))`)

// unescaped is a text with what its escapes stand for, and in one byte a letter also
// where it is UTF-16, which YAML may be. Nothing is hidden in it from who looks for a
// word.
func unescaped(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		text = bytes.ReplaceAll(text, []byte{0}, nil)
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	return escapes.ReplaceAllFunc(text, func(e []byte) []byte {
		switch e[1] {
		case 'x', 'u', 'U':
			if n, err := strconv.ParseUint(string(e[2:]), 16, 32); err == nil {
				return utf8.AppendRune(nil, rune(n)) //nolint:gosec // what is no rune is written as one that says so
			}
		case '\r', '\n', "\u0085"[0], "\u2028"[0]:
			return nil
		}
		return e
	})
}

// other counts a file that is nothing that is read.
func (c *collector) other() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Others++
}

// notRead says what a text is that is no JSON and no template, as far as that helps;
// root is what it is in YAML, or err why it is none.
func notRead(name string, text []byte, root *document.Node, err error) error {
	none := "not JSON, and no CloudFormation template in YAML"
	switch {
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return errors.New("a plan in Terraform's own form, or another archive: terraform show -json FILE > plan.json, and audit plan.json")
	case isSource(name), sourceMark.Match(text):
		return errors.New(howToPlan)
	}
	if err != nil {
		return fmt.Errorf("%s (%w)", none, err)
	}
	switch {
	case root.Get("version") != nil && (root.Get("rules") != nil || root.Get("allow") != nil || root.Get("exceptions") != nil):
		return errors.New("looks like a rules file: name it with --rules")
	case root.Get("apiVersion") != nil && root.Get("kind") != nil:
		return errors.New(none + ": a resource of Kubernetes, which is not read")
	case root.Kind != document.Map:
		return errors.New(none)
	case root.Get("Resources") != nil:
		return errors.New(none + ": none of its Resources has a type")
	}
	names := make([]string, 0, 5)
	for _, m := range root.Members {
		if len(names) == 5 {
			names = append(names, "…")
			break
		}
		names = append(names, m.Name)
	}
	return fmt.Errorf("%s: it has no Resources, but %s", none, strings.Join(names, ", "))
}

// mention is what a file mentions that could be about SageMaker if it could be read.
var mention = regexp.MustCompile(`(?i)sagemaker|"eventsource"`)

// mentions says whether a file could be about SageMaker, as far as it can be read.
func mentions(path string) bool {
	f, err := os.Open(path) // #nosec G304 -- an input that was read before
	if err != nil {
		return true
	}
	defer f.Close() //nolint:errcheck // only read from
	var in io.Reader = f
	if z, err := gzip.NewReader(f); err == nil {
		in = z
	} else if _, err := f.Seek(0, io.SeekStart); err != nil {
		return true
	}
	text, err := io.ReadAll(io.LimitReader(in, archive.MaxRecord))
	return err != nil || mention.Match(unescaped(text))
}

// tally counts what the documents of one file are, so that a file of which no
// document is anything that is read can be told from one that holds some.
type tally struct {
	*collector
	name   string
	read   bool      // some of it is something that is read
	none   []Problem // of what is not
	more   int       // of that, which is too much to keep
	unsure bool      // it is not certain of all of them
}

// mostKept bounds the problems of a file that are kept until it is certain whether
// it holds anything.
const mostKept = 1000

// keep keeps a problem.
func (t *tally) keep(offset int64, err error) {
	if len(t.none) == mostKept {
		t.more++
		return
	}
	t.none = append(t.none, Problem{File: t.name, Offset: offset, Err: err})
}

// add takes in what a document tells.
func (t *tally) add(offset int64, observations []*kind.Observation, err error) {
	if err != nil && len(observations) == 0 && events.Unmarked(err) && !t.named[t.name] && !t.read {
		t.keep(offset, err)
		return
	}
	t.reads()
	t.collector.add(t.name, offset, observations, err)
}

// reads notes that the file holds something that is read: what does not belong there
// is a problem after all.
func (t *tally) reads() {
	t.read = true
	for _, p := range t.none {
		t.collector.add(p.File, p.Offset, nil, p.Err)
	}
	if t.more > 0 {
		t.collector.add(t.name, t.none[len(t.none)-1].Offset, nil, fmt.Errorf("%d documents behind it cannot be read either", t.more))
	}
	t.none, t.more = nil, 0
}

// mark says whether a document that is too long has a mark of something that is read.
type mark uint8

const (
	unmarked mark = iota
	maybeMarked
	marked
)

// tooLong notes a document that is too long.
func (t *tally) tooLong(offset int64, m mark) {
	if t.named[t.name] || t.read || m == marked {
		t.reads()
		t.collector.add(t.name, offset, nil, errTooLong)
		return
	}
	t.unsure = t.unsure || m == maybeMarked
	t.keep(offset, errTooLong)
}

// end notes that the file ends, or why it cannot be read any further; it returns
// what is left to say of it.
func (t *tally) end(err error) error {
	if t.read || t.named[t.name] || len(t.none) == 0 && err == nil {
		t.reads()
		return err
	}
	var at *archive.Error
	cutOff := errors.As(err, &at) && errors.Is(at.Err, errCutOff)
	unsure := t.unsure || err != nil
	if cutOff || unsure && mentions(t.name) {
		t.reads()
		return err
	}
	t.other()
	return nil
}
