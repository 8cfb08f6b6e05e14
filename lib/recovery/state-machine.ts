import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { BEFORE_RECOVERY } from '../migration/errors.ts';
import { RECORD_MISSING } from '../migration/endings.ts';
import {
  EXECUTION,
  expression,
  FAILURE_TEXT,
  MIGRATION_ID,
  recordText,
  unknownFields,
} from '../migration/expressions.ts';
import { failWith, recordEnd } from '../migration/records.ts';
import { BACK, GAVE_UP, Pauses } from '../migration/pauses.ts';
import { createRollback, NOT_RECORDED, ROLLBACK_STEPS } from '../migration/rollback.ts';
import { type MachineProps, PHASES_TIMEOUT } from '../migration/state-machine.ts';
import {
  answerIs,
  catchFailures,
  changesTrust,
  sparsePayload,
  type StepFunctions,
  stepTask,
} from '../migration/task.ts';
import { createStateMachine } from '../step-machine.ts';

const INPUT = '$states.context.Execution.Input';

/** Creates the state that takes the migration over. The rollback reads its output. */
function createTakeOver(scope: Construct, functions: StepFunctions): tasks.LambdaInvoke {
  const assigned = [
    'target',
    'subject',
    'fence',
    'attempt',
    'failure',
    'removesAnnotation',
    ...(changesTrust(functions) ? ['repairsTrust'] : []),
  ];
  return stepTask(scope, 'take-over', {
    functions,
    payload: sparsePayload<'take-over'>({
      migrationId: MIGRATION_ID,
      executionArn: EXECUTION,
      cause: `${INPUT}.cause`,
      requestedBy: `${INPUT}.requestedBy`,
      reason: `${INPUT}.reason`,
      accept: `${INPUT}.accept`,
      acceptCredentialGap: `${INPUT}.acceptCredentialGap`,
      unknownFields: unknownFields('migrationId', 'cause', 'requestedBy', 'reason', 'accept', 'acceptCredentialGap'),
    }),
    pausing: BACK,
    assign: Object.fromEntries(
      assigned.map((variable) => [variable, expression(`$states.result.Payload.${variable}`)]),
    ),
  });
}

/**
 * Takes over a migration whose execution of MigrateAddon stopped without recording its end, and rolls a migration back
 * on demand. Input: `{ migrationId, cause, requestedBy?, reason?, accept? }` (see the step take-over). It
 * succeeds as `Recovered`, with the outcome of the migration, or as `NothingToRecover`. It fails as `NeedsHuman`, or as
 * `RecoveryFailed` if it could not begin or could not record the end.
 */
export class Recover extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { steps, tableName, key }: MachineProps) {
    super(scope, id);
    const functions = steps.versions;
    const states = new Construct(this, 'States');

    const recovered = sfn.Succeed.jsonata(states, 'Recovered', {
      outputs: { migrationId: expression(MIGRATION_ID), outcome: expression('$states.input.outcome') },
    });
    const nothing = sfn.Succeed.jsonata(states, 'NothingToRecover', {
      outputs: { migrationId: expression(MIGRATION_ID) },
    });
    const failed = failWith(
      states,
      'RecoveryFailed',
      `'The recovery of migration ' & ${MIGRATION_ID} & ' failed. ' & ${FAILURE_TEXT} & ' The migration: ${recordText(tableName)}.'`,
    );
    const pauses = new Pauses(states, functions);
    const rollback = createRollback(states, { functions, tableName, rolledBack: recovered, pauses });
    const recordMigrated = recordEnd(states, functions, {
      stateName: 'RecordMigrated',
      outcome: 'migrated',
      next: recovered,
      unrecorded: { target: 'RecoveryFailed', state: failed, failure: RECORD_MISSING },
      pauses,
    });
    const recordBlocked = recordEnd(states, functions, {
      stateName: 'RecordBlocked',
      outcome: 'blocked',
      next: recovered,
      unrecorded: { target: 'RecoveryFailed', state: failed, failure: NOT_RECORDED },
      pauses,
    });

    const takeOver = createTakeOver(states, functions);
    pauses.phase('take-over', { back: true, tooLong: { to: failed, failure: GAVE_UP } });
    pauses.around(takeOver, 'take-over', BACK);
    catchFailures(takeOver, BEFORE_RECOVERY, { RecoveryFailed: failed });
    takeOver.next(
      sfn.Choice.jsonata(states, 'WhatIsLeft')
        .when(answerIs('action', 'roll-back'), rollback.RollBack)
        .when(answerIs('action', 'finish'), recordMigrated)
        .when(answerIs('action', 'release'), recordBlocked)
        .otherwise(nothing),
    );

    pauses.close();
    this.stateMachine = createStateMachine(this, {
      comment: 'Recovers a migration whose execution has stopped, and rolls a migration back on demand.',
      start: pauses.start(takeOver),
      // If it times out, find-stranded finds its locks and starts it again.
      timeout: PHASES_TIMEOUT,
      key,
    });
    steps.grantInvoke(this.stateMachine, ['take-over', 'pause', ...ROLLBACK_STEPS]);
  }
}
