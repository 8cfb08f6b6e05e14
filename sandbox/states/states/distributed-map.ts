/**
 * A Map in distributed mode: each item, or batch of items, is an execution of its own. Source: Step Functions Developer
 * Guide, "Using Map state in Distributed mode".
 */
import { S3Error } from '../../s3/errors.ts';
import type { MapState, ResultWriter } from '../definition.ts';
import { Interrupted, StateFailure } from '../failure.ts';
import type { ChildExecution } from '../child-execution.ts';
import { type Destination, exportResults, resultOf, testDestination } from '../map-results.ts';
import type { MapRun } from '../map-run.ts';
import type { Visit } from '../scope.ts';
import { runBranches } from './branches.ts';
import { type ChildInput, childInputs, isWhole, itemsOf, objectLocationOf, readItems } from './map-items.ts';

/**
 * "If you don't specify a concurrency value or set it to zero, Step Functions […] runs 10,000 parallel child workflow
 * executions."
 */
const MAX_CONCURRENCY = 10_000;

const isPercentage = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 100;

const toleranceOf = async (
  { ToleratedFailurePercentage: percentage, ToleratedFailureCount: count }: MapState,
  visit: Visit,
) => ({
  percentage:
    percentage === undefined
      ? undefined
      : await visit.evaluateAs(percentage, 'ToleratedFailurePercentage', 'a number from 0 to 100', isPercentage),
  count:
    count === undefined
      ? undefined
      : await visit.evaluateAs(count, 'ToleratedFailureCount', 'a whole number, 0 or more', isWhole(0)),
});

/** AWS's text (aws/aws-cdk#32144). */
const notWritable = (visit: Visit, error: S3Error): StateFailure =>
  visit.failure(
    'States.ResultWriterFailed',
    `Failed to write a test manifest into the specified output bucket. Access denied. Ensure the correct permissions are added to your state machine's execution role. | Message from S3: ${error.message} (Service: S3, Status Code: ${error.status})`,
  );

const notWritten = (visit: Visit, error: S3Error): StateFailure =>
  visit.failure(
    'States.ResultWriterFailed',
    `The results could not be written: ${error.message} (Service: S3, Status Code: ${error.status}, Error Code: ${error.name})`,
  );

/** Converts S3's refusal to a failure of the state. */
const withS3 = <T>(run: () => T, failureOf: (error: S3Error) => StateFailure): T => {
  try {
    return run();
  } catch (error) {
    throw error instanceof S3Error ? failureOf(error) : error;
  }
};

const destinationOf = async (
  { Resource: resource, Arguments: given }: ResultWriter,
  visit: Visit,
): Promise<Destination | undefined> => {
  if (resource === undefined) return undefined;
  const { Bucket: bucket = '', Prefix: prefix } = await objectLocationOf(visit, given, 'ResultWriter/Arguments', {
    required: ['Bucket'],
    optional: ['Prefix'],
  });
  return { bucket, prefix };
};

/** Runs all children; throws once more of them have failed than tolerated, after the others have stopped. */
const runChildren = async (
  state: MapState,
  visit: Visit,
  run: MapRun,
  inputs: ChildInput[],
  children: ChildExecution[],
): Promise<void> => {
  const { scope } = visit;
  const { clock, maps } = scope.run;
  for (const { items } of inputs) run.plan(items);
  await runBranches(scope, inputs.length, run.maxConcurrency, async (index, cancellation) => {
    const input = inputs[index];
    if (!input) throw new Error(`The child ${index} does not exist.`);
    const text = await input.text();
    // While the item was being selected, another child may have exceeded the tolerance.
    if (cancellation.cancelled) throw new Interrupted('Cancelled.');
    const child = maps.start(run, state, text);
    children[index] = child;
    run.begun(child, input.items);
    const release = cancellation.onCancel(() => child.stop());
    await clock.park(child.ended);
    release();
    run.ended(child, input.items);
    if (run.isOverTolerance)
      throw new StateFailure(
        'States.ExceedToleratedFailureThreshold',
        'The specified tolerated failure threshold was exceeded',
      );
  });
};

const started = (children: readonly (ChildExecution | undefined)[]): ChildExecution[] =>
  children.filter((child) => child !== undefined);

/** Reads the items, runs the children and writes the results. */
const carryOut = async (state: MapState, visit: Visit, run: MapRun, given: unknown[] | undefined): Promise<unknown> => {
  const { maps } = visit.scope.run;
  const objects = maps.objects();
  const writer = state.ResultWriter;
  const destination = writer && (await destinationOf(writer, visit));
  if (destination)
    withS3(
      () => testDestination(objects, destination, run),
      (error) => notWritable(visit, error),
    );
  const items = given ?? (state.ItemReader ? await readItems(state.ItemReader, visit, objects) : []);
  const inputs = await childInputs(state, visit, items);
  const children: ChildExecution[] = [];

  const write = async (): Promise<object | undefined> => {
    if (!destination || !writer) return undefined;
    const pending: string[] = [];
    for (const [index, { text }] of inputs.entries()) if (!children[index]) pending.push(await text());
    const result = withS3(
      () => exportResults(objects, destination, run, { children: started(children), pending, writer }),
      (error) => notWritten(visit, error),
    );
    run.resultsWritten();
    return result;
  };

  try {
    await runChildren(state, visit, run, inputs, children);
  } catch (error) {
    // A failed run exports its results and the pending items; a cancelled run does not.
    if (error instanceof StateFailure && run.children.length > 0) await write();
    throw error;
  }
  const exported = await write();
  if (exported) return exported;
  const result = resultOf(started(children), writer);
  visit.checkSize(result, 'returned a result');
  run.resultsWritten();
  return result;
};

/** Runs one attempt: "when you retry a Map state, it creates a new Map Run". */
export const attemptDistributed = async (state: MapState, visit: Visit): Promise<unknown> => {
  const { scope } = visit;
  const { clock, maps } = scope.run;
  const given = state.ItemReader ? undefined : await itemsOf(state, visit);
  const limit =
    (await visit.evaluateAs(state.MaxConcurrency ?? 0, 'MaxConcurrency', 'a whole number, 0 or more', isWhole(0))) ||
    MAX_CONCURRENCY;
  const tolerance = await toleranceOf(state, visit);
  // The number of items in S3 is not known yet.
  scope.add('MapStateStarted', { mapStateStartedEventDetails: { length: given?.length ?? 0 } });
  const run = maps.open(visit.name, state, { maxConcurrency: Math.min(limit, MAX_CONCURRENCY), tolerance });
  scope.add('MapRunStarted', { mapRunStartedEventDetails: { mapRunArn: run.arn } });
  try {
    maps.authorize();
    const result = await carryOut(state, visit, run, given);
    run.end('SUCCEEDED', clock.now());
    scope.add('MapRunSucceeded');
    scope.addAside('MapStateSucceeded');
    return result;
  } catch (failure) {
    run.end(failure instanceof StateFailure ? 'FAILED' : 'ABORTED', clock.now());
    if (failure instanceof StateFailure) {
      scope.add('MapRunFailed', { mapRunFailedEventDetails: failure.details() });
      scope.add('MapStateFailed');
    }
    if (failure instanceof Interrupted) scope.add('MapRunAborted');
    throw failure;
  }
};
