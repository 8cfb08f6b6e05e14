/** A migration in a list of many: what it is about, and how far it has come. */
import { z } from 'zod';
import { migrationId, outcome, type Migration, status as statusSchema, target } from './model.ts';
import { serviceAccountRef } from './subject.ts';
import { time } from './schemas.ts';

const SINCE =
  'must be a time in ISO 8601 with its offset, such as 2026-01-15T09:00:00Z, or a day in UTC such as 2026-01-15';
/** From when on they were started, as text; milliseconds since 1970, before which nothing was. */
export const startedSince = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], SINCE)
  .transform((text) => Math.max(0, Date.parse(text)));

export const migrationSummary = z.object({
  migrationId: migrationId.describe('Id of the migration.'),
  target: target.describe('Cluster that the migration is in.'),
  addon: z.string().optional().describe('Name of the add-on. Absent if it is about a service account.'),
  serviceAccount: serviceAccountRef.optional().describe('The service account. Absent if it is about an add-on.'),
  status: statusSchema.describe('How far it has come. Only one that is `ended` has an outcome.'),
  outcome: outcome.optional().describe('How it ended. Absent until then.'),
  dryRun: z.boolean().describe('True if it only plans and changes nothing.'),
  requestedBy: z
    .string()
    .optional()
    .describe('Who requested it, as the request states it. The migration itself has the authenticated requester.'),
  startedAt: time.describe('When it started.'),
  endedAt: time.optional().describe('When it ended. Absent until then.'),
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
