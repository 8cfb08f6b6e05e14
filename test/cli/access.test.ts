import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Granted, GrantedEntry } from '../../cli/cluster-access/grant.ts';
import { ACCESS_GROUPS } from '../../lambdas/domain/access/rules.ts';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import { TARGET } from '../end-to-end/fixture.ts';
import { ADMINISTRATOR, entryOf, type Files, filesWith, operatorWith, serviceRoles } from './access-fixtures.ts';
import { runProgram as run } from './run-program.ts';
import { words } from './fixtures.ts';
import { expectExit, printing } from '../lambdas/matchers.ts';

const roles = await serviceRoles();
const CLUSTER = ['--cluster', TARGET.cluster];
const EBS = [...CLUSTER, '--addon', 'aws-ebs-csi-driver'];

let files: Files | undefined;
afterEach(() => {
  files?.remove();
  files = undefined;
});
const open = (...given: Parameters<typeof filesWith>): Files => (files = filesWith(...given));
const documentOf = ({ out }: { out: string }): Granted => JSON.parse(out) as Granted;
const results = ({ accessEntries, objects }: Granted): string[] => [
  ...new Set([...accessEntries, ...objects].map(({ result }) => result)),
];
const groupsOf = (entries: GrantedEntry[]): Record<string, string[]> =>
  Object.fromEntries(entries.map(({ principalArn, groups }) => [principalArn, groups]));

describe('grant-access, a dry run', () => {
  it('prints only the objects on stdout, for kubectl, and everything else on stderr', async () => {
    const { scenario } = open();
    const { code, out, err } = await run('grant-access', ...EBS, '--sandbox', scenario);
    expect(code).toBe(0);
    const document = documentOf(await run('grant-access', ...EBS, '--sandbox', scenario, '--json'));
    expect(parseAllDocuments(out).map((each) => each.toJS() as unknown)).toEqual(
      document.objects.map(({ manifest }) => manifest),
    );
    expect(out).toContain(
      '  # which Deployment a pod belongs to\n  - apiGroups: [apps]\n    resources: [replicasets]\n    verbs: [list]\n',
    );
    expect(err).toMatch(/^✔ dry run {2}reliability-dev \(111122223333, eu-west-1\): [^]*nothing was\s+changed\n/);
    expect(err).toContain('Access entries  authentication mode API_AND_CONFIG_MAP\n');
    expect(err).toContain('+ Role kube-system/pod-identity-migrator:restart:aws-ebs-csi-driver: would be created\n');
    expect(err).toContain(
      `To apply it:\n  npm run --silent pod-identity -- grant-access --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${scenario} --apply\n`,
    );
  });

  it('covers every role that calls API servers, each in its groups, and lists them in JSON', async () => {
    const document = documentOf(await run('grant-access', ...EBS, '--sandbox', open().scenario, '--json'));
    expect(document).toMatchObject({
      target: TARGET,
      authenticationMode: 'API_AND_CONFIG_MAP',
      applied: false,
      notes: [],
    });
    expect(results(document)).toEqual(['would-create']);
    expect(Object.keys(groupsOf(document.accessEntries))).toEqual([...roles.all]);
    for (const [arn, groups] of Object.entries(groupsOf(document.accessEntries)))
      expect(groups).toEqual([
        ACCESS_GROUPS.read,
        ...(['restart', 'annotate'] as const)
          .filter((purpose) => roles[purpose].includes(arn))
          .map((purpose) => ACCESS_GROUPS[purpose]),
      ]);
    expect([roles.restart, roles.annotate].map((arns) => arns.map((arn) => /Steps(\w+?)Role/.exec(arn)?.[1]))).toEqual([
      ['RestartPods'],
      ['AnnotateServiceAccount'],
    ]);
  });

  it('covers all add-ons that support associations if none is named', async () => {
    const { objects } = documentOf(await run('grant-access', ...CLUSTER, '--sandbox', open().scenario, '--json'));
    expect(objects.filter(({ manifest }) => manifest.kind === 'Role').map(({ name }) => name)).toEqual([
      'Role kube-system/pod-identity-migrator:restart:aws-ebs-csi-driver',
      'Role kube-system/pod-identity-migrator:restart:vpc-cni',
    ]);
  });

  it('reports that nothing of an add-on without support for associations is restarted', async () => {
    const { code, out, err } = await run(...words`grant-access ${CLUSTER} --addon coredns --sandbox`, open().scenario);
    expect(code).toBe(0);
    expect(err).toMatch(/Notes\n {2}! coredns v\S+ supports no EKS Pod Identity associations/);
    expect(out).not.toContain('kind: Role\n');
  });
});

it("also grants restarts of workloads that have the add-on's role but for which the add-on supports no association", async () => {
  const { scenario } = open(undefined, (cluster) => {
    const ebs = cluster.addons.find(({ name }) => name === 'aws-ebs-csi-driver')!;
    cluster.addons.push({ ...ebs, name: 'aws-efs-csi-driver', version: 'v2.1.4-eksbuild.1' });
    delete cluster.addons.at(-1)!.configurationValues;
  });
  const asked = [...CLUSTER, '--addon', 'aws-efs-csi-driver', '--sandbox', scenario, '--json'];
  const { objects } = documentOf(await run('grant-access', ...asked));
  const restarts = objects.map(({ manifest }) => JSON.stringify(manifest)).filter((text) => text.includes('"patch"'));
  expect(restarts).toHaveLength(1);
  expect(restarts[0]).toContain('"resourceNames":["efs-csi-node"]');
  // The EBS CSI driver has the same role, but workloads of its own.
  expect(restarts[0]).not.toContain('ebs-csi');
});

it('an add-on whose namespace is unknown is reported, and none of its workloads may be restarted', async () => {
  const { scenario } = open(undefined, (cluster, { knobs }) => {
    Object.assign(knobs, { namespaceConfigShown: 'chosen', defaultNamespaceShown: false });
    cluster.addons.push({
      name: 'fluent-bit',
      version: 'v4.0.1-eksbuild.2',
      status: 'ACTIVE',
      tags: {},
      createdAt: '2025-03-04T10:20:00.000Z',
    });
  });
  const { objects, notes } = documentOf(
    await run('grant-access', ...CLUSTER, '--addon', 'fluent-bit', '--sandbox', scenario, '--json'),
  );
  expect(objects.filter(({ manifest }) => manifest.kind === 'Role')).toEqual([]);
  expect(notes[0]).toContain('fluent-bit: its namespace is not known');
});

describe('grant-access --apply', () => {
  it('unblocks a migration, is recorded in the state, and changes nothing a second time', async () => {
    const { directory, scenario } = open();
    const state = ['--state', join(directory, 'world.json')];
    const blocked = await run('plan', ...EBS, '--sandbox', scenario, ...state, '--json');
    expect(blocked.code).toBe(3);
    expect(
      migrationReport.parse(JSON.parse(blocked.out)).plan?.checks.find(({ id }) => id === 'kubernetes-access')?.status,
    ).toBe('unknown');

    const granted = await run('grant-access', ...EBS, ...state, '--apply', '--json');
    expect([granted.code, documentOf(granted)]).toMatchObject([0, { applied: true }]);
    expect(results(documentOf(granted))).toEqual(['created']);

    const again = await run('grant-access', ...EBS, ...state, '--apply');
    expect(again).toMatchObject(printing(0, /^✔ nothing to do /));
    expect(again.out).not.toMatch(/^ +[+~✖] /m);
    expect(results(documentOf(await run('grant-access', ...EBS, ...state, '--json')))).toEqual(['nothing']);

    // Its pods were admitted before the webhook knew the association, so they are restarted, which needs the second group.
    const migrated = await run('migrate', ...EBS, ...state, '--json');
    const report = migrationReport.parse(JSON.parse(migrated.out));
    expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect(report.steps.map(({ name }) => name.split('#')[0])).toContain('restart-pods');
    const { commands } = JSON.parse(readFileSync(join(directory, 'world.json'), 'utf8')) as {
      commands: { what: string }[];
    };
    expect(commands.map(({ what }) => what)).toEqual(['migrate', 'grant-access', 'grant-access', 'migrate']);
  });

  it('adds to existing access, and removes nothing', async () => {
    const [planRole] = roles.all;
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1' as const,
      kind: 'ClusterRoleBinding' as const,
      metadata: { name: ACCESS_GROUPS.read },
      subjects: [{ kind: 'User' as const, name: 'jo', apiGroup: 'rbac.authorization.k8s.io' }],
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io' as const,
        kind: 'ClusterRole' as const,
        name: ACCESS_GROUPS.read,
      },
    };
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1' as const,
      kind: 'ClusterRole' as const,
      metadata: { name: ACCESS_GROUPS.read, labels: { 'app.kubernetes.io/managed-by': 'eks-pod-identity-migrator' } },
      rules: [],
    };
    const { directory, scenario } = open(
      [ADMINISTRATOR, entryOf(planRole!, { kubernetesGroups: ['auditors'] })],
      (cluster) => (cluster.rbac = [role, binding]),
    );
    const calls = join(directory, 'world.json');
    const first = documentOf(
      await run('grant-access', ...EBS, '--sandbox', scenario, '--state', calls, '--apply', '--json'),
    );
    expect(first.accessEntries[0]).toEqual({
      principalArn: planRole,
      result: 'updated',
      groups: ['auditors', ACCESS_GROUPS.read],
    });
    expect(first.objects.slice(0, 2).map(({ result }) => result)).toEqual(['updated', 'updated']);
    const second = documentOf(await run('grant-access', ...EBS, '--state', calls, '--json'));
    expect([results(second), second.accessEntries[0]?.groups]).toEqual([['nothing'], ['auditors', ACCESS_GROUPS.read]]);
  });

  it('reports that a sandbox without a state ends with the command', async () => {
    const { code, out, err } = await run('grant-access', ...EBS, '--sandbox', open().scenario, '--apply');
    expect(code).toBe(0);
    expect(out).toMatch(/^✔ granted /);
    expect(out).toContain('A new access entry takes effect after some seconds.');
    expect(err).toBe('The sandbox ends with this command: add --state FILE to keep it.\n');
  });

  it.each([
    ['an access entry of nodes', /type EC2_LINUX, which does not support groups/],
    ['a third-party ClusterRole', /ClusterRole pod-identity-migrator:read exists with other rules/],
  ])('changes nothing if %s conflicts', async (what, expected) => {
    const nodes = what.includes('entry') ? [entryOf(roles.all[0]!, { type: 'EC2_LINUX' })] : [];
    const { directory, scenario } = open([ADMINISTRATOR, ...nodes], (cluster) => {
      if (nodes.length === 0)
        cluster.rbac = [
          {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRole',
            metadata: { name: ACCESS_GROUPS.read },
            rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
          },
        ];
    });
    const state = join(directory, 'world.json');
    const { code, out } = await run('grant-access', ...EBS, '--sandbox', scenario, '--state', state, '--apply');
    expect(code).toBe(3);
    expect(out).toMatch(/^✖ refused /);
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(expected);
    const { objects, applied } = documentOf(await run('grant-access', ...EBS, '--state', state, '--apply', '--json'));
    expect(applied).toBe(false);
    expect(new Set(objects.map(({ result }) => result))).toContain('would-create');
  });
});

describe('grant-access is refused', () => {
  it.each<[string, Parameters<typeof filesWith>[0], string, RegExp]>([
    [
      'to whom the API server does not know',
      [],
      '',
      /does not know these credentials\nhint: [^]*create-access-entry --cluster-name reliability-dev/,
    ],
    [
      'to whom may not read RBAC objects',
      [operatorWith('AmazonEKSEditPolicy')],
      '',
      /may not get ClusterRole pod-identity-migrator:read on cluster reliability-dev: [^]*cannot get resource "clusterroles"[^]*\nhint: [^]*AmazonEKSClusterAdminPolicy/,
    ],
    [
      'to whom may not look at workloads',
      [entryOf(ADMINISTRATOR.principalArn)],
      '',
      /may not list the workloads of namespace kube-system on cluster reliability-dev/,
    ],
    [
      'to whom may read everything, and hand out nothing',
      [operatorWith('AmazonEKSAdminViewPolicy')],
      '--apply',
      /may not create ClusterRole pod-identity-migrator:read [^]*cannot create resource "clusterroles"/,
    ],
  ])('%s', async (_, entries, flag, expected) => {
    const { code, err } = await run(
      'grant-access',
      ...EBS,
      '--sandbox',
      open(entries).scenario,
      ...(flag ? [flag] : []),
    );
    expect(err).toMatch(expected);
    expect(code).toBe(3);
    expect(err).not.toContain('Done before');
  });

  it.each<[string, string[], RegExp]>([
    [
      'a cluster that is not there',
      ['--cluster', 'other'],
      /cluster other does not exist in account 111122223333, eu-west-1\nhint: {2}Clusters there: reliability-dev/,
    ],
    [
      'an add-on that is not there',
      [...CLUSTER, '--addon', 'adot'],
      /has no add-on adot\nhint: {2}Its add-ons: aws-ebs-csi-driver, /,
    ],
    ['an unknown account', [...CLUSTER, '--account', '999999999999'], /--account 999999999999 is not in the scenario/],
    ['a name that is none', [...CLUSTER, '--addon', 'a b'], /--addon "a b" /],
    ['no cluster', [], /--cluster is missing: specify the EKS cluster/],
  ])('for %s, as bad input', async (_, flags, expected) => {
    const { code, err } = await run('grant-access', ...flags, '--sandbox', open().scenario);
    expect(err).toMatch(expected);
    expect(code).toBe(2);
  });

  it('without a backend, with two, and if neither variables nor a region locate the service', async () => {
    await expectExit(run('grant-access', ...CLUSTER), 2, 'it is not clear where the cluster is');
    await expectExit(
      run('grant-access', ...CLUSTER, '--deployed', '--sandbox', open().scenario),
      2,
      '--deployed cannot be combined with --sandbox or --state',
    );
    await expectExit(run('grant-access', ...CLUSTER, '--deployed'), 2, 'no AWS region is configured');
  });
});
