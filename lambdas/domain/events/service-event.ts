/**
 * The events that the service publishes. docs/events.md documents them; their JSON Schema is generated from the schema
 * here (scripts/events-schema.ts). `version` changes when a field is removed or its meaning changes; fields may be
 * added
 * without a new version. No event contains a task token, a configuration value or a policy.
 */
import { z } from 'zod';
import { type OutboxEvent, eventIdOf, eventType, type EventType, roundOf, waitOf } from './outbox-events.ts';
import { levelsText, verified } from '../terms/levels.ts';
import type { Migration } from '../record/migration.ts';
import { OUTCOMES, outcome } from '../terms/outcome.ts';
import { accountId, clusterName, migrationId, reason, regionName, requestedBy } from '../text/names.ts';
import { authenticatedRequester, requesterOf } from '../approval/requester.ts';
import { eventHandOff, eventHandOffOf } from './hand-off.ts';
import { fit, restoreCommandsFor } from './parts.ts';
import { linesOf, titleOf } from './text.ts';
import { serviceAccountRef } from '../terms/subject.ts';
import { correlation } from '../terms/correlation.ts';
import { trigger } from '../terms/trigger.ts';
import { WAITS_FOR } from '../waiting/waiting-for.ts';

/**
 * EventBridge reserves sources that begin with `aws.` for AWS. Every principal of the account that may put events can
 * use
 * this source.
 */
export const EVENT_SOURCE = 'pod-identity-migrator';

/**
 * The maximum of each field. With them, an entry stays far below EventBridge's limit of 256 KB, however large the
 * record.
 */
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
  version: z.literal('1').describe('Version of this schema.'),
  eventId: z
    .string()
    .max(90)
    .describe(
      '`migrationId#what`: unique for the event, and the same each time it is sent. Ignore events whose id you have processed.',
    ),
  type: eventType.describe('What happened.'),
  migrationId: migrationId.describe('Id of the migration, for `pod-identity show` and the API.'),
  at: time.describe('When it happened, ISO 8601, UTC.'),
  account: accountId.describe("The cluster's account."),
  region: regionName.describe("The cluster's region."),
  cluster: clusterName.describe("The cluster's name."),
  addon: z.string().max(100).optional().describe('The add-on. Absent if the subject is a service account.'),
  serviceAccount: serviceAccountRef
    .optional()
    .describe('The service account, if the subject is one that does not belong to an add-on.'),
  outcome: outcome.optional().describe('How the migration ended. Present if the type is an outcome.'),
  verified: verified
    .optional()
    .describe(
      `Level of evidence that was reached. ${levelsText(['injected', 'ready', 'api', 'none'])} After a rollback, \`injected\`: the pods have their former identity.`,
    ),
  dryRun: z.boolean().describe('Whether only a plan was requested.'),
  requester: authenticatedRequester
    .optional()
    .describe('The requester, as authenticated by the API, CloudTrail or the deployment. Absent if none did.'),
  requestedBy: requestedBy
    .optional()
    .describe('The requester, as stated in the request. Nothing authenticates it: use `requester`.'),
  reason: reason.optional().describe('The reason, as stated in the request.'),
  planHash: z.string().max(64).optional().describe('Hash of the plan, or of the plan that the approval is about.'),
  approval: z
    .object({ round: z.number().int().positive(), expiresAt: time })
    .optional()
    .describe('For `approval-needed`: how often an approval has been requested, and when this request expires.'),
  waitingFor: z
    .object({ what: z.enum(WAITS_FOR), since: time, until: time.optional() })
    .optional()
    .describe(
      'For `waiting` and `resumed`: what the migration waits or waited for, since when, and until when at the latest.',
    ),
  failure: z
    .object({ name: z.string().max(100), message: z.string().max(MOST.failure) })
    .optional()
    .describe('The first error, if there was one.'),
  restoreCommands: z
    .array(z.string().max(MOST.command))
    .max(MOST.commands)
    .optional()
    .describe(
      'For `needs-human`: the commands that finish the migration manually. A command that contains values, or that is too long, is replaced by a note: a line that begins with `: ` and does nothing.',
    ),
  handOff: eventHandOff
    .optional()
    .describe(
      "For an outcome after which the owner's code must contain something else, and for `planned`: what it must contain, without policies, tags and settings.",
    ),
  trigger: trigger.optional().describe('What made the service start the migration automatically.'),
  correlation: correlation.optional().describe('Correlation ids of the API request that started the migration.'),
  warnings: z
    .array(z.object({ id: z.string().max(100), message: z.string().max(MOST.warning) }))
    .max(MOST.warnings)
    .optional()
    .describe('Warnings that did not change the outcome.'),
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

/**
 * Returns when the event happened. If a rollback or a recovery has replaced the outcome, the record no longer has the
 * time of that outcome: the start of the rollback or recovery is returned instead.
 */
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

/** Returns what the migration waits for, with the end of the wait if it still waits. */
const waitIn = (
  { waitingFor: noted }: Migration,
  { what, since }: NonNullable<ReturnType<typeof waitOf>>,
): ServiceEvent['waitingFor'] => ({
  what,
  since,
  ...(noted?.what === what ? { until: fit(noted.until, LONGEST_TIME) } : {}),
});

/** Returns the outcome of the event, and how it was verified and what it left to do, if the record still has it. */
function endIn(record: Migration, type: EventType): Pick<ServiceEvent, 'outcome' | 'verified' | 'handOff'> {
  const code = record.outcome === type ? eventHandOffOf(record) : undefined;
  return {
    ...(isOutcome(type) ? { outcome: type } : {}),
    ...(record.outcome === type ? { verified: record.verified } : {}),
    ...(code ? { handOff: code } : {}),
  };
}

/**
 * Returns the event to publish for an outbox event, with the contents of the migration's record as it is now. Returns
 * `undefined` if the event is about an approval that the record does not have. `begunAt` is the time of the snapshot,
 * if
 * there is one.
 */
export function serviceEventOf(record: Migration, event: OutboxEvent, begunAt?: string): ServiceEvent | undefined {
  const round = roundOf(event);
  const wait = waitOf(event);
  const type: EventType = wait?.type ?? (round === undefined ? eventType.parse(event) : 'approval-needed');
  const asked = record.approvals.find((one) => one.round === round);
  if (round !== undefined && !asked) return undefined;
  const { request, plan, trigger: cause, correlation: ofRequest } = record;
  const { target, addon, serviceAccount, dryRun } = request;
  // The record has the failure, warnings and restore commands of its latest outcome only.
  const isLast = record.outcome === type;
  const failure = isLast ? record.failure : undefined;
  const warnings = isLast ? record.warnings.slice(0, MOST.warnings) : [];
  const requester = requesterOf(record);
  const planHash = asked?.planHash ?? plan?.hash;
  const restoreCommands = isLast && type === 'needs-human' ? restoreCommandsFor(record, MOST) : [];
  // The limit for a line of the message is lower than for one of `restoreCommands`, and no command may be cut.
  const pasted = restoreCommands.length > 0 ? restoreCommandsFor(record, { ...MOST, command: MOST.line }) : [];
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
    eventId: eventIdOf(record.migrationId, event),
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
    ...(restoreCommands.length > 0 ? { restoreCommands } : {}),
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

/** Returns the detail type of an event, such as `Pod Identity Migration Needs Human`. */
export const detailTypeOf = ({ type }: Pick<ServiceEvent, 'type'>): string =>
  `Pod Identity Migration ${type.replaceAll(/(^|-)(\w)/g, (_, dash: string, letter: string) => `${dash === '' ? '' : ' '}${letter.toUpperCase()}`)}`;
