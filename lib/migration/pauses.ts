/**
 * Waits out errors that may pass with time (ADR 47). A step that fails with one of them decides itself how long to wait
 * and fails with `PauseNoted`, which leads to `WaitForPause` (ADR 120). If it could not, its state leads to `Pause`,
 * which decides that. After the wait, the state is entered again. The variable `pause` names that state; nothing else
 * reads it, so an error that was waited out is never reported as the failure of a later end.
 */
import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { NOTED_PAUSE_FORM, PAUSE_NOTED } from '../../lambdas/domain/waiting/noted-pause.ts';
import { MOST_PAUSES } from '../../lambdas/domain/waiting/pause.ts';
import { PAUSE_OVER, pausedErrors, type Pausing } from './errors.ts';
import { caughtFailure, expression, type Expression, failureText, MIGRATION_ID } from './expressions.ts';
import { type StepFunctions, stepTask } from './task.ts';

/** Where the end of waiting leads, and the value of the variable `failure` then. */
export interface PauseEnd {
  to: sfn.State;
  failure: Expression;
}

export interface PausePhase {
  /** Whether the phase is the rollback or records the end: a cancellation does not stop these. */
  back: boolean;
  /** Where it leads if the maximum waiting time has passed, and nothing is known to be wrong. */
  tooLong: PauseEnd;
  /** Where it leads if more time would not help. Default: the same. */
  failed?: PauseEnd;
}

/** The error that ended a pause, in the form of the variable `failure`. */
export const GAVE_UP = expression('$gaveUp');
/** Text of that error, within an expression. */
export const GAVE_UP_TEXT = failureText('gaveUp');

/** How a state of the rollback pauses, and one that records an end. */
export const BACK: Pausing = { back: true };

/** Wait while the ledger is unavailable, when the time waited so far is unknown: minutes. */
const WITHOUT_LEDGER = 5;

/**
 * The seconds of a pause that the failed step has noted. Lambda's cause is JSON, in whose texts every quote has a
 * backslash before it: the expression matches the message of the error itself and nothing that another text quotes. A
 * cause of any other form sets no pause, and the wait is that without the ledger.
 */
const NOTED_SECONDS = expression(
  `($noted := $match('' & $states.errorOutput.Cause, /"errorMessage" ?: ?"${NOTED_PAUSE_FORM.replaceAll('"', String.raw`\\"`)}"/); $exists($noted) ? $number($noted[0].groups[0]) : ${WITHOUT_LEDGER * 60})`,
);

export class Pauses {
  private readonly scope: Construct;
  private readonly pause: tasks.LambdaInvoke;
  private readonly wait: sfn.Wait;
  private readonly paused: { task: tasks.LambdaInvoke; phase: string }[] = [];
  private readonly phases = new Map<string, PausePhase>();

  constructor(scope: Construct, functions: StepFunctions) {
    this.scope = scope;
    this.pause = stepTask(scope, 'pause', {
      functions,
      payload: {
        migrationId: expression(MIGRATION_ID),
        state: expression('$pause.state'),
        back: expression('$pause.back'),
        error: expression('$pause.Error'),
        cause: expression('$pause.Cause'),
        pauses: expression('$pauses'),
        executionStartedAt: expression('$states.context.Execution.StartTime'),
      },
      assign: { pauseSeconds: expression('$states.result.Payload.seconds') },
      paused: true,
    });
    this.wait = sfn.Wait.jsonata(scope, 'WaitForPause', { time: sfn.WaitTime.seconds(expression('$pauseSeconds')) });
  }

  /** The first state of the state machine, which leads to its first step. */
  start(first: sfn.State): sfn.State {
    const start = sfn.Pass.jsonata(this.scope, 'Start', { assign: { pauses: 0 } });
    start.next(first);
    return start;
  }

  /** Declares where pauses of a phase lead when waiting ends. */
  phase(name: string, phase: PausePhase): void {
    this.phases.set(name, phase);
  }

  /** Must be called before the task's other catches are added, because the first catch that matches is used. */
  around(
    task: tasks.LambdaInvoke,
    phase: string,
    { callback = false, ...pausing }: Pausing & { callback?: boolean },
  ): void {
    this.paused.push({ task, phase });
    const assign = {
      pause: expression(
        `{'state': '${task.stateId}', 'phase': '${phase}', 'back': ${pausing.back}, 'Error': $states.errorOutput.Error, 'Cause': '' & $states.errorOutput.Cause}`,
      ),
      pauses: expression('$pauses + 1'),
    };
    task.addCatch(this.wait, { errors: [PAUSE_NOTED], assign: { ...assign, pauseSeconds: NOTED_SECONDS } });
    task.addCatch(this.pause, { errors: pausedErrors({ ...pausing, callback }), assign });
  }

  /** Creates the states that follow a pause, once all pausing states and all phases are known. */
  close(): void {
    const { scope, pause, wait } = this;
    const over = this.createEnd();
    const goOn = sfn.Choice.jsonata(scope, 'WhereToResume', {
      assign: {
        gaveUp: expression(
          `{'Error': 'WaitedTooLong', 'Cause': 'The execution cannot continue in the state in which it paused.'}`,
        ),
      },
    }).when(sfn.Condition.jsonata(expression(`$pauses >= ${MOST_PAUSES.all}`)), over, {
      assign: {
        gaveUp: expression(
          `{'Error': 'WaitedTooLong', 'Cause': 'The execution paused ${MOST_PAUSES.all} times, which is the maximum. The last error: ' & ${failureText('pause')}}`,
        ),
      },
    });
    for (const { task } of this.paused)
      goOn.when(sfn.Condition.jsonata(expression(`$pause.state = '${task.stateId}'`)), task);
    goOn.otherwise(over);

    const withoutLedger = sfn.Wait.jsonata(scope, 'WaitForLedger', {
      time: sfn.WaitTime.duration(Duration.minutes(WITHOUT_LEDGER)),
    });
    pause.next(wait).next(goOn);
    withoutLedger.next(goOn);
    pause.addCatch(over, { errors: PAUSE_OVER, assign: { gaveUp: caughtFailure } });
    pause.addCatch(withoutLedger, { errors: [sfn.Errors.ALL] });
  }

  /** Chooses between the ends of all phases. */
  private createEnd(): sfn.State {
    const end = sfn.Choice.jsonata(this.scope, 'WhatEndsThePause', { assign: { failure: GAVE_UP } });
    const isOf = (phase: string, more = ''): sfn.Condition =>
      sfn.Condition.jsonata(expression(`$pause.phase = '${phase}'${more}`));
    let last: PauseEnd | undefined;
    for (const [name, { tooLong, failed }] of this.phases) {
      if (!this.paused.some(({ phase }) => phase === name)) continue;
      if (failed)
        end.when(isOf(name, ` and $gaveUp.Error != 'WaitedTooLong'`), failed.to, {
          assign: { failure: failed.failure },
        });
      end.when(isOf(name), tooLong.to, { assign: { failure: tooLong.failure } });
      last = tooLong;
    }
    for (const { task, phase } of this.paused)
      if (!this.phases.has(phase))
        throw new Error(`The state ${task.stateId} pauses in ${phase}, which declares no end.`);
    if (!last) throw new Error('No state pauses.');
    return end.otherwise(last.to);
  }
}
