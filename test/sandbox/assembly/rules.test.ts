import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { load as loadStacks, write } from './stacks.ts';

const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:recover';
const stacksOf = (rule: object) => ({ App: { Resources: { Rule: { Type: 'AWS::Events::Rule', Properties: rule } } } });
const load = (rule: object) => loadStacks(stacksOf(rule)).rules;

describe('rules', () => {
  test('have a pattern, a schedule and targets', () => {
    const targets = [
      {
        Id: 'Target0',
        Arn: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, MACHINE.slice('arn:aws'.length)]] },
        RoleArn: 'arn:role',
        InputTransformer: {
          InputPathsMap: { 'detail-name': '$.detail.name' },
          InputTemplate: '{"migrationId":<detail-name>}',
        },
      },
      {
        Id: 'Target1',
        Arn: 'arn:aws:lambda:eu-west-1:111122223333:function:find:1',
        Input: { 'Fn::Sub': '{"region":"${AWS::Region}"}' },
        RetryPolicy: { MaximumRetryAttempts: 2 },
      },
      {
        Id: 'Target2',
        Arn: MACHINE,
        InputPath: '$.detail',
        DeadLetterConfig: { Arn: 'arn:aws:sqs:eu-west-1:111122223333:dead' },
      },
      { Id: 'Target3', Arn: 'arn:aws:sns:eu-west-1:111122223333:topic' },
    ];
    expect(
      load({
        EventPattern: { source: ['aws.states'], detail: { status: ['ABORTED'] } },
        ScheduleExpression: 'rate(5 minutes)',
        State: 'ENABLED',
        Targets: targets,
      }),
    ).toEqual([
      {
        logicalId: 'Rule',
        name: 'App-Rule',
        arn: 'arn:aws:events:eu-west-1:111122223333:rule/App-Rule',
        pattern: { source: ['aws.states'], detail: { status: ['ABORTED'] } },
        everySeconds: 300,
        targets: [
          {
            id: 'Target0',
            arn: MACHINE,
            roleArn: 'arn:role',
            inputTransformer: { paths: { 'detail-name': '$.detail.name' }, template: '{"migrationId":<detail-name>}' },
          },
          {
            id: 'Target1',
            arn: 'arn:aws:lambda:eu-west-1:111122223333:function:find:1',
            input: '{"region":"eu-west-1"}',
          },
          {
            id: 'Target2',
            arn: MACHINE,
            inputPath: '$.detail',
            deadLetterArn: 'arn:aws:sqs:eu-west-1:111122223333:dead',
          },
          { id: 'Target3', arn: 'arn:aws:sns:eu-west-1:111122223333:topic' },
        ],
      },
    ]);
  });

  test.each([
    ['rate(1 minute)', 60],
    ['rate(2 hours)', 7200],
    ['rate(1 day)', 86_400],
  ])('%s is %i seconds', (expression, seconds) =>
    expect(load({ ScheduleExpression: expression })).toMatchObject([{ everySeconds: seconds }]),
  );

  const target = (more: object) => ({ EventPattern: {}, Targets: [{ Id: 'A', Arn: MACHINE, ...more }] });
  const refused: Record<string, object> = {
    'the schedule cron(0 12 * * ? *); the sandbox supports only rate(…)': { ScheduleExpression: 'cron(0 12 * * ? *)' },
    'the schedule rate(1 minutes)': { ScheduleExpression: 'rate(1 minutes)' },
    'the schedule rate(0 minutes)': { ScheduleExpression: 'rate(0 minutes)' },
    'the event bus mine': { EventBusName: 'mine', EventPattern: {} },
    'the target arn:aws:sqs:eu-west-1:111122223333:queue': {
      EventPattern: {},
      Targets: [{ Id: 'A', Arn: 'arn:aws:sqs:eu-west-1:111122223333:queue' }],
    },
    'an InputTemplate with <b>, which InputPathsMap does not have': {
      EventPattern: {},
      Targets: [
        {
          Id: 'A',
          Arn: MACHINE,
          InputTransformer: {
            InputPathsMap: { a: '$.id' },
            InputTemplate: '{"a":<a>,"b":<b>,"c":<aws.events.rule-name>}',
          },
        },
      ],
    },
    'the path $.detail.*': target({ InputTransformer: { InputPathsMap: { a: '$.detail.*' }, InputTemplate: '<a>' } }),
    'the path detail': target({ InputPath: 'detail' }),
    'a target with more than one of Input, InputPath and InputTransformer': target({
      Input: '{}',
      InputPath: '$.detail',
    }),
    'an Input that is not JSON': target({ Input: 'fixed' }),
    'a target with EcsParameters': target({ EcsParameters: {} }),
    'Targets that are not a list': { EventPattern: {}, Targets: 'all' },
  };
  test.each(Object.entries(refused))('are refused, with their position: %s', (message, rule) => {
    expect(() => load(rule)).toThrow(message);
    expect(() => load(rule)).toThrow('App.template.json, Rule');
  });

  test('that are disabled are left out', () =>
    expect(load({ ScheduleExpression: 'cron(0 12 * * ? *)', State: 'DISABLED' })).toEqual([]));
});

test('an assembly is read once, and again when it has changed', () => {
  const where = { account: '111122223333', region: 'eu-west-1' };
  const folder = write(stacksOf({ ScheduleExpression: 'rate(5 minutes)' }));
  const first = loadAssembly(folder, where);
  expect(loadAssembly(folder, where)).toBe(first);
  expect(loadAssembly(folder, { ...where, region: 'us-east-1' }).rules[0]!.arn).toContain('us-east-1');
  const changed = JSON.stringify(stacksOf({ ScheduleExpression: 'rate(9 minutes)' }).App);
  writeFileSync(join(folder, 'App.template.json'), changed);
  // Within the same tick of the file system's clock, and with the same length.
  utimesSync(join(folder, 'App.template.json'), new Date(), new Date(Date.now() + 5000));
  expect(loadAssembly(folder, where).rules).toMatchObject([{ everySeconds: 540 }]);
});
