import { accountOf } from '../../domain/terms/subject.ts';
import {
  type AssociatedSince,
  classifyPod,
  collectEvidence,
  type LostIdentities,
  lostIdentities,
} from '../../domain/verification/pod-identity.ts';
import { judgeRollback, type Replacement, replaceNext, sortPods } from '../../domain/rollback/pods.ts';
import {
  type SortedPods,
  latestTime,
  showsInjection,
  type WebhookFacts,
} from '../../domain/verification/injection-seen.ts';
import { seenIn } from '../../domain/terms/seen.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import type { PodEvidence, PodIdentity } from '../../domain/terms/evidence.ts';
import {
  asBefore,
  concernedWorkloads,
  judgePods,
  onPodIdentity,
  type ExpectedPods,
  type PodsVerdict,
} from '../../domain/verification/pods.ts';
import { allowanceSeconds } from '../../domain/rollout/progress.ts';
import { NO_LENIENCY, type Leniency } from '../../domain/rollout/settled.ts';
import { hopelessPods } from '../../domain/rollout/stall.ts';
import { isOverdueToEnd, stuckBecause } from '../../domain/rollout/stuck.ts';
import { unreplacedPods, withoutUnreplaced, workloadsAtZero } from '../../domain/verification/unreplaced.ts';
import type { Eks, Kubernetes, Ledger, Node, Pod, Workload } from '../../ports/index.ts';
import type { Work } from '../record/recorded.ts';
import { seen } from '../facts/refused-reads.ts';
import { EVIDENCE_BEFORE } from '../migration/report.ts';

/** The identity that the pods should get: EKS Pod Identity, or what they had before. */
export type Direction = 'pod-identity' | 'before';

/**
 * Returns what the pods should have for that direction; for a rollback, the evidence from before decides. `deferred` has
 * the service accounts whose former association is not restored yet: `namespace/name`, separated by spaces.
 */
export async function expectedPods(
  ledger: Ledger,
  migrationId: string,
  snapshot: Snapshot,
  towards: Direction,
  deferred = '',
): Promise<ExpectedPods> {
  if (towards === 'pod-identity') return onPodIdentity(snapshot);
  const later = new Set(deferred.split(' '));
  const associations = snapshot.associations.filter((one) => !later.has(accountOf(one)));
  return asBefore({ ...snapshot, associations }, await ledger.getEvidence(migrationId, EVIDENCE_BEFORE));
}

/** Returns when the newest association that the migration has created for each service account was created, according to EKS. */
export function associatedSince({ associations }: Pick<Migration, 'associations'>): AssociatedSince {
  const created = [...associations.created].sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  return new Map(created.map((one) => [accountOf(one), one.createdAt]));
}

export interface PodsSeen {
  evidence: PodEvidence[];
  judged: PodsVerdict;
  /** The pods to replace next if the verdict is to restart. Absent if all are restarted at once. */
  next?: Replacement;
  sorted: SortedPods;
  podsThatCount: number;
  podsAsExpected: number;
  /** All pods of the namespaces, and the workloads that are expected to have the identity. */
  pods: Pod[];
  workloads: Workload[];
  /** The workloads of these service accounts that have no desired pods. */
  atZero: Workload[];
  /** The uids of those pods that count and have the identity that they should have. */
  right: Set<string>;
  leniency: Leniency;
  /** Pods that keep another identity because no workload replaces them. They count in a rollback only. */
  unreplaced: readonly Pod[];
  /** Read only if a pod does not terminate, or would be judged by its node. */
  nodes?: Node[];
}

/** Returns the nodes; undefined if they may not be read. */
export const nodesIfAllowed = async (kubernetes: Kubernetes): Promise<Node[] | undefined> =>
  seenIn(await seen(() => kubernetes.listNodes()));

/** Returns which pods are excused. Nodes are read only if a pod should have terminated. */
async function leniencyFor(
  kubernetes: Kubernetes,
  { brokenPods = [] }: Snapshot,
  pods: readonly Pod[],
  now: number,
): Promise<{ leniency: Leniency; nodes?: Node[] }> {
  const leniency = { ...NO_LENIENCY, broken: brokenPods };
  if (!pods.some((pod) => isOverdueToEnd(pod, now))) return { leniency };
  const nodes = await nodesIfAllowed(kubernetes);
  const stuck = new Map(
    pods.flatMap((pod) => {
      const why = stuckBecause(pod, nodes, now);
      return why === undefined ? [] : [[pod.uid, why] as const];
    }),
  );
  return { leniency: { ...leniency, stuck }, ...(nodes ? { nodes } : {}) };
}

/**
 * Returns the bystanders of the snapshot that have lost the annotation with the add-on's role and have no association
 * instead. Only the snapshot shows that they had it: pods do not show the identity of their predecessors.
 */
export async function robbedBystanders(
  { kubernetes, eks }: { kubernetes: Kubernetes; eks: Pick<Eks, 'listAssociations'> },
  { namespace, bystanders, addon }: Snapshot,
): Promise<string[]> {
  if (bystanders.length === 0) return [];
  const annotated = await kubernetes.listAttributedServiceAccounts(namespace);
  const without = bystanders.filter(
    (name) => !annotated.some((one) => one.name === name && one.roleArn === addon?.serviceAccountRoleArn),
  );
  const robbed: string[] = [];
  for (const name of without) if ((await eks.listAssociations(namespace, name)).length === 0) robbed.push(name);
  return robbed;
}

/** Throws PodsOnWrongIdentity if service accounts have lost the add-on's role without the plan's knowledge. */
export function assertNoneRobbed(robbed: readonly string[], { snapshot }: Pick<Work, 'snapshot'>): void {
  if (robbed.length === 0) return;
  const which = robbed.map((name) => `${snapshot.namespace}/${name}`).join(', ');
  throw new MigrationError(
    'PodsOnWrongIdentity',
    `Service accounts have lost role ${snapshot.addon?.serviceAccountRoleArn ?? ''} through this migration, which the plan did not foresee: ${which}. Their pods had that role when the migration began; new pods of these service accounts fall back to the node role. Plan the migration again: the new plan lists the remedies.`,
  );
}

/** In a rollback, bystanders with pods on the node role get the add-on's role back too, if all their pods had it. */
function withRobbed(expected: ExpectedPods, { namespace, bystanders }: Snapshot, pods: readonly Pod[]): ExpectedPods {
  const back = new Set<PodIdentity>(['irsa', 'pod-identity', 'mixed']);
  const robbed = bystanders.filter((name) =>
    pods.some(
      (pod) => pod.namespace === namespace && pod.serviceAccount === name && classifyPod(pod).identity === 'node-role',
    ),
  );
  return { ...expected, identities: new Map([...expected.identities, ...robbed.map((name) => [name, back] as const)]) };
}

export interface ObserveOptions {
  towards: Direction;
  expected: ExpectedPods;
  /** When the associations that the pods should use were created. */
  since?: AssociatedSince | undefined;
  /** The bystanders that have lost the role without the plan's knowledge. */
  robbed?: readonly string[];
  /** In a rollback: when the newest pod was created that existed at the deletion of an association; empty if none was deleted. */
  newestPodAt?: string | undefined;
  /** Towards Pod Identity: see `witnessOf`. */
  witness?: Omit<WebhookFacts, 'now'> | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/** Returns the pods that no wait helps. Their nodes are read first: a pod on a node that is down may work again elsewhere. */
async function findHopeless(
  kubernetes: Kubernetes,
  judged: Parameters<typeof hopelessPods>[0],
  read: Node[] | undefined,
): Promise<{ hopeless: Pod[]; nodes: Node[] | undefined }> {
  const hopeless = hopelessPods({ ...judged, nodes: read });
  if (hopeless.length === 0 || read) return { hopeless, nodes: read };
  const nodes = await nodesIfAllowed(kubernetes);
  return { hopeless: hopelessPods({ ...judged, nodes }), nodes };
}

/** Returns the pods to replace next towards Pod Identity: of the workloads to restart, or of all while they are settling. */
function nextWitness(
  observed: Parameters<typeof replaceNext>[0],
  judged: PodsVerdict,
  facts: WebhookFacts,
): Replacement {
  const isAsked = ({ kind, namespace, name }: Workload): boolean =>
    judged.verdict !== 'restart' ||
    judged.workloads.some((one) => one.kind === kind && one.namespace === namespace && one.name === name);
  return replaceNext({ ...observed, workloads: observed.workloads.filter(isAsked) }, showsInjection(facts));
}

/** Reads and evaluates the pods of the planned service accounts, and of bystanders that have lost their role. */
export async function observePods(
  kubernetes: Kubernetes,
  snapshot: Snapshot,
  { towards, expected: planned, since, robbed = [], newestPodAt, witness, now }: ObserveOptions,
): Promise<PodsSeen> {
  const namespaces = [...new Set(snapshot.planned.map((one) => one.namespace))];
  const pods = (await Promise.all(namespaces.map((namespace) => kubernetes.listPods(namespace)))).flat();
  const workloads = (await Promise.all(namespaces.map((namespace) => kubernetes.listWorkloads(namespace)))).flat();
  const isBack = towards === 'before';
  const expected = isBack ? withRobbed(planned, snapshot, pods) : planned;
  const lost: LostIdentities = isBack
    ? new Map()
    : new Map([
        ...lostIdentities(snapshot.identityLosses),
        ...robbed.map((name) => [`${snapshot.namespace}/${name}`, 'irsa'] as const),
      ]);
  const { leniency: known, nodes: read } = await leniencyFor(kubernetes, snapshot, pods, now);
  const collected = collectEvidence(pods, new Set(expected.identities.keys()), since, lost, known.stuck);
  const all = sortPods(collected, pods, expected);
  const unreplaced = unreplacedPods(all.wrong, workloads);
  const left = new Set(unreplaced);
  // A rollback decides itself about pods that nothing replaces: without their association they have no credentials.
  const evidence = isBack ? collected : withoutUnreplaced(collected, unreplaced);
  const sorted = isBack ? all : { ...all, wrong: all.wrong.filter((pod) => !left.has(pod)) };
  const concerned = concernedWorkloads(workloads, expected);
  const judgedPods = {
    pods,
    workloads: concerned,
    right: new Set(sorted.right.map(({ uid }) => uid)),
    allowanceSeconds: allowanceSeconds(concerned, pods, undefined),
    now,
  };
  const { hopeless, nodes } = await findHopeless(kubernetes, judgedPods, read);
  const leniency = { ...known, hopeless: new Set(hopeless.map(({ uid }) => uid)) };
  const gone = newestPodAt === '' ? undefined : newestPodAt;
  const observed = { evidence, pods, sorted, unreplaced, workloads, expected, since: gone, leniency };
  const judged = isBack ? judgeRollback(observed) : judgePods(evidence, pods, workloads, expected, leniency);
  const next = isBack
    ? replaceNext(observed)
    : witness && nextWitness(observed, judged, { ...witness, now: latestTime(now, pods) });
  return {
    evidence,
    judged,
    ...(next ? { next } : {}),
    sorted,
    podsThatCount: sorted.wrong.length + sorted.right.length,
    podsAsExpected: sorted.right.length,
    pods,
    workloads: concerned,
    atZero: workloadsAtZero(workloads, new Set(expected.identities.keys())),
    right: judgedPods.right,
    leniency,
    unreplaced,
    ...(nodes ? { nodes } : {}),
  };
}
