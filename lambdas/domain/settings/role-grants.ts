/** The deployment's setting `roleGrants`: which roles its owners have agreed to give to which service accounts. */
import { z } from 'zod';
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import { matchesWildcard } from '../policy/index.ts';

/**
 * One entry of the setting: each role of `roles` may be given to each of `serviceAccounts` (`namespace/name`) in each
 * of
 * `clusters`. All are patterns in which `*` stands for any text and `?` for any one character. Roles are ARNs, or begin
 * with `role/` for roles of each cluster's own account. Clusters are ARNs, or begin with `cluster/` for clusters in any
 * location that the service works in.
 */
export const roleGrant = z.strictObject({
  roles: z.array(z.string().min(1)).min(1),
  clusters: z.array(z.string().min(1)).min(1),
  serviceAccounts: z.array(z.string().min(1)).min(1),
});
export type RoleGrant = z.output<typeof roleGrant>;

/** A service account of a cluster that a role may be given to. */
export interface GrantSubject {
  target: Target;
  namespace: string;
  serviceAccount: string;
}

/** Matches the namespace and the name separately, so that no wildcard spans both. */
function matchesAccount(pattern: string, { namespace, serviceAccount }: GrantSubject): boolean {
  const [ofNamespace = '', ofName = ''] = pattern.split('/');
  return matchesWildcard(ofNamespace, namespace) && matchesWildcard(ofName, serviceAccount);
}

const matchesCluster = (pattern: string, { target }: GrantSubject): boolean =>
  pattern.startsWith('cluster/')
    ? matchesWildcard(pattern, `cluster/${target.cluster}`)
    : matchesWildcard(pattern, clusterArn(target));

/** Returns whether an entry names the role and the subject. `grants` must come from `settingsFor` for the account. */
export const isGranted = (grants: readonly RoleGrant[], roleArn: string, subject: GrantSubject): boolean =>
  grants.some(
    ({ roles, clusters, serviceAccounts }) =>
      roles.some((pattern) => matchesWildcard(pattern, roleArn)) &&
      clusters.some((pattern) => matchesCluster(pattern, subject)) &&
      serviceAccounts.some((pattern) => matchesAccount(pattern, subject)),
  );

/** Returns the entry for exactly this role and this subject, as written in the configuration. */
export const grantFor = (roleArn: string, { target, namespace, serviceAccount }: GrantSubject): RoleGrant => ({
  roles: [roleArn],
  clusters: [clusterArn(target)],
  serviceAccounts: [`${namespace}/${serviceAccount}`],
});
