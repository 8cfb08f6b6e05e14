/**
 * Who has set the IRSA annotation of a service account: the part of its `metadata.managedFields` that somebody who
 * takes the annotation off has to know. What else managed fields of service accounts say is not played.
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

/** Notes who has changed the annotation, at that time (milliseconds since 1970); nothing where it is as it was. */
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

/** Who has set it; undefined of an object without it, and where nobody was noted. */
export const annotatorOf = ({ kube }: ClusterState, object: KubeObject): string | undefined =>
  kube.annotators.get(object.metadata.uid)?.manager;

/** The entry of whoever set it; none of an object without it. */
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
