/** What the pods of a cluster have: readiness, restarts, and the credentials that EKS Auth and STS give each container. */
import { containerCredentials, type ContainerCredentials } from '../../../sandbox/credentials/sessions.ts';
import { containerStatusesOf } from '../../../sandbox/kubernetes/pod-status.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { listObjects, workloadOf } from '../../../sandbox/objects/store.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';

export interface PodCredentials {
  namespace: string;
  /** Kind and name of the workload that the pod belongs to, such as `Deployment ebs-csi-controller`. */
  workload: string;
  serviceAccount: string;
  ready: boolean;
  restarts: number;
  /** Each container, with what it gets now. */
  containers: ContainerCredentials[];
}

/** Returns the active pods. It does not use what the service reports. */
export const podCredentials = (world: World, cluster: ClusterState): PodCredentials[] =>
  listObjects(cluster.kube, 'Pod')
    .filter((pod) => isActive(pod))
    .map((pod) => {
      const owner = workloadOf(cluster.kube, pod);
      return {
        namespace: pod.metadata.namespace ?? '',
        workload: `${owner?.kind ?? 'no workload'} ${owner?.metadata.name ?? ''}`,
        serviceAccount: pod.spec.serviceAccountName ?? 'default',
        ready: isReady(pod),
        restarts: containerStatusesOf(pod).reduce((sum, { restartCount }) => sum + restartCount, 0),
        containers: containerCredentials(world, cluster, pod),
      };
    });

/** Returns what a container gets, in a few words. */
export const credentialsText = ({ container, method, roleArn, refused }: ContainerCredentials): string =>
  `${container} ${refused ? `${method} refused: ${refused.code}` : `${method} ${roleArn ?? 'without a role'}`}`;
