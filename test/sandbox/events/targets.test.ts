import { describe, expect, test } from 'vitest';
import type { AssemblyRule } from '../../../sandbox/assembly/rules.ts';
import { allow, fail, functionArn } from '../states/fixture.ts';
import {
  EVENTS_ROLE,
  allowEventBridge,
  open,
  OTHER,
  type Options,
  permission,
  queueOf,
  rule,
  topicOf,
} from './fixture.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:alerts';
const DEAD = 'arn:aws:sqs:eu-west-1:111122223333:dead';
const FUNCTION = functionArn('find');
const MATCH = { source: ['my.app'] };
const notifying = (more: Partial<AssemblyRule['targets'][number]> = {}): AssemblyRule =>
  rule({ pattern: MATCH, targets: [{ id: 'Alerts', arn: TOPIC, ...more }] });
const aboutRule = { ArnEquals: { 'aws:SourceArn': rule({}).arn } };
const dead = (condition?: object) => queueOf('dead', allowEventBridge('sqs:SendMessage', condition));

const simulate = async (options: Options, seconds = 600) => {
  const bench = open({ permissions: [permission({ functionArn: FUNCTION })], ...options });
  const id = bench.bus.put(
    { source: 'my.app', detailType: 'Migrated', detail: { name: 'one', said: 'say "no"' }, resources: [] },
    { account: '111122223333', region: 'eu-west-1' },
  );
  await bench.wait(seconds * 1000);
  return { ...bench, id };
};

describe('a topic', () => {
  test('that allows the rule keeps the message, and the call log has the call', async () => {
    const { world, id, authorizer } = await simulate({
      rules: [notifying()],
      topics: [topicOf('alerts', allowEventBridge('sns:Publish'))],
    });
    expect(world.notifications).toEqual([
      { at: '2026-01-15T09:00:01.000Z', topicArn: TOPIC, message: expect.any(String) as string },
    ]);
    expect(JSON.parse(world.notifications[0]!.message)).toMatchObject({
      id,
      source: 'my.app',
      'detail-type': 'Migrated',
      detail: { name: 'one' },
    });
    const where = { account: '111122223333', region: 'eu-west-1', caller: 'events.amazonaws.com' };
    expect(world.log.calls).toMatchObject([
      { service: 'sns', operation: 'Publish', ...where, input: { TopicArn: TOPIC }, status: 200 },
    ]);
    expect([world.log.mutations(), authorizer.denials]).toEqual([[], []]);
  });

  test('gets text unchanged, whether it is JSON or not', async () => {
    const paths = { name: '$.detail.name', said: '$.detail.said' };
    const topics = [topicOf('alerts', allowEventBridge('sns:Publish'))];
    const messageOf = async (template: string): Promise<string> =>
      (await simulate({ topics, rules: [notifying({ inputTransformer: { template, paths } })] })).world
        .notifications[0]!.message;
    expect(await messageOf('"<name> is done"\n"it says <said>"')).toBe('"one is done"\n"it says say "no""');
    expect(await messageOf('{"said": <said>}')).toBe('{"said":"say \\"no\\""}');
  });

  const publishing = (condition?: object) => allowEventBridge('sns:Publish', condition);
  const ofAccount = (account: string) => ({ StringEquals: { 'aws:SourceAccount': account } });
  const denied = { ...publishing(), Effect: 'Deny', Principal: '*' };
  const noPermission = { status: 403, error: 'AuthorizationError', denied: 'sns:Publish' };
  test.each<[string, object[], string?]>([
    ['has no policy', []],
    // Also for its own rule or its own account: EventBridge sends SNS neither.
    ['allows the rule by its ARN', [publishing(aboutRule)]],
    ['allows rules of its account by the account', [publishing(ofAccount('111122223333'))]],
    ['allows another rule', [publishing({ ArnEquals: { 'aws:SourceArn': `${rule({}).arn}-other` } })]],
    ['allows rules of another account', [publishing(ofAccount('444455556666'))]],
    ['allows another service', [{ ...publishing(), Principal: { Service: 's3.amazonaws.com' } }]],
    ['allows another action', [allowEventBridge('sns:Subscribe')]],
    ['denies everyone', [publishing(), denied], 'with an explicit deny in a resource-based policy'],
  ])(
    'that %s gets nothing: the event goes to the dead-letter queue',
    async (_, statements, reason = 'because no resource-based policy allows the sns:Publish action') => {
      const { world, id, authorizer } = await simulate({
        rules: [notifying({ deadLetterArn: DEAD })],
        topics: [topicOf('alerts', ...statements)],
        queues: [dead(aboutRule)],
      });
      expect(world.notifications).toEqual([]);
      const why = `User: events.amazonaws.com is not authorized to perform: sns:Publish on resource: ${TOPIC} ${reason}`;
      expect(world.deadLetters).toEqual([
        {
          at: '2026-01-15T09:00:01.000Z',
          queueArn: DEAD,
          event: expect.objectContaining({ id, source: 'my.app' }) as unknown,
          why: `NO_PERMISSIONS: ${why}`,
        },
      ]);
      const sent = { service: 'sqs', operation: 'SendMessage', status: 200, input: { queueArn: DEAD } };
      expect(world.log.calls).toMatchObject([noPermission, { ...sent, caller: 'events.amazonaws.com' }]);
      expect(authorizer.denials).toMatchObject([
        { principalArn: 'events.amazonaws.com', action: 'sns:Publish', resource: TOPIC, message: why },
      ]);
    },
  );

  test.each<[string, object[]]>([
    ['of any account', [allowEventBridge('sns:Publish')]],
    [
      'despite a Deny without TLS',
      [allowEventBridge('SNS:Publish'), { ...denied, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
    ],
  ])('that allows rules %s accepts it', async (_, statements) =>
    expect(
      (await simulate({ rules: [notifying()], topics: [topicOf('alerts', ...statements)] })).world.notifications,
    ).toHaveLength(1),
  );

  test('that does not exist, or a message that is too long, is reported', async () => {
    const gone = await simulate({ rules: [notifying({ deadLetterArn: DEAD })], queues: [dead()] });
    expect(gone.world.deadLetters).toMatchObject([{ why: 'NO_RESOURCE: Topic does not exist' }]);
    expect(gone.world.log.calls[0]).toMatchObject({ status: 404, error: 'NotFound' });
    const long = await simulate({
      rules: [notifying({ deadLetterArn: DEAD, input: JSON.stringify('x'.repeat(262_144)) })],
      topics: [topicOf('alerts', allowEventBridge('sns:Publish'))],
      queues: [dead()],
    });
    expect(long.world.deadLetters).toMatchObject([{ why: 'INVALID_PARAMETER: Invalid parameter: Message too long' }]);
    expect(long.world.notifications).toEqual([]);
  });

  test('is called as a role if the target has one, which needs permission, and no Deny', async () => {
    const asRole = (events: object[], ...statements: object[]) =>
      simulate({
        rules: [notifying({ roleArn: EVENTS_ROLE, deadLetterArn: DEAD })],
        topics: [topicOf('alerts', ...statements)],
        queues: [dead()],
        events,
      });
    const allowed = await asRole([allow('sns:Publish', TOPIC)]);
    expect(allowed.world.notifications).toHaveLength(1);
    expect(allowed.authorizer.uses()).toEqual([{ principalArn: EVENTS_ROLE, action: 'sns:Publish', resource: TOPIC }]);
    const without = await asRole([allow('sns:Publish', `${TOPIC}-other`)], allowEventBridge('sns:Publish'));
    expect(without.world.deadLetters).toHaveLength(1);
    expect(without.world.deadLetters[0]!.why).toMatch(
      /^NO_PERMISSIONS: .*because no identity-based policy allows the sns:Publish action$/,
    );
    const refused = await asRole([allow('sns:Publish', TOPIC)], denied);
    expect(refused.world.notifications).toEqual([]);
    expect(refused.world.deadLetters).toHaveLength(1);
    expect(refused.world.deadLetters[0]!.why).toContain('with an explicit deny in a resource-based policy');
  });
});

describe('a dead letter', () => {
  const starting = (more: Partial<AssemblyRule['targets'][number]> = {}): AssemblyRule =>
    rule({
      pattern: MATCH,
      targets: [{ id: 'Recover', arn: OTHER, roleArn: EVENTS_ROLE, deadLetterArn: DEAD, ...more }],
    });

  const calling = (more: object) =>
    rule({ pattern: MATCH, targets: [{ id: 'F', arn: FUNCTION, deadLetterArn: DEAD, ...more }] });
  const quoted = { template: '{"said":"<said>"}', paths: { said: '$.detail.said' } };
  const anyState = [allow('states:*', '*')];
  test.each<[string, Options, string]>([
    [
      'for a function that allows no caller',
      { rules: [calling({})], permissions: [] },
      'NO_PERMISSIONS: User: events.amazonaws.com is not authorized',
    ],
    [
      'for a function that does not exist',
      { rules: [calling({ arn: functionArn('gone') })] },
      'NO_RESOURCE: Function not found',
    ],
    ['for a state machine that the role may not start', { rules: [starting()], events: [] }, 'NO_PERMISSIONS: User: '],
    [
      'for a state machine that does not exist',
      { rules: [starting({ arn: `${OTHER}-gone` })], events: anyState },
      'NO_RESOURCE: StateMachineDoesNotExist: ',
    ],
    [
      'for an input that is not JSON',
      { rules: [starting({ inputTransformer: quoted })] },
      'INVALID_JSON: The input of the target Recover is not JSON: {"said":"say "no""}',
    ],
    [
      'for a function with text as its input',
      { rules: [calling({ inputTransformer: { template: '"a"\n"b"', paths: {} } })] },
      'INVALID_JSON: ',
    ],
  ])('%s reports the reason', async (_, options, why) => {
    const { world, id, invocations, recovered } = await simulate({ ...options, queues: [dead(aboutRule)] });
    expect(world.deadLetters).toMatchObject([{ queueArn: DEAD, event: { id, detail: { name: 'one' } } }]);
    expect([world.deadLetters[0]!.why.startsWith(why), [invocations, recovered()]]).toEqual([true, [[], []]]);
  });

  test('is lost if the queue does not allow the rule, or does not exist', async () => {
    for (const [queues, error] of [
      [[dead({ ArnEquals: { 'aws:SourceArn': 'arn:other' } })], 'AccessDenied'],
      [[], 'AWS.SimpleQueueService.NonExistentQueue'],
    ] as const) {
      const { world } = await simulate({
        rules: [starting({ arn: `${OTHER}-gone` })],
        events: [allow('states:*', '*')],
        queues: [...queues],
      });
      expect(world.deadLetters).toEqual([]);
      expect(world.log.calls.at(-1)).toMatchObject({ service: 'sqs', operation: 'SendMessage', error });
    }
  });

  test('is sent only for targets that have a queue', async () => {
    const { world } = await simulate({
      rules: [rule({ pattern: MATCH, targets: [{ id: 'F', arn: functionArn('gone') }] })],
      queues: [dead()],
    });
    expect(world.deadLetters).toEqual([]);
  });
});

describe('a function that fails', () => {
  const RULES = [rule({ pattern: MATCH, targets: [{ id: 'F', arn: FUNCTION, deadLetterArn: DEAD }] })];
  const failing = () => fail('ServiceUnavailable', 'no');
  const FAILED = 'arn:aws:sqs:eu-west-1:111122223333:failed';
  const failed = queueOf('failed');
  const send = allow('sqs:SendMessage', FAILED);

  test.each<[string, Options['fn'], number[]]>([
    ['three times by default', {}, [1, 61, 181]],
    ['once if retries are disabled', { asyncConfigs: [{ functionArn: FUNCTION, maximumRetryAttempts: 0 }] }, [1]],
    ['twice', { asyncConfigs: [{ functionArn: FUNCTION, maximumRetryAttempts: 1 }] }, [1, 61]],
    ['until its event is too old', { asyncConfigs: [{ functionArn: FUNCTION, maximumEventAgeSeconds: 120 }] }, [1, 61]],
    [
      'as configured for the version that is called',
      { asyncConfigs: [{ functionArn: `${FUNCTION}:1`, maximumRetryAttempts: 0 }] },
      [1, 61, 181],
    ],
  ])('is called %s', async (_, fn, times) => {
    const { invocations, world } = await simulate({
      rules: RULES,
      find: failing,
      queues: [dead(), failed],
      ...(fn ? { fn } : {}),
    });
    expect(invocations.map(({ at }) => at)).toEqual(times);
    // EventBridge has delivered the event: failures are Lambda's responsibility.
    expect(world.deadLetters).toEqual([]);
  });

  test('sends its event to its own dead-letter queue, and a record to its destination, as its role', async () => {
    const TOPIC_PERMISSION = allow('sns:Publish', TOPIC);
    const fn = {
      deadLetterArn: FAILED,
      asyncConfigs: [{ functionArn: FUNCTION, maximumRetryAttempts: 1, onFailureArn: TOPIC }],
    };
    const { world, id, authorizer } = await simulate({
      rules: RULES,
      find: failing,
      queues: [failed],
      topics: [topicOf('alerts')],
      fn,
      functionRole: [send, TOPIC_PERMISSION],
    });
    const event = expect.objectContaining({ id }) as unknown;
    const why = 'RetriesExhausted: ServiceUnavailable';
    expect(world.deadLetters).toEqual([{ at: '2026-01-15T09:01:01.000Z', queueArn: FAILED, event, why }]);
    expect(JSON.parse(world.notifications[0]!.message)).toMatchObject({
      version: '1.0',
      requestContext: { functionArn: FUNCTION, condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { id },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorType: 'ServiceUnavailable' },
    });
    const role = 'arn:aws:iam::111122223333:role/find';
    expect(authorizer.uses()).toEqual([
      { principalArn: role, action: 'sqs:SendMessage', resource: FAILED },
      { principalArn: role, action: 'sns:Publish', resource: TOPIC },
    ]);
  });

  test('sends nothing if its role may not send, or if a retry succeeds', async () => {
    const fn = { asyncConfigs: [{ functionArn: FUNCTION, maximumEventAgeSeconds: 60, onFailureArn: FAILED }] };
    const denied = await simulate({ rules: RULES, find: failing, queues: [failed], fn });
    expect(denied.world.deadLetters).toEqual([]);
    expect(denied.authorizer.denials).toMatchObject([{ action: 'sqs:SendMessage', resource: FAILED }]);
    const old = await simulate({ rules: RULES, find: failing, queues: [failed], fn, functionRole: [send] });
    const event = { requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 } };
    const why = 'EventAgeExceeded: ServiceUnavailable';
    expect(old.world.deadLetters).toMatchObject([{ queueArn: FAILED, event, why }]);
    const find: Options['find'] = (_, attempt) => (attempt < 2 ? failing() : undefined);
    const late = await simulate({ rules: RULES, find, queues: [failed], fn, functionRole: [send] });
    expect([late.invocations.length, late.world.deadLetters]).toEqual([2, []]);
  });
});

describe("an AWS service's event", () => {
  const recorded = {
    version: '0',
    id: 'e-1',
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.eks',
    account: '444455556666',
    time: '2026-01-15T08:59:00Z',
    region: 'us-east-1',
    detail: { eventName: 'UpdateAddon' },
  };
  const rules = [rule({ pattern: { source: ['aws.eks'] }, targets: [{ id: 'F', arn: FUNCTION }] })];

  test('arrives at the rules where the service is deployed, from any location, and is not among the custom events', async () => {
    const { bus, wait, invocations, world } = open({ rules, permissions: [permission({ functionArn: FUNCTION })] });
    bus.receive(recorded);
    bus.receive({ ...recorded, source: 'aws.ec2' });
    await wait(5000);
    expect([invocations, world.events]).toEqual([[{ at: 1, event: { ...recorded, resources: [] } }], []]);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the event: '],
    ['an event without an id', { ...recorded, id: undefined }, 'id: '],
    ['an event without a source', { ...recorded, source: '' }, 'source: '],
    ['an event without a detail type', { ...recorded, 'detail-type': undefined }, 'detail-type: '],
    ['an invalid account', { ...recorded, account: '1' }, 'account: must be the 12 digits of an account'],
    ['an invalid region', { ...recorded, region: 'here' }, 'region: must be a region, such as eu-west-1'],
    ['an invalid time', { ...recorded, time: 'now' }, 'time: '],
    ['a detail that is not an object', { ...recorded, detail: 'text' }, 'detail: '],
  ])('is refused: %s', (_, event, message) => {
    const { bus } = open({ rules });
    expect(() => bus.receive(event)).toThrow(message);
    expect(() => bus.receive(event)).toThrow('This value cannot be delivered as an event: ');
  });
});
