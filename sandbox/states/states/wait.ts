import type { WaitState } from '../definition.ts';
import type { StateRunner } from '../scope.ts';

/** Step Functions Developer Guide, "Wait workflow state": whole seconds. */
const isSeconds = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 99_999_999;
/** RFC 3339 with the upper-case T and Z that AWS requires. */
const isTimestamp = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
  !Number.isNaN(Date.parse(value));

export const runWait: StateRunner<WaitState> = async (state, visit) => {
  const { scope } = visit;
  const milliseconds =
    state.Timestamp === undefined
      ? 1000 *
        (await visit.evaluateAs(state.Seconds, 'Seconds', 'a whole number of seconds, at most 99999999', isSeconds))
      : Date.parse(
          await visit.evaluateAs(state.Timestamp, 'Timestamp', 'a timestamp such as 2026-01-15T09:00:00Z', isTimestamp),
        ) - scope.run.clock.now();
  if (milliseconds > 0) await scope.sleep(milliseconds);
  return { next: state.Next, ...(await visit.settle(state, visit.input)) };
};
