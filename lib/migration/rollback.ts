import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { NOT_PUT_BACK_TEXT } from '../../lambdas/domain/failures/ended-by.ts';
import { WITNESS_WAIT_SECONDS } from '../../lambdas/domain/rollout/forecast.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { type Catcher, type FailureTarget, ROLLBACK_CATCHERS, WEBHOOK_STILL_INJECTS } from './errors.ts';
import { anotherFailure, caught, expression, type Expression, migrationText, recordText } from './expressions.ts';
import { BACK, GAVE_UP_TEXT, type Pauses } from './pauses.ts';
import { failWith, FIRST_ERROR, recordEnd } from './records.ts';
import {
  answerIs,
  answers,
  catchFailures,
  CHANGE,
  changesTrust,
  isOfServiceAccount,
  isSet,
  LOCKED_MIGRATION,
  type StepFunctions,
  stepTask,
  type StepTaskOptions,
  wait,
} from './task.ts';

/** The deployed steps that the rollback calls. */
export const ROLLBACK_STEPS = [
  'assess-rollback',
  'restore-addon',
  'restore-associations',
  'annotate-service-account',
  'verify-pods',
  'restart-pods',
  'repair-trust',
  'finish',
] as const satisfies StepName[];

export interface RollbackOptions {
  functions: StepFunctions;
  tableName: string;
  /** State after everything is restored and recorded. The output of the previous state has the outcome. */
  rolledBack: sfn.State;
  pauses: Pauses;
}

export interface Rollback {
  /**
   * First state of the rollback. It expects the variables `target`, `subject`, `fence`, `attempt`, `failure` (the
   * reason), `removesAnnotation`, and `repairsTrust` if trust policies may be changed.
   */
  RollBack: sfn.State;
  RecordNeedsHuman: sfn.State;
  NeedsHuman: sfn.State;
}

/** Text of a `failure` if the end could not be recorded. */
export const NOT_RECORDED = anotherFailure(
  'The end could not be recorded in the ledger either, so the locks may still be held',
);

const NOT_PUT_BACK = anotherFailure(NOT_PUT_BACK_TEXT);

/** `others` has states that some failures lead to before a person is asked. */
type MakeTask = <Name extends StepName>(
  step: Name,
  options: Omit<StepTaskOptions<Name>, 'functions'>,
  others?: { catchers: Catcher[]; targets: Partial<Record<FailureTarget, sfn.State>> },
) => tasks.LambdaInvoke;

/** States that assess the add-on and restore it with an action. */
function createActions(task: MakeTask) {
  const assess = task('assess-rollback', { payload: { ...LOCKED_MIGRATION, actions: expression('$actions') } });
  const restore = (stateName: string, action: 'update' | 'delete' | 'create') =>
    task('restore-addon', { stateName, payload: { ...LOCKED_MIGRATION, action, actions: expression('$actions') } });
  const restorePurged = task('restore-associations', {
    stateName: 'RestorePurged',
    payload: { ...LOCKED_MIGRATION, action: 'purged' },
  });
  return {
    restorePurged,
    assess,
    restoreByUpdate: restore('RestoreByUpdate', 'update'),
    removeFailedCopy: restore('RemoveFailedCopy', 'delete'),
    restoreByCreate: restore('RestoreByCreate', 'create'),
  };
}

/** Repeats actions until the add-on has its role again. Returns the first state. */
function restoreAddon(
  scope: Construct,
  { restorePurged, assess, restoreByUpdate, removeFailedCopy, restoreByCreate }: ReturnType<typeof createActions>,
  next: sfn.State,
  recordNeedsHuman: sfn.State,
): sfn.State {
  // EKS has started the change by then.
  const waitForRestore = wait(scope, 'WaitForRestore', 15, { actions: expression('$actions + 1') });
  const whichRestore = sfn.Choice.jsonata(scope, 'WhichRestore')
    .when(answerIs('action', 'done'), next)
    .when(answerIs('action', 'update'), restoreByUpdate)
    .when(answerIs('action', 'delete'), removeFailedCopy)
    .when(answerIs('action', 'create'), restoreByCreate)
    .otherwise(recordNeedsHuman);

  assess.next(whichRestore);
  for (const action of [restoreByUpdate, removeFailedCopy, restoreByCreate]) action.next(waitForRestore);
  waitForRestore.next(assess);
  restorePurged.next(assess);
  return restorePurged;
}

/** Creates the state that restores a service account's annotation if it was removed. Returns the first state. */
function restoreAnnotation(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const restore = task('annotate-service-account', {
    stateName: 'RestoreAnnotation',
    payload: { ...LOCKED_MIGRATION, towards: 'before' },
  });
  return sfn.Choice.jsonata(scope, 'IsAnnotationToRestore')
    .when(isSet('removesAnnotation'), restore.next(next))
    .otherwise(next);
}

/** Creates the state that reverts repairs of trust policies, if there are any. Returns the first state. */
function restoreTrust(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const restore = task('repair-trust', {
    stateName: 'RestoreTrust',
    payload: { ...LOCKED_MIGRATION, towards: 'before' },
  });
  return sfn.Choice.jsonata(scope, 'IsTrustToRestore').when(isSet('repairsTrust'), restore.next(next)).otherwise(next);
}

/** Creates the state that restores deferred associations after the pods, if there are any. Returns the first state. */
function restoreDeferred(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const restore = task('restore-associations', {
    stateName: 'RestoreDeferred',
    payload: { ...LOCKED_MIGRATION, action: 'deferred' },
  });
  return sfn.Choice.jsonata(scope, 'IsAnythingDeferred')
    .when(sfn.Condition.jsonata(expression(`$deferred != ''`)), restore.next(next))
    .otherwise(next);
}

/** Returns an expression for an optional field of the step's answer. */
const textOf = (field: string): Expression =>
  expression(`$exists($states.result.Payload.${field}) ? $states.result.Payload.${field} : ''`);

interface VerifyOptions {
  functions: StepFunctions;
  /** The previous states. */
  after: tasks.LambdaInvoke;
  recordRolledBack: sfn.State;
  recordNeedsHuman: sfn.State;
}

/**
 * Creates the states that verify that the pods use the old identity again, one pod ahead of the others, and then
 * restore the trust policies.
 */
function verifyRestored(
  scope: Construct,
  task: MakeTask,
  { functions, after, recordRolledBack, recordNeedsHuman }: VerifyOptions,
): void {
  const before = {
    ...CHANGE,
    towards: 'before',
    round: expression('$podRound'),
    newestPodAt: expression('$newestPodAt'),
    tries: expression('$tries'),
    deferred: expression('$deferred'),
  } as const;
  // Pods into which the webhook still injects EKS Pod Identity have no credentials without the association.
  const returnAssociations = task('restore-associations', {
    stateName: 'ReturnAssociations',
    payload: { ...LOCKED_MIGRATION, action: 'own' },
  });
  returnAssociations.next(recordNeedsHuman);
  const verify = task(
    'verify-pods',
    { stateName: 'VerifyRestored', payload: before },
    { catchers: WEBHOOK_STILL_INJECTS, targets: { ReturnAssociations: returnAssociations } },
  );
  const restart = task('restart-pods', { stateName: 'RestartRestored', payload: before });
  // The wait grows with each try, because it is not documented how long the webhook takes.
  const waitForRollout = sfn.Wait.jsonata(scope, 'WaitForRestoredRollout', {
    time: sfn.WaitTime.seconds(expression(`${WITNESS_WAIT_SECONDS} * ($tries + 1)`)),
    assign: {
      podRound: expression('$states.input.isTry = true ? $podRound : $podRound + 1'),
      tries: expression('$states.input.isTry = true ? $tries + 1 : $tries'),
    },
  });
  const podsRestored = restoreDeferred(
    scope,
    task,
    changesTrust(functions) ? restoreTrust(scope, task, recordRolledBack) : recordRolledBack,
  );
  // The step limits the rounds: after the last restart it fails instead of requesting another.
  const restored = sfn.Choice.jsonata(scope, 'AreThePodsRestored')
    .when(answerIs('verdict', 'verified'), podsRestored)
    .when(answerIs('verdict', 'restart'), restart)
    .otherwise(recordNeedsHuman);
  // EKS's webhook still uses a deleted association for a few seconds.
  const waitForWebhook = wait(scope, 'WaitForFormerIdentity', 15);

  after.next(
    sfn.Choice.jsonata(scope, 'IsAddonRestored').when(answers('awaitsWebhook'), waitForWebhook).otherwise(verify),
  );
  waitForWebhook.next(verify);
  verify.next(restored);
  restart.next(waitForRollout).next(verify);
}

/**
 * The rollback, with the same states in both state machines. Purged associations are restored unless something replaced
 * them. Then the states assess, take an action and wait, until the add-on has its previous role. Then the migration's
 * associations are deleted. Then the pods that did not return to the old identity are restarted, one ahead of the
 * others. The trust policies, which the pods no longer need, are restored last. In this order a new pod always has
 * credentials, except while EKS's webhook still uses a deleted association. For a service account that belongs to no
 * add-on, its annotation is restored, its association is deleted, and then its pods return to the old identity. Each
 * state decides by what exists rather than by what was done, so the rollback can start at any point, and can be
 * repeated.
 */
export function createRollback(
  scope: Construct,
  { functions, tableName, rolledBack, pauses }: RollbackOptions,
): Rollback {
  const needsHuman = failWith(
    scope,
    'NeedsHuman',
    `${migrationText('$subject', '$target.cluster')} & ' needs a person. ${FIRST_ERROR} The previous state and the commands that restore it: ${recordText(tableName)}.'`,
  );
  const unrecorded = { target: 'NeedsHuman', state: needsHuman, failure: NOT_RECORDED } as const;
  const recordNeedsHuman = recordEnd(scope, functions, {
    stateName: 'RecordNeedsHuman',
    outcome: 'needs-human',
    next: needsHuman,
    unrecorded,
    pauses,
  });
  const recordRolledBack = recordEnd(scope, functions, {
    stateName: 'RecordRolledBack',
    outcome: 'rolled-back',
    next: rolledBack,
    unrecorded,
    pauses,
  });

  pauses.phase('back', { back: true, tooLong: { to: recordNeedsHuman, failure: NOT_PUT_BACK(GAVE_UP_TEXT) } });
  const task: MakeTask = (step, options, { catchers, targets } = { catchers: [], targets: {} }) => {
    const state = stepTask(scope, step, { functions, pausing: BACK, ...options });
    pauses.around(state, 'back', BACK);
    catchFailures(
      state,
      [...catchers, ...ROLLBACK_CATCHERS],
      { RecordNeedsHuman: recordNeedsHuman, ...targets },
      { failure: caught(NOT_PUT_BACK) },
    );
    return state;
  };

  const actions = createActions(task);
  const restoreAssociations = task('restore-associations', {
    payload: LOCKED_MIGRATION,
    assign: {
      podRound: 1,
      tries: 0,
      newestPodAt: textOf('newestPodAt'),
      deferred: textOf('deferred'),
    },
  });
  verifyRestored(scope, task, { functions, after: restoreAssociations, recordRolledBack, recordNeedsHuman });
  const rollBack = sfn.Pass.jsonata(scope, 'RollBack', { assign: { actions: 0 } });
  rollBack.next(
    sfn.Choice.jsonata(scope, 'WhatToRollBack')
      // The annotation is restored first, because without both, new pods have no role. While the association exists, it
      // takes precedence over the annotation.
      .when(isOfServiceAccount(), restoreAnnotation(scope, task, restoreAssociations))
      .otherwise(restoreAddon(scope, actions, restoreAssociations, recordNeedsHuman)),
  );
  return { RollBack: rollBack, RecordNeedsHuman: recordNeedsHuman, NeedsHuman: needsHuman };
}
