/** How long a migration may wait before it begins: for approvals, and for its window. It holds no lock meanwhile. */
import type { ApprovalMode, MigrationRequest } from './request.ts';
import type { ChangeWindow } from './change-window.ts';

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
export const MOST_PLANS_AGAIN = 4;

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
