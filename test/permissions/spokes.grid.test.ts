/**
 * Every run with the roles in another account has the rights that it needs, and without any one of them a run is
 * refused, by the name of that right.
 */
import { beforeAll, expect, it } from 'vitest';
import { nameOf, titleOf } from './grants.ts';
import { followEachWithout, followedWithout, followWithout, isAsked, runFor } from './proving.ts';
import { directory, followAll, grants, ran } from './spoke-proof-runs.ts';
import { SPOKE_RUNS as RUNS } from './spoke-runs.ts';

beforeAll(() => followAll(RUNS));

it.each(RUNS)('the rights of the roles in other accounts are enough: $name', (run) =>
  // Which of two executions that begin together ends first depends on the number of their calls.
  expect({ ...ran.get(run), ends: ran.get(run)?.ends.toSorted() }).toMatchObject({
    denied: [],
    refusals: [],
    failures: [],
    forbidden: [],
    ends: run.ends.toSorted(),
  }),
);

it.each(followedWithout(grants).map((grant) => [titleOf(grant), grant] as const))(
  'without one of its rights a run fails by its name: %s',
  async (_, grant) => {
    const run = runFor(grant, ran);
    expect((await followWithout(run, directory, grant)).denied).toContain(nameOf(grant));
  },
);

/** As a permissions boundary takes it, or a change by hand: from before the plan on. */

it.each(grants.filter(isAsked).map((grant) => [titleOf(grant), grant] as const))(
  'without one that the plan asks IAM about nothing is deleted before the plan says so, and whose it is: %s',
  (_, grant) =>
    followEachWithout(grant, { ran, directory }, (followed, run, isBlocked) => {
      // The API chooses the id of a migration, so that its plan is not at hand.
      const isShown = isBlocked && run.byApi === undefined;
      expect(`${run.name}: ${isShown ? followed.blockedBy.join() : 'not known beforehand'}`).toMatch(
        /pod-identity-migrator-change \([a-z-]+\) .*The stack PodIdentityMigratorSpoke of that account grants that|not known beforehand/s,
      );
    }),
);
