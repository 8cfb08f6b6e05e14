/** Which pods network policies cut off from the Pod Identity agent: judged by the credentials that they get. */
import { describe, expect, it } from 'vitest';
import { hasCredentials } from '../../../sandbox/credentials/sessions.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import { isCutOffFrom } from '../../../sandbox/network/egress.ts';
import { newEntry } from '../kubernetes/support.ts';
import { type CredentialLab, openLab, type Setting } from '../credentials/support.ts';

const AGENT = '169.254.170.23/32';
const CONTROLLER = { matchLabels: { app: 'ebs-csi-controller' } };

const policy = (spec: object, metadata: object = {}): object => ({
  metadata: { namespace: 'kube-system', name: 'policy', ...metadata },
  spec: { podSelector: {}, policyTypes: ['Egress'], ...spec },
});
const toBlock = (cidr: string, except?: string[], ports?: object[]): object => ({
  to: [{ ipBlock: { cidr, ...(except ? { except } : {}) } }],
  ...(ports ? { ports } : {}),
});
/** A policy that allows the agent's address at these ports. */
const toAgent = (...ports: object[]): object => policy({ egress: [toBlock(AGENT, undefined, ports)] });
const cilium = (spec: object, { plural = 'ciliumnetworkpolicies', namespace = 'kube-system' } = {}): object => ({
  apiVersion: 'cilium.io/v2',
  kind: plural === 'ciliumnetworkpolicies' ? 'CiliumNetworkPolicy' : 'CiliumClusterwideNetworkPolicy',
  plural,
  name: 'policy',
  ...(plural === 'ciliumnetworkpolicies' ? { namespace } : {}),
  spec,
});

const openWith = (cluster: Record<string, unknown>, setting: Setting = {}): CredentialLab =>
  openLab({ association: {}, ...setting, cluster });
/** Returns what a lab's first controller pod gets: `credentials`, or how it fails. */
const result = (lab: CredentialLab): string => {
  const got = lab.has();
  return got?.roleArn === undefined ? `${got?.refused?.code}: ${got?.refused?.message}` : 'credentials';
};
const allBut = (cidr: string): object => toBlock('0.0.0.0/0', [cidr]);
const OTHERS = toBlock('10.0.0.0/8');
const CUT_OFF = 'AgentUnreachable: dial tcp 169.254.170.23:80: i/o timeout';

describe('a NetworkPolicy', () => {
  it.each<[string, string, object]>([
    ['without rules for egress', CUT_OFF, policy({})],
    ['with an empty list of rules', CUT_OFF, policy({ egress: [] })],
    ['for ingress alone', 'credentials', policy({ policyTypes: ['Ingress'], ingress: [] })],
    ['without types and rules for egress', 'credentials', policy({ policyTypes: undefined })],
    ['without types, but with rules for egress', CUT_OFF, policy({ policyTypes: undefined, egress: [OTHERS] })],
    ['of another namespace', 'credentials', policy({}, { namespace: 'shop' })],
    ['for other pods', 'credentials', policy({ podSelector: { matchLabels: { app: 'web' } } })],
    ['for the pod by its label', CUT_OFF, policy({ podSelector: CONTROLLER })],
    [
      'for pods by expressions',
      CUT_OFF,
      policy({ podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] } }),
    ],
    ['with an empty rule', 'credentials', policy({ egress: [{}] })],
    ['for the agent', 'credentials', toAgent({ port: 80 })],
    ['for the agent on another port', CUT_OFF, toAgent({ port: 443 })],
    ['for the agent by UDP', CUT_OFF, toAgent({ port: 80, protocol: 'UDP' })],
    ['for a range of ports', 'credentials', toAgent({ port: 1, endPort: 1024 })],
    ['for a range of ports above', CUT_OFF, toAgent({ port: 81, endPort: 1024 })],
    ['for a named port', CUT_OFF, toAgent({ port: 'http' })],
    ['for a port of every address', 'credentials', policy({ egress: [{ ports: [{ port: 80 }] }] })],
    ['for all addresses', 'credentials', policy({ egress: [toBlock('0.0.0.0/0')] })],
    ['for all but link-local addresses', CUT_OFF, policy({ egress: [allBut('169.254.0.0/16')] })],
    ['for all but instance metadata', 'credentials', policy({ egress: [allBut('169.254.169.254/32')] })],
    ['for addresses of IPv6', CUT_OFF, policy({ egress: [toBlock('::/0')] })],
    ['for all pods', CUT_OFF, policy({ egress: [{ to: [{ namespaceSelector: {} }] }] })],
  ])('%s: %s', (_name, expected, networkPolicy) =>
    expect(result(openWith({ networkPolicies: [networkPolicy] }))).toBe(expected),
  );

  it('is added to others: what one of them allows is allowed', () => {
    const deny = policy({}, { name: 'deny' });
    const allow = policy({ podSelector: CONTROLLER, egress: [toBlock(AGENT)] }, { name: 'allow' });
    expect(result(openWith({ networkPolicies: [deny, allow] }))).toBe('credentials');
  });

  it.each<[string, string | undefined, string]>([
    ['without values', undefined, 'credentials'],
    ['with other values', 'enableWindowsIpam: "true"', 'credentials'],
    ['that does not enforce', '{"enableNetworkPolicy":"false"}', 'credentials'],
    ['that enforces', '{"enableNetworkPolicy":"true"}', CUT_OFF],
    ['that enforces by YAML', 'enableNetworkPolicy: "true"', CUT_OFF],
  ])('and the add-on vpc-cni %s', (_name, configurationValues, expected) => {
    const agent = { name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1' };
    const driver = { name: 'aws-ebs-csi-driver', version: 'v1.38.1-eksbuild.1' };
    const configured = configurationValues ? { configurationValues } : {};
    const cni = { name: 'vpc-cni', version: 'v1.19.2-eksbuild.1', ...configured };
    const cluster = { networkPolicies: [policy({})], addons: [agent, driver, cni] };
    const dated = cluster.addons.map((addon) => ({ ...addon, createdAt: '2025-06-01T00:00:00.000Z' }));
    expect(result(openWith({ ...cluster, addons: dated }))).toBe(expected);
    const always = openWith({ ...cluster, addons: dated }, { knobs: { networkPolicies: 'enforced' } });
    expect(result(always)).toBe(CUT_OFF);
  });

  it('has no effect if nothing enforces it', () => {
    const lab = openWith({ networkPolicies: [policy({})] }, { knobs: { networkPolicies: 'ignored' } });
    expect(result(lab)).toBe('credentials');
  });

  it('has no effect on pods in the network of their node, nor on IRSA', () => {
    const networkPolicies = [policy({})];
    expect(result(openLab({ cluster: { networkPolicies } }))).toBe('credentials');
    const tool = { kind: 'Deployment', namespace: 'kube-system', name: 'tool', hostNetwork: true };
    const workloads = [{ ...tool, serviceAccount: 'ebs-csi-controller-sa' }];
    const { world, cluster } = openWith({ networkPolicies, workloads });
    const pods = listObjects(cluster.kube, 'Pod').filter(({ metadata }) => metadata.name.startsWith('tool-'));
    expect(pods.map((pod) => hasCredentials(world, cluster, pod))).toEqual([true]);
  });

  it('applies to the address in IPv6 likewise', () => {
    const cutOff = (...rules: object[]): boolean => {
      const lab = openWith({ networkPolicies: [policy({ egress: rules })] });
      return isCutOffFrom(lab.world, lab.cluster, lab.pods()[0]!, { address: 'fd00:ec2::23', port: 80 });
    };
    expect([cutOff(toBlock(AGENT)), cutOff(toBlock('0.0.0.0/0'))]).toEqual([true, true]);
    expect(cutOff(toBlock('fd00:ec2::/32'))).toBe(false);
  });
});

const egress = (...rules: object[]): object => ({ endpointSelector: {}, egress: rules });
const toAll = (more: object): object => egress({ toEntities: ['all'], ...more });
const selecting = (matchLabels: object): object => ({ endpointSelector: { matchLabels }, egress: [{}] });
const SERVICE_ACCOUNT = 'io.cilium.k8s.policy.serviceaccount';
const HTTP = { ports: [{ port: '80', protocol: 'TCP' }] };

describe('a policy of Cilium', () => {
  it.each<[string, 'host' | 'world' | 'both' | 'none', object]>([
    ['for ingress alone', 'both', { endpointSelector: {}, ingress: [{}] }],
    ['with an empty list', 'both', { endpointSelector: {}, egress: [] }],
    ['with an empty rule', 'none', egress({})],
    ['for a port of every address', 'both', egress({ toPorts: [HTTP] })],
    ['for another port', 'none', toAll({ toPorts: [{ ports: [{ port: '443' }] }] })],
    ['for a range of ports', 'both', toAll({ toPorts: [{ ports: [{ port: '1', endPort: 1024 }] }] })],
    ['for the host', 'host', egress({ toEntities: ['host'], toPorts: [HTTP] })],
    ['for the cluster', 'host', egress({ toEntities: ['cluster'] })],
    ['for the world', 'world', egress({ toEntities: ['world'] })],
    ['for the world in IPv4', 'world', egress({ toEntities: ['world-ipv4'] })],
    ['for all', 'both', toAll({})],
    ['for other nodes', 'none', egress({ toEntities: ['remote-node', 'kube-apiserver'] })],
    ['for the label of the host', 'host', egress({ toEndpoints: [{ matchLabels: { 'reserved:host': '' } }] })],
    ['for every endpoint', 'none', egress({ toEndpoints: [{}] })],
    ['for the address', 'world', egress({ toCIDR: [AGENT] })],
    ['for the address without a prefix', 'world', egress({ toCIDR: ['169.254.170.23'] })],
    ['for another address without a prefix', 'none', egress({ toCIDR: ['10.0.0.1'] })],
    ['for a text that is no address', 'none', egress({ toCIDR: ['0.0.0.0/x', 'all'] })],
    ['for a set of addresses', 'world', egress({ toCIDRSet: [{ cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] }] })],
    [
      'for a set without the address',
      'none',
      egress({ toCIDRSet: [{ cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] }] }),
    ],
    ['for names', 'none', egress({ toFQDNs: [{ matchName: 'sts.amazonaws.com' }] })],
    ['for a path', 'both', toAll({ toPorts: [{ ...HTTP, rules: { http: [{ method: 'GET', path: '/v1/.*' }] } }] })],
    ['for another path', 'none', toAll({ toPorts: [{ ...HTTP, rules: { http: [{ path: '/public' }] } }] })],
    ['for pings', 'none', toAll({ icmps: [{ fields: [{ type: 8 }] }] })],
    [
      'that denies another',
      'both',
      { endpointSelector: {}, egressDeny: [{ toEntities: ['kube-apiserver'] }], enableDefaultDeny: { egress: false } },
    ],
    ['that denies the host', 'world', { ...toAll({}), egressDeny: [{ toEntities: ['host'] }] }],
    [
      'without default deny',
      'both',
      { ...egress({ toEntities: ['kube-apiserver'] }), enableDefaultDeny: { egress: false } },
    ],
    ['for another service account', 'both', selecting({ [SERVICE_ACCOUNT]: 'web' })],
    ['for the service account', 'none', selecting({ [`k8s:${SERVICE_ACCOUNT}`]: 'ebs-csi-controller-sa' })],
    [
      'for a label of the namespace',
      'none',
      selecting({ 'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': 'kube-system' }),
    ],
    ['for nodes', 'both', { nodeSelector: {}, egress: [{}] }],
  ])('%s lets pods reach the agent with the identity: %s', (_name, passes, spec) => {
    for (const identity of ['host', 'world'] as const) {
      const knobs = { ciliumAgentIdentity: identity };
      const expected = passes === 'both' || passes === identity ? 'credentials' : CUT_OFF;
      const found = result(openWith({ customResources: [cilium(spec)] }, { knobs }));
      expect([identity, found]).toEqual([identity, expected]);
    }
  });

  it('applies in its namespace, and one without a namespace in all', () => {
    const opened = (options: object, spec = egress({})): string =>
      result(openWith({ customResources: [cilium(spec, options)] }));
    const plural = 'ciliumclusterwidenetworkpolicies';
    expect(opened({ namespace: 'shop' })).toBe('credentials');
    expect(opened({ plural })).toBe(CUT_OFF);
    const elsewhere = { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'shop' } };
    expect(opened({ plural }, { endpointSelector: elsewhere, egress: [{}] })).toBe('credentials');
    // Cilium replaces the namespace in the selector of a policy that has one itself.
    expect(opened({}, { endpointSelector: elsewhere, egress: [{}] })).toBe(CUT_OFF);
  });

  it('is added to NetworkPolicies, whose blocks of addresses never match the node itself', () => {
    const networkPolicies = [policy({ egress: [toBlock('0.0.0.0/0')] })];
    // They make the cluster one with Cilium, and nothing else.
    const elsewhere = [cilium(egress({}), { namespace: 'shop' })];
    const allow = [cilium(egress({ toEntities: ['host'] }))];
    expect(result(openWith({ networkPolicies, customResources: elsewhere }))).toBe(CUT_OFF);
    expect(result(openWith({ networkPolicies, customResources: allow }))).toBe('credentials');
    const open = [policy({ egress: [{}] })];
    expect(result(openWith({ networkPolicies: open, customResources: elsewhere }))).toBe('credentials');
    const knobs = { ciliumAgentIdentity: 'world' };
    expect(result(openWith({ networkPolicies, customResources: elsewhere }, { knobs }))).toBe('credentials');
  });
});

const POLICIES = '/apis/networking.k8s.io/v1/namespaces/kube-system/networkpolicies';
const manifest = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny' },
  spec: { podSelector: {}, policyTypes: ['Egress'] },
};

describe('a policy that comes or goes while pods run', () => {
  /** Calls the API server as an administrator. */
  const caller = ({ world, cluster }: CredentialLab) => {
    const who = 'arn:aws:iam::111122223333:role/admin';
    cluster.accessEntries.set(who, newEntry(who, { policies: ['AmazonEKSClusterAdminPolicy'] }));
    const service = createKubernetesService(world, cluster);
    return async (method: string, path: string, body: unknown = {}): Promise<number> => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const headers = { 'content-type': type };
      const request = { method, host: 'ABC', path, query: {}, headers, body: Buffer.from(JSON.stringify(body)) };
      const { region, account } = cluster;
      const as = { accessKeyId: 'AK', principalArn: who, account };
      const context = { caller: as, region, describe: () => {}, authorize: () => undefined };
      return (await service(request, context)).status;
    };
  };

  it('applies to new pods at once, and to others when they renew their credentials', async () => {
    const lab = openWith({});
    const call = caller(lab);
    expect(await call('POST', POLICIES, manifest)).toBe(201);
    // They had fetched credentials before.
    expect(result(lab)).toBe('credentials');
    const [before] = lab.pods();
    lab.restart();
    expect(lab.pods()[0]!.metadata.name).not.toBe(before!.metadata.name);
    expect(result(lab)).toBe(CUT_OFF);

    expect(await call('PATCH', `${POLICIES}/deny`, { spec: { egress: [{ ports: [{ port: 80 }] }] } })).toBe(200);
    expect(result(lab)).toBe('credentials');
    expect(await call('PATCH', `${POLICIES}/deny`, { spec: { egress: null } })).toBe(200);
    lab.pass(lab.world.knobs.podSessionSeconds + 1);
    expect(result(lab)).toBe(CUT_OFF);
    expect([await call('DELETE', `${POLICIES}/deny`), result(lab)]).toEqual([200, 'credentials']);
  });

  it('of Cilium can be deleted', async () => {
    const lab = openWith({ customResources: [cilium(egress({}))] });
    expect(result(lab)).toBe(CUT_OFF);
    const path = '/apis/cilium.io/v2/namespaces/kube-system/ciliumnetworkpolicies/policy';
    expect(await caller(lab)('DELETE', path)).toBe(200);
    expect(result(lab)).toBe('credentials');
  });
});
