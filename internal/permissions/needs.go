package permissions

import (
	"fmt"
	"strings"

	"github.com/sagemoat/sagemoat/internal/template"
)

// Need is a call that a service of AWS makes by itself with a role of ours.
type Need struct {
	Role     string // id in the template
	Service  string // whose call it is
	Action   string
	Resource string // one ARN, or "*"
	Why      string // on what occasion
	Source   string // where AWS says so
}

// Where AWS says what its services need.
const (
	logsPage   = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaBasicExecutionRole.html"
	sqsPage    = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html"
	streamPage = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaDynamoDBExecutionRole.html"
	vpcPage    = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions"
	streamDLQ  = "https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"
	asyncDLQ   = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
	schedule   = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role"
	scheduleDL = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"
)

// needs gathers what services need.
type needs struct {
	*template.Resolved
	roles     map[string]string // ids of roles by ARN
	functions map[string]string // ids of the roles of functions, by the function's name
	out       []Need
}

// Needs are the calls that AWS's services make with the roles of a template, from
// what the template has them do: Lambda for log groups, event source mappings,
// destinations and VPCs, Scheduler for schedules.
func Needs(r *template.Resolved) ([]Need, error) {
	n := &needs{Resolved: r, roles: map[string]string{}, functions: map[string]string{}}
	for _, id := range r.OfType("AWS::IAM::Role") {
		arn, err := r.ARN(id)
		if err != nil {
			return nil, err
		}
		n.roles[arn] = id
	}
	for _, of := range []struct {
		typ  string
		take func(properties map[string]any) error
	}{
		{"AWS::Lambda::Function", n.function}, // first: the others name functions
		{"AWS::Lambda::EventSourceMapping", n.source},
		{"AWS::Lambda::EventInvokeConfig", n.asynchronous},
		{"AWS::Scheduler::Schedule", n.scheduled},
	} {
		for _, id := range r.OfType(of.typ) {
			if err := of.take(r.Resources[id].Properties); err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
		}
	}
	return n.out, nil
}

// add takes in what a service needs, once.
func (n *needs) add(need Need, actions ...string) {
	for _, need.Action = range actions {
		known := false
		for _, have := range n.out {
			known = known || have.Role == need.Role && have.Action == need.Action && have.Resource == need.Resource
		}
		if !known {
			n.out = append(n.out, need)
		}
	}
}

// at is a text at a path of members; empty where there is none.
func at(properties map[string]any, path string) string {
	var v any = properties
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// roleOf is the role of the function that a mapping names.
func (n *needs) roleOf(properties map[string]any) (string, error) {
	name := at(properties, "FunctionName")
	role, ok := n.functions[name]
	if !ok {
		return "", fmt.Errorf("there is no function %q", name)
	}
	return role, nil
}

func (n *needs) function(p map[string]any) error {
	role, ok := n.roles[at(p, "Role")]
	if !ok {
		return fmt.Errorf("there is no role %q", at(p, "Role"))
	}
	n.functions[at(p, "FunctionName")] = role
	need := Need{Role: role, Service: "Lambda", Why: "writes the function's log", Source: logsPage}
	for _, id := range n.OfType("AWS::Logs::LogGroup") {
		name, err := n.Name(id)
		if err != nil {
			return err
		}
		if name == at(p, "LoggingConfig.LogGroup") {
			arn, err := n.ARN(id)
			if err != nil {
				return err
			}
			need.Resource = strings.TrimSuffix(arn, "*") + "log-stream:2026/11/02/[$LATEST]0123456789abcdef"
		}
	}
	if need.Resource == "" {
		return fmt.Errorf("it logs to no log group of the template: %q", at(p, "LoggingConfig.LogGroup"))
	}
	n.add(need, "logs:CreateLogStream", "logs:PutLogEvents")
	if _, inVPC := p["VpcConfig"]; inVPC {
		n.add(Need{Role: role, Service: "Lambda", Resource: "*", Why: "puts the function into the VPC", Source: vpcPage},
			"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
			"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses")
	}
	return nil
}

func (n *needs) source(p map[string]any) error {
	role, err := n.roleOf(p)
	if err != nil {
		return err
	}
	from := at(p, "EventSourceArn")
	need := Need{Role: role, Service: "Lambda", Resource: from}
	switch {
	case strings.Contains(from, ":sqs:"):
		need.Why, need.Source = "reads the queue for the function", sqsPage
		n.add(need, "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
	case strings.Contains(from, ":dynamodb:") && strings.Contains(from, "/stream/"):
		need.Why, need.Source = "reads the table's stream for the function", streamPage
		n.add(need, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
		need.Resource = "*"
		n.add(need, "dynamodb:ListStreams")
	default:
		return fmt.Errorf("what Lambda needs to read %q is not known here", from)
	}
	return n.destination(p, role, Need{Service: "Lambda", Why: "tells of records that were given up", Source: streamDLQ})
}

func (n *needs) asynchronous(p map[string]any) error {
	role, err := n.roleOf(p)
	if err != nil {
		return err
	}
	return n.destination(p, role, Need{Service: "Lambda", Why: "tells of invocations that were given up", Source: asyncDLQ})
}

// destination takes in where failures are told.
func (n *needs) destination(p map[string]any, role string, need Need) error {
	need.Role, need.Resource = role, at(p, "DestinationConfig.OnFailure.Destination")
	switch {
	case need.Resource == "":
	case strings.Contains(need.Resource, ":sqs:"):
		n.add(need, "sqs:SendMessage")
	default:
		return fmt.Errorf("what Lambda needs to tell %q is not known here", need.Resource)
	}
	return nil
}

func (n *needs) scheduled(p map[string]any) error {
	role, ok := n.roles[at(p, "Target.RoleArn")]
	target := at(p, "Target.Arn")
	if !ok || !strings.Contains(target, ":lambda:") {
		return fmt.Errorf("what Scheduler needs to call %q with the role %q is not known here", target, at(p, "Target.RoleArn"))
	}
	n.add(Need{Role: role, Service: "EventBridge Scheduler", Resource: target, Why: "calls the function", Source: schedule}, "lambda:InvokeFunction")
	if letters := at(p, "Target.DeadLetterConfig.Arn"); letters != "" {
		n.add(Need{Role: role, Service: "EventBridge Scheduler", Resource: letters, Why: "tells of calls that were given up", Source: scheduleDL}, "sqs:SendMessage")
	}
	return nil
}
