import { describe, expect, it } from 'vitest';
import { ArgumentError, UsageRequest } from '../../../conformance/flags.ts';
import { readOrder, USAGE } from '../../../conformance/step-functions/arguments.ts';

describe('the flags of step-functions', () => {
  it('run everything without any', () => {
    expect(readOrder([])).toEqual({ seed: 0, count: 300, brief: false, whole: true });
    expect(readOrder(['--brief'])).toMatchObject({ brief: true, whole: true });
  });

  it('keep no results of a selection', () => {
    for (const args of [
      ['--seed', '7'],
      ['--count', '20'],
      ['--definition', 'Sweep'],
    ])
      expect(readOrder(args)).toMatchObject({ whole: false });
  });

  it('show the usage', () => expect(() => readOrder(['--help'])).toThrow(UsageRequest));

  it.each([
    [['--only', 'x'], "Unknown option '--only'", USAGE],
    [['--count', '0'], '--count 0: it must be a whole number from 1', USAGE],
    [['--seed', 'x'], '--seed x: it must be a whole number from 0', USAGE],
    [['--definition', 'Rollback'], 'there is no state machine', 'Use one of: MigrateAddon, Recover, Retire, Sweep'],
  ])('refuse %j with what to do next', (args, what, next) => {
    expect(() => readOrder(args)).toThrow(ArgumentError);
    expect(() => readOrder(args)).toThrow(what);
    expect(() => readOrder(args)).toThrow(next);
  });
});
