package main

import (
	"os"
	"strings"
	"testing"
)

func TestGuide(t *testing.T) {
	files := map[string]string{"rules.yaml": rulesFile, "wrong.yaml": "version: 2\n"}
	md := command(t, files, "", "guide", "--rules", "rules.yaml")
	md.want(t, 0, []string{"## Account 111122223333", "`subnet-0a1b2c3d`", "#### Training job", "EnableNetworkIsolation", "EX-1", "!EX-2 ", "SchemaVersion"}, []string{"warning: rules.yaml:", "exception EX-2 expired"})
	command(t, files, rulesFile, "guide", "--rules", "-", "--output", "html").want(t, 0, []string{"<!DOCTYPE html>", "standard input", "subnet-0a1b2c3d"}, []string{"EX-2"})
	command(t, files, "", "guide", "--rules", "rules.yaml", "--kind", "model,algorithm", "--account", "111122223333").
		want(t, 0, []string{"#### Model", "**Algorithm**: validation jobs", "!#### Training job", "!Any other account"}, []string{"EX-2"})
	command(t, files, "", "guide", "--rules", "rules.yaml", "--account", "444455556666").want(t, 0, []string{"## Account 444455556666", "No subnet and no security group is allowed here", "!#### "}, []string{"EX-2"})
	command(t, files, "", "guide").want(t, 2, nil, []string{"--rules is missing", "sagemoat rules init"})
	command(t, files, "", "guide", "--rules", "wrong.yaml").want(t, 2, nil, []string{"wrong.yaml:1:10"})
	command(t, files, "", "guide", "--rules", "none.yaml").want(t, 2, nil, []string{"no such file"})
	command(t, files, "", "guide", "--rules", "rules.yaml", "--output", "pdf").want(t, 2, nil, []string{"--output pdf: want markdown or html"})
	command(t, files, "", "guide", "--rules", "rules.yaml", "--account", "1111").want(t, 2, nil, []string{"--account 1111: want the 12 digits"})
	command(t, files, "", "guide", "--rules", "rules.yaml", "--kind", "lambda").want(t, 2, nil, []string{"--kind lambda: want one of training-job"})
	command(t, files, "", "guide", "--rules", "rules.yaml", "more").want(t, 2, nil, []string{"unknown command"})
	out := command(t, files, "", "guide", "--rules", "rules.yaml", "--out", "guide.md")
	out.want(t, 0, nil, []string{"EX-2"})
	if b, err := os.ReadFile("guide.md"); err != nil || string(b) != md.stdout {
		t.Errorf("--out wrote something else: %v", err)
	}
	command(t, files, "", "guide", "--rules", "rules.yaml", "--out", "no/such/folder").want(t, 2, nil, []string{"--out: open no/such/folder"})
	start := command(t, nil, "", "rules", "init").stdout
	if r := command(t, map[string]string{"rules.yaml": start}, "", "guide", "--rules", "rules.yaml"); !strings.Contains(r.stdout, "YOUR-SUBNET-ID-1") {
		t.Error("the starter's guide has no placeholders")
	}
}
