/**
 * How long a migration may wait before it begins, for approvals and for its change window. It holds no lock while it
 * waits.
 */
import { z } from 'zod';
import type { ChangeWindow } from '../terms/change-window.ts';
import { areOpen } from './change-windows.ts';
import { withoutSession } from '../aws/principal.ts';
import { APPROVAL_HOURS, type ApprovalMode, type MigrationRequest } from '../request/request.ts';
import { type Requested, requesterOf } from '../approval/requester.ts';

const HOUR_MS = 3_600_000;

/**
 * The limit from the start, over all approvals and windows: an execution must have time left to make the change and to
 * roll it back.
 */
export const MOST_DAYS_BEFORE_BEGIN = 30;

/**
 * How often a migration is planned again after a wait. After that it ends instead of waiting once more. An execution's
 * history has room for this many rounds in all cases (docs/scale.md).
 */
export const MOST_REPLANS = 4;

/** Returns when a migration must have begun, in milliseconds since 1970. */
export const deadlineOf = ({ startedAt }: { startedAt: string }): number =>
  Date.parse(startedAt) + MOST_DAYS_BEFORE_BEGIN * 24 * HOUR_MS;

/** Returns when an approval that is requested now expires. */
export const approvalExpiry = (
  { approvalHours }: Pick<MigrationRequest, 'approvalHours'>,
  record: { startedAt: string },
  now: number,
): number => Math.min(now + approvalHours * HOUR_MS, deadlineOf(record));

interface Rules {
  approvals: { required: boolean };
  changeWindow?: ChangeWindow | undefined;
}

/** Returns whether an approval is required, by the request or by the deployment. */
export const needsApproval = ({ approval }: { approval: ApprovalMode }, { approvals }: Rules): boolean =>
  approval === 'required' || approvals.required;

/**
 * Returns the windows that must be open, the deployment's first. A request's window can only narrow the deployment's.
 */
export const windowsOf = (request: { changeWindow?: ChangeWindow | undefined }, rules: Rules): ChangeWindow[] =>
  [rules.changeWindow, request.changeWindow].filter((window) => window !== undefined);

/** Returns when the wait for the windows ends, counted from its beginning: no later than any of them allows. */
export const windowLimit = (windows: readonly ChangeWindow[], record: { startedAt: string }, since: number): number =>
  Math.min(...windows.map(({ waitAtMostHours }) => since + waitAtMostHours * HOUR_MS), deadlineOf(record));

/** How many migrations may wait at the same time, for approvals and for windows. */
export const waitingCaps = z.object({
  perPrincipal: z.int().positive(),
  perDeployment: z.int().positive(),
});
export type WaitingCaps = z.infer<typeof waitingCaps>;

/** A migration that waits. `subject`: the key of the subject's lock; `since`: when it began to wait. */
export interface WaitingMigration {
  migrationId: string;
  principal: string;
  subject: string;
  since: string;
}
/** `waiting`: how many migrations already wait, if the limit is reached. */
export type SlotResult = { taken: true } | { taken: false; full: 'principal' | 'deployment'; waiting: number };

/** Milliseconds after which no migration still waits, even if its execution was stopped. */
export const LONGEST_WAIT_MS = (MOST_DAYS_BEFORE_BEGIN * 24 + APPROVAL_HOURS.most + 24) * HOUR_MS;

/**
 * Returns the principal that a waiting request counts for: its authenticated requester, with all sessions of a role as
 * one. Requests without an authenticated requester share one count, regardless of what they state.
 */
export function waitingPrincipal(record: Requested): string {
  const requester = requesterOf(record);
  if (!requester) return 'unknown';
  if (requester.source === 'schedule') return `schedule ${requester.schedule}`;
  return withoutSession(requester.principal);
}

/** Returns whether the request has to wait before it begins, in the current state. */
export function waitsBeforeBegin(
  request: Pick<MigrationRequest, 'approval' | 'changeWindow' | 'dryRun'>,
  rules: Rules,
  now: number,
): boolean {
  if (request.dryRun) return false;
  return needsApproval(request, rules) || !areOpen(windowsOf(request, rules), now);
}

/** Returns why a migration may not wait, and what to do about it. */
export function tooManyWaitingText(
  { full, waiting }: Extract<SlotResult, { taken: false }>,
  principal: string,
  caps: WaitingCaps,
): string {
  const [who, cap, setting] =
    full === 'principal'
      ? ([`of ${principal}`, caps.perPrincipal, 'waiting.perPrincipal'] as const)
      : (['of this deployment', caps.perDeployment, 'waiting.perDeployment'] as const);
  return `${waiting} migrations ${who} already wait for an approval or a change window, and the limit is ${cap} (${setting}). Nothing was changed. Approve, reject or cancel some of them, then start the migration again.`;
}
