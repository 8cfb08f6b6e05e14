/** The flags of `approve`, `reject` and `migrations`. */
import { z } from 'zod';
import { approvalDecision } from '../../lambdas/domain/approval.ts';
import { accountId, clusterName, outcome, regionName } from '../../lambdas/domain/model.ts';
import { startedSince } from '../../lambdas/domain/summary.ts';
import { oneOf, wholeNumber } from '../fields.ts';
import { knownFlags, output, parseFlags, place } from '../options.ts';

const decisionFlags = knownFlags.extend({ plan: approvalDecision.shape.planHash.optional() });
export type DecisionFlags = z.output<typeof decisionFlags>;

export const parseDecisionFlags = (given: Record<string, unknown>, command: 'approve' | 'reject'): DecisionFlags =>
  parseFlags(decisionFlags, given, command);

export const LIMIT = { least: 1, most: 1000, usual: 50 } as const;
const limit = `must be a whole number from ${LIMIT.least} to ${LIMIT.most}`;
const listFlags = z.strictObject({
  account: accountId.optional(),
  region: regionName.optional(),
  cluster: clusterName.optional(),
  outcome: oneOf(outcome).optional(),
  since: startedSince.optional(),
  limit: wholeNumber(z.int(limit).min(LIMIT.least, limit).max(LIMIT.most, limit)).default(LIMIT.usual),
  ...place,
  ...output,
});
export type ListFlags = z.output<typeof listFlags>;

export const parseListFlags = (given: Record<string, unknown>): ListFlags => parseFlags(listFlags, given, 'migrations');
