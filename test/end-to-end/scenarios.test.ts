/** Every built-in scenario, run to its end in virtual time, and its expected result. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/migration/model.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readFoundHandOff } from '../../lambdas/use-cases/hand-off/read-found.ts';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { readScenario } from '../../sandbox/world/load.ts';
import type { AddonState, ClusterState } from '../../sandbox/world/world.ts';
import { chainRows } from './chain-rows.ts';
import { accountOf, differences } from './hand-off-differences.ts';
import { identityOf, migrate, mutationsOf, type Run, scenarioFile } from './fixture.ts';
import { consumerRows } from './consumer-rows.ts';
import { CLOUDWATCH, EBS, EFS, recreate, type Row, rows as otherRows } from './scenario-rows.ts';
import { reachabilityRows } from './reachability-rows.ts';
import { sdkRows } from './sdk-rows.ts';
import { hasWaited } from './waits.ts';
import { inWorld, type OpenWorld } from './world.ts';

const rows = [...otherRows, ...sdkRows, ...reachabilityRows, ...chainRows, ...consumerRows];
const HOUR = 3_600_000;
const FOLDER = 'sandbox/scenarios';
interface Ended extends Run {
  /** The add-on that the migration was for. */
  cluster: ClusterState;
  /** An add-on in its original state. */
  before: (cluster: string, addon: string) => AddonState;
  /** In what the account differs from the hand-off of the report, and from the one that is read without the migration. */
  handOff: { ofReport: string[]; found: string[] };
}

/** Ends after which the code is known, or was not changed. */
const WITH_HAND_OFF = new Set(['migrated', 'rolled-back', 'already-migrated']);

/** Compares both hand-offs, if there are any, with the account. */
const compareHandOffs = async (
  world: OpenWorld,
  { addon, serviceAccount }: Row[1],
  { handOff }: MigrationReport,
): Promise<Ended['handOff']> => {
  const { eks } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
  const found = await readFoundHandOff(eks, world.target, { addon, serviceAccount });
  const differing = (one: typeof found): string[] => (one === undefined ? [] : differences(accountOf(world), one));
  return { ofReport: differing(handOff), found: differing(found) };
};

/** Runs the request against the scenario's first cluster. */
const start = (scenario: string, request: Row[1], prepare?: (backend: Run['backend']) => void): Promise<Ended> =>
  inWorld({ scenario }, async (world) => {
    const { backend, cluster } = world;
    const was = new Map<string, AddonState>();
    for (const each of clustersOf(backend.sandbox.world))
      for (const addon of each.addons.values()) was.set(`${each.name}/${addon.name}`, structuredClone(addon));
    prepare?.(backend);
    const report = await world.migrate(request);
    const handOff = await compareHandOffs(world, request, report);
    return { report, backend, cluster, before: (of, addon) => was.get(`${of}/${addon}`)!, handOff };
  });

/** Several tests read the same run; none changes it. */
const runs = new Map<string, Promise<Ended>>();
const run = (name: string, request: Row[1]): Promise<Ended> => {
  const key = JSON.stringify([name, request]);
  const known = runs.get(key) ?? start(name, request);
  runs.set(key, known);
  return known;
};

const clustersOf = ({ accounts }: Run['backend']['sandbox']['world']): ClusterState[] =>
  [...accounts.values()].flatMap(({ clusters }) => [...clusters.values()]);
const serviceAccounts = (associations: { serviceAccount: string }[]): string[] =>
  associations.map((one) => one.serviceAccount).sort();
const attemptOf = ({ applied }: MigrationReport): string | undefined =>
  applied && `${applied.strategy}${applied.preserve ? '+preserve' : ''}`;

describe('the built-in scenarios', () => {
  it.each(rows)(
    '%s, %j',
    async (
      name,
      request,
      {
        outcome,
        verdict,
        blockedBy = {},
        failure,
        applied,
        warnings = [],
        purged = [],
        created = [],
        restored = [],
        mutations,
      },
    ) => {
      const ended = await run(name, request);
      const { report } = ended;
      expect(report.failure?.name).toBe(failure);
      expect(report.outcome).toBe(outcome);
      expect(report.plan?.verdict === 'keep-irsa' ? 'keep-irsa' : undefined).toBe(verdict);
      expect(attemptOf(report)).toBe(applied);
      expect(report.warnings.map(({ id }) => id)).toEqual(warnings);
      const blocking = report.plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown');
      expect([...new Set(blocking.map(({ id }) => id))]).toEqual(Object.keys(blockedBy));
      for (const { id, message } of blocking) expect(message).toMatch(blockedBy[id]!);
      expect({
        purged: serviceAccounts(report.associations.purged),
        created: serviceAccounts(report.associations.created),
        restored: serviceAccounts(report.associations.restored),
      }).toEqual({ purged, created, restored });
      expect(mutationsOf(ended)).toEqual(mutations);
    },
  );

  it.each(rows)('%s, %j: the hand-off at its end describes the account', async (name, request) => {
    const { report, handOff } = await run(name, request);
    expect(report.handOff !== undefined).toBe(WITH_HAND_OFF.has(report.outcome));
    expect(handOff).toEqual({ ofReport: [], found: [] });
  });

  it.each(rows.filter(([, { addon }, { outcome }]) => addon !== undefined && outcome === 'migrated'))(
    '%s, %j: the add-on only changes its identity, and its pods have the new one',
    async (name, request, { created = [] }) => {
      const { cluster, before } = await run(name, request);
      const { version, configurationValues, tags } = before(cluster.name, request.addon ?? '');
      const now = cluster.addons.get(request.addon ?? '')!;
      expect(now).toMatchObject({ status: 'ACTIVE', version, tags });
      expect(now.configurationValues).toBe(configurationValues);
      expect(now.serviceAccountRoleArn).toBeUndefined();
      expect(created.map((serviceAccount) => [...new Set(identityOf(cluster, serviceAccount))])).toEqual(
        created.map(() => ['pod-identity']),
      );
    },
  );

  it.each(rows.filter(([, , { outcome }]) => outcome === 'blocked'))(
    '%s, %j: nothing has changed',
    async (name, request) => {
      const { cluster, before } = await run(name, request);
      expect(cluster.addons.get(request.addon ?? '')).toEqual(before(cluster.name, request.addon ?? ''));
    },
  );

  it('all occur in that table', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
    expect([...new Set(rows.map(([name]) => `${name}.json`))].sort()).toEqual(files.sort());
  });
});

describe('what a migration leaves alone', () => {
  it('a shared role: its trust, the other add-on, and the other cluster', async () => {
    const { backend, before, cluster } = await run('shared-role', { addon: EBS });
    const { world } = backend.sandbox;
    const trust = world.accounts.get('111122223333')!.roles.get('storage-csi-drivers')!.trustPolicy;
    const written = (await readScenario(scenarioFile('shared-role'))).accounts[0]!.roles[0]!.trustPolicy;
    expect(JSON.parse(trust)).toEqual(written);
    const green = clustersOf(world).find(({ name }) => name === 'prod-green')!;
    for (const [of, addon] of [
      [cluster, EFS],
      [green, EBS],
      [green, EFS],
    ] as const)
      expect(of.addons.get(addon)).toEqual(before(of.name, addon));
    for (const [of, serviceAccount] of [
      [cluster, 'efs-csi-controller-sa'],
      [green, 'ebs-csi-controller-sa'],
      [green, 'efs-csi-controller-sa'],
    ] as const) {
      expect(identityOf(of, serviceAccount)).toEqual(['irsa', 'irsa']);
    }
  });

  it('an application that uses IRSA, and the agent that Helm has installed', async () => {
    const { cluster } = await run('agent-self-managed', { addon: EBS });
    expect(identityOf(cluster, 'checkout')).toEqual(['irsa', 'irsa', 'irsa']);
    expect(
      cluster.kube.readyHistory
        .filter(({ workload }) => workload === 'checkout' || workload === 'eks-pod-identity-agent')
        .map(({ ready }) => ready),
    ).toEqual([3, 3]);
    expect(cluster.addons.has('eks-pod-identity-agent')).toBe(false);
  });

  it('fields that gained another manager since the plan: the request does not accept a reset', async () => {
    const { report, cluster } = await start('preserve', { addon: EBS, ...recreate, preserve: true }, ({ sandbox }) => {
      sandbox.world.log.onCall(({ operation }) => {
        if (operation === 'DeleteAddon')
          clustersOf(sandbox.world)[0]!.foreignFields.set(EBS, [
            { field: 'Deployment.apps ebs-csi-controller - .spec.replicas', manager: 'kubectl-edit' },
          ]);
      });
    });
    expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'AddonFailed' } });
    expect(report.failure!.message).toContain(
      'Conflicts found when trying to apply. Will not continue due to resolve conflicts mode.',
    );
    expect(report.failure!.message).toContain('Deployment.apps ebs-csi-controller - .spec.replicas');
    expect(report.restoreCommands.join('\n')).toMatch(
      /\n: 'OVERWRITE resets the fields .*'\naws eks create-addon .* --resolve-conflicts OVERWRITE/,
    );
    expect(report.warnings.find(({ id }) => id === 'health-at-end')?.message).toContain('spec.replicas');
    // Preserved: its pods keep running.
    expect(identityOf(cluster, 'ebs-csi-controller-sa')).toEqual(['irsa', 'irsa']);
    expect(
      Math.min(
        ...cluster.kube.readyHistory
          .filter(({ workload }) => workload === 'ebs-csi-controller')
          .map(({ ready }) => ready),
      ),
    ).toBe(2);
  });

  it('a field that a person manages: an update in place keeps it unless the request allows a reset', async () => {
    const replicas = async (request: Row[1]): Promise<unknown> => {
      const { cluster } = await run('user-modified-fields', request);
      return cluster.kube.objects.get('deployments.apps')!.get('kube-system/ebs-csi-controller')!.spec!['replicas'];
    };
    expect(await replicas({ addon: EBS })).toBe(3);
    expect(await replicas({ addon: EBS, strategy: 'in-place', resolveConflicts: 'OVERWRITE' })).toBe(2);
  });

  it.each(['in-place', 'recreate'] as const)(
    'the further fields of an association: the new one has them too (%s)',
    async (strategy) => {
      const { cluster } = await run(
        'left-over-session-tags',
        strategy === 'in-place' ? { addon: EBS } : { addon: EBS, ...recreate },
      );
      const [was] = (await readScenario(scenarioFile('left-over-session-tags'))).accounts[0]!.clusters[0]!.associations;
      const live = [...cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined);
      expect(live).toHaveLength(1);
      expect(live[0]).toMatchObject({ disableSessionTags: true, tags: was!.tags, roleArn: was!.roleArn });
      expect(live[0]!.ownerArn).toBe(cluster.addons.get(EBS)!.arn);
    },
  );

  it('custom resources that a team has created', async () => {
    for (const request of [{ addon: CLOUDWATCH }, { addon: CLOUDWATCH, ...recreate }]) {
      const { cluster } = await run('custom-resources', request);
      expect([...cluster.kube.objects.get('amazoncloudwatchagents.cloudwatch.aws.amazon.com')!.keys()]).toContain(
        'shop/prometheus',
      );
    }
  });

  it('an add-on that is DEGRADED for a while: the migration waits', async () => {
    const { report } = await run('degraded-after-create', { addon: EBS, ...recreate });
    const line = (step: string) => report.steps.find(({ name }) => name === step)!;
    expect(report.outcome).toBe('migrated');
    expect(Date.parse(line('verify-pods').endedAt) - Date.parse(line('await-active').startedAt)).toBeGreaterThan(
      60_000,
    );
  });

  it('a delete that never ends: the migration waits for days, and then reports what a person can do', () =>
    inWorld({ scenario: 'stuck-deleting' }, async (world) => {
      const { name } = await world.start({ addon: EBS, ...recreate });
      await world.later(3 * HOUR);
      expect(await world.backend.ledger.getMigration(name)).toMatchObject({ waitingFor: { what: 'deletion' } });
      await hasWaited(world, name, MOST_DAYS_WAITING);
      const report = await world.settled(name);
      expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'WaitedTooLong' } });
      expect(world.changes().map(({ operation }) => operation)).toEqual(['DeleteAddon']);
      expect(report.restoreCommands.join('\n')).toContain(`--addon-name ${EBS}`);
    }));
});

it.each([
  ['without an access entry', (cluster: ClusterState) => cluster.accessEntries.clear()],
  [
    'with an access entry that allows nothing',
    (cluster: ClusterState) =>
      cluster.accessEntries.forEach((entry) => Object.assign(entry, { kubernetesGroups: [], policies: [] })),
  ],
])('access to the API server %s, the plan blocks, because the migration could not be verified', async (_, change) => {
  const ended = await migrate({ prepare: ({ sandbox }) => change(clustersOf(sandbox.world)[0]!) });
  expect(ended.report.outcome).toBe('blocked');
  expect(
    ended.report
      .plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown')
      .map(({ id, status }) => [id, status]),
  ).toEqual([['kubernetes-access', 'unknown']]);
  expect(mutationsOf(ended)).toEqual([]);
});
