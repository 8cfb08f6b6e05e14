/**
 * The cluster's controllers, and the objects of add-ons as EKS puts them there and takes them away. All that takes time
 * is an event of the world's schedule; each event looks at what is there then, so that the newest template wins however
 * many restarts overlap.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterState, World } from '../world/world.ts';
import { noteAnnotator } from './annotators.ts';
import { podsChanged } from './budgets.ts';
import { applyCustomResources, removeCustomKinds } from './custom-resources.ts';
import { createServiceAccount, ensureNamespace } from './cluster-objects.ts';
import { reconcileDaemonSet } from './daemonset.ts';
import { reconcileDeployment } from './deployment.ts';
import { parseField, withFieldsOf, withValue } from './field-sets.ts';
import { foreignFieldsOf, noteApplied, RESTARTED_AT } from './managed-fields.ts';
import { daemonSetSpec, manifestOf } from './manifests.ts';
import { daemonNodes, FARGATE_PROFILE, nodesChanged, schedulableNodes } from './nodes.ts';
import type { AddonObjects, KubeObject, Workload, WorkloadTemplate } from './objects.ts';
import { strategicMergePatch } from './patch.ts';
import { assignNode, isActive, noteReady, podsOf, readyPods, terminatePod } from './pods.ts';
import type { ControlPlane } from './pods.ts';
import { reconcileStatefulSet } from './statefulset.ts';
import {
  controlledBy,
  getObject,
  isWorkloadKind,
  listObjects,
  newMetadata,
  putObject,
  removeObject,
  touch,
  workloadOf,
} from './store.ts';
import { ROLE_ANNOTATION } from './webhook.ts';

export { seedCluster } from './cluster-objects.ts';
export { newKubeState } from './store.ts';

/** From a change to the controllers seeing it: a moment, but not none. A placeholder, not a measurement. */
const CONTROLLER_LAG = 50;

const isLive = (cluster: ClusterState, workload: Workload): boolean =>
  getObject(cluster.kube, workload.kind, workload.metadata.namespace, workload.metadata.name) === workload;

/** Writes down what a workload's pods have become: for the history, and for the budgets that count them. */
const noteChange = (plane: ControlPlane, workload: Workload): void => {
  noteReady(plane, workload);
  podsChanged(plane, workload.metadata.namespace ?? '');
};

const reconcile = (
  world: World,
  cluster: ClusterState,
  workload: Workload,
  options: { at: number; instant: boolean },
): void => {
  const plane = { world, cluster };
  if (isLive(cluster, workload)) {
    const { pendingWorkloads } = cluster.kube;
    const { uid } = workload.metadata;
    const again = (): void => {
      // All pods that change at one moment are looked at once, as by the real controllers' queue.
      if (pendingWorkloads.has(uid)) return;
      pendingWorkloads.add(uid);
      world.schedule.after(0, (at) => {
        pendingWorkloads.delete(uid);
        // What pods have just changed is history too, even where the controller ends other pods at once.
        noteChange(plane, workload);
        reconcile(world, cluster, workload, { at, instant: false });
      });
    };
    const sync = { ...plane, ...options, again };
    if (workload.kind === 'Deployment') reconcileDeployment(sync, workload);
    else if (workload.kind === 'DaemonSet') reconcileDaemonSet(sync, workload);
    else reconcileStatefulSet(sync, workload);
  }
  noteChange(plane, workload);
};

/** Tells the controllers that a workload's object has changed; they look in a moment. */
export const workloadChanged = (world: World, cluster: ClusterState, workload: Workload): void => {
  world.schedule.after(CONTROLLER_LAG, (at) => reconcile(world, cluster, workload, { at, instant: false }));
};

/**
 * Deletes a pod as the API server does; its controller, if it has one, soon makes a new one. `graceSeconds`: 30 by
 * default.
 */
export const deletePod = (
  world: World,
  cluster: ClusterState,
  name: { namespace: string; name: string },
  graceSeconds?: number,
): void => {
  const pod = getObject(cluster.kube, 'Pod', name.namespace, name.name);
  if (!pod) return;
  const workload = workloadOf(cluster.kube, pod);
  const changed = (): void => {
    if (workload) workloadChanged(world, cluster, workload);
  };
  terminatePod({ world, cluster }, pod, changed, graceSeconds);
  if (!workload) return;
  noteChange({ world, cluster }, workload);
  changed();
};

/** `applier`: the add-on that it is of, or who else has put it there. */
const createWorkload = (
  cluster: ClusterState,
  namespace: string,
  template: WorkloadTemplate,
  at: number,
  applier: { addon?: string; manager: string },
): Workload => {
  const { kube } = cluster;
  const metadata = newMetadata(kube, at, {
    name: template.name,
    namespace,
    generation: 1,
    labels: { ...template.labels },
  });
  // Its manifest is of its kind.
  const workload = putObject(kube, template.kind, {
    apiVersion: 'apps/v1',
    kind: template.kind,
    metadata,
    spec: manifestOf(template).spec,
    status: {},
  } as Workload);
  noteApplied(cluster, workload, { ...applier, manifest: template, at, restarted: false });
  return workload;
};

/** The scheduler, after nodes have changed: pods that wait for a node get one, if there is one now. */
const schedulePending = (world: World, cluster: ClusterState): void => {
  world.schedule.after(CONTROLLER_LAG, () => {
    const waiting = listObjects(cluster.kube, 'Pod').filter((pod) => isActive(pod) && pod.spec.nodeName === undefined);
    for (const [index, pod] of waiting.entries()) {
      const nodes = schedulableNodes(cluster.kube, pod.spec, pod.metadata.labels?.[FARGATE_PROFILE] !== undefined);
      const nodeName = nodes[index % nodes.length];
      const workload = workloadOf(cluster.kube, pod);
      if (nodeName !== undefined)
        assignNode({ world, cluster }, pod, nodeName, () => workload && workloadChanged(world, cluster, workload));
    }
  });
};

/** What a client can change of an object beside its metadata and its spec: rules, subjects, secrets, … */
const contentOf = ({
  apiVersion: _apiVersion,
  kind: _kind,
  metadata: _metadata,
  spec: _spec,
  status: _status,
  ...content
}: KubeObject): Record<string, unknown> => content;

/**
 * Replaces an object's labels, annotations, spec and content by those of `changed` and counts it: a new generation
 * where the spec differs, nothing at all where nothing does.
 */
export const replaceObject = (world: World, cluster: ClusterState, object: KubeObject, changed: KubeObject): void => {
  const { labels, annotations } = changed.metadata;
  const specChanged = !isDeepStrictEqual(object.spec, changed.spec);
  const content = contentOf(changed);
  const contentChanged = !isDeepStrictEqual(contentOf(object), content);
  if (
    !specChanged &&
    !contentChanged &&
    isDeepStrictEqual(object.metadata.labels, labels) &&
    isDeepStrictEqual(object.metadata.annotations, annotations)
  )
    return;
  object.metadata = { ...object.metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
  if (!labels) delete object.metadata.labels;
  if (!annotations) delete object.metadata.annotations;
  if (contentChanged) {
    for (const key of Object.keys(contentOf(object))) if (!(key in content)) delete object[key];
    Object.assign(object, content);
  }
  touch(cluster.kube, object);
  if (object.kind === 'Node') nodesChanged(cluster.kube);
  if (!specChanged) return;
  if (changed.spec) object.spec = changed.spec;
  if (object.metadata.generation !== undefined) object.metadata.generation += 1;
  if (isWorkloadKind(object.kind)) workloadChanged(world, cluster, object as Workload);
  if (object.kind === 'Node') schedulePending(world, cluster);
  if (object.kind === 'PodDisruptionBudget') podsChanged({ world, cluster }, object.metadata.namespace ?? '');
};

/** Server-side apply's name for EKS (EKS User Guide, "Determine fields you can customize for Amazon EKS add-ons"). */
const EKS = 'eks';

/** Creates the service account where it is missing; `roleArn` null takes the annotation away, undefined leaves it. */
const applyServiceAccount = (
  cluster: ClusterState,
  account: { namespace: string; name: string },
  addonName: string,
  roleArn: string | null | undefined,
  at: number,
): void => {
  const { namespace, name } = account;
  const labels = { 'app.kubernetes.io/name': addonName, 'app.kubernetes.io/managed-by': 'EKS' };
  const object =
    getObject(cluster.kube, 'ServiceAccount', namespace, name) ??
    createServiceAccount(cluster, namespace, name, at, labels);
  const before = object.metadata.annotations?.[ROLE_ANNOTATION];
  if (roleArn === undefined || (roleArn ?? undefined) === before) return;
  const { [ROLE_ANNOTATION]: _, ...others } = object.metadata.annotations ?? {};
  const was = { metadata: { ...object.metadata } };
  object.metadata.annotations = roleArn === null ? others : { ...others, [ROLE_ANNOTATION]: roleArn };
  noteAnnotator(cluster, was, object, EKS, at);
  touch(cluster.kube, object);
};

const workloadsOf = (
  cluster: ClusterState,
  objects: AddonObjects,
): { template: WorkloadTemplate; existing: Workload | undefined }[] =>
  objects.workloads.map((template) => ({
    template,
    existing: getObject(cluster.kube, template.kind, objects.namespace, template.name),
  }));

/** Gives fields of a new workload the values that somebody is said to have given them. */
const setFields = (workload: Workload, fields: { field: string; value?: unknown }[]): void => {
  const start = `${workload.kind}.apps ${workload.metadata.name} - `;
  for (const { field, value } of fields) {
    const set = field.startsWith(start) && value !== undefined ? parseField(field.slice(start.length)) : undefined;
    if (set) Object.assign(workload, withValue(workload, set, value));
  }
};

/**
 * Puts an add-on's objects there as if they had been since `podsCreatedAt` (milliseconds since 1970): pods ready, and
 * with what the webhook would have given them then. `roleArn` goes to the `irsaServiceAccounts`; `manager`: who has put
 * them there, if it was not EKS; `fields`: what others have changed since, as EKS names fields, with their values.
 */
export const seedAddonObjects = (
  world: World,
  cluster: ClusterState,
  addonName: string,
  objects: AddonObjects,
  options: {
    irsaServiceAccounts: string[];
    roleArn?: string;
    podsCreatedAt: number;
    manager?: string;
    fields?: { field: string; value?: unknown }[];
  },
): void => {
  const at = options.podsCreatedAt;
  const { manager } = options;
  const applier = manager === undefined ? { addon: addonName, manager: EKS } : { manager };
  ensureNamespace(cluster, objects.namespace, at);
  applyCustomResources(cluster, objects, at);
  for (const name of objects.serviceAccounts) {
    const roleArn = options.irsaServiceAccounts.includes(name) ? options.roleArn : undefined;
    applyServiceAccount(cluster, { namespace: objects.namespace, name }, addonName, roleArn, at);
  }
  for (const { template, existing } of workloadsOf(cluster, objects)) {
    if (existing) continue;
    const workload = createWorkload(cluster, objects.namespace, template, at, applier);
    setFields(workload, options.fields ?? []);
    reconcile(world, cluster, workload, { at, instant: true });
  }
};

/**
 * Creates what is missing of an add-on and applies what is there: EKS's own fields are set again but for those that
 * others have changed, the role's annotation is set or, without a role, removed (unless `keepAnnotation`). Pods roll
 * where that changed their template, or when `restart` says so.
 */
export const applyAddonObjects = (
  world: World,
  cluster: ClusterState,
  addonName: string,
  objects: AddonObjects,
  options: { irsaServiceAccounts: string[]; roleArn?: string; restart: boolean; keepAnnotation?: boolean },
): void => {
  const at = world.schedule.now();
  ensureNamespace(cluster, objects.namespace, at);
  applyCustomResources(cluster, objects, at);
  const withoutRole = options.keepAnnotation === true ? undefined : null;
  for (const name of objects.serviceAccounts) {
    const roleArn = (options.irsaServiceAccounts.includes(name) ? options.roleArn : undefined) ?? withoutRole;
    applyServiceAccount(cluster, { namespace: objects.namespace, name }, addonName, roleArn, at);
  }
  for (const { template, existing } of workloadsOf(cluster, objects)) {
    if (!existing) {
      workloadChanged(
        world,
        cluster,
        createWorkload(cluster, objects.namespace, template, at, { addon: addonName, manager: EKS }),
      );
      continue;
    }
    const restart = {
      spec: { template: { metadata: { annotations: { [RESTARTED_AT]: new Date(at).toISOString() } } } },
    };
    const foreign = foreignFieldsOf(cluster, addonName, existing);
    const manifest = strategicMergePatch(existing, manifestOf(template));
    const applied = foreign ? withFieldsOf(manifest, existing, foreign) : manifest;
    replaceObject(
      world,
      cluster,
      existing,
      (options.restart ? strategicMergePatch(applied, restart) : applied) as KubeObject,
    );
    const restarted =
      options.restart || (cluster.kube.fieldOwners.get(existing.metadata.uid)?.applied.restarted ?? false);
    noteApplied(cluster, existing, { addon: addonName, manager: EKS, manifest: template, at, restarted });
    workloadChanged(world, cluster, existing);
  }
};

/**
 * Deletes an add-on's workloads, service accounts and definitions of custom resources; the pods terminate and are gone
 * a little later, and custom resources go with their definition (but see the knob `customResourcesOnDelete`).
 */
export const removeAddonObjects = (
  world: World,
  cluster: ClusterState,
  _addonName: string,
  objects: AddonObjects,
): void => {
  const { kube } = cluster;
  const plane = { world, cluster };
  for (const { existing } of workloadsOf(cluster, objects)) {
    if (!existing) continue;
    const pods = podsOf(plane, existing);
    removeObject(kube, existing.kind, existing);
    for (const replicaSet of controlledBy(kube, 'ReplicaSet', existing)) removeObject(kube, 'ReplicaSet', replicaSet);
    for (const pod of pods.filter(isActive)) terminatePod(plane, pod, () => {});
    noteChange(plane, existing);
  }
  for (const name of objects.serviceAccounts) {
    const serviceAccount = getObject(kube, 'ServiceAccount', objects.namespace, name);
    if (serviceAccount) removeObject(kube, 'ServiceAccount', serviceAccount);
  }
  if (world.knobs.customResourcesOnDelete === 'remove') removeCustomKinds(cluster, objects.customKinds);
};

/** Pods of an add-on's workloads: how many there should be and how many are ready. */
export const addonReplicas = (
  world: World,
  cluster: ClusterState,
  objects: AddonObjects,
): { desired: number; ready: number } => {
  const sum = { desired: 0, ready: 0 };
  for (const { template, existing } of workloadsOf(cluster, objects)) {
    const replicas = existing && existing.kind !== 'DaemonSet' ? existing.spec.replicas : (template.replicas ?? 1);
    sum.desired += template.kind === 'DaemonSet' ? daemonNodes(cluster.kube, daemonSetSpec(template)).length : replicas;
    sum.ready += existing ? readyPods({ world, cluster }, existing) : 0;
  }
  return sum;
};
