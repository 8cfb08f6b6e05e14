/** The scenarios with owners: they open, and show over the wire what the tools leave in AWS and in the cluster. */
import {
  DescribeAddonCommand,
  DescribePodIdentityAssociationCommand,
  ListCapabilitiesCommand,
} from '@aws-sdk/client-eks';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { inWorld, type OpenWorld } from './world.ts';

const HOUR = 3_600_000;

const clientsOf = ({ backend, target }: OpenWorld) => backend.sandbox.clients(undefined, target.region);
const addonTags = async (world: OpenWorld, addonName: string): Promise<string[]> => {
  const command = new DescribeAddonCommand({ clusterName: world.target.cluster, addonName });
  return Object.keys((await clientsOf(world).eks().send(command)).addon?.tags ?? {}).sort();
};
const roleOf = async (world: OpenWorld, RoleName: string) => {
  const { Role } = await clientsOf(world).iam().send(new GetRoleCommand({ RoleName }));
  return { tags: (Role?.Tags ?? []).map(({ Key = '' }) => Key).sort(), description: Role?.Description };
};

describe('owners that revert at their next apply', () => {
  it('have tags where the tool sets them, and CloudFormation its own only at associations', () =>
    inWorld({ scenario: 'owners-at-next-apply' }, async (world) => {
      expect(await addonTags(world, 'aws-ebs-csi-driver')).toEqual(['ManagedBy', 'Project']);
      expect(await addonTags(world, 'external-dns')).toEqual(['team']);
      expect(await roleOf(world, 'edge-dns-ExternalDnsRole-1KXW4T9QZ7RB')).toMatchObject({ tags: ['team'] });
      const { tags } = await roleOf(world, 'eksctl-harbor-prod-addon-fluent-bit-Role1-8ZQ2LM4T0VXC');
      expect(tags).toContain('alpha.eksctl.io/addon-name');
      expect(await roleOf(world, 'harbor-prod-ebs-csi-driver')).toMatchObject({
        description: 'EBS CSI driver of harbor-prod',
      });
      const { association } = await clientsOf(world)
        .eks()
        .send(
          new DescribePodIdentityAssociationCommand({
            clusterName: world.target.cluster,
            associationId: 'a-cfn0000000000dns1',
          }),
        );
      expect(association?.tags).toMatchObject({ 'aws:cloudformation:stack-name': 'harbor-metrics' });
    }));
});

describe('controllers', () => {
  it('take back what was migrated although they run, each under its own role', () =>
    inWorld({ scenario: 'owners-reconciling' }, async (world) => {
      for (const [addon, owner] of [
        ['external-dns', 'crossplane'],
        ['fluent-bit', 'cluster-api'],
      ] as const)
        expect(await world.migrate({ addon, accept: [`owner:${owner}`] })).toMatchObject({ outcome: 'migrated' });
      await world.later(HOUR);
      const callers = world.backend.sandbox.world.log
        .mutations()
        .filter(({ step, status }) => step === undefined && status === 200)
        .map(({ caller, operation }) => `${caller.split('/').at(-1)} ${operation}`);
      expect(callers.sort()).toEqual(['quay-prod-cluster-api UpdateAddon', 'quay-prod-crossplane UpdateAddon']);
      for (const addon of ['external-dns', 'fluent-bit'])
        expect(world.cluster.addons.get(addon)?.serviceAccountRoleArn).toBe(
          `arn:aws:iam::111122223333:role/quay-prod-${addon}`,
        );
    }));

  it('leave it alone while they are paused', () =>
    inWorld({ scenario: 'owners-paused' }, async (world) => {
      await world.migrate({ addon: 'external-dns', accept: ['owner:crossplane'] });
      await world.later(24 * HOUR);
      expect(world.cluster.addons.get('external-dns')).toMatchObject({ serviceAccountRoleArn: undefined });
    }));
});

it('EKS capabilities are listed, and the one of ACK is named by the tags of its resources', () =>
  inWorld({ scenario: 'owners-capabilities' }, async (world) => {
    const command = new ListCapabilitiesCommand({ clusterName: world.target.cluster });
    const { capabilities } = await clientsOf(world).eks().send(command);
    expect(capabilities?.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'ACK ACTIVE',
      'ARGOCD ACTIVE',
      'KRO ACTIVE',
    ]);
    expect(await addonTags(world, 'aws-ebs-csi-driver')).toContain('eks:eks-capability-arn');
  }));
