import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { caught, expression, type Expression, FAILURE_TEXT, type FailureOf } from './expressions.ts';
import type { FailureTarget } from './errors.ts';
import { BACK, GAVE_UP_TEXT, type Pauses } from './pauses.ts';
import { catchFailures, EXECUTION_ARN, MIGRATION, type StepFunctions, stepTask } from './task.ts';

const FAILURE = expression('$failure');

interface Recorded {
  stateName: `Record${string}`;
  outcome: 'migrated' | 'blocked' | 'rolled-back' | 'needs-human';
  /** What the record is about. Default: the variables. */
  migration?: { migrationId: Expression; target: Expression; subject: Expression };
  next: sfn.State;
  /** Where it leads if the end cannot be recorded, and the failure then. */
  unrecorded: { target: FailureTarget; state: sfn.State; failure: FailureOf };
  pauses: Pauses;
}

/**
 * Creates a state that records the end of a migration and releases its locks. After a failure, it records the failure.
 */
export function recordEnd(
  scope: Construct,
  functions: StepFunctions,
  { stateName, outcome, migration = MIGRATION, next, unrecorded, pauses }: Recorded,
): sfn.State {
  const failure = outcome === 'migrated' ? {} : { failure: FAILURE };
  const record = stepTask(scope, 'finish', {
    functions,
    stateName,
    payload: { ...migration, executionArn: EXECUTION_ARN, outcome, ...failure },
    pausing: BACK,
  });
  record.next(next);
  pauses.phase(stateName, {
    back: true,
    tooLong: { to: unrecorded.state, failure: unrecorded.failure(GAVE_UP_TEXT) },
  });
  pauses.around(record, stateName, BACK);
  catchFailures(
    record,
    [{ errors: 'any', next: unrecorded.target }],
    { [unrecorded.target]: unrecorded.state },
    { failure: caught(unrecorded.failure) },
  );
  return record;
}

/**
 * Creates a Fail state whose error is the outcome. Its cause, an expression, says what happened and where to find more.
 */
export const failWith = (scope: Construct, name: string, cause: string): sfn.Fail =>
  sfn.Fail.jsonata(scope, name, { error: name, cause: expression(cause) });

/** For use within quotes: the error that led to an end. */
export const FIRST_ERROR = `The first error: ' & ${FAILURE_TEXT} & '`;
