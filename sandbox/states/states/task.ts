import { isObject } from '../../json.ts';
import { isFunctionArn } from '../../lambda/arn.ts';
import { LambdaFailure } from '../../lambda/runtime.ts';
import type { TaskState } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import { type EventDetails, payload } from '../history.ts';
import { withRetryAndCatch } from '../retry.ts';
import type { Scope, StateRunner, Visit } from '../scope.ts';

/** A call of a function, and how the history tells of it: Task events for the integration, LambdaFunction events for a bare ARN. */
interface Call {
  functionArn: string;
  payload: unknown;
  /** Prefix of the events' types. */
  events: 'Task' | 'LambdaFunction';
  /** What each event says beside its own. */
  about: Record<string, unknown>;
  scheduled: Record<string, unknown>;
  resultOf(answer: unknown): unknown;
}

const TIMED_OUT = Symbol('timed out');
const isTimeout = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 99_999_999;
const qualifierOf = (functionArn: string): string => functionArn.split(':')[7] ?? '$LATEST';

const integrationCall = (visit: Visit, resource: string, given: unknown): Call => {
  const { FunctionName: name, Payload: body = {}, ...others } = isObject(given) ? given : {};
  if (typeof name !== 'string') throw visit.failure('States.Runtime', `The Arguments of ${resource} must have a FunctionName.`);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw visit.failure('States.Runtime', `The sandbox's ${resource} takes FunctionName and Payload, not ${unknown}.`);
  return {
    functionArn: name,
    payload: body,
    events: 'Task',
    about: { resourceType: 'lambda', resource: 'invoke' },
    scheduled: { region: visit.scope.run.region, parameters: JSON.stringify(given) },
    resultOf: (answer) => ({ ExecutedVersion: qualifierOf(name), Payload: answer, StatusCode: 200 }),
  };
};

const callOf = (visit: Visit, resource: string, given: unknown): Call => {
  if (/^arn:aws[\w-]*:states:[^:]*:[^:]*:lambda:invoke$/.test(resource)) return integrationCall(visit, resource, given);
  if (!isFunctionArn(resource)) {
    throw visit.failure('States.Runtime', `The sandbox can't call the resource ${resource}: it has Lambda functions and arn:aws:states:::lambda:invoke.`);
  }
  return {
    functionArn: resource,
    payload: given,
    events: 'LambdaFunction',
    about: {},
    scheduled: { resource, ...payload('input', given) },
    resultOf: (answer) => answer,
  };
};

/** `taskScheduledEventDetails`, `lambdaFunctionFailedEventDetails` and so on. */
const detailsOf = (call: Call, what: string, details: Record<string, unknown>): EventDetails => ({
  [`${call.events === 'Task' ? 'task' : 'lambdaFunction'}${what}EventDetails`]: { ...call.about, ...details },
});

/** Invokes and waits, no longer than the time-out; the invocation goes on after that, unheard. */
const invoke = async (scope: Scope, call: Call, timeoutSeconds: number | undefined): Promise<unknown> => {
  const invocation = scope.run.lambda.invoke(call.functionArn, call.payload, { caller: scope.run.roleArn, execution: scope.run.execution });
  invocation.catch(() => undefined);
  if (timeoutSeconds === undefined) return scope.interruptible(invocation);
  const timer = scope.run.clock.timer(timeoutSeconds * 1000);
  try {
    return await scope.interruptible(Promise.race([invocation, timer.elapsed.then(() => TIMED_OUT)]));
  } finally {
    timer.cancel();
  }
};

const attempt = async (state: TaskState, visit: Visit): Promise<unknown> => {
  const { scope } = visit;
  const given = state.Arguments === undefined ? visit.input : await visit.evaluate(state.Arguments, 'Arguments');
  visit.checkSize(given, 'was given arguments');
  const timeout =
    state.TimeoutSeconds === undefined
      ? undefined
      : await visit.evaluateAs(state.TimeoutSeconds, 'TimeoutSeconds', 'a whole number of seconds from 1 to 99999999', isTimeout);
  const call = callOf(visit, state.Resource, given);
  const add = (what: string, details: Record<string, unknown> = {}): number => scope.add(`${call.events}${what}`, detailsOf(call, what, details));

  add('Scheduled', { ...call.scheduled, ...(timeout === undefined ? {} : { timeoutInSeconds: timeout }) });
  // The bare form has no details here.
  if (call.events === 'Task') add('Started');
  else scope.add('LambdaFunctionStarted');
  let answer: unknown;
  try {
    answer = await invoke(scope, call, timeout);
  } catch (error) {
    if (!(error instanceof LambdaFailure)) throw error;
    const failure = new StateFailure(error.errorType, error.failureCause);
    add('Failed', failure.details());
    throw failure;
  }
  if (answer === TIMED_OUT) {
    const failure = new StateFailure('States.Timeout');
    add('TimedOut', failure.details());
    throw failure;
  }
  const result = call.resultOf(answer);
  visit.checkSize(result, 'returned a result');
  add('Succeeded', payload('output', result));
  return result;
};

export const runTask: StateRunner<TaskState> = (state, visit) =>
  withRetryAndCatch(state, visit, async () => {
    const result = await attempt(state, visit);
    return { next: state.Next, ...(await visit.settle(state, result, { result })) };
  });
