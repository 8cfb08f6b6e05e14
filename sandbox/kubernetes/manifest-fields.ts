/**
 * The fields of manifests. EKS applies its manifests server-side, as manager `eks` (EKS User Guide, "Determine fields
 * you can customize for Amazon EKS add-ons"); fields that other managers have changed conflict with them.
 */
import type { ClusterState, ForeignField } from '../world/world.ts';
import { entryOf, entriesWithout, inOrder, type Writer } from './field-managers.ts';
import type { ManagedFieldsEntry } from '../objects/managed-fields-entry.ts';
import { common, formatFields, parseField, without } from './field-paths.ts';
import { compare, EMPTY, type FieldSet, fieldsOf, isEmpty, union } from '../objects/field-sets.ts';
import type { AppliedManifest } from '../objects/kube-state.ts';
import { manifestOf } from './manifests.ts';
import type { KubeObject, Workload, WorkloadTemplate } from '../objects/objects.ts';
import { timestamp } from '../objects/store.ts';
import { zeroOf } from './zero-values.ts';

/** Annotation that `kubectl rollout restart` sets; EKS sets it too. */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

const RESTARTED: FieldSet = {
  'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { [`f:${RESTARTED_AT}`]: {} } } } },
};

/** Managers that apply objects server-side, Helm since version 4; the others of those that scenarios name update them. */
const SERVER_SIDE = new Set(['eks', 'helm', 'kustomize-controller', 'kro.run/applyset']);
export const operationOf = (manager: string): ManagedFieldsEntry['operation'] =>
  SERVER_SIDE.has(manager) ? 'Apply' : 'Update';

const applied = new WeakMap<WorkloadTemplate, FieldSet>();
const fieldsOfManifest = (template: WorkloadTemplate): FieldSet => {
  const known = applied.get(template) ?? fieldsOf(manifestOf(template));
  applied.set(template, known);
  return known;
};

const updated = new WeakMap<WorkloadTemplate, FieldSet>();
/** Returns the fields of a manifest that was created, not applied. */
const createdFields = (template: WorkloadTemplate): FieldSet => {
  const known = updated.get(template);
  if (known) return known;
  const { added, modified } = compare(zeroOf(template.kind), manifestOf(template));
  const fields = union(added, modified);
  updated.set(template, fields);
  return fields;
};

const manifestFields = ({ manager, manifest, restarted }: AppliedManifest): FieldSet => {
  const fields = operationOf(manager) === 'Apply' ? fieldsOfManifest(manifest) : createdFields(manifest);
  return restarted ? union(fields, RESTARTED) : fields;
};

/** Returns `Deployment.apps ebs-csi-controller`, as EKS names a workload in a conflict. */
const nameOf = ({ kind, metadata }: KubeObject): string => `${kind}.apps ${metadata.name}`;

/** Returns the add-on's foreign fields that belong to this object. */
const foreignOf = (
  cluster: ClusterState,
  addon: string | undefined,
  object: KubeObject,
): (Writer & { fields: FieldSet })[] => {
  const known = cluster.foreignFields.get(addon ?? '');
  if (!known) return [];
  const start = `${nameOf(object)} - `;
  return known.flatMap(({ field, manager, subresource }) => {
    const fields = field.startsWith(start) ? parseField(field.slice(start.length)) : undefined;
    return fields ? [{ manager, ...(subresource === undefined ? {} : { subresource }), fields }] : [];
  });
};

/**
 * Returns an object's fields that EKS leaves alone because other managers changed them; undefined if there are none.
 */
export const foreignFieldsOf = (cluster: ClusterState, addon: string, object: KubeObject): FieldSet | undefined => {
  const fields = foreignOf(cluster, addon, object);
  return fields.length === 0 ? undefined : fields.reduce((set, each) => union(set, each.fields), EMPTY);
};

/**
 * Returns the entries with the foreign fields that a scenario declares: they belong to the managers that it names, since
 * the object was created.
 */
export const withForeign = (
  cluster: ClusterState,
  object: KubeObject,
  stored: readonly ManagedFieldsEntry[],
): readonly ManagedFieldsEntry[] => {
  const manifest = cluster.kube.applied.get(object.metadata.uid);
  const foreign = manifest ? foreignOf(cluster, manifest.addon, object) : [];
  if (!manifest || foreign.length === 0) return stored;
  let entries = [...stored];
  for (const { fields, ...writer } of foreign) {
    entries = entries.flatMap((entry) => {
      if (entry.manager !== manifest.manager) return [entry];
      const fieldsV1 = without(entry.fieldsV1, fields);
      return fieldsV1 ? [{ ...entry, fieldsV1 }] : [];
    });
    const known = entries.find(
      (entry) =>
        entry.manager === writer.manager && entry.subresource === writer.subresource && entry.operation === 'Update',
    );
    if (known) {
      const fieldsV1 = union(known.fieldsV1, fields);
      entries = entries.map((entry) => (entry === known ? { ...entry, fieldsV1 } : entry));
    } else entries.push(entryOf(writer, 'Update', object.apiVersion, object.metadata.creationTimestamp, fields));
  }
  return inOrder(entries);
};

/**
 * Records that a manager applied a manifest and owns its fields, except those that stay foreign. `before`: the object
 * before, if it existed. Others keep what the manifest has not changed.
 */
export const noteApplied = (
  cluster: ClusterState,
  before: KubeObject | undefined,
  object: Workload,
  manifest: AppliedManifest,
  at: number,
): void => {
  const { uid } = object.metadata;
  cluster.kube.applied.set(uid, manifest);
  const { manager } = manifest;
  const all = manifestFields(manifest);
  const foreign = foreignFieldsOf(cluster, manifest.addon ?? '', object);
  const mine = entryOf(
    { manager },
    operationOf(manager),
    object.apiVersion,
    timestamp(at),
    foreign ? (without(all, foreign) ?? EMPTY) : all,
  );
  const known = cluster.kube.managedFields.get(uid) ?? [];
  const stored = known === 'untracked' ? [] : known;
  const others = stored.filter((entry) => entry.manager !== manager || entry.operation !== mine.operation);
  const left =
    before && others.length > 0 ? entriesWithout(others, union(...Object.values(compare(before, object)))) : others;
  cluster.kube.managedFields.set(uid, inOrder([...left, mine]));
};

const metadataOf = ({ metadata: { labels, annotations } }: KubeObject): object => ({
  metadata: { labels, annotations },
});

/**
 * Records that a manager set fields of EKS's manifest: they are foreign from now on, or no longer foreign if they have
 * EKS's value again.
 */
export const noteForeign = (
  cluster: ClusterState,
  before: KubeObject,
  object: KubeObject,
  { manager, subresource }: Writer,
): void => {
  const known = cluster.kube.applied.get(object.metadata.uid);
  if (known?.addon === undefined) return;
  const { addon, manifest } = known;
  const parts = (part: KubeObject): object => ({ ...metadataOf(part), spec: part.spec });
  const edited = union(...Object.values(compare(parts(before), parts(object))));
  if (isEmpty(edited)) return;
  const touched = common(edited, fieldsOfManifest(manifest));
  if (!touched) return;
  const { added, modified } = compare(manifestOf(manifest), parts(object));
  const changed = union(added, modified);
  const foreign = isEmpty(changed) ? undefined : common(touched, changed);
  const namesOf = (set: FieldSet): string[] => formatFields(set).map((path) => `${nameOf(object)} - ${path}`);
  const mine = new Set(namesOf(touched));
  const owner: Omit<ForeignField, 'field'> = { manager, ...(subresource === 'scale' ? { subresource } : {}) };
  const fields = [
    ...(cluster.foreignFields.get(addon) ?? []).filter(({ field }) => !mine.has(field)),
    ...(foreign ? namesOf(foreign) : []).map((field) => ({ field, ...owner })),
  ];
  if (fields.length > 0) cluster.foreignFields.set(addon, fields);
  else cluster.foreignFields.delete(addon);
};

/** Returns a set without maps themselves: a manager that applies a map owns only what is in it. */
const asApplied = (set: FieldSet): FieldSet =>
  Object.fromEntries(
    Object.entries(set).flatMap(([element, node]) => {
      const { '.': itself, ...below } = node;
      if (isEmpty(below)) return [[element, {}]];
      const inside = asApplied(below);
      return [[element, itself !== undefined && element.startsWith('k:') ? { '.': {}, ...inside } : inside]];
    }),
  );

/**
 * Records that a manager set labels and annotations, as EKS does, or as a scenario has it from before the sandbox opened:
 * those that are new belong to it. `before`: undefined if it created the object.
 */
export const noteMetadata = (
  { kube: { managedFields } }: ClusterState,
  before: KubeObject | undefined,
  object: KubeObject,
  manager: string,
  at: number,
): void => {
  const { uid } = object.metadata;
  const { added, modified, removed } = compare(before ? metadataOf(before) : { metadata: {} }, metadataOf(object));
  const set = union(added, modified);
  const operation = operationOf(manager);
  const known = managedFields.get(uid) ?? [];
  if (known === 'untracked') return;
  const others = entriesWithout(known, union(set, removed));
  const mine = others.find((entry) => entry.manager === manager && entry.operation === operation);
  const fields = union(mine?.fieldsV1 ?? EMPTY, operation === 'Apply' ? asApplied(set) : set);
  const left = others.filter((entry) => entry !== mine);
  const entry = entryOf({ manager }, operation, object.apiVersion, timestamp(at), fields);
  managedFields.set(uid, isEmpty(fields) ? left : inOrder([...left, entry]));
};
