/**
 * The ways to make the change, least disturbing first: which there are for a request, and which the facts leave of
 * them.
 */
import type { Check, MigrationRequest, ResolveConflicts, Attempt } from '../migration/model.ts';

const inPlaceAttempt = (request: MigrationRequest): Attempt => ({
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: request.resolveConflicts ?? 'PRESERVE',
});

/** CreateAddon knows no PRESERVE: it takes it for NONE. */
const onCreate = (wanted: ResolveConflicts | undefined): ResolveConflicts =>
  wanted === undefined || wanted === 'PRESERVE' ? 'NONE' : wanted;

const recreate = (request: MigrationRequest, preserve: boolean): Attempt => ({
  strategy: 'recreate',
  preserve,
  disruption: preserve ? 'rolling' : 'outage',
  resolveConflicts: onCreate(request.resolveConflicts),
});

export const isRecreate = ({ strategy }: Pick<Attempt, 'strategy'>): boolean => strategy === 'recreate';
/** Deletes the add-on's software and all that came with it. */
export const removesSoftware = (attempt: Pick<Attempt, 'strategy' | 'preserve'>): boolean =>
  isRecreate(attempt) && !attempt.preserve;

/** A way in words, such as `recreate with preserve`. */
export const nameOf = (attempt: Pick<Attempt, 'strategy' | 'preserve'>): string =>
  isRecreate(attempt)
    ? `recreate ${attempt.preserve ? 'with' : 'without'} preserve`
    : attempt.strategy === 'associate'
      ? 'associate'
      : 'in place';

/** Of a service account that is no add-on's: an association, and a rolling restart. */
export const ASSOCIATE: Attempt = {
  strategy: 'associate',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'NONE',
};

/** What the request asks for, whatever stands against it. An explicit strategy is one way. */
export function requestedAttempts(request: MigrationRequest, networking: boolean): Attempt[] {
  if (request.strategy === 'in-place') return [inPlaceAttempt(request)];
  if (request.strategy === 'recreate') return [recreate(request, request.preserve)];
  const mayRemove = request.maxDisruption === 'outage' && !request.preserve && !networking;
  return [inPlaceAttempt(request), recreate(request, true), ...(mayRemove ? [recreate(request, false)] : [])];
}

/** With `auto`: rolling unless more is allowed. With an explicit strategy: what that takes, unless less is. */
export const exceedsMaxDisruption = (request: MigrationRequest, attempt: Attempt): boolean => {
  const most = request.maxDisruption ?? (request.strategy === 'auto' ? 'rolling' : 'outage');
  return attempt.disruption === 'outage' && most === 'rolling';
};

interface Excluding {
  networking: boolean;
  excluded: (attempt: Attempt) => boolean;
}

/**
 * What is left of the ways: none beyond the request's maxDisruption, none that takes a networking add-on's software
 * away, none that is excluded. Removing the software is the last resort of `auto`, never its first try. Empty: blocked.
 */
export function possibleAttempts(request: MigrationRequest, { networking, excluded }: Excluding): Attempt[] {
  const left = requestedAttempts(request, networking).filter(
    (attempt) =>
      !exceedsMaxDisruption(request, attempt) && !(networking && removesSoftware(attempt)) && !excluded(attempt),
  );
  return request.strategy === 'auto' && left.every(removesSoftware) ? [] : left;
}

/** Where no pod is looked at, nobody could say that the next way is needed: the first is the only one. */
export function attemptsOf(request: MigrationRequest, excluding: Excluding): Attempt[] {
  const left = possibleAttempts(request, excluding);
  return request.verification === 'api' ? left.slice(0, 1) : left;
}

/** A check that concerns some of the ways: where it blocks, it blocks those alone. */
export interface AttemptCheck {
  check: Check;
  excludes: (attempt: Attempt) => boolean;
}

export const blocks = ({ status }: Pick<Check, 'status'>): boolean => status === 'fail' || status === 'unknown';

/** Whether one of the checks that block excludes that way. */
export const isExcluded =
  (found: readonly AttemptCheck[]) =>
  (attempt: Attempt): boolean =>
    found.some(({ check, excludes }) => blocks(check) && excludes(attempt));

/** The ladder, and the checks as they count: one that only takes ways out of a ladder that has others is a warning. */
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
