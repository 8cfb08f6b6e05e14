/**
 * A setup file of Vitest, in use if MEASUREMENTS names a file: measures the processor seconds of each test file, of
 * loading it and of its tests, and how fast the machine is meanwhile.
 */
import { relative } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { append, measurementsPath, secondsWithChildren } from '../scripts/budgets/measurements.ts';
import { yardstick } from '../scripts/budgets/yardstick.ts';

/**
 * The yardstick is measured evenly in time, between tests: a machine is slower at some moments than at others, and a few
 * files take as long as hundreds of them.
 */
const MS_BETWEEN_YARDSTICKS = 4000;

const path = measurementsPath();
if (path !== undefined) {
  // Modules are loaded again for each file of a process if files are isolated, but the process stays.
  const last = globalThis as { yardstickAt?: number };
  const measureYardstick = (): void => {
    if (performance.now() < (last.yardstickAt ?? 0)) return;
    append(path, { kind: 'yardstick', seconds: yardstick() });
    last.yardstickAt = performance.now() + MS_BETWEEN_YARDSTICKS;
  };
  measureYardstick();
  afterEach(measureYardstick);
  const before = secondsWithChildren();
  let loaded = before;
  beforeAll(() => void (loaded = secondsWithChildren()));
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
