/**
 * Tracks which field manager set the IRSA annotation of a service account: the part of `metadata.managedFields` that a
 * client needs before it removes the annotation. Of the other managed fields of service accounts, only those of the
 * manager that a scenario names are simulated.
 */
import type { ClusterState } from '../world/world.ts';
import { changesOf, type FieldSet, serialized, union } from './field-sets.ts';
import type { KubeObject } from './objects.ts';
import { timestamp } from './store.ts';
import { ROLE_ANNOTATION } from './webhook.ts';

export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: FieldSet;
  subresource?: 'scale' | 'status';
}

type Annotated = Pick<KubeObject, 'metadata'>;
const roleOf = ({ metadata }: Annotated): string | undefined => metadata.annotations?.[ROLE_ANNOTATION];

/**
 * Records the manager that changed the annotation, at that time (milliseconds since 1970); does nothing if the
 * annotation is unchanged.
 */
export const noteAnnotator = (
  { kube }: ClusterState,
  before: Annotated | undefined,
  object: KubeObject,
  manager: string,
  at: number,
): void => {
  if (object.kind !== 'ServiceAccount' || roleOf(object) === (before && roleOf(before))) return;
  if (roleOf(object) === undefined) kube.annotators.delete(object.metadata.uid);
  else kube.annotators.set(object.metadata.uid, { manager, at });
};

/** Returns the manager that set the annotation; undefined without an annotation, or if no manager was recorded. */
export const annotatorOf = ({ kube }: ClusterState, object: KubeObject): string | undefined =>
  kube.annotators.get(object.metadata.uid)?.manager;

/** Managers that apply objects server-side; the others of those that scenarios name update them. */
const SERVER_SIDE = new Set(['eks', 'kustomize-controller', 'kro.run/applyset']);

/** Returns the fields of the metadata that the manager that applied the object set; undefined if there are none. */
const appliedFields = ({ metadata: { labels, annotations = {} } }: KubeObject): FieldSet | undefined => {
  const others = Object.entries(annotations).filter(([key]) => key !== ROLE_ANNOTATION);
  return changesOf(
    { metadata: {} },
    { metadata: { labels, ...(others.length > 0 ? { annotations: Object.fromEntries(others) } : {}) } },
  );
};

/**
 * Returns the managedFields entries of a service account: of the manager that set the role annotation, and of the one
 * that applied the rest. Empty for an object of which neither is known.
 */
export const annotatorEntries = ({ kube }: ClusterState, object: KubeObject): ManagedFieldsEntry[] => {
  if (object.kind !== 'ServiceAccount') return [];
  const annotator = kube.annotators.get(object.metadata.uid);
  const applier = kube.appliers.get(object.metadata.uid);
  const role: FieldSet = { 'f:metadata': { 'f:annotations': { '.': {}, [`f:${ROLE_ANNOTATION}`]: {} } } };
  const rest = applier && appliedFields(object);
  const entry = ({ manager, at }: { manager: string; at: number }, fieldsV1: FieldSet): ManagedFieldsEntry => ({
    manager,
    operation: SERVER_SIDE.has(manager) ? 'Apply' : 'Update',
    apiVersion: object.apiVersion,
    time: timestamp(at),
    fieldsType: 'FieldsV1',
    fieldsV1: serialized(fieldsV1),
  });
  if (!annotator) return rest ? [entry(applier, rest)] : [];
  if (!rest) return [entry(annotator, role)];
  return annotator.manager === applier.manager
    ? [entry(annotator, union(rest, role))]
    : [entry(applier, rest), entry(annotator, role)];
};
