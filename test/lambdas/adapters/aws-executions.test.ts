import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { AwsExecutions } from '../../../lambdas/adapters/aws-executions.ts';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { aRequest, at, EXECUTION, MIGRATION_ID } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { mocked, refusal } from './mocked.ts';

const RECOVER = 'arn:aws:states:eu-west-1:111122223333:stateMachine:Recover';
const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:MigrateAddon';
const NAME = `${MIGRATION_ID}-1767603600`;
const metadata = { message: 'why', $metadata: { httpStatusCode: 400 } };
const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const inputs = () => sfn.calls().map((call) => call.args[0].input as unknown);
const sfn = mocked(SFNClient);
const client = new SFNClient({ region: 'eu-west-1' });
const executions = new AwsExecutions({ client, stateMachineArn: () => MACHINE, recoverStateMachineArn: () => RECOVER });

describe('an execution', () => {
  it.each([
    ['RUNNING', undefined, { status: 'RUNNING' }],
    ['TIMED_OUT', new Date(at(60)), { status: 'TIMED_OUT', stoppedAt: at(60) }],
    ['PENDING_REDRIVE', new Date(at(60)), { status: 'PENDING_REDRIVE', stoppedAt: at(60) }],
  ] as const)('that is %s', async (status, stopDate, expected) => {
    sfn.on(DescribeExecutionCommand).resolves({ status, stopDate });
    expect(await executions.describe(EXECUTION)).toStrictEqual(expected);
    expect(inputs()).toEqual([{ executionArn: EXECUTION, includedData: 'METADATA_ONLY' }]);
  });
  it('that Step Functions does not know is undefined', async () => {
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist(metadata));
    expect(await executions.describe(EXECUTION)).toBeUndefined();
  });
  it.each([
    ['AccessDeniedException', 'AccessDenied'],
    ['ThrottlingException', 'Throttled'],
    ['InvalidArn', 'InvalidRequest'],
  ])('that could not be read is no execution that is gone: %s', async (name, expected) => {
    sfn.on(DescribeExecutionCommand).rejects(refusal(name));
    await expect(executions.describe(EXECUTION)).rejects.toMatchObject({
      name: expected,
      message: `states:DescribeExecution ${EXECUTION}: ${name}: why`,
    });
  });
  it('is not taken for one when the answer has no status', async () => {
    sfn.on(DescribeExecutionCommand).resolves({});
    await expectError(executions.describe(EXECUTION), 'ServiceUnavailable');
  });
});

describe('a recovery', () => {
  it('is started under its name', async () => {
    sfn.on(StartExecutionCommand).resolves({});
    await executions.startRecovery(MIGRATION_ID, NAME);
    expect(inputs()).toEqual([
      { stateMachineArn: RECOVER, name: NAME, input: JSON.stringify({ migrationId: MIGRATION_ID, cause: 'stranded' }) },
    ]);
  });
  it('counts as started where the name is taken', async () => {
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists(metadata));
    await expect(executions.startRecovery(MIGRATION_ID, NAME)).resolves.toBeUndefined();
  });
  it.each([
    [new StateMachineDoesNotExist(metadata), 'NotFound'],
    [refusal('ExecutionLimitExceeded'), 'Throttled'],
    [hangUp, 'ConnectionLost'],
  ])('is not taken for started: %s', async (error, name) => {
    sfn.on(StartExecutionCommand).rejects(error);
    await expectError(executions.startRecovery(MIGRATION_ID, NAME), name, `states:StartExecution ${NAME}: `);
  });
  it('is not asked for by a function that was not told of the state machine', async () => {
    const without = new AwsExecutions({
      client,
      stateMachineArn: () => MACHINE,
      recoverStateMachineArn: () => {
        throw new MigrationError('BadInput', 'no state machine');
      },
    });
    await expectError(without.startRecovery(MIGRATION_ID, NAME), 'BadInput');
    expect(sfn.calls()).toEqual([]);
  });
});

describe('a migration, and a rollback on demand', () => {
  it('is started under its id, with what was asked for', async () => {
    sfn.on(StartExecutionCommand).resolves({});
    await executions.startMigration(MIGRATION_ID, aRequest());
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: MACHINE,
      name: MIGRATION_ID,
      input: JSON.stringify({ migrationId: MIGRATION_ID, request: aRequest() }),
    });
  });
  it('counts as started where the name is taken', async () => {
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists(metadata));
    await executions.startMigration(MIGRATION_ID, aRequest());
    await executions.startRollback(MIGRATION_ID, NAME, {});
    expect(sfn.calls()).toHaveLength(2);
  });
  it('is retired under its name, as was asked for', async () => {
    const RETIRE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:Retire';
    const asked = { action: 'retire', dryRun: true, soakDays: 7, requestedBy: 'jo', reason: undefined } as const;
    await expectError(executions.startRetirement(MIGRATION_ID, NAME, asked), 'BadInput');
    await expectError(executions.retireArn(NAME), 'BadInput');
    expect(sfn.calls()).toEqual([]);
    sfn.on(StartExecutionCommand).resolves({});
    const retiring = new AwsExecutions({
      client,
      stateMachineArn: () => MACHINE,
      recoverStateMachineArn: () => RECOVER,
      retireStateMachineArn: () => RETIRE,
    });
    await retiring.startRetirement(MIGRATION_ID, NAME, asked);
    await retiring.startRetirement(MIGRATION_ID, `${NAME}-2`, { ...asked, accept: ['consumer:SecretStore/shop/aws'] });
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: RETIRE,
      name: NAME,
      input: JSON.stringify({
        migrationId: MIGRATION_ID,
        action: 'retire',
        dryRun: true,
        soakDays: 7,
        requestedBy: 'jo',
      }),
    });
    expect(JSON.parse(sfn.commandCalls(StartExecutionCommand)[1]?.args[0].input.input ?? '')).toMatchObject({
      soakDays: 7,
      accept: ['consumer:SecretStore/shop/aws'],
    });
    expect(await retiring.retireArn(NAME)).toBe(`${RETIRE.replace(':stateMachine:', ':execution:')}:${NAME}`);
  });
  it('starts a rollback with its requester and reason, if there are any', async () => {
    sfn.on(StartExecutionCommand).resolves({});
    await executions.startRollback(MIGRATION_ID, NAME, { requestedBy: 'me', reason: 'because' });
    await executions.startRollback(MIGRATION_ID, NAME, {});
    const startedBy = sfn
      .commandCalls(StartExecutionCommand)
      .map(({ args: [{ input }] }) => [input.stateMachineArn, input.name, JSON.parse(input.input ?? '') as unknown]);
    expect(startedBy).toEqual([
      [RECOVER, NAME, { migrationId: MIGRATION_ID, cause: 'requested', requestedBy: 'me', reason: 'because' }],
      [RECOVER, NAME, { migrationId: MIGRATION_ID, cause: 'requested' }],
    ]);
  });
});

describe('a task that waits under a token', () => {
  it('goes on with that output, or ends with that error', async () => {
    sfn.on(SendTaskSuccessCommand).resolves({}).on(SendTaskFailureCommand).resolves({});
    expect(await executions.completeTask('token', { yes: true })).toBe(true);
    expect(await executions.failTask('token', 'Cancelled', 'why')).toBe(true);
    expect(inputs()).toEqual([
      { taskToken: 'token', output: '{"yes":true}' },
      { taskToken: 'token', error: 'Cancelled', cause: 'why' },
    ]);
  });
  it.each([new TaskTimedOut(metadata), new TaskDoesNotExist(metadata), new InvalidToken(metadata)])(
    'no longer waits: $name',
    async (error) => {
      sfn.on(SendTaskSuccessCommand).rejects(error).on(SendTaskFailureCommand).rejects(error);
      expect(await executions.completeTask('token', {})).toBe(false);
      expect(await executions.failTask('token', 'Cancelled', 'why')).toBe(false);
    },
  );
  it('is not taken for told where nobody knows', async () => {
    sfn.on(SendTaskSuccessCommand).rejects(hangUp);
    await expect(executions.completeTask('secret-token', {})).rejects.toMatchObject({
      name: 'ConnectionLost',
      message: expect.not.stringContaining('secret-token') as string,
    });
  });
});
