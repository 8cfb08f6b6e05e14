import { describe, expect, it } from 'vitest';
import { stepSchemas, type StepName } from '../../lambdas/steps/schemas.ts';
import { createApp } from '../../lib/app.ts';
import { actionsOf, lambdaDirectory, resourcesOf, statementsOf, template } from './definition.ts';

const STEPS = Object.keys(stepSchemas) as StepName[];
const READS = /^(eks:(Describe|List)|iam:Get)/;
const ofAws = (actions: string[]): string[] => actions.filter((action) => /^(eks|iam):/.test(action)).sort();
const mutating = (step: string): string[] => ofAws(actionsOf(step)).filter((action) => !READS.test(action));

describe('permissions', () => {
  it.each(['plan', 'begin', 'await-deleted', 'await-active', 'verify-pods', 'restart-pods', 'finish'])('let %s change nothing in EKS or IAM', (step) => {
    expect(mutating(step)).toEqual([]);
  });

  it('let the other steps make the changes that they are for', () => {
    expect(mutating('delete-addon')).toEqual(['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation']);
    expect(mutating('purge-associations')).toEqual(['eks:DeletePodIdentityAssociation']);
    expect(mutating('create-addon')).toEqual(['eks:CreateAddon', 'eks:CreatePodIdentityAssociation', 'eks:TagResource', 'iam:PassRole']);
    expect(mutating('restore')).toEqual([
      'eks:CreateAddon',
      'eks:CreatePodIdentityAssociation',
      'eks:DeleteAddon',
      'eks:DeletePodIdentityAssociation',
      'eks:TagResource',
      'eks:UpdateAddon',
      'iam:PassRole',
    ]);
  });

  it('pass roles to pods, and to EKS only on the way back', () => {
    const passing = STEPS.flatMap((step) =>
      statementsOf(step)
        .filter(({ actions }) => actions.includes('iam:PassRole'))
        .map(({ actions, condition, resources }) => ({ step, actions, condition, resources })),
    );
    const resources = ['arn:aws:iam::111122223333:role/*'];
    expect(passing).toEqual([
      { step: 'create-addon', actions: ['iam:PassRole'], resources, condition: { StringEquals: { 'iam:PassedToService': ['pods.eks.amazonaws.com'] } } },
      { step: 'restore', actions: ['iam:PassRole'], resources, condition: { StringEquals: { 'iam:PassedToService': ['pods.eks.amazonaws.com', 'eks.amazonaws.com'] } } },
    ]);
  });

  it.each(STEPS)('name for %s each action, and resources of this account', (step) => {
    const statements = statementsOf(step);
    expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    // Those for which IAM knows no resource.
    const unscoped = /^(xray:Put(TraceSegments|TelemetryRecords)|eks:DescribeAddon(Versions|Configuration))$/;
    const everywhere = statements.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    expect(everywhere.filter((action) => !unscoped.test(action))).toEqual([]);
    const ofServices = statements.flatMap(({ resources }) => resources).filter((resource) => /:(eks|iam):/.test(resource));
    expect(ofServices.filter((resource) => !resource.includes(':111122223333:'))).toEqual([]);
  });

  it.each(STEPS)('let %s read its migration and write its own line, in the ledger\'s table alone', (step) => {
    const ledger = statementsOf(step).filter(({ actions }) => actions.some((action) => action.startsWith('dynamodb:')));
    expect(ledger.flatMap(({ actions }) => actions)).toEqual(expect.arrayContaining(['dynamodb:GetItem', 'dynamodb:UpdateItem']));
    const [[table]] = resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    for (const { resources } of ledger) expect(resources).toEqual([expect.stringContaining(table)]);
  });

  it('give every Lambda a role of its own', () => {
    const roles = resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) => JSON.stringify(Properties.Role));
    expect(roles).toHaveLength(STEPS.length);
    expect(new Set(roles).size).toBe(roles.length);
  });

  it('let an execution in flight call the versions that it began with', () => {
    const [, policy] = resourcesOf('AWS::IAM::Policy').find(([name]) => name.includes('StateMachineRole'))!;
    const { Statement } = policy.Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] };
    const invokes = JSON.stringify(Statement.filter(({ Action }) => Action === 'lambda:InvokeFunction'));
    for (const [name] of resourcesOf('AWS::Lambda::Function')) {
      expect(invokes).toContain(JSON.stringify({ 'Fn::Join': ['', [{ 'Fn::GetAtt': [name, 'Arn'] }, ':*']] }));
    }
  });
});

describe('configuration', () => {
  const synthesiseWith = (context: Record<string, unknown>) =>
    createApp({ lambdaDirectory, context }).synth().getStackByName('PodIdentityMigrator').template as typeof template;

  it('narrows the roles that may be passed, from a list or from the command line', () => {
    const one = 'arn:aws:iam::111122223333:role/addons/*';
    for (const passableRoleArns of [[one, 'arn:aws:iam::*:role/x'], `${one}, arn:aws:iam::*:role/x`]) {
      const passed = Object.values(synthesiseWith({ passableRoleArns }).Resources)
        .filter(({ Type }) => Type === 'AWS::IAM::Policy')
        .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] }).Statement)
        .filter(({ Action }) => Action === 'iam:PassRole');
      expect(passed).toHaveLength(2);
      for (const { Resource } of passed) expect((Resource as string[]).toSorted()).toEqual(['arn:aws:iam::*:role/x', one]);
    }
  });

  it('is refused with the key, what it must be and where to set it', () => {
    expect(() => synthesiseWith({ passableRoleArns: ['my-role'] })).toThrow(/cdk\.json[\s\S]*passableRoleArns\.0: must be an ARN pattern of IAM roles such as arn:aws:iam/);
    expect(() => synthesiseWith({ logLevel: 'LOUD' })).toThrow(/logLevel/);
  });
});
