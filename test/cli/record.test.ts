/** `record`: a cluster as a scenario, and what a rehearsal on it shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario, readScenario } from '../../sandbox/build/load.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { ADDON, migrate, SCENARIO, scenarioFile, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { rows } from '../end-to-end/scenario-rows.ts';
import { accessOf, EVERYTHING, rehearsable, seenIn, twinOf } from '../end-to-end/twin.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram as cli } from './run-program.ts';

const directory = scratchDirectory();

const ARN = 'arn:aws:iam::111122223333:role/ridge-prod-acme';
const VERSION = 'v9.1.0-eksbuild.1';
/** A cluster of a version, and with an add-on, that the sandbox's catalogue does not know. */
const unknown: ScenarioInput = {
  startAt: '2027-06-01T09:00:00.000Z',
  accounts: [
    {
      id: '111122223333',
      roles: [
        {
          arn: ARN,
          trustPolicy: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'pods.eks.amazonaws.com' },
                Action: ['sts:AssumeRole', 'sts:TagSession'],
              },
              {
                Effect: 'Allow',
                Principal: {
                  Federated:
                    'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF',
                },
                Action: 'sts:AssumeRoleWithWebIdentity',
                Condition: {
                  StringEquals: {
                    'oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF:sub':
                      'system:serviceaccount:acme:acme-agent',
                  },
                },
              },
            ],
          },
        },
      ],
      clusters: [
        {
          name: 'ridge-prod',
          region: 'eu-west-1',
          version: '1.37',
          oidcId: '0123456789ABCDEF0123456789ABCDEF',
          nodes: [{ count: 2, labels: { pool: 'fast' }, nodeGroup: null }],
          addons: [
            { name: 'acme-agent', version: VERSION, serviceAccountRoleArn: ARN },
            { name: 'eks-pod-identity-agent', version: 'v1.9.0-eksbuild.1' },
          ],
          workloads: [
            {
              kind: 'Deployment',
              namespace: 'shop',
              name: 'web',
              replicas: 2,
              updateStrategy: 'Recreate',
              labels: { app: 'web', 'app.kubernetes.io/managed-by': 'Helm' },
              annotations: { 'meta.helm.sh/release-name': 'web' },
              manager: 'argocd-controller',
              nodeSelector: { pool: 'fast' },
            },
          ],
          disruptionBudgets: [{ namespace: 'shop', name: 'web', labels: { app: 'web' }, minAvailable: 1 }],
        },
      ],
    },
  ],
  catalogue: [
    {
      addon: 'acme-agent',
      recorded: {
        namespace: 'acme',
        owner: 'aws-marketplace',
        versions: [
          {
            version: VERSION,
            kubernetesVersions: ['1.37'],
            defaultFor: ['1.37'],
            requiresIamPermissions: true,
            podIdentity: [{ serviceAccount: 'acme-agent' }],
            configurationSchema: '{"type":"object"}',
          },
        ],
        serviceAccounts: ['acme-agent'],
        irsaServiceAccounts: ['acme-agent'],
        workloads: [
          {
            kind: 'Deployment',
            name: 'acme-agent',
            serviceAccount: 'acme-agent',
            labels: { 'app.kubernetes.io/name': 'acme-agent' },
            containers: [{ name: 'agent', image: 'acme/agent' }],
          },
        ],
      },
    },
    {
      addon: 'eks-pod-identity-agent',
      recorded: {
        namespace: 'kube-system',
        versions: [{ version: 'v1.9.0-eksbuild.1', kubernetesVersions: ['1.37'], defaultFor: ['1.37'] }],
      },
    },
  ],
};

const first = (scenario: ReturnType<typeof parseScenario>) => scenario.accounts[0]!.clusters[0]!;

describe('a recording', () => {
  it('is a valid scenario, and the same bytes for the same world', async () => {
    const scenario = await readScenario(SCENARIO);
    const [one, other] = [await twinOf(scenario, first(scenario)), await twinOf(scenario, first(scenario))];
    expect(other.text).toBe(one.text);
    expect([parseScenario(one.text, 'twin'), one.reader.unread]).toEqual([one.scenario, []]);
  });

  it('has what the sandbox does not know: add-ons, versions of Kubernetes, owners of workloads, selected labels', async () => {
    const scenario = parseScenario(unknown, 'unknown');
    const twin = await twinOf(scenario, first(scenario));
    expect(first(twin.scenario)).toMatchObject({
      version: '1.37',
      nodes: [{ count: 2, labels: { pool: 'fast' }, nodeGroup: null }],
      workloads: [
        {
          name: 'web',
          updateStrategy: 'Recreate',
          manager: 'argocd-controller',
          annotations: { 'meta.helm.sh/release-name': 'web' },
          labels: { app: 'web', 'app.kubernetes.io/managed-by': 'Helm' },
          nodeSelector: { pool: 'fast' },
        },
      ],
      disruptionBudgets: [{ namespace: 'shop', name: 'web', labels: { app: 'web' }, minAvailable: 1 }],
    });
    expect(twin.scenario.catalogue.find(({ addon }) => addon === 'acme-agent')?.recorded).toMatchObject({
      namespace: 'acme',
      owner: 'aws-marketplace',
      irsaServiceAccounts: ['acme-agent'],
      versions: [{ version: VERSION, defaultFor: ['1.37'], podIdentity: [{ serviceAccount: 'acme-agent' }] }],
    });
    const request = {
      target: { account: '111122223333', region: 'eu-west-1', cluster: 'ridge-prod' },
      addon: 'acme-agent',
    };
    const original = await seenIn(scenario, request);
    expect([original.outcome, await seenIn(rehearsable(twin, scenario), request)]).toEqual(['migrated', original]);
  });

  it('of a cluster that was migrated has pods with both identities, and associations of the add-on', async () => {
    const scenario = await readScenario(SCENARIO);
    const { backend } = await migrate({ scenario });
    const world = backend.sandbox.world.accounts.get(TARGET.account)!.clusters.values().next().value!;
    const twin = await twinOf(scenario, first(scenario), EVERYTHING, (cluster) => {
      // The other sandbox is closed: this one gets its cluster as it was at the end.
      Object.assign(cluster, { addons: world.addons, associations: world.associations, kube: world.kube });
    });
    const cluster = first(twin.scenario);
    expect(cluster.associations).toMatchObject([{ owner: ADDON, serviceAccount: 'ebs-csi-controller-sa' }]);
    expect(
      cluster.pods.filter(({ workload }) => workload === 'ebs-csi-controller').map(({ identity }) => identity),
    ).toEqual(expect.arrayContaining(['pod-identity']));
    const again = await migrate({ scenario: rehearsable(twin, { ...scenario, startAt: twin.scenario.startAt }) });
    expect(again.report.outcome).toBe('already-migrated');
  });
});

describe('a recording without all rights', () => {
  const refused = (name: string): Error =>
    Object.assign(new Error('not authorized'), { name, $metadata: { httpStatusCode: 403 } });

  it('leaves out what is refused, and reports it', async () => {
    const scenario = await readScenario(SCENARIO);
    const twin = await twinOf(scenario, first(scenario), EVERYTHING, (_cluster, { iam, eks }) => {
      for (const [client, calls] of [
        [iam, ['ListRolePoliciesCommand', 'ListRolesCommand']],
        [eks, ['ListAccessEntriesCommand']],
      ] as const) {
        const send = client.send.bind(client) as (command: object) => Promise<never>;
        client.send = ((command: object) =>
          calls.some((call) => call === command.constructor.name)
            ? Promise.reject(refused('AccessDenied'))
            : send(command)) as never;
      }
    });
    expect(twin.reader.unread.map(({ what }) => what)).toEqual([
      'the access entries',
      'the list of roles',
      'the policies of role reliability-dev-ebs-csi-driver-irsa-role',
    ]);
    expect(twin.scenario.description).toContain('Not recorded: the access entries, the list of roles');
    expect(first(twin.scenario).accessEntries).toBeUndefined();
    expect((await migrate({ scenario: rehearsable(twin, scenario) })).report.outcome).toBe('migrated');
  });

  it("uses the sandbox's own objects if the API server gives no answer", async () => {
    const scenario = scenarioWith((_scenario, cluster) => void (cluster.apiServer = 'unreachable'));
    const twin = await twinOf(scenario, first(scenario));
    expect(twin.reader.unread).toMatchObject([{ what: 'the objects of the API server' }]);
    expect(first(twin.scenario)).toMatchObject({ apiServer: 'unreachable', workloads: [], pods: [] });
    const request = { target: TARGET, addon: ADDON };
    expect((await seenIn(rehearsable(twin, scenario), request)).checks).toEqual(
      (await seenIn(scenario, request)).checks,
    );
  });
});

it('the documented rights are those that a recording uses', async () => {
  const actions = new Set<string>();
  const verbs = new Set<string>();
  for (const name of ['ebs-csi-irsa', 'fargate-only', 'node-role-lacks-right']) {
    const scenario = await readScenario(scenarioFile(name));
    const { reader } = await twinOf(scenario, first(scenario));
    for (const action of reader.actions) actions.add(action);
    for (const verb of reader.verbs) verbs.add(verb);
  }
  const text = readFileSync('docs/record.md', 'utf8');
  const [policy = ''] = /(?<=```json\n)[^`]+/.exec(text) ?? [];
  const { Statement } = JSON.parse(policy) as { Statement: { Action: string[] }[] };
  expect(Statement.flatMap(({ Action }) => Action).sort()).toEqual([...actions].sort());
  const [, rules = ''] = text.split('rules:\n');
  const named = new Set(['apps', 'cilium.io', 'karpenter.sh', 'networking.k8s.io']);
  const documented = [...rules.matchAll(/apiGroups: \[(.*?)\], resources: \[(.*?)\]/g)].flatMap(
    ([, group = '', all = '']) => all.split(', ').map((one) => `list ${one}${named.has(group) ? `.${group}` : ''}`),
  );
  const ofAddons = /\.(networking\.k8s\.aws|crd\.k8s\.amazonaws\.com)$/;
  expect(documented.sort()).toEqual([...verbs].filter((verb) => !ofAddons.test(verb)).sort());
});

describe('the twin of a published scenario', () => {
  const few = ['user-modified-fields', 'fargate-only', 'api-only', 'efs-node-role', 'service-account-irsa'];

  it.each(rows.filter(([name], index) => few.includes(name) && rows.findIndex(([one]) => one === name) === index))(
    '%s gives the same plan and outcome',
    async (name, request) => {
      const scenario = await readScenario(scenarioFile(name));
      const [account] = scenario.accounts;
      const cluster = first(scenario);
      const twin = await twinOf(scenario, cluster, { withConfiguration: true, access: accessOf(name) });
      const target = { account: account!.id, region: cluster.region, cluster: cluster.name };
      expect(await seenIn(rehearsable(twin, scenario), { target, ...request })).toEqual(
        await seenIn(scenario, { target, ...request }),
      );
    },
  );
});

describe('pod-identity record', () => {
  it('writes the scenario to stdout, and to stderr what it has and how to go on', async () => {
    const { code, out, err } = await cli('record', '--cluster', TARGET.cluster, '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(() => parseScenario(out, 'stdout')).not.toThrow();
    expect(err).toContain('Recorded  5 add-ons, 1 association, 2 roles, 6 workloads, 16 pods, 3 nodes');
    for (const part of ['Configuration values are not included', 'iam:GetRolePolicy']) expect(err).toContain(part);
    expect(err.replaceAll(/\s+/g, ' ')).toContain('list deployments.apps');
    expect(err.trimEnd().split('\n').at(-1)).toMatch(
      /migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox twin.json$/,
    );
  });

  it('writes a file that plan reads', async () => {
    const file = join(directory, 'twin.json');
    expect((await cli('record', '--cluster', TARGET.cluster, '--sandbox', SCENARIO, '--out', file)).out).toBe('');
    expect(readFileSync(file, 'utf8')).toContain('"recorded"');
    const plan = await cli('plan', '--cluster', TARGET.cluster, '--addon', ADDON, '--sandbox', file, '--json');
    expect([plan.code, JSON.parse(plan.out)]).toMatchObject([0, { outcome: 'planned' }]);
  });

  it('refuses an unknown cluster and flags that contradict each other', async () => {
    const unknownCluster = await cli('record', '--cluster', 'nothing', '--sandbox', SCENARIO);
    expect(unknownCluster).toMatchObject({ code: 2, out: '' });
    expect(unknownCluster.err).toContain('aws eks list-clusters --region eu-west-1');
    const both = await cli('record', '--cluster', 'x', '--sandbox', SCENARIO, '--anonymise', '--with-configuration');
    expect(both).toMatchObject({ code: 2, out: '' });
    expect(both.err).toContain('use one or the other');
    expect((await cli('record', '--cluster', 'x', '--sandbox', SCENARIO, '--profile', 'p')).code).toBe(2);
  });
});
