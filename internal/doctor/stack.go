package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// DefaultStack is the name of the stack unless another one is told.
const DefaultStack = "sagemoat"

// Reserved is how much concurrency the functions reserve together with the default
// setting: 5 each for audit, publish and respond, 1 each for sweep and setup.
const Reserved = 17

// The outputs of the stack: the contract with what deploys it.
const (
	OutVersion           = "Version" // of the build: the folder of its zips
	OutMode              = "Mode"    // the highest that the rules may choose: observe, notify, stop
	OutTable             = "LedgerTableName"
	OutQueue             = "EventQueueUrl"
	OutQueueDeadLetter   = "EventDeadLetterQueueUrl"   // what EventBridge could not deliver, and audit could not handle
	OutStreamDeadLetter  = "StreamDeadLetterQueueUrl"  // batches of the ledger's stream that were given up
	OutFindingDeadLetter = "FindingDeadLetterQueueUrl" // findings that Security Hub refuses for good
	OutAlertTopic        = "AlertTopicArn"
	OutOperationsTopic   = "OperationsTopicArn"
	OutRulesBucket       = "RulesBucketName"
	OutRulesKey          = "RulesKey"   // NoRules: the built-in rules are in force
	OutRulesOwner        = "RulesOwner" // the account that owns the bucket
	OutAudit             = "AuditFunctionName"
	OutPublish           = "PublishFunctionName"
	OutRespond           = "RespondFunctionName"
	OutSweep             = "SweepFunctionName"
	OutEventRules        = "EventRuleNames" // on the default bus, between commas
	OutScheduleGroup     = "ScheduleGroupName"
	// OutCustomAction is absent where the content for Security Hub was not deployed.
	OutCustomAction = "CustomActionArn"
)

// NoRules is the value of RulesKey that stands for the built-in rules: an output
// cannot be empty.
const NoRules = "-"

// Required lists the outputs that a stack always has.
func Required() []string {
	return []string{
		OutVersion, OutMode, OutTable, OutQueue, OutQueueDeadLetter, OutStreamDeadLetter, OutFindingDeadLetter,
		OutAlertTopic, OutOperationsTopic, OutRulesBucket, OutRulesKey, OutRulesOwner,
		OutAudit, OutPublish, OutRespond, OutSweep, OutEventRules, OutScheduleGroup,
	}
}

// stack is the stack as CloudFormation tells of it.
type stack struct {
	status  string
	created time.Time
	outputs map[string]string
}

func (s *stack) out(key string) string { return s.outputs[key] }

// rules are the names of the rules that feed the queue.
func (s *stack) rules() []string {
	return strings.FieldsFunc(s.out(OutEventRules), func(r rune) bool { return r == ',' || r == ' ' })
}

// function is a function of the stack.
type function struct{ name, output string }

// functions are the functions, in the order of the flow.
func functions() []function {
	return []function{{"audit", OutAudit}, {"publish", OutPublish}, {"respond", OutRespond}, {"sweep", OutSweep}}
}

// describeStack asks for the stack; nil where there is none.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
func describeStack(ctx context.Context, cfg aws.Config, name string) answer[*stack] {
	const action = "cloudformation:DescribeStacks"
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist") {
		return answered[*stack](action, nil, nil)
	}
	if err != nil || len(out.Stacks) == 0 {
		return answered[*stack](action, nil, err)
	}
	s := out.Stacks[0]
	got := &stack{
		status: string(s.StackStatus), created: aws.ToTime(s.CreationTime), outputs: map[string]string{},
	}
	for _, o := range s.Outputs {
		got.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return answered(action, got, nil)
}

// ofStackSet is what a StackSet of the name calls the stack in an account: its own
// name and a UUID.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-concepts.html
var ofStackSet = regexp.MustCompile(`^StackSet-` + DefaultStack + `-[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// listing is the action that finds such a stack. DescribeStacks without a name needs
// it, too, and tells more than is asked for.
const listing = "cloudformation:ListStacks"

// mostPages is how many pages of stacks are read at most.
const mostPages = 100

// errPages says that there are more.
var errPages = fmt.Errorf("there are more than %d pages of stacks", mostPages)

// stacksOfStackSets lists the stacks that a StackSet named sagemoat made and that
// are not deleted.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
func stacksOfStackSets(ctx context.Context, cfg aws.Config) answer[[]string] {
	there := slices.DeleteFunc(types.StackStatus("").Values(), func(s types.StackStatus) bool { return s == types.StackStatusDeleteComplete })
	pages := cloudformation.NewListStacksPaginator(cloudformation.NewFromConfig(cfg), &cloudformation.ListStacksInput{StackStatusFilter: there})
	var names []string
	for range mostPages {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return answered[[]string](listing, nil, err)
		}
		for i := range page.StackSummaries {
			if name := aws.ToString(page.StackSummaries[i].StackName); ofStackSet.MatchString(name) {
				names = append(names, name)
			}
		}
		if !pages.HasMorePages() {
			slices.Sort(names)
			return answered(listing, names, nil)
		}
	}
	return answered[[]string](listing, nil, errPages)
}

// find describes the stack. Where nobody named one and there is none of the default
// name, it is the one of a StackSet, if there is exactly one.
func (x *session) find(ctx context.Context) {
	x.described = describeStack(ctx, x.cfg, x.stackName)
	if x.Stack != "" || !x.described.got || x.described.value != nil {
		return
	}
	found := stacksOfStackSets(ctx, x.cfg)
	switch {
	case !found.got:
		x.described = then(found, func([]string) *stack { return nil })
	case len(found.value) == 1:
		x.stackName = found.value[0]
		x.described = describeStack(ctx, x.cfg, x.stackName)
	default:
		x.several = found.value
	}
}

// deployed is a fix that deploys the stack again. That of a StackSet is deployed
// elsewhere: make deploy would make a second one.
func (x *session) deployed(fix string) string {
	if strings.HasPrefix(fix, "make deploy") && ofStackSet.MatchString(x.stackName) {
		return "# where the StackSet " + DefaultStack + " is administered: deploy sagemoat-organization, see docs/deploy.md"
	}
	return fix
}

func stackSubject() subject {
	return subject{"Stack", []Check{
		{ID: "stack", Why: "nothing is audited where it is not deployed"},
		{ID: "stack-outputs", Why: "they say what there is to look at", Deployed: true},
	}, func(_ context.Context, x *session) []Line { return judgeStack(x) }}
}

// judgeStack says what state the stack is in.
func judgeStack(x *session) (out []Line) {
	if !x.described.got {
		l := x.described.unknown("stack")
		if x.described.action == listing {
			l.Found = fmt.Sprintf("none named %s, and whether a StackSet made one is not known: %s", x.stackName, l.Found)
		}
		return []Line{l}
	}
	if len(x.several) > 0 {
		l := line("stack", Unknown, fmt.Sprintf("none named %s in %s, and of a StackSet %s: --stack says which is meant", x.stackName, x.region, list(x.several)))
		for _, name := range x.several {
			words := []string{"sagemoat", "doctor", "--stack", name}
			if x.preflight {
				words = append(words, "--preflight")
			}
			l.Fix = append(l.Fix, x.command(x.region, words...))
		}
		return []Line{l}
	}
	s := x.described.value
	if s == nil {
		if x.preflight {
			return []Line{line("stack", OK, fmt.Sprintf("none named %s in %s: what it needs is checked below", x.stackName, x.region))}
		}
		return []Line{line("stack", Failed, fmt.Sprintf("none named %s in %s", x.stackName, x.region), "make deploy").
			with("before deploying: sagemoat doctor --preflight")}
	}
	if x.preflight {
		return []Line{line("stack", OK, fmt.Sprintf("%s is there (%s), and is not looked at: --preflight", x.stackName, s.status))}
	}
	found := fmt.Sprintf("%s: %s, build %s, mode %s", x.stackName, s.status, s.out(OutVersion), s.out(OutMode))
	events := x.aws("cloudformation", "describe-stack-events", "--stack-name", x.stackName, "--max-items", "20")
	switch {
	case slices.Contains([]types.StackStatus{types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusImportComplete}, types.StackStatus(s.status)):
		out = append(out, line("stack", OK, found))
	case types.StackStatus(s.status) == types.StackStatusUpdateRollbackComplete:
		out = append(out, line("stack", Warning, found+": the last update was undone", events))
	case strings.HasSuffix(s.status, "_IN_PROGRESS") && !strings.Contains(s.status, "ROLLBACK") && !strings.Contains(s.status, "DELETE"):
		out = append(out, line("stack", Warning, found+": being deployed; look again when it is done", events))
	default:
		out = append(out, line("stack", Failed, found, events))
	}
	var missing []string
	for _, key := range Required() {
		if s.out(key) == "" {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		out = append(out, line("stack-outputs", Failed, "the stack has no output "+list(missing)+": it is not sagemoat's, or of another version", "make deploy"))
	} else {
		out = append(out, line("stack-outputs", OK, fmt.Sprintf("all %d", len(Required()))))
	}
	return out
}
