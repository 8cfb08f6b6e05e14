/**
 * The attempts for a request, least disruptive first, and which of them the facts allow.
 */
import type { Check } from '../terms/check.ts';
import type { MigrationRequest, ResolveConflicts } from '../request/request.ts';
import type { Attempt } from '../record/plan.ts';

const inPlaceAttempt = (request: MigrationRequest): Attempt => ({
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: request.resolveConflicts ?? 'PRESERVE',
});

/** CreateAddon does not support PRESERVE, and treats it as NONE. */
const onCreate = (wanted: ResolveConflicts | undefined): ResolveConflicts =>
  wanted === undefined || wanted === 'PRESERVE' ? 'NONE' : wanted;

const recreate = (request: MigrationRequest, preserve: boolean): Attempt => ({
  strategy: 'recreate',
  preserve,
  disruption: preserve ? 'rolling' : 'outage',
  resolveConflicts: onCreate(request.resolveConflicts),
});

export const isRecreate = ({ strategy }: Pick<Attempt, 'strategy'>): boolean => strategy === 'recreate';
/** Returns whether the attempt deletes the add-on's software and everything that it installed. */
export const removesSoftware = (attempt: Pick<Attempt, 'strategy' | 'preserve'>): boolean =>
  isRecreate(attempt) && !attempt.preserve;

/** Returns the name of an attempt, such as `recreate with preserve`. */
export const nameOf = (attempt: Pick<Attempt, 'strategy' | 'preserve'>): string =>
  isRecreate(attempt)
    ? `recreate ${attempt.preserve ? 'with' : 'without'} preserve`
    : attempt.strategy === 'associate'
      ? 'associate'
      : 'in place';

/** The attempt for a service account that does not belong to an add-on: an association, and a rolling restart. */
export const ASSOCIATE: Attempt = {
  strategy: 'associate',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'NONE',
};

/** Returns the attempts of the request, before any check. An explicit strategy is one attempt. */
export function requestedAttempts(request: MigrationRequest, networking: boolean): Attempt[] {
  if (request.strategy === 'in-place') return [inPlaceAttempt(request)];
  if (request.strategy === 'recreate') return [recreate(request, request.preserve)];
  const mayRemove = request.maxDisruption === 'outage' && !request.preserve && !networking;
  return [inPlaceAttempt(request), recreate(request, true), ...(mayRemove ? [recreate(request, false)] : [])];
}

/**
 * Returns whether an attempt disrupts more than the request allows. The default is `rolling` with `auto`, and as much as
 * the strategy needs otherwise.
 */
export const exceedsMaxDisruption = (request: MigrationRequest, attempt: Attempt): boolean => {
  const most = request.maxDisruption ?? (request.strategy === 'auto' ? 'rolling' : 'outage');
  return attempt.disruption === 'outage' && most === 'rolling';
};

interface Excluding {
  networking: boolean;
  excluded: (attempt: Attempt) => boolean;
}

/**
 * Returns the attempts that remain: none beyond the request's maxDisruption, none that removes a networking add-on's
 * software, none that is excluded. Removing the software is the last resort of `auto`, never its first attempt. An empty
 * list blocks the plan.
 */
export function possibleAttempts(request: MigrationRequest, { networking, excluded }: Excluding): Attempt[] {
  const left = requestedAttempts(request, networking).filter(
    (attempt) =>
      !exceedsMaxDisruption(request, attempt) && !(networking && removesSoftware(attempt)) && !excluded(attempt),
  );
  return request.strategy === 'auto' && left.every(removesSoftware) ? [] : left;
}

/** Returns the attempts of the plan. Without checks of the pods only the first, since no failure could be detected. */
export function attemptsOf(request: MigrationRequest, excluding: Excluding): Attempt[] {
  const left = possibleAttempts(request, excluding);
  return request.verification === 'api' ? left.slice(0, 1) : left;
}

/** A check that concerns some of the attempts, and blocks only those. */
export interface AttemptCheck {
  check: Check;
  excludes: (attempt: Attempt) => boolean;
}

export const blocks = ({ status }: Pick<Check, 'status'>): boolean => status === 'fail' || status === 'unknown';

/** Returns whether a blocking check excludes the attempt. */
export const isExcluded =
  (found: readonly AttemptCheck[]) =>
  (attempt: Attempt): boolean =>
    found.some(({ check, excludes }) => blocks(check) && excludes(attempt));

/** Returns the attempts, and the checks: a blocking check becomes a warning if other attempts remain. */
export function chooseAttempts(
  request: MigrationRequest,
  networking: boolean,
  found: readonly AttemptCheck[],
): { attempts: Attempt[]; checks: Check[] } {
  const attempts = attemptsOf(request, { networking, excluded: isExcluded(found) });
  const ways = requestedAttempts(request, networking);
  const checks = found.map(({ check, excludes }): Check => {
    if (!blocks(check) || attempts.length === 0) return check;
    return {
      ...check,
      status: 'warn',
      message: `${check.message} Strategies ruled out by this: ${ways.filter(excludes).map(nameOf).join(', ')}.`,
    };
  });
  return { attempts, checks };
}
