package finding

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/posture"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// ErrNothingToReport says that no rule applies to the resource.
var ErrNothingToReport = errors.New("no rule applies")

// ErrNowhereToReport says that the account, the Region or the resource is not
// known, as in the request of a call that nobody made yet. A finding in the AWS
// Security Finding Format belongs to all three.
var ErrNowhereToReport = errors.New("not known well enough for a finding in the AWS Security Finding Format")

// ASFF is a finding in the AWS Security Finding Format, with the members that
// sagemoat writes. Workflow, Note, VerificationState and UserDefinedFields
// belong to the customer: an import cannot set them, and does not try.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
type ASFF struct {
	SchemaVersion string `json:"SchemaVersion"`
	ID            string `json:"Id"`
	ProductARN    string `json:"ProductArn"`
	ProductName   string `json:"ProductName"`
	CompanyName   string `json:"CompanyName"`
	GeneratorID   string `json:"GeneratorId"`
	AWSAccountID  string `json:"AwsAccountId"`
	CreatedAt     string `json:"CreatedAt"`
	UpdatedAt     string `json:"UpdatedAt"`
	// FindingProviderFields holds the severity and the types: Security Hub
	// demands it or the older top-level members, and documents it for providers.
	// https://github.com/aws-samples/aws-securityhub-config-integration/issues/3
	FindingProviderFields ASFFProviderFields `json:"FindingProviderFields"`
	Title                 string             `json:"Title"`
	Description           string             `json:"Description"`
	Remediation           *ASFFRemediation   `json:"Remediation,omitempty"`
	ProductFields         map[string]string  `json:"ProductFields"`
	Resources             []ASFFResource     `json:"Resources"`
	Compliance            ASFFCompliance     `json:"Compliance"`
	RecordState           string             `json:"RecordState"`
}

// ASFFProviderFields is what a provider says and a customer may overrule.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_FindingProviderFields.html
type ASFFProviderFields struct {
	Severity ASFFSeverity `json:"Severity"`
	Types    []string     `json:"Types"`
}

// ASFFSeverity is how bad a finding is.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_FindingProviderSeverity.html
type ASFFSeverity struct {
	Label    rules.Severity `json:"Label"`
	Original string         `json:"Original"`
}

// ASFFRemediation wraps the recommendation.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Remediation.html
type ASFFRemediation struct {
	Recommendation ASFFRecommendation `json:"Recommendation"`
}

// ASFFRecommendation is what closes the finding, and where to read about it.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Recommendation.html
type ASFFRecommendation struct {
	Text string `json:"Text"`
	URL  string `json:"Url,omitempty"`
}

// ASFFResource is something that a finding is about.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html
type ASFFResource struct {
	Type      string       `json:"Type"`
	ID        string       `json:"Id"`
	Partition string       `json:"Partition"`
	Region    string       `json:"Region"`
	Details   *ASFFDetails `json:"Details,omitempty"`
}

// ASFFDetails describes a resource. Notebook instances are the one kind of
// SageMaker AI that the format has members for.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_ResourceDetails.html
type ASFFDetails struct {
	NotebookInstance *ASFFNotebookInstance `json:"AwsSageMakerNotebookInstance,omitempty"`
	Other            map[string]string     `json:"Other,omitempty"`
}

// ASFFNotebookInstance describes a notebook instance.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSageMakerNotebookInstanceDetails.html
type ASFFNotebookInstance struct {
	NotebookInstanceARN  string   `json:"NotebookInstanceArn,omitempty"`
	NotebookInstanceName string   `json:"NotebookInstanceName,omitempty"`
	DirectInternetAccess string   `json:"DirectInternetAccess,omitempty"`
	SubnetID             string   `json:"SubnetId,omitempty"`
	SecurityGroups       []string `json:"SecurityGroups,omitempty"`
}

// ASFFCompliance is the answer of the rules.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Compliance.html
type ASFFCompliance struct {
	Status              rules.Compliance `json:"Status"`
	RelatedRequirements []string         `json:"RelatedRequirements,omitempty"`
}

// networkReachability is the type of every finding. Effects/Data Exposure is
// for what is known to have left, which no setting tells.
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html#Types
const networkReachability = "Software and Configuration Checks/AWS Security Best Practices/Network Reachability"

// most is how many bytes of a text from a record stand in one member.
const most = 512

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]{1,10}){1,2}-[0-9]{1,2}$`)
	networkPattern = regexp.MustCompile(`^(subnet|sg)-[0-9A-Za-z]{1,64}$`)
)

// ASFF is the finding as Security Hub takes it, within the limits that
// [Validate] knows. What passed has a finding too, so that an older one about
// the same resource is closed by it. CreatedAt and UpdatedAt are the time of the
// evidence, or now where it has none. The error is [ErrNothingToReport] where no
// rule applies, and wraps [ErrNowhereToReport] where account, Region or
// resource are not known.
//
// The id is the resource's ARN, so that every later finding about the resource
// takes the place of the earlier one. Names can be used again after deletion:
// where Created is set and the kind can be deleted, the id has that time too.
func (f *Finding) ASFF(now time.Time) (ASFF, error) {
	if f.Judgement.Compliance == rules.NotAvailable {
		return ASFF{}, ErrNothingToReport
	}
	switch {
	case !accountPattern.MatchString(f.Account):
		return ASFF{}, fmt.Errorf("%s: the account is %w", Clip(Plain(f.Resource()), most), ErrNowhereToReport)
	case !regionPattern.MatchString(f.Region) || len(f.Region) > 16:
		return ASFF{}, fmt.Errorf("%s: the Region is %w", Clip(Plain(f.Resource()), most), ErrNowhereToReport)
	case f.ARN == "" && Plain(f.Name) == "":
		return ASFF{}, fmt.Errorf("%s in %s: the name is %w", f.Row.Words, f.Account, ErrNowhereToReport)
	}
	at := f.Time
	if at.IsZero() {
		at = now
	}
	stamp := stamp(at)
	out := ASFF{
		SchemaVersion:         "2018-10-08",
		ID:                    f.ID(),
		ProductARN:            "arn:" + f.partition() + ":securityhub:" + f.Region + ":" + f.Account + ":product/" + f.Account + "/default",
		ProductName:           "sagemoat",
		CompanyName:           "sagemoat",
		GeneratorID:           "sagemoat/" + f.generator(),
		AWSAccountID:          f.Account,
		CreatedAt:             stamp,
		UpdatedAt:             stamp,
		FindingProviderFields: ASFFProviderFields{Severity: f.asffSeverity(), Types: []string{networkReachability}},
		Title:                 Clip(f.Title(), 256),
		Description:           Clip(f.description(), 1024),
		Remediation:           f.asffRemediation(),
		ProductFields:         f.productFields(),
		Resources:             f.asffResources(),
		Compliance:            ASFFCompliance{Status: f.Judgement.Compliance, RelatedRequirements: f.requirements()},
		RecordState:           "ACTIVE",
	}
	if err := Validate(out); err != nil {
		return ASFF{}, fmt.Errorf("%s: %w", Clip(Plain(f.Resource()), most), err)
	}
	return out, nil
}

func (f *Finding) partition() string { return cmp.Or(f.Partition, kind.Partition(f.Region)) }

// ID is the id of every finding about the resource, in the AWS Security Finding
// Format. It takes nothing but the row, where the resource is, its ARN or else
// its name, and when it was created.
func (f *Finding) ID() string {
	id := f.ARN
	if id == "" {
		id = strings.Join([]string{f.Account, f.Region, f.Resource()}, "/")
	}
	id += "/sagemoat/network"
	if len(f.Row.Deletes) > 0 && !f.Created.IsZero() {
		id += "/" + f.Created.UTC().Format("20060102T150405Z")
	}
	return identity(id)
}

// identity keeps an identifier as it is where it is short and plain. Otherwise
// a digest of the whole keeps apart what begins alike.
func identity(id string) string {
	if len(id) <= most && Plain(id) == id {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	digest := "/" + hex.EncodeToString(sum[:16])
	return Clip(Plain(id), most-len(digest)) + digest
}

// generator is the rule that the finding speaks of; where nothing failed, the
// rules as a whole.
func (f *Finding) generator() string {
	if worst, ok := f.Worst(); ok {
		return string(worst.Rule)
	}
	return "network"
}

func (f *Finding) asffSeverity() ASFFSeverity {
	s := cmp.Or(f.Judgement.Severity, rules.Informational)
	return ASFFSeverity{Label: s, Original: string(s)}
}

// description says the class and every result, the worst first.
func (f *Finding) description() string {
	v := f.Judgement.Verdict
	said := []string{fmt.Sprintf("Class %s, data path %s.", v.Class, v.DataPath)}
	for _, r := range f.results() {
		what := fmt.Sprintf("%s %s", r.Rule, r.Result)
		if r.Result == rules.Failed {
			what += fmt.Sprintf(" (%s)", r.Severity)
		}
		what += ": " + r.Message
		if part, ok := f.Part(r); ok && part.Name != "" {
			what += ", in " + part.Name
		}
		if r.Path != "" {
			what += ", at " + r.Path
		}
		if r.Exception != "" {
			what += ", allowed by exception " + r.Exception
		}
		said = append(said, what+".")
	}
	return Plain(strings.Join(said, " "))
}

// results are the results in the order in which they matter: the one that the
// title speaks of, then the others that failed, those not told, those excepted.
func (f *Finding) results() []rules.Result {
	var out []rules.Result
	worst, ok := f.Worst()
	if ok {
		out = append(out, worst)
	}
	for _, want := range []rules.Compliance{rules.Failed, rules.Warning, rules.Excepted} {
		for _, r := range f.Judgement.Results {
			if r.Result == want && (!ok || r != worst) {
				out = append(out, r)
			}
		}
	}
	return out
}

// asffRemediation is nil where there is nothing to close.
func (f *Finding) asffRemediation() *ASFFRemediation {
	text := Plain(f.Remedy())
	if text == "" {
		return nil
	}
	var paste bytes.Buffer
	if p := f.Paste(); p != "" && json.Compact(&paste, []byte(p)) == nil {
		// Half a fragment is worth nothing: it stands there whole or not at all.
		if with := text + ". Settings: " + Plain(paste.String()); len(with) <= 512 {
			text = with
		}
	}
	return &ASFFRemediation{ASFFRecommendation{Text: Clip(text, 512), URL: f.Row.Doc}}
}

// productFields is what queries and automations of the customer select by.
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-top-level-attributes.html#asff-productfields
func (f *Finding) productFields() map[string]string {
	out := map[string]string{
		"sagemoat/kind":      string(f.Row.Kind),
		"sagemoat/class":     f.Judgement.Verdict.Class.String(),
		"sagemoat/data-path": f.Judgement.Verdict.DataPath.String(),
		"sagemoat/vpc-reach": f.Judgement.Verdict.Reach.String(),
		"sagemoat/source":    string(f.Source.Type),
	}
	var told []string
	for _, r := range f.Judgement.Results {
		told = append(told, string(r.Rule)+"="+string(r.Result))
	}
	part := ""
	if worst, ok := f.Worst(); ok {
		p, _ := f.Part(worst)
		part = p.Name
	}
	exception := ""
	if x := f.Judgement.Exception; x != nil {
		exception = x.ID
	}
	for key, value := range map[string]string{
		"sagemoat/rules":     strings.Join(told, ","),
		"sagemoat/part":      part,
		"sagemoat/event":     f.Source.Event,
		"sagemoat/event-ids": f.Source.ID,
		"sagemoat/actor":     f.Source.Actor,
		"sagemoat/exception": exception,
	} {
		put(out, key, value)
	}
	return out
}

// put keeps what is not blank: Security Hub refuses members without a letter.
func put(fields map[string]string, key, value string) {
	if value = Clip(Plain(value), most); value != "" {
		fields[key] = value
	}
}

// asffResources are the resource and the subnets and security groups of its
// parts, so that tools that draw graphs connect them. Their account is taken to
// be the resource's: no record tells who owns a subnet that is shared.
func (f *Finding) asffResources() []ASFFResource {
	j := &f.Judgement
	other := map[string]string{
		"kind":     string(f.Row.Kind),
		"class":    j.Verdict.Class.String(),
		"dataPath": j.Verdict.DataPath.String(),
		"vpcReach": j.Verdict.Reach.String(),
	}
	put(other, "name", f.Name)
	resource := ASFFResource{Type: "Other", ID: identity(f.Resource()), Details: &ASFFDetails{Other: other}}
	if f.Row.Kind == kind.NotebookInstance {
		resource.Type = "AwsSageMakerNotebookInstance"
		resource.Details.NotebookInstance = f.notebook()
	}
	out := []ASFFResource{resource}
	all := []posture.Posture{j.Posture}
	for i := range j.Parts {
		all = append(all, j.Parts[i].Posture)
	}
	for i := range all {
		for _, list := range []struct {
			typ, resource string
			ids           posture.IDs
		}{{"AwsEc2Subnet", "subnet/", all[i].Subnets}, {"AwsEc2SecurityGroup", "security-group/", all[i].SecurityGroups}} {
			for _, id := range list.ids.Values() {
				arn := "arn:" + f.partition() + ":ec2:" + f.Region + ":" + f.Account + ":" + list.resource + id
				known := slices.ContainsFunc(out, func(r ASFFResource) bool { return r.ID == arn })
				if !known && len(out) < maxResources && networkPattern.MatchString(id) {
					out = append(out, ASFFResource{Type: list.typ, ID: arn})
				}
			}
		}
	}
	for i := range out {
		out[i].Partition, out[i].Region = f.partition(), f.Region
	}
	return out
}

func (f *Finding) notebook() *ASFFNotebookInstance {
	p := &f.Judgement.Posture
	out := &ASFFNotebookInstance{NotebookInstanceARN: Clip(Plain(f.ARN), most), NotebookInstanceName: Clip(Plain(f.Name), most)}
	switch p.DirectInternet {
	case posture.Yes:
		out.DirectInternetAccess = "Enabled"
	case posture.No:
		out.DirectInternetAccess = "Disabled"
	case posture.Unknown, posture.NotApplicable:
	}
	for _, id := range p.Subnets.Values() {
		if networkPattern.MatchString(id) && out.SubnetID == "" {
			out.SubnetID = id
		}
	}
	for _, id := range p.SecurityGroups.Values() {
		if networkPattern.MatchString(id) && len(out.SecurityGroups) < maxResources {
			out.SecurityGroups = append(out.SecurityGroups, id)
		}
	}
	return out
}

// requirements are the controls that the rules belong to: boundary protection
// and information flow, and those of what else failed.
// https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final
func (f *Finding) requirements() []string {
	out := []string{"NIST.800-53.r5 AC-4", "NIST.800-53.r5 SC-7"}
	for _, r := range f.Judgement.Results {
		if r.Rule == rules.InteractiveAccess {
			out = append(out, "NIST.800-53.r5 AC-17")
		}
		if r.Rule == rules.EncryptedBetweenContainers {
			out = append(out, "NIST.800-53.r5 SC-8")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
