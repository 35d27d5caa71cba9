package doctor

import "context"

// restSubject lists what nobody looked at, so that it is not taken for ok.
func restSubject() subject {
	rest := []struct {
		Check
		found string
	}{
		{Check{ID: "mailboxes", Why: "an alert counts when somebody reads it"}, "whether what is sent to the topics arrives and is read"},
		{Check{ID: "roles", Why: "what a function may not do, it does not do"}, "whether the functions' roles, service control policies and permission boundaries let them do their work: sagemoat doctor --live shows it"},
		{Check{ID: "regions", Why: "a Region without a stack is not audited"}, "every other account and Region: run it for each"},
		{Check{ID: "drift", Why: "what was changed by hand is not what was reviewed"}, "what else differs from the template: aws cloudformation detect-stack-drift"},
		{Check{ID: "alarms", Why: "they tell when what is ok now breaks"}, "whether the alarms are there and would be heard: a test message to the operations topic shows it"},
		{Check{ID: "central-view", Why: "findings of all accounts are read in one"}, "whether Security Hub brings the findings to an administrator's account and Region"},
		{Check{ID: "keys", Why: "what cannot be decrypted cannot be delivered"}, "KMS keys, where something is encrypted by one"},
	}
	s := subject{group: "Not checked"}
	for _, r := range rest {
		s.checks = append(s.checks, r.Check)
	}
	s.look = func(context.Context, *session) (out []Line) {
		for _, r := range rest {
			out = append(out, line(r.ID, NotChecked, r.found))
		}
		return out
	}
	return s
}
