/**
 * The inventory of one region, from the real clients to the bucket: what it finds, with how many calls, and how fast.
 */
import { describe, expect, it } from 'vitest';
import { openSandboxBackend } from '../../cli/backend.ts';
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { blockingChecks } from '../../lambdas/domain/plan/plan.ts';
import type { AroundCalls, Kubernetes } from '../../lambdas/ports/index.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { ADDON, ebs, migrateIn } from './fixture.ts';
import {
  type Change,
  classesOf,
  fleetOf,
  LOCATION,
  roleOf,
  SWEEP_ID,
  takeInventory,
  type TakeOptions,
} from './inventory-world.ts';
import { matching } from '../lambdas/matchers.ts';

const ready: Change = () => undefined;
const untrusted: Change = (_, role) => {
  const policy = role.trustPolicy as unknown as { Statement: { Sid: string }[] };
  policy.Statement = policy.Statement.filter(({ Sid }) => Sid === 'Irsa');
};
const withoutRole: Change = (cluster) => void delete ebs(cluster).serviceAccountRoleArn;
const createdAt = '2025-03-04T10:20:00.000Z';
const associationOf = (namespace: string, serviceAccount: string, roleArn: string) => ({
  namespace,
  serviceAccount,
  roleArn,
  tags: {},
  createdAt,
});
const associated =
  (owner?: string): Change =>
  (cluster, role) => {
    withoutRole(cluster, role);
    const association = associationOf('kube-system', 'ebs-csi-controller-sa', role.arn);
    cluster.associations = [{ ...association, ...(owner === undefined ? {} : { owner }) }];
  };
const status =
  (value: 'DELETING' | 'UPDATING'): Change =>
  (cluster) =>
    void (cluster.status = value);
const closed: Change = (cluster) => void (cluster.accessEntries = []);
const tagged: Change = (cluster) => void (ebs(cluster).tags = { 'pod-identity-migration': 'exclude' });

const FLEET = {
  alpha: ready,
  bravo: untrusted,
  charlie: associated(),
  delta: status('DELETING'),
  echo: withoutRole,
  foxtrot: closed,
  golf: associated(ADDON),
  hotel: status('UPDATING'),
  india: tagged,
};
const REST = {
  coredns: 'not-concerned',
  'eks-pod-identity-agent': 'not-concerned',
  'kube-proxy': 'not-concerned',
  'vpc-cni': 'node-role',
};

/** Counts the calls of each operation. */
const tally = (calls: readonly Call[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { service, operation } of calls)
    counts[`${service} ${operation}`] = (counts[`${service} ${operation}`] ?? 0) + 1;
  return counts;
};
const ofCluster = (calls: readonly Call[], cluster: string): Call[] =>
  calls.filter(
    (call) =>
      call.cluster === cluster ||
      [`"${cluster}"`, `${cluster}-`, `cluster/${cluster}`].some((part) => JSON.stringify(call.input).includes(part)),
  );
const startsOf = (calls: readonly Call[]): number[] =>
  calls.filter(({ service }) => service === 'eks').map(({ at }) => Date.parse(at));

describe('an inventory', () => {
  it('puts each add-on into exactly one class, as its scenario requires', async () => {
    const { clusters, location, calls, items, answers } = await takeInventory(fleetOf(FLEET));
    expect(Object.fromEntries(Object.entries(clusters).map(([name, found]) => [name, classesOf(found)]))).toEqual({
      alpha: { [ADDON]: 'ready', ...REST },
      bravo: { [ADDON]: 'blocked', ...REST },
      charlie: { [ADDON]: 'on-pod-identity', ...REST },
      delta: { [ADDON]: 'unreachable', ...Object.fromEntries(Object.keys(REST).map((name) => [name, 'unreachable'])) },
      echo: { [ADDON]: 'node-role', ...REST },
      foxtrot: { [ADDON]: 'blocked', ...REST },
      golf: { [ADDON]: 'on-pod-identity', ...REST },
      hotel: { [ADDON]: 'blocked', ...REST },
      india: { [ADDON]: 'not-concerned', ...REST },
    });
    expect(clusters['alpha']?.findings[0]?.roles).toEqual([roleOf('alpha')]);
    expect(new Set(clusters['delta']?.findings.map(({ reason }) => reason))).toEqual(
      new Set(['Cluster delta is DELETING.']),
    );
    expect(clusters['india']?.findings[0]?.reason).toBe('The add-on has the tag pod-identity-migration = exclude.');
    expect(location).toMatchObject({ ...LOCATION, clusters: 9, notSelected: 0, calls: { eks: 1 } });
    expect(location?.unreachable).toBeUndefined();
    expect(answers).toEqual([{ done: true, after: 'india', clusters: 9 }]);
    // It only reads.
    expect([calls.filter(({ mutating }) => mutating), items]).toEqual([[], []]);
  });

  it('reports that it is unknown whether an add-on has an association if its namespace is unknown', async () => {
    const logging =
      (...namespaces: string[]): Change =>
      (cluster, role) => {
        cluster.addons.push({
          name: 'fluent-bit',
          version: 'v4.0.1-eksbuild.2',
          status: 'ACTIVE',
          tags: {},
          createdAt,
        });
        cluster.associations = namespaces.map((namespace) => associationOf(namespace, 'fluent-bit', role.arn));
      };
    const scenario = fleetOf({ alpha: logging(), bravo: logging('fluent-bit'), charlie: logging('logs') });
    const classes = async (): Promise<unknown[]> => {
      const { clusters } = await takeInventory(scenario);
      return Object.values(clusters).map(({ findings }) => findings.find(({ addon }) => addon === 'fluent-bit'));
    };
    scenario.knobs.namespaceConfigShown = 'chosen';
    const [onNode, migrated] = [{ class: 'node-role' }, { class: 'on-pod-identity' }];
    expect(await classes()).toMatchObject([onNode, migrated, onNode]);
    scenario.knobs.defaultNamespaceShown = false;
    expect(await classes()).toMatchObject([
      onNode,
      { class: 'unreachable', reason: expect.stringContaining('since its namespace is unknown') },
      { class: 'unreachable', reason: expect.stringContaining('logs/fluent-bit') },
    ]);
  });

  it('agrees with the plan of a migration', async () => {
    const scenario = fleetOf({ alpha: ready, bravo: untrusted, foxtrot: closed, hotel: status('UPDATING') });
    const { clusters } = await takeInventory(scenario);
    const backend = await openSandboxBackend(scenario, {});
    try {
      for (const cluster of ['alpha', 'bravo', 'foxtrot', 'hotel']) {
        const asked = migrationRequest.parse({ target: { ...LOCATION, cluster }, addon: ADDON, dryRun: true });
        const { outcome, plan } = await backend.clock.spawn(() => migrateIn(backend, asked));
        const finding = clusters[cluster]?.findings.find(({ addon }) => addon === ADDON);
        expect(finding?.class).toBe(outcome === 'planned' ? 'ready' : 'blocked');
        expect(finding?.checks.map(({ id }) => id)).toEqual(blockingChecks(plan!));
      }
    } finally {
      await backend.close();
    }
  });

  it('reports an API server that does not answer as unreachable, unless something else blocks as well', async () => {
    const silent = {
      get: () => () => Promise.reject(new MigrationError('ConnectionLost', 'Could not list pods: no answer.')),
    };
    const { clusters } = await takeInventory(fleetOf({ alpha: ready, bravo: untrusted, echo: withoutRole }), {
      change: ({ portsFor }) => ({
        portsFor: (target, around) => ({
          ...portsFor(target, around),
          kubernetes: new Proxy({} as Kubernetes, silent),
        }),
      }),
    });
    const reason = 'Could not list pods: no answer.';
    expect(clusters['alpha']?.findings[0]).toMatchObject({ class: 'unreachable', reason, checks: [] });
    const checks = [{ id: 'role-trust' }, { id: 'kubernetes-access' }];
    expect(clusters['bravo']?.findings[0]).toMatchObject({ class: 'blocked', checks });
    expect(classesOf(clusters['echo']!)).toEqual({ [ADDON]: 'node-role', ...REST });
  });

  it('queues what is ready, under a derived id', async () => {
    const queued = (mode: 'migrate' | 'plan') =>
      takeInventory(fleetOf({ alpha: ready, bravo: untrusted }), { request: { mode } });
    const [{ items }, again] = [await queued('migrate'), await queued('plan')];
    const alpha = { ...LOCATION, cluster: 'alpha', addon: ADDON, roles: [roleOf('alpha')] };
    expect(items).toEqual([{ migrationId: matching(/^01KF0E44M0/), ...alpha, state: 'queued' }]);
    expect(again.items).toEqual(items);
    expect(SWEEP_ID.slice(0, 10)).toBe(items[0]?.migrationId.slice(0, 10));
  });
});

describe('the calls of an inventory', () => {
  /** The numbers in docs/sweeps.md. */
  const READY = {
    'eks DescribeCluster': 1,
    'eks ListAddons': 1,
    'eks DescribeAddon': 5,
    'eks ListPodIdentityAssociations': 1,
    'eks ListAccessEntries': 1,
    'eks ListCapabilities': 1,
    'eks ListFargateProfiles': 1,
    'iam GetRole': 1,
    'iam ListRolePolicies': 1,
    'iam ListAttachedRolePolicies': 1,
    // Of the steps, and of the two roles with access entries that could be nodes' roles.
    'iam SimulatePrincipalPolicy': 14,
    'kubernetes list pods': 1,
    'kubernetes list replicasets': 1,
    'kubernetes list deployments': 1,
    'kubernetes list daemonsets': 1,
    'kubernetes list statefulsets': 1,
    'kubernetes list serviceaccounts': 1,
    'kubernetes list nodes': 1,
    'kubernetes list mutatingwebhookconfigurations': 1,
    'kubernetes get /apis': 1,
    'kubernetes list networkpolicies': 1,
  };
  const CATALOGUE = { 'eks DescribeAddonVersions': 1, 'eks DescribeAddonConfiguration': 5 };
  const WITHOUT_IRSA = { 'eks DescribeCluster': 1, 'eks ListAddons': 1, 'eks DescribeAddon': 5 };

  it('are exactly these for a cluster with an add-on on IRSA, for one without, and once for the region', async () => {
    const { calls, clusters, location } = await takeInventory(
      fleetOf({ alpha: ready, bravo: ready, charlie: withoutRole, delta: associated(ADDON), echo: status('DELETING') }),
    );
    expect([tally(ofCluster(calls, 'alpha')), tally(ofCluster(calls, 'bravo'))]).toEqual([READY, READY]);
    expect(tally(ofCluster(calls, 'charlie'))).toEqual({ ...WITHOUT_IRSA, 'eks ListPodIdentityAssociations': 1 });
    // vpc-cni could have an association too: only the list shows whether it does.
    expect(tally(ofCluster(calls, 'delta'))).toEqual({ ...WITHOUT_IRSA, 'eks ListPodIdentityAssociations': 1 });
    expect(tally(ofCluster(calls, 'echo'))).toEqual({ 'eks DescribeCluster': 1, 'eks ListAddons': 1 });
    const ofRegion = calls.filter(
      (call) => !['alpha', 'bravo', 'charlie', 'delta', 'echo'].some((name) => ofCluster([call], name).length > 0),
    );
    expect(tally(ofRegion)).toEqual({ 'eks ListClusters': 1, ...CATALOGUE });
    // The first cluster pays for the catalogue.
    expect(clusters['alpha']?.calls).toEqual({ eks: 10 + 7, iam: 17, kubernetes: 10 });
    expect(clusters['bravo']?.calls).toEqual({ eks: 11, iam: 17, kubernetes: 10 });
    expect([clusters['charlie']?.calls, clusters['echo']?.calls]).toEqual([{ eks: 8 }, { eks: 2 }]);
    expect(location?.calls).toEqual({ eks: 1 });
  });

  it('never repeat a question', async () => {
    const { calls } = await takeInventory(fleetOf(FLEET));
    const asked = calls.map(
      ({ service, operation, cluster, input }) => `${service} ${operation} ${cluster ?? ''} ${JSON.stringify(input)}`,
    );
    expect(asked.filter((one, index) => asked.indexOf(one) !== index)).toEqual([]);
  });

  it('increase for each further add-on on the same role only by its own calls', async () => {
    const { calls } = await takeInventory(
      fleetOf({
        alpha: (cluster, role) => {
          for (const name of ['aws-efs-csi-driver', 'aws-fsx-csi-driver'])
            cluster.addons.push({
              ...ebs(cluster),
              name,
              version: name === 'aws-efs-csi-driver' ? 'v2.1.4-eksbuild.1' : 'v1.2.0-eksbuild.1',
              configurationValues: undefined,
              serviceAccountRoleArn: role.arn,
            });
        },
      }),
    );
    expect(tally(ofCluster(calls, 'alpha'))).toEqual({ ...READY, 'eks DescribeAddon': 7 });
  });
});

describe('the pace of an inventory', () => {
  /** Delays each call by this many milliseconds. */
  const latency =
    (milliseconds: number): NonNullable<TakeOptions['change']> =>
    ({ portsFor, fleetOf: fleet, clock }) => {
      const slowed = (around: AroundCalls | undefined): AroundCalls | undefined =>
        around &&
        ((service, call, nameOf) =>
          around(
            service,
            async () => {
              await clock.sleep(milliseconds);
              return call();
            },
            nameOf,
          ));
      return {
        portsFor: (target, around) => portsFor(target, slowed(around)),
        fleetOf: (location, around) => fleet(location, slowed(around)),
      };
    };

  it.each([5, 2, 0.5])('is at most %d calls of EKS a second, and hardly less', async (callsPerSecond) => {
    const { calls, took } = await takeInventory(fleetOf({ alpha: ready, bravo: ready, charlie: untrusted }), {
      request: { callsPerSecond },
      change: latency(20),
    });
    const starts = startsOf(calls);
    const most = Math.max(1, callsPerSecond);
    const window = (most / callsPerSecond) * 1000;
    for (const start of starts)
      expect(starts.filter((one) => one >= start && one < start + window).length).toBeLessThanOrEqual(most);
    expect(took / 1000).toBeLessThanOrEqual((starts.length / callsPerSecond) * 1.1);
  });

  it('continues in another invocation when the time of one is up, with the same result', async () => {
    const fleet = { alpha: ready, bravo: untrusted, charlie: withoutRole, delta: ready, echo: ready };
    const request = { callsPerSecond: 0.5, mode: 'migrate' } as const;
    const once = await takeInventory(fleetOf(fleet), { request });
    const often = await takeInventory(fleetOf(fleet), { request, invocation: 100_000 });
    expect(once.answers).toHaveLength(1);
    expect(often.answers.length).toBeGreaterThan(2);
    const classes = ({ clusters }: typeof once): unknown => Object.values(clusters).map(classesOf);
    expect(classes(often)).toEqual(classes(once));
    expect(often.location).toMatchObject({ clusters: 5, notSelected: 0 });
    expect(often.items.map(({ cluster }) => cluster).sort()).toEqual(['alpha', 'delta', 'echo']);
    // Every call is counted, including those of clusters that were started again.
    const all = [often.location, ...Object.values(often.clusters)];
    const counted = all.reduce((sum, one) => sum + (one?.calls['eks'] ?? 0), 0);
    expect(counted).toBe(startsOf(often.calls).length);
    for (const start of startsOf(often.calls))
      expect(startsOf(often.calls).filter((one) => one >= start && one < start + 2000).length).toBeLessThanOrEqual(1);
  });
});
