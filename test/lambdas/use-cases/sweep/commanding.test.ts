import { beforeEach, describe, expect, it } from 'vitest';
import { judgeCommand } from '../../../../lambdas/domain/sweep/commands.ts';
import type { Sweep } from '../../../../lambdas/domain/sweep/model.ts';
import { sweepRequest } from '../../../../lambdas/domain/sweep/request.ts';
import { commandSweep, showSweep, startSweep } from '../../../../lambdas/use-cases/sweep/commanding.ts';
import { anItem, aSweep, SWEEP_EXECUTION, SWEEP_ID } from '../../domain/sweep-fixtures.ts';
import { type Fakes, lost, newFakes } from '../../fakes.ts';
import { at, NOW } from '../../fixtures.ts';
import { expectError, expectExactError } from '../../matchers.ts';
import { endedAs } from '../../run-examples.ts';

let fakes: Fakes;
beforeEach(() => void (fakes = newFakes()));
const request = sweepRequest.parse({ mode: 'migrate' });
const put = (sweep: Partial<Sweep> = {}): Promise<Sweep> =>
  fakes.sweeps.create(aSweep({}, { executionArn: SWEEP_EXECUTION, executions: 1, phase: 'migrations', ...sweep }));
const record = async (): Promise<Sweep> => (await fakes.sweeps.get(SWEEP_ID))!;
const runs = (): unknown => fakes.executions.states.set(SWEEP_EXECUTION, { status: 'RUNNING' });
const stopped = (seconds: number): unknown =>
  fakes.executions.states.set(SWEEP_EXECUTION, { status: 'ABORTED', stoppedAt: at(seconds) });
const tell = async (command: 'pause' | 'resume' | 'stop', who = {}): Promise<Sweep> =>
  (await commandSweep(SWEEP_ID, command, who, fakes.dependencies)).sweep;

describe('a sweep that is started', () => {
  it('has a record before its execution, under its id, with who asked', async () => {
    const sweep = await startSweep(request, 'ada', fakes.dependencies);
    expect(sweep).toEqual({
      sweepId: sweep.sweepId,
      request: { ...request, requestedBy: 'ada' },
      startedAt: at(0),
      status: 'running',
      phase: 'inventory',
      executions: 0,
      failed: [],
      ended: 0,
    });
    expect(await fakes.sweeps.get(sweep.sweepId)).toEqual(sweep);
    expect(fakes.executions.sweeps).toEqual([{ sweepId: sweep.sweepId, name: sweep.sweepId }]);
    expect(fakes.journal.names()).toEqual(['sweeps.create', 'executions.startSweep']);
  });

  it('is one, however often the same is said', async () => {
    const schedule = { name: 'weekly', at: at(0) };
    const again = () => startSweep(request, undefined, fakes.dependencies, { sweepId: SWEEP_ID, schedule });
    fakes.journal.failNext('executions.startSweep');
    await expect(again()).rejects.toThrow(lost().message);
    expect(await again()).toMatchObject({ sweepId: SWEEP_ID, schedule });
    expect(fakes.executions.sweeps).toHaveLength(1);
    await fakes.sweeps.update(SWEEP_ID, { executions: 1 });
    fakes.journal.clear();
    await again();
    expect(fakes.journal.names()).toEqual(['sweeps.create']);
  });

  it('is shown with what has become of its add-ons', async () => {
    await put();
    await fakes.sweeps.enqueue(SWEEP_ID, anItem(1));
    expect(await showSweep(SWEEP_ID, fakes.dependencies)).toMatchObject({
      sweep: { sweepId: SWEEP_ID },
      tally: { queued: 1, inFlight: 0, ended: {} },
    });
    expect(await showSweep('01JD8Z5Q6R7S8T9V0W1X2Y0000', fakes.dependencies)).toBeUndefined();
  });
});

describe('a command', () => {
  it('is noted with who says it, and why, and starts nothing while an execution heeds it', async () => {
    await put();
    runs();
    expect(await tell('pause', { by: 'ada', reason: 'lunch' })).toMatchObject({
      command: { command: 'pause', at: at(0), by: 'ada', reason: 'lunch' },
    });
    expect(await tell('resume')).toMatchObject({ command: { command: 'resume' } });
    expect([await tell('stop'), fakes.executions.sweeps]).toMatchObject([{ command: { command: 'stop' } }, []]);
  });

  it('to resume a sweep that has stopped sets it running, forgets what it failed by, and begins small again', async () => {
    await put({
      ...endedAs('stopped', 9),
      cause: { name: 'SweepStopped', message: 'x' },
      failed: ['a', 'b'],
      ended: 7,
      phase: 'report',
      wave: { number: 3, size: 8, begun: 8, endedBefore: 3 },
    });
    expect(await tell('resume')).toEqual({
      ...aSweep(),
      executionArn: SWEEP_EXECUTION,
      executions: 1,
      phase: 'migrations',
      wave: { number: 4, size: 1, begun: 0 },
      command: { command: 'resume', at: at(0), by: undefined, reason: undefined },
    });
    expect(fakes.executions.sweeps).toEqual([{ sweepId: SWEEP_ID, name: `${SWEEP_ID}-${NOW}` }]);
  });

  it('to resume one that has failed goes on where it failed', async () => {
    await put({ ...endedAs('failed', 9), phase: 'inventory' });
    expect(await tell('resume')).toMatchObject({ status: 'running', phase: 'inventory' });
  });

  it.each(['resume', 'stop'] as const)('to %s one whose execution was stopped starts another one', async (command) => {
    await put({ status: 'running' });
    stopped(-120);
    expect((await tell(command)).status).toBe('running');
    expect(fakes.executions.sweeps).toEqual([{ sweepId: SWEEP_ID, name: `${SWEEP_ID}-${NOW}` }]);
  });

  it('to resume one waits until the last Lambda of an execution that was stopped is over', async () => {
    await put({ status: 'running' });
    stopped(-119);
    await expectError(tell('resume'), 'BadInput', 'was just stopped');
    expect((await record()).command).toBeUndefined();
  });

  it('to resume one that was never started starts it under its own name', async () => {
    await fakes.sweeps.create(aSweep());
    await tell('resume');
    expect(fakes.executions.sweeps).toEqual([{ sweepId: SWEEP_ID, name: SWEEP_ID }]);
  });

  it('can be said again after it broke off', async () => {
    await put({ ...endedAs('stopped', 9), phase: 'report' });
    fakes.journal.failNext('executions.startSweep');
    await expect(tell('resume')).rejects.toThrow(lost().message);
    await tell('resume');
    expect(fakes.executions.sweeps).toHaveLength(1);
    expect((await record()).status).toBe('running');
  });

  it('that makes no sense is refused, says why, and is not noted', async () => {
    await put();
    runs();
    await expectExactError(
      tell('resume'),
      'BadInput',
      `Sweep ${SWEEP_ID} does not accept the command resume: it is running already.`,
    );
    expect((await record()).command).toBeUndefined();
    await expectError(commandSweep('01JD8Z5Q6R7S8T9V0W1X2Y0000', 'stop', {}, fakes.dependencies), 'NotFound');
  });
});

describe('what may be asked', () => {
  const judged = (sweep: Partial<Sweep>, execution: 'running' | 'settling' | 'over' = 'running'): string[] =>
    (['pause', 'resume', 'stop'] as const).map((asked) => {
      const verdict = judgeCommand(aSweep({}, { phase: 'migrations', ...sweep }), asked, execution);
      if (verdict.refused !== undefined) return 'refused';
      return verdict.restart ? (verdict.reset ? 'reset' : 'restart') : 'noted';
    });
  it.each([
    ['running', {}, 'running', ['noted', 'refused', 'noted']],
    ['told to pause', { command: { command: 'pause', at: at(0) } }, 'running', ['noted', 'noted', 'noted']],
    ['paused', { status: 'paused' }, 'running', ['noted', 'noted', 'noted']],
    ['in its inventory', { phase: 'inventory' }, 'running', ['noted', 'refused', 'noted']],
    ['stopping', { status: 'stopping' }, 'running', ['refused', 'refused', 'refused']],
    ['writing its report', { phase: 'report' }, 'running', ['refused', 'refused', 'refused']],
    ['running, its execution stopped', {}, 'over', ['noted', 'restart', 'restart']],
    ['stopping, its execution stopped', { status: 'stopping' }, 'over', ['refused', 'reset', 'refused']],
    ['writing its report, its execution stopped', { phase: 'report' }, 'over', ['refused', 'restart', 'refused']],
    ['running, its execution stopped just now', {}, 'settling', ['noted', 'refused', 'noted']],
    ['completed', { status: 'ended', outcome: 'completed' }, 'over', ['refused', 'refused', 'refused']],
    ['incomplete', { status: 'ended', outcome: 'incomplete' }, 'over', ['refused', 'refused', 'refused']],
    ['stopped', { status: 'ended', outcome: 'stopped' }, 'over', ['refused', 'reset', 'refused']],
    ['failed', { status: 'ended', outcome: 'failed' }, 'over', ['refused', 'reset', 'refused']],
  ] as const)('of one that is %s', (_, sweep, execution, expected) =>
    expect(judged(sweep, execution)).toEqual(expected),
  );
  it('of an inventory is nothing but to resume it', () => {
    const inventory = aSweep({ mode: 'inventory' });
    expect(judgeCommand(inventory, 'pause', 'running')).toEqual({
      refused: 'it is an inventory, which starts no migrations: there is nothing to pause',
    });
    expect(judgeCommand(inventory, 'resume', 'over')).toEqual({ restart: true, reset: false });
  });
});
