package lint

import (
	"cmp"
	"slices"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

// ID names a kind of finding.
type ID string

// The kinds of findings. docs/lint.md has a section on each.
const (
	BoolOnList          ID = "bool-on-list"
	OperatorUnknown     ID = "operator-unknown"
	OperatorType        ID = "operator-type"
	SetOperatorMissing  ID = "set-operator-missing"
	SetOperatorNeedless ID = "set-operator-needless"
	ForAllWithoutNull   ID = "for-all-values-without-null"
	ForAnyAbsent        ID = "for-any-value-lets-absent-pass"
	NullOfSeveral       ID = "null-of-several-keys"
	ValueForm           ID = "value-form"
	VariableLiteral     ID = "variable-literal"
	KeyUnknown          ID = "key-unknown"
	KeyNotOfAction      ID = "key-not-of-action"
	ActionUnknown       ID = "action-unknown"
	ActionWildcard      ID = "action-wildcard"
	ResourceMismatch    ID = "resource-mismatch"
	DeniesNothing       ID = "denies-nothing"
	BreaksCompliant     ID = "breaks-compliant"
	TagExemption        ID = "tag-exemption"
	CallerChosen        ID = "caller-chosen"
	AllowAsGuard        ID = "allow-as-guard"
	ListDiffers         ID = "list-differs"
	VPCOnlyNotEnforced  ID = "vpc-only-not-enforced"
	DirectInternetOpen  ID = "direct-internet-open"
	LeftOutPasses       ID = "left-out-passes"
	VariantPasses       ID = "variant-passes"
	OperationsMissing   ID = "operations-missing"
	NotCovered          ID = "not-covered"
)

// Doc says what a kind of finding is about.
type Doc struct {
	ID ID
	// Title is a few words; Reason says why it matters, Source where AWS says so,
	// and Remedy what to do.
	Title, Reason, Source, Remedy string
	// Severity is that of most findings of the kind.
	Severity rules.Severity
}

const (
	docOperators = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
	docMany      = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
	docNull      = docOperators + "#Conditions_Null"
	docIfExists  = docOperators + "#Conditions_IfExists"
	docLogic     = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html"
	docSAR       = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html"
	docVersion   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"
	docEval      = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
	docTags      = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html"
	docKeys      = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
	docDomain    = "https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html"
	docNotebook  = "https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html"
	docCondition = "https://docs.aws.amazon.com/sagemaker/latest/dg/security_iam_id-based-policy-examples.html#sagemaker-condition-examples"
	docNotAction = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"
)

// Docs describes every kind of finding, in the order of docs/lint.md.
func Docs() []Doc {
	return []Doc{
		{
			BoolOnList, "true or false asked of a list",
			"`sagemaker:VpcSubnets` and `sagemaker:VpcSecurityGroupIds` are lists of ids, and no id is ever \"false\". `Bool` never matches a request without the key, so a Deny with it stops nothing. `BoolIfExists` matches such a request, and does so by IfExists alone: it says nothing else than `Null`, in a way that AWS does not document for keys with several values.",
			docMany, "Ask with `Null` whether the key is there.", rules.High,
		},
		{
			OperatorUnknown, "an operator that AWS does not document",
			"AWS documents one spelling of each condition operator, and no IfExists for `Null`. What another does is not known.",
			docOperators, "Write the operator as documented.", rules.High,
		},
		{
			OperatorType, "an operator for another type of key",
			"AWS documents each operator for keys of its type. What it does with another type is not, so nobody can say what the statement stops.",
			docSAR, "Use the operator that fits the key's type.", rules.Medium,
		},
		{
			SetOperatorMissing, "a list compared as one value",
			"\"Multivalued context keys require a condition set operator\": what an operator without `ForAnyValue` or `ForAllValues` does with a list is not documented, and one subnet is a list, too.",
			docMany, "In a Deny of what is not listed, use `ForAnyValue:StringNotEquals`.", rules.High,
		},
		{
			SetOperatorNeedless, "one value compared as a list",
			"\"Do not use condition set operators with single-valued context keys\": `ForAllValues` matches a request without the key, and `ForAnyValue` never does, whatever comes after the colon.",
			docMany, "Leave the set operator out.", rules.Low,
		},
		{
			ForAllWithoutNull, "ForAllValues without Null",
			"`ForAllValues` \"also returns true if there are no context keys in the request\". An Allow with it allows what has no VPC at all. A Deny with it denies what leaves the member out, and a negated one lets a list pass of which one id is allowed.",
			docMany, "In an Allow, add `Null` \"false\" for the same key. In a Deny, use `ForAnyValue` and a `Null` statement of its own.", rules.High,
		},
		{
			ForAnyAbsent, "ForAnyValue lets pass what has no such key",
			"`ForAnyValue` is false for a request without the key, with IfExists or not: what has no VPC at all is in no subnet that is forbidden.",
			docMany, "Add a statement that denies the absence with `Null`.", rules.High,
		},
		{
			NullOfSeveral, "Null of several keys at once",
			"Keys under one operator are joined by AND: the request must lack all of them. One that has security groups and no subnets passes.",
			docLogic, "Write one statement for each key.", rules.Medium,
		},
		{
			ValueForm, "a value that the key never has",
			"Values are compared letter by letter, in the case in which the API writes them; `StringEquals` has no wildcards; `Null` and `Bool` know \"true\" and \"false\".",
			docOperators, "Write the value as the API does, or use `StringLike` for wildcards.", rules.High,
		},
		{
			VariableLiteral, "a variable in a policy of the old version",
			"Without `\"Version\": \"2012-10-17\"`, `${...}` is text, which equals nothing.",
			docVersion, "Set the version to 2012-10-17.", rules.Medium,
		},
		{
			KeyUnknown, "a condition key that SageMaker does not have",
			"No request has the key. A Deny that compares it never matches, and one that asks with `Null` or IfExists matches always.",
			docSAR + "#amazonsagemaker-policy-keys", "Use the key of the Service Authorization Reference. Keys are not case-sensitive.", rules.High,
		},
		{
			KeyNotOfAction, "a condition key that the action does not have",
			"Each action has its own condition keys. For one that does not have the key it is always absent: a comparison never matches, `Null` \"true\" and IfExists match every request.",
			docSAR + "#amazonsagemaker-actions-as-permissions", "Name in a statement only actions that have all of its keys.", rules.Medium,
		},
		{
			ActionUnknown, "an action that SageMaker does not have",
			"The name matches no action of SageMaker, so the statement does nothing for it.",
			docSAR + "#amazonsagemaker-actions-as-permissions", "Correct the name.", rules.Medium,
		},
		{
			ActionWildcard, "what a wildcard or NotAction names",
			"A wildcard, or NotAction, names operations that have none of the condition's keys, and those that AWS adds later.",
			docNotAction, "Name the operations.", rules.Informational,
		},
		{
			ResourceMismatch, "a resource that the action does not have",
			"No resource of the action's type matches, so the statement is about none of its calls.",
			docSAR + "#amazonsagemaker-resources-for-iam-policies", "Use `\"*\"`, or the ARN of the action's resource type.", rules.High,
		},
		{
			DeniesNothing, "a Deny that never matches",
			"No request that a caller can send meets the conditions.",
			docLogic, "Split the conditions into statements of their own, or remove the statement.", rules.High,
		},
		{
			BreaksCompliant, "compliant calls are denied",
			"The statement denies calls that break no rule: updates that leave a member as it is, endpoint configurations of models, schedules by the name of a job definition, actions and services that have no such key, calls without a VPC where the rules file allows them. Or several statements do so together: two lists that have no id in common deny every id.",
			docSAR, "Deny the absence only of what every compliant call must carry; deny wrong values wherever the key exists.", rules.High,
		},
		{
			TagExemption, "an exemption by a tag",
			"Whoever has the tag is not stopped. Tags of principals are set by whoever may call `iam:TagRole`, `iam:TagUser` or `sts:TagSession`, often without anybody else looking.",
			docTags, "Exempt roles by ARN (`ArnNotLike` with `aws:PrincipalArn`), or deny setting this tag to all but its owners.", rules.Medium,
		},
		{
			CallerChosen, "a condition that the caller decides",
			"The statement applies only if the request says so: whoever leaves out a tag, or names the resource otherwise, is not stopped.",
			docKeys, "Remove the condition, or name what is exempt by the principal's ARN.", rules.High,
		},
		{
			AllowAsGuard, "an Allow that is meant to guard",
			"An Allow with conditions stops nothing that another policy allows. It guards only as long as no other policy of the principal allows the call.",
			docEval, "Say it as a Deny, in a policy that the principals cannot change.", rules.Informational,
		},
		{
			ListDiffers, "a list that differs from the rules file's",
			"What the policy lets pass and what the rules allow are two lists: calls are stopped that the rules allow, or pass that are reported afterwards.",
			docCondition, "Take the list from the rules file.", rules.High,
		},
		{
			VPCOnlyNotEnforced, "a VPC for a domain does not keep it from the Internet",
			"A domain with `PublicInternetOnly`, the default, has subnets, too; only the traffic to its file system uses them. `sagemaker:VpcSubnets` says nothing about the Internet.",
			docDomain, "Deny `sagemaker:AppNetworkAccessType` other than `VpcOnly`.", rules.High,
		},
		{
			DirectInternetOpen, "a VPC for a notebook does not keep it from the Internet",
			"A notebook instance in a subnet has direct Internet access as well, unless it is disabled: it bridges the VPC and the Internet.",
			docNotebook, "Deny `sagemaker:DirectInternetAccess` other than `Disabled`.", rules.High,
		},
		{
			LeftOutPasses, "what is left out passes",
			"The value that is denied is also what SageMaker does when the member is left out, and then the key may be absent: AWS does not say. A comparison without IfExists does not match an absent key.",
			docIfExists, "Add IfExists to the operator.", rules.Medium,
		},
		{
			VariantPasses, "a way around",
			"Some requests of the kind that is denied pass.",
			docLogic, "Deny each on its own: conditions of one statement are joined by AND.", rules.High,
		},
		{
			OperationsMissing, "operations that are not named",
			"The policies stop this for some operations, and leave it open for others that have the condition key.",
			docSAR, "Name these operations, too.", rules.High,
		},
		{
			NotCovered, "nothing stops this",
			"No statement denies this for any operation.",
			docCondition, "Add a statement that denies it.", rules.Informational,
		},
	}
}

// DocOf describes a kind of finding.
func DocOf(id ID) Doc {
	all := Docs()
	return all[slices.IndexFunc(all, func(d Doc) bool { return d.ID == id })]
}

// Finding is one thing that is wrong with a policy, or with the set.
type Finding struct {
	ID       ID
	Severity rules.Severity
	// Policy and Statement name what it is about; empty where it is the whole set.
	Policy, Statement string
	Where             Where
	// Found says what was found, in one sentence.
	Found string
	// Operations are those that it is about, sorted; may be empty.
	Operations []string
	// Question is what is not stopped, of a finding about the set.
	Question Question
	// Fix is JSON to paste; may be empty.
	Fix string
}

// severe sorts findings: the worst first, then by place.
func severe(findings []*Finding) {
	rank := func(f *Finding) int { return slices.Index(rules.Severities(), f.Severity) }
	slices.SortStableFunc(findings, func(a, b *Finding) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(a.Where.File, b.Where.File), cmp.Compare(a.Where.Line, b.Where.Line),
			cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Where.Path, b.Where.Path),
			cmp.Compare(a.Question, b.Question), cmp.Compare(a.Found, b.Found),
		)
	})
}

// Counts says whether the finding makes the policies fail: the rest is told only.
func (f *Finding) Counts() bool { return f.Severity != rules.Informational }
