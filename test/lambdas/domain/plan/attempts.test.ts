import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  migrationRequest,
  type MigrationRequest,
  type MigrationRequestInput,
} from '../../../../lambdas/domain/request/request.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { Attempt } from '../../../../lambdas/domain/record/plan.ts';
import {
  chooseAttempts,
  attemptsOf,
  nameOf,
  removesSoftware,
  requestedAttempts,
  type AttemptCheck,
} from '../../../../lambdas/domain/plan/attempts.ts';
import { aRequest, IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../../fixtures.ts';
import { forAllIn } from '../../../for-all.ts';

const all = { networking: false, excluded: () => false };
const attemptsFor = (
  request: Partial<MigrationRequestInput>,
  facts: Partial<Parameters<typeof attemptsOf>[1]> = {},
): Attempt[] => attemptsOf(aRequest(request), { ...all, ...facts });

describe('attemptsOf', () => {
  it.each<[string, Partial<MigrationRequestInput>, Attempt[]]>([
    ['in-place', { strategy: 'in-place' }, [IN_PLACE]],
    ['in-place, preserve has no meaning there', { strategy: 'in-place', preserve: true }, [IN_PLACE]],
    ['recreate', { strategy: 'recreate' }, [RECREATE]],
    ['recreate with preserve', { strategy: 'recreate', preserve: true }, [RECREATE_PRESERVING]],
    ['recreate that may be an outage', { strategy: 'recreate', maxDisruption: 'outage' }, [RECREATE]],
    ['recreate that may not', { strategy: 'recreate', maxDisruption: 'rolling' }, []],
    ['preserve that may', { strategy: 'recreate', preserve: true, maxDisruption: 'rolling' }, [RECREATE_PRESERVING]],
    ['auto', {}, [IN_PLACE, RECREATE_PRESERVING]],
    ['auto that may be an outage', { maxDisruption: 'outage' }, [IN_PLACE, RECREATE_PRESERVING, RECREATE]],
    ['auto with preserve', { maxDisruption: 'outage', preserve: true }, [IN_PLACE, RECREATE_PRESERVING]],
  ])('%s', (_, request, expected) => expect(attemptsFor(request)).toEqual(expected));

  it.each<[MigrationRequest['resolveConflicts'], string[]]>([
    [undefined, ['PRESERVE', 'NONE', 'NONE']],
    ['PRESERVE', ['PRESERVE', 'NONE', 'NONE']],
    ['NONE', ['NONE', 'NONE', 'NONE']],
    ['OVERWRITE', ['OVERWRITE', 'OVERWRITE', 'OVERWRITE']],
  ])('with resolveConflicts %s: each way as its API call takes it', (resolveConflicts, expected) =>
    expect(
      attemptsFor({ maxDisruption: 'outage', resolveConflicts }).map((attempt) => attempt.resolveConflicts),
    ).toEqual(expected),
  );

  it('never starts auto with an outage', () => {
    const excluded = (attempt: Attempt): boolean => attempt.preserve;
    expect(attemptsFor({ maxDisruption: 'outage' }, { excluded })).toEqual([IN_PLACE, RECREATE]);
    expect(attemptsFor({ maxDisruption: 'outage' }, { excluded: (attempt) => !removesSoftware(attempt) })).toEqual([]);
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

  it('goes no further than allowed, is ordered by disruption, and names each way once', () =>
    forAllIn(1000, anyRequest, fc.boolean(), exclusion, (request, networking, left) => {
      const attempts = attemptsOf(request, { networking, excluded: (attempt) => !left.includes(nameOf(attempt)) });
      const outages = attempts.filter((attempt) => attempt.disruption === 'outage');
      // Outage is exactly what removes the software, and comes last.
      expect(outages).toEqual(attempts.filter(removesSoftware));
      expect(attempts.slice(attempts.length - outages.length)).toEqual(outages);
      const mayBeAnOutage =
        request.maxDisruption === 'outage' || (request.maxDisruption === undefined && request.strategy !== 'auto');
      expect(outages.length).toBeLessThanOrEqual(mayBeAnOutage && !networking && !request.preserve ? 1 : 0);
      // An explicit strategy is the one way, or none.
      const asked = request.strategy === 'auto' ? ['in-place', 'recreate'] : [request.strategy];
      expect(attempts.length).toBeLessThanOrEqual(request.strategy === 'auto' ? 3 : 1);
      expect(attempts.filter(({ strategy }) => !asked.includes(strategy))).toEqual([]);
      expect(attempts.filter((attempt) => !left.includes(nameOf(attempt)))).toEqual([]);
      // CreateAddon knows no PRESERVE, UpdateAddon no preserve.
      expect(
        attempts.filter((attempt) =>
          attempt.strategy === 'recreate' ? attempt.resolveConflicts === 'PRESERVE' : attempt.preserve,
        ),
      ).toEqual([]);
      expect(new Set(attempts.map(nameOf)).size).toBe(attempts.length);
      expect(requestedAttempts(request, networking)).toEqual(expect.arrayContaining(attempts));
    }));
});

describe('next-attempt', () => {
  const check = (status: Check['status']): Check => ({
    id: 'version-offered',
    status,
    message: 'It is gone.',
    ...(status === 'pass' ? {} : { remedy: 'Update it.' }),
  });
  const against = (status: Check['status'], excludes: AttemptCheck['excludes']) => ({ check: check(status), excludes });
  const recreates = (attempt: Attempt): boolean => attempt.strategy === 'recreate';

  it('takes out the ways that a check blocks, and makes a warning of it that names them', () => {
    for (const status of ['fail', 'unknown'] as const) {
      const { attempts, checks } = chooseAttempts(aRequest(), false, [against(status, recreates)]);
      expect(attempts).toEqual([IN_PLACE]);
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
    const { attempts, checks } = chooseAttempts(aRequest({ strategy: 'recreate' }), false, [
      against('fail', recreates),
    ]);
    expect([attempts, checks]).toEqual([[], [check('fail')]]);
  });
  it('does not take out what only warns', () =>
    expect(chooseAttempts(aRequest(), false, [against('warn', () => true), against('pass', () => true)])).toEqual({
      attempts: [IN_PLACE, RECREATE_PRESERVING],
      checks: [check('warn'), check('pass')],
    }));
});
