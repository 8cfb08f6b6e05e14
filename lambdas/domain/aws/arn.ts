import { partitionOf } from './partitions.ts';
import { issuerName } from '../policy/index.ts';

/** The parts of the ARN of an IAM role. */
export interface RoleArn {
  partition: string;
  account: string;
  /** With leading and trailing slash: `/` or `/team/`. */
  path: string;
  name: string;
}

/**
 * The maximum length of a role's ARN: a path can have up to 512 characters, but EKS accepts no longer ARN than this
 * (EKS
 * API model, RoleArn).
 */
export const MAX_ROLE_ARN = 255;

/**
 * IAM accepts every printable character in the path of a role, and gives none of them a meaning. Here a path may
 * contain
 * only the characters of names, as IAM requires for the path of a policy (IAM API model, policyPathType). This excludes
 * `*` and `?`, which are wildcards in an allow-list, `$`, quotes and `//`.
 */
const ROLE_ARN = /^arn:(aws(?:-[a-z]+)*):iam::(\d{12}):role(\/(?:[A-Za-z0-9_+=,.@-]+\/)*)([A-Za-z0-9_+=,.@-]{1,64})$/;
/** Path segments `.` and `..`. They are not resolved, but a reader of `role/eks-addons/../admin` may think so. */
const DOTS = /\/\.\.?(?:\/|$)/;

/**
 * Returns a pattern for a path segment of at most `most` characters that is neither `.` nor `..`. It has no lookahead,
 * which not all regular expression engines support.
 */
const partOf = (most: number | ''): string => {
  const [any, noDot] = ['[A-Za-z0-9_+=,.@-]', '[A-Za-z0-9_+=,@-]'];
  const up = (taken: number): string => `{0,${most === '' ? '' : most - taken}}`;
  return String.raw`(${noDot}${any}${up(1)}|\.${noDot}${any}${up(2)}|\.\.${noDot}${any}${up(3)}|\.\.\.${any}${up(3)})`;
};
/** The same rules as one pattern, for systems that check inputs before they reach the service. */
export const ROLE_ARN_PATTERN = String.raw`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/(${partOf('')}/)*${partOf(64)}$`;

/** Parses the ARN of a role. Returns `undefined` if it is not the ARN of a role that the service accepts. */
export function parseRoleArn(arn: string): RoleArn | undefined {
  const match = arn.length > MAX_ROLE_ARN || DOTS.test(arn) ? undefined : ROLE_ARN.exec(arn);
  if (!match) return undefined;
  const [, partition = '', account = '', path = '/', name = ''] = match;
  return { partition, account, path, name };
}

/** Returns the ARN of an EKS resource, such as `cluster/dev`. */
export const eksArn = ({ account, region }: { account: string; region: string }, resource: string): string =>
  `arn:${partitionOf(region)}:eks:${region}:${account}:${resource}`;

export const clusterArn = (target: { account: string; region: string; cluster: string }): string =>
  eksArn(target, `cluster/${target.cluster}`);

/** Parses the ARN of a cluster. Returns `undefined` for other ARNs, and if the partition does not match the region. */
export function parseClusterArn(arn: string): { account: string; region: string; cluster: string } | undefined {
  const match = /^arn:aws[a-z-]*:eks:([a-z0-9-]+):(\d{12}):cluster\/([0-9A-Za-z][\w-]{0,99})$/.exec(arn);
  if (!match) return undefined;
  const [, region = '', account = '', cluster = ''] = match;
  const target = { account, region, cluster };
  return clusterArn(target) === arn ? target : undefined;
}

/** Returns the ARN of the IAM OIDC provider for an issuer, in the cluster's account. */
export const oidcProviderArn = (target: { account: string; region: string }, issuer: string): string =>
  `arn:${partitionOf(target.region)}:iam::${target.account}:oidc-provider/${issuerName(issuer)}`;

/**
 * Returns whether an association's owner is that add-on of that cluster, regardless of which copy: each create has a
 * new
 * UUID.
 */
export const isOwnedBy = (ownerArn: string | undefined, cluster: string, addon: string): boolean =>
  ownerArn !== undefined && ownerArn.includes(`:addon/${cluster}/${addon}/`);

/** Returns the name of a Step Functions execution from its ARN. */
export const executionName = (executionArn: string): string => executionArn.slice(executionArn.lastIndexOf(':') + 1);
