/** The sessions of moto's interpreter: threads of control, each of an execution or of a branch of one. */
import type { ChildExecution } from '../../sandbox/states/child-execution.ts';
import type { Scope } from '../../sandbox/states/scope.ts';
import type { WaitingTask } from '../../sandbox/states/task-tokens.ts';
import type { Timer } from '../../sandbox/clock/clock.ts';

/** A task whose time has begun. */
export interface TaskInProgress {
  token?: WaitingTask;
  timer?: Timer;
}

/** One session of the interpreter, for one execution. */
export interface Session {
  id: number;
  execution: ChildExecution;
  scope: Scope;
  /** The task that it waits for. */
  task?: TaskInProgress | undefined;
  /** The sessions of the branches that it has started. */
  branches: number[];
}
