/** Plans and identities with the caller's own credentials: a served sandbox plays AWS, through AWS_ENDPOINT_URL alone. */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { credentialsOf, issueAccessKey } from '../../sandbox/sts/access-keys.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';
import { report as identitiesReport } from '../../lambdas/domain/identities/model.ts';
import type { MigrationReport } from '../../lambdas/domain/migration/model.ts';
import type { Overview } from '../../lambdas/domain/overview/model.ts';
import { parseScenario } from '../../sandbox/world/load.ts';
import { ADDON, scenarioFile, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { type AwsWorld, openAwsWorld, type Ran } from './aws-world.ts';
import { words } from './fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

const READER = 'arn:aws:iam::111122223333:role/people/reader';
const OPERATOR = 'arn:aws:iam::111122223333:role/operator';
const PLAN = ['plan', '--cluster', TARGET.cluster, '--addon', ADDON];

const builtIn = (name: string): Scenario => parseScenario(readFileSync(scenarioFile(name), 'utf8'), scenarioFile(name));

/** The policy of docs/plan.md. */
const documented = (): { Statement: { Sid: string; Action: string[] }[] } => {
  const [, text = ''] = /```json\n([^]*?)```/.exec(readFileSync('docs/plan.md', 'utf8')) ?? [];
  return JSON.parse(text) as ReturnType<typeof documented>;
};
const actionsIn = ({ Statement }: ReturnType<typeof documented>): string[] => Statement.flatMap(({ Action }) => Action);

/** Adds a role with a policy, by default the documented one; `access`: to the API server. */
const withReader = (
  scenario: Scenario,
  { without = [], access = true }: { without?: string[]; access?: boolean } = {},
): Scenario => {
  const policy = documented();
  for (const statement of policy.Statement)
    statement.Action = statement.Action.filter((action) => !without.includes(action));
  const [account] = scenario.accounts;
  account!.roles.push({
    arn: READER,
    trustPolicy: { Version: '2012-10-17', Statement: [] },
    policies: [{ name: 'reader', document: { ...policy } }],
    attachedPolicies: [],
    tags: {},
    createdAt: '2024-01-01T00:00:00.000Z',
  });
  if (!access) return scenario;
  for (const cluster of account!.clusters)
    cluster.accessEntries = [
      ...[OPERATOR, READER].map((principalArn) => ({
        principalArn,
        type: 'STANDARD' as const,
        kubernetesGroups: [],
        policies: [
          {
            policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy',
            accessScope: { type: 'cluster' as const },
          },
        ],
        tags: {},
      })),
      {
        principalArn: cluster.nodeRoleArn ?? `arn:aws:iam::${account!.id}:role/${cluster.name}-nodes`,
        type: 'EC2_LINUX' as const,
        kubernetesGroups: [],
        policies: [],
        tags: {},
      },
    ];
  return scenario;
};

/** The variables with a role's credentials. */
const asRole = ({ backend }: AwsWorld, arn: string): Record<string, string> => {
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentialsOf(backend.sandbox.world, arn, 'ann');
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken };
};

let world: AwsWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});
const open = async (scenario?: Scenario): Promise<AwsWorld> => (world = await openAwsWorld(scenario));

/** The calls of the program, without those of the service that runs in the same world. */
const own = ({ calls }: Ran, caller: string): Ran['calls'] => calls.filter((call) => call.caller.startsWith(caller));
/** Asserts that nothing was changed, in AWS, in the cluster and in the ledger. */
const expectReadOnly = (ran: Ran, caller = OPERATOR): void => {
  const calls = own(ran, caller);
  expect(calls.length).toBeGreaterThan(5);
  expect(calls.filter(({ mutating }) => mutating)).toEqual([]);
  expect(new Set(calls.map(({ service }) => service))).toEqual(new Set(['sts', 'eks', 'iam', 'kubernetes']));
};

const reportIn = ({ out }: Ran): MigrationReport => JSON.parse(out) as MigrationReport;
const checkIn = (ran: Ran, id: string) => reportIn(ran).plan?.checks.find((check) => check.id === id);

describe('the plan of an add-on', () => {
  it('names first who reads what, and changes nothing', async () => {
    const aws = await open();
    const ran = await aws.run(...PLAN);
    expect(ran.code).toBe(0);
    expect(ran.err).toBe(
      `Reading account 111122223333 in eu-west-1 as arn:aws:sts::111122223333:assumed-role/operator/sandbox, at ${aws.variables['AWS_ENDPOINT_URL']!}. Nothing is changed.\n`,
    );
    expectReadOnly(ran);
    expect(ran.out).toContain('✔ planned  aws-ebs-csi-driver on reliability-dev');
    // What to do next: first the rehearsal, then the real thing.
    expect(ran.out).toMatch(
      /record --cluster reliability-dev > twin\.json\n.*migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox twin\.json\n.*deploy the service[^\n]*\n.*--deployed\n$/,
    );
  });

  it.each([
    ['ebs-csi-irsa', TARGET.cluster, ADDON],
    ['trust-deny', 'payments-prod', ADDON],
    ['efs-csi-irsa', 'media-prod', 'aws-efs-csi-driver'],
  ])('is that of the step in %s, except for what only a deployment knows', async (name, cluster, addon) => {
    const aws = await open(builtIn(name));
    const region = aws.backend.sandbox.world.home.region;
    const argv = ['plan', '--cluster', cluster, '--addon', addon, '--json'];
    const here = await aws.runWith({ variables: { AWS_REGION: region } }, ...argv);
    const step = await aws.run(...argv, '--sandbox', `sandbox/scenarios/${name}.json`);
    const ofDeployment = ['lock-free', 'step-rights', 'pass-role', 'kubernetes-access'];
    const comparable = (ran: Ran) => {
      const { plan, outcome } = reportIn(ran);
      const { checks, hash: _, forecast: __, ...rest } = plan!;
      return {
        outcome,
        ...rest,
        // The step leaves out the service's own access entries when it looks for node roles, and the time goes on.
        checks: checks
          .filter(({ id }) => !ofDeployment.includes(id))
          .map((check) => (['node-role', 'duration'].includes(check.id) ? { ...check, message: '' } : check)),
        blocking: checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id),
      };
    };
    expect(comparable(here)).toEqual(comparable(step));
    expect(here.code).toBe(step.code);
  });

  it("asks IAM about the caller's own role, with its path, and says so", async () => {
    const aws = await open(withReader(scenarioWith()));
    const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN, '--json');
    expect(ran.code).toBe(0);
    expect(checkIn(ran, 'step-rights')).toMatchObject({
      status: 'warn',
      message: containing(`so IAM was asked about your own role ${READER}. It may not make`),
    });
    expect(checkIn(ran, 'pass-role')).toMatchObject({
      status: 'warn',
      remedy: containing('pod-identity suggest-config --cluster reliability-dev'),
    });
    expect(checkIn(ran, 'lock-free')).toBeUndefined();
    // Rights of the caller exclude no attempt.
    expect(reportIn(ran).plan?.attempts.map(({ strategy }) => strategy)).toEqual(['in-place', 'recreate']);
    expectReadOnly(ran, READER);
  });

  it.each([
    [PLAN, 0],
    [['plan', '--cluster', TARGET.cluster], 0],
    [['plan', '--cluster', 'nowhere'], 2],
  ])('%j shows on a terminal that it reads', async (argv, code) => {
    const aws = await open();
    const drawn: string[] = [];
    const stderr = { write: (text: string) => drawn.push(text), isTTY: true, columns: 0 };
    expect((await aws.runWith({ io: { stderr } }, ...argv)).code).toBe(code);
    expect(drawn.join('')).toMatch(/Nothing is changed\.\n[^]*Reading cluster/);
    expect(drawn.join('').includes('does not exist')).toBe(code !== 0);
  });

  it('with --output yaml is the same document', async () => {
    const aws = await open();
    const [json, yaml] = [await aws.run(...PLAN, '--json'), await aws.run(...PLAN, '--output', 'yaml')];
    const { parse } = await import('yaml');
    const shown = (given: MigrationReport) => [given.outcome, given.plan?.hash, given.plan?.checks.length];
    expect(shown(parse(yaml.out) as MigrationReport)).toEqual(shown(reportIn(json)));
  });
});

describe('the plan of a service account', () => {
  it("is made with the caller's own credentials", async () => {
    const aws = await open(builtIn('service-account-irsa'));
    const ran = await aws.run(...words`plan --cluster payments-prod --namespace payments --service-account api`);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('✔ planned  payments/api on payments-prod');
    expect(ran.out).toMatch(
      /migrate-workload --cluster payments-prod --namespace payments --service-account api --sandbox/,
    );
    expectReadOnly(ran);
  });

  it('is also made in a sandbox', async () => {
    const aws = await open(builtIn('service-account-irsa'));
    const argv = ['plan', '--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'api'];
    const ran = await aws.run(...argv, '--sandbox', 'sandbox/scenarios/service-account-irsa.json', '--json');
    expect(reportIn(ran)).toMatchObject({ outcome: 'planned', serviceAccount: { namespace: 'payments', name: 'api' } });
  });
});

describe('permissions', () => {
  it('that docs/plan.md lists are all that is used, and each is used', async () => {
    const used = new Set<string>();
    const cases: [string, string[][]][] = [
      ['ebs-csi-irsa', [PLAN, [...PLAN, '--trust', 'repair'], ['plan', '--cluster', TARGET.cluster]]],
      ['node-role-lacks-right', []],
      ['role-chaining', []],
    ];
    for (const [name, commands] of cases) {
      const scenario = withReader(builtIn(name));
      const [account] = scenario.accounts;
      const [cluster] = account!.clusters;
      const [role] = account!.roles;
      cluster!.fargateProfiles = [{ name: 'batch', namespace: 'batch', labels: {} }];
      // Customer-managed and inline policies, which other scenarios do not have together.
      role!.attachedPolicies.push({
        arn: 'arn:aws:iam::111122223333:policy/own',
        document: { Version: '2012-10-17', Statement: [] },
      });
      role!.policies.push({ name: 'inline', document: { Version: '2012-10-17', Statement: [] } });
      const aws = await open(scenario);
      const all =
        commands.length > 0
          ? commands
          : cluster!.addons
              .filter(({ serviceAccountRoleArn }) => serviceAccountRoleArn !== undefined)
              .map((addon) => ['plan', '--cluster', cluster!.name, '--addon', addon.name]);
      for (const argv of all) {
        const ran = await aws.runWith({ variables: { ...asRole(aws, READER), AWS_REGION: cluster!.region } }, ...argv);
        expect([0, 3]).toContain(ran.code);
        expect(own(ran, READER).filter(({ status }) => status === 401 || status === 403)).toEqual([]);
      }
      for (const { principalArn, action } of aws.backend.sandbox.authorizer.uses())
        if (principalArn === READER) used.add(action);
      await aws.close();
    }
    world = undefined;
    expect([...used].filter((action) => !action.startsWith('sts:')).sort()).toEqual(actionsIn(documented()).sort());
  });

  it.each(['eks:DescribeCluster', 'eks:DescribeAddon', 'iam:GetRole'])(
    'without %s: an error names it',
    async (action) => {
      const aws = await open(withReader(scenarioWith(), { without: [action] }));
      const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN);
      expect(ran.code).toBe(3);
      for (const part of [`is not authorized to perform: ${action}`, 'docs/plan.md']) expect(ran.err).toContain(part);
      expect(ran.err).not.toMatch(/^\s+at /m);
    },
  );

  it.each([
    'iam:SimulatePrincipalPolicy',
    'eks:ListAccessEntries',
    'eks:ListCapabilities',
    'eks:ListFargateProfiles',
    'iam:ListRolePolicies',
  ])('without %s: still a plan', async (action) => {
    const aws = await open(withReader(scenarioWith(), { without: [action] }));
    const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN, '--json');
    expect([0, 3]).toContain(ran.code);
    expect(reportIn(ran).plan?.checks.length).toBeGreaterThan(10);
  });

  it('without access to the API server: blocked, with the command that gives access', async () => {
    const aws = await open(withReader(scenarioWith(), { access: false }));
    const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN, '--json');
    expect(ran.code).toBe(3);
    expect(checkIn(ran, 'kubernetes-access')).toMatchObject({
      status: 'unknown',
      remedy: containing(
        `aws eks create-access-entry --cluster-name reliability-dev --region eu-west-1 --principal-arn ${READER} --kubernetes-groups pod-identity-migrator:read`,
      ),
    });
    const whole = await aws.runWith({ variables: asRole(aws, READER) }, 'plan', '--cluster', TARGET.cluster, '--json');
    expect(whole.code).toBe(3);
    const overview = JSON.parse(whole.out) as Overview;
    expect(overview.items.find(({ name }) => name === ADDON)).toMatchObject({ identity: 'irsa', verdict: 'unknown' });
    expect(overview.unread).toMatchObject([{ what: 'service accounts, pods and workloads' }]);
  });
});

describe('credentials', () => {
  const expired = (aws: AwsWorld, expiresAt: number): Record<string, string> => {
    const key = issueAccessKey(aws.backend.sandbox.world, OPERATOR, { sessionName: 'ann', expiresAt });
    return {
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_SESSION_TOKEN: key.sessionToken!,
    };
  };

  it('that have expired: the command that logs in, and exit code 2', async () => {
    const aws = await open();
    for (const argv of [PLAN, ['plan', '--cluster', TARGET.cluster], ['identities', '--cluster', TARGET.cluster]]) {
      const ran = await aws.runWith({ variables: expired(aws, Date.now() - 1000) }, ...argv);
      expect(ran).toMatchObject({ code: 2, out: '' });
      expect(ran.err).toMatch(/have expired[^]*aws sso login/);
    }
  });

  /** A profile whose process gives credentials for twenty seconds; from its `most`th run on, it fails. */
  const withProcess = (aws: AwsWorld, most: number): Record<string, string | undefined> => {
    const script = join(aws.directory, 'credentials.mjs');
    const runs = join(aws.directory, 'runs');
    writeFileSync(
      script,
      `import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(runs)}, 'x');
if (readFileSync(${JSON.stringify(runs)}, 'utf8').length > ${most}) {
  console.error('The session has expired. Log in again.');
  process.exit(1);
}
console.log(JSON.stringify({
  Version: 1,
  AccessKeyId: ${JSON.stringify(aws.variables['AWS_ACCESS_KEY_ID'])},
  SecretAccessKey: ${JSON.stringify(aws.variables['AWS_SECRET_ACCESS_KEY'])},
  SessionToken: ${JSON.stringify(aws.variables['AWS_SESSION_TOKEN'])},
  Expiration: new Date(Date.now() + 20_000).toISOString(),
}));
`,
    );
    chmodSync(script, 0o700);
    writeFileSync(
      aws.variables['AWS_CONFIG_FILE']!,
      `[profile short]\nregion = eu-west-1\ncredential_process = ${process.execPath} ${script}\n`,
    );
    return {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_REGION: undefined,
    };
  };

  it('of a process that gives them for twenty seconds are asked for again, and the profile has the region', async () => {
    const aws = await open();
    const ran = await aws.runWith({ variables: withProcess(aws, 1000) }, ...PLAN, '--profile', 'short');
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('record --cluster reliability-dev --profile short > twin.json');
    expect(readFileSync(join(aws.directory, 'runs'), 'utf8').length).toBeGreaterThan(1);
  });

  it('of a process that fails: the command that logs in with the profile, and exit code 2', async () => {
    const aws = await open();
    const ran = await aws.runWith({ variables: withProcess(aws, 0) }, ...PLAN, '--profile', 'short');
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(/profile short[^]*aws sso login --profile short/);
  });

  it.each([2, 5, 8, 12, 16, 20])('that expire after %i calls: no plan, and exit code 2', async (most) => {
    const aws = await open();
    const variables = expired(aws, Date.now() + 20_000);
    const key = aws.backend.sandbox.world.accessKeys.get(variables['AWS_ACCESS_KEY_ID']!)!;
    let asked = 0;
    Object.defineProperty(key, 'expiresAt', { get: () => Date.now() + ((asked += 1) > most ? -1000 : 20_000) });
    const ran = await aws.runWith({ variables }, ...PLAN);
    expect(asked).toBeGreaterThan(most);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(/have expired[^]*aws sso login/);
  });

  it('of another account than --account: refused before the cluster is read', async () => {
    const aws = await open();
    const ran = await aws.run(...PLAN, '--account', '999988887777');
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('the credentials belong to account 111122223333');
    expect(own(ran, OPERATOR).map(({ operation }) => operation)).toEqual(['GetCallerIdentity']);
  });
});

it.each([
  ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON],
  ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--dry-run'],
  ['migrate-workload', '--cluster', TARGET.cluster, '--namespace', 'a', '--service-account', 'b'],
])('commands that make changes %s never runs in AWS without a backend', async (...argv) => {
  const aws = await open();
  const ran = await aws.run(...argv);
  expect([ran.code, own(ran, OPERATOR)]).toEqual([2, []]);
  expect(ran.err).toMatch(/record --cluster CLUSTER > twin\.json, then add --sandbox twin\.json[^]*--deployed/);
});

it('identities reads AWS with the same first line, and writes no file', async () => {
  const aws = await open();
  const before = readdirSync(aws.directory);
  const ran = await aws.run('identities', '--cluster', TARGET.cluster);
  expect(ran.code).toBe(0);
  expect(ran.err).toMatch(/^Reading account 111122223333 in eu-west-1 as .* Nothing is changed\.\n$/);
  expect(ran.out).toContain('aws-ebs-csi-driver');
  expectReadOnly(ran);
  expect([readdirSync(aws.directory), existsSync('twin.json')]).toEqual([before, false]);
  const withRoles = await aws.run('identities', '--cluster', TARGET.cluster, '--roles', '--json');
  expectReadOnly(withRoles);
  const report = identitiesReport.parse(JSON.parse(withRoles.out));
  expect(report).toMatchObject({ target: TARGET, unread: [], trustedRoles: [] });
  expect(report.workloads.find(({ name }) => name === 'ebs-csi-controller')).toMatchObject({ identity: 'irsa' });
});

it("record reads with the caller's credentials, changes nothing, and writes a twin to rehearse on", async () => {
  const aws = await open();
  const ran = await aws.run('record', '--cluster', TARGET.cluster, '--region', TARGET.region);
  expect(ran.err).toMatch(/^Reading account 111122223333 in eu-west-1 as \S+, at http\S+\. Nothing is changed\./m);
  expect(ran.code).toBe(0);
  expectReadOnly(ran);
  const { accounts } = parseScenario(ran.out, 'stdout');
  expect(accounts[0]!.clusters[0]).toMatchObject({ name: TARGET.cluster, addons: expect.arrayContaining([]) });
  const file = join(aws.directory, 'twin.json');
  writeFileSync(file, ran.out);
  const argv = ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--sandbox', file, '--json'];
  const migrated = await aws.run(...argv);
  expect([migrated.code, reportIn(migrated)]).toMatchObject([0, { outcome: 'migrated' }]);
});
