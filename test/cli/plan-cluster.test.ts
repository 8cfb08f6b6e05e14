/** The plan of a whole cluster. */
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Overview } from '../../lambdas/domain/overview/model.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { ADDON, scenarioFile, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { type AwsWorld, openAwsWorld, type Ran } from './aws-world.ts';
import { collectingIo } from './fixtures.ts';
import { expectExit } from '../lambdas/matchers.ts';
import { runProgram } from './run-program.ts';

let world: AwsWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});
const open = async (scenario?: Scenario): Promise<AwsWorld> => (world = await openAwsWorld(scenario));

const overviewIn = ({ out }: { out: string }): Overview => JSON.parse(out) as Overview;
const ofOperator = ({ calls }: Ran): Ran['calls'] => calls.filter(({ caller }) => caller.endsWith(':role/operator'));
const inSandbox = (name: string, ...argv: string[]) => runProgram('plan', '--sandbox', scenarioFile(name), ...argv);

/** The first case with workloads in 20 namespaces, each with a role; not every role trusts EKS Pod Identity. */
const manyAccounts = (count: number, change: (index: number) => { trusts: boolean }): Scenario =>
  scenarioWith((scenario, cluster) => {
    const [account] = scenario.accounts;
    const [model] = account!.roles;
    const issuer = `oidc.eks.eu-west-1.amazonaws.com/id/${cluster.oidcId!}`;
    for (let index = 0; index < count; index += 1) {
      const name = `app-${String(index).padStart(3, '0')}`;
      const namespace = `team-${String(index % 20).padStart(2, '0')}`;
      const arn = `arn:aws:iam::111122223333:role/${name}`;
      account!.roles.push({
        ...model!,
        arn,
        trustPolicy: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${issuer}` },
              Action: 'sts:AssumeRoleWithWebIdentity',
              Condition: {
                StringEquals: {
                  [`${issuer}:sub`]: `system:serviceaccount:${namespace}:${name}`,
                  [`${issuer}:aud`]: 'sts.amazonaws.com',
                },
              },
            },
            ...(change(index).trusts
              ? [
                  {
                    Effect: 'Allow',
                    Principal: { Service: 'pods.eks.amazonaws.com' },
                    Action: ['sts:AssumeRole', 'sts:TagSession'],
                  },
                ]
              : []),
          ],
        },
      });
      cluster.workloads.push({
        kind: 'Deployment',
        namespace,
        name,
        serviceAccount: name,
        serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': arn },
        replicas: 1,
        paused: false,
        hostNetwork: false,
        createdAt: cluster.createdAt,
      });
    }
  });

describe('the plan of a cluster', () => {
  it('has every add-on and every annotated service account that belongs to no add-on', async () => {
    const aws = await open(manyAccounts(3, (index) => ({ trusts: index < 2 })));
    const ran = await aws.run('plan', '--cluster', TARGET.cluster, '--output', 'json');
    expect(ran.code).toBe(3);
    const { items, counts, causes, unread } = overviewIn(ran);
    expect(items.map(({ kind, name, identity, verdict }) => [kind, name, identity, verdict])).toEqual([
      ['add-on', ADDON, 'irsa', 'migrate'],
      ['add-on', 'coredns', 'none', 'nothing-to-migrate'],
      ['add-on', 'eks-pod-identity-agent', 'none', 'nothing-to-migrate'],
      ['add-on', 'kube-proxy', 'none', 'nothing-to-migrate'],
      ['add-on', 'vpc-cni', 'node-role', 'nothing-to-migrate'],
      ['service-account', 'team-00/app-000', 'irsa', 'migrate'],
      ['service-account', 'team-01/app-001', 'irsa', 'migrate'],
      ['service-account', 'team-02/app-002', 'irsa', 'blocked'],
    ]);
    expect(counts).toEqual({
      migrate: 3,
      blocked: 1,
      'keep-irsa': 0,
      unknown: 0,
      migrated: 0,
      'nothing-to-migrate': 4,
    });
    expect([causes, unread]).toMatchObject([[{ id: 'role-trust', items: ['team-02/app-002'], isCommon: true }], []]);
  });

  it('agrees with the plan of each item', async () => {
    const aws = await open(manyAccounts(2, (index) => ({ trusts: index < 1 })));
    const { items } = overviewIn(await aws.run('plan', '--cluster', TARGET.cluster, '--json'));
    for (const { kind, name, verdict, attempts, blockedBy } of items) {
      if (verdict === 'nothing-to-migrate') continue;
      const [namespace = '', account = ''] = name.split('/');
      const which = kind === 'add-on' ? ['--addon', name] : ['--namespace', namespace, '--service-account', account];
      const { plan } = JSON.parse((await aws.run('plan', '--cluster', TARGET.cluster, ...which, '--json')).out) as {
        plan: { verdict: string; attempts: unknown[]; checks: { id: string; status: string }[] };
      };
      expect(verdict).toBe(plan.verdict);
      expect(attempts).toHaveLength(plan.attempts.length);
      const blocking = plan.checks.filter(({ status }) => status === 'fail' || status === 'unknown');
      expect(blockedBy.map(({ id }) => id)).toEqual([...new Set(blocking.map(({ id }) => id))]);
    }
  });

  it('with --namespace has only the service accounts there', async () => {
    const aws = await open(manyAccounts(3, () => ({ trusts: true })));
    const ran = await aws.run('plan', '--cluster', TARGET.cluster, '--namespace', 'team-01', '--json');
    expect([ran.code, overviewIn(ran).items.map(({ name }) => name)]).toEqual([0, ['team-01/app-001']]);
    // The pods of that namespace, and those of the agent.
    expect(ofOperator(ran).filter(({ operation }) => operation === 'list pods')).toHaveLength(2);
  });

  it('shows an unknown cluster, and an unread one, as errors', async () => {
    const aws = await open();
    await expectExit(
      aws.run('plan', '--cluster', 'nowhere'),
      2,
      'Cluster nowhere does not exist in eu-west-1 of account 111122223333',
    );
  });

  it('is complete in each format', async () => {
    const argv = ['--cluster', 'payments-prod'];
    const json = await inSandbox('trust-deny', ...argv, '--output', 'json');
    expect(json.code).toBe(3);
    const yaml = await inSandbox('trust-deny', ...argv, '--output', 'yaml');
    expect({ ...(parse(yaml.out) as Overview), readAt: '' }).toEqual({ ...overviewIn(json), readAt: '' });
    const { out } = await inSandbox('trust-deny', ...argv, '--output', 'markdown');
    for (const { name } of overviewIn(json).items) expect(out).toContain(`| ${name} |`);
    expect(out).toMatch(/^## EKS Pod Identity: payments-prod\n/);
    // The rows of a table have as many cells as its head.
    const cells = out.split('\n').flatMap((line) => (line.startsWith('|') ? [line.split('|').length] : []));
    expect(new Set(cells)).toEqual(new Set([8]));
  });

  it.each([
    [['--output', 'xml'], /--output "xml" must be table, json, yaml or markdown/],
    [['--json', '--output', 'yaml'], /--json cannot be combined with --output yaml/],
    [['--addon', 'vpc-cni', '--output', 'markdown'], /--output markdown is only for the plan of a cluster/],
    [['--addon', 'vpc-cni', '--namespace', 'a'], /--addon cannot be combined/],
    [['--service-account', 'a'], /--namespace is missing/],
    [['--strategy', 'recreate'], /--strategy cannot be used in the plan of a whole cluster/],
    [['--profile', 'x'], /--profile cannot be combined with --sandbox/],
  ])('%j is refused', async (argv, message) => {
    const ran = await inSandbox('ebs-csi-irsa', '--cluster', TARGET.cluster, ...argv);
    expect(ran.code).toBe(2);
    expect(ran.err + ran.out).toMatch(message);
  });
});

describe('a large cluster', () => {
  const ACCOUNTS = 100;
  const ADDONS = 60;
  /** 60 add-ons, ten of them with a role, and 100 service accounts with a role each in 20 namespaces. */
  const large = (): Scenario => {
    const scenario = manyAccounts(ACCOUNTS, (index) => ({ trusts: index % 10 > 0 }));
    const [cluster] = scenario.accounts[0]!.clusters;
    cluster!.nodes = 3;
    return scenario;
  };

  it(`of ${ADDONS} add-ons and ${ACCOUNTS} service accounts takes few calls, and stays readable`, async () => {
    const scenario = large();
    const aws = await open(scenario);
    // The catalogue has fewer add-ons: EKS's list repeats what there is, under other names.
    const { clusters } = aws.backend.sandbox.world.accounts.get('111122223333')!;
    const addons = [...clusters.values()][0]!.addons;
    const [model] = [...addons.values()].filter(({ name }) => name === 'kube-proxy');
    for (let index = addons.size; index < ADDONS; index += 1) {
      const name = `vendor_addon-${String(index).padStart(2, '0')}`;
      addons.set(name, { ...model!, name, arn: `${model!.arn}${index}` });
    }
    const io = { stdout: { ...collectingIo().stdout, isTTY: true, columns: 80 } };
    const written: string[] = [];
    io.stdout.write = (text: string) => written.push(text);
    const ran = await aws.runWith({ io }, 'plan', '--cluster', TARGET.cluster);
    expect(ran.code).toBe(3);
    const calls = ofOperator(ran);
    const count = (service: string): number => calls.filter((call) => call.service === service).length;
    // Each question once: two for each add-on and a handful for the cluster; one for each role; six for each namespace.
    expect([count('eks'), count('iam'), count('kubernetes')]).toEqual([143, 114, 151]);
    const lines = written.join('').split('\n');
    expect(lines.filter((line) => line.startsWith('  team-'))).toHaveLength(ACCOUNTS);
    const table = lines.slice(0, lines.indexOf('Blocked by'));
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(80);
    // 10 blocked service accounts, one cause, one remedy.
    const blocked = lines.slice(lines.indexOf('Blocked by'));
    expect(blocked.filter((line) => line.includes('✖'))).toHaveLength(1);
    expect(blocked.length).toBeLessThan(30);
  }, 120_000);
});
