/** What two runs of a scenario share, what differs by nature, and how a difference is shown. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareFacts } from '../../conformance/kubernetes/scenarios/compare.ts';
import { counted, normaliser, sortedJson } from '../../conformance/kubernetes/scenarios/normal.ts';
import { Explainer, type Reason } from '../../conformance/reasons.ts';
import { openDifferences, sentenceOf, standingOf, totalsOf } from '../../conformance/kubernetes/scenarios/results.ts';
import { forAll } from '../for-all.ts';

describe('the normal form of a text', () => {
  const normal = normaliser(['ebs-csi-controller', 'ebs-csi', 'outbox', 'a.b']);

  it.each([
    ['pod ebs-csi-controller-7f76b45f4c-k7dqq is ready', 'pod ebs-csi-controller-POD is ready'],
    ['ebs-csi-8mcz2, ebs-csi-7f76b45f4c-k7dqq.', 'ebs-csi-POD, ebs-csi-POD.'],
    [
      'failed: ebs-csi-8mcz2 (CrashLoopBackOff, 2 restarts), ebs-csi-4xkzt (2 restarts), as before',
      'failed: ebs-csi-POD (2 restarts), ebs-csi-POD (CrashLoopBackOff, 2 restarts), as before',
    ],
    ['kube-system/ebs-csi-controller-7f76b45f4c-k7dqq', 'kube-system/ebs-csi-controller-POD'],
    ['association a-hnq7luyc35r7bm93i of x', 'association ASSOCIATION of x'],
    ['at 2026-01-15T09:00:00.140Z, and 2026-01-15T09:00Z', 'at TIME, and TIME'],
    ['uid 12c066d5-1a38-4bd7-be10-e0dfbf833c1b', 'uid UUID'],
    ['About 3 minutes: 12 seconds each', 'About DURATION: DURATION each'],
    ['in 1 hour 5 minutes and 1 second', 'in DURATION'],
    ['Migration 01KF0E44M047C4FEZDQK8YZG0M ended', 'Migration MIGRATION ended'],
  ])('of "%s" is "%s"', (text, expected) => expect(normal(text)).toBe(expected));

  it.each([
    'outbox-0 restarted',
    'Deployment ebs-csi-controller replaces 2 pods',
    'my-ebs-csi-8mcz2',
    'axb-8mcz2',
    'ebs-csi-8mcz2-extra',
    '3 of 3 nodes',
    'version v1.38.1-eksbuild.1',
  ])('keeps "%s"', (text) => expect(normal(text)).toBe(text));

  it('does not change when it is taken again', () =>
    forAll(
      fc.array(fc.constantFrom('outbox-8mcz2', '5 minutes', 'x', '2026-01-15T09:00:00Z', 'a.b-8mcz2')),
      (words) => {
        const once = normal(words.join(' '));
        expect(normal(once)).toBe(once);
      },
    ));

  it('replaces nothing but ids where there are no workloads', () =>
    expect(normaliser([])('x-8mcz2 for 5 minutes')).toBe('x-8mcz2 for DURATION'));
});

it('JSON with sorted keys does not depend on the order of keys, and keeps that of lists', () =>
  expect(sortedJson({ b: [{ d: 1, c: 2 }, 'x'], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},"x"]}'));

it('counted texts are the same in any order', () => {
  forAll(fc.array(fc.constantFrom('a', 'b', 'c')), (texts) => {
    expect(counted(texts.toReversed())).toEqual(counted(texts));
    expect(counted(texts).reduce((sum, line) => sum + Number(line.split(' ')[0]), 0)).toBe(texts.length);
  });
  expect(counted(['b', 'a', 'b'])).toEqual(['1 × a', '2 × b']);
});

const facts = (given: Record<string, string | string[]>) => new Map(Object.entries(given));

describe('the comparison of facts', () => {
  const anyFacts = fc
    .dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string())))
    .map((given) => facts(given));

  it('finds nothing in equal facts', () =>
    forAll(anyFacts, (given) => expect(compareFacts(given, new Map(given))).toEqual([])));

  it('finds exactly the facts that differ', () =>
    forAll(anyFacts, anyFacts, (one, other) => {
      const differs = (what: string): boolean => JSON.stringify(one.get(what)) !== JSON.stringify(other.get(what));
      expect(
        compareFacts(one, other)
          .map(({ what }) => what)
          .sort(),
      ).toEqual([...new Set([...one.keys(), ...other.keys()])].filter(differs).sort());
    }));

  it('shows what is missing on either side', () =>
    expect(compareFacts(facts({ outcome: 'migrated', only: 'x' }), facts({ outcome: 'blocked', more: [] }))).toEqual([
      { what: 'outcome', sandbox: 'migrated', real: 'blocked' },
      { what: 'only', sandbox: 'x', real: 'nothing' },
      { what: 'more', sandbox: 'nothing', real: 'nothing' },
    ]));

  it('shows of long lists only the lines that differ, and all of them if only their order does', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    expect(compareFacts(facts({ steps: lines }), facts({ steps: [...lines.slice(1), 'other'] }))).toEqual([
      { what: 'steps', sandbox: 'line 0', real: 'other' },
    ]);
    const [difference] = compareFacts(facts({ steps: lines }), facts({ steps: lines.toReversed() }));
    expect(difference?.sandbox).toBe(lines.join('; '));
  });
});

const DIFFERENCE = { what: 'check webhook', sandbox: 'pass', real: 'warn' };
const REASON: Reason = {
  where: /^ebs, recreate/,
  what: /^check /,
  values: /pass|warn/,
  reason: 'It has one more webhook.',
};

it('the reasons of differences explain what they are about, and nothing else', () => {
  const explainer = new Explainer([REASON]);
  expect(explainer.unused()).toEqual(['^ebs, recreate, ^check : It has one more webhook.']);
  expect(explainer.explain('fsx, recreate', DIFFERENCE)).toEqual(DIFFERENCE);
  expect(explainer.explain('ebs, in-place', DIFFERENCE)).toEqual(DIFFERENCE);
  expect(explainer.explain('ebs, recreate', { ...DIFFERENCE, what: 'outcome' })).not.toHaveProperty('reason');
  expect(explainer.explain('ebs, recreate', { ...DIFFERENCE, real: 'fail' })).not.toHaveProperty('reason');
  expect(explainer.unused()).toHaveLength(1);
  expect(explainer.explain('ebs, recreate', DIFFERENCE)).toEqual({ ...DIFFERENCE, reason: REASON.reason });
  expect(explainer.unused()).toEqual([]);
});

describe('results', () => {
  const act = (differences: object[]) => ({
    title: 'ebs: recreate',
    outcome: 'migrated',
    worldSeconds: { sandbox: 100, real: 101 },
    facts: 50,
    differences: differences as (typeof DIFFERENCE & { reason?: string })[],
  });
  const accepted = { ...DIFFERENCE, reason: 'It has one more webhook.' };
  const run = (given: object) => ({ run: 'ebs', scenario: 'ebs', seconds: 3, acts: [], ...given });

  it('stand as their differences do', () =>
    expect([[], [accepted], [accepted, DIFFERENCE]].map((differences) => standingOf({ differences }))).toEqual([
      'equal',
      'accepted',
      'different',
    ]));

  it('count differences without a reason, failures, and reasons without a difference', () => {
    const results = {
      kubernetes: 'v1.35.4',
      seconds: 9,
      unusedReasons: ['x'],
      runs: [
        run({ acts: [act([]), act([accepted]), act([accepted, DIFFERENCE])] }),
        run({ failure: 'it stopped' }),
        run({ notHeld: 'it has two clusters' }),
      ],
    };
    expect(openDifferences(results)).toBe(3);
    expect(totalsOf(results)).toEqual({
      runs: 3,
      notHeld: 1,
      failed: 1,
      acts: 3,
      facts: 150,
      equal: 1,
      accepted: 1,
      different: 1,
    });
  });

  it('show a difference as one sentence', () =>
    expect(sentenceOf('ebs-csi-irsa', 'recreate', DIFFERENCE)).toBe(
      'ebs-csi-irsa, recreate: check webhook: sandbox pass, real warn',
    ));
});
