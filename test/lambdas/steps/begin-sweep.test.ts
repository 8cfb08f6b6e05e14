import { beforeEach, describe, expect, it } from 'vitest';
import { mapPrefix, locationsKey } from '../../../lambdas/domain/sweep/keys.ts';
import { sweepRequest, type SweepRequestInput } from '../../../lambdas/domain/sweep/request.ts';
import type { Sweep } from '../../../lambdas/domain/sweep/model.ts';
import { newSweep } from '../../../lambdas/use-cases/sweep/commanding.ts';
import { beginSweepStep } from '../../../lambdas/steps/begin-sweep/handler.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ACCOUNT } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

const SWEEP_ID = '01KF0E44M047C4FEZDQK8YZG0M';
const EXECUTION = 'arn:aws:states:eu-west-1:111122223333:execution:Sweep:01KF0E44M047C4FEZDQK8YZG0M';
const STARTED = '2026-01-15T09:00:00.000Z';
const input = { sweepId: SWEEP_ID, executionArn: EXECUTION };

let fakes: Fakes;
beforeEach(() => {
  fakes = newFakes();
  Object.assign(fakes.settings, {
    account: ACCOUNT,
    accounts: ['444455556666'],
    regions: ['eu-west-1'],
    bucket: 'sweeps-bucket',
  });
});

const put = (request: SweepRequestInput, change: Partial<Sweep> = {}): Promise<Sweep> =>
  fakes.sweeps.create({
    ...newSweep({ sweepId: SWEEP_ID, request: sweepRequest.parse(request), startedAt: STARTED }),
    ...change,
  });
const locations = (): unknown => JSON.parse(fakes.documents.objects.get(locationsKey(SWEEP_ID))?.text ?? 'null');

describe('begin-sweep', () => {
  it('notes the execution and lays out the places', async () => {
    await put({ mode: 'migrate' });
    expect(await invoke(beginSweepStep, input, fakes)).toEqual({
      sweepId: SWEEP_ID,
      mode: 'migrate',
      phase: 'inventory',
      bucket: 'sweeps-bucket',
      locationsKey: locationsKey(SWEEP_ID),
      mapPrefix: mapPrefix(SWEEP_ID),
      locations: 2,
    });
    expect(locations()).toEqual([
      { account: ACCOUNT, region: 'eu-west-1' },
      { account: '444455556666', region: 'eu-west-1' },
    ]);
    expect(await fakes.sweeps.get(SWEEP_ID)).toMatchObject({
      executionArn: EXECUTION,
      executions: 1,
      phase: 'inventory',
      status: 'running',
    });
  });

  it('makes the record of a sweep that was started without one', async () => {
    const request = { mode: 'inventory', selection: { regions: ['us-east-1'] } };
    await invoke(beginSweepStep, { ...input, request }, fakes);
    expect(locations()).toEqual([
      { account: ACCOUNT, region: 'us-east-1' },
      { account: '444455556666', region: 'us-east-1' },
    ]);
    expect(await fakes.sweeps.get(SWEEP_ID)).toMatchObject({
      sweepId: SWEEP_ID,
      executions: 1,
      request: { mode: 'inventory', callsPerSecond: 5 },
    });
    await expectError(
      invoke(beginSweepStep, { ...input, sweepId: '01KF0E44M047C4FEZDQK8YZG0N' }, fakes),
      'BadInput',
      'no request',
    );
  });

  it('goes by the record where there is one', async () => {
    await put({ mode: 'inventory' });
    expect(await invoke(beginSweepStep, { ...input, request: { mode: 'migrate' } }, fakes)).toMatchObject({
      mode: 'inventory',
    });
  });

  it('counts an execution once, and each next one', async () => {
    await put({ mode: 'migrate' });
    for (const executionArn of [EXECUTION, EXECUTION, `${EXECUTION}-1`, `${EXECUTION}-1`])
      await invoke(beginSweepStep, { ...input, executionArn }, fakes);
    expect(await fakes.sweeps.get(SWEEP_ID)).toMatchObject({ executionArn: `${EXECUTION}-1`, executions: 2 });
  });

  it('does not look again where it goes on with the migrations', async () => {
    await put({ mode: 'migrate' }, { phase: 'migrations', executions: 1, executionArn: `${EXECUTION}-0` });
    expect(await invoke(beginSweepStep, input, fakes)).toMatchObject({ phase: 'migrations', locations: 0 });
    expect(locations()).toBeNull();
    expect(await fakes.sweeps.get(SWEEP_ID)).toMatchObject({ executionArn: EXECUTION, executions: 2 });
  });
  it('touches nothing of one that has ended', async () => {
    const before = await put({ mode: 'migrate' }, { status: 'ended', outcome: 'completed', phase: 'report' });
    expect(await invoke(beginSweepStep, input, fakes)).toMatchObject({ phase: 'ended', locations: 0 });
    expect([await fakes.sweeps.get(SWEEP_ID), fakes.documents.objects.size]).toEqual([before, 0]);
  });

  it('refuses an account that the service may not work on, after the execution is noted, so that the sweep is told to have failed', async () => {
    await put({ mode: 'inventory', selection: { accounts: ['999988887777', ACCOUNT] } });
    await expectError(invoke(beginSweepStep, input, fakes), 'BadInput', /999988887777.*setting accounts/);
    expect(locations()).toBeNull();
    expect(await fakes.sweeps.get(SWEEP_ID)).toMatchObject({ executions: 1 });
  });

  it('says which variable is missing where it was not told where to look', async () => {
    for (const name of ['account', 'regions', 'bucket']) {
      const all = { ...fakes.settings };
      Object.assign(fakes.settings, { [name]: undefined });
      await expectError(invoke(beginSweepStep, input, fakes), 'BadInput', /SETTINGS_FILE or BUCKET_NAME is not set/);
      Object.assign(fakes.settings, all);
    }
  });

  describe('names the sweep before it', () => {
    const idOf = (index: number): string => `01KF0E${String(index).padStart(20, '0')}`;
    const inventory: SweepRequestInput = { mode: 'inventory' };
    const before = (index: number, change: Partial<Sweep>, request = inventory): Promise<Sweep> =>
      fakes.sweeps.create({
        ...newSweep({ sweepId: idOf(index), request: sweepRequest.parse(request), startedAt: STARTED }),
        status: 'ended',
        outcome: 'completed',
        ...change,
      });
    const previous = async (): Promise<string | undefined> => {
      await put({ mode: 'migrate', selection: { clusters: ['a', 'b'] } });
      await invoke(beginSweepStep, input, fakes);
      return (await fakes.sweeps.get(SWEEP_ID))?.previous;
    };
    const same: SweepRequestInput = { mode: 'inventory', selection: { clusters: ['b', 'a'] } };

    it('that is the last one that looked at the same, and came to an end', async () => {
      await before(1, {}, same);
      await before(2, { outcome: 'stopped' }, same);
      await before(3, { outcome: 'failed' }, same);
      await before(4, {}, { mode: 'inventory', selection: { clusters: ['a'] } });
      await before(5, { status: 'running', outcome: undefined }, same);
      expect(await previous()).toBe(idOf(2));
    });
    it('over many others', async () => {
      await before(1, {}, same);
      for (let index = 2; index < 150; index += 1) await before(index, {});
      expect(await previous()).toBe(idOf(1));
    });
    it('and never a later one', async () => {
      await fakes.sweeps.create({
        ...newSweep({ sweepId: '01KF0E44M047C4FEZDQK8YZG0N', request: sweepRequest.parse(same), startedAt: STARTED }),
        status: 'ended',
        outcome: 'completed',
      });
      expect(await previous()).toBeUndefined();
    });
  });
});
