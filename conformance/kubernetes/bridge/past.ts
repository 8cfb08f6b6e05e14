/** What a scenario's cluster had before a real one took its place. */
import { noteSdks } from '../../../sandbox/kubernetes/addon-objects.ts';
import { infoOf } from '../../../sandbox/kubernetes/custom-resources.ts';
import type { KubeState } from '../../../sandbox/objects/kube-state.ts';
import type {
  CustomKind,
  Kind,
  Kinds,
  KubeObject,
  PastIdentity,
  Pod,
  Workload,
  WorkloadTemplate,
} from '../../../sandbox/objects/objects.ts';
import { entriesOf, managerOf } from '../../../sandbox/kubernetes/managed-fields.ts';
import { isActive, isReady, podsOf } from '../../../sandbox/kubernetes/pods.ts';
import {
  controllerOf,
  isWorkloadKind,
  listObjects,
  listResources,
  workloadOf,
} from '../../../sandbox/objects/store.ts';
import { ROLE_ANNOTATION } from '../../../sandbox/kubernetes/webhook.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';

interface PastPod {
  pod: Pod;
  /** A pod of the real cluster has been admitted in its place. */
  admitted: boolean;
  /** The uid of that pod. */
  uid?: string;
}

const identityOf = ({ spec }: Pod): PastIdentity => {
  const names = new Set((spec.volumes ?? []).map(({ name }) => name));
  const roleArn = [...(spec.initContainers ?? []), ...spec.containers]
    .flatMap(({ env = [] }) => env)
    .find(({ name }) => name === 'AWS_ROLE_ARN')?.value;
  if (names.has('eks-pod-identity-token')) return { identity: 'pod-identity' };
  return names.has('aws-iam-token') ? { identity: 'irsa', roleArn } : { identity: 'none' };
};

/** Returns the node that a DaemonSet's pod is meant for, before it is scheduled. */
const nodeMeant = ({ spec }: Pod): string | undefined => {
  interface Term {
    matchFields?: { key: string; values: string[] }[];
  }
  const { affinity } = spec as {
    affinity?: { nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: Term[] } } };
  };
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')?.values[0];
};

const keyOf = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;

/** Returns the workload that a pod belongs to, by its names alone: the objects may not be known yet. */
const workloadKey = (pod: Pod): string | undefined => {
  const controller = controllerOf(pod);
  if (!controller) return undefined;
  const { namespace = 'default' } = pod.metadata;
  return controller.kind === 'ReplicaSet'
    ? keyOf('Deployment', namespace, controller.name.replace(/-[^-]+$/, ''))
    : keyOf(controller.kind, namespace, controller.name);
};

/** Returns the managers that set the role annotation of a service account, and that applied it. */
const managersOf = (cluster: ClusterState, account: KubeObject): { annotator?: string; applier?: string } => {
  const annotator = managerOf(cluster, account, `.metadata.annotations.${ROLE_ANNOTATION}`);
  const applier = entriesOf(cluster, account).find(({ operation }) => operation === 'Apply')?.manager;
  return { ...(annotator === undefined ? {} : { annotator }), ...(applier === undefined ? {} : { applier }) };
};

export interface PastWorkload {
  kind: Workload['kind'];
  namespace: string;
  name: string;
  active: number;
  ready: number;
}

export class Past {
  private readonly objects = new Map<string, KubeObject[]>();
  private readonly customObjects = new Map<string, KubeObject[]>();
  private readonly pods = new Map<string, PastPod[]>();
  private readonly counts: PastWorkload[];
  private readonly applied: KubeState['applied'];
  private readonly managers: Map<string, { annotator?: string; applier?: string }>;
  private readonly templates = new Map<string, WorkloadTemplate>();
  private readonly kube: KubeState;
  /** Set once the cluster is as the scenario has it: further pods are new. */
  isOver = false;

  /** Copies the objects of the cluster. */
  constructor(world: World, cluster: ClusterState, kinds: readonly Kind[]) {
    const { kube } = cluster;
    this.kube = kube;
    for (const kind of kinds) this.objects.set(kind, structuredClone(listObjects(kube, kind) as KubeObject[]));
    for (const kind of kube.customKinds.values())
      this.customObjects.set(`${kind.plural}.${kind.group}`, structuredClone(listResources(kube, infoOf(kind))));
    this.applied = new Map(kube.applied);
    this.managers = new Map(
      listObjects(kube, 'ServiceAccount').map((account) => [account.metadata.uid, managersOf(cluster, account)]),
    );
    this.counts = (['DaemonSet', 'Deployment', 'StatefulSet'] as const).flatMap((kind) =>
      (listObjects(kube, kind) as Workload[]).map((workload): PastWorkload => {
        const pods = podsOf({ world, cluster }, workload).filter(isActive);
        const { namespace = 'default', name } = workload.metadata;
        return { kind, namespace, name, active: pods.length, ready: pods.filter(isReady).length };
      }),
    );
    for (const pod of listObjects(kube, 'Pod')) {
      const workload = workloadOf(kube, pod);
      if (!workload) continue;
      const key = keyOf(workload.kind, workload.metadata.namespace ?? 'default', workload.metadata.name);
      this.pods.set(key, [...(this.pods.get(key) ?? []), { pod: structuredClone(pod), admitted: false }]);
    }
  }

  all<K extends Kind>(kind: K): Kinds[K][] {
    // The assertion holds because the constructor stores the objects of each kind under its name.
    return (this.objects.get(kind) ?? []) as Kinds[K][];
  }

  custom({ plural, group }: CustomKind): KubeObject[] {
    return this.customObjects.get(`${plural}.${group}`) ?? [];
  }

  workloads(): readonly PastWorkload[] {
    return this.counts;
  }

  appliedOf({ metadata: { uid, name } }: Workload): { manager: string; addon?: string; manifest: WorkloadTemplate } {
    const applied = this.applied.get(uid);
    if (!applied) throw new Error(`Nothing is known of who created the workload ${name}.`);
    return applied;
  }

  managersOf({ metadata: { uid } }: KubeObject): { annotator?: string; applier?: string } {
    return this.managers.get(uid) ?? {};
  }

  /** Remembers the template of a workload that is about to be written, with what no API shows. */
  noteTemplate(namespace: string, template: WorkloadTemplate): void {
    this.templates.set(keyOf(template.kind, namespace, template.name), template);
  }

  /** Notes what the template says about a workload's pods, by the workload's uid. */
  noteWorkload(object: KubeObject): void {
    if (!isWorkloadKind(object.kind)) return;
    const { namespace = 'default', name, uid } = object.metadata;
    const template = this.templates.get(keyOf(object.kind, namespace, name));
    if (!template || this.kube.readySeconds.has(uid) || this.kube.sdks.has(uid)) return;
    if (template.readySeconds !== undefined) this.kube.readySeconds.set(uid, template.readySeconds);
    noteSdks(this.kube, uid, template);
  }

  /** Returns what the webhook had injected into the pod in whose place a pod is admitted; undefined for a new pod. */
  admit(pod: Pod): { identity: PastIdentity; createdAt: string } | undefined {
    if (this.isOver) return undefined;
    const candidates = this.candidates(pod).filter(({ admitted }) => !admitted);
    const node = nodeMeant(pod);
    const found =
      candidates.find((past) => past.pod.metadata.name === pod.metadata.name) ??
      candidates.find((past) => node !== undefined && past.pod.spec.nodeName === node) ??
      (node === undefined ? candidates[0] : undefined);
    if (!found) return undefined;
    found.admitted = true;
    return { identity: identityOf(found.pod), createdAt: found.pod.metadata.creationTimestamp };
  }

  /** Returns the pod that a pod of the real cluster stands for; undefined for a new one. */
  standsFor(pod: Pod): Pod | undefined {
    const candidates = this.candidates(pod);
    const { uid } = pod.metadata;
    const known = candidates.find((past) => past.uid === uid);
    if (known || this.isOver) return known?.pod;
    const identity = JSON.stringify(identityOf(pod));
    const fits = candidates.filter(
      (past) => past.uid === undefined && JSON.stringify(identityOf(past.pod)) === identity,
    );
    const node = nodeMeant(pod);
    const found =
      fits.find((past) => past.pod.metadata.name === pod.metadata.name) ??
      fits.find((past) => past.pod.spec.nodeName === (node ?? pod.spec.nodeName)) ??
      fits[0];
    if (found) found.uid = uid;
    return found?.pod;
  }

  private candidates(pod: Pod): PastPod[] {
    return this.pods.get(workloadKey(pod) ?? '') ?? [];
  }
}
