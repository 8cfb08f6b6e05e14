/** Judges, before pods count as verified towards Pod Identity, whether an agent serves each of them (ADR 114). */
import { AGENT_ADDON } from '../../domain/addons/registry.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import { allowanceSeconds } from '../../domain/rollout/progress.ts';
import {
  agentMissingText,
  AGENT_NOT_JUDGED,
  agentNotJudged,
  agentNotReported,
  agentProgress,
  type AgentSeen,
  agentStartingText,
  podsWithoutAgent,
  type PodWithoutAgent,
} from '../../domain/verification/agents.ts';
import type { Clock, Eks, Kubernetes, Ledger, Pod } from '../../ports/index.ts';
import { isAgentPod } from '../facts/read-kubernetes.ts';
import { seen as readable } from '../facts/refused-reads.ts';
import type { Direction, PodsSeen } from './pods.ts';
import { noteSeen } from './unsettled.ts';
import type { Grounds } from './verify.ts';

interface Observer {
  eks: Pick<Eks, 'describeAddon'>;
  kubernetes: Kubernetes;
  ledger: Pick<Ledger, 'updateMigration'>;
  clock: Clock;
}

const NAMESPACE = 'kube-system';

/** Returns the earlier warnings with those about the agent in place of earlier ones. */
const replaced = (warnings: readonly Check[], found: readonly Check[]): Check[] => [
  ...warnings.filter(({ id }) => id !== AGENT_NOT_JUDGED),
  ...found,
];

/** Pods that need an agent on their node, and have none there. */
const lackIt = ({ reason }: PodWithoutAgent): boolean => reason !== 'AWS Fargate' && reason !== 'Windows';

/**
 * Reads the pods of the agent, and its DaemonSet if pods are not served: where its chart installs it, and otherwise in the
 * namespace that its add-on has. `pods`: all pods of some namespaces, which are not read again.
 */
async function readAgent(
  { eks, kubernetes }: Pick<Observer, 'eks' | 'kubernetes'>,
  pods: readonly Pod[],
  areServed: (agent: AgentSeen) => boolean,
): Promise<AgentSeen> {
  const known = pods.filter(({ namespace }) => namespace === NAMESPACE);
  const own = (known.length > 0 ? known : await kubernetes.listPods(NAMESPACE)).filter(isAgentPod);
  if (areServed({ pods: own })) return { pods: own };
  const agent = { kind: 'DaemonSet' as const, namespace: NAMESPACE, name: AGENT_ADDON };
  const workload = await kubernetes.getWorkload(agent);
  if (workload) return { pods: own, workload };
  const addon = await eks.describeAddon(AGENT_ADDON);
  if (addon?.namespace === undefined || addon.namespace === NAMESPACE)
    return { pods: own, ...(addon ? { addonStatus: addon.status } : {}) };
  const { namespace, status } = addon;
  const elsewhere = await kubernetes.getWorkload({ ...agent, namespace });
  const others = (await kubernetes.listPods(namespace)).filter(isAgentPod);
  return { pods: [...own, ...others], ...(elsewhere ? { workload: elsewhere } : { addonStatus: status }) };
}

interface Judged {
  verified: readonly Pod[];
  agent: AgentSeen;
  without: readonly PodWithoutAgent[];
  allowance: number;
  /** Why a part could not be judged. */
  error?: string;
}

/** Reads where the pods with the right identity run, and judges whether an agent serves them. */
async function judge(
  observer: Omit<Observer, 'ledger'>,
  { pods, right, nodes: known }: Pick<PodsSeen, 'pods' | 'right' | 'nodes'>,
): Promise<Judged> {
  const { kubernetes, clock } = observer;
  const verified = pods.filter((pod) => right.has(pod.uid) && !pod.terminating);
  const unjudged: Judged = { verified, agent: { pods: [] }, without: [], allowance: 0 };
  if (verified.length === 0) return unjudged;
  const nodes = known ? { seen: known } : await readable(() => kubernetes.listNodes());
  if ('error' in nodes) return { ...unjudged, ...nodes };
  const podsWithout = (agent: AgentSeen, allowance: number): PodWithoutAgent[] =>
    podsWithoutAgent(verified, nodes.seen, agent, { allowanceSeconds: allowance, now: clock.now() });
  const areServed = (agent: AgentSeen): boolean => !podsWithout(agent, 0).some(lackIt);
  // On Auto Mode and Fargate alone, nothing depends on the agent's pods.
  const read = areServed(unjudged.agent)
    ? { seen: unjudged.agent }
    : await readable(() => readAgent(observer, pods, areServed));
  if ('error' in read)
    return { ...unjudged, ...read, without: podsWithout(unjudged.agent, 0).filter((pod) => !lackIt(pod)) };
  const agent = read.seen;
  const allowance = allowanceSeconds(agent.workload ? [agent.workload] : [], agent.pods, undefined);
  return { verified, agent, allowance, without: podsWithout(agent, allowance) };
}

/**
 * Returns the uids of those pods with the right identity that no agent serves, if none can come to their node or it has
 * failed there: an association is of no use to them. None if nodes or agents may not be read.
 */
export async function podsNotServed(
  observer: Omit<Observer, 'ledger'>,
  seen: Pick<PodsSeen, 'pods' | 'right'>,
): Promise<ReadonlySet<string>> {
  const { without } = await judge(observer, seen);
  return new Set(without.flatMap(({ pod, reason }) => (reason === 'starting' ? [] : [pod.uid])));
}

/** Throws AgentMissing if pods run where no agent can come, or where it has failed. */
function assertNoneMissing({ request: { target } }: Migration, { without, verified }: Judged): void {
  if (without.some(({ reason }) => reason !== 'starting'))
    throw new MigrationError('AgentMissing', agentMissingText(without, verified.length, target));
}

/**
 * Returns the warnings, with one if the agent can't be judged. Throws AgentMissing if pods get no credentials where they
 * run, and PodsNotSettled while the agent of a node may still start.
 */
async function withAgents(
  observer: Observer,
  record: Migration,
  seen: PodsSeen,
  warnings: readonly Check[],
): Promise<Check[]> {
  const { request } = record;
  const judged = await judge(observer, seen);
  assertNoneMissing(record, judged);
  const { without, verified, agent, allowance, error } = judged;
  if (without.length === 0) return replaced(warnings, error === undefined ? [] : [agentNotJudged(request, error)]);
  const { since } = await noteSeen(observer, record, 'agents', agentProgress(verified, without, agent));
  if (observer.clock.now() - Date.parse(since) > allowance * 1000)
    throw new MigrationError('AgentMissing', agentMissingText(without, verified.length, request.target));
  throw new MigrationError('PodsNotSettled', agentStartingText(without, since));
}

/** A rollout that ends sooner is judged at its end. */
const LONG_ROLLOUT_MS = 60_000;

/**
 * Judges the pods that have the right identity before others follow: before a restart, and from time to time during a long
 * rollout, which would leave more and more pods without credentials. A rollout does not wait for agents that start.
 */
export async function assertServedSoFar(
  observer: Observer,
  record: Migration,
  towards: Direction,
  seen: PodsSeen,
): Promise<void> {
  const { verdict } = seen.judged;
  if (towards === 'before') return;
  if (verdict === 'restart') await withAgents(observer, record, seen, []);
  const { startedAt } = record.progress ?? {};
  if (verdict !== 'wait' || startedAt === undefined) return;
  if (observer.clock.now() - Date.parse(startedAt) > LONG_ROLLOUT_MS)
    assertNoneMissing(record, await judge(observer, seen));
}

/** Returns the grounds of a verification whose conclusion towards Pod Identity judges the agent, too. */
export const judgingAgents = (
  observer: Observer,
  grounds: Grounds | MigrationError,
  towards: Direction,
  record: Migration,
  seen: PodsSeen,
): Grounds | MigrationError =>
  grounds instanceof MigrationError || towards === 'before'
    ? grounds
    : { ...grounds, conclude: async () => withAgents(observer, record, seen, await grounds.conclude()) };

/** The same for a request that relies on EKS alone: warns if EKS reports no active agent. */
export async function withReportedAgent(
  eks: Pick<Eks, 'knownCluster' | 'describeAddon'>,
  { target }: Pick<MigrationRequest, 'target'>,
  towards: Direction,
  warnings: readonly Check[],
): Promise<Check[]> {
  if (towards === 'before') return [...warnings];
  if ((await eks.knownCluster())?.autoMode) return replaced(warnings, []);
  const status = (await eks.describeAddon(AGENT_ADDON))?.status;
  return replaced(warnings, status === 'ACTIVE' ? [] : [agentNotReported(target, status)]);
}
