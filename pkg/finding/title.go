package finding

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Title says what is wrong in words a person would say, with the kind and the
// name: "Training job fraud-7 reaches the Internet on its own path".
func (f *Finding) Title() string {
	what := f.subject()
	worst, ok := f.Worst()
	switch {
	case !ok && f.Judgement.Exception != nil:
		return what + " is allowed by exception " + Plain(f.Judgement.Exception.ID)
	case !ok && f.Judgement.Compliance == rules.NotAvailable:
		return what + " is under no network rule"
	case !ok:
		return what + " meets the network rules"
	case worst.Result == rules.Warning && worst.Rule == rules.Assessable:
		return what + " could not be assessed"
	case worst.Result == rules.Warning:
		return what + ": " + Plain(worst.Message)
	default:
		return what + " " + fault(worst.Rule)
	}
}

// subject names the resource at the beginning of a sentence.
func (f *Finding) subject() string {
	first, size := utf8.DecodeRuneInString(f.Row.Words)
	words := string(unicode.ToUpper(first)) + f.Row.Words[size:]
	if name := Plain(f.Name); name != "" {
		return words + " " + Clip(name, 100)
	}
	return words + " without a name"
}

// fault is what a resource does that a rule forbids.
func fault(id rules.ID) string {
	switch id {
	case rules.VPCRequired:
		return "has no VPC configuration"
	case rules.NoOwnInternet:
		return "reaches the Internet on its own path"
	case rules.NoBridge:
		return "bridges a VPC and the Internet"
	case rules.WellFormed:
		return "has malformed network settings"
	case rules.SubnetAllowed:
		return "uses a subnet that is not allowed"
	case rules.SecurityGroupAllowed:
		return "uses a security group that is not allowed"
	case rules.IsolationRequired:
		return "runs without network isolation"
	case rules.CentralEgress:
		return "leaves its VPC by a way that is not allowed"
	case rules.EndpointsReachable:
		return "cannot reach the VPC endpoints that it needs"
	case rules.EncryptedBetweenContainers:
		return "does not encrypt the traffic between its containers"
	case rules.InteractiveAccess:
		return "lets people into where its code runs"
	case rules.WorkerIngress:
		return "lets workers in from any address"
	case rules.Assessable:
	}
	return "breaks the rule " + strings.ReplaceAll(string(id), "-", " ")
}
