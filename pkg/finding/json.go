package finding

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
	"github.com/sagemoat/sagemoat/pkg/verdict"
)

// The JSON form of a finding. It is a public interface, with a JSON Schema in
// docs/verdict.schema.json: members are added, never changed or taken away.
type (
	jsonFinding struct {
		Kind       kind.Kind        `json:"kind"`
		Name       string           `json:"name"`
		ARN        *string          `json:"arn"`
		Account    *string          `json:"account"`
		Region     *string          `json:"region"`
		Time       *string          `json:"time"`
		Source     jsonSource       `json:"source"`
		Class      verdict.Class    `json:"class"`
		DataPath   verdict.DataPath `json:"dataPath"`
		Posture    jsonPosture      `json:"posture"`
		Compliance rules.Compliance `json:"compliance"`
		Severity   *rules.Severity  `json:"severity"`
		Rules      []jsonRule       `json:"rules"`
		Parts      []jsonPart       `json:"parts"`
		Exception  *jsonException   `json:"exception"`
		Remedy     *string          `json:"remedy"`
	}
	jsonSource struct {
		Type   kind.Shape `json:"type"`
		Event  *string    `json:"event"`
		ID     *string    `json:"id"`
		Actor  *string    `json:"actor"`
		File   *string    `json:"file"`
		Offset *int64     `json:"offset"`
	}
	jsonPosture struct {
		Isolation                  posture.Fact  `json:"isolation"`
		VPC                        posture.Fact  `json:"vpc"`
		DirectInternet             posture.Fact  `json:"directInternet"`
		VPCReach                   verdict.Reach `json:"vpcReach"`
		Subnets                    []string      `json:"subnets"`
		SecurityGroups             []string      `json:"securityGroups"`
		EncryptedBetweenContainers posture.Fact  `json:"encryptedBetweenContainers"`
		Assumed                    []string      `json:"assumed,omitempty"`
		Unknown                    []jsonReason  `json:"unknown,omitempty"`
	}
	jsonReason struct {
		Path   string `json:"path"`
		Why    string `json:"why"`
		LookUp string `json:"lookUp,omitempty"`
	}
	jsonRule struct {
		ID        rules.ID         `json:"id"`
		Result    rules.Compliance `json:"result"`
		Severity  *rules.Severity  `json:"severity"`
		Message   string           `json:"message"`
		Path      *string          `json:"path"`
		Exception string           `json:"exception,omitempty"`
	}
	jsonPart struct {
		Name       string           `json:"name"`
		Path       string           `json:"path"`
		Kind       kind.Kind        `json:"kind"`
		Class      verdict.Class    `json:"class"`
		DataPath   verdict.DataPath `json:"dataPath"`
		Posture    jsonPosture      `json:"posture"`
		Compliance rules.Compliance `json:"compliance"`
		Severity   *rules.Severity  `json:"severity"`
		Rules      []jsonRule       `json:"rules"`
	}
	jsonException struct {
		ID      string `json:"id"`
		Owner   string `json:"owner"`
		Reason  string `json:"reason"`
		Expires string `json:"expires"`
	}
)

// MarshalJSON writes the finding as docs/verdict.schema.json describes it. What
// HTML would need escaped is left as it is; an encoder that is told so keeps it.
func (f *Finding) MarshalJSON() ([]byte, error) {
	j := &f.Judgement
	out := jsonFinding{
		Kind: f.Row.Kind, Name: f.Name, ARN: text(f.ARN), Account: text(f.Account), Region: text(f.Region),
		Source: jsonSource{
			Type: f.Source.Type, Event: text(f.Source.Event), ID: text(f.Source.ID),
			Actor: text(f.Source.Actor), File: text(f.Source.File),
		},
		Class: j.Verdict.Class, DataPath: j.Verdict.DataPath, Posture: postureOf(j.Posture, j.Verdict),
		Compliance: j.Compliance, Severity: severity(j.Severity), Rules: rulesOf(j.Results), Parts: []jsonPart{},
		Remedy: text(f.Remedy()),
	}
	if !f.Time.IsZero() {
		out.Time = text(f.Time.UTC().Format(time.RFC3339))
	}
	if f.Source.File != "" {
		out.Source.Offset = &f.Source.Offset
	}
	if f.hasParts() {
		for _, p := range j.Parts {
			out.Parts = append(out.Parts, jsonPart{
				Name: p.Name, Path: p.Path, Kind: p.Kind,
				Class: p.Verdict.Class, DataPath: p.Verdict.DataPath, Posture: postureOf(p.Posture, p.Verdict),
				Compliance: p.Compliance, Severity: severity(p.Severity), Rules: rulesOf(p.Results),
			})
		}
	}
	if x := j.Exception; x != nil {
		out.Exception = &jsonException{ID: x.ID, Owner: x.Owner, Reason: x.Reason, Expires: x.Expires.UTC().Format(time.RFC3339)}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// hasParts says whether the resource has configurations with names of their own.
func (f *Finding) hasParts() bool {
	return len(f.Judgement.Parts) > 1 || len(f.Judgement.Parts) == 1 && f.Judgement.Parts[0].Name != ""
}

func postureOf(p posture.Posture, v verdict.Verdict) jsonPosture {
	out := jsonPosture{
		Isolation: p.Isolation, VPC: p.VPC, DirectInternet: p.DirectInternet, VPCReach: v.Reach,
		Subnets: p.Subnets.Values(), SecurityGroups: p.SecurityGroups.Values(),
		EncryptedBetweenContainers: p.Encrypted, Assumed: p.Assumed,
	}
	for _, r := range p.Reasons {
		out.Unknown = append(out.Unknown, jsonReason{Path: r.Path, Why: r.Why, LookUp: r.Look})
	}
	return out
}

func rulesOf(results []rules.Result) []jsonRule {
	out := make([]jsonRule, 0, len(results))
	for _, r := range results {
		out = append(out, jsonRule{
			ID: r.Rule, Result: r.Result, Severity: severity(r.Severity), Message: r.Message,
			Path: text(r.Path), Exception: r.Exception,
		})
	}
	return out
}

func severity(s rules.Severity) *rules.Severity {
	if s == "" {
		return nil
	}
	return &s
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
