import { describe, expect, it } from 'vitest';
import type { PolicySubject } from '../../../../lambdas/domain/network/model.ts';
import { policiesIn, type Reachability, reachability } from '../../../../lambdas/domain/network/reachability.ts';

const POD: PolicySubject = { namespace: 'shop', serviceAccount: 'api', labels: { app: 'api' } };
const evaluate = (objects: Record<string, unknown[]>): Reachability =>
  reachability(policiesIn({ objects }), POD, { ipv6: false, cilium: true });
const object = (at: number, content: object): unknown => ({
  metadata: { namespace: 'shop', name: `p${at}` },
  ...content,
});
const reach = (...specs: object[]): Reachability =>
  evaluate({ 'ciliumnetworkpolicies.cilium.io': specs.map((spec, at) => object(at, { spec })) });
const clusterwide = (...specs: object[]): Reachability =>
  evaluate({
    'ciliumclusterwidenetworkpolicies.cilium.io': specs.map((spec, at) => ({ metadata: { name: `p${at}` }, spec })),
  });
const egress = (...rules: object[]): object => ({ endpointSelector: {}, egress: rules });
const port = (ports: object[], more: object = {}): object => ({ toPorts: [{ ports, ...more }] });
const ALL = egress({ toEntities: ['all'] });
const ALL_BUT_LINK_LOCAL = { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] };
const toHost = (ports: object): object => egress({ toEntities: ['host'], ...ports });
const selecting = (matchLabels: object): object => ({ endpointSelector: { matchLabels }, egress: [{}] });
const HTTP = port([{ port: '80', protocol: 'TCP' }]);

describe('what the author of a policy may try', () => {
  const reserved = (selector: object): object => egress({ toEndpoints: [selector] });

  it('is not hidden by a namespace that Cilium replaces', () => {
    const endpointSelector = { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'other' } };
    expect(reach({ endpointSelector, egress: [{}] }).cutOff).toBe('yes');
    expect(clusterwide({ endpointSelector, egress: [{}] }).cutOff).toBe('no');
    expect(reach(selecting({ 'io.kubernetes.pod.namespace': 'other' })).cutOff).toBe('no');
  });

  it.each<[string, object, string]>([
    ['by its reserved label', { matchLabels: { 'reserved:host': '' } }, 'no'],
    ['by an expression', { matchExpressions: [{ key: 'reserved:host', operator: 'Exists' }] }, 'unknown'],
    ['and by a label that it has not', { matchLabels: { 'reserved:host': '', app: 'x' } }, 'unknown'],
    ['by the label of another part', { matchLabels: { 'reserved:remote-node': '' } }, 'unknown'],
    ['without a reserved label', { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, 'yes'],
  ])('names the node %s', (_, selector, cutOff) => {
    expect(reach(reserved(selector)).cutOff).toBe(cutOff);
    expect(reach({ ...egress({ toEntities: ['all'] }), egressDeny: [{ toEndpoints: [selector] }] }).cutOff).toBe(
      cutOff === 'unknown' ? 'unknown' : cutOff === 'no' ? 'yes' : 'no',
    );
  });

  it('is not decided by lists that are empty', () => {
    for (const rule of [{ toEndpoints: [] }, { toEntities: [], toCIDR: [], ...HTTP }])
      expect(reach(egress(rule)).cutOff).toBe('unknown');
    expect(reach(egress({ toEndpoints: [], toEntities: ['host'] })).cutOff).toBe('no');
  });

  it('does not hide a policy that cuts the pod off if another does not select it', () => {
    const mayHelp = {
      endpointSelector: { matchLabels: { 'io.cilium.k8s.namespace.labels.team': 'a' } },
      egress: [{ toEntities: ['host'] }],
      egressDeny: [{ toCIDR: ['169.254.0.0/16'] }],
    };
    expect(reach(mayHelp, egress({}))).toEqual({
      cutOff: 'unknown',
      by: ['CiliumNetworkPolicy/shop/p0', 'CiliumNetworkPolicy/shop/p1'],
    });
  });
});

describe('a policy of Cilium', () => {
  it.each<[string, object]>([
    ['has an empty rule', egress({})],
    ['allows endpoints', egress({ toEndpoints: [{}] })],
    ['allows names', egress({ toFQDNs: [{ matchPattern: '*' }] })],
    ['allows services', egress({ toServices: [{ k8sService: { serviceName: 'x' } }] })],
    ['allows other entities', egress({ toEntities: ['kube-apiserver', 'remote-node', 'none'] })],
    ['allows another range', egress({ toCIDR: ['10.0.0.0/8'] }, { toCIDRSet: [ALL_BUT_LINK_LOCAL] })],
    ['allows another port of the node', toHost(port([{ port: '443', protocol: 'TCP' }]))],
    ['allows another protocol', toHost(port([{ port: '80', protocol: 'UDP' }]))],
    ['allows a port by name', toHost(port([{ port: 'http' }]))],
    ['allows ICMP', egress({ toEntities: ['host'], icmps: [{ fields: [{ type: 8 }] }] })],
    ['has denials only', { endpointSelector: {}, egressDeny: [{ toEntities: ['world'], ...port([{ port: '22' }]) }] }],
    ['denies the node, though it allows it', { ...ALL, egressDeny: [{ toEntities: ['host'] }] }],
    ['denies the port everywhere', { ...egress({ toEntities: ['all'] }), egressDeny: [HTTP] }],
    ['selects the pod by its label', selecting({ 'k8s:app': 'api' })],
    ['selects its service account', selecting({ 'io.cilium.k8s.policy.serviceaccount': 'api' })],
  ])('cuts the pod off if it %s', (_, spec) =>
    expect(reach(spec)).toEqual({ cutOff: 'yes', by: ['CiliumNetworkPolicy/shop/p0'] }),
  );

  it.each<[string, object]>([
    ['has no rules', { endpointSelector: {} }],
    ['has empty lists', { endpointSelector: {}, egress: [], egressDeny: [] }],
    ['is for ingress', { endpointSelector: {}, ingress: [{}] }],
    ['allows the node', egress({ toEntities: ['host'] })],
    ['allows the cluster, of which the node is a part', egress({ toEntities: ['cluster'] })],
    ['allows everything', egress({ toEntities: ['all'] })],
    ['allows the port everywhere', egress(HTTP)],
    ['allows a range of ports', toHost(port([{ port: '1', endPort: 1024, protocol: 'ANY' }]))],
    ['allows all ports', toHost(port([{ port: '0' }]))],
    ['allows it in its second rule', egress({ toEndpoints: [{}] }, { toEntities: ['host'], ...HTTP })],
    ['names the node by its reserved label', egress({ toEndpoints: [{ matchLabels: { 'reserved:host': '' } }] })],
    ['does not deny by default', { ...egress({ toEndpoints: [{}] }), enableDefaultDeny: { egress: false } }],
    ['selects other pods', selecting({ app: 'web' })],
    ['selects nodes', { nodeSelector: {}, egress: [{}] }],
  ])('leaves the pod alone if it %s', (_, spec) => expect(reach(spec)).toEqual({ cutOff: 'no', by: [] }));

  it.each<[string, object]>([
    ['allows a range with the address', egress({ toCIDR: ['169.254.170.23/32'] })],
    ['allows a set of ranges with the address', egress({ toCIDRSet: [{ cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] }] })],
    ['allows a group of ranges', egress({ toCIDRSet: [{ cidrGroupRef: 'x' }] })],
    ['allows the world', egress({ toEntities: ['world'] })],
    ['allows nodes by their labels', egress({ toNodes: [{}] })],
    ['allows some requests', toHost(port([{ port: '80' }], { rules: { http: [{ path: '/' }] } }))],
    ['denies a range with the address', { ...ALL, egressDeny: [{ toCIDR: ['169.254.0.0/16'] }] }],
    ['selects by labels of the namespace', selecting({ 'io.cilium.k8s.namespace.labels.team': 'a' })],
    ['selects nothing that is known', { egress: [{}] }],
    ['cannot be read', { endpointSelector: 1 }],
  ])('is undecided if it %s', (_, spec) =>
    expect(reach(spec)).toEqual({ cutOff: 'unknown', by: ['CiliumNetworkPolicy/shop/p0'] }),
  );

  it('is not undecided if it allows the agent, whether it selects the pod or not', () => {
    const maybe = { matchLabels: { 'io.cilium.k8s.namespace.labels.team': 'a' } };
    expect(reach({ endpointSelector: maybe, egress: [{ toEntities: ['host'] }] }).cutOff).toBe('no');
    expect(reach({ endpointSelector: maybe, egress: [{ toEntities: ['host'] }] }, egress({})).cutOff).toBe('unknown');
  });

  it('has several rules under specs, each with its own selector', () => {
    const specs = [selecting({ app: 'web' }), egress({ toEntities: ['host'] })];
    const of = (all: object[]) => evaluate({ 'ciliumnetworkpolicies.cilium.io': [object(0, { specs: all })] }).cutOff;
    expect([of(specs), of(specs.toReversed()), of([specs[0]!, egress({})])]).toEqual(['no', 'no', 'yes']);
  });

  it('selects pods of all namespaces if it is cluster-wide, by the label of the namespace', () => {
    const of = (namespace: string) => clusterwide(selecting({ 'k8s:io.kubernetes.pod.namespace': namespace }));
    expect(of('shop')).toEqual({ cutOff: 'yes', by: ['CiliumClusterwideNetworkPolicy/p0'] });
    expect(of('other').cutOff).toBe('no');
    const labelled = { 'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': 'shop' };
    expect(clusterwide({ endpointSelector: { matchLabels: labelled }, egress: [{}] }).cutOff).toBe('yes');
  });

  it('counts together with NetworkPolicies', () => {
    const deny = { metadata: { namespace: 'shop', name: 'deny' }, spec: { podSelector: {}, policyTypes: ['Egress'] } };
    const of = (spec: object): Reachability =>
      evaluate({
        'networkpolicies.networking.k8s.io': [deny],
        'ciliumnetworkpolicies.cilium.io': [object(0, { spec })],
      });
    expect(of(egress({ toEntities: ['host'], ...HTTP })).cutOff).toBe('no');
    expect(of(egress({ toEndpoints: [{}] })).by).toEqual(['CiliumNetworkPolicy/shop/p0', 'NetworkPolicy/shop/deny']);
  });
});
