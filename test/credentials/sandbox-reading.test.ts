/** Compares how the sandbox reads containers, which judges the service, with what the AWS SDK for JavaScript does in them. */
import { assert, asyncProperty, constantFrom } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POD_IDENTITY_AUDIENCE } from '../../sandbox/credentials/pod-identity.ts';
import { containerSourcesOf, type ContainerSource } from '../../sandbox/credentials/sources.ts';
import type { Pod } from '../../sandbox/kubernetes/objects.ts';
import { newKubeState } from '../../sandbox/kubernetes/new-kube-state.ts';
import { admitted } from './admitted.ts';
import { type JavaScriptChain, type KubePod, openChain, type Outcome } from './javascript-chain.ts';
import { podsWith } from './pods.ts';

let chain: JavaScriptChain;
beforeAll(async () => void (chain = await openChain()));
afterAll(() => chain.close());

/** Returns the sandbox's reading of each container for this SDK. */
const readIn = (given: KubePod): readonly ContainerSource[] => {
  const kube = newKubeState();
  const pod = structuredClone(given) as unknown as Pod;
  Object.assign(pod.metadata, { uid: 'u' });
  const { initContainers = [], containers } = pod.spec;
  const sdk = { name: 'js-v3', version: '3.972.0' } as const;
  kube.sdks.set('u', new Map([...initContainers, ...containers].map(({ name, image }) => [name, { image, sdk }])));
  return containerSourcesOf(kube, pod);
};

/** What the SDK does according to a reading. An endpoint other than the agent answers in the test, and never in the sandbox. */
const expectedOf = ({ method, source }: ContainerSource, outcome: Outcome): Outcome => {
  if (method === 'keys') return 'static-keys';
  if (method === 'address' && (outcome === 'ecs' || outcome === 'other')) return outcome;
  if (source === undefined || 'problem' in source) return 'none';
  if (source.method === 'pod-identity') return 'agent';
  // STS refuses a token for EKS Pod Identity, in the test and in the sandbox.
  return source.audiences.includes(POD_IDENTITY_AUDIENCE) ? 'none' : 'irsa';
};

describe('the sandbox reads a container as the AWS SDK for JavaScript', () => {
  it.each([true, false])(
    'in pods as the webhook changes them; only with variables that all SDKs read alike: %s',
    async (only) => {
      const seen = new Map<Outcome, number>();
      await assert(
        asyncProperty(podsWith(only), constantFrom('association', 'annotation'), async (given, by) => {
          const pod = admitted(given, by);
          const { initContainers = [], containers } = pod.spec;
          const all = [...initContainers, ...containers];
          const outcomes: Outcome[] = [];
          for (const container of all) outcomes.push(await chain.outcomeOf(pod, container));
          const read = readIn(pod);
          expect(read.map((one, index) => expectedOf(one, outcomes[index]!))).toEqual(outcomes);
          for (const outcome of outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }),
        { numRuns: 150 },
      );
      for (const outcome of ['agent', 'irsa', 'ecs', 'none'] as const) expect(seen.get(outcome)).toBeGreaterThan(0);
    },
  );
});
