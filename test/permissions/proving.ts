/**
 * What both proofs of rights are made of: of the roles where the service is, and of those that it assumes in other
 * accounts.
 */
import { expect } from 'vitest';
import type { Use } from '../../sandbox/authorization/authorizer.ts';
import { follows, type Ran, type Run } from './follow.ts';
import { type Grant, isUsed, titleOf } from './grants.ts';
import { ACTING_STEPS } from '../../lambdas/domain/steps/work.ts';

export const unused = (all: readonly Grant[], uses: readonly Use[]): string[] =>
  all.filter((grant) => !isUsed(grant, uses)).map(titleOf);

export const usesOf = (ran: ReadonlyMap<Run, Ran>): Use[] => [...ran.values()].flatMap((one) => one.uses);

/** Every run that rests on it, the shortest first. */
export const runsFor = (grant: Grant, ran: ReadonlyMap<Run, Ran>): Run[] => {
  const runs = [...ran].filter(([, one]) => isUsed(grant, one.uses)).sort(([, a], [, b]) => a.calls - b.calls);
  if (runs.length === 0) throw new Error(`No run uses ${titleOf(grant)}.`);
  return runs.map(([run]) => run);
};

/** The shortest of them. */
export const runFor = (grant: Grant, ran: ReadonlyMap<Run, Ran>): Run => runsFor(grant, ran)[0]!;

/** What the plan asks IAM about beforehand: the calls of the steps that change something in EKS. */
export const isAsked = ({ holder, action }: Pick<Grant, 'holder' | 'action'>): boolean =>
  (holder === 'spoke change' || ACTING_STEPS.some((step) => step === holder)) &&
  /^(eks:((Create|Update|Delete)(Addon|PodIdentityAssociation)|TagResource)|iam:(PassRole|GetRole))$/.test(action);

/**
 * Returns the rights without which whole runs are followed: all that the plan asks about, and one of each other holder.
 * Without another right of a holder, the run is refused at the call that the recorded questions name (`missedWithout`,
 * which `npm test` expects of each right).
 */
export const followedWithout = (grants: readonly Grant[]): Grant[] =>
  grants.filter(
    (grant) => isAsked(grant) || grant === grants.find((one) => !isAsked(one) && one.holder === grant.holder),
  );

/** Steps without which runs were carried out in another way, with the names of these runs. */
const otherWays = new Set<string>();

/**
 * Follows the runs that need a right which the plan asks about, from the shortest on, without it, and checks each. It
 * leaves out runs that are no others: those that begin as one that its plan has blocked, and, after the first, those in
 * which the plan does without the step, which it does whichever of the step's rights is missing.
 */
export const followEachWithout = async (
  grant: Grant,
  { ran, directory }: { ran: ReadonlyMap<Run, Ran>; directory: string },
  check: (followed: Ran, run: Run, isBlocked: boolean) => void,
): Promise<void> => {
  const blocked = new Set<string>();
  for (const [index, run] of runsFor(grant, ran).entries()) {
    const { start } = ran.get(run)!;
    const otherWay = `${directory} ${grant.principalArn} ${run.name}`;
    if (blocked.has(start) || (index > 0 && otherWays.has(otherWay))) continue;
    const followed = await follows(run, directory, grant);
    const isBlocked = followed.ends[0]!.endsWith('Blocked');
    if (isBlocked) blocked.add(start);
    else if (followed.denied.length === 0) otherWays.add(otherWay);
    expectNothingDeleted(followed, grant, run);
    check(followed, run, isBlocked);
  }
};

/** Without a right that the plan asks about nothing is begun: it is gone once something is. */
export const followWithout = (run: Run, directory: string, grant: Grant): Promise<Ran> =>
  follows(run, directory, grant, isAsked(grant) ? 'begun' : 'deployed');

const DELETES = /^eks:Delete(Addon|PodIdentityAssociation)$/;
/** What was deleted before the first refusal; nothing where none was. */
export const deletedBefore = ({ uses, denied }: Pick<Ran, 'uses' | 'denied'>): string[] =>
  denied.length === 0
    ? []
    : uses.filter(({ action }) => DELETES.test(action)).map(({ action, resource }) => `${action} ${resource}`);

/**
 * Throws if anything was deleted before the right was missed. A rollback may delete what the migration has created: if
 * it is not known beforehand whether it may create that again, the plan warns of it, and deletes nothing else.
 */
export const expectNothingDeleted = (followed: Ran, { holder, action }: Grant, run: Run): void => {
  const deleted = deletedBefore(followed);
  const isWarned = followed.warnings.some((message) => message.includes(` may make ${action} for `));
  const isOwn = holder === 'restore-associations' && deleted.every((one) => one.startsWith('eks:DeletePodIdentity'));
  const isInRollback = followed.ends.some((end) => end.startsWith('Recover'));
  expect([run.name, ...(isWarned && isOwn && isInRollback ? [] : deleted)]).toEqual([run.name]);
};
