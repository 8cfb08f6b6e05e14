/** Without any one of its rights a run of the service is refused, by the name of that right. */
import { beforeAll, describe, expect, it } from 'vitest';
import { follows } from './follow.ts';
import { nameOf, titleOf } from './grants.ts';
import { directory, followAll, grants, ran } from './proof-runs.ts';
import { deletedBefore, followWithout, isAsked, runFor } from './proving.ts';

beforeAll(followAll);

describe('without one of its rights', () => {
  it.each(grants.map((grant) => [titleOf(grant), grant] as const))(
    'a run fails by its name: %s',
    async (_title, grant) => {
      const run = runFor(grant, ran);
      const { denied } = await followWithout(run, directory, grant);
      expect(denied).toContain(nameOf(grant));
    },
  );
});

/** As a permissions boundary takes it, or a change by hand: from before the plan on. */
describe('without one that the plan asks IAM about', () => {
  it.each(grants.filter(isAsked).map((grant) => [titleOf(grant), grant] as const))(
    'nothing is deleted before it is missed: %s',
    async (_, grant) => {
      const run = runFor(grant, ran);
      expect(deletedBefore(await follows(run, directory, grant))).toEqual([]);
    },
  );
});
