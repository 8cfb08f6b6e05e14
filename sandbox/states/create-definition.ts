/** Takes a definition as CreateStateMachine does. */
import type { Definition } from './definition.ts';
import { StatesError } from './error.ts';
import { MAX_DEFINITION } from './limits.ts';
import { parseDefinition } from './parse-definition.ts';
import { isError, refusalText } from './validation/diagnostics.ts';
import { validateDefinition } from './validation/validate.ts';

/** Those that were found right before. */
const created = new WeakSet<Definition>();

/**
 * Checks a definition and fills in the defaults. Throws InvalidDefinition for what AWS would not create, with every
 * place that is wrong, ValidationException for one that is too long, and an Error for what the sandbox can't run.
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
