/** Runs functions from source in this process: for virtual time, where everything must be reproducible. */
import type { AssemblyFunction } from '../assembly/functions.ts';
import type { LambdaContext } from './context.ts';
import { failureOf, stringifyResult } from './handler-error.ts';
import { runInvocation, type RunningInvocation } from './invocation.ts';
import {
  functionFailure,
  FunctionRuntime,
  type FunctionRuntimeOptions,
  type Invocation,
  type LambdaFailure,
  runtimeFailure,
} from './runtime.ts';

/** A function's wired handler: a warm container. */
export type Invoker = (payload: unknown, context: LambdaContext) => Promise<unknown>;

/** Returns `plan` for a function whose handler is `plan.handler`. */
export const stepOf = (fn: AssemblyFunction): string => fn.handler.split('.')[0] ?? '';

export interface SourceRuntimeOptions extends FunctionRuntimeOptions {
  /** The available steps, by the first part of a function's handler: `plan` for `plan.handler`. */
  steps: Record<string, unknown>;
  /** Called at a function's first invocation, and whenever all of its containers are busy. */
  createInvoker: (fn: AssemblyFunction) => Invoker;
}

export class SourceRuntime extends FunctionRuntime {
  private readonly steps: Record<string, unknown>;
  private readonly createInvoker: (fn: AssemblyFunction) => Invoker;
  /**
   * Idle containers by function. Each runs one invocation at a time, so that an invocation never waits for state that
   * another invocation holds.
   */
  private readonly free = new Map<string, Invoker[]>();

  constructor({ steps, createInvoker, ...options }: SourceRuntimeOptions) {
    super(options);
    this.steps = steps;
    this.createInvoker = createInvoker;
  }

  protected override run(invocation: Invocation): Promise<string> {
    const { fn, payload, context, remainingMilliseconds } = invocation;
    const { promise: death, reject: die } = Promise.withResolvers<never>();
    const running = this.begin(invocation, die);
    const answer = runInvocation(running, () =>
      this.clock.spawn(async () => {
        const invoker = this.invokerOf(fn);
        try {
          return stringifyResult(
            await invoker(JSON.parse(payload), { ...context, getRemainingTimeInMillis: remainingMilliseconds }),
          );
        } catch (error) {
          const { errorType, errorMessage } = failureOf(error);
          throw functionFailure(errorType, errorMessage);
        } finally {
          // A container that has exited is discarded: the next invocation gets a new one.
          if (!running.exited) this.freeOf(fn).push(invoker);
        }
      }),
    );
    return Promise.race([answer, death]);
  }

  /** `die` rejects the invocation because the process has exited. */
  private begin(
    { fn, context, remainingMilliseconds, execution }: Invocation,
    die: (reason: LambdaFailure) => void,
  ): RunningInvocation {
    let exited = false;
    return {
      id: context.awsRequestId,
      step: stepOf(fn),
      ...(execution ? { execution } : {}),
      remainingMilliseconds,
      sleep: (milliseconds) => this.clock.sleep(milliseconds),
      get exited() {
        return exited;
      },
      memoryMb: fn.memoryMb,
      exit: (why) => {
        exited = true;
        const how = why === 'memory' ? 'signal: killed' : 'exit status 1';
        die(
          runtimeFailure(
            why === 'memory' ? 'Runtime.OutOfMemory' : 'Runtime.ExitError',
            `RequestId: ${context.awsRequestId} Error: Runtime exited with error: ${how}`,
          ),
        );
      },
    };
  }

  /** Does nothing: an invocation cannot be stopped from outside, and in AWS its calls may still arrive too. */
  protected override timedOut(): void {}

  private freeOf({ arn }: AssemblyFunction): Invoker[] {
    const free = this.free.get(arn) ?? [];
    this.free.set(arn, free);
    return free;
  }

  private invokerOf(fn: AssemblyFunction): Invoker {
    const warm = this.freeOf(fn).pop();
    if (warm) return warm;
    const name = stepOf(fn);
    if (!Object.hasOwn(this.steps, name)) {
      throw runtimeFailure(
        'Runtime.ImportModuleError',
        `Error: Cannot find module '${name}' of ${fn.name}. Available modules: ${Object.keys(this.steps).join(', ')}.`,
      );
    }
    try {
      return this.createInvoker(fn);
    } catch (error) {
      // An error at a container's start, such as a missing environment variable.
      const { errorType, errorMessage } = failureOf(error);
      throw functionFailure(errorType, errorMessage);
    }
  }
}
