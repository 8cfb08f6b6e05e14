/** Compares the sandbox's webhook with pods that AWS's own webhook changed: test/golden/webhook/README.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seedCluster } from '../../../sandbox/kubernetes/cluster-objects.ts';
import type { Pod } from '../../../sandbox/objects/objects.ts';
import { storePod } from '../../../sandbox/kubernetes/pods.ts';
import { newMetadata, putObject } from '../../../sandbox/objects/store.ts';
import { admitPod } from '../../../sandbox/kubernetes/webhook.ts';
import { bareCluster, bareWorld, START } from '../../../sandbox/build/bare-world.ts';

interface Answer {
  name: string;
  input: { pod: Pod; serviceAccountAnnotations: Record<string, string>; association: boolean };
  mutated: Pod;
}
const CASES = new URL('../../golden/webhook/cases.json', import.meta.url);
const answers = JSON.parse(readFileSync(CASES, 'utf8')) as Answer[];

/** Returns the pod as the sandbox stores it, for the service account and association of a recorded input. */
const admitted = ({ pod: given, serviceAccountAnnotations, association }: Answer['input']): Pod => {
  const world = bareWorld();
  const cluster = bareCluster({ name: 'dev' });
  seedCluster(world, cluster, 1);
  const pod = structuredClone(given);
  const { namespace = '' } = pod.metadata;
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
      roleArn: 'arn:aws:iam::111122223333:role/r',
      tags: {},
      createdAt: START,
      modifiedAt: START,
    });
  admitPod(world, cluster, pod, START);
  storePod(pod);
  return pod;
};

const JITTERED = { least: 79_200, most: 86_400 };

/** Replaces the random expiration by whether it is in range, since its value is not comparable. */
const withoutJitter = (pod: Pod): unknown => {
  const copy = structuredClone(pod);
  for (const volume of copy.spec.volumes ?? []) {
    for (const source of volume.projected?.sources ?? []) {
      const token = source['serviceAccountToken'] as { audience?: string; expirationSeconds: unknown } | undefined;
      const seconds = token?.expirationSeconds;
      if (token?.audience === 'pods.eks.amazonaws.com' && typeof seconds === 'number')
        token.expirationSeconds = seconds >= JITTERED.least && seconds <= JITTERED.most ? 'jittered' : seconds;
    }
  }
  return copy;
};

describe('a pod changed like by the real webhook', () => {
  it('is recorded 70 times', () => expect(new Set(answers.map(({ name }) => name)).size).toBe(70));

  it.each(answers.map((answer) => [answer.name, answer] as const))('%s', (_, { input, mutated }) =>
    expect(withoutJitter(admitted(input))).toEqual(withoutJitter(mutated)),
  );
});
