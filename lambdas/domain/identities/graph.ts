/** The report as a graph: service accounts, the roles that their pods use, and how they get them. */
import { accountOf } from '../terms/subject.ts';
import { type IdentitiesReport, type Source, type UsedRole, type WorkloadIdentity } from './model.ts';

export interface AccountNode {
  /** `namespace/name`. */
  name: string;
  pods: number;
  /** The identity of all of its workloads, or `mixed`. */
  identity: Source;
}

/**
 * `by` is as in a report's roles. `target` leads from role to role. `trust`: the role's trust policy allows the service
 * account through IRSA, but nothing gives it the role.
 */
export interface Edge {
  from: string;
  to: string;
  by: UsedRole['by'] | 'static-keys' | 'trust';
  /** Number of pods. Absent for `trust`, which does not depend on pods. */
  pods?: number;
}

export interface IdentityGraph {
  accounts: AccountNode[];
  /** Role ARNs, and names for identities that are not roles, in order. */
  roles: string[];
  edges: Edge[];
}

/** Names that replace a role if there is none, or if it is not known. */
const NAMELESS: Record<UsedRole['by'] | 'static-keys', string> = {
  association: 'no association',
  target: 'unknown role',
  irsa: 'unknown role',
  node: 'node role',
  'static-keys': 'static keys',
};

const edgesOf = (workload: WorkloadIdentity): Edge[] => {
  const from = accountOf(workload);
  const direct = workload.roles
    .filter(({ by }) => by !== 'target')
    .map(({ by, roleArn, pods }): Edge => ({ from, to: roleArn ?? NAMELESS[by], by, pods }));
  const keyed = workload.pods.by['static-keys'];
  const { roleArn, targetRoleArn } = workload.association ?? {};
  const target = workload.roles.find(({ by }) => by === 'target');
  return [
    ...direct,
    ...(keyed === undefined ? [] : [{ from, to: NAMELESS['static-keys'], by: 'static-keys' as const, pods: keyed }]),
    ...(target && roleArn !== undefined && targetRoleArn !== undefined
      ? [{ from: roleArn, to: targetRoleArn, by: 'target' as const, pods: target.pods }]
      : []),
  ];
};

const merged = (edges: readonly Edge[]): Edge[] => {
  const found = new Map<string, Edge>();
  for (const edge of edges) {
    const key = JSON.stringify([edge.from, edge.to, edge.by]);
    const same = found.get(key);
    found.set(key, same === undefined ? edge : { ...same, pods: (same.pods ?? 0) + (edge.pods ?? 0) });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge);
};

export function graphOf({
  workloads,
  trustedRoles = [],
}: Pick<IdentitiesReport, 'workloads' | 'trustedRoles'>): IdentityGraph {
  const accounts = new Map<string, AccountNode>();
  for (const workload of workloads) {
    const name = accountOf(workload);
    const same = accounts.get(name);
    accounts.set(name, {
      name,
      pods: workload.pods.total + (same?.pods ?? 0),
      identity: same === undefined || same.identity === workload.identity ? workload.identity : 'mixed',
    });
  }
  const trusts = trustedRoles.flatMap(({ roleArn, serviceAccounts }) =>
    serviceAccounts
      .filter(({ name }) => accounts.has(name))
      .map(({ name }): Edge => ({ from: name, to: roleArn, by: 'trust' })),
  );
  const edges = [...merged(workloads.flatMap(edgesOf)), ...trusts];
  const roles = new Set(edges.flatMap(({ from, to }) => (accounts.has(from) ? [to] : [from, to])));
  return {
    accounts: [...accounts.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    roles: [...roles].sort(),
    edges,
  };
}
