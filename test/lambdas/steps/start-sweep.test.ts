import { beforeEach, describe, expect, it } from 'vitest';
import { sweep } from '../../../lambdas/domain/sweep/model.ts';
import { ulidFrom } from '../../../lambdas/domain/text/ulid.ts';
import { startSweepStep } from '../../../lambdas/steps/start-sweep/handler.ts';
import { type Fakes, invoke, lost, newFakes } from '../fakes.ts';
import { expectError } from '../matchers.ts';

const AT = '2026-01-18T22:00:00Z';
const due = { schedule: 'weekly', at: AT, request: { mode: 'plan', selection: { clusters: ['prod-*'] } } };
const SWEEP_ID = ulidFrom(Date.parse(AT), 'weekly');

let fakes: Fakes;
beforeEach(() => void (fakes = newFakes()));

describe('start-sweep', () => {
  it('notes the sweep of that time and starts it', async () => {
    expect(await invoke(startSweepStep, due, fakes)).toEqual({ sweepId: SWEEP_ID });
    expect(sweep.parse(await fakes.sweeps.get(SWEEP_ID))).toMatchObject({
      status: 'running',
      phase: 'inventory',
      schedule: { name: 'weekly', at: '2026-01-18T22:00:00.000Z' },
      request: { mode: 'plan', requestedBy: 'schedule weekly' },
    });
    expect(fakes.executions.sweeps).toEqual([{ sweepId: SWEEP_ID, name: SWEEP_ID }]);
  });

  it('is one sweep, however often it is delivered, and another at another time or of another schedule', async () => {
    for (const input of [due, due, { ...due, at: '2026-01-18T23:00:00.000+01:00' }])
      expect(await invoke(startSweepStep, input, fakes)).toEqual({ sweepId: SWEEP_ID });
    expect(fakes.sweeps.records.size).toBe(1);
    expect(fakes.executions.sweeps).toHaveLength(1);
    await invoke(startSweepStep, { ...due, at: '2026-01-25T22:00:00Z' }, fakes);
    await invoke(startSweepStep, { ...due, schedule: 'nightly' }, fakes);
    expect([fakes.sweeps.records.size, new Set(fakes.executions.sweeps.map(({ name }) => name)).size]).toEqual([3, 3]);
  });

  it.each([
    ['sweeps.create', 'before'],
    ['sweeps.create', 'after'],
    ['executions.startSweep', 'before'],
    ['executions.startSweep', 'after'],
  ] as const)('does what is missing where %s was lost (%s)', async (call, when) => {
    fakes.journal.failNext(call, when);
    await expectError(invoke(startSweepStep, due, fakes), lost().name);
    expect([await invoke(startSweepStep, due, fakes), fakes.sweeps.records.size]).toEqual([{ sweepId: SWEEP_ID }, 1]);
    expect(fakes.executions.sweeps).toEqual([{ sweepId: SWEEP_ID, name: SWEEP_ID }]);
  });

  it('does not start one again that an execution has worked on', async () => {
    await invoke(startSweepStep, due, fakes);
    await fakes.sweeps.update(SWEEP_ID, { executions: 1, executionArn: 'arn', status: 'ended', outcome: 'completed' });
    fakes.executions.sweeps.length = 0;
    await invoke(startSweepStep, due, fakes);
    expect(fakes.executions.sweeps).toEqual([]);
  });
});
