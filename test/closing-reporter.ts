import type { Reporter, TestModule } from 'vitest/node';
import { append, measurementsPath } from '../scripts/budgets/measurements.ts';
import { processorSeconds } from '../scripts/budgets/yardstick.ts';

/** Ends a run with one plain line of true counts; a file that fails to load counts as a failed test. */
export default class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) counts.failed += 1;
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed') counts[state] += 1;
        else counts.skipped += 1;
      }
    }
    process.on('exit', () => {
      const path = measurementsPath();
      if (path !== undefined) append(path, { kind: 'process', pid: process.pid, seconds: processorSeconds() });
      console.log(
        `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
      );
    });
  }
}
