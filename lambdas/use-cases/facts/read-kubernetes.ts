/** Reads from the cluster's API server what the plan needs. */
import { AGENT_ADDON, isNetworking, ownedKinds } from '../../domain/addons/registry.ts';
import { isAccessRefused, isMigrationError } from '../../domain/failures/errors.ts';
import { isForAddon, type MigrationRequest } from '../../domain/request/request.ts';
import type { CustomResourceFact, Facts } from '../../domain/plan/facts.ts';
import { removesSoftware, requestedAttempts } from '../../domain/plan/attempts.ts';
import type { Pod, ReadingPorts } from '../../ports/index.ts';
import { readConsumers } from './read-consumers.ts';
import { discoveringOnce } from './discovery.ts';
import { readNetwork } from './read-network.ts';
import { seen } from './refused-reads.ts';

type Kubernetes = ReadingPorts['kubernetes'];

/**
 * Reads the objects of the add-on's own kinds if an attempt would delete their definitions. Reports what can't be read.
 */
async function readCustomResources(kubernetes: Kubernetes, request: MigrationRequest): Promise<CustomResourceFact[]> {
  if (!isForAddon(request)) return [];
  const networking = isNetworking(request.addon);
  if (networking || !requestedAttempts(request, networking).some(removesSoftware)) return [];
  const found: CustomResourceFact[] = [];
  for (const kind of ownedKinds(request.addon)) {
    const listed = await seen(() => kubernetes.listCustomResources(kind));
    found.push('seen' in listed ? { kind, instances: listed.seen } : { kind, instances: [], ...listed });
  }
  return found;
}

/**
 * Returns whether the pod belongs to one of the agent's DaemonSets, which include one for hybrid nodes. Source:
 * github.com/aws/eks-hybrid, test/e2e, `PodIdentityAgentDaemonsetName`.
 */
export const isAgentPod = ({ owner }: Pod): boolean =>
  owner?.kind === 'DaemonSet' && (owner.name === AGENT_ADDON || owner.name.startsWith(`${AGENT_ADDON}-hybrid`));

export type KubernetesFacts = Pick<
  Facts,
  | 'pods'
  | 'workloads'
  | 'annotated'
  | 'agentWorkload'
  | 'customResources'
  | 'kubernetesError'
  | 'nodes'
  | 'agentPods'
  | 'webhooks'
  | 'consumers'
  | 'network'
>;

/** Errors of an API server that does not answer now, but may answer later. */
const NO_ANSWER = ['ConnectionLost', 'ServiceUnavailable', 'Throttled', 'Busy'] as const;

/**
 * What happens if an API server does not answer: `throws`, so that the read is retried later, or `reports`, so that it is
 * reported like an API server that refuses access.
 */
export type Unanswered = 'throws' | 'reports';

/** Without access to the API server, the plan's verdict is `unknown`, which blocks; the plan itself does not fail. */
export async function readKubernetes(
  kubernetes: Kubernetes,
  request: MigrationRequest,
  namespace: string,
  unanswered: Unanswered = 'throws',
): Promise<KubernetesFacts> {
  const discovering = discoveringOnce(kubernetes);
  try {
    const pods = await discovering.listPods(namespace);
    const workloads = await kubernetes.listWorkloads(namespace);
    const agent = { kind: 'DaemonSet' as const, namespace: 'kube-system', name: AGENT_ADDON };
    const agentWorkload =
      namespace === agent.namespace
        ? workloads.find((one) => one.kind === agent.kind && one.name === agent.name)
        : await kubernetes.getWorkload(agent);
    return {
      pods,
      workloads,
      ...(isForAddon(request)
        ? { annotated: await seen(() => kubernetes.listAttributedServiceAccounts(namespace)) }
        : {}),
      ...(agentWorkload
        ? {
            agentWorkload,
            agentPods: await seen(async () => (await discovering.listPods(agent.namespace)).filter(isAgentPod)),
          }
        : {}),
      nodes: await seen(() => kubernetes.listNodes()),
      webhooks: await seen(() => kubernetes.listMutatingWebhooks()),
      consumers: await readConsumers(discovering, { pods, removes: request.annotation === 'remove' }),
      network: await readNetwork(discovering, namespace),
      customResources: await readCustomResources(kubernetes, request),
    };
  } catch (error) {
    const closed = isAccessRefused(error);
    // If no pod is to be read anyway, an endpoint that can't be reached is handled like one that refuses access.
    const unreached = request.verification === 'api' && isMigrationError(error, 'ConnectionLost');
    const reported = unanswered === 'reports' && isMigrationError(error, ...NO_ANSWER);
    if ((closed || unreached || reported) && error instanceof Error)
      return { kubernetesError: error.message, customResources: [] };
    throw error;
  }
}
