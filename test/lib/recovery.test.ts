import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { splitPausing } from '../../lambdas/runtime/pausing.ts';
import { takeOverSchema } from '../../lambdas/steps/take-over/schema.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { statusChange } from '../../sandbox/events/event.ts';
import { inputFor } from '../../sandbox/events/input.ts';
import { compile } from '../../sandbox/events/pattern.ts';
import { directory, migrateAddon, recover, resolve, type Resource, resourcesOf, template } from './definition.ts';

const { states } = recover;
const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';

describe('Recover', () => {
  it('does what the take-over says is left to do', () => {
    expect(states.WhatIsLeft).toMatchObject({
      Choices: [
        { Condition: "{% $states.input.action = 'roll-back' %}", Next: 'RollBack' },
        { Condition: "{% $states.input.action = 'finish' %}", Next: 'RecordMigrated' },
        { Condition: "{% $states.input.action = 'release' %}", Next: 'RecordBlocked' },
      ],
      Default: 'NothingToRecover',
    });
    expect(states.Start).toMatchObject({ Next: 'TakeOver' });
    for (const record of ['RecordMigrated', 'RecordBlocked', 'RecordRolledBack'])
      expect(states[record]!.Next).toBe('Recovered');
  });

  it('succeeds when it has done what it was started for', () => {
    expect(
      recover
        .ofType('Succeed')
        .map(([name]) => name)
        .sort(),
    ).toEqual(['NothingToRecover', 'Recovered']);
    expect(Object.fromEntries(recover.ofType('Fail').map(([name, { Error }]) => [name, Error]))).toEqual({
      NeedsHuman: 'NeedsHuman',
      RecoveryFailed: 'RecoveryFailed',
    });
  });

  it('leaves the record alone where it can not begin', () => {
    for (const name of ['TakeOver', 'RecordMigrated', 'RecordBlocked'])
      expect(recover.catchersOf(name)).toEqual([[['States.ALL'], 'RecoveryFailed']]);
  });

  it.each([
    { migrationId: MIGRATION_ID, cause: 'stranded' },
    { migrationId: MIGRATION_ID, cause: 'requested', requestedBy: 'alice' },
    { migrationId: MIGRATION_ID, cause: 'requested', requestedBy: 'alice', reason: 'slow mounts' },
  ])('gives the take-over what its own input has, and no more: %o', async (input) => {
    const payload = (states.TakeOver!.Arguments!.Payload as string).slice(2, -2);
    const StartTime = '2026-01-05T09:00:00.000Z';
    const given: unknown = await jsonata(payload).evaluate(
      {},
      {
        pauses: 0,
        states: {
          context: { Execution: { Id: 'arn:of:recover', Input: input, StartTime }, State: { RetryCount: 0 } },
        },
      },
    );
    const { event, pausing } = splitPausing(given);
    expect(event).toEqual({ ...input, executionArn: 'arn:of:recover', unknownFields: [] });
    expect(pausing).toEqual({ state: 'TakeOver', back: true, pauses: 1, executionStartedAt: StartTime, retries: 0 });
    expect(takeOverSchema.input.safeParse(event).success).toBe(true);
  });
});

interface RuleProperties {
  Targets: { DeadLetterConfig: { Arn: string }; RetryPolicy: { MaximumRetryAttempts: number } }[];
}
interface QueueStatement {
  Action: string;
  Condition: { ArnEquals?: object };
}

describe('rule for executions that stopped', () => {
  const account = '111122223333';
  const region = 'eu-west-1';
  const assembly = loadAssembly(directory, { account, region });
  const machineArn = (output: string): string => assembly.outputs[output]!;
  const rule = assembly.rules.find(({ pattern }) => pattern !== undefined)!;
  const [target] = rule.targets as [(typeof rule.targets)[number]];

  /** As Step Functions sends it. */
  const event = (detail: { status: string; error?: string | undefined; machine?: string }) =>
    statusChange(
      {
        arn: 'arn:of:the:execution',
        name: MIGRATION_ID,
        status: detail.status,
        machine: { arn: machineArn(detail.machine ?? 'StateMachineArn') },
        startedAt: 0,
        stoppedAt: 1,
        input: '{}',
        output: undefined,
        error: detail.error,
        cause: detail.error,
      },
      { id: 'e', account, region, at: 1 },
    );
  const matches = (one: object): boolean => compile(rule.pattern!)(one);

  it.each([
    { status: 'ABORTED' },
    { status: 'TIMED_OUT' },
    { status: 'FAILED', error: 'States.Runtime' },
    { status: 'FAILED', error: 'States.DataLimitExceeded' },
    { status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' },
  ])('starts Recover for %o', (detail) => expect(matches(event(detail))).toBe(true));

  it('starts Recover for a failure that has no error', () => {
    const {
      detail: { error: _, ...detail },
      ...rest
    } = event({ status: 'FAILED' });
    expect(matches({ ...rest, detail })).toBe(true);
  });

  it.each([
    ...migrateAddon.ofType('Fail').map(([, { Error }]) => ({ status: 'FAILED', error: Error })),
    { status: 'RUNNING' },
    { status: 'SUCCEEDED' },
    { status: 'PENDING_REDRIVE' },
    { status: 'ABORTED', machine: 'RecoverStateMachineArn' },
  ])('does not for %o', (detail) => expect(matches(event(detail))).toBe(false));

  it('is not for what another service says', () =>
    expect(matches({ ...event({ status: 'ABORTED' }), source: 'aws.batch' })).toBe(false));

  it("gives Recover the execution's name as the migration, by an input that it takes", () => {
    const input = JSON.parse(inputFor(target, rule, event({ status: 'ABORTED' }))) as object;
    expect(input).toEqual({ migrationId: MIGRATION_ID, cause: 'stranded' });
    expect(takeOverSchema.input.safeParse({ ...input, executionArn: 'x' }).success).toBe(true);
    expect(target.arn).toBe(machineArn('RecoverStateMachineArn'));
  });

  it('may start Recover and nothing else', () => {
    const role = Object.entries(template.Resources).find(
      ([name, { Type }]) => Type === 'AWS::IAM::Role' && name.includes('StartsRecover'),
    )![0];
    const policies = resourcesOf('AWS::IAM::Policy').filter(([, { Properties }]) =>
      JSON.stringify(Properties.Roles).includes(role),
    );
    expect(
      policies.map(([, { Properties }]) => (resolve(Properties.PolicyDocument) as { Statement: unknown }).Statement),
    ).toEqual([[{ Action: 'states:StartExecution', Effect: 'Allow', Resource: recover.logicalId }]]);
  });

  it('and the schedule keep what could not be delivered', () => {
    const [[queue, { Properties }]] = resourcesOf('AWS::SQS::Queue') as [[string, Resource]];
    expect(Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 });
    const rules = resourcesOf('AWS::Events::Rule').map(([, rest]) => resolve(rest.Properties) as RuleProperties);
    expect(rules.length).toBeGreaterThan(4);
    for (const { DeadLetterConfig, RetryPolicy } of rules.flatMap(({ Targets }) => Targets)) {
      expect(DeadLetterConfig.Arn).toContain(queue);
      expect(RetryPolicy.MaximumRetryAttempts).toBeGreaterThan(0);
    }
    const [[, policy]] = resourcesOf('AWS::SQS::QueuePolicy') as [[string, Resource]];
    const { Statement } = policy.Properties.PolicyDocument as { Statement: QueueStatement[] };
    expect(Statement[0]).toMatchObject({
      Effect: 'Deny',
      Action: 'sqs:*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
    for (const statement of Statement.slice(1)) {
      expect(statement).toMatchObject({ Action: 'sqs:SendMessage', Principal: { Service: 'events.amazonaws.com' } });
      expect(Object.keys(statement.Condition.ArnEquals!)).toEqual(['aws:SourceArn']);
    }
  });

  it('is backed by a look at the locks every five minutes', () => {
    const every = assembly.rules.find(({ everySeconds }) => everySeconds === 300)!;
    const called = assembly.functions.find(({ versionArns }) => versionArns.includes(every.targets[0]!.arn))!;
    expect(called.handler).toBe('find-stranded.handler');
  });
});
