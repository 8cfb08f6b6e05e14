/** The flags of `approve`, `reject` and `migrations`. */
import { z } from 'zod';
import { approvalDecision } from '../../lambdas/domain/approval.ts';
import { accountId, clusterName, outcome, regionName } from '../../lambdas/domain/model.ts';
import { oneOf, wholeNumber } from '../fields.ts';
import { knownFlags, output, parseFlags, place } from '../options.ts';

const decisionFlags = knownFlags.extend({ plan: approvalDecision.shape.planHash.optional() });
export type DecisionFlags = z.output<typeof decisionFlags>;

export const parseDecisionFlags = (given: Record<string, unknown>, command: 'approve' | 'reject'): DecisionFlags => parseFlags(decisionFlags, given, command);

export const LIMIT = { least: 1, most: 1000, usual: 50 } as const;
const limit = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
const SINCE = 'must be a time in ISO 8601 with its offset, such as 2026-01-15T09:00:00Z, or a day in UTC such as 2026-01-15';

const listFlags = z.strictObject({
  account: accountId.optional(),
  region: regionName.optional(),
  cluster: clusterName.optional(),
  outcome: oneOf(outcome).optional(),
  /** Milliseconds since 1970. */
  since: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], SINCE)
    .transform((text) => Math.max(0, Date.parse(text)))
    .optional(),
  limit: wholeNumber(z.int(limit).min(LIMIT.least, limit).max(LIMIT.most, limit)).default(LIMIT.usual),
  ...place,
  ...output,
});
export type ListFlags = z.output<typeof listFlags>;

export const parseListFlags = (given: Record<string, unknown>): ListFlags => parseFlags(listFlags, given, 'migrations');
