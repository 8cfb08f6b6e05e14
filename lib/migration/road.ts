import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Endings } from './endings.ts';
import { CATCHERS } from './errors.ts';
import { expression, type Expression, MIGRATION_ID, REQUEST } from './expressions.ts';
import { catchFailures, LOCKED_MIGRATION, MIGRATION, type StepFunctions, stepTask, type StepTaskOptions } from './task.ts';

const EXECUTION = expression('$states.context.Execution.Id');
const WAITING_SINCE = expression('$waitingSince');

/** A first wait near the time that is usual, so that most polls need not be made; it notes when it began. */
const wait = (scope: Construct, name: string, seconds: number, assign: Record<string, Expression>): sfn.Wait =>
  sfn.Wait.jsonata(scope, name, { time: sfn.WaitTime.duration(Duration.seconds(seconds)), assign });
const SINCE_NOW = { waitingSince: expression('$states.context.State.EnteredTime') };

/** The states from the plan to the proof, by way of deleting and creating the add-on. Answers the first of them. */
export function createRoad(scope: Construct, functions: StepFunctions, endings: Endings): sfn.State {
  const task = <Name extends Exclude<StepName, 'finish'>>(step: Name, options: Omit<StepTaskOptions<Name>, 'functions'>) => {
    const state = stepTask(scope, step, { functions, ...options });
    catchFailures(state, CATCHERS[step], endings);
    return state;
  };

  const plan = task('plan', {
    payload: { migrationId: expression(MIGRATION_ID), executionArn: EXECUTION, request: expression(REQUEST) },
    assign: { target: expression('$states.result.Payload.target'), addon: expression('$states.result.Payload.addon') },
  });
  const begin = task('begin', {
    payload: { ...MIGRATION, executionArn: EXECUTION },
    assign: { fence: expression('$states.result.Payload.fence') },
  });
  const deleteAddon = task('delete-addon', { payload: LOCKED_MIGRATION });
  // EKS takes 20 s to 2 min to remove an add-on.
  const waitForDeletion = wait(scope, 'WaitForDeletion', 20, SINCE_NOW);
  const awaitDeleted = task('await-deleted', { payload: { ...LOCKED_MIGRATION, startedAt: WAITING_SINCE } });
  const purgeAssociations = task('purge-associations', { payload: LOCKED_MIGRATION });
  const createAddon = task('create-addon', { payload: LOCKED_MIGRATION });
  // And 30 s to 4 min until a new one is ACTIVE.
  const waitForCreation = wait(scope, 'WaitForCreation', 20, SINCE_NOW);
  const awaitActive = task('await-active', { payload: { ...LOCKED_MIGRATION, startedAt: WAITING_SINCE }, assign: { round: 1 } });
  const verifyPods = task('verify-pods', { payload: { ...LOCKED_MIGRATION, round: expression('$round') } });
  const restartPods = task('restart-pods', { payload: { ...LOCKED_MIGRATION, round: expression('$round') } });
  const waitForRollout = wait(scope, 'WaitForRollout', 15, { round: expression('$round + 1') });

  // What is not a word to go on is a word to stop: an unknown verdict blocks too.
  const verdictIs = (verdict: string): sfn.Condition => sfn.Condition.jsonata(expression(`$states.input.verdict = '${verdict}'`));
  const decide = sfn.Choice.jsonata(scope, 'IsThereWork', {
    assign: { failure: expression(`{'Error': 'ChecksFailed', 'Cause': 'Checks that block: ' & $join($states.input.blockedBy, ', ') & '.'}`) },
  })
    .when(verdictIs('migrate'), begin)
    .when(verdictIs('already-migrated'), endings.AlreadyMigrated)
    .when(verdictIs('planned'), endings.Planned)
    .otherwise(endings.Blocked);
  // The step bounds the rounds: after the last restart it throws rather than ask for another.
  const proven = sfn.Choice.jsonata(scope, 'AreThePodsProven')
    .when(verdictIs('proven'), endings.RecordMigrated)
    .otherwise(restartPods);

  plan.next(decide);
  begin
    .next(deleteAddon)
    .next(waitForDeletion)
    .next(awaitDeleted)
    .next(purgeAssociations)
    .next(createAddon)
    .next(waitForCreation)
    .next(awaitActive)
    .next(verifyPods)
    .next(proven);
  restartPods.next(waitForRollout).next(verifyPods);
  return plan;
}
