/** Reading a finished run: who changed what when, and what the cluster looks like now. */
import type { Pod } from '../../sandbox/kubernetes/objects.ts';
import { type ControlPlane, readySecondsOf } from '../../sandbox/kubernetes/pods.ts';
import type { AssociationState, ClusterState, World } from '../../sandbox/world/world.ts';
import type { Call } from '../../sandbox/world/call-log.ts';
import type { MigrationRequest, PodIdentity } from '../../lambdas/domain/model.ts';
import { type ServiceAccountRef, subjectOf } from '../../lambdas/domain/subject.ts';
import { isObject } from '../../sandbox/json.ts';
import type { RunResult, SimulatedMigration } from './run.ts';

const TARGET_SERVICES = new Set(['eks', 'iam', 'kubernetes']);

/** Calls of the service's functions that would change something at the target; `effective`: those that did. */
export const changes = ({ sandbox }: RunResult): Call[] =>
  sandbox.world.log.calls.filter(
    (call) => call.step !== undefined && call.mutating && TARGET_SERVICES.has(call.service),
  );
export const effective = (calls: Call[]): Call[] => calls.filter((call) => call.status < 300);

export const inputOf = (call: Call): Record<string, unknown> => (isObject(call.input) ? call.input : {});

/** The ledger's key that a DynamoDB call names. */
export const keyOf = (call: Call): { pk: string; sk: string } | undefined => {
  if (call.service !== 'dynamodb') return undefined;
  const key = inputOf(call)['Key'];
  if (!isObject(key)) return undefined;
  const text = (value: unknown): string => (isObject(value) && typeof value['S'] === 'string' ? value['S'] : '');
  return { pk: text(key['pk']), sk: text(key['sk']) };
};

/** The migration that an execution works on, by the execution's own input. */
export const migrationOf = ({ sandbox }: RunResult, executionArn: string | undefined): string => {
  if (executionArn === undefined) return '';
  const input: unknown = JSON.parse(sandbox.executions.execution(executionArn).input);
  return isObject(input) && typeof input['migrationId'] === 'string' ? input['migrationId'] : '';
};

export const allMigrations = ({ migrations, repeated }: RunResult): SimulatedMigration[] => [
  ...migrations,
  ...repeated,
];

export const migrationsOfSubject = (result: RunResult, subject: string): SimulatedMigration[] =>
  allMigrations(result).filter(({ request }) => subjectOf(request) === subject);

export const liveAssociations = (cluster: ClusterState): AssociationState[] =>
  [...cluster.associations.values()].filter((one) => one.deletedUntil === undefined);

interface SeenPod {
  name: string;
  uid: string;
  namespace: string;
  serviceAccount: string;
  ready: boolean;
  /** It has not been there for as long as it takes to get ready. */
  starting: boolean;
  /** On its way out, or on a node that nobody hears of any more: it counts for nobody. */
  terminating: boolean;
  createdAt: number;
  identity: PodIdentity;
}

const namesIn = (containers: unknown): Set<string> =>
  new Set(
    (Array.isArray(containers) ? (containers as unknown[]) : []).flatMap((container) =>
      isObject(container) && Array.isArray(container['env'])
        ? (container['env'] as { name: string }[]).map(({ name }) => name)
        : [],
    ),
  );

/** What a container that waits for its credentials, or a node, may take beyond the pod's own time. */
const START_SECONDS = 30;

const isStarting = (plane: ControlPlane, pod: Pod, createdAt: number): boolean =>
  plane.world.schedule.now() <= createdAt + (readySecondsOf(plane, pod) + START_SECONDS) * 1000;

/** The pods as the API server has them, without the service's own reading of them. */
export const podsOf = (cluster: ClusterState, world?: World): SeenPod[] =>
  [...(cluster.kube.objects.get('pods.')?.values() ?? [])].map((object) => {
    const { metadata, spec, status } = object as unknown as {
      metadata: { name: string; namespace: string; uid: string; deletionTimestamp?: string; creationTimestamp: string };
      spec: { serviceAccountName?: string; containers: unknown; nodeName?: string };
      status: { conditions: { type: string; status: string }[] };
    };
    const env = namesIn(spec.containers);
    const onPodIdentity = env.has('AWS_CONTAINER_CREDENTIALS_FULL_URI');
    const onIrsa = env.has('AWS_ROLE_ARN');
    const createdAt = Date.parse(metadata.creationTimestamp);
    return {
      name: metadata.name,
      uid: metadata.uid,
      namespace: metadata.namespace,
      serviceAccount: spec.serviceAccountName ?? 'default',
      ready: status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
      starting: world !== undefined && isStarting({ world, cluster }, object as Pod, createdAt),
      terminating: metadata.deletionTimestamp !== undefined || cluster.kube.lostNodes.has(spec.nodeName ?? ''),
      createdAt,
      identity: onPodIdentity ? (onIrsa ? 'mixed' : 'pod-identity') : onIrsa ? 'irsa' : 'node-role',
    };
  });

/** By `namespace/name` of each service account that has one: the role that it has by its IRSA annotation. */
export const annotationsIn = ({ kube }: ClusterState): Map<string, string> =>
  new Map(
    [...(kube.objects.get('serviceaccounts.')?.values() ?? [])].flatMap(({ metadata }) => {
      const role = metadata.annotations?.['eks.amazonaws.com/role-arn'];
      return role === undefined ? [] : [[`${metadata.namespace}/${metadata.name}`, role] as const];
    }),
  );

/** The role that a service account has by its IRSA annotation. */
export const annotationOf = ({ kube }: ClusterState, { namespace, name }: ServiceAccountRef): string | undefined =>
  [...(kube.objects.get('serviceaccounts.')?.values() ?? [])].find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  )?.metadata.annotations?.['eks.amazonaws.com/role-arn'];

/**
 * What is wrong with an add-on, or a service account, that should work with its old identity or the new one; empty
 * where it does. `podsMayLag`: its pods may be without either; `mayHaveNothing`: they may wait for an association that
 * is gone.
 */
export const notWorking = (
  result: RunResult,
  { addon: addonName, serviceAccount: account }: MigrationRequest,
  serviceAccounts: { namespace: string; serviceAccount: string }[],
  { podsMayLag = false, mayHaveNothing = false } = {},
): string[] => {
  const { cluster } = result;
  const addon = addonName === undefined ? undefined : cluster.addons.get(addonName);
  if (addonName !== undefined && !addon) return [`add-on ${addonName} is gone`];
  // EKS counts the pods that there should be on a lost node, and nobody can start them.
  const { lostNodes } = cluster.kube;
  const works = !addon || addon.status === 'ACTIVE' || (addon.status === 'DEGRADED' && lostNodes.size > 0);
  const problems = works ? [] : [`add-on ${addon.name} is ${addon.status}`];
  if (
    account &&
    annotationOf(cluster, account) === undefined &&
    !liveAssociations(cluster).some((one) => one.namespace === account.namespace && one.serviceAccount === account.name)
  )
    problems.push(`service account ${account.namespace}/${account.name} has neither its annotation nor an association`);
  for (const { namespace, serviceAccount } of serviceAccounts) {
    // Where workloads are slow, or change their size, some pod is always about to start.
    const pods = podsOf(cluster, result.spec.time ? result.sandbox.world : undefined).filter(
      (pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount && !pod.terminating,
    );
    if (pods.length === 0 && lostNodes.size === 0) problems.push(`no pod of ${serviceAccount} runs`);
    const association = liveAssociations(cluster).find(
      (one) => one.namespace === namespace && one.serviceAccount === serviceAccount,
    );
    for (const pod of pods) {
      if (pod.identity === 'pod-identity' && !association && mayHaveNothing) continue;
      if (!pod.ready && !pod.starting) problems.push(`pod ${pod.name} is not ready`);
      if (pod.identity === 'pod-identity' && !association)
        problems.push(`pod ${pod.name} is on Pod Identity without an association`);
      if ((pod.identity === 'node-role' && !podsMayLag) || pod.identity === 'mixed')
        problems.push(`pod ${pod.name} is on ${pod.identity}`);
    }
  }
  return problems;
};
