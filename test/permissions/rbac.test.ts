/**
 * With what `grant-access` prints, and nothing else, the service does its work on API servers; every rule of it is
 * used, and none could be left out: `rbac.grid.test.ts` leaves out each.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { ACCESS_GROUPS } from '../../lambdas/domain/access/rules.ts';
import type { ServiceRoles } from '../../lambdas/domain/access/entries.ts';
import { ACCESS_OF_STEPS } from '../../lambdas/domain/steps/work.ts';
import { createHttpKubernetes } from '../../lambdas/adapters/http-kubernetes.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { homeOf } from '../../sandbox/build/build.ts';
import { newEbsLab, newEntry, plainHttp } from '../sandbox/kubernetes/support.ts';
import { cancel } from './follow.ts';
import { isRuleUsed, printedFor, type Right, rightName, withoutRight } from './rbac-access.ts';
import {
  ACCOUNT,
  directory,
  expectMissed,
  followAll,
  followWith,
  OF_API,
  printed,
  ran,
  rights,
  RUNS,
  scenarioOf,
  withConsumerResources,
} from './rbac-runs.ts';

beforeAll(followAll);

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
  it.each(RUNS)('is enough: $name', (run) =>
    expect(ran.get(run)).toMatchObject({ forbidden: [], denied: [], refusals: [], failures: [], ends: run.ends }),
  );

  it('is all used', () => {
    // A workload with one pod is restarted instead, and not every run goes back.
    const evicts = rights().filter(({ verb }) => verb === 'create');
    expect(unused(rights().filter(({ verb }) => verb !== 'create'))).toEqual([]);
    expect(unused(evicts).length).toBeLessThan(evicts.length);
  });

  it('would not be, had a rule a verb or a name more', () => {
    const [first] = rights();
    expect(unused([{ ...first!, verb: 'watch' }])).toEqual([`${first!.source}: watch ${first!.resource}`]);
    const [restart] = rights().filter(({ name, verb }) => verb === 'patch' && name !== undefined);
    expect(unused([{ ...restart!, name: 'other' }])).toHaveLength(1);
  });

  it('allows only reading, restarting and removing the annotation: no watch, no read of secrets, no change of objects without a name', () => {
    for (const { verb, resource } of rights()) {
      expect(['list', 'get', 'patch', ...(resource === 'pods/eviction' ? ['create'] : [])]).toContain(verb);
      expect(['secrets', 'configmaps', '*']).not.toContain(resource);
    }
    // Nobody knows beforehand what pods are called.
    const unnamed = rights().filter(({ verb, name }) => verb !== 'list' && name === undefined);
    expect(unnamed.filter(({ resource }) => resource !== 'pods/eviction')).toEqual([]);
  });

  it('is what nothing else rests on', () =>
    expect(
      [...new Set([...ran.values()].flatMap(({ rules }) => rules).map(({ source }) => source))].filter(
        (source) => !rights().some((right) => right.source === source),
      ),
    ).toEqual([]));
});

describe('without one of its rights', () => {
  it('a run fails, or does less, by its name: one right of each verb', async () => {
    // Without an eviction the workload is restarted as a whole: that run ends the same.
    const needed = rights().filter(({ verb }) => verb !== 'create');
    const sample = [...new Map(needed.map((right) => [right.verb, right])).values()];
    expect(sample).toHaveLength(3);
    await expectMissed(sample);
  });

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

  it('an annotation is not removed where a resource may not be read, until that is accepted by name', async () => {
    const all = RUNS.find(({ change }) => change === withConsumerResources)!;
    const removing = RUNS.find(({ access }) => access.includes('remove'))!;
    const store = rights().find(({ resource }) => resource === 'secretstores')!;
    const manifests = withoutRight(printed.get(removing)!, store);
    const request = { ...OF_API, annotation: 'remove' as const };
    const refused = 'secretstores.external-secrets.io';
    expect(await followWith({ ...all, request }, manifests)).toMatchObject({
      ends: ['MigrateAddon Blocked'],
      forbidden: ['plan list secretstores'],
      failures: [],
    });
    const accepted = await followWith({ ...all, request: { ...request, accept: [`consumer:${refused}`] } }, manifests);
    expect(accepted).toMatchObject({ ends: ['MigrateAddon SUCCEEDED'], failures: [] });
    expect(new Set(accepted.forbidden)).toEqual(
      new Set(['plan list secretstores', 'annotate-service-account list secretstores']),
    );
  });

  /** A missing permission may arrive late, so the migration waits for it until a person cancels. */
  const cancelled = { meanwhile: { step: 'restart-pods', operation: 'patch deployments', act: cancel } };
  /** The pod that goes first, then all. */
  const REFUSED = ['restart-pods create pods/eviction', 'restart-pods patch deployments'];
  const removed = RUNS.find(({ access }) => access.includes('remove'))!;
  it.each([
    [
      'restart a workload by the group that annotates',
      (roles: ServiceRoles) => ({ ...roles, restart: [], annotate: roles.restart }),
      'RolledBack',
      REFUSED,
      cancelled,
    ],
    [
      'annotate a service account by the group that restarts',
      (roles: ServiceRoles) => ({ ...roles, restart: [...roles.restart, ...roles.annotate], annotate: [] }),
      'SUCCEEDED',
      ['annotate-service-account patch serviceaccounts'],
      {},
    ],
  ])('nobody can %s', async (_, other, ends, refused, meanwhile) =>
    expect(await followWith({ ...removed, ...meanwhile, rollBack: false }, printed.get(removed)!, other)).toMatchObject(
      { ends: [`MigrateAddon ${ends}`], forbidden: refused, failures: [] },
    ),
  );

  it('what is for another service account lets nothing of this one be changed, and its migration goes back once it is cancelled', async () => {
    const [kept] = RUNS.filter(({ scenario }) => scenario === ACCOUNT.scenario);
    const { ends, forbidden } = await followWith(
      { ...kept!, ...cancelled, request: { ...OF_API, annotation: 'remove' } },
      await printedFor(scenarioOf(kept!), ['--service-account', 'payments/web', '--annotation', 'remove']),
    );
    expect(ends).toEqual(['MigrateAddon RolledBack']);
    // The right to evict is that of the namespace.
    expect(forbidden).toEqual(['restart-pods patch deployments']);
  });
});

describe('a principal in the group for reading', () => {
  it('can read the whole cluster through the port, as identities does, and restart nothing', async () => {
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
