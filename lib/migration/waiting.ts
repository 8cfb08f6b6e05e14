/**
 * What comes between the plan and the first lock: somebody's approval, and the change window. Nothing is held
 * meanwhile.
 */
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

/** In a Choice after a plan that allows no change. */
export const CHECKS_FAILED = expression(
  `{'Error': 'ChecksFailed', 'Cause': 'Checks that block: ' & $join($states.input.blockedBy, ', ') & '.'}`,
);

/** In a Catch of States.Timeout, where a state has waited for somebody. */
export const NOBODY_DECIDED = expression(
  `{'Error': 'ApprovalExpired', 'Cause': 'Nobody approved the plan in time. Nothing was changed. Start it again, or give it longer (approvalHours).'}`,
);

/** In a Choice after a plan, where there would be something to wait for once more. */
const WAITED_TOO_OFTEN = expression(
  `{'Error': 'WaitedTooOften', 'Cause': 'It was planned again ${MOST_REPLANS} times, after as many waits, and could not begin. Nothing was changed. Start it again, with a window that is open longer.'}`,
);

/** What the states after a plan go by. */
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
  /** After a plan: whether somebody has to approve it, or its window has to be waited for. */
  needsApproval: sfn.Condition;
  needsWindow: sfn.Condition;
  requestApproval: sfn.State;
  awaitWindow: tasks.LambdaInvoke;
  /** Where it leads when nothing has to be waited for any more. */
  leadTo: (begin: sfn.State, endings: Endings) => void;
}

/**
 * Approval first, then the window, then the plan once more: what was approved, or planned, may be days old. A plan that
 * has come out differently wants an approval of its own. `planned`: what a plan assigns.
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
  // Nobody but the approver's call ends the wait well: its answer says which plan it was about.
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
