/** Controllers inside a cluster that put back the role annotation of a service account, as its manifest has it. */
import { replaceObject } from '../kubernetes/controllers.ts';
import { noteWrite } from '../kubernetes/managed-fields.ts';
import { getObject } from '../kubernetes/store.ts';
import { ROLE_ANNOTATION } from '../kubernetes/webhook.ts';
import type { ClusterState, World } from '../world/world.ts';

/** Field managers with which these controllers write. */
const MANAGERS: Readonly<Record<string, string>> = { 'argo-cd': 'argocd-controller', flux: 'kustomize-controller' };

/**
 * Returns a function that puts back the annotation that the service account has now. `name`: `namespace/name`. A service
 * account that was deleted stays so: its manifest has more than the annotation.
 */
export const annotationReconciler = (
  world: World,
  cluster: ClusterState,
  { name, tool }: { name: string; tool: string },
): (() => void) => {
  const [namespace = '', account = ''] = name.split('/');
  const wanted = getObject(cluster.kube, 'ServiceAccount', namespace, account)?.metadata.annotations?.[ROLE_ANNOTATION];
  return () => {
    const object = getObject(cluster.kube, 'ServiceAccount', namespace, account);
    if (!object || wanted === undefined || object.metadata.annotations?.[ROLE_ANNOTATION] === wanted) return;
    const before = { ...object };
    const annotations = { ...object.metadata.annotations, [ROLE_ANNOTATION]: wanted };
    replaceObject(world, cluster, object, { ...object, metadata: { ...object.metadata, annotations } });
    noteWrite(cluster, before, object, { manager: MANAGERS[tool] ?? tool }, world.schedule.now());
  };
};
