/** `grant-access` for service accounts that belong to no add-on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { accessEnvironment } from '../../cli/service-roles.ts';
import type { Granted } from '../../cli/cluster-access/grant.ts';
import { type ScenarioWorkload, workload as scenarioWorkload } from '../../sandbox/scenario/scenario-cluster.ts';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { Manifest } from '../../lambdas/domain/access/manifests.ts';
import { ACCESS_GROUPS } from '../../lambdas/domain/access/rules.ts';
import { TARGET } from '../end-to-end/fixture.ts';
import { ADMINISTRATOR, entryOf, type Files, filesWith, operatorWith, serviceRoles } from './access-fixtures.ts';
import { runProgram as run } from './run-program.ts';
import { words } from './fixtures.ts';
import { containing, matching, printing } from '../lambdas/matchers.ts';

const CLUSTER = ['--cluster', TARGET.cluster];
const API = [...CLUSTER, '--service-account', 'payments/api'];
const REMOVE = ['--annotation', 'remove'];
const NAME = `${ACCESS_GROUPS.restart}:payments:api`;
const READ = [`ClusterRole ${ACCESS_GROUPS.read}`, `ClusterRoleBinding ${ACCESS_GROUPS.read}`];
const OWN = [`Role payments/${NAME}`, `RoleBinding payments/${NAME}`];
const ANNOTATE = `${ACCESS_GROUPS.annotate}:payments:api`;
const ANNOTATE_ROLE = `Role payments/${ANNOTATE}`;

const workload = (
  kind: ScenarioWorkload['kind'],
  name: string,
  serviceAccount: string,
  namespace = 'payments',
): ScenarioWorkload =>
  scenarioWorkload.parse({ kind, namespace, name, serviceAccount, createdAt: '2025-12-03T16:20:00.000Z' });

/**
 * Three workloads use `payments/api`, one in the namespace uses another account, and one elsewhere uses one of that name.
 */
const payments = (cluster: ScenarioCluster): void => {
  cluster.workloads = [
    workload('Deployment', 'web', 'api'),
    workload('Deployment', 'api', 'api'),
    workload('StatefulSet', 'outbox', 'api'),
    workload('DaemonSet', 'tail', 'api'),
    workload('Deployment', 'batch', 'batch'),
    workload('Deployment', 'api', 'api', 'shop'),
  ];
};

let files: Files | undefined;
afterEach(() => {
  files?.remove();
  files = undefined;
});
const open = (entries = [ADMINISTRATOR], change: (cluster: ScenarioCluster) => void = payments): Files =>
  (files = filesWith(entries, change));
const documentOf = ({ out }: { out: string }): Granted => JSON.parse(out) as Granted;
const namesOf = ({ objects }: Granted): string[] => objects.map(({ name }) => name);
const rulesOf = (manifests: readonly Manifest[], name = NAME): unknown =>
  manifests.flatMap((one) => ('rules' in one && one.metadata.name === name ? one.rules : []));
const resultsOf = ({ objects }: Granted): Record<string, string> =>
  Object.fromEntries(objects.map(({ name, result }) => [name, result]));
const grant = (...flags: string[]): ReturnType<typeof run> => run('grant-access', ...flags);

const restarts = (resource: string, ...resourceNames: string[]): object => ({
  apiGroups: ['apps'],
  resources: [resource],
  resourceNames,
  verbs: ['patch'],
});
const RESTARTS = [
  restarts('deployments', 'api', 'web'),
  restarts('daemonsets', 'tail'),
  restarts('statefulsets', 'outbox'),
  { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
];
const ANNOTATES = { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['api'], verbs: ['patch'] };

describe('grant-access --service-account', () => {
  it('covers only the workloads of that service account, and reads no add-on', async () => {
    const document = documentOf(await grant(...API, '--sandbox', open().scenario, '--json'));
    expect(namesOf(document)).toEqual([...READ, ...OWN]);
    expect([rulesOf(document.objects.map(({ manifest }) => manifest)), document.notes]).toEqual([RESTARTS, []]);
    expect(document.objects.at(-1)!.manifest).toMatchObject({
      kind: 'RoleBinding',
      metadata: { namespace: 'payments' },
      subjects: [{ kind: 'Group', name: ACCESS_GROUPS.restart }],
      roleRef: { kind: 'Role', name: NAME },
    });
  });

  it('with --annotation remove also allows changing the service account itself, by name, and shows why', async () => {
    const { code, out, err } = await grant(...API, ...REMOVE, '--sandbox', open().scenario);
    expect(code).toBe(0);
    const manifests = parseAllDocuments(out).map((each) => each.toJS() as Manifest);
    expect([rulesOf(manifests), rulesOf(manifests, ANNOTATE)]).toEqual([RESTARTS, [ANNOTATES]]);
    const binding = {
      kind: 'RoleBinding',
      metadata: { namespace: 'payments' },
      subjects: [{ kind: 'Group', name: ACCESS_GROUPS.annotate }],
      roleRef: { kind: 'Role', name: ANNOTATE },
    };
    expect(manifests.at(-1)).toMatchObject(binding);
    expect(out).toContain(
      '  # removes the IRSA annotation, and restores it in a rollback\n  - apiGroups: [""]\n    resources: [serviceaccounts]\n    resourceNames: [api]\n    verbs: [patch]\n',
    );
    for (const name of [NAME, ANNOTATE]) expect(err).toContain(`+ Role payments/${name}: would be created\n`);
    expect(err.replaceAll(/\s+/g, ' ')).toContain(
      `To apply it: npm run --silent pod-identity -- grant-access --cluster ${TARGET.cluster} --service-account payments/api --annotation remove --sandbox `,
    );
  });

  it('can be combined with add-ons and other service accounts, each with its own objects, once', async () => {
    const { scenario } = open();
    const wanted = words`${API} --service-account shop/api --service-account payments/api --addon aws-ebs-csi-driver`;
    const document = documentOf(await grant(...wanted, '--sandbox', scenario, '--json'));
    const of = (namespace: string, name: string): string[] => [
      `Role ${namespace}/${ACCESS_GROUPS.restart}:${name}`,
      `RoleBinding ${namespace}/${ACCESS_GROUPS.restart}:${name}`,
    ];
    expect(namesOf(document)).toEqual([
      ...READ,
      ...of('kube-system', 'aws-ebs-csi-driver'),
      ...OWN,
      ...of('shop', 'shop:api'),
    ]);
    expect((await grant(...wanted, '--sandbox', scenario)).err).toContain(
      '--addon aws-ebs-csi-driver --service-account payments/api --service-account shop/api --service-account payments/api --sandbox ',
    );
  });

  it('reports that there is nothing to restart if no workload uses it; changing its annotation can be granted nevertheless', async () => {
    const { scenario } = open();
    const none = [...CLUSTER, '--service-account', 'payments/default'];
    const { code, err } = await grant(...none, '--sandbox', scenario);
    expect(code).toBe(0);
    expect(err.replaceAll(/\s+/g, ' ')).toContain(
      'Notes ! Service account payments/default has no Deployment, DaemonSet or StatefulSet yet: run this command again once it does. ',
    );
    expect(err).not.toContain('No add-on takes');
    expect(namesOf(documentOf(await grant(...none, '--sandbox', scenario, '--json')))).toEqual(READ);
    const document = documentOf(await grant(...none, ...REMOVE, '--sandbox', scenario, '--json'));
    expect(namesOf(document)).toEqual([
      ...READ,
      ...['Role', 'RoleBinding'].map((kind) => `${kind} payments/${ACCESS_GROUPS.annotate}:payments:default`),
    ]);
    expect(
      rulesOf(
        document.objects.map(({ manifest }) => manifest),
        `${ACCESS_GROUPS.annotate}:payments:default`,
      ),
    ).toEqual([{ ...ANNOTATES, resourceNames: ['default'] }]);
  });
});

describe('grant-access --service-account --apply', () => {
  it('is recorded in the state, changes nothing a second time, and without --annotation remove revokes that right', async () => {
    const { directory, scenario } = open();
    const file = join(directory, 'world.json');
    const state = ['--state', file];
    const granted = documentOf(await grant(...API, ...REMOVE, '--sandbox', scenario, ...state, '--apply', '--json'));
    expect(new Set(granted.objects.map(({ result }) => result))).toEqual(new Set(['created']));
    expect(await grant(...API, ...REMOVE, ...state, '--apply')).toMatchObject(printing(0, /^✔ nothing to do /));

    const shown = await grant(...API, ...state);
    expect([shown.out, shown.err]).toEqual([
      matching(/ {2}name: pod-identity-migrator:annotate:payments:api\n {2}namespace: payments\n[^]*\nrules: \[\]\n$/),
      containing(`~ ${ANNOTATE_ROLE}: would be updated\n`),
    ]);
    const narrower = documentOf(await grant(...API, ...state, '--apply', '--json'));
    expect(resultsOf(narrower)).toEqual({
      ...Object.fromEntries([...READ, ...OWN].map((name) => [name, 'nothing'])),
      [ANNOTATE_ROLE]: 'updated',
    });
    expect(narrower.notes).toEqual([
      `Without --annotation remove, the permission to change a service account's annotation is revoked: ${ANNOTATE_ROLE} keeps no rule.`,
    ]);
    const after = documentOf(await grant(...API, ...state, '--json'));
    const manifests = after.objects.map(({ manifest }) => manifest);
    expect([
      rulesOf(manifests),
      rulesOf(manifests, ANNOTATE),
      new Set(Object.values(resultsOf(after))),
      after.notes,
    ]).toEqual([RESTARTS, [], new Set(['nothing']), []]);

    const { commands } = JSON.parse(readFileSync(file, 'utf8')) as { commands: Record<string, unknown>[] };
    const noted = { what: 'grant-access', addons: [], serviceAccounts: [{ namespace: 'payments', name: 'api' }] };
    expect(commands).toEqual([
      expect.objectContaining({ ...noted, annotation: 'remove' }),
      expect.objectContaining({ ...noted, annotation: 'remove' }),
      expect.objectContaining({ ...noted, annotation: 'keep' }),
    ]);
  });

  it('also revokes that right for a service account without workloads, and grants it again', async () => {
    const { directory, scenario } = open();
    const [none, role] = [
      [...CLUSTER, '--service-account', 'payments/default'],
      `Role payments/${ACCESS_GROUPS.annotate}:payments:default`,
    ];
    const state = ['--state', join(directory, 'world.json')];
    await grant(...none, ...REMOVE, '--sandbox', scenario, ...state, '--apply');
    expect(resultsOf(documentOf(await grant(...none, ...state, '--apply', '--json')))).toMatchObject({
      [role]: 'updated',
    });
    expect(resultsOf(documentOf(await grant(...none, ...REMOVE, ...state, '--apply', '--json')))).toMatchObject({
      [role]: 'updated',
      [role.replace('Role', 'RoleBinding')]: 'nothing',
    });
  });

  it('revokes nothing for another service account, and leaves a third-party Role as it is', async () => {
    const { directory, scenario } = open();
    const state = ['--state', join(directory, 'world.json')];
    await grant(...API, ...REMOVE, '--sandbox', scenario, ...state, '--apply');
    const other = documentOf(
      await grant(...CLUSTER, '--service-account', 'payments/batch', ...state, '--apply', '--json'),
    );
    expect(namesOf(other)).not.toContain(ANNOTATE_ROLE);
    expect(
      rulesOf(
        documentOf(await grant(...API, ...REMOVE, ...state, '--json')).objects.map(({ manifest }) => manifest),
        ANNOTATE,
      ),
    ).toEqual([ANNOTATES]);

    const mine = {
      apiVersion: 'rbac.authorization.k8s.io/v1' as const,
      kind: 'Role' as const,
      metadata: { name: ANNOTATE, namespace: 'payments', labels: {} },
      rules: [ANNOTATES],
    };
    files?.remove();
    const theirs = await grant(
      ...API,
      '--sandbox',
      open([ADMINISTRATOR], (cluster) => void (payments(cluster), (cluster.rbac = [mine]))).scenario,
      '--apply',
    );
    expect([theirs.code, theirs.out]).toEqual([3, containing(`✖ ${ANNOTATE_ROLE}: refused\n`)]);
  });

  it('continues from a state that was written before service accounts were supported', async () => {
    const { directory, scenario } = open();
    const file = join(directory, 'world.json');
    await grant(...CLUSTER, '--sandbox', scenario, '--state', file, '--apply');
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { commands: Record<string, unknown>[] };
    for (const command of kept.commands) for (const name of ['serviceAccounts', 'annotation']) delete command[name];
    writeFileSync(file, JSON.stringify(kept));
    expect(await grant(...CLUSTER, '--state', file, '--apply')).toMatchObject(printing(0, /^✔ nothing to do /));
  });
});

describe('grant-access --service-account is refused', () => {
  it.each<[string, string[], RegExp]>([
    [
      'that is not there',
      ['--service-account', 'payments/web'],
      /has no service account payments\/web\nhint: {2}Service accounts of namespace payments: api, batch, default$/m,
    ],
    [
      'of a namespace that is not there',
      ['--service-account', 'payment/api'],
      /has no service account payment\/api\nhint: {2}Namespace payment has no service accounts, or does not exist$/m,
    ],
    [
      'without a namespace',
      ['--service-account', 'api'],
      /--service-account "api" must be NAMESPACE\/NAME, such as payments\/api/,
    ],
    [
      'whose namespace is none',
      ['--service-account', 'Pay/api'],
      /--service-account "Pay\/api" before the \/ must be the name of a Kubernetes namespace/,
    ],
    [
      'whose name is none',
      ['--service-account', 'payments/api', '--service-account', 'payments/../api'],
      /--service-account "payments\/..\/api" after the \/ must be the name of a Kubernetes service account/,
    ],
    [
      'with another annotation',
      ['--service-account', 'payments/api', '--annotation', 'drop'],
      /--annotation "drop" must be keep or remove/,
    ],
  ])('for a service account %s, as bad input', async (_, flags, expected) => {
    const { code, err } = await grant(...CLUSTER, ...flags, '--sandbox', open().scenario);
    expect(err).toMatch(expected);
    expect(code).toBe(2);
  });

  it('for more than a hint can list, with the first of them', async () => {
    const many = (cluster: ScenarioCluster): void =>
      void (cluster.workloads = Array.from({ length: 30 }, (_, index) =>
        workload('Deployment', `w${index}`, `sa${String(index).padStart(2, '0')}`),
      ));
    const { err } = await grant(
      ...words`${CLUSTER} --service-account payments/web --sandbox`,
      open([ADMINISTRATOR], many).scenario,
    );
    expect(err).toMatch(/hint: {2}Service accounts of namespace payments: (\S+, ){19}\S+ and 11 more/);
  });

  it('if --annotation is given without a service account', async () => {
    const { code, err } = await grant(
      ...words`${CLUSTER} ${REMOVE} --addon aws-ebs-csi-driver --sandbox`,
      open().scenario,
    );
    expect([code, err]).toEqual([
      2,
      containing(
        '--annotation "remove" applies to service accounts: name one with --service-account NAMESPACE/NAME, or omit it',
      ),
    ]);
  });

  it.each<[string, Parameters<typeof filesWith>[0], RegExp]>([
    ['does not know', [], /does not know these credentials/],
    [
      'does not let look',
      [entryOf(ADMINISTRATOR.principalArn)],
      /may not get service account payments\/api on cluster reliability-dev: permissions are granted only for existing service accounts/,
    ],
    [
      'lets read everything, and hand out nothing',
      [operatorWith('AmazonEKSAdminViewPolicy')],
      /may not create ClusterRole pod-identity-migrator:read/,
    ],
  ])('if the API server %s', async (_, entries, expected) => {
    const { code, err } = await grant(...API, ...REMOVE, '--sandbox', open(entries).scenario, '--apply');
    expect(err).toMatch(expected);
    expect(code).toBe(3);
  });
});

it('puts the role that may change service accounts, and the one that restarts, in groups of their own', async () => {
  const environment = accessEnvironment(await serviceRoles());
  const stepsOf = (purpose: string): unknown =>
    environment[`POD_IDENTITY_KUBERNETES_${purpose}_ROLE_ARNS`]
      ?.split(',')
      .map((arn) => /Steps(\w+?)Role/.exec(arn)?.[1]);
  expect([stepsOf('RESTART'), stepsOf('ANNOTATE')]).toEqual([['RestartPods'], ['AnnotateServiceAccount']]);
});
