/** Applies and deletes the Kubernetes objects of add-ons, as EKS does. The controllers then roll out the changes. */
import type { ClusterState, World } from '../world/world.ts';
import { createServiceAccount, ensureNamespace } from './cluster-objects.ts';
import { reconcile, replaceObject, workloadChanged } from './controllers.ts';
import { applyCustomResources, removeCustomKinds } from './custom-resources.ts';
import { parseField, withFieldsOf, withValue } from './field-paths.ts';
import { managerOf } from './managed-fields.ts';
import { foreignFieldsOf, noteApplied, noteMetadata, RESTARTED_AT } from './manifest-fields.ts';
import { collectOwned } from './garbage.ts';
import { manifestOf, placementOf } from './manifests.ts';
import { daemonNodes } from '../world/nodes.ts';
import type { ImageSdk, KubeState } from '../objects/kube-state.ts';
import type { AddonObjects, KubeObject, Workload, WorkloadTemplate } from '../objects/objects.ts';
import { strategicMergePatch } from './patch.ts';
import { readyPods } from './pods.ts';
import { getObject, newMetadata, putObject, removeObject, touch } from '../objects/store.ts';
import { ROLE_ANNOTATION } from './webhook.ts';

/** Server-side apply's name for EKS (EKS User Guide, "Determine fields you can customize for Amazon EKS add-ons"). */
const EKS = 'eks';
const ROLE_FIELD = `.metadata.annotations.${ROLE_ANNOTATION}`;

/** Records the SDKs that the workload's images have. */
export const noteSdks = (
  { sdks }: KubeState,
  uid: string,
  { initContainers = [], containers }: WorkloadTemplate,
): void => {
  const declared = [...initContainers, ...containers].flatMap(({ name, image, sdk }): [string, ImageSdk][] =>
    sdk ? [[name, { image, sdk }]] : [],
  );
  if (declared.length > 0) sdks.set(uid, new Map(declared));
};

/** Creates a workload. `applier`: the add-on that it belongs to, or the other field manager that created it. */
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
    ...(template.annotations ? { annotations: { ...template.annotations } } : {}),
  });
  // The assertion holds because the manifest has the template's kind.
  const workload = putObject(kube, template.kind, {
    apiVersion: 'apps/v1',
    kind: template.kind,
    metadata,
    spec: manifestOf(template).spec,
    status: {},
  } as Workload);
  if (template.readySeconds !== undefined) kube.readySeconds.set(metadata.uid, template.readySeconds);
  noteSdks(kube, metadata.uid, template);
  noteApplied(cluster, undefined, workload, { ...applier, manifest: template, restarted: false }, at);
  return workload;
};

/**
 * Creates the service account if it does not exist and sets its role annotation. `roleArn` null removes the annotation
 * if EKS set it; undefined leaves it as it is.
 */
const applyServiceAccount = (
  cluster: ClusterState,
  account: { namespace: string; name: string },
  addonName: string,
  roleArn: string | null | undefined,
  at: number,
): void => {
  const { namespace, name } = account;
  const labels = { 'app.kubernetes.io/name': addonName, 'app.kubernetes.io/managed-by': 'EKS' };
  let object = getObject(cluster.kube, 'ServiceAccount', namespace, name);
  if (!object) {
    object = createServiceAccount(cluster, namespace, name, at, labels);
    noteMetadata(cluster, undefined, object, EKS, at);
  }
  const before = object.metadata.annotations?.[ROLE_ANNOTATION];
  // Server-side apply removes only fields that its own manager set.
  if (roleArn === null && (managerOf(cluster, object, ROLE_FIELD) ?? EKS) !== EKS) return;
  if (roleArn === undefined || (roleArn ?? undefined) === before) return;
  const { [ROLE_ANNOTATION]: _, ...others } = object.metadata.annotations ?? {};
  const was = { ...object, metadata: { ...object.metadata } };
  object.metadata.annotations = roleArn === null ? others : { ...others, [ROLE_ANNOTATION]: roleArn };
  noteMetadata(cluster, was, object, EKS, at);
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

/** Sets the fields of a new workload that, according to the scenario, another manager has changed. */
const setFields = (workload: Workload, fields: { field: string; value?: unknown }[]): void => {
  const start = `${workload.kind}.apps ${workload.metadata.name} - `;
  for (const { field, value } of fields) {
    const set = field.startsWith(start) && value !== undefined ? parseField(field.slice(start.length)) : undefined;
    if (set) Object.assign(workload, withValue(workload, set, value));
  }
};

/**
 * Creates an add-on's objects as if they had existed since `podsCreatedAt` (milliseconds since 1970): pods are ready,
 * and have what the webhook would have injected then. `roleArn` is the annotation of the `irsaServiceAccounts`;
 * `manager`: the field manager that created the objects, if it was not EKS; `fields`: fields that other managers have
 * changed since, in EKS's notation, with their values.
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

export interface ApplyOptions {
  /** Service accounts that get the role's annotation. */
  irsaServiceAccounts: string[];
  roleArn?: string;
  /** Pods roll even if nothing in the objects has changed. */
  restart: boolean;
  /** Leaves the annotation as it is if there is no role. */
  keepAnnotation?: boolean;
}

/**
 * Creates the missing objects of an add-on and applies its manifests to the existing ones: EKS's own fields are set
 * again except those that other managers have changed, and the role annotation is set or, without a role, removed
 * (unless `keepAnnotation`). Pods roll if that changes their template, or if `restart` is set.
 */
export const applyAddonObjects = (
  world: World,
  cluster: ClusterState,
  addonName: string,
  objects: AddonObjects,
  options: ApplyOptions,
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
    const before = { ...existing };
    const foreign = foreignFieldsOf(cluster, addonName, existing);
    const manifest = strategicMergePatch(existing, manifestOf(template));
    const applied = foreign ? withFieldsOf(manifest, existing, foreign) : manifest;
    replaceObject(
      world,
      cluster,
      existing,
      (options.restart ? strategicMergePatch(applied, restart) : applied) as KubeObject,
    );
    const restarted = options.restart || (cluster.kube.applied.get(existing.metadata.uid)?.restarted ?? false);
    noteApplied(cluster, before, existing, { addon: addonName, manager: EKS, manifest: template, restarted }, at);
    workloadChanged(world, cluster, existing);
  }
};

/**
 * Deletes an add-on's workloads, service accounts and definitions of custom resources. The pods terminate and are gone
 * a little later; custom resources are deleted with their definition (but see the knob `customResourcesOnDelete`).
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
    removeObject(kube, existing.kind, existing);
    collectOwned(plane, existing);
  }
  for (const name of objects.serviceAccounts) {
    const serviceAccount = getObject(kube, 'ServiceAccount', objects.namespace, name);
    if (serviceAccount) removeObject(kube, 'ServiceAccount', serviceAccount);
  }
  if (world.knobs.customResourcesOnDelete === 'remove') removeCustomKinds(cluster, objects.customKinds);
};

/** Returns how many pods an add-on's workloads should have, and how many are ready. */
export const addonReplicas = (
  world: World,
  cluster: ClusterState,
  objects: AddonObjects,
): { desired: number; ready: number } => {
  const sum = { desired: 0, ready: 0 };
  for (const { template, existing } of workloadsOf(cluster, objects)) {
    const replicas = existing && existing.kind !== 'DaemonSet' ? existing.spec.replicas : (template.replicas ?? 1);
    sum.desired += template.kind === 'DaemonSet' ? daemonNodes(cluster.kube, placementOf(template)).length : replicas;
    sum.ready += existing ? readyPods({ world, cluster }, existing) : 0;
  }
  return sum;
};
