/**
 * Workloads whose pods take time: many, or slow, or one after the other; and pods that did not work before. The plan
 * forecasts the duration, and slowness alone causes no rollback.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { KubeObject, Pod } from '../../sandbox/objects/objects.ts';
import { timestamp, listObjects, touch } from '../../sandbox/objects/store.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };

const ofCluster =
  (change: (cluster: ScenarioCluster) => void) =>
  (scenario: Scenario): void =>
    change(scenario.accounts[0]!.clusters[0]!);
type ScenarioWorkload = ScenarioCluster['workloads'][number];
/** Returns the service account with this one workload alone. */
const alone = ({ nodes, ...workload }: Partial<ScenarioWorkload> & { nodes?: number }) =>
  ofCluster((cluster) => {
    const { replicas: _, ...found } = cluster.workloads.find((each) => each.name === 'api')!;
    cluster.workloads = [{ ...found, ...workload, name: 'ledger' }];
    if (nodes !== undefined) cluster.nodes = nodes;
  });
const ROLE_NAME = 'payments-prod-api';
const small = { scenario: 'service-account-irsa' };

const seconds = ({ startedAt, endedAt }: Pick<MigrationReport, 'startedAt' | 'endedAt'>): number =>
  (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
const check = (plan: Plan | undefined, id: string) => plan?.checks.find((one) => one.id === id);
const names = ({ steps }: MigrationReport): string[] => steps.map(({ name }) => name);

/** Asserts that it ended migrated with one round of restarts, in about the time that the plan had forecast. */
function expectForecastKept(report: MigrationReport): void {
  expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
  expect(names(report).filter((name) => name.startsWith('restore') || name === 'verify-restored')).toEqual([]);
  const { forecast } = report.plan!;
  expect(forecast!.assumed).toBe(false);
  const ratio = seconds(report) / forecast!.seconds;
  expect(ratio).toBeGreaterThan(0.75);
  expect(ratio).toBeLessThan(1.25);
}

describe('slowness alone causes no rollback', () => {
  it('a StatefulSet of 18 pods that take a minute each', () =>
    inWorld({ ...small, change: alone({ kind: 'StatefulSet', replicas: 18, readySeconds: 60 }) }, async (world) => {
      const report = await world.migrate({ serviceAccount: ACCOUNT });
      expectForecastKept(report);
      expect(check(report.plan, 'duration')).toMatchObject({
        status: 'pass',
        message: matching(
          /^About 21 minutes, .*: StatefulSet ledger replaces 18 pods one after the other, 62 seconds each/,
        ),
      });
    }));

  it('a DaemonSet of 150 pods that take 5 seconds each', () =>
    inWorld({ ...small, change: alone({ kind: 'DaemonSet', nodes: 150, readySeconds: 5 }) }, async (world) =>
      expectForecastKept(await world.migrate({ serviceAccount: ACCOUNT })),
    ));

  it('vpc-cni on 200 nodes, a tenth of them at once, after EKS has given its update up', () =>
    inWorld(
      {
        scenario: 'vpc-cni-irsa',
        knobs: { podReadySeconds: 180 },
        change: ofCluster((cluster) => (cluster.nodes = 200)),
      },
      async (world) => {
        const report = await world.migrate({ addon: 'vpc-cni' });
        expectForecastKept(report);
      },
    ));
});

describe('a limit of time', () => {
  const change = alone({ kind: 'StatefulSet', replicas: 18, readySeconds: 60 });
  it('blocks a plan whose forecast is longer, and changes nothing', () =>
    inWorld({ ...small, change }, async (world) => {
      const report = await world.migrate({ serviceAccount: ACCOUNT, maxDurationMinutes: 10 });
      expect(report.outcome).toBe('blocked');
      expect(check(report.plan, 'duration')).toMatchObject({
        status: 'fail',
        message: containing('The request allows 10 minutes'),
        remedy: containing('--max-duration-minutes 21'),
      });
      expect(world.changes()).toEqual([]);
    }));
  it('allows a plan whose forecast is within it', () =>
    inWorld({ ...small, change }, async (world) =>
      expect((await world.migrate({ serviceAccount: ACCOUNT, maxDurationMinutes: 30, dryRun: true })).outcome).toBe(
        'planned',
      ),
    ));
});

/** The node of a pod is lost: it no longer answers, and the pod that is being deleted stays forever. */
function loseNodeOf(world: OpenWorld, prefix: string): { pod: string; node: string } {
  const { kube } = world.cluster;
  const pod = listObjects(kube, 'Pod').find(({ metadata }) => metadata.name.startsWith(prefix))!;
  const node = listObjects(kube, 'Node').find(({ metadata }) => metadata.name === pod.spec.nodeName)!;
  const turn = (object: KubeObject | Pod): void => {
    const conditions = object.status?.['conditions'] as { type: string; status: string }[];
    for (const one of conditions) if (one.type === 'Ready') one.status = 'False';
  };
  turn(node);
  turn(pod);
  pod.metadata.deletionTimestamp = timestamp(world.backend.sandbox.clock.now() - 3_600_000);
  touch(kube, node);
  touch(kube, pod);
  return { pod: pod.metadata.name, node: node.metadata.name };
}

describe('a pod that has been terminating since before the plan, on a lost node', () => {
  it('of a Deployment is named, left out of the verification, and blocks nothing', () =>
    inWorld(small, async (world) => {
      const { pod, node } = loseNodeOf(world, 'api-');
      const report = await world.migrate({ serviceAccount: ACCOUNT });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
      expect(check(report.plan, 'pods-before')).toMatchObject({
        status: 'warn',
        message: containing(`${pod}: terminating`),
      });
      expect(report.plan!.brokenPods).toMatchObject([{ name: pod, trouble: 'terminating' }]);
      expect(report.verification.pods.filter((one) => one.excluded !== undefined)).toMatchObject([
        { name: pod, identity: 'irsa', excluded: containing(`node ${node} does not answer`) },
      ]);
      expect(report.warnings).toMatchObject([{ id: 'pods-excluded' }]);
      expect(seconds(report)).toBeLessThan(300);
    }));

  it('of a DaemonSet that may miss more pods than that blocks nothing either', () =>
    inWorld(
      { ...small, change: alone({ kind: 'DaemonSet', nodes: 20, maxUnavailable: '10%', readySeconds: 5 }) },
      async (world) => {
        const { pod } = loseNodeOf(world, 'ledger-');
        const report = await world.migrate({ serviceAccount: ACCOUNT });
        expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
        expect(report.verification.pods.filter(({ excluded }) => excluded !== undefined)).toMatchObject([
          { name: pod },
        ]);
      },
    ));

  it.each([
    ['DaemonSet', { kind: 'DaemonSet', nodes: 20 }, /DaemonSet ledger allows 1 of \d+ pods/],
    ['StatefulSet', { kind: 'StatefulSet', replicas: 3 }, /StatefulSet ledger replaces one pod after the other/],
  ] as const)('of a %s that could not replace it blocks', (_, workload, message) =>
    inWorld({ ...small, change: alone(workload) }, async (world) => {
      loseNodeOf(world, 'ledger-');
      const report = await world.migrate({ serviceAccount: ACCOUNT });
      expect(report.outcome).toBe('blocked');
      expect(check(report.plan, 'pods-before')).toMatchObject({
        status: 'fail',
        message: expect.stringMatching(message) as string,
      });
      expect(world.changes()).toEqual([]);
    }),
  );
});

it('pods that fail on Pod Identity cause a rollback once nothing has progressed for longer than their pace explains', () =>
  inWorld({ ...small, knobs: { podsWaitForCredentials: true }, change: alone({ replicas: 4 }) }, async (world) => {
    // The role loses its trust in EKS Pod Identity after the plan: no new pod gets credentials by it.
    world.onFirst(
      ({ operation }) => operation === 'CreatePodIdentityAssociation',
      () => {
        const role = world.backend.sandbox.world.accounts.get(world.target.account)!.roles.get(ROLE_NAME)!;
        role.trustPolicy = role.trustPolicy.replace('pods.eks.amazonaws.com', 'ec2.amazonaws.com');
      },
    );
    const report = await world.migrate({ serviceAccount: ACCOUNT });
    expect(report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsFailing' } });
  }));
