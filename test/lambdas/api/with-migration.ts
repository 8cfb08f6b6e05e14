/** One migration in the ledger, and the API before it. */
import type { Approval } from '../../../lambdas/domain/approval/approval.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Fakes } from '../fakes.ts';
import { aMigration, aPlan, at, MIGRATION_ID } from '../fixtures.ts';
import { ALICE, newFakes, send } from './gateway.ts';
import { endedAs } from '../run-examples.ts';

export const path = `/migrations/${MIGRATION_ID}`;
export const self = `/v1${path}`;
export const plan = aPlan();
export const TOKEN = 'task-token-that-nobody-may-see';
export const pending: Approval = {
  round: 1,
  planHash: plan.hash,
  state: 'pending',
  requestedAt: at(10),
  expiresAt: at(86_400),
};

export async function withMigration(change: Partial<Migration> = {}, asked?: Approval): Promise<Fakes> {
  const fakes = newFakes();
  const record = aMigration({ plan, ...change });
  const request = { ...record.request, requestedBy: ALICE, ...change.request };
  const requester = { requester: { source: 'api', principal: ALICE } as const, request };
  await fakes.ledger.putMigration({ ...record, request, requester });
  if (asked) {
    await fakes.ledger.putApproval(MIGRATION_ID, asked, { taskToken: TOKEN, at: 0 });
    fakes.executions.tasks.set(TOKEN, 'waiting');
  }
  return fakes;
}
export const ended = (outcome: Migration['outcome']) => ({ ...endedAs(outcome, 300), verified: 'ready' as const });
export const show = (fakes: Fakes, id = MIGRATION_ID) => send(fakes, { method: 'GET', path: `/migrations/${id}` });

/** The header of a request with that idempotency key, if there is one. */
export const keyed = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { 'Idempotency-Key': key };
