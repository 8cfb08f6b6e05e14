/**
 * A setup file of Vitest, in use if MEASUREMENTS names a file: measures the processor seconds of each test file, of
 * loading it and of its tests, and how fast the machine is meanwhile.
 */
import { relative } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { append, measurementsPath, secondsWithChildren } from '../scripts/budgets/measurements.ts';
import { yardstick } from '../scripts/budgets/yardstick.ts';

/** A yardstick is measured before each fifth file of a process: a run has hundreds of files in shared processes. */
const FILES_BETWEEN_YARDSTICKS = 5;

const path = measurementsPath();
if (path !== undefined) {
  // Modules are loaded again for each file of a process if files are isolated, but the process stays.
  const counted = globalThis as { measuredFiles?: number };
  counted.measuredFiles = (counted.measuredFiles ?? -1) + 1;
  if (counted.measuredFiles % FILES_BETWEEN_YARDSTICKS === 0) append(path, { kind: 'yardstick', seconds: yardstick() });
  const before = secondsWithChildren();
  let loaded = before;
  beforeAll(() => {
    loaded = secondsWithChildren();
  });
  afterAll(() => {
    const after = secondsWithChildren();
    append(path, {
      kind: 'file',
      file: relative(process.cwd(), expect.getState().testPath ?? 'unknown'),
      seconds: after - before,
      ofTests: after - loaded,
    });
    append(path, { kind: 'process', pid: process.pid, seconds: after });
  });
}
