/**
 * Each end of a migration is published once under its own id, and people are notified of the events that need them.
 */
import { describe, expect, it } from 'vitest';
import { type ServiceEvent, serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import { inWorld, type OpenWorld, type WorldOptions } from './world.ts';

const ADDON = 'aws-ebs-csi-driver';
const MINUTES = 60_000;
const notificationsIn = ({ backend }: OpenWorld): ServiceEvent[] =>
  backend.sandbox.world.events.map(({ detail }) => serviceEvent.parse(detail));
const messagesIn = ({ backend }: OpenWorld): string[] =>
  backend.sandbox.world.notifications.map(({ message }) => message);
const idsOf = (events: ServiceEvent[]): string[] => events.map(({ eventId }) => eventId.replace(/^\w+#/, ''));

describe('the events of a migration', () => {
  it.each<[string, WorldOptions, object, string[], number]>([
    ['migrated', { scenario: 'in-place' }, {}, ['started', 'migrated'], 0],
    ['planned', { scenario: 'in-place' }, { dryRun: true }, ['planned'], 0],
    ['blocked', { scenario: 'agent-absent' }, {}, ['blocked'], 0],
    [
      'rolled back',
      {
        scenario: 'ebs-csi-irsa',
        faults: [{ kind: 'access-denied', step: 'create-addon', operation: 'CreateAddon', times: 'all' }],
      },
      { strategy: 'recreate' },
      ['started', 'rolled-back'],
      1,
    ],
    [
      'needing a person',
      { scenario: 'ebs-csi-irsa', knobs: { createEndsIn: 'CREATE_FAILED' } },
      { strategy: 'recreate' },
      ['started', 'needs-human'],
      1,
    ],
  ])(
    'that ends %s are published once each, in order, and people are notified of theirs',
    (_, options, asked, expected, messages) =>
      inWorld(options, async (world) => {
        await world.start({ addon: ADDON, ...asked });
        await world.rest();
        await world.later(3 * MINUTES);
        expect(idsOf(notificationsIn(world))).toEqual(expected);
        expect(notificationsIn(world).map(({ at }) => at)).toEqual(
          notificationsIn(world)
            .map(({ at }) => at)
            .toSorted(),
        );
        expect(messagesIn(world)).toHaveLength(messages);
        expect(world.backend.sandbox.world.deadLetters).toEqual([]);
      }),
  );

  it('that has nothing to do are those of that end, and of no other migration', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const { migrationId } = await world.migrate({ addon: ADDON });
      await world.start({ addon: ADDON });
      await world.rest();
      await world.later(3 * MINUTES);
      expect(idsOf(notificationsIn(world))).toEqual(['started', 'migrated', 'already-migrated']);
      expect(notificationsIn(world).at(-1)?.migrationId).not.toBe(migrationId);
    }));

  it('that needs an approval are published while it waits, and contain no token', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const { backend } = world;
      const execution = await world.start({ addon: ADDON, approval: 'required', requestedBy: 'ann' });
      await world.later(10 * MINUTES);
      const [event] = notificationsIn(world);
      expect(idsOf(notificationsIn(world))).toEqual(['approval-needed']);
      const { migrationId, planHash = '' } = event!;
      const [message = '', ...others] = messagesIn(world);
      expect(others).toEqual([]);
      expect(message).toContain(`pod-identity approve ${migrationId} --plan ${planHash} --deployed`);
      expect(message).toContain(
        `POST /migrations/${migrationId}/approval {"decision":"approve","planHash":"${planHash}"}`,
      );
      const token = await backend.ledger.approvalToken(migrationId, 1);
      expect(token).toMatch(/./);
      expect(
        JSON.stringify([backend.sandbox.world.events, backend.sandbox.world.notifications, backend.sandbox.logs()]),
      ).not.toContain(token);
      expect(execution.status).toBe('RUNNING');
    }));

  it.each(['lost-after', 'throttled', 'server-error'] as const)(
    'are published although PutEvents fails, each under one id: %s',
    (kind) =>
      inWorld(
        { scenario: 'in-place', faults: [{ kind, step: 'publish-events', operation: 'PutEvents' }] },
        async (world) => {
          await world.start({ addon: ADDON });
          await world.rest();
          await world.later(3 * MINUTES);
          expect([...new Set(idsOf(notificationsIn(world)))]).toEqual(['started', 'migrated']);
        },
      ),
  );

  it('are published by the schedule if Step Functions does not report the end', () =>
    inWorld({ scenario: 'in-place', knobs: { eventsLost: true } }, async (world) => {
      await world.start({ addon: ADDON });
      await world.rest();
      await world.later(3 * MINUTES);
      expect(idsOf(notificationsIn(world))).toEqual(['started', 'migrated']);
    }));
});
