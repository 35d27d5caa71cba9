package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sagemoat/sagemoat/pkg/finding"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

// Limits of Security Hub.
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
// https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html
const (
	maxFindings = 100       // in a call
	maxFinding  = 240_000   // bytes; the page does not say which KB: the smaller
	maxBatch    = 6_000_000 // bytes, likewise
	maxFilters  = 20        // values of an attribute
)

// HubState says whether Security Hub is enabled.
type HubState uint8

// The states. AWS documents one way of refusing findings while the hub is off,
// and users report another: what calls it has to bear both.
const (
	HubOn HubState = iota
	// HubOff answers every call with an InvalidAccessException.
	// https://github.com/prowler-cloud/prowler/pull/1590
	HubOff
	// HubOffByFinding lists every finding as failed, with InvalidAccess.
	// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
	HubOffByFinding
)

// HubFinding is a finding as the hub keeps it.
type HubFinding struct {
	finding.ASFF
	Workflow string // NEW, NOTIFIED, RESOLVED, SUPPRESSED
	Note     string
	// Imports counts the imports that had an effect.
	Imports int
}

// identifier is what tells findings apart.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFindingIdentifier.html
type identifier struct{ product, id string }

// kept is a finding. Its document is replaced, never changed.
type kept struct {
	HubFinding
	place   int // in the order of first imports
	updated time.Time
	doc     map[string]any
}

// hub is Security Hub CSPM.
type hub struct {
	world *World

	mu      sync.Mutex
	state   HubState
	refuse  func(id string) (code string)
	limits  map[string]*rate.Limiter
	actions map[string]HubAction // by ARN
	all     map[identifier]*kept
	order   []identifier // by first import
}

// newHub takes each operation's own rate and burst.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html
func newHub(w *World) *hub {
	return &hub{world: w, actions: map[string]HubAction{}, all: map[identifier]*kept{}, limits: map[string]*rate.Limiter{
		"BatchImportFindings": rate.NewLimiter(10, 30),
		"BatchUpdateFindings": rate.NewLimiter(10, 30),
		"GetFindings":         rate.NewLimiter(3, 6),
	}}
}

// SetHub enables or disables Security Hub.
func (w *World) SetHub(s HubState) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.hub.state = s
}

// RefuseFindings has imports list a finding as failed where f returns a code for
// its id, such as InternalError. Nil ends it.
func (w *World) RefuseFindings(f func(id string) (code string)) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.hub.refuse = f
}

// Findings returns what the hub keeps, in the order of first imports.
func (w *World) Findings() []HubFinding {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]HubFinding, len(h.order))
	for i, id := range h.order {
		out[i] = h.all[id].HubFinding
	}
	return out
}

// CustomAction plays a person who picks a custom action for findings in the
// console: one event for each.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html
func (w *World) CustomAction(id, name, description string, findings ...string) {
	h := w.hub
	h.mu.Lock()
	var docs []map[string]any
	for _, i := range h.order {
		if slices.Contains(findings, i.id) {
			docs = append(docs, h.all[i].doc)
		}
	}
	h.mu.Unlock()
	for _, doc := range docs {
		w.emit("aws.securityhub", "Security Hub Findings - Custom Action", []string{w.arn("securityhub", "action/custom/"+id)}, map[string]any{
			"actionName": name, "actionDescription": description, "findings": []any{doc},
		})
	}
}

// hubRoutes are the operations by method and path.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Operations.html
var hubRoutes = map[string]string{
	"POST /findings/import":       "BatchImportFindings",
	"PATCH /findings/batchupdate": "BatchUpdateFindings",
	"POST /findings":              "GetFindings",
	"POST /accounts":              "EnableSecurityHub",
	"GET /accounts":               "DescribeHub",
	"POST /actionTargets":         "CreateActionTarget",

	"PATCH " + actionRoute:  "UpdateActionTarget",
	"DELETE " + actionRoute: "DeleteActionTarget",
}

func (h *hub) serve(c *call) (any, error) {
	if limit := h.limits[c.Operation]; limit != nil && !limit.AllowN(h.world.Now(), 1) {
		return nil, throttled(restJSON, c.Service)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Operation == "EnableSecurityHub" {
		if h.state == HubOn {
			return nil, &Error{Code: "ResourceConflictException", Message: "Account is already subscribed to Security Hub", Status: http.StatusConflict}
		}
		h.state = HubOn
		return nil, nil //nolint:nilnil // an empty answer
	}
	if h.state == HubOff || h.state == HubOffByFinding && c.Operation != "BatchImportFindings" {
		return nil, &Error{Code: "InvalidAccessException", Message: "Account " + h.world.account + " is not subscribed to AWS Security Hub", Status: http.StatusUnauthorized}
	}
	switch c.Operation {
	case "BatchImportFindings":
		return h.importFindings(c)
	case "BatchUpdateFindings":
		return h.updateFindings(c)
	case "GetFindings":
		return h.getFindings(c)
	case "CreateActionTarget", "UpdateActionTarget", "DeleteActionTarget":
		return h.changeAction(c)
	}
	return map[string]any{"HubArn": h.world.arn("securityhub", "hub/default")}, nil // DescribeHub
}

func invalidInput(format string, args ...any) *Error {
	return refuse("InvalidInputException", format, args...)
}

// product is the one product of this account.
func (h *hub) product() string {
	return h.world.arn("securityhub", "product/"+h.world.account+"/default")
}

var productPattern = regexp.MustCompile(`^arn:aws[a-z-]*:securityhub:[a-z0-9-]+:([0-9]{12})?:product/[^/]+/[^/]+$`)

// importFindings: what is wrong with the batch, or with whose it is, fails the
// call; what is wrong with a finding fails the finding.
func (h *hub) importFindings(c *call) (any, error) {
	list, _ := c.Input["Findings"].([]any)
	if len(list) == 0 || len(list) > maxFindings {
		return nil, invalidInput("Invalid parameter 'Findings': has %d items, not 1 to %d", len(list), maxFindings)
	}
	if len(c.body) > maxBatch {
		return nil, invalidInput("the request has %d bytes, more than %d", len(c.body), maxBatch)
	}
	product := h.product()
	for _, item := range list {
		doc, _ := item.(map[string]any)
		arn, _ := doc["ProductArn"].(string)
		account, _ := doc["AwsAccountId"].(string)
		if !productPattern.MatchString(arn) {
			// https://github.com/aquasecurity/trivy/issues/6010
			return nil, invalidInput("productArn: %q", arn)
		}
		if arn != product || account != h.world.account {
			// The code tells of permissions whatever is wrong.
			// https://github.com/prowler-cloud/prowler/issues/867
			return nil, &Error{Code: "AccessDeniedException", Message: "User: " + c.Caller + " is not authorized to perform: securityhub:BatchImportFindings on resource: " + arn, Status: http.StatusForbidden}
		}
	}
	failed := []map[string]string{}
	for _, item := range list {
		doc, _ := item.(map[string]any)
		if code, message := h.importFinding(doc); code != "" {
			id, _ := doc["Id"].(string)
			failed = append(failed, map[string]string{"Id": id, "ErrorCode": code, "ErrorMessage": message})
		}
	}
	return map[string]any{"FailedCount": len(failed), "SuccessCount": len(list) - len(failed), "FailedFindings": failed}, nil
}

// importFinding keeps one finding, or says why not.
func (h *hub) importFinding(doc map[string]any) (code, message string) {
	if h.state == HubOffByFinding {
		return "InvalidAccess", "Account " + h.world.account + " is not subscribed to AWS Security Hub"
	}
	if h.refuse != nil {
		id, _ := doc["Id"].(string)
		if code = h.refuse(id); code != "" {
			return code, "Refused on demand"
		}
	}
	b := mustJSON(doc)
	if len(b) > maxFinding {
		return "InvalidInput", fmt.Sprintf("Finding size %d exceeded 240 KB", len(b))
	}
	var a finding.ASFF
	err := json.Unmarshal(b, &a)
	if err == nil {
		err = finding.Validate(a)
	}
	if err != nil {
		// https://github.com/aws-samples/aws-securityhub-config-integration/issues/3
		return "InvalidInput", "Finding does not adhere to Amazon Finding Format. data " + err.Error()
	}
	updated, _ := time.Parse(time.RFC3339, a.UpdatedAt)
	id := identifier{a.ProductARN, a.ID}
	k := h.all[id]
	switch {
	case k == nil:
		k = &kept{HubFinding: HubFinding{Workflow: "NEW"}, place: len(h.order)}
		h.all[id] = k
		h.order = append(h.order, id)
	case !updated.After(k.updated):
		return "", "" // ignored, and counted as imported
	case resets(k.ASFF, a) && (k.Workflow == "NOTIFIED" || k.Workflow == "RESOLVED"):
		k.Workflow = "NEW"
	}
	k.ASFF, k.updated = a, updated
	k.Imports++
	h.write(k, doc)
	return "", ""
}

// resets says whether an update has the hub forget that somebody was told or that
// the finding was resolved.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Workflow.html
func resets(before, after finding.ASFF) bool {
	return before.RecordState == "ARCHIVED" && after.RecordState == "ACTIVE" ||
		before.Compliance.Status == rules.Passed && after.Compliance.Status != rules.Passed
}

// normalized are the numbers of the labels.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html
var normalized = map[rules.Severity]int{
	rules.Informational: 0, rules.Low: 1, rules.Medium: 40, rules.High: 70, rules.Critical: 90,
}

// write completes the document of a finding from what it was imported with, and
// tells the world.
func (h *hub) write(k *kept, imported map[string]any) {
	doc := maps.Clone(imported)
	provider := k.FindingProviderFields
	doc["Severity"] = map[string]any{
		"Label": provider.Severity.Label, "Original": provider.Severity.Original, "Normalized": normalized[provider.Severity.Label],
	}
	doc["Types"] = provider.Types
	doc["Region"] = h.world.region
	doc["ProcessedAt"] = h.world.Now().Format("2006-01-02T15:04:05.000Z")
	fields := map[string]any{
		"aws/securityhub/FindingId":   k.ProductARN + "/" + k.ID,
		"aws/securityhub/ProductName": k.ProductName,
		"aws/securityhub/CompanyName": k.CompanyName,
	}
	for name, value := range k.ProductFields {
		fields[name] = value
	}
	doc["ProductFields"] = fields
	note := k.doc["Note"]
	delete(doc, "Note") // not the provider's
	if note != nil {
		doc["Note"] = note
	}
	h.finish(k, doc)
}

// finish puts the workflow into a document that nobody has seen, keeps it, and
// sends the event: one for each finding.
func (h *hub) finish(k *kept, doc map[string]any) {
	doc["Workflow"] = map[string]any{"Status": k.Workflow}
	doc["WorkflowState"] = "NEW"
	k.doc = doc
	h.world.emit("aws.securityhub", "Security Hub Findings - Imported", []string{k.ProductARN + "/" + k.ID}, map[string]any{"findings": []any{doc}})
}

// updateFindings sets the workflow and the note of up to 100 findings.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
func (h *hub) updateFindings(c *call) (any, error) {
	list, _ := c.Input["FindingIdentifiers"].([]any)
	if len(list) == 0 || len(list) > maxFindings {
		return nil, invalidInput("Invalid parameter 'FindingIdentifiers': has %d items, not 1 to %d", len(list), maxFindings)
	}
	workflow, _ := c.Input["Workflow"].(map[string]any)
	status, _ := workflow["Status"].(string)
	if status != "" && !slices.Contains([]string{"NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"}, status) {
		return nil, invalidInput("Invalid parameter 'Workflow.Status': %q", status)
	}
	note, noted := c.Input["Note"].(map[string]any)
	text, _ := note["Text"].(string)
	by, _ := note["UpdatedBy"].(string)
	// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_NoteUpdate.html
	if noted && (text == "" || len(text) > 512 || by == "" || len(by) > 512) {
		return nil, invalidInput("Invalid parameter 'Note': Text and UpdatedBy have 1 to 512 characters")
	}
	processed, unprocessed := []any{}, []any{}
	seen := map[identifier]bool{}
	for _, item := range list {
		entry, _ := item.(map[string]any)
		product, _ := entry["ProductArn"].(string)
		name, _ := entry["Id"].(string)
		id := identifier{product, name}
		k := h.all[id]
		if k == nil || seen[id] {
			code, message := "FindingNotFound", "Finding Not Found"
			if seen[id] {
				code, message = "DuplicatedFindingIdentifier", "Finding Identifier is duplicated"
			}
			unprocessed = append(unprocessed, map[string]any{"FindingIdentifier": entry, "ErrorCode": code, "ErrorMessage": message})
			continue
		}
		seen[id] = true
		doc := maps.Clone(k.doc)
		k.Workflow = cmp.Or(status, k.Workflow)
		if noted {
			k.Note = text
			doc["Note"] = map[string]any{"Text": text, "UpdatedBy": by, "UpdatedAt": h.world.Now().Format("2006-01-02T15:04:05.000Z")}
		}
		h.finish(k, doc)
		processed = append(processed, entry)
	}
	return map[string]any{"ProcessedFindings": processed, "UnprocessedFindings": unprocessed}, nil
}

// filters are the attributes that findings can be found by here.
var filters = map[string]func(*kept) string{
	"Id":               func(k *kept) string { return k.ID },
	"ProductArn":       func(k *kept) string { return k.ProductARN },
	"WorkflowStatus":   func(k *kept) string { return k.Workflow },
	"RecordState":      func(k *kept) string { return k.RecordState },
	"ComplianceStatus": func(k *kept) string { return string(k.Compliance.Status) },
}

// getFindings: attributes are joined by AND, the values of one by OR. A page ends
// after MaxResults findings.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html
func (h *hub) getFindings(c *call) (any, error) {
	conditions, err := conditionsOf(c)
	if err != nil {
		return nil, err
	}
	most, err := bounded(c.Input, "MaxResults", 1, maxFindings, maxFindings)
	if err != nil {
		return nil, invalidInput("Invalid parameter 'MaxResults': not 1 to %d", maxFindings)
	}
	next := 0
	if token := c.text("NextToken"); token != "" {
		if next, err = strconv.Atoi(token); err != nil || next < 0 || next > len(h.order) {
			return nil, invalidInput("Invalid parameter 'NextToken'")
		}
	}
	found := []any{}
	out := map[string]any{}
	for _, place := range h.places(conditions["Id"]) {
		k := h.all[h.order[place]]
		if place < next || !matches(k, conditions) {
			continue
		}
		if len(found) == most {
			out["NextToken"] = strconv.Itoa(place)
			break
		}
		found = append(found, k.doc)
	}
	out["Findings"] = found
	return out, nil
}

// condition is one value of a filter.
type condition struct {
	value  string
	prefix bool // or the whole
}

// conditionsOf are the filters of a call by attribute.
func conditionsOf(c *call) (map[string][]condition, error) {
	given, _ := c.Input["Filters"].(map[string]any)
	out := make(map[string][]condition, len(given))
	for attribute, v := range given {
		values, _ := v.([]any)
		if filters[attribute] == nil {
			return nil, invalidInput("filters by %s are not served here", attribute)
		}
		if len(values) > maxFilters {
			return nil, invalidInput("Invalid parameter 'Filters.%s': has %d items, more than %d", attribute, len(values), maxFilters)
		}
		for _, value := range values {
			f, _ := value.(map[string]any)
			want, _ := f["Value"].(string)
			if f["Comparison"] != "EQUALS" && f["Comparison"] != "PREFIX" {
				return nil, invalidInput("comparisons by %v are not served here", f["Comparison"])
			}
			out[attribute] = append(out[attribute], condition{want, f["Comparison"] == "PREFIX"})
		}
	}
	return out, nil
}

// places are where findings with such ids may be: a look-up, where ids are given
// in whole.
func (h *hub) places(ids []condition) []int {
	var out []int
	if len(ids) == 0 || slices.ContainsFunc(ids, func(c condition) bool { return c.prefix }) {
		for i := range h.order {
			out = append(out, i)
		}
		return out
	}
	product := h.product()
	for _, c := range ids {
		if k := h.all[identifier{product, c.value}]; k != nil {
			out = append(out, k.place)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func matches(k *kept, conditions map[string][]condition) bool {
	for attribute, wanted := range conditions {
		value := filters[attribute](k)
		if !slices.ContainsFunc(wanted, func(c condition) bool {
			return value == c.value || c.prefix && strings.HasPrefix(value, c.value)
		}) {
			return false
		}
	}
	return true
}
