/** The lifecycle of a pod: created and admitted, ready, terminating, removed. */
import { credentialsOfPod, hasCredentials } from '../credentials/sessions.ts';
import { copyOf } from '../json.ts';
import type { ClusterState, World } from '../world/world.ts';
import { resumeContainers, runContainers } from './crashes.ts';
import { canRun } from '../world/nodes.ts';
import type { KubeState, PastPod, Tally } from '../objects/kube-state.ts';
import type { KubeObject, Pod, PodTemplate, Workload } from '../objects/objects.ts';
import { noteRestarts, setStatus } from './pod-status.ts';
import {
  controlledBy,
  controllerOf,
  getObject,
  NAME_ALPHABET,
  newMetadata,
  ownedBy,
  putObject,
  removeObject,
  timestamp,
  touch,
  workloadOf,
} from '../objects/store.ts';
import { noteMountRole } from './mount-roles.ts';
import { admitPod } from './webhook.ts';

/** The state that the controllers work on. */
export interface ControlPlane {
  world: World;
  cluster: ClusterState;
}

/** Default of `terminationGracePeriodSeconds`. */
const GRACE_SECONDS = 30;

export const isActive = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined;
export const isReady = (pod: Pod): boolean =>
  pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** Returns whether a pod has been ready for `minReadySeconds`, so that it counts as available. */
export const isAvailable = ({ world }: Pick<ControlPlane, 'world'>, pod: Pod, { spec }: Workload): boolean => {
  const { minReadySeconds = 0 } = spec;
  const since = pod.status.conditions.find(({ type, status }) => type === 'Ready' && status === 'True');
  return since !== undefined && Date.parse(since.lastTransitionTime) + minReadySeconds * 1000 <= world.schedule.now();
};

/** Returns the controllers of a workload's pods: a Deployment's ReplicaSets, otherwise the workload itself. */
const controllersOf = (kube: KubeState, workload: Workload): KubeObject[] =>
  workload.kind === 'Deployment' ? controlledBy(kube, 'ReplicaSet', workload) : [workload];

/** Returns all pods of a workload, including terminating pods. */
export const podsOf = ({ cluster: { kube } }: ControlPlane, workload: Workload): Pod[] =>
  controllersOf(kube, workload).flatMap((controller) => controlledBy(kube, 'Pod', controller));

/** Label that identifies the template of a DaemonSet's or StatefulSet's pod. */
export const REVISION_LABEL = 'controller-revision-hash';

/**
 * Returns the counts of all pods that `controller` controls, or of those of one template. The counts are maintained
 * incrementally, because clusters can be large.
 */
export const tallyOf = (kube: KubeState, controller: KubeObject, hash?: string): Tally =>
  kube.tallies.get(hash === undefined ? controller.metadata.uid : `${controller.metadata.uid}/${hash}`) ?? {
    active: 0,
    ready: 0,
  };

/** Returns how many pods of a controller are on each node that has one, including terminating pods. */
export const heldNodesOf = (kube: KubeState, controller: KubeObject): ReadonlyMap<string, number> =>
  kube.heldNodes.get(controller.metadata.uid) ?? new Map<string, number>();

/** Counts a pod that comes to a node, or leaves it. */
const hold = (kube: KubeState, controllerUid: string, nodeName: string, change: 1 | -1): void => {
  const held = kube.heldNodes.get(controllerUid) ?? new Map<string, number>();
  kube.heldNodes.set(controllerUid, held);
  const pods = (held.get(nodeName) ?? 0) + change;
  if (pods > 0) held.set(nodeName, pods);
  else held.delete(nodeName);
};

const count = (kube: KubeState, pod: Pod, change: Tally): void => {
  const uid = controllerOf(pod)?.uid ?? '';
  for (const key of [uid, `${uid}/${pod.metadata.labels?.[REVISION_LABEL] ?? ''}`]) {
    const tally = kube.tallies.get(key);
    if (tally) {
      tally.active += change.active;
      tally.ready += change.ready;
    } else kube.tallies.set(key, { ...change });
  }
};

/** Returns how many pods of a workload are ready. */
export const readyPods = ({ cluster: { kube } }: ControlPlane, workload: Workload): number =>
  controllersOf(kube, workload).reduce((sum, controller) => sum + tallyOf(kube, controller).ready, 0);

/** Appends the ready count to the history if it has changed. */
export const noteReady = (plane: ControlPlane, workload: Workload): void => {
  const { readyCounts, readyHistory } = plane.cluster.kube;
  const { uid, namespace = '', name } = workload.metadata;
  const ready = readyPods(plane, workload);
  if (readyCounts.get(uid) === ready) return;
  readyCounts.set(uid, ready);
  readyHistory.push({ at: plane.world.schedule.now(), namespace, kind: workload.kind, workload: name, ready });
};

/** Adds the API server token that every pod has. Called before the webhook sees the pod. */
const addApiAccess = (pod: Pod, suffix: string): void => {
  const name = `kube-api-access-${suffix}`;
  const token = { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } };
  const authority = { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } };
  const namespace = { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } };
  pod.spec.volumes = [...(pod.spec.volumes ?? []), { name, projected: { sources: [token, authority, namespace] } }];
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ];
  }
};

/** Normalizes a pod as an API server does: empty values of variables and empty lists of a container are dropped. */
export const storePod = (pod: Pod): void => {
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    for (const variable of container.env ?? []) if (variable.value === '') delete variable.value;
    if (container.env?.length === 0) delete container.env;
    if (container.volumeMounts?.length === 0) delete container.volumeMounts;
  }
};

export interface NewPod {
  /** The pod's controller: a ReplicaSet, a DaemonSet or a StatefulSet. */
  owner: KubeObject;
  /** Generated if undefined. */
  name?: string;
  template: PodTemplate;
  /** Labels to add to those of the template. */
  labels: Record<string, string>;
  /** Undefined if no node fits: the pod stays Pending. */
  nodeName: string | undefined;
  /** Milliseconds since 1970; the webhook injects what it knew at that time. */
  createdAt: number;
  /** True if the pod is ready from the start, because it existed before the sandbox opened. */
  ready: boolean;
}

/**
 * Seconds between restarts of a container that cannot run without credentials. Its pod stays Pending, like a pod whose
 * init containers fail: in the sandbox, only pods with credentials count as running.
 */
const RESTART_SECONDS = 10;

/**
 * Returns how many seconds a pod needs to become ready. With bounds, each pod has its own time, most of them near the
 * lower bound. The time is derived from the pod's uid, so that calling this draws no random number.
 */
export const readySecondsOf = ({ world, cluster: { kube } }: ControlPlane, pod: Pod): number => {
  const given = kube.readySeconds.get(workloadOf(kube, pod)?.metadata.uid ?? '') ?? world.knobs.podReadySeconds;
  if (typeof given === 'number') return given;
  const share = Number.parseInt(pod.metadata.uid.slice(0, 8), 16) / 2 ** 32;
  return Math.round(given.min + (given.max - given.min) * share ** 3);
};

/** Counts a pod that has become ready or unready, and calls `changed`: again once a ready pod is available. */
export const noteReadiness = (
  { world, cluster: { kube } }: ControlPlane,
  pod: Pod,
  changed: () => void,
  ready: boolean,
): void => {
  if (isActive(pod)) count(kube, pod, { active: 0, ready: ready ? 1 : -1 });
  changed();
  const { minReadySeconds = 0 } = workloadOf(kube, pod)?.spec ?? {};
  if (ready && minReadySeconds > 0) world.schedule.after(minReadySeconds * 1000, changed);
};

const becomeReady = (
  plane: ControlPlane,
  pod: Pod,
  changed: () => void,
  seconds = readySecondsOf(plane, pod),
  crashes = 0,
): void => {
  const { world, cluster } = plane;
  const { kube } = cluster;
  world.schedule.after(seconds * 1000, (at) => {
    if (!isActive(pod) || !canRun(kube, pod)) return;
    if (world.knobs.podsWaitForCredentials && !hasCredentials(world, cluster, pod)) {
      setStatus(kube, pod, at, false, crashes + 1);
      touch(kube, pod);
      becomeReady(plane, pod, changed, RESTART_SECONDS, crashes + 1);
      return;
    }
    setStatus(kube, pod, at, true, crashes);
    credentialsOfPod(world, cluster, pod);
    touch(kube, pod);
    runContainers(plane, pod, at, (isNowReady) => noteReadiness(plane, pod, changed, isNowReady));
    noteReadiness(plane, pod, changed, true);
  });
};

/** Returns what the scenario knows about the next pod of a controller's workload, if anything. */
const takePast = (kube: KubeState, controller: KubeObject): PastPod | undefined => {
  if (kube.pastPods.size === 0) return undefined;
  const { kind, name } = controllerOf(controller) ?? { kind: controller.kind, name: controller.metadata.name };
  return kube.pastPods.get(`${kind} ${controller.metadata.namespace}/${name}`)?.shift();
};

/** Creates a pod; `changed` is called when it becomes ready. */
export const createPod = (plane: ControlPlane, options: NewPod, changed: () => void): Pod => {
  const { kube } = plane.cluster;
  const { owner } = options;
  const past = options.ready ? takePast(kube, owner) : undefined;
  const createdAt = past?.createdAt ?? options.createdAt;
  const template = copyOf(options.template);
  const generateName = `${owner.metadata.name}-`;
  const namespace = owner.metadata.namespace ?? 'default';
  let suffix: string;
  do suffix = kube.random.string(5, NAME_ALPHABET);
  while (options.name === undefined && getObject(kube, 'Pod', namespace, `${generateName}${suffix}`));
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: newMetadata(kube, createdAt, {
      name: options.name ?? `${generateName}${suffix}`,
      generateName,
      namespace,
      labels: { ...template.metadata.labels, ...options.labels },
      ...(template.metadata.annotations ? { annotations: template.metadata.annotations } : {}),
      ownerReferences: [ownedBy(owner)],
    }),
    spec: { ...template.spec, ...(options.nodeName === undefined ? {} : { nodeName: options.nodeName }) },
    status: { phase: 'Pending', conditions: [] },
  };
  addApiAccess(pod, suffix);
  admitPod(plane.world, plane.cluster, pod, createdAt, past);
  storePod(pod);
  noteMountRole(plane.cluster, pod);
  const isReadyAtOnce = options.ready && canRun(kube, pod);
  // A pod from before the sandbox opened needed its time to become ready, too.
  const since = isReadyAtOnce
    ? Math.max(createdAt, Math.min(createdAt + readySecondsOf(plane, pod) * 1000, plane.world.schedule.now()))
    : createdAt;
  const sdks = kube.sdks.get(workloadOf(kube, pod)?.metadata.uid ?? '');
  if (sdks) kube.sdks.set(pod.metadata.uid, sdks);
  setStatus(kube, pod, since, isReadyAtOnce);
  noteRestarts(pod, since, past?.restarts ?? 0);
  kube.podTemplates.set(pod.metadata.uid, options.template);
  putObject(kube, 'Pod', pod);
  count(kube, pod, { active: 1, ready: isReady(pod) ? 1 : 0 });
  if (options.nodeName !== undefined) hold(kube, owner.metadata.uid, options.nodeName, 1);
  if (options.nodeName !== undefined && !options.ready) becomeReady(plane, pod, changed);
  if (isReadyAtOnce) resumeContainers(plane, pod, since, (ready) => noteReadiness(plane, pod, changed, ready));
  return pod;
};

/** Assigns a node to a pending pod. */
export const assignNode = (plane: ControlPlane, pod: Pod, nodeName: string, changed: () => void): void => {
  pod.spec = { ...pod.spec, nodeName };
  setStatus(plane.cluster.kube, pod, plane.world.schedule.now(), false);
  touch(plane.cluster.kube, pod);
  becomeReady(plane, pod, changed);
};

/** Marks a pod on a lost node as not ready, although it may still be running (NodeLifecycleController). */
export const loseReadiness = (kube: KubeState, pod: Pod, at: number): void => {
  if (!isReady(pod)) return;
  if (isActive(pod)) count(kube, pod, { active: 0, ready: -1 });
  pod.status = {
    ...pod.status,
    conditions: pod.status.conditions.map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: timestamp(at) } : condition,
    ),
  };
  touch(kube, pod);
};

/**
 * Starts the termination of a pod: the pod no longer counts, and is removed a little later, when `changed` is called;
 * it is not removed while its node is lost. With `graceSeconds` 0 it is removed at once. A second call changes nothing.
 */
export const terminatePod = (
  plane: ControlPlane,
  pod: Pod,
  changed: () => void,
  graceSeconds = GRACE_SECONDS,
): void => {
  const { kube } = plane.cluster;
  const { schedule, knobs } = plane.world;
  const remove = (): void => {
    removeObject(kube, 'Pod', pod);
    kube.sessions.delete(pod.metadata.uid);
    kube.sdks.delete(pod.metadata.uid);
    kube.mountRoles.delete(pod.metadata.uid);
    hold(kube, controllerOf(pod)?.uid ?? '', pod.spec.nodeName ?? '', -1);
    changed();
  };
  // The kubelet reports that the pod has ended; the kubelet of a lost node cannot report.
  const end = (): void => {
    if (!kube.lostNodes.has(pod.spec.nodeName ?? '')) remove();
  };
  if (isActive(pod)) {
    // As in the API server, the timestamp is the end of the grace period, not the start of the deletion.
    pod.metadata.deletionTimestamp = timestamp(schedule.now() + graceSeconds * 1000);
    pod.metadata.deletionGracePeriodSeconds = graceSeconds;
    count(kube, pod, { active: -1, ready: isReady(pod) ? -1 : 0 });
    touch(kube, pod);
    if (graceSeconds > 0) schedule.after(Math.min(knobs.podTerminationSeconds, graceSeconds) * 1000, end);
  }
  if (graceSeconds === 0) remove();
};
