/** Pods as the sandbox's webhook changes them. */
import { seedCluster } from '../../sandbox/kubernetes/cluster-objects.ts';
import type { Pod } from '../../sandbox/objects/objects.ts';
import { newMetadata, putObject } from '../../sandbox/objects/store.ts';
import { admitPod } from '../../sandbox/kubernetes/webhook.ts';
import { bareCluster, bareWorld, START } from '../../sandbox/build/bare-world.ts';
import type { KubePod } from './kube-pod.ts';

const ROLE = 'arn:aws:iam::111122223333:role/r';

/** A pod before the webhook, with what the webhook knows about its service account. */
export interface Admission {
  pod: KubePod;
  serviceAccountAnnotations: Record<string, string>;
  association: boolean;
}

/** Returns the pod as the webhook changes it. */
export function admittedWith({ pod: given, serviceAccountAnnotations, association }: Admission): KubePod {
  const world = bareWorld();
  const cluster = bareCluster({ name: 'dev' });
  seedCluster(world, cluster, 1);
  const pod = structuredClone(given) as unknown as Pod;
  const { namespace = 'default' } = pod.metadata;
  const name = pod.spec.serviceAccountName ?? '';
  putObject(cluster.kube, 'ServiceAccount', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: newMetadata(cluster.kube, START, { name, namespace, annotations: serviceAccountAnnotations }),
  });
  if (association)
    cluster.associations.set('a-1', {
      id: 'a-1',
      arn: `${cluster.arn}/a-1`,
      namespace,
      serviceAccount: name,
      roleArn: ROLE,
      tags: {},
      createdAt: START,
      modifiedAt: START,
    });
  admitPod(world, cluster, pod, START);
  return pod;
}

/** What a service account has: an association, a role by annotation, or neither. */
export const BY = ['association', 'annotation', 'nothing'] as const;
export type By = (typeof BY)[number];

/** Returns the pod as the webhook changes it, for a service account with an association, or with a role by annotation. */
export const admitted = (pod: KubePod, by: By): KubePod =>
  admittedWith({
    pod,
    serviceAccountAnnotations: by === 'annotation' ? { 'eks.amazonaws.com/role-arn': ROLE } : {},
    association: by === 'association',
  });
