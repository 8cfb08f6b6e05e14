/**
 * Lambda, as Step Functions uses it: what both ways of running a function have in common. Each invocation gets its
 * time, its payload limits, its request id and its line in the call log here; running the code is the subclasses'.
 */
import type { AssemblyFunction } from '../assembly/functions.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import type { Denial } from '../authorization/asked.ts';
import type { SandboxClock } from '../world/clock.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { type FunctionArn, parseFunctionArn } from './arn.ts';
import { type InvokingCaller, refusalOfRole, refusalOfService } from './authorization.ts';
import type { ContextData } from './context.ts';
import type { InvokingExecution } from './invocation.ts';

/** An invocation that failed, as Step Functions tells it: Error is `errorType`, Cause is `failureCause`. */
export class LambdaFailure extends Error {
  override readonly name = 'LambdaFailure';
  readonly errorType: string;
  /** JSON text for what a function or its runtime says, plain text for what the service says. */
  readonly failureCause: string;
  constructor(errorType: string, failureCause: string) {
    super(`${errorType}: ${failureCause}`);
    this.errorType = errorType;
    this.failureCause = failureCause;
  }
}

/** What Lambda itself refuses: the function has not been asked, and asking again does not help. */
export class InvokeRefusal extends LambdaFailure {
  readonly status: 403 | 404;
  /** The action that the caller has no right to. */
  readonly denied: string | undefined;
  constructor(status: 403 | 404, errorType: string, failureCause: string, denied?: string) {
    super(errorType, failureCause);
    this.status = status;
    this.denied = denied;
  }
}

/** A failure of the function's own. No stack trace: it would differ from machine to machine. */
export const functionFailure = (errorType: string, errorMessage: string): LambdaFailure =>
  new LambdaFailure(errorType, JSON.stringify({ errorType, errorMessage, trace: [] }));

/** A failure that the runtime or the service reports about the function: it has no trace. */
export const runtimeFailure = (errorType: string, errorMessage: string): LambdaFailure =>
  new LambdaFailure(errorType, JSON.stringify({ errorType, errorMessage }));

export interface InvokeOptions extends InvokingCaller {
  /** The execution whose state calls. */
  execution?: InvokingExecution;
}

export interface LambdaRuntime {
  /**
   * Invokes and answers the result. `functionArn` may have a version. Throws LambdaFailure, and InvokeRefusal of them
   * where the caller may not or there is no such function.
   * It does not park: a thread of a virtual clock that waits for it has to.
   */
  invoke(functionArn: string, payload: unknown, options: InvokeOptions): Promise<unknown>;
}

export interface FunctionRuntimeOptions {
  world: World;
  clock: SandboxClock;
  functions: AssemblyFunction[];
  /** Who may invoke what; default: one of its own, by the world's roles. */
  authorizer?: Authorizer;
}

export interface Invocation {
  fn: AssemblyFunction;
  /** JSON text. */
  payload: string;
  context: ContextData;
  remainingMilliseconds: () => number;
  execution?: InvokingExecution;
}

/** Lambda quotas: invocation payload, synchronous, request and response each. */
const MAX_PAYLOAD_BYTES = 6_291_556;

export abstract class FunctionRuntime implements LambdaRuntime {
  protected readonly clock: SandboxClock;
  private readonly world: World;
  private readonly authorizer: Authorizer;
  private readonly functions: Map<string, AssemblyFunction>;
  private readonly ids: Random;

  constructor({ world, clock, functions, authorizer = new Authorizer(world) }: FunctionRuntimeOptions) {
    this.world = world;
    this.authorizer = authorizer;
    this.clock = clock;
    this.functions = new Map(functions.map((fn) => [fn.arn, fn]));
    this.ids = world.random.fork();
  }

  /** Runs the code; answers the result as JSON text. Rejects with LambdaFailure. */
  protected abstract run(invocation: Invocation): Promise<string>;

  /** Called when the function's time is up; what `run` answers then is not heard any more. */
  protected abstract timedOut(invocation: Invocation): void;

  async invoke(functionArn: string, payload: unknown, options: InvokeOptions): Promise<unknown> {
    const at = new Date(this.clock.now()).toISOString();
    const target = parseFunctionArn(functionArn);
    const call = {
      at,
      service: 'lambda',
      operation: 'Invoke',
      mutating: false,
      caller: options.caller,
      account: target?.account ?? '',
      region: target?.region ?? '',
      input: { functionName: functionArn },
    };
    try {
      const fn = this.admit(functionArn, target, options);
      const result = await this.answer(fn, functionArn, target, payload, options.execution);
      this.world.log.add({ ...call, status: 200 });
      return result;
    } catch (error) {
      const failure = error instanceof LambdaFailure ? error.errorType : 'InternalError';
      const refusal = error instanceof InvokeRefusal ? error : undefined;
      // A function that fails is a success of the service.
      this.world.log.add({
        ...call,
        status: refusal?.status ?? 200,
        error: failure,
        ...(refusal?.denied === undefined ? {} : { denied: refusal.denied }),
      });
      throw error;
    }
  }

  private async answer(
    fn: AssemblyFunction,
    functionArn: string,
    target: FunctionArn | undefined,
    payload: unknown,
    execution: InvokingExecution | undefined,
  ): Promise<unknown> {
    const text = JSON.stringify(payload ?? null);
    const awsRequestId = this.ids.uuid();
    if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) {
      throw new LambdaFailure(
        'Lambda.RequestTooLargeException',
        `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation`,
      );
    }
    const startedAt = this.clock.now();
    const invocation: Invocation = {
      fn,
      payload: text,
      context: {
        functionName: fn.name,
        functionVersion: target?.qualifier ?? '$LATEST',
        invokedFunctionArn: functionArn,
        memoryLimitInMB: String(fn.memoryMb),
        awsRequestId,
        logGroupName: `/aws/lambda/${fn.name}`,
        logStreamName: `${new Date(startedAt).toISOString().slice(0, 10).replaceAll('-', '/')}/[${target?.qualifier ?? '$LATEST'}]sandbox`,
        callbackWaitsForEmptyEventLoop: true,
      },
      remainingMilliseconds: () => Math.max(0, startedAt + fn.timeoutSeconds * 1000 - this.clock.now()),
      ...(execution ? { execution } : {}),
    };
    const result = await this.inTime(invocation);
    if (Buffer.byteLength(result) > MAX_PAYLOAD_BYTES) {
      throw runtimeFailure(
        'Function.ResponseSizeTooLarge',
        `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`,
      );
    }
    return JSON.parse(result) as unknown;
  }

  /** The function that the caller may invoke. A role without the right does not learn whether there is one. */
  private admit(functionArn: string, target: FunctionArn | undefined, caller: InvokingCaller): AssemblyFunction {
    if (target) this.refuse(refusalOfRole(this.authorizer, functionArn, caller));
    const fn = target && this.functions.get(target.arn);
    const isPublished = target?.qualifier === '$LATEST' || fn?.versionArns.includes(functionArn) === true;
    if (!fn || !isPublished)
      throw new InvokeRefusal(
        404,
        'Lambda.ResourceNotFoundException',
        `Function not found: ${functionArn} (Service: Lambda, Status Code: 404)`,
      );
    this.refuse(refusalOfService(this.authorizer, fn, functionArn, caller));
    return fn;
  }

  /**
   * As Step Functions tells it: awslabs/aws-deployment-framework#460, where the role's session has 32 letters for a
   * name.
   */
  private refuse(denial: Denial | undefined): void {
    if (!denial) return;
    const answer = `Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: ${this.ids.uuid()}; Proxy: null`;
    throw new InvokeRefusal(403, 'Lambda.AWSLambdaException', `${denial.message} (${answer})`, denial.action);
  }

  private async inTime(invocation: Invocation): Promise<string> {
    const { fn, context } = invocation;
    const timer = this.clock.timer(fn.timeoutSeconds * 1000);
    const running = this.run(invocation);
    // It goes on after the time-out, and whatever comes of it then is not an error of ours.
    running.catch(() => undefined);
    const timedOut = timer.elapsed.then((): never => {
      this.timedOut(invocation);
      const at = new Date(this.clock.now()).toISOString();
      throw runtimeFailure(
        'Sandbox.Timedout',
        `${at} ${context.awsRequestId} Task timed out after ${fn.timeoutSeconds.toFixed(2)} seconds`,
      );
    });
    try {
      return await Promise.race([running, timedOut]);
    } finally {
      timer.cancel();
    }
  }
}
