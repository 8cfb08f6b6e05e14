/**
 * The EventBridge API over the bus: AWS JSON 1.1. Shapes and errors: EventBridge API Reference, PutEvents; texts from
 * localstack/localstack's recordings of AWS (`tests/aws/services/events/test_events.snapshot.json`).
 */
import { z } from 'zod';
import { isAllowed } from '../authorization/resource-policy.ts';
import { type CallContext, ContentResponse, type HttpRequest, type HttpResponse, type Service } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import { sessionOf } from '../authorization/sessions.ts';
import { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { unsupportedOperation } from '../unsupported.ts';
import { requiredPermission, resolveBus, type BusReference } from './authorization.ts';
import type { EventBus } from './bus.ts';

const entry = z.object({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  Resources: z.array(z.string()).optional(),
  /** Seconds since 1970. */
  Time: z.number().optional(),
  EventBusName: z.string().optional(),
  TraceHeader: z.string().optional(),
});
type RequestEntry = z.infer<typeof entry>;
const input = z.object({
  Entries: z.array(entry),
  EndpointId: z.never('the sandbox does not support global endpoints').optional(),
});

type Result = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

const MOST_ENTRIES = 10;
/**
 * Maximum size of all entries together: AWS What's New, January 2026, "Amazon EventBridge increases event payload size
 * from 256 KB to 1 MB".
 */
const MAX_BYTES = 1_048_576;

const bytesOf = (text: string | undefined): number => Buffer.byteLength(text ?? '');

/** EventBridge User Guide, "Calculating PutEvents event entry size". */
const sizeOf = ({
  Time: time,
  Source: source,
  DetailType: detailType,
  Detail: detail,
  Resources: resources = [],
}: RequestEntry): number =>
  (time === undefined ? 0 : 14) +
  [source, detailType, detail, ...resources].reduce((sum, text) => sum + bytesOf(text), 0);

/** An error that refuses the whole call. */
class EventsError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

const validation = (problem: string): EventsError =>
  new EventsError(
    'ValidationException',
    `1 validation error detected: Value at 'entries' failed to satisfy constraint: ${problem}`,
  );

const parseInput = ({ content, body }: HttpRequest): RequestEntry[] => {
  let json: unknown = content;
  try {
    json ??= JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new EventsError('SerializationException', 'The body of PutEvents is not JSON.');
  }
  const parsed = input.safeParse(json);
  if (!parsed.success)
    throw new EventsError(
      'SerializationException',
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    );
  const { Entries: entries } = parsed.data;
  if (entries.length === 0) throw validation('Member must have length greater than or equal to 1');
  if (entries.length > MOST_ENTRIES) throw validation(`Member must have length less than or equal to ${MOST_ENTRIES}`);
  return entries;
};

const objectOf = (text: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const failed = (code: string, message: string): Result => ({ ErrorCode: code, ErrorMessage: message });

/**
 * Custom events may not use AWS's own sources. An event for a bus other than the default bus is accepted and discarded,
 * even if the bus does not exist.
 */
const putOne = (
  bus: EventBus,
  target: BusReference,
  { Source: source, DetailType: detailType, Detail: detail, Resources: resources = [], Time: time }: RequestEntry,
  otherId: () => string,
): Result => {
  const missing = Object.entries({ Source: source, DetailType: detailType, Detail: detail }).find(
    ([, value]) => value === undefined || value === '',
  )?.[0];
  if (source === undefined || detailType === undefined || detail === undefined || missing !== undefined) {
    return failed('InvalidArgument', `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`);
  }
  if (source.startsWith('aws.')) return failed('NotAuthorizedForSourceException', 'Not authorized for the source.');
  const object = objectOf(detail);
  if (!object) return failed('MalformedDetail', 'Detail is malformed.');
  if (target.name !== 'default') return { EventId: otherId() };
  const { account, region } = target;
  return {
    EventId: bus.put(
      { source, detailType, detail: object, resources, ...(time === undefined ? {} : { time: time * 1000 }) },
      { account, region },
    ),
  };
};

/** Returns what the call log shows: never the details. */
export const summarise = (given: Json): Json => {
  const { Entries: entries } = given;
  return {
    Entries: (Array.isArray(entries) ? entries : [])
      .filter(isObject)
      .map(({ Source: source, DetailType: detailType, EventBusName: bus }) => ({
        Source: source,
        DetailType: detailType,
        ...(bus === undefined ? {} : { EventBusName: bus }),
      })),
  };
};

/**
 * Throws EventsError unless the caller has permission for each of the buses; another account's bus must also allow the
 * caller in its own policy.
 */
const authorize = (
  world: World,
  all: EventBus,
  buses: BusReference[],
  entries: RequestEntry[],
  context: CallContext,
): void => {
  for (const bus of new Map(buses.map((each) => [each.arn, each])).values()) {
    const permission = requiredPermission(
      bus,
      entries.filter((_, index) => buses[index]?.arn === bus.arn),
    );
    const denial = context.authorize(permission);
    if (denial) throw new EventsError('AccessDeniedException', denial.message);
    if (isAllowed(all.policiesOf(bus.arn), permission, { caller: context.caller.principalArn })) continue;
    throw new EventsError(
      'AccessDeniedException',
      `User: ${sessionOf(world, context.caller)} is not authorized to perform: ${permission.action} on resource: ${permission.resource} because no resource-based policy allows the ${permission.action} action`,
    );
  }
};

/** Separates the service's ids from the world's shared random sequence. */
const OWN_STREAM = 0x70_75_74_73;

/** Creates the service for the sandbox's gateway: the buses of all accounts and regions. */
export const createEventsService = (world: World, bus: EventBus): Service => {
  const ids = new Random(world.seed ^ OWN_STREAM);

  return (request, context) => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': ids.uuid() };
    const answer = (status: number, content: Json): Promise<HttpResponse> =>
      Promise.resolve(new ContentResponse(status, headers, content));
    const name = (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
    context.describe(name, {});
    if (name !== 'PutEvents')
      return answer(501, {
        __type: 'NotImplemented',
        message: unsupportedOperation('EventBridge', name, ['PutEvents']),
      });
    try {
      const entries = parseInput(request);
      context.describe(name, summarise({ Entries: entries }));
      const [, partition = 'aws'] = context.caller.principalArn.split(':');
      const buses = entries.map(({ EventBusName: named = 'default' }) =>
        resolveBus(named, { account: context.caller.account, region: context.region, partition }),
      );
      authorize(world, bus, buses, entries, context);
      if (entries.reduce((sum, each) => sum + sizeOf(each), 0) > MAX_BYTES)
        throw new EventsError('ValidationException', 'Total size of the entries in the request is over the limit.');
      const results = entries.map((each, index) => putOne(bus, buses[index] as BusReference, each, () => ids.uuid()));
      return answer(200, { FailedEntryCount: results.filter((each) => 'ErrorCode' in each).length, Entries: results });
    } catch (error) {
      if (!(error instanceof EventsError))
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      return answer(400, { __type: error.name, message: error.message });
    }
  };
};
