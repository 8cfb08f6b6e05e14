/** The runs that together rest on every right on API servers that `grant-access` prints, and these rights. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { CONSUMER_RESOURCES } from '../../lambdas/domain/access/consumer-resources.ts';
import type { Manifest } from '../../lambdas/domain/access/manifests.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { looks } from './by-api.ts';
import { follows, MIGRATED, type Ran, RECOVERED, RETIRED, type Run, runOf, SWEPT } from './follow.ts';
import { isRuleUsed, printedFor, type Right, rightName, rightsOf, withAccess, withoutRight } from './rbac-access.ts';
import { sweeps } from './sweep-runs.ts';

export const { directory } = await ensureAssembly();

/** Pods are admitted before the webhook knows the association, so that each workload is restarted. */
const LATE = { webhookLagSeconds: 8 };
const EBS = ['--addon', 'aws-ebs-csi-driver'];
const API = ['--service-account', 'payments/api'];
/**
 * The cluster serves every resource whose objects may use a web identity, with an object in each that uses none, and a pod
 * mounts a volume and secrets.
 */
export const withConsumerResources = (scenario: Scenario): void => {
  const [cluster] = scenario.accounts[0]!.clusters;
  for (const { group, plural, versions } of CONSUMER_RESOURCES.filter((one) => one.group !== ''))
    cluster!.customResources.push({
      apiVersion: `${group}/${versions[0]!}`,
      kind: plural.slice(0, 1).toUpperCase() + plural.slice(1),
      plural,
      ...(/^cluster|^vaultauthglobals/.test(plural) ? {} : { namespace: 'payments' }),
      name: 'unconcerned',
      spec: {},
    });
  const [api] = cluster!.workloads;
  const at = (path: string) => ({ name: path, mountPath: `/mnt/${path}` });
  api!.volumes = [
    { ...at('data'), claim: 'data' },
    { ...at('secrets'), secretProviderClass: 'unconcerned' },
  ];
  cluster!.persistentVolumes = [
    { name: 'data', driver: 'ebs.csi.aws.com', volumeAttributes: {}, claim: { namespace: 'payments', name: 'data' } },
  ];
};
export const OF_API = { serviceAccount: { namespace: 'payments', name: 'api' } };
/** Its pods, which run on, are restarted. */
export const ACCOUNT = {
  scenario: 'service-account-irsa',
  ends: [MIGRATED],
  request: OF_API,
  access: API,
};

/** The cluster has policies of Cilium and node pools of Karpenter, all of which the agent and its pods get along with. */
const withNetwork = ({ accounts }: Scenario): void => {
  for (const { customResources } of accounts.flatMap(({ clusters }) => clusters)) {
    const open = { endpointSelector: {}, egress: [{ toEntities: ['all'] }] };
    const pool = { template: { spec: { taints: [] } } };
    const cilium = { apiVersion: 'cilium.io/v2', name: 'open', spec: open };
    const named = { kind: 'CiliumNetworkPolicy', plural: 'ciliumnetworkpolicies', namespace: 'kube-system' };
    customResources.push(
      { ...cilium, ...named },
      { ...cilium, kind: 'CiliumClusterwideNetworkPolicy', plural: 'ciliumclusterwidenetworkpolicies' },
      { apiVersion: 'karpenter.sh/v1', kind: 'NodePool', plural: 'nodepools', name: 'pool', spec: pool },
    );
  }
};

/** `access`: what is asked of `grant-access`. */
type AccessRun = Run & { access: string[] };
const accessRun = (name: string, { access = EBS, ...run }: Partial<AccessRun> = {}): AccessRun => ({
  ...runOf(name, run),
  access,
});
const RECREATE = { strategy: 'recreate' } as const;

export const RUNS: AccessRun[] = [
  accessRun('in place, restarted, rolled back on demand', {
    ends: [MIGRATED, RECOVERED],
    request: { strategy: 'in-place' },
    knobs: LATE,
    rollBack: true,
  }),
  accessRun('recreated', { scenario: 'ebs-csi-irsa', request: RECREATE }),
  accessRun('policies and node pools read', { request: { strategy: 'in-place' }, change: withNetwork }),
  accessRun('falls back', { scenario: 'auto-falls-back' }),
  accessRun('trust repaired, retired, reinstated', {
    scenario: 'trust-repair',
    ends: [MIGRATED, RETIRED, RETIRED],
    request: { trust: 'repair' },
    retire: true,
  }),
  accessRun('three service accounts, recreated with all that was made of them, restarted', {
    scenario: 'adot-three-service-accounts',
    access: ['--addon', 'adot'],
    request: RECREATE,
    knobs: LATE,
  }),
  accessRun('a DaemonSet, restarted', { scenario: 'vpc-cni-irsa', access: ['--addon', 'vpc-cni'], knobs: LATE }),
  accessRun('agent installed', { scenario: 'agent-absent', request: { agent: 'install' } }),
  accessRun('identities by the API', { ends: [], byApi: looks }),
  accessRun('a sweep looks', { ends: [SWEPT], byApi: sweeps({ mode: 'inventory' }) }),
  accessRun('needs a person', {
    scenario: 'ebs-csi-irsa',
    ends: ['MigrateAddon NeedsHuman'],
    request: RECREATE,
    knobs: { createEndsIn: 'CREATE_FAILED' },
  }),
  accessRun('a service account, its annotation kept', ACCOUNT),
  accessRun('a service account in a cluster with all software that may use its web identity', {
    ...ACCOUNT,
    change: withConsumerResources,
  }),
  accessRun('a service account, its annotation taken off, rolled back on demand', {
    ...ACCOUNT,
    ends: [MIGRATED, RECOVERED],
    request: { ...OF_API, annotation: 'remove' },
    access: [...API, '--annotation', 'remove'],
    rollBack: true,
  }),
];

export const scenarioOf = ({ scenario, change }: Run): Scenario => {
  const read = parseScenario(JSON.parse(readFileSync(`sandbox/scenarios/${scenario}.json`, 'utf8')), scenario);
  change?.(read);
  return read;
};

export const printed = new Map<Run, Manifest[]>();
export const ran = new Map<Run, Ran>();
export const followWith = (
  run: Run,
  manifests: readonly Manifest[],
  other?: Parameters<typeof withAccess>[3],
): Promise<Ran> =>
  follows(
    {
      ...run,
      change: (scenario) => {
        run.change?.(scenario);
        withAccess(scenario, manifests, directory, other);
      },
    },
    directory,
  );

/** Follows each run to its end. */
export const followAll = async (): Promise<void> => {
  for (const run of RUNS) {
    const before = RUNS.find(
      ({ scenario, access }) => scenario === run.scenario && access.join(' ') === run.access.join(' '),
    )!;
    printed.set(run, printed.get(before) ?? (await printedFor(scenarioOf(run), run.access)));
    ran.set(run, await followWith(run, printed.get(run)!));
  }
};

/** Everything that was printed for any of them, each right once. */
export const rights = (): Right[] => [
  ...new Map([...printed.values()].flatMap(rightsOf).map((right) => [rightName(right), right])).values(),
];
/** The shortest run that rests on it. */
export const runFor = (right: Right): Run => {
  const [shortest] = [...ran]
    .filter(([, { rules }]) => isRuleUsed(right, rules))
    .sort(([, a], [, b]) => a.calls - b.calls);
  if (!shortest) throw new Error(`No run uses ${rightName(right)}.`);
  return shortest[0];
};

/** Expects that without each of these rights a run is refused, or does less, by that right's name. */
export const expectMissed = async (taken: readonly Right[]): Promise<void> => {
  const missing: string[] = [];
  for (const right of taken) {
    const run = runFor(right);
    const { forbidden, failures } = await followWith(run, withoutRight(printed.get(run)!, right));
    expect(failures).toEqual([]);
    if (!forbidden.some((one) => one.endsWith(` ${right.verb} ${right.resource}`))) missing.push(rightName(right));
  }
  expect(missing).toEqual([]);
};
