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

/**
 * What is left of the ways: none beyond the request's maxDisruption, none that takes a networking add-on's software
 * away, none that is excluded. Removing the software is the last resort of `auto`, never its first try. Where no pod is
 * looked at, nobody could say that the next way is needed: the first is the only one. Empty: blocked.
 */
export function ladderOf(
  request: MigrationRequest,
  { networking, excluded }: { networking: boolean; excluded: (rung: Rung) => boolean },
): Rung[] {
  const left = waysFor(request, networking).filter(
    (rung) => !exceedsMaxDisruption(request, rung) && !(networking && removesSoftware(rung)) && !excluded(rung),
  );
  if (request.strategy === 'auto' && left.every(removesSoftware)) return [];
  return request.verification === 'api' ? left.slice(0, 1) : left;
}

/** A check that concerns some of the ways: where it blocks, it blocks those alone. */
export interface WayCheck {
  check: Check;
  excludes: (rung: Rung) => boolean;
}

export const blocks = ({ status }: Pick<Check, 'status'>): boolean => status === 'fail' || status === 'unknown';

/** The ladder, and the checks as they count: one that only takes ways out of a ladder that has others is a warning. */
export function climb(
  request: MigrationRequest,
  networking: boolean,
  found: readonly WayCheck[],
): { ladder: Rung[]; checks: Check[] } {
  const blocking = found.filter(({ check }) => blocks(check));
  const ladder = ladderOf(request, { networking, excluded: (rung) => blocking.some(({ excludes }) => excludes(rung)) });
  const ways = waysFor(request, networking);
  const checks = found.map(({ check, excludes }): Check => {
    if (!blocks(check) || ladder.length === 0) return check;
    return {
      ...check,
      status: 'warn',
      message: `${check.message} Left out for that: ${ways.filter(excludes).map(nameOf).join(', ')}.`,
    };
  });
  return { ladder, checks };
}
