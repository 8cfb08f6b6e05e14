/** Without any one right on API servers a run of the service is refused there, or does less, by the name of that right. */
import { beforeAll, expect, it } from 'vitest';
import { isRuleUsed } from './rbac-access.ts';
import { expectMissed, followAll, ran, rights } from './rbac-runs.ts';

beforeAll(followAll);

it('without one of its rights a run fails, or does less, by its name: each of them', async () => {
  expect(rights().length).toBeGreaterThan(10);
  // Not every run goes back, which is where pods are evicted.
  const used = [...ran.values()].flatMap(({ rules }) => rules);
  await expectMissed(rights().filter((right) => right.verb !== 'create' || isRuleUsed(right, used)));
});
