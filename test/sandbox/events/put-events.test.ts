import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { describe, expect, test } from 'vitest';
import { createEventsService } from '../../../sandbox/events/service.ts';
import { credentialsOf, operatorRoleArn } from '../../../sandbox/authorization/access-keys.ts';
import { clientsOf, configOf, openGateway } from '../support.ts';
import { allow, functionArn, roleOf } from '../states/fixture.ts';
import { everyValue } from '../../../lib/permissions/every-value.ts';
import { open, type Options, permission, policiesOf, rule } from './fixture.ts';
import { containing } from '../../lambdas/matchers.ts';

const CALLER = 'arn:aws:iam::111122223333:role/caller';
const BUS = 'arn:aws:events:eu-west-1:111122223333:event-bus/default';
const migrated = rule({
  pattern: { source: ['my.app'], 'detail-type': ['Migrated'] },
  targets: [{ id: 'F', arn: functionArn('find') }],
});
const entry = (more: PutEventsRequestEntry = {}): PutEventsRequestEntry => ({
  Source: 'my.app',
  DetailType: 'Migrated',
  Detail: '{"migrationId":"one"}',
  ...more,
});

const openService = (options: Options = {}, statements: object[] = [allow('events:PutEvents', BUS)]) => {
  const bench = open({
    rules: [migrated],
    permissions: [permission({ functionArn: functionArn('find') })],
    ...options,
  });
  const { world, bus, clock } = bench;
  const role = roleOf(CALLER, ...statements);
  world.accounts.get('111122223333')!.roles.set(role.name, role);
  const gateway = openGateway(world, { events: createEventsService(world, bus) }, undefined, clock);
  const client = new EventBridgeClient(configOf(gateway, world, credentialsOf(world, CALLER)));
  const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));
  return { ...bench, gateway, put };
};

describe('an event sent with PutEvents', () => {
  test('gets an id, is kept, and is delivered a moment later', async () => {
    const { put, world, wait, invocations } = openService({ knobs: { eventLagSeconds: 3 } });
    const { FailedEntryCount: failures, Entries: entries } = await put(entry({ Resources: ['arn:one'] }));
    expect(failures).toBe(0);
    const [{ EventId: id } = {}] = entries!;
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const where = { account: '111122223333', region: 'eu-west-1' };
    const event = { id, source: 'my.app', detail: { migrationId: 'one' }, resources: ['arn:one'], ...where };
    expect(world.events).toEqual([{ at: '2026-01-15T09:00:00.000Z', detailType: 'Migrated', ...event }]);
    await wait(60_000);
    const delivered = { version: '0', 'detail-type': 'Migrated', time: '2026-01-15T09:00:00Z', ...event };
    expect(invocations).toEqual([{ at: 3, event: delivered }]);
  });

  test('has the time that its sender sets', async () => {
    const { put, wait, invocations } = openService();
    await put(entry({ Time: new Date('2026-01-14T10:20:30.400Z') }));
    await wait(60_000);
    expect(invocations).toMatchObject([{ event: { time: '2026-01-14T10:20:30Z' } }]);
  });

  test('is in the call log without its detail', async () => {
    const { put, world } = openService();
    await put(entry({ Detail: '{"secret":"s3cr3t"}' }), entry({ DetailType: 'Other', EventBusName: 'default' }));
    const one = { Source: 'my.app', DetailType: 'Migrated' };
    const input = { Entries: [one, { Source: 'my.app', DetailType: 'Other', EventBusName: 'default' }] };
    const call = { service: 'events', operation: 'PutEvents', mutating: true, caller: CALLER, status: 200 };
    expect(world.log.calls).toMatchObject([{ ...call, input }]);
    expect(world.log.toJsonLines()).not.toContain('s3cr3t');
    expect(world.log.mutations()).toEqual([]);
  });

  test('starts nothing if no rule matches', async () => {
    const { put, wait, invocations, world } = openService();
    await put(entry({ DetailType: 'Other' }));
    await wait(60_000);
    expect([invocations, world.events.length]).toEqual([[], 1]);
  });

  test('arrives even if the events of executions are lost', async () => {
    const { put, wait, invocations } = openService({ knobs: { eventsLost: true } });
    await put(entry());
    await wait(60_000);
    expect(invocations).toHaveLength(1);
  });

  test('arrives twice with one id, with the knob ownEventsTwice', async () => {
    const { put, wait, invocations, world } = openService({ knobs: { ownEventsTwice: true, eventLagSeconds: 2 } });
    const { Entries: entries } = await put(entry());
    await wait(60_000);
    expect(invocations.map(({ at, event }) => [at, event.id])).toEqual([
      [2, entries![0]!.EventId],
      [4, entries![0]!.EventId],
    ]);
    expect(world.events).toHaveLength(1);
  });

  test('is on the bus of the region where it is put, which has other rules', async () => {
    const { gateway, world, wait, invocations } = openService({}, [allow('events:PutEvents', '*')]);
    const client = new EventBridgeClient({
      ...configOf(gateway, world, credentialsOf(world, CALLER)),
      region: 'us-east-1',
    });
    await client.send(new PutEventsCommand({ Entries: [entry()] }));
    await wait(60_000);
    expect([invocations, world.events]).toMatchObject([[], [{ region: 'us-east-1' }]]);
  });

  test('has an id that is reproducible for a seed, and does not shift other random sequences', async () => {
    const idsOf = async (seed: number): Promise<(string | undefined)[]> =>
      (await openService({ seed }).put(entry(), entry())).Entries!.map(({ EventId: id }) => id);
    const [first, again, other] = [await idsOf(1), await idsOf(1), await idsOf(2)];
    expect([again, new Set([...first, ...other]).size]).toEqual([first, 4]);
    const [used, unused] = [openService(), openService()];
    await used.put(entry());
    expect(used.world.random.next()).toBe(unused.world.random.next());
  });
});

describe('an entry', () => {
  const missing = (field: string) => `Parameter ${field} is not valid. Reason: ${field} is a required argument.`;
  const malformed = ['MalformedDetail', 'Detail is malformed.'] as const;
  test.each<[string, PutEventsRequestEntry, string, string]>([
    ['without a source', { Source: undefined }, 'InvalidArgument', missing('Source')],
    ['with an empty source', { Source: '' }, 'InvalidArgument', missing('Source')],
    ['without a detail type', { DetailType: undefined }, 'InvalidArgument', missing('DetailType')],
    ['without a detail', { Detail: undefined }, 'InvalidArgument', missing('Detail')],
    ['with a detail that is not JSON', { Detail: '{"a"' }, ...malformed],
    ['with a list as detail', { Detail: '[1]' }, ...malformed],
    ['with a string as detail', { Detail: '"text"' }, ...malformed],
    ['with null as detail', { Detail: 'null' }, ...malformed],
    [
      "with a source of AWS's own",
      { Source: 'aws.eks' },
      'NotAuthorizedForSourceException',
      'Not authorized for the source.',
    ],
  ])('%s fails without affecting the others', async (_, wrong, code, message) => {
    const { put, world, wait, invocations } = openService();
    const answer = await put(entry(), entry(wrong), entry());
    const accepted = { EventId: expect.any(String) as string };
    const Entries = [accepted, { ErrorCode: code, ErrorMessage: message }, accepted];
    expect(answer).toMatchObject({ FailedEntryCount: 1, Entries });
    await wait(60_000);
    expect(world.events.map(({ id }) => id)).toEqual([answer.Entries![0]!.EventId, answer.Entries![2]!.EventId]);
    expect(invocations).toHaveLength(2);
  });

  test('for another bus of the account is accepted and discarded', async () => {
    const both = allow('events:PutEvents', BUS, BUS.replace('default', 'mine'));
    const { put, world, wait, invocations } = openService({}, [both]);
    const answer = await put(entry({ EventBusName: 'mine' }), entry({ EventBusName: BUS }));
    expect(answer).toMatchObject({ FailedEntryCount: 0 });
    await wait(60_000);
    expect([world.events.length, invocations.length]).toEqual([1, 1]);
  });
});

describe('a call', () => {
  const bytes = (count: number): string => JSON.stringify({ a: 'x'.repeat(count - 8) });
  const ENVELOPE = 'my.app'.length + 'Migrated'.length;

  test('has at most ten entries', async () => {
    const { put, world } = openService();
    const entries = (count: number) => Array.from({ length: count }, () => entry());
    const name = 'ValidationException';
    const message =
      "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10";
    const failure = { name, message, $metadata: { httpStatusCode: 400 } };
    await expect(put(...entries(11))).rejects.toMatchObject(failure);
    const few = containing('greater than or equal to 1');
    await expect(put()).rejects.toMatchObject({ name, message: few });
    expect(world.events).toEqual([]);
    expect((await put(...entries(10))).Entries).toHaveLength(10);
  });

  test('has at most 1 MiB', async () => {
    const { put, world } = openService();
    const size = 524_288 - ENVELOPE;
    const half = entry({ Detail: bytes(size) });
    expect(await put(half, half)).toMatchObject({ FailedEntryCount: 0 });
    const message = 'Total size of the entries in the request is over the limit.';
    for (const more of [{ Detail: bytes(size + 1) }, { Resources: ['r'] }, { Time: new Date(0) }])
      await expect(put(half, { ...half, ...more })).rejects.toMatchObject({ name: 'ValidationException', message });
    expect(world.events).toHaveLength(2);
  });

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no entries', {}],
    ['an entry that is not an object', { Entries: ['text'] }],
    ['a number as source', { Entries: [{ Source: 1 }] }],
    ['a global endpoint', { Entries: [entry()], EndpointId: 'abcde.veo' }],
  ])('with %s is refused', async (_, body) => {
    const { world, bus } = openService();
    const service = createEventsService(world, bus);
    const text = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const headers = { 'x-amz-target': 'AWSEvents.PutEvents' };
    const host = 'events.eu-west-1.amazonaws.com';
    const answer = await service(
      { method: 'POST', host, path: '/', query: {}, headers, body: text },
      {
        caller: { accessKeyId: '', principalArn: CALLER, account: '111122223333' },
        region: 'eu-west-1',
        describe: () => undefined,
        authorize: () => undefined,
      },
    );
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/x-amz-json-1.1' } });
    expect([JSON.parse(answer.body as string), world.events]).toMatchObject([{ __type: 'SerializationException' }, []]);
  });

  test('of another operation is refused with its name', async () => {
    const { gateway, world } = openService();
    const { eventBridge } = clientsOf(gateway, world);
    const { ListRulesCommand } = await import('@aws-sdk/client-eventbridge');
    await expect(eventBridge().send(new ListRulesCommand({}))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: "The sandbox's EventBridge does not support the operation ListRules. Supported operations: PutEvents.",
      $metadata: { httpStatusCode: 501 },
    });
    const call = { service: 'events', operation: 'ListRules', mutating: false, status: 501 };
    expect(world.log.calls.at(-1)).toMatchObject(call);
  });
});

describe('permission to put events', () => {
  const when = (condition: object, resource = BUS): object => ({
    Effect: 'Allow',
    Action: 'events:PutEvents',
    Resource: resource,
    Condition: condition,
  });
  const all = (key: string, ...values: string[]): object => ({ [`ForAllValues:StringEquals`]: { [key]: values } });
  const denied = (resource = BUS) => ({
    name: 'AccessDeniedException',
    message: `User: arn:aws:sts::111122223333:assumed-role/caller/sandbox is not authorized to perform: events:PutEvents on resource: ${resource} because no identity-based policy allows the events:PutEvents action`,
    $metadata: { httpStatusCode: 400 },
  });

  test.each<[string, object[]]>([
    ['nothing', []],
    ['another bus', [allow('events:PutEvents', BUS.replace('default', 'other'))]],
    ['another operation', [allow('events:PutRule', '*')]],
    ['another source', [when(all('events:source', 'your.app'))]],
    ['another detail type', [when(all('events:detail-type', 'Planned'))]],
    ['only events from other buses', [when({ Bool: { 'events:eventBusInvocation': 'true' } })]],
  ])('a role that may put %s is refused, and no event is put', async (_, statements) => {
    const { put, world } = openService({}, statements);
    await expect(put(entry())).rejects.toMatchObject(denied());
    expect(world.events).toEqual([]);
    const refused = { status: 400, error: 'AccessDeniedException', denied: 'events:PutEvents' };
    expect(world.log.calls.at(-1)).toMatchObject({ operation: 'PutEvents', ...refused });
  });

  test('is evaluated for all entries of a call at once', async () => {
    const { put, world } = openService({}, [when(all('events:source', 'my.app', 'my.other'))]);
    expect(await put(entry(), entry({ Source: 'my.other' }))).toMatchObject({ FailedEntryCount: 0 });
    await expect(put(entry(), entry({ Source: 'your.app' }))).rejects.toMatchObject(denied());
    expect(world.events).toHaveLength(2);
  });

  test('with its condition is recorded as used', async () => {
    const keys = { 'events:detail-type': 'Migrated', 'events:eventBusInvocation': 'false' };
    const statement = when({ ...all('events:source', 'my.app'), StringEquals: keys });
    const { put, world, gateway } = openService({}, [statement]);
    expect([await put(entry(), entry()), gateway.failures]).toMatchObject([{ FailedEntryCount: 0 }, []]);
    expect(world.log.calls.at(-1)).toMatchObject({ status: 200 });
  });

  describe("on another account's bus, for events of one source and type", () => {
    const elsewhere = BUS.replace('111122223333', '444455556666');
    const keys = { 'events:source': 'my.app', 'events:detail-type': 'Migrated' };
    const allowCaller = { Effect: 'Allow', Principal: { AWS: CALLER }, Action: 'events:PutEvents' };
    const openElsewhere = (condition: object) => {
      const policies = policiesOf([{ ...allowCaller, Condition: condition }]);
      const { put } = openService({ busPolicies: [{ busArn: elsewhere, policies }] }, [allow('events:*', '*')]);
      return (more: PutEventsRequestEntry = {}) => put({ ...entry({ EventBusName: elsewhere }), ...more });
    };
    const notAllowed = { name: 'AccessDeniedException' };

    test.each<[string, PutEventsRequestEntry]>([
      ['source', { Source: undefined }],
      ['detail type', { DetailType: undefined }],
    ])('without a %s is allowed only by ForAllValues, and refused if the key must exist', async (_, more) => {
      const byValuesAlone = openElsewhere({ 'ForAllValues:StringEquals': keys });
      // It is not refused for a missing permission, but as an invalid event.
      expect(await byValuesAlone(more)).toMatchObject({ Entries: [{ ErrorCode: 'InvalidArgument' }] });
      await expect(openElsewhere(everyValue('StringEquals', keys))(more)).rejects.toMatchObject(notAllowed);
    });

    test('with both is allowed, and with another source refused', async () => {
      const put = openElsewhere(everyValue('StringEquals', keys));
      expect(await put()).toMatchObject({ FailedEntryCount: 0 });
      await expect(put({ Source: 'your.app' })).rejects.toMatchObject(notAllowed);
    });
  });

  test("is not required beyond the account's own buses", async () => {
    const { put, gateway, world } = openService({}, [allow('events:*', '*')]);
    const elsewhere = BUS.replace('111122223333', '444455556666');
    const why = `events:PutEvents on resource: ${elsewhere} because no resource-based policy allows`;
    const refusal = { name: 'AccessDeniedException', message: containing(why) };
    await expect(put(entry({ EventBusName: elsewhere }))).rejects.toMatchObject(refusal);
    const operator = clientsOf(gateway, world, credentialsOf(world, operatorRoleArn(world))).eventBridge();
    const Entries = [entry({ EventBusName: elsewhere })];
    await expect(operator.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject(refusal);
    expect(world.events).toEqual([]);
  });
});
