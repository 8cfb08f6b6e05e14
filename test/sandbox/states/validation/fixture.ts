/** Definitions to validate, and their diagnostics. */
import { parseDefinition } from '../../../../sandbox/states/parse-definition.ts';
import type { Diagnostic } from '../../../../sandbox/states/validation/diagnostics.ts';
import { validateDefinition } from '../../../../sandbox/states/validation/validate.ts';

export type States = Record<string, Record<string, unknown>>;

/** All diagnostics of states, which start at the first one. */
export const diagnosticsOf = (states: States): Diagnostic[] =>
  validateDefinition(
    parseDefinition('machine', { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states }),
  );

/** The same as text: `CODE at LOCATION`. */
export const found = (states: States): string[] =>
  diagnosticsOf(states).map(({ code, location }) => (location === undefined ? code : `${code} at ${location}`));

/** A state E with that output. */
export const passWith = (output: unknown): States => ({ E: { Type: 'Pass', Output: output, End: true } });

/** A Map that runs these states for each item. */
export const mapOf = (
  states: States,
  more: Record<string, unknown> = {},
  config?: object,
): Record<string, unknown> => ({
  Type: 'Map',
  Items: [1],
  ItemProcessor: { StartAt: Object.keys(states)[0], States: states, ...(config ? { ProcessorConfig: config } : {}) },
  ...more,
});

export const DISTRIBUTED = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' };

export const task = (more: Record<string, unknown>): Record<string, unknown> => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: 'f' },
  ...more,
});
