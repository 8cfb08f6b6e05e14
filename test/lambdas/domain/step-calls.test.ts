import { describe, expect, it } from 'vitest';
import { patienceOf, STEP_CALLS } from '../../../lambdas/domain/step-calls.ts';
import { stepSchemas } from '../../../lambdas/steps/schemas.ts';

describe('the calls of steps', () => {
  it('are of steps that exist', () => {
    for (const name of Object.keys(STEP_CALLS)) expect(Object.keys(stepSchemas)).toContain(name);
  });

  it('never have the way back wait, nor what follows a delete', () => {
    for (const name of Object.keys(STEP_CALLS)) expect(patienceOf(name, true)).toBe('goes-on');
    for (const name of ['await-deleted', 'create-addon', 'assess-rollback', 'restore-addon', 'restore-associations'])
      expect(patienceOf(name, false)).toBe('goes-on');
  });

  it('have a step that is not known wait for seconds, and never come back', () => {
    expect(patienceOf('api', false)).toBe('waits');
  });
});
