/** Judges, before pods count as verified towards Pod Identity, whether an agent serves each of them (ADR 114). */
import { AGENT_ADDON } from '../../domain/addons/registry.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Check, Migration, MigrationRequest } from '../../domain/migration/model.ts';
import { allowanceSeconds } from '../../domain/rollout/progress.ts';
import {
  agentMissingText,
  AGENT_NOT_JUDGED,
  agentNotJudged,
  agentNotReported,
  agentProgress,
  type AgentSeen,
  agentStartingText,
  needsAgentPod,
  podsWithoutAgent,
} from '../../domain/verification/agents.ts';
import type { Clock, Eks, Kubernetes, Ledger } from '../../ports/index.ts';
import { isAgentPod } from '../facts/read-kubernetes.ts';
import { seen as readable } from '../facts/refused-reads.ts';
import type { PodsSeen } from './pods.ts';
import { noteSeen } from './unsettled.ts';

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

/** Reads the agent where its chart installs it, and otherwise in the namespace that its add-on has. */
async function readAgent({ eks, kubernetes }: Pick<Observer, 'eks' | 'kubernetes'>): Promise<AgentSeen> {
  const agent = { kind: 'DaemonSet' as const, namespace: NAMESPACE, name: AGENT_ADDON };
  let workload = await kubernetes.getWorkload(agent);
  const addon = workload ? undefined : await eks.describeAddon(AGENT_ADDON);
  const namespace = addon?.namespace ?? NAMESPACE;
  if (namespace !== NAMESPACE) workload = await kubernetes.getWorkload({ ...agent, namespace });
  const pods = (await kubernetes.listPods(namespace)).filter(isAgentPod);
  return { pods, ...(workload ? { workload } : {}), ...(addon && !workload ? { addonStatus: addon.status } : {}) };
}

/**
 * Returns the warnings, with one if the agent can't be judged. Throws AgentMissing if pods get no credentials where they
 * run, and PodsNotSettled while the agent of a node may still start.
 */
export async function withAgents(
  observer: Observer,
  record: Migration,
  { pods, right, nodes: known }: Pick<PodsSeen, 'pods' | 'right' | 'nodes'>,
  warnings: readonly Check[],
): Promise<Check[]> {
  const { kubernetes, clock } = observer;
  const { request } = record;
  const verified = pods.filter((pod) => right.has(pod.uid) && !pod.terminating);
  const nodes = known ? { seen: known } : await readable(() => kubernetes.listNodes());
  if ('error' in nodes) return replaced(warnings, [agentNotJudged(request, nodes.error)]);
  const isNeeded = verified.some((pod) => needsAgentPod(pod, nodes.seen));
  const read = isNeeded ? await readable(() => readAgent(observer)) : { seen: { pods: [] } };
  const agent: AgentSeen = 'seen' in read ? read.seen : { pods: [] };
  const allowance = allowanceSeconds(agent.workload ? [agent.workload] : [], agent.pods, undefined);
  const judged = 'seen' in read ? verified : verified.filter((pod) => !needsAgentPod(pod, nodes.seen));
  const options = { allowanceSeconds: allowance, now: clock.now() };
  const without = podsWithoutAgent(judged, nodes.seen, agent, options);
  if (without.some(({ reason }) => reason !== 'starting'))
    throw new MigrationError('AgentMissing', agentMissingText(without, verified.length, request.target));
  if (without.length === 0) return replaced(warnings, 'error' in read ? [agentNotJudged(request, read.error)] : []);
  const { since } = await noteSeen(observer, record, 'agents', agentProgress(judged, without, agent));
  if (clock.now() - Date.parse(since) > allowance * 1000)
    throw new MigrationError('AgentMissing', agentMissingText(without, verified.length, request.target));
  throw new MigrationError('PodsNotSettled', agentStartingText(without, since));
}

/** The same for a request that relies on EKS alone: warns if EKS reports no active agent. */
export async function withReportedAgent(
  eks: Pick<Eks, 'knownCluster' | 'describeAddon'>,
  { target }: Pick<MigrationRequest, 'target'>,
  warnings: readonly Check[],
): Promise<Check[]> {
  if ((await eks.knownCluster())?.autoMode) return replaced(warnings, []);
  const status = (await eks.describeAddon(AGENT_ADDON))?.status;
  return replaced(warnings, status === 'ACTIVE' ? [] : [agentNotReported(target, status)]);
}
