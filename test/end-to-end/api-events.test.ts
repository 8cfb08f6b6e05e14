/** Events of migrations requested through the API: each end is published under one id, despite faults in between. */
import { describe, expect, it } from 'vitest';
import { sampleOf } from '../faults/contract.ts';
import { approvedIn, FAULTS, idsIn, notificationsIn, expectNotifiedOnce, WHOLE } from './api-notifications.ts';
import { BODY, inApiWorld, leaksOf, MINUTES, pending, WANTS_APPROVAL } from './api-world.ts';
import { containing } from '../lambdas/matchers.ts';

describe('the events of a migration through the API', () => {
  it('name the requester and how to approve, and contain no token', () =>
    inApiWorld({}, async (given) => {
      const { world, sandbox, ann, bob } = given;
      const id = await approvedIn(given);
      expect(idsIn(given)).toEqual(WHOLE.map((type) => `${id}#${type}`));
      const [asked, , end] = notificationsIn(given);
      const { planHash } = (await bob.shown(id)).approvals[0]!;
      expect(asked).toMatchObject({ type: 'approval-needed', requestedBy: ann.arn, planHash, approval: { round: 1 } });
      expect(end).toMatchObject({ type: 'migrated', outcome: 'migrated', verified: 'ready', requestedBy: ann.arn });
      const messages = sandbox.world.notifications.map(({ message }) => message);
      expect(messages).toHaveLength(1);
      for (const part of [
        `pod-identity approve ${id} --plan ${planHash} --deployed`,
        `POST /migrations/${id}/approval {"decision":"approve","planHash":"${planHash}"}`,
      ])
        expect(messages[0]).toContain(part);
      expect([await leaksOf({ world, sandbox }, id, [ann, bob]), sandbox.world.deadLetters]).toEqual([[], []]);
    }));

  it('report a rejection, a cancel and a rollback over HTTP as their end', async () =>
    inApiWorld({}, async (given) => {
      const { world, sandbox, ann, bob } = given;
      const rejected = await ann.migrate(WANTS_APPROVAL);
      await bob.approve(rejected, (await pending(sandbox, bob, rejected)).planHash, 'reject', 'not now');
      await world.rest();
      const cancelled = await ann.migrate(WANTS_APPROVAL);
      await pending(sandbox, bob, cancelled);
      await bob.cancel(cancelled);
      await world.rest();
      const migrated = await ann.migrate(BODY);
      await world.rest();
      await bob.rollBack(migrated);
      await world.rest();
      await world.later(3 * MINUTES);
      const of = (id: string) => notificationsIn(given).filter(({ migrationId }) => migrationId === id);
      expect(
        of(rejected)
          .map(({ type }) => type)
          .at(-1),
      ).toBe('blocked');
      expect(of(rejected).at(-1)?.failure).toMatchObject({ name: 'ApprovalRejected', message: containing('not now') });
      expect(of(cancelled).at(-1)).toMatchObject({ type: 'blocked', failure: { name: 'Cancelled' } });
      expect(of(migrated).map(({ type }) => type)).toEqual(['started', 'migrated', 'rolled-back']);
      // Each has one id, and no two share one.
      expect(new Set(idsIn(given)).size).toBe(idsIn(given).length);
      // People are notified of approvals that are needed, and of rollbacks.
      expect(sandbox.world.notifications.at(-1)?.message).toContain(migrated);
    }));

  it.each(sampleOf(FAULTS))('have one id if publish-events meets $kind at $call, with which it publishes', (fault) =>
    expectNotifiedOnce(fault),
  );

  it('are delivered twice under one id if publish-events dies between publishing and noting it', () =>
    inApiWorld({ faults: [{ kind: 'crash-after', step: 'publish-events', operation: 'PutEvents' }] }, async (given) => {
      const id = await approvedIn(given);
      expect(idsIn(given).filter((one) => one === `${id}#approval-needed`)).toHaveLength(2);
      expect([...new Set(idsIn(given))]).toEqual(WHOLE.map((type) => `${id}#${type}`));
    }));

  it('are published by the schedule if Step Functions sends no event, and twice if EventBridge delivers twice', () =>
    inApiWorld({ knobs: { eventsLost: true, ownEventsTwice: true } }, async (given) => {
      const id = await approvedIn(given);
      expect([...new Set(idsIn(given))]).toEqual(WHOLE.map((type) => `${id}#${type}`));
      expect(new Set(given.sandbox.world.notifications.map(({ message }) => message)).size).toBe(1);
    }));
});
