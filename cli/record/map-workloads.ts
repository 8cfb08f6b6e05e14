/** Maps workloads, pods and service accounts of a cluster to those of a scenario. */
import { parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import { IRSA_ANNOTATION } from '../../lambdas/domain/verification/irsa.ts';
import type { Container, ManagedFields, Pod } from '../../lambdas/ports/index.ts';
import { toleration as tolerationSchema } from '../../sandbox/objects/taints.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { countOrShare, keptAnnotations, keptLabels, keptVariables } from './keep.ts';
import { mountedVolumes } from './mounts.ts';
import { keysOfPolicies } from './network.ts';
import type { KubernetesObjects, RecordedAccount, RecordedWorkload } from './read-kubernetes.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
export type WorkloadInput = NonNullable<Cluster['workloads']>[number];
export type PastPodsInput = NonNullable<Cluster['pods']>[number];
export type ServiceAccountInput = NonNullable<Cluster['serviceAccounts']>[number];

const EKS = 'eks';

/** Returns whether EKS has applied the object. */
export const isOfEks = ({ managedFields }: { managedFields: readonly ManagedFields[] }): boolean =>
  managedFields.some(({ manager, subresource }) => manager === EKS && subresource === undefined);

const nameOf = ({ kind, namespace, name }: Pick<RecordedWorkload, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`;

/** Returns the pods of each workload, in the order of their creation; pods that end are left out. */
export const podsByWorkload = (pods: readonly Pod[]): Map<string, Pod[]> => {
  const all = new Map<string, Pod[]>();
  for (const pod of pods) {
    const { owner, terminating, namespace } = pod;
    if (terminating || !owner) continue;
    const key = `${owner.kind} ${namespace}/${owner.name}`;
    all.set(key, [...(all.get(key) ?? []), pod]);
  }
  for (const list of all.values())
    list.sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.name.localeCompare(b.name));
  return all;
};

/** Returns the keys of labels by which budgets, network policies and Fargate profiles select pods. */
export const selectingKeys = (
  { budgets, network }: Pick<KubernetesObjects, 'budgets' | 'network'>,
  profiles: readonly { selectors?: { labels?: Record<string, string> | undefined }[] | undefined }[],
): Set<string> =>
  new Set([
    ...budgets.flatMap(({ spec }) => Object.keys(spec.selector?.matchLabels ?? {})),
    ...keysOfPolicies(network),
    ...profiles.flatMap(({ selectors = [] }) => selectors.flatMap(({ labels = {} }) => Object.keys(labels))),
  ]);

/** The longest time to readiness that is recorded: later changes of a pod's readiness have other reasons. */
const MOST_READY_SECONDS = 1800;

/**
 * Returns the median time from the creation of a pod to its readiness. A pod with restarts has become ready again since,
 * and does not count.
 */
const readySecondsOf = (pods: readonly Pod[]): number | undefined => {
  const seconds = pods
    .filter(({ restarts = 0 }) => restarts === 0)
    .flatMap(({ createdAt, readyAt }) =>
      readyAt === undefined ? [] : [Math.round((Date.parse(readyAt) - Date.parse(createdAt)) / 1000)],
    )
    .filter((value) => value >= 0 && value <= MOST_READY_SECONDS)
    .sort((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 2)];
};

const isWithin = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most;

const isName = (name: string): boolean => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name);

/** Returns the probe that the sandbox can have; others are of no use for a rehearsal. */
const livenessOf = ({ liveness }: Container): { livenessProbe?: NonNullable<Container['liveness']> } =>
  liveness && isWithin(liveness.periodSeconds, 3600) && isWithin(liveness.failureThreshold, 100)
    ? { livenessProbe: liveness }
    : {};

const containersOf = (containers: readonly Container[], init: boolean) =>
  containers
    .filter((one) => one.init === init && isName(one.name))
    .map((one) => {
      const env = keptVariables(one);
      return { name: one.name, image: one.image || 'unknown', ...(env.length > 0 ? { env } : {}), ...livenessOf(one) };
    });

const toleration = tolerationSchema.array().min(1);

/** Returns the tolerations; none if one has an effect that the sandbox does not know. */
const tolerationsOf = ({ tolerations = [] }: RecordedWorkload): Pick<WorkloadInput, 'tolerations'> => {
  const { data } = toleration.safeParse(tolerations);
  return data ? { tolerations: data } : {};
};

/** Returns the fields that a workload has regardless of who owns it. `pods`: its pods; `selected`: see `keptLabels`. */
export const workloadFields = (
  workload: RecordedWorkload,
  pods: readonly Pod[],
  selected: ReadonlySet<string>,
): Omit<WorkloadInput, 'namespace' | 'createdAt' | 'labels'> & { labels: Record<string, string> } => {
  const { kind, name, serviceAccount, desired, rollout = {}, templateAnnotations, nodeSelector } = workload;
  const own = new Set([...selected, ...Object.keys(workload.selector)]);
  const labels = { ...keptLabels(workload.labels, own), ...keptLabels(workload.podLabels, own) };
  const podAnnotations = keptAnnotations(templateAnnotations);
  const maxUnavailable = kind === 'StatefulSet' ? undefined : countOrShare(rollout.maxUnavailable);
  const maxSurge = kind === 'Deployment' ? countOrShare(rollout.maxSurge) : undefined;
  const readySeconds = readySecondsOf(pods);
  const { minReadySeconds = 0 } = rollout;
  // A node of the sandbox has another name, so that no pod could run on the one that is selected.
  const { 'kubernetes.io/os': os, 'kubernetes.io/hostname': _host, ...selector } = nodeSelector;
  const nodes = { ...selector, ...(os === undefined || os === 'linux' ? {} : { 'kubernetes.io/os': os }) };
  const { updateStrategy } = workload;
  const init = containersOf(workload.containers, true);
  return {
    kind,
    name,
    serviceAccount,
    ...(kind === 'DaemonSet' ? {} : { replicas: desired }),
    ...(workload.heldBack === 'it is paused' ? { paused: true } : {}),
    ...(updateStrategy === 'OnDelete' || updateStrategy === 'Recreate' ? { updateStrategy } : {}),
    ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
    ...(maxSurge === undefined ? {} : { maxSurge }),
    ...(readySeconds === undefined ? {} : { readySeconds }),
    ...(isWithin(minReadySeconds, 3600) ? { minReadySeconds } : {}),
    labels,
    ...(Object.keys(podAnnotations).length > 0 ? { podAnnotations } : {}),
    ...(Object.keys(nodes).length > 0 ? { nodeSelector: nodes } : {}),
    ...tolerationsOf(workload),
    ...(workload.hostNetwork ? { hostNetwork: true } : {}),
    ...(init.length > 0 ? { initContainers: init } : {}),
    containers: containersOf(workload.containers, false),
  };
};

/** Returns the manager that owns the pod template, or most of the object. */
const applierOf = ({ managedFields }: RecordedWorkload): string | undefined => {
  const [first] = managedFields
    .filter(({ subresource }) => subresource === undefined)
    .sort((a, b) => b.fields.length - a.fields.length);
  return first?.manager || undefined;
};

/** Returns a workload that no add-on owns. `claims`: as in `mountedVolumes`. */
export const ownWorkload = (
  workload: RecordedWorkload,
  pods: readonly Pod[],
  selected: ReadonlySet<string>,
  claims: ReadonlySet<string>,
): WorkloadInput => {
  const annotations = keptAnnotations(workload.annotations);
  const manager = applierOf(workload);
  const volumes = mountedVolumes(workload.mounted, workload.containers, workload.namespace, claims);
  return {
    ...workloadFields(workload, pods, selected),
    namespace: workload.namespace,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(manager === undefined ? {} : { manager }),
    ...(volumes.length > 0 ? { volumes } : {}),
    createdAt: workload.createdAt,
  };
};

const audiences = { 'pods.eks.amazonaws.com': 'pod-identity', 'sts.amazonaws.com': 'irsa' } as const;

/** Returns the identity that the webhook gave a pod, with the role of IRSA. */
export const identityOf = ({
  tokens,
  containers,
}: Pick<Pod, 'tokens' | 'containers'>): Pick<PastPodsInput, 'identity' | 'roleArn'> => {
  const has = (name: string): boolean => containers.some(({ env }) => Object.hasOwn(env, name));
  const found = tokens.flatMap(({ audience }) =>
    Object.hasOwn(audiences, audience) ? [audiences[audience as keyof typeof audiences]] : [],
  );
  if (found.includes('pod-identity')) return { identity: 'pod-identity' };
  const isIrsa = found.includes('irsa') || has('AWS_WEB_IDENTITY_TOKEN_FILE');
  if (!isIrsa) return { identity: 'none' };
  const roleArn = containers
    .map(({ env }) => env['AWS_ROLE_ARN'])
    .find((value) => parseRoleArn(value ?? '') !== undefined);
  return { identity: 'irsa', ...(roleArn === undefined ? {} : { roleArn }) };
};

/** Returns the pods of workloads: those of the same age, identity and number of restarts together. */
export const pastPods = (
  workloads: readonly RecordedWorkload[],
  byWorkload: ReadonlyMap<string, readonly Pod[]>,
): PastPodsInput[] =>
  workloads.flatMap((workload) => {
    const { kind, namespace, name } = workload;
    const groups = new Map<string, PastPodsInput & { count: number }>();
    for (const pod of byWorkload.get(nameOf(workload)) ?? []) {
      const { createdAt, restarts = 0 } = pod;
      const one = {
        kind,
        namespace,
        workload: name,
        createdAt,
        ...identityOf(pod),
        ...(restarts === 0 ? {} : { restarts }),
      };
      const key = JSON.stringify(one);
      const known = groups.get(key);
      if (known) known.count += 1;
      else groups.set(key, { ...one, count: 1 });
    }
    return [...groups.values()];
  });

const ANNOTATION_FIELD = `.metadata.annotations.${IRSA_ANNOTATION}`;

/** Whether a field is a label, or an annotation other than the role. */
const isOfMetadata = (field: string): boolean =>
  /^\.metadata\.(labels|annotations)\./.test(field) && field !== ANNOTATION_FIELD;

/** Returns the service accounts with annotations or labels that matter. */
export const serviceAccounts = (accounts: readonly RecordedAccount[]): ServiceAccountInput[] =>
  accounts.flatMap(({ namespace, name, annotations: all, labels: allLabels, managedFields }) => {
    const annotations = keptAnnotations(all);
    const labels = keptLabels(allLabels);
    if (Object.keys(annotations).length === 0 && Object.keys(labels).length === 0) return [];
    const manager = managedFields.find(({ fields }) => fields.includes(ANNOTATION_FIELD))?.manager;
    const appliedBy = managedFields.find(({ fields }) => fields.some(isOfMetadata))?.manager;
    return [
      {
        namespace,
        name,
        ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
        ...(Object.keys(labels).length > 0 ? { labels } : {}),
        ...(manager === undefined || manager === '' ? {} : { manager }),
        ...(appliedBy === undefined || appliedBy === '' ? {} : { appliedBy }),
      },
    ];
  });
