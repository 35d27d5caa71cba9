package lint

import (
	_ "embed" // the names of actions
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sagemoat/sagemoat/pkg/rules"
)

//go:embed actions.txt
var actionNames string

// actions are the names of SageMaker's IAM actions: those of the Service
// Authorization Reference, and the operations that the SDK has and it has not yet.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
var actions = sync.OnceValue(func() []string { return strings.Fields(actionNames) })

// otherKeys are SageMaker's condition keys that show no setting of the network,
// without their prefix. One that ends with / is followed by a name.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html#amazonsagemaker-policy-keys
func otherKeys() []string {
	return strings.Fields(`
		AcceleratorTypes AuthMode BearerTokenType CurrentCustomerMetadataProperties/ CurrentModelLifeCycleStage
		CurrentModelLifeCycleStageStatus CustomerMetadataProperties/ CustomerMetadataPropertiesToRemove
		DirectGatedModelAccess DomainId DomainSharingOutputKmsKey DomainSharingOutputKmsKeyArn
		FeatureGroupDisableGlueTableCreation FeatureGroupEnableOnlineStore FeatureGroupOfflineStoreConfig
		FeatureGroupOfflineStoreKmsKey FeatureGroupOfflineStoreKmsKeyArn FeatureGroupOfflineStoreS3Uri
		FeatureGroupOnlineStoreKmsKey FeatureGroupOnlineStoreKmsKeyArn FileSystemAccessMode FileSystemDirectoryPath
		FileSystemId FileSystemType HomeEfsFileSystemKmsKey ImageArns ImageVersionArns InstanceTypes IsUpdateRecord
		KeepAlivePeriod MaxRuntimeInSeconds MinimumInstanceMetadataServiceVersion ModelApprovalStatus ModelArn
		ModelLifeCycle:Stage ModelLifeCycle:StageStatus NotebookInstanceLifecycleConfigArns OutputKmsKey OutputKmsKeyArn
		OwnerUserProfileArn PipelineVersionId ResourceTag/ RootAccess SearchVisibilityCondition/ ServerlessMaxConcurrency
		ServerlessMemorySize SpaceSharingType StudioLifecycleConfigArns TaggingAction TargetModel UpdatableFeatures
		UserProfileName VolumeKmsKey VolumeKmsKeyArn WorkteamArn WorkteamType`)
}

// knownKey says whether SageMaker has the condition key, and else which it may
// have been meant to be.
func knownKey(key string) (known bool, meant string) {
	name, ours := cutPrefix(key)
	if !ours {
		return true, "" // another service's, or one of all services
	}
	if _, ok := settingOf(key); ok {
		return true, ""
	}
	names := map[string]string{} // as it may be meant, by what it is compared with
	for _, s := range settings() {
		names[strings.ToLower(s.name)] = s.name
	}
	for _, k := range otherKeys() {
		if strings.EqualFold(name, k) || strings.HasSuffix(k, "/") && len(name) > len(k) && strings.EqualFold(name[:len(k)], k) {
			return true, ""
		}
		names[strings.ToLower(k)] = k
	}
	for member, k := range members() {
		names[strings.ToLower(member)] = k
	}
	if near := rules.Nearest(strings.ToLower(name), slices.Sorted(maps.Keys(names))); near != "" {
		return false, prefix + names[near]
	}
	return false, ""
}

// members are members of requests that are taken for condition keys, with the keys.
func members() map[string]string {
	return map[string]string{
		"Subnets": vpcSubnets, "SubnetId": vpcSubnets, "SubnetIds": vpcSubnets, "VpcConfig": vpcSubnets,
		"SecurityGroupIds": vpcSecurityGroups, "SecurityGroups": vpcSecurityGroups,
		"EnableNetworkIsolation": networkIsolation, "EnableInterContainerTrafficEncryption": interContainerEncryption,
	}
}
