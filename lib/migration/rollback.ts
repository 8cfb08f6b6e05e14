import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { NOT_PUT_BACK_TEXT } from '../../lambdas/domain/failures/ended-by.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { type Catcher, type FailureTarget, ROLLBACK_CATCHERS, WEBHOOK_STILL_INJECTS } from './errors.ts';
import { anotherFailure, caught, expression, type Expression, migrationText, recordText } from './expressions.ts';
import { GAVE_UP_TEXT, type Pauses } from './pauses.ts';
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

/** The steps that the way back calls, where they are deployed. */
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
  /** Where it leads that all is as it was, and recorded: the outcome is the answer of the state before. */
  rolledBack: sfn.State;
  pauses: Pauses;
}

export interface Rollback {
  /**
   * Its first state. To be read before: `target`, `subject`, `fence`, `attempt`, `failure`, the reason,
   * `removesAnnotation`, and `repairsTrust` where trust policies may be changed.
   */
  RollBack: sfn.State;
  RecordNeedsHuman: sfn.State;
  NeedsHuman: sfn.State;
}

/** What is said in a `failure` whose end could not be recorded. */
export const NOT_RECORDED = anotherFailure(
  'The end could not be recorded in the ledger either, so the locks may still be held',
);

const NOT_PUT_BACK = anotherFailure(NOT_PUT_BACK_TEXT);

/** `others`: states that some failures lead to before a person. */
type MakeTask = <Name extends StepName>(
  step: Name,
  options: Omit<StepTaskOptions<Name>, 'functions'>,
  others?: { catchers: Catcher[]; targets: Partial<Record<FailureTarget, sfn.State>> },
) => tasks.LambdaInvoke;

/** The states that look at the add-on and take an action. */
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

/** Leads from action to action until the add-on has its role back. Answers the first state. */
function restoreAddon(
  scope: Construct,
  { restorePurged, assess, restoreByUpdate, removeFailedCopy, restoreByCreate }: ReturnType<typeof createActions>,
  next: sfn.State,
  recordNeedsHuman: sfn.State,
): sfn.State {
  // EKS has begun to work on it by then.
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

/** The state that brings a service account's annotation back, where it was removed. Answers the first of the two. */
function restoreAnnotation(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const restore = task('annotate-service-account', {
    stateName: 'RestoreAnnotation',
    payload: { ...LOCKED_MIGRATION, towards: 'before' },
  });
  return sfn.Choice.jsonata(scope, 'IsAnnotationToRestore')
    .when(isSet('removesAnnotation'), restore.next(next))
    .otherwise(next);
}

/** The state that takes the repairs of trust policies out again, where there are any. Answers the first of the two. */
function restoreTrust(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const restore = task('repair-trust', {
    stateName: 'RestoreTrust',
    payload: { ...LOCKED_MIGRATION, towards: 'before' },
  });
  return sfn.Choice.jsonata(scope, 'IsTrustToRestore').when(isSet('repairsTrust'), restore.next(next)).otherwise(next);
}

/** The state that puts back the associations that wait for the pods, where there are any. Answers the first of the two. */
function restoreDeferred(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const restore = task('restore-associations', {
    stateName: 'RestoreDeferred',
    payload: { ...LOCKED_MIGRATION, action: 'deferred' },
  });
  return sfn.Choice.jsonata(scope, 'IsAnythingDeferred')
    .when(sfn.Condition.jsonata(expression(`$deferred != ''`)), restore.next(next))
    .otherwise(next);
}

/** A field of the step's answer that may be left out. */
const textOf = (field: string): Expression =>
  expression(`$exists($states.result.Payload.${field}) ? $states.result.Payload.${field} : ''`);

interface VerifyOptions {
  functions: StepFunctions;
  /** What comes before. */
  after: tasks.LambdaInvoke;
  recordRolledBack: sfn.State;
  recordNeedsHuman: sfn.State;
}

/**
 * The states that see the pods back on the old identity, one ahead of the others, and then the trust policies as they
 * were.
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
  // Pods that the webhook still gives EKS Pod Identity have nothing without it.
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
  // Longer with each try, so that the webhook has the time that it takes: how long that is, nobody says.
  const waitForRollout = sfn.Wait.jsonata(scope, 'WaitForRestoredRollout', {
    time: sfn.WaitTime.seconds(expression('15 * ($tries + 1)')),
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
  // The step bounds the rounds: after the last restart it throws rather than ask for another.
  const restored = sfn.Choice.jsonata(scope, 'AreThePodsRestored')
    .when(answerIs('verdict', 'verified'), podsRestored)
    .when(answerIs('verdict', 'restart'), restart)
    .otherwise(recordNeedsHuman);
  // EKS's webhook knows for some seconds longer of an association that is gone.
  const waitForWebhook = wait(scope, 'WaitForFormerIdentity', 15);

  after.next(
    sfn.Choice.jsonata(scope, 'IsAddonRestored').when(answers('awaitsWebhook'), waitForWebhook).otherwise(verify),
  );
  waitForWebhook.next(verify);
  verify.next(restored);
  restart.next(waitForRollout).next(verify);
}

/**
 * The way back, the same states in both state machines: what was purged comes back where nothing is in its place; look,
 * take one action, wait, look again, until the add-on has the role that it had; then the migration's associations go;
 * then the pods, one ahead of the others, are restarted where they did not take the old identity; then the trust
 * policies, which the pods do not need any more. In that order a new pod has credentials at any time but for as long as
 * EKS's webhook knows an association that is gone. Of a service account that is no add-on's there is no add-on to look
 * at: its annotation comes back, its association goes, and then its pods go back. It looks at what is there and not at
 * what was done, so it may start from anywhere, and start again.
 */
export function createRollback(
  scope: Construct,
  { functions, tableName, rolledBack, pauses }: RollbackOptions,
): Rollback {
  const needsHuman = failWith(
    scope,
    'NeedsHuman',
    `${migrationText('$subject', '$target.cluster')} & ' needs a person. ${FIRST_ERROR} What was there before and the commands that put it back: ${recordText(tableName)}.'`,
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
    const state = stepTask(scope, step, { functions, paused: true, ...options });
    pauses.around(state, 'back', { back: true });
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
      // The annotation first: while there is neither, new pods have no role. The association goes before it as long as
      // it is there.
      .when(isOfServiceAccount(), restoreAnnotation(scope, task, restoreAssociations))
      .otherwise(restoreAddon(scope, actions, restoreAssociations, recordNeedsHuman)),
  );
  return { RollBack: rollBack, RecordNeedsHuman: recordNeedsHuman, NeedsHuman: needsHuman };
}
