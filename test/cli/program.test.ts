import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { runProgram as run } from './run-program.ts';

const errorDocument = z.strictObject({
  error: z.strictObject({ name: z.string(), message: z.string(), hint: z.string().min(1) }),
});

describe('the program', () => {
  it('prints its version', async () =>
    expect(await run('--version')).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' }));

  it('explains its commands and exit codes', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const text of [
      'plan',
      'migrate',
      'rollback',
      'cancel',
      'release',
      'show',
      'hand-off',
      'retire',
      'trust',
      'demo',
      '5  needs-human',
      '--sandbox sandbox/scenarios/ebs-csi-irsa.json',
    ])
      expect(out).toContain(text);
  });

  it('explains every flag of migrate', async () => {
    const { out } = await run('migrate', '--help');
    for (const flag of [
      'cluster',
      'addon',
      'region',
      'account',
      'strategy',
      'preserve',
      'max-disruption',
      'role-arn',
      'role <',
      'accept <',
      'reason',
      'resolve-conflicts',
      'trust',
      'dry-run',
      'sandbox',
      'state',
      'deployed',
      'seed',
      'clock',
      'calls',
      'json',
    ]) {
      expect(out).toContain(`--${flag}`);
    }
  });

  it.each(['rollback', 'cancel', 'release', 'show', 'retire'])(
    'explains %s: where the migration is, and its exit codes',
    async (command) => {
      const { code, out } = await run(command, '--help');
      expect(code).toBe(0);
      for (const text of ['<migration-id>', '--state', '--deployed', 'Exit codes:']) expect(out).toContain(text);
    },
  );

  it('explains retire: a dry run unless it is applied, and when it is refused', async () => {
    const { out } = await run('retire', '--help');
    for (const text of [
      '--apply',
      '--soak-days <n>',
      '--undo',
      '--reason',
      'Without --apply, it only shows',
      '3  refused',
    ])
      expect(out).toContain(text);
  });

  it.each(['check', 'repair'])('explains trust %s: its flags and exit codes', async (command) => {
    const { code, out } = await run('trust', command, '--help');
    expect(code).toBe(0);
    for (const text of [
      '--policy',
      '--role-arn',
      '--cluster-arn',
      '--namespace',
      '--service-account',
      '--oidc-issuer',
      '--disable-session-tags',
      '--accept <kind:name>',
      'condition-key  KEY: ',
      '--sandbox',
      '--state',
      'Exit codes',
      '  2  the policy is invalid',
    ])
      expect(out).toContain(text);
    expect(out).toContain(command === 'check' ? '--batch <file>' : '--dry-run');
  });

  it.each([
    [[], ['migration-id', '--format', '--cluster', '--addon', '--namespace', '--state', '--deployed', '--sandbox']],
    [['patch'], ['--terraform <directory>', '--write', '3  something is left to a person']],
    [['check'], ['--terraform <directory>', '3  the code does not match']],
  ])('explains hand-off %j: its flags and exit codes', async (command, texts) => {
    const { code, out } = await run('hand-off', ...command, '--help');
    expect(code).toBe(0);
    for (const text of [...texts, 'Exit codes:', 'however that came about']) expect(out).toContain(text);
  });

  it('without a subcommand prints the help of the group, and fails', async () => {
    const { code, out, err } = await run('trust');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Usage: pod-identity trust [^]*check \[options\][^]*repair \[options\]/);
    expect(err).not.toContain('error:');
  });

  it.each([
    [['trust', 'chek'], /unknown command 'chek'.*\n.*Did you mean check/, 'trust --help'],
    [['trust', 'check', '--polcy', 'x'], /unknown option '--polcy'/, 'trust check --help'],
    [
      ['trust', 'repair'],
      /--cluster-arn is missing[^]*--namespace is missing[^]*--service-account is missing/,
      'trust repair --help',
    ],
    [
      ['retire', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--state', 'w.json', '--soak-days', '400'],
      /--soak-days "400" must be a whole number of days from 0 to 365/,
      'retire --help',
    ],
  ])('%j is bad input, and names the help', async (argv, message, help) => {
    const { code, err } = await run(...argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).toContain(`See: npm run --silent pod-identity -- ${help}\n`);
  });

  it('without a command prints its help and fails', async () => {
    const { code, err } = await run();
    expect(code).toBe(2);
    expect(err).toContain('Usage: pod-identity');
  });

  it.each([
    [['migrate', '--clutser', 'demo'], /unknown option '--clutser'.*\n.*--cluster/],
    [['migrate', '--accept-image', 'a:1'], /--accept-image was replaced by --accept/],
    [['migrait'], /unknown command 'migrait'/],
    [['migrate', '--cluster'], /argument missing/],
    [['migrate', 'demo'], /too many arguments/],
    [['migrate', '--sandbox', 'a.json'], /--cluster is missing[^]*--addon is missing/],
    [['migrate', '--cluster', 'demo', '--addon', 'vpc-cni'], /neither --sandbox FILE/],
    [['rollback'], /missing required argument 'migration-id'/],
    [['show', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--sandbox', 'a.json'], /starts afresh with every command/],
    [['release', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--sandbox', 'a.json'], /starts afresh with every command/],
    [['release', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A'], /--state FILE nor --deployed is given/],
    [['cancel', 'x', '--state', 'w.json'], /the migration id "x" must be a ULID/],
    [['rollback', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--state', 'nowhere.json'], /--state nowhere\.json does not exist/],
  ])('%j is bad input', async (argv, message) => {
    const plain = await run(...argv);
    expect(plain).toMatchObject({ code: 2, out: '' });
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
