// Package verdict places a posture in the a/b/c matrix. It answers two
// questions about the code that runs in a resource: #1 can it reach a VPC of
// ours, #2 can it reach the Internet on its own path, that is not by the VPC's
// routes.
//
//	a           no, no    isolated: no network at all
//	b-vpc       yes, no   the VPC's owner controls every route
//	b-internet  no, yes   breaks central Internet access
//	c           yes, yes  a bridge for exfiltration; must not exist
//	unknown     ?         could not be assessed; never a pass
//	n/a         -         no code of ours runs there, or only ingress is at stake
//
// The data path is a third fact: SageMaker moves artifacts outside the
// container, by the VPC's subnets where a VPC is configured, else by the
// service's own network. Sources:
// https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html (isolation),
// https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html (notebook instances),
// https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html (Studio),
// https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html (clusters).
//
// The whole of the matrix. The first line that fits decides; "*" is any answer,
// "?" is unknown, "-" is n/a. A test holds the code to every line.
//
//	family      isolation  vpc  direct  attached  =>  class       reach     data-path
//	no-code     *          *    *       *         =>  n/a         n/a       n/a
//	container   yes        yes  *       *         =>  a           none      vpc
//	container   yes        no   *       *         =>  a           none      service
//	container   yes        *    *       *         =>  a           none      unknown
//	container   no,-       yes  *       *         =>  b-vpc       full      vpc
//	container   no,-       no   *       *         =>  b-internet  none      service
//	container   ?          yes  *       *         =>  unknown     unknown   vpc
//	container   ?          no   *       *         =>  unknown     none      service
//	notebook    *          yes  yes     *         =>  c           full      vpc+own
//	notebook    *          yes  no      *         =>  b-vpc       full      vpc
//	notebook    *          yes  *       *         =>  unknown     full      unknown
//	notebook    *          no   yes     *         =>  b-internet  none      own
//	notebook    *          no   *       *         =>  unknown     none      unknown
//	studio      *          yes  yes     *         =>  c           efs-only  own
//	studio      *          yes  no      *         =>  b-vpc       full      vpc
//	studio      *          no   yes     *         =>  b-internet  none      own
//	studio      *          no   *       *         =>  unknown     none      unknown
//	cluster     *          yes  *       *         =>  b-vpc       full      vpc
//	cluster     *          no   *       yes       =>  c           full      vpc+own
//	cluster     *          no   *       no,-      =>  b-internet  none      service
//	*           *          *    *       *         =>  unknown     unknown   unknown
//
// A notebook instance without a subnet and without direct Internet access is
// refused by the API, so such a record cannot be right and stays unknown; the
// same goes for a VpcOnly domain without a VPC.
package verdict
