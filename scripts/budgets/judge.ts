/** Compares what was measured with the budgets of the repository. Decides only: it measures and reads nothing. */

/** The contents of budgets.json. */
export interface Budgets {
  /** What the yardstick took on the machine on which the seconds were recorded, in processor seconds. */
  yardstick: number;
  /** The limits of the processor seconds of a whole run, by npm script. */
  seconds: Readonly<Record<string, number>>;
  /** The limit of the processor seconds of a test file of `npm test` that runs alone, without the loading of modules. */
  secondsOfFile: number;
  /** The limit of the processor time of a simulated migration, in milliseconds. */
  migration: number;
  /** The limit of the calls of a simulated migration. */
  calls: number;
  /** The limits of the tracked lines, by what is counted. */
  lines: Readonly<Record<string, number>>;
  /** The recorded processor seconds of the test files of each npm script that took a second or more. */
  files: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** How much slower than the recording machine, at the time of the measurement, this one is; never less than 1. */
export const slowness = (budgets: Budgets, yardstick: number): number => Math.max(1, yardstick / budgets.yardstick);

export interface Verdict {
  what: string;
  /** A sentence with the figure, the limit and, if it is exceeded, what grew. */
  text: string;
  isWithin: boolean;
}

const shown = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

const figure = (what: string, value: number, limit: number, unit: string, factor: number): string =>
  `${what}: ${shown(value / factor)} of ${limit} ${unit}` +
  (factor > 1 ? ` (${shown(value)} measured on a machine that is ${factor.toFixed(2)} times slower)` : '');

/**
 * Judges a measured amount of processor time. `value` and `limit` have the same unit; `factor` is how much slower the
 * machine is than the one that the limit is for.
 */
export function judgeTime(what: string, value: number, limit: number, unit: string, factor: number): Verdict {
  return { what, isWithin: value / factor <= limit, text: figure(what, value, limit, unit, factor) };
}

/** Returns the files that took longer than recorded, by how much in seconds, the largest difference first. */
export function grown(
  recorded: Readonly<Record<string, number>>,
  measured: ReadonlyMap<string, number>,
  factor: number,
  most = 10,
): [file: string, more: number][] {
  const unrecorded = 1;
  return [...measured]
    .map(([file, seconds]): [string, number] => [file, seconds / factor - (recorded[file] ?? unrecorded)])
    .filter(([, more]) => more > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, most);
}

/** Judges the processor seconds of a whole run of tests, and names the files that grew if they are exceeded. */
export function judgeRun(
  budgets: Budgets,
  script: string,
  run: { seconds: number; files: ReadonlyMap<string, number>; yardstick: number },
): Verdict {
  const limit = budgets.seconds[script];
  if (limit === undefined) throw new Error(`budgets.json has no limit for npm run ${script}.`);
  const factor = slowness(budgets, run.yardstick);
  const verdict = judgeTime(`npm run ${script}`, run.seconds, limit, 'processor seconds', factor);
  if (verdict.isWithin) return verdict;
  const more = grown(budgets.files[script] ?? {}, run.files, factor);
  const names = more.map(([file, seconds]) => `\n  ${file} takes ${seconds.toFixed(1)} s more than recorded`);
  return { ...verdict, text: `${verdict.text}${names.join('')}` };
}

/** Judges numbers of lines, and names the files with the most added lines if the limit is exceeded. */
export function judgeLines(
  what: string,
  lines: number,
  limit: number,
  added: () => readonly [file: string, lines: number][],
): Verdict {
  const text = `${what}: ${lines.toLocaleString('en-US')} of ${limit.toLocaleString('en-US')} lines`;
  if (lines <= limit) return { what, isWithin: true, text };
  const names = added().map(([file, more]) => `\n  ${file} has ${more} lines more than when the limit was set`);
  return { what, isWithin: false, text: `${text}${names.join('')}` };
}
