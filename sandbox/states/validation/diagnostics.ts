/**
 * Problems that Step Functions finds in a definition. Source: Step Functions API Reference,
 * ValidateStateMachineDefinitionDiagnostic. The codes and texts for JSONata and transitions are AWS's, as measured by
 * floci-io/floci#2699 and #2786. DUPLICATE_VARIABLE_NAME and POSSIBLY_UNDEFINED_VARIABLE are another emulator's names:
 * no source shows AWS's. Codes that end in `_HERE` are the sandbox's own.
 */
export type Code =
  | 'SCHEMA_VALIDATION_FAILED'
  | 'MISSING_END_STATE'
  | 'MISSING_TRANSITION_TARGET'
  | 'DUPLICATE_STATE_NAME'
  | 'INVALID_JSONATA_EXPRESSION'
  | 'UNSUPPORTED_JSONATA_EXPRESSION'
  | 'DUPLICATE_VARIABLE_NAME'
  | 'POSSIBLY_UNDEFINED_VARIABLE'
  | 'FAILS_AT_RUN_TIME_HERE'
  | 'HIDES_FUNCTION_HERE';

export interface Diagnostic {
  /** An ERROR prevents creation; a WARNING informs the author of the definition. */
  severity: 'ERROR' | 'WARNING';
  code: Code;
  message: string;
  /** Such as `/States/Plan/Assign/target`; absent if the problem concerns the whole definition. */
  location?: string;
}

export const errorAt = (code: Code, message: string, location?: string): Diagnostic => ({
  severity: 'ERROR',
  code,
  message,
  ...(location === undefined ? {} : { location }),
});
export const warningAt = (code: Code, message: string, location: string): Diagnostic => ({
  severity: 'WARNING',
  code,
  message,
  location,
});

export const isError = ({ severity }: Diagnostic): boolean => severity === 'ERROR';

/** Returns the message of the exception InvalidDefinition, composed of all problems as AWS does. */
export const refusalText = (diagnostics: readonly Diagnostic[]): string =>
  `Invalid State Machine Definition: '${diagnostics
    .map(({ code, message, location = 'null' }) => `${code}: ${message} at ${location}`)
    .join(', ')}'`;
