/**
 * The caller's rights that EKS needs beside the one to the operation: to pass roles, and to what EKS calls on the
 * caller's behalf. Which they are: the handlers' permissions in the CloudFormation schemas of AWS::EKS::Addon and
 * AWS::EKS::PodIdentityAssociation; the EKS User Guide speaks of iam:PassRole alone. All are judged before anything
 * changes. In which order, and before which other refusals, nobody says.
 *
 * A target role is not passed: the associated role assumes it, "the Target IAM Role can be in any AWS account" (EKS
 * User Guide, "Access AWS Resources using EKS Pod Identity Target IAM Roles"), and a role can only be passed in its
 * own.
 */
import type { Asked } from '../authorization/asked.ts';
import { roleTagKeys } from '../iam/authorization.ts';
import { findRole } from '../world/world.ts';
import type { AssociationState, ClusterState } from '../world/world.ts';
import type { AssociationChanges } from './association-state.ts';
import { associationRight, clusterRight } from './authorization.ts';
import { requireRight } from './call.ts';
import type { EksCall } from './call.ts';

/**
 * Likely: what `serviceAccountRoleArn` is passed to; EKS writes it into the cluster, and a token of the pod assumes it.
 */
const EKS_PRINCIPAL = 'eks.amazonaws.com';

/** IAM has one region, as the door sees it; source: IAM User Guide, aws:RequestedRegion. */
const IAM_REGION = 'us-east-1';

/**
 * Global keys: aws:ViaAWSService is true "when a service uses the credentials of an IAM principal". The list of
 * services that aws:CalledVia names does not have EKS; whether EKS is in the key all the same is not known.
 */
const ON_BEHALF = {
  'aws:ViaAWSService': 'true',
  'aws:CalledVia': [EKS_PRINCIPAL],
  'aws:CalledViaFirst': EKS_PRINCIPAL,
  'aws:CalledViaLast': EKS_PRINCIPAL,
};

const onBehalf = (asked: Asked): Asked => ({ ...asked, context: { ...asked.context, ...ON_BEHALF } });

/**
 * No call, so nothing is called on behalf. Tags of the role are left out: IAM User Guide, "Grant a user permissions to
 * pass a role to an AWS service", says that a condition on them "does not have reliable results".
 */
const passRole = (call: EksCall, cluster: ClusterState, roleArn: string, service: string): Asked => ({
  action: 'iam:PassRole',
  resource: roleArn,
  context: {
    'iam:PassedToService': service,
    ...(call.world.knobs.associatedResourceArn === 'cluster' ? { 'iam:AssociatedResourceArn': cluster.arn } : {}),
  },
});

/** IAM names a role by its name where it refuses GetRole: terraform-aws-modules/terraform-aws-eks#2517. */
const getRole = (call: EksCall, roleArn: string): Asked =>
  onBehalf({
    action: 'iam:GetRole',
    resource: roleArn,
    named: `role ${roleArn.split('/').at(-1)}`,
    context: { ...roleTagKeys(findRole(call.world, roleArn)), 'aws:RequestedRegion': IAM_REGION },
  });

/**
 * To give these roles to pods of the cluster, and that one to its add-on's service account: passes first, then reads.
 */
export const requireRoleRights = (
  call: EksCall,
  cluster: ClusterState,
  podRoleArns: readonly string[],
  serviceAccountRoleArn?: string,
): void => {
  const irsa = serviceAccountRoleArn === undefined ? [] : [serviceAccountRoleArn];
  const podRoles = [...new Set(podRoleArns)];
  for (const arn of irsa) requireRight(call, passRole(call, cluster, arn, EKS_PRINCIPAL));
  for (const arn of podRoles) requireRight(call, passRole(call, cluster, arn, call.world.knobs.passedToService));
  for (const arn of new Set([...irsa, ...podRoles])) requireRight(call, getRole(call, arn));
};

/** To delete these associations with the add-on that owns them. */
export const requireDeleteRights = (call: EksCall, associations: readonly AssociationState[]): void => {
  for (const association of associations)
    requireRight(call, onBehalf(associationRight('eks:DeletePodIdentityAssociation', association)));
};

/**
 * To make these changes to an add-on's associations: every role of the request is passed, one that stays as it is needs
 * no right to itself. Over a failed copy, whose associations the new one takes over, they are updated: how EKS does
 * that, nobody says.
 */
export const requireChangeRights = (
  call: EksCall,
  cluster: ClusterState,
  { wanted, removed }: AssociationChanges = { wanted: [], removed: [] },
  serviceAccountRoleArn?: string,
): void => {
  const changing = wanted.filter(({ change }) => change !== 'keep');
  requireRoleRights(
    call,
    cluster,
    wanted.map(({ roleArn }) => roleArn),
    serviceAccountRoleArn,
  );
  for (const association of changing) {
    if (association.change === 'update')
      requireRight(call, onBehalf(associationRight('eks:UpdatePodIdentityAssociation', association.held)));
    else requireRight(call, onBehalf(clusterRight('eks:CreatePodIdentityAssociation', cluster)));
  }
  requireDeleteRights(call, [
    ...changing.flatMap((association) => (association.change === 'remake' ? [association.held] : [])),
    ...removed,
  ]);
};
