/** Runs the deployed bundles, each container in a child process: for real or scaled time. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { AssemblyFunction } from '../assembly/functions.ts';
import { exchange } from './exchange.ts';
import type { HostRequest } from './host.ts';
import { withLocalLayers } from './layers.ts';
import {
  functionFailure,
  FunctionRuntime,
  type FunctionRuntimeOptions,
  type Invocation,
  runtimeFailure,
} from './runtime.ts';

export interface BundledRuntimeOptions extends FunctionRuntimeOptions {
  /**
   * Returns the environment of a function's process in addition to the function's own variables: credentials
   * (AWS_ACCESS_KEY_ID and so on), AWS_REGION, AWS_ENDPOINT_URL and other variables that point to the sandbox.
   * Of this process's environment, only NODE_COMPILE_CACHE is passed on.
   */
  environmentOf: (fn: AssemblyFunction) => Record<string, string>;
}

/** Output of a function. */
export interface LogText {
  functionName: string;
  stream: 'stdout' | 'stderr';
  text: string;
}

interface Container {
  fn: AssemblyFunction;
  child: ChildProcess;
}

/** The host module next to this file, with the same ending as this file, which is another one in the published package. */
const HOST = join(import.meta.dirname, `host${extname(import.meta.filename)}`);

/** The folder in which Node keeps compiled code, if the user has set one: half of a container's start is compiling. */
const { NODE_COMPILE_CACHE } = process.env;

/**
 * Returns the module and export of a handler such as `plan.handler`. Throws Lambda's error if the file does not exist.
 */
const locate = (fn: AssemblyFunction): { file: string; exportName: string } => {
  const [name = '', exportName = ''] = fn.handler.split('.');
  const file = ['mjs', 'js', 'cjs']
    .map((ending) => join(fn.codeDirectory, `${name}.${ending}`))
    .find((path) => existsSync(path));
  if (file === undefined)
    throw runtimeFailure(
      'Runtime.ImportModuleError',
      `Error: Cannot find module '${name}' in ${fn.codeDirectory}. Build the project again.`,
    );
  return { file, exportName };
};

export class BundledRuntime extends FunctionRuntime {
  /** All output of the functions, in order. */
  readonly logs: LogText[] = [];
  private readonly options: BundledRuntimeOptions;
  private readonly all = new Set<Container>();
  /** Warm idle containers, by function ARN. */
  private readonly idle = new Map<string, Container[]>();
  private readonly busy = new Map<string, Container>();

  /** Throws an Error for a virtual clock, whose jumps would overtake a process. */
  constructor(options: BundledRuntimeOptions) {
    super(options);
    if (options.clock.kind === 'virtual')
      throw new Error(
        'Bundled functions run in separate processes, which cannot keep up with virtual time. Open the sandbox with a real or scaled clock.',
      );
    this.options = options;
  }

  /** Runs on a separate thread: starting a process and running its code is work, during which time stands still. */
  protected override run(invocation: Invocation): Promise<string> {
    return this.clock.spawn(() => this.runInContainer(invocation));
  }

  private async runInContainer(invocation: Invocation): Promise<string> {
    const { fn, context, payload } = invocation;
    const id = context.awsRequestId;
    const container = this.idle.get(fn.arn)?.pop() ?? this.start(fn);
    this.busy.set(id, container);
    try {
      const request: HostRequest = { id, payload, context, remaining: invocation.remainingMilliseconds() };
      const response = await exchange(this.clock, container.child, request);
      if ('result' in response) return response.result;
      const { errorType, errorMessage } = response.error;
      throw response.unusable ? runtimeFailure(errorType, errorMessage) : functionFailure(errorType, errorMessage);
    } finally {
      this.busy.delete(id);
      if (this.all.has(container)) this.idle.set(fn.arn, [...(this.idle.get(fn.arn) ?? []), container]);
    }
  }

  protected override timedOut({ context }: Invocation): void {
    const container = this.busy.get(context.awsRequestId);
    if (container) this.end(container);
  }

  private start(fn: AssemblyFunction): Container {
    const { file, exportName } = locate(fn);
    const child = fork(HOST, [file, exportName], {
      execPath: process.execPath,
      execArgv: [],
      cwd: fn.codeDirectory,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        TZ: ':UTC',
        LANG: 'en_US.UTF-8',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_LAMBDA_FUNCTION_NAME: fn.name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
        LAMBDA_TASK_ROOT: fn.codeDirectory,
        _HANDLER: fn.handler,
        ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
        ...withLocalLayers(fn),
        ...this.options.environmentOf(fn),
      },
    });
    const container = { fn, child };
    this.all.add(container);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]
        ?.setEncoding('utf8')
        .on('data', (text: string) => this.logs.push({ functionName: fn.name, stream, text }));
    }
    child.once('exit', () => this.forget(container));
    return container;
  }

  private forget(container: Container): void {
    this.all.delete(container);
    this.idle.set(
      container.fn.arn,
      (this.idle.get(container.fn.arn) ?? []).filter((each) => each !== container),
    );
  }

  private end(container: Container): void {
    this.forget(container);
    container.child.kill('SIGKILL');
  }

  /** Ends all processes and resolves once they have exited. */
  async close(): Promise<void> {
    const running = [...this.all].filter(({ child }) => child.exitCode === null && child.signalCode === null);
    const exits = running.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)));
    for (const container of running) this.end(container);
    await Promise.all(exits);
  }
}
