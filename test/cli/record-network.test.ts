/** Recording what decides whether pods can reach the Pod Identity agent: policies, taints, tolerations, node pools. */
import { describe, expect, it } from 'vitest';
import { anonymised } from '../../cli/record/anonymise.ts';
import { keptCiliumSpec } from '../../cli/record/keep-cilium.ts';
import { policiesIn, reachability } from '../../lambdas/domain/network/reachability.ts';
import { parseScenario, readScenario } from '../../sandbox/build/load.ts';
import { putObject } from '../../sandbox/objects/store.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
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

const PORT = [{ port: '80', protocol: 'TCP' }];
const ALL = { endpointSelector: {}, egress: [{ toEntities: ['all'] }] };
const toHost = (more: object, selector: object = {}): object => ({
  description: 'hunter2',
  endpointSelector: selector,
  egress: [{ toEntities: ['host'], toPorts: [{ ports: PORT, ...more }] }],
  ingress: [{ fromCIDR: ['10.0.0.0/8'] }],
});
const to = (rule: object): object => ({ endpointSelector: {}, egress: [rule] });
const not = (rule: object): object => ({ ...ALL, egressDeny: [rule] });

describe('a recorded policy of Cilium', () => {
  const headers = ['X-Api-Key: hunter2', 'Authorization: Basic aHVudGVyMg=='];
  it.each<[string, unknown]>([
    ['without rules', { endpointSelector: { matchLabels: { app: 'api' } } }],
    ['that allows the node', toHost({})],
    ['with rules for HTTP', toHost({ rules: { http: [{ path: '/v1?token=hunter2', headers }] } })],
    ['with header matches', toHost({ rules: { http: [{ headerMatches: [{ name: 'X-Key', value: 'hunter2' }] }] } })],
    ['with rules for DNS', toHost({ rules: { dns: [{ matchPattern: 'hunter2.example.com' }] } })],
    ['with rules of a parser', toHost({ rules: { l7proto: 'hunter2', l7: [{ key: 'hunter2' }] } })],
    ['with rules of an unknown kind', toHost({ rules: { hunter2: [{}] } })],
    ['with rules that are null', toHost({ rules: { http: null } })],
    ['with an empty list of rules', toHost({ rules: { http: [] } })],
    ['with a certificate', toHost({ terminatingTLS: { certificate: 'hunter2', secret: { name: 'hunter2' } } })],
    ['for a selected pod', toHost({}, { matchExpressions: [{ key: 'k8s:app', operator: 'In', values: ['api'] }] })],
    ['for another pod', toHost({}, { matchLabels: { app: 'web' } })],
    ['for an operator that nobody knows', toHost({}, { matchExpressions: [{ key: 'app', operator: 'hunter2' }] })],
    ['for a label of the namespace', toHost({}, { matchLabels: { 'io.cilium.k8s.namespace.labels.a': 'b' } })],
    ['for nodes', { nodeSelector: { matchLabels: { pool: 'hunter2' } }, egress: [{}] }],
    ['for an endpoint', to({ toEndpoints: [{ matchLabels: { 'reserved:host': '' } }] })],
    ['for an empty list of endpoints', to({ toEndpoints: [], toEntities: null })],
    ['for a name', to({ toFQDNs: [{ matchName: 'hunter2.example.com' }] })],
    ['for a service', to({ toServices: [{ k8sService: { serviceName: 'hunter2' } }] })],
    ['for a group', to({ toGroups: [{ aws: { securityGroupsIds: ['hunter2'] } }] })],
    ['for selected nodes', to({ toNodes: [{ matchLabels: { pool: 'hunter2' } }] })],
    ['for an unknown entity', to({ toEntities: ['hunter2'] })],
    ['for a block', to({ toCIDR: ['169.254.0.0/16', 'hunter2'] })],
    ['for blocks with exceptions', to({ toCIDRSet: [{ cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] }] })],
    ['for a group of blocks', to({ toCIDRSet: [{ cidrGroupRef: 'hunter2' }] })],
    ['for a port with zeros', to({ toPorts: [{ ports: [{ port: '00080', protocol: 'tcp' }] }] })],
    ['for a port with a name', to({ toPorts: [{ ports: [{ port: 'hunter2' }] }] })],
    ['for any port', to({ toPorts: [{ ports: [{ port: '' }] }] })],
    ['for a range of ports', to({ toPorts: [{ ports: [{ port: 1, endPort: 100, protocol: 'hunter2' }] }] })],
    ['for ICMP', to({ toEntities: ['host'], icmps: [{ fields: [{ type: 'hunter2' }] }] })],
    ['that denies the node', not({ toEntities: ['host'] })],
    ['that denies requests by their content', not({ toPorts: [{ ports: PORT, rules: { http: [{ path: '/x' }] } }] })],
    ['that isolates nobody', { ...to({ toCIDR: ['10.0.0.0/8'] }), enableDefaultDeny: { egress: false } }],
    ['that cannot be read', { endpointSelector: {}, egress: 'hunter2' }],
  ])('is judged like the original, and has no secret: %s', (_, spec) => {
    const judged = (one: unknown): unknown[] =>
      ['ciliumnetworkpolicies', 'ciliumclusterwidenetworkpolicies'].map((plural) =>
        reachability(
          policiesIn({
            objects: { [`${plural}.cilium.io`]: [{ metadata: { name: 'p', namespace: 'shop' }, spec: one }] },
          }),
          { namespace: 'shop', serviceAccount: 'api', labels: { app: 'api' } },
          { ipv6: false, cilium: true },
        ),
      );
    const kept = keptCiliumSpec(spec);
    expect(judged(kept)).toEqual(judged(spec));
    expect(JSON.stringify(kept)).not.toMatch(/hunter2|aHVudGVyMg/);
    expect(keptCiliumSpec(kept)).toEqual(kept);
  });
});
