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
    for (const text of ['plan', 'migrate', 'rollback', 'cancel', 'release', 'show', 'demo', '5  needs-human', '--sandbox sandbox/scenarios/ebs-csi-irsa.json']) expect(out).toContain(text);
  });

  it('explains every flag of migrate', async () => {
    const { out } = await run('migrate', '--help');
    for (const flag of ['cluster', 'addon', 'region', 'account', 'strategy', 'preserve', 'max-disruption', 'role-arn', 'role <', 'reason', 'resolve-conflicts', 'dry-run', 'sandbox', 'state', 'deployed', 'seed', 'clock', 'calls', 'json']) {
      expect(out).toContain(`--${flag}`);
    }
  });

  it.each(['rollback', 'cancel', 'release', 'show'])('explains %s: where the migration is, and its exit codes', async (command) => {
    const { code, out } = await run(command, '--help');
    expect(code).toBe(0);
    for (const text of ['<migration-id>', '--state', '--deployed', 'Exit codes:']) expect(out).toContain(text);
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
    [['rollback'], /missing required argument 'migration-id'/],
    [['show', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--sandbox', 'a.json'], /begins anew with every command/],
    [['release', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--sandbox', 'a.json'], /begins anew with every command/],
    [['release', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A'], /no --state FILE and no --deployed/],
    [['cancel', 'x', '--state', 'w.json'], /the migration "x" must be a ULID/],
    [['rollback', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--state', 'nowhere.json'], /--state nowhere\.json: there is no such file/],
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
