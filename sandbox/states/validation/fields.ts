/** The fields of a state that may contain expressions, and the members of `$states` in each. */
import type { State } from '../definition.ts';

/**
 * A member of `$states` that exists only in some fields: "Attempting to access $states.result or $states.errorOutput in
 * fields and states where they are not accessible will be caught at creation" (Step Functions Developer Guide, "Passing
 * data between states with variables").
 */
export type Member = 'result' | 'errorOutput';

export interface Field {
  at: string;
  template: unknown;
  /** In addition to `input` and `context`. */
  has: readonly Member[];
}

const fieldsIn = (at: string, owner: object, names: readonly string[], has: readonly Member[] = []): Field[] =>
  names.flatMap((name) => {
    const template = (owner as Record<string, unknown>)[name];
    return template === undefined ? [] : [{ at: `${at}/${name}`, template, has }];
  });

const RESULTS = ['Output', 'Assign'];
const NUMBERS = ['MaxConcurrency', 'ToleratedFailurePercentage', 'ToleratedFailureCount'];

/** Returns the fields of the state's type, in addition to Output and Assign. */
const ownFields = (state: State, at: string): Field[] => {
  switch (state.Type) {
    case 'Task':
      return fieldsIn(at, state, ['Arguments', 'TimeoutSeconds', 'HeartbeatSeconds']);
    case 'Choice':
      return state.Choices.flatMap((rule, index) =>
        fieldsIn(`${at}/Choices[${index}]`, rule, ['Condition', ...RESULTS]),
      );
    case 'Wait':
      return fieldsIn(at, state, ['Seconds', 'Timestamp']);
    case 'Fail':
      return fieldsIn(at, state, ['Error', 'Cause']);
    case 'Parallel':
      return fieldsIn(at, state, ['Arguments']);
    case 'Map':
      return [
        ...fieldsIn(at, state, ['Items', 'ItemSelector', ...NUMBERS]),
        ...fieldsIn(`${at}/ItemReader`, state.ItemReader ?? {}, ['Arguments']),
        ...fieldsIn(`${at}/ItemReader/ReaderConfig`, state.ItemReader?.ReaderConfig ?? {}, ['MaxItems']),
        ...fieldsIn(`${at}/ItemBatcher`, state.ItemBatcher ?? {}, [
          'BatchInput',
          'MaxItemsPerBatch',
          'MaxInputBytesPerBatch',
        ]),
        ...fieldsIn(`${at}/ResultWriter`, state.ResultWriter ?? {}, ['Arguments']),
      ];
    case 'Pass':
    case 'Succeed':
      return [];
  }
};

export const fieldsOf = (state: State, at: string): Field[] => {
  const hasResult = state.Type === 'Task' || state.Type === 'Parallel' || state.Type === 'Map';
  return [
    ...ownFields(state, at),
    ...fieldsIn(at, state, RESULTS, hasResult ? ['result'] : []),
    ...('Catch' in state && state.Catch ? state.Catch : []).flatMap((catcher, index) =>
      fieldsIn(`${at}/Catch[${index}]`, catcher, RESULTS, ['errorOutput']),
    ),
  ];
};

/** Returns the strings in a template, each with its location. */
export const textsIn = (template: unknown, at: string): { text: string; at: string }[] => {
  if (typeof template === 'string') return [{ text: template, at }];
  if (Array.isArray(template)) return template.flatMap((part, index) => textsIn(part, `${at}[${index}]`));
  if (typeof template !== 'object' || template === null) return [];
  return Object.entries(template).flatMap(([key, part]) => textsIn(part, `${at}/${key}`));
};
