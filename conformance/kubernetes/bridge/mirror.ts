/**
 * Keeps the objects that the sandbox knows of a cluster equal to those of a real API server, by lists and watches, with
 * the world's times. What the sandbox's own controllers would count is counted here.
 */
import { noteRemoval } from '../../../sandbox/objects/removals.ts';
import type { IncomingMessage } from 'node:http';
import { infoOf } from '../../../sandbox/kubernetes/custom-resources.ts';
import type { CustomKind, KubeObject, Pod, Workload } from '../../../sandbox/objects/objects.ts';
import { nodesChanged } from '../../../sandbox/world/nodes.ts';
import { isActive, isReady, noteReady } from '../../../sandbox/kubernetes/pods.ts';
import {
  apiVersionOf,
  controlledBy,
  controllerOf,
  isWorkloadKind,
  KINDS,
  resourceOf,
  type ResourceInfo,
  workloadOf,
} from '../../../sandbox/objects/store.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import type { ControlPlane } from '../plane/options.ts';
import type { Times } from './times.ts';

export interface MirrorOptions {
  world: World;
  cluster: ClusterState;
  plane: ControlPlane;
  times: Times;
  /** Called before a written object becomes visible, which it may change. */
  onPut?: (object: KubeObject) => void;
  /** Called after each change. */
  onChange?: (object: KubeObject, removed: boolean) => void;
}

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubeObject;
}

const keyOf = ({ metadata: { namespace, name } }: KubeObject): string => `${namespace ?? ''}/${name}`;

/** Returns the path of a resource's objects in all namespaces. */
export const pathOf = (info: ResourceInfo): string => {
  const version = apiVersionOf(info);
  return `${info.group === '' ? '/api' : '/apis'}/${version}/${info.plural}`;
};

async function* linesOf(stream: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** How long a write may take to arrive by the watch. */
const LONGEST_LAG_MS = 10_000;

export class Mirror {
  private readonly options: MirrorOptions;
  private readonly streams = new Set<IncomingMessage>();
  private readonly seen = new Map<string, number>();
  private readonly waiting = new Set<() => void>();
  /** The workload of each controller of pods, by the controller's uid. */
  private readonly workloads = new Map<string, Workload>();
  private closed = false;
  /** When the last event arrived, as `performance.now()` has it. */
  lastEventAt = 0;
  /** Why watches have ended, other than by `close`. */
  readonly failures: unknown[] = [];

  constructor(options: MirrorOptions) {
    this.options = options;
  }

  /** Forgets the sandbox's own objects, and mirrors all built-in kinds. */
  async open(): Promise<void> {
    const { kube } = this.options.cluster;
    for (const objects of kube.objects.values()) objects.clear();
    const { controlled, tallies, heldNodes, readyCounts, managedFields, applied } = kube;
    for (const map of [controlled, tallies, heldNodes, readyCounts, managedFields, applied]) map.clear();
    nodesChanged(kube);
    await Promise.all(Object.values(KINDS).map((info) => this.watch(info)));
    kube.readyHistory.length = 0;
  }

  /** Mirrors the objects of a custom kind, whose definition must be established. */
  async watchCustom(kind: CustomKind): Promise<void> {
    await this.watch(infoOf(kind));
  }

  close(): void {
    this.closed = true;
    for (const stream of this.streams) stream.destroy();
  }

  /** Resolves once the mirror has an object as it was written, or a later version, or no longer has it. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + LONGEST_LAG_MS;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`The mirror did not see ${what} within ${LONGEST_LAG_MS / 1000} seconds.`);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, left);
        this.waiting.add(done);
      });
    }
  }

  /** Resolves once the mirror has seen the object that a write returned. Does nothing for anything else. */
  async caughtUp(written: unknown): Promise<void> {
    const { kind = '', metadata } = (written ?? {}) as Partial<KubeObject>;
    const version = Number(metadata?.resourceVersion);
    if (!metadata?.uid || !(kind in KINDS) || !Number.isInteger(version)) return;
    await this.until(() => (this.seen.get(metadata.uid) ?? 0) >= version, `${kind} ${metadata.name}`);
  }

  private async watch(info: ResourceInfo): Promise<void> {
    const { plane } = this.options;
    const path = pathOf(info);
    const { status, text, body } = await plane.request('GET', path);
    if (status === 404) return this.gone(info);
    if (status !== 200) throw new Error(`GET ${path} was answered with ${status}: ${text}`);
    const { items, metadata } = body as { items: KubeObject[]; metadata: { resourceVersion: string } };
    const known = new Set(items.map(keyOf));
    for (const object of this.objectsOf(info).values()) if (!known.has(keyOf(object))) this.remove(info, object);
    for (const item of items) this.put(info, { ...item, apiVersion: apiVersionOf(info), kind: info.kind });
    await this.follow(info, path, metadata.resourceVersion);
  }

  /** Follows the changes; the promise resolves once the watch is open. */
  private async follow(info: ResourceInfo, path: string, resourceVersion: string): Promise<void> {
    const { plane } = this.options;
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
    const stream = await plane.open('GET', `${path}?${query}`);
    if (stream.statusCode === 404) {
      // The definition of a custom kind was deleted, and all its objects with it.
      stream.resume();
      return this.gone(info);
    }
    if (stream.statusCode !== 200) throw new Error(`A watch of ${path} was answered with ${stream.statusCode}.`);
    this.streams.add(stream);
    const read = async (): Promise<void> => {
      let last = resourceVersion;
      for await (const line of linesOf(stream)) {
        const { type, object } = JSON.parse(line) as WatchEvent;
        // The version is too old, or the server is going away: everything is listed again.
        if (type === 'ERROR') return this.watch(info);
        last = object.metadata.resourceVersion;
        if (type === 'BOOKMARK') continue;
        if (type === 'DELETED') this.remove(info, object);
        else this.put(info, object);
      }
      if (!this.closed) await this.follow(info, path, last);
    };
    void read()
      .catch((error: unknown) => {
        if (!this.closed) this.failures.push(error);
      })
      .finally(() => this.streams.delete(stream));
  }

  find(info: ResourceInfo, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.objectsOf(info).get(`${namespace ?? ''}/${name}`);
  }

  private gone(info: ResourceInfo): void {
    for (const object of this.objectsOf(info).values()) this.forget(info, object);
  }

  private objectsOf(info: ResourceInfo): Map<string, KubeObject> {
    const { objects } = this.options.cluster.kube;
    const resource = resourceOf(info);
    const found = objects.get(resource) ?? new Map<string, KubeObject>();
    objects.set(resource, found);
    return found;
  }

  private put(info: ResourceInfo, real: KubeObject): void {
    const { cluster, times, onPut } = this.options;
    times.observe();
    const object = times.translate(real);
    const objects = this.objectsOf(info);
    const key = keyOf(object);
    let known = objects.get(key);
    if (known && known.metadata.uid !== object.metadata.uid) {
      this.forget(info, known);
      known = undefined;
    }
    // Objects are changed in place, as the sandbox changes its own: what holds one sees its newest state.
    const kept = known ?? ({} as KubeObject);
    const status = known?.status;
    for (const part of Object.keys(kept)) delete kept[part];
    Object.assign(kept, object);
    // A new pod has no conditions yet.
    if (kept.kind === 'Pod') kept.status = { conditions: [], ...kept.status };
    if (kept.kind === 'Pod' && status && this.keepsStatus?.(kept as Pod)) kept.status = status;
    onPut?.(kept);
    objects.set(key, kept);
    const controller = controllerOf(kept);
    if (controller) {
      const siblings = cluster.kube.controlled.get(controller.uid) ?? new Set();
      cluster.kube.controlled.set(controller.uid, siblings.add(kept));
    }
    this.changed(info, kept, real, false);
  }

  /** Returns whether the mirror's status of a pod is the true one, because its kubelet is played here. */
  keepsStatus: ((pod: Pod) => boolean) | undefined;

  private remove(info: ResourceInfo, real: KubeObject): void {
    const known = this.objectsOf(info).get(keyOf(real));
    if (known && known.metadata.uid === real.metadata.uid) this.forget(info, known);
    this.changed(info, known ?? real, real, true);
  }

  private forget(info: ResourceInfo, object: KubeObject): void {
    const { kube } = this.options.cluster;
    this.objectsOf(info).delete(keyOf(object));
    kube.controlled.get(controllerOf(object)?.uid ?? '')?.delete(object);
    const { uid } = object.metadata;
    for (const map of [kube.sessions, kube.sdks, kube.mountRoles, kube.readySeconds]) map.delete(uid);
  }

  private changed(info: ResourceInfo, object: KubeObject, real: KubeObject, removed: boolean): void {
    const { kube } = this.options.cluster;
    const version = Number(real.metadata.resourceVersion);
    this.seen.set(real.metadata.uid, removed ? Infinity : version);
    kube.resourceVersion = Math.max(kube.resourceVersion, version);
    if (removed) noteRemoval(kube, resourceOf(info), object);
    if (info.kind === 'Node') nodesChanged(kube);
    this.lastEventAt = performance.now();
    if (info.kind === 'Pod' || info.kind === 'ReplicaSet' || isWorkloadKind(info.kind)) this.count(object);
    this.options.onChange?.(object, removed);
    for (const wake of this.waiting) wake();
  }

  /** Counts the pods of an object's controller, and notes how many of its workload are ready. */
  count(object: KubeObject): void {
    const { world, cluster } = this.options;
    const { kube } = cluster;
    const controller = object.kind === 'Pod' ? controllerOf(object)?.uid : object.metadata.uid;
    if (controller === undefined) return;
    const pods = controlledBy(kube, 'Pod', { metadata: { uid: controller } } as KubeObject).filter(isActive);
    kube.tallies.set(controller, { active: pods.length, ready: pods.filter(isReady).length });
    // The pods of a workload that was deleted still count as its own.
    const workload = isWorkloadKind(object.kind) ? (object as Workload) : workloadOf(kube, object);
    const known = workload ?? this.workloads.get(controller);
    if (!known) return;
    this.workloads.set(controller, known);
    noteReady({ world, cluster }, known);
    this.keepLast();
  }

  /** Drops a count on the way to the last one, which lasted no time of the world. */
  private keepLast(): void {
    const { readyHistory } = this.options.cluster.kube;
    const last = readyHistory.at(-1);
    if (!last) return;
    const previous = (from: number): number =>
      readyHistory
        .slice(0, from)
        .findLastIndex(
          (one) => one.kind === last.kind && one.workload === last.workload && one.namespace === last.namespace,
        );
    const index = previous(readyHistory.length - 1);
    const [between, before] = [readyHistory[index], readyHistory[previous(Math.max(0, index))]];
    if (!between || !before || between.at !== last.at) return;
    if ((between.ready - before.ready) * (last.ready - between.ready) > 0) readyHistory.splice(index, 1);
  }
}
