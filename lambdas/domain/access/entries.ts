/**
 * The access entries that map the service's roles to its Kubernetes groups, and their replacement for a cluster without
 * access entries.
 */
import { stringify } from 'yaml';
import { parseRoleArn } from '../aws/arn.ts';
import type { Purpose } from '../steps/work.ts';
import { ACCESS_GROUPS } from './rules.ts';

/** A role of the service, and the groups that it needs. */
export interface WantedEntry {
  principalArn: string;
  groups: string[];
}

/**
 * The roles in the stack's outputs: `all` call API servers, `restart` also restart workloads, `annotate` also change
 * service accounts.
 */
export interface ServiceRoles {
  all: readonly string[];
  restart: readonly string[];
  annotate: readonly string[];
}

/** Purposes that change objects. Their roles have the group of that purpose in addition to the group for reading. */
const CHANGES = ['restart', 'annotate'] as const satisfies readonly Purpose[];

export const wantedEntries = (roles: ServiceRoles): WantedEntry[] =>
  [...new Set([...roles.all, ...roles.restart, ...roles.annotate])].map((principalArn) => ({
    principalArn,
    groups: [
      ACCESS_GROUPS.read,
      ...CHANGES.filter((purpose) => roles[purpose].includes(principalArn)).map((purpose) => ACCESS_GROUPS[purpose]),
    ],
  }));

/** An access entry, as DescribeAccessEntry returns it. */
export interface FoundEntry {
  type: string;
  groups: string[];
}

export type EntryChange =
  | { do: 'create'; groups: string[] }
  | { do: 'nothing'; groups: string[] }
  /** `groups` is the complete list, since an update replaces it as a whole; `added` has the new groups. */
  | { do: 'update'; groups: string[]; added: string[] }
  | { do: 'refuse'; why: string; remedy: string };

/** Returns the change of an access entry. Groups that other tools or people have added stay. */
export const entryChange = ({ principalArn, groups }: WantedEntry, found: FoundEntry | undefined): EntryChange => {
  if (!found) return { do: 'create', groups };
  if (found.type !== 'STANDARD') {
    return {
      do: 'refuse',
      why: `the access entry of ${principalArn} has type ${found.type}, which does not support groups`,
      remedy:
        'This role belongs to nodes, and the service needs its own roles: name the roles of the stack PodIdentityMigrator',
    };
  }
  const added = groups.filter((group) => !found.groups.includes(group));
  return added.length === 0
    ? { do: 'nothing', groups: found.groups }
    : { do: 'update', groups: [...found.groups, ...added], added };
};

/**
 * Returns whether a cluster supports access entries. `mode` is its accessConfig.authenticationMode, which older clusters
 * do not have.
 */
export const takesAccessEntries = (mode: string | undefined): boolean =>
  mode === 'API' || mode === 'API_AND_CONFIG_MAP';

/** aws-auth needs a role's ARN without its path (github.com/kubernetes-sigs/aws-iam-authenticator/issues/268). */
const withoutPath = (arn: string): string => {
  const role = parseRoleArn(arn);
  return role ? `arn:${role.partition}:iam::${role.account}:role/${role.name}` : arn;
};

/**
 * Returns the YAML to add to `mapRoles` of the ConfigMap kube-system/aws-auth of a cluster that does not support access
 * entries. The user name includes the session name, so that the audit log distinguishes the functions.
 */
export const mapRolesOf = (entries: readonly WantedEntry[]): string =>
  stringify(
    entries.map(({ principalArn, groups }) => ({
      rolearn: withoutPath(principalArn),
      username: 'pod-identity-migrator:{{SessionName}}',
      groups,
    })),
    { lineWidth: 0 },
  );
