import { beforeEach, describe, expect, it } from 'vitest';
import type { SimulationQuestion } from '../../../../lambdas/ports/index.ts';
import { EKS_KINDS, isRead, KUBERNETES_KINDS, ROLES_KINDS } from '../../../../lambdas/ports/kinds.ts';
import { memoPorts, LocationMemory, type ClusterReads } from '../../../../lambdas/use-cases/sweep/memo.ts';
import { newFakes, type Fakes, lost } from '../../fakes.ts';
import {
  ADDON,
  addonArn,
  NAMESPACE,
  NODE_ROLE,
  OTHER_ROLE,
  ROLE,
  SERVICE_ACCOUNT,
  target,
  VERSION,
} from '../../example.ts';
import { anAssociation } from '../../eks-fixtures.ts';
import { expectError } from '../../matchers.ts';
import { words } from '../../../words.ts';

let fakes: Fakes;
let memory: LocationMemory;
const open = (expected: string[] = []): ClusterReads =>
  memoPorts(fakes.dependencies.portsFor(target), memory, fakes.clock, () => expected);

beforeEach(() => {
  fakes = newFakes();
  memory = new LocationMemory();
});

describe('the ports of a cluster', () => {
  it('ask each question once, those asked at the same time too', async () => {
    const { eks, kubernetes, roles } = open();
    const twice = async <T>(ask: () => Promise<T>): Promise<void> => {
      const [first, second] = await Promise.all([ask(), ask()]);
      expect([second, await ask()]).toEqual([first, first]);
    };
    await twice(() => eks.describeCluster());
    await twice(() => eks.listAddons());
    await twice(() => eks.describeAddon(ADDON));
    await twice(() => eks.listNodeCandidates(100));
    await twice(() => eks.describeAccessEntry(NODE_ROLE));
    await twice(() => eks.listOfferedVersions(ADDON, '1.31'));
    await twice(() => eks.describeConfiguration(ADDON, VERSION));
    await twice(() => kubernetes.listPods(NAMESPACE));
    await twice(() => kubernetes.listNodes());
    await twice(() => roles.getRole(ROLE));
    await twice(() => roles.listPolicies(ROLE));
    const names = fakes.journal.names();
    expect(names).toEqual([...new Set(names)]);
    expect(names).toHaveLength(11);
  });

  it('ask for each add-on, namespace and role by itself', async () => {
    const { eks, kubernetes } = open();
    await eks.describeConfiguration(ADDON, VERSION);
    await eks.describeConfiguration(ADDON, 'v2');
    await kubernetes.listPods(NAMESPACE);
    await kubernetes.listPods('default');
    expect(fakes.journal.names()).toEqual(words`
      eks.describeConfiguration eks.describeConfiguration kubernetes.listPods kubernetes.listPods
    `);
  });

  it('can change nothing', () => {
    const { eks, roles, kubernetes } = open();
    const changing = [
      ...Object.keys(eks).filter((name) => !isRead(EKS_KINDS, name)),
      ...Object.keys(roles).filter((name) => !isRead(ROLES_KINDS, name)),
      ...Object.keys(kubernetes).filter((name) => !isRead(KUBERNETES_KINDS, name)),
    ];
    expect(changing).toEqual([]);
  });

  it('do not look for an add-on that the list does not have', async () => {
    const { eks } = open();
    expect(await eks.describeAddon('vpc-cni')).toBeUndefined();
    expect(await eks.describeAddon(ADDON)).toMatchObject({ name: ADDON });
    expect(fakes.journal.names()).toEqual(['eks.listAddons', 'eks.describeAddon']);
  });

  it('look only at associations that are asked for, and at each of them once', async () => {
    fakes.eks.associations = [anAssociation({ id: 'a-1' }), anAssociation({ id: 'a-2', serviceAccount: 'other' })];
    const { eks } = open();
    expect(await eks.countAssociations()).toBe(2);
    expect(await eks.listAllAssociations(100)).toEqual({ associations: [], more: true });
    expect(await eks.listAssociations(NAMESPACE, SERVICE_ACCOUNT)).toMatchObject([{ id: 'a-1' }]);
    expect(await eks.listAssociations(NAMESPACE, SERVICE_ACCOUNT)).toMatchObject([{ id: 'a-1' }]);
    expect(await eks.listAssociations(NAMESPACE, 'nobody')).toEqual([]);
    expect(fakes.journal.names()).toEqual(['eks.listAssociationRefs', 'eks.describeAssociation']);
  });
  it('leave out an association that has gone in between', async () => {
    fakes.eks.associations = [anAssociation({ id: 'a-1' })];
    const { eks } = open();
    await eks.countAssociations();
    fakes.eks.associations = [];
    expect(await eks.listAssociations(NAMESPACE, SERVICE_ACCOUNT)).toEqual([]);
  });

  it('find the agent in what was listed of its namespace', async () => {
    const agent = { kind: 'DaemonSet' as const, namespace: NAMESPACE, name: 'eks-pod-identity-agent' };
    const first = open();
    const asked = await first.kubernetes.getWorkload(agent);
    expect(asked).toMatchObject(agent);
    const second = open();
    await second.kubernetes.listWorkloads(NAMESPACE);
    expect(await second.kubernetes.getWorkload(agent)).toEqual(asked);
    expect(await second.kubernetes.getWorkload({ ...agent, name: 'nobody' })).toBeUndefined();
    expect(fakes.journal.names()).toEqual(['kubernetes.getWorkload', 'kubernetes.listWorkloads']);
  });

  it('ask IAM once about all add-ons and their roles, and answer each for its own', async () => {
    const [mine, next] = [addonArn(1), addonArn(2, 'aws-efs-csi-driver')];
    fakes.roles.refused.push({ action: 'eks:UpdateAddon', resource: next });
    const { roles } = open([ROLE, mine, OTHER_ROLE, next, 'arn:aws:iam::999988887777:role/of-another-account']);
    const question = { principalArn: `${ROLE}-step`, actions: ['eks:UpdateAddon'], context: {} };
    const asked = async (resource: string): Promise<unknown> => roles.simulate({ ...question, resources: [resource] });
    const answer = { action: 'eks:UpdateAddon', missing: [], limitedBy: [] };
    expect(await asked(mine)).toEqual([{ ...answer, resource: mine, allowed: true }]);
    expect(await asked(next)).toEqual([{ ...answer, resource: next, allowed: false }]);
    const [whole, ...others] = fakes.journal.of('roles.simulate').flat() as SimulationQuestion[];
    expect(others).toEqual([]);
    expect(whole).toMatchObject({
      actions: expect.arrayContaining(['eks:CreateAddon', 'eks:UpdateAddon', 'iam:GetRole']) as string[],
      resources: [ROLE, OTHER_ROLE, mine, next].sort(),
    });
    // One that nobody expected.
    expect(await asked(`${mine}-new`)).toEqual([{ ...answer, resource: `${mine}-new`, allowed: true }]);
    expect(fakes.journal.of('roles.simulate')).toHaveLength(2);
  });

  it('ask about passing roles with the roles alone, for each service by itself', async () => {
    const { roles } = open([ROLE, addonArn(1), OTHER_ROLE]);
    for (const service of ['pods.eks.amazonaws.com', 'eks.amazonaws.com', 'pods.eks.amazonaws.com'])
      await roles.simulate({
        principalArn: `${ROLE}-step`,
        actions: ['iam:PassRole'],
        resources: [ROLE],
        context: { 'iam:PassedToService': [service] },
      });
    expect(fakes.journal.of('roles.simulate').flat()).toMatchObject([
      { actions: ['iam:PassRole'], resources: [ROLE, OTHER_ROLE] },
      { actions: ['iam:PassRole'], resources: [ROLE, OTHER_ROLE] },
    ]);
  });

  it('share the catalogue and the account with the next cluster, and nothing else', async () => {
    for (const { eks, roles, kubernetes } of [open(), open()]) {
      await eks.describeCluster();
      await eks.listOfferedVersions(ADDON, '1.31');
      await eks.describeConfiguration(ADDON, VERSION);
      await roles.getRole(ROLE);
      await roles.listPolicies(ROLE);
      await kubernetes.listPods(NAMESPACE);
    }
    const once = ['eks.listOfferedVersions', 'eks.describeConfiguration', 'roles.getRole', 'roles.listPolicies'];
    expect(fakes.journal.names()).toEqual([
      'eks.describeCluster',
      ...once,
      'kubernetes.listPods',
      'eks.describeCluster',
      'kubernetes.listPods',
    ]);
  });
});

describe('what failed', () => {
  it('is asked again where it may be over in a moment', async () => {
    const { eks } = open();
    fakes.journal.refuseNext('eks.describeCluster', 'Throttled', 'Rate exceeded');
    await expectError(eks.describeCluster(), 'Throttled');
    expect(await eks.describeCluster()).toBeDefined();
  });
  it('is not where it will fail again', async () => {
    const { roles } = open();
    fakes.journal.refuseNext('roles.getRole', 'AccessDenied', 'not authorized');
    await expectError(roles.getRole(ROLE), 'AccessDenied');
    await expectError(roles.getRole(ROLE), 'AccessDenied');
    expect(fakes.journal.names()).toEqual(['roles.getRole']);
  });
});

describe('an API server', () => {
  it('is asked a second time where it failed quickly', async () => {
    fakes.journal.refuseNext('kubernetes.listPods', 'ServiceUnavailable', '503');
    const { kubernetes, silence } = open();
    expect(await kubernetes.listPods(NAMESPACE)).not.toHaveLength(0);
    expect(silence()).toBeUndefined();
    expect(fakes.clock.slept).toEqual([1000]);
  });
  it('is asked nothing more once it has failed twice', async () => {
    fakes.journal.failNext('kubernetes.listPods');
    fakes.journal.failNext('kubernetes.listPods');
    const { kubernetes, silence } = open();
    await expectError(kubernetes.listPods(NAMESPACE), 'ConnectionLost');
    await expectError(kubernetes.listNodes(), 'ConnectionLost');
    expect(silence()).toBe(lost().message);
    expect(fakes.journal.names()).toEqual(['kubernetes.listPods', 'kubernetes.listPods']);
  });
  it('is not asked again where it has kept the caller waiting', async () => {
    fakes.kubernetes.listPods = async () => {
      fakes.clock.advance(10_000);
      throw lost();
    };
    const { kubernetes, silence } = open();
    await expectError(kubernetes.listPods(NAMESPACE), 'ConnectionLost');
    expect(silence()).toBe(lost().message);
    expect(fakes.journal.names()).toEqual(['kubernetes.listPods']);
  });
  it('is not silent where it refuses, nor where the time is up', async () => {
    // An InvalidRequest is also the answer of an API server that can't convert the objects of one definition.
    for (const name of ['AccessDenied', 'Unauthorised', 'OutOfTime', 'InvalidRequest'] as const) {
      const { kubernetes, silence } = open();
      fakes.journal.refuseNext('kubernetes.listNodes', name, 'no');
      await expectError(kubernetes.listNodes(), name);
      expect(silence()).toBeUndefined();
    }
  });
});
