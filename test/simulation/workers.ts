/** The child processes of `main.ts`, which share the tasks of all parts. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Results, Task, TaskOf } from './tasks.ts';

/** Worlds are short-lived: more room for young objects reduces the time of garbage collection. */
const NODE_OPTIONS = ['--max-semi-space-size=64'];

export interface TaskOptions {
  /** Of the tasks that wait, those with the lowest number are done first, in the order in which they came. */
  turn?: number;
  /** Whether the first worker should do it; another does only if nothing else is left. */
  isForFirst?: boolean;
}

/** Does a task, and returns its result. The promise stays pending if the workers fail: see `Workers.failed`. */
export type Do = <Does extends Task['does']>(task: TaskOf<Does>, options?: TaskOptions) => Promise<Results[Does]>;

interface Job {
  task: Task;
  turn: number;
  isForFirst: boolean;
  resolve: (result: never) => void;
}

/** A number of child processes, each of which receives a task as soon as it has done the one before. */
export class Workers {
  /** Rejects if a task fails or a process ends by itself. */
  readonly failed: Promise<never>;
  private fail: (error: Error) => void = () => {};
  private readonly waiting: Job[] = [];
  private readonly children: { process: ChildProcess; job?: Job | undefined }[];

  constructor(count: number, worker: URL = new URL('./worker.ts', import.meta.url)) {
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.children = Array.from({ length: count }, () => ({
      process: fork(worker, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: NODE_OPTIONS }),
    }));
    for (const child of this.children) {
      child.process.on('message', ({ result, error }: { result?: never; error?: string }) => {
        const { job } = child;
        if (error !== undefined) return this.fail(new Error(`${error}\nwhile it did ${JSON.stringify(job?.task)}`));
        child.job = undefined;
        job?.resolve(result as never);
        this.proceed();
      });
      child.process.on('error', this.fail);
      child.process.on('exit', (code, signal) =>
        this.fail(
          new Error(`A worker ended with ${String(signal ?? code)} while it did ${JSON.stringify(child.job?.task)}.`),
        ),
      );
    }
  }

  readonly do: Do = (task, { turn = 0, isForFirst = false } = {}) =>
    new Promise((resolve) => {
      const after = this.waiting.findLastIndex((job) => job.turn <= turn);
      this.waiting.splice(after + 1, 0, { task, turn, isForFirst, resolve });
      this.proceed();
    });

  /** Ends the processes, whatever they do. */
  end(): void {
    for (const { process } of this.children) {
      process.removeAllListeners('exit');
      process.kill();
    }
  }

  /** Returns what the worker of that number does next. */
  private next(worker: number): Job | undefined {
    const suitable = this.waiting.findIndex(({ isForFirst }) => worker === 0 || !isForFirst);
    return this.waiting.splice(Math.max(0, suitable), 1)[0];
  }

  private proceed(): void {
    for (const [worker, child] of this.children.entries()) {
      if (child.job) continue;
      child.job = this.next(worker);
      if (child.job) child.process.send(child.job.task);
    }
  }
}
