/**
 * Each migration of an add-on, forwards and back, with a fault at each of its calls, unless one before it has made the same
 * calls.
 */
import { describe, expect, it } from 'vitest';
import { MOMENTS } from '../../faults/contract.ts';
import { cases, workflowOf } from './workflow-cases.ts';
import { inNewHistories, strikeWorkflow } from './workflow-faults.ts';

const choose = inNewHistories();

describe.each(cases)('$name', (one) => {
  it.each(MOMENTS)('ends so too with a fault %s the effect of any one call', async (kind) =>
    expect(await strikeWorkflow(kind, workflowOf(one), choose)).toBeGreaterThan(3),
  );
});
