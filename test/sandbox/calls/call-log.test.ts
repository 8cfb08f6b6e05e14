import { describe, expect, it } from 'vitest';
import { CallLog, type Call } from '../../../sandbox/calls/call-log.ts';
import { Faults } from '../../../sandbox/calls/faults.ts';

const call = (change: Partial<Call> = {}): Omit<Call, 'n'> => ({
  at: '2026-01-15T09:00:00.000Z',
  service: 'eks',
  operation: 'DescribeAddon',
  mutating: false,
  caller: 'c',
  account: '1',
  region: 'r',
  input: {},
  status: 200,
  ...change,
});

describe('the call log', () => {
  it('keeps only the latest calls if configured, and counts every call', () => {
    const log = new CallLog({ keep: 10 });
    const seen: number[] = [];
    log.onCall(({ n }) => seen.push(n));
    for (let index = 0; index < 1000; index += 1) log.add(call());
    expect(log.calls.length).toBeLessThanOrEqual(20);
    expect(log.calls.slice(-10).map(({ n }) => n)).toEqual([991, 992, 993, 994, 995, 996, 997, 998, 999, 1000]);
    expect([seen.length, log.counts()]).toEqual([
      1000,
      [{ service: 'eks', operation: 'DescribeAddon', account: '1', region: 'r', calls: 1000, errors: {} }],
    ]);
  });

  it('keeps all calls by default', () => {
    const log = new CallLog();
    for (let index = 0; index < 1000; index += 1) log.add(call());
    expect(log.calls).toHaveLength(1000);
  });

  it('counts by service, operation, account and region, with the errors by name', () => {
    const log = new CallLog();
    for (const change of [
      {},
      { error: 'ThrottlingException', status: 429 },
      { error: 'ThrottlingException', status: 429 },
      { account: '2' },
      { region: 's' },
      { operation: 'ListAddons' },
    ])
      log.add(call(change));
    expect(
      log.counts().map(({ operation, account, region, calls, errors }) => [operation, account, region, calls, errors]),
    ).toEqual([
      ['DescribeAddon', '1', 'r', 3, { ThrottlingException: 2 }],
      ['DescribeAddon', '2', 'r', 1, {}],
      ['DescribeAddon', '1', 's', 1, {}],
      ['ListAddons', '1', 'r', 1, {}],
    ]);
  });
});

it('has the same limit in faults, whose counts are unaffected', () => {
  const faults = new Faults([{ call: 500, kind: 'throttled' }], { keep: 10 });
  const affected = Array.from({ length: 1000 }, () =>
    faults.faultFor({ service: 'eks', operation: 'DescribeAddon', step: 'plan', mutating: false }, () => ({})),
  );
  expect(affected.flatMap((kind, index) => (kind === undefined ? [] : [index + 1]))).toEqual([500]);
  expect([faults.seen.length <= 20, faults.seen.at(-1)?.n]).toEqual([true, 1000]);
});
