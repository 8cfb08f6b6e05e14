/** A migration in a list: its subject and its status. */
import { z } from 'zod';
import { migrationId } from '../text/names.ts';
import { outcome, status as statusSchema } from '../terms/outcome.ts';
import type { Migration } from '../record/migration.ts';
import { target, serviceAccountRef } from '../terms/subject.ts';
import { time } from '../text/schemas.ts';

const MOMENT =
  'must be a time in ISO 8601 with its offset, such as 2026-01-15T09:00:00Z, or a day in UTC such as 2026-01-15';
/**
 * Parses a bound for the time of the start into milliseconds since 1970, never less than 0. A day means the beginning
 * of
 * that day.
 */
export const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], MOMENT)
  .transform((text) => Math.max(0, Date.parse(text)));
/** Returns what is wrong with two bounds that leave no time between them; `undefined` if they leave some. */
export const emptyTime = ({
  since,
  until,
}: {
  since?: number | undefined;
  until?: number | undefined;
}): string | undefined =>
  since !== undefined && until !== undefined && until <= since
    ? 'must be later than since: a list contains what was started at since or later, and before until'
    : undefined;

/** The fields of a request that a list shows. */
export const listedRequest = z.object({
  target,
  addon: z.string().optional(),
  serviceAccount: serviceAccountRef.optional(),
  dryRun: z.boolean(),
  /** As stated in the request. The migration itself has the authenticated requester (`requester`). */
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
    .describe('Who requested it, as stated in the request. The migration itself has the authenticated requester.'),
  startedAt: time.describe('When it started.'),
  endedAt: time.optional().describe('When it ended. Absent until then.'),
});
export type MigrationSummary = z.infer<typeof migrationSummary>;

/** Returns the listed fields of a request, without those that are undefined. */
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
