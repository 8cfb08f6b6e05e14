/** Records what CSI drivers read of a service account when they mount volumes into a new pod. */
import type { ClusterState } from '../world/world.ts';
import type { Pod } from '../objects/objects.ts';
import { getObject } from '../objects/store.ts';
import { ROLE_ANNOTATION } from './webhook.ts';

/**
 * Records the role that the annotation of the pod's service account names, if the pod mounts a claim: Mountpoint for
 * Amazon S3 keeps it for as long as the volume is mounted.
 */
export const noteMountRole = ({ kube }: ClusterState, { metadata, spec }: Pod): void => {
  if (!spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim)) return;
  const account = getObject(
    kube,
    'ServiceAccount',
    metadata.namespace ?? 'default',
    spec.serviceAccountName ?? 'default',
  );
  const role = account?.metadata.annotations?.[ROLE_ANNOTATION];
  if (role) kube.mountRoles.set(metadata.uid, role);
};
