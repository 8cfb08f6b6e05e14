/** Pods of a migration on nodes where they get no credentials: nodes, profiles and agents that change after the plan. */
import { DeleteAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { hasCredentials } from '../../sandbox/credentials/sessions.ts';
import { addFargateProfile, joinNode } from '../../sandbox/kubernetes/lost-nodes.ts';
import { isActive } from '../../sandbox/kubernetes/pods.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { startPod } from '../../sandbox/kubernetes/third-party-pods.ts';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { matching } from '../lambdas/matchers.ts';

const AGENT = 'eks-pod-identity-agent';
const ACCOUNT = { namespace: 'payments', name: 'api' };
const GPU = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' } as const;

type Change = (cluster: ScenarioCluster) => void;
/** The pods tolerate the taint, and the agent tolerates none. */
const tolerant: Change = ({ addons, workloads }) => {
  addons[0]!.configurationValues = '{"tolerations":[]}';
  for (const workload of workloads) workload.tolerations = [{ key: GPU.key, operator: 'Exists' }];
};
const planeOf = ({ backend, cluster }: OpenWorld): Parameters<typeof joinNode>[0] => ({
  world: backend.sandbox.world,
  cluster,
});
const joins =
  (more: Parameters<typeof joinNode>[2] = {}) =>
  (world: OpenWorld): void =>
    joinNode(planeOf(world), world.backend.clock.now(), more);
const removeAgent = async ({ backend, target }: OpenWorld): Promise<void> =>
  void (await backend.sandbox
    .clients(undefined, target.region)
    .eks()
    .send(new DeleteAddonCommand({ clusterName: target.cluster, addonName: AGENT })));

interface Seen {
  report: MigrationReport;
  /** How many pods of the service account have no credentials at the end. */
  without: number;
}

/** Migrates; `happens` runs once the given step has answered. */
const migrate = (
  change: Change,
  happens: (world: OpenWorld) => Promise<void> | void,
  verification: 'injected' | 'ready' | 'api',
  after = 'begin',
  scenario = 'service-account-irsa',
): Promise<Seen> =>
  inWorld({ scenario, change: ({ accounts }) => change(accounts[0]!.clusters[0]!) }, async (world) => {
    world.onFirst(
      ({ step, operation }) => step === after && (after !== 'begin' || operation === 'UpdateItem'),
      () => happens(world),
    );
    const report = await world.migrate({ serviceAccount: ACCOUNT, verification });
    const { sandbox } = world.backend;
    const pods = listObjects(world.cluster.kube, 'Pod').filter(
      (pod) => isActive(pod) && pod.spec.serviceAccountName === ACCOUNT.name,
    );
    return { report, without: pods.filter((pod) => !hasCredentials(sandbox.world, world.cluster, pod)).length };
  });

const AS_IT_IS: Change = () => {};
const profile = (world: OpenWorld): void =>
  addFargateProfile(planeOf(world), world.backend.clock.now(), {
    name: 'serverless',
    namespace: 'pay*',
    labels: { 'app*': 'a?i' },
  });

describe('pods that get no agent', () => {
  it.each([
    [
      'a node whose taint the agent does not tolerate joins',
      tolerant,
      joins({ taints: [GPU] }),
      /^1 of 5 .*DaemonSet does not tolerate taint nvidia\.com/,
    ],
    [
      'a Fargate profile selects some of them',
      AS_IT_IS,
      profile,
      /^1 of 1 .*payments\/api-\S+ on AWS Fargate.*keep IRSA/,
    ],
    ['the agent is deleted', AS_IT_IS, removeAgent, /^1 of 1 .*has no DaemonSet of the agent.*create-addon/],
  ] as const)('roll the migration back, and are named: %s', async (_, change, happens, message) => {
    for (const verification of ['injected', 'ready'] as const) {
      const { report, without } = await migrate(change, happens, verification);
      expect({ ...report, without }).toMatchObject({
        outcome: 'rolled-back',
        failure: { name: 'AgentMissing', message: matching(message) },
        without: 0,
      });
    }
  });

  it('do not make the rollback ask about the pod of a Job among them, which is named', async () => {
    const job = { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly' };
    const happens = async (world: OpenWorld): Promise<void> => {
      startPod(planeOf(world), { namespace: ACCOUNT.namespace, serviceAccount: ACCOUNT.name, owner: job });
      await removeAgent(world);
    };
    const { report, without } = await migrate(AS_IT_IS, happens, 'injected', 'verify-pods');
    expect({ ...report, without }).toMatchObject({
      outcome: 'rolled-back',
      failure: { name: 'AgentMissing' },
      warnings: [{ id: 'pods-left-behind', message: matching(/pod payments\/nightly-\S+ of Job nightly/) }],
      without: 1,
    });
  });
});

it.each([
  ['selects the pods', 'pay*', 'blocked'],
  ['selects other pods', 'pay?', 'migrated'],
])('a Fargate profile that exists before the plan %s', async (_, namespace, outcome) => {
  const withProfile: Change = (cluster) => {
    cluster.fargateProfiles = [{ name: 'serverless', namespace, labels: {} }];
  };
  expect((await migrate(withProfile, () => {}, 'injected')).report).toMatchObject({ outcome });
});

describe('pods that get their agent', () => {
  const slow: Change = ({ addons }) => void (addons[0]!.readySeconds = 60);
  it.each([
    ['on a node that joins, whose agent starts a minute later', slow, joins()],
    ['on a tainted node that joins', tolerant, joins({ taints: [] })],
  ] as const)('are verified: %s', async (_, change, happens) => {
    for (const verification of ['injected', 'ready'] as const) {
      const { report, without } = await migrate(change, happens, verification);
      expect({ ...report, without }).toMatchObject({ outcome: 'migrated', verified: verification, without: 0 });
    }
  });
});
