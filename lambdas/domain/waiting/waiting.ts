/** How long a migration may wait before it begins: for approvals, and for its window. It holds no lock meanwhile. */
import { z } from 'zod';
import type { ChangeWindow } from './change-window.ts';
import { areOpen } from './change-windows.ts';
import { withoutSession } from '../aws/principal.ts';
import { APPROVAL_HOURS, type ApprovalMode, type MigrationRequest } from '../migration/request.ts';
import { type Requested, requesterOf } from '../approval/requester.ts';

const HOUR_MS = 3_600_000;

/**
 * From the start on, over all approvals and windows: an execution must have time left to make the change and to go
 * back.
 */
export const MOST_DAYS_BEFORE_BEGIN = 30;

/**
 * How often a migration is planned again, each time that it has waited; then it ends rather than to wait once more. An
 * execution's history has room for so many rounds, however each of them goes (docs/scale.md).
 */
export const MOST_REPLANS = 4;

/** Milliseconds since 1970. */
export const deadlineOf = ({ startedAt }: { startedAt: string }): number =>
  Date.parse(startedAt) + MOST_DAYS_BEFORE_BEGIN * 24 * HOUR_MS;

/** When an approval that is asked for now is no longer waited for. */
export const approvalExpiry = (
  { approvalHours }: Pick<MigrationRequest, 'approvalHours'>,
  record: { startedAt: string },
  now: number,
): number => Math.min(now + approvalHours * HOUR_MS, deadlineOf(record));

interface Rules {
  approvals: { required: boolean };
  changeWindow?: ChangeWindow | undefined;
}

/** Whether somebody has to approve: because the request says so, or because the deployment wants it of every change. */
export const needsApproval = ({ approval }: { approval: ApprovalMode }, { approvals }: Rules): boolean =>
  approval === 'required' || approvals.required;

/** The windows that have to be open, the deployment's first: a request's own narrows it, and never widens it. */
export const windowsOf = (request: { changeWindow?: ChangeWindow | undefined }, rules: Rules): ChangeWindow[] =>
  [rules.changeWindow, request.changeWindow].filter((window) => window !== undefined);

/** Until when windows are waited for, from the moment that the wait began: no longer than any of them allows. */
export const windowLimit = (windows: readonly ChangeWindow[], record: { startedAt: string }, since: number): number =>
  Math.min(...windows.map(({ waitAtMostHours }) => since + waitAtMostHours * HOUR_MS), deadlineOf(record));

/** How many migrations may wait at once, for approvals and for windows. */
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
/** `waiting`: how many there are already where it is full. */
export type SlotResult = { taken: true } | { taken: false; full: 'principal' | 'deployment'; waiting: number };

/** Milliseconds after which nothing waits any more, whatever happened to the execution. */
export const LONGEST_WAIT_MS = (MOST_DAYS_BEFORE_BEGIN * 24 + APPROVAL_HOURS.most + 24) * HOUR_MS;

/**
 * Returns whom a request that waits counts for: whoever is known to have made it, all sessions of a role as one. Requests
 * whose requester nobody vouches for share one count, whatever they state.
 */
export function waitingPrincipal(record: Requested): string {
  const requester = requesterOf(record);
  if (!requester) return 'unknown';
  if (requester.source === 'schedule') return `schedule ${requester.schedule}`;
  return withoutSession(requester.principal);
}

/** Returns whether the request waits before it begins, as things are now. */
export function waitsBeforeBegin(
  request: Pick<MigrationRequest, 'approval' | 'changeWindow' | 'dryRun'>,
  rules: Rules,
  now: number,
): boolean {
  if (request.dryRun) return false;
  return needsApproval(request, rules) || !areOpen(windowsOf(request, rules), now);
}

/** Says why a migration is not admitted among those that wait, and what to do about it. */
export function tooManyWaitingText(
  { full, waiting }: Extract<SlotResult, { taken: false }>,
  principal: string,
  caps: WaitingCaps,
): string {
  const [who, cap, setting] =
    full === 'principal'
      ? ([`of ${principal}`, caps.perPrincipal, 'waiting.perPrincipal'] as const)
      : (['of this deployment', caps.perDeployment, 'waiting.perDeployment'] as const);
  return `${waiting} migrations ${who} wait already for an approval or a change window, and ${cap} may (${setting}). Nothing was changed. Approve, reject or cancel some of them, then start again.`;
}
