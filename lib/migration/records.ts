import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { expression, type Expression, FAILURE_TEXT } from './expressions.ts';
import type { FailureTarget } from './errors.ts';
import { catchFailures, EXECUTION_ARN, MIGRATION, type StepFunctions, stepTask } from './task.ts';

const FAILURE = expression('$failure');

interface Recorded {
  stateName: `Record${string}`;
  outcome: 'migrated' | 'blocked' | 'rolled-back' | 'needs-human';
  /** Of what; default: the variables. */
  migration?: { migrationId: Expression; target: Expression; subject: Expression };
  next: sfn.State;
  /** Where it leads that the end can't be recorded, and what the failure then says. */
  unrecorded: { target: FailureTarget; state: sfn.State; failure: Expression };
}

/** A state that records how a migration ended and lets go of its locks. The ends of failures say what failed. */
export function recordEnd(
  scope: Construct,
  functions: StepFunctions,
  { stateName, outcome, migration = MIGRATION, next, unrecorded }: Recorded,
): sfn.State {
  const failure = outcome === 'migrated' ? {} : { failure: FAILURE };
  const record = stepTask(scope, 'finish', {
    functions,
    stateName,
    payload: { ...migration, executionArn: EXECUTION_ARN, outcome, ...failure },
  });
  record.next(next);
  catchFailures(
    record,
    [{ errors: 'any', next: unrecorded.target }],
    { [unrecorded.target]: unrecorded.state },
    { failure: unrecorded.failure },
  );
  return record;
}

/** A Fail state whose error is the outcome; its cause, text in an expression, says what happened and where to look. */
export const failWith = (scope: Construct, name: string, cause: string): sfn.Fail =>
  sfn.Fail.jsonata(scope, name, { error: name, cause: expression(cause) });

/** Within quotes: the error that led to an end. */
export const FIRST_ERROR = `The first error: ' & ${FAILURE_TEXT} & '`;
