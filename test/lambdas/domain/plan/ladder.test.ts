import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  migrationRequest,
  type Check,
  type MigrationRequest,
  type MigrationRequestInput,
  type Rung,
} from '../../../../lambdas/domain/model.ts';
import {
  climb,
  ladderOf,
  nameOf,
  removesSoftware,
  waysFor,
  type WayCheck,
} from '../../../../lambdas/domain/plan/ladder.ts';
import { aRequest, IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../../fixtures.ts';

const all = { networking: false, excluded: () => false };
const ladder = (request: Partial<MigrationRequestInput>, facts: Partial<Parameters<typeof ladderOf>[1]> = {}): Rung[] =>
  ladderOf(aRequest(request), { ...all, ...facts });

describe('ladderOf', () => {
  it.each<[string, Partial<MigrationRequestInput>, Rung[]]>([
    ['in-place', { strategy: 'in-place' }, [IN_PLACE]],
    ['in-place, preserve has no meaning there', { strategy: 'in-place', preserve: true }, [IN_PLACE]],
    ['recreate', { strategy: 'recreate' }, [RECREATE]],
    ['recreate with preserve', { strategy: 'recreate', preserve: true }, [RECREATE_PRESERVING]],
    ['recreate that may be an outage', { strategy: 'recreate', maxDisruption: 'outage' }, [RECREATE]],
    ['recreate that may not', { strategy: 'recreate', maxDisruption: 'rolling' }, []],
    [
      'recreate with preserve that may not',
      { strategy: 'recreate', preserve: true, maxDisruption: 'rolling' },
      [RECREATE_PRESERVING],
    ],
    ['auto', {}, [IN_PLACE, RECREATE_PRESERVING]],
    ['auto that may be an outage', { maxDisruption: 'outage' }, [IN_PLACE, RECREATE_PRESERVING, RECREATE]],
    ['auto with preserve', { maxDisruption: 'outage', preserve: true }, [IN_PLACE, RECREATE_PRESERVING]],
  ])('%s', (_, request, expected) => {
    expect(ladder(request)).toEqual(expected);
  });

  it.each<[MigrationRequest['resolveConflicts'], string[]]>([
    [undefined, ['PRESERVE', 'NONE', 'NONE']],
    ['PRESERVE', ['PRESERVE', 'NONE', 'NONE']],
    ['NONE', ['NONE', 'NONE', 'NONE']],
    ['OVERWRITE', ['OVERWRITE', 'OVERWRITE', 'OVERWRITE']],
  ])('with resolveConflicts %s: each way as its API call takes it', (resolveConflicts, expected) => {
    expect(ladder({ maxDisruption: 'outage', resolveConflicts }).map((rung) => rung.resolveConflicts)).toEqual(
      expected,
    );
  });

  it('never starts auto with an outage', () => {
    expect(ladder({ maxDisruption: 'outage' }, { excluded: (rung) => rung.preserve })).toEqual([IN_PLACE, RECREATE]);
    expect(ladder({ maxDisruption: 'outage' }, { excluded: (rung) => !removesSoftware(rung) })).toEqual([]);
  });

  const anyRequest = fc
    .record({
      strategy: fc.constantFrom('auto', 'in-place', 'recreate'),
      preserve: fc.boolean(),
      maxDisruption: fc.constantFrom(undefined, 'rolling', 'outage'),
      resolveConflicts: fc.constantFrom(undefined, 'NONE', 'OVERWRITE', 'PRESERVE'),
    })
    .map((change) => migrationRequest.parse({ ...aRequest(), ...change }));
  const exclusion = fc.subarray(['in place', 'recreate with preserve', 'recreate without preserve']);

  it('goes no further than allowed, is ordered by disruption, and names each way once', () => {
    fc.assert(
      fc.property(anyRequest, fc.boolean(), exclusion, (request, networking, left) => {
        const rungs = ladderOf(request, { networking, excluded: (rung) => !left.includes(nameOf(rung)) });
        const outages = rungs.filter((rung) => rung.disruption === 'outage');
        // Outage is exactly what removes the software, and comes last.
        expect(outages).toEqual(rungs.filter(removesSoftware));
        expect(rungs.slice(rungs.length - outages.length)).toEqual(outages);
        const mayBeAnOutage =
          request.maxDisruption === 'outage' || (request.maxDisruption === undefined && request.strategy !== 'auto');
        expect(outages.length).toBeLessThanOrEqual(mayBeAnOutage && !networking && !request.preserve ? 1 : 0);
        // An explicit strategy is the one way, or none.
        const asked = request.strategy === 'auto' ? ['in-place', 'recreate'] : [request.strategy];
        expect(rungs.length).toBeLessThanOrEqual(request.strategy === 'auto' ? 3 : 1);
        expect(rungs.filter(({ strategy }) => !asked.includes(strategy))).toEqual([]);
        expect(rungs.filter((rung) => !left.includes(nameOf(rung)))).toEqual([]);
        // CreateAddon knows no PRESERVE, UpdateAddon no preserve.
        expect(
          rungs.filter((rung) => (rung.strategy === 'recreate' ? rung.resolveConflicts === 'PRESERVE' : rung.preserve)),
        ).toEqual([]);
        expect(new Set(rungs.map(nameOf)).size).toBe(rungs.length);
        expect(waysFor(request, networking)).toEqual(expect.arrayContaining(rungs));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('climb', () => {
  const check = (status: Check['status']): Check => ({
    id: 'version-offered',
    status,
    message: 'It is gone.',
    ...(status === 'pass' ? {} : { remedy: 'Update it.' }),
  });
  const against = (status: Check['status'], excludes: WayCheck['excludes']): WayCheck => ({
    check: check(status),
    excludes,
  });
  const recreates = (rung: Rung): boolean => rung.strategy === 'recreate';

  it('takes out the ways that a check blocks, and makes a warning of it that names them', () => {
    for (const status of ['fail', 'unknown'] as const) {
      const { ladder: rungs, checks } = climb(aRequest(), false, [against(status, recreates)]);
      expect(rungs).toEqual([IN_PLACE]);
      expect(checks).toEqual([
        {
          ...check(status),
          status: 'warn',
          message: 'It is gone. Strategies ruled out by this: recreate with preserve.',
        },
      ]);
    }
  });
  it('leaves a check as it is where no way is left', () => {
    const { ladder: rungs, checks } = climb(aRequest({ strategy: 'recreate' }), false, [against('fail', recreates)]);
    expect([rungs, checks]).toEqual([[], [check('fail')]]);
  });
  it('does not take out what only warns', () => {
    expect(climb(aRequest(), false, [against('warn', () => true), against('pass', () => true)])).toEqual({
      ladder: [IN_PLACE, RECREATE_PRESERVING],
      checks: [check('warn'), check('pass')],
    });
  });
});
