import { describe, expect, it } from 'vitest';
import { ArgumentError, UsageRequest } from '../../../conformance/flags.ts';
import { DEFAULT_COUNT, readOrder } from '../../../conformance/pods/arguments.ts';

const NOW = new Date('2026-11-29T10:00:00Z');

describe('the flags of the part pods', () => {
  it('run everything, with the seed of the day, without any', () =>
    expect(readOrder([], NOW)).toEqual({
      selected: ['webhook', 'recorded', 'generated'],
      seed: 20261129,
      count: DEFAULT_COUNT,
      brief: false,
      whole: true,
    }));

  it('select, in the order in which things run', () => {
    const order = readOrder(
      ['--only', 'generated', '--only', 'webhook', '--seed', '7', '--count', '20', '--brief'],
      NOW,
    );
    expect(order).toEqual({ selected: ['webhook', 'generated'], seed: 7, count: 20, brief: true, whole: false });
  });

  it('are no whole run with fewer pods, in which a reason may explain nothing', () => {
    expect(readOrder(['--count', '10'], NOW)).toMatchObject({ whole: false });
    expect(readOrder(['--count', '9000'], NOW)).toMatchObject({ whole: true });
  });

  it.each([
    [['--what']],
    [['--only', 'other']],
    [['--count', '0']],
    [['--count', '1.5']],
    [['--count', '1000001']],
    [['--seed', 'x']],
    [['pods']],
  ])('%j are refused, with the usage', (args) => {
    expect(() => readOrder(args, NOW)).toThrow(ArgumentError);
    expect(() => readOrder(args, NOW)).toThrow(/^.+\.\nUsage:\n/);
  });

  it('print the usage', () => expect(() => readOrder(['--help'], NOW)).toThrow(UsageRequest));
});
