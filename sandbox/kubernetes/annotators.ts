/**
 * Tracks which field manager set the IRSA annotation of a service account: the part of `metadata.managedFields` that a
 * client needs before it removes the annotation. Other managed fields of service accounts are not simulated.
 */
import type { ClusterState } from '../world/world.ts';
import type { FieldSet } from './field-sets.ts';
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

/** Returns the managedFields entry of the manager that set the annotation; empty for an object without it. */
export const annotatorEntries = ({ kube }: ClusterState, object: KubeObject): ManagedFieldsEntry[] => {
  const annotator = object.kind === 'ServiceAccount' ? kube.annotators.get(object.metadata.uid) : undefined;
  if (!annotator) return [];
  const { manager, at } = annotator;
  const fieldsV1: FieldSet = { 'f:metadata': { 'f:annotations': { '.': {}, [`f:${ROLE_ANNOTATION}`]: {} } } };
  return [
    {
      manager,
      operation: manager === 'eks' ? 'Apply' : 'Update',
      apiVersion: object.apiVersion,
      time: timestamp(at),
      fieldsType: 'FieldsV1',
      fieldsV1,
    },
  ];
};
