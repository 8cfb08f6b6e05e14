import * as sdk from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createStatesService } from '../../../sandbox/states/service.ts';
import { credentialsOf, operatorRoleArn } from '../../../sandbox/authorization/access-keys.ts';
import { configOf, openGateway } from '../support.ts';
import { allow, functionArn, MACHINE, openBench, ROLE, roleOf, waitForToken } from './fixture.ts';
import { expectError, expectFailure } from '../../lambdas/matchers.ts';

const CALLER = ROLE.replace('role/machine', 'role/caller');
/** A placeholder for the token of the task that waits in EXECUTION. */
const TOKEN = 'TOKEN';
const EXECUTION = `${MACHINE.replace(':stateMachine:', ':execution:')}:run`;

/** DescribeMapRun requires a Map Run: `distributed-map.test.ts`. */
const CALLS: [operation: string, input: object, resource: string][] = [
  ['StartExecution', { stateMachineArn: MACHINE, name: 'another' }, MACHINE],
  ['DescribeExecution', { executionArn: EXECUTION }, EXECUTION],
  ['GetExecutionHistory', { executionArn: EXECUTION }, EXECUTION],
  ['ListExecutions', { stateMachineArn: MACHINE }, MACHINE],
  ['ListMapRuns', { executionArn: EXECUTION }, EXECUTION],
  ['StopExecution', { executionArn: EXECUTION }, EXECUTION],
  ['DescribeStateMachine', { stateMachineArn: MACHINE }, MACHINE],
  ['ListStateMachines', {}, 'arn:aws:states:eu-west-1:111122223333:stateMachine:*'],
  ['SendTaskSuccess', { taskToken: TOKEN, output: '{}' }, MACHINE],
  ['SendTaskFailure', { taskToken: TOKEN, error: 'No' }, MACHINE],
  ['SendTaskHeartbeat', { taskToken: TOKEN }, MACHINE],
];
const ofArns = CALLS.filter(
  ([, input]) => Object.values(input).includes(MACHINE) || Object.values(input).includes(EXECUTION),
);

const open = async (...statements: object[]) => {
  const tokens: string[] = [];
  const roles = [roleOf(CALLER, ...statements), roleOf(ROLE, allow('lambda:InvokeFunction', functionArn('*')))];
  const bench = openBench(
    { StartAt: 'A', States: { A: waitForToken('ask', { End: true }) } },
    { roles, handlers: { ask: ({ token }: { token: string }) => void tokens.push(token) } },
  );
  const { world, executions, clock } = bench;
  const gateway = openGateway(world, { states: createStatesService(world, executions) });
  const commands = sdk as unknown as Record<string, new (input: object) => sdk.DescribeExecutionCommand>;
  const senderOf = (role: string) => {
    const client = new sdk.SFNClient(configOf(gateway, world, credentialsOf(world, role)));
    return (operation: string, input: object): Promise<unknown> =>
      client.send(
        new commands[`${operation}Command`]!({
          ...input,
          ...('taskToken' in input && input.taskToken === TOKEN ? { taskToken: tokens[0] } : {}),
        }),
      );
  };
  executions.start(MACHINE, '{}', 'run');
  await clock.spawn(() => clock.sleep(1));
  const state = () => executions.list(MACHINE).map(({ name, status }) => [name, status]);
  return { world, state, senderOf, send: senderOf(CALLER), asOperator: senderOf(operatorRoleArn(world)) };
};

const refusal = (
  operation: string,
  resource: string,
  reason = `because no identity-based policy allows the states:${operation} action`,
) => ({
  name: 'AccessDeniedException',
  message: `User: arn:aws:sts::111122223333:assumed-role/caller/sandbox is not authorized to perform: states:${operation} on resource: ${resource} ${reason}`,
  $metadata: { httpStatusCode: 400 },
});

describe('permission for', () => {
  test('is required by every operation', async () => {
    const { asOperator } = await open();
    const failure = await asOperator('DeleteStateMachine', { stateMachineArn: MACHINE }).catch(
      (error: unknown) => error as Error,
    );
    expect(
      /Supported operations: (.*)\.$/
        .exec((failure as Error).message)![1]!
        .split(', ')
        .sort(),
    ).toEqual([...CALLS.map(([operation]) => operation), 'DescribeMapRun'].sort());
  });

  test.each(CALLS)('%s: is required, and nothing changes without it', async (operation, input, resource) => {
    const others = CALLS.filter(([name]) => name !== operation).map(([name]) => allow(`states:${name}`, '*'));
    const { world, send, state } = await open(...others, allow(`states:${operation}`, `${resource}x`));
    await expect(send(operation, input)).rejects.toMatchObject(refusal(operation, resource));
    expect(world.log.calls.at(-1)).toMatchObject({
      service: 'states',
      operation,
      caller: CALLER,
      status: 400,
      error: 'AccessDeniedException',
      denied: `states:${operation}`,
    });
    expect(state()).toEqual([['run', 'RUNNING']]);
  });

  test.each(CALLS)('%s: is sufficient', async (operation, input, resource) => {
    const { send, world } = await open(allow(`states:${operation}`, resource));
    await send(operation, input);
    expect(world.log.calls.findLast(({ service }) => service === 'states')).toMatchObject({ operation, status: 200 });
  });

  test.each<[string, object, string]>([
    ['DescribeExecution', { executionArn: `${EXECUTION}-gone` }, 'ExecutionDoesNotExist'],
    ['StartExecution', { stateMachineArn: `${MACHINE}-gone` }, 'StateMachineDoesNotExist'],
  ])('%s is checked before the existence of the resource', async (operation, input, name) => {
    const [resource] = Object.values(input) as string[];
    await expect((await open(allow('states:*', MACHINE))).send(operation, input)).rejects.toMatchObject(
      refusal(operation, resource!),
    );
    await expectError((await open(allow('states:*', '*'))).send(operation, input), name);
  });
});

describe('an ARN', () => {
  test.each([
    ['StartExecution', { stateMachineArn: 'machine' }, "Invalid Arn: 'Invalid ARN prefix: machine'"],
    [
      'StartExecution',
      { stateMachineArn: EXECUTION },
      "Invalid Arn: 'Resource type not valid in this context: execution'",
    ],
    [
      'StopExecution',
      { executionArn: MACHINE },
      "Invalid Arn: 'Resource type not valid in this context: stateMachine'",
    ],
    [
      'DescribeStateMachine',
      { stateMachineArn: 'arn:aws:iam::111122223333:role/machine' },
      "Invalid Arn: 'Invalid ARN prefix: arn:aws:iam::111122223333:role/machine'",
    ],
  ])('that %s does not accept is refused for every caller', async (operation, input, message) => {
    const { send, asOperator, state } = await open();
    for (const ask of [send, asOperator]) await expectFailure(ask(operation, input), 400, 'InvalidArn', message);
    expect(state()).toEqual([['run', 'RUNNING']]);
  });

  test.each(ofArns)(
    'of another account: %s is refused with any permissions of the caller',
    async (operation, input, resource) => {
      const { send, asOperator } = await open(allow('states:*', '*'));
      const elsewhere = resource.replace('111122223333', '444455556666');
      const there = Object.fromEntries(
        Object.entries(input).map(([key, value]) => [key, String(value).replace('111122223333', '444455556666')]),
      );
      await expect(send(operation, there)).rejects.toMatchObject(
        refusal(operation, elsewhere, `because no resource-based policy allows the states:${operation} action`),
      );
      await expectError(asOperator(operation, there), 'AccessDeniedException');
    },
  );
});

describe('a task token', () => {
  const OTHER = '444455556666';
  const STRANGER = `arn:aws:iam::${OTHER}:role/stranger`;
  const sends = CALLS.filter(([operation]) => operation.startsWith('SendTask'));

  test.each(sends)(
    '%s: a caller without permissions still gets InvalidToken for a token that never existed',
    async (operation, input) => {
      const { send } = await open();
      await expectError(send(operation, { ...input, taskToken: 'guessed' }), 'InvalidToken');
    },
  );

  test.each(sends)(
    '%s: is refused in another account, with any permissions of the caller there',
    async (operation, input) => {
      const { world, senderOf, state } = await open();
      world.accounts.set(OTHER, {
        id: OTHER,
        roles: new Map([['stranger', roleOf(STRANGER, allow('states:*', '*'))]]),
        clusters: new Map(),
      });
      await expectError(
        senderOf(STRANGER)(operation, input),
        'AccessDeniedException',
        `on resource: ${MACHINE} because no resource-based policy allows the states:${operation} action`,
      );
      expect(state()).toEqual([['run', 'RUNNING']]);
    },
  );
});
