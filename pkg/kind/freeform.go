package kind

// freeForm are the members whose values are maps with names of the caller's
// choice, so that names which differ only by case are not a trick there. They
// are the maps of every request and of the responses that are read, and Tags,
// which SageMaker's own events write as one. None of the names is a structure's
// anywhere else; Parameters and Tags are lists elsewhere, whose elements are
// held to the rule all the same.
var freeForm = map[string]bool{
	"ActiveOperations":                 true,
	"Aggregation":                      true,
	"Arguments":                        true,
	"AuthenticationRequestExtraParams": true,
	"CollectionParameters":             true,
	"ContainerEnvironmentVariables":    true,
	"CurrentLabels":                    true,
	"CustomerMetadataProperties":       true,
	"DesiredLabels":                    true,
	"Environment":                      true,
	"Filling":                          true,
	"HookParameters":                   true,
	"HyperParameters":                  true,
	"InferenceContainerDefinitions":    true,
	"InputArtifacts":                   true,
	"Labels":                           true,
	"ModelVariantActions":              true,
	"OptimizationEnvironment":          true,
	"OutputArtifacts":                  true,
	"OverrideEnvironment":              true,
	"Parameters":                       true,
	"ProfilingParameters":              true,
	"Properties":                       true,
	"RuleParameters":                   true,
	"StaticHyperParameters":            true,
	"Tags":                             true,
	"TextGenerationHyperParameters":    true,
	"TunedHyperParameters":             true,
}

// FreeForm returns the names (as the API writes them) of the members whose
// values are maps with names of the caller's choice. A test holds the list to
// the SDK's model. The caller must not change it.
func FreeForm() map[string]bool { return freeForm }
