/** A migration in a list of many: what it is about, and how far it has come. */
import { z } from 'zod';
import { migrationId, outcome, type Migration, status as statusSchema, target } from './model.ts';
import { serviceAccountRef } from './subject.ts';
import { time } from '../text/schemas.ts';

const MOMENT =
  'must be a time in ISO 8601 with its offset, such as 2026-01-15T09:00:00Z, or a day in UTC such as 2026-01-15';
/** A bound of when they were started, as text; milliseconds since 1970, before which nothing was. A day is its begin. */
export const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], MOMENT)
  .transform((text) => Math.max(0, Date.parse(text)));
/** Undefined where the two bounds leave some time between them. */
export const emptyTime = ({
  since,
  until,
}: {
  since?: number | undefined;
  until?: number | undefined;
}): string | undefined =>
  since !== undefined && until !== undefined && until <= since
    ? 'must be later than since: a list has what was started at since or later, and before until'
    : undefined;

/** What a list shows of a request. */
export const listedRequest = z.object({
  target,
  addon: z.string().optional(),
  serviceAccount: serviceAccountRef.optional(),
  dryRun: z.boolean(),
  /** What the request states; who it was is in the migration itself (`requester`). */
  requestedBy: z.string().optional(),
});
export type ListedRequest = z.infer<typeof listedRequest>;

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

/** The same without fields that are undefined. */
export const listedRequestOf = ({
  target: where,
  addon,
  serviceAccount,
  dryRun,
  requestedBy,
}: ListedRequest): ListedRequest => ({
  target: where,
  ...(addon === undefined ? {} : { addon }),
  ...(serviceAccount ? { serviceAccount } : {}),
  dryRun,
  ...(requestedBy === undefined ? {} : { requestedBy }),
});

export function summaryOf({
  migrationId: id,
  request,
  status,
  outcome: end,
  startedAt,
  endedAt,
}: Pick<Migration, 'migrationId' | 'status' | 'outcome' | 'startedAt' | 'endedAt'> & {
  request: ListedRequest;
}): MigrationSummary {
  return {
    migrationId: id,
    ...listedRequestOf(request),
    status,
    ...(status === 'ended' && end ? { outcome: end } : {}),
    startedAt,
    ...(status === 'ended' && endedAt !== undefined ? { endedAt } : {}),
  };
}
