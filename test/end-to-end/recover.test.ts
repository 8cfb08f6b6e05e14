/**
 * Executions that stop outside any state that could catch it: Recover rolls back, or finishes, what they left.
 * `recover.grid.test.ts` stops one in every state.
 */
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { documentsOf } from '../../lambdas/adapters/dynamo-table.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import { migrateAddon } from '../lib/definition.ts';
import { ADDON } from './fixture.ts';
import { ACCOUNT, expectFound, expectRecovered, recreate, rows, titled, withoutEvent } from './stops.ts';
import { inWorld } from './world.ts';
import { words } from '../words.ts';

/** Each way to stop, each kind of left-over state, and each end; the first case in each of these states. */
const SAMPLE = new Set(
  words`
    RequestApproval Begin UpdateAddon VerifyPods RecordMigrated RepairTrust WaitForDeletion CreateAddon
    AnnotateServiceAccount CreateStandaloneAssociations NextAttempt
  `.map((state) => rows.find((row) => row.state === state)),
);
const sampled = rows.filter((row) => SAMPLE.has(row));

describe('an execution that is aborted', () => {
  it.each(titled(sampled))('$title, and the next migration works', (row) => expectRecovered(row));

  it('every state of the workflow that can last is in that table', () => {
    const { states } = migrateAddon;
    const isLeft = (to: string): boolean => to === 'RollBack' || to === 'RecordBlocked';
    const workflow = migrateAddon.reachableFrom('Plan', ({ onFailure, to }) => !onFailure && !isLeft(to));
    const lasting = [...workflow].filter((name) => states[name]!.Type === 'Task' || states[name]!.Type === 'Wait');
    expect(new Set(rows.map(({ state }) => state).filter((state) => state !== 'NextAttempt'))).toEqual(
      new Set(lasting),
    );
  });
});

describe('an event that never arrives', () => {
  const some = withoutEvent.filter(({ state }) => state === 'WaitForDeletion' || state === 'VerifyPods');
  it.each(titled(some))('$title: the schedule finds what is left', (row) => expectFound(row));
});

describe('a recovery', () => {
  it('that is stopped itself is taken over by the next one', async () => {
    const faults: FaultInput[] = [
      { step: 'create-addon', operation: 'CreateAddon', kind: 'abort-before' },
      { step: 'restore-addon', operation: 'UpdateAddon', kind: 'abort-after' },
    ];
    const { first, before, after, names } = await inWorld({ scenario: 'preserve', faults }, async (world) => {
      const { executions, outputs } = world.backend.sandbox;
      const seen = {
        before: world.readAddon(ADDON, ACCOUNT),
        first: await world.migrate({ addon: ADDON, ...recreate }),
        after: world.readAddon(ADDON, ACCOUNT),
      };
      return {
        ...seen,
        names: executions
          .list(outputs.recoverStateMachineArn)
          .toReversed()
          .map(({ name, status }) => ({ name, status })),
      };
    });
    expect(first).toMatchObject({
      outcome: 'rolled-back',
      recovery: { cause: 'stranded' },
      failure: { name: 'ExecutionStopped' },
    });
    expect([after, names.map(({ status }) => status)]).toEqual([before, ['ABORTED', 'SUCCEEDED']]);
    // The first is started by the event, the second by the schedule, whose names begin with the migration.
    expect(names[1]!.name).toMatch(new RegExp(`^${first.migrationId}-\\d{10}$`));
    expect(first.recovery!.executionArn).toContain(names[1]!.name);
  });

  it('is waited for by a migration of the same add-on that starts before it', async () => {
    const { first, second, refusals } = await inWorld(
      { scenario: 'preserve', knobs: { eventsLost: true } },
      async (world) => {
        const dead = await world.start({ addon: ADDON, ...recreate });
        await world.until(dead, 'WaitForDeletion');
        dead.stop();
        const ended = { second: await world.migrate({ addon: ADDON }), first: await world.report(dead.name) };
        return {
          ...ended,
          refusals: world.backend.sandbox.logs().filter(({ message }) => message === 'plan: RecoveryPending').length,
        };
      },
    );
    expect([first.outcome, second.outcome]).toEqual(['rolled-back', 'migrated']);
    const [plan] = second.steps;
    expect(plan).toMatchObject({ name: 'plan', result: expect.any(String) as unknown });
    expect(plan!.tries).toBeGreaterThan(2);
    expect(refusals).toBe(plan!.tries - 1);
    // It planned on the restored state.
    expect(second.plan!.addon).toMatchObject({
      status: 'ACTIVE',
      serviceAccountRoleArn: expect.any(String) as unknown,
    });
    expect(second.steps[1]!.startedAt > first.endedAt).toBe(true);
  });
});

it('a record that is deleted by hand while the add-on is gone leaves an add-on that is restored', () =>
  inWorld({ scenario: 'preserve' }, async (world) => {
    const { sandbox, ledger } = world.backend;
    const before = world.readAddon(ADDON, ACCOUNT);
    const { name } = await world.start({ addon: ADDON, ...recreate });
    const Key = { pk: `MIGRATION#${name}`, sk: 'RECORD' };
    world.onFirst(
      ({ step, operation }) => step === 'await-deleted' && operation === 'DescribeAddon',
      () =>
        documentsOf(sandbox.clients().dynamodb()).send(
          new DeleteCommand({ TableName: sandbox.outputs.tableName, Key }),
        ),
    );
    await world.later(20 * 60_000);
    expect(world.readAddon(ADDON, ACCOUNT)).toEqual(before);
    expect(await ledger.getMigration(name)).toMatchObject({ outcome: 'rolled-back' });
    expect(await ledger.listHeldLocks()).toEqual([]);
  }));
