/** Builds the report on a cluster's identities from the facts. */
import { accountOf } from '../terms/subject.ts';
import { evaluateIrsa, type ParsedPolicy } from '../policy/index.ts';
import { clusterArn } from '../aws/arn.ts';
import { agentCheck } from './agent.ts';
import { type IdentityFacts, type OwnFacts, ownFacts } from './facts.ts';
import type { IdentitiesReport, Source, TrustedRole, UsedRole, WorkloadIdentity } from './model.ts';
import { obstacles } from './obstacles.ts';
import { countsOf, identityOf, type WorkloadTally } from './tally.ts';

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * Returns the roles of a workload: through Pod Identity the association's role and its target role, through IRSA the roles
 * in the pods' environment, and the role of the node.
 */
function usedRoles(facts: IdentityFacts, own: OwnFacts, workload: WorkloadTally): UsedRole[] {
  const { by, irsaRoles, on } = workload;
  const association = own.association(workload);
  const onPodIdentity = by.get('pod-identity') ?? 0;
  const onNode = by.get('node-role') ?? 0;
  // If there are several node roles, the pod does not show which one it is.
  const [nodeRole, ...others] = on.size > 0 ? [] : (facts.nodeRoles ?? []);
  return [
    ...(onPodIdentity > 0
      ? [{ by: 'association' as const, ...(association ? { roleArn: association.roleArn } : {}), pods: onPodIdentity }]
      : []),
    ...(onPodIdentity > 0 && association?.targetRoleArn !== undefined
      ? [{ by: 'target' as const, roleArn: association.targetRoleArn, pods: onPodIdentity }]
      : []),
    ...[...irsaRoles].sort(byName).map(([roleArn, pods]) => ({ by: 'irsa' as const, roleArn, pods })),
    ...(onNode > 0
      ? [
          {
            by: 'node' as const,
            ...(nodeRole !== undefined && others.length === 0 ? { roleArn: nodeRole } : {}),
            pods: onNode,
          },
        ]
      : []),
  ];
}

function describe(
  facts: IdentityFacts,
  own: OwnFacts,
  agent: IdentitiesReport['agent'],
  workload: WorkloadTally,
): WorkloadIdentity {
  const { namespace, kind, name, serviceAccount, total, ready, by, example, since, youngest } = workload;
  const association = own.association(workload);
  const annotatedRole = own.annotatedRole(workload);
  const addon = own.addon(workload);
  return {
    namespace,
    kind,
    name,
    serviceAccount,
    pods: { total, ready, by: countsOf(by) },
    identity: identityOf(workload),
    example: { pod: example.pod, evidence: example.evidence },
    since,
    youngest,
    roles: usedRoles(facts, own, workload),
    ...(annotatedRole === undefined ? {} : { annotatedRole }),
    ...(association
      ? {
          association: {
            id: association.id,
            roleArn: association.roleArn,
            ...(association.targetRoleArn === undefined ? {} : { targetRoleArn: association.targetRoleArn }),
            createdAt: association.createdAt,
            ...(association.ownerArn === undefined ? {} : { ownerArn: association.ownerArn }),
          },
        }
      : {}),
    ...(addon
      ? {
          addon: {
            name: addon.name,
            version: addon.version,
            needsIam: addon.needsIam,
            ...(addon.podIdentity === undefined
              ? {}
              : { takesAssociation: addon.podIdentity.includes(serviceAccount) }),
          },
        }
      : {}),
    obstacles: obstacles(facts, own, agent, workload),
  };
}

/** Returns the service accounts that a role's trust policy allows through IRSA, although nothing in the cluster gives them the role. */
function trustedRoles(facts: IdentityFacts, own: OwnFacts): TrustedRole[] {
  const { target, cluster, trusting = new Map<string, ParsedPolicy>(), serviceAccounts, workloads, namespace } = facts;
  const all = [
    ...(serviceAccounts ?? []).map((one) => ({ namespace: one.namespace, serviceAccount: one.name })),
    ...workloads.map((one) => ({ namespace: one.namespace, serviceAccount: one.serviceAccount })),
  ];
  const accounts = [
    ...new Map(
      all.filter((one) => namespace === undefined || one.namespace === namespace).map((one) => [accountOf(one), one]),
    ),
  ].sort(byName);
  const given = (account: { namespace: string; serviceAccount: string }, roleArn: string): boolean =>
    own.annotatedRole(account) === roleArn || own.association(account)?.roleArn === roleArn;
  return [...trusting].sort(byName).flatMap(([roleArn, policy]) => {
    const found = accounts.flatMap(([name, account]) => {
      if (given(account, roleArn)) return [];
      const { verdict } = evaluateIrsa(policy, {
        clusterArn: clusterArn(target),
        ...account,
        ...(cluster.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
      });
      return verdict === 'allowed' || verdict === 'unknown' ? [{ name, verdict }] : [];
    });
    return found.length > 0 ? [{ roleArn, serviceAccounts: found }] : [];
  });
}

const sum = (lists: readonly (readonly (readonly [Source, number])[])[]): Map<Source, number> => {
  const total = new Map<Source, number>();
  for (const [source, n] of lists.flat()) total.set(source, (total.get(source) ?? 0) + n);
  return total;
};

/** Builds the report without guessing: facts that could not be read are `unknown`, and listed in `unread`. */
export function identitiesReport(facts: IdentityFacts): IdentitiesReport {
  const { target, takenAt, namespace, cluster, workloads, trusting, unread } = facts;
  const own = ownFacts(facts);
  const agent = agentCheck(facts);
  return {
    target,
    takenAt,
    ...(namespace === undefined ? {} : { namespace }),
    cluster: {
      version: cluster.version,
      autoMode: cluster.autoMode,
      ...(cluster.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
    },
    agent,
    workloads: workloads.map((workload) => describe(facts, own, agent, workload)),
    totals: {
      workloads: workloads.length,
      pods: workloads.reduce((n, { total }) => n + total, 0),
      byWorkloads: countsOf(sum(workloads.map((one) => [[identityOf(one), 1] as const]))),
      byPods: countsOf(sum(workloads.map(({ by }) => [...by]))),
    },
    ...(trusting === undefined ? {} : { trustedRoles: trustedRoles(facts, own) }),
    unread,
  };
}
