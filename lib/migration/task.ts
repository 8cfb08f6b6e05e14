import { Duration } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { z } from 'zod';
import type { FormerField } from '../../lambdas/domain/acceptance/former.ts';
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import type { OptionalStep } from '../config.ts';
import { pascalCase } from '../names.ts';
import {
  type Catcher,
  type FailureTarget,
  type Pausing,
  retriersOf,
  type StepVariant,
  type WorkflowStep,
} from './errors.ts';
import { caughtFailure, EXECUTION, expression, type Expression, MIGRATION_ID } from './expressions.ts';

/**
 * Published versions by step. The steps that write trust policies, answer the API or diagnose denied calls may not be
 * deployed.
 */
export type ByStep<Value> = Record<Exclude<StepName, OptionalStep>, Value> & Partial<Record<OptionalStep, Value>>;

/** The published version of each step's Lambda. */
export type StepFunctions = ByStep<lambda.IVersion>;

/** Returns whether this deployment may change trust policies. If not, the states for it are left out. */
export const changesTrust = (functions: StepFunctions): boolean => functions['repair-trust'] !== undefined;

/** A step's input by field, each a value or an expression: a missing or wrong field does not compile. */
type Input<Name extends StepName> = z.input<(typeof stepSchemas)[Name]['input']>;
type Payload<Name extends StepName> = { [Field in keyof Input<Name>]: Expression | Input<Name>[Field] };

/**
 * Returns a payload as a single expression. JSONata leaves out a field of an object whose expression has no result,
 * whereas the same expression alone in a field would fail. A former field is of an execution that the previous release has
 * started.
 */
export const sparsePayload = <Name extends StepName>(
  bodies: Record<keyof Input<Name> & string, string> & { [Field in FormerField]?: string },
): Expression =>
  expression(
    `{${Object.entries<string>(bodies)
      .map(([field, body]) => `'${field}': ${body}`)
      .join(', ')}}`,
  );

/** Migration and target: variables that `Plan` or `TakeOver` assigns. */
export const MIGRATION = {
  migrationId: expression(MIGRATION_ID),
  target: expression('$target'),
  subject: expression('$subject'),
};
/** The same under the lock: with the fence that `Begin` or `TakeOver` assigns. */
export const LOCKED_MIGRATION = { ...MIGRATION, fence: expression('$fence') };
/** The same with the attempt, whose index `Plan` and `NextAttempt`, or `TakeOver`, assign. */
export const CHANGE = { ...LOCKED_MIGRATION, attempt: expression('$attempt') };
/** ARN of the execution, which acquires and releases the locks. */
export const EXECUTION_ARN = expression(EXECUTION);

type Variables = Record<string, Expression | number>;

export interface StepTaskOptions<Name extends StepName> {
  functions: StepFunctions;
  payload: Payload<Name> | Expression;
  assign?: Variables;
  /** Name of the state, for a step that several states call. Default: the step's name in PascalCase. */
  stateName?: string;
  /** The variant of the step that the state runs, if its failures lead elsewhere. Its name becomes the state's. */
  variant?: StepVariant;
  /**
   * Seconds for which the state waits after the step has answered, under a task token in its payload. Its output is
   * what is sent with that token.
   */
  callback?: { timeoutSeconds: Expression };
  /**
   * How the state pauses (`pauses.ts`) for errors that the second try does not resolve. The step's input then has what
   * the step needs to note the pause itself. Default: the state does not pause.
   */
  pausing?: Pausing;
  /** Whether the state has the retriers of a state that pauses. Default: whether it pauses. */
  paused?: boolean;
}

/** Creates the state of one step. `others`: states, in addition to the endings, that failures lead to. */
export type MakeTask = <Name extends WorkflowStep>(
  step: Name,
  options: Omit<StepTaskOptions<Name>, 'functions'>,
  others?: Partial<Record<FailureTarget, sfn.State>>,
) => tasks.LambdaInvoke;

/** Returns what a step needs to note its pause, as an expression: see `lambdas/runtime/pausing.ts`. */
const pausingInput = (state: string, { back, held = [] }: Pausing): string =>
  `{'state': '${state}', 'back': ${back}, ${held.length > 0 ? `'held': [${held.map((error) => `'${error}'`).join(', ')}], ` : ''}'pauses': $pauses + 1, 'executionStartedAt': $states.context.Execution.StartTime, 'retries': $states.context.State.RetryCount}`;

/** Returns a payload with what its step needs to note its pause. */
function payloadWith(payload: Expression | object, state: string, pausing: Pausing | undefined): sfn.TaskInput {
  if (typeof payload !== 'string')
    return sfn.TaskInput.fromObject(
      pausing ? { ...payload, pausing: expression(pausingInput(state, pausing)) } : payload,
    );
  return sfn.TaskInput.fromText(
    pausing ? expression(`$merge([${payload.slice(2, -2)}, {'pausing': ${pausingInput(state, pausing)}}])`) : payload,
  );
}

/** The task token that a state waits under, for its payload. */
export const TASK_TOKEN = expression('$states.context.Task.Token');

/**
 * Creates a state that calls a step, with the step's retries. The step's answer is the state's output. `catchFailures`
 * adds the catches.
 */
export function stepTask<Name extends StepName>(
  scope: Construct,
  step: Name,
  options: StepTaskOptions<Name>,
): tasks.LambdaInvoke {
  const lambdaFunction = options.functions[step];
  if (!lambdaFunction)
    throw new Error(`The step ${step} is not part of this deployment: leave out the states that call it.`);
  const name = options.stateName ?? pascalCase(options.variant ?? step);
  const task = tasks.LambdaInvoke.jsonata(scope, name, {
    lambdaFunction,
    payload: payloadWith(options.payload, name, options.pausing),
    ...(options.callback ? { integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN } : {}),
    outputs: expression(options.callback ? '$states.result' : '$states.result.Payload'),
    assign: options.assign,
    // Longer than the Lambda's own time-out; otherwise a retry could run in parallel with the previous invocation.
    taskTimeout: options.callback
      ? sfn.Timeout.jsonata(options.callback.timeoutSeconds)
      : sfn.Timeout.duration(Duration.seconds(stepSchemas[step].timeoutSeconds + 15)),
    // CDK's implicit retrier would take precedence over those of the table.
    retryOnServiceExceptions: false,
  });
  for (const retrier of retriersOf(step, {
    paused: options.paused ?? options.pausing !== undefined,
    callback: options.callback !== undefined,
  })) {
    task.addRetry({
      errors: retrier.errors,
      interval: Duration.seconds(retrier.intervalSeconds),
      backoffRate: retrier.backoffRate,
      maxDelay: retrier.maxDelaySeconds === undefined ? undefined : Duration.seconds(retrier.maxDelaySeconds),
      maxAttempts: retrier.maxAttempts,
      jitterStrategy: retrier.jitter ? sfn.JitterType.FULL : sfn.JitterType.NONE,
    });
  }
  return task;
}

/** Creates a Wait close to the usual or forecast duration, which avoids most polls. */
export const wait = (scope: Construct, name: string, seconds: number | Expression, assign?: Variables): sfn.Wait =>
  sfn.Wait.jsonata(scope, name, {
    time:
      typeof seconds === 'number' ? sfn.WaitTime.duration(Duration.seconds(seconds)) : sfn.WaitTime.seconds(seconds),
    assign,
  });

/** Condition: the variable is true. */
export const isSet = (variable: string): sfn.Condition => sfn.Condition.jsonata(expression(`$${variable}`));

/** Condition: the subject is a service account (`namespace/name`), not an add-on. */
export const isOfServiceAccount: () => sfn.Condition = () =>
  sfn.Condition.jsonata(expression(`$contains($subject, '/')`));

/**
 * Condition: the output of the previous state is the given word. Any word that does not mean to continue must mean to
 * stop: see each Choice's default.
 */
export const answerIs = (field: string, word: string): sfn.Condition =>
  sfn.Condition.jsonata(expression(`$states.input.${field} = '${word}'`));

/** Condition: the field in the output of the previous state is true. */
export const answers = (field: string): sfn.Condition =>
  sfn.Condition.jsonata(expression(`$states.input.${field} = true`));

/** Adds a task's catches, the widest last. Each stores the error in a variable, by default `failure`. */
export function catchFailures(
  task: tasks.LambdaInvoke,
  catchers: Catcher[],
  targets: Partial<Record<FailureTarget, sfn.State>>,
  { failure = caughtFailure, variable = 'failure' }: { failure?: Expression; variable?: string } = {},
): void {
  for (const { errors, next } of catchers) {
    const handler = targets[next];
    if (!handler)
      throw new Error(
        `The state ${task.stateId} sends failures to ${next}, which does not exist yet. Create that state first.`,
      );
    task.addCatch(handler, { errors: errors === 'any' ? [sfn.Errors.ALL] : errors, assign: { [variable]: failure } });
  }
}
