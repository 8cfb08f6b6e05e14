/**
 * Permissions that EKS requires of the caller in addition to that for the operation: to pass roles, and for calls that
 * EKS makes on the caller's behalf. Source: the handlers' permissions in the CloudFormation schemas of AWS::EKS::Addon
 * and AWS::EKS::PodIdentityAssociation; the EKS User Guide mentions only iam:PassRole. All are checked before anything
 * changes. Their order, also in relation to other errors, is not documented.
 *
 * A target role is not passed: the associated role assumes it, "the Target IAM Role can be in any AWS account" (EKS
 * User Guide, "Access AWS Resources using EKS Pod Identity Target IAM Roles"), and a role can only be passed in its
 * own account.
 */
import type { RequiredPermission } from '../permission/permission.ts';
import { roleTagKeys } from '../trust/roles.ts';
import { findRole, type AssociationState, type ClusterState } from '../world/world.ts';
import type { AssociationChanges } from './association-state.ts';
import { associationPermission, clusterPermission } from './authorization.ts';
import { requirePermission, type EksCall } from './call.ts';

/**
 * The service to which `serviceAccountRoleArn` is likely passed: EKS writes the role into the cluster, where a pod
 * assumes it with its token.
 */
const EKS_PRINCIPAL = 'eks.amazonaws.com';

/** IAM's only region as a condition key (IAM User Guide, aws:RequestedRegion). */
const IAM_REGION = 'us-east-1';

/**
 * Global keys: aws:ViaAWSService is true "when a service uses the credentials of an IAM principal". EKS is not in the
 * documented list of services for aws:CalledVia; whether the key contains it nevertheless is not known.
 */
const ON_BEHALF = {
  'aws:ViaAWSService': 'true',
  'aws:CalledVia': [EKS_PRINCIPAL],
  'aws:CalledViaFirst': EKS_PRINCIPAL,
  'aws:CalledViaLast': EKS_PRINCIPAL,
};

const onBehalf = (permission: RequiredPermission): RequiredPermission => ({
  ...permission,
  context: { ...permission.context, ...ON_BEHALF },
});

/**
 * Returns the permission to pass a role. Passing is not a call, so the keys of calls on behalf do not apply. Tags of
 * the role are left out, since a condition on them "does not have reliable results" (IAM User Guide, "Grant a user
 * permissions to pass a role to an AWS service").
 */
const passRole = (call: EksCall, cluster: ClusterState, roleArn: string, service: string): RequiredPermission => ({
  action: 'iam:PassRole',
  resource: roleArn,
  context: {
    'iam:PassedToService': service,
    ...(call.world.knobs.associatedResourceArn === 'cluster' ? { 'iam:AssociatedResourceArn': cluster.arn } : {}),
  },
});

/**
 * Returns the permission for GetRole, whose error identifies the role by name
 * (terraform-aws-modules/terraform-aws-eks#2517).
 */
const getRole = (call: EksCall, roleArn: string): RequiredPermission =>
  onBehalf({
    action: 'iam:GetRole',
    resource: roleArn,
    named: `role ${roleArn.split('/').at(-1)}`,
    context: { ...roleTagKeys(findRole(call.world, roleArn)), 'aws:RequestedRegion': IAM_REGION },
  });

/**
 * Throws EksError unless the caller may associate roles with pods of the cluster, and annotate an add-on's service
 * accounts with `serviceAccountRoleArn`. Permissions to pass roles are checked before permissions to read them.
 */
export const requireRolePermissions = (
  call: EksCall,
  cluster: ClusterState,
  podRoleArns: readonly string[],
  serviceAccountRoleArn?: string,
): void => {
  const irsa = serviceAccountRoleArn === undefined ? [] : [serviceAccountRoleArn];
  const podRoles = [...new Set(podRoleArns)];
  for (const arn of irsa) requirePermission(call, passRole(call, cluster, arn, EKS_PRINCIPAL));
  for (const arn of podRoles) requirePermission(call, passRole(call, cluster, arn, call.world.knobs.passedToService));
  for (const arn of new Set([...irsa, ...podRoles])) requirePermission(call, getRole(call, arn));
};

/** Throws EksError unless the caller may delete the associations together with the add-on that owns them. */
export const requireDeletePermissions = (call: EksCall, associations: readonly AssociationState[]): void => {
  for (const association of associations)
    requirePermission(call, onBehalf(associationPermission('eks:DeletePodIdentityAssociation', association)));
};

/**
 * Throws EksError unless the caller may make the changes to an add-on's associations. Every role of the request is
 * passed; an association that does not change needs no further permission. The associations of a failed copy, which the
 * new copy takes over, are updated; how EKS does that is not documented.
 */
export const requireChangePermissions = (
  call: EksCall,
  cluster: ClusterState,
  { wanted, removed }: AssociationChanges = { wanted: [], removed: [] },
  serviceAccountRoleArn?: string,
): void => {
  const changing = wanted.filter(({ change }) => change !== 'keep');
  requireRolePermissions(
    call,
    cluster,
    wanted.map(({ roleArn }) => roleArn),
    serviceAccountRoleArn,
  );
  for (const association of changing) {
    if (association.change === 'update')
      requirePermission(call, onBehalf(associationPermission('eks:UpdatePodIdentityAssociation', association.current)));
    else requirePermission(call, onBehalf(clusterPermission('eks:CreatePodIdentityAssociation', cluster)));
  }
  requireDeletePermissions(call, [
    ...changing.flatMap((association) => (association.change === 'replace' ? [association.current] : [])),
    ...removed,
  ]);
};
