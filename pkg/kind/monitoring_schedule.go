package kind

import "github.com/sagemoat/sagemoat/pkg/posture"

// MonitoringSchedule is a schedule of Model Monitor. It holds a job definition,
// or names one, which then decides.
const MonitoringSchedule Kind = "monitoring-schedule"

var monitoringSchedule = Row{
	Kind:     MonitoringSchedule,
	Words:    "monitoring schedule",
	Key:      []string{"MonitoringScheduleName"},
	Resource: "monitoring-schedule/{MonitoringScheduleName}",
	Calls: []Call{
		{Name: "CreateMonitoringSchedule", ARN: "MonitoringScheduleArn", Marks: []string{"MonitoringScheduleName", "MonitoringScheduleConfig"}, Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
		{Name: "UpdateMonitoringSchedule", Effect: Replaces, ARN: "MonitoringScheduleArn", Keys: []string{"VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation", "InterContainerTrafficEncryption"}},
		{Name: "StartMonitoringSchedule", Effect: Runs},
	},
	Deletes:  []string{"DeleteMonitoringSchedule"},
	Describe: Describe{Name: "DescribeMonitoringSchedule", ARN: "MonitoringScheduleArn", Status: "MonitoringScheduleStatus", Marks: []string{"MonitoringScheduleName"}},
	Lists:    []string{"ListMonitoringSchedules"},
	Stops:    []string{"StopMonitoringSchedule"},
	Natives:  []Native{{DetailType: "SageMaker Monitoring Schedule State Change", ARN: "MonitoringScheduleArn"}},
	Changes:  "the whole configuration, by UpdateMonitoringSchedule",
	Refers: []Reference{
		{DataQualityJobDefinition, "MonitoringScheduleConfig.MonitoringJobDefinitionName"},
		{ModelQualityJobDefinition, "MonitoringScheduleConfig.MonitoringJobDefinitionName"},
		{ModelBiasJobDefinition, "MonitoringScheduleConfig.MonitoringJobDefinitionName"},
		{ModelExplainabilityJobDefinition, "MonitoringScheduleConfig.MonitoringJobDefinitionName"},
	},
	Fresh:  true,
	Closes: "UpdateMonitoringSchedule with the settings below, or with the name of a new job definition that has them",
	Paste:  pasteNetwork("MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig.VpcConfig", "MonitoringScheduleConfig.MonitoringJobDefinition.NetworkConfig.EnableNetworkIsolation"),
	Doc:    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMonitoringSchedule.html",
	parts:  monitoringScheduleParts,

	CloudFormation: "AWS::SageMaker::MonitoringSchedule",
	Terraform:      "aws_sagemaker_monitoring_schedule",
}

// monitoringTypes are the kinds of the definitions that a schedule may name.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MonitoringScheduleConfig.html
func monitoringTypes() map[string]*Row {
	return map[string]*Row{
		"DataQuality":         &dataQualityJobDefinition,
		"ModelQuality":        &modelQualityJobDefinition,
		"ModelBias":           &modelBiasJobDefinition,
		"ModelExplainability": &modelExplainabilityJobDefinition,
	}
}

func monitoringScheduleParts(r *reader) []Part {
	const config = "MonitoringScheduleConfig."
	inline, name := r.at(config+"MonitoringJobDefinition"), r.at(config+"MonitoringJobDefinitionName")
	if name.set() {
		return r.byDefinition(name, r.at(config+"MonitoringType"))
	}
	if inline.set() {
		return single(r.container(underNetworkConfig(config + "MonitoringJobDefinition")))
	}
	reason := r.why(inline)
	if inline.known && name.known {
		reason.Why = "the record has neither a job definition nor the name of one"
	}
	return single(unknown(posture.Container, reason))
}

func (r *reader) byDefinition(name, monitoringType field) []Part {
	row, ok := monitoringTypes()[monitoringType.value.Str()]
	if !ok {
		reason := r.why(monitoringType)
		if s := monitoringType.value.Str(); s != "" {
			reason.Why = "found " + s + ", which is not a type of monitoring known here"
		}
		return []Part{{Path: name.path, Posture: unknown(posture.Container, reason)}}
	}
	d, reason := r.refer(row.Kind, name)
	if d == nil {
		return []Part{{Path: name.path, Posture: unknown(posture.Container, reason)}}
	}
	return borrow(row.parts(d), name.path)
}
