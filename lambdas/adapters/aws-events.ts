import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { clusterArn } from '../domain/aws/arn.ts';
import { type ErrorName, MigrationError } from '../domain/failures/errors.ts';
import { detailTypeOf, EVENT_SOURCE, type ServiceEvent } from '../domain/events/service-event.ts';
import type { Events } from '../ports/events.ts';
import { aws } from './aws-errors.ts';
import { jsonText } from '../domain/text/text.ts';

/**
 * EventBridge API Reference, PutEvents: entries of one call. Together they may have 256 KB, of which one of ours may
 * use most.
 */
const MOST_ENTRIES = 10;
const MOST_BYTES = 256_000;

function entryOf(event: ServiceEvent): PutEventsRequestEntry {
  const at = new Date(event.at);
  // What is no time EventBridge would refuse; without one it takes its own.
  return {
    Source: EVENT_SOURCE,
    DetailType: detailTypeOf(event),
    Detail: jsonText(event),
    Resources: [clusterArn(event)],
    ...(Number.isNaN(at.getTime()) ? {} : { Time: at }),
  };
}

/** As EventBridge counts an entry (User Guide, "Calculating PutEvents event entry size"): 14 bytes for the time. */
const bytesOf = ({ Source = '', DetailType = '', Detail = '', Resources = [] }: PutEventsRequestEntry): number =>
  14 + [Source, DetailType, Detail, ...Resources].reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/** In order, each as full as a call may be. */
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

/** Of entries: EventBridge API Reference, PutEventsResultEntry. Whatever else it is, the next try tells. */
const nameOf = (code: string | undefined): ErrorName =>
  code === 'ThrottlingException' ? 'Throttled' : 'ServiceUnavailable';

/** EventBridge's default bus of the service's own account and region, by the AWS SDK. */
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
          `events:PutEvents: ${failed.length} of ${batch.length} entries were not taken: ${first.ErrorCode ?? 'no code'}: ${first.ErrorMessage ?? 'no message'}`,
        );
    }
  }
}
