/** Invokes functions for moto's tasks, with the sandbox's time as their limit. */
import { LambdaFailure } from '../../sandbox/lambda/runtime.ts';
import type { Verdict } from '../../sandbox/states/task-tokens.ts';
import type { Question } from './peer.ts';
import type { Session, TaskInProgress } from './session.ts';

type Answer = Record<string, unknown>;

const LATE: Answer = { outcome: 'timed-out' };

const failed = (error: unknown): Answer => {
  if (!(error instanceof LambdaFailure)) throw error;
  return { outcome: 'failed', error: error.errorType, cause: error.failureCause };
};

/** Opens the token of an attempt: the one that the sandbox's own interpreter would open. */
export const openToken = (session: Session, question: Question): Answer => {
  const { scope, execution } = session;
  const { tokens, machineArn } = scope.run;
  const token = tokens.open(
    {
      executionArn: execution.arn,
      enteredEventId: Number(question['enteredEventId']),
      retryCount: Number(question['retryCount']),
    },
    { machineArn, isOver: () => scope.cancellation.cancelled },
  );
  session.task = { token };
  return { token: token.token };
};

/** Ends the attempt: its token is invalid, and its time no longer runs. */
const close = (session: Session): void => {
  session.task?.token?.close();
  session.task?.timer?.cancel();
  session.task = undefined;
};

/** Returns a promise that resolves when the task is late; it never does if the task has no limit. */
const lateness = ({ task }: Session): Promise<Answer> =>
  task?.timer ? task.timer.elapsed.then(() => LATE) : new Promise(() => {});

/** Invokes a function. A task with a token continues to wait afterwards. */
export const invokeTask = async (session: Session, question: Question): Promise<Answer> => {
  const { scope } = session;
  const { clock, lambda, roleArn, execution } = scope.run;
  const functionArn = String(question['function']);
  const task: TaskInProgress = (session.task ??= {});
  if (typeof question['timeout'] === 'number') task.timer = clock.timer(question['timeout'] * 1000);
  const invocation = lambda.invoke(functionArn, question['payload'], { caller: roleArn, execution });
  invocation.catch(() => undefined);
  let answer: Answer = LATE;
  try {
    answer = await scope.interruptible(
      Promise.race([
        invocation.then(
          (output): Answer => ({ outcome: 'succeeded', output, version: functionArn.split(':')[7] ?? '$LATEST' }),
          failed,
        ),
        lateness(session),
      ]),
    );
    return answer;
  } finally {
    if (!task.token || answer['outcome'] !== 'succeeded') close(session);
  }
};

const answerOf = (verdict: Verdict): Answer =>
  verdict.kind === 'succeeded'
    ? { outcome: 'succeeded', output: verdict.output }
    : { outcome: verdict.kind, ...verdict.failure.details() };

/** Waits until the token of the task is used, or the task is late. */
export const awaitToken = async (session: Session): Promise<Answer> => {
  const { scope, task } = session;
  if (!task?.token) throw new Error('The task has no token.');
  try {
    return await scope.interruptible(Promise.race([task.token.decided.then(answerOf), lateness(session)]), {
      outside: true,
    });
  } finally {
    close(session);
  }
};
