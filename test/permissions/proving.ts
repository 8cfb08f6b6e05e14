/**
 * What both proofs of rights are made of: of the roles where the service is, and of those that it assumes in other
 * accounts.
 */
import type { Use } from '../../sandbox/authorization/authorizer.ts';
import { ACTING_STEPS } from '../../lambdas/domain/plan/acting.ts';
import { follows, type Ran, type Run } from './follow.ts';
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

/** What the plan asks IAM about beforehand: the calls of the steps that change something in EKS. */
export const isAsked = ({ holder, action }: Pick<Grant, 'holder' | 'action'>): boolean =>
  (holder === 'spoke change' || ACTING_STEPS.some((step) => step === holder)) &&
  /^(eks:((Create|Update|Delete)(Addon|PodIdentityAssociation)|TagResource)|iam:(PassRole|GetRole))$/.test(action);

/** Without a right that the plan asks about nothing is begun: it is gone once something is. */
export const followWithout = (run: Run, directory: string, grant: Grant): Promise<Ran> =>
  follows(run, directory, grant, isAsked(grant) ? 'begun' : 'deployed');

const DELETES = /^eks:Delete(Addon|PodIdentityAssociation)$/;
/** What was deleted before the first refusal; nothing where none was. */
export const deletedBefore = ({ uses, denied }: Pick<Ran, 'uses' | 'denied'>): string[] =>
  denied.length === 0
    ? []
    : uses.filter(({ action }) => DELETES.test(action)).map(({ action, resource }) => `${action} ${resource}`);
