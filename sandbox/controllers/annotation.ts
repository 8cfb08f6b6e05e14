/** Controllers inside a cluster that put back the role annotation of a service account, as its manifest has it. */
import type { ControlPlanes } from '../kubernetes/control-planes.ts';
import { getObject } from '../objects/store.ts';
import { ROLE_ANNOTATION } from '../kubernetes/webhook.ts';
import type { ClusterState } from '../world/world.ts';

/** Field managers with which these controllers write. */
const MANAGERS: Readonly<Record<string, string>> = { 'argo-cd': 'argocd-controller', flux: 'kustomize-controller' };

/**
 * Returns a function that puts back the annotation that the service account has now. `name`: `namespace/name`. A service
 * account that was deleted stays so: its manifest has more than the annotation.
 */
export const annotationReconciler = (
  controlPlanes: ControlPlanes,
  cluster: ClusterState,
  { name, tool }: { name: string; tool: string },
): (() => void) => {
  const [namespace = '', account = ''] = name.split('/');
  const wanted = getObject(cluster.kube, 'ServiceAccount', namespace, account)?.metadata.annotations?.[ROLE_ANNOTATION];
  return () => {
    const object = getObject(cluster.kube, 'ServiceAccount', namespace, account);
    if (!object || wanted === undefined || object.metadata.annotations?.[ROLE_ANNOTATION] === wanted) return;
    const manager = MANAGERS[tool] ?? tool;
    const write = { namespace, serviceAccount: account, annotation: ROLE_ANNOTATION, value: wanted, manager };
    controlPlanes.annotate(cluster, write);
  };
};
