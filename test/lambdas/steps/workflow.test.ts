/**
 * The whole workflow and the rollback over the fakes, without faults and with a fault at each call of each step: a
 * single transient fault never changes how a migration ends. `workflow.grid.test.ts` combines each case with each fault.
 */
import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES } from '../../../lambdas/domain/failures/errors.ts';
import { MIGRATION_ID } from '../fixtures.ts';
import { migrate } from './machine.ts';
import { cases, expectEnd, newWorld, workflowOf } from './workflow-cases.ts';
import { strikeFirst } from './workflow-faults.ts';

describe.each(cases)('$name', (one) => {
  it(`ends ${one.outcome}`, async () => {
    const fakes = newWorld(one);
    expect(await migrate(fakes, one.request)).toBe(one.outcome);
    await expectEnd(fakes, one);
    const lines = await fakes.ledger.listSteps(MIGRATION_ID);
    expect([lines[0]?.name, lines.map((line) => line.name)]).toEqual(['plan', expect.arrayContaining(one.lines ?? [])]);
    expect(
      lines.filter((line) => line.error && ERROR_CLASSES[line.error.name as keyof typeof ERROR_CLASSES] !== 'terminal'),
    ).toEqual([]);
  });
});

it.each([
  ['before', 'read'],
  ['after', 'change'],
] as const)('a fault %s the effect of each %s of each step, once, leaves every end as it is', async (...[moment]) =>
  expect(await strikeFirst(moment, cases.map(workflowOf))).toBeGreaterThan(50),
);
