/**
 * Judges whether verified pods can get credentials on the nodes where they run: EKS Pod Identity needs a node that supports
 * it, and a ready agent on it (promise 8, ADR 114). What a node needs is decided as in the plan.
 */
import { AGENT_ADDON } from '../addons/registry.ts';
import { grantCommand } from '../access/command.ts';
import { eksCommand } from '../commands/eks.ts';
import type { Node, Pod, Workload } from '../kubernetes/objects.ts';
import type { Addon } from '../terms/observed.ts';
import { type Check, some, warn, whyUnread } from '../terms/check.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { Target } from '../terms/subject.ts';
import { isOfRemoval, refusals } from '../network/taints.ts';
import { AGENT_SETUP, INSPECT_AGENT, placementOf, TOLERATE, unsupportedOn } from './agent-setup.ts';
import { isCrashing } from '../rollout/broken.ts';
import type { Seen } from '../rollout/progress.ts';

/** The agent of a cluster, as far as its nodes do not have it built in. */
export interface AgentSeen {
  /** Its DaemonSet; absent if the cluster has none. */
  workload?: Workload;
  /** The status of its add-on, if there is no DaemonSet. */
  addonStatus?: Addon['status'];
  /** The pods of its DaemonSets. */
  pods: readonly Pod[];
}

/** Why no agent serves a pod. `starting`: one may still come to its node. */
type Reason = 'AWS Fargate' | 'Windows' | 'gone' | 'excluded' | 'failed' | 'starting';

export interface PodWithoutAgent {
  pod: Pod;
  reason: Reason;
  /** Where the pod runs, and what is missing there. */
  why: string;
}

/** An add-on whose DaemonSet is about to be created. */
const COMING: readonly string[] = ['CREATING', 'UPDATING'];

type Lack = Pick<PodWithoutAgent, 'reason' | 'why'>;

/** Returns what a node lacks. `own`: the agent's pods on it. */
function lackOf(
  node: Node,
  own: readonly Pod[],
  { workload, addonStatus }: AgentSeen,
  isLate: (agent: Pod) => boolean,
): Lack | undefined {
  if (own.some(({ ready }) => ready)) return undefined;
  const on = `on node ${node.name}`;
  const [agent] = own;
  if (agent)
    return isCrashing(agent) && isLate(agent)
      ? { reason: 'failed', why: `${on}, where the agent's pod ${agent.name} is crashing` }
      : { reason: 'starting', why: `${on}, where the agent's pod ${agent.name} is not ready` };
  // Pods on a node that is being removed move to another one.
  const taints = (node.taints ?? []).filter((taint) => !isOfRemoval(taint));
  const refused = workload ? refusals(placementOf(workload), { ...node, taints }) : [];
  // The agent's DaemonSets for hybrid nodes have other names, and their settings are not read.
  if (node.compute === 'hybrid') return { reason: 'starting', why: `${on}, where the agent has no pod` };
  if (refused.length > 0) return { reason: 'excluded', why: `${on} (the agent's DaemonSet ${refused.join(' and ')})` };
  if (workload) return { reason: 'starting', why: `${on}, where the agent has no pod` };
  return addonStatus !== undefined && COMING.includes(addonStatus)
    ? { reason: 'starting', why: `${on}, while the agent's add-on is ${addonStatus}` }
    : { reason: 'gone', why: `${on} (the cluster has no DaemonSet of the agent)` };
}

/**
 * Returns the pods that no agent serves. A pod on a node that is not ready or gone is left out: nothing can be observed of
 * it, and its credentials are not the reason.
 */
export function podsWithoutAgent(
  pods: readonly Pod[],
  nodes: readonly Node[],
  agent: AgentSeen,
  { allowanceSeconds, now }: { allowanceSeconds: number; now: number },
): PodWithoutAgent[] {
  const agents = Map.groupBy(
    agent.pods.filter(({ terminating }) => !terminating),
    ({ node }) => node,
  );
  const isLate = ({ createdAt }: Pod): boolean => now - Date.parse(createdAt) > allowanceSeconds * 1000;
  const known = new Map(
    nodes.filter(({ ready }) => ready).map((node) => [node.name, { node, agents: agents.get(node.name) ?? [] }]),
  );
  return pods.flatMap((pod): PodWithoutAgent[] => {
    const on = known.get(pod.node ?? '');
    if (!on) return [];
    const unsupported = unsupportedOn(pod, on.node);
    if (unsupported !== undefined)
      return [{ pod, reason: unsupported, why: `on ${unsupported}, which EKS Pod Identity does not support` }];
    const lack = on.node.compute === 'auto' ? undefined : lackOf(on.node, on.agents, agent, isLate);
    return lack ? [{ pod, ...lack }] : [];
  });
}

/** Returns the numbers by which the wait for the agent progresses: pods that are served, and the newest ready agent. */
export const agentProgress = (
  pods: readonly Pod[],
  without: readonly PodWithoutAgent[],
  { pods: agents }: AgentSeen,
): Seen => ({
  ready: pods.length - without.length,
  others: without.length,
  newest:
    agents
      .flatMap(({ ready, createdAt }) => (ready ? [createdAt] : []))
      .sort()
      .at(-1) ?? '',
  observed: 0,
});

/** Returns the pods with their reasons, as a text: those with the same reason together. */
const listed = (without: readonly PodWithoutAgent[]): string =>
  some(
    [...Map.groupBy(without, ({ why }) => why)].map(
      ([why, ones]) => `${some(ones.map(({ pod }) => `${pod.namespace}/${pod.name}`))} ${why}`,
    ),
    '; ',
  );

const remediesFor = (target: Target): Record<Reason, string> => ({
  'AWS Fargate': 'Remove these pods from the selectors of the Fargate profile, or keep IRSA for them.',
  Windows: 'Run these pods on Linux nodes on Amazon EC2, or keep IRSA for them.',
  gone: `Install the agent again, as it was, or with: ${eksCommand(target, 'create-addon', ['--addon-name', AGENT_ADDON])} .`,
  excluded: `For the agent to run on these nodes, ${TOLERATE} . Or keep the pods off these nodes.`,
  failed: INSPECT_AGENT,
  starting: INSPECT_AGENT,
});

/** Returns the message of AgentMissing. `count` is the number of verified pods. */
export function agentMissingText(without: readonly PodWithoutAgent[], count: number, target: Target): string {
  const remedies = remediesFor(target);
  const distinct = [...new Set(without.map(({ reason }) => remedies[reason]))];
  return `${without.length} of ${count} pods have the configuration of EKS Pod Identity, but get no credentials from it where they run: ${listed(without)}. ${distinct.join(' ')} Then migrate again.`;
}

/** Returns the message of PodsNotSettled while agents start. `since`: when the wait last progressed, ISO 8601. */
export const agentStartingText = (without: readonly PodWithoutAgent[], since: string): string =>
  `The pods have the configuration of EKS Pod Identity, but ${without.length === 1 ? 'one of them gets' : `${without.length} of them get`} no credentials from it until the agent is ready, which is waited for since ${since}: ${listed(without)}. ${INSPECT_AGENT}`;

export const AGENT_NOT_JUDGED = 'agent-not-judged';

/** Returns the warning that it is not known whether the agent serves the verified pods. */
export const agentNotJudged = (request: MigrationRequest, error: string): Check =>
  warn(
    AGENT_NOT_JUDGED,
    `Whether the Pod Identity agent is ready on the nodes of the pods could not be read after the change: ${whyUnread(error)}. Pods on nodes without it get no credentials.`,
    `Allow the service to read nodes, and the pods of kube-system: ${grantCommand(request)}`,
    AGENT_SETUP,
  );

/** Returns the warning, for a request that relies on EKS alone, that EKS has no active agent. */
export const agentNotReported = (target: Target, status: string | undefined): Check =>
  warn(
    AGENT_NOT_JUDGED,
    `EKS reports add-on ${AGENT_ADDON} ${status === undefined ? 'as not installed' : `as ${status}`}: unless the agent runs without EKS, no pod gets credentials from EKS Pod Identity.`,
    `Check that the agent runs: kubectl -n kube-system get daemonset ${AGENT_ADDON} . If it does not, install it: ${eksCommand(target, 'create-addon', ['--addon-name', AGENT_ADDON])}`,
    AGENT_SETUP,
  );
