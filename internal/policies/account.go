package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Config is the configuration of the user's environment: AWS_PROFILE, files, roles.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
func Config(ctx context.Context) (aws.Config, error) {
	// IAM is the same in every Region, and which one is asked matters to nobody.
	return config.LoadDefaultConfig(ctx, config.WithDefaultRegion("us-east-1"))
}

// Account reads the policies of the account that the configuration leads to: the
// IAM policies of its roles, users and groups, and the service control policies
// above it. These are read where the caller may: from the organization's management
// account, or one that it delegated to; where they are not, Missing says so.
// Permissions: iam:GetAccountAuthorizationDetails; for the rest
// organizations:DescribeOrganization, ListParents, ListPoliciesForTarget and
// DescribePolicy. tell, which may be nil, is told of each answer.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
func (r *Read) Account(ctx context.Context, cfg aws.Config, tell func(answers int, bytes int64)) error {
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("who calls is not known, so no account can be read: %w", err)
	}
	a := account{Read: r, id: aws.ToString(me.Account), tell: tell}
	if err := a.principals(ctx, iam.NewFromConfig(cfg)); err != nil {
		return fmt.Errorf("account %s: iam:GetAccountAuthorizationDetails: %w", a.id, err)
	}
	if err := a.controls(ctx, organizations.NewFromConfig(cfg)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.Missing = append(r.Missing, fmt.Sprintf("the service control policies of account %s could not all be read, and what is missing is not counted: %v", a.id, err))
	}
	return nil
}

// account is one that is being read.
type account struct {
	*Read
	id      string
	answers int
	bytes   int64
	tell    func(answers int, bytes int64)
}

// add reads the policies of an answer, which has the same members as what the AWS
// CLI prints.
func (a *account) add(answer any) error {
	data, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	a.answers++
	a.bytes += int64(len(data))
	if a.tell != nil {
		a.tell(a.answers, a.bytes)
	}
	if err := a.Set.Read("", data); err != nil {
		a.problem("account "+a.id, err)
	}
	return nil
}

// principals reads the IAM policies.
func (a *account) principals(ctx context.Context, client *iam.Client) error {
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(client, &iam.GetAccountAuthorizationDetailsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := a.add(page); err != nil {
			return err
		}
	}
	return nil
}

// controls reads the service control policies of the account, and of every unit
// above it up to the root: each of them may deny.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
func (a *account) controls(ctx context.Context, client *organizations.Client) error {
	org, err := client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	var none *types.AWSOrganizationsNotInUseException
	if errors.As(err, &none) {
		return nil // an account without an organization has none
	}
	if err != nil {
		return failed("organizations:DescribeOrganization", err)
	}
	if aws.ToString(org.Organization.MasterAccountId) == a.id {
		a.Missing = append(a.Missing, fmt.Sprintf("account %s is the organization's management account, in which service control policies have no effect", a.id))
		return nil
	}
	targets, err := above(ctx, client, a.id)
	if err != nil {
		return err
	}
	var done []string
	for _, target := range targets {
		pages := organizations.NewListPoliciesForTargetPaginator(client, &organizations.ListPoliciesForTargetInput{TargetId: &target, Filter: types.PolicyTypeServiceControlPolicy})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return failed("organizations:ListPoliciesForTarget of "+target, err)
			}
			for _, p := range page.Policies {
				id := aws.ToString(p.Id)
				if slices.Contains(done, id) {
					continue
				}
				done = append(done, id)
				out, err := client.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: p.Id})
				if err != nil {
					return failed("organizations:DescribePolicy of "+id, err)
				}
				if err := a.add(out); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// above lists the account, the units above it, and the root.
func above(ctx context.Context, client *organizations.Client, id string) ([]string, error) {
	// "Nesting of OUs: 5 levels deep under a root".
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
	const most = 7
	targets := []string{id}
	for len(targets) < most {
		child := targets[len(targets)-1]
		out, err := client.ListParents(ctx, &organizations.ListParentsInput{ChildId: &child})
		if err != nil {
			return nil, failed("organizations:ListParents of "+child, err)
		}
		if len(out.Parents) != 1 {
			return nil, fmt.Errorf("organizations:ListParents of %s: %d parents, want 1", child, len(out.Parents))
		}
		targets = append(targets, aws.ToString(out.Parents[0].Id))
		if out.Parents[0].Type == types.ParentTypeRoot {
			return targets, nil
		}
	}
	return nil, fmt.Errorf("organizations:ListParents of %s: no root in %d steps", id, most)
}

// failed says which call failed, by AWS's code where there is one.
func failed(call string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s", call, api.ErrorCode())
	}
	return fmt.Errorf("%s: %w", call, err)
}
