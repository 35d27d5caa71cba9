package kind

// TrainingSession is an interactive training session.
const TrainingSession Kind = "training-session"

var trainingSession = Row{
	Kind:  TrainingSession,
	Words: "training session",
	Key:   []string{"TrainingSessionName"},
	Calls: []Call{
		{Name: "CreateTrainingSession", ARN: "TrainingSessionArn", Marks: []string{"TrainingSessionName", "ModelConfig"}},
	},
	Deletes:  []string{"DeleteTrainingSession"},
	Describe: Describe{Name: "DescribeTrainingSession", ARN: "TrainingSessionArn", Status: "TrainingSessionStatus", Under: "TrainingSessionDetail", Marks: []string{"TrainingSessionName"}},
	Lists:    []string{"ListTrainingSessions"},
	Ends:     true,
	Stops:    []string{"StopTrainingSession"},
	Closes:   "the network of a session cannot be changed: stop it and start a new one with the settings below",
	Paste:    pasteNetwork("VpcConfig", ""),
	Doc:      "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingSession.html",
	parts:    func(r *reader) []Part { return single(r.container(where{VPC: "VpcConfig"})) },
}
