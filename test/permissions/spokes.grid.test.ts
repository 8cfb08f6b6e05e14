/** Without any one right of a role in another account a run of the service is refused, by the name of that right. */
import { beforeAll, describe, expect, it } from 'vitest';
import { follows } from './follow.ts';
import { nameOf } from './grants.ts';
import { runFor, unasked } from './proving.ts';
import { directory, followAll, grants, ran, title } from './spoke-proof-runs.ts';

beforeAll(followAll, 180_000);

describe('without one of its rights', () => {
  it.each(grants.map((grant) => [title(grant), grant] as const))('a run fails by its name: %s', async (_, grant) => {
    const run = runFor(grant, ran);
    const { denied } = await follows(grant.action === 'iam:PassRole' ? unasked(run) : run, directory, grant);
    expect(denied).toContain(nameOf(grant));
  });
});
