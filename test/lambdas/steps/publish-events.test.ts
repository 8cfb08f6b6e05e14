import { describe, expect, test } from 'vitest';
import type { OutboxEvent } from '../../../lambdas/domain/events/outbox-events.ts';
import { publishEventsStep } from '../../../lambdas/steps/publish-events/handler.ts';
import { faultCases, MOMENTS } from '../../faults/contract.ts';
import { type Fakes, invoke, lost, newFakes } from '../fakes.ts';
import { aMigration, aRequest, aSnapshot, at, MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { endedAs } from '../run-examples.ts';

const it = test.extend('fakes', () => newFakes());
const approval = (round: number, requestedAt = at(0)) => ({
  round,
  planHash: 'a'.repeat(64),
  state: 'pending' as const,
  requestedAt,
  expiresAt: at(3600),
});
const ids = ({ events }: Fakes): string[] => events.put.map(({ eventId }) => eventId);
const publish = (fakes: Fakes, input: object = {}): Promise<unknown> => invoke(publishEventsStep, input, fakes);

/** With a record, and these to be told of it. */
async function withOutboxEvents(fakes: Fakes, told: OutboxEvent[], migrationId = MIGRATION_ID): Promise<void> {
  await fakes.ledger.putMigration(aMigration({ migrationId, request: aRequest() }));
  await fakes.ledger.updateMigration(migrationId, endedAs('migrated', 60));
  for (const one of told) await fakes.ledger.addOutboxEvent(migrationId, one);
}

describe('publish-events', () => {
  it('puts what is unsent, in the order in which it happened, and notes it', async ({ fakes }) => {
    await withOutboxEvents(fakes, [
      'migrated',
      'started',
      'approval-needed.10',
      'approval-needed.2',
      'approval-needed',
    ]);
    for (const round of [1, 2, 10])
      await fakes.ledger.putApproval(MIGRATION_ID, approval(round), { taskToken: 'token', at: 0 });
    expect(await publish(fakes)).toEqual({ sent: 5 });
    expect(ids(fakes)).toEqual(
      ['approval-needed', 'approval-needed.2', 'approval-needed.10', 'started', 'migrated'].map(
        (told) => `${MIGRATION_ID}#${told}`,
      ),
    );
    expect([await fakes.ledger.listUnsent(), await publish(fakes)]).toEqual([[], { sent: 0 }]);
  });

  it.each([[MIGRATION_ID], [`${MIGRATION_ID}-1767603600`]])('reads the migration of %s alone', async (name) => {
    const fakes = newFakes();
    await withOutboxEvents(fakes, ['migrated']);
    await withOutboxEvents(fakes, ['migrated'], OTHER_MIGRATION_ID);
    expect([await publish(fakes, { name }), ids(fakes)]).toEqual([{ sent: 1 }, [`${MIGRATION_ID}#migrated`]]);
    expect(fakes.telemetry.counts).toEqual({});
  });

  it('reads all events if the execution was started by hand under another name', async ({ fakes }) => {
    await withOutboxEvents(fakes, ['migrated']);
    expect(await publish(fakes, { name: 'by-hand' })).toEqual({ sent: 1 });
  });

  it('says of a start when it was: not when it was asked for, which may be days before', async ({ fakes }) => {
    await withOutboxEvents(fakes, ['started']);
    await fakes.ledger.putSnapshot(MIGRATION_ID, aSnapshot({ takenAt: at(7200) }));
    await publish(fakes);
    expect(fakes.events.put).toMatchObject([{ type: 'started', at: at(7200) }]);
  });

  it('never puts a task token', async ({ fakes }) => {
    await withOutboxEvents(fakes, ['approval-needed']);
    await fakes.ledger.putApproval(MIGRATION_ID, approval(1), { taskToken: 'the-task-token', at: 0 });
    await publish(fakes);
    expect(ids(fakes)).toHaveLength(1);
    expect(JSON.stringify([fakes.events.put, fakes.telemetry.lines])).not.toContain('the-task-token');
  });

  it('measures at each look at all how many approvals are waited for, and the age of the oldest', async ({ fakes }) => {
    await publish(fakes);
    expect([fakes.telemetry.counts, fakes.telemetry.measured]).toEqual([
      { 'approvals-pending': 0 },
      { 'oldest-approval': 0 },
    ]);
    await withOutboxEvents(fakes, []);
    await fakes.ledger.putApproval(MIGRATION_ID, approval(1, at(-7200)), { taskToken: 't', at: 0 });
    await fakes.ledger.putApproval(MIGRATION_ID, approval(2, 'garbage'), { taskToken: 't', at: 0 });
    await publish(fakes);
    expect([fakes.telemetry.counts, fakes.telemetry.measured]).toEqual([
      { 'approvals-pending': 2 },
      { 'oldest-approval': 7200 },
    ]);
  });

  it.each(faultCases(MOMENTS, ['ledger.unsent', 'ledger.getFile', 'events.publish', 'ledger.markSent']))(
    'goes on with the others where $call fails $kind its effect, fails at the end, and tells all under one id',
    async ({ call, kind }) => {
      const fakes = newFakes();
      await withOutboxEvents(fakes, ['migrated']);
      await withOutboxEvents(fakes, ['migrated'], OTHER_MIGRATION_ID);
      fakes.journal.failNext(call, kind);
      await expectError(publish(fakes), 'ConnectionLost');
      expect(ids(fakes)).toContain(`${OTHER_MIGRATION_ID}#migrated`);
      await publish(fakes);
      expect(new Set(ids(fakes))).toEqual(new Set([`${MIGRATION_ID}#migrated`, `${OTHER_MIGRATION_ID}#migrated`]));
      expect(await fakes.ledger.listUnsent()).toEqual([]);
    },
  );

  it.each(['ledger.listPendingApprovals', 'ledger.listUnsent'])('fails by the name of the failed %s', async (call) => {
    const fakes = newFakes();
    await withOutboxEvents(fakes, ['migrated']);
    fakes.journal.refuseNext(call, 'Throttled', 'slow down');
    await expectError(publish(fakes), 'Throttled');
    expect(ids(fakes)).toHaveLength(call.endsWith('Approvals') ? 1 : 0);
  });

  it('stops where its time is up, and says how much is left', async ({ fakes }) => {
    await withOutboxEvents(fakes, ['migrated']);
    fakes.invocation.remaining = 5000;
    expect(await publish(fakes)).toEqual({ sent: 0 });
    expect(fakes.telemetry.lines).toMatchObject([{ level: 'warn', fields: { after: undefined } }]);
    fakes.invocation.remaining = 60_000;
    expect(await publish(fakes)).toEqual({ sent: 1 });
  });

  it('begins where the last look came to, and comes to each of them once', async ({ fakes }) => {
    const migrations = ['0', '1', '2', '3'].map((last) => `${MIGRATION_ID.slice(0, -1)}${last}`);
    for (const id of migrations) await withOutboxEvents(fakes, ['migrated'], id);
    await fakes.ledger.setUnsentMark(migrations[1]);
    // None can be told of, so that each stays where it is.
    fakes.events.publish = () => Promise.reject(lost());
    await expectError(publish(fakes), 'ConnectionLost');
    const looked = fakes.journal.of('ledger.unsent').map(([id]) => id);
    expect(looked).toEqual([migrations[2], migrations[3], migrations[0], migrations[1]]);
    expect(await fakes.ledger.unsentMark()).toBeUndefined();
  });

  it('keeps what the record does not show yet, and drops it once the migration is over', async ({ fakes }) => {
    await fakes.ledger.putMigration(aMigration());
    await fakes.ledger.addOutboxEvent(MIGRATION_ID, 'approval-needed');
    expect([await publish(fakes), await fakes.ledger.unsent(MIGRATION_ID)]).toEqual([{ sent: 0 }, ['approval-needed']]);
    await fakes.ledger.updateMigration(MIGRATION_ID, endedAs('blocked', 1), 'blocked');
    expect([await publish(fakes), ids(fakes)]).toEqual([{ sent: 1 }, [`${MIGRATION_ID}#blocked`]]);
    expect(await fakes.ledger.unsent(MIGRATION_ID)).toEqual([]);
  });
});
