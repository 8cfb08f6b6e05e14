/** `migrate-workload`: its flags, the request built from them, and the command that repeats it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseWorkloadFlags } from '../../cli/options.ts';
import { backendOfMigration } from '../../cli/backend-options.ts';
import { migrateWorkloadCommand, workloadRequestFrom } from '../../cli/request.ts';
import { errorOf, ROLE, TARGET, words } from './fixtures.ts';
import { DEFAULT_FLAGS, DEFAULT_REQUEST, GIVEN_FLAGS, GIVEN_REQUEST } from './options-fixtures.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram as run } from './run-program.ts';
import { anError, matching } from '../lambdas/matchers.ts';

const GOOD = { cluster: 'demo', namespace: 'payments', serviceAccount: 'api', sandbox: 'a.json' };
const SCENARIO = 'sandbox/scenarios/service-account-irsa.json';

const directory = scratchDirectory();

describe('flags', () => {
  it('have defaults', () =>
    expect(parseWorkloadFlags(GOOD)).toEqual({ ...GOOD, ...DEFAULT_FLAGS, annotation: 'keep' }));

  it.each([
    ['annotation', 'remove', 'remove'],
    ['annotation', 'keep', 'keep'],
    ['maxDisruption', 'outage', 'outage'],
    ['roleArn', ROLE, ROLE],
    ['trust', 'repair', 'repair'],
    ['verification', 'api', 'api'],
    ['verification', 'injected', 'injected'],
    ['agent', 'install', 'install'],
    ['serviceAccount', 'my.api-2', 'my.api-2'],
    ['seed', '7', 7],
  ])('%s %s is accepted', (name, given, read) =>
    expect(parseWorkloadFlags({ ...GOOD, [name]: given })).toHaveProperty(name, read),
  );

  it.each([
    ['cluster', undefined, /^--cluster is missing: specify the EKS cluster$/],
    ['namespace', undefined, /^--namespace is missing: specify the namespace of the service account$/],
    [
      'serviceAccount',
      undefined,
      /^--service-account is missing: specify the service account, as kubectl get serviceaccounts lists it$/,
    ],
    ['namespace', '', /^--namespace "" must be the name of a Kubernetes namespace/],
    ['namespace', 'Payments', /^--namespace "Payments" must be/],
    ['namespace', 'a.b', /^--namespace "a\.b" must be/],
    ['serviceAccount', 'payments/api', /^--service-account "payments\/api" must be the name of a Kubernetes service/],
    ['serviceAccount', 'api,web', /^--service-account "api,web" must be/],
    ['annotation', 'delete', /^--annotation "delete" must be keep or remove$/],
    ['maxDisruption', 'none', /^--max-disruption "none" must be rolling or outage$/],
    ['roleArn', 'api', /^--role-arn "api" must be an IAM role ARN/],
    ['verification', 'none', /^--verification "none" must be injected, ready or api$/],
    ['verification', 'used', /^--verification "used" must be injected, ready or api$/],
    ['accept', ['unknown-credentials:api'], /^--accept .*must be unknown-credentials:WORKLOAD\/CONTAINER, such as /],
    [
      'accept',
      ['identity-loss:api'],
      /has kind identity-loss, which applies only to migrations of add-ons and sweeps: leave it out$/,
    ],
    ['accept', ['image:a b'], /^--accept .*must be image:IMAGE, such as /],
    ['accept', ['consumer:shop/aws/x/y'], /^--accept .*must be consumer:KIND\/NAMESPACE\/NAME, KIND\/NAME or /],
    ['accept', ['target-role:data'], /^--accept .*must be target-role:ARN, such as /],
    ['accept', ['network-policy:deny'], /^--accept .*must be network-policy:KIND\/NAMESPACE\/NAME or KIND\/NAME, /],
    ['agent', 'add', /^--agent "add" must be require or install$/],
    ['reason', 'a\u001b[31mb', /^--reason "/],
  ])('%s %j is refused with the flag and what it must be', (name, given, message) =>
    expect(errorOf(() => parseWorkloadFlags({ ...GOOD, [name]: given }))).toMatchObject({
      message: matching(message),
      exitCode: 2,
      hint: 'See: npm run --silent pod-identity -- migrate-workload --help',
    }),
  );

  it('are all reported at once, and nothing is started', async () => {
    const calls = join(directory, 'calls.jsonl');
    const state = join(directory, 'world.json');
    const flags = words`--namespace Bad --annotation drop --trust fix --sandbox ${SCENARIO} --state ${state} --calls ${calls}`;
    const { code, out, err } = await run('migrate-workload', ...flags);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.split('\n').map((line) => line.split(/ (?:must|is) /)[0])).toEqual([
      'error: --cluster',
      '--namespace "Bad"',
      '--service-account',
      '--annotation "drop"',
      '--trust "fix"',
      'hint:  See: npm run --silent pod-identity -- migrate-workload --help',
      '',
    ]);
    const json = await run('migrate-workload', ...flags, '--json');
    expect([json.code, json.err]).toEqual([2, '']);
    expect(JSON.parse(json.out)).toMatchObject({ error: anError('BadOption', '--service-account is missing') });
    expect([existsSync(calls), existsSync(state)]).toEqual([false, false]);
  });

  it.each([
    [['migrate-workload', '--cluster', 'demo', '--addon', 'vpc-cni'], "unknown option '--addon'"],
    [['migrate-workload', '--cluster', 'demo', '--strategy', 'recreate'], "unknown option '--strategy'"],
    [['migrate-workload', 'payments/api'], 'too many arguments'],
    [
      ['migrate-workload', '--cluster', 'demo', '--namespace', 'payments', '--service-account', 'api'],
      'neither --sandbox FILE nor --deployed is given',
    ],
    [
      words`migrate-workload --cluster demo --namespace payments --service-account api --deployed --sandbox a.json`,
      '--deployed cannot be combined with --sandbox',
    ],
    [['migrate', '--cluster', 'demo', '--addon', 'vpc-cni', '--namespace', 'payments'], "unknown option '--namespace'"],
    [
      ['migrate', '--cluster', 'demo', '--addon', 'vpc-cni', '--service-account', 'api'],
      "unknown option '--service-account'",
    ],
    [['migrate', '--cluster', 'demo', '--addon', 'vpc-cni', '--annotation', 'remove'], "unknown option '--annotation'"],
    [
      ['plan', '--cluster', 'demo', '--addon', 'payments/api', '--sandbox', 'a.json'],
      '--addon "payments/api" must be an EKS add-on name',
    ],
  ])('%j is bad input', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toMatch(/\nhint: {2}\S/);
  });

  it('are explained in the help, with the exit codes', async () => {
    const { code, out } = await run('migrate-workload', '--help');
    expect(code).toBe(0);
    for (const flag of words`cluster namespace service-account annotation max-disruption role-arn trust accept verification
      agent reason dry-run sandbox state deployed seed clock calls json`)
      expect(out).toContain(`--${flag}`);
    for (const flag of ['addon', 'strategy', 'preserve', 'resolve-conflicts']) expect(out).not.toContain(`--${flag} `);
    expect(out).toContain('  4  rolled-back: the former state is restored');
  });

  it('select the backend, as those of migrate do', () => {
    const sessionOf = (change: Record<string, unknown>) =>
      backendOfMigration(parseWorkloadFlags({ ...GOOD, sandbox: undefined, ...change }));
    expect(sessionOf({ sandbox: 'a.json', state: 'w.json', seed: '7' })).toEqual({
      kind: 'state',
      file: 'w.json',
      scenario: 'a.json',
      seed: 7,
    });
    expect(sessionOf({ deployed: true })).toEqual({ kind: 'deployed' });
  });
});

describe('the request', () => {
  const request = (change: Record<string, unknown> = {}): unknown =>
    workloadRequestFrom(parseWorkloadFlags({ ...GOOD, ...change }), TARGET, 'me');
  const plain = { ...DEFAULT_REQUEST, serviceAccount: { namespace: 'payments', name: 'api' } };

  it('leaves options that were not given to the service', () => expect(request()).toEqual(plain));

  it('contains the given options', () =>
    expect(request({ ...GIVEN_FLAGS, annotation: 'remove', roleArn: ROLE, dryRun: true })).toEqual({
      ...plain,
      ...GIVEN_REQUEST,
      annotation: 'remove',
      roleArn: ROLE,
      dryRun: true,
    }));

  it('is turned into the command that carries out the plan, quoted for a shell', () => {
    const command = (change: Record<string, unknown>): string =>
      migrateWorkloadCommand(parseWorkloadFlags({ ...GOOD, dryRun: true, json: true, calls: 'c.jsonl', ...change }));
    const start =
      'npm run --silent pod-identity -- migrate-workload --cluster demo --namespace payments --service-account api';
    expect(command({})).toBe(`${start} --sandbox a.json`);
    expect(
      command({
        account: '111122223333',
        region: 'eu-west-1',
        annotation: 'remove',
        maxDisruption: 'outage',
        roleArn: ROLE,
        trust: 'repair',
        verification: 'api',
        agent: 'install',
        accept: [
          'condition-key:aws:SourceIp',
          'condition-key:aws:RequestTag/my$key',
          'owner:flux',
          'owner:kro',
          'consumer:system:serviceaccount:*:api',
        ],
        iac: 'helm',
        reason: "it's $HOME; `time`",
        seed: '7',
        sandbox: 'my worlds/a.json',
        state: 'w (1).json',
      }),
    ).toBe(
      `${start} --account 111122223333 --region eu-west-1 --annotation remove --max-disruption outage --role-arn ${ROLE} --trust repair --verification api --agent install --iac helm --accept condition-key:aws:SourceIp --accept 'condition-key:aws:RequestTag/my$key' --accept owner:flux --accept owner:kro --accept 'consumer:system:serviceaccount:*:api' --reason 'it'\\''s $HOME; \`time\`' --seed 7 --sandbox 'my worlds/a.json' --state 'w (1).json'`,
    );
    expect(command({ sandbox: undefined, deployed: true })).toBe(`${start} --deployed`);
  });
});
