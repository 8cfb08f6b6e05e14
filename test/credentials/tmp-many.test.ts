/** Compares the reading of pods with what the AWS SDK for JavaScript does in their containers. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod as podSchema, toPod } from '../../lambdas/adapters/kubernetes-objects.ts';
import { skippedContainers } from '../../lambdas/domain/kubernetes/skip-containers.ts';
import { VARIABLE_NAMES } from '../../lambdas/domain/verification/credential-variables.ts';
import { type Classified, classifyPod } from '../../lambdas/domain/verification/pod-identity.ts';
import { seedCluster } from '../../sandbox/kubernetes/cluster-objects.ts';
import type { Pod } from '../../sandbox/kubernetes/objects.ts';
import { newMetadata, putObject } from '../../sandbox/kubernetes/store.ts';
import { admitPod } from '../../sandbox/kubernetes/webhook.ts';
import { bareCluster, bareWorld, START } from '../sandbox/bare-world.ts';
import { type JavaScriptChain, type KubePod, openChain, type Outcome } from './javascript-chain.ts';
import { podsWith } from './pods.ts';

let chain: JavaScriptChain;
beforeAll(async () => void (chain = await openChain()));
afterAll(() => chain.close());

const ROLE = 'arn:aws:iam::111122223333:role/r';

/** Returns the pod as the webhook changes it, for a service account with an association, or with a role by annotation. */
function admitted(given: KubePod, by: 'association' | 'annotation' | 'nothing'): KubePod {
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
  return pod as unknown as KubePod;
}

const classified = (pod: KubePod): Classified =>
  classifyPod(
    toPod(
      podSchema.parse({
        ...pod,
        metadata: { namespace: 'default', uid: 'u', creationTimestamp: '2026-01-05T08:00:00Z', ...pod.metadata },
      }),
    ),
  );

/** Returns what the SDK does in each container that the webhook has not skipped. */
async function outcomesOf(pod: KubePod): Promise<Outcome[]> {
  const { initContainers = [], containers } = pod.spec;
  const skipped = skippedContainers(pod.metadata.annotations);
  const outcomes: Outcome[] = [];
  for (const container of [...initContainers, ...containers])
    if (!skipped.has(container.name)) outcomes.push(await chain.outcomeOf(pod, container));
  return outcomes;
}

interface Compared {
  identity: Classified['identity'];
  /** Whether the SDK gets credentials from the agent in every container, of which there is one at least. */
  isOnAgent: boolean;
  outcomes: Outcome[];
  found: Classified;
}

async function compared(pod: KubePod): Promise<Compared> {
  const outcomes = await outcomesOf(pod);
  const found = classified(pod);
  const isOnAgent = outcomes.length > 0 && outcomes.every((outcome) => outcome === 'agent');
  return { identity: found.identity, isOnAgent, outcomes, found };
}

const by = fc.constantFrom('association' as const, 'association' as const, 'annotation' as const, 'nothing' as const);

describe('the chain of the AWS SDK for JavaScript', () => {
  it('gets credentials from the agent exactly in the pods that are called pod-identity', async () => {
    const count = { agent: 0, others: 0 };
    await fc.assert(
      fc.asyncProperty(podsWith(true), by, async (pod, how) => {
        const { identity, isOnAgent, outcomes } = await compared(admitted(pod, how));
        count[isOnAgent ? 'agent' : 'others'] += 1;
        expect([identity === 'pod-identity', outcomes]).toEqual([isOnAgent, outcomes]);
        if (identity === 'irsa') expect(new Set(outcomes)).toEqual(new Set(['irsa']));
        if (identity === 'node-role') expect(new Set([...outcomes, 'none'])).toEqual(new Set(['none']));
      }),
      { numRuns: 2500 },
    );
    console.log(JSON.stringify(count));
    expect(count.others).toBeGreaterThan(10);
  });

  it('asks nothing but the agent in a pod that is called pod-identity, and otherwise there is a named reason', async () => {
    let unknown = 0;
    await fc.assert(
      fc.asyncProperty(podsWith(false), by, async (pod, how) => {
        const { identity, isOnAgent, outcomes, found } = await compared(admitted(pod, how));
        if (identity === 'pod-identity') expect(new Set(outcomes)).toEqual(new Set(['agent']));
        if (!isOnAgent || identity === 'pod-identity') return;
        unknown += 1;
        expect(identity).toBe('unknown');
        for (const { why } of found.unknown)
          expect([...VARIABLE_NAMES, 'envFrom'].some((name) => why.includes(name)) ? '' : why).toBe('');
        expect(found.unknown).not.toEqual([]);
      }),
      { numRuns: 2500 },
    );
    console.log('unknown', unknown);
  });
});

interface Recorded {
  name: string;
  input: { association: boolean };
  mutated: KubePod;
}
const CASES = new URL('../golden/webhook/cases.json', import.meta.url);
const recorded = JSON.parse(readFileSync(CASES, 'utf8')) as Recorded[];

/** Recorded pods in which this SDK gets credentials from the agent, while another one may not, or the spec does not show it. */
const UNKNOWN = new Set<string>(['pod identity, static keys by the old names']);

describe('pods that the real webhook has changed', () => {
  it.each(recorded.map((one) => [one.name, one.mutated] as const))('%s', async (name, pod) => {
    const { identity, isOnAgent } = await compared(pod);
    if (UNKNOWN.has(name)) expect([identity, isOnAgent]).toEqual(['unknown', true]);
    else expect(identity === 'pod-identity').toBe(isOnAgent);
  });
});
