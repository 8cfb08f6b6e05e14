import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { Messages } from '../../../sandbox/messaging/messages.ts';
import { bareWorld, START } from '../bare-world.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'messaging-'));
  folders.push(folder);
  return folder;
};
const AWS = { account: '111122223333', region: 'eu-west-1' };

const load = (resources: Record<string, object>) => {
  const folder = newFolder();
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
  put('App.template.json', { Resources: resources });
  return loadAssembly(folder, AWS);
};

/** As CDK writes it: two topics and a queue, a rule that notifies one topic. */
const synthesised = () => {
  const app = new App({ outdir: newFolder() });
  const stack = new Stack(app, 'App');
  const topic = new sns.Topic(stack, 'Alerts', { enforceSSL: true });
  topic.addSubscription(new subscriptions.EmailSubscription('team@example.com'));
  topic.addSubscription(new subscriptions.UrlSubscription('https://chat.example.com/hook'));
  const other = new sns.Topic(stack, 'Other', { topicName: 'other' });
  const deadLetterQueue = new sqs.Queue(stack, 'Dead', { enforceSSL: true });
  const rule = new events.Rule(stack, 'Rule', {
    eventPattern: { source: ['my.app'], detail: { name: events.Match.wildcard('a*') } },
  });
  const { detail, time } = { detail: events.EventField.fromPath('$.detail'), time: events.EventField.time };
  const queue = { deadLetterQueue, maxEventAge: Duration.hours(1), retryAttempts: 3 };
  rule.addTarget(
    new targets.SnsTopic(topic, {
      ...queue,
      message: events.RuleTargetInput.fromObject({ at: time, text: `at ${time}`, detail }),
    }),
  );
  rule.addTarget(
    new targets.SnsTopic(topic, {
      message: events.RuleTargetInput.fromMultilineText(
        `It was "${events.EventField.fromPath('$.detail.name')}"\nat ${time}`,
      ),
    }),
  );
  other.addSubscription(new subscriptions.EmailSubscription('others@example.com'));
  app.synth();
  return loadAssembly(app.outdir, AWS);
};

describe('what CDK writes of topics and queues', () => {
  const assembly = synthesised();
  const [alerts, other] = assembly.topics;
  const [dead] = assembly.queues;
  const [rule] = assembly.rules;

  test('are topics with their subscriptions, and queues, each with its policy', () => {
    expect(alerts).toMatchObject({
      arn: expect.stringMatching(/^arn:aws:sns:eu-west-1:111122223333:App-Alerts/) as string,
      subscriptions: [
        { protocol: 'email', endpoint: 'team@example.com' },
        { protocol: 'https', endpoint: 'https://chat.example.com/hook' },
      ],
    });
    expect(other).toMatchObject({
      name: 'other',
      arn: 'arn:aws:sns:eu-west-1:111122223333:other',
      policies: [],
      subscriptions: [{ protocol: 'email', endpoint: 'others@example.com' }],
    });
    expect(dead).toMatchObject({
      arn: expect.stringMatching(/^arn:aws:sqs:eu-west-1:111122223333:App-Dead/) as string,
    });
    expect(
      [alerts, dead].map((each) => each!.policies.map((policy) => policy.valid && policy.statements.length)),
    ).toEqual([[2], [2]]);
  });

  test('are targets with their dead-letter queue and their input', () => {
    expect(rule!.targets).toEqual([
      {
        id: 'Target0',
        arn: alerts!.arn,
        deadLetterArn: dead!.arn,
        inputTransformer: {
          paths: { time: '$.time', detail: '$.detail' },
          template: '{"at":<time>,"text":"at <time>","detail":<detail>}',
        },
      },
      {
        id: 'Target1',
        arn: alerts!.arn,
        inputTransformer: {
          paths: { 'detail-name': '$.detail.name', time: '$.time' },
          template: '"It was \\"<detail-name>\\""\n"at <time>"',
        },
      },
    ]);
  });

  test('let that rule in, and nobody else where they say so', () => {
    const world = bareWorld();
    const messages = new Messages({
      world,
      clock: { now: () => START },
      authorizer: new Authorizer(world),
      topics: assembly.topics,
      queues: assembly.queues,
    });
    const asRule = { caller: 'events.amazonaws.com', sourceArn: rule!.arn };
    const asOther = { ...asRule, sourceArn: `${rule!.arn}-other` };
    expect(messages.publish(alerts!.arn, 'text', asRule)).toBeUndefined();
    expect(messages.publish(other!.arn, 'text', asRule)).toMatchObject({ code: 'NO_PERMISSIONS' });
    expect(messages.keep(dead!.arn, { event: {}, why: 'none' }, asRule)).toBeUndefined();
    expect(messages.keep(dead!.arn, { event: {}, why: 'none' }, asOther)).toMatchObject({ code: 'NO_PERMISSIONS' });
    expect([world.notifications.length, world.deadLetters.length]).toEqual([1, 1]);
  });
});

describe('a policy', () => {
  const topic = { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alerts' } };
  const statement = (more: object = {}) => ({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sns:Publish',
    Resource: { Ref: 'Topic' },
    ...more,
  });
  const policy = (...statements: object[]) => ({
    Type: 'AWS::SNS::TopicPolicy',
    Properties: { Topics: [{ Ref: 'Topic' }], PolicyDocument: { Version: '2012-10-17', Statement: statements } },
  });
  const statementsOf = (...statements: object[]) =>
    load({ Topic: topic, Policy: policy(...statements) }).topics[0]!.policies.flatMap((each) =>
      each.valid ? each.statements : [],
    );

  test('counts where its resource is the topic', () => {
    expect(
      statementsOf(
        statement(),
        statement({ Resource: 'arn:aws:sns:*:111122223333:al*' }),
        statement({ Resource: ['arn:x', '*'] }),
      ),
    ).toHaveLength(3);
    expect(statementsOf(statement({ Resource: 'arn:aws:sns:eu-west-1:111122223333:other' }))).toEqual([]);
  });

  test('of another topic is none of it', () => {
    const { topics } = load({
      Topic: topic,
      Other: { Type: 'AWS::SNS::Topic', Properties: {} },
      Policy: policy(statement({ Resource: '*' })),
    });
    expect(topics.map(({ logicalId, policies }) => [logicalId, policies.length])).toEqual([
      ['Topic', 1],
      ['Other', 0],
    ]);
  });

  test.each<[string, object, string]>([
    ['NotResource', statement({ NotResource: '*' }), 'a policy with NotResource, which the sandbox does not support'],
    [
      'what AWS would refuse',
      statement({ Effect: 'Permit' }),
      'a policy that AWS would refuse: Statement[0].Effect must be "Allow" or "Deny"',
    ],
  ])('with %s is refused, and where', (_, wrong, message) => {
    expect(() => statementsOf(wrong)).toThrow(message);
    expect(() => statementsOf(wrong)).toThrow('App.template.json, Policy');
  });
});
