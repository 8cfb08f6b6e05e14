import { describe, expect, test } from 'vitest';
import { CALL_FAULTS, FaultError, Faults, type FaultInput } from '../../../sandbox/calls/faults.ts';

const CALLS = [
  { service: 'eks', operation: 'DescribeAddon', step: 'plan', mutating: false },
  { service: 'eks', operation: 'DeleteAddon', step: 'delete-addon', mutating: true },
  { service: 'eks', operation: 'DescribeAddon', step: 'await-deleted', mutating: false },
  { service: 'dynamodb', operation: 'UpdateItem', step: 'await-deleted', mutating: true },
  { service: 'eks', operation: 'DescribeAddon', step: 'await-deleted', mutating: false },
];
const INPUTS = [
  { addonName: 'a', tags: { x: '1' } },
  { addonName: 'a', preserve: false },
  { addonName: 'b' },
  { Key: { pk: 'p' } },
  { addonName: 'a', tags: { x: '1', y: ['2', { z: 3 }] } },
];

/** Returns the fault of each of the calls. */
const play = (faults: Faults): (string | undefined)[] =>
  CALLS.map((call, index) => faults.faultFor(call, () => INPUTS[index]));
const affected = (...list: FaultInput[]): number[] =>
  play(new Faults(list)).flatMap((kind, index) => (kind === undefined ? [] : [index + 1]));

describe('faults', () => {
  test.each<[string, FaultInput, number[]]>([
    ['the n-th of all calls', { call: 3, kind: 'throttled' }, [3]],
    ['the first by default', { kind: 'throttled' }, [1]],
    ['several in a row', { call: 2, times: 2, kind: 'throttled' }, [2, 3]],
    ['all from a number on', { call: 3, times: 'all', kind: 'throttled' }, [3, 4, 5]],
    ['calls to a service', { service: 'dynamodb', times: 'all', kind: 'throttled' }, [4]],
    ['calls of an operation, counted separately', { operation: 'DescribeAddon', call: 2, kind: 'throttled' }, [3]],
    ['calls of a step', { step: 'await-deleted', times: 'all', kind: 'throttled' }, [3, 4, 5]],
    ['calls with an input', { input: { addonName: 'a', tags: { x: '1' } }, times: 'all', kind: 'throttled' }, [1, 5]],
    [
      'calls with an input that has lists',
      { input: { tags: { y: ['2', { z: 3 }] } }, times: 'all', kind: 'throttled' },
      [5],
    ],
    ['none if a list differs', { input: { tags: { y: ['2'] } }, times: 'all', kind: 'throttled' }, []],
    ['none beyond the last call', { call: 6, kind: 'throttled' }, []],
  ])('affect %s', (_, fault, expected) => expect(affected(fault)).toEqual(expected));

  test('can begin at a time of their own, regardless of calls', () => {
    const faults = new Faults([{ service: 'eks', after: 60, seconds: 120, kind: 'throttled' }], { startAt: 1_000_000 });
    const at = (seconds: number): string | undefined =>
      faults.faultFor(CALLS[0]!, () => ({}), 1_000_000 + seconds * 1000);
    expect([59, 60, 179, 180].map(at)).toEqual([undefined, 'throttled', 'throttled', undefined]);
    expect(faults.outages()).toMatchObject([{ at: 1_060_000 }]);
  });

  test('for EKS Auth can only be outages', () => {
    const outage = { service: 'eks-auth', after: 0, seconds: 60, kind: 'server-error' } as const;
    const call = { service: 'eks-auth', operation: 'AssumeRoleForPodIdentity', region: 'eu-west-1', cluster: 'dev' };
    const faults = new Faults([outage]);
    expect([0, 59_999, 60_000].map((now) => faults.outageAt(call, now))).toEqual([
      'server-error',
      'server-error',
      undefined,
    ]);
    expect(faults.outageAt({ ...call, service: 'sts' }, 0)).toBeUndefined();
    for (const other of [{ cluster: 'other' }, { region: 'us-east-1' }, { operation: 'Other' }])
      expect(new Faults([{ ...outage, ...other }]).outageAt(call, 0)).toBeUndefined();
    expect(() => new Faults([{ ...outage, kind: 'crash-before' }])).toThrow(
      'must be set for eks-auth, which supports only outages',
    );
    expect(() => new Faults([{ ...outage, after: undefined }])).toThrow(
      'must be set for eks-auth, which supports only outages',
    );
    expect(() => new Faults([{ after: 5, kind: 'throttled' }])).toThrow('must be set together with after');
  });

  test('can last for a while, from the first affected call', () => {
    const faults = new Faults([{ operation: 'DescribeAddon', call: 2, seconds: 60, kind: 'server-error' }]);
    const at = (now: number, call = 0): string | undefined => faults.faultFor(CALLS[call]!, () => ({}), now);
    expect([at(0), at(5000), at(6000, 1), at(64_999), at(65_000), at(70_000)]).toEqual([
      undefined,
      'server-error',
      undefined,
      'server-error',
      undefined,
      undefined,
    ]);
  });

  test('can affect one region, or the API server of one cluster', () => {
    const faults = new Faults([
      { region: 'eu-west-1', times: 'all', kind: 'throttled' },
      { cluster: 'dev', times: 'all', kind: 'access-denied' },
    ]);
    const of = (location: object): string | undefined => faults.faultFor({ ...CALLS[0]!, ...location }, () => ({}));
    expect([of({ region: 'eu-west-1' }), of({ region: 'us-east-1' })]).toEqual(['throttled', undefined]);
    expect([of({ cluster: 'dev' }), of({ cluster: 'prod' }), of({})]).toEqual(['access-denied', undefined, undefined]);
  });

  test('count every matching call, and the first in the list wins', () => {
    const faults = new Faults([
      { call: 2, kind: 'lost-before' },
      { operation: 'DeleteAddon', kind: 'crash-after' },
      { operation: 'DescribeAddon', call: 2, kind: 'abort-before' },
    ]);
    expect(play(faults)).toEqual([undefined, 'lost-before', 'abort-before', undefined, undefined]);
  });

  test('record the calls that they could affect', () => {
    const faults = new Faults([]);
    play(faults);
    faults.faultFor({ ...CALLS[0]!, executionArn: 'arn:x' }, () => ({}));
    expect(faults.seen.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(faults.seen[1]).toEqual({
      n: 2,
      service: 'eks',
      operation: 'DeleteAddon',
      step: 'delete-addon',
      mutating: true,
    });
    expect(faults.seen[5]).toMatchObject({ executionArn: 'arn:x' });
  });

  test('that are added later count from then on; none is left after clear', () => {
    const faults = new Faults([]);
    play(faults);
    faults.add({ operation: 'DescribeAddon', kind: 'not-found' });
    expect(play(faults)[0]).toBe('not-found');
    faults.add({ times: 'all', kind: 'throttled' });
    faults.clear();
    expect(play(faults)).toEqual(CALLS.map(() => undefined));
    expect(faults.seen).toHaveLength(15);
  });

  test('evaluate an input only if a fault filters by it', () => {
    const faults = new Faults([{ operation: 'DeleteAddon', input: {}, kind: 'throttled' }]);
    const input = (): never => {
      throw new Error('not asked for');
    };
    expect(faults.faultFor(CALLS[0]!, input)).toBeUndefined();
  });

  test('are refused if they are invalid or impossible', () => {
    expect(() => new Faults([{ kind: 'explosion' } as never])).toThrow(/kind/);
    expect(() => new Faults([{ kind: 'throttled', call: 0 }])).toThrow(/call/);
    const faults = new Faults([{ kind: 'throttled' }]);
    faults.restrict(CALL_FAULTS);
    expect(() => faults.add({ kind: 'crash-before' })).toThrow(FaultError);
    expect(() => new Faults([{ kind: 'abort-after' }]).restrict(CALL_FAULTS)).toThrow(
      'The fault abort-after cannot be injected into bundled functions',
    );
  });
});
