import { describe, expect, it } from 'vitest';
import { stepSchemas, type StepName } from '../../lambdas/steps/schemas.ts';
import { actionsOf, allMachines, recover, resourcesOf, roleOf, statementsOf, statementsOfRole, stepOf, synthesiseWith, template } from './definition.ts';

const STEPS = Object.keys(stepSchemas) as StepName[];
const READS = /^(eks:(Describe|List)|iam:(Get|List|Simulate))/;
const ofAws = (actions: string[]): string[] => [...new Set(actions.filter((action) => /^(eks|iam):/.test(action)))].sort();
const mutating = (step: string): string[] => ofAws(actionsOf(step)).filter((action) => !READS.test(action));
const eks = (...actions: string[]): string[] => actions.map((action) => `eks:${action}`);

describe('permissions', () => {
  it('let each step make the changes that it is for, and most of them none', () => {
    const changes = Object.fromEntries(STEPS.map((step) => [step, mutating(step)] as const).filter(([, actions]) => actions.length > 0));
    expect(changes).toEqual({
      'repair-trust': ['iam:UpdateAssumeRolePolicy'],
      'delete-addon': eks('DeleteAddon', 'DeletePodIdentityAssociation'),
      'purge-associations': eks('DeletePodIdentityAssociation'),
      'create-addon': [...eks('CreateAddon', 'CreatePodIdentityAssociation', 'TagResource'), 'iam:PassRole'],
      'update-addon': [...eks('CreatePodIdentityAssociation', 'DeletePodIdentityAssociation', 'TagResource', 'UpdateAddon', 'UpdatePodIdentityAssociation'), 'iam:PassRole'],
      'carry-over': [...eks('TagResource', 'UpdatePodIdentityAssociation'), 'iam:PassRole'],
      'restore-addon': [
        ...eks('CreateAddon', 'CreatePodIdentityAssociation', 'DeleteAddon', 'DeletePodIdentityAssociation', 'TagResource', 'UpdateAddon', 'UpdatePodIdentityAssociation'),
        'iam:PassRole',
      ],
      'restore-associations': [...eks('CreatePodIdentityAssociation', 'TagResource', 'UpdatePodIdentityAssociation'), 'iam:PassRole'],
      'retire-trust': ['iam:UpdateAssumeRolePolicy'],
    });
  });

  it('let each step read what it decides by', () => {
    const observed = eks('DescribeAddon', 'DescribePodIdentityAssociation', 'ListPodIdentityAssociations');
    const reads = Object.fromEntries(STEPS.map((step) => [step, ofAws(actionsOf(step)).filter((action) => READS.test(action))]));
    expect(reads).toEqual({
      plan: [
        ...eks('DescribeAddon', 'DescribeAddonConfiguration', 'DescribeAddonVersions', 'DescribeCluster', 'DescribePodIdentityAssociation', 'ListAddons', 'ListPodIdentityAssociations'),
        ...['GetPolicy', 'GetPolicyVersion', 'GetRole', 'GetRolePolicy', 'ListAttachedRolePolicies', 'ListRolePolicies', 'SimulatePrincipalPolicy'].map((action) => `iam:${action}`),
      ],
      begin: [...observed, 'iam:GetRole'],
      'repair-trust': ['iam:GetRole'],
      'delete-addon': eks('DescribeAddon'),
      'await-deleted': eks('DescribeAddon'),
      'purge-associations': observed,
      'create-addon': [...observed, 'iam:GetRole'],
      'update-addon': [...observed, 'iam:GetRole'],
      'await-active': observed,
      'carry-over': [...observed, 'iam:GetRole'],
      'verify-pods': eks('DescribeAddon', 'DescribeCluster', 'DescribePodIdentityAssociation', 'ListPodIdentityAssociations'),
      'restart-pods': eks('DescribeCluster'),
      'assess-rollback': observed,
      'restore-addon': [...observed, 'iam:GetRole'],
      'restore-associations': [...observed, 'iam:GetRole'],
      'take-over': [...eks('DescribeAddon', 'DescribeCluster', 'DescribePodIdentityAssociation', 'ListPodIdentityAssociations'), 'iam:GetRole'],
      'find-stranded': [],
      finish: [...eks('DescribeAddon', 'DescribeCluster', 'DescribePodIdentityAssociation', 'ListPodIdentityAssociations'), 'iam:GetRole'],
      'retire-trust': [...eks('DescribeAddon', 'DescribeCluster', 'DescribePodIdentityAssociation', 'ListAddons', 'ListPodIdentityAssociations'), 'iam:GetRole'],
    });
  });

  it('pass roles to pods, and to EKS only on the way back', () => {
    const passing = STEPS.flatMap((step) =>
      statementsOf(step)
        .filter(({ actions }) => actions.includes('iam:PassRole'))
        .map(({ actions, condition, resources }) => ({ step, actions, condition, resources })),
    );
    const resources = ['arn:aws:iam::111122223333:role/*'];
    const to = (...services: string[]) => ({ StringEquals: { 'iam:PassedToService': services.length === 1 ? services[0] : services } });
    const pods = 'pods.eks.amazonaws.com';
    expect(passing.map(({ condition, ...rest }) => ({ ...rest, condition: JSON.parse(JSON.stringify(condition).replace(/\["([^"]+)"\]/, '"$1"')) as unknown }))).toEqual([
      { step: 'create-addon', actions: ['iam:PassRole'], resources, condition: to(pods) },
      { step: 'update-addon', actions: ['iam:PassRole'], resources, condition: to(pods) },
      { step: 'carry-over', actions: ['iam:PassRole'], resources, condition: to(pods) },
      { step: 'restore-addon', actions: ['iam:PassRole'], resources, condition: to(pods, 'eks.amazonaws.com') },
      { step: 'restore-associations', actions: ['iam:PassRole'], resources, condition: to(pods) },
    ]);
  });

  it('look after executions of this service alone, start Recover alone, and stop none', () => {
    const executions = allMachines.map(({ logicalId }) => `arn:aws:states:eu-west-1:111122223333:execution:${logicalId}:*`);
    const ofStates = STEPS.map((step) => [step, statementsOf(step).filter(({ actions }) => actions.some((action) => action.startsWith('states:')))] as const);
    const look = { actions: ['states:DescribeExecution'], resources: executions, condition: undefined };
    expect(Object.fromEntries(ofStates.filter(([, statements]) => statements.length > 0))).toEqual({
      plan: [look],
      'take-over': [look],
      'find-stranded': [look, { actions: ['states:StartExecution'], resources: [recover.logicalId], condition: undefined }],
    });
    expect(JSON.stringify(template)).not.toContain('StopExecution');
  });

  it('ask IAM\'s simulation about the steps that pass roles, and about no other role', () => {
    const asking = statementsOf('plan').filter(({ actions }) => actions.includes('iam:SimulatePrincipalPolicy'));
    const passing = ['create-addon', 'update-addon', 'restore-addon'].map((step) => expect.stringMatching(new RegExp(`:${roleOf(step)}$`)) as string);
    expect(asking).toHaveLength(1);
    expect(asking[0]!.actions).toEqual(['iam:SimulatePrincipalPolicy']);
    expect(asking[0]!.resources).toHaveLength(passing.length);
    expect(asking[0]!.resources).toEqual(expect.arrayContaining(passing));
  });

  it.each(STEPS)('name for %s each action, and resources of this account', (step) => {
    const statements = statementsOf(step);
    expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    // Those for which IAM knows no resource.
    const unscoped = /^(xray:Put(TraceSegments|TelemetryRecords)|eks:DescribeAddon(Versions|Configuration))$/;
    const everywhere = statements.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    expect(everywhere.filter((action) => !unscoped.test(action))).toEqual([]);
    const ofServices = statements.flatMap(({ resources }) => resources).filter((resource) => /:(eks|iam|states):/.test(resource));
    expect(ofServices.filter((resource) => !resource.includes(':111122223333:'))).toEqual([]);
  });

  it.each(STEPS)('let %s read its migration and write its own line, in the ledger\'s table alone', (step) => {
    const ledger = statementsOf(step).filter(({ actions }) => actions.some((action) => action.startsWith('dynamodb:')));
    expect(ledger.flatMap(({ actions }) => actions)).toEqual(expect.arrayContaining(['dynamodb:GetItem', 'dynamodb:UpdateItem']));
    const [[table]] = resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    const arn = expect.stringMatching(new RegExp(`:${table}$`)) as string;
    const index = { actions: ['dynamodb:Query'], resources: [expect.stringMatching(new RegExp(`:${table}/index/HeldLocks$`))] };
    expect(ledger).toMatchObject([{ resources: [arn] }, ...(step === 'find-stranded' ? [index] : [])]);
  });

  it('give every Lambda a role of its own', () => {
    const roles = resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) => JSON.stringify(Properties.Role));
    expect(roles).toHaveLength(STEPS.length);
    expect(new Set(roles).size).toBe(roles.length);
  });

  it.each(allMachines)('let $name call its steps alone, and an execution in flight the versions that it began with', ({ properties, tasks }) => {
    const role = (properties.RoleArn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
    const invoked = statementsOfRole(role).filter(({ actions }) => actions.includes('lambda:InvokeFunction')).flatMap(({ resources }) => resources);
    const called = new Set(tasks.map(([, state]) => stepOf(state)));
    for (const [name, { Properties }] of resourcesOf('AWS::Lambda::Function')) {
      const step = String(Properties.Handler).replace('.handler', '');
      expect(invoked.some((resource) => resource.endsWith(`:${name}:*`)), `call ${step}`).toBe(called.has(step));
    }
  });
});

describe('configuration', () => {
  it('narrows the roles that may be passed, from a list or from the command line', () => {
    const one = 'arn:aws:iam::111122223333:role/addons/*';
    for (const passableRoleArns of [[one, 'arn:aws:iam::*:role/x'], `${one}, arn:aws:iam::*:role/x`]) {
      const passed = Object.values(synthesiseWith({ passableRoleArns }).template.Resources)
        .filter(({ Type }) => Type === 'AWS::IAM::Policy')
        .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] }).Statement)
        .filter(({ Action }) => Action === 'iam:PassRole');
      expect(passed).toHaveLength(5);
      for (const { Resource } of passed) expect((Resource as string[]).toSorted()).toEqual(['arn:aws:iam::*:role/x', one]);
    }
  });

  it('tells the plan which roles may be passed', () => {
    const deployment = synthesiseWith({ passableRoleArns: ['arn:aws:iam::*:role/x', 'role/y'] });
    expect(deployment.variablesOf('plan').PASSABLE_ROLE_ARNS).toBe('arn:aws:iam::*:role/x,arn:aws:iam::111122223333:role/y');
  });

  it('is refused with the key, what it must be and where to set it', () => {
    expect(() => synthesiseWith({ passableRoleArns: ['my-role'] })).toThrow(/cdk\.json[\s\S]*passableRoleArns\.0: must be an ARN pattern of IAM roles such as arn:aws:iam/);
    expect(() => synthesiseWith({ repairableRoleArns: 'arn:aws:iam::*:user/x' })).toThrow(/repairableRoleArns\.0: must be an ARN pattern/);
    expect(() => synthesiseWith({ logLevel: 'LOUD' })).toThrow(/logLevel/);
  });
});
