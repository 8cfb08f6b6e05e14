/**
 * `metadata.managedFields` of workloads: which manager set which fields. EKS applies its manifests server-side, as
 * manager `eks` (EKS User Guide, "Determine fields you can customize for Amazon EKS add-ons"); a manager that changes
 * one of these fields becomes its owner. The entries are computed when an object is read; only what cannot be computed
 * is stored.
 */
import type { ClusterState } from '../world/world.ts';
import { annotatorEntries, type ManagedFieldsEntry, noteAnnotator } from './annotators.ts';
import {
  changesOf,
  common,
  fieldsOf,
  formatFields,
  parseField,
  removalsOf,
  serialized,
  union,
  without,
} from './field-sets.ts';
import type { FieldSet } from './field-sets.ts';
import { withDefaults } from './defaults/with-defaults.ts';
import { manifestOf } from './manifests.ts';
import type { FieldOwner, FieldOwners } from './kube-state.ts';
import type { Condition, KubeObject, Metadata, Workload, WorkloadTemplate } from './objects.ts';
import { timestamp } from './store.ts';

/** Annotation that `kubectl rollout restart` sets; EKS sets it too. */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

const RESTARTED: FieldSet = {
  'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { [`f:${RESTARTED_AT}`]: {} } } } },
};
const EMPTY: FieldSet = {};

const manifestFields = new WeakMap<WorkloadTemplate, FieldSet>();
const fieldsOfManifest = (template: WorkloadTemplate): FieldSet => {
  const known = manifestFields.get(template) ?? fieldsOf(manifestOf(template));
  manifestFields.set(template, known);
  return known;
};

const appliedFields = ({ applied }: FieldOwners): FieldSet =>
  applied.restarted ? union(fieldsOfManifest(applied.manifest), RESTARTED) : fieldsOfManifest(applied.manifest);

/** Returns `Deployment.apps ebs-csi-controller`, as EKS names a workload in a conflict. */
const nameOf = ({ kind, metadata }: KubeObject): string => `${kind}.apps ${metadata.name}`;

/** Returns the add-on's foreign fields that belong to this object. */
const foreignOf = (
  cluster: ClusterState,
  addon: string | undefined,
  object: KubeObject,
): (FieldOwner & { fields: FieldSet })[] => {
  const start = `${nameOf(object)} - `;
  return (cluster.foreignFields.get(addon ?? '') ?? []).flatMap(({ field, ...owner }) => {
    const fields = field.startsWith(start) ? parseField(field.slice(start.length)) : undefined;
    return fields ? [{ ...owner, fields }] : [];
  });
};

/**
 * Returns an object's fields that EKS leaves alone because other managers changed them; undefined if there are none.
 */
export const foreignFieldsOf = (cluster: ClusterState, addon: string, object: KubeObject): FieldSet | undefined => {
  const fields = foreignOf(cluster, addon, object);
  return fields.length === 0 ? undefined : fields.reduce((set, each) => union(set, each.fields), EMPTY);
};

/** Records that a manager applied a manifest and owns its fields, except those that stay foreign. */
export const noteApplied = (cluster: ClusterState, object: Workload, applied: FieldOwners['applied']): void => {
  const { fieldOwners } = cluster.kube;
  const owners: FieldOwners = { applied, edits: fieldOwners.get(object.metadata.uid)?.edits ?? [] };
  if (owners.edits.length > 0) {
    const foreign = foreignFieldsOf(cluster, applied.addon ?? '', object);
    const own = foreign ? (without(appliedFields(owners), foreign) ?? EMPTY) : appliedFields(owners);
    owners.edits = owners.edits.flatMap((edit) => {
      const fields = without(edit.fields, own);
      return fields ? [{ ...edit, fields }] : [];
    });
  }
  fieldOwners.set(object.metadata.uid, owners);
};

/**
 * Records that a manager set fields of EKS's manifest: they are foreign from now on, or no longer foreign if they have
 * EKS's value again.
 */
const noteForeign = (
  cluster: ClusterState,
  { addon = '', manifest }: FieldOwners['applied'],
  object: KubeObject,
  owner: FieldOwner,
  edited: FieldSet,
): void => {
  const touched = common(edited, fieldsOfManifest(manifest));
  if (!touched) return;
  const changed = changesOf(manifestOf(manifest), object);
  const foreign = changed && common(touched, changed);
  const namesOf = (set: FieldSet): string[] => formatFields(set).map((path) => `${nameOf(object)} - ${path}`);
  const mine = new Set(namesOf(touched));
  const fields = [
    ...(cluster.foreignFields.get(addon) ?? []).filter(({ field }) => !mine.has(field)),
    ...(foreign ? namesOf(foreign) : []).map((field) => ({ field, ...owner })),
  ];
  if (fields.length > 0) cluster.foreignFields.set(addon, fields);
  else cluster.foreignFields.delete(addon);
};

const isSameOwner = (one: FieldOwner, other: FieldOwner): boolean =>
  one.manager === other.manager && one.subresource === other.subresource;

/**
 * Records the fields that a client's write changed. `before`: the object before the write. Changed fields that EKS had
 * set now conflict with EKS's manifest.
 */
export const noteEdit = (
  cluster: ClusterState,
  before: Pick<KubeObject, 'metadata' | 'spec'>,
  object: KubeObject,
  owner: FieldOwner,
  at: number,
): void => {
  noteAnnotator(cluster, before, object, owner.manager, at);
  const owners = cluster.kube.fieldOwners.get(object.metadata.uid);
  const parts = ({ metadata: { labels, annotations }, spec }: typeof before): object => ({
    metadata: { labels, annotations },
    spec,
  });
  const fields = changesOf(parts(before), parts(object));
  const gone = removalsOf(parts(before), parts(object));
  if (!owners || (!fields && !gone)) return;
  const touched = union(fields ?? EMPTY, gone ?? EMPTY);
  const others = owners.edits.flatMap((edit) => {
    const left = without(edit.fields, touched);
    return left ? [{ ...edit, fields: left }] : [];
  });
  const mine = others.find((edit) => isSameOwner(edit, owner));
  owners.edits = fields
    ? [...others.filter((edit) => edit !== mine), { ...owner, fields: mine ? union(mine.fields, fields) : fields, at }]
    : others;
  if (owners.applied.addon !== undefined) noteForeign(cluster, owners.applied, object, owner, touched);
};

/** Returns the fields that the controller writes: the status, and a Deployment's revision. */
const controllerFields = ({ kind, status }: KubeObject): FieldSet => {
  const revision: FieldSet =
    kind === 'Deployment'
      ? { 'f:metadata': { 'f:annotations': { '.': {}, 'f:deployment.kubernetes.io/revision': {} } } }
      : {};
  return { ...revision, 'f:status': fieldsOf(status, 'status') };
};

const controllerTime = ({ metadata, status }: KubeObject): string =>
  ((status?.['conditions'] ?? []) as (Condition & { lastUpdateTime?: string })[]).reduce(
    (latest, { lastUpdateTime = '' }) => (lastUpdateTime > latest ? lastUpdateTime : latest),
    metadata.creationTimestamp,
  );

const managedFieldsOf = (cluster: ClusterState, object: KubeObject, owners: FieldOwners): ManagedFieldsEntry[] => {
  const { applied, edits } = owners;
  const entry = (
    { manager, subresource }: Pick<ManagedFieldsEntry, 'manager' | 'subresource'>,
    operation: ManagedFieldsEntry['operation'],
    time: string,
    fields: FieldSet,
  ): ManagedFieldsEntry => ({
    manager,
    operation,
    apiVersion: object.apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: serialized(fields),
    ...(subresource === undefined ? {} : { subresource }),
  });
  const others: { owner: FieldOwner; fields: FieldSet; time: string }[] = [];
  const add = (owner: FieldOwner, fields: FieldSet, time: string): void => {
    const known = others.find((each) => isSameOwner(each.owner, owner));
    if (!known) {
      others.push({ owner, fields, time });
      return;
    }
    known.fields = union(known.fields, fields);
    if (time > known.time) known.time = time;
  };
  let own = appliedFields(owners);
  for (const { fields, ...owner } of foreignOf(cluster, applied.addon, object)) {
    own = without(own, fields) ?? EMPTY;
    add(owner, fields, object.metadata.creationTimestamp);
  }
  for (const { fields, at, ...owner } of edits) {
    own = without(own, fields) ?? EMPTY;
    add(owner, fields, timestamp(at));
  }
  return [
    entry(applied, applied.manager === 'eks' ? 'Apply' : 'Update', timestamp(applied.at), own),
    ...others.map(({ owner, fields, time }) => entry(owner, 'Update', time, fields)),
    ...(object.status === undefined || Object.keys(object.status).length === 0
      ? []
      : [
          entry(
            { manager: 'kube-controller-manager', subresource: 'status' },
            'Update',
            controllerTime(object),
            controllerFields(object),
          ),
        ]),
  ];
};

/**
 * Returns the object as the API server returns it: with managed fields if it is a workload, or a service account with
 * the IRSA annotation.
 */
export const asReturned = (cluster: ClusterState, object: KubeObject): KubeObject => {
  const owners = cluster.kube.fieldOwners.get(object.metadata.uid);
  const managedFields = owners ? managedFieldsOf(cluster, object, owners) : annotatorEntries(cluster, object);
  const served = withDefaults(cluster, object);
  if (managedFields.length === 0) return served;
  const metadata: Metadata & { managedFields: ManagedFieldsEntry[] } = { ...served.metadata, managedFields };
  return { ...served, metadata };
};
