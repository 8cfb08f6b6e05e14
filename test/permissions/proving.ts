/**
 * What both proofs of rights are made of: of the roles where the service is, and of those that it assumes in other
 * accounts.
 */
import type { Use } from '../../sandbox/authorization/authorizer.ts';
import type { Ran, Run } from './follow.ts';
import { type Grant, isUsed, titleOf } from './grants.ts';

export const unused = (all: readonly Grant[], uses: readonly Use[]): string[] =>
  all.filter((grant) => !isUsed(grant, uses)).map(titleOf);

export const usesOf = (ran: ReadonlyMap<Run, Ran>): Use[] => [...ran.values()].flatMap((one) => one.uses);

/** The shortest run that rests on it. */
export const runFor = (grant: Grant, ran: ReadonlyMap<Run, Ran>): Run => {
  const [shortest] = [...ran].filter(([, one]) => isUsed(grant, one.uses)).sort(([, a], [, b]) => a.calls - b.calls);
  if (!shortest) throw new Error(`No run uses ${titleOf(grant)}.`);
  return shortest[0];
};

/** The plan asks IAM beforehand whether roles may be passed; where nobody lets it ask, the migration finds out. */
export const unasked = (run: Run): Run => ({ ...run, knobs: { ...run.knobs, simulatePrincipalPolicy: 'deny' } });

/** One right for each service whose actions are granted, which stands for all of them where a whole run is followed. */
export const oneOfEachService = (grants: readonly Grant[]): Grant[] => [
  ...new Map(grants.toReversed().map((grant) => [grant.action.split(':')[0], grant])).values(),
];
