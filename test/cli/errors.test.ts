import { describe, expect, it } from 'vitest';
import { CliError, reportError } from '../../cli/errors.ts';
import { collectingIo } from './fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

const tell = (
  error: unknown,
  options: { json?: boolean; debug?: boolean } = {},
): { code: number; out: string; err: string } => {
  const io = collectingIo();
  const code = reportError(error, io, { json: false, debug: false, ...options });
  return { code, out: io.out(), err: io.err() };
};

describe('an error', () => {
  it('that is known shows what is wrong and what to do, each on its own line', () =>
    expect(tell(new CliError('BadOption', 'this is wrong', 'do that\nor that'))).toEqual({
      code: 2,
      out: '',
      err: 'error: this is wrong\nhint:  do that\n       or that\n',
    }));

  it('that is unexpected is one line without a stack trace, and shows how to get one', () => {
    const { code, err } = tell(new TypeError('x is not a function\nat somewhere'));
    expect(code).toBe(1);
    expect(err).toMatch(/^error: .*TypeError: x is not a function\nhint: {2}.*--debug.*\n$/);
  });

  it('shows its stack with --debug', () =>
    expect(tell(new TypeError('broken'), { debug: true }).err).toMatch(/TypeError: broken\n {4}at /));

  it('may be anything that was thrown', () => expect(tell('just text').err).toContain('just text'));

  it('is one JSON document with --json, only on stdout', () => {
    const { out, err } = tell(new Error('broken'), { json: true });
    expect(JSON.parse(out)).toEqual({
      error: { name: 'UnexpectedError', message: containing('broken'), hint: containing('--debug') },
    });
    expect(err).toBe('');
  });
});
