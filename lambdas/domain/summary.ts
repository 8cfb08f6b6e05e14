/** A migration in a list of many: what it is about, and how far it has come. */
import { z } from 'zod';
import { migrationId, outcome, type Migration, target } from './model.ts';
import { serviceAccountRef } from './subject.ts';

export const migrationSummary = z.object({
  migrationId,
  target,
  addon: z.string().optional(),
  serviceAccount: serviceAccountRef.optional(),
  status: z.enum(['running', 'ended']),
  outcome: outcome.optional(),
  dryRun: z.boolean(),
  requestedBy: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
});
export type MigrationSummary = z.infer<typeof migrationSummary>;

export function summaryOf({ migrationId: id, request, status, outcome: end, startedAt, endedAt }: Pick<Migration, 'migrationId' | 'request' | 'status' | 'outcome' | 'startedAt' | 'endedAt'>): MigrationSummary {
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
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}
