import * as sdk from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createStatesService } from '../../../sandbox/states/service.ts';
import { credentialsOf, operatorRoleArn } from '../../../sandbox/sts/access-keys.ts';
import { configOf, openDoor } from '../support.ts';
import { allow, MACHINE, openBench, ROLE, roleOf } from './fixture.ts';

const CALLER = ROLE.replace('role/machine', 'role/caller');
const EXECUTION = `${MACHINE.replace(':stateMachine:', ':execution:')}:run`;

const CALLS: [operation: string, input: object, resource: string][] = [
  ['StartExecution', { stateMachineArn: MACHINE, name: 'another' }, MACHINE],
  ['DescribeExecution', { executionArn: EXECUTION }, EXECUTION],
  ['GetExecutionHistory', { executionArn: EXECUTION }, EXECUTION],
  ['ListExecutions', { stateMachineArn: MACHINE }, MACHINE],
  ['StopExecution', { executionArn: EXECUTION }, EXECUTION],
  ['DescribeStateMachine', { stateMachineArn: MACHINE }, MACHINE],
  ['ListStateMachines', {}, 'arn:aws:states:eu-west-1:111122223333:stateMachine:*'],
];

const open = (...statements: object[]) => {
  const bench = openBench({ StartAt: 'A', States: { A: { Type: 'Wait', Seconds: 60, End: true } } }, { roles: [roleOf(CALLER, ...statements)] });
  const { world, executions } = bench;
  const door = openDoor(world, { states: createStatesService(world, executions) });
  const commands = sdk as unknown as Record<string, new (input: object) => sdk.DescribeExecutionCommand>;
  const senderOf = (role: string) => {
    const client = new sdk.SFNClient(configOf(door, world, credentialsOf(world, role)));
    return (operation: string, input: object): Promise<unknown> => client.send(new commands[`${operation}Command`]!(input));
  };
  executions.start(MACHINE, '{}', 'run');
  const state = () => executions.list(MACHINE).map(({ name, status }) => [name, status]);
  return { world, state, send: senderOf(CALLER), asOperator: senderOf(operatorRoleArn(world)) };
};

const refusal = (operation: string, resource: string, reason = `because no identity-based policy allows the states:${operation} action`) => ({
  name: 'AccessDeniedException',
  message: `User: arn:aws:sts::111122223333:assumed-role/caller/sandbox is not authorized to perform: states:${operation} on resource: ${resource} ${reason}`,
  $metadata: { httpStatusCode: 400 },
});

describe('the right to', () => {
  test('is wanted by every operation that there is', async () => {
    const { asOperator } = open();
    const failure = await asOperator('SendTaskSuccess', { taskToken: 't', output: '{}' }).catch((error: unknown) => error as Error);
    expect(/It has: (.*)\.$/.exec((failure as Error).message)![1]!.split(', ').sort()).toEqual(CALLS.map(([operation]) => operation).sort());
  });

  test.each(CALLS)('%s: without it AWS refuses, and nothing has changed', async (operation, input, resource) => {
    const others = CALLS.filter(([name]) => name !== operation).map(([name]) => allow(`states:${name}`, '*'));
    const { world, send, state } = open(...others, allow(`states:${operation}`, `${resource}x`));
    await expect(send(operation, input)).rejects.toMatchObject(refusal(operation, resource));
    expect(world.log.calls.at(-1)).toMatchObject({ service: 'states', operation, caller: CALLER, status: 400, error: 'AccessDeniedException', denied: `states:${operation}` });
    expect(state()).toEqual([['run', 'RUNNING']]);
  });

  test.each(CALLS)('%s: it alone is enough', async (operation, input, resource) => {
    const { send, world } = open(allow(`states:${operation}`, resource));
    await send(operation, input);
    expect(world.log.calls.at(-1)).toMatchObject({ operation, status: 200 });
  });

  test.each<[string, object, string]>([
    ['DescribeExecution', { executionArn: `${EXECUTION}-gone` }, 'ExecutionDoesNotExist'],
    ['StartExecution', { stateMachineArn: `${MACHINE}-gone` }, 'StateMachineDoesNotExist'],
  ])('%s comes before the question whether it is there', async (operation, input, name) => {
    const [resource] = Object.values(input) as string[];
    await expect(open(allow('states:*', MACHINE)).send(operation, input)).rejects.toMatchObject(refusal(operation, resource!));
    await expect(open(allow('states:*', '*')).send(operation, input)).rejects.toMatchObject({ name });
  });
});

describe('an ARN', () => {
  test.each([
    ['StartExecution', { stateMachineArn: 'machine' }, "Invalid Arn: 'Invalid ARN prefix: machine'"],
    ['StartExecution', { stateMachineArn: EXECUTION }, "Invalid Arn: 'Resource type not valid in this context: execution'"],
    ['StopExecution', { executionArn: MACHINE }, "Invalid Arn: 'Resource type not valid in this context: stateMachine'"],
    ['DescribeStateMachine', { stateMachineArn: 'arn:aws:iam::111122223333:role/machine' }, "Invalid Arn: 'Invalid ARN prefix: arn:aws:iam::111122223333:role/machine'"],
  ])('that %s can not take is refused whoever asks', async (operation, input, message) => {
    const { send, asOperator, state } = open();
    for (const ask of [send, asOperator]) await expect(ask(operation, input)).rejects.toMatchObject({ name: 'InvalidArn', message, $metadata: { httpStatusCode: 400 } });
    expect(state()).toEqual([['run', 'RUNNING']]);
  });

  test.each(CALLS.filter(([, input]) => Object.keys(input).length > 0))('of another account: %s is refused whatever the caller may', async (operation, input, resource) => {
    const { send, asOperator } = open(allow('states:*', '*'));
    const elsewhere = resource.replace('111122223333', '444455556666');
    const there = Object.fromEntries(Object.entries(input).map(([key, value]) => [key, String(value).replace('111122223333', '444455556666')]));
    await expect(send(operation, there)).rejects.toMatchObject(refusal(operation, elsewhere, `because no resource-based policy allows the states:${operation} action`));
    await expect(asOperator(operation, there)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
