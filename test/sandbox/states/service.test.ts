/** The real client directly connected to the service. */
import {
  paginateGetExecutionHistory,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { fail, invoke, MACHINE, openService as open, outputOf, ROLE, START } from './fixture.ts';
import { GONE, openWaiting } from './token-fixture.ts';
import { expectExactError, expectError, containing, expectFailure } from '../../lambdas/matchers.ts';

const pass = { StartAt: 'A', States: { A: { Type: 'Pass', Output: { out: '{% $states.input.x %}' }, End: true } } };
const waiting = { StartAt: 'A', States: { A: { Type: 'Wait', Seconds: 60, End: true } } };

describe('executions', () => {
  test('StartExecution returns at once; DescribeExecution returns the result', async () => {
    const { client, clock } = open(waiting);
    const started = await client.startExecution({ stateMachineArn: MACHINE, name: 'run-1', input: '{"x":1}' });
    expect(started).toMatchObject({
      executionArn: 'arn:aws:states:eu-west-1:111122223333:execution:machine:run-1',
      startDate: new Date(START),
    });
    const describeIt = () => client.describeExecution({ executionArn: started.executionArn });
    const running = await describeIt();
    expect(running).toMatchObject({ status: 'RUNNING', name: 'run-1', input: '{"x":1}', stateMachineArn: MACHINE });
    expect(running.stopDate).toBeUndefined();
    await clock.spawn(() => clock.sleep(61_000));
    const ended = { status: 'SUCCEEDED', output: '{"x":1}', stopDate: new Date(START + 60_000) };
    expect(await describeIt()).toMatchObject(ended);
  });

  test('a failed one has error and cause', async () => {
    const { client, executions } = open({ StartAt: 'A', States: { A: { Type: 'Fail', Error: 'E', Cause: 'C' } } });
    const { executionArn } = await client.startExecution({ stateMachineArn: MACHINE });
    await executions.execution(executionArn!).ended;
    const failed = await client.describeExecution({ executionArn });
    expect(failed).toMatchObject({ status: 'FAILED', error: 'E', cause: 'C' });
    expect(failed.output).toBeUndefined();
  });

  test('a name is idempotent with the same input while it runs, and in use otherwise', async () => {
    const { client, clock } = open(waiting);
    const start = (input: string) => client.startExecution({ stateMachineArn: MACHINE, name: 'same', input });
    const first = await start('{"x":1}');
    await clock.spawn(() => clock.sleep(1000));
    expect(await start('{"x":1}')).toMatchObject({ executionArn: first.executionArn, startDate: first.startDate });
    await expectExactError(
      start('{"x":2}'),
      'ExecutionAlreadyExists',
      `Execution Already Exists: '${first.executionArn}'`,
    );
    await clock.spawn(() => clock.sleep(60_000));
    await expectError(start('{"x":1}'), 'ExecutionAlreadyExists');
  });

  test.each(['with space', 'a/b', 'a:b', 'x'.repeat(81), 'a*'])('the name %s is refused', async (name) => {
    const { client } = open(pass);
    await expectError(client.startExecution({ stateMachineArn: MACHINE, name }), 'InvalidName');
  });

  test('StopExecution ends it, and returns the stop time again if it has ended', async () => {
    const { client, clock } = open(waiting);
    const { executionArn } = await client.startExecution({ stateMachineArn: MACHINE });
    await clock.spawn(() => clock.sleep(5000));
    const stop = () => client.stopExecution({ executionArn, error: 'Mine', cause: 'why' });
    expect((await stop()).stopDate).toEqual(new Date(START + 5000));
    expect((await stop()).stopDate).toEqual(new Date(START + 5000));
    expect(await client.describeExecution({ executionArn })).toMatchObject({
      status: 'ABORTED',
      error: 'Mine',
      cause: 'why',
    });
  });

  test('ListExecutions: newest first, by status, in pages', async () => {
    const { client, executions } = open(waiting);
    for (const name of ['a', 'b', 'c']) await client.startExecution({ stateMachineArn: MACHINE, name });
    executions.list(MACHINE)[2]!.stop();
    const list = async (more: Record<string, unknown>) => {
      const { executions: found, nextToken } = await client.listExecutions({ stateMachineArn: MACHINE, ...more });
      return { names: found!.map(({ name }) => name), nextToken };
    };
    expect((await list({})).names).toEqual(['c', 'b', 'a']);
    expect((await list({ statusFilter: 'RUNNING' })).names).toEqual(['c', 'b']);
    const first = await list({ maxResults: 2 });
    expect(first.names).toEqual(['c', 'b']);
    // A new execution does not shift later pages.
    await client.startExecution({ stateMachineArn: MACHINE, name: 'd' });
    expect(await list({ maxResults: 2, nextToken: first.nextToken })).toEqual({ names: ['a'], nextToken: undefined });
  });
});

describe('GetExecutionHistory', () => {
  const definition = {
    StartAt: 'A',
    States: { A: invoke('it', { Retry: [{ ErrorEquals: ['E'] }], Assign: { v: 1 }, End: true }) },
  };
  const openRun = async () => {
    let calls = 0;
    const bench = open(definition, {
      handlers: { it: () => ((calls += 1) === 1 ? fail('E', 'not yet') : { secret: 'data' }) },
    });
    const execution = await bench.run({ secret: 'input' });
    return { ...bench, executionArn: execution.arn };
  };

  test("has events in the SDK's types", async () => {
    const { client, executionArn } = await openRun();
    const { events } = await client.getExecutionHistory({ executionArn });
    const attempt = 'TaskScheduled TaskStarted';
    expect(events!.map(({ type }) => type).join(' ')).toBe(
      `ExecutionStarted TaskStateEntered ${attempt} TaskFailed ${attempt} TaskSucceeded TaskStateExited ExecutionSucceeded`,
    );
    expect(events![4]).toMatchObject({
      id: 5,
      previousEventId: 4,
      timestamp: new Date(START),
      taskFailedEventDetails: { error: 'E', resourceType: 'lambda' },
    });
    expect(events![5]!.timestamp).toEqual(new Date(START + 1000));
    expect(events![7]!.taskSucceededEventDetails!.output).toContain('"StatusCode":200');
    expect(events![8]!.stateExitedEventDetails).toMatchObject({
      name: 'A',
      assignedVariables: { v: '1' },
      assignedVariablesDetails: { truncated: false },
    });
    expect(events![9]!.executionSucceededEventDetails!.output).toBe('{"secret":"data"}');
  });

  test('without execution data has only names and errors', async () => {
    const { client, executionArn } = await openRun();
    const { events } = await client.getExecutionHistory({ executionArn, includeExecutionData: false });
    expect(JSON.stringify(events)).not.toMatch(/secret|"v"/);
    expect(events![1]).toMatchObject({ stateEnteredEventDetails: { name: 'A' } });
    expect(events![4]).toMatchObject({ taskFailedEventDetails: { error: 'E' } });
  });

  test('comes in pages, in either order', async () => {
    const { client, executionArn } = await openRun();
    const pages = async (reverseOrder: boolean) => {
      const ids: number[][] = [];
      for await (const page of paginateGetExecutionHistory({ client, pageSize: 4 }, { executionArn, reverseOrder }))
        ids.push(page.events!.map(({ id }) => id!));
      return ids;
    };
    expect(await pages(false)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ]);
    expect(await pages(true)).toEqual([
      [10, 9, 8, 7],
      [6, 5, 4, 3],
      [2, 1],
    ]);
  });

  test('refuses a token from another list', async () => {
    const { client, executionArn } = await openRun();
    await expectError(client.getExecutionHistory({ executionArn, nextToken: 'abc' }), 'InvalidToken');
  });
});

test('state machines are described and listed', async () => {
  const { client } = open(pass);
  const machine = await client.describeStateMachine({ stateMachineArn: MACHINE });
  expect(machine).toMatchObject({
    name: 'machine',
    status: 'ACTIVE',
    type: 'STANDARD',
    roleArn: ROLE,
    creationDate: new Date(START),
  });
  expect(JSON.parse(machine.definition!)).toMatchObject(pass);
  expect((await client.listStateMachines({})).stateMachines).toMatchObject([
    { stateMachineArn: MACHINE, name: 'machine' },
  ]);
});

describe('refusals', () => {
  const { client, described } = open(pass);
  const unknown = 'arn:aws:states:eu-west-1:111122223333:execution:machine:none';

  test('for missing resources', async () => {
    await expectFailure(
      client.describeExecution({ executionArn: unknown }),
      400,
      'ExecutionDoesNotExist',
      `Execution Does Not Exist: '${unknown}'`,
    );
    await expectError(client.startExecution({ stateMachineArn: `${MACHINE}x` }), 'StateMachineDoesNotExist');
  });

  test('for input that is not JSON or too large', async () => {
    const start = (input: string) => client.startExecution({ stateMachineArn: MACHINE, input });
    await expectError(start('{'), 'InvalidExecutionInput');
    await expectError(start(JSON.stringify('x'.repeat(262_143))), 'ValidationException');
  });

  test('for an unsupported operation', () =>
    expectError(
      client.deleteStateMachine({ stateMachineArn: MACHINE }),
      'NotImplemented',
      'does not support the operation DeleteStateMachine. Supported operations: StartExecution,',
    ));

  test('the call log never shows execution data', async () => {
    described.length = 0;
    await client.startExecution({ stateMachineArn: MACHINE, name: 'logged', input: '{"secret":1}' });
    expect(described.at(-1)).toEqual({
      operation: 'StartExecution',
      input: { stateMachineArn: MACHINE, name: 'logged' },
    });
  });
});

describe('a task token', () => {
  const sends = (taskToken: string) => [
    new SendTaskSuccessCommand({ taskToken, output: '{}' }),
    new SendTaskFailureCommand({ taskToken }),
    new SendTaskHeartbeatCommand({ taskToken }),
  ];

  test('is refused if it never existed', async () => {
    const { client } = openWaiting();
    for (const command of sends('FakeTaskToken'))
      await expectFailure(client.send(command as never), 400, 'InvalidToken', "Invalid Token: 'Invalid token'");
  });

  test.each([[''], ['x'.repeat(2049)]])('is refused if its length is invalid', async (token) => {
    const { client } = openWaiting();
    for (const command of sends(token))
      await expectError(client.send(command as never), 'ValidationException', "'taskToken'");
  });

  test('with invalid output is refused, and the task still waits', async () => {
    const { runWith, tokens, client, send } = openWaiting();
    const sendOutput = (output: string) => client.sendTaskSuccess({ taskToken: tokens[0]!, output });
    const about = (name: string): object => ({ name: 'ValidationException', message: containing(`'${name}'`) });
    const notSecret = { name: 'InvalidOutput', message: expect.not.stringContaining('secret') as string };
    const longError = { error: 'x'.repeat(257) };
    const longCause = { cause: 'x'.repeat(32_769) };
    const missing = () => client.sendTaskSuccess({ taskToken: tokens[0]! } as never);
    const execution = await runWith([
      [1, () => expect(sendOutput('{secret')).rejects.toMatchObject(notSecret)],
      [2, () => expectError(sendOutput(''), 'InvalidOutput')],
      // Bytes, not characters.
      [3, () => expect(sendOutput(JSON.stringify('€'.repeat(87_381)))).rejects.toMatchObject(about('output'))],
      [4, () => expectError(missing(), 'ValidationException')],
      [5, () => expect(send.failure(tokens[0]!, longError)).rejects.toMatchObject(about('error'))],
      [6, () => expect(send.failure(tokens[0]!, longCause)).rejects.toMatchObject(about('cause'))],
      [7, () => send.failure(tokens[0]!, { error: 'x'.repeat(256), cause: 'x'.repeat(32_768) })],
    ]);
    expect(execution).toMatchObject({ error: 'x'.repeat(256), cause: 'x'.repeat(32_768), stoppedAt: START + 7000 });
  });

  test('accepts output of 256 KiB', async () => {
    const { runWith, tokens, client } = openWaiting({ Output: '{% $length($states.result) %}' });
    const execution = await runWith([
      [1, () => client.sendTaskSuccess({ taskToken: tokens[0]!, output: JSON.stringify('x'.repeat(262_142)) })],
    ]);
    expect(outputOf(execution)).toBe(262_142);
  });

  test('never appears in the call log, nor does its output', async () => {
    const { runWith, tokens, send, described } = openWaiting();
    await runWith([
      [1, () => send.heartbeat(tokens[0]!)],
      [2, () => send.success(tokens[0]!, 'secret')],
      [3, () => expect(send.failure(tokens[0]!, { error: 'No', cause: 'secret' })).rejects.toMatchObject(GONE)],
    ]);
    expect(described.filter(({ input }) => JSON.stringify(input) !== '{}')).toEqual([
      { operation: 'SendTaskFailure', input: { error: 'No' } },
    ]);
    expect(described.map(({ operation }) => operation)).toContain('SendTaskSuccess');
  });
});
