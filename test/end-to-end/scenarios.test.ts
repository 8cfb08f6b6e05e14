/** Every scenario that comes along, run to its end in virtual time: what must come out of each. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MigrationReport, MigrationRequestInput } from '../../lambdas/domain/model.ts';
import { readScenario } from '../../sandbox/world/load.ts';
import type { AddonState, ClusterState } from '../../sandbox/world/world.ts';
import { migrate, mutationsOf, type Run } from './fixture.ts';

const FOLDER = 'sandbox/scenarios';
const EBS = 'aws-ebs-csi-driver';
const EFS = 'aws-efs-csi-driver';
const FSX = 'aws-fsx-csi-driver';

interface Expected {
  outcome: MigrationReport['outcome'];
  /** Checks that must block, each with what its message says; none does where it is left out. */
  blockedBy?: Record<string, RegExp>;
  /** Name of the failure that the report tells. */
  failure?: string;
  /** Service accounts of the associations that were deleted, made, and put back. */
  purged?: string[];
  created?: string[];
  restored?: string[];
  /** Calls that changed something, in order. */
  mutations: string[];
}
type Row = [scenario: string, request: Pick<MigrationRequestInput, 'addon' | 'preserve' | 'resolveConflicts'>, expected: Expected];

const RECREATE = ['eks:DeleteAddon', 'eks:CreateAddon'];
const PURGED = ['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon'];

const rows: Row[] = [
  ['ebs-csi-irsa', { addon: EBS }, { outcome: 'migrated', purged: ['ebs-csi-controller-sa'], created: ['ebs-csi-controller-sa'], mutations: PURGED }],
  ['efs-csi-irsa', { addon: EFS }, { outcome: 'migrated', created: ['efs-csi-controller-sa'], mutations: RECREATE }],
  ['vpc-cni-irsa', { addon: 'vpc-cni', preserve: true }, { outcome: 'migrated', created: ['aws-node'], mutations: [...RECREATE, 'kubernetes:patch daemonsets'] }],
  ['vpc-cni-irsa', { addon: 'vpc-cni' }, { outcome: 'blocked', blockedBy: { 'addon-risk': /network/ }, mutations: [] }],
  [
    'adot-three-service-accounts',
    { addon: 'adot' },
    { outcome: 'migrated', created: ['adot-col-container-logs', 'adot-col-otlp-ingest', 'adot-col-prom-metrics'], mutations: RECREATE },
  ],
  ['fsx-csi-irsa', { addon: FSX }, { outcome: 'migrated', created: ['fsx-csi-controller-sa'], mutations: RECREATE }],
  ['left-over-unportable', { addon: EBS }, { outcome: 'blocked', blockedBy: { associations: /targetRoleArn/ }, mutations: [] }],
  ['left-over-unportable', { addon: EFS }, { outcome: 'blocked', blockedBy: { associations: /tags \(cost-centre\)/ }, mutations: [] }],
  ['left-over-unportable', { addon: FSX }, { outcome: 'blocked', blockedBy: { associations: /disableSessionTags, policy/ }, mutations: [] }],
  ['shared-role', { addon: EBS }, { outcome: 'migrated', created: ['ebs-csi-controller-sa'], mutations: RECREATE }],
  ['degraded-after-create', { addon: EBS }, { outcome: 'migrated', created: ['ebs-csi-controller-sa'], mutations: RECREATE }],
  ['stuck-deleting', { addon: EBS }, { outcome: 'needs-human', failure: 'AddonStillThere', mutations: ['eks:DeleteAddon'] }],
  [
    'conflict-on-create',
    { addon: EBS, preserve: true },
    { outcome: 'rolled-back', failure: 'AddonFailed', mutations: ['eks:DeleteAddon', 'eks:CreateAddon', 'eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon'] },
  ],
  [
    'conflict-on-create',
    { addon: EBS, preserve: true, resolveConflicts: 'OVERWRITE' },
    { outcome: 'migrated', created: ['ebs-csi-controller-sa'], mutations: [...RECREATE, 'kubernetes:patch deployments'] },
  ],
  ['agent-absent', { addon: EBS }, { outcome: 'blocked', blockedBy: { agent: /not installed/ }, mutations: [] }],
  ['agent-self-managed', { addon: EBS }, { outcome: 'migrated', created: ['ebs-csi-controller-sa'], mutations: RECREATE }],
  ['auto-mode', { addon: EFS }, { outcome: 'migrated', created: ['efs-csi-controller-sa'], mutations: RECREATE }],
  ['version-withdrawn', { addon: EBS }, { outcome: 'blocked', blockedBy: { 'version-offered': /v1\.35\.0-eksbuild\.1 .* no longer offered/ }, mutations: [] }],
];

interface Ended extends Run {
  /** The one that the migration was for. */
  cluster: ClusterState;
  /** An add-on as it was before. */
  before: (cluster: string, addon: string) => AddonState;
}

/** Runs that request against the scenario's first cluster. */
const start = async (name: string, request: Row[1]): Promise<Ended> => {
  const scenario = await readScenario(`${FOLDER}/${name}.json`);
  const [account] = scenario.accounts;
  const [cluster] = account!.clusters;
  const was = new Map<string, AddonState>();
  const ended = await migrate({
    scenario,
    request: { target: { account: account!.id, region: cluster!.region, cluster: cluster!.name }, ...request },
    prepare: ({ sandbox }) => {
      for (const each of clustersOf(sandbox.world)) for (const addon of each.addons.values()) was.set(`${each.name}/${addon.name}`, structuredClone(addon));
    },
  });
  const find = (of: string): ClusterState => clustersOf(ended.backend.sandbox.world).find((each) => each.name === of)!;
  return { ...ended, cluster: find(cluster!.name), before: (of, addon) => was.get(`${of}/${addon}`)! };
};

/** Several tests look at the same run; none changes it. */
const runs = new Map<string, Promise<Ended>>();
const run = (name: string, request: Row[1]): Promise<Ended> => {
  const key = JSON.stringify([name, request]);
  const known = runs.get(key) ?? start(name, request);
  runs.set(key, known);
  return known;
};

const clustersOf = ({ accounts }: Run['backend']['sandbox']['world']): ClusterState[] => [...accounts.values()].flatMap(({ clusters }) => [...clusters.values()]);
const serviceAccounts = (associations: { serviceAccount: string }[]): string[] => associations.map((one) => one.serviceAccount).sort();
/** Per service account, whether its pods have the env of IRSA or that of Pod Identity. */
const identityOf = (cluster: ClusterState, serviceAccount: string): string[] =>
  [...cluster.kube.objects.get('pods.')!.values()]
    .filter((pod) => pod.spec!['serviceAccountName'] === serviceAccount && pod.metadata.deletionTimestamp === undefined)
    .map((pod) => {
      const spec = JSON.stringify(pod.spec);
      return `${spec.includes('AWS_WEB_IDENTITY_TOKEN_FILE') ? 'irsa' : ''}${spec.includes('AWS_CONTAINER_CREDENTIALS_FULL_URI') ? 'pod-identity' : ''}`;
    });

describe('the scenarios that come along', () => {
  it.each(rows)('%s, %j', async (name, request, { outcome, blockedBy = {}, failure, purged = [], created = [], restored = [], mutations }) => {
    const ended = await run(name, request);
    const { report } = ended;
    expect(report.failure?.name).toBe(failure);
    expect(report.outcome).toBe(outcome);
    const blocking = report.plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown');
    expect([...new Set(blocking.map(({ id }) => id))]).toEqual(Object.keys(blockedBy));
    for (const { id, message } of blocking) expect(message).toMatch(blockedBy[id]!);
    expect({
      purged: serviceAccounts(report.associations.purged),
      created: serviceAccounts(report.associations.created),
      restored: serviceAccounts(report.associations.restored),
    }).toEqual({ purged, created, restored });
    expect(mutationsOf(ended)).toEqual(mutations);
    expect(ended.backend.sandbox.failures).toEqual([]);
  });

  it.each(rows.filter(([, , { outcome }]) => outcome === 'migrated'))('%s, %j: the add-on is the same but for its identity, and its pods have the new one', async (name, request, { created = [] }) => {
    const { cluster, before } = await run(name, request);
    const { version, configurationValues, tags } = before(cluster.name, request.addon);
    const now = cluster.addons.get(request.addon)!;
    expect(now).toMatchObject({ status: 'ACTIVE', version, tags });
    expect(now.configurationValues).toBe(configurationValues);
    expect(now.serviceAccountRoleArn).toBeUndefined();
    expect(created.map((serviceAccount) => [...new Set(identityOf(cluster, serviceAccount))])).toEqual(created.map(() => ['pod-identity']));
  });

  it.each(rows.filter(([, , { outcome }]) => outcome === 'blocked'))('%s, %j: nothing has changed', async (name, request) => {
    const { cluster, before } = await run(name, request);
    expect(cluster.addons.get(request.addon)).toEqual(before(cluster.name, request.addon));
  });

  it('are all in that table', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
    expect([...new Set(rows.map(([name]) => `${name}.json`))].sort()).toEqual(files.sort());
  });
});

describe('what a migration leaves alone', () => {
  it('a role that others share: its trust, the other add-on, and the other cluster', async () => {
    const { backend, before, cluster } = await run('shared-role', { addon: EBS });
    const { world } = backend.sandbox;
    const trust = world.accounts.get('111122223333')!.roles.get('storage-csi-drivers')!.trustPolicy;
    const written = (await readScenario(`${FOLDER}/shared-role.json`)).accounts[0]!.roles[0]!.trustPolicy;
    expect(JSON.parse(trust)).toEqual(written);
    const green = clustersOf(world).find(({ name }) => name === 'prod-green')!;
    for (const [of, addon] of [[cluster, EFS], [green, EBS], [green, EFS]] as const) expect(of.addons.get(addon)).toEqual(before(of.name, addon));
    for (const [of, serviceAccount] of [[cluster, 'efs-csi-controller-sa'], [green, 'ebs-csi-controller-sa'], [green, 'efs-csi-controller-sa']] as const) {
      expect(identityOf(of, serviceAccount)).toEqual(['irsa', 'irsa']);
    }
  });

  it('an application that uses IRSA, and the agent that Helm has installed', async () => {
    const { cluster } = await run('agent-self-managed', { addon: EBS });
    expect(identityOf(cluster, 'checkout')).toEqual(['irsa', 'irsa', 'irsa']);
    expect(cluster.kube.readyHistory.filter(({ workload }) => workload === 'checkout' || workload === 'eks-pod-identity-agent').map(({ ready }) => ready)).toEqual([3, 3]);
    expect(cluster.addons.has('eks-pod-identity-agent')).toBe(false);
  });

  it('the way back after a conflict: the add-on is as it was', async () => {
    const { report, cluster, before } = await run('conflict-on-create', { addon: EBS, preserve: true });
    expect(report.failure!.message).toContain('Conflicts found when trying to apply. Will not continue due to resolve conflicts mode.');
    expect(report.failure!.message).toContain('Deployment.apps ebs-csi-controller - .spec.replicas');
    const was = before(cluster.name, EBS);
    expect(cluster.addons.get(EBS)).toMatchObject({ status: 'ACTIVE', version: was.version, serviceAccountRoleArn: was.serviceAccountRoleArn, associationIds: [] });
    expect([...cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined)).toEqual([]);
    expect(identityOf(cluster, 'ebs-csi-controller-sa')).toEqual(['irsa', 'irsa']);
  });

  it('an add-on that is DEGRADED for a while: it waits', async () => {
    const { report } = await run('degraded-after-create', { addon: EBS });
    const waited = report.steps.find(({ name }) => name === 'await-active')!;
    expect(Date.parse(waited.endedAt) - Date.parse(waited.startedAt)).toBeGreaterThan(60_000);
  });

  it('a delete that never ends: it says what a person can do', async () => {
    const { report } = await run('stuck-deleting', { addon: EBS });
    expect(report.handOff.join('\n')).toContain(`--addon-name ${EBS}`);
  });
});

describe('access to the API server', () => {
  it.each([
    ['without an access entry', (cluster: ClusterState) => cluster.accessEntries.clear()],
    ['with an access entry that allows nothing', (cluster: ClusterState) => cluster.accessEntries.forEach((entry) => Object.assign(entry, { kubernetesGroups: [], policies: [] }))],
  ])('%s the plan blocks, since nobody can prove the migration', async (_, change) => {
    const ended = await migrate({ prepare: ({ sandbox }) => change(clustersOf(sandbox.world)[0]!) });
    expect(ended.report.outcome).toBe('blocked');
    expect(ended.report.plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id, status }) => [id, status])).toEqual([['kubernetes-access', 'unknown']]);
    expect(mutationsOf(ended)).toEqual([]);
  });
});
