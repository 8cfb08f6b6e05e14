/** Each run of the service has the rights that it needs, and without any one of them is refused, by the name of that right. */
import { describe, expect, it } from 'vitest';
import { follows } from './follow.ts';
import { type Grant, isUsed, nameOf, titleOf } from './grants.ts';
import { directory, FEW_RUNS, followAll, grants, ran, RUNS } from './proof-runs.ts';
import { followEachWithout, followedWithout, followWithout, isAsked, runFor, unused, usesOf } from './proving.ts';

followAll(RUNS);

it('few of the runs, those of npm test, use each right on each resource that all of them use', () => {
  const each = grants.flatMap((grant) => grant.resources.map((resource) => ({ ...grant, resources: [resource] })));
  const used = each.filter((grant) => isUsed(grant, usesOf(ran)));
  const uses = FEW_RUNS.flatMap((run) => ran.get(run)!.uses);
  expect(unused(used, uses)).toEqual([]);
});

it.each(followedWithout(grants).map((grant) => [titleOf(grant), grant] as const))(
  'without one of its rights a run fails by its name: %s',
  async (_title, grant) => {
    const run = runFor(grant, ran);
    expect((await followWithout(run, directory, grant)).denied).toContain(nameOf(grant));
  },
);

/** For these, the plan fails before anything is begun. */
const isKnownBeforehand = ({ holder, action }: Grant): boolean =>
  action !== 'iam:GetRole' && /^(create|delete|restore)-addon$/.test(holder);

/** As a permissions boundary takes it, or a change by hand: from before the plan on. */
describe('without one that the plan asks IAM about', () => {
  // Each run has its own attempts and its own rollback, and another one may need the right for something else.
  it.each(grants.filter(isAsked).map((grant) => [titleOf(grant), grant] as const))(
    'no run that needs it deletes anything before it is missed: %s',
    (_title, grant) =>
      followEachWithout(grant, { ran, directory }, (followed, run, isBlocked) => {
        if (!isKnownBeforehand(grant)) return;
        expect([run.name, ...followed.denied]).toEqual([run.name]);
        // Where another way is left, or nobody knows whether EKS asks for that one, it is not the plan that fails.
        const blocked = new RegExp(
          `${grant.holder} may make ${grant.action} for|\\(${grant.holder}\\) .*${grant.action}`,
          's',
        );
        // The API chooses the id of a migration, so that its plan is not at hand.
        const isShown = isBlocked && run.byApi === undefined;
        expect(`${run.name}: ${isShown ? followed.blockedBy.join() : followed.ends[0]}`).toMatch(
          isShown ? blocked : /(SUCCEEDED|RolledBack|Blocked)$/,
        );
      }),
  );
});

it.each(['cluster', 'absent'] as const)(
  'iam:AssociatedResourceArn does not keep roles from being passed, there and back: %s',
  async (associatedResourceArn) => {
    const run = RUNS.find(({ name }) => name === 'in place over its own association, rolled back on demand')!;
    const { denied, ends } = await follows({ ...run, knobs: { ...run.knobs, associatedResourceArn } }, directory);
    expect([denied, ends]).toEqual([[], run.ends]);
  },
);
