package sandbox

import (
	"time"

	"github.com/sagemoat/sagemoat/pkg/kind"
)

// phase is a status that lasts for a while.
type phase struct {
	status, secondary string
	// lasts is how long until the next phase. The last phase has no end.
	lasts time.Duration
}

// Lengths of phases that are not fixed.
const (
	runs  time.Duration = -1 // the work itself: see [SageMaker.RunFor]
	until time.Duration = -2 // until what it started is done
)

// traits is what one kind does differently from the others.
type traits struct {
	kind kind.Kind

	// secondary is the response member with the secondary status.
	secondary string
	// Life. A kind without phases of a sort changes at once.
	create, start, stop, update, remove []phase
	// In which statuses a call is taken; all where none is told.
	starts, stops, updates, removes []string

	// missing and exists are the refusals of a name that is not there, and of one
	// that is taken. {arn}, {name} and {words} stand for themselves.
	missing, exists refusalText
	// lower says that the name stands in the ARN in lower case.
	lower bool
	// hidden says that the ARN has an id that no request has.
	hidden bool
	// newKey is the key of a new resource, where the service makes it.
	newKey func(s *SageMaker, doc map[string]any) (string, error)

	// also are response members whose values are elsewhere in the request, as
	// paths; fixed are those that no request has.
	also  map[string]string
	fixed map[string]any
	// defaults are members of the request that AWS fills in.
	defaults map[string]any
	// sort and descending are how lists are sorted unless told.
	sort       string
	descending bool
	// search is the name that Search has for the kind.
	search string
	// event are the members of the kind's own events; all where none is told.
	event []string
	// contains are the kinds without which none may be left when it is deleted.
	contains []kind.Kind

	// check refuses a request that no shape can refuse.
	check func(s *SageMaker, doc map[string]any) error
	// made completes a new resource, before anybody sees it.
	made func(s *SageMaker, r *resource) error
	// change applies an update; nil where its members just take their places.
	change func(s *SageMaker, r *resource, in map[string]any) (done func(), err error)
	// face completes a response.
	face func(s *SageMaker, r *resource, sh *shape, out map[string]any)
	// begun starts what the resource starts by itself; settled is called when
	// something that it started came to an end.
	begun   func(s *SageMaker, r *resource)
	settled func(s *SageMaker, r, child *resource)

	// Filled in from the table of kinds and from the model.
	row       *kind.Row
	status    string // the response member with the status
	in        *shape // of the call that creates
	described *shape
	named     string // the member that holds the name
	failed    string // the status of what failed
}

// refusalText is an error with places for names.
type refusalText struct{ code, message string }

// Lengths of phases. That a training job has 120 seconds to end is documented,
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html;
// all others are the sandbox's own.
const (
	grace  = 120 * time.Second
	soon   = 10 * time.Second
	launch = 3 * time.Minute
)

// DefaultRun is how long work lasts, unless [SageMaker.RunFor] says otherwise.
const DefaultRun = 10 * time.Minute

// The life of most jobs.
func jobLife(t traits) *traits {
	t.create = []phase{{"InProgress", "", runs}, {"Completed", "", 0}}
	t.stop = []phase{{"Stopping", "", soon}, {"Stopped", "", 0}}
	t.stops = []string{"InProgress"}
	t.removes = []string{"Completed", "Stopped", "Failed"}
	return &t
}

// The life of jobs with statuses in capitals.
func capitalLife(t traits) *traits {
	t.create = []phase{{"STARTING", "", soon}, {"INPROGRESS", "", runs}, {"COMPLETED", "", 0}}
	t.stop = []phase{{"STOPPING", "", soon}, {"STOPPED", "", 0}}
	t.stops = []string{"STARTING", "INPROGRESS"}
	t.removes = []string{"COMPLETED", "STOPPED", "FAILED"}
	return &t
}

// The life of what stays until it is deleted.
func serviceLife(t traits, first string, lasts time.Duration) *traits {
	t.create = []phase{{first, "", lasts}, {"InService", "", 0}}
	t.update = []phase{{"Updating", "", lasts}, {"InService", "", 0}}
	t.updates = []string{"InService", "Failed", "Update_Failed"}
	t.remove = []phase{{"Deleting", "", soon}}
	return &t
}

// definition is a job definition of Model Monitor.
func definition(k kind.Kind, input string) *traits {
	return &traits{
		kind: k, descending: true,
		also:  map[string]string{"MonitoringJobDefinitionName": "JobDefinitionName", "EndpointName": input + ".EndpointInput.EndpointName"},
		fixed: map[string]any{"EndpointName": ""},
	}
}

// Refusals by their public wording. docs/test-doubles.md has the sources.
var (
	notFound       = refusalText{"ResourceNotFound", "Requested resource not found."}
	notFoundNoCode = refusalText{"ValidationException", "Requested resource not found."}
	recordNotFound = refusalText{"ValidationException", "RecordNotFound"}
	inUse          = refusalText{"ResourceInUse", "{Words} names must be unique within an AWS account and region, and a {words} with this name already exists ({arn})"}
)

// inferenceRefusals are those of what serves models.
func inferenceRefusals(t *traits, words string) *traits {
	t.missing = refusalText{"ValidationException", `Could not find ` + words + ` "{arn}".`}
	t.exists = refusalText{"ValidationException", `Cannot create already existing ` + words + ` "{arn}".`}
	return t
}

// kindTraits are all kinds of pkg/kind.
func kindTraits() []*traits {
	training := jobLife(traits{
		kind: kind.TrainingJob, secondary: "SecondaryStatus",
		missing: notFoundNoCode,
		updates: []string{"InProgress"}, search: "TrainingJob",
		defaults: map[string]any{"EnableNetworkIsolation": false, "EnableInterContainerTrafficEncryption": false, "EnableManagedSpotTraining": false},
		made: func(_ *SageMaker, r *resource) error {
			output := text(r.doc, "OutputDataConfig.S3OutputPath")
			r.doc["ModelArtifacts"] = map[string]any{"S3ModelArtifacts": output + "/" + r.name + "/output/model.tar.gz"}
			if _, told := r.doc["StoppingCondition"]; !told {
				r.doc["StoppingCondition"] = map[string]any{"MaxRuntimeInSeconds": 86400}
			}
			return nil
		},
	})
	training.create = []phase{{"InProgress", "Starting", soon}, {"InProgress", "Training", runs}, {"Completed", "Completed", 0}}
	training.stop = []phase{{"Stopping", "Stopping", grace}, {"Stopped", "Stopped", 0}}

	tuning := jobLife(traits{
		kind: kind.HyperParameterTuningJob, sort: "Name", search: "HyperParameterTuningJob",
		also: map[string]string{"Strategy": "HyperParameterTuningJobConfig.Strategy", "ResourceLimits": "HyperParameterTuningJobConfig.ResourceLimits"},
		face: tuningFace, begun: tuningBegun, settled: tuningSettled,
	})
	tuning.create[0].lasts = until
	tuning.stop[0].lasts = until

	autoML := jobLife(traits{
		kind: kind.AutoMLJob, secondary: "AutoMLJobSecondaryStatus", sort: "Name", descending: true,
		made: autoMLMade, begun: autoMLBegun, settled: parentSettled,
	})
	autoML.create = []phase{{"InProgress", "Starting", until}, {"Completed", "Completed", 0}}
	autoML.stop = []phase{{"Stopping", "Stopping", until}, {"Stopped", "Stopped", 0}}

	transform := jobLife(traits{kind: kind.TransformJob, descending: true})

	labeling := jobLife(traits{
		kind: kind.LabelingJob, event: []string{"LabelingJobStatus"},
		fixed: map[string]any{"LabelCounters": map[string]any{}, "JobReferenceCode": "sandbox"},
		also: map[string]string{
			"WorkteamArn":                      "HumanTaskConfig.WorkteamArn",
			"PreHumanTaskLambdaArn":            "HumanTaskConfig.PreHumanTaskLambdaArn",
			"AnnotationConsolidationLambdaArn": "HumanTaskConfig.AnnotationConsolidationConfig.AnnotationConsolidationLambdaArn",
		},
	})
	labeling.create = append([]phase{{"Initializing", "", soon}}, labeling.create...)
	labeling.stops = []string{"Initializing", "InProgress"}

	recommendations := capitalLife(traits{kind: kind.InferenceRecommendationsJob, fixed: map[string]any{"JobDescription": ""}})
	recommendations.create = []phase{{"PENDING", "", soon}, {"IN_PROGRESS", "", runs}, {"COMPLETED", "", 0}}
	recommendations.stops = []string{"PENDING", "IN_PROGRESS"}

	customization := jobLife(traits{
		kind: kind.Job, secondary: "SecondaryStatus", search: "Job",
		also:  map[string]string{"JobSecondaryStatus": "SecondaryStatus"},
		fixed: map[string]any{"SecondaryStatusTransitions": []any{}},
	})
	customization.create = []phase{{"InProgress", "Starting", soon}, {"InProgress", "Training", runs}, {"Completed", "Completed", 0}}
	customization.stop = []phase{{"Stopping", "Stopping", soon}, {"Stopped", "Stopped", 0}}

	session := &traits{
		kind:   kind.TrainingSession,
		create: []phase{{"Created", "", soon}, {"Running", "", runs}, {"Expired", "", 0}},
		stop:   []phase{{"Stopping", "", soon}, {"Stopped", "", 0}},
		stops:  []string{"Created", "Blocked", "Running", "Scheduled"}, removes: []string{"Stopped", "Failed", "Expired"},
	}

	algorithm := &traits{
		kind:   kind.Algorithm,
		create: []phase{{"Pending", "", soon}, {"InProgress", "", launch}, {"Completed", "", 0}},
		fixed:  map[string]any{"AlgorithmStatusDetails": map[string]any{}},
		event:  []string{"AlgorithmName", "AlgorithmArn", "AlgorithmStatus", "CreationTime"},
	}

	endpoint := serviceLife(traits{
		kind: kind.Endpoint, lower: true, descending: true, search: "Endpoint",
		made: endpointMade, change: endpointChange,
	}, "Creating", launch)
	endpoint.updates = []string{"InService"}

	component := serviceLife(traits{
		kind: kind.InferenceComponent, descending: true,
		also: map[string]string{"EndpointNameEquals": "EndpointName"}, face: componentFace,
	}, "Creating", launch)

	schedule := &traits{
		kind: kind.MonitoringSchedule, descending: true,
		create: []phase{{"Pending", "", soon}, {"Scheduled", "", 0}},
		start:  []phase{{"Pending", "", soon}, {"Scheduled", "", 0}},
		stop:   []phase{{"Pending", "", soon}, {"Stopped", "", 0}},
		starts: []string{"Stopped"}, stops: []string{"Scheduled"},
		also: map[string]string{
			"MonitoringType":              "MonitoringScheduleConfig.MonitoringType",
			"MonitoringJobDefinitionName": "MonitoringScheduleConfig.MonitoringJobDefinitionName",
		},
		event: []string{"MonitoringScheduleName", "MonitoringScheduleArn", "MonitoringScheduleStatus", "CreationTime", "LastModifiedTime"},
	}

	notebook := &traits{
		kind: kind.NotebookInstance, lower: true, sort: "Name",
		create:  []phase{{"Pending", "", launch}, {"InService", "", 0}},
		start:   []phase{{"Pending", "", launch}, {"InService", "", 0}},
		stop:    []phase{{"Stopping", "", launch}, {"Stopped", "", 0}},
		update:  []phase{{"Updating", "", soon}, {"Stopped", "", 0}},
		remove:  []phase{{"Deleting", "", soon}},
		starts:  []string{"Stopped", "Failed"},
		stops:   []string{"InService"},
		updates: []string{"Stopped", "Failed"},
		removes: []string{"Stopped", "Failed"},
		missing: recordNotFound,
		exists:  refusalText{"ValidationException", "Cannot create a duplicate Notebook Instance ({arn})"},
		defaults: map[string]any{
			"DirectInternetAccess": "Enabled", "RootAccess": "Enabled", "VolumeSizeInGB": 5, "PlatformIdentifier": "notebook-al2-v2", "IpAddressType": "ipv4",
			"InstanceMetadataServiceConfiguration": map[string]any{"MinimumInstanceMetadataServiceVersion": "1"},
		},
		also: map[string]string{"SecurityGroups": "SecurityGroupIds", "NotebookInstanceLifecycleConfigName": "LifecycleConfigName"},
		event: []string{
			"NotebookInstanceArn", "NotebookInstanceName", "NotebookInstanceStatus", "InstanceType", "SubnetId", "SecurityGroups", "RoleArn",
			"KmsKeyId", "NetworkInterfaceId", "LastModifiedTime", "CreationTime", "DirectInternetAccess", "FailureReason",
		},
		check: notebookCheck, made: notebookMade,
	}

	domain := serviceLife(traits{
		kind:     kind.Domain,
		missing:  refusalText{"ResourceNotFound", "Domain [{name}] does not exist."},
		defaults: map[string]any{"AppNetworkAccessType": "PublicInternetOnly", "HomeEfsFileSystemCreation": "Enabled"},
		contains: []kind.Kind{kind.UserProfile, kind.Space, kind.App},
		newKey: func(s *SageMaker, doc map[string]any) (string, error) {
			id := "d-" + s.id()
			doc["Url"] = "https://" + id + ".studio." + s.w.region + ".sagemaker.aws"
			return id, nil
		},
		change: domainChange,
	}, "Pending", launch)

	profile := serviceLife(traits{
		kind: kind.UserProfile, contains: []kind.Kind{kind.App},
		fixed: map[string]any{"HomeEfsFileSystemUid": "200005"},
	}, "Pending", soon)

	space := serviceLife(traits{
		kind: kind.Space, missing: recordNotFound, contains: []kind.Kind{kind.App},
		fixed: map[string]any{"HomeEfsFileSystemUid": "200006"},
		also: map[string]string{
			"SpaceSettingsSummary": "SpaceSettings", "SpaceSharingSettingsSummary": "SpaceSharingSettings", "OwnershipSettingsSummary": "OwnershipSettings",
		},
	}, "Pending", soon)

	app := serviceLife(traits{kind: kind.App, missing: recordNotFound, lower: true}, "Pending", soon)
	// An app that was deleted is shown for a day.
	app.remove = []phase{{"Deleting", "", soon}, {"Deleted", "", 24 * time.Hour}}
	app.removes = []string{"Pending", "InService", "Failed"}

	cluster := serviceLife(traits{
		kind: kind.Cluster, hidden: true,
		change: clusterChange, face: clusterFace,
		check: func(_ *SageMaker, doc map[string]any) error {
			if text(doc, "Orchestrator.Eks.ClusterArn") != "" && doc["VpcConfig"] == nil {
				return refuse("ValidationException", "VpcConfig is required for a cluster that Amazon EKS orchestrates.")
			}
			return nil
		},
	}, "Creating", launch)
	cluster.updates = []string{"InService"}

	workforce := &traits{
		kind:   kind.Workforce,
		create: []phase{{"Initializing", "", soon}, {"Active", "", 0}}, update: []phase{{"Updating", "", soon}, {"Active", "", 0}},
		remove: []phase{{"Deleting", "", soon}}, updates: []string{"Active", "Failed"},
		missing: refusalText{"ValidationException", "No workforce found for name {name}"}, contains: []kind.Kind{kind.Workteam},
		fixed: map[string]any{"SubDomain": "sandbox.labeling.sagemaker.aws"},
	}

	workteam := &traits{
		kind: kind.Workteam, missing: refusalText{"ValidationException", "The work team {arn} doesn't exist."},
		fixed: map[string]any{"SubDomain": "sandbox.labeling.sagemaker.aws"},
	}

	pipeline := &traits{
		kind: kind.Pipeline, create: []phase{{"Active", "", 0}}, search: "Pipeline", sort: "CreationTime", descending: true,
		missing: refusalText{"ResourceNotFound", "Pipeline '{arn}' does not exist."},
		exists:  refusalText{"ValidationException", "Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists."},
		check:   pipelineCheck, change: pipelineChange, contains: []kind.Kind{kind.PipelineExecution},
	}

	execution := &traits{
		kind: kind.PipelineExecution, descending: true, search: "PipelineExecution",
		create: []phase{{"Executing", "", until}, {"Succeeded", "", 0}},
		stop:   []phase{{"Stopping", "", until}, {"Stopped", "", 0}}, stops: []string{"Executing"},
		starts:  []string{"Failed", "Stopped"},
		start:   []phase{{"Executing", "", until}, {"Succeeded", "", 0}},
		missing: refusalText{"ResourceNotFound", "Pipeline execution with ARN '{arn}' does not exist."},
		also:    map[string]string{"PipelineExecutionFailureReason": "FailureReason"},
		newKey:  executionKey, begun: executionBegun, settled: executionSettled,
	}

	return []*traits{
		training, jobLife(traits{kind: kind.ProcessingJob}), tuning, autoML, transform, labeling,
		capitalLife(traits{
			kind:  kind.CompilationJob,
			fixed: map[string]any{"FailureReason": "", "ModelArtifacts": map[string]any{"S3ModelArtifacts": "s3://sandbox/compiled"}},
			also: map[string]string{
				"CompilationTargetDevice": "OutputConfig.TargetDevice", "CompilationTargetPlatformOs": "OutputConfig.TargetPlatform.Os",
				"CompilationTargetPlatformArch": "OutputConfig.TargetPlatform.Arch", "CompilationTargetPlatformAccelerator": "OutputConfig.TargetPlatform.Accelerator",
			},
		}),
		capitalLife(traits{kind: kind.OptimizationJob, fixed: map[string]any{"OptimizationTypes": []any{}}}),
		recommendations,
		jobLife(traits{
			kind: kind.AIBenchmarkJob, descending: true,
			also: map[string]string{"AIWorkloadConfigName": "AIWorkloadConfigIdentifier"},
		}),
		customization, session,
		inferenceRefusals(&traits{
			kind: kind.Model, descending: true, search: "Model",
			create:   []phase{{"", "", 0}},
			defaults: map[string]any{"EnableNetworkIsolation": false},
			event:    []string{"ModelName", "ModelArn", "PrimaryContainer", "ExecutionRoleArn", "CreationTime"},
		}, "model"),
		algorithm,
		inferenceRefusals(&traits{
			kind: kind.EndpointConfig, descending: true, check: endpointConfigCheck,
			create: []phase{{"", "", 0}},
			event:  []string{"EndpointConfigName", "EndpointConfigArn", "ProductionVariants", "CreationTime"},
		}, "endpoint configuration"),
		inferenceRefusals(endpoint, "endpoint"), inferenceRefusals(component, "inference component"),
		definition(kind.DataQualityJobDefinition, "DataQualityJobInput"), definition(kind.ModelBiasJobDefinition, "ModelBiasJobInput"),
		definition(kind.ModelExplainabilityJobDefinition, "ModelExplainabilityJobInput"), definition(kind.ModelQualityJobDefinition, "ModelQualityJobInput"),
		schedule, notebook, domain, profile, space, app, cluster, workforce, workteam, pipeline, execution,
	}
}
