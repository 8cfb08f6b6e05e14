/**
 * Pods that cannot reach the Pod Identity agent: because of network policies, or because the agent does not tolerate the
 * taints of their nodes. Judged by the credentials that they get in the sandbox.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { containerCredentials } from '../../sandbox/credentials/sessions.ts';
import { isActive, isReady } from '../../sandbox/kubernetes/pods.ts';
import { listObjects, newMetadata, putObject } from '../../sandbox/objects/store.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { Knobs, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { identityOf, migrate, mutationsOf, type Run, type RunOptions, scenarioFile } from './fixture.ts';
import { GATEWAY, LEDGER, LEDGER_POLICIES, NOTEBOOKS, ORDERS, ORDERS_POLICIES, TRAIN } from './reachability-rows.ts';

type Asked = Pick<MigrationRequestInput, 'serviceAccount' | 'accept' | 'verification' | 'annotation'>;

type Change = (cluster: ScenarioCluster, knobs: Knobs) => void;

/** Runs a request in a built-in scenario, whose cluster `change` may change before. */
const run = async (
  name: string,
  request: Asked,
  change: Change = () => {},
  prepare?: RunOptions['prepare'],
): Promise<Run> => {
  const scenario = await readScenario(scenarioFile(name));
  const [account] = scenario.accounts;
  const [cluster] = account!.clusters;
  change(cluster!, scenario.knobs);
  const target = { account: account!.id, region: cluster!.region, cluster: cluster!.name };
  return migrate({ scenario, request: { target, ...request }, ...(prepare ? { prepare } : {}) });
};

/** Returns what the pods of a service account have in the end. */
const endOf = ({ backend: { sandbox } }: Run, serviceAccount: string) => {
  const { world } = sandbox;
  const [cluster] = [...world.accounts.values()].flatMap(({ clusters }) => [...clusters.values()]);
  const pods = listObjects(cluster!.kube, 'Pod').filter(
    (pod) => pod.spec.serviceAccountName === serviceAccount && isActive(pod),
  );
  return {
    identities: [...new Set(identityOf(cluster!, serviceAccount))],
    ready: pods.every(isReady),
    problems: [
      ...new Set(
        pods.flatMap((pod) => containerCredentials(world, cluster!, pod).map(({ refused }) => refused?.message)),
      ),
    ],
  };
};

/** Returns the status and text of a plan's checks with an id. */
const checksOf = ({ report }: Run, id: string): string[] =>
  report.plan!.checks.filter((check) => check.id === id).map(({ status, message }) => `${status}: ${message}`);

const TIMED_OUT = 'dial tcp 169.254.170.23:80: i/o timeout';
const REFUSED = 'dial tcp 169.254.170.23:80: connect: connection refused';
/** What pods have that work with one of the identities. */
const works = (identity: 'irsa' | 'pod-identity') => ({ identities: [identity], ready: true, problems: [undefined] });
const AGENT = { ipBlock: { cidr: '169.254.170.23/32' } };

const ACCEPTING = { accept: ORDERS_POLICIES.map((name) => `network-policy:${name}`) };
const ofOrders = (asked: Asked = {}, ...changes: [Change?, RunOptions['prepare']?]): Promise<Run> =>
  run('network-policy', { serviceAccount: ORDERS, ...asked }, ...changes);

describe('network policies that were written for IRSA', () => {
  it('block the migration, and nothing changes', async () => {
    const ended = await ofOrders();
    expect([ended.report.outcome, mutationsOf(ended), endOf(ended, 'api')]).toEqual(['blocked', [], works('irsa')]);
  });

  it('do not block it once one of them has the rule, and the pods get their credentials from the agent', async () => {
    const ended = await ofOrders({}, ({ networkPolicies }) => {
      networkPolicies[1]!.spec.egress!.push({ to: [AGENT], ports: [{ protocol: 'TCP', port: 80 }] });
    });
    expect(checksOf(ended, 'agent-reachability')).toEqual([expect.stringMatching(/^pass: /)]);
    expect(ended.report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect(endOf(ended, 'api')).toEqual(works('pod-identity'));
  });

  it.each([ORDERS_POLICIES.slice(0, 1), ORDERS_POLICIES.slice(1), ['NetworkPolicy/orders/other']])(
    'must each be accepted by name: %s is not enough',
    async (...acceptedNetworkPolicies) =>
      expect(await ofOrders({ accept: acceptedNetworkPolicies.map((name) => `network-policy:${name}`) })).toMatchObject(
        {
          report: { outcome: 'blocked' },
        },
      ),
  );

  it('that are accepted leave pods without credentials, of which the plan warns and the outcome claims nothing', async () => {
    const ended = await ofOrders(ACCEPTING);
    expect(ended.report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect(checksOf(ended, 'agent-reachability')).toEqual([
      expect.stringMatching(/^warn: The request accepts network policies/),
    ]);
    expect(endOf(ended, 'api')).toEqual({ identities: ['pod-identity'], ready: true, problems: [TIMED_OUT] });
  });

  it('that are accepted lead to a rollback if the software exits without credentials', async () => {
    const ended = await ofOrders(ACCEPTING, (_, knobs) => void (knobs.softwareWithoutCredentials = 'crashes'));
    expect(ended.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsFailing' } });
    expect(endOf(ended, 'api')).toEqual(works('irsa'));
  });

  it('have no effect if the VPC CNI does not enforce them, of which the plan warns', async () => {
    const ended = await ofOrders({}, ({ addons }) => {
      delete addons.find(({ name }) => name === 'vpc-cni')!.configurationValues;
    });
    expect(checksOf(ended, 'agent-reachability')).toEqual([expect.stringMatching(/^warn: .* if they were enforced/)]);
    expect([ended.report.outcome, endOf(ended, 'api')]).toEqual(['migrated', works('pod-identity')]);
  });

  it('that are not known to be enforced block it, and it goes on once they are accepted', async () => {
    const selfManaged = ({ addons }: ScenarioCluster): void => void addons.splice(1);
    const blocked = await ofOrders({}, selfManaged);
    expect(blocked.report.outcome).toBe('blocked');
    expect(checksOf(blocked, 'agent-reachability')).toEqual([
      expect.stringMatching(/^unknown: .*not known whether policies are enforced/),
    ]);
    const ignored = await ofOrders(ACCEPTING, (cluster, knobs) => {
      selfManaged(cluster);
      knobs.networkPolicies = 'ignored';
    });
    expect([ignored.report.outcome, endOf(ignored, 'api')]).toEqual(['migrated', works('pod-identity')]);
  });

  it('that may not be read are a warning that names the resource, and what nobody saw cuts the pods off', async () => {
    const apiGroups = ['', 'apps', 'autoscaling', 'admissionregistration.k8s.io', 'policy'];
    const role = { kind: 'ClusterRole', metadata: { name: 'sandbox:migrator:read' } } as const;
    const rules = [{ apiGroups, resources: ['*'], verbs: ['get', 'list', 'watch'] }];
    const ended = await ofOrders(
      {},
      ({ rbac }) => void rbac.push({ apiVersion: 'rbac.authorization.k8s.io/v1', ...role, rules }),
    );
    const [found, ...more] = ended.report.plan!.checks.filter(({ id }) => id === 'agent-reachability');
    expect([found?.status, more]).toEqual(['warn', []]);
    expect(found?.message).toContain('networkpolicies.networking.k8s.io could not be read');
    expect(found?.remedy).toContain('pod-identity grant-access --cluster orders-prod');
    expect([ended.report.outcome, endOf(ended, 'api').problems]).toEqual(['migrated', [TIMED_OUT]]);
  });

  it('do not concern pods in the network of their node', async () => {
    const ended = await ofOrders({}, ({ workloads: [api] }) => void (api!.hostNetwork = true));
    expect([ended.report.outcome, endOf(ended, 'api')]).toEqual(['migrated', works('pod-identity')]);
  });
});

it.each(['crashes', 'logs'] as const)(
  'a network policy that appears while pods are replaced is found by the pods if their software %s',
  async (softwareWithoutCredentials) => {
    const ended = await ofOrders(
      {},
      (cluster, knobs) => {
        cluster.networkPolicies = [];
        knobs.softwareWithoutCredentials = softwareWithoutCredentials;
      },
      ({ sandbox: { world } }) => {
        const [cluster] = [...world.accounts.values()].flatMap(({ clusters }) => [...clusters.values()]);
        const { kube } = cluster!;
        world.schedule.at(world.schedule.now() + 10_000, (at) => {
          putObject(kube, 'NetworkPolicy', {
            apiVersion: 'networking.k8s.io/v1',
            kind: 'NetworkPolicy',
            metadata: newMetadata(kube, at, { name: 'late', namespace: 'orders' }),
            spec: { podSelector: {}, policyTypes: ['Egress'] },
          });
        });
      },
    );
    const isFound = softwareWithoutCredentials === 'crashes';
    expect(ended.report.outcome).toBe(isFound ? 'rolled-back' : 'migrated');
    expect(endOf(ended, 'api').problems).toEqual([isFound ? undefined : TIMED_OUT]);
  },
);

describe('policies of Cilium', () => {
  const spec = ({ customResources }: ScenarioCluster): { egress: object[] } =>
    customResources[0]!.spec as { egress: object[] };
  const accepting = { serviceAccount: LEDGER, accept: LEDGER_POLICIES.map((name) => `network-policy:${name}`) };
  const HTTP = [{ ports: [{ port: '80', protocol: 'TCP' }] }];

  it('that allow names alone block the migration', async () => {
    const ended = await run('cilium-policy', { serviceAccount: LEDGER });
    expect([ended.report.outcome, endOf(ended, 'writer')]).toEqual(['blocked', works('irsa')]);
    const accepted = await run('cilium-policy', accepting);
    expect([accepted.report.outcome, endOf(accepted, 'writer').problems]).toEqual(['migrated', [TIMED_OUT]]);
  });

  it('do not block it with a rule for the host', async () => {
    const ended = await run('cilium-policy', { serviceAccount: LEDGER }, (cluster) => {
      spec(cluster).egress.push({ toEntities: ['host'], toPorts: HTTP });
    });
    expect([ended.report.outcome, endOf(ended, 'writer')]).toEqual(['migrated', works('pod-identity')]);
  });

  it.each([
    ['host', [TIMED_OUT]],
    ['world', [undefined]],
  ] as const)(
    'with a rule for the address block it, as its effect depends on the identity (%s)',
    async (identity, problems) => {
      const byAddress = (cluster: ScenarioCluster, knobs: Knobs): void => {
        spec(cluster).egress.push({ toCIDR: ['169.254.170.23/32'], toPorts: HTTP });
        knobs.ciliumAgentIdentity = identity;
      };
      const blocked = await run('cilium-policy', { serviceAccount: LEDGER }, byAddress);
      expect(blocked.report.outcome).toBe('blocked');
      expect(checksOf(blocked, 'agent-reachability')).toEqual([expect.stringMatching(/^unknown: /)]);
      const ended = await run('cilium-policy', accepting, byAddress);
      expect([ended.report.outcome, endOf(ended, 'writer').problems]).toEqual(['migrated', problems]);
    },
  );

  it('block it if one for all namespaces denies the host', async () => {
    const ended = await run('cilium-policy', { serviceAccount: LEDGER }, (cluster) => {
      spec(cluster).egress.push({ toEntities: ['all'] });
      cluster.customResources.push({
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumClusterwideNetworkPolicy',
        plural: 'ciliumclusterwidenetworkpolicies',
        name: 'no-host',
        spec: { endpointSelector: {}, egressDeny: [{ toEntities: ['host'] }], enableDefaultDeny: { egress: false } },
      });
    });
    expect(ended.report.outcome).toBe('blocked');
    expect(checksOf(ended, 'agent-reachability')).toEqual([
      expect.stringContaining('CiliumClusterwideNetworkPolicy/no-host'),
    ]);
  });
});

describe('taints of nodes that the agent does not tolerate', () => {
  const TRAIN_ASSOCIATION = {
    namespace: 'ml',
    serviceAccount: 'train',
    roleArn: 'arn:aws:iam::111122223333:role/ml-prod-models',
    tags: {},
  };
  const tolerating = ({ addons }: ScenarioCluster): void => {
    for (const addon of addons) delete addon.configurationValues;
  };

  it('block the migration of pods there, which would get no credentials', async () => {
    const blocked = await run('agent-taints', { serviceAccount: TRAIN });
    expect([blocked.report.outcome, endOf(blocked, 'train')]).toEqual(['blocked', works('irsa')]);
    // What the plan prevents: the association exists, and the pods are replaced.
    const forced = await run('agent-taints', { serviceAccount: TRAIN }, (cluster) => {
      cluster.associations.push({ ...TRAIN_ASSOCIATION, createdAt: cluster.createdAt });
      for (const workload of cluster.workloads) workload.createdAt = '2026-01-10T00:00:00.000Z';
    });
    expect(endOf(forced, 'train')).toEqual({ identities: ['pod-identity'], ready: true, problems: [REFUSED] });
  });

  it('do not block it if the agent tolerates every taint, as by default', async () => {
    const ended = await run('agent-taints', { serviceAccount: TRAIN }, tolerating);
    expect(ended.report.outcome).toBe('migrated');
    expect(checksOf(ended, 'agent-nodes')).toEqual([
      'pass: The Pod Identity agent is ready on all 4 nodes that need it.',
    ]);
    expect(endOf(ended, 'train')).toEqual(works('pod-identity'));
  });

  it('are a warning for nodes to come', async () => {
    const ended = await run('agent-taints', { serviceAccount: NOTEBOOKS });
    expect(checksOf(ended, 'agent-node-pools')).toEqual([expect.stringMatching(/^warn: .*spot=true:NoSchedule/)]);
    expect([ended.report.outcome, endOf(ended, 'notebooks')]).toEqual(['migrated', works('pod-identity')]);
    expect(checksOf(await run('agent-taints', { serviceAccount: NOTEBOOKS }, tolerating), 'agent-node-pools')).toEqual(
      [],
    );
  });
});

describe('a proxy that was set up for IRSA', () => {
  const accepting = { serviceAccount: GATEWAY, accept: ['unknown-credentials:gateway/gateway'] };
  const except =
    (...addresses: string[]) =>
    ({ workloads }: ScenarioCluster): void => {
      const { env } = workloads[0]!.containers![0]!;
      env.find(({ name }) => name === 'NO_PROXY')!.value = ['.svc', ...addresses].join(',');
    };

  it('blocks the migration, and nothing changes', async () => {
    const ended = await run('proxy', { serviceAccount: GATEWAY });
    expect(ended.report.outcome).toBe('blocked');
    expect(checksOf(ended, 'proxy')).toEqual([expect.stringMatching(/^warn: .*NO_PROXY lacks 169\.254\.170\.23/)]);
    expect([mutationsOf(ended), endOf(ended, 'gateway')]).toEqual([[], works('irsa')]);
  });

  it('that is accepted leaves the pods without credentials', async () => {
    const ended = await run('proxy', accepting);
    expect(ended.report.outcome).toBe('migrated');
    expect(endOf(ended, 'gateway').problems).toEqual([
      expect.stringMatching(/proxy http:\/\/proxy\.internal:3128 has no route to 169\.254\.170\.23$/),
    ]);
  });

  it.each([['169.254.170.23'], ['10.0.0.0/8', '169.254.0.0/16'], ['169.254.170.23:80'], ['*']])(
    'does not block it with %s in NO_PROXY, and the pods get their credentials from the agent',
    async (...addresses) => {
      const ended = await run('proxy', { serviceAccount: GATEWAY }, except(...addresses));
      expect(checksOf(ended, 'proxy')).toEqual([expect.stringMatching(/^pass: /)]);
      expect([ended.report.outcome, endOf(ended, 'gateway')]).toEqual(['migrated', works('pod-identity')]);
    },
  );

  it.each([['169.254.170.2'], ['169.254.170.0/29'], ['169.254.170.23 169.254.170.24'], ['fd00:ec2::23']])(
    'blocks it with %s in NO_PROXY, with which the pods would not reach the agent',
    async (...addresses) => {
      expect((await run('proxy', { serviceAccount: GATEWAY }, except(...addresses))).report.outcome).toBe('blocked');
      const forced = await run('proxy', accepting, except(...addresses));
      expect(endOf(forced, 'gateway').problems).toEqual([expect.stringContaining('has no route to')]);
    },
  );
});
