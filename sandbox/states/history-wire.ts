import type { HistoryEvent } from './history.ts';

/** Execution data within an event's details: left out if the caller excludes it. */
const DATA = new Set([
  'input',
  'inputDetails',
  'output',
  'outputDetails',
  'parameters',
  'assignedVariables',
  'assignedVariablesDetails',
]);

/** Returns an event in GetExecutionHistory's form, with seconds since 1970. */
export const toWire = (event: HistoryEvent, includeExecutionData: boolean): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(event).map(([key, value]): [string, unknown] => {
      if (key === 'timestamp') return [key, event.timestamp / 1000];
      if (includeExecutionData || typeof value !== 'object') return [key, value];
      return [
        key,
        Object.fromEntries(Object.entries(value as Record<string, unknown>).filter(([name]) => !DATA.has(name))),
      ];
    }),
  );
