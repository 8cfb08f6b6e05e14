/** Compares the reading of pods with what the AWS SDK for JavaScript does in their containers. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VARIABLE_NAMES } from '../../lambdas/domain/verification/credential-variables.ts';
import type { Classified } from '../../lambdas/domain/verification/pod-identity.ts';
import { admitted } from '../../conformance/pods/admitted.ts';
import { podsWith } from '../../conformance/pods/generate.ts';
import type { KubePod } from '../../conformance/pods/kube-pod.ts';
import type { Outcome } from '../../conformance/pods/outcome.ts';
import { classified, countedIn } from '../../conformance/pods/read.ts';
import { type JavaScriptSdk, openJavaScriptSdk } from './javascript-sdk.ts';
import { runs } from '../runs.ts';
import { forAllAsync } from '../for-all.ts';

let sdk: JavaScriptSdk;
beforeAll(async () => void (sdk = await openJavaScriptSdk()));
afterAll(() => sdk.close());

/** Returns what the SDK does in each container that the webhook has not skipped. */
const outcomesOf = async (pod: KubePod): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const container of countedIn(pod)) outcomes.push(await sdk.outcomeOf(pod, container));
  return outcomes;
};

const isSome = (count: number): boolean => count > 0;

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

const how = fc.constantFrom('association' as const, 'association' as const, 'annotation' as const, 'nothing' as const);

/** The sources of credentials that the SDK may have in the containers of a pod on IRSA, and on the node role. */
const ONLY: Partial<Record<Classified['identity'], Outcome>> = { irsa: 'irsa', 'node-role': 'node-role' };

/** Returns the reasons that name neither a variable nor a volume. */
const vague = ({ unknown }: Classified): string[] =>
  unknown
    .map(({ why }) => why)
    .filter((why) => ![...VARIABLE_NAMES, 'envFrom', 'a volume at '].some((name) => why.includes(name)));

describe('the chain of the AWS SDK for JavaScript', () => {
  it('gets credentials from the agent exactly in the pods that are called pod-identity', async () => {
    const count = { agent: 0, others: 0 };
    await forAllAsync(runs(80, 120), podsWith(true), how, async (pod, by) => {
      const { identity, isOnAgent, outcomes } = await compared(admitted(pod, by));
      count[isOnAgent ? 'agent' : 'others'] += 1;
      expect({ outcomes, called: identity === 'pod-identity' }).toEqual({ outcomes, called: isOnAgent });
      const only = ONLY[identity];
      expect(outcomes.filter((outcome) => only !== undefined && outcome !== only)).toEqual([]);
    });
    expect(count).toEqual({ agent: expect.toSatisfy(isSome) as number, others: expect.toSatisfy(isSome) as number });
  });

  it('asks nothing but the agent in a pod that is called pod-identity, and otherwise there is a named reason', async () => {
    let unknown = 0;
    await forAllAsync(runs(80, 120), podsWith(false), async (pod) => {
      const { identity, isOnAgent, outcomes, found } = await compared(admitted(pod, 'association'));
      const isUnknown = isOnAgent && identity === 'unknown';
      unknown += Number(isUnknown);
      expect({ outcomes, identity: isOnAgent === (identity === 'pod-identity') }).toEqual({
        outcomes,
        identity: !isUnknown,
      });
      expect([isUnknown ? vague(found) : [], isUnknown && found.unknown.length === 0]).toEqual([[], false]);
    });
    expect(unknown).toSatisfy(isSome);
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

it.each(recorded.map((one) => [one.name, one.mutated] as const))(
  'pods that the real webhook has changed %s',
  async (name, pod) => {
    const { identity, isOnAgent, outcomes } = await compared(pod);
    const onAgent = UNKNOWN.has(name) ? 'unknown' : 'pod-identity';
    expect({ outcomes, is: identity === onAgent }).toEqual({ outcomes, is: isOnAgent });
  },
);
