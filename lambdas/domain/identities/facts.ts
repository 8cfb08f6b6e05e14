/** What a report on identities is made of, as it was read, and which of it belongs to a workload. */
import { parseRoleArn } from '../aws/arn.ts';
import type { Cluster } from '../aws/eks.ts';
import type { ServiceAccount } from '../kubernetes/objects.ts';
import type { Association, Target } from '../migration/model.ts';
import type { ParsedPolicy } from '../policy/index.ts';
import type { WorkloadTally } from './tally.ts';

/** An installed EKS add-on. */
export interface AddonFact {
  name: string;
  version: string;
  /** Where its service accounts live; absent where that is not known, and then no workload counts as its own. */
  namespace?: string;
  /** False for one that is known to call no AWS API. */
  needsIam: boolean;
  /** Service accounts that the installed version takes associations for; absent where that could not be read. */
  podIdentity?: string[];
}

/** A role of the cluster's account. `missing`: IAM has none of that ARN. `unread`: it may not be read. */
export type RoleFact = { trust: ParsedPolicy } | 'missing' | 'unread';

export interface AgentFact {
  /** Status of its add-on; absent where that is not installed. */
  addonStatus?: string;
  /** Its DaemonSet, whoever installed it. */
  workload?: { desired: number; ready: number };
  /** Why one of both could not be read. */
  error?: string;
}

/** Absent lists could not be read: `unread` says why. */
export interface IdentityFacts {
  target: Target;
  takenAt: string;
  namespace?: string;
  cluster: Cluster;
  workloads: WorkloadTally[];
  serviceAccounts?: ServiceAccount[];
  /** Those of service accounts that have pods, whole. */
  associations?: Association[];
  addons?: AddonFact[];
  agent: AgentFact;
  /** By ARN, those that `rolesToRead` names. */
  roles: ReadonlyMap<string, RoleFact>;
  /** Roles of the cluster's Linux nodes on EC2; absent where they are not known. */
  nodeRoles?: string[];
  /** Of a look at all roles of the account: by ARN. */
  trusting?: ReadonlyMap<string, ParsedPolicy>;
  unread: { what: string; why: string }[];
}

type Account = Pick<WorkloadTally, 'namespace' | 'serviceAccount'>;

/** One key for a service account: names have no slash. */
export const accountKey = ({ namespace, serviceAccount }: Account): string => `${namespace}/${serviceAccount}`;

/** Looks a workload's own facts up, in maps that are made once: a cluster may have thousands of each. */
export interface OwnFacts {
  association(account: Account): Association | undefined;
  annotatedRole(account: Account): string | undefined;
  addon(workload: WorkloadTally): AddonFact | undefined;
}

/**
 * The add-on of a workload: by a service account that EKS says the add-on has, else in the add-on's namespace by the
 * name that the add-on's charts put on their pods, or by its own name.
 */
const addonOf = (
  addons: readonly AddonFact[],
  { namespace, serviceAccount, labels, name }: WorkloadTally,
): AddonFact | undefined => {
  const there = addons.filter((addon) => addon.namespace === namespace);
  return (
    there.find(({ podIdentity }) => podIdentity?.includes(serviceAccount) === true) ??
    there.find((addon) => labels.has(addon.name) || addon.name === name)
  );
};

export const ownFacts = ({
  serviceAccounts = [],
  associations = [],
  addons = [],
}: Pick<IdentityFacts, 'serviceAccounts' | 'associations' | 'addons'>): OwnFacts => {
  const associated = new Map(associations.map((one) => [accountKey(one), one]));
  const annotated = new Map<string, string>();
  for (const { namespace, name, roleArn } of serviceAccounts)
    if (roleArn !== undefined) annotated.set(accountKey({ namespace, serviceAccount: name }), roleArn);
  return {
    association: (account) => associated.get(accountKey(account)),
    annotatedRole: (account) => annotated.get(accountKey(account)),
    addon: (workload) => addonOf(addons, workload),
  };
};

/**
 * The roles that a workload would use by Pod Identity: its association's, else those that it has by IRSA, which an
 * association would name.
 */
export function wantedRoles(workload: WorkloadTally, own: OwnFacts): string[] {
  const association = own.association(workload);
  if (association) return [association.roleArn];
  const annotated = own.annotatedRole(workload);
  return [...new Set([...workload.irsaRoles.keys(), ...(annotated === undefined ? [] : [annotated])])];
}

/** The cluster's account is the only one whose roles EKS takes, and whose roles the caller may read. */
export const isOfAccount = (roleArn: string, { account }: Pick<Target, 'account'>): boolean =>
  parseRoleArn(roleArn)?.account === account;

/** Each once, in order. */
export const rolesToRead = (
  facts: Pick<IdentityFacts, 'target' | 'workloads' | 'serviceAccounts' | 'associations' | 'addons'>,
): string[] => {
  const own = ownFacts(facts);
  const wanted = facts.workloads.flatMap((workload) => wantedRoles(workload, own));
  return [...new Set(wanted)].filter((arn) => isOfAccount(arn, facts.target)).sort();
};
