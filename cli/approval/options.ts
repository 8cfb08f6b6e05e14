/** The flags of `approve`, `reject` and `migrations`. */
import { z } from 'zod';
import { approvalDecision } from '../../lambdas/domain/approval/approval.ts';
import {
  accountId,
  addonName,
  clusterName,
  outcome,
  regionName,
  requestedBy,
  status,
} from '../../lambdas/domain/migration/model.ts';
import { emptyTime, moment } from '../../lambdas/domain/migration/summary.ts';
import { oneOf, wholeNumber } from '../fields.ts';
import { knownFlags, output, parseFlags, session } from '../options.ts';

const decisionFlags = knownFlags.extend({ plan: approvalDecision.shape.planHash.optional() });
export type DecisionFlags = z.output<typeof decisionFlags>;

export const parseDecisionFlags = (given: Record<string, unknown>, command: 'approve' | 'reject'): DecisionFlags =>
  parseFlags(decisionFlags, given, command);

export const LIMIT = { least: 1, most: 1000, usual: 50 } as const;
const limit = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
/** Of a list: how much of it, and when what is in it was started. */
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
    ...session,
    ...output,
  })
  .superRefine(checkListed)
  .superRefine(({ dryRun, withDryRuns, outcome: wanted }, context) => {
    if (wanted === 'planned' && !dryRun && !withDryRuns)
      context.addIssue({
        code: 'custom',
        path: ['outcome'],
        message: 'planned is how dry runs alone end, and they are not in this list: add --dry-run',
      });
    if (dryRun && withDryRuns)
      context.addIssue({
        code: 'custom',
        path: ['withDryRuns'],
        message: 'and --dry-run exclude each other: --dry-run lists dry runs alone',
      });
  });
export type ListFlags = z.output<typeof listFlags>;

export const parseListFlags = (given: Record<string, unknown>): ListFlags => parseFlags(listFlags, given, 'migrations');
