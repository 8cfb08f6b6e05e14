/** Runs of what no published scenario has: large and unusual workloads, budgets, and an autoscaler. */
import { z } from 'zod';
import { workload } from '../../../sandbox/scenario/scenario-cluster.ts';
import type { Scenario, ScenarioCluster } from '../../../sandbox/scenario/scenario.ts';
import { type Act, migrate, ROLLBACK, type Run, scale } from './run.ts';

const onFirstCluster =
  (change: (cluster: ScenarioCluster) => void) =>
  ({ accounts: [account] }: Scenario): void => {
    const cluster = account?.clusters[0];
    if (!cluster) throw new Error('The scenario has no cluster.');
    change(cluster);
  };

const ACCOUNT = { namespace: 'payments', name: 'api' };
const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/payments-prod-api' };

/** Returns a workload of the service account that migrates. */
const ofAccount = (
  given: Omit<z.input<typeof workload>, 'namespace' | 'serviceAccount'>,
): ScenarioCluster['workloads'][number] =>
  workload.parse({
    createdAt: '2025-12-03T16:20:00.000Z',
    ...given,
    namespace: ACCOUNT.namespace,
    serviceAccount: ACCOUNT.name,
    serviceAccountAnnotations: ROLE,
  });

const MIGRATE = { does: 'migrate', asked: { serviceAccount: ACCOUNT } } as const satisfies Act;
const API = { kind: 'Deployment', ...ACCOUNT } as const;
const EBS = 'aws-ebs-csi-driver';

/** Returns a run of the published scenario of a service account with other workloads. */
const withWorkloads = (
  name: string,
  workloads: ScenarioCluster['workloads'],
  change: (cluster: ScenarioCluster) => void = () => {},
  acts: Run['acts'] = [MIGRATE, ROLLBACK],
): Run => ({
  name,
  scenario: 'service-account-irsa',
  change: onFirstCluster((cluster) => {
    cluster.workloads = workloads;
    change(cluster);
  }),
  acts,
});

const NODES = 200;
/** For workloads whose pods a migration would not replace: the plan is blocked. */
const BLOCKED = [MIGRATE];

export const EXTRA: readonly Run[] = [
  {
    name: '200-nodes',
    scenario: 'vpc-cni-irsa',
    change: onFirstCluster((cluster) => {
      cluster.nodes = NODES;
    }),
    acts: [migrate({ addon: 'vpc-cni', strategy: 'in-place' })],
  },
  withWorkloads('stateful-set-of-18', [ofAccount({ kind: 'StatefulSet', name: 'shards', replicas: 18 })]),
  withWorkloads('daemon-set', [ofAccount({ kind: 'DaemonSet', name: 'collector' })]),
  withWorkloads(
    'on-delete',
    [
      ofAccount({ kind: 'StatefulSet', name: 'outbox', replicas: 3, updateStrategy: 'OnDelete' }),
      ofAccount({ kind: 'DaemonSet', name: 'collector', updateStrategy: 'OnDelete' }),
    ],
    undefined,
    BLOCKED,
  ),
  withWorkloads(
    'paused-deployment',
    [
      ofAccount({ kind: 'Deployment', name: 'api', replicas: 3, paused: true }),
      ofAccount({ kind: 'Deployment', name: 'worker', replicas: 2 }),
    ],
    undefined,
    BLOCKED,
  ),
  withWorkloads('recreate-deployment', [
    ofAccount({ kind: 'Deployment', name: 'api', replicas: 3, updateStrategy: 'Recreate' }),
  ]),
  withWorkloads('no-surge', [
    ofAccount({ kind: 'Deployment', name: 'api', replicas: 4, maxSurge: 0, maxUnavailable: 1 }),
    ofAccount({ kind: 'Deployment', name: 'worker', replicas: 4, maxSurge: 1, maxUnavailable: 0 }),
  ]),
  withWorkloads(
    'budgets',
    [
      ofAccount({ kind: 'Deployment', name: 'api', replicas: 3, labels: { app: 'api' } }),
      ofAccount({ kind: 'StatefulSet', name: 'outbox', replicas: 3, labels: { app: 'outbox' } }),
    ],
    (cluster) => {
      cluster.disruptionBudgets = [
        { namespace: ACCOUNT.namespace, name: 'api', labels: { app: 'api' }, minAvailable: 3 },
        { namespace: ACCOUNT.namespace, name: 'outbox', labels: { app: 'outbox' }, maxUnavailable: 1 },
      ];
    },
  ),
  {
    ...withWorkloads('autoscaler', [ofAccount({ kind: 'Deployment', name: 'api', replicas: 4 })]),
    acts: [
      scale({ ...API, replicas: 6 }),
      { ...MIGRATE, meanwhile: { ...API, replicas: 9, afterSeconds: 15 } },
      ROLLBACK,
    ],
  },
  {
    name: 'autoscaled-addon',
    scenario: 'in-place',
    acts: [
      scale({ kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller', replicas: 3 }),
      migrate({ addon: EBS, strategy: 'recreate', preserve: true }),
      migrate({ addon: EBS, strategy: 'in-place' }),
      ROLLBACK,
      migrate({ addon: EBS, strategy: 'recreate', preserve: true, resolveConflicts: 'OVERWRITE' }),
    ],
  },
];
