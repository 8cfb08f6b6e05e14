/**
 * Events that a rule forwards to the default bus of another account or region: through a role, and the resource policy
 * of that bus.
 */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, test } from 'vitest';
import type { AssemblyRule } from '../../../sandbox/assembly/rules.ts';
import { createEventsService } from '../../../sandbox/events/service.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { allow, functionArn, roleOf } from '../states/fixture.ts';
import { configOf, openGateway } from '../support.ts';
import { open, permission, policiesOf, queueOf, rule } from './fixture.ts';
import { matching, expectError } from '../../lambdas/matchers.ts';

const OTHER = '444455556666';
const HUB_BUS = 'arn:aws:events:eu-west-1:111122223333:event-bus/default';
const FUNCTION = functionArn('find');
const FORWARDER = `arn:aws:iam::${OTHER}:role/forward`;
const QUEUE = queueOf('dead', {
  Effect: 'Allow',
  Principal: { Service: 'events.amazonaws.com' },
  Action: 'sqs:SendMessage',
});
const pattern = { source: ['aws.eks'] };
const hubRule = rule({ pattern, targets: [{ id: 'F', arn: FUNCTION }] });
const forwarding: AssemblyRule = {
  ...hubRule,
  name: 'forward',
  arn: `arn:aws:events:us-east-1:${OTHER}:rule/forward`,
  targets: [{ id: 'Bus', arn: HUB_BUS, roleArn: FORWARDER, deadLetterArn: QUEUE.arn }],
};
const event = {
  version: '0',
  id: 'e-1',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.eks',
  account: OTHER,
  time: '2026-01-15T08:59:00Z',
  region: 'us-east-1',
  resources: [],
  detail: { eventName: 'UpdateAddon' },
};
const ALLOW_PUT_EVENTS = {
  Effect: 'Allow',
  Principal: { AWS: [`arn:aws:iam::${OTHER}:root`] },
  Action: 'events:PutEvents',
  Condition: {
    'ForAllValues:StringEquals': { 'events:source': 'aws.eks', 'events:detail-type': 'AWS API Call via CloudTrail' },
    Null: { 'events:source': 'false', 'events:detail-type': 'false' },
  },
};

const openBoth = (policy: object[], statements: object[] = [allow('events:PutEvents', HUB_BUS)]) => {
  const bench = open({
    rules: [hubRule, forwarding],
    permissions: [permission({ functionArn: FUNCTION })],
    queues: [QUEUE],
    busPolicies: [{ busArn: HUB_BUS, policies: policiesOf(policy) }],
  });
  const role = roleOf(FORWARDER, ...statements);
  bench.world.accounts.set(OTHER, { id: OTHER, roles: new Map([[role.name, role]]), clusters: new Map() });
  return bench;
};

describe('an event of another account', () => {
  test('is forwarded unchanged, once the bus allows that account, and is in the call log of its role', async () => {
    const { bus, wait, invocations, world, authorizer } = openBoth([ALLOW_PUT_EVENTS]);
    bus.receive(event, { account: OTHER, region: 'us-east-1' });
    await wait(60_000);
    // The lag of both buses.
    expect(invocations).toEqual([{ at: 2, event }]);
    expect(world.log.calls.filter(({ service }) => service === 'events')).toMatchObject([
      {
        service: 'events',
        operation: 'PutEvents',
        caller: FORWARDER,
        account: '111122223333',
        region: 'eu-west-1',
        status: 200,
        input: { Entries: [{ Source: 'aws.eks', EventBusName: HUB_BUS }] },
      },
    ]);
    expect(authorizer.uses()).toEqual([{ principalArn: FORWARDER, action: 'events:PutEvents', resource: HUB_BUS }]);
    expect([world.deadLetters, world.events]).toEqual([[], []]);
  });

  test("is invisible elsewhere: on the service's bus before it is forwarded, and in other regions", async () => {
    const { bus, wait, invocations } = openBoth([ALLOW_PUT_EVENTS]);
    bus.receive(event, { account: OTHER, region: 'eu-west-1' });
    bus.receive(event, { account: '111122223333', region: 'us-east-1' });
    await wait(60_000);
    expect(invocations).toEqual([]);
  });

  test.each([
    ['the bus has no policy', [], undefined],
    [
      'the bus allows another account',
      [{ ...ALLOW_PUT_EVENTS, Principal: { AWS: ['arn:aws:iam::777788889999:root'] } }],
      undefined,
    ],
    [
      'the bus allows other events',
      [{ ...ALLOW_PUT_EVENTS, Condition: { 'ForAllValues:StringEquals': { 'events:source': 'aws.ec2' } } }],
      undefined,
    ],
    ['the bus denies the account', [ALLOW_PUT_EVENTS, { ...ALLOW_PUT_EVENTS, Effect: 'Deny' }], undefined],
    ["the rule's role has no permission", [ALLOW_PUT_EVENTS], []],
    [
      'the role has permission for another bus',
      [ALLOW_PUT_EVENTS],
      [allow('events:PutEvents', HUB_BUS.replace('eu-west-1', 'eu-west-2'))],
    ],
  ])('is not forwarded if %s, and goes to the dead-letter queue', async (_, policy, statements) => {
    const { bus, wait, invocations, world, authorizer } = openBoth(policy, statements);
    bus.receive(event, { account: OTHER, region: 'us-east-1' });
    await wait(60_000);
    expect(invocations).toEqual([]);
    expect(world.log.calls.filter(({ operation }) => operation === 'PutEvents')).toMatchObject([
      { status: 400, error: 'AccessDeniedException', denied: 'events:PutEvents' },
    ]);
    expect(world.deadLetters).toMatchObject([{ event: { id: 'e-1' }, why: matching(/^NO_PERMISSIONS: User: /) }]);
    expect(authorizer.denials).toMatchObject([{ principalArn: FORWARDER, action: 'events:PutEvents' }]);
  });
});

test("an event of the service's own account in another region needs only the role's permission", async () => {
  const role = roleOf(FORWARDER.replace(OTHER, '111122223333'), allow('events:PutEvents', HUB_BUS));
  const own: AssemblyRule = {
    ...forwarding,
    arn: 'arn:aws:events:us-east-1:111122223333:rule/forward',
    targets: [{ id: 'Bus', arn: HUB_BUS, roleArn: role.arn }],
  };
  const { bus, wait, invocations, world } = open({
    rules: [hubRule, own],
    permissions: [permission({ functionArn: FUNCTION })],
  });
  world.accounts.get('111122223333')!.roles.set(role.name, role);
  bus.receive(event, { account: '111122223333', region: 'us-east-1' });
  await wait(60_000);
  expect(invocations).toHaveLength(1);
});

describe('PutEvents of another account', () => {
  const put = async (Source: string) => {
    const bench = openBoth([ALLOW_PUT_EVENTS]);
    const gateway = openGateway(
      bench.world,
      { events: createEventsService(bench.world, bench.bus) },
      undefined,
      bench.clock,
    );
    const client = new EventBridgeClient(configOf(gateway, bench.world, credentialsOf(bench.world, FORWARDER)));
    return client.send(
      new PutEventsCommand({
        Entries: [{ Source, DetailType: 'AWS API Call via CloudTrail', Detail: '{}', EventBusName: HUB_BUS }],
      }),
    );
  };

  test('is refused for a source other than the one in the policy', () =>
    expectError(put('my.app'), 'AccessDeniedException', 'no resource-based policy allows the events:PutEvents action'));

  test("cannot put an AWS service's event, even if the policy allows it", async () =>
    expect(await put('aws.eks')).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'NotAuthorizedForSourceException' }],
    }));
});

test('a rule that forwards events to a bus without a role is refused', () =>
  expect(() => open({ rules: [{ ...forwarding, targets: [{ id: 'Bus', arn: HUB_BUS }] }] })).toThrow(
    'its target Bus is a state machine or a bus, for which EventBridge assumes a role',
  ));
