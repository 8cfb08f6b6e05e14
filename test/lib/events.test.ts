/** The rules that publish events, take denied calls, and tell people: which events they take, and what they hand on. */
import { describe, expect, it } from 'vitest';
import { MOST, serviceEventOf } from '../../lambdas/domain/events/service-event.ts';
import { EVENT_TYPES } from '../../lambdas/domain/events/outbox-events.ts';
import { publishEventsSchema } from '../../lambdas/steps/publish-events/schema.ts';
import { EventText } from '../../lib/events/message.ts';
import { type AssemblyRule } from '../../sandbox/assembly/rules.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import type { Json } from '../../sandbox/json.ts';
import { customEvent, statusChange } from '../../sandbox/events/event.ts';
import { inputFor } from '../../sandbox/events/input.ts';
import { compile } from '../../sandbox/events/pattern.ts';
import { deniedEvent } from '../lambdas/denied-event.ts';
import { aMigration, aRequest, at, endedAs, MIGRATION_ID, NOW } from '../lambdas/fixtures.ts';
import { deployed, directory, OTHER_ACCOUNT, resolve, resourcesOf, settingsIn } from './definition.ts';
import { synthesised, synthesiseWith } from './synthesised.ts';
import { containing } from '../lambdas/matchers.ts';

const account = '111122223333';
const region = 'eu-west-1';
const assembly = loadAssembly(directory, { account, region });
const ruleOf = (id: string): AssemblyRule => assembly.rules.find(({ logicalId }) => logicalId.startsWith(id))!;
const called = ({ targets }: AssemblyRule): (string | undefined)[] =>
  targets.map(({ arn }) => assembly.functions.find(({ versionArns }) => versionArns.includes(arn))?.handler);

describe('the rule for denied calls', () => {
  const rule = ruleOf('DenialsDeniedUpdate');
  const matches = compile(rule.pattern!);

  it('calls diagnose-denial with the whole event', () => {
    expect(called(rule)).toEqual(['diagnose-denial.handler']);
    expect(JSON.parse(inputFor(rule.targets[0]!, rule, deniedEvent() as never))).toEqual(deniedEvent());
  });

  it.each(['AccessDenied', 'AccessDeniedException'])('takes the recorded event, spelled %s', (errorCode) =>
    expect(matches(deniedEvent({ detail: { errorCode } }))).toBe(true),
  );

  it.each([
    ['another AccessDenied', { detail: { errorMessage: 'User: x is not authorized to perform: eks:UpdateAddon' } }],
    ['one without a message', { detail: { errorMessage: undefined } }],
    ['another error', { detail: { errorCode: 'InvalidParameterException' } }],
    ['a call that was let through', { detail: { errorCode: undefined, errorMessage: undefined } }],
    ['another call', { detail: { eventName: 'CreateAddon' } }],
    ['another service', { source: 'aws.lambda', detail: { eventSource: 'lambda.amazonaws.com' } }],
    ['an event from another source', { source: 'my.eks' }],
    ["EKS's own event", { 'detail-type': 'EKS Addon Update Failed' }],
  ])('leaves %s', (_, change) => expect(matches(deniedEvent(change))).toBe(false));
});

describe('the rules that publish', () => {
  const rule = ruleOf('PublishingExecutionEnded');
  const change = (status: string, machine = assembly.outputs['StateMachineArn']!, name = MIGRATION_ID) =>
    statusChange(
      {
        arn: 'arn:x',
        name,
        status,
        machine: { arn: machine },
        startedAt: NOW,
        stoppedAt: NOW,
        input: '{}',
        output: undefined,
        error: undefined,
        cause: undefined,
      },
      { id: 'e', account, region, at: NOW },
    );

  it.each(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])('call publish-events for an execution %s', (status) => {
    for (const machine of ['StateMachineArn', 'RecoverStateMachineArn']) {
      const event = change(status, assembly.outputs[machine], `${MIGRATION_ID}-1`);
      expect(compile(rule.pattern!)(event as never)).toBe(true);
      expect(publishEventsSchema.input.parse(JSON.parse(inputFor(rule.targets[0]!, rule, event)))).toEqual({
        name: `${MIGRATION_ID}-1`,
      });
    }
    expect(called(rule)).toEqual(['publish-events.handler']);
  });

  it('ignore running executions, and those of other state machines', () => {
    expect(compile(rule.pattern!)(change('RUNNING') as never)).toBe(false);
    expect(
      compile(rule.pattern!)(change('FAILED', 'arn:aws:states:eu-west-1:111122223333:stateMachine:other') as never),
    ).toBe(false);
  });

  it('call it each minute, for all', () => {
    const tick = ruleOf('PublishingPublishEvents');
    expect([tick.everySeconds, called(tick)]).toEqual([60, ['publish-events.handler']]);
    expect(publishEventsSchema.input.parse(JSON.parse(tick.targets[0]!.input!))).toEqual({});
  });
});

describe('the rule that tells people', () => {
  const rule = ruleOf('NotificationsNotify');
  const record = aMigration({ ...endedAs('planned', 60), request: aRequest({ dryRun: true }) });
  const eventOf = (detail: object, source = 'pod-identity-migrator', from = account) =>
    customEvent(
      { source, detailType: 'x', detail: detail as Json, resources: [] },
      { id: 'e', account: from, region, at: NOW },
    );

  it.each(EVENT_TYPES)('takes %s where it is named, and in any case where CloudTrail was the reason', (type) => {
    const named = ['approval-needed', 'waiting', 'resumed', 'rolled-back', 'needs-human'].includes(type);
    expect(compile(rule.pattern!)(eventOf({ type }))).toBe(named);
    expect(compile(rule.pattern!)(eventOf({ type, trigger: { kind: 'cross-account-pass-role' } }))).toBe(true);
  });

  it('leaves what others put, and what comes from elsewhere', () => {
    expect(compile(rule.pattern!)(eventOf({ type: 'needs-human' }, 'my.app'))).toBe(false);
    expect(compile(rule.pattern!)(eventOf({ type: 'needs-human' }, 'pod-identity-migrator', '999999999999'))).toBe(
      false,
    );
  });

  it("hands on the event's own lines, each in quotes", () => {
    const event = serviceEventOf(
      { ...record, trigger: { kind: 'cross-account-pass-role', eventId: 'e', at: at(0) } },
      'planned',
    )!;
    const text = inputFor(rule.targets[0]!, rule, eventOf(event));
    expect(text.split('\n').map((line) => /^"(.*)"$/.exec(line)?.[1])).toEqual([
      ...event.lines,
      ...Array.from({ length: MOST.lines - event.lines.length }, () => ''),
    ]);
  });

  it('asks EventBridge for no more variables and characters than it has', () => {
    const { inputPathsMap = {}, inputTemplate = '' } = EventText.input().bind({} as never);
    expect(Object.keys(inputPathsMap).length).toBeLessThanOrEqual(100);
    expect(inputTemplate.length).toBeLessThanOrEqual(8192);
  });
});

describe('the topic', () => {
  it('is sealed, takes no plain HTTP, and lets EventBridge publish', () => {
    const only = (type: string): Record<string, unknown> => resourcesOf(type)[0]![1].Properties;
    expect(only('AWS::SNS::Topic')['KmsMasterKeyId']).toMatchObject({
      'Fn::GetAtt': [containing('NotificationsKey'), 'Arn'],
    });
    expect(only('AWS::SNS::TopicPolicy')['PolicyDocument']).toMatchObject({
      Statement: [
        expect.objectContaining({
          Effect: 'Deny',
          Action: 'sns:Publish',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
        expect.objectContaining({
          Effect: 'Allow',
          Action: 'sns:Publish',
          Principal: { Service: 'events.amazonaws.com' },
        }),
      ],
    });
    // One would let nobody in.
    const { Statement: ofTopic } = only('AWS::SNS::TopicPolicy')['PolicyDocument'] as { Statement: object[] };
    expect(ofTopic[1]).not.toHaveProperty('Condition');
    const { Statement } = only('AWS::KMS::Key')['KeyPolicy'] as {
      Statement: { Sid?: string; Principal: object; Condition?: object }[];
    };
    expect(
      Statement.filter(({ Principal }) => JSON.stringify(Principal).includes('events.amazonaws.com')),
    ).toHaveLength(1);
    // Amazon SNS knows no condition on the source here.
    expect(resolve(Statement.find(({ Sid }) => Sid === 'Notifications')!.Condition)).toEqual({
      ArnLike: { 'kms:EncryptionContext:aws:sns:topicArn': 'arn:aws:sns:eu-west-1:111122223333:PodIdentityMigrator-*' },
    });
  });

  it('is not there, nor a key or a rule for it, where nobody is to be told', () => {
    const narrow = synthesiseWith({});
    for (const type of ['AWS::SNS::Topic', 'AWS::SNS::Subscription', 'AWS::KMS::Key'])
      expect(narrow.resourcesOf(type)).toEqual([]);
    expect(narrow.resourcesOf('AWS::Events::Rule')).toHaveLength(deployed.resourcesOf('AWS::Events::Rule').length - 1);
  });
});

describe('what diagnose-denial is told', () => {
  it('is to plan and tell, for the own account alone unless the configuration names others; the sandbox has all', () => {
    expect(deployed.variablesOf('diagnose-denial')).toMatchObject({
      ACCOUNT: account,
      DENIAL_ACTION: 'notify',
      QUIET_HOURS: '24',
    });
    expect([settingsIn(directory), synthesised({}).settings]).toMatchObject([{ accounts: ['*'] }, { accounts: [] }]);
    expect(
      synthesised({ repairableRoleArns: 'role/eks-addons/*' }, { accounts: [OTHER_ACCOUNT] }).settings,
    ).toMatchObject({ accounts: [OTHER_ACCOUNT] });
  });
});
