/** Recording what decides whether pods can reach the Pod Identity agent: policies, taints, tolerations, node pools. */
import { describe, expect, it } from 'vitest';
import { anonymised } from '../../cli/record/anonymise.ts';
import { parseScenario, readScenario } from '../../sandbox/world/load.ts';
import { putObject } from '../../sandbox/kubernetes/store.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/world/scenario.ts';
import { scenarioFile } from '../end-to-end/fixture.ts';
import { LEDGER, NOTEBOOKS, ORDERS, TRAIN } from '../end-to-end/reachability-rows.ts';
import { rehearsable, seenIn, twinOf } from '../end-to-end/twin.ts';
import { containing } from '../lambdas/matchers.ts';

const first = (scenario: Scenario): ScenarioCluster => scenario.accounts[0]!.clusters[0]!;
const targetOf = (scenario: Scenario) => {
  const { name, region } = first(scenario);
  return { account: scenario.accounts[0]!.id, region, cluster: name };
};
const withoutConfiguration = { withConfiguration: false, access: 'granted' } as const;

const CASES: [string, typeof ORDERS][] = [
  ['network-policy', ORDERS],
  ['cilium-policy', LEDGER],
  ['agent-taints', TRAIN],
  ['agent-taints', NOTEBOOKS],
];

describe('a recorded cluster', () => {
  it.each(CASES)('gives the same plan without configuration values: %s, %j', async (name, serviceAccount) => {
    const scenario = await readScenario(scenarioFile(name));
    const twin = await twinOf(scenario, first(scenario), withoutConfiguration);
    const request = { target: targetOf(scenario), serviceAccount, dryRun: true };
    expect(await seenIn(rehearsable(twin, scenario), request)).toEqual(await seenIn(scenario, request));
    expect(twin.reader.unread).toEqual([]);
  });

  it.each(CASES)('gives the same checks if it is anonymised: %s, %j', async (name, { namespace, name: account }) => {
    const scenario = await readScenario(scenarioFile(name));
    const twin = await twinOf(scenario, first(scenario), withoutConfiguration);
    const input = anonymised(twin.input);
    const rehearsal = rehearsable({ ...twin, input }, scenario);
    const at = first(rehearsable(twin, scenario)).workloads.findIndex(
      (one) => one.namespace === namespace && one.serviceAccount === account,
    );
    const renamed = first(rehearsal).workloads[at]!;
    const statuses = async (of: Scenario, serviceAccount: typeof ORDERS): Promise<string[]> =>
      (await seenIn(of, { target: targetOf(of), serviceAccount, dryRun: true })).checks
        .map((check) => check.split(' ').slice(0, 2).join(' '))
        .sort();
    expect(await statuses(rehearsal, { namespace: renamed.namespace, name: renamed.serviceAccount })).toEqual(
      await statuses(scenario, { namespace, name: account }),
    );
    const text = JSON.stringify(input);
    for (const word of [namespace, 'nvidia', 'spot', 'default-deny', 'writer-to-aws', '10.20.0.0'])
      expect(text).not.toContain(`"${word}`);
  });

  it('has of a node pool only what decides which pods its nodes have', async () => {
    const scenario = await readScenario(scenarioFile('agent-taints'));
    const twin = await twinOf(scenario, first(scenario));
    const { customResources, nodes } = first(parseScenario(twin.input, 'twin'));
    expect(customResources).toMatchObject([
      {
        kind: 'NodePool',
        name: 'spot',
        spec: {
          template: {
            // The label `pool` is one that pods select.
            metadata: { labels: { pool: 'spot' } },
            spec: {
              nodeClassRef: { group: 'karpenter.k8s.aws' },
              taints: [{ key: 'spot', value: 'true', effect: 'NoSchedule' }],
            },
          },
        },
      },
    ]);
    expect(JSON.stringify(customResources)).not.toContain('requirements');
    const groups = nodes as { count: number; taints?: unknown }[];
    expect(groups.map(({ count, taints }) => [count, taints])).toEqual([
      [2, [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }]],
      [2, undefined],
    ]);
  });

  it('names the policies that a scenario cannot have, and what could not be read', async () => {
    const scenario = await readScenario(scenarioFile('network-policy'));
    const twin = await twinOf(scenario, first(scenario), undefined, ({ kube }) => {
      putObject(kube, 'NetworkPolicy', {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: {
          name: 'newer',
          namespace: 'orders',
          uid: '1',
          resourceVersion: '',
          creationTimestamp: '2026-01-01T00:00:00Z',
        },
        spec: { podSelector: {}, egress: [{ toServices: [] }] } as never,
      });
    });
    expect(twin.reader.unread).toEqual([
      {
        what: 'NetworkPolicy orders/newer',
        why: containing('a scenario cannot have it'),
        effect: 'the rehearsal does not have it',
      },
    ]);
    expect(first(parseScenario(twin.input, 'twin')).networkPolicies.map(({ metadata }) => metadata.name)).toEqual([
      'allow-aws',
      'default-deny',
    ]);
  });
});
