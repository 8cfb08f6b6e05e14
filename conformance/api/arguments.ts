/** The flags of `npm run conformance -- api`. */
import { numberOf, readFlags } from '../flags.ts';

/** How many times the requests of CI. */
export const TIMES = 10;

export const USAGE = `Usage:
  npm run conformance -- api                  schemathesis with ${TIMES} times the requests of npm run check:api
                             --times N        with N times the requests; 1 is what CI does
                             --brief          without the output of schemathesis, unless it finds something
                             --plant NAME     with a planted defect: it must fail`;

export interface Order {
  times: number;
  brief: boolean;
  /** Whether results are kept. */
  whole: boolean;
}

/** Returns what the flags select. Throws as `readFlags` and `numberOf` do. */
export const readOrder = (args: readonly string[]): Order => {
  const { times: text, brief = false } = readFlags(
    args,
    { times: { type: 'string' }, brief: { type: 'boolean' } },
    USAGE,
  );
  const times = numberOf('times', text, { least: 1, most: 999, otherwise: TIMES, usage: USAGE });
  return { times, brief, whole: times === TIMES };
};
