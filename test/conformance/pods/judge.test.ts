import { describe, expect, it } from 'vitest';
import { type Called, differencesOf, identityDifferences } from '../../../conformance/pods/judge.ts';
import type { Observation } from '../../../conformance/pods/observe.ts';
import { type Outcome, outcomeOf } from '../../../conformance/pods/outcome.ts';

const seen = (go: Outcome, botocore = go, javascript = go, settled: string[] = []): Observation => ({
  settled,
  outcomes: { go, botocore, javascript },
});

describe('the name of a container', () => {
  it.each<[Called, Observation[]]>([
    ['agent', [seen('agent')]],
    ['irsa', [seen('irsa'), seen('irsa')]],
    ['elsewhere', [seen('none', 'ecs', 'irsa')]],
    ['unknown', [seen('agent', 'none')]],
    ['unknown', [seen('agent'), seen('static-keys')]],
    ['unknown', [seen('none')]],
  ])('%s is right', (called, observations) => expect(differencesOf(called, observations)).toEqual([]));

  it.each<[string, Called, Observation[], string]>([
    ['one SDK does not ask the agent', 'agent', [seen('agent', 'none')], 'container called agent'],
    [
      'one world differs',
      'irsa',
      [seen('irsa'), seen('file', 'file', 'file', ['X: y'])],
      'container called irsa, where X: y',
    ],
    ['one SDK asks the agent', 'elsewhere', [seen('none', 'none', 'agent')], 'container called elsewhere'],
    ['all SDKs ask the agent', 'unknown', [seen('agent'), seen('agent')], 'container called unknown, always agent'],
    ['all assume a role', 'elsewhere', [seen('irsa')], 'container called elsewhere, always irsa'],
  ])('is wrong if %s', (_, called, observations, what) =>
    expect(differencesOf(called, observations).map((one) => one.what)).toEqual([what]),
  );
});

describe('the identity of a pod', () => {
  it.each([
    ['pod-identity', ['agent', 'agent']],
    ['irsa', ['irsa']],
    ['mixed', ['irsa']],
    ['mixed', ['agent', 'irsa']],
    ['unknown', ['agent', undefined]],
    ['node-role', []],
  ] as const)('%s is right for %j', (identity, certain) => expect(identityDifferences(identity, certain)).toEqual([]));

  it.each([
    ['pod-identity', ['agent', undefined]],
    ['unknown', ['agent']],
    ['node-role', ['none' as Called]],
    ['pod-identity', []],
  ] as const)('%s is wrong for %j', (identity, certain) =>
    expect(identityDifferences(identity, certain).length).toBeGreaterThan(0),
  );
});

it.each<[Parameters<typeof outcomeOf>[0], Outcome]>([
  [{ key: 'AKIAAGENT' }, 'agent'],
  [{ key: 'AKIANODE' }, 'node-role'],
  [{ key: 'AKIAFILE' }, 'file'],
  [{ key: 'AKIAOWN' }, 'static-keys'],
  [{ error: 'AKIAAGENT' }, 'none'],
])('the outcome of an answer %j is %s', (reply, outcome) => expect(outcomeOf(reply)).toBe(outcome));
