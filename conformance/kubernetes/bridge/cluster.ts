/** One cluster of a world on a real control plane. */
import type { Service } from '../../../sandbox/http.ts';
import { objectsOf } from '../../../sandbox/eks/addon-lifecycle.ts';
import type { Kind, Pod } from '../../../sandbox/objects/objects.ts';
import { KINDS } from '../../../sandbox/objects/store.ts';
import { admitPod } from '../../../sandbox/kubernetes/webhook.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import type { ControlPlane } from '../plane/options.ts';
import { Addons } from './addons.ts';
import { createApiServer } from './api-server.ts';
import { Kubelets } from './kubelets.ts';
import { Mirror } from './mirror.ts';
import { Past } from './past.ts';
import { reviewAccess, reviewAdmission, reviewToken } from './reviews.ts';
import { Seed } from './seed.ts';
import { Times } from './times.ts';
import { unfinishedIn } from './unfinished.ts';
import type { Answers, Webhooks } from './webhooks.ts';
import { Work } from './work.ts';
import { Writer } from './writer.ts';

export interface RealClusterOptions {
  world: World;
  cluster: ClusterState;
  plane: ControlPlane;
  webhooks: Webhooks;
  /** The world's time. */
  now: () => number;
}

const REVIEWED = Object.keys(KINDS) as Kind[];

export class RealCluster {
  readonly work: Work;
  readonly mirror: Mirror;
  readonly addons: Addons;
  readonly apiServer: Service;
  private readonly options: RealClusterOptions;
  private readonly past: Past;
  private readonly seed: Seed;

  constructor(options: RealClusterOptions) {
    const { world, cluster, plane, webhooks, now } = options;
    this.options = options;
    const where = { world, cluster };
    this.past = new Past(world, cluster, REVIEWED);
    const times = new Times({ now });
    this.work = new Work({
      lastEventAt: () => this.mirror.lastEventAt,
      unfinished: () => unfinishedIn(cluster.kube),
    });
    const { work, past } = this;
    const pastStatus = (pod: Pod): Pod['status'] | undefined => {
      const was = past.standsFor(pod);
      if (was) times.noteCreated(pod.metadata.uid, was.metadata.creationTimestamp);
      return was?.status;
    };
    const kubelets = new Kubelets({ ...where, plane, times, work, pastStatus });
    this.mirror = new Mirror({
      ...where,
      plane,
      times,
      onPut: (object) => {
        past.noteWorkload(object);
        if (object.kind !== 'Pod') return;
        const was = past.standsFor(object as Pod);
        if (!was) return;
        object.metadata.creationTimestamp = was.metadata.creationTimestamp;
        times.noteCreated(object.metadata.uid, was.metadata.creationTimestamp);
      },
      onChange: (object, removed) => kubelets.changed(object, removed),
    });
    this.mirror.keepsStatus = (pod) => kubelets.owns(pod);
    const writer = new Writer(plane, this.mirror);
    const { mirror } = this;
    const noteTemplate: Past['noteTemplate'] = (namespace, template) => past.noteTemplate(namespace, template);
    this.addons = new Addons({ ...where, mirror, work, writer, noteTemplate });
    this.apiServer = createApiServer({ plane, mirror, times, work });
    this.seed = new Seed({ ...where, plane, writer, mirror, work, times, past, mutating: webhooks.mutating });
  }

  /** Brings the scenario's objects to the real cluster. */
  async open(): Promise<void> {
    const { cluster, webhooks } = this.options;
    webhooks.serve(this.answers());
    await this.seed.run();
    this.past.isOver = true;
    cluster.kube.readyHistory.length = 0;
    cluster.kube.readyCounts.clear();
    for (const kind of ['DaemonSet', 'Deployment', 'StatefulSet'] as const)
      for (const workload of cluster.kube.objects.get(`${kind.toLowerCase()}s.apps`)?.values() ?? [])
        this.mirror.count(workload);
  }

  /**
   * Has a call of EKS wait for the cluster: before it, the conflicts of the add-on whose objects it applies are read;
   * after it, everything that it has decided is written.
   */
  aroundEks(addon: AddonCall | undefined, eks: () => ReturnType<Service>): ReturnType<Service> {
    const { world, cluster } = this.options;
    return this.work.during(async () => {
      if (addon) await this.addons.readConflicts(addon.name, objectsOf({ world }, cluster, addon));
      const response = await eks();
      await this.work.idle();
      return response;
    });
  }

  /** Defects of the bridge so far. */
  failures(): unknown[] {
    return [...this.work.failures, ...this.mirror.failures, ...this.options.webhooks.failures];
  }

  close(): void {
    this.mirror.close();
    this.options.webhooks.serve(null);
  }

  private answers(): Answers {
    const { world, cluster, now } = this.options;
    const where = { world, cluster };
    return {
      token: (review) => reviewToken(where, review, Date.now()),
      access: (review) => reviewAccess(where, review),
      admission: (review) =>
        reviewAdmission(review, (pod) => {
          const was = this.past.admit(pod);
          const createdAt = was ? Date.parse(was.createdAt) : now();
          admitPod(world, cluster, pod, createdAt, was?.identity);
        }),
    };
  }
}

/** The add-on of a call that applies objects, as it is to be afterwards. */
export interface AddonCall {
  name: string;
  version: string;
  namespace: string;
  configurationValues?: string;
}
