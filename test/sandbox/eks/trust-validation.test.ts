/**
 * EKS's validation of the trust policy of an association's role, with both settings of the knob
 * `trustValidation`.
 */
import { describe, expect, it } from 'vitest';
import { updateTrustPolicy } from '../../../sandbox/iam/trust-policy.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import { expectFailure } from '../../lambdas/matchers.ts';
import { ACCOUNT, CLUSTER, EBS, EBS_SA, type Fixture, openFixture, REGION, roleArn, TRUST } from './fixture.ts';

const pods = { Service: 'pods.eks.amazonaws.com' };
const both = ['sts:AssumeRole', 'sts:TagSession'];
const policy = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const when = (Condition: object) => policy({ Effect: 'Allow', Principal: pods, Action: both, Condition });
const expectRefused = (call: Promise<unknown>): Promise<void> =>
  expectFailure(call, 400, 'InvalidParameterException', 'Trust policy of the role provided is invalid');

const open = (trust: string, knobs: Partial<Knobs> = {}): Fixture => {
  const fixture = openFixture({ knobs, addons: [{ name: EBS, role: 'other' }] });
  fixture.world.accounts.get(ACCOUNT)!.roles.get('ebs')!.trustPolicy = trust;
  return fixture;
};
const association = { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: EBS_SA, roleArn: roleArn('ebs') };
const podIdentityAssociations = [{ serviceAccount: EBS_SA, roleArn: roleArn('ebs') }];

/** All operations that assign a role to pods; a rejected call changes nothing. */
const OPERATIONS: [string, (fixture: Fixture) => Promise<unknown>][] = [
  ['CreatePodIdentityAssociation', ({ eks }) => eks.createPodIdentityAssociation(association)],
  [
    'UpdatePodIdentityAssociation',
    ({ eks, associate }) =>
      eks.updatePodIdentityAssociation({
        clusterName: CLUSTER,
        associationId: associate({ serviceAccount: EBS_SA, roleArn: roleArn('other') }).id,
        roleArn: roleArn('ebs'),
      }),
  ],
  ['UpdateAddon', ({ eks }) => eks.updateAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations })],
  [
    'CreateAddon',
    ({ eks, cluster }) => {
      cluster.addons.delete(EBS);
      return eks.createAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations });
    },
  ],
];

const ofThisCluster = when({
  StringEquals: {
    'aws:SourceAccount': ACCOUNT,
    'aws:RequestTag/kubernetes-namespace': 'kube-system',
    'aws:RequestTag/kubernetes-service-account': EBS_SA,
  },
  ArnEquals: { 'aws:SourceArn': `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/${CLUSTER}` },
});
const otherCluster = when({ ArnEquals: { 'aws:SourceArn': `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/other` } });
const ofServices = { Bool: { 'aws:PrincipalIsAWSService': 'true' } };
const withDeny = policy(
  { Effect: 'Allow', Principal: pods, Action: both },
  { Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sts:*', Condition: ofServices },
);

describe.each(OPERATIONS)('%s', (_, act) => {
  it.each<[string, string, boolean, boolean]>([
    ['the plain statement', TRUST.pods, true, true],
    ['conditions that hold', ofThisCluster, true, true],
    [
      'a condition that depends on the pod',
      when({ StringLike: { 'aws:RequestTag/kubernetes-pod-name': 'ebs-*' } }),
      true,
      true,
    ],
    ['a condition for another cluster', otherCluster, true, false],
    ['a Deny', withDeny, true, false],
    ['no sts:TagSession', TRUST.noTagSession, false, false],
    ['the OIDC statement alone', TRUST.oidc, false, false],
    ['an invalid policy', '{"Statement":[]}', false, false],
  ])('%s: accepted structurally %j, evaluated %j', async (_what, trust, structural, evaluated) => {
    for (const [trustValidation, taken] of [
      ['structural', structural],
      ['evaluated', evaluated],
    ] as const) {
      const fixture = open(trust, { trustValidation });
      const before = structuredClone([...fixture.cluster.addons.values()]);
      if (taken) {
        await act(fixture);
        continue;
      }
      await expectRefused(act(fixture));
      expect([...fixture.cluster.associations.values()].filter(({ roleArn: role }) => role === roleArn('ebs'))).toEqual(
        [],
      );
      expect([...fixture.cluster.addons.values()]).toEqual(
        before.filter(({ name }) => fixture.cluster.addons.has(name)),
      );
    }
  });
});

describe('the association itself', () => {
  it('is evaluated with its session tags: a condition on them is not met if they are disabled', async () => {
    const { eks } = open(ofThisCluster, { trustValidation: 'evaluated' });
    await expectRefused(eks.createPodIdentityAssociation({ ...association, disableSessionTags: true }));
    const { association: made } = await eks.createPodIdentityAssociation(association);
    const id = { clusterName: CLUSTER, associationId: made?.associationId };
    await expectRefused(eks.updatePodIdentityAssociation({ ...id, roleArn: roleArn('ebs'), disableSessionTags: true }));
    await expectRefused(eks.createPodIdentityAssociation({ ...association, serviceAccount: 'another' }));
  });

  it.each(OPERATIONS)('sees a changed trust policy only after a while: %s', async (_, act) => {
    const fixture = open(TRUST.oidc, { trustLagSeconds: 5 });
    const { world, pass } = fixture;
    updateTrustPolicy(world, world.accounts.get(ACCOUNT)!.roles.get('ebs')!, TRUST.pods);
    pass(4.9);
    await expectRefused(act(fixture));
    pass(0.1);
    fixture.cluster.associations.clear();
    await act(fixture);
  });

  it('and sees a removed statement equally long', async () => {
    const { world, eks, pass } = open(TRUST.pods, { trustLagSeconds: 5 });
    updateTrustPolicy(world, world.accounts.get(ACCOUNT)!.roles.get('ebs')!, TRUST.oidc);
    await eks.createPodIdentityAssociation(association);
    pass(5);
    await expectRefused(eks.createPodIdentityAssociation({ ...association, namespace: 'other' }));
  });
});
