import { describe, expect, it } from 'vitest';
import { findStrandedStep } from '../../../lambdas/steps/find-stranded/handler.ts';
import { invoke, lost, newFakes } from '../fakes.ts';
import {
  ADDON_LOCK,
  aMigration,
  at,
  EXECUTION,
  MIGRATION_ID,
  NOW,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  ROLE_LOCK,
} from '../fixtures.ts';
import { begun, type Begun } from './begun.ts';

const EVENT = { source: 'aws.events', 'detail-type': 'Scheduled Event' };
const measured = ({
  telemetry: {
    counts,
    measured: { 'oldest-lock': oldest },
  },
}: Begun): unknown => ({ held: counts['locks-held'], stranded: counts.stranded, oldest });
const find = (fakes: Begun): Promise<unknown> => invoke(findStrandedStep, EVENT, fakes);
const name = (migrationId: string): string => `${migrationId}-${NOW / 1000}`;
const stop = ({ executions }: Begun, arn = EXECUTION): unknown =>
  executions.states.set(arn, { status: 'TIMED_OUT', stoppedAt: at(-10) });

/** A second migration, of another add-on, that holds a lock. */
async function withOther(fakes: Begun): Promise<void> {
  await fakes.ledger.putMigration(aMigration({ migrationId: OTHER_MIGRATION_ID }));
  await fakes.ledger.acquireLock('another', {
    migrationId: OTHER_MIGRATION_ID,
    executionArn: OTHER_EXECUTION,
    since: at(0),
  });
}

describe('find-stranded', () => {
  it('starts nothing while the executions run', async () => {
    expect(await find(await begun())).toEqual({ held: 2, started: [] });
  });

  it('measures at each look how many locks are held and how long the oldest has been, also where none is', async () => {
    const fakes = await begun();
    fakes.clock.advance(90_000);
    await fakes.ledger.acquireLock('younger', {
      migrationId: OTHER_MIGRATION_ID,
      executionArn: OTHER_EXECUTION,
      since: at(60),
    });
    await find(fakes);
    expect(measured(fakes)).toEqual({ held: 3, stranded: 0, oldest: 90 });
    const none = newFakes();
    await invoke(findStrandedStep, EVENT, none);
    expect(none.telemetry.counts).toEqual({ 'locks-held': 0, stranded: 0 });
    expect(none.telemetry.measured).toEqual({ 'oldest-lock': 0 });
  });

  it.each(['', 'yesterday', at(3600)])('measures no age of a lock that is held since %j', async (since) => {
    const fakes = newFakes();
    fakes.ledger.listHeldLocks = async () => [
      { key: 'x', fence: 1, holder: { migrationId: MIGRATION_ID, executionArn: EXECUTION, since } },
      { key: 'garbage', fence: 0 },
    ];
    await invoke(findStrandedStep, EVENT, fakes);
    expect(fakes.telemetry.measured).toEqual({ 'oldest-lock': 0 });
  });

  it('counts one that is stranded, also where its Recover could not be started', async () => {
    const fakes = await begun();
    stop(fakes);
    fakes.executions.startRecovery = () => Promise.reject(lost());
    expect(await find(fakes)).toMatchObject({ started: [] });
    expect(measured(fakes)).toMatchObject({ held: 2, stranded: 1 });
  });

  it('tells of a lock that is not as the service writes it, and looks after the others', async () => {
    const fakes = await begun();
    stop(fakes);
    const list = fakes.ledger.listHeldLocks.bind(fakes.ledger);
    fakes.ledger.listHeldLocks = async () => [{ key: 'garbage', fence: 0 }, ...(await list())];
    expect(await find(fakes)).toEqual({ held: 3, started: [MIGRATION_ID] });
    expect(fakes.telemetry.lines).toEqual([
      { level: 'warn', message: expect.stringContaining('left alone') as string, fields: { key: 'garbage' } },
    ]);
  });

  it('starts Recover once for a migration, whatever it holds', async () => {
    const fakes = await begun();
    stop(fakes);
    expect(await find(fakes)).toEqual({ held: 2, started: [MIGRATION_ID] });
    expect(fakes.executions.recoveries).toEqual([{ migrationId: MIGRATION_ID, name: name(MIGRATION_ID) }]);
  });

  it('takes an execution that Step Functions does not know for one that stopped', async () => {
    const fakes = await begun();
    fakes.executions.states.delete(EXECUTION);
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
  });

  it('looks after locks that an ended migration has left', async () => {
    const fakes = await begun();
    stop(fakes);
    await fakes.ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'migrated', endedAt: at(1) });
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
  });

  it('parks the locks of one that needs a person', async () => {
    const fakes = await begun();
    stop(fakes);
    await fakes.ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'needs-human', endedAt: at(1) });
    expect(await find(fakes)).toEqual({ held: 2, started: [] });
    expect(await find(fakes)).toEqual({ held: 0, started: [] });
    for (const key of [ADDON_LOCK, ROLE_LOCK])
      expect(await fakes.ledger.readLock(key)).toMatchObject({ holder: { executionArn: EXECUTION } });
  });

  it('does not let one keep the others waiting', async () => {
    const fakes = await begun();
    await withOther(fakes);
    stop(fakes);
    stop(fakes, OTHER_EXECUTION);
    fakes.journal.failNext('executions.startRecovery', 'before', lost());
    const answer = (await find(fakes)) as { held: number; started: string[] };
    expect(answer.held).toBe(3);
    expect(fakes.executions.recoveries.map((one) => one.migrationId)).toEqual(answer.started);
    // The lock of the role has it looked at again within the same tick.
    expect(answer.started).toHaveLength(2);
    expect(fakes.telemetry.lines.filter((line) => line.level === 'error')).toHaveLength(1);
  });

  it('says that nobody knows whose a lock is', async () => {
    const fakes = await begun();
    await fakes.ledger.acquireLock('another', { migrationId: OTHER_MIGRATION_ID, executionArn: 'gone', since: at(0) });
    expect(await find(fakes)).toEqual({ held: 3, started: [] });
    expect(fakes.telemetry.lines).toMatchObject([
      { level: 'warn', fields: { key: 'another', migrationId: OTHER_MIGRATION_ID } },
    ]);
  });
});
