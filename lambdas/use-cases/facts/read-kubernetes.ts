/** What the plan reads of the cluster's API server. */
import { AGENT_ADDON, isNetworking, ownedKinds } from '../../domain/addons/registry.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import { isForAddon, type MigrationRequest } from '../../domain/migration/model.ts';
import type { CustomResourceFact, Facts, Seen } from '../../domain/plan/facts.ts';
import { removesSoftware, requestedAttempts } from '../../domain/plan/attempts.ts';
import type { Pod, ReadingPorts } from '../../ports/index.ts';

type Kubernetes = ReadingPorts['kubernetes'];

const REFUSED = ['Unauthorised', 'AccessDenied', 'InvalidRequest'] as const;
/** What the API server will not let us read; anything else may be over in a moment. */
const refusal = (error: unknown): string | undefined =>
  REFUSED.some((name) => isMigrationError(error, name)) && error instanceof Error ? error.message : undefined;

/**
 * Objects of the add-on's own kinds, where a way would delete their definitions. What can't be read is told as such.
 */
async function readCustomResources(kubernetes: Kubernetes, request: MigrationRequest): Promise<CustomResourceFact[]> {
  if (!isForAddon(request)) return [];
  const networking = isNetworking(request.addon);
  if (networking || !requestedAttempts(request, networking).some(removesSoftware)) return [];
  const found: CustomResourceFact[] = [];
  for (const kind of ownedKinds(request.addon)) {
    try {
      found.push({ kind, instances: await kubernetes.listCustomResources(kind) });
    } catch (error) {
      const why = refusal(error);
      if (why === undefined) throw error;
      found.push({ kind, instances: [], error: why });
    }
  }
  return found;
}

/** What a check can do without: it says what it could not see. */
async function seen<T>(read: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { seen: await read() };
  } catch (error) {
    const why = refusal(error);
    if (why === undefined) throw error;
    return { error: why };
  }
}

/**
 * Pods of the agent's DaemonSets: it has one of its own for hybrid nodes. Source: github.com/aws/eks-hybrid, test/e2e,
 * `PodIdentityAgentDaemonsetName`.
 */
const isAgentPod = ({ owner }: Pod): boolean =>
  owner?.kind === 'DaemonSet' && (owner.name === AGENT_ADDON || owner.name.startsWith(`${AGENT_ADDON}-hybrid`));

type KubernetesFacts = Pick<
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
>;

/** Failures of an API server that gives no answer now, and may give one later. */
const NO_ANSWER = ['ConnectionLost', 'ServiceUnavailable', 'Throttled', 'Busy'] as const;

/**
 * What becomes of an API server that gives no answer: `throws`, so that it is asked again later, or `tells`, as of one
 * that lets nobody in.
 */
export type Unanswered = 'throws' | 'tells';

/** Without access to the API server the plan says `unknown`, which blocks; it does not fall over. */
export async function readKubernetes(
  kubernetes: Kubernetes,
  request: MigrationRequest,
  namespace: string,
  unanswered: Unanswered = 'throws',
): Promise<KubernetesFacts> {
  try {
    const pods = await kubernetes.listPods(namespace);
    const workloads = await kubernetes.listWorkloads(namespace);
    const agent = { kind: 'DaemonSet' as const, namespace: 'kube-system', name: AGENT_ADDON };
    const agentWorkload =
      namespace === agent.namespace
        ? workloads.find((one) => one.kind === agent.kind && one.name === agent.name)
        : await kubernetes.getWorkload(agent);
    const inAgentsNamespace = async (): Promise<Pod[]> =>
      namespace === agent.namespace ? pods : kubernetes.listPods(agent.namespace);
    return {
      pods,
      workloads,
      ...(isForAddon(request)
        ? { annotated: await seen(() => kubernetes.listAttributedServiceAccounts(namespace)) }
        : {}),
      ...(agentWorkload
        ? { agentWorkload, agentPods: await seen(async () => (await inAgentsNamespace()).filter(isAgentPod)) }
        : {}),
      nodes: await seen(() => kubernetes.listNodes()),
      webhooks: await seen(() => kubernetes.listMutatingWebhooks()),
      customResources: await readCustomResources(kubernetes, request),
    };
  } catch (error) {
    const closed = isMigrationError(error, 'Unauthorised') || isMigrationError(error, 'AccessDenied');
    // An endpoint that nobody here can reach is as good as one that lets nobody in, where no pod is to be seen anyway.
    const unreached = request.verification === 'api' && isMigrationError(error, 'ConnectionLost');
    const told = unanswered === 'tells' && NO_ANSWER.some((name) => isMigrationError(error, name));
    if ((closed || unreached || told) && error instanceof Error)
      return { kubernetesError: error.message, customResources: [] };
    throw error;
  }
}
