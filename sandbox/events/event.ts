/**
 * Events in EventBridge's format. Source: EventBridge User Guide, "Events"; Step Functions Developer Guide,
 * "EventBridge".
 */
import { z } from 'zod';
import type { Json } from '../json.ts';

export interface Event {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  /** ISO 8601, whole seconds. */
  time: string;
  region: string;
  resources: string[];
  detail: Json;
}

export interface EventOptions {
  id: string;
  account: string;
  region: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** The state of an execution as its event reports it. */
export interface ExecutionStatus {
  arn: string;
  name: string;
  status: string;
  machine: { arn: string };
  /** Milliseconds since 1970. */
  startedAt: number;
  stoppedAt: number | undefined;
  /** JSON text. */
  input: string;
  output: string | undefined;
  error: string | undefined;
  cause: string | undefined;
}

/** Step Functions Developer Guide: the event leaves out input and output whose escaped size exceeds this. */
const MAX_DATA_BYTES = 248 * 1024;
const bytesOf = (text: string | undefined): number =>
  text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text));

const envelope = ({
  id,
  account,
  region,
  at,
}: EventOptions): Pick<Event, 'version' | 'id' | 'account' | 'time' | 'region'> => ({
  version: '0',
  id,
  account,
  time: new Date(at).toISOString().replace(/\.\d{3}/, ''),
  region,
});

/** Builds the event that Step Functions sends whenever an execution starts or ends. */
export const statusChange = (execution: ExecutionStatus, options: EventOptions): Event => {
  const { input, output } = execution;
  const outputIncluded = bytesOf(output) <= MAX_DATA_BYTES;
  const inputIncluded = bytesOf(input) + (outputIncluded ? bytesOf(output) : 0) <= MAX_DATA_BYTES;
  return {
    ...envelope(options),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    resources: [execution.arn],
    detail: {
      executionArn: execution.arn,
      stateMachineArn: execution.machine.arn,
      name: execution.name,
      status: execution.status,
      startDate: execution.startedAt,
      stopDate: execution.stoppedAt ?? null,
      input: inputIncluded ? input : null,
      inputDetails: { included: inputIncluded },
      output: outputIncluded ? (output ?? null) : null,
      outputDetails: output === undefined ? null : { included: outputIncluded },
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: 0,
      redriveDate: null,
      error: execution.error ?? null,
      cause: execution.cause ?? null,
    },
  };
};

/** Builds the event that a scheduled rule sends to its targets. */
export const scheduledEvent = (ruleArn: string, options: EventOptions): Event => ({
  ...envelope(options),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  resources: [ruleArn],
  detail: {},
});

/** A custom event. Source: EventBridge API Reference, PutEventsRequestEntry. */
export interface Entry {
  source: string;
  detailType: string;
  detail: Json;
  resources: string[];
  /** Time of the event in milliseconds since 1970; default: when it is put. */
  time?: number;
}

export const customEvent = ({ source, detailType, detail, resources }: Entry, options: EventOptions): Event => ({
  ...envelope(options),
  'detail-type': detailType,
  source,
  resources,
  detail,
});

/** EventBridge Events Reference, "Event structure". */
const event = z.object({
  version: z.literal('0').default('0'),
  id: z.string().min(1),
  'detail-type': z.string().min(1),
  source: z.string().min(1),
  account: z.string().regex(/^\d{12}$/, 'must be the 12 digits of an account'),
  time: z.iso.datetime(),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, such as eu-west-1'),
  resources: z.array(z.string()).default([]),
  detail: z.record(z.string(), z.unknown()),
});

/** The value is not an event; the message says what is wrong, and what to do. */
export class EventError extends Error {
  override readonly name = 'EventError';
}

/** Parses an external event, such as a recorded one. Throws EventError. */
export const readEvent = (value: unknown): Event => {
  const parsed = event.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the event'}: ${message}`);
  throw new EventError(
    `This value cannot be delivered as an event: ${problems.join('; ')}. Pass an event in EventBridge's format.`,
  );
};
