/**
 * What a migration waits for: one concept for approvals, change windows, polls and outages. The record has what the
 * state
 * machine waits for, so that people see more than a step that does not end.
 */
import { z } from 'zod';
import type { Approval } from '../approval/approval.ts';
import type { Status } from '../terms/outcome.ts';
import { shownText } from '../text/text.ts';
import { schemaNames, shownTime, time } from '../text/schemas.ts';

/** A closed set of words. `WAITS_TEXT` has their texts for people. */
export const WAITS_FOR = [
  'approval',
  'window',
  'service',
  'function',
  'api-access',
  'access',
  'pace',
  'busy',
  'deletion',
  'activation',
  'association',
  'pods',
  'restore',
  'trust',
  'role-lock',
  'recovery',
  'execution',
] as const;
export type WaitsFor = (typeof WAITS_FOR)[number];

/** Each completes the sentence "It waits for …". */
export const WAITS_TEXT: Record<WaitsFor, string> = {
  approval: 'the approval of its plan',
  window: 'its change window to open',
  service: 'an AWS service or the API server, which fails or throttles calls',
  function: 'Lambda, which does not complete the functions of the service',
  'api-access': 'access to the API server, which refuses the service',
  access: 'permission for a call, which AWS denies',
  pace: 'its turn among the calls that the service makes at the same time',
  busy: 'EKS to complete an earlier operation on the add-on or its associations',
  deletion: 'EKS to delete the add-on',
  activation: 'the add-on to become ACTIVE',
  association: 'EKS to release the associations that were deleted',
  pods: 'the pods to roll out',
  restore: 'EKS to restore the add-on',
  trust: 'EKS to see the repaired trust policy',
  'role-lock': 'another migration that uses the same role',
  recovery: 'the recovery of another migration of the same subject',
  execution: 'the last function of the stopped execution to end',
};

export const waitingFor = z
  .object({
    what: z.enum(WAITS_FOR).describe('What it waits for.'),
    since: shownTime.describe('When it began to wait.'),
    until: shownTime.describe('When it stops waiting at the latest. For a change window, when the window opens.'),
    text: shownText.describe('What it waits for and what it observed last, as sentences.'),
    nextTryAt: time.optional().describe('When it tries again automatically. Absent if a person has to act.'),
  })
  .register(schemaNames, { name: 'WaitingFor' });
export type WaitingFor = z.infer<typeof waitingFor>;

/** A wait as the record has it. */
export const notedWait = waitingFor.extend({
  /** Name of the state that waits, in the state machine. */
  state: shownText,
  /** When the wait was last recorded. */
  notedAt: z.string(),
  /** Whether an event about the wait was published, so that another one follows when the migration continues. */
  notified: z.boolean(),
});
export type NotedWait = z.infer<typeof notedWait>;

interface Waiting {
  status: Status;
  approvals: readonly Approval[];
  waitingFor?: NotedWait | undefined;
  /** The operation on it after its end. */
  retirement?: { waitingFor?: WaitingFor | undefined } | undefined;
}

/**
 * Returns what a migration, or an operation on it, waits for now; `undefined` if nothing waits.
 */
export function waitingForOf({ status, approvals, waitingFor: noted, retirement }: Waiting): WaitingFor | undefined {
  if (status === 'ended') return retirement?.waitingFor;
  if (noted) return waitingFor.parse(noted);
  const asked = approvals.at(-1);
  if (asked?.state !== 'pending') return undefined;
  const { requestedAt: since, expiresAt: until } = asked;
  return { what: 'approval', since, until, text: `It waits for ${WAITS_TEXT.approval}.` };
}
