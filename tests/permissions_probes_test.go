package tests

import (
	"maps"
	"strings"
	"testing"

	"github.com/sagemoat/sagemoat/internal/iamsim"
	"github.com/sagemoat/sagemoat/internal/permissions"
	"github.com/sagemoat/sagemoat/internal/template"
)

// probe is a request that must be denied.
type probe struct {
	why string
	request
	// instead is one that is allowed, and differs in what the probe is about: so it is
	// for that, and not for a mistake in the probe, that the probe is denied.
	instead *request
}

const (
	anotherAccount = "444455556666"
	admin          = "arn:aws:iam::" + account + ":role/Admin"
	stranger       = "arn:aws:iam::" + anotherAccount + ":role/Admin"
	rulesWriter    = "arn:aws:iam::" + account + ":role/RulesWriter"
	eventBridge    = "events.amazonaws.com"
	cloudWatch     = "cloudwatch.amazonaws.com"
)

type keys = map[string]any

// with is a request with more, or another context; nil takes a key away.
func (r request) with(more keys) request {
	merged := keys{}
	for _, from := range []keys{r.context, more} {
		maps.Copy(merged, from)
	}
	r.context = merged
	return r
}

func (r request) on(resource string) request {
	r.resource = resource
	return r
}

func (r request) doing(action string) request {
	r.action = action
	return r
}

func (r request) by(role string) request {
	r.role = role
	return r
}

// place names what is in a stack.
type place struct {
	t     *testing.T
	stack *template.Resolved
}

func (p place) arn(id string) string {
	p.t.Helper()
	arn, err := p.stack.ARN(id)
	ok(p.t, err)
	return arn
}

func elsewhereARN(arn string) string { return strings.ReplaceAll(arn, account, anotherAccount) }
func abroad(arn string) string       { return strings.ReplaceAll(arn, "eu-west-1", "eu-central-1") }

// settings of the stack that is probed.
var probed = map[string]string{"Mode": "stop", "RulesWriter": rulesWriter, "RouteTopics": arnOf("sns", "churn-ml")}

// TestDenied: what no role of ours, and nobody else, may do to what is ours.
func TestDenied(t *testing.T) {
	p := place{t, stackOf(t, probed)}
	probes := p.probes()
	j := newJudge(t, p.stack)
	var all []request
	for _, one := range probes {
		all = append(all, one.request)
		if one.instead != nil {
			all = append(all, *one.instead)
		}
	}
	results := j.run(all...)
	denied := 0
	for _, one := range probes {
		result := results[0]
		results = results[1:]
		switch {
		case result.Error != "" || len(result.Ignored) > 0:
			t.Errorf("%s: the probe is wrong: %s: %+v", one.why, one.request, result)
		case result.Decision == iamsim.Allowed:
			t.Errorf("%s: %s is allowed by %v", one.why, one.request, result.Matched)
		default:
			denied++
		}
		if one.instead == nil {
			continue
		}
		if results[0].Decision != iamsim.Allowed {
			t.Errorf("%s: denied for something else, for so is %s: %+v", one.why, one.instead, results[0])
		}
		results = results[1:]
	}
	if denied < 40 {
		t.Errorf("only %d probes are denied", denied)
	}
	t.Logf("%d of %d probes are denied", denied, len(probes))
}

func (p place) probes() (out []probe) {
	not := func(why string, q, instead request) { out = append(out, probe{why, q, &instead}) }
	never := func(why string, q request) { out = append(out, probe{why, q, nil}) }
	job := arnOf("sagemaker", "training-job/fraud-7")
	ledger, queue, letters := p.arn("Ledger"), p.arn("EventQueue"), p.arn("EventDeadLetterQueue")
	alerts, operations := p.arn("AlertTopic"), p.arn("OperationsTopic")
	rules := p.arn("RulesFileBucket") + "/rules.yaml"
	key := func(names ...string) keys { return keys{"dynamodb:LeadingKeys": names} }

	// What is another's.
	for _, role := range []string{"AuditRole", "RespondRole"} {
		look := request{role: role, action: "sagemaker:DescribeTrainingJob", resource: job}
		not("another account's job", look.on(elsewhereARN(job)), look)
		not("a job of another Region", look.on(abroad(job)), look)
		read := request{role: role, action: "s3:GetObject", resource: rules, context: keys{"s3:ResourceAccount": account}}
		not("another object of the bucket", read.on(p.arn("RulesFileBucket")+"/other.yaml"), read)
		not("the same name in another bucket", read.on("arn:aws:s3:::other/rules.yaml"), read)
		not("a bucket of the name that is another account's", read.with(keys{"s3:ResourceAccount": anotherAccount}), read)
		not("a bucket of which nobody says whose it is", read.with(keys{"s3:ResourceAccount": nil}), read)
		not("without TLS", read.with(keys{"aws:SecureTransport": "false"}), read)
	}
	stop := request{role: "RespondRole", action: "sagemaker:StopTrainingJob", resource: job}
	not("another account's job is not stopped", stop.on(elsewhereARN(job)), stop)
	not("a job of another Region is not stopped", stop.on(abroad(job)), stop)
	not("audit stops nothing", stop.by("AuditRole"), stop)
	not("publish stops nothing", stop.by("PublishRole"), stop)
	not("sweep stops nothing", stop.by("SweepRole"), stop)
	not("stopping is not deleting", stop.doing("sagemaker:DeleteTrainingJob"), stop)
	not("stopping is not changing", stop.doing("sagemaker:UpdateTrainingJob"), stop)
	not("stopping is not tagging", stop.doing("sagemaker:AddTags"), stop)
	for _, action := range []string{"DeleteModel", "DeleteEndpoint", "DeleteApp", "DeleteNotebookInstance", "DeletePipeline"} {
		kinds := map[string]string{
			"DeleteModel": "model/fraud", "DeleteEndpoint": "endpoint/live", "DeleteApp": "app/d-1/ana/jupyterlab/default",
			"DeleteNotebookInstance": "notebook-instance/explore", "DeletePipeline": "pipeline/churn",
		}
		never("nothing is deleted", request{role: "RespondRole", action: "sagemaker:" + action, resource: arnOf("sagemaker", kinds[action])})
	}
	never("nothing is made", request{role: "AuditRole", action: "sagemaker:CreateModel", resource: arnOf("sagemaker", "model/fraud")})
	list := request{role: "SweepRole", action: "sagemaker:ListModels", resource: "*"}
	not("publish does not look around", list.by("PublishRole"), list)
	not("sweep does not look closely", request{role: "SweepRole", action: "sagemaker:DescribeTrainingJob", resource: job}, list)

	// The ledger.
	entry := request{role: "AuditRole", action: "dynamodb:PutItem", resource: ledger, context: key("entry#training-job/fraud-7")}
	response := request{role: "RespondRole", action: "dynamodb:PutItem", resource: ledger, context: key("response#training-job/fraud-7")}
	checkpoint := request{role: "SweepRole", action: "dynamodb:PutItem", resource: ledger, context: key("control#checkpoint/training-job")}
	read := request{role: "PublishRole", action: "dynamodb:GetItem", resource: ledger, context: key("entry#training-job/fraud-7")}
	query := request{role: "SweepRole", action: "dynamodb:Query", resource: ledger + "/index/state", context: key("live#training-job")}
	not("publish writes nothing", entry.by("PublishRole"), entry)
	not("respond writes no verdicts", entry.by("RespondRole"), entry)
	not("sweep writes no verdicts", entry.by("SweepRole"), entry)
	not("audit writes no responses", response.by("AuditRole"), response)
	not("sweep writes no responses", response.by("SweepRole"), response)
	not("publish writes no responses", response.by("PublishRole"), response)
	for _, control := range []string{"kill-switch", "breaker", "baseline", "digest"} {
		not("audit sets no control", entry.with(key("control#"+control)), entry)
	}
	for _, control := range []string{"kill-switch", "rules", "live-count", "checkpoint/round", "heartbeat/sweep"} {
		not("respond sets no control but its own", response.with(key("control#"+control)), response)
	}
	for _, control := range []string{"kill-switch", "breaker", "rules", "digest"} {
		not("sweep sets no control but its own", checkpoint.with(key("control#"+control)), checkpoint)
	}
	not("two keys, of which one is not audit's", entry.with(key("entry#training-job/fraud-7", "response#training-job/fraud-7")), entry)
	not("a write without a key", entry.with(keys{"dynamodb:LeadingKeys": nil}), entry)
	not("another table", entry.on(arnOf("dynamodb", "table/other")), entry)
	not("another account's table", entry.on(elsewhereARN(ledger)), entry)
	for _, action := range []string{"DeleteItem", "UpdateItem", "BatchWriteItem"} {
		not("the ledger is written whole, item by item", entry.doing("dynamodb:"+action), entry)
	}
	not("the ledger is read item by item", read.doing("dynamodb:BatchGetItem"), read)
	not("the ledger is not read as a whole", read.doing("dynamodb:Scan").with(keys{"dynamodb:LeadingKeys": nil}), read)
	not("lists are read from the index", query.on(ledger), query)
	not("audit reads no lists", query.by("AuditRole"), query)

	// Security Hub.
	product := arnOf("securityhub", "product/"+account+"/default")
	imports := request{role: "PublishRole", action: "securityhub:BatchImportFindings", resource: product, context: keys{"securityhub:TargetAccount": account}}
	not("findings about another account", imports.with(keys{"securityhub:TargetAccount": anotherAccount}), imports)
	not("findings about nobody", imports.with(keys{"securityhub:TargetAccount": nil}), imports)
	not("findings of another product", imports.on(arnOf("securityhub", "product/aws/guardduty")), imports)
	not("respond imports nothing", imports.by("RespondRole"), imports)
	not("audit imports nothing", imports.by("AuditRole"), imports)
	const path = "securityhub:ASFFSyntaxPath/"
	notified := request{role: "RespondRole", action: "securityhub:BatchUpdateFindings", resource: arnOf("securityhub", "hub/default"), context: keys{path + "Workflow.Status": "NOTIFIED"}}
	not("no finding is suppressed", notified.with(keys{path + "Workflow.Status": "SUPPRESSED"}), notified)
	not("no finding is resolved", notified.with(keys{path + "Workflow.Status": "RESOLVED"}), notified)
	not("no finding is changed otherwise", notified.with(keys{path + "Workflow.Status": nil, path + "Severity.Label": "LOW"}), notified)
	// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html
	for member, value := range map[string]string{
		"Confidence": "1", "Criticality": "1", "Note.Text": "nothing to see", "Note.UpdatedBy": "nobody", "RelatedFindings": "x",
		"Severity.Label": "INFORMATIONAL", "Types": "x", "UserDefinedFields": "x", "VerificationState": "FALSE_POSITIVE",
	} {
		not("no finding is changed beside, in its "+member, notified.with(keys{path + member: value}), notified)
	}
	not("publish changes no finding by hand", notified.by("PublishRole"), notified)
	never("the hub stays on", request{role: "RespondRole", action: "securityhub:DisableSecurityHub", resource: notified.resource})
	never("the custom action stays", request{role: "RespondRole", action: "securityhub:DeleteActionTarget", resource: notified.resource})

	// Messages.
	publish := request{role: "RespondRole", action: "sns:Publish", resource: alerts}
	not("audit alerts nobody", publish.by("AuditRole"), publish)
	not("publish alerts nobody", publish.by("PublishRole"), publish)
	not("sweep alerts nobody", publish.by("SweepRole"), publish)
	not("alarms are not respond's", publish.on(operations), publish)
	not("another topic", publish.on(arnOf("sns", "other")), publish.on(arnOf("sns", "churn-ml")))
	not("an alert without TLS", publish.with(keys{"aws:SecureTransport": "false"}), publish)
	not("another account alerts nobody", publish.by(stranger), publish)
	alarm := request{role: cloudWatch, action: "sns:Publish", resource: operations, context: keys{
		"aws:SourceArn": arnOf("cloudwatch", "alarm:sagemoat-LateEventsAlarm-1"), "aws:SourceAccount": account,
	}}
	not("an alarm of somebody else's", alarm.with(keys{"aws:SourceArn": arnOf("cloudwatch", "alarm:other")}), alarm)
	not("an alarm of another account", alarm.with(keys{"aws:SourceArn": elsewhereARN(arnOf("cloudwatch", "alarm:sagemoat-LateEventsAlarm-1")), "aws:SourceAccount": anotherAccount}), alarm)
	not("alarms do not alert teams", alarm.on(alerts), alarm)
	tampering := request{role: eventBridge, action: "sns:Publish", resource: operations, context: keys{"aws:SourceArn": p.arn("TamperingRulesRule"), "aws:SourceAccount": account}}
	not("a rule that watches nothing of ours", tampering.with(keys{"aws:SourceArn": arnOf("events", "rule/other")}), tampering)

	// The queue that is believed.
	event := request{role: eventBridge, action: "sqs:SendMessage", resource: queue, context: keys{"aws:SourceArn": p.arn("CallsRule"), "aws:SourceAccount": account}}
	not("a foreign rule's event", event.with(keys{"aws:SourceArn": arnOf("events", "rule/other")}), event)
	not("an event of another account's rule of the name", event.with(keys{"aws:SourceArn": elsewhereARN(p.arn("CallsRule")), "aws:SourceAccount": anotherAccount}), event)
	not("an event without TLS", event.with(keys{"aws:SecureTransport": "false"}), event)
	not("a rule of ours that is not for audit", event.with(keys{"aws:SourceArn": p.arn("CustomActionRule")}), event)
	not("a service that sends for another one", event.by("s3.amazonaws.com"), event)
	deadLetter := event.on(letters)
	not("a foreign rule's dead letter", deadLetter.with(keys{"aws:SourceArn": arnOf("events", "rule/other")}), deadLetter)
	own := request{role: admin, action: "sqs:SendMessage", resource: letters}
	not("an administrator's message", own.on(queue), own)
	not("a message of who pretends to be a rule of another account", own.on(queue).with(keys{"aws:SourceArn": elsewhereARN(p.arn("CallsRule"))}), own)
	not("another account's message", own.on(queue).by(stranger), own)
	for _, role := range []string{"AuditRole", "PublishRole", "RespondRole", "SweepRole"} {
		never("no function sends to audit", request{role: role, action: "sqs:SendMessage", resource: queue})
	}
	receive := request{role: "AuditRole", action: "sqs:ReceiveMessage", resource: queue}
	not("dead letters are people's to read", receive.on(letters), receive)
	not("nobody empties the queue", receive.doing("sqs:PurgeQueue"), receive)
	not("nobody changes the queue", receive.doing("sqs:SetQueueAttributes"), receive)
	not("respond reads no events", receive.by("RespondRole"), receive)
	not("reading without TLS", receive.with(keys{"aws:SecureTransport": "false"}), receive)
	hint := request{role: "SweepRole", action: "events:PutEvents", resource: arnOf("events", "event-bus/default"), context: keys{
		"events:source": []string{"sagemoat.sweep"}, "events:detail-type": []string{"Resource To Assess"},
	}}
	not("a hint that says it is SageMaker", hint.with(keys{"events:source": []string{"aws.sagemaker"}}), hint)
	not("something else among hints", hint.with(keys{"events:source": []string{"aws.sagemaker", "sagemoat.sweep"}}), hint)
	not("a hint of nobody", hint.with(keys{"events:source": nil}), hint)
	not("a hint that says it is Security Hub's custom action", hint.with(keys{"events:detail-type": []string{"Security Hub Findings - Custom Action"}}), hint)
	not("a hint of no type", hint.with(keys{"events:detail-type": nil}), hint)
	not("another bus", hint.on(arnOf("events", "event-bus/other")), hint)
	not("audit sends no hints", hint.by("AuditRole"), hint)

	// The rules file.
	write := request{role: rulesWriter, action: "s3:PutObject", resource: rules}
	bucket := write.on(p.arn("RulesFileBucket"))
	for _, action := range []string{
		"PutObject", "DeleteObject", "DeleteObjectVersion", "PutObjectAcl", "RestoreObject", "ReplicateObject", "ReplicateDelete", "UpdateObjectEncryption",
	} {
		not("only the writer changes rules", write.by(admin).doing("s3:"+action), write.doing("s3:"+action))
	}
	for _, action := range []string{"PutBucketVersioning", "PutLifecycleConfiguration", "PutReplicationConfiguration", "PutEncryptionConfiguration"} {
		not("only the writer changes what protects rules", bucket.by(admin).doing("s3:"+action), bucket.doing("s3:"+action))
	}
	not("another account writes no rules", write.by(stranger), write)
	not("rules are not written without TLS", write.with(keys{"aws:SecureTransport": "false"}), write)
	for _, role := range []string{"AuditRole", "RespondRole", "SweepRole"} {
		never("who reads rules does not write them", request{role: role, action: "s3:PutObject", resource: rules})
	}

	// What would get more.
	audit := p.arn("Audit")
	for _, role := range []string{"AuditRole", "PublishRole", "RespondRole", "SweepRole", "ScheduleRole", "SetupRole"} {
		never("no other role", request{role: role, action: "sts:AssumeRole", resource: "arn:aws:iam::" + account + ":role/Admin"})
		never("no role is passed on", request{role: role, action: "iam:PassRole", resource: p.arn("RespondRole")})
		never("no role is changed", request{role: role, action: "iam:PutRolePolicy", resource: p.arn(role)})
		never("no code is changed", request{role: role, action: "lambda:UpdateFunctionCode", resource: audit})
		never("no function is called by another", request{role: role, action: "lambda:InvokeFunction", resource: audit})
		never("no rule is switched off", request{role: role, action: "events:DisableRule", resource: p.arn("CallsRule")})
		never("no table is deleted", request{role: role, action: "dynamodb:DeleteTable", resource: ledger})
		never("no log is deleted", request{role: role, action: "logs:DeleteLogGroup", resource: arnOf("logs", "log-group:/aws/lambda/sagemoat-audit")})
		never("no alarm is silenced", request{role: role, action: "cloudwatch:DisableAlarmActions", resource: arnOf("cloudwatch", "alarm:sagemoat-LateEventsAlarm-1")})
		never("no network interface outside of a VPC", request{role: role, action: "ec2:DescribeNetworkInterfaces", resource: "*"})
	}
	invoke := request{role: "ScheduleRole", action: "lambda:InvokeFunction", resource: p.arn("Sweep")}
	not("schedules do not wake setup", invoke.on(p.arn("Setup")), invoke)
	log := request{role: "AuditRole", action: "logs:PutLogEvents", resource: arnOf("logs", "log-group:/aws/lambda/sagemoat-audit:log-stream:x")}
	not("another function's log", log.on(arnOf("logs", "log-group:/aws/lambda/sagemoat-respond:log-stream:x")), log)
	return out
}

// TestObserve: in mode observe nothing can be stopped, and all else is as it was.
func TestObserve(t *testing.T) {
	observing, stopping := stackOf(t, map[string]string{"Mode": "observe"}), stackOf(t, map[string]string{"Mode": "stop"})
	granted := func(stack *template.Resolved) map[string][]string {
		roles, err := permissions.Roles(stack)
		ok(t, err)
		out := map[string][]string{}
		for _, role := range roles {
			out[role.ID] = role.Grants()
		}
		return out
	}
	without := granted(observing)
	j, stops := newJudge(t, observing), 0
	for role, actions := range granted(stopping) {
		for _, action := range actions {
			may := false
			for _, have := range without[role] {
				may = may || have == action
			}
			operation, is := strings.CutPrefix(action, "sagemaker:Stop")
			if may == is {
				t.Errorf("in mode observe, %s may call %s: %v", role, action, may)
			}
			if is && role != "RespondRole" {
				t.Errorf("%s may call %s", role, action)
			}
			if operation == "TrainingJob" {
				q := request{role: role, action: action, resource: arnOf("sagemaker", "training-job/fraud-7")}
				if result := j.run(q)[0]; result.Decision != iamsim.ImplicitlyDenied {
					t.Errorf("%s: %+v", q, result)
				}
			}
			if is {
				stops++
			}
		}
	}
	if stops < 10 {
		t.Errorf("only %d stops in mode stop", stops)
	}
}

// TestVPC: Lambda makes network interfaces with the functions' roles, and the
// functions themselves cannot.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
func TestVPC(t *testing.T) {
	stack := stackOf(t, map[string]string{"SubnetIds": subnet, "SecurityGroupIds": group})
	j := newJudge(t, stack)
	needs, err := permissions.Needs(stack)
	ok(t, err)
	concrete := map[string]string{
		"ec2:AssignPrivateIpAddresses": "network-interface/eni-0a1b2c3d4e5f60718", "ec2:CreateNetworkInterface": "subnet/" + subnet,
		"ec2:DeleteNetworkInterface": "network-interface/eni-0a1b2c3d4e5f60718", "ec2:UnassignPrivateIpAddresses": "network-interface/eni-0a1b2c3d4e5f60718",
	}
	n := 0
	for _, need := range needs {
		if !strings.HasPrefix(need.Action, "ec2:") {
			continue
		}
		n++
		q := request{role: need.Role, action: need.Action, resource: need.Resource}
		if resource, ok := concrete[need.Action]; ok {
			q.resource = arnOf("ec2", resource)
		}
		itself := q.with(keys{"lambda:SourceFunctionArn": stackARN(t, stack, strings.TrimSuffix(need.Role, "Role"))})
		results := j.run(q, itself)
		if results[0].Decision != iamsim.Allowed {
			t.Errorf("Lambda: %s: %+v", q, results[0])
		}
		if results[1].Decision != iamsim.ExplicitlyDenied {
			t.Errorf("the function itself: %s: %+v", itself, results[1])
		}
	}
	if n != 5*6 {
		t.Errorf("%d needs in a VPC, want 6 of each of 5 functions", n)
	}
}

func stackARN(t *testing.T, stack *template.Resolved, id string) string {
	t.Helper()
	return place{t, stack}.arn(id)
}

// TestCentralRules: of the organization's rules bucket, its accounts can read the
// rules, and nobody but the writer can change them.
func TestCentralRules(t *testing.T) {
	parsed, err := template.Load("../infra/templates/sagemoat-organization.template.json")
	ok(t, err)
	stack, err := parsed.Resolve(map[string]string{
		"OrganizationId": "o-a1b2c3d4e5", "RulesKey": "rules.yaml", "RulesWriter": rulesWriter, "CodeBucketPrefix": "acme", "Regions": "eu-west-1",
		"OrganizationalUnitIds": "ou-ab12-11111111", "TemplateUrl": "https://acme-eu-west-1.s3.eu-west-1.amazonaws.com/sagemoat.template.json",
	})
	ok(t, err)
	p := place{t, stack}
	j := newJudge(t, stack)
	rules := p.arn("RulesFileBucket") + "/rules.yaml"
	ours := request{role: stranger, action: "s3:GetObject", resource: rules, context: keys{"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
	for i, c := range []struct {
		request
		want bool
	}{
		{ours, true},
		{ours.with(keys{"aws:PrincipalOrgID": "o-0000000000"}), false},
		{ours.with(keys{"aws:PrincipalOrgID": nil}), false},
		{ours.with(keys{"aws:SecureTransport": "false"}), false},
		{ours.doing("s3:PutObject"), false},
		{ours.doing("s3:DeleteObject"), false},
		{ours.doing("s3:ReplicateObject").by(admin), false},
		{ours.doing("s3:PutObject").by(admin), false},
		{ours.doing("s3:PutObject").by(rulesWriter), true},
	} {
		if result := j.run(c.request)[0]; result.Error != "" || (result.Decision == iamsim.Allowed) != c.want {
			t.Errorf("%d: %s: %+v, want it allowed: %v", i, c.request, result, c.want)
		}
	}
}
