/**
 * The measurements of a run: a file with a JSON document on each line, which the processes of the run append to. Its
 * path is in the environment variable MEASUREMENTS.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { median, processorSeconds } from './yardstick.ts';

export type Measurement =
  /** All that a process had used when it was measured, in processor seconds; the last line of a process counts. */
  | { kind: 'process'; pid: number; seconds: number }
  /**
   * What a test file took in a process, and what the programs that it started took: `seconds` with the loading of its
   * modules, `ofTests` without.
   */
  | { kind: 'file'; file: string; seconds: number; ofTests: number }
  /** What the fixed piece of work took at some moment of the run. */
  | { kind: 'yardstick'; seconds: number };

export interface Measurements {
  /** Processor seconds of all processes together, without the yardstick's. */
  seconds: number;
  /** Processor seconds by test file, with the loading of its modules. */
  files: ReadonlyMap<string, number>;
  /** The same without the loading. */
  tests: ReadonlyMap<string, number>;
  /** The median of the yardstick, in processor seconds. */
  yardstick: number;
}

export const measurementsPath = (): string | undefined => process.env['MEASUREMENTS'];

export function append(path: string, measurement: Measurement): void {
  appendFileSync(path, `${JSON.stringify(measurement)}\n`);
}

/** Returns the processor seconds of the programs that this process has started and that have ended; 0 except on Linux. */
function secondsOfChildren(): number {
  if (!existsSync('/proc/self/stat')) return 0;
  // The second field, the program's name in parentheses, may contain spaces. cutime and cstime are fields 16 and 17.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticksASecond = 100;
  return (Number(fields[13]) + Number(fields[14])) / ticksASecond;
}

/** Returns the processor seconds of this process and of the programs that it has started and that have ended. */
export const secondsWithChildren = (): number => processorSeconds() + secondsOfChildren();

/** Reads the measurements of a run. Throws an Error if there are none, or if no yardstick was measured. */
export function readMeasurements(path: string): Measurements {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const all = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Measurement);
  const processes = new Map(all.flatMap((one) => (one.kind === 'process' ? [[one.pid, one.seconds]] : [])));
  const files = new Map(all.flatMap((one) => (one.kind === 'file' ? [[one.file, one.seconds]] : [])));
  const tests = new Map(all.flatMap((one) => (one.kind === 'file' ? [[one.file, one.ofTests]] : [])));
  const yardsticks = all.flatMap((one) => (one.kind === 'yardstick' ? [one.seconds] : []));
  if (processes.size === 0 || yardsticks.length === 0)
    throw new Error(`${path} contains no measurements. Run the tests with MEASUREMENTS=${path}.`);
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, one) => total + one, 0);
  return {
    seconds: sum(processes.values()) - sum(yardsticks),
    files,
    tests,
    yardstick: median(yardsticks),
  };
}
