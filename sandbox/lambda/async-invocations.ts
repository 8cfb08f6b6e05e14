/**
 * Lambda's queue of asynchronous invocations: retries failures, and finally reports that it gave up. Source: Lambda
 * Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and "Capturing records of
 * Lambda asynchronous invocations".
 */
import type { AssemblyFunction } from '../assembly/functions.ts';
import { isTopicArn, type Messages } from '../messaging/messages.ts';
import type { SandboxClock } from '../clock/clock.ts';
import { parseFunctionArn } from '../function-arn.ts';
import type { InvokingCaller } from './authorization.ts';
import { InvokeRefusal, LambdaFailure, type LambdaRuntime } from './runtime.ts';

export interface AsyncInvocationsOptions {
  clock: SandboxClock;
  lambda: LambdaRuntime;
  functions: readonly AssemblyFunction[];
  messages: Messages;
  /** Runs the function later in the background, unless the sandbox has closed by then. */
  after: (milliseconds: number, run: () => void) => void;
}

/** The first retry comes after one minute, the second after two more. */
const RETRIES_MILLISECONDS = [60_000, 120_000];
const LONGEST_AGE_SECONDS = 21_600;

export interface AsyncInvocation {
  functionArn: string;
  payload: unknown;
  caller: InvokingCaller;
  /** The caller is not allowed, or the function does not exist: reported to the caller, and never retried. */
  refused: (refusal: InvokeRefusal) => void;
}

export class AsyncInvocations {
  private readonly options: AsyncInvocationsOptions;

  constructor(options: AsyncInvocationsOptions) {
    this.options = options;
  }

  invoke(invocation: AsyncInvocation): void {
    this.attempt(invocation, this.options.clock.now(), 0);
  }

  private attempt(invocation: AsyncInvocation, since: number, attempt: number): void {
    const { clock, lambda } = this.options;
    const { functionArn, payload, caller, refused } = invocation;
    void clock.spawn(() =>
      clock.park(lambda.invoke(functionArn, payload, caller)).then(
        () => undefined,
        (error: unknown) =>
          error instanceof InvokeRefusal ? refused(error) : this.failed(invocation, since, attempt, error),
      ),
    );
  }

  private failed(invocation: AsyncInvocation, since: number, attempt: number, error: unknown): void {
    const { clock, after, functions } = this.options;
    const { functionArn } = invocation;
    const fn = functions.find(({ arn }) => arn === parseFunctionArn(functionArn)?.arn);
    const config = fn?.asyncConfigs?.find((each) => each.functionArn === functionArn);
    const pause =
      attempt < (config?.maximumRetryAttempts ?? RETRIES_MILLISECONDS.length)
        ? RETRIES_MILLISECONDS[attempt]
        : undefined;
    const age = clock.now() + (pause ?? 0) - since;
    if (pause !== undefined && age <= (config?.maximumEventAgeSeconds ?? LONGEST_AGE_SECONDS) * 1000) {
      after(pause, () => this.attempt(invocation, since, attempt + 1));
      return;
    }
    if (fn)
      this.giveUp(fn, config?.onFailureArn, invocation, {
        attempts: attempt + 1,
        condition: pause === undefined ? 'RetriesExhausted' : 'EventAgeExceeded',
        error,
      });
  }

  /**
   * A function may have both: the dead-letter queue gets the event, the destination a record of the invocation. Lambda
   * assumes the function's role for both.
   */
  private giveUp(
    { roleArn, deadLetterArn }: AssemblyFunction,
    onFailureArn: string | undefined,
    { functionArn, payload }: AsyncInvocation,
    { attempts, condition, error }: { attempts: number; condition: string; error: unknown },
  ): void {
    const { errorType, errorMessage } =
      error instanceof LambdaFailure
        ? { errorType: error.errorType, errorMessage: error.failureCause }
        : { errorType: 'InternalError', errorMessage: String(error) };
    const why = `${condition}: ${errorType}`;
    const caller = { caller: roleArn };
    const record = {
      version: '1.0',
      timestamp: new Date(this.options.clock.now()).toISOString(),
      requestContext: { functionArn, condition, approximateInvokeCount: attempts },
      requestPayload: payload,
      responseContext: {
        statusCode: 200,
        executedVersion: parseFunctionArn(functionArn)?.qualifier ?? '$LATEST',
        functionError: 'Unhandled',
      },
      responsePayload: { errorType, errorMessage },
    };
    for (const [arn, event] of [
      [deadLetterArn, payload],
      [onFailureArn, record],
    ] as const) {
      if (arn === undefined) continue;
      if (isTopicArn(arn)) this.options.messages.publish(arn, JSON.stringify(event), caller);
      else this.options.messages.keep(arn, { event, why }, caller);
    }
  }
}
