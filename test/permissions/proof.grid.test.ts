/** Without any one of its rights a run of the service is refused, by the name of that right. */
import { beforeAll, describe, expect, it } from 'vitest';
import { follows } from './follow.ts';
import { nameOf, titleOf } from './grants.ts';
import { directory, followAll, grants, ran } from './proof-runs.ts';
import { runFor, unasked } from './proving.ts';

beforeAll(followAll);

describe('without one of its rights', () => {
  it.each(grants.map((grant) => [titleOf(grant), grant] as const))(
    'a run fails by its name: %s',
    async (_title, grant) => {
      const run = runFor(grant, ran);
      const { denied } = await follows(grant.action === 'iam:PassRole' ? unasked(run) : run, directory, grant);
      expect(denied).toContain(nameOf(grant));
    },
  );
});
