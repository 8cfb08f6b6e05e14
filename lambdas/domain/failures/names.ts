/**
 * The names of failures that the API shows: a closed set, explained in docs/failures.md. A record keeps the original
 * name of an error, including those of AWS and of defects.
 */
import { classOf, ERROR_CLASSES, type ErrorName } from './errors.ts';
import type { Failure } from '../terms/outcome.ts';

/** Names in addition to those of errors. */
const OTHERS = [
  // Why Recover has taken over a migration.
  'ExecutionStopped',
  'RollbackRequested',
  // Sweeps.
  'SweepStopped',
  // AWS.
  'TimedOut',
  'FunctionFailed',
  // A defect, or an unforeseen condition.
  'Unexpected',
] as const;
export type FailureName = ErrorName | (typeof OTHERS)[number];

export const FAILURE_NAMES: readonly FailureName[] = [...(Object.keys(ERROR_CLASSES) as ErrorName[]), ...OTHERS];

const isOther = (name: string): name is (typeof OTHERS)[number] => OTHERS.some((one) => one === name);

/** Maps the names that Step Functions uses for failures of Lambda, and for its own. */
function nameOfAws(name: string): FailureName {
  if (name === 'States.Timeout' || name === 'Sandbox.Timedout') return 'TimedOut';
  return name.startsWith('Lambda.') ? 'FunctionFailed' : 'Unexpected';
}

/** Returns a failure with one of the names above. If its original name differs, the message begins with that name. */
export function knownFailure({ name, message }: Failure): { name: FailureName; message: string } {
  if (classOf(name) !== undefined || isOther(name)) return { name: name as FailureName, message };
  return { name: nameOfAws(name), message: `${name}: ${message}` };
}
