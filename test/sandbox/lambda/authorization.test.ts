import { describe, expect, test } from 'vitest';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { Executions } from '../../../sandbox/states/executions.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import {
  allow,
  functionArn,
  functionOf,
  invoke,
  MACHINE,
  ofType,
  ROLE,
  roleOf,
  START,
  withoutUnused,
  worldOf,
} from '../states/fixture.ts';
import { fn, load, role } from '../assembly/stacks.ts';

const PLAIN = functionArn('plan');
const VERSION = `${PLAIN}:1`;
const bare = { Type: 'Task', Resource: VERSION };

const open = (statements: object[], state: object) => {
  const world = worldOf(1, [roleOf(ROLE, ...statements)]);
  const clock = new VirtualClock(START);
  const authorizer = new Authorizer(world);
  let invocations = 0;
  const createInvoker = () => async () => void (invocations += 1);
  const lambda = new SourceRuntime({
    world,
    clock,
    authorizer,
    functions: [functionOf('plan')],
    steps: { plan: {} },
    createInvoker,
  });
  const definition = withoutUnused({
    QueryLanguage: 'JSONata',
    StartAt: 'It',
    States: { It: { End: true, ...state }, Caught: { Type: 'Pass', Output: '{% $states.input.Error %}', End: true } },
  });
  const executions = new Executions({
    world,
    clock,
    lambda,
    stateMachines: [{ logicalId: 'M', name: 'machine', arn: MACHINE, definition, roleArn: ROLE }],
  });
  const run = async () => {
    const execution = executions.start(MACHINE);
    await execution.ended;
    return execution;
  };
  return { world, authorizer, run, invocations: () => invocations };
};

describe("a state machine's role", () => {
  test.each<[string, object[], object, string]>([
    ['nothing', [], invoke('plan'), VERSION],
    ['call nothing, by the bare ARN', [], bare, VERSION],
    ['only call the function without a version', [allow('lambda:InvokeFunction', PLAIN)], invoke('plan'), VERSION],
    ['only call its versions', [allow('lambda:InvokeFunction', `${PLAIN}:*`)], { ...bare, Resource: PLAIN }, PLAIN],
    [
      'call another function',
      [allow('lambda:InvokeFunction', functionArn('plant'), functionArn('plant:*'))],
      invoke('plan'),
      VERSION,
    ],
    [
      'perform another action on it',
      [allow('lambda:GetFunction', '*'), allow('lambda:InvokeAsync', '*')],
      invoke('plan'),
      VERSION,
    ],
    [
      'call nothing, and the function does not exist',
      [],
      { ...bare, Resource: functionArn('gone') },
      functionArn('gone'),
    ],
  ])('that may %s', async (_, statements, state, resource) => {
    const bench = open(statements, state);
    const execution = await bench.run();
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Lambda.AWSLambdaException' });
    const user = 'User: arn:aws:sts::111122223333:assumed-role/machine/sandbox';
    const message = `${user} is not authorized to perform: lambda:InvokeFunction on resource: ${resource} because no identity-based policy allows the lambda:InvokeFunction action`;
    expect(execution.cause).toMatch(
      / \(Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: [0-9a-f-]{36}; Proxy: null\)$/,
    );
    expect([execution.cause!.startsWith(`${message} (`), bench.invocations()]).toEqual([true, 0]);
    expect(bench.world.log.calls).toMatchObject([
      {
        service: 'lambda',
        operation: 'Invoke',
        caller: ROLE,
        status: 403,
        error: 'Lambda.AWSLambdaException',
        denied: 'lambda:InvokeFunction',
      },
    ]);
    expect(bench.authorizer.denials).toMatchObject([
      { principalArn: ROLE, action: 'lambda:InvokeFunction', resource, message },
    ]);
    expect(bench.authorizer.uses()).toEqual([]);
  });

  test.each<[string, string, object, string]>([
    ['the version', VERSION, invoke('plan'), VERSION],
    ['all versions', `${PLAIN}:*`, bare, VERSION],
    ['the unqualified function', PLAIN, { ...bare, Resource: PLAIN }, PLAIN],
  ])('that may call %s calls it, and the permission is recorded as used', async (_, may, state, resource) => {
    const bench = open([allow('lambda:InvokeFunction', may)], state);
    expect([await bench.run(), bench.invocations()]).toMatchObject([{ status: 'SUCCEEDED' }, 1]);
    expect(bench.authorizer.uses()).toEqual([{ principalArn: ROLE, action: 'lambda:InvokeFunction', resource }]);
    expect(bench.authorizer.denials).toEqual([]);
  });

  test('without permission fails the task, with a name that Retry and Catch match', async () => {
    const names = ['Lambda.AWSLambdaException'];
    const state = invoke('plan', {
      Retry: [{ ErrorEquals: names, MaxAttempts: 2 }],
      Catch: [{ ErrorEquals: names, Next: 'Caught' }],
    });
    const bench = open([], state);
    const execution = await bench.run();
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: '"Lambda.AWSLambdaException"' });
    expect(ofType(execution, 'TaskFailed')).toHaveLength(3);
  });

  test('with permission gets an error if a function does not exist', async () => {
    const bench = open([allow('lambda:InvokeFunction', '*')], { ...bare, Resource: functionArn('gone') });
    expect(await bench.run()).toMatchObject({ status: 'FAILED', error: 'Lambda.ResourceNotFoundException' });
    expect(bench.world.log.calls).toMatchObject([{ status: 404, error: 'Lambda.ResourceNotFoundException' }]);
  });
});

describe("a template's permissions", () => {
  const permissionsOf = (...permissions: object[]) => {
    const usual = { Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com' };
    const own = permissions.map(
      (properties, index) =>
        [`Permission${index}`, { Type: 'AWS::Lambda::Permission', Properties: { ...usual, ...properties } }] as const,
    );
    const Version = { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Plan' } } };
    const resources = { Role: role, Plan: fn({ FunctionName: 'plan' }), Version, ...Object.fromEntries(own) };
    return load({ App: { Resources: resources } }).functions[0]!.permissions;
  };

  test.each([
    ['its version', { Ref: 'Version' }, VERSION],
    ['its ARN', { 'Fn::GetAtt': ['Plan', 'Arn'] }, PLAIN],
    ['its name', { Ref: 'Plan' }, PLAIN],
    ['its name with a version', 'plan:1', VERSION],
    ['the end of its ARN', '111122223333:function:plan:1', VERSION],
  ])('name the function by %s', (_, FunctionName, arn) =>
    expect(permissionsOf({ FunctionName })).toEqual([
      { functionArn: arn, action: 'lambda:InvokeFunction', service: 'events.amazonaws.com' },
    ]),
  );

  test('declare the principal', () => {
    const SourceArn = { 'Fn::Sub': 'arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/rule' };
    expect(permissionsOf({ FunctionName: 'plan', SourceArn, SourceAccount: { Ref: 'AWS::AccountId' } })).toMatchObject([
      { sourceArn: 'arn:aws:events:eu-west-1:111122223333:rule/rule', sourceAccount: '111122223333' },
    ]);
  });

  test('of other functions are separate', () =>
    expect(
      permissionsOf({ FunctionName: 'plans' }, { FunctionName: 'arn:aws:lambda:us-east-1:111122223333:function:plan' }),
    ).toBeUndefined());

  test.each([
    [
      'an account',
      { Principal: '444455556666' },
      'a permission for 444455556666; the sandbox supports only service principals',
    ],
    ['everybody', { Principal: '*' }, 'a permission for *'],
    [
      'an organization',
      { PrincipalOrgID: 'o-a1b2c3d4e5' },
      'a permission with PrincipalOrgID, which the sandbox does not support',
    ],
    ['a URL', { FunctionUrlAuthType: 'NONE' }, 'a permission with FunctionUrlAuthType'],
  ])('for %s are refused, since they would not be evaluated correctly', (_, more, message) =>
    expect(() => permissionsOf({ FunctionName: 'plan', ...more })).toThrow(message),
  );
});
