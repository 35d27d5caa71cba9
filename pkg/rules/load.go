package rules

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/sagemoat/sagemoat/pkg/posture"
)

//go:embed starter.yaml
var starter []byte

// Starter is a commented rules file to start from: the defaults, and an
// example of everything else behind comment signs.
func Starter() []byte { return bytes.Clone(starter) }

// The limits of a rules file. The YAML library takes time that grows with the
// square of nesting, of a line's length, of the blank lines at the end of a
// block of text, and of the number of values, so each of them has one.
const (
	maxSize   = 1 << 20
	maxDepth  = 20
	maxLine   = 2048 // bytes
	maxBlank  = 50   // lines on end
	maxTokens = 50_000
	maxKey    = 256 // bytes
	maxErrors = 100
)

// Error is one thing that is wrong with a rules file.
type Error struct {
	File         string
	Line, Column int    // both from 1
	Key          string // the path of the key, for example exceptions[0].expires; empty for the file as a whole
	Problem      string // what was found
	Remedy       string // what to do about it
}

// Error returns everything in one line.
func (e *Error) Error() string {
	at := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Key != "" {
		at += e.Key + ": "
	}
	return at + e.Problem + ": " + e.Remedy
}

// Errors is what is wrong with a rules file, in the file's order: all of it,
// or the first hundred.
type Errors []*Error

// Error returns one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets [errors.As] find an [Error].
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, err := range e {
		out[i] = err
	}
	return out
}

// Load reads a rules file. The name is for messages, knownKinds are the kinds
// that may be named. The error, if any, is [Errors]. Every rule is in the
// result's Rules. An exception that has expired is not an error: see
// [File.Expired].
func Load(name string, data []byte, knownKinds []string) (*File, error) {
	l := &loader{name: name, kinds: knownKinds, ids: map[string]int{}}
	f := &File{Rules: Settings{}, Response: defaultResponse()}
	if root := l.parse(data); root != nil {
		l.root(root, f)
	}
	if len(l.errs) > 0 {
		slices.SortStableFunc(l.errs, func(a, b *Error) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, l.errs
	}
	return f, nil
}

type loader struct {
	name  string
	kinds []string
	errs  Errors
	ids   map[string]int // the line of each exception's id
	later []func(*File)  // checks that need the whole file
}

// shape is what YAML takes a value for.
type shape uint8

const (
	refused shape = iota // an error was reported; whoever reads the value keeps silent
	textShape
	numberShape
	boolShape
	nullShape
	listShape
	mapShape
)

// node is a value and where it stands.
type node struct {
	shape     shape
	line, col int
	path      string
	text      string // of a scalar
	quoted    bool
	items     []*node    // of a list
	pairs     []nodePair // of a mapping, in the file's order
}

type nodePair struct{ key, value *node }

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value
		}
	}
	return nil
}

// found says what the node is.
func (n *node) found() string {
	switch n.shape {
	case listShape:
		return "a list"
	case mapShape:
		return "a mapping"
	case nullShape:
		return "nothing"
	case textShape:
		return shown(n.text)
	case numberShape:
		return "the number " + n.text
	case boolShape, refused: // nobody asks for what was refused
	}
	return "the truth value " + n.text
}

// shown returns a text that may be long or hold anything.
func shown(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

func (l *loader) fail(at *node, remedy, problem string, args ...any) {
	if len(l.errs) == maxErrors {
		return
	}
	l.errs = append(l.errs, &Error{
		File: l.name, Line: at.line, Column: at.col, Key: at.path,
		Problem: fmt.Sprintf(problem, args...), Remedy: remedy,
	})
}

// parse returns the one document of a file, or nil if there is none to read.
func (l *loader) parse(data []byte) *node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !l.readable(data) {
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !l.bounded(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are reported with the rest
	if err != nil {
		at, problem := &node{line: 1, col: 1}, err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			at, problem = place(syntax.Token, ""), syntax.Message
		}
		l.fail(at, "write valid YAML; texts with special characters need quotes", "%s", problem)
		return nil
	}
	switch {
	case len(file.Docs) > 1:
		at := &node{line: 1, col: 1}
		if start := file.Docs[1].Start; start != nil {
			at = place(start, "")
		}
		l.fail(at, "keep one document and remove the --- lines", "the file has several YAML documents")
		return nil
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		l.fail(&node{line: 1, col: 1}, `write at least "version: 1"`, "the file is empty")
		return nil
	}
	return l.node(file.Docs[0].Body, "", 0)
}

// readable says whether the bytes may be given to the YAML library.
func (l *loader) readable(data []byte) bool {
	if len(data) > maxSize {
		l.fail(&node{line: 1, col: 1}, "remove what is not needed", "the file has %d bytes, more than %d", len(data), maxSize)
		return false
	}
	line, blank := 0, 0
	for s := range bytes.SplitSeq(data, []byte("\n")) {
		line++
		s = bytes.TrimSuffix(s, []byte("\r"))
		blank++
		if len(bytes.TrimSpace(s)) > 0 {
			blank = 0
		}
		bad := bytes.IndexFunc(s, func(r rune) bool {
			return r == utf8.RuneError || r != '\t' && unicode.IsControl(r)
		})
		switch {
		case bad >= 0:
			at := &node{line: line, col: utf8.RuneCount(s[:bad]) + 1}
			l.fail(at, "save the file as UTF-8 text and remove control characters", "found a byte that is not text")
		case len(s) > maxLine:
			l.fail(&node{line: line, col: 1}, "break the line", "the line has %d bytes, more than %d", len(s), maxLine)
		case blank > maxBlank:
			l.fail(&node{line: line, col: 1}, "remove blank lines", "more than %d blank lines on end", maxBlank)
		default:
			continue
		}
		return false
	}
	return true
}

// bounded says whether the tokens may be given to the parser.
func (l *loader) bounded(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		l.fail(place(tokens[maxTokens], ""), "remove what is not needed", "the file has more than %d values and signs", maxTokens)
		return false
	}
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.MappingValueType:
			if i > 0 && len(tokens[i-1].Value) > maxKey {
				l.fail(place(tokens[i-1], ""), "use a key of this file's format", "the key has more than %d bytes", maxKey)
				return false
			}
		}
		if depth > maxDepth {
			l.tooDeep(place(t, ""))
			return false
		}
	}
	return true
}

func (l *loader) tooDeep(at *node) {
	l.fail(at, "nothing in a rules file is nested that deep", "more than %d levels of nesting", maxDepth)
}

// place is a node with nothing but its place.
func place(t *token.Token, path string) *node {
	return &node{line: t.Position.Line, col: t.Position.Column, path: path}
}

// node turns what the parser made into nodes, refusing what a rules file may not hold.
func (l *loader) node(in ast.Node, path string, depth int) *node {
	out := place(in.GetToken(), path)
	out.text = in.GetToken().Value
	if depth > maxDepth {
		l.tooDeep(out)
		return out
	}
	const why = "%s not read: with them a small file can stand for a huge one"
	switch n := in.(type) {
	case *ast.StringNode:
		out.shape, out.quoted = textShape, n.Token.Type != token.StringType
	case *ast.LiteralNode:
		out.shape, out.quoted, out.text = textShape, true, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.shape = numberShape
	case *ast.BoolNode:
		out.shape = boolShape
	case *ast.NullNode:
		out.shape = nullShape
	case *ast.SequenceNode:
		out.shape = listShape
		for i, item := range n.Values {
			item = unsplit(item)
			out.items = append(out.items, l.node(item, fmt.Sprintf("%s[%d]", path, i), depth+1))
		}
	case *ast.MappingNode:
		l.pairs(n, out, depth)
	case *ast.AnchorNode:
		l.fail(out, "remove the anchor and write the value out; a text that begins with & needs quotes", why, "anchors are")
		return l.node(n.Value, path, depth+1)
	case *ast.TagNode:
		l.fail(out, "remove the tag; a text that begins with ! needs quotes", why, "tags are")
		return l.node(n.Value, path, depth+1)
	case *ast.AliasNode:
		l.fail(out, "write the value out; a text that begins with * needs quotes", why, "aliases are")
	case *ast.MergeKeyNode:
		l.fail(out, "write the keys out", why, "merge keys are")
	default:
		l.fail(out, `write "key: value"`, "this form of YAML is not read")
	}
	return out
}

// pairs reads the keys and values of a mapping.
func (l *loader) pairs(n *ast.MappingNode, out *node, depth int) {
	out.shape = mapShape
	if len(n.Values) > 0 && !n.IsFlowStyle {
		first := n.Values[0].Key.GetToken().Position // the mapping's own token is a colon
		out.line, out.col = first.Line, first.Column
	}
	seen := map[string]int{}
	for _, v := range n.Values {
		key := l.node(v.Key, out.path, depth+1)
		if key.shape == refused {
			continue
		}
		key.path = keyPath(out.path, key.text)
		switch line := seen[key.text]; {
		case key.shape != textShape:
			l.fail(key, "put it in quotes if it is meant", "%s is not a key", key.found())
			continue
		case line > 0:
			l.fail(key, "keep one of them", "the key was given on line %d already", line)
			continue
		}
		seen[key.text] = key.line
		out.pairs = append(out.pairs, nodePair{key, l.node(v.Value, key.path, depth+1)})
	}
	if len(n.Values) > 0 && len(out.pairs) == 0 {
		out.shape = refused // it is not empty
	}
}

// unsplit makes one text again of an ARN in [ ] within { }, which the parser
// takes for a key and a value, though YAML wants white space after the colon.
func unsplit(in ast.Node) ast.Node {
	m, ok := in.(*ast.MappingNode)
	if !ok || m.IsFlowStyle || len(m.Values) != 1 {
		return in
	}
	key, ok := m.Values[0].Key.(*ast.StringNode)
	if !ok || key.Token.Type != token.StringType {
		return in
	}
	value, ok := m.Values[0].Value.(*ast.StringNode)
	if !ok || value.Token.Type != token.StringType {
		return in
	}
	colon, from, to := m.Values[0].Start.Position, key.Token.Position, value.Token.Position
	if to.Line != colon.Line || to.Column != colon.Column+1 {
		return in
	}
	joined := key.Value + ":" + value.Value
	return ast.String(token.String(joined, joined, from))
}

var plainKey = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

// keyPath is the path of a key below a path.
func keyPath(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return path + "[" + shown(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// readers says what to do with the value of each key of a mapping.
type readers map[string]func(*node)

// fields gives each value of a mapping to its reader, and says whether there were any.
func (l *loader) fields(n *node, r readers) bool {
	keys := slices.Sorted(maps.Keys(r))
	switch {
	case n.shape == refused:
		return false
	case n.shape != mapShape:
		l.fail(n, "write a mapping with "+oneOf(keys), "found %s where a mapping belongs", n.found())
		return false
	case len(n.pairs) == 0:
		l.fail(n, "remove it, or give it "+oneOf(keys), "the mapping is empty")
		return false
	}
	for _, p := range n.pairs {
		if read := r[p.key.text]; read != nil {
			read(p.value)
		} else {
			l.unknown(p.key, "a key of this mapping", keys)
		}
	}
	return true
}

// refuse reports and removes a key that somebody might expect in a mapping.
func (l *loader) refuse(n *node, key, remedy, problem string) {
	n.pairs = slices.DeleteFunc(n.pairs, func(p nodePair) bool {
		if p.key.text != key {
			return false
		}
		l.fail(p.key, remedy, "%s", problem)
		if len(n.pairs) == 1 {
			n.shape = refused // it was not empty
		}
		return true
	})
}

// examples shows keys that must be given.
var examples = map[string]string{
	"version":  "1",
	"accounts": `["111122223333"]`,
	"match":    `{accounts: ["111122223333"]}`,
	"id":       "EX-2026-001",
	"owner":    "ml-platform@example.com",
	"reason":   "the model zoo moves to the VPC in March",
	"expires":  "2027-03-31",
	"rules":    "[no-own-internet]",
	"mode":     "observe",
	"team":     "fraud-ml",
}

// need reports keys that a mapping lacks.
func (l *loader) need(n *node, keys ...string) {
	for _, key := range keys {
		if n.get(key) == nil {
			at := *n
			at.path = keyPath(n.path, key)
			l.fail(&at, "add it, for example "+key+": "+examples[key], "the key is missing")
		}
	}
}

// unknown reports a word that is none of those known.
func (l *loader) unknown(n *node, what string, words []string) {
	if len(l.errs) == maxErrors {
		return // comparing words is what takes time
	}
	remedy := "use " + oneOf(words)
	if meant := Nearest(n.text, words); meant != "" {
		remedy = fmt.Sprintf("did you mean %q?", meant)
	}
	l.fail(n, remedy, "%s is not %s", n.found(), what)
}

func oneOf(words []string) string { return "one of " + strings.Join(words, ", ") }

// editDistance counts the letters to change, add or remove between a and b, or is
// large where their lengths alone tell.
func editDistance(a, b string) int {
	if max(len(a), len(b))-min(len(a), len(b)) > 2 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// items returns the items of a list.
func (l *loader) items(n *node) []*node {
	if n.shape != listShape && n.shape != refused {
		l.fail(n, "write a list: [a, b]", "found %s where a list belongs", n.found())
	}
	return n.items
}

// texts reads each item of a list that must not be empty.
func (l *loader) texts(n *node, read func(*node) string) []string {
	items := l.items(n)
	if n.shape == listShape && len(items) == 0 {
		l.fail(n, "remove the key, or name something", "the list is empty")
	}
	var out []string
	for _, item := range items {
		out = append(out, read(item))
	}
	return out
}

// text reads a text that is not blank.
func (l *loader) text(n *node) string {
	switch {
	case n.shape == refused:
	case n.shape == listShape || n.shape == mapShape || n.shape == nullShape:
		l.fail(n, "write one text, in quotes if it has special characters", "found %s where a text belongs", n.found())
	case n.shape != textShape:
		l.fail(n, fmt.Sprintf("put it in quotes: %q", n.text), "found %s where a text belongs", n.found())
	case strings.TrimSpace(n.text) == "":
		l.fail(n, "write something", "the text is blank")
	case strings.ContainsFunc(n.text, unicode.IsControl):
		l.fail(n, "write it on one line, without control characters", "found control characters in %s", n.found())
	default:
		return n.text
	}
	return ""
}

// form is what a text must look like.
type form struct {
	pattern      *regexp.Regexp
	what, remedy string
}

// AWS issues ids of 8 or 17 hexadecimal digits; more is let through, so that a
// new form of id does not stop an audit.
var (
	accountForm  = form{regexp.MustCompile(`^[0-9]{12}$`), "an account id", `write its 12 digits in quotes: "111122223333"`}
	regionForm   = form{regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`), "a Region", "write its code, for example eu-west-1"}
	vpcForm      = form{regexp.MustCompile(`^vpc-[0-9a-z]+$`), "a VPC id", "write it as vpc-0a1b2c3d"}
	subnetForm   = form{regexp.MustCompile(`^subnet-[0-9a-z]+$`), "a subnet id", "write it as subnet-0a1b2c3d4e5f60718"}
	groupForm    = form{regexp.MustCompile(`^sg-[0-9a-z]+$`), "a security group id", "write it as sg-0a1b2c3d4e5f60718"}
	nameForm     = form{regexp.MustCompile(`^[0-9A-Za-z._/:@+=*?-]+$`), "a name pattern", "use the letters of a name, and * and ? as wildcards"}
	roleForm     = form{regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?\s]+$`), "the ARN of a role", "write arn:aws:iam::111122223333:role/name; wildcards are not accepted, name each role"}
	resourceForm = form{regexp.MustCompile(`^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:[^*?\s]+$`), "the ARN of a SageMaker resource", "write the ARN in full; wildcards are not accepted, name each resource"}
)

// formed returns a reader of texts of a form.
func (l *loader) formed(f form) func(*node) string {
	return func(n *node) string {
		s := l.text(n)
		if s != "" && !f.pattern.MatchString(s) {
			l.fail(n, f.remedy, "%s is not %s", n.found(), f.what)
		}
		return s
	}
}

var allDigits = regexp.MustCompile(`^[0-9]+$`)

// account reads an account id. Without quotes it is a number to many readers
// of YAML, octal or rounded.
func (l *loader) account(n *node) string {
	if !n.quoted && (n.shape == textShape || n.shape == numberShape) && allDigits.MatchString(n.text) {
		l.fail(n, fmt.Sprintf("quote it: %q", n.text), "%s without quotes is a number, and an account id may begin with 0", n.text)
		return ""
	}
	return l.formed(accountForm)(n)
}

// word returns a reader of one of the words.
func (l *loader) word(what string, known []string) func(*node) string {
	return func(n *node) string {
		s := l.text(n)
		if s != "" && !slices.Contains(known, s) {
			l.unknown(n, what, known)
		}
		return s
	}
}

// stringsOf returns the values of some string type as strings.
func stringsOf[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

// fromStrings is the opposite of stringsOf.
func fromStrings[S ~string](in []string) []S {
	out := make([]S, len(in))
	for i, s := range in {
		out[i] = S(s)
	}
	return out
}

// knownWays lists the ways in that interactive-access may name.
func knownWays() []posture.Way {
	return []posture.Way{posture.RemoteAccess, posture.SSMAccess, posture.RemoteDebug, posture.DockerAccess}
}

func (l *loader) root(n *node, f *File) {
	ok := l.fields(n, readers{
		"version": func(v *node) {
			if v.shape != refused && (v.shape != numberShape || v.text != "1") {
				l.fail(v, "write version: 1", "%s is not a version that this program reads", v.found())
			}
		},
		"rules":      func(v *node) { f.Rules = l.settings(v, false) },
		"allow":      func(v *node) { f.Allow = eachItem(l, v, l.allow) },
		"overrides":  func(v *node) { f.Overrides = eachItem(l, v, l.override) },
		"exceptions": func(v *node) { f.Exceptions = eachItem(l, v, l.exception) },
		"response":   func(v *node) { l.response(v, &f.Response) },
	})
	if ok {
		l.need(n, "version")
	}
	for _, check := range l.later {
		check(f)
	}
	for _, id := range IDs() {
		if _, named := f.Rules[id]; !named {
			f.Rules[id] = Setting{On: slices.Contains(byDefault(), id) || len(f.listed(id)) > 0}
		}
	}
}

// eachItem reads the items of a list.
func eachItem[T any](l *loader, n *node, read func(*node) T) []T {
	var out []T
	for _, item := range l.items(n) {
		out = append(out, read(item))
	}
	return out
}

// listed is what the allow-lists of a rule name.
func (f *File) listed(id ID) []string {
	var out []string
	for _, a := range f.Allow {
		if id == SubnetAllowed {
			out = append(out, a.Subnets...)
		}
		if id == SecurityGroupAllowed {
			out = append(out, a.SecurityGroups...)
		}
	}
	return out
}

func (l *loader) settings(n *node, tighten bool) Settings {
	s, r := Settings{}, readers{}
	for _, id := range IDs() {
		r[string(id)] = func(v *node) { s[id] = l.setting(id, v, tighten) }
	}
	l.fields(n, r)
	return s
}

// setting reads what one rule is set to. Whoever creates a resource chooses
// what it is called and tagged, so where tighten says that the match depends
// on that, a rule can be switched on only, and wholly.
func (l *loader) setting(id ID, v *node, tighten bool) Setting {
	var s Setting
	switch {
	case v.shape == textShape && v.text == "on", v.shape == boolShape && strings.EqualFold(v.text, "true"):
		s.On = true
		if id == SubnetAllowed || id == SecurityGroupAllowed {
			l.later = append(l.later, func(f *File) {
				if len(f.listed(id)) == 0 {
					l.fail(v, "list some in allow, or switch the rule off", "the rule is on, but no allow-list names what is allowed")
				}
			})
		}
		return s
	case v.shape == textShape && v.text == "off", v.shape == boolShape:
	case v.shape == listShape && id == InteractiveAccess:
		s.On, s.Ways = true, fromStrings[posture.Way](l.texts(v, l.word("a way in", stringsOf(knownWays()))))
	case v.shape == refused:
		return s
	case id == InteractiveAccess:
		l.fail(v, "write on, off or a list of "+strings.Join(stringsOf(knownWays()), ", "), "found %s where a switch belongs", v.found())
		return s
	default:
		l.fail(v, "write on or off", "found %s where a switch belongs", v.found())
		return s
	}
	switch {
	case id == Assessable:
		l.fail(v, "remove the line, or write on", "this rule cannot be switched off, for what is not known is never a pass")
	case tighten:
		l.fail(v, "write on, or match by kinds, accounts, regions or roles",
			"an override that matches by tags or names can only switch rules on, for whoever creates a resource chooses them")
	}
	return s
}

func (l *loader) allow(n *node) Allow {
	var a Allow
	ok := l.fields(n, readers{
		"accounts": func(v *node) {
			if len(v.items) == 1 && v.items[0].text == "*" {
				a.Accounts = []string{"*"}
				return
			}
			a.Accounts = l.texts(v, l.account)
		},
		"regions":         func(v *node) { a.Regions = l.texts(v, l.formed(regionForm)) },
		"kinds":           func(v *node) { a.Kinds = l.texts(v, l.word("a kind", l.kinds)) },
		"vpc":             func(v *node) { a.VPC = l.formed(vpcForm)(v) },
		"subnets":         func(v *node) { a.Subnets = l.texts(v, l.formed(subnetForm)) },
		"security-groups": func(v *node) { a.SecurityGroups = l.texts(v, l.formed(groupForm)) },
	})
	if !ok {
		return a
	}
	l.need(n, "accounts")
	if n.get("subnets") == nil && n.get("security-groups") == nil {
		l.fail(n, "add subnets or security-groups", "the entry allows nothing")
	}
	return a
}

// common reads the keys that every match has.
func (l *loader) common(m *Match) readers {
	return readers{
		"kinds":    func(v *node) { m.Kinds = l.texts(v, l.word("a kind", l.kinds)) },
		"accounts": func(v *node) { m.Accounts = l.texts(v, l.account) },
		"regions":  func(v *node) { m.Regions = l.texts(v, l.formed(regionForm)) },
		"roles":    func(v *node) { m.Roles = l.texts(v, l.formed(roleForm)) },
	}
}

func (l *loader) override(n *node) Override {
	o := Override{Line: n.line}
	match := l.common(&o.Match)
	match["names"] = func(v *node) { o.Match.Names = l.texts(v, l.formed(nameForm)) }
	match["tags"] = func(v *node) { o.Match.Tags = l.tags(v) }
	tighten := false
	if m := n.get("match"); m != nil {
		tighten = m.get("tags") != nil || m.get("names") != nil
	}
	ok := l.fields(n, readers{
		"match": func(v *node) {
			l.refuse(v, "resources", "use an exception, or match by names", "only an exception can name single resources")
			l.fields(v, match)
		},
		"rules": func(v *node) { o.Rules = l.settings(v, tighten) },
		"allow": func(v *node) {
			o.Allow = &Narrow{}
			l.fields(v, readers{
				"subnets":         func(v *node) { o.Allow.Subnets = l.narrow(v, SubnetAllowed, subnetForm) },
				"security-groups": func(v *node) { o.Allow.SecurityGroups = l.narrow(v, SecurityGroupAllowed, groupForm) },
			})
		},
	})
	if !ok {
		return o
	}
	l.need(n, "match")
	if n.get("rules") == nil && n.get("allow") == nil {
		l.fail(n, "add rules or allow", "the override changes nothing")
	}
	return o
}

// narrow reads ids that must be in an allow-list too.
func (l *loader) narrow(n *node, id ID, f form) []string {
	out := l.texts(n, l.formed(f))
	l.later = append(l.later, func(file *File) {
		allowed := file.listed(id)
		for i, s := range out {
			if s != "" && !slices.Contains(allowed, s) {
				l.fail(n.items[i], "add it to an entry of the file's allow", "%s is in no allow-list, and an override can only narrow them", shown(s))
			}
		}
	})
	return out
}

// tags reads the tags of a match; a tag's value may be empty.
func (l *loader) tags(n *node) map[string]string {
	out, r := map[string]string{}, readers{}
	for _, p := range n.pairs {
		r[p.key.text] = func(v *node) {
			out[l.text(p.key)] = v.text
			if v.shape != textShape || v.text != "" {
				l.text(v)
			}
		}
	}
	if n.shape == mapShape && len(n.pairs) > 0 {
		l.fields(n, r)
	} else if n.shape != refused {
		l.fail(n, "write {key: value}, with the key and the value of a tag", "found no tags")
	}
	return out
}

func (l *loader) exception(n *node) Exception {
	e := Exception{Line: n.line}
	match := l.common(&e.Match)
	match["resources"] = func(v *node) { e.Match.Resources = l.texts(v, l.formed(resourceForm)) }
	ok := l.fields(n, readers{
		"id": func(v *node) {
			e.ID = l.text(v)
			if line := l.ids[e.ID]; e.ID != "" && line > 0 {
				l.fail(v, "give each exception its own id", "the id %s was given on line %d already", shown(e.ID), line)
			}
			l.ids[e.ID] = v.line
		},
		"owner": func(v *node) { e.Owner = l.text(v) },
		"reason": func(v *node) {
			v.text = strings.Join(strings.Fields(v.text), " ") // it may be written on several lines
			e.Reason = l.text(v)
		},
		"expires": func(v *node) { e.Expires = l.expires(v) },
		"rules":   func(v *node) { e.Rules = fromStrings[ID](l.texts(v, l.excepted)) },
		"match": func(v *node) {
			for _, key := range []string{"tags", "names"} {
				l.refuse(v, key, "match by accounts, roles or resources",
					"an exception cannot match by tags or names, for whoever creates a resource chooses them and could excuse it")
			}
			ok := l.fields(v, match)
			if ok && v.get("accounts") == nil && v.get("roles") == nil && v.get("resources") == nil {
				l.fail(v, "add accounts, roles or resources", "the exception would hold in every account")
			}
		},
	})
	if ok {
		l.need(n, "id", "owner", "reason", "expires", "rules", "match")
	}
	return e
}

// excepted reads a rule that an exception may name.
func (l *loader) excepted(n *node) string {
	s := l.word("a rule", stringsOf(IDs()))(n)
	if ID(s) == Assessable {
		l.fail(n, "remove it", "assessable has no exceptions, for what is not known is never a pass")
	}
	return s
}

// expires reads the first instant at which something no longer applies; a date
// applies to its end.
func (l *loader) expires(n *node) time.Time {
	s := l.text(n)
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1)
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil && s != "" {
		l.fail(n, "write the last day, for example 2027-03-31", "%s is not a date", n.found())
	}
	return at.UTC()
}
