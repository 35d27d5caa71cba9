package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// SARIF writes the results that failed, could not be told or were excepted, as
// SARIF 2.1.0: each once for the part it is about. Excepted ones are suppressed.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
func SARIF(w io.Writer, findings []*finding.Finding, opts Options) error {
	log := sarif.NewReport()
	run := sarif.NewRunWithInformationURI("sagemoat", "https://github.com/sagemoat/sagemoat")
	if opts.Version != "" {
		run.Tool.Driver.WithVersion(opts.Version)
	}
	for _, id := range rules.IDs() {
		run.Tool.Driver.AddRule(sarifRule(id))
	}
	for _, f := range findings {
		for _, r := range sarifResults(f) {
			run.AddResult(sarifResult(f, r, opts))
		}
	}
	log.AddRun(run)
	return log.PrettyWrite(w)
}

// partResult is a result and the part it is about.
type partResult struct {
	rules.Result
	part string
}

// sarifResults are the results of all parts, so that each has its own place.
func sarifResults(f *finding.Finding) []partResult {
	var out []partResult
	add := func(results []rules.Result, part string) {
		for _, r := range results {
			if p := (partResult{r, part}); !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	if len(f.Judgement.Parts) == 0 {
		add(f.Judgement.Results, "")
	}
	for _, p := range f.Judgement.Parts {
		add(p.Results, p.Name)
	}
	return out
}

func sarifResult(f *finding.Finding, r partResult, opts Options) *sarif.Result {
	said := f.Row.Words + " " + name(f.Name)
	if r.part != "" {
		said += ", " + name(r.part)
	}
	said += ": " + finding.Plain(r.Message) + "."
	if worst, ok := f.Worst(); ok && r.Rule == worst.Rule && r.Result.Result == worst.Result {
		said += " To close it: " + finding.Plain(f.Remedy()) + "."
	}
	uri := fileURI(opts.Root, f.Source.File)
	mark := fingerprint(f, r, uri)
	properties := sarif.NewPropertyBag().Add("class", f.Judgement.Verdict.Class.String()).Add("result", string(r.Result.Result))
	if r.Severity != "" {
		properties.Add("severity", string(r.Severity))
	}
	out := sarif.NewRuleResult(string(r.Rule)).
		WithRuleIndex(slices.Index(rules.IDs(), r.Rule)).
		WithLevel(level(r.Result)).
		WithMessage(sarif.NewTextMessage(unlinked(said))).
		AddLocation(sarifLocation(f, r.Path, uri, opts)).
		// Code scanning tells results apart by the second one only.
		WithPartialFingerprints(map[string]string{"sagemoat/v1": mark, "primaryLocationLineHash": mark}).
		WithProperties(properties)
	if r.Result.Result == rules.Excepted {
		out.AddSuppression(sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithJustification(justification(f, r.Result)))
	}
	return out
}

// justification is the exception, as far as the finding has it: it knows the
// first that applied.
func justification(f *finding.Finding, r rules.Result) string {
	if x := f.Judgement.Exception; x != nil && x.ID == r.Exception {
		return finding.Plain(exception(x))
	}
	return finding.Plain("exception " + r.Exception)
}

// unlinked keeps text from a record from becoming a link, which brackets and an
// address make in a SARIF message (section 3.11.6).
func unlinked(s string) string { return strings.ReplaceAll(s, "](", "] (") }

// level is how a severity is shown. What could not be told is a note.
func level(r rules.Result) string {
	switch r.Severity {
	case rules.Critical, rules.High:
		return sarif.LevelError
	case rules.Medium:
		return sarif.LevelWarning
	case rules.Low, rules.Informational:
	}
	return sarif.LevelNote
}

func sarifLocation(f *finding.Finding, path, uri string, opts Options) *sarif.Location {
	location := sarif.NewLocation()
	if uri != "" {
		physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(uri))
		if opts.Line != nil {
			if line := opts.Line(f.Source.File, f.Source.Offset, placeOf(f, path)); line > 0 {
				physical.WithRegion(sarif.NewRegion().WithStartLine(line))
			}
		}
		location.WithPhysicalLocation(physical)
	}
	if path = finding.Plain(path); path != "" {
		location.AddLogicalLocation(sarif.NewLogicalLocation().WithKind("property").WithName(path).WithFullyQualifiedName(path))
	}
	resource := finding.Plain(f.Resource())
	return location.AddLogicalLocation(sarif.NewLogicalLocation().WithKind("resource").WithName(name(f.Name)).WithFullyQualifiedName(resource))
}

// placeOf is where to look for a fault: at its path or, where it has none, at the
// resource of a template.
func placeOf(f *finding.Finding, path string) string {
	if path == "" && f.Source.Type == kind.ShapeTemplate {
		return "Resources." + f.Name
	}
	return path
}

// fingerprint is the same for the same fault of the same resource in every run.
// Where the resource has no ARN, its file tells it from others of its name.
func fingerprint(f *finding.Finding, r partResult, uri string) string {
	who := f.ARN
	if who == "" {
		who = uri + "\x00" + f.Resource()
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{string(r.Rule), who, r.part, r.Path}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// fileURI is a file as SARIF names it: below the root where it is there, else
// as it was given, with forward slashes.
func fileURI(root, file string) string {
	if file == "" {
		return ""
	}
	path := filepath.Clean(file)
	if filepath.IsAbs(path) && root != "" {
		if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
			path = rel
		}
	}
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
		u.Path = "/" + strings.TrimPrefix(u.Path, "/")
	}
	return u.String()
}

// sarifRule describes a rule, with the severity by which code scanning sorts.
func sarifRule(id rules.ID) *sarif.ReportingDescriptor {
	about := descriptions()[id]
	out := sarif.NewRule(string(id)).WithName(pascal(id)).
		WithShortDescription(sarif.NewMultiformatMessageString().WithText(about.short)).
		WithFullDescription(sarif.NewMultiformatMessageString().WithText(about.full)).
		WithHelp(sarif.NewMultiformatMessageString().WithText(about.full + "\n\n" + about.help).WithMarkdown(about.full + "\n\n**What to do:** " + about.help)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(level(rules.Result{Severity: about.severity})))
	properties := sarif.NewPropertyBag().WithTags([]string{"security", "network", "sagemaker"})
	if score := securitySeverity(about.severity); score != "" {
		properties.Add("security-severity", score)
	}
	return out.WithProperties(properties)
}

// securitySeverity is a score in the middle of the range that code scanning
// shows as the severity; what could not be told has none.
func securitySeverity(s rules.Severity) string {
	switch s {
	case rules.Critical:
		return "9.5"
	case rules.High:
		return "8.0"
	case rules.Medium:
		return "5.5"
	case rules.Low:
		return "2.0"
	case rules.Informational:
	}
	return ""
}

// pascal is the name of a rule as SARIF wants it: NoOwnInternet.
func pascal(id rules.ID) string {
	var b strings.Builder
	for word := range strings.SplitSeq(string(id), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

type description struct {
	severity          rules.Severity
	short, full, help string
}

// descriptions say what each rule is about.
func descriptions() map[rules.ID]description {
	network := "Set the kind's VPC configuration, or where it has none of its own, that of the resource it takes it from. The message of each result says what closes it."
	return map[rules.ID]description{
		rules.VPCRequired: {
			rules.Medium, "A VPC is configured",
			"Without a VPC configuration artifacts move over the service's own network, where no route, endpoint policy or flow log of yours applies.", network,
		},
		rules.NoOwnInternet: {
			rules.High, "No Internet access on a path of its own",
			"The code reaches the Internet by the service's network, past the central egress of the organisation.", network,
		},
		rules.NoBridge: {
			rules.Critical, "No bridge between a VPC and the Internet",
			"The code reaches a VPC and, on its own path, the Internet: data can leave the VPC where no route of yours leads.", "Turn off direct Internet access: DirectInternetAccess Disabled for a notebook instance, AppNetworkAccessType VpcOnly for a Studio domain.",
		},
		rules.WellFormed: {
			rules.Medium, "Network settings are well-formed",
			"Ids stand in the wrong list, are empty, or are of different VPCs: what the author meant is not what is configured.", "Correct the ids.",
		},
		rules.Assessable: {
			rules.Informational, "The network can be assessed",
			"The record does not tell what decides the class. Unknown is never a pass.", "Audit again together with the response of the call that the message names.",
		},
		rules.SubnetAllowed: {
			rules.High, "Subnets are in the allow-list",
			"A subnet is used that the rules file does not list for the account.", "Use a subnet of the allow-list, or have the list extended by its owner.",
		},
		rules.SecurityGroupAllowed: {
			rules.Medium, "Security groups are in the allow-list",
			"A security group is used that the rules file does not list for the account.", "Use a security group of the allow-list, or have the list extended by its owner.",
		},
		rules.IsolationRequired: {
			rules.Medium, "Network isolation is on",
			"The rules file requires that the container has no network at all.", "Set EnableNetworkIsolation to true.",
		},
		rules.CentralEgress: {
			rules.High, "Routes lead to the Internet by the allowed way only",
			"A subnet's route leads to the Internet other than by the central egress.", "Use a subnet whose routes lead through the central egress.",
		},
		rules.EndpointsReachable: {
			rules.Low, "The VPC endpoints that are needed can be reached",
			"A subnet without a way out lacks the VPC endpoints that the kind needs, so it will not work.", "Create the endpoints, or use a subnet that reaches them.",
		},
		rules.EncryptedBetweenContainers: {
			rules.Low, "Traffic between containers is encrypted",
			"The containers of a distributed job talk to each other in the clear.", "Set EnableInterContainerTrafficEncryption to true.",
		},
		rules.InteractiveAccess: {
			rules.Medium, "No interactive access",
			"People can get into where the code runs: remote access to a space, SSM access to the instances of an endpoint, remote debugging of a training job, or Docker access in Studio.", "Turn the access off.",
		},
		rules.WorkerIngress: {
			rules.Medium, "Workers come in from known addresses",
			"The workforce can be reached from any address.", "UpdateWorkforce with SourceIpConfig.Cidrs or WorkforceVpcConfig. See " + doc(kind.Workforce),
		},
	}
}

// doc is the reference page of a kind.
func doc(k kind.Kind) string {
	row, _ := kind.Of(k)
	return row.Doc
}
