/** A state machine, and a child execution of it, as a distributed Map sees them. */
import type { AssemblyStateMachine } from '../assembly/assembly.ts';
import type { Runnable } from './definition.ts';
import type { History } from './history.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface StateMachine extends AssemblyStateMachine {
  parsed: Runnable;
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** A child execution of a distributed Map, as its Map run and its state see it. `Execution` implements it. */
export interface ChildExecution {
  readonly arn: string;
  readonly name: string;
  readonly machine: StateMachine;
  /** The ARN of the Map run that started it. */
  readonly mapRunArn: string | undefined;
  /** JSON text. */
  readonly input: string;
  readonly startedAt: number;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<void>;
  readonly status: ExecutionStatus;
  readonly stoppedAt: number | undefined;
  /** JSON text of the output, if it succeeded. */
  readonly output: string | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly history: History;
  stop(): void;
}
