/** Keeps the functions' logs and metrics in memory. */
import type { Clock, LogFields, Telemetry } from '../lambdas/ports/runtime.ts';
import { keepLatest } from './calls/call-log.ts';

export interface TelemetryLine {
  /** The sandbox's time, ISO 8601; absent for output of a bundled function. */
  at?: string;
  functionName: string;
  level: 'INFO' | 'WARN' | 'ERROR' | 'COUNT';
  /** Text, or the metric's name. */
  message: string;
  fields?: LogFields;
}

/** Returns a function's Telemetry that adds to `lines`. `keep` is the number of latest lines to keep; default: all. */
export const collectTelemetry = (
  lines: TelemetryLine[],
  functionName: string,
  clock: Pick<Clock, 'now'>,
  keep = Number.POSITIVE_INFINITY,
): Telemetry => {
  const add = (level: TelemetryLine['level'], message: string, fields?: LogFields): void => {
    lines.push({
      at: new Date(clock.now()).toISOString(),
      functionName,
      level,
      message,
      ...(fields ? { fields } : {}),
    });
    keepLatest(lines, keep);
  };
  return {
    log: {
      info: (message, fields) => add('INFO', message, fields),
      warn: (message, fields) => add('WARN', message, fields),
      error: (message, fields) => add('ERROR', message, fields),
    },
    count: (metric, value = 1) => add('COUNT', metric, { value }),
    seconds: (metric, value) => add('COUNT', metric, { value }),
  };
};
