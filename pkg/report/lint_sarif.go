package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/prevent/lint"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// LintSARIF writes what was found in policies as SARIF 2.1.0, at the line of each.
func LintSARIF(w io.Writer, r *lint.Report, opts Options) error {
	log := sarif.NewReport()
	run := sarif.NewRunWithInformationURI("sagemoat", "https://github.com/sagemoat/sagemoat")
	if opts.Version != "" {
		run.Tool.Driver.WithVersion(opts.Version)
	}
	ids := lintIDs()
	for _, d := range lint.Docs() {
		run.Tool.Driver.AddRule(lintRule(d))
	}
	for _, f := range r.Findings {
		run.AddResult(lintResult(f, slices.Index(ids, f.ID), opts))
	}
	log.AddRun(run)
	return log.PrettyWrite(w)
}

func lintRule(d lint.Doc) *sarif.ReportingDescriptor {
	plain := strings.ReplaceAll(d.Reason, "`", "")
	out := sarif.NewRule(string(d.ID)).WithName(pascal(rules.ID(d.ID))).
		WithShortDescription(sarif.NewMultiformatMessageString().WithText(strings.ToUpper(d.Title[:1]) + d.Title[1:])).
		WithFullDescription(sarif.NewMultiformatMessageString().WithText(plain)).
		WithHelpURI(d.Source).
		WithHelp(sarif.NewMultiformatMessageString().WithText(plain + "\n\n" + strings.ReplaceAll(d.Remedy, "`", "")).WithMarkdown(d.Reason + "\n\n**What to do:** " + d.Remedy)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(level(rules.Result{Severity: d.Severity})))
	properties := sarif.NewPropertyBag().WithTags([]string{"security", "network", "sagemaker", "iam"})
	if score := securitySeverity(d.Severity); score != "" {
		properties.Add("security-severity", score)
	}
	return out.WithProperties(properties)
}

func lintResult(f *lint.Finding, index int, opts Options) *sarif.Result {
	d := lint.DocOf(f.ID)
	said := finding.Plain(f.Found) + "."
	if len(f.Operations) > 0 {
		said += " Operations: " + strings.Join(f.Operations, ", ") + "."
	}
	said += " " + strings.ReplaceAll(d.Remedy, "`", "")
	if f.Fix != "" {
		said += " For example: " + finding.Plain(f.Fix)
	}
	location := sarif.NewLocation()
	uri := fileURI(opts.Root, f.Where.File)
	if uri != "" {
		physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(uri))
		if f.Where.Line > 0 {
			physical.WithRegion(sarif.NewRegion().WithStartLine(f.Where.Line))
		}
		location.WithPhysicalLocation(physical)
	}
	if path := finding.Plain(f.Where.Path); path != "" {
		location.AddLogicalLocation(sarif.NewLogicalLocation().WithKind("property").WithName(path).WithFullyQualifiedName(path))
	}
	if policy := finding.Plain(f.Policy); policy != "" {
		location.AddLogicalLocation(sarif.NewLogicalLocation().WithKind("resource").WithName(name(f.Policy)).WithFullyQualifiedName(policy))
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{string(f.ID), uri, f.Policy, f.Statement, f.Where.Path, string(f.Question), f.Found}, "\x00")))
	mark := hex.EncodeToString(sum[:16])
	return sarif.NewRuleResult(string(f.ID)).
		WithRuleIndex(index).
		WithLevel(level(rules.Result{Severity: f.Severity})).
		WithMessage(sarif.NewTextMessage(unlinked(said))).
		AddLocation(location).
		WithPartialFingerprints(map[string]string{"sagemoat/v1": mark, "primaryLocationLineHash": mark}).
		WithProperties(sarif.NewPropertyBag().Add("severity", string(f.Severity)))
}
