/** The cases that are compared on the sandbox and on a real control plane, and their recorded traces. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KUBERNETES_VERSIONS } from '../../../conformance/kubernetes/build/tools.ts';
import { traceOf } from '../../../conformance/kubernetes/cases/case.ts';
import { CASES } from '../../../conformance/kubernetes/cases/cases.ts';
import { compareTraces, judge, unusedOf } from '../../../conformance/kubernetes/cases/compare.ts';
import { mostWanted, plainText, rolloutOf } from '../../../conformance/kubernetes/cases/facts.ts';
import { plantedDefects } from '../../../conformance/kubernetes/cases/planted.ts';
import { caseLines, summaryLines } from '../../../conformance/kubernetes/cases/print.ts';
import { ACCEPTED } from '../../../conformance/kubernetes/cases/reasons.ts';
import { readTraces, sandboxTrace } from '../../../conformance/kubernetes/cases/recorded.ts';
import type { Change, Item, Server } from '../../../conformance/kubernetes/cases/server.ts';
import { defectiveSource } from '../../../conformance/planted.ts';
import { forAll } from '../../for-all.ts';
import { matching } from '../../lambdas/matchers.ts';

const [VERSION] = KUBERNETES_VERSIONS;
const names = CASES.map(({ name }) => name);

describe('each case', () => {
  const recorded = readTraces();

  it('has a trace of a real control plane', () => {
    expect(Object.keys(recorded)).toEqual(names.toSorted());
    expect(Object.values(recorded).filter((trace) => 'failed' in trace)).toEqual([]);
  });

  it.each(CASES)('$name: the sandbox shows what the real control plane showed', async (one) => {
    const sandbox = await sandboxTrace(one, VERSION);
    const of = { name: one.name, shows: one.shows, seconds: 0, version: VERSION };
    const result = judge(of, { sandbox, real: recorded[one.name] ?? {} }, ACCEPTED);
    expect(result.differences.filter(({ reason }) => reason === undefined)).toEqual([]);
    expect(unusedOf([result], ACCEPTED, VERSION)).toEqual([]);
  });

  it('has a name of its own and a sentence that says what it shows', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { name, shows } of CASES) {
      expect([name, shows]).toEqual([matching(/^[a-z]+(-[a-z]+)*$/), matching(/^[A-Z].+\.$/)]);
    }
  });

  it('that has an accepted difference exists', () =>
    expect(ACCEPTED.filter((one) => !names.includes(one.case))).toEqual([]));
});

describe('planted defects', () => {
  const defects = plantedDefects();

  it('include the four that must be found', () =>
    expect(defects.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['rollout-order', 'eviction-ignores-budget', 'managed-fields-forgotten', 'surge-ignored']),
    ));

  it.each(defects)('$name fits the sources, and names cases that must find it', (defect) => {
    expect(defectiveSource(defect)).toContain(defect.after);
    expect(defect.about).not.toBe('');
    expect(defect.cases.length).toBeGreaterThan(0);
    expect(names).toEqual(expect.arrayContaining(defect.cases));
  });
});

describe('the comparison', () => {
  const of = { name: 'a-case', shows: 'Something.', seconds: 1, version: VERSION };
  const accepted = [
    { case: 'a-case', fact: 'order', reason: 'It is drawn.' },
    { case: 'a-case', fact: 'status*', versions: ['1.30'], reason: 'It is older.' },
  ];

  it.each([
    [{ order: [1] }, { order: [1] }, 'equal'],
    [{ order: [1] }, { order: [2] }, 'accepted'],
    [{ order: [1] }, {}, 'accepted'],
    [{ order: [1], status: 1 }, { order: [2], status: 2 }, 'different'],
    [{ 'status at rest': 1 }, { 'status at rest': 2 }, 'different'],
    [{ failed: 'x' }, {}, 'different'],
  ] as const)('of %j and %j is %s', (sandbox, real, verdict) =>
    expect(judge(of, { sandbox, real }, accepted).verdict).toBe(verdict),
  );

  it('reports an accepted difference that no longer occurs, for its versions', () => {
    const result = judge(of, { sandbox: { order: 1 }, real: { order: 1 } }, accepted);
    expect(unusedOf([result], accepted, VERSION)).toEqual([accepted[0]]);
    expect([unusedOf([result], accepted, '1.30'), unusedOf([], accepted, VERSION)]).toEqual([accepted, []]);
  });

  const traces = fc.dictionary(fc.string(), fc.jsonValue());
  it('finds a difference exactly where one is, in either direction', () =>
    forAll(traces, traces, (one, other) => {
      expect(compareTraces(one, structuredClone(one))).toEqual([]);
      const facts = compareTraces(one, other).map(({ fact }) => fact);
      expect(
        compareTraces(other, one)
          .map(({ fact }) => fact)
          .toSorted(),
      ).toEqual(facts.toSorted());
    }));

  it('prints a line for each case, and what to do about a reason that is not needed', () => {
    const result = judge(of, { sandbox: { x: { a: 1, b: 2 } }, real: { x: { a: 1, b: 3 } } }, accepted);
    expect(caseLines(result)).toEqual(['a-case: different, 1 facts, 1.0 s', '  x: b: sandbox 2, real 3']);
    expect(summaryLines({ results: [result], traces: {}, unused: accepted.slice(0, 1), passed: false })).toEqual([
      'a-case: "order" no longer differs. Remove it from conformance/kubernetes/cases/reasons.ts.',
      '1 cases with 1 facts: 0 equal, 0 accepted, 1 different.',
    ]);
  });

  it('keeps a failure of the case as a fact', async () => {
    const failing = { run: () => Promise.reject(new Error('It did not settle.')) };
    expect(await traceOf(failing, {} as Server)).toEqual({ failed: 'It did not settle.' });
  });
});

describe('facts of rollouts', () => {
  const pod = (uid: string, ready: boolean, more: object = {}): Item => ({
    metadata: { name: uid, uid, resourceVersion: '1', ...more },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  const ending = { deletionTimestamp: '2026-01-01T00:00:00Z' };

  it('are read from the changes of pods', () => {
    const changes: Change[] = [
      { type: 'MODIFIED', object: pod('a', true, ending) },
      { type: 'DELETED', object: pod('a', true, ending) },
      { type: 'ADDED', object: pod('c', false) },
      { type: 'ADDED', object: pod('d', false) },
      { type: 'MODIFIED', object: pod('c', true) },
      { type: 'DELETED', object: pod('b', true) },
    ];
    expect(rolloutOf([pod('a', true), pod('b', true)], changes)).toEqual({
      terminated: ['a', 'b'],
      created: ['c', 'd'],
      mostPods: 3,
      leastReady: 1,
    });
  });

  it('count what ReplicaSets want', () => {
    const set = (uid: string, replicas: number): Item => ({ ...pod(uid, true), spec: { replicas } });
    const changes: Change[] = [
      { type: 'ADDED', object: set('new', 2) },
      { type: 'MODIFIED', object: set('old', 1) },
      { type: 'DELETED', object: set('old', 1) },
    ];
    expect(mostWanted([set('old', 3)], changes)).toBe(5);
  });

  it.each([
    ['ReplicaSet "web-5d9c7bfc4b" has successfully progressed.', 'ReplicaSet "web-<id>" has successfully progressed.'],
    ['pods "web-5d9c7bfc4b-x2x4z" not found', 'pods "web-<id>" not found'],
    ['pods "db-17" not found', 'pods "db-17" not found'],
    ['namespaces "some-case" not found', 'namespaces "<namespace>" not found'],
    ['uid 00000000-0000-4000-8000-000000000001', 'uid <uid>'],
  ])('name no generated names: %s', (text, plain) =>
    expect(plainText(text, { namespace: 'some-case' } as Server)).toBe(plain),
  );
});
