import { describe, expect, it } from 'vitest';
import { stepOfState, stepTitle } from '../../cli/step-names.ts';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { statesOfType } from '../lib/definition.ts';

describe('the steps that are shown', () => {
  it('cover every task and wait of the state machine', () => {
    const names = [...statesOfType('Task'), ...statesOfType('Wait')].map(([name]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => stepOfState(name) === undefined)).toEqual([]);
    expect(statesOfType('Choice').map(([name]) => stepOfState(name))).toEqual([undefined, undefined]);
  });

  it('have names for people', () => {
    for (const name of Object.keys(stepSchemas)) expect(stepTitle(name)).not.toBe(name);
    expect(stepTitle('verify-pods-2')).toBe(`${stepTitle('verify-pods')} (round 2)`);
    expect(stepTitle('something-else')).toBe('something-else');
  });
});
