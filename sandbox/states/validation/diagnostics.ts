/**
 * What Step Functions finds wrong with a definition. Source: Step Functions API Reference,
 * ValidateStateMachineDefinitionDiagnostic. The codes and texts of JSONata and of transitions are AWS's, as
 * floci-io/floci#2699 and #2786 have measured them. DUPLICATE_VARIABLE_NAME and POSSIBLY_UNDEFINED_VARIABLE are another
 * emulator's names: nobody shows AWS's. Those that end in `_HERE` are the sandbox's own.
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
  /** Nothing is created with an ERROR; a WARNING is for whoever wrote the definition. */
  severity: 'ERROR' | 'WARNING';
  code: Code;
  message: string;
  /** Such as `/States/Plan/Assign/target`; absent where the definition as a whole is meant. */
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

/** The message of the exception InvalidDefinition, as AWS composes it of all that is wrong. */
export const refusalText = (diagnostics: readonly Diagnostic[]): string =>
  `Invalid State Machine Definition: '${diagnostics
    .map(({ code, message, location = 'null' }) => `${code}: ${message} at ${location}`)
    .join(', ')}'`;
