/**
 * Lambdas in a VPC, for clusters whose API server has a private endpoint only: which of them, with which rights, and
 * that their code has none of these.
 */
import { describe, expect, it } from 'vitest';
import { evaluate, type KeyState, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { targetGrants } from '../../lib/permissions/targets.ts';
import { type Deployment, type Resource, template, waitingInCircles } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';
import { words } from '../words.ts';

const NETWORK = {
  subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  securityGroupIds: ['sg-0123456789abcdef0'],
};
const REPAIRABLE = { repairableRoleArns: 'role/eks-addons/*' };
const without = synthesiseWith(REPAIRABLE);
const connected = synthesiseWith({ ...REPAIRABLE, ...NETWORK });
const ACTIONS = words`
  AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets
  UnassignPrivateIpAddresses
`.map((name) => `ec2:${name}`);

const rightsOf = (deployment: Deployment, step: string) => deployment.statementsOfRole(deployment.roleOf(step));
const isOfEc2 = (action: string): boolean => action.startsWith('ec2:');
const inVpc = (deployment: Deployment): string[] =>
  deployment
    .steps()
    .filter((step) => deployment.lambdaOf(step).Properties.VpcConfig !== undefined)
    .sort();
/** A step that calls the API server of a cluster gets its address from EKS, and its grant's reason names that. */
const options = { passableRoleArns: ['p'], repairableRoleArns: ['r'], comparesApprovers: false };
const askForAddress = (Object.keys(targetGrants) as StepName[])
  .filter((step) =>
    targetGrants[step](options).some(
      ({ actions, why }) => actions.includes('eks:DescribeCluster') && why.includes('API server'),
    ),
  )
  .sort();

it.each([
  ["the sandbox's deployment", template],
  ['one with repair', without.template],
  ['the default', synthesiseWith({}).template],
])('without subnetIds and securityGroupIds %s has no function in a VPC, and no right in EC2', (_, one) =>
  expect(JSON.stringify(one).match(/"VpcConfig"|"ec2:|subnet-|sg-/g)).toBeNull(),
);

describe('with subnetIds and securityGroupIds', () => {
  it('the Lambdas that call API servers are in the VPC, and no others', () => {
    expect(askForAddress).toEqual(
      expect.arrayContaining(words`
        annotate-service-account begin create-association finish plan restart-pods restore-associations
        retire-trust take-over verify-pods
      `),
    );
    expect(inVpc(connected)).toEqual(askForAddress);
    for (const step of inVpc(connected))
      expect(connected.lambdaOf(step).Properties.VpcConfig, `of ${step}`).toEqual({
        SubnetIds: NETWORK.subnetIds,
        SecurityGroupIds: NETWORK.securityGroupIds,
      });
  });

  it('are those that the output names, whose roles need an access entry', () => {
    const roles = JSON.stringify(connected.template.Outputs.KubernetesRoleArns!.Value);
    expect(
      connected
        .steps()
        .filter((step) => roles.includes(`"${connected.roleOf(step)}"`))
        .sort(),
    ).toEqual(inVpc(connected));
  });

  it('retire-trust is among them only where it is deployed; one text with commas does as well as a list', () => {
    const withoutRepair = synthesiseWith({
      subnetIds: NETWORK.subnetIds.join(','),
      securityGroupIds: NETWORK.securityGroupIds.join(','),
    });
    expect(inVpc(withoutRepair)).toEqual(askForAddress.filter((step) => step !== 'retire-trust'));
    expect(withoutRepair.lambdaOf('plan').Properties.VpcConfig).toEqual(
      connected.lambdaOf('plan').Properties.VpcConfig,
    );
  });

  it('nothing is made or looked up but the connection: the same resources otherwise', () => {
    const types = (deployment: Deployment): string[] =>
      Object.values(deployment.template.Resources)
        .map(({ Type }) => Type)
        .sort();
    expect(types(connected)).toEqual(types(without));
    expect(JSON.stringify(connected.template)).not.toMatch(/AWS::EC2/);
  });

  it('what a state calls is a new version, so that an execution in flight ends outside of the VPC', () => {
    const versionsOf = ({ template: { Resources } }: Deployment): string[] =>
      Object.keys(Resources).filter((name) => name.includes('VerifyPodsFunctionCurrentVersion'));
    expect(versionsOf(connected)).toHaveLength(1);
    expect(versionsOf(connected)).not.toEqual(versionsOf(without));
  });

  it('leaves a stack that can be deployed: no resource waits for itself', () => {
    expect(waitingInCircles(connected)).toEqual([]);
    expect(waitingInCircles(synthesiseWith({ ...REPAIRABLE, ...NETWORK, customerKey: true }))).toEqual([]);
  });

  it('a function is made after the rights, and removed before them: Lambda needs them for both', () => {
    for (const step of inVpc(connected)) {
      const { DependsOn: waits } = connected.lambdaOf(step) as Resource & { DependsOn: string[] };
      const policies = connected.resourcesOf('AWS::IAM::Policy').filter(([name]) => waits.includes(name));
      expect(JSON.stringify(policies.map(([, { Properties }]) => Properties.PolicyDocument)), `of ${step}`).toContain(
        'ec2:CreateNetworkInterface',
      );
    }
  });
});

describe('the rights to network interfaces', () => {
  it('are those of the functions in the VPC alone', () => {
    for (const step of connected.steps()) {
      const actions = rightsOf(connected, step).flatMap((right) => right.actions.filter(isOfEc2));
      expect(actions.toSorted(), `of ${step}`).toEqual(inVpc(connected).includes(step) ? ACTIONS : []);
    }
    const others = connected
      .resourcesOf('AWS::IAM::Role')
      .map(([role]) => role)
      .filter((role) => !connected.steps().some((step) => connected.roleOf(step) === role));
    expect(others.length).toBeGreaterThan(2);
    expect(
      others.flatMap((role) => connected.statementsOfRole(role)).filter(({ actions }) => actions.some(isOfEc2)),
    ).toEqual([]);
  });

  describe.each(['plan', 'restart-pods', 'annotate-service-account', 'retire-trust'])('of %s', (step) => {
    const policy = connected
      .resourcesOf('AWS::IAM::Policy')
      .find(
        ([, { Properties }]) =>
          JSON.stringify(Properties.Roles).includes(connected.roleOf(step)) &&
          JSON.stringify(Properties).includes('"ec2:'),
      )![1];
    const parsed = parsePolicy(connected.resolve(policy.Properties.PolicyDocument), 'identity');
    const verdict = (action: string, source: KeyState): string =>
      evaluate(parsed, {
        action,
        resource: 'arn:aws:ec2:eu-west-1:111122223333:network-interface/eni-1',
        lookUp: (key) => (key === 'lambda:sourcefunctionarn' ? source : { state: 'absent' }),
      }).verdict;

    // Lambda Developer Guide, "Using source function ARN to control function access behavior".
    it.each(ACTIONS)('%s is for Lambda itself, and not for the code of any function', (action) => {
      expect(verdict(action, { state: 'absent' })).toBe('allowed');
      for (const name of ['plan', 'plan:3', 'another'])
        expect(
          verdict(action, { state: 'values', values: [`arn:aws:lambda:eu-west-1:111122223333:function:${name}`] }),
        ).toBe('denied');
      expect(verdict(action, { state: 'present' })).toBe('denied');
    });

    it('are no more than these', () => {
      for (const action of [
        'ec2:AttachNetworkInterface',
        'ec2:ModifyNetworkInterfaceAttribute',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:DescribeInstances',
      ])
        expect(verdict(action, { state: 'absent' })).toBe('denied');
    });
  });
});
