/**
 * A run of a distributed Map: its child executions and their results. Source: Step Functions Developer Guide, "Viewing
 * a Distributed Map Run execution"; Step Functions API Reference, DescribeMapRun.
 */
import type { ChildExecution, ExecutionStatus } from './child-execution.ts';

/** Counts of items, or of child executions. */
export interface Counts {
  pending: number;
  running: number;
  succeeded: number;
  failed: number;
  timedOut: number;
  aborted: number;
  total: number;
  resultsWritten: number;
  failuresNotRedrivable: number;
  pendingRedrive: number;
}

export type MapRunStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';

/** The run fails if more items fail than this. If both are omitted, any failure fails the run. */
export interface Tolerance {
  /** Percentage of all items, 0 to 100. */
  percentage?: number | undefined;
  count?: number | undefined;
}

export interface MapRunOptions {
  arn: string;
  /** ARN of the execution that runs the Map state. */
  executionArn: string;
  /** ARN of the children's state machine, which includes the label. */
  stateMachineArn: string;
  startedAt: number;
  maxConcurrency: number;
  tolerance: Tolerance;
}

const ENDS: Record<Exclude<ExecutionStatus, 'RUNNING'>, 'succeeded' | 'failed' | 'timedOut' | 'aborted'> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  ABORTED: 'aborted',
};

const counts = (): Counts => ({
  pending: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  timedOut: 0,
  aborted: 0,
  total: 0,
  resultsWritten: 0,
  failuresNotRedrivable: 0,
  pendingRedrive: 0,
});

export class MapRun {
  readonly arn: string;
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly startedAt: number;
  readonly maxConcurrency: number;
  readonly tolerance: Tolerance;
  readonly itemCounts = counts();
  readonly executionCounts = counts();
  /** The started children in order, with the number of items of each. */
  readonly children: { execution: ChildExecution; items: number }[] = [];
  status: MapRunStatus = 'RUNNING';
  stoppedAt: number | undefined;

  constructor({ arn, executionArn, stateMachineArn, startedAt, maxConcurrency, tolerance }: MapRunOptions) {
    this.arn = arn;
    this.executionArn = executionArn;
    this.stateMachineArn = stateMachineArn;
    this.startedAt = startedAt;
    this.maxConcurrency = maxConcurrency;
    this.tolerance = tolerance;
  }

  /** The last part of its ARN, which is also part of the keys of exported files. */
  get id(): string {
    return this.arn.split(':').at(-1) ?? '';
  }

  /** Counts one more pending child. */
  plan(items: number): void {
    this.add('pending', items);
    this.add('total', items);
  }

  begun(execution: ChildExecution, items: number): void {
    this.children.push({ execution, items });
    this.add('pending', -items, -1);
    this.add('running', items);
  }

  ended({ status }: ChildExecution, items: number): void {
    if (status === 'RUNNING') return;
    this.add('running', -items, -1);
    this.add(ENDS[status], items);
  }

  /**
   * "The total number of failed or timed out items divided by the total number of items"; if both bounds are set,
   * exceeding either fails the run.
   */
  get isOverTolerance(): boolean {
    const { percentage, count } = this.tolerance;
    const { failed, timedOut, total } = this.itemCounts;
    const failures = failed + timedOut;
    if (percentage === undefined && count === undefined) return failures > 0;
    return (
      (count !== undefined && failures > count) || (percentage !== undefined && (100 * failures) / total > percentage)
    );
  }

  /** Records that all results are returned or exported. */
  resultsWritten(): void {
    for (const each of [this.itemCounts, this.executionCounts])
      each.resultsWritten = each.succeeded + each.failed + each.timedOut + each.aborted;
  }

  end(status: Exclude<MapRunStatus, 'RUNNING'>, at: number): void {
    this.status = status;
    this.stoppedAt = at;
  }

  private add(name: keyof Counts, items: number, executions = 1): void {
    this.itemCounts[name] += items;
    this.executionCounts[name] += executions;
  }
}
