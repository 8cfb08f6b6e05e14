import { beforeEach, describe, expect, it } from 'vitest';
import type { Sweep, SweepItem } from '../../../lambdas/domain/sweep/model.ts';
import type { SweepRequestInput } from '../../../lambdas/domain/sweep/request.ts';
import type { AddonRequest } from '../../../lambdas/domain/request/request.ts';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { type PaceScope, paceScopeKey } from '../../../lambdas/domain/aws/pace.ts';
import { dispatchSweep } from '../../../lambdas/use-cases/sweep/dispatching.ts';
import { dispatchSweepStep } from '../../../lambdas/steps/dispatch-sweep/handler.ts';
import { type Fakes, invoke, lost, newFakes } from '../fakes.ts';
import { subjectLock } from '../../../lambdas/use-cases/record/lock.ts';
import { at, executionArn, OTHER_EXECUTION, OTHER_MIGRATION_ID, otherHolder, endedAs } from '../run-examples.ts';
import { aMigration, aRequest } from '../fixtures.ts';
import { anItem, aSweep, SWEEP_EXECUTION, SWEEP_ID } from '../domain/sweep-fixtures.ts';
import { anError, containing, expectInOrder, expectExactError } from '../matchers.ts';

let fakes: Fakes;
const put = async (
  request: Partial<SweepRequestInput> = {},
  items: SweepItem[] = [],
  sweep: Partial<Sweep> = {},
): Promise<void> => {
  await fakes.sweeps.create(aSweep(request, { executionArn: SWEEP_EXECUTION, executions: 1, ...sweep }));
  for (const item of items) await fakes.sweeps.enqueue(SWEEP_ID, item);
};
const look = (tick = 0) => invoke(dispatchSweepStep, { sweepId: SWEEP_ID, executionArn: SWEEP_EXECUTION, tick }, fakes);
const record = async (): Promise<Sweep> => (await fakes.sweeps.get(SWEEP_ID))!;
const itemOf = ({ migrationId }: SweepItem): SweepItem => fakes.sweeps.items.get(SWEEP_ID)!.get(migrationId)!;
const started = (): string[] => fakes.executions.migrations.map(({ migrationId }) => migrationId);
const [first, second] = [anItem(1), anItem(2)];
/** As the sweep asks for it. */
const askedFor = ({ account, region, cluster, addon }: SweepItem): AddonRequest =>
  aRequest({ target: { account, region, cluster }, addon });
const later = (seconds: number): void => fakes.clock.advance(seconds * 1000);
const ends = (
  item: SweepItem,
  outcome: 'migrated' | 'rolled-back' | 'needs-human' | 'blocked',
  request: AddonRequest = askedFor(item),
): Promise<void> =>
  fakes.ledger.putMigration(
    aMigration({
      migrationId: item.migrationId,
      request,
      executionArn: executionArn(item.migrationId),
      ...endedAs(outcome, 99),
      ...(outcome === 'migrated' ? {} : { failure: { name: 'AddonFailed', message: 'why' } }),
    }),
  );

const withoutOutcome = (why: string) => ({ state: 'ended', failure: anError('NoOutcome', why) });

beforeEach(() => void (fakes = newFakes()));

describe('a look at a place where calls wait', () => {
  const waiting = (item: SweepItem, calls: number): void => {
    const now = fakes.clock.now();
    const scope: PaceScope = { service: 'eks', account: item.account, region: item.region, cluster: '' };
    // 5 a second.
    fakes.pace.states.set(paceScopeKey(scope), { head: 1000 + calls, atCut: 1000, cutAt: now, rate: 5 });
  };
  it('begins nothing there once ten seconds of calls wait, and goes on when they are over', async () => {
    await put({ limits: { canary: 2 } }, [first, second]);
    waiting(first, 55);
    expect([await look(), started()]).toEqual([{ next: 'wait', waitSeconds: 20 }, []]);
    expect(await record()).toMatchObject({ status: 'running' });
    later(20);
    await look(1);
    expect(started().sort()).toEqual([first.migrationId, second.migrationId].sort());
  });

  it('begins by its own limits where nobody can say', async () => {
    await put({ limits: { canary: 2 } }, [first, second]);
    waiting(first, 1000);
    fakes.pace.down = lost();
    await look();
    expect(started()).toHaveLength(2);
    expect(fakes.telemetry.lines.map(({ message }) => message)).toContain('could not read the shared pace');
  });
});

describe('a look of the dispatcher', () => {
  it('moves what it begins into flight before it starts it, under the id of the item, as the sweep asks', async () => {
    await put(
      {
        reason: 'quarter',
        requestedBy: 'ada',
        limits: { canary: 1 },
        options: { trust: 'repair', maxDisruption: 'outage', verification: 'api' },
      },
      [first, second],
    );
    expect(await look()).toEqual({ next: 'wait', waitSeconds: 20 });
    const [one] = fakes.executions.migrations;
    expect(fakes.executions.migrations).toHaveLength(1);
    const item = [first, second].find(({ migrationId }) => migrationId === one!.migrationId)!;
    expect(one!.request).toMatchObject({
      target: { account: item.account, region: item.region, cluster: item.cluster },
      addon: item.addon,
      trust: 'repair',
      maxDisruption: 'outage',
      verification: 'api',
      dryRun: false,
      requestedBy: 'ada',
      reason: `sweep ${SWEEP_ID}: quarter`,
    });
    expect(itemOf(item)).toMatchObject({ state: 'in-flight', begunAt: at(0), wave: 1 });
    expect(await record()).toMatchObject({
      phase: 'migrations',
      status: 'running',
      wave: { number: 1, size: 1, begun: 1 },
    });
    expectInOrder(fakes, 'sweeps.update', 'sweeps.toFlight', 'executions.startMigration');
  });

  it('asks for dry runs where the sweep plans, whatever the window says', async () => {
    fakes.settings.changeWindow = { schedule: '0 3 * * *', durationMinutes: 60, timeZone: 'UTC', waitAtMostHours: 24 };
    await put({ mode: 'plan' }, [first]);
    await look();
    expect(fakes.executions.migrations).toMatchObject([{ request: { dryRun: true } }]);
  });

  it('notes what has ended, with what failed, and begins the next', async () => {
    await put({}, [first, second]);
    await look();
    const item = itemOf(first).state === 'in-flight' ? first : second;
    await ends(item, 'rolled-back');
    later(20);
    expect(await look(1)).toMatchObject({ next: 'wait' });
    const failure = { name: 'AddonFailed' };
    expect(itemOf(item)).toMatchObject({ state: 'ended', outcome: 'rolled-back', endedAt: at(99), failure });
    expect(await record()).toMatchObject({ failed: [item.migrationId], ended: 1 });
    expect(started()).toHaveLength(2);
  });

  it('is over when nothing is left', async () => {
    await put({}, [first]);
    await look();
    await ends(first, 'migrated');
    expect([await look(1), await record()]).toMatchObject([{ next: 'report' }, { phase: 'report', status: 'running' }]);
  });

  it('stops by failures, waits for what is in flight, and then reports', async () => {
    await put({ limits: { canary: 2, stopAfterFailures: 1 } }, [first, second, anItem(3)]);
    await look();
    const [one, other] = [first, second, anItem(3)].filter((item) => itemOf(item).state === 'in-flight') as [
      SweepItem,
      SweepItem,
    ];
    await ends(one, 'needs-human');
    const { migrationId } = other;
    await fakes.ledger.putMigration(
      aMigration({ migrationId, request: askedFor(other), executionArn: executionArn(migrationId) }),
    );
    expect(await look(1)).toEqual({ next: 'wait', waitSeconds: 20 });
    expect(await record()).toMatchObject({ status: 'stopping', cause: { name: 'SweepStopped' } });
    await ends(other, 'migrated');
    expect(await look(2)).toMatchObject({ next: 'report' });
    expect(started()).toHaveLength(2);
  });

  it('waits until the window opens, at most five minutes, and begins nothing before', async () => {
    const changeWindow = { schedule: '2 9 * * *', durationMinutes: 60, timeZone: 'UTC' };
    await put({ options: { changeWindow } }, [first]);
    expect([await look(), started()]).toEqual([{ next: 'wait', waitSeconds: 120 }, []]);
    later(120);
    expect([await look(1), started()]).toEqual([{ next: 'wait', waitSeconds: 20 }, [first.migrationId]]);
    await fakes.sweeps.update(SWEEP_ID, {});
    fakes = newFakes();
    await put({ options: { changeWindow: { ...changeWindow, schedule: '0 23 * * *' } } }, [first]);
    expect(await look()).toEqual({ next: 'wait', waitSeconds: 300 });
  });

  it('pauses, and goes on', async () => {
    await put({}, [first]);
    await fakes.sweeps.command(SWEEP_ID, { command: 'pause', at: at(0) });
    expect([await look(), (await record()).status]).toEqual([{ next: 'wait', waitSeconds: 60 }, 'paused']);
    await fakes.sweeps.command(SWEEP_ID, { command: 'resume', at: at(1) });
    expect([await look(1), started()]).toEqual([{ next: 'wait', waitSeconds: 20 }, [first.migrationId]]);
  });

  it('leaves the sweep to another execution that has taken it up', async () => {
    await put({}, [first], { executionArn: executionArn('another', 'Sweep') });
    expect([await look(), fakes.journal.mutations()]).toMatchObject([{ next: 'hand-over' }, []]);
  });

  it('hands over before its history is full, once, and begins nothing at that look', async () => {
    await put({}, [first], { executions: 4 });
    const third = { sweepId: SWEEP_ID, executionArn: SWEEP_EXECUTION, tick: 3 };
    for (let time = 0; time < 2; time += 1)
      expect(await dispatchSweep(third, fakes.dependencies, 3)).toMatchObject({ next: 'hand-over' });
    expect(fakes.executions.sweeps).toEqual([{ sweepId: SWEEP_ID, name: `${SWEEP_ID}-5` }]);
    expect(fakes.journal.of('executions.startSweep')[0]).toEqual([SWEEP_ID, `${SWEEP_ID}-5`, SWEEP_EXECUTION]);
    expect(started()).toEqual([]);
  });

  it('says so where there is no such sweep', () =>
    expectExactError(
      look(),
      'NotFound',
      `The ledger has no sweep ${SWEEP_ID}, so that nothing was begun. Start the sweep again.`,
    ));
});

describe('one that could not be started', () => {
  it('does not keep the others waiting, and is started at the next look', async () => {
    await put({ limits: { canary: 2 } }, [first, second]);
    fakes.journal.failNext('executions.startMigration');
    expect(await look()).toMatchObject({ next: 'wait' });
    expect(started()).toHaveLength(1);
    later(20);
    await look(1);
    expect(started().sort()).toEqual([first.migrationId, second.migrationId].sort());
  });

  it('throws what is no refusal of a service, after the others', async () => {
    await put({ limits: { canary: 2 } }, [first, second]);
    fakes.journal.failNext('executions.startMigration', 'before', new TypeError('a defect'));
    await expect(look()).rejects.toThrow('a defect');
    expect(started()).toHaveLength(1);
  });

  it('begins nothing for which too little time is left', async () => {
    await put({}, [first]);
    fakes.invocation.remaining = 14_000;
    expect(await look()).toMatchObject({ next: 'wait' });
    expect([started(), itemOf(first).state]).toEqual([[], 'queued']);
  });

  it('is given up after a while, where the error does not pass', async () => {
    await put({}, [first]);
    const refuse = (error: MigrationError): void => {
      fakes.executions.startMigration = async () => {
        throw error;
      };
    };
    refuse(new MigrationError('AccessDenied', 'not authorized'));
    await look();
    later(800);
    await look(1);
    expect(itemOf(first).state).toBe('in-flight');
    refuse(lost());
    later(800);
    await look(2);
    expect(itemOf(first).state).toBe('in-flight');
    refuse(new MigrationError('AccessDenied', 'not authorized'));
    await look(3);
    expect(itemOf(first)).toMatchObject({
      state: 'ended',
      failure: { name: 'AccessDenied', message: 'The migration could not be started. not authorized' },
    });
    expect((await record()).failed).toEqual([first.migrationId]);
  });

  it('is not started any more once the sweep stops, and does not keep it from its end', async () => {
    await put({}, [first]);
    fakes.journal.failNext('executions.startMigration');
    await look();
    await fakes.sweeps.command(SWEEP_ID, { command: 'stop', at: at(1) });
    expect(await look(1)).toMatchObject({ next: 'wait' });
    later(121);
    expect(await look(2)).toMatchObject({ next: 'report' });
    expect([started(), itemOf(first).state]).toEqual([[], 'in-flight']);
  });
});

describe('one whose add-on another migration works on', () => {
  const holder = otherHolder(at(-60));
  const lockOf = ({ account, region, cluster, addon }: SweepItem) => subjectLock({ account, region, cluster }, addon);
  const hold = async (item: SweepItem): Promise<void> => {
    await fakes.ledger.acquireLock(lockOf(item), holder);
  };
  const refused = {
    state: 'ended',
    outcome: 'blocked',
    heldBy: OTHER_MIGRATION_ID,
    refused: true,
    failure: {
      name: 'SubjectBusy',
      message: `Migration ${OTHER_MIGRATION_ID} has held the lock on add-on aws-ebs-csi-driver of cluster cluster-1 (111122223333, eu-west-1) since ${at(-60)}. Nothing was started. Wait until that migration has ended, then start again; or stop it: pod-identity cancel ${OTHER_MIGRATION_ID} --deployed . To show its progress: pod-identity show ${OTHER_MIGRATION_ID} --deployed`,
    },
  };

  it('ends blocked at once, with the holder, without a start, and the others are begun', async () => {
    await put({ limits: { canary: 2 } }, [first, second]);
    await hold(first);
    await look();
    expect(started()).toEqual([second.migrationId]);
    expect(itemOf(first)).toMatchObject({ ...refused, endedAt: at(0), wave: 1 });
    expect(await record()).toMatchObject({ ended: 1, failed: [], wave: { number: 1, size: 2, begun: 2 } });
    await ends(second, 'migrated');
    expect(await look(1)).toMatchObject({ next: 'report' });
  });

  it('leaves room for the next wave, as each that is blocked', async () => {
    await put({}, [first, second]);
    await hold(first);
    await hold(second);
    await look();
    await look(1);
    expect(await look(2)).toMatchObject({ next: 'report' });
    expect([itemOf(first), itemOf(second)]).toMatchObject([
      { outcome: 'blocked', wave: expect.any(Number) as number },
      { outcome: 'blocked', wave: expect.any(Number) as number },
    ]);
    expect([started(), (await record()).ended]).toEqual([[], 2]);
  });

  it('is planned all the same', async () => {
    await put({ mode: 'plan' }, [first]);
    await hold(first);
    await look();
    expect(started()).toEqual([first.migrationId]);
  });

  it('stays queued where nobody can say whether it is busy', async () => {
    await put({}, [first]);
    fakes.journal.failNext('ledger.readLock');
    await look();
    expect([started(), itemOf(first).state]).toEqual([[], 'queued']);
    await look(1);
    expect(started()).toEqual([first.migrationId]);
  });

  it('is begun where what held it has stopped: its plan waits for Recover', async () => {
    await put({}, [first]);
    await hold(first);
    fakes.executions.states.set(OTHER_EXECUTION, { status: 'ABORTED', stoppedAt: at(-1) });
    await look();
    expect(started()).toEqual([first.migrationId]);
  });

  it.each(['before', 'after'] as const)('comes to the same end where it breaks %s its end is noted', async (when) => {
    await put({}, [first]);
    await hold(first);
    fakes.journal.failNext('sweeps.toEnd', when);
    await look();
    for (let tick = 1; tick < 9; tick += 1) {
      later(20);
      await look(tick);
    }
    expect(itemOf(first)).toMatchObject(refused);
    expect([started(), (await record()).ended]).toEqual([[], 1]);
  });

  it('was not started, and is not any more, where the other one began in between', async () => {
    await put({}, [first]);
    fakes.journal.failNext('executions.startMigration');
    await look();
    await hold(first);
    later(20);
    await look(1);
    // Step Functions may not know yet what was just started.
    expect([started(), itemOf(first).state]).toEqual([[], 'in-flight']);
    later(120);
    await look(2);
    expect([itemOf(first), started()]).toMatchObject([refused, []]);
  });

  it('is waited for where it was started before the other one began', async () => {
    await put({}, [first]);
    await look();
    fakes.executions.states.set(executionArn(first.migrationId), { status: 'RUNNING' });
    await hold(first);
    later(200);
    await look(1);
    expect(itemOf(first).state).toBe('in-flight');
    await ends(first, 'migrated');
    await look(2);
    expect(itemOf(first)).toMatchObject({ state: 'ended', outcome: 'migrated' });
  });

  it('has the holder of its record, where it was started and ended blocked by itself', async () => {
    await put({}, [first]);
    await look();
    await ends(first, 'blocked');
    await fakes.ledger.updateMigration(first.migrationId, { heldBy: OTHER_MIGRATION_ID });
    await look(1);
    expect(itemOf(first)).toMatchObject({ outcome: 'blocked', heldBy: OTHER_MIGRATION_ID });
    expect(itemOf(first)).not.toHaveProperty('refused');
  });
});

describe('one without an outcome', () => {
  const begin = async (): Promise<string> => {
    await put({}, [first]);
    await look();
    return executionArn(first.migrationId);
  };

  it('has failed where its execution ended before it wrote a record', async () => {
    const execution = await begin();
    fakes.executions.states.set(execution, { status: 'FAILED', stoppedAt: at(60) });
    later(150);
    await look(1);
    expect(itemOf(first).state).toBe('in-flight');
    later(60);
    await look(2);
    expect(itemOf(first)).toMatchObject(withoutOutcome('ended FAILED before it had written a record'));
    expect(itemOf(first).outcome).toBeUndefined();
    expect((await record()).failed).toEqual([first.migrationId]);
  });

  it('stays in flight where it could not be looked after, and the log says so', async () => {
    await begin();
    later(100_000);
    fakes.journal.failNext('executions.describeMigration');
    await look(14);
    expect(itemOf(first).state).toBe('in-flight');
    expect(fakes.telemetry.lines).toMatchObject([
      {
        level: 'warn',
        message: containing('could not start or follow a migration of a sweep'),
        fields: { sweepId: SWEEP_ID, migrationId: first.migrationId, error: 'ConnectionLost' },
      },
    ]);
  });

  it('is waited for while its execution runs', async () => {
    const execution = await begin();
    fakes.executions.states.set(execution, { status: 'RUNNING' });
    later(100_000);
    await look(14);
    expect(itemOf(first).state).toBe('in-flight');
  });

  it('is left to Recover for an hour after its execution has stopped, and given up then', async () => {
    const execution = await begin();
    await fakes.ledger.putMigration(
      aMigration({ migrationId: first.migrationId, request: askedFor(first), executionArn: execution }),
    );
    fakes.executions.states.set(execution, { status: 'ABORTED', stoppedAt: at(100) });
    later(3650);
    await look(14);
    expect(itemOf(first).state).toBe('in-flight');
    later(3600);
    await look(15);
    expect(itemOf(first).state).toBe('in-flight');
    await look(29);
    expect(itemOf(first)).toMatchObject(withoutOutcome('ended ABORTED, and no Recover has ended the migration since'));
  });
});

it.each<[string, (asked: AddonRequest) => AddonRequest]>([
  ['another add-on', (asked) => ({ ...asked, addon: 'vpc-cni' })],
  ['another account', (asked) => ({ ...asked, target: { ...asked.target, account: '999988887777' } })],
  ['another region', (asked) => ({ ...asked, target: { ...asked.target, region: 'us-east-2' } })],
  ['another cluster', (asked) => ({ ...asked, target: { ...asked.target, cluster: 'prod' } })],
  ['a dry run', (asked) => ({ ...asked, dryRun: true })],
])('a migration of another one under the id of an item is not taken for what became of it: %s', async (_, change) => {
  await put({}, [first]);
  await look();
  await ends(first, 'migrated', change(askedFor(first)));
  await look(1);
  expect(itemOf(first)).toMatchObject(withoutOutcome('is not the one that the sweep requests'));
  expect(itemOf(first).outcome).toBeUndefined();
});
