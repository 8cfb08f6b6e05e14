import { Duration } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { z } from 'zod';
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import type { OptionalStep } from '../config.ts';
import { pascalCase } from '../names.ts';
import { type Catcher, type FailureTarget, retriersOf, type WorkflowStep } from './errors.ts';
import { caughtFailure, EXECUTION, expression, type Expression, MIGRATION_ID } from './expressions.ts';

/**
 * Of each step that is deployed: those that write trust policies, answer the API or look into denied calls, may not be.
 */
export type ByStep<Value> = Record<Exclude<StepName, OptionalStep>, Value> & Partial<Record<OptionalStep, Value>>;

/** The published version of each step's Lambda. */
export type StepFunctions = ByStep<lambda.IVersion>;

/** Whether this deployment may change trust policies; without that no state is for it. */
export const changesTrust = (functions: StepFunctions): boolean => functions['repair-trust'] !== undefined;

/**
 * A step's input, field by field, each a value or an expression that gives it: a missing or wrong field does not
 * compile.
 */
type Input<Name extends StepName> = z.input<(typeof stepSchemas)[Name]['input']>;
type Payload<Name extends StepName> = { [Field in keyof Input<Name>]: Expression | Input<Name>[Field] };

/**
 * A whole payload in one expression of field and body: a field whose body gives nothing is left out, as JSONata leaves
 * it out of an object, where the same expression alone in a field would fail.
 */
export const sparsePayload = <Name extends StepName>(bodies: Record<keyof Input<Name> & string, string>): Expression =>
  expression(
    `{${Object.entries<string>(bodies)
      .map(([field, body]) => `'${field}': ${body}`)
      .join(', ')}}`,
  );

/** Which migration, of what: the variables that `Plan`, or `TakeOver`, assigns. */
export const MIGRATION = {
  migrationId: expression(MIGRATION_ID),
  target: expression('$target'),
  subject: expression('$subject'),
};
/** The same under the lock: the fence that `Begin`, or `TakeOver`, assigns. */
export const LOCKED_MIGRATION = { ...MIGRATION, fence: expression('$fence') };
/** And on its way of the ladder, whose index `Plan` and `NextAttempt`, or `TakeOver`, assign. */
export const CHANGE = { ...LOCKED_MIGRATION, attempt: expression('$attempt') };
/** The execution itself, which takes the locks and lets them go. */
export const EXECUTION_ARN = expression(EXECUTION);

type Variables = Record<string, Expression | number>;

export interface StepTaskOptions<Name extends StepName> {
  functions: StepFunctions;
  payload: Payload<Name> | Expression;
  assign?: Variables;
  /** For a step that more than one state calls; the step's name in PascalCase otherwise. */
  stateName?: string;
  /**
   * The state waits after the step has answered, under a task token that is in its payload, for that many seconds; its
   * output is what is sent then.
   */
  callback?: { timeoutSeconds: Expression };
  /** The state pauses (`pauses.ts`) for what is not over with the second try. */
  paused?: boolean;
}

/** Creates the state of one step. `others`: states, in addition to the endings, that failures lead to. */
export type MakeTask = <Name extends WorkflowStep>(
  step: Name,
  options: Omit<StepTaskOptions<Name>, 'functions'>,
  others?: Partial<Record<FailureTarget, sfn.State>>,
) => tasks.LambdaInvoke;

/** The token that a state waits under, of a payload. */
export const TASK_TOKEN = expression('$states.context.Task.Token');

/**
 * A state that calls one step, with the step's retries; its answer is the state's output. Catches are added by
 * `catchFailures`.
 */
export function stepTask<Name extends StepName>(
  scope: Construct,
  step: Name,
  options: StepTaskOptions<Name>,
): tasks.LambdaInvoke {
  const lambdaFunction = options.functions[step];
  if (!lambdaFunction)
    throw new Error(`The step ${step} is not part of this deployment: leave out the states that call it.`);
  const task = tasks.LambdaInvoke.jsonata(scope, options.stateName ?? pascalCase(step), {
    lambdaFunction,
    payload:
      typeof options.payload === 'string'
        ? sfn.TaskInput.fromText(options.payload)
        : sfn.TaskInput.fromObject(options.payload),
    ...(options.callback ? { integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN } : {}),
    outputs: expression(options.callback ? '$states.result' : '$states.result.Payload'),
    assign: options.assign,
    // Longer than the Lambda's own time-out: else a retry could run beside the invocation that it gave up on.
    taskTimeout: options.callback
      ? sfn.Timeout.jsonata(options.callback.timeoutSeconds)
      : sfn.Timeout.duration(Duration.seconds(stepSchemas[step].timeoutSeconds + 15)),
    // CDK's silent retrier would stand before the table's.
    retryOnServiceExceptions: false,
  });
  for (const retrier of retriersOf(step, {
    paused: options.paused ?? false,
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

/** A Wait near the time that is usual, or forecast, so that most polls need not be made. */
export const wait = (scope: Construct, name: string, seconds: number | Expression, assign?: Variables): sfn.Wait =>
  sfn.Wait.jsonata(scope, name, {
    time:
      typeof seconds === 'number' ? sfn.WaitTime.duration(Duration.seconds(seconds)) : sfn.WaitTime.seconds(seconds),
    assign,
  });

/** True where the variable of that name is. */
export const isSet = (variable: string): sfn.Condition => sfn.Condition.jsonata(expression(`$${variable}`));

/** True where what migrates is a service account that is no add-on's: `namespace/name`. */
export const isOfServiceAccount: () => sfn.Condition = () =>
  sfn.Condition.jsonata(expression(`$contains($subject, '/')`));

/**
 * True where the answer of the state before has that word. What is not a word to go on must be one to stop: see each
 * Choice's default.
 */
export const answerIs = (field: string, word: string): sfn.Condition =>
  sfn.Condition.jsonata(expression(`$states.input.${field} = '${word}'`));

/** True where the answer of the state before says so in that field. */
export const answers = (field: string): sfn.Condition =>
  sfn.Condition.jsonata(expression(`$states.input.${field} = true`));

/** Adds a task's catches, the widest last, each of which keeps the error in a variable, `failure` by default. */
export function catchFailures(
  task: tasks.LambdaInvoke,
  catchers: Catcher[],
  targets: Partial<Record<FailureTarget, sfn.State>>,
  { failure = caughtFailure, variable = 'failure' }: { failure?: Expression; variable?: string } = {},
): void {
  for (const { errors, next } of catchers) {
    const handler = targets[next];
    if (!handler)
      throw new Error(`The state ${task.stateId} sends failures to ${next}, which is not there yet: create it before.`);
    task.addCatch(handler, { errors: errors === 'any' ? [sfn.Errors.ALL] : errors, assign: { [variable]: failure } });
  }
}
