/** The runs that are carried out in both worlds: they cover what is published, and a run in the sandbox finds a change. */
import { describe, expect, it } from 'vitest';
import { openSandboxBackend } from '../../cli/backend.ts';
import { scenarioNames } from '../../cli/scenarios.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { type ActFacts, carryOut, scenarioOf, targetOf } from '../../conformance/kubernetes/scenarios/carry-out.ts';
import { compareFacts } from '../../conformance/kubernetes/scenarios/compare.ts';
import { EXTRA } from '../../conformance/kubernetes/scenarios/extra.ts';
import { PUBLISHED } from '../../conformance/kubernetes/scenarios/published.ts';
import { type Run, titleOf } from '../../conformance/kubernetes/scenarios/run.ts';
import { runAll } from '../../conformance/kubernetes/scenarios/run-all.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';

const ALL = [...PUBLISHED, ...EXTRA];
const named = (name: string): Run => {
  const run = ALL.find((one) => one.name === name);
  if (!run) throw new Error(`There is no run ${name}.`);
  return run;
};

const inSandbox = async (run: Run, change: (scenario: Scenario) => void = () => {}): Promise<ActFacts[]> => {
  const scenario = await scenarioOf(run);
  change(scenario);
  const backend = await openSandboxBackend(scenario, {});
  try {
    return await carryOut(run, scenario, backend);
  } finally {
    await backend.close();
  }
};
const differences = (one: readonly ActFacts[], other: readonly ActFacts[]) =>
  one.flatMap(({ title, facts }, index) =>
    compareFacts(facts, other[index]!.facts).map(({ what }) => `${title}: ${what}`),
  );

describe('the runs', () => {
  it('cover every published scenario', () =>
    expect([...new Set(PUBLISHED.map(({ scenario }) => scenario))].sort()).toEqual(scenarioNames()));

  it('have names and titles that tell them apart', () => {
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
    for (const { acts } of ALL) {
      const requests = acts.filter(({ does }) => does === 'migrate').map(titleOf);
      expect(new Set(requests).size).toBe(requests.length);
    }
  });

  it.each(ALL.map((run) => [run.name, run] as const))('%s: the scenario and each request are valid', async (_, run) => {
    const target = targetOf(await scenarioOf(run));
    expect(run.acts.map(({ does }) => does)).toContain('migrate');
    for (const act of run.acts) if (act.does === 'migrate') migrationRequest.parse({ target, ...act.asked });
  });
});

it('an autoscaler in a run owns the number of pods, which an update in place keeps and a forced create takes back', async () => {
  const [scaled, blocked, inPlace, , forced] = await inSandbox(named('autoscaled-addon'));
  const managers = (act: ActFacts | undefined) =>
    act?.facts.get('managers of Deployment kube-system/ebs-csi-controller');
  const podsOf = (act: ActFacts | undefined) => act?.facts.get('pods of Deployment kube-system/ebs-csi-controller');
  expect(managers(scaled)).toContain('kube-controller-manager by scale .spec.replicas');
  expect(blocked?.facts.get('check field-managers')).toBe('fail');
  expect(podsOf(inPlace)).toContain('"desired":3');
  expect(managers(inPlace)).toContain('kube-controller-manager by scale .spec.replicas');
  expect(podsOf(forced)).toContain('"desired":2');
  expect(managers(forced)).toContain('eks .spec.replicas');
});

describe('a run in the sandbox', () => {
  const run = named('ebs-csi-irsa 2');

  it('has the same facts with other random numbers, at another time', async () => {
    const again = await inSandbox(run, (scenario) => {
      scenario.seed += 1;
      scenario.startAt = '2027-03-28T00:59:00.000Z';
    });
    const facts = await inSandbox(run);
    expect(facts.map(({ title, outcome }) => [title, outcome])).toEqual([
      ['aws-ebs-csi-driver: auto', 'migrated'],
      ['retire', 'done'],
      ['reinstate', 'done'],
      ['rollback', 'rolled-back'],
    ]);
    expect(differences(facts, again)).toEqual([]);
  });

  it('has other facts where the world is another', async () => {
    const found = differences(
      await inSandbox(run),
      await inSandbox(run, ({ accounts }) => {
        const [addon] = accounts[0]!.clusters[0]!.addons.filter(({ name }) => name === 'aws-ebs-csi-driver');
        addon!.replicas = 3;
      }),
    );
    expect(found).toContain('aws-ebs-csi-driver: auto: evidence');
    expect(found).toContain('aws-ebs-csi-driver: auto: least ready pods');
  });

  it('is compared act by act, and a failure of the other world is a result', async () => {
    const reported: string[] = [];
    const own = await inSandbox(named('trust-deny'));
    const results = await runAll(
      [named('trust-deny'), named('shared-role-fleet'), named('static-keys')],
      [
        {
          kubernetes: 'v1.35.4',
          cannotHold: ({ accounts }) => (accounts[0]!.clusters.length > 1 ? 'it has 2 clusters' : undefined),
          open: async (scenario) => {
            if (scenario.description?.includes('access key')) throw new Error('The API server did not start.');
            const backend = await openSandboxBackend(scenario, {});
            return { backend, state: () => '', problems: () => [], close: () => backend.close() };
          },
        },
      ],
      { act: ({ name }, title) => void reported.push(`${name}: ${title}`), done: () => {} },
    );
    expect(results.runs).toMatchObject([
      { run: 'trust-deny', acts: own.map(({ title, outcome }) => ({ title, outcome, differences: [] })) },
      { run: 'shared-role-fleet', notHeld: 'it has 2 clusters', acts: [] },
      { run: 'static-keys', failure: 'The API server did not start.', acts: [] },
    ]);
    expect(reported).toEqual(own.map(({ title }) => `trust-deny: ${title}`));
  });
});
