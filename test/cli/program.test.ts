import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { main } from '../../cli/program.ts';
import manifest from '../../package.json' with { type: 'json' };
import { collectingIo } from './fixtures.ts';

const run = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
  const io = collectingIo();
  const code = await main(argv, io);
  return { code, out: io.out(), err: io.err() };
};

const errorDocument = z.strictObject({ error: z.strictObject({ name: z.string(), message: z.string(), hint: z.string().min(1) }) });

describe('the program', () => {
  it('prints its version', async () => {
    expect(await run('--version')).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' });
  });

  it('explains its commands and exit codes', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const text of ['plan', 'migrate', 'demo', '5  needs-human', '--sandbox sandbox/scenarios/ebs-csi-irsa.json']) expect(out).toContain(text);
  });

  it('explains every flag of migrate', async () => {
    const { out } = await run('migrate', '--help');
    for (const flag of ['cluster', 'addon', 'region', 'account', 'strategy', 'preserve', 'role-arn', 'resolve-conflicts', 'dry-run', 'sandbox', 'seed', 'clock', 'calls', 'json']) {
      expect(out).toContain(`--${flag}`);
    }
  });

  it('without a command prints its help and is not content', async () => {
    const { code, err } = await run();
    expect(code).toBe(2);
    expect(err).toContain('Usage: pod-identity');
  });

  it.each([
    [['migrate', '--clutser', 'demo'], /unknown option '--clutser'.*\n.*--cluster/],
    [['migrait'], /unknown command 'migrait'/],
    [['migrate', '--cluster'], /argument missing/],
    [['migrate', 'demo'], /too many arguments/],
    [['migrate', '--sandbox', 'a.json'], /--cluster is missing[^]*--addon is missing/],
    [['migrate', '--cluster', 'demo', '--addon', 'vpc-cni'], /no --sandbox FILE/],
  ])('%j is bad input', async (argv, message) => {
    const plain = await run(...argv);
    expect(plain.code).toBe(2);
    expect(plain.out).toBe('');
    expect(plain.err).toMatch(message);
    expect(plain.err).toMatch(/^error: .*/);
    expect(plain.err).toMatch(/\nhint: {2}\S/);
    expect(plain.err).not.toMatch(/\n {4}at /);

    const json = await run(argv[0]!, '--json', ...argv.slice(1));
    expect(json.code).toBe(2);
    expect(errorDocument.parse(JSON.parse(json.out)).error.message).toMatch(message);
    expect(json.err).toBe('');
  });
});
