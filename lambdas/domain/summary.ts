/** A migration in a list of many: what it is about, and how far it has come. */
import { z } from 'zod';
import { migrationId, outcome, type Migration, status as statusSchema, target } from './model.ts';
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
  status: statusSchema,
  outcome: outcome.optional(),
  dryRun: z.boolean(),
  /** What the request states; who it was is in the migration itself (`requester`). */
  requestedBy: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
});
export type MigrationSummary = z.infer<typeof migrationSummary>;

export function summaryOf({
  migrationId: id,
  request,
  status,
  outcome: end,
  startedAt,
  endedAt,
}: Pick<Migration, 'migrationId' | 'request' | 'status' | 'outcome' | 'startedAt' | 'endedAt'>): MigrationSummary {
  const { target: where, addon, serviceAccount, dryRun, requestedBy } = request;
  return {
    migrationId: id,
    target: where,
    ...(addon === undefined ? {} : { addon }),
    ...(serviceAccount ? { serviceAccount } : {}),
    status,
    ...(status === 'ended' && end ? { outcome: end } : {}),
    dryRun,
    ...(requestedBy === undefined ? {} : { requestedBy }),
    startedAt,
    ...(status === 'ended' && endedAt !== undefined ? { endedAt } : {}),
  };
}
