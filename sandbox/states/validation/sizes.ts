/** Literals that are too large for what they are. */
import { isExpression } from '../jsonata.ts';
import { MAX_PAYLOAD_BYTES } from '../limits.ts';
import { type Diagnostic, warningAt } from './diagnostics.ts';
import { fieldsOf } from './fields.ts';
import { type Level, statesOf } from './levels.ts';

/** Bytes that a template gives at least, whatever its expressions come to. */
const literalBytes = (template: unknown): number =>
  Buffer.byteLength(
    JSON.stringify(template, (_, part: unknown) => (typeof part === 'string' && isExpression(part) ? 0 : part)),
  );

/** Literals that fail with States.DataLimitExceeded each time. */
export const sizeProblems = (levels: readonly Level[]): Diagnostic[] =>
  statesOf(levels).flatMap(({ state, at }) =>
    fieldsOf(state, at).flatMap((field) =>
      literalBytes(field.template) > MAX_PAYLOAD_BYTES
        ? [
            warningAt(
              'FAILS_AT_RUN_TIME_HERE',
              `It has more than ${MAX_PAYLOAD_BYTES} bytes, so that its state fails with States.DataLimitExceeded.`,
              field.at,
            ),
          ]
        : [],
    ),
  );
