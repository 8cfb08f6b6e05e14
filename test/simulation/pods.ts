/**
 * What happens to pods besides the migration: software with an SDK that is too old, containers that restart, pods that
 * did not work before, nodes that join or are lost, and an API server that is away while pods are observed.
 */
import { loadCatalogue } from '../../sandbox/catalog/index.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { exitContainer } from '../../sandbox/kubernetes/crashes.ts';
import { noteChange, workloadChanged } from '../../sandbox/kubernetes/controllers.ts';
import { joinNode, scheduleNodeLosses } from '../../sandbox/kubernetes/lost-nodes.ts';
import type { Pod, Workload } from '../../sandbox/objects/objects.ts';
import { isActive, isReady, noteReadiness, podsOf } from '../../sandbox/kubernetes/pods.ts';
import { getObject, workloadOf } from '../../sandbox/objects/store.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { keyOf } from './calls.ts';
import type { PodsSpec } from './spec.ts';
import { concerned, resize, workloadsOf } from './time.ts';

type Request = Omit<MigrationRequestInput, 'target'>;

/** An SDK from before EKS Pod Identity (its minimum is 1.47.11). */
const OLD_SDK = { name: 'go-v1', version: '1.44.0' } as const;

const withOldSdk = (cluster: ScenarioCluster, request: Request, which: 'first' | 'last'): void => {
  const of = <Container>(containers: readonly Container[]) => containers.at(which === 'first' ? 0 : -1);
  for (const workload of workloadsOf(cluster, request)) {
    workload.containers ??= [{ name: workload.name, image: `example.com/${workload.name}:1.0.0`, env: [] }];
    Object.assign(of(workload.containers) ?? {}, { sdk: OLD_SDK });
  }
  const addon = cluster.addons.find(({ name }) => name === request.addon);
  if (!addon) return;
  for (const { name, containers } of loadCatalogue().get(addon.name)?.objects?.workloads ?? [])
    (addon.software ??= []).push({ workload: name, container: of(containers)?.name ?? '', sdk: OLD_SDK });
};

/** With as many pods, a Deployment replaces them although one of them is broken (25% may be unavailable). */
const PODS_AROUND_A_BROKEN_ONE = 5;

/** Returns the scenario with the pods that the spec wants. */
export const withPods = (scenario: Scenario, requests: readonly Request[], pods: PodsSpec | undefined): Scenario => {
  if (!pods) return scenario;
  if (pods.oldSdk) scenario.knobs.softwareWithoutCredentials = pods.oldSdk.without;
  const replicas = pods.brokenBefore && PODS_AROUND_A_BROKEN_ONE;
  for (const cluster of scenario.accounts.flatMap(({ clusters }) => clusters))
    for (const request of requests) {
      if (pods.oldSdk) withOldSdk(cluster, request, pods.oldSdk.container);
      if (replicas !== undefined) resize(cluster, request, { replicas });
    }
  return scenario;
};

const POD_IDENTITY = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const SOURCES: ReadonlySet<string> = new Set([POD_IDENTITY, 'AWS_WEB_IDENTITY_TOKEN_FILE']);
const hasOwnIdentity = ({ spec }: Pod): boolean =>
  spec.containers.some(({ env = [] }) => env.some(({ name }) => SOURCES.has(name)));

/** Seconds between two exits of a pod that must not work: longer than a container needs to start. */
const AGAIN_SECONDS = 20;
/** As many restarts as a pod has that has been crash-looping for half an hour. */
const MANY_RESTARTS = 8;

/** Causes what the spec of a run wants for the pods of its requests. */
class PodsActor {
  private readonly sandbox: Sandbox;
  private readonly cluster: ClusterState;
  private readonly workloads: Workload[];
  private readonly spec: PodsSpec;
  private readonly openedAt: number;
  private isSettling = false;
  private isChanging = false;
  private version = -1;
  private readonly mutated = new Set<string>();

  constructor(
    sandbox: Sandbox,
    cluster: ClusterState,
    { scenario, requests, pods }: { scenario: Scenario; requests: readonly Request[]; pods: PodsSpec },
  ) {
    this.sandbox = sandbox;
    this.cluster = cluster;
    this.spec = pods;
    this.openedAt = sandbox.world.schedule.now();
    const described = scenario.accounts
      .flatMap(({ clusters }) => clusters)
      .filter(({ name }) => name === cluster.name)
      .flatMap((one) => requests.flatMap((request) => concerned(one, request)));
    this.workloads = described.flatMap(({ kind, namespace, name }): Workload[] => {
      const workload = getObject(cluster.kube, kind, namespace, name);
      return workload ? [workload] : [];
    });
    if (pods.brokenBefore) this.breakOne(pods.brokenBefore);
    const { world } = sandbox;
    if (pods.mutated) {
      for (const { metadata } of this.pods()) this.mutated.add(metadata.uid);
      world.schedule.watch(() => this.mutate());
    }
    world.log.onCall((call) => {
      if (pods.mutated) this.mutate();
      if (call.step === 'begin') this.isChanging = true;
      const isBaseline =
        call.step === 'verify-pods' && call.status < 300 && keyOf(call)?.sk.startsWith('VERIFICATION#settling-1#');
      if (!isBaseline || this.isSettling) return;
      this.isSettling = true;
      this.settle();
    });
  }

  private get plane(): { world: Sandbox['world']; cluster: ClusterState } {
    return { world: this.sandbox.world, cluster: this.cluster };
  }

  /** Returns the pods of the requests' workloads that have an identity of their own. */
  private pods(workloads = this.workloads): Pod[] {
    return workloads.flatMap((workload) =>
      podsOf(this.plane, workload).filter((pod) => isActive(pod) && hasOwnIdentity(pod)),
    );
  }

  /** Has a container of a pod exit, unless the pod is gone or not ready. */
  private exit(pod: Pod, restarts?: number): void {
    const { plane, cluster } = this;
    const stored = getObject(cluster.kube, 'Pod', pod.metadata.namespace, pod.metadata.name);
    if (stored?.metadata.uid !== pod.metadata.uid || !isActive(pod) || !isReady(pod)) return;
    const workload = workloadOf(cluster.kube, pod);
    const changed = (): void => {
      if (!workload) return;
      noteChange(plane, workload);
      workloadChanged(plane.world, cluster, workload);
    };
    exitContainer(plane, pod, (ready) => noteReadiness(plane, pod, changed, ready), restarts);
  }

  /** Keeps one pod of the first Deployment in a crash loop; the pod that replaces it too, if `replaced`. */
  private breakOne(how: NonNullable<PodsSpec['brokenBefore']>): void {
    const workload = this.workloads.find(
      (one) => one.kind === 'Deployment' && this.pods([one]).filter(isReady).length === PODS_AROUND_A_BROKEN_ONE,
    );
    const [first] = workload ? this.pods([workload]) : [];
    if (!workload || !first) return;
    let broken = first;
    this.exit(broken, MANY_RESTARTS);
    const { schedule } = this.sandbox.world;
    const again = (): void => {
      const current = this.pods([workload]);
      if (!current.some(({ metadata }) => metadata.uid === broken.metadata.uid)) {
        if (how === 'cured') return;
        broken = current.at(-1) ?? broken;
      }
      this.exit(broken);
      schedule.after(AGAIN_SECONDS * 1000, again);
    };
    schedule.after(AGAIN_SECONDS * 1000, again);
  }

  /** Adds a variable to new pods, as an admission webhook of a third party does. */
  private mutate(): void {
    const { resourceVersion } = this.cluster.kube;
    if (!this.isChanging || resourceVersion === this.version) return;
    this.version = resourceVersion;
    for (const { metadata, spec } of this.pods()) {
      if (this.mutated.has(metadata.uid)) continue;
      this.mutated.add(metadata.uid);
      for (const container of spec.containers)
        container.env = [...(container.env ?? []), { name: 'AWS_CONFIG_FILE', value: '/etc/aws/config' }];
    }
  }

  /** Begins what happens during the first settling time. */
  private settle(): void {
    const { world } = this.sandbox;
    const { restarts, node, unreachable } = this.spec;
    const { schedule, faults } = world;
    if (restarts) {
      const all = this.pods();
      const chosen = restarts.pods === 'all' ? all : all.slice(0, 1);
      for (let time = 0; time < restarts.times; time += 1)
        schedule.after((restarts.afterSeconds + time * restarts.everySeconds) * 1000, () => {
          for (const pod of chosen) this.exit(pod);
        });
    }
    if (node?.does === 'joins') schedule.after(node.afterSeconds * 1000, (at) => joinNode(this.plane, at));
    if (node?.does === 'is-lost')
      scheduleNodeLosses(this.plane, [
        { afterSeconds: node.afterSeconds, nodes: 1, goneAfterSeconds: 600, replacedAfterSeconds: 660 },
      ]);
    if (unreachable)
      faults.add({
        service: 'kubernetes',
        kind: 'server-error',
        seconds: unreachable.seconds,
        after: (schedule.now() - this.openedAt) / 1000 + unreachable.afterSeconds,
      });
  }
}

/** Causes what the spec of a run wants for the pods of its requests; to be called before anything reads the pods. */
export const actOnPods = (...given: ConstructorParameters<typeof PodsActor>): void => {
  // Its watchers of the world keep it alive.
  void new PodsActor(...given);
};
