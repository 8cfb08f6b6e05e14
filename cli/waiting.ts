/** What a migration waits for before its change begins: an approval, or its change window. */
import { pendingApproval, type Approval } from '../lambdas/domain/approval/approval.ts';
import { type ChangeWindow, nextOpening } from '../lambdas/domain/terms/change-window.ts';
import type { Migration } from '../lambdas/domain/record/migration.ts';
import type { Plan } from '../lambdas/domain/record/plan.ts';
import type { StepProgress } from './history.ts';

export type Waiting =
  | { for: 'approval'; migrationId: string; approval: Approval; plan?: Plan | undefined }
  /**
   * `window` is that of the request, if it has one. `opensAt` is ISO 8601; if the deployment's window is not known here
   * (`isKnown`), the change may begin later.
   */
  | {
      for: 'window';
      migrationId: string;
      window?: ChangeWindow | undefined;
      opensAt?: string | undefined;
      isKnown: boolean;
    };

type Line = Pick<StepProgress, 'endedAt'> & { step: string };

const WAITS: readonly string[] = [
  'request-approval',
  'await-window',
  'request-approval-retirement',
  'await-window-retirement',
];

/** Returns whether a step waits for a decision or a point in time, which may take days. */
export const isWait = ({ step, endedAt }: Line): boolean => endedAt === undefined && WAITS.includes(step);

/** Returns what a step waits for, or undefined if that is not known (yet). `known`: the service's answer on windows. */
export const waitingOf = (
  { step }: { step: string },
  {
    migrationId,
    approvals,
    plan,
    request,
  }: Pick<Migration, 'migrationId' | 'approvals' | 'plan'> & { request: Pick<Migration['request'], 'changeWindow'> },
  now: number,
  known?: { opensAt?: string | undefined },
): Waiting | undefined => {
  if (step.startsWith('request-approval')) {
    const approval = pendingApproval(approvals);
    return approval && { for: 'approval', migrationId, approval, plan };
  }
  const window = request.changeWindow;
  const opens = window && nextOpening(window, now);
  return {
    for: 'window',
    migrationId,
    window,
    opensAt: known ? known.opensAt : opens === undefined ? undefined : new Date(opens).toISOString(),
    isKnown: known !== undefined,
  };
};

/** Returns a key that differs for each wait, so that each is reported once. `step`: the id of the waiting step. */
export const keyOf = (waiting: Waiting, step: number): string =>
  waiting.for === 'approval' ? `approval ${waiting.approval.round}` : `window ${step}`;
