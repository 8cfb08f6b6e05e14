/**
 * Lambda as Step Functions uses it: the base of both runtimes. It handles timeouts, payload limits, request ids and the
 * call log; subclasses run the code.
 */
import type { AssemblyFunction } from '../assembly/functions.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import type { Denial } from '../permission/permission.ts';
import type { SandboxClock } from '../clock/clock.ts';
import type { Random } from '../random.ts';
import { timeText } from '../clock/time-text.ts';
import type { World } from '../world/world.ts';
import { type FunctionArn, parseFunctionArn } from '../function-arn.ts';
import { type InvokingCaller, refusalOfRole, refusalOfService } from './authorization.ts';
import type { ContextData } from './context.ts';
import type { InvokingExecution } from './invocation.ts';

/** A failed invocation as Step Functions reports it: Error is `errorType`, Cause is `failureCause`. */
export class LambdaFailure extends Error {
  override readonly name = 'LambdaFailure';
  readonly errorType: string;
  /** JSON text if a function or its runtime reports the error, plain text if the service does. */
  readonly failureCause: string;
  constructor(errorType: string, failureCause: string) {
    super(`${errorType}: ${failureCause}`);
    this.errorType = errorType;
    this.failureCause = failureCause;
  }
}

/** A refusal by Lambda itself: the function did not run, and a retry does not help. */
export class InvokeRefusal extends LambdaFailure {
  readonly status: 403 | 404;
  /** The action that the caller is not allowed to perform. */
  readonly denied: string | undefined;
  constructor(status: 403 | 404, errorType: string, failureCause: string, denied?: string) {
    super(errorType, failureCause);
    this.status = status;
    this.denied = denied;
  }
}

/** A failure of the function's own code. It has no stack trace, which would differ between machines. */
export const functionFailure = (errorType: string, errorMessage: string): LambdaFailure =>
  new LambdaFailure(errorType, JSON.stringify({ errorType, errorMessage, trace: [] }));

/** A failure that the runtime or the service reports about the function; it has no trace. */
export const runtimeFailure = (errorType: string, errorMessage: string): LambdaFailure =>
  new LambdaFailure(errorType, JSON.stringify({ errorType, errorMessage }));

export interface InvokeOptions extends InvokingCaller {
  /** The execution whose state invokes the function. */
  execution?: InvokingExecution;
}

export interface LambdaRuntime {
  /**
   * Invokes a function and returns its result. `functionArn` may have a version. Throws LambdaFailure; its subclass
   * InvokeRefusal if the caller is not allowed or the function does not exist. Does not park: a thread of a virtual
   * clock must do that itself.
   */
  invoke(functionArn: string, payload: unknown, options: InvokeOptions): Promise<unknown>;
}

export interface FunctionRuntimeOptions {
  world: World;
  clock: SandboxClock;
  functions: AssemblyFunction[];
  /** Decides who may invoke functions; default: an authorizer for the world's roles. */
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

/** Lambda quotas: synchronous invocation payload, for the request and the response each. */
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

  /** Runs the code; returns the result as JSON text. Rejects with LambdaFailure. */
  protected abstract run(invocation: Invocation): Promise<string>;

  /** Called when the function has timed out; the result of `run` is ignored from then on. */
  protected abstract timedOut(invocation: Invocation): void;

  async invoke(functionArn: string, payload: unknown, options: InvokeOptions): Promise<unknown> {
    const at = timeText(this.clock.now());
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
      // For the service, a call to a function that fails is a success.
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
        logStreamName: `${timeText(startedAt).slice(0, 10).replaceAll('-', '/')}/[${target?.qualifier ?? '$LATEST'}]sandbox`,
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

  /**
   * Returns the function if the caller may invoke it. A refusal does not reveal to a role whether the function exists.
   */
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
   * Throws the denial in Step Functions' form: awslabs/aws-deployment-framework#460, where the role's session name has
   * 32 letters.
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
    // The code keeps running after the timeout; its late errors are ignored.
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
