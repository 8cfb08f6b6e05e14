import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../cli/backend.ts';
import { CliError } from '../../cli/errors.ts';
import { retiredLines } from '../../cli/print/retire.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { isRefused, retireAndFollow, type Retired, type RetireRequest } from '../../cli/service/retire.ts';
import { readServiceEnvironment, serviceEnvironment } from '../../cli/service-environment.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { StepLine } from '../../lambdas/domain/terms/evidence.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { aBackend, historyOf, machine } from './backend-fixtures.ts';
import { aCheck, errorOf, ROLE } from './fixtures.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const EXECUTION = `arn:aws:states:eu-west-1:111122223333:execution:Retire:${ID}-2`;
const watcher = { update: () => {}, say: () => {} };
const sfn = mockClient(SFNClient);
const request: RetireRequest = { migrationId: ID, action: 'retire', dryRun: false, soakDays: 7, requestedBy: 'me' };
const BEFORE = JSON.stringify({ Statement: [{ Sid: 'Irsa' }, { Sid: 'PodIdentity' }] });
const AFTER = JSON.stringify({ Statement: [{ Sid: 'PodIdentity' }] });
const removed = { roleArn: ROLE, result: 'removed', before: BEFORE, after: AFTER } as const;
const answer = { action: 'retire', dryRun: false, done: true, checks: [aCheck()], roles: [removed] } as const;

const backendWith = (ledger: Partial<Ledger> = {}): Backend =>
  aBackend({ getMigration: async () => ({ migrationId: ID }) as Migration, listSteps: async () => [], ...ledger }, 0, {
    retireStateMachineArn: machine('Retire'),
  });
const history = (error?: string) => historyOf('RetireTrust', error);
const line = (name: string, message: string, second: number, action = 'retire'): StepLine => ({
  name: `retire-trust-${action}`,
  startedAt: '2026-01-15T09:00:00.000Z',
  endedAt: `2026-01-15T09:00:0${second}.000Z`,
  tries: 1,
  error: { name, message },
});

afterAll(() => sfn.restore());
beforeEach(() => {
  sfn.reset();
  sfn.on(StartExecutionCommand).resolves({ executionArn: EXECUTION });
  sfn.on(GetExecutionHistoryCommand).resolves({ events: history() });
  sfn.on(DescribeExecutionCommand).resolves({ status: 'SUCCEEDED', output: JSON.stringify(answer) });
});
const failsWith = (error: string): void => {
  sfn.on(GetExecutionHistoryCommand).resolves({ events: history(error) });
  sfn.on(DescribeExecutionCommand).resolves({ status: 'FAILED', error: 'RetireRefused', cause: 'long text' });
};

describe('retire', () => {
  it('starts Retire for that migration and returns what it has done', async () => {
    let started = false;
    expect(await retireAndFollow(backendWith(), request, watcher, () => (started = true))).toEqual({
      migrationId: ID,
      ...answer,
    });
    expect(started).toBe(true);
    const { input, ...rest } = sfn.commandCalls(StartExecutionCommand)[0]!.args[0].input;
    expect([rest, JSON.parse(input!)]).toEqual([{ stateMachineArn: machine('Retire'), name: `${ID}-2` }, request]);
  });

  it.each(['RetireRefused', 'LockHeld', 'RoleLockHeld'])('that ends with %s is refused', async (name) => {
    failsWith(name);
    const lines = [
      line(name, 'of the time before', 1),
      line(name, 'of this time', 3, 'reinstate'),
      line('Busy', 'another', 5),
    ];
    await expect(
      retireAndFollow(backendWith({ listSteps: async () => lines }), request, watcher),
    ).rejects.toMatchObject({
      name: 'RetireRefused',
      exitCode: 3,
      message: 'of this time',
      hint: containing(`retire ${ID}`),
    });
    await expect(retireAndFollow(backendWith(), { ...request, action: 'reinstate' }, watcher)).rejects.toMatchObject({
      exitCode: 3,
      message: containing('long text'),
      hint: containing('--undo'),
    });
    const accepting = { ...request, accept: ['consumer:SecretStore/shop/aws', 'consumer:system:serviceaccount:*:api'] };
    await expect(retireAndFollow(backendWith(), accepting, watcher)).rejects.toMatchObject({
      hint: containing(
        `retire ${ID} --accept consumer:SecretStore/shop/aws --accept 'consumer:system:serviceaccount:*:api'`,
      ),
    });
  });

  it('that ends with another error is not a refusal: something may have been written', async () => {
    failsWith('TrustChanged');
    const failed = { name: 'RetireFailed', exitCode: 1, hint: containing(EXECUTION) };
    await expect(
      retireAndFollow(backendWith({ listSteps: async () => [line('TrustChanged', 'it was', 1)] }), request, watcher),
    ).rejects.toMatchObject({ ...failed, message: 'it was' });
    sfn
      .on(GetExecutionHistoryCommand)
      .resolves({ events: [{ id: 1, type: 'ExecutionAborted', timestamp: new Date(0) }] });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'ABORTED' });
    await expect(retireAndFollow(backendWith(), request, watcher)).rejects.toMatchObject({
      ...failed,
      message: 'execution ABORTED',
    });
  });

  it('starts nothing for an unknown migration, one without a record yet, or a service that may not change trust policies', async () => {
    const { retireStateMachineArn: _none, ...without } = backendWith();
    await expect(retireAndFollow(without, request, watcher)).rejects.toMatchObject({
      name: 'NotEnabled',
      exitCode: 2,
      hint: matching(/repairableRoleArns.*POD_IDENTITY_RETIRE_STATE_MACHINE_ARN/),
    });
    const unrecorded = backendWith({ getMigration: async () => undefined });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    await expect(retireAndFollow(unrecorded, request, watcher)).rejects.toMatchObject({
      name: 'RetireRefused',
      exitCode: 3,
    });
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: 'no', $metadata: {} }));
    await expect(retireAndFollow(unrecorded, request, watcher)).rejects.toMatchObject({
      name: 'UnknownMigration',
      exitCode: 2,
    });
    expect(sfn.commandCalls(StartExecutionCommand)).toEqual([]);
  });
});

describe('the output of retire', () => {
  const retired = (change: Partial<Retired> = {}): Retired => ({
    migrationId: ID,
    action: 'retire',
    dryRun: false,
    done: true,
    checks: [aCheck()],
    roles: [removed],
    ...change,
  });
  const lines = (change: Partial<Retired>, command?: string): string =>
    retiredLines(retired(change), { command }, PLAIN).join('\n');
  const failing = aCheck({ id: 'retire-pods', status: 'fail', message: 'one pod', remedy: 'restart it' });

  it.each<[string, Partial<Retired>, RegExp]>([
    [
      'done',
      {},
      new RegExp(
        `^✔ retired {2}${ID}: the role is now used through EKS Pod Identity only\n\nRole {2}${ROLE}: statement removed\n[^]*\n {4}- {7}"Sid": "Irsa"`,
      ),
    ],
    [
      'a dry run',
      { dryRun: true, done: false, roles: [{ ...removed, result: 'would-remove' }] },
      /^✔ dry run .*what retire would change; nothing was changed\n[^]*would be removed/,
    ],
    [
      'put back',
      { action: 'reinstate', roles: [{ roleArn: ROLE, result: 'restored', before: AFTER, after: BEFORE }] },
      /^↩ restored [^]*\n {4}\+ {7}"Sid": "Irsa"/,
    ],
    [
      'nothing',
      { done: false, roles: [{ roleArn: ROLE, result: 'nothing', why: 'it is out already' }] },
      /^✔ nothing to do [^]*: nothing to do\n {2}it is out already\n/,
    ],
    [
      'refused',
      {
        done: false,
        dryRun: true,
        checks: [failing],
        roles: [{ roleArn: ROLE, result: 'refused', why: 'its checks' }],
      },
      /^✖ refused .*nothing was changed\n[^]*left unchanged\n[^]*✖ retire-pods: one pod\n +do: restart it/,
    ],
  ])('%s', (_, change, text) => expect(lines(change)).toMatch(text));

  it('shows the next command', () => {
    expect(lines({ dryRun: true }, 'COMMAND')).toMatch(/\n✔ retired: .*\nTo apply it:\n {2}COMMAND$/);
    expect(lines({}, 'COMMAND')).toMatch(/\n✔ retired: .*\nTo undo it:\n {2}COMMAND$/);
    expect(lines({})).not.toContain('COMMAND');
  });

  it.each<[string, Partial<Retired>, string]>([
    ['was removed', {}, "Remove the statement from the role's code before the next apply"],
    ['was restored', { action: 'reinstate' }, "Add the statement to the role's code before the next apply"],
  ])("names the hand-off if a statement %s, since the role's code does not know it", (_what, change, why) => {
    const hand = (more: Partial<Retired>): string =>
      retiredLines(retired({ ...change, ...more }), { handOff: 'HAND-OFF' }, PLAIN).join('\n');
    expect(hand({})).toContain(`\n${why}:\n  HAND-OFF`);
    expect(hand({ done: false })).not.toContain('HAND-OFF');
  });

  it('counts as refused if one role is refused, or if a check blocks all', () => {
    expect(isRefused(retired())).toBe(false);
    expect(isRefused(retired({ roles: [{ roleArn: ROLE, result: 'refused' }] }))).toBe(true);
    expect(isRefused(retired({ roles: [], checks: [failing] }))).toBe(true);
    // There is nothing to remove, so nothing can prevent it.
    expect(isRefused(retired({ roles: [{ roleArn: ROLE, result: 'nothing' }], checks: [failing] }))).toBe(false);
  });
});

describe('the variable of the state machine Retire', () => {
  const outputs = {
    stateMachineArn: machine('MigrateAddon'),
    recoverStateMachineArn: machine('Recover'),
    tableName: 'Ledger',
  };

  it('is optional, and is printed if there is a state machine', () => {
    const without = serviceEnvironment(outputs);
    expect(without).not.toHaveProperty('POD_IDENTITY_RETIRE_STATE_MACHINE_ARN');
    const others = { simulated: true, allowUnknownRequester: true };
    expect(readServiceEnvironment(without)).toEqual({ ...outputs, ...others });
    const all = { ...outputs, retireStateMachineArn: machine('Retire') };
    expect(readServiceEnvironment(serviceEnvironment(all))).toEqual({ ...all, ...others });
  });

  it('must be the ARN of a state machine', () => {
    const error = errorOf(() =>
      readServiceEnvironment({ ...serviceEnvironment(outputs), POD_IDENTITY_RETIRE_STATE_MACHINE_ARN: 'Retire' }),
    );
    expect(error).toBeInstanceOf(CliError);
    expect(error.message).toBe(
      '--deployed needs to know where the service is:\nPOD_IDENTITY_RETIRE_STATE_MACHINE_ARN must be the ARN of a state machine',
    );
    expect(error.hint).toContain('output RetireStateMachineArn');
  });
});
