// Package telemetry is what the functions say about themselves: one line of JSON
// for a log entry, one for the metrics of an invocation.
//
// # Logs
//
// [New] makes a logger that writes only attributes whose keys are on a list.
// Any other is left out, and its key is told under "dropped", so that it is
// missed in a test and not found in a log. Of an error that came from AWS only
// the operation and the code are written, as its message may quote the request
// ([ErrorText]).
//
// # Metrics
//
// [Metrics] gathers what is counted during an invocation and writes it as one
// line in CloudWatch's embedded metric format, namespace "sagemoat", dimension
// "function". Alarms use these names:
//
//	name          unit     what it says
//	Received      Count    records or messages taken from the source
//	Judged        Count    resources judged
//	Failed        Count    of these, FAILED
//	Warned        Count    of these, WARNING
//	Prevented     Count    creations that a policy denied
//	Ignored       Count    records that are not for us
//	Retried       Count    records handed back, to be tried again
//	Poison        Count    records that cannot be read and never will be
//	MissedEvents  Count    resources that the sweep knew before their event came
//	BlindSeconds  Seconds  how long events may have been missing
//	Imported      Count    findings that Security Hub took
//	ImportFailed  Count    findings that Security Hub refused
//	HubOff        Count    calls refused because Security Hub is not enabled
//	Alerts        Count    alerts sent
//	Stops         Count    stops asked for
//	StopsRefused  Count    stops that a rail forbade
//	BreakerOpen   Count    stops held because the circuit breaker is open
//	RulesStale    Count    invocations that ran on the last good rules
//	Heartbeat     Count    scheduled invocations that did what they were to do
package telemetry
