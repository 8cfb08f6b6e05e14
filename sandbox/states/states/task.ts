import { isObject } from '../../json.ts';
import { isFunctionArn } from '../../function-arn.ts';
import { LambdaFailure } from '../../lambda/runtime.ts';
import { type TaskState, waitsForToken } from '../definition.ts';
import { StateFailure, TimedOut } from '../failure.ts';
import { type EventDetails, payload } from '../history.ts';
import { withRetryAndCatch } from '../retry.ts';
import type { Scope, StateRunner, Visit } from '../scope.ts';
import type { Verdict, WaitingTask } from '../task-tokens.ts';

/**
 * A call of a function, and its form in the history: Task events for the integration, LambdaFunction events for a bare
 * ARN.
 */
interface Call {
  functionArn: string;
  payload: unknown;
  /** Prefix of the events' types. */
  events: 'Task' | 'LambdaFunction';
  /** Details that all events of the call share. */
  about: Record<string, unknown>;
  scheduled: Record<string, unknown>;
  resultOf(answer: unknown): unknown;
}

const isTimeout = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 99_999_999;
const qualifierOf = (functionArn: string): string => functionArn.split(':')[7] ?? '$LATEST';

const INTEGRATION = /^arn:aws[\w-]*:states:[^:]*:[^:]*:lambda:(invoke(?:\.waitForTaskToken)?)$/;

/** `action` is `invoke` or `invoke.waitForTaskToken`. */
const integrationCall = (visit: Visit, resource: string, action: string, given: unknown): Call => {
  const { FunctionName: name, Payload: body = {}, ...others } = isObject(given) ? given : {};
  if (typeof name !== 'string')
    throw visit.failure('States.Runtime', `The Arguments of ${resource} must have a FunctionName.`);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw visit.failure(
      'States.Runtime',
      `The sandbox's ${resource} supports FunctionName and Payload, not ${unknown}.`,
    );
  return {
    functionArn: name,
    payload: body,
    events: 'Task',
    about: { resourceType: 'lambda', resource: action },
    scheduled: { region: visit.scope.run.region, parameters: JSON.stringify(given) },
    resultOf: (answer) => ({ ExecutedVersion: qualifierOf(name), Payload: answer, StatusCode: 200 }),
  };
};

const callOf = (visit: Visit, resource: string, given: unknown): Call => {
  const [, action] = INTEGRATION.exec(resource) ?? [];
  if (action !== undefined) return integrationCall(visit, resource, action, given);
  if (!isFunctionArn(resource)) {
    const supported =
      'Lambda functions, arn:aws:states:::lambda:invoke and arn:aws:states:::lambda:invoke.waitForTaskToken';
    throw visit.failure(
      'States.Runtime',
      `The sandbox cannot call the resource ${resource}: it supports ${supported}.`,
    );
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

/** Returns `taskScheduledEventDetails`, `lambdaFunctionFailedEventDetails` and so on. */
const detailsOf = (call: Call, what: string, details: Record<string, unknown>): EventDetails => ({
  [`${call.events === 'Task' ? 'task' : 'lambdaFunction'}${what}EventDetails`]: { ...call.about, ...details },
});

/** Starts the invocation, which continues even if nothing waits for its result any more. */
const begin = ({ run }: Scope, call: Call): Promise<unknown> => {
  const invocation = run.lambda.invoke(call.functionArn, call.payload, {
    caller: run.roleArn,
    execution: run.execution,
  });
  invocation.catch(() => undefined);
  return invocation;
};

const failureOf = (error: unknown): StateFailure => {
  if (!(error instanceof LambdaFailure)) throw error;
  return new StateFailure(error.errorType, error.failureCause);
};

interface Limits {
  timeout: number | undefined;
  heartbeat: number | undefined;
}

/** Invokes and waits until the timeout at most; the invocation continues after that, but its result is ignored. */
const invoke = async (scope: Scope, call: Call, { timeout }: Limits): Promise<Verdict> => {
  const answered = begin(scope, call).then(
    (answer): Verdict => ({ kind: 'succeeded', output: call.resultOf(answer) }),
    (error: unknown): Verdict => ({ kind: 'failed', failure: failureOf(error) }),
  );
  if (timeout === undefined) return scope.interruptible(answered);
  const timer = scope.run.clock.timer(timeout * 1000);
  const late = timer.elapsed.then((): Verdict => ({
    kind: 'timed-out',
    failure: new TimedOut(scope.run.timeoutCause),
  }));
  try {
    return await scope.interruptible(Promise.race([answered, late]));
  } finally {
    timer.cancel();
  }
};

/**
 * Invokes, and waits until the token is used or a timeout occurs. The token may be used before the function has
 * returned: the task then ends, and the function's result is ignored (AWS's order is not known). `onAnswer` receives
 * the function's result if the task still waits.
 */
const invokeAndWait = async (
  scope: Scope,
  call: Call,
  task: WaitingTask,
  limits: Limits,
  onAnswer: (result: unknown) => void,
): Promise<Verdict> => {
  const limit = (seconds: number | undefined, alias?: string): (() => void) => {
    if (seconds === undefined) return () => {};
    const timer = scope.run.clock.timer(seconds * 1000);
    void timer.elapsed.then(() =>
      task.decide({ kind: 'timed-out', failure: new TimedOut(scope.run.timeoutCause, alias) }),
    );
    return () => timer.cancel();
  };
  // The history has States.Timeout for both: localstack/localstack, test_heartbeats.snapshot.json, recorded from AWS.
  // The other name is for Retry and Catch (Step Functions Developer Guide, "Handling errors").
  const startHeartbeat = (): (() => void) => limit(limits.heartbeat, 'States.HeartbeatTimeout');
  const cancelTimeout = limit(limits.timeout);
  let cancelHeartbeat = startHeartbeat();
  task.onHeartbeat = () => {
    cancelHeartbeat();
    cancelHeartbeat = startHeartbeat();
  };
  const listen = async (): Promise<void> => {
    let answer: unknown;
    try {
      answer = await begin(scope, call);
    } catch (error) {
      task.decide({ kind: 'failed', failure: failureOf(error) });
      return;
    }
    if (!task.closed) onAnswer(call.resultOf(answer));
  };
  try {
    await scope.interruptible(Promise.race([task.decided, listen()]));
    return await scope.interruptible(task.decided, { outside: true });
  } finally {
    cancelTimeout();
    cancelHeartbeat();
  }
};

const secondsOf = async (
  visit: Visit,
  field: 'TimeoutSeconds' | 'HeartbeatSeconds',
  template: unknown,
): Promise<number | undefined> =>
  template === undefined
    ? undefined
    : visit.evaluateAs(template, field, 'a whole number of seconds from 1 to 99999999', isTimeout);

const argumentsOf = (state: TaskState, visit: Visit, task: WaitingTask | undefined): unknown => {
  if (state.Arguments === undefined) return visit.input;
  const { mapContext } = visit.scope;
  return visit.evaluate(
    state.Arguments,
    'Arguments',
    {},
    task ? { ...mapContext, Task: { Token: task.token } } : mapContext,
  );
};

const EVENTS = { failed: 'Failed', 'timed-out': 'TimedOut' } as const;

const run = async (state: TaskState, visit: Visit, task: WaitingTask | undefined): Promise<unknown> => {
  const { scope } = visit;
  const given = await argumentsOf(state, visit, task);
  visit.checkSize(given, 'was given arguments');
  const limits: Limits = {
    timeout: await secondsOf(visit, 'TimeoutSeconds', state.TimeoutSeconds),
    heartbeat: await secondsOf(visit, 'HeartbeatSeconds', state.HeartbeatSeconds),
  };
  const call = callOf(visit, state.Resource, given);
  const add = (what: string, details: Record<string, unknown> = {}): number =>
    scope.add(`${call.events}${what}`, detailsOf(call, what, details));

  add('Scheduled', {
    ...call.scheduled,
    ...(limits.timeout === undefined ? {} : { timeoutInSeconds: limits.timeout }),
    ...(limits.heartbeat === undefined ? {} : { heartbeatInSeconds: limits.heartbeat }),
  });
  // The LambdaFunction event has no details here.
  if (call.events === 'Task') add('Started');
  else scope.add('LambdaFunctionStarted');
  const submitted = (result: unknown): void => {
    visit.checkSize(result, 'returned a result');
    add('Submitted', payload('output', result));
  };
  const verdict = await (task ? invokeAndWait(scope, call, task, limits, submitted) : invoke(scope, call, limits));
  if (verdict.kind !== 'succeeded') {
    add(EVENTS[verdict.kind], verdict.failure.details());
    throw verdict.failure;
  }
  visit.checkSize(verdict.output, 'returned a result');
  add('Succeeded', payload('output', verdict.output));
  return verdict.output;
};

/** Each attempt has a token of its own, which is invalid afterwards. */
const attempt = async (state: TaskState, visit: Visit): Promise<unknown> => {
  if (!waitsForToken(state)) return run(state, visit, undefined);
  const { scope, enteredEventId, retryCount } = visit;
  const { tokens, execution, machineArn } = scope.run;
  const task = tokens.open(
    { executionArn: execution.arn, enteredEventId, retryCount },
    { machineArn, isOver: () => scope.cancellation.cancelled },
  );
  try {
    return await run(state, visit, task);
  } finally {
    task.close();
  }
};

export const runTask: StateRunner<TaskState> = (state, visit) =>
  withRetryAndCatch(state, visit, async () => {
    const result = await attempt(state, visit);
    return { next: state.Next, ...(await visit.settle(state, result, { result })) };
  });
