/**
 * The service's own events, as others receive them: documented in docs/events.md, whose JSON Schema is made from the
 * schema here (scripts/events-schema.ts). `version` changes when a field goes or means something else; fields may be
 * added without that. There is no task token, no configuration value and no policy in any of them.
 */
import { z } from 'zod';
import { type OutboxEvent, eventIdOf, eventType, type EventType, roundOf, waitOf } from './outbox-events.ts';
import { type Migration, OUTCOMES, outcome, verified } from '../migration/model.ts';
import { accountId, clusterName, migrationId, reason, regionName, requestedBy } from '../text/names.ts';
import { authenticatedRequester, requesterOf } from '../approval/requester.ts';
import { fit, handOffFor } from './parts.ts';
import { linesOf, titleOf } from './text.ts';
import { serviceAccountRef } from '../migration/subject.ts';
import { correlation } from '../migration/correlation.ts';
import { trigger } from '../migration/trigger.ts';
import { WAITS_FOR } from '../waiting/waiting-for.ts';

/**
 * EventBridge keeps sources that begin with `aws.` to AWS; this one anybody in the account may use who may put events.
 */
export const EVENT_SOURCE = 'pod-identity-migrator';

/** Most of each. Together an entry stays far below the 256 KB that EventBridge takes, whatever the record holds. */
export const MOST = {
  title: 100,
  lines: 30,
  line: 400,
  commands: 25,
  command: 1000,
  warnings: 10,
  warning: 500,
  failure: 1000,
} as const;

const LONGEST_TIME = 40;
const time = z.string().max(LONGEST_TIME);

export const serviceEvent = z.object({
  version: z.literal('1').describe('Of this schema.'),
  eventId: z
    .string()
    .max(90)
    .describe('`migrationId#what`: the same however often the event comes. Who has seen it can leave it.'),
  type: eventType.describe('What happened.'),
  migrationId: migrationId.describe('Of the migration: `pod-identity show` and the API know it.'),
  at: time.describe('When it happened, ISO 8601, UTC.'),
  account: accountId.describe("The cluster's account."),
  region: regionName.describe("The cluster's region."),
  cluster: clusterName.describe("The cluster's name."),
  addon: z.string().max(100).optional().describe('The add-on; or else `serviceAccount`.'),
  serviceAccount: serviceAccountRef.optional().describe("The service account that is no add-on's."),
  outcome: outcome.optional().describe('How it ended; there for types that are outcomes.'),
  verified: verified.optional().describe('How the end was verified: on the pods, by what EKS says, or not.'),
  dryRun: z.boolean().describe('Whether a plan is all that was asked for.'),
  requester: authenticatedRequester
    .optional()
    .describe('Who requested it, as the API, CloudTrail or the deployment vouches for; absent where nobody does.'),
  requestedBy: requestedBy
    .optional()
    .describe('Who requested it, in the words of the request: `requester` is who it was.'),
  reason: reason.optional().describe('Why, in the words of the request.'),
  planHash: z.string().max(64).optional().describe('Of the plan; of an approval the one that it is about.'),
  approval: z
    .object({ round: z.number().int().positive(), expiresAt: time })
    .optional()
    .describe('Of `approval-needed`: how often has been asked by now, and until when is waited.'),
  waitingFor: z
    .object({ what: z.enum(WAITS_FOR), since: time, until: time.optional() })
    .optional()
    .describe(
      'Of `waiting` and `resumed`: what it waits, or has waited, for, since when, and until when it does so at most.',
    ),
  failure: z
    .object({ name: z.string().max(100), message: z.string().max(MOST.failure) })
    .optional()
    .describe('The first error, of ends that have one.'),
  handOff: z
    .array(z.string().max(MOST.command))
    .max(MOST.commands)
    .optional()
    .describe(
      'Of `needs-human`: the commands that finish by hand. In the place of one with values in it, or of one that is too long, there is a note. A note is a line that begins with `: ` and does nothing.',
    ),
  trigger: trigger.optional().describe('What had the service start it by itself.'),
  correlation: correlation.optional().describe('Of the request of the API that it was taken in by.'),
  warnings: z
    .array(z.object({ id: z.string().max(100), message: z.string().max(MOST.warning) }))
    .max(MOST.warnings)
    .optional()
    .describe('What is worth knowing although it went well.'),
  title: z.string().max(MOST.title).describe('One line for people.'),
  message: z
    .string()
    .max(MOST.lines * (MOST.line + 1))
    .describe('For people: what happened, where, why, and what to do now.'),
  lines: z
    .array(z.string().max(MOST.line))
    .max(MOST.lines)
    .describe("The message's lines: an input transformer of EventBridge can't break a text into lines."),
});
export type ServiceEvent = z.infer<typeof serviceEvent>;

const isOutcome = (type: EventType): type is (typeof OUTCOMES)[number] => OUTCOMES.some((one) => one === type);

/** When: an end that a rollback, or a recovery, has replaced since is not noted any more, but it was before that. */
function timeOf(
  { startedAt, endedAt, outcome: end, recovery, rollback }: Migration,
  type: EventType,
  {
    asked,
    begunAt,
    wait,
  }: {
    asked: Migration['approvals'][number] | undefined;
    begunAt: string | undefined;
    wait: ReturnType<typeof waitOf>;
  },
): string {
  if (asked) return asked.requestedAt;
  if (wait) return wait.since;
  if (type === 'started') return begunAt ?? startedAt;
  return (end === type ? endedAt : (rollback?.startedAt ?? recovery?.startedAt)) ?? startedAt;
}

/** What it waits for, with the end of that where it still does. */
const waitIn = (
  { waitingFor: noted }: Migration,
  { what, since }: NonNullable<ReturnType<typeof waitOf>>,
): ServiceEvent['waitingFor'] => ({
  what,
  since,
  ...(noted?.what === what ? { until: fit(noted.until, LONGEST_TIME) } : {}),
});

/** The last end, as the record has it. */
const endIn = (record: Migration, type: EventType): Pick<ServiceEvent, 'outcome' | 'verified'> => ({
  ...(isOutcome(type) ? { outcome: type } : {}),
  ...(record.outcome === type ? { verified: record.verified } : {}),
});

/**
 * The event of what is to be told of a migration, as its record has it now. Undefined where that can't be told any
 * more: of an approval that the record does not know. `begunAt`: when its snapshot was taken, where it was.
 */
export function serviceEventOf(record: Migration, told: OutboxEvent, begunAt?: string): ServiceEvent | undefined {
  const round = roundOf(told);
  const wait = waitOf(told);
  const type: EventType = wait?.type ?? (round === undefined ? eventType.parse(told) : 'approval-needed');
  const asked = record.approvals.find((one) => one.round === round);
  if (round !== undefined && !asked) return undefined;
  const { request, plan, trigger: cause, correlation: ofRequest } = record;
  const { target, addon, serviceAccount, dryRun } = request;
  // What the record says of its end is of the last one alone.
  const isLast = record.outcome === type;
  const failure = isLast ? record.failure : undefined;
  const warnings = isLast ? record.warnings.slice(0, MOST.warnings) : [];
  const requester = requesterOf(record);
  const planHash = asked?.planHash ?? plan?.hash;
  const handOff = isLast && type === 'needs-human' ? handOffFor(record, MOST) : [];
  // A line of the message is shorter than one of the field, and no command may be cut.
  const pasted = handOff.length > 0 ? handOffFor(record, { ...MOST, command: MOST.line }) : [];
  const lines = linesOf(record, type, { asked, wait }, pasted).flatMap((line) =>
    line === '' ? [] : [fit(line, MOST.line)],
  );
  const shown =
    lines.length > MOST.lines
      ? [
          ...lines.slice(0, MOST.lines - 1),
          fit(
            `… ${lines.length - MOST.lines + 1} more lines: pod-identity show ${record.migrationId} --deployed`,
            MOST.line,
          ),
        ]
      : lines;
  return {
    version: '1',
    eventId: eventIdOf(record.migrationId, told),
    type,
    migrationId: record.migrationId,
    at: fit(timeOf(record, type, { asked, begunAt, wait }), LONGEST_TIME),
    ...target,
    ...(addon === undefined ? {} : { addon }),
    ...(serviceAccount ? { serviceAccount } : {}),
    ...endIn(record, type),
    dryRun,
    ...(requester ? { requester } : {}),
    ...(request.requestedBy === undefined ? {} : { requestedBy: request.requestedBy }),
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    ...(planHash === undefined ? {} : { planHash: fit(planHash, 64) }),
    ...(asked ? { approval: { round: asked.round, expiresAt: fit(asked.expiresAt, LONGEST_TIME) } } : {}),
    ...(wait ? { waitingFor: waitIn(record, wait) } : {}),
    ...(failure ? { failure: { name: fit(failure.name, 100), message: fit(failure.message, MOST.failure) } } : {}),
    ...(handOff.length > 0 ? { handOff } : {}),
    ...(cause ? { trigger: { ...cause, at: fit(cause.at, LONGEST_TIME) } } : {}),
    ...(ofRequest ? { correlation: ofRequest } : {}),
    ...(warnings.length > 0
      ? { warnings: warnings.map(({ id, message }) => ({ id: fit(id, 100), message: fit(message, MOST.warning) })) }
      : {}),
    title: fit(titleOf(record, type), MOST.title),
    message: shown.join('\n'),
    lines: shown,
  };
}

/** `Pod Identity Migration Needs Human`. */
export const detailTypeOf = ({ type }: Pick<ServiceEvent, 'type'>): string =>
  `Pod Identity Migration ${type.replaceAll(/(^|-)(\w)/g, (_, dash: string, letter: string) => `${dash === '' ? '' : ' '}${letter.toUpperCase()}`)}`;
