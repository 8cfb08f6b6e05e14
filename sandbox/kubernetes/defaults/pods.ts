/**
 * What pods have besides the API's defaults: fields that a DaemonSet's controller and the admission plugins add, and
 * the parts of the status that the sandbox does not store.
 */
import { hash } from 'node:crypto';
import type { Json } from '../../json.ts';
import type { Condition, KubeObject } from '../../objects/objects.ts';
import { controllerOf } from '../../objects/store.ts';
import { daemonTolerations, type Toleration } from '../../objects/taints.ts';
import { changeEach, fill } from './fill.ts';
import { withPodSpecDefaults } from './pod-spec.ts';

/** For how long a pod tolerates the loss of its node (k8s.io/kubernetes, plugin/pkg/admission/defaulttolerationseconds). */
const LOST_NODE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/** Priorities of the classes that every cluster has (k8s.io/kubernetes, plugin/pkg/admission/priority). */
const PRIORITIES: Record<string, number> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

const isSame = (one: Toleration, other: Toleration): boolean =>
  one.key === other.key &&
  one.operator === other.operator &&
  one.effect === other.effect &&
  (one.value ?? '') === (other.value ?? '');

/** Returns the node affinity with which a DaemonSet's controller assigns a pod to its node, merged into the template's. */
const withNode = (affinity: Json = {}, node: string): Json => {
  const nodeAffinity = (affinity['nodeAffinity'] ?? {}) as Json;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const { nodeSelectorTerms = [{}] } = (nodeAffinity[required] ?? {}) as { nodeSelectorTerms?: Json[] };
  return {
    ...affinity,
    nodeAffinity: {
      ...nodeAffinity,
      [required]: { nodeSelectorTerms: nodeSelectorTerms.map((term) => ({ ...term, matchFields })) },
    },
  };
};

/** Returns the specification with which a pod's controller has created it. */
const asCreated = (pod: KubeObject, spec: Json): Json => {
  if (controllerOf(pod)?.kind !== 'DaemonSet') return spec;
  const given = (spec['tolerations'] ?? []) as Toleration[];
  const added = daemonTolerations(spec).filter((each) => !given.some((one) => isSame(one, each)));
  const node = spec['nodeName'];
  return {
    ...spec,
    tolerations: [...given, ...added],
    ...(typeof node === 'string' ? { affinity: withNode(spec['affinity'] as Json | undefined, node) } : {}),
  };
};

/** Returns the specification after the API server's admission plugins. */
const asAdmitted = (spec: Json): Json => {
  const given = (spec['tolerations'] ?? []) as Toleration[];
  const missing = LOST_NODE.filter(
    ({ key }) => !given.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === 'NoExecute')),
  );
  return fill(missing.length > 0 ? { ...spec, tolerations: [...given, ...missing] } : spec, {
    serviceAccountName: 'default',
    serviceAccount: 'default',
    priority: PRIORITIES[String(spec['priorityClassName'])] ?? 0,
    preemptionPolicy: 'PreemptLowerPriority',
  });
};

/** Returns the specification of a pod as its creator wrote it, with the API's defaults, before admission. */
export const createdPodSpec = (pod: KubeObject): Json =>
  fill(withPodSpecDefaults(asCreated(pod, pod.spec ?? {})), { enableServiceLinks: true });

type Resources = Record<'requests' | 'limits', Record<string, string | number> | undefined>;

/** Returns the quality of service of a pod, by the resources of its containers (k8s.io/kubernetes, apis/core/v1/helper/qos). */
const qosClassOf = (spec: Json): string => {
  const containers = ['initContainers', 'containers'].flatMap(
    (name) => (spec[name] ?? []) as { resources?: Resources }[],
  );
  const names = ['cpu', 'memory'];
  const has = (each: Resources | undefined, which: keyof Resources): boolean =>
    names.some((name) => each?.[which]?.[name] !== undefined);
  if (!containers.some(({ resources }) => has(resources, 'requests') || has(resources, 'limits'))) return 'BestEffort';
  const isGuaranteed = containers.every(({ resources }) =>
    names.every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
};

const digests = new Map<string, string>();
/** Returns the digest that an image or container has in the sandbox. */
const digestOf = (text: string): string => {
  const known = digests.get(text);
  if (known !== undefined) return known;
  const digest = hash('sha256', text);
  if (digests.size >= 500) digests.clear();
  digests.set(text, digest);
  return digest;
};

const containerStatus =
  (uid: string) =>
  (one: Json): Json => {
    const {
      name,
      image,
      restartCount,
      state = {},
    } = one as { name: string; image: string; restartCount: number; state?: Json };
    // A container that is being created has neither; one that waits for its next start keeps those of its last.
    const hasStarted = state['running'] !== undefined || state['terminated'] !== undefined || restartCount > 0;
    const [repository = ''] = image.split(/[@:](?!.*\/)/);
    return {
      ...fill(one, { lastState: {} }),
      imageID: hasStarted ? `${repository}@sha256:${digestOf(image)}` : '',
      ...(hasStarted ? { containerID: `containerd://${hash('sha256', `${uid} ${name} ${restartCount}`)}` } : {}),
    };
  };

const withStatusDefaults = ({ metadata, spec = {}, status = {} }: KubeObject): Json => {
  const conditions = (status['conditions'] ?? []) as Condition[];
  let filled: Json = {
    ...status,
    qosClass: qosClassOf(spec),
    conditions: conditions.map((condition) => ({ lastProbeTime: null, ...condition })),
  };
  for (const name of ['initContainerStatuses', 'containerStatuses'])
    filled = changeEach(filled, name, containerStatus(metadata.uid));
  return filled;
};

/** Returns a pod with the API's defaults and what admission and the kubelet add. */
export const withPodDefaults = (pod: KubeObject, minor: number): KubeObject => ({
  ...pod,
  // A deletion is the only change of a pod's specification in the sandbox.
  metadata:
    minor < 33 ? pod.metadata : { ...pod.metadata, generation: pod.metadata.deletionTimestamp === undefined ? 1 : 2 },
  spec: asAdmitted(createdPodSpec(pod)),
  status: withStatusDefaults(pod),
});
