/** The events of a migration that was requested through the API and approved, also with a fault in publish-events. */
import { expect } from 'vitest';
import { type ServiceEvent, serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import { type FaultCase, faultCases, TRANSIENT_KINDS, type TransientKind } from '../faults/contract.ts';
import { type ApiWorld, inApiWorld, MINUTES, pending, WANTS_APPROVAL } from './api-world.ts';

export const notificationsIn = ({ sandbox }: Pick<ApiWorld, 'sandbox'>): ServiceEvent[] =>
  sandbox.world.events.map(({ detail }) => serviceEvent.parse(detail));
export const idsIn = (given: Pick<ApiWorld, 'sandbox'>): string[] =>
  notificationsIn(given).map(({ eventId }) => eventId);

/** Requests and approves a migration, and runs everything that follows automatically. */
export async function approvedIn(
  { world, sandbox, ann, bob }: ApiWorld,
  body: object = WANTS_APPROVAL,
): Promise<string> {
  const id = await ann.migrate(body);
  const { planHash } = await pending(sandbox, bob, id);
  await world.later(3 * MINUTES);
  await bob.approve(id, planHash);
  await world.rest();
  await world.later(3 * MINUTES);
  return id;
}
export const WHOLE = ['approval-needed', 'started', 'migrated'];

/** Each transient fault at each of the calls with which publish-events publishes. */
export const FAULTS = faultCases(TRANSIENT_KINDS, ['PutEvents', 'UpdateItem']);

/**
 * Checks that everything is published under one id each, although the first two calls of that operation are struck.
 */
export const expectNotifiedOnce = ({ kind, call: operation }: FaultCase<TransientKind>): Promise<void> =>
  inApiWorld({ faults: [{ kind, step: 'publish-events', operation, call: 1, times: 2 }] }, async (given) => {
    const id = await approvedIn(given);
    expect(new Set(idsIn(given))).toEqual(new Set(WHOLE.map((type) => `${id}#${type}`)));
    expect(await given.world.backend.ledger.listUnsent()).toEqual([]);
    // A second copy is the same event: its content and its migration.
    expect(new Set(notificationsIn(given).map(({ eventId, type, at }) => `${eventId} ${type} ${at}`)).size).toBe(
      WHOLE.length,
    );
  });
