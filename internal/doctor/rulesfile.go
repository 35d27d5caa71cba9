package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sagemoat/sagemoat/internal/ruleset"
	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/kind"
	"github.com/sagemoat/sagemoat/pkg/ledger"
	"github.com/sagemoat/sagemoat/pkg/rules"
)

func rulesSubject() subject {
	return subject{"Rules", []Check{
		{ID: "rules-file", Why: "while it cannot be read, the last good one judges and nothing is stopped by it", Deployed: true},
		{ID: "rules-in-force", Why: "what judges should be what is in the bucket", Deployed: true},
		{ID: "rules-mode", Why: "nothing is done beyond the stack's mode, whatever the rules say", Deployed: true},
	}, func(ctx context.Context, x *session) []Line {
		if x.stack == nil {
			return nil
		}
		file := fetchRules(ctx, x)
		var last ruleset.Saved
		version, err := x.ledger().Control(ctx, ruleset.Control, &last)
		saved := answered("dynamodb:GetItem", savedRules{version > 0, last.Version}, err)
		return []Line{judgeRulesFile(x, file), judgeInForce(x, file, saved, x.metrics(ctx).recent), judgeRulesMode(x, file)}
	}}
}

// rulesObject is the rules file as S3 has it.
type rulesObject struct {
	text    []byte
	version ledger.RulesVersion
	file    *rules.File
	invalid error
}

// savedRules is what audit last read.
type savedRules struct {
	any     bool
	version ledger.RulesVersion
}

// fetchRules reads the rules file as the functions do; the zero value where the
// built-in rules are in force.
func fetchRules(ctx context.Context, x *session) answer[rulesObject] {
	const action = "s3:GetObject"
	bucket, key, owner := x.stack.rulesFile()
	if bucket == "" {
		return answered(action, rulesObject{file: rules.Default()}, nil)
	}
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if owner != "" {
		in.ExpectedBucketOwner = &owner
	}
	out, err := x.s3.GetObject(ctx, in)
	if err != nil {
		return answered(action, rulesObject{}, err)
	}
	defer out.Body.Close() //nolint:errcheck // only read from
	o := rulesObject{version: ledger.RulesVersion{At: aws.ToTime(out.LastModified).UTC(), ID: strings.Trim(aws.ToString(out.ETag), `"`)}}
	if o.text, err = io.ReadAll(io.LimitReader(out.Body, ruleset.MaxBytes+1)); err != nil {
		return answered(action, o, err)
	}
	if len(o.text) > ruleset.MaxBytes {
		o.invalid = fmt.Errorf("it is longer than %d bytes", ruleset.MaxBytes)
	} else {
		o.file, o.invalid = rules.Load(key, o.text, kind.Kinds())
	}
	return answered(action, o, nil)
}

func judgeRulesFile(x *session, a answer[rulesObject]) Line {
	bucket, key, owner := x.stack.rulesFile()
	url := "s3://" + bucket + "/" + key
	if bucket == "" {
		return line("rules-file", OK, "none: the built-in rules are in force")
	}
	switch code := a.code(); {
	case code == "NoSuchKey" || code == "NoSuchBucket" || code == "NotFound":
		return line("rules-file", Failed, url+" is not there", "sagemoat rules init > rules.yaml", x.aws("s3", "cp", "rules.yaml", url))
	case !a.got:
		l := a.unknown("rules-file")
		l.Found = url + ": " + l.Found
		if len(l.Missing) > 0 {
			l.Note = "S3 denies too where the object is not there and s3:ListBucket is not allowed, and where the bucket is of another account than " + owner
		}
		return l
	case a.value.invalid != nil:
		found := fmt.Sprintf("%s cannot be used: %s", url, strings.ReplaceAll(a.value.invalid.Error(), "\n", "; "))
		var all rules.Errors
		if errors.As(a.value.invalid, &all) && len(all) > 3 {
			found = fmt.Sprintf("%s has %d mistakes; the first: %s", url, len(all), strings.ReplaceAll(all[:3].Error(), "\n", "; "))
		}
		return line("rules-file", Failed, found, x.aws("s3", "cp", url, "rules.yaml"), "sagemoat rules check rules.yaml", x.aws("s3", "cp", "rules.yaml", url))
	}
	found := fmt.Sprintf("%s is valid, of %s, response %s", url, a.value.version.At.Format(time.RFC3339), &a.value.file.Response)
	if n := len(a.value.file.Expired(x.Now())); n > 0 {
		return line("rules-file", Warning, fmt.Sprintf("%s; %d of its exceptions expired and do not apply", found, n), x.aws("s3", "cp", url, "rules.yaml"), "sagemoat rules check rules.yaml")
	}
	return line("rules-file", OK, found)
}

// judgeInForce says whether the functions judge by what is in the bucket.
func judgeInForce(x *session, a answer[rulesObject], saved answer[savedRules], m answer[map[series][]point]) Line {
	if bucket, _, _ := x.stack.rulesFile(); bucket == "" {
		return line("rules-in-force", OK, "the built-in rules")
	}
	var stale []string
	for _, f := range functions() {
		if sum(m.value[own(telemetry.RulesStale, f.name)], x.Now().Add(-time.Hour)) > 0 {
			stale = append(stale, f.name)
		}
	}
	switch {
	case len(stale) > 0:
		return line("rules-in-force", Failed, list(stale)+" could not read the file within the last hour, and went on with the last good one",
			x.aws("logs", "tail", "/aws/lambda/"+x.stack.out(OutAudit), "--since", "1h", "--filter-pattern", "rules"))
	case !a.got:
		return a.unknown("rules-in-force")
	case !saved.got:
		return saved.unknown("rules-in-force")
	case !saved.value.any:
		return line("rules-in-force", Warning, "audit has not read the file yet: it does with its first event").with("sagemoat doctor --live makes an event")
	case !saved.value.version.Same(a.value.version):
		return line("rules-in-force", Warning, fmt.Sprintf("audit last read the file of %s, and the bucket has that of %s: it is read with the next event",
			saved.value.version.At.Format(time.RFC3339), a.value.version.At.Format(time.RFC3339))).with("sagemoat doctor --live makes an event")
	case !m.got:
		return m.unknown("rules-in-force")
	}
	return line("rules-in-force", OK, "audit last read this file")
}

// judgeRulesMode says whether the rules ask for more than the stack does.
func judgeRulesMode(x *session, a answer[rulesObject]) Line {
	if !a.got || a.value.file == nil {
		l := a.unknown("rules-mode")
		if a.got {
			l = line("rules-mode", Unknown, "the rules file cannot be used")
		}
		return l
	}
	highest, rank := rules.Observe, map[rules.Mode]int{rules.Observe: 0, rules.Notify: 1, rules.Stop: 2}
	for _, m := range append([]rules.Mode{a.value.file.Response.Mode}, modes(a.value.file)...) {
		if rank[m] > rank[highest] {
			highest = m
		}
	}
	mode := rules.Mode(x.stack.out(OutMode))
	if _, known := rank[mode]; !known {
		return line("rules-mode", Failed, fmt.Sprintf("the stack's mode is %q: want observe, notify or stop", string(mode)), "make deploy")
	}
	if rank[highest] > rank[mode] {
		return line("rules-mode", Warning, fmt.Sprintf("the rules say %s, and the stack allows %s at most", highest, mode), "make deploy").
			with("deploy with the higher mode if the rules are right")
	}
	return line("rules-mode", OK, fmt.Sprintf("the rules say %s, the stack allows %s", highest, mode))
}

func modes(f *rules.File) (all []rules.Mode) {
	for _, o := range f.Response.Modes {
		all = append(all, o.Mode)
	}
	return all
}
