package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/sagemoat/sagemoat/pkg/finding"
)

// ASFFStats says what became of the findings.
type ASFFStats struct {
	// Written is how many are in the array. A call of BatchImportFindings takes
	// 100: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
	Written int
	// Older is how many were left out for a newer one about the same resource.
	Older int
	// NoRule is how many were left out because no rule applies.
	NoRule int
	// Skipped are those that could not be written.
	Skipped []Skipped
}

// Skipped is a finding that could not be written, and why.
type Skipped struct {
	Finding *finding.Finding
	Err     error
}

// ASFF writes the findings as one array in the AWS Security Finding Format, the
// newest for each resource, as the command line of AWS takes it:
//
//	aws securityhub batch-import-findings --findings file://findings.json
//
// CreatedAt of a finding is the time of the oldest evidence about its resource.
func ASFF(w io.Writer, findings []*finding.Finding, opts Options) (ASFFStats, error) {
	var stats ASFFStats
	out := []finding.ASFF{}
	at := map[string]int{}
	for _, f := range findings {
		a, err := f.ASFF(opts.Now)
		switch {
		case errors.Is(err, finding.ErrNothingToReport):
			stats.NoRule++
			continue
		case err != nil:
			stats.Skipped = append(stats.Skipped, Skipped{f, err})
			continue
		}
		i, known := at[a.ID]
		if !known {
			at[a.ID] = len(out)
			out = append(out, a)
			continue
		}
		stats.Older++
		// The times are all in one format and zone, so they compare as text.
		created := min(out[i].CreatedAt, a.CreatedAt)
		if a.UpdatedAt >= out[i].UpdatedAt {
			out[i] = a
		}
		out[i].CreatedAt = created
	}
	stats.Written = len(out)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return stats, err
	}
	_, err := w.Write(b.Bytes())
	return stats, err
}
