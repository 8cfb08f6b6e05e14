/** The flags of `npm run conformance -- api`. */
import { parseArgs } from 'node:util';

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

/** Returns what the flags select, or the text that refuses them. */
export const readOrder = (args: readonly string[]): Order | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        times: { type: 'string', default: String(TIMES) },
        brief: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return USAGE;
    if (!/^[1-9]\d{0,2}$/.test(values.times)) return `--times ${values.times} is no number from 1 to 999.\n${USAGE}`;
    const times = Number(values.times);
    return { times, brief: values.brief, whole: times === TIMES };
  } catch (error) {
    return `${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}.\n${USAGE}`;
  }
};
