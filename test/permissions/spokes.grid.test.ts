/**
 * Every run with the roles in another account has the rights that it needs, and without any one of them a run is
 * refused, by the name of that right.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { follows } from './follow.ts';
import { nameOf, titleOf } from './grants.ts';
import { runFor, unasked } from './proving.ts';
import { directory, followAll, grants, ran } from './spoke-proof-runs.ts';
import { SPOKE_RUNS as RUNS } from './spoke-runs.ts';

beforeAll(() => followAll(RUNS));

describe('the rights of the roles in other accounts', () => {
  it.each(RUNS)('are enough: $name', (run) => {
    expect(ran.get(run)).toMatchObject({ denied: [], refusals: [], failures: [], forbidden: [], ends: run.ends });
  });
});

describe('without one of its rights', () => {
  it.each(grants.map((grant) => [titleOf(grant), grant] as const))('a run fails by its name: %s', async (_, grant) => {
    const run = runFor(grant, ran);
    const { denied } = await follows(grant.action === 'iam:PassRole' ? unasked(run) : run, directory, grant);
    expect(denied).toContain(nameOf(grant));
  });
});
