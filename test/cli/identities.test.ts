import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { graphviz, mermaid } from '../../cli/identities/graphs.ts';
import { identitiesLines } from '../../cli/identities/print.ts';
import { PLAIN } from '../../cli/text/style.ts';
import type { IdentityGraph } from '../../lambdas/domain/identities/graph.ts';
import { report as reportSchema, type IdentitiesReport } from '../../lambdas/domain/identities/model.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ROLE, SCENARIO, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { scratchDirectory } from '../scratch.ts';
import { containing, expectExit, matching, said } from '../lambdas/matchers.ts';
import { type Ran, runProgram } from './run-program.ts';

const directory = scratchDirectory();
afterEach(() => vi.unstubAllEnvs());

const run = (...argv: string[]): Promise<Ran> => runProgram('identities', ...argv);

const CLUSTER = ['--cluster', TARGET.cluster];
let written = 0;
/** Runs the command in a sandbox of the first scenario with a change. */
const runWith = async (
  change: (scenario: Scenario, cluster: ScenarioCluster) => void,
  ...argv: string[]
): Promise<Ran> => {
  written += 1;
  const file = join(directory, `scenario-${written}.json`);
  writeFileSync(file, JSON.stringify(scenarioWith(change)));
  return run(...CLUSTER, '--sandbox', file, ...argv);
};

const documentIn = ({ out }: Ran): IdentitiesReport => reportSchema.parse(JSON.parse(out));
const errorIn = ({ out }: Ran) => (JSON.parse(out) as { error: { name: string; message: string; hint: string } }).error;

const OPERATOR = `arn:aws:iam::${TARGET.account}:role/operator`;
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
const entry = (policies: object[] = []) =>
  ({
    principalArn: OPERATOR,
    type: 'STANDARD' as const,
    kubernetesGroups: [],
    policies,
    tags: {},
  }) as unknown as NonNullable<ScenarioCluster['accessEntries']>[number];
const withAccess =
  (...policies: object[]) =>
  (_: Scenario, cluster: ScenarioCluster): void => {
    cluster.accessEntries = [entry(policies)];
  };

const application = (name: string, change: object = {}) =>
  ({
    kind: 'Deployment',
    namespace: 'shop',
    name,
    serviceAccount: name,
    serviceAccountAnnotations: {},
    createdAt: '2025-06-01T08:00:00.000Z',
    ...change,
  }) as unknown as ScenarioCluster['workloads'][number];

describe('identities', () => {
  it('shows how each workload gets its credentials, and what to do', async () => {
    const { code, out, err } = await run(...CLUSTER, '--sandbox', SCENARIO);
    expect({ code, err }).toEqual({ code: 0, err: matching(/^(Building .*\n)?$/) });
    expect(out).toMatch(/^Identities {2}reliability-dev \(111122223333, eu-west-1\), Kubernetes 1\.31\n {2}✔ agent: /);
    expect(out).toMatch(/\nkube-system\n {2}WORKLOAD +SERVICE ACCOUNT +PODS {2}CREDENTIALS {2}SINCE\n/);
    expect(out).toMatch(
      /\n {2}Deployment\/ebs-csi-controller +ebs-csi-controller-sa +2 {2}irsa +2025-09-30\n {6}role: arn:aws:iam::111122223333:role\/reliability-dev-ebs-csi-driver-irsa-role\n {6}✖ restart: /,
    );
    expect(out).toContain(
      `\nAdd-ons that can be migrated\n  npm run --silent pod-identity -- migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${SCENARIO}\n`,
    );
    expect(out).toMatch(/\n6 workloads with 16 pods: 1 on irsa, 5 on the node role\.\n/);
  });

  it('prints one document with --json, the same each time', async () => {
    const first = await run(...CLUSTER, '--sandbox', SCENARIO, '--json');
    const document = documentIn(first);
    expect(first.code).toBe(0);
    expect(document).toMatchObject({
      target: TARGET,
      agent: { status: 'pass' },
      unread: [],
      totals: { byPods: { irsa: 2, 'node-role': 14 } },
    });
    expect(document.workloads.find(({ name }) => name === 'ebs-csi-controller')).toMatchObject({
      identity: 'irsa',
      annotatedRole: ROLE,
      roles: [{ by: 'irsa', roleArn: ROLE, pods: 2 }],
      association: { createdAt: '2025-11-20T14:20:00.000Z' },
      addon: { name: 'aws-ebs-csi-driver', takesAssociation: true },
      obstacles: [{ id: 'restart' }],
    });
    expect((await run(...CLUSTER, '--sandbox', SCENARIO, '--json')).out).toBe(first.out);
  });

  it('reads only one namespace, and also the roles of the account, if requested', async () => {
    const change = (scenario: Scenario, cluster: ScenarioCluster): void => {
      cluster.workloads = [
        application('orders', {
          serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/gone' },
        }),
      ];
      const [driver] = scenario.accounts[0]!.roles;
      scenario.accounts[0]!.roles.push({
        ...driver!,
        arn: 'arn:aws:iam::111122223333:role/wide',
        trustPolicy: JSON.stringify(driver!.trustPolicy)
          .replaceAll('StringEquals', 'StringLike')
          .replaceAll(/kube-system:[\w-]+/g, '*:*'),
      });
    };
    const document = documentIn(await runWith(change, '--namespace', 'shop', '--roles', '--json'));
    expect(document.namespace).toBe('shop');
    expect(document.workloads).toMatchObject([
      {
        namespace: 'shop',
        name: 'orders',
        identity: 'irsa',
        obstacles: [{ id: 'association' }, { id: 'role-exists' }],
      },
    ]);
    expect(document.trustedRoles).toMatchObject([
      {
        roleArn: 'arn:aws:iam::111122223333:role/wide',
        serviceAccounts: [{ name: 'shop/default' }, { name: 'shop/orders' }],
      },
    ]);
    const { out } = await runWith(change, '--namespace', 'shop', '--roles');
    expect(out).toContain('Roles that trust more service accounts');
    expect(out).toContain('      for: shop/default, shop/orders\n');
    expect(out).toMatch(
      /\nWorkloads that can be migrated\n {2}.* migrate-workload --cluster reliability-dev --namespace shop --service-account orders --sandbox /,
    );
  });

  it('detects Fargate, Windows, static keys, and an agent that is not ready on every node', async () => {
    const annotated = { serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE } };
    const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((name) => ({
      name,
      secret: { name: 'aws', key: name },
    }));
    const ran = await runWith((_, cluster) => {
      Object.assign(cluster, {
        nodes: [
          { count: 2 },
          { count: 1, agentReady: false },
          { count: 1, compute: 'fargate' },
          { count: 1, os: 'windows' },
        ],
        fargateProfiles: [{ name: 'shop', namespace: 'serverless' }],
        workloads: [
          application('legacy', { containers: [{ name: 'app', image: 'app', env: keys }] }),
          application('reports', { ...annotated, nodeSelector: { 'kubernetes.io/os': 'windows' } }),
          application('jobs', { ...annotated, namespace: 'serverless' }),
          application('web', { namespace: 'serverless' }),
        ],
      });
    }, '--json');
    const { agent, workloads } = documentIn(ran);
    expect(agent).toMatchObject(said('fail', '2 of 3'));
    const of = (name: string) => {
      const { identity, obstacles } = workloads.find((one) => one.name === name)!;
      return [identity, ...obstacles.map(({ id }) => id)];
    };
    expect(of('legacy')).toEqual(['static-keys', 'static-keys', 'agent', 'association']);
    expect([of('reports').slice(0, 2), of('jobs').slice(0, 2)]).toEqual([
      ['irsa', 'compute'],
      ['irsa', 'compute'],
    ]);
    expect(of('web')).toEqual(['none', 'own-role']);
  });

  it('shows a StatefulSet like any workload, and how to restart it', async () => {
    const association = {
      namespace: 'shop',
      serviceAccount: 'db',
      roleArn: ROLE,
      tags: {},
      createdAt: '2025-07-01T08:00:00.000Z',
    };
    const ran = await runWith(
      (_, cluster) => {
        cluster.workloads = [
          application('db', {
            kind: 'StatefulSet',
            replicas: 3,
            serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE },
          }),
        ];
        cluster.associations.push(association);
      },
      '--namespace',
      'shop',
      '--json',
    );
    expect(documentIn(ran).workloads).toMatchObject([
      {
        kind: 'StatefulSet',
        name: 'db',
        identity: 'irsa',
        obstacles: expect.arrayContaining([
          expect.objectContaining({
            id: 'restart',
            remedy: containing('kubectl rollout restart statefulset/db --namespace shop'),
          }),
        ]) as object[],
      },
    ]);
  });

  it('fits 100 columns with names of any length, and shows every name in full', async () => {
    const name = `a-very-long-name.${'of-a-deployment-'.repeat(10)}x`;
    const { out } = await runWith(
      (_, cluster) =>
        (cluster.workloads = [
          application('orders', { name, serviceAccount: 's'.repeat(253), namespace: 'n'.repeat(63) }),
        ]),
    );
    // Commands stay on one line, and words longer than a line stay whole, so that both can be copied.
    const breakable = (line: string): boolean =>
      !line.includes('pod-identity -- migrate') && line.split(' ').every((word) => word.length < 80);
    expect(out.split('\n').filter((line) => line.length > 100 && breakable(line))).toEqual([]);
    const table = out.split('\n').slice(out.split('\n').indexOf('n'.repeat(63)) + 2);
    const cells = table.slice(0, 10).map((line) => [line.slice(2, 38).trim(), line.slice(40, 66).trim()]);
    expect(cells.map(([cell]) => cell).join('')).toContain(`Deployment/${name}`);
    expect(cells.map(([, cell]) => cell).join('')).toContain('s'.repeat(253));
  });
});

describe('without access to', () => {
  it.each([
    ['401', (_: Scenario, cluster: ScenarioCluster) => void (cluster.accessEntries = []), 'answered 401'],
    ['403', withAccess(), 'answered 403'],
  ])('the pods (%s), it prints no report but the access to grant', async (_, change, text) => {
    const ran = await runWith(change, '--json');
    expect(ran.code).toBe(3);
    const { name, message, hint } = errorIn(ran);
    expect(name).toBe('NoAccess');
    expect(message).toContain(text);
    expect(hint).toContain('aws eks create-access-entry --cluster-name reliability-dev --region eu-west-1');
    expect(hint).toContain('pod-identity grant-access --cluster reliability-dev');
  });

  it('the nodes, it prints the rest, and that the nodes were not read', async () => {
    const change = withAccess({ policyArn: VIEW, accessScope: { type: 'cluster' } });
    const ran = await runWith(change, '--json');
    expect(ran.code).toBe(3);
    expect(documentIn(ran)).toMatchObject({
      totals: { pods: 16 },
      unread: [{ what: 'the nodes', why: containing('403') }],
    });
    expect((await runWith(change)).out).toMatch(/\nNot read\n {2}\? the nodes: /);
    const graph = await runWith(change, '--format', 'mermaid');
    await expectExit(graph, 3, 'not read: the nodes: ');
  });

  it('all namespaces but one, it can read that one', async () => {
    const ran = await runWith(
      withAccess({ policyArn: VIEW, accessScope: { type: 'namespace', namespaces: ['kube-system'] } }),
      '--namespace',
      'kube-system',
      '--json',
    );
    expect(ran.code).toBe(3);
    const { unread, workloads } = documentIn(ran);
    expect(unread.map(({ what }) => what)).toEqual(['the nodes', 'the service accounts']);
    expect(workloads.find(({ name }) => name === 'ebs-csi-controller')).toMatchObject({ identity: 'irsa' });
  });
});

describe('flags', () => {
  it.each([
    [[], '--cluster is missing'],
    [[...CLUSTER, '--profile', 'x', '--sandbox', SCENARIO], '--profile cannot be combined with --sandbox'],
    [[...CLUSTER, '--deployed', '--sandbox', SCENARIO], '--deployed cannot be combined with --sandbox'],
    [[...CLUSTER, '--sandbox', SCENARIO, '--format', 'svg'], '--format "svg" must be table, mermaid or graphviz'],
    [
      [...CLUSTER, '--sandbox', SCENARIO, '--format', 'mermaid', '--json'],
      'cannot be combined with --json: use one or the other',
    ],
    [
      [...CLUSTER, '--sandbox', SCENARIO, '--namespace', 'Not_One'],
      '--namespace "Not_One" must be the name of a namespace',
    ],
    [
      ['--cluster', 'other', '--sandbox', SCENARIO],
      'there is no cluster other in account 111122223333, region eu-west-1',
    ],
    [[...CLUSTER, '--deployed', '--region', 'moon'], '--region "moon" must be'],
  ])('%j', async (argv, text) => {
    const { code, out, err } = await run(...argv);
    expect(code).toBe(2);
    expect(out + err).toContain(text);
  });

  it('refuse an account that the credentials do not belong to, and a missing region', async () => {
    const sts = mockClient(STSClient);
    onTestFinished(() => sts.restore());
    sts
      .on(GetCallerIdentityCommand)
      .resolves({ Account: '444455556666', Arn: 'arn:aws:sts::444455556666:assumed-role/me/session' });
    const other = await run(...CLUSTER, '--deployed', '--account', TARGET.account, '--region', 'eu-west-1');
    await expectExit(other, 2, 'the credentials belong to account 444455556666');
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_DEFAULT_REGION', undefined);
    await expectExit(run(...CLUSTER, '--deployed'), 2, '--region is missing, AWS_REGION is not set');
  });
});

/** Names with characters that are special in one of the languages. */
const NASTY = ['arn:aws:iam::111122223333:role/a+=,.@-_b', 'we"ird \\ `x` [y] {z} <b> #1; & | --> end'];
const GRAPH: IdentityGraph = {
  accounts: [
    { name: 'end/subgraph', pods: 1, identity: 'static-keys' },
    { name: 'kube-system/ebs-csi-controller-sa', pods: 2, identity: 'pod-identity' },
  ],
  roles: NASTY,
  edges: [
    { from: 'end/subgraph', to: NASTY[1]!, by: 'irsa', pods: 1 },
    { from: 'kube-system/ebs-csi-controller-sa', to: NASTY[0]!, by: 'association', pods: 2 },
    { from: NASTY[0]!, to: NASTY[1]!, by: 'target', pods: 2 },
    { from: 'end/subgraph', to: NASTY[0]!, by: 'trust' },
  ],
};
interface Parsed {
  labels: Map<string, string>;
  edges: string[];
  classes: Map<string, string>;
}
const byLabel = ({ labels }: Parsed): string[] => [...labels.values()];

/**
 * Parses the subset of Mermaid that is printed: one statement per line, quoted labels with entities. Throws otherwise.
 */
const parseMermaid = (text: string): Parsed => {
  const [head, ...lines] = text.trimEnd().split('\n');
  expect(head).toBe('flowchart LR');
  const parsed: Parsed = { labels: new Map(), edges: [], classes: new Map() };
  const plain = (quoted: string): string =>
    quoted.replaceAll(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
  const defined = new Set<string>();
  for (const line of lines) {
    const node = /^ {2}([sr]\d+)[[(]"([^"`<>[\]{}|\\&]*)"[\])](?::::(\w+))?$/.exec(line);
    const edge = /^ {2}([sr]\d+) (?:-->|-\.->)\|"([^"`<>[\]{}|\\&]*)"\| ([sr]\d+)$/.exec(line);
    const style = /^ {2}classDef (\w+) fill:#[0-9a-f]{6},stroke:#333333,color:#000000$/.exec(line);
    if (node) {
      parsed.labels.set(node[1]!, plain(node[2]!));
      if (node[3]) parsed.classes.set(node[1]!, node[3]);
    } else if (edge)
      parsed.edges.push(`${parsed.labels.get(edge[1]!)} -${plain(edge[2]!)}-> ${parsed.labels.get(edge[3]!)}`);
    else if (style) defined.add(style[1]!);
    else throw new Error(`no Mermaid that is known here: ${line}`);
  }
  expect([...new Set(parsed.classes.values())].sort()).toEqual([...defined].sort());
  return parsed;
};

/** Parses the subset of DOT that is printed. Throws otherwise. */
const parseDot = (text: string): Parsed => {
  const lines = text.trimEnd().split('\n');
  expect([lines[0], lines.at(-1)]).toEqual(['digraph identities {', '}']);
  const parsed: Parsed = { labels: new Map(), edges: [], classes: new Map() };
  const plain = (quoted: string): string => quoted.replaceAll(/\\(.)/g, '$1').replaceAll('&amp;', '&');
  for (const line of lines.slice(3, -1)) {
    const node =
      /^ {2}([sr]\d+) \[label="((?:[^"\\]|\\["\\])*)", (?:fillcolor="(#[0-9a-f]{6})"|shape=ellipse)\];$/.exec(line);
    const edge = /^ {2}([sr]\d+) -> ([sr]\d+) \[label="((?:[^"\\]|\\["\\])*)"(?:, style=dashed)?\];$/.exec(line);
    if (node) parsed.labels.set(node[1]!, plain(node[2]!));
    else if (edge)
      parsed.edges.push(`${parsed.labels.get(edge[1]!)} -${plain(edge[3]!)}-> ${parsed.labels.get(edge[2]!)}`);
    else throw new Error(`no DOT that is known here: ${line}`);
  }
  return parsed;
};

describe('graphs', () => {
  const expected = {
    labels: ['end/subgraph, 1 pod, static-keys', 'kube-system/ebs-csi-controller-sa, 2 pods, pod-identity', ...NASTY],
    edges: [
      `end/subgraph, 1 pod, static-keys -IRSA, 1 pod-> ${NASTY[1]}`,
      `kube-system/ebs-csi-controller-sa, 2 pods, pod-identity -Pod Identity, 2 pods-> ${NASTY[0]}`,
      `${NASTY[0]} -target role, 2 pods-> ${NASTY[1]}`,
      `end/subgraph, 1 pod, static-keys -trusts through IRSA-> ${NASTY[0]}`,
    ],
  };

  it('show the graph in Mermaid, with names of any characters', () => {
    const parsed = parseMermaid(mermaid(GRAPH));
    expect({ labels: byLabel(parsed), edges: parsed.edges }).toEqual(expected);
    expect([...parsed.classes.values()]).toEqual(['staticKeys', 'podIdentity']);
  });

  it('show the graph in DOT', () => {
    const parsed = parseDot(graphviz(GRAPH));
    expect({ labels: byLabel(parsed), edges: parsed.edges }).toEqual(expected);
  });

  it('of a cluster are the same in both formats', async () => {
    const [first, second] = [
      await run(...CLUSTER, '--sandbox', SCENARIO, '--format', 'mermaid'),
      await run(...CLUSTER, '--sandbox', SCENARIO, '--format', 'graphviz'),
    ];
    const parsed = parseMermaid(first.out);
    expect(parsed.edges).toContain(`kube-system/ebs-csi-controller-sa, 2 pods, irsa -IRSA, 2 pods-> ${ROLE}`);
    expect(parseDot(second.out)).toEqual({ ...parsed, classes: new Map() });
  });
});

it('the table escapes third-party text, and lists what could not be read', () => {
  const report: IdentitiesReport = {
    target: TARGET,
    takenAt: '2026-01-15T09:00:00.000Z',
    cluster: { version: '1.31', autoMode: false },
    agent: { id: 'agent', status: 'unknown', message: 'nobody knows', remedy: 'look' },
    workloads: [
      {
        namespace: 'shop',
        kind: 'Deployment',
        name: 'orders',
        serviceAccount: 'orders',
        pods: { total: 3, ready: 3, by: { 'pod-identity': 1, irsa: 2 } },
        identity: 'mixed',
        example: { pod: 'orders-1', evidence: 'env \u001b[31m' },
        since: '2026-01-01T00:00:00.000Z',
        youngest: '2026-01-01T00:00:00.000Z',
        roles: [
          { by: 'association', roleArn: ROLE, pods: 1 },
          { by: 'target', roleArn: 'arn:aws:iam::444455556666:role/far', pods: 1 },
          { by: 'irsa', roleArn: 'role\u001b[2J', pods: 2 },
        ],
        annotatedRole: ROLE,
        association: {
          id: 'a-1',
          roleArn: ROLE,
          targetRoleArn: 'arn:aws:iam::444455556666:role/far',
          createdAt: '2026-01-02T00:00:00.000Z',
        },
        obstacles: [],
      },
    ],
    totals: { workloads: 1, pods: 3, byWorkloads: { mixed: 1 }, byPods: { 'pod-identity': 1, irsa: 2 } },
    unread: [],
  };
  const COMMANDS = {
    addon: (name: string) => `migrate ${name}`,
    serviceAccount: ({ namespace, name }: { namespace: string; name: string }) =>
      `migrate-workload ${namespace}/${name}`,
  };
  const text = identitiesLines(report, COMMANDS, PLAIN).join('\n');
  expect(text).not.toContain('\u001b');
  expect(text).toContain('  ? agent: nobody knows\n      do: look\n');
  expect(text).toContain('      pods: 1 on pod-identity, 2 on irsa\n');
  expect(text).toMatch(/\(association a-1\s+since 2026-01-02, 1 pod\)\n/);
  for (const part of ['(annotated:', 'seen: env \\x1b[31m (pod orders-1)']) expect(text).toContain(part);
  expect(text).toMatch(/1 workload with 3 pods: 1 mixed\.\n/);
  expect(
    identitiesLines(
      { ...report, workloads: [], totals: { workloads: 0, pods: 0, byWorkloads: {}, byPods: {} } },
      COMMANDS,
      PLAIN,
    ).join('\n'),
  ).toContain('No pods found.');
});
