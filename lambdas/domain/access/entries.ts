/**
 * The access entries that put the service's roles into its groups, and what stands in for them where a cluster knows
 * none.
 */
import { stringify } from 'yaml';
import { parseRoleArn } from '../aws/arn.ts';
import { ACCESS_GROUPS, type Purpose } from './rules.ts';

/** A role of the service, and the groups that it has to be in. */
export interface WantedEntry {
  principalArn: string;
  groups: string[];
}

/**
 * Roles by the outputs of the stack: `all` call API servers, `restart` restart workloads there too, `annotate` change
 * service accounts.
 */
export interface ServiceRoles {
  all: readonly string[];
  restart: readonly string[];
  annotate: readonly string[];
}

/** Those that change something there: each has one of the groups beside that for reading. */
const CHANGES = ['restart', 'annotate'] as const satisfies readonly Purpose[];

export const wantedEntries = (roles: ServiceRoles): WantedEntry[] =>
  [...new Set([...roles.all, ...roles.restart, ...roles.annotate])].map((principalArn) => ({
    principalArn,
    groups: [
      ACCESS_GROUPS.read,
      ...CHANGES.filter((purpose) => roles[purpose].includes(principalArn)).map((purpose) => ACCESS_GROUPS[purpose]),
    ],
  }));

/** An access entry, as DescribeAccessEntry gives it. */
export interface FoundEntry {
  type: string;
  groups: string[];
}

export type EntryChange =
  | { do: 'create'; groups: string[] }
  | { do: 'nothing'; groups: string[] }
  /** `groups`: all that it shall have then, since an update replaces the whole list; `added`: those that are new. */
  | { do: 'update'; groups: string[]; added: string[] }
  | { do: 'refuse'; why: string; remedy: string };

/** Groups that somebody else has put there stay. */
export const entryChange = ({ principalArn, groups }: WantedEntry, found: FoundEntry | undefined): EntryChange => {
  if (!found) return { do: 'create', groups };
  if (found.type !== 'STANDARD') {
    return {
      do: 'refuse',
      why: `the access entry of ${principalArn} is of type ${found.type}, which takes no groups`,
      remedy:
        'That is the role of nodes, and the service needs roles of its own: name those of the stack PodIdentityMigrator',
    };
  }
  const added = groups.filter((group) => !found.groups.includes(group));
  return added.length === 0
    ? { do: 'nothing', groups: found.groups }
    : { do: 'update', groups: [...found.groups, ...added], added };
};

/**
 * Whether a cluster takes access entries; `mode`: its accessConfig.authenticationMode, which clusters of before them
 * leave out.
 */
export const takesAccessEntries = (mode: string | undefined): boolean =>
  mode === 'API' || mode === 'API_AND_CONFIG_MAP';

/** aws-auth knows a role without its path (github.com/kubernetes-sigs/aws-iam-authenticator/issues/268). */
const withoutPath = (arn: string): string => {
  const role = parseRoleArn(arn);
  return role ? `arn:${role.partition}:iam::${role.account}:role/${role.name}` : arn;
};

/**
 * What to add to `mapRoles` of the ConfigMap kube-system/aws-auth, YAML, where a cluster takes no access entries. The
 * session's name is in the user's, so that the audit log tells the functions apart.
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
