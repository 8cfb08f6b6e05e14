/** The API's inputs as zod schemas. Its OpenAPI document is generated from them. */
import { z } from 'zod';
import { approvalDecision } from '../domain/approval/approval.ts';
import { checkSubject, strictRequestFields } from '../domain/request/request.ts';
import { DEFAULT_SOAK_DAYS, retirementAction, soakDays } from '../domain/record/retirement.ts';
import {
  migrationId,
  reason,
  accountId,
  addonName,
  clusterName,
  regionName,
  requestedBy,
} from '../domain/text/names.ts';
import { outcome, status } from '../domain/terms/outcome.ts';
import { acceptOf } from '../domain/acceptance/accept.ts';
import { handOffFormat } from '../domain/terms/hand-off.ts';
import { schemaNames } from '../domain/text/schemas.ts';
import { emptyTime, moment } from '../domain/migration/summary.ts';
import { sweepId, sweepRequest } from '../domain/sweep/request.ts';
import { sweepStatus } from '../domain/sweep/model.ts';
import { positionToken, rowToken } from './tokens.ts';

/**
 * A dry run. It changes nothing, so it needs no approval and waits for no window. The requester is the principal that
 * API Gateway authenticated.
 */
export const planBody = strictRequestFields
  .omit({ dryRun: true, requestedBy: true, approval: true, approvalHours: true, changeWindow: true })
  .superRefine(checkSubject)
  .register(schemaNames, { name: 'PlanRequest' });
export const migrationBody = strictRequestFields
  .omit({ requestedBy: true })
  .superRefine(checkSubject)
  .register(schemaNames, { name: 'MigrationRequest' });
export const approvalBody = approvalDecision;
/** The requester is the principal that API Gateway authenticated. */
export const sweepBody = sweepRequest.omit({ requestedBy: true }).register(schemaNames, { name: 'SweepRequest' });
/** Body of a rollback, a cancellation and a command to a sweep. */
export const reasonBody = z
  .strictObject({ reason: reason.optional().describe('Why, for people who read the record later.') })
  .register(schemaNames, { name: 'Reason' });
export const rollbackBody = reasonBody
  .extend({
    accept: acceptOf('rollback')
      .default([])
      .describe(
        'What must not stop the rollback: `credential-gap`, that pods may be without credentials until they are replaced or, such as those of Jobs, end.',
      ),
  })
  .register(schemaNames, { name: 'RollbackRequest' });

export const retirementBody = reasonBody
  .extend({
    action: retirementAction
      .default('retire')
      .describe('The action. `reinstate` restores what an earlier `retire` removed.'),
    dryRun: z
      .boolean()
      .default(true)
      .describe('Whether to report the checks and the change without making the change.'),
    soakDays: soakDays
      .default(DEFAULT_SOAK_DAYS)
      .describe('Days that must have passed since the migration ended before its OIDC trust may be removed.'),
    accept: acceptOf('retirement')
      .default([])
      .describe(
        'What must not prevent the retirement, as the checks name it, such as `consumer:SecretStore/shop/aws`.',
      ),
  })
  .register(schemaNames, { name: 'RetirementRequest' });

export const ofMigration = z.object({ id: migrationId.describe('Id of a migration or plan.') });
export const ofSweep = z.object({ id: sweepId.describe('Id of a sweep.') });
export const ofCluster = z.object({ name: clusterName.describe('Name of the EKS cluster.') });

const LIMIT = { least: 1, most: 100, usual: 50 } as const;
const limitMessage = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
/** A query parameter is always text; the OpenAPI document describes the number in it. */
const limit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, limitMessage)
  .transform(Number)
  .pipe(z.number().max(LIMIT.most, limitMessage))
  .default(LIMIT.usual)
  .meta({ openapi: { type: 'integer', minimum: LIMIT.least, maximum: LIMIT.most, default: LIMIT.usual } })
  .describe('Maximum number of entries on a page.');

const time = moment.meta({
  openapi: {
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'string', format: 'date' },
    ],
  },
});
const checkTime = (
  given: Parameters<typeof emptyTime>[0],
  context: Pick<z.RefinementCtx<object>, 'addIssue'>,
): void => {
  const message = emptyTime(given);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['until'], message });
};

const NEXT = 'Token of the page: `next` of the previous page, unchanged. Default: the first page.';
const SINCE = 'Earliest start time: a time with its offset, or a day, which begins at 00:00 UTC.';
const UNTIL =
  'Start time before which entries are listed: a time with its offset, or a day, which begins at 00:00 UTC.';

export const listQuery = z
  .strictObject({
    account: accountId.optional().describe('AWS account of the cluster.'),
    region: regionName.optional().describe('AWS region of the cluster.'),
    cluster: clusterName.optional().describe('Name of the EKS cluster.'),
    addon: addonName.optional().describe('Name of the EKS add-on.'),
    status: status.optional().describe('Status of the migration.'),
    outcome: outcome.optional().describe('Outcome of the migration.'),
    dryRun: z
      .enum(['false', 'true', 'any'])
      .default('false')
      .describe(
        'Which entries are listed. `true`: only dry runs. `any`: dry runs and migrations. `false`: only migrations.',
      ),
    requestedBy: requestedBy
      .min(1, 'must not be empty')
      .optional()
      .describe(
        'Who requested the migration, as stated in the request. The whole text must match. For a request to this API, this is the ARN of the principal that signed it.',
      ),
    since: time.optional().describe(SINCE),
    until: time.optional().describe(UNTIL),
    limit,
    next: positionToken.optional().describe(NEXT),
  })
  .superRefine(checkTime)
  .superRefine(({ outcome: wanted, dryRun }, context) => {
    if (wanted === 'planned' && dryRun === 'false')
      context.addIssue({
        code: 'custom',
        path: ['outcome'],
        message: 'only dry runs end planned, and they are not in this list: send dryRun=true too',
      });
  });
export const sweepsQuery = z
  .strictObject({
    status: sweepStatus.optional().describe('Status of the sweep.'),
    since: time.optional().describe(SINCE),
    until: time.optional().describe(UNTIL),
    limit,
    next: positionToken.optional().describe(NEXT),
  })
  .superRefine(checkTime);
export const identitiesQuery = z.strictObject({
  account: accountId.optional().describe("AWS account of the cluster. Default: the service's own."),
  region: regionName.describe('AWS region of the cluster.'),
  limit,
  next: rowToken.optional().describe(NEXT),
});
export const handOffQuery = z.strictObject({
  format: handOffFormat.optional().describe('Tool for which the answer has the code as text. Default: no text.'),
});
/** Query of all other operations. */
export const noQuery = z.strictObject({});
