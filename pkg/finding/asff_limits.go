package finding

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// The limits of the format, which the AWS SDK does not check: Security Hub
// answers a call with 200 and lists the finding as failed. Sources:
//   - lengths, required members, 32 resources, 50 types, 50 product fields of
//     128 and 2,048 characters, 32 related requirements:
//     https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
//     and https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Compliance.html
//   - recommendation of 1 to 512 characters:
//     https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Recommendation.html
//   - original severity of 1 to 64:
//     https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_FindingProviderSeverity.html
//   - 50 details of fewer than 128 and 1,024 characters, and 240 KB:
//     https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources-attributes.html
//   - type of 1 to 256 characters, Region of 1 to 16:
//     https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html
//   - times: https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html
const (
	maxResources    = 32
	maxTypes        = 50
	maxRequirements = 32
	maxFields       = 50
	maxFinding      = 240 * 1000 // the page does not say which KB: the smaller
)

var (
	partitionPattern = regexp.MustCompile(`^aws(-[a-z]{1,5}){0,2}$`)
	typePattern      = regexp.MustCompile(`^(Software and Configuration Checks|TTPs|Effects|Unusual Behaviors|Sensitive Data Identifications)(/[^/]+){0,2}$`)
)

// Validate says how a finding breaks the documented limits of the AWS Security
// Finding Format, all of it in one error; nil where it keeps them.
func Validate(a ASFF) error {
	c := &checks{}
	c.same("SchemaVersion", a.SchemaVersion, "2018-10-08")
	c.length("Id", a.ID, 512)
	c.length("GeneratorId", a.GeneratorID, 512)
	c.length("ProductArn", a.ProductARN, 2048)
	c.length("ProductName", a.ProductName, 128)
	c.length("CompanyName", a.CompanyName, 128)
	c.length("Title", a.Title, 256)
	c.length("Description", a.Description, 1024)
	c.matches("AwsAccountId", a.AWSAccountID, accountPattern)
	c.time("CreatedAt", a.CreatedAt)
	c.time("UpdatedAt", a.UpdatedAt)
	c.oneOf("RecordState", a.RecordState, "ACTIVE", "ARCHIVED")
	c.provider(a.FindingProviderFields)
	c.oneOf("Compliance.Status", string(a.Compliance.Status), string(rules.Passed), string(rules.Failed), string(rules.Warning), string(rules.NotAvailable))
	c.list("Compliance.RelatedRequirements", len(a.Compliance.RelatedRequirements), 0, maxRequirements)
	for i, r := range a.Compliance.RelatedRequirements {
		c.length(fmt.Sprintf("Compliance.RelatedRequirements[%d]", i), r, maxFinding)
	}
	if r := a.Remediation; r != nil {
		c.length("Remediation.Recommendation.Text", r.Recommendation.Text, 512)
	}
	c.fields("ProductFields", a.ProductFields, 128, 2048)
	c.list("Resources", len(a.Resources), 1, maxResources)
	for i, r := range a.Resources {
		c.resource(fmt.Sprintf("Resources[%d]", i), r)
	}
	if len(a.Resources) > 0 {
		want := fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default", a.Resources[0].Partition, a.Resources[0].Region, a.AWSAccountID, a.AWSAccountID)
		c.same("ProductArn", a.ProductARN, want)
	}
	if b, err := json.Marshal(a); err != nil {
		c.fail("the finding", err.Error())
	} else if len(b) > maxFinding {
		c.fail("the finding", fmt.Sprintf("has %d bytes, more than %d", len(b), maxFinding))
	}
	return errors.Join(c.errs...)
}

// checks gathers what is wrong.
type checks struct{ errs []error }

func (c *checks) fail(member, what string) {
	c.errs = append(c.errs, fmt.Errorf("%s %s", member, what))
}

// length: every string of the format has a character that is not a space.
func (c *checks) length(member, value string, longest int) {
	if strings.TrimSpace(value) == "" {
		c.fail(member, "is empty")
	}
	if n := utf8.RuneCountInString(value); n > longest {
		c.fail(member, fmt.Sprintf("has %d characters, more than %d", n, longest))
	}
}

func (c *checks) list(member string, n, fewest, longest int) {
	if n < fewest || n > longest {
		c.fail(member, fmt.Sprintf("has %d items, not %d to %d", n, fewest, longest))
	}
}

func (c *checks) same(member, value, want string) {
	if value != want {
		c.fail(member, fmt.Sprintf("is %q, not %q", value, want))
	}
}

func (c *checks) oneOf(member, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.fail(member, fmt.Sprintf("is %q, not one of %s", value, strings.Join(allowed, ", ")))
	}
}

func (c *checks) matches(member, value string, pattern *regexp.Regexp) {
	if !pattern.MatchString(value) {
		c.fail(member, fmt.Sprintf("is %q, which does not match %s", value, pattern))
	}
}

func (c *checks) time(member, value string) {
	if _, err := time.Parse(time.RFC3339, value); err != nil {
		c.fail(member, fmt.Sprintf("is %q, not a time as in RFC 3339", value))
	}
}

func (c *checks) fields(member string, fields map[string]string, key, value int) {
	c.list(member, len(fields), 0, maxFields)
	for k, v := range fields {
		c.length(fmt.Sprintf("the key %q of %s", k, member), k, key)
		c.length(fmt.Sprintf("%s[%q]", member, k), v, value)
	}
}

func (c *checks) provider(p ASFFProviderFields) {
	var labels []string
	for _, s := range rules.Severities() {
		labels = append(labels, string(s))
	}
	c.oneOf("FindingProviderFields.Severity.Label", string(p.Severity.Label), labels...)
	c.length("FindingProviderFields.Severity.Original", p.Severity.Original, 64)
	c.list("FindingProviderFields.Types", len(p.Types), 1, maxTypes)
	for _, t := range p.Types {
		c.matches("FindingProviderFields.Types", t, typePattern)
	}
}

func (c *checks) resource(member string, r ASFFResource) {
	c.length(member+".Type", r.Type, 256)
	c.length(member+".Id", r.ID, 512)
	c.matches(member+".Partition", r.Partition, partitionPattern)
	c.matches(member+".Region", r.Region, regionPattern)
	c.length(member+".Region", r.Region, 16)
	if r.Details != nil {
		c.fields(member+".Details.Other", r.Details.Other, 127, 1023)
	}
}
