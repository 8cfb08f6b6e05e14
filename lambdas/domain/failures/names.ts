/**
 * The names that a failure has for who reads it by the API: a closed set, each explained in docs/failures.md. A record
 * keeps whatever name an error had, those of AWS and of defects too.
 */
import { classOf, ERROR_CLASSES, type ErrorName } from './errors.ts';
import type { Failure } from '../migration/model.ts';

/** Beside those of errors. */
const OTHERS = [
  // Of a migration that Recover has taken over: why.
  'ExecutionStopped',
  'RollbackRequested',
  // Of a sweep.
  'SweepStopped',
  // Of AWS.
  'TimedOut',
  'FunctionFailed',
  // A defect, or a surprise.
  'Unexpected',
] as const;
export type FailureName = ErrorName | (typeof OTHERS)[number];

export const FAILURE_NAMES: readonly FailureName[] = [...(Object.keys(ERROR_CLASSES) as ErrorName[]), ...OTHERS];

const isOther = (name: string): name is (typeof OTHERS)[number] => OTHERS.some((one) => one === name);

/** As Step Functions names what Lambda, and it itself, failed by. */
function nameOfAws(name: string): FailureName {
  if (name === 'States.Timeout' || name === 'Sandbox.Timedout') return 'TimedOut';
  return name.startsWith('Lambda.') ? 'FunctionFailed' : 'Unexpected';
}

/** A failure by one of the names above. Where that is not its own, the message begins with it. */
export function knownFailure({ name, message }: Failure): { name: FailureName; message: string } {
  if (classOf(name) !== undefined || isOther(name)) return { name: name as FailureName, message };
  return { name: nameOfAws(name), message: `${name}: ${message}` };
}
