package sweep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
	"github.com/sagemoat/sagemoat/pkg/kind"
)

// item is what a list says of a resource.
type item struct {
	key               string
	created, modified time.Time // zero where the list does not tell
	// over says that nothing runs in it any more, and nothing will.
	over bool
}

// members of the elements of a list that are named otherwise than in the request
// that creates.
func alias(member string) string {
	switch member {
	case "JobDefinitionName":
		return "MonitoringJobDefinitionName"
	case "TrainingSessionName":
		return "TrainingSessionArn"
	}
	return member
}

// element is an element of a list, of which only a few members are ever read:
// Search returns all there is of a resource, with text that anybody chose.
type element map[string]json.RawMessage

func (e element) text(member string) string {
	var s string
	if json.Unmarshal(e[member], &s) != nil {
		return ""
	}
	return s
}

// time is the first of the members that is there: seconds since 1970.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
func (e element) time(members ...string) time.Time {
	for _, m := range members {
		var seconds float64
		if len(e[m]) > 0 && json.Unmarshal(e[m], &seconds) == nil && seconds > 0 && seconds < 1e11 {
			return time.UnixMilli(int64(seconds*1000 + 0.5)).UTC()
		}
	}
	return time.Time{}
}

// read reads a page. foreign counts the elements that are not of the scope, or
// name no resource.
func (p *plan) read(body []byte, s *step, scope kind.Scope) (items []item, next string, foreign int, err error) {
	var top element
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, "", 0, fmt.Errorf("the answer of %s cannot be read", s.operation)
	}
	var elements []element
	// Most lists need not be in the answer: one that is left out is empty. What
	// it would make look gone is looked at.
	found := true
	for member, raw := range top {
		if !bytes.HasPrefix(raw, []byte("[")) {
			found = found && (member == "NextToken" || string(raw) == "null")
			continue
		}
		if found = json.Unmarshal(raw, &elements) == nil; found {
			break
		}
	}
	if !found {
		return nil, "", 0, fmt.Errorf("the answer of %s has no list", s.operation)
	}
	for _, e := range elements {
		if s.under != "" {
			var inner element
			if json.Unmarshal(e[s.under], &inner) != nil {
				foreign++
				continue
			}
			e = inner
		}
		i, ok := p.item(e, scope)
		if !ok {
			foreign++
			continue
		}
		items = append(items, i)
	}
	return items, top.text("NextToken"), foreign, nil
}

// item reads an element. ok is false where it names no resource, or one of
// another account or Region: Search can find what others share.
func (p *plan) item(e element, scope kind.Scope) (i item, ok bool) {
	if arn, is := kind.ParseARN(e.text(p.row.Describe.ARN)); is && (arn.Account != scope.Account || arn.Region != scope.Region) {
		return item{}, false
	}
	var named []jsondoc.Member
	for _, alternatives := range p.row.Key {
		for member := range strings.SplitSeq(alternatives, "|") {
			value := e.text(member)
			if value == "" {
				value = e.text(alias(member))
			}
			if value != "" {
				named = append(named, jsondoc.Member{Name: member, Value: jsondoc.OfString(value)})
			}
		}
	}
	i.key, _ = p.row.KeyOf(jsondoc.OfObject(named...))
	i.created = e.time("CreationTime", "CreateDate")
	i.modified = e.time("LastModifiedTime", "LastUpdatedDate")
	life := p.row.Life(e.text(p.row.Describe.Status))
	i.over = life == kind.Over || life == kind.Removed
	return i, i.key != ""
}
