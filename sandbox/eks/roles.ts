/** EKS's checks of a role before it accepts it. */
import {
  evaluatePodIdentity,
  matchesWildcard,
  POD_IDENTITY_PRINCIPAL,
  type Statement,
} from '../../lambdas/domain/policy/index.ts';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { trustPolicy } from '../permission/decide.ts';
import { seenTrustPolicy } from '../trust/roles.ts';
import { findRole, type ClusterState, type World } from '../world/world.ts';
import { EksError, type ErrorFields } from './errors.ts';

const PODS_ACTIONS = ['sts:AssumeRole', 'sts:TagSession'];

/**
 * Throws EksError for a role of another account, and for text that is not an ARN: most users get this message for an
 * empty `serviceAccountRoleArn` (hashicorp/terraform-provider-aws#30645, eksctl-io/eksctl#8718).
 */
export const checkRoleAccount = (account: string, roleArn: string | undefined): void => {
  if (roleArn === undefined) return;
  const [arn, , service, , owner] = roleArn.split(':');
  if (arn !== 'arn' || service !== 'iam' || owner !== account)
    throw new EksError('AccessDeniedException', 'Cross-account pass role is not allowed.');
};

const covers = ({ action }: Statement, wanted: string): boolean =>
  action.patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), wanted.toLowerCase())) !== action.negated;

const namesPods = ({ principals }: Statement): boolean =>
  principals?.negated === false &&
  (principals.everybody || (principals.named.get('Service') ?? []).includes(POD_IDENTITY_PRINCIPAL));

/**
 * Returns whether statements of a trust policy allow both actions for the pods' principal. The check is structural, as
 * EKS's own check seems to be: conditions and denies are not evaluated here, but later by STS, when the agent requests
 * credentials.
 */
export const trustsPods = (text: string): boolean => {
  const policy = trustPolicy(text);
  const allowing = policy.valid
    ? policy.statements.filter((statement) => statement.effect === 'Allow' && namesPods(statement))
    : [];
  return PODS_ACTIONS.every((action) => allowing.some((statement) => covers(statement, action)));
};

/** The service account of an association, for which its role is checked. */
export interface RoleUse {
  cluster: ClusterState;
  namespace: string;
  serviceAccount: string;
  disableSessionTags?: boolean | undefined;
}

/**
 * Returns whether the trust policy allows EKS Auth to assume the role. Conditions that depend on the pod are unknown
 * when an association is created, so EKS could not refuse the role because of them, even if STS does later.
 */
const evaluatesForPods = (
  text: string,
  { cluster, namespace, serviceAccount, disableSessionTags }: RoleUse,
): boolean => {
  const { verdict } = evaluatePodIdentity(trustPolicy(text), {
    clusterArn: clusterArn({ account: cluster.account, region: cluster.region, cluster: cluster.name }),
    namespace,
    serviceAccount,
    ...(disableSessionTags === undefined ? {} : { disableSessionTags }),
  });
  return verdict === 'allowed' || verdict === 'unknown';
};

/**
 * Throws EksError for a role that an association cannot have (hashicorp/terraform-provider-aws#34711 and #41483,
 * aws/aws-cdk#31522).
 */
export const checkAssociationRole = (world: World, roleArn: string, use: RoleUse, fields: ErrorFields): void => {
  checkRoleAccount(use.cluster.account, roleArn);
  const role = findRole(world, roleArn);
  const tooYoung = role !== undefined && world.schedule.now() - role.createdAt < world.knobs.iamLagSeconds * 1000;
  if (!role || tooYoung)
    throw new EksError('InvalidParameterException', 'Role provided in the request does not exist.', fields);
  const trust = seenTrustPolicy(world, role);
  const accepted = world.knobs.trustValidation === 'evaluated' ? evaluatesForPods(trust, use) : trustsPods(trust);
  if (!accepted)
    throw new EksError('InvalidParameterException', 'Trust policy of the role provided is invalid', fields);
};
