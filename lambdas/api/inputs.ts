/** What the API takes, as zod schemas: its OpenAPI document is made of these too. */
import { z } from 'zod';
import { approvalDecision, checkSubject, migrationId, outcome, reason, strictRequestFields } from '../domain/model.ts';
import { accountId, clusterName, regionName } from '../domain/names.ts';
import { schemaNames } from '../domain/schemas.ts';
import { startedSince } from '../domain/summary.ts';
import { sweepId, sweepRequest } from '../domain/sweep/model.ts';
import { rowToken, idToken } from './tokens.ts';

/** A dry run: it changes nothing, so it needs no approval, and waits for no window. Who asks, API Gateway says. */
export const planBody = strictRequestFields
  .omit({ dryRun: true, requestedBy: true, approval: true, approvalHours: true, changeWindow: true })
  .superRefine(checkSubject)
  .register(schemaNames, { name: 'PlanRequest' });
export const migrationBody = strictRequestFields
  .omit({ requestedBy: true })
  .superRefine(checkSubject)
  .register(schemaNames, { name: 'MigrationRequest' });
export const approvalBody = approvalDecision;
/** Who asks, API Gateway says. */
export const sweepBody = sweepRequest.omit({ requestedBy: true }).register(schemaNames, { name: 'SweepRequest' });
/** Of a rollback, of a cancel, and of what is asked of a sweep. */
export const reasonBody = z
  .strictObject({ reason: reason.optional().describe('Why, for the people who read it later.') })
  .register(schemaNames, { name: 'Reason' });
export const rollbackBody = reasonBody
  .extend({
    acceptCredentialGap: z
      .boolean()
      .optional()
      .describe('Whether to go back even if pods may be without credentials before all of them are replaced.'),
  })
  .register(schemaNames, { name: 'RollbackRequest' });

export const ofMigration = z.object({ id: migrationId.describe('Id of a migration or plan.') });
export const ofSweep = z.object({ id: sweepId.describe('Id of a sweep.') });
export const ofCluster = z.object({ name: clusterName.describe('Name of the EKS cluster.') });

const LIMIT = { least: 1, most: 100, usual: 50 } as const;
const limitMessage = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
/** A query has text alone; its number is what OpenAPI speaks of. */
const limit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, limitMessage)
  .transform(Number)
  .pipe(z.number().max(LIMIT.most, limitMessage))
  .default(LIMIT.usual)
  .meta({ openapi: { type: 'integer', minimum: LIMIT.least, maximum: LIMIT.most, default: LIMIT.usual } })
  .describe('How many entries a page has at most.');

const since = startedSince.meta({
  openapi: {
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'string', format: 'date' },
    ],
  },
});

const NEXT = 'Which page: `next` of the page before, unchanged. The first page where it is left out.';

export const listQuery = z.strictObject({
  account: accountId.optional().describe('AWS account of the cluster.'),
  region: regionName.optional().describe('AWS region of the cluster.'),
  cluster: clusterName.optional().describe('Name of the EKS cluster.'),
  outcome: outcome.optional().describe('How the migration ended.'),
  since: since.optional().describe('When it started at the earliest: a time with its offset, or a day in UTC.'),
  limit,
  next: idToken.optional().describe(NEXT),
});
export const sweepsQuery = z.strictObject({ limit, next: idToken.optional().describe(NEXT) });
/** `account`: of the cluster; the service's own where it is left out. */
export const identitiesQuery = z.strictObject({
  account: accountId.optional().describe("AWS account of the cluster. Default: the service's own."),
  region: regionName.describe('AWS region of the cluster.'),
  limit,
  next: rowToken.optional().describe(NEXT),
});
/** Of everything else. */
export const noQuery = z.strictObject({});
