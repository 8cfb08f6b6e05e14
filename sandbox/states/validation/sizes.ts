/** Finds literals that exceed size limits. */
import { isExpression } from '../jsonata.ts';
import { MAX_PAYLOAD_BYTES } from '../limits.ts';
import { type Diagnostic, warningAt } from './diagnostics.ts';
import { fieldsOf } from './fields.ts';
import { type Level, statesOf } from './levels.ts';

/** Returns the minimum size of a template's value in bytes, counting expressions as one character. */
const literalBytes = (template: unknown): number =>
  Buffer.byteLength(
    JSON.stringify(template, (_, part: unknown) => (typeof part === 'string' && isExpression(part) ? 0 : part)),
  );

/** Returns a warning for each literal that always fails with States.DataLimitExceeded. */
export const sizeProblems = (levels: readonly Level[]): Diagnostic[] =>
  statesOf(levels).flatMap(({ state, at }) =>
    fieldsOf(state, at).flatMap((field) =>
      literalBytes(field.template) > MAX_PAYLOAD_BYTES
        ? [
            warningAt(
              'FAILS_AT_RUN_TIME_HERE',
              `The field has more than ${MAX_PAYLOAD_BYTES} bytes, so its state fails with States.DataLimitExceeded.`,
              field.at,
            ),
          ]
        : [],
    ),
  );
