package kind

// Adjacent is a member of a request that looks like a network setting, or may
// hold one, and that no row reads.
type Adjacent struct {
	// Member is the member's name, with the names above it, up to the
	// operation's, where the name alone could mean something else.
	Member string
	// Why says why it is not judged.
	Why string
}

// NotJudged lists the members of the API's requests that look like network
// settings, or may hold some, and that no row reads. A test finds such members
// in the SDK's model: it fails for one that is neither read nor listed, and for
// one that is listed and no longer in the SDK.
func NotJudged() []Adjacent {
	return []Adjacent{
		// Settings of a network that do not decide what can be reached.
		{"IpAddressType", "IPv4 alone or with IPv6 does not change which networks are reached; what the subnets route does"},
		{"AppSecurityGroupManagement", "who keeps the security groups between RStudio apps of a VpcOnly domain; the domain's VPC and mode are read"},
		{"NetworkInterface.InterfaceType", "efa or efa-only: how nodes of a group talk to each other in the subnets that are judged"},
		{"DockerSettings.VpcOnlyTrustedAccounts", "accounts whose images may be pulled in VpcOnly mode, by the VPC's routes; Docker access itself is read"},
		{"DockerSettings.RootlessDocker", "how Docker runs; Docker access itself is read"},
		{"InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion", "credentials on the instance, not a network"},
		{"RootAccess", "rights on the instance, not a network"},

		// Where something is mounted or pulled from, by the network that is judged.
		{"FileSystemDataSource.FileSystemId", "a file system in the job's VPC, which is read"},
		{"FileSystemDataSource.FileSystemType", "as FileSystemDataSource.FileSystemId"},
		{"FileSystemDataSource.FileSystemAccessMode", "rights on the files, not a network"},
		{"FileSystemDataSource.DirectoryPath", "as FileSystemDataSource.FileSystemId"},
		{"CustomFileSystemConfigs.EFSFileSystemConfig.FileSystemId", "a file system in the domain's VPC, which is read"},
		{"CustomFileSystemConfigs.EFSFileSystemConfig.FileSystemPath", "as CustomFileSystemConfigs.EFSFileSystemConfig.FileSystemId"},
		{"CustomFileSystemConfigs.FSxLustreFileSystemConfig.FileSystemId", "a file system in the domain's VPC, which is read"},
		{"CustomFileSystemConfigs.FSxLustreFileSystemConfig.FileSystemPath", "as CustomFileSystemConfigs.FSxLustreFileSystemConfig.FileSystemId"},
		{"CustomFileSystemConfigs.S3FileSystemConfig.S3Uri", "data in S3, whose bucket policy decides"},
		{"CustomFileSystemConfigs.S3FileSystemConfig.MountPath", "a path in the container"},
		{"CustomFileSystems.EFSFileSystem.FileSystemId", "a file system in the domain's VPC, which is read"},
		{"CustomFileSystems.FSxLustreFileSystem.FileSystemId", "a file system in the domain's VPC, which is read"},
		{"CustomFileSystems.S3FileSystem.S3Uri", "data in S3, whose bucket policy decides"},
		{"FsxLustreConfig.DnsName", "a file system that nodes mount by the cluster's VPC, which is read"},
		{"FsxLustreConfig.MountName", "as FsxLustreConfig.DnsName"},
		{"FsxLustreConfig.MountPath", "a path on the node"},
		{"FsxOpenZfsConfig.DnsName", "a file system that nodes mount by the cluster's VPC, which is read"},
		{"FsxOpenZfsConfig.MountPath", "a path on the node"},
		{"AccountingDatabase.Endpoint", "a database that Slurm reaches by the cluster's VPC, which is read"},
		{"AccountingDatabase.Port", "as AccountingDatabase.Endpoint"},
		{"ImageConfig.RepositoryAccessMode", "Platform or Vpc: where SageMaker pulls the image from, before the container runs"},
		{"TrainingImageConfig.TrainingRepositoryAccessMode", "as ImageConfig.RepositoryAccessMode"},
		{"RestrictedInstanceGroups.EnvironmentConfig.FSxLustreConfig.SizeInGiB", "the size of a file system"},
		{"RestrictedInstanceGroups.EnvironmentConfig.FSxLustreConfig.PerUnitStorageThroughput", "the speed of a file system"},
		{"SharedEnvironmentConfig.FSxLustreConfig.SizeInGiB", "the size of a file system"},
		{"SharedEnvironmentConfig.FSxLustreConfig.PerUnitStorageThroughput", "the speed of a file system"},
		{"SharedEnvironmentConfig.FSxLustreDeletionPolicy", "what becomes of a file system"},
		{"AutoMountHomeEFS", "whether the home directory is mounted by the domain's VPC, which is read"},
		{"HomeEfsFileSystemCreation", "whether the domain has home directories"},
		{"HomeEfsFileSystemKmsKeyId", "a key, not a network"},
		{"RetentionPolicy.HomeEfsFileSystem", "what becomes of home directories when a domain is deleted"},

		// Where people come in, beside the settings that are read.
		{"IamPolicyConstraints.SourceIp", "ties presigned URLs of labeling data to the worker's address; ingress to S3, not to code"},
		{"IamPolicyConstraints.VpcSourceIp", "as IamPolicyConstraints.SourceIp"},
		{"WorkerAccessConfiguration", "holds IamPolicyConstraints.SourceIp and nothing else"},
		{"UnifiedStudioSettings.StudioWebPortalAccess", "whether the Studio portal of a Unified Studio domain opens; not a network"},
		{"RStudioServerProAppSettings.AccessStatus", "whether a user has RStudio; not a network"},

		// Documents in strings that configure no network.
		{"OnCreate.Content", "a script, which runs in the network of the notebook instance that has it"},
		{"OnStart.Content", "as OnCreate.Content"},
		{"UiTemplate.Content", "a template of a web page for labelers"},
		{"CreateModelCard.Content", "a description of a model"},
		{"UpdateModelCard.Content", "a description of a model"},
		{"StudioLifecycleConfigContent", "a script, which runs in the network of the app that has it"},
		{"ModelCardContent", "a description of a model"},
		{"HubContentDocument", "a description of a model in a hub; the network comes with the calls that use it"},
		{"HumanLoopActivationConditions", "when people are asked"},
		{"ContentTemplate", "how a request to a model is written"},
		{"DataInputConfig", "the shape of a model's input"},
		{"PresetDeploymentConfig", "how a model is deployed on edge devices, which are not in SageMaker's network"},
		{"PutModelPackageGroupPolicy.ResourcePolicy", "who may use a model package group; IAM, not a network"},
		{"WorkloadSpec.Inline", "the requests that a benchmark sends; its network is CreateAIBenchmarkJob's, which is read"},

		// Names that only sound like a network.
		{"BenchmarkTarget.Endpoint.Identifier", "the SageMaker endpoint that a benchmark calls"},
		{"BenchmarkTarget.Endpoint.InferenceComponents.Identifier", "an inference component of that endpoint"},
		{"BenchmarkTarget.Endpoint.TargetContainerHostname", "a container's name in a model"},
		{"ContainerHostname", "a container's name in a model"},
		{"KernelGatewayAppSettings", "the kernels of Studio apps; not a gateway between networks"},
		{"KernelGatewayImageConfig", "as KernelGatewayAppSettings"},
		{"FileSystemConfig.DefaultUid", "a user in a container image"},
		{"FileSystemConfig.DefaultGid", "a group in a container image"},
		{"FileSystemConfig.MountPath", "a path in a container image"},
		{"PublicWorkforceTaskPrice", "what labelers are paid"},
		{"SageMakerPublicHubContentArn", "a model in AWS's hub"},
		{"AccessConfig.AcceptEula", "a licence is accepted"},
		{"AccessConfig.ExpectedS3Url", "where a hub's model is expected"},
	}
}
