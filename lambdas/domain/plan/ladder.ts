/**
 * The ways to make the change, least disturbing first: which there are for a request, and which the facts leave of
 * them.
 */
import type { Check, MigrationRequest, ResolveConflicts, Rung } from '../model.ts';

const inPlace = (request: MigrationRequest): Rung => ({
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: request.resolveConflicts ?? 'PRESERVE',
});

/** CreateAddon knows no PRESERVE: it takes it for NONE. */
const onCreate = (wanted: ResolveConflicts | undefined): ResolveConflicts =>
  wanted === undefined || wanted === 'PRESERVE' ? 'NONE' : wanted;

const recreate = (request: MigrationRequest, preserve: boolean): Rung => ({
  strategy: 'recreate',
  preserve,
  disruption: preserve ? 'rolling' : 'outage',
  resolveConflicts: onCreate(request.resolveConflicts),
});

export const isRecreate = ({ strategy }: Pick<Rung, 'strategy'>): boolean => strategy === 'recreate';
/** Deletes the add-on's software and all that came with it. */
export const removesSoftware = (rung: Pick<Rung, 'strategy' | 'preserve'>): boolean =>
  isRecreate(rung) && !rung.preserve;

/** A way in words, such as `recreate with preserve`. */
export const nameOf = (rung: Pick<Rung, 'strategy' | 'preserve'>): string =>
  isRecreate(rung)
    ? `recreate ${rung.preserve ? 'with' : 'without'} preserve`
    : rung.strategy === 'associate'
      ? 'associate'
      : 'in place';

/** Of a service account that is no add-on's: an association, and a rolling restart. */
export const ASSOCIATE: Rung = {
  strategy: 'associate',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'NONE',
};

/** What the request asks for, whatever stands against it. An explicit strategy is one way. */
export function waysFor(request: MigrationRequest, networking: boolean): Rung[] {
  if (request.strategy === 'in-place') return [inPlace(request)];
  if (request.strategy === 'recreate') return [recreate(request, request.preserve)];
  const mayRemove = request.maxDisruption === 'outage' && !request.preserve && !networking;
  return [inPlace(request), recreate(request, true), ...(mayRemove ? [recreate(request, false)] : [])];
}

/** With `auto`: rolling unless more is allowed. With an explicit strategy: what that takes, unless less is. */
export const exceedsMaxDisruption = (request: MigrationRequest, rung: Rung): boolean => {
  const most = request.maxDisruption ?? (request.strategy === 'auto' ? 'rolling' : 'outage');
  return rung.disruption === 'outage' && most === 'rolling';
};

interface Excluding {
  networking: boolean;
  excluded: (rung: Rung) => boolean;
}

/**
 * What is left of the ways: none beyond the request's maxDisruption, none that takes a networking add-on's software
 * away, none that is excluded. Removing the software is the last resort of `auto`, never its first try. Empty: blocked.
 */
export function possibleWays(request: MigrationRequest, { networking, excluded }: Excluding): Rung[] {
  const left = waysFor(request, networking).filter(
    (rung) => !exceedsMaxDisruption(request, rung) && !(networking && removesSoftware(rung)) && !excluded(rung),
  );
  return request.strategy === 'auto' && left.every(removesSoftware) ? [] : left;
}

/** Where no pod is looked at, nobody could say that the next way is needed: the first is the only one. */
export function ladderOf(request: MigrationRequest, excluding: Excluding): Rung[] {
  const left = possibleWays(request, excluding);
  return request.verification === 'api' ? left.slice(0, 1) : left;
}

/** A check that concerns some of the ways: where it blocks, it blocks those alone. */
export interface WayCheck {
  check: Check;
  excludes: (rung: Rung) => boolean;
}

export const blocks = ({ status }: Pick<Check, 'status'>): boolean => status === 'fail' || status === 'unknown';

/** Whether one of the checks that block excludes that way. */
export const isExcluded =
  (found: readonly WayCheck[]) =>
  (rung: Rung): boolean =>
    found.some(({ check, excludes }) => blocks(check) && excludes(rung));

/** The ladder, and the checks as they count: one that only takes ways out of a ladder that has others is a warning. */
export function climb(
  request: MigrationRequest,
  networking: boolean,
  found: readonly WayCheck[],
): { ladder: Rung[]; checks: Check[] } {
  const ladder = ladderOf(request, { networking, excluded: isExcluded(found) });
  const ways = waysFor(request, networking);
  const checks = found.map(({ check, excludes }): Check => {
    if (!blocks(check) || ladder.length === 0) return check;
    return {
      ...check,
      status: 'warn',
      message: `${check.message} Strategies ruled out by this: ${ways.filter(excludes).map(nameOf).join(', ')}.`,
    };
  });
  return { ladder, checks };
}
