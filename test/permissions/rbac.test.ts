/**
 * With what `grant-access` prints, and nothing else, the service does its work on API servers; every rule of it is
 * used, and none could be left out.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { ACCESS_GROUPS, ACCESS_OF_STEPS } from '../../lambdas/domain/access/rules.ts';
import type { ServiceRoles } from '../../lambdas/domain/access/entries.ts';
import type { Manifest } from '../../lambdas/domain/access/manifests.ts';
import { createHttpKubernetes } from '../../lambdas/adapters/http-kubernetes.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { homeOf } from '../../sandbox/world/build.ts';
import { parseScenario } from '../../sandbox/world/load.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';
import { newEbsLab, newEntry, plainHttp } from '../sandbox/kubernetes/support.ts';
import { looks } from './by-api.ts';
import { follows, type Ran, type Run } from './follow.ts';
import { isRuleUsed, printedFor, type Right, rightName, rightsOf, withAccess, withoutRight } from './rbac-access.ts';
import { sweeps } from './sweep-runs.ts';

const { directory } = await ensureAssembly();

/** Pods are admitted before the webhook knows the association, so that each workload is restarted. */
const LATE = { webhookLagSeconds: 8 };
const EBS = ['--addon', 'aws-ebs-csi-driver'];
const API = ['--service-account', 'payments/api'];
const OF_API = { serviceAccount: { namespace: 'payments', name: 'api' } };
/** Its pods, which run on, are restarted. */
const ACCOUNT = { scenario: 'service-account-irsa', ends: ['MigrateAddon SUCCEEDED'], request: OF_API, access: API };

/** `access`: what is asked of `grant-access`. */
type AccessRun = Run & { access: string[] };

const RUNS: AccessRun[] = [
  {
    name: 'in place, restarted, rolled back on demand',
    scenario: 'in-place',
    access: EBS,
    ends: ['MigrateAddon SUCCEEDED', 'Recover SUCCEEDED'],
    request: { strategy: 'in-place' },
    knobs: LATE,
    rollBack: true,
  },
  {
    name: 'recreated',
    scenario: 'ebs-csi-irsa',
    access: EBS,
    ends: ['MigrateAddon SUCCEEDED'],
    request: { strategy: 'recreate' },
  },
  { name: 'climbs', scenario: 'auto-climbs', access: EBS, ends: ['MigrateAddon SUCCEEDED'] },
  {
    name: 'trust repaired, retired, reinstated',
    scenario: 'trust-repair',
    access: EBS,
    ends: ['MigrateAddon SUCCEEDED', 'Retire SUCCEEDED', 'Retire SUCCEEDED'],
    request: { trust: 'repair' },
    retire: true,
  },
  {
    name: 'three service accounts, recreated with all that was made of them, restarted',
    scenario: 'adot-three-service-accounts',
    access: ['--addon', 'adot'],
    ends: ['MigrateAddon SUCCEEDED'],
    request: { strategy: 'recreate' },
    knobs: LATE,
  },
  {
    name: 'a DaemonSet, restarted',
    scenario: 'vpc-cni-irsa',
    access: ['--addon', 'vpc-cni'],
    ends: ['MigrateAddon SUCCEEDED'],
    knobs: LATE,
  },
  {
    name: 'agent installed',
    scenario: 'agent-absent',
    access: EBS,
    ends: ['MigrateAddon SUCCEEDED'],
    request: { agent: 'install' },
  },
  { name: 'identities by the API', scenario: 'in-place', access: EBS, ends: [], byApi: looks },
  {
    name: 'a sweep looks',
    scenario: 'in-place',
    access: EBS,
    ends: ['Sweep SUCCEEDED'],
    byApi: sweeps({ mode: 'inventory' }),
  },
  {
    name: 'needs a person',
    scenario: 'ebs-csi-irsa',
    access: EBS,
    ends: ['MigrateAddon NeedsHuman'],
    request: { strategy: 'recreate' },
    knobs: { createEndsIn: 'CREATE_FAILED' },
  },
  { ...ACCOUNT, name: 'a service account, its annotation kept' },
  {
    ...ACCOUNT,
    name: 'a service account, its annotation taken off, rolled back on demand',
    ends: ['MigrateAddon SUCCEEDED', 'Recover SUCCEEDED'],
    request: { ...OF_API, annotation: 'remove' },
    access: [...API, '--annotation', 'remove'],
    rollBack: true,
  },
];

const scenarioOf = ({ scenario }: Run): Scenario =>
  parseScenario(JSON.parse(readFileSync(`sandbox/scenarios/${scenario}.json`, 'utf8')), scenario);

const printed = new Map<Run, Manifest[]>();
const ran = new Map<Run, Ran>();
const followWith = (run: Run, manifests: readonly Manifest[], other?: Parameters<typeof withAccess>[3]): Promise<Ran> =>
  follows({ ...run, change: (scenario) => withAccess(scenario, manifests, directory, other) }, directory);

beforeAll(async () => {
  for (const run of RUNS) {
    const before = RUNS.find(
      ({ scenario, access }) => scenario === run.scenario && access.join(' ') === run.access.join(' '),
    )!;
    printed.set(run, printed.get(before) ?? (await printedFor(scenarioOf(run), run.access)));
    ran.set(run, await followWith(run, printed.get(run)!));
  }
}, 180_000);

/** Everything that was printed for any of them, each right once. */
const rights = (): Right[] => [
  ...new Map([...printed.values()].flatMap(rightsOf).map((right) => [rightName(right), right])).values(),
];
const unused = (all: readonly Right[]): string[] =>
  all
    .filter(
      (right) =>
        !isRuleUsed(
          right,
          [...ran.values()].flatMap((one) => one.rules),
        ),
    )
    .map(rightName);

describe('the roles that the access is for', () => {
  it('are those of the steps that call API servers, as the outputs of the stack say', () => {
    const { outputs, functions } = loadAssembly(directory, homeOf(scenarioOf(RUNS[0]!)));
    const stepsIn = (output: string): string[] =>
      outputs[output]!.split(',').map((arn) =>
        functions.find(({ roleArn }) => roleArn === arn)!.handler.replace('.handler', ''),
      );
    expect(stepsIn('KubernetesRoleArns')).toEqual(Object.keys(ACCESS_OF_STEPS));
    expect(stepsIn('KubernetesRestartRoleArns')).toEqual(['restart-pods']);
    expect(stepsIn('KubernetesAnnotateRoleArns')).toEqual(['annotate-service-account']);
  });

  it('are no others: no step that is not named calls an API server', () => {
    const callers = new Set([...ran.values()].flatMap(({ callers: steps }) => steps));
    expect([...callers].filter((step) => !Object.hasOwn(ACCESS_OF_STEPS, step))).toEqual([]);
    expect(Object.keys(ACCESS_OF_STEPS).filter((step) => !callers.has(step))).toEqual([]);
  });
});

describe('the access that grant-access prints', () => {
  it.each(RUNS)('is enough: $name', (run) => {
    expect(ran.get(run)).toMatchObject({ forbidden: [], denied: [], refusals: [], failures: [], ends: run.ends });
  });

  it('is all used', () => {
    expect(unused(rights())).toEqual([]);
  });

  it('would not be, had a rule a verb or a name more', () => {
    const [first] = rights();
    expect(unused([{ ...first!, verb: 'watch' }])).toEqual([`${first!.source}: watch ${first!.resource}`]);
    const [restart] = rights().filter(({ name, verb }) => verb === 'patch' && name !== undefined);
    expect(unused([{ ...restart!, name: 'other' }])).toHaveLength(1);
  });

  it('is for nothing but looking and restarting, and the annotation that shall go: nothing is watched, no secret is read, no object of any name is changed', () => {
    for (const { verb, resource } of rights()) {
      expect(['list', 'get', 'patch']).toContain(verb);
      expect(['secrets', 'configmaps', '*']).not.toContain(resource);
    }
    expect(rights().filter(({ verb, name }) => verb !== 'list' && name === undefined)).toEqual([]);
  });

  it('is what nothing else rests on', () => {
    const sources = new Set([...ran.values()].flatMap(({ rules }) => rules).map(({ source }) => source));
    expect([...sources].filter((source) => !rights().some((right) => right.source === source))).toEqual([]);
  });
});

describe('without one of its rights', () => {
  /** The shortest run that rests on it. */
  const runFor = (right: Right): Run => {
    const [shortest] = [...ran]
      .filter(([, { rules }]) => isRuleUsed(right, rules))
      .sort(([, a], [, b]) => a.calls - b.calls);
    if (!shortest) throw new Error(`No run uses ${rightName(right)}.`);
    return shortest[0];
  };

  it('a run fails, or does less, by its name: each of them', async () => {
    const missing: string[] = [];
    for (const right of rights()) {
      const run = runFor(right);
      const { forbidden, failures } = await followWith(run, withoutRight(printed.get(run)!, right));
      expect(failures).toEqual([]);
      if (!forbidden.some((one) => one.endsWith(` ${right.verb} ${right.resource}`))) missing.push(rightName(right));
    }
    expect(missing).toEqual([]);
  }, 180_000);

  it("a service account's annotation stays where --annotation remove was not granted, and the migration stands", async () => {
    const kept = RUNS.find(({ scenario, rollBack }) => scenario === ACCOUNT.scenario && !rollBack)!;
    const { ends, forbidden, failures } = await followWith(
      { ...kept, request: { ...OF_API, annotation: 'remove' } },
      printed.get(kept)!,
    );
    expect({ ends, forbidden, failures }).toEqual({
      ends: ['MigrateAddon SUCCEEDED'],
      forbidden: ['annotate-service-account patch serviceaccounts'],
      failures: [],
    });
  });

  const removed = RUNS.find(({ access }) => access.includes('remove'))!;
  it.each([
    [
      'restart a workload by the group that annotates',
      (roles: ServiceRoles) => ({ ...roles, restart: [], annotate: roles.restart }),
      'RolledBack',
      'restart-pods patch deployments',
    ],
    [
      'annotate a service account by the group that restarts',
      (roles: ServiceRoles) => ({ ...roles, restart: [...roles.restart, ...roles.annotate], annotate: [] }),
      'SUCCEEDED',
      'annotate-service-account patch serviceaccounts',
    ],
  ])('nobody can %s', async (_, other, ends, refused) => {
    const outcome = await followWith({ ...removed, rollBack: false }, printed.get(removed)!, other);
    expect(outcome).toMatchObject({ ends: [`MigrateAddon ${ends}`], forbidden: [refused], failures: [] });
  });

  it('what is for another service account lets nothing of this one be changed, and its migration goes back', async () => {
    const [kept] = RUNS.filter(({ scenario }) => scenario === ACCOUNT.scenario);
    const { ends, forbidden } = await followWith(
      { ...kept!, request: { ...OF_API, annotation: 'remove' } },
      await printedFor(scenarioOf(kept!), ['--service-account', 'payments/web', '--annotation', 'remove']),
    );
    expect(ends).toEqual(['MigrateAddon RolledBack']);
    expect(forbidden).toEqual(['restart-pods patch deployments']);
  });
});

describe('somebody in the group for reading', () => {
  it('can look at the whole cluster by the port, as identities does, and restart nothing', async () => {
    const lab = newEbsLab();
    const WHO = 'arn:aws:iam::111122223333:role/reader';
    lab.cluster.accessEntries.set(WHO, newEntry(WHO, { groups: [ACCESS_GROUPS.read] }));
    for (const manifest of printed.get(RUNS[0]!)!.filter(({ kind }) => kind.startsWith('Cluster'))) {
      const plural = `${manifest.kind.toLowerCase()}s`;
      expect((await lab.call('POST', `/apis/rbac.authorization.k8s.io/v1/${plural}`, { body: manifest })).status).toBe(
        201,
      );
    }
    const asReader = {
      ...lab,
      call: (...[method, path, options]: Parameters<typeof lab.call>) =>
        lab.call(method, path, { ...options, as: WHO }),
    };
    const kubernetes = createHttpKubernetes({
      http: plainHttp(asReader),
      endpoint: () => Promise.resolve({ url: 'https://ABC' }),
      token: () => Promise.resolve('token'),
    });
    let pods = 0;
    await kubernetes.eachPod((page) => void (pods += page.length));
    expect(pods).toBeGreaterThan(0);
    expect(await kubernetes.listServiceAccounts()).not.toEqual([]);
    expect(await kubernetes.listNodes()).toHaveLength(3);
    await kubernetes.listMutatingWebhooks();
    const [deployment] = (await kubernetes.listWorkloads('kube-system')).filter(({ kind }) => kind === 'Deployment');
    await expect(kubernetes.restartWorkload(deployment!, 'x')).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
