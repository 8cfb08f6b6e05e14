import { commandsIn } from '../../../../cli/text/remedy.ts';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { NetworkFacts } from '../../../../lambdas/domain/network/model.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkReachability } from '../../../../lambdas/domain/plan/reachability-check.ts';
import { aCluster, aPod, aRequest, aWorkload, NAMESPACE, planned, someFacts } from '../../fixtures.ts';
import { only, said, containing, matching } from '../../matchers.ts';

const object = (name: string, spec: unknown, namespace: string | undefined = NAMESPACE): unknown => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  spec,
});
const DENY = object('default-deny', { podSelector: {}, policyTypes: ['Egress'] });
const NAME = `NetworkPolicy/${NAMESPACE}/default-deny`;
const network = (policies: unknown[], change: Partial<NetworkFacts> = {}): NetworkFacts => ({
  objects: { 'networkpolicies.networking.k8s.io': policies },
  unread: [],
  engines: [],
  vpcCni: 'enforces',
  ...change,
});
const cilium = (objects: Record<string, unknown[]>): NetworkFacts => ({ objects, unread: [], engines: ['cilium'] });
const facts = (of: NetworkFacts, change: Partial<Facts> = {}): Facts => someFacts({ network: of, ...change });
const accepting = (names: string[], change: Partial<MigrationRequestInput> = {}): Partial<Facts> => ({
  request: aRequest({ accept: names.map((name) => `network-policy:${name}`), ...change }),
});
const check = (of: Facts): Check[] => checkReachability(of, [planned]);

describe('agent-reachability', () => {
  it('passes without policies, and with those that do not concern the pods', () => {
    const passes = said('pass', '169.254.170.23, TCP port 80');
    for (const policies of [
      [],
      [object('ingress', { podSelector: {}, policyTypes: ['Ingress'] })],
      [object('others', { podSelector: { matchLabels: { app: 'other' } }, policyTypes: ['Egress'] })],
      [object('elsewhere', { podSelector: {}, policyTypes: ['Egress'] }, 'other')],
    ])
      expect(only(check(facts(network(policies))))).toMatchObject({ id: 'agent-reachability', ...passes });
  });

  it('fails by name, with the command that adds the rule, and the option that accepts the policy last', () => {
    const found = only(check(facts(network([DENY]))));
    expect(found).toMatchObject({ status: 'fail', source: containing('docs/agent-reachability.md') });
    expect(found.message).toContain(`Deployment ebs-csi-controller by ${NAME}`);
    expect(found.remedy).toContain(`kubectl -n ${NAMESPACE} patch networkpolicy default-deny --type json -p `);
    expect(found.remedy).toContain('"path":"/spec/egress","value":[{"to":[{"ipBlock":{"cidr":"169.254.170.23/32"}}]');
    expect(found.remedy).toMatch(new RegExp(`--accept network-policy:${NAME}$`));
    expect(planMigration(facts(network([DENY]))).verdict).toBe('blocked');
  });

  it('adds the rule to those that a policy has already', () => {
    const spec = { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: {} }] }] };
    const { remedy } = only(check(facts(network([object('some', spec)]))));
    expect(remedy).toContain('"path":"/spec/egress/-","value":{"to"');
  });

  it('names the IPv6 address in an IPv6 cluster', () => {
    const found = only(check(facts(network([DENY]), { cluster: aCluster({ ipv6: true }) })));
    expect(found.message).toContain('fd00:ec2::23');
    expect(found.remedy).toContain('"cidr":"fd00:ec2::23/128"');
  });

  it('goes on with the policy accepted by name, and warns', () => {
    const of = facts(network([DENY]), accepting([NAME]));
    expect([only(check(of)), planMigration(of).verdict]).toMatchObject([said('warn', NAME), 'migrate']);
  });

  it('blocks until each of the policies is accepted', () => {
    const other = object('other', { podSelector: {}, policyTypes: ['Egress'] });
    const of = (names: string[]) => check(facts(network([DENY, other]), accepting(names))).map(({ status }) => status);
    expect([of([NAME]), of([NAME, `NetworkPolicy/${NAMESPACE}/other`])]).toEqual([['fail'], ['warn']]);
  });

  it('warns of an accepted policy that keeps no pod from the agent, unless the option is that of many plans', () => {
    const of = facts(network([]), accepting([NAME]));
    const found = check(of).map(({ id, status }) => `${id} ${status}`);
    expect(found).toEqual(['agent-reachability pass', 'accepted-network-policies warn']);
    expect(check({ ...of, oneOfMany: true })).toHaveLength(1);
  });

  it('blocks as unknown where it is not known whether policies are enforced, and only warns where they are not', () => {
    const of = (change: Partial<NetworkFacts>, more: Partial<Facts> = {}): Check =>
      only(check(facts(network([DENY], change), more)));
    expect(of({ vpcCni: undefined })).toMatchObject(said('unknown', 'aws-node'));
    const autoMode = of({ vpcCni: undefined }, { cluster: aCluster({ autoMode: true }) });
    expect(autoMode).toMatchObject(said('unknown', 'amazon-vpc-cni'));
    expect(of({ vpcCni: 'ignores' })).toMatchObject(said('warn', 'enableNetworkPolicy is not set'));
    expect(of({ vpcCni: 'ignores', engines: ['cilium'] }).status).toBe('fail');
  });

  it('does not concern pods in the network of their node', () => {
    const pods = [aPod('irsa', { hostNetwork: true })];
    expect(only(check(facts(network([DENY]), { pods }))).status).toBe('pass');
  });

  it('evaluates the template of a workload, whose next pods may have other labels', () => {
    const policy = object('next', { podSelector: { matchLabels: { version: '2' } }, policyTypes: ['Egress'] });
    const of = (templateLabels: Record<string, string>, hostNetwork = false): Check =>
      only(check(facts(network([policy]), { workloads: [aWorkload({ templateLabels, hostNetwork })] })));
    expect([of({ version: '2' }).status, of({ version: '1' }).status]).toEqual(['fail', 'pass']);
    expect(of({ version: '2' }, true).status).toBe('pass');
  });

  it('fails by a policy of Cilium, with a rule for the node', () => {
    const spec = { endpointSelector: {}, egress: [{ toEndpoints: [{}] }] };
    const found = only(check(facts(cilium({ 'ciliumnetworkpolicies.cilium.io': [object('strict', spec)] }))));
    expect([found.status, found.message]).toEqual(['fail', containing(`CiliumNetworkPolicy/${NAMESPACE}/strict`)]);
    expect(found.remedy).toContain('patch ciliumnetworkpolicy strict');
    expect(found.remedy).toContain('"toEntities":["host"]');
    // The command ends where it is printed on a line of its own.
    expect(commandsIn(found.remedy ?? '')).toEqual([matching(/^kubectl -n .*\]'$/)]);
  });

  it('does not offer a NetworkPolicy where Cilium enforces it, nor a rule where one denies', () => {
    const clusterwide = object('no-node', { endpointSelector: {}, egressDeny: [{ toEntities: ['host'] }] }, '');
    const policies = {
      'networkpolicies.networking.k8s.io': [DENY],
      'ciliumclusterwidenetworkpolicies.cilium.io': [clusterwide],
    };
    const found = only(check(facts(cilium(policies))));
    for (const part of ['add a CiliumNetworkPolicy', 'egressDeny']) expect(found.remedy).toContain(part);
    expect(found.remedy).toContain('--accept network-policy:CiliumClusterwideNetworkPolicy/no-node');
  });

  it('blocks as unknown where Cilium may match a range', () => {
    const spec = { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] };
    const policies = { 'networkpolicies.networking.k8s.io': [object('internet', spec)] };
    expect(only(check(facts(cilium(policies)))).status).toBe('unknown');
    expect(only(check(facts(network([object('internet', spec)])))).status).toBe('pass');
  });

  it('warns of what could not be read, and of what is not read', () => {
    const unread = [{ resource: 'ciliumnetworkpolicies.cilium.io', error: 'it is forbidden' }];
    const why = 'ciliumnetworkpolicies.cilium.io could not be read (it is forbidden)';
    expect(only(check(facts(network([], { unread }))))).toMatchObject(said('warn', why, 'grant-access'));
    expect(only(check(facts(network([], { engines: ['calico'] })))).message).toContain('projectcalico.org');
    // It is the check of node pools that reports those.
    const ofNodes = { unread: [{ resource: 'nodepools.karpenter.sh', error: '403' }] };
    expect(only(check(facts(network([], ofNodes)))).status).toBe('pass');
  });

  it('is left out where nothing could be read', () =>
    expect([check(someFacts()), check(facts(network([DENY]), { pods: undefined }))]).toEqual([[], []]));

  describe('of a service account without pods and workloads', () => {
    const none = { pods: [], workloads: [] };
    const ALLOW = object('agent', { podSelector: {}, policyTypes: ['Egress'], egress: [{}] });
    const WEB = object('web', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] });

    it('warns of policies that keep, or may keep, pods to come from the agent', () => {
      const why = /^No pod or workload was found, and network policies keep pods to come from /;
      const option = new RegExp(`--accept network-policy:${NAME}$`);
      expect(only(check(facts(network([DENY]), none)))).toMatchObject(said('warn', why, option));
      expect(only(check(facts(network([WEB]), none))).message).toContain('may keep pods to come');
    });

    it.each<[string, Facts]>([
      ['they are accepted', facts(network([DENY]), { ...none, ...accepting([NAME]) })],
      ['they are not enforced', facts(network([DENY], { vpcCni: 'ignores' }), none)],
      ['another one allows it', facts(network([DENY, ALLOW]), none)],
      ['there are none', facts(network([]), none)],
    ])('passes if %s', (_, of) => expect(only(check(of)).status).toBe('pass'));
  });
});
