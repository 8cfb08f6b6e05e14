import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { AwsEvents } from '../../../lambdas/adapters/aws-events.ts';
import { serviceEventOf, type ServiceEvent } from '../../../lambdas/domain/events/service-event.ts';
import { aMigration, at, MIGRATION_ID } from '../fixtures.ts';
import { expectExactError } from '../matchers.ts';

const bus = mockClient(EventBridgeClient);
const events = new AwsEvents(new EventBridgeClient({ region: 'eu-west-1' }));
afterEach(() => void bus.reset());
afterAll(() => bus.restore());

const event = (change: Partial<ServiceEvent> = {}): ServiceEvent => ({
  ...serviceEventOf(aMigration({ status: 'ended', outcome: 'needs-human', endedAt: at(60) }), 'needs-human')!,
  ...change,
});
const many = (count: number, change: Partial<ServiceEvent> = {}): ServiceEvent[] =>
  Array.from({ length: count }, (_, index) => event({ eventId: String(index), ...change }));
const accepting = (): unknown =>
  bus
    .on(PutEventsCommand)
    .callsFake(({ Entries }: { Entries: unknown[] }) => ({ Entries: Entries.map(() => ({ EventId: 'e' })) }));
const batches = (): {
  Source?: string;
  Detail?: string;
  Resources?: string[];
  Time?: Date;
  DetailType?: string;
  EventBusName?: string;
}[][] => bus.commandCalls(PutEventsCommand).map((call) => call.args[0].input.Entries ?? []);

describe('an event', () => {
  it('is put on the default bus, as the service, about the cluster', async () => {
    accepting();
    const one = event();
    await events.publish([one]);
    expect(batches()).toEqual([
      [
        {
          Source: 'pod-identity-migrator',
          DetailType: 'Pod Identity Migration Needs Human',
          Detail: JSON.stringify(one),
          Resources: ['arn:aws:eks:eu-west-1:111122223333:cluster/dev'],
          Time: new Date(at(60)),
        },
      ],
    ]);
    expect(JSON.parse(batches()[0]?.[0]?.Detail ?? '')).toMatchObject({ migrationId: MIGRATION_ID });
  });

  it('without a time has that of EventBridge', async () => {
    accepting();
    await events.publish([event({ at: 'a time that is not noted' })]);
    expect(batches()[0]?.[0]).not.toHaveProperty('Time');
  });
});

describe('many of them', () => {
  it('are put ten at a time, in their order', async () => {
    accepting();
    await events.publish(many(23));
    expect(batches().map((batch) => batch.length)).toEqual([10, 10, 3]);
    expect(
      batches()
        .flat()
        .map(({ Detail }) => (JSON.parse(Detail ?? '') as ServiceEvent).eventId),
    ).toEqual(Array.from({ length: 23 }, (_, index) => String(index)));
  });

  it('are as many as fit into a call', async () => {
    accepting();
    await events.publish(many(4, { message: 'x'.repeat(100_000) }));
    expect(batches().map((batch) => batch.length)).toEqual([2, 2]);
  });

  it('that are none call nobody', async () => {
    await events.publish([]);
    expect(batches()).toEqual([]);
  });

  it.each([
    ['ThrottlingException', 'Throttled'],
    ['InternalFailure', 'ServiceUnavailable'],
    ['NotAuthorizedForSource', 'ServiceUnavailable'],
  ])('of which one was not taken fail: %s is %s', async (code, name) => {
    bus
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ EventId: 'e' }, { ErrorCode: code, ErrorMessage: 'why' }] });
    await expectExactError(events.publish(many(2)), name, `events:PutEvents: 1 of 2 entries failed: ${code}: why`);
  });

  it('that are refused as a whole fail as the refusal says', async () => {
    bus
      .on(PutEventsCommand)
      .rejects(Object.assign(new Error('why'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } }));
    await expectExactError(events.publish(many(1)), 'AccessDenied', 'events:PutEvents: AccessDeniedException: why');
  });
});
