package respond

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/sagemoat/sagemoat/internal/telemetry"
	"github.com/sagemoat/sagemoat/pkg/awsjson"
)

// mostBytes is how long a message may be, with its attributes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const mostBytes = 256 << 10

// publish sends a message. Where the topic of a route cannot be used, the default
// topic gets it, and is told.
func (h *Handler) publish(ctx context.Context, m *message) error {
	err := h.publishTo(ctx, m, m.topic)
	if err == nil || m.topic == h.Topic || !useless(err) {
		return err
	}
	h.Log.LogAttrs(ctx, slog.LevelError, "respond", slog.String("outcome", "the topic of a route cannot be used"), slog.String("arn", m.topic), telemetry.Error(err))
	other := *m
	other.Notes = append(slices.Clone(m.Notes), fmt.Sprintf("The rules send this to %s, which cannot be used (%s).", m.topic, awsjson.Code(err)))
	return h.publishTo(ctx, &other, h.Topic)
}

// useless says whether a topic will not take the message when it is tried again.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func useless(err error) bool {
	var missing *types.NotFoundException
	var denied *types.AuthorizationErrorException
	var invalid *types.InvalidParameterException
	return errors.As(err, &missing) || errors.As(err, &denied) || errors.As(err, &invalid) || awsjson.Denied(err)
}

func (h *Handler) publishTo(ctx context.Context, m *message, topic string) error {
	in, err := input(m, topic)
	if err != nil {
		return err
	}
	_, err = h.SNS.Publish(ctx, in, func(o *sns.Options) {
		// A topic is asked in its own Region.
		if parts := strings.Split(topic, ":"); len(parts) == 6 && parts[3] != "" {
			o.Region = parts[3]
		}
	})
	return err
}

// input is the call that sends a message, within the limit: as many resources as
// there is room for.
func input(m *message, topic string) (*sns.PublishInput, error) {
	fit := *m
	for most := len(m.Resources); ; most /= 2 {
		if len(m.all) > 0 {
			fit.list(most)
		}
		body, err := bodies(&fit)
		if err != nil {
			return nil, err
		}
		in := &sns.PublishInput{
			TopicArn: &topic, Message: &body, MessageStructure: aws.String("json"),
			Subject: aws.String(subject(m)), MessageAttributes: attributes(m),
		}
		if size(in) <= mostBytes {
			return in, nil
		}
		if most == 0 {
			return nil, fmt.Errorf("a message of type %s is longer than %d bytes", m.Type, mostBytes)
		}
	}
}

func size(in *sns.PublishInput) int {
	n := len(*in.Message) + len(*in.Subject)
	for name, a := range in.MessageAttributes {
		n += len(name) + len(*a.DataType) + len(*a.StringValue)
	}
	return n
}

// bodies are the texts by protocol. What is subscribed by another one gets the
// default. Amazon Q Developer in chat applications subscribes by https.
// https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
// https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
func bodies(m *message) (string, error) {
	machine, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	talk, err := json.Marshal(chat(m))
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]string{
		"default": short(m),
		"email":   email(m),
		"http":    string(talk), "https": string(talk),
		"sqs": string(machine), "lambda": string(machine), "firehose": string(machine), "email-json": string(machine),
	})
	return string(b), err
}

// attributes are what subscriptions can filter by. One with several values is a
// list, so that a filter by any of them lets the message through.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
// https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
func attributes(m *message) map[string]types.MessageAttributeValue {
	out := map[string]types.MessageAttributeValue{}
	put := func(name string, values ...string) {
		slices.Sort(values)
		values = slices.DeleteFunc(slices.Compact(values), func(s string) bool { return s == "" })
		switch len(values) {
		case 0:
		case 1:
			out[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &values[0]}
		default:
			list, err := json.Marshal(values)
			if err == nil {
				out[name] = types.MessageAttributeValue{DataType: aws.String("String.Array"), StringValue: aws.String(string(list))}
			}
		}
	}
	var severities, kinds, classes, compliances []string
	for i := range m.all {
		r := &m.all[i]
		if r.Severity != nil {
			severities = append(severities, string(*r.Severity))
		}
		kinds, classes, compliances = append(kinds, string(r.Kind)), append(classes, r.Class), append(compliances, string(r.Compliance))
	}
	put("id", m.ID)
	put("type", string(m.Type))
	put("account", m.Account)
	put("region", m.Region)
	put("team", aws.ToString(m.Team))
	put("severity", severities...)
	put("kind", kinds...)
	put("class", classes...)
	put("compliance", compliances...)
	return out
}

// subject is the subject of an e-mail: less than 100 characters of ASCII.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func subject(m *message) string {
	const most = 99
	where := " (" + m.Account + " " + m.Region + ")"
	what := m.heading()
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, what)
	if len(ascii) > most-len(where) {
		ascii = ascii[:most-len(where)-3] + "..."
	}
	return ascii + where
}

// heading begins with what people look for first.
func (m *message) heading() string {
	switch m.Type {
	case alertType:
		return "[" + m.worst() + "] " + m.Title
	case digestType:
		return "[digest] " + m.Title
	case stopType:
		return "[" + m.stopWord() + "] " + m.Title
	case recoveredType:
		return "[recovered] " + m.Title
	case pageType:
		return "[sagemoat] " + m.Title
	}
	return m.Title
}

func (m *message) worst() string {
	if len(m.all) > 0 && m.all[0].Severity != nil {
		return string(*m.all[0].Severity)
	}
	return "alert"
}

// stopWord says how far a stop came, where all of a message came as far.
func (m *message) stopWord() string {
	word := ""
	for i := range m.all {
		if m.all[i].Stop == nil || word != "" && word != string(m.all[i].Stop.State) {
			return "stop"
		}
		word = string(m.all[i].Stop.State)
	}
	switch word {
	case "announced":
		return "will be stopped"
	case "confirmed":
		return "stopped"
	case "withheld":
		return "not stopped"
	}
	return cmp.Or(word, "stop")
}
