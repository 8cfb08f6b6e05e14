/**
 * Plays the kubelets of a real cluster's nodes: pods get ready, crash and end as in the sandbox, by its own code and in
 * the world's time. What changes in a pod's status is written to the real API server.
 */
import { resumeContainers } from '../../../sandbox/kubernetes/crashes.ts';
import { withDefaults } from '../../../sandbox/kubernetes/defaults/with-defaults.ts';
import { noteMountRole } from '../../../sandbox/kubernetes/mount-roles.ts';
import type { KubeObject, Pod } from '../../../sandbox/objects/objects.ts';
import { assignNode, isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { controllerOf, isWorkloadKind, listObjects, workloadOf } from '../../../sandbox/objects/store.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import type { ControlPlane } from '../plane/options.ts';
import type { Times } from './times.ts';
import type { Work } from './work.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

export interface KubeletsOptions {
  world: World;
  cluster: ClusterState;
  plane: ControlPlane;
  times: Times;
  work: Work;
  /** Returns the status of a pod that has existed since before the sandbox opened; undefined for a new pod. */
  pastStatus: (pod: Pod) => Pod['status'] | undefined;
}

/** Returns whether the owner of an object is mirrored, or is of a kind that is not. */
const hasWorkload = (cluster: ClusterState, pod: Pod): boolean => {
  const kind = controllerOf(pod)?.kind;
  return kind === undefined || (kind !== 'ReplicaSet' && !isWorkloadKind(kind)) || !!workloadOf(cluster.kube, pod);
};

export class Kubelets {
  private readonly options: KubeletsOptions;
  private readonly started = new Set<string>();
  private readonly ending = new Set<string>();
  /** The status of each pod that was written last. */
  private readonly written = new Map<string, unknown>();
  /** The server's text for a time of the world, by `uid text`. */
  private readonly texts = new Map<string, string>();
  private readonly openedAt: number;

  constructor(options: KubeletsOptions) {
    this.options = options;
    this.openedAt = options.world.schedule.now();
    options.world.schedule.watch(() => this.report());
  }

  /** Returns whether a kubelet has taken the pod on: its status is then the kubelet's. */
  owns({ metadata: { uid } }: Pod): boolean {
    return this.started.has(uid);
  }

  /** Reacts to a change: starts pods that got a node, and ends those that are being deleted. */
  changed(object: KubeObject, removed: boolean): void {
    if (object.kind === 'Pod' && removed) {
      for (const set of [this.started, this.ending]) set.delete(object.metadata.uid);
      this.written.delete(object.metadata.uid);
      return;
    }
    // The owner of a pod can arrive after it: the watches are separate.
    const pods = object.kind === 'Pod' ? [object as Pod] : this.waitingPods(object.kind);
    for (const pod of pods) {
      if (pod.spec.nodeName === undefined) continue;
      if (!isActive(pod)) this.end(pod);
      else if (hasWorkload(this.options.cluster, pod)) this.start(pod);
    }
    this.report();
  }

  private waitingPods(kind: string): Pod[] {
    if (kind !== 'ReplicaSet' && !isWorkloadKind(kind)) return [];
    return listObjects(this.options.cluster.kube, 'Pod').filter(
      (pod) => !this.started.has(pod.metadata.uid) && !this.ending.has(pod.metadata.uid),
    );
  }

  private start(pod: Pod): void {
    const { world, cluster, pastStatus } = this.options;
    const { uid } = pod.metadata;
    if (this.started.has(uid)) return;
    this.started.add(uid);
    const sdks = cluster.kube.sdks.get(workloadOf(cluster.kube, pod)?.metadata.uid ?? '');
    if (sdks) cluster.kube.sdks.set(uid, sdks);
    noteMountRole(cluster, pod);
    const past = pastStatus(pod);
    if (!past) {
      assignNode({ world, cluster }, pod, pod.spec.nodeName ?? '', () => {});
      return;
    }
    pod.status = past;
    const since = past.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    if (isReady(pod) && since) resumeContainers({ world, cluster }, pod, Date.parse(since), () => {});
  }

  private end(pod: Pod): void {
    const { world, plane, work } = this.options;
    const { uid, name, namespace = 'default', deletionGracePeriodSeconds = 30 } = pod.metadata;
    if (this.ending.has(uid)) return;
    this.ending.add(uid);
    this.started.add(uid);
    const seconds = Math.min(world.knobs.podTerminationSeconds, deletionGracePeriodSeconds);
    world.schedule.after(seconds * 1000, () =>
      work.run(`end of pod ${namespace}/${name}`, async () => {
        const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
        const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
        const { status, text } = await plane.request('DELETE', path, { body });
        // 404 and 409: another pod has the name by now.
        if (![200, 202, 404, 409].includes(status))
          throw new Error(`DELETE ${path} was answered with ${status}: ${text}`);
      }),
    );
  }

  /** Writes each status that has changed. */
  private report(): void {
    const { cluster } = this.options;
    for (const pod of listObjects(cluster.kube, 'Pod')) {
      const { uid } = pod.metadata;
      if (!this.started.has(uid) || this.ending.has(uid) || this.written.get(uid) === pod.status) continue;
      this.written.set(uid, pod.status);
      this.write(pod);
    }
  }

  private write(pod: Pod): void {
    const { plane, times, work } = this.options;
    const { uid, name, namespace = 'default' } = pod.metadata;
    times.noteConditions(uid, pod.status.conditions);
    // The API server has set the class itself, and refuses another one.
    const { qosClass: _qosClass, ...status } = withDefaults(this.options.cluster, pod).status as Pod['status'];
    const conditions = status.conditions
      // The scheduler's own.
      .filter(({ type }) => type !== 'PodScheduled')
      // A patch keeps what it does not name.
      .map((condition) => ({ reason: null, message: null, ...condition }));
    const body = { metadata: { uid }, status: this.asServerTime(uid, { ...status, conditions }) };
    work.run(`status of pod ${namespace}/${name}`, async () => {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/status?fieldManager=kubelet`;
      const headers = { 'content-type': 'application/strategic-merge-patch+json' };
      const answer = await plane.request('PATCH', path, { body, headers });
      if (![200, 404, 409].includes(answer.status))
        throw new Error(`PATCH ${path} was answered with ${answer.status}: ${answer.text}`);
    });
  }

  /** Returns a copy with the server's times: what has happened since the sandbox opened happens now. */
  private asServerTime(uid: string, value: unknown): unknown {
    if (typeof value === 'string') {
      if (!TIME.test(value) || Date.parse(value) < this.openedAt) return value;
      const key = `${uid} ${value}`;
      const text = this.texts.get(key) ?? `${new Date().toISOString().slice(0, 19)}Z`;
      this.texts.set(key, text);
      return text;
    }
    if (Array.isArray(value)) return value.map((each: unknown) => this.asServerTime(uid, each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.asServerTime(uid, each)]));
  }
}
