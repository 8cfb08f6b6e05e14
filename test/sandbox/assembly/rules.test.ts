import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../../sandbox/assembly/assembly.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:recover';
const write = (rule: object, folder = mkdtempSync(join(tmpdir(), 'rules-'))): string => {
  folders.push(folder);
  const put = (file: string, content: unknown): void => writeFileSync(join(folder, file), JSON.stringify(content));
  put('manifest.json', {
    version: '1',
    artifacts: {
      App: {
        type: 'aws:cloudformation:stack',
        environment: 'aws://unknown-account/unknown-region',
        properties: { templateFile: 'App.template.json' },
      },
    },
  });
  put('App.template.json', { Resources: { Rule: { Type: 'AWS::Events::Rule', Properties: rule } } });
  return folder;
};
const load = (rule: object) => loadAssembly(write(rule), { account: '111122223333', region: 'eu-west-1' }).rules;

describe('rules', () => {
  test('have a pattern, a schedule and targets', () => {
    const targets = [
      {
        Id: 'Target0',
        Arn: {
          'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':states:eu-west-1:111122223333:stateMachine:recover']],
        },
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
  ])('%s is %i seconds', (expression, seconds) => {
    expect(load({ ScheduleExpression: expression })).toMatchObject([{ everySeconds: seconds }]);
  });

  test.each([
    [
      'cron',
      { ScheduleExpression: 'cron(0 12 * * ? *)' },
      'the schedule cron(0 12 * * ? *); the sandbox supports only rate(…)',
    ],
    ['a unit that does not fit its number', { ScheduleExpression: 'rate(1 minutes)' }, 'the schedule rate(1 minutes)'],
    ['a rate of zero', { ScheduleExpression: 'rate(0 minutes)' }, 'the schedule rate(0 minutes)'],
    ['another bus', { EventBusName: 'mine', EventPattern: {} }, 'the event bus mine'],
    [
      'another kind of target',
      { EventPattern: {}, Targets: [{ Id: 'A', Arn: 'arn:aws:sqs:eu-west-1:111122223333:queue' }] },
      'the target arn:aws:sqs:eu-west-1:111122223333:queue',
    ],
    [
      'a template with a variable that has no path',
      {
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
      'an InputTemplate with <b>, which InputPathsMap does not have',
    ],
    [
      'a path with a wildcard',
      {
        EventPattern: {},
        Targets: [
          { Id: 'A', Arn: MACHINE, InputTransformer: { InputPathsMap: { a: '$.detail.*' }, InputTemplate: '<a>' } },
        ],
      },
      'the path $.detail.*',
    ],
    [
      'an invalid input path',
      { EventPattern: {}, Targets: [{ Id: 'A', Arn: MACHINE, InputPath: 'detail' }] },
      'the path detail',
    ],
    [
      'two kinds of input',
      { EventPattern: {}, Targets: [{ Id: 'A', Arn: MACHINE, Input: '{}', InputPath: '$.detail' }] },
      'a target with more than one of Input, InputPath and InputTransformer',
    ],
    [
      'an input that is not JSON',
      { EventPattern: {}, Targets: [{ Id: 'A', Arn: MACHINE, Input: 'fixed' }] },
      'an Input that is not JSON',
    ],
    [
      'a target with unsupported fields',
      { EventPattern: {}, Targets: [{ Id: 'A', Arn: MACHINE, EcsParameters: {} }] },
      'a target with EcsParameters',
    ],
    ['targets that are not a list', { EventPattern: {}, Targets: 'all' }, 'Targets that are not a list'],
  ])('refuse %s, with its position', (_, rule, message) => {
    expect(() => load(rule)).toThrow(message);
    expect(() => load(rule)).toThrow('App.template.json, Rule');
  });

  test('that are disabled are left out', () => {
    expect(load({ ScheduleExpression: 'cron(0 12 * * ? *)', State: 'DISABLED' })).toEqual([]);
  });
});

test('an assembly is read once, and again when it has changed', () => {
  const where = { account: '111122223333', region: 'eu-west-1' };
  const folder = write({ ScheduleExpression: 'rate(5 minutes)' });
  const first = loadAssembly(folder, where);
  expect(loadAssembly(folder, where)).toBe(first);
  expect(loadAssembly(folder, { ...where, region: 'us-east-1' }).rules[0]!.arn).toContain('us-east-1');
  write({ ScheduleExpression: 'rate(9 minutes)' }, folder);
  // Within the same tick of the file system's clock, and with the same length.
  utimesSync(join(folder, 'App.template.json'), new Date(), new Date(Date.now() + 5000));
  expect(loadAssembly(folder, where).rules).toMatchObject([{ everySeconds: 540 }]);
});
