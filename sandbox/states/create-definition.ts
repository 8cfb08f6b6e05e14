/** Validates a definition like CreateStateMachine. */
import type { Definition } from './definition.ts';
import { StatesError } from './error.ts';
import { MAX_DEFINITION } from './limits.ts';
import { parseDefinition } from './parse-definition.ts';
import { isError, refusalText } from './validation/diagnostics.ts';
import { validateDefinition } from './validation/validate.ts';

/** Definitions that already passed validation. */
const created = new WeakSet<Definition>();

/**
 * Validates a definition and fills in the defaults. Throws InvalidDefinition for a definition that AWS would refuse,
 * with every problem and its position, ValidationException for one that is too long, and an Error for one that the
 * sandbox does not support.
 */
export const createDefinition = (machineName: string, definition: object): Definition => {
  const parsed = parseDefinition(machineName, definition);
  if (created.has(parsed)) return parsed;
  if (JSON.stringify(definition).length > MAX_DEFINITION)
    throw new StatesError(
      'ValidationException',
      `${machineName}: 1 validation error detected: Value at 'definition' failed to satisfy constraint: Member must have length less than or equal to ${MAX_DEFINITION}`,
    );
  const errors = validateDefinition(parsed).filter(isError);
  if (errors.length > 0) throw new StatesError('InvalidDefinition', `${machineName}: ${refusalText(errors)}`);
  created.add(parsed);
  return parsed;
};
