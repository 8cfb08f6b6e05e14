/** What is told of a migration that was asked for by the API and approved, with a fault in publish-events too. */
import { expect } from 'vitest';
import { type ServiceEvent, serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import { type FaultCase, faultCases, TRANSIENT_KINDS, type TransientKind } from '../faults/contract.ts';
import { type ApiWorld, inApiWorld, MINUTES, pending, WANTS_APPROVAL } from './api-world.ts';

export const notificationsIn = ({ sandbox }: Pick<ApiWorld, 'sandbox'>): ServiceEvent[] =>
  sandbox.world.events.map(({ detail }) => serviceEvent.parse(detail));
export const idsIn = (given: Pick<ApiWorld, 'sandbox'>): string[] =>
  notificationsIn(given).map(({ eventId }) => eventId);

/** Asked for and approved; then everything that follows by itself. */
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

/** Each transient fault at each of the calls by which publish-events tells. */
export const FAULTS = faultCases(TRANSIENT_KINDS, ['PutEvents', 'UpdateItem']);

/** Checks that everything is told under one id each, though the first two calls of that operation are struck. */
export const expectNotifiedOnce = ({ kind, call: operation }: FaultCase<TransientKind>): Promise<void> =>
  inApiWorld({ faults: [{ kind, step: 'publish-events', operation, call: 1, times: 2 }] }, async (given) => {
    const id = await approvedIn(given);
    expect(new Set(idsIn(given))).toEqual(new Set(WHOLE.map((told) => `${id}#${told}`)));
    expect(await given.world.backend.ledger.listUnsent()).toEqual([]);
    // A second copy is the same event: what it says, and of which migration.
    expect(new Set(notificationsIn(given).map(({ eventId, type, at }) => `${eventId} ${type} ${at}`)).size).toBe(
      WHOLE.length,
    );
  });
