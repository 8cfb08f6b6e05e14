/** The deployment's setting `roleGrants`: which roles its owners have agreed to give to which service accounts. */
import { z } from 'zod';
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../migration/request.ts';
import { matchesWildcard } from '../policy/index.ts';

/**
 * One entry, as the functions read it: each role of `roles` may be given to each of `serviceAccounts`
 * (`namespace/name`) in each of `clusters`. All are patterns in which `*` stands for any text and `?` for any one
 * character. Roles are ARNs, those that begin with `role/` of each cluster's own account; clusters are ARNs, those that
 * begin with `cluster/` of any account and region that the service works in.
 */
export const roleGrant = z.strictObject({
  roles: z.array(z.string().min(1)).min(1),
  clusters: z.array(z.string().min(1)).min(1),
  serviceAccounts: z.array(z.string().min(1)).min(1),
});
export type RoleGrant = z.output<typeof roleGrant>;

/** The service account of a cluster that is to get a role. */
export interface GrantSubject {
  target: Target;
  namespace: string;
  serviceAccount: string;
}

/** A namespace and a name are matched apart: no wildcard of the one reaches into the other. */
function matchesAccount(pattern: string, { namespace, serviceAccount }: GrantSubject): boolean {
  const [ofNamespace = '', ofName = ''] = pattern.split('/');
  return matchesWildcard(ofNamespace, namespace) && matchesWildcard(ofName, serviceAccount);
}

const matchesCluster = (pattern: string, { target }: GrantSubject): boolean =>
  pattern.startsWith('cluster/')
    ? matchesWildcard(pattern, `cluster/${target.cluster}`)
    : matchesWildcard(pattern, clusterArn(target));

/** Returns whether an entry names the role and the subject. `grants`: as `settingsFor` makes them for the account. */
export const isGranted = (grants: readonly RoleGrant[], roleArn: string, subject: GrantSubject): boolean =>
  grants.some(
    ({ roles, clusters, serviceAccounts }) =>
      roles.some((pattern) => matchesWildcard(pattern, roleArn)) &&
      clusters.some((pattern) => matchesCluster(pattern, subject)) &&
      serviceAccounts.some((pattern) => matchesAccount(pattern, subject)),
  );

/** Returns the entry that would name exactly this role and this subject, as it is written in the configuration. */
export const grantFor = (roleArn: string, { target, namespace, serviceAccount }: GrantSubject): RoleGrant => ({
  roles: [roleArn],
  clusters: [clusterArn(target)],
  serviceAccounts: [`${namespace}/${serviceAccount}`],
});
