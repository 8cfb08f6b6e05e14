/**
 * The control planes of the clusters, as the sandbox's other services use them: by default the sandbox's own API server
 * and controllers. A conformance run puts a real Kubernetes in their place (`conformance/kubernetes/bridge`, docs/conformance-design.md).
 */
import type { Caller, Service } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { addonReplicas, applyAddonObjects, type ApplyOptions, removeAddonObjects } from './addon-objects.ts';
import { replaceObject } from './controllers.ts';
import { noteWrite } from './managed-fields.ts';
import type { AddonObjects } from '../objects/objects.ts';
import { createKubernetesService } from './service.ts';
import { getObject } from '../objects/store.ts';

/** Returns the API server of a cluster. `verify`: checks a bearer token as the API server does for its own requests. */
export type KubernetesFactory = (
  cluster: ClusterState,
  verify: (token: string) => Caller | { refused: string },
) => Service;

/** An annotation of a service account that a manager sets. */
export interface AnnotationWrite {
  namespace: string;
  serviceAccount: string;
  annotation: string;
  value: string;
  /** Field manager. */
  manager: string;
}

export interface ControlPlanes {
  /** Returns the cluster's API server. */
  apiServer: KubernetesFactory;
  /** Wraps EKS, whose calls may have to wait for the clusters. */
  aroundEks(eks: Service): Service;
  /** Applies an add-on's objects as EKS does (`applyAddonObjects`). */
  applyAddon(cluster: ClusterState, addonName: string, objects: AddonObjects, options: ApplyOptions): void;
  /** Removes them (`removeAddonObjects`). */
  removeAddon(cluster: ClusterState, addonName: string, objects: AddonObjects): void;
  /** Returns how many pods an add-on's workloads should have, and how many are ready. */
  addonReplicas(cluster: ClusterState, objects: AddonObjects): { desired: number; ready: number };
  /** Sets an annotation; does nothing if the service account does not exist. */
  annotate(cluster: ClusterState, write: AnnotationWrite): void;
}

const annotateOwn = (
  world: World,
  cluster: ClusterState,
  { namespace, serviceAccount, annotation, value, manager }: AnnotationWrite,
): void => {
  const object = getObject(cluster.kube, 'ServiceAccount', namespace, serviceAccount);
  if (!object) return;
  const before = { ...object };
  const annotations = { ...object.metadata.annotations, [annotation]: value };
  replaceObject(world, cluster, object, { ...object, metadata: { ...object.metadata, annotations } });
  noteWrite(cluster, before, object, { manager }, world.schedule.now());
};

/** Returns the sandbox's own control planes. */
export const ownControlPlanes = (world: World): ControlPlanes => ({
  apiServer: (cluster, verify) => createKubernetesService(world, cluster, verify),
  aroundEks: (eks) => eks,
  applyAddon: (cluster, addonName, objects, options) => applyAddonObjects(world, cluster, addonName, objects, options),
  removeAddon: (cluster, addonName, objects) => removeAddonObjects(world, cluster, addonName, objects),
  addonReplicas: (cluster, objects) => addonReplicas(world, cluster, objects),
  annotate: (cluster, write) => annotateOwn(world, cluster, write),
});
