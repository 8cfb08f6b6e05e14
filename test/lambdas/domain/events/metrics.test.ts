import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES } from '../../../../lambdas/domain/failures/errors.ts';
import { sweepOutcome } from '../../../../lambdas/domain/sweep/model.ts';
import { failureMetric, outcomeMetric, SERVICE_METRICS } from '../../../../lambdas/domain/events/metrics.ts';
import { OUTCOMES } from '../../../../lambdas/domain/terms/outcome.ts';

describe('failureMetric', () => {
  it('counts only throttling among the errors of the service', () => {
    expect(Object.keys(ERROR_CLASSES).filter((name) => failureMetric(name, true) !== undefined)).toEqual(['Throttled']);
    expect(failureMetric('Throttled', true)).toBe('throttled-call');
  });

  it.each(['TypeError', 'ZodError', 'Throttled', 'AddonNotActive'])(
    'counts a %s that the service did not throw',
    (name) => expect(failureMetric(name, false)).toBe('unexpected-error'),
  );
});

it('metrics of the service include each outcome, and no error by its name', () => {
  for (const outcome of OUTCOMES) expect(SERVICE_METRICS).toContain(outcomeMetric(outcome));
  expect(Object.keys(ERROR_CLASSES).filter((name) => SERVICE_METRICS.has(name))).toEqual([]);
  expect(SERVICE_METRICS.size).toBe(OUTCOMES.length + sweepOutcome.options.length + 11);
});
