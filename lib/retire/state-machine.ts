import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { APPROVAL_HOURS } from '../../lambdas/domain/request/request.ts';
import { MOST_DAYS_BEFORE_BEGIN } from '../../lambdas/domain/waiting/waiting.ts';
import { OF_RETIREMENT } from '../migration/errors.ts';
import {
  caughtFailure,
  EXECUTION,
  expression,
  type Expression,
  FAILURE_TEXT,
  MIGRATION_ID,
  recordText,
  unknownFields,
} from '../migration/expressions.ts';
import { failWith } from '../migration/records.ts';
import type { MachineProps } from '../migration/state-machine.ts';
import {
  catchFailures,
  EXECUTION_ARN,
  isSet,
  sparsePayload,
  stepTask,
  TASK_TOKEN,
  type StepFunctions,
} from '../migration/task.ts';
import { createStateMachine } from '../step-machine.ts';

/**
 * The waits for an approval and for the window are those of a migration; then the polls for a role's lock take up to 6 h, and
 * the retries of transient faults up to 12 h.
 */
const MACHINE_TIMEOUT = Duration.days(MOST_DAYS_BEFORE_BEGIN).plus(Duration.hours(APPROVAL_HOURS.most + 24));

const INPUT = '$states.context.Execution.Input';

/** What the states that wait pass on. */
const OPERATION = {
  migrationId: expression(MIGRATION_ID),
  target: expression('$target'),
  subject: expression('$subject'),
  operation: 'retirement',
  executionArn: EXECUTION_ARN,
} as const;

/** An expression without a result: the field is left out. */
const ABSENT = '$states.context.absent';

type Stage = 'plan' | 'write' | 'refuse';

/** The input of a stage: the request, and what the stages before have found. */
const payloadOf = (stage: Stage): Expression =>
  sparsePayload<'retire-trust'>({
    migrationId: MIGRATION_ID,
    executionArn: EXECUTION,
    executionStartedAt: '$states.context.Execution.StartTime',
    stage: `'${stage}'`,
    approvedHash: stage === 'write' ? `$approvedHash = '' ? ${ABSENT} : $approvedHash` : ABSENT,
    failure: stage === 'refuse' ? '$failure' : ABSENT,
    action: `${INPUT}.action`,
    dryRun: `${INPUT}.dryRun`,
    soakDays: `${INPUT}.soakDays`,
    accept: `${INPUT}.accept`,
    acceptConsumers: `${INPUT}.acceptConsumers`,
    requestedBy: `${INPUT}.requestedBy`,
    reason: `${INPUT}.reason`,
    unknownFields: unknownFields(
      'migrationId',
      'action',
      'dryRun',
      'soakDays',
      'accept',
      'acceptConsumers',
      'requestedBy',
      'reason',
    ),
  });

/** Failure for a Catch of States.Timeout after waiting for an approval. */
const NOBODY_DECIDED = expression(
  `{'Error': 'ApprovalExpired', 'Cause': 'The change of the trust policy was not approved in time. Request it again.'}`,
);

/** A field of what follows, or a value that no state reads: an expression without a result fails in a variable. */
const nextOr = (field: string, otherwise: string): Expression =>
  expression(`$exists($states.result.Payload.next) ? $states.result.Payload.next.${field} : ${otherwise}`);

const PLANNED = {
  approvedHash: expression("''"),
  target: nextOr('target', '{}'),
  subject: nextOr('subject', "''"),
  planHash: nextOr('planHash', "''"),
  approvalSeconds: nextOr('approvalSeconds', '1'),
  hasWindow: nextOr('window', 'false'),
};

/** Creates the states that wait. If a wait ends in vain, the record gets the reason, and the execution ends refused. */
function createWaits(
  states: Construct,
  functions: StepFunctions,
  refused: sfn.State,
): { requestApproval: tasks.LambdaInvoke; awaitWindow: tasks.LambdaInvoke } {
  const notRetired = stepTask(states, 'retire-trust', {
    functions,
    stateName: 'RecordRefusal',
    payload: payloadOf('refuse'),
  });
  notRetired.next(refused);
  // It fails with the refusal itself, or could not record it; then find-stranded ends the wait.
  notRetired.addCatch(refused, { errors: [sfn.Errors.ALL], assign: { failure: expression('$failure') } });
  const requestApproval = stepTask(states, 'request-approval', {
    functions,
    payload: { ...OPERATION, planHash: expression('$planHash'), taskToken: TASK_TOKEN },
    callback: { timeoutSeconds: expression('$approvalSeconds') },
    assign: { approvedHash: expression('$states.result.planHash') },
  });
  requestApproval.addCatch(notRetired, { errors: [sfn.Errors.TIMEOUT], assign: { failure: NOBODY_DECIDED } });
  const awaitWindow = stepTask(states, 'await-window', {
    functions,
    payload: { ...OPERATION, startedAt: expression('$states.context.State.EnteredTime'), pollsHourly: true },
  });
  for (const wait of [requestApproval, awaitWindow])
    wait.addCatch(notRetired, { errors: [sfn.Errors.ALL], assign: { failure: caughtFailure } });
  return { requestApproval, awaitWindow };
}

/**
 * Removes the OIDC trust of a migrated add-on, or reinstates it, on request. Input: `{ migrationId, action, dryRun,
 * soakDays, accept?, requestedBy?, reason? }`. Its output is the answer of the step retire-trust. It fails as `RetireRefused` if
 * nothing was changed, or as `RetireFailed`; the record then has what may have been written.
 */
export class Retire extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { steps, tableName, key }: MachineProps) {
    super(scope, id);
    const functions = steps.versions;
    const states = new Construct(this, 'States');

    const about = `'The OIDC trust of migration ' & ${MIGRATION_ID} & `;
    const refused = failWith(
      states,
      'RetireRefused',
      `${about}' was not changed. ' & ${FAILURE_TEXT} & ' The migration: ${recordText(tableName)}.'`,
    );
    const failed = failWith(
      states,
      'RetireFailed',
      `${about}' may have been partly changed. ' & ${FAILURE_TEXT} & ' What was recorded before each change: ${recordText(tableName)}. Repeat the request: it continues from the current state.'`,
    );

    const failures = { RetireRefused: refused, RetireFailed: failed };
    const retireTrust = stepTask(states, 'retire-trust', { functions, payload: payloadOf('write') });
    catchFailures(retireTrust, OF_RETIREMENT, failures);
    const retired = sfn.Succeed.jsonata(states, 'Retired');
    retireTrust.next(retired);

    const plan = stepTask(states, 'retire-trust', {
      functions,
      stateName: 'PlanRetirement',
      payload: payloadOf('plan'),
      assign: PLANNED,
    });
    catchFailures(plan, OF_RETIREMENT, failures);
    const { requestApproval, awaitWindow } = createWaits(states, functions, refused);
    plan.next(
      sfn.Choice.jsonata(states, 'IsAnythingToWrite')
        .when(sfn.Condition.jsonata(expression('$not($exists($states.input.next))')), retired)
        .when(sfn.Condition.jsonata(expression('$states.input.next.approval')), requestApproval)
        .when(sfn.Condition.jsonata(expression('$states.input.next.window')), awaitWindow)
        .otherwise(retireTrust),
    );
    requestApproval.next(
      sfn.Choice.jsonata(states, 'IsThereAWindow').when(isSet('hasWindow'), awaitWindow).otherwise(retireTrust),
    );
    awaitWindow.next(retireTrust);

    this.stateMachine = createStateMachine(this, {
      comment: 'Removes the OIDC trust of a migrated add-on from its role, or reinstates it.',
      start: plan,
      timeout: MACHINE_TIMEOUT,
      key,
    });
    steps.grantInvoke(this.stateMachine, ['retire-trust', 'request-approval', 'await-window']);
  }
}
