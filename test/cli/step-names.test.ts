import { describe, expect, it } from 'vitest';
import { isPerAttempt, lineName, NEXT_ATTEMPT, stepOfState, stepOrder, stepTitle } from '../../cli/step-names.ts';
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import { allMachines, migrateAddon } from '../lib/definition.ts';
import { words } from '../words.ts';

describe('the displayed steps', () => {
  it.each(allMachines)('cover every task and wait of $name', ({ states }) => {
    const namesOf = (...types: string[]): string[] =>
      Object.entries(states).flatMap(([name, { Type }]) => (types.includes(Type) ? [name] : []));
    const shown = namesOf('Task', 'Wait');
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.filter((name) => stepOfState(name) === undefined)).toEqual([]);
    expect(namesOf('Choice', 'Pass', 'Succeed', 'Fail').filter((name) => stepOfState(name) !== undefined)).toEqual([]);
  });

  it('know the state that begins the next attempt', () => expect(migrateAddon.states[NEXT_ATTEMPT]?.Type).toBe('Pass'));

  it('have titles', () => {
    for (const name of Object.keys(stepSchemas)) expect(stepTitle(name)).not.toBe(name);
    for (const name of words`
      verify-restored restart-restored confirm-ready restore-trust retire-trust-retire retire-trust-reinstate
      restore-addon-update restore-addon-delete restore-addon-create finish-rolled-back finish-needs-human
    `)
      expect(stepTitle(name)).not.toBe(name);
    expect(stepTitle('verify-pods-2')).toBe(`${stepTitle('verify-pods')} (round 2)`);
    expect(stepTitle('verify-pods.2')).toBe(`${stepTitle('verify-pods')} (attempt 2)`);
    expect(stepTitle('verify-restored.3-2')).toBe(`${stepTitle('verify-restored')} (attempt 3, round 2)`);
    expect(stepTitle('something-else')).toBe('something-else');
  });
});

describe('a step in the ledger', () => {
  it('has the position of its step in the workflow, in every attempt and round', () => {
    const names = ['finish-rolled-back', 'verify-restored.2', 'restore-addon-create', 'verify-pods.2-2', 'plan'];
    expect(names.toSorted((a, b) => stepOrder(a) - stepOrder(b))).toEqual(words`
      plan verify-restored.2 verify-pods.2-2 restore-addon-create finish-rolled-back
    `);
    expect([stepOrder('verify-pods'), stepOrder('verify-restored')]).toEqual([
      stepOrder('verify-pods-3'),
      stepOrder('verify-pods'),
    ]);
  });

  it('is named by its base name, attempt and round', () => {
    expect(lineName('verify-pods', { attempt: 1, round: 1 })).toBe('verify-pods');
    expect(lineName('verify-pods', { attempt: 2, round: 3 })).toBe('verify-pods.2-3');
    expect((['confirm-ready', 'verify-restored'] as const).map(isPerAttempt)).toEqual([true, false]);
    expect((Object.keys(stepSchemas) as StepName[]).filter(isPerAttempt)).toEqual(words`
      delete-addon await-deleted create-addon update-addon create-association await-active carry-over verify-pods
      restart-pods
    `);
  });
});
