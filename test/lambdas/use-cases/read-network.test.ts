/** What is read to find out whether pods can reach the agent, and what is not asked for. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { discoveringOnce } from '../../../lambdas/use-cases/facts/discovery.ts';
import { readEnforcement, readNetwork } from '../../../lambdas/use-cases/facts/read-network.ts';
import { anAddon } from '../fixtures.ts';
import { type Fakes, newFakes } from '../fakes.ts';
import { target } from '../example.ts';

const POLICY = { metadata: { namespace: 'shop', name: 'deny' }, spec: { podSelector: {}, policyTypes: ['Egress'] } };
const OTHER = { metadata: { namespace: 'other', name: 'deny' }, spec: {} };
const POOL = { metadata: { name: 'gpu' }, spec: { template: { spec: {} } } };
const refused = (): MigrationError => new MigrationError('AccessDenied', 'it is forbidden');

describe('the network', () => {
  let fakes: Fakes;
  beforeEach(() => void (fakes = newFakes()));
  const kubernetes = (): Parameters<typeof discoveringOnce>[0] => fakes.dependencies.portsFor(target).kubernetes;
  const listed = (): unknown[] => fakes.journal.of('kubernetes.listObjects').map(([kind]) => kind);

  it('is not listed where the API server serves nothing of it', async () => {
    expect(await readNetwork(kubernetes(), 'shop')).toEqual({ objects: {}, unread: [], engines: [] });
    expect(fakes.journal.names()).toEqual(['kubernetes.listApiGroups']);
  });

  it('is read in the namespace of the pods, what has no namespace in the whole cluster', async () => {
    fakes.kubernetes.objects = {
      'networkpolicies.networking.k8s.io': [POLICY, OTHER],
      'nodepools.karpenter.sh': [POOL],
    };
    expect(await readNetwork(kubernetes(), 'shop')).toEqual({
      objects: { 'networkpolicies.networking.k8s.io': [POLICY], 'nodepools.karpenter.sh': [POOL] },
      unread: [],
      engines: [],
    });
    expect(listed()).toEqual([
      { group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies', namespace: 'shop' },
      { group: 'karpenter.sh', version: 'v1', plural: 'nodepools' },
    ]);
  });

  it('is read in the first version that is served', async () => {
    fakes.kubernetes.objects = { 'nodepools.karpenter.sh': [POOL] };
    fakes.kubernetes.versions = { 'karpenter.sh': ['v1beta1'] };
    expect((await readNetwork(kubernetes(), 'shop')).objects).toEqual({ 'nodepools.karpenter.sh': [POOL] });
    expect(listed()).toEqual([{ group: 'karpenter.sh', version: 'v1beta1', plural: 'nodepools' }]);
  });

  it('shows the engines by their API groups', async () => {
    fakes.kubernetes.listApiGroups = async () =>
      ['cilium.io', 'crd.projectcalico.org', 'projectcalico.org'].map((name) => ({ name, versions: ['v1'] }));
    expect((await readNetwork(kubernetes(), 'shop')).engines).toEqual(['cilium', 'calico']);
  });

  it('shows Cilium by its policies, if the API groups may not be read', async () => {
    fakes.kubernetes.listApiGroups = () => Promise.reject(refused());
    fakes.kubernetes.objects = { 'ciliumnetworkpolicies.cilium.io': [POLICY] };
    fakes.kubernetes.versions = { 'cilium.io': ['v2'] };
    expect((await readNetwork(kubernetes(), 'shop')).engines).toEqual(['cilium']);
  });

  it('has what may not be read by name, and goes on with the rest', async () => {
    fakes.kubernetes.objects = { 'networkpolicies.networking.k8s.io': [POLICY], 'nodepools.karpenter.sh': [POOL] };
    fakes.journal.failNext('kubernetes.listObjects', 'before', refused());
    expect(await readNetwork(kubernetes(), 'shop')).toEqual({
      objects: { 'nodepools.karpenter.sh': [POOL] },
      unread: [{ resource: 'networkpolicies.networking.k8s.io', error: 'it is forbidden' }],
      engines: [],
    });
  });

  it('is tried without knowing the API groups, if those are refused', async () => {
    fakes.kubernetes.objects = { 'networkpolicies.networking.k8s.io': [POLICY] };
    fakes.journal.failNext('kubernetes.listApiGroups', 'before', refused());
    expect((await readNetwork(kubernetes(), 'shop')).objects).toEqual({
      'networkpolicies.networking.k8s.io': [POLICY],
    });
    // Both versions of node pools are tried, and neither is served.
    expect(listed()).toHaveLength(5);
  });

  it('throws errors that may pass', async () => {
    fakes.journal.failNext('kubernetes.listApiGroups');
    await expect(readNetwork(kubernetes(), 'shop')).rejects.toThrow('socket hang up');
    fakes.kubernetes.objects = { 'networkpolicies.networking.k8s.io': [POLICY] };
    fakes.journal.failNext('kubernetes.listObjects');
    await expect(readNetwork(kubernetes(), 'shop')).rejects.toThrow('socket hang up');
  });

  it('is discovered once for all who ask', async () => {
    const port = discoveringOnce(kubernetes());
    await readNetwork(port, 'shop');
    await readNetwork(port, 'other');
    expect(fakes.journal.names()).toEqual(['kubernetes.listApiGroups']);
  });

  describe('and its enforcement', () => {
    const read = async (objects: Record<string, unknown[]>): ReturnType<typeof readEnforcement> => {
      fakes.kubernetes.objects = objects;
      const { eks, kubernetes: port } = fakes.dependencies.portsFor(target);
      return readEnforcement(eks, await readNetwork(port, 'shop'));
    };
    const policies = { 'networkpolicies.networking.k8s.io': [POLICY] };
    const vpcCni = (configurationValues: string | undefined): void =>
      void fakes.eks.addons.set('vpc-cni', anAddon({ name: 'vpc-cni', configurationValues }));

    it.each([
      ['{"enableNetworkPolicy":"true"}', 'enforces'],
      ['enableNetworkPolicy: true', 'enforces'],
      ['enableNetworkPolicy: "false"', 'ignores'],
      ['env: {}', 'ignores'],
      ['- 1', 'ignores'],
      ['{', 'ignores'],
      [undefined, 'ignores'],
    ])('is in the configuration of the add-on vpc-cni: %j', async (values, is) => {
      vpcCni(values);
      expect((await read(policies)).vpcCni).toBe(is);
    });

    it('is not known without that add-on', async () => expect(await read(policies)).not.toHaveProperty('vpcCni'));

    it('is not asked for if there is no policy, or another engine', async () => {
      vpcCni('enableNetworkPolicy: true');
      for (const objects of [{}, { ...policies, 'ciliumnetworkpolicies.cilium.io': [] }]) {
        expect(await read(objects)).not.toHaveProperty('vpcCni');
        expect(fakes.journal.of('eks.describeAddon')).toEqual([]);
      }
    });
  });
});
