/** Without any one of its rights a run of the service is refused, by the name of that right. */
import { beforeAll, describe, expect, it } from 'vitest';
import { follows, type Ran } from './follow.ts';
import { type Grant, nameOf, titleOf } from './grants.ts';
import { directory, followAll, grants, ran, RUNS } from './proof-runs.ts';
import { deletedBefore, followWithout, isAsked, runFor } from './proving.ts';

beforeAll(followAll);

it.each(grants.map((grant) => [titleOf(grant), grant] as const))(
  'without one of its rights a run fails by its name: %s',
  async (_title, grant) => {
    const run = runFor(grant, ran);
    expect((await followWithout(run, directory, grant)).denied).toContain(nameOf(grant));
  },
);

/** As a permissions boundary takes it, or a change by hand: from before the plan on. */
describe('without one that the plan asks IAM about', () => {
  const followed = new Map<Grant, Promise<Ran>>();
  const followWhollyWithout = (grant: Grant): Promise<Ran> => {
    const run = followed.get(grant) ?? follows(runFor(grant, ran), directory, grant);
    followed.set(grant, run);
    return run;
  };

  it.each(grants.filter(isAsked).map((grant) => [titleOf(grant), grant] as const))(
    'nothing is deleted before it is missed: %s',
    async (_, grant) => expect(deletedBefore(await followWhollyWithout(grant))).toEqual([]),
  );

  it.each(
    grants
      .filter(
        (grant) =>
          isAsked(grant) && grant.action !== 'iam:GetRole' && /^(create|delete|restore)-addon$/.test(grant.holder),
      )
      .map((grant) => [titleOf(grant), grant] as const),
  )('the plan says so beforehand: %s', async (_title, grant) => {
    const { denied, uses, ends, blockedBy } = await followWhollyWithout(grant);
    expect([denied, deletedBefore({ denied, uses })]).toEqual([[], []]);
    // Where another way is left, or nobody knows whether EKS asks for that one, it is not the plan that fails.
    const blocked = new RegExp(
      `${grant.holder} may make ${grant.action} for|\\(${grant.holder}\\) .*${grant.action}`,
      's',
    );
    const isBlocked = ends[0]!.endsWith('Blocked');
    expect(isBlocked ? blockedBy.join() : ends[0]).toMatch(isBlocked ? blocked : /SUCCEEDED$/);
  });
});

it.each(['cluster', 'absent'] as const)(
  'iam:AssociatedResourceArn does not keep roles from being passed, there and back: %s',
  async (associatedResourceArn) => {
    const run = RUNS.find(({ name }) => name === 'in place over its own association, rolled back on demand')!;
    const { denied, ends } = await follows({ ...run, knobs: { ...run.knobs, associatedResourceArn } }, directory);
    expect([denied, ends]).toEqual([[], run.ends]);
  },
);
