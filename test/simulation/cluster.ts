/** Reads the current state of a sandbox cluster: pods, service accounts and associations. */
import type { ServiceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import type { PodIdentity } from '../../lambdas/domain/terms/evidence.ts';
import { isObject } from '../../sandbox/json.ts';
import type { Pod } from '../../sandbox/objects/objects.ts';
import { type ControlPlane, readySecondsOf } from '../../sandbox/kubernetes/pods.ts';
import {
  type AssociationState,
  type ClusterState,
  type RoleState,
  type World,
  findRole,
} from '../../sandbox/world/world.ts';

/** The annotation by which IRSA gives a service account its role. */
export const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';

export const liveAssociations = (cluster: ClusterState): AssociationState[] =>
  [...cluster.associations.values()].filter((one) => one.deletedUntil === undefined);

interface SeenPod {
  name: string;
  uid: string;
  namespace: string;
  serviceAccount: string;
  ready: boolean;
  /** True while the pod is younger than the time that it takes to become ready. */
  starting: boolean;
  /** True if the pod is being deleted or runs on a lost node: it does not count. */
  terminating: boolean;
  createdAt: number;
  identity: PodIdentity;
}

const namesIn = (containers: unknown): Set<string> =>
  new Set(
    (Array.isArray(containers) ? (containers as unknown[]) : []).flatMap((container) =>
      isObject(container) && Array.isArray(container['env'])
        ? (container['env'] as { name: string }[]).map(({ name }) => name)
        : [],
    ),
  );

/** The time that waiting for credentials or for a node may add to a pod's own start-up time. */
const START_SECONDS = 30;

const isStarting = (plane: ControlPlane, pod: Pod, createdAt: number): boolean =>
  plane.world.schedule.now() <= createdAt + (readySecondsOf(plane, pod) + START_SECONDS) * 1000;

/** Returns the pods as the API server stores them, not as the service reads them. */
export const podsOf = (cluster: ClusterState, world?: World): SeenPod[] =>
  [...(cluster.kube.objects.get('pods.')?.values() ?? [])].map((object) => {
    const { metadata, spec, status } = object as unknown as {
      metadata: { name: string; namespace: string; uid: string; deletionTimestamp?: string; creationTimestamp: string };
      spec: { serviceAccountName?: string; containers: unknown; nodeName?: string };
      status: { conditions: { type: string; status: string }[] };
    };
    const env = namesIn(spec.containers);
    const onPodIdentity = env.has('AWS_CONTAINER_CREDENTIALS_FULL_URI');
    const onIrsa = env.has('AWS_ROLE_ARN');
    const createdAt = Date.parse(metadata.creationTimestamp);
    return {
      name: metadata.name,
      uid: metadata.uid,
      namespace: metadata.namespace,
      serviceAccount: spec.serviceAccountName ?? 'default',
      ready: status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
      starting: world !== undefined && isStarting({ world, cluster }, object as Pod, createdAt),
      terminating: metadata.deletionTimestamp !== undefined || cluster.kube.lostNodes.has(spec.nodeName ?? ''),
      createdAt,
      identity: onPodIdentity ? (onIrsa ? 'mixed' : 'pod-identity') : onIrsa ? 'irsa' : 'node-role',
    };
  });

/** Returns the role of each service account with an IRSA annotation, by `namespace/name`. */
export const annotationsIn = ({ kube }: ClusterState): Map<string, string> =>
  new Map(
    [...(kube.objects.get('serviceaccounts.')?.values() ?? [])].flatMap(({ metadata }) => {
      const role = metadata.annotations?.[ROLE_ANNOTATION];
      return role === undefined ? [] : [[`${metadata.namespace}/${metadata.name}`, role] as const];
    }),
  );

/** Returns the role in the annotation of a service account, given as `namespace/name`, or of its association. */
export const roleOf = (world: World, cluster: ClusterState, account: string | undefined): RoleState | undefined => {
  const association = liveAssociations(cluster).find((one) => `${one.namespace}/${one.serviceAccount}` === account);
  const arn = annotationsIn(cluster).get(account ?? '') ?? association?.roleArn;
  return arn === undefined ? undefined : findRole(world, arn);
};

/** Returns each service account, and whether it has an association. */
export const accountsIn = (cluster: ClusterState): (ServiceAccountRef & { associated: boolean })[] =>
  [...(cluster.kube.objects.get('serviceaccounts.')?.values() ?? [])].map(({ metadata: { namespace = '', name } }) => ({
    namespace,
    name,
    associated: liveAssociations(cluster).some((one) => one.namespace === namespace && one.serviceAccount === name),
  }));

/** Returns the role in the IRSA annotation of a service account. */
export const annotationOf = ({ kube }: ClusterState, { namespace, name }: ServiceAccountRef): string | undefined =>
  [...(kube.objects.get('serviceaccounts.')?.values() ?? [])].find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  )?.metadata.annotations?.[ROLE_ANNOTATION];
