/**
 * Whole sweeps by the state machine Sweep, in virtual time: waves that fail, a stop, what continues after it, and an
 * execution that is stopped.
 */
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { executionsOf, openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import type { Sweep, SweepTally } from '../../lambdas/domain/sweep/model.ts';
import { sweepRequest, type SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import { commandSweep, showSweep, startSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import { fleetOf } from './inventory-world.ts';

const MINUTE = 60_000;
const clusters = (count: number): Record<string, () => void> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`cluster-${index}`, () => undefined]));

class World {
  readonly backend: SandboxBackend;
  constructor(backend: SandboxBackend) {
    this.backend = backend;
  }
  private get parts() {
    const { sweeping, clock, ids } = this.backend;
    return { sweeps: sweeping!.sweeps, executions: executionsOf(this.backend), clock, ids };
  }
  start = (request: SweepRequestInput): Promise<Sweep> => startSweep(sweepRequest.parse(request), 'ada', this.parts);
  send = async (sweepId: string, command: 'pause' | 'resume' | 'stop'): Promise<Sweep> =>
    (await commandSweep(sweepId, command, { by: 'ada' }, this.parts)).sweep;
  show = async (sweepId: string): Promise<{ sweep: Sweep; tally: SweepTally }> =>
    (await showSweep(sweepId, this.parts))!;
  /** Checks each half minute, for at most this many hours. */
  async until(
    sweepId: string,
    isSo: (shown: { sweep: Sweep; tally: SweepTally }) => boolean,
    hours = 12,
  ): Promise<{ sweep: Sweep; tally: SweepTally }> {
    for (let poll = 0; poll < hours * 120; poll += 1) {
      const shown = await this.show(sweepId);
      if (isSo(shown)) return shown;
      await this.backend.clock.sleep(MINUTE / 2);
    }
    throw new Error(`Sweep ${sweepId} never came so far: ${JSON.stringify(await this.show(sweepId))}`);
  }
  readonly over = (sweepId: string) => this.until(sweepId, ({ sweep: { status } }) => status === 'ended');
  /** Returns how many executions of MigrateAddon there were, and the most that ran at the same time. */
  migrations(): { all: number; atOnce: number } {
    const { sandbox, stateMachineArn } = this.backend;
    const runs = sandbox.executions
      .list(stateMachineArn)
      .map(({ startedAt, stoppedAt }) => ({ from: startedAt, to: stoppedAt ?? Infinity }));
    return {
      all: runs.length,
      atOnce: Math.max(
        0,
        ...runs.map(({ from }) => runs.filter((other) => other.from <= from && from < other.to).length),
      ),
    };
  }
  sweepExecutions = (): { status: string; error?: string | undefined; arn: string }[] =>
    this.backend.sandbox.executions.list(this.backend.sandbox.outputs.sweepStateMachineArn!);
}

async function inWorld(count: number, run: (world: World) => Promise<void>): Promise<void> {
  const backend = await openSandboxBackend(fleetOf(clusters(count)), {});
  try {
    await backend.clock.spawn(() => run(new World(backend)));
  } finally {
    await backend.close();
  }
}

const LIMITS = { canary: 1, concurrency: 4, perAccount: 4, perRegion: 4 };

describe('a sweep by its state machine', () => {
  it('stops when migrations fail, continues when it is resumed, and leaves nothing to do for the next one', () =>
    inWorld(10, async (world) => {
      const { faults, log } = world.backend.sandbox.world;
      faults.add({ kind: 'access-denied', step: 'update-addon', operation: 'UpdateAddon', times: 'all' });
      const { sweepId } = await world.start({ mode: 'migrate', limits: LIMITS });
      const stopped = await world.over(sweepId);
      expect(stopped).toMatchObject({
        sweep: { outcome: 'stopped', cause: { name: 'SweepStopped' } },
        tally: { inFlight: 0, ended: { 'rolled-back': 3 } },
      });
      expect(world.migrations()).toEqual({ all: 3, atOnce: 2 });
      const waiting = stopped.tally.queued;
      expect(waiting).toBeGreaterThan(5);
      expect(world.sweepExecutions()).toMatchObject([{ status: 'FAILED', error: 'SweepStopped' }]);

      faults.clear();
      await world.send(sweepId, 'resume');
      expect(await world.over(sweepId)).toMatchObject({
        sweep: { outcome: 'completed', executions: 2 },
        tally: { queued: 0, inFlight: 0, ended: { 'rolled-back': 3, migrated: waiting } },
      });
      const after = world.migrations();
      expect(after.all).toBe(3 + waiting);
      expect(after.atOnce).toBeLessThanOrEqual(LIMITS.concurrency);

      const second = await world.start({ mode: 'migrate', limits: LIMITS });
      expect(await world.over(second.sweepId)).toMatchObject({
        sweep: { outcome: 'completed', previous: sweepId },
        tally: { ended: { migrated: 3 } },
      });
      const changes = log.mutations().length;
      const third = await world.start({ mode: 'migrate', limits: LIMITS });
      expect(await world.over(third.sweepId)).toMatchObject({
        sweep: { outcome: 'completed' },
        tally: { queued: 0, inFlight: 0, ended: {} },
      });
      expect(log.mutations()).toHaveLength(changes);
      expect([world.backend.sandbox.authorizer.denials, world.backend.sandbox.failures]).toEqual([[], []]);
    }));

  it('loses nothing when its execution is stopped', () =>
    inWorld(4, async (world) => {
      const { sweepId } = await world.start({ mode: 'migrate', limits: LIMITS });
      const { sweep } = await world.until(sweepId, ({ tally }) => tally.inFlight > 0);
      await world.backend.stepFunctions.send(new StopExecutionCommand({ executionArn: sweep.executionArn! }));
      await expect(world.send(sweepId, 'resume')).rejects.toThrow('was just stopped');
      await world.backend.clock.sleep(30 * MINUTE);
      expect(await world.show(sweepId)).toMatchObject({ sweep: { status: 'running' }, tally: { inFlight: 1 } });
      await world.send(sweepId, 'resume');
      expect(await world.over(sweepId)).toMatchObject({
        sweep: { outcome: 'completed', executions: 2 },
        tally: { ended: { migrated: 4 } },
      });
      expect(world.migrations().all).toBe(4);
    }));
});
