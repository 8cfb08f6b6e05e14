import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { RETRIES_PER_POLL } from '../../lambdas/domain/sweep/executions.ts';
import { acknowledgeGrants } from '../acknowledge.ts';
import { OF_A_SWEEP, OF_REPORTING } from '../migration/errors.ts';
import {
  anotherFailure,
  caught,
  caughtFailure,
  EXECUTION,
  expression,
  FAILURE_MESSAGE,
  FAILURE_TEXT,
  shortText,
  unknownFields,
} from '../migration/expressions.ts';
import { failWith } from '../migration/records.ts';
import type { MachineProps } from '../migration/state-machine.ts';
import { answerIs, catchFailures, sparsePayload, type StepFunctions, stepTask } from '../migration/task.ts';
import { statementOf } from '../permissions/grant.ts';
import { bucketKeyGrant, mapKeyGrant } from '../permissions/key.ts';
import { mapBucketGrants, mapGrants, LOCATIONS_LABEL } from '../permissions/sweep.ts';
import { createStateMachine } from '../step-machine.ts';
import { inspectLocations } from './locations.ts';

/**
 * 2,000 polls of the dispatcher (`lambdas/use-cases/sweep/dispatching.ts`), at most 5 minutes apart, take 7 days; the
 * rest is for the inventory and for retries. If it does time out, nothing is lost: the sweep can be resumed.
 */
const MACHINE_TIMEOUT = Duration.days(14);

const INPUT = '$states.context.Execution.Input';
const SWEEP_ID = `${INPUT}.sweepId`;
const TEXT = `'Sweep ' & ${shortText(SWEEP_ID)} & `;

export interface SweepProps extends MachineProps {
  /** Bucket with the results of sweeps. */
  bucket: s3.IBucket;
}

interface Ends {
  completed: sfn.State;
  incomplete: sfn.State;
  handedOver: sfn.State;
  stopped: sfn.State;
  failed: sfn.State;
}

function createEnds(scope: Construct, tableName: string): Ends {
  const completed = sfn.Succeed.jsonata(scope, 'Completed', { outputs: { sweepId: expression(SWEEP_ID) } });
  const incomplete = sfn.Succeed.jsonata(scope, 'Incomplete', { outputs: { sweepId: expression(SWEEP_ID) } });
  const handedOver = sfn.Succeed.jsonata(scope, 'HandedOver', { outputs: { sweepId: expression(SWEEP_ID) } });
  const stopped = failWith(scope, 'SweepStopped', `'' & $states.input.text`);
  const failed = failWith(
    scope,
    'SweepFailed',
    `${TEXT}' failed. ' & ${FAILURE_TEXT} & ' The migrations that it started continue. Its record: item SWEEP#' & ${shortText(SWEEP_ID)} & ' of table ${tableName}. Correct the cause, then resume the sweep.'`,
  );
  return { completed, incomplete, handedOver, stopped, failed };
}

/** Creates the state that reports a failure, as far as possible. */
function createReportOfFailure(scope: Construct, functions: StepFunctions, { failed }: Ends): sfn.State {
  const reportFailure = stepTask(scope, 'report-sweep', {
    functions,
    stateName: 'ReportFailure',
    payload: {
      sweepId: expression(SWEEP_ID),
      executionArn: expression(EXECUTION),
      failure: expression(`{'name': $failure.Error, 'message': ${FAILURE_MESSAGE}}`),
    },
  });
  catchFailures(
    reportFailure,
    OF_REPORTING,
    { SweepFailed: failed },
    { failure: caught(anotherFailure('and the failure could not be reported')) },
  );
  reportFailure.next(failed);
  return reportFailure;
}

/** Creates the states that write the report and end the execution with its result. Returns the first state. */
function createReport(scope: Construct, functions: StepFunctions, ends: Ends, reportFailure: sfn.State): sfn.State {
  const reportSweep = stepTask(scope, 'report-sweep', {
    functions,
    payload: { sweepId: expression(SWEEP_ID), executionArn: expression(EXECUTION) },
  });
  catchFailures(reportSweep, OF_A_SWEEP, { ReportFailure: reportFailure });
  reportSweep.next(
    sfn.Choice.jsonata(scope, 'HowItEnded')
      .when(answerIs('outcome', 'completed'), ends.completed)
      .when(answerIs('outcome', 'incomplete'), ends.incomplete)
      .when(answerIs('outcome', 'stopped'), ends.stopped)
      .otherwise(
        sfn.Pass.jsonata(scope, 'KeepFailure', {
          assign: { failure: expression(`{'Error': 'SweepFailed', 'Cause': '' & $states.input.text}`) },
        }).next(ends.failed),
      ),
  );
  return reportSweep;
}

/** States that follow the waves. */
interface AfterWaves {
  reportFailure: sfn.State;
  reportSweep: sfn.State;
  handedOver: sfn.State;
}

/**
 * Converts the retries of a poll to polls: three retries take as many events of the history as a poll. So an execution
 * hands over in time even if calls fail. The count comes from the context object (Step Functions Developer Guide,
 * "Accessing execution data from the Context object"); if it were missing, it would count as zero.
 */
const POLLS_PER_RETRIES = `$ceil($sum([$states.context.State.RetryCount]) / ${RETRIES_PER_POLL})`;

/** Creates the states that start migrations in waves. Returns the first state. */
function createWaves(
  scope: Construct,
  functions: StepFunctions,
  { reportFailure, reportSweep, handedOver }: AfterWaves,
): sfn.State & sfn.INextable {
  const dispatch = stepTask(scope, 'dispatch-sweep', {
    functions,
    payload: { sweepId: expression(SWEEP_ID), executionArn: expression(EXECUTION), tick: expression('$tick') },
    assign: { tick: expression(`$tick + ${POLLS_PER_RETRIES}`) },
  });
  catchFailures(dispatch, OF_A_SWEEP, { ReportFailure: reportFailure });
  const waitForNext = sfn.Wait.jsonata(scope, 'WaitForNextPoll', {
    time: sfn.WaitTime.seconds(expression('$states.input.waitSeconds')),
    assign: { tick: expression('$tick + 1') },
  });
  waitForNext.next(dispatch);
  dispatch.next(
    sfn.Choice.jsonata(scope, 'WhatIsNext')
      .when(answerIs('next', 'wait'), waitForNext)
      .when(answerIs('next', 'hand-over'), handedOver)
      .otherwise(reportSweep),
  );
  return dispatch;
}

/** Creates the state that reads or creates the sweep's record. */
function createBegin(scope: Construct, functions: StepFunctions): tasks.LambdaInvoke {
  const answered = ['mode', 'locationsKey', 'mapPrefix'];
  return stepTask(scope, 'begin-sweep', {
    functions,
    payload: sparsePayload<'begin-sweep'>({
      sweepId: SWEEP_ID,
      executionArn: EXECUTION,
      request: `${INPUT}.request`,
      unknownFields: unknownFields('sweepId', 'request'),
    }),
    assign: {
      ...Object.fromEntries(answered.map((variable) => [variable, expression(`$states.result.Payload.${variable}`)])),
      sweepId: expression(SWEEP_ID),
      tick: 0,
    },
  });
}

/** Creates all states of a sweep. Returns the first state. */
function createStates(scope: Construct, { steps, tableName, bucket }: SweepProps): sfn.State {
  const functions = steps.versions;
  const ends = createEnds(scope, tableName);
  const { completed, handedOver } = ends;
  const reportFailure = createReportOfFailure(scope, functions, ends);
  const reportSweep = createReport(scope, functions, ends, reportFailure);
  const dispatch = createWaves(scope, functions, { reportFailure, reportSweep, handedOver });

  const look = inspectLocations(scope, { functions, bucket });
  look.addCatch(reportFailure, { errors: [sfn.Errors.ALL], assign: { failure: caughtFailure } });
  look.next(
    sfn.Choice.jsonata(scope, 'IsInventory')
      .when(sfn.Condition.jsonata(expression(`$mode = 'inventory'`)), reportSweep)
      .otherwise(dispatch),
  );

  const beginSweep = createBegin(scope, functions);
  catchFailures(beginSweep, OF_A_SWEEP, { ReportFailure: reportFailure });
  beginSweep.next(
    sfn.Choice.jsonata(scope, 'WhereToContinue')
      .when(answerIs('phase', 'inventory'), look)
      .when(answerIs('phase', 'migrations'), dispatch)
      .when(answerIs('phase', 'report'), reportSweep)
      .otherwise(completed),
  );
  return beginSweep;
}

/**
 * A sweep, or the rest of one: takes an inventory of all locations, starts what is ready in waves, then reports. Input:
 * `{ sweepId, request? }`, with `request` if the sweep has no record yet. It succeeds as `Completed`, as `Incomplete` if
 * not every cluster could be inspected, or as `HandedOver` if another execution continues. It fails as `SweepStopped`, by a threshold or on request, or as
 * `SweepFailed`. The migrations that it starts are separate executions, and continue even if this one ends.
 */
export class Sweep extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: SweepProps) {
    super(scope, id);
    const { steps, bucket, key } = props;
    this.stateMachine = createStateMachine(this, {
      comment: 'Takes an inventory of a fleet of clusters, and migrates what is ready in waves.',
      start: createStates(new Construct(this, 'States'), props),
      timeout: MACHINE_TIMEOUT,
      key,
    });
    acknowledgeGrants(this.stateMachine.role, mapBucketGrants(bucket.bucketArn));
    acknowledgeGrants(this.stateMachine.node.findChild('DistributedMapPolicy'), mapGrants(this.stateMachine));
    if (key) this.grantKey(key, bucket);
    steps.grantInvoke(this.stateMachine, ['begin-sweep', 'take-inventory', 'dispatch-sweep', 'report-sweep']);
  }
  private grantKey({ keyArn }: kms.IKey, { bucketArn }: s3.IBucket): void {
    const { role, stateMachineArn } = this.stateMachine;
    role.addToPrincipalPolicy(statementOf(bucketKeyGrant(keyArn, bucketArn, { puts: true, gets: true })));
    // The state machine depends on its role's policies; a policy that names the state machine itself must come after
    // it.
    role.attachInlinePolicy(
      new iam.Policy(this, 'PlacesKey', {
        statements: [statementOf(mapKeyGrant(keyArn, stateMachineArn, LOCATIONS_LABEL))],
      }),
    );
  }
}
