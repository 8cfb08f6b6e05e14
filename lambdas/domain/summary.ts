/** A migration in a list of many: what it is about, and how far it has come. */
import { z } from 'zod';
import { authenticatedRequester, migrationId, outcome, type Migration, requesterOf, target } from './model.ts';
import { serviceAccountRef } from './subject.ts';

const SINCE =
  'must be a time in ISO 8601 with its offset, such as 2026-01-15T09:00:00Z, or a day in UTC such as 2026-01-15';
/** From when on they were started, as text; milliseconds since 1970, before which nothing was. */
export const startedSince = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], SINCE)
  .transform((text) => Math.max(0, Date.parse(text)));

export const migrationSummary = z.object({
  migrationId,
  target,
  addon: z.string().optional(),
  serviceAccount: serviceAccountRef.optional(),
  status: z.enum(['running', 'ended']),
  outcome: outcome.optional(),
  dryRun: z.boolean(),
  /** Who requested it; absent where nobody has authenticated that. */
  requester: authenticatedRequester.optional(),
  /** What the request states. */
  requestedBy: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
});
export type MigrationSummary = z.infer<typeof migrationSummary>;

export function summaryOf({
  migrationId: id,
  request,
  requester: noted,
  status,
  outcome: end,
  startedAt,
  endedAt,
}: Pick<
  Migration,
  'migrationId' | 'request' | 'requester' | 'status' | 'outcome' | 'startedAt' | 'endedAt'
>): MigrationSummary {
  const { target: where, addon, serviceAccount, dryRun, requestedBy } = request;
  const requester = requesterOf({ request, requester: noted });
  return {
    migrationId: id,
    target: where,
    ...(addon === undefined ? {} : { addon }),
    ...(serviceAccount ? { serviceAccount } : {}),
    status,
    ...(status === 'ended' && end ? { outcome: end } : {}),
    dryRun,
    ...(requester ? { requester } : {}),
    ...(requestedBy === undefined ? {} : { requestedBy }),
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}
