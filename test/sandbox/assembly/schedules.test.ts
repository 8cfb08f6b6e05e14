import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, RemovalPolicy, Stack, TimeZone } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as targets from 'aws-cdk-lib/aws-scheduler-targets';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { type Assembly, loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { checkServiceRoles } from '../../../sandbox/service-roles.ts';
import { matching } from '../../lambdas/matchers.ts';
import { scratchDirectory } from '../../scratch.ts';
import { load as loadStacks } from './stacks.ts';

const folder = scratchDirectory();
const KEEP = RemovalPolicy.RETAIN;
const AWS = { account: '111122223333', region: 'eu-west-1' };

const load = (Resources: Record<string, object>): Assembly => loadStacks({ App: { Resources } });

const synthesized = (): Assembly => {
  const app = new App({ outdir: join(folder, 'out'), builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'App');
  const code = join(folder, 'code');
  mkdirSync(code);
  writeFileSync(join(code, 'start.js'), 'exports.handler = () => {};');
  const start = new lambda.Function(stack, 'Start', {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'start.handler',
    code: lambda.Code.fromAsset(code),
  });
  const results = { enforceSSL: true, versioned: true, bucketName: 'results-of-dev' };
  new s3.Bucket(stack, 'Results', results).applyRemovalPolicy(KEEP);
  new s3.Bucket(stack, 'Open').applyRemovalPolicy(KEEP);
  const input = scheduler.ScheduleTargetInput.fromObject({
    mode: 'inventory',
    scheduledTime: scheduler.ContextAttribute.scheduledTime,
  });
  const deadLetterQueue = new sqs.Queue(stack, 'Dead');
  const retries = { retryAttempts: 3, maxEventAge: Duration.hours(1) };
  const target = new targets.LambdaInvoke(start, { input, deadLetterQueue, ...retries });
  const monday = { minute: '0', hour: '6', weekDay: 'MON', timeZone: TimeZone.EUROPE_BERLIN };
  const weekly = { schedule: scheduler.ScheduleExpression.cron(monday), start: new Date('2026-02-01T00:00:00Z') };
  const off = { schedule: scheduler.ScheduleExpression.rate(Duration.hours(1)), enabled: false };
  new scheduler.Schedule(stack, 'Weekly', { target, ...weekly }).applyRemovalPolicy(KEEP);
  new scheduler.Schedule(stack, 'Off', { target, ...off }).applyRemovalPolicy(KEEP);
  app.synth();
  return loadAssembly(app.outdir, AWS);
};

describe("CDK's output", () => {
  const assembly = synthesized();

  test('for schedules is read, except for disabled ones', () => {
    expect(assembly.schedules).toEqual([
      {
        logicalId: matching(/^Weekly/),
        name: matching(/^App-Weekly/),
        arn: matching(/^arn:aws:scheduler:eu-west-1:111122223333:schedule\/default\/App-Weekly/),
        groupArn: 'arn:aws:scheduler:eu-west-1:111122223333:schedule-group/default',
        expression: 'cron(0 6 ? * MON *)',
        timeZone: 'Europe/Berlin',
        startAt: Date.parse('2026-02-01T00:00:00Z'),
        target: {
          arn: matching(/:function:App-Start/),
          roleArn: matching(/:role\//),
          input: '{"mode":"inventory","scheduledTime":"<aws.scheduler.scheduled-time>"}',
          deadLetterArn: matching(/:sqs:.*:App-Dead/),
        },
      },
    ]);
    expect(() => checkServiceRoles(assembly)).not.toThrow();
  });

  test('for buckets is read with their policies and versioning', () => {
    const [results, open] = assembly.buckets!;
    expect(results).toMatchObject({ name: 'results-of-dev', account: '111122223333', region: 'eu-west-1' });
    expect(results!.statements).toMatchObject([
      {
        resources: ['arn:aws:s3:::results-of-dev', 'arn:aws:s3:::results-of-dev/*'],
        policy: { valid: true, statements: [{ effect: 'Deny', conditions: [{ key: 'aws:SecureTransport' }] }] },
      },
    ]);
    expect([results!.isVersioned, open!.isVersioned]).toEqual([true, false]);
    expect(open).toMatchObject({ name: matching(/^app-open/), statements: [] });
  });
});

describe('a schedule is refused', () => {
  const target = {
    Arn: 'arn:aws:lambda:eu-west-1:111122223333:function:start',
    RoleArn: 'arn:aws:iam::111122223333:role/scheduler',
  };
  const usual = { ScheduleExpression: 'rate(1 hour)', FlexibleTimeWindow: { Mode: 'OFF' }, Target: target };
  const schedule = (more: object) => () =>
    load({ It: { Type: 'AWS::Scheduler::Schedule', Properties: { ...usual, ...more } } });

  test.each([
    [
      'with a flexible time window',
      { FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 } },
      'Properties.FlexibleTimeWindow has a flexible time window',
    ],
    [
      'with an invalid expression',
      { ScheduleExpression: 'cron(0 9 * * *)' },
      'Properties.ScheduleExpression has the schedule cron(0 9 * * *), which Scheduler would refuse',
    ],
    ['with an unknown time zone', { ScheduleExpressionTimezone: 'Europe/Atlantis' }, 'the time zone Europe/Atlantis'],
    [
      'with another target',
      { Target: { ...target, Arn: 'arn:aws:sqs:eu-west-1:111122223333:queue' } },
      'the target arn:aws:sqs',
    ],
    [
      'with an unsupported field',
      { Target: { ...target, EcsParameters: {} } },
      "Properties.Target has a schedule's target with EcsParameters",
    ],
    ['with a start that is not a time', { StartDate: 'soon' }, 'Properties.StartDate has the time "soon"'],
  ])('%s', (_, more, message) => expect(schedule(more)).toThrow(message));

  test('only for these reasons', () => expect(schedule({})().schedules).toHaveLength(1));
});

const bucketWith = (more: object): (() => ReturnType<typeof load>) => {
  const statement = { Effect: 'Deny', Principal: '*', Action: 's3:*', ...more };
  const PolicyDocument = { Version: '2012-10-17', Statement: [statement] };
  return () =>
    load({
      It: { Type: 'AWS::S3::Bucket' },
      Policy: { Type: 'AWS::S3::BucketPolicy', Properties: { Bucket: { Ref: 'It' }, PolicyDocument } },
    });
};
test.each([
  ['with NotResource', { NotResource: 'arn:aws:s3:::other' }, 'a policy with NotResource'],
  ['that AWS would refuse', { Resource: '*', Effect: 'Perhaps' }, 'a policy that AWS would refuse'],
])("a bucket's policy %s is refused", (_, more, message) => expect(bucketWith(more)).toThrow(message));
test("a bucket's policy may be for everybody, as no trust policy is", () =>
  expect(bucketWith({ Resource: '*' })().buckets?.[0]?.statements).toHaveLength(1));
