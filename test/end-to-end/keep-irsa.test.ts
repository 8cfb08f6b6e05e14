/**
 * Where IRSA is the better fit, on both sides of the decision: a service account that only a SecretStore uses, pods where
 * EKS Pod Identity has no agent, and patterns over namespaces in several clusters. What pods and the SecretStore get is the
 * sandbox's own answer.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { consumersIn } from '../../sandbox/consumers/index.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ADDON, ebs } from './fixture.ts';
import { podsHave } from './judged.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const READER = { namespace: 'payments', name: 'secret-reader' };
const STORE = 'SecretStore/payments/aws';

const move = (world: OpenWorld, asked: Asked = {}): Promise<MigrationReport> =>
  world.migrate({ serviceAccount: READER, ...asked });
/** Whether each consumer gets credentials now. */
const working = ({ backend, cluster }: OpenWorld): Record<string, boolean> =>
  Object.fromEntries(consumersIn(backend.sandbox.world, cluster).map(({ name, works }) => [name, works]));

describe('a service account that only a SecretStore uses', () => {
  it('keeps IRSA, and nothing is changed; once it is accepted by name, it keeps its access with the annotation', () =>
    inWorld({ scenario: 'secret-store-only' }, async (world) => {
      for (const annotation of ['keep', 'remove'] as const) {
        const kept = await move(world, { annotation });
        expect([kept.outcome, kept.plan?.verdict, kept.verified]).toEqual(['blocked', 'keep-irsa', 'none']);
        expect(kept.plan?.checks[0]).toMatchObject({
          id: 'consumers-fit',
          keepIrsa: true,
          message: containing(STORE),
          remedy: matching(/^Keep IRSA for it\. .* --accept consumer:SecretStore\/payments\/aws$/),
        });
      }
      expect([world.changes(), working(world)]).toEqual([[], { [STORE]: true }]);
      const report = await move(world, { accept: [`consumer:${STORE}`], verification: 'api' });
      expect([report.outcome, report.plan?.verdict]).toEqual(['migrated', 'migrate']);
      expect(report.plan?.checks.find(({ id }) => id === 'consumers-fit')).toMatchObject({ status: 'warn' });
      expect(working(world)).toEqual({ [STORE]: true });
    }));
});

const CONTROLLER = { namespace: 'kube-system', name: 'ebs-csi-controller-sa' };
/** Returns what the containers of the pods of a service account get, each once. */
const gets = (world: OpenWorld, account = CONTROLLER): string[] => [
  ...new Set(podsHave(world, account).flatMap((pod) => pod.gets.map((one) => one.split(' ')[0]!))),
];
const inCluster = (
  scenario: string,
  change: (cluster: ScenarioCluster, scenario: Scenario) => void,
  work: (world: OpenWorld) => Promise<void>,
): Promise<void> => inWorld({ scenario, change: (whole) => change(whole.accounts[0]!.clusters[0]!, whole) }, work);

/** Has the pods start again after there was an association, as if someone had not asked for a plan. */
const associated = (cluster: ScenarioCluster, { accounts }: Scenario): void => {
  cluster.associations.push({
    namespace: CONTROLLER.namespace,
    serviceAccount: CONTROLLER.name,
    roleArn: accounts[0]!.roles[0]!.arn,
    createdAt: '2025-12-01T00:00:00.000Z',
    tags: {},
  });
  ebs(cluster).podsCreatedAt = '2026-01-10T00:00:00.000Z';
};
const onWindows = (cluster: ScenarioCluster): void => {
  cluster.nodes = [
    { os: 'linux', count: 2, ready: true, agentReady: true },
    { os: 'windows', count: 2, ready: true, agentReady: true },
  ];
  ebs(cluster).nodeSelector = { 'kubernetes.io/os': 'windows' };
};

describe.each<[string, string, (cluster: ScenarioCluster) => void, (cluster: ScenarioCluster) => void]>([
  ['AWS Fargate', 'fargate-only', () => {}, (cluster) => void (cluster.fargateProfiles = [])],
  ['Windows', 'in-place', onWindows, () => {}],
])('pods on %s', (_, scenario, there, elsewhere) => {
  it('keep IRSA, and nothing is changed', () =>
    inCluster(scenario, there, async (world) => {
      const report = await world.migrate({ addon: ADDON });
      expect([report.outcome, report.plan?.verdict]).toEqual(['blocked', 'keep-irsa']);
      expect(report.plan?.checks[0]).toMatchObject({ id: 'unsupported-compute', keepIrsa: true });
      expect([world.changes(), gets(world)]).toEqual([[], ['irsa']]);
    }));

  it('would get no credentials with an association', () =>
    inCluster(
      scenario,
      (cluster, whole) => {
        there(cluster);
        associated(cluster, whole);
      },
      (world) => Promise.resolve(expect(gets(world)).toEqual(['AgentUnreachable'])),
    ));

  it('are migrated once they run on Linux nodes on Amazon EC2', () =>
    inCluster(scenario, elsewhere, async (world) => {
      const report = await world.migrate({ addon: ADDON });
      expect([report.outcome, report.plan?.verdict]).toEqual(['migrated', 'migrate']);
      expect(gets(world)).toEqual(['pod-identity']);
    }));
});

describe('a role for a service account of any namespace, in two clusters', () => {
  const UPLOADER = { namespace: 'tenant-a', name: 'uploader' };
  const NEXT = { namespace: 'tenant-c', name: 'uploader' };
  const PATTERN = 'system:serviceaccount:*:uploader';
  /** The tenant of a namespace that is created after the migration of another one. */
  const withNextTenant = ({ workloads }: ScenarioCluster): void => {
    const [first] = workloads;
    workloads.push({ ...structuredClone(first!), namespace: NEXT.namespace });
  };

  it('keeps IRSA, with which the next tenant gets credentials too, until the pattern is accepted for one of them', () =>
    inCluster('pattern-fit', withNextTenant, async (world) => {
      const kept = await world.migrate({ serviceAccount: UPLOADER });
      const remedy = containing(`--accept 'consumer:${PATTERN}'`);
      expect([kept.outcome, kept.plan?.verdict]).toEqual(['blocked', 'keep-irsa']);
      expect(kept.plan?.checks[0]).toMatchObject({ id: 'pattern-fit', remedy });
      expect([world.changes(), [gets(world, UPLOADER), gets(world, NEXT)]]).toEqual([[], [['irsa'], ['irsa']]]);
      const report = await world.migrate({ serviceAccount: UPLOADER, accept: [`consumer:${PATTERN}`] });
      expect([report.outcome, report.plan?.verdict]).toEqual(['migrated', 'migrate']);
      expect([gets(world, UPLOADER), gets(world, NEXT)]).toEqual([['pod-identity'], ['irsa']]);
    }));
});
