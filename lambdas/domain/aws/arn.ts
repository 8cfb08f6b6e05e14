import { partitionOf } from './partitions.ts';
import { issuerName } from '../policy/index.ts';

/** Parts of an IAM role's ARN. */
export interface RoleArn {
  partition: string;
  account: string;
  /** With leading and trailing slash: `/` or `/team/`. */
  path: string;
  name: string;
}

/**
 * The longest that an ARN of a role may be: its path has up to 512 characters, but EKS takes no more than this (EKS API
 * model, RoleArn).
 */
export const MAX_ROLE_ARN = 255;

/**
 * Of paths IAM takes every printable character, and none of them means anything to it. Here a path has the characters
 * of names alone, as IAM wants it of the path of a policy (IAM API model, policyPathType): what is left out are `*` and
 * `?`, which stand for other text in the pattern of an allow-list, `$` and quotes, and `//`.
 */
const ROLE_ARN = /^arn:(aws(?:-[a-z]+)*):iam::(\d{12}):role(\/(?:[A-Za-z0-9_+=,.@-]+\/)*)([A-Za-z0-9_+=,.@-]{1,64})$/;
/** Nothing resolves them, but whoever reads `role/eks-addons/../admin` may think so. */
const DOTS = /\/\.\.?(?:\/|$)/;

/** A part of a path that is neither `.` nor `..`, of at most so many characters: without lookahead, which not all know. */
const partOf = (most: number | ''): string => {
  const [any, noDot] = ['[A-Za-z0-9_+=,.@-]', '[A-Za-z0-9_+=,@-]'];
  const up = (taken: number): string => `{0,${most === '' ? '' : most - taken}}`;
  return String.raw`(${noDot}${any}${up(1)}|\.${noDot}${any}${up(2)}|\.\.${noDot}${any}${up(3)}|\.\.\.${any}${up(3)})`;
};
/** All of this as one pattern, for what checks inputs before they come here. */
export const ROLE_ARN_PATTERN = String.raw`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/(${partOf('')}/)*${partOf(64)}$`;

/** Undefined for what is not the ARN of a role that the service would use. */
export function parseRoleArn(arn: string): RoleArn | undefined {
  const match = arn.length > MAX_ROLE_ARN || DOTS.test(arn) ? undefined : ROLE_ARN.exec(arn);
  if (!match) return undefined;
  const [, partition = '', account = '', path = '/', name = ''] = match;
  return { partition, account, path, name };
}

/** Of something in EKS, such as `cluster/dev`. */
export const eksArn = ({ account, region }: { account: string; region: string }, resource: string): string =>
  `arn:${partitionOf(region)}:eks:${region}:${account}:${resource}`;

export const clusterArn = (target: { account: string; region: string; cluster: string }): string =>
  eksArn(target, `cluster/${target.cluster}`);

/** The cluster that an ARN names; undefined where it is none, or its partition is not the region's. */
export function parseClusterArn(arn: string): { account: string; region: string; cluster: string } | undefined {
  const match = /^arn:aws[a-z-]*:eks:([a-z0-9-]+):(\d{12}):cluster\/([0-9A-Za-z][\w-]{0,99})$/.exec(arn);
  if (!match) return undefined;
  const [, region = '', account = '', cluster = ''] = match;
  const target = { account, region, cluster };
  return clusterArn(target) === arn ? target : undefined;
}

/** IAM's OIDC provider for an issuer, in the cluster's account. */
export const oidcProviderArn = (target: { account: string; region: string }, issuer: string): string =>
  `arn:${partitionOf(target.region)}:iam::${target.account}:oidc-provider/${issuerName(issuer)}`;

/**
 * Whether an association's owner is that add-on of that cluster, whichever of its incarnations: each create makes a new
 * UUID.
 */
export const isOwnedBy = (ownerArn: string | undefined, cluster: string, addon: string): boolean =>
  ownerArn !== undefined && ownerArn.includes(`:addon/${cluster}/${addon}/`);

/** Returns the name of a Step Functions execution from its ARN. */
export const executionName = (executionArn: string): string => executionArn.slice(executionArn.lastIndexOf(':') + 1);
