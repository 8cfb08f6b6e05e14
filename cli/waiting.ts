/** What a migration waits for before its change begins: somebody's approval, or its window. */
import { pendingApproval } from '../lambdas/domain/approval/approval.ts';
import { type ChangeWindow, nextOpening } from '../lambdas/domain/waiting/change-window.ts';
import type { Approval, Migration, Plan } from '../lambdas/domain/migration/model.ts';
import type { StepProgress } from './history.ts';

export type Waiting =
  | { for: 'approval'; migrationId: string; approval: Approval; plan?: Plan | undefined }
  /**
   * `window`: where the request has one of its own. `opensAt`: ISO 8601; where the deployment's window is not known
   * here, it may be open later only.
   */
  | {
      for: 'window';
      migrationId: string;
      window?: ChangeWindow | undefined;
      opensAt?: string | undefined;
      isKnown: boolean;
    };

type Line = Pick<StepProgress, 'endedAt'> & { step: string };

const WAITS: readonly string[] = ['request-approval', 'await-window'];

/**
 * A step that is over when somebody decides, or when a time comes, which may be days; once it is over it was one like
 * all others.
 */
export const isWait = ({ step, endedAt }: Line): boolean => endedAt === undefined && WAITS.includes(step);

/** Undefined where it is not known (yet) what for. `known`: when all windows are open, as the service says. */
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
  if (step === 'request-approval') {
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

/** Differs for each thing that is waited for, so that each is told once. `step`: the id of the one that waits. */
export const keyOf = (waiting: Waiting, step: number): string =>
  waiting.for === 'approval' ? `approval ${waiting.approval.round}` : `window ${step}`;
