/** Derived values and checks of access entries. Rules: EKS User Guide, "Create access entries". */
import { createHash } from 'node:crypto';
import { defaultUsername } from '../kubernetes/access.ts';
import { findRole } from '../world/world.ts';
import type { AccessEntryState, ClusterState } from '../world/world.ts';
import { arnPrefix, requireCluster } from './call.ts';
import type { EksCall } from './call.ts';
import { EksError } from './errors.ts';

/** API reference of CreateAccessEntry. */
const TYPES = ['STANDARD', 'EC2', 'EC2_LINUX', 'EC2_WINDOWS', 'FARGATE_LINUX', 'HYBRID_LINUX', 'HYPERPOD_LINUX'];
/**
 * Groups that EKS assigns to nodes. The group of EC2_LINUX is documented (AWS CLI, create-access-entry), the others are
 * likely.
 */
const NODE_GROUPS: Record<string, string[]> = {
  EC2_WINDOWS: ['eks:kube-proxy-windows', 'system:nodes'],
  FARGATE_LINUX: ['system:bootstrappers', 'system:node-proxier', 'system:nodes'],
};
/** Types that can have access policies: nodes of Auto Mode need one (terraform-aws-modules/terraform-aws-eks#3274). */
const TYPES_WITH_POLICIES = ['STANDARD', 'EC2'];

const PRINCIPAL = /^arn:[\w-]+:iam::\d{12}:(role|user)\/[\x21-\x7e]+$/;
const RESERVED_USERNAME = /^(system|eks|aws|amazon|iam):/;
const SESSION_NAME = /\{\{SessionName(Raw)?\}\}/;

/** Returns kind, account and name (without path) of an IAM principal. */
export const partsOf = (principalArn: string): { kind: 'role' | 'user'; account: string; name: string } => {
  const [, , , , account = '', resource = ''] = principalArn.split(':');
  return { kind: resource.startsWith('user/') ? 'user' : 'role', account, name: resource.split('/').at(-1) ?? '' };
};

export const usernameOf = (entry: AccessEntryState): string => entry.username ?? defaultUsername(entry);

/**
 * Returns an entry's ARN. Its UUID is derived from immutable properties of the entry, so that the world does not have
 * to store it.
 */
export const entryArn = (cluster: ClusterState, entry: AccessEntryState): string => {
  const { kind, account, name } = partsOf(entry.principalArn);
  const hex = createHash('sha256').update(`${cluster.arn} ${entry.principalArn} ${entry.createdAt}`).digest('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
  return `${arnPrefix(cluster)}:access-entry/${cluster.name}/${kind}/${account}/${name}/${uuid}`;
};

export const nodeGroups = (type: string): string[] =>
  type === 'STANDARD' ? [] : (NODE_GROUPS[type] ?? ['system:nodes']);

/**
 * Returns the cluster. Throws EksError if its authentication mode does not support access entries. Message:
 * aws-ia/terraform-aws-eks-blueprints#1877; for reads: upbound/configuration-aws-eks#122.
 */
export const requireEntryCluster = (call: EksCall, name: string): ClusterState => {
  const cluster = requireCluster(call, name);
  if (cluster.authenticationMode !== 'CONFIG_MAP') return cluster;
  throw new EksError(
    'InvalidRequestException',
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
    { clusterName: name },
  );
};

export const requireEntry = (cluster: ClusterState, principalArn: string): AccessEntryState => {
  const entry = cluster.accessEntries.get(principalArn);
  // terraform-aws-modules/terraform-aws-eks#3024.
  if (!entry)
    throw new EksError(
      'ResourceNotFoundException',
      "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.",
      { clusterName: cluster.name },
    );
  return entry;
};

/** Throws EksError if the entry's type does not allow the operation. Message: aws-controllers-k8s/community#2144. */
export const requireStandard = (
  cluster: ClusterState,
  entry: AccessEntryState,
  options: { policies: boolean },
): void => {
  if (entry.type === 'STANDARD' || (options.policies && TYPES_WITH_POLICIES.includes(entry.type))) return;
  throw new EksError(
    'InvalidParameterException',
    'This operation can only be performed on Access Entries with a type of "STANDARD".',
    { clusterName: cluster.name },
  );
};

/**
 * Returns whether a principal exists. The world knows the roles of its own accounts and the roles that call in it;
 * users and principals of other accounts are assumed to exist.
 */
const exists = (call: EksCall, principalArn: string): boolean => {
  const { kind, account } = partsOf(principalArn);
  if (kind === 'user' || !call.world.accounts.has(account)) return true;
  return (
    findRole(call.world, principalArn) !== undefined ||
    [...call.world.accessKeys.values()].some((key) => key.principalArn === principalArn)
  );
};

/** Throws EksError for a principal that cannot have an entry of that type. */
export const checkPrincipal = (call: EksCall, cluster: ClusterState, principalArn: string, type: string): void => {
  const refuse = (message: string): EksError =>
    new EksError('InvalidParameterException', message, { clusterName: cluster.name });
  // aws-samples/appmod-blueprints#319 shows the error for the ARN of an assumed role.
  if (!PRINCIPAL.test(principalArn)) throw refuse('The principalArn parameter format is not valid');
  const { kind, account } = partsOf(principalArn);
  // hashicorp/terraform-provider-aws#36447.
  if (principalArn.includes(':role/aws-service-role/'))
    throw refuse(
      'The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role',
    );
  // AWS's messages for these two are not known.
  if (!TYPES.includes(type)) throw refuse(`The type ${type} is not valid. Valid types are: ${TYPES.join(', ')}.`);
  if (type !== 'STANDARD' && (kind === 'user' || account !== cluster.account))
    throw refuse(`An access entry of type ${type} needs the ARN of an IAM role of the cluster's own account.`);
  // terraform-aws-modules/terraform-aws-eks#2969.
  if (!exists(call, principalArn)) throw refuse('The specified principalArn is invalid: invalid principal.');
};

/** Checks the Kubernetes username and groups in a request. Throws EksError if they are not allowed. */
export const checkIdentity = (
  cluster: ClusterState,
  type: string,
  input: { username?: string; kubernetesGroups?: string[] },
): void => {
  const refuse = (message: string): EksError =>
    new EksError('InvalidParameterException', message, { clusterName: cluster.name });
  const { username, kubernetesGroups = [] } = input;
  if (type !== 'STANDARD' && (username !== undefined || kubernetesGroups.length > 0)) {
    throw refuse(
      `username and kubernetesGroups can only be specified for access entries of type STANDARD, not ${type}.`,
    );
  }
  const reserved = kubernetesGroups.find((group) => group.startsWith('system:'));
  // terraform-aws-modules/terraform-aws-eks#2915.
  if (reserved !== undefined)
    throw refuse(`The kubernetes group name ${reserved} is invalid, it cannot start with system:`);
  if (username === undefined) return;
  // The rules are documented; AWS's messages are not known.
  if (RESERVED_USERNAME.test(username))
    throw refuse(`The username ${username} is invalid, it cannot start with system:, eks:, aws:, amazon: or iam:`);
  const session = SESSION_NAME.exec(username);
  if (session && !username.slice(0, session.index).includes(':'))
    throw refuse(`The username ${username} is invalid, it must include a colon before ${session[0]}.`);
};
