package kind

import (
	"maps"
	"slices"
	"strings"

	"github.com/sagemoat/sagemoat/pkg/jsondoc"
)

// Life is what a status says of the code in a resource.
type Life uint8

// The lives. The zero value is LifeUnknown.
const (
	LifeUnknown Life = iota // a status that is not known here
	Running                 // code runs, or may begin to at any moment
	Halting                 // it is being stopped
	Halted                  // the resource is there, and nothing runs in it
	Over                    // a job that came to its end
	Removed                 // it was deleted, or is being deleted
)

// Life says what a status of the kind means, in whichever spelling: the APIs
// write InProgress, INPROGRESS and IN_PROGRESS. A kind without a status is
// Running as long as it is there. The values are those of the SDK's
// enumerations; a test finds the ones that are missing.
func (r *Row) Life(status string) Life {
	if r.Describe.Status == "" {
		return Running
	}
	switch strings.ToUpper(strings.ReplaceAll(status, "_", "")) {
	case "INPROGRESS", "STARTING", "PENDING", "INITIALIZING", "EXECUTING", "RUNNING", "CREATED", "SCHEDULED", "BLOCKED",
		"INSERVICE", "CREATING", "UPDATING", "SYSTEMUPDATING", "ROLLINGBACK", "ACTIVE", "PENDINGMAINTENANCE", "INMAINTENANCE",
		"UPDATEFAILED", "UPDATEROLLBACKFAILED":
		return Running
	case "STOPPING":
		return Halting
	case "COMPLETED", "SUCCEEDED", "COMPLETEDWITHFAILURES", "FAILED", "STOPPED", "EXPIRED", "DELETEFAILED", "DELETIONFAILED":
		if r.Ends {
			return Over
		}
		return Halted
	case "OUTOFSERVICE":
		return Halted
	case "DELETING", "DELETED":
		return Removed
	}
	return LifeUnknown
}

// Requests are the members that name the resource with a key to the operations
// that describe, stop or delete it. There are several only where the key leaves
// open which of two members names it: the first that finds something is right.
func (r *Row) Requests(s Scope, key string) []map[string]string {
	if key == "" {
		return nil
	}
	if r.Kind == PipelineExecution {
		return []map[string]string{{r.Key[0]: r.Build(s.Partition, s.Region, s.Account, key)}}
	}
	if r.Kind == Cluster && len(key) == clusterID {
		// An ARN has the id of a cluster, which might be another one's name.
		return []map[string]string{
			{r.Key[0]: key},
			{r.Key[0]: "arn:" + s.Partition + ":sagemaker:" + s.Region + ":" + s.Account + ":cluster/" + key},
		}
	}
	values := []string{key}
	if len(r.Key) > 1 {
		values = strings.SplitN(key, "/", len(r.Key))
	}
	if len(values) != len(r.Key) || slices.Contains(values, "") {
		return nil
	}
	requests := []map[string]string{{}}
	for i, alternatives := range r.Key {
		var next []map[string]string
		for member := range strings.SplitSeq(alternatives, "|") {
			for _, request := range requests {
				with := maps.Clone(request)
				with[member] = values[i]
				next = append(next, with)
			}
		}
		requests = next
	}
	return requests
}

// clusterID is how long the id of a cluster is.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeCluster.html
const clusterID = 12

// StopCall is the operation that halts what runs and keeps what it made; ok is
// false where there is none. Deleting is not stopping.
func (r *Row) StopCall() (operation string, ok bool) {
	if len(r.Stops) > 0 && strings.HasPrefix(r.Stops[0], "Stop") {
		return r.Stops[0], true
	}
	return "", false
}

// Carry are the members of a call that no Describe response returns, and those
// that refer to what is taken over when the call is made: what has to be kept of
// the call, to read later responses by. ok is false where it has none.
func (r *Row) Carry(doc jsondoc.Value) (members map[string]string, ok bool) {
	names := slices.Clone(r.carry)
	if r.Snapshot {
		for _, ref := range r.Refers {
			names = append(names, ref.Member)
		}
	}
	members = map[string]string{}
	for _, name := range names {
		if s := doc.Get(name).Str(); s != "" {
			members[name] = s
		}
	}
	return members, len(members) > 0
}

// OwnedBy is the kind and key of the resource whose finding speaks for the one
// with a configuration, unless its own setting is at fault. ok is false where there
// is none.
func (r *Row) OwnedBy(doc jsondoc.Value) (owner Kind, key string, ok bool) {
	for _, member := range r.Parents {
		arn, is := ParseARN(doc.Get(member).Str())
		if row, known := Of(Kind(arn.Type)); is && known && arn.Service == "sagemaker" && row != r {
			return row.Kind, arn.ID, true
		}
	}
	if r.Owner.Kind != "" {
		key = doc.Get(r.Owner.Member).Str()
	}
	return r.Owner.Kind, key, key != ""
}
