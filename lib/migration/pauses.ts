/**
 * Waiting out what time may cure (ADR 47). A state that fails by such an error leads to `Pause`, which says for how long
 * to wait, and then is entered again. The variable `pause` says which state that is; nothing else reads it, so what was
 * waited out is never told of as the failure of a later end.
 */
import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { ErrorName } from '../../lambdas/domain/failures/errors.ts';
import { MOST_PAUSES } from '../../lambdas/domain/waiting/pause.ts';
import { PAUSE_OVER, pausedErrors } from './errors.ts';
import { caughtFailure, expression, type Expression, failureText, MIGRATION_ID } from './expressions.ts';
import { type StepFunctions, stepTask } from './task.ts';

/** Where it leads that waiting is over, and what the variable `failure` then is. */
export interface PauseEnd {
  to: sfn.State;
  failure: Expression;
}

export interface PausePhase {
  /** On the way back, or where an end is recorded: no cancel stops that. */
  back: boolean;
  /** Where it leads that it has waited as long as may be, and nothing is known to be wrong. */
  tooLong: PauseEnd;
  /** Where it leads that it is no matter of time any more; left out: the same. */
  failed?: PauseEnd;
}

/** The error that has ended a pause, as the variable `failure` has it. */
export const GAVE_UP = expression('$gaveUp');
/** Its text, within an expression. */
export const GAVE_UP_TEXT = failureText('gaveUp');

/** While the ledger itself is away nobody knows how long it has been waited: minutes. */
const WITHOUT_LEDGER = 5;

export class Pauses {
  private readonly scope: Construct;
  private readonly pause: tasks.LambdaInvoke;
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
  }

  /** The state machine's first state, which leads to its first step. */
  start(first: sfn.State): sfn.State {
    const start = sfn.Pass.jsonata(this.scope, 'Start', { assign: { pauses: 0 } });
    start.next(first);
    return start;
  }

  /** Declares where pauses of that phase end. */
  phase(name: string, phase: PausePhase): void {
    this.phases.set(name, phase);
  }

  /** To be called before the task's other catches: the first that has an error's name is taken. */
  around(
    task: tasks.LambdaInvoke,
    phase: string,
    { back, callback = false, held = [] }: { back: boolean; callback?: boolean; held?: readonly ErrorName[] },
  ): void {
    this.paused.push({ task, phase });
    task.addCatch(this.pause, {
      errors: pausedErrors({ back, callback, held }),
      assign: {
        pause: expression(
          `{'state': '${task.stateId}', 'phase': '${phase}', 'back': ${back}, 'Error': $states.errorOutput.Error, 'Cause': '' & $states.errorOutput.Cause}`,
        ),
        pauses: expression('$pauses + 1'),
      },
    });
  }

  /** Makes the states that follow a pause, once all that pause and all phases are known. */
  close(): void {
    const { scope, pause } = this;
    const over = this.createEnd();
    const goOn = sfn.Choice.jsonata(scope, 'WhereToResume', {
      assign: { gaveUp: expression(`{'Error': 'WaitedTooLong', 'Cause': 'It can not go on where it has paused.'}`) },
    }).when(sfn.Condition.jsonata(expression(`$pauses >= ${MOST_PAUSES.all}`)), over, {
      assign: {
        gaveUp: expression(
          `{'Error': 'WaitedTooLong', 'Cause': 'It has paused ${MOST_PAUSES.all} times, as often as an execution may. The last error: ' & ${failureText('pause')}}`,
        ),
      },
    });
    for (const { task } of this.paused)
      goOn.when(sfn.Condition.jsonata(expression(`$pause.state = '${task.stateId}'`)), task);
    goOn.otherwise(over);

    const wait = sfn.Wait.jsonata(scope, 'WaitForPause', { time: sfn.WaitTime.seconds(expression('$pauseSeconds')) });
    const withoutLedger = sfn.Wait.jsonata(scope, 'WaitForLedger', {
      time: sfn.WaitTime.duration(Duration.minutes(WITHOUT_LEDGER)),
    });
    pause.next(wait).next(goOn);
    withoutLedger.next(goOn);
    pause.addCatch(over, { errors: PAUSE_OVER, assign: { gaveUp: caughtFailure } });
    pause.addCatch(withoutLedger, { errors: [sfn.Errors.ALL] });
  }

  /** The choice between the ends of all phases. */
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
      if (!this.phases.has(phase)) throw new Error(`The state ${task.stateId} pauses in ${phase}, which has no end.`);
    if (!last) throw new Error('No state pauses.');
    return end.otherwise(last.to);
  }
}
