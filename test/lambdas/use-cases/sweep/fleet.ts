/**
 * Whole sweeps without Step Functions: the dispatcher's looks one after the other over migrations that take as long,
 * and end as, each is told, with looks that break off anywhere, and with commands. What must hold is checked at each
 * start.
 */
import { expect } from 'vitest';
import type { MigrationRequest } from '../../../../lambdas/domain/request/request.ts';
import type { Outcome } from '../../../../lambdas/domain/terms/outcome.ts';
import type { Sweep, SweepCommand, SweepItem } from '../../../../lambdas/domain/sweep/model.ts';
import type { SweepLimits } from '../../../../lambdas/domain/sweep/request.ts';
import { countsAsFailed } from '../../../../lambdas/domain/sweep/waves.ts';
import type { Sweeps } from '../../../../lambdas/ports/index.ts';
import { commandSweep, SETTLES_AFTER } from '../../../../lambdas/use-cases/sweep/commanding.ts';
import { dispatchSweep } from '../../../../lambdas/use-cases/sweep/dispatching.ts';
import { reportSweep } from '../../../../lambdas/use-cases/sweep/reporting.ts';
import { subjectLock } from '../../../../lambdas/use-cases/record/lock.ts';
import { aMigration, executionArn, otherHolder } from '../../fixtures.ts';
import { newFakes } from '../../fakes.ts';
import { SWEEP_ID } from '../../domain/sweep-fixtures.ts';

/**
 * `outcome`: undefined for an execution that ends without an outcome, or a record. `busy`: another migration works on
 * the add-on all the time, so that nothing may be started for it.
 */
export interface Fate {
  outcome: Outcome | undefined;
  seconds: number;
  busy?: boolean;
}
export interface Story {
  sweep: Sweep;
  /** The items that wait, and how each will end. */
  items: { item: SweepItem; fate: Fate }[];
  /** By look, of all: at which of its calls it breaks off, before the effect or after it. */
  crashes: ReadonlyMap<number, { call: number; when: 'before' | 'after' }>;
  /** By look. */
  commands: ReadonlyMap<number, SweepCommand['command']>;
  /** Looks that one execution makes. */
  looks: number;
}

/** The ledger's part for sweeps, where each of its calls can break off. */
export interface Breakable {
  sweeps: Sweeps;
  /** The call of that number from now on, counted from 0, breaks off; undefined: none. */
  breakAt: (crash: { call: number; when: 'before' | 'after' } | undefined) => void;
}

const MOST_POLLS = 4000;

/** Of a sweep from its start: how many have to have ended before the one of that number, counted from 0, may begin. */
export function endedBefore(
  start: number,
  { canary, concurrency }: Pick<SweepLimits, 'canary' | 'concurrency'>,
): number {
  let [before, size] = [0, Math.min(canary, concurrency)];
  while (size < concurrency && start >= before + size) {
    before += size;
    size = Math.min(size * 2, concurrency);
  }
  return size < concurrency ? before : Math.max(before, start - concurrency + 1);
}

/**
 * Runs it to its end, or to its last stop, which is resumed as often as a stop comes. Answers how it ended and what was
 * started.
 */
export async function runSweep(
  { sweep, items, crashes, commands, looks }: Story,
  { sweeps, breakAt }: Breakable,
): Promise<{ sweep: Sweep; started: string[]; stops: number; looks: number }> {
  const fakes = newFakes();
  const { clock, executions, ledger } = fakes;
  fakes.settings.bucket = 'bucket';
  const { limits } = sweep.request;
  const fates = new Map(items.map(({ item, fate }) => [item.migrationId, { item, fate }]));
  await sweeps.create(sweep);
  for (const { item, fate } of items) {
    await sweeps.enqueue(SWEEP_ID, item);
    if (fate.busy) await ledger.acquireLock(subjectLock(item, item.addon), otherHolder(sweep.startedAt));
  }

  const began = new Map<string, number>();
  const asked = new Map<string, MigrationRequest>();
  /** Those that have ended, and when. */
  const ended = new Map<string, number>();
  const failuresSince = new Set<string>();
  let resumed = false;
  let pollBeganAt = 0;
  const running = (): SweepItem[] => [...began.keys()].filter((id) => !ended.has(id)).map((id) => fates.get(id)!.item);
  /** What ends without a record is known to have ended after two minutes. */
  const knownAt = (id: string): number => ended.get(id)! + (fates.get(id)!.fate.outcome ? 0 : 120_000);
  /** Those for which nothing was started count for the waves like those that have ended. */
  const refusals = async (): Promise<number> => {
    let count = 0;
    await sweeps.eachItem(SWEEP_ID, (page) => (count += page.filter(({ refused }) => refused).length));
    return count;
  };
  const check = (id: string, record: Sweep, refused: number): void => {
    const { item, fate } = fates.get(id)!;
    expect(fate.busy ?? false, 'busy when it begins').toBe(false);
    const inFlight = running();
    const so = (found: number, most: number, what: string): void =>
      expect(found, `${what} when ${item.cluster} begins`).toBeLessThanOrEqual(most);
    so(inFlight.filter(({ cluster }) => cluster === item.cluster).length, 0, 'in the cluster');
    so(inFlight.filter(({ roles }) => roles.some((role) => item.roles.includes(role))).length, 0, 'with the role');
    so(inFlight.filter(({ account }) => account === item.account).length + 1, limits.perAccount, 'in the account');
    so(
      inFlight.filter(({ account, region }) => account === item.account && region === item.region).length + 1,
      limits.perRegion,
      'in the region',
    );
    so(inFlight.length + 1, record.wave?.size ?? 0, 'in the wave');
    so(
      [...failuresSince].filter((failed) => knownAt(failed) <= pollBeganAt).length,
      limits.stopAfterFailures - 1,
      'failures',
    );
    expect(record.status, 'when one begins').toBe('running');
    if (!resumed)
      expect(ended.size + refused, `ended when number ${began.size + refused} begins`).toBeGreaterThanOrEqual(
        endedBefore(began.size + refused, limits),
      );
  };
  const start = executions.startMigration.bind(executions);
  executions.startMigration = async (id, request) => {
    if (!began.has(id)) {
      check(id, (await sweeps.get(SWEEP_ID))!, await refusals());
      began.set(id, clock.now());
      asked.set(id, request);
      executions.states.set(executionArn(id), { status: 'RUNNING' });
    }
    await start(id, request);
  };
  const pass = async (seconds: number): Promise<void> => {
    clock.advance(seconds * 1000);
    for (const [id, at] of began) {
      const { fate } = fates.get(id)!;
      if (ended.has(id) || clock.now() - at < fate.seconds * 1000) continue;
      ended.set(id, clock.now());
      if (countsAsFailed(fate.outcome)) failuresSince.add(id);
      const endedAt = new Date(clock.now()).toISOString();
      executions.states.set(executionArn(id), { status: 'FAILED', stoppedAt: endedAt });
      if (fate.outcome)
        await ledger.putMigration(
          aMigration({
            migrationId: id,
            request: asked.get(id)!,
            executionArn: executionArn(id),
            status: 'ended',
            outcome: fate.outcome,
            endedAt,
          }),
        );
    }
  };

  const dependencies = { ...fakes.dependencies, sweeps };
  let [execution, tick, look, stops] = ['', 0, 0, 0];
  /** As begin-sweep notes it. */
  const takeUp = async (): Promise<void> => {
    const { executions: count } = (await sweeps.get(SWEEP_ID))!;
    if (execution)
      executions.states.set(execution, { status: 'SUCCEEDED', stoppedAt: new Date(clock.now()).toISOString() });
    execution = executionArn(`${SWEEP_ID}-${count + 1}`, 'Sweep');
    executions.states.set(execution, { status: 'RUNNING' });
    await sweeps.update(SWEEP_ID, { executionArn: execution, executions: count + 1 });
    tick = 0;
  };
  await takeUp();
  for (; look < MOST_POLLS; look += 1) {
    const command = commands.get(look);
    // What makes no sense at that time is refused.
    if (command) await commandSweep(SWEEP_ID, command, { by: 'an-operator' }, dependencies).catch(() => undefined);
    pollBeganAt = clock.now();
    const crash = crashes.get(look);
    breakAt(crash);
    const answer = await dispatchSweep({ sweepId: SWEEP_ID, executionArn: execution, tick }, dependencies, looks).catch(
      (error: unknown) => {
        if (!crash) throw error;
        return undefined;
      },
    );
    breakAt(undefined);
    if (answer?.next === 'hand-over') await takeUp();
    if (answer?.next === 'report') {
      await reportSweep({ sweepId: SWEEP_ID, executionArn: execution }, dependencies);
      const over = (await sweeps.get(SWEEP_ID))!;
      expect(running(), 'in flight at the end').toEqual([]);
      if (over.outcome !== 'stopped') break;
      stops += 1;
      clock.advance(SETTLES_AFTER);
      failuresSince.clear();
      resumed = true;
      await commandSweep(SWEEP_ID, 'resume', {}, dependencies);
      await takeUp();
    }
    if (answer?.next === 'wait') tick += 1;
    // A look that broke off is tried again after a moment.
    await pass(answer?.waitSeconds ?? 3);
    // Nobody pauses for ever.
    if (look % 50 === 49) await commandSweep(SWEEP_ID, 'resume', {}, dependencies).catch(() => undefined);
  }
  return { sweep: (await sweeps.get(SWEEP_ID))!, started: [...began.keys()], stops, looks: look };
}
