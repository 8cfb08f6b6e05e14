/** The states between the plan and the first lock: the approval and the change window. No lock is held meanwhile. */
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { MOST_REPLANS } from '../../lambdas/domain/waiting/waiting.ts';
import type { Endings } from './endings.ts';
import { expression, type Expression, MIGRATION_ID, REQUEST, unknownFields } from './expressions.ts';
import {
  answerIs,
  changesTrust,
  EXECUTION_ARN,
  isSet,
  MIGRATION,
  type StepFunctions,
  TASK_TOKEN,
  type MakeTask,
} from './task.ts';

export const answered = (field: string): Expression => expression(`$states.result.Payload.${field}`);

export const PLAN_INPUT = {
  migrationId: expression(MIGRATION_ID),
  executionArn: EXECUTION_ARN,
  request: expression(REQUEST),
  unknownFields: expression(unknownFields('migrationId', 'request')),
};

/** Failure for a Choice after a plan that is blocked. */
export const CHECKS_FAILED = expression(
  `{'Error': 'ChecksFailed', 'Cause': 'Failed checks: ' & $join($states.input.blockedBy, ', ') & '.'}`,
);

/** Failure for a Catch of States.Timeout after waiting for an approval. */
export const NOBODY_DECIDED = expression(
  `{'Error': 'ApprovalExpired', 'Cause': 'The plan was not approved in time. Nothing was changed. Start the migration again, with more time for the approval (approvalHours) if necessary.'}`,
);

/** Failure for a Choice after a plan that would have to wait once more. */
const WAITED_TOO_OFTEN = expression(
  `{'Error': 'WaitedTooOften', 'Cause': 'The migration was planned again ${MOST_REPLANS} times, after as many waits, and could not begin. Nothing was changed. Start it again with a longer change window.'}`,
);

/** Variables that decide what follows a plan. */
export const plannedVariables = (functions: StepFunctions): Record<string, Expression | number> => ({
  target: answered('target'),
  subject: answered('subject'),
  attempts: answered('attempts'),
  planHash: answered('planHash'),
  firstPolls: answered('firstPolls'),
  attempt: 0,
  installsAgent: answered('installsAgent'),
  removesAnnotation: answered('removesAnnotation'),
  createsStandalone: answered('createsStandalone'),
  needsApproval: answered('needsApproval'),
  approvalSeconds: answered('approvalSeconds'),
  hasWindow: answered('hasWindow'),
  ...(changesTrust(functions) ? { repairsTrust: answered('repairsTrust') } : {}),
});

const migratesIf = (condition: string): sfn.Condition =>
  sfn.Condition.jsonata(expression(`$states.input.verdict = 'migrate' and ${condition}`));

export interface Waiting {
  /** Decides after a plan whether to wait for an approval or a change window. */
  needsApproval: sfn.Condition;
  needsWindow: sfn.Condition;
  requestApproval: sfn.State;
  awaitWindow: tasks.LambdaInvoke;
  /** The state after all waiting is done. */
  leadTo: (begin: sfn.State, endings: Endings) => void;
}

/**
 * Waits for the approval, then for the window, and then plans again, because the approved plan may be days old. A plan
 * that differs needs its own approval. `planned` has what a plan assigns.
 */
export function createWaiting(scope: Construct, task: MakeTask, planned: Record<string, Expression | number>): Waiting {
  const replan = task('plan', {
    stateName: 'PlanAgain',
    payload: { ...PLAN_INPUT, action: 'again' },
    assign: { ...planned, replans: expression('$replans + 1') },
  });
  const awaitWindow = task('await-window', {
    payload: { ...MIGRATION, startedAt: expression('$states.context.State.EnteredTime'), pollsHourly: true },
  });
  // Only the approver's call ends the wait successfully; its output has the hash of the approved plan.
  const requestApproval = task('request-approval', {
    payload: { ...MIGRATION, planHash: expression('$planHash'), taskToken: TASK_TOKEN },
    callback: { timeoutSeconds: expression('$approvalSeconds') },
    assign: { approvedHash: expression('$states.result.planHash') },
  });
  requestApproval.next(
    sfn.Choice.jsonata(scope, 'IsThereAWindow').when(isSet('hasWindow'), awaitWindow).otherwise(replan),
  );
  awaitWindow.next(replan);
  return {
    needsApproval: migratesIf('$needsApproval'),
    needsWindow: migratesIf('$hasWindow'),
    requestApproval,
    awaitWindow,
    leadTo: (begin, endings) => {
      replan.next(
        sfn.Choice.jsonata(scope, 'IsStillAsPlanned', { assign: { failure: CHECKS_FAILED } })
          .when(migratesIf(`$replans > ${MOST_REPLANS}`), endings.RecordBlocked, {
            assign: { failure: WAITED_TOO_OFTEN },
          })
          .when(migratesIf('$needsApproval and $approvedHash != $planHash'), requestApproval)
          .when(answerIs('verdict', 'migrate'), begin)
          .when(answerIs('verdict', 'already-migrated'), endings.AlreadyMigrated)
          .otherwise(endings.Blocked),
      );
    },
  };
}
