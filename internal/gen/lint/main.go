// Command lint writes docs/lint.md, what prevent lint finds in policies as a page.
// Run it in the root of the repository:
//
//	go run ./internal/gen/lint
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// page is where the page is, from the root of the repository.
const page = "docs/lint.md"

func main() {
	if err := os.WriteFile(filepath.FromSlash(page), []byte(render()), 0o644); err != nil { // #nosec G306 -- documentation, for all to read
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(1)
	}
}

const head = `<!-- Written by go run ./internal/gen/lint from pkg/prevent/lint. Do not edit. -->

# What prevent lint finds

` + "`sagemoat prevent lint`" + ` reads SCPs and IAM policies that are there already, and says
what they do not stop, and which compliant calls they deny.

It looks at each statement by itself, for what AWS documents it to do. Then it tries
all statements that deny something on every request that a caller can send, as far as
policies can tell requests apart: each setting left out, compliant, not compliant, a
list of ids mixed. What a policy sees of a member that is left out, AWS does not always
document; then both are tried. What AWS leaves open is *unknown*, and never counted as
stopped.

## What is asked

| question | a call is stopped that creates or changes something | rules that ask it |
|---|---|---|
`

const middle = `
What no rule of the rules file asks for is told as a note (` + "`--all`" + ` lists notes) and
does not count for the exit status. Which rules hold for an operation is taken from the
overrides and exceptions that are in force; those that match by tags or names are passed
over, for these the caller chooses. The allow-lists of the rules file are compared with
those of the policies.

Where ` + "`vpc-required`" + ` is off and ` + "`no-own-internet`" + ` is on, ` + "`no-vpc`" + ` is asked only of calls
with an open way to the Internet: that are not isolated, whose direct Internet access is
not disabled, whose domain is not VpcOnly. Where both are off, ` + "`direct-internet`" + ` and
` + "`domain-mode`" + ` are asked only of calls with a VPC. What the rules allow is a compliant
call, and a statement that denies it breaks it. The table of what is stopped is of the
policies alone, whatever the rules say; but where a list lets more pass than the rules
allow for the operation, it is partly.

## How the coverage reads

| word | meaning |
|---|---|
| yes | stopped, for everybody |
| partly | stopped, but for what is told below the table: some callers, or some requests |
| no | passes |
| never | no policy can stop it: no condition key shows it, or a compliant call looks the same |
| ? | AWS does not document what the policies do with it |
| - | there is nothing to stop, or another resource decides |

Statements that allow do not count there: another policy may allow more. Files are taken
to apply together. Where the input tells what is attached to whom (the output of
` + "`aws iam get-account-authorization-details`" + `, or ` + "`--account`" + `), the coverage counts what
applies to everybody, which is service control policies and plain documents; and the
report lists the roles and users that can do what the rules forbid, by all that is
attached to them, their groups and their permissions boundary.

Statements for some callers, accounts or Regions (` + "`aws:PrincipalArn`" + `,
` + "`aws:PrincipalAccount`" + `, ` + "`aws:RequestedRegion`" + `) are taken together: a caller is tried for
each set of their patterns that can match at once, in the forms that AWS documents. More
than 64 such places, or patterns with so many wildcards that finding them would take too
long, are not told apart, and each statement then counts as limited. A
condition on anything else but the network (a tag, an address) is taken to exempt whom
it may. A key with the prefix ` + "`sagemaker:`" + ` that SageMaker does not have is in no request.

What is not read: session policies, policies of resources and of VPC endpoints, resource
control policies (SageMaker AI is not among the services that have them), trust policies,
and who may change the policies themselves. Service-linked roles, which are under no
service control policy and do what AWS gave them, are passed over.

## Findings

| finding | | severity |
|---|---|---|
`

// render writes the page.
func render() string {
	var b strings.Builder
	b.WriteString(head)
	for _, q := range lint.Questions() {
		words, ids := lint.Asked(q)
		var names []string
		for _, id := range ids {
			names = append(names, "`"+string(id)+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", q, words, strings.Join(names, ", "))
	}
	b.WriteString(middle)
	for _, d := range lint.Docs() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", d.ID, d.ID, d.Title, severity(d))
	}
	for _, d := range lint.Docs() {
		fmt.Fprintf(&b, "\n### %s\n\n%s ([AWS](%s))\n\n**Fix:** %s\n", d.ID, wrap(strings.ToUpper(d.Title[:1])+d.Title[1:]+". "+d.Reason), d.Source, wrap(d.Remedy))
	}
	return b.String()
}

// severity is that of most findings of a kind; a note has none that counts.
func severity(d lint.Doc) string {
	switch {
	case d.ID == lint.NotCovered:
		return "a note; the question's, where the rules ask it"
	case d.Severity == rules.Informational:
		return "a note"
	default:
		return string(d.Severity)
	}
}

// wrap breaks a text into lines of about 88 characters.
func wrap(s string) string {
	var b strings.Builder
	n := 0
	for word := range strings.FieldsSeq(s) {
		if n > 0 && n+1+len(word) > 88 {
			b.WriteByte('\n')
			n = 0
		} else if n > 0 {
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}
