/** What the API takes, as zod schemas: its OpenAPI document is made of these too. */
import { z } from 'zod';
import {
  approvalDecision,
  checkSubject,
  DEFAULT_SOAK_DAYS,
  migrationId,
  outcome,
  reason,
  retirementAction,
  soakDays,
  status,
  strictRequestFields,
} from '../domain/model.ts';
import { accountId, addonName, clusterName, regionName, requestedBy } from '../domain/names.ts';
import { emptyTime, moment } from '../domain/summary.ts';
import { sweepId, sweepRequest, sweepStatus } from '../domain/sweep/model.ts';
import { placeToken, rowToken } from './tokens.ts';

/** A dry run: it changes nothing, so it needs no approval, and waits for no window. Who asks, API Gateway says. */
export const planBody = strictRequestFields
  .omit({ dryRun: true, requestedBy: true, approval: true, approvalHours: true, changeWindow: true })
  .superRefine(checkSubject);
export const migrationBody = strictRequestFields.omit({ requestedBy: true }).superRefine(checkSubject);
export const approvalBody = approvalDecision;
/** Who asks, API Gateway says. */
export const sweepBody = sweepRequest.omit({ requestedBy: true });
/** Of a rollback, of a cancel, and of what is asked of a sweep. */
export const reasonBody = z.strictObject({ reason: reason.optional() });
export const rollbackBody = reasonBody.extend({
  acceptCredentialGap: z
    .boolean()
    .optional()
    .describe('Goes back even where pods may be without credentials before all of them are replaced.'),
});

export const retirementBody = reasonBody.extend({
  action: retirementAction.default('retire').describe('`reinstate` puts back what an earlier `retire` took out.'),
  dryRun: z.boolean().default(true).describe('Shows the checks and the change, and changes nothing.'),
  soakDays: soakDays
    .default(DEFAULT_SOAK_DAYS)
    .describe('Days that have to pass after the end of the migration before its OIDC trust may be taken away.'),
});

export const ofMigration = z.object({ id: migrationId });
export const ofSweep = z.object({ id: sweepId });
export const ofCluster = z.object({ name: clusterName });

const LIMIT = { least: 1, most: 100, usual: 50 } as const;
const limitMessage = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
/** A query has text alone; its number is what OpenAPI speaks of. */
const limit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, limitMessage)
  .transform(Number)
  .pipe(z.number().max(LIMIT.most, limitMessage))
  .default(LIMIT.usual)
  .meta({ openapi: { type: 'integer', minimum: LIMIT.least, maximum: LIMIT.most, default: LIMIT.usual } });

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

export const listQuery = z
  .strictObject({
    account: accountId.optional(),
    region: regionName.optional(),
    cluster: clusterName.optional(),
    addon: addonName.optional(),
    status: status.optional(),
    outcome: outcome.optional(),
    /** `true`: dry runs alone; `any`: dry runs and migrations. */
    dryRun: z.enum(['false', 'true', 'any']).default('false'),
    requestedBy: requestedBy.min(1, 'must not be empty').optional(),
    since: time.optional(),
    until: time.optional(),
    limit,
    next: placeToken.optional(),
  })
  .superRefine(checkTime)
  .superRefine(({ outcome: wanted, dryRun }, context) => {
    if (wanted === 'planned' && dryRun === 'false')
      context.addIssue({
        code: 'custom',
        path: ['outcome'],
        message: 'planned is how dry runs alone end, and they are not in this list: send dryRun=true too',
      });
  });
export const sweepsQuery = z
  .strictObject({
    status: sweepStatus.optional(),
    since: time.optional(),
    until: time.optional(),
    limit,
    next: placeToken.optional(),
  })
  .superRefine(checkTime);
/** `account`: of the cluster; the service's own where it is left out. */
export const identitiesQuery = z.strictObject({
  account: accountId.optional(),
  region: regionName,
  limit,
  next: rowToken.optional(),
});
/** Of everything else. */
export const noQuery = z.strictObject({});
