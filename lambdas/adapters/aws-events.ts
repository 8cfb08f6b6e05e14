import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { clusterArn } from '../domain/aws/arn.ts';
import { type ErrorName, MigrationError } from '../domain/failures/errors.ts';
import { detailTypeOf, EVENT_SOURCE, type ServiceEvent } from '../domain/events/service-event.ts';
import type { Events } from '../ports/events.ts';
import { aws } from './aws-errors.ts';
import { jsonText } from '../domain/text/text.ts';

/**
 * Maximum number of entries in a call (EventBridge API Reference, PutEvents). Together they may have 256 KB, most of
 * which a single event of the service may use.
 */
const MOST_ENTRIES = 10;
const MOST_BYTES = 256_000;

function entryOf(event: ServiceEvent): PutEventsRequestEntry {
  const at = new Date(event.at);
  // EventBridge would refuse an invalid time; without a time it uses its own.
  return {
    Source: EVENT_SOURCE,
    DetailType: detailTypeOf(event),
    Detail: jsonText(event),
    Resources: [clusterArn(event)],
    ...(Number.isNaN(at.getTime()) ? {} : { Time: at }),
  };
}

/**
 * Returns the size of an entry as EventBridge counts it (User Guide, "Calculating PutEvents event entry size"), with 14
 * bytes for the time.
 */
const bytesOf = ({ Source = '', DetailType = '', Detail = '', Resources = [] }: PutEventsRequestEntry): number =>
  14 + [Source, DetailType, Detail, ...Resources].reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/** Splits entries into batches, in order, each as large as a call may be. */
function batchesOf(entries: PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const batches: PutEventsRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const last = batches.at(-1);
    bytes += bytesOf(entry);
    if (last && last.length < MOST_ENTRIES && bytes <= MOST_BYTES) {
      last.push(entry);
    } else {
      batches.push([entry]);
      bytes = bytesOf(entry);
    }
  }
  return batches;
}

/**
 * Returns the error name of a failed entry (EventBridge API Reference, PutEventsResultEntry). All others are retried.
 */
const nameOf = (code: string | undefined): ErrorName =>
  code === 'ThrottlingException' ? 'Throttled' : 'ServiceUnavailable';

/** EventBridge's default bus in the location of the service, with the AWS SDK. */
export class AwsEvents implements Events {
  private readonly client: EventBridgeClient;

  constructor(client: EventBridgeClient) {
    this.client = client;
  }

  async publish(events: ServiceEvent[]): Promise<void> {
    for (const batch of batchesOf(events.map(entryOf))) {
      const { Entries: answers = [] } = await aws('events:PutEvents', () =>
        this.client.send(new PutEventsCommand({ Entries: batch })),
      );
      const failed = answers.filter(({ EventId: id }) => id === undefined);
      const [first] = failed;
      if (first)
        throw new MigrationError(
          nameOf(first.ErrorCode),
          `events:PutEvents: ${failed.length} of ${batch.length} entries failed: ${first.ErrorCode ?? 'no code'}: ${first.ErrorMessage ?? 'no message'}`,
        );
    }
  }
}
