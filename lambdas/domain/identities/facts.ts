/** The facts for a report on identities, and the lookup of those that belong to a workload. */
import { accountOf, type Target } from '../terms/subject.ts';
import { parseRoleArn } from '../aws/arn.ts';
import type { Cluster } from '../aws/eks.ts';
import type { ServiceAccount } from '../kubernetes/objects.ts';
import type { Association } from '../terms/observed.ts';
import type { ParsedPolicy } from '../policy/index.ts';
import type { WorkloadTally } from './tally.ts';

/** An installed EKS add-on. */
export interface AddonFact {
  name: string;
  version: string;
  /** Namespace of its service accounts. Absent if it is not known; then no workload counts as the add-on's. */
  namespace?: string;
  /** False for an add-on that is known to call no AWS API. */
  needsIam: boolean;
  /** Service accounts for which the installed version supports associations. Absent if that could not be read. */
  podIdentity?: string[];
}

/** A role of the cluster's account. `missing`: it does not exist. `unread`: it may not be read. */
export type RoleFact = { trust: ParsedPolicy } | 'missing' | 'unread';

export interface AgentFact {
  /** Status of its add-on. Absent if that is not installed. */
  addonStatus?: string;
  /** Its DaemonSet, even if it was not installed as an add-on. */
  workload?: { desired: number; ready: number };
  /** Why one of the two could not be read. */
  error?: string;
}

/** The facts of a cluster. Absent lists could not be read, and `unread` has the reason. */
export interface IdentityFacts {
  target: Target;
  takenAt: string;
  namespace?: string;
  cluster: Cluster;
  workloads: WorkloadTally[];
  serviceAccounts?: ServiceAccount[];
  /** Associations of the service accounts that have pods, with all fields. */
  associations?: Association[];
  addons?: AddonFact[];
  agent: AgentFact;
  /** The roles that `rolesToRead` names, by ARN. */
  roles: ReadonlyMap<string, RoleFact>;
  /** Roles of the cluster's Linux nodes on EC2. Absent if they are not known. */
  nodeRoles?: string[];
  /** Trust policies of all roles of the account, by ARN, if they were requested. */
  trusting?: ReadonlyMap<string, ParsedPolicy>;
  unread: { what: string; why: string }[];
}

type Account = Pick<WorkloadTally, 'namespace' | 'serviceAccount'>;

/** Looks up the facts of a workload in maps that are built once, since a cluster may have thousands of entries. */
export interface OwnFacts {
  association(account: Account): Association | undefined;
  annotatedRole(account: Account): string | undefined;
  addon(workload: WorkloadTally): AddonFact | undefined;
}

/**
 * Finds the add-on of a workload: by a service account that the add-on has according to EKS, or else, in the add-on's
 * namespace, by the name label that the add-on's charts set on pods, or by the workload's name.
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
  const associated = new Map(associations.map((one) => [accountOf(one), one]));
  const annotated = new Map<string, string>();
  for (const { namespace, name, roleArn } of serviceAccounts)
    if (roleArn !== undefined) annotated.set(accountOf({ namespace, serviceAccount: name }), roleArn);
  return {
    association: (account) => associated.get(accountOf(account)),
    annotatedRole: (account) => annotated.get(accountOf(account)),
    addon: (workload) => addonOf(addons, workload),
  };
};

/**
 * Returns the roles that a workload would use through Pod Identity: its association's role, or else its IRSA roles, which
 * an association would name.
 */
export function wantedRoles(workload: WorkloadTally, own: OwnFacts): string[] {
  const association = own.association(workload);
  if (association) return [association.roleArn];
  const annotated = own.annotatedRole(workload);
  return [...new Set([...workload.irsaRoles.keys(), ...(annotated === undefined ? [] : [annotated])])];
}

/** EKS accepts only roles of the cluster's account, and the caller may read only those. */
export const isOfAccount = (roleArn: string, { account }: Pick<Target, 'account'>): boolean =>
  parseRoleArn(roleArn)?.account === account;

/** Returns each value once, sorted. */
export const rolesToRead = (
  facts: Pick<IdentityFacts, 'target' | 'workloads' | 'serviceAccounts' | 'associations' | 'addons'>,
): string[] => {
  const own = ownFacts(facts);
  const wanted = facts.workloads.flatMap((workload) => wantedRoles(workload, own));
  return [...new Set(wanted)].filter((arn) => isOfAccount(arn, facts.target)).sort();
};
