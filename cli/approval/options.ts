/** Flags of `approve`, `reject` and `migrations`. */
import { z } from 'zod';
import { approvalDecision } from '../../lambdas/domain/approval/approval.ts';
import { accountId, addonName, clusterName, regionName, requestedBy } from '../../lambdas/domain/text/names.ts';
import { outcome, status } from '../../lambdas/domain/terms/outcome.ts';
import { emptyTime, moment } from '../../lambdas/domain/migration/summary.ts';
import { oneOf, wholeNumber } from '../fields.ts';
import { knownFlags, output, parseFlags, backendFlags } from '../options.ts';

const decisionFlags = knownFlags.extend({ plan: approvalDecision.shape.planHash.optional() });
export type DecisionFlags = z.output<typeof decisionFlags>;

export const parseDecisionFlags = (given: Record<string, unknown>, command: 'approve' | 'reject'): DecisionFlags =>
  parseFlags(decisionFlags, given, command);

export const LIMIT = { least: 1, most: 1000, usual: 50 } as const;
const limit = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
/** Flags of lists: their length, and when their entries were started. */
export const listed = {
  since: moment.optional(),
  until: moment.optional(),
  limit: wholeNumber(z.int(limit).min(LIMIT.least, limit).max(LIMIT.most, limit)).default(LIMIT.usual),
};
export const checkListed = (
  flags: Parameters<typeof emptyTime>[0],
  context: Pick<z.RefinementCtx<object>, 'addIssue'>,
): void => {
  const message = emptyTime(flags);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['until'], message });
};

const listFlags = z
  .strictObject({
    account: accountId.optional(),
    region: regionName.optional(),
    cluster: clusterName.optional(),
    addon: addonName.optional(),
    status: oneOf(status).optional(),
    outcome: oneOf(outcome).optional(),
    requestedBy: requestedBy.min(1, 'must not be empty').optional(),
    dryRun: z.boolean().default(false),
    withDryRuns: z.boolean().default(false),
    ...listed,
    ...backendFlags,
    ...output,
  })
  .superRefine(checkListed)
  .superRefine(({ dryRun, withDryRuns, outcome: wanted }, context) => {
    if (wanted === 'planned' && !dryRun && !withDryRuns)
      context.addIssue({
        code: 'custom',
        path: ['outcome'],
        message: 'planned is an outcome of dry runs only, which this list does not include: add --dry-run',
      });
    if (dryRun && withDryRuns)
      context.addIssue({
        code: 'custom',
        path: ['withDryRuns'],
        message: 'cannot be combined with --dry-run, which lists only dry runs',
      });
  });
export type ListFlags = z.output<typeof listFlags>;

export const parseListFlags = (given: Record<string, unknown>): ListFlags => parseFlags(listFlags, given, 'migrations');
