package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const template = `AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Open:
    Type: AWS::SageMaker::Model
    Properties:
      ModelName: open
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      SubnetId: subnet-0a1b2c3d4e5f60718
      SecurityGroupIds:
        - sg-0a1b2c3d4e5f60718
        - subnet-0a1b2c3d4e5f60718
      DirectInternetAccess:
        Enabled
`

// templateJSON and plan are the same, on other lines.
const templateJSON = `{
 "Resources": {
  "Open": {"Type": "AWS::SageMaker::Model",
   "Properties": {}},
  "Unknown": {"Type": "AWS::SageMaker::Model",
   "Properties": {
     "VpcConfig":
      {"Fn::GetAtt": ["Stack", "Outputs.Vpc"]}}}
 }
}
`

const plan = `{
 "format_version": "1.2",
 "resource_changes": [
  {"address": "aws_sagemaker_model.open", "mode": "managed", "type": "aws_sagemaker_model", "name": "open",
   "change": {"actions": ["create"],
    "after": {
     "enable_network_isolation": false,
     "vpc_config": [
      {
       "subnets": [
        "subnet-0a1b2c3d4e5f60718",
        "sg-0a1b2c3d4e5f60718"
       ]
      }
     ]
    },
    "after_unknown": {}, "after_sensitive": {}}}
 ]
}
`

// places are the rules, files and lines of the results in SARIF.
func places(t *testing.T, text string) []string {
	t.Helper()
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var out []string
	for _, r := range log.Runs[0].Results {
		p := r.Locations[0].PhysicalLocation
		out = append(out, fmt.Sprintf("%s %s:%d", r.RuleID, p.ArtifactLocation.URI, p.Region.StartLine))
	}
	slices.Sort(out)
	return out
}

// TestLinesOfProperties: SARIF names the line of the property at fault, or of what
// it would stand in.
func TestLinesOfProperties(t *testing.T) {
	pretty := "[\n" + strings.ReplaceAll(bad, `"requestParameters":{`, "\"requestParameters\":{\n\n") + "]\n"
	files := map[string]string{"t.yaml": template, "t.json": templateJSON, "p.json": plan, "record.json": pretty}
	for name, want := range map[string][]string{
		"t.yaml": {
			"no-bridge t.yaml:14",      // the value of the property stands on the next line
			"no-own-internet t.yaml:5", // no VpcConfig among the properties
			"well-formed t.yaml:13",
		},
		"t.json":      {"assessable t.json:7", "no-own-internet t.json:4"},
		"p.json":      {"well-formed p.json:12"},
		"record.json": {"no-own-internet record.json:2"},
	} {
		t.Run(name, func(t *testing.T) {
			r := command(t, files, "", "audit", "--output", "sarif", name)
			if got := places(t, r.stdout); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	// Whatever the folder that is walked.
	r := command(t, files, "", "audit", "--output", "sarif", ".")
	if got := places(t, r.stdout); len(got) != 7 || !slices.Contains(got, "well-formed t.yaml:13") {
		t.Errorf("got %q", got)
	}
}

// TestDeclaredFormats: what has no account, Region or ARN works in every output, but
// Security Hub wants an account.
func TestDeclaredFormats(t *testing.T) {
	files := map[string]string{"t.yaml": template, "u.json": templateJSON}
	for format, want := range map[string]string{
		"table":    "t.yaml",
		"json":     `"source":{"type":"cloudformation","event":"AWS::SageMaker::Model"`,
		"sarif":    `"ruleId": "no-bridge"`,
		"markdown": "t.yaml",
	} {
		command(t, files, "", "audit", "--output", format, "t.yaml", "u.json").want(t, 1, []string{want}, []string{"4 verdicts"})
	}
	command(t, files, "", "audit", "--output", "asff", "t.yaml").want(t, 1, []string{"[]"}, []string{"no finding for Security Hub", "the account is not known"})
	command(t, files, "", "audit", "t.yaml").want(t, 1, []string{
		"write a SubnetId and DirectInternetAccess Disabled into the template", "write a VPC configuration into the template", "!delete the old one",
	}, []string{})
	command(t, files, "", "audit", "u.json").want(t, 1, []string{"settle it in the template, or audit what comes of it"}, []string{})
}

// TestFailOn: how bad something must be for the exit status.
func TestFailOn(t *testing.T) {
	unknown := strings.ReplaceAll(templateJSON, `"Open": {"Type": "AWS::SageMaker::Model"`, `"Open": {"Type": "AWS::S3::Bucket"`)
	files := map[string]string{"critical.yaml": template, "high.jsonl": bad, "unknown.json": unknown, "good.jsonl": good}
	for _, c := range []struct {
		file, failOn string
		status       int
	}{
		{"critical.yaml", "critical", 1},
		{"high.jsonl", "critical", 0},
		{"high.jsonl", "high", 1},
		{"high.jsonl", "low", 1},
		{"high.jsonl", "unknown", 1},
		{"unknown.json", "low", 0},
		{"unknown.json", "unknown", 1},
		{"good.jsonl", "unknown", 0},
	} {
		if r := command(t, files, "", "audit", "--fail-on", c.failOn, c.file); r.status != c.status {
			t.Errorf("--fail-on %s %s: status %d, want %d", c.failOn, c.file, r.status, c.status)
		}
	}
	command(t, files, "", "audit", "--fail-on", "never", "good.jsonl").want(t, 2, nil, []string{"--fail-on never: want one of critical, high, medium, low, unknown"})
}

// TestWhatIsNotRead: what a run left out it says.
func TestWhatIsNotRead(t *testing.T) {
	files := map[string]string{
		"a/main.tf": `resource "aws_sagemaker_model" "m" {}`, "a/package.json": `{"name":"x"}`, "a/good.jsonl": good,
		"a/new.yaml": "Resources: {A: {Type: AWS::SageMaker::TrainingJob}, B: {Type: AWS::SageMaker::TrainingJob}}\n",
	}
	command(t, files, "", "audit", "a").want(t, 0, []string{"1 passed"}, []string{
		"not read: 1 file of Terraform source; audit the plan that is made of it",
		"not judged: 2 resources of type AWS::SageMaker::TrainingJob",
		"3 files read, 1 file of them nothing that is audited, 1 verdict",
	})
	command(t, files, "", "audit", "--skip-others", "a/package.json", "a/good.jsonl", "a/main.tf").want(t, 0, []string{"1 passed"}, []string{"3 files read, 2 files of them nothing that is audited"})
	command(t, files, "", "audit", "a/package.json").want(t, 2, []string{"nothing was found"}, []string{"an object with the members name"})
	command(t, files, plan, "audit", "-").want(t, 1, []string{"aws_sagemaker_model.open"}, []string{"1 verdict"})
	command(t, files, template, "audit", "-").want(t, 1, []string{"CRITICAL"}, []string{"2 verdicts"})
	targeted := strings.Replace(plan, `"resource_changes"`, `"complete": false, "resource_changes"`, 1)
	command(t, files, targeted, "audit", "-").want(t, 1, []string{"aws_sagemaker_model.open"}, []string{"note: standard input: the plan is not complete", "1 verdict"})
}
