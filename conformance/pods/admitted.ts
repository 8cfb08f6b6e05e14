/** Pods as EKS's webhook changes them. */
import { seedCluster } from '../../sandbox/kubernetes/cluster-objects.ts';
import type { Pod } from '../../sandbox/kubernetes/objects.ts';
import { newMetadata, putObject } from '../../sandbox/kubernetes/store.ts';
import { admitPod } from '../../sandbox/kubernetes/webhook.ts';
import { bareCluster, bareWorld, START } from '../sandbox/bare-world.ts';
import type { KubePod } from './javascript-chain.ts';

const ROLE = 'arn:aws:iam::111122223333:role/r';

/** Returns the pod as the webhook changes it, for a service account with an association, or with a role by annotation. */
export function admitted(given: KubePod, by: 'association' | 'annotation' | 'nothing'): KubePod {
  const world = bareWorld();
  const cluster = bareCluster({ name: 'dev' });
  seedCluster(world, cluster, 1);
  const annotations: Record<string, string> = by === 'annotation' ? { 'eks.amazonaws.com/role-arn': ROLE } : {};
  putObject(cluster.kube, 'ServiceAccount', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: newMetadata(cluster.kube, START, { name: 'sa', namespace: 'default', annotations }),
  });
  if (by === 'association')
    cluster.associations.set('a-1', {
      id: 'a-1',
      arn: `${cluster.arn}/a-1`,
      namespace: 'default',
      serviceAccount: 'sa',
      roleArn: ROLE,
      tags: {},
      createdAt: START,
      modifiedAt: START,
    });
  const pod = structuredClone(given) as unknown as Pod;
  admitPod(world, cluster, pod, START);
  return pod;
}
